//! From the bytes of a file to text, and from text to lines: UTF-8 with or without a byte order mark, UTF-16 (what `>` of
//! Windows PowerShell writes), and consoles' code pages, of which only ASCII is relied on.

use super::error::HostTableError;
use super::{MAX_LINE_BYTES, builder::Builder};
use std::borrow::Cow;

const PCAP: &str = "this is a capture (pcap)";
const AS_CAPTURE: &str = "give it without --host-table";

/// First bytes of files that are no text, with what to do instead.
const BINARIES: [(&[u8], &str, &str); 9] = [
    (b"ElfFile\0", "this is an event log (.evtx)", "export it as XML: wevtutil qe FILE /lf:true /f:xml > events.xml"),
    (b"PK\x03\x04", "this is a workbook or an archive", "give the text file that the tool wrote"),
    (b"\x1f\x8b", "this is a gzip file", "unpack it first"),
    (b"\x0a\x0d\x0d\x0a", "this is a capture (pcapng)", AS_CAPTURE),
    (b"\xd4\xc3\xb2\xa1", PCAP, AS_CAPTURE),
    (b"\xa1\xb2\xc3\xd4", PCAP, AS_CAPTURE),
    (b"\x4d\x3c\xb2\xa1", PCAP, AS_CAPTURE),
    (b"\xa1\xb2\x3c\x4d", PCAP, AS_CAPTURE),
    (b"\x28\xb5\x2f\xfd", "this is a zstd file", "unpack it first"),
];

/// The text of a file.
pub(super) struct Decoded<'a> {
    pub(super) text: Cow<'a, str>,
    /// The first line, from 1, that holds something which is no character of the encoding.
    pub(super) first_bad_line: Option<u64>,
}

/// Decodes a file; an error where it is no text.
pub(super) fn decode<'a>(file: &str, bytes: &'a [u8]) -> Result<Decoded<'a>, HostTableError> {
    let refused = |reason: &str, advice: &str| HostTableError::UnknownFormat {
        file: file.to_owned(),
        reason: reason.to_owned(),
        advice: advice.to_owned(),
    };
    if let Some((_, reason, advice)) = BINARIES.iter().find(|(magic, ..)| bytes.starts_with(magic)) {
        return Err(refused(reason, advice));
    }
    match bytes {
        [0xff, 0xfe, rest @ ..] => return Ok(utf16(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => return Ok(utf16(rest, u16::from_be_bytes)),
        // Without a mark: text begins with ASCII here, whatever the language.
        [first, 0, second, 0, ..] if *first != 0 && *second != 0 => return Ok(utf16(bytes, u16::from_le_bytes)),
        [0, first, 0, second, ..] if *first != 0 && *second != 0 => return Ok(utf16(bytes, u16::from_be_bytes)),
        _ => {}
    }
    if bytes.contains(&0) {
        return Err(refused("the file holds zero bytes: it is no text", "give the text file that the tool wrote"));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Decoded { text: text.strip_prefix('\u{feff}').unwrap_or(text).into(), first_bad_line: None }),
        Err(error) => {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let lines = before.iter().filter(|&&byte| byte == b'\n').count() as u64;
            Ok(Decoded { text: String::from_utf8_lossy(bytes), first_bad_line: Some(lines + 1) })
        }
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Decoded<'static> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let (mut text, mut bad, mut line) = (String::with_capacity(bytes.len() / 2), None, 1);
    for character in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        line += u64::from(character == Ok('\n'));
        if character.is_err() {
            bad.get_or_insert(line);
        }
        // Zero characters end nothing here, and belong to no text.
        text.push(character.ok().filter(|c| *c != '\0').unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    if !rest.is_empty() {
        bad.get_or_insert(line);
    }
    Decoded { text: text.into(), first_bad_line: bad }
}

/// Tells the line of a position as reading goes on.
pub(super) struct LineCounter<'a> {
    text: &'a str,
    at: usize,
    line: u64,
}

impl<'a> LineCounter<'a> {
    pub(super) fn new(text: &'a str, first_line: u64) -> Self {
        Self { text, at: 0, line: first_line }
    }

    /// The line of a byte offset, which is not before the last one that was asked for.
    pub(super) fn at(&mut self, position: u64) -> u64 {
        let position = usize::try_from(position).unwrap_or(usize::MAX).min(self.text.len());
        if let Some(passed) = self.text.as_bytes().get(self.at..position) {
            self.line += passed.iter().filter(|&&byte| byte == b'\n').count() as u64;
            self.at = position;
        }
        self.line
    }

    /// The same, empty lines at the position passed over.
    pub(super) fn at_text(&mut self, position: u64) -> u64 {
        let start = usize::try_from(position).unwrap_or(usize::MAX).min(self.text.len());
        let rest = self.text.as_bytes().get(start..).unwrap_or_default();
        let empty = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        self.at(start.saturating_add(empty) as u64)
    }
}

/// Calls `each` with every line and its number, too long ones left out and told; all are counted.
pub(super) fn for_lines(
    text: &str,
    first_line: u64,
    builder: &mut Builder,
    mut each: impl FnMut(u64, &str, &mut Builder),
) {
    for (number, line) in (first_line..).zip(text.lines()) {
        builder.count_line();
        if line.len() > MAX_LINE_BYTES {
            builder.misread(number, "longer than 64 KiB: no tool writes such a line");
        } else {
            each(number, line, builder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_gives_the_same_text() {
        let expected = "Proto  Lokale Adresse  ABHÖREN\r\n外部アドレス";
        let units: Vec<u16> = expected.encode_utf16().collect();
        let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        let inputs = [
            expected.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", expected.as_bytes()].concat(),
            [b"\xff\xfe", little.as_slice()].concat(),
            [b"\xfe\xff", big.as_slice()].concat(),
            little,
            big,
        ];
        for bytes in inputs {
            let decoded = decode("x", &bytes).unwrap();
            assert_eq!((decoded.text.as_ref(), decoded.first_bad_line), (expected, None));
        }
    }

    #[test]
    fn code_pages_keep_their_ascii_and_damage_is_told_with_its_line() {
        let decoded = decode("x", b"a\n  TCP  1.2.3.4:5 ABH\x99REN\n").unwrap();
        assert_eq!((decoded.text.as_ref(), decoded.first_bad_line), ("a\n  TCP  1.2.3.4:5 ABH\u{fffd}REN\n", Some(2)));
        let decoded = decode("x", b"\xff\xfea\0\n\0\x00\xd8b").unwrap();
        assert_eq!((decoded.text.as_ref(), decoded.first_bad_line), ("a\n\u{fffd}", Some(2)));
    }

    #[test]
    fn what_is_no_text_is_refused_with_advice() {
        for bytes in [b"ElfFile\0\0\0".as_slice(), b"PK\x03\x04", b"\x1f\x8b\x08", b"\x0a\x0d\x0d\x0a", b"text\0more"] {
            assert!(matches!(decode("x", bytes), Err(HostTableError::UnknownFormat { .. })), "{bytes:?}");
        }
    }
}

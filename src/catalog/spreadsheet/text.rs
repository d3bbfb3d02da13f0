//! From the bytes of a spreadsheet file to text: UTF-8 with or without a byte order mark, UTF-16 with one ("Unicode text"),
//! and Windows-1252, which is Latin-1 with Windows' dashes and quotation marks, where it is neither.

use super::super::error::{CatalogError, MAX_FILE_BYTES, Place};

/// Windows-1252 from 0x80 to 0x9F; what is not assigned becomes the replacement character. All other bytes are Latin-1.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{fffd}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{fffd}', 'Ž', '\u{fffd}', '\u{fffd}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{fffd}', 'ž', 'Ÿ',
];

/// First bytes of files that spreadsheet programs write and that are no text: ZIP (.xlsx, .ods), and the older .xls.
const WORKBOOKS: [&[u8]; 2] = [b"PK\x03\x04", b"\xd0\xcf\x11\xe0"];

/// A text, and what had to be assumed to read it, with its line.
pub(super) struct Decoded {
    pub(super) text: String,
    pub(super) assumed: Option<(usize, String)>,
}

impl Decoded {
    fn plain(text: &str) -> Self {
        Self { text: text.to_owned(), assumed: None }
    }
}

/// Decodes a file; an error where it is too large or no text.
pub(super) fn decode(name: &str, bytes: &[u8]) -> Result<Decoded, CatalogError> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(CatalogError::TooLarge { file: name.to_owned() });
    }
    let refused = |problem: &str, advice: &str| CatalogError::Text {
        file: name.to_owned(),
        place: Place { line: 1, column: 1 },
        problem: problem.to_owned(),
        advice: advice.to_owned(),
    };
    if WORKBOOKS.iter().any(|magic| bytes.starts_with(magic)) {
        return Err(refused("this is a workbook, not a text file", "save the sheet as \"CSV UTF-8\" and import that"));
    }
    match bytes {
        [0xff, 0xfe, rest @ ..] => return Ok(utf16(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => return Ok(utf16(rest, u16::from_be_bytes)),
        _ => {}
    }
    if bytes.contains(&0) {
        let problem = "the file holds zero bytes: it is no text, or UTF-16 without a byte order mark";
        return Err(refused(problem, "save the sheet as \"CSV UTF-8\" and import that"));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Decoded::plain(text.strip_prefix('\u{feff}').unwrap_or(text))),
        Err(error) => {
            let before = &bytes[..error.valid_up_to()];
            let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
            let problem =
                "not UTF-8: the file is read as Windows-1252 (Latin-1); save it as \"CSV UTF-8\" if a letter is wrong";
            Ok(Decoded { text: windows_1252(bytes), assumed: Some((line, problem.to_owned())) })
        }
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Decoded {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| unit(*pair));
    let (mut text, mut broken) = (String::with_capacity(bytes.len()), !rest.is_empty());
    for character in char::decode_utf16(units) {
        broken |= character.is_err();
        text.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    let assumed =
        || (1, "the file is damaged UTF-16: what could not be read is shown as \u{fffd}; save it again".to_owned());
    Decoded { assumed: broken.then(assumed), text }
}

fn windows_1252(bytes: &[u8]) -> String {
    let character = |&byte: &u8| match byte {
        0x80..=0x9f => WINDOWS_1252.get(usize::from(byte - 0x80)).copied().unwrap_or(char::REPLACEMENT_CHARACTER),
        latin => char::from(latin),
    };
    bytes.iter().map(character).collect()
}

/// A cell as a document can hold it: one line, single spaces, no control or format characters, and without the `="…"`
/// in which some programs wrap numbers.
pub(super) fn cleaned(cell: &str) -> String {
    let cell = cell.trim();
    let cell = cell.strip_prefix("=\"").and_then(|inner| inner.strip_suffix('"')).unwrap_or(cell);
    let mut out = String::with_capacity(cell.len());
    for word in cell.split(|c: char| c.is_whitespace() || c.is_control()) {
        let word: String = word.chars().filter(|c| !is_format(*c)).collect();
        if !word.is_empty() {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(&word);
        }
    }
    out
}

/// Marks that are not shown: soft hyphens, zero-width spaces, directions of writing, byte order marks.
fn is_format(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// A text of the file in a message: in quotation marks, cut where it is long, with what would act spelt out.
pub(super) fn quoted(text: &str) -> String {
    const SHOWN: usize = 60;
    match text.char_indices().nth(SHOWN) {
        None => format!("{text:?}"),
        Some((at, _)) => format!("{:?}", format!("{}…", &text[..at])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> (String, bool) {
        let decoded = decode("x.csv", bytes).unwrap();
        (decoded.text, decoded.assumed.is_some())
    }

    #[test]
    fn every_encoding_gives_the_same_text() {
        let expected = "Kälte – 1";
        let units: Vec<u16> = expected.encode_utf16().collect();
        let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        assert_eq!(text(expected.as_bytes()), (expected.to_owned(), false));
        assert_eq!(text(&[b"\xef\xbb\xbf", expected.as_bytes()].concat()), (expected.to_owned(), false));
        assert_eq!(text(&[b"\xff\xfe", little.as_slice()].concat()), (expected.to_owned(), false));
        assert_eq!(text(&[b"\xfe\xff", big.as_slice()].concat()), (expected.to_owned(), false));
        assert_eq!(text(b"K\xe4lte \x96 1"), (expected.to_owned(), true));
    }

    #[test]
    fn what_is_no_text_is_told() {
        for (bytes, part) in [
            (b"PK\x03\x04rest".as_slice(), "x.csv:1:1: this is a workbook"),
            (b"\xd0\xcf\x11\xe0rest", "this is a workbook"),
            (b"a\0b\0", "zero bytes"),
        ] {
            let error = decode("x.csv", bytes).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains(part), "{error}");
        }
        assert!(matches!(decode("x.csv", &vec![b' '; MAX_FILE_BYTES + 1]), Err(CatalogError::TooLarge { .. })));
        let (read, assumed) = text(b"\xff\xfea\0\x00\xd8b");
        assert_eq!((read.as_str(), assumed), ("a\u{fffd}", true));
    }

    #[test]
    fn cells_are_one_line_without_what_acts() {
        assert_eq!(cleaned(" a\r\n b\u{a0}c\u{200b}d\u{1b}[0m "), "a b cd [0m");
        assert_eq!(cleaned("=\"0443\""), "0443");
        assert_eq!(cleaned("\u{feff}\t"), "");
    }
}

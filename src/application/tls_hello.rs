//! ClientHello and ServerHello of TLS and DTLS (RFC 8446 section 4.1, RFC 5246 section 7.4.1, RFC 9147 section 5.3), and the
//! JA4 fingerprint of a client (FoxIO, `technical_details/JA4.md`).
//!
//! Read: versions, cipher suites, and the extensions server_name (RFC 6066 section 3), ALPN (RFC 7301),
//! signature_algorithms and supported_versions (RFC 8446 section 4.2). Not read: random, session, keys, tickets.

use super::reader::{be16, slice};
use crate::model::Transport;
use sha2::{Digest, Sha256};

const SERVER_NAME: u16 = 0;
const SIGNATURE_ALGORITHMS: u16 = 13;
const ALPN: u16 = 16;
const SUPPORTED_VERSIONS: u16 = 43;
/// Version and random.
const BEFORE_SESSION: usize = 34;
/// JA4 counts no further.
const MOST_COUNTED: usize = 99;
/// What the lists of most clients need.
const LIST_BYTES: usize = 256;
/// Characters of a hash in JA4.
const HASH_CHARACTERS: usize = 12;

/// A hello, as far as it is there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hello<'a> {
    /// Version of the hello itself: TLS 1.3 says 1.2 here.
    pub(super) legacy_version: u16,
    /// A client's list of cipher suites, or the server's choice.
    ciphers: &'a [u8],
    extensions: &'a [u8],
    /// Nothing of it is cut off.
    whole: bool,
}

/// What a list holds that begins with its length, cut where bytes lack; and whether they do.
fn list(bytes: &[u8], at: usize, length: usize) -> (&[u8], bool) {
    match slice(bytes, at, length) {
        Some(list) => (list, true),
        None => (bytes.get(at..).unwrap_or_default(), false),
    }
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
}

/// GREASE values (RFC 8701 section 2) say nothing.
fn is_grease(value: u16) -> bool {
    let [high, low] = value.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

impl<'a> Hello<'a> {
    /// A ClientHello without its handshake header. That of DTLS has a cookie besides.
    pub(super) fn of_client(body: &'a [u8], over: Transport) -> Option<Self> {
        let mut at = BEFORE_SESSION + 1 + usize::from(*body.get(BEFORE_SESSION)?);
        if over == Transport::Udp {
            at += 1 + usize::from(*body.get(at)?);
        }
        let (ciphers, _) = list(body, at + 2, usize::from(be16(body, at)?));
        at += 2 + ciphers.len();
        at += 1 + usize::from(body.get(at).copied().unwrap_or_default());
        Some(Self::with_extensions(body, ciphers, at))
    }

    /// A ServerHello without its handshake header.
    pub(super) fn of_server(body: &'a [u8]) -> Option<Self> {
        let at = BEFORE_SESSION + 1 + usize::from(*body.get(BEFORE_SESSION)?);
        let ciphers = slice(body, at, 2)?;
        // One byte of compression follows.
        Some(Self::with_extensions(body, ciphers, at + 3))
    }

    fn with_extensions(body: &'a [u8], ciphers: &'a [u8], at: usize) -> Self {
        let legacy_version = be16(body, 0).unwrap_or_default();
        let (extensions, whole) = match be16(body, at) {
            Some(length) => list(body, at + 2, usize::from(length)),
            // A hello may end without extensions.
            None => (&[][..], at == body.len()),
        };
        Self { legacy_version, ciphers, extensions, whole }
    }

    /// Extensions in their order, with their bytes.
    fn extensions(&self) -> impl Iterator<Item = (u16, &'a [u8])> {
        let mut rest = self.extensions;
        std::iter::from_fn(move || {
            let kind = be16(rest, 0)?;
            let (data, _) = list(rest, 4, usize::from(be16(rest, 2)?));
            rest = rest.get(4 + data.len()..)?;
            Some((kind, data))
        })
    }

    fn extension(&self, wanted: u16) -> Option<&'a [u8]> {
        self.extensions().find(|(kind, _)| *kind == wanted).map(|(_, data)| data)
    }

    /// What a client asks for (RFC 6066: one name, of type host_name).
    pub(super) fn server_name(&self) -> Option<&'a [u8]> {
        let data = self.extension(SERVER_NAME)?;
        let length = usize::from(be16(data, 3)?);
        slice(data, 5, length).filter(|name| data[2] == 0 && !name.is_empty())
    }

    /// The protocols that a client offers, or the one that the server took.
    pub(super) fn alpn(&self) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = self.extension(ALPN).and_then(|data| data.get(2..)).unwrap_or_default();
        std::iter::from_fn(move || {
            let length = usize::from(*rest.first()?);
            let one = slice(rest, 1, length)?;
            rest = &rest[1 + length..];
            Some(one)
        })
    }

    /// Versions that a client supports, as the extension lists them.
    fn supported_versions(&self) -> impl Iterator<Item = u16> {
        let data = self.extension(SUPPORTED_VERSIONS).and_then(|data| data.get(1..)).unwrap_or_default();
        words(data).filter(|version| !is_grease(*version))
    }

    /// The highest version that a client offers. DTLS counts downwards.
    pub(super) fn offered_version(&self, over: Transport) -> u16 {
        let best = match over {
            Transport::Tcp => self.supported_versions().max(),
            Transport::Udp => self.supported_versions().min(),
        };
        best.unwrap_or(self.legacy_version)
    }

    /// The version that the server took.
    pub(super) fn chosen_version(&self) -> u16 {
        self.extension(SUPPORTED_VERSIONS).and_then(|data| be16(data, 0)).unwrap_or(self.legacy_version)
    }

    /// JA4 of a client; `None` where a part of the hello lacks.
    pub(super) fn ja4(&self, over: Transport) -> Option<String> {
        if !self.whole {
            return None;
        }
        let mut ciphers: Vec<u16> = words(self.ciphers).filter(|cipher| !is_grease(*cipher)).collect();
        let mut kinds: Vec<u16> = self.extensions().map(|(kind, _)| kind).filter(|kind| !is_grease(*kind)).collect();
        let protocol = if over == Transport::Tcp { 't' } else { 'd' };
        // Of DTLS too the highest value counts here, though its versions count downwards.
        let version = ja4_version(self.supported_versions().max().unwrap_or(self.legacy_version));
        let destination = if kinds.contains(&SERVER_NAME) { 'd' } else { 'i' };
        let (cipher_count, kind_count) = (ciphers.len().min(MOST_COUNTED), kinds.len().min(MOST_COUNTED));
        let alpn = ja4_alpn(self.alpn().next().unwrap_or_default());
        ciphers.sort_unstable();
        kinds.sort_unstable();
        kinds.retain(|kind| !matches!(*kind, SERVER_NAME | ALPN));
        let signatures = self.extension(SIGNATURE_ALGORITHMS).and_then(|data| data.get(2..)).unwrap_or_default();
        let mut signatures = words(signatures).filter(|algorithm| !is_grease(*algorithm)).peekable();
        let mut ja4 = format!("{protocol}{version}{destination}{cipher_count:02}{kind_count:02}{alpn}_");
        let mut list = Vec::with_capacity(LIST_BYTES);
        push_list(&mut list, ciphers.into_iter());
        push_hash(&mut ja4, &list);
        ja4.push('_');
        list.clear();
        push_list(&mut list, kinds.into_iter());
        if !list.is_empty() && signatures.peek().is_some() {
            list.push(b'_');
            push_list(&mut list, signatures);
        }
        push_hash(&mut ja4, &list);
        Some(ja4)
    }
}

fn ja4_version(version: u16) -> &'static str {
    match version {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        0x0002 => "s2",
        0xfeff => "d1",
        0xfefd => "d2",
        0xfefc => "d3",
        _ => "00",
    }
}

/// First and last character of the first protocol, those of its hexadecimal digits where one is not alphanumeric.
fn ja4_alpn(first: &[u8]) -> String {
    let (Some(begin), Some(end)) = (first.first(), first.last()) else { return "00".to_owned() };
    if begin.is_ascii_alphanumeric() && end.is_ascii_alphanumeric() {
        return [*begin, *end].map(char::from).iter().collect();
    }
    format!("{:x}{:x}", begin >> 4, end & 0x0f)
}

/// Adds values in hexadecimal, with commas between them. Digit by digit: formatting each would be most of what a hello costs.
fn push_list(list: &mut Vec<u8>, values: impl Iterator<Item = u16>) {
    for (i, value) in values.enumerate() {
        if i > 0 {
            list.push(b',');
        }
        let [high, low] = value.to_be_bytes().map(hex);
        list.extend_from_slice(&[high[0], high[1], low[0], low[1]]);
    }
}

fn hex(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [byte >> 4, byte & 0x0f].map(|digit| DIGITS[usize::from(digit)])
}

/// Adds the beginning of a list's SHA-256, and zeros for an empty list.
fn push_hash(ja4: &mut String, list: &[u8]) {
    let digest = if list.is_empty() { Default::default() } else { Sha256::digest(list) };
    ja4.extend(digest.iter().take(HASH_CHARACTERS / 2).flat_map(|byte| hex(*byte)).map(char::from));
}

/// A version as people say it.
pub(super) fn version_name(version: u16) -> String {
    match version {
        0x0002 => "SSL 2.0".to_owned(),
        0x0300 => "SSL 3.0".to_owned(),
        0x0301 | 0xfeff => "1.0".to_owned(),
        0x0302 => "1.1".to_owned(),
        0x0303 | 0xfefd => "1.2".to_owned(),
        0x0304 | 0xfefc => "1.3".to_owned(),
        0x7f00..=0x7fff => format!("1.3 draft {}", version & 0xff),
        _ => format!("{version:#06x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lists of the worked example in `JA4.md`, GREASE values strewn in.
    const CIPHERS: &str = "0a0a,1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035";
    const KINDS: &str = "3a3a,001b,0000,0033,0010,4469,0017,002d,000d,0005,0023,0012,002b,ff01,000b,000a,0015,dada";
    const SIGNATURES: &str = "0403,0804,0401,0503,0805,0501,0806,0601";

    fn bytes(list: &str) -> Vec<u8> {
        list.split(',').flat_map(|word| u16::from_str_radix(word, 16).unwrap().to_be_bytes()).collect()
    }

    fn with_length(data: &[u8]) -> Vec<u8> {
        [&(data.len() as u16).to_be_bytes(), data].concat()
    }

    fn example(signatures: &str) -> Vec<u8> {
        let signatures = if signatures.is_empty() { Vec::new() } else { bytes(signatures) };
        let extension = |kind: u16| match kind {
            SERVER_NAME => with_length(&[&[0][..], &with_length(b"plc.example")].concat()),
            SIGNATURE_ALGORITHMS => with_length(&signatures),
            ALPN => with_length(b"\x02h2\x08http/1.1"),
            SUPPORTED_VERSIONS => b"\x06\xca\xca\x03\x04\x03\x03".to_vec(),
            _ => Vec::new(),
        };
        let kinds = bytes(KINDS);
        let extensions =
            words(&kinds).flat_map(|kind| [kind.to_be_bytes().to_vec(), with_length(&extension(kind))].concat());
        let head = [&[3, 3][..], &[7; 32], &[0]].concat();
        [head, with_length(&bytes(CIPHERS)), vec![1, 0], with_length(&extensions.collect::<Vec<u8>>())].concat()
    }

    #[test]
    fn the_published_example_has_its_published_fingerprint() {
        let body = example(SIGNATURES);
        let hello = Hello::of_client(&body, Transport::Tcp).unwrap();
        assert_eq!(hello.ja4(Transport::Tcp).as_deref(), Some("t13d1516h2_8daaf6152771_e5627efa2ab1"));
        let without = example("");
        let hello = Hello::of_client(&without, Transport::Tcp).unwrap();
        assert_eq!(hello.ja4(Transport::Tcp).as_deref(), Some("t13d1516h2_8daaf6152771_6d807ffa2a79"));
        assert_eq!(hello.server_name(), Some(b"plc.example".as_slice()));
        assert_eq!(hello.alpn().collect::<Vec<_>>(), [b"h2".as_slice(), b"http/1.1"]);
        assert_eq!(hello.offered_version(Transport::Tcp), 0x0304);
    }

    #[test]
    fn published_examples_of_alpn_fit() {
        let examples: [(&[u8], &str); 11] = [
            (b"h2", "h2"),
            (b"http/1.1", "h1"),
            (b"", "00"),
            (b"\xab", "ab"),
            (b"\x20", "20"),
            (b"\xab\xcd", "ad"),
            (b"\x20\x61", "21"),
            (b"\x30\xab", "3b"),
            (b"\x61\x20", "60"),
            (b"\x30\x31\xab\xcd", "3d"),
            (b"\x30\xab\xcd\x31", "01"),
        ];
        for (first, expected) in examples {
            assert_eq!(ja4_alpn(first), expected);
        }
        assert_eq!(ja4_alpn(b"x"), "xx");
    }

    #[test]
    fn a_hello_that_is_cut_has_no_fingerprint() {
        let body = example(SIGNATURES);
        // Behind the compression methods a hello may end: only its message's length would tell.
        let may_end = BEFORE_SESSION + 1 + 2 + bytes(CIPHERS).len() + 2;
        for length in (0..body.len()).filter(|length| *length != may_end) {
            if let Some(hello) = Hello::of_client(&body[..length], Transport::Tcp) {
                assert_eq!(hello.ja4(Transport::Tcp), None, "{length}");
            }
        }
    }

    #[test]
    fn a_hello_of_nothing_says_so() {
        // Version, random, no session, no ciphers, no compression, and no extensions at all.
        let body = [&[3, 1][..], &[0; 32], &[0, 0, 0, 0]].concat();
        let hello = Hello::of_client(&body, Transport::Tcp).unwrap();
        assert_eq!(hello.ja4(Transport::Tcp).as_deref(), Some("t10i000000_000000000000_000000000000"));
    }
}

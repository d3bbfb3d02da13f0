//! QUIC (RFC 9000, RFC 9369, the drafts, RFC 8999) by its long header, and Google's QUIC before it.
//!
//! Read: the version. Not read: the ClientHello, whose protection would have to be taken off first; short headers, which have
//! nothing to recognise them by. Who is the server is told only by what one role alone sends: version negotiation, Retry
//! and the hello of Google's handshake.
//!
//! Layouts, constants and quoted examples are from memory, unverified against the text; checked on captures only.

use super::heard::Heard;
use super::opening::{Look, Opening};
use super::reader::{array, be16, be32, slice};
use crate::model::{Certainty, DetailKind, Protocol, Recognised, Side};

const LONG_HEADER: u8 = 0x80;
const FIXED_BIT: u8 = 0x40;
const VERSION_1: u32 = 1;
const VERSION_2: u32 = 0x6b33_43cf;
/// Drafts of the working group (RFC 9000 came from draft 34), and those of one maker's stack.
const DRAFTS: std::ops::RangeInclusive<u32> = 0xff00_0000 + 5..=0xff00_0000 + 34;
const MVFST: std::ops::RangeInclusive<u32> = 0xface_b000..=0xface_b00f;
/// Versions with which a client tries whether a server negotiates (RFC 9000 section 15).
const FORCED_MASK: u32 = 0x0f0f_0f0f;
const FORCED: u32 = 0x0a0a_0a0a;
/// A client's first datagram, and its identifier of the server, at least (RFC 9000 sections 14.1 and 7.2).
const SHORTEST_FIRST: usize = 1200;
const SHORTEST_FIRST_ID: usize = 8;
/// Longest connection identifier of these versions (RFC 9000 section 17.2).
const LONGEST_ID: usize = 20;
/// What authenticates a Retry (RFC 9001 section 5.8).
const RETRY_TAG: usize = 16;
/// Public flags of Google's QUIC: a version, and a connection identifier of 8 bytes.
const GOOGLE_VERSION: u8 = 0x01;
const GOOGLE_ID: u8 = 0x08;
/// Where the hello of Google's handshake stands at most.
const GOOGLE_HELLO_WITHIN: usize = 64;

/// A first packet.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Packet {
    version: String,
    certainty: Certainty,
    /// `Some(true)`: only a client sends it.
    by_client: Option<bool>,
}

/// Packets with a long header, in the numbering of version 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Initial,
    ZeroRtt,
    Handshake,
    Retry,
}

fn version_name(version: u32) -> Option<String> {
    match version {
        VERSION_1 => Some("1".to_owned()),
        VERSION_2 => Some("2".to_owned()),
        _ if DRAFTS.contains(&version) => Some(format!("draft {}", version & 0xff)),
        _ if MVFST.contains(&version) => Some(format!("mvfst {}", version & 0x0f)),
        _ => google_version(version.to_be_bytes()),
    }
}

/// `Q043`, `Q050`, `T051`.
fn google_version(tag: [u8; 4]) -> Option<String> {
    let [letter, digits @ ..] = tag;
    let fits = matches!(letter, b'Q' | b'T') && digits[0] == b'0' && digits.iter().all(u8::is_ascii_digit);
    fits.then(|| tag.map(char::from).iter().collect())
}

/// A number of variable length (RFC 9000 section 16), and the bytes it takes.
fn number(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let first = *bytes.get(at)?;
    let value = match first >> 6 {
        0 => u64::from(first),
        1 => u64::from(be16(bytes, at)? & 0x3fff),
        2 => u64::from(be32(bytes, at)? & 0x3fff_ffff),
        _ => u64::from_be_bytes(array(bytes, at)?) & (u64::MAX >> 2),
    };
    Some((usize::try_from(value).ok()?, 1 << (first >> 6)))
}

fn packet(bytes: &[u8]) -> Option<Packet> {
    let first = *bytes.first()?;
    if first & LONG_HEADER == 0 {
        return google_packet(bytes);
    }
    let version = be32(bytes, 1)?;
    let destination = usize::from(*bytes.get(5)?);
    let source = usize::from(*bytes.get(6 + destination)?);
    let at = 7 + destination + source;
    if destination > LONGEST_ID || source > LONGEST_ID || at > bytes.len() {
        // Versions of Google before Q046 had no long header, and Q046 had both lengths in one byte.
        return google_version(version.to_be_bytes()).map(google);
    }
    if version == 0 {
        return version_negotiation(bytes.get(at..)?);
    }
    if version & FORCED_MASK == FORCED {
        // What follows belongs to a version that nobody speaks: only the size and the identifier of a first packet count.
        let first = bytes.len() >= SHORTEST_FIRST && destination >= SHORTEST_FIRST_ID;
        let forced = Packet { version: String::new(), certainty: Certainty::Likely, by_client: Some(true) };
        return first.then_some(forced);
    }
    let name = version_name(version)?;
    if google_version(version.to_be_bytes()).is_some() {
        return Some(google(name));
    }
    let kind = kind(first, version);
    let fits = first & FIXED_BIT != 0 && is_consistent(kind, bytes, at)?;
    let by_client = match kind {
        Kind::ZeroRtt => Some(true),
        Kind::Retry => Some(false),
        // Only clients repeat a token (RFC 9000 section 17.2.2).
        Kind::Initial => number(bytes, at).filter(|(token, _)| *token > 0).map(|_| true),
        Kind::Handshake => None,
    };
    fits.then_some(Packet { version: name, certainty: Certainty::Certain, by_client })
}

fn kind(first: u8, version: u32) -> Kind {
    // Version 2 counts from another beginning (RFC 9369 section 3.2).
    let shift = if version == VERSION_2 { 3 } else { 0 };
    match ((first >> 4) + shift) & 3 {
        0 => Kind::Initial,
        1 => Kind::ZeroRtt,
        2 => Kind::Handshake,
        _ => Kind::Retry,
    }
}

/// Whether the lengths behind the identifiers fit the datagram.
fn is_consistent(kind: Kind, bytes: &[u8], at: usize) -> Option<bool> {
    let mut at = at;
    match kind {
        Kind::Retry => return Some(bytes.len() > at + RETRY_TAG),
        Kind::Initial => {
            let (token, taken) = number(bytes, at)?;
            at = at.checked_add(taken)?.checked_add(token)?;
        }
        Kind::ZeroRtt | Kind::Handshake => {}
    }
    let (length, taken) = number(bytes, at)?;
    // A packet number, and at least what authenticates it.
    Some(length > RETRY_TAG && slice(bytes, at + taken, length).is_some())
}

/// Only servers negotiate: a list of versions, one of them known.
fn version_negotiation(versions: &[u8]) -> Option<Packet> {
    let mut known = versions.chunks_exact(4).filter_map(|version| version_name(be32(version, 0)?));
    let known = known.next().filter(|_| versions.len().is_multiple_of(4))?;
    Some(Packet { version: known, certainty: Certainty::Certain, by_client: Some(false) })
}

fn google(version: String) -> Packet {
    Packet { version, certainty: Certainty::Likely, by_client: None }
}

/// Public flags, identifier, version (Google's QUIC up to Q043).
fn google_packet(bytes: &[u8]) -> Option<Packet> {
    let flags = *bytes.first()?;
    let version = google_version(array(bytes, 9)?).filter(|_| flags & GOOGLE_VERSION != 0 && flags & GOOGLE_ID != 0)?;
    let head = &bytes[..bytes.len().min(GOOGLE_HELLO_WITHIN)];
    let hello = head.windows(4).any(|window| window == b"CHLO");
    Some(Packet { by_client: hello.then_some(true), ..google(version) })
}

pub(super) fn look(opening: &Opening<'_>) -> Look {
    let Some(side) = opening.side_where(|_| true) else { return Look::No };
    let Some(packet) = packet(opening.bytes(side)) else { return Look::No };
    let server = packet.by_client.map(|by_client| if by_client { side.other() } else { side });
    Look::yes(Protocol::Quic, packet.certainty, server)
}

pub(super) fn describe(opening: &Opening<'_>, _: Recognised, heard: &mut Heard) {
    for side in [Side::A, Side::B] {
        if let Some(packet) = packet(opening.bytes(side)) {
            heard.detail(side, DetailKind::Version, packet.version);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Said;
    use super::*;
    use crate::model::Transport;

    fn opening(bytes: &[u8]) -> Opening<'_> {
        let a = Said { bytes, whole: true, over: true };
        Opening { transport: Transport::Udp, ports: [50_000, 4_000], said: [a, Said::default()] }
    }

    /// RFC 9001 appendix A.2: the header of the client's Initial, protected; what follows is of no matter here.
    fn initial() -> Vec<u8> {
        let header = b"\xc0\0\0\0\x01\x08\x83\x94\xc8\xf0\x3e\x51\x57\x08\0\0\x44\x9e\x7b\x9a\xec\x34";
        let mut bytes = header.to_vec();
        bytes.resize(1200, 0x5a);
        bytes
    }

    /// RFC 9001 appendix A.4, whole.
    const RETRY: &[u8] = b"\xff\0\0\0\x01\0\x08\xf0\x67\xa5\x50\x2a\x42\x62\xb5token\x04\xa2\x65\xba\x2e\xff\x4d\x82\x90\x58\xfb\x3f\x0f\x24\x96\xba";

    #[test]
    fn an_initial_is_certain_and_proves_no_role() {
        assert_eq!(look(&opening(&initial())), Look::yes(Protocol::Quic, Certainty::Certain, None));
        let mut second = initial();
        second[0] = 0xd0;
        second[1..5].copy_from_slice(&VERSION_2.to_be_bytes());
        assert_eq!(look(&opening(&second)), Look::yes(Protocol::Quic, Certainty::Certain, None));
        let mut heard = Heard::default();
        let Look::Yes(verdict) = look(&opening(&second)) else { panic!("not recognised") };
        describe(&opening(&second), verdict.recognised, &mut heard);
        assert_eq!(heard.details[0].1.text, "2");
    }

    #[test]
    fn a_retry_and_a_negotiation_come_from_the_server() {
        let server = Look::yes(Protocol::Quic, Certainty::Certain, Some(Side::A));
        assert_eq!(look(&opening(RETRY)), server);
        let negotiation = b"\x80\0\0\0\0\0\x04abcd\x1a\x2a\x3a\x4a\0\0\0\x01";
        assert_eq!(look(&opening(negotiation)), server);
        assert_eq!(look(&opening(b"\x80\0\0\0\0\0\x04abcd\x1a\x2a\x3a\x4a\0\0\0\x07")), Look::No);
    }

    #[test]
    fn a_version_that_forces_negotiation_is_likely_a_client() {
        let mut bytes = initial();
        bytes[1..5].copy_from_slice(&[0x1a, 0x2a, 0xfa, 0x0a]);
        assert_eq!(look(&opening(&bytes)), Look::yes(Protocol::Quic, Certainty::Likely, Some(Side::B)));
        assert_eq!(look(&opening(&bytes[..1199])), Look::No);
    }

    #[test]
    fn google_is_likely() {
        let hello = b"\x0d12345678Q043\x01abcdefghijkl\xa0\x01\0CHLO";
        assert_eq!(look(&opening(hello)), Look::yes(Protocol::Quic, Certainty::Likely, Some(Side::B)));
        assert_eq!(look(&opening(b"\x0c12345678Q043")), Look::No);
    }

    #[test]
    fn lengths_must_fit() {
        let good = initial();
        // The length counts 1182 bytes behind 18.
        assert_eq!(look(&opening(&good[..1199])), Look::No);
        for (at, value) in [(0, 0x80), (4, 9), (5, 21), (16, 0x7f)] {
            let mut bytes = good.clone();
            bytes[at] = value;
            assert_eq!(look(&opening(&bytes)), Look::No, "{at}");
        }
    }

    #[test]
    fn nothing_panics() {
        for good in [&initial()[..], RETRY] {
            for at in 0..good.len().min(64) {
                let _ = look(&opening(&good[..at]));
                for value in 0..=255 {
                    let mut bytes = good.to_vec();
                    bytes[at] = value;
                    let _ = look(&opening(&bytes));
                }
            }
        }
    }
}

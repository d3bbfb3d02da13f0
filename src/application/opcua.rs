//! OPC UA binary over TCP (IEC 62541-6, section 7.1: OPC UA Connection Protocol).
//!
//! Read: kind and length of messages, Hello, Acknowledge, Error and ReverseHello whole, the host of their endpoint, and of the
//! secure channel its numbers. Not read: what is called and what is answered.

use super::heard::{Heard, text};
use super::opening::{Look, Opening, Said};
use super::reader::{le32, slice};
use crate::model::{Certainty, DetailKind, Protocol, Recognised, Side};

const HEADER: usize = 8;
/// Longest message that is believed: the lengths that sides agree upon are 64 KiB commonly.
const LARGEST: usize = 1 << 24;
/// Longest endpoint (section 7.1.2.3).
const LONGEST_URL: usize = 4096;
const KINDS: [&[u8]; 7] = [b"HELF", b"ACKF", b"ERRF", b"RHEF", b"OPNF", b"CLOF", b"MSG"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    Other,
    Short,
    /// Hello.
    Client,
    /// Acknowledge, Error or ReverseHello.
    Server,
    /// A secure channel, whole messages or the beginning of one.
    Channel(Certainty),
}

pub(super) fn look(opening: &Opening<'_>) -> Look {
    let is = [Side::A, Side::B].map(|side| side_is(opening.from(side)));
    let server = [Side::A, Side::B].into_iter().find_map(|side| match is[side as usize] {
        Is::Client => Some(side.other()),
        Is::Server => Some(side),
        _ => None,
    });
    if is.contains(&Is::Other) {
        return Look::No;
    }
    if server.is_some() {
        return Look::yes(Protocol::OpcUa, Certainty::Certain, server);
    }
    let channel =
        is.iter().filter_map(|is| if let Is::Channel(certainty) = is { Some(*certainty) } else { None }).max();
    match channel {
        Some(certainty) => Look::yes(Protocol::OpcUa, certainty, None),
        None if opening.is_over() => Look::No,
        None => Look::Maybe,
    }
}

fn side_is(said: Said<'_>) -> Is {
    let bytes = said.bytes;
    let begins = |kind: &&&[u8]| bytes.iter().zip(kind.iter()).all(|(byte, constant)| byte == constant);
    if !KINDS.iter().any(|kind| begins(&kind)) || bytes.get(3).is_some_and(|kind| !b"FCA".contains(kind)) {
        return Is::Other;
    }
    let Some(length) = le32(bytes, 4).map(|length| length as usize) else { return Is::Short };
    if !(HEADER..=LARGEST).contains(&length) {
        return Is::Other;
    }
    let Some(body) = slice(bytes, HEADER, length - HEADER) else {
        return begun(&bytes[..3], &bytes[HEADER..], length);
    };
    let fits = match &bytes[..3] {
        b"HEL" => string(body, 20).is_some_and(|(_, end)| end == body.len()),
        b"ACK" => body.len() == 20,
        b"ERR" => string(body, 4).is_some_and(|(_, end)| end == body.len()),
        b"RHE" => string(body, 0).and_then(|(_, end)| string(body, end)).is_some_and(|(_, end)| end == body.len()),
        _ => return channel(&bytes[..3], body, &bytes[length..]),
    };
    match (fits, &bytes[..3]) {
        (false, _) => Is::Other,
        (true, b"HEL") => Is::Client,
        (true, _) => Is::Server,
    }
}

/// A message whose end is not there.
fn begun(kind: &[u8], body: &[u8], length: usize) -> Is {
    match kind {
        b"HEL" | b"RHE" if length <= HEADER + 28 + 2 * LONGEST_URL => Is::Short,
        b"ACK" if length == HEADER + 20 => Is::Short,
        b"ERR" if length <= HEADER + 8 + LONGEST_URL => Is::Short,
        b"OPN" | b"MSG" if body.len() >= 16 && channel(kind, body, b"") != Is::Other => Is::Channel(Certainty::Likely),
        b"OPN" | b"MSG" if body.len() < 16 => Is::Short,
        b"CLO" if length <= 4096 => Is::Short,
        _ => Is::Other,
    }
}

/// Of a secure channel (section 6.7.2): its number, then the policy, or a token with the numbers of sequence and request.
fn channel(kind: &[u8], body: &[u8], rest: &[u8]) -> Is {
    // The next message, if it begins in the same segment.
    let follows = rest.is_empty() || KINDS.iter().any(|kind| rest.iter().zip(kind.iter()).all(|(a, b)| a == b));
    let fits = match kind {
        b"OPN" => string(body, 4).is_some_and(|(policy, _)| policy.starts_with(b"http://opcfoundation.org/UA/")),
        _ => body.len() >= 16,
    };
    if fits && follows { Is::Channel(Certainty::Certain) } else { Is::Other }
}

/// A string: its length, then its bytes. Gives where it ends; -1 is no string.
fn string(body: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let length = match le32(body, at)? {
        u32::MAX => 0,
        length => usize::try_from(length).ok().filter(|length| *length <= LONGEST_URL)?,
    };
    Some((slice(body, at + 4, length)?, at + 4 + length))
}

pub(super) fn describe(opening: &Opening<'_>, _: Recognised, heard: &mut Heard) {
    for side in [Side::A, Side::B] {
        let bytes = opening.bytes(side);
        let body = bytes.get(HEADER..).unwrap_or_default();
        let url = match bytes.get(..3) {
            Some(b"HEL") => string(body, 20),
            Some(b"RHE") => string(body, 0).and_then(|(_, end)| string(body, end)),
            _ => None,
        };
        if let Some((url, _)) = url {
            heard.detail(side, DetailKind::ServerName, text(host(url)));
        }
    }
}

/// The host of an endpoint, without scheme, user, port and path.
fn host(url: &[u8]) -> &[u8] {
    let after = url.windows(3).position(|part| part == b"://").map_or(url, |at| &url[at + 3..]);
    let authority = after.split(|byte| b"/?#".contains(byte)).next().unwrap_or_default();
    let host = authority.rsplit(|byte| *byte == b'@').next().unwrap_or_default();
    if host.first() == Some(&b'[') {
        return host.split_inclusive(|byte| *byte == b']').next().unwrap_or_default();
    }
    host.split(|byte| *byte == b':').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Transport;

    fn message(kind: &[u8], body: &[u8]) -> Vec<u8> {
        [kind, &(body.len() as u32 + 8).to_le_bytes(), body].concat()
    }

    /// Version, buffers, limits, endpoint (section 7.1.2.3).
    fn hello(url: &[u8]) -> Vec<u8> {
        let limits = [0_u32, 65_535, 65_535, 0, 0, url.len() as u32].map(u32::to_le_bytes).concat();
        message(b"HELF", &[&limits, url].concat())
    }

    fn open() -> Vec<u8> {
        let policy = b"http://opcfoundation.org/UA/SecurityPolicy#None";
        message(b"OPNF", &[&[0; 4][..], &(policy.len() as u32).to_le_bytes(), policy, &[0xFF; 8], &[1; 30]].concat())
    }

    fn looked(a: &[u8], b: &[u8]) -> Look {
        let said = |bytes| Said { bytes, whole: true, over: false };
        look(&Opening { transport: Transport::Tcp, ports: [50_000, 60_000], said: [said(a), said(b)] })
    }

    fn yes(server: Option<Side>) -> Look {
        Look::yes(Protocol::OpcUa, Certainty::Certain, server)
    }

    #[test]
    fn hello_and_its_answers_show_who_serves() {
        assert_eq!(looked(&hello(b"opc.tcp://localhost:4840"), b""), yes(Some(Side::B)));
        assert_eq!(looked(&message(b"ACKF", &[0; 20]), b""), yes(Some(Side::A)));
        assert_eq!(looked(&message(b"ERRF", &[0, 0, 0x7D, 0x80, 0xFF, 0xFF, 0xFF, 0xFF]), b""), yes(Some(Side::A)));
        let reverse = [&4_u32.to_le_bytes()[..], b"urn:", &9_u32.to_le_bytes(), b"opc.tcp:/"].concat();
        assert_eq!(looked(&message(b"RHEF", &reverse), b""), yes(Some(Side::A)));
    }

    #[test]
    fn the_middle_of_a_stream_is_known_without_a_server() {
        assert_eq!(looked(&message(b"MSGF", &[2; 40]), b""), yes(None));
        assert_eq!(looked(&open(), b""), yes(None));
        let begun = &message(b"MSGF", &[2; 4000])[..1000];
        assert_eq!(looked(begun, b""), Look::yes(Protocol::OpcUa, Certainty::Likely, None));
    }

    #[test]
    fn of_the_endpoint_only_the_host_is_told() {
        let hosts = [
            ("opc.tcp://plc7:4840/path/x", "plc7"),
            ("opc.tcp://user:word@plc7", "plc7"),
            ("opc.tcp://[fe80::1]:4840", "[fe80::1]"),
            ("", ""),
            ("plc7", "plc7"),
        ];
        for (url, expected) in hosts {
            assert_eq!(host(url.as_bytes()), expected.as_bytes(), "{url}");
        }
    }

    #[test]
    fn what_does_not_fit_is_none() {
        let good = hello(b"opc.tcp://localhost:4840");
        for (at, value) in [(0, b'X'), (3, b'X'), (4, 0), (7, 9), (28, 3)] {
            let mut bad = good.clone();
            bad[at] = value;
            let look = looked(&bad, b"");
            assert!(look == Look::No, "byte {at}: {look:?}");
        }
        assert_eq!(looked(&good, b"HTTP/1.1"), Look::No);
        assert_eq!(looked(b"MSGFoo bar baz and so on", b""), Look::No);
    }

    #[test]
    fn hostile_bytes_do_no_harm() {
        for sample in [hello(b"opc.tcp://localhost:4840"), open(), message(b"RHEF", &[4, 0, 0, 0, 1, 2, 3, 4])] {
            for cut in 0..sample.len() {
                let mut flipped = sample.clone();
                flipped[cut] ^= 0xFF;
                for bytes in [&sample[..cut], &flipped] {
                    let _ = looked(bytes, b"");
                    let said = [Said { bytes, whole: true, over: true }, Said::default()];
                    let opening = Opening { transport: Transport::Tcp, ports: [1, 2], said };
                    let certainty = Certainty::Certain;
                    let recognised = Recognised { protocol: Protocol::OpcUa, certainty, server: None };
                    describe(&opening, recognised, &mut Heard::default());
                }
            }
        }
    }
}

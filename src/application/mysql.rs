//! MySQL and MariaDB (MySQL documentation, "Connection Phase"): a packet is three bytes of length, lowest first, and a number;
//! the server begins with Protocol::HandshakeV10, or refuses with an error packet.
//!
//! Read: the server's version. Not read: users, databases, queries; after SSLRequest everything is encrypted. The client's
//! answer is recognised where the server's side lacks.
//!
//! Layouts, constants and quoted examples are from memory, unverified against the text; checked on captures only.

use super::heard::{Heard, text};
use super::opening::{Look, Opening};
use super::reader::{le16, le32, slice};
use crate::model::{Certainty, DetailKind, Protocol, Recognised, Side};

const HEADER: usize = 4;
const HANDSHAKE_V10: u8 = 10;
const ERROR: u8 = 0xff;
/// Longest version string that is believed.
const LONGEST_VERSION: usize = 64;
/// Behind the version: thread, 8 bytes of challenge, a zero, capabilities, character set, status, capabilities, a length, and
/// 10 bytes that are reserved.
const AFTER_VERSION: usize = 4 + 8 + 1 + 2 + 1 + 2 + 2 + 1 + 10;
/// Longest greeting: what is above, and a challenge and a plug-in's name.
const LONGEST_GREETING: usize = 512;
/// Errors of a server (MySQL "Server Error Message Reference"): 1000 to 1999 and those since 5.7 from 3000 on.
const ERRORS: [std::ops::RangeInclusive<u16>; 2] = [1000..=1999, 3000..=4999];
/// Zeros in a client's answer, behind capabilities, longest packet and character set; MariaDB uses the last four of 23.
const ZEROS: [u8; 19] = [0; 19];
/// The capability CLIENT_PROTOCOL_41.
const PROTOCOL_41: u32 = 0x0200;

/// Length of the packet's body; `Err(true)` where too little is there.
fn packet_length(bytes: &[u8], number: u8) -> Result<usize, bool> {
    let Some([low, middle, high, is]) = bytes.first_chunk().copied() else { return Err(true) };
    let length = u32::from_le_bytes([low, middle, high, 0]) as usize;
    if is == number { Ok(length) } else { Err(false) }
}

/// Version that a greeting states; `Err(true)` where bytes could become a greeting.
fn greeting(bytes: &[u8]) -> Result<&[u8], bool> {
    // The length of a greeting fits one byte or is little more.
    if bytes.get(2).is_some_and(|high| *high != 0) || bytes.get(1).is_some_and(|middle| *middle > 1) {
        return Err(false);
    }
    let length = packet_length(bytes, 0)?;
    let body = bytes.get(HEADER..HEADER + length.min(bytes.len() - HEADER)).unwrap_or_default();
    match body.first() {
        _ if !(2 + AFTER_VERSION..=LONGEST_GREETING).contains(&length) => return Err(false),
        None => return Err(true),
        Some(first) if *first != HANDSHAKE_V10 => return Err(false),
        Some(_) => {}
    }
    let Some(end) = body.iter().skip(1).take(LONGEST_VERSION).position(|byte| *byte == 0) else {
        return Err(body.len() < LONGEST_VERSION && body.iter().skip(1).all(u8::is_ascii_graphic));
    };
    let version = &body[1..=end];
    let printable = version.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    if !printable || !version.first().is_some_and(u8::is_ascii_digit) {
        return Err(false);
    }
    if body.len() < length {
        return Err(true);
    }
    // The byte between challenge and capabilities is zero.
    let zero = slice(body, end + 2 + 4 + 8, 1).ok_or(false)? == [0];
    if zero && length >= end + 2 + AFTER_VERSION && bytes.len() == HEADER + length { Ok(version) } else { Err(false) }
}

/// An error packet as first word of a server: code, and text.
fn is_refusal(bytes: &[u8]) -> bool {
    let length = packet_length(bytes, 0).ok();
    let code = le16(bytes, HEADER + 1).filter(|code| ERRORS.iter().any(|codes| codes.contains(code)));
    let says = bytes.get(HEADER + 3..).unwrap_or_default();
    bytes.get(HEADER) == Some(&ERROR)
        && length == Some(bytes.len() - HEADER)
        && code.is_some()
        && says.len() > 8
        && says.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ')
}

/// Protocol::HandshakeResponse41 or SSLRequest of a client: they begin alike.
fn is_answer(bytes: &[u8]) -> bool {
    let length = packet_length(bytes, 1).ok();
    length.is_some_and(|length| length >= 32 && length + HEADER <= bytes.len())
        && le32(bytes, HEADER).is_some_and(|capabilities| capabilities & PROTOCOL_41 != 0)
        && slice(bytes, HEADER + 9, ZEROS.len()) == Some(&ZEROS)
}

pub(super) fn look(opening: &Opening<'_>) -> Look {
    let mut maybe = false;
    for server in [Side::A, Side::B] {
        let bytes = opening.bytes(server);
        if bytes.is_empty() {
            continue;
        }
        match greeting(bytes) {
            Ok(_) => return Look::yes(Protocol::MySql, Certainty::Certain, Some(server)),
            Err(so_far) => maybe |= so_far && !opening.from(server).over && opening.from(server).whole,
        }
        if is_refusal(bytes) {
            return Look::yes(Protocol::MySql, Certainty::Likely, Some(server));
        }
    }
    match opening.side_where(is_answer) {
        Some(client) => Look::yes(Protocol::MySql, Certainty::Likely, Some(client.other())),
        None if maybe => Look::Maybe,
        None => Look::No,
    }
}

pub(super) fn describe(opening: &Opening<'_>, recognised: Recognised, heard: &mut Heard) {
    let Some(server) = recognised.server else { return };
    if let Ok(version) = greeting(opening.bytes(server)) {
        heard.detail(server, DetailKind::ServerSoftware, text(version));
    }
}

#[cfg(test)]
mod tests {
    use super::super::Said;
    use super::*;
    use crate::model::Transport;

    /// The example of the MySQL documentation, "Protocol::HandshakeV10", with plug-in.
    fn greeting_bytes() -> Vec<u8> {
        let body =
            [&b"\x0a5.5.2-m2\0\x0b\0\0\0dvH@I-CJ\0\xff\xf7\x08\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0"[..], b"*4d|cZwk4^]:\0"];
        let body = body.concat();
        [&[body.len() as u8, 0, 0, 0][..], &body].concat()
    }

    fn opening(b: &[u8]) -> Opening<'_> {
        let b = Said { bytes: b, whole: true, over: false };
        Opening { transport: Transport::Tcp, ports: [50_000, 4_000], said: [Said::default(), b] }
    }

    #[test]
    fn a_greeting_tells_the_server_and_its_version() {
        let bytes = greeting_bytes();
        let opening = opening(&bytes);
        let Look::Yes(verdict) = look(&opening) else { panic!("not recognised") };
        assert_eq!(verdict.recognised.server, Some(Side::B));
        assert_eq!(verdict.recognised.certainty, Certainty::Certain);
        let mut heard = Heard::default();
        describe(&opening, verdict.recognised, &mut heard);
        assert_eq!(heard.details[0].1.text, "5.5.2-m2");
    }

    #[test]
    fn a_refusal_and_an_answer_are_likely_it() {
        let says = b"\x69\x04Host '10.0.0.9' is not allowed to connect to this MySQL server";
        let refusal = [&[says.len() as u8 + 1, 0, 0, 0, ERROR][..], says].concat();
        assert_eq!(look(&opening(&refusal)), Look::yes(Protocol::MySql, Certainty::Likely, Some(Side::B)));
        // SSLRequest: capabilities with CLIENT_SSL, longest packet, character set, 23 zeros.
        let request = [&b"\x20\0\0\x01\x05\xae\x03\0\0\0\0\x01\x08"[..], &[0; 23]].concat();
        assert_eq!(look(&opening(&request)), Look::yes(Protocol::MySql, Certainty::Likely, Some(Side::A)));
    }

    #[test]
    fn lengths_and_constants_must_agree() {
        let good = greeting_bytes();
        for (at, value) in [(0, good[0] + 1), (3, 1), (4, 9), (5, b'x'), (2, 1)] {
            let mut bytes = good.clone();
            bytes[at] = value;
            assert!(!matches!(look(&opening(&bytes)), Look::Yes(_)), "{at}");
        }
        assert_eq!(look(&opening(b"\x4a\0\0\0\x0bx")), Look::No);
    }

    #[test]
    fn prefixes_are_waited_for_and_nothing_panics() {
        let good = greeting_bytes();
        for length in 1..good.len() {
            assert_eq!(look(&opening(&good[..length])), Look::Maybe, "{length}");
        }
        for at in 0..good.len() {
            for value in 0..=255 {
                let mut bytes = good.clone();
                bytes[at] = value;
                let _ = look(&opening(&bytes));
            }
        }
    }
}

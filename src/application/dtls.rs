//! DTLS (RFC 9147, RFC 6347): records of 13 bytes of header (type, version, epoch, number, length) that fill a datagram, and
//! the hello of the first.
//!
//! Read: the ClientHello where it is not fragmented: server name, ALPN, version, fingerprint. Not read: the short header of
//! DTLS 1.3, which has nothing to recognise it by, and anything encrypted.
//!
//! Layouts, constants and quoted examples are from memory, unverified against the text; checked on captures only.

use super::heard::Heard;
use super::opening::{Look, Opening};
use super::reader::{array, be16, slice};
use super::tls::describe_client;
use super::tls_hello::{Hello, version_name};
use crate::model::{Certainty, DetailKind, Protocol, Recognised, Side, Transport};

const RECORD_HEADER: usize = 13;
const MESSAGE_HEADER: usize = 12;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const HELLO_VERIFY_REQUEST: u8 = 3;
/// Longest record (RFC 6347 section 4.1).
const LONGEST_RECORD: usize = (1 << 14) + 2048;
/// Records of a datagram that are checked.
const MOST_RECORDS: usize = 32;

/// A record that is there as a whole.
#[derive(Debug, Clone, Copy)]
struct Record<'a> {
    kind: u8,
    encrypted: bool,
    body: &'a [u8],
}

fn record(bytes: &[u8]) -> Option<Record<'_>> {
    let kind = *bytes.first()?;
    // 25 carries connection identifiers (RFC 9146) whose length only both sides know: it is not read.
    let known = (20..=24).contains(&kind) && matches!(be16(bytes, 1)?, 0xfeff | 0xfefd | 0xfefc | 0x0100);
    let length = usize::from(be16(bytes, 11)?);
    let body =
        slice(bytes, RECORD_HEADER, length).filter(|body| known && (1..=LONGEST_RECORD).contains(&body.len()))?;
    Some(Record { kind, encrypted: be16(bytes, 3)? > 0, body })
}

/// A handshake message or a fragment of one.
#[derive(Debug, Clone, Copy)]
struct Message<'a> {
    kind: u8,
    fragment: &'a [u8],
    whole: bool,
}

fn message<'a>(record: &Record<'a>) -> Option<Message<'a>> {
    let bytes = record.body;
    let number = |at| array::<3>(bytes, at).map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]) as usize);
    let (length, offset, fragment) = (number(1)?, number(6)?, number(9)?);
    let fits = record.kind == HANDSHAKE && !record.encrypted && offset + fragment <= length;
    let fragment = slice(bytes, MESSAGE_HEADER, fragment).filter(|_| fits)?;
    Some(Message { kind: bytes[0], fragment, whole: fragment.len() == length })
}

pub(super) fn look(opening: &Opening<'_>) -> Look {
    let Some(side) = opening.side_where(|_| true) else { return Look::No };
    let Some(first) = record(opening.bytes(side)) else { return Look::No };
    let mut rest = &opening.bytes(side)[RECORD_HEADER + first.body.len()..];
    for _ in 0..MOST_RECORDS {
        let Some(next) = record(rest) else { break };
        rest = &rest[RECORD_HEADER + next.body.len()..];
    }
    if !rest.is_empty() {
        return Look::No;
    }
    let server = match message(&first).map(|message| message.kind) {
        Some(CLIENT_HELLO) => Some(side.other()),
        Some(SERVER_HELLO | HELLO_VERIFY_REQUEST) => Some(side),
        None if first.kind == HANDSHAKE && !first.encrypted => return Look::No,
        _ => None,
    };
    let certainty = if first.kind == HANDSHAKE { Certainty::Certain } else { Certainty::Likely };
    Look::yes(Protocol::Dtls, certainty, server)
}

pub(super) fn describe(opening: &Opening<'_>, _: Recognised, heard: &mut Heard) {
    for side in [Side::A, Side::B] {
        let bytes = opening.bytes(side);
        let Some(first) = record(bytes) else { continue };
        let mut version = be16(bytes, 1);
        match message(&first) {
            Some(Message { kind: CLIENT_HELLO, fragment, whole: true }) => {
                let Some(hello) = Hello::of_client(fragment, Transport::Udp) else { continue };
                describe_client(side, &hello, Transport::Udp, true, heard);
                version = Some(hello.offered_version(Transport::Udp));
            }
            Some(Message { kind: SERVER_HELLO, fragment, whole: true }) => {
                version = Hello::of_server(fragment).map(|hello| hello.chosen_version());
            }
            // Its version says nothing of what is agreed (RFC 6347 section 4.2.1).
            Some(Message { kind: HELLO_VERIFY_REQUEST, .. }) => version = None,
            _ => {}
        }
        heard.detail(side, DetailKind::Version, version.map(version_name).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::super::Said;
    use super::*;

    fn opening(bytes: &[u8]) -> Opening<'_> {
        let a = Said { bytes, whole: true, over: true };
        Opening { transport: Transport::Udp, ports: [50_000, 4_000], said: [a, Said::default()] }
    }

    /// RFC 6347 sections 4.1 and 4.2.2: one record, one ClientHello of DTLS 1.2 with a cookie and two cipher suites.
    fn hello() -> Vec<u8> {
        let body =
            [&[0xfe, 0xfd][..], &[9; 32], &[0], &[4, 1, 2, 3, 4], &[0, 4, 0xc0, 0x2b, 0, 0xff], &[1, 0]].concat();
        let length = body.len() as u8;
        let message = [&[CLIENT_HELLO, 0, 0, length, 0, 0, 0, 0, 0, 0, 0, length][..], &body].concat();
        [&[HANDSHAKE, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, message.len() as u8][..], &message].concat()
    }

    #[test]
    fn a_hello_tells_the_server_and_what_is_offered() {
        let bytes = hello();
        let opening = opening(&bytes);
        let Look::Yes(verdict) = look(&opening) else { panic!("not recognised") };
        assert_eq!(verdict.recognised.server, Some(Side::B));
        assert_eq!(verdict.recognised.certainty, Certainty::Certain);
        let mut heard = Heard::default();
        describe(&opening, verdict.recognised, &mut heard);
        let told: Vec<_> = heard.details.iter().map(|(_, detail)| detail.text.as_str()).collect();
        assert!(told[0].starts_with("dd2i020000_"), "{told:?}");
        assert_eq!(told[1], "1.2");
    }

    #[test]
    fn records_must_fill_the_datagram() {
        let bytes = hello();
        for length in 0..bytes.len() {
            assert_eq!(look(&opening(&bytes[..length])), Look::No, "{length}");
        }
        assert_eq!(look(&opening(&[&bytes[..], &[22]].concat())), Look::No);
        assert!(matches!(look(&opening(&[&bytes[..], &bytes[..]].concat())), Look::Yes(_)));
        let data = [&[23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 7, 0, 3][..], &[1, 2, 3]].concat();
        assert_eq!(look(&opening(&data)), Look::yes(Protocol::Dtls, Certainty::Likely, None));
    }

    #[test]
    fn nothing_panics() {
        let good = hello();
        for at in 0..good.len() {
            for value in 0..=255 {
                let mut bytes = good.clone();
                bytes[at] = value;
                let opening = opening(&bytes);
                if let Look::Yes(verdict) = look(&opening) {
                    describe(&opening, verdict.recognised, &mut Heard::default());
                }
            }
        }
    }
}

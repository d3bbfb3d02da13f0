//! Conversations as MS-TDS section 4 shows them, and as a driver begins them.

use super::*;
use crate::application::{Conversation, Moment};
use crate::model::Transport;

fn said(bytes: &[u8], whole: bool) -> Said<'_> {
    Said { bytes, whole, over: false }
}

fn looked(a: &[u8], b: &[u8], whole: bool) -> Look {
    let said = [said(a, whole), said(b, whole)];
    look(&Opening { transport: Transport::Tcp, ports: [50_000, 60_000], said })
}

fn packed(kind: u8, status: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, status];
    bytes.extend((body.len() as u16 + 8).to_be_bytes());
    bytes.extend([0, 0, 1, 0]);
    bytes.extend(body);
    bytes
}

/// VERSION, ENCRYPTION, INSTOPT, THREADID and MARS (MS-TDS section 2.2.6.5).
fn prelogin(kind: u8, version: [u8; 6], encryption: u8, instance: &[u8]) -> Vec<u8> {
    let values: [&[u8]; 5] = [&version, &[encryption], instance, &[0, 0, 0, 77], &[0]];
    let (mut table, mut data) = (Vec::new(), Vec::new());
    for (kind, value) in values.iter().enumerate() {
        table.push(kind as u8);
        table.extend((26 + data.len() as u16).to_be_bytes());
        table.extend((value.len() as u16).to_be_bytes());
        data.extend_from_slice(value);
    }
    table.push(0xFF);
    table.extend(data);
    packed(kind, 1, &table)
}

/// LOGIN7 with user `sa`, a password, an application name and a server name (section 2.2.6.4).
fn login7() -> Vec<u8> {
    let mut body = vec![0; 94];
    body[4..8].copy_from_slice(&[4, 0, 0, 0x74]);
    let texts = [(40, "sa"), (44, "secret"), (48, "Historian"), (52, "SQLHOST"), (68, "AssetCentre")];
    for (at, text) in texts {
        let offset = body.len() as u16;
        body[at..at + 2].copy_from_slice(&offset.to_le_bytes());
        body[at + 2..at + 4].copy_from_slice(&(text.len() as u16).to_le_bytes());
        body.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    }
    let length = body.len() as u32;
    body[..4].copy_from_slice(&length.to_le_bytes());
    packed(LOGIN7, 1, &body)
}

fn asked() -> Vec<u8> {
    prelogin(PRELOGIN, [0x10, 0, 0, 0, 0, 0], 0, b"FTAC\0")
}

fn answered() -> Vec<u8> {
    prelogin(ANSWER, [15, 0, 7, 0xD0, 0, 0], 2, b"\0")
}

fn yes(certainty: Certainty, server: Side, more: bool) -> Look {
    match more {
        true => Look::yes_so_far(Protocol::Tds, certainty, Some(server)),
        false => Look::yes(Protocol::Tds, certainty, Some(server)),
    }
}

#[test]
fn a_login_tells_software_and_server_but_no_user() {
    let mut conversation = Conversation::new([50_000, 51_433], [true, true]);
    let mut heard = Heard::default();
    conversation.bytes(Side::A, &asked(), Moment::default(), &mut heard);
    conversation.bytes(Side::B, &answered(), Moment::default(), &mut heard);
    assert!(heard.details.is_empty(), "the login is waited for");
    conversation.bytes(Side::A, &login7(), Moment::default(), &mut heard);
    let recognised = conversation.recognised().unwrap();
    assert_eq!((recognised.protocol, recognised.server), (Protocol::Tds, Some(Side::B)));
    let told: Vec<_> = heard.details.iter().map(|(_, said)| (said.side, said.kind, said.text.as_str())).collect();
    assert_eq!(
        told,
        [
            (Side::A, DetailKind::Command, "instance FTAC"),
            (Side::B, DetailKind::Version, "15.0.2000"),
            (Side::B, DetailKind::Command, "not encrypted"),
            (Side::A, DetailKind::ClientSoftware, "Historian"),
            (Side::A, DetailKind::ServerName, "SQLHOST"),
        ]
    );
}

#[test]
fn tls_within_prelogin_ends_what_is_read() {
    let tls = packed(PRELOGIN, 1, &[0x16, 3, 1, 0, 2, 1, 0]);
    // Both sides wrap theirs alike.
    let hello = packed(PRELOGIN, 1, &[0x16, 3, 3, 0, 2, 2, 0]);
    let later = packed(PRELOGIN, 1, &[0x14, 3, 3, 0, 1, 1]);
    assert_eq!(looked(&hello, b"", false), yes(Certainty::Certain, Side::A, true));
    assert_eq!(looked(&later, b"", false), Look::yes(Protocol::Tds, Certainty::Certain, None));
    assert_eq!(looked(&[asked(), tls.clone()].concat(), &answered(), true), yes(Certainty::Certain, Side::B, false));
    assert_eq!(looked(&tls, b"", false), yes(Certainty::Certain, Side::B, true));
}

#[test]
fn either_side_alone_shows_who_serves() {
    assert_eq!(looked(&asked(), b"", true), yes(Certainty::Certain, Side::B, true));
    assert_eq!(looked(&answered(), b"", true), yes(Certainty::Certain, Side::A, true));
    assert_eq!(looked(&login7(), b"", true), yes(Certainty::Certain, Side::B, true));
    assert_eq!(looked(&asked(), b"HTTP/1.1 400 Bad Request\r\n", true), Look::No);
}

#[test]
fn answers_may_come_in_parts_and_may_refuse() {
    for cut in 1..answered().len() {
        let look = looked(&asked(), &answered()[..cut], true);
        assert_eq!(look, yes(Certainty::Certain, Side::B, true), "cut at {cut}");
    }
    // Login failed, to a client that begins with its login.
    let refused = packed(ANSWER, 1, &[0xAA, 10, 0, 0x18, 0x48, 0, 0, 1, 14, 0, 0, 0, 0]);
    assert_eq!(looked(&login7(), &refused, true), yes(Certainty::Certain, Side::B, false));
}

#[test]
fn a_recording_may_cut_the_last_values_off() {
    let bytes = asked();
    let said = |over| [Said { bytes: &bytes[..bytes.len() - 4], whole: true, over }, Said::default()];
    let opening = |over| Opening { transport: Transport::Tcp, ports: [50_000, 60_000], said: said(over) };
    assert_eq!(look(&opening(false)), Look::Maybe);
    assert_eq!(look(&opening(true)), yes(Certainty::Certain, Side::B, true));
}

#[test]
fn a_table_that_does_not_fit_is_no_prelogin() {
    let good = asked();
    for (at, value) in [(8, 1), (11, 0), (12, 7), (10, 0), (13, 0), (13, 9), (1, 0x40), (7, 1)] {
        let mut bad = good.clone();
        bad[at] = value;
        if bad != good {
            let look = looked(&bad, b"", true);
            assert!(look == Look::No || at == 11 || at == 12, "byte {at}: {look:?}");
        }
    }
}

#[test]
fn the_middle_of_a_stream_is_known_by_its_structure() {
    // ALL_HEADERS with a transaction descriptor (section 2.2.5.3.2), then a batch.
    let mut batch = vec![22, 0, 0, 0, 18, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0];
    batch.extend(b"S\0E\0L\0E\0C\0T\0 \x001\0");
    let asks = packed(1, 1, &batch);
    let tells = packed(ANSWER, 1, &[0xFD, 0x10, 0, 0xC1, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(looked(&asks, b"", false), yes(Certainty::Likely, Side::B, true));
    assert_eq!(looked(b"", &tells, false), yes(Certainty::Likely, Side::B, true));
    assert_eq!(looked(&tells, &asks, false), yes(Certainty::Certain, Side::A, false));
    // From the first byte it would have begun with a login.
    assert_eq!(looked(&asks, b"", true), Look::No);
    // A header whose length goes elsewhere.
    let astray = [&asks[..], b"more"].concat();
    assert_eq!(looked(&astray, b"", false), Look::No);
}

/// A ClientHello (RFC 8446 section 4.1.2) with SNI `sql1` and one ALPN name.
fn hello(alpn: &[u8]) -> Vec<u8> {
    let mut extensions = vec![0, 0, 0, 9, 0, 7, 0, 0, 4];
    extensions.extend(b"sql1");
    extensions.extend([0, 16, 0, alpn.len() as u8 + 3, 0, alpn.len() as u8 + 1, alpn.len() as u8]);
    extensions.extend(alpn);
    let mut body = vec![3, 3];
    body.extend([b'R'; 32]);
    body.extend([0, 0, 2, 0x13, 1, 1, 0]);
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    let mut bytes = vec![0x16, 3, 1];
    bytes.extend((body.len() as u16 + 4).to_be_bytes());
    bytes.extend([1, 0]);
    bytes.extend((body.len() as u16).to_be_bytes());
    bytes.extend(body);
    bytes
}

#[test]
fn tds_8_is_tls_whose_client_says_so() {
    let bytes = hello(b"tds/8.0");
    let opening =
        Opening { transport: Transport::Tcp, ports: [50_000, 1433], said: [said(&bytes, true), Said::default()] };
    let Look::Yes(verdict) = look(&opening) else { panic!("not known") };
    assert_eq!(verdict.recognised.server, Some(Side::B));
    let mut heard = Heard::default();
    describe(&opening, verdict.recognised, &mut heard);
    let told: Vec<&str> = heard.details.iter().map(|(_, said)| said.text.as_str()).collect();
    assert_eq!(told, ["tds/8.0", "sql1"]);
    assert_eq!(looked(&hello(b"http/1.1"), b"", true), Look::No);
    assert_eq!(looked(b"\x16\x03\x03\x00\x02\x02\x00", b"", true), Look::No);
    assert_eq!(looked(&bytes[..40], b"", true), Look::Maybe);
}

#[test]
fn hostile_bytes_do_no_harm() {
    let samples = [asked(), answered(), login7(), hello(b"tds/8.0")];
    for sample in &samples {
        for cut in 0..sample.len() {
            let mut flipped = sample.clone();
            flipped[cut] ^= 0xFF;
            for bytes in [&sample[..cut], &flipped] {
                for whole in [true, false] {
                    let _ = looked(bytes, b"", whole);
                    let _ = looked(bytes, &answered(), whole);
                    let opening = Opening {
                        transport: Transport::Tcp,
                        ports: [0; 2],
                        said: [said(bytes, whole), said(bytes, whole)],
                    };
                    let server = Some(Side::B);
                    let recognised = Recognised { protocol: Protocol::Tds, certainty: Certainty::Certain, server };
                    describe(&opening, recognised, &mut Heard::default());
                }
            }
        }
    }
}

//! Hellos as RFC 5246 and RFC 8446 lay them out, a certificate of our own making, and what only looks like TLS.
//!
//! Quoted examples are from memory, unverified against the text.

use super::*;
use crate::application::tls_certificate::Certificates;
use crate::application::{Attention, Conversation, Moment, OPENING_BYTES, Said};

/// Version, random, no session, two cipher suites, no compression; then server_name, ALPN and supported_versions.
fn client_hello(version_list: &[u8]) -> Vec<u8> {
    let name = b"\0\0\0\x10\0\x0e\0\0\x0bplc.example";
    let alpn = b"\0\x10\0\x0e\0\x0c\x02h2\x08http/1.1";
    let versions = match version_list {
        [] => Vec::new(),
        list => [&[0, 43, 0, list.len() as u8 + 1, list.len() as u8][..], list].concat(),
    };
    let extensions = [&name[..], alpn, &versions].concat();
    let head = [&[3, 3][..], &[5; 32], b"\0\0\x04\x13\x01\xc0\x2f\x01\0"].concat();
    [head, vec![0, extensions.len() as u8], extensions].concat()
}

fn server_hello(extensions: &[u8]) -> Vec<u8> {
    [&[3, 3][..], &[6; 32], b"\0\xc0\x2f\0", &[0, extensions.len() as u8], extensions].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 0][..], &(body.len() as u16).to_be_bytes(), body].concat()
}

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 3, 1][..], &(body.len() as u16).to_be_bytes(), body].concat()
}

fn tlv(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = match body.len() {
        short @ 0..0x80 => vec![short as u8],
        long @ 0x80..0x100 => vec![0x81, long as u8],
        long => vec![0x82, (long >> 8) as u8, long as u8],
    };
    [vec![tag], length, body.to_vec()].concat()
}

/// A name (RFC 5280 section 4.1.2.4) of attributes 2.5.4.x as UTF8String.
fn name(attributes: &[(u8, &str)]) -> Vec<u8> {
    let one = |(kind, value): &(u8, &str)| {
        let pair = [tlv(6, &[0x55, 4, *kind]), tlv(0x0c, value.as_bytes())].concat();
        tlv(0x31, &tlv(0x30, &pair))
    };
    tlv(0x30, &attributes.iter().flat_map(one).collect::<Vec<_>>())
}

/// A certificate whose serial number has more bytes than RFC 5280 allows, as devices show them.
fn certificate(subject: &[(u8, &str)]) -> Vec<u8> {
    let algorithm = tlv(0x30, &tlv(6, b"\x2a\x86\x48\xce\x3d\x04\x03\x02"));
    let times = [tlv(0x17, b"240101000000Z"), tlv(0x17, b"340101000000Z")].concat();
    let key = [algorithm.clone(), tlv(3, &[0, 4])].concat();
    let parts = [
        tlv(0xa0, &tlv(2, &[2])),
        tlv(2, &[1; 24]),
        algorithm.clone(),
        name(&[(3, "Some CA")]),
        tlv(0x30, &times),
        name(subject),
        tlv(0x30, &key),
    ];
    tlv(0x30, &[tlv(0x30, &parts.concat()), algorithm, tlv(3, &[0, 1, 2])].concat())
}

fn certificate_message(der: &[u8]) -> Vec<u8> {
    let length = |bytes: usize| [0, (bytes >> 8) as u8, bytes as u8];
    message(CERTIFICATE, &[&length(der.len() + 3)[..], &length(der.len()), der].concat())
}

fn opening<'a>(a: &'a [u8], b: &'a [u8], whole: bool) -> Opening<'a> {
    let said = [a, b].map(|bytes| Said { bytes, whole, over: false });
    Opening { transport: Transport::Tcp, ports: [50_000, 4_000], said }
}

fn verdict(a: &[u8], b: &[u8], whole: bool) -> Option<(Certainty, Option<Side>, bool)> {
    match look(&opening(a, b, whole)) {
        Look::Yes(verdict) => Some((verdict.recognised.certainty, verdict.recognised.server, verdict.more)),
        _ => None,
    }
}

type Details = Vec<(Side, DetailKind, String)>;

fn told(a: &[u8], b: &[u8]) -> (Details, Vec<(Side, String)>) {
    let opening = opening(a, b, true);
    let Look::Yes(verdict) = look(&opening) else { panic!("not recognised") };
    let mut heard = Heard::default();
    describe(&opening, verdict.recognised, &mut heard);
    let details = heard.details.into_iter().map(|(_, detail)| (detail.side, detail.kind, detail.text));
    (details.collect(), heard.names.into_iter().map(|named| (named.side, named.name)).collect())
}

#[test]
fn a_client_of_tls_1_3_is_told_and_its_server_too() {
    let client = record(HANDSHAKE, &message(CLIENT_HELLO, &client_hello(&[3, 4, 3, 3])));
    assert_eq!(verdict(&client, b"", true), Some((Certainty::Certain, Some(Side::B), true)));
    let server = record(HANDSHAKE, &message(SERVER_HELLO, &server_hello(b"\0\x2b\0\x02\x03\x04")));
    assert_eq!(verdict(&client, &server, true), Some((Certainty::Certain, Some(Side::B), false)));
    let (details, names) = told(&client, &server);
    assert_eq!(details[0], (Side::A, DetailKind::ServerName, "plc.example".to_owned()));
    assert_eq!(details[1], (Side::A, DetailKind::Alpn, "h2,http/1.1".to_owned()));
    assert!(details[2].2.starts_with("t13d0203h2_"), "{details:?}");
    assert_eq!(details[3], (Side::B, DetailKind::Version, "1.3".to_owned()));
    assert_eq!(names, [(Side::B, "plc.example".to_owned())]);
}

#[test]
fn a_certificate_of_tls_1_2_is_waited_for_and_told() {
    let client = record(HANDSHAKE, &message(CLIENT_HELLO, &client_hello(&[])));
    let hello = message(SERVER_HELLO, &server_hello(b"\0\x10\0\x05\0\x03\x02h2"));
    let proof = certificate_message(&certificate(&[(6, "DE"), (10, "Plant"), (3, "scada.example")]));
    // Both messages in one record, and the certificate over two.
    let together = record(HANDSHAKE, &[&hello[..], &proof].concat());
    let parted = [record(HANDSHAKE, &hello), record(HANDSHAKE, &proof[..40]), record(HANDSHAKE, &proof[40..])].concat();
    for server in [together, parted] {
        for length in 1..server.len() {
            let more = verdict(&client, &server[..length], true).map(|(.., more)| more);
            assert_eq!(more, Some(true), "{length}");
        }
        assert_eq!(verdict(&client, &server, true), Some((Certainty::Certain, Some(Side::B), false)));
        let (details, names) = told(&client, &server);
        let of_server: Vec<_> = details.iter().filter(|(side, ..)| *side == Side::B).map(|(.., text)| text).collect();
        assert_eq!(of_server, ["h2", "scada.example", "1.2"]);
        assert!(names.contains(&(Side::B, "scada.example".to_owned())));
    }
}

#[test]
fn a_subject_without_common_name_is_told_whole_and_a_wildcard_names_no_host() {
    // All end with the same bytes, and so have the same place among those that are remembered.
    let mut certificates = Certificates::default();
    let mut told = |attributes: &[(u8, &str)]| certificates.subject(&certificate(attributes)).cloned();
    for _ in 0..2 {
        assert_eq!(told(&[(6, "DE"), (10, "Plant")]), Some(Subject::Whole("C=DE, O=Plant".into())));
        assert_eq!(told(&[(3, "one"), (3, "two")]), Some(Subject::CommonName("two".into())));
        assert_eq!(told(&[(3, "one"), (3, "two")]), Some(Subject::CommonName("two".into())));
    }
    assert_eq!(certificates.subject(b""), None);
    assert_eq!(certificates.subject(b"no certificate"), None);
    let client = record(HANDSHAKE, &message(CLIENT_HELLO, &client_hello(&[])));
    let proof = certificate_message(&certificate(&[(3, "*.example")]));
    let server = record(HANDSHAKE, &[message(SERVER_HELLO, &server_hello(b"")), proof].concat());
    assert_eq!(self::told(&client, &server).1, [(Side::B, "plc.example".to_owned())]);
}

#[test]
fn a_hello_over_records_and_segments_is_put_together() {
    let hello = message(CLIENT_HELLO, &client_hello(&[3, 4]));
    let parted = [record(HANDSHAKE, &hello[..50]), record(HANDSHAKE, &hello[50..])].concat();
    assert_eq!(verdict(&parted, b"", true), Some((Certainty::Likely, Some(Side::B), true)));
    assert_eq!(told(&parted, b"").0[0].2, "plc.example");
    let mut conversation = Conversation::new([50_000, 443], [true, true]);
    let mut heard = Heard::default();
    let server = record(HANDSHAKE, &message(SERVER_HELLO, &server_hello(b"\0\x2b\0\x02\x03\x04")));
    for (side, bytes) in [(Side::A, &parted[..3]), (Side::A, &parted[3..60]), (Side::A, &parted[60..])] {
        assert_eq!(conversation.bytes(side, bytes, Moment::default(), &mut heard), Attention::More);
    }
    assert_eq!(conversation.bytes(Side::B, &server, Moment::default(), &mut heard), Attention::Done);
    assert!(heard.details.iter().any(|(_, detail)| detail.text == "plc.example"));
}

#[test]
fn the_middle_of_a_stream_is_likely_and_proves_no_server() {
    let data = record(APPLICATION_DATA, &[7; 30]);
    let chain = [&data[..], &data, &data[..9]].concat();
    let long = [&[APPLICATION_DATA, 3, 3, 0x40, 0][..], &[1; 1400]].concat();
    for bytes in [&data, &chain, &long] {
        assert_eq!(verdict(bytes, b"", false), Some((Certainty::Likely, None, false)));
        assert_eq!(verdict(bytes, b"", true), None);
    }
    let broken = [&data[..], b"GET /"].concat();
    assert_eq!(look(&opening(&broken, b"", false)), Look::No);
}

#[test]
fn what_does_not_fit_is_none() {
    let good = record(HANDSHAKE, &message(CLIENT_HELLO, &client_hello(&[])));
    // Type, versions, lengths, session identifier.
    for (at, value) in [(0, 19), (1, 2), (2, 5), (3, 0xff), (6, 1), (9, 2), (10, 9), (43, 33)] {
        let mut bytes = good.clone();
        bytes[at] = value;
        assert_eq!(look(&opening(&bytes, b"", true)), Look::No, "{at}");
    }
    assert_eq!(look(&opening(b"\x16\x03\x01\x00\x00\x01", b"", true)), Look::No);
    assert_eq!(look(&opening(&[0x16; OPENING_BYTES], b"", true)), Look::No);
    let answered = verdict(&good, b"HTTP/1.1 400 Bad Request\r\n\r\n", true);
    assert_eq!(answered, Some((Certainty::Likely, Some(Side::B), false)));
}

#[test]
fn an_old_hello_offers_tls() {
    // RFC 5246 appendix E.2: one cipher suite of three bytes, no session, a challenge of 16.
    let hello = [&b"\x80\x1c\x01\x03\x01\0\x03\0\0\0\x10\0\0\x35"[..], &[9; 16]].concat();
    assert_eq!(verdict(&hello, b"", true), Some((Certainty::Certain, Some(Side::B), true)));
    assert_eq!(told(&hello, b"").0, [(Side::A, DetailKind::Version, "1.0".to_owned())]);
    let mut wrong = hello.clone();
    wrong[1] += 1;
    assert_eq!(look(&opening(&wrong, b"", true)), Look::No);
}

#[test]
fn prefixes_are_waited_for_and_nothing_panics() {
    let client = record(HANDSHAKE, &message(CLIENT_HELLO, &client_hello(&[3, 4])));
    for length in 1..client.len() {
        assert_ne!(look(&opening(&client[..length], b"", true)), Look::No, "{length}");
    }
    let proof = certificate_message(&certificate(&[(3, "scada.example")]));
    let server = record(HANDSHAKE, &[message(SERVER_HELLO, &server_hello(b"")), proof].concat());
    for at in 0..client.len().max(server.len()) {
        for value in (0..=255).step_by(3) {
            let (mut a, mut b) = (client.clone(), server.clone());
            for byte in [a.get_mut(at), b.get_mut(at)].into_iter().flatten() {
                *byte = value;
            }
            let opening = opening(&a, &b, true);
            let _ = look(&opening);
            let recognised = Recognised { protocol: Protocol::Tls, certainty: Certainty::Likely, server: None };
            describe(&opening, recognised, &mut Heard::default());
        }
    }
}

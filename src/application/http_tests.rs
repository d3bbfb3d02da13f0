//! Requests and responses as the standards give them, and what only looks like them.
//!
//! Quoted examples are from memory, unverified against the text.

use super::*;
use crate::application::{OPENING_BYTES, Said};
use crate::model::Transport;

/// RFC 9112 section 3.2 and RFC 9110 section 6.6 in form.
const REQUEST: &[u8] =
    b"GET /pub/page;v=1?user=x HTTP/1.1\r\nHost: www.example.org:8080\r\nUser-Agent: reader/1\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nServer: box/2.4\r\nContent-Length: 0\r\n\r\n";
/// RFC 6455 section 1.2.
const UPGRADE: &[u8] =
    b"GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
const SWITCHES: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

fn opening<'a>(a: &'a [u8], b: &'a [u8]) -> Opening<'a> {
    let said = [a, b].map(|bytes| Said { bytes, whole: true, over: false });
    Opening { transport: Transport::Tcp, ports: [50_000, 4_000], said }
}

fn verdict(a: &[u8], b: &[u8]) -> Option<(Protocol, Certainty, Option<Side>)> {
    match look(&opening(a, b)) {
        Look::Yes(verdict) => {
            let is = verdict.recognised;
            Some((is.protocol, is.certainty, is.server))
        }
        _ => None,
    }
}

fn told(a: &[u8], b: &[u8]) -> (Vec<(DetailKind, String)>, Vec<String>) {
    let opening = opening(a, b);
    let Look::Yes(verdict) = look(&opening) else { panic!("not recognised") };
    let mut heard = Heard::default();
    describe(&opening, verdict.recognised, &mut heard);
    let details = heard.details.into_iter().map(|(_, detail)| (detail.kind, detail.text));
    (details.collect(), heard.names.into_iter().map(|named| named.name).collect())
}

#[test]
fn request_and_response_prove_both_sides() {
    assert_eq!(verdict(REQUEST, b""), Some((Protocol::Http, Certainty::Certain, Some(Side::B))));
    assert_eq!(verdict(REQUEST, RESPONSE), Some((Protocol::Http, Certainty::Certain, Some(Side::B))));
    assert_eq!(verdict(RESPONSE, b""), Some((Protocol::Http, Certainty::Certain, Some(Side::A))));
    let (details, names) = told(REQUEST, RESPONSE);
    let expected = [
        (DetailKind::ServerSoftware, "box/2.4"),
        (DetailKind::Request, "GET /pub/page"),
        (DetailKind::ClientSoftware, "reader/1"),
        (DetailKind::ServerName, "www.example.org"),
        (DetailKind::Version, "1.1"),
    ];
    assert_eq!(details, expected.map(|(kind, text)| (kind, text.to_owned())));
    assert_eq!(names, ["www.example.org"]);
}

#[test]
fn a_switch_to_websocket_is_one_and_a_refusal_is_none() {
    assert_eq!(verdict(UPGRADE, b""), Some((Protocol::Http, Certainty::Certain, Some(Side::B))));
    assert_eq!(verdict(UPGRADE, SWITCHES), Some((Protocol::WebSocket, Certainty::Certain, Some(Side::B))));
    assert_eq!(verdict(b"", SWITCHES), Some((Protocol::WebSocket, Certainty::Certain, Some(Side::B))));
    assert_eq!(verdict(UPGRADE, RESPONSE), Some((Protocol::Http, Certainty::Certain, Some(Side::B))));
}

#[test]
fn engine_io_is_known_by_path_and_query() {
    let polling = b"GET /socket.io/?EIO=4&transport=polling&t=Abc&token=secret HTTP/1.1\r\nHost: 10.0.0.1:3000\r\n\r\n";
    assert_eq!(verdict(polling, b""), Some((Protocol::SocketIo, Certainty::Likely, Some(Side::B))));
    assert_eq!(verdict(polling, RESPONSE), Some((Protocol::SocketIo, Certainty::Certain, Some(Side::B))));
    assert_eq!(verdict(polling, b"HTTP/1.1 404 No\r\n\r\n"), Some((Protocol::Http, Certainty::Certain, Some(Side::B))));
    let (details, names) = told(polling, RESPONSE);
    assert_eq!(details[1], (DetailKind::Request, "GET /socket.io/?EIO=4&transport=polling".to_owned()));
    assert_eq!(details[2], (DetailKind::Version, "EIO4".to_owned()));
    assert_eq!(details[3], (DetailKind::Command, "polling".to_owned()));
    assert!(names.is_empty());
    let websocket = b"GET /app/engine.io?transport=websocket HTTP/1.1\r\n\r\n";
    assert_eq!(verdict(websocket, SWITCHES), Some((Protocol::SocketIo, Certainty::Certain, Some(Side::B))));
    let other = b"GET /socket.io/socket.io.js?v=4 HTTP/1.1\r\n\r\n";
    assert_eq!(verdict(other, RESPONSE), Some((Protocol::Http, Certainty::Certain, Some(Side::B))));
}

#[test]
fn a_proxy_has_no_name_of_what_it_is_asked_for() {
    let through = b"GET http://me:pass@far.example/x?y HTTP/1.1\r\nHost: far.example\r\n\r\n";
    let (details, names) = told(through, b"");
    assert_eq!(details[0], (DetailKind::Request, "GET /x".to_owned()));
    assert_eq!(details[1], (DetailKind::ServerName, "far.example".to_owned()));
    assert!(names.is_empty());
    let (details, names) = told(b"CONNECT far.example:443 HTTP/1.1\r\nHost: far.example:443\r\n\r\n", b"");
    assert_eq!(details[0], (DetailKind::Request, "CONNECT far.example:443".to_owned()));
    assert!(names.is_empty());
}

#[test]
fn what_borrowed_the_form_is_not_http() {
    let others: [&[u8]; 10] = [
        b"OPTIONS rtsp://10.0.0.1/x RTSP/1.0\r\nCSeq: 1\r\n\r\n",
        b"OPTIONS sip:x@10.0.0.1 SIP/2.0\r\n",
        b"RTSP/1.0 200 OK\r\n",
        b"SIP/2.0 200 OK\r\n",
        b"ICY 200 OK\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET x\r\n",
        b"get / HTTP/1.1\r\n",
        b"HTTP/1.1 2x0 OK\r\n",
        b"POSTS /",
    ];
    for bytes in others {
        assert_eq!(look(&opening(bytes, b"")), Look::No, "{}", text(bytes));
    }
}

#[test]
fn an_answer_in_another_language_needs_a_known_method() {
    let likely = Some((Protocol::Http, Certainty::Likely, Some(Side::B)));
    assert_eq!(verdict(b"GET / HTTP/1.0\r\n\r\n", b"<html>"), likely);
    assert_eq!(look(&opening(b"REQ / HTTP/1.0\r\n\r\n", b"RSP ok\r\n")), Look::No);
}

#[test]
fn a_head_that_is_cut_tells_its_whole_lines() {
    let cut = &REQUEST[..REQUEST.len() - 8];
    let (details, _) = told(cut, b"");
    assert_eq!(details[1], (DetailKind::ServerName, "www.example.org".to_owned()));
    let after_continue = [b"HTTP/1.1 100 Continue\r\n\r\n", RESPONSE].concat();
    let (details, _) = told(REQUEST, &after_continue);
    assert_eq!(details[0], (DetailKind::ServerSoftware, "box/2.4".to_owned()));
}

#[test]
fn a_first_line_that_never_ends_is_likely_a_request() {
    let mut long = b"GET /".to_vec();
    long.resize(OPENING_BYTES, b'a');
    assert_eq!(look(&opening(&long, b"")), Look::Maybe);
    let a = Said { bytes: &long, whole: true, over: true };
    let over = Opening { said: [a, Said::default()], ..opening(b"", b"") };
    assert_eq!(look(&over), Look::yes(Protocol::Http, Certainty::Likely, Some(Side::B)));
}

#[test]
fn prefixes_are_waited_for_and_nothing_panics() {
    for length in 1..30 {
        assert_eq!(look(&opening(&REQUEST[..length], b"")), Look::Maybe, "{length}");
    }
    for length in 1..12 {
        assert_eq!(look(&opening(b"", &RESPONSE[..length])), Look::Maybe, "{length}");
    }
    for at in 0..REQUEST.len() {
        for value in 0..=255 {
            let (mut a, mut b) = (REQUEST.to_vec(), SWITCHES.to_vec());
            a[at] = value;
            if let Some(byte) = b.get_mut(at) {
                *byte = value;
            }
            let opening = opening(&a[..], &b[..]);
            if let Look::Yes(verdict) = look(&opening) {
                describe(&opening, verdict.recognised, &mut Heard::default());
            }
        }
    }
}

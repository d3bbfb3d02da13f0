//! PostgreSQL (documentation, "Message Formats"): a client begins with a length and a code: the protocol's version 3 with pairs
//! of keys and values, or a request to encrypt or to cancel.
//!
//! Read: what is asked for, the client's application_name, and server_version where it is not encrypted. Not read: users,
//! databases, passwords, queries.
//!
//! Layouts, constants and quoted examples are from memory, unverified against the text; checked on captures only.

use super::heard::{Heard, text};
use super::opening::{Look, Opening};
use super::reader::{be16, be32, slice};
use crate::model::{Certainty, DetailKind, Protocol, Recognised, Side};

/// Longest startup message (`MAX_STARTUP_PACKET_LENGTH` of the server).
const LONGEST: usize = 10_000;
const HEADER: usize = 8;
/// Requests that are no startup: their code, their length (cancelling has a key that may be longer since version 3.2), and
/// what they ask for.
const REQUESTS: [(u32, usize, &str); 3] =
    [(80_877_103, 8, "SSLRequest"), (80_877_104, 8, "GSSENCRequest"), (80_877_102, 16, "CancelRequest")];
const VERSION_3: u16 = 3;
/// Messages of a server that are read until it is ready.
const MOST_MESSAGES: usize = 64;
const PARAMETER_STATUS: u8 = b'S';
const READY: u8 = b'Z';
const ERROR: u8 = b'E';

/// What a client begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start<'a> {
    /// Minor version, and the pairs.
    Startup(u16, &'a [u8]),
    Request(&'static str),
}

/// `Err(true)` where bytes could become one.
fn start(bytes: &[u8]) -> Result<Start<'_>, bool> {
    let Some(length) = be32(bytes, 0).map(|length| length as usize) else {
        return Err(bytes.first().is_none_or(|first| *first == 0) && bytes.get(1).is_none_or(|second| *second == 0));
    };
    if !(HEADER..=LONGEST).contains(&length) {
        return Err(false);
    }
    let Some(code) = be32(bytes, 4) else {
        let begins = |code: u32| code.to_be_bytes().starts_with(&bytes[4..]);
        return Err(bytes[4..].iter().zip([0, 3, 0]).all(|(is, wanted)| *is == wanted)
            || REQUESTS.iter().any(|(code, ..)| begins(*code)));
    };
    if let Some((_, _, name)) = REQUESTS.iter().find(|(is, wanted, _)| *is == code && *wanted == length) {
        return Ok(Start::Request(name));
    }
    if be16(bytes, 4) != Some(VERSION_3) {
        return Err(false);
    }
    let pairs = bytes.get(HEADER..length);
    match pairs {
        // It ends with an empty key, behind the end of the last value; `user` is required.
        Some(pairs) if pairs.ends_with(b"\0\0") && value(pairs, b"user").is_some() => {
            Ok(Start::Startup((code & 0xffff) as u16, pairs))
        }
        Some(_) => Err(false),
        None => Err(bytes.get(HEADER).is_none_or(u8::is_ascii_graphic)),
    }
}

/// The value of a key, of texts that end with zero.
fn value<'a>(pairs: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let mut texts = pairs.split(|byte| *byte == 0);
    std::iter::from_fn(|| Some((texts.next()?, texts.next()?))).find(|(is, _)| *is == key).map(|(_, value)| value)
}

pub(super) fn look(opening: &Opening<'_>) -> Look {
    let mut maybe = false;
    for client in [Side::A, Side::B] {
        let bytes = opening.bytes(client);
        if bytes.is_empty() {
            continue;
        }
        match start(bytes) {
            Ok(start) => {
                let server = client.other();
                let closed = opening.is_over() || is_done(start, opening.bytes(server));
                return match closed {
                    true => Look::yes(Protocol::PostgreSql, Certainty::Certain, Some(server)),
                    false => Look::yes_so_far(Protocol::PostgreSql, Certainty::Certain, Some(server)),
                };
            }
            Err(so_far) => maybe |= so_far && !opening.from(client).over,
        }
    }
    if maybe { Look::Maybe } else { Look::No }
}

/// Whether a server said its version, or will not say it where it can be read.
fn is_done(start: Start<'_>, server: &[u8]) -> bool {
    match start {
        Start::Request(_) => !server.is_empty(),
        Start::Startup(..) => messages(server).any(|(kind, body)| {
            matches!(kind, READY | ERROR) || kind == PARAMETER_STATUS && value(body, b"server_version").is_some()
        }),
    }
}

/// Whole messages of a server: type and body.
fn messages(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = bytes;
    let mut read = 0;
    std::iter::from_fn(move || {
        read += 1;
        let length = be32(rest, 1)? as usize;
        let body = slice(rest, 5, length.checked_sub(4)?)?;
        let kind = rest[0];
        rest = &rest[5 + body.len()..];
        (read <= MOST_MESSAGES).then_some((kind, body))
    })
}

pub(super) fn describe(opening: &Opening<'_>, recognised: Recognised, heard: &mut Heard) {
    let Some(server) = recognised.server else { return };
    let client = server.other();
    match start(opening.bytes(client)) {
        Ok(Start::Request(name)) => heard.detail(client, DetailKind::Command, name),
        Ok(Start::Startup(minor, pairs)) => {
            heard.detail(client, DetailKind::Version, format!("3.{minor}"));
            heard.detail(
                client,
                DetailKind::ClientSoftware,
                value(pairs, b"application_name").map(text).unwrap_or_default(),
            );
            let status = |(kind, body)| if kind == PARAMETER_STATUS { value(body, b"server_version") } else { None };
            let version = messages(opening.bytes(server)).find_map(status);
            heard.detail(server, DetailKind::ServerSoftware, version.map(text).unwrap_or_default());
        }
        Err(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::Said;
    use super::*;
    use crate::model::Transport;

    fn startup() -> Vec<u8> {
        let pairs = b"user\0operator\0database\0history\0application_name\0hmi\0\0";
        [&(pairs.len() as u32 + 8).to_be_bytes()[..], &[0, 3, 0, 0], pairs].concat()
    }

    /// AuthenticationOk, then ParameterStatus as the documentation gives them.
    const ANSWER: &[u8] = b"R\0\0\0\x08\0\0\0\0S\0\0\0\x18server_version\x0016.2\0";

    fn opening<'a>(a: &'a [u8], b: &'a [u8]) -> Opening<'a> {
        let said = [a, b].map(|bytes| Said { bytes, whole: true, over: false });
        Opening { transport: Transport::Tcp, ports: [50_000, 4_000], said }
    }

    #[test]
    fn a_startup_is_told_without_user_and_database() {
        let bytes = startup();
        assert!(matches!(look(&opening(&bytes, b"")), Look::Yes(verdict) if verdict.more));
        let both = opening(&bytes, ANSWER);
        let Look::Yes(verdict) = look(&both) else { panic!("not recognised") };
        assert_eq!((verdict.recognised.server, verdict.more), (Some(Side::B), false));
        let mut heard = Heard::default();
        describe(&both, verdict.recognised, &mut heard);
        let told: Vec<_> = heard.details.iter().map(|(_, detail)| detail.text.as_str()).collect();
        assert_eq!(told, ["3.0", "hmi", "16.2"]);
    }

    #[test]
    fn requests_have_their_code_and_their_length() {
        let asks = b"\0\0\0\x08\x04\xd2\x16\x2f";
        assert!(matches!(look(&opening(asks, b"")), Look::Yes(verdict) if verdict.more));
        assert_eq!(look(&opening(asks, b"S")), Look::yes(Protocol::PostgreSql, Certainty::Certain, Some(Side::B)));
        assert_eq!(look(&opening(b"\0\0\0\x09\x04\xd2\x16\x2f", b"")), Look::No);
        assert_eq!(look(&opening(b"\0\0\0\x08\x04\xd2\x16\x31", b"")), Look::No);
        assert_eq!(look(&opening(b"\0\0\0\x09\0\x03\0\0\0", b"")), Look::No);
        assert_eq!(look(&opening(b"\0\0\x80\0", b"")), Look::No);
    }

    #[test]
    fn prefixes_are_waited_for_and_nothing_panics() {
        let good = startup();
        for length in 1..good.len() {
            assert_eq!(look(&opening(&good[..length], b"")), Look::Maybe, "{length}");
        }
        for at in 0..good.len() {
            for value in 0..=255 {
                let mut bytes = good.clone();
                bytes[at] = value;
                let _ = look(&opening(&bytes, ANSWER));
            }
        }
        for at in 0..ANSWER.len() {
            for value in 0..=255 {
                let mut bytes = ANSWER.to_vec();
                bytes[at] = value;
                let _ = look(&opening(&good, &bytes));
            }
        }
    }
}

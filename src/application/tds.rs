//! Tabular data stream (MS-TDS): SQL Server.
//!
//! Read: packet headers (section 2.2.3.1), the options of PRELOGIN in both directions (2.2.6.5), names of software and server
//! in LOGIN7 (2.2.6.4), TLS within PRELOGIN packets, and TDS 8.0, which begins with TLS whose ALPN is `tds/8.0`. In the
//! middle of a stream: packet headers, `ALL_HEADERS` of requests (2.2.5.3) and the first token of answers (2.2.7). Not read:
//! user names, passwords, databases, requests and rows.

use super::heard::{Heard, text, text_utf16};
use super::opening::{Look, Opening, Said};
use super::reader::{array, be16, le16, le32, slice};
use crate::model::{Certainty, DetailKind, Protocol, Recognised, Side};

const HEADER: usize = 8;
const PRELOGIN: u8 = 0x12;
const LOGIN7: u8 = 0x10;
const ANSWER: u8 = 0x04;
/// Largest packet that a server grants (MS-TDS section 2.2.3.1.3).
const LARGEST: usize = 32_767;
/// Options of PRELOGIN (section 2.2.6.5).
const VERSION: u8 = 0;
const ENCRYPTION: u8 = 1;
const INSTANCE: u8 = 2;
const LAST_OPTION: u8 = 7;
/// First tokens of an answer (section 2.2.7): what a server can begin with.
const TOKENS: &[u8] = &[
    0x79, 0x81, 0x88, 0xA4, 0xA5, 0xA9, 0xAA, 0xAB, 0xAC, 0xAD, 0xAE, 0xD1, 0xD2, 0xD3, 0xE3, 0xE4, 0xED, 0xEE, 0xFD,
    0xFE, 0xFF,
];
const ALPN: &[u8] = b"tds/8.0";

/// What the first packets of one side are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    /// No packets of TDS.
    Other,
    /// Too little to tell.
    Short,
    /// Something that only a client says when it begins.
    Opens,
    /// An answer to that.
    Answers,
    /// A request or answer in the middle of a stream: by a structure that says something (`true`), or by its header alone.
    Asks(bool),
    Tells(bool),
    /// TLS within PRELOGIN, of which nothing tells whose it is.
    Within,
}

/// One packet.
#[derive(Debug, Clone, Copy)]
struct Packet<'a> {
    kind: u8,
    last: bool,
    body: &'a [u8],
    complete: bool,
}

/// The packets at the beginning; `None` behind the first thing that is none.
fn packets(bytes: &[u8]) -> impl Iterator<Item = Option<Packet<'_>>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some((packet, next)) = packet(rest) else {
            rest = &[];
            return Some(None);
        };
        rest = next;
        Some(Some(packet))
    })
}

fn packet(bytes: &[u8]) -> Option<(Packet<'_>, &[u8])> {
    let [kind, status, _, _, _, _, _, window] = *bytes.first_chunk::<HEADER>()?;
    let length = usize::from(be16(bytes, 2)?);
    // The three highest bits of the status are not given out (bit 2 is not either, and yet it is seen), the window is not used.
    let fits = matches!(kind, 1..=4 | 6..=8 | 0x0E | 0x10..=0x12) && status & 0xE0 == 0 && window == 0;
    // An attention (6) is a header alone.
    let least = if kind == 6 { HEADER } else { HEADER + 1 };
    if !fits || !(least..=LARGEST).contains(&length) {
        return None;
    }
    let end = length.min(bytes.len());
    let packet = Packet { kind, last: status & 1 == 1, body: &bytes[HEADER..end], complete: end == length };
    Some((packet, &bytes[end..]))
}

pub(super) fn look(opening: &Opening<'_>) -> Look {
    let is = [Side::A, Side::B].map(|side| side_is(opening.from(side)));
    for (side, is) in [Side::A, Side::B].into_iter().zip(is) {
        let other = opening.bytes(side.other());
        let server = match is {
            Is::Opens => side.other(),
            Is::Answers => side,
            _ => continue,
        };
        return match has_logged_in(opening, server) {
            true => Look::yes(Protocol::Tds, Certainty::Certain, Some(server)),
            // A server that speaks something else denies it.
            false if !other.is_empty() && side_is(opening.from(side.other())) == Is::Other => Look::No,
            false => Look::yes_so_far(Protocol::Tds, Certainty::Certain, Some(server)),
        };
    }
    middle(opening, is)
}

fn middle(opening: &Opening<'_>, is: [Is; 2]) -> Look {
    let (certain, likely) = (Certainty::Certain, Certainty::Likely);
    match is {
        [Is::Asks(_), Is::Tells(true)] | [Is::Asks(true), Is::Tells(_)] => {
            Look::yes(Protocol::Tds, certain, Some(Side::B))
        }
        [Is::Tells(true), Is::Asks(_)] | [Is::Tells(_), Is::Asks(true)] => {
            Look::yes(Protocol::Tds, certain, Some(Side::A))
        }
        [Is::Within, _] | [_, Is::Within] => Look::yes(Protocol::Tds, certain, None),
        [Is::Other, Is::Other] | [Is::Other, Is::Short] | [Is::Short, Is::Other] => Look::No,
        _ => {
            for side in [Side::A, Side::B] {
                match is[side as usize] {
                    Is::Asks(true) => return Look::yes_so_far(Protocol::Tds, likely, Some(side.other())),
                    Is::Tells(true) => return Look::yes_so_far(Protocol::Tds, likely, Some(side)),
                    _ => {}
                }
            }
            let waits = |side| is[side as usize] != Is::Other && !opening.from(side).over;
            if [Side::A, Side::B].into_iter().any(|side| !opening.bytes(side).is_empty() && waits(side)) {
                Look::Maybe
            } else {
                Look::No
            }
        }
    }
}

fn side_is(said: Said<'_>) -> Is {
    let bytes = said.bytes;
    if bytes.is_empty() {
        return Is::Short;
    }
    if bytes[0] == 0x16 {
        return match client_hello(bytes) {
            Hello::Tds(_) => Is::Opens,
            Hello::Short if !said.over => Is::Short,
            _ => Is::Other,
        };
    }
    let short = if said.over { Is::Other } else { Is::Short };
    if bytes.len() < HEADER + 1 {
        return if could_begin(bytes) { short } else { Is::Other };
    }
    let Some((first, rest)) = packet(bytes) else { return Is::Other };
    match first.kind {
        PRELOGIN if tls_within(first.body) => match first.body.get(..6) {
            Some([0x16, .., 1]) => Is::Opens,
            Some([0x16, .., 2]) => Is::Answers,
            _ => Is::Within,
        },
        PRELOGIN | LOGIN7 if opens(&first) => Is::Opens,
        // A recording may cut the last values off.
        PRELOGIN if !first.complete && said.over && has_version(first.body) => Is::Opens,
        PRELOGIN | LOGIN7 if !first.complete => short,
        ANSWER if options(first.body).is_some_and(|all| all.complete) => Is::Answers,
        PRELOGIN | LOGIN7 => Is::Other,
        // Who is heard from the first byte begins with a login; its beginning may be lost.
        ANSWER if said.whole && !first.complete => short,
        kind if said.whole && kind != ANSWER => Is::Other,
        _ => in_the_middle(&first, rest),
    }
}

fn could_begin(bytes: &[u8]) -> bool {
    matches!(bytes[0], 1..=4 | 6..=8 | 0x0E | 0x10..=0x12) && bytes.get(1).is_none_or(|status| status & 0xE0 == 0)
}

/// Whether a packet is a PRELOGIN or a LOGIN7.
fn opens(packet: &Packet<'_>) -> bool {
    let body = packet.body;
    match packet.kind {
        LOGIN7 => {
            // The length may be that of several packets. Versions: section 2.2.6.4 and its appendix, 7.0 to 8.0.
            let length = le32(body, 0).unwrap_or(0) as usize;
            let fits = if packet.last && packet.complete { length == body.len() } else { length > body.len() };
            fits && matches!(body.get(4..8), Some([_, _, _, 0x70..=0x75 | 0x08] | [0x70..=0x74, 0, 0, 0]))
        }
        _ => options(body).is_some_and(|all| all.complete),
    }
}

/// A TLS record that begins in a PRELOGIN packet and ends there, or in one of those that follow.
fn tls_within(body: &[u8]) -> bool {
    let version = matches!(body.get(..3), Some([0x14..=0x17, 3, 0..=4]));
    version && be16(body, 3).is_some_and(|length| (1..=16_640).contains(&length))
}

fn in_the_middle(first: &Packet<'_>, rest: &[u8]) -> Is {
    // All packets must fit, and the last one must end where the bytes end or go on beyond them.
    if !packets(rest).all(|packet| packet.is_some_and(|packet| (packet.kind == ANSWER) == (first.kind == ANSWER))) {
        return Is::Other;
    }
    let body = first.body;
    let exact = first.complete && first.last && rest.is_empty();
    match first.kind {
        ANSWER if body.first().is_some_and(|token| TOKENS.contains(token)) => Is::Tells(exact || first.complete),
        ANSWER => Is::Other,
        1 | 3 | 0x0E if all_headers(body) => Is::Asks(true),
        // Before TDS 7.2 a batch began with its text, and a call with its name: UTF-16 of what is ASCII mostly.
        1 if matches!(body, [0x09 | 0x0A | 0x0D | 0x20..=0x7E, 0, 0x09 | 0x0A | 0x0D | 0x20..=0x7E, 0, ..]) => {
            Is::Asks(exact)
        }
        3 if named_call(body) => Is::Asks(exact),
        6 | 7 | 0x0E if exact => Is::Asks(false),
        _ => Is::Other,
    }
}

/// `ALL_HEADERS`: the length of them all, then length and kind of the first.
fn all_headers(body: &[u8]) -> bool {
    let (Some(all), Some(one), Some(kind)) = (le32(body, 0), le32(body, 4), le16(body, 8)) else { return false };
    (10..=1024).contains(&all) && (6..=all - 4).contains(&one) && (1..=3).contains(&kind)
}

/// A call by number (`FF FF` and the number of a stored procedure, 1 to 15), or by a name in UTF-16.
fn named_call(body: &[u8]) -> bool {
    match le16(body, 0) {
        Some(0xFFFF) => le16(body, 2).is_some_and(|number| (1..=15).contains(&number)),
        Some(units @ 1..=1046) => slice(body, 2, usize::from(units) * 2)
            .is_some_and(|name| name.chunks_exact(2).all(|unit| unit[1] == 0 && (0x20..0x7F).contains(&unit[0]))),
        _ => false,
    }
}

/// Options of PRELOGIN.
#[derive(Debug, Clone, Copy)]
struct Options<'a> {
    body: &'a [u8],
    count: usize,
    /// All values are there.
    complete: bool,
}

/// The table of options: kind, offset and length of each, in order of nothing, ended by 0xFF. The first one is VERSION.
fn options(body: &[u8]) -> Option<Options<'_>> {
    let mut count = 0;
    let mut complete = true;
    let mut kinds = 0_u8;
    loop {
        let at = count * 5;
        let kind = *body.get(at)?;
        if kind == 0xFF {
            break;
        }
        if kind > LAST_OPTION || kinds & (1 << kind) != 0 || (count == 0 && kind != VERSION) {
            return None;
        }
        kinds |= 1 << kind;
        let (offset, length) = (be16(body, at + 1)?, be16(body, at + 3)?);
        if kind == VERSION && length != 6 || kind == ENCRYPTION && length != 1 {
            return None;
        }
        complete &= slice(body, usize::from(offset), usize::from(length)).is_some();
        count += 1;
    }
    let after_table = count * 5 + 1;
    let begins = (0..count).all(|one| be16(body, one * 5 + 1).is_some_and(|at| usize::from(at) >= after_table));
    (count >= 2 && begins).then_some(Options { body, count, complete })
}

impl<'a> Options<'a> {
    fn value(&self, kind: u8) -> Option<&'a [u8]> {
        let at = (0..self.count).map(|one| one * 5).find(|at| self.body.get(*at) == Some(&kind))?;
        slice(self.body, usize::from(be16(self.body, at + 1)?), usize::from(be16(self.body, at + 3)?))
    }
}

fn has_version(body: &[u8]) -> bool {
    options(body).is_some_and(|all| all.value(VERSION).is_some())
}

/// Whether the client has said all that is read of it, and the server has answered.
fn has_logged_in(opening: &Opening<'_>, server: Side) -> bool {
    let client = opening.bytes(server.other());
    if client.first() == Some(&0x16) {
        return true;
    }
    let second = packets(client).flatten().find(|packet| packet.kind == LOGIN7 || tls_within(packet.body));
    second.is_some_and(|packet| packet.complete || packet.kind == PRELOGIN) && !opening.bytes(server).is_empty()
}

pub(super) fn describe(opening: &Opening<'_>, recognised: Recognised, heard: &mut Heard) {
    let Some(server) = recognised.server else { return };
    let client = server.other();
    if let Hello::Tds(name) = client_hello(opening.bytes(client)) {
        heard.detail(client, DetailKind::Alpn, text(ALPN));
        heard.detail(client, DetailKind::ServerName, text(name));
        return;
    }
    for side in [client, server] {
        let Some((first, _)) = packet(opening.bytes(side)) else { continue };
        let Some(options) = options(first.body).filter(|_| matches!(first.kind, PRELOGIN | ANSWER)) else { continue };
        describe_options(side, side == server, options, heard);
    }
    let login = packets(opening.bytes(client)).flatten().find(|packet| packet.kind == LOGIN7);
    if let Some(login) = login {
        heard.detail(client, DetailKind::ClientSoftware, login_text(login.body, 48));
        heard.detail(client, DetailKind::ServerName, login_text(login.body, 52));
    }
}

fn describe_options(side: Side, is_server: bool, options: Options<'_>, heard: &mut Heard) {
    if let Some([major, minor, high, low, ..]) = options.value(VERSION).filter(|_| is_server) {
        let build = u16::from_be_bytes([*high, *low]);
        heard.detail(side, DetailKind::Version, format!("{major}.{minor}.{build}"));
    }
    // The server's word is what holds (section 2.2.6.5).
    let encryption = match options.value(ENCRYPTION).filter(|_| is_server) {
        Some([0]) => "login encrypted only",
        Some([1 | 3]) => "encrypted",
        Some([2]) => "not encrypted",
        _ => "",
    };
    heard.detail(side, DetailKind::Command, encryption);
    let instance = options.value(INSTANCE).filter(|_| !is_server).and_then(|value| value.strip_suffix(&[0]));
    if let Some(name) = instance.filter(|name| !name.is_empty()) {
        heard.detail(side, DetailKind::Command, format!("instance {}", text(name)));
    }
}

/// A text of LOGIN7: its offset and its length in characters stand at `at`.
fn login_text(login: &[u8], at: usize) -> String {
    let (Some(offset), Some(length)) = (le16(login, at), le16(login, at + 2)) else { return String::new() };
    // Section 2.2.6.4: at most 128 characters.
    let length = usize::from(length.min(128)) * 2;
    slice(login, usize::from(offset), length).map(text_utf16).unwrap_or_default()
}

/// What a TLS record says.
enum Hello<'a> {
    /// A ClientHello of TDS 8.0, with the name that it asks for.
    Tds(&'a [u8]),
    /// Too little to tell.
    Short,
    /// Anything else.
    Other,
}

/// A ClientHello (RFC 8446 section 4.1.2) within one record, and the ALPN and server name in it.
fn client_hello(bytes: &[u8]) -> Hello<'_> {
    if let Some(look) = [0x16, 3].iter().zip(bytes).find(|(a, b)| a != b).map(|_| Hello::Other) {
        return look;
    }
    if bytes.get(5).is_some_and(|kind| *kind != 1) || bytes.get(2).is_some_and(|minor| *minor > 4) {
        return Hello::Other;
    }
    let Some(length) = be16(bytes, 3) else { return Hello::Short };
    match slice(bytes, 5, usize::from(length)) {
        None => Hello::Short,
        Some(hello) => extensions(hello).and_then(offers_tds).map_or(Hello::Other, Hello::Tds),
    }
}

/// The extensions of a ClientHello.
fn extensions(hello: &[u8]) -> Option<&[u8]> {
    // Kind and length of the message, version, random; session, cipher suites, compression methods.
    let mut at = 4 + 2 + 32;
    at += 1 + usize::from(*hello.get(at)?);
    at += 2 + usize::from(be16(hello, at)?);
    at += 1 + usize::from(*hello.get(at)?);
    slice(hello, at + 2, usize::from(be16(hello, at)?))
}

/// The server name, where the ALPN offers TDS 8.0.
fn offers_tds(mut extensions: &[u8]) -> Option<&[u8]> {
    let (mut name, mut tds) = (&[][..], false);
    while let Some([high, low]) = array::<2>(extensions, 0) {
        let length = usize::from(be16(extensions, 2)?);
        let value = slice(extensions, 4, length)?;
        extensions = &extensions[4 + length..];
        match u16::from_be_bytes([high, low]) {
            0 => name = value.get(5..).unwrap_or_default(),
            16 => tds = value.get(3..) == Some(ALPN) || value.windows(ALPN.len()).any(|part| part == ALPN),
            _ => {}
        }
    }
    tds.then_some(name)
}

#[cfg(test)]
#[path = "tds_tests.rs"]
mod tests;

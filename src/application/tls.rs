//! TLS over TCP (RFC 8446, RFC 5246, SSL 3.0 of RFC 6101, and the ClientHello of SSL 2.0 in RFC 5246 appendix E.2).
//!
//! A record's header is `type, 3, minor, length`; a hello stands behind it with a length, a version and a session identifier
//! of at most 32 bytes. Handshake messages are put together over records and segments. Read: both hellos, and the first
//! certificate of the server up to TLS 1.2. Not read: anything encrypted, and TLS that begins within another protocol.
//! In the middle of a stream records of application data are recognised by headers that follow upon each other.
//!
//! Layouts, constants and quoted examples are from memory, unverified against the text; checked on captures only.

use super::heard::{Heard, text};
use super::opening::{Look, Opening};
use super::reader::{be16, slice};
use super::text::is_host_name;
use super::tls_certificate::Subject;
use super::tls_hello::{Hello, version_name};
use crate::model::{Certainty, DetailKind, NameSource, Protocol, Recognised, Side, Transport};
use std::borrow::Cow;

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;

const RECORD_HEADER: usize = 5;
const MESSAGE_HEADER: usize = 4;
/// Longest record: 2^14 bytes and what encryption may add (RFC 5246 section 6.2.3).
const LONGEST_RECORD: usize = (1 << 14) + 2048;
/// Longest hello that is believed.
const LONGEST_HELLO: usize = 1 << 16;
/// Version, random and an empty session identifier.
const SHORTEST_HELLO: usize = 35;
const LONGEST_SESSION: u8 = 32;
/// Records of one conversation's opening that are read: it cannot hold more.
const MOST_RECORDS: usize = super::OPENING_BYTES / RECORD_HEADER;

/// A record, as far as it is there.
#[derive(Debug, Clone, Copy)]
struct Record<'a> {
    kind: u8,
    body: &'a [u8],
    /// Bytes that its header promises.
    length: usize,
}

impl<'a> Record<'a> {
    /// The record at the beginning; `None` where bytes lack or are no header.
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let [kind, major, minor] = *bytes.first_chunk()?;
        let length = usize::from(be16(bytes, 3)?);
        let fits = (CHANGE_CIPHER_SPEC..=APPLICATION_DATA).contains(&kind)
            && major == 3
            && minor <= 4
            && (1..=LONGEST_RECORD).contains(&length);
        let body = &bytes[RECORD_HEADER..bytes.len().min(RECORD_HEADER + length)];
        fits.then_some(Self { kind, body, length })
    }

    fn is_whole(&self) -> bool {
        self.body.len() == self.length
    }
}

/// With what a side begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begins {
    Nothing,
    /// It is no TLS.
    Other,
    /// Too little to tell.
    Unclear,
    /// A hello of a client or of a server, and how sure that is.
    Client(Certainty),
    Server(Certainty),
    /// A record as comes later in a conversation, and whether headers follow upon each other to the last byte.
    Later(u8, bool),
}

fn begins(bytes: &[u8]) -> Begins {
    let Some(first) = bytes.first() else { return Begins::Nothing };
    if first & 0x80 != 0 {
        return begins_as_ssl2(bytes);
    }
    if bytes.len() < RECORD_HEADER {
        let header = [bytes, &[3, 0, 0, 1][bytes.len() - 1..]].concat();
        return if Record::read(&header).is_some() { Begins::Unclear } else { Begins::Other };
    }
    match Record::read(bytes) {
        None => Begins::Other,
        Some(record) if record.kind == HANDSHAKE => begins_handshake(bytes, &record),
        Some(record) => Begins::Later(record.kind, is_chain(bytes)),
    }
}

fn begins_handshake(bytes: &[u8], record: &Record<'_>) -> Begins {
    let message = record.body;
    let Some(kind) = message.first() else { return Begins::Unclear };
    if !matches!(*kind, CLIENT_HELLO | SERVER_HELLO) {
        return Begins::Later(HANDSHAKE, is_chain(bytes));
    }
    let Some(length) = message_length(message) else {
        return if record.is_whole() { Begins::Other } else { Begins::Unclear };
    };
    // After its hello a client has nothing to say before the server spoke.
    let too_much = *kind == CLIENT_HELLO && record.length > MESSAGE_HEADER + length;
    let version_fits = message.get(4).is_none_or(|major| *major == 3) && message.get(5).is_none_or(|minor| *minor <= 4);
    let session_fits = message.get(38).is_none_or(|session| *session <= LONGEST_SESSION);
    if too_much || !version_fits || !session_fits || !(SHORTEST_HELLO..=LONGEST_HELLO).contains(&length) {
        return Begins::Other;
    }
    if message.len() < MESSAGE_HEADER + 2 {
        return Begins::Unclear;
    }
    let agree = record.length == MESSAGE_HEADER + length || *kind == SERVER_HELLO;
    let certainty = if agree { Certainty::Certain } else { Certainty::Likely };
    if *kind == CLIENT_HELLO { Begins::Client(certainty) } else { Begins::Server(certainty) }
}

/// The ClientHello of SSL 2.0, with which old clients offer TLS: two bytes of length, type 1, version, three lengths.
fn begins_as_ssl2(bytes: &[u8]) -> Begins {
    let constant_fits = bytes.get(2).is_none_or(|kind| *kind == CLIENT_HELLO)
        && bytes.get(3).is_none_or(|major| matches!(*major, 0 | 3))
        && bytes.get(4).is_none_or(|minor| *minor <= 3);
    if !constant_fits {
        return Begins::Other;
    }
    let lengths = (be16(bytes, 0), be16(bytes, 3), be16(bytes, 5), be16(bytes, 7), be16(bytes, 9));
    let (Some(all), Some(version), Some(ciphers), Some(session), Some(challenge)) = lengths else {
        return Begins::Unclear;
    };
    let sum = 9 + u32::from(ciphers) + u32::from(session) + u32::from(challenge);
    let fits = matches!(version, 0x0002 | 0x0300..=0x0303)
        && ciphers > 0
        && ciphers % 3 == 0
        && matches!(session, 0 | 16)
        && (16..=32).contains(&challenge)
        && sum == u32::from(all & 0x7fff)
        && bytes.len() <= 2 + sum as usize;
    if fits { Begins::Client(Certainty::Certain) } else { Begins::Other }
}

/// Length that a handshake message states, without its header.
fn message_length(message: &[u8]) -> Option<usize> {
    let [_, high, middle, low] = *message.first_chunk()?;
    Some(u32::from_be_bytes([0, high, middle, low]) as usize)
}

/// Whether whole records follow upon each other to the last byte, or to within a record that is not the first.
fn is_chain(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    for records in 0..MOST_RECORDS {
        match Record::read(rest) {
            Some(record) if record.is_whole() => rest = &rest[RECORD_HEADER + record.length..],
            Some(_) => return records > 0,
            None => return rest.is_empty() && records > 0,
        }
    }
    true
}

pub(super) fn look(opening: &Opening<'_>) -> Look {
    let sides = [Side::A, Side::B].map(|side| begins(opening.bytes(side)));
    let of = |side: Side| sides[side as usize];
    for side in [Side::A, Side::B] {
        if let Begins::Client(certainty) = of(side) {
            return look_with_client(opening, side.other(), of(side.other()), certainty);
        }
    }
    for side in [Side::A, Side::B] {
        if let Begins::Server(certainty) = of(side) {
            let closed = is_server_done(opening.bytes(side)) || opening.is_over();
            return tls(certainty, Some(side), closed);
        }
    }
    let later = [Side::A, Side::B].into_iter().any(|side| {
        let whole = opening.from(side).whole;
        match of(side) {
            // A server may refuse with nothing but an alert: of that both bytes are known.
            Begins::Later(ALERT, true) => !whole || is_plain_alert(opening.bytes(side)),
            Begins::Later(APPLICATION_DATA, chain) => !whole && (chain || fills_a_segment(opening.bytes(side))),
            Begins::Later(_, chain) => !whole && chain,
            _ => false,
        }
    });
    match later {
        true => Look::yes(Protocol::Tls, Certainty::Likely, None),
        false if sides.contains(&Begins::Unclear) => Look::Maybe,
        false => Look::No,
    }
}

fn look_with_client(opening: &Opening<'_>, server: Side, answer: Begins, certainty: Certainty) -> Look {
    match answer {
        Begins::Nothing | Begins::Unclear => tls(certainty, Some(server), false),
        Begins::Server(_) => tls(Certainty::Certain, Some(server), is_server_done(opening.bytes(server))),
        Begins::Later(..) => tls(Certainty::Certain, Some(server), true),
        // It asked for TLS and was answered in another language.
        Begins::Other | Begins::Client(_) => tls(Certainty::Likely, Some(server), true),
    }
}

fn tls(certainty: Certainty, server: Option<Side>, closed: bool) -> Look {
    match closed {
        true => Look::yes(Protocol::Tls, certainty, server),
        false => Look::yes_so_far(Protocol::Tls, certainty, server),
    }
}

fn is_plain_alert(bytes: &[u8]) -> bool {
    Record::read(bytes).is_some_and(|record| matches!(record.body, [1 | 2, _]))
}

/// A record of application data that is longer than a segment, under a version that is in use.
fn fills_a_segment(bytes: &[u8]) -> bool {
    let record = Record::read(bytes);
    record.is_some_and(|record| (1..=3).contains(&bytes[2]) && !record.is_whole())
}

/// Handshake messages put together over records; and whether the plain part of the handshake ended.
/// Only those of several records are copied.
fn handshake(bytes: &[u8]) -> (Cow<'_, [u8]>, bool) {
    let mut messages = Cow::Borrowed(&[][..]);
    let mut rest = bytes;
    for _ in 0..MOST_RECORDS {
        match Record::read(rest) {
            Some(record) if record.kind == HANDSHAKE => {
                match messages.is_empty() {
                    true => messages = Cow::Borrowed(record.body),
                    false => messages.to_mut().extend_from_slice(record.body),
                }
                rest = &rest[RECORD_HEADER + record.body.len()..];
            }
            Some(_) => return (messages, true),
            None => return (messages, rest.len() >= RECORD_HEADER),
        }
    }
    (messages, true)
}

/// The messages in order: type, body as far as it is there, and whether that is all of it.
fn messages(handshake: &[u8]) -> impl Iterator<Item = (u8, &[u8], bool)> {
    let mut rest = handshake;
    std::iter::from_fn(move || {
        let length = message_length(rest)?;
        let kind = rest[0];
        let there = length.min(rest.len() - MESSAGE_HEADER);
        let body = &rest[MESSAGE_HEADER..MESSAGE_HEADER + there];
        rest = &rest[MESSAGE_HEADER + there..];
        Some((kind, body, there == length))
    })
}

/// Whether a server said all that can be read: its hello, and its certificate where that is not encrypted.
fn is_server_done(bytes: &[u8]) -> bool {
    let (handshake, ended) = handshake(bytes);
    let mut messages = messages(&handshake);
    let Some((SERVER_HELLO, hello, true)) = messages.next() else { return ended };
    let encrypted = Hello::of_server(hello).is_some_and(|hello| is_encrypted_after_hello(hello.chosen_version()));
    encrypted || ended || messages.next().is_some_and(|(kind, _, whole)| kind != CERTIFICATE || whole)
}

/// TLS 1.3 and its drafts encrypt the certificate.
fn is_encrypted_after_hello(version: u16) -> bool {
    version == 0x0304 || version >> 8 == 0x7f
}

pub(super) fn describe(opening: &Opening<'_>, _: Recognised, heard: &mut Heard) {
    let mut versions = [None; 2];
    for side in [Side::A, Side::B] {
        let bytes = opening.bytes(side);
        if bytes.first().is_some_and(|first| first & 0x80 != 0) {
            versions[0] = be16(bytes, 3).map(|version| (side, version));
            continue;
        }
        let (handshake, _) = handshake(bytes);
        let mut messages = messages(&handshake);
        match messages.next() {
            Some((CLIENT_HELLO, body, whole)) => {
                let Some(hello) = Hello::of_client(body, Transport::Tcp) else { continue };
                describe_client(side, &hello, Transport::Tcp, whole, heard);
                versions[0] = Some((side, hello.offered_version(Transport::Tcp)));
            }
            Some((SERVER_HELLO, body, _)) => {
                let Some(hello) = Hello::of_server(body) else { continue };
                heard.detail(side, DetailKind::Alpn, hello.alpn().next().map(text).unwrap_or_default());
                versions[1] = Some((side, hello.chosen_version()));
                if let Some((CERTIFICATE, body, _)) = messages.next() {
                    describe_certificate(side, body, heard);
                }
            }
            _ => {}
        }
    }
    // What was agreed counts; where no answer is there, what was offered.
    if let Some((side, version)) = versions[1].or(versions[0]) {
        heard.detail(side, DetailKind::Version, version_name(version));
    }
}

/// What a client says in its hello. One that is cut has no fingerprint.
pub(super) fn describe_client(side: Side, hello: &Hello<'_>, over: Transport, whole: bool, heard: &mut Heard) {
    if let Some(name) = hello.server_name().map(text) {
        heard.detail(side, DetailKind::ServerName, name.as_str());
        if is_host_name(&name) {
            heard.name(side.other(), NameSource::TlsServerName, name);
        }
    }
    let offers: Vec<String> = hello.alpn().map(text).collect();
    heard.detail(side, DetailKind::Alpn, offers.join(","));
    let ja4 = hello.ja4(over).filter(|_| whole);
    heard.detail(side, DetailKind::Ja4, ja4.unwrap_or_default());
}

/// The first certificate of a Certificate message is the server's own (RFC 5246 section 7.4.2).
fn describe_certificate(side: Side, body: &[u8], heard: &mut Heard) {
    let length = |at| message_length(body.get(at..)?);
    // Three bytes of length stand where `message_length` expects them behind a type: here that is the list's last byte.
    let Some(der) = length(2).and_then(|length| slice(body, 6, length)) else { return };
    match heard.certificates.subject(der).cloned() {
        Some(Subject::CommonName(name)) => {
            heard.detail(side, DetailKind::CertificateSubject, name.as_str());
            if is_host_name(&name) {
                heard.name(side, NameSource::Certificate, name);
            }
        }
        Some(Subject::Whole(whole)) => heard.detail(side, DetailKind::CertificateSubject, whole),
        None => {}
    }
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;

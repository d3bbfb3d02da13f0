//! DNS (RFC 1035 section 4), multicast DNS (RFC 6762) and LLMNR (RFC 4795): the same messages, told apart by port.
//!
//! A message has no signature. It is one for certain where every question and every record of its four sections parses, names
//! included, and nothing is left. Names are parsed by the crate `domain`, which bounds compression. Not read: what most
//! records hold. Over TCP a length of two bytes precedes each message (RFC 1035 section 4.2.2).

use super::netbios;
use super::opening::{Look, Opening};
use super::reader::{be16, slice};
use crate::model::{Certainty, Protocol, Side, Transport};
use domain::base::wire::ParseError;
use domain::base::{ParsedName, ParsedRecord, Question};
use domain::dep::octseq::Parser;

/// Header of a message, in bytes.
pub(super) const HEADER: usize = 12;
/// Most questions that are believed. Multicast queries ask several things at once.
const MOST_QUESTIONS: u16 = 64;
/// Most records that are believed of a message that is not all there.
const MOST_RECORDS: u16 = 2048;

/// A name in a message.
pub(super) type Name<'a> = ParsedName<&'a [u8]>;

/// A part of a message.
pub(super) enum Part<'a> {
    /// What is asked.
    Question { name: Name<'a>, class: u16, kind: u16 },
    /// A record of section 1 (answer), 2 (authority) or 3 (additional); its data begins `at` bytes into the message.
    Record { section: u8, name: Name<'a>, class: u16, kind: u16, data: &'a [u8], at: usize },
}

/// How far a message can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    /// To its end; so many bytes are left.
    Whole(usize),
    /// The bytes end within part of that number.
    Short(usize),
    /// It is none.
    Bad,
}

/// A number of two bytes of the header.
pub(super) fn field(bytes: &[u8], at: usize) -> u16 {
    be16(bytes, at).unwrap_or_default()
}

/// Whether the header says that this answers.
pub(super) fn is_answer(bytes: &[u8]) -> bool {
    field(bytes, 2) & 0x8000 != 0
}

/// The kind of operation.
pub(super) fn opcode(bytes: &[u8]) -> u16 {
    field(bytes, 2) >> 11 & 0x0f
}

/// Gives every part of a message to `each`. Bounded by the bytes: each part has at least five.
pub(super) fn read<'a>(bytes: &'a [u8], mut each: impl FnMut(Part<'a>)) -> Read {
    let mut parser = Parser::from_ref(bytes);
    if parser.advance(HEADER).is_err() {
        return Read::Short(0);
    }
    let mut number = 0;
    for section in 0..4_u8 {
        for _ in 0..field(bytes, 4 + 2 * usize::from(section)) {
            let part = if section == 0 { question(&mut parser) } else { record(&mut parser, section) };
            match part {
                Ok(part) => each(part),
                Err(ParseError::ShortInput) => return Read::Short(number),
                Err(ParseError::Form(_)) => return Read::Bad,
            }
            number += 1;
        }
    }
    Read::Whole(parser.remaining())
}

fn question<'a>(parser: &mut Parser<'a, [u8]>) -> Result<Part<'a>, ParseError> {
    let question = Question::parse(parser)?;
    let (kind, class) = (question.qtype().to_int(), question.qclass().to_int());
    Ok(Part::Question { name: *question.qname(), class, kind })
}

fn record<'a>(parser: &mut Parser<'a, [u8]>, section: u8) -> Result<Part<'a>, ParseError> {
    let record = ParsedRecord::parse(parser)?;
    let length = usize::from(record.rdlen());
    let at = parser.pos() - length;
    let data = slice(parser.octets_ref(), at, length).unwrap_or_default();
    let (kind, class) = (record.rtype().to_int(), record.class().to_int());
    Ok(Part::Record { section, name: record.owner(), class, kind, data, at })
}

/// Which of the three it is, and its port; at other ports it can only be DNS.
fn family(ports: [u16; 2]) -> (Protocol, u16) {
    let known = [(Protocol::Mdns, 5353), (Protocol::Llmnr, 5355)];
    known.into_iter().find(|(_, port)| ports.contains(port)).unwrap_or((Protocol::Dns, 53))
}

/// What the header alone says: cheap, and enough for most of what is none.
fn header_fits(bytes: &[u8], protocol: Protocol) -> bool {
    let questions = field(bytes, 4);
    // Without a question there are answers, inverse queries (RFC 1035 section 6.4) and what multicast DNS knows already.
    let asks = questions > 0 || protocol == Protocol::Mdns || is_answer(bytes) || opcode(bytes) == 1;
    // RFC 6895 section 2.2: query, inverse query, status, notify, update.
    matches!(opcode(bytes), 0 | 1 | 2 | 4 | 5)
        && asks
        && questions <= MOST_QUESTIONS
        && (!is_empty(bytes) || is_refusal(bytes))
}

/// Neither a question nor a record.
fn is_empty(bytes: &[u8]) -> bool {
    [4, 6, 8, 10].iter().all(|at| field(bytes, *at) == 0)
}

/// An answer with an error, which may be a header alone.
fn is_refusal(bytes: &[u8]) -> bool {
    is_answer(bytes) && field(bytes, 2) & 0x000f != 0
}

/// What must hold of a message at a port that proves nothing: one question of a known class, and nothing odd.
fn is_strict(bytes: &[u8]) -> bool {
    let flags = field(bytes, 2);
    let answers = flags & 0x8000 != 0;
    // Bit 6 must be zero (RFC 1035 section 4.1.1).
    let plain = flags & 0x0040 == 0 && field(bytes, 4) == 1;
    let mut class_fits = false;
    read(bytes, |part| {
        if let Part::Question { class, .. } = part {
            class_fits = matches!(class, 1 | 3 | 4 | 254 | 255);
        }
    });
    plain && class_fits && (answers || flags & 0x000f == 0 && field(bytes, 6) == 0 && field(bytes, 8) == 0)
}

/// How sure it is that a message is one; `None`: it is none. `is_cut`: less is there than was said.
fn certainty(bytes: &[u8], protocol: Protocol, at_home: bool, is_cut: bool) -> Option<Certainty> {
    if bytes.len() < HEADER || !header_fits(bytes, protocol) {
        return None;
    }
    match read(bytes, |_| {}) {
        Read::Whole(0) if !is_cut && (at_home && !is_empty(bytes) || is_strict(bytes)) => Some(Certainty::Certain),
        Read::Whole(_) if at_home => Some(Certainty::Likely),
        Read::Short(_) if at_home && (1..4).all(|at| field(bytes, 4 + 2 * at) <= MOST_RECORDS) => {
            Some(Certainty::Likely)
        }
        // Elsewhere the question at least must be there.
        Read::Short(1..) if could_be_strict(bytes) && is_strict(bytes) => Some(Certainty::Likely),
        _ => None,
    }
}

/// The one that asks looks for a server at the other side, where the ports do not say otherwise.
fn server(bytes: &[u8], side: Side, ports: [u16; 2], port: u16) -> Option<Side> {
    let server = if is_answer(bytes) { side } else { side.other() };
    let contradicts = ports.contains(&port) && ports[server as usize] != port;
    // Between two of the same port multicast DNS knows no roles (RFC 6762 section 5).
    let equals = port == 5353 && ports == [port; 2];
    (!contradicts && !equals).then_some(server)
}

pub(super) fn look(opening: &Opening<'_>) -> Look {
    let Some(side) = opening.side_where(|_| true) else { return Look::No };
    let (protocol, port) = family(opening.ports);
    let at_home = opening.ports.contains(&port);
    // The NetBIOS name service has messages of the same form.
    if !at_home && opening.ports.contains(&netbios::NAME_PORT) {
        return Look::No;
    }
    let yes = |bytes, certainty| Look::yes(protocol, certainty, server(bytes, side, opening.ports, port));
    let said = opening.from(side);
    if opening.transport == Transport::Udp {
        return certainty(said.bytes, protocol, at_home, false).map_or(Look::No, |sure| yes(said.bytes, sure));
    }
    let Some(message) = said.bytes.get(2..) else { return if at_home { Look::Maybe } else { Look::No } };
    let length = usize::from(field(said.bytes, 0));
    if length < HEADER + 5 {
        return Look::No;
    }
    if message.len() < HEADER {
        // Elsewhere too much begins with two bytes that could be a length.
        return if at_home && !said.over { Look::Maybe } else { Look::No };
    }
    let is_cut = message.len() < length;
    let message = &message[..message.len().min(length)];
    if !header_fits(message, protocol) || read(message, |_| {}) == Read::Bad {
        return Look::No;
    }
    match certainty(message, protocol, at_home, is_cut) {
        _ if is_cut && !said.over && (at_home || could_be_strict(message)) => Look::Maybe,
        Some(certainty) => yes(message, certainty),
        None => Look::No,
    }
}

/// As [`is_strict`] of what is not all there.
fn could_be_strict(bytes: &[u8]) -> bool {
    let records: u32 = [6, 8, 10].map(|at| u32::from(field(bytes, at))).iter().sum();
    field(bytes, 2) & 0x0040 == 0 && field(bytes, 4) == 1 && records <= 64
}

#[cfg(test)]
#[path = "dns_tests.rs"]
pub(super) mod tests;

//! SNMP versions 1 and 2c (RFC 1157, RFC 1901, RFC 3416 section 3) and 3 (RFC 3412 section 6, RFC 3414): who asked whom.
//!
//! Read: lengths, version, kind of the message. Not read: communities, users, variables.

use super::ber::{INTEGER, OCTET_STRING, SEQUENCE, Walk};
use super::heard::Heard;
use super::opening::{Look, Opening};
use crate::model::{Certainty, DetailKind, Protocol, Recognised, Side};

/// Ports of agents and of those who take notifications.
const PORTS: [u16; 2] = [161, 162];
const OBJECT_IDENTIFIER: u8 = 0x06;
/// msgFlags: the sender wants reports, so it asks (RFC 3412 section 6.4).
const REPORTABLE: u8 = 0x04;

/// What a message says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Message {
    version: &'static str,
    /// Whether it answers; `None`: that is encrypted.
    answers: Option<bool>,
}

fn message(mut walk: Walk<'_>) -> Result<Message, Look> {
    let mut body = walk.expect(SEQUENCE)?;
    if !walk.is_at_end() {
        return Err(Look::No);
    }
    match body.integer()? {
        0 => community("1", &mut body),
        1 => community("2c", &mut body),
        3 => version_3(&mut body),
        _ => Err(Look::No),
    }
}

fn community(version: &'static str, body: &mut Walk<'_>) -> Result<Message, Look> {
    body.expect(OCTET_STRING)?;
    let answers = unit(body)?;
    if body.is_at_end() { Ok(Message { version, answers: Some(answers) }) } else { Err(Look::No) }
}

/// A protocol data unit: request-id, two integers, bindings; a trap of version 1 begins with the enterprise. Gives whether
/// it answers: notifications ask who listens for them.
fn unit(body: &mut Walk<'_>) -> Result<bool, Look> {
    let (tag, mut inside) = body.next()?;
    match tag {
        0xa4 => {
            inside.expect(OBJECT_IDENTIFIER)?;
        }
        0xa0..=0xa8 => {
            for _ in 0..3 {
                inside.integer()?;
            }
            inside.expect(SEQUENCE)?;
            if !inside.is_at_end() {
                return Err(Look::No);
            }
        }
        _ => return Err(Look::No),
    }
    // GetResponse and Report.
    Ok(matches!(tag, 0xa2 | 0xa8))
}

fn version_3(body: &mut Walk<'_>) -> Result<Message, Look> {
    let mut header = body.expect(SEQUENCE)?;
    header.integer()?;
    header.integer()?;
    let flags = header.expect(OCTET_STRING)?;
    header.expect(INTEGER)?;
    let [flags] = *flags.bytes else { return Err(Look::No) };
    body.expect(OCTET_STRING)?;
    let (data, mut inside) = body.next()?;
    if !header.is_at_end() || !body.is_at_end() {
        return Err(Look::No);
    }
    let answers = match data {
        SEQUENCE => {
            inside.expect(OCTET_STRING)?;
            inside.expect(OCTET_STRING)?;
            Some(unit(&mut inside)?)
        }
        // Encrypted. What wants no report is an answer or a notification.
        OCTET_STRING if flags & REPORTABLE != 0 => Some(false),
        OCTET_STRING => None,
        _ => return Err(Look::No),
    };
    Ok(Message { version: "3", answers })
}

pub(super) fn look(opening: &Opening<'_>) -> Look {
    let Some(side) = opening.side_where(|bytes| bytes[0] == SEQUENCE) else { return Look::No };
    let bytes = opening.bytes(side);
    let server = |message: Message| match message.answers {
        Some(true) => Some(side),
        Some(false) => Some(side.other()),
        None if opening.port(side) == PORTS[0] => Some(side),
        None => None,
    };
    match message(Walk::all(bytes)) {
        Ok(message) => return Look::yes(Protocol::Snmp, Certainty::Certain, server(message)),
        Err(_) if !PORTS.iter().any(|port| opening.ports.contains(port)) => return Look::No,
        Err(_) => {}
    }
    // At the usual port the capture may lack the end.
    match message(declared(bytes)) {
        Ok(message) => Look::yes(Protocol::Snmp, Certainty::Likely, server(message)),
        Err(_) => Look::No,
    }
}

/// The beginning of the element that the first header declares.
fn declared(bytes: &[u8]) -> Walk<'_> {
    let mut walk = Walk::beginning(bytes, usize::MAX);
    let left = walk.next().map_or(0, |_| usize::MAX - walk.left);
    Walk::beginning(bytes, left)
}

pub(super) fn describe(opening: &Opening<'_>, _: Recognised, heard: &mut Heard) {
    for side in [Side::A, Side::B] {
        if let Ok(message) = message(declared(opening.bytes(side))) {
            heard.detail(side, DetailKind::Version, message.version);
        }
    }
}

#[cfg(test)]
#[path = "snmp_tests.rs"]
mod tests;

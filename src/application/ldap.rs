//! LDAP (RFC 4511 section 4) over TCP, and CLDAP (RFC 1798; MS-ADTS section 6.3.3) over UDP: an LDAPMessage is a SEQUENCE of
//! messageID, operation and perhaps controls. The operation tells who is the server.
//!
//! What is read: lengths, the operation, the first elements of it, the version of a bind. Not read: names, filters,
//! attributes, credentials; and nothing after a bind with a SASL layer, or after StartTLS.

use super::ber::{ENUMERATED, OCTET_STRING, SEQUENCE, Walk};
use super::heard::Heard;
use super::opening::{Look, Opening};
use crate::model::{Certainty, DetailKind, Protocol, Recognised, Side, Transport};

/// Ports at which LDAP servers listen: the directory and the global catalogue.
const PORTS: [u16; 2] = [389, 3268];
/// `[0]`: controls.
const CONTROLS: u8 = 0xa0;
/// requestName of an extended request, `[0]`.
const REQUEST_NAME: u8 = 0x80;
/// StartTLS (RFC 4511 section 4.14.1).
const START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";

/// Who sends an operation (RFC 4511, tags of protocolOp).
fn is_request(operation: u8) -> Option<bool> {
    match operation {
        0x60 | 0x42 | 0x63 | 0x66 | 0x68 | 0x4a | 0x6c | 0x6e | 0x50 | 0x77 => Some(true),
        0x61 | 0x64 | 0x65 | 0x73 | 0x67 | 0x69 | 0x6b | 0x6d | 0x6f | 0x78 | 0x79 => Some(false),
        _ => None,
    }
}

/// What one message is.
struct Message<'a> {
    is_request: bool,
    operation: u8,
    inside: Walk<'a>,
    /// What was not there could not be checked.
    is_cut: bool,
}

/// The first message of what was said.
fn message(mut walk: Walk<'_>) -> Result<Message<'_>, Look> {
    let mut body = walk.expect(SEQUENCE)?;
    if !(0..=i64::from(i32::MAX)).contains(&body.integer()?) {
        return Err(Look::No);
    }
    let (operation, inside) = body.next()?;
    let is_request = is_request(operation).ok_or(Look::No)?;
    let controls = body.bytes.first().copied();
    if controls.is_some_and(|tag| tag != CONTROLS) || body.left == 1 {
        return Err(Look::No);
    }
    let is_cut = match begins_as(operation, inside) {
        Ok(()) => false,
        Err(Look::Maybe) => true,
        Err(_) => return Err(Look::No),
    };
    Ok(Message { is_request, operation, inside, is_cut })
}

/// Whether an operation begins with what it must.
fn begins_as(operation: u8, mut inside: Walk<'_>) -> Result<(), Look> {
    let empty_or = |empty: bool| if empty { Ok(()) } else { Err(Look::No) };
    match operation {
        0x60 => {
            let version = inside.integer()?;
            inside.expect(OCTET_STRING)?;
            empty_or((1..=3).contains(&version))
        }
        0x63 => inside.expect(OCTET_STRING).and_then(|_| inside.expect(ENUMERATED)).map(|_| ()),
        0x64 => inside.expect(OCTET_STRING).and_then(|_| inside.expect(SEQUENCE)).map(|_| ()),
        0x66 | 0x68 | 0x6c | 0x6e | 0x73 => inside.expect(OCTET_STRING).map(|_| ()),
        0x61 | 0x65 | 0x67 | 0x69 | 0x6b | 0x6d | 0x6f | 0x78 => {
            let code = inside.expect(ENUMERATED)?.number()?;
            inside.expect(OCTET_STRING)?;
            empty_or((0..=4096).contains(&code))
        }
        0x77 => inside.expect(REQUEST_NAME).map(|_| ()),
        0x42 => empty_or(inside.is_at_end()),
        0x50 => empty_or((1..=4).contains(&inside.left)),
        _ => Ok(()),
    }
}

pub(super) fn look(opening: &Opening<'_>) -> Look {
    let Some(side) = opening.side_where(|bytes| bytes[0] == SEQUENCE) else { return Look::No };
    let said = opening.from(side);
    let datagram = opening.transport == Transport::Udp;
    let protocol = if datagram { Protocol::Cldap } else { Protocol::Ldap };
    let at_home = PORTS.iter().any(|port| opening.ports.contains(port));
    let whole = Walk::beginning(said.bytes, usize::MAX);
    match message(whole) {
        Ok(message) => {
            let server = if message.is_request { side.other() } else { side };
            let there = message.inside.left == message.inside.bytes.len();
            match (message.is_cut, said.over) {
                (true, false) => Look::Maybe,
                // A datagram must be as long as it says.
                (false, _) if there || !datagram => Look::yes(protocol, Certainty::Certain, Some(server)),
                _ if at_home || !datagram => Look::yes(protocol, Certainty::Likely, Some(server)),
                _ => Look::No,
            }
        }
        Err(Look::Maybe) if !said.over => Look::Maybe,
        Err(_) => Look::No,
    }
}

pub(super) fn describe(opening: &Opening<'_>, _: Recognised, heard: &mut Heard) {
    for side in [Side::A, Side::B] {
        let Ok(mut message) = message(Walk::beginning(opening.bytes(side), usize::MAX)) else { continue };
        match message.operation {
            0x60 => {
                if let Ok(version) = message.inside.integer() {
                    heard.detail(side, DetailKind::Version, version.to_string());
                }
            }
            0x77 if message.inside.expect(REQUEST_NAME).is_ok_and(|name| name.bytes == START_TLS) => {
                heard.detail(side, DetailKind::Command, "StartTLS");
            }
            _ => {}
        }
    }
}

#[cfg(test)]
#[path = "ldap_tests.rs"]
mod tests;

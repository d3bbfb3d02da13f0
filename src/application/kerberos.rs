//! Kerberos (RFC 4120 section 5, section 7.2 for its transports) and its password changes (RFC 3244): who asked whom.
//!
//! What is read: lengths, the tag of the message, its protocol version and type, which must agree. Not read: principals,
//! realms, tickets.

use super::ber::{SEQUENCE, Walk};
use super::opening::{Look, Opening, Said};
use super::reader::{be16, be32};
use crate::model::{Certainty, Protocol, Side, Transport};

/// Ports of the key distribution centre and of password changes.
const PORTS: [u16; 2] = [88, 464];
/// Longest message over TCP that is believed, in bytes. Tickets with large authorisation data have some ten thousand.
const LONGEST: u32 = 1 << 20;
/// Versions of password change messages (RFC 3244 section 2).
const PASSWORD_VERSIONS: [u16; 2] = [0x0001, 0xff80];

/// Whether the sender of a message is who was asked; `None`: no such message, or one that either may send.
fn is_answer(tag: u8) -> Result<Option<bool>, Look> {
    match tag {
        // AS-REQ, TGS-REQ, AP-REQ.
        0x6a | 0x6c | 0x6e => Ok(Some(false)),
        // AS-REP, TGS-REP, AP-REP, KRB-ERROR.
        0x6b | 0x6d | 0x6f | 0x7e => Ok(Some(true)),
        // KRB-SAFE, KRB-PRIV, KRB-CRED.
        0x74..=0x76 => Ok(None),
        _ => Err(Look::No),
    }
}

/// A message that fills what is declared.
fn message(mut walk: Walk<'_>) -> Result<Option<bool>, Look> {
    if let Some(tag) = walk.bytes.first() {
        is_answer(*tag)?;
    }
    let (tag, mut inside) = walk.next()?;
    let answers = is_answer(tag)?;
    if !walk.is_at_end() {
        return Err(Look::No);
    }
    let mut fields = inside.expect(SEQUENCE)?;
    // KDC-REQ begins with [1], everything else with [0] (RFC 4120 sections 5.4.1 and 5.4.2).
    let first = if matches!(tag, 0x6a | 0x6c) { 0xa1 } else { 0xa0 };
    let version = fields.expect(first)?.integer()?;
    let kind = fields.expect(first + 1)?.integer()?;
    if version == 5 && kind == i64::from(tag & 0x1f) { Ok(answers) } else { Err(Look::No) }
}

/// A message that sets a password, or the answer: length, version, length of the AP message, that message.
fn password(walk: Walk<'_>) -> Result<Option<bool>, Look> {
    let short = if walk.left > walk.bytes.len() { Look::Maybe } else { Look::No };
    let length = be16(walk.bytes, 0).ok_or(short)?;
    if usize::from(length) != walk.left {
        return Err(Look::No);
    }
    let version = be16(walk.bytes, 2).ok_or(short)?;
    let inner = usize::from(be16(walk.bytes, 4).ok_or(short)?);
    if !PASSWORD_VERSIONS.contains(&version) || inner + 6 > walk.left {
        return Err(Look::No);
    }
    // An error follows where there is no AP message.
    let length = if inner == 0 { walk.left - 6 } else { inner };
    message(Walk::beginning(&walk.bytes[6..], length))
}

/// The first message of one side.
fn of(said: Said<'_>, transport: Transport) -> Result<Option<bool>, Look> {
    let walk = match transport {
        Transport::Udp => Walk::all(said.bytes),
        Transport::Tcp => {
            if said.bytes.first().is_some_and(|highest| *highest != 0) {
                return Err(Look::No);
            }
            let length = be32(said.bytes, 0).ok_or(Look::Maybe)?;
            if length > LONGEST {
                return Err(Look::No);
            }
            Walk::beginning(&said.bytes[4..], length as usize)
        }
    };
    match message(walk) {
        Err(Look::No) => password(walk),
        is => is,
    }
}

pub(super) fn look(opening: &Opening<'_>) -> Look {
    let mut look = Look::No;
    for side in [Side::A, Side::B] {
        let said = opening.from(side);
        if said.bytes.is_empty() {
            continue;
        }
        match of(said, opening.transport) {
            Ok(answers) => {
                let server = answers.map(|answers| if answers { side } else { side.other() });
                return Look::yes(Protocol::Kerberos, Certainty::Certain, server);
            }
            Err(Look::Maybe) if !said.over => look = Look::Maybe,
            Err(_) => look = cut_datagram(opening, side).unwrap_or(look),
        }
    }
    look
}

/// A datagram at the usual port that lacks its end: all but the lengths agrees.
fn cut_datagram(opening: &Opening<'_>, side: Side) -> Option<Look> {
    let at_home = PORTS.iter().any(|port| opening.ports.contains(port));
    if opening.transport != Transport::Udp || !at_home {
        return None;
    }
    let bytes = opening.bytes(side);
    let mut walk = Walk::beginning(bytes, usize::MAX);
    let (_, inside) = walk.next().ok()?;
    let there = bytes.len() - inside.bytes.len();
    let answers = message(Walk::beginning(bytes, there + inside.left)).ok()?;
    let server = answers.map(|answers| if answers { side } else { side.other() });
    (inside.left > inside.bytes.len()).then(|| Look::yes(Protocol::Kerberos, Certainty::Likely, server))
}

#[cfg(test)]
#[path = "kerberos_tests.rs"]
mod tests;

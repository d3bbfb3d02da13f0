//! SMB 1 (MS-CIFS, MS-SMB), SMB 2 and 3 (MS-SMB2), directly over TCP (MS-SMB2 section 2.1) or in the NetBIOS session service
//! (RFC 1002 section 4.3), which frames both: a type, a length, a message.
//!
//! Read here: the session request and its answer, the beginning of the first message. What is said later, `smb_pipes` hears.

use super::heard::Heard;
use super::netbios::NetBiosName;
use super::opening::{Look, Opening, Said};
use super::reader::{array, slice};
use crate::model::{Certainty, DetailKind, NameSource, Protocol, Recognised, Side};

/// The session service, and SMB without it.
const PORTS: [u16; 2] = [139, 445];
/// Packets before the first message that are passed over: a request, its answer, keep-alives.
const MOST_PACKETS: usize = 4;

/// Types of session packets (RFC 1002 section 4.3.1).
pub(super) const MESSAGE: u8 = 0x00;
const REQUEST: u8 = 0x81;
const POSITIVE: u8 = 0x82;
const NEGATIVE: u8 = 0x83;
const RETARGET: u8 = 0x84;
pub(super) const KEEP_ALIVE: u8 = 0x85;

/// Protocol identifiers behind the first byte.
pub(super) const SMB: &[u8] = b"SMB";
pub(super) const SMB1: u8 = 0xff;
pub(super) const SMB2: u8 = 0xfe;
/// An encrypted message of SMB 3 (MS-SMB2 section 2.2.41).
pub(super) const ENCRYPTED: u8 = 0xfd;
/// A compressed one (section 2.2.42).
pub(super) const COMPRESSED: u8 = 0xfc;
/// Command of SMB 1.
pub(super) const SMB1_NEGOTIATE: u8 = 0x72;

/// The length of a session packet: 17 bits in NetBIOS, 24 bits directly over TCP.
pub(super) fn packet_length(bytes: &[u8]) -> Option<usize> {
    array(bytes, 1).map(|[a, b, c]: [u8; 3]| usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c))
}

/// What one side began with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Beginning {
    /// It asked for a session (`true`), or answered such a request.
    session: Option<bool>,
    message: Message,
}

/// The first message behind that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Message {
    /// None is there, or too little of one.
    Missing,
    /// SMB 1; `answers`: the flag of replies; `negotiates`: what is negotiated may be SMB 2.
    Smb1 { answers: bool, negotiates: bool },
    /// SMB 2 or 3; what is encrypted tells no direction.
    Smb2 { answers: Option<bool> },
}

/// `None`: neither.
fn beginning(bytes: &[u8]) -> Option<Beginning> {
    let mut session = None;
    let mut rest = bytes;
    for _ in 0..MOST_PACKETS {
        let missing = Some(Beginning { session, message: Message::Missing });
        let Some(kind) = rest.first() else { return missing };
        if !matches!(*kind, MESSAGE | REQUEST..=KEEP_ALIVE) {
            return None;
        }
        let Some(length) = packet_length(rest) else { return missing };
        let inside = &rest[4..];
        let fits = match *kind {
            MESSAGE => return message(inside, length).map(|message| Beginning { session, message }),
            REQUEST => length == 68 && (inside.len() < 34 || name(inside, 0).is_some()),
            POSITIVE | KEEP_ALIVE => length == 0,
            NEGATIVE => length == 1,
            RETARGET => length == 6,
            _ => false,
        };
        if !fits {
            return None;
        }
        if *kind != KEEP_ALIVE {
            session = Some(*kind == REQUEST);
        }
        let Some(behind) = inside.get(length..) else { return Some(Beginning { session, message: Message::Missing }) };
        rest = behind;
    }
    Some(Beginning { session, message: Message::Missing })
}

/// A message of a declared length.
fn message(bytes: &[u8], length: usize) -> Option<Message> {
    let [identifier, name @ ..] = bytes else { return (length >= 32).then_some(Message::Missing) };
    let there = name.len().min(SMB.len());
    if name[..there] != SMB[..there] {
        return None;
    }
    let header = match *identifier {
        SMB1 => 32,
        SMB2 => 64,
        ENCRYPTED => 52,
        COMPRESSED => 16,
        _ => return None,
    };
    if length < header {
        return None;
    }
    match *identifier {
        SMB1 => Some(match (bytes.get(4), bytes.get(9)) {
            (Some(command), Some(flags)) => {
                Message::Smb1 { answers: flags & 0x80 != 0, negotiates: *command == SMB1_NEGOTIATE }
            }
            _ => Message::Missing,
        }),
        SMB2 => match (array(bytes, 4), bytes.get(16)) {
            (Some(size), _) if size != [64, 0] => None,
            (Some(_), Some(flags)) => Some(Message::Smb2 { answers: Some(flags & 0x01 != 0) }),
            _ => Some(Message::Missing),
        },
        _ if there == SMB.len() => Some(Message::Smb2 { answers: None }),
        _ => Some(Message::Missing),
    }
}

pub(super) fn look(opening: &Opening<'_>) -> Look {
    let sides = [Side::A, Side::B].map(|side| of(opening.from(side)));
    let each = || [Side::A, Side::B].into_iter().filter_map(|side| Some((side, sides[side as usize]?)));
    let server = |side: Side, answers: bool| if answers { side } else { side.other() };
    let smb2 = each().find_map(|(side, beginning)| match beginning.message {
        Message::Smb2 { answers } => Some(answers.map(|answers| server(side, answers))),
        _ => None,
    });
    if let Some(server) = smb2 {
        return Look::yes(Protocol::Smb2, Certainty::Certain, server);
    }
    let smb1 = each().find_map(|(side, beginning)| match beginning.message {
        Message::Smb1 { answers, negotiates } => Some((server(side, answers), negotiates && !answers)),
        _ => None,
    });
    if let Some((server, negotiates)) = smb1 {
        // The answer may be SMB 2 (MS-SMB2 section 3.3.5.3.1).
        let answered = sides[server as usize].is_some_and(|beginning| beginning.message != Message::Missing);
        let certain = if negotiates && !answered { Look::yes_so_far } else { Look::yes };
        return certain(Protocol::Smb1, Certainty::Certain, Some(server));
    }
    if let Some((side, _)) = each().find(|(_, beginning)| beginning.session == Some(true)) {
        return Look::yes_so_far(Protocol::NetBiosSession, Certainty::Certain, Some(side.other()));
    }
    alone(opening, sides)
}

fn of(said: Said<'_>) -> Option<Beginning> {
    if said.bytes.is_empty() { None } else { beginning(said.bytes) }
}

/// No message and no session request: an answer or a keep-alive is too short to be sure of.
fn alone(opening: &Opening<'_>, sides: [Option<Beginning>; 2]) -> Look {
    let Some(side) = [Side::A, Side::B].into_iter().find(|side| sides[*side as usize].is_some()) else {
        return Look::No;
    };
    let answers = sides[side as usize].is_some_and(|beginning| beginning.session == Some(false));
    let at_home = PORTS.iter().any(|port| opening.ports.contains(port));
    let is_packet = matches!(opening.bytes(side), [POSITIVE..=KEEP_ALIVE, _, _, _, ..]);
    match opening.from(side).over {
        false => Look::Maybe,
        true if at_home && is_packet => Look::yes(Protocol::NetBiosSession, Certainty::Likely, answers.then_some(side)),
        true => Look::No,
    }
}

/// A name in a session request: 34 bytes, of which 32 are letters.
fn name(inside: &[u8], at: usize) -> Option<NetBiosName> {
    let [32, letters @ .., 0] = slice(inside, at, 34)? else { return None };
    NetBiosName::decoded(letters)
}

/// The names of a session request: the called one is whom the client wants to reach, the calling one the client's.
pub(super) fn describe(opening: &Opening<'_>, recognised: Recognised, heard: &mut Heard) {
    let Some(server) = recognised.server else { return };
    let client = server.other();
    let asked = opening.bytes(client);
    if asked.first() != Some(&REQUEST) {
        return;
    }
    let Some(inside) = asked.get(4..) else { return };
    if let Some(called) = name(inside, 0).and_then(NetBiosName::of_a_host) {
        // A client that does not know the name asks for this one.
        if called != "*SMBSERVER" {
            heard.detail(client, DetailKind::ServerName, called.clone());
            if opening.bytes(server).first() == Some(&POSITIVE) {
                heard.name(server, NameSource::NetBios, called);
            }
        }
    }
    if let Some(calling) = name(inside, 34).and_then(NetBiosName::of_a_host) {
        heard.name(client, NameSource::NetBios, calling);
    }
}

#[cfg(test)]
#[path = "smb_tests.rs"]
pub(super) mod tests;

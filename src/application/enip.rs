//! EtherNet/IP encapsulation (ODVA volume 2, chapter 2), over TCP and UDP.
//!
//! Read: the header of 24 bytes, items of `SendRRData` and `SendUnitData` (common packet format), what `ListIdentity` answers,
//! and where implicit I/O goes: the sockaddr items of a successful `Forward_Open` (ODVA volume 1, chapter 3; volume 2, section
//! 3-3.9). Where a `Forward_Open` has no such items the port is 2222 by the specification: nobody announced it, so nothing is
//! told. Not read: tags, programs and data. Offsets are those of independent decoders; the specification is not public.

use super::frames::{Frames, Framing};
use super::heard::{Heard, text};
use super::opening::{Look, Opening};
use super::reader::{array, be16, le16, le32, slice};
use crate::model::{
    Announced, Answer, Certainty, DetailKind, Mechanism, NameSource, Protocol, Recognised, Side, Transport,
};
use std::net::Ipv4Addr;

const HEADER: usize = 24;
/// Of an older edition; drivers begin with it, and devices answer with their address.
const LIST_TARGETS: u16 = 0x01;
const LIST_SERVICES: u16 = 0x04;
const LIST_IDENTITY: u16 = 0x63;
const LIST_INTERFACES: u16 = 0x64;
const REGISTER: u16 = 0x65;
const UNREGISTER: u16 = 0x66;
const SEND_RR_DATA: u16 = 0x6F;
const SEND_UNIT_DATA: u16 = 0x70;
/// Ports at which a request without content is taken for one: 44818, and 2222 where I/O goes.
const PORTS: [u16; 2] = [44_818, 2222];
/// Items of one message that are read. A `Forward_Open` has four.
const MOST_ITEMS: u16 = 16;
/// Announcements of one conversation that are told.
const MOST_ANNOUNCEMENTS: u32 = 10_000;
const UNCONNECTED: u16 = 0xB2;
const CONNECTED: u16 = 0xB1;
const IDENTITY: u16 = 0x0C;
const TO_TARGET: u16 = 0x8000;
const TO_ORIGINATOR: u16 = 0x8001;

/// What a message proves about who serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Request,
    Reply,
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    Other,
    Short,
    Message(Certainty, Role),
}

pub(super) fn look(opening: &Opening<'_>) -> Look {
    let mut short = false;
    let mut best: Option<(Certainty, Option<Side>)> = None;
    for side in [Side::A, Side::B] {
        let usual = opening.ports.iter().any(|port| PORTS.contains(port));
        match message(opening.bytes(side), opening.transport, usual) {
            Is::Other => {}
            Is::Short => short |= !opening.from(side).over,
            Is::Message(certainty, role) => {
                let server = match role {
                    Role::Request => Some(side.other()),
                    Role::Reply => Some(side),
                    Role::Unknown => None,
                };
                if best.is_none_or(|best| (best.0, best.1.is_some()) < (certainty, server.is_some())) {
                    best = Some((certainty, server));
                }
            }
        }
    }
    match best {
        Some((certainty, server)) if certainty == Certainty::Certain && server.is_some() => {
            Look::yes(Protocol::EtherNetIp, certainty, server)
        }
        Some((certainty, server)) => Look::yes_so_far(Protocol::EtherNetIp, certainty, server),
        None if short => Look::Maybe,
        None => Look::No,
    }
}

/// Length of a message whose header is there: known command, status and no options.
fn length(header: &[u8]) -> Option<usize> {
    let command = le16(header, 0)?;
    // 0 does nothing; 0x72 and 0x73 are of older editions.
    let known = matches!(command, 0 | 0x01 | 0x04 | 0x63..=0x66 | 0x6F | 0x70 | 0x72 | 0x73);
    let status = matches!(le32(header, 8)?, 0..=3 | 0x64 | 0x65 | 0x69 | 0x6A);
    (known && status && le32(header, 20)? == 0).then_some(HEADER + usize::from(le16(header, 2)?))
}

fn message(bytes: &[u8], transport: Transport, usual: bool) -> Is {
    let Some(command) = le16(bytes, 0).filter(|command| *command != 0) else {
        return if bytes.len() == 1 && [0x01, 0x04, 0x63, 0x64, 0x65, 0x66, 0x6F, 0x70].contains(&bytes[0]) {
            Is::Short
        } else {
            Is::Other
        };
    };
    if !matches!(command, 0x01 | 0x04 | 0x63..=0x66 | 0x6F | 0x70) {
        return Is::Other;
    }
    if bytes.len() < HEADER {
        return if could_be(command, bytes) { Is::Short } else { Is::Other };
    }
    let Some(length) = length(bytes) else { return Is::Other };
    let (session, status) = (le32(bytes, 4).unwrap_or(0), le32(bytes, 8).unwrap_or(0));
    let body = &bytes[HEADER..length.min(bytes.len())];
    let whole = body.len() == length - HEADER && (transport == Transport::Tcp || bytes.len() == length);
    match command {
        _ if !whole && transport == Transport::Udp => Is::Other,
        REGISTER if length != HEADER + 4 => Is::Other,
        REGISTER => match (body, session, status) {
            (body, 0, 0) if body == [1, 0, 0, 0] => Is::Message(Certainty::Certain, Role::Request),
            (body, 1.., 0) if body == [1, 0, 0, 0] => Is::Message(Certainty::Certain, Role::Reply),
            (body, _, 1..) if body.len() == 4 => Is::Message(Certainty::Likely, Role::Reply),
            _ if whole => Is::Other,
            _ => Is::Short,
        },
        UNREGISTER if length == HEADER && session != 0 && status == 0 && bytes.len() == HEADER => {
            Is::Message(Certainty::Likely, Role::Unknown)
        }
        LIST_TARGETS | LIST_SERVICES | LIST_IDENTITY | LIST_INTERFACES => {
            // Drivers send several of these requests at once.
            let rest = &bytes[length.min(bytes.len())..];
            let ends = rest.is_empty() || self::length(rest).is_some();
            list(command, session, body, whole, usual && ends)
        }
        SEND_RR_DATA | SEND_UNIT_DATA if session != 0 => match send_data(command, body, transport) {
            Some(role) => Is::Message(Certainty::Certain, role),
            None if body.len() < 12 && length >= HEADER + 12 => Is::Short,
            None => Is::Other,
        },
        _ => Is::Other,
    }
}

/// Whether too few bytes for a header can become one.
fn could_be(command: u16, bytes: &[u8]) -> bool {
    let length = le16(bytes, 2);
    match command {
        REGISTER => length.is_none_or(|length| length == 4),
        UNREGISTER => length.is_none_or(|length| length == 0),
        SEND_RR_DATA | SEND_UNIT_DATA => length.is_none_or(|length| length >= 16),
        _ => length.is_none_or(|length| length == 0 || length > 2),
    }
}

/// Requests have no content, answers have items. A request is 24 bytes, nearly all of them 0: elsewhere that is something else.
fn list(command: u16, session: u32, body: &[u8], whole: bool, usual: bool) -> Is {
    if body.is_empty() && whole {
        let fits = session == 0 && usual;
        return if fits { Is::Message(Certainty::Likely, Role::Request) } else { Is::Other };
    }
    let expected = match command {
        LIST_TARGETS => 0x01,
        LIST_SERVICES => 0x100,
        LIST_IDENTITY => IDENTITY,
        // Nobody defined an item, so an answer says that there are none.
        _ => return if body == [0, 0] && usual { Is::Message(Certainty::Likely, Role::Reply) } else { Is::Other },
    };
    match (le16(body, 0), le16(body, 2), le16(body, 4)) {
        // Devices are seen that give a shorter item than they announce.
        (Some(1..=MOST_ITEMS), Some(kind), Some(_)) if kind == expected => Is::Message(Certainty::Certain, Role::Reply),
        (Some(_), Some(_), Some(_)) => Is::Other,
        _ if whole => Is::Other,
        _ => Is::Short,
    }
}

/// Interface handle 0, timeout, then an address item and a data item: the reply bit of the CIP service tells the role.
fn send_data(command: u16, body: &[u8], transport: Transport) -> Option<Role> {
    if le32(body, 0)? != 0 || !(2..=MOST_ITEMS).contains(&le16(body, 6)?) {
        return None;
    }
    let (address, size) = (le16(body, 8)?, le16(body, 10)?);
    let addressed = matches!((address, size), (0, 0) | (0xA1, 4) | (0x8002, 8));
    let at = 12 + usize::from(size);
    let data = le16(body, at)?;
    let room = usize::from(le16(body, at + 2)?);
    // The rest of the message may be in a segment that follows.
    if !addressed || !matches!(data, CONNECTED | UNCONNECTED) || room == 0 {
        return None;
    }
    let service = at + 4 + if data == CONNECTED { 2 } else { 0 };
    // Over UDP it is I/O, whose data are no services.
    if transport == Transport::Udp && command == SEND_UNIT_DATA {
        return Some(Role::Unknown);
    }
    Some(match body.get(service) {
        // Nobody defined a service 0: adapters are seen that answer so.
        None | Some(0) => Role::Unknown,
        Some(service) if service & 0x80 != 0 => Role::Reply,
        Some(_) => Role::Request,
    })
}

pub(super) fn follow(recognised: Recognised) -> super::Follower {
    super::Follower::EtherNetIp(Encapsulation { server: recognised.server, ..Encapsulation::default() })
}

/// A conversation that is followed.
#[derive(Debug, Default)]
pub struct Encapsulation {
    server: Option<Side>,
    frames: [Frames; 2],
    identified: bool,
    opened: bool,
    announced: u32,
    /// Data over UDP: nothing of interest follows.
    is_io: bool,
}

/// Answers of interest are short: an identity has some 70 bytes, a `Forward_Open` some 130 and its application data.
const FRAMING: Framing = Framing { header: HEADER, most: 1024, length };

impl Encapsulation {
    pub(super) fn bytes(&mut self, side: Side, data: &[u8], heard: &mut Heard) {
        let mut frames = std::mem::take(&mut self.frames[side as usize]);
        frames.take(&FRAMING, data, |message| self.message(side, message, heard));
        self.frames[side as usize] = frames;
    }

    pub(super) fn gap(&mut self, side: Side, lost_bytes: u32) {
        self.frames[side as usize].gap(lost_bytes);
    }

    pub(super) fn datagram(&mut self, side: Side, data: &[u8], heard: &mut Heard) {
        self.is_io |= le16(data, 0) == Some(SEND_UNIT_DATA);
        if data.len() >= HEADER && length(data).is_some() {
            self.message(side, data, heard);
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.is_io || self.announced >= MOST_ANNOUNCEMENTS
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.frames.iter().map(Frames::held_bytes).sum()
    }

    fn message(&mut self, side: Side, message: &[u8], heard: &mut Heard) {
        let body = message.get(HEADER..).unwrap_or_default();
        match le16(message, 0) {
            Some(LIST_IDENTITY) if !self.identified => {
                if let Some(product) = product(body) {
                    self.identified = true;
                    heard.detail(side, DetailKind::Product, product.as_str());
                    heard.name(side, NameSource::Identity, product);
                }
            }
            Some(SEND_RR_DATA) => self.opens(side, body, heard).unwrap_or_default(),
            _ => {}
        }
    }

    /// Where implicit I/O goes, of a `Forward_Open` or `Large_Forward_Open` that succeeded.
    fn opens(&mut self, side: Side, body: &[u8], heard: &mut Heard) -> Option<()> {
        let items = items(body.get(6..)?);
        let (_, cip) = items.iter().find(|(kind, _)| *kind == UNCONNECTED)?;
        let [0xD4 | 0xDB, _, 0, _] = array::<4>(cip, 0)? else { return None };
        // Identifiers, serial numbers and intervals, 24 bytes, and the length of application data in words.
        let extra = 2 * usize::from(*cip.get(3)?);
        let application = 2 * usize::from(*cip.get(4 + extra + 24)?);
        if cip.len() < 4 + extra + 26 + application || self.server == Some(side.other()) {
            return None;
        }
        if !std::mem::replace(&mut self.opened, true) {
            heard.detail(side, DetailKind::Command, "Forward_Open");
        }
        for (kind, value) in &items {
            let listener = match *kind {
                TO_TARGET => side,
                TO_ORIGINATOR => side.other(),
                _ => continue,
            };
            let Some((host, port)) = socket(value).filter(|_| !self.is_done()) else { continue };
            self.announced += 1;
            heard.announce(Announced {
                listener,
                stated_host: host.to_string(),
                ..Announced::by(side, Mechanism::ForwardOpen, Transport::Udp, Answer::Port(port))
            });
        }
        Some(())
    }
}

/// The items of the common packet format: their number, then kind, length and value of each.
fn items(bytes: &[u8]) -> Vec<(u16, &[u8])> {
    let count = le16(bytes, 0).unwrap_or(0).min(MOST_ITEMS);
    let mut at = 2;
    let mut items = Vec::new();
    for _ in 0..count {
        let (Some(kind), Some(length)) = (le16(bytes, at), le16(bytes, at + 2)) else { break };
        let Some(value) = slice(bytes, at + 4, usize::from(length)) else { break };
        items.push((kind, value));
        at += 4 + usize::from(length);
    }
    items
}

/// A sockaddr: family 2, port and address, the first byte highest, then eight bytes 0.
fn socket(value: &[u8]) -> Option<(Ipv4Addr, u16)> {
    let (family, port, host) = (be16(value, 0)?, be16(value, 2)?, array::<4>(value, 4)?);
    (value.len() == 16 && family == 2 && port > 0).then(|| (Ipv4Addr::from(host), port))
}

/// The name of the product in an identity item: version 2, sockaddr 16, vendor, type, code, revision, status 2 each, serial
/// number 4, then the name with its length.
fn product(body: &[u8]) -> Option<String> {
    let at = 2 + 4 + 2 + 16 + 10 + 4;
    if le16(body, 2)? != IDENTITY {
        return None;
    }
    let name = slice(body, at + 1, usize::from(*body.get(at)?))?;
    let printable = name.iter().all(|byte| (b' '..0x7F).contains(byte));
    printable.then(|| text(name).trim().to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
#[path = "enip_tests.rs"]
mod tests;

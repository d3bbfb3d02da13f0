//! NetBIOS over TCP and UDP (RFC 1001, RFC 1002): name service (section 4.2), datagram service (section 4.4), and the names in
//! them. The session service is read with SMB, which it carries.
//!
//! Read: names of hosts and their addresses. Not read: what datagrams carry; names of users (suffix 03) and of groups.

use super::dns::{HEADER, Part, Read, field, is_answer, opcode, read};
use super::dns_names::is_a_host;
use super::heard::{Heard, text};
use super::opening::{Look, Opening};
use super::reader::{array, be16, slice};
use crate::model::{Certainty, NameSource, Protocol, Recognised, Side};
use domain::base::name::ToLabelIter;
use std::net::{IpAddr, Ipv4Addr};

/// Ports of the name service and of the datagram service.
pub(super) const NAME_PORT: u16 = 137;
const DATAGRAM_PORT: u16 = 138;
/// Ports of DNS, multicast DNS and LLMNR.
const DNS_PORTS: [u16; 3] = [53, 5353, 5355];
/// Kinds of records (RFC 1002 section 4.2.1.3).
const NB: u16 = 0x20;
const NBSTAT: u16 = 0x21;
/// The group bit of NB_FLAGS and NAME_FLAGS.
const GROUP: u16 = 0x8000;
/// Names of one conversation that are told.
const MOST_NAMES: usize = 256;

/// Fifteen characters and a suffix that says what they name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NetBiosName([u8; 16]);

impl NetBiosName {
    /// First-level encoding: two letters from A to P for each byte (RFC 1001 section 14.1).
    pub(super) fn decoded(letters: &[u8]) -> Option<Self> {
        let letters: &[u8; 32] = letters.try_into().ok()?;
        if !letters.iter().all(|letter| (b'A'..=b'P').contains(letter)) {
            return None;
        }
        Some(Self(std::array::from_fn(|at| (letters[2 * at] - b'A') << 4 | (letters[2 * at + 1] - b'A'))))
    }

    /// The name where it is a computer's: of its workstation or file service. Not a user's, not a domain's.
    pub(super) fn of_a_host(self) -> Option<String> {
        matches!(self.0[15], 0x00 | 0x20).then(|| self.text()).filter(|name| !name.is_empty() && name != "*")
    }

    /// The characters without their padding.
    pub(super) fn text(self) -> String {
        let end = self.0[..15].iter().rposition(|byte| !matches!(byte, b' ' | 0)).map_or(0, |last| last + 1);
        text(&self.0[..end])
    }
}

/// The name of a question or record, and whether it has the form of one.
fn name_of(name: super::dns::Name<'_>) -> Option<NetBiosName> {
    name.iter_labels().next().and_then(|label| NetBiosName::decoded(label.as_slice()))
}

pub(super) fn look_name(opening: &Opening<'_>) -> Look {
    let Some(side) = opening.side_where(|bytes| bytes.len() >= HEADER) else { return Look::No };
    let bytes = opening.bytes(side);
    // RFC 1002 section 4.2.1.1: query, registration, release, WACK, refresh (8; 9 by an old mistake), multi-homed.
    if !matches!(opcode(bytes), 0 | 5..=9 | 15) || field(bytes, 4) > 1 || field(bytes, 6) > 1 {
        return Look::No;
    }
    let at_home = opening.ports.contains(&NAME_PORT);
    // A query for a name of that form is DNS where DNS is spoken.
    if !at_home && DNS_PORTS.iter().any(|port| opening.ports.contains(port)) {
        return Look::No;
    }
    let (mut fits, mut kinds, mut others) = (0, 0, 0);
    let read = read(bytes, |part| {
        let (Part::Question { name, kind, .. } | Part::Record { name, kind, .. }) = part;
        match kind {
            NB | NBSTAT | 0x01 | 0x02 | 0x0a if name_of(name).is_some() => fits += 1,
            NB | NBSTAT => kinds += 1,
            _ => others += 1,
        }
    });
    let certainty = match read {
        Read::Whole(0) if kinds + others == 0 && fits > 0 => Certainty::Certain,
        Read::Whole(_) | Read::Short(_) if at_home && kinds + fits > 0 => Certainty::Likely,
        _ => return Look::No,
    };
    let server = if is_answer(bytes) { side } else { side.other() };
    Look::yes(Protocol::NetBiosName, certainty, Some(server))
}

pub(super) fn follow_name(_: Recognised) -> super::Follower {
    super::Follower::NetBios(Names::default())
}

/// A conversation of the name service whose names are read.
#[derive(Debug, Default)]
pub struct Names {
    told: Vec<(Option<IpAddr>, String)>,
}

impl Names {
    pub(super) fn datagram(&mut self, side: Side, data: &[u8], heard: &mut Heard) {
        // The last four bits: an error, of whom nothing is true.
        if field(data, 2) & 0x000f != 0 {
            return;
        }
        read(data, |part| match part {
            Part::Record { name, kind: NB, data, .. } => {
                let Some(name) = name_of(name).and_then(NetBiosName::of_a_host) else { return };
                for entry in data.chunks_exact(6).filter(|entry| field(entry, 0) & GROUP == 0) {
                    let address = array(entry, 2).map(Ipv4Addr::from_octets).map(IpAddr::V4);
                    if let Some(address) = address.filter(|address| is_a_host(*address)) {
                        self.tell(Some(address), side, &name, heard);
                    }
                }
            }
            Part::Record { kind: NBSTAT, data, .. } => {
                // A count, and 18 bytes for each name (RFC 1002 section 4.2.18).
                let count = data.first().map_or(0, |count| usize::from(*count));
                for entry in data.get(1..).unwrap_or_default().chunks_exact(18).take(count) {
                    let name = array(entry, 0).map(NetBiosName).and_then(NetBiosName::of_a_host);
                    if let Some(name) = name.filter(|_| field(entry, 16) & GROUP == 0) {
                        self.tell(None, side, &name, heard);
                    }
                }
            }
            _ => {}
        });
    }

    pub(super) fn is_done(&self) -> bool {
        self.told.len() >= MOST_NAMES
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.told.capacity() * (size_of::<(Option<IpAddr>, String)>() + 16)
    }

    fn tell(&mut self, address: Option<IpAddr>, side: Side, name: &str, heard: &mut Heard) {
        if self.is_done() || self.told.iter().any(|(of, told)| *of == address && told == name) {
            return;
        }
        self.told.push((address, name.to_owned()));
        match address {
            Some(address) => heard.name_of(address, NameSource::NetBios, name),
            None => heard.name(side, NameSource::NetBios, name),
        }
    }
}

/// A datagram that carries data: header of 14 bytes, the two names, the data (RFC 1002 section 4.4.2).
struct Datagram {
    source: Ipv4Addr,
    name: NetBiosName,
    /// It is as long as it says.
    is_whole: bool,
}

fn datagram(bytes: &[u8]) -> Option<Datagram> {
    let (kind, flags) = (*bytes.first()?, *bytes.get(1)?);
    let length = usize::from(be16(bytes, 10)?);
    // Direct unique, direct group, broadcast; four bits of the flags are reserved.
    if !matches!(kind, 0x10..=0x12) || flags & 0xf0 != 0 || 14 + length < bytes.len() {
        return None;
    }
    let source = array(bytes, 4).map(Ipv4Addr::from_octets)?;
    let (first, letters) = (*bytes.get(14)?, slice(bytes, 15, 32)?);
    let name = NetBiosName::decoded(letters).filter(|_| first == 32)?;
    Some(Datagram { source, name, is_whole: 14 + length == bytes.len() })
}

pub(super) fn look_datagram(opening: &Opening<'_>) -> Look {
    let Some(side) = opening.side_where(|_| true) else { return Look::No };
    let at_home = opening.ports.contains(&DATAGRAM_PORT);
    // Datagrams have no roles: nobody answers.
    match datagram(opening.bytes(side)) {
        Some(datagram) if datagram.is_whole => Look::yes(Protocol::NetBiosDatagram, Certainty::Certain, None),
        Some(_) if at_home => Look::yes(Protocol::NetBiosDatagram, Certainty::Likely, None),
        _ => Look::No,
    }
}

pub(super) fn describe_datagram(opening: &Opening<'_>, _: Recognised, heard: &mut Heard) {
    for side in [Side::A, Side::B] {
        let Some(datagram) = datagram(opening.bytes(side)) else { continue };
        let source = IpAddr::V4(datagram.source);
        if let Some(name) = datagram.name.of_a_host().filter(|_| is_a_host(source)) {
            heard.name_of(source, NameSource::NetBios, name);
        }
    }
}

#[cfg(test)]
#[path = "netbios_tests.rs"]
pub(super) mod tests;

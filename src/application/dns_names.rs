//! Names out of answers of DNS, multicast DNS and LLMNR: which address was given for the name that was asked for.
//!
//! Read: A, AAAA and PTR records of the answer and additional sections; aliases (CNAME) lead back to the name that was asked
//! for. Not read: everything else, updates among it.

use super::dns::{Name, Part, Read, field, is_answer, opcode, read};
use super::heard::{Heard, TEXT_BYTES};
use super::reader::array;
use crate::model::{NameSource, Recognised, Side};
use domain::base::ParsedName;
use domain::base::name::ToLabelIter;
use domain::dep::octseq::Parser;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Names of one conversation that are told.
const MOST_NAMES: usize = 256;
/// Aliases of one message that are followed. Resolvers give up at about 16.
const MOST_ALIASES: usize = 16;
/// Longest message over TCP that is kept until it is complete; longer ones are zone transfers and passed over.
const LONGEST_MESSAGE: usize = 16 * 1024;

const A: u16 = 1;
const CNAME: u16 = 5;
const PTR: u16 = 12;
const AAAA: u16 = 28;
/// The class of the Internet. The highest bit is multicast DNS's own (RFC 6762 section 10.2).
const INTERNET: u16 = 1;

pub(super) fn follow(_: Recognised) -> super::Follower {
    super::Follower::Dns(Names::default())
}

/// A conversation whose answers are read.
#[derive(Debug, Default)]
pub struct Names {
    /// What was told, by its hash: so that nothing is told twice.
    told: Vec<u64>,
    /// Over TCP: what is there of the message, its length included, of each side.
    parts: [Vec<u8>; 2],
    /// Over TCP: bytes of a long message that are still to be passed over.
    passes: [usize; 2],
    /// Over TCP: where messages begin is not known any more.
    lost: [bool; 2],
}

impl Names {
    pub(super) fn datagram(&mut self, data: &[u8], heard: &mut Heard) {
        if data.len() >= 12 && is_answer(data) {
            self.message(data, heard);
        }
    }

    pub(super) fn bytes(&mut self, side: Side, mut data: &[u8], heard: &mut Heard) {
        let at = side as usize;
        while !data.is_empty() && !self.lost[at] {
            let passed = self.passes[at].min(data.len());
            self.passes[at] -= passed;
            data = &data[passed..];
            let wanted = match self.parts[at].len() {
                0 | 1 => 2,
                _ => 2 + usize::from(field(&self.parts[at], 0)),
            };
            let taken = (wanted - self.parts[at].len()).min(data.len());
            self.parts[at].extend_from_slice(&data[..taken]);
            data = &data[taken..];
            if self.parts[at].len() >= 2 {
                self.complete(at, heard);
            }
        }
    }

    /// Reads the message of one side where it is all there, and passes over a long one.
    fn complete(&mut self, at: usize, heard: &mut Heard) {
        let length = usize::from(field(&self.parts[at], 0));
        let there = self.parts[at].len() - 2;
        if length > LONGEST_MESSAGE {
            self.passes[at] = length - there;
            self.parts[at].clear();
        } else if there == length {
            let part = std::mem::take(&mut self.parts[at]);
            self.datagram(&part[2..], heard);
        }
    }

    pub(super) fn gap(&mut self, side: Side, lost_bytes: u32) {
        let passes = &mut self.passes[side as usize];
        let lost = lost_bytes as usize;
        if *passes >= lost && self.parts[side as usize].is_empty() {
            *passes -= lost;
        } else {
            self.lost[side as usize] = true;
            self.parts[side as usize] = Vec::new();
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.told.len() >= MOST_NAMES || self.lost == [true; 2]
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.told.capacity() * size_of::<u64>() + self.parts.iter().map(Vec::capacity).sum::<usize>()
    }

    fn message(&mut self, bytes: &[u8], heard: &mut Heard) {
        // A standard query that was answered without an error.
        if opcode(bytes) != 0 || field(bytes, 2) & 0x000f != 0 {
            return;
        }
        let mut asked: Vec<Name<'_>> = Vec::new();
        let mut aliases: Vec<(Name<'_>, Name<'_>)> = Vec::new();
        let is_bad = read(bytes, |part| match part {
            Part::Question { name, .. } if asked.is_empty() => asked.push(name),
            Part::Record { section: 1, name, kind: CNAME, at, .. } if aliases.len() < MOST_ALIASES => {
                aliases.extend(name_at(bytes, at).map(|target| (name, target)));
            }
            _ => {}
        }) == Read::Bad;
        if is_bad {
            return;
        }
        // Aliases may come in any order: each turn follows one more.
        for _ in 0..aliases.len() {
            let before = asked.len();
            for (name, target) in &aliases {
                if asked.contains(name) && !asked.contains(target) {
                    asked.push(*target);
                }
            }
            if asked.len() == before {
                break;
            }
        }
        read(bytes, |part| {
            let Part::Record { section: 1 | 3, name, class, kind, data, at } = part else { return };
            if class & 0x7fff != INTERNET {
                return;
            }
            match (kind, address(kind, data)) {
                (A | AAAA, Some(address)) => {
                    let name = if asked.contains(&name) { asked[0] } else { name };
                    self.tell(address, &text(name), heard);
                }
                (PTR, _) => {
                    if let (Some(address), Some(target)) = (reversed(name), name_at(bytes, at)) {
                        self.tell(address, &text(target), heard);
                    }
                }
                _ => {}
            }
        });
    }

    fn tell(&mut self, address: IpAddr, name: &str, heard: &mut Heard) {
        if !is_a_host(address) || self.told.len() >= MOST_NAMES {
            return;
        }
        let mut hasher = DefaultHasher::new();
        (address, name).hash(&mut hasher);
        let hash = hasher.finish();
        if !self.told.contains(&hash) {
            self.told.push(hash);
            heard.name_of(address, NameSource::Dns, name);
        }
    }
}

/// An address that can be a host's other than one's own: blocking resolvers answer 0.0.0.0 or 127.0.0.1.
pub(super) fn is_a_host(address: IpAddr) -> bool {
    let broadcast = address == IpAddr::V4(Ipv4Addr::BROADCAST);
    !address.is_unspecified() && !address.is_loopback() && !address.is_multicast() && !broadcast
}

fn address(kind: u16, data: &[u8]) -> Option<IpAddr> {
    match (kind, data.len()) {
        (A, 4) => array(data, 0).map(Ipv4Addr::from_octets).map(IpAddr::V4),
        (AAAA, 16) => array(data, 0).map(Ipv6Addr::from_octets).map(IpAddr::V6),
        _ => None,
    }
}

fn name_at(bytes: &[u8], at: usize) -> Option<Name<'_>> {
    let mut parser = Parser::from_ref(bytes);
    parser.seek(at).ok()?;
    ParsedName::parse(&mut parser).ok()
}

/// The labels with dots between them, as they are: no escapes, what is no UTF-8 replaced.
fn text(name: Name<'_>) -> String {
    let mut text = String::new();
    for label in name.iter_labels().filter(|label| !label.is_root()) {
        if !text.is_empty() {
            text.push('.');
        }
        text.push_str(&String::from_utf8_lossy(label.as_slice()));
        if text.len() > TEXT_BYTES {
            break;
        }
    }
    text
}

/// The address that a name below in-addr.arpa (RFC 1035 section 3.5) or ip6.arpa (RFC 3596 section 2.5) stands for.
fn reversed(name: Name<'_>) -> Option<IpAddr> {
    let name = text(name).to_ascii_lowercase();
    if let Some(numbers) = name.strip_suffix(".in-addr.arpa") {
        let numbers = numbers.split('.').map(str::parse).collect::<Result<Vec<u8>, _>>().ok()?;
        let [d, c, b, a] = numbers[..] else { return None };
        return Some(IpAddr::V4(Ipv4Addr::new(a, b, c, d)));
    }
    let digits: Vec<&str> = name.strip_suffix(".ip6.arpa")?.split('.').collect();
    if digits.len() != 32 || digits.iter().any(|digit| digit.len() != 1) {
        return None;
    }
    let digits: String = digits.into_iter().rev().collect();
    u128::from_str_radix(&digits, 16).ok().map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits)))
}

#[cfg(test)]
#[path = "dns_names_tests.rs"]
mod tests;

//! Link headers: where is the IP packet, and in which VLAN?

use super::cursor::Cursor;
use super::{Step, stop};
use crate::model::{Fate, Frame, Layer, LinkType};
use etherparse::{Ethernet2Header, Ethernet2HeaderSlice, SingleVlanHeader, SingleVlanHeaderSlice};

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const ARP: u16 = 0x0806;
const RARP: u16 = 0x8035;
/// 802.1Q, 802.1ad and two pre-standard values for stacked tags.
const VLAN: [u16; 4] = [0x8100, 0x88a8, 0x9100, 0x9200];
/// Up to here the field is a length (IEEE 802.3), above an Ethernet type.
const LARGEST_LENGTH: u16 = 1535;
/// SNAP header with organisation code 0: an Ethernet type follows (RFC 1042).
const SNAP: [u8; 6] = [0xaa, 0xaa, 0x03, 0, 0, 0];

/// An IP packet within a frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct IpPacket<'a> {
    pub(super) cursor: Cursor<'a>,
    pub(super) vlan: Option<u16>,
}

/// What the link carries.
pub(super) enum Payload<'a> {
    Ip(IpPacket<'a>),
    Other(Fate),
}

pub(super) fn link<'a>(frame: &Frame<'a>) -> Step<Payload<'a>> {
    let missing = (frame.wire_bytes as usize).saturating_sub(frame.data.len());
    let start = Cursor { data: frame.data, offset: 0, missing };
    match frame.link_type {
        LinkType::ETHERNET => {
            let header = Ethernet2HeaderSlice::from_slice(start.data)
                .map_err(|_| stop(Layer::Link, "Ethernet header", &start, Ethernet2Header::LEN))?;
            ether_type(header.ether_type().0, start.skip(Ethernet2Header::LEN), None)
        }
        LinkType::LINUX_SLL => cooked(start, 14, 16),
        LinkType::LINUX_SLL2 => cooked(start, 0, 20),
        LinkType::NULL | LinkType::LOOP => loopback(start),
        LinkType::RAW | LinkType::RAW_BSD | LinkType::RAW_OPENBSD | LinkType::IPV4 | LinkType::IPV6 => {
            Ok(Payload::Ip(IpPacket { cursor: start, vlan: None }))
        }
        other => Ok(Payload::Other(Fate::LinkType(other))),
    }
}

/// Linux cooked capture: the protocol stands at `protocol_at`, the payload behind `header_bytes`.
fn cooked(start: Cursor<'_>, protocol_at: usize, header_bytes: usize) -> Step<Payload<'_>> {
    let protocol = start.u16(protocol_at).filter(|_| start.remaining() >= header_bytes);
    let Some(protocol) = protocol else {
        return Err(stop(Layer::Link, "Linux cooked header", &start, header_bytes));
    };
    ether_type(protocol, start.skip(header_bytes), None)
}

/// Four bytes of address family, in the byte order of whichever host recorded. An unknown family is no IP.
fn loopback(start: Cursor<'_>) -> Step<Payload<'_>> {
    let Some(family) = start.data.first_chunk::<4>() else {
        return Err(stop(Layer::Link, "loopback header", &start, 4));
    };
    let family = u32::from_be_bytes(*family).min(u32::from_le_bytes(*family));
    Ok(match family {
        // AF_INET; AF_INET6 of NetBSD and Linux, FreeBSD, macOS.
        2 | 10 | 24 | 28 | 30 => Payload::Ip(IpPacket { cursor: start.skip(4), vlan: None }),
        other => Payload::Other(Fate::LoopbackFamily(other)),
    })
}

fn ether_type(mut number: u16, mut cursor: Cursor<'_>, mut vlan: Option<u16>) -> Step<Payload<'_>> {
    // Each turn consumes at least four bytes: a frame of nothing but tags ends with its bytes.
    loop {
        match number {
            tag if VLAN.contains(&tag) => {
                let tag = SingleVlanHeaderSlice::from_slice(cursor.data)
                    .map_err(|_| stop(Layer::Link, "VLAN tag", &cursor, SingleVlanHeader::LEN))?;
                vlan = Some(tag.vlan_identifier().value());
                number = tag.ether_type().0;
                cursor = cursor.skip(SingleVlanHeader::LEN);
            }
            IPV4 | IPV6 => return Ok(Payload::Ip(IpPacket { cursor, vlan })),
            ARP | RARP => return Ok(Payload::Other(Fate::Arp)),
            0..=LARGEST_LENGTH => match cursor.u16(6) {
                Some(inner) if cursor.data.starts_with(&SNAP) && inner > LARGEST_LENGTH => {
                    number = inner;
                    cursor = cursor.skip(8);
                }
                _ => return Ok(Payload::Other(Fate::Llc)),
            },
            other => return Ok(Payload::Other(Fate::EtherType(other))),
        }
    }
}

//! Link headers: what stands behind the header of each link type.

use super::cursor::Cursor;
use super::walk::{Inside, Variant, Walk};
use super::{Step, ethernet, follow, past};
use crate::model::{Decoded, Fate, Frame, Heading, Layer, LinkType, Process, believed_wire_bytes};

/// Length of the PKTAP header up to the name of the effective process.
const PKTAP_BYTES: usize = 108;

/// What a link header says besides.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Told<'a> {
    pub(super) heading: Option<Heading>,
    pub(super) process: Option<Process<'a>>,
}

/// Reads a frame to the end.
#[inline(always)]
pub(super) fn link<'a>(frame: &Frame<'a>, walk: &mut Walk<'a, '_>) -> Decoded<'a> {
    let wire_bytes = believed_wire_bytes(frame.data.len(), frame.wire_bytes) as usize;
    let missing = wire_bytes.saturating_sub(frame.data.len());
    let cursor = Cursor { data: frame.data, offset: 0, missing };
    if frame.link_type == LinkType::ETHERNET && walk.another() {
        return ethernet::ethernet(cursor, walk);
    }
    let mut told = Told::default();
    let first = behind(frame.link_type, cursor, &mut told);
    let decoded = follow(first, walk);
    // What the record says comes first.
    Decoded { heading: decoded.heading.or(told.heading), process: decoded.process.or(told.process), ..decoded }
}

/// What stands behind the link header.
fn behind<'a>(mut link_type: LinkType, mut cursor: Cursor<'a>, told: &mut Told<'a>) -> Step<Inside<'a>> {
    // Headers that name another link type. Each consumes bytes.
    while let Some((inner, behind)) = wrapped(link_type, cursor, told)? {
        (link_type, cursor) = (inner, behind);
    }
    match link_type.0 {
        0 | 108 => loopback(cursor),
        1 => Ok(Inside::Ethernet(cursor)),
        6 => token_ring(cursor),
        7 => arcnet(cursor, 2),
        129 => arcnet(cursor, 4),
        9 | 50 | 51 | 166 => Ok(point_to_point(cursor)),
        10 => past(Layer::Link, cursor, 13, "FDDI header").map(Inside::Llc),
        12 | 14 | 101 | 228 | 229 => Ok(Inside::Ip(cursor)),
        100 => Ok(Inside::Llc(cursor)),
        104 => cisco_hdlc(cursor),
        105 => Ok(wlan(cursor)),
        107 => frame_relay(cursor),
        109 => past(Layer::Link, cursor, 12, "IPsec header").map(Inside::Ip),
        113 => cooked(cursor, [0, 2, 14], 16, told),
        117 => pflog(cursor),
        119 => past(Layer::Link, cursor, 144, "Prism header").map(wlan),
        127 => radiotap(cursor),
        138 => by_type(cursor, 16, "IEEE 1394 header"),
        163 => avs(cursor),
        204 => past(Layer::Link, cursor, 1, "direction of a PPP frame").map(Inside::Ppp),
        205 => past(Layer::Link, cursor, 1, "direction of an HDLC frame").and_then(cisco_hdlc),
        206 => past(Layer::Link, cursor, 1, "direction of a frame relay frame").and_then(frame_relay),
        219 => Ok(Inside::Mpls(cursor)),
        239 => nflog(cursor),
        240 => past(Layer::Link, cursor, 4, "netANALYZER header").map(Inside::Ethernet),
        276 => cooked(cursor, [10, 8, 0], 20, told),
        _ => Ok(Inside::Done(Fate::LinkType(link_type))),
    }
}

fn wlan(cursor: Cursor<'_>) -> Inside<'_> {
    Inside::Wlan(cursor, Variant::Plain)
}

/// An Ethernet type at `at`, and the payload right behind it.
fn by_type<'a>(cursor: Cursor<'a>, at: usize, reading: &'static str) -> Step<Inside<'a>> {
    let behind = past(Layer::Link, cursor, at + 2, reading)?;
    Ok(Inside::EtherType(cursor.u16(at).unwrap_or_default(), behind))
}

/// PKTAP of Darwin and PPI of the CACE tools: which link type they wrap, and what they say of the frame.
fn wrapped<'a>(link: LinkType, cursor: Cursor<'a>, told: &mut Told<'a>) -> Step<Option<(LinkType, Cursor<'a>)>> {
    let little = |at| cursor.array(at).map_or(0, u32::from_le_bytes);
    let (length, link_at) = match link.0 {
        192 => (usize::from(cursor.array(2).map_or(0, u16::from_le_bytes)).max(8), 4),
        258 => ((little(0) as usize).max(PKTAP_BYTES), 8),
        _ => return Ok(None),
    };
    let behind = past(Layer::Link, cursor, length, "header around the link header")?;
    if link.0 == 258 {
        told.heading = match little(36) & 3 {
            1 => Some(Heading::Inbound),
            2 => Some(Heading::Outbound),
            _ => None,
        };
        // The effective process is whom a system service works for; -1 where there is none.
        let process = |id_at: usize, name_at: usize| {
            let id = Some(little(id_at)).filter(|id| (1..=i32::MAX as u32).contains(id))?;
            let name = cursor.data.get(name_at..name_at + 20)?;
            Some(Process { id, name: name.split(|byte| *byte == 0).next().unwrap_or_default() })
        };
        told.process = process(84, 88).or_else(|| process(52, 56));
    }
    let inner = u16::try_from(little(link_at)).unwrap_or(u16::MAX);
    Ok(Some((LinkType(inner), behind)))
}

/// Linux cooked capture: where packet type, device type and protocol stand, and the length of the header.
fn cooked<'a>(
    cursor: Cursor<'a>,
    [kind_at, device_at, protocol_at]: [usize; 3],
    bytes: usize,
    told: &mut Told<'a>,
) -> Step<Inside<'a>> {
    let behind = past(Layer::Link, cursor, bytes, "Linux cooked header")?;
    // Version 2 has one byte of packet type, version 1 two.
    let kind = cursor.u8(if bytes == 20 { kind_at } else { kind_at + 1 });
    told.heading = match kind {
        Some(0..=2) => Some(Heading::Inbound),
        Some(4) => Some(Heading::Outbound),
        _ => None,
    };
    let protocol = cursor.u16(protocol_at).unwrap_or_default();
    // ARPHRD numbers of the device: its frames are no Ethernet frames.
    Ok(match (cursor.u16(device_at).unwrap_or_default(), protocol) {
        (801, _) => wlan(behind),
        (803, _) => return radiotap(behind),
        (824, _) => Inside::Done(Fate::LinkType(LinkType(253))),
        (_, 4) => Inside::Llc(behind),
        (_, protocol) => Inside::EtherType(protocol, behind),
    })
}

/// Four bytes of address family, in the byte order of whichever host recorded. An unknown family is no IP.
fn loopback(cursor: Cursor<'_>) -> Step<Inside<'_>> {
    let behind = past(Layer::Link, cursor, 4, "loopback header")?;
    let family = cursor.array(0).unwrap_or_default();
    let family = u32::from_be_bytes(family).min(u32::from_le_bytes(family));
    Ok(family_inside(family, behind).unwrap_or(Inside::Done(Fate::LoopbackFamily(family))))
}

/// AF_INET; AF_INET6 of Linux, NetBSD, FreeBSD, macOS.
fn family_inside(family: u32, behind: Cursor<'_>) -> Option<Inside<'_>> {
    matches!(family, 2 | 10 | 24 | 28 | 30).then_some(Inside::Ip(behind))
}

/// Access and frame control, two addresses, source routing where the source says so; then LLC (IEEE 802.5).
fn token_ring(cursor: Cursor<'_>) -> Step<Inside<'_>> {
    let routed = cursor.u8(8).is_some_and(|byte| byte & 0x80 != 0);
    let routing = if routed { usize::from(cursor.u8(14).unwrap_or_default() & 0x1f) } else { 0 };
    past(Layer::Link, cursor, 14 + routing, "Token Ring header").map(Inside::Llc)
}

/// Two addresses, then the protocol: RFC 1051 has no more, RFC 1201 a fragment header.
fn arcnet(cursor: Cursor<'_>, protocol_at: usize) -> Step<Inside<'_>> {
    let behind = past(Layer::Link, cursor, protocol_at + 1, "ARCNET header")?;
    Ok(match cursor.u8(protocol_at) {
        Some(240) => Inside::Ip(behind),
        Some(241 | 213 | 214) => Inside::Done(Fate::Arp),
        // Split flag 0: not split. The parts of a split one are no packets.
        Some(212) if behind.u8(0) == Some(0) => Inside::Ip(past(Layer::Link, behind, 3, "ARCNET fragment header")?),
        _ => Inside::Done(Fate::LinkType(LinkType(7))),
    })
}

/// PPP; some recorders give Cisco HDLC the same number.
fn point_to_point(cursor: Cursor<'_>) -> Inside<'_> {
    match (cursor.u8(0), cursor.u8(1)) {
        (Some(0x0f | 0x8f), Some(0)) => cisco_hdlc(cursor).unwrap_or(Inside::Ppp(cursor)),
        // A direction in place of the address (LINKTYPE_PPP_PPPD).
        (Some(0 | 1), Some(0x03)) => Inside::Ppp(cursor.skip(2)),
        _ => Inside::Ppp(cursor),
    }
}

fn cisco_hdlc(cursor: Cursor<'_>) -> Step<Inside<'_>> {
    by_type(cursor, 2, "Cisco HDLC header")
}

/// Two bytes of address (RFC 2427), then the network layer protocol.
fn frame_relay(cursor: Cursor<'_>) -> Step<Inside<'_>> {
    let behind = past(Layer::Link, cursor, 4, "frame relay header")?;
    Ok(match (cursor.u8(2), cursor.u8(3)) {
        (Some(0x03), Some(0xcc | 0x8e)) => Inside::Ip(behind),
        (Some(0x08), Some(0x00)) => Inside::EtherType(0x0800, behind),
        (Some(0x03), Some(0x00)) if behind.u8(0) == Some(0x80) => {
            let snap = past(Layer::Link, behind, 4, "SNAP header")?;
            return by_type(snap, 0, "SNAP header");
        }
        _ => Inside::Done(Fate::LinkType(LinkType(107))),
    })
}

/// Length of the header without its padding to 4, then the address family.
fn pflog(cursor: Cursor<'_>) -> Step<Inside<'_>> {
    let bytes = usize::from(cursor.u8(0).unwrap_or_default()).next_multiple_of(4).max(4);
    let behind = past(Layer::Link, cursor, bytes, "pflog header")?;
    let family = u32::from(cursor.u8(1).unwrap_or_default());
    Ok(family_inside(family, behind).unwrap_or(Inside::Done(Fate::LoopbackFamily(family))))
}

/// Radiotap: length at byte 2, then words that say which fields are there, the last one without its highest bit. The flags
/// field, behind the time stamp if there is one, says whether the IEEE 802.11 header is padded to 4 bytes.
fn radiotap(cursor: Cursor<'_>) -> Step<Inside<'_>> {
    let bytes = usize::from(cursor.array(2).map_or(0, u16::from_le_bytes)).max(8);
    let behind = past(Layer::Link, cursor, bytes, "radiotap header")?;
    let present = |word: usize| cursor.array(4 + 4 * word).map_or(0, u32::from_le_bytes);
    let words = 1 + (0..bytes / 4).take_while(|word| present(*word) & 1 << 31 != 0).count();
    // The time stamp is aligned to 8 bytes.
    let fields_at = 4 + 4 * words;
    let flags_at = if present(0) & 1 != 0 { fields_at.next_multiple_of(8) + 8 } else { fields_at };
    let padded = present(0) & 2 != 0 && flags_at < bytes && cursor.u8(flags_at).is_some_and(|flags| flags & 0x20 != 0);
    Ok(Inside::Wlan(behind, if padded { Variant::Padded } else { Variant::Plain }))
}

/// AVS header: magic, then its length.
fn avs(cursor: Cursor<'_>) -> Step<Inside<'_>> {
    let bytes = (cursor.u32(4).unwrap_or_default() as usize).max(8);
    past(Layer::Link, cursor, bytes, "AVS header").map(wlan)
}

/// NFLOG: family, version, resource; then attributes of length, type and value, padded to 4, in the byte order of the
/// recording host. Attribute 9 is the packet.
fn nflog(cursor: Cursor<'_>) -> Step<Inside<'_>> {
    let mut rest = past(Layer::Link, cursor, 4, "NFLOG header")?;
    let family = u32::from(cursor.u8(0).unwrap_or_default());
    while let (Some(length), Some(kind)) = (rest.array::<2>(0), rest.array::<2>(2)) {
        // Attribute types are small: the byte order is the one in which this one is.
        let (length, kind) = match u16::from_le_bytes(kind) {
            kind @ 0..256 => (u16::from_le_bytes(length), kind),
            kind => (u16::from_be_bytes(length), kind.swap_bytes()),
        };
        let length = usize::from(length).max(4);
        if kind == 9 {
            let packet = rest.skip(4).limit(length - 4);
            return Ok(family_inside(family, packet).unwrap_or(Inside::Done(Fate::LoopbackFamily(family))));
        }
        rest = past(Layer::Link, rest, length.next_multiple_of(4), "NFLOG attribute")?;
    }
    Ok(Inside::Done(Fate::LinkType(LinkType(239))))
}

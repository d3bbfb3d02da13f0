//! Tunnels over IP, and MPLS.

use super::cursor::Cursor;
use super::walk::{Inside, Variant, Walk};
use super::{Step, past, stop};
use crate::model::{Fate, Layer, Tunnel};

/// IP protocol number of GRE: the fate of what it carries and nobody here reads.
pub(super) const GRE: u8 = 47;

const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
const ACKNOWLEDGMENT: u16 = 0x0080;

/// GRE (RFC 2784, keys and sequence numbers of RFC 2890, routing of RFC 1701, version 1 of RFC 2637).
pub(super) fn gre<'a>(cursor: Cursor<'a>, walk: &mut Walk<'a, '_>) -> Step<Inside<'a>> {
    let (Some(flags), Some(protocol)) = (cursor.u16(0), cursor.u16(2)) else {
        return Err(stop(Layer::Network, "GRE header", &cursor, 4));
    };
    let mut bytes = 4;
    if flags & (CHECKSUM | ROUTING) != 0 {
        bytes += 4;
    }
    let key = if flags & KEY != 0 { cursor.u32(bytes) } else { None };
    for (flag, field) in [(KEY, 4), (SEQUENCE, 4), (ACKNOWLEDGMENT, if flags & 7 == 1 { 4 } else { 0 })] {
        if flags & flag != 0 {
            bytes += field;
        }
    }
    if flags & ROUTING != 0 && flags & 7 == 0 {
        bytes = routing(cursor, bytes)?;
    }
    let behind = past(Layer::Network, cursor, bytes, "GRE header")?;
    // In version 1 the key holds a length and the call.
    walk.tunnel(Tunnel::Gre, if flags & 7 == 1 { key.map(|key| key & 0xffff) } else { key });
    Ok(match protocol {
        0x0800 | 0x86dd => Inside::Ip(behind),
        0x6558 => Inside::Ethernet(behind),
        0x8847 | 0x8848 => Inside::Mpls(behind),
        0x880b => Inside::Ppp(behind),
        0x88be if flags & SEQUENCE == 0 => erspan(cursor, behind, 0, walk)?,
        0x88be => erspan(behind, behind, 8, walk)?,
        0x22eb => erspan(behind, behind, 12, walk)?,
        // WCCP: version 2 has a redirect header of four bytes.
        0x883e => Inside::Ip(if behind.u8(0).is_some_and(|byte| byte >> 4 == 4) { behind } else { behind.skip(4) }),
        // Aruba: frames of its access points.
        0x8200..=0x82f0 | 0x9000 => Inside::Wlan(behind, Variant::Plain),
        _ => Inside::Done(Fate::IpProtocol(GRE)),
    })
}

/// Source route entries: address family, offset, length, data; an empty one ends them.
fn routing(cursor: Cursor<'_>, mut at: usize) -> Step<usize> {
    loop {
        let Some(entry) = cursor.u32(at) else {
            return Err(stop(Layer::Network, "GRE routing", &cursor, at + 4));
        };
        at += 4;
        match entry & 0xff {
            0 => return Ok(at),
            length => at += length as usize,
        }
    }
}

/// Type I has no header, type II 8 bytes, type III 12 and on request 8 more; the session stands in the low 10 bits of the
/// second word (draft-foschiano-erspan).
fn erspan<'a>(header: Cursor<'a>, behind: Cursor<'a>, bytes: usize, walk: &mut Walk<'a, '_>) -> Step<Inside<'a>> {
    let session = if bytes > 0 { header.u16(2).map(|word| u32::from(word & 0x03ff)) } else { None };
    let more = if bytes == 12 && header.u8(11).is_some_and(|byte| byte & 1 != 0) { 8 } else { 0 };
    let frame = past(Layer::Network, behind, bytes + more, "ERSPAN header")?;
    walk.tunnel(Tunnel::Erspan, session);
    Ok(Inside::Ethernet(frame))
}

/// EtherIP: version 3 in the first four bits (RFC 3378).
pub(super) fn ether_ip<'a>(cursor: Cursor<'a>, walk: &mut Walk<'a, '_>) -> Step<Inside<'a>> {
    let behind = past(Layer::Network, cursor, 2, "EtherIP header")?;
    walk.tunnel(Tunnel::EtherIp, None);
    Ok(Inside::Ethernet(behind))
}

/// The label stack; what follows shows by its first bits (RFC 3032, RFC 4385): IP, or Ethernet with or without a control
/// word.
pub(super) fn mpls<'a>(cursor: Cursor<'a>, walk: &mut Walk<'a, '_>) -> Step<Inside<'a>> {
    let mut behind = cursor;
    let label = loop {
        let Some(entry) = behind.u32(0) else {
            return Err(stop(Layer::Link, "MPLS label", &behind, 4));
        };
        behind = behind.skip(4);
        if entry & 0x100 != 0 {
            break entry >> 12;
        }
    };
    walk.tunnel(Tunnel::Mpls, Some(label));
    Ok(match behind.u8(0).map(|byte| byte >> 4) {
        Some(4 | 6) if !is_ethernet(behind) || is_ip(behind) => Inside::Ip(behind),
        Some(0) if !is_ethernet(behind) || is_ethernet(behind.skip(4)) => Inside::Ethernet(behind.skip(4)),
        _ if is_ethernet(behind) => Inside::Ethernet(behind),
        _ => Inside::Done(Fate::EtherType(0x8847)),
    })
}

/// Whether an Ethernet type that occurs in pseudowires stands where it would be.
fn is_ethernet(cursor: Cursor<'_>) -> bool {
    matches!(cursor.u16(12), Some(0x0800 | 0x0806 | 0x86dd | 0x8100 | 0x88a8 | 0x8847 | 0x8863 | 0x8864 | 0x88cc))
}

/// Whether the lengths of an IP header are those of an IP packet here.
pub(super) fn is_ip(cursor: Cursor<'_>) -> bool {
    match cursor.u8(0).map(|byte| (byte >> 4, byte & 0x0f)) {
        Some((4, words)) => {
            let length = cursor.u16(2).map_or(0, usize::from);
            words >= 5 && (length == 0 || (length >= 20 && length <= cursor.wire_remaining()))
        }
        Some((6, _)) => cursor.u16(4).is_some_and(|length| usize::from(length) + 40 <= cursor.wire_remaining()),
        _ => false,
    }
}

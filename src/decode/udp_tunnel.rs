//! Tunnels over UDP: recognised by a registered port and by a header that is right wherever it must have one value.

use super::cursor::Cursor;
use super::tunnel::is_ip;
use super::walk::{Inside, Variant};
use crate::model::Tunnel;

/// A tunnel, its identifier where it has one, and what it carries.
pub(super) type Carried<'a> = (Tunnel, Option<u32>, Inside<'a>);

/// Reads the header of a tunnel, where it is right.
type Reader = for<'a> fn(Cursor<'a>) -> Option<Carried<'a>>;

/// What a UDP payload carries, if it is a tunnel.
#[inline]
pub(super) fn carried<'a>(ports: [u16; 2], payload: Cursor<'a>) -> Option<Carried<'a>> {
    ports.into_iter().find_map(|port| registered(port)?(payload))
}

#[inline]
fn registered(port: u16) -> Option<Reader> {
    Some(match port {
        1701 => l2tp,
        2152 => gtp_u,
        3544 => teredo,
        // 8472 is what Linux used before 4789 was registered.
        4789 | 8472 => vxlan,
        4790 => vxlan_gpe,
        5072 => ayiya,
        5247 => capwap,
        6081 => geneve,
        6635 => mpls,
        37008 => tzsp,
        _ => return None,
    })
}

fn mpls(payload: Cursor<'_>) -> Option<Carried<'_>> {
    (payload.remaining() >= 24).then_some((Tunnel::Mpls, None, Inside::Mpls(payload)))
}

/// An IP packet; in a fragment of what carries it, only its beginning.
fn ip(cursor: Cursor<'_>) -> Option<Inside<'_>> {
    let begins = match cursor.u8(0)? {
        0x45..=0x4f => cursor.u16(2).is_some_and(|length| length == 0 || length >= 20),
        version => version >> 4 == 6,
    };
    begins.then_some(Inside::Ip(cursor))
}

fn whole_ip(cursor: Cursor<'_>) -> Option<Inside<'_>> {
    is_ip(cursor).then_some(Inside::Ip(cursor))
}

fn ethernet(cursor: Cursor<'_>) -> Option<Inside<'_>> {
    (cursor.remaining() >= 14).then_some(Inside::Ethernet(cursor))
}

/// Version 2, data message: optional length, tunnel, session, optional sequence numbers and offset; then PPP (RFC 2661
/// section 3.1).
fn l2tp(payload: Cursor<'_>) -> Option<Carried<'_>> {
    let flags = payload.u16(0)?;
    if flags & 0x8000 != 0 || flags & 0x000f != 2 {
        return None;
    }
    let session_at = 4 + if flags & 0x4000 != 0 { 2 } else { 0 };
    let session = payload.u16(session_at)?;
    let mut bytes = session_at + 2 + if flags & 0x0800 != 0 { 4 } else { 0 };
    if flags & 0x0200 != 0 {
        bytes += 2 + usize::from(payload.u16(bytes)?);
    }
    Some((Tunnel::L2tp, Some(u32::from(session)), Inside::Ppp(payload.past(bytes)?)))
}

/// G-PDU of version 1 (3GPP TS 29.281 section 5.1): flags, type 255, length, tunnel endpoint, and with any of three flags
/// sequence number, N-PDU number and the type of an extension header.
fn gtp_u(payload: Cursor<'_>) -> Option<Carried<'_>> {
    let flags = payload.u8(0)?;
    if flags >> 5 != 1 || flags & 0x10 == 0 || payload.u8(1)? != 0xff {
        return None;
    }
    let endpoint = payload.u32(4)?;
    let mut bytes = 8;
    if flags & 0x07 != 0 {
        bytes += 4;
        let mut next = if flags & 0x04 != 0 { payload.u8(11)? } else { 0 };
        while next != 0 {
            let length = usize::from(payload.u8(bytes)?) * 4;
            if length == 0 {
                return None;
            }
            next = payload.u8(bytes + length - 1)?;
            bytes += length;
        }
    }
    Some((Tunnel::GtpU, Some(endpoint), ip(payload.past(bytes)?)?))
}

/// Authentication and origin indicators, then IPv6 (RFC 4380 section 5.1.1).
fn teredo(payload: Cursor<'_>) -> Option<Carried<'_>> {
    let mut cursor = payload;
    if cursor.u16(0)? == 1 {
        cursor = cursor.past(13 + usize::from(cursor.u8(2)?) + usize::from(cursor.u8(3)?))?;
    }
    if cursor.u16(0)? == 0 {
        cursor = cursor.past(8)?;
    }
    Some((Tunnel::Teredo, None, whole_ip(cursor).filter(|_| cursor.u8(0).is_some_and(|byte| byte >> 4 == 6))?))
}

/// Flag I, reserved bits 0 except those of the group policy extension; network identifier; Ethernet (RFC 7348 section 5).
fn vxlan(payload: Cursor<'_>) -> Option<Carried<'_>> {
    let (flags, second) = (payload.u8(0)?, payload.u32(4)?);
    if flags & 0x7f != 0x08 || second & 0xff != 0 || (flags == 0x08 && payload.u32(0)? & 0x00ff_ffff != 0) {
        return None;
    }
    Some((Tunnel::Vxlan, Some(second >> 8), ethernet(payload.past(8)?)?))
}

/// As VXLAN, with the protocol of what it carries (draft-ietf-nvo3-vxlan-gpe).
fn vxlan_gpe(payload: Cursor<'_>) -> Option<Carried<'_>> {
    let (flags, id) = (payload.u8(0)?, payload.u32(4)? >> 8);
    let behind = payload.past(8)?;
    if flags & 0x08 == 0 || flags & 0xc0 != 0 {
        return None;
    }
    let inside = match payload.u8(3)? {
        1 | 2 => ip(behind)?,
        0 | 3 => ethernet(behind)?,
        5 => Inside::Mpls(behind),
        _ => return None,
    };
    Some((Tunnel::Vxlan, Some(id), inside))
}

/// Identity and signature of announced lengths, operation 1 (forward), then IPv6 or IPv4.
fn ayiya(payload: Cursor<'_>) -> Option<Carried<'_>> {
    let (lengths, operation, next) = (payload.u16(0)?, payload.u8(2)?, payload.u8(3)?);
    if operation & 0x0f != 1 || !matches!(next, 4 | 41) {
        return None;
    }
    let (identity, signature) = (1usize << (lengths >> 12), usize::from(lengths >> 4 & 0x0f) * 4);
    Some((Tunnel::Ayiya, None, whole_ip(payload.past(8 + identity + signature)?)?))
}

/// No DTLS; header of announced length; no fragment, no keep-alive; then an IEEE 802.11 frame, of which some controllers swap
/// the first two bytes, or an Ethernet frame (RFC 5415 section 4.3).
fn capwap(payload: Cursor<'_>) -> Option<Carried<'_>> {
    let header = payload.u32(0)?;
    let (preamble, words) = (header >> 24, header >> 19 & 0x1f);
    // Fragment, and keep-alive.
    if preamble != 0 || words < 2 || header & 0x88 != 0 {
        return None;
    }
    let behind = payload.past(words as usize * 4)?;
    let inside = if header & 0x100 == 0 {
        ethernet(behind)?
    } else if behind.u8(0)? & 0x0f != 0x08 && behind.u8(1)? & 0x0f == 0x08 {
        Inside::Wlan(behind, Variant::Swapped)
    } else {
        Inside::Wlan(behind, Variant::Plain)
    };
    Some((Tunnel::Capwap, None, inside))
}

/// Version 0, options, protocol, network identifier (RFC 8926 section 3.4).
fn geneve(payload: Cursor<'_>) -> Option<Carried<'_>> {
    let (first, second, id) = (payload.u8(0)?, payload.u8(1)?, payload.u32(4)?);
    if first >> 6 != 0 || second & 0x3f != 0 || id & 0xff != 0 {
        return None;
    }
    let behind = payload.past(8 + usize::from(first & 0x3f) * 4)?;
    let inside = match payload.u16(2)? {
        0x6558 => ethernet(behind)?,
        0x0800 | 0x86dd => ip(behind)?,
        0x8847 => Inside::Mpls(behind),
        _ => return None,
    };
    Some((Tunnel::Geneve, Some(id >> 8), inside))
}

/// Version 1, a packet; tags until the end tag; protocol 1 is Ethernet, 18 IEEE 802.11.
fn tzsp(payload: Cursor<'_>) -> Option<Carried<'_>> {
    let (version, kind, protocol) = (payload.u8(0)?, payload.u8(1)?, payload.u16(2)?);
    if version != 1 || kind > 1 {
        return None;
    }
    let mut at = 4;
    loop {
        at += match payload.u8(at)? {
            0 => 1,
            1 => break,
            _ => 2 + usize::from(payload.u8(at + 1)?),
        };
    }
    let behind = payload.past(at + 1)?;
    let inside = match protocol {
        1 => ethernet(behind)?,
        18 => Inside::Wlan(behind, Variant::Plain),
        _ => return None,
    };
    Some((Tunnel::Tzsp, None, inside))
}

//! Ethernet, what an Ethernet type announces, and LLC.

use super::cursor::Cursor;
use super::walk::{Inside, Walk};
use super::{Step, follow, network, past, stop};
use crate::model::{Decoded, Fate, Layer, Tunnel};
use etherparse::{Ethernet2Header, Ethernet2HeaderSlice};

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const ARP: u16 = 0x0806;
const RARP: u16 = 0x8035;
const PPPOE_SESSION: u16 = 0x8864;
const BACKBONE: u16 = 0x88e7;
const TRILL: u16 = 0x22f3;
const FABRIC_PATH: u16 = 0x8903;
/// 802.1Q, 802.1ad and two pre-standard values for stacked tags.
const VLAN: [u16; 4] = [0x8100, 0x88a8, 0x9100, 0x9200];
/// Up to here the field is a length (IEEE 802.3), above an Ethernet type.
const LARGEST_LENGTH: u16 = 1535;

/// Ethernet, and straight on to the IP packet in it: nearly every frame takes this way.
#[inline(always)]
pub(super) fn ethernet<'a>(cursor: Cursor<'a>, walk: &mut Walk<'a, '_>) -> Decoded<'a> {
    let Ok(header) = Ethernet2HeaderSlice::from_slice(cursor.data) else {
        return walk.stopped(stop(Layer::Link, "Ethernet header", &cursor, Ethernet2Header::LEN));
    };
    let behind = cursor.skip(Ethernet2Header::LEN);
    match header.ether_type().0 {
        // What lies behind the length is padding.
        length @ 1..=1500 => ether_type(length, behind.limit(usize::from(length)), walk),
        number => ether_type(number, behind, walk),
    }
}

#[inline(always)]
pub(super) fn ether_type<'a>(mut number: u16, mut cursor: Cursor<'a>, walk: &mut Walk<'a, '_>) -> Decoded<'a> {
    // Each turn consumes at least four bytes: a frame of nothing but tags ends with its bytes.
    loop {
        if matches!(number, IPV4 | IPV6) {
            return network::network(cursor, walk);
        }
        let Some((bytes, reading)) = tag(number) else { return follow(announced(number, cursor, walk), walk) };
        let Some(behind) = cursor.past(bytes) else {
            return walk.stopped(stop(Layer::Link, reading, &cursor, bytes));
        };
        if VLAN.contains(&number) {
            walk.vlan(cursor.u16(0).unwrap_or_default() & 0x0fff);
        }
        number = cursor.u16(bytes - 2).unwrap_or_default();
        cursor = behind;
    }
}

/// Length and name of a tag that ends with an Ethernet type: VLAN; VN-Tag, IEEE 802.1BR, HSR (IEC 62439-3), IEEE 802.1CB,
/// Cisco metadata.
#[inline]
fn tag(number: u16) -> Option<(usize, &'static str)> {
    match number {
        vlan if VLAN.contains(&vlan) => Some((4, "VLAN tag")),
        0x8926 | 0x892f | 0xf1c1 => Some((6, "tag before the Ethernet type")),
        0x893f | 0x8909 => Some((8, "tag before the Ethernet type")),
        _ => None,
    }
}

/// What an Ethernet type other than IP announces.
fn announced<'a>(number: u16, cursor: Cursor<'a>, walk: &mut Walk<'a, '_>) -> Step<Inside<'a>> {
    Ok(match number {
        ARP | RARP => Inside::Done(Fate::Arp),
        0..=LARGEST_LENGTH => Inside::Llc(cursor),
        0x8847 | 0x8848 => Inside::Mpls(cursor),
        PPPOE_SESSION => pppoe(cursor, walk)?,
        BACKBONE => {
            let behind = past(Layer::Link, cursor, 4, "backbone service tag")?;
            walk.tunnel(Tunnel::Pbb, cursor.u32(0).map(|tag| tag & 0x00ff_ffff));
            Inside::Ethernet(behind)
        }
        TRILL => {
            // Six bytes, and options whose length in words stands in five bits across the first two (RFC 6325 section 3).
            let options = cursor.u16(0).map_or(0, |word| usize::from(word >> 6 & 0x1f) * 4);
            let behind = past(Layer::Link, cursor, 6 + options, "TRILL header")?;
            walk.tunnel(Tunnel::Trill, None);
            Inside::Ethernet(behind)
        }
        FABRIC_PATH => {
            let behind = past(Layer::Link, cursor, 2, "FabricPath tag")?;
            walk.tunnel(Tunnel::FabricPath, cursor.u16(0).map(|tag| u32::from(tag >> 6)));
            Inside::Ethernet(behind)
        }
        other => Inside::Done(Fate::EtherType(other)),
    })
}

/// Version and type, code, session, length (RFC 2516).
fn pppoe<'a>(cursor: Cursor<'a>, walk: &mut Walk<'a, '_>) -> Step<Inside<'a>> {
    let behind = past(Layer::Link, cursor, 6, "PPPoE header")?;
    walk.tunnel(Tunnel::Pppoe, cursor.u16(2).map(u32::from));
    Ok(match cursor.u16(4) {
        None | Some(0) => Inside::Ppp(behind),
        Some(length) => Inside::Ppp(behind.limit(usize::from(length))),
    })
}

/// LLC: SNAP with an Ethernet type behind organisation code 0 (RFC 1042) or that of IEEE 802.1H; IP by its own access point
/// (RFC 948) or network layer identifier (RFC 1483).
pub(super) fn llc(cursor: Cursor<'_>) -> Inside<'_> {
    match cursor.data {
        [0xaa, 0xaa, 0x03, 0, 0, 0 | 0xf8, high, low, ..] => {
            let number = u16::from_be_bytes([*high, *low]);
            if number > LARGEST_LENGTH { Inside::EtherType(number, cursor.skip(8)) } else { Inside::Done(Fate::Llc) }
        }
        [0x06, 0x06, 0x03, ..] => Inside::Ip(cursor.skip(3)),
        [0xfe, 0xfe, 0x03, 0xcc | 0x8e, ..] => Inside::Ip(cursor.skip(4)),
        _ => Inside::Done(Fate::Llc),
    }
}

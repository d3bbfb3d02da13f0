//! TCP and UDP headers. The ports are used even where the recording cut off what follows them.

use super::cursor::Cursor;
use super::network::IpHeader;
use super::walk::Walk;
use super::{checksum, follow, stop, udp_tunnel, unreadable};
use crate::model::{Content, Decoded, Endpoint, Fate, Layer, Packet, Segment, TcpHeader};
use etherparse::{TcpHeaderSlice, UdpHeaderSlice};
use std::net::IpAddr;

const TCP_HEADER_BYTES: usize = 20;
const UDP_HEADER_BYTES: usize = 8;

#[inline(always)]
pub(super) fn tcp<'a, A: Copy + Into<IpAddr>>(ip: IpHeader<'a, A>, walk: &mut Walk<'a, '_>) -> Decoded<'a> {
    let cursor = &ip.payload;
    if let Ok(header) = TcpHeaderSlice::from_slice(cursor.data) {
        return segment(ip, Some(of(&header)), header.slice().len(), walk);
    }
    let claimed = cursor.u8(12).map(|byte| usize::from(byte >> 4) * 4);
    let stop = unreadable(Layer::Transport, "TCP header", cursor, TCP_HEADER_BYTES, claimed);
    let decoded = segment(ip, fixed_part(cursor), stop.needed, walk);
    Decoded { stop: decoded.stop.or(Some(stop)), ..decoded }
}

#[inline(always)]
fn segment<'a, A: Copy + Into<IpAddr>>(
    ip: IpHeader<'a, A>,
    header: Option<TcpHeader>,
    header_bytes: usize,
    walk: &mut Walk<'a, '_>,
) -> Decoded<'a> {
    let cursor = &ip.payload;
    let Some([source_port, destination_port]) = ports(cursor) else {
        return walk.stopped(stop(Layer::Transport, "TCP ports", cursor, 4));
    };
    if walk.settings.verify_checksums && !checksum::segment_holds(ip, cursor.wire_remaining()) {
        return walk.nothing(Fate::BadChecksum);
    }
    let packet = Packet {
        source: Endpoint { ip: ip.source.into(), port: source_port },
        destination: Endpoint { ip: ip.destination.into(), port: destination_port },
        segment: Segment::Tcp(header),
        ip_bytes: ip.ip_bytes,
        payload_bytes: payload_bytes(cursor.wire_remaining(), header_bytes),
        payload: cursor.data.get(header_bytes..).unwrap_or_default(),
        encapsulation: walk.encapsulation(),
        identification: ip.identification,
        fragment: ip.fragment(),
    };
    walk.holds(Fate::Tcp, Content::Packet(packet))
}

#[inline]
fn of(header: &TcpHeaderSlice<'_>) -> TcpHeader {
    TcpHeader {
        sequence: header.sequence_number(),
        acknowledgment: header.acknowledgment_number(),
        flags: header.slice()[13],
    }
}

/// Numbers and flags of a header whose options are cut off or whose length field lies.
fn fixed_part(cursor: &Cursor<'_>) -> Option<TcpHeader> {
    Some(TcpHeader { sequence: cursor.u32(4)?, acknowledgment: cursor.u32(8)?, flags: cursor.u8(13)? })
}

#[inline(always)]
pub(super) fn udp<'a, A: Copy + Into<IpAddr>>(ip: IpHeader<'a, A>, walk: &mut Walk<'a, '_>) -> Decoded<'a> {
    let cursor = &ip.payload;
    if let Ok(header) = UdpHeaderSlice::from_slice(cursor.data) {
        return datagram(ip, Some(usize::from(header.length())), walk);
    }
    let stop = stop(Layer::Transport, "UDP header", cursor, UDP_HEADER_BYTES);
    let decoded = datagram(ip, None, walk);
    Decoded { stop: decoded.stop.or(Some(stop)), ..decoded }
}

#[inline(always)]
fn datagram<'a, A: Copy + Into<IpAddr>>(
    ip: IpHeader<'a, A>,
    claimed: Option<usize>,
    walk: &mut Walk<'a, '_>,
) -> Decoded<'a> {
    let cursor = &ip.payload;
    let Some([source_port, destination_port]) = ports(cursor) else {
        return walk.stopped(stop(Layer::Transport, "UDP ports", cursor, 4));
    };
    // The length field is 0 in jumbograms and offloaded datagrams, and whole-datagram in a first fragment.
    let by_header = claimed.filter(|bytes| *bytes >= UDP_HEADER_BYTES);
    let datagram_bytes = by_header.unwrap_or(usize::MAX).min(cursor.wire_remaining());
    let checksum = cursor.u16(6).unwrap_or_default();
    // 0 says that there is none (RFC 768).
    if walk.settings.verify_checksums && checksum != 0 && !checksum::segment_holds(ip, datagram_bytes) {
        return walk.nothing(Fate::BadChecksum);
    }
    let payload = cursor.limit(datagram_bytes).past(UDP_HEADER_BYTES);
    let packet = Packet {
        source: Endpoint { ip: ip.source.into(), port: source_port },
        destination: Endpoint { ip: ip.destination.into(), port: destination_port },
        segment: Segment::Udp,
        ip_bytes: ip.ip_bytes,
        payload_bytes: payload_bytes(datagram_bytes, UDP_HEADER_BYTES),
        payload: payload.map_or(&[], |payload| payload.data),
        encapsulation: walk.encapsulation(),
        identification: ip.identification,
        fragment: ip.fragment(),
    };
    let carried = payload.and_then(|payload| udp_tunnel::carried([destination_port, source_port], payload));
    match carried {
        Some((tunnel, id, inside)) => {
            walk.carrier(packet, tunnel, id);
            follow(Ok(inside), walk)
        }
        None => walk.holds(Fate::Udp, Content::Packet(packet)),
    }
}

/// Source and destination, where they were captured: they stand first in TCP and UDP.
#[inline]
pub(super) fn ports(cursor: &Cursor<'_>) -> Option<[u16; 2]> {
    let [a, b, c, d] = cursor.array(0)?;
    Some([u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])])
}

#[inline]
fn payload_bytes(segment_bytes: usize, header_bytes: usize) -> u32 {
    u32::try_from(segment_bytes.saturating_sub(header_bytes)).unwrap_or(u32::MAX)
}

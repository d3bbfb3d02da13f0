//! TCP and UDP headers. The ports are used even where the recording cut off what follows them.

use super::cursor::Cursor;
use super::network::IpHeader;
use super::walk::{Inside, Walk};
use super::{Step, checksum, stop, udp_tunnel, unreadable};
use crate::model::{Content, Endpoint, Fate, Layer, Packet, Segment, TcpHeader};
use etherparse::{TcpHeaderSlice, UdpHeaderSlice};

const TCP_HEADER_BYTES: usize = 20;
const UDP_HEADER_BYTES: usize = 8;

pub(super) fn tcp<'a>(ip: &IpHeader<'a>, walk: &mut Walk<'a, '_>) -> Step<Inside<'a>> {
    let cursor = ip.payload;
    let Some((source, destination)) = ports(ip) else {
        return Err(stop(Layer::Transport, "TCP ports", &cursor, 4));
    };
    let (header, header_bytes) = match TcpHeaderSlice::from_slice(cursor.data) {
        Ok(header) => (Some(of(&header)), header.slice().len()),
        Err(_) => {
            let claimed = cursor.u8(12).map(|byte| usize::from(byte >> 4) * 4);
            let stop = unreadable(Layer::Transport, "TCP header", &cursor, TCP_HEADER_BYTES, claimed);
            walk.note(stop);
            (fixed_part(&cursor), stop.needed)
        }
    };
    if walk.settings.verify_checksums && !checksum::segment_holds(ip, cursor.wire_remaining()) {
        return Ok(Inside::Done(Fate::BadChecksum));
    }
    let packet = Packet {
        source,
        destination,
        segment: Segment::Tcp(header),
        ip_bytes: ip.ip_bytes,
        payload_bytes: payload_bytes(cursor.wire_remaining(), header_bytes),
        payload: cursor.data.get(header_bytes..).unwrap_or_default(),
        encapsulation: walk.encapsulation,
        identification: ip.identification,
        fragment: ip.fragment(),
    };
    walk.content = Content::Packet(packet);
    Ok(Inside::Done(Fate::Tcp))
}

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

pub(super) fn udp<'a>(ip: &IpHeader<'a>, walk: &mut Walk<'a, '_>) -> Step<Inside<'a>> {
    let cursor = ip.payload;
    let Some((source, destination)) = ports(ip) else {
        return Err(stop(Layer::Transport, "UDP ports", &cursor, 4));
    };
    let header = UdpHeaderSlice::from_slice(cursor.data).ok();
    if header.is_none() {
        walk.note(stop(Layer::Transport, "UDP header", &cursor, UDP_HEADER_BYTES));
    }
    // The length field is 0 in jumbograms and offloaded datagrams, and whole-datagram in a first fragment.
    let by_header = header.as_ref().map(|h| usize::from(h.length())).filter(|n| *n >= UDP_HEADER_BYTES);
    let datagram_bytes = by_header.unwrap_or(usize::MAX).min(cursor.wire_remaining());
    let checksum = cursor.u16(6).unwrap_or_default();
    // 0 says that there is none (RFC 768).
    if walk.settings.verify_checksums && checksum != 0 && !checksum::segment_holds(ip, datagram_bytes) {
        return Ok(Inside::Done(Fate::BadChecksum));
    }
    let payload = cursor.limit(datagram_bytes).past(UDP_HEADER_BYTES);
    let packet = Packet {
        source,
        destination,
        segment: Segment::Udp,
        ip_bytes: ip.ip_bytes,
        payload_bytes: payload_bytes(datagram_bytes, UDP_HEADER_BYTES),
        payload: payload.map_or(&[], |payload| payload.data),
        encapsulation: walk.encapsulation,
        identification: ip.identification,
        fragment: ip.fragment(),
    };
    let carried = payload.and_then(|payload| udp_tunnel::carried([destination.port, source.port], payload));
    Ok(match carried {
        Some((tunnel, id, inside)) => {
            walk.carrier(packet, tunnel, id);
            inside
        }
        None => {
            walk.content = Content::Packet(packet);
            Inside::Done(Fate::Udp)
        }
    })
}

fn ports(ip: &IpHeader<'_>) -> Option<(Endpoint, Endpoint)> {
    let source = Endpoint { ip: ip.source, port: ip.payload.u16(0)? };
    let destination = Endpoint { ip: ip.destination, port: ip.payload.u16(2)? };
    Some((source, destination))
}

fn payload_bytes(segment_bytes: usize, header_bytes: usize) -> u32 {
    u32::try_from(segment_bytes.saturating_sub(header_bytes)).unwrap_or(u32::MAX)
}

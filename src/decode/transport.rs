//! TCP and UDP headers. The ports are used even where the recording cut off what follows them.

use super::network::IpHeader;
use super::{stop, stopped, unreadable};
use crate::model::{Content, Decoded, Endpoint, Fate, Layer, Packet, Segment, TcpHeader};
use etherparse::{TcpHeaderSlice, UdpHeaderSlice};

const TCP_HEADER_BYTES: usize = 20;
const UDP_HEADER_BYTES: usize = 8;

pub(super) fn tcp<'a>(ip: &IpHeader<'a>) -> Decoded<'a> {
    let cursor = ip.payload;
    let Some((source, destination)) = ports(ip) else {
        return stopped(stop(Layer::Transport, "TCP ports", &cursor, 4));
    };
    let (header, header_bytes, early) = match TcpHeaderSlice::from_slice(cursor.data) {
        Ok(header) => (Some(of(&header)), header.slice().len(), None),
        Err(_) => {
            let claimed = cursor.data.get(12).map(|byte| usize::from(byte >> 4) * 4);
            let stop = unreadable(Layer::Transport, "TCP header", &cursor, TCP_HEADER_BYTES, claimed);
            (fixed_part(cursor.data), stop.needed, Some(stop))
        }
    };
    let packet = Packet {
        source,
        destination,
        segment: Segment::Tcp(header),
        ip_bytes: ip.ip_bytes,
        payload_bytes: payload_bytes(cursor.wire_remaining(), header_bytes),
        payload: cursor.data.get(header_bytes..).unwrap_or_default(),
        vlan: ip.vlan,
        fragment: ip.fragment_key(),
    };
    Decoded { fate: Fate::Tcp, content: Content::Packet(packet), stop: early }
}

fn of(header: &TcpHeaderSlice<'_>) -> TcpHeader {
    TcpHeader { sequence: header.sequence_number(), flags: header.slice()[13] }
}

/// Sequence number and flags of a header whose options are cut off or whose length field lies.
fn fixed_part(data: &[u8]) -> Option<TcpHeader> {
    let sequence = data.get(4..8)?.try_into().ok()?;
    Some(TcpHeader { sequence: u32::from_be_bytes(sequence), flags: *data.get(13)? })
}

pub(super) fn udp<'a>(ip: &IpHeader<'a>) -> Decoded<'a> {
    let cursor = ip.payload;
    let Some((source, destination)) = ports(ip) else {
        return stopped(stop(Layer::Transport, "UDP ports", &cursor, 4));
    };
    let header = UdpHeaderSlice::from_slice(cursor.data).ok();
    // The length field is 0 in jumbograms and offloaded datagrams, and whole-datagram in a first fragment.
    let by_header = header.as_ref().map(|h| usize::from(h.length())).filter(|n| *n >= UDP_HEADER_BYTES);
    let datagram_bytes = by_header.unwrap_or(usize::MAX).min(cursor.wire_remaining());
    let early = header.is_none().then(|| stop(Layer::Transport, "UDP header", &cursor, UDP_HEADER_BYTES));
    let packet = Packet {
        source,
        destination,
        segment: Segment::Udp,
        ip_bytes: ip.ip_bytes,
        payload_bytes: payload_bytes(datagram_bytes, UDP_HEADER_BYTES),
        payload: cursor.limit(datagram_bytes).data.get(UDP_HEADER_BYTES..).unwrap_or_default(),
        vlan: ip.vlan,
        fragment: ip.fragment_key(),
    };
    Decoded { fate: Fate::Udp, content: Content::Packet(packet), stop: early }
}

fn ports(ip: &IpHeader<'_>) -> Option<(Endpoint, Endpoint)> {
    let source = Endpoint { ip: ip.source, port: ip.payload.u16(0)? };
    let destination = Endpoint { ip: ip.destination, port: ip.payload.u16(2)? };
    Some((source, destination))
}

fn payload_bytes(segment_bytes: usize, header_bytes: usize) -> u32 {
    u32::try_from(segment_bytes.saturating_sub(header_bytes)).unwrap_or(u32::MAX)
}

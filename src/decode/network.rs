//! IPv4 and IPv6: who talks to whom, how long is the packet really, is it a fragment?

use super::cursor::Cursor;
use super::link::IpPacket;
use super::{Step, icmp, stop, stopped, transport, unreadable};
use crate::model::{Content, Decoded, Fate, FragmentKey, Layer};
use etherparse::{
    IpAuthHeaderSlice, Ipv4Header, Ipv4HeaderSlice, Ipv6FragmentHeaderSlice, Ipv6Header, Ipv6HeaderSlice,
    Ipv6RawExtHeaderSlice,
};
use std::net::IpAddr;

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const IPV6_FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const ICMPV6: u8 = 58;
/// Hop-by-hop, routing, destination options, mobility, HIP, shim6: all share one shape (RFC 6564).
const RAW_EXTENSIONS: [u8; 6] = [0, 43, 60, 135, 139, 140];

/// The network header, read.
pub(super) struct IpHeader<'a> {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) protocol: u8,
    /// Whole packet, header included.
    pub(super) ip_bytes: u32,
    /// Behind the headers, without padding.
    pub(super) payload: Cursor<'a>,
    pub(super) fragment: Option<Fragment>,
    pub(super) vlan: Option<u16>,
}

/// A packet that is one of several fragments.
#[derive(Clone, Copy)]
pub(super) struct Fragment {
    identification: u32,
    first: bool,
}

impl IpHeader<'_> {
    pub(super) fn is_later_fragment(&self) -> bool {
        matches!(self.fragment, Some(Fragment { first: false, .. }))
    }

    pub(super) fn fragment_key(&self) -> Option<FragmentKey> {
        self.fragment.map(|fragment| FragmentKey {
            source: self.source,
            destination: self.destination,
            protocol: self.protocol,
            identification: fragment.identification,
        })
    }
}

pub(super) fn network(ip: IpPacket<'_>) -> Decoded<'_> {
    let header = match ip_header(ip) {
        Ok(header) => header,
        Err(stop) => return stopped(stop),
    };
    if let (Some(key), Some(Fragment { first: false, .. })) = (header.fragment_key(), header.fragment) {
        let content = match header.protocol {
            TCP | UDP => Content::LaterFragment(key, header.ip_bytes),
            _ => Content::Nothing,
        };
        return Decoded { fate: Fate::OrphanFragment, content, stop: None };
    }
    match header.protocol {
        TCP => transport::tcp(&header),
        UDP => transport::udp(&header),
        ICMP | ICMPV6 => icmp::icmp(&header),
        other => Decoded { fate: Fate::IpProtocol(other), content: Content::Nothing, stop: None },
    }
}

/// Reads the IP header and, for IPv6, its extension headers.
pub(super) fn ip_header(ip: IpPacket<'_>) -> Step<IpHeader<'_>> {
    match ip.cursor.data.first().map(|byte| byte >> 4) {
        Some(4) => ipv4(ip),
        Some(6) => ipv6(ip),
        Some(_) => Err(unreadable(Layer::Network, "IP packet of version 4 or 6", &ip.cursor, 1, Some(0))),
        None => Err(stop(Layer::Network, "IP header", &ip.cursor, 1)),
    }
}

fn ipv4(IpPacket { cursor, vlan }: IpPacket<'_>) -> Step<IpHeader<'_>> {
    let claimed = cursor.data.first().map(|byte| usize::from(byte & 0x0f) * 4);
    let header = Ipv4HeaderSlice::from_slice(cursor.data)
        .map_err(|_| unreadable(Layer::Network, "IPv4 header", &cursor, Ipv4Header::MIN_LEN, claimed))?;
    let header_bytes = header.slice().len();
    // 0 is what segmentation offload leaves on the sending host: the frame's length tells.
    let ip_bytes = match usize::from(header.total_len()) {
        0 => cursor.wire_remaining(),
        total => total,
    };
    if ip_bytes < header_bytes {
        let stop = stop(Layer::Network, "IPv4 total length", &cursor, header_bytes);
        return Err(crate::model::Stop { available: ip_bytes, snapped: false, ..stop });
    }
    let first = header.fragments_offset().value() == 0;
    let fragment = (!first || header.more_fragments())
        .then(|| Fragment { identification: u32::from(header.identification()), first });
    Ok(IpHeader {
        source: IpAddr::V4(header.source_addr()),
        destination: IpAddr::V4(header.destination_addr()),
        protocol: header.protocol().0,
        ip_bytes: saturate(ip_bytes),
        payload: cursor.skip(header_bytes).limit(ip_bytes - header_bytes),
        fragment,
        vlan,
    })
}

fn ipv6(IpPacket { cursor, vlan }: IpPacket<'_>) -> Step<IpHeader<'_>> {
    let header = Ipv6HeaderSlice::from_slice(cursor.data)
        .map_err(|_| stop(Layer::Network, "IPv6 header", &cursor, Ipv6Header::LEN))?;
    let behind = cursor.skip(Ipv6Header::LEN);
    // 0 is a jumbogram (RFC 2675) or segmentation offload.
    let payload_bytes = match usize::from(header.payload_length()) {
        0 => behind.wire_remaining(),
        length => length,
    };
    let mut result = IpHeader {
        source: IpAddr::V6(header.source_addr()),
        destination: IpAddr::V6(header.destination_addr()),
        protocol: header.next_header().0,
        ip_bytes: saturate(payload_bytes + Ipv6Header::LEN),
        payload: behind.limit(payload_bytes),
        fragment: None,
        vlan,
    };
    while extension(&mut result)? {}
    Ok(result)
}

/// Steps over one extension header; false where the next header is none. Each step consumes at least 8 bytes.
fn extension(ip: &mut IpHeader<'_>) -> Step<bool> {
    let cursor = ip.payload;
    // In units of 8 bytes, the first ones not counted (RFC 8200 section 4.3).
    let claimed = cursor.data.get(1).map(|byte| (usize::from(*byte) + 1) * 8);
    let (next, length) = match ip.protocol {
        IPV6_FRAGMENT => {
            let header = Ipv6FragmentHeaderSlice::from_slice(cursor.data)
                .map_err(|_| stop(Layer::Network, "IPv6 fragment header", &cursor, 8))?;
            let first = header.fragment_offset().value() == 0;
            if header.is_fragmenting_payload() {
                ip.fragment = Some(Fragment { identification: header.identification(), first });
            }
            (header.next_header(), header.slice().len())
        }
        AUTHENTICATION => {
            // In units of 4 bytes, two not counted (RFC 4302 section 2.2).
            let claimed = cursor.data.get(1).map(|byte| (usize::from(*byte) + 2) * 4);
            let header = IpAuthHeaderSlice::from_slice(cursor.data)
                .map_err(|_| unreadable(Layer::Network, "IP authentication header", &cursor, 12, claimed))?;
            (header.next_header(), header.slice().len())
        }
        number if RAW_EXTENSIONS.contains(&number) => {
            let header = Ipv6RawExtHeaderSlice::from_slice(cursor.data)
                .map_err(|_| unreadable(Layer::Network, "IPv6 extension header", &cursor, 8, claimed))?;
            (header.next_header(), header.slice().len())
        }
        _ => return Ok(false),
    };
    ip.protocol = next.0;
    ip.payload = cursor.skip(length);
    // Behind the header of a later fragment stands its data, not another header.
    Ok(!matches!(ip.fragment, Some(Fragment { first: false, .. })))
}

fn saturate(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

//! IPv4 and IPv6: who talks to whom, how long is the packet really, is it a fragment, is it a tunnel?

use super::cursor::Cursor;
use super::walk::{Inside, Walk};
use super::{Step, checksum, follow, icmp, stop, transport, tunnel, unreadable};
use crate::model::{Content, Decoded, Fate, Fragment, FragmentKey, LaterFragment, Layer, Stop, Tunnel};
use etherparse::{
    IpAuthHeaderSlice, Ipv4Header, Ipv4HeaderSlice, Ipv6FragmentHeaderSlice, Ipv6Header, Ipv6HeaderSlice,
    Ipv6RawExtHeaderSlice,
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const ICMP: u8 = 1;
const IPV4: u8 = 4;
const TCP: u8 = 6;
const UDP: u8 = 17;
const IPV6: u8 = 41;
const IPV6_FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const ICMPV6: u8 = 58;
const ETHER_IP: u8 = 97;
const MPLS: u8 = 137;
const ROUTING: u8 = 43;
/// What an Ethernet frame of 60 bytes has behind an IPv6 header.
const SHORT_FRAME_PADDING: usize = 6;
/// Hop-by-hop, routing, destination options, mobility, HIP, shim6: all share one shape (RFC 6564).
const RAW_EXTENSIONS: [u8; 6] = [0, 43, 60, 135, 139, 140];

/// Which header an IP packet begins with.
pub(super) enum Version {
    V4,
    V6,
}

/// The network header, read. What handles it is compiled for addresses of each version, so that nearly every packet goes
/// from the bytes to its place without an address that may be of either.
#[derive(Clone, Copy)]
pub(super) struct IpHeader<'a, A> {
    pub(super) source: A,
    pub(super) destination: A,
    pub(super) protocol: u8,
    /// Whole packet, header included.
    pub(super) ip_bytes: u32,
    /// Behind the headers, without padding.
    pub(super) payload: Cursor<'a>,
    /// Length of the payload by the headers.
    payload_bytes: usize,
    /// Identification field; 0 where there is none.
    pub(super) identification: u32,
    /// Offset of the data of a fragment, in bytes, and the protocol that all fragments of the datagram name; `None` for a
    /// whole packet.
    fragment: Option<(u32, u8)>,
    /// A routing header was passed: the destination may not be the final one.
    pub(super) routed: bool,
    /// The IPv4 header itself, for its checksum.
    v4_header: Option<&'a [u8]>,
}

impl<A: Copy + Into<IpAddr>> IpHeader<'_, A> {
    #[inline]
    pub(super) fn is_later_fragment(&self) -> bool {
        self.fragment.is_some_and(|(offset, _)| offset > 0)
    }

    #[inline]
    pub(super) fn fragment(&self) -> Option<Fragment> {
        self.fragment.map(|(offset_bytes, protocol)| Fragment {
            key: FragmentKey {
                source: self.source.into(),
                destination: self.destination.into(),
                protocol,
                identification: self.identification,
            },
            offset_bytes,
            data_bytes: saturate(self.payload_bytes),
        })
    }
}

#[inline(always)]
pub(super) fn network<'a>(cursor: Cursor<'a>, walk: &mut Walk<'a, '_>) -> Decoded<'a> {
    match version(&cursor) {
        Some(Version::V4) => match ipv4(cursor) {
            Some(header) => packet(header, walk),
            None => walk.stopped(unreadable_ipv4(cursor)),
        },
        Some(Version::V6) => match ipv6(cursor) {
            Some(header) => packet(header, walk),
            None => walk.stopped(stop(Layer::Network, "IPv6 header", &cursor, Ipv6Header::LEN)),
        },
        None if cursor.remaining() == 0 => walk.stopped(stop(Layer::Network, "IP header", &cursor, 1)),
        None => walk.stopped(unreadable(Layer::Network, "IP packet of version 4 or 6", &cursor, 1, Some(0))),
    }
}

#[inline(always)]
fn packet<'a, A: Copy + Into<IpAddr>>(header: IpHeader<'a, A>, walk: &mut Walk<'a, '_>) -> Decoded<'a> {
    match header.protocol {
        TCP | UDP => content(header, walk),
        _ => extended(header, walk),
    }
}

/// What is rarer. Headers are handed on by value, so that one without extensions stays in registers.
#[inline(never)]
fn extended<'a, A: Copy + Into<IpAddr>>(header: IpHeader<'a, A>, walk: &mut Walk<'a, '_>) -> Decoded<'a> {
    match extensions(header) {
        Ok(header) => content(header, walk),
        Err(stop) => walk.stopped(stop),
    }
}

#[inline(always)]
fn content<'a, A: Copy + Into<IpAddr>>(header: IpHeader<'a, A>, walk: &mut Walk<'a, '_>) -> Decoded<'a> {
    walk.ip_header();
    if walk.settings.verify_checksums && !header.v4_header.is_none_or(checksum::header_holds) {
        return walk.nothing(Fate::BadChecksum);
    }
    if header.is_later_fragment() {
        return later_fragment(header, walk);
    }
    match header.protocol {
        TCP => transport::tcp(header, walk),
        UDP => transport::udp(header, walk),
        ICMP | ICMPV6 => icmp::icmp(header, walk),
        IPV4 | IPV6 => {
            walk.tunnel(Tunnel::IpInIp, None);
            follow(Ok(Inside::Ip(header.payload)), walk)
        }
        tunnel::GRE => follow(tunnel::gre(header.payload, walk), walk),
        ETHER_IP => follow(tunnel::ether_ip(header.payload, walk), walk),
        MPLS => follow(Ok(Inside::Mpls(header.payload)), walk),
        other => walk.nothing(Fate::IpProtocol(other)),
    }
}

#[inline(never)]
fn later_fragment<'a, A: Copy + Into<IpAddr>>(header: IpHeader<'a, A>, walk: &mut Walk<'a, '_>) -> Decoded<'a> {
    let fate = later_fate(header.protocol);
    // Behind extension headers and authentication only the first fragment knows what they carry.
    let carries = matches!(header.protocol, TCP | UDP | AUTHENTICATION) || RAW_EXTENSIONS.contains(&header.protocol);
    match header.fragment().filter(|_| carries) {
        Some(fragment) => {
            let later = LaterFragment { fragment, ip_bytes: header.ip_bytes, encapsulation: walk.encapsulation() };
            walk.holds(fate, Content::LaterFragment(later))
        }
        None => walk.nothing(fate),
    }
}

/// Fragments of what carries no TCP or UDP share the fate of the whole packet; the others wait for their flow.
fn later_fate(protocol: u8) -> Fate {
    match protocol {
        ICMP | ICMPV6 => Fate::Icmp,
        TCP | UDP | IPV4 | IPV6 | tunnel::GRE | AUTHENTICATION | ETHER_IP | MPLS => Fate::OrphanFragment,
        extension if RAW_EXTENSIONS.contains(&extension) => Fate::OrphanFragment,
        other => Fate::IpProtocol(other),
    }
}

#[inline]
pub(super) fn version(cursor: &Cursor<'_>) -> Option<Version> {
    match cursor.u8(0)? >> 4 {
        4 => Some(Version::V4),
        6 => Some(Version::V6),
        _ => None,
    }
}

/// Steps over the extension headers.
pub(super) fn extensions<A: Copy + Into<IpAddr>>(mut header: IpHeader<'_, A>) -> Step<IpHeader<'_, A>> {
    let is_v4 = header.source.into().is_ipv4();
    // Behind the header of a later fragment stands its data, not another header.
    while !header.is_later_fragment() && extension(&mut header, is_v4)? {}
    Ok(header)
}

#[inline(always)]
pub(super) fn ipv4(cursor: Cursor<'_>) -> Option<IpHeader<'_, Ipv4Addr>> {
    let header = Ipv4HeaderSlice::from_slice(cursor.data).ok()?;
    let header_bytes = header.slice().len();
    let ip_bytes = ipv4_bytes(&header, &cursor);
    if ip_bytes < header_bytes {
        return None;
    }
    let offset_bytes = u32::from(header.fragments_offset().value()) * 8;
    Some(IpHeader {
        source: header.source_addr(),
        destination: header.destination_addr(),
        protocol: header.protocol().0,
        ip_bytes: saturate(ip_bytes),
        payload: cursor.skip(header_bytes).limit(ip_bytes - header_bytes),
        payload_bytes: ip_bytes - header_bytes,
        identification: u32::from(header.identification()),
        fragment: (offset_bytes > 0 || header.more_fragments()).then_some((offset_bytes, header.protocol().0)),
        routed: false,
        v4_header: Some(header.slice()),
    })
}

/// Length of the packet. 0 is what segmentation offload leaves on the sending host: the frame's length tells.
#[inline]
fn ipv4_bytes(header: &Ipv4HeaderSlice<'_>, cursor: &Cursor<'_>) -> usize {
    match usize::from(header.total_len()) {
        0 => cursor.wire_remaining(),
        total => total,
    }
}

/// Why there is no IPv4 header to be read. Found out afterwards: a result that may be either is moved through memory.
#[cold]
fn unreadable_ipv4(cursor: Cursor<'_>) -> Stop {
    match Ipv4HeaderSlice::from_slice(cursor.data) {
        Ok(header) => {
            let stop = stop(Layer::Network, "IPv4 total length", &cursor, header.slice().len());
            Stop { available: ipv4_bytes(&header, &cursor), snapped: false, ..stop }
        }
        Err(_) => {
            let claimed = cursor.u8(0).map(|byte| usize::from(byte & 0x0f) * 4);
            unreadable(Layer::Network, "IPv4 header", &cursor, Ipv4Header::MIN_LEN, claimed)
        }
    }
}

#[inline(always)]
pub(super) fn ipv6(cursor: Cursor<'_>) -> Option<IpHeader<'_, Ipv6Addr>> {
    let header = Ipv6HeaderSlice::from_slice(cursor.data).ok()?;
    let behind = cursor.skip(Ipv6Header::LEN);
    // 0 is a jumbogram (RFC 2675) or segmentation offload, unless nothing follows but the padding of a short frame.
    let payload_bytes = match usize::from(header.payload_length()) {
        0 if behind.wire_remaining() <= SHORT_FRAME_PADDING => 0,
        0 => behind.wire_remaining(),
        length => length,
    };
    Some(IpHeader {
        source: header.source_addr(),
        destination: header.destination_addr(),
        protocol: header.next_header().0,
        ip_bytes: saturate(payload_bytes + Ipv6Header::LEN),
        payload: behind.limit(payload_bytes),
        payload_bytes,
        identification: 0,
        fragment: None,
        routed: false,
        v4_header: None,
    })
}

/// Steps over one extension header; false where the next header is none. Each step consumes at least 8 bytes.
fn extension<A>(ip: &mut IpHeader<'_, A>, is_v4: bool) -> Step<bool> {
    let cursor = ip.payload;
    // In units of 8 bytes, the first ones not counted (RFC 8200 section 4.3).
    let claimed = cursor.u8(1).map(|byte| (usize::from(byte) + 1) * 8);
    let (next, length) = match ip.protocol {
        AUTHENTICATION => {
            // In units of 4 bytes, two not counted (RFC 4302 section 2.2).
            let claimed = cursor.u8(1).map(|byte| (usize::from(byte) + 2) * 4);
            let header = IpAuthHeaderSlice::from_slice(cursor.data)
                .map_err(|_| unreadable(Layer::Network, "IP authentication header", &cursor, 12, claimed))?;
            (header.next_header(), header.slice().len())
        }
        _ if is_v4 => return Ok(false),
        IPV6_FRAGMENT => {
            let header = Ipv6FragmentHeaderSlice::from_slice(cursor.data)
                .map_err(|_| stop(Layer::Network, "IPv6 fragment header", &cursor, 8))?;
            if header.is_fragmenting_payload() {
                ip.identification = header.identification();
                ip.fragment = Some((u32::from(header.fragment_offset().value()) * 8, header.next_header().0));
            }
            (header.next_header(), header.slice().len())
        }
        number if RAW_EXTENSIONS.contains(&number) => {
            ip.routed |= number == ROUTING;
            let header = Ipv6RawExtHeaderSlice::from_slice(cursor.data)
                .map_err(|_| unreadable(Layer::Network, "IPv6 extension header", &cursor, 8, claimed))?;
            (header.next_header(), header.slice().len())
        }
        _ => return Ok(false),
    };
    ip.protocol = next.0;
    ip.payload = cursor.skip(length);
    ip.payload_bytes = ip.payload_bytes.saturating_sub(length);
    Ok(true)
}

fn saturate(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

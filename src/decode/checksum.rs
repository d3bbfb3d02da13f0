//! Internet checksums (RFC 1071), where the settings ask for them.

use super::network::IpHeader;
use etherparse::checksum::Sum16BitWords;
use std::net::IpAddr;

/// Whether an IPv4 header adds up.
pub(super) fn header_holds(header: &[u8]) -> bool {
    Sum16BitWords::new().add_slice(header).ones_complement() == 0
}

/// Whether a TCP segment or UDP datagram adds up together with its pseudo header (RFC 9293 section 3.1, RFC 8200 section
/// 8.1). True where that cannot be known: fragments, what was not captured whole, and packets with a routing header, whose
/// final destination stands elsewhere.
pub(super) fn segment_holds<A: Copy + Into<IpAddr>>(ip: IpHeader<'_, A>, segment_bytes: usize) -> bool {
    let Some(segment) = ip.payload.data.get(..segment_bytes) else { return true };
    if ip.fragment().is_some() || ip.routed {
        return true;
    }
    let mut sum = Sum16BitWords::new().add_slice(segment);
    sum = match (ip.source.into(), ip.destination.into()) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            sum.add_4bytes(source.octets()).add_4bytes(destination.octets())
        }
        (source, destination) => sum.add_16bytes(v6(source)).add_16bytes(v6(destination)),
    };
    let length = u32::try_from(segment_bytes).unwrap_or(u32::MAX);
    sum.add_4bytes(length.to_be_bytes()).add_2bytes([0, ip.protocol]).ones_complement() == 0
}

fn v6(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    }
}

//! ICMP errors: they quote the packet that they complain about, and so name a flow.

use super::cursor::Cursor;
use super::network::{IpHeader, Version, extensions, ipv4, ipv6, version};
use super::walk::Walk;
use super::{stop, transport};
use crate::model::{Content, Decoded, Endpoint, Fate, IcmpError, IcmpKind, Layer, Transport};
use std::net::IpAddr;

/// Both protocols: type, code, checksum and four bytes more before the quoted packet.
const HEADER_BYTES: usize = 8;

pub(super) fn icmp<'a, A: Copy + Into<IpAddr>>(ip: IpHeader<'a, A>, walk: &mut Walk<'a, '_>) -> Decoded<'a> {
    let cursor = ip.payload;
    let (Some(&icmp_type), Some(&code)) = (cursor.data.first(), cursor.data.get(1)) else {
        return walk.stopped(stop(Layer::Transport, "ICMP header", &cursor, HEADER_BYTES));
    };
    let kind = if ip.source.into().is_ipv4() { kind_v4(icmp_type, code) } else { kind_v6(icmp_type, code) };
    let flow = kind.and_then(|kind| Some((kind, quoted(cursor, ip.destination.into())?)));
    let Some((kind, (transport, source, destination))) = flow else { return walk.nothing(Fate::Icmp) };
    let depth = walk.encapsulation().depth;
    let error = IcmpError { kind, icmp_type, code, transport, source, destination, depth };
    walk.holds(Fate::IcmpError, Content::IcmpError(error))
}

/// RFC 792 types 3, 11, 12; codes of type 3 from RFC 1122 section 3.2.2.1 and RFC 1812 section 5.2.7.1.
fn kind_v4(icmp_type: u8, code: u8) -> Option<IcmpKind> {
    match (icmp_type, code) {
        (3, 3) => Some(IcmpKind::PortUnreachable),
        (3, 9 | 10 | 13) => Some(IcmpKind::Prohibited),
        (3 | 11 | 12, _) => Some(IcmpKind::Other),
        _ => None,
    }
}

/// RFC 4443 section 3.
fn kind_v6(icmp_type: u8, code: u8) -> Option<IcmpKind> {
    match (icmp_type, code) {
        (1, 4) => Some(IcmpKind::PortUnreachable),
        (1, 1 | 5 | 6) => Some(IcmpKind::Prohibited),
        (1 | 3 | 4, _) => Some(IcmpKind::Other),
        _ => None,
    }
}

/// Transport, sender and receiver of a packet.
type Flow = (Transport, Endpoint, Endpoint);

/// The flow of the quoted packet. RFC 792 quotes the IP header and 8 bytes behind it: enough for the ports.
fn quoted(cursor: Cursor<'_>, told: IpAddr) -> Option<Flow> {
    let inner = cursor.past(HEADER_BYTES)?;
    match version(&inner)? {
        Version::V4 => flow(extensions(ipv4(inner)?).ok()?, told),
        Version::V6 => flow(extensions(ipv6(inner)?).ok()?, told),
    }
}

/// The flow of a packet about which `told` was told: errors go to whoever sent it. A later fragment has data where the ports
/// would be.
fn flow<A: Copy + Into<IpAddr>>(inner: IpHeader<'_, A>, told: IpAddr) -> Option<Flow> {
    if inner.is_later_fragment() || inner.source.into() != told {
        return None;
    }
    let transport = match inner.protocol {
        6 => Transport::Tcp,
        17 => Transport::Udp,
        _ => return None,
    };
    let [source_port, destination_port] = transport::ports(&inner.payload)?;
    let source = Endpoint { ip: inner.source.into(), port: source_port };
    Some((transport, source, Endpoint { ip: inner.destination.into(), port: destination_port }))
}

//! ICMP errors: they quote the packet that they complain about, and so name a flow.

use super::network::{IpHeader, ip_header};
use super::walk::{Inside, Walk};
use super::{Step, stop};
use crate::model::{Content, Endpoint, Fate, IcmpError, IcmpKind, Layer, Transport};

/// Both protocols: type, code, checksum and four bytes more before the quoted packet.
const HEADER_BYTES: usize = 8;

pub(super) fn icmp<'a>(ip: &IpHeader<'a>, walk: &mut Walk<'a, '_>) -> Step<Inside<'a>> {
    let cursor = ip.payload;
    let (Some(&icmp_type), Some(&code)) = (cursor.data.first(), cursor.data.get(1)) else {
        return Err(stop(Layer::Transport, "ICMP header", &cursor, HEADER_BYTES));
    };
    let kind = if ip.source.is_ipv4() { kind_v4(icmp_type, code) } else { kind_v6(icmp_type, code) };
    let error = kind.and_then(|kind| quoted(ip, kind, icmp_type, code));
    let Some(error) = error else { return Ok(Inside::Done(Fate::Icmp)) };
    walk.content = Content::IcmpError(IcmpError { depth: walk.encapsulation.depth, ..error });
    Ok(Inside::Done(Fate::IcmpError))
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

/// The flow of the quoted packet. RFC 792 quotes the IP header and 8 bytes behind it: enough for the ports.
fn quoted(ip: &IpHeader<'_>, kind: IcmpKind, icmp_type: u8, code: u8) -> Option<IcmpError> {
    let cursor = ip.payload;
    if cursor.remaining() <= HEADER_BYTES {
        return None;
    }
    let inner = ip_header(cursor.skip(HEADER_BYTES)).ok()?;
    // A later fragment has data where the ports would be; an error goes to whoever sent the packet.
    if inner.is_later_fragment() || inner.source != ip.destination {
        return None;
    }
    let transport = match inner.protocol {
        6 => Transport::Tcp,
        17 => Transport::Udp,
        _ => return None,
    };
    let source = Endpoint { ip: inner.source, port: inner.payload.u16(0)? };
    let destination = Endpoint { ip: inner.destination, port: inner.payload.u16(2)? };
    Some(IcmpError { kind, icmp_type, code, transport, source, destination, depth: 0 })
}

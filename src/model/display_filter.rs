//! Wireshark display filters: what a reviewer types to see the packets behind a claim.

use super::decimal::{push_address, push_number};
use super::flow::{Endpoint, Transport};
use std::net::IpAddr;
use std::ops::RangeInclusive;

/// As long as the filter of a flow of IPv4 gets; the few that are longer grow.
const FLOW_FILTER_BYTES: usize = 112;

fn family(ip: IpAddr) -> &'static str {
    if ip.is_ipv4() { "ip" } else { "ipv6" }
}

/// The packets of one flow. Every flow of a table has one: put together without the general machinery of formatting.
#[must_use]
pub fn flow_filter(initiator: Endpoint, responder: Endpoint, transport: Transport) -> String {
    let (f, t) = (family(responder.ip).as_bytes(), transport.name().as_bytes());
    let ends = [initiator, responder];
    let mut text = Vec::with_capacity(FLOW_FILTER_BYTES);
    for (Endpoint { ip, .. }, joint) in ends.iter().zip([&b""[..], b" && "]) {
        [joint, f, b".addr == "].iter().for_each(|part| text.extend_from_slice(part));
        push_address(*ip, &mut text);
    }
    for Endpoint { port, .. } in ends {
        [b" && ", t, b".port == "].iter().for_each(|part| text.extend_from_slice(part));
        push_number(port, &mut text);
    }
    // All of it is ASCII.
    String::from_utf8(text).unwrap_or_default()
}

/// What an address and an endpoint exchanged, ICMP errors included: they quote the addresses and ports.
#[must_use]
pub fn contact_filter(initiator: IpAddr, responder: Endpoint, transport: Transport) -> String {
    let Endpoint { ip, port } = responder;
    let (f, t) = (family(ip), transport.name());
    format!("{f}.addr == {initiator} && {f}.addr == {ip} && {t}.port == {port}")
}

/// Everything that an address sent over a transport.
#[must_use]
pub fn sender_filter(ip: IpAddr, transport: Transport) -> String {
    format!("{}.src == {ip} && {}", family(ip), transport.name())
}

/// Packets from one address to another.
#[must_use]
pub fn direction_filter(from: IpAddr, to: IpAddr, transport: Transport) -> String {
    let f = family(from);
    format!("{f}.src == {from} && {f}.dst == {to} && {}", transport.name())
}

/// Packets from and to one endpoint, and not those in which the port number is the other side's.
#[must_use]
pub fn endpoint_filter(endpoint: Endpoint, transport: Transport) -> String {
    let Endpoint { ip, port } = endpoint;
    let (f, t) = (family(ip), transport.name());
    format!("({f}.dst == {ip} && {t}.dstport == {port}) || ({f}.src == {ip} && {t}.srcport == {port})")
}

/// Packets towards a range of a host's ports, openings or not: a listener may have been called before the recording.
#[must_use]
pub fn range_filter(ip: IpAddr, transport: Transport, range: &RangeInclusive<u16>) -> String {
    let (f, t) = (family(ip), transport.name());
    format!("{f}.dst == {ip} && {t}.dstport >= {} && {t}.dstport <= {}", range.start(), range.end())
}

/// What a broker told a client over a transport, and the calls to the announced port, ICMP errors included.
#[must_use]
pub fn announcement_filter(
    client: IpAddr,
    (broker, over): (Endpoint, Transport),
    announced: Option<(Endpoint, Transport)>,
) -> String {
    let asked = contact_filter(client, broker, over);
    match announced {
        // Who called may be the broker's host: FTP's active mode.
        Some((endpoint, transport)) => {
            let other = if endpoint.ip == client { broker.ip } else { client };
            format!("({asked}) || ({})", contact_filter(other, endpoint, transport))
        }
        None => asked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_is_told_by_addresses_and_ports() {
        let end = |ip: &str, port| Endpoint { ip: ip.parse().unwrap(), port };
        assert_eq!(
            flow_filter(end("10.0.0.1", 49_700), end("192.168.100.200", 135), Transport::Tcp),
            "ip.addr == 10.0.0.1 && ip.addr == 192.168.100.200 && tcp.port == 49700 && tcp.port == 135"
        );
        assert_eq!(
            flow_filter(end("fe80::1", 5), end("2001:db8::1", 53), Transport::Udp),
            "ipv6.addr == fe80::1 && ipv6.addr == 2001:db8::1 && udp.port == 5 && udp.port == 53"
        );
    }

    #[test]
    fn filters_name_the_family_and_keep_the_port_on_its_side() {
        let v4 = Endpoint { ip: [10, 0, 0, 1].into(), port: 49_700 };
        assert_eq!(
            endpoint_filter(v4, Transport::Tcp),
            "(ip.dst == 10.0.0.1 && tcp.dstport == 49700) || (ip.src == 10.0.0.1 && tcp.srcport == 49700)"
        );
        let v6 = Endpoint { ip: std::net::Ipv6Addr::LOCALHOST.into(), port: 53 };
        assert!(endpoint_filter(v6, Transport::Udp).starts_with("(ipv6.dst == ::1 && udp.dstport == 53)"));
        // No look at flags: a listener that was called before the recording shows no SYN.
        for transport in [Transport::Tcp, Transport::Udp] {
            assert_eq!(
                range_filter([10, 0, 0, 1].into(), transport, &(49_152..=65_535)),
                format!("ip.dst == 10.0.0.1 && {transport}.dstport >= 49152 && {transport}.dstport <= 65535")
            );
        }
    }
}

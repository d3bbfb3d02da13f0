//! Wireshark display filters: what a reviewer types to see the packets behind a claim.

use super::flow::{Endpoint, Transport};
use std::net::IpAddr;
use std::ops::RangeInclusive;

fn family(ip: IpAddr) -> &'static str {
    if ip.is_ipv4() { "ip" } else { "ipv6" }
}

/// The packets of one flow.
#[must_use]
pub fn flow_filter(initiator: Endpoint, responder: Endpoint, transport: Transport) -> String {
    let (f, t) = (family(responder.ip), transport.name());
    let (i, r) = (initiator, responder);
    format!("{f}.addr == {} && {f}.addr == {} && {t}.port == {} && {t}.port == {}", i.ip, r.ip, i.port, r.port)
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

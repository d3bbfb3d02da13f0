//! Tunnels: the innermost conversation is found, what carried it is told, and what only looks like a tunnel stays UDP.

use super::*;
use crate::model::{Content, Fate, LinkType, Packet, Position, Tunnel};
use etherparse::PacketBuilder;

fn raw(data: &[u8]) -> Frame<'_> {
    Frame::whole(Position::default(), 0, LinkType::RAW, data)
}

/// TCP from 10.1.1.1:50000 to 10.1.1.2:135.
fn inner() -> Vec<u8> {
    let mut bytes = Vec::new();
    let builder = PacketBuilder::ipv4([10, 1, 1, 1], [10, 1, 1, 2], 64).tcp(50_000, 135, 7, 8192);
    builder.write(&mut bytes, &[9; 30]).unwrap();
    bytes
}

fn inner_v6() -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ipv6([1; 16], [2; 16], 64).tcp(50_000, 135, 7, 8192).write(&mut bytes, &[9; 30]).unwrap();
    bytes
}

fn inner_ethernet() -> Vec<u8> {
    [&[0; 12][..], &[0x08, 0x00], &inner()].concat()
}

fn over_ip(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let builder = PacketBuilder::ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64);
    builder.write(&mut bytes, etherparse::IpNumber(protocol), payload).unwrap();
    bytes
}

fn over_udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64).udp(40_000, port).write(&mut bytes, payload).unwrap();
    bytes
}

/// Port, tunnel, identifier and payload of every tunnel over UDP.
fn udp_tunnels() -> Vec<(u16, Tunnel, Option<u32>, Vec<u8>)> {
    let ip = inner();
    let ethernet = inner_ethernet();
    vec![
        (4789, Tunnel::Vxlan, Some(0x0001_0203), [&[8, 0, 0, 0, 1, 2, 3, 0][..], &ethernet].concat()),
        (4790, Tunnel::Vxlan, Some(5), [&[0x0c, 0, 0, 1, 0, 0, 5, 0][..], &ip].concat()),
        (6081, Tunnel::Geneve, Some(7), [&[1, 0, 0x65, 0x58, 0, 0, 7, 0, 9, 9, 9, 9][..], &ethernet].concat()),
        (2152, Tunnel::GtpU, Some(9), [&[0x30, 0xff, 0, 70, 0, 0, 0, 9][..], &ip].concat()),
        (2152, Tunnel::GtpU, Some(9), [&[0x34, 0xff, 0, 78, 0, 0, 0, 9, 0, 0, 0, 0x85, 1, 0, 0, 0][..], &ip].concat()),
        (1701, Tunnel::L2tp, Some(4), [&[0x40, 2, 0, 0, 0, 3, 0, 4, 0xff, 0x03, 0, 0x21][..], &ip].concat()),
        (3544, Tunnel::Teredo, None, [&[0, 0, 1, 2, 3, 4, 5, 6][..], &inner_v6()].concat()),
        (5072, Tunnel::Ayiya, None, [&[0x10, 0x10, 1, 41][..], &[0; 4 + 2 + 4], &inner_v6()].concat()),
        (5247, Tunnel::Capwap, None, [&[0, 0x10, 0, 0, 0, 0, 0, 0][..], &ethernet].concat()),
        (
            5247,
            Tunnel::Capwap,
            None,
            [
                &[0, 0x10, 0x03, 0, 0, 0, 0, 0, 0x01, 0x08][..],
                &[0; 20],
                &[0x76, 0x30],
                &[0xaa, 0xaa, 3, 0, 0, 0, 8, 0],
                &ip,
            ]
            .concat(),
        ),
        (6635, Tunnel::Mpls, Some(17), [&[0, 0x01, 0x11, 64][..], &ip].concat()),
        (37008, Tunnel::Tzsp, None, [&[1, 0, 0, 1, 13, 1, 6, 0, 1][..], &ethernet].concat()),
    ]
}

fn content<'a>(decoded: &Decoded<'a>) -> Packet<'a> {
    match decoded.content {
        Content::Packet(packet) => packet,
        other => panic!("no packet: {other:?}"),
    }
}

#[test]
fn tunnels_over_udp_are_opened_and_their_carrier_is_told() {
    for (port, tunnel, id, payload) in udp_tunnels() {
        let bytes = over_udp(port, &payload);
        let mut decoder = Decoder::default();
        let decoded = decoder.decode(&raw(&bytes));
        let packet = content(&decoded);
        assert_eq!((decoded.fate, packet.source.port, packet.payload_bytes), (Fate::Tcp, 50_000, 30), "{tunnel:?}");
        let passed = packet.encapsulation;
        assert_eq!((passed.depth, passed.tunnel_id), (1, id), "{tunnel:?}");
        assert_eq!(passed.tunnels.iter().collect::<Vec<_>>(), [tunnel]);
        let [(carrier, carries)] = decoder.carriers() else { panic!("{tunnel:?}: one carrier") };
        assert_eq!((carrier.destination.port, carrier.encapsulation.depth, *carries), (port, 0, tunnel));
    }
}

#[test]
fn the_same_bytes_on_another_port_stay_udp() {
    for (_, tunnel, _, payload) in udp_tunnels() {
        let bytes = over_udp(9999, &payload);
        let decoded = decode(&raw(&bytes));
        assert_eq!((decoded.fate, content(&decoded).payload_bytes as usize), (Fate::Udp, payload.len()), "{tunnel:?}");
    }
}

#[test]
fn other_payload_on_a_tunnels_port_stays_udp() {
    for (port, ..) in udp_tunnels() {
        for payload in [&b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"[..], &[0; 40], &[0xff; 40], &[1], &[]] {
            let bytes = over_udp(port, payload);
            let mut decoder = Decoder::default();
            let decoded = decoder.decode(&raw(&bytes));
            assert_eq!((decoded.fate, decoder.carriers().len()), (Fate::Udp, 0), "{port}: {payload:?}");
            assert_eq!(content(&decoded).destination.port, port);
        }
    }
}

#[test]
fn a_tunnel_that_carries_no_conversation_is_a_conversation_itself() {
    let arp = [&[8, 0, 0, 0, 1, 2, 3, 0][..], &[0; 12], &[0x08, 0x06], &[0; 28]].concat();
    let bytes = over_udp(4789, &arp);
    let mut decoder = Decoder::default();
    let decoded = decoder.decode(&raw(&bytes));
    assert_eq!((decoded.fate, decoder.carriers().len()), (Fate::Udp, 0));
    assert_eq!((content(&decoded).payload_bytes, content(&decoded).payload.len()), (50, 50));
}

#[test]
fn tunnels_over_ip_are_opened() {
    let ip = inner();
    let ethernet = inner_ethernet();
    let cases: Vec<(u8, &str, Option<u32>, Vec<u8>)> = vec![
        (4, "ip-in-ip", None, ip.clone()),
        (41, "ip-in-ip", None, inner_v6()),
        (47, "gre", None, [&[0, 0, 0x08, 0][..], &ip].concat()),
        (47, "gre", Some(6), [&[0xb0, 0, 0x08, 0][..], &[0; 4], &[0, 0, 0, 6], &[0; 4], &ip].concat()),
        (47, "gre", Some(6), [&[0x20, 0, 0x65, 0x58, 0, 0, 0, 6][..], &ethernet].concat()),
        (47, "gre", Some(0), [&[0x30, 0x81, 0x88, 0x0b][..], &[0; 12], &[0xff, 3, 0, 0x21], &ip].concat()),
        (47, "gre/erspan", None, [&[0, 0, 0x88, 0xbe][..], &ethernet].concat()),
        (
            47,
            "gre/erspan",
            Some(33),
            [&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 5, 0, 33, 0, 0, 0, 0][..], &ethernet].concat(),
        ),
        (47, "gre/mpls", Some(16), [&[0, 0, 0x88, 0x47, 0, 1, 0x01, 9][..], &ip].concat()),
        (97, "etherip", None, [&[0x30, 0][..], &ethernet].concat()),
        (137, "mpls", Some(16), [&[0, 1, 0x01, 9, 0, 0, 0, 0][..], &ethernet].concat()),
    ];
    for (protocol, name, id, payload) in cases {
        let bytes = over_ip(protocol, &payload);
        let decoded = decode(&raw(&bytes));
        let packet = content(&decoded);
        assert_eq!((packet.source.port, packet.payload_bytes), (50_000, 30), "{name}");
        let passed = packet.encapsulation;
        assert_eq!((passed.tunnels.to_string().as_str(), passed.depth, passed.tunnel_id), (name, 1, id), "{name}");
    }
}

#[test]
fn pppoe_backbone_and_tags_are_passed() {
    let ip = inner();
    let length = (ip.len() + 2) as u16;
    let pppoe = [&[0; 12][..], &[0x88, 0x64, 0x11, 0, 0, 3], &length.to_be_bytes(), &[0, 0x21], &ip, &[0; 9]].concat();
    let backbone = [&[0; 12][..], &[0x88, 0xe7, 0, 0, 1, 1], &pppoe].concat();
    let ring = [&[0; 12][..], &[0x89, 0x2f, 0, 9, 0, 1, 0x08, 0], &ip].concat();
    let fabric = [&[0; 12][..], &[0x89, 0x03, 0x40, 0x20], &pppoe].concat();
    let trill = [&[0; 12][..], &[0x22, 0xf3, 0, 0x7f, 0, 1, 0, 2, 9, 9, 9, 9], &pppoe].concat();
    let frames = [
        ("pppoe", &pppoe),
        ("pbb/pppoe", &backbone),
        ("", &ring),
        ("fabricpath/pppoe", &fabric),
        ("trill/pppoe", &trill),
    ];
    for (name, bytes) in frames {
        let decoded = decode(&Frame::whole(Position::default(), 0, LinkType::ETHERNET, bytes));
        assert_eq!((content(&decoded).destination.port, content(&decoded).payload_bytes), (135, 30), "{name}");
        assert_eq!(content(&decoded).encapsulation.tunnels.to_string(), name);
    }
}

#[test]
fn tunnels_in_tunnels_end_after_a_bounded_number() {
    let mut bytes = inner();
    for _ in 0..12 {
        bytes = over_ip(4, &bytes);
    }
    assert_eq!(content(&decode(&raw(&bytes))).encapsulation.depth, 12);
    for _ in 0..100 {
        bytes = over_ip(4, &bytes);
    }
    let decoded = decode(&raw(&bytes));
    assert_eq!(decoded.fate, Fate::Stopped(Layer::Network));
    assert!(decoded.stop.is_some_and(|stop| stop.needed > stop.available));
}

#[test]
fn every_cut_of_every_tunnel_has_one_fate_and_no_more_payload_than_bytes() {
    for (port, tunnel, _, payload) in udp_tunnels() {
        let bytes = over_udp(port, &payload);
        for length in 0..bytes.len() {
            let cut = Frame { data: &bytes[..length], ..raw(&bytes) };
            let mut decoder = Decoder::default();
            let decoded = decoder.decode(&cut);
            match decoded.content {
                Content::Packet(packet) => {
                    assert!(packet.payload.len() <= length && packet.payload_bytes as usize <= bytes.len());
                    assert!(decoded.fate.is_metered(), "{tunnel:?} {length}");
                }
                Content::Nothing => assert!(decoded.stop.is_some() && decoder.carriers().is_empty(), "{tunnel:?}"),
                other => panic!("{tunnel:?} {length}: {other:?}"),
            }
        }
    }
}

//! Frames built byte by byte, and the same frames cut at every byte.

use super::*;
use crate::model::{IcmpKind, LinkType, Packet, Position, Segment, flags};
use etherparse::PacketBuilder;

fn frame(link_type: LinkType, data: &[u8]) -> Frame<'_> {
    Frame::whole(Position::default(), 0, link_type, data)
}

fn tcp_syn() -> Vec<u8> {
    let builder =
        PacketBuilder::ethernet2([1; 6], [2; 6]).ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64).tcp(50_000, 135, 7, 8192).syn();
    let mut bytes = Vec::new();
    builder.write(&mut bytes, &[]).unwrap();
    bytes.resize(60, 0);
    bytes
}

fn packet<'a>(decoded: &Decoded<'a>) -> Packet<'a> {
    match decoded.content {
        Content::Packet(packet) => packet,
        other => panic!("no packet: {other:?}"),
    }
}

#[test]
fn a_padded_syn_has_no_payload() {
    let bytes = tcp_syn();
    let decoded = decode(&frame(LinkType::ETHERNET, &bytes));
    let packet = packet(&decoded);
    assert_eq!((decoded.fate, packet.ip_bytes, packet.payload_bytes), (Fate::Tcp, 40, 0));
    assert_eq!(packet.source.to_string(), "10.0.0.1:50000");
    assert_eq!(packet.segment, Segment::Tcp(Some(crate::model::TcpHeader { sequence: 7, flags: flags::SYN })));
}

#[test]
fn every_cut_is_a_stop_or_a_packet_with_ports() {
    let bytes = tcp_syn();
    for length in 0..54 {
        let cut = Frame { data: &bytes[..length], wire_bytes: 60, ..frame(LinkType::ETHERNET, &bytes) };
        let decoded = decode(&cut);
        let stop = decoded.stop.expect("a cut header is told");
        assert!(stop.snapped && stop.needed > stop.available, "{length}: {stop}");
        assert_eq!(decoded.fate == Fate::Tcp, length >= 38, "{length}: ports end at byte 38");
    }
}

#[test]
fn vlan_tags_of_any_depth_are_stepped_over() {
    let plain = tcp_syn();
    let mut tagged = plain[..12].to_vec();
    tagged.extend([0x88, 0xa8, 0x00, 0x64, 0x81, 0x00, 0x00, 0x07, 0x81, 0x00, 0x00, 0x2a]);
    tagged.extend(&plain[12..]);
    let decoded = decode(&frame(LinkType::ETHERNET, &tagged));
    assert_eq!(packet(&decoded).vlan, Some(42));
}

#[test]
fn cooked_null_and_raw_find_the_same_packet() {
    let ip = &tcp_syn()[14..54];
    let sll = [&[0u8; 14][..], &[0x08, 0x00], ip].concat();
    let sll2 = [&[0x08, 0x00][..], &[0; 18], ip].concat();
    let null = [&[2, 0, 0, 0][..], ip].concat();
    let links =
        [(LinkType::LINUX_SLL, &sll[..]), (LinkType::LINUX_SLL2, &sll2), (LinkType::NULL, &null), (LinkType::RAW, ip)];
    for (link, bytes) in links {
        assert_eq!(packet(&decode(&frame(link, bytes))).destination.port, 135, "{link}");
    }
}

#[test]
fn a_total_length_of_zero_takes_the_frames_length() {
    let mut bytes = tcp_syn();
    bytes[16..18].copy_from_slice(&[0, 0]);
    let decoded = decode(&frame(LinkType::ETHERNET, &bytes));
    assert_eq!((packet(&decoded).ip_bytes, packet(&decoded).payload_bytes), (46, 6));
}

#[test]
fn an_unknown_link_type_is_never_guessed() {
    let bytes = tcp_syn();
    let decoded = decode(&frame(LinkType(147), &bytes));
    assert_eq!(decoded.fate, Fate::LinkType(LinkType(147)));
}

#[test]
fn icmp_prohibited_names_the_flow() {
    let quoted = &tcp_syn()[14..42];
    let builder = PacketBuilder::ethernet2([1; 6], [2; 6]).ipv4([10, 0, 0, 9], [10, 0, 0, 1], 64);
    let mut bytes = Vec::new();
    builder.icmpv4_raw(3, 13, [0; 4]).write(&mut bytes, quoted).unwrap();
    let decoded = decode(&frame(LinkType::ETHERNET, &bytes));
    let Content::IcmpError(error) = decoded.content else { panic!("{decoded:?}") };
    assert_eq!((error.kind, error.source.port, error.destination.port), (IcmpKind::Prohibited, 50_000, 135));
}

#[test]
fn fragments_are_told_apart_and_attached_within_their_time() {
    let mut first = tcp_syn();
    first[20] = 0x20;
    let decoded = decode(&frame(LinkType::ETHERNET, &first));
    let first = packet(&decoded);
    let key = first.fragment.expect("more fragments follow");
    let mut later = tcp_syn();
    later[20..22].copy_from_slice(&[0, 5]);
    let Content::LaterFragment(later_key, _) = decode(&frame(LinkType::ETHERNET, &later)).content else { panic!() };
    assert_eq!(key, later_key);
    let mut table = FragmentTable::default();
    let owner =
        FragmentOwner { transport: first.segment.transport(), source: first.source, destination: first.destination };
    table.remember(key, owner, 0);
    assert_eq!(table.owner(&key, 60_000_000_000), Some(owner));
    assert_eq!(table.owner(&key, 60_000_000_001), None);
}

#[test]
fn a_frame_of_nothing_but_headers_ends_with_its_bytes() {
    let mut bytes = vec![0; 12];
    for _ in 0..20_000 {
        bytes.extend([0x81, 0x00, 0x00, 0x01, 0x00, 0x08, 0xaa, 0xaa, 0x03, 0, 0, 0]);
    }
    let decoded = decode(&frame(LinkType::ETHERNET, &bytes));
    assert_eq!(decoded.fate, Fate::Llc);
}

#[test]
fn an_icmp_error_that_went_elsewhere_or_quotes_a_later_fragment_names_no_flow() {
    let error = |to: [u8; 4], fragment: u8| {
        let mut quoted = tcp_syn()[14..42].to_vec();
        quoted[7] = fragment;
        let mut bytes = Vec::new();
        let builder = PacketBuilder::ethernet2([1; 6], [2; 6]).ipv4([10, 0, 0, 9], to, 64);
        builder.icmpv4_raw(3, 13, [0; 4]).write(&mut bytes, &quoted).unwrap();
        decode(&frame(LinkType::ETHERNET, &bytes)).fate
    };
    assert_eq!(error([10, 0, 0, 1], 0), Fate::IcmpError);
    assert_eq!(error([10, 0, 0, 77], 0), Fate::Icmp);
    assert_eq!(error([10, 0, 0, 1], 5), Fate::Icmp);
}

#[test]
fn a_length_field_below_its_header_is_malformed_and_no_cut() {
    let stop_of = |link_type, data: &[u8]| decode(&frame(link_type, data)).stop.unwrap();
    let told = |stop: Stop| (stop.reading, stop.needed, stop.available, stop.snapped);
    let mut short_ip = tcp_syn();
    short_ip[14] = 0x43;
    assert_eq!(told(stop_of(LinkType::ETHERNET, &short_ip)), ("IPv4 header", 20, 12, false));
    let mut short_tcp = tcp_syn();
    short_tcp[46] = 0x40;
    assert_eq!(told(stop_of(LinkType::ETHERNET, &short_tcp)), ("TCP header", 20, 16, false));
    assert_eq!(told(stop_of(LinkType::RAW, &[0x50; 40])), ("IP packet of version 4 or 6", 1, 0, false));
}

/// An IPv6 packet with one extension header of a kind, and what that header holds.
fn extended(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x60, 0, 0, 0, 0, body.len() as u8, kind, 64];
    bytes.extend([1; 32]);
    bytes.extend(body);
    bytes
}

#[test]
fn an_extension_header_needs_what_its_own_length_says() {
    for (kind, length, needed) in [(0, 2, 24), (43, 255, 2048), (51, 4, 24)] {
        let bytes = extended(kind, &[17, length, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let stop = decode(&frame(LinkType::IPV6, &bytes)).stop.unwrap();
        assert_eq!((stop.needed, stop.available, stop.snapped), (needed, 16, false), "{stop}");
    }
    let too_short = extended(51, &[17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let stop = decode(&frame(LinkType::IPV6, &too_short)).stop.unwrap();
    assert_eq!((stop.needed, stop.available, stop.snapped), (12, 8, false), "{stop}");
}

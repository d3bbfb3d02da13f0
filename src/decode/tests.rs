//! Frames built byte by byte, and the same frames cut at every byte.

use super::*;
use crate::model::{Content, Fate, Heading, IcmpKind, LinkType, Packet, Position, Segment, TcpHeader, flags};
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
    assert_eq!(packet.segment, Segment::Tcp(Some(TcpHeader { sequence: 7, acknowledgment: 0, flags: flags::SYN })));
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
    let passed = packet(&decoded).encapsulation;
    assert_eq!((passed.vlan, passed.outer_vlan, passed.depth), (Some(42), Some(100), 0));
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
fn fragments_are_told_apart() {
    let mut first = tcp_syn();
    first[20] = 0x20;
    let decoded = decode(&frame(LinkType::ETHERNET, &first));
    let first = packet(&decoded).fragment.expect("more fragments follow");
    let mut later = tcp_syn();
    later[20..22].copy_from_slice(&[0, 5]);
    let Content::LaterFragment(later) = decode(&frame(LinkType::ETHERNET, &later)).content else { panic!() };
    assert_eq!((first.key, first.offset_bytes, first.data_bytes), (later.fragment.key, 0, 20));
    assert_eq!((later.fragment.offset_bytes, later.fragment.data_bytes, later.ip_bytes), (40, 20, 40));
}

#[test]
fn checksums_are_verified_on_request_only() {
    let mut verifying = Decoder::new(DecodeSettings { verify_checksums: true });
    let good = tcp_syn();
    assert_eq!(verifying.decode(&frame(LinkType::ETHERNET, &good)).fate, Fate::Tcp);
    for (what, at) in [("a byte of the IPv4 header", 22), ("a byte of the TCP header", 48)] {
        let mut bad = tcp_syn();
        bad[at] ^= 0x10;
        assert_eq!(verifying.decode(&frame(LinkType::ETHERNET, &bad)).fate, Fate::BadChecksum, "{what}");
        assert_eq!(decode(&frame(LinkType::ETHERNET, &bad)).fate, Fate::Tcp, "{what}");
        // What was not captured whole cannot be verified.
        let cut = Frame { data: &bad[..50], ..frame(LinkType::ETHERNET, &bad) };
        assert_eq!(verifying.decode(&cut).fate == Fate::Tcp, at == 48, "{what}");
    }
    let mut udp = Vec::new();
    let builder = PacketBuilder::ethernet2([1; 6], [2; 6]).ipv6([1; 16], [2; 16], 64).udp(5353, 53);
    builder.write(&mut udp, &[1, 2, 3]).unwrap();
    assert_eq!(verifying.decode(&frame(LinkType::ETHERNET, &udp)).fate, Fate::Udp);
    *udp.last_mut().unwrap() ^= 1;
    assert_eq!(verifying.decode(&frame(LinkType::ETHERNET, &udp)).fate, Fate::BadChecksum);
}

#[test]
fn an_authentication_header_is_stepped_over_in_ipv4_too() {
    let plain = tcp_syn();
    let mut ip = plain[14..34].to_vec();
    (ip[3], ip[9]) = (64, 51);
    ip.extend([6, 4, 0, 0]);
    ip.extend([0; 20]);
    ip.extend(&plain[34..54]);
    assert_eq!(packet(&decode(&frame(LinkType::RAW, &ip))).destination.port, 135);
}

#[test]
fn a_frame_of_nothing_but_headers_ends() {
    let of = |header: &[u8]| {
        let bytes = [&[0; 12][..], &header.repeat(20_000)].concat();
        decode(&frame(LinkType::ETHERNET, &bytes)).fate
    };
    assert_eq!(of(&[0x81, 0x00, 0x00, 0x01]), Fate::Stopped(Layer::Link), "tags: with the bytes");
    let snap = [0x81, 0x00, 0x00, 0x01, 0x00, 0x08, 0xaa, 0xaa, 0x03, 0, 0, 0];
    assert_eq!(of(&snap), Fate::Stopped(Layer::Network), "headers: with their number");
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
fn every_link_type_finds_the_same_packet() {
    let ip = &tcp_syn()[14..54];
    let snap = [&[0xaa, 0xaa, 0x03, 0, 0, 0, 0x08, 0x00][..], ip].concat();
    let ppp = [&[0xff, 0x03, 0x00, 0x21][..], ip].concat();
    let wlan = [&[0x88, 0x01][..], &[0; 24], &snap].concat();
    let nflog = [&[2, 0, 0, 0][..], &[8, 0, 1, 0, 1, 2, 3, 4], &[44, 0, 9, 0], ip].concat();
    let cases: [(u16, &str, Vec<u8>); 22] = [
        (6, "Token Ring", [&[0x10, 0x40][..], &[0; 12], &snap].concat()),
        (7, "ARCNET", [&[1, 2, 240][..], ip].concat()),
        (9, "PPP", ppp.clone()),
        (9, "PPP, protocol compressed", [&[0x21][..], ip].concat()),
        (9, "PPP that is Cisco HDLC", [&[0x0f, 0, 0x08, 0x00][..], ip].concat()),
        (10, "FDDI", [&[0x50][..], &[0; 12], &snap].concat()),
        (50, "PPP in HDLC", ppp.clone()),
        (51, "PPPoE", [&[0x00, 0x21][..], ip].concat()),
        (104, "Cisco HDLC", [&[0x0f, 0, 0x08, 0x00][..], ip].concat()),
        (105, "IEEE 802.11", wlan.clone()),
        (107, "frame relay", [&[0x18, 0x41, 0x03, 0xcc][..], ip].concat()),
        (108, "OpenBSD loopback", [&[0, 0, 0, 2][..], ip].concat()),
        (113, "cooked, LLC", [&[0, 0, 0, 1][..], &[0; 10], &[0, 4], &snap].concat()),
        (127, "radiotap", [&[0, 0, 12, 0][..], &[0; 8], &wlan].concat()),
        (138, "IEEE 1394", [&[0; 16][..], &[0x08, 0x00], ip].concat()),
        (192, "PPI", [&[0, 0, 12, 0, 105, 0, 0, 0][..], &[0; 4], &wlan].concat()),
        (204, "PPP with direction", [&[1][..], &ppp].concat()),
        (219, "MPLS", [&[0, 0x01, 0x01, 64][..], ip].concat()),
        (228, "IPv4", ip.to_vec()),
        (239, "NFLOG", nflog),
        (240, "netANALYZER", [&[0; 4][..], &tcp_syn()].concat()),
        (1, "IEEE 802.3 with SNAP", [&[0; 12][..], &[0, 48], &snap].concat()),
    ];
    for (link, name, bytes) in cases {
        let decoded = decode(&frame(LinkType(link), &bytes));
        assert_eq!((decoded.fate, packet(&decoded).destination.port), (Fate::Tcp, 135), "{name}");
        assert_eq!(packet(&decoded).payload_bytes, 0, "{name}");
    }
}

#[test]
fn pktap_names_process_and_heading_and_the_link_type_inside() {
    let mut bytes = vec![0; 108];
    bytes[0] = 108;
    bytes[8] = 1;
    bytes[36] = 2;
    bytes[52..56].copy_from_slice(&77u32.to_le_bytes());
    bytes[56..60].copy_from_slice(b"sshd");
    bytes[84..88].copy_from_slice(&(-1i32).to_le_bytes());
    bytes.extend(tcp_syn());
    let decoded = decode(&frame(LinkType(258), &bytes));
    assert_eq!((packet(&decoded).destination.port, decoded.heading), (135, Some(Heading::Outbound)));
    assert_eq!(decoded.process.map(|process| (process.id, process.name)), Some((77, &b"sshd"[..])));
}

#[test]
fn wlan_frames_without_readable_data_are_told() {
    let fate = |control: [u8; 2]| {
        let bytes = [&control[..], &[0; 60]].concat();
        decode(&frame(LinkType(105), &bytes)).fate
    };
    assert_eq!(fate([0x80, 0x00]), Fate::Wlan, "a beacon");
    assert_eq!(fate([0x48, 0x01]), Fate::Wlan, "no data");
    assert_eq!(fate([0x08, 0x41]), Fate::WlanEncrypted);
}

#[test]
fn a_garbage_length_on_the_wire_is_not_believed() {
    let mut bytes = tcp_syn();
    bytes[16..18].copy_from_slice(&[0, 0]);
    let claimed = Frame { wire_bytes: 1_290_000_000, ..frame(LinkType::ETHERNET, &bytes) };
    assert_eq!(packet(&decode(&claimed)).ip_bytes, 46);
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

#[test]
fn a_padded_wlan_header_is_as_long_as_its_padding() {
    let snap = [&[0xaa, 0xaa, 0x03, 0, 0, 0, 0x08, 0x00][..], &tcp_syn()[14..54]].concat();
    // Quality of service: 26 bytes, padded to 28. With a time stamp before the flags, and without.
    let stamped = [&[0, 0, 17, 0, 3, 0, 0, 0][..], &[0; 8], &[0x20]].concat();
    let plain = [0, 0, 9, 0, 2, 0, 0, 0, 0x20].to_vec();
    for radiotap in [stamped, plain] {
        let bytes = [&radiotap[..], &[0x88, 0x01], &[0; 24], &[0; 2], &snap].concat();
        assert_eq!(packet(&decode(&frame(LinkType(127), &bytes))).destination.port, 135);
    }
}

#[test]
fn fragments_behind_an_extension_header_share_one_key() {
    let part = |offset: u16, more: u16, data: &[u8]| {
        let mut body = vec![60, 0];
        body.extend((offset << 3 | more).to_be_bytes());
        body.extend([0, 0, 0, 9]);
        body.extend(data);
        extended(44, &body)
    };
    // Destination options, then UDP.
    let first = part(0, 1, &[17, 0, 0, 0, 0, 0, 0, 0, 0, 53, 0, 54, 0, 32, 0, 0]);
    let key = packet(&decode(&frame(LinkType::IPV6, &first))).fragment.map(|fragment| fragment.key);
    let later = part(2, 0, &[1; 16]);
    let Content::LaterFragment(later) = decode(&frame(LinkType::IPV6, &later)).content else { panic!() };
    assert_eq!(key, Some(later.fragment.key));
}

#[test]
fn fragments_of_a_ping_hide_no_flow() {
    let mut later = tcp_syn();
    later[20..22].copy_from_slice(&[0, 5]);
    later[23] = 1;
    assert_eq!(decode(&frame(LinkType::ETHERNET, &later)).fate, Fate::Icmp);
}

#[test]
fn a_packet_without_payload_does_not_take_padding_for_a_header() {
    let mut bytes = [&[0; 12][..], &[0x86, 0xdd, 0x60, 0, 0, 0, 0, 0, 6, 64], &[1; 32]].concat();
    bytes.extend([0; 6]);
    assert_eq!(decode(&frame(LinkType::ETHERNET, &bytes)).fate, Fate::Stopped(Layer::Transport));
}

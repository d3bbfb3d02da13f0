//! Whole frames: tunnels, fragments, copies, headings and processes.

use super::tests::Kept;
use super::*;
use crate::model::{
    CaptureIndex, Fate, FlowRecord, Frame, Heading, LinkType, Position, Process, Side, Transport, Tunnel,
};
use etherparse::{IpNumber, Ipv4Header, PacketBuilder};

const A: [u8; 4] = [10, 0, 0, 1];
const B: [u8; 4] = [10, 0, 0, 2];

fn at(frame: u64) -> Position {
    Position { capture: CaptureIndex(0), frame, offset: 0 }
}

fn udp(from: [u8; 4], to: [u8; 4], ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ipv4(from, to, 64).udp(ports.0, ports.1).write(&mut bytes, payload).unwrap();
    bytes
}

/// A TCP segment with an IP identification.
fn tcp(identification: u16, payload: &[u8]) -> Vec<u8> {
    let mut header = Ipv4Header::new(0, 64, IpNumber::TCP, A, B).unwrap();
    header.identification = identification;
    let mut bytes = Vec::new();
    PacketBuilder::ip(etherparse::IpHeaders::Ipv4(header, Default::default()))
        .tcp(50_000, 135, 1, 8192)
        .ack(1)
        .write(&mut bytes, payload)
        .unwrap();
    bytes
}

/// Part of a UDP datagram of 40 bytes of IP payload.
fn fragment(offset: u16, more: bool) -> Vec<u8> {
    let whole = udp(A, B, (53, 5000), &[7; 32]);
    let data = &whole[20..][usize::from(offset) * 8..][..if more { 24 } else { 16 }];
    let mut header = Ipv4Header::new(data.len() as u16, 64, IpNumber::UDP, A, B).unwrap();
    header.identification = 99;
    header.more_fragments = more;
    header.fragment_offset = offset.try_into().unwrap();
    header.header_checksum = header.calc_header_checksum();
    let mut bytes = Vec::new();
    header.write(&mut bytes).unwrap();
    bytes.extend(data);
    bytes
}

fn metered(settings: MeterSettings, frames: &[Frame<'_>]) -> (MeterSummary, Vec<FlowRecord>, Kept) {
    let mut meter = Meter::new(settings, Kept::default());
    for frame in frames {
        meter.frame(frame).unwrap();
    }
    let (summary, mut kept) = meter.finish().unwrap();
    let flows = std::mem::take(&mut kept.flows);
    let packets: u64 = flows.iter().map(|f| f.from_a.packets + f.from_b.packets - f.carrier_packets).sum();
    let metered: u64 = summary.tallies.iter().map(crate::model::Tally::metered).sum();
    assert_eq!(packets, metered, "packets less those of carriers are the frames metered");
    let told: u64 = summary.tallies.iter().map(crate::model::Tally::frames).sum();
    assert_eq!(told, frames.len() as u64, "one fate each");
    (summary, flows, kept)
}

fn fates(summary: &MeterSummary) -> Vec<(Fate, u64)> {
    summary.tallies[0].iter().collect()
}

#[test]
fn a_tunnel_gives_a_flow_inside_and_its_carrier_outside() {
    let inner = [&[0; 12][..], &[0x08, 0x00], &tcp(5, b"x")].concat();
    let vxlan = udp(A, B, (40_000, 4789), &[&[8, 0, 0, 0, 0, 0, 9, 0][..], &inner].concat());
    let outside = tcp(6, b"y");
    let frames =
        [Frame::whole(at(1), 0, LinkType::RAW, &vxlan), Frame::whole(at(2), 1_000_000_000, LinkType::RAW, &outside)];
    let (summary, flows, _) = metered(MeterSettings::default(), &frames);
    assert_eq!(fates(&summary), [(Fate::Tcp, 2)]);
    let [carrier, inside, plain] = &flows[..] else { panic!("{flows:?}") };
    assert_eq!(
        (carrier.key.transport, carrier.carries, carrier.carrier_packets),
        (Transport::Udp, Some(Tunnel::Vxlan), 1)
    );
    // The same endpoints inside and outside are two flows.
    assert_eq!((inside.encapsulation.depth, inside.encapsulation.tunnel_id, inside.key), (1, Some(9), plain.key));
    assert_eq!((plain.encapsulation.depth, plain.from_a.packets), (0, 1));
}

#[test]
fn fragments_count_in_their_flow_in_whatever_order() {
    let (first, second) = (fragment(0, true), fragment(3, false));
    for order in [[&first, &second], [&second, &first]] {
        let frames =
            [Frame::whole(at(1), 0, LinkType::RAW, order[0]), Frame::whole(at(2), 1_000_000, LinkType::RAW, order[1])];
        let (summary, flows, _) = metered(MeterSettings::default(), &frames);
        assert_eq!(fates(&summary), [(Fate::Udp, 1), (Fate::Fragment, 1)]);
        let [flow] = &flows[..] else { panic!("{flows:?}") };
        assert_eq!((flow.from_a.packets, flow.from_a.payload_bytes, flow.fragments), (2, 32, 1));
        assert_eq!((flow.first_seen_ns, flow.last_seen_ns), (0, 1_000_000));
    }
    let alone = [Frame::whole(at(1), 0, LinkType::RAW, &second)];
    let (summary, flows, _) = metered(MeterSettings::default(), &alone);
    assert_eq!((fates(&summary), flows.len()), (vec![(Fate::OrphanFragment, 1)], 0));
}

#[test]
fn copies_are_counted_and_left_out_on_request() {
    let (one, other) = (tcp(5, b"abc"), tcp(6, b"abc"));
    let frame = |n, ns, data, interface| Frame { interface, ..Frame::whole(at(n), ns, LinkType::RAW, data) };
    // The same packet by the same tap at once and much later, by another tap, and sent again with another identification.
    let frames = [
        frame(1, 0, &one, 0),
        frame(2, 20_000, &one, 0),
        frame(3, 100_000_000, &one, 1),
        frame(4, 200_000_000, &other, 1),
        frame(5, 900_000_000, &one, 0),
    ];
    let (summary, flows, _) = metered(MeterSettings::default(), &frames);
    let facts = flows[0].from_a;
    assert_eq!((summary.duplicates, flows[0].duplicates, facts.packets, facts.retransmitted), (2, 2, 5, 2));
    let settings = MeterSettings { leave_out_copies: true, ..MeterSettings::default() };
    let (summary, flows, _) = metered(settings, &frames);
    assert_eq!((summary.duplicates, flows[0].duplicates, flows[0].from_a.packets), (2, 0, 3));
    assert_eq!(fates(&summary), [(Fate::Tcp, 3), (Fate::Duplicate, 2)]);
}

#[test]
fn bare_acknowledgments_without_identification_are_no_copies() {
    let ack = tcp(0, b"");
    let frames: Vec<_> = (1..4).map(|n| Frame::whole(at(n), 0, LinkType::RAW, &ack)).collect();
    assert_eq!(metered(MeterSettings::default(), &frames).0.duplicates, 0);
}

#[test]
fn headings_tell_where_the_recorder_stands_and_whose_socket_it_is() {
    let data = tcp(5, b"abc");
    let process = Some(Process { id: 77, name: b"agent" });
    let frame =
        |n, heading| Frame { heading, process, ..Frame::whole(at(n), n as i64 * 1_000_000_000, LinkType::RAW, &data) };
    let frames = [frame(1, None), frame(2, Some(Heading::Inbound)), frame(3, Some(Heading::Inbound))];
    let (summary, flows, kept) = metered(MeterSettings::default(), &frames);
    // 10.0.0.1 sent: what came in was meant for 10.0.0.2.
    assert_eq!((flows[0].from_a.is_recorder, flows[0].from_b.is_recorder), (false, true));
    assert_eq!(kept.sockets, [(flows[0].key.endpoint(Side::B), 77)], "told once");
    assert_eq!(summary.sockets, 1);
}

#[test]
fn counters_pass_32_bits() {
    let mut data = tcp(5, &[0; 1400]);
    // Segmentation offload: the frame says how long it is.
    data[2..4].copy_from_slice(&[0, 0]);
    let mut meter = Meter::new(MeterSettings::default(), Kept::default());
    let frames = (5u64 << 30) / 262_144;
    for n in 0..frames {
        let frame = Frame::whole(at(n + 1), n as i64 * 1_000_000_000, LinkType::RAW, &data);
        meter.frame(&Frame { wire_bytes: 262_144, ..frame }).unwrap();
    }
    let (_, kept) = meter.finish().unwrap();
    let facts = kept.flows[0].from_a;
    assert_eq!((facts.wire_bytes, facts.ip_bytes), (frames * 262_144, frames * 262_144));
    assert!(facts.payload_bytes > 1 << 32 && kept.flows[0].snapped as u64 == frames);
}

/// UDP over IPv6, which has no identification.
fn udp_v6(payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ipv6([1; 16], [2; 16], 64).udp(50_000, 2222).write(&mut bytes, payload).unwrap();
    bytes
}

/// Packets that are left when copies are left out: times in ns, taps, the same bytes each.
fn left(data: &[u8], sightings: &[(i64, u32)]) -> u64 {
    let settings = MeterSettings { leave_out_copies: true, ..MeterSettings::default() };
    let frames: Vec<_> = (1..)
        .zip(sightings)
        .map(|(n, (ns, interface))| Frame { interface: *interface, ..Frame::whole(at(n), *ns, LinkType::RAW, data) })
        .collect();
    let (_, flows, _) = metered(settings, &frames);
    flows.iter().map(|flow| flow.from_a.packets + flow.from_b.packets).sum()
}

#[test]
fn what_a_host_repeats_is_kept() {
    // A poll every 20 ms with a constant identification, seen by two taps 30 µs apart, and with the taps in turn.
    let poll = tcp(1, b"poll");
    let both: Vec<_> = (0..100).flat_map(|n| [(n * 20_000_000, 0), (n * 20_000_000 + 30_000, 1)]).collect();
    assert_eq!(left(&poll, &both), 100);
    let one_lost = [(0, 0), (30_000, 1), (20_030_000, 1), (40_000_000, 0), (40_030_000, 1)];
    assert_eq!(left(&poll, &one_lost), 3);
    // Datagrams without identification every 50 µs; a SPAN port's copies of them 2 µs behind.
    let datagram = udp_v6(b"input/output");
    let alone: Vec<_> = (0..20).map(|n| (n * 50_000, 0)).collect();
    assert_eq!(left(&datagram, &alone), 20);
    let mirrored: Vec<_> = (0..20).flat_map(|n| [(n * 50_000, 0), (n * 50_000 + 2_000, 0)]).collect();
    assert_eq!(left(&datagram, &mirrored), 20);
}

#[test]
fn frames_without_a_time_are_no_copies() {
    let data = tcp(1, b"poll");
    let settings = MeterSettings { leave_out_copies: true, ..MeterSettings::default() };
    let frames: Vec<_> =
        (1..=5).map(|n| Frame { timed: false, ..Frame::whole(at(n), 0, LinkType::RAW, &data) }).collect();
    assert_eq!(metered(settings, &frames).1[0].from_a.packets, 5);
}

#[test]
fn resets_without_identification_are_no_copies() {
    let mut reset = tcp(0, b"");
    reset[33] = 0x04;
    assert_eq!(left(&reset, &[(0, 0), (1_000, 0), (2_000, 0)]), 3);
}

#[test]
fn a_copy_may_have_another_checksum_and_come_out_of_a_tunnel() {
    let plain = tcp(5, b"abcdefgh");
    let mut offloaded = plain.clone();
    offloaded[36..38].copy_from_slice(&[0x12, 0x34]);
    let mut tunnelled = Vec::new();
    PacketBuilder::ipv4(A, B, 64).write(&mut tunnelled, IpNumber(4), &plain).unwrap();
    let settings = MeterSettings { leave_out_copies: true, ..MeterSettings::default() };
    let frames = [
        Frame::whole(at(1), 0, LinkType::RAW, &plain),
        Frame { interface: 1, ..Frame::whole(at(2), 50_000_000, LinkType::RAW, &offloaded) },
        Frame { interface: 2, ..Frame::whole(at(3), 60_000_000, LinkType::RAW, &tunnelled) },
    ];
    let (summary, flows, _) = metered(settings, &frames);
    assert_eq!((summary.duplicates, flows.len(), fates(&summary)), (2, 1, vec![(Fate::Tcp, 1), (Fate::Duplicate, 2)]));
}

#[test]
fn copies_of_fragments_are_left_out_too() {
    let (first, second) = (fragment(0, true), fragment(3, false));
    let settings = MeterSettings { leave_out_copies: true, ..MeterSettings::default() };
    let order = [&first, &first, &second, &second];
    let frames: Vec<_> =
        (1..).zip(order).map(|(n, data)| Frame::whole(at(n), n as i64 * 1_000, LinkType::RAW, data)).collect();
    let (summary, flows, _) = metered(settings, &frames);
    assert_eq!(fates(&summary), [(Fate::Udp, 1), (Fate::Fragment, 1), (Fate::Duplicate, 2)]);
    assert_eq!((flows[0].from_a.packets, flows[0].from_a.payload_bytes), (2, 32));
}

//! Conversations written out packet by packet.

use super::*;
use crate::model::{
    Activity, Announcement, CaptureIndex, EndReason, Endpoint, FlowDetail, FlowRecord, FlowSink, Frame, LinkType,
    NameFact, Position, Side, SocketFact, TcpState,
};
use etherparse::PacketBuilder;

#[derive(Default)]
pub(super) struct Kept {
    pub(super) flows: Vec<FlowRecord>,
    pub(super) bursts: Vec<Activity>,
    pub(super) sockets: Vec<(Endpoint, u32)>,
}

impl FlowSink for Kept {
    type Error = std::convert::Infallible;

    fn flow(&mut self, record: &FlowRecord) -> Result<(), Self::Error> {
        self.flows.push(*record);
        Ok(())
    }

    fn activity(&mut self, burst: &Activity) -> Result<(), Self::Error> {
        self.bursts.push(*burst);
        Ok(())
    }

    fn socket(&mut self, socket: &SocketFact<'_>) -> Result<(), Self::Error> {
        self.sockets.push((socket.local, socket.process.id));
        Ok(())
    }

    fn announcement(&mut self, _: &Announcement) -> Result<(), std::convert::Infallible> {
        Ok(())
    }

    fn detail(&mut self, _: &FlowDetail) -> Result<(), std::convert::Infallible> {
        Ok(())
    }

    fn name(&mut self, _: &NameFact) -> Result<(), std::convert::Infallible> {
        Ok(())
    }
}

const CLIENT: ([u8; 4], u16) = ([10, 0, 0, 9], 50_000);
const SERVER: ([u8; 4], u16) = ([10, 0, 0, 1], 135);

/// One segment: milliseconds, from client?, flags, sequence number, payload length.
type Step = (i64, bool, &'static str, u32, usize);

fn segment((_, from_client, flags, sequence, payload): Step) -> Vec<u8> {
    let (from, to) = if from_client { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
    let mut tcp = PacketBuilder::ethernet2([1; 6], [2; 6]).ipv4(from.0, to.0, 64).tcp(from.1, to.1, sequence, 8192);
    for flag in flags.chars() {
        tcp = match flag {
            'S' => tcp.syn(),
            'A' => tcp.ack(1),
            'F' => tcp.fin(),
            'R' => tcp.rst(),
            _ => tcp.psh(),
        };
    }
    let mut bytes = Vec::new();
    tcp.write(&mut bytes, &vec![0; payload]).unwrap();
    bytes
}

fn meter_with(settings: MeterSettings, steps: &[Step]) -> (MeterSummary, Kept) {
    let mut meter = Meter::new(settings, Kept::default());
    for (i, step) in steps.iter().enumerate() {
        let data = segment(*step);
        let position = Position { capture: CaptureIndex(0), frame: i as u64 + 1, offset: 0 };
        meter.frame(&Frame::whole(position, step.0 * 1_000_000, LinkType::ETHERNET, &data)).unwrap();
    }
    meter.finish().unwrap()
}

fn meter(steps: &[Step]) -> (MeterSummary, Kept) {
    meter_with(MeterSettings::default(), steps)
}

const HANDSHAKE: [Step; 3] = [(0, true, "S", 100, 0), (1, false, "SA", 500, 0), (2, true, "A", 101, 0)];

#[test]
fn a_connection_from_syn_to_fin_is_one_flow() {
    let rest = [(3, true, "PA", 101, 10), (4, false, "PA", 501, 20), (5, true, "FA", 111, 0), (6, false, "FA", 521, 0)];
    let (summary, kept) = meter(&[&HANDSHAKE[..], &rest].concat());
    let [flow] = kept.flows[..] else { panic!("{:?}", kept.flows) };
    // 10.0.0.1:135 sorts first: the server is side a.
    assert_eq!((flow.first_syn, flow.state, flow.end_reason), (Some(Side::B), TcpState::Closed, EndReason::Closed));
    assert_eq!((flow.from_b.syn_frame, flow.from_a.syn_ack_frame), (Some(1), Some(2)));
    assert_eq!((flow.from_a.packets, flow.from_b.packets, flow.from_a.payload_bytes), (3, 4, 20));
    assert_eq!((flow.from_a.next_seq, flow.from_b.next_seq), (Some(522), Some(112)));
    assert_eq!(summary.tallies[0].metered(), 7);
    assert!(kept.bursts.is_empty(), "a single burst is the flow itself");
}

#[test]
fn a_repeated_syn_is_a_retransmission_and_a_new_one_a_new_flow() {
    let (_, kept) = meter(&[(0, true, "S", 100, 0), (1000, true, "S", 100, 0), (3000, true, "S", 777, 0)]);
    let [first, second] = kept.flows[..] else { panic!("{:?}", kept.flows) };
    assert_eq!((first.from_b.syn, first.from_b.syn_retransmitted), (2, 1));
    assert_eq!((first.end_reason, first.state), (EndReason::PortReused, TcpState::SynSent));
    assert_eq!((second.first_frame, second.from_b.syn), (3, 1));
}

#[test]
fn a_syn_recorded_behind_the_answer_and_the_data_belongs_to_them() {
    let (_, kept) =
        meter(&[(0, false, "SA", 500, 0), (1, true, "A", 101, 0), (2, true, "PA", 101, 5), (3, true, "S", 100, 0)]);
    let [flow] = kept.flows[..] else { panic!("{:?}", kept.flows) };
    assert_eq!((flow.first_syn, flow.first_sender), (Some(Side::B), Side::A));
}

#[test]
fn refused_half_open_and_midstream_are_told_apart() {
    let (_, refused) = meter(&[(0, true, "S", 100, 0), (1, false, "RA", 0, 0)]);
    assert_eq!((refused.flows[0].state, refused.flows[0].from_a.rst_frame), (TcpState::Reset, Some(2)));
    let (_, half_open) = meter(&HANDSHAKE[..2]);
    assert_eq!(half_open.flows[0].state, TcpState::SynReceived);
    let (_, midstream) = meter(&[(0, true, "A", 100, 1), (1, false, "A", 900, 0)]);
    assert_eq!((midstream.flows[0].state, midstream.flows[0].first_syn), (TcpState::Midstream, None));
}

#[test]
fn silence_ends_a_flow_and_time_running_backwards_does_not() {
    let settings = MeterSettings { tcp_idle_ns: 300_000_000_000, ..MeterSettings::default() };
    let steps = [(400_000, true, "A", 1, 1), (0, true, "A", 2, 1), (800_000, true, "A", 3, 1)];
    let (_, kept) = meter_with(settings, &steps);
    assert_eq!(kept.flows.len(), 2);
    assert_eq!((kept.flows[0].from_b.packets, kept.flows[0].end_reason), (2, EndReason::Idle));
    assert!(kept.flows.iter().all(|f| f.last_seen_ns >= f.first_seen_ns));
}

#[test]
fn an_active_timeout_cuts_a_long_flow() {
    let settings = MeterSettings { active_ns: Some(10_000_000_000), ..MeterSettings::default() };
    let (_, kept) = meter_with(settings, &[(0, true, "A", 1, 1), (9_000, true, "A", 2, 1), (11_000, true, "A", 3, 1)]);
    let packets: Vec<u64> = kept.flows.iter().map(|f| f.from_b.packets).collect();
    assert_eq!((packets, kept.flows[0].end_reason), (vec![2, 1], EndReason::Active));
}

#[test]
fn a_full_cache_gives_up_the_flow_that_was_silent_for_longest() {
    let settings = MeterSettings { max_flows: 2, ..MeterSettings::default() };
    let mut meter = Meter::new(settings, Kept::default());
    for (frame, port) in [50_001u16, 50_002, 50_001, 50_003].into_iter().enumerate() {
        let mut data = Vec::new();
        let builder = PacketBuilder::ethernet2([1; 6], [2; 6]).ipv4(CLIENT.0, SERVER.0, 64).udp(port, 53);
        builder.write(&mut data, &[1, 2]).unwrap();
        let position = Position { capture: CaptureIndex(0), frame: frame as u64 + 1, offset: 0 };
        meter.frame(&Frame::whole(position, frame as i64, LinkType::ETHERNET, &data)).unwrap();
    }
    let (summary, kept) = meter.finish().unwrap();
    assert_eq!((summary.evicted, kept.flows[0].key.b.port), (1, 50_002));
    assert_eq!((kept.flows[0].end_reason, kept.flows.len()), (EndReason::Evicted, 3));
}

#[test]
fn bursts_are_told_when_there_is_more_than_one() {
    let steps = [(0, true, "A", 1, 10), (900, false, "A", 1, 20), (1_899, true, "A", 11, 1), (2_899, true, "A", 12, 5)];
    let (_, kept) = meter(&steps);
    let told: Vec<_> = kept.bursts.iter().map(|b| (b.first_frame, b.payload_bytes_b, b.payload_bytes_a)).collect();
    assert_eq!(told, [(1, 11, 20), (4, 5, 0)]);
}

#[test]
fn the_first_packet_after_a_long_gap_stays_with_its_flow() {
    let days = 3 * 24 * 3600 * 1000;
    let (_, kept) = meter(&[(0, true, "A", 1, 1), (days, true, "A", 9, 1), (days + 1, false, "A", 9, 1)]);
    let packets: Vec<_> = kept.flows.iter().map(|f| (f.from_b.packets, f.from_a.packets)).collect();
    assert_eq!(packets, [(2, 1)], "one tuple, and no packet lost between");
}

#[test]
fn a_syn_seen_by_two_taps_is_no_retransmission() {
    let (_, kept) = meter(&[(0, true, "S", 100, 0), (1, true, "S", 100, 0), (1_000, true, "S", 100, 0)]);
    let facts = kept.flows[0].from_b;
    assert_eq!((facts.packets, facts.syn, facts.syn_retransmitted, facts.handshake_copies), (3, 2, 1, 1));
    assert_eq!(kept.flows[0].state, TcpState::SynSent);
}

#[test]
fn a_split_handshake_and_a_simultaneous_open_are_one_flow_each() {
    let split = [(0, true, "S", 100, 0), (1, false, "A", 900, 0), (2, false, "S", 500, 0), (3, true, "SA", 100, 0)];
    let (_, kept) = meter(&split);
    assert_eq!(kept.flows.len(), 1, "{:?}", kept.flows);
    let open = [(0, true, "S", 100, 0), (1, false, "S", 500, 0), (2, true, "SA", 100, 0), (3, false, "SA", 500, 0)];
    let (_, kept) = meter(&open);
    let [flow] = kept.flows[..] else { panic!("{:?}", kept.flows) };
    assert_eq!((flow.from_a.syn_ack, flow.from_b.syn_ack, flow.from_a.handshake_copies), (1, 1, 0));
}

#[test]
fn a_handshake_tells_both_round_trips_and_a_repeated_syn_none() {
    let steps = [(0, true, "S", 100, 0), (30, false, "SA", 500, 0)];
    let flow = |rest: &[Step]| meter(&[&steps[..], rest].concat()).1.flows[0];
    // The builder acknowledges 1 everywhere: the third step is no answer to 500.
    assert_eq!((flow(&[]).syn_to_syn_ack_ns, flow(&[]).syn_ack_to_ack_ns), (Some(30_000_000), None));
    let (_, kept) = meter(&[(0, true, "S", 100, 0), (30, false, "SA", 0, 0), (45, true, "A", 101, 0)]);
    assert_eq!(kept.flows[0].syn_ack_to_ack_ns, Some(15_000_000));
    let (_, kept) = meter(&[(0, true, "S", 100, 0), (3_000, true, "S", 100, 0), (3_001, false, "SA", 0, 0)]);
    assert_eq!(kept.flows[0].syn_to_syn_ack_ns, None);
}

#[test]
fn what_brings_nothing_new_is_told_from_keep_alives_and_gaps() {
    let data = [
        (3, true, "PA", 101, 10),
        (300, true, "PA", 101, 10),
        (600, true, "A", 110, 0),
        (900, true, "A", 110, 1),
        (1_000, true, "PA", 161, 10),
        (1_100, true, "PA", 111, 50),
        (1_200, true, "A", 171, 0),
    ];
    let (_, kept) = meter(&[&HANDSHAKE[..], &data].concat());
    let facts = kept.flows[0].from_b;
    assert_eq!((facts.retransmitted, facts.keep_alives, facts.gaps), (2, 2, 1));
}

#[test]
fn sequence_numbers_wrap() {
    let (_, kept) = meter(&[(0, true, "A", u32::MAX - 4, 10), (1, true, "A", 5, 10), (2, true, "A", 15, 0)]);
    let facts = kept.flows[0].from_b;
    assert_eq!((facts.retransmitted, facts.gaps, facts.next_seq), (0, 0, Some(15)));
}

#[test]
fn a_syn_after_a_close_begins_another_flow_and_one_after_a_reset_is_another_try() {
    let closed = [(3, true, "FA", 101, 0), (4, false, "FA", 501, 0), (5_000, true, "S", 100, 0)];
    let (_, kept) = meter(&[&HANDSHAKE[..], &closed].concat());
    assert_eq!(kept.flows.len(), 2, "the same initial sequence number again");
    assert_eq!((kept.flows[0].end_reason, kept.flows[0].first_fin), (EndReason::PortReused, Some(Side::B)));
    let refused = [(0, true, "S", 100, 0), (1, false, "RA", 0, 0), (500, true, "S", 100, 0), (501, false, "RA", 0, 0)];
    let (_, kept) = meter(&refused);
    assert_eq!((kept.flows.len(), kept.flows[0].from_b.syn, kept.flows[0].from_a.rst), (1, 2, 2));
}

#[test]
fn payload_in_a_syn_is_fast_open() {
    let (_, kept) = meter(&[(0, true, "S", 100, 20), (1, false, "SA", 500, 0), (2, true, "A", 121, 0)]);
    let facts = kept.flows[0].from_b;
    assert_eq!((facts.fast_open_bytes, facts.next_seq, facts.gaps), (20, Some(121), 0));
}

#[test]
fn a_changed_direction_flips_no_flow() {
    let settings = MeterSettings { udp_idle_ns: 10_000_000_000, ..MeterSettings::default() };
    let datagrams: Vec<(i64, u16, u16)> =
        vec![(0, 5000, 53), (1, 53, 5000), (2, 53, 5000), (60, 53, 5000), (120, 1, 2), (121, 1, 2)];
    let mut meter = Meter::new(settings, Kept::default());
    for (i, (second, from, to)) in datagrams.into_iter().enumerate() {
        let (source, target) = if from > to { (CLIENT.0, SERVER.0) } else { (SERVER.0, CLIENT.0) };
        let mut data = Vec::new();
        PacketBuilder::ethernet2([1; 6], [2; 6]).ipv4(source, target, 64).udp(from, to).write(&mut data, &[1]).unwrap();
        let position = Position { capture: CaptureIndex(0), frame: i as u64 + 1, offset: 0 };
        meter.frame(&Frame::whole(position, second * 1_000_000_000, LinkType::ETHERNET, &data)).unwrap();
    }
    let (_, kept) = meter.finish().unwrap();
    // One key both ways, whoever sends first after a silence; the sender of the first packet is evidence and no more.
    let first_senders: Vec<_> = kept.flows.iter().map(|f| (f.key.a.port, f.first_sender)).collect();
    assert_eq!(first_senders, [(53, Side::B), (53, Side::A), (1, Side::A)]);
}

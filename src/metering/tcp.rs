//! What a TCP segment means for its flow.

use super::count::Arrival;
use super::entry::{Class, Entry, NO_FRAME, NO_TIME, Start, add, some_time};
use crate::model::{FlowRecord, Side, TcpHeader, TcpState, Transport, flags};

/// No host repeats a SYN or SYN-ACK sooner (RFC 6298: first after 1 s; some stacks 500 ms).
const RETRANSMISSION_NS: i64 = 200_000_000;

/// Longest step of a handshake that is believed: clocks leap.
const LONGEST_STEP_NS: i64 = 600_000_000_000;

/// Whether a segment begins another connection on the endpoints of this one: a SYN whose sequence number is not that of
/// the SYN before, or any SYN after both sides closed. A SYN recorded behind the data that follows it belongs to that data;
/// one repeated after a RST is another try of the same connection.
#[inline]
pub(super) fn begins_another(flow: &Entry, side: Side, tcp: TcpHeader, time_ns: i64) -> bool {
    tcp.flags & (flags::SYN | flags::ACK) == flags::SYN && syn_begins_another(flow, side, tcp.sequence, time_ns)
}

fn syn_begins_another(flow: &Entry, side: Side, sequence: u32, time_ns: i64) -> bool {
    let (from, to) = (&flow.from[side as usize], &flow.from[side.other() as usize]);
    // A bare ACK may come before the SYN in a split handshake: the other side's SYN is still waiting for it.
    if to.syn > 0 && from.syn == 0 && from.syn_ack == 0 {
        return is_over(flow);
    }
    match from.start {
        Start::Initial if sequence == from.start_seq => {
            from.fin > 0 && to.fin > 0 && time_ns.saturating_sub(flow.last_seen_ns) > RETRANSMISSION_NS
        }
        Start::Initial => true,
        Start::Midstream => sequence.wrapping_add(1) != from.start_seq,
        Start::None => is_over(flow),
    }
}

/// Both sides sent FIN, or one sent RST.
#[inline]
pub(super) fn is_over(flow: &Entry) -> bool {
    let [a, b] = &flow.from;
    a.rst > 0 || b.rst > 0 || (a.fin > 0 && b.fin > 0)
}

/// Counts a segment in the facts of its direction. A copy of a packet says nothing about retransmissions.
#[inline]
pub(super) fn count(flow: &mut Entry, side: Side, tcp: TcpHeader, payload_bytes: u32, at: &Arrival, copy: bool) {
    let (syn, fin, rst) = (tcp.flags & flags::SYN != 0, tcp.flags & flags::FIN != 0, tcp.flags & flags::RST != 0);
    flow.from[side as usize].tcp_flags |= tcp.flags;
    if syn {
        opening(flow, side, tcp, payload_bytes, at, copy);
    } else if flow.awaits_ack {
        third_step(flow, side, tcp, at.time_ns);
    }
    flow.spoke |= !syn && !rst;
    let from = &mut flow.from[side as usize];
    match from.start {
        Start::None | Start::Midstream if syn => (from.start, from.start_seq) = (Start::Initial, tcp.sequence),
        Start::None => (from.start, from.start_seq) = (Start::Midstream, tcp.sequence),
        _ => {}
    }
    let after = tcp.sequence.wrapping_add(payload_bytes).wrapping_add(u32::from(syn)).wrapping_add(u32::from(fin));
    let expected = from.has_next.then_some(from.next_seq);
    if expected.is_none_or(|expected| !precedes(after, expected)) {
        (from.has_next, from.next_seq) = (true, after);
    }
    // A SYN is counted as one, and a RST may carry any number.
    if let Some(expected) = expected
        && !(copy || syn || rst)
    {
        sequence(flow, side, expected, tcp.sequence, payload_bytes, fin);
    }
    if rst {
        if flow.from[side as usize].rst == 0 {
            let counted = at.frame_behind(flow).and_then(|behind| behind.checked_add(1));
            flow.from[side as usize].rst_frame = counted.unwrap_or(0);
        }
        add!(flow, side, rst, 1);
    }
    if fin {
        flow.first_fin.get_or_insert(side);
        add!(flow, side, fin, 1);
    }
}

/// Sequence numbers are compared modulo 2^32 (RFC 9293 section 3.4).
#[inline]
fn precedes(number: u32, other: u32) -> bool {
    (number.wrapping_sub(other) as i32) < 0
}

/// Compares a segment with what was to come.
#[inline]
fn sequence(flow: &mut Entry, side: Side, expected: u32, sequence: u32, payload_bytes: u32, fin: bool) {
    let end = sequence.wrapping_add(payload_bytes).wrapping_add(u32::from(fin));
    if precedes(expected, sequence) {
        add!(flow, side, gaps, 1);
    } else if payload_bytes <= 1 && !fin && sequence.wrapping_add(1) == expected {
        add!(flow, side, keep_alives, 1);
    } else if (payload_bytes > 0 || fin) && !precedes(expected, end) {
        add!(flow, side, retransmitted, 1);
    }
}

/// A SYN or SYN-ACK.
fn opening(flow: &mut Entry, side: Side, tcp: TcpHeader, payload_bytes: u32, at: &Arrival, copy: bool) {
    let (time_ns, acknowledges) = (at.time_ns, tcp.flags & flags::ACK != 0);
    if !acknowledges && !copy && payload_bytes == 0 && is_first_packet(flow) {
        flow.begun_by_syn = true;
        flow.first_syn = Some(side);
        add!(flow, side, syn, 1);
        return;
    }
    let initial = flow.from[side as usize].initial_seq();
    let (syns, syn_acks, answered_syns) = (flow.syns(side), flow.syn_acks(side), flow.syns(side.other()));
    let behind = at.frame_behind(flow).unwrap_or(NO_FRAME);
    let [from, to] = [side as usize, side.other() as usize];
    let handshake = flow.handshake_mut();
    let latest_ns = std::mem::replace(&mut handshake.latest_ns[from][usize::from(acknowledges)], time_ns);
    let soon = some_time(latest_ns)
        .is_some_and(|latest_ns| time_ns.saturating_sub(latest_ns).saturating_abs() < RETRANSMISSION_NS);
    if copy || (initial == Some(tcp.sequence) && soon) {
        handshake.copies[from] += 1;
        return;
    }
    handshake.fast_open_bytes[from] = handshake.fast_open_bytes[from].saturating_add(payload_bytes);
    match (acknowledges, syns) {
        (true, _) => {
            if syn_acks == 0 {
                handshake.syn_ack_frame[from] = behind;
            }
            // Which of several SYNs was answered is not known (Karn's rule).
            if syn_acks == 0 && answered_syns == 1 {
                handshake.syn_to_syn_ack_ns = step(handshake.latest_ns[to][0], time_ns);
                flow.awaits_ack = handshake.syn_to_syn_ack_ns != NO_TIME && handshake.syn_ack_to_ack_ns == NO_TIME;
            }
            add!(flow, side, syn_ack, 1);
        }
        (false, 0) => (handshake.syn_frame[from], handshake.syn_ns[from]) = (behind, time_ns),
        (false, _) => handshake.syn_retransmitted[from] += 1,
    }
    if !acknowledges {
        flow.first_syn.get_or_insert(side);
        add!(flow, side, syn, 1);
    }
}

/// Whether the packet that is counted is the only one so far.
fn is_first_packet(flow: &Entry) -> bool {
    flow.first_syn.is_none() && matches!((flow.from[0].packets, flow.from[1].packets), (1, 0) | (0, 1))
}

/// The time from one to the other, where it is believed.
fn step(from_ns: i64, to_ns: i64) -> i64 {
    let step_ns = some_time(from_ns).map(|from_ns| to_ns.saturating_sub(from_ns));
    step_ns.filter(|ns| (0..=LONGEST_STEP_NS).contains(ns)).unwrap_or(NO_TIME)
}

/// The first ACK of the side that sent the SYN ends the handshake.
#[cold]
fn third_step(flow: &mut Entry, side: Side, tcp: TcpHeader, time_ns: i64) {
    let responder = side.other();
    let Some(initial) = flow.from[responder as usize].initial_seq() else { return };
    let answers = tcp.flags & flags::ACK != 0 && tcp.acknowledgment == initial.wrapping_add(1);
    if answers && flow.first_syn == Some(side) && flow.syn_acks(responder) == 1 {
        let handshake = flow.handshake_mut();
        handshake.syn_ack_to_ack_ns = step(handshake.latest_ns[responder as usize][1], time_ns);
        flow.awaits_ack = handshake.syn_ack_to_ack_ns == NO_TIME;
    }
}

/// How far the conversation got.
pub(super) fn state(record: &FlowRecord) -> TcpState {
    if record.key.transport == Transport::Udp {
        return TcpState::Datagrams;
    }
    let (a, b) = (&record.from_a, &record.from_b);
    if a.rst + b.rst > 0 {
        return TcpState::Reset;
    }
    match (a.fin > 0, b.fin > 0) {
        (true, true) => return TcpState::Closed,
        (false, false) => {}
        _ => return TcpState::HalfClosed,
    }
    let syn_acks = a.syn_ack + b.syn_ack;
    match record.first_syn {
        None if syn_acks == 0 => TcpState::Midstream,
        None => TcpState::SynAckOnly,
        Some(_) if syn_acks == 0 && a.syn > 0 && b.syn > 0 && !a.spoke() && !b.spoke() => TcpState::SimultaneousOpen,
        Some(side) => match (syn_acks > 0, record.from(side).spoke() || record.from(side.other()).spoke()) {
            (_, true) => TcpState::Established,
            (true, false) => TcpState::SynReceived,
            (false, false) => TcpState::SynSent,
        },
    }
}

/// Which timeout applies to the flow now.
#[inline]
pub(super) fn class(flow: &Entry) -> Class {
    if flow.key.transport() == Transport::Udp {
        return Class::Datagrams;
    }
    let opening = flow.from[0].syn + flow.from[1].syn > 0 && !flow.spoke;
    if opening || is_over(flow) { Class::Transitory } else { Class::Open }
}

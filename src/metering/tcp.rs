//! What a TCP segment means for its flow.

use super::cache::{Class, Entry};
use super::entry::Arrival;
use crate::model::{DirectionFacts, FlowRecord, Side, TcpHeader, TcpState, Transport, flags};

/// No host repeats a SYN or SYN-ACK sooner (RFC 6298: first after 1 s; some stacks 500 ms).
const RETRANSMISSION_NS: i64 = 200_000_000;

/// Longest step of a handshake that is believed: clocks leap.
const LONGEST_STEP_NS: i64 = 600_000_000_000;

/// Whether a segment begins another connection on the endpoints of this one: a SYN whose sequence number is not that of
/// the SYN before, or any SYN after both sides closed. A SYN recorded behind the data that follows it belongs to that data;
/// one repeated after a RST is another try of the same connection.
pub(super) fn begins_another(entry: &Entry, side: Side, tcp: TcpHeader, time_ns: i64) -> bool {
    if tcp.flags & (flags::SYN | flags::ACK) != flags::SYN {
        return false;
    }
    let record = &entry.record;
    // A bare ACK may come before the SYN in a split handshake: the other side's SYN is still waiting for it.
    if record.from(side.other()).syn > 0 && record.from(side).syn + record.from(side).syn_ack == 0 {
        return is_over(record);
    }
    match (entry.initial_seq[side as usize], entry.first_seq[side as usize]) {
        (Some(initial), _) if tcp.sequence == initial => {
            record.from_a.fin > 0
                && record.from_b.fin > 0
                && time_ns.saturating_sub(record.last_seen_ns) > RETRANSMISSION_NS
        }
        (Some(_), _) => true,
        (None, Some(first)) => tcp.sequence.wrapping_add(1) != first,
        (None, None) => is_over(record),
    }
}

/// Both sides sent FIN, or one sent RST.
pub(super) fn is_over(record: &FlowRecord) -> bool {
    let (a, b) = (&record.from_a, &record.from_b);
    a.rst > 0 || b.rst > 0 || (a.fin > 0 && b.fin > 0)
}

/// Counts a segment in the facts of its direction. A copy of a packet says nothing about retransmissions.
pub(super) fn count(entry: &mut Entry, side: Side, tcp: TcpHeader, payload_bytes: u32, arrival: &Arrival, copy: bool) {
    let frame = arrival.frame_in(&entry.record);
    entry.record.from_mut(side).tcp_flags |= tcp.flags;
    let syn = tcp.flags & flags::SYN != 0;
    if syn {
        opening(entry, side, tcp, payload_bytes, arrival, copy);
        entry.initial_seq[side as usize].get_or_insert(tcp.sequence);
    } else {
        third_step(entry, side, tcp, arrival.time_ns);
    }
    entry.first_seq[side as usize].get_or_insert(tcp.sequence);
    let fin = tcp.flags & flags::FIN != 0;
    if fin {
        entry.record.first_fin.get_or_insert(side);
    }
    let facts = entry.record.from_mut(side);
    if tcp.flags & flags::RST != 0 {
        facts.rst_frame = facts.rst_frame.or(frame.filter(|_| facts.rst == 0));
        facts.rst += 1;
    }
    facts.fin += u32::from(fin);
    let after = tcp.sequence.wrapping_add(payload_bytes).wrapping_add(u32::from(syn)).wrapping_add(u32::from(fin));
    // A SYN is counted as one, and a RST may carry any number.
    if !copy && tcp.flags & (flags::SYN | flags::RST) == 0 {
        sequence(facts, tcp.sequence, payload_bytes, fin);
    }
    facts.next_seq = Some(match facts.next_seq {
        Some(before) if precedes(after, before) => before,
        _ => after,
    });
}

/// Sequence numbers are compared modulo 2^32 (RFC 9293 section 3.4).
fn precedes(number: u32, other: u32) -> bool {
    (number.wrapping_sub(other) as i32) < 0
}

/// Compares a segment with what was to come.
fn sequence(facts: &mut DirectionFacts, sequence: u32, payload_bytes: u32, fin: bool) {
    let Some(expected) = facts.next_seq else { return };
    let end = sequence.wrapping_add(payload_bytes).wrapping_add(u32::from(fin));
    if precedes(expected, sequence) {
        facts.gaps += 1;
    } else if payload_bytes <= 1 && !fin && sequence.wrapping_add(1) == expected {
        facts.keep_alives += 1;
    } else if (payload_bytes > 0 || fin) && !precedes(expected, end) {
        facts.retransmitted += 1;
    }
}

/// A SYN or SYN-ACK.
fn opening(entry: &mut Entry, side: Side, tcp: TcpHeader, payload_bytes: u32, arrival: &Arrival, copy: bool) {
    let Arrival { time_ns, .. } = *arrival;
    let frame = arrival.frame_in(&entry.record);
    let acknowledges = tcp.flags & flags::ACK != 0;
    let last_ns = entry.handshake_ns[side as usize][usize::from(acknowledges)].replace(time_ns);
    let soon = last_ns.is_some_and(|last| time_ns.saturating_sub(last).saturating_abs() < RETRANSMISSION_NS);
    let copy = copy || (entry.initial_seq[side as usize] == Some(tcp.sequence) && soon);
    let other_syn_ns = entry.handshake_ns[side.other() as usize][0];
    let record = &mut entry.record;
    let other_syns = record.from(side.other()).syn;
    let facts = record.from_mut(side);
    if copy {
        facts.handshake_copies += 1;
        return;
    }
    facts.fast_open_bytes = facts.fast_open_bytes.saturating_add(payload_bytes);
    if acknowledges {
        facts.syn_ack_frame = facts.syn_ack_frame.or(frame.filter(|_| facts.syn_ack == 0));
        facts.syn_ack += 1;
        // Which of several SYNs was answered is not known (Karn's rule).
        if facts.syn_ack == 1 && other_syns == 1 {
            record.syn_to_syn_ack_ns = other_syn_ns.and_then(|syn_ns| step(syn_ns, time_ns));
        }
    } else {
        facts.syn_retransmitted += u32::from(facts.syn > 0);
        facts.syn += 1;
        facts.syn_frame = facts.syn_frame.or(frame.filter(|_| facts.syn == 1));
        facts.syn_ns = facts.syn_ns.or(Some(time_ns));
        record.first_syn.get_or_insert(side);
    }
}

fn step(from_ns: i64, to_ns: i64) -> Option<i64> {
    Some(to_ns.saturating_sub(from_ns)).filter(|ns| (0..=LONGEST_STEP_NS).contains(ns))
}

/// The first ACK of the side that sent the SYN ends the handshake.
fn third_step(entry: &mut Entry, side: Side, tcp: TcpHeader, time_ns: i64) {
    let responder = side.other();
    let waits = entry.record.syn_to_syn_ack_ns.is_some() && entry.record.syn_ack_to_ack_ns.is_none();
    let (Some(initial), Some(syn_ack_ns)) =
        (entry.initial_seq[responder as usize], entry.handshake_ns[responder as usize][1])
    else {
        return;
    };
    let answers = tcp.flags & flags::ACK != 0 && tcp.acknowledgment == initial.wrapping_add(1);
    if waits && answers && entry.record.first_syn == Some(side) && entry.record.from(responder).syn_ack == 1 {
        entry.record.syn_ack_to_ack_ns = step(syn_ack_ns, time_ns);
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
pub(super) fn class(record: &FlowRecord) -> Class {
    if record.key.transport == Transport::Udp {
        return Class::Datagrams;
    }
    let opening = record.from_a.syn + record.from_b.syn > 0 && !(record.from_a.spoke() || record.from_b.spoke());
    if opening || is_over(record) { Class::Transitory } else { Class::Open }
}

//! What a TCP segment means for its flow.

use super::cache::{Class, Entry};
use crate::model::{FlowRecord, Side, TcpHeader, TcpState, Transport, flags};

/// No host repeats a SYN or SYN-ACK sooner (RFC 6298: first after 1 s; some stacks 500 ms).
const RETRANSMISSION_NS: i64 = 200_000_000;

/// Whether a segment begins another connection on the endpoints of this one: a SYN whose sequence number is not that of
/// the SYN before. A SYN recorded behind the data that follows it belongs to that data.
pub(super) fn begins_another(entry: &Entry, side: Side, tcp: TcpHeader) -> bool {
    if tcp.flags & (flags::SYN | flags::ACK) != flags::SYN {
        return false;
    }
    // A bare ACK may come before the SYN in a split handshake: the other side's SYN is still waiting for it.
    if entry.record.from(side.other()).syn > 0 && entry.record.from(side).syn + entry.record.from(side).syn_ack == 0 {
        return is_over(&entry.record);
    }
    match (entry.initial_seq[side as usize], entry.first_seq[side as usize]) {
        (Some(initial), _) => tcp.sequence != initial,
        (None, Some(first)) => tcp.sequence.wrapping_add(1) != first,
        (None, None) => is_over(&entry.record),
    }
}

/// Both sides sent FIN, or one sent RST.
pub(super) fn is_over(record: &FlowRecord) -> bool {
    let (a, b) = (&record.from_a, &record.from_b);
    a.rst > 0 || b.rst > 0 || (a.fin > 0 && b.fin > 0)
}

/// Counts a segment in the facts of its direction.
pub(super) fn count(
    entry: &mut Entry,
    side: Side,
    tcp: TcpHeader,
    payload_bytes: u32,
    frame: Option<u64>,
    time_ns: i64,
) {
    let initial_seq = &mut entry.initial_seq[side as usize];
    let first_syn = &mut entry.record.first_syn;
    let facts = match side {
        Side::A => &mut entry.record.from_a,
        Side::B => &mut entry.record.from_b,
    };
    facts.tcp_flags |= tcp.flags;
    let syn = tcp.flags & flags::SYN != 0;
    let copy = syn && {
        let kind = usize::from(tcp.flags & flags::ACK != 0);
        let last_ns = entry.handshake_ns[side as usize][kind].replace(time_ns);
        *initial_seq == Some(tcp.sequence)
            && last_ns.is_some_and(|last| time_ns.saturating_sub(last).saturating_abs() < RETRANSMISSION_NS)
    };
    if copy {
        facts.handshake_copies += 1;
    } else if syn && tcp.flags & flags::ACK == 0 {
        facts.syn_retransmitted += u32::from(facts.syn > 0);
        facts.syn += 1;
        facts.syn_frame = facts.syn_frame.or(frame.filter(|_| facts.syn == 1));
        facts.syn_ns = facts.syn_ns.or(Some(time_ns));
        first_syn.get_or_insert(side);
    } else if syn {
        facts.syn_ack_frame = facts.syn_ack_frame.or(frame.filter(|_| facts.syn_ack == 0));
        facts.syn_ack += 1;
    }
    if syn {
        initial_seq.get_or_insert(tcp.sequence);
    }
    entry.first_seq[side as usize].get_or_insert(tcp.sequence);
    if tcp.flags & flags::RST != 0 {
        facts.rst_frame = facts.rst_frame.or(frame.filter(|_| facts.rst == 0));
        facts.rst += 1;
    }
    let fin = tcp.flags & flags::FIN != 0;
    facts.fin += u32::from(fin);
    let after = tcp.sequence.wrapping_add(payload_bytes).wrapping_add(u32::from(syn)).wrapping_add(u32::from(fin));
    facts.next_seq = Some(match facts.next_seq {
        // Sequence numbers are compared modulo 2^32 (RFC 9293 section 3.4).
        Some(before) if (after.wrapping_sub(before) as i32) < 0 => before,
        _ => after,
    });
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

//! What a packet changes in the record of its flow, apart from what TCP makes of it.

use super::cache::Entry;
use crate::model::{
    Activity, CaptureIndex, FlowRecord, Frame, Heading, IcmpError, IcmpKind, Packet, Position, Side,
    believed_wire_bytes,
};

/// Payload after this much silence begins a new burst.
const BURST_SILENCE_NS: i64 = 1_000_000_000;

/// Which packet, from where, when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival {
    pub(super) position: Position,
    pub(super) time_ns: i64,
    pub(super) wire_bytes: u32,
    pub(super) heading: Option<Heading>,
}

impl Arrival {
    pub(super) fn of(frame: &Frame<'_>, heading: Option<Heading>) -> Self {
        let wire_bytes = believed_wire_bytes(frame.data.len(), frame.wire_bytes);
        Self { position: frame.position, time_ns: frame.time_ns, wire_bytes, heading }
    }

    pub(super) fn capture(&self) -> CaptureIndex {
        self.position.capture
    }

    /// The frame number, where it counts in the file that the flow's first frame is in.
    pub(super) fn frame_in(&self, record: &FlowRecord) -> Option<u64> {
        (record.capture == self.capture()).then_some(self.position.frame)
    }
}

/// Counts a packet.
pub(super) fn add(record: &mut FlowRecord, side: Side, arrival: &Arrival, ip_bytes: u32, payload_bytes: u32) {
    record.first_seen_ns = record.first_seen_ns.min(arrival.time_ns);
    record.last_seen_ns = record.last_seen_ns.max(arrival.time_ns);
    let facts = record.from_mut(side);
    facts.packets += 1;
    facts.wire_bytes += u64::from(arrival.wire_bytes);
    facts.ip_bytes += u64::from(ip_bytes);
    facts.payload_bytes += u64::from(payload_bytes);
    facts.payload_packets += u64::from(payload_bytes > 0);
    if let Some(recorder) = recorder(side, arrival.heading) {
        record.from_mut(recorder).is_recorder = true;
    }
}

/// The side at which the recorder stands, by which way a packet of `side` went.
pub(super) fn recorder(side: Side, heading: Option<Heading>) -> Option<Side> {
    heading.map(|heading| match heading {
        Heading::Outbound => side,
        Heading::Inbound => side.other(),
    })
}

/// Whether the recording kept less of a packet than its headers announce.
pub(super) fn is_snapped(packet: &Packet<'_>) -> bool {
    packet.payload.len() < packet.payload_bytes as usize && packet.fragment.is_none()
}

/// Notes payload; gives back the burst that it ended.
pub(super) fn burst(entry: &mut Entry, side: Side, arrival: &Arrival, payload_bytes: u32) -> Option<Activity> {
    let fresh = Activity {
        capture: entry.record.capture,
        flow_first_frame: entry.record.first_frame,
        burst_capture: arrival.capture(),
        first_frame: arrival.position.frame,
        start_ns: arrival.time_ns,
        end_ns: arrival.time_ns,
        payload_bytes_a: 0,
        payload_bytes_b: 0,
    };
    let silent = |burst: &Activity| arrival.time_ns.saturating_sub(burst.end_ns) >= BURST_SILENCE_NS;
    let ended = entry.burst.filter(silent);
    entry.burst_before |= ended.is_some();
    let burst = match ended {
        Some(_) => entry.burst.insert(fresh),
        None => entry.burst.get_or_insert(fresh),
    };
    burst.end_ns = burst.end_ns.max(arrival.time_ns);
    match side {
        Side::A => burst.payload_bytes_a += u64::from(payload_bytes),
        Side::B => burst.payload_bytes_b += u64::from(payload_bytes),
    }
    ended
}

/// Notes an ICMP error that quoted a packet of side `quoted`.
pub(super) fn icmp_error(record: &mut FlowRecord, quoted: Side, error: &IcmpError, arrival: &Arrival) {
    let frame = arrival.frame_in(record);
    let facts = &mut record.icmp;
    if facts.first_type.is_none() {
        facts.quoted = Some(quoted);
        (facts.first_type, facts.first_code, facts.first_frame) = (Some(error.icmp_type), Some(error.code), frame);
    }
    match error.kind {
        _ if facts.quoted != Some(quoted) => facts.other += 1,
        IcmpKind::PortUnreachable => facts.port_unreachable += 1,
        IcmpKind::Prohibited => facts.prohibited += 1,
        IcmpKind::Other => facts.other += 1,
    }
}

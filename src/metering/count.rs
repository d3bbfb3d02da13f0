//! What a packet changes in its flow, apart from what TCP makes of it.

use super::entry::{Entry, add};
use crate::model::{
    CaptureIndex, Frame, Heading, IcmpError, IcmpKind, LaterFragment, Packet, Position, Side, believed_wire_bytes,
};

/// Which packet, from where, when.
#[derive(Debug, Clone, Copy, Default)]
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

    /// How far the frame stands behind the first one of its flow, where both are in one file.
    pub(super) fn frame_behind(&self, flow: &Entry) -> Option<u32> {
        let behind = self.position.frame.checked_sub(flow.first_frame).filter(|_| flow.capture == self.capture())?;
        u32::try_from(behind).ok()
    }
}

/// Counts a packet.
#[inline]
pub(super) fn count(flow: &mut Entry, side: Side, at: &Arrival, ip_bytes: u32, payload_bytes: u32) {
    if at.time_ns < flow.first_seen_ns {
        if flow.begun_by_syn {
            // The first packet is no longer the earliest.
            flow.handshake_mut();
        }
        flow.first_seen_ns = at.time_ns;
    }
    flow.last_seen_ns = flow.last_seen_ns.max(at.time_ns);
    add!(flow, side, packets, 1);
    add!(flow, side, wire_bytes, at.wire_bytes);
    add!(flow, side, ip_bytes, ip_bytes);
    if payload_bytes > 0 {
        add!(flow, side, payload_bytes, payload_bytes);
        add!(flow, side, payload_packets, 1);
    }
    if let Some(recorder) = recorder(side, at.heading) {
        flow.from[recorder as usize].is_recorder = true;
    }
}

/// Counts a fragment without ports. Its data is payload like any other, but for bursts.
pub(super) fn later_fragment(flow: &mut Entry, side: Side, at: &Arrival, later: &LaterFragment) {
    count(flow, side, at, later.ip_bytes, later.fragment.data_bytes);
    flow.rare_mut().fragments += 1;
    flow.spoke = true;
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

/// Notes an ICMP error that quoted a packet of side `quoted`.
pub(super) fn icmp_error(flow: &mut Entry, quoted: Side, error: &IcmpError, at: &Arrival) {
    let frame = (flow.capture == at.capture()).then_some(at.position.frame);
    let facts = &mut flow.rare_mut().icmp;
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

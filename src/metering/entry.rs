//! An active flow in the cache, packed: a quarter of a kilobyte for what a [`FlowRecord`] says in three quarters.
//!
//! What most flows lack lies outside, on the heap: all but the first SYN of a handshake ([`Handshake`]), tunnels, ICMP errors
//! and the like ([`Rare`]). Counters are as small as usual flows need; when one is full, what it held is carried to
//! [`Rare::excess`], so that the sum is exact.

use super::count::Arrival;
use super::key::PackedKey;
use super::streams::Interest;
use super::tcp;
use crate::model::{
    Activity, CaptureIndex, DirectionFacts, Encapsulation, EndReason, FlowKey, FlowRecord, IcmpFacts, Recognised, Side,
    Transport, Tunnel,
};
use std::ops::AddAssign;

/// Which timeout applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// UDP.
    Datagrams,
    /// TCP in conversation.
    Open,
    /// TCP before its handshake or after its close.
    Transitory,
}

impl Class {
    pub(super) const ALL: [Self; 3] = [Self::Datagrams, Self::Open, Self::Transitory];
}

/// The queue has it nowhere.
pub(super) const NOT_QUEUED: i32 = i32::MIN;
/// Payload after this much silence begins a new burst.
const BURST_SILENCE_NS: i64 = 1_000_000_000;

/// What one side sent.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Direction {
    pub(super) packets: u32,
    pub(super) wire_bytes: u32,
    pub(super) ip_bytes: u32,
    pub(super) payload_bytes: u32,
    pub(super) payload_packets: u32,
    /// Sequence number of the SYN, or else of the first segment seen.
    pub(super) start_seq: u32,
    pub(super) next_seq: u32,
    /// Frame of the first RST, counted from the flow's first frame, which is 1; 0 for none.
    pub(super) rst_frame: u32,
    pub(super) retransmitted: u16,
    pub(super) keep_alives: u16,
    pub(super) gaps: u16,
    pub(super) syn: u8,
    pub(super) syn_ack: u8,
    pub(super) fin: u8,
    pub(super) rst: u8,
    pub(super) tcp_flags: u8,
    /// What `start_seq` is.
    pub(super) start: Start,
    /// Whether there is a `next_seq`.
    pub(super) has_next: bool,
    pub(super) is_recorder: bool,
}

/// What the first sequence number of a side is that is remembered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Start {
    /// Nothing was sent yet.
    #[default]
    None,
    /// That of the first segment: no SYN was seen.
    Midstream,
    /// The initial one, of SYN or SYN-ACK.
    Initial,
}

impl Direction {
    /// Initial sequence number, from SYN or SYN-ACK.
    pub(super) fn initial_seq(&self) -> Option<u32> {
        (self.start == Start::Initial).then_some(self.start_seq)
    }
}

/// No time.
pub(super) const NO_TIME: i64 = i64::MIN;
/// No frame.
pub(super) const NO_FRAME: u32 = u32::MAX;

/// What is told of SYNs and SYN-ACKs beyond their number. Frames count from the flow's first one, which is 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Handshake {
    /// Time of the latest SYN and of the latest SYN-ACK of each side.
    pub(super) latest_ns: [[i64; 2]; 2],
    pub(super) syn_ns: [i64; 2],
    pub(super) syn_to_syn_ack_ns: i64,
    pub(super) syn_ack_to_ack_ns: i64,
    pub(super) syn_frame: [u32; 2],
    pub(super) syn_ack_frame: [u32; 2],
    pub(super) fast_open_bytes: [u32; 2],
    pub(super) syn_retransmitted: [u32; 2],
    pub(super) copies: [u32; 2],
}

impl Handshake {
    const NONE: Self = Self {
        latest_ns: [[NO_TIME; 2]; 2],
        syn_ns: [NO_TIME; 2],
        syn_to_syn_ack_ns: NO_TIME,
        syn_ack_to_ack_ns: NO_TIME,
        syn_frame: [NO_FRAME; 2],
        syn_ack_frame: [NO_FRAME; 2],
        fast_open_bytes: [0; 2],
        syn_retransmitted: [0; 2],
        copies: [0; 2],
    };
}

/// A time that may be missing.
pub(super) fn some_time(ns: i64) -> Option<i64> {
    (ns != NO_TIME).then_some(ns)
}

/// What few flows have.
#[derive(Debug, Clone, Default)]
pub(super) struct Rare {
    /// What is wrapped around it, where that is more than a VLAN tag.
    encapsulation: Option<Encapsulation>,
    pub(super) carries: Option<Tunnel>,
    pub(super) carrier_packets: u64,
    pub(super) icmp: IcmpFacts,
    pub(super) fragments: u32,
    /// The process that was told last; 0 where none was.
    pub(super) process_id: u32,
    /// Where the burst under way began, if not in the flow's own capture.
    burst_elsewhere: (CaptureIndex, u64),
    /// What the payload counters of the burst under way held when they were full.
    burst_excess: [u64; 2],
    /// What counters held when they were full.
    excess: Option<Box<[DirectionFacts; 2]>>,
}

/// An active flow. Four cache lines, and not parts of five; each field is where it is so that [`Entry::glimpse`] knows what lies
/// in which line.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
pub(super) struct Entry {
    pub(super) key: PackedKey,
    /// Latest packet, in the meter's time.
    pub(super) touched_ns: i64,
    /// Earliest and latest packet, as stamped.
    pub(super) first_seen_ns: i64,
    pub(super) last_seen_ns: i64,
    // The second line begins here.
    pub(super) from: [Direction; 2],
    /// The burst under way, where there is one: first and last payload.
    burst_start_ns: i64,
    burst_end_ns: i64,
    burst_payload_bytes: [u32; 2],
    /// Its first frame, counted from the flow's first one; [`NO_FRAME`]: see [`Rare::burst_elsewhere`].
    burst_frame: u32,
    pub(super) capture: CaptureIndex,
    // The fourth line begins here.
    pub(super) first_frame: u64,
    handshake: Option<Box<Handshake>>,
    rare: Option<Box<Rare>>,
    /// What its payload is still wanted for.
    pub(super) interest: Interest,
    pub(super) snapped: u32,
    pub(super) duplicates: u32,
    /// Where the queue of idle flows has it.
    pub(super) queued_at: i32,
    /// Its VLAN and 1; 0 without a tag.
    vlan_and_1: u16,
    pub(super) application: Option<Recognised>,
    /// Which of the looks that the queue had at this place is the latest; flows that had the place before count.
    pub(super) look: u8,
    pub(super) class: Class,
    first_sender: Side,
    pub(super) first_syn: Option<Side>,
    pub(super) first_fin: Option<Side>,
    /// The first packet was a plain SYN, and is all that there was of a handshake.
    pub(super) begun_by_syn: bool,
    /// A side sent something that is neither SYN nor RST.
    pub(super) spoke: bool,
    /// Of the handshake only the last step is missing.
    pub(super) awaits_ack: bool,
    /// UDP whose packets carry a tunnel.
    pub(super) is_carrier: bool,
    has_burst: bool,
    /// An earlier burst was handed out.
    burst_before: bool,
}

/// Adds to a counter of a side; what it held when it is full goes to [`Rare::excess`].
macro_rules! add {
    ($entry:expr, $side:expr, $counter:ident, $number:expr) => {{
        let counter = &mut $entry.from[$side as usize].$counter;
        match counter.checked_add($number) {
            Some(sum) => *counter = sum,
            None => {
                let held = std::mem::replace(counter, $number);
                $crate::metering::entry::carry(&mut $entry.excess_mut($side).$counter, held);
            }
        }
    }};
}
pub(super) use add;

pub(super) fn carry<Wide: From<Small> + AddAssign, Small>(excess: &mut Wide, held: Small) {
    *excess += Wide::from(held);
}

impl Entry {
    /// A flow that begins with a packet of `first_sender`, which is still to be counted.
    pub(super) fn begun(
        key: PackedKey,
        first_sender: Side,
        around: Encapsulation,
        at: &Arrival,
        interest: Interest,
    ) -> Self {
        let rare = (around != Encapsulation::tagged(around.vlan, around.depth))
            .then(|| Box::new(Rare { encapsulation: Some(around), ..Rare::default() }));
        Self {
            key,
            touched_ns: NO_TIME,
            first_seen_ns: at.time_ns,
            last_seen_ns: at.time_ns,
            from: [Direction::default(); 2],
            burst_start_ns: 0,
            burst_end_ns: 0,
            burst_frame: 0,
            burst_payload_bytes: [0; 2],
            capture: at.capture(),
            first_frame: at.position.frame,
            handshake: None,
            rare,
            interest,
            snapped: 0,
            duplicates: 0,
            queued_at: NOT_QUEUED,
            look: 0,
            vlan_and_1: around.vlan.map_or(0, |vlan| vlan.saturating_add(1)),
            application: None,
            class: if key.transport() == Transport::Udp { Class::Datagrams } else { Class::Open },
            first_sender,
            first_syn: None,
            first_fin: None,
            begun_by_syn: false,
            spoke: false,
            awaits_ack: false,
            is_carrier: false,
            has_burst: false,
            burst_before: false,
        }
    }

    /// Leaves what a place in the cache holds that no flow has. The rest is overwritten by the next flow.
    pub(super) fn vacate(&mut self) {
        (self.key, self.queued_at) = (PackedKey::NONE, NOT_QUEUED);
        (self.handshake, self.rare) = (None, None);
    }

    /// A look at each of its cache lines.
    #[inline]
    pub(super) fn glimpse(&self) -> u64 {
        (self.touched_ns ^ self.burst_end_ns).cast_unsigned() ^ u64::from(self.from[0].packets) ^ self.first_frame
    }

    pub(super) fn rare(&self) -> Option<&Rare> {
        self.rare.as_deref()
    }

    pub(super) fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    #[cold]
    pub(super) fn excess_mut(&mut self, side: Side) -> &mut DirectionFacts {
        &mut self.rare_mut().excess.get_or_insert_default()[side as usize]
    }

    /// What is known of the handshake.
    pub(super) fn handshake(&self) -> Handshake {
        match &self.handshake {
            Some(handshake) => **handshake,
            None if self.begun_by_syn => self.first_packet_as_handshake(),
            None => Handshake::NONE,
        }
    }

    pub(super) fn handshake_mut(&mut self) -> &mut Handshake {
        if self.handshake.is_none() {
            self.handshake = Some(Box::new(self.handshake()));
            self.begun_by_syn = false;
        }
        self.handshake.get_or_insert_with(|| Box::new(Handshake::NONE))
    }

    /// A plain SYN, alone: the earliest packet is the first one.
    fn first_packet_as_handshake(&self) -> Handshake {
        let mut handshake = Handshake::NONE;
        let side = self.first_sender as usize;
        handshake.latest_ns[side][0] = self.first_seen_ns;
        handshake.syn_ns[side] = self.first_seen_ns;
        handshake.syn_frame[side] = 0;
        handshake
    }

    /// SYN-ACKs of a side.
    pub(super) fn syn_acks(&self, side: Side) -> u32 {
        u32::from(self.from[side as usize].syn_ack) + self.excess(side).map_or(0, |excess| excess.syn_ack)
    }

    /// SYNs of a side.
    pub(super) fn syns(&self, side: Side) -> u32 {
        u32::from(self.from[side as usize].syn) + self.excess(side).map_or(0, |excess| excess.syn)
    }

    fn excess(&self, side: Side) -> Option<&DirectionFacts> {
        self.rare()?.excess.as_ref().map(|excess| &excess[side as usize])
    }

    /// Notes payload of a conversation; gives back the burst that it ends.
    #[inline]
    pub(super) fn burst(&mut self, side: Side, at: &Arrival, payload_bytes: u32) -> Option<Activity> {
        let ends = self.has_burst && at.time_ns.saturating_sub(self.burst_end_ns) >= BURST_SILENCE_NS;
        let ended = if ends { self.burst_under_way() } else { None };
        if ends || !self.has_burst {
            if ends && let Some(rare) = &mut self.rare {
                rare.burst_excess = [0; 2];
            }
            self.burst_before |= ends;
            self.has_burst = true;
            (self.burst_start_ns, self.burst_end_ns) = (at.time_ns, at.time_ns);
            self.burst_frame = at.frame_behind(self).unwrap_or(NO_FRAME);
            if self.burst_frame == NO_FRAME {
                self.rare_mut().burst_elsewhere = (at.capture(), at.position.frame);
            }
            self.burst_payload_bytes = [0; 2];
        }
        self.burst_end_ns = self.burst_end_ns.max(at.time_ns);
        let counter = &mut self.burst_payload_bytes[side as usize];
        match counter.checked_add(payload_bytes) {
            Some(sum) => *counter = sum,
            None => {
                let held = std::mem::replace(counter, payload_bytes);
                self.rare_mut().burst_excess[side as usize] += u64::from(held);
            }
        }
        ended
    }

    /// The last burst, where it is not the only one.
    pub(super) fn last_burst(&self) -> Option<Activity> {
        self.burst_under_way().filter(|_| self.burst_before)
    }

    fn burst_under_way(&self) -> Option<Activity> {
        let excess = self.rare().map_or([0; 2], |rare| rare.burst_excess);
        let payload_bytes = |side: Side| excess[side as usize] + u64::from(self.burst_payload_bytes[side as usize]);
        let (burst_capture, first_frame) = match (self.burst_frame, self.rare()) {
            (NO_FRAME, Some(rare)) => rare.burst_elsewhere,
            (behind, _) => (self.capture, self.first_frame + u64::from(behind)),
        };
        self.has_burst.then(|| Activity {
            capture: self.capture,
            flow_first_frame: self.first_frame,
            burst_capture,
            first_frame,
            start_ns: self.burst_start_ns,
            end_ns: self.burst_end_ns,
            payload_bytes_a: payload_bytes(Side::A),
            payload_bytes_b: payload_bytes(Side::B),
        })
    }

    pub(super) fn id(&self) -> FlowId {
        FlowId { capture: self.capture, first_frame: self.first_frame, key: self.key.flow_key() }
    }

    /// The flow as it is told.
    pub(super) fn record(&self, end_reason: EndReason) -> FlowRecord {
        let FlowId { capture, first_frame, key } = self.id();
        let tag_only = Encapsulation::tagged(self.vlan_and_1.checked_sub(1), self.key.depth());
        let handshake = self.handshake();
        let mut record = FlowRecord {
            encapsulation: tag_only,
            last_seen_ns: self.last_seen_ns,
            first_syn: self.first_syn,
            from_a: self.facts(Side::A, &handshake),
            from_b: self.facts(Side::B, &handshake),
            end_reason,
            duplicates: self.duplicates,
            snapped: self.snapped,
            syn_to_syn_ack_ns: some_time(handshake.syn_to_syn_ack_ns),
            syn_ack_to_ack_ns: some_time(handshake.syn_ack_to_ack_ns),
            first_fin: self.first_fin,
            application: self.application,
            ..FlowRecord::begun(key, self.first_sender, capture, first_frame, self.first_seen_ns)
        };
        if let Some(rare) = self.rare() {
            record.encapsulation = rare.encapsulation.unwrap_or(tag_only);
            (record.carries, record.carrier_packets) = (rare.carries, rare.carrier_packets);
            (record.icmp, record.fragments) = (rare.icmp, rare.fragments);
        }
        record.state = tcp::state(&record);
        record
    }

    fn facts(&self, side: Side, handshake: &Handshake) -> DirectionFacts {
        let from = &self.from[side as usize];
        let frame = |behind: u32| (behind != NO_FRAME).then(|| self.first_frame + u64::from(behind));
        let more = self.excess(side).copied().unwrap_or_default();
        let side = side as usize;
        DirectionFacts {
            packets: more.packets + u64::from(from.packets),
            wire_bytes: more.wire_bytes + u64::from(from.wire_bytes),
            ip_bytes: more.ip_bytes + u64::from(from.ip_bytes),
            payload_bytes: more.payload_bytes + u64::from(from.payload_bytes),
            payload_packets: more.payload_packets + u64::from(from.payload_packets),
            tcp_flags: from.tcp_flags,
            syn: more.syn + u32::from(from.syn),
            syn_retransmitted: handshake.syn_retransmitted[side],
            syn_ack: more.syn_ack + u32::from(from.syn_ack),
            retransmitted: more.retransmitted + u32::from(from.retransmitted),
            keep_alives: more.keep_alives + u32::from(from.keep_alives),
            gaps: more.gaps + u32::from(from.gaps),
            fast_open_bytes: handshake.fast_open_bytes[side],
            is_recorder: from.is_recorder,
            handshake_copies: handshake.copies[side],
            fin: more.fin + u32::from(from.fin),
            rst: more.rst + u32::from(from.rst),
            syn_frame: frame(handshake.syn_frame[side]),
            syn_ns: some_time(handshake.syn_ns[side]),
            syn_ack_frame: frame(handshake.syn_ack_frame[side]),
            rst_frame: from.rst_frame.checked_sub(1).and_then(frame),
            next_seq: from.has_next.then_some(from.next_seq),
        }
    }
}

/// What names a flow, and who talks in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct FlowId {
    pub(super) capture: CaptureIndex,
    pub(super) first_frame: u64,
    pub(super) key: FlowKey,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::offset_of;

    #[test]
    fn a_flow_takes_a_quarter_of_a_kilobyte() {
        assert!(size_of::<Entry>() <= 256, "{} bytes", size_of::<Entry>());
        assert!(size_of::<Handshake>() <= 128 && size_of::<Direction>() <= 48, "{}", size_of::<Direction>());
    }

    #[test]
    fn a_glimpse_is_at_every_line() {
        let places = [
            offset_of!(Entry, touched_ns),
            offset_of!(Entry, from) + offset_of!(Direction, packets),
            offset_of!(Entry, burst_end_ns),
            offset_of!(Entry, first_frame),
        ];
        assert_eq!(places.map(|place| place / 64), [0, 1, 2, 3]);
    }

    #[test]
    fn full_counters_are_carried() {
        let at = Arrival::default();
        let mut entry = Entry::begun(PackedKey::NONE, Side::A, Encapsulation::default(), &at, Interest::new(false));
        for _ in 0..1_000 {
            add!(entry, Side::A, syn_ack, 1);
            add!(entry, Side::B, wire_bytes, u32::MAX);
        }
        let record = entry.record(EndReason::Idle);
        assert_eq!((record.from_a.syn_ack, entry.syn_acks(Side::A), record.from_b.syn_ack), (1_000, 1_000, 0));
        assert_eq!(record.from_b.wire_bytes, 1_000 * u64::from(u32::MAX));
    }
}

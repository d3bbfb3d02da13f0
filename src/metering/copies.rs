//! Copies of packets: a SPAN port that mirrors both ways, several taps merged.
//!
//! A copy has the same endpoints, IP identification, lengths, transport header and first and last payload bytes. The hosts
//! themselves do not send that again: a retransmission has another IP identification. Where there is none (IPv6, or 0 in
//! IPv4) only much shorter times are taken for a copy, and bare acknowledgments never.

use super::key::PackedKey;
use crate::model::{Packet, Segment, flags};
use foldhash::fast::FixedState;
use std::hash::BuildHasher;

/// Packets that are remembered. Where more come within the time of a copy, some copies are not recognised.
const SLOTS: usize = 1 << 15;
/// Time between a packet and its copy at one tap; with clocks of their own, at two.
const SAME_TAP_NS: i64 = 1_000_000;
const OTHER_TAP_NS: i64 = 200_000_000;
/// The same where no IP identification tells a copy from a repetition.
const SAME_TAP_UNIDENTIFIED_NS: i64 = 100_000;
const OTHER_TAP_UNIDENTIFIED_NS: i64 = 1_000_000;

#[derive(Clone, Copy)]
struct Slot {
    hash: u64,
    time_ns: i64,
    /// Sequence and acknowledgment numbers once more, so that equal hashes alone make no copy.
    numbers: u32,
    tap: u32,
}

/// Packets seen lately.
pub(super) struct Copies {
    slots: Vec<Slot>,
    /// Not seeded per process: which copies are recognised must not differ between two runs.
    hasher: FixedState,
}

impl Copies {
    pub(super) fn new() -> Self {
        let never = Slot { hash: 0, time_ns: i64::MIN, numbers: 0, tap: 0 };
        Self { slots: vec![never; SLOTS], hasher: FixedState::default() }
    }

    /// Whether the packet was seen a moment ago; remembers it. `tap` is where: a number for each capture and interface.
    pub(super) fn seen(&mut self, packet: &Packet<'_>, key: PackedKey, from_a: bool, tap: u32, time_ns: i64) -> bool {
        let (numbers, tcp_flags) = match packet.segment {
            Segment::Tcp(Some(tcp)) => (u64::from(tcp.sequence) << 32 | u64::from(tcp.acknowledgment), tcp.flags),
            _ => (0, 0),
        };
        let identified = packet.identification != 0;
        let bare = packet.payload_bytes == 0 && tcp_flags & (flags::SYN | flags::FIN | flags::RST) == 0;
        if !identified && bare {
            return false;
        }
        let lengths = u64::from(packet.ip_bytes) << 32 | u64::from(packet.identification);
        let header = u64::from(tcp_flags) << 17 | u64::from(packet.checksum) << 1 | u64::from(from_a);
        let payload = packet.payload;
        let first = payload.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let last = payload.last_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let hash = self.hasher.hash_one((key, numbers, lengths, header, first, last));
        let slot = &mut self.slots[hash as usize % SLOTS];
        let window_ns = match (slot.tap == tap, identified) {
            (true, true) => SAME_TAP_NS,
            (true, false) => SAME_TAP_UNIDENTIFIED_NS,
            (false, true) => OTHER_TAP_NS,
            (false, false) => OTHER_TAP_UNIDENTIFIED_NS,
        };
        let numbers = (numbers >> 32) as u32 ^ numbers as u32;
        let same = slot.hash == hash && slot.numbers == numbers;
        let copy = same && time_ns.saturating_sub(slot.time_ns).saturating_abs() <= window_ns;
        *slot = Slot { hash, time_ns, numbers, tap };
        copy
    }
}

//! Copies of packets: a SPAN port that mirrors both ways, several taps merged.
//!
//! A copy has the same endpoints, IP identification, lengths, numbers and flags, and the same payload at its beginning and
//! end. Checksums may differ: a sending host records them unfilled. The hosts themselves do not send that again: a
//! retransmission has another IP identification. Where there is none (IPv6, or 0 in IPv4) only much shorter times are taken
//! for a copy, and segments that a host may well repeat at once never: bare acknowledgments and resets.
//!
//! Times count from the original, and each tap gives it at most one copy: what comes after that is sent anew.

use super::key::PackedKey;
use crate::model::{Fragment, Packet, Segment, flags};
use foldhash::fast::FixedState;
use std::hash::BuildHasher;
use std::hint::black_box;

/// Packets that are remembered. Where more come within the time of a copy, some copies are not recognised.
const SLOTS: usize = 1 << 15;
/// Time between a packet and its copy at one tap; with clocks of their own, at two.
const SAME_TAP_NS: i64 = 1_000_000;
const OTHER_TAP_NS: i64 = 200_000_000;
/// The same where no IP identification tells a copy from a repetition.
const SAME_TAP_UNIDENTIFIED_NS: i64 = 20_000;
const OTHER_TAP_UNIDENTIFIED_NS: i64 = 1_000_000;

/// When and where a packet was seen. `tap` is a number for each capture and interface.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sighting {
    /// `None` where the recorder wrote no time: nothing is then a copy.
    pub(super) time_ns: Option<i64>,
    pub(super) tap: u32,
}

/// By what a copy of a packet is recognised.
#[derive(Debug, Clone, Copy)]
pub(super) struct Identity {
    hash: u64,
    /// Whether an IP identification tells it from a repetition.
    identified: bool,
}

/// Not seeded per process: which copies are recognised must not differ between two runs.
const HASHER: FixedState = FixedState::with_seed(0);

impl Identity {
    /// Of a packet; `None` for what a host may well repeat at once. `key` is that of its flow, wherever in tunnels it lies.
    #[inline]
    pub(super) fn of(packet: &Packet<'_>, key: PackedKey, from_a: bool) -> Option<Self> {
        let (numbers, tcp_flags) = match packet.segment {
            Segment::Tcp(Some(tcp)) => (u64::from(tcp.sequence) << 32 | u64::from(tcp.acknowledgment), tcp.flags),
            _ => (0, 0),
        };
        let identified = packet.identification != 0;
        let repeatable = packet.payload_bytes == 0 && tcp_flags & (flags::SYN | flags::FIN) == 0;
        if !identified && repeatable {
            return None;
        }
        let lengths = u64::from(packet.ip_bytes) << 32 | u64::from(packet.identification);
        let header = u64::from(tcp_flags) << 1 | u64::from(from_a);
        let words = packet.payload.as_chunks::<8>().0;
        let word = |i: usize| words.get(i).map_or(0, |word| u64::from_le_bytes(*word));
        let first = (word(0), word(1), word(2), word(3));
        let last = packet.payload.last_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        Some(Self { hash: HASHER.hash_one((key, numbers, lengths, header, first, last)), identified })
    }

    /// Of a fragment without ports.
    pub(super) fn of_fragment(fragment: &Fragment) -> Self {
        let hash = HASHER.hash_one((fragment.key, fragment.offset_bytes, fragment.data_bytes));
        Self { hash, identified: true }
    }
}

/// The original that was seen latest, and the tap that gave a copy of it.
#[derive(Clone, Copy)]
struct Slot {
    hash: u64,
    time_ns: i64,
    tap: u32,
    copied_at: u32,
}

/// No tap.
const NO_TAP: u32 = u32::MAX;

/// Packets seen lately.
pub(super) struct Copies {
    slots: Vec<Slot>,
}

impl Copies {
    pub(super) fn new() -> Self {
        let never = Slot { hash: 0, time_ns: i64::MIN, tap: 0, copied_at: NO_TAP };
        Self { slots: vec![never; SLOTS] }
    }

    /// Has what will be compared brought near: see [`super::cache::FlowCache::approach`].
    pub(super) fn approach(&self, identities: impl Iterator<Item = Identity>) {
        black_box(identities.fold(0, |seen, identity| seen ^ self.slots[identity.hash as usize % SLOTS].hash));
    }

    /// Whether a packet is a copy; an original is remembered.
    #[inline]
    pub(super) fn is_copy(&mut self, Identity { hash, identified }: Identity, seen: Sighting) -> bool {
        let Sighting { time_ns: Some(time_ns), tap } = seen else { return false };
        let slot = &mut self.slots[hash as usize % SLOTS];
        let window_ns = match (slot.tap == tap, identified) {
            (true, true) => SAME_TAP_NS,
            (true, false) => SAME_TAP_UNIDENTIFIED_NS,
            (false, true) => OTHER_TAP_NS,
            (false, false) => OTHER_TAP_UNIDENTIFIED_NS,
        };
        let near = time_ns.saturating_sub(slot.time_ns).saturating_abs() <= window_ns;
        let copy = slot.hash == hash && near && slot.copied_at != tap;
        if copy {
            slot.copied_at = tap;
        } else {
            *slot = Slot { hash, time_ns, tap, copied_at: NO_TAP };
        }
        copy
    }
}

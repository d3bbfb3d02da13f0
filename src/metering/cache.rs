//! The flow cache: a hash table of places in a slab of packed flows, and a lazy queue of those that are silent.

use super::entry::{Class, Entry, NOT_QUEUED};
use super::idle::IdleQueue;
use super::key::PackedKey;
use super::slab::Slab;
use super::table::Table;
use foldhash::fast::RandomState;
use std::hash::BuildHasher;
use std::hint::black_box;
use std::ops::Range;

/// Hashes keys. Seeded per process, so that nobody can prepare collisions; no output depends on the table's order.
#[derive(Debug, Clone, Default)]
pub(super) struct KeyHasher(RandomState);

impl KeyHasher {
    #[inline]
    pub(super) fn hash(&self, key: PackedKey) -> u64 {
        self.0.hash_one(key)
    }
}

/// Flows that are brought near together.
pub(super) const APPROACH: usize = 64;

pub(super) struct FlowCache {
    entries: Slab,
    table: Table,
    hasher: KeyHasher,
    idle: IdleQueue,
    /// How many of those that are silent for longest were brought near.
    near: usize,
}

impl FlowCache {
    /// A cache with room for so many flows, which end after so much silence, by class.
    pub(super) fn new(flows: usize, idle_ns: [i64; 3]) -> Self {
        Self {
            entries: Slab::with_room(flows),
            table: Table::new(),
            hasher: KeyHasher::default(),
            idle: IdleQueue::new(idle_ns),
            near: 0,
        }
    }

    pub(super) fn hasher(&self) -> &KeyHasher {
        &self.hasher
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// Has flows brought near, where they are known: the look-ups of a batch then wait for memory together instead of one
    /// after the other.
    pub(super) fn approach(&self, hashes: impl Iterator<Item = u64> + Clone) {
        // Without a branch in between, so that the slots come together; then the flows do.
        black_box(hashes.clone().take(APPROACH).fold(0, |seen, hash| seen ^ self.table.glimpse(hash)));
        let mut places = [0; APPROACH];
        let mut found = 0;
        for hash in hashes.take(APPROACH) {
            if let Some(place) = self.table.likely(hash) {
                places[found] = place;
                found += 1;
            }
        }
        self.bring_near(&places[..found]);
    }

    /// Reads something of every cache line of these flows.
    pub(super) fn bring_near(&self, places: &[u32]) {
        black_box(places.iter().fold(0, |seen, place| seen ^ self.entries[*place].glimpse()));
    }

    #[inline]
    pub(super) fn find(&self, hash: u64, key: PackedKey) -> Option<u32> {
        self.table.find(hash, |place| self.entries[place].key == key)
    }

    #[inline]
    pub(super) fn get(&self, index: u32) -> &Entry {
        &self.entries[index]
    }

    #[inline]
    pub(super) fn get_mut(&mut self, index: u32) -> &mut Entry {
        &mut self.entries[index]
    }

    /// Takes a flow in. It is to be touched next.
    pub(super) fn insert(&mut self, hash: u64, entry: Entry) -> u32 {
        let index = self.entries.insert(entry);
        self.table.insert(hash, index);
        index
    }

    /// Notes a packet, after which the flow is of this class.
    #[inline]
    pub(super) fn touch(&mut self, index: u32, class: Class, now_ns: i64) {
        let entry = &mut self.entries[index];
        entry.touched_ns = now_ns;
        if entry.class != class || entry.queued_at == NOT_QUEUED {
            entry.class = class;
            self.idle.put(index, entry);
            self.idle.clear_stale(&self.entries, self.table.len());
        }
    }

    pub(super) fn remove(&mut self, index: u32) {
        let hash = self.hasher.hash(self.entries[index].key);
        self.table.remove(hash, index);
        self.entries.remove(index);
    }

    /// Whether a flow is over by its silence.
    #[inline]
    pub(super) fn is_over(&self, index: u32, now_ns: i64) -> bool {
        self.idle.is_over(self.get(index), now_ns)
    }

    /// A flow that is over by its silence, at the latest some seconds after that.
    #[inline]
    pub(super) fn over(&mut self, now_ns: i64) -> Option<u32> {
        self.idle.over(&mut self.entries, now_ns)
    }

    /// The flow that has been silent for longest.
    pub(super) fn longest_silent(&mut self) -> Option<u32> {
        if self.near == 0 {
            let next = self.idle.next_ready(APPROACH);
            self.near = next.len();
            self.bring_near(&next);
        }
        self.near = self.near.saturating_sub(1);
        self.idle.longest_silent(&mut self.entries)
    }

    /// Looks at flows that the queue of idle ones keeps.
    #[cfg(test)]
    pub(super) fn looks(&self) -> usize {
        self.idle.looks()
    }

    /// Places in the queue of idle flows, stale ones among them.
    #[cfg(test)]
    pub(super) fn places(&self) -> usize {
        self.idle.places
    }

    /// All places there are, when flows are only taken out any more: what finds them goes first.
    pub(super) fn close(&mut self) -> Range<u32> {
        self.table = Table::new();
        self.idle.clear();
        self.entries.places()
    }

    /// Whether there is a flow at this place.
    pub(super) fn is_taken(&self, index: u32) -> bool {
        self.entries[index].queued_at != NOT_QUEUED
    }
}

//! The flow cache: a hash table of places in a slab of packed flows, and a lazy queue of those that are silent.

use super::entry::{Class, Entry, NOT_QUEUED};
use super::idle::IdleQueue;
use super::key::PackedKey;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;
use std::hint::black_box;

/// Hashes keys. Seeded per process, so that nobody can prepare collisions; no output depends on the table's order.
#[derive(Debug, Clone, Default)]
pub(super) struct KeyHasher(RandomState);

impl KeyHasher {
    #[inline]
    pub(super) fn hash(&self, key: PackedKey) -> u64 {
        self.0.hash_one(key)
    }
}

pub(super) struct FlowCache {
    entries: Vec<Entry>,
    free: Vec<u32>,
    table: HashTable<u32>,
    hasher: KeyHasher,
    idle: IdleQueue,
}

impl FlowCache {
    /// A cache whose flows end after so much silence, by class.
    pub(super) fn new(idle_ns: [i64; 3]) -> Self {
        Self {
            entries: Vec::new(),
            free: Vec::new(),
            table: HashTable::new(),
            hasher: KeyHasher::default(),
            idle: IdleQueue::new(idle_ns),
        }
    }

    pub(super) fn hasher(&self) -> &KeyHasher {
        &self.hasher
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// Has flows brought near, where they are known: the look-ups of a batch wait for memory together instead of one after
    /// the other.
    pub(super) fn approach(&self, sought: impl Iterator<Item = (u64, PackedKey)>) {
        let mut seen = 0;
        for (hash, key) in sought {
            let near = self.table.find(hash, |place| self.entries[*place as usize].key == key);
            if let Some(place) = near {
                let entry = &self.entries[*place as usize];
                seen ^= u64::from(entry.from[0].packets) ^ entry.first_frame;
            }
        }
        black_box(seen);
    }

    #[inline]
    pub(super) fn find(&self, hash: u64, key: PackedKey) -> Option<u32> {
        self.table.find(hash, |place| self.entries[*place as usize].key == key).copied()
    }

    #[inline]
    pub(super) fn get(&self, index: u32) -> &Entry {
        &self.entries[index as usize]
    }

    #[inline]
    pub(super) fn get_mut(&mut self, index: u32) -> &mut Entry {
        &mut self.entries[index as usize]
    }

    /// Takes a flow in. It is to be touched next.
    pub(super) fn insert(&mut self, hash: u64, entry: Entry) -> u32 {
        let index = match self.free.pop() {
            Some(index) => {
                self.entries[index as usize] = entry;
                index
            }
            None => {
                self.entries.push(entry);
                (self.entries.len() - 1) as u32
            }
        };
        let Self { entries, hasher, table, .. } = self;
        table.insert_unique(hash, index, |place| hasher.hash(entries[*place as usize].key));
        index
    }

    /// Notes a packet, after which the flow is of this class.
    #[inline]
    pub(super) fn touch(&mut self, index: u32, class: Class, now_ns: i64) {
        let entry = &mut self.entries[index as usize];
        entry.touched_ns = now_ns;
        if entry.class != class || entry.queued_at == NOT_QUEUED {
            entry.class = class;
            self.idle.put(index, entry);
            self.idle.clear_stale(&self.entries, self.table.len());
        }
    }

    pub(super) fn remove(&mut self, index: u32) -> Entry {
        let entry = std::mem::replace(&mut self.entries[index as usize], Entry::vacant());
        let hash = self.hasher.hash(entry.key);
        if let Ok(found) = self.table.find_entry(hash, |place| *place == index) {
            found.remove();
        }
        self.free.push(index);
        entry
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
        self.idle.longest_silent(&mut self.entries)
    }

    /// All flows, in the order of their first frames.
    pub(super) fn in_order(&self) -> Vec<u32> {
        let mut all: Vec<u32> = self.table.iter().copied().collect();
        all.sort_unstable_by_key(|index| {
            let entry = self.get(*index);
            (entry.capture, entry.first_frame, entry.key.depth(), *index)
        });
        all
    }
}

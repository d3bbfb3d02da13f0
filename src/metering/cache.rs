//! The flow cache: a hash table of indices into a slab, and one list per timeout class ordered by last packet.
//!
//! Expiry looks at list heads only; eviction takes the head that has been silent for longest.

use super::key::PackedKey;
use super::streams::Interest;
use crate::model::{Activity, FlowRecord};
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

const NONE: u32 = u32::MAX;

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

/// An active flow.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    key: PackedKey,
    pub(super) record: FlowRecord,
    /// Initial sequence number of each side, from SYN or SYN-ACK.
    pub(super) initial_seq: [Option<u32>; 2],
    /// Sequence number of the first segment of each side.
    pub(super) first_seq: [Option<u32>; 2],
    /// Time of the latest SYN and of the latest SYN-ACK of each side.
    pub(super) handshake_ns: [[Option<i64>; 2]; 2],
    /// The burst under way.
    pub(super) burst: Option<Activity>,
    /// Whether an earlier burst was handed out.
    pub(super) burst_before: bool,
    /// The process that was told last; 0 where none was.
    pub(super) process_id: u32,
    /// What its payload is still wanted for.
    pub(super) interest: Interest,
    /// Latest packet, in the meter's time.
    touched_ns: i64,
    class: Class,
    newer: u32,
    older: u32,
}

#[derive(Debug, Clone, Copy)]
struct List {
    oldest: u32,
    newest: u32,
}

pub(super) struct FlowCache {
    entries: Vec<Entry>,
    free: Vec<u32>,
    table: HashTable<u32>,
    hasher: RandomState,
    lists: [List; 3],
}

impl FlowCache {
    pub(super) fn new() -> Self {
        Self {
            entries: Vec::new(),
            free: Vec::new(),
            table: HashTable::new(),
            // Seeded per process, so that nobody can prepare collisions; no output depends on the table's order.
            hasher: RandomState::default(),
            lists: [List { oldest: NONE, newest: NONE }; 3],
        }
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    pub(super) fn find(&self, key: &PackedKey) -> Option<u32> {
        self.table.find(self.hasher.hash_one(key), |i| self.entries[*i as usize].key == *key).copied()
    }

    pub(super) fn get(&self, index: u32) -> &Entry {
        &self.entries[index as usize]
    }

    pub(super) fn get_mut(&mut self, index: u32) -> &mut Entry {
        &mut self.entries[index as usize]
    }

    pub(super) fn insert(
        &mut self,
        key: PackedKey,
        record: FlowRecord,
        interest: Interest,
        class: Class,
        now_ns: i64,
    ) -> u32 {
        let entry = Entry {
            key,
            record,
            initial_seq: [None; 2],
            first_seq: [None; 2],
            handshake_ns: [[None; 2]; 2],
            burst: None,
            burst_before: false,
            process_id: 0,
            interest,
            touched_ns: now_ns,
            class,
            newer: NONE,
            older: NONE,
        };
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
        table.insert_unique(hasher.hash_one(key), index, |i| hasher.hash_one(entries[*i as usize].key));
        self.append(index);
        index
    }

    /// Notes a packet: the flow becomes the newest of its class.
    pub(super) fn touch(&mut self, index: u32, class: Class, now_ns: i64) {
        self.detach(index);
        let entry = self.get_mut(index);
        entry.class = class;
        entry.touched_ns = now_ns;
        self.append(index);
    }

    pub(super) fn remove(&mut self, index: u32) -> Entry {
        self.detach(index);
        let entry = self.entries[index as usize].clone();
        let hash = self.hasher.hash_one(entry.key);
        if let Ok(found) = self.table.find_entry(hash, |i| *i == index) {
            found.remove();
        }
        self.free.push(index);
        entry
    }

    /// The flow of a class that has been silent for longest, and since when.
    pub(super) fn oldest(&self, class: Class) -> Option<(u32, i64)> {
        let index = self.lists[class as usize].oldest;
        (index != NONE).then(|| (index, self.get(index).touched_ns))
    }

    /// The flow of any class that has been silent for longest, and since when.
    pub(super) fn oldest_of_all(&self) -> Option<(u32, i64)> {
        Class::ALL.into_iter().filter_map(|class| self.oldest(class)).min_by_key(|(_, since)| *since)
    }

    fn append(&mut self, index: u32) {
        let class = self.get(index).class as usize;
        let newest = self.lists[class].newest;
        let entry = self.get_mut(index);
        entry.older = newest;
        entry.newer = NONE;
        match newest {
            NONE => self.lists[class].oldest = index,
            newest => self.get_mut(newest).newer = index,
        }
        self.lists[class].newest = index;
    }

    fn detach(&mut self, index: u32) {
        let Entry { class, newer, older, .. } = *self.get(index);
        match older {
            NONE => self.lists[class as usize].oldest = newer,
            older => self.get_mut(older).newer = newer,
        }
        match newer {
            NONE => self.lists[class as usize].newest = older,
            newer => self.get_mut(newer).older = older,
        }
    }
}

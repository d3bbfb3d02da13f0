//! Where active flows lie: in one piece of memory, so that a flow is found by its place alone.

use super::entry::Entry;
use std::ops::{Index, IndexMut, Range};

/// Flows for which room is reserved at once. That takes addresses, not memory: pages come as they are used. A cache that grew by
/// copying would hold everything twice for a moment.
const RESERVED: usize = 1 << 24;

/// Flows by their place.
pub(super) struct Slab {
    entries: Vec<Entry>,
    free: Vec<u32>,
}

impl Slab {
    /// Room for so many flows, which may become more.
    pub(super) fn with_room(flows: usize) -> Self {
        let mut entries = Vec::new();
        // Where not even addresses are to be had, room is found as it is needed.
        let _ = entries.try_reserve_exact(flows.min(RESERVED));
        Self { entries, free: Vec::new() }
    }

    /// Takes a flow in, and tells its place.
    #[inline]
    pub(super) fn insert(&mut self, mut entry: Entry) -> u32 {
        if let Some(place) = self.free.pop() {
            entry.look = self[place].look;
            self[place] = entry;
            return place;
        }
        self.entries.push(entry);
        (self.entries.len() - 1) as u32
    }

    /// Lets go of a flow; its place is free.
    pub(super) fn remove(&mut self, place: u32) {
        self.free.push(place);
        self[place].vacate();
    }

    /// Every place, free ones among them.
    pub(super) fn places(&self) -> Range<u32> {
        0..self.entries.len() as u32
    }
}

impl Index<u32> for Slab {
    type Output = Entry;

    #[inline]
    fn index(&self, place: u32) -> &Entry {
        &self.entries[place as usize]
    }
}

impl IndexMut<u32> for Slab {
    #[inline]
    fn index_mut(&mut self, place: u32) -> &mut Entry {
        &mut self.entries[place as usize]
    }
}

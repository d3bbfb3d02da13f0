//! Where active flows lie: chunks that never move, so that a cache that grows copies nothing and holds nothing twice.

use super::entry::Entry;
use std::ops::{Index, IndexMut};

/// Flows of a chunk: a megabyte.
const CHUNK: usize = 4096;

/// Flows by their place.
#[derive(Default)]
pub(super) struct Slab {
    chunks: Vec<Vec<Entry>>,
    free: Vec<u32>,
}

impl Slab {
    /// Takes a flow in, and tells its place.
    pub(super) fn insert(&mut self, entry: Entry) -> u32 {
        if let Some(place) = self.free.pop() {
            self[place] = entry;
            return place;
        }
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let before = (self.chunks.len() - 1) * CHUNK;
        let last = &mut self.chunks[before / CHUNK];
        last.push(entry);
        (before + last.len() - 1) as u32
    }

    /// Gives a flow back; its place is free.
    pub(super) fn remove(&mut self, place: u32) -> Entry {
        self.free.push(place);
        std::mem::replace(&mut self[place], Entry::vacant())
    }

    /// Every place, free ones among them.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Entry)> {
        (0..).zip(self.chunks.iter().flatten())
    }
}

impl Index<u32> for Slab {
    type Output = Entry;

    #[inline]
    fn index(&self, place: u32) -> &Entry {
        &self.chunks[place as usize / CHUNK][place as usize % CHUNK]
    }
}

impl IndexMut<u32> for Slab {
    #[inline]
    fn index_mut(&mut self, place: u32) -> &mut Entry {
        &mut self.chunks[place as usize / CHUNK][place as usize % CHUNK]
    }
}

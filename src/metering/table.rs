//! An index by hash: open addressing with linear probing. A slot holds 32 bits of the hash beside the place of a flow, so that
//! looking, growing and removing need no flow, and one step of a look-up is one word of memory.

/// Slots of an empty table.
const LEAST_SLOTS: usize = 1 << 12;

/// Places by hash.
pub(super) struct Table {
    /// 0 where nothing is; else a tag in the upper half, and a place, counted from 1, in the lower.
    slots: Vec<u64>,
    len: usize,
}

/// The part of a hash that is kept; its lower bits choose the slot.
fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}

impl Table {
    pub(super) fn new() -> Self {
        Self { slots: vec![0; LEAST_SLOTS], len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The slot at which tags like this one begin.
    #[inline]
    fn home(&self, tag: u32) -> usize {
        tag as usize & (self.slots.len() - 1)
    }

    #[inline]
    fn behind(&self, slot: usize) -> usize {
        (slot + 1) & (self.slots.len() - 1)
    }

    /// A look at where a look-up begins.
    #[inline]
    pub(super) fn glimpse(&self, hash: u64) -> u64 {
        self.slots[self.home(tag(hash))]
    }

    /// The place that a look-up will most likely find: that in the first slot whose tag fits.
    #[inline]
    pub(super) fn likely(&self, hash: u64) -> Option<u32> {
        self.find(hash, |_| true)
    }

    /// The place with this hash for which `fits` holds.
    #[inline]
    pub(super) fn find(&self, hash: u64, fits: impl Fn(u32) -> bool) -> Option<u32> {
        let mut slot = self.home(tag(hash));
        loop {
            let word = self.slots[slot];
            if word == 0 {
                return None;
            }
            if (word >> 32) as u32 == tag(hash) && fits(place(word)) {
                return Some(place(word));
            }
            slot = self.behind(slot);
        }
    }

    /// Adds a place that is not there yet.
    pub(super) fn insert(&mut self, hash: u64, place: u32) {
        // Five in eight: runs of taken slots stay short.
        if (self.len + 1) * 8 > self.slots.len() * 5 {
            self.grow();
        }
        self.len += 1;
        self.put(u64::from(tag(hash)) << 32 | (u64::from(place) + 1));
    }

    fn put(&mut self, word: u64) {
        let mut slot = self.home((word >> 32) as u32);
        while self.slots[slot] != 0 {
            slot = self.behind(slot);
        }
        self.slots[slot] = word;
    }

    fn grow(&mut self) {
        let larger = vec![0; self.slots.len() * 2];
        for word in std::mem::replace(&mut self.slots, larger) {
            if word != 0 {
                self.put(word);
            }
        }
    }

    /// Removes a place. What was pushed behind it moves up, so that no marks are left.
    pub(super) fn remove(&mut self, hash: u64, place: u32) {
        let word = u64::from(tag(hash)) << 32 | (u64::from(place) + 1);
        let mut hole = self.home(tag(hash));
        while self.slots[hole] != word {
            if self.slots[hole] == 0 {
                return;
            }
            hole = self.behind(hole);
        }
        self.len -= 1;
        let mut next = self.behind(hole);
        while self.slots[next] != 0 {
            let home = self.home((self.slots[next] >> 32) as u32);
            let mask = self.slots.len() - 1;
            // As far from its home as from the hole, or farther: then it may move there.
            if (next.wrapping_sub(home) & mask) >= (next.wrapping_sub(hole) & mask) {
                self.slots[hole] = self.slots[next];
                hole = next;
            }
            next = self.behind(next);
        }
        self.slots[hole] = 0;
    }
}

#[inline]
fn place(word: u64) -> u32 {
    (word as u32).wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        /// Few homes, the last slot among them, so that runs form and wrap around.
        #[test]
        fn places_are_found_until_they_are_removed(steps in prop::collection::vec((0_u32..6, 0_u32..40, any::<bool>()), 1..400)) {
            let hash = |home: u32, place: u32| {
                let tag = (LEAST_SLOTS as u32 - 3 + home) & (LEAST_SLOTS as u32 - 1) | (place % 3) << 20;
                u64::from(tag) << 32
            };
            let (mut table, mut model) = (Table::new(), HashMap::new());
            for (home, place, add) in steps {
                match model.get(&place).copied() {
                    None if add => {
                        table.insert(hash(home, place), place);
                        model.insert(place, hash(home, place));
                    }
                    Some(known) if !add => {
                        table.remove(known, place);
                        model.remove(&place);
                    }
                    _ => {}
                }
                prop_assert_eq!(table.len(), model.len());
                for (place, hash) in &model {
                    prop_assert_eq!(table.find(*hash, |found| found == *place), Some(*place));
                }
                prop_assert_eq!(table.slots.iter().filter(|word| **word != 0).count(), model.len());
            }
        }
    }

    #[test]
    fn a_table_grows_and_keeps_all() {
        let mut table = Table::new();
        let hash = |place: u32| u64::from(place).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (0..100_000).for_each(|place| table.insert(hash(place), place));
        assert!((0..100_000).all(|place| table.find(hash(place), |found| found == place) == Some(place)));
        assert_eq!(table.find(hash(100_001), |_| true), None);
    }
}

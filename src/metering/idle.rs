//! Flows in the order of their latest packet, kept lazily: a packet changes nothing here.
//!
//! Each flow lies in the bucket of the time at which it was put there, one queue per timeout class. Only when the oldest bucket
//! matters — all in it must be over by now, or somebody has to give way — are its flows looked at: those that had packets since
//! go to the bucket of their latest one, the others are put in order. So a flow moves once in a timeout instead of once a packet.

use super::entry::{Class, Entry, NOT_QUEUED};
use super::slab::Slab;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// Places that are stale before all buckets are cleared of them: as many as there are flows, and these.
const STALE: usize = 65_536;

/// Number of the bucket of a time: 4.3 s each. The earliest times that there are share one.
fn bucket(time_ns: i64) -> i32 {
    ((time_ns >> 32) as i32).max(NOT_QUEUED + 1)
}

/// From this time on a bucket has passed.
fn passed_ns(bucket: i32) -> i64 {
    (i64::from(bucket) << 32) | i64::from(u32::MAX)
}

/// A look at a flow: the time of its latest packet then, its place, and the number of the look. Only the latest look at a place
/// counts: where flows come, change class and go quickly, a queue of all looks would grow without end. Numbers come again after 256
/// looks, which does no harm: what a look says is compared with the flow.
type Looked = (i64, u32, u8);

/// The flows of a cache by how long they are silent.
pub(super) struct IdleQueue {
    /// Silence that ends a flow, by class.
    idle_ns: [i64; 3],
    buckets: [BTreeMap<i32, Vec<u32>>; 3],
    /// Places in all buckets, stale ones among them.
    pub(super) places: usize,
    /// The flows of the oldest bucket.
    ready: BinaryHeap<Reverse<Looked>>,
    /// Which bucket that was.
    ready_bucket: i32,
    /// Nothing is over before.
    due_ns: i64,
}

impl IdleQueue {
    pub(super) fn new(idle_ns: [i64; 3]) -> Self {
        Self {
            idle_ns,
            buckets: Default::default(),
            places: 0,
            ready: BinaryHeap::new(),
            ready_bucket: NOT_QUEUED,
            due_ns: i64::MAX,
        }
    }

    /// Forgets all places.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.idle_ns);
    }

    /// Whether a flow is over by its silence.
    #[inline]
    pub(super) fn is_over(&self, flow: &Entry, now_ns: i64) -> bool {
        now_ns.saturating_sub(flow.touched_ns) > self.idle_ns[flow.class as usize]
    }

    /// Puts a flow where its latest packet belongs.
    pub(super) fn put(&mut self, index: u32, flow: &mut Entry) {
        let bucket = bucket(flow.touched_ns);
        flow.queued_at = bucket;
        let class = flow.class as usize;
        self.due_ns = self.due_ns.min(passed_ns(bucket).saturating_add(self.idle_ns[class]));
        self.buckets[class].entry(bucket).or_default().push(index);
        self.places += 1;
    }

    /// A flow that is over by its silence, now or a few seconds ago.
    #[inline]
    pub(super) fn over(&mut self, flows: &mut Slab, now_ns: i64) -> Option<u32> {
        if now_ns <= self.due_ns { None } else { self.next_over(flows, now_ns) }
    }

    #[cold]
    fn next_over(&mut self, flows: &mut Slab, now_ns: i64) -> Option<u32> {
        loop {
            while let Some(Reverse((touched_ns, index, look))) = self.ready.pop() {
                let flow = &mut flows[index];
                if flow.queued_at == NOT_QUEUED || flow.look != look {
                    continue;
                }
                if flow.touched_ns == touched_ns && self.is_over(flow, now_ns) {
                    return Some(index);
                }
                self.put(index, flow);
            }
            let over = |class: &Class| {
                let oldest = self.buckets[*class as usize].first_key_value();
                oldest.is_some_and(|(bucket, _)| now_ns > self.over_ns(*class, *bucket))
            };
            let Some(class) = Class::ALL.into_iter().find(over) else {
                self.due_ns = self.next_due_ns();
                return None;
            };
            self.open(flows, class);
        }
    }

    /// The flow that has been silent for longest, of any class.
    pub(super) fn longest_silent(&mut self, flows: &mut Slab) -> Option<u32> {
        loop {
            self.open_oldest(flows);
            let Some(Reverse((touched_ns, index, look))) = self.ready.pop() else {
                match self.ready_bucket {
                    NOT_QUEUED => return None,
                    // All in it had packets since.
                    _ => continue,
                }
            };
            let flow = &mut flows[index];
            if flow.queued_at == NOT_QUEUED || flow.look != look {
                continue;
            }
            if flow.touched_ns == touched_ns {
                return Some(index);
            }
            match bucket(flow.touched_ns) == self.ready_bucket {
                true => self.look_at(index, flow),
                false => self.put(index, flow),
            }
        }
    }

    /// Has the oldest bucket of every class taken apart, and what was put there since.
    fn open_oldest(&mut self, flows: &mut Slab) {
        let oldest =
            |queue: &Self, class: Class| queue.buckets[class as usize].first_key_value().map(|(number, _)| *number);
        if self.ready.is_empty() {
            self.ready_bucket =
                Class::ALL.into_iter().filter_map(|class| oldest(self, class)).min().unwrap_or(NOT_QUEUED);
        }
        for class in Class::ALL {
            while oldest(self, class).is_some_and(|number| number <= self.ready_bucket) {
                self.open(flows, class);
            }
        }
    }

    /// The next of those that have been silent for longest, as far as they are known.
    pub(super) fn next_ready(&self, most: usize) -> Vec<u32> {
        self.ready.iter().take(most).map(|Reverse((_, index, _))| *index).collect()
    }

    /// Looks that are kept.
    #[cfg(test)]
    pub(super) fn looks(&self) -> usize {
        self.ready.len()
    }

    /// Takes the oldest bucket of a class apart.
    fn open(&mut self, flows: &mut Slab, class: Class) {
        let Some((number, places)) = self.buckets[class as usize].pop_first() else { return };
        self.places -= places.len();
        for index in places {
            let flow = &mut flows[index];
            if flow.queued_at != number || flow.class != class {
                continue;
            }
            match bucket(flow.touched_ns) == number {
                true => self.look_at(index, flow),
                false => self.put(index, flow),
            }
        }
    }

    fn look_at(&mut self, index: u32, flow: &mut Entry) {
        flow.look = flow.look.wrapping_add(1);
        self.ready.push(Reverse((flow.touched_ns, index, flow.look)));
    }

    fn over_ns(&self, class: Class, bucket: i32) -> i64 {
        passed_ns(bucket).saturating_add(self.idle_ns[class as usize])
    }

    fn next_due_ns(&self) -> i64 {
        let due_ns = |class: &Class| {
            let oldest = self.buckets[*class as usize].first_key_value();
            oldest.map(|(bucket, _)| self.over_ns(*class, *bucket))
        };
        Class::ALL.iter().filter_map(due_ns).min().unwrap_or(i64::MAX)
    }

    /// Forgets places of flows that are gone or lie elsewhere now, once they are many.
    pub(super) fn clear_stale(&mut self, flows: &Slab, active: usize) {
        if self.places <= 2 * active + STALE {
            return;
        }
        for class in Class::ALL {
            for (number, places) in &mut self.buckets[class as usize] {
                let lies_here = |index: &u32| {
                    let flow = &flows[*index];
                    flow.queued_at == *number && flow.class == class
                };
                places.retain(lies_here);
                places.sort_unstable();
                places.dedup();
                places.shrink_to_fit();
            }
            self.buckets[class as usize].retain(|_, places| !places.is_empty());
        }
        self.places = self.buckets.iter().flat_map(BTreeMap::values).map(Vec::len).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::super::cache::FlowCache;
    use super::super::count::Arrival;
    use super::super::key::PackedKey;
    use super::super::streams::Interest;
    use super::*;
    use crate::model::{Encapsulation, Endpoint, Side, Transport};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const SECOND_NS: i64 = 1_000_000_000;
    const IDLE_NS: [i64; 3] = [20 * SECOND_NS, 100 * SECOND_NS, 7 * SECOND_NS];

    /// A cache, and what should be in it: class and time of the latest packet, by place.
    struct Checked {
        cache: FlowCache,
        model: BTreeMap<u32, (Class, i64)>,
        now_ns: i64,
        flows: u16,
    }

    impl Checked {
        fn add(&mut self, class: Class) {
            self.flows += 1;
            let end = |port| Endpoint { ip: [10, 0, 0, 1].into(), port };
            let (key, _) = PackedKey::new(Transport::Tcp, end(self.flows), end(0), 0);
            let interest = Interest::new(false);
            let flow = Entry::begun(key, Side::A, Encapsulation::default(), &Arrival::default(), interest);
            let index = self.cache.insert(self.cache.hasher().hash(key), flow);
            self.touch(index, class);
        }

        fn touch(&mut self, index: u32, class: Class) {
            self.cache.touch(index, class, self.now_ns);
            self.model.insert(index, (class, self.now_ns));
        }

        fn remove(&mut self, index: u32) -> (Class, i64) {
            self.cache.remove(index);
            self.model.remove(&index).expect("a flow that is there")
        }

        /// What is given is over; and what has been over for a bucket's time is given.
        fn expire(&mut self) {
            while let Some(index) = self.cache.over(self.now_ns) {
                let (class, touched_ns) = self.remove(index);
                assert!(self.now_ns - touched_ns > IDLE_NS[class as usize]);
            }
            let late =
                |(class, touched_ns): &(Class, i64)| self.now_ns - touched_ns > IDLE_NS[*class as usize] + (1 << 32);
            assert!(!self.model.values().any(late), "at {}: {:?}", self.now_ns, self.model);
        }

        fn left(&mut self) -> usize {
            self.cache.close().filter(|index| self.cache.is_taken(*index)).count()
        }

        fn evict(&mut self) {
            let found = self.cache.longest_silent();
            assert_eq!(found.is_some(), !self.model.is_empty());
            if let Some(index) = found {
                let (_, touched_ns) = self.remove(index);
                assert!(self.model.values().all(|(_, other_ns)| touched_ns <= *other_ns));
            }
        }
    }

    proptest! {
        #[test]
        fn flows_end_when_they_are_over_and_the_longest_silent_gives_way(
            steps in prop::collection::vec((0_u8..10, 0_usize..3, 0_u8..255, 0_i64..9_000), 1..300)
        ) {
            let mut checked =
                Checked { cache: FlowCache::new(0, IDLE_NS), model: BTreeMap::new(), now_ns: -50 * SECOND_NS, flows: 0 };
            for (step, class, which, millis) in steps {
                checked.now_ns += millis * 1_000_000;
                checked.expire();
                let class = Class::ALL[class];
                let chosen = checked.model.keys().nth(usize::from(which) % checked.model.len().max(1)).copied();
                match (step, chosen) {
                    (0..3, _) | (_, None) => checked.add(class),
                    (3..8, Some(index)) => checked.touch(index, class),
                    (8, Some(index)) => _ = checked.remove(index),
                    (_, Some(_)) => checked.evict(),
                }
                prop_assert_eq!(checked.cache.len(), checked.model.len());
            }
            while !checked.model.is_empty() {
                checked.evict();
            }
        }
    }

    #[test]
    fn the_earliest_time_there_is_is_a_time() {
        let mut checked =
            Checked { cache: FlowCache::new(0, IDLE_NS), model: BTreeMap::new(), now_ns: i64::MIN, flows: 0 };
        checked.add(Class::Open);
        checked.evict();
        assert_eq!(checked.left(), 0);
        checked.add(Class::Open);
        assert_eq!(checked.left(), 1);
    }

    #[test]
    fn looks_at_places_that_are_used_again_do_not_pile_up() {
        let mut checked = Checked { cache: FlowCache::new(0, IDLE_NS), model: BTreeMap::new(), now_ns: 0, flows: 0 };
        for round in 0..20_000 {
            checked.now_ns += 1_000;
            checked.add(Class::Transitory);
            if let Some(index) = checked.model.keys().nth(round % 7).copied() {
                checked.touch(index, Class::ALL[round % 3]);
            }
            if checked.model.len() > 8 {
                checked.evict();
            }
        }
        assert!(checked.cache.looks() < 200, "{}", checked.cache.looks());
    }

    #[test]
    fn places_of_flows_that_are_gone_are_forgotten() {
        let mut checked =
            Checked { cache: FlowCache::new(0, [i64::MAX; 3]), model: BTreeMap::new(), now_ns: 0, flows: 0 };
        for _ in 0..u16::MAX {
            checked.now_ns += SECOND_NS;
            checked.add(Class::Transitory);
            let [index] = checked.model.keys().copied().collect::<Vec<_>>()[..] else { panic!("one flow") };
            for class in Class::ALL {
                checked.touch(index, class);
            }
            checked.remove(index);
        }
        assert!(checked.cache.places() <= STALE + 8, "{}", checked.cache.places());
    }
}

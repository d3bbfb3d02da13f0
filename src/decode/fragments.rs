//! Later fragments carry no ports: this table remembers where their first fragment belonged, and holds those that come
//! before it.
//!
//! Bounded in datagrams, in fragments that wait, and in packet time. Nothing is reassembled: counting needs the flow, not
//! the bytes. Overlapping fragments (RFC 5722, RFC 3128) are counted and change nothing.

use crate::model::{Endpoint, Fragment, FragmentKey, Transport};
use std::collections::{HashMap, VecDeque};

/// Datagrams that are remembered at once.
const MOST_DATAGRAMS: usize = 4096;
/// Fragments of one datagram that wait for the first one, and parts that are remembered of it: 64 KiB in parts of 1,000 bytes.
const MOST_PARTS: usize = 64;
/// How long the rest of a datagram may take: 60 s (RFC 8200 section 4.5, RFC 1122 section 3.3.2).
const TIMEOUT_NS: i64 = 60_000_000_000;

/// Where a datagram belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// Transport.
    pub transport: Transport,
    /// Sender.
    pub source: Endpoint,
    /// Receiver.
    pub destination: Endpoint,
    /// IP headers around its own.
    pub depth: u8,
}

#[derive(Debug)]
struct Datagram<W> {
    owner: Option<Owner>,
    since_ns: i64,
    /// Begin and end of the parts that were seen.
    parts: Vec<(u32, u32)>,
    waiting: Vec<W>,
}

impl<W> Datagram<W> {
    fn new(owner: Option<Owner>, since_ns: i64) -> Self {
        Self { owner, since_ns, parts: Vec::new(), waiting: Vec::new() }
    }

    fn is_over(&self, time_ns: i64) -> bool {
        time_ns.saturating_sub(self.since_ns).saturating_abs() > TIMEOUT_NS
    }

    /// Notes a part; true where it overlaps an earlier one without being its copy.
    fn overlaps(&mut self, fragment: &Fragment) -> bool {
        let (begin, end) = (fragment.offset_bytes, fragment.offset_bytes.saturating_add(fragment.data_bytes));
        if self.parts.contains(&(begin, end)) {
            return false;
        }
        let overlaps = self.parts.iter().any(|part| begin < part.1 && part.0 < end);
        if self.parts.len() < MOST_PARTS {
            self.parts.push((begin, end));
        }
        overlaps
    }
}

/// Datagrams in fragments. `W` is what is kept of a fragment that comes before the first one.
#[derive(Debug)]
pub struct FragmentTable<W> {
    datagrams: HashMap<FragmentKey, Datagram<W>>,
    order: VecDeque<FragmentKey>,
    overlaps: u64,
}

impl<W> Default for FragmentTable<W> {
    fn default() -> Self {
        Self { datagrams: HashMap::new(), order: VecDeque::new(), overlaps: 0 }
    }
}

impl<W> FragmentTable<W> {
    /// Remembers a first fragment and gives back what waited for it. The oldest datagram gives way when the table is full.
    pub fn first(&mut self, fragment: &Fragment, owner: Owner, time_ns: i64) -> Vec<W> {
        let datagram = self.datagram(fragment.key, time_ns);
        if datagram.owner.is_some() {
            // Sent twice, or the identification is used again.
            *datagram = Datagram::new(None, time_ns);
        }
        datagram.owner = Some(owner);
        let waiting = std::mem::take(&mut datagram.waiting);
        let overlaps = datagram.overlaps(fragment);
        self.overlaps += u64::from(overlaps);
        waiting
    }

    /// The owner of a later fragment that came at `time_ns`. Without one `waiting` is kept until the first fragment comes.
    pub fn later(&mut self, fragment: &Fragment, time_ns: i64, waiting: W) -> Option<Owner> {
        let datagram = self.datagram(fragment.key, time_ns);
        let overlaps = datagram.overlaps(fragment);
        let owner = datagram.owner;
        if owner.is_none() && datagram.waiting.len() < MOST_PARTS {
            datagram.waiting.push(waiting);
        }
        self.overlaps += u64::from(overlaps);
        owner
    }

    /// Fragments that overlapped another one of their datagram.
    #[must_use]
    pub fn overlaps(&self) -> u64 {
        self.overlaps
    }

    fn datagram(&mut self, key: FragmentKey, time_ns: i64) -> &mut Datagram<W> {
        if !self.datagrams.contains_key(&key) {
            self.order.push_back(key);
        }
        while self.order.len() > MOST_DATAGRAMS {
            if let Some(oldest) = self.order.pop_front() {
                self.datagrams.remove(&oldest);
            }
        }
        let datagram = self.datagrams.entry(key).or_insert_with(|| Datagram::new(None, time_ns));
        if datagram.is_over(time_ns) {
            *datagram = Datagram::new(None, time_ns);
        }
        datagram
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(identification: u32, offset_bytes: u32, data_bytes: u32) -> Fragment {
        let ip = std::net::IpAddr::from([10, 0, 0, 1]);
        let key = FragmentKey { source: ip, destination: ip, protocol: 17, identification };
        Fragment { key, offset_bytes, data_bytes }
    }

    fn owner(port: u16) -> Owner {
        let end = Endpoint { ip: [10, 0, 0, 1].into(), port };
        Owner { transport: Transport::Udp, source: end, destination: end, depth: 0 }
    }

    #[test]
    fn later_fragments_are_attached_within_their_time_and_before_their_first_one() {
        let mut table = FragmentTable::default();
        assert_eq!(table.later(&part(1, 800, 100), 5, 'x'), None);
        assert_eq!(table.first(&part(1, 0, 800), owner(53), 6), ['x']);
        assert_eq!(table.later(&part(1, 900, 100), 60_000_000_005, 'y'), Some(owner(53)));
        assert_eq!(table.later(&part(1, 1000, 100), 60_000_000_006, 'z'), None, "a minute has passed");
        assert_eq!(table.overlaps(), 0);
    }

    #[test]
    fn overlaps_are_counted_and_copies_are_none() {
        let mut table = FragmentTable::default();
        table.first(&part(1, 0, 800), owner(53), 0);
        for (offset, bytes) in [(800, 100), (800, 100), (700, 150), (0, 800)] {
            table.later(&part(1, offset, bytes), 0, ());
        }
        assert_eq!(table.overlaps(), 1);
    }

    #[test]
    fn a_flood_of_fragments_stays_within_bounds() {
        let mut table = FragmentTable::default();
        for i in 0..1_000_000 {
            table.later(&part(i % 10_000, 8 * (i / 10_000), 8), 0, i);
        }
        assert!(table.datagrams.len() <= MOST_DATAGRAMS && table.order.len() <= MOST_DATAGRAMS);
        assert!(table.datagrams.values().all(|d| d.waiting.len() <= MOST_PARTS && d.parts.len() <= MOST_PARTS));
    }
}

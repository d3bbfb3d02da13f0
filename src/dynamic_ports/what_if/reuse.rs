//! The replay in which a port in TIME_WAIT serves other remote endpoints when no port is free.
//!
//! A port is *taken* by one connection at most; beside that, TIME_WAIT may hold it against several remotes. A demand takes a
//! free port, else one that is not taken and waits for other remotes only. Towards a remote that is not known, and
//! after a connection to one, nothing is shared. Which waiting port the system takes is not documented: here the one whose
//! last remote was seen first, which keeps the choice reproducible.

use super::pool::{Picker, PortPool};
use super::{AllocationOrder, Losses, Queue, Span};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

/// Waiting ports that are looked at for one demand. More are needed only where most waiting ports were reused already.
const MOST_TRIED: usize = 64;

/// The remote endpoint of a connection that is not known.
const UNKNOWN: u32 = 0;

#[derive(Debug, Clone, Default)]
struct Port {
    taken: bool,
    /// When TIME_WAIT ends, and towards whom; the last remote at the end.
    waits: Vec<(i64, u32)>,
}

impl Port {
    fn waits_for(&self, remote: u32) -> bool {
        self.waits.iter().any(|(_, own)| *own == remote)
    }
}

struct Shared {
    pool: PortPool,
    picker: Picker,
    ports: Vec<Port>,
    /// Ports that are not taken and may be shared, by the last remote that they wait for.
    waiting: BTreeMap<u32, BTreeSet<u32>>,
    /// When connections close: port, end of TIME_WAIT, remote.
    closes: BinaryHeap<Reverse<(i64, u32, i64, u32)>>,
    /// When TIME_WAITs end: port.
    ends: BinaryHeap<Reverse<(i64, u32)>>,
}

/// What is lost with reuse.
pub(super) fn run(queue: &Queue, capacity: u32, order: AllocationOrder) -> Losses {
    let mut shared = Shared {
        pool: PortPool::new(capacity),
        picker: Picker::new(order),
        ports: vec![Port::default(); usize::try_from(capacity).unwrap_or(0)],
        waiting: BTreeMap::new(),
        closes: BinaryHeap::new(),
        ends: BinaryHeap::new(),
    };
    for _ in 0..queue.listeners_held(capacity) {
        shared.picker.take(&mut shared.pool);
    }
    let mut losses = queue.listener_losses(capacity);
    for span in &queue.spans {
        shared.advance(span.start_ns);
        losses.ephemeral.attempts += 1;
        match shared.pick(span.remote) {
            Some(port) => shared.take(port, span),
            None => losses.block_connection(span.start_ns),
        }
    }
    losses
}

impl Shared {
    /// Closes what closed, and ends what ended, before a moment.
    fn advance(&mut self, now_ns: i64) {
        while let Some(Reverse((closed_ns, number, end_ns, remote))) = self.closes.peek().copied() {
            if closed_ns >= now_ns {
                break;
            }
            self.closes.pop();
            if let Some(port) = self.port(number) {
                port.taken = false;
                if end_ns > closed_ns {
                    port.waits.push((end_ns, remote));
                    self.ends.push(Reverse((end_ns, number)));
                }
            }
            self.settle(number);
        }
        while let Some(Reverse((end_ns, number))) = self.ends.peek().copied() {
            if end_ns >= now_ns {
                break;
            }
            self.ends.pop();
            self.unsettle(number);
            if let Some(port) = self.port(number) {
                port.waits.retain(|(own_ns, _)| *own_ns > end_ns);
            }
            self.settle(number);
        }
    }

    fn pick(&mut self, remote: u32) -> Option<u32> {
        if let Some(free) = self.picker.take(&mut self.pool) {
            return Some(free);
        }
        if remote == UNKNOWN {
            return None;
        }
        let others = self.waiting.iter().filter(|(last, _)| **last != remote).flat_map(|(_, ports)| ports);
        let fits = |number: &&u32| self.at(**number).is_some_and(|port| !port.waits_for(remote));
        let found = others.take(MOST_TRIED).find(fits).copied()?;
        self.unsettle(found);
        Some(found)
    }

    fn take(&mut self, number: u32, span: &Span) {
        if let Some(port) = self.port(number) {
            port.taken = true;
        }
        self.closes.push(Reverse((span.closed_ns, number, span.end_ns, span.remote)));
    }

    /// Puts a port where it can be found: among the free, among the waiting, or nowhere while it is taken or waits for
    /// somebody unknown.
    fn settle(&mut self, number: u32) {
        let Some(port) = self.at(number).filter(|port| !port.taken) else { return };
        match port.waits.last() {
            None => self.pool.give_back(number),
            Some(_) if port.waits_for(UNKNOWN) => {}
            Some((_, last)) => {
                let last = *last;
                self.waiting.entry(last).or_default().insert(number);
            }
        }
    }

    /// Takes a port out of the waiting, if it is there.
    fn unsettle(&mut self, number: u32) {
        let Some((_, last)) = self.at(number).and_then(|port| port.waits.last()).copied() else { return };
        if let Some(ports) = self.waiting.get_mut(&last) {
            ports.remove(&number);
            if ports.is_empty() {
                self.waiting.remove(&last);
            }
        }
    }

    fn at(&self, number: u32) -> Option<&Port> {
        usize::try_from(number).ok().and_then(|at| self.ports.get(at))
    }

    fn port(&mut self, number: u32) -> Option<&mut Port> {
        usize::try_from(number).ok().and_then(|at| self.ports.get_mut(at))
    }
}

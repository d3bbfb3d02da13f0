//! What would have happened with another range: replays measured demand for ports against a range of N ports.
//!
//! The range is taken as a *loss system*: who finds no free port is blocked and does not come back. In a common pool the
//! number of blocked demands depends on N alone, not on which port is given out; the order of allocation decides only how
//! soon a number is used again. Two answers are given, because Windows may use a port in TIME_WAIT again towards *another*
//! remote endpoint when ports are short (its event 4227 speaks of the same remote only): *strict*, where a port in TIME_WAIT
//! serves nobody, and *with reuse*, where it serves other remotes. The truth lies between them; size by the strict one.
//!
//! Listeners are allocated first and held throughout, whatever their times: give the listeners of one epoch only.
//!
//! What a replay cannot know: demand that did not cross the tap (loopback, other interfaces, sockets that are bound and
//! silent), the storm after a start of the host or of a service that was not recorded, attempts that come again after they
//! were blocked, and squeezes that are rarer than the recording is long. Nothing blocked in n attempts says only that the
//! probability is below 3/n with 95 % confidence, if attempts were independent ([`Losses::rule_of_three`]).
//!
//! Times are ns since 1970-01-01 UTC. A port is held at the first and the last instant of its demand, as in the peak.

#[cfg(feature = "program")]
mod demand;
mod pool;
mod reuse;
mod sweep;

#[cfg(feature = "program")]
#[cfg(test)]
mod demand_tests;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;

#[cfg(feature = "program")]
pub use demand::{Holder, HostDemand, Takers, demand_of, holders};
#[cfg(feature = "program")]
pub(super) use pool::SplitMix64;
pub use sweep::{SweepPoint, sweep};

use crate::catalog::PortRange;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use pool::{Picker, PortPool};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::IpAddr;

/// What a port was or would be held for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DemandKind {
    /// A port at which a program waits for callers.
    Listener,
    /// The local port of a connection that the host opened.
    Ephemeral,
}

/// A time during which a port of the range was or would be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// When the port was taken, ns.
    pub start_ns: i64,
    /// When its user was done with it, ns: from here to [`Self::end_ns`] only TIME_WAIT holds the port.
    /// The same as `end_ns` where the other side closed first.
    pub closed_ns: i64,
    /// When the port was free again, TIME_WAIT included, ns.
    pub end_ns: i64,
    /// The other end; `None` where it is not known, as for listeners and UDP sockets that talk to many.
    pub remote: Option<(IpAddr, u16)>,
    /// What for.
    pub kind: DemandKind,
}

/// How the host picks among free ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllocationOrder {
    /// The next free number after the last one, around the range.
    Sequential,
    /// The first free number from a random one on: RFC 6056, section 3.3.1 (algorithm 1).
    Random {
        /// The same seed gives the same replay.
        seed: u64,
    },
}

/// The ports of a range that can be given out: without excluded blocks and documented static ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsablePorts {
    count: u32,
}

impl UsablePorts {
    /// The ports of `range` that no entry of `without` holds. Entries may overlap each other and reach out of the range.
    #[must_use]
    pub fn new(range: PortRange, without: &[PortRange]) -> Self {
        let mut taken: Vec<PortRange> = without.to_vec();
        taken.sort_unstable();
        // Ports below `next` are counted or left out already.
        let (mut count, mut next) = (0, u32::from(range.first()));
        let end = u32::from(range.last()) + 1;
        for block in taken {
            let (first, after) = (u32::from(block.first()), u32::from(block.last()) + 1);
            count += first.min(end).saturating_sub(next);
            next = next.max(after);
        }
        Self { count: count + end.saturating_sub(next) }
    }

    /// A pool of this many ports, wherever they are; never more than there are port numbers.
    #[must_use]
    pub fn of_size(ports: u32) -> Self {
        Self { count: ports.min(u32::from(u16::MAX)) }
    }

    /// How many ports can be given out.
    #[must_use]
    pub fn count(self) -> u32 {
        self.count
    }
}

/// How often a port was asked for, and how often none was free.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attempts {
    /// Demands.
    pub attempts: u64,
    /// Demands that found no port.
    pub blocked: u64,
}

/// What was lost in a replay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Losses {
    /// Listeners.
    pub listeners: Attempts,
    /// Connections that the host opened.
    pub ephemeral: Attempts,
    /// When a port was first asked for in vain, ns; for a listener, when it was first there.
    pub first_blocked_ns: Option<i64>,
}

impl Losses {
    /// All demands.
    #[must_use]
    pub fn attempts(&self) -> u64 {
        self.listeners.attempts.saturating_add(self.ephemeral.attempts)
    }

    /// All demands that found no port.
    #[must_use]
    pub fn blocked(&self) -> u64 {
        self.listeners.blocked.saturating_add(self.ephemeral.blocked)
    }

    /// The share of demands that found no port, 0 to 1; `None` without demands.
    #[must_use]
    pub fn blocking_probability(&self) -> Option<f64> {
        share(self.blocked(), self.attempts())
    }

    /// Where nothing was blocked: the blocking probability that 95 % confidence cannot rule out, 3/n, at most 1.
    /// `None` where something was blocked or asked for nothing. It takes attempts as independent; real ones come in bursts,
    /// so the recording says less than this.
    #[must_use]
    pub fn rule_of_three(&self) -> Option<f64> {
        match (self.attempts(), self.blocked()) {
            (0, _) | (_, 1..) => None,
            (n, 0) => share(3, n).map(|most| most.min(1.0)),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of attempts are far below 2^53")]
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// A moment, and how many ports were held then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Squeeze {
    /// The first moment at which so few ports were free, ns; `None` where nobody asked for a port.
    pub at_ns: Option<i64>,
    /// Ports held, listeners among them.
    pub held: u32,
    /// Ports free.
    pub free: u32,
    /// Of those held, by listeners.
    pub listeners: u32,
    /// Of those held, by connections under way. The rest waited in TIME-WAIT.
    pub connections: u32,
}

impl Squeeze {
    /// Ports that only TIME-WAIT held.
    #[must_use]
    pub fn time_wait(&self) -> u32 {
        self.held.saturating_sub(self.listeners).saturating_sub(self.connections)
    }
}

/// The most ports that were wanted at once, whatever the range.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Peak {
    /// Ports, listeners among them.
    pub ports: u64,
    /// The first moment at which so many were wanted, ns.
    pub at_ns: Option<i64>,
}

/// What a range would have done to the demand. See the module for what it cannot know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replay {
    /// Ports that could be given out.
    pub capacity: u32,
    /// What is lost where a port in TIME_WAIT serves nobody.
    pub strict: Losses,
    /// What is lost where a port in TIME_WAIT serves other remote endpoints. Where the search for such a port takes more
    /// than 64 tries the demand counts as blocked.
    pub with_reuse: Losses,
    /// The fewest free ports, strict.
    pub squeeze: Squeeze,
    /// The most ports wanted at once by the same demand without a limit.
    pub wanted: Peak,
    /// The shortest time from the close of a connection to the next use of its port number, ns, strict, in the order that was
    /// asked for. Below the time for which peers and firewalls remember a connection, new ones are refused.
    pub shortest_reuse_ns: Option<i64>,
}

/// A connection in the replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    start_ns: i64,
    closed_ns: i64,
    end_ns: i64,
    /// Number of the remote endpoint, from 1; 0 where it is not known.
    remote: u32,
}

/// Demand in the order in which it is served.
#[derive(Debug)]
struct Queue {
    /// When each listener was first there, ascending.
    listeners: Vec<i64>,
    /// Ascending by start.
    spans: Vec<Span>,
}

impl Queue {
    /// Takes demands in any order. One that ends before it begins is taken as an instant.
    fn of(demand: &[Demand]) -> Self {
        let mut remotes: HashMap<(IpAddr, u16), u32, RandomState> = HashMap::default();
        let (mut listeners, mut spans) = (Vec::new(), Vec::with_capacity(demand.len()));
        for item in demand {
            if item.kind == DemandKind::Listener {
                listeners.push(item.start_ns);
                continue;
            }
            let remote = item.remote.map_or(0, |remote| {
                let next = u32::try_from(remotes.len()).unwrap_or(u32::MAX).saturating_add(1);
                *remotes.entry(remote).or_insert(next)
            });
            let end_ns = item.end_ns.max(item.start_ns);
            let closed_ns = item.closed_ns.clamp(item.start_ns, end_ns);
            spans.push(Span { start_ns: item.start_ns, closed_ns, end_ns, remote });
        }
        listeners.sort_unstable();
        // Stable, so that demand of one instant is served as it was given.
        spans.sort_by_key(|span| span.start_ns);
        Self { listeners, spans }
    }

    /// Ports that listeners take, of `capacity`.
    fn listeners_held(&self, capacity: u32) -> u32 {
        u32::try_from(self.listeners.len()).unwrap_or(u32::MAX).min(capacity)
    }

    /// The losses before the first connection asks: of listeners alone.
    fn listener_losses(&self, capacity: u32) -> Losses {
        let held = self.listeners_held(capacity);
        let attempts = to_u64(self.listeners.len());
        let first_blocked_ns = usize::try_from(held).ok().and_then(|held| self.listeners.get(held)).copied();
        let listeners = Attempts { attempts, blocked: attempts.saturating_sub(u64::from(held)) };
        Losses { listeners, ephemeral: Attempts::default(), first_blocked_ns }
    }

    fn first_ns(&self) -> Option<i64> {
        let first = self.spans.first().map(|span| span.start_ns);
        self.listeners.first().copied().into_iter().chain(first).min()
    }
}

impl Losses {
    fn block_connection(&mut self, at_ns: i64) {
        self.ephemeral.blocked += 1;
        self.first_blocked_ns = Some(self.first_blocked_ns.map_or(at_ns, |first| first.min(at_ns)));
    }
}

/// Replays demand against a range. O(n log n); the same input gives the same answer.
#[must_use]
pub fn replay(demand: &[Demand], usable: UsablePorts, order: AllocationOrder) -> Replay {
    let queue = Queue::of(demand);
    let mut strict = Strict::new(&queue, usable.count(), order);
    strict.run(&queue.spans);
    // Reuse takes a free port first: where one was always free, nothing differs.
    let with_reuse = match strict.losses.ephemeral.blocked {
        0 => strict.losses,
        _ => reuse::run(&queue, usable.count(), order),
    };
    Replay {
        capacity: usable.count(),
        strict: strict.losses,
        with_reuse,
        squeeze: strict.squeeze,
        wanted: sweep::peak(&queue),
        shortest_reuse_ns: strict.shortest_reuse_ns,
    }
}

/// The replay in which a port serves nobody until its TIME_WAIT is over.
struct Strict {
    pool: PortPool,
    picker: Picker,
    losses: Losses,
    squeeze: Squeeze,
    /// Ports to be given back, soonest first.
    ends: BinaryHeap<Reverse<(i64, u32)>>,
    /// When the connections under way are closed, soonest first.
    closes: BinaryHeap<Reverse<i64>>,
    /// When the last user of each port closed, ns.
    closed_ns: Vec<Option<i64>>,
    shortest_reuse_ns: Option<i64>,
}

impl Strict {
    fn new(queue: &Queue, capacity: u32, order: AllocationOrder) -> Self {
        let held = queue.listeners_held(capacity);
        let mut pool = PortPool::new(capacity);
        let mut picker = Picker::new(order);
        for _ in 0..held {
            picker.take(&mut pool);
        }
        Self {
            losses: queue.listener_losses(capacity),
            squeeze: Squeeze {
                at_ns: queue.first_ns(),
                held,
                free: capacity.saturating_sub(held),
                listeners: held,
                connections: 0,
            },
            ends: BinaryHeap::new(),
            closes: BinaryHeap::new(),
            closed_ns: vec![None; usize::try_from(capacity).unwrap_or(0)],
            shortest_reuse_ns: None,
            pool,
            picker,
        }
    }

    fn run(&mut self, spans: &[Span]) {
        for span in spans {
            while let Some(Reverse((end_ns, port))) = self.ends.peek().copied() {
                if end_ns >= span.start_ns {
                    break;
                }
                self.ends.pop();
                self.pool.give_back(port);
            }
            while self.closes.peek().is_some_and(|Reverse(closed_ns)| *closed_ns < span.start_ns) {
                self.closes.pop();
            }
            self.losses.ephemeral.attempts += 1;
            match self.picker.take(&mut self.pool) {
                Some(port) => self.hold(port, span),
                None => self.losses.block_connection(span.start_ns),
            }
        }
    }

    fn hold(&mut self, port: u32, span: &Span) {
        self.ends.push(Reverse((span.end_ns, port)));
        self.closes.push(Reverse(span.closed_ns));
        if self.pool.free() < self.squeeze.free {
            let Squeeze { held, free, listeners, .. } = self.squeeze;
            let now_free = self.pool.free();
            self.squeeze = Squeeze {
                at_ns: Some(span.start_ns),
                held: held + (free - now_free),
                free: now_free,
                listeners,
                connections: u32::try_from(self.closes.len()).unwrap_or(u32::MAX),
            };
        }
        let last_ns = usize::try_from(port).ok().and_then(|at| self.closed_ns.get_mut(at));
        if let Some(closed_ns) = last_ns.and_then(|last_ns| last_ns.replace(span.closed_ns)) {
            let gap_ns = span.start_ns.saturating_sub(closed_ns);
            self.shortest_reuse_ns = Some(self.shortest_reuse_ns.map_or(gap_ns, |least| least.min(gap_ns)));
        }
    }
}

fn to_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

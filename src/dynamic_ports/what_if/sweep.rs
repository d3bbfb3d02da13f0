//! Blocking for many sizes of the range in one pass.
//!
//! In a loss system with a common pool a port serves whoever comes, for a time that does not depend on the port. So at every
//! moment held(N) = wanted − blocked(N), where `wanted` counts all demand that has begun and not ended, and `blocked(N)` the
//! part of it that N ports turned away. A demand is turned away only where `wanted` is above N: smaller sizes cost work only
//! at such moments, and sizes at or above the peak cost none.

use super::{Demand, Peak, Queue, UsablePorts, share, to_u64};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What a size of the range does to the demand, strict.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SweepPoint {
    /// Ports that can be given out.
    pub ports: u32,
    /// Demands that found no port.
    pub blocked: u64,
    /// Their share of all demands, 0 to 1; 0 without demands.
    pub blocking_probability: f64,
}

/// One size in the making.
struct Size {
    ports: u32,
    /// Left for connections.
    room: u64,
    blocked: u64,
    /// When the demands that were turned away would have ended, soonest first.
    turned_away: BinaryHeap<Reverse<i64>>,
}

/// Blocking for each size, ascending and each once; sizes above 65535 count as that. Demand in any order.
/// O(n log n), and O(log n) for each demand and size where more is wanted than the size holds.
#[must_use]
pub fn sweep(demand: &[Demand], sizes: &[u32]) -> Vec<SweepPoint> {
    let queue = Queue::of(demand);
    let mut sizes: Vec<u32> = sizes.iter().map(|size| UsablePorts::of_size(*size).count()).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let mut sizes: Vec<Size> = sizes
        .into_iter()
        .map(|ports| Size {
            ports,
            room: u64::from(ports.saturating_sub(queue.listeners_held(ports))),
            blocked: queue.listener_losses(ports).listeners.blocked,
            turned_away: BinaryHeap::new(),
        })
        .collect();
    for (start_ns, end_ns, wanted) in wanted(&queue) {
        // Room grows with the size.
        for size in sizes.iter_mut().take_while(|size| size.room < wanted) {
            while size.turned_away.peek().is_some_and(|Reverse(end)| *end < start_ns) {
                size.turned_away.pop();
            }
            if wanted - to_u64(size.turned_away.len()) > size.room {
                size.blocked += 1;
                size.turned_away.push(Reverse(end_ns));
            }
        }
    }
    let attempts = to_u64(queue.spans.len()).saturating_add(to_u64(queue.listeners.len()));
    let point = |size: Size| SweepPoint {
        ports: size.ports,
        blocked: size.blocked,
        blocking_probability: share(size.blocked, attempts).unwrap_or(0.0),
    };
    sizes.into_iter().map(point).collect()
}

/// Start and end of each connection, and how many were wanted then, itself included.
fn wanted(queue: &Queue) -> impl Iterator<Item = (i64, i64, u64)> + '_ {
    let mut ends: Vec<i64> = queue.spans.iter().map(|span| span.end_ns).collect();
    ends.sort_unstable();
    let mut over = 0;
    queue.spans.iter().enumerate().map(move |(before, span)| {
        while ends.get(over).is_some_and(|end_ns| *end_ns < span.start_ns) {
            over += 1;
        }
        // What is over began before: `over` never passes `before`.
        (span.start_ns, span.end_ns, to_u64((before + 1).saturating_sub(over)))
    })
}

/// The most ports wanted at once.
pub(super) fn peak(queue: &Queue) -> Peak {
    let listeners = to_u64(queue.listeners.len());
    let mut most = Peak { ports: listeners, at_ns: queue.first_ns() };
    for (at_ns, _, wanted) in wanted(queue) {
        if listeners + wanted > most.ports {
            most = Peak { ports: listeners + wanted, at_ns: Some(at_ns) };
        }
    }
    most
}

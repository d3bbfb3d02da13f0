//! Later fragments carry no ports: this table remembers where their first fragment belonged.
//!
//! Bounded in entries and in packet time. Nothing is reassembled: counting needs the flow, not the bytes.

use crate::model::{Endpoint, FragmentKey, Transport};
use std::collections::{HashMap, VecDeque};

/// Datagrams that are remembered at once.
const CAPACITY: usize = 4096;
/// How long the rest of a datagram may take: 60 s (RFC 8200 section 4.5, RFC 1122 section 3.3.2).
const TIMEOUT_NS: i64 = 60_000_000_000;

/// Where a datagram belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FragmentOwner {
    /// Transport.
    pub transport: Transport,
    /// Sender.
    pub source: Endpoint,
    /// Receiver.
    pub destination: Endpoint,
}

/// First fragments, by what their later ones will carry.
#[derive(Debug, Default)]
pub struct FragmentTable {
    owners: HashMap<FragmentKey, (FragmentOwner, i64)>,
    order: VecDeque<FragmentKey>,
}

impl FragmentTable {
    /// Remembers a first fragment; the oldest one gives way when the table is full.
    pub fn remember(&mut self, key: FragmentKey, owner: FragmentOwner, time_ns: i64) {
        if self.owners.insert(key, (owner, time_ns)).is_none() {
            self.order.push_back(key);
        }
        while self.order.len() > CAPACITY {
            if let Some(oldest) = self.order.pop_front() {
                self.owners.remove(&oldest);
            }
        }
    }

    /// The owner of a later fragment that arrived at `time_ns`.
    #[must_use]
    pub fn owner(&self, key: &FragmentKey, time_ns: i64) -> Option<FragmentOwner> {
        let (owner, since_ns) = self.owners.get(key)?;
        (time_ns.saturating_sub(*since_ns).saturating_abs() <= TIMEOUT_NS).then_some(*owner)
    }
}

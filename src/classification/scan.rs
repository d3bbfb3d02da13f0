//! Who sweeps? An initiator that fails at many different endpoints and succeeds at few.

use crate::model::{Endpoint, Outcome, Transport};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Different endpoints at which a sweep has failed at least.
const FAILED_ENDPOINTS: usize = 20;
/// A sweep fails at this many times more endpoints than it reaches.
const FAILED_PER_REACHED: usize = 3;

/// Counts, per initiator, endpoints reached and endpoints failed at.
#[derive(Debug, Default)]
pub(super) struct Sweeps {
    failed: BTreeMap<IpAddr, BTreeSet<(Transport, Endpoint)>>,
    reached: BTreeMap<IpAddr, BTreeSet<(Transport, Endpoint)>>,
}

impl Sweeps {
    /// Notes a flow. A conversation without payload reached nothing.
    pub(super) fn note(
        &mut self,
        initiator: IpAddr,
        transport: Transport,
        responder: Endpoint,
        outcome: Outcome,
        payload_bytes: u64,
    ) {
        let half_open = outcome == Outcome::Undetermined && transport == Transport::Tcp;
        let into = if outcome.is_blocked() || half_open {
            &mut self.failed
        } else if payload_bytes > 0 {
            &mut self.reached
        } else {
            return;
        };
        into.entry(initiator).or_default().insert((transport, responder));
    }

    /// Whether the initiator sweeps.
    pub(super) fn is_sweeping(&self, initiator: IpAddr) -> bool {
        let count = |map: &BTreeMap<IpAddr, BTreeSet<_>>| map.get(&initiator).map_or(0, BTreeSet::len);
        let (failed, reached) = (count(&self.failed), count(&self.reached));
        failed >= FAILED_ENDPOINTS && failed >= FAILED_PER_REACHED * reached
    }
}

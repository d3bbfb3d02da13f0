//! Who sweeps? An initiator that fails at many different endpoints, succeeds at few, and has no conversation with the host
//! that it probes. Only what failed belongs to the sweep: a port that answered keeps its own status. A pair of hosts that otherwise talk is never a sweep: there, many failures are a firewall at work.

use crate::model::{Endpoint, Outcome, Transport};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::IpAddr;

/// Different endpoints at which a sweep has failed at least.
const FAILED_ENDPOINTS: usize = 20;
/// Packets with payload that make a conversation: an open port that answers a probe sends one.
const TALK_PACKETS: u64 = 4;
/// A sweep fails at this many times more endpoints than it reaches.
const FAILED_PER_REACHED: usize = 3;

/// Counts, per initiator, endpoints reached and endpoints failed at.
#[derive(Debug, Default)]
pub(super) struct Sweeps {
    failed: BTreeMap<IpAddr, BTreeSet<(Transport, Endpoint)>>,
    reached: BTreeMap<IpAddr, BTreeSet<(Transport, Endpoint)>>,
    /// Pairs of hosts with a conversation, whoever began it.
    talking: HashSet<(IpAddr, IpAddr)>,
}

impl Sweeps {
    /// Notes a flow that carried this many packets with payload, both sides together.
    pub(super) fn note(
        &mut self,
        initiator: IpAddr,
        transport: Transport,
        responder: Endpoint,
        outcome: Outcome,
        payload_packets: u64,
    ) {
        if payload_packets >= TALK_PACKETS {
            self.talking.insert((initiator, responder.ip));
            self.talking.insert((responder.ip, initiator));
            self.reached.entry(initiator).or_default().insert((transport, responder));
        } else if outcome.is_blocked() {
            self.failed.entry(initiator).or_default().insert((transport, responder));
        }
    }

    /// Notes a flow of which the recording may lack the answer.
    pub(super) fn may_have_reached(&mut self, initiator: IpAddr, transport: Transport, responder: Endpoint) {
        self.reached.entry(initiator).or_default().insert((transport, responder));
    }

    /// Whether the initiator sweeps, this host among others.
    pub(super) fn sweeps(&self, initiator: IpAddr, responder: IpAddr) -> bool {
        let count = |map: &BTreeMap<IpAddr, BTreeSet<_>>| map.get(&initiator).map_or(0, BTreeSet::len);
        let (failed, reached) = (count(&self.failed), count(&self.reached));
        let many = failed >= FAILED_ENDPOINTS && failed >= FAILED_PER_REACHED * reached;
        many && !self.talking.contains(&(initiator, responder))
    }
}

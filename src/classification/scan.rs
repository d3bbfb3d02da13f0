//! Who sweeps? An initiator that fails at many different endpoints, succeeds at few, and has no conversation with the host
//! that it probes. Only what failed belongs to the sweep: a port that answered keeps its own status. A pair of hosts that otherwise talk is never a sweep: there, many failures are a firewall at work.

use crate::model::{Endpoint, Outcome, Transport};
use foldhash::fast::RandomState;
use std::collections::{HashMap, HashSet};
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
    failed: Endpoints,
    reached: Endpoints,
    /// Pairs of hosts with a conversation, whoever began it.
    talking: HashSet<(IpAddr, IpAddr), RandomState>,
}

/// Endpoints by initiator.
type Endpoints = HashMap<IpAddr, HashSet<(Transport, Endpoint), RandomState>, RandomState>;

/// A flow, as far as it may be part of a sweep.
pub(super) struct Attempt {
    pub(super) initiator: IpAddr,
    pub(super) transport: Transport,
    pub(super) responder: Endpoint,
    /// What became of it; `None` where the recording may lack the answer.
    pub(super) outcome: Option<Outcome>,
    /// Packets with payload, both sides together.
    pub(super) payload_packets: u64,
}

impl Sweeps {
    /// Notes a flow.
    pub(super) fn note(&mut self, attempt: &Attempt) {
        let Attempt { initiator, transport, responder, outcome, payload_packets } = *attempt;
        let into = match outcome {
            Some(_) if payload_packets >= TALK_PACKETS => {
                self.talking.insert((initiator, responder.ip));
                self.talking.insert((responder.ip, initiator));
                &mut self.reached
            }
            Some(outcome) if outcome.is_blocked() => &mut self.failed,
            Some(_) => return,
            None => &mut self.reached,
        };
        into.entry(initiator).or_default().insert((transport, responder));
    }

    /// Whether the initiator sweeps, this host among others.
    pub(super) fn sweeps(&self, initiator: IpAddr, responder: IpAddr) -> bool {
        let count = |map: &Endpoints| map.get(&initiator).map_or(0, HashSet::len);
        let (failed, reached) = (count(&self.failed), count(&self.reached));
        let many = failed >= FAILED_ENDPOINTS && failed >= FAILED_PER_REACHED * reached;
        many && !self.talking.contains(&(initiator, responder))
    }
}

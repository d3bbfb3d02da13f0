//! First pass: what only the whole recording tells.

use crate::model::{Endpoint, FlowRecord, Side, Transport};
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

/// Peers per endpoint that are counted apart: beyond it more peers say nothing new.
const FAN_IN_LIMIT: usize = 64;

/// Knowledge gathered over all flows.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Endpoints that answered a SYN with SYN-ACK, or were called by SYN and spoke.
    servers: HashSet<(Transport, Endpoint)>,
    /// Distinct peer endpoints of an endpoint.
    peers: HashMap<(Transport, Endpoint), HashSet<Endpoint>>,
    /// Hosts of which both directions of some conversation were recorded.
    two_way: HashSet<IpAddr>,
    /// Latest packet of the recording.
    pub(super) end_ns: i64,
}

impl Survey {
    pub(super) fn of(flows: &[FlowRecord]) -> Self {
        let mut survey = Self { end_ns: i64::MIN, ..Self::default() };
        for flow in flows {
            survey.note(flow);
        }
        survey
    }

    fn note(&mut self, flow: &FlowRecord) {
        let transport = flow.key.transport;
        self.end_ns = self.end_ns.max(flow.last_seen_ns);
        for side in [Side::A, Side::B] {
            let (own, peer) = (flow.key.endpoint(side), flow.key.endpoint(side.other()));
            if flow.from(side).syn_ack > 0 {
                self.servers.insert((transport, own));
            }
            let peers = self.peers.entry((transport, own)).or_default();
            if peers.len() < FAN_IN_LIMIT {
                peers.insert(peer);
            }
        }
        if flow.from_a.packets > 0 && flow.from_b.packets > 0 {
            self.two_way.insert(flow.key.a.ip);
            self.two_way.insert(flow.key.b.ip);
        }
    }

    /// Whether the endpoint was seen to accept connections.
    pub(super) fn serves(&self, transport: Transport, endpoint: Endpoint) -> bool {
        self.servers.contains(&(transport, endpoint))
    }

    /// Distinct peer endpoints, at most 64.
    pub(super) fn fan_in(&self, transport: Transport, endpoint: Endpoint) -> usize {
        self.peers.get(&(transport, endpoint)).map_or(0, HashSet::len)
    }

    /// Whether the tap is known to see both directions at one of the two hosts.
    pub(super) fn sees_both_ways(&self, flow: &FlowRecord) -> bool {
        self.two_way.contains(&flow.key.a.ip) || self.two_way.contains(&flow.key.b.ip)
    }
}

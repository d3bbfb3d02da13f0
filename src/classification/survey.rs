//! First pass: what only the whole recording tells.

use crate::model::{CaptureRow, Endpoint, FlowRecord, Side, Transport};
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

/// Peer ports per endpoint that are told apart: beyond it more say nothing new.
const FAN_IN_LIMIT: usize = 64;
/// Recordings that follow each other within this time are one: a ring buffer changes its file.
const RING_GAP_NS: i64 = 60_000_000_000;
/// A last stamp this far behind all others is taken for a stray one.
const STRAY_NS: i64 = 600_000_000_000;
/// Stray stamps at the end that are looked past.
const STRAYS: usize = 8;

/// Knowledge gathered over all flows.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Endpoints that answered a SYN with SYN-ACK.
    accepted: HashSet<(Transport, Endpoint)>,
    /// Endpoints whose direction was strong in another flow.
    served: HashSet<(Transport, Endpoint)>,
    /// Ports of the peers that talked with an endpoint, both ways.
    peer_ports: HashMap<(Transport, Endpoint), HashSet<u16>>,
    /// Hosts of which both directions of some conversation were recorded.
    two_way: HashSet<IpAddr>,
    /// Addresses from which something was sent.
    senders: HashSet<IpAddr>,
    /// When something was recorded: disjoint, in order.
    coverage: Vec<(i64, i64)>,
    /// The latest packet, stray stamps left out.
    end_ns: i64,
}

/// Whether both sides had something to say.
pub(super) fn is_conversation(flow: &FlowRecord) -> bool {
    match flow.key.transport {
        Transport::Tcp => flow.from_a.payload_packets > 0 && flow.from_b.payload_packets > 0,
        Transport::Udp => flow.from_a.packets > 0 && flow.from_b.packets > 0,
    }
}

impl Survey {
    pub(super) fn of(flows: &[FlowRecord], captures: &[CaptureRow]) -> Self {
        let mut survey = Self { coverage: coverage(captures), end_ns: end_ns(flows), ..Self::default() };
        for flow in flows {
            survey.note(flow);
        }
        survey
    }

    fn note(&mut self, flow: &FlowRecord) {
        let transport = flow.key.transport;
        let conversation = is_conversation(flow);
        for side in [Side::A, Side::B] {
            let (own, peer) = (flow.key.endpoint(side), flow.key.endpoint(side.other()));
            if flow.from(side).packets > 0 {
                self.senders.insert(own.ip);
            }
            if flow.from(side).syn_ack > 0 {
                self.accepted.insert((transport, own));
            }
            if conversation {
                let ports = self.peer_ports.entry((transport, own)).or_default();
                if ports.len() < FAN_IN_LIMIT {
                    ports.insert(peer.port);
                }
            }
        }
        if flow.from_a.packets > 0 && flow.from_b.packets > 0 {
            self.two_way.insert(flow.key.a.ip);
            self.two_way.insert(flow.key.b.ip);
        }
    }

    /// Takes note that an endpoint served a conversation, the direction being strong.
    pub(super) fn learn(&mut self, transport: Transport, server: Endpoint) {
        self.served.insert((transport, server));
    }

    /// Whether the endpoint was seen to accept connections.
    pub(super) fn accepts(&self, transport: Transport, endpoint: Endpoint) -> bool {
        self.accepted.contains(&(transport, endpoint))
    }

    /// Whether the endpoint served other conversations.
    pub(super) fn serves(&self, transport: Transport, endpoint: Endpoint) -> bool {
        self.served.contains(&(transport, endpoint))
    }

    /// Distinct ports of the peers that talked with an endpoint, at most 64. A server's clients come from many ports; who
    /// calls many servers finds the same port, or gets no conversation.
    pub(super) fn fan_in(&self, transport: Transport, endpoint: Endpoint) -> usize {
        self.peer_ports.get(&(transport, endpoint)).map_or(0, HashSet::len)
    }

    /// Whether the tap is known to see both directions at one of the two hosts.
    pub(super) fn sees_both_ways(&self, flow: &FlowRecord) -> bool {
        self.two_way.contains(&flow.key.a.ip) || self.two_way.contains(&flow.key.b.ip)
    }

    /// Multicast or broadcast: nobody answers from there. A subnet's broadcast address is known by its last byte, and by
    /// nothing ever coming from it.
    pub(super) fn is_group(&self, ip: IpAddr) -> bool {
        match ip {
            IpAddr::V4(v4) => {
                v4.is_multicast() || v4.is_broadcast() || (v4.octets()[3] == 255 && !self.senders.contains(&ip))
            }
            IpAddr::V6(v6) => v6.is_multicast(),
        }
    }

    /// For how long the recording went on after the flow's last packet, ns.
    pub(super) fn silence_after_ns(&self, flow: &FlowRecord) -> i64 {
        let at_ns = flow.last_seen_ns;
        let begun = self.coverage.partition_point(|(start, _)| *start <= at_ns);
        let covered = begun.checked_sub(1).map(|last| self.coverage[last].1).filter(|end| *end >= at_ns);
        let end_ns = covered.map_or(self.end_ns, |end| self.end_ns.min(end));
        end_ns.saturating_sub(at_ns).max(0)
    }
}

fn coverage(captures: &[CaptureRow]) -> Vec<(i64, i64)> {
    let mut intervals: Vec<(i64, i64)> = captures.iter().filter_map(|c| Some((c.first_ns?, c.last_ns?))).collect();
    intervals.sort_unstable();
    let mut merged: Vec<(i64, i64)> = Vec::new();
    for (start, end) in intervals {
        match merged.last_mut() {
            Some((_, last)) if start.saturating_sub(*last) <= RING_GAP_NS => *last = end.max(*last),
            _ => merged.push((start, end)),
        }
    }
    merged
}

fn end_ns(flows: &[FlowRecord]) -> i64 {
    let mut latest: Vec<i64> = Vec::with_capacity(STRAYS + 2);
    for flow in flows {
        let place = latest.partition_point(|t| *t > flow.last_seen_ns);
        if place <= STRAYS {
            latest.insert(place, flow.last_seen_ns);
            latest.truncate(STRAYS + 1);
        }
    }
    let gap = |pair: &[i64]| pair[0].saturating_sub(pair[1]) > STRAY_NS;
    let strays = latest.windows(2).rposition(gap).map_or(0, |last| last + 1);
    latest.get(strays).copied().unwrap_or(i64::MIN)
}

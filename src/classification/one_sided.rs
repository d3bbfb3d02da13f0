//! Conversations of which one direction was recorded, by pair of hosts: what the tap does not see there, no report can tell.
//! A remark, never a finding: a one-sided recording says nothing about the system.

use super::judge::payload_packets;
use crate::model::{JudgedFlow, OneSidedPair, Outcome, Side, TcpSides, Transport, direction_filter};
use foldhash::fast::RandomState;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

type Pair = (IpAddr, IpAddr, Transport);

/// The side that was heard, where only one was.
fn heard(flow: &JudgedFlow) -> Option<Side> {
    match (flow.facts.from_a.packets, flow.facts.from_b.packets) {
        (1.., 0) => Some(Side::A),
        (0, 1..) => Some(Side::B),
        _ => None,
    }
}

fn ips(flow: &JudgedFlow, from: Side) -> (IpAddr, IpAddr) {
    (flow.facts.key.endpoint(from).ip, flow.facts.key.endpoint(from.other()).ip)
}

/// One-sided conversations as they gather, by who was heard.
#[derive(Debug, Default)]
pub struct OneSided {
    pairs: BTreeMap<Pair, OneSidedPair>,
    /// Conversations heard both ways, by who called.
    two_sided: HashMap<Pair, u64, RandomState>,
    /// Attempts of which nobody can tell what became of them.
    undetermined: HashMap<Pair, u64, RandomState>,
    sides: TcpSides,
}

impl OneSided {
    /// Takes note of a flow.
    pub fn note(&mut self, flow: &JudgedFlow) {
        let transport = flow.facts.key.transport;
        let is_one_sided = flow.judgement.outcome == Outcome::OneSided;
        if transport == Transport::Tcp && payload_packets(&flow.facts) > 0 {
            self.sides.with_payload_flows += 1;
            self.sides.one_sided_flows += u64::from(is_one_sided);
        }
        if is_one_sided {
            return self.note_one_sided(flow);
        }
        let (from, to) = ips(flow, flow.initiator_side());
        match (heard(flow), flow.judgement.outcome) {
            (None, _) => *self.two_sided.entry((from, to, transport)).or_default() += 1,
            (Some(_), Outcome::Undetermined) => *self.undetermined.entry((from, to, transport)).or_default() += 1,
            _ => {}
        }
    }

    fn note_one_sided(&mut self, flow: &JudgedFlow) {
        // Where the handshake alone is missing on one side, the side that went on talking was heard.
        let from = heard(flow).unwrap_or_else(|| flow.initiator_side());
        let ((heard, unheard), transport) = (ips(flow, from), flow.facts.key.transport);
        let pair = self.pairs.entry((heard, unheard, transport)).or_insert_with(|| OneSidedPair {
            heard,
            unheard,
            transport,
            flows: 0,
            packets: 0,
            two_sided_flows: 0,
            undetermined_flows: 0,
            first_seen_ns: flow.facts.first_seen_ns,
            last_seen_ns: flow.facts.last_seen_ns,
            capture: flow.capture.to_string(),
            first_frame: flow.facts.first_frame,
            display_filter: direction_filter(heard, unheard, transport),
        });
        pair.flows += 1;
        pair.packets = pair.packets.saturating_add(flow.facts.from(from).packets);
        pair.last_seen_ns = pair.last_seen_ns.max(flow.facts.last_seen_ns);
    }

    /// How many TCP flows with payload there are, and of how many one direction is in the recording.
    #[must_use]
    pub fn tcp_sides(&self) -> TcpSides {
        self.sides
    }

    /// The pairs of hosts, in the order of their first packets.
    #[must_use]
    pub fn finish(self) -> Vec<OneSidedPair> {
        let Self { mut pairs, two_sided, undetermined, .. } = self;
        for ((heard, unheard, transport), pair) in &mut pairs {
            let both = [(*heard, *unheard, *transport), (*unheard, *heard, *transport)];
            pair.two_sided_flows = both.iter().filter_map(|pair| two_sided.get(pair)).sum();
            pair.undetermined_flows = undetermined.get(&both[0]).copied().unwrap_or_default();
        }
        let mut pairs: Vec<OneSidedPair> = pairs.into_values().collect();
        pairs.sort_by(|x, y| {
            (x.first_seen_ns, &x.capture, x.first_frame, x.heard).cmp(&(
                y.first_seen_ns,
                &y.capture,
                y.first_frame,
                y.heard,
            ))
        });
        pairs
    }
}

fn of<'a>(flows: impl IntoIterator<Item = &'a JudgedFlow>) -> OneSided {
    let mut one_sided = OneSided::default();
    flows.into_iter().for_each(|flow| one_sided.note(flow));
    one_sided
}

/// Pairs of hosts with one-sided conversations, see [`OneSided`].
#[must_use]
pub fn one_sided_pairs<'a>(flows: impl IntoIterator<Item = &'a JudgedFlow>) -> Vec<OneSidedPair> {
    of(flows).finish()
}

/// How many TCP flows with payload there are, and of how many one direction is in the recording.
#[must_use]
pub fn tcp_sides<'a>(flows: impl IntoIterator<Item = &'a JudgedFlow>) -> TcpSides {
    of(flows).tcp_sides()
}

//! Conversations of which one direction was recorded, by pair of hosts: what the tap does not see there, no report can tell.
//! A remark, never a finding: a one-sided recording says nothing about the system.

use super::judge::payload_packets;
use crate::model::{JudgedFlow, OneSidedPair, Outcome, Side, TcpSides, Transport, direction_filter};
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

/// Pairs of hosts with one-sided conversations, by who was heard, in the order of their first packets.
#[must_use]
pub fn one_sided_pairs(flows: &[JudgedFlow]) -> Vec<OneSidedPair> {
    let mut pairs: BTreeMap<Pair, OneSidedPair> = BTreeMap::new();
    for flow in flows.iter().filter(|f| f.judgement.outcome == Outcome::OneSided) {
        // Where the handshake alone is missing on one side, the side that went on talking was heard.
        let from = heard(flow).unwrap_or_else(|| flow.initiator_side());
        let ((heard, unheard), transport) = (ips(flow, from), flow.facts.key.transport);
        let pair = pairs.entry((heard, unheard, transport)).or_insert_with(|| OneSidedPair {
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
    let (two_sided, undetermined) = others(flows);
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

/// By pair of hosts: conversations heard both ways (one-sided ones left out), and attempts of which nobody can tell what
/// became of them.
fn others(flows: &[JudgedFlow]) -> (HashMap<Pair, u64>, HashMap<Pair, u64>) {
    let (mut two_sided, mut undetermined): (HashMap<Pair, u64>, HashMap<Pair, u64>) = Default::default();
    for flow in flows.iter().filter(|f| f.judgement.outcome != Outcome::OneSided) {
        let (from, to) = ips(flow, flow.initiator_side());
        let pair = (from, to, flow.facts.key.transport);
        match (heard(flow), flow.judgement.outcome) {
            (None, _) => *two_sided.entry(pair).or_default() += 1,
            (Some(_), Outcome::Undetermined) => *undetermined.entry(pair).or_default() += 1,
            _ => {}
        }
    }
    (two_sided, undetermined)
}

/// How many TCP flows with payload there are, and of how many one direction is in the recording.
#[must_use]
pub fn tcp_sides(flows: &[JudgedFlow]) -> TcpSides {
    let mut sides = TcpSides::default();
    for flow in flows.iter().filter(|f| f.facts.key.transport == Transport::Tcp && payload_packets(&f.facts) > 0) {
        sides.with_payload_flows += 1;
        sides.one_sided_flows += u64::from(flow.judgement.outcome == Outcome::OneSided);
    }
    sides
}

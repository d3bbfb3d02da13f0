//! Flows inside tunnels: the words for it, and conversations of which only one direction is tunnelled.
//!
//! The number of IP headers around a packet is part of the key of a flow, so that a copy inside a tunnel counts nothing twice.
//! Where one direction alone is tunnelled, a conversation becomes two records of one direction each: neither is one-sided, and
//! what is missing in one is looked up in the other.

use super::in_order::found;
use super::judge::ends;
use crate::model::{CaptureIndex, Endpoint, FlowKey, FlowRecord, Flows, Side};
use foldhash::fast::RandomState;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

/// Records of the same endpoints at another depth belong together when they are no farther apart.
const TOGETHER_NS: i64 = 5_000_000_000;
/// Records of the same endpoints that are looked at, latest first.
const LOOKED_AT: usize = 16;

/// The flows; where one direction was recorded, and the other at another depth, with both. Frames, times and packets of the
/// direction that a record has stay its own.
pub(super) struct Joined<'a> {
    flows: &'a Flows,
    /// Records of endpoints of which some are tunnelled, in the order of the flows.
    records: HashMap<FlowKey, Vec<FlowRecord>, RandomState>,
}

impl<'a> Joined<'a> {
    pub(super) fn of(flows: &'a Flows) -> Self {
        let tunnelled = found(flows, |flow| (flow.encapsulation.depth > 0).then_some(flow.key));
        let tunnelled: HashSet<_, RandomState> = tunnelled.into_iter().collect();
        let mut records: HashMap<_, Vec<FlowRecord>, RandomState> = HashMap::default();
        if !tunnelled.is_empty() {
            for flow in found(flows, |flow| tunnelled.contains(&flow.key).then_some(flow)) {
                records.entry(flow.key).or_default().push(flow);
            }
        }
        Self { flows, records }
    }

    /// The one with this number, from 0.
    pub(super) fn flow(&self, number: usize) -> Option<FlowRecord> {
        self.flows.get(number).map(|flow| self.of_flow(&flow))
    }

    /// One of them.
    pub(super) fn of_flow(&self, flow: &FlowRecord) -> FlowRecord {
        self.with_other(flow).unwrap_or(*flow)
    }

    fn with_other(&self, flow: &FlowRecord) -> Option<FlowRecord> {
        let missing = missing(flow)?;
        let others = self.records.get(&flow.key)?;
        let near = others.partition_point(|o| o.first_seen_ns <= flow.last_seen_ns.saturating_add(TOGETHER_NS));
        let together = |o: &&FlowRecord| o.last_seen_ns.saturating_add(TOGETHER_NS) >= flow.first_seen_ns;
        let heard = |o: &&FlowRecord| o.encapsulation.depth != flow.encapsulation.depth && o.from(missing).packets > 0;
        let other = others[..near].iter().rev().take(LOOKED_AT).filter(together).find(heard)?;
        Some(both(flow, other, missing))
    }
}

/// The side that was not heard, where the other one was.
fn missing(flow: &FlowRecord) -> Option<Side> {
    match (flow.from_a.packets, flow.from_b.packets) {
        (1.., 0) => Some(Side::B),
        (0, 1..) => Some(Side::A),
        _ => None,
    }
}

fn both(flow: &FlowRecord, other: &FlowRecord, missing: Side) -> FlowRecord {
    let mut joined = *flow;
    let mut facts = *other.from(missing);
    let mut icmp = if flow.icmp.quoted.is_some() { flow.icmp } else { other.icmp };
    if other.capture != flow.capture {
        (facts.syn_frame, facts.syn_ack_frame, facts.rst_frame) = (None, None, None);
        icmp.first_frame = icmp.first_frame.filter(|_| flow.icmp.quoted.is_some());
    }
    match missing {
        Side::A => joined.from_a = facts,
        Side::B => joined.from_b = facts,
    }
    joined.icmp = icmp;
    joined.first_syn = flow.first_syn.or(other.first_syn);
    if other.first_seen_ns < flow.first_seen_ns {
        joined.first_sender = other.first_sender;
    }
    joined
}

/// What travels around flows, in words.
#[derive(Debug, Default)]
pub(super) struct Around {
    /// By the frame in which they begin: records of UDP that carry packets, the outermost.
    carriers: HashMap<(CaptureIndex, u64), Carrier, RandomState>,
}

#[derive(Debug, Clone, Copy)]
struct Carrier {
    depth: u8,
    from: IpAddr,
    to: Endpoint,
}

impl Around {
    pub(super) fn of(flows: &Flows) -> Self {
        let mut around = Self::default();
        let carrier = |flow: FlowRecord| {
            flow.carries?;
            let (from, to) = ends(&flow, flow.first_sender);
            let carrier = Carrier { depth: flow.encapsulation.depth, from: from.ip, to };
            Some(((flow.capture, flow.first_frame), carrier))
        };
        for (place, found) in found(flows, carrier) {
            let carrier = around.carriers.entry(place).or_insert(found);
            if found.depth < carrier.depth {
                *carrier = found;
            }
        }
        around
    }

    /// "; inside vxlan 7 carried by 10.0.0.1 -> 10.0.0.2:4789/udp", or nothing: for the end of evidence. The carrier is known
    /// where it began in the same frame. The port that it was sent from is left out: it differs from conversation to
    /// conversation.
    pub(super) fn words(&self, flow: &FlowRecord, joined: &FlowRecord) -> String {
        let passed = &flow.encapsulation;
        let mut words = String::new();
        if passed.depth > 0 {
            words = match passed.tunnels.is_empty() {
                true => "; inside another IP packet".into(),
                false => format!("; inside {}", passed.tunnels),
            };
            words.extend(passed.tunnel_id.map(|id| format!(" {id}")));
            let carrier = self.carriers.get(&(flow.capture, flow.first_frame));
            if let Some(Carrier { from, to, .. }) = carrier.filter(|carrier| carrier.depth < passed.depth) {
                words.push_str(&format!(" carried by {from} -> {to}/udp"));
            }
        }
        if missing(flow).is_some() && missing(joined).is_none() {
            words.push_str("; the other direction was recorded at another tunnel depth");
        }
        words
    }
}

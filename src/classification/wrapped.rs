//! Flows inside tunnels: the words for it, and conversations of which only one direction is tunnelled.
//!
//! The number of IP headers around a packet is part of the key of a flow, so that a copy inside a tunnel counts nothing twice.
//! Where one direction alone is tunnelled, a conversation becomes two records of one direction each: neither is one-sided, and
//! what is missing in one is looked up in the other.

use crate::model::{CaptureIndex, FlowRecord, Side};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// Records of the same endpoints at another depth belong together when they are no farther apart.
const TOGETHER_NS: i64 = 5_000_000_000;
/// Records of the same endpoints that are looked at, latest first.
const LOOKED_AT: usize = 16;

/// The flows; where one direction was recorded, and the other at another depth, with both. Frames, times and packets of the
/// direction that a record has stay its own.
pub(super) fn joined(flows: &[FlowRecord]) -> Cow<'_, [FlowRecord]> {
    let tunnelled: HashSet<_> = flows.iter().filter(|f| f.encapsulation.depth > 0).map(|f| f.key).collect();
    if tunnelled.is_empty() {
        return Cow::Borrowed(flows);
    }
    let mut records: HashMap<_, Vec<&FlowRecord>> = HashMap::new();
    for flow in flows.iter().filter(|f| tunnelled.contains(&f.key)) {
        records.entry(flow.key).or_default().push(flow);
    }
    let join = |flow: &FlowRecord| {
        let missing = missing(flow)?;
        let others = records.get(&flow.key)?;
        let near = others.partition_point(|o| o.first_seen_ns <= flow.last_seen_ns.saturating_add(TOGETHER_NS));
        let together = |o: &&&FlowRecord| o.last_seen_ns.saturating_add(TOGETHER_NS) >= flow.first_seen_ns;
        let heard = |o: &&&FlowRecord| o.encapsulation.depth != flow.encapsulation.depth && o.from(missing).packets > 0;
        let other = others[..near].iter().rev().take(LOOKED_AT).filter(together).find(heard)?;
        Some(both(flow, other, missing))
    };
    Cow::Owned(flows.iter().map(|flow| join(flow).unwrap_or(*flow)).collect())
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
pub(super) struct Around<'a> {
    /// By the frame in which they begin: records of UDP that carry packets, the outermost.
    carriers: HashMap<(CaptureIndex, u64), &'a FlowRecord>,
}

impl<'a> Around<'a> {
    pub(super) fn of(flows: &'a [FlowRecord]) -> Self {
        let mut around = Self::default();
        for flow in flows.iter().filter(|flow| flow.carries.is_some()) {
            let carrier = around.carriers.entry((flow.capture, flow.first_frame)).or_insert(flow);
            if flow.encapsulation.depth < carrier.encapsulation.depth {
                *carrier = flow;
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
            if let Some(carrier) = carrier.filter(|carrier| carrier.encapsulation.depth < passed.depth) {
                let from = carrier.key.endpoint(carrier.first_sender).ip;
                let to = carrier.key.endpoint(carrier.first_sender.other());
                words.push_str(&format!(" carried by {from} -> {to}/udp"));
            }
        }
        if missing(flow).is_some() && missing(joined).is_none() {
            words.push_str("; the other direction was recorded at another tunnel depth");
        }
        words
    }
}

//! What a reviewer has to look at: flows that no document covers, callers that nobody named, sweeps. Attempts that did not
//! succeed stand apart, as blocked attempts.

use crate::model::{
    Endpoint, Finding, FindingKind, JudgedFlow, Orientation, Status, Transport, contact_filter, sender_filter,
};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Findings by kind, initiator and endpoint; each kind in the order of its first packets. A sweep is one finding per
/// initiator and transport.
#[must_use]
pub fn findings(flows: &[JudgedFlow]) -> Vec<Finding> {
    let mut groups: BTreeMap<(FindingKind, IpAddr, Transport, Option<Endpoint>), Group<'_>> = BTreeMap::new();
    for flow in flows {
        let Some(kind) = kind(flow) else { continue };
        let endpoint = (kind != FindingKind::Scan).then_some(flow.judgement.responder);
        let key = (kind, flow.judgement.initiator.ip, flow.facts.key.transport, endpoint);
        groups.entry(key).or_insert_with(|| Group::new(flow)).add(flow);
    }
    let findings = groups.into_iter().map(|((kind, ..), group)| group.finding(kind));
    let mut findings: Vec<Finding> = findings.collect();
    findings.sort_by(|x, y| {
        let order = |f: &Finding| (f.kind, f.first_seen_ns, f.first_frame);
        order(x).cmp(&order(y)).then_with(|| x.capture.cmp(&y.capture))
    });
    findings
}

fn kind(flow: &JudgedFlow) -> Option<FindingKind> {
    let judgement = &flow.judgement;
    match judgement.status {
        Status::Scan => Some(FindingKind::Scan),
        _ if judgement.outcome.is_blocked() => None,
        Status::Undocumented => Some(FindingKind::Undocumented),
        Status::DynamicUnexplained => Some(FindingKind::DynamicUnexplained),
        Status::DocumentedPortUnexpectedPeer => Some(FindingKind::UnexpectedPeer),
        _ => None,
    }
}

struct Group<'a> {
    first: &'a JudgedFlow,
    orientation: Orientation,
    flows: u64,
    last_seen_ns: i64,
}

impl<'a> Group<'a> {
    fn new(first: &'a JudgedFlow) -> Self {
        Self { first, orientation: Orientation::Certain, flows: 0, last_seen_ns: i64::MIN }
    }

    fn add(&mut self, flow: &JudgedFlow) {
        self.flows += 1;
        self.orientation = self.orientation.min(flow.judgement.orientation);
        self.last_seen_ns = self.last_seen_ns.max(flow.facts.last_seen_ns);
    }

    fn finding(self, kind: FindingKind) -> Finding {
        let judgement = &self.first.judgement;
        let transport = self.first.facts.key.transport;
        let (initiator, responder) = (judgement.initiator.ip, judgement.responder);
        let display_filter = match kind {
            FindingKind::Scan => sender_filter(initiator, transport),
            _ => contact_filter(initiator, responder, transport),
        };
        Finding {
            kind,
            initiator,
            responder,
            transport,
            text: judgement.reason.clone(),
            orientation: self.orientation,
            outcome: judgement.outcome,
            flows: self.flows,
            capture: self.first.capture.to_string(),
            first_frame: self.first.facts.first_frame,
            display_filter,
            first_seen_ns: self.first.facts.first_seen_ns,
            last_seen_ns: self.last_seen_ns,
        }
    }
}

//! Attempts that did not succeed, grouped: repeated SYNs and tries from new ports are one attempt (KB175523).

use super::outcome::outcome_evidence;
use crate::model::{BlockedAttempt, Endpoint, JudgedFlow, Outcome, Status, Transport};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Refused, unanswered and prohibited attempts by initiator, endpoint and outcome, in the order of their first tries.
/// Sweeps are left out: they are findings of their own.
#[must_use]
pub fn blocked_attempts(flows: &[JudgedFlow]) -> Vec<BlockedAttempt> {
    let mut groups: BTreeMap<(IpAddr, Transport, Endpoint, Outcome), BlockedAttempt> = BTreeMap::new();
    // Where only one direction is tunnelled, the record that holds the answers alone is no attempt of its own.
    let attempted = flows.iter().filter(|f| f.judgement.outcome.is_blocked() && f.forward().packets > 0);
    for flow in attempted.filter(|f| f.judgement.status != Status::Scan) {
        let judgement = &flow.judgement;
        let transport = flow.facts.key.transport;
        let key = (judgement.initiator.ip, transport, judgement.responder, judgement.outcome);
        let attempt = groups.entry(key).or_insert_with(|| BlockedAttempt {
            initiator: judgement.initiator.ip,
            responder: judgement.responder,
            transport,
            outcome: judgement.outcome,
            service: judgement.service.clone(),
            status: judgement.status,
            flows: 0,
            packets: 0,
            first_seen_ns: flow.facts.first_seen_ns,
            last_seen_ns: flow.facts.last_seen_ns,
            capture: flow.capture.to_string(),
            first_frame: flow.facts.first_frame,
            evidence: outcome_evidence(flow),
        });
        attempt.flows += 1;
        attempt.packets += flow.forward().packets;
        attempt.last_seen_ns = attempt.last_seen_ns.max(flow.facts.last_seen_ns);
    }
    let mut attempts: Vec<BlockedAttempt> = groups.into_values().collect();
    attempts.sort_by(|x, y| {
        (x.first_seen_ns, &x.capture, x.first_frame).cmp(&(y.first_seen_ns, &y.capture, y.first_frame))
    });
    attempts
}

//! Attempts that did not succeed, grouped: repeated SYNs and tries from new ports are one attempt (KB175523).

use super::outcome::outcome_evidence;
use crate::model::{BlockedAttempt, Endpoint, JudgedFlow, Outcome, Status, Transport};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Attempts as they gather: refused, unanswered and prohibited ones by initiator, endpoint and outcome. Sweeps are left
/// out: they are findings of their own.
#[derive(Debug, Default)]
pub struct BlockedAttempts {
    groups: BTreeMap<(IpAddr, Transport, Endpoint, Outcome), BlockedAttempt>,
}

impl BlockedAttempts {
    /// Takes note of a flow. The first one of an attempt describes it.
    pub fn note(&mut self, flow: &JudgedFlow) {
        let judgement = &flow.judgement;
        // Where only one direction is tunnelled, the record that holds the answers alone is no attempt of its own.
        let is_attempt = judgement.outcome.is_blocked() && flow.forward().packets > 0;
        if !is_attempt || judgement.status == Status::Scan {
            return;
        }
        let transport = flow.facts.key.transport;
        let key = (judgement.initiator.ip, transport, judgement.responder, judgement.outcome);
        let attempt = self.groups.entry(key).or_insert_with(|| BlockedAttempt {
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

    /// All of them, in the order of their first tries.
    #[must_use]
    pub fn finish(self) -> Vec<BlockedAttempt> {
        let mut attempts: Vec<BlockedAttempt> = self.groups.into_values().collect();
        attempts.sort_by(|x, y| {
            (x.first_seen_ns, &x.capture, x.first_frame).cmp(&(y.first_seen_ns, &y.capture, y.first_frame))
        });
        attempts
    }
}

/// The blocked attempts of flows, see [`BlockedAttempts`].
#[must_use]
pub fn blocked_attempts<'a>(flows: impl IntoIterator<Item = &'a JudgedFlow>) -> Vec<BlockedAttempt> {
    let mut attempts = BlockedAttempts::default();
    flows.into_iter().for_each(|flow| attempts.note(flow));
    attempts.finish()
}

//! What a reviewer has to look at: flows that no document covers, callers that nobody named, sweeps. Attempts that did not
//! succeed stand apart, as blocked attempts.

use crate::model::{Endpoint, Finding, FindingKind, JudgedFlow, Status, Transport, contact_filter, sender_filter};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Findings as they gather, by kind, initiator and endpoint. A sweep is one finding per initiator and transport.
#[derive(Debug, Default)]
pub struct Findings {
    groups: BTreeMap<(FindingKind, IpAddr, Transport, Option<Endpoint>), Finding>,
}

impl Findings {
    /// Takes note of a flow. The first one of a finding describes it.
    pub fn note(&mut self, flow: &JudgedFlow) {
        let Some(kind) = kind(flow) else { return };
        let endpoint = (kind != FindingKind::Scan).then_some(flow.judgement.responder);
        let key = (kind, flow.judgement.initiator.ip, flow.facts.key.transport, endpoint);
        let finding = self.groups.entry(key).or_insert_with(|| begun(kind, flow));
        finding.flows += 1;
        finding.orientation = finding.orientation.min(flow.judgement.orientation);
        finding.last_seen_ns = finding.last_seen_ns.max(flow.facts.last_seen_ns);
    }

    /// All of them, each kind in the order of its first packets.
    #[must_use]
    pub fn finish(self) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self.groups.into_values().collect();
        findings.sort_by(|x, y| {
            let order = |f: &Finding| (f.kind, f.first_seen_ns, f.first_frame);
            order(x).cmp(&order(y)).then_with(|| x.capture.cmp(&y.capture))
        });
        findings
    }
}

/// The findings of flows, see [`Findings`].
#[must_use]
pub fn findings<'a>(flows: impl IntoIterator<Item = &'a JudgedFlow>) -> Vec<Finding> {
    let mut findings = Findings::default();
    flows.into_iter().for_each(|flow| findings.note(flow));
    findings.finish()
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

fn begun(kind: FindingKind, first: &JudgedFlow) -> Finding {
    let judgement = &first.judgement;
    let transport = first.facts.key.transport;
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
        orientation: judgement.orientation,
        outcome: judgement.outcome,
        flows: 0,
        capture: first.capture.to_string(),
        first_frame: first.facts.first_frame,
        display_filter,
        first_seen_ns: first.facts.first_seen_ns,
        last_seen_ns: first.facts.last_seen_ns,
    }
}

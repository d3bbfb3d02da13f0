//! What a report says of all flows together, gathered as they come: none is kept.

use crate::classification::{AnnouncedCalls, BlockedAttempts, Findings, OneSided};
use crate::model::{JudgedFlow, Orientation, Outcome, Status, Tie};
use crate::report::{OutcomeCount, StatusCount};
use crate::store::Facts;

pub(super) struct FlowSums<'a> {
    pub(super) findings: Findings,
    pub(super) blocked: BlockedAttempts,
    pub(super) one_sided: OneSided,
    pub(super) calls: AnnouncedCalls<'a>,
    /// In the order in which reports list them.
    pub(super) statuses: Vec<StatusCount>,
    pub(super) outcomes: Vec<OutcomeCount>,
    /// The surest first.
    pub(super) orientations: Vec<(Orientation, u64)>,
    /// Flows whose port is explained by timing alone.
    pub(super) timing_only: u64,
    /// SYN and SYN-ACK that were seen twice.
    pub(super) handshake_copies: u64,
}

impl<'a> FlowSums<'a> {
    pub(super) fn of(facts: &'a Facts) -> Self {
        let status = |status| StatusCount { status, flows: 0, packets: 0, wire_bytes: 0 };
        Self {
            findings: Findings::default(),
            blocked: BlockedAttempts::default(),
            one_sided: OneSided::default(),
            calls: AnnouncedCalls::of(facts),
            statuses: Status::ALL.into_iter().map(status).collect(),
            outcomes: Outcome::ALL.into_iter().map(|outcome| OutcomeCount { outcome, flows: 0 }).collect(),
            orientations: Orientation::ALL.into_iter().rev().map(|orientation| (orientation, 0)).collect(),
            timing_only: 0,
            handshake_copies: 0,
        }
    }

    /// Takes note of a flow; flows come in the order of the facts.
    pub(super) fn note(&mut self, flow: &JudgedFlow) {
        self.findings.note(flow);
        self.blocked.note(flow);
        self.one_sided.note(flow);
        self.calls.note(flow);
        let JudgedFlow { judgement, facts, .. } = flow;
        let (a, b) = (&facts.from_a, &facts.from_b);
        if let Some(count) = self.statuses.iter_mut().find(|count| count.status == judgement.status) {
            count.flows += 1;
            count.packets += a.packets + b.packets;
            count.wire_bytes = count.wire_bytes.saturating_add(a.wire_bytes).saturating_add(b.wire_bytes);
        }
        if let Some(count) = self.outcomes.iter_mut().find(|count| count.outcome == judgement.outcome) {
            count.flows += 1;
        }
        if let Some((_, flows)) = self.orientations.iter_mut().find(|(is, _)| *is == judgement.orientation) {
            *flows += 1;
        }
        self.timing_only += u64::from(judgement.referral.as_ref().is_some_and(|r| r.tie == Tie::TimingOnly));
        self.handshake_copies += u64::from(a.handshake_copies + b.handshake_copies);
    }
}

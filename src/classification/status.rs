//! How a flow relates to the documents: their static ports, a broker's word, what came before it, or nothing.

use super::documented::{Called, Covered, covered, expired, undocumented_reason};
use super::judge::{Judge, Opened, conversation, ends};
use super::referral::{Call, Tied};
use super::subject;
use crate::catalog::DEFAULT_DYNAMIC_RANGE;
use crate::model::{FlowRecord, Orientation, Status, Tier};
use std::net::IpAddr;
use std::ops::RangeInclusive;

impl Judge<'_> {
    pub(super) fn status(&self, flow: &FlowRecord, opened: &Opened) -> Covered {
        let (initiator, responder) = ends(flow, opened.direction.initiator);
        let called = Called {
            initiator: initiator.ip,
            responder,
            transport: flow.key.transport,
            first_seen_ns: flow.first_seen_ns,
            orientation: opened.direction.orientation,
        };
        let mut covered = self.status_of(&called, flow, opened);
        let needs_a_word = covered.status.is_undocumented() || covered.status == Status::DocumentedPortUnexpectedPeer;
        if let Some(expired) = self.site.filter(|_| needs_a_word).and_then(|site| expired(&called, site)) {
            covered.reason.push_str(&expired);
        }
        covered
    }

    fn status_of(&self, called: &Called, flow: &FlowRecord, opened: &Opened) -> Covered {
        let Called { initiator, responder, .. } = *called;
        let covered = covered(called, self.catalog, self.site, &self.roles);
        let unexpected = |c: &Covered| c.status == Status::DocumentedPortUnexpectedPeer;
        let failed = opened.outcome.is_blocked() && covered.as_ref().is_none_or(unexpected);
        if failed && self.sweeps.sweeps(initiator, responder.ip) {
            let service = covered.map(|c| c.service).unwrap_or_default();
            let reason = format!("{initiator} fails at 20 endpoints or more and does not talk with this host: a sweep");
            return Covered { status: Status::Scan, service, reason, referral: None };
        }
        if let Some(covered) = covered {
            return covered;
        }
        if let Some(referred) = self.referred(flow, opened) {
            return referred;
        }
        if self.dynamic_range(responder.ip).contains(&responder.port) {
            return self.dynamic(flow, opened);
        }
        let reason = undocumented_reason(called, self.catalog, &self.roles);
        Covered { status: Status::Undocumented, service: String::new(), reason, referral: None }
    }

    fn dynamic_range(&self, ip: IpAddr) -> RangeInclusive<u16> {
        self.site.map_or(DEFAULT_DYNAMIC_RANGE, |site| site.dynamic_range(ip))
    }

    /// What the announcement of its port makes of a flow.
    fn referred(&self, flow: &FlowRecord, opened: &Opened) -> Option<Covered> {
        if opened.direction.orientation <= Orientation::Guess {
            return None;
        }
        let (initiator, responder) = ends(flow, opened.direction.initiator);
        let Self { facts, captures, catalog, subjects, referrals, restarts, .. } = self;
        let epoch = restarts.epoch(responder.ip, flow.first_seen_ns);
        let call = Call { flow, client: initiator.ip, responder, epoch };
        let tied = referrals.tied(&call, facts, (catalog, subjects), captures)?;
        let at = self.roles.of(responder.ip);
        let is_at_home = tied.subject.service.as_ref().is_some_and(|stated| stated.is_at(at));
        let in_range = self.dynamic_range(responder.ip).contains(&responder.port);
        // Outside the dynamic range a reviewer decides, unless the answer could be parsed.
        if !in_range && tied.tier != Tier::Structural {
            return None;
        }
        let unexplained = if in_range { Status::DynamicUnexplained } else { Status::Undocumented };
        let status = tied.status(is_at_home).unwrap_or(unexplained);
        let Tied { referral, subject, reason, .. } = tied;
        let service = subject.service.map_or(subject.name, |stated| stated.service);
        Some(Covered { status, service, reason, referral: Some(Box::new(referral)) })
    }

    fn dynamic(&self, flow: &FlowRecord, opened: &Opened) -> Covered {
        let unexplained = |service: String, reason: String| Covered {
            status: Status::DynamicUnexplained,
            service,
            reason,
            referral: None,
        };
        if opened.direction.orientation <= Orientation::Guess {
            return unexplained(String::new(), "in the dynamic range; which side serves is not known".into());
        }
        let asked = self.asked_for(flow);
        let conversation = conversation(flow, opened.direction.initiator);
        match self.sequence.explanation(&conversation, &self.referrals, self.catalog, &self.roles) {
            Some(explained) => Covered {
                status: Status::DynamicExplained,
                service: asked.map(|(service, _)| service).unwrap_or_default(),
                reason: explained.reason,
                referral: explained.referral.map(Box::new),
            },
            None => match asked {
                Some((service, reason)) => unexplained(service, reason),
                None => unexplained(
                    String::new(),
                    "in the dynamic range; nobody was heard announcing it, and no documented step comes before".into(),
                ),
            },
        }
    }

    /// The RPC interfaces that a call itself asks for, and the words for a port that nobody announced.
    fn asked_for(&self, flow: &FlowRecord) -> Option<(String, String)> {
        let names = self.referrals.interfaces(flow).iter().map(|text| subject::interface(self.catalog, text).name);
        let mut names: Vec<String> = names.collect();
        names.sort();
        names.dedup();
        let service = match names.as_slice() {
            [] => return None,
            [one] => one.clone(),
            [one, rest @ ..] => format!("{one} and {} more", rest.len()),
        };
        let reason = format!("in the dynamic range; a call of {}, which nobody was heard announcing", names.join(", "));
        Some((service, reason))
    }
}

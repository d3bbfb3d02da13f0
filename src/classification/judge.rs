//! The two passes over the flows.

use super::direction::{Direction, direction};
use super::documented::{Called, Covered, covered, undocumented_reason};
use super::outcome::outcome;
use super::roles::Roles;
use super::scan::Sweeps;
use super::sequence::{Conversation, Sequence};
use super::survey::Survey;
use crate::catalog::{Catalog, DEFAULT_DYNAMIC_RANGE, PortRef, Site};
use crate::model::{FlowRecord, JudgedFlow, Judgement, Orientation, Outcome, Side, Status};
use crate::store::Facts;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::RangeInclusive;

/// All flows of a store, judged.
#[derive(Debug)]
pub struct Judged {
    /// The flows, in the order of the facts.
    pub flows: Vec<JudgedFlow>,
    /// The roles that were used.
    pub roles: Roles,
}

struct Opened {
    direction: Direction,
    outcome: Outcome,
}

/// Judges every flow. Without a site file roles are guessed from what hosts were seen to serve.
#[must_use]
pub fn judge(facts: &Facts, catalog: &Catalog, site: Option<&Site>) -> Judged {
    let survey = Survey::of(&facts.flows);
    let opened: Vec<Opened> = facts.flows.iter().map(|flow| open(flow, &survey, catalog)).collect();
    let roles = match site {
        Some(site) => Roles::stated(site, facts.flows.iter().flat_map(|flow| [flow.key.a.ip, flow.key.b.ip])),
        None => Roles::guessed(catalog, &served(&facts.flows, &opened)),
    };
    let mut sweeps = Sweeps::default();
    for (flow, opened) in facts.flows.iter().zip(&opened) {
        let (initiator, responder) = ends(flow, opened.direction.initiator);
        sweeps.note(initiator.ip, flow.key.transport, responder, opened.outcome, payload_bytes(flow));
    }
    let conversations = facts.flows.iter().zip(&opened).map(|(flow, opened)| conversation(flow, opened));
    let bench = Bench { catalog, site, roles: &roles, sweeps, sequence: Sequence::of(conversations, catalog) };
    let names: Vec<std::sync::Arc<str>> = facts.captures.iter().map(|capture| capture.name.as_str().into()).collect();
    let flows = facts.flows.iter().zip(opened);
    let flows = flows.map(|(flow, opened)| JudgedFlow {
        capture: names.get(flow.capture.0 as usize).cloned().unwrap_or_else(|| "".into()),
        facts: *flow,
        judgement: bench.judgement(flow, opened),
    });
    Judged { flows: flows.collect(), roles }
}

fn open(flow: &FlowRecord, survey: &Survey, catalog: &Catalog) -> Opened {
    let direction = direction(flow, survey, catalog);
    let outcome = outcome(flow, direction.initiator, survey);
    Opened { direction, outcome }
}

fn ends(flow: &FlowRecord, initiator: Side) -> (crate::model::Endpoint, crate::model::Endpoint) {
    (flow.key.endpoint(initiator), flow.key.endpoint(initiator.other()))
}

fn payload_bytes(flow: &FlowRecord) -> u64 {
    flow.from_a.payload_bytes.saturating_add(flow.from_b.payload_bytes)
}

fn conversation(flow: &FlowRecord, opened: &Opened) -> Conversation {
    let (initiator, responder) = ends(flow, opened.direction.initiator);
    Conversation {
        transport: flow.key.transport,
        initiator: initiator.ip,
        responder,
        first_seen_ns: flow.first_seen_ns,
        last_seen_ns: flow.last_seen_ns,
        first_frame: flow.first_frame,
        outcome: opened.outcome,
    }
}

/// Ports that each host answered at, the direction being at least probable.
fn served(flows: &[FlowRecord], opened: &[Opened]) -> BTreeMap<IpAddr, BTreeSet<PortRef>> {
    let mut served: BTreeMap<IpAddr, BTreeSet<PortRef>> = BTreeMap::new();
    for (flow, Opened { direction, outcome }) in flows.iter().zip(opened) {
        let answered = matches!(outcome, Outcome::Established | Outcome::Midstream);
        if answered && direction.orientation >= Orientation::Probable {
            let (_, responder) = ends(flow, direction.initiator);
            let port = PortRef { transport: flow.key.transport, port: responder.port };
            served.entry(responder.ip).or_default().insert(port);
        }
    }
    served
}

struct Bench<'a> {
    catalog: &'a Catalog,
    site: Option<&'a Site>,
    roles: &'a Roles,
    sweeps: Sweeps,
    sequence: Sequence,
}

impl Bench<'_> {
    fn judgement(&self, flow: &FlowRecord, opened: Opened) -> Judgement {
        let Covered { status, service, reason } = self.status(flow, &opened);
        let (initiator, responder) = ends(flow, opened.direction.initiator);
        Judgement {
            orientation: opened.direction.orientation,
            orientation_evidence: opened.direction.evidence,
            initiator,
            responder,
            application: String::new(),
            service,
            status,
            reason,
            outcome: opened.outcome,
        }
    }

    fn status(&self, flow: &FlowRecord, opened: &Opened) -> Covered {
        let (initiator, responder) = ends(flow, opened.direction.initiator);
        let called = Called {
            initiator: initiator.ip,
            responder,
            transport: flow.key.transport,
            first_seen_ns: flow.first_seen_ns,
            orientation: opened.direction.orientation,
        };
        let covered = covered(&called, self.catalog, self.site, self.roles);
        let accepted = covered.as_ref().is_some_and(|c| c.status == Status::Accepted);
        if !accepted && self.sweeps.is_sweeping(initiator.ip) && !reached(flow, opened.outcome) {
            let service = covered.map(|c| c.service).unwrap_or_default();
            let reason = format!("{} fails at 20 endpoints or more: a sweep", initiator.ip);
            return Covered { status: Status::Scan, service, reason };
        }
        if let Some(covered) = covered {
            return covered;
        }
        if self.dynamic_range(responder.ip).contains(&responder.port) {
            return self.dynamic(flow, opened);
        }
        let reason = undocumented_reason(&called, self.catalog, self.roles);
        Covered { status: Status::Undocumented, service: String::new(), reason }
    }

    fn dynamic_range(&self, ip: IpAddr) -> RangeInclusive<u16> {
        self.site.map_or(DEFAULT_DYNAMIC_RANGE, |site| site.dynamic_range(ip))
    }

    fn dynamic(&self, flow: &FlowRecord, opened: &Opened) -> Covered {
        let explanation = self.sequence.explanation(&conversation(flow, opened), self.catalog, self.roles);
        let service = String::new();
        if opened.direction.orientation <= Orientation::Guess {
            let reason = "in the dynamic range; which side serves is not known".into();
            return Covered { status: Status::DynamicUnexplained, service, reason };
        }
        match explanation {
            Some(reason) => Covered { status: Status::DynamicExplained, service, reason },
            None => Covered {
                status: Status::DynamicUnexplained,
                service,
                reason: "in the dynamic range; no broker was asked and no documented step comes before".into(),
            },
        }
    }
}

/// A conversation with payload: not a probe.
fn reached(flow: &FlowRecord, outcome: Outcome) -> bool {
    !outcome.is_blocked() && payload_bytes(flow) > 0
}

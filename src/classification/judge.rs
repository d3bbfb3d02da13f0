//! The two passes over the flows.

use super::direction::{Direction, direction};
use super::documented::{Called, Covered, covered, expired, undocumented_reason};
use super::host_tables::HostTables;
use super::outcome::{evidence, outcome};
use super::referral::{Call, Referrals, Tied};
use super::restarts::Restarts;
use super::roles::Roles;
use super::scan::Sweeps;
use super::sequence::{BROKER_WITHIN_NS, Conversation, Sequence, Timing};
use super::subject;
use super::survey::{Survey, is_conversation};
use super::wrapped::{Around, joined};
use crate::catalog::{Catalog, DEFAULT_DYNAMIC_RANGE, PortRef, Site};
use crate::model::{
    Activity, CaptureIndex, Endpoint, FlowRecord, JudgedFlow, Judgement, Orientation, Outcome, Side, Status, Tier,
};
use crate::store::Facts;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// What may be chosen about judging.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JudgeSettings {
    /// How long before a call the broker may have been asked that, by timing alone, explains it, ns.
    pub broker_within_ns: i64,
}

impl Default for JudgeSettings {
    fn default() -> Self {
        Self { broker_within_ns: BROKER_WITHIN_NS }
    }
}

/// All flows of a store, judged.
#[derive(Debug)]
pub struct Judged {
    /// The flows, in the order of the facts.
    pub flows: Vec<JudgedFlow>,
    /// The roles that were used.
    pub roles: Roles,
    /// True where no TCP segment but those that open connections is in the recording: a capture filter kept the rest away.
    pub openings_only: bool,
    /// Which hosts and services restarted.
    pub restarts: Restarts,
    /// Attempts to which nothing came back, where that means nothing: a filter was in use, or the tap may not see the answers.
    pub unheard: u64,
}

struct Opened {
    direction: Direction,
    outcome: Outcome,
    /// The packets that show the outcome, or why they do not.
    evidence: String,
}

/// Judges every flow by the default settings, see [`judge_with`].
#[must_use]
pub fn judge(facts: &Facts, catalog: &Catalog, site: Option<&Site>) -> Judged {
    judge_with(facts, catalog, site, JudgeSettings::default())
}

/// Judges every flow. Without a site file that names roles, they are guessed from what hosts were seen to serve.
#[must_use]
pub fn judge_with(facts: &Facts, catalog: &Catalog, site: Option<&Site>, settings: JudgeSettings) -> Judged {
    let flows = joined(&facts.flows);
    let hosts = HostTables::of(facts);
    let restarts = Restarts::of(facts, &hosts);
    let referrals = Referrals::of(facts);
    let survey = Survey::of(&flows, &facts.captures, referrals.listeners());
    let (opened, survey) = open_all(&flows, survey, catalog, &hosts);
    let names_roles = |site: &&Site| site.hosts().any(|host| host.roles.as_ref().is_some_and(|r| !r.is_empty()));
    let roles = match site.filter(names_roles) {
        Some(site) => Roles::stated(site, facts.flows.iter().flat_map(|flow| [flow.key.a.ip, flow.key.b.ip])),
        None => Roles::guessed(catalog, &served(&flows, &opened)),
    };
    let unheard = flows.iter().zip(&opened).filter(|(flow, opened)| {
        let initiator = opened.direction.initiator;
        let silent = opened.outcome == Outcome::Undetermined && flow.from(initiator.other()).packets == 0;
        silent && !opened.evidence.is_empty() && survey.doubts_silence(flow, initiator).is_some()
    });
    let unheard = unheard.count() as u64;
    let mut sweeps = Sweeps::default();
    for (flow, opened) in flows.iter().zip(&opened) {
        let (initiator, responder) = ends(flow, opened.direction.initiator);
        let (transport, payload_packets) = (flow.key.transport, payload_packets(flow));
        // What may have succeeded out of sight is no failure, and has to be weighed against those.
        match opened.outcome == Outcome::Undetermined && survey.lacks_answers() {
            true => sweeps.may_have_reached(initiator.ip, transport, responder),
            false => sweeps.note(initiator.ip, transport, responder, opened.outcome, payload_packets),
        }
    }
    let names: Vec<Arc<str>> = facts.captures.iter().map(|capture| capture.name.as_str().into()).collect();
    // Where nothing at all was recognised, payload was not looked into, or the recording does not hold it.
    let payload_read = flows.iter().any(|flow| flow.application.is_some());
    let timing = Timing { broker_within_ns: settings.broker_within_ns, payload_read };
    let sequence = Sequence::of(conversations(facts, &flows, &opened), catalog, &names, timing);
    let bench = Bench {
        facts,
        captures: &names,
        catalog,
        site,
        roles: &roles,
        sweeps,
        sequence,
        referrals,
        restarts: &restarts,
    };
    let around = Around::of(&facts.flows);
    let judged = facts.flows.iter().zip(flows.iter()).zip(opened).map(|((flow, joined), opened)| JudgedFlow {
        capture: names.get(flow.capture.0 as usize).cloned().unwrap_or_else(|| "".into()),
        facts: *flow,
        judgement: bench.judgement(joined, opened, &around.words(flow, joined)),
    });
    Judged { flows: judged.collect(), roles, openings_only: survey.openings_only(), unheard, restarts }
}

/// Direction and outcome of every flow. What a first look makes strong is evidence for the others in a second one.
fn open_all(
    flows: &[FlowRecord],
    mut survey: Survey,
    catalog: &Catalog,
    hosts: &HostTables<'_>,
) -> (Vec<Opened>, Survey) {
    let mut directions: Vec<Direction> = flows.iter().map(|flow| direction(flow, &survey, catalog, hosts)).collect();
    for (flow, direction) in flows.iter().zip(&directions) {
        if direction.orientation >= Orientation::Strong && is_conversation(flow) {
            survey.learn(flow, direction.initiator);
        }
    }
    for (flow, weak) in flows.iter().zip(&mut directions) {
        if weak.orientation < Orientation::Strong {
            *weak = direction(flow, &survey, catalog, hosts);
        }
    }
    let opened = flows.iter().zip(directions).map(|(flow, direction)| {
        let outcome = outcome(flow, direction.initiator, &survey);
        let evidence = evidence(flow, direction.initiator, outcome, &survey);
        Opened { direction, outcome, evidence }
    });
    (opened.collect(), survey)
}

/// Conversations whose direction is known, long ones burst by burst.
fn conversations(facts: &Facts, flows: &[FlowRecord], opened: &[Opened]) -> Vec<Conversation> {
    let mut bursts: HashMap<(CaptureIndex, u64), Vec<&Activity>> = HashMap::new();
    for burst in &facts.activity {
        bursts.entry((burst.capture, burst.flow_first_frame)).or_default().push(burst);
    }
    let mut conversations = Vec::new();
    for (flow, opened) in flows.iter().zip(opened) {
        if opened.direction.orientation < Orientation::Probable || !is_conversation(flow) {
            continue;
        }
        let whole = conversation(flow, opened);
        match bursts.get(&(flow.capture, flow.first_frame)) {
            None => conversations.push(Conversation { single_burst: true, ..whole }),
            Some(bursts) => conversations.extend(bursts.iter().map(|burst| Conversation {
                first_seen_ns: burst.start_ns,
                last_seen_ns: burst.end_ns,
                capture: burst.burst_capture,
                first_frame: burst.first_frame,
                ..whole
            })),
        }
    }
    conversations
}

fn ends(flow: &FlowRecord, initiator: Side) -> (Endpoint, Endpoint) {
    (flow.key.endpoint(initiator), flow.key.endpoint(initiator.other()))
}

/// Packets with payload, both sides together.
pub(super) fn payload_packets(flow: &FlowRecord) -> u64 {
    flow.from_a.payload_packets.saturating_add(flow.from_b.payload_packets)
}

fn conversation(flow: &FlowRecord, opened: &Opened) -> Conversation {
    let (initiator, responder) = ends(flow, opened.direction.initiator);
    Conversation {
        transport: flow.key.transport,
        initiator: initiator.ip,
        responder,
        first_seen_ns: flow.first_seen_ns,
        last_seen_ns: flow.last_seen_ns,
        capture: flow.capture,
        first_frame: flow.first_frame,
        single_burst: false,
        application: flow.application.map(|is| is.protocol),
        unread: payload_packets(flow) == 0 || flow.snapped > 0,
    }
}

/// Ports that each host answered at, the direction being at least probable.
fn served(flows: &[FlowRecord], opened: &[Opened]) -> BTreeMap<IpAddr, BTreeSet<PortRef>> {
    let mut served: BTreeMap<IpAddr, BTreeSet<PortRef>> = BTreeMap::new();
    for (flow, Opened { direction, outcome, .. }) in flows.iter().zip(opened) {
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
    facts: &'a Facts,
    /// Names of the captures.
    captures: &'a [Arc<str>],
    catalog: &'a Catalog,
    site: Option<&'a Site>,
    roles: &'a Roles,
    sweeps: Sweeps,
    sequence: Sequence,
    referrals: Referrals,
    restarts: &'a Restarts,
}

impl Bench<'_> {
    /// The judgement of a flow; `around` goes to the end of its reason and evidence.
    fn judgement(&self, flow: &FlowRecord, opened: Opened, around: &str) -> Judgement {
        let Covered { status, service, mut reason, referral } = self.status(flow, &opened);
        reason.push_str(around);
        let mut outcome_evidence = opened.evidence;
        if !outcome_evidence.is_empty() {
            outcome_evidence.push_str(around);
        }
        let (initiator, responder) = ends(flow, opened.direction.initiator);
        Judgement {
            orientation: opened.direction.orientation,
            orientation_score: opened.direction.score,
            orientation_conflict: opened.direction.conflict,
            orientation_evidence: opened.direction.evidence,
            initiator,
            responder,
            application: flow.application.map_or("", |is| is.protocol.name()).to_owned(),
            service,
            referral,
            status,
            reason,
            outcome: opened.outcome,
            outcome_evidence,
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
        let mut covered = self.status_of(&called, flow, opened);
        let needs_a_word = covered.status.is_undocumented() || covered.status == Status::DocumentedPortUnexpectedPeer;
        if let Some(expired) = self.site.filter(|_| needs_a_word).and_then(|site| expired(&called, site)) {
            covered.reason.push_str(&expired);
        }
        covered
    }

    fn status_of(&self, called: &Called, flow: &FlowRecord, opened: &Opened) -> Covered {
        let Called { initiator, responder, .. } = *called;
        let covered = covered(called, self.catalog, self.site, self.roles);
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
        let reason = undocumented_reason(called, self.catalog, self.roles);
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
        let Self { facts, captures, catalog, referrals, restarts, .. } = self;
        let epoch = restarts.epoch(responder.ip, flow.first_seen_ns);
        let call = Call { flow, client: initiator.ip, responder, epoch };
        let tied = referrals.tied(&call, facts, catalog, captures)?;
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
        let conversation = conversation(flow, opened);
        match self.sequence.explanation(&conversation, &self.referrals, self.catalog, self.roles) {
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

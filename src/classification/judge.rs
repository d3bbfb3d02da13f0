//! What has to be known of all flows to judge one, and the judging of one.
//!
//! Two passes gather; after them a flow is judged when it is asked for, as often as it is, from its facts alone. So millions of flows need
//! four bytes each besides their facts, and no text: evidence and reasons are worded when somebody reads them.

use super::direction::{Direction, direction};
use super::documented::Covered;
use super::evidence::Sources;
use super::host_tables::HostTables;
use super::in_order::in_order;
use super::outcome::{evidence, outcome};
use super::referral::Referrals;
use super::restarts::Restarts;
use super::roles::Roles;
use super::scan::{Attempt, Sweeps};
use super::sequence::{BROKER_WITHIN_NS, Conversation, Precedes, Sequence, Timing};
use super::subject::Subjects;
use super::survey::{Learned, Lesson, Survey, is_conversation};
use super::wrapped::{Around, Joined};
use crate::catalog::{Catalog, PortRef, Site};
use crate::model::{Activity, CaptureIndex, Endpoint, FlowRecord, JudgedFlow, Judgement, Orientation, Outcome, Side};
use crate::store::Facts;
use foldhash::fast::RandomState;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::convert::Infallible;
use std::net::IpAddr;
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

/// Judged flows, and what was found out about all of them.
pub trait JudgedFlows: Sync {
    /// The flow with this number, in the order of the facts.
    fn flow(&self, number: usize) -> Option<Cow<'_, JudgedFlow>>;

    /// The roles that were used.
    fn roles(&self) -> &Roles;

    /// Which hosts and services restarted.
    fn restarts(&self) -> &Restarts;
}

/// All flows of a store, judged and held: for what looks at them in any order. A report makes do with [`Judge`].
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

impl JudgedFlows for Judged {
    fn flow(&self, number: usize) -> Option<Cow<'_, JudgedFlow>> {
        self.flows.get(number).map(Cow::Borrowed)
    }

    fn roles(&self) -> &Roles {
        &self.roles
    }

    fn restarts(&self) -> &Restarts {
        &self.restarts
    }
}

/// Judges every flow by the default settings, see [`judge_with`].
#[must_use]
pub fn judge(facts: &Facts, catalog: &Catalog, site: Option<&Site>) -> Judged {
    judge_with(facts, catalog, site, JudgeSettings::default())
}

/// Judges every flow. Without a site file that names roles, they are guessed from what hosts were seen to serve.
#[must_use]
pub fn judge_with(facts: &Facts, catalog: &Catalog, site: Option<&Site>, settings: JudgeSettings) -> Judged {
    let hosts = HostTables::of(facts);
    let judge = Judge::of(facts, &hosts, catalog, site, settings);
    Judged {
        flows: judge.flows().collect(),
        openings_only: judge.openings_only(),
        unheard: judge.unheard,
        roles: judge.roles,
        restarts: judge.restarts,
    }
}

/// Direction and outcome of a flow, with what shows them.
pub(super) struct Opened {
    pub(super) direction: Direction,
    pub(super) outcome: Outcome,
    /// The packets that show the outcome, or why they do not.
    pub(super) evidence: String,
}

/// What is kept of them.
#[derive(Debug, Clone, Copy)]
struct Verdict {
    initiator: Side,
    orientation: Orientation,
    outcome: Outcome,
    /// The first look was enough: what others taught is no evidence here.
    at_first_look: bool,
}

/// What the second look at a flow gives.
struct Looked {
    verdict: Verdict,
    attempt: Attempt,
    is_unheard: bool,
    /// The responder answered, the direction being at least probable.
    serves: bool,
    /// The conversation, long ones burst by burst, as far as it may explain others.
    precedents: Vec<Conversation>,
}

/// Judges flows one by one, knowing all of them.
pub struct Judge<'a> {
    pub(super) facts: &'a Facts,
    pub(super) catalog: &'a Catalog,
    pub(super) site: Option<&'a Site>,
    hosts: &'a HostTables<'a>,
    /// Names of the captures.
    pub(super) captures: Vec<Arc<str>>,
    joined: Joined<'a>,
    around: Around,
    survey: Survey,
    learned: Learned,
    verdicts: Vec<Verdict>,
    /// The roles that are used.
    pub roles: Roles,
    pub(super) sweeps: Sweeps,
    pub(super) sequence: Sequence,
    pub(super) referrals: Referrals,
    /// What announcements are about.
    pub(super) subjects: Subjects,
    /// Which hosts and services restarted.
    pub restarts: Restarts,
    /// As in [`Judged`].
    pub unheard: u64,
}

impl JudgedFlows for Judge<'_> {
    fn flow(&self, number: usize) -> Option<Cow<'_, JudgedFlow>> {
        let flow = self.facts.flows.get(number)?;
        Some(Cow::Owned(self.judged(flow, *self.verdicts.get(number)?)))
    }

    fn roles(&self) -> &Roles {
        &self.roles
    }

    fn restarts(&self) -> &Restarts {
        &self.restarts
    }
}

impl<'a> Judge<'a> {
    /// Looks at all flows. Without a site file that names roles, they are guessed from what hosts were seen to serve.
    #[must_use]
    pub fn of(
        facts: &'a Facts,
        hosts: &'a HostTables<'a>,
        catalog: &'a Catalog,
        site: Option<&'a Site>,
        settings: JudgeSettings,
    ) -> Self {
        let joined = Joined::of(&facts.flows);
        let referrals = Referrals::of(facts);
        let survey =
            Survey::of(facts.flows.len(), |number| joined.flow(number), &facts.captures, referrals.listeners());
        let captures: Vec<Arc<str>> = facts.captures.iter().map(|capture| capture.name.as_str().into()).collect();
        let timing = Timing { broker_within_ns: settings.broker_within_ns, payload_read: survey.payload_read() };
        let mut judge = Self {
            facts,
            catalog,
            site,
            hosts,
            joined,
            around: Around::of(&facts.flows),
            survey,
            learned: Learned::default(),
            verdicts: Vec::new(),
            roles: Roles::default(),
            sweeps: Sweeps::default(),
            sequence: Sequence::default(),
            referrals,
            subjects: Subjects::of(&facts.announcements, catalog),
            restarts: Restarts::of(facts, hosts),
            unheard: 0,
            captures,
        };
        judge.first_look();
        let (served, precedents) = judge.second_look();
        judge.sequence = Sequence::of(precedents, catalog, &judge.captures, timing);
        let names_roles = |site: &&Site| site.hosts().any(|host| host.roles.as_ref().is_some_and(|r| !r.is_empty()));
        judge.roles = match site.filter(names_roles) {
            Some(site) => Roles::stated(site, facts.flows.iter().flat_map(|flow| [flow.key.a.ip, flow.key.b.ip])),
            None => Roles::guessed(catalog, &served),
        };
        judge
    }

    /// Direction of every flow. What it makes strong is evidence for the others in a second look.
    fn first_look(&mut self) {
        let look = |number| {
            let flow = self.joined.flow(number)?;
            let Direction { initiator, orientation, .. } = self.direction(&flow, true);
            let at_first_look = orientation >= Orientation::Strong;
            let lesson = (at_first_look && is_conversation(&flow)).then(|| Lesson::of(&flow, initiator));
            let outcome = Outcome::Undetermined;
            Some((Verdict { initiator, orientation, outcome, at_first_look }, lesson))
        };
        let (mut learned, mut verdicts) = (Learned::default(), Vec::with_capacity(self.facts.flows.len()));
        let Ok(()) = in_order(
            self.facts.flows.len(),
            |numbers| numbers.filter_map(look).collect::<Vec<_>>(),
            |looked| {
                for (verdict, lesson) in looked {
                    verdicts.push(verdict);
                    lesson.iter().for_each(|lesson| learned.learn(lesson));
                }
                Ok::<(), Infallible>(())
            },
        );
        (self.verdicts, self.learned) = (verdicts, learned);
    }

    /// Direction, where it is not known yet, and outcome of every flow, and what follows from them for others. Gives the ports that
    /// each host answered at, and conversations that may explain others, the direction being at least probable.
    fn second_look(&mut self) -> (BTreeMap<IpAddr, BTreeSet<PortRef>>, Vec<Conversation>) {
        let bursts = bursts(&self.facts.activity);
        let precedes = Precedes::of(self.catalog);
        let look = |number| self.looked(number, &bursts, &precedes);
        let (mut verdicts, mut precedents) = (Vec::with_capacity(self.verdicts.len()), Vec::new());
        let (mut sweeps, mut unheard) = (Sweeps::default(), 0);
        let mut served: BTreeMap<IpAddr, BTreeSet<PortRef>> = BTreeMap::new();
        let Ok(()) = in_order(
            self.verdicts.len(),
            |numbers| numbers.filter_map(look).collect::<Vec<_>>(),
            |looked| {
                for Looked { verdict, attempt, is_unheard, serves, precedents: more } in looked {
                    verdicts.push(verdict);
                    unheard += u64::from(is_unheard);
                    sweeps.note(&attempt);
                    let responder = attempt.responder;
                    if serves {
                        let port = PortRef { transport: attempt.transport, port: responder.port };
                        served.entry(responder.ip).or_default().insert(port);
                    }
                    precedents.extend(more);
                }
                Ok::<(), Infallible>(())
            },
        );
        (self.verdicts, self.sweeps, self.unheard) = (verdicts, sweeps, unheard);
        (served, precedents)
    }

    /// The second look at one flow.
    fn looked(&self, number: usize, bursts: &Bursts<'_>, precedes: &Precedes) -> Option<Looked> {
        let (flow, mut verdict) = (self.joined.flow(number)?, *self.verdicts.get(number)?);
        if !verdict.at_first_look {
            let Direction { initiator, orientation, .. } = self.direction(&flow, false);
            (verdict.initiator, verdict.orientation) = (initiator, orientation);
        }
        verdict.outcome = outcome(&flow, verdict.initiator, &self.survey);
        let (initiator, responder) = ends(&flow, verdict.initiator);
        // What may have succeeded out of sight is no failure, and has to be weighed against those.
        let doubtful = verdict.outcome == Outcome::Undetermined && self.survey.lacks_answers();
        let attempt = Attempt {
            initiator: initiator.ip,
            transport: flow.key.transport,
            responder,
            outcome: (!doubtful).then_some(verdict.outcome),
            payload_packets: payload_packets(&flow),
        };
        let is_probable = verdict.orientation >= Orientation::Probable;
        let precedents = match is_probable && is_conversation(&flow) {
            true => {
                let bursts = bursts.get(&(flow.capture, flow.first_frame));
                let conversations = conversations(&flow, verdict.initiator, bursts.map(Vec::as_slice));
                conversations.filter(|one| precedes.any(one)).collect()
            }
            false => Vec::new(),
        };
        Some(Looked {
            verdict,
            attempt,
            is_unheard: self.is_unheard(&flow, verdict),
            serves: is_probable && matches!(verdict.outcome, Outcome::Established | Outcome::Midstream),
            precedents,
        })
    }

    fn direction(&self, flow: &FlowRecord, at_first_look: bool) -> Direction {
        let learned = (!at_first_look).then_some(&self.learned);
        direction(flow, &Sources { survey: &self.survey, learned, catalog: self.catalog, hosts: self.hosts })
    }

    /// Whether nothing came back to an attempt, and that means nothing.
    fn is_unheard(&self, flow: &FlowRecord, verdict: Verdict) -> bool {
        let Verdict { initiator, outcome, .. } = verdict;
        let silent = outcome == Outcome::Undetermined && flow.from(initiator.other()).packets == 0;
        silent
            && self.survey.doubts_silence(flow, initiator).is_some()
            && !evidence(flow, initiator, outcome, &self.survey).is_empty()
    }

    /// How many flows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.verdicts.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.verdicts.is_empty()
    }

    /// All flows, in the order of the facts, each judged when its turn comes.
    pub fn flows(&self) -> impl Iterator<Item = JudgedFlow> + '_ {
        self.facts.flows.iter().zip(&self.verdicts).map(|(flow, verdict)| self.judged(flow, *verdict))
    }

    /// Judges all flows on all cores. What `make` makes of each batch, there where it was judged, goes to `take` in the order of the
    /// facts. Where that fails, the rest is left.
    ///
    /// # Errors
    /// What `take` says.
    pub fn in_batches<T: Send, E>(
        &self,
        make: impl Fn(&mut dyn Iterator<Item = JudgedFlow>) -> T + Sync,
        take: impl FnMut(T) -> Result<(), E>,
    ) -> Result<(), E> {
        let judged = |number| Some(self.judged(self.facts.flows.get(number)?, *self.verdicts.get(number)?));
        in_order(self.len(), |numbers| make(&mut numbers.filter_map(judged)), take)
    }

    /// As in [`Judged`].
    #[must_use]
    pub fn openings_only(&self) -> bool {
        self.survey.openings_only()
    }

    fn judged(&self, flow: FlowRecord, verdict: Verdict) -> JudgedFlow {
        let joined = self.joined.of_flow(&flow);
        let opened = Opened {
            direction: self.direction(&joined, verdict.at_first_look),
            outcome: verdict.outcome,
            evidence: evidence(&joined, verdict.initiator, verdict.outcome, &self.survey),
        };
        JudgedFlow {
            capture: self.captures.get(flow.capture.0 as usize).cloned().unwrap_or_else(|| "".into()),
            judgement: self.judgement(&joined, opened, &self.around.words(&flow, &joined)),
            facts: flow,
        }
    }

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
            orientation_evidence: opened.direction.evidence(),
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
}

/// Bursts by the flow that they are part of.
type Bursts<'a> = HashMap<(CaptureIndex, u64), Vec<&'a Activity>, RandomState>;

fn bursts(activity: &[Activity]) -> Bursts<'_> {
    let mut bursts = Bursts::default();
    for burst in activity {
        bursts.entry((burst.capture, burst.flow_first_frame)).or_default().push(burst);
    }
    bursts
}

/// A conversation as the sequence sees it, long ones burst by burst.
fn conversations<'b>(
    flow: &FlowRecord,
    initiator: Side,
    bursts: Option<&'b [&'b Activity]>,
) -> impl Iterator<Item = Conversation> + 'b {
    let whole = conversation(flow, initiator);
    let single = bursts.is_none().then_some(Conversation { single_burst: true, ..whole });
    let of_burst = move |burst: &&Activity| Conversation {
        first_seen_ns: burst.start_ns,
        last_seen_ns: burst.end_ns,
        capture: burst.burst_capture,
        first_frame: burst.first_frame,
        ..whole
    };
    single.into_iter().chain(bursts.unwrap_or_default().iter().map(of_burst))
}

pub(super) fn ends(flow: &FlowRecord, initiator: Side) -> (Endpoint, Endpoint) {
    (flow.key.endpoint(initiator), flow.key.endpoint(initiator.other()))
}

/// Packets with payload, both sides together.
pub(super) fn payload_packets(flow: &FlowRecord) -> u64 {
    flow.from_a.payload_packets.saturating_add(flow.from_b.payload_packets)
}

pub(super) fn conversation(flow: &FlowRecord, initiator: Side) -> Conversation {
    let (initiator, responder) = ends(flow, initiator);
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

//! A site file out of what was seen: which role fits which host?
//!
//! Roles come from the documents' signatures and from nothing else, by the rule that judging without a site file uses, on
//! stricter evidence: who serves has to be certain or strong, and answers to sweeps do not count. Whom a host called gives
//! it no role: that is remarked, and weak. No name is invented and no network gets a role.

use super::judge::{judge, payload_packets};
use super::proposal::{
    CalledPort, CloseCall, CloseReason, Doubt, GuessedRole, MOST_HOSTS, Proposal, ProposedHost, Reach, ServedPort,
    UnheardHost,
};
use super::referral::Referrals;
use super::roles::{Roles, fits};
use super::scan::{Attempt, Sweeps};
use super::survey::Survey;
use crate::catalog::{ANY_ROLE, Catalog, DEFAULT_DYNAMIC_RANGE, DocumentKind, PortRef, Role};
use crate::model::{Endpoint, FlowRecord, JudgedFlow, Orientation, Outcome, Side, Transport};
use crate::store::Facts;
use ipnet::IpNet;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// Networks that are listed at most.
const MOST_NETWORKS: usize = 64;
/// Addresses that were never heard, listed at most.
const MOST_UNHEARD: usize = 100;
/// More roles than this as callers of a port tell nothing.
const FEW_CALLERS: usize = 4;

/// Proposes a site file from facts. Depends on nothing else: the same facts and documents, the same proposal.
#[must_use]
pub fn propose(facts: &Facts, catalog: &Catalog) -> Proposal {
    let judged = judge(facts, catalog, None);
    let flow = |number| facts.flows.get(number);
    let survey = Survey::of(facts.flows.len(), flow, &facts.captures, Referrals::of(facts).listeners());
    let mut ledger = Ledger::new(probing(&judged.flows), survey);
    for flow in &judged.flows {
        ledger.note(flow);
    }
    let Ledger { hosts, neighbours, .. } = ledger;
    let counted = hosts.iter().map(|(ip, notes)| (*ip, notes.served.keys().copied().collect()));
    let roles = Roles::guessed(catalog, &counted.collect());
    let mut proposal = Proposal { openings_only: judged.openings_only, ..Proposal::default() };
    for (address, notes) in hosts {
        if notes.is_heard {
            let near = network(address).is_some_and(|net| neighbours.contains(&net));
            let reach = match Reach::of(address) {
                Reach::Public if near => Reach::Local,
                other => other,
            };
            proposal.hosts.push(host(address, reach, notes, catalog, &roles));
        } else if !notes.is_wanted {
            proposal.swept_only += 1;
        } else if let Some(unheard) = unheard(address, &notes) {
            proposal.unheard.push(unheard);
        }
    }
    proposal.networks = networks(&proposal.hosts);
    proposal.left_out = leave_out(&mut proposal.hosts);
    proposal.unheard_left_out = proposal.unheard.len().saturating_sub(MOST_UNHEARD) as u64;
    proposal.unheard.truncate(MOST_UNHEARD);
    proposal
}

/// Who sweeps. Stricter than in judging: a connection in which the caller said nothing is a failed one, because whoever
/// only looks which ports are open leaves such, and a firewall that answers for others lets all of them succeed.
fn probing(flows: &[JudgedFlow]) -> Sweeps {
    let mut sweeps = Sweeps::default();
    for flow in flows {
        let judgement = &flow.judgement;
        let mute = flow.facts.key.transport == Transport::Tcp
            && judgement.outcome == Outcome::Established
            && flow.forward().payload_packets == 0;
        let outcome = if mute { Outcome::Refused } else { judgement.outcome };
        sweeps.note(&Attempt {
            initiator: judgement.initiator.ip,
            transport: flow.facts.key.transport,
            responder: judgement.responder,
            outcome: Some(outcome),
            payload_packets: payload_packets(&flow.facts),
        });
    }
    sweeps
}

/// What is known of one address.
#[derive(Debug, Default)]
struct Notes {
    /// It sent something besides refusals, or a one-sided recording shows that it was reached.
    is_heard: bool,
    is_refusing: bool,
    sweeps: bool,
    opened_flows: u64,
    served: BTreeMap<PortRef, Service>,
    doubtful: BTreeMap<PortRef, Doubt>,
    called: BTreeMap<(Transport, Endpoint), u64>,
    /// Who called it and where, as long as it was not heard.
    callers: BTreeSet<IpAddr>,
    tried: BTreeSet<PortRef>,
    /// Somebody who does not sweep has to do with it.
    is_wanted: bool,
}

/// A port that counts as served.
#[derive(Debug)]
struct Service {
    clients: BTreeSet<IpAddr>,
    flows: u64,
    orientation: Orientation,
    capture: Arc<str>,
    first_frame: u64,
}

/// What a flow says about its responder.
enum Answer {
    /// It serves the port.
    Served,
    /// Something speaks for it.
    Doubtful(Doubt),
    /// Nothing.
    No,
}

struct Ledger {
    probing: Sweeps,
    survey: Survey,
    hosts: BTreeMap<IpAddr, Notes>,
    /// Networks within which hosts talk.
    neighbours: BTreeSet<IpNet>,
}

impl Ledger {
    fn new(probing: Sweeps, survey: Survey) -> Self {
        Self { probing, survey, hosts: BTreeMap::new(), neighbours: BTreeSet::new() }
    }

    /// Whether a single host can have the address.
    fn is_host(&self, ip: IpAddr) -> bool {
        !self.survey.is_group(ip) && !ip.is_unspecified()
    }

    /// The notes of a host.
    fn notes(&mut self, ip: IpAddr) -> Option<&mut Notes> {
        self.is_host(ip).then(|| self.hosts.entry(ip.to_canonical()).or_default())
    }

    fn note(&mut self, flow: &JudgedFlow) {
        for side in [Side::A, Side::B] {
            self.note_presence(&flow.facts, side);
        }
        self.note_neighbours(&flow.facts);
        let judgement = &flow.judgement;
        let (initiator, responder, transport) = (judgement.initiator.ip, judgement.responder, flow.facts.key.transport);
        let sweeps = self.probing.sweeps(initiator, responder.ip);
        let answer = if self.is_host(initiator) { answer(flow, sweeps) } else { Answer::No };
        let reached = matches!(answer, Answer::Served) && self.is_host(responder.ip);
        if let Some(notes) = self.notes(initiator).filter(|_| judgement.orientation >= Orientation::Probable) {
            notes.opened_flows += 1;
            notes.sweeps |= sweeps;
            if reached {
                *notes.called.entry((transport, responder)).or_default() += 1;
            }
        }
        if let Some(notes) = self.notes(responder.ip) {
            notes.take(answer, flow, initiator.to_canonical());
        }
    }

    fn note_neighbours(&mut self, flow: &FlowRecord) {
        let ends = [flow.key.a.ip, flow.key.b.ip].map(|ip| network(ip.to_canonical()));
        let talk = flow.from_a.packets > 0 && flow.from_b.packets > 0 && flow.key.a.ip != flow.key.b.ip;
        if let [Some(one), Some(other)] = ends
            && talk
            && one == other
        {
            self.neighbours.insert(one);
        }
    }

    /// Whether one side of a flow is there at all. Who was only refused or not answered is noted with its callers.
    fn note_presence(&mut self, flow: &FlowRecord, side: Side) {
        let (own, peer) = (flow.key.endpoint(side), flow.key.endpoint(side.other()).ip);
        let sent = flow.from(side);
        let sweeps = self.probing.sweeps(peer, own.ip);
        let Some(notes) = self.notes(own.ip) else { return };
        notes.is_heard |= sent.packets > u64::from(sent.rst);
        notes.is_refusing |= sent.rst > 0;
        notes.is_wanted |= !sweeps;
        if !notes.is_heard {
            notes.callers.insert(peer.to_canonical());
            notes.tried.insert(PortRef { transport: flow.key.transport, port: own.port });
        }
    }
}

impl Notes {
    /// Takes what a flow says about its responder.
    fn take(&mut self, answer: Answer, flow: &JudgedFlow, client: IpAddr) {
        let judgement = &flow.judgement;
        let port = PortRef { transport: flow.facts.key.transport, port: judgement.responder.port };
        match answer {
            Answer::No => {}
            Answer::Doubtful(doubt) => {
                self.is_heard |= doubt == Doubt::OneSided;
                let known = self.doubtful.entry(port).or_insert(doubt);
                *known = doubt.max(*known);
            }
            Answer::Served => {
                let service = self.served.entry(port).or_insert_with(|| Service {
                    clients: BTreeSet::new(),
                    flows: 0,
                    orientation: judgement.orientation,
                    capture: Arc::clone(&flow.capture),
                    first_frame: flow.facts.first_frame,
                });
                service.clients.insert(client);
                service.flows += 1;
                service.orientation = service.orientation.max(judgement.orientation);
            }
        }
    }
}

/// What a flow says about its responder.
fn answer(flow: &JudgedFlow, sweeps: bool) -> Answer {
    let judgement = &flow.judgement;
    if judgement.orientation == Orientation::Unknown {
        return Answer::No;
    }
    match judgement.outcome {
        Outcome::Established | Outcome::Midstream if sweeps => Answer::Doubtful(Doubt::AnsweredSweep),
        Outcome::Established | Outcome::Midstream if judgement.orientation >= Orientation::Strong => Answer::Served,
        Outcome::Established | Outcome::Midstream => Answer::Doubtful(Doubt::Direction),
        // A half-open probe: the port answered, and nobody came in.
        Outcome::Undetermined if sweeps && flow.reverse().syn_ack > 0 => Answer::Doubtful(Doubt::AnsweredSweep),
        Outcome::OneSided if got_through(flow) && !sweeps => Answer::Doubtful(Doubt::OneSided),
        _ => Answer::No,
    }
}

/// Whether the recorded half of a conversation shows that the other half was there.
fn got_through(flow: &JudgedFlow) -> bool {
    let opened = flow.facts.first_syn.is_some() && flow.forward().spoke();
    let answered = flow.reverse().packets > u64::from(flow.reverse().rst);
    (opened && flow.judgement.orientation == Orientation::Certain) || answered
}

fn host(address: IpAddr, reach: Reach, notes: Notes, catalog: &Catalog, roles: &Roles) -> ProposedHost {
    let own = roles.of(address);
    let known = catalog.roles();
    let guessed = known.iter().filter(|role| own.contains(&role.id)).map(|role| guessed(role, &notes.served));
    let close = known.iter().filter(|role| !own.contains(&role.id)).filter_map(|role| close_call(role, &notes, own));
    ProposedHost {
        address,
        reach,
        roles: guessed.collect(),
        close_calls: close.collect(),
        called: called(&notes, catalog, roles),
        opened_flows: notes.opened_flows,
        sweeps: notes.sweeps,
        doubtful: notes.doubtful.into_iter().filter(|(port, _)| !notes.served.contains_key(port)).collect(),
        served: notes.served.into_iter().map(|(port, service)| served(port, service, catalog)).collect(),
    }
}

fn guessed(role: &Role, served: &BTreeMap<PortRef, Service>) -> GuessedRole {
    let sure = role.signature.iter().filter_map(|port| served.get(port)).map(|service| service.orientation);
    GuessedRole {
        id: role.id.clone(),
        title: role.title.clone(),
        ports: role.signature.clone(),
        orientation: sure.min().unwrap_or(Orientation::Unknown),
    }
}

fn close_call(role: &Role, notes: &Notes, own: &[String]) -> Option<CloseCall> {
    let whole = fits(role, |port| notes.served.contains_key(port));
    let (served, rest): (Vec<PortRef>, Vec<PortRef>) =
        role.signature.iter().copied().partition(|port| notes.served.contains_key(port));
    let doubtful: Vec<(PortRef, Doubt)> =
        rest.iter().filter_map(|port| notes.doubtful.get(port).map(|doubt| (*port, *doubt))).collect();
    let reason = if whole {
        CloseReason::Outranked(own.to_vec())
    } else if served.is_empty() && doubtful.is_empty() {
        return None;
    } else {
        let missing = rest.into_iter().filter(|port| !notes.doubtful.contains_key(port)).collect();
        CloseReason::NotWhole { doubtful, missing }
    };
    Some(CloseCall { id: role.id.clone(), title: role.title.clone(), served, reason })
}

fn served(port: PortRef, service: Service, catalog: &Catalog) -> ServedPort {
    ServedPort {
        port,
        clients: service.clients.len() as u64,
        flows: service.flows,
        orientation: service.orientation,
        documented: is_documented(catalog, port),
        capture: service.capture,
        first_frame: service.first_frame,
    }
}

/// The called ports, those first that say most.
fn called(notes: &Notes, catalog: &Catalog, roles: &Roles) -> Vec<CalledPort> {
    let mut groups: BTreeMap<(PortRef, Vec<String>), CalledPort> = BTreeMap::new();
    for (&(transport, server), &flows) in &notes.called {
        let port = PortRef { transport, port: server.port };
        let callers = callers(catalog, port, roles.of(server.ip.to_canonical()));
        let group = groups.entry((port, callers.clone())).or_insert_with(|| CalledPort {
            port,
            server: server.ip.to_canonical(),
            servers: 0,
            flows: 0,
            documented: is_documented(catalog, port),
            callers,
        });
        group.servers += 1;
        group.flows += flows;
    }
    let mut called: Vec<CalledPort> = groups.into_values().collect();
    let is_dynamic = |c: &CalledPort| DEFAULT_DYNAMIC_RANGE.contains(&c.port.port);
    called.sort_by_key(|c| {
        (c.callers.is_empty(), c.callers.len(), !c.documented, is_dynamic(c), Reverse(c.flows), c.port)
    });
    called
}

fn is_documented(catalog: &Catalog, port: PortRef) -> bool {
    catalog.statements(port.transport, port.port).next().is_some()
}

/// Roles that the documents name as callers of a port at a host with these roles. Empty where anybody may call, where no
/// statement names callers, and where they name so many that it tells nothing.
fn callers(catalog: &Catalog, port: PortRef, at: &[String]) -> Vec<String> {
    let mut callers: Vec<String> = Vec::new();
    for found in catalog.statements_at(port.transport, port.port, at) {
        let named = &found.statement.callers;
        let anybody = named.is_empty() && found.document.kind == DocumentKind::General;
        if anybody || named.iter().any(|role| role == ANY_ROLE) {
            return Vec::new();
        }
        for role in named {
            if !callers.contains(role) {
                callers.push(role.clone());
            }
        }
    }
    if callers.len() > FEW_CALLERS { Vec::new() } else { callers }
}

fn unheard(address: IpAddr, notes: &Notes) -> Option<UnheardHost> {
    Some(UnheardHost {
        address,
        refused: notes.is_refusing,
        callers: notes.callers.len() as u64,
        ports: notes.tried.len() as u64,
        lowest_port: notes.tried.iter().min_by_key(|port| (port.port, port.transport)).copied()?,
    })
}

/// The network of 24 bits (IPv4) or 64 bits (IPv6) around an address.
fn network(address: IpAddr) -> Option<IpNet> {
    let length = if address.is_ipv4() { 24 } else { 64 };
    IpNet::new(address, length).ok().map(|net| net.trunc())
}

/// Networks that hold two hosts and more. Link-local prefixes are everywhere, and public ones somebody else's.
fn networks(hosts: &[ProposedHost]) -> Vec<(IpNet, u64)> {
    let mut counts: BTreeMap<IpNet, u64> = BTreeMap::new();
    for network in hosts.iter().filter(|host| host.reach == Reach::Local).filter_map(|host| network(host.address)) {
        *counts.entry(network).or_default() += 1;
    }
    let mut networks: Vec<(IpNet, u64)> = counts.into_iter().filter(|(_, hosts)| *hosts >= 2).collect();
    networks.sort_by_key(|(net, hosts)| (Reverse(*hosts), *net));
    networks.truncate(MOST_NETWORKS);
    networks.sort();
    networks
}

/// Keeps the hosts that say most, in the order in which they are listed. Returns how many are left out.
fn leave_out(hosts: &mut Vec<ProposedHost>) -> u64 {
    let group = |host: &ProposedHost| match () {
        () if !host.roles.is_empty() => 0_u8,
        () if !host.served.is_empty() => 1,
        () => 2,
    };
    hosts.sort_by_key(|host| (group(host), host.reach == Reach::Public, Reverse(host.opened_flows), host.address));
    let left_out = hosts.len().saturating_sub(MOST_HOSTS);
    hosts.truncate(MOST_HOSTS);
    hosts.sort_by_key(|host| (group(host), host.address));
    left_out as u64
}

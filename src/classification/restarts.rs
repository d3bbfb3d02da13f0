//! Who restarted, and when: what was announced at one port and later at another only.
//!
//! A restart gives services new dynamic ports. Counted together, the ports before and after look like twice as many listeners;
//! and an announcement from before says nothing about who listens after. A *host* restarted where at least two ports moved
//! within a time in which nothing of the host goes on (no TCP conversation with packets of its own covers it, for
//! [`SHORTEST_BOOT_NS`]), and more moved than stayed. It came back at the end of that silence. Where several fit, one counts in which somebody asked in vain
//! for a connection to a port that lets others in, else the longest; with long silences otherwise, the moment may be wrong by so
//! much, and what was visited between is counted in the wrong epoch. Else the *service* that moved restarted, and only where its former port is
//! not used any more. A start that the host itself tells of in a host table counts too, where no announcement shows it. What is not announced cannot be seen moving: a restart may be missed, and then ports are counted
//! together, which makes counts too high and never too low.

use super::host_tables::HostTables;
use crate::model::{
    Announcement, Answer, CaptureIndex, Endpoint, FlowRecord, Mechanism, MovedPort, Restart, RestartKind, Side,
    Transport,
};
use crate::store::Facts;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// No host is back sooner.
const SHORTEST_BOOT_NS: i64 = 5_000_000_000;
/// How long after coming back a host's new connections are counted.
const STORM_NS: i64 = 120_000_000_000;
/// Subjects and ports of one host that are looked at.
const MOST_PORTS: usize = 4_096;
/// Moves that one restart names.
const MOVES_NAMED: usize = 64;

/// Something of a host that brokers announce: identifier and version.
type Subject<'a> = (Transport, &'a str, &'a str);

/// From when to when something was announced at a port, and where first.
#[derive(Debug, Clone, Copy)]
struct Announced {
    port: u16,
    first_ns: i64,
    last_ns: i64,
    capture: CaptureIndex,
    frame: u64,
}

/// A change of port: between the last announcement of the old and the first of the new.
#[derive(Debug, Clone, Copy)]
struct Move<'a> {
    transport: Transport,
    subject: &'a str,
    from: Announced,
    to: Announced,
}

/// Restarts, by host and in the order of time.
#[derive(Debug, Clone, Default)]
pub struct Restarts {
    all: Vec<Restart>,
}

impl Restarts {
    /// Finds the restarts that announcements and flows show, and those that hosts tell of.
    #[must_use]
    pub fn of(facts: &Facts, hosts: &HostTables<'_>) -> Self {
        let names: Vec<Arc<str>> = facts.captures.iter().map(|capture| capture.name.as_str().into()).collect();
        let moved: BTreeMap<IpAddr, (Vec<Move<'_>>, Seen<'_>)> = announcers(&facts.announcements)
            .into_iter()
            .map(|(host, seen)| (host, (moves(&seen), seen)))
            .filter(|(_, (moves, _))| !moves.is_empty())
            .collect();
        let mut flows: BTreeMap<IpAddr, Vec<FlowRecord>> = BTreeMap::new();
        let any = !moved.is_empty() || hosts.tell_of_boots();
        for flow in facts.flows.iter().take_while(|_| any) {
            let ends = BTreeSet::from([flow.key.a.ip, flow.key.b.ip]);
            let matters = |ip: &IpAddr| moved.contains_key(ip) || !hosts.boots(*ip).is_empty();
            ends.into_iter().filter(matters).for_each(|ip| flows.entry(ip).or_default().push(flow));
        }
        let told: Vec<Restart> = flows.iter().flat_map(|(host, flows)| told(*host, flows, hosts)).collect();
        let mut all = Vec::new();
        for (host, (moves, seen)) in moved {
            let flows = flows.remove(&host).unwrap_or_default();
            for group in together(moves) {
                all.extend(restarts_of(host, &group, &seen, &flows, &names));
            }
        }
        let shown = |told: &Restart| {
            let same = |seen: &Restart| seen.before_ns <= told.after_ns && told.after_ns <= seen.after_ns;
            all.iter().any(|seen: &Restart| seen.host == told.host && seen.kind == RestartKind::Host && same(seen))
        };
        let told: Vec<Restart> = told.into_iter().filter(|told| !shown(told)).collect();
        all.extend(told);
        all.sort_by_key(|restart: &Restart| (restart.host, restart.after_ns, restart.kind));
        Self { all }
    }

    /// All of them, by host and in the order of time.
    #[must_use]
    pub fn all(&self) -> &[Restart] {
        &self.all
    }

    /// Those of one host, in the order of time.
    #[must_use]
    pub fn of_host(&self, host: IpAddr) -> &[Restart] {
        let from = self.all.partition_point(|restart| restart.host < host);
        let to = self.all.partition_point(|restart| restart.host <= host);
        &self.all[from..to]
    }

    /// The time around an instant in which a host did not restart: from when on, and the first instant of the next epoch.
    #[must_use]
    pub fn epoch(&self, host: IpAddr, at_ns: i64) -> (i64, i64) {
        let mut epoch = (i64::MIN, i64::MAX);
        for restart in self.of_host(host).iter().filter(|restart| restart.kind == RestartKind::Host) {
            if restart.after_ns <= at_ns {
                epoch.0 = epoch.0.max(restart.after_ns);
            } else {
                epoch.1 = epoch.1.min(restart.after_ns);
            }
        }
        epoch
    }
}

/// What each host announces itself as listening at, by subject; ports in the order in which they were first announced.
type Seen<'a> = BTreeMap<Subject<'a>, Vec<Announced>>;

/// Starts within the recording that a host tells of.
fn told(host: IpAddr, flows: &[FlowRecord], hosts: &HostTables<'_>) -> Vec<Restart> {
    let first = flows.iter().map(|flow| flow.first_seen_ns).min();
    let last = flows.iter().map(|flow| flow.last_seen_ns).max();
    let Some((first_ns, last_ns)) = first.zip(last) else { return Vec::new() };
    let within = hosts.boots(host).iter().filter(|boot_ns| first_ns < **boot_ns && **boot_ns <= last_ns);
    let restart = |boot_ns: &i64| {
        let opened_after = opened(host, *boot_ns, flows);
        Restart {
            host,
            kind: RestartKind::Host,
            before_ns: *boot_ns,
            after_ns: *boot_ns,
            moved: Vec::new(),
            opened_after,
            evidence: format!(
                "its host table says that it started then; it opened {opened_after} connections in the two minutes after"
            ),
            capture: "".into(),
            frame: 0,
        }
    };
    within.map(restart).collect()
}

fn announcers(announcements: &[Announcement]) -> BTreeMap<IpAddr, Seen<'_>> {
    let mut hosts: BTreeMap<IpAddr, Seen<'_>> = BTreeMap::new();
    let mut kept: BTreeMap<IpAddr, usize> = BTreeMap::new();
    for said in announcements {
        let Answer::Port(port) = said.said.answer else { continue };
        if !is_lasting(said.said.mechanism) || said.said.subject.is_empty() {
            continue;
        }
        let subject = (said.said.transport, said.said.subject.as_str(), said.said.version.as_str());
        let ports = hosts.entry(said.host).or_default().entry(subject).or_default();
        let kept = kept.entry(said.host).or_default();
        if let Some(at) = ports.iter_mut().find(|at| at.port == port) {
            at.last_ns = at.last_ns.max(said.time_ns);
        } else if *kept < MOST_PORTS {
            *kept += 1;
            ports.push(Announced {
                port,
                first_ns: said.time_ns,
                last_ns: said.time_ns,
                capture: said.position.capture,
                frame: said.position.frame,
            });
        }
    }
    hosts
}

/// Mechanisms that tell where a service listens for as long as it runs. What is made for one transfer or one client moves
/// all the time.
fn is_lasting(mechanism: Mechanism) -> bool {
    matches!(
        mechanism,
        Mechanism::EptMap
            | Mechanism::EptLookup
            | Mechanism::SqlBrowser
            | Mechanism::FlexNetRedirect
            | Mechanism::Portmapper
    )
}

/// Changes of port, where the old one is never announced again once the new one is.
fn moves<'a>(seen: &Seen<'a>) -> Vec<Move<'a>> {
    let mut moves = Vec::new();
    for ((transport, subject, _), ports) in seen {
        for pair in ports.windows(2) {
            let [from, to] = [pair[0], pair[1]];
            let others_before = ports.iter().filter(|at| at.port != from.port && at.first_ns < to.first_ns);
            // Something that is announced at two ports at once has two listeners.
            let overlapping =
                others_before.into_iter().any(|at| at.last_ns >= from.first_ns) || from.last_ns >= to.first_ns;
            if !overlapping {
                moves.push(Move { transport: *transport, subject, from, to });
            }
        }
    }
    moves
}

/// Moves that one restart can have caused: each group has a time in which all of them happened. As few groups as possible.
fn together(mut moves: Vec<Move<'_>>) -> Vec<Vec<Move<'_>>> {
    moves.sort_by_key(|moved| (moved.to.first_ns, moved.from.last_ns, moved.from.port, moved.to.port));
    let mut groups: Vec<Vec<Move<'_>>> = Vec::new();
    for moved in moves {
        match groups.last_mut() {
            Some(group) if moved.from.last_ns < group[0].to.first_ns => group.push(moved),
            _ => groups.push(vec![moved]),
        }
    }
    groups
}

fn restarts_of(
    host: IpAddr,
    group: &[Move<'_>],
    seen: &Seen<'_>,
    flows: &[FlowRecord],
    captures: &[Arc<str>],
) -> Vec<Restart> {
    let (from_ns, to_ns) = between(group);
    let left: BTreeSet<(Transport, u16)> = group.iter().map(|moved| (moved.transport, moved.from.port)).collect();
    let stayed: BTreeSet<(Transport, u16)> = seen
        .iter()
        .flat_map(|((transport, ..), ports)| ports.iter().map(|at| (*transport, at)))
        .filter(|(_, at)| at.first_ns <= from_ns && at.last_ns >= to_ns)
        .map(|(transport, at)| (transport, at.port))
        .collect();
    let (not_before_ns, not_after_ns) = window(host, group, flows);
    let silence = silence(host, not_before_ns, not_after_ns, flows);
    if let Some((before_ns, after_ns)) = silence.filter(|_| left.len() >= 2 && left.len() > stayed.len()) {
        return vec![host_restart(host, group, (before_ns, after_ns), stayed.len(), flows, captures)];
    }
    let gone = |moved: &&Move<'_>| {
        let old = Endpoint { ip: host, port: moved.from.port };
        !flows.iter().any(|flow| accepted(flow, moved.transport, old) && flow.first_seen_ns >= moved.to.first_ns)
    };
    let mut by_port: BTreeMap<(Transport, u16), Vec<Move<'_>>> = BTreeMap::new();
    for moved in group.iter().filter(gone) {
        by_port.entry((moved.transport, moved.from.port)).or_default().push(*moved);
    }
    let of = |moves: Vec<Move<'_>>| service_restart(host, &moves, flows, captures);
    by_port.into_values().map(of).collect()
}

/// From when to when a host can have restarted: nobody is let in at a new port before, nor at a former one after.
fn window(host: IpAddr, group: &[Move<'_>], flows: &[FlowRecord]) -> (i64, i64) {
    let (from_ns, to_ns) = between(group);
    let former: BTreeSet<(Transport, u16)> = group.iter().map(|moved| (moved.transport, moved.from.port)).collect();
    let new: BTreeSet<(Transport, u16)> = group.iter().map(|moved| (moved.transport, moved.to.port)).collect();
    let (mut window, mut is_told_apart) = ((from_ns, to_ns), true);
    for flow in flows.iter().filter(|flow| (from_ns..=to_ns).contains(&flow.first_seen_ns)) {
        let Some(at) = accepted_at(flow, host) else { continue };
        match (former.contains(&at), new.contains(&at)) {
            (true, false) => window.0 = window.0.max(flow.first_seen_ns),
            (false, true) => window.1 = window.1.min(flow.first_seen_ns),
            (true, true) => is_told_apart = false,
            (false, false) => {}
        }
    }
    if is_told_apart && window.0 < window.1 { window } else { (from_ns, to_ns) }
}

/// A time within an interval in which nothing of the host goes on: last and first packet around it. Where there are several, one
/// in which somebody knocked in vain where others are let in, else the longest.
fn silence(host: IpAddr, from_ns: i64, to_ns: i64, flows: &[FlowRecord]) -> Option<(i64, i64)> {
    let knocks = knocks(host, from_ns, to_ns, flows);
    let mut busy: Vec<(i64, i64)> = flows
        .iter()
        // A reset of its own may be what a host answers that knows nothing of the connection any more.
        .filter(|flow| flow.key.transport == Transport::Tcp && speaks(flow, host) && !resets(flow, host))
        .filter(|flow| flow.first_seen_ns <= to_ns && flow.last_seen_ns >= from_ns)
        .map(|flow| (flow.first_seen_ns, flow.last_seen_ns))
        .collect();
    busy.sort_unstable();
    let (mut best, mut upto_ns) = (None, from_ns);
    for (start_ns, end_ns) in busy.into_iter().chain([(to_ns, to_ns)]) {
        let gap_ns = start_ns.saturating_sub(upto_ns);
        let rank = (knocks.range(upto_ns..=start_ns.max(upto_ns)).next().is_some(), gap_ns);
        if gap_ns >= SHORTEST_BOOT_NS && best.is_none_or(|(found, _)| rank > found) {
            best = Some((rank, (upto_ns, start_ns)));
        }
        upto_ns = upto_ns.max(end_ns);
    }
    best.map(|(_, silence)| silence)
}

/// When somebody asked in vain for a connection to a port of the host at which others are let in: it may have been away.
fn knocks(host: IpAddr, from_ns: i64, to_ns: i64, flows: &[FlowRecord]) -> BTreeSet<i64> {
    let unanswered = |flow: &FlowRecord| {
        let side = flow.first_syn.map(Side::other)?;
        let at = flow.key.endpoint(side);
        let in_vain = at.ip == host && flow.from(side).packets == 0;
        (in_vain && (from_ns..=to_ns).contains(&flow.first_seen_ns)).then_some((flow.key.transport, at.port))
    };
    let asked: BTreeSet<(Transport, u16)> = flows.iter().filter_map(unanswered).collect();
    if asked.is_empty() {
        return BTreeSet::new();
    }
    let lets_in: BTreeSet<(Transport, u16)> =
        flows.iter().filter_map(|flow| accepted_at(flow, host)).filter(|at| asked.contains(at)).collect();
    let is_knock = |flow: &&FlowRecord| unanswered(flow).is_some_and(|at| lets_in.contains(&at));
    flows.iter().filter(is_knock).map(|flow| flow.first_seen_ns).collect()
}

fn host_restart(
    host: IpAddr,
    group: &[Move<'_>],
    silence: (i64, i64),
    stayed: usize,
    flows: &[FlowRecord],
    captures: &[Arc<str>],
) -> Restart {
    let restart = restart(RestartKind::Host, host, group, silence, flows, captures);
    let seconds = restart.after_ns.saturating_sub(restart.before_ns) / 1_000_000_000;
    let kept = if stayed > 0 { format!(", {stayed} stayed") } else { String::new() };
    let evidence = format!(
        "{} announced at other ports since{kept}; no TCP conversation of the host goes on for {seconds} s between; it opened {} \
         connections in the two minutes after",
        ports_moved(group),
        restart.opened_after
    );
    Restart { evidence, ..restart }
}

fn service_restart(host: IpAddr, group: &[Move<'_>], flows: &[FlowRecord], captures: &[Arc<str>]) -> Restart {
    let evidence =
        format!("{} announced at another port since, and the former one is not used any more", ports_moved(group));
    Restart { evidence, ..restart(RestartKind::Service, host, group, between(group), flows, captures) }
}

/// Between which moments all of a group moved: the last announcement of an old port, the first of a new one.
fn between(group: &[Move<'_>]) -> (i64, i64) {
    let before_ns = group.iter().map(|moved| moved.from.last_ns).max().unwrap_or_default();
    (before_ns, group.iter().map(|moved| moved.to.first_ns).min().unwrap_or_default())
}

/// A restart without its evidence.
fn restart(
    kind: RestartKind,
    host: IpAddr,
    group: &[Move<'_>],
    (before_ns, after_ns): (i64, i64),
    flows: &[FlowRecord],
    captures: &[Arc<str>],
) -> Restart {
    let first = group.iter().min_by_key(|moved| (moved.to.first_ns, moved.to.frame));
    let capture = first.and_then(|moved| captures.get(moved.to.capture.0 as usize).cloned());
    let moved = group.iter().take(MOVES_NAMED).map(|moved| MovedPort {
        subject: moved.subject.to_owned(),
        transport: moved.transport,
        from: moved.from.port,
        to: moved.to.port,
    });
    Restart {
        host,
        kind,
        before_ns,
        after_ns,
        moved: moved.collect(),
        opened_after: opened(host, after_ns, flows),
        evidence: String::new(),
        capture: capture.unwrap_or_else(|| "".into()),
        frame: first.map_or(0, |moved| moved.to.frame),
    }
}

fn ports_moved(group: &[Move<'_>]) -> String {
    let ports: BTreeSet<(Transport, u16)> = group.iter().map(|moved| (moved.transport, moved.from.port)).collect();
    match (group, ports.len()) {
        ([only], _) => format!("what was at port {} is", only.from.port),
        (_, 1) => format!("{} services of port {} are", group.len(), group[0].from.port),
        (_, ports) => format!("{} services of {ports} ports are", group.len()),
    }
}

/// Connections that a host opened within two minutes.
fn opened(host: IpAddr, from_ns: i64, flows: &[FlowRecord]) -> u64 {
    let begins = |flow: &&FlowRecord| (from_ns..=from_ns.saturating_add(STORM_NS)).contains(&flow.first_seen_ns);
    let calls = |flow: &&FlowRecord| flow.first_syn.is_some_and(|side| flow.key.endpoint(side).ip == host);
    flows.iter().filter(begins).filter(calls).count() as u64
}

fn side_of(flow: &FlowRecord, host: IpAddr) -> Option<Side> {
    [Side::A, Side::B].into_iter().find(|side| flow.key.endpoint(*side).ip == host)
}

fn speaks(flow: &FlowRecord, host: IpAddr) -> bool {
    side_of(flow, host).is_some_and(|side| flow.from(side).packets > 0)
}

fn resets(flow: &FlowRecord, host: IpAddr) -> bool {
    side_of(flow, host).is_some_and(|side| flow.from(side).rst > 0)
}

/// Whether a flow was accepted at an endpoint.
fn accepted(flow: &FlowRecord, transport: Transport, at: Endpoint) -> bool {
    let served = |side: Side| flow.key.endpoint(side) == at && flow.from(side).syn_ack > 0;
    flow.key.transport == transport && (served(Side::A) || served(Side::B))
}

/// Where a host accepted a connection; `None` where it did not.
fn accepted_at(flow: &FlowRecord, host: IpAddr) -> Option<(Transport, u16)> {
    let side = side_of(flow, host).filter(|side| flow.from(*side).syn_ack > 0)?;
    Some((flow.key.transport, flow.key.endpoint(side).port))
}

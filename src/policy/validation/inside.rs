//! Does everything in scope lie in the range, and is what lies there to be reached?

use super::floor::Since;
use super::sight::{Listening, Sight, is_of_rpc, was_left};
use super::view::{View, at, is_served, label, place_of_flow, port_name};
use super::{Check, MOST_PLACES, Place, Question, Reason, Scope, Weight, counted, listed};
use crate::classification::outcome_evidence;
use crate::model::{
    AnnouncementRow, BlockedAttempt, FollowUp, HostSocket, JudgedFlow, Orientation, Outcome, Transport, contact_filter,
};
use std::collections::{BTreeMap, BTreeSet};

const BEGIN_BEFORE: &str = "Begin the recording before the host starts, so that it shows who calls whom.";
const WHAT_IS_SPOKEN: &str =
    "Record from the beginning of these connections with whole packets, or name static ports with --static.";
const WHO_CALLS: &str = "Find out which program chose these local ports (--host-table with its connections).";
const WHY_FAILED: &str =
    "Find out what these clients looked for; name ports that are static with --static, and record again.";
/// Port of the endpoint mapper.
const ENDPOINT_MAPPER: u16 = 135;
const FIND_OUT: &str = "Find out why SYNs had to be repeated or stayed without an answer, and record again.";

/// Listeners and announced ports outside of the range; documented static ones are told apart.
pub(super) fn listeners(question: &Question, seen: &Sight, view: &View<'_>, since: &Since, reasons: &mut Vec<Reason>) {
    let (left, outside): (Vec<&Listening>, Vec<&Listening>) = seen.outside().partition(|one| was_left(one, seen, view));
    let (sure, unsure): (Vec<&Listening>, Vec<&Listening>) = outside.into_iter().partition(|one| one.is_sure);
    let range = question.range;
    if !sure.is_empty() {
        let text = format!(
            "{} outside {range}: {}. Documented static ports are not among them.",
            counted(sure.len(), "dynamic listener"),
            listed(sure.iter().map(|one| one.port_name()))
        );
        reasons.push(Reason::new(Check::ListenersInside, Weight::Against, text).at(sure.len(), places(&sure)));
    }
    if !unsure.is_empty() {
        let text = format!(
            "{} outside {range} where it is only probable who called whom: {}. They may be local ports of the host's own calls.",
            counted(unsure.len(), "port"),
            listed(unsure.iter().map(|one| one.port_name()))
        );
        let reason = Reason::new(Check::ListenersInside, Weight::Doubt, text).then(BEGIN_BEFORE);
        reasons.push(reason.at(unsure.len(), places(&unsure)));
    }
    if !left.is_empty() {
        let text = format!(
            "{} outside {range} belonged to services that restarted and are announced inside of it since: {}.",
            counted(left.len(), "port"),
            listed(left.iter().map(|one| one.port_name()))
        );
        reasons.push(Reason::new(Check::ListenersInside, Weight::Remark, text).at(left.len(), places(&left)));
    }
    if !seen.left_out.is_empty() {
        let ports = listed(seen.left_out.iter().map(|(transport, port)| format!("{transport}/{port}")));
        let count = seen.left_out.len();
        let text = format!("Documented static ports, left out: {ports}.");
        reasons.push(Reason::new(Check::ListenersInside, Weight::Remark, text).at(count, []));
    }
    before_the_restart(question, seen, view, since, reasons);
    unknown_direction(question, seen, view, reasons);
    unknown_protocol(question, seen, view, reasons);
}

fn places(of: &[&Listening]) -> Vec<Place> {
    of.iter().take(MOST_PLACES).map(|one| Place { what: one.shown(), ..one.place.clone() }).collect()
}

/// What was outside of the range before the restart that the recording shows: the setting had no effect yet.
fn before_the_restart(question: &Question, seen: &Sight, view: &View<'_>, since: &Since, reasons: &mut Vec<Reason>) {
    if since.from_ns == i64::MIN {
        return;
    }
    let all = Sight::of(question, seen.host, view, i64::MIN);
    let still = |one: &&Listening| seen.listener(one.transport, one.port).is_some();
    let gone: Vec<&Listening> = all.outside().filter(|one| !still(one)).collect();
    if !gone.is_empty() {
        let text = format!(
            "{} outside {} before the host restarted, when the range may not have been set: {}. They are not judged; give \
             --restarted if the range was set and the host restarted before the recording began.",
            counted(gone.len(), "listener"),
            question.range,
            listed(gone.iter().map(|one| one.port_name()))
        );
        reasons.push(Reason::new(Check::ListenersInside, Weight::Remark, text).at(gone.len(), places(&gone)));
    }
}

/// Ports outside of the range of which nobody can tell whether the host listens there.
fn unknown_direction(question: &Question, seen: &Sight, view: &View<'_>, reasons: &mut Vec<Reason>) {
    let of = view.of_host(seen.host);
    let mut unknown: BTreeMap<(Transport, u16), &JudgedFlow> = BTreeMap::new();
    let unsure =
        of.answered.iter().chain(&of.called).filter(|flow| {
            flow.judgement.orientation < Orientation::Probable && flow.facts.last_seen_ns >= seen.from_ns
        });
    for flow in unsure {
        let side = if flow.facts.key.a.ip == seen.host { crate::model::Side::A } else { crate::model::Side::B };
        let (transport, port) = (flow.facts.key.transport, flow.facts.key.endpoint(side).port);
        let is_rpc = question.scope != Scope::Rpc || flow.judgement.application == "dce-rpc";
        let may_listen = is_rpc && seen.is_dynamic(transport, port) && !question.range.contains(port);
        let is_static = || view.is_static(transport, at(seen.host, port));
        if may_listen && flow.facts.from(side).packets > 0 && !is_static() {
            unknown.entry((transport, port)).or_insert(flow);
        }
    }
    unknown.retain(|(transport, port), _| seen.listener(*transport, *port).is_none());
    if unknown.is_empty() {
        return;
    }
    let text = format!(
        "{} outside {} may be listeners: the recording does not show who called whom.",
        counted(unknown.len(), "port"),
        question.range
    );
    let places = unknown.iter().map(|((transport, port), flow)| place_of_flow(flow, port_name(*transport, *port, "")));
    let reason = Reason::new(Check::ListenersInside, Weight::Doubt, text).then(BEGIN_BEFORE);
    reasons.push(reason.at(unknown.len(), places));
}

/// Dynamic listeners outside of the range of which nobody can tell whether they belong to the RPC runtime: neither recognised nor
/// announced; those that a host table lists among them.
fn unknown_protocol(question: &Question, seen: &Sight, view: &View<'_>, reasons: &mut Vec<Reason>) {
    if question.scope != Scope::Rpc {
        return;
    }
    let of = view.of_host(seen.host);
    let is_outside = |port: u16| seen.is_dynamic(Transport::Tcp, port) && !question.range.contains(port);
    // By port where it was seen, `None` where something is recognised there.
    let mut found: BTreeMap<u16, Option<Place>> = BTreeMap::new();
    for flow in &of.answered {
        let port = flow.judgement.responder.port;
        let is_candidate =
            flow.facts.key.transport == Transport::Tcp && flow.facts.last_seen_ns >= seen.from_ns && is_outside(port);
        if is_candidate && is_served(flow) {
            let one = found.entry(port).or_insert_with(|| Some(place_of_flow(flow, format!("tcp/{port}, called"))));
            // One conversation that is recognised tells for the others.
            if label(flow) != "unrecognised" {
                *one = None;
            }
        }
    }
    let later = |socket: &&HostSocket| socket.time_ns.is_none_or(|time_ns| time_ns >= seen.from_ns);
    let reachable = view.tables.listening(seen.host).filter(later).filter(|socket| socket.is_at(seen.host));
    for socket in reachable.filter(|socket| is_outside(socket.port)) {
        found.entry(socket.port).or_insert_with(|| Some(place_of_row_of_table(socket)));
    }
    let announced: BTreeSet<u16> = of.announced.iter().filter_map(|said| said.said.answer.port()).collect();
    let is_told = |port: u16| seen.listener(Transport::Tcp, port).is_some() || announced.contains(&port);
    let unknown: Vec<(u16, Place)> = found
        .into_iter()
        .filter_map(|(port, place)| Some((port, place?)))
        .filter(|(port, _)| !is_told(*port) && !view.is_static(Transport::Tcp, at(seen.host, *port)))
        .collect();
    if unknown.is_empty() {
        return;
    }
    let text = format!(
        "{} outside {} of which the recording does not tell whether RPC is spoken there: {}.",
        counted(unknown.len(), "dynamic listener"),
        question.range,
        listed(unknown.iter().map(|(port, _)| format!("tcp/{port}")))
    );
    let reason = Reason::new(Check::ListenersInside, Weight::Doubt, text).then(WHAT_IS_SPOKEN);
    reasons.push(reason.at(unknown.len(), unknown.into_iter().map(|(_, place)| place)));
}

fn place_of_row_of_table(socket: &HostSocket) -> Place {
    let name = socket.process.as_deref().unwrap_or_default();
    Place {
        what: format!("{}, listening by a host table", port_name(socket.transport, socket.port, name)),
        source: socket.place().into(),
        frame: None,
        time_ns: socket.time_ns,
        display_filter: String::new(),
        is_before: false,
    }
}

/// Distinct local ports of a host's calls that its system gave out: no port that it serves at, no static or system port, and
/// none that is the same at both ends. The first call of each.
pub(super) fn local_ports<'a>(seen: &Sight, view: &'a View<'_>) -> BTreeMap<(Transport, u16), &'a JudgedFlow> {
    let mut ports: BTreeMap<(Transport, u16), &JudgedFlow> = BTreeMap::new();
    for flow in &view.of_host(seen.host).called {
        let judgement = &flow.judgement;
        let (transport, port) = (flow.facts.key.transport, judgement.initiator.port);
        let is_call = judgement.orientation >= Orientation::Probable && flow.forward().packets > 0;
        if is_call && flow.facts.last_seen_ns >= seen.from_ns && port >= 1_024 && port != judgement.responder.port {
            ports.entry((transport, port)).or_insert(flow);
        }
    }
    ports.retain(|(transport, port), _| {
        seen.listener(*transport, *port).is_none() && !view.is_static(*transport, at(seen.host, *port))
    });
    ports
}

/// Local ports of calls outside of the range, where the scope is all that the system gives out.
pub(super) fn calls(question: &Question, seen: &Sight, view: &View<'_>, reasons: &mut Vec<Reason>) {
    if question.scope != Scope::Allocation {
        return;
    }
    let range = question.range;
    let ports = local_ports(seen, view);
    let outside = ports.into_iter().filter(|((_, port), _)| !range.contains(*port));
    let (given, others): (Vec<_>, Vec<_>) =
        outside.partition(|((transport, port), _)| seen.may_give_out(*transport, *port));
    for (found, weight, why) in [
        (given, Weight::Against, "The system gave them out."),
        (others, Weight::Doubt, "They are in no known dynamic range: a program may have chosen them itself."),
    ] {
        if found.is_empty() {
            continue;
        }
        let text = format!(
            "{} of calls outside {range}: {}. {why}",
            counted(found.len(), "local port"),
            listed(found.iter().map(|((transport, port), _)| format!("{transport}/{port}")))
        );
        let places = found.iter().map(|((transport, port), flow)| {
            place_of_flow(
                flow,
                format!("call to {} from {}", flow.judgement.responder, port_name(*transport, *port, "")),
            )
        });
        let reason = Reason::new(Check::CallsInside, weight, text).then(WHO_CALLS);
        reasons.push(reason.at(found.len(), places));
    }
}

/// Silence, reset, ICMP or nobody registered after an announcement.
pub(super) fn announced(
    question: &Question,
    seen: &Sight,
    view: &View<'_>,
    before: Option<&View<'_>>,
    reasons: &mut Vec<Reason>,
) {
    let rows = &view.of_host(seen.host).rows;
    let in_scope = |row: &&AnnouncementRow| {
        row.last_seen_ns >= seen.from_ns && (question.scope != Scope::Rpc || is_of_rpc(row.mechanism))
    };
    let mut told = BTreeSet::new();
    let kept_out = rows.iter().filter(in_scope).filter(|row| row.follow_up.is_blocked());
    let kept_out: Vec<&AnnouncementRow> =
        kept_out.filter(|row| told.insert((row.told, row.transport, row.port))).collect();
    if !kept_out.is_empty() {
        let text = format!(
            "{} not be reached by the client that was told: {}.",
            if kept_out.len() == 1 {
                "1 announced port could".into()
            } else {
                format!("{} announced ports could", kept_out.len())
            },
            listed(kept_out.iter().map(|row| shown(row)))
        );
        let places = kept_out.iter().map(|row| place_of_row(row));
        reasons.push(Reason::new(Check::AnnouncedReached, Weight::Against, text).at(kept_out.len(), places));
    }
    let missing = rows.iter().filter(in_scope).filter(|row| row.follow_up == FollowUp::NotRegistered);
    let missed = before.into_iter().flat_map(|before| &before.of_host(seen.host).rows);
    let missed: BTreeSet<_> =
        missed.filter(|row| row.follow_up == FollowUp::NotRegistered).map(|row| asked(row)).collect();
    let was_missing = |row: &AnnouncementRow| missed.contains(&asked(row));
    let (old, new): (Vec<&AnnouncementRow>, Vec<&AnnouncementRow>) = missing.partition(|row| was_missing(row));
    for (rows, weight, why) in [
        (new, Weight::Against, "A service that finds no port does not register."),
        (old, Weight::Remark, "It was so before, too."),
    ] {
        if !rows.is_empty() {
            let text = format!(
                "{} for which nobody is registered: {}. {why}",
                counted(rows.len(), "request"),
                listed(rows.iter().map(|row| shown(row)))
            );
            let places = rows.iter().map(|row| place_of_row(row));
            reasons.push(Reason::new(Check::Registered, weight, text).at(rows.len(), places));
        }
    }
}

/// What a client asked for.
fn asked(row: &AnnouncementRow) -> (&'static str, &str, &str) {
    (row.mechanism.name(), &row.subject_id, &row.version)
}

/// `tcp/50003 (SAMR) told to 10.0.0.9: unanswered`.
fn shown(row: &AnnouncementRow) -> String {
    let what = row.port.map_or_else(|| row.subject.clone(), |port| port_name(row.transport, port, &row.subject));
    let verb = if row.port.is_some() { "told to" } else { "asked by" };
    format!("{what} {verb} {}: {}", row.told, row.follow_up.name())
}

fn place_of_row(row: &AnnouncementRow) -> Place {
    let call = match &row.first_call {
        Some((capture, frame)) if *capture == row.capture => format!("; the call is in frame {frame}"),
        Some((capture, frame)) => format!("; the call is in frame {frame} of {capture}"),
        None => String::new(),
    };
    Place {
        what: format!("{} ({}){call}", shown(row), row.mechanism.name()),
        source: row.capture.clone(),
        frame: Some(row.frame),
        time_ns: Some(row.first_seen_ns),
        display_filter: row.display_filter.clone(),
        is_before: false,
    }
}

/// Attempts to dynamic ports or the endpoint mapper that failed, had to be repeated, or of which nobody can tell. Sweeps are not
/// among them.
pub(super) fn attempts(question: &Question, seen: &Sight, view: &View<'_>, reasons: &mut Vec<Reason>) {
    let of = view.of_host(seen.host);
    // Those that an announcement led to are told with it.
    let told: BTreeSet<_> = of
        .rows
        .iter()
        .filter(|row| row.follow_up.is_blocked() && row.last_seen_ns >= seen.from_ns)
        .filter(|row| question.scope != Scope::Rpc || is_of_rpc(row.mechanism))
        .filter_map(|row| Some((row.told, row.transport, row.port?)))
        .collect();
    let failed = of.blocked.iter().filter(|one| {
        let port = one.responder.port;
        let is_told = told.contains(&(one.initiator, one.transport, port));
        let is_mapper = one.transport == Transport::Tcp && port == ENDPOINT_MAPPER;
        let counts = is_mapper || seen.is_dynamic(one.transport, port);
        counts && one.last_seen_ns >= seen.from_ns && !is_told
    });
    let kind = |one: &BlockedAttempt| {
        let port = one.responder.port;
        let is_inside = question.range.contains(port);
        match seen.listener(one.transport, port).is_some() {
            true if is_inside => Failed::AtListener,
            _ if port == ENDPOINT_MAPPER => Failed::AtMapper,
            _ if view.is_static(one.transport, at(seen.host, port)) => Failed::AtStatic,
            _ if is_inside => Failed::Inside,
            _ => Failed::Outside,
        }
    };
    let mut by_kind: BTreeMap<Failed, Vec<&BlockedAttempt>> = BTreeMap::new();
    for one in failed {
        by_kind.entry(kind(one)).or_default().push(one);
    }
    for (kind, found) in by_kind {
        let (weight, whither, why) = kind.means(question);
        if !found.is_empty() {
            let text = format!(
                "Attempts to {} {whither} that did not succeed: {}. {why}",
                counted(found.len(), "endpoint"),
                listed(found.iter().map(|one| attempt(one)))
            );
            let places = found.iter().map(|one| Place {
                what: attempt(one),
                source: one.capture.as_str().into(),
                frame: Some(one.first_frame),
                time_ns: Some(one.first_seen_ns),
                display_filter: contact_filter(one.initiator, one.responder, one.transport),
                is_before: false,
            });
            let reason = Reason::new(Check::AttemptsSucceed, weight, text).then(WHY_FAILED);
            reasons.push(reason.at(found.len(), places));
        }
    }
    repeated(question, seen, view, reasons);
}

fn attempt(one: &BlockedAttempt) -> String {
    let BlockedAttempt { initiator, responder, transport, evidence, .. } = one;
    format!("{initiator} to {transport}/{}: {} ({evidence})", responder.port, one.outcome.name())
}

/// Where an attempt failed, as far as the range is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Failed {
    /// In the range, where others were served or an announcement led.
    AtListener,
    /// At the endpoint mapper.
    AtMapper,
    /// In the range, where nobody was seen to listen.
    Inside,
    /// At a dynamic port outside of it.
    Outside,
    /// At a documented static port.
    AtStatic,
}

impl Failed {
    /// Its weight, where that is, and what it means.
    fn means(self, question: &Question) -> (Weight, String, &'static str) {
        let range = question.range;
        match self {
            Self::AtListener => {
                (Weight::Against, format!("in {range}"), "Others were served there, or it was announced.")
            }
            Self::AtMapper => (
                Weight::Doubt,
                "of the endpoint mapper".into(),
                "Without it no client learns a port: a mapper that got none stays silent, too.",
            ),
            Self::Inside => (
                Weight::Doubt,
                format!("in {range}"),
                "Nobody was served there and it was not announced: a service may have failed, or a firewall keeps the range closed.",
            ),
            Self::Outside => (
                Weight::Doubt,
                format!("at dynamic ports outside {range}"),
                "Clients look for services where the range does not put them, or local ports that the host had closed.",
            ),
            Self::AtStatic => (
                Weight::Remark,
                "at documented static ports".into(),
                "They are not given out: it may have nothing to do with the range.",
            ),
        }
    }
}

/// SYNs that had to be repeated before the answer came, and silence that may mean nothing.
fn repeated(question: &Question, seen: &Sight, view: &View<'_>, reasons: &mut Vec<Reason>) {
    let inside = |flow: &&&JudgedFlow| {
        let port = flow.judgement.responder.port;
        let is_tcp = flow.facts.key.transport == Transport::Tcp;
        let is_known = || seen.listener(Transport::Tcp, port).is_some();
        is_tcp && question.range.contains(port) && flow.facts.last_seen_ns >= seen.from_ns && is_known()
    };
    let of = view.of_host(seen.host);
    let late: Vec<&JudgedFlow> = of
        .answered
        .iter()
        .filter(inside)
        .filter(|flow| flow.forward().syn_retransmitted > 0 && is_served(flow))
        .copied()
        .collect();
    if !late.is_empty() {
        let syn: u64 = late.iter().map(|flow| u64::from(flow.forward().syn_retransmitted)).sum();
        let all = of.answered.iter().filter(inside).filter(|flow| is_served(flow)).count();
        let text = format!(
            "{} of {all} to listeners in the range succeeded only after their SYN was repeated ({syn} in all): packets are lost, or \
             the host does not accept at once.",
            counted(late.len(), "connection")
        );
        let places = late.iter().map(|flow| {
            let repeats = counted(flow.forward().syn_retransmitted as usize, "repeated SYN");
            place_of_flow(
                flow,
                format!("{} to tcp/{}: {repeats}", flow.judgement.initiator.ip, flow.judgement.responder.port),
            )
        });
        reasons.push(Reason::new(Check::AttemptsSucceed, Weight::Doubt, text).then(FIND_OUT).at(late.len(), places));
    }
    let is_silent =
        |flow: &&&JudgedFlow| flow.judgement.outcome == Outcome::Undetermined && flow.reverse().packets == 0;
    let silent: Vec<&JudgedFlow> = of.answered.iter().filter(inside).filter(is_silent).copied().collect();
    if !silent.is_empty() {
        let text = format!(
            "{} to listeners in the range of which the recording does not tell whether they were answered.",
            counted(silent.len(), "attempt")
        );
        let places = silent.iter().map(|flow| place_of_flow(flow, outcome_evidence(flow)));
        reasons.push(Reason::new(Check::AttemptsSucceed, Weight::Doubt, text).then(FIND_OUT).at(silent.len(), places));
    }
}

//! How near the range is to its end: ports held at once against the ports there are, and local ports that come back sooner.
//!
//! No packet shows that a port was wanted and not there. So these are doubts and remarks; what shows a range to fail is told by
//! the other checks.

use super::inside::local_ports;
use super::sight::Sight;
use super::view::{View, at, place_of_flow};
use super::{Check, Measured, Place, Question, Reason, Scope, Weight, counted, percent, ranks};
use crate::catalog::PortRange;
use crate::classification::ReducedFlow;
use crate::dynamic_ports::course::{Course, Hold, Peak};
use crate::dynamic_ports::sizing::{FEWEST_ALLOCATION_PORTS, FEWEST_RPC_PORTS};
use crate::dynamic_ports::what_if::UsablePorts;
use crate::dynamic_ports::{Knowledge, LINUX_TIME_WAIT_NS, WINDOWS_TIME_WAIT_NS};
use crate::model::{JudgedFlow, Orientation, Transport};
use std::collections::{BTreeMap, BTreeSet};

/// Share of the capacity, in percent, beyond which the peak is too near to it.
const NEAR_PERCENT: u64 = 80;
/// Calls in each half that a comparison needs.
const FEWEST_CALLS: usize = 20;
/// Probability by chance below which reuse counts as growing.
const CHANCE: f64 = 0.01;

const LARGER: &str = "Choose a larger range: no recording shows that this one is enough.";

/// What is counted of ports held, and what it means.
pub(super) fn pressure(
    question: &Question,
    seen: &Sight,
    view: &View<'_>,
    before: Option<&View<'_>>,
    reasons: &mut Vec<Reason>,
) -> Measured {
    let local = local_ports(seen, view);
    let (inside, outside): (Vec<u16>, Vec<u16>) =
        local.keys().map(|(_, port)| *port).partition(|port| question.range.contains(*port));
    let mut measured = Measured {
        local_ports_inside: inside.len() as u64,
        local_ports_outside: if question.scope == Scope::Allocation { outside.len() as u64 } else { 0 },
        ..Measured::default()
    };
    for transport in [Transport::Tcp, Transport::Udp] {
        let capacity = capacity(question, seen, view, transport);
        let inside = |_: Transport, port: u16| question.range.contains(port);
        let peak = peak(seen, view, transport, Some(&inside), inside);
        if transport == Transport::Tcp {
            measured.capacity_ports = capacity;
            measured.peak_ports = peak.ports;
            measured.peak_at_ns = peak.at_ns;
        }
        if transport == Transport::Tcp || question.scope == Scope::Allocation {
            few(question, (transport, capacity), reasons);
        }
        if peak.ports > 0 {
            let place = most_recent(seen, view, transport, &inside, peak);
            full(question, (transport, capacity, peak), place, reasons);
        }
        if let Some(before) = before {
            demand_before(question, seen, before, (transport, capacity), reasons);
        }
    }
    if question.scope == Scope::Allocation {
        reuse(question, seen, view, reasons);
    }
    measured
}

/// Ports of the range that can be given out.
fn capacity(question: &Question, seen: &Sight, view: &View<'_>, transport: Transport) -> u32 {
    let excluded = view.tables.excluded(seen.host, transport).map(|block| PortRange::spanning(block.start, block.end));
    let fixed = question.range.as_inclusive().filter(|port| view.is_static(transport, at(seen.host, *port)));
    let without: Vec<PortRange> = excluded.chain(fixed.map(|port| PortRange::spanning(port, port))).collect();
    UsablePorts::new(question.range, &without).count()
}

/// Fewer ports than anybody advises: nothing that was recorded shows that they are enough.
fn few(question: &Question, (transport, capacity): (Transport, u32), reasons: &mut Vec<Reason>) {
    let (fewest, who) = match question.scope {
        Scope::Listeners | Scope::Rpc => (FEWEST_RPC_PORTS, "Microsoft advises at least 100 for RPC (KB154596)"),
        Scope::Allocation => (FEWEST_ALLOCATION_PORTS, "netsh takes no range of fewer than 255 (KB929851)"),
    };
    if capacity < fewest {
        let text = format!(
            "{} has {} to give out, documented static ports and excluded blocks left out; {who}.",
            question.range,
            counted(capacity as usize, &format!("{transport} port"))
        );
        reasons.push(Reason::new(Check::Capacity, Weight::Doubt, text).then(LARGER));
    }
}

fn full(
    question: &Question,
    (transport, capacity, peak): (Transport, u32, Peak),
    place: Option<Place>,
    reasons: &mut Vec<Reason>,
) {
    let range = question.range;
    let ports = counted(capacity as usize, &format!("{transport} port"));
    let were = if peak.ports == 1 { "was" } else { "were" };
    let numbers = format!(
        "{} of the range {were} held at once; {range} has {ports}, documented static ports and excluded blocks left out",
        counted(peak.ports as usize, &format!("{transport} port"))
    );
    let (weight, why) = if peak.ports >= capacity {
        (Weight::Doubt, ": all of them. A host without a free port sends nothing, so no packet shows what failed.")
    } else if u64::from(peak.ports) * 100 > u64::from(capacity) * NEAR_PERCENT {
        (Weight::Doubt, ": more than 80% of them, too near to the edge. Idle listeners are in no recording.")
    } else {
        (Weight::Remark, ". A lower bound: idle listeners are in no recording.")
    };
    let reason = Reason::new(Check::Capacity, weight, format!("{numbers}{why}")).then(LARGER);
    reasons.push(reason.at(peak.ports as usize, place));
}

/// Whether the range could have held what the host held before.
fn demand_before(
    question: &Question,
    seen: &Sight,
    before: &View<'_>,
    (transport, capacity): (Transport, u32),
    reasons: &mut Vec<Reason>,
) {
    let then = Sight::of(question, seen.host, before, i64::MIN);
    let dynamic = |transport: Transport, port: u16| then.is_dynamic(transport, port);
    let calls: Option<Wanted<'_>> = if question.scope == Scope::Allocation { Some(&dynamic) } else { None };
    let peak = peak(&then, before, transport, calls, |_, _| true);
    if peak.ports == 0 || u64::from(peak.ports) * 100 <= u64::from(capacity) * NEAR_PERCENT {
        return;
    }
    let text = format!(
        "Before the change the host held {} in scope at once: more than 80% of the {capacity} that {} has.",
        counted(peak.ports as usize, &format!("{transport} port")),
        question.range
    );
    reasons.push(Reason::new(Check::Capacity, Weight::Doubt, text).then(LARGER).at(peak.ports as usize, []));
}

/// Which ports count.
type Wanted<'a> = &'a dyn Fn(Transport, u16) -> bool;

/// Most ports held at once: listeners for the whole epoch in which they were seen, local ports of calls until their end, TIME-WAIT
/// included.
fn peak(
    seen: &Sight,
    view: &View<'_>,
    transport: Transport,
    calls: Option<Wanted<'_>>,
    listens: impl Fn(Transport, u16) -> bool,
) -> Peak {
    let end_ns = view.end_ns();
    let first_ns = view.intervals.first().map_or(i64::MIN, |(start, _)| *start).max(seen.from_ns);
    let restarts = &view.recording.known.judged.restarts;
    let listening = seen.listening.iter().filter(|one| one.transport == transport && listens(transport, one.port));
    let mut holds: Vec<Hold> = listening
        .map(|one| {
            let (start_ns, next_ns) = restarts.epoch(seen.host, one.first_ns.unwrap_or(first_ns));
            let end_ns = end_ns.min(next_ns.saturating_sub(1));
            Hold { port: one.port, start_ns: start_ns.max(first_ns).min(end_ns), end_ns }
        })
        .collect();
    if let Some(wanted) = calls {
        holds.extend(call_holds(seen, view, transport, wanted).into_iter().map(|(_, hold)| hold));
    }
    Course::of(&holds, first_ns..=end_ns).peak
}

/// Local ports that calls hold, in the order of their beginning.
fn call_holds<'a>(
    seen: &Sight,
    view: &'a View<'_>,
    transport: Transport,
    wanted: Wanted<'_>,
) -> Vec<(&'a JudgedFlow, Hold)> {
    let stated = view.recording.known.time_wait_ns(seen.host);
    let is_linux = seen.own.iter().any(|(of, range)| *of == transport && range.is_linux());
    let time_wait_ns = stated.unwrap_or(if is_linux { LINUX_TIME_WAIT_NS } else { WINDOWS_TIME_WAIT_NS });
    let end_ns = view.end_ns();
    let serves: BTreeSet<u16> =
        seen.listening.iter().filter(|one| one.transport == transport).map(|one| one.port).collect();
    let calls = view.of_host(seen.host).called.iter().filter(|flow| {
        let port = flow.judgement.initiator.port;
        let is_call = flow.judgement.orientation >= Orientation::Probable && flow.forward().packets > 0;
        let is_later = flow.facts.last_seen_ns >= seen.from_ns;
        let is_own = flow.facts.key.transport == transport && wanted(transport, port) && !serves.contains(&port);
        is_call && is_later && is_own
    });
    let hold = |flow: &&'a JudgedFlow| {
        let reduced = ReducedFlow::of(flow);
        let last_ns = reduced.last_seen_ns.max(reduced.first_seen_ns);
        let waits = transport == Transport::Tcp && reduced.initiator_closed == Some(true);
        let end_ns = match (reduced.open_at_end, waits) {
            (true, _) => end_ns.max(last_ns),
            (false, true) => last_ns.saturating_add(time_wait_ns),
            (false, false) => last_ns,
        };
        (*flow, Hold { port: flow.judgement.initiator.port, start_ns: reduced.first_seen_ns, end_ns })
    };
    calls.map(hold).collect()
}

/// What took a port last when the peak was reached.
fn most_recent(seen: &Sight, view: &View<'_>, transport: Transport, wanted: Wanted<'_>, peak: Peak) -> Option<Place> {
    let at_ns = peak.at_ns?;
    let call = call_holds(seen, view, transport, wanted).into_iter().rfind(|(_, hold)| hold.start_ns == at_ns);
    if let Some((flow, hold)) = call {
        return Some(place_of_flow(
            flow,
            format!("the call from {transport}/{} with which the peak was reached", hold.port),
        ));
    }
    let first = seen.inside().find(|one| one.transport == transport)?;
    Some(Place { what: format!("{}: one of the listeners", first.shown()), ..first.place.clone() })
}

/// Share of calls whose local port had been used within TIME-WAIT before, first half against second half.
fn reuse(question: &Question, seen: &Sight, view: &View<'_>, reasons: &mut Vec<Reason>) {
    let inside = |_: Transport, port: u16| question.range.contains(port);
    let mut calls = call_holds(seen, view, Transport::Tcp, &inside);
    calls.sort_by_key(|(_, hold)| hold.start_ns);
    let (Some(first), Some(last)) = (calls.first(), calls.last()) else { return };
    let middle_ns = first.1.start_ns.midpoint(last.1.start_ns);
    let mut free_from: BTreeMap<u16, i64> = BTreeMap::new();
    let mut halves = [(0_usize, 0_usize); 2];
    let mut again: Vec<&JudgedFlow> = Vec::new();
    let wait_ns = view.recording.known.time_wait_ns(seen.host).unwrap_or(WINDOWS_TIME_WAIT_NS);
    for (flow, hold) in &calls {
        let half = &mut halves[usize::from(hold.start_ns > middle_ns)];
        half.1 += 1;
        if free_from.get(&hold.port).is_some_and(|from_ns| hold.start_ns <= *from_ns) {
            half.0 += 1;
            if hold.start_ns > middle_ns {
                again.push(flow);
            }
        }
        let until_ns = flow.facts.last_seen_ns.saturating_add(wait_ns);
        let free = free_from.entry(hold.port).or_insert(i64::MIN);
        *free = (*free).max(until_ns);
    }
    let [(hits, of), (more_hits, of_more)] = halves;
    if of < FEWEST_CALLS || of_more < FEWEST_CALLS || more_hits == 0 {
        return;
    }
    let numbers = format!(
        "Local ports used again within {} s: {hits} of {of} calls in the first half of the recording, {more_hits} of {of_more} in \
         the second",
        wait_ns / 1_000_000_000
    );
    let grows = more_hits as u128 * of as u128 * 2 > hits as u128 * of_more as u128 * 3;
    let chance =
        ranks::share_grew_by_chance((hits, of), (more_hits, of_more)).filter(|chance| grows && *chance < CHANCE);
    let reason = match chance {
        Some(chance) => {
            let text =
                format!("{numbers}: it grows (by chance in {} of recordings). Free ports get scarce.", percent(chance));
            Reason::new(Check::Reuse, Weight::Doubt, text).then(LARGER)
        }
        None => Reason::new(Check::Reuse, Weight::Remark, format!("{numbers}: it does not grow beyond chance.")),
    };
    let count = again.len();
    let places = again.into_iter().map(|flow| {
        let port = flow.judgement.initiator.port;
        place_of_flow(flow, format!("tcp/{port} again"))
    });
    reasons.push(reason.at(count, places));
}

//! Against the recording from before the change: connections that vanished, and what became slower.
//!
//! Connections are counted by initiator, responder and what they were for, never by dynamic port: that changes at each restart. What
//! is expected now is the number before times the ratio of the recordings' lengths.

use super::floor::Lengths;
use super::sight::Sight;
use super::view::{View, is_served, label, place_of_flow};
use super::{Check, Place, Question, Reason, Scope, Weight, counted, percent, ranks};
use crate::model::{EndReason, JudgedFlow, Tie};
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

/// Connections before of which none is left that speak against the range; fewer may be chance.
const VANISHED: usize = 3;
/// Probability by chance below which a difference counts.
const CHANCE: f64 = 0.01;
/// Values before and now that the rank test needs for its approximation.
const FEWEST_VALUES: usize = 8;
/// A growth of the median that nobody notices, ns.
const UNNOTICED_NS: u64 = 1_000_000;
/// A median that is so many times as long, and longer by [`LARGE_NS`], speaks against the range by itself.
const LARGE_FACTOR: u64 = 5;
/// See [`LARGE_FACTOR`], ns.
const LARGE_NS: u64 = 1_000_000_000;

const UNTIL: &str = "Record until the clients that are missing have done the same work again.";
const SLOWER: &str = "Find out why it is slower, and record again under the same load as before.";

/// Who connects to whom for what.
type Key<'a> = (IpAddr, IpAddr, &'a str);
/// Connections by key, in the order of their first packets.
type Connections<'a> = BTreeMap<Key<'a>, Vec<&'a JudgedFlow>>;

/// Compares what is in scope at a host.
pub(super) fn compare(
    question: &Question,
    seen: &Sight,
    (view, before): (&View<'_>, &View<'_>),
    lengths: Lengths,
    reasons: &mut Vec<Reason>,
) {
    let then = Sight::of(question, seen.host, before, i64::MIN);
    let earlier = connections(question, &then, before);
    let now = connections(question, seen, view);
    vanished(&earlier, &now, view, lengths, reasons);
    slower(&earlier, &now, (before, view), reasons);
}

/// Connections in scope: to dynamic listeners; where the scope is all that the system gives out, also those that the host opened.
fn connections<'a>(question: &Question, seen: &Sight, view: &'a View<'_>) -> Connections<'a> {
    let mut all: Connections<'a> = BTreeMap::new();
    let of = view.of_host(seen.host);
    let to_listeners = of
        .answered
        .iter()
        .filter(|flow| seen.listener(flow.facts.key.transport, flow.judgement.responder.port).is_some());
    let is_allocation = question.scope == Scope::Allocation;
    let opened = of.called.iter().filter(|flow| is_allocation && flow.judgement.responder.ip != seen.host);
    let later = |flow: &&&JudgedFlow| flow.facts.last_seen_ns >= seen.from_ns && is_served(flow);
    for flow in to_listeners.chain(opened).filter(later) {
        let key = (flow.judgement.initiator.ip, flow.judgement.responder.ip, label(flow));
        all.entry(key).or_default().push(flow);
    }
    all
}

/// `10.0.0.9 to 10.0.0.1 for SAMR`.
fn shown((initiator, responder, what): Key<'_>) -> String {
    format!("{initiator} to {responder} for {what}")
}

/// Whether connections are gone, or fewer than half of what was to be expected and not by chance.
fn is_missing(were: usize, are: usize, lengths: (u64, u64)) -> bool {
    let (now, before) = (lengths.0 as f64, lengths.1 as f64);
    let few = (are as f64) * 2.0 < were as f64 * now / before;
    let chance = || ranks::fewer_by_chance(were as u64, are as u64, now / (now + before)).unwrap_or(1.0);
    are == 0 || (few && chance() < CHANCE)
}

/// Connections of two hosts, whatever for.
#[derive(Debug, Clone, Copy, Default)]
struct Between {
    all: usize,
    /// Those of which nobody knows what for.
    unnamed: usize,
}

fn is_named(flow: &JudgedFlow) -> bool {
    !flow.judgement.service.is_empty()
}

fn by_pair(of: &Connections<'_>) -> HashMap<(IpAddr, IpAddr), Between> {
    let mut pairs: HashMap<(IpAddr, IpAddr), Between> = HashMap::new();
    for ((from, to, _), flows) in of {
        let pair = pairs.entry((*from, *to)).or_default();
        pair.all += flows.len();
        pair.unnamed += flows.iter().filter(|flow| !is_named(flow)).count();
    }
    pairs
}

/// Connections that vanished. What has no name now may be what had one before: the announcement may not be in the recording.
fn vanished(
    earlier: &Connections<'_>,
    now: &Connections<'_>,
    view: &View<'_>,
    lengths: Lengths,
    reasons: &mut Vec<Reason>,
) {
    let (Some(before_ns), now_ns) = (lengths.before_ns.filter(|ns| *ns > 0), lengths.now_ns) else { return };
    let is_missing = |were: usize, are: usize| is_missing(were, are, (now_ns, before_ns));
    let (pairs_then, pairs_now) = (by_pair(earlier), by_pair(now));
    let mut missing: Vec<(Weight, String, Place)> = Vec::new();
    for (key, flows) in earlier {
        let Some(first) = flows.first() else { continue };
        let (were, are) = (flows.len(), now.get(key).map_or(0, Vec::len));
        let pair = |of: &HashMap<(IpAddr, IpAddr), Between>| of.get(&(key.0, key.1)).copied().unwrap_or_default();
        let unnamed = pair(&pairs_now).unnamed;
        let goes_on = || !is_named(first) && !is_missing(pair(&pairs_then).all, pair(&pairs_now).all);
        if !is_missing(were, are) || goes_on() {
            continue;
        }
        // A client that is not there, a single connection, and what may only have lost its name say little.
        let is_there = view.knows(key.0) && view.knows(key.1);
        let is_renamed = is_named(first) && !is_missing(were, are + unnamed);
        let is_sure = is_there && !is_renamed && lengths.is_as_long() && (are > 0 || were >= VANISHED);
        let weight = if is_sure { Weight::Against } else { Weight::Doubt };
        let why = match (is_there, is_renamed) {
            (false, _) => ", and the client is not in this recording at all".to_owned(),
            (true, true) => format!(", and {unnamed} of the same hosts whose service is not known"),
            (true, false) => String::new(),
        };
        let expected = were as f64 * now_ns as f64 / before_ns as f64;
        let text = format!("{}: {were} before, {are} now, {expected:.1} expected{why}", shown(*key));
        missing.push((weight, text.clone(), Place { is_before: true, ..place_of_flow(first, text) }));
    }
    for weight in [Weight::Against, Weight::Doubt] {
        tell(weight, &missing, lengths, reasons);
    }
}

fn tell(weight: Weight, missing: &[(Weight, String, Place)], lengths: Lengths, reasons: &mut Vec<Reason>) {
    let of: Vec<&(Weight, String, Place)> = missing.iter().filter(|(one, ..)| *one == weight).collect();
    if of.is_empty() {
        return;
    }
    let why = match weight {
        Weight::Against => "The recording is as long as the one before.",
        _ if lengths.is_as_long() => {
            "That may be chance: they were few, their client was not there, or they are not recognised."
        }
        _ => "The recording is shorter than the one before.",
    };
    let text = format!(
        "Connections of the recording before that are gone, or far fewer: {}. {why}",
        super::listed(of.iter().map(|(_, text, _)| text.as_str()))
    );
    let places = of.iter().map(|(.., place)| place.clone());
    reasons.push(Reason::new(Check::NothingVanished, weight, text).then(UNTIL).at(of.len(), places));
}

/// A time of a connection.
#[derive(Clone, Copy)]
enum Time {
    /// From SYN to SYN-ACK: the round trip between the tap and the responder, and how fast it accepts.
    Handshake,
    /// From the announcement of the port to the call.
    FromAnnouncement,
    /// From the first packet to the last.
    Duration,
}

impl Time {
    const ALL: [Self; 3] = [Self::Handshake, Self::FromAnnouncement, Self::Duration];

    fn name(self) -> &'static str {
        match self {
            Self::Handshake => "from SYN to SYN-ACK",
            Self::FromAnnouncement => "from announcement to call",
            Self::Duration => "from first to last packet",
        }
    }

    /// The time of a connection, ns, where it has one. Durations of what was still open at the end are not known.
    fn of(self, flow: &JudgedFlow, view: &View<'_>) -> Option<u64> {
        let ns = match self {
            Self::Handshake => flow.facts.syn_to_syn_ack_ns?,
            Self::FromAnnouncement => {
                let referral = flow.judgement.referral.as_deref().filter(|referral| referral.tie == Tie::Announced)?;
                let said = view.recording.facts.announcements.get(referral.announcement?)?;
                flow.facts.first_seen_ns.saturating_sub(said.time_ns)
            }
            Self::Duration => match flow.facts.end_reason {
                EndReason::Closed | EndReason::PortReused => {
                    flow.facts.last_seen_ns.saturating_sub(flow.facts.first_seen_ns)
                }
                EndReason::Idle | EndReason::Active | EndReason::EndOfCapture | EndReason::Evicted => return None,
            },
        };
        u64::try_from(ns).ok()
    }
}

fn slower(
    earlier: &Connections<'_>,
    now: &Connections<'_>,
    (before, view): (&View<'_>, &View<'_>),
    reasons: &mut Vec<Reason>,
) {
    let mut compared = 0;
    for (key, flows) in now {
        let Some(then) = earlier.get(key) else { continue };
        for time in Time::ALL {
            let were: Vec<u64> = then.iter().filter_map(|flow| time.of(flow, before)).collect();
            let are: Vec<(u64, &JudgedFlow)> =
                flows.iter().filter_map(|flow| Some((time.of(flow, view)?, *flow))).collect();
            if were.len() < FEWEST_VALUES || are.len() < FEWEST_VALUES {
                continue;
            }
            compared += 1;
            reasons.extend(grown(*key, time, &were, &are));
        }
    }
    if compared == 0 {
        let text = format!("Times were not compared: no service has {FEWEST_VALUES} connections in both recordings.");
        reasons.push(Reason::new(Check::NothingSlower, Weight::Remark, text));
    }
}

/// A median that grew by more than half, and not by chance.
fn grown(key: Key<'_>, time: Time, were: &[u64], are: &[(u64, &JudgedFlow)]) -> Option<Reason> {
    let values: Vec<u64> = are.iter().map(|(ns, _)| *ns).collect();
    let (then_ns, now_ns) = (ranks::median(were), ranks::median(&values));
    let grew_ns = now_ns.saturating_sub(then_ns);
    let chance = ranks::grew_by_chance(were, &values)?;
    if grew_ns <= then_ns / 2 || chance >= CHANCE {
        return None;
    }
    let weight = if grew_ns >= LARGE_NS && now_ns / LARGE_FACTOR >= then_ns {
        Weight::Against
    } else if grew_ns >= UNNOTICED_NS {
        Weight::Doubt
    } else {
        Weight::Remark
    };
    let text = format!(
        "Slower than before: {}, median {} {} in {} before, {} in {} now (rank test: by chance in {} of cases){}.",
        shown(key),
        time.name(),
        milliseconds(then_ns),
        counted(were.len(), "connection"),
        milliseconds(now_ns),
        values.len(),
        percent(chance),
        if weight == Weight::Remark { "; less than 1 ms, which nobody notices" } else { "" }
    );
    let mut slowest: Vec<&(u64, &JudgedFlow)> = are.iter().collect();
    slowest.sort_by_key(|(ns, flow)| (std::cmp::Reverse(*ns), flow.facts.first_seen_ns));
    let places =
        slowest.iter().map(|(ns, flow)| place_of_flow(flow, format!("{}: {}", time.name(), milliseconds(*ns))));
    Some(Reason::new(Check::NothingSlower, weight, text).then(SLOWER).at(values.len(), places))
}

/// Milliseconds with three significant digits or so.
fn milliseconds(ns: u64) -> String {
    let ms = ns as f64 / 1e6;
    if ms < 100.0 { format!("{ms:.2} ms") } else { format!("{ms:.0} ms") }
}

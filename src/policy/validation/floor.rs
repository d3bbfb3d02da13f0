//! What *holds* needs besides that nothing speaks against it, and what to record where it is missing.

use super::inside::local_ports;
use super::sight::Sight;
use super::view::{View, at, is_served, length_ns};
use super::{Check, Place, Question, Reason, Scope, Weight, counted, listed};
use crate::model::{CaptureRow, HostSocket, JudgedFlow, Orientation, Outcome, Restart, RestartKind, Transport};
use std::collections::BTreeSet;
use std::net::IpAddr;

const NS_PER_SECOND: u64 = 1_000_000_000;
/// Share of a host's TCP flows with payload, in percent, that may be one-sided.
const ONE_SIDED_PERCENT: u64 = 5;
/// A recording of this share of the length of the one before, in percent, is as long: nobody stops two at the same second.
const AS_LONG_PERCENT: u128 = 95;

const USE: &str =
    "Record while clients use the services that the range is for, the endpoint mapper's answers included.";
const WHOLE: &str = "Record again without drops, filters and damage: a larger buffer, whole packets, no filter.";
const BOTH_WAYS: &str = "Record where both directions pass, without a filter.";
const AS_LONG: &str = "Record for at least as long as before, over the same work.";
const LONGER: &str = "Record for longer, until every client has done its usual work with the range set.";
const COMPARABLE: &str = "Compare with a recording from before the change that holds the same host at the same work.";
const TABLE: &str = "Set the range, restart the host, and take the host table again.";
const RESTART: &str = "Record the host while it restarts and works; or give a table of all its sockets, taken while or \
    after it was recorded (--host-table; not for --scope rpc, of which a table tells nothing); or give --restarted \
    if it restarted with the range set before the recording began.";

/// How it is known that the host restarted with the range set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Restarted {
    /// The user says so.
    Stated,
    /// The recording shows it, or a host table with the time of the start.
    Seen,
    /// A service did.
    Service,
    /// Not at all, but there is a table of the host's own listeners.
    HostTable,
    /// Not at all.
    Unknown,
}

/// From when on a recording is judged.
#[derive(Debug, Clone)]
pub(super) struct Since {
    /// First instant, ns; the least number where all of it is judged.
    pub(super) from_ns: i64,
    pub(super) how: Restarted,
    place: Option<Place>,
}

/// The lengths that are compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lengths {
    /// What is judged, ns.
    pub(super) now_ns: u64,
    /// The recording before, ns.
    pub(super) before_ns: Option<u64>,
}

impl Lengths {
    /// Whether the recording is not shorter than the one before.
    pub(super) fn is_as_long(self) -> bool {
        let before = self.before_ns.map_or(0, u128::from);
        u128::from(self.now_ns) * 100 >= before * AS_LONG_PERCENT
    }
}

/// From when on the range can have had an effect. Of several restarts the first counts: what came after it is judged, which may
/// find too much and never too little.
pub(super) fn since(question: &Question, host: IpAddr, view: &View<'_>) -> Since {
    let all = |how: Restarted| Since { from_ns: i64::MIN, how, place: None };
    if question.is_restarted {
        return all(Restarted::Stated);
    }
    let restarts = view.recording.known.judged.restarts.of_host(host);
    let seen = restarts.iter().find(|restart| restart.kind == RestartKind::Host);
    let within = |boot: &i64| view.intervals.first().is_some_and(|(start, _)| start < boot) && *boot < view.end_ns();
    let told = view.tables.boots(host).iter().copied().find(within);
    match (seen, told) {
        (Some(restart), boot) if boot.is_none_or(|boot| restart.after_ns <= boot) => {
            Since { from_ns: restart.after_ns, how: Restarted::Seen, place: Some(place(restart)) }
        }
        (_, Some(boot_ns)) => Since { from_ns: boot_ns, how: Restarted::Seen, place: None },
        _ if vouches(question, host, view) => all(Restarted::HostTable),
        _ if !restarts.is_empty() => Since { place: restarts.first().map(place), ..all(Restarted::Service) },
        _ => all(Restarted::Unknown),
    }
}

/// Whether a host table stands for the restart: it was not taken before the recording began, and lists every listener inside the range
/// that packets showed. It says nothing of RPC, so it never does where the range is for that.
fn vouches(question: &Question, host: IpAddr, view: &View<'_>) -> bool {
    if question.scope == Scope::Rpc {
        return false;
    }
    let start_ns = view.intervals.first().map_or(i64::MIN, |(start, _)| *start);
    let counts = |socket: &&HostSocket| socket.is_at(host) && socket.time_ns.is_none_or(|time_ns| time_ns >= start_ns);
    let waiting = view.tables.listening(host).chain(view.tables.bound_udp(host)).filter(counts);
    let listed: BTreeSet<(Transport, u16)> = waiting.map(|socket| (socket.transport, socket.port)).collect();
    let seen = Sight::of(question, host, view, i64::MIN);
    let mut by_packets = seen.inside().filter(|one| one.is_served || one.is_announced);
    !listed.is_empty() && by_packets.all(|one| listed.contains(&(one.transport, one.port)))
}

/// Whether the recording shows the range in use: a conversation with a listener inside to which the host had something to say; where
/// the range is for all that the system gives out, also a call of the host's own that was served.
fn is_in_use(question: &Question, seen: &Sight, view: &View<'_>) -> bool {
    let answered = view.of_host(seen.host).answered.iter().any(|flow| {
        let (transport, port) = (flow.facts.key.transport, flow.judgement.responder.port);
        let is_inside = question.range.contains(port) && seen.listener(transport, port).is_some();
        let is_later = flow.facts.last_seen_ns >= seen.from_ns;
        is_inside && is_later && is_served(flow) && flow.reverse().payload_packets > 0
    });
    let calls = || {
        local_ports(seen, view).into_iter().any(|((_, port), flow)| question.range.contains(port) && is_served(flow))
    };
    answered || (question.scope == Scope::Allocation && calls())
}

fn place(restart: &Restart) -> Place {
    Place {
        what: restart.evidence.clone(),
        source: restart.capture.clone(),
        frame: Some(restart.frame),
        time_ns: Some(restart.after_ns),
        display_filter: format!("{}.addr == {}", if restart.host.is_ipv4() { "ip" } else { "ipv6" }, restart.host),
        is_before: false,
    }
}

/// Lengths of what is judged.
pub(super) fn lengths(since: &Since, view: &View<'_>, before: Option<&View<'_>>) -> Lengths {
    Lengths {
        now_ns: length_ns(&view.intervals, since.from_ns),
        before_ns: before.map(|before| length_ns(&before.intervals, i64::MIN)),
    }
}

/// What keeps the recording from showing that the range holds.
pub(super) fn floor(
    question: &Question,
    seen: &Sight,
    since: &Since,
    (view, before): (&View<'_>, Option<&View<'_>>),
    lengths: Lengths,
    reasons: &mut Vec<Reason>,
) {
    let mut doubt = |text: String, next: &'static str| {
        reasons.push(Reason::new(Check::Evidence, Weight::Doubt, text).then(next));
    };
    if !view.knows(seen.host) {
        doubt("No packet of the host is in the recording.".into(), USE);
    } else if !is_in_use(question, seen, view) {
        in_no_use(question, seen, &mut doubt);
    }
    for gap in view.recording.gaps {
        doubt(format!("The recording may miss something: {gap}."), WHOLE);
    }
    snapped(view, "", &mut doubt);
    long_enough(question, since, view, lengths, &mut doubt);
    one_sided(seen, view, &mut doubt);
    one_sided_outside(question, seen, view, &mut doubt);
    if view.recording.known.judged.openings_only {
        doubt(
            "Only segments that open or reset connections were recorded: answers cannot be told from silence.".into(),
            BOTH_WAYS,
        );
    }
    if let Some(before) = before {
        compared(question, seen, (view, before), lengths, &mut doubt);
    }
    told_range(question, seen, view, &mut doubt);
    restart(since, reasons);
}

fn in_no_use(question: &Question, seen: &Sight, doubt: &mut impl FnMut(String, &'static str)) {
    let what = if question.scope == Scope::Rpc { "RPC listener" } else { "dynamic listener" };
    let range = question.range;
    let inside = seen.inside().count();
    if inside == 0 {
        doubt(
            format!("No {what} inside {range} was called or announced: nothing shows that the range is in use."),
            USE,
        );
        return;
    }
    let text = format!(
        "{} inside {range} announced, listed or called, and not one was seen to answer with data: nothing shows that the range is in \
         use.",
        counted(inside, what)
    );
    doubt(text, USE);
}

/// Frames that were cut short when they were recorded.
fn snapped(view: &View<'_>, which: &str, doubt: &mut impl FnMut(String, &'static str)) {
    for capture in view.recording.facts.captures.iter().filter(|capture| capture.snapped_frames > 0) {
        let frames = usize::try_from(capture.snapped_frames).unwrap_or(usize::MAX);
        let text = format!(
            "{}{which}: {} cut short (snap length): what brokers announced cannot be read.",
            capture.name,
            if frames == 1 { "1 frame was".into() } else { format!("{frames} frames were") }
        );
        doubt(text, WHOLE);
    }
}

/// Whether enough time is judged.
fn long_enough(
    question: &Question,
    since: &Since,
    view: &View<'_>,
    lengths: Lengths,
    doubt: &mut impl FnMut(String, &'static str),
) {
    let seconds = |ns: u64| ns / NS_PER_SECOND;
    if lengths.now_ns < question.least_ns {
        doubt(
            format!(
                "What is judged is {} s long; {} s is the least (--at-least).",
                seconds(lengths.now_ns),
                question.least_ns.div_ceil(NS_PER_SECOND)
            ),
            LONGER,
        );
    }
    let earlier_ns = length_ns(&view.intervals, i64::MIN).saturating_sub(lengths.now_ns);
    if since.from_ns > i64::MIN && lengths.now_ns < earlier_ns {
        doubt(
            format!(
                "{} s were recorded after the restart and {} s before it: what is rarer may be missing.",
                seconds(lengths.now_ns),
                seconds(earlier_ns)
            ),
            LONGER,
        );
    }
}

/// Conversations with dynamic ports outside of the range of which one direction only is there: nobody can tell who serves.
fn one_sided_outside(question: &Question, seen: &Sight, view: &View<'_>, doubt: &mut impl FnMut(String, &'static str)) {
    let of = view.of_host(seen.host);
    // Where the direction is not known, the host may stand on either side.
    let unsure = of.called.iter().filter(|flow| flow.judgement.orientation < Orientation::Probable);
    let as_initiator = unsure.map(|flow| (flow, flow.judgement.initiator.port));
    let as_responder = of.answered.iter().map(|flow| (flow, flow.judgement.responder.port));
    let is_one_sided = |flow: &JudgedFlow| {
        let (one, other) = (&flow.facts.from_a, &flow.facts.from_b);
        let is_half = one.packets == 0 || other.packets == 0 || flow.judgement.outcome == Outcome::OneSided;
        flow.facts.key.transport == Transport::Tcp && is_half && one.payload_packets + other.payload_packets > 0
    };
    let found = as_responder.chain(as_initiator).filter(|(flow, port)| {
        let is_outside = seen.is_dynamic(Transport::Tcp, *port) && !question.range.contains(*port);
        is_outside && is_one_sided(flow) && flow.facts.last_seen_ns >= seen.from_ns
    });
    let ports: BTreeSet<u16> =
        found.map(|(_, port)| port).filter(|port| !view.is_static(Transport::Tcp, at(seen.host, *port))).collect();
    if !ports.is_empty() {
        let text = format!(
            "{} outside {} with data of which one direction only was recorded: {}. The host may listen there.",
            counted(ports.len(), "dynamic port"),
            question.range,
            listed(ports.iter().map(|port| format!("tcp/{port}")))
        );
        doubt(text, BOTH_WAYS);
    }
}

fn one_sided(seen: &Sight, view: &View<'_>, doubt: &mut impl FnMut(String, &'static str)) {
    let of = view.of_host(seen.host);
    let with_payload = of.answered.iter().chain(&of.called).filter(|flow| {
        let bytes = flow.facts.from_a.payload_packets + flow.facts.from_b.payload_packets;
        flow.facts.key.transport == Transport::Tcp && bytes > 0 && flow.facts.last_seen_ns >= seen.from_ns
    });
    let (mut all, mut one_sided) = (0_u64, 0_u64);
    for flow in with_payload {
        all += 1;
        one_sided += u64::from(flow.judgement.outcome == Outcome::OneSided);
    }
    if one_sided * 100 > all * ONE_SIDED_PERCENT {
        doubt(
            format!("{one_sided} of the host's {all} TCP flows with payload were recorded in one direction only."),
            BOTH_WAYS,
        );
    }
}

/// Whether the two recordings can be compared.
fn compared(
    question: &Question,
    seen: &Sight,
    (view, before): (&View<'_>, &View<'_>),
    lengths: Lengths,
    doubt: &mut impl FnMut(String, &'static str),
) {
    if !before.knows(seen.host) {
        doubt("The host is not in the recording before: nothing can be compared.".into(), COMPARABLE);
    }
    let then = Sight::of(question, seen.host, before, i64::MIN).listening.len();
    if then > 0 && seen.listening.is_empty() {
        doubt(
            format!(
                "The host had {} in scope before, none now: its services may not run, or nobody called them.",
                counted(then, "listener")
            ),
            USE,
        );
    }
    if !lengths.is_as_long() {
        let seconds = |ns: u64| ns / NS_PER_SECOND;
        let (now, then) = (seconds(lengths.now_ns), seconds(lengths.before_ns.unwrap_or_default()));
        doubt(
            format!("What is judged is {now} s long and the recording before {then} s: what is rarer may be missing."),
            AS_LONG,
        );
    }
    if lengths.before_ns == Some(0) {
        doubt("The recording before has no length: the comparison could not be made.".into(), COMPARABLE);
    }
    snapped(before, " (before)", doubt);
    for gap in before.recording.gaps {
        doubt(format!("The recording before may miss something: {gap}."), COMPARABLE);
    }
    let hashes = |of: &View<'_>| -> BTreeSet<String> {
        let hash = |capture: &CaptureRow| capture.sha256.clone().filter(|hash| !hash.is_empty());
        of.recording.facts.captures.iter().filter_map(hash).collect()
    };
    if !hashes(view).is_disjoint(&hashes(before)) {
        doubt("The same file is in both recordings: that compares it with itself.".into(), COMPARABLE);
    }
    let begins = view.intervals.first().map(|(start, _)| *start);
    if begins.is_some_and(|begins| before.intervals.last().is_some_and(|(_, end)| *end > begins)) {
        doubt("The recording before ends after this one begins: are they the right way round?".into(), COMPARABLE);
    }
}

/// The host's own word on its range, where it is for all that the system gives out.
fn told_range(question: &Question, seen: &Sight, view: &View<'_>, doubt: &mut impl FnMut(String, &'static str)) {
    if question.scope != Scope::Allocation {
        return;
    }
    for transport in [Transport::Tcp, Transport::Udp] {
        let Some(told) = view.tables.dynamic_range(seen.host, transport) else { continue };
        let (first, last) = (*told.start(), *told.end());
        if (first, last) != (question.range.first(), question.range.last()) {
            let text = format!(
                "A host table says that the host gives out {transport} ports {first}-{last}, and not {}: it is older than the \
                 change, or the range is not set.",
                question.range
            );
            doubt(text, TABLE);
        }
    }
}

fn restart(since: &Since, reasons: &mut Vec<Reason>) {
    let reason = |weight: Weight, text: &str| {
        let places = usize::from(since.place.is_some());
        Reason::new(Check::Evidence, weight, text.into()).at(places.max(1), since.place.clone())
    };
    reasons.push(match since.how {
        Restarted::Stated => reason(Weight::Remark, "That the host restarted with the range set is the user's word (--restarted)."),
        Restarted::Seen => reason(Weight::Remark, "The host restarted within the recording; what came after it is judged."),
        Restarted::Service => reason(
            Weight::Remark,
            "A service restarted within the recording; others may still listen where they did before the range was set.",
        ),
        Restarted::HostTable => reason(
            Weight::Remark,
            "No restart is in the recording; a host table that lists every listener seen shows what listens, called or not.",
        ),
        Restarted::Unknown => reason(
            Weight::Doubt,
            "Nothing shows that the host restarted since the range was set, and only then does the setting take effect.",
        )
        .then(RESTART),
    });
}

//! Does a restricted range of dynamic ports hold? A verdict for each host, from a recording made after the change and, where there
//! is one, a recording from before it.
//!
//! *Holds* is said only where nothing speaks against it and the evidence is there: something in scope was seen inside the range,
//! the recording misses nothing that is known of, and the host is known to have restarted since. *Does not hold* needs something
//! that was seen: a packet, a row of a host table, or connections of the recording before that vanished. Everything else is *not
//! enough evidence*. A range that is too small leaves no packet: a host without a free port sends nothing. So a peak near the
//! number of ports is a doubt, and never the ground of *holds*.
//!
//! Pure functions over judged flows, announcements and host tables. Times are ns since 1970 UTC. Formats never enter.

mod compare;
mod floor;
mod inside;
mod pressure;
mod ranks;
mod sight;
mod view;

#[cfg(test)]
mod tests;

use crate::catalog::{PortRange, PortRef};
use crate::dynamic_ports::Known;
use crate::store::Facts;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use view::View;

/// Places that one reason names; the count tells how many there are.
const MOST_PLACES: usize = 20;
/// Ports, names and numbers that one sentence lists.
const MOST_LISTED: usize = 5;

/// Which ports of a host the range is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Every dynamic port at which the host serves.
    Listeners,
    /// Those of the RPC runtime: announced by an endpoint mapper or DCOM, or speaking DCE/RPC.
    Rpc,
    /// Every port that the system gives out: listeners, and the local ports of calls.
    Allocation,
}

impl Scope {
    /// Name as typed, printed and stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Listeners => "listeners",
            Self::Rpc => "rpc",
            Self::Allocation => "allocation",
        }
    }
}

/// The answer, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing speaks against the range, and the evidence is there.
    Holds,
    /// It cannot be told from this recording.
    NotEnoughEvidence,
    /// Something was seen that the range does not allow, or that shows it to fail.
    DoesNotHold,
}

impl Verdict {
    /// Name as printed and stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::NotEnoughEvidence => "not enough evidence",
            Self::DoesNotHold => "does not hold",
        }
    }
}

/// What a reason does to the verdict, the lightest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// To be known; changes nothing.
    Remark,
    /// Keeps the verdict from *holds*.
    Doubt,
    /// *Does not hold*.
    Against,
}

impl Weight {
    /// Name as printed and stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Remark => "remark",
            Self::Doubt => "doubt",
            Self::Against => "against",
        }
    }
}

/// What was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// Listeners and announced ports lie in the range.
    ListenersInside,
    /// Local ports of calls lie in the range.
    CallsInside,
    /// What was announced could be reached.
    AnnouncedReached,
    /// What was asked for is registered.
    Registered,
    /// Attempts to ports in the range succeed, and at once.
    AttemptsSucceed,
    /// Local ports are not used again sooner and sooner.
    Reuse,
    /// Fewer ports are held than there are.
    Capacity,
    /// Connections of the recording before are there.
    NothingVanished,
    /// Nothing is slower than before.
    NothingSlower,
    /// The recording allows a verdict.
    Evidence,
}

impl Check {
    /// Name as stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ListenersInside => "listeners-inside",
            Self::CallsInside => "calls-inside",
            Self::AnnouncedReached => "announced-reached",
            Self::Registered => "registered",
            Self::AttemptsSucceed => "attempts-succeed",
            Self::Reuse => "reuse",
            Self::Capacity => "capacity",
            Self::NothingVanished => "nothing-vanished",
            Self::NothingSlower => "nothing-slower",
            Self::Evidence => "evidence",
        }
    }
}

/// Where to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What is to be seen there, e.g. "tcp/49700 (SAMR), announced". May hold hostile text.
    pub what: String,
    /// The capture, or the host table with its line. Hostile text.
    pub source: Arc<str>,
    /// Frame in the capture; `None` for a row of a host table.
    pub frame: Option<u64>,
    /// When, ns; `None` where a host table does not say.
    pub time_ns: Option<i64>,
    /// A Wireshark display filter that shows it; empty for a row of a host table.
    pub display_filter: String,
    /// True where it is in the recording from before the change.
    pub is_before: bool,
}

/// Something that was measured, and what it means for the verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// What was checked.
    pub check: Check,
    /// What it does to the verdict.
    pub weight: Weight,
    /// One or two sentences with the numbers. May hold hostile text.
    pub text: String,
    /// How many things were found: ports, attempts, connections.
    pub count: u64,
    /// Where to look: the first ones.
    pub places: Vec<Place>,
    /// What to record or do next, where that would settle it.
    pub next: Option<&'static str>,
}

impl Reason {
    fn new(check: Check, weight: Weight, text: String) -> Self {
        Self { check, weight, text, count: 1, places: Vec::new(), next: None }
    }

    /// With what would settle it.
    fn then(mut self, next: &'static str) -> Self {
        self.next = Some(next);
        self
    }

    /// With so many things found, and where the first of them are.
    fn at(mut self, count: usize, places: impl IntoIterator<Item = Place>) -> Self {
        self.count = count as u64;
        self.places = places.into_iter().take(MOST_PLACES).collect();
        self
    }
}

/// What was counted at a host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Measured {
    /// Ports of listeners in scope inside the range, announced ones included; documented static ports left out.
    pub listeners_inside: u64,
    /// The same outside of it.
    pub listeners_outside: u64,
    /// Distinct local ports of its calls inside the range.
    pub local_ports_inside: u64,
    /// The same outside of it; 0 where the scope leaves calls alone.
    pub local_ports_outside: u64,
    /// Ports of the range for TCP, without documented static ports and excluded blocks.
    pub capacity_ports: u32,
    /// Most TCP ports of the range held at once, TIME-WAIT of what the host closed first included.
    pub peak_ports: u32,
    /// When that peak was reached first.
    pub peak_at_ns: Option<i64>,
    /// Length of the recording that was judged, ns.
    pub length_ns: u64,
    /// Length of the recording before, ns.
    pub before_length_ns: Option<u64>,
}

/// The answer for one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostVerdict {
    /// The host.
    pub host: IpAddr,
    /// Its name in the site file, or empty.
    pub name: String,
    /// The answer.
    pub verdict: Verdict,
    /// Why: the heaviest first.
    pub reasons: Vec<Reason>,
    /// What was counted.
    pub measured: Measured,
    /// What to record next, where the evidence is not enough.
    pub record_next: Vec<&'static str>,
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// The range.
    pub range: PortRange,
    /// What it is for.
    pub scope: Scope,
    /// The hosts; where none is named, all at which something in scope was seen, now or before, and for [`Scope::Allocation`] all
    /// that called from dynamic ports.
    pub hosts: Vec<IpAddr>,
    /// Static ports besides the documented ones: they are neither in scope nor free.
    pub fixed: BTreeSet<PortRef>,
    /// The user states that the hosts restarted, with the range set, before the recording began.
    pub is_restarted: bool,
    /// Shortest time, ns, that has to be judged before a range can be said to hold.
    pub least_ns: u64,
}

/// A recording, judged.
pub struct Recording<'a> {
    /// The facts.
    pub facts: &'a Facts,
    /// Judged flows, documents and site file.
    pub known: &'a Known<'a>,
    /// Why the absence of anything proves little: dropped packets, filters, hidden frames, damage. One sentence each.
    pub gaps: &'a [String],
}

/// The answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validation {
    /// The range.
    pub range: PortRange,
    /// What it is for.
    pub scope: Scope,
    /// By host, in the order of addresses.
    pub hosts: Vec<HostVerdict>,
}

impl Validation {
    /// The worst of the answers; without a host there is not enough evidence.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.hosts.iter().map(|host| host.verdict).max().unwrap_or(Verdict::NotEnoughEvidence)
    }
}

/// Validates a range.
#[must_use]
pub fn validate(question: &Question, recording: &Recording<'_>, before: Option<&Recording<'_>>) -> Validation {
    let view = View::of(recording, &question.fixed);
    let before = before.map(|before| View::of(before, &question.fixed));
    let hosts = match question.hosts.is_empty() {
        true => sight::hosts(question, &view, before.as_ref()),
        false => question.hosts.iter().copied().collect(),
    };
    let hosts = hosts.into_iter().map(|host| verdict(question, host, &view, before.as_ref())).collect();
    Validation { range: question.range, scope: question.scope, hosts }
}

fn verdict(question: &Question, host: IpAddr, view: &View<'_>, before: Option<&View<'_>>) -> HostVerdict {
    let since = floor::since(question, host, view);
    let seen = sight::Sight::of(question, host, view, since.from_ns);
    let mut reasons = Vec::new();
    inside::listeners(question, &seen, view, &since, &mut reasons);
    inside::calls(question, &seen, view, &mut reasons);
    inside::announced(question, &seen, view, before, &mut reasons);
    inside::attempts(question, &seen, view, &mut reasons);
    let pressure = pressure::pressure(question, &seen, view, before, &mut reasons);
    let lengths = floor::lengths(&since, view, before);
    if let Some(before) = before {
        compare::compare(question, &seen, (view, before), lengths, &mut reasons);
    }
    floor::floor(question, &seen, &since, (view, before), lengths, &mut reasons);
    reasons.sort_by(|one, other| (other.weight, one.check).cmp(&(one.weight, other.check)));
    let verdict = match reasons.first().map(|reason| reason.weight) {
        Some(Weight::Against) => Verdict::DoesNotHold,
        Some(Weight::Doubt) => Verdict::NotEnoughEvidence,
        Some(Weight::Remark) | None => Verdict::Holds,
    };
    HostVerdict {
        host,
        name: view.recording.known.site.map_or(String::new(), |site| site.name(host).to_owned()),
        verdict,
        record_next: record_next(verdict, &reasons),
        measured: Measured {
            listeners_inside: seen.inside().count() as u64,
            listeners_outside: seen.outside().count() as u64,
            length_ns: lengths.now_ns,
            before_length_ns: lengths.before_ns,
            ..pressure
        },
        reasons,
    }
}

/// What would settle the doubts, each once.
fn record_next(verdict: Verdict, reasons: &[Reason]) -> Vec<&'static str> {
    let mut next: Vec<&'static str> = Vec::new();
    let doubts =
        reasons.iter().filter(|reason| verdict == Verdict::NotEnoughEvidence && reason.weight == Weight::Doubt);
    for advice in doubts.filter_map(|reason| reason.next) {
        if !next.contains(&advice) {
            next.push(advice);
        }
    }
    next
}

/// The first few of something, and how many more there are.
fn listed<T: std::fmt::Display>(all: impl ExactSizeIterator<Item = T>) -> String {
    let count = all.len();
    let mut text = all.take(MOST_LISTED).map(|one| one.to_string()).collect::<Vec<_>>().join("; ");
    if count > MOST_LISTED {
        text.push_str(&format!(" and {} more", count - MOST_LISTED));
    }
    text
}

/// A probability in percent.
fn percent(chance: f64) -> String {
    if chance < 0.0001 { "less than 0.01%".to_owned() } else { format!("{:.2}%", chance * 100.0) }
}

/// A count with its noun: "1 port", "2 ports".
fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

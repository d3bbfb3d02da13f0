//! The answers as lines for people.

use crate::policy::validation::{HostVerdict, Measured, Place, Reason, Scope, Validation, Verdict, Weight};
use crate::report::text::{clipped, count, counted, duration, iso_utc, visible};

/// Places of one reason that are shown; JSON has more.
const MOST_PLACES: usize = 3;
/// Characters of one text.
const MOST_CHARACTERS: usize = 600;

/// How a line is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Emphasis {
    /// As it is.
    Plain,
    /// The name of what follows.
    Heading,
    /// To be seen first.
    Alert,
    /// For whoever wants to look closer.
    Pale,
}

/// A paragraph; its text is safe to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Columns to the right.
    pub indent: u16,
    /// How it is to be taken.
    pub emphasis: Emphasis,
    /// The text, without line ends; empty for an empty line.
    pub text: String,
}

fn line(indent: u16, emphasis: Emphasis, text: impl Into<String>) -> Line {
    Line { indent, emphasis, text: text.into() }
}

/// The answers, host by host: verdict, reasons with where to look, what was measured, what to record next.
#[must_use]
pub fn lines(validation: &Validation) -> Vec<Line> {
    let of = match validation.scope {
        Scope::Listeners => "dynamic listeners",
        Scope::Rpc => "listeners of RPC",
        Scope::Allocation => "all ports that the system gives out",
    };
    let head =
        format!("Range {} for {of} ({})", validation.range, counted(validation.range.count().into(), "port", "ports"));
    let mut all = vec![line(0, Emphasis::Heading, head)];
    for host in &validation.hosts {
        all.push(line(0, Emphasis::Plain, ""));
        of_host(host, &mut all);
    }
    all.push(line(0, Emphasis::Plain, ""));
    let limits = "Lower bounds: what this tap saw in this time. A capture shows no idle listener, no loopback, and no connection \
                  that a host without a free port could not open.";
    all.push(line(0, Emphasis::Pale, limits));
    all
}

fn of_host(host: &HostVerdict, all: &mut Vec<Line>) {
    let name = if host.name.is_empty() { String::new() } else { format!("{} ", visible(&host.name)) };
    let emphasis = if host.verdict == Verdict::Holds { Emphasis::Heading } else { Emphasis::Alert };
    all.push(line(0, emphasis, format!("{name}{}: {}", host.host, host.verdict.name().to_uppercase())));
    all.push(line(2, Emphasis::Plain, measured(&host.measured)));
    for reason in &host.reasons {
        of_reason(reason, all);
    }
    for next in &host.record_next {
        all.push(line(2, Emphasis::Plain, format!("Next: {next}")));
    }
}

fn measured(of: &Measured) -> String {
    let before = of.before_length_ns.map_or(String::new(), |ns| format!(", before {}", duration(ns)));
    format!(
        "Listeners inside the range {}, outside {}; local ports of calls inside {}; at most {} of {} held at once; judged: \
         {}{before}.",
        count(of.listeners_inside),
        count(of.listeners_outside),
        count(of.local_ports_inside),
        count(of.peak_ports.into()),
        counted(of.capacity_ports.into(), "TCP port", "TCP ports"),
        duration(of.length_ns)
    )
}

fn of_reason(reason: &Reason, all: &mut Vec<Line>) {
    let (emphasis, word) = match reason.weight {
        Weight::Against => (Emphasis::Alert, "against"),
        Weight::Doubt => (Emphasis::Plain, "doubt"),
        Weight::Remark => (Emphasis::Pale, "remark"),
    };
    all.push(line(2, emphasis, format!("{word}: {}", clipped(&reason.text, MOST_CHARACTERS))));
    let shown = if reason.weight == Weight::Remark { 1 } else { MOST_PLACES };
    for place in reason.places.iter().take(shown) {
        all.push(line(6, Emphasis::Pale, of_place(place)));
    }
}

fn of_place(place: &Place) -> String {
    let source = visible(&place.source);
    let of = if place.is_before { "before: " } else { "" };
    let frame = place.frame.map_or(String::new(), |frame| format!(" frame {frame}"));
    let time = place.time_ns.map_or(String::new(), |ns| format!(", {}", iso_utc(ns)));
    let what =
        if place.what.is_empty() { String::new() } else { format!(": {}", clipped(&place.what, MOST_CHARACTERS)) };
    let filter =
        if place.display_filter.is_empty() { String::new() } else { format!(" [{}]", visible(&place.display_filter)) };
    format!("{of}{source}{frame}{time}{what}{filter}")
}

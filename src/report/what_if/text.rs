//! The text for people: a line for each host, then what stands behind it.

use super::{Asked, LIMITS, percent};
use crate::dynamic_ports::what_if::{Attempts, Holder, Losses};
use crate::model::{Sweep, SweepEntry, Transport};
use crate::policy::settings::Scope;
use crate::policy::what_if::{Answer, Capacity};
use crate::report::text::{clipped, count, counted, duration, iso_utc_seconds};
use std::fmt::Write;
use std::net::IpAddr;

/// Hosts that are told in full; the table at the head names all.
const DETAILED: usize = 20;
/// A host that wants less than this part of its ports is told in full only where few are.
const SMALL_PART: u64 = 10;
/// So many are few.
const FEW: usize = 3;
/// Below this time to reuse, peers and firewalls may still know the old connection, ns.
const SOON_NS: u64 = 60_000_000_000;
/// Ports or blocks that one line names.
const NAMED: usize = 4;
/// Characters of a name.
const NAME: usize = 40;

/// All answers as text.
#[must_use]
pub fn text(asked: Asked, answers: &[Answer]) -> String {
    let mut out = String::new();
    let (first, last) = asked.range;
    let who = match asked.scope {
        Scope::Rpc => "for their listeners only; outgoing connections take their ports elsewhere",
        Scope::Allocation => "for listeners and outgoing connections, TIME-WAIT included",
    };
    let _ = writeln!(out, "What if hosts had {first}-{last} {who}?\n");
    overview(&mut out, answers);
    let matters = |answer: &&Answer| {
        let wanted = answer.replay.wanted.ports.saturating_mul(SMALL_PART);
        answers.len() <= FEW || !answer.is_served() || wanted > answer.replay.capacity.into()
    };
    let detailed: Vec<&Answer> = answers.iter().filter(matters).take(DETAILED).collect();
    detailed.iter().for_each(|answer| host(&mut out, asked, answer));
    if answers.len() > detailed.len() {
        let others = counted((answers.len() - detailed.len()) as u64, "other row", "other rows");
        let _ = writeln!(out, "\nThe {others} in full: --host ADDRESS, or --json.");
    }
    out.push_str("\nWhat a replay cannot know:\n");
    for limit in LIMITS {
        let _ = writeln!(out, "  - {limit}");
    }
    out
}

fn named(answer: &Answer) -> String {
    match answer.name.as_str() {
        "" => format!("{} {}", answer.host, answer.transport),
        name => format!("{} ({}) {}", answer.host, clipped(name, NAME), answer.transport),
    }
}

/// One line a host.
fn overview(out: &mut String, answers: &[Answer]) {
    let width = answers.iter().map(|answer| named(answer).chars().count()).max().unwrap_or(0).max(4);
    let _ = writeln!(out, "{:width$}  {:>8}  {:>8}  {:>19}  Result", "Host", "Capacity", "At once", "Without a port");
    for answer in answers {
        let strict = &answer.replay.strict;
        let blocked = format!("{} of {}", count(strict.blocked()), count(strict.attempts()));
        let result = if answer.is_served() { "held what was recorded" } else { "TOO SMALL" };
        let (capacity, wanted) = (count(answer.replay.capacity.into()), count(answer.replay.wanted.ports));
        let _ = writeln!(out, "{:width$}  {capacity:>8}  {wanted:>8}  {blocked:>19}  {result}", named(answer));
    }
}

fn host(out: &mut String, asked: Asked, answer: &Answer) {
    let _ = writeln!(out, "\n{}", named(answer));
    let mut line = |label: &str, text: &str| {
        let _ = writeln!(out, "  {label:<15}{text}");
    };
    capacity(&mut line, &answer.capacity);
    demand(&mut line, asked, answer);
    losses(&mut line, answer);
    squeeze(&mut line, answer);
    if answer.shared_with_calls {
        line("Note", "the host's own calls take ports from this range too, unless it is excluded for them");
    }
    reuse(&mut line, asked, answer);
    if let Some(sweep) = &answer.sweep {
        table(out, sweep);
    }
}

fn reuse(line: &mut impl FnMut(&str, &str), asked: Asked, answer: &Answer) {
    let order = asked.order_name();
    match answer.replay.shortest_reuse_ns.map(|ns| u64::try_from(ns).unwrap_or(0)) {
        None if answer.connections == 0 => {}
        None => line("Reuse", &format!("no number is used twice ({order} order)")),
        Some(ns) => {
            let after = duration(ns);
            line("Reuse", &format!("a number is used again {after} after its close at the soonest ({order} order)"));
            if ns < SOON_NS {
                line("", "peers and firewalls that still know the old connection may refuse the new one");
            }
        }
    }
}

fn capacity(line: &mut impl FnMut(&str, &str), capacity: &Capacity) {
    line(
        "Capacity",
        &format!(
            "{} of the {} ports of the range",
            count(capacity.usable.count().into()),
            count(capacity.range.count().into())
        ),
    );
    let documented: Vec<String> =
        capacity.documented.iter().map(|fixed| format!("{} {}", fixed.at.port, clipped(&fixed.source, NAME))).collect();
    without(line, "documented static ports", &documented);
    let blocks = |of: &[crate::catalog::PortRange]| of.iter().map(ToString::to_string).collect::<Vec<_>>();
    without(line, "blocks that the host excludes", &blocks(&capacity.excluded));
    without(line, "what --static names", &blocks(&capacity.left_out));
    let serving: Vec<String> = capacity.serving.iter().map(ToString::to_string).collect();
    without(line, "ports at which the host serves already", &serving);
}

fn without(line: &mut impl FnMut(&str, &str), why: &str, which: &[String]) {
    if which.is_empty() {
        return;
    }
    let more = if which.len() > NAMED { format!(" and {} more", which.len() - NAMED) } else { String::new() };
    let some = which.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    line("", &format!("without {why}: {some}{more}"));
}

fn demand(line: &mut impl FnMut(&str, &str), asked: Asked, answer: &Answer) {
    let (epoch, epochs) = answer.epoch;
    let of_epoch = match epochs {
        0..=1 => String::new(),
        _ => format!(" (of epoch {epoch} of {epochs}, which has the most)"),
    };
    let mut text = format!("{}{of_epoch}", counted(answer.listeners.into(), "listener", "listeners"));
    if answer.unseen_listeners > 0 {
        let _ = write!(text, " and {} that only a host table shows", count(answer.unseen_listeners.into()));
    }
    if asked.scope == Scope::Allocation {
        let _ = write!(text, ", {}", counted(answer.connections, "port for calls", "ports for calls"));
        if answer.transport == Transport::Tcp {
            let _ = write!(text, "; TIME-WAIT {}", duration(u64::try_from(answer.time_wait_ns).unwrap_or(0)));
        }
    }
    line("Demand", &text);
    if answer.direction_unknown > 0 {
        let ports = counted(answer.direction_unknown.into(), "dynamic port", "dynamic ports");
        line("", &format!("not in it: {ports} of flows whose direction is not known"));
    }
    if answer.outside > 0 {
        let ports = counted(answer.outside.into(), "port", "ports");
        line("", &format!("not in it: {ports} of 49152-65535 used outside of the range that is stated for the host"));
    }
    let wanted = &answer.replay.wanted;
    let at = if answer.connections > 0 { moment(wanted.at_ns) } else { String::new() };
    line("Wanted at once", &format!("{} at most{at}", count(wanted.ports)));
    let holders: Vec<String> = answer.wanted_by.iter().map(holder).collect();
    if !holders.is_empty() {
        let of = if answer.transport == Transport::Tcp { "for calls, TIME-WAIT included" } else { "for calls" };
        line("", &format!("{of}: {}", holders.join(", ")));
    }
}

fn moment(at_ns: Option<i64>) -> String {
    at_ns.map_or(String::new(), |ns| format!(" at {}", iso_utc_seconds(ns)))
}

fn holder(holder: &Holder) -> String {
    let remote = match holder.remote {
        None => "several others".to_owned(),
        Some((IpAddr::V4(ip), port)) => format!("{ip}:{port}"),
        Some((IpAddr::V6(ip), port)) => format!("[{ip}]:{port}"),
    };
    format!("{} to {remote}", count(holder.ports.into()))
}

fn share(losses: &Losses) -> String {
    let share = losses.blocking_probability().map_or(String::new(), |p| format!(" ({})", percent(p)));
    format!("{} of {}{share}", count(losses.blocked()), count(losses.attempts()))
}

fn losses(line: &mut impl FnMut(&str, &str), answer: &Answer) {
    let strict = &answer.replay.strict;
    if let Some(most) = strict.rule_of_three() {
        line("Without a port", &format!("none of {}", count(strict.attempts())));
        // Listeners are there or not: they are no sample of anything.
        if answer.connections == 0 {
            return line("", "listeners that were not seen (idle, on loopback) need ports too");
        }
        line(
            "",
            &format!("a failure probability of up to {} cannot be ruled out (95 %, rule of three,", percent(most)),
        );
        line("", "if demands came independently; they come in bursts, so the recording says less)");
        return;
    }
    line("Without a port", &format!("{}, first{}", share(strict), moment(strict.first_blocked_ns)));
    let kind = |what: &str, of: Attempts| {
        (of.blocked > 0).then(|| format!("{} of {} {what}", count(of.blocked), count(of.attempts)))
    };
    let kinds: Vec<String> =
        [kind("listeners", strict.listeners), kind("calls", strict.ephemeral)].into_iter().flatten().collect();
    line("", &kinds.join(", "));
    let reuse = &answer.replay.with_reuse;
    if strict.ephemeral.blocked > 0 {
        line("", &format!("{} if ports in TIME-WAIT serve other remote ends meanwhile: the truth lies", share(reuse)));
        line("", "between the two; choose the size by the first");
    }
}

fn squeeze(line: &mut impl FnMut(&str, &str), answer: &Answer) {
    let squeeze = &answer.replay.squeeze;
    let free = if squeeze.free == 0 { "none free".to_owned() } else { format!("{} free", count(squeeze.free.into())) };
    let at = squeeze.at_ns.map_or(String::new(), |ns| format!("{}: ", iso_utc_seconds(ns)));
    line("Worst squeeze", &format!("{at}{} held, {free}", count(squeeze.held.into())));
    let by = [
        (squeeze.listeners, "by listeners"),
        (squeeze.connections, "by connections under way"),
        (squeeze.time_wait(), "by TIME-WAIT"),
    ];
    let by: Vec<String> =
        by.into_iter().filter(|(n, _)| *n > 0).map(|(n, whose)| format!("{} {whose}", count(n.into()))).collect();
    if !by.is_empty() {
        line("", &by.join(", "));
    }
}

fn table(out: &mut String, sweep: &Sweep) {
    let _ = writeln!(out, "\n  {:>7}  {:>19}  {:>12}", "Ports", "Without a port", "Probability");
    for point in &sweep.points {
        let blocked = format!("{} of {}", count(point.blocked), count(point.attempts));
        let mark = if Some(point.ports) == sweep.asked { "  <- the range" } else { "" };
        let _ = writeln!(out, "  {:>7}  {blocked:>19}  {:>12}{mark}", count(point.ports.into()), probability(point));
    }
    let _ = writeln!(out, "  \"<\": none failed, and 95 % confidence cannot rule out up to that (rule of three)");
    if let Some(asked) = sweep.asked.filter(|asked| !sweep.points.iter().any(|point| point.ports == *asked)) {
        let _ = writeln!(out, "  The range has {}: more than three times what was wanted.", count(asked.into()));
    }
}

/// Where nothing failed, what cannot be ruled out.
fn probability(point: &SweepEntry) -> String {
    match (point.rule_of_three(), point.failure_probability()) {
        (Some(most), _) => format!("< {}", percent(most)),
        (None, Some(p)) => percent(p),
        (None, None) => String::new(),
    }
}

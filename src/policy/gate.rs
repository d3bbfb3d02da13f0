//! Whether a recording is evidence enough to restrict a host's dynamic ports, and what to record next where it is not.
//!
//! Never a proof that a restriction is safe: only that nothing which is known to mislead is left. A restricted range is proved
//! by a recording made with it (`portproof validate`).

use crate::dynamic_ports::HostCount;
use crate::dynamic_ports::visits::Unit;
use crate::model::{OneSidedPair, Transport};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Shortest recording, seconds: daily work shows in it.
pub const SHORTEST_S: f64 = 86_400.0;
/// Whole work cycles that a recording must hold.
pub const CYCLES: u64 = 2;
/// Runs that the sample must hold where recordings are runs: with fewer even the bound is too low (docs/estimators.md).
pub const RUNS: u64 = 5;
/// Work cycles of a recording that are looked at.
const MOST_CYCLES: usize = 10_000;
/// New listeners that a recording as long again may be expected to show.
pub const MOST_NEW: f64 = 1.0;

/// What is asked of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CriterionKind {
    /// It lasts long enough.
    Duration,
    /// It holds whole work cycles.
    Cycles,
    /// The host was at work in several of them.
    Activity,
    /// Recording on would hardly show new listeners.
    Saturation,
    /// A restart of the host is in it, or the host told what it listens at.
    Restart,
    /// Both directions of the host's conversations are in it.
    BothDirections,
    /// Nothing was dropped, filtered, or could not be read.
    NothingLost,
    /// It is known of every dynamic port which side listens.
    Direction,
    /// The range that somebody states is the one that the host had.
    Range,
}

impl CriterionKind {
    /// Name as printed and stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Duration => "duration",
            Self::Cycles => "work-cycles",
            Self::Activity => "host-at-work",
            Self::Saturation => "saturation",
            Self::Restart => "restart-or-host-table",
            Self::BothDirections => "both-directions",
            Self::NothingLost => "nothing-lost",
            Self::Direction => "direction-known",
            Self::Range => "range-agrees",
        }
    }
}

/// One thing that is asked of a recording, and what it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Criterion {
    /// What is asked.
    pub kind: CriterionKind,
    /// Whether the recording has it.
    pub is_met: bool,
    /// What is needed, in words.
    pub needed: String,
    /// What was measured, in words. May hold names of files: hostile text.
    pub measured: String,
    /// What to do next; empty where it is met.
    pub next: String,
}

/// What the recording is worth for restricting one host and transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// The host.
    pub host: IpAddr,
    /// Transport.
    pub transport: Transport,
    /// Every criterion, met or not.
    pub criteria: Vec<Criterion>,
}

impl Gate {
    /// Whether there is enough evidence.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.criteria.iter().all(|criterion| criterion.is_met)
    }

    /// `enough-evidence` or `insufficient-evidence`.
    #[must_use]
    pub fn verdict(&self) -> &'static str {
        if self.is_open() { "enough-evidence" } else { "insufficient-evidence" }
    }
}

/// What is known of the recordings as a whole.
#[derive(Debug, Clone, Copy)]
pub struct Recorded<'a> {
    /// Time that they cover, seconds.
    pub seconds: f64,
    /// How long one work cycle lasts, seconds.
    pub cycle_s: f64,
    /// Pairs of hosts that were heard from one side only.
    pub one_sided: &'a [OneSidedPair],
    /// What was lost, one reason each.
    pub lost: &'a [String],
}

/// Holds a host's counts against every criterion.
#[must_use]
pub fn gate(count: &HostCount, recorded: &Recorded<'_>) -> Gate {
    let criteria = vec![
        duration(recorded),
        cycles(recorded),
        activity(count, recorded),
        saturation(count),
        restart(count),
        both_directions(count, recorded),
        nothing_lost(recorded),
        direction(count),
        range(count),
    ];
    Gate { host: count.host, transport: count.transport, criteria }
}

fn criterion(kind: CriterionKind, is_met: bool, needed: &str, measured: String, next: &str) -> Criterion {
    let next = if is_met { String::new() } else { next.to_owned() };
    Criterion { kind, is_met, needed: needed.to_owned(), measured, next }
}

fn hours(seconds: f64) -> String {
    format!("{:.1} h", seconds / 3_600.0)
}

fn duration(recorded: &Recorded<'_>) -> Criterion {
    let is_met = recorded.seconds >= SHORTEST_S;
    let next = "Record for at least 24 hours, at the plant's usual work.";
    criterion(CriterionKind::Duration, is_met, "at least 24 h recorded", hours(recorded.seconds), next)
}

fn cycles(recorded: &Recorded<'_>) -> Criterion {
    let cycles = if recorded.cycle_s > 0.0 { recorded.seconds / recorded.cycle_s } else { 0.0 };
    let measured = format!("{cycles:.1} cycles of {}", hours(recorded.cycle_s));
    let next =
        "Record two whole work cycles (backup schedule, batch, shift), and say with --work-cycle how long one lasts.";
    criterion(CriterionKind::Cycles, cycles >= CYCLES as f64, "at least 2 work cycles recorded", measured, next)
}

/// In how many work cycles, from its first visit on, the host was at work: with at least a tenth of the busiest cycle's visits, so that
/// a stray packet days later is no cycle. At most [`MOST_CYCLES`] are looked at.
fn active_cycles(count: &HostCount, cycle_s: f64) -> usize {
    let visits = || count.epochs.iter().flat_map(|epoch| &epoch.listeners).flat_map(|listener| &listener.visits);
    let cycle_ns = ((cycle_s * 1e9) as i64).max(1);
    let Some(first_ns) = visits().map(|visit| visit.start_ns).min() else { return 0 };
    let cycle = |ns: i64| usize::try_from(ns.saturating_sub(first_ns) / cycle_ns).unwrap_or(0).min(MOST_CYCLES);
    let mut visited: BTreeMap<usize, u64> = BTreeMap::new();
    for visit in visits() {
        for cycle in cycle(visit.start_ns)..=cycle(visit.end_ns).max(cycle(visit.start_ns)) {
            *visited.entry(cycle).or_default() += 1;
        }
    }
    let busiest = visited.values().max().copied().unwrap_or(0);
    visited.values().filter(|visits| **visits * 10 >= busiest).count()
}

fn activity(count: &HostCount, recorded: &Recorded<'_>) -> Criterion {
    let cycles = active_cycles(count, recorded.cycle_s);
    // Those whose listeners are all known by a host table need no visits.
    let is_listed = count.epochs.iter().any(|epoch| epoch.is_listed && epoch.listeners.is_empty());
    let next =
        "Record while this host is at work: the time of the files is not enough where it took part in a moment of it.";
    let needed = "the host called in at least 2 work cycles, in each at least a tenth as often as in the busiest";
    criterion(CriterionKind::Activity, is_listed || cycles as u64 >= CYCLES, needed, format!("cycles: {cycles}"), next)
}

fn range(count: &HostCount) -> Criterion {
    let outside = count.outside.len();
    let measured = match count.outside.first() {
        Some(first) => format!("ports: {outside}, for example {first}"),
        None => "ports: 0".to_owned(),
    };
    let needed = "no port of 49152-65535 used outside of the range that is stated for the host";
    let next = "State the range that the host had while it was recorded: a new range in the site file or a host table hides the old use.";
    criterion(CriterionKind::Range, outside == 0, needed, measured, next)
}

fn saturation(count: &HostCount) -> Criterion {
    let estimate = count.fullest().map(|epoch| &epoch.estimate);
    let only_known = estimate.is_some_and(|estimate| estimate.seen > 0 && estimate.seen == estimate.known);
    let forecast = estimate.and_then(|estimate| estimate.forecast);
    let runs = estimate.filter(|estimate| estimate.unit == Unit::Runs).map(|estimate| estimate.units);
    let too_few = runs.filter(|runs| *runs < RUNS);
    // A series that falls below zero is noise and promises nothing: there the jackknife answers.
    let noise = forecast.filter(|forecast| forecast.expected < 0.0).is_some();
    let by_jackknife = estimate.filter(|_| noise).and_then(|e| Some(e.jackknife1? - e.seen as f64));
    let expected = forecast.map(|forecast| forecast.displayed().max(by_jackknife.unwrap_or(0.0)));
    let is_met = only_known || too_few.is_none() && expected.is_some_and(|expected| expected <= MOST_NEW);
    let measured = match forecast {
        Some(_) if too_few.is_none() && by_jackknife.is_some_and(|new| new > MOST_NEW) => {
            format!("the forecast is noise; {:.1} more by the jackknife", by_jackknife.unwrap_or(0.0))
        }
        Some(forecast) if too_few.is_some() => {
            format!(
                "{:.1} expected, from {} runs only: at least {RUNS} are needed",
                forecast.displayed(),
                runs.unwrap_or(0)
            )
        }
        Some(forecast) => format!("{:.1} expected (± {:.1})", forecast.displayed(), forecast.plus_minus_95()),
        None if only_known => "every listener is known by a host table or a lasting conversation".to_owned(),
        None => "nothing to estimate from".to_owned(),
    };
    let next =
        "Record on: new listeners still appear. Exercise rare work (restore, failover, reports) while recording.";
    let needed = "at most 1 new listener expected in a recording as long again";
    criterion(CriterionKind::Saturation, is_met, needed, measured, next)
}

fn restart(count: &HostCount) -> Criterion {
    let restarts = count.epochs.len().saturating_sub(1);
    let tables = || count.epochs.iter().filter(|epoch| epoch.is_listed);
    let is_listed = tables().any(|epoch| epoch.listed == epoch.listeners.len());
    let partial = tables().map(|epoch| (epoch.listed, epoch.listeners.len())).next();
    let measured = match (restarts, is_listed) {
        (0, false) => match partial {
            Some((listed, seen)) => format!("a host table that lists {listed} of the {seen} listeners seen"),
            None => "neither".to_owned(),
        },
        (0, true) => "host table".to_owned(),
        (restarts, is_listed) => format!("restarts: {restarts}{}", if is_listed { ", host table" } else { "" }),
    };
    let next =
        "Restart the host while recording, or run the collector script on it and give its output with --host-table.";
    let needed = "a restart of the host recorded, or a host table that lists all its listeners";
    criterion(CriterionKind::Restart, restarts > 0 || is_listed, needed, measured, next)
}

fn both_directions(count: &HostCount, recorded: &Recorded<'_>) -> Criterion {
    let touches = |pair: &&OneSidedPair| {
        pair.transport == count.transport && (pair.heard == count.host || pair.unheard == count.host)
    };
    let pairs = recorded.one_sided.iter().filter(touches).count();
    let next = "Record where both directions pass: both ports of a tap, or a mirror port with receive and transmit.";
    let needed = "both directions of its conversations recorded";
    let measured = if pairs == 0 { "both".to_owned() } else { format!("one direction only with {pairs} hosts") };
    criterion(CriterionKind::BothDirections, pairs == 0, needed, measured, next)
}

fn nothing_lost(recorded: &Recorded<'_>) -> Criterion {
    let measured = match recorded.lost {
        [] => "no loss told".to_owned(),
        [only] => only.clone(),
        [first, more @ ..] => format!("{first}; and {} more reasons", more.len()),
    };
    let next =
        "Record again without a filter and without drops (larger buffer, less traffic), and keep the whole file.";
    criterion(CriterionKind::NothingLost, recorded.lost.is_empty(), "no drops, filter or damage", measured, next)
}

fn direction(count: &HostCount) -> Criterion {
    let unknown = count.unknown.len();
    let next = "Record the beginning of conversations: start before the programs do, or give a host table.";
    let needed = "no dynamic port of unknown direction";
    criterion(CriterionKind::Direction, unknown == 0, needed, format!("ports: {unknown}"), next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classification::{JudgedFrame, ReducedFlow, Restarts};
    use crate::dynamic_ports::ranges::{HostRange, RangeSource};
    use crate::dynamic_ports::{Knowledge, Reductions, count_hosts};
    use crate::model::{Endpoint, Orientation, Status};
    use std::collections::BTreeSet;
    use std::ops::RangeInclusive;

    const SECOND: i64 = 1_000_000_000;
    const HOUR: i64 = 3_600 * SECOND;
    const SERVER: [u8; 4] = [10, 0, 0, 1];

    /// What [`steady`] is called at.
    const ALL: &[u16] = &[50_000, 50_001, 50_002, 50_003, 50_004];

    /// A host table that lists some ports, or nothing.
    struct Listed(&'static [u16]);

    impl Knowledge for Listed {
        fn waiting(&self, _: IpAddr, _: Transport, _: &RangeInclusive<i64>) -> BTreeSet<u16> {
            self.0.iter().copied().collect()
        }
    }

    fn call(port: u16, at_ns: i64, orientation: Orientation) -> ReducedFlow {
        ReducedFlow {
            transport: Transport::Tcp,
            initiator: Endpoint { ip: [10, 0, 0, 9].into(), port: 1_024 },
            responder: Endpoint { ip: SERVER.into(), port },
            first_seen_ns: at_ns,
            last_seen_ns: at_ns + SECOND,
            forward_packets: 5,
            reverse_packets: 5,
            wire_bytes: 900,
            orientation,
            status: Status::DynamicExplained,
            served: orientation >= Orientation::Probable,
            begun_before: false,
            initiator_closed: Some(true),
            open_at_end: false,
        }
    }

    fn counted(flows: Vec<ReducedFlow>, recordings: &[(i64, i64)], listed: &'static [u16]) -> HostCount {
        let frame = JudgedFrame::of(flows.into_iter()).unwrap();
        let reductions = Reductions::of(&frame).unwrap();
        let counts = count_hosts(reductions, recordings, &Restarts::default(), &Listed(listed));
        counts.into_iter().find(|count| count.host == IpAddr::from(SERVER)).unwrap()
    }

    /// Five listeners, each called every two hours.
    fn steady(hours: i64) -> Vec<ReducedFlow> {
        let at = |hour: i64, port: u16| {
            call(50_000 + port, hour * HOUR + i64::from(port) * 300 * SECOND, Orientation::Certain)
        };
        (0..hours).step_by(2).flat_map(|hour| (0..5).map(move |port| at(hour, port))).collect()
    }

    fn recorded(hours: f64) -> Recorded<'static> {
        Recorded { seconds: hours * 3_600.0, cycle_s: 86_400.0, one_sided: &[], lost: &[] }
    }

    fn missing(count: &HostCount, recorded: &Recorded<'_>) -> Vec<&'static str> {
        gate(count, recorded).criteria.iter().filter(|c| !c.is_met).map(|c| c.kind.name()).collect()
    }

    #[test]
    fn nothing_missing_opens_it_and_each_lack_closes_it() {
        let whole = counted(steady(50), &[(0, 50 * HOUR)], ALL);
        assert_eq!(missing(&whole, &recorded(50.0)), [""; 0]);
        assert!(gate(&whole, &recorded(50.0)).is_open());
        assert_eq!(missing(&whole, &recorded(30.0)), ["work-cycles"]);
        assert_eq!(missing(&whole, &recorded(10.0)), ["duration", "work-cycles"]);
        let by_shift = Recorded { cycle_s: 8.0 * 3_600.0, ..recorded(30.0) };
        assert_eq!(missing(&whole, &by_shift), [""; 0]);
        let lost = ["a.pcap: the recorder dropped 3 packets".to_owned()];
        let dropping = gate(&whole, &Recorded { lost: &lost, ..recorded(50.0) });
        assert_eq!(dropping.verdict(), "insufficient-evidence");
        let unlisted = counted(steady(50), &[(0, 50 * HOUR)], &[]);
        assert_eq!(missing(&unlisted, &recorded(50.0)), ["restart-or-host-table"]);
        let partly = counted(steady(50), &[(0, 50 * HOUR)], &[50_000, 61_000]);
        assert_eq!(missing(&partly, &recorded(50.0)), ["restart-or-host-table"], "a table of another time");
    }

    #[test]
    fn new_listeners_and_unsure_directions_close_it() {
        let mut flows = steady(50);
        flows.extend((0..6).map(|n| call(51_000 + n, i64::from(n) * 8 * HOUR, Orientation::Certain)));
        assert_eq!(
            missing(&counted(flows, &[(0, 50 * HOUR)], ALL), &recorded(50.0)),
            ["saturation", "restart-or-host-table"]
        );
        let mut flows = steady(50);
        flows.push(call(52_000, HOUR, Orientation::Guess));
        assert_eq!(missing(&counted(flows, &[(0, 50 * HOUR)], ALL), &recorded(50.0)), ["direction-known"]);
    }

    #[test]
    fn few_runs_are_no_saturation() {
        let day = 24 * HOUR;
        let run = |n: i64| (0..5).map(move |port| call(50_000 + port, n * day + SECOND, Orientation::Certain));
        let runs = |n: i64| -> HostCount {
            let recordings: Vec<(i64, i64)> = (0..n).map(|n| (n * day, n * day + HOUR)).collect();
            counted((0..n).flat_map(run).collect(), &recordings, &[])
        };
        assert_eq!(missing(&runs(3), &recorded(50.0)), ["saturation", "restart-or-host-table"]);
        assert_eq!(missing(&runs(6), &recorded(50.0)), ["restart-or-host-table"]);
    }

    #[test]
    fn long_files_do_not_make_a_host_that_was_there_for_a_moment() {
        let mut flows: Vec<ReducedFlow> =
            (0..60).map(|n| call(50_000 + n % 5, i64::from(n) * SECOND * 90, Orientation::Certain)).collect();
        flows.push(call(50_000, 49 * HOUR, Orientation::Certain));
        let moment = counted(flows, &[(0, 50 * HOUR)], ALL);
        assert_eq!(missing(&moment, &recorded(50.0)), ["host-at-work"], "a stray call two days later is no cycle");
    }

    #[test]
    fn a_forecast_below_zero_is_noise() {
        // Many seen once, and more seen twice: the series falls below zero, the jackknife does not.
        let once = (0..8).map(|n| call(51_000 + n, i64::from(n) * 5 * HOUR, Orientation::Certain));
        let twice = (0..30).flat_map(|n| {
            [0, 26].map(|hour| call(52_000 + n, (hour + i64::from(n % 24)) * HOUR, Orientation::Certain))
        });
        let count = counted(once.chain(twice).collect(), &[(0, 50 * HOUR)], &[]);
        let forecast = count.fullest().and_then(|epoch| epoch.estimate.forecast).unwrap();
        assert!(forecast.expected < 0.0, "{forecast:?}");
        assert!(missing(&count, &recorded(50.0)).contains(&"saturation"));
    }

    #[test]
    fn use_outside_of_the_range_that_is_stated_closes_it() {
        struct Stated;
        impl Knowledge for Stated {
            fn stated_range(&self, _: IpAddr, _: Transport) -> Option<HostRange> {
                Some(HostRange::stated(50_000..=50_003, RangeSource::Site))
            }
        }
        let frame = JudgedFrame::of(steady(50).into_iter()).unwrap();
        let counts = count_hosts(Reductions::of(&frame).unwrap(), &[(0, 50 * HOUR)], &Restarts::default(), &Stated);
        let count = counts.into_iter().find(|count| count.host == IpAddr::from(SERVER)).unwrap();
        assert_eq!(count.outside.iter().copied().collect::<Vec<_>>(), [50_004]);
        assert!(missing(&count, &recorded(50.0)).contains(&"range-agrees"));
    }

    #[test]
    fn a_pair_heard_from_one_side_closes_it_for_its_hosts_only() {
        let pair = OneSidedPair {
            heard: SERVER.into(),
            unheard: [10, 0, 0, 9].into(),
            transport: Transport::Tcp,
            flows: 1,
            packets: 1,
            two_sided_flows: 0,
            undetermined_flows: 0,
            first_seen_ns: 0,
            last_seen_ns: 0,
            capture: String::new(),
            first_frame: 1,
            display_filter: String::new(),
        };
        let whole = counted(steady(50), &[(0, 50 * HOUR)], ALL);
        let pairs = [pair.clone()];
        assert_eq!(missing(&whole, &Recorded { one_sided: &pairs, ..recorded(50.0) }), ["both-directions"]);
        let others = [OneSidedPair { heard: [10, 0, 0, 7].into(), ..pair }];
        assert_eq!(missing(&whole, &Recorded { one_sided: &others, ..recorded(50.0) }), [""; 0]);
    }
}

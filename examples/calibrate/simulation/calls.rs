//! Ports for a host's own calls: sizes from a recording of eight hours, then sixty days of use with a range of that size.

use super::dice::Dice;
use super::workloads::{DAY_S, HOUR_S, SECOND_NS};
use portproof::dynamic_ports::course::{BLOCK_NS, Course, Hold};
use portproof::dynamic_ports::estimators::occupancy::quantile;
use portproof::dynamic_ports::sizing::{ListenersFrom, Measured, TAIL, size, variance_to_mean};
use portproof::dynamic_ports::what_if::{Demand, DemandKind, sweep};

/// Time after a call during which its port is held, s.
const TIME_WAIT_S: f64 = 120.0;
/// Mean of a call's duration, s, and the standard deviation of its logarithm.
const HOLD_S: (f64, f64) = (5.0, 1.5);
/// Recorded before the eight hours, so that they begin with what is held as usual, s.
const BEFORE_S: f64 = 0.5 * HOUR_S;
const RECORDED_S: f64 = 8.0 * HOUR_S;
/// The sixty days are simulated in parts, so that they fit into little memory.
const PART_DAYS: u32 = 5;

/// How calls come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Calls {
    pub(crate) per_second: f64,
    /// Mean number of calls that come at once, geometric.
    pub(crate) batch: f64,
    /// Whether the rate rises and falls by 80% over the day.
    pub(crate) is_diurnal: bool,
}

/// The ways to size that are compared, in the order of [`Outcome::sizes`].
pub(crate) const RULES: [&str; 6] = ["peak", "1.5 × peak", "Poisson", "negative binomial", "Q", "range of 1.25 Q"];

/// What came of one workload.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) calls: Calls,
    /// Calls in the days of use.
    pub(crate) attempts: u64,
    pub(crate) mean_ratio: f64,
    /// By rule: median of the sizes, recordings whose size lost nothing, and the most that a size lost.
    pub(crate) rules: [(u32, u64, u64); RULES.len()],
    pub(crate) recordings: u64,
}

/// The workloads of the domain's table.
pub(crate) fn all() -> Vec<Calls> {
    let of = |per_second, batch, is_diurnal| Calls { per_second, batch, is_diurnal };
    vec![
        of(0.2, 1.0, false),
        of(0.2, 5.0, false),
        of(0.2, 20.0, false),
        of(1.0, 1.0, false),
        of(1.0, 5.0, false),
        of(1.0, 20.0, false),
        of(0.2, 5.0, true),
        of(1.0, 5.0, true),
    ]
}

impl Calls {
    /// Beginning, end and end of TIME-WAIT of each call within an interval, s. The day begins at 0.
    fn within(&self, start: f64, end: f64, dice: &mut Dice) -> Vec<(f64, f64, f64)> {
        let most = self.per_second / self.batch * if self.is_diurnal { 1.8 } else { 1.0 };
        let (mean, log_sd) = HOLD_S;
        let median = mean * (-log_sd * log_sd / 2.0).exp();
        let mut calls = Vec::new();
        let mut at = start + dice.exponential(1.0 / most);
        while at < end {
            let now = 1.0 + 0.8 * (std::f64::consts::TAU * at / DAY_S).sin();
            if !self.is_diurnal || dice.chance(now / 1.8) {
                for _ in 0..dice.geometric(self.batch) {
                    let begins = if self.batch > 1.0 { at + dice.between(0.0, 0.2) } else { at };
                    let ends = begins + dice.log_normal(median, log_sd);
                    calls.push((begins, ends, ends + TIME_WAIT_S));
                }
            }
            at += dice.exponential(1.0 / most);
        }
        calls
    }

    /// Ratio of variance to mean, and the sizes by each rule, from one recording.
    fn sizes(&self, dice: &mut Dice) -> (f64, [u32; RULES.len()]) {
        let ns = |s: f64| (s * SECOND_NS) as i64;
        let calls = self.within(-BEFORE_S, RECORDED_S, dice);
        let holds: Vec<Hold> = calls
            .iter()
            .enumerate()
            .map(|(at, (start, _, end))| Hold { port: (at % 65_536) as u16, start_ns: ns(*start), end_ns: ns(*end) })
            .collect();
        let course = Course::of(&holds, 0..=ns(RECORDED_S));
        let busiest = course.busiest();
        let hour = busiest.start_ns..busiest.start_ns + BLOCK_NS;
        let begun: Vec<_> = calls.iter().filter(|(start, _, _)| hour.contains(&ns(*start))).collect();
        let lasted: f64 = begun.iter().map(|(start, end, _)| end - start).sum();
        let ratio = variance_to_mean(&course);
        let sizing = size(Measured {
            listeners: 0,
            listeners_from: ListenersFrom::Estimate,
            calls_per_second: begun.len() as f64 / busiest.seconds.max(1.0),
            hold_s: lasted / begun.len().max(1) as f64,
            time_wait_s: TIME_WAIT_S,
            held_mean: busiest.mean,
            variance_to_mean: ratio,
            peak: course.peak.ports,
            storm: 0,
            reserved: 0,
        });
        let peak = course.peak.ports;
        let ports = |found: Option<u64>| found.and_then(|ports| u32::try_from(ports).ok()).unwrap_or(u32::MAX);
        let poisson = ports(quantile(sizing.offered, 1.0, TAIL));
        let by_peak = ports(Some((1.5 * f64::from(peak)) as u64));
        let sizes = [
            peak,
            by_peak,
            poisson,
            ports(sizing.quantile),
            ports(sizing.calls),
            sizing.allocation.unwrap_or(u32::MAX),
        ];
        (ratio, sizes)
    }

    /// Calls, and for each size those that find no port, over some days of use.
    fn lost(&self, sizes: &[u32], days: u32, number: u64) -> (u64, Vec<(u32, u64)>) {
        let ns = |s: f64| (s * SECOND_NS) as i64;
        let mut attempts = 0;
        let mut lost: Vec<(u32, u64)> = Vec::new();
        for part in 0..days.div_ceil(PART_DAYS) {
            let length = f64::from(PART_DAYS.min(days - part * PART_DAYS)) * DAY_S;
            let calls = self.within(0.0, length, &mut Dice::new(number, (1 << 40) + u64::from(part)));
            attempts += calls.len() as u64;
            let demand = |(start, end, free): (f64, f64, f64)| Demand {
                start_ns: ns(start),
                closed_ns: ns(end),
                end_ns: ns(free),
                remote: None,
                kind: DemandKind::Ephemeral,
            };
            let demands: Vec<Demand> = calls.into_iter().map(demand).collect();
            let points = sweep(&demands, sizes);
            lost.resize(points.len(), (0, 0));
            for (sum, point) in lost.iter_mut().zip(points) {
                *sum = (point.ports, sum.1 + point.blocked);
            }
        }
        (attempts, lost)
    }
}

/// Sizes from that many recordings, each used for that many days.
pub(crate) fn measure(calls: Calls, number: u64, recordings: u64, days: u32) -> Outcome {
    let found: Vec<(f64, [u32; RULES.len()])> =
        (0..recordings).map(|recording| calls.sizes(&mut Dice::new(number, recording))).collect();
    let mut sizes: Vec<u32> = found.iter().flat_map(|(_, sizes)| *sizes).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let (attempts, lost) = calls.lost(&sizes, days, number);
    let lost_with = |size: u32| {
        let size = size.min(u32::from(u16::MAX));
        lost.iter().find(|(ports, _)| *ports == size).map_or(u64::MAX, |(_, lost)| *lost)
    };
    let rule = |rule: usize| {
        let mut of: Vec<u32> = found.iter().filter_map(|(_, sizes)| sizes.get(rule).copied()).collect();
        of.sort_unstable();
        let nothing = of.iter().filter(|size| lost_with(**size) == 0).count() as u64;
        (of.get(of.len() / 2).copied().unwrap_or(0), nothing, of.iter().map(|size| lost_with(*size)).max().unwrap_or(0))
    };
    let ratios: f64 = found.iter().map(|(ratio, _)| ratio).sum();
    let rules = std::array::from_fn(rule);
    Outcome { calls, attempts, mean_ratio: ratios / recordings.max(1) as f64, rules, recordings }
}

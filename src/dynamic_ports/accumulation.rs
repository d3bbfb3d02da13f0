//! How the number of listeners grew with the visits, and how it would go on: the accumulation curve of one epoch.
//!
//! *Seen* follows the recording. *Mean* is what as many visits show on average when they are drawn from all of them (rarefaction:
//! Hurlbert 1971, Ecology 52, 577–586). The *band* comes from [`RESAMPLES`] recordings made of the visits drawn with replacement,
//! 2.5 to 97.5%, moved to the mean: it describes the visits that there were, not what is missing. The *forecast* is
//! Good and Toulmin's, with its 95% interval.

use super::count::EpochCount;
use super::estimators;
use super::what_if::SplitMix64;
use crate::model::{AccumulationAhead, AccumulationPoint};
use statrs::function::factorial::ln_binomial;
use std::collections::BTreeMap;

/// Points of a curve.
pub const MOST_POINTS: u64 = 100;
/// Recordings that are drawn for the band.
pub const RESAMPLES: usize = 500;
/// With more visits than this no band is drawn: it would be as thin as the line.
const MOST_VISITS: u64 = 100_000;
/// Parts of a recording as long again at which the forecast is told.
const AHEAD: [f64; 4] = [0.25, 0.5, 0.75, 1.0];
/// The same visits give the same band.
const SEED: u64 = 0x706f_7274_7072_6f6f;

/// The curve of an epoch; empty without visits.
#[must_use]
pub fn accumulation(epoch: &EpochCount) -> (Vec<AccumulationPoint>, Vec<AccumulationAhead>) {
    let owners = owners(epoch);
    let total = owners.len() as u64;
    if total == 0 {
        return (Vec::new(), Vec::new());
    }
    let idle = epoch.sample.known.saturating_sub(epoch.listeners.len() as u64).min(epoch.idle.len() as u64);
    let at = marks(total);
    let seen = seen_at(&owners, &at);
    let band = (total <= MOST_VISITS).then(|| band(&owners, epoch.listeners.len(), &at));
    let visits: Vec<u64> = epoch.listeners.iter().map(|listener| listener.visits.len() as u64).collect();
    let mean = Rarefaction::of(&visits);
    let base = idle as f64;
    let point = |(number, visits): (usize, &u64)| {
        let mean = mean.at(*visits);
        let (below, above) = band.as_ref().and_then(|band| band.get(number)).copied().unwrap_or((0.0, 0.0));
        let most = epoch.listeners.len() as f64;
        AccumulationPoint {
            visits: *visits,
            seen: idle + seen.get(number).copied().unwrap_or(0),
            mean: base + mean,
            low: base + (mean - below).max(0.0),
            high: base + (mean + above).min(most).max(mean),
        }
    };
    (at.iter().enumerate().map(point).collect(), forecast(epoch, total))
}

/// Whose each visit was, in the order of time.
fn owners(epoch: &EpochCount) -> Vec<u32> {
    let mut all: Vec<(i64, u32)> = epoch
        .listeners
        .iter()
        .zip(0_u32..)
        .flat_map(|(listener, number)| listener.visits.iter().map(move |visit| (visit.start_ns, number)))
        .collect();
    all.sort_unstable();
    all.into_iter().map(|(_, number)| number).collect()
}

/// After how many visits there are points.
fn marks(total: u64) -> Vec<u64> {
    let points = total.min(MOST_POINTS);
    (1..=points).map(|point| (u128::from(total) * u128::from(point) / u128::from(points)) as u64).collect()
}

/// Distinct owners after each mark.
fn seen_at(owners: &[u32], marks: &[u64]) -> Vec<u64> {
    let mut known = std::collections::BTreeSet::new();
    let mut seen = Vec::with_capacity(marks.len());
    let mut marks = marks.iter().peekable();
    for (number, owner) in (1_u64..).zip(owners) {
        known.insert(*owner);
        while marks.next_if(|mark| **mark == number).is_some() {
            seen.push(known.len() as u64);
        }
    }
    seen
}

/// How far below and above its mean the number of distinct owners lies at each mark, over recordings drawn from the visits.
fn band(owners: &[u32], listeners: usize, marks: &[u64]) -> Vec<(f64, f64)> {
    let mut random = SplitMix64(SEED);
    let mut drawn: Vec<Vec<u32>> = vec![Vec::with_capacity(RESAMPLES); marks.len()];
    // The last recording in which an owner was drawn, from 1.
    let mut last = vec![0_u32; listeners];
    for round in 1..=RESAMPLES as u32 {
        let mut distinct = 0_u32;
        let mut upto = 0;
        for (mark, drawn) in marks.iter().zip(&mut drawn) {
            for _ in upto..*mark {
                let place = (u128::from(random.next()) * owners.len() as u128) >> 64;
                let owner = owners[place as usize] as usize;
                distinct += u32::from(last[owner] != round);
                last[owner] = round;
            }
            upto = *mark;
            drawn.push(distinct);
        }
    }
    drawn
        .into_iter()
        .map(|mut drawn| {
            drawn.sort_unstable();
            let mean = drawn.iter().map(|n| f64::from(*n)).sum::<f64>() / drawn.len() as f64;
            let quantile = |part: f64| f64::from(drawn[((drawn.len() - 1) as f64 * part).round() as usize]);
            ((mean - quantile(0.025)).max(0.0), (quantile(0.975) - mean).max(0.0))
        })
        .collect()
}

/// Distinct listeners to expect from some of the visits.
struct Rarefaction {
    total: u64,
    /// How many listeners had that many visits.
    by_visits: BTreeMap<u64, u64>,
}

impl Rarefaction {
    fn of(visits: &[u64]) -> Self {
        let mut by_visits = BTreeMap::new();
        for n in visits.iter().filter(|n| **n > 0) {
            *by_visits.entry(*n).or_insert(0) += 1;
        }
        Self { total: visits.iter().sum(), by_visits }
    }

    /// Σ 1 − C(n − x, k) / C(n, k).
    fn at(&self, visits: u64) -> f64 {
        let all = ln_binomial(self.total, visits);
        let missed = |x: u64| match self.total - x {
            rest if rest < visits => 0.0,
            rest => (ln_binomial(rest, visits) - all).exp(),
        };
        self.by_visits.iter().map(|(x, listeners)| *listeners as f64 * (1.0 - missed(*x))).sum()
    }
}

fn forecast(epoch: &EpochCount, total: u64) -> Vec<AccumulationAhead> {
    let seen = epoch.estimate.seen as f64;
    let ahead = |part: f64| {
        let forecast = estimators::forecast(&epoch.sample, part)?;
        let (expected, half) = (forecast.displayed(), forecast.plus_minus_95());
        Some(AccumulationAhead {
            visits: total as f64 * (1.0 + part),
            expected: seen + expected,
            low: seen + (expected - half).max(0.0),
            high: seen + expected + half,
        })
    };
    AHEAD.into_iter().filter_map(ahead).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamic_ports::estimators::estimate;
    use crate::dynamic_ports::visits::{Sample, Units, Visit};
    use crate::dynamic_ports::{CountedListener, Epoch};

    /// An epoch whose listeners had these visits, one a second: the first visit of each, then the second of each, and so on.
    fn epoch(visits: &[u64]) -> EpochCount {
        let at = |round: u64, number: usize| (round * visits.len() as u64 + number as u64) as i64 * 1_000_000_000;
        let listener = |(number, count): (usize, &u64)| CountedListener {
            port: 50_000 + number as u16,
            former: Vec::new(),
            visits: (0..*count)
                .map(|round| Visit { start_ns: at(round, number), end_ns: at(round, number), begun_before: false })
                .collect(),
        };
        let listeners: Vec<CountedListener> = visits.iter().enumerate().map(listener).collect();
        let sample = Sample::of(listeners.iter().map(|l| (l.visits.as_slice(), false)), &Units::windows(0, 1 << 50));
        let estimate = estimate(&sample);
        let epoch = Epoch::whole((0, 1 << 50));
        EpochCount {
            epoch,
            listeners,
            idle: std::collections::BTreeSet::new(),
            is_listed: false,
            listed: 0,
            sample,
            estimate,
        }
    }

    #[test]
    fn the_curve_ends_at_what_was_seen_and_never_falls() {
        let (points, _) = accumulation(&epoch(&[1, 1, 2, 9, 400]));
        let last = points.last().unwrap();
        assert_eq!((last.visits, last.seen, points.len()), (413, 5, 100));
        assert!((last.mean - 5.0).abs() < 1e-6);
        assert!(points.windows(2).all(|pair| pair[0].mean <= pair[1].mean + 1e-9 && pair[0].seen <= pair[1].seen));
        assert!(points.iter().all(|p| p.low <= p.mean + 1e-9 && p.mean <= p.high + 1e-9 && p.high <= 5.0 + 1e-9));
    }

    #[test]
    fn rarefaction_is_hurlberts() {
        // Three visits to a and one to b: two visits miss b with probability C(3,2)/C(4,2) = 1/2, and never miss a.
        let mean = Rarefaction::of(&[3, 1]);
        assert!((mean.at(2) - 1.5).abs() < 1e-9 && (mean.at(1) - 1.0).abs() < 1e-9 && (mean.at(4) - 2.0).abs() < 1e-9);
    }

    #[test]
    fn the_forecast_goes_on_from_what_was_seen() {
        let epoch = epoch(&[1, 1, 1, 5]);
        let (_, forecast) = accumulation(&epoch);
        let last = forecast.last().unwrap();
        assert_eq!(last.visits, 16.0);
        let expected = epoch.estimate.forecast.unwrap().displayed();
        assert!((last.expected - 4.0 - expected).abs() < 1e-9 && last.low >= 4.0 && last.high > last.expected);
        assert_eq!(accumulation(&super::tests::epoch(&[])), (Vec::new(), Vec::new()));
    }

    #[test]
    fn the_same_visits_give_the_same_band() {
        let curve = || accumulation(&epoch(&[1, 2, 3, 4, 5, 60]));
        assert_eq!(curve(), curve());
        let middle = curve().0[20];
        assert!(middle.low < middle.mean && middle.mean < middle.high, "{middle:?}");
    }
}

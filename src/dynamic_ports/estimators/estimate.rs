//! What a sample says of the listeners that were not seen: every figure, and the upper bound to size by.

use super::abundance::{ace, chao1, chao1_at_most, coverage};
use super::forecast::forecast;
use super::frequencies::Frequencies;
use super::good_toulmin::Forecast;
use super::incidence::{chao2, chao2_at_most, jackknife1, jackknife2};
use super::interval::WithInterval;
use super::occupancy::MOST_PORTS;
use crate::dynamic_ports::visits::{Sample, Unit};

/// The upper bound is this times the largest of its parts. Calibrated, not derived: with it the bound held in every simulated
/// workload from four hours on (docs/estimators.md).
pub const UPPER_FACTOR: f64 = 1.3;

/// Added to √f1 before squaring: the root of a Poisson count has a standard deviation of ½, so this is four of them. Calibrated
/// with [`UPPER_FACTOR`].
pub const UPPER_ROOT: f64 = 2.0;

/// How many listeners there are, as far as a recording can say.
///
/// The listeners that are known whatever was visited are in every figure but `visits`, `once`, `twice`, `coverage` and
/// `forecast`: those are about the others. All figures rest on listeners being visited again and again; about one that nobody
/// called and that no unit was long enough for, they say nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// Listeners seen, the known ones among them.
    pub seen: u64,
    /// Listeners that are known whatever was visited.
    pub known: u64,
    /// Visits to the others.
    pub visits: u64,
    /// Listeners visited once.
    pub once: u64,
    /// Listeners visited twice.
    pub twice: u64,
    /// What a unit is.
    pub unit: Unit,
    /// How many units there were.
    pub units: u64,
    /// Chao1, from visits: a lower bound of how many there are.
    pub chao1: Option<WithInterval>,
    /// Chao2, from units: a lower bound too.
    pub chao2: Option<WithInterval>,
    /// First-order jackknife, from units.
    pub jackknife1: Option<f64>,
    /// Second-order jackknife, from units.
    pub jackknife2: Option<f64>,
    /// Abundance-based coverage estimator, from visits.
    pub ace: Option<f64>,
    /// Part of all visits that go to listeners seen; high long before all listeners are.
    pub coverage: Option<f64>,
    /// New listeners in a recording as long again.
    pub forecast: Option<Forecast>,
    /// The number to size by, whole listeners; `None` where nothing was seen.
    pub upper: Option<u64>,
}

/// Every figure for a sample. Never fails: what cannot be said is `None`.
///
/// Where units are days or runs, work that comes once in each makes every listener look as rare as its single visits: the bound
/// goes by units then, else by visits. The forecast: see [`forecast`].
#[must_use]
pub fn estimate(sample: &Sample) -> Estimate {
    let visits = Frequencies::of(&sample.visits);
    let active = Frequencies::of(&sample.active_units);
    let known = sample.known as f64;
    let with_known = |found: WithInterval| WithInterval {
        estimate: known + found.estimate,
        lower_95: known + found.lower_95,
        upper_95: known + found.upper_95,
    };
    let by_visits = chao1(&visits);
    let by_units = chao2(&active, sample.units);
    let second = jackknife2(&active, sample.units);
    let by_time = sample.unit == Unit::Windows;
    let (at_most, frequencies) =
        if by_time { (chao1_at_most(&visits), &visits) } else { (chao2_at_most(&active, sample.units), &active) };
    Estimate {
        seen: sample.known.saturating_add(visits.seen()),
        known: sample.known,
        visits: visits.total(),
        once: visits.times(1),
        twice: visits.times(2),
        unit: sample.unit,
        units: sample.units,
        chao1: by_visits.map(with_known),
        chao2: by_units.map(with_known),
        jackknife1: jackknife1(&active, sample.units).map(|found| known + found),
        jackknife2: second.map(|found| known + found),
        ace: ace(&visits).map(|found| known + found),
        coverage: coverage(&visits),
        forecast: forecast(sample, 1.0),
        upper: upper(sample.known, frequencies, at_most, second),
    }
}

/// 1.3 times the largest of three, for those that are not known: seen + (√f1 + 2)², Chao's one-sided 95% limit, the second-order
/// jackknife. Not more than there are ports.
///
/// Chao's limit alone goes by f1²/f2, which swings from recording to recording: it is too low in some and far too high in others
/// of the same workload. √f1 swings less.
fn upper(known: u64, frequencies: &Frequencies, at_most: Option<f64>, second: Option<f64>) -> Option<u64> {
    if frequencies.seen() == 0 {
        return (known > 0).then_some(known);
    }
    let by_once = frequencies.seen() as f64 + (frequencies.f(1).sqrt() + UPPER_ROOT).powi(2);
    let largest = [at_most, second].into_iter().flatten().fold(by_once, f64::max);
    // A cast of a number beyond 64 bits gives the largest one.
    let others = (UPPER_FACTOR * largest).ceil() as u64;
    Some(known.saturating_add(others).min(MOST_PORTS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(known: u64, visits: &[u64], active_units: &[u64], units: u64, unit: Unit) -> Sample {
        Sample { known, visits: visits.to_vec(), active_units: active_units.to_vec(), units, unit }
    }

    #[test]
    fn the_known_are_in_every_total_and_in_no_frequency() {
        let others = estimate(&sample(0, &[1, 1, 1, 2, 5], &[1, 1, 1, 2, 4], 20, Unit::Windows));
        let both = estimate(&sample(30, &[1, 1, 1, 2, 5], &[1, 1, 1, 2, 4], 20, Unit::Windows));
        assert_eq!((both.seen, both.known, both.visits, both.once, both.twice), (35, 30, 10, 3, 1));
        assert_eq!(both.coverage, others.coverage);
        assert_eq!(both.forecast, others.forecast);
        assert_eq!(both.upper, others.upper.map(|upper| upper + 30));
        for (with, without) in [
            (both.jackknife1, others.jackknife1),
            (both.jackknife2, others.jackknife2),
            (both.ace, others.ace),
            (both.chao1.map(|c| c.upper_95), others.chao1.map(|c| c.upper_95)),
            (both.chao2.map(|c| c.estimate), others.chao2.map(|c| c.estimate)),
        ] {
            assert!((with.unwrap() - without.unwrap() - 30.0).abs() < 1e-9);
        }
    }

    #[test]
    fn the_bound_goes_by_the_largest_of_its_parts() {
        // Three seen once: 7 + (√3 + 2)² is more than the jackknife and than Chao's limit.
        let few = estimate(&sample(0, &[1, 1, 1, 2, 2, 2, 5], &[1, 1, 1, 2, 2, 2, 4], 20, Unit::Windows));
        let by_once = 7.0 + (3.0_f64.sqrt() + 2.0).powi(2);
        assert!(by_once > few.jackknife2.unwrap());
        assert_eq!(few.upper, Some((1.3 * by_once).ceil() as u64));
        // Twenty seen once and one twice: Chao's limit is.
        let many = [[1; 20].as_slice(), &[2]].concat();
        let at_most = chao1_at_most(&Frequencies::of(&many)).unwrap();
        let rare = estimate(&sample(0, &many, &many, 20, Unit::Windows));
        assert!(at_most > rare.chao1.unwrap().estimate && at_most < rare.chao1.unwrap().upper_95);
        assert_eq!(rare.upper, Some((1.3 * at_most).ceil() as u64));
        // In runs the counts of runs are what matters, whatever the visits.
        let runs = estimate(&sample(0, &[9, 9, 9], &[1, 3, 3], 5, Unit::Runs));
        assert_eq!(runs.upper, Some((1.3_f64 * (3.0 + 9.0)).ceil() as u64));
    }

    #[test]
    fn days_make_daily_work_common() {
        // Six jobs once a day over seven days: seven visits each.
        let daily = estimate(&sample(0, &[7; 6], &[7; 6], 7, Unit::Days));
        assert_eq!((daily.chao2.unwrap().estimate, daily.upper), (6.0, Some(13)));
        // On one day they all look rare, whatever their windows.
        let once = estimate(&sample(0, &[1; 6], &[1; 6], 20, Unit::Windows));
        assert!(once.upper.unwrap() > 20, "{once:?}");
    }

    #[test]
    fn nothing_seen_says_nothing_and_only_known_says_them() {
        let none = estimate(&sample(0, &[], &[], 20, Unit::Windows));
        assert_eq!((none.seen, none.upper, none.chao1, none.forecast), (0, None, None, None));
        let known = estimate(&sample(51, &[], &[], 20, Unit::Windows));
        assert_eq!((known.seen, known.upper), (51, Some(51)));
    }

    #[test]
    fn no_count_overflows() {
        let wild = estimate(&sample(u64::MAX, &[u64::MAX, 1, 1, 1, 1], &[1; 5], u64::MAX, Unit::Runs));
        assert_eq!(wild.upper, Some(MOST_PORTS));
        let many = estimate(&sample(0, &[1; 60_000], &[1; 60_000], 2, Unit::Runs));
        assert_eq!(many.upper, Some(MOST_PORTS));
    }
}

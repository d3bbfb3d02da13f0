//! How many more a recording as long again would show, for whatever a sample's units are.

use super::frequencies::Frequencies;
use super::good_toulmin::{Forecast, at_most_once_more, good_toulmin, good_toulmin_of_units};
use crate::dynamic_ports::visits::{Sample, Unit};

/// From so many days or runs on their numbers make a series of their own.
pub const UNITS_FROM: u64 = 7;

/// New listeners in a further recording of `extension` times the length, at most 1. Never about those that are known.
///
/// *Windows*: Good and Toulmin's series over visits. *Days and runs*, [`UNITS_FROM`] or more: its form for units, in which work
/// that comes in more than half of them does not enter. *Fewer days*: the series over visits without the listeners that were
/// active on every day, whose visits are a timetable and no chance; work on some of so few days, but not on all, makes it
/// unreliable. *Fewer runs*: the number of listeners that were active in one run, which on average is not too low, whatever the rates.
///
/// `None` where nothing but known listeners was seen, and for a single run.
#[must_use]
pub fn forecast(sample: &Sample, extension: f64) -> Option<Forecast> {
    if sample.visits.is_empty() {
        return None;
    }
    let active = || Frequencies::of(&sample.active_units);
    match sample.unit {
        Unit::Windows => good_toulmin(&Frequencies::of(&sample.visits), extension),
        Unit::Days | Unit::Runs if sample.units >= UNITS_FROM => {
            good_toulmin_of_units(&active(), sample.units, extension)
        }
        Unit::Days => {
            let visits = sample.visits.iter().zip(&sample.active_units);
            let some_days: Vec<u64> =
                visits.filter(|(_, active)| **active < sample.units).map(|(visits, _)| *visits).collect();
            Some(good_toulmin(&Frequencies::of(&some_days), extension).unwrap_or_else(|| Forecast::none(extension)))
        }
        Unit::Runs if sample.units >= 2 => at_most_once_more(&active(), extension),
        Unit::Runs => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(visits: &[u64], active_units: &[u64], units: u64, unit: Unit) -> Sample {
        Sample { known: 3, visits: visits.to_vec(), active_units: active_units.to_vec(), units, unit }
    }

    fn expected(visits: &[u64], active_units: &[u64], units: u64, unit: Unit) -> Option<f64> {
        forecast(&sample(visits, active_units, units, unit), 1.0).map(|found| found.expected)
    }

    #[test]
    fn daily_work_promises_nothing_new() {
        for days in [3, 4, 6, 7, 14, 30] {
            assert_eq!(expected(&[days; 50], &[days; 50], days, Unit::Days), Some(0.0), "{days} days");
        }
        // Two visits a day are no chance either.
        assert_eq!(expected(&[6; 50], &[3; 50], 3, Unit::Days), Some(0.0));
        assert_eq!(expected(&[5; 50], &[5; 50], 7, Unit::Days), Some(0.0), "the five working days of a week");
    }

    #[test]
    fn what_comes_by_chance_still_counts() {
        let by_visits = expected(&[1, 1, 2], &[1, 1, 2], 20, Unit::Windows).unwrap();
        assert_eq!(expected(&[1, 1, 2, 3, 3], &[1, 1, 2, 3, 3], 3, Unit::Days), Some(by_visits));
        assert_eq!(expected(&[4, 1, 9], &[1, 1, 3], 5, Unit::Runs), Some(2.0));
        assert_eq!(expected(&[4, 1, 9], &[1, 1, 2], 2, Unit::Runs), Some(2.0));
        assert!(expected(&[4, 1, 9], &[1, 1, 9], 10, Unit::Runs).unwrap() > 1.5);
    }

    #[test]
    fn one_run_and_only_known_ones_say_nothing() {
        assert_eq!(expected(&[1, 1], &[1, 1], 1, Unit::Runs), None);
        assert_eq!(expected(&[], &[], 20, Unit::Windows), None);
        assert_eq!(expected(&[], &[], 20, Unit::Days), None);
    }
}

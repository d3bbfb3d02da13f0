//! Estimates from visits: Chao1, ACE, sample coverage.
//!
//! All three assume that visits come independently, and say nothing about listeners that cannot be visited in the time
//! recorded: work that is done once a day shows once in a day, and looks as rare as what comes once a year. For such
//! recordings days are the sampling unit, see [`super::incidence`].

use super::frequencies::Frequencies;
use super::interval::{WithInterval, chao, chao_at_most};

/// Listeners seen more often than this are common, for ACE.
const RARE: usize = 10;

/// Chao1: seen + (n−1)/n · f1(f1−1)/(2(f2+1)), with the variance of Chao (1987) and a log-normal 95% interval.
///
/// `None` without visits. Source: Chao (1984), Scand. J. Stat. 11; EstimateS user's guide, appendix B.
#[must_use]
pub fn chao1(visits: &Frequencies) -> Option<WithInterval> {
    chao(visits, factor(visits))
}

/// The one-sided 95% upper limit of [`chao1`]; `None` without visits.
#[must_use]
pub fn chao1_at_most(visits: &Frequencies) -> Option<f64> {
    chao_at_most(visits, factor(visits))
}

/// (n−1)/n.
fn factor(visits: &Frequencies) -> f64 {
    let n = visits.total() as f64;
    if n > 0.0 { (n - 1.0) / n } else { 0.0 }
}

/// ACE, the abundance-based coverage estimator, with listeners of up to ten visits as rare.
///
/// `None` without visits, and where every rare listener was visited exactly once: its coverage is then 0 and the estimate
/// has no bound. Source: Chao and Lee (1992), JASA 87, 210–217; EstimateS user's guide, appendix B.
#[must_use]
pub fn ace(visits: &Frequencies) -> Option<f64> {
    if visits.seen() == 0 {
        return None;
    }
    let by_times: Vec<(f64, f64)> = (1..=RARE).map(|times| (times as f64, visits.f(times))).collect();
    let rare: f64 = by_times.iter().map(|(_, f)| f).sum();
    let common = visits.seen() as f64 - rare;
    let rare_visits: f64 = by_times.iter().map(|(times, f)| times * f).sum();
    if rare_visits == 0.0 {
        return Some(common);
    }
    let coverage = 1.0 - visits.f(1) / rare_visits;
    if coverage <= 0.0 {
        return None;
    }
    let pairs: f64 = by_times.iter().map(|(times, f)| times * (times - 1.0) * f).sum();
    // With a coverage above 0 there are at least two visits to rare listeners: no division by zero.
    let variation = (rare / coverage * pairs / (rare_visits * (rare_visits - 1.0)) - 1.0).max(0.0);
    Some(common + rare / coverage + visits.f(1) / coverage * variation)
}

/// Sample coverage after Chao and Jost: the part of all visits that go to listeners which were seen.
///
/// `None` without visits. Source: Chao and Jost (2012), Ecology 93, 2533–2547, equation 4a; without doubletons the form with
/// f1 − 1 that their program iNEXT uses.
#[must_use]
pub fn coverage(visits: &Frequencies) -> Option<f64> {
    let n = visits.total() as f64;
    if visits.seen() == 0 {
        return None;
    }
    let (f1, f2) = (visits.f(1), visits.f(2));
    let factor = if f2 > 0.0 {
        (n - 1.0) * f1 / ((n - 1.0) * f1 + 2.0 * f2)
    } else if f1 > 1.0 {
        (n - 1.0) * (f1 - 1.0) / ((n - 1.0) * (f1 - 1.0) + 2.0)
    } else {
        0.0
    };
    Some(1.0 - f1 / n * factor)
}

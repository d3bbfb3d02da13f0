//! Estimates from units (windows, days, runs): Chao2 and the jackknives.
//!
//! A unit says of each listener only whether it was active. So bursts and work that is done once a day do no harm, as long as
//! a unit is long enough to hold the work.

use super::frequencies::Frequencies;
use super::interval::{WithInterval, chao, chao_at_most};

/// Chao2: seen + (m−1)/m · Q1(Q1−1)/(2(Q2+1)), with interval as for Chao1.
///
/// `None` without listeners and for fewer than two units, which tell nothing about what comes again.
/// Source: Chao (1987), Biometrics 43, 783–791; EstimateS user's guide, appendix B.
#[must_use]
pub fn chao2(active: &Frequencies, units: u64) -> Option<WithInterval> {
    chao(active, factor(units)?)
}

/// The one-sided 95% upper limit of [`chao2`]; `None` as there.
#[must_use]
pub fn chao2_at_most(active: &Frequencies, units: u64) -> Option<f64> {
    chao_at_most(active, factor(units)?)
}

/// (m−1)/m; `None` for fewer than two units.
fn factor(units: u64) -> Option<f64> {
    let m = units as f64;
    (units >= 2).then(|| (m - 1.0) / m)
}

/// First-order jackknife: seen + Q1(m−1)/m. `None` for fewer than two units.
///
/// Source: Burnham and Overton (1979), Ecology 60, 927–936.
#[must_use]
pub fn jackknife1(active: &Frequencies, units: u64) -> Option<f64> {
    let m = units as f64;
    (units >= 2).then(|| active.seen() as f64 + active.f(1) * (m - 1.0) / m)
}

/// Second-order jackknife: seen + Q1(2m−3)/m − Q2(m−2)²/(m(m−1)). `None` for fewer than two units.
///
/// It may be less than what was seen where many listeners were active in two units.
/// Source: Burnham and Overton (1979), Ecology 60, 927–936.
#[must_use]
pub fn jackknife2(active: &Frequencies, units: u64) -> Option<f64> {
    let m = units as f64;
    (units >= 2).then(|| {
        active.seen() as f64 + active.f(1) * (2.0 * m - 3.0) / m - active.f(2) * (m - 2.0) * (m - 2.0) / (m * (m - 1.0))
    })
}

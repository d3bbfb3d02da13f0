//! Chao's lower bound with its interval: the part that Chao1 (visits) and Chao2 (units) share.
//!
//! Bound: Chao (1984), Scand. J. Stat. 11, 265–270, in the bias-corrected form of Chao (2005). Variance: Chao (1987), Biometrics
//! 43, 783–791. Log-normal interval and the case without singletons: EstimateS user's guide, appendix B (Colwell).

use super::frequencies::Frequencies;

/// Standard normal quantile of 97.5%: two-sided 95%.
pub(super) const Z_95: f64 = 1.96;
/// Standard normal quantile of 95%: one-sided 95%.
pub(super) const Z_95_ONE_SIDED: f64 = 1.645;

/// An estimated number with its 95% interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WithInterval {
    /// The estimate.
    pub estimate: f64,
    /// Lower end of the 95% interval; never less than what was seen.
    pub lower_95: f64,
    /// Upper end of the 95% interval.
    pub upper_95: f64,
}

/// Seen + k·f1(f1−1)/(2(f2+1)), with the interval. `factor` is k: (n−1)/n for visits, (m−1)/m for units.
///
/// `None` where nothing was seen.
pub(super) fn chao(frequencies: &Frequencies, factor: f64) -> Option<WithInterval> {
    limits(frequencies, factor, Z_95)
}

/// The limit that there are no more listeners, in 95 of 100 cases and by the same formulas: the upper end of the 90% interval.
///
/// `None` where nothing was seen.
pub(super) fn chao_at_most(frequencies: &Frequencies, factor: f64) -> Option<f64> {
    limits(frequencies, factor, Z_95_ONE_SIDED).map(|found| found.upper_95)
}

/// The estimate with limits `z` standard deviations away.
fn limits(frequencies: &Frequencies, factor: f64, z: f64) -> Option<WithInterval> {
    let seen = frequencies.seen() as f64;
    if frequencies.seen() == 0 {
        return None;
    }
    let (f1, f2) = (frequencies.f(1), frequencies.f(2));
    let unseen = factor * f1 * (f1 - 1.0) / (2.0 * (f2 + 1.0));
    let estimate = seen + unseen;
    let variance = variance(f1, f2, factor, estimate);
    if unseen <= 0.0 || variance <= 0.0 {
        let (lower_95, upper_95) = nothing_missing(seen, frequencies.total() as f64, z);
        return Some(WithInterval { estimate, lower_95, upper_95: upper_95.max(estimate) });
    }
    let spread = (z * (variance / (unseen * unseen)).ln_1p().sqrt()).exp();
    Some(WithInterval { estimate, lower_95: seen + unseen / spread, upper_95: seen + unseen * spread })
}

/// Chao (1987) where doubletons exist, else the form for f2 = 0. Wider than the variance of the bias-corrected estimate, and so
/// nearer to 95% where rates are skewed.
fn variance(f1: f64, f2: f64, k: f64, estimate: f64) -> f64 {
    if f2 > 0.0 {
        let r = f1 / f2;
        return f2 * (k * r * r / 2.0 + k * k * r.powi(3) + k * k * r.powi(4) / 4.0);
    }
    let bias_corrected = k * f1 * (f1 - 1.0) / 2.0 + k * k * f1 * (2.0 * f1 - 1.0).powi(2) / 4.0;
    (bias_corrected - k * k * f1.powi(4) / (4.0 * estimate)).max(0.0)
}

/// The interval where the estimate adds nothing: every listener is taken as seen with the same mean, n / seen.
fn nothing_missing(seen: f64, total: f64, z: f64) -> (f64, f64) {
    let missed = (-total / seen).exp();
    let expected = seen / (1.0 - missed);
    let half = z * (seen * missed * (1.0 - missed)).sqrt() / (1.0 - missed);
    ((expected - half).max(seen), expected + half)
}

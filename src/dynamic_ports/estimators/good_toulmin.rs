//! How many more a recording as long again would show: Good and Toulmin's estimate, smoothed.
//!
//! Good and Toulmin (1956), Biometrika 43, 45–63; smoothing by binomial weights: Efron and Thisted (1976), Biometrika 63, 435–447.

use super::frequencies::Frequencies;
use super::interval::Z_95;

/// Terms of the series, and trials of the binomial weights.
const TERMS: usize = 10;

/// New listeners to expect in further recording.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// The further recording, as a part of the one there is: 1 is as long again.
    pub extension: f64,
    /// New listeners to expect. Chance may bring it below zero: this is the unbiased figure, for calculating.
    pub expected: f64,
    /// Standard error of `expected` against the number of new listeners that will really be seen.
    pub standard_error: f64,
}

impl Forecast {
    /// The figure to print: not below zero.
    #[must_use]
    pub fn displayed(&self) -> f64 {
        self.expected.max(0.0)
    }

    /// Nothing new, and nothing to be unsure about: nothing that came by chance was seen.
    pub(super) fn none(extension: f64) -> Self {
        Self { extension: valid(extension), expected: 0.0, standard_error: 0.0 }
    }

    /// Half the width of the 95% interval around `expected`: the "±" to print.
    #[must_use]
    pub fn plus_minus_95(&self) -> f64 {
        Z_95 * self.standard_error
    }
}

/// New listeners in a further recording of `extension` times the length, at most 1 (as long again): Σ −(−t)^j · w_j · f_j with
/// w_j = P(Bin(10, ½) ≥ j).
///
/// The standard error is that of the prediction: the estimate's own, Σ h_j² f_j with h_j the factor of f_j, and that of the
/// number of new ones, about their mean. `None` without visits. Extensions outside 0 to 1 are taken as the nearest of the two.
#[must_use]
pub fn good_toulmin(visits: &Frequencies, extension: f64) -> Option<Forecast> {
    if visits.seen() == 0 {
        return None;
    }
    let extension = valid(extension);
    let mut power = -1.0;
    let factors = weights(TERMS).into_iter().map(|weight| {
        power *= -extension;
        power * weight
    });
    Some(sum(visits, factors, extension))
}

/// The same from units, for a further `extension` times as many: Σ −(−1)^k · w_k · C(tm+k−1, k)/C(m, k) · Q_k, with
/// w_k = P(Bin(K, ½) ≥ k), K the smaller of 10 and half the units.
///
/// A listener is active in a unit with a probability, not at a rate: the chance to see it only later is
/// (1−p)^m − (1−p)^(m+tm), whose series in p/(1−p) has these factors, as E(Q_k) = Σ C(m, k) (p/(1−p))^k (1−p)^m. With more terms than
/// half the units the factors grow beyond all use. `None` without listeners and for fewer than two units.
#[must_use]
pub fn good_toulmin_of_units(active: &Frequencies, units: u64, extension: f64) -> Option<Forecast> {
    if active.seen() == 0 || units < 2 {
        return None;
    }
    let extension = valid(extension);
    let m = units as f64;
    let terms = usize::try_from(units / 2).unwrap_or(TERMS).min(TERMS);
    // C(tm+k−1, k)/C(m, k) is the product of (tm+i)/(m−i) over i below k.
    let mut product = -1.0;
    let factors = weights(terms).into_iter().enumerate().map(|(i, weight)| {
        product *= -(extension * m + i as f64) / (m - i as f64);
        product * weight
    });
    Some(sum(active, factors, extension))
}

/// A bound from units, for few of them: t·Q1.
///
/// For every probability p, (1−p)^m − (1−p)^(m+tm) ≤ tm·p·(1−p)^m, and the mean of Q1 is Σ m·p·(1−p)^(m−1): on average it is
/// not too low. `None` without listeners.
#[must_use]
pub fn at_most_once_more(active: &Frequencies, extension: f64) -> Option<Forecast> {
    let extension = valid(extension);
    (active.seen() > 0).then(|| sum(active, std::iter::once(extension), extension))
}

/// Σ h_j·f_j, with the standard error of the prediction.
fn sum(frequencies: &Frequencies, factors: impl Iterator<Item = f64>, extension: f64) -> Forecast {
    let (mut expected, mut variance) = (0.0, 0.0);
    for (at, factor) in factors.enumerate() {
        expected += factor * frequencies.f(at + 1);
        variance += factor * factor * frequencies.f(at + 1);
    }
    Forecast { extension, expected, standard_error: (variance + expected.max(0.0)).sqrt() }
}

/// An extension from 0 to 1.
fn valid(extension: f64) -> f64 {
    if extension.is_nan() { 1.0 } else { extension.clamp(0.0, 1.0) }
}

/// P(Bin(terms, ½) ≥ j) for j from 1 to `terms`, at most [`TERMS`].
fn weights(terms: usize) -> Vec<f64> {
    let terms = terms.min(TERMS);
    let mut weights = vec![0.0; terms];
    let mut ways = 1.0;
    let mut sum = 0.0;
    // From j = terms down: the number of ways to choose j of them grows by j / (terms − j + 1).
    for (j, weight) in weights.iter_mut().enumerate().rev().map(|(at, weight)| (at + 1, weight)) {
        sum += ways;
        *weight = sum / f64::from(1_u32 << terms);
        ways *= j as f64 / (terms - j + 1) as f64;
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_fall_from_nearly_one_to_nearly_nothing() {
        let w = weights(TERMS);
        assert_eq!(w[0], 1023.0 / 1024.0);
        assert_eq!(w[1], 1013.0 / 1024.0);
        assert_eq!(w[4], 638.0 / 1024.0);
        assert_eq!(w[9], 1.0 / 1024.0);
        assert_eq!((weights(1), weights(2)), (vec![0.5], vec![0.75, 0.25]));
    }

    #[test]
    fn doubling_alternates_and_the_display_is_not_negative() {
        let once = good_toulmin(&Frequencies::of(&[1, 1, 1, 1]), 1.0).unwrap();
        assert_eq!(once.expected, 4.0 * 1023.0 / 1024.0);
        assert!((once.standard_error.powi(2) - (4.0 * (1023.0 / 1024.0_f64).powi(2) + once.expected)).abs() < 1e-12);
        let twice = good_toulmin(&Frequencies::of(&[2, 2]), 1.0).unwrap();
        assert!(twice.expected < -1.9 && twice.displayed() == 0.0 && twice.plus_minus_95() > 0.0);
        let half = good_toulmin(&Frequencies::of(&[1, 2]), 0.5).unwrap();
        assert_eq!(half.expected, 0.5 * 1023.0 / 1024.0 - 0.25 * 1013.0 / 1024.0);
    }

    #[test]
    fn units_have_a_series_of_their_own() {
        // Four units: two terms, factors 4/4 and −(4·5)/(4·3).
        let four = good_toulmin_of_units(&Frequencies::of(&[1, 1, 1, 2, 2, 3, 4]), 4, 1.0).unwrap();
        assert!((four.expected - (0.75 * 3.0 - 0.25 * 5.0 / 3.0 * 2.0)).abs() < 1e-12, "{four:?}");
        let half = good_toulmin_of_units(&Frequencies::of(&[1, 2]), 4, 0.5).unwrap();
        assert!((half.expected - (0.75 * 0.5 - 0.25 * (2.0 * 3.0) / (4.0 * 3.0))).abs() < 1e-12, "{half:?}");
        // With many units it is the series over visits.
        let counts = Frequencies::of(&[1, 1, 1, 2, 3, 4, 4, 7]);
        let many = good_toulmin_of_units(&counts, 1_000_000_000, 1.0).unwrap().expected;
        assert!((many - good_toulmin(&counts, 1.0).unwrap().expected).abs() < 1e-6);
        assert_eq!(good_toulmin_of_units(&counts, 1, 1.0), None);
        assert_eq!(good_toulmin_of_units(&Frequencies::of(&[]), 9, 1.0), None);
        assert!(good_toulmin_of_units(&counts, u64::MAX, 1.0).unwrap().expected.is_finite());
    }

    #[test]
    fn the_bound_for_few_units_is_what_was_active_once() {
        let bound = at_most_once_more(&Frequencies::of(&[1, 1, 2, 3]), 1.0).unwrap();
        assert_eq!((bound.expected, bound.standard_error), (2.0, 2.0));
        assert_eq!(at_most_once_more(&Frequencies::of(&[1, 1]), 0.5).unwrap().expected, 1.0);
        assert_eq!(at_most_once_more(&Frequencies::of(&[]), 1.0), None);
    }

    #[test]
    fn extensions_beyond_the_series_are_cut() {
        let visits = Frequencies::of(&[1, 2, 3]);
        assert_eq!(good_toulmin(&visits, 7.0), good_toulmin(&visits, 1.0));
        assert_eq!(good_toulmin(&visits, f64::NAN), good_toulmin(&visits, 1.0));
        assert_eq!(good_toulmin(&visits, -1.0).unwrap().expected, 0.0);
        assert_eq!(good_toulmin(&Frequencies::of(&[]), 1.0), None);
    }
}

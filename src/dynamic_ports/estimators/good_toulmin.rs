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
    let extension = if extension.is_nan() { 1.0 } else { extension.clamp(0.0, 1.0) };
    let (mut expected, mut variance) = (0.0, 0.0);
    let mut power = -1.0;
    for (at, weight) in weights().into_iter().enumerate() {
        power *= -extension;
        let factor = power * weight;
        expected += factor * visits.f(at + 1);
        variance += factor * factor * visits.f(at + 1);
    }
    let standard_error = (variance + expected.max(0.0)).sqrt();
    Some(Forecast { extension, expected, standard_error })
}

/// P(Bin([`TERMS`], ½) ≥ j) for j from 1.
fn weights() -> [f64; TERMS] {
    let mut weights = [0.0; TERMS];
    let mut ways = 1.0;
    let mut sum = 0.0;
    // From j = TERMS down: the number of ways to choose j of TERMS grows by j / (TERMS − j + 1).
    for (j, weight) in weights.iter_mut().enumerate().rev().map(|(at, weight)| (at + 1, weight)) {
        sum += ways;
        *weight = sum / f64::from(1_u32 << TERMS);
        ways *= j as f64 / (TERMS - j + 1) as f64;
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_fall_from_nearly_one_to_nearly_nothing() {
        let w = weights();
        assert_eq!(w[0], 1023.0 / 1024.0);
        assert_eq!(w[1], 1013.0 / 1024.0);
        assert_eq!(w[4], 638.0 / 1024.0);
        assert_eq!(w[9], 1.0 / 1024.0);
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
    fn extensions_beyond_the_series_are_cut() {
        let visits = Frequencies::of(&[1, 2, 3]);
        assert_eq!(good_toulmin(&visits, 7.0), good_toulmin(&visits, 1.0));
        assert_eq!(good_toulmin(&visits, f64::NAN), good_toulmin(&visits, 1.0));
        assert_eq!(good_toulmin(&visits, -1.0).unwrap().expected, 0.0);
        assert_eq!(good_toulmin(&Frequencies::of(&[]), 1.0), None);
    }
}

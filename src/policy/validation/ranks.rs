//! Tests of chance, as textbooks have them.
//!
//! Mann and Whitney 1947, with mid-ranks for ties, the variance corrected for them, continuity correction and the normal
//! approximation; the conditional test of two Poisson rates (Przyborowski and Wilenski 1940). The normal and binomial laws come
//! from `statrs`.

use statrs::distribution::{Binomial, ContinuousCDF, DiscreteCDF, Normal};

/// Probability that values as large as `later` come about by chance where both follow the same law; one-sided. `None` where
/// either is empty, or all values are equal.
pub(super) fn grew_by_chance(earlier: &[u64], later: &[u64]) -> Option<f64> {
    let (n, m) = (earlier.len() as f64, later.len() as f64);
    let mut all: Vec<(u64, bool)> =
        earlier.iter().map(|value| (*value, false)).chain(later.iter().map(|value| (*value, true))).collect();
    all.sort_unstable();
    let (mut rank_sum, mut ties, mut before) = (0.0, 0.0, 0.0);
    for equal in all.chunk_by(|one, other| one.0 == other.0) {
        let size = equal.len() as f64;
        let mid_rank = before + (size + 1.0) / 2.0;
        rank_sum += mid_rank * equal.iter().filter(|(_, is_later)| *is_later).count() as f64;
        ties += size * size * size - size;
        before += size;
    }
    let total = n + m;
    let u = rank_sum - m * (m + 1.0) / 2.0;
    let variance = n * m / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)));
    if n < 1.0 || m < 1.0 || variance.is_nan() || variance <= 0.0 {
        return None;
    }
    let z = (u - n * m / 2.0 - 0.5) / variance.sqrt();
    Some(Normal::standard().sf(z))
}

/// Probability of at most `later` events where `earlier` were seen before and the rate is the same; `share` is the later
/// length over both lengths, between 0 and 1.
pub(super) fn fewer_by_chance(earlier: u64, later: u64, share: f64) -> Option<f64> {
    Some(Binomial::new(share, earlier.saturating_add(later)).ok()?.cdf(later))
}

/// Probability of a share as large as the second one by chance, where both are the same: the pooled test of two proportions;
/// one-sided. `None` where there is nothing to compare.
pub(super) fn share_grew_by_chance(first: (usize, usize), second: (usize, usize)) -> Option<f64> {
    let ((hits, of), (more_hits, of_more)) = ((first.0 as f64, first.1 as f64), (second.0 as f64, second.1 as f64));
    let pooled = (hits + more_hits) / (of + of_more);
    let deviation = (pooled * (1.0 - pooled) * (1.0 / of + 1.0 / of_more)).sqrt();
    let z = (more_hits / of_more - hits / of) / deviation;
    (deviation > 0.0 && z.is_finite()).then(|| Normal::standard().sf(z))
}

/// The median: of an even number the mean of the middle two; 0 of none.
pub(super) fn median(values: &[u64]) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    match sorted.len() {
        0 => 0,
        n if n % 2 == 1 => sorted[n / 2],
        n => (sorted[n / 2 - 1] / 2 + sorted[n / 2] / 2) + (sorted[n / 2 - 1] % 2 + sorted[n / 2] % 2) / 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_agree_with_an_independent_implementation() {
        // scipy.stats.mannwhitneyu(later, earlier, alternative="greater", method="asymptotic"), scipy 1.17.1
        let earlier = [1, 2, 3, 4, 5, 6, 7, 8];
        let p = grew_by_chance(&earlier, &[5, 6, 7, 8, 9, 10, 11, 12]).unwrap();
        assert!((p - SCIPY_SHIFTED).abs() < 1e-9, "{p}");
        let p = grew_by_chance(&[1, 1, 2, 2, 3], &[2, 3, 3, 4, 4, 4]).unwrap();
        assert!((p - SCIPY_TIED).abs() < 1e-9, "{p}");
    }

    const SCIPY_SHIFTED: f64 = 0.006_656_501_381_908_327;
    const SCIPY_TIED: f64 = 0.015_211_892_074_231_353;

    #[test]
    fn nothing_to_compare_is_no_answer() {
        assert_eq!(grew_by_chance(&[], &[1]), None);
        assert_eq!(grew_by_chance(&[1], &[]), None);
        assert_eq!(grew_by_chance(&[5, 5], &[5, 5]), None);
        assert_eq!(share_grew_by_chance((0, 20), (0, 20)), None);
        assert_eq!(share_grew_by_chance((0, 0), (0, 0)), None);
    }

    #[test]
    fn rates_are_compared_by_the_length_of_their_recordings() {
        let p = fewer_by_chance(7, 0, 0.5).unwrap();
        assert!((p - 0.5_f64.powi(7)).abs() < 1e-12);
        assert!(fewer_by_chance(7, 0, 0.1).unwrap() > 0.4, "a short recording shows few by itself");
        assert!((fewer_by_chance(4, 4, 0.5).unwrap() - 163.0 / 256.0).abs() < 1e-12);
    }

    #[test]
    fn medians() {
        assert_eq!([median(&[]), median(&[3]), median(&[9, 1]), median(&[3, 5, 4])], [0, 3, 5, 4]);
        assert_eq!(median(&[u64::MAX, u64::MAX]), u64::MAX);
    }
}

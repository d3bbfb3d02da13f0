//! How many ports are held at once: quantiles of the occupancy, and Erlang's loss formula.
//!
//! Ports held at an instant follow a Poisson law where connections come one by one (Palm's theorem: M/G/∞ queue), and vary more
//! where they come in batches. The negative binomial law with the measured ratio of variance to mean describes those.
//! Quantiles come from `statrs`; Erlang B is our own, since no maintained crate has it.

use statrs::distribution::{DiscreteCDF, NegativeBinomial, Poisson};

/// No answer is larger: there are so many ports.
pub const MOST_PORTS: u64 = 65_536;

/// A ratio of variance to mean up to this is that of a Poisson law with the noise of measuring.
pub const POISSON_UP_TO: f64 = 1.05;

/// The law that a quantile was taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    /// Connections come one by one.
    Poisson,
    /// Connections come in batches.
    NegativeBinomial,
}

impl Law {
    /// The law for this ratio of variance to mean.
    #[must_use]
    pub fn of(variance_to_mean: f64) -> Self {
        if variance_to_mean > POISSON_UP_TO { Self::NegativeBinomial } else { Self::Poisson }
    }

    /// Name as printed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Poisson => "Poisson",
            Self::NegativeBinomial => "negative binomial",
        }
    }
}

/// The smallest c with P(ports held ≥ c) ≤ `tail`, for occupancy of this mean and ratio of variance to mean.
///
/// A ratio far above the peak, which no measurement gives, makes the law say "nearly always none": sizing never relies on the
/// quantile alone. `None` where it is more than [`MOST_PORTS`], and for a mean, ratio or tail that is none (negative, infinite, not a number; a
/// tail outside 0 to 1).
#[must_use]
pub fn quantile(mean: f64, variance_to_mean: f64, tail: f64) -> Option<u64> {
    let valid = mean >= 0.0 && mean.is_finite() && variance_to_mean >= 0.0 && variance_to_mean.is_finite();
    if !valid || !(tail > 0.0 && tail < 1.0) || mean > MOST_PORTS as f64 {
        return None;
    }
    if mean == 0.0 {
        return Some(1);
    }
    match Law::of(variance_to_mean) {
        Law::Poisson => {
            let law = Poisson::new(mean).ok()?;
            smallest(|at| law.sf(at) <= tail)
        }
        Law::NegativeBinomial => {
            // Mean r(1−p)/p and variance r(1−p)/p²: p is the reciprocal of their ratio.
            let law = NegativeBinomial::new(mean / (variance_to_mean - 1.0), 1.0 / variance_to_mean).ok()?;
            smallest(|at| law.sf(at) <= tail)
        }
    }
}

/// One more than the smallest x for which `enough`(x) holds (it stays true from there on): P(X > x) ≤ tail is P(X ≥ x+1) ≤ tail.
fn smallest(enough: impl Fn(u64) -> bool) -> Option<u64> {
    if !enough(MOST_PORTS - 1) {
        return None;
    }
    let (mut low, mut high) = (0, MOST_PORTS - 1);
    while low < high {
        let middle = low + (high - low) / 2;
        if enough(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Some(high + 1)
}

/// Erlang B: the part of attempts that find all `ports` taken, for `offered` ports wanted on average.
///
/// The recursion B(0) = 1, B(n) = aB(n−1) / (n + aB(n−1)) (Erlang 1917). Offered loads that are none give 0 (nothing wanted) or 1.
#[must_use]
pub fn erlang_b(offered: f64, ports: u64) -> f64 {
    if offered.is_nan() || offered <= 0.0 {
        return if ports == 0 { 1.0 } else { 0.0 };
    }
    if !offered.is_finite() {
        return 1.0;
    }
    let mut blocked = 1.0;
    for n in 1..=ports.min(MOST_PORTS) {
        blocked = offered * blocked / (n as f64 + offered * blocked);
    }
    blocked
}

/// The smallest number of ports for which at most the part `loss` of attempts is blocked. `None` beyond [`MOST_PORTS`], and for
/// a loss that is not above 0.
#[must_use]
pub fn erlang_b_ports(offered: f64, loss: f64) -> Option<u64> {
    if loss.is_nan() || loss <= 0.0 || !offered.is_finite() {
        return None;
    }
    if offered <= 0.0 || loss >= 1.0 {
        return Some(0);
    }
    let mut blocked = 1.0;
    for n in 1..=MOST_PORTS {
        blocked = offered * blocked / (n as f64 + offered * blocked);
        if blocked <= loss {
            return Some(n);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// domain table: mean, Poisson, Erlang B, negative binomial with ratios 3 and 10, all for one in a million.
    const TABLE: [(f64, u64, u64, u64, u64); 10] = [
        (1.0, 10, 10, 30, 92),
        (5.0, 20, 20, 44, 117),
        (10.0, 29, 29, 56, 135),
        (25.0, 53, 52, 86, 176),
        (51.0, 89, 88, 130, 233),
        (68.0, 112, 110, 156, 266),
        (100.0, 152, 149, 202, 324),
        (200.0, 272, 267, 336, 485),
        (500.0, 611, 602, 703, 908),
        (1000.0, 1155, 1141, 1280, 1546),
    ];

    #[test]
    fn quantiles_and_losses_are_those_of_the_table() {
        for (mean, poisson, erlang, three, ten) in TABLE {
            assert_eq!(quantile(mean, 1.0, 1e-6), Some(poisson), "Poisson, mean {mean}");
            assert_eq!(erlang_b_ports(mean, 1e-6), Some(erlang), "Erlang B, {mean} offered");
            assert_eq!(quantile(mean, 3.0, 1e-6), Some(three), "ratio 3, mean {mean}");
            assert_eq!(quantile(mean, 10.0, 1e-6), Some(ten), "ratio 10, mean {mean}");
        }
    }

    #[test]
    fn what_is_no_number_gives_no_answer() {
        for wrong in [f64::NAN, f64::INFINITY, -1.0] {
            assert_eq!(quantile(wrong, 1.0, 1e-6), None);
            assert_eq!(quantile(1.0, wrong, 1e-6), None);
            assert_eq!(quantile(1.0, 1.0, wrong), None);
            assert_eq!(erlang_b_ports(1.0, wrong).filter(|_| wrong <= 0.0 || wrong.is_nan()), None);
        }
        assert_eq!(quantile(1.0, 1.0, 0.0), None);
        assert_eq!(quantile(0.0, 5.0, 1e-6), Some(1));
        assert_eq!(quantile(1e9, 1.0, 1e-6), None);
        assert_eq!(quantile(60_000.0, 1e3, 1e-6), None, "more than there are ports");
        assert_eq!(erlang_b_ports(1e9, 1e-6), None);
        assert_eq!((erlang_b(0.0, 0), erlang_b(0.0, 1), erlang_b(f64::INFINITY, 9)), (1.0, 0.0, 1.0));
        assert_eq!(erlang_b(f64::NAN, 3), 0.0);
        assert!(erlang_b(1e300, u64::MAX) > 0.99);
    }

    #[test]
    fn one_port_blocks_as_the_textbook_says() {
        assert!((erlang_b(1.0, 1) - 0.5).abs() < 1e-15);
        assert!((erlang_b(2.0, 2) - 0.4).abs() < 1e-15);
        assert_eq!(erlang_b_ports(1.0, 0.5), Some(1));
        assert_eq!((erlang_b_ports(0.0, 0.1), erlang_b_ports(3.0, 1.0)), (Some(0), Some(0)));
    }
}

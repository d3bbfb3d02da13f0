//! What charts of ports show, as plain values: one value is one small chart, of one host and transport.
//!
//! Values may be of any length and hold any number; the charts thin out and clip.

use super::flow::Transport;
use std::net::IpAddr;

/// How the number of distinct listeners grew with the visits, and how it would go on.
#[derive(Debug, Clone, PartialEq)]
pub struct Accumulation {
    /// The host.
    pub host: IpAddr,
    /// Its name in the site file, or empty.
    pub name: String,
    /// Transport.
    pub transport: Transport,
    /// The curve; visits ascend, and the last point is after all of them.
    pub points: Vec<AccumulationPoint>,
    /// Beyond the end, ascending.
    pub forecast: Vec<AccumulationAhead>,
    /// Upper bound of all listeners, seen or not.
    pub upper: Option<f64>,
}

/// Listeners after a number of visits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AccumulationPoint {
    /// Visits so far.
    pub visits: u64,
    /// Distinct listeners that these visits showed, in the order of time; with those that only a host table shows.
    pub seen: u64,
    /// Mean over all choices of as many visits (rarefaction).
    pub mean: f64,
    /// Lower end of the band around the mean.
    pub low: f64,
    /// Upper end of the band.
    pub high: f64,
}

/// Listeners to expect after further visits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AccumulationAhead {
    /// Visits from the beginning on.
    pub visits: f64,
    /// Listeners.
    pub expected: f64,
    /// Lower end of the 95% interval, not below what was seen.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Dynamic ports held over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortsInUse {
    /// The host.
    pub host: IpAddr,
    /// Its name in the site file, or empty.
    pub name: String,
    /// Transport.
    pub transport: Transport,
    /// Beginning of each step, ns since 1970-01-01 UTC, and the most ports held in it; ascending.
    pub steps: Vec<(i64, u32)>,
    /// End of the last step, ns.
    pub end_ns: i64,
    /// Ports that a range gives, where one is asked about.
    pub capacity: Option<u32>,
    /// The most ports held at once, and when first, ns.
    pub peak: (u32, Option<i64>),
    /// When the host restarted, ns.
    pub restarts: Vec<i64>,
}

/// What ranges of different sizes do to the same demand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sweep {
    /// The host.
    pub host: IpAddr,
    /// Its name in the site file, or empty.
    pub name: String,
    /// Transport.
    pub transport: Transport,
    /// One entry a size, ascending.
    pub points: Vec<SweepEntry>,
    /// Ports of the range that was asked about.
    pub asked: Option<u32>,
}

/// What a range of one size does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SweepEntry {
    /// Ports that can be given out.
    pub ports: u32,
    /// Demands for a port.
    pub attempts: u64,
    /// Demands that found none.
    pub blocked: u64,
}

impl SweepEntry {
    /// The share of demands that found no port, 0 to 1; `None` without demands.
    #[must_use]
    pub fn failure_probability(&self) -> Option<f64> {
        (self.attempts > 0).then(|| (self.blocked as f64 / self.attempts as f64).min(1.0))
    }

    /// Where nothing failed: the probability that 95 % confidence cannot rule out, 3/n, at most 1 (rule of three).
    #[must_use]
    pub fn rule_of_three(&self) -> Option<f64> {
        (self.attempts > 0 && self.blocked == 0).then(|| (3.0 / self.attempts as f64).min(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_need_demands_and_the_rule_of_three_no_failure() {
        let entry = |attempts, blocked| SweepEntry { ports: 1, attempts, blocked };
        assert_eq!((entry(0, 0).failure_probability(), entry(0, 0).rule_of_three()), (None, None));
        assert_eq!((entry(300, 0).failure_probability(), entry(300, 0).rule_of_three()), (Some(0.0), Some(0.01)));
        assert_eq!((entry(4, 1).failure_probability(), entry(4, 1).rule_of_three()), (Some(0.25), None));
        assert_eq!(entry(2, 0).rule_of_three(), Some(1.0));
    }
}

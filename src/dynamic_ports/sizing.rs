//! How large a range should be, with every term of the sum.
//!
//! Two numbers, because two things can be restricted. *RPC range*: where listeners of the RPC runtime take their ports; outgoing
//! connections never do. *Allocation range*: everything that the system gives out.
//!
//! N(allocation) = max(255, ⌈(2·L + Q + C)·1.25 + E⌉ up to a multiple of 64), N(RPC) = max(100, ⌈2·L·1.25⌉ up to a multiple of 10).
//! L listeners, as the larger of what a host table lists and the upper bound of the estimate; twice, because a service that
//! restarts takes new ports while the old ones are still in TIME-WAIT. Q ports of the host's own calls: the quantile of the
//! occupancy at one in a million, at least 1.5 times the peak. C calls opened anew at once after a restart of the peer. E ports inside
//! the range that are not given out. The floors are those of `netsh` (255, KB929851) and of RPC (100, KB154596).

use super::course::Course;
use super::estimators::occupancy::{Law, MOST_PORTS, quantile};

/// Probability with which a call may find no port.
pub const TAIL: f64 = 1e-6;
/// The peak seen, times this, is the least that calls get.
pub const PEAK_FACTOR: f64 = 1.5;
/// What is added to the sum of listeners and calls.
pub const HEADROOM: f64 = 0.25;
/// Fewest ports that `netsh … set dynamicport` takes (KB929851).
pub const FEWEST_ALLOCATION_PORTS: u32 = 255;
/// Fewest ports that Microsoft advises for RPC (KB154596).
pub const FEWEST_RPC_PORTS: u32 = 100;

const SECONDS_PER_YEAR: f64 = 31_557_600.0;

/// Where the number of listeners comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListenersFrom {
    /// The upper bound of the estimate.
    Estimate,
    /// What a host table lists, which is more.
    HostTable,
}

impl ListenersFrom {
    /// Name as printed and stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Estimate => "estimate",
            Self::HostTable => "host-table",
        }
    }
}

/// What was measured of a host and transport.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// L: listeners to reckon with.
    pub listeners: u64,
    /// Where that number comes from.
    pub listeners_from: ListenersFrom,
    /// λ: calls per second in the busiest hour.
    pub calls_per_second: f64,
    /// H: their mean duration, seconds.
    pub hold_s: f64,
    /// TIME-WAIT that is reckoned with after each, seconds; 0 for UDP.
    pub time_wait_s: f64,
    /// Ports held for calls in the busiest hour, mean by time.
    pub held_mean: f64,
    /// Variance over mean of the ports held for calls, see [`variance_to_mean`].
    pub variance_to_mean: f64,
    /// Most ports held for calls at once.
    pub peak: u32,
    /// C: calls opened at once after a restart, or open at once and so to be opened anew.
    pub storm: u64,
    /// E: ports inside the range that are not given out.
    pub reserved: u32,
}

/// A recommended size, and how it comes about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sizing {
    /// What was measured.
    pub measured: Measured,
    /// A: ports that calls hold on average in the busiest hour: λ·(H + TIME-WAIT) by Little's law, or what was measured where that
    /// is more.
    pub offered: f64,
    /// The law of the quantile.
    pub law: Law,
    /// The smallest number of ports that calls exceed with [`TAIL`] only; `None` where there are not so many.
    pub quantile: Option<u64>,
    /// Q: the larger of quantile and [`PEAK_FACTOR`] times the peak; `None` where there are not so many ports.
    pub calls: Option<u64>,
    /// Ports of the allocation range; `None` where there are not so many: it must stay as it is.
    pub allocation: Option<u32>,
    /// Ports of the RPC range; `None` where there are not so many.
    pub rpc: Option<u32>,
    /// Calls per year that find no port where the quantile is the size, at the rate of the busiest hour.
    pub failures_per_year: f64,
}

/// The sizes for what was measured.
#[must_use]
pub fn size(measured: Measured) -> Sizing {
    let Measured { listeners, calls_per_second, hold_s, time_wait_s, held_mean, variance_to_mean, .. } = measured;
    let offered = (calls_per_second * (hold_s + time_wait_s)).max(held_mean);
    let by_law = quantile(offered, variance_to_mean, TAIL);
    let by_peak = (PEAK_FACTOR * f64::from(measured.peak)).ceil() as u64;
    // A host without calls needs no port for them.
    let calls = if offered <= 0.0 && measured.peak == 0 { Some(0) } else { by_law.map(|ports| ports.max(by_peak)) };
    let twice = listeners.saturating_mul(2);
    let allocation = calls.and_then(|calls| {
        let held = twice.saturating_add(calls).saturating_add(measured.storm);
        let ports = held as f64 * (1.0 + HEADROOM) + f64::from(measured.reserved);
        ports_upto(ports, 64, FEWEST_ALLOCATION_PORTS)
    });
    Sizing {
        measured,
        offered,
        law: Law::of(variance_to_mean),
        quantile: by_law,
        calls,
        allocation,
        rpc: ports_upto(twice as f64 * (1.0 + HEADROOM), 10, FEWEST_RPC_PORTS),
        failures_per_year: TAIL * calls_per_second * SECONDS_PER_YEAR,
    }
}

/// Rounded up to a multiple, at least `fewest`; `None` beyond the dynamic ports that there can be.
fn ports_upto(ports: f64, multiple: u64, fewest: u32) -> Option<u32> {
    let rounded = (ports.ceil() as u64).checked_next_multiple_of(multiple)?;
    let ports = u32::try_from(rounded).ok()?.max(fewest);
    (u64::from(ports) < MOST_PORTS - 1_024).then_some(ports)
}

/// How much the number of ports held for calls varies: the larger of what the whole recording and its most uneven hour show, over the
/// mean of the busiest hour. 1 without calls.
#[must_use]
pub fn variance_to_mean(course: &Course) -> f64 {
    let mean = course.busiest().mean;
    if mean <= 0.0 {
        return 1.0;
    }
    let overall = course.overall.variance_to_mean().unwrap_or(1.0);
    let uneven = course.hours.iter().map(|hour| hour.variance).fold(0.0, f64::max);
    overall.max(uneven / mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(listeners: u64, per_second: f64, hold_s: f64, ratio: f64, storm: u64) -> Measured {
        Measured {
            listeners,
            listeners_from: ListenersFrom::Estimate,
            calls_per_second: per_second,
            hold_s,
            time_wait_s: 240.0,
            held_mean: 0.0,
            variance_to_mean: ratio,
            peak: 0,
            storm,
            reserved: 10,
        }
    }

    /// Worked rows of the domain's table: listeners, rate, hold, ratio, storm; A, Q and N.
    #[test]
    fn the_worked_examples_come_out() {
        for (listeners, rate, hold, ratio, storm, offered, calls, ports) in [
            (51, 0.05, 5.0, 3.0, 60, 12.25, 61, 320),
            (68, 0.05, 5.0, 3.0, 60, 12.25, 61, 384),
            (68, 0.5, 10.0, 10.0, 200, 125.0, 366, 896),
            (20, 5.0, 2.0, 3.0, 200, 1_210.0, 1_518, 2_240),
        ] {
            let sizing = size(measured(listeners, rate, hold, ratio, storm));
            assert!((sizing.offered - offered).abs() < 1e-9);
            assert_eq!(sizing.allocation, Some(ports), "{sizing:?}");
            assert_eq!(sizing.calls, sizing.quantile);
            if calls < 1_000 {
                assert_eq!(sizing.calls, Some(calls), "{sizing:?}");
            }
        }
    }

    #[test]
    fn the_rpc_range_is_for_listeners_only() {
        let rpc = |listeners| size(measured(listeners, 5.0, 2.0, 10.0, 200)).rpc;
        assert_eq!([rpc(51), rpc(68), rpc(20), rpc(0)], [Some(130), Some(170), Some(100), Some(100)]);
        assert_eq!(rpc(60_000), None);
    }

    #[test]
    fn the_peak_counts_where_the_law_says_less() {
        let quiet = size(Measured { peak: 200, ..measured(0, 0.001, 1.0, 1.0, 0) });
        assert_eq!(quiet.calls, Some(300));
        let none = size(Measured { reserved: 0, ..measured(51, 0.0, 0.0, 1.0, 0) });
        assert_eq!((none.calls, none.allocation), (Some(0), Some(FEWEST_ALLOCATION_PORTS)));
        let more = size(Measured { held_mean: 80.0, ..measured(0, 0.001, 1.0, 1.0, 0) });
        assert_eq!(more.offered, 80.0, "what was measured counts where Little's law says less");
    }

    #[test]
    fn what_cannot_be_had_is_not_recommended() {
        let hopeless = size(measured(51, 1_000.0, 100.0, 3.0, 0));
        assert_eq!((hopeless.quantile, hopeless.allocation, hopeless.rpc), (None, None, Some(130)));
        let wild = size(Measured { storm: u64::MAX, ..measured(u64::MAX, f64::NAN, 1.0, 1.0, 0) });
        assert_eq!((wild.allocation, wild.rpc), (None, None));
    }

    #[test]
    fn a_million_calls_lose_about_one() {
        let yearly = size(measured(51, 0.05, 5.0, 1.0, 0)).failures_per_year;
        assert!((yearly - 1.58).abs() < 0.01, "{yearly}");
    }
}

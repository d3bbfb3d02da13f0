//! What charts show of the hosts with the most ports: how listeners accumulated, and ports held over time.

use super::accumulation::accumulation;
use super::count::HostCount;
use crate::model::{Accumulation, PortsInUse};
use std::cmp::Reverse;
use std::net::IpAddr;

/// Hosts that are drawn; the tables have all.
pub const MOST_CHARTED: usize = 6;

/// The hosts that were seen to listen at most ports, in that order, each with the curve of its counted epoch.
#[must_use]
pub fn accumulations<'a>(counts: &[HostCount], name: impl Fn(IpAddr) -> &'a str) -> Vec<Accumulation> {
    let listeners = |count: &&HostCount| count.fullest().map_or(0, |epoch| epoch.listeners.len());
    largest(counts, listeners)
        .filter_map(|count| {
            let epoch = count.fullest()?;
            let (points, forecast) = accumulation(epoch);
            (!points.is_empty()).then(|| Accumulation {
                host: count.host,
                name: name(count.host).to_owned(),
                transport: count.transport,
                points,
                forecast,
                upper: epoch.estimate.upper.map(|upper| upper as f64),
            })
        })
        .collect()
}

/// The hosts that held most ports at once, in that order. The capacity is what their range gives.
#[must_use]
pub fn ports_in_use<'a>(counts: &[HostCount], name: impl Fn(IpAddr) -> &'a str) -> Vec<PortsInUse> {
    let end_ns = |count: &HostCount| count.epochs.iter().map(|epoch| epoch.epoch.end_ns).max().unwrap_or(0);
    largest(counts, |count| count.held.peak.ports as usize)
        .map(|count| PortsInUse {
            host: count.host,
            name: name(count.host).to_owned(),
            transport: count.transport,
            steps: count.course.clone(),
            end_ns: end_ns(count),
            capacity: Some(count.capacity()),
            peak: (count.held.peak.ports, count.held.peak.at_ns),
            restarts: count.epochs.iter().skip(1).map(|epoch| epoch.epoch.start_ns).collect(),
        })
        .collect()
}

/// At most [`MOST_CHARTED`] counts, the largest first; none of size 0.
fn largest(counts: &[HostCount], size: impl Fn(&&HostCount) -> usize) -> impl Iterator<Item = &HostCount> {
    let mut ranked: Vec<&HostCount> = counts.iter().filter(|count| size(count) > 0).collect();
    ranked.sort_by_key(|count| (Reverse(size(count)), count.host, count.transport));
    ranked.into_iter().take(MOST_CHARTED)
}

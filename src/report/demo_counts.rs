//! Made-up counts for the report's tests: what was estimated and sized, and whether it is evidence enough.

use super::ReportData;
use crate::dynamic_ports::course::Peak;
use crate::dynamic_ports::estimators::estimate;
use crate::dynamic_ports::ranges::{HostRange, RangeSource};
use crate::dynamic_ports::sizing::{Measured, size};
use crate::dynamic_ports::visits::{Sample, Units, Visit};
use crate::dynamic_ports::{Calls, CountedListener, Epoch, EpochCount, HeldPeak, HostCount, curves};
use crate::model::{HostPorts, IdleListener, Transport};
use crate::policy::gate::{Recorded, gate};
use std::collections::BTreeSet;

const HOUR_NS: i64 = 3_600_000_000_000;

/// Counts that agree with the hosts: with as many listeners, calls and ports.
pub(super) fn count_of(host: &HostPorts, start_ns: i64) -> HostCount {
    let end_ns = start_ns + HOUR_NS;
    let visit = |at_ns: i64| Visit { start_ns: at_ns, end_ns: at_ns + 1_000_000_000, begun_before: false };
    let listener = |number: u32| CountedListener {
        port: 49_152 + number as u16,
        former: Vec::new(),
        visits: (0..=number % 4).map(|n| visit(start_ns + i64::from(number * 7 + n * 600) * 1_000_000_000)).collect(),
    };
    let listeners: Vec<CountedListener> = (0..host.dynamic_listeners.min(2_000)).map(listener).collect();
    let units = Units::windows(start_ns, end_ns);
    let sample = Sample::of(listeners.iter().map(|l| (l.visits.as_slice(), false)), &units);
    let estimate = estimate(&sample);
    let epoch = EpochCount {
        epoch: Epoch::whole((start_ns, end_ns)),
        listeners,
        idle: BTreeSet::from([60_000]),
        is_listed: true,
        listed: 0,
        sample,
        estimate,
    };
    let (reckoned, from) = epoch.listeners_to_reckon_with();
    let peak = Peak { ports: host.peak_held, at_ns: host.peak_held_at_ns };
    let [listeners, conversations, time_wait] = host.peak_held_by;
    HostCount {
        host: host.host,
        transport: host.transport,
        range: HostRange::stated(host.range.0..=host.range.1, RangeSource::Default),
        epochs: vec![epoch],
        static_ports: BTreeSet::new(),
        unknown: BTreeSet::from([61_000]),
        outside: BTreeSet::new(),
        ephemeral: BTreeSet::new(),
        time_wait_ns: i64::from(host.time_wait_s) * 1_000_000_000,
        in_use: Peak { ports: host.peak_in_use, at_ns: host.peak_at_ns },
        held: HeldPeak { peak, listeners, conversations, time_wait },
        course: (0..60).map(|n| (start_ns + n * 60_000_000_000, host.peak_held.min(20 + n as u32))).collect(),
        calls: Calls::default(),
        sizing: size(Measured {
            listeners: reckoned,
            listeners_from: from,
            calls_per_second: 0.05,
            hold_s: 5.0,
            time_wait_s: 240.0,
            held_mean: 11.0,
            variance_to_mean: 3.0,
            peak: conversations + time_wait,
            storm: 60,
            reserved: 10,
        }),
    }
}

/// Fills what belongs to the counts; a text that may be hostile stands where captures and tables are quoted.
pub(super) fn fill(data: &mut ReportData, start_ns: i64, quoted: &str) {
    let counted = |host: &&HostPorts| host.dynamic_listeners + host.ephemeral_ports > 0;
    data.counts = data.hosts.iter().filter(counted).map(|host| count_of(host, start_ns)).collect();
    for epoch in data.counts.iter_mut().flat_map(|count| &mut count.epochs) {
        epoch.epoch.evidence = quoted.to_owned();
        epoch.epoch.place = Some((quoted.into(), 9));
    }
    let lost = [quoted.to_owned()];
    let recorded = Recorded { seconds: 3_600.0, cycle_s: 86_400.0, one_sided: &data.one_sided, lost: &lost };
    data.gates = data.counts.iter().map(|count| gate(count, &recorded)).collect();
    data.accumulations = curves::accumulations(&data.counts, |_| quoted);
    data.in_use = curves::ports_in_use(&data.counts, |_| quoted);
    data.idle = data.hosts.iter().take(1).map(|host| idle(host, quoted)).collect();
}

fn idle(host: &HostPorts, quoted: &str) -> IdleListener {
    IdleListener {
        host: host.host,
        transport: Transport::Tcp,
        port: 60_000,
        epoch: 1,
        is_loopback: false,
        process: quoted.to_owned(),
        source: quoted.to_owned(),
    }
}

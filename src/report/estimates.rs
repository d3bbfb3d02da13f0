//! Epochs of hosts, what was not seen of their listeners, and listeners that only a host table shows: tables and sentences.

use super::ReportData;
use super::tables::{CAPTURE, FIRST_FRAME, HOST_IP, HOST_NAME, PROTOCOL, flag, names, number, real, text, time};
use crate::dynamic_ports::estimators::{Estimate, WithInterval};
use crate::dynamic_ports::{EpochCount, HostCount};
use crate::model::{Column, IdleListener, Table, Value};

const EPOCH: Column = number("epoch", "Number of the epoch: the time between restarts of the host, from 1.");

/// One row a host, transport and epoch: what parted it from the one before, and how many listeners it had.
#[must_use]
pub fn epochs(data: &ReportData) -> Table {
    let columns = vec![
        HOST_IP,
        HOST_NAME,
        PROTOCOL,
        EPOCH,
        time("epoch_start_ns", "First instant, nanoseconds since 1970-01-01 UTC."),
        time("epoch_end_ns", "Last instant, nanoseconds since 1970-01-01 UTC."),
        number(
            "dynamic_listener_ports",
            "Distinct dynamic ports that acted as server in it; never summed over epochs.",
        ),
        number("moved_services", "Services that restarted within it: each counts once."),
        flag("is_counted", "True for the epoch that the table hosts counts: the one with the most listeners."),
        text("evidence", "What shows that it began; empty for the first."),
        CAPTURE,
        FIRST_FRAME,
    ];
    let names = names(data);
    let row = |count: &HostCount, epoch: &EpochCount| {
        let is_counted = count.fullest().is_some_and(|fullest| fullest.epoch.number == epoch.epoch.number);
        let (capture, frame) = epoch.epoch.place.clone().unwrap_or_default();
        vec![
            count.host.to_string().into(),
            names.get(&count.host).copied().unwrap_or_default().into(),
            count.transport.name().into(),
            epoch.epoch.number.into(),
            Value::TimeNs(epoch.epoch.start_ns),
            Value::TimeNs(epoch.epoch.end_ns),
            (epoch.listeners.len() as u64).into(),
            (epoch.epoch.moves() as u64).into(),
            is_counted.into(),
            epoch.epoch.evidence.clone().into(),
            capture.to_string().into(),
            Some(frame).filter(|frame| *frame > 0).into(),
        ]
    };
    let of = |count: &HostCount| count.epochs.iter().map(|epoch| row(count, epoch)).collect::<Vec<_>>();
    Table { name: "epochs", columns, rows: data.counts.iter().flat_map(of).collect() }
}

/// One row a host, transport and epoch with listeners: every estimate of how many there are.
#[must_use]
pub fn table(data: &ReportData) -> Table {
    let columns = vec![
        HOST_IP,
        HOST_NAME,
        PROTOCOL,
        EPOCH,
        number("seen_listeners", "Listeners seen, and idle ones that a host table lists."),
        number(
            "known_listeners",
            "Of these, known whatever was visited: listed, open at the start, or used for over an hour.",
        ),
        number("visits", "Visits to the others: contacts of a client with at most 60 s of silence between them."),
        number("visited_once", "Listeners visited once."),
        number("visited_twice", "Listeners visited twice."),
        text("unit", "What the sampling units are: windows of the recording, days, or runs."),
        number("units", "How many units there were."),
        real("chao1", "Chao1, from visits: a lower bound of how many there are."),
        real("chao1_low_95", "Lower end of its 95% interval."),
        real("chao1_high_95", "Upper end of its 95% interval."),
        real("chao2", "Chao2, from units: a lower bound too."),
        real("chao2_low_95", "Lower end of its 95% interval."),
        real("chao2_high_95", "Upper end of its 95% interval."),
        real("jackknife1", "First-order jackknife, from units."),
        real("jackknife2", "Second-order jackknife, from units."),
        real("ace", "Abundance-based coverage estimator, from visits."),
        real(
            "coverage",
            "Part of all visits that go to listeners seen, 0 to 1: near 1 long before all listeners are seen.",
        ),
        real("expected_new", "Good-Toulmin: new listeners in a recording as long again; not below 0."),
        real("expected_new_plus_minus_95", "Half the width of its 95% interval."),
        number("upper_bound", "U: the number to size by; see docs/estimators.md for how often it held in simulations."),
    ];
    let names = names(data);
    let row = |count: &HostCount, epoch: &EpochCount| {
        let e: &Estimate = &epoch.estimate;
        let interval = |found: Option<WithInterval>| {
            let of = |value: fn(WithInterval) -> f64| -> Value { found.map(value).into() };
            [of(|f| f.estimate), of(|f| f.lower_95), of(|f| f.upper_95)]
        };
        let mut row: Vec<Value> = vec![
            count.host.to_string().into(),
            names.get(&count.host).copied().unwrap_or_default().into(),
            count.transport.name().into(),
            epoch.epoch.number.into(),
            e.seen.into(),
            e.known.into(),
            e.visits.into(),
            e.once.into(),
            e.twice.into(),
            e.unit.name().into(),
            e.units.into(),
        ];
        row.extend(interval(e.chao1));
        row.extend(interval(e.chao2));
        row.extend([e.jackknife1, e.jackknife2, e.ace, e.coverage].map(Value::from));
        row.push(e.forecast.map(|forecast| forecast.displayed()).into());
        row.push(e.forecast.map(|forecast| forecast.plus_minus_95()).into());
        row.push(e.upper.into());
        row
    };
    let of = |count: &HostCount| {
        let with_listeners = count.epochs.iter().filter(|epoch| epoch.estimate.seen > 0);
        with_listeners.map(|epoch| row(count, epoch)).collect::<Vec<_>>()
    };
    Table { name: "estimates", columns, rows: data.counts.iter().flat_map(of).collect() }
}

/// One row a dynamic port that only a host table shows.
#[must_use]
pub fn idle_listeners(data: &ReportData) -> Table {
    let columns = vec![
        HOST_IP,
        HOST_NAME,
        PROTOCOL,
        EPOCH,
        number(
            "port",
            "Dynamic port at which a program waits and that no flow reached. A UDP socket may be a client's.",
        ),
        flag("is_loopback", "True where only the host itself can reach it."),
        text("process", "Program and identifier, as the host table says; empty where it does not."),
        text("source", "File and line of the host table."),
    ];
    let names = names(data);
    let row = |idle: &IdleListener| {
        vec![
            idle.host.to_string().into(),
            names.get(&idle.host).copied().unwrap_or_default().into(),
            idle.transport.name().into(),
            idle.epoch.into(),
            idle.port.into(),
            idle.is_loopback.into(),
            idle.process.clone().into(),
            idle.source.clone().into(),
        ]
    };
    Table { name: "idle_listeners", columns, rows: data.idle.iter().map(row).collect() }
}

/// What a recording says of listeners that it did not show: "51 seen; as long again: about 2 more (± 4); at most 66".
#[must_use]
pub fn sentence(estimate: &Estimate) -> String {
    let mut parts = vec![format!("{} seen", estimate.seen)];
    if let Some(forecast) = estimate.forecast {
        parts.push(format!(
            "a recording as long again would show about {:.0} more (± {:.0})",
            forecast.displayed(),
            forecast.plus_minus_95().ceil()
        ));
    }
    if let Some(upper) = estimate.upper {
        parts.push(format!("reckon with at most {upper}"));
    }
    parts.join("; ")
}

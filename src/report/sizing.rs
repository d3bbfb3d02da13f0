//! How large ranges should be, and whether the recording is evidence enough to restrict: tables and sentences.

use super::ReportData;
use super::tables::{HOST_IP, HOST_NAME, PROTOCOL, flag, names, number, real, text};
use crate::catalog::PortRange;
use crate::dynamic_ports::HostCount;
use crate::dynamic_ports::sizing::{FEWEST_ALLOCATION_PORTS, FEWEST_RPC_PORTS, PEAK_FACTOR, Sizing};
use crate::model::{Table, Transport, Value};
use crate::policy::gate::{Criterion, Gate};

/// One row a host and transport: both recommended sizes with every term.
#[must_use]
pub fn table(data: &ReportData) -> Table {
    let columns = vec![
        HOST_IP,
        HOST_NAME,
        PROTOCOL,
        number("range_first_port", "First port of its dynamic range today."),
        number("range_last_port", "Last port of that range."),
        text("range_source", "Where the range comes from: site-file, host-table, observed or default."),
        text("verdict", "enough-evidence or insufficient-evidence to restrict; see the table gate."),
        number(
            "rpc_range_ports",
            "Ports that a range for RPC listeners alone should have; empty where there are not so many.",
        ),
        text(
            "rpc_range_place",
            "Where that could be: no document names a port in it and none was seen in use; empty without listeners.",
        ),
        number(
            "allocation_range_ports",
            "Ports that a range for everything should have; empty where there are not so many.",
        ),
        number("listeners", "L: listeners to reckon with."),
        text("listeners_source", "Where L comes from: estimate (its upper bound) or host-table."),
        real("calls_per_second", "Calls that the host opens per second in its busiest hour."),
        real("call_duration_s", "H: their mean duration, first to last packet."),
        real("time_wait_s", "TIME-WAIT that is reckoned with after each."),
        real(
            "offered_ports",
            "A: ports held for calls on average in the busiest hour, by Little's law or as measured.",
        ),
        real(
            "variance_to_mean",
            "How much the number of ports held for calls varies: 1 for calls that come one by one.",
        ),
        text("law", "Law of the quantile: Poisson or negative binomial."),
        number("quantile_ports", "Ports that calls exceed once in a million attempts, by that law."),
        number("peak_call_ports", "Most ports held for calls at once, TIME-WAIT included."),
        number("call_ports", "Q: the larger of the quantile and 1.5 times that peak."),
        number("storm_calls", "C: calls opened at once after a restart, or open at once and so to be opened anew."),
        number("reserved_ports", "E: documented static ports and excluded blocks inside the range."),
        real(
            "failures_per_year",
            "Calls per year without a port, at one in a million and the rate of the busiest hour.",
        ),
    ];
    let names = names(data);
    let row = |count: &HostCount| {
        let Sizing { measured: m, offered, law, quantile, calls, allocation, rpc, failures_per_year } = count.sizing;
        let verdict = gate_of(data, count).map_or("insufficient-evidence", Gate::verdict);
        vec![
            count.host.to_string().into(),
            names.get(&count.host).copied().unwrap_or_default().into(),
            count.transport.name().into(),
            (*count.range.ephemeral.start()).into(),
            (*count.range.ephemeral.end()).into(),
            count.range.source.name().into(),
            verdict.into(),
            rpc.into(),
            place_of(data, count).map_or_else(String::new, |place| place.to_string()).into(),
            allocation.into(),
            m.listeners.into(),
            m.listeners_from.name().into(),
            m.calls_per_second.into(),
            m.hold_s.into(),
            m.time_wait_s.into(),
            offered.into(),
            m.variance_to_mean.into(),
            law.name().into(),
            quantile.into(),
            m.peak.into(),
            calls.into(),
            m.storm.into(),
            m.reserved.into(),
            failures_per_year.into(),
        ]
    };
    Table { name: "sizing", columns, rows: data.counts.iter().map(row).collect() }
}

/// One row a host, transport and criterion.
#[must_use]
pub fn gate(data: &ReportData) -> Table {
    let columns = vec![
        HOST_IP,
        HOST_NAME,
        PROTOCOL,
        text("criterion", "What is asked of the recording before a restriction may be called safe."),
        flag("is_met", "Whether the recording has it."),
        text("needed", "What is needed."),
        text("measured", "What was measured."),
        text("next", "What to do next; empty where it is met."),
    ];
    let names = names(data);
    let row = |gate: &Gate, criterion: &Criterion| -> Vec<Value> {
        vec![
            gate.host.to_string().into(),
            names.get(&gate.host).copied().unwrap_or_default().into(),
            gate.transport.name().into(),
            criterion.kind.name().into(),
            criterion.is_met.into(),
            criterion.needed.clone().into(),
            criterion.measured.clone().into(),
            criterion.next.clone().into(),
        ]
    };
    let of = |gate: &Gate| gate.criteria.iter().map(|criterion| row(gate, criterion)).collect::<Vec<_>>();
    Table { name: "gate", columns, rows: data.gates.iter().flat_map(of).collect() }
}

/// The gate of a host's count.
#[must_use]
pub fn gate_of<'a>(data: &'a ReportData, count: &HostCount) -> Option<&'a Gate> {
    data.gates.iter().find(|gate| gate.host == count.host && gate.transport == count.transport)
}

/// Where the RPC range of a host could be.
#[must_use]
pub fn place_of(data: &ReportData, count: &HostCount) -> Option<PortRange> {
    let serves = count.transport == Transport::Tcp && count.sizing.measured.listeners > 0;
    data.places.get(&count.host).copied().filter(|_| serves)
}

/// The sum for the RPC range, with a host's own numbers.
#[must_use]
pub fn rpc_sum(sizing: &Sizing) -> String {
    let Sizing { measured, rpc, .. } = sizing;
    let sum = format!("max({FEWEST_RPC_PORTS}, 2·{} × 1.25 up to a multiple of 10)", measured.listeners);
    match rpc {
        Some(ports) => format!("{sum} = {ports}"),
        None => format!("{sum}: more than there are ports"),
    }
}

/// The sum for the allocation range, with a host's own numbers.
#[must_use]
pub fn allocation_sum(sizing: &Sizing) -> String {
    let Sizing { measured: m, calls, allocation, .. } = sizing;
    let calls = calls.map_or_else(|| "Q".to_owned(), |calls| calls.to_string());
    let sum = format!(
        "max({FEWEST_ALLOCATION_PORTS}, ((2·{} + {calls} + {}) × 1.25 + {}) up to a multiple of 64)",
        m.listeners, m.storm, m.reserved
    );
    match allocation {
        Some(ports) => format!("{sum} = {ports}"),
        None => format!("{sum}: more than there are ports; the allocation range must stay as it is"),
    }
}

/// Where Q comes from.
#[must_use]
pub fn calls_sum(sizing: &Sizing) -> String {
    let Sizing { measured: m, offered, law, quantile, calls, .. } = sizing;
    if *calls == Some(0) {
        return "no calls seen".to_owned();
    }
    let quantile = quantile.map_or_else(|| "beyond all ports".to_owned(), |ports| ports.to_string());
    format!(
        "max({} quantile at 1 in a million for a mean of {offered:.1} and a variance-to-mean ratio of {:.2} = {quantile}; \
         {PEAK_FACTOR} × peak {} = {:.0}); mean = {:.4} calls/s × ({:.1} s + {:.0} s TIME-WAIT), or as measured ({:.1}) where that is more",
        law.name(),
        m.variance_to_mean,
        m.peak,
        (PEAK_FACTOR * f64::from(m.peak)).ceil(),
        m.calls_per_second,
        m.hold_s,
        m.time_wait_s,
        m.held_mean,
    )
}

/// The advice that stands above all sizes.
pub const ADVICE: &str = "Safest: pin RPC and DCOM listeners in a small range of their own, above 5000 and outside 49152–65535 \
    (for example from 20000), open that range inbound and nothing else, and leave the ephemeral range alone. Restrict the allocation range only \
    where a firewall must filter by source port: when it runs out, connections fail and no packet shows it.";

/// What a verdict means.
#[must_use]
pub fn verdict_sentence(gate: &Gate) -> String {
    let unmet: Vec<&str> = gate.criteria.iter().filter(|c| !c.is_met).map(|c| c.kind.name()).collect();
    match unmet.as_slice() {
        [] => "Enough evidence to try a restriction; prove it afterwards with a recording and \"portproof validate\"."
            .to_owned(),
        unmet => format!("Not enough evidence to restrict; missing: {}.", unmet.join(", ")),
    }
}

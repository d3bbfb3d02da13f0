//! The section on how many ports are enough: what was not seen, both sizes with their sums, and what the recording lacks.

use super::cells::{Head, Look, address, dash, number, or_dash, table, text};
use super::evidence::{name, names};
use crate::dynamic_ports::HostCount;
use crate::policy::gate::{Criterion, Gate};
use crate::report::ReportData;
use crate::report::sizing::{ADVICE, allocation_sum, calls_sum, gate_of, place_of, rpc_sum, verdict_sentence};
use crate::report::text::count;
use maud::{Markup, html};
use std::cmp::Reverse;

/// Hosts whose sums and evidence are written out; the tables have all.
const DETAILED: usize = 6;

pub(super) fn sizing(data: &ReportData) -> Markup {
    let ranked = ranked(data);
    if ranked.is_empty() {
        return html! { p { "No host used a port in the dynamic range." } };
    }
    html! {
        p class="lead" {
            "Two numbers for each host, because two things can be restricted: where RPC listeners take their ports, and where the \
             system takes all ports from. Both are made to be safe, not small."
        }
        p { (ADVICE) }
        (sizes(data, &ranked))
        @for count in ranked.iter().take(DETAILED) { (details(data, count)) }
        @if ranked.len() > DETAILED {
            p class="note" { "Sums and evidence of all hosts are in sizing.csv and gate.csv." }
        }
    }
}

/// Hosts that serve first, those with the most listeners before others; hosts that only call after them.
fn ranked(data: &ReportData) -> Vec<&HostCount> {
    let mut ranked: Vec<&HostCount> = data.counts.iter().collect();
    let seen = |count: &HostCount| count.fullest().map_or(0, |epoch| epoch.listeners.len());
    ranked.sort_by_key(|count| (Reverse(seen(count)), Reverse(count.held.peak.ports), count.host, count.transport));
    ranked
}

fn sizes(data: &ReportData, ranked: &[&HostCount]) -> Markup {
    let names = names(data);
    let heads = [
        Head("Host", Look::Text),
        Head("Listeners seen", Look::Number),
        Head("Expected new", Look::Number),
        Head("At most", Look::Number),
        Head("Peak held", Look::Number),
        Head("RPC range", Look::Number),
        Head("Allocation range", Look::Number),
        Head("Evidence", Look::Text),
        Head("Document's figure", Look::Number),
    ];
    let documents = |count: &HostCount| {
        let host = data.hosts.iter().find(|host| host.host == count.host && host.transport == count.transport);
        host.and_then(|host| host.document_observed)
    };
    let row = |count: &&HostCount| {
        let estimate = count.fullest().map(|epoch| &epoch.estimate);
        let forecast = estimate.and_then(|estimate| estimate.forecast);
        vec![
            html! { (address(name(&names, count.host), count.host)) span class="proto" { "\u{a0}" (count.transport) } },
            estimate.map_or_else(dash, |estimate| number(estimate.seen)),
            forecast.map_or_else(dash, |f| html! { (format!("{:.1} ± {:.1}", f.displayed(), f.plus_minus_95())) }),
            estimate.and_then(|estimate| estimate.upper).map_or_else(dash, number),
            number(count.held.peak.ports.into()),
            // The floor for RPC says nothing of a host that nobody was seen to call.
            count
                .sizing
                .rpc
                .filter(|_| count.sizing.measured.listeners > 0)
                .map_or_else(dash, |ports| number(ports.into())),
            count.sizing.allocation.map_or_else(dash, |ports| number(ports.into())),
            gate_of(data, count).map_or_else(dash, verdict),
            documents(count).map_or_else(dash, |n| number(n.into())),
        ]
    };
    html! {
        (table("sizes", &heads, ranked.iter().map(row), ranked.len(), "sizing"))
        p class="note" {
            "Expected new: in a recording as long again, with its 95% interval. At most: the upper bound to size by, no measurement. The \
             document's figure is for plausibility only: it does not say how it was measured, and no size rests on it."
        }
    }
}

fn verdict(gate: &Gate) -> Markup {
    let missing = gate.criteria.iter().filter(|criterion| !criterion.is_met).count();
    match missing {
        0 => html! { span class="pill good" { "enough" } },
        missing => html! {
            span class="pill look" { "not enough" } br;
            span class="for" { (missing) " of " (gate.criteria.len()) " missing" }
        },
    }
}

fn details(data: &ReportData, count: &HostCount) -> Markup {
    let names = names(data);
    let range = &count.range.ephemeral;
    let held = count.held;
    html! {
        details class="columns" {
            summary {
                (or_dash(name(&names, count.host))) " " (count.host) " " (count.transport)
                @if let Some(gate) = gate_of(data, count) { ": " (verdict_sentence(gate)) }
            }
            dl class="terms" {
                dt { "Range today" }
                dd {
                    (range.start()) "–" (range.end()) " (" (count.range.source.name()) "), "
                    (crate::report::text::count(count.capacity().into())) " ports to give out, "
                    (count.sizing.measured.reserved) " static or excluded"
                }
                dt { "Held at the peak" }
                dd {
                    (count_of(held.peak.ports)) ": " (count_of(held.listeners)) " listeners, "
                    (count_of(held.conversations)) " conversations, " (count_of(held.time_wait)) " in TIME-WAIT"
                }
                @if let Some(epoch) = count.fullest().filter(|epoch| epoch.estimate.seen > 0) {
                    dt { "Listeners" }
                    dd {
                        (crate::report::estimates::sentence(&epoch.estimate)) "; epoch " (epoch.epoch.number) " of "
                        (count.epochs.len())
                    }
                }
                dt { "RPC range" }
                dd {
                    (rpc_sum(&count.sizing))
                    @if let Some(place) = place_of(data, count) {
                        "; for example " (place) ": no document names a port there, and none was seen in use at this host"
                    }
                }
                dt { "Q, ports for calls" } dd { (calls_sum(&count.sizing)) }
                dt { "Allocation range" } dd { (allocation_sum(&count.sizing)) }
                dt { "Failures" }
                dd {
                    "at one in a million attempts and the rate of the busiest hour, about "
                    (format!("{:.1}", count.sizing.failures_per_year)) " calls a year"
                }
            }
            @if let Some(gate) = gate_of(data, count) { (evidence(gate)) }
        }
    }
}

fn count_of(ports: u32) -> String {
    count(ports.into())
}

fn evidence(gate: &Gate) -> Markup {
    let heads = [
        Head("Evidence", Look::Text),
        Head("Needed", Look::Text),
        Head("Measured", Look::Text),
        Head("What to do next", Look::Text),
    ];
    let row = |criterion: &Criterion| {
        let class = if criterion.is_met { "pill good" } else { "pill look" };
        vec![
            html! { span class=(class) { (if criterion.is_met { "met" } else { "missing" }) } " " (criterion.kind.name()) },
            text(&criterion.needed),
            text(&criterion.measured),
            or_dash(&criterion.next),
        ]
    };
    table("gate", &heads, gate.criteria.iter().map(row), gate.criteria.len(), "gate")
}

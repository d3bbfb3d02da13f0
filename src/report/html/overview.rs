//! The sections that sum up: warnings, the page in short, counts, recordings.

use super::cells::{Head, Look, dash, number, outcome, sentence, status, table, text, time};
use crate::model::{CaptureRow, HostPorts};
use crate::report::text::{clipped, count, duration, size, span_ns};
use crate::report::{ReportData, summary, words};
use maud::{Markup, html};

/// Hosts in the summary; the table of hosts has all.
const TILES: usize = 6;

pub(super) fn warnings(data: &ReportData) -> Markup {
    let warnings = summary::warnings(data);
    html! {
        @if !warnings.is_empty() {
            aside class="warnings" aria-label="Warnings" {
                h2 { "Read this first" }
                dl {
                    @for w in warnings { dt { (w.head) } dd { (clipped(&w.text, 1_200)) } }
                }
            }
        }
    }
}

pub(super) fn in_short(data: &ReportData) -> Markup {
    let ranked = summary::ranked(&data.hosts);
    let used: Vec<&HostPorts> =
        ranked.into_iter().filter(|h| h.dynamic_listeners > 0 || h.ephemeral_ports > 0).collect();
    // Tiles are for hosts that serve; clients get one only where nobody does.
    let serving = used.iter().filter(|h| h.dynamic_listeners > 0).count();
    let tiles = if serving > 0 { serving.min(TILES) } else { TILES };
    html! {
        p class="lead" { (sentence(&summary::recorded(data))) }
        div class="tiles" {
            (verdict("findings", data.findings.len(), "to review", &summary::findings_by_kind(data)))
            (verdict("blocked", data.blocked.len(), "did not succeed", &summary::blocked_by_outcome(data)))
            @for host in used.iter().take(tiles) { (tile(host)) }
        }
        @if used.len() > tiles {
            p class="note" {
                (count((used.len() - tiles) as u64)) " more below, under "
                a href="#dynamic" { "Dynamic ports by host" } "."
            }
        }
        p { (summary::LOWER_BOUND) " See " a href="#blind" { "what a capture cannot see" } "." }
    }
}

fn verdict(anchor: &'static str, number: usize, what: &str, parts: &str) -> Markup {
    let class = if number == 0 { "tile verdict" } else { "tile verdict some" };
    let heading = if anchor == "findings" { "Findings" } else { "Blocked attempts" };
    html! {
        a class=(class) href={ "#" (anchor) } {
            span class="host" { (heading) }
            span class="big" { (count(number as u64)) }
            span class="what" { (what) }
            @if !parts.is_empty() { span class="more" { (parts) } }
        }
    }
}

fn tile(host: &HostPorts) -> Markup {
    let name = if host.name.is_empty() { host.host.to_string() } else { host.name.clone() };
    let transport = host.transport.name().to_ascii_uppercase();
    let ports = if host.dynamic_listeners == 1 { "port" } else { "ports" };
    html! {
        div class="tile" {
            span class="host" {
                (clipped(&name, 48))
                @if !host.name.is_empty() { " " span class="addr" { (host.host) } }
            }
            span class="big" { (count(host.dynamic_listeners.into())) }
            span class="what" { "listening dynamic " (transport) " " (ports) ", " (summary::explained(host)) }
            span class="more" {
                (count(host.ephemeral_ports.into())) " ephemeral, peak " (count(host.peak_in_use.into())) " in use"
            }
            @if let Some(n) = host.document_observed {
                span class="more" { "document, its own test: " (count(n.into())) }
            }
        }
    }
}

pub(super) fn counts(data: &ReportData) -> Markup {
    let heads = [
        Head("Status", Look::Text),
        Head("Flows", Look::Number),
        Head("Packets", Look::Number),
        Head("On the wire", Look::Number),
        Head("Meaning", Look::Text),
    ];
    let row = |s: &crate::report::StatusCount| {
        vec![
            status(s.status),
            number(s.flows),
            number(s.packets),
            html! { (size(s.wire_bytes)) },
            html! { (words::status(s.status)) },
        ]
    };
    let word = |label| [Head(label, Look::Text), Head("Flows", Look::Number), Head("Meaning", Look::Text)];
    let outcomes =
        data.outcomes.iter().map(|o| vec![outcome(o.outcome), number(o.flows), html! { (words::outcome(o.outcome)) }]);
    let directions = data
        .orientations
        .iter()
        .map(|(o, flows)| vec![html! { (o.name()) }, number(*flows), html! { (words::orientation(*o)) }]);
    html! {
        @if !data.statuses.is_empty() {
            (table("counts", &heads, data.statuses.iter().map(row), data.statuses.len(), "statuses"))
        }
        @if !data.outcomes.is_empty() {
            h3 { "What became of them" }
            (table("counts", &word("Outcome"), outcomes, data.outcomes.len(), "outcomes"))
        }
        @if !data.orientations.is_empty() {
            h3 { "How sure the direction is" }
            (table("counts", &word("Direction"), directions, data.orientations.len(), "orientations"))
        }
    }
}

pub(super) fn recordings(data: &ReportData) -> Markup {
    let heads = [
        Head("Recording", Look::Text),
        Head("Interval", Look::Text),
        Head("Frames", Look::Number),
        Head("In flows", Look::Number),
        Head("Dropped", Look::Number),
        Head("Cut short", Look::Number),
        Head("End of file", Look::Text),
        Head("Frames by fate", Look::Text),
    ];
    html! {
        p class="lead" {
            "Every frame has exactly one fate, and fates sum to the frames read. \"Dropped\" is what the recorder \
             itself counted; a dash means that it said nothing, which proves nothing."
        }
        @if !data.captures.is_empty() {
            (table("recordings", &heads, data.captures.iter().map(recording), data.captures.len(), "captures"))
        }
    }
}

fn recording(c: &CaptureRow) -> Vec<Markup> {
    let sum: u64 = c.fates.iter().map(|(_, n)| n).sum();
    vec![
        html! {
            strong { (clipped(&c.name, 160)) } br;
            (text(&c.format)) ", " (text(&c.link_types)) @if let Some(bytes) = c.size_bytes { ", " (size(bytes)) }
            @if let Some(sha256) = &c.sha256 {
                br; span class="label" { "SHA-256 " } code class="hash" { (clipped(sha256, 64)) }
            }
        },
        match (c.first_ns, c.last_ns) {
            (Some(first), Some(last)) => html! {
                (time(first)) br; (time(last)) br; span class="for" { "(" (duration(span_ns(first, last))) ")" }
            },
            _ => dash(),
        },
        number(c.frames),
        number(c.metered),
        c.dropped.map_or_else(dash, number),
        html! {
            (number(c.snapped_frames))
            @if c.reading.implausible_lengths > 0 {
                br; span class="for" { (count(c.reading.implausible_lengths)) " of impossible length" }
            }
        },
        html! {
            @if c.end == "complete" { (text(&c.end)) } @else { span class="pill bad" { (clipped(&c.end, 20)) } }
            @if let Some(detail) = &c.end_detail { br; (text(detail)) }
            @if c.reading.untimed_frames > 0 { br; (count(c.reading.untimed_frames)) " without a time stamp" }
            @if c.backward_steps > 0 { br; (count(c.backward_steps)) " stamped backwards" }
        },
        html! {
            ul class="fates" {
                @for (fate, n) in c.fates.iter().take(40) {
                    li { span { (clipped(fate, 60)) } span class="r" { (count(*n)) } }
                }
                @if c.fates.len() > 40 { li { span { "more in fates.csv" } span {} } }
                li class="sum" {
                    span { @if sum == c.frames { "sum = frames read" } @else { "sum, differs from frames read" } }
                    span class="r" { (count(sum)) }
                }
            }
            @if let Some(filter) = &c.filter { p class="why" { "Filter: " (text(filter)) } }
            @if let Some(stop) = &c.first_stop { p class="why" { "Not decoded, e.g. " (text(stop)) } }
        },
    ]
}

//! Tables and cells: what all sections share.

use super::ROWS;
use crate::model::{Endpoint, Outcome, Status, Transport};
use crate::report::text::{clipped, count, duration, iso_utc, span_ns};
use maud::{Markup, html};
use std::net::IpAddr;

/// Characters of one text in a cell; the CSV file holds all of it.
const CELL: usize = 400;

/// Characters above which a word is broken to keep the column narrow.
const LONG_WORD: usize = 24;

/// A column: heading and how its cells look.
pub(super) struct Head(pub(super) &'static str, pub(super) Look);

/// How the cells of a column look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Running text.
    Text,
    /// A number, right-aligned.
    Number,
    /// Capture, frame and display filter.
    Evidence,
}

impl Look {
    fn class(self) -> &'static str {
        match self {
            Self::Text => "t",
            Self::Number => "r",
            Self::Evidence => "e",
        }
    }
}

/// A table of at most [`ROWS`] rows out of `all`. Each cell names its column, for screens on which a row becomes a
/// card.
pub(super) fn table(
    class: &str,
    heads: &[Head],
    rows: impl Iterator<Item = Vec<Markup>>,
    all: usize,
    file: &str,
) -> Markup {
    html! {
        div class="scroll" {
            table class=(class) {
                thead { tr { @for Head(label, look) in heads { th scope="col" class=(look.class()) { (label) } } } }
                tbody {
                    @for row in rows.take(ROWS) {
                        tr {
                            @for (Head(label, look), cell) in heads.iter().zip(row) {
                                td class=(look.class()) data-label=(label) { div { (cell) } }
                            }
                        }
                    }
                }
            }
        }
        @if all > ROWS {
            p class="note" { "The first " (ROWS) " of " (count(all as u64)) " rows; all are in " (link(file)) "." }
        }
    }
}

/// A link to a table beside the page.
pub(super) fn link(file: &str) -> Markup {
    html! { a href={ (file) ".csv" } { (file) ".csv" } }
}

/// Text from anywhere. Only where a word is too long for any column, it may be broken anywhere.
pub(super) fn text(text: &str) -> Markup {
    let shown = clipped(text, CELL);
    match shown.split(' ').any(|word| word.chars().count() > LONG_WORD) {
        true => html! { span class="long" { (shown) } },
        false => html! { (shown) },
    }
}

/// Text, or a dash where there is none.
pub(super) fn or_dash(content: &str) -> Markup {
    if content.is_empty() { dash() } else { text(content) }
}

/// Nothing to say.
pub(super) fn dash() -> Markup {
    html! { span class="none" { "–" } }
}

/// A number; zero is pale.
pub(super) fn number(number: u64) -> Markup {
    if number == 0 {
        html! { span class="none" { "0" } }
    } else {
        html! { (count(number)) }
    }
}

/// A status as a label: colour and, for what needs a look, a mark.
pub(super) fn status(status: Status) -> Markup {
    let class = match status {
        Status::Undocumented | Status::DynamicUnexplained => "pill bad",
        Status::DocumentedPortUnexpectedPeer | Status::Scan => "pill look",
        Status::Documented | Status::DocumentedByReferral | Status::DynamicExplained => "pill good",
        Status::Infrastructure | Status::Accepted => "pill",
    };
    html! { span class=(class) { (status.name()) } }
}

/// An outcome as a label.
pub(super) fn outcome(outcome: Outcome) -> Markup {
    let class = if outcome.is_blocked() { "pill look" } else { "pill" };
    html! { span class=(class) { (outcome.name()) } }
}

/// An endpoint with its transport, e.g. `10.0.0.1:443/tcp`, and the host's name above it.
pub(super) fn endpoint(name: &str, endpoint: Endpoint, transport: Transport) -> Markup {
    let ip = match endpoint.ip {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("[{v6}]"),
    };
    html! { (named(name)) span class=(addr_class(endpoint.ip)) { (ip) ":" (endpoint.port) "/" (transport) } }
}

/// An address, and the host's name above it.
pub(super) fn address(name: &str, ip: IpAddr) -> Markup {
    html! { (named(name)) span class=(addr_class(ip)) { (ip) } }
}

/// A host's name on a line of its own. Short names are not broken.
fn named(name: &str) -> Markup {
    let shown = clipped(name, 60);
    let class = if shown.chars().count() <= 20 { "host short" } else { "host" };
    html! { @if !shown.is_empty() { span class=(class) { (shown) } br; } }
}

/// IPv4 addresses are not broken; IPv6 addresses may be too long for a column.
fn addr_class(ip: IpAddr) -> &'static str {
    if ip.is_ipv4() { "addr short" } else { "addr" }
}

/// A sentence in which times are not broken over two lines.
pub(super) fn sentence(text: &str) -> Markup {
    let is_time = |word: &&str| word.len() == 20 && word.ends_with('Z');
    html! {
        @for word in text.split(' ') {
            @if is_time(&word) { span class="short" { (word) } " " } @else { (clipped(word, CELL)) " " }
        }
    }
}

/// When something was seen, and for how long.
pub(super) fn when(first_ns: i64, last_ns: i64) -> Markup {
    html! {
        (time(first_ns))
        @if last_ns > first_ns { br; span class="for" { "for " (duration(span_ns(first_ns, last_ns))) } }
    }
}

/// A time, with places to break it.
pub(super) fn time(ns: i64) -> Markup {
    let iso = iso_utc(ns);
    let (day, rest) = iso.split_once('T').unwrap_or((&iso, ""));
    html! { time datetime=(iso) { span class="short" { (day) "T" } wbr; span class="short" { (rest) } } }
}

/// Where to look: capture, frame and display filter. One click selects the whole filter.
pub(super) fn evidence(capture: &str, frame: u64, filter: &str) -> Markup {
    html! {
        span class="where" { (clipped(capture, 160)) ", frame " (frame) }
        code class="filter" { (clipped(filter, CELL)) }
    }
}

//! The terminal summary: report data to text, for a given width. Pure: it knows no terminal, no clock, no environment.
//!
//! Names and texts may come from captures; control characters and the like are written out (`report::text::visible`), so nothing in
//! here reaches the terminal as a command.

use super::page::{Page, RULED, Tone, cell};
use crate::dynamic_ports::{EpochCount, HostCount};
use crate::model::{BlockedAttempt, Endpoint, Finding, HostPorts, OneSidedPair, Transport, contact_filter};
use crate::report::text::{clipped, count, counted};
use crate::report::{ReportData, estimates, one_sided, sizing, summary};
use comfy_table::{CellAlignment, ColumnConstraint, Width};
use std::cmp::Reverse;
use std::net::IpAddr;

/// Hosts, findings and attempts that are listed; the report has all.
const LISTED: usize = 20;
/// Hosts of which sizes are told.
const DETAILED: usize = 4;

/// Characters of one text; the report has all of it.
const TEXT: usize = 300;

/// The report in a screenful: whether roles are guessed, what was recorded, dynamic ports by host, findings, blocked
/// attempts, warnings. No line is wider than `width` columns (at least 40); with `colour`, ANSI colours are used.
#[must_use]
pub fn summary(data: &ReportData, width: u16, colour: bool) -> String {
    let page = Page::new(width, colour);
    let mut out = String::new();
    if data.roles_guessed {
        out.push_str(&page.paragraph(0, Tone::Alert, GUESSED));
        out.push('\n');
    }
    out.push_str(&page.paragraph(0, Tone::Plain, &summary::recorded(data)));
    out.push('\n');
    hosts(&mut out, &page, data);
    enough(&mut out, &page, data);
    findings(&mut out, &page, data);
    blocked(&mut out, &page, data);
    announcements(&mut out, &page, data);
    one_sided(&mut out, &page, data);
    warnings(&mut out, &page, data);
    out
}

const GUESSED: &str = "ROLES ARE GUESSED: no site file names the hosts, so which port is documented is guessed, too.";

fn hosts(out: &mut String, page: &Page, data: &ReportData) {
    out.push_str(&page.paragraph(0, Tone::Heading, "Dynamic ports by host"));
    let serves = |h: &&HostPorts| h.dynamic_listeners > 0 || h.document_observed.is_some();
    let (ranked, rest): (Vec<&HostPorts>, Vec<&HostPorts>) = summary::ranked(&data.hosts)
        .into_iter()
        .filter(|h| serves(h) || h.ephemeral_ports > 0 || h.direction_unknown > 0)
        .partition(serves);
    let clients_only = if ranked.is_empty() { 0 } else { rest.len() };
    let ranked = if ranked.is_empty() { rest } else { ranked };
    if ranked.is_empty() {
        out.push_str(&page.paragraph(2, Tone::Plain, "None was used."));
        out.push('\n');
        return;
    }
    let listed = &ranked[..ranked.len().min(LISTED)];
    let unsure = listed.iter().any(|h| h.direction_unknown > 0);
    let columns: Vec<&HostColumn> = COLUMNS.iter().filter(|c| unsure || c.head != UNSURE).collect();
    let least = columns.iter().map(|c| c.least_width(listed)).collect::<Vec<_>>();
    if least.iter().sum::<u16>() <= page.width {
        host_table(out, page, listed, &columns, &least);
    } else {
        host_lines(out, page, listed, &columns);
    }
    if ranked.len() > LISTED {
        let more = format!("and {} in the report", counted((ranked.len() - LISTED) as u64, "more host", "more hosts"));
        out.push_str(&page.paragraph(2, Tone::Pale, &more));
    }
    if clients_only > 0 {
        let more = counted(clients_only as u64, "more row without listeners", "more rows without listeners");
        out.push_str(&page.paragraph(2, Tone::Pale, &format!("and {more} in the report")));
    }
    let legend = "Distinct ports at this tap in this interval: lower bounds. Peak: all listeners seen and \
                  the most ephemeral ports at once, without TIME_WAIT. Document: what the vendor printed for its own test, for comparison only.";
    out.push_str(&page.paragraph(2, Tone::Pale, legend));
    out.push('\n');
}

/// A column of the host table.
struct HostColumn {
    head: &'static str,
    alignment: CellAlignment,
    indent: u16,
    value: fn(&HostPorts) -> String,
    tone: fn(&HostPorts) -> Tone,
}

const UNSURE: &str = "direction\nunknown";

/// Blanks after each column.
const GAP: u16 = 1;

/// Longest word that a column must not tear: an IPv6 address.
const LONGEST_WORD: usize = 39;

const COLUMNS: [HostColumn; 7] = [
    HostColumn { indent: 2, ..HostColumn::left("host", host_name) },
    HostColumn::left("roles", roles),
    HostColumn {
        tone: |h| if h.dynamic_listeners_explained >= h.dynamic_listeners { Tone::Plain } else { Tone::Alert },
        ..HostColumn::right("listening\n(explained)", |h| {
            format!("{} ({})", number(h.dynamic_listeners), number(h.dynamic_listeners_explained))
        })
    },
    HostColumn::right(UNSURE, |h| number(h.direction_unknown)),
    HostColumn::right("ephemeral", |h| number(h.ephemeral_ports)),
    HostColumn::right("peak", |h| number(h.peak_in_use)),
    HostColumn::right("document", |h| h.document_observed.map_or_else(|| "-".to_owned(), number)),
];

impl HostColumn {
    const fn left(head: &'static str, value: fn(&HostPorts) -> String) -> Self {
        Self { head, alignment: CellAlignment::Left, indent: 0, value, tone: |_| Tone::Plain }
    }

    const fn right(head: &'static str, value: fn(&HostPorts) -> String) -> Self {
        Self { alignment: CellAlignment::Right, ..Self::left(head, value) }
    }

    /// Width below which a word of it would be torn.
    fn least_width(&self, hosts: &[&HostPorts]) -> u16 {
        let word = |text: &str| text.split_whitespace().map(|w| w.chars().count()).max().unwrap_or(0);
        let cells = hosts.iter().map(|host| word(&(self.value)(host))).max().unwrap_or(0);
        let widest = cells.max(word(self.head)).min(LONGEST_WORD);
        u16::try_from(widest).unwrap_or(u16::MAX) + self.indent + GAP
    }
}

fn number(n: u32) -> String {
    count(n.into())
}

/// Two lines: the name, and the address below it.
fn host_name(host: &HostPorts) -> String {
    match host.name.is_empty() {
        true => format!("{} {}", host.host, host.transport),
        false => format!("{}\n{} {}", clipped(&host.name, 40), host.host, host.transport),
    }
}

fn roles(host: &HostPorts) -> String {
    let guessed = if host.roles_guessed && !host.roles.is_empty() { " (guessed)" } else { "" };
    format!("{}{guessed}", clipped(&host.roles.join(", "), 60))
}

fn host_table(out: &mut String, page: &Page, hosts: &[&HostPorts], columns: &[&HostColumn], least: &[u16]) {
    let mut table = page.table(RULED);
    table.set_header(columns.iter().map(|column| cell(column.head, Tone::Heading)));
    for host in hosts {
        table.add_row(columns.iter().map(|column| cell((column.value)(host), (column.tone)(host))));
    }
    for ((column, shown), least) in table.column_iter_mut().zip(columns).zip(least) {
        column.set_padding((shown.indent, GAP)).set_cell_alignment(shown.alignment);
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(*least)));
    }
    out.push_str(&table.trim_fmt());
    out.push('\n');
}

/// The host table for a terminal that is too narrow for it: a paragraph a host.
fn host_lines(out: &mut String, page: &Page, hosts: &[&HostPorts], columns: &[&HostColumn]) {
    for host in hosts {
        let name = host_name(host).replace('\n', " ");
        out.push_str(&page.paragraph(2, Tone::Heading, &name));
        let tone = if columns.iter().any(|c| (c.tone)(host) == Tone::Alert) { Tone::Alert } else { Tone::Plain };
        let named = |c: &&&HostColumn| format!("{} {}", c.head.replace('\n', " "), (c.value)(host));
        let facts: Vec<String> =
            columns.iter().skip(1).filter(|c| !(c.value)(host).is_empty()).map(|c| named(&c)).collect();
        out.push_str(&page.paragraph(5, tone, &facts.join(", ")));
    }
}

/// How many ports hosts that serve need, and whether the recording is evidence enough: a few sentences a host.
fn enough(out: &mut String, page: &Page, data: &ReportData) {
    let mut counts: Vec<(&HostCount, &EpochCount)> =
        data.counts.iter().filter_map(|count| Some((count, count.fullest()?))).collect();
    counts.retain(|(_, epoch)| epoch.estimate.seen > 0);
    counts.sort_by_key(|(count, epoch)| (Reverse(epoch.listeners.len()), count.host, count.transport));
    if counts.is_empty() {
        return;
    }
    out.push_str(&page.paragraph(0, Tone::Heading, "How many ports are enough (made to be safe, not small)"));
    for (count, epoch) in counts.iter().take(DETAILED) {
        let name = match data.host_name(count.host) {
            "" => String::new(),
            name => format!("{} ", clipped(name, 40)),
        };
        out.push_str(&page.paragraph(2, Tone::Heading, &format!("{name}{} {}", count.host, count.transport)));
        out.push_str(&page.paragraph(5, Tone::Plain, &format!("Listeners: {}.", estimates::sentence(&epoch.estimate))));
        let ports = |size: Option<u32>| {
            size.map_or_else(|| "must stay as it is".to_owned(), |n| counted(n.into(), "port", "ports"))
        };
        let (rpc, all) = (ports(count.sizing.rpc), ports(count.sizing.allocation));
        let place = sizing::place_of(data, count).map_or_else(String::new, |place| format!(", for example {place}"));
        out.push_str(&page.paragraph(5, Tone::Plain, &format!("RPC range: {rpc}{place}. Allocation range: {all}.")));
        if let Some(gate) = sizing::gate_of(data, count) {
            let tone = if gate.is_open() { Tone::Plain } else { Tone::Alert };
            out.push_str(&page.paragraph(5, tone, &sizing::verdict_sentence(gate)));
        }
    }
    if counts.len() > DETAILED {
        let more = counted((counts.len() - DETAILED) as u64, "more row", "more rows");
        out.push_str(&page.paragraph(2, Tone::Pale, &format!("and {more} in the report")));
    }
    out.push_str(&page.paragraph(2, Tone::Pale, "The sums, term by term, and what to record next are in the report."));
    out.push('\n');
}

fn findings(out: &mut String, page: &Page, data: &ReportData) {
    let tone = if data.findings.is_empty() { Tone::Heading } else { Tone::Alert };
    out.push_str(&page.paragraph(0, tone, &summary::findings(data)));
    for (at, finding) in data.findings.iter().take(LISTED).enumerate() {
        finding_lines(out, page, data, at + 1, finding);
    }
    more(out, page, data.findings.len(), "more finding", "more findings");
    out.push('\n');
}

fn finding_lines(out: &mut String, page: &Page, data: &ReportData, number: usize, f: &Finding) {
    let parties = parties(data, f.initiator, f.responder, f.transport);
    out.push_str(&page.paragraph(2, Tone::Heading, &format!("{number}. {}: {parties}", f.kind.name())));
    out.push_str(&page.paragraph(5, Tone::Plain, &clipped(&f.text, TEXT)));
    let flows = counted(f.flows, "flow", "flows");
    let place = place(&f.capture, f.first_frame);
    let sure = format!("{place}: direction {}, {}, {flows}", f.orientation.name(), f.outcome.name());
    out.push_str(&page.paragraph(5, Tone::Plain, &sure));
    out.push_str(&page.paragraph(5, Tone::Pale, &clipped(&f.display_filter, TEXT)));
}

fn blocked(out: &mut String, page: &Page, data: &ReportData) {
    let tone = if data.blocked.is_empty() { Tone::Heading } else { Tone::Alert };
    out.push_str(&page.paragraph(0, tone, &summary::blocked(data)));
    for (at, attempt) in data.blocked.iter().take(LISTED).enumerate() {
        attempt_lines(out, page, data, at + 1, attempt);
    }
    more(out, page, data.blocked.len(), "more attempt", "more attempts");
    out.push('\n');
}

fn attempt_lines(out: &mut String, page: &Page, data: &ReportData, number: usize, b: &BlockedAttempt) {
    let parties = parties(data, b.initiator, b.responder, b.transport);
    out.push_str(&page.paragraph(2, Tone::Heading, &format!("{number}. {}: {parties}", b.outcome.name())));
    let service = match b.service.is_empty() {
        true => b.status.name().to_owned(),
        false => format!("{} ({})", clipped(&b.service, 60), b.status.name()),
    };
    let what = format!("{service}: {}", clipped(&b.evidence, TEXT));
    out.push_str(&page.paragraph(5, Tone::Plain, &what));
    out.push_str(&page.paragraph(5, Tone::Plain, &place(&b.capture, b.first_frame)));
    out.push_str(&page.paragraph(5, Tone::Pale, &contact_filter(b.initiator, b.responder, b.transport)));
}

/// One sentence: what failed is among the findings, and the table holds the rest.
fn announcements(out: &mut String, page: &Page, data: &ReportData) {
    if !data.announcements.is_empty() {
        out.push_str(&page.paragraph(0, Tone::Heading, &crate::report::announcements::sentence(data)));
        out.push('\n');
    }
}

/// Nothing where both directions were recorded everywhere.
fn one_sided(out: &mut String, page: &Page, data: &ReportData) {
    if data.one_sided.is_empty() {
        return;
    }
    out.push_str(&page.paragraph(0, Tone::Heading, &one_sided::sentence(data)));
    for (at, pair) in data.one_sided.iter().take(LISTED).enumerate() {
        pair_lines(out, page, data, at + 1, pair);
    }
    more(out, page, data.one_sided.len(), "more pair", "more pairs");
    out.push('\n');
}

fn pair_lines(out: &mut String, page: &Page, data: &ReportData, number: usize, p: &OneSidedPair) {
    let named = |ip: IpAddr| match data.host_name(ip) {
        "" => ip.to_string(),
        name => format!("{} {ip}", clipped(name, 40)),
    };
    let parties = format!("{number}. {} is heard, {} is not: {}", named(p.heard), named(p.unheard), p.transport);
    out.push_str(&page.paragraph(2, Tone::Heading, &parties));
    let flows = counted(p.flows, "one-sided flow", "one-sided flows");
    let others = format!("{} both ways, {} undetermined", count(p.two_sided_flows), count(p.undetermined_flows));
    let what = format!("{flows} ({}), {others}", counted(p.packets, "packet", "packets"));
    out.push_str(&page.paragraph(5, Tone::Plain, &what));
    out.push_str(&page.paragraph(5, Tone::Plain, &place(&p.capture, p.first_frame)));
    out.push_str(&page.paragraph(5, Tone::Pale, &clipped(&p.display_filter, TEXT)));
}

fn more(out: &mut String, page: &Page, all: usize, one: &str, many: &str) {
    if all > LISTED {
        let text = format!("and {} in the report", counted((all - LISTED) as u64, one, many));
        out.push_str(&page.paragraph(2, Tone::Pale, &text));
    }
}

fn place(capture: &str, frame: u64) -> String {
    format!("{} frame {frame}", clipped(capture, 120))
}

/// "NAME 10.0.0.1 -> NAME 10.0.0.2:80/tcp", without names where there are none.
fn parties(data: &ReportData, from: IpAddr, to: Endpoint, transport: Transport) -> String {
    let named = |ip: IpAddr| match data.host_name(ip) {
        "" => String::new(),
        name => format!("{} ", clipped(name, 40)),
    };
    format!("{}{from} -> {}{to}/{transport}", named(from), named(to.ip))
}

fn warnings(out: &mut String, page: &Page, data: &ReportData) {
    let warnings = summary::warnings(data);
    if warnings.is_empty() {
        return;
    }
    out.push_str(&page.paragraph(0, Tone::Alert, "Be careful:"));
    for warning in warnings {
        let text = format!("{}: {}", warning.head, clipped(&warning.text, 3 * TEXT));
        out.push_str(&page.paragraph(2, Tone::Plain, &text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::demo;

    /// Terminal columns, wide characters counted as two.
    fn columns(line: &str) -> usize {
        line.chars().map(|c| if u32::from(c) >= 0x2e80 { 2 } else { 1 }).sum()
    }

    #[test]
    fn no_line_is_wider_than_the_width_given() {
        for data in [demo::small(), demo::hostile(), demo::many(), demo::empty()] {
            for width in [40, 80, 132] {
                for line in summary(&data, width, false).lines() {
                    assert!(columns(line) <= usize::from(width), "{width}: {line}");
                }
            }
        }
    }

    #[test]
    fn no_heading_and_no_address_is_torn() {
        let mut data = demo::small();
        data.hosts[0].direction_unknown = 3;
        for width in [40, 50, 60, 70, 80, 100] {
            let text = summary(&data, width, false);
            let words: Vec<&str> = text.split_whitespace().map(|word| word.trim_end_matches(',')).collect();
            let heads =
                ["host", "roles", "listening", "(explained)", "direction", "unknown", "ephemeral", "peak", "document"];
            let as_table = words.contains(&heads[0]);
            for head in heads.iter().skip(if as_table { 0 } else { 1 }) {
                assert!(words.contains(head), "{head} at {width} in\n{text}");
            }
            for host in data.hosts.iter().filter(|h| h.dynamic_listeners > 0) {
                assert!(words.contains(&host.host.to_string().as_str()), "{} at {width} in\n{text}", host.host);
            }
        }
    }

    #[test]
    fn ports_of_unknown_direction_have_a_column_where_there_are_any() {
        let mut data = demo::small();
        data.hosts.iter_mut().for_each(|h| h.direction_unknown = 0);
        assert!(!summary(&data, 120, false).contains("direction\n") && !summary(&data, 120, false).contains("unknown"));
        let listed = data.hosts.iter_mut().find(|h| h.dynamic_listeners > 0).unwrap();
        listed.direction_unknown = 1_234;
        let text = summary(&data, 120, false);
        assert!(text.contains("unknown") && text.contains("1,234"), "{text}");
    }

    #[test]
    fn nothing_from_a_capture_acts_on_the_terminal() {
        let plain = summary(&demo::hostile(), 80, false);
        assert!(!plain.chars().any(|c| c != '\n' && crate::report::text::visible(&c.to_string()) != c.to_string()));
        let coloured = summary(&demo::hostile(), 80, true);
        // What remains after removing our own colour codes is the plain text.
        let mut rest = coloured.as_str();
        let mut stripped = String::new();
        while let Some((before, after)) = rest.split_once("\x1b[") {
            stripped.push_str(before);
            let (code, tail) = after.split_once('m').unwrap();
            assert!(code.chars().all(|c| c.is_ascii_digit() || c == ';'), "{code:?}");
            rest = tail;
        }
        stripped.push_str(rest);
        let trimmed = |t: &str| t.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
        assert_eq!(trimmed(&stripped), trimmed(&plain));
    }

    #[test]
    fn guessed_roles_are_the_first_thing_said_and_only_then() {
        assert!(summary(&demo::hostile(), 80, false).starts_with("ROLES ARE GUESSED"));
        assert!(summary(&demo::small(), 80, false).starts_with("1 recording of 18,342 frames"));
    }

    #[test]
    fn the_summary_names_counts_frames_and_filters() {
        let text = summary(&demo::small(), 120, false);
        assert!(text.lines().any(|l| l.contains("AC-SERVER") && l.contains("51") && l.contains("49")), "{text}");
        for part in [
            "1. undocumented: ENG-CLIENT 10.20.1.20 -> AC-SERVER 10.20.1.5:5985/tcp",
            "captures/backup-run.pcapng frame 5985",
            "ip.addr == 10.20.1.20 && ip.addr == 10.20.1.5 && tcp.port == 5985",
            "3 connection attempts did not succeed: 1 refused, 1 unanswered, 1 prohibited.",
            "3 SYN in 21 s, nothing back",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }

    #[test]
    fn long_lists_are_cut_and_said() {
        let text = summary(&demo::many(), 80, false);
        assert!(text.contains("and 486 more findings in the report"));
        assert!(text.contains("and 484 more hosts in the report"));
        assert!(text.lines().count() < 400);
    }
}

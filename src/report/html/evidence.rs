//! The sections whose rows point into the captures: findings, blocked attempts, hosts, listening ports, services.

use super::ROWS;
use super::cells::{
    Head, Look, address, dash, endpoint, evidence, link, number, or_dash, outcome, status, table, text, time, when,
};
use crate::model::{Finding, HostPorts, Listener, Status, contact_filter, endpoint_filter};
use crate::report::summary::{blocked as blocked_sentence, findings as findings_sentence, host_label, ranked};
use crate::report::text::{clipped, count, size};
use crate::report::{ReportData, one_sided::sentence as one_sided_sentence};
use maud::{Markup, html};
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

/// Listening ports on the page, over all hosts.
const LISTENERS: usize = 1_000;

pub(super) type Names<'a> = HashMap<IpAddr, &'a str>;

pub(super) fn names(data: &ReportData) -> Names<'_> {
    data.hosts.iter().filter(|h| !h.name.is_empty()).map(|h| (h.host, h.name.as_str())).collect()
}

pub(super) fn name<'a>(names: &Names<'a>, ip: IpAddr) -> &'a str {
    names.get(&ip).copied().unwrap_or_default()
}

pub(super) fn findings(data: &ReportData) -> Markup {
    let names = names(data);
    let heads = [
        Head("What and why", Look::Text),
        Head("From → to", Look::Text),
        Head("Direction, outcome", Look::Text),
        Head("Flows", Look::Number),
        Head("Seen", Look::Text),
        Head("Where to look", Look::Evidence),
    ];
    let row = |f: &Finding| {
        vec![
            html! { span class=(kind_class(f)) { (f.kind.name()) } " " span class="say" { (text(&f.text)) } },
            html! {
                (address(name(&names, f.initiator), f.initiator)) br; span class="arrow" { "→ " }
                (endpoint(name(&names, f.responder.ip), f.responder, f.transport))
            },
            html! { (f.orientation.name()) br; (outcome(f.outcome)) },
            number(f.flows),
            when(f.first_seen_ns, f.last_seen_ns),
            evidence(&f.capture, f.first_frame, &f.display_filter),
        ]
    };
    html! {
        p class="lead" { (findings_sentence(data)) }
        @if !data.findings.is_empty() {
            (table("findings", &heads, data.findings.iter().map(row), data.findings.len(), "findings"))
        }
    }
}

fn kind_class(finding: &Finding) -> &'static str {
    use crate::model::FindingKind::{
        AnnouncedBlocked, DynamicUnexplained, NotFollowed, NotRegistered, Scan, Undocumented, UnexpectedPeer,
    };
    match finding.kind {
        AnnouncedBlocked | Undocumented | DynamicUnexplained => "pill bad",
        UnexpectedPeer | Scan | NotRegistered => "pill look",
        NotFollowed => "pill",
    }
}

pub(super) fn blocked(data: &ReportData) -> Markup {
    let names = names(data);
    let heads = [
        Head("From → to", Look::Text),
        Head("Outcome and evidence", Look::Text),
        Head("Service", Look::Text),
        Head("Flows", Look::Number),
        Head("Packets", Look::Number),
        Head("Seen", Look::Text),
        Head("Where to look", Look::Evidence),
    ];
    let row = |b: &crate::model::BlockedAttempt| {
        vec![
            html! {
                (address(name(&names, b.initiator), b.initiator)) br; span class="arrow" { "→ " }
                (endpoint(name(&names, b.responder.ip), b.responder, b.transport))
            },
            html! { (outcome(b.outcome)) br; (text(&b.evidence)) },
            html! { @if !b.service.is_empty() { (text(&b.service)) br; } (status(b.status)) },
            number(b.flows),
            number(b.packets),
            when(b.first_seen_ns, b.last_seen_ns),
            evidence(&b.capture, b.first_frame, &contact_filter(b.initiator, b.responder, b.transport)),
        ]
    };
    html! {
        p class="lead" {
            (blocked_sentence(data))
            @if !data.blocked.is_empty() {
                " Refused: the host, or a firewall in its name, said no. Unanswered may be a filter, but also a host \
                 that is down or where nothing listens."
            }
        }
        @if !data.blocked.is_empty() {
            (table("blocked", &heads, data.blocked.iter().map(row), data.blocked.len(), "blocked"))
        }
    }
}

pub(super) fn one_sided(data: &ReportData) -> Markup {
    let names = names(data);
    let heads = [
        Head("Heard → not heard", Look::Text),
        Head("Protocol", Look::Text),
        Head("One-sided flows", Look::Number),
        Head("Packets", Look::Number),
        Head("Two-sided flows", Look::Number),
        Head("Attempts undetermined", Look::Number),
        Head("Seen", Look::Text),
        Head("Where to look", Look::Evidence),
    ];
    let row = |p: &crate::model::OneSidedPair| {
        vec![
            html! {
                (address(name(&names, p.heard), p.heard)) br; span class="arrow" { "→ " }
                (address(name(&names, p.unheard), p.unheard))
            },
            html! { (p.transport) },
            number(p.flows),
            number(p.packets),
            number(p.two_sided_flows),
            number(p.undetermined_flows),
            when(p.first_seen_ns, p.last_seen_ns),
            evidence(&p.capture, p.first_frame, &p.display_filter),
        ]
    };
    html! {
        p class="lead" { (one_sided_sentence(data)) }
        @if !data.one_sided.is_empty() {
            (table("pairs", &heads, data.one_sided.iter().map(row), data.one_sided.len(), "one_sided"))
        }
    }
}

pub(super) fn hosts(data: &ReportData) -> Markup {
    let zoned = data.hosts.iter().any(|host| !host.zone.is_empty());
    let mut heads = vec![
        Head("Host", Look::Text),
        Head("Roles", Look::Text),
        Head("Listening", Look::Number),
        Head("Explained", Look::Number),
        Head("Not explained", Look::Number),
        Head("Static in range", Look::Number),
        Head("Ephemeral", Look::Number),
        Head("Peak in use", Look::Number),
        Head("Peak at", Look::Text),
        Head("Direction unknown", Look::Number),
        Head("Document's figure", Look::Number),
    ];
    if zoned {
        heads.insert(1, Head("Zone", Look::Text));
    }
    let row = |h: &HostPorts| {
        let mut cells = vec![
            html! {
                (address(&h.name, h.host)) span class="proto" { "\u{a0}" (h.transport) }
                @let recorded = data.recorded_names(h.host);
                @if !recorded.is_empty() { br; span class="for" { "recorded as " (text(&recorded)) } }
            },
            html! { (or_dash(&h.roles.join(", "))) @if h.roles_guessed { " " span class="pill look" { "guessed" } } },
            html! { strong { (number(h.dynamic_listeners.into())) } },
            number(h.dynamic_listeners_explained.into()),
            number(h.dynamic_listeners.saturating_sub(h.dynamic_listeners_explained).into()),
            number(h.static_in_range.into()),
            number(h.ephemeral_ports.into()),
            number(h.peak_in_use.into()),
            h.peak_at_ns.map_or_else(dash, time),
            number(h.direction_unknown.into()),
            h.document_observed.map_or_else(dash, |n| number(n.into())),
        ];
        if zoned {
            cells.insert(1, or_dash(&h.zone));
        }
        cells
    };
    let ranked = ranked(&data.hosts);
    html! {
        @if ranked.is_empty() { p { "No host used a port in the dynamic range." } }
        @else {
            (table("hosts", &heads, ranked.into_iter().map(row), data.hosts.len(), "hosts"))
            p class="note" {
                "Counts are distinct ports by host address and transport. The document's figure comes from the \
                 vendor's own test and is for comparison only: the document does not say how it was measured."
            }
        }
    }
}

pub(super) fn listeners(data: &ReportData) -> Markup {
    let mut groups: BTreeMap<_, Vec<&Listener>> = BTreeMap::new();
    for listener in &data.listeners {
        groups.entry((listener.host, listener.transport)).or_default().push(listener);
    }
    let mut budget = LISTENERS;
    let mut shown = Vec::new();
    // In the order of the table of hosts; hosts that are missing there come last.
    for host in ranked(&data.hosts) {
        if budget == 0 {
            break;
        }
        if let Some(group) = groups.remove(&(host.host, host.transport)) {
            budget = budget.saturating_sub(group.len().min(ROWS));
            shown.push((html! { (clipped(&host_label(host), 90)) " " (host.transport) }, group));
        }
    }
    for ((ip, transport), group) in std::mem::take(&mut groups) {
        if budget == 0 {
            break;
        }
        budget = budget.saturating_sub(group.len().min(ROWS));
        shown.push((html! { (ip) " " (transport) }, group));
    }
    let on_page: usize = shown.iter().map(|(_, g)| g.len().min(ROWS)).sum();
    html! {
        @if data.listeners.is_empty() { p { "No port in the dynamic range acted as server." } }
        @else {
            p class="lead" {
                "The ports behind the counts. Their numbers change at the next restart: use them to check this report, \
                 not as rules."
            }
        }
        @for (label, group) in shown { (host_listeners(&label, &group)) }
        @if on_page < data.listeners.len() {
            p class="note" {
                (count(on_page as u64)) " of " (count(data.listeners.len() as u64)) " listening ports; all are in "
                (link("listeners")) "."
            }
        }
    }
}

fn host_listeners(label: &Markup, group: &[&Listener]) -> Markup {
    let heads = [
        Head("Port", Look::Number),
        Head("Status", Look::Text),
        Head("Service", Look::Text),
        Head("Direction", Look::Text),
        Head("Clients", Look::Number),
        Head("Flows", Look::Number),
        Head("Seen", Look::Text),
        Head("Where to look", Look::Evidence),
    ];
    let row = |l: &&Listener| {
        let here = crate::model::Endpoint { ip: l.host, port: l.port };
        vec![
            html! { strong { (l.port) } },
            status(l.status),
            or_dash(&l.service),
            html! { (l.orientation.name()) },
            number(l.clients),
            number(l.flows),
            when(l.first_seen_ns, l.last_seen_ns),
            evidence(&l.capture, l.first_frame, &endpoint_filter(here, l.transport)),
        ]
    };
    let open = group.iter().filter(|l| l.status.is_undocumented()).count();
    let is_static = |l: &&&Listener| matches!(l.status, Status::Documented | Status::DocumentedPortUnexpectedPeer);
    let fixed = group.iter().filter(is_static).count();
    html! {
        details {
            summary {
                (label) ": " (count((group.len() - fixed) as u64)) " dynamic"
                @if fixed > 0 { " and " (count(fixed as u64)) " documented static" }
                @if open > 0 { " " span class="pill bad" { (count(open as u64)) " not explained" } }
            }
            (table("listeners", &heads, group.iter().map(row), group.len(), "listeners"))
        }
    }
}

pub(super) fn services(data: &ReportData) -> Markup {
    let heads = [
        Head("Host and port", Look::Text),
        Head("Service, status and why", Look::Text),
        Head("Clients", Look::Number),
        Head("Flows", Look::Number),
        Head("On the wire", Look::Number),
        Head("Seen", Look::Text),
        Head("Where to look", Look::Evidence),
    ];
    let row = |s: &crate::report::ServiceRow| {
        vec![
            endpoint(&s.name, s.responder, s.transport),
            html! {
                @if !s.service.is_empty() { span class="host" { (text(&s.service)) } " " }
                (status(s.status))
                @if !s.reason.is_empty() { br; span class="why" { (text(&s.reason)) } }
            },
            number(s.clients),
            number(s.flows),
            html! { (size(s.wire_bytes)) },
            when(s.first_seen_ns, s.last_seen_ns),
            evidence(&s.capture, s.first_frame, &endpoint_filter(s.responder, s.transport)),
        ]
    };
    html! {
        @if data.services.is_empty() { p { "No service was seen." } }
        @else {
            p class="lead" {
                "Every port that was called, documented or not, with the statement or rule that decides. \
                 \"documented\" needs the right port on a host of the right role, called by somebody whom the \
                 document, a scenario or the site file allows."
            }
            (table("services", &heads, data.services.iter().map(row), data.services.len(), "services"))
        }
    }
}

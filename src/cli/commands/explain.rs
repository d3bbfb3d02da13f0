//! `portproof explain HOST:PORT`: who called, what the documents say, where to look.

use super::print;
use crate::classification::{Judged, outcome_evidence};
use crate::cli::args::ExplainArgs;
use crate::cli::facts::{Case, gather};
use crate::cli::outcome::{CliError, ExitStatus, tell};
use crate::model::{HostSocket, JudgedFlow, SocketRow, Transport};
use crate::report::text::{count, counted, iso_utc, visible};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::net::IpAddr;

/// Callers and local uses that are listed.
const LISTED: usize = 20;

pub(super) fn run(args: &ExplainArgs, quiet: bool) -> Result<ExitStatus, CliError> {
    let case = gather(&args.judge, false, quiet)?;
    let judged = case.judged();
    let (host, port) = args.endpoint;
    let is_it = |ip: IpAddr, p: u16| p == port && host.is_none_or(|host| host == ip);
    let mut servers: BTreeMap<(IpAddr, Transport), Vec<&JudgedFlow>> = BTreeMap::new();
    let mut clients: BTreeMap<(IpAddr, Transport), Vec<&JudgedFlow>> = BTreeMap::new();
    for flow in &judged.flows {
        let (initiator, responder) = (flow.judgement.initiator, flow.judgement.responder);
        let transport = flow.facts.key.transport;
        if is_it(responder.ip, responder.port) {
            servers.entry((responder.ip, transport)).or_default().push(flow);
        } else if is_it(initiator.ip, initiator.port) {
            clients.entry((initiator.ip, transport)).or_default().push(flow);
        }
    }
    let mut text = String::new();
    if judged.roles.are_guessed() {
        text.push_str("Roles are guessed: no site file was given.\n\n");
    }
    for ((ip, transport), flows) in &servers {
        served(&case, &judged, *ip, *transport, port, flows, &mut text);
    }
    for ((ip, transport), flows) in &clients {
        used_locally(&case, *ip, *transport, port, flows, &mut text);
    }
    if let Some(ip) = host.filter(|_| servers.is_empty() && clients.is_empty()) {
        unseen(&case, ip, port, &mut text);
    }
    documents(&case, port, &mut text);
    print(&text)?;
    if case.damaged || judged.flows.is_empty() {
        return Ok(ExitStatus::of_metering(case.damaged, judged.flows.len() as u64));
    }
    if servers.is_empty() && clients.is_empty() {
        let at = host.map(|host| format!(" at {host}")).unwrap_or_default();
        let elsewhere = judged.flows.iter().filter(|flow| flow.judgement.responder.port == port).count() as u64;
        let elsewhere = match elsewhere {
            n if host.is_some() && n > 0 => format!("; {} at other hosts", counted(n, "flow uses it", "flows use it")),
            _ => String::new(),
        };
        tell(&format!("no flow in these captures uses port {port}{at}{elsewhere}"));
        return Ok(ExitStatus::NoEvidence);
    }
    Ok(ExitStatus::Done)
}

fn host_name(case: &Case, ip: IpAddr) -> String {
    match case.site.as_ref().map(|site| site.name(ip)).filter(|name| !name.is_empty()) {
        Some(name) => format!("{} {ip}", visible(name)),
        None => ip.to_string(),
    }
}

fn roles(judged: &Judged, ip: IpAddr) -> String {
    match judged.roles.of(ip) {
        [] => "no known role".into(),
        roles => roles.join(", "),
    }
}

/// ", recorded as srv1.example", or nothing.
fn recorded(case: &Case, ip: IpAddr) -> String {
    let names = case.facts.names.iter().filter(|fact| fact.address == ip).map(|fact| visible(&fact.name));
    let names: Vec<String> = names.collect::<BTreeSet<_>>().into_iter().take(LISTED).map(Into::into).collect();
    if names.is_empty() { String::new() } else { format!(", recorded as {}", names.join("; ")) }
}

/// What only host tables say of a port: idle sockets are in no capture.
fn unseen(case: &Case, ip: IpAddr, port: u16, text: &mut String) {
    for transport in [Transport::Tcp, Transport::Udp] {
        let processes = processes(case, ip, transport, port);
        if !processes.is_empty() {
            let _ = writeln!(text, "{} port {port}/{transport}: no flow uses it\n{processes}", host_name(case, ip));
        }
    }
}

/// Lines with the processes behind an endpoint, by the recording and by host tables, or nothing.
fn processes(case: &Case, ip: IpAddr, transport: Transport, port: u16) -> String {
    let mut text = recorded_processes(case, ip, transport, port);
    let is_it = |row: &&HostSocket| {
        (row.transport, row.port) == (transport, port) && row.source.host.contains(ip) && row.is_at(ip)
    };
    let mut named = BTreeSet::new();
    for row in case.facts.host_sockets.iter().filter(is_it) {
        let process = row.process.as_deref().map_or_else(|| "a process".into(), visible);
        let id = row.process_id.map(|id| format!(" ({id})")).unwrap_or_default();
        let services = row.services.as_deref().map(|names| format!(", {}", visible(names))).unwrap_or_default();
        let line = format!("{process}{id}{services}, {}, by {}", row.state.name(), visible(&row.place()));
        if named.len() < LISTED && named.insert(line.clone()) {
            let _ = writeln!(text, "  process, by a host table: {line}");
        }
    }
    text
}

/// A line with the processes that the recording names at an endpoint, or nothing.
fn recorded_processes(case: &Case, ip: IpAddr, transport: Transport, port: u16) -> String {
    let at = |fact: &&SocketRow| (fact.local.ip, fact.local.port, fact.transport) == (ip, port, transport);
    let named = case.facts.sockets.iter().filter(at).map(|fact| (fact.process_name.as_str(), fact.process_id));
    let processes: BTreeSet<_> = named.collect();
    let named = processes.iter().take(LISTED).map(|(name, id)| format!("{} ({id})", visible(name)));
    let named = named.collect::<Vec<_>>().join("; ");
    match processes.len() {
        0 => String::new(),
        n if n > LISTED => format!("  process, by the recording: {named}; and {} more\n", count((n - LISTED) as u64)),
        _ => format!("  process, by the recording: {named}\n"),
    }
}

/// ", zone cell-1 (Packaging)", or nothing.
fn zone(case: &Case, ip: IpAddr) -> String {
    let zone = case.site.as_ref().and_then(|site| site.zone(ip));
    zone.map(|zone| format!(", zone {} ({})", zone.id, visible(&zone.title))).unwrap_or_default()
}

/// The port as a server's port.
fn served(
    case: &Case,
    judged: &Judged,
    ip: IpAddr,
    transport: Transport,
    port: u16,
    flows: &[&JudgedFlow],
    text: &mut String,
) {
    let total = flows.len() as u64;
    let _ = writeln!(
        text,
        "{} port {port}/{transport}, {}{}{}: called in {}",
        host_name(case, ip),
        roles(judged, ip),
        zone(case, ip),
        recorded(case, ip),
        counted(total, "flow", "flows")
    );
    text.push_str(&processes(case, ip, transport, port));
    let mut callers: BTreeMap<(IpAddr, &str, &str, &str), Vec<&JudgedFlow>> = BTreeMap::new();
    for flow in flows {
        let j = &flow.judgement;
        callers.entry((j.initiator.ip, j.status.name(), j.outcome.name(), &j.reason)).or_default().push(flow);
    }
    for ((caller, status, outcome, reason), flows) in callers.iter().take(LISTED) {
        let Some(first) = flows.first() else { continue };
        let calls = counted(flows.len() as u64, "flow", "flows");
        let _ = writeln!(
            text,
            "\n  from {} ({}{}{}): {calls}, {outcome}",
            host_name(case, *caller),
            roles(judged, *caller),
            zone(case, *caller),
            recorded(case, *caller)
        );
        if !first.judgement.service.is_empty() {
            let _ = writeln!(text, "    service    {}", visible(&first.judgement.service));
        }
        let _ = writeln!(text, "    status     {status}: {}", visible(reason));
        if !first.judgement.outcome_evidence.is_empty() {
            let _ = writeln!(text, "    evidence   {}", visible(&outcome_evidence(first)));
        }
        let orientation = first.judgement.orientation.name();
        let _ = writeln!(text, "    direction  {orientation}: {}", visible(&first.judgement.orientation_evidence));
        let at = iso_utc(first.facts.first_seen_ns);
        let _ = writeln!(text, "    first      frame {} of {}, {at}", first.facts.first_frame, visible(&first.capture));
        let _ = writeln!(text, "    filter     {}", first.display_filter());
    }
    if callers.len() > LISTED {
        let _ = writeln!(text, "\n  … and {} more", count((callers.len() - LISTED) as u64));
    }
    text.push('\n');
}

/// The port as the local port of a connection that its host opened.
fn used_locally(case: &Case, ip: IpAddr, transport: Transport, port: u16, flows: &[&JudgedFlow], text: &mut String) {
    let total = counted(flows.len() as u64, "flow", "flows");
    let names = recorded(case, ip);
    let _ = writeln!(text, "{}{names} used port {port}/{transport} as its own end of {total}:", host_name(case, ip));
    text.push_str(&processes(case, ip, transport, port));
    for flow in flows.iter().take(LISTED) {
        let j = &flow.judgement;
        let evidence = match j.outcome.is_blocked() {
            true => format!(" ({})", visible(&outcome_evidence(flow))),
            false => String::new(),
        };
        let _ = writeln!(
            text,
            "  to {} ({}), {}{evidence}, direction {}: frame {} of {}",
            j.responder,
            j.status.name(),
            j.outcome.name(),
            j.orientation.name(),
            flow.facts.first_frame,
            visible(&flow.capture)
        );
    }
    if flows.len() > LISTED {
        let _ = writeln!(text, "  … and {} more", count((flows.len() - LISTED) as u64));
    }
    text.push('\n');
}

/// What the documents say about the number, at whatever role.
fn documents(case: &Case, port: u16, text: &mut String) {
    let mut found = false;
    for transport in [Transport::Tcp, Transport::Udp] {
        for matched in case.catalog.statements(transport, port) {
            if !found {
                let _ = writeln!(text, "What the documents say about port {port}:");
                found = true;
            }
            let s = matched.statement;
            let _ = writeln!(
                text,
                "  {transport} {} at {}: {} ({})",
                s.ports,
                matched.places().join(", "),
                visible(&s.service),
                visible(&format!("{}, {}", matched.document.id, s.citation))
            );
            if let Some(note) = &s.note {
                let _ = writeln!(text, "      {}", visible(note));
            }
        }
    }
    if !found {
        let _ = writeln!(text, "No document mentions port {port}.");
    }
}

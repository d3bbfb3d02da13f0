//! `portproof report`: captures or facts to a report.

use super::flow_sums::FlowSums;
use super::flow_tables::flow_tables;
use super::print;
use crate::catalog::{DEFAULT_DYNAMIC_RANGE, PortRange, Site};
use crate::classification::{
    EndpointRow, Findings, HostTables, Judge, JudgedFlows, JudgedFrame, JudgedRows, ReducedFlow, Restarts,
    announcement_findings, endpoint_rows,
};
use crate::cli::args::{ReportArgs, ns};
use crate::cli::facts::{Case, gather};
use crate::cli::interrupt;
use crate::cli::outcome::{CliError, ExitStatus, tell};
use crate::cli::output::not_written;
use crate::cli::terminal;
use crate::dynamic_ports::curves::{accumulations, ports_in_use};
use crate::dynamic_ports::{HostCount, Known, PortCounts, count};
use crate::model::{AnnouncementRow, Cell, Endpoint, Finding, Restart, RestartKind, Status, Table, Transport};
use crate::policy::gate::{Recorded, gate};
use crate::policy::placement::place;
use crate::report::{
    PortUse, ReportData, ReportDir, ServiceRow, gaps, text::counted, text::iso_utc_seconds, text::visible, write_all,
};
use crate::store::write_table;
use polars::prelude::PolarsResult;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Attempts of which the answers may be out of sight that are worth a warning.
const MANY_UNHEARD: u64 = 10;
/// Restarts that are told one by one.
const RESTARTS: usize = 10;

pub(super) fn run(args: &ReportArgs, quiet: bool) -> Result<ExitStatus, CliError> {
    let dir = ReportDir::create(&args.output)?;
    let case = gather(&args.judge, true, quiet)?;
    let hosts = HostTables::of(&case.facts);
    let judge = case.judge(&hosts);
    let mut sums = FlowSums::of(&case.facts);
    let mut rows = JudgedRows::with_capacity(judge.len());
    flow_tables(&dir, &judge, |flow| {
        rows.push(&ReducedFlow::of(flow));
        sums.note(flow);
    })?;
    let frame = rows.frame()?;
    let known = Known {
        catalog: &case.catalog,
        site: case.site.as_ref(),
        judged: &judge,
        hosts: &hosts,
        time_wait_ns: args.time_wait.map(ns),
    };
    let counts = count(&known, &frame, &case.facts.captures)?;
    let services = services(&judge, &frame, &case)?;
    let data = data(
        args,
        &Told { case: &case, hosts: &hosts, judge: &judge, addresses: &frame.hosts },
        sums,
        counts,
        services,
    );
    drop(frame);
    for table in write_all(&dir, &data)? {
        parquet(&dir, &table)?;
    }
    interrupt::check()?;
    let place = dir.commit()?;
    if !quiet {
        let page = super::page();
        print(&terminal::summary(&data, page.width, page.colour))?;
        print(&format!("Open {}\n", visible(&shown(args, &place))))?;
    }
    Ok(status(args, &case, &judge, &data))
}

/// What the flows were judged by.
struct Told<'a> {
    case: &'a Case,
    hosts: &'a HostTables<'a>,
    judge: &'a Judge<'a>,
    /// All hosts of the flows.
    addresses: &'a [IpAddr],
}

/// Writes a table that errors call by the name that it would have had.
fn parquet(dir: &ReportDir, table: &Table) -> Result<(), CliError> {
    let name = format!("{}.parquet", table.name);
    write_table(&dir.path_of(&name)?, &table.columns, &table.rows, |position, row| Cell::from(&row[position]))
        .map_err(|error| not_written(&dir.target().join(&name), error))
}

/// The page as the user named its folder.
fn shown(args: &ReportArgs, place: &std::path::Path) -> String {
    let folder = if args.output.is_absolute() { place } else { args.output.as_path() };
    folder.join("index.html").to_string_lossy().into_owned()
}

fn status(args: &ReportArgs, case: &Case, judge: &Judge<'_>, data: &ReportData) -> ExitStatus {
    if case.damaged {
        return ExitStatus::Damaged;
    }
    if judge.is_empty() {
        tell(
            "no TCP or UDP packet could be metered: there is nothing to judge (the tally says what became of the frames)",
        );
        return ExitStatus::NoEvidence;
    }
    if !args.check {
        return ExitStatus::Done;
    }
    if data.findings.iter().any(|finding| finding.kind.is_negative()) || !data.blocked.is_empty() {
        return ExitStatus::Findings;
    }
    // That nothing was found says little where not all was seen.
    let mut reasons = gaps::why_no_verdict(&case.facts.captures, &case.facts.losses);
    reasons.extend(gaps::too_one_sided(&data.tcp_sides));
    for reason in &reasons {
        tell(&format!("no verdict: {reason}"));
    }
    if reasons.is_empty() { ExitStatus::Done } else { ExitStatus::NoEvidence }
}

fn data(
    args: &ReportArgs,
    told: &Told<'_>,
    sums: FlowSums<'_>,
    counts: PortCounts,
    services: Vec<ServiceRow>,
) -> ReportData {
    let Told { case, judge, .. } = *told;
    let site = case.site.as_ref();
    let first = case.facts.captures.iter().filter_map(|c| c.first_ns).min();
    let last = case.facts.captures.iter().filter_map(|c| c.last_ns).max();
    let announcements = sums.calls.rows(&case.catalog);
    let folder = args.output.file_name().map_or_else(|| "report".into(), |name| name.to_string_lossy().into_owned());
    let skipped = case.skipped.iter().map(|reason| format!("Not read: {reason}."));
    let losses = case.facts.losses.iter().map(|(kind, count)| gaps::loss_sentence(kind, *count));
    let site_warnings = site.map(Site::warnings).unwrap_or_default().iter().map(|w| format!("Site file: {w}."));
    let tcp_sides = sums.one_sided.tcp_sides();
    let one_sided = sums.one_sided.finish();
    let lost = case.gaps();
    let recorded = Recorded {
        seconds: counts.recorded_s,
        cycle_s: args.work_cycle.as_secs_f64(),
        one_sided: &one_sided,
        lost: &lost,
    };
    let serves = |count: &&HostCount| count.epochs.iter().any(|epoch| epoch.estimate.seen > 0);
    let gates = counts.counts.iter().filter(serves).map(|count| gate(count, &recorded)).collect();
    let places = places(told, &counts, &services);
    let doubts = doubts(told, sums.handshake_copies, &counts.counts);
    let name = |ip| site.map_or("", |site| site.name(ip));
    ReportData {
        title: folder,
        tool_version: env!("CARGO_PKG_VERSION"),
        site_name: site.map(|site| site.name.clone()).filter(|name| !name.is_empty()),
        roles_guessed: judge.roles.are_guessed(),
        captures: case.facts.captures.clone(),
        hosts: counts.hosts,
        gates,
        places,
        idle: counts.idle,
        accumulations: accumulations(&counts.counts, name),
        in_use: ports_in_use(&counts.counts, name),
        counts: counts.counts,
        names: case.names(),
        listeners: counts.listeners,
        blocked: sums.blocked.finish(),
        one_sided,
        timing_only_flows: sums.timing_only,
        tcp_sides,
        findings: all_findings(sums.findings, &announcements),
        announcements,
        services,
        statuses: sums.statuses,
        outcomes: sums.outcomes,
        orientations: sums.orientations,
        ephemeral: counts
            .ephemeral
            .into_iter()
            .map(|(host, transport, port)| PortUse { host, transport, port })
            .collect(),
        dynamic_range: DEFAULT_DYNAMIC_RANGE,
        warnings: skipped.chain(losses).chain(doubts).chain(site_warnings).collect(),
        start_ns: first,
        end_ns: last,
    }
}

/// Where a range for RPC listeners could be, for each host that serves: without ports that a document names, that the host was seen to
/// serve at, or that its tables show somebody waiting at.
fn places(told: &Told<'_>, counts: &PortCounts, services: &[ServiceRow]) -> BTreeMap<IpAddr, PortRange> {
    let Told { case, hosts, .. } = told;
    let named: BTreeSet<u16> = case.catalog.static_ports_in(1..=u16::MAX).into_iter().map(|at| at.port).collect();
    let mut served: BTreeMap<IpAddr, BTreeSet<u16>> = BTreeMap::new();
    for service in services {
        served.entry(service.responder.ip).or_default().insert(service.responder.port);
    }
    let of = |count: &HostCount| {
        let ports =
            count.sizing.rpc.filter(|_| count.transport == Transport::Tcp && count.sizing.measured.listeners > 0)?;
        let mut taken = served.get(&count.host).cloned().unwrap_or_default();
        taken.extend(&named);
        taken.extend(hosts.all(count.host).map(|socket| socket.port));
        taken.extend(hosts.excluded(count.host, count.transport).flat_map(|block| block.start..=block.end));
        taken.extend(count.range.ephemeral.clone());
        Some((count.host, place(ports, &taken)?))
    };
    counts.counts.iter().filter_map(of).collect()
}

/// What flows and announcements give to look at, by kind.
fn all_findings(findings: Findings, announcements: &[AnnouncementRow]) -> Vec<Finding> {
    let mut all = announcement_findings(announcements);
    all.extend(findings.finish());
    all.sort_by_key(|finding| finding.kind);
    all
}

/// What the flows themselves say about the recording and the site file.
fn doubts(told: &Told<'_>, copies: u64, counts: &[HostCount]) -> Vec<String> {
    let Told { case, judge, addresses, .. } = told;
    let mut doubts = Vec::new();
    if judge.openings_only() {
        doubts.push(
            "Only segments that open or reset connections were recorded (a capture filter?): whether anything was answered, \
             refused or closed cannot be told of most."
                .to_owned(),
        );
    }
    let attempts = counted(judge.unheard, "attempt", "attempts");
    if judge.unheard > 0 && case.facts.captures.iter().any(|capture| capture.filter.is_some()) {
        doubts.push(format!(
            "A filter was in use and may have kept answers away: nothing is called unanswered, and {attempts} to which nothing \
             came back can be neither blocked nor part of a sweep."
        ));
    } else if judge.unheard >= MANY_UNHEARD && !judge.openings_only() {
        doubts.push(format!(
            "To {attempts} nothing came back, but nothing shows that the recording would hold the answers (a tap of one \
             direction?): they are undetermined, not unanswered."
        ));
    }
    doubts.extend(restarts(&judge.restarts));
    let outside = counts.iter().filter(|count| !count.outside.is_empty());
    doubts.extend(outside.take(RESTARTS).map(|count| {
        format!(
            "{} {}: {} of 49152-65535 used outside of the range that is stated for the host ({}-{}, {}); these ports are in no count. Was \
             it stated for another time?",
            count.host,
            count.transport,
            counted(count.outside.len() as u64, "port was", "ports were"),
            count.range.ephemeral.start(),
            count.range.ephemeral.end(),
            count.range.source.name(),
        )
    }));
    if copies > 0 {
        doubts.push(format!(
            "SYN and SYN-ACK seen twice within 200 ms: {copies}. Two taps, or a mirror that copies packets; they repeat \
             nothing."
        ));
    }
    let named = |site: &Site| addresses.iter().any(|ip| site.host(*ip).is_some());
    if case.site.as_ref().is_some_and(|site| site.hosts().next().is_some() && !named(site)) && !judge.is_empty() {
        doubts.push("The site file names none of the hosts in these captures: is it the right one?".to_owned());
    }
    doubts
}

/// Which hosts and services restarted, and what that means for the counts.
fn restarts(restarts: &Restarts) -> Vec<String> {
    let all = restarts.all();
    let sentence = |restart: &Restart| {
        let Restart { host, evidence, .. } = restart;
        let (before, after) = (iso_utc_seconds(restart.before_ns), iso_utc_seconds(restart.after_ns));
        let place = match restart.frame {
            0 => String::new(),
            frame => format!(" ({} frame {frame})", restart.capture),
        };
        match restart.kind {
            RestartKind::Host => format!(
                "{host} seems to have restarted between {before} and {after}: {evidence}{place}. Its ports from before and after are \
                 never counted together; the counts are those of the time with the most listeners."
            ),
            RestartKind::Service => format!(
                "A service of {host} seems to have restarted between {before} and {after}: {evidence}{place}. The two ports count as \
                 one listener."
            ),
        }
    };
    let mut told: Vec<String> = all.iter().take(RESTARTS).map(sentence).collect();
    if all.len() > RESTARTS {
        told.push(format!("{} more restarts are not listed here.", all.len() - RESTARTS));
    }
    told
}

/// Every responding endpoint, from the reduction of that name.
fn services(judge: &Judge<'_>, frame: &JudgedFrame, case: &Case) -> PolarsResult<Vec<ServiceRow>> {
    let row = |row: EndpointRow| {
        let first = judge.flow(row.first_flow)?;
        let worst = judge.flow(row.worst_flow)?.into_owned().judgement;
        Some(ServiceRow {
            responder: Endpoint { ip: row.host, port: row.port },
            name: case.site.as_ref().map_or(String::new(), |site| site.name(row.host).to_owned()),
            transport: row.transport,
            service: worst.service,
            reason: worst.reason,
            status: worst.status,
            clients: row.clients,
            flows: row.flows,
            wire_bytes: row.wire_bytes,
            first_seen_ns: row.first_seen_ns,
            last_seen_ns: row.last_seen_ns,
            capture: first.capture.to_string(),
            first_frame: first.facts.first_frame,
        })
    };
    let mut services: Vec<ServiceRow> = endpoint_rows(frame, false)?.into_iter().filter_map(row).collect();
    let rank = |s: &ServiceRow| Status::ALL.iter().position(|status| *status == s.status);
    services.sort_by_key(|s: &ServiceRow| -> (Option<usize>, IpAddr, Transport, u16) {
        (rank(s), s.responder.ip, s.transport, s.responder.port)
    });
    Ok(services)
}

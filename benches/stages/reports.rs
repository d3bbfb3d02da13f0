//! From judged rows to bytes.

use criterion::{BenchmarkGroup, measurement::WallTime};
use portproof::catalog::{Catalog, DEFAULT_DYNAMIC_RANGE};
use portproof::classification::{
    Judged, announcement_findings, announcement_rows, blocked_attempts, findings, one_sided_pairs, tcp_sides,
};
use portproof::dynamic_ports::PortCounts;
use portproof::report::{ReportData, csv, html, json, tables};
use portproof::store::Facts;
use std::collections::BTreeMap;

pub(crate) fn benches(
    group: &mut BenchmarkGroup<'_, WallTime>,
    facts: &Facts,
    catalog: &Catalog,
    judged: &Judged,
    counts: PortCounts,
) {
    let data = data(facts, catalog, judged, counts);
    group.bench_function("report: tables", |bencher| {
        bencher.iter(|| {
            let mut bytes = Vec::new();
            for table in tables::all(&data) {
                csv::write_table(&mut bytes, &table).expect("a vector takes everything");
                json::write_table(&mut bytes, &table).expect("a vector takes everything");
            }
            bytes
        });
    });
    group.bench_function("report: page", |bencher| {
        bencher.iter(|| html::page(&data).expect("charts that can be drawn"))
    });
}

/// What a report has most rows of. What is a handful of rows in any report is left out.
fn data(facts: &Facts, catalog: &Catalog, judged: &Judged, counts: PortCounts) -> ReportData {
    let announcements = announcement_rows(facts, judged, catalog);
    let mut all = announcement_findings(&announcements);
    all.extend(findings(&judged.flows));
    ReportData {
        title: "benchmark".into(),
        tool_version: env!("CARGO_PKG_VERSION"),
        site_name: None,
        roles_guessed: judged.roles.are_guessed(),
        captures: facts.captures.clone(),
        hosts: counts.hosts,
        counts: counts.counts,
        gates: Vec::new(),
        places: BTreeMap::new(),
        idle: counts.idle,
        accumulations: Vec::new(),
        in_use: Vec::new(),
        names: BTreeMap::new(),
        listeners: counts.listeners,
        blocked: blocked_attempts(&judged.flows),
        one_sided: one_sided_pairs(&judged.flows),
        announcements,
        timing_only_flows: 0,
        tcp_sides: tcp_sides(&judged.flows),
        findings: all,
        services: Vec::new(),
        statuses: Vec::new(),
        outcomes: Vec::new(),
        orientations: Vec::new(),
        ephemeral: Vec::new(),
        dynamic_range: DEFAULT_DYNAMIC_RANGE,
        warnings: Vec::new(),
        start_ns: facts.captures.iter().filter_map(|capture| capture.first_ns).min(),
        end_ns: facts.captures.iter().filter_map(|capture| capture.last_ns).max(),
    }
}

//! Calls and the announcements that led to them, against what the kernel and an independent tool saw. Run by `.ci/run`, or with
//!
//! ```text
//! PORTPROOF_SHARED=../shared cargo test --test conformance_referral -- --ignored --nocapture
//! ```

#![allow(clippy::print_stdout, reason = "what was skipped, and the figures, are for the reader of the run")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by failing")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use support::{Row, csv_file, flows, number, portproof, shared, tsv};

/// Calls that the timing rule may tie although nobody announced their port.
const MOST_FALSE_TIES: usize = 2;

/// Client address and port, server address and port.
type Call = (String, u16, String, u16);

fn call(row: &Row) -> Call {
    let port = |column: &str| u16::try_from(number(row, column)).unwrap();
    (row["initiator_ip"].clone(), port("initiator_port"), row["responder_ip"].clone(), port("responder_port"))
}

/// The lab's connections: each call, and the broker's port that announced it.
fn lab(folder: &Path) -> Vec<(Call, Option<u64>, serde_json::Value)> {
    let truth: serde_json::Value = serde_json::from_slice(&std::fs::read(folder.join("truth.json")).unwrap()).unwrap();
    let end = |side: &serde_json::Value| {
        let port = u16::try_from(side["port"].as_u64().unwrap_or(0)).unwrap();
        (side["ip"].as_str().unwrap_or_default().to_owned(), port)
    };
    let connections = truth["connections"].as_array().unwrap().iter();
    let told = connections.filter(|connection| connection["on_wire"] == true).map(|connection| {
        let ((client, client_port), (server, server_port)) = (end(&connection["client"]), end(&connection["server"]));
        let broker = connection["announced_by"]["port"].as_u64();
        ((client, client_port, server, server_port), broker, connection.clone())
    });
    told.collect()
}

#[test]
#[ignore = "needs the outside lab run"]
fn every_announced_call_of_the_lab_is_tied_to_its_announcement() {
    let Some(folder) = shared("lab/sample") else { return };
    let rows = flows([folder.join("cap/core_full.pcap")]);
    let by_call: BTreeMap<Call, &Row> = rows.iter().map(|row| (call(row), row)).collect();
    let mut missed = 0;
    let mut brokers: BTreeMap<u64, usize> = BTreeMap::new();
    let mut announced = BTreeSet::new();
    for (call, broker, connection) in lab(&folder) {
        // The lab's licence manager is a stand-in with bytes of its own, and a notification's port stands in a document's text.
        let Some(broker) = broker.filter(|port| [135, 1434].contains(port)) else { continue };
        announced.insert(call.clone());
        let row = by_call[&call];
        *brokers.entry(broker).or_default() += 1;
        if row["announced_tie"] != "announced" || row["announced_by"].is_empty() {
            missed += 1;
            println!("{call:?} {} broker {broker}: {} {}", connection["service"], row["announced_tie"], row["reason"]);
        }
    }
    println!("announced calls by the broker's port: {brokers:?}, {missed} not tied");
    assert_eq!(missed, 0);
    assert_eq!(
        (brokers[&135], brokers[&1434]),
        (19, 2),
        "17 that got through, 2 that were blocked, and the SQL browser's"
    );
    // Whatever else is tied closely must be a port that somebody announced.
    let besides: Vec<&Row> =
        rows.iter().filter(|row| row["announced_tie"] == "announced" && !announced.contains(&call(row))).collect();
    besides.iter().for_each(|row| println!("besides: {:?} {} {}", call(row), row["announced_by"], row["reason"]));
    assert!(besides.is_empty());
}

#[test]
#[ignore = "needs the outside lab run"]
fn announced_ports_that_were_blocked_are_findings() {
    let Some(folder) = shared("lab/sample") else { return };
    let target = tempfile::tempdir().unwrap();
    let report = target.path().join("report");
    portproof(["-q", "report", folder.join("cap/core_full.pcap").to_str().unwrap(), "-o", report.to_str().unwrap()])
        .expect(0);
    let findings = csv_file(&report.join("findings.csv"));
    let found: BTreeSet<(String, String, u64)> = findings
        .iter()
        .filter(|row| row["kind"] == "announced-blocked")
        .map(|row| (row["initiator_ip"].clone(), row["responder_ip"].clone(), number(row, "responder_port")))
        .collect();
    let failed = |connection: &serde_json::Value| connection["result"] != "established";
    let expected: BTreeSet<(String, String, u64)> = lab(&folder)
        .into_iter()
        .filter(|(_, broker, connection)| broker.is_some() && failed(connection))
        .map(|((client, _, server, port), _, _)| (client, server, port.into()))
        .collect();
    println!("{expected:?}");
    assert!(!expected.is_empty());
    assert_eq!(found, expected);
}

#[test]
#[ignore = "needs the outside lab run"]
fn where_answers_are_cut_off_timing_ties_the_calls_of_the_mapper() {
    let Some(folder) = shared("lab/sample") else { return };
    let rows = flows([folder.join("cap/core_128.pcap")]);
    let truth = lab(&folder);
    let by_mapper: BTreeSet<&Call> =
        truth.iter().filter(|(_, broker, _)| *broker == Some(135)).map(|(call, _, _)| call).collect();
    let by_anybody: BTreeSet<&Call> =
        truth.iter().filter(|(_, broker, _)| broker.is_some()).map(|(call, _, _)| call).collect();
    let tied: BTreeSet<Call> = rows.iter().filter(|row| row["announced_tie"] == "timing-only").map(call).collect();
    let missed: Vec<&&Call> = by_mapper.iter().filter(|call| !tied.contains(**call)).collect();
    let wrong: Vec<&Call> = tied.iter().filter(|call| !by_anybody.contains(call)).collect();
    println!("tied by timing {} of {}; missed {missed:?}; wrong {wrong:?}", tied.len(), by_mapper.len());
    assert!(missed.is_empty());
    assert!(wrong.len() <= MOST_FALSE_TIES);
}

#[test]
#[ignore = "needs the outside corpus"]
fn the_ports_that_the_corpus_announces_are_followed_as_the_other_tool_counts() {
    let Some(corpus) = shared("corpus") else { return };
    let mut by_file: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for row in tsv(&corpus.join("truth/announced_ports.tsv")) {
        by_file.entry(row["file"].clone()).or_default().push(row);
    }
    let (mut all, mut tied, mut differ) = (0, 0, 0);
    for (file, ports) in by_file {
        let rows = flows([corpus.join(&file)]);
        for port in ports {
            let is = |row: &Row, side: &str| {
                row[&format!("{side}_ip")] == port["server_ip"] && row[&format!("{side}_port")] == port["port"]
            };
            // A call that is turned around counts as one that is not tied.
            let to = |row: &&Row| row["protocol"] == "tcp" && (is(row, "responder") || is(row, "initiator"));
            let connections = rows.iter().filter(to);
            let promised = port["source"] != "epm_lookup";
            let count = connections.clone().count();
            let explained = connections.filter(|row| !row["announced_tie"].is_empty()).count();
            let theirs = number(&port, "conns_total") as usize;
            if promised {
                all += theirs;
                tied += explained;
            }
            // The other tool counts connections that open or say something; ours are also those of which only keep-alives are there.
            if count < theirs || (promised && explained != count) {
                differ += 1;
                println!(
                    "{file} {}:{} {}: {count} calls, tied {explained}, theirs {theirs} {}",
                    port["server_ip"], port["port"], port["source"], port["states"]
                );
            }
        }
    }
    println!("{tied} of {all} calls of announced ports are tied; {differ} rows differ");
    assert_eq!(differ, 0);
}

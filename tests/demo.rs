//! The report on the demo recording says what the truth file says, and nothing besides.
//!
//! The truth was taken down from the script that was played, never from reading the recording: see `captures/README.md`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by failing")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::OnceLock;
use support::{Row, csv_file, json_rows, number, portproof};
use tempfile::TempDir;
use toml::{Table, Value};

fn truth() -> Table {
    std::fs::read_to_string(support::root().join("captures/backup-run.truth.toml")).unwrap().parse().unwrap()
}

fn list<'a>(table: &'a Table, name: &str) -> Vec<&'a Table> {
    let entries = table.get(name).unwrap_or_else(|| panic!("no {name}")).as_array().unwrap();
    entries.iter().map(|entry| entry.as_table().unwrap()).collect()
}

fn text<'a>(table: &'a Table, name: &str) -> &'a str {
    table.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("no text {name} in {table}"))
}

fn integer(table: &Table, name: &str) -> u64 {
    table.get(name).and_then(Value::as_integer).unwrap_or_else(|| panic!("no number {name} in {table}")) as u64
}

fn ports(table: &Table, name: &str) -> BTreeSet<u64> {
    table[name].as_array().unwrap().iter().map(|port| port.as_integer().unwrap() as u64).collect()
}

fn address(endpoint: &str) -> (String, u64) {
    let (ip, port) = endpoint.rsplit_once(':').unwrap();
    (ip.to_owned(), port.parse().unwrap())
}

/// Makes a report in a folder of its own.
fn report() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("backup-run");
    let [capture, site] = [support::demo(), support::demo_site()].map(|path| path.into_os_string());
    let arguments = ["-q".into(), "report".into(), capture, "--site".into(), site, "-o".into(), report.clone().into()];
    let run = portproof(arguments).expect(0);
    assert_eq!((run.text().as_str(), run.stderr.as_str()), ("", ""), "quiet is quiet");
    (folder, report)
}

/// The report that most tests read.
fn table(name: &str) -> Vec<Row> {
    static REPORT: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    csv_file(&REPORT.get_or_init(report).1.join(format!("{name}.csv")))
}

/// Initiator, responder, port, protocol, status or kind, outcome, flows, first frame.
type Contact = (String, String, u64, String, String, String, u64, u64);

fn contact(row: &Row, kind: &str) -> Contact {
    let cell = |name: &str| row[name].clone();
    let (port, flows, frame) = (number(row, "responder_port"), number(row, "flows"), number(row, "first_frame"));
    (cell("initiator_ip"), cell("responder_ip"), port, cell("protocol"), cell(kind), cell("outcome"), flows, frame)
}

fn true_contact(entry: &Table) -> Contact {
    let (ip, port) = address(text(entry, "responder"));
    let cell = |name| text(entry, name).to_owned();
    let (flows, frame) = (integer(entry, "connections"), integer(entry, "first_frame"));
    (cell("initiator"), ip, port, cell("transport"), cell("status"), cell("outcome"), flows, frame)
}

#[test]
fn the_numbers_of_the_guide_come_out() {
    let hosts = table("hosts");
    let listeners = |ip: &str| {
        number(hosts.iter().find(|h| h["host_ip"] == ip && h["protocol"] == "tcp").unwrap(), "dynamic_listener_ports")
    };
    assert_eq!((listeners("10.20.30.20"), listeners("10.20.30.30")), (51, 68));
}

#[test]
fn listening_ports_are_exactly_those_played() {
    let truth = truth();
    let (hosts, listeners) = (table("hosts"), table("listeners"));
    for host in list(&truth, "host") {
        let ip = text(host, "address");
        let of = |wanted: &str| -> BTreeSet<u64> {
            let rows = listeners.iter().filter(|l| l["host_ip"] == ip && l["status"].starts_with(wanted));
            rows.inspect(|l| assert_eq!(l["protocol"], "tcp")).map(|l| number(l, "port")).collect()
        };
        assert_eq!(of("dynamic"), ports(host, "dynamic_listeners"), "{ip}");
        assert_eq!(of("dynamic-unexplained"), ports(host, "dynamic_listeners_unexplained"), "{ip}");
        let row = hosts.iter().find(|h| h["host_ip"] == ip && h["protocol"] == "tcp");
        let count = |column: &str| row.map_or(0, |row| number(row, column));
        assert_eq!(count("dynamic_listener_ports"), of("dynamic").len() as u64, "{ip}");
        assert_eq!(count("unexplained_listener_ports"), of("dynamic-unexplained").len() as u64, "{ip}");
        assert_eq!(count("explained_listener_ports"), of("dynamic-explained").len() as u64, "{ip}");
        assert_eq!(count("static_in_range_ports"), ports(host, "static_in_range").len() as u64, "{ip}");
    }
    let known: BTreeSet<&str> = list(&truth, "host").iter().map(|h| text(h, "address")).collect();
    for row in hosts.iter().chain(&listeners) {
        assert!(known.contains(row["host_ip"].as_str()), "nobody played {row:?}");
    }
}

#[test]
fn each_listener_has_its_clients_flows_and_first_frame() {
    let truth = truth();
    let played: BTreeSet<_> = list(&truth, "listener")
        .into_iter()
        .map(|l| {
            let (ip, port) = address(text(l, "endpoint"));
            let clients = l["clients"].as_array().unwrap().len() as u64;
            let explained = text(l, "explained_by") != "nothing";
            (ip, port, clients, integer(l, "connections"), integer(l, "first_frame"), explained)
        })
        .collect();
    let dynamic = |l: &&Row| l["status"].starts_with("dynamic");
    let found: BTreeSet<_> = table("listeners")
        .iter()
        .filter(dynamic)
        .map(|l| {
            let explained = l["status"] == "dynamic-explained";
            let n = |column| number(l, column);
            (l["host_ip"].clone(), n("port"), n("clients"), n("flows"), n("first_frame"), explained)
        })
        .collect();
    assert_eq!(found, played);
}

#[test]
fn ephemeral_ports_and_peaks_are_those_played() {
    let truth = truth();
    let hosts = table("hosts");
    for host in list(&truth, "host") {
        for protocol in ["tcp", "udp"] {
            let ip = text(host, "address");
            let row = hosts.iter().find(|h| h["host_ip"] == ip && h["protocol"] == protocol);
            let counted = |column: &str| row.map_or(0, |row| number(row, column));
            let played = |name: &str| integer(host, &format!("{name}_{protocol}"));
            assert_eq!(counted("ephemeral_ports"), played("ephemeral_ports"), "{ip} {protocol}");
            assert_eq!(counted("peak_in_use_ports"), played("peak_in_use"), "{ip} {protocol}");
            assert_eq!(counted("peak_held_ports"), played("peak_held"), "{ip} {protocol}");
            if let Some(row) = row {
                assert_eq!(number(row, "epochs"), integer(host, "epochs"), "{ip} {protocol}");
            }
        }
    }
}

#[test]
fn undocumented_flows_are_exactly_those_played() {
    let truth = truth();
    let undocumented = |f: &&Row| f["kind"] == "undocumented" || f["kind"] == "dynamic-unexplained";
    let found: BTreeSet<Contact> = table("findings").iter().filter(undocumented).map(|f| contact(f, "kind")).collect();
    assert_eq!(found, list(&truth, "undocumented").into_iter().map(true_contact).collect());
}

#[test]
fn blocked_attempts_are_exactly_those_played() {
    let truth = truth();
    let rows = table("blocked");
    let found: BTreeSet<(Contact, u64)> = rows.iter().map(|b| (contact(b, "status"), number(b, "packets"))).collect();
    let played = list(&truth, "blocked").into_iter().map(|b| (true_contact(b), integer(b, "tries"))).collect();
    assert_eq!(found, played);
    for attempt in list(&truth, "blocked").into_iter().filter(|b| text(b, "status").starts_with("documented")) {
        let frame = integer(attempt, "first_frame");
        let row = rows.iter().find(|b| number(b, "first_frame") == frame).unwrap();
        let (told, played) = (&row["service"], text(attempt, "service"));
        assert!(told.contains(played), "the documents name {played}, the report says \"{told}\"");
    }
}

#[test]
fn unexpected_peers_are_exactly_those_played() {
    let truth = truth();
    let mut found: BTreeMap<(String, String, u64), (u64, u64, String)> = BTreeMap::new();
    for flow in table("flows").iter().filter(|f| f["status"] == "documented-port-unexpected-peer") {
        let key = (flow["initiator_ip"].clone(), flow["responder_ip"].clone(), number(flow, "responder_port"));
        let entry = found.entry(key).or_insert((0, u64::MAX, flow["outcome"].clone()));
        assert_eq!(entry.2, flow["outcome"]);
        *entry = (entry.0 + 1, entry.1.min(number(flow, "first_frame")), entry.2.clone());
    }
    let played: BTreeMap<_, _> = list(&truth, "unexpected_peer")
        .into_iter()
        .map(true_contact)
        .map(|(from, to, port, _, _, outcome, flows, frame)| ((from, to, port), (flows, frame, outcome)))
        .collect();
    assert_eq!(found, played);
}

#[test]
fn findings_are_these_and_nothing_besides() {
    let truth = truth();
    let mut found: Vec<Contact> = table("findings").iter().map(|f| contact(f, "kind")).collect();
    // The endpoint mapper announced one port that its client did not reach. The finding begins with the announcement.
    let announced: Vec<Contact> = found.extract_if(.., |finding| finding.4 == "announced-blocked").collect();
    let mut blocked = list(&truth, "blocked").into_iter();
    let dropped = blocked.find(|attempt| text(attempt, "service").starts_with("announced")).unwrap();
    let [(from, to, port, _, _, outcome, flows, frame)] = &announced[..] else { panic!("{announced:?}") };
    assert_eq!(
        (from.as_str(), format!("{to}:{port}").as_str()),
        (text(dropped, "initiator"), text(dropped, "responder"))
    );
    assert_eq!((outcome.as_str(), *flows), (text(dropped, "outcome"), integer(dropped, "connections")));
    assert!(*frame < integer(dropped, "first_frame"));
    let mut played: Vec<Contact> = list(&truth, "undocumented").into_iter().map(true_contact).collect();
    // Attempts that did not get through stand in a table of their own, whoever made them.
    let got_through = list(&truth, "unexpected_peer").into_iter().map(true_contact).filter(|c| c.5 == "established");
    played.extend(got_through.map(|c| (c.0, c.1, c.2, c.3, "unexpected-peer".to_owned(), c.5, c.6, c.7)));
    found.sort();
    played.sort();
    assert_eq!(found, played);
}

#[test]
fn totals_by_status_and_outcome_are_those_played() {
    let truth = truth();
    let recording = truth["recording"].as_table().unwrap();
    let counts = |table: &Table| -> BTreeMap<String, u64> {
        let known = table.iter().map(|(name, n)| (name.clone(), n.as_integer().unwrap() as u64));
        known.filter(|(_, n)| *n > 0).collect()
    };
    let told = |name: &str, column: &str| -> BTreeMap<String, u64> {
        let rows = table(name);
        rows.iter().map(|r| (r[column].clone(), number(r, "flows"))).filter(|(_, n)| *n > 0).collect()
    };
    assert_eq!(told("statuses", "status"), counts(recording["statuses"].as_table().unwrap()));
    let flows = table("flows");
    let mut both = BTreeMap::new();
    for protocol in ["tcp", "udp"] {
        let mut outcomes = BTreeMap::new();
        for flow in flows.iter().filter(|f| f["protocol"] == protocol) {
            *outcomes.entry(flow["outcome"].clone()).or_insert(0) += 1;
            *both.entry(flow["outcome"].clone()).or_insert(0) += 1;
        }
        assert_eq!(outcomes, counts(recording[&format!("{protocol}_outcomes")].as_table().unwrap()));
        assert_eq!(outcomes.values().sum::<u64>(), integer(recording, &format!("{protocol}_flows")));
    }
    assert_eq!(told("outcomes", "outcome"), both);
}

#[test]
fn every_frame_is_accounted_for() {
    let truth = truth();
    let recording = truth["recording"].as_table().unwrap();
    let captures = table("captures");
    let [capture] = captures.as_slice() else { panic!("one capture, not {captures:?}") };
    assert_eq!(number(capture, "read_frames"), integer(recording, "frames"));
    assert_eq!(number(capture, "metered_frames"), integer(recording, "frames_in_flows"));
    assert_eq!(number(capture, "first_frame_ns"), integer(recording, "first_ns"));
    assert_eq!(number(capture, "last_frame_ns"), integer(recording, "last_ns"));
    assert_eq!((capture["end"].as_str(), number(capture, "dropped_packets")), ("complete", 0));
    assert_eq!(table("fates").iter().map(|f| number(f, "frames")).sum::<u64>(), integer(recording, "frames"));
    let packets = |f: &Row| number(f, "forward_packets") + number(f, "reverse_packets");
    assert_eq!(table("flows").iter().map(packets).sum::<u64>(), integer(recording, "frames_in_flows"));
}

#[test]
fn direction_is_that_of_the_syn() {
    let frames = support::captures::read(&std::fs::read(support::demo()).unwrap()).packets;
    for flow in table("flows").iter().filter(|f| f["protocol"] == "tcp") {
        // Ethernet and IPv4 without options, as the generator makes them.
        let frame = &frames[number(flow, "first_frame") as usize - 1].data;
        let port = |at: usize| u16::from_be_bytes([frame[at], frame[at + 1]]).to_string();
        let ip = |at: usize| frame[at..at + 4].iter().map(u8::to_string).collect::<Vec<_>>().join(".");
        if frame[47] & 0x12 == 2 {
            let sent = (ip(26), port(34), ip(30), port(36));
            let told = ["initiator_ip", "initiator_port", "responder_ip", "responder_port"].map(|c| flow[c].clone());
            assert_eq!([sent.0, sent.1, sent.2, sent.3], told);
            assert_eq!(flow["orientation"], "certain");
        }
    }
}

#[test]
fn the_three_forms_of_a_table_agree() {
    let (_folder, report) = report();
    let names = support::names_in(&report);
    let tables: Vec<&str> = names.iter().filter_map(|name| name.strip_suffix(".csv")).collect();
    assert!(tables.contains(&"flows") && tables.contains(&"hosts") && tables.contains(&"findings"), "{names:?}");
    for table in tables {
        let json = json_rows(&std::fs::read(report.join(format!("{table}.json"))).unwrap());
        support::assert_same_rows(&json, &csv_file(&report.join(format!("{table}.csv"))), table);
        assert!(names.contains(&format!("{table}.parquet")), "{table}");
    }
}

#[test]
fn two_runs_give_the_same_bytes() {
    let ((_a, first), (_b, second)) = (report(), report());
    let names = support::names_in(&first);
    assert_eq!(names, support::names_in(&second));
    for name in names {
        let [a, b] = [&first, &second].map(|report| std::fs::read(report.join(&name)).unwrap());
        let differ = a.iter().zip(&b).position(|(a, b)| a != b);
        assert!(a == b, "{name} differs: {} and {} bytes, first at {differ:?}", a.len(), b.len());
    }
}

#[test]
fn the_page_needs_nothing_but_itself() {
    let (_folder, report) = report();
    let page = std::fs::read_to_string(report.join("index.html")).unwrap();
    let lower = page.to_lowercase();
    for tag in ["<script", "<link", "<iframe", "<object", "<embed", "<base", "<meta http-equiv=\"refresh"] {
        assert!(!lower.contains(tag), "{tag}");
    }
    for attribute in ["src=", "href=", "srcset=", "poster=", "action=", "url("] {
        for (at, _) in lower.match_indices(attribute) {
            let value = lower[at + attribute.len()..].trim_start_matches(['"', '\'', ' ']);
            let inside = value.starts_with('#') || value.starts_with("data:");
            let beside = report.join(value.split(['"', '\'', '#', ')']).next().unwrap()).is_file();
            assert!(inside || beside, "{attribute}{}", value.chars().take(60).collect::<String>());
        }
    }
    assert!(!lower.contains("@import") && !lower.contains("javascript:"));
    assert!(
        !(0..lower.len()).any(|at| lower.is_char_boundary(at) && is_event_handler(&lower[at..])),
        "an event handler"
    );
    assert!(lower.matches("<svg").count() >= 2, "two charts");
    for number in [">51", ">68"] {
        assert!(page.contains(number), "{number}");
    }
}

/// ` onclick=` and the like inside a tag.
fn is_event_handler(rest: &str) -> bool {
    let Some(name) = rest.strip_prefix(" on") else { return false };
    name.find('=').is_some_and(|end| end > 0 && name[..end].bytes().all(|b| b.is_ascii_lowercase()))
}

/// The README shows the demo's output, shortened: what it shows is what the program prints.
#[test]
fn the_readme_shows_what_is_printed() {
    let readme = std::fs::read_to_string(support::root().join("README.md")).unwrap();
    let excerpt = readme.split("```text\n").nth(1).unwrap().split("```").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("backup-run");
    let run = std::process::Command::new(support::PROGRAM)
        .current_dir(support::root())
        .args(["report", "captures/backup-run.pcapng", "--site", "captures/backup-run.site.toml", "-o"])
        .arg(&output)
        .output()
        .unwrap();
    let printed = String::from_utf8(run.stdout).unwrap();
    let missing: Vec<&str> =
        excerpt.lines().filter(|line| *line != "…" && !printed.lines().any(|other| other == *line)).collect();
    assert!(missing.is_empty(), "in the README and not printed: {missing:#?}\n{printed}");
}

/// The sample report is the demo's report: it is made anew with `make sample`.
#[test]
fn the_sample_report_is_what_the_program_makes() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("sample");
    let run = std::process::Command::new(support::PROGRAM)
        .current_dir(support::root())
        .args(["-q", "report", "captures/backup-run.pcapng", "--site", "captures/backup-run.site.toml", "-o"])
        .arg(&output)
        .status()
        .unwrap();
    assert!(run.success());
    let sample = support::root().join("reports/sample");
    for entry in std::fs::read_dir(&sample).unwrap() {
        let name = entry.unwrap().file_name();
        let same = std::fs::read(sample.join(&name)).unwrap() == std::fs::read(output.join(&name)).unwrap();
        assert!(same, "{} is not what the program makes now: run \"make sample\"", name.display());
    }
}

//! What a site file changes in the program's answers, on the demo recording: changed and pinned ports, documents of the
//! site's own, zones, and exceptions that end at local midnight.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by failing")]
#![allow(clippy::disallowed_methods, reason = "tests write their own inputs")]

mod support;

use std::path::PathBuf;
use support::{Row, Run, portproof, rows_of};
use tempfile::TempDir;

const SERVER: &str = "10.20.30.20";
const AGENT: &str = "10.20.30.30";
const CLIENT: &str = "10.20.30.40";
const CONTROLLER: &str = "10.20.30.50";
const LICENCES: &str = "10.20.30.60";
const LAPTOP: &str = "10.20.30.77";

/// The demo's site file with something at its end, in a folder of its own.
struct Site {
    folder: TempDir,
    text: String,
}

impl Site {
    fn with(more: &str) -> Self {
        Self::of(&format!("{}\n{more}", std::fs::read_to_string(support::demo_site()).unwrap()))
    }

    fn of(text: &str) -> Self {
        let site = Self { folder: tempfile::tempdir().unwrap(), text: text.to_owned() };
        std::fs::write(site.path(), text).unwrap();
        site
    }

    /// Writes a file beside it.
    fn beside(self, name: &str, text: &str) -> Self {
        std::fs::write(self.folder.path().join(name), text).unwrap();
        self
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("site.toml")
    }

    fn run(&self, command: &[&str]) -> Run {
        let mut arguments: Vec<std::ffi::OsString> = command.iter().map(Into::into).collect();
        arguments.extend([support::demo().into(), "--site".into(), self.path().into()]);
        portproof(arguments)
    }

    fn flows(&self) -> Vec<Row> {
        rows_of(&self.run(&["-q", "flows", "--format", "csv"]).expect(0).stdout, b',')
    }

    /// Line of the last entry that begins so, from 1.
    fn line(&self, text: &str) -> usize {
        self.text.lines().collect::<Vec<_>>().iter().rposition(|line| *line == text).unwrap() + 1
    }
}

/// Statuses and reasons of the flows between two hosts at a port, each pair once.
fn between(rows: &[Row], from: &str, to: &str, port: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = rows
        .iter()
        .filter(|row| row["initiator_ip"] == from && row["responder_ip"] == to && row["responder_port"] == port)
        .map(|row| (row["status"].clone(), row["reason"].clone()))
        .collect();
    found.sort();
    found.dedup();
    assert!(!found.is_empty(), "no flow from {from} to {to}:{port}");
    found
}

#[track_caller]
fn only(rows: &[Row], from: &str, to: &str, port: &str) -> (String, String) {
    let mut found = between(rows, from, to, port);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn moved(named: &str, was: &str, port: u16) -> String {
    format!(
        "[[override]]\nrole = \"server\"\n{named}\nwas = \"{was}\"\nport = {port}\nreason = \"the firewall team asked\"\n"
    )
}

fn pin(port: u16) -> String {
    format!("[[pin]]\ndaemon = \"ibmratl\"\nport = {port}\nsource = \"rational_server_perm.dat, line 2\"\n")
}

const PLANT: &str = r#"
[document]
id = "our-plant"
title = "Ports of our plant"
publisher = "Us"
publication = "Work instruction 7"
kind = "vendor"

[[role]]
id = "agent"
title = "AssetCentre agent"

[[role]]
id = "controller"
title = "Controller"

[[role]]
id = "palletiser"
title = "Palletiser"

[[table]]
role = "controller"
citation = "Section 3"
callers = ["agent"]
rows = [{ service = "Modbus/TCP", tcp = 502 }]
"#;

#[test]
fn a_changed_port_is_no_more_documented_and_the_new_one_is() {
    let text = format!(
        "{}{}",
        moved("executable = \"ra.ftac.server\"", "7002/tcp", 17_002),
        moved("service = \"Socket.IO\"", "80/tcp", 8080)
    );
    let site = Site::with(&text);
    let (before, after) = (Site::with("").flows(), site.flows());
    assert_eq!(only(&before, AGENT, SERVER, "7002").0, "documented");
    let (status, reason) = only(&after, AGENT, SERVER, "7002");
    assert_eq!(status, "undocumented");
    let line = site.line("executable = \"ra.ftac.server\"") - 2;
    assert!(
        reason.ends_with(&format!("site file line {line} changed 7002 to 17002: the firewall team asked")),
        "{reason}"
    );
    assert_eq!(only(&before, LAPTOP, SERVER, "7002").0, "documented-port-unexpected-peer");
    assert_eq!(only(&after, LAPTOP, SERVER, "7002").0, "undocumented");
    assert_eq!(only(&before, AGENT, SERVER, "8080").0, "undocumented");
    let (status, reason) = only(&after, AGENT, SERVER, "8080");
    assert_eq!(status, "documented");
    let line = site.line("service = \"Socket.IO\"") - 2;
    assert_eq!(
        reason,
        format!(
            "factorytalk-assetcentre: Chapter 4, Socket.IO; site file line {line} changed 80 to 8080: the firewall team asked"
        )
    );
    // Nothing else changed: the agent's 7004 and the client's 443, for instance.
    let others = |rows: &[Row]| -> Vec<Row> {
        let changed = |row: &&Row| {
            !(row["responder_ip"] == SERVER && ["7002", "8080", "80"].contains(&row["responder_port"].as_str()))
        };
        rows.iter().filter(changed).cloned().collect()
    };
    support::assert_same_rows(&others(&before), &others(&after), "flows that have nothing to do with the changes");
}

#[test]
fn a_change_that_a_reviewer_should_look_at_is_told_and_stands_in_the_report() {
    let site = Site::with(&moved("service = \"Forward Proxy Server / HTTPS Enabled\"", "443/tcp", 8443));
    let report = site.folder.path().join("report");
    let run = site.run(&["-q", "report", "-o", report.to_str().unwrap()]).expect(0);
    let line = site.line("was = \"443/tcp\"");
    let warnings: Vec<&str> = run.lines();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(
        warnings[0].starts_with("portproof: warning: ")
            && warnings[0].contains(&format!("site.toml:{line}:7: Table 8 of "))
    );
    assert!(warnings[1].contains("443/tcp stays documented at server: "), "{}", warnings[1]);
    let page = std::fs::read_to_string(report.join("index.html")).unwrap();
    assert!(page.contains("does not mark 443/tcp of Forward Proxy Server"), "the report does not say it");
}

#[test]
fn a_pinned_daemon_is_documented_at_its_port_and_nowhere_else() {
    let demo = std::fs::read_to_string(support::demo_site()).unwrap();
    let pinned = Site::with(&pin(27_001));
    let (status, reason) = only(&pinned.flows(), CLIENT, LICENCES, "27001");
    assert_eq!(status, "documented");
    let line = pinned.line("[[pin]]");
    let word = format!("site file line {line} pins ibmratl to 27001 (rational_server_perm.dat, line 2)");
    assert_eq!(reason, format!("license-key-server: Resolving the problem; {word}"));
    // The daemon was pinned elsewhere, and the site allows 27000 only: 27001 is a finding now.
    let elsewhere = Site::of(&format!("{}\n{}", demo.replace("\"27000-27001\"", "27000"), pin(27_005)));
    let flows = elsewhere.flows();
    let (status, reason) = only(&flows, CLIENT, LICENCES, "27001");
    assert_eq!(status, "undocumented");
    assert!(
        reason.contains(" 27001-27009/tcp, but site file line ") && reason.contains("pins ibmratl to 27005"),
        "{reason}"
    );
    assert_eq!(only(&flows, CLIENT, LICENCES, "27000").0, "documented", "lmgrd is not pinned");
    // At an address: only there.
    let pin_at = |address: &str| {
        let text = pin(27_005).replace("port =", &format!("at = \"{address}\"\nport ="));
        Site::of(&format!("{}\n{text}", demo.replace("\"27000-27001\"", "27000"))).flows()
    };
    assert_eq!(only(&pin_at(LICENCES), CLIENT, LICENCES, "27001").0, "undocumented");
    assert_eq!(only(&pin_at("10.20.30.61"), CLIENT, LICENCES, "27001").0, "documented-port-unexpected-peer");
    // Rockwell's lmgrd.exe at the agent has the same numbers and is another daemon.
    assert_eq!(only(&flows, SERVER, AGENT, "27000").0, "documented");
}

#[test]
fn pins_of_a_licence_file_are_read_as_they_are_printed() {
    let licence = tempfile::tempdir().unwrap();
    let file = licence.path().join("rational_server_perm.dat");
    std::fs::write(&file, "SERVER lic01 ANY 27000\nVENDOR ibmratl port=27001\n").unwrap();
    for at in ["licence-server", LICENCES] {
        let pins = portproof(["-q", "catalog", "import-license", "--at", at, file.to_str().unwrap()]).expect(0).text();
        let flows = Site::with(&pins).flows();
        for (port, line) in [("27000", 1), ("27001", 2)] {
            let (status, reason) = only(&flows, CLIENT, LICENCES, port);
            assert_eq!(status, "documented");
            assert!(reason.starts_with("license-key-server: "), "{reason}");
            assert!(reason.contains(&format!("to {port} (rational_server_perm.dat, line {line})")), "{reason}");
        }
    }
}

#[test]
fn documents_of_the_site_document_its_own_ports() {
    let named = |name: &str| {
        let demo = std::fs::read_to_string(support::demo_site()).unwrap();
        demo.replacen("[site]\n", &format!("[site]\ndocuments = [\"{name}\"]\n"), 1)
    };
    let site = Site::of(&named("plant.toml").replace("[\"controller\"]", "[\"controller\", \"palletiser\"]"));
    let site = site.beside("plant.toml", PLANT);
    let rows = site.flows();
    assert_eq!(only(&rows, AGENT, CONTROLLER, "502"), ("documented".into(), "our-plant: Section 3".into()));
    assert_eq!(only(&Site::with("").flows(), AGENT, CONTROLLER, "502").0, "undocumented");
    // The same document twice is told with both names, and judges nothing.
    let beside = site.folder.path().join("plant.toml");
    let run = site.run(&["flows", "--document", beside.to_str().unwrap()]).expect(2);
    assert!(run.stdout.is_empty());
    let [line] = run.lines()[..] else { panic!("{}", run.stderr) };
    assert!(
        line.contains("site.toml:5:14: ") && line.matches("plant.toml").count() == 2 && line.contains("\"our-plant\""),
        "{line}"
    );
    let run = Site::of(&named("none.toml")).run(&["flows"]).expect(2);
    assert!(
        run.stderr.contains("site.toml:5:14: the document ") && run.stderr.contains("none.toml cannot be read"),
        "{}",
        run.stderr
    );
}

#[test]
fn zones_stand_beside_hosts() {
    let zones = "[[zone]]\nid = \"cell-1\"\ntitle = \"Line\\u001b[31m 1\"\nnetworks = [\"10.20.30.0/26\"]\n";
    let site = Site::with(zones);
    let report = site.folder.path().join("report");
    site.run(&["-q", "report", "-o", report.to_str().unwrap()]).expect(0);
    let hosts = support::csv_file(&report.join("hosts.csv"));
    let zone = |ip: &str| hosts.iter().find(|host| host["host_ip"] == ip).map(|host| host["zone"].as_str());
    assert_eq!(zone(SERVER), Some("cell-1"));
    assert_eq!(zone(LAPTOP), Some(""), "outside of the network");
    let page = std::fs::read_to_string(report.join("index.html")).unwrap();
    assert!(page.contains(">Zone<") && page.contains("cell-1"));
    let explained = site.run(&["explain", &format!("{SERVER}:7002")]).expect(0).text();
    assert!(explained.contains("zone cell-1 (Line\\x1b[31m 1)"), "{explained}");
    assert!(!explained.contains('\u{1b}'));
    assert!(!Site::with("").run(&["explain", &format!("{SERVER}:7002")]).expect(0).text().contains("zone"));
}

#[test]
fn an_exception_ends_at_midnight_of_the_sites_time_zone() {
    // The recording is of 2026-03-02, 22:00 to 22:36 UTC: still that day in Vienna, the next one in Helsinki.
    let judged = |zone: &str| {
        let demo = std::fs::read_to_string(support::demo_site()).unwrap();
        let head = demo.replacen("[site]\n", &format!("[site]\ntime_zone = \"{zone}\"\n"), 1);
        let accept = format!(
            "[[accept]]\nfrom = \"{LAPTOP}\"\nto = \"server\"\ntransport = \"tcp\"\nport = 3389\nowner = \"J. Doe\"\n\
             reason = \"commissioning\"\nexpires = 2026-03-02\n"
        );
        only(&Site::of(&format!("{head}\n{accept}")).flows(), LAPTOP, SERVER, "3389")
    };
    assert_eq!(judged("Europe/Vienna").0, "accepted");
    assert_eq!(judged("UTC").0, "accepted");
    let (status, reason) = judged("Europe/Helsinki");
    assert_eq!(status, "undocumented");
    assert!(
        reason.contains("had been accepted by J. Doe until 2026-03-02 (Europe/Helsinki) (site file line "),
        "{reason}"
    );
}

#[test]
fn texts_of_the_site_file_do_not_act_in_any_output() {
    let hostile = "=cmd|'/c calc'!A0\\u001b]0;x\\u0007<script>\\u202e";
    let text = format!(
        "{}{}[[zone]]\nid = \"z\"\ntitle = \"{hostile}\"\nnetworks = [\"{SERVER}/32\"]\n",
        moved("service = \"Socket.IO\"", "80/tcp", 8080).replace("the firewall team asked", hostile),
        pin(27_001).replace("rational_server_perm.dat, line 2", hostile)
    );
    let site = Site::with(&text);
    let report = site.folder.path().join("report");
    let run = site.run(&["report", "-o", report.to_str().unwrap()]).expect(0);
    let explained = site.run(&["explain", &format!("{SERVER}:8080")]).expect(0).text();
    assert!(explained.contains("changed 80 to 8080: =cmd"), "{explained}");
    let csv = String::from_utf8(site.run(&["flows"]).expect(0).stdout).unwrap();
    assert!(csv.contains("pins ibmratl to 27001"));
    let page = std::fs::read_to_string(report.join("index.html")).unwrap();
    for (what, text) in
        [("stderr", &run.stderr), ("stdout", &run.text()), ("explain", &explained), ("csv", &csv), ("page", &page)]
    {
        let acts = text.chars().find(|c| (c.is_control() && !"\n\r".contains(*c)) || *c == '\u{202e}');
        assert_eq!(acts, None, "{what}");
        assert!(!text.contains("<script>") || what != "page", "{what}");
    }
    assert!(!csv.lines().any(|line| line.starts_with('=')) && !csv.contains(",=") && !csv.contains("\"="));
}

#[test]
fn mistakes_stop_the_run_before_any_packet_is_read() {
    for (text, part) in [
        (moved("executable = \"RA.FTAC.Sever.exe\"", "7002/tcp", 1), "did you mean \"RA.FTAC.Server.exe\"?"),
        (pin(27_001).replace("port =", "at = \"licens-server\"\nport ="), "did you mean \"license-server\"?"),
        ("[[zone]]\nid = \"z\"\ntitel = \"Z\"\n".into(), "did you mean \"title\"?"),
        ("[[host]]\naddress = \"10.0.0.1\"\nzone = \"z\"\n".into(), "unknown zone \"z\""),
    ] {
        let run = Site::with(&text).run(&["flows"]).expect(2);
        assert!(run.stdout.is_empty() && run.lines().len() == 1, "{}", run.stderr);
        assert!(run.stderr.contains("site.toml:") && run.stderr.contains(part), "{}", run.stderr);
    }
}

//! Host tables through the program: a listener turns a guess into an answer, a store keeps it, mistakes are told with their line.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by failing")]
#![allow(clippy::disallowed_methods, reason = "tests write their own inputs")]

mod support;

use std::path::PathBuf;
use support::captures::{Socket, ethernet, tcp};
use support::{Row, Run, csv_file, portproof, rows_of};
use tempfile::TempDir;

const CLIENT: Socket = ([10, 0, 0, 9], 49_800);
const SERVER: Socket = ([10, 0, 0, 5], 50_700);

const NETSTAT: &str = "\r\nAktive Verbindungen\r\n\r\n  Proto  Lokale Adresse         Remoteadresse          Status           PID\r\n  \
    TCP    0.0.0.0:50700          0.0.0.0:0              ABHÖREN          640\r\n [lsass\u{1b}[2J.exe]\r\n  \
    TCP    0.0.0.0:50701          0.0.0.0:0              ABHÖREN          641\r\n [idle.exe]\r\n";

/// A recording without the handshake, both ports being dynamic ones: numbers alone mislead.
struct Recording {
    folder: TempDir,
}

impl Recording {
    fn new() -> Self {
        let recording = Self { folder: tempfile::tempdir().unwrap() };
        let frame = |n: u32| match n % 2 {
            0 => tcp(CLIENT, SERVER, 100 + n, 200 + n, 16),
            _ => tcp(SERVER, CLIENT, 200 + n, 101 + n, 16),
        };
        let frames = (0..6_u32).map(|n| (1_772_438_400_000_000_000 + u64::from(n) * 1_000_000_000, frame(n)));
        recording.file("midstream.pcap", &ethernet(frames));
        recording.file("netstat.txt", NETSTAT.as_bytes());
        recording
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn table(&self, host: &str, name: &str) -> String {
        format!("--host-table={host}={}", self.path(name).display())
    }

    fn run(&self, command: &[&str], input: &str, more: &[&str]) -> Run {
        let input = self.path(input);
        portproof(command.iter().chain(&[input.to_str().unwrap()]).chain(more))
    }

    fn flow(&self, input: &str, more: &[&str]) -> Row {
        let run = self.run(&["-q", "flows"], input, more).expect(0);
        rows_of(&run.stdout, b',').remove(0)
    }
}

#[test]
fn a_listener_settles_direction_in_flows_and_in_the_report() {
    let recording = Recording::new();
    let guess = recording.flow("midstream.pcap", &[]);
    assert_eq!((guess["orientation"].as_str(), guess["responder_port"].as_str()), ("guess", "49800"));
    let table = recording.table("10.0.0.5", "netstat.txt");
    let target = recording.path("report");
    let run = recording.run(&["report"], "midstream.pcap", &[&table, "-o", target.to_str().unwrap()]).expect(0);
    let row = csv_file(&target.join("flows.csv")).remove(0);
    assert_eq!((row["orientation"].as_str(), row["responder_port"].as_str()), ("strong", "50700"));
    let evidence = &row["orientation_evidence"];
    assert!(evidence.contains("netstat.txt line 5: lsass[2J.exe listens there"), "{evidence}");
    let page = std::fs::read_to_string(target.join("index.html")).unwrap();
    assert!(!run.text().contains('\u{1b}') && !page.contains('\u{1b}'), "names of processes do not act");
    // Another host's table says nothing about this one.
    let other = recording.flow("midstream.pcap", &[&recording.table("10.0.0.8", "netstat.txt")]);
    assert_eq!(other["orientation"], "guess");
}

#[test]
fn a_store_keeps_the_tables_that_it_was_metered_with() {
    let recording = Recording::new();
    let (store, table) = (recording.path("facts"), recording.table("10.0.0.5+fe80::5", "netstat.txt"));
    let run = recording.run(&["meter"], "midstream.pcap", &[&table, "-o", store.to_str().unwrap()]).expect(0);
    assert!(run.text().contains("netstat.txt: 2 sockets, 0 ranges of ports of 10.0.0.5+fe80::5"), "{}", run.text());
    let stored = recording.flow("facts", &[]);
    assert_eq!((stored["orientation"].as_str(), stored["responder_port"].as_str()), ("strong", "50700"));
    // Given again beside the store, it counts once.
    let again = recording.flow("facts", &[&table]);
    assert_eq!(again["orientation_evidence"], stored["orientation_evidence"]);
}

#[test]
fn explain_names_the_process_also_where_no_flow_is() {
    let recording = Recording::new();
    let table = recording.table("10.0.0.5", "netstat.txt");
    let run = recording.run(&["explain", "10.0.0.5:50700"], "midstream.pcap", &[&table]).expect(0);
    assert!(
        run.text().contains("process, by a host table: lsass[2J.exe (640), listen, by netstat.txt line 5"),
        "{}",
        run.text()
    );
    let run = recording.run(&["explain", "10.0.0.5:50701"], "midstream.pcap", &[&table]).expect(3);
    let text = run.text();
    assert!(
        text.contains("10.0.0.5 port 50701/tcp: no flow uses it\n  process, by a host table: idle.exe (641)"),
        "{text}"
    );
}

#[test]
fn what_the_collector_wrote_here_is_read_here() {
    let recording = Recording::new();
    let path = support::root().join("tests/data/host-tables/collected-linux.txt");
    let table = format!("--host-table=10.0.0.5+fe80::5={}", path.display());
    let run = recording.run(&["report"], "midstream.pcap", &[&table, "-o", recording.path("r").to_str().unwrap()]);
    assert!(run.expect(0).stderr.is_empty(), "nothing in it is not understood");
}

#[test]
fn mistakes_are_told_with_line_and_remedy_before_anything_is_read() {
    let recording = Recording::new();
    let refused = |argument: &str, parts: &[&str]| {
        let run = recording.run(&["flows"], "midstream.pcap", &[argument]);
        let run = run.expect(2);
        assert!(run.stdout.is_empty());
        parts.iter().for_each(|part| assert!(run.stderr.contains(part), "{part} in {}", run.stderr));
    };
    refused("--host-table=netstat.txt", &["ADDRESS=FILE"]);
    refused("--host-table=srv1=netstat.txt", &["is no address"]);
    refused(&recording.table("10.0.0.5", "none.txt"), &["none.txt"]);
    recording.file("names.txt", b"  TCP    0.0.0.0:epmap    SRV1:0    LISTENING\n");
    refused(&recording.table("10.0.0.5", "names.txt"), &["names.txt line 1", "netstat -anob"]);
    recording.file("letter.txt", b"Dear colleague,\n");
    refused(&recording.table("10.0.0.5", "letter.txt"), &["letter.txt: no host table that is known", "ss -tunap"]);
    refused(&recording.table("10.0.0.5", "midstream.pcap"), &["this is a capture"]);
    refused("--host-time-zone=Mars", &["Europe/Vienna"]);
}

#[test]
fn a_table_that_fits_badly_is_told_and_used() {
    let recording = Recording::new();
    let told = |rows: &str, part: &str| {
        recording.file("t.txt", rows.as_bytes());
        let run = recording.run(&["flows"], "midstream.pcap", &[&recording.table("10.0.0.5", "t.txt")]).expect(0);
        assert!(run.stderr.contains(part), "{part} in {}", run.stderr);
    };
    let row = |local: &str| format!("  TCP    {local}    0.0.0.0:0    LISTENING    1\n");
    told(
        &row("192.168.1.1:139"),
        "no socket in it is at 10.0.0.5, but at 192.168.1.1: is it the table of another host?",
    );
    told(&(row("192.168.1.1:139") + &row("10.0.0.5:139")), "note: t.txt: the host also has 192.168.1.1");
    told(&(row("10.0.0.5:139") + "  TCP  x:y  z:a\n"), "warning: t.txt line 2: ");
}

#[test]
fn help_teaches_what_a_host_table_is() {
    for command in ["meter", "report", "flows", "explain"] {
        let help = portproof([command, "--help"]).expect(0).text();
        assert!(help.contains("--host-table <ADDRESS=FILE>") && help.contains("netstat -anob"), "{command}");
        assert!(help.contains("portproof-collect.ps1") && help.contains("--host-time-zone"), "{command}");
    }
}

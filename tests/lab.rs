//! Real programs that talk to each other, recorded by `portproof record` and compared with what the kernel said of their
//! sockets (`tests/lab/`). Run by `.ci/run lab` as root, or with
//!
//! ```text
//! tests/lab/install.sh target/lab-deps && cargo test --test lab -- --ignored --nocapture
//! ```
//!
//! `PORTPROOF_LAB_PACKAGES` names another folder of packages; `PORTPROOF_LAB_RUN` a folder that an earlier run left, which
//! is then compared again.

#![cfg(all(feature = "live", target_os = "linux"))]
#![allow(clippy::print_stdout, reason = "what was skipped, and the figures, are for the reader of the run")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by failing")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;
use support::{Row, csv_file, flows, number, portproof, root, tsv};

/// The host that runs the servers, as `tests/lab/run.sh` has it.
const SERVER: &str = "10.77.0.1";
/// The host from which Samba's dynamic ports are blocked at last.
const BLOCKED: &str = "10.77.0.3";
/// What Samba was told to give out.
const RPC_PORTS: RangeInclusive<u64> = 50_000..=50_020;
/// Ports that are handed out on demand, as portproof takes it where nobody says otherwise.
const DYNAMIC: RangeInclusive<u64> = 49_152..=65_535;
/// The server (of `tests/lab/run.sh`) that listens at the endpoint mapper's port and at the dynamic ones.
const RPC_SERVER: &str = "dcerpcd";
/// Exit code of the scripts where they cannot run.
const SKIPPED: i32 = 77;
/// Seconds after which a run is told to end and to tear everything down. It takes a quarter of a minute.
const LIMIT_SECONDS: &str = "150";
/// Time after which it is given up, with what it leaves.
const HANGS: Duration = Duration::from_secs(200);
/// Most time between a socket's first state and the packet: they are read from two clocks, one after the other.
const START_APART_NS: u64 = 500_000_000;

/// What each server speaks, by its name in `tests/lab/run.sh`.
const SPOKEN: [(&str, &str); 5] =
    [(RPC_SERVER, "dce-rpc"), ("smbd", "smb2"), ("socketio", "socket.io"), ("enip", "ethernet-ip"), ("sql", "tds")];

/// The interfaces that the clients of each step ask the endpoint mapper for, in order.
const ASKED: [(&str, &[&str]); 4] = [
    ("rpc.rpcclient-samr", &["SAMR"]),
    ("rpc.rpcclient-lsa", &["LSARPC"]),
    ("rpc.impacket", &["SAMR", "LSARPC", "WINREG"]),
    ("blocked.impacket", &["SAMR"]),
];

/// A run: what was recorded, what the sockets did, and what portproof says of it.
struct Lab {
    folder: PathBuf,
    connections: Vec<Row>,
    by_call: BTreeMap<Call, Row>,
    flows: Vec<Row>,
    report: tempfile::TempDir,
}

/// Client address and port, server address and port.
type Call = (String, u64, String, u64);

/// One run for all tests: `None` where this machine cannot, or why it failed.
static LAB: LazyLock<Result<Option<Lab>, String>> = LazyLock::new(|| {
    let kept = std::env::var_os("PORTPROOF_LAB_RUN").map(PathBuf::from);
    let folder = match kept {
        Some(folder) => Some(folder),
        None => run()?,
    };
    Ok(folder.map(read))
});

/// What a run left, and what portproof says of it.
fn read(folder: PathBuf) -> Lab {
    let recording = folder.join("lab.pcapng");
    let flows = flows([&recording]);
    let report = tempfile::tempdir().unwrap();
    let target = report.path().join("report");
    let arguments = [Path::new("-q"), Path::new("report"), &recording, Path::new("-o"), &target];
    portproof(arguments).expect(0);
    let tcp = flows.iter().filter(|flow| flow["protocol"] == "tcp");
    let by_call = tcp
        .map(|flow| {
            let end = |side: &str| (flow[&format!("{side}_ip")].clone(), number(flow, &format!("{side}_port")));
            let ((client, client_port), (server, server_port)) = (end("initiator"), end("responder"));
            ((client, client_port, server, server_port), flow.clone())
        })
        .collect();
    Lab { connections: tsv(&folder.join("connections.tsv")), by_call, flows, report, folder }
}

/// Lets the programs talk; the folder with what came of it.
fn run() -> Result<Option<PathBuf>, String> {
    let packages = std::env::var_os("PORTPROOF_LAB_PACKAGES")
        .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("lab-deps"), PathBuf::from);
    if !packages.is_dir() {
        println!("skipped: no {}: run tests/lab/install.sh with it", packages.display());
        return Ok(None);
    }
    // Kept until the next run, for whoever wants to know why it failed.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lab-run");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    let mut script = Command::new("timeout");
    script.arg(LIMIT_SECONDS).arg(root().join("tests/lab/run.sh")).args([
        Path::new(support::PROGRAM),
        &packages,
        &folder,
    ]);
    let run = support::run(&mut script, &[], HANGS);
    print!("{}", run.text());
    match run.code {
        Some(0) => Ok(Some(folder)),
        Some(SKIPPED) => Ok(None),
        code => Err(format!("run.sh ended with {code:?}, see {}: {}{}", folder.display(), run.text(), run.stderr)),
    }
}

fn lab() -> Option<&'static Lab> {
    LAB.as_ref().unwrap_or_else(|why| panic!("the lab did not run: {why}")).as_ref()
}

impl Lab {
    fn flow(&self, connection: &Row) -> &Row {
        let end = |side: &str| (connection[&format!("{side}_ip")].clone(), number(connection, &format!("{side}_port")));
        let ((client, client_port), (server, server_port)) = (end("client"), end("server"));
        let call = (client, client_port, server, server_port);
        self.by_call.get(&call).unwrap_or_else(|| panic!("no flow of {call:?} ({})", connection["step"]))
    }

    fn step<'a>(&'a self, step: &'a str) -> impl Iterator<Item = &'a Row> {
        self.connections.iter().filter(move |connection| connection["step"] == step)
    }

    /// The connections of a step to the dynamic ports of Samba.
    fn remote_calls<'a>(&'a self, step: &'a str) -> Vec<&'a Row> {
        self.step(step).filter(|to| to["server"] == RPC_SERVER && number(to, "server_port") != 135).collect()
    }

    fn table(&self, name: &str) -> Vec<Row> {
        csv_file(&self.report.path().join("report").join(name))
    }
}

fn ports<'a>(rows: impl IntoIterator<Item = &'a Row>, column: &str) -> BTreeSet<u64> {
    rows.into_iter().map(|row| number(row, column)).collect()
}

#[test]
#[ignore = "needs root, network namespaces and other programs"]
fn the_clients_did_what_they_were_asked_to() {
    let Some(lab) = lab() else { return };
    for step in tsv(&lab.folder.join("steps.tsv")) {
        assert!(step["wanted"] == "-" || step["wanted"] == step["code"], "{step:?}: see log/{}", step["step"]);
        let silent = lab.step(&step["step"]).next().is_none();
        assert!(!silent, "{}: no connection", step["step"]);
    }
}

#[test]
#[ignore = "needs root, network namespaces and other programs"]
fn every_connection_is_a_flow_and_every_flow_a_connection() {
    let Some(lab) = lab() else { return };
    let captures = lab.table("captures.csv");
    assert_eq!(captures[0]["dropped_packets"], "0");
    let mut furthest = 0;
    for connection in &lab.connections {
        let flow = lab.flow(connection);
        assert_eq!(flow["orientation"], "certain", "{connection:?}");
        let outcome = if connection["outcome"] == "established" { "established" } else { "unanswered" };
        assert_eq!(flow["outcome"], outcome, "{connection:?}");
        furthest = furthest.max(number(flow, "first_seen_ns").abs_diff(number(connection, "start_ns")));
    }
    println!("{} TCP connections, starts at most {} us apart", lab.connections.len(), furthest / 1_000);
    assert!(furthest < START_APART_NS);
    let tcp = lab.flows.iter().filter(|flow| flow["protocol"] == "tcp").count();
    assert_eq!(tcp, lab.connections.len());
    assert_eq!(lab.by_call.len(), lab.connections.len());
    let from_the_server = lab.connections.iter().filter(|connection| connection["client_ip"] == SERVER).count();
    assert!(from_the_server > 0, "the host of the servers calls, too");
}

/// Compares what is recognised with what the server speaks that a connection led to, for some of the servers.
fn speaks(wanted: impl Fn(&str) -> bool) {
    let Some(lab) = lab() else { return };
    let spoken = BTreeMap::from(SPOKEN);
    let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    let established = lab.connections.iter().filter(|connection| connection["outcome"] == "established");
    for connection in established.filter(|connection| wanted(&connection["server"])) {
        let server = connection["server"].as_str();
        let expected = *spoken.get(server).unwrap_or_else(|| panic!("nobody said what {server:?} speaks"));
        *counted.entry(expected).or_default() += 1;
        let flow = lab.flow(connection);
        if flow["application"] != expected {
            wrong.push((&connection["step"], expected, &flow["application"], &flow["first_frame"]));
        }
    }
    println!("{counted:?}");
    let kinds = SPOKEN.iter().filter(|(server, _)| wanted(server)).count();
    assert_eq!(counted.len(), kinds, "each server was called");
    assert!(wrong.is_empty(), "step, spoken, recognised, first frame: {wrong:?}");
}

#[test]
#[ignore = "needs root, network namespaces and other programs"]
fn each_flow_is_recognised_as_what_its_server_speaks() {
    speaks(|server| server != "socketio");
}

#[test]
#[ignore = "needs root, network namespaces and other programs"]
fn polling_and_websocket_are_recognised_as_socket_io() {
    speaks(|server| server == "socketio");
}

#[test]
#[ignore = "needs root, network namespaces and other programs"]
fn every_dynamic_call_is_tied_to_what_the_mapper_announced() {
    let Some(lab) = lab() else { return };
    let mut tied = 0;
    for (step, asked) in ASKED {
        let calls = lab.remote_calls(step);
        let named: Vec<&str> = calls.iter().map(|call| lab.flow(call)["announced_as"].as_str()).collect();
        assert_eq!(named, asked, "{step}");
        for call in calls {
            let flow = lab.flow(call);
            let tie = (flow["announced_tie"].as_str(), flow["announced_by"].as_str(), flow["status"].as_str());
            assert_eq!(tie, ("announced", "ept-map", "dynamic-explained"), "{call:?}");
            tied += 1;
        }
    }
    println!("{tied} calls to dynamic RPC ports tied to announcements");
    // Whatever else is tied that closely must be one of these, or the SQL browser's.
    let close = lab.flows.iter().filter(|flow| flow["announced_tie"] == "announced").count();
    assert_eq!(close, tied + 1);
}

#[test]
#[ignore = "needs root, network namespaces and other programs"]
fn what_clients_say_they_were_told_is_what_was_read() {
    let Some(lab) = lab() else { return };
    let announcements = lab.table("announcements.csv");
    let words = tsv(&lab.folder.join("words.tsv"));
    for word in &words {
        let told = &lab.remote_calls(&word["step"])[0]["client_ip"];
        let subject = word["service"].to_uppercase();
        let follow_up = if word["reached"] == "True" { "followed" } else { "unanswered" };
        let read = announcements.iter().filter(|row| {
            &row["told_ip"] == told
                && row["subject"] == subject
                && row["port"] == word["port"]
                && row["host_ip"] == SERVER
        });
        let read: Vec<&str> = read.map(|row| row["follow_up"].as_str()).collect();
        assert_eq!(read, [follow_up], "{word:?}");
    }
    assert_eq!(words.len(), 4);
}

#[test]
#[ignore = "needs root, network namespaces and other programs"]
fn the_sql_browser_announces_to_one_client_and_an_enumeration_to_none() {
    let Some(lab) = lab() else { return };
    let tie = |step: &str| {
        let calls: Vec<&Row> = lab.step(step).collect();
        let [call] = calls.as_slice() else { panic!("{step}: {calls:?}") };
        let flow = lab.flow(call);
        (flow["announced_tie"].as_str(), flow["announced_by"].as_str())
    };
    assert_eq!(tie("sql.port"), ("", ""));
    assert_eq!(tie("sql.named"), ("announced", "sql-browser"));
    assert_eq!(tie("sql.unasked"), ("announced-to-another", "sql-browser"));
    assert_eq!(tie("rpc.enumerated"), ("enumerated", "ept-lookup"));
    let browser: Vec<&Row> = lab.flows.iter().filter(|flow| flow["protocol"] == "udp").collect();
    let [browser] = browser.as_slice() else { panic!("one UDP flow, not {browser:?}") };
    let said = (browser["application"].as_str(), number(browser, "responder_port"), browser["responder_ip"].as_str());
    assert_eq!(said, ("ssrp", 1434, SERVER));
}

#[test]
#[ignore = "needs root, network namespaces and other programs"]
fn the_dynamic_ports_contacted_are_those_of_the_sockets() {
    let Some(lab) = lab() else { return };
    let reached = lab.connections.iter().filter(|connection| {
        connection["outcome"] == "established"
            && connection["server_ip"] == SERVER
            && DYNAMIC.contains(&number(connection, "server_port"))
    });
    let contacted = ports(reached, "server_port");
    let listeners = lab.table("listeners.csv");
    println!("dynamic ports contacted: {contacted:?}");
    assert!(listeners.iter().all(|row| row["host_ip"] == SERVER && row["orientation"] == "certain"), "{listeners:?}");
    assert_eq!(ports(&listeners, "port"), contacted);
    let hosts = lab.table("hosts.csv");
    let count = |ip: &str| {
        let row = hosts.iter().find(|row| row["host_ip"] == ip && row["protocol"] == "tcp").unwrap();
        ["dynamic_listener_ports", "explained_listener_ports"].map(|column| number(row, column) as usize)
    };
    // A port that is known from an enumeration only is named by it and not explained.
    let enumerated = lab.flows.iter().filter(|flow| flow["announced_tie"] == "enumerated");
    let enumerated = ports(enumerated, "responder_port");
    assert_eq!(enumerated.len(), 1);
    assert_eq!(count(SERVER), [contacted.len(), contacted.len() - 1]);
    assert_eq!(count(BLOCKED), [0, 0]);
}

#[test]
#[ignore = "needs root, network namespaces and other programs"]
fn samba_keeps_inside_the_range_that_it_was_given() {
    let Some(lab) = lab() else { return };
    let listening = tsv(&lab.folder.join("listeners.tsv"));
    let given = listening.iter().filter(|row| row["server"] == RPC_SERVER);
    let dynamic: BTreeSet<u64> = ports(given, "port").into_iter().filter(|port| *port != 135).collect();
    assert!(dynamic.len() >= 3 && dynamic.iter().all(|port| RPC_PORTS.contains(port)), "{dynamic:?}");
    let by_mapper = lab.flows.iter().filter(|flow| ["ept-map", "ept-lookup"].contains(&flow["announced_by"].as_str()));
    let called = ports(by_mapper, "responder_port");
    assert!(!called.is_empty() && called.is_subset(&dynamic), "{called:?} of {dynamic:?}");
}

#[test]
#[ignore = "needs root, network namespaces and other programs"]
fn an_announced_port_that_is_blocked_is_the_one_finding_of_its_kind() {
    let Some(lab) = lab() else { return };
    let calls = lab.remote_calls("blocked.impacket");
    let [call] = calls.as_slice() else { panic!("{calls:?}") };
    assert_eq!((call["client_ip"].as_str(), call["outcome"].as_str()), (BLOCKED, "failed"));
    let findings = lab.table("findings.csv");
    let of_brokers = ["announced-blocked", "not-registered", "not-followed", "dynamic-unexplained"];
    let found: Vec<[&str; 4]> = findings
        .iter()
        .filter(|finding| of_brokers.contains(&finding["kind"].as_str()))
        .map(|finding| {
            ["kind", "initiator_ip", "responder_ip", "responder_port"].map(|column| finding[column].as_str())
        })
        .collect();
    let enumerated: Vec<&str> = lab
        .flows
        .iter()
        .filter(|flow| flow["announced_tie"] == "enumerated")
        .map(|flow| flow["responder_port"].as_str())
        .collect();
    let [enumerated] = enumerated.as_slice() else { panic!("{enumerated:?}") };
    let expected = [
        ["announced-blocked", BLOCKED, SERVER, call["server_port"].as_str()],
        ["dynamic-unexplained", BLOCKED, SERVER, enumerated],
    ];
    assert_eq!(found, expected, "what was not announced to anybody is unexplained");
}

//! `portproof site init`: the proposal for the demo recording against what was played, that it is read back as it is, and
//! what it refuses to propose.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by failing")]
#![allow(clippy::disallowed_methods, reason = "tests write their own inputs")]

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use support::captures::{self, Socket};
use support::{Run, names_in, portproof};
use tempfile::TempDir;

const DONE: i32 = 0;
const USAGE: i32 = 2;
const NO_EVIDENCE: i32 = 3;
const DAMAGED: i32 = 4;

const SYN: u8 = 2;
const SYN_ACK: u8 = 18;
const ACK: u8 = 16;
const RST: u8 = 20;

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// A folder with one file.
fn folder_with(name: &str, bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, bytes).unwrap();
    (folder, file)
}

/// A capture of these frames, a millisecond apart.
fn capture(frames: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    captures::ethernet((0..).map(|n: u64| 1_700_000_000_000_000_000 + n * 1_000_000).zip(frames))
}

/// The proposal for some inputs.
#[track_caller]
fn proposal(arguments: &[&str], code: i32) -> String {
    portproof(["-q", "site", "init"].iter().chain(arguments)).expect(code).text()
}

/// Roles by address, as any reader of TOML sees them.
#[track_caller]
fn roles(proposal: &str) -> BTreeMap<String, Vec<String>> {
    let table: toml::Table = proposal.parse().unwrap();
    let text = |value: &toml::Value| value.as_str().unwrap().to_owned();
    let hosts = table.get("host").map_or(&[][..], |hosts| hosts.as_array().unwrap());
    hosts.iter().map(|h| (text(&h["address"]), h["roles"].as_array().unwrap().iter().map(text).collect())).collect()
}

/// The comments above the entry of an address.
#[track_caller]
fn evidence<'a>(proposal: &'a str, address: &str) -> Vec<&'a str> {
    let lines: Vec<&str> = proposal.lines().collect();
    let entry = lines.iter().position(|line| *line == format!("address = \"{address}\"")).unwrap() - 1;
    let begin = lines[..entry].iter().rposition(|line| !line.starts_with('#')).unwrap() + 1;
    lines[begin..entry].to_vec()
}

/// Frames of a TCP connection that opens, and in which nothing is said.
fn connection(client: Socket, server: Socket) -> Vec<Vec<u8>> {
    vec![
        captures::tcp(client, server, 1, 0, SYN),
        captures::tcp(server, client, 7, 2, SYN_ACK),
        captures::tcp(client, server, 2, 8, ACK),
    ]
}

fn refused(client: Socket, server: Socket) -> Vec<Vec<u8>> {
    vec![captures::tcp(client, server, 1, 0, SYN), captures::tcp(server, client, 0, 2, RST)]
}

/// What was played, by the script that played it.
fn truth() -> toml::Table {
    std::fs::read_to_string(support::root().join("captures/backup-run.truth.toml")).unwrap().parse().unwrap()
}

fn demo_proposal() -> String {
    proposal(&[&text(&support::demo())], DONE)
}

#[test]
fn the_demo_gives_the_roles_that_were_played_as_far_as_they_can_be_seen() {
    let found = roles(&demo_proposal());
    let played: BTreeMap<String, Vec<String>> = truth()["host"]
        .as_array()
        .unwrap()
        .iter()
        .map(|host| {
            let roles = host["roles"].as_array().unwrap().iter().map(|role| role.as_str().unwrap().to_owned());
            (host["address"].as_str().unwrap().to_owned(), roles.collect())
        })
        .collect();
    assert_eq!(found.keys().collect::<Vec<_>>(), played.keys().collect::<Vec<_>>(), "every host, and none besides");
    let differ: Vec<(&str, &Vec<String>)> =
        found.iter().filter(|(address, roles)| played[*address] != **roles).map(|(a, r)| (a.as_str(), r)).collect();
    // The client serves nothing in this recording that gives its role away.
    assert_eq!(differ, [("10.20.30.40", &vec![])]);
    assert_eq!(played["10.20.30.40"], ["client"]);
    assert!(found["10.20.30.77"].is_empty(), "the laptop");
}

#[test]
fn each_guess_of_the_demo_has_its_evidence() {
    let text = demo_proposal();
    let server = evidence(&text, "10.20.30.20");
    assert!(server[0].starts_with("# Guessed: server (") && server[0].ends_with("served 7002/tcp."), "{server:?}");
    let steps = truth()["step"].as_array().unwrap().clone();
    let step = steps.iter().find(|step| step["responder"].as_str() == Some("10.20.30.20:7002")).unwrap();
    let frame = step["first_frame"].as_integer().unwrap();
    let line = format!("#   served 7002/tcp: 2 clients, 10 flows, handshake seen, first in frame {frame}");
    assert!(server.contains(&line.as_str()), "{server:?}");
    let agent = evidence(&text, "10.20.30.30");
    assert!(agent.iter().any(|line| line.starts_with("# Not proposed: licence-server (")), "{agent:?}");
    let laptop = evidence(&text, "10.20.30.77");
    assert!(laptop[0].contains("could be a client"), "{laptop:?}");
    let caller = "#   called 7002/tcp at 10.20.30.20: 2 flows (documented caller: agent)";
    assert!(laptop.contains(&caller), "{laptop:?}");
    assert!(laptop.iter().all(|line| !line.contains("served ") || line.contains("served nothing")), "{laptop:?}");
    let head: Vec<&str> = text.lines().take_while(|line| line.starts_with('#')).collect();
    let head = head.join("\n");
    for part in ["guess", "1 recording of 9,219 frames, from 2026-03-02T22:00:02Z to 2026-03-02T22:35:40Z (UTC)"] {
        assert!(head.contains(part), "{part:?} in\n{head}");
    }
    assert!(head.contains("backup-run.pcapng"), "{head}");
    // The firewall sent ICMP only, and no address of a group is a host.
    assert!(!text.contains("\"10.20.30.1\"") && !text.contains("\"10.20.30.255\""));
}

#[test]
fn the_proposal_is_read_back_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let (demo, site) = (text(&support::demo()), text(&folder.path().join("site.toml")));
    let run = portproof(["site", "init", &demo, "-o", &site]).expect(DONE);
    assert!(run.stdout.is_empty());
    let said = &run.stderr;
    assert!(said.contains("8 hosts, 7 roles guessed at 6 of them") && said.contains("--site"), "{said}");
    assert_eq!(std::fs::read_to_string(&site).unwrap(), demo_proposal(), "the same on standard output");
    let target = folder.path().join("report");
    let run = portproof(["report", &demo, "--site", &site, "-o", &text(&target)]).expect(DONE);
    assert!(!run.text().contains("guessed"), "the roles are stated now:\n{}", run.text());
    let hosts = support::csv_file(&target.join("hosts.csv"));
    let server = hosts.iter().find(|row| row["host_ip"] == "10.20.30.20").unwrap();
    assert_eq!((server["roles"].as_str(), server["roles_guessed"].as_str()), ("server; directory-server", "false"));
}

#[test]
fn two_runs_and_a_store_in_between_give_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (demo, store) = (text(&support::demo()), text(&folder.path().join("facts")));
    portproof(["-q", "meter", &demo, "-o", &store]).expect(DONE);
    let first = demo_proposal();
    assert_eq!(demo_proposal(), first);
    assert_eq!(proposal(&[&store], DONE), first);
}

#[test]
fn a_hostile_capture_name_stays_in_its_comment() {
    let name = "x\n[[host]]\naddress = \"6.6.6.6\"\n\u{1b}[31m\u{202e}.pcapng";
    let (_folder, file) = folder_with(name, &std::fs::read(support::demo()).unwrap());
    let run = portproof(["site", "init", &text(&file), &text(&support::demo())]).expect(DONE);
    let found = run.text();
    assert!(!found.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{}", found.escape_debug());
    assert!(!run.stderr.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{}", run.stderr);
    assert_eq!(roles(&found), roles(&demo_proposal()));
    assert!(found.contains("frame 474 of ") && found.contains("6.6.6.6"), "the name is shown, as text");
}

#[test]
fn a_sweep_gives_no_role_and_what_it_did_not_find_is_no_host() {
    let scanner = |port| ([10, 0, 0, 77], port);
    let mut frames = Vec::new();
    for (n, port) in (1..=40).chain([7002, 7004, 44_818]).enumerate() {
        let target = ([10, 0, 0, 1], port);
        let from = scanner(50_000 + n as u16);
        frames.extend(if port > 7000 { connection(from, target) } else { refused(from, target) });
        frames.push(captures::tcp(from, ([10, 0, 0, 200], port), 1, 0, SYN));
        frames.push(captures::tcp(from, ([10, 0, 0, 200], port), 1, 0, SYN));
    }
    // Somebody who does not sweep calls a host that says nothing.
    frames.push(captures::tcp(([10, 0, 0, 9], 50_000), ([10, 0, 0, 201], 7004), 1, 0, SYN));
    frames.extend(connection(([10, 0, 0, 9], 50_001), ([10, 0, 0, 5], 1433)));
    frames.push(captures::udp(([10, 0, 0, 9], 137), ([10, 0, 0, 255], 137), b"?"));
    frames.push(captures::udp(([10, 0, 0, 9], 5353), ([224, 0, 0, 251], 5353), b"?"));
    let (_folder, file) = folder_with("sweep.pcap", &capture(frames));
    let found = proposal(&[&text(&file)], DONE);
    let expected = [("10.0.0.1", None), ("10.0.0.5", Some("sql-server")), ("10.0.0.77", None), ("10.0.0.9", None)];
    let expected = expected.map(|(address, role)| (address.to_owned(), role.into_iter().map(str::to_owned).collect()));
    assert_eq!(roles(&found), BTreeMap::from(expected), "{found}");
    let target = evidence(&found, "10.0.0.1").join("\n");
    assert!(target.contains("7002/tcp: answered, but only to hosts that sweep"), "{target}");
    assert!(!target.contains("served 7002"), "{target}");
    assert!(evidence(&found, "10.0.0.77").iter().any(|line| line.starts_with("# It sweeps")), "{found}");
    assert!(found.contains("#   10.0.0.201: 7004/tcp, called by 1 host\n"), "{found}");
    assert!(found.contains("# 1 address was called by sweeps only"), "{found}");
    assert!(!found.contains("10.0.0.200") && !found.contains("10.0.0.255") && !found.contains("224.0.0.251"));
}

#[test]
fn a_document_of_ones_own_brings_its_roles() {
    let document = r#"
[document]
id = "x"
title = "X"
publisher = "P"
publication = "1"
kind = "vendor"

[[role]]
id = "modbus-device"
title = "Device"
signature = ["502/tcp"]
signature_rank = 1

[[table]]
role = "modbus-device"
citation = "Table 1"
rows = [ { service = "Modbus", tcp = 502 } ]
"#;
    let (folder, file) = folder_with("x.toml", document.as_bytes());
    let (demo, file) = (text(&support::demo()), text(&file));
    let found = proposal(&[&demo, "--document", &file], DONE);
    assert_eq!(roles(&found)["10.20.30.50"], ["modbus-device"]);
    assert!(found.contains("# Not proposed: controller ("), "{found}");
    let site = text(&folder.path().join("site.toml"));
    let run = portproof(["site", "init", &demo, "--document", &file, "-o", &site]).expect(DONE);
    assert!(run.stderr.contains(&format!("--document {file}")), "the next command needs it: {}", run.stderr);
    portproof(["-q", "flows", &demo, "--site", &site, "--document", &file]).expect(DONE);
    portproof(["-q", "flows", &demo, "--site", &site]).expect(USAGE);
}

#[track_caller]
fn says(run: &Run, part: &str) {
    assert!(run.stderr.contains(part), "{part:?} in {}", run.stderr);
}

#[test]
fn a_file_that_is_there_is_kept() {
    let (folder, site) = folder_with("site.toml", b"mine");
    let (demo, site) = (text(&support::demo()), text(&site));
    let refused = portproof(["site", "init", &demo, "-o", &site]).expect(USAGE);
    says(&refused, "exists: name another file, or give --force");
    assert_eq!(std::fs::read(&site).unwrap(), b"mine");
    let itself = portproof(["site", "init", &site, "-o", &site, "--force"]).expect(USAGE);
    says(&itself, "is one of the inputs");
    portproof(["site", "init", &demo, "-o", &site, "--force"]).expect(DONE);
    assert_eq!(roles(&std::fs::read_to_string(&site).unwrap()).len(), 8);
    assert_eq!(names_in(folder.path()), ["site.toml"], "nothing else is left");
}

#[test]
fn exit_codes_are_those_of_the_house() {
    let (folder, nothing) = folder_with("nothing.pcap", &capture([]));
    let site = text(&folder.path().join("site.toml"));
    let run = portproof(["site", "init", &text(&nothing), "-o", &site]).expect(NO_EVIDENCE);
    says(&run, "no host was heard");
    assert_eq!(run.lines().len(), 1, "{}", run.stderr);
    assert_eq!(names_in(folder.path()), ["nothing.pcap"]);

    let whole = capture(connection(([10, 0, 0, 9], 50_000), ([10, 0, 0, 1], 7002)));
    let (folder, cut) = folder_with("cut.pcap", &[&whole[..], &[1, 2, 3]].concat());
    let site = folder.path().join("site.toml");
    portproof(["site", "init", &text(&cut), "-o", &text(&site)]).expect(DAMAGED);
    let found = std::fs::read_to_string(&site).unwrap();
    assert_eq!(roles(&found)["10.0.0.1"], ["server"]);
    assert!(found.contains("cut.pcap: truncated, read up to there"), "{found}");

    portproof(["site"]).expect(USAGE);
    portproof(["site", "init"]).expect(USAGE);
    portproof(["site", "init", "no-such.pcap"]).expect(USAGE);
    portproof(["site", "init", "--help"]).expect(DONE);
}

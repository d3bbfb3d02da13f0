//! What is said of a recording that holds one direction only: the demo recording without what its server sent, without what
//! one of its clients sent, and as it is.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by failing")]

mod support;

use portproof::model::{CaptureIndex, Endpoint, Transport};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use support::rewrite::{rewrite, sender};
use support::{Row, Run, number, portproof};
use tempfile::TempDir;

const SERVER: &str = "10.20.30.20";
const SQL: &str = "10.20.30.21";

/// The demo recording without the packets for which `lost` holds, and a report of it.
fn report_without(lost: impl Fn(Transport, IpAddr, IpAddr) -> bool, more: &[&str]) -> (TempDir, PathBuf, Run) {
    let folder = tempfile::tempdir().unwrap();
    let (capture, target) = (folder.path().join("one-sided.pcapng"), folder.path().join("report"));
    rewrite(&support::demo(), &capture, |_, decoded| {
        sender(decoded).is_none_or(|(transport, from, to)| !lost(transport, from.ip, to.ip))
    })
    .unwrap();
    let site = support::demo_site();
    let arguments: [&Path; 6] = ["report".as_ref(), &capture, "--site".as_ref(), &site, "-o".as_ref(), &target];
    let run = portproof(arguments.iter().map(|a| a.as_os_str()).chain(more.iter().map(|a| a.as_ref())));
    (folder, target, run)
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn table(target: &Path, name: &str) -> Vec<Row> {
    support::csv_file(&target.join(format!("{name}.csv")))
}

fn by_direction(rows: &[Row]) -> BTreeMap<(&str, &str), &Row> {
    let tcp = rows.iter().filter(|row| row["protocol"] == "tcp");
    tcp.map(|row| ((row["heard_ip"].as_str(), row["unheard_ip"].as_str()), row)).collect()
}

/// Pairs of hosts and port of the blocked attempts over TCP.
fn blocked(target: &Path) -> BTreeSet<(String, String, String, String)> {
    let rows = table(target, "blocked");
    let tcp = rows.iter().filter(|row| row["protocol"] == "tcp");
    let column = |row: &Row, name: &str| row[name].clone();
    tcp.map(|row| {
        let [from, to, port, outcome] =
            ["initiator_ip", "responder_ip", "responder_port", "outcome"].map(|name| column(row, name));
        (from, to, port, outcome)
    })
    .collect()
}

#[test]
fn both_directions_leave_the_table_empty() {
    let (_folder, target, run) = report_without(|_, _, _| false, &[]);
    run.expect(0);
    assert!(table(&target, "one_sided").is_empty());
    let page = std::fs::read_to_string(target.join("index.html")).unwrap();
    assert!(page.contains("No conversation was recorded in one direction only."));
}

#[test]
fn a_tap_that_misses_what_the_server_sends_reports_pairs_and_blocks_nothing() {
    let lost = |_, from, _| from == ip(SERVER);
    let (_folder, target, run) = report_without(lost, &[]);
    let said = run.expect(0).text();
    let rows = table(&target, "one_sided");
    assert!(rows.iter().all(|row| row["unheard_ip"] == SERVER), "{rows:?}");
    let pairs = by_direction(&rows);
    let agent = pairs[&("10.20.30.30", SERVER)];
    assert!(number(agent, "flows") > 10 && number(agent, "two_sided_flows") == 0, "{agent:?}");
    assert_eq!(agent["display_filter"], format!("ip.src == 10.20.30.30 && ip.dst == {SERVER} && tcp"));
    assert!(said.contains(&format!("ftac-agent 10.20.30.30 is heard, ftac-srv {SERVER} is not: tcp")), "{said}");

    // Nothing is blocked at or by the server that is not blocked in the whole recording.
    let (_whole_folder, whole, run) = report_without(|_, _, _| false, &[]);
    run.expect(0);
    let invented: Vec<_> = blocked(&target).difference(&blocked(&whole)).cloned().collect();
    assert!(invented.is_empty(), "{invented:?}");
    assert!(blocked(&target).iter().all(|(from, to, ..)| from != SERVER && to != SERVER), "{:?}", blocked(&target));

    // The first frame of a pair is one that was sent by the host that was heard.
    let first = number(agent, "first_frame");
    let mut senders = Vec::new();
    support::rewrite::each_frame(&target.with_file_name("one-sided.pcapng"), |frame, decoded| {
        assert_eq!(frame.position.capture, CaptureIndex(0));
        if frame.position.frame == first {
            senders.push(sender(decoded).map(|(_, from, to): (Transport, Endpoint, Endpoint)| (from.ip, to.ip)));
        }
    })
    .unwrap();
    assert_eq!(senders, [Some((ip("10.20.30.30"), ip(SERVER)))]);
}

#[test]
fn another_route_between_two_hosts_leaves_the_others_as_they_are() {
    let lost = |_, from, to| from == ip(SQL) && to == ip(SERVER);
    let (_folder, target, run) = report_without(lost, &[]);
    run.expect(0);
    let rows = table(&target, "one_sided");
    let pairs = by_direction(&rows);
    assert_eq!(pairs.keys().copied().collect::<Vec<_>>(), [(SERVER, SQL)]);
    let (_whole_folder, whole, run) = report_without(|_, _, _| false, &[]);
    run.expect(0);
    let invented: Vec<_> = blocked(&target).difference(&blocked(&whole)).cloned().collect();
    assert!(invented.is_empty(), "{invented:?}");
}

#[test]
fn a_verdict_on_one_direction_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let site = support::demo_site();
    // The documented conversations of the server with its database: nothing to find.
    let check = |name: &str, keep: &dyn Fn(IpAddr) -> bool| {
        let capture = folder.path().join(format!("{name}.pcapng"));
        rewrite(&support::demo(), &capture, |_, decoded| {
            sender(decoded).is_some_and(|(_, from, to)| {
                let between = [from.ip, to.ip].iter().all(|end| [ip(SERVER), ip(SQL)].contains(end));
                between && [from.port, to.port].contains(&1433) && keep(from.ip)
            })
        })
        .unwrap();
        let target = folder.path().join(name);
        portproof(
            ["report".as_ref(), capture.as_os_str(), "--check".as_ref(), "--site".as_ref(), site.as_os_str()]
                .into_iter()
                .chain(["-o".as_ref(), target.as_os_str()]),
        )
    };
    check("whole", &|_| true).expect(0);
    let half = check("half", &|from| from == ip(SERVER)).expect(3);
    assert!(half.stderr.contains("TCP flows with payload were recorded in one direction only"), "{}", half.stderr);
}

/// A report of a capture, with more arguments.
fn report_of(capture: &Path, more: &[&str]) -> (TempDir, PathBuf, Run) {
    let folder = tempfile::tempdir().unwrap();
    let (site, target) = (support::demo_site(), folder.path().join("report"));
    let arguments: [&Path; 6] = ["report".as_ref(), capture, "--site".as_ref(), &site, "-o".as_ref(), &target];
    let run = portproof(arguments.iter().map(|a| a.as_os_str()).chain(more.iter().map(|a| a.as_ref())));
    (folder, target, run)
}

/// Attempts called blocked, and sweeps, in a report that must not have any but those refused.
fn claims_nothing(target: &Path, refused: usize) {
    let rows = table(target, "blocked");
    assert!(rows.len() <= refused && rows.iter().all(|row| row["outcome"] == "refused"), "{rows:?}");
    let scans = table(target, "findings").into_iter().filter(|finding| finding["kind"] == "scan");
    assert_eq!(scans.count(), 0);
    assert!(table(target, "flows").iter().all(|flow| flow["outcome"] != "unanswered"));
}

#[test]
fn recordings_that_lack_answers_claim_neither_silence_nor_sweeps() {
    let filters = [
        ("udp or tcp[tcpflags] == tcp-syn", 1),
        ("tcp[tcpflags] == tcp-syn or tcp[tcpflags] & tcp-rst != 0", 2),
        ("tcp or udp dst port 53 or udp dst port 123", 2),
    ];
    for (filter, refused) in filters {
        let (_folder, target, run) = report_of(&support::demo(), &["-f", filter]);
        run.expect(0);
        claims_nothing(&target, refused);
        let page = std::fs::read_to_string(target.join("index.html")).unwrap();
        assert!(page.contains("A filter was in use and may have kept answers away"), "{filter}");
    }
    // The same, filtered beforehand: nobody says so.
    let folder = tempfile::tempdir().unwrap();
    let openings = folder.path().join("openings.pcapng");
    for (resets, refused) in [(false, 1), (true, 3)] {
        rewrite(&support::demo(), &openings, |_, decoded| {
            let set = support::rewrite::flags_of(decoded);
            set.is_none_or(|set| set == 0x02 || (resets && set & 0x04 != 0))
                && matches!(decoded.content, portproof::model::Content::Packet(_))
        })
        .unwrap();
        let (_folder, target, run) = report_of(&openings, &[]);
        run.expect(0);
        claims_nothing(&target, refused);
    }
}

#[test]
fn datagrams_whose_answers_take_another_path_are_not_unanswered() {
    let asks = |transport, from: IpAddr, to: IpAddr| transport == Transport::Tcp || from < to;
    let (_folder, target, run) = report_without(|transport, from, to| !asks(transport, from, to), &[]);
    run.expect(0);
    let unanswered = |flow: &&Row| flow["protocol"] == "udp" && flow["outcome"] == "unanswered";
    assert_eq!(table(&target, "flows").iter().filter(unanswered).count(), 0);
}

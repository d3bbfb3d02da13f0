//! Real captures of which one direction was taken away, against themselves: what is missing is reported by pair of hosts and
//! called blocked nowhere. Run by `.ci/run`, or with
//!
//! ```text
//! PORTPROOF_SHARED=../shared cargo test --test conformance_sides -- --ignored --nocapture
//! ```

#![allow(clippy::print_stdout, reason = "what was skipped, and the figures, are for the reader of the run")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by failing")]

mod support;

use portproof::model::{Endpoint, Transport};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;
use support::rewrite::{each_frame, rewrite, sender};
use support::{Row, number, portproof, rows_of, shared, tsv};

fn end(row: &Row, who: &str) -> Endpoint {
    let ip = &row[&format!("{who}_ip")];
    Endpoint { ip: ip.parse().unwrap(), port: number(row, &format!("{who}_port")) as u16 }
}

/// TCP flows by outcome: how many, and between which ends attempts were called blocked.
#[derive(Default)]
struct Outcomes {
    flows: BTreeMap<String, usize>,
    blocked: BTreeSet<(Endpoint, Endpoint)>,
}

impl Outcomes {
    fn of(capture: &Path) -> Self {
        let run = Command::new(support::PROGRAM).args(["-q", "flows"]).arg(capture).output().unwrap();
        let mut outcomes = Self::default();
        for row in rows_of(&run.stdout, b',').iter().filter(|row| row["protocol"] == "tcp") {
            *outcomes.flows.entry(row["outcome"].clone()).or_default() += 1;
            if ["refused", "unanswered", "prohibited"].contains(&row["outcome"].as_str()) {
                let (from, to) = (end(row, "initiator"), end(row, "responder"));
                outcomes.blocked.insert((from.min(to), from.max(to)));
            }
        }
        outcomes
    }

    fn add(&mut self, other: &Self) {
        for (outcome, flows) in &other.flows {
            *self.flows.entry(outcome.clone()).or_default() += flows;
        }
    }
}

/// The host that answers most: whoever sends most SYN-ACKs.
fn busiest_server(capture: &Path) -> Option<IpAddr> {
    let mut answers: HashMap<IpAddr, u64> = HashMap::new();
    each_frame(capture, |_, decoded| {
        if support::rewrite::flags_of(decoded).is_some_and(|flags| flags & 0x12 == 0x12)
            && let Some((_, from, _)) = sender(decoded)
        {
            *answers.entry(from.ip).or_default() += 1;
        }
    })?;
    answers.into_iter().max_by_key(|(ip, n)| (*n, *ip)).map(|(ip, _)| ip)
}

#[test]
#[ignore = "needs the outside corpora; .ci/run runs it"]
fn what_one_direction_lacks_is_blocked_nowhere() {
    let Some(corpus) = shared("corpus") else { return };
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("one-sided.pcapng");
    let mut sums: [Outcomes; 3] = Default::default();
    let mut invented: [BTreeMap<String, usize>; 2] = Default::default();
    let manifest = tsv(&corpus.join("manifest.tsv"));
    let mut captures = 0;
    for file in manifest.iter().filter(|entry| entry["group"] != "malformed").map(|entry| &entry["file"]) {
        let capture = corpus.join(file);
        let Some(server) = busiest_server(&capture) else { continue };
        captures += 1;
        let whole = Outcomes::of(&capture);
        sums[0].add(&whole);
        let kept: [&dyn Fn(IpAddr, IpAddr) -> bool; 2] = [&|from, to| from <= to, &|from, _| from != server];
        for (at, keep) in kept.into_iter().enumerate() {
            let tcp = |t: Transport| t == Transport::Tcp;
            rewrite(&capture, &target, |_, decoded| {
                sender(decoded).is_none_or(|(transport, from, to)| !tcp(transport) || keep(from.ip, to.ip))
            })
            .unwrap();
            let part = Outcomes::of(&target);
            sums[at + 1].add(&part);
            let new = part.blocked.difference(&whole.blocked).count();
            if new > 0 {
                invented[at].insert(file.clone(), new);
            }
        }
    }
    println!("\n{captures} captures with SYN-ACKs; TCP flows by outcome");
    let titles = ["whole", "from the lower address only", "without what the busiest server sends"];
    for (title, sum) in titles.iter().zip(&sums) {
        println!("{title:<40} {:?}", sum.flows);
    }
    for (title, invented) in titles[1..].iter().zip(&invented) {
        println!("{title}: called blocked and not so in the whole: {invented:?}");
    }
    assert!(invented.iter().all(BTreeMap::is_empty), "see above");
}

#[test]
#[ignore = "needs the outside corpora; .ci/run runs it"]
fn a_half_duplex_recording_names_its_pairs_and_gives_no_verdict() {
    let Some(corpus) = shared("corpus") else { return };
    let capture = corpus.join("tcp-states/zeek__ssh.server-side-half-duplex.pcap");
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("report");
    let arguments = ["report", capture.to_str().unwrap(), "--check", "-o", target.to_str().unwrap()];
    let run = portproof(arguments);
    println!("exit code {:?}\n{}{}", run.code, run.text(), run.stderr);
    let table = |name: &str| support::csv_file(&target.join(format!("{name}.csv")));
    assert!(table("flows").iter().all(|flow| flow["outcome"] == "one-sided" && flow["orientation"] == "certain"));
    let pairs = table("one_sided");
    assert_eq!(pairs.iter().map(|pair| number(pair, "flows")).sum::<u64>(), table("flows").len() as u64);
    assert!(table("blocked").is_empty());
    assert!([Some(1), Some(3)].contains(&run.code), "findings or not enough evidence");
}

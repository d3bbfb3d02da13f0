//! Who initiated, measured where the answer is known and the evidence for it is taken away: every TCP segment with the SYN
//! flag is dropped from captures whose handshakes tell who called, and `portproof flows` judges the rest. Run by `.ci/run`,
//! or with
//!
//! ```text
//! PORTPROOF_SHARED=../shared cargo test --test conformance_direction -- --ignored --nocapture
//! ```
//!
//! Each capture is judged by itself. The answers come from what other programs wrote down: tshark's sender of the SYN
//! (`corpus/truth/flows.tsv`), the kernel's connections (`lab/sample/truth.json`), for the demo recording from the SYNs in
//! it. The method and the figures stand in `docs/direction.md`.

#![allow(clippy::print_stdout, reason = "what was skipped, and the figures, are for the reader of the run")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by failing")]

mod support;

use portproof::model::{Endpoint, Transport, flags};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::process::Command;
use support::rewrite::{Sender, each_frame, flags_of, is_syn, rewrite, sender};
use support::{Row, number, rows_of, shared};

/// Labels, surest first.
const LABELS: [&str; 5] = ["certain", "strong", "probable", "guess", "unknown"];

/// Of the flows whose direction is called certain or strong, no more may be wrong.
const MOST_WRONG_PERCENT: f64 = 1.0;

/// UDP protocols whose server answers from a port of its own, while the client's is another: what tshark found in the
/// datagrams, and that port.
const UDP_SERVERS: [(&str, u16); 9] = [
    ("dns", 53),
    ("kerberos", 88),
    ("ntp", 123),
    ("nbns", 137),
    ("snmp", 161),
    ("cldap", 389),
    ("mssql-browser", 1434),
    ("ssdp", 1900),
    ("enip", 44818),
];

/// What belongs together, whoever called whom.
type Pair = (Transport, Endpoint, Endpoint);

fn pair(transport: Transport, one: Endpoint, other: Endpoint) -> Pair {
    (transport, one.min(other), one.max(other))
}

/// Servers by pair of ends: two where the truth has connections both ways, which then tells nothing.
#[derive(Debug, Default)]
struct Truth(HashMap<Pair, BTreeSet<Endpoint>>);

impl Truth {
    fn note(&mut self, transport: Transport, client: Endpoint, server: Endpoint) {
        self.0.entry(pair(transport, client, server)).or_default().insert(server);
    }

    fn server(&self, pair: &Pair) -> Option<Endpoint> {
        let servers = self.0.get(pair)?;
        servers.first().copied().filter(|_| servers.len() == 1)
    }

    fn count(&self, transport: Transport) -> usize {
        self.0.keys().filter(|pair| pair.0 == transport && self.server(pair).is_some()).count()
    }
}

#[derive(Debug, Default, Clone, Copy)]
struct Right {
    right: usize,
    wrong: usize,
    silent: usize,
}

impl Right {
    fn note(&mut self, answer: Option<Endpoint>, server: Endpoint) {
        match answer {
            None => self.silent += 1,
            Some(answer) if answer == server => self.right += 1,
            Some(_) => self.wrong += 1,
        }
    }

    fn add(&mut self, other: Self) {
        self.right += other.right;
        self.wrong += other.wrong;
        self.silent += other.silent;
    }

    fn answered(self) -> usize {
        self.right + self.wrong
    }
}

fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 }
}

impl std::fmt::Display for Right {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let wrong = percent(self.wrong, self.answered());
        write!(f, "{:>6} {:>6} {wrong:>6.2}% {:>5}", self.right, self.wrong, self.silent)
    }
}

/// What one label got right, and what two simple rules make of the same flows.
#[derive(Debug, Default, Clone, Copy)]
struct Score {
    flows: usize,
    ours: Right,
    lower_port: Right,
    first_packet: Right,
}

impl Score {
    fn add(&mut self, other: &Self) {
        self.flows += other.flows;
        self.ours.add(other.ours);
        self.lower_port.add(other.lower_port);
        self.first_packet.add(other.first_packet);
    }
}

/// Scores by label, over all flows and over those in which both sides were heard.
#[derive(Debug, Default)]
struct Scores {
    known: usize,
    remaining: BTreeSet<(String, Pair)>,
    all: BTreeMap<String, Score>,
    two_way: BTreeMap<String, Score>,
    wrong: BTreeMap<String, (usize, String)>,
    /// Kinds of evidence in flows whose both sides were heard: how often each named the server, and how often the client.
    evidence: BTreeMap<String, (usize, usize)>,
}

impl Scores {
    fn sure(&self, two_way: bool) -> Score {
        let by_label = if two_way { &self.two_way } else { &self.all };
        let mut sure = Score::default();
        ["certain", "strong"].iter().filter_map(|label| by_label.get(*label)).for_each(|score| sure.add(score));
        sure
    }

    fn note(&mut self, file: &str, transport: Transport, row: &Row, truth: &Truth, senders: &[Sender]) {
        let (initiator, responder) = (end(row, "initiator"), end(row, "responder"));
        let pair = pair(transport, initiator, responder);
        let Some(server) = truth.server(&pair) else { return };
        self.remaining.insert((file.to_owned(), pair));
        let label = row["orientation"].as_str();
        let ours = (label != "unknown").then_some(responder);
        let lower_port = (initiator.port != responder.port).then_some(if initiator.port < responder.port {
            initiator
        } else {
            responder
        });
        let first = number(row, "first_frame") as usize;
        let first_packet = senders[first - 1].map(|(_, _, destination)| destination);
        let two_way = number(row, "forward_packets") > 0 && number(row, "reverse_packets") > 0;
        for (scores, counts) in [(&mut self.all, true), (&mut self.two_way, two_way)] {
            if counts {
                let score = scores.entry(label.to_owned()).or_default();
                score.flows += 1;
                score.ours.note(ours, server);
                score.lower_port.note(lower_port, server);
                score.first_packet.note(first_packet, server);
            }
        }
        if let (true, Some(answer)) = (two_way, ours) {
            for kind in kinds(&row["orientation_evidence"]).split("; ") {
                let against = kind.strip_suffix(" (against)");
                let counts = self.evidence.entry(against.unwrap_or(kind).to_owned()).or_default();
                let right = (answer == server) != against.is_some();
                *(if right { &mut counts.0 } else { &mut counts.1 }) += 1;
            }
        }
        if ours.is_some_and(|answer| answer != server) {
            let class = format!("{label}: {}", kinds(&row["orientation_evidence"]));
            let example = || format!("{file}: we say {initiator} -> {responder}; {}", row["orientation_evidence"]);
            self.wrong.entry(class).or_insert_with(|| (0, example())).0 += 1;
        }
    }

    fn print(&self, title: &str) {
        println!("\n{title}: {} pairs of ends with a known server, {} left", self.known, self.remaining.len());
        let rule = format!("{:>6} {:>6} {:>7} {:>5}", "right", "wrong", "", "none");
        println!("{:>26}   ours {rule}   lower port {rule}   first packet {rule}", "flows");
        for (what, by_label) in [("all", &self.all), ("both sides heard", &self.two_way)] {
            let mut total = Score::default();
            for label in LABELS {
                if let Some(score) = by_label.get(label) {
                    print_line(what, label, score);
                    total.add(score);
                }
            }
            let sure = self.sure(what != "all");
            print_line(what, "sum", &total);
            print_line(what, "sure", &sure);
            println!("{what}: {:.1}% of the flows are certain or strong", percent(sure.flows, total.flows));
        }
        for (kind, (right, wrong)) in &self.evidence {
            println!("  evidence {right:>5} right {wrong:>5} wrong: {kind}");
        }
        for (class, (count, example)) in &self.wrong {
            println!("  {count:>5} wrong, {class}\n         e.g. {example}");
        }
    }

    fn check(&self, title: &str) {
        for two_way in [false, true] {
            let sure = self.sure(two_way).ours;
            let wrong = percent(sure.wrong, sure.answered());
            assert!(wrong <= MOST_WRONG_PERCENT, "{title}: {wrong:.2}% of the sure directions are wrong");
        }
    }
}

fn print_line(what: &str, label: &str, score: &Score) {
    println!(
        "{what:<16} {label:<9} {:>5}        {}              {}                {}",
        score.flows, score.ours, score.lower_port, score.first_packet
    );
}

/// The kinds of evidence without their numbers.
fn kinds(evidence: &str) -> String {
    let kind = |text: &str| {
        let words = text.split(' ').filter(|word| !word.contains(|c: char| c.is_ascii_digit()));
        words.collect::<Vec<_>>().join(" ")
    };
    evidence.split("; ").map(kind).collect::<Vec<_>>().join("; ")
}

fn end(row: &Row, who: &str) -> Endpoint {
    let ip = &row[&format!("{who}_ip")];
    let port = number(row, &format!("{who}_port")) as u16;
    Endpoint { ip: ip.parse().unwrap_or_else(|e| panic!("{ip}: {e}")), port }
}

/// What is left of a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// Everything but the segments with the SYN flag.
    AllButSyns,
    /// Of each flow's other frames those from some frame on: the recording began in its middle.
    LaterPart,
}

/// Drops what shows who opened, and gives what `portproof flows` says of the rest, with the sender of each frame.
fn judged_without_syns(capture: &Path, left: Left) -> Option<(Vec<Row>, Vec<Sender>)> {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("without-syn.pcapng");
    let mut missing: HashMap<Pair, u64> = HashMap::new();
    if left == Left::LaterPart {
        each_frame(capture, |_, decoded| {
            if let (false, Some((transport, from, to))) = (is_syn(decoded), sender(decoded)) {
                *missing.entry(pair(transport, from, to)).or_default() += 1;
            }
        })?;
        for (pair, frames) in &mut missing {
            *frames = hash(&format!("{pair:?}")) % *frames;
        }
    }
    let senders = rewrite(capture, &target, |_, decoded| {
        let frames = sender(decoded).and_then(|(transport, from, to)| missing.get_mut(&pair(transport, from, to)));
        match frames {
            _ if is_syn(decoded) => false,
            Some(frames) if *frames > 0 => {
                *frames -= 1;
                false
            }
            _ => true,
        }
    })?;
    let run = Command::new(support::PROGRAM).args(["-q", "flows"]).arg(&target).output().unwrap();
    let code = run.status.code();
    assert!([Some(0), Some(3), Some(4)].contains(&code), "{}: {code:?}", capture.display());
    let rows = rows_of(&run.stdout, b',');
    for row in &rows {
        assert!(number(row, "syn") + number(row, "syn_ack") == 0, "{}: a SYN is left", capture.display());
    }
    Some((rows, senders))
}

fn transport_of(name: &str) -> Transport {
    name.parse().unwrap_or_else(|e| panic!("{e}"))
}

/// Adds one capture to the scores of TCP and of UDP.
fn measure(name: &str, capture: &Path, left: Left, truth: &Truth, [tcp, udp]: &mut [Scores; 2]) {
    let Some((rows, senders)) = judged_without_syns(capture, left) else { return };
    tcp.known += truth.count(Transport::Tcp);
    udp.known += truth.count(Transport::Udp);
    for row in &rows {
        match transport_of(&row["protocol"]) {
            Transport::Tcp => tcp.note(name, Transport::Tcp, row, truth, &senders),
            Transport::Udp => udp.note(name, Transport::Udp, row, truth, &senders),
        }
    }
}

/// FNV-1a, folded: the same everywhere.
fn hash(text: &str) -> u64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    hash ^ (hash >> 32)
}

/// One half of the captures was looked at when the weights were chosen, the other was not.
fn held_out(file: &str) -> bool {
    hash(file.rsplit('/').next().unwrap_or(file)) & 1 == 1
}

/// The truth of each capture of the corpus: by SYN, or where there is none by what only a client sends.
fn corpus_truth(corpus: &Path) -> (BTreeMap<String, Truth>, BTreeMap<String, Truth>) {
    let (mut by_syn, mut by_content): (BTreeMap<String, Truth>, BTreeMap<String, Truth>) = Default::default();
    let flows = std::fs::read(corpus.join("truth/flows.tsv")).unwrap();
    for row in rows_of(&flows, b'\t') {
        if row["client_port"].is_empty() {
            continue;
        }
        let (client, server) = (end(&row, "client"), end(&row, "server"));
        let transport = transport_of(&row["proto"]);
        let by_syn = by_syn.entry(row["file"].clone()).or_default();
        let by_content = by_content.entry(row["file"].clone()).or_default();
        match (transport, row["dir_basis"].as_str()) {
            (Transport::Tcp, "syn" | "syn-both-sides") if row["direction"] == "known" => {
                by_syn.note(transport, client, server);
            }
            (Transport::Tcp, "none") if row["hint_basis"] != "well-known-port" => {
                let hint = [client, server].into_iter().find(|end| end.to_string() == row["hint_server"]);
                if let Some(server_) = hint {
                    by_content.note(transport, if server_ == server { client } else { server }, server_);
                }
            }
            (Transport::Udp, _) => {
                let serves = |end: Endpoint| {
                    UDP_SERVERS.iter().any(|(name, port)| {
                        end.port == *port && row["top_protocols"].split(',').any(|top| top == *name)
                    })
                };
                match (serves(client), serves(server)) {
                    (true, false) => by_syn.note(transport, server, client),
                    (false, true) => by_syn.note(transport, client, server),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    (by_syn, by_content)
}

#[test]
#[ignore = "needs the outside corpora; .ci/run runs it"]
fn directions_without_handshakes_are_those_of_the_handshakes() {
    let Some(corpus) = shared("corpus") else { return };
    let (by_syn, by_content) = corpus_truth(&corpus);
    for left in [Left::AllButSyns, Left::LaterPart] {
        let mut halves: [[Scores; 2]; 2] = Default::default();
        for (file, truth) in &by_syn {
            measure(file, &corpus.join(file), left, truth, &mut halves[usize::from(held_out(file))]);
        }
        for (half, scores) in ["looked at", "held out"].into_iter().zip(&halves) {
            print_and_check(&format!("corpus, {half}, {left:?}"), scores);
        }
    }
    let mut natural: [Scores; 2] = Default::default();
    for (file, truth) in by_content.iter().filter(|(_, truth)| truth.count(Transport::Tcp) > 0) {
        measure(file, &corpus.join(file), Left::AllButSyns, truth, &mut natural);
    }
    print_and_check("corpus, SYN never recorded, server by bind, request or ClientHello", &natural);
}

fn print_and_check(title: &str, scores: &[Scores; 2]) {
    for (transport, scores) in ["TCP", "UDP"].into_iter().zip(scores).filter(|(_, scores)| scores.known > 0) {
        scores.print(&format!("{title}, {transport}"));
        scores.check(title);
    }
}

fn json_end(value: &serde_json::Value) -> Endpoint {
    let ip = value["ip"].as_str().unwrap_or_else(|| panic!("no ip in {value}"));
    Endpoint { ip: ip.parse().unwrap(), port: value["port"].as_u64().unwrap() as u16 }
}

#[test]
#[ignore = "needs the outside corpora; .ci/run runs it"]
fn directions_of_the_lab_without_handshakes_are_those_of_the_kernel() {
    let Some(lab) = shared("lab/sample") else { return };
    let known: serde_json::Value = serde_json::from_slice(&std::fs::read(lab.join("truth.json")).unwrap()).unwrap();
    let mut truth = Truth::default();
    for connection in known["connections"].as_array().unwrap() {
        truth.note(Transport::Tcp, json_end(&connection["client"]), json_end(&connection["server"]));
    }
    // Of the datagrams those towards a socket that a server process was seen to hold.
    let held = |udp: &&serde_json::Value| udp["server_process"].as_array().is_some_and(|names| !names.is_empty());
    for udp in known["udp"].as_array().unwrap().iter().filter(held) {
        truth.note(Transport::Udp, json_end(&udp["client"]), json_end(&udp["server"]));
    }
    for name in support::names_in(&lab.join("cap")) {
        for left in [Left::AllButSyns, Left::LaterPart] {
            let mut scores: [Scores; 2] = Default::default();
            measure(&name, &lab.join("cap").join(&name), left, &truth, &mut scores);
            print_and_check(&format!("lab, {name}, {left:?}"), &scores);
        }
    }
}

#[test]
fn directions_of_the_demo_without_handshakes_are_those_that_were_played() {
    let mut truth = Truth::default();
    each_frame(&support::demo(), |_, decoded| {
        if flags_of(decoded).is_some_and(|set| set & (flags::SYN | flags::ACK) == flags::SYN)
            && let Some((transport, source, destination)) = sender(decoded)
        {
            truth.note(transport, source, destination);
        }
    })
    .unwrap();
    for left in [Left::AllButSyns, Left::LaterPart] {
        let mut scores: [Scores; 2] = Default::default();
        measure("backup-run.pcapng", &support::demo(), left, &truth, &mut scores);
        print_and_check(&format!("demo recording, {left:?}"), &scores);
    }
}

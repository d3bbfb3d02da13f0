//! Real captures that are not part of the project, against what other tools made of them. Run by `.ci/run`, or with
//!
//! ```text
//! PORTPROOF_SHARED=../shared cargo test --test conformance -- --ignored --nocapture
//! ```
//!
//! `$PORTPROOF_SHARED/corpus` holds captures and, in `truth/`, the flows that tshark sees in them; `lab/sample` a run of
//! real software whose connections the kernel wrote down. Each test prints its figures, and every class of difference
//! with an example; without the folder it says so and passes.

#![allow(clippy::print_stdout, reason = "what was skipped, and the figures, are for the reader of the run")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by failing")]

mod support;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use support::{Row, Run, number, rows_of, shared, tsv};

/// tshark never times a conversation out: nor does this.
const NO_TIMEOUTS: &[&str] = &["--udp-idle", "40000d", "--tcp-idle", "40000d", "--tcp-transitory", "40000d"];

/// Share of all flows that may differ, every class of difference together.
const ALLOWED_PERCENT: f64 = 0.5;

/// The same within a group of captures, from this number of flows on, and what has no explanation.
const ALLOWED_IN_GROUP_PERCENT: f64 = 1.0;
const ENOUGH_FLOWS: usize = 100;

/// Captures of which tshark says something else, and why that is no fault of ours.
const EXPLAINED: &[(&str, &str)] = &[
    (
        "format/simsong__simson.pcap",
        "40 bytes were kept of each frame: the ports are among them, the TCP flags are not; tshark numbers no \
         stream, and so the truth has one for all ports",
    ),
    (
        "format/google__le__test901.pcapng",
        "a section of unknown version: tshark ends there; draft-ietf-opsawg-pcapng section 4.1 leaves it out and goes on",
    ),
    (
        "linktype/seladb__null_loopback.pcap",
        "a loopback header with the family 0x0008000f, which is none: tshark takes half of it for an EtherType",
    ),
];

/// Captures of which the manifest gives another number of frames, and the right one.
const FRAMES: &[(&str, u64, &str)] = &[
    ("format/DNS-OARC__dns.pcap.xz", 133, "the tools that made the manifest read no xz"),
    ("format/google__le__test901.pcapng", 2, "one section of three has an unknown version and is left out"),
];

fn run(arguments: &[&str], limit: Duration) -> Run {
    support::run(Command::new(support::PROGRAM).args(arguments), &[], limit)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 { 100.0 } else { 100.0 * part as f64 / whole as f64 }
}

/// One end of a flow.
type End = (IpAddr, u16);

/// A flow without direction: protocol, both ends in order, packets of each.
type Undirected = (String, End, End, u64, u64);

fn undirected(protocol: &str, from: End, to: End, sent: u64, received: u64) -> Undirected {
    if from <= to { (protocol.into(), from, to, sent, received) } else { (protocol.into(), to, from, received, sent) }
}

fn end(row: &Row, ip: &str, port: &str) -> End {
    (row[ip].parse().unwrap_or_else(|e| panic!("{}: {e}", row[ip])), number(row, port) as u16)
}

fn ours(row: &Row) -> Undirected {
    let (from, to) = (end(row, "initiator_ip", "initiator_port"), end(row, "responder_ip", "responder_port"));
    undirected(&row["protocol"], from, to, number(row, "forward_packets"), number(row, "reverse_packets"))
}

fn theirs(row: &Row) -> Undirected {
    let (from, to) = (end(row, "client_ip", "client_port"), end(row, "server_ip", "server_port"));
    undirected(&row["proto"], from, to, number(row, "packets_c2s"), number(row, "packets_s2c"))
}

/// Bytes each way in frames, IP packets and payload, of the smaller end first.
type Lengths = [u64; 6];

fn lengths(row: &Row, (from, to): (End, End), names: [&str; 6]) -> Lengths {
    let [a, b, c, d, e, f] = names.map(|name| number(row, name));
    if from <= to { [a, b, c, d, e, f] } else { [b, a, d, c, f, e] }
}

fn our_lengths(row: &Row) -> Lengths {
    let ends = (end(row, "initiator_ip", "initiator_port"), end(row, "responder_ip", "responder_port"));
    let names = [
        "forward_wire_bytes",
        "reverse_wire_bytes",
        "forward_ip_bytes",
        "reverse_ip_bytes",
        "forward_payload_bytes",
        "reverse_payload_bytes",
    ];
    lengths(row, ends, names)
}

fn their_lengths(row: &Row) -> Lengths {
    let ends = (end(row, "client_ip", "client_port"), end(row, "server_ip", "server_port"));
    let names = ["frame_bytes_c2s", "frame_bytes_s2c", "ip_bytes_c2s", "ip_bytes_s2c", "payload_c2s", "payload_s2c"];
    lengths(row, ends, names)
}

/// Whether the bytes agree, and if not, the class of the difference.
fn bytes_differ(truth: &Row, found: &Row) -> Option<&'static str> {
    let (theirs, ours) = (their_lengths(truth), our_lengths(found));
    match (theirs == ours, theirs[..4] == ours[..4], truth["fragments"] != "0") {
        (true, ..) => None,
        (_, true, true) => Some(
            "payload of fragments: tshark takes the whole datagram's length from the first one and nothing from the \
             others; ours is what each of them carries",
        ),
        _ => Some("bytes"),
    }
}

/// Link layers that are plain, then one IP header and no more.
fn is_plain(encapsulation: &str) -> bool {
    let mut layers = encapsulation.split('/').rev();
    matches!(layers.next(), Some("ip" | "ipv6"))
        && layers.all(|layer| matches!(layer, "eth" | "vlan" | "sll" | "raw" | "null" | "loop"))
}

#[test]
fn plain_encapsulations_are_told_from_tunnels() {
    for plain in ["eth/ip", "eth/ipv6", "eth/vlan/vlan/ip", "sll/ip", "raw/ipv6", "null/ip", "ip"] {
        assert!(is_plain(plain), "{plain}");
    }
    for other in ["", "eth/ip/ipv6", "eth/ip/gre/ip", "eth/pppoes/ppp/ip", "eth/mpls/ip", "eth/ip/udp/gtp/ip", "eth"] {
        assert!(!is_plain(other), "{other}");
    }
}

#[derive(Debug, Default, Clone, Copy)]
struct Score {
    flows: usize,
    equal: usize,
    /// Of the others, those that [`EXPLAINED`] explains.
    explained: usize,
    /// Equal in bytes as well.
    bytes: usize,
    with_syn: usize,
    initiator: usize,
    /// With the program's own timeouts.
    equal_by_default: usize,
    /// The same after joining the flows that these timeouts split.
    equal_when_joined: usize,
}

impl Score {
    fn add(&mut self, other: &Self) {
        self.flows += other.flows;
        self.equal += other.equal;
        self.explained += other.explained;
        self.bytes += other.bytes;
        self.with_syn += other.with_syn;
        self.initiator += other.initiator;
        self.equal_by_default += other.equal_by_default;
        self.equal_when_joined += other.equal_when_joined;
    }

    fn print(&self, name: &str) {
        println!(
            "{name:<12} {:>6} {:>6} {:>7.2}% {:>6} {:>5} {:>7} {:>7} {:>7.2}% {:>8} {:>7.2}% {:>8} {:>7.2}%",
            self.flows,
            self.equal,
            percent(self.equal, self.flows),
            self.bytes,
            self.explained,
            self.with_syn,
            self.initiator,
            percent(self.initiator, self.with_syn),
            self.equal_by_default,
            percent(self.equal_by_default, self.flows),
            self.equal_when_joined,
            percent(self.equal_when_joined, self.flows),
        );
    }
}

/// Takes an equal flow out of the bag.
fn take(bag: &mut HashMap<Undirected, Vec<Row>>, flow: &Undirected) -> Option<Row> {
    bag.get_mut(flow).and_then(Vec::pop)
}

/// Takes the equal flow that has the same bytes, or else any: the same ends may have talked twice with as many packets.
fn take_like(bag: &mut HashMap<Undirected, Vec<Row>>, flow: &Undirected, truth: &Row) -> Option<Row> {
    let rows = bag.get_mut(flow)?;
    match rows.iter().position(|row| our_lengths(row) == their_lengths(truth)) {
        Some(same) => Some(rows.swap_remove(same)),
        None => rows.pop(),
    }
}

fn bag(rows: Vec<Row>) -> HashMap<Undirected, Vec<Row>> {
    let mut bag: HashMap<_, Vec<Row>> = HashMap::new();
    for row in rows {
        bag.entry(ours(&row)).or_default().push(row);
    }
    bag
}

/// Packets each way over all flows between the same ends.
fn joined(flows: impl Iterator<Item = Undirected>) -> BTreeMap<(String, End, End), (u64, u64)> {
    let mut sums = BTreeMap::new();
    for (protocol, a, b, from_a, from_b) in flows {
        let sum: &mut (u64, u64) = sums.entry((protocol, a, b)).or_default();
        *sum = (sum.0 + from_a, sum.1 + from_b);
    }
    sums
}

/// Differences by class: how many, and an example.
#[derive(Default)]
struct Classes(BTreeMap<String, (usize, String)>);

impl Classes {
    fn note(&mut self, class: impl Into<String>, example: impl FnOnce() -> String) {
        let entry = self.0.entry(class.into()).or_insert_with(|| (0, example()));
        entry.0 += 1;
    }

    fn print(&self, title: &str) {
        println!("\n{title}");
        for (class, (count, example)) in &self.0 {
            println!("  {count:>5}  {class}\n         e.g. {example}");
        }
    }
}

/// What a flow that differs with timeouts lifted differs for.
fn class(truth: &Row, refused: bool, siblings: &BTreeSet<String>) -> String {
    if refused {
        return "format that is refused by name (convert it first)".into();
    }
    if !is_plain(&truth["encapsulation"]) {
        return format!("encapsulation {}", truth["encapsulation"]);
    }
    if siblings.contains(&truth["flow"]) {
        return "tshark makes two streams of one UDP conversation".into();
    }
    explanation(truth).map_or_else(|| format!("other: {}", truth["file"]), str::to_owned)
}

fn explanation(truth: &Row) -> Option<&'static str> {
    EXPLAINED.iter().find(|(file, _)| *file == truth["file"]).map(|(_, why)| *why)
}

/// Flows whose ends tshark gave to more than one UDP stream.
fn split_by_tshark(truth: &[Row]) -> BTreeSet<String> {
    let mut of: BTreeMap<(End, End), Vec<&Row>> = BTreeMap::new();
    for row in truth.iter().filter(|row| row["proto"] == "udp") {
        let flow = theirs(row);
        of.entry((flow.1, flow.2)).or_default().push(row);
    }
    of.into_values().filter(|rows| rows.len() > 1).flatten().map(|row| row["flow"].clone()).collect()
}

fn describe(truth: &Row) -> String {
    let column = |name: &str| truth[name].as_str();
    format!(
        "{} flow {}: {} {}:{} -> {}:{}, {} and {} packets, {}",
        column("file"),
        column("flow"),
        column("proto"),
        column("client_ip"),
        column("client_port"),
        column("server_ip"),
        column("server_port"),
        column("packets_c2s"),
        column("packets_s2c"),
        column("encapsulation"),
    )
}

#[test]
#[ignore = "needs the outside corpora; .ci/run runs it"]
fn flows_equal_those_of_tshark() {
    let Some(corpus) = shared("corpus") else { return };
    let mut truths: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for row in tsv(&corpus.join("truth/flows.tsv")) {
        truths.entry(row["file"].clone()).or_default().push(row);
    }
    let (mut plain, mut other): (BTreeMap<String, Score>, BTreeMap<String, Score>) = Default::default();
    let [mut differ, mut extra, mut wrong_way, mut bytes] = std::array::from_fn(|_| Classes::default());
    for entry in tsv(&corpus.join("manifest.tsv")) {
        let Some(truth) = truths.get(&entry["file"]) else { continue };
        let file = corpus.join(&entry["file"]);
        let flows = |more: &[&str]| {
            let run = run(&[&["-q", "flows", text(&file)], more].concat(), support::HANGS);
            assert!(
                [Some(0), Some(2), Some(3), Some(4)].contains(&run.code),
                "{}: {:?} {}",
                file.display(),
                run.code,
                run.stderr
            );
            (rows_of(&run.stdout, b','), run.stderr.contains("convert it first"))
        };
        let (rows, refused) = flows(NO_TIMEOUTS);
        let mut unmatched = bag(rows);
        let by_default = flows(&[]).0;
        let sums = joined(by_default.iter().map(ours));
        let true_sums = joined(truth.iter().map(theirs));
        let mut by_default = bag(by_default);
        let siblings = split_by_tshark(truth);
        for row in truth {
            let flow = theirs(row);
            let scores = if is_plain(&row["encapsulation"]) && !refused { &mut plain } else { &mut other };
            let score = scores.entry(entry["group"].clone()).or_default();
            score.flows += 1;
            score.equal_by_default += usize::from(take(&mut by_default, &flow).is_some());
            let ends = (flow.0.clone(), flow.1, flow.2);
            score.equal_when_joined += usize::from(sums.get(&ends) == true_sums.get(&ends));
            let Some(found) = take_like(&mut unmatched, &flow, row) else {
                differ.note(class(row, refused, &siblings), || describe(row));
                score.explained += usize::from(explanation(row).is_some());
                continue;
            };
            score.equal += 1;
            match bytes_differ(row, &found) {
                None => score.bytes += 1,
                Some(class) => {
                    let (theirs, ours) = (their_lengths(row), our_lengths(&found));
                    bytes.note(class, || format!("{}: tshark {theirs:?}, ours {ours:?}", describe(row)));
                }
            }
            if row["proto"] == "tcp"
                && row["direction"] == "known"
                && row["dir_basis"].starts_with("syn")
                && row["dir_basis"] != "synack-only"
            {
                score.with_syn += 1;
                if end(&found, "initiator_ip", "initiator_port") == end(row, "client_ip", "client_port") {
                    score.initiator += 1;
                } else {
                    wrong_way.note(row["dir_basis"].clone(), || describe(row));
                }
            }
        }
        for row in unmatched.into_values().flatten() {
            extra.note(entry["file"].clone(), || {
                let column = |name: &str| row[name].as_str();
                let (from, to) = (column("initiator_ip"), column("responder_ip"));
                format!(
                    "{} {from}:{} -> {to}:{}",
                    column("protocol"),
                    column("initiator_port"),
                    column("responder_port")
                )
            });
        }
    }
    println!(
        "\n{:<12} {:>6} {:>6} {:>8} {:>6} {:>5} {:>7} {:>7} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "group", "flows", "equal", "", "bytes", "expl.", "syn", "initi.", "", "default", "", "joined", ""
    );
    let mut totals = Vec::new();
    for (title, scores) in [("plain encapsulation", &plain), ("other encapsulations and refused formats", &other)] {
        println!("-- {title}");
        let mut total = Score::default();
        for (group, score) in scores {
            score.print(group);
            total.add(score);
        }
        total.print("all");
        totals.push(total);
    }
    differ.print("tshark's flows that are not among ours, by class (timeouts lifted):");
    extra.print("our flows that are not among tshark's, by file (timeouts lifted):");
    bytes.print("flows that are equal in packets and not in bytes:");
    wrong_way.print("initiators that differ, by tshark's evidence:");
    for (group, score) in plain.iter().filter(|(_, score)| score.flows >= ENOUGH_FLOWS) {
        let differ = percent(score.flows - score.equal - score.explained, score.flows);
        assert!(differ <= ALLOWED_IN_GROUP_PERCENT, "{group}: {differ:.2}% of {} flows differ", score.flows);
    }
    let mut total = Score::default();
    totals.iter().for_each(|part| total.add(part));
    println!("\nall {} flows: {} equal in packets, {} of these in bytes", total.flows, total.equal, total.bytes);
    assert!(total.flows > 20_000, "{} flows: the truth was read", total.flows);
    for (what, equal) in [("packets", total.equal), ("bytes", total.bytes), ("joined", total.equal_when_joined)] {
        let differ = percent(total.flows - equal, total.flows);
        assert!(differ <= ALLOWED_PERCENT, "{differ:.2}% of the flows differ ({what})");
    }
    for score in plain.values().chain(other.values()) {
        assert_eq!(score.initiator, score.with_syn, "the sender of the SYN is the initiator");
    }
}

/// Makes a report; exit code, what it said, and its folder where there is one.
fn report(capture: &Path, limit: Duration) -> (tempfile::TempDir, PathBuf, Run) {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("report");
    let run = run(&["-q", "report", text(capture), "-o", text(&target)], limit);
    (folder, target, run)
}

#[test]
#[ignore = "needs the outside corpora; .ci/run runs it"]
fn every_capture_ends_in_a_report_or_a_reason() {
    let Some(corpus) = shared("corpus") else { return };
    let mut codes: BTreeMap<i32, usize> = BTreeMap::new();
    let (mut differ, mut wrong, mut frames) = (Classes::default(), Vec::new(), 0);
    for entry in tsv(&corpus.join("manifest.tsv")) {
        let name = &entry["file"];
        // Hostile files must not take long either.
        let limit = if entry["group"] == "malformed" { Duration::from_secs(10) } else { support::HANGS };
        let (_folder, target, run) = report(&corpus.join(name), limit);
        let code = run.code.unwrap();
        *codes.entry(code).or_default() += 1;
        match code {
            0 | 3 | 4 => {}
            2 => {
                assert!(!target.exists() && run.lines().len() == 1, "{name}: {}", run.stderr);
                differ.note(format!("exit code 2 in {}", entry["group"]), || run.stderr.trim().to_owned());
                continue;
            }
            other => panic!("{name}: exit code {other}: {}", run.stderr),
        }
        let captures = support::csv_file(&target.join("captures.csv"));
        let read = number(&captures[0], "read_frames");
        let fates: u64 = support::csv_file(&target.join("fates.csv")).iter().map(|fate| number(fate, "frames")).sum();
        assert_eq!(fates, read, "{name}: every frame has one fate");
        let flows = support::csv_file(&target.join("flows.csv"));
        let packets = |row: &Row| {
            number(row, "forward_packets") + number(row, "reverse_packets") - number(row, "carrier_packets")
        };
        let metered: u64 = flows.iter().map(packets).sum();
        assert_eq!(metered, number(&captures[0], "metered_frames"), "{name}: flows hold the metered frames");
        let damaged = captures[0]["end"] != "complete";
        assert_eq!(damaged, code == 4, "{name}: damage and exit code");
        assert_eq!(flows.is_empty(), code == 3 || (damaged && flows.is_empty()), "{name}: no flow, no evidence");
        frames += read;
        let exception = FRAMES.iter().find(|(file, ..)| file == name);
        let known = exception.map_or_else(|| number(&entry, "packets"), |(_, frames, _)| *frames);
        if let Some((_, frames, why)) = exception {
            differ.note(*why, || format!("{name}: {read} frames, should be {frames}, manifest {}", entry["packets"]));
        }
        if known != read {
            differ.note(format!("frames, {} end", captures[0]["end"]), || format!("{name}: {read}, should be {known}"));
            if !damaged && entry["group"] != "malformed" {
                wrong.push(format!("{name}: {read} frames, should be {known}"));
            }
        }
    }
    println!("\n{frames} frames; exit codes {codes:?}");
    differ.print("differences:");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Text of a JSON value at a path such as "client/ip".
fn at<'a>(value: &'a serde_json::Value, path: &str) -> &'a serde_json::Value {
    path.split('/').fold(value, |value, key| value.get(key).unwrap_or_else(|| panic!("no {path}")))
}

fn json_end(value: &serde_json::Value) -> End {
    (at(value, "ip").as_str().unwrap().parse().unwrap(), at(value, "port").as_u64().unwrap() as u16)
}

/// Our word for a result of the lab.
fn outcome(result: &str) -> &str {
    match result {
        "established" => "established",
        "refused-rst" => "refused",
        "unanswered" => "unanswered",
        "rejected-icmp" => "prohibited",
        other => panic!("on the wire, and {other}"),
    }
}

fn ports(value: &serde_json::Value) -> BTreeSet<u64> {
    value.as_array().unwrap().iter().map(|port| port.as_u64().unwrap()).collect()
}

#[test]
#[ignore = "needs the outside corpora; .ci/run runs it"]
fn the_lab_run_is_told_as_the_kernel_saw_it() {
    let Some(lab) = shared("lab/sample") else { return };
    let truth: serde_json::Value = serde_json::from_slice(&std::fs::read(lab.join("truth.json")).unwrap()).unwrap();
    let (_folder, target, run) = report(&lab.join("cap/core_full.pcap"), support::HANGS);
    run.expect(0);
    let table = |name: &str| support::csv_file(&target.join(format!("{name}.csv")));
    let (flows, hosts, listeners) = (table("flows"), table("hosts"), table("listeners"));
    let mut wrong = Classes::default();

    // Connections, one by one: ends, direction, result. The same ends come back: in the order of time.
    let mut connections: BTreeMap<(End, End), Vec<(f64, String)>> = BTreeMap::new();
    for connection in truth["connections"].as_array().unwrap().iter().filter(|c| c["on_wire"] == true) {
        let ends = (json_end(&connection["client"]), json_end(&connection["server"]));
        let result = outcome(connection["result"].as_str().unwrap()).to_owned();
        connections.entry(ends).or_default().push((connection["start"].as_f64().unwrap(), result));
    }
    let mut found: BTreeMap<(End, End), Vec<String>> = BTreeMap::new();
    for flow in flows.iter().filter(|f| f["protocol"] == "tcp") {
        let ends = (end(flow, "initiator_ip", "initiator_port"), end(flow, "responder_ip", "responder_port"));
        found.entry(ends).or_default().push(flow["outcome"].clone());
    }
    let mut played: BTreeMap<(End, End), Vec<String>> = BTreeMap::new();
    for (ends, mut results) in connections {
        results.sort_by(|a, b| a.0.total_cmp(&b.0));
        played.insert(ends, results.into_iter().map(|(_, result)| result).collect());
    }
    for ends in played.keys().chain(found.keys()).collect::<BTreeSet<_>>() {
        let (told, true_) = (found.get(ends), played.get(ends));
        if told != true_ {
            wrong.note("connection", || format!("{ends:?}: we say {told:?}, the kernel {true_:?}"));
        }
    }
    println!("\nTCP connections: {} ends in both", played.keys().filter(|ends| found.contains_key(ends)).count());

    // Datagrams: the same pairs of ends.
    let pair = |a: End, b: End| if a <= b { (a, b) } else { (b, a) };
    let udp = truth["udp"].as_array().unwrap();
    let played: BTreeSet<_> = udp.iter().map(|u| pair(json_end(&u["client"]), json_end(&u["server"]))).collect();
    let told: BTreeSet<_> = flows
        .iter()
        .filter(|f| f["protocol"] == "udp")
        .map(|f| pair(end(f, "initiator_ip", "initiator_port"), end(f, "responder_ip", "responder_port")))
        .collect();
    println!(
        "UDP: {} pairs of ends in the truth, {} told, {} in both",
        played.len(),
        told.len(),
        played.intersection(&told).count()
    );
    for ends in played.symmetric_difference(&told) {
        let who = if told.contains(ends) { "only ours" } else { "only the kernel's" };
        wrong.note(format!("UDP ends, {who}"), || format!("{ends:?}"));
    }

    // Attempts that did not get through.
    let mut blocked: BTreeMap<(IpAddr, End, String), u64> = BTreeMap::new();
    for connection in truth["connections"].as_array().unwrap().iter().filter(|c| c["on_wire"] == true) {
        let result = outcome(connection["result"].as_str().unwrap());
        if result != "established" {
            let key = (json_end(&connection["client"]).0, json_end(&connection["server"]), result.to_owned());
            *blocked.entry(key).or_default() += 1;
        }
    }
    let (tcp, rest): (Vec<Row>, Vec<Row>) = table("blocked").into_iter().partition(|b| b["protocol"] == "tcp");
    let told: BTreeMap<_, u64> = tcp
        .iter()
        .map(|b| {
            let key =
                (b["initiator_ip"].parse().unwrap(), end(b, "responder_ip", "responder_port"), b["outcome"].clone());
            (key, number(b, "flows"))
        })
        .collect();
    println!("blocked over TCP: {} in the truth, {} told; over UDP told: {}", blocked.len(), told.len(), rest.len());
    for attempt in rest {
        wrong.note("blocked attempt over UDP, of which the truth has none", || format!("{attempt:?}"));
    }
    for key in blocked.keys().chain(told.keys()).collect::<BTreeSet<_>>() {
        if blocked.get(key) != told.get(key) {
            wrong.note("blocked attempt", || {
                format!("{key:?}: we say {:?}, the kernel {:?}", told.get(key), blocked.get(key))
            });
        }
    }

    println!("\nOurs / truth. Our peak counts ports that listen as well, until the last packet; the truth's does not.");
    println!("{:<6} {:>24} {:>20} {:>14}", "host", "listening", "ephemeral", "peak");
    for (name, host) in truth["per_host"].as_object().unwrap() {
        let ip = host["ip"].as_str().unwrap();
        let row = hosts.iter().find(|h| h["host_ip"] == ip && h["protocol"] == "tcp");
        let counted = |column: &str| row.map_or(0, |row| number(row, column));
        let told: BTreeSet<u64> = listeners
            .iter()
            .filter(|l| l["host_ip"] == ip && l["protocol"] == "tcp")
            .map(|l| number(l, "port"))
            .collect();
        let played = ports(&host["dynamic_listening_ports_contacted"]);
        let ephemeral = ports(&host["ephemeral_ports_tcp_on_wire"]).len() as u64;
        let peak = host["peak_concurrent_ephemeral_tcp_in_dynamic_range"].as_u64().unwrap();
        println!(
            "{name:<6} {:>16} / {:<5} {:>12} / {:<5} {:>6} / {:<5}",
            told.len(),
            played.len(),
            counted("ephemeral_ports"),
            ephemeral,
            counted("peak_in_use_ports"),
            peak
        );
        if told != played {
            wrong.note("listening ports", || {
                format!("{name}: {:?}", told.symmetric_difference(&played).collect::<Vec<_>>())
            });
        }
        let listening = counted("dynamic_listener_ports") + counted("static_in_range_ports");
        if listening != played.len() as u64 {
            wrong.note("number of listening ports", || format!("{name}: {listening}, truth {}", played.len()));
        }
        if counted("ephemeral_ports") != ephemeral {
            wrong.note("ephemeral ports", || format!("{name}: {}, truth {ephemeral}", counted("ephemeral_ports")));
        }
    }
    wrong.print("differences:");
    assert!(wrong.0.is_empty(), "the lab run is told differently, see above");
}

#[test]
#[ignore = "needs the outside corpora; .ci/run runs it"]
fn every_capture_of_the_lab_ends_in_a_report() {
    let Some(lab) = shared("lab/sample") else { return };
    for name in support::names_in(&lab.join("cap")) {
        let (_folder, target, run) = report(&lab.join("cap").join(&name), support::HANGS);
        let code = run.code.unwrap();
        assert!([0, 3, 4].contains(&code), "{name}: exit code {code}: {}", run.stderr);
        let captures = support::csv_file(&target.join("captures.csv"));
        let fates: u64 = support::csv_file(&target.join("fates.csv")).iter().map(|fate| number(fate, "frames")).sum();
        assert_eq!(fates, number(&captures[0], "read_frames"), "{name}");
        let flows = support::csv_file(&target.join("flows.csv")).len();
        println!("{name:<20} exit code {code}, {fates} frames, {flows} flows");
        assert!(flows > 0, "{name}");
    }
}

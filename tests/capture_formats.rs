//! What a user gets from captures of every shape: names and comments in the facts and on the page, filters, thousands of
//! files under few descriptors, bombs.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by failing")]
#![allow(clippy::disallowed_methods, reason = "tests write their own inputs")]

mod support;

use portproof::model::CommentPlace;
use portproof::store::read_facts;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::blocks::LITTLE;
use support::{captures, csv_file, number, portproof};
use tempfile::TempDir;

const DONE: i32 = 0;
const USAGE: i32 = 2;
#[cfg(feature = "live")]
const NO_EVIDENCE: i32 = 3;
const DAMAGED: i32 = 4;

const SERVER: captures::Socket = ([10, 0, 0, 1], 7002);
const CLIENT: captures::Socket = ([10, 0, 0, 2], 50_123);

/// A handshake, with its times in microseconds.
fn handshake() -> [(u64, Vec<u8>); 3] {
    let second = 1_700_000_000_000_000;
    [
        (second, captures::tcp(CLIENT, SERVER, 1, 0, 2)),
        (second + 1, captures::tcp(SERVER, CLIENT, 9, 2, 18)),
        (second + 2, captures::tcp(CLIENT, SERVER, 2, 10, 16)),
    ]
}

fn folder_with(name: &str, bytes: &[u8]) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, bytes).unwrap();
    let file = file.to_str().unwrap().to_owned();
    (folder, file)
}

fn path(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).to_str().unwrap().to_owned()
}

/// All files below a folder.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found
}

/// Names and a comment that try to break out of every format.
const HOSTILE_NAME: &str = "<b>srv</b>\u{1b}[31m";
const FORMULA: &str = "=cmd|'/C calc'!A0";
const SECRET: &str = "CLIENT_RANDOM-0123456789";

fn remarkable() -> Vec<u8> {
    let b = LITTLE;
    let packets = handshake().map(|(us, data)| b.packet(0, us, &data, &[b.option(1, b"look at <this>")])).concat();
    [
        b.section(&[b.option(1, b"night shift")]),
        b.interface(1, 0, &[]),
        b.block(10, SECRET.as_bytes()),
        b.names(&[b.name(&[10, 0, 0, 1], &["asset1", HOSTILE_NAME]), b.name(&[10, 0, 0, 2], &[FORMULA])]),
        packets,
    ]
    .concat()
}

#[test]
fn names_and_comments_become_facts_and_secrets_do_not() {
    let (folder, file) = folder_with("named.pcapng", &remarkable());
    let store = path(&folder, "store");
    portproof(["meter", "-q", &file, "-o", &store]).expect(DONE);
    let facts = read_facts(Path::new(&store)).unwrap();
    let names: Vec<_> = facts.names.iter().map(|n| (n.address.to_string(), n.name.as_str())).collect();
    let name = |address: &str, name| (address.to_owned(), name);
    let expected = [name("10.0.0.1", HOSTILE_NAME), name("10.0.0.1", "asset1"), name("10.0.0.2", FORMULA)];
    assert_eq!(names, expected);
    let comments: Vec<_> = facts.comments.iter().map(|c| (c.place, c.frame, c.text.as_str())).collect();
    let about = |frame| (CommentPlace::Packet, Some(frame), "look at <this>");
    assert_eq!(comments, [(CommentPlace::Section, None, "night shift"), about(1), about(2), about(3)]);
    assert_eq!(facts.captures[0].reading.secrets_blocks, 1);
    let target = path(&folder, "report");
    portproof(["report", "-q", &store, "-o", &target]).expect(DONE);
    for file in files_below(folder.path()).iter().filter(|file| !file.ends_with("named.pcapng")) {
        let bytes = std::fs::read(file).unwrap();
        let found = bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
        assert!(!found, "{} holds a secret", file.display());
    }
}

#[test]
fn names_are_shown_where_people_look_and_act_nowhere() {
    let (folder, file) = folder_with("named.pcapng", &remarkable());
    let target = path(&folder, "report");
    portproof(["report", "-q", &file, "-o", &target]).expect(DONE);
    let hosts = csv_file(&Path::new(&target).join("hosts.csv"));
    let recorded: Vec<&str> = hosts.iter().map(|row| row["recorded_names"].as_str()).collect();
    assert!(recorded.iter().any(|names| names.contains("asset1") && !names.contains('\u{1b}')), "{recorded:?}");
    assert!(recorded.iter().all(|names| !names.starts_with('=')), "{recorded:?}");
    let page = std::fs::read_to_string(Path::new(&target).join("index.html")).unwrap();
    assert!(page.contains("recorded as") && page.contains("asset1"));
    assert!(!page.contains("<b>srv") && !page.contains('\u{1b}'));
    let run = portproof(["explain", "-q", "10.0.0.1:7002", &file]).expect(DONE);
    assert!(run.text().contains("recorded as") && run.text().contains("asset1"), "{}", run.text());
    assert!(!run.text().contains('\u{1b}'));
}

#[test]
fn processes_are_shown_by_explain_and_comments_are_counted_by_meter() {
    let b = LITTLE;
    let hostile = "\u{1b}[31m=evil<script>\u{202e}";
    let process = [b.option(1, b"a comment"), b.option(2, &b.u32(2)), b.option(0x8001, &b.u32(0))];
    let [(us, first), ..] = handshake();
    let bytes = [b.section(&[]), b.interface(1, 0, &[]), b.process(4711, hostile), b.packet(0, us, &first, &process)];
    let (folder, file) = folder_with("process.pcapng", &bytes.concat());
    let run = portproof(["meter", &file, "-o", &path(&folder, "store")]).expect(DONE);
    assert!(run.text().contains("1 comment of whoever"), "{}", run.text());
    let run = portproof(["explain", "-q", "50123", &file]).expect(DONE);
    let shown = run.text();
    assert!(shown.contains("process, by the recording: ") && shown.contains("=evil<script>"), "{shown}");
    assert!(shown.contains("(4711)") && !shown.contains(['\u{1b}', '\u{202e}']), "{shown}");
}

#[test]
fn damage_is_told_with_where_reading_went_on() {
    let b = LITTLE;
    let [first, second, third] = handshake().map(|(us, data)| b.packet(0, us, &data, &[]));
    let mut broken = second.clone();
    broken[4] ^= 0xff;
    let bytes = [b.section(&[]), b.interface(1, 0, &[]), first.clone(), broken, third].concat();
    let (folder, file) = folder_with("broken.pcapng", &bytes);
    let target = path(&folder, "report");
    let run = portproof(["report", "-q", &file, "-o", &target]).expect(DAMAGED);
    let at = 48 + first.len();
    let expected = format!("corrupt: after frame 1, byte {at}: ");
    let went_on = format!("reading went on at byte {}; what could be read is used", at + second.len());
    assert!(run.stderr.contains(&expected) && run.stderr.contains(&went_on), "{}", run.stderr);
    let row = &csv_file(&Path::new(&target).join("captures.csv"))[0];
    assert_eq!((number(row, "resyncs"), number(row, "skipped_bytes")), (1, second.len() as u64));
    assert_eq!((number(row, "read_frames"), row["end"].as_str()), (2, "corrupt"));
}

#[test]
fn impossible_lengths_do_not_become_bytes() {
    let b = LITTLE;
    let packets = handshake().map(|(us, data)| b.packet_of(0, us, &data, 1_290_000_000, &[])).concat();
    let (folder, file) = folder_with("long.pcapng", &[b.section(&[]), b.interface(1, 0, &[]), packets].concat());
    let target = path(&folder, "report");
    portproof(["report", "-q", &file, "-o", &target]).expect(DONE);
    let row = &csv_file(&Path::new(&target).join("captures.csv"))[0];
    assert_eq!((number(row, "implausible_lengths"), number(row, "snapped_frames")), (3, 0));
    let flows = csv_file(&Path::new(&target).join("flows.csv"));
    assert_eq!(number(&flows[0], "forward_wire_bytes") + number(&flows[0], "reverse_wire_bytes"), 3 * 54);
}

#[cfg(feature = "live")]
mod filtered {
    use super::*;

    #[test]
    fn frames_that_do_not_match_are_counted_and_the_report_says_so() {
        let demo = support::demo();
        let demo = demo.to_str().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let target = path(&folder, "report");
        let filter = "tcp port 135";
        let run = portproof(["report", "-q", "--check", "-f", filter, demo, "-o", &target]);
        assert!(run.stderr.contains("no verdict: ") && run.stderr.contains("a filter kept out"), "{}", run.stderr);
        assert!([Some(1), Some(NO_EVIDENCE)].contains(&run.code), "never 0: {:?}", run.code);
        let row = &csv_file(&Path::new(&target).join("captures.csv"))[0];
        assert_eq!(row["filter"], filter);
        let fates = csv_file(&Path::new(&target).join("fates.csv"));
        let sum: u64 = fates.iter().map(|row| number(row, "frames")).sum();
        assert_eq!(sum, number(row, "read_frames"), "every frame has one fate");
        let filtered = fates.iter().find(|row| row["fate"] == "filtered").unwrap();
        let whole = captures::read(&std::fs::read(demo).unwrap());
        let port = |data: &[u8], at: usize| u16::from_be_bytes([data[at], data[at + 1]]) == 135;
        let matching = |data: &[u8]| data[12..14] == [8, 0] && data[23] == 6 && (port(data, 34) || port(data, 36));
        let expected = whole.packets.iter().filter(|packet| !matching(&packet.data)).count() as u64;
        assert_eq!(number(filtered, "frames"), expected);
        let page = std::fs::read_to_string(Path::new(&target).join("index.html")).unwrap();
        assert!(page.contains("A filter was in use and kept out"), "the page says so");
    }

    #[test]
    fn a_mistake_in_a_filter_is_told_before_anything_is_read() {
        let run = portproof(["flows", "-q", "-f", "prot 135", "no-such-file.pcap"]).expect(USAGE);
        assert!(run.stderr.contains("No such file"), "what is not there is told first: {}", run.stderr);
        let (_folder, file) = folder_with("rubbish.pcap", b"no capture");
        for command in [&["flows", "-q"][..], &["explain", "-q", "135"], &["meter", "-q", "-o", "/nowhere/store"]] {
            let run = portproof(command.iter().chain(&["-f", "prot 135", &file])).expect(USAGE);
            let [line] = run.lines()[..] else { panic!("one line, not {}", run.stderr) };
            assert!(line.contains("prot 135") && line.contains("pcap-filter(7)"), "{line}");
        }
    }
}

/// Three thousand ring files that all overlap in time.
fn ring(folder: &Path, files: u32, compressed: bool) {
    for n in 0..files {
        let client = ([10, 1, (n >> 8) as u8, n as u8], 50_000);
        let frames =
            (0..3).map(|i| (1_000_000_000 * (1_000 + i), captures::udp(client, ([10, 0, 0, 1], 123), &[0; 48])));
        let mut bytes = captures::ethernet(frames);
        if compressed {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&bytes).unwrap();
            bytes = encoder.finish().unwrap();
        }
        std::fs::write(folder.join(format!("ring-{n:05}")), bytes).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn thousands_of_files_need_few_descriptors() {
    for (files, compressed) in [(3_000, false), (1_000, true)] {
        let folder = tempfile::tempdir().unwrap();
        let captures = folder.path().join("ring");
        std::fs::create_dir(&captures).unwrap();
        ring(&captures, files, compressed);
        let script = "ulimit -n 64; exec \"$0\" meter -q \"$1\" -o \"$2\"";
        let (captures, store) = (captures.to_str().unwrap(), path(&folder, "store"));
        let mut shell = Command::new("sh");
        let command = shell.args(["-c", script, support::PROGRAM, captures, &store]);
        let run = support::run(command, &[], support::HANGS).expect(DONE);
        assert_eq!(run.stderr, "");
        let facts = read_facts(Path::new(&store)).unwrap();
        let frames: u64 = facts.captures.iter().map(|capture| capture.frames).sum();
        assert_eq!((facts.flows.len(), frames), (files as usize, 3 * u64::from(files)));
        assert!(facts.captures.iter().all(|capture| capture.end == "complete"));
    }
}

#[test]
fn bombs_are_refused_or_end_soon() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&captures::ethernet([])).unwrap();
    for _ in 0..256 {
        encoder.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let (_folder, file) = folder_with("zeros.pcap.gz", &encoder.finish().unwrap());
    let run = portproof(["flows", "-q", &file]).expect(DAMAGED);
    assert!(run.stderr.contains("corrupt: after frame 0, byte 24: zeros in place of records"), "{}", run.stderr);
    // A zstd frame whose header asks for a window of 2 GiB.
    let (_folder, file) = folder_with("window.pcap.zst", &[0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 1, 0, 0]);
    let run = portproof(["flows", "-q", &file]).expect(USAGE);
    assert!(run.stderr.contains("window of 2147483648 bytes") && run.stderr.contains("128 MiB"), "{}", run.stderr);
}

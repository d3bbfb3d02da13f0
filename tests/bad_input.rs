//! Bad input and bad places for output: a line that says what, where and why; the exit codes of the house; nothing
//! half-written left behind; what came before the damage is kept; nothing hostile reaches the terminal.
//!
//! Every run in here also fails on a panic and on a hang, see `support`.

#![allow(clippy::print_stdout, reason = "what was skipped, and the figures, are for the reader of the run")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by failing")]
#![allow(clippy::disallowed_methods, reason = "tests write their own inputs")]

mod support;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::captures::{self, Capture, Order, Resolution};
use support::{Run, Seeded, names_in, portproof, rows_of};
use tempfile::TempDir;

const DONE: i32 = 0;
const FINDINGS: i32 = 1;
const USAGE: i32 = 2;
const NO_EVIDENCE: i32 = 3;
const DAMAGED: i32 = 4;

#[test]
fn standard_input_is_read_once() {
    for command in [&["flows"][..], &["report", "-o", "/nowhere/report"], &["meter", "-o", "/nowhere/store"]] {
        let run = portproof(command.iter().chain(&["-q", "-", "-"])).expect(USAGE);
        assert!(one_line(&run).contains("standard input is given more than once"), "{}", run.stderr);
    }
}

#[test]
fn thousands_of_link_types_are_told_in_few_lines() {
    let b = support::blocks::LITTLE;
    let types = 1_000..9_000_u16;
    let interfaces: Vec<u8> = types.clone().flat_map(|link_type| b.interface(link_type, 0, &[])).collect();
    let packets: Vec<u8> = (0..types.len() as u32).flat_map(|n| b.packet(n, 5_000_000, &[9; 60], &[])).collect();
    let (folder, file) = folder_with("links.pcapng", &[b.section(&[]), interfaces, packets].concat());
    let run = portproof(["flows", "-q", &text(&file)]).expect(NO_EVIDENCE);
    assert_eq!(run.lines().len(), 12, "{}", run.stderr);
    assert!(run.stderr.contains("further link types, with 7990 frames"), "{}", run.stderr);
    let store = text(&folder.path().join("store"));
    let run = portproof(["meter", &text(&file), "-o", &store]).expect(NO_EVIDENCE);
    assert!(run.text().lines().count() < 60 && run.text().contains("more kinds"), "{}", run.text());
    let run = portproof(["flows", "-q", "--dedup", "--max-flows", "9", &store]).expect(NO_EVIDENCE);
    assert!(run.stderr.contains("note: --max-flows, --dedup have no effect"), "{}", run.stderr);
}

/// A folder with one file.
fn folder_with(name: &str, bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, bytes).unwrap();
    (folder, file)
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// The one line that a run said, after checking that it is one.
#[track_caller]
fn one_line(run: &Run) -> String {
    let lines = run.lines();
    let [line] = lines.as_slice() else { panic!("one line, not:\n{}", run.stderr) };
    assert!(line.starts_with("portproof: "), "{line}");
    (*line).to_owned()
}

/// `report` on an input, into a folder that is not there yet: how it ended, and what lay there afterwards.
#[track_caller]
fn report(input: impl AsRef<OsStr>) -> (Run, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("reports/bad");
    let arguments = ["report".as_ref(), "-q".as_ref(), input.as_ref(), "-o".as_ref(), target.as_os_str()];
    let run = portproof(arguments);
    let left =
        if folder.path().join("reports").exists() { names_in(&folder.path().join("reports")) } else { Vec::new() };
    (run, left)
}

/// What every command says about an input that cannot be read at all: one line with the name, and nothing is left.
#[track_caller]
fn refused_everywhere(input: &str, says: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let store = text(&folder.path().join("store"));
    let output = text(&folder.path().join("flows.csv"));
    let (run, left) = report(input);
    assert_eq!(left, Vec::<String>::new(), "a report that could not be made leaves nothing");
    let others = [
        portproof(["flows", "-q", input]),
        portproof(["flows", "-q", input, "-o", &output]),
        portproof(["explain", "-q", "443", input]),
        portproof(["meter", "-q", input, "-o", &store]),
    ];
    for run in std::iter::once(run).chain(others) {
        let run = run.expect(USAGE);
        let line = one_line(&run);
        assert!(run.stdout.is_empty(), "no data: {}", run.text());
        for part in says.iter().chain([&input]) {
            assert!(line.contains(part), "{part:?} in {line:?}");
        }
    }
    assert_eq!(names_in(folder.path()), Vec::<String>::new(), "nothing is left behind");
}

#[test]
fn an_empty_file_is_told() {
    let (_folder, file) = folder_with("empty.pcap", b"");
    refused_everywhere(&text(&file), &["empty"]);
}

#[test]
fn a_text_file_is_no_capture_whatever_its_name() {
    let (_folder, file) = folder_with("notes.pcap", b"these are notes, not packets\n");
    refused_everywhere(&text(&file), &["not a capture", "these"]);
}

#[test]
fn what_is_not_there_is_told() {
    refused_everywhere("no/such/file.pcap", &["No such file"]);
    refused_everywhere("no/such/*.pcap", &["no file matches"]);
    let folder = tempfile::tempdir().unwrap();
    refused_everywhere(&text(folder.path()), &["no files"]);
    std::fs::create_dir(folder.path().join("inner")).unwrap();
    refused_everywhere(&text(folder.path()), &["no files"]);
}

#[cfg(unix)]
#[test]
fn what_may_not_be_read_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let locked = folder.path().join("locked");
    std::fs::create_dir(&locked).unwrap();
    std::fs::set_permissions(&locked, PermissionsExt::from_mode(0o000)).unwrap();
    if std::fs::read_dir(&locked).is_ok() {
        println!("skipped: this user may read everything");
    } else {
        refused_everywhere(&text(&locked), &["ermission denied"]);
    }
    std::fs::set_permissions(&locked, PermissionsExt::from_mode(0o700)).unwrap();
}

#[test]
fn one_bad_file_among_good_ones_is_skipped_and_told() {
    let (folder, bad) = folder_with("bad.pcap", b"");
    std::fs::copy(support::demo(), folder.path().join("good.pcapng")).unwrap();
    for input in [vec![text(folder.path())], vec![text(&bad), text(&folder.path().join("good.pcapng"))]] {
        let run = portproof(["flows".to_owned(), "-q".to_owned()].into_iter().chain(input)).expect(DAMAGED);
        assert!(one_line(&run).contains("bad.pcap"), "{}", run.stderr);
        assert_eq!(rows_of(&run.stdout, b',').len(), 680);
    }
}

/// The beginning of the demo, cut at a record.
fn short_demo(packets: usize) -> (Vec<u8>, Capture) {
    let bytes = std::fs::read(support::demo()).unwrap();
    let whole = captures::read(&bytes);
    let end = whole.packets[packets].offset;
    let short = bytes[..end].to_vec();
    let capture = captures::read(&short);
    assert_eq!(capture.packets.len(), packets);
    (short, capture)
}

/// Checks `flows` on a capture that was cut at `cut`: exit code, the line, and what is left of it.
#[track_caller]
fn cut_capture(folder: &Path, bytes: &[u8], capture: &Capture, cut: usize) {
    let file = folder.join("cut.cap");
    std::fs::write(&file, &bytes[..cut]).unwrap();
    let run = portproof(["flows", "-q", &text(&file)]);
    if cut < capture.header_bytes {
        // A pcapng section header is enough of a header.
        if run.code == Some(USAGE) {
            assert!(one_line(&run).contains("cut.cap"), "byte {cut}: {}", run.stderr);
            return;
        }
        let run = if run.code == Some(NO_EVIDENCE) { run } else { run.expect(DAMAGED) };
        assert_eq!(rows_of(&run.stdout, b',').len(), 0, "byte {cut}");
        return;
    }
    let whole = capture.packets.iter().filter(|p| p.offset + p.record_bytes <= cut).count();
    let metered: u64 = rows_of(&run.stdout, b',')
        .iter()
        .map(|r| support::number(r, "forward_packets") + support::number(r, "reverse_packets"))
        .sum();
    let told = &capture.packets[..whole];
    assert_eq!(
        metered,
        told.iter().filter(|p| is_metered(&p.data)).count() as u64,
        "byte {cut}: good packets are kept"
    );
    let at = told.last().map_or(capture.header_bytes, |p| p.offset + p.record_bytes);
    if at == cut {
        // Between two records nothing shows that there was more.
        if metered > 0 {
            assert_eq!((run.code, run.stderr.as_str()), (Some(DONE), ""), "byte {cut}");
        } else {
            assert!(one_line(&run.expect(NO_EVIDENCE)).contains("no TCP or UDP packet"), "byte {cut}");
        }
        return;
    }
    let run = run.expect(DAMAGED);
    let line = one_line(&run);
    for part in ["cut.cap", "truncated", &format!("frame {whole},"), &format!("byte {at}:")] {
        assert!(line.contains(part), "byte {cut}: {part:?} in {line:?}");
    }
}

/// Ethernet, IPv4, TCP or UDP: what the demo's flows are made of.
fn is_metered(frame: &[u8]) -> bool {
    frame[12..14] == [8, 0] && (frame[23] == 6 || frame[23] == 17)
}

#[test]
fn a_truncated_pcapng_says_where_and_keeps_what_came_before() {
    let (bytes, capture) = short_demo(300);
    let folder = tempfile::tempdir().unwrap();
    let mut places = Seeded(1);
    for _ in 0..100 {
        let cut = capture.header_bytes + places.below(bytes.len() - capture.header_bytes);
        cut_capture(folder.path(), &bytes, &capture, cut);
    }
}

#[test]
fn a_truncated_pcap_says_where_and_keeps_what_came_before() {
    let (_, capture) = short_demo(300);
    let bytes = captures::pcap(1, &capture.packets, Resolution::Nano, Order::Little);
    let capture = captures::read(&bytes);
    let folder = tempfile::tempdir().unwrap();
    let mut places = Seeded(2);
    for _ in 0..100 {
        let cut = capture.header_bytes + places.below(bytes.len() - capture.header_bytes);
        cut_capture(folder.path(), &bytes, &capture, cut);
    }
}

#[test]
fn a_header_cut_at_any_byte_is_told() {
    let (bytes, capture) = short_demo(20);
    let folder = tempfile::tempdir().unwrap();
    for cut in 0..64 {
        cut_capture(folder.path(), &bytes, &capture, cut);
    }
    let bytes = captures::pcap(1, &capture.packets, Resolution::Micro, Order::Little);
    let capture = captures::read(&bytes);
    for cut in 0..64 {
        cut_capture(folder.path(), &bytes, &capture, cut);
    }
}

#[test]
fn truncated_compressed_captures_are_damaged_too() {
    let (bytes, _) = short_demo(300);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, &bytes).unwrap();
    let all = [("gzip", gzip.finish().unwrap()), ("zstd", zstd::encode_all(bytes.as_slice(), 1).unwrap())];
    for (kind, compressed) in all {
        for part in [4, 8] {
            let cut = compressed.len() * part / 9;
            let (_folder, file) = folder_with("cut.cap", &compressed[..cut]);
            let run = portproof(["flows", "-q", &text(&file)]);
            assert!([Some(USAGE), Some(DAMAGED)].contains(&run.code), "{kind}: {:?}", run.code);
            assert!(one_line(&run).contains("cut.cap"), "{}", run.stderr);
        }
    }
}

#[test]
fn a_truncated_capture_still_makes_a_report_that_says_so() {
    let (bytes, capture) = short_demo(300);
    let cut = capture.packets[200].offset + 10;
    let (folder, file) = folder_with("cut.pcapng", &bytes[..cut]);
    let target = folder.path().join("report");
    portproof(["report", "-q", &text(&file), "-o", &text(&target)]).expect(DAMAGED);
    let captures = support::csv_file(&target.join("captures.csv"));
    assert_eq!((captures[0]["end"].as_str(), support::number(&captures[0], "read_frames")), ("truncated", 200));
    assert!(captures[0]["end_detail"].contains("frame 200, byte"), "{}", captures[0]["end_detail"]);
    let page = std::fs::read_to_string(target.join("index.html")).unwrap();
    assert!(page.contains("truncated"), "the page says so");
}

#[test]
fn damage_in_the_middle_is_told_with_its_place() {
    let (mut bytes, capture) = short_demo(300);
    let broken = &capture.packets[150];
    // The second length of a block says something else than the first.
    bytes[broken.offset + broken.record_bytes - 4] ^= 0xff;
    let (_folder, file) = folder_with("broken.pcapng", &bytes);
    let run = portproof(["flows", "-q", &text(&file)]).expect(DAMAGED);
    let line = one_line(&run);
    for part in ["broken.pcapng", "corrupt", "frame 150,", &format!("byte {}:", broken.offset)] {
        assert!(line.contains(part), "{part:?} in {line:?}");
    }
    assert!(!rows_of(&run.stdout, b',').is_empty());
}

#[test]
fn any_byte_may_be_wrong() {
    let (bytes, _) = short_demo(40);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("flipped.pcapng");
    let mut places = Seeded(3);
    for _ in 0..100 {
        let mut wrong = bytes.clone();
        for _ in 0..3 {
            let at = places.below(wrong.len());
            wrong[at] ^= 1 << places.below(8);
        }
        std::fs::write(&file, wrong).unwrap();
        let run = portproof(["flows", "-q", &text(&file)]);
        let expected = [DONE, USAGE, NO_EVIDENCE, DAMAGED].map(Some);
        assert!(expected.contains(&run.code), "{:?}: {}", run.code, run.stderr);
    }
}

#[test]
fn an_unknown_link_type_is_counted_and_told() {
    let (_, capture) = short_demo(50);
    // 146: assigned to nobody.
    let bytes = captures::pcap(146, &capture.packets, Resolution::Nano, Order::Little);
    let (_folder, file) = folder_with("strange.pcap", &bytes);
    let run = portproof(["flows", "-q", &text(&file)]).expect(NO_EVIDENCE);
    let lines = run.lines();
    let [line, conclusion] = lines.as_slice() else { panic!("two lines, not {}", run.stderr) };
    assert!(line.contains("strange.pcap") && line.contains("50 frames") && line.contains("146"), "{line}");
    assert!(conclusion.contains("no TCP or UDP packet"), "{conclusion}");
    let (run, left) = report(&file);
    run.expect(NO_EVIDENCE);
    assert_eq!(left, ["bad"], "the report says what became of the frames");
}

#[test]
fn output_that_cannot_be_written_is_told_before_the_work() {
    let (folder, file) = folder_with("a-file", b"precious");
    let below = text(&file.join("below"));
    let missing = text(&folder.path().join("no-such-folder/flows.csv"));
    // Standard input stays open and says nothing: whoever reads first, waits.
    let told = |arguments: &[&str]| {
        let mut command = Command::new(support::PROGRAM);
        let mut child = command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let held = child.stdin.take();
        let run = support::wait(child, &arguments.join(" "), support::HANGS).expect(USAGE);
        drop(held);
        assert!(one_line(&run).contains(arguments.last().unwrap()), "{}", run.stderr);
    };
    told(&["report", "-", "-o", &below]);
    told(&["flows", "-", "-o", &below]);
    told(&["flows", "-", "-o", &missing]);
    told(&["report", "-", "-o", &text(&file)]);
    let demo = text(&support::demo());
    let run = portproof(["meter", &demo, "-o", &below]).expect(USAGE);
    assert!(one_line(&run).contains(&below), "{}", run.stderr);
    let run = portproof(["flows", "-q", &demo, "-o", &text(folder.path())]).expect(USAGE);
    assert!(one_line(&run).contains("folder"), "{}", run.stderr);
    assert_eq!(names_in(folder.path()), ["a-file"]);
    assert_eq!(std::fs::read(&file).unwrap(), b"precious");
}

#[test]
fn a_folder_of_somebody_else_is_refused_and_left_alone() {
    let demo = text(&support::demo());
    for name in ["thesis.odt", "index.html", "flows.csv", ".hidden"] {
        let (folder, file) = folder_with(name, b"mine");
        for command in ["report", "meter"] {
            if command == "meter" && name == ".hidden" {
                continue;
            }
            let run = portproof([command, "-q", &demo, "-o", &text(folder.path())]).expect(USAGE);
            assert!(one_line(&run).contains(&text(folder.path())), "{}", run.stderr);
            assert_eq!(names_in(folder.path()), [name], "{command}");
            assert_eq!(std::fs::read(&file).unwrap(), b"mine");
        }
    }
}

#[test]
fn a_failed_run_leaves_the_earlier_report() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("report");
    let demo = text(&support::demo());
    portproof(["report", "-q", &demo, "-o", &text(&target)]).expect(DONE);
    let before = (names_in(&target), std::fs::read(target.join("index.html")).unwrap());
    portproof(["report", "-q", "no/such/file", "-o", &text(&target)]).expect(USAGE);
    assert_eq!((names_in(&target), std::fs::read(target.join("index.html")).unwrap()), before);
    assert_eq!(names_in(folder.path()), ["report"]);
    // And a run that works replaces it.
    portproof(["report", "-q", &demo, "-o", &text(&target)]).expect(DONE);
    assert_eq!(names_in(&target), before.0);
}

/// A store of the short demo, and its partition.
fn store() -> (TempDir, PathBuf, PathBuf) {
    let (folder, file) = folder_with("short.pcapng", &short_demo(300).0);
    let store = folder.path().join("store");
    portproof(["meter", "-q", &text(&file), "-o", &text(&store)]).expect(DONE);
    let partition = store.join(&names_in(&store)[0]);
    (folder, store, partition)
}

#[test]
fn a_store_that_is_none_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let partition = folder.path().join("observation=0123456789ab");
    std::fs::create_dir(&partition).unwrap();
    let run = portproof(["flows", "-q", &text(folder.path())]).expect(USAGE);
    assert!(one_line(&run).contains("observation=0123456789ab"), "{}", run.stderr);
    for table in ["captures", "fates", "flows", "activity", "losses"] {
        std::fs::write(partition.join(format!("{table}.parquet")), b"PAR1 this is no Parquet PAR1").unwrap();
    }
    let run = portproof(["flows", "-q", &text(folder.path())]).expect(USAGE);
    assert!(one_line(&run).contains(".parquet"), "{}", run.stderr);
}

#[test]
fn a_store_with_a_table_missing_or_swapped_is_told() {
    for table in ["captures", "fates", "flows", "losses"] {
        let (_folder, store, partition) = store();
        std::fs::remove_file(partition.join(format!("{table}.parquet"))).unwrap();
        let run = portproof(["flows", "-q", &text(&store)]).expect(USAGE);
        assert!(one_line(&run).contains(table), "{}", run.stderr);
        let other = if table == "flows" { "fates" } else { "flows" };
        std::fs::copy(partition.join(format!("{other}.parquet")), partition.join(format!("{table}.parquet"))).unwrap();
        let run = portproof(["flows", "-q", &text(&store)]).expect(USAGE);
        assert!(one_line(&run).contains(table), "{}", run.stderr);
    }
}

#[test]
fn a_damaged_store_is_told() {
    let (_folder, store, partition) = store();
    let mut places = Seeded(4);
    let mut refused = 0;
    for table in ["captures", "fates", "flows", "losses"] {
        let path = partition.join(format!("{table}.parquet"));
        let good = std::fs::read(&path).unwrap();
        for round in 0..60 {
            let mut wrong = good.clone();
            if round % 3 == 0 {
                wrong.truncate(places.below(good.len()));
            } else {
                // The footer, which says where everything is, fills the end of the file.
                let from = if round % 3 == 1 { 0 } else { good.len() * 2 / 3 };
                for _ in 0..4 {
                    let at = from + places.below(good.len() - from);
                    wrong[at] ^= 1 << places.below(8);
                }
            }
            std::fs::write(&path, wrong).unwrap();
            let run = portproof(["flows", "-q", &text(&store)]);
            assert!(
                [DONE, USAGE, NO_EVIDENCE, DAMAGED].map(Some).contains(&run.code),
                "{table}: {:?}: {}",
                run.code,
                run.stderr
            );
            if run.code == Some(USAGE) {
                one_line(&run);
                refused += 1;
            }
        }
        std::fs::write(&path, good).unwrap();
    }
    assert!(refused > 100, "{refused} of 240 were refused");
}

/// Fails on anything in an output that a terminal would act on.
#[track_caller]
fn harmless(run: &Run) {
    let both = [run.text(), run.stderr.clone()].concat();
    let acts =
        |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert!(!both.chars().any(acts), "{}", both.escape_debug());
}

#[cfg(unix)]
#[test]
fn hostile_names_do_not_reach_the_terminal() {
    let hostile = "evil\u{1b}]0;owned\u{7}\u{1b}[31m\r\u{202e}\n=cmd.pcap";
    let contents: [(&[u8], i32); 3] =
        [(b"", USAGE), (&std::fs::read(support::demo()).unwrap(), DONE), (&short_demo(300).0[..20_000], DAMAGED)];
    for (bytes, code) in contents {
        let (folder, file) = folder_with(hostile, bytes);
        let (file, base) = (text(&file), text(folder.path()));
        let target = |name: &str| format!("{base}/{hostile}-{name}");
        let sites = [
            portproof(["flows", &file]).expect(code),
            portproof(["flows", &file, "--format", "json"]).expect(code),
            portproof(["flows", &file, "-o", &target("flows.csv")]).expect(code),
            portproof(["explain", "443", &file]),
            portproof(["meter", &file, "-o", &target("store")]).expect(code),
            portproof(["report", &file, "-o", &target("report")]).expect(code),
            portproof(["report", "--site", &file, &text(&support::demo()), "-o", &target("other")]),
            portproof(["flows", &text(&support::demo()), "-o", &format!("{file}/x")]).expect(USAGE),
        ];
        for run in &sites {
            harmless(run);
        }
    }
}

#[test]
fn hostile_arguments_do_not_reach_the_terminal() {
    for arguments in [
        vec!["\u{1b}[31mx"],
        vec!["flows", "--\u{1b}[31m"],
        vec!["explain", "\u{1b}[31m", "x"],
        vec!["flows", "\u{1b}[31m"],
    ] {
        harmless(&portproof(&arguments).expect(USAGE));
    }
}

#[test]
fn exit_codes_are_those_of_the_house() {
    let folder = tempfile::tempdir().unwrap();
    let target = text(&folder.path().join("report"));
    let (demo, site) = (text(&support::demo()), text(&support::demo_site()));
    let report = |input: &str, more: &[&str]| {
        let head = ["report", "-q", input, "-o", &target].into_iter().chain(more.iter().copied());
        portproof(head)
    };
    report(&demo, &["--site", &site]).expect(DONE);
    report(&demo, &["--site", &site, "--check"]).expect(FINDINGS);
    portproof(["--help"]).expect(DONE);
    portproof(["--version"]).expect(DONE);
    portproof([""; 0]).expect(USAGE);
    portproof(["flows"]).expect(USAGE);
    portproof(["frobnicate"]).expect(USAGE);
    report(&demo, &["--site", "no-such-site.toml"]).expect(USAGE);

    let packets = captures::read(&std::fs::read(support::demo()).unwrap()).packets;
    let arp: Vec<_> = packets.iter().filter(|p| p.data[12..14] == [8, 6]).cloned().collect();
    let (_folder, nothing) = folder_with("arp.pcap", &captures::pcap(1, &arp, Resolution::Nano, Order::Little));
    report(&text(&nothing), &[]).expect(NO_EVIDENCE);
    let (_folder, header) = folder_with("header.pcap", &captures::pcap(1, &[], Resolution::Nano, Order::Little));
    report(&text(&header), &["--check"]).expect(NO_EVIDENCE);
    // Every command agrees, and still writes what there is.
    let run = portproof(["flows", "-q", &text(&nothing)]).expect(NO_EVIDENCE);
    assert!(!support::csv_columns(&run.stdout).is_empty() && rows_of(&run.stdout, b',').is_empty(), "{}", run.text());
    let store = folder.path().join("store");
    portproof(["meter", "-q", &text(&nothing), "-o", &text(&store)]).expect(NO_EVIDENCE);
    portproof(["flows", "-q", &text(&store)]).expect(NO_EVIDENCE);
    let run = portproof(["explain", "-q", "443", &text(&nothing)]).expect(NO_EVIDENCE);
    assert!(one_line(&run).contains("no TCP or UDP packet"), "{}", run.stderr);

    // A verdict on damaged input is never 0 and never the verdict.
    let whole = captures::pcap(1, &packets, Resolution::Nano, Order::Little);
    let (_folder, cut) = folder_with("cut.pcap", &whole[..whole.len() - 1]);
    report(&text(&cut), &["--site", &site, "--check"]).expect(DAMAGED);
    portproof(["explain", "-q", "443", &text(&cut)]).expect(DAMAGED);
    portproof(["explain", "-q", "10.20.30.20:1", &demo]).expect(NO_EVIDENCE);
    portproof(["explain", "-q", "10.20.30.20:7002", &demo]).expect(DONE);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    for arguments in [["flows", "-q", "--format", "csv"], ["flows", "-q", "--format", "json"]] {
        let mut child = Command::new(support::PROGRAM)
            .args(arguments)
            .arg(support::demo())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.replace(empty_stdout()));
        let run = support::wait(child, "flows into a closed pipe", support::HANGS);
        assert_eq!(run.stderr, "", "quiet");
        assert_eq!(run.code, Some(DONE));
    }
}

#[test]
fn a_reader_that_goes_away_changes_no_verdict() {
    let (_, capture) = short_demo(300);
    let whole = captures::pcap(1, &capture.packets, Resolution::Nano, Order::Little);
    let (folder, cut) = folder_with("cut.pcap", &whole[..whole.len() - 1]);
    let (demo, cut, target) = (text(&support::demo()), text(&cut), text(&folder.path().join("report")));
    for (arguments, code) in [
        (vec!["report", &demo, "--check", "-o", &target], FINDINGS),
        (vec!["flows", &cut], DAMAGED),
        (vec!["flows", &cut, "--format", "json"], DAMAGED),
        (vec!["flows", &cut, "--format", "parquet"], DAMAGED),
        (vec!["explain", "10.20.30.20:1", &demo], NO_EVIDENCE),
        (vec!["meter", &cut, "-o", &text(&folder.path().join("store"))], DAMAGED),
    ] {
        // The reading end is closed before the program starts.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = Command::new(support::PROGRAM);
        let child = command.args(&arguments).stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped()).spawn();
        let output = child.unwrap().wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(!said.contains("pipe"), "{arguments:?}: {said}");
    }
}

/// A pcapng file: section, one Ethernet interface, packets, and what is appended.
fn pcapng(frames: &[Vec<u8>], more: &[u8]) -> Vec<u8> {
    let mut out = block(0x0a0d_0d0a, &[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255]);
    out.extend(block(1, &[1, 0, 0, 0, 0, 0, 4, 0]));
    for (n, frame) in frames.iter().enumerate() {
        let micros = 1_700_000_000_000_000_u64 + n as u64;
        let length = frame.len() as u32;
        let words = [0, (micros >> 32) as u32, micros as u32, length, length];
        let mut body: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        body.extend(frame);
        body.resize(body.len().next_multiple_of(4), 0);
        out.extend(block(6, &body));
    }
    out.extend(more);
    out
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32 + 12).to_le_bytes();
    [&kind.to_le_bytes()[..], &length, body, &length].concat()
}

/// Interface statistics of interface 0: so many packets dropped by the system.
fn dropped(packets: u64) -> Vec<u8> {
    let mut body = vec![0; 12];
    body.extend([7, 0, 8, 0]);
    body.extend(packets.to_le_bytes());
    body.extend([0; 4]);
    block(5, &body)
}

#[test]
fn blocks_of_any_kind_that_contradict_themselves_end_the_reading() {
    let frames = vec![captures::udp(([10, 0, 0, 1], 5_000), ([10, 0, 0, 2], 53), b"?"); 3];
    let good = pcapng(&frames, &[]);
    let mut lengths_differ = block(0x0bad_cafe, &[0; 8]);
    *lengths_differ.last_mut().unwrap() = 1;
    let mut odd = block(4, &[0; 9]);
    odd.extend([0; 3]);
    for (what, wrong) in [("lengths disagree", lengths_differ), ("multiple of 4", odd)] {
        let bytes = pcapng(&frames, &[wrong, block(4, &[0; 4])].concat());
        let (_folder, file) = folder_with("broken.pcapng", &bytes);
        let run = portproof(["flows", "-q", &text(&file)]).expect(DAMAGED);
        let line = one_line(&run);
        for part in ["corrupt", "frame 3,", &format!("byte {}:", good.len()), what] {
            assert!(line.contains(part), "{part:?} in {line:?}");
        }
        assert_eq!(rows_of(&run.stdout, b',').len(), 1, "what came before is kept");
    }
    let (_folder, file) = folder_with("good.pcapng", &pcapng(&frames, &block(0x0bad_cafe, &[0; 8])));
    portproof(["flows", "-q", &text(&file)]).expect(DONE);
}

/// Name service between two hosts, answered: infrastructure, no finding.
fn harmless_frames() -> Vec<Vec<u8>> {
    let (client, server) = (([10, 0, 0, 1], 50_000), ([10, 0, 0, 2], 53));
    (0..50).flat_map(|_| [captures::udp(client, server, b"?"), captures::udp(server, client, b"!")]).collect()
}

/// `report --check` on a pcapng file of these: how it ended, and what warnings say.
fn checked(frames: &[Vec<u8>], more: &[u8], arguments: &[&str]) -> (Run, String) {
    let (folder, file) = folder_with("checked.pcapng", &pcapng(frames, more));
    let target = text(&folder.path().join("report"));
    let head = ["report", &text(&file), "-o", &target].map(str::to_owned);
    let run = portproof(head.into_iter().chain(arguments.iter().map(|a| (*a).to_owned())));
    let page = std::fs::read_to_string(folder.path().join("report/index.html")).unwrap();
    (run, page)
}

/// An Ethernet frame of some type, with an MPLS label or whatever it is.
fn of_type(ether_type: u16) -> Vec<u8> {
    let mut frame = vec![0; 60];
    frame[12..14].copy_from_slice(&ether_type.to_be_bytes());
    frame
}

/// An Ethernet frame with an IPv4 packet of some protocol.
fn of_protocol(protocol: u8) -> Vec<u8> {
    let mut frame = captures::udp(([10, 0, 0, 1], 1), ([10, 0, 0, 2], 2), &[0; 40]);
    frame[23] = protocol;
    frame
}

#[test]
fn a_verdict_on_frames_that_may_hide_flows_is_never_0() {
    let clean = harmless_frames();
    let (run, _) = checked(&clean, &[], &["--check"]);
    run.expect(DONE);
    // 99: any private encryption scheme.
    let hiding = [of_protocol(99), of_protocol(50)];
    for frame in hiding {
        let with = |n: usize| [clean.clone(), vec![frame.clone(); n]].concat();
        let (run, page) = checked(&with(2), &[], &["--check"]);
        let run = run.expect(NO_EVIDENCE);
        assert!(run.stderr.contains("no verdict"), "{}", run.stderr);
        for text in [run.text().split_whitespace().collect::<Vec<_>>().join(" "), page] {
            assert!(text.contains("2 of 102 frames could not be metered and may hide flows"), "{text}");
        }
        // Few, or nobody asked for a verdict: it is said all the same.
        for (n, arguments) in [(1, &["--check"][..]), (2, &[])] {
            let (run, page) = checked(&with(n), &[], arguments);
            run.expect(DONE);
            assert!(page.contains("frames could not be metered and may hide flows"));
        }
    }
    // Control protocols carry no flows: LLDP, IGMP, OSPF.
    let control = [vec![of_type(0x88cc); 20], vec![of_protocol(2); 20], vec![of_protocol(89); 20]].concat();
    let (run, page) = checked(&[clean.clone(), control].concat(), &[], &["--check"]);
    run.expect(DONE);
    assert!(!page.contains("may hide flows"));
}

#[test]
fn a_verdict_on_dropped_packets_or_evicted_flows_is_never_0() {
    let clean = harmless_frames();
    checked(&clean, &dropped(0), &["--check"]).0.expect(DONE);
    let (run, _) = checked(&clean, &dropped(1), &["--check"]);
    assert!(run.expect(NO_EVIDENCE).stderr.contains("dropped 1 packet"));
    checked(&clean, &dropped(1), &[]).0.expect(DONE);

    // A second flow pushes the first one out.
    let (client, server) = (([10, 0, 0, 1], 50_001), ([10, 0, 0, 2], 53));
    let two = [clean.clone(), vec![captures::udp(client, server, b"?"), captures::udp(server, client, b"!")]].concat();
    checked(&two, &[], &["--check"]).0.expect(DONE);
    let (run, _) = checked(&two, &[], &["--check", "--max-flows", "1"]);
    assert!(run.expect(NO_EVIDENCE).stderr.contains("cut short"));

    // Findings stay findings.
    let undocumented = ([10, 0, 0, 2], 47_113);
    let bad = [captures::udp(client, undocumented, b"?"), captures::udp(undocumented, client, b"!")];
    checked(&[clean, bad.to_vec()].concat(), &dropped(1), &["--check"]).0.expect(FINDINGS);
}

#[test]
fn the_same_recording_under_two_names_is_told() {
    let (folder, one) = folder_with("one.pcapng", &pcapng(&harmless_frames(), &[]));
    let two = folder.path().join("two.pcapng");
    std::fs::copy(&one, &two).unwrap();
    let target = folder.path().join("report");
    let run = portproof(["report", &text(&one), &text(&two), "-o", &text(&target)]).expect(DONE);
    assert!(run.text().contains("Counted twice"), "{}", run.text());
    assert!(std::fs::read_to_string(target.join("index.html")).unwrap().contains("Counted twice"));
}

#[test]
fn a_note_in_an_earlier_report_protects_it() {
    let (folder, file) = folder_with("one.pcapng", &pcapng(&harmless_frames(), &[]));
    let target = folder.path().join("report");
    let report = || portproof(["report", "-q", &text(&file), "-o", &text(&target)]);
    report().expect(DONE);
    report().expect(DONE);
    std::fs::write(target.join("my-review.csv"), b"mine").unwrap();
    let run = report().expect(USAGE);
    assert!(one_line(&run).contains("my-review.csv"), "{}", run.stderr);
    assert_eq!(std::fs::read(target.join("my-review.csv")).unwrap(), b"mine");
}

#[test]
fn a_refusal_is_explained_with_its_evidence() {
    let (client, server) = (([10, 0, 0, 1], 50_000), ([10, 0, 0, 2], 7_000));
    let refused = vec![captures::tcp(client, server, 1, 0, 2), captures::tcp(server, client, 0, 2, 0x14)];
    let (_folder, file) = folder_with("refused.pcapng", &pcapng(&refused, &[]));
    let run = portproof(["explain", "-q", "10.0.0.2:7000", &text(&file)]).expect(DONE);
    let text_of = run.text();
    let line = text_of.lines().find(|line| line.trim_start().starts_with("evidence"));
    assert!(line.is_some_and(|line| line.contains("RST") && line.contains("frame 2")), "{text_of}");
    let run = portproof(["explain", "-q", "10.0.0.1:50000", &text(&file)]).expect(DONE);
    assert!(run.text().contains("refused ("), "{}", run.text());
}

/// The end of a pipe from which nothing comes.
fn empty_stdout() -> std::process::ChildStdout {
    let mut child = Command::new(support::PROGRAM).arg("--version").stdout(Stdio::piped()).spawn().unwrap();
    child.wait().unwrap();
    child.stdout.take().unwrap()
}

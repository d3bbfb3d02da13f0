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
        let run = if run.code == Some(DONE) { run } else { run.expect(DAMAGED) };
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
        assert_eq!((run.code, run.stderr.as_str()), (Some(DONE), ""), "byte {cut}");
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
        assert!([Some(DONE), Some(USAGE), Some(DAMAGED)].contains(&run.code), "{:?}: {}", run.code, run.stderr);
    }
}

#[test]
fn an_unknown_link_type_is_counted_and_told() {
    let (_, capture) = short_demo(50);
    // 146: assigned to nobody.
    let bytes = captures::pcap(146, &capture.packets, Resolution::Nano, Order::Little);
    let (_folder, file) = folder_with("strange.pcap", &bytes);
    let run = portproof(["flows", "-q", &text(&file)]).expect(DONE);
    let line = one_line(&run);
    assert!(line.contains("strange.pcap") && line.contains("50 frames") && line.contains("146"), "{line}");
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
                [Some(DONE), Some(USAGE), Some(DAMAGED)].contains(&run.code),
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

/// The end of a pipe from which nothing comes.
fn empty_stdout() -> std::process::ChildStdout {
    let mut child = Command::new(support::PROGRAM).arg("--version").stdout(Stdio::piped()).spawn().unwrap();
    child.wait().unwrap();
    child.stdout.take().unwrap()
}

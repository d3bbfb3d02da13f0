//! `portproof flows`: its columns are an interface, and its rows do not depend on how the packets reach it: format of
//! the table, container, compression, standard input, folder, pattern, rotation, or a store in between.

#![allow(clippy::print_stdout, reason = "what was skipped, and the figures, are for the reader of the run")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by failing")]
#![allow(clippy::disallowed_methods, reason = "tests write their own inputs")]

mod support;

use polars::prelude::{AnyValue, DataFrame};
use polars_io::SerReader;
use polars_io::parquet::read::ParquetReader;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use support::captures::{self, Order, Packet, Resolution};
use support::{Row, assert_same_rows, flows, number, portproof, portproof_reading, without};
use tempfile::TempDir;

/// Columns that hold names of capture files: they differ where the same packets lie in other files.
const NAMES_OF_CAPTURES: [&str; 2] = ["capture", "announced_capture"];

/// Other programs read these by name.
const INTERFACE: &[&str] = &[
    "capture",
    "protocol",
    "initiator_ip",
    "initiator_port",
    "responder_ip",
    "responder_port",
    "orientation",
    "forward_packets",
    "reverse_packets",
    "forward_wire_bytes",
    "reverse_wire_bytes",
    "first_seen_ns",
    "last_seen_ns",
    "first_frame",
    "application",
    "service",
    "status",
    "outcome",
];

fn demo_bytes() -> Vec<u8> {
    std::fs::read(support::demo()).unwrap()
}

fn demo_packets() -> Vec<Packet> {
    captures::read(&demo_bytes()).packets
}

/// Arguments: inputs, then the site file of the demo.
fn with_site<'a>(inputs: impl IntoIterator<Item = &'a Path>) -> Vec<OsString> {
    let inputs = inputs.into_iter().map(|path| path.as_os_str().to_owned());
    inputs.chain(["--site".into(), support::demo_site().into()]).collect()
}

/// The flows of the demo recording as they are read from its file.
fn expected() -> Vec<Row> {
    let rows = flows(with_site([support::demo().as_path()]));
    assert_eq!(rows.len(), 680);
    rows
}

/// A folder with one file.
fn folder_with(name: &str, bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, bytes).unwrap();
    (folder, file)
}

#[track_caller]
fn same_but_for_the_name(rows: &[Row], what: &str) {
    assert_same_rows(&without(rows, &NAMES_OF_CAPTURES), &without(&expected(), &NAMES_OF_CAPTURES), what);
}

#[test]
fn columns_keep_their_names() {
    let run = portproof(["-q", "flows", support::demo().to_str().unwrap()]).expect(0);
    let columns = support::csv_columns(&run.stdout);
    for name in INTERFACE {
        assert!(columns.iter().any(|c| c == name), "{name} is missing in {columns:?}");
    }
    // The interface comes in its order, whatever stands between.
    let places: Vec<_> = INTERFACE.iter().map(|name| columns.iter().position(|c| c == name)).collect();
    assert!(places.is_sorted(), "{columns:?}");
}

#[test]
fn values_of_closed_columns_are_the_closed_lists() {
    let among = |rows: &[Row], column: &str, list: &[&str]| {
        for row in rows {
            assert!(list.contains(&row[column].as_str()), "{column}: {}", row[column]);
        }
    };
    let rows = expected();
    among(&rows, "protocol", &["tcp", "udp"]);
    among(&rows, "orientation", &["certain", "strong", "probable", "guess", "unknown"]);
    among(
        &rows,
        "status",
        &[
            "documented",
            "documented-port-unexpected-peer",
            "documented-by-referral",
            "dynamic-explained",
            "dynamic-unexplained",
            "infrastructure",
            "accepted",
            "scan",
            "undocumented",
        ],
    );
    among(
        &rows,
        "outcome",
        &["established", "refused", "unanswered", "prohibited", "one-sided", "midstream", "undetermined"],
    );
}

#[test]
fn the_three_formats_hold_the_same_rows() {
    let print = |format: &str| {
        let arguments = with_site([support::demo().as_path()]);
        let head = ["-q", "flows", "--format", format].map(OsString::from);
        portproof(head.into_iter().chain(arguments)).expect(0).stdout
    };
    let csv = print("csv");
    assert_same_rows(&support::rows_of(&csv, b','), &expected(), "csv is the default");
    let json = print("json");
    assert_same_rows(&support::json_rows(&json), &expected(), "json");
    let table: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let named: Vec<&str> = table["columns"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(named, support::csv_columns(&csv));
    let parquet = ParquetReader::new(std::io::Cursor::new(print("parquet"))).finish().unwrap();
    let names: Vec<&str> = parquet.get_column_names().into_iter().map(|name| name.as_str()).collect();
    assert_eq!(names, support::csv_columns(&csv));
    assert_same_rows(&frame_rows(&parquet), &expected(), "parquet");
}

fn frame_rows(frame: &DataFrame) -> Vec<Row> {
    let cell = |value: AnyValue<'_>| match value {
        AnyValue::Null => String::new(),
        AnyValue::String(text) => text.to_owned(),
        AnyValue::StringOwned(text) => text.to_string(),
        other => other.to_string(),
    };
    let row = |at: usize| {
        let cells = frame.columns().iter().map(|c| (c.name().to_string(), cell(c.get(at).unwrap())));
        cells.collect()
    };
    (0..frame.height()).map(row).collect()
}

#[test]
fn a_named_file_gets_what_standard_output_gets() {
    let folder = tempfile::tempdir().unwrap();
    for format in ["csv", "json", "parquet"] {
        let file = folder.path().join(format!("flows.{format}"));
        let run = |more: &[&str]| {
            let head = ["-q", "flows", support::demo().to_str().unwrap(), "--format", format].map(str::to_owned);
            portproof(head.into_iter().chain(more.iter().map(|m| (*m).to_owned()))).expect(0).stdout
        };
        let printed = run(&[]);
        assert!(run(&["-o", file.to_str().unwrap()]).is_empty(), "nothing on standard output");
        assert!(run(&["-o", file.to_str().unwrap(), "--force"]).is_empty(), "replaced when told to");
        assert!(std::fs::read(&file).unwrap() == printed, "{format}");
    }
    assert_eq!(support::names_in(folder.path()), ["flows.csv", "flows.json", "flows.parquet"]);
}

/// `flows -q` of an input to a file: exit code and what it said.
fn flows_to(input: &Path, output: &Path, more: &[&str]) -> support::Run {
    let head = ["flows".into(), "-q".into(), input.as_os_str().to_owned(), "-o".into(), output.as_os_str().to_owned()];
    portproof(head.into_iter().chain(more.iter().map(OsString::from)))
}

/// A short recording in a folder of its own.
fn short() -> (TempDir, PathBuf) {
    let packets = &demo_packets()[..100];
    folder_with("short.pcap", &captures::pcap(1, packets, Resolution::Nano, Order::Little))
}

#[test]
fn an_existing_file_is_replaced_only_when_told_to() {
    let (folder, input) = short();
    let file = folder.path().join("flows.csv");
    std::fs::write(&file, b"precious").unwrap();
    let run = flows_to(&input, &file, &[]).expect(2);
    assert!(run.lines().len() == 1 && run.stderr.contains("exists: name another file, or give --force"));
    assert_eq!(std::fs::read(&file).unwrap(), b"precious");
    flows_to(&input, &file, &["--force"]).expect(0);
    assert!(support::csv_file(&file).len() > 1);
    assert_eq!(support::names_in(folder.path()), ["flows.csv", "short.pcap"]);
}

#[test]
fn an_input_is_never_written_over() {
    let (folder, input) = short();
    let before = std::fs::read(&input).unwrap();
    let refused = |input: &Path, output: &Path, more: &[&str]| {
        for force in [&[][..], &["--force"]] {
            let run = flows_to(input, output, &[force, more].concat()).expect(2);
            assert!(run.lines().len() == 1 && run.stderr.contains("name another file"), "{}", run.stderr);
            assert!(run.stderr.contains("one of the inputs") || run.stderr.contains("the store"), "{}", run.stderr);
        }
    };
    refused(&input, &input, &[]);
    refused(folder.path(), &input, &[]);
    refused(&folder.path().join("*.pcap"), &folder.path().join("../").join(folder.path()).join("short.pcap"), &[]);
    let site = folder.path().join("site.toml");
    std::fs::copy(support::demo_site(), &site).unwrap();
    refused(&input, &site, &["--site", site.to_str().unwrap()]);
    #[cfg(unix)]
    {
        let (link, hard) = (folder.path().join("link.csv"), folder.path().join("hard.csv"));
        std::os::unix::fs::symlink("short.pcap", &link).unwrap();
        std::fs::hard_link(&input, &hard).unwrap();
        refused(&input, &link, &[]);
        refused(&input, &hard, &[]);
    }
    assert_eq!(std::fs::read(&input).unwrap(), before);
    let store = folder.path().join("store");
    portproof(["-q".into(), "meter".into(), input, "-o".into(), store.clone()]).expect(0);
    let partition = store.join(&support::names_in(&store)[0]);
    refused(&store, &partition.join("flows.parquet"), &[]);
    refused(&store, &store.join("new.csv"), &[]);
}

#[test]
fn a_table_among_the_captures_may_be_made_again() {
    let (folder, input) = short();
    let table = folder.path().join("flows.csv");
    flows_to(folder.path(), &table, &[]).expect(0);
    let first = std::fs::read(&table).unwrap();
    flows_to(folder.path(), &table, &["--force"]).expect(0);
    assert_eq!(std::fs::read(&table).unwrap(), first);
    assert!(input.exists());
}

#[cfg(unix)]
#[test]
fn pipes_and_devices_are_written_into_and_links_followed() {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};
    let (folder, input) = short();
    let printed = portproof(["-q", "flows", input.to_str().unwrap()]).expect(0).stdout;
    let of = |path: &Path| std::fs::symlink_metadata(path).unwrap();

    let fifo = folder.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    for (format, more) in [("csv", &[][..]), ("parquet", &[]), ("csv", &["--force"])] {
        let reader = std::thread::spawn({
            let fifo = fifo.clone();
            move || std::fs::read(fifo).unwrap()
        });
        flows_to(&input, &fifo, &[&["--format", format], more].concat()).expect(0);
        let read = reader.join().unwrap();
        assert!(if format == "csv" { read == printed } else { read.starts_with(b"PAR1") }, "{format}");
        assert!(of(&fifo).file_type().is_fifo());
    }
    // A device of our own: the machine's would be gone if this failed.
    let null = folder.path().join("null");
    if std::process::Command::new("mknod").arg(&null).args(["c", "1", "3"]).status().is_ok_and(|made| made.success()) {
        for more in [&[][..], &["--force"]] {
            flows_to(&input, &null, more).expect(0);
            assert!(of(&null).file_type().is_char_device());
        }
    } else {
        println!("device skipped: no right to make one");
    }
    for path in ["/dev/stdout", "/dev/fd/1"] {
        assert!(flows_to(&input, Path::new(path), &[]).expect(0).stdout == printed, "{path}");
    }

    // Links: to a file that is there, and to one that is not.
    let [real, link, new, dangling] =
        ["real.csv", "link.csv", "new.csv", "dangling.csv"].map(|n| folder.path().join(n));
    std::fs::write(&real, b"old").unwrap();
    std::os::unix::fs::symlink("real.csv", &link).unwrap();
    std::os::unix::fs::symlink("new.csv", &dangling).unwrap();
    flows_to(&input, &link, &[]).expect(2);
    flows_to(&input, &link, &["--force"]).expect(0);
    flows_to(&input, &dangling, &[]).expect(0);
    for (link, file) in [(&link, &real), (&dangling, &new)] {
        assert!(of(link).is_symlink() && std::fs::read(file).unwrap() == printed);
    }
    let reference = folder.path().join("reference");
    std::fs::write(&reference, b"").unwrap();
    for file in [&real, &new] {
        assert_eq!(of(file).permissions().mode(), of(&reference).permissions().mode(), "as the umask has it");
    }
}

#[test]
fn errors_name_the_output_and_not_where_it_is_made() {
    let (folder, input) = short();
    let missing = folder.path().join("no-such-folder/flows.csv");
    for format in ["csv", "parquet"] {
        let run = flows_to(&input, &missing, &["--format", format]).expect(2);
        assert!(
            run.stderr.contains(missing.to_str().unwrap()) && run.stderr.contains("No such file"),
            "{}",
            run.stderr
        );
        assert!(!run.stderr.contains(".portproof-") && !run.stderr.contains("at path"), "{}", run.stderr);
    }
}

#[cfg(unix)]
#[test]
fn names_need_not_be_unicode() {
    use std::os::unix::ffi::OsStringExt;
    let (folder, input) = short();
    let odd = folder.path().join(OsString::from_vec(b"caf\xe9 [1].pcap".to_vec()));
    if std::fs::copy(&input, &odd).is_err() {
        println!("skipped: this file system wants Unicode");
        return;
    }
    let plain = flows([&input]);
    assert_same_rows(&without(&flows([&odd]), &NAMES_OF_CAPTURES), &without(&plain, &NAMES_OF_CAPTURES), "named");
    std::fs::remove_file(&input).unwrap();
    let found = flows([folder.path()]);
    assert_same_rows(&without(&found, &NAMES_OF_CAPTURES), &without(&plain, &NAMES_OF_CAPTURES), "found in its folder");
    let store = folder.path().join("store");
    portproof(["-q".into(), "meter".into(), odd, "-o".into(), store]).expect(0);
}

#[test]
fn standard_input_is_an_input() {
    let arguments = with_site([Path::new("-")]);
    let head = ["-q", "flows"].map(OsString::from);
    let run = portproof_reading(head.into_iter().chain(arguments), &demo_bytes()).expect(0);
    let rows = support::rows_of(&run.stdout, b',');
    assert!(rows.iter().all(|row| row["capture"] == "-" || row["capture"] == "'-"), "{:?}", rows[0]["capture"]);
    same_but_for_the_name(&rows, "standard input");
}

#[test]
fn compression_is_recognised_by_content() {
    let plain = demo_bytes();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain).unwrap();
    let gzip = gzip.finish().unwrap();
    let zstd = zstd::encode_all(plain.as_slice(), 1).unwrap();
    let mut compressed = vec![("gzip", gzip), ("zstd", zstd)];
    compressed.extend(xz(&plain).map(|xz| ("xz", xz)));
    for (kind, bytes) in compressed {
        // Not even a fitting name.
        let (_folder, file) = folder_with("recording.txt", &bytes);
        same_but_for_the_name(&flows(with_site([file.as_path()])), kind);
        let head = ["-q", "flows"].map(OsString::from);
        let run = portproof_reading(head.into_iter().chain(with_site([Path::new("-")])), &bytes).expect(0);
        same_but_for_the_name(&support::rows_of(&run.stdout, b','), &format!("{kind} on standard input"));
    }
}

/// Compressed by the tool of that name: the crate that reads xz here is built without its encoder.
fn xz(plain: &[u8]) -> Option<Vec<u8>> {
    let (_folder, file) = folder_with("plain", plain);
    let output = std::process::Command::new("xz").args(["-0", "-c"]).arg(file).output();
    let bytes = output.ok().filter(|output| output.status.success()).map(|output| output.stdout);
    if bytes.is_none() {
        println!("xz skipped: no tool of that name");
    }
    bytes
}

#[test]
fn classic_pcap_gives_the_same_in_both_orders_and_resolutions() {
    let packets = demo_packets();
    for order in [Order::Little, Order::Big] {
        let (_folder, file) = folder_with("copy.pcap", &captures::pcap(1, &packets, Resolution::Nano, order));
        same_but_for_the_name(&flows(with_site([file.as_path()])), &format!("nanoseconds, {order:?}"));

        // Microseconds: the same with times cut; what lies between two of them may be one off.
        let elapsed = ["capture", "announced_capture", "syn_to_syn_ack_ns", "syn_ack_to_ack_ns"];
        let (_folder, file) = folder_with("copy.pcap", &captures::pcap(1, &packets, Resolution::Micro, order));
        let cut = |mut row: Row| {
            for column in ["first_seen_ns", "last_seen_ns"] {
                let ns = number(&row, column) / 1_000 * 1_000;
                row.insert(column.into(), ns.to_string());
            }
            row
        };
        let cut_rows: Vec<Row> = without(&expected(), &elapsed).into_iter().map(cut).collect();
        let rows = without(&flows(with_site([file.as_path()])), &elapsed);
        assert_same_rows(&rows, &cut_rows, &format!("microseconds, {order:?}"));
    }
}

/// The demo in two files at some packet, in a folder of their own: names, files, packets in the first one.
fn halves() -> (TempDir, [PathBuf; 2], u64) {
    let packets = demo_packets();
    let (first, second) = packets.split_at(packets.len() / 2);
    let (folder, a) = folder_with("part-1.pcap", &captures::pcap(1, first, Resolution::Nano, Order::Little));
    let b = folder.path().join("part-2.pcap");
    std::fs::write(&b, captures::pcap(1, second, Resolution::Nano, Order::Little)).unwrap();
    (folder, [a, b], first.len() as u64)
}

/// Rows of the halves with frames numbered through.
fn numbered_through(rows: Vec<Row>, in_first: u64) -> Vec<Row> {
    let through = |mut row: Row| {
        if row["capture"].ends_with("part-2.pcap") {
            row.insert("first_frame".into(), (number(&row, "first_frame") + in_first).to_string());
        }
        row
    };
    elsewhere(&rows.into_iter().map(through).collect::<Vec<_>>(), &[])
}

/// Rows without what another place of the same packets changes: the capture, evidence that names frames of a file, and
/// some columns more.
fn elsewhere(rows: &[Row], columns: &[&str]) -> Vec<Row> {
    let names_frames = |name: &str| name.ends_with("_frame") && name != "first_frame";
    let mut rows = without(
        rows,
        &[columns, &["capture", "announced_capture", "announced_frame", "reason", "orientation_evidence"]].concat(),
    );
    rows.iter_mut().for_each(|row| row.retain(|name, _| !names_frames(name)));
    rows
}

#[test]
fn a_rotated_recording_is_one_recording() {
    let whole = elsewhere(&expected(), &[]);
    let (folder, [a, b], in_first) = halves();
    let torn = |rows: &[Row]| rows.iter().filter(|r| r["capture"].ends_with("part-1.pcap")).count();
    let ways: [(&str, Vec<OsString>); 4] = [
        ("two files", with_site([a.as_path(), b.as_path()])),
        ("two files, later one first", with_site([b.as_path(), a.as_path()])),
        ("their folder", with_site([folder.path()])),
        ("a pattern", with_site([folder.path().join("part-?.pcap").as_path()])),
    ];
    for (what, arguments) in ways {
        let rows = flows(arguments);
        assert!((1..rows.len()).contains(&torn(&rows)), "both files have flows");
        assert_same_rows(&numbered_through(rows, in_first), &whole, what);
    }
}

#[test]
fn packets_of_two_files_are_merged_in_time() {
    // Two recorders of the same wire, each of which saw every other packet.
    let packets = demo_packets();
    let every_other = |first: usize| packets.iter().skip(first).step_by(2).cloned().collect::<Vec<_>>();
    let (folder, a) = folder_with("odd.pcap", &captures::pcap(1, &every_other(0), Resolution::Nano, Order::Little));
    let b = folder.path().join("even.pcap");
    std::fs::write(&b, captures::pcap(1, &every_other(1), Resolution::Nano, Order::Big)).unwrap();
    let merged = flows(with_site([a.as_path(), b.as_path()]));
    let key = |row: &Row| (number(row, "first_seen_ns"), row["initiator_port"].clone(), row["responder_port"].clone());
    let [mut merged, mut whole] = [merged, expected()].map(|rows| elsewhere(&rows, &["first_frame"]));
    merged.sort_by_key(key);
    whole.sort_by_key(key);
    assert_same_rows(&merged, &whole, "two recorders");
}

#[test]
fn a_store_keeps_all_that_judgement_needs() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("facts");
    let metered = portproof(["meter".into(), support::demo(), "-o".into(), store.clone()]).expect(0);
    assert!(metered.text().contains("9,219 frames"), "{}", metered.text());
    assert_same_rows(&flows(with_site([store.as_path()])), &expected(), "through a store");
    // Metering again replaces, and does not double.
    portproof(["-q".into(), "meter".into(), support::demo(), "-o".into(), store.clone()]).expect(0);
    assert_same_rows(&flows(with_site([store.as_path()])), &expected(), "metered twice");
}

#[test]
fn the_demo_is_the_same_under_every_name_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a capture without a suffix");
    std::fs::copy(support::demo(), &file).unwrap();
    same_but_for_the_name(&flows(with_site([file.as_path()])), "another name");
    // Named twice, read once.
    let twice = flows(with_site([support::demo().as_path(), support::demo().as_path()]));
    assert_same_rows(&twice, &expected(), "named twice");
}

const CLIENT: captures::Socket = ([10, 0, 0, 1], 50_000);
const SERVER: captures::Socket = ([10, 0, 0, 2], 443);
const SECOND_NS: u64 = 1_000_000_000;
const START_NS: u64 = 1_700_000_000 * SECOND_NS;

/// Something short, then silence, then these frames a millisecond apart.
fn after_silence(seconds: u64, frames: impl IntoIterator<Item = Vec<u8>>) -> Vec<Row> {
    let before = (START_NS, captures::udp(([10, 0, 0, 9], 5_000), ([10, 0, 0, 8], 123), b"?"));
    let later = START_NS + seconds * SECOND_NS;
    let frames = frames.into_iter().enumerate().map(|(n, frame)| (later + n as u64 * 1_000_000, frame));
    let (_folder, file) = folder_with("silence.pcap", &captures::ethernet(std::iter::once(before).chain(frames)));
    flows([file]).split_off(1)
}

#[test]
fn a_connection_after_a_long_silence_is_one_flow() {
    let handshake = || {
        [
            captures::tcp(CLIENT, SERVER, 1, 0, 2),
            captures::tcp(SERVER, CLIENT, 9, 2, 0x12),
            captures::tcp(CLIENT, SERVER, 2, 10, 0x10),
        ]
    };
    for seconds in [1, 599, 601, 86_399, 86_401, 400 * 86_400] {
        let rows = after_silence(seconds, handshake());
        let [row] = rows.as_slice() else { panic!("after {seconds} s: {rows:?}") };
        assert_eq!((number(row, "forward_packets"), number(row, "reverse_packets")), (2, 1), "after {seconds} s");
        assert_eq!((row["orientation"].as_str(), row["outcome"].as_str()), ("certain", "established"));
    }
}

#[test]
fn fragments_after_a_long_silence_find_their_flow() {
    let (from, to) = (([10, 0, 0, 1], 4_000), ([10, 0, 0, 2], 162));
    for seconds in [1, 601, 400 * 86_400] {
        let rows = after_silence(seconds, captures::udp_in_fragments(from, to, 7));
        let [row] = rows.as_slice() else { panic!("after {seconds} s: {rows:?}") };
        assert_eq!(number(row, "forward_packets"), 2, "after {seconds} s");
    }
}

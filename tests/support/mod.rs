//! What the tests of the program share: running it, reading its tables, making captures.
//!
//! The captures are read and written by code of its own, not by the product's, so that a mistake in one of them shows.

#![allow(dead_code, reason = "each test uses some of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects by failing")]
#![allow(clippy::disallowed_methods, reason = "tests write their own inputs, and limit how long a program may hang")]

pub(crate) mod blocks;
pub(crate) mod captures;
pub(crate) mod rewrite;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_portproof");

/// Time after which a run counts as hanging. Generous: it is no measure of speed.
pub(crate) const HANGS: Duration = Duration::from_secs(120);

/// A folder of the outside corpora, `$PORTPROOF_SHARED` or beside the project; says so where it is not there.
#[allow(clippy::print_stdout, reason = "what was skipped is for the reader of the run")]
pub(crate) fn shared(part: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("PORTPROOF_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let folder = folder.join(part);
    if !folder.is_dir() {
        println!("skipped: no {}", folder.display());
        return None;
    }
    Some(folder)
}

/// Rows of a table whose columns are parted by tabs.
pub(crate) fn tsv(path: &Path) -> Vec<Row> {
    rows_of(&std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())), b'\t')
}

/// The demo recording.
pub(crate) fn demo() -> PathBuf {
    root().join("captures/backup-run.pcapng")
}

/// Its site file.
pub(crate) fn demo_site() -> PathBuf {
    root().join("captures/backup-run.site.toml")
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// How a run of the program ended.
pub(crate) struct Run {
    /// Exit code; `None` when it was killed.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Run {
    /// Fails unless the exit code is the given one.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "exit code; it said:\n{}", self.stderr);
        self
    }

    /// Standard output as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.stdout.clone()).unwrap()
    }

    /// Lines on standard error.
    pub(crate) fn lines(&self) -> Vec<&str> {
        self.stderr.lines().collect()
    }
}

/// Runs the program. A panic or a hang fails the test, whatever it is about.
#[track_caller]
pub(crate) fn portproof(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Run {
    run(Command::new(PROGRAM).args(arguments), &[], HANGS)
}

/// Runs the program with bytes on standard input.
#[track_caller]
pub(crate) fn portproof_reading(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>, input: &[u8]) -> Run {
    run(Command::new(PROGRAM).args(arguments), input, HANGS)
}

/// Runs a command to its end, or kills it after `limit` and fails.
#[track_caller]
pub(crate) fn run(command: &mut Command, input: &[u8], limit: Duration) -> Run {
    let shown = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .env("NO_COLOR", "1")
        .spawn()
        .unwrap_or_else(|e| panic!("{shown}: {e}"));
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let feeder = std::thread::spawn(move || {
        // Whoever reads may have had enough.
        let _ = stdin.write_all(&input);
    });
    let run = wait(child, &shown, limit);
    feeder.join().unwrap();
    run
}

/// Waits for a started program (its outputs piped), kills it after `limit`, and fails then and on a panic.
#[track_caller]
pub(crate) fn wait(mut child: Child, shown: &str, limit: Duration) -> Run {
    let read = |mut from: Box<dyn Read + Send>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            from.read_to_end(&mut bytes).map(|_| bytes).unwrap_or_default()
        })
    };
    let stdout = read(Box::new(child.stdout.take().unwrap()));
    let stderr = read(Box::new(child.stderr.take().unwrap()));
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > limit {
            let _ = child.kill();
            let _ = child.wait();
            panic!("{shown}: still running after {} s", limit.as_secs());
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let run = Run {
        code: status.code(),
        stdout: stdout.join().unwrap(),
        stderr: String::from_utf8_lossy(&stderr.join().unwrap()).into_owned(),
    };
    assert!(!run.stderr.contains("panicked at"), "{shown}: it panicked:\n{}", run.stderr);
    assert!(run.code.is_some(), "{shown}: ended by a signal: {status}");
    run
}

/// A row of a table: column name to text.
pub(crate) type Row = BTreeMap<String, String>;

/// Rows of a CSV (or, with a tab, TSV) text.
pub(crate) fn rows_of(text: &[u8], separator: u8) -> Vec<Row> {
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).quoting(separator == b',').from_reader(text);
    let names = reader.headers().unwrap().clone();
    let row = |record: csv::StringRecord| names.iter().zip(&record).map(|(n, v)| (n.into(), v.into())).collect();
    reader.records().map(|record| row(record.unwrap())).collect()
}

/// Rows of a CSV file.
pub(crate) fn csv_file(path: &Path) -> Vec<Row> {
    rows_of(&std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())), b',')
}

/// Column names of a CSV text, in order.
pub(crate) fn csv_columns(text: &[u8]) -> Vec<String> {
    csv::Reader::from_reader(text).headers().unwrap().iter().map(str::to_owned).collect()
}

/// Rows of our JSON form, values as the CSV shows them.
pub(crate) fn json_rows(text: &[u8]) -> Vec<Row> {
    let table: serde_json::Value = serde_json::from_slice(text).unwrap();
    let cell = |value: &serde_json::Value| match value {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Number(number) if number.is_f64() => number.as_f64().unwrap().to_string(),
        other => other.to_string(),
    };
    let row = |row: &serde_json::Value| row.as_object().unwrap().iter().map(|(n, v)| (n.clone(), cell(v))).collect();
    table["rows"].as_array().unwrap().iter().map(row).collect()
}

/// A cell as a number.
#[track_caller]
pub(crate) fn number(row: &Row, column: &str) -> u64 {
    let cell = row.get(column).unwrap_or_else(|| panic!("no column {column} in {row:?}"));
    cell.parse().unwrap_or_else(|_| panic!("{column} is \"{cell}\""))
}

/// `portproof -q flows` with these arguments, as rows.
#[track_caller]
pub(crate) fn flows(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Vec<Row> {
    let run = run(Command::new(PROGRAM).args(["-q", "flows"]).args(arguments), &[], HANGS);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    rows_of(&run.stdout, b',')
}

/// The same rows without some columns.
pub(crate) fn without(rows: &[Row], columns: &[&str]) -> Vec<Row> {
    let kept = |row: &Row| {
        row.iter().filter(|(n, _)| !columns.contains(&n.as_str())).map(|(n, v)| (n.clone(), v.clone())).collect()
    };
    rows.iter().map(kept).collect()
}

/// Fails with the first row that differs: thousands of rows are no message.
#[track_caller]
pub(crate) fn assert_same_rows(left: &[Row], right: &[Row], what: &str) {
    for (at, (l, r)) in left.iter().zip(right).enumerate() {
        if l != r {
            let differ: Vec<_> =
                l.iter().filter(|(n, v)| r.get(*n) != Some(v)).map(|(n, v)| (n, v, r.get(n))).collect();
            panic!("{what}: row {at} differs in {differ:?} of {l:?}");
        }
    }
    assert_eq!(left.len(), right.len(), "{what}: number of rows");
}

/// Names in a folder, sorted.
pub(crate) fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// A fixed sequence of numbers that look random (splitmix64).
pub(crate) struct Seeded(pub(crate) u64);

impl Seeded {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }
}

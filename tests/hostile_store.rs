//! Stores that are not what they claim: flipped bits, cut and swapped files, values that cannot be.
//!
//! A report on one of them ends with a clear error or with a report, never with a panic, and in bounded memory.

#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout, reason = "the figures are for the reader of the run")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by failing")]
#![allow(clippy::disallowed_methods, reason = "tests write their own inputs, and limit how long a program may hang")]

mod support;
#[path = "support/watched.rs"]
mod watched;

use polars::prelude::{AnyValue, Column, DataFrame, DataType, IntoColumn, NamedFrom, Series};
use polars_io::SerReader;
use polars_io::parquet::read::ParquetReader;
use polars_io::parquet::write::{KeyValueMetadata, ParquetWriter};
use portproof::store::read_facts;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{Seeded, portproof};
use tempfile::TempDir;
use watched::{MIB, flood};

/// What a report on any store of this size may take, in bytes.
const BOUND: u64 = 640 * MIB;

/// A store of the demo, its tables in memory.
struct Store {
    folder: TempDir,
    partition: PathBuf,
    tables: Vec<(PathBuf, Vec<u8>)>,
}

impl Store {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store");
        portproof(["meter".as_ref(), "-q".as_ref(), support::demo().as_os_str(), "-o".as_ref(), store.as_os_str()])
            .expect(0);
        let partition = fs::read_dir(&store).unwrap().next().unwrap().unwrap().path();
        let files = fs::read_dir(&partition).unwrap().map(|entry| entry.unwrap().path());
        let mut tables: Vec<_> = files.map(|path| (path.clone(), fs::read(&path).unwrap())).collect();
        tables.sort();
        assert!(tables.len() >= 5, "{tables:?}");
        Self { folder, partition, tables }
    }

    fn path(&self) -> &Path {
        self.partition.parent().unwrap()
    }

    /// Changes a table, does something with the store, and puts the table back.
    fn with<T>(&self, table: usize, bytes: &[u8], act: impl FnOnce() -> T) -> T {
        let (path, good) = &self.tables[table];
        fs::write(path, bytes).unwrap();
        let done = act();
        fs::write(path, good).unwrap();
        done
    }

    /// A report on the store: a report, or one line that says why not.
    #[track_caller]
    fn report(&self, what: &str) -> i32 {
        let target = self.folder.path().join("report");
        let _ = fs::remove_dir_all(&target);
        let mut command = Command::new(support::PROGRAM);
        command.args(["-q".as_ref(), "report".as_ref(), self.path().as_os_str(), "-o".as_ref(), target.as_os_str()]);
        let flooded = flood(&mut command, |_| Ok(()));
        let code = flooded.run.code.unwrap();
        assert!([0, 2, 3, 4].contains(&code), "{what}: exit code {code}: {}", flooded.run.stderr);
        assert!(flooded.peak_bytes <= BOUND, "{what}: {} MiB", flooded.peak_bytes / MIB);
        if code == 2 {
            let lines = flooded.run.lines();
            assert!(lines.len() == 1 && lines[0].starts_with("portproof: "), "{what}: {lines:?}");
            assert!(!target.exists(), "{what}: a report that could not be made leaves nothing");
        }
        let acts = |c: char| c.is_control() && c != '\n';
        assert!(!flooded.run.stderr.chars().any(acts), "{what}: {:?}", flooded.run.stderr);
        code
    }
}

/// Flipped bits, a cut, or another file's bytes.
fn mutated(tables: &[(PathBuf, Vec<u8>)], table: usize, round: usize, places: &mut Seeded) -> Vec<u8> {
    let good = &tables[table].1;
    let mut wrong = good.clone();
    let footer = u32::from_le_bytes(good[good.len() - 8..][..4].try_into().unwrap()) as usize + 8;
    match round % 8 {
        0 => wrong.truncate(places.below(good.len())),
        1 => {
            // A piece of another table at its own place.
            let other = &tables[(table + 1 + places.below(tables.len() - 1)) % tables.len()].1;
            let at = places.below(good.len().min(other.len()));
            let end = (at + 1 + places.below(256)).min(good.len()).min(other.len());
            wrong[at..end].copy_from_slice(&other[at..end]);
        }
        2 => {
            // What the footer claims of its own length.
            let at = good.len() - 8 + places.below(4);
            wrong[at] = places.below(256) as u8;
        }
        // The footer says where everything is, and how much of it there is.
        3..=5 => {
            for _ in 0..=places.below(3) {
                let at = good.len() - footer + places.below(footer - 8);
                wrong[at] = [0, 1, 0x7f, 0x80, 0xff, places.below(256) as u8][places.below(6)];
            }
        }
        _ => {
            for _ in 0..=places.below(8) {
                wrong[places.below(good.len() - footer)] ^= 1 << places.below(8);
            }
        }
    }
    wrong
}

/// Reads `rounds` mutated stores in process, and reports on some of those that can be read and on some that cannot.
fn mutations(rounds: usize, reports: usize, seed: u64) {
    let store = Store::new();
    let mut places = Seeded(seed);
    let (mut refused, mut read, mut reported) = (0, 0, [0; 2]);
    for round in 0..rounds {
        let table = places.below(store.tables.len());
        let wrong = mutated(&store.tables, table, round, &mut places);
        store.with(table, &wrong, || {
            let facts = read_facts(store.path());
            let could = usize::from(facts.is_ok());
            match facts {
                Err(error) => {
                    refused += 1;
                    assert!(!error.to_string().is_empty());
                }
                Ok(facts) => {
                    read += 1;
                    assert!(facts.flows.len() < 100_000, "{} flows of 680", facts.flows.len());
                }
            }
            if reported[could] < reports && wrong != store.tables[table].1 {
                reported[could] += 1;
                let code = store.report(&format!("round {round}, table {table}"));
                assert_eq!(code == 2, could == 0, "round {round}, table {table}: the program and the reader agree");
            }
        });
    }
    println!("{rounds} mutated stores: {refused} refused, {read} read; reports on {reported:?}");
    assert!(refused > rounds / 4, "{refused} of {rounds} were refused");
}

#[test]
fn a_mutated_store_is_refused_or_read_and_never_ends_in_a_panic() {
    mutations(300, 6, 21);
}

#[test]
#[ignore = "heavy; .ci/run runs it"]
fn thousands_of_mutated_stores_are_refused_or_read() {
    mutations(3_000, 100, 22);
}

#[test]
fn tables_in_each_others_places_are_refused() {
    let store = Store::new();
    for table in 0..store.tables.len() {
        for other in (0..store.tables.len()).filter(|other| *other != table) {
            store.with(table, &store.tables[other].1, || assert!(read_facts(store.path()).is_err(), "{table} {other}"));
        }
    }
}

/// Reads a table without any check, and the version that stands in it.
fn table(path: &Path) -> (DataFrame, Vec<(String, String)>) {
    let mut reader = ParquetReader::new(File::open(path).unwrap());
    let pairs = reader.get_metadata().unwrap().key_value_metadata().clone().unwrap();
    let pairs = pairs.into_iter().filter(|pair| pair.key.starts_with("portproof"));
    let pairs = pairs.map(|pair| (pair.key, pair.value.unwrap())).collect();
    (reader.finish().unwrap(), pairs)
}

fn parquet(mut data: DataFrame, pairs: Vec<(String, String)>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let metadata = KeyValueMetadata::from_static(pairs);
    ParquetWriter::new(&mut bytes).with_key_value_metadata(Some(metadata)).finish(&mut data).unwrap();
    bytes
}

#[test]
fn another_schema_version_is_refused_by_name() {
    let store = Store::new();
    for at in 0..store.tables.len() {
        let (data, pairs) = table(&store.tables[at].0);
        assert_eq!(pairs.len(), 1, "{pairs:?}");
        for version in ["", "0", "999999999999999999999", "\u{1b}[31m"] {
            let bytes = parquet(data.clone(), vec![(pairs[0].0.clone(), version.to_owned())]);
            store.with(at, &bytes, || {
                let error = read_facts(store.path()).unwrap_err().to_string();
                assert!(error.contains("schema"), "{error}");
            });
        }
        let bytes = parquet(data, vec![(pairs[0].0.clone(), "\u{1b}[31m".to_owned())]);
        assert_eq!(store.with(at, &bytes, || store.report("version")), 2);
    }
}

/// Every value of a column replaced by one that no metering writes.
fn extremes(column: &Column) -> Vec<Series> {
    let (name, height) = (column.name().clone(), column.len());
    match column.dtype() {
        DataType::UInt64 => [0, 1, 1 << 53, u64::MAX].map(|n| Series::new(name.clone(), vec![n; height])).into(),
        DataType::Int64 => [i64::MIN, -1, 0, i64::MAX].map(|n| Series::new(name.clone(), vec![n; height])).into(),
        DataType::String => ["", "\u{1b}[31m=cmd()<script>", "10.0.0.1", "complete", "tcp"]
            .map(|text| Series::new(name.clone(), vec![text; height]))
            .into_iter()
            .chain([Series::new(name.clone(), vec!["x".repeat(100_000); height.min(1)]).extend_constant_to(height)])
            .collect(),
        _ => Vec::new(),
    }
    .into_iter()
    .chain([Series::full_null(name.clone(), height, column.dtype())])
    .collect()
}

/// Repeats the first value.
trait Extend {
    fn extend_constant_to(self, height: usize) -> Series;
}

impl Extend for Series {
    fn extend_constant_to(self, height: usize) -> Series {
        let missing = height.saturating_sub(self.len());
        self.extend_constant(AnyValue::String("y"), missing).unwrap()
    }
}

/// Puts extreme values into every column of every table; reports on each `step`-th of the stores that can be read.
fn extreme_values(step: usize) {
    let store = Store::new();
    let (mut refused, mut read, mut reported) = (0, 0, 0);
    for at in 0..store.tables.len() {
        let (data, pairs) = table(&store.tables[at].0);
        for column in data.columns() {
            for (number, extreme) in extremes(column).into_iter().enumerate() {
                let mut changed = data.clone();
                changed.with_column(extreme.into_column()).unwrap();
                let bytes = parquet(changed, pairs.clone());
                let what = format!("{}: {} {number}", store.tables[at].0.display(), column.name());
                store.with(at, &bytes, || {
                    if read_facts(store.path()).is_err() {
                        refused += 1;
                        return;
                    }
                    read += 1;
                    if read % step == 0 {
                        reported += 1;
                        store.report(&what);
                    }
                });
            }
        }
    }
    println!("{} columns changed: {refused} refused, {read} read, {reported} reports", refused + read);
    assert!(refused > 100 && read > 50, "{refused} refused, {read} read");
}

#[test]
fn values_that_cannot_be_are_refused_or_reported() {
    extreme_values(20);
}

#[test]
#[ignore = "heavy; .ci/run runs it"]
fn every_value_that_cannot_be_is_refused_or_reported() {
    extreme_values(1);
}

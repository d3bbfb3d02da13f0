//! The files of a table: `flows.parquet`, and for a long recording `flows-2.parquet` and so on.
//!
//! What a Parquet file says of its row groups is written at its end, and held until then. So that a recording of any length needs
//! the same memory, a file ends after so many row groups, and the table goes on in a further one. Each file of several says which
//! one it is, and the last one how many there are: a missing or a foreign file is never taken for less or more data.

use super::error::StoreError;
use std::path::{Path, PathBuf};

/// Most row groups of a file: about a million rows. What is held of a group of `flows` is 0.3 MB (measured over 687 of them),
/// so 5 MB of a file.
pub(super) const MOST_GROUPS: usize = 16;
/// Key of a file's place among the files of its table, in the Parquet metadata: `2`, or `3/3` in the last one. The only file of a
/// table has none.
pub(super) const PART_KEY: &str = "portproof.part";

/// The file of a part, counted from 1, by that of the first.
pub(super) fn path(first: &Path, part: usize) -> PathBuf {
    if part == 1 {
        return first.to_owned();
    }
    first.with_file_name(format!("{}-{part}.parquet", stem(first)))
}

fn stem(first: &Path) -> std::borrow::Cow<'_, str> {
    first.file_stem().unwrap_or_default().to_string_lossy()
}

/// What a file says of its place.
pub(super) fn mark(part: usize, is_last: bool) -> Option<String> {
    match (part, is_last) {
        (1, true) => None,
        (_, true) => Some(format!("{part}/{part}")),
        (_, false) => Some(part.to_string()),
    }
}

/// Whether a part is the last one, by what it says of its place.
pub(super) fn is_last(path: &Path, part: usize, said: Option<&str>) -> Result<bool, StoreError> {
    let says = |is_last| said == mark(part, is_last).as_deref();
    if says(true) || says(false) {
        return Ok(says(true));
    }
    let said = said.unwrap_or("the only one").escape_debug();
    let reason =
        format!("in the place of file {part} of its table, it says that it is {said}: meter the captures again");
    Err(StoreError::NotAStore { path: path.to_owned(), reason })
}

/// Refuses files beside those of a table that bear the name of one.
pub(super) fn refuse_others(first: &Path, parts: usize) -> Result<(), StoreError> {
    let folder = first.parent().unwrap_or(Path::new(""));
    let io = |cause| StoreError::Io { path: folder.to_owned(), cause };
    let prefix = format!("{}-", stem(first));
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let found = entry.map_err(io)?.path();
        let name = found.file_name().unwrap_or_default().to_string_lossy();
        let is_named_so = name.starts_with(&prefix) && name.ends_with(".parquet");
        if is_named_so && !(2..=parts).any(|part| path(first, part) == found) {
            let reason = format!("not among the files of its table, {parts} in number: meter the captures again");
            return Err(StoreError::NotAStore { path: found, reason });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Cell, Column, Kind};
    use crate::store::column::MOST_ROWS;
    use crate::store::parquet::{read_frame, read_groups};
    use crate::store::table_writer::TableWriter;
    use std::fs;
    use tempfile::TempDir;

    /// Rows that are unlike each other, as those of facts are.
    fn row(at: usize) -> u64 {
        (at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
    }

    /// A table of so many row groups, the last one short, and one in each file.
    fn table(groups: usize) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let first = folder.path().join("flows.parquet");
        let column = Column { name: "number", kind: Kind::Unsigned, meaning: "" };
        let mut writer = TableWriter::create(&first, std::iter::once(column)).unwrap().in_parts(1);
        let rows: Vec<u64> = (0..groups * MOST_ROWS - 5).map(row).collect();
        writer.push(&rows, |_, rows, column| column.fill(&(), rows, |(), row| Cell::from(*row))).unwrap();
        writer.finish().unwrap();
        (folder, first)
    }

    /// Both ways of reading refuse a table of three files after this, and say this of it.
    #[track_caller]
    fn refused<T>(said: &str, act: impl FnOnce(&dyn Fn(usize) -> PathBuf) -> std::io::Result<T>) {
        let (_folder, first) = table(3);
        act(&|part| path(&first, part)).unwrap();
        let told = [read_frame(&first).map(drop), read_groups(&first, |_, _| Ok(()))];
        let told = told.map(|read| read.unwrap_err().to_string());
        assert!(told.iter().all(|told| told.contains(said)), "{said}: {told:?}");
    }

    #[test]
    fn a_table_goes_on_in_further_files_and_is_read_in_their_order() {
        for groups in 1..=3 {
            let (folder, first) = table(groups);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), groups);
            let rows = groups * MOST_ROWS - 5;
            let whole = read_frame(&first).unwrap();
            let numbers: Vec<_> = whole.column("number").unwrap().u64().unwrap().into_no_null_iter().collect();
            assert!(numbers.into_iter().eq((0..rows).map(row)));
            let mut found = Vec::new();
            read_groups(&first, |path, frame| {
                found.push((path.to_owned(), frame.height()));
                Ok(())
            })
            .unwrap();
            assert_eq!(found.iter().map(|(_, rows)| rows).sum::<usize>(), rows);
            assert!(found.iter().map(|(path, _)| path.clone()).eq((1..=groups).map(|part| path(&first, part))));
        }
    }

    #[test]
    fn a_missing_file_is_told() {
        for (part, name) in [(1, "flows.parquet"), (2, "flows-2.parquet"), (3, "flows-3.parquet")] {
            refused(name, |path| fs::remove_file(path(part)));
        }
        refused("flows-2.parquet", |path| fs::remove_file(path(2)).and_then(|()| fs::remove_file(path(3))));
    }

    #[test]
    fn a_file_too_many_is_told() {
        refused("flows-4.parquet", |path| fs::copy(path(3), path(4)));
        refused("flows-9.parquet", |path| fs::copy(path(2), path(9)));
        refused("flows-02.parquet", |path| fs::copy(path(2), path(2).with_file_name("flows-02.parquet")));
        // The only file of its table, beside others.
        let (_folder, alone) = table(1);
        refused("not among the files of its table, 1 in number", |path| fs::copy(&alone, path(1)));
    }

    #[test]
    fn a_file_in_anothers_place_is_told() {
        refused("it says that it is 3/3", |path| fs::copy(path(3), path(2)));
        refused("it says that it is 2", |path| fs::rename(path(2), path(1)));
        refused("it says that it is 2", |path| fs::copy(path(2), path(3)));
        let (_folder, alone) = table(1);
        refused("it says that it is the only one", |path| fs::copy(&alone, path(2)));
    }
}

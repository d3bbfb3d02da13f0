//! The files of a table: `flows.parquet`, and for a long recording `flows-2.parquet` and so on.
//!
//! What a Parquet file says of its row groups is written at its end, and held until then. So that a recording of any length needs
//! the same memory, a file ends after so many row groups, and the table goes on in a further one. Each file of several says which
//! one it is, and the last one how many there are: a missing or a foreign file is never taken for less or more data.

use super::error::StoreError;
use std::path::{Path, PathBuf};

/// Most row groups of a file: what is held of them is about 6 MB for `flows` (measured), twice that while it is written.
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
            let reason = format!("the table has {parts} files, and this is none of them: meter the captures again");
            return Err(StoreError::NotAStore { path: found, reason });
        }
    }
    Ok(())
}

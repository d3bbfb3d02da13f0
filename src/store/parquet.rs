//! Parquet back to data frames.

use super::error::StoreError;
use super::pages::{self, Chunk, Group};
use super::parts::{self, PART_KEY};
use super::schema::VERSION;
use polars::prelude::DataFrame;
use polars_io::SerReader;
use polars_io::parquet::metadata::FileMetadataRef;
use polars_io::parquet::read::{ParallelStrategy, ParquetReader};
use polars_parquet::parquet::compression::Compression;
use polars_parquet::parquet::metadata::ColumnChunkMetadata;
use std::fs::File;
use std::panic::AssertUnwindSafe;
use std::path::Path;

/// Key of the schema version in the Parquet metadata.
pub(super) const VERSION_KEY: &str = "portproof.schema";

/// Reads a fact table after checking its schema version.
///
/// The Parquet reader of Polars panics on some damaged files (an assertion on bitmap lengths, for one): that is caught
/// here and told as the damage that it is. On others it asks for memory that no machine has: [`pages`] looks for those.
pub(super) fn read_frame(path: &Path) -> Result<DataFrame, StoreError> {
    let mut table: Option<DataFrame> = None;
    for_each_part(path, |path, metadata| {
        let frame = undamaged(path, || read_rows(path, metadata, None))?;
        match &mut table {
            None => table = Some(frame),
            Some(table) => {
                table.vstack_mut_owned(frame).map_err(|cause| StoreError::Parquet { path: path.to_owned(), cause })?;
            }
        }
        Ok(())
    })?;
    Ok(table.unwrap_or_default())
}

/// Reads a fact table as [`read_frame`] does, and hands out its row groups one by one, each with the file that it is from: no
/// more than one is held. A table without rows gives one frame without rows.
pub(super) fn read_groups(
    path: &Path,
    mut take: impl FnMut(&Path, DataFrame) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    for_each_part(path, |path, metadata| {
        if metadata.row_groups.is_empty() {
            return take(path, undamaged(path, || read_rows(path, metadata, None))?);
        }
        let mut first = 0;
        for group in &metadata.row_groups {
            let rows = (first, group.num_rows());
            take(path, undamaged(path, || read_rows(path, metadata, Some(rows)))?)?;
            first += group.num_rows();
        }
        Ok(())
    })
}

/// Goes through the files of a table, and makes sure that they are all there and no others.
fn for_each_part(
    first: &Path,
    mut act: impl FnMut(&Path, &FileMetadataRef) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    for part in 1.. {
        let path = parts::path(first, part);
        let metadata = undamaged(&path, || checked(&path))?;
        let is_last = parts::is_last(&path, part, said(&metadata, PART_KEY).as_deref())?;
        act(&path, &metadata)?;
        if is_last {
            return parts::refuse_others(first, part);
        }
    }
    Ok(())
}

/// What a file's metadata says under a key.
fn said(metadata: &FileMetadataRef, key: &str) -> Option<String> {
    let pairs = metadata.key_value_metadata().as_deref().unwrap_or_default();
    pairs.iter().find(|pair| pair.key == key).and_then(|pair| pair.value.clone())
}

/// What a reader gives that panics on damage. Nothing that it had in hand is used after that.
fn undamaged<T>(path: &Path, read: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    std::panic::catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
        let reason = "the file is damaged: meter the captures again".into();
        Err(StoreError::NotAStore { path: path.to_owned(), reason })
    })
}

/// Reads all rows, or so many from one on.
fn read_rows(path: &Path, metadata: &FileMetadataRef, rows: Option<(usize, usize)>) -> Result<DataFrame, StoreError> {
    let file = File::open(path).map_err(|cause| StoreError::Io { path: path.to_owned(), cause })?;
    let mut reader = ParquetReader::new(file).with_slice(rows).read_parallel(ParallelStrategy::Columns);
    reader.set_metadata(metadata.clone());
    reader.finish().map_err(|cause| StoreError::Parquet { path: path.to_owned(), cause })
}

/// The metadata of a file that has this schema version, and pages that its size allows.
fn checked(path: &Path) -> Result<FileMetadataRef, StoreError> {
    let io = |cause| StoreError::Io { path: path.to_owned(), cause };
    let file = File::open(path).map_err(io)?;
    let mut reader = ParquetReader::new(file);
    let metadata = reader.get_metadata().map_err(|cause| StoreError::Parquet { path: path.to_owned(), cause })?.clone();
    let found = said(&metadata, VERSION_KEY);
    if found.as_deref() != Some(VERSION) {
        let found = found.unwrap_or_else(|| "none".into());
        return Err(StoreError::SchemaVersion { path: path.to_owned(), found, expected: VERSION });
    }
    let groups = metadata.row_groups.iter();
    let groups = groups
        .map(|group| Group { rows: group.num_rows(), chunks: group.parquet_columns().iter().map(chunk).collect() });
    let mut second = File::open(path).map_err(io)?;
    pages::check(&mut second, groups)
        .map_err(|bad| StoreError::NotAStore { path: path.to_owned(), reason: bad.to_string() })?;
    Ok(metadata)
}

fn chunk(column: &ColumnChunkMetadata) -> Chunk {
    Chunk {
        pages: column.byte_range(),
        is_compressed: column.compression() != Compression::Uncompressed,
        has_levels: column.descriptor().descriptor.max_def_level > 0,
    }
}

//! Parquet back to data frames.

use super::error::StoreError;
use super::pages::{self, Chunk, Group};
use super::schema::VERSION;
use polars::prelude::DataFrame;
use polars_io::SerReader;
use polars_io::parquet::read::ParquetReader;
use polars_parquet::parquet::compression::Compression;
use polars_parquet::parquet::metadata::ColumnChunkMetadata;
use std::fs::File;
use std::path::Path;

/// Key of the schema version in the Parquet metadata.
pub(super) const VERSION_KEY: &str = "portproof.schema";

/// Reads a fact table after checking its schema version.
///
/// The Parquet reader of Polars panics on some damaged files (an assertion on bitmap lengths, for one): that is caught
/// here and told as the damage that it is. On others it asks for memory that no machine has: [`pages`] looks for those.
pub(super) fn read_frame(path: &Path) -> Result<DataFrame, StoreError> {
    std::panic::catch_unwind(|| read_checked(path)).unwrap_or_else(|_| {
        let reason = "the file is damaged: meter the captures again".into();
        Err(StoreError::NotAStore { path: path.to_owned(), reason })
    })
}

fn read_checked(path: &Path) -> Result<DataFrame, StoreError> {
    let io = |cause| StoreError::Io { path: path.to_owned(), cause };
    let file = File::open(path).map_err(io)?;
    let parquet = |cause| StoreError::Parquet { path: path.to_owned(), cause };
    let mut reader = ParquetReader::new(file);
    let metadata = reader.get_metadata().map_err(parquet)?;
    let pairs = metadata.key_value_metadata().as_deref().unwrap_or_default();
    let found = pairs.iter().find(|pair| pair.key == VERSION_KEY).and_then(|pair| pair.value.clone());
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
    reader.finish().map_err(parquet)
}

fn chunk(column: &ColumnChunkMetadata) -> Chunk {
    Chunk {
        pages: column.byte_range(),
        is_compressed: column.compression() != Compression::Uncompressed,
        has_levels: column.descriptor().descriptor.max_def_level > 0,
    }
}

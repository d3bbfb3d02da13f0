//! Rows to Parquet and back. Streaming: a batch of rows becomes a row group, and nothing else is held.

use super::error::StoreError;
use super::pages::{self, Group};
use super::schema::VERSION;
use crate::model::{Column, Kind, Value};
use polars::prelude::{Column as Series, DataFrame, DataType, Field, PlSmallStr, Schema};
use polars_io::SerReader;
use polars_io::parquet::metadata::FileMetadataRef;
use polars_io::parquet::read::{ParallelStrategy, ParquetReader};
use polars_io::parquet::write::{BatchedWriter, KeyValueMetadata, ParquetWriter};
use std::fs::File;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};

/// Rows of a row group. Wide rows of text make about 20 MB of it.
const BATCH_ROWS: usize = 65_536;
/// Key of the schema version in the Parquet metadata.
const VERSION_KEY: &str = "portproof.schema";

/// Values of one column, as they gather.
enum Cells {
    Text(Vec<Option<String>>),
    Unsigned(Vec<Option<u64>>),
    Real(Vec<Option<f64>>),
    Flag(Vec<Option<bool>>),
    TimeNs(Vec<Option<i64>>),
}

impl Cells {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text(Vec::new()),
            Kind::Unsigned => Self::Unsigned(Vec::new()),
            Kind::Real => Self::Real(Vec::new()),
            Kind::Flag => Self::Flag(Vec::new()),
            Kind::TimeNs => Self::TimeNs(Vec::new()),
        }
    }

    /// A value of another kind than the column's is stored as null.
    fn push(&mut self, value: Value) {
        match (self, value) {
            (Self::Text(cells), Value::Text(text)) => cells.push(Some(text)),
            (Self::Unsigned(cells), Value::Unsigned(number)) => cells.push(Some(number)),
            (Self::Real(cells), Value::Real(number)) => cells.push(Some(number)),
            (Self::Flag(cells), Value::Flag(flag)) => cells.push(Some(flag)),
            (Self::TimeNs(cells), Value::TimeNs(ns)) => cells.push(Some(ns)),
            (Self::Text(cells), _) => cells.push(None),
            (Self::Unsigned(cells), _) => cells.push(None),
            (Self::Real(cells), _) => cells.push(None),
            (Self::Flag(cells), _) => cells.push(None),
            (Self::TimeNs(cells), _) => cells.push(None),
        }
    }

    /// The gathered values as a series; nothing is left behind.
    fn take(&mut self, name: &str) -> Series {
        let name = PlSmallStr::from_str(name);
        match self {
            Self::Text(cells) => Series::new(name, std::mem::take(cells)),
            Self::Unsigned(cells) => Series::new(name, std::mem::take(cells)),
            Self::Real(cells) => Series::new(name, std::mem::take(cells)),
            Self::Flag(cells) => Series::new(name, std::mem::take(cells)),
            Self::TimeNs(cells) => Series::new(name, std::mem::take(cells)),
        }
    }
}

fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Text => DataType::String,
        Kind::Unsigned => DataType::UInt64,
        Kind::Real => DataType::Float64,
        Kind::Flag => DataType::Boolean,
        Kind::TimeNs => DataType::Int64,
    }
}

/// Writes one table row by row.
pub(super) struct TableWriter {
    path: PathBuf,
    columns: Vec<Column>,
    cells: Vec<Cells>,
    rows: usize,
    writer: BatchedWriter<File>,
}

impl TableWriter {
    pub(super) fn create(path: &Path, columns: Vec<Column>) -> Result<Self, StoreError> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the store writes its own files, inside a partition not yet in place"
        )]
        let file = File::create(path).map_err(|cause| StoreError::Io { path: path.to_owned(), cause })?;
        let fields = columns.iter().map(|c| Field::new(PlSmallStr::from_str(c.name), data_type(c.kind)));
        let schema = Schema::from_iter(fields);
        let metadata = KeyValueMetadata::from_static(vec![(VERSION_KEY.to_owned(), VERSION.to_owned())]);
        let writer = ParquetWriter::new(file)
            .with_key_value_metadata(Some(metadata))
            .batched(&schema)
            .map_err(|cause| StoreError::Parquet { path: path.to_owned(), cause })?;
        let cells = columns.iter().map(|c| Cells::new(c.kind)).collect();
        Ok(Self { path: path.to_owned(), columns, cells, rows: 0, writer })
    }

    pub(super) fn push(&mut self, row: impl IntoIterator<Item = Value>) -> Result<(), StoreError> {
        for (cells, value) in self.cells.iter_mut().zip(row) {
            cells.push(value);
        }
        self.rows += 1;
        if self.rows == BATCH_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        let series: Vec<Series> =
            self.cells.iter_mut().zip(&self.columns).map(|(c, column)| c.take(column.name)).collect();
        let rows = std::mem::take(&mut self.rows);
        let written = DataFrame::new(rows, series).and_then(|batch| self.writer.write_batch(&batch));
        written.map_err(|cause| StoreError::Parquet { path: self.path.clone(), cause })
    }

    pub(super) fn finish(mut self) -> Result<(), StoreError> {
        if self.rows > 0 {
            self.flush()?;
        }
        self.writer.finish().map(|_| ()).map_err(|cause| StoreError::Parquet { path: self.path, cause })
    }
}

/// Writes a table of results as Parquet.
///
/// # Errors
/// When the file cannot be written.
pub fn write_table(path: &Path, columns: &[Column], rows: impl Iterator<Item = Vec<Value>>) -> Result<(), StoreError> {
    let mut writer = TableWriter::create(path, columns.to_vec())?;
    for row in rows {
        writer.push(row)?;
    }
    writer.finish()
}

/// Rows as a data frame, for queries on them.
///
/// # Errors
/// When columns and rows do not fit together.
pub fn to_frame(
    columns: &[Column],
    rows: impl Iterator<Item = Vec<Value>>,
) -> Result<DataFrame, polars::error::PolarsError> {
    let mut cells: Vec<Cells> = columns.iter().map(|c| Cells::new(c.kind)).collect();
    let mut height = 0;
    for row in rows {
        height += 1;
        for (cells, value) in cells.iter_mut().zip(row) {
            cells.push(value);
        }
    }
    let series = cells.iter_mut().zip(columns).map(|(cells, column)| cells.take(column.name)).collect();
    DataFrame::new(height, series)
}

/// Reads a fact table after checking its schema version.
///
/// The Parquet reader of Polars panics on some damaged files (an assertion on bitmap lengths, for one): that is caught
/// here and told as the damage that it is. On others it asks for memory that no machine has: [`pages`] looks for those.
pub(super) fn read_frame(path: &Path) -> Result<DataFrame, StoreError> {
    undamaged(path, || read_rows(path, &checked(path)?, None))
}

/// Reads a fact table as [`read_frame`] does, and hands out its row groups one by one: no more than one is held. A table
/// without rows gives one frame without rows.
pub(super) fn read_groups(
    path: &Path,
    mut take: impl FnMut(DataFrame) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let metadata = undamaged(path, || checked(path))?;
    if metadata.row_groups.is_empty() {
        return take(undamaged(path, || read_rows(path, &metadata, None))?);
    }
    let mut first = 0;
    for group in &metadata.row_groups {
        let rows = (first, group.num_rows());
        take(undamaged(path, || read_rows(path, &metadata, Some(rows)))?)?;
        first += group.num_rows();
    }
    Ok(())
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
    let pairs = metadata.key_value_metadata().as_deref().unwrap_or_default();
    let found = pairs.iter().find(|pair| pair.key == VERSION_KEY).and_then(|pair| pair.value.clone());
    if found.as_deref() != Some(VERSION) {
        let found = found.unwrap_or_else(|| "none".into());
        return Err(StoreError::SchemaVersion { path: path.to_owned(), found, expected: VERSION });
    }
    let groups = metadata.row_groups.iter();
    let groups = groups.map(|g| Group { rows: g.num_rows(), columns: g.byte_ranges_iter().collect() });
    let mut second = File::open(path).map_err(io)?;
    pages::check(&mut second, groups)
        .map_err(|bad| StoreError::NotAStore { path: path.to_owned(), reason: bad.to_string() })?;
    Ok(metadata)
}

//! A table on its way to Parquet files. Streaming: rows become packed columns, the columns of a batch of rows a row group, and
//! of those only what the end of a file says of them is held.

use super::column::{self, Chunk, ColumnBuilder, MOST_ROWS};
use super::error::StoreError;
use super::parquet::VERSION_KEY;
use super::parts::{self, PART_KEY};
use super::schema::{CaptureIds, FactColumn, VERSION};
use crate::model::{Cell, Column, Kind};
use polars::error::PolarsError;
use polars::prelude::{DataType, Field, PlSmallStr, Schema};
use polars_io::parquet::write::{BatchedWriter, ParquetWriter, StatisticsOptions};
use polars_parquet::parquet::CowBuffer;
use polars_parquet::parquet::page::{DataPage, DataPageHeader, DataPageHeaderV1, DictPage};
use polars_parquet::parquet::schema::types::PrimitiveType;
use polars_parquet::parquet::statistics::PrimitiveStatistics;
use polars_parquet::write::{
    CompressedPage, CompressionOptions, Descriptor, Encoding, KeyValue, Page, ZstdLevel, compress,
    schema_to_metadata_key,
};
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

/// Level of Zstandard: of what higher ones gain, dictionaries and differences have taken most already.
const ZSTD_LEVEL: i32 = 1;
/// Bytes of a chunk that are worth compressing.
const COMPRESSED_FROM: usize = 256;

fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Text => DataType::String,
        Kind::Unsigned => DataType::UInt64,
        Kind::Real => DataType::Float64,
        Kind::Flag => DataType::Boolean,
        Kind::TimeNs => DataType::Int64,
    }
}

/// Writes one table.
pub(super) struct TableWriter {
    /// The first file.
    path: PathBuf,
    schema: Schema,
    columns: Vec<ColumnBuilder>,
    types: Vec<PrimitiveType>,
    rows: usize,
    file: TableFile,
    /// Row groups after which a file ends.
    most_groups: usize,
}

/// A file of a table, under way.
struct TableFile {
    path: PathBuf,
    /// Counted from 1.
    part: usize,
    groups: usize,
    writer: BatchedWriter<BufWriter<File>>,
}

impl TableFile {
    fn create(first: &Path, part: usize, schema: &Schema) -> Result<Self, StoreError> {
        let path = parts::path(first, part);
        #[expect(
            clippy::disallowed_methods,
            reason = "the store writes its own files, inside a partition not yet in place"
        )]
        let file = File::create(&path).map_err(|cause| StoreError::Io { path: path.clone(), cause })?;
        let writer = ParquetWriter::new(BufWriter::new(file))
            // Those of a chunk are ours, and an index over pages would say them again.
            .with_statistics(StatisticsOptions::empty())
            .batched(schema);
        match writer {
            Ok(writer) => Ok(Self { path, part, groups: 0, writer }),
            Err(cause) => Err(StoreError::Parquet { path, cause }),
        }
    }

    fn write_group(&mut self, rows: usize, pages: &[Vec<CompressedPage>]) -> Result<(), StoreError> {
        self.groups += 1;
        let written = self.writer.write_row_group(rows as u64, pages);
        written.map_err(|cause| StoreError::Parquet { path: self.path.clone(), cause })
    }

    /// Writes the end of the file. What is said there of its place is not known before.
    fn finish(&self, is_last: bool) -> Result<(), StoreError> {
        let mut writer = self.writer.get_writer().lock().unwrap_or_else(PoisonError::into_inner);
        let pair = |key: &str, value| KeyValue { key: key.to_owned(), value: Some(value) };
        let mut pairs = vec![schema_to_metadata_key(writer.schema()), pair(VERSION_KEY, VERSION.to_owned())];
        pairs.extend(parts::mark(self.part, is_last).map(|mark| pair(PART_KEY, mark)));
        let finished = writer.end(Some(pairs));
        finished.map(|_| ()).map_err(|cause| StoreError::Parquet { path: self.path.clone(), cause })
    }
}

impl TableWriter {
    /// A table in one file, however long.
    pub(super) fn create(path: &Path, columns: impl Iterator<Item = Column>) -> Result<Self, StoreError> {
        let columns: Vec<Column> = columns.collect();
        let fields = columns.iter().map(|c| Field::new(PlSmallStr::from_str(c.name), data_type(c.kind)));
        let schema = Schema::from_iter(fields);
        let mut file = TableFile::create(path, 1, &schema)?;
        let described = file.writer.parquet_schema().columns().iter();
        let types = described.map(|column| column.descriptor.primitive_type.clone()).collect();
        let columns = columns.iter().map(|c| ColumnBuilder::new(c.kind)).collect();
        Ok(Self { path: path.to_owned(), schema, columns, types, rows: 0, file, most_groups: usize::MAX })
    }

    /// The table in as many files as it needs.
    pub(super) fn in_parts(self, most_groups: usize) -> Self {
        Self { most_groups, ..self }
    }

    /// Takes rows; `fill` puts them into a column, which it is told by its position.
    pub(super) fn push<'r, Row>(
        &mut self,
        rows: &'r [Row],
        fill: impl Fn(usize, &'r [Row], &mut ColumnBuilder),
    ) -> Result<(), StoreError> {
        let mut rest = rows;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(MOST_ROWS - self.rows));
            for (position, column) in self.columns.iter_mut().enumerate() {
                fill(position, now, column);
            }
            self.rows += now.len();
            rest = later;
            if self.rows == MOST_ROWS {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        // Only now, when there is more to write: so that no file is empty but the first.
        if self.file.groups == self.most_groups {
            self.file.finish(false)?;
            self.file = TableFile::create(&self.path, self.file.part + 1, &self.schema)?;
        }
        let rows = std::mem::take(&mut self.rows);
        let columns = self.columns.iter_mut().zip(&self.types);
        let pages: Result<Vec<_>, PolarsError> = columns.map(|(column, of)| pages(column.finish()?, of)).collect();
        let pages = pages.map_err(|cause| StoreError::Parquet { path: self.file.path.clone(), cause })?;
        self.file.write_group(rows, &pages)
    }

    pub(super) fn finish(mut self) -> Result<(), StoreError> {
        if self.rows > 0 {
            self.flush()?;
        }
        self.file.finish(true)
    }
}

/// The pages of a chunk as they are written. Packed numbers hardly get smaller: only the rest is compressed.
fn pages(chunk: Chunk, of: &PrimitiveType) -> Result<Vec<CompressedPage>, PolarsError> {
    let Chunk { dictionary, encoding, pages, bounds } = chunk;
    let data = pages.iter().map(|page| page.bytes.len());
    let bytes: usize = data.chain(dictionary.iter().map(|(_, page)| page.len())).sum();
    let compression = if bounds.is_some() || bytes < COMPRESSED_FROM {
        CompressionOptions::Uncompressed
    } else {
        CompressionOptions::Zstd(Some(ZstdLevel::try_new(ZSTD_LEVEL)?))
    };
    let data = pages.into_iter().map(|page| data_page(page, encoding, bounds, of));
    let dictionary = dictionary.map(|(entries, page)| DictPage::new(CowBuffer::Owned(page), entries, false));
    let pages = dictionary.map(Page::Dict).into_iter().chain(data.map(Page::Data));
    pages.map(|page| Ok(compress(page, Vec::new(), compression)?)).collect()
}

fn data_page(page: column::DataPage, encoding: Encoding, bounds: Option<(u64, u64)>, of: &PrimitiveType) -> DataPage {
    let statistics = PrimitiveStatistics {
        primitive_type: of.clone(),
        null_count: Some(page.nulls as i64),
        distinct_count: None,
        // Those of the whole chunk, in each of its pages: the library makes the least and the greatest of a chunk from them, and
        // compares unsigned numbers as signed ones.
        min_value: bounds.map(|(least, _)| least.cast_signed()),
        max_value: bounds.map(|(_, greatest)| greatest.cast_signed()),
    };
    let header = DataPageHeader::V1(DataPageHeaderV1 {
        num_values: page.rows as i32,
        encoding: encoding.into(),
        definition_level_encoding: Encoding::Rle.into(),
        repetition_level_encoding: Encoding::Rle.into(),
        statistics: Some(statistics.serialize()),
    });
    let descriptor = Descriptor { primitive_type: of.clone(), max_def_level: 1, max_rep_level: 0 };
    DataPage::new(header, CowBuffer::Owned(page.bytes), descriptor, page.rows)
}

/// A table of facts under way: each column is filled by the function that stands beside its description.
pub(super) struct FactTable<Row> {
    columns: Vec<FactColumn<Row>>,
    writer: TableWriter,
}

impl<Row> FactTable<Row> {
    pub(super) fn create(folder: &Path, name: &str, columns: Vec<FactColumn<Row>>) -> Result<Self, StoreError> {
        let described = columns.iter().map(|column| column.column);
        let writer = TableWriter::create(&folder.join(format!("{name}.parquet")), described)?;
        Ok(Self { columns, writer: writer.in_parts(parts::MOST_GROUPS) })
    }

    pub(super) fn push(&mut self, ids: &CaptureIds, rows: &[Row]) -> Result<(), StoreError> {
        self.writer.push(rows, |position, rows, column| (self.columns[position].fill)(ids, rows, column))
    }

    pub(super) fn finish(self) -> Result<(), StoreError> {
        self.writer.finish()
    }
}

/// A table of results under way, in one file.
pub struct ResultTable {
    writer: TableWriter,
}

impl ResultTable {
    /// Begins a table.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(path: &Path, columns: &[Column]) -> Result<Self, StoreError> {
        TableWriter::create(path, columns.iter().copied()).map(|writer| Self { writer })
    }

    /// Takes rows, as many at a time as are at hand: column by column, each cell from `cell`, which is told the position of the column.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn push<'r, Row>(
        &mut self,
        rows: &'r [Row],
        cell: impl Fn(usize, &'r Row) -> Cell<'r>,
    ) -> Result<(), StoreError> {
        self.writer.push(rows, |position, rows, column| column.fill(&(), rows, |(), row| cell(position, row)))
    }

    /// Writes what has gathered.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(self) -> Result<(), StoreError> {
        self.writer.finish()
    }
}

/// Writes a table of results as Parquet; for `cell` see [`ResultTable::push`].
///
/// # Errors
/// When the file cannot be written.
pub fn write_table<'r, Row>(
    path: &Path,
    columns: &[Column],
    rows: &'r [Row],
    cell: impl Fn(usize, &'r Row) -> Cell<'r>,
) -> Result<(), StoreError> {
    let mut table = ResultTable::create(path, columns)?;
    table.push(rows, cell)?;
    table.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Value;
    use crate::store::parquet::read_frame;
    use polars::prelude::AnyValue;

    const KINDS: [Kind; 5] = [Kind::Unsigned, Kind::TimeNs, Kind::Text, Kind::Flag, Kind::Real];
    const NAMES: [&str; 5] = ["unsigned", "time_ns", "text", "flag", "real"];

    fn columns() -> Vec<Column> {
        KINDS.into_iter().zip(NAMES).map(|(kind, name)| Column { name, kind, meaning: "" }).collect()
    }

    fn row(number: Option<u64>) -> Vec<Value> {
        let Some(number) = number else { return vec![Value::Null; KINDS.len()] };
        let time = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).cast_signed() >> (number % 50);
        let text = format!("{number:x}\u{2192}").repeat(number as usize % 3);
        vec![
            number.into(),
            Value::TimeNs(time),
            text.into(),
            number.is_multiple_of(3).into(),
            (number as f64 / 7.0).into(),
        ]
    }

    fn write(path: &Path, rows: &[Vec<Value>]) {
        write_table(path, &columns(), rows, |position, row| Cell::from(&row[position])).unwrap();
    }

    fn value(read: &AnyValue<'_>) -> Value {
        match read {
            AnyValue::UInt64(number) => Value::Unsigned(*number),
            AnyValue::Int64(ns) => Value::TimeNs(*ns),
            AnyValue::String(text) => Value::from(*text),
            AnyValue::StringOwned(text) => Value::from(text.as_str()),
            AnyValue::Boolean(flag) => Value::Flag(*flag),
            AnyValue::Float64(real) => Value::Real(*real),
            _ => Value::Null,
        }
    }

    /// Writes rows and reads them back; the encodings of numbers and texts follow from how many different ones there are.
    #[track_caller]
    fn comes_back(rows: usize, number: impl Fn(u64) -> Option<u64>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.parquet");
        let written: Vec<_> = (0..rows as u64).map(|at| row(number(at))).collect();
        write(&path, &written);
        let read = read_frame(&path).unwrap();
        assert_eq!(read.height(), rows);
        for (at, name) in NAMES.iter().enumerate() {
            let read = read.column(name).unwrap();
            for (row, expected) in written.iter().enumerate() {
                assert_eq!(value(&read.get(row).unwrap()), expected[at], "{name}, row {row} of {rows}");
            }
        }
    }

    #[test]
    fn what_repeats_and_what_does_not_comes_back() {
        for rows in [0, 1, 2, 7, 8, 9, 127, 128, 129, 1_000] {
            comes_back(rows, Some);
            comes_back(rows, |_| Some(5));
            comes_back(rows, |_| None);
            comes_back(rows, |at| Some(at % 3));
            comes_back(rows, |at| Some(at % 100));
            comes_back(rows, |at| (at % 2 == 1).then_some(at));
            comes_back(rows, |at| (at > 128).then_some(at / 90));
            comes_back(rows, |at| (at <= 128).then_some(1 << 53));
        }
    }

    #[test]
    fn columns_change_their_minds_between_and_within_chunks() {
        let rows = MOST_ROWS + 1_000;
        comes_back(rows, |at| Some(if at < 60_000 { 1 } else { at }));
        comes_back(rows, |at| (at % 5 > 0).then_some(at % 9_000));
        comes_back(rows, |at| (at >= MOST_ROWS as u64).then_some(at));
        comes_back(MOST_ROWS, |at| Some(at * 77_777));
    }

    #[test]
    fn the_same_rows_make_the_same_bytes() {
        let bytes = || {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("table.parquet");
            write(&path, &(0..5_000).map(|at| row(Some(at % 700))).collect::<Vec<_>>());
            std::fs::read(path).unwrap()
        };
        assert_eq!(bytes(), bytes());
    }
}

//! Columns as they fill, packed on the way: what is held is near to what is written.

use super::dictionary::{self, plain};
use super::differences::Differences;
use crate::model::{Cell, Kind, push_address};
use polars::error::PolarsError;
use polars_parquet::parquet::encoding::hybrid_rle::{self, Encoder};
use polars_parquet::write::Encoding;

/// Most rows of a chunk: a code of a dictionary has 16 bits.
pub(super) const MOST_ROWS: usize = 1 << 16;
/// Rows that are taken at once.
const BATCH: usize = 128;
/// Rows for each entry of a dictionary of numbers; with fewer, differences are shorter.
const ROWS_OF_NUMBER: usize = 8;
/// Rows for each entry of a dictionary of texts; with fewer, texts are stored as they come.
const ROWS_OF_TEXT: usize = 2;

/// A chunk of a column: what its pages hold.
pub(super) struct Chunk {
    /// Entries of the dictionary page, and its bytes.
    pub(super) dictionary: Option<(usize, Vec<u8>)>,
    pub(super) encoding: Encoding,
    pub(super) pages: Vec<DataPage>,
    /// Least and greatest number.
    pub(super) bounds: Option<(u64, u64)>,
}

/// A data page.
pub(super) struct DataPage {
    pub(super) rows: usize,
    pub(super) nulls: usize,
    /// Levels and values.
    pub(super) bytes: Vec<u8>,
}

/// The values of a chunk, packed.
struct Packed {
    dictionary: Option<(usize, Vec<u8>)>,
    encoding: Encoding,
    /// How many values a page has, and its bytes.
    pages: Vec<(usize, Vec<u8>)>,
    bounds: Option<(u64, u64)>,
}

impl Packed {
    /// One page of values as they are.
    fn plain(count: usize, bytes: Vec<u8>) -> Self {
        Self { dictionary: None, encoding: Encoding::Plain, pages: vec![(count, bytes)], bounds: None }
    }

    /// One page of codes.
    fn codes(codes: &mut dictionary::Codes, entries: usize, dictionary: Vec<u8>) -> Result<Self, PolarsError> {
        let page = (codes.count, codes.finish()?);
        let dictionary = Some((entries, dictionary));
        Ok(Self { dictionary, encoding: Encoding::RleDictionary, pages: vec![page], bounds: None })
    }
}

/// A column under way.
pub(super) struct ColumnBuilder {
    kind: Kind,
    levels: Levels,
    values: Values,
}

enum Values {
    Numbers(Numbers),
    Texts(Texts),
    /// There is no dictionary of flags in Parquet; ours holds what is nearly always one flag.
    Flags(dictionary::Numbers),
    Reals(Vec<u64>),
}

impl ColumnBuilder {
    pub(super) fn new(kind: Kind) -> Self {
        let values = match kind {
            Kind::Text => Values::Texts(Texts::default()),
            Kind::Unsigned => Values::Numbers(Numbers::new(0)),
            Kind::TimeNs => Values::Numbers(Numbers::new(1 << 63)),
            Kind::Flag => Values::Flags(dictionary::Numbers::default()),
            Kind::Real => Values::Reals(Vec::new()),
        };
        Self { kind, levels: Levels::default(), values }
    }

    /// Takes the cells of some rows. A value of another kind than the column's is stored as null.
    pub(super) fn fill<'r, Ids, Row>(
        &mut self,
        ids: &'r Ids,
        rows: &'r [Row],
        get: impl Fn(&'r Ids, &'r Row) -> Cell<'r>,
    ) {
        let mut batch = Batch { values: [0; BATCH], present: [false; BATCH], rows: 0, count: 0 };
        for rows in rows.chunks(BATCH) {
            let cells = rows.iter().map(|row| get(ids, row));
            // All that is made anew for each column of the schema: what follows is the same for many.
            match &mut self.values {
                Values::Texts(texts) => batch.gather(cells.map(|cell| texts.push(cell))),
                _ => batch.gather(cells.map(|cell| cell.bits(self.kind))),
            }
            self.extend(&batch);
        }
    }

    fn extend(&mut self, batch: &Batch) {
        let values = &batch.values[..batch.count];
        match &mut self.values {
            Values::Numbers(numbers) => numbers.extend(values),
            Values::Texts(_) => {}
            Values::Flags(flags) => flags.extend(values),
            Values::Reals(reals) => reals.extend_from_slice(values),
        }
        self.levels.extend(&batch.present[..batch.rows], batch.count);
    }

    /// What has gathered; the column begins anew.
    pub(super) fn finish(&mut self) -> Result<Chunk, PolarsError> {
        let values = self.levels.rows - self.levels.nulls;
        let packed = match &mut self.values {
            // A column of nulls: Plain, and nothing.
            _ if values == 0 => Packed::plain(0, Vec::new()),
            Values::Numbers(numbers) => numbers.finish()?,
            Values::Texts(texts) => texts.finish(values)?,
            Values::Flags(flags) => {
                let mut bytes = Vec::new();
                hybrid_rle::bitpacked_encode(&mut bytes, flags.rows().map(|flag| flag != 0))?;
                flags.clear();
                Packed::plain(values, bytes)
            }
            Values::Reals(reals) => Packed::plain(values, reals.drain(..).flat_map(u64::to_le_bytes).collect()),
        };
        let Packed { dictionary, encoding, pages, bounds } = packed;
        Ok(Chunk { dictionary, encoding, pages: self.levels.finish(pages)?, bounds })
    }
}

/// The bits of at most [`BATCH`] rows, nulls left out.
struct Batch {
    values: [u64; BATCH],
    present: [bool; BATCH],
    rows: usize,
    count: usize,
}

impl Batch {
    #[inline]
    fn gather(&mut self, cells: impl Iterator<Item = Option<u64>>) {
        // Counted here and not in the batch: that keeps them in registers.
        let (mut rows, mut count) = (0, 0);
        for (cell, present) in cells.zip(&mut self.present) {
            *present = cell.is_some();
            // Written in any case: a branch that is hard to foresee would cost more. The count stays below [`BATCH`].
            self.values[count % BATCH] = cell.unwrap_or_default();
            count += usize::from(*present);
            rows += 1;
        }
        (self.rows, self.count) = (rows, count);
    }
}

/// Which rows have a value (definition levels).
#[derive(Default)]
struct Levels {
    rows: usize,
    nulls: usize,
    /// One for each row, once there are rows of both kinds.
    present: Vec<bool>,
}

impl Levels {
    /// Takes some rows, `count` of them with a value.
    fn extend(&mut self, present: &[bool], count: usize) {
        let nulls = present.len() - count;
        let alike = (nulls == 0 && self.nulls == 0) || (count == 0 && self.nulls == self.rows);
        if !alike || !self.present.is_empty() {
            if self.present.is_empty() {
                self.present.resize(self.rows, self.nulls == 0);
            }
            self.present.extend_from_slice(present);
        }
        self.rows += present.len();
        self.nulls += nulls;
    }

    /// Puts the levels before the values of pages and begins anew.
    fn finish(&mut self, pages: Vec<(usize, Vec<u8>)>) -> Result<Vec<DataPage>, PolarsError> {
        let Self { rows: rows_left, nulls, present } = std::mem::take(self);
        let (mut rows_left, mut present) = (rows_left, &present[..]);
        let last = pages.len() - 1;
        let mut finished = Vec::with_capacity(pages.len());
        for (at, (values, mut packed)) in pages.into_iter().enumerate() {
            let mut levels = Vec::new();
            let rows;
            if present.is_empty() {
                rows = if at == last { rows_left } else { values };
                bool::run_length_encode(&mut levels, rows, nulls == 0, 1)?;
            } else {
                // Rows without a value behind the last one that has one are part of the last page.
                let mut with_value = present.iter().enumerate().filter(|(_, present)| **present);
                let end = with_value.nth(values.saturating_sub(1)).map_or(rows_left, |(row, _)| row + 1);
                rows = if at == last { rows_left } else { end };
                let own;
                (own, present) = present.split_at(rows);
                bool::bitpacked_encode(&mut levels, own.iter().copied(), 1)?;
            }
            rows_left -= rows;
            let mut bytes = Vec::with_capacity(size_of::<u32>() + levels.len() + packed.len());
            plain(&levels, &mut bytes);
            bytes.append(&mut packed);
            finished.push(DataPage { rows, nulls: rows - values, bytes });
        }
        Ok(finished)
    }
}

/// Numbers: in a dictionary, and from when there are too many different ones as differences.
struct Numbers {
    form: Form,
    /// Flips the sign of times, so that they compare as the unsigned numbers do.
    sign: u64,
    /// Least and greatest, where they are not to be had from a dictionary.
    bounds: Option<(u64, u64)>,
}

enum Form {
    Dictionary(dictionary::Numbers),
    Differences(Differences),
}

impl Numbers {
    fn new(sign: u64) -> Self {
        Self { form: Form::Dictionary(dictionary::Numbers::default()), sign, bounds: None }
    }

    fn extend(&mut self, numbers: &[u64]) {
        if let Form::Dictionary(dictionary) = &mut self.form {
            let before = dictionary.codes.count;
            dictionary.extend(numbers);
            if dictionary.entries.len() <= MOST_ROWS / ROWS_OF_NUMBER {
                return;
            }
            let rows: Vec<u64> = dictionary.rows().take(before).collect();
            self.form = Form::Differences(Differences::default());
            rows.chunks(BATCH).for_each(|rows| self.extend(rows));
        }
        if let Form::Differences(differences) = &mut self.form {
            differences.extend(numbers);
            self.bounds = bounds(self.bounds, numbers, self.sign);
        }
    }

    fn finish(&mut self) -> Result<Packed, PolarsError> {
        if let Form::Dictionary(dictionary) = &mut self.form
            && dictionary.entries.len() > 1
            && dictionary.entries.len() * ROWS_OF_NUMBER > dictionary.codes.count
        {
            let rows: Vec<u64> = dictionary.rows().collect();
            self.form = Form::Differences(Differences::default());
            self.extend(&rows);
        }
        match &mut self.form {
            Form::Dictionary(dictionary) => {
                let page = dictionary.entries.iter().flat_map(|entry| entry.to_le_bytes()).collect();
                let bounds = bounds(None, &dictionary.entries, self.sign);
                let packed = Packed::codes(&mut dictionary.codes, dictionary.entries.len(), page)?;
                dictionary.clear();
                Ok(Packed { bounds, ..packed })
            }
            Form::Differences(differences) => Ok(Packed {
                dictionary: None,
                encoding: Encoding::DeltaBinaryPacked,
                pages: differences.finish()?,
                bounds: self.bounds.take(),
            }),
        }
    }
}

/// Least and greatest of what was before and of more numbers.
fn bounds(before: Option<(u64, u64)>, numbers: &[u64], sign: u64) -> Option<(u64, u64)> {
    let start = before.or_else(|| numbers.first().map(|first| (*first, *first)))?;
    let (least, greatest) = numbers.iter().fold((start.0 ^ sign, start.1 ^ sign), |(least, greatest), number| {
        (least.min(number ^ sign), greatest.max(number ^ sign))
    });
    Some((least ^ sign, greatest ^ sign))
}

/// Texts: in a dictionary, and from when there are too many different ones as they come.
#[derive(Default)]
struct Texts {
    dictionary: dictionary::Texts,
    /// The texts themselves, where there is no dictionary any more.
    plain: Option<Vec<u8>>,
    /// An address that is being written.
    address: Vec<u8>,
}

impl Texts {
    /// Takes a text; `None`: the cell has none.
    fn push(&mut self, cell: Cell<'_>) -> Option<u64> {
        match cell {
            Cell::Name(name) if self.plain.is_none() => self.dictionary.push_name(name),
            Cell::Name(name) => self.push_bytes(name.as_bytes()),
            Cell::Text(text) => self.push_bytes(text.as_bytes()),
            Cell::Address(address) => {
                let mut text = std::mem::take(&mut self.address);
                text.clear();
                push_address(address, &mut text);
                self.push_bytes(&text);
                self.address = text;
            }
            _ => return None,
        }
        Some(0)
    }

    fn push_bytes(&mut self, text: &[u8]) {
        match &mut self.plain {
            None => self.dictionary.push(text),
            Some(texts) => plain(text, texts),
        }
    }

    fn leave_dictionary(&mut self) {
        let mut texts = Vec::new();
        self.dictionary.write_rows(&mut texts);
        self.plain = Some(texts);
        self.dictionary = dictionary::Texts::default();
    }

    fn finish(&mut self, count: usize) -> Result<Packed, PolarsError> {
        let entries = self.dictionary.entries();
        if self.plain.is_none() && entries > 1 && entries * ROWS_OF_TEXT > self.dictionary.codes.count {
            self.leave_dictionary();
        }
        match &mut self.plain {
            None => {
                let page = std::mem::take(&mut self.dictionary.page);
                let packed = Packed::codes(&mut self.dictionary.codes, entries, page);
                self.dictionary.clear();
                packed
            }
            Some(texts) => Ok(Packed::plain(count, std::mem::take(texts))),
        }
    }
}

//! A look at the pages of a Parquet file before Polars reads them.
//!
//! The reader of Polars makes room for as many values as a page header claims, and a process that cannot have the memory
//! is ended by the system: no error, no panic that could be caught. So the headers (Thrift compact protocol, struct
//! `PageHeader` of the Parquet format) are held against the file's size and the row group that they are in first. What
//! this module does not know is a header that our writer does not write, and refused.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

/// Bytes of a page header: small, but for the least and the greatest text of the page.
const HEADER_BYTES: usize = 64 * 1024;
/// Largest page that is believed, uncompressed. Ours have about 1 MiB; the text of a long page may be one value.
const PAGE_BYTES: i64 = 256 << 20;
/// Rows for each byte of a file: those of ours are unlike each other, by a frame and a time at least, which take a tenth of a byte
/// a row where they are perfectly regular.
const ROWS_PER_BYTE: u64 = 16;
/// Structs within structs.
const MOST_DEPTH: u32 = 4;
/// PLAIN, PLAIN_DICTIONARY, RLE and RLE_DICTIONARY: they hold as many values as there are bytes for, or as the header says.
const ENCODINGS: [i64; 4] = [0, 2, 3, 8];
/// DELTA_BINARY_PACKED: holds as many values as it says itself.
const DELTA: i64 = 5;
/// Differences of a block, and parts of a block, as they are written here.
const BLOCK: u64 = 256;
const PARTS: u64 = 1;

/// Why a file cannot be what it claims.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadPages {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("the file is damaged (byte {offset}: {reason}): meter the captures again")]
    Header { offset: u64, reason: &'static str },
}

/// A row group: its rows, and its part of each column.
pub(super) struct Group {
    pub(super) rows: usize,
    pub(super) chunks: Vec<Chunk>,
}

/// Part of a column.
pub(super) struct Chunk {
    /// Where its pages are.
    pub(super) pages: Range<u64>,
    /// Whether they are compressed.
    pub(super) is_compressed: bool,
    /// Whether its values may be null: then levels stand before the values of a page.
    pub(super) has_levels: bool,
}

/// Checks the page headers of all groups.
pub(super) fn check(file: &mut File, groups: impl Iterator<Item = Group>) -> Result<(), BadPages> {
    let file_bytes = file.seek(SeekFrom::End(0))?;
    let mut all_rows = 0_u64;
    let mut buffer = vec![0; HEADER_BYTES];
    for group in groups {
        all_rows = all_rows.saturating_add(group.rows as u64);
        if all_rows > file_bytes.saturating_mul(ROWS_PER_BYTE) {
            return Err(BadPages::Header { offset: 0, reason: "more rows than it has room for" });
        }
        for chunk in group.chunks {
            let Range { start, end } = chunk.pages;
            if start > end || end > file_bytes {
                return Err(BadPages::Header { offset: start, reason: "pages outside of the file" });
            }
            check_chunk(file, &mut buffer, &chunk, group.rows as i64)?;
        }
    }
    file.rewind()?;
    Ok(())
}

fn check_chunk(file: &mut File, buffer: &mut [u8], chunk: &Chunk, rows: i64) -> Result<(), BadPages> {
    let pages = &chunk.pages;
    let mut at = pages.start;
    let mut values = 0;
    while at < pages.end {
        let bad = |reason| BadPages::Header { offset: at, reason };
        file.seek(SeekFrom::Start(at))?;
        let there = (pages.end - at).min(HEADER_BYTES as u64) as usize;
        file.read_exact(&mut buffer[..there])?;
        let mut header = PageHeader::default();
        let mut reader = Compact { bytes: &buffer[..there], at: 0 };
        reader
            .structure(0, 0, &mut |outer, inner, number| header.note(outer, inner, number))
            .ok_or_else(|| bad("a page header that cannot be read"))?;
        let (length, own_values) = header.checked(rows).map_err(bad)?;
        if header.is_delta {
            let page = &buffer[reader.at..there];
            check_delta(page, chunk, own_values).ok_or_else(|| bad("differences that cannot be"))?;
        }
        values += own_values;
        at = at.saturating_add(reader.at as u64).saturating_add(length);
    }
    let fits = at == pages.end && values == rows;
    if fits {
        Ok(())
    } else {
        Err(BadPages::Header { offset: pages.start, reason: "pages that do not fit their column" })
    }
}

/// Looks at the head of packed differences: Polars makes room for as many as it claims, and for whole blocks of them.
fn check_delta(page: &[u8], chunk: &Chunk, values: i64) -> Option<()> {
    let mut reader = Compact { bytes: page, at: 0 };
    if chunk.has_levels {
        let length = page.first_chunk::<4>()?;
        reader.skip(4)?;
        reader.skip(u32::from_le_bytes(*length) as usize)?;
    }
    let [block, parts, count] = [reader.varint()?, reader.varint()?, reader.varint()?];
    let is_ours = !chunk.is_compressed && block == BLOCK && parts == PARTS;
    (is_ours && i64::try_from(count).is_ok_and(|count| count <= values)).then_some(())
}

/// What matters of a page header. Numbers that are not there are those of no page.
#[derive(Debug, Default)]
struct PageHeader {
    uncompressed_bytes: Option<i64>,
    compressed_bytes: Option<i64>,
    /// Values of a data page of either version.
    data_values: Option<i64>,
    dictionary_values: Option<i64>,
    bad_encoding: bool,
    is_delta: bool,
}

impl PageHeader {
    /// Field `inner` of the struct in field `outer`; 0 for the header itself.
    fn note(&mut self, outer: i64, inner: i64, number: i64) {
        match (outer, inner) {
            (0, 2) => self.uncompressed_bytes = Some(number),
            (0, 3) => self.compressed_bytes = Some(number),
            (5 | 8, 1) => self.data_values = Some(number),
            (7, 1) => self.dictionary_values = Some(number),
            (5, 2) if number == DELTA => self.is_delta = true,
            (5 | 7, 2) | (8, 4) => self.bad_encoding |= !ENCODINGS.contains(&number),
            _ => {}
        }
    }

    /// Length of the page behind its header, and rows in it.
    fn checked(&self, rows: i64) -> Result<(u64, i64), &'static str> {
        let believed = 0..=PAGE_BYTES;
        match (self.uncompressed_bytes, self.compressed_bytes) {
            (Some(uncompressed), Some(compressed))
                if believed.contains(&uncompressed) && believed.contains(&compressed) =>
            {
                let values = self.data_values.or(self.dictionary_values).unwrap_or(-1);
                if !(0..=rows).contains(&values) {
                    return Err("a page with more values than its row group has rows, or fewer than none");
                }
                if self.bad_encoding {
                    return Err("a page of an encoding that is not written here");
                }
                Ok((compressed as u64, self.data_values.unwrap_or(0)))
            }
            _ => Err("a page of a length that cannot be"),
        }
    }
}

/// A reader of the Thrift compact protocol: as much of it as headers need.
struct Compact<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Compact<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn zigzag(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// Reads a struct and tells its numbers, with the number of the field that holds the struct. `None`: not readable.
    fn structure(&mut self, outer: i64, depth: u32, told: &mut dyn FnMut(i64, i64, i64)) -> Option<()> {
        if depth > MOST_DEPTH {
            return None;
        }
        let mut id = 0_i64;
        loop {
            let head = self.byte()?;
            let kind = head & 0x0f;
            if kind == 0 {
                return Some(());
            }
            id = match head >> 4 {
                0 => self.zigzag()?,
                step => id.checked_add(i64::from(step))?,
            };
            match kind {
                1 | 2 => {}
                3 => drop(self.byte()?),
                4..=6 => {
                    let number = self.zigzag()?;
                    told(outer, id, number);
                }
                7 => self.skip(8)?,
                8 => {
                    let length = usize::try_from(self.varint()?).ok()?;
                    self.skip(length)?;
                }
                12 => {
                    // Statistics and the like: numbers deeper inside are nobody's here.
                    let inner = if depth == 0 { id } else { -1 };
                    self.structure(inner, depth + 1, told)?;
                }
                // Lists and maps: a page header has none.
                _ => return None,
            }
        }
    }

    fn skip(&mut self, bytes: usize) -> Option<()> {
        self.at = self.at.checked_add(bytes).filter(|at| *at <= self.bytes.len())?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A data page header: uncompressed and compressed length, values, encoding; all below 64, so one byte each.
    fn header([uncompressed, compressed, values, encoding]: [i8; 4]) -> Vec<u8> {
        let zigzag = |n: i8| ((n << 1) ^ (n >> 7)).cast_unsigned();
        let mut bytes = vec![0x15, 0, 0x15, zigzag(uncompressed), 0x15, zigzag(compressed), 0x2c, 0x15, zigzag(values)];
        bytes.extend([0x15, zigzag(encoding), 0x15, 6, 0x15, 6, 0, 0]);
        bytes
    }

    fn checked(pages: &[u8], rows: usize) -> Result<(), String> {
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, pages).unwrap();
        let chunk = Chunk { pages: 0..pages.len() as u64, is_compressed: false, has_levels: true };
        check(&mut file, std::iter::once(Group { rows, chunks: vec![chunk] })).map_err(|bad| bad.to_string())
    }

    #[test]
    fn a_page_holds_as_many_values_as_its_group_has_rows_and_lies_in_its_column() {
        let page = |fields, bytes| [header(fields), vec![0; bytes]].concat();
        assert_eq!(checked(&page([9, 4, 3, 0], 4), 3), Ok(()));
        assert_eq!(checked(&[page([9, 4, 2, 8], 4), page([9, 1, 1, 8], 1)].concat(), 3), Ok(()));
        let wrong = [
            (page([9, 4, -1, 0], 4), "fewer than none"),
            (page([9, 4, 4, 0], 4), "more values"),
            (page([9, 4, 2, 0], 4), "do not fit"),
            (page([9, 5, 3, 0], 4), "do not fit"),
            (page([-1, 4, 3, 0], 4), "a length that cannot be"),
            (page([9, -4, 3, 0], 4), "a length that cannot be"),
            (page([9, 4, 3, 6], 4), "encoding"),
            (vec![0x1b; 40], "cannot be read"),
            (vec![0x1c; 40], "cannot be read"),
            (vec![0x15, 0x80], "cannot be read"),
        ];
        for (pages, reason) in wrong {
            let told = checked(&pages, 3).unwrap_err();
            assert!(told.contains(reason) && told.contains("meter the captures again"), "{reason}: {told}");
        }
        assert!(checked(&page([9, 4, 3, 0], 4), 1 << 40).unwrap_err().contains("more rows"));
    }

    #[test]
    fn differences_are_as_many_as_their_page_says_and_in_blocks_of_ours() {
        let levels = [2, 0, 0, 0, 6, 1];
        let head = |block: u8, parts: u8, count: u8| [&levels[..], &[block, 2, parts, count, 0]].concat();
        let checked = |page: &[u8], is_compressed, has_levels| {
            let chunk = Chunk { pages: 0..0, is_compressed, has_levels };
            check_delta(page, &chunk, 3).is_some()
        };
        assert!(checked(&head(0x80, 1, 3), false, true));
        assert!(checked(&head(0x80, 1, 3)[levels.len()..], false, false));
        let wrong = [head(0x80, 1, 4), head(0x81, 1, 3), head(0x80, 4, 3), head(0, 1, 3), vec![200; 40], vec![0; 3]];
        assert!(wrong.iter().all(|page| !checked(page, false, true)));
        assert!(!checked(&head(0x80, 1, 3), true, true) && !checked(&head(0x80, 1, 3), false, false));
    }
}

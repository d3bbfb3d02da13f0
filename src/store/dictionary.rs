//! Values that repeat, each kept once: a row holds its number in the dictionary. Most columns of flows are of a few values, many
//! of one.

use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashTable};
use polars_parquet::parquet::encoding::hybrid_rle::Encoder;
use std::hash::BuildHasher;
use std::io;

/// The rows of a dictionary's column: numbers of entries. While there is one entry, rows are only counted.
#[derive(Default)]
pub(super) struct Codes {
    codes: Vec<u16>,
    entries: usize,
    pub(super) count: usize,
}

impl Codes {
    /// The code of a new entry. There are no more entries than rows, so [`MOST_ROWS`](super::column::MOST_ROWS) codes do.
    fn entry(&mut self) -> u16 {
        debug_assert!(self.entries <= usize::from(u16::MAX), "more rows than a chunk has");
        if self.entries == 1 {
            self.codes.resize(self.count, 0);
        }
        self.entries += 1;
        (self.entries - 1) as u16
    }

    fn extend(&mut self, code: u16, times: usize) {
        self.count += times;
        if self.entries > 1 {
            self.codes.resize(self.count, code);
        }
    }

    fn push(&mut self, code: u16) {
        self.count += 1;
        if self.entries > 1 {
            self.codes.push(code);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = u16> {
        let constant = if self.codes.is_empty() { self.count } else { 0 };
        self.codes.iter().copied().chain(std::iter::repeat_n(0, constant))
    }

    /// The width of the codes and the codes; they begin anew.
    pub(super) fn finish(&mut self) -> io::Result<Vec<u8>> {
        let width = usize::BITS - self.entries.saturating_sub(1).leading_zeros();
        let mut bytes = vec![width as u8];
        if width == 0 {
            u32::run_length_encode(&mut bytes, self.count, 0, width)?;
        } else {
            // One run of packed codes: looking for runs of one code among them made metering 5% slower and the store 1% larger.
            u32::bitpacked_encode(&mut bytes, self.codes.iter().map(|code| u32::from(*code)), width as usize)?;
        }
        self.clear();
        Ok(bytes)
    }

    fn clear(&mut self) {
        self.codes.clear();
        (self.entries, self.count) = (0, 0);
    }
}

/// A dictionary of numbers.
#[derive(Default)]
pub(super) struct Numbers {
    known: HashMap<u64, u16, FixedState>,
    pub(super) entries: Vec<u64>,
    pub(super) codes: Codes,
    last: (u64, u16),
}

impl Numbers {
    /// Takes numbers.
    pub(super) fn extend(&mut self, numbers: &[u64]) {
        let Some(first) = numbers.first() else { return };
        if self.entries.is_empty() {
            self.look_up(*first);
        }
        // One pass over all of them is faster than a branch for each, and in most columns of most flows finds nothing new.
        let (last, code) = self.last;
        if numbers.iter().fold(0, |unlike, number| unlike | (number ^ last)) == 0 {
            self.codes.extend(code, numbers.len());
            return;
        }
        for number in numbers {
            if *number != self.last.0 {
                self.look_up(*number);
            }
            self.codes.push(self.last.1);
        }
    }

    /// Finds or gives the code of a number.
    fn look_up(&mut self, number: u64) {
        let code = *self.known.entry(number).or_insert_with(|| {
            self.entries.push(number);
            self.codes.entry()
        });
        self.last = (number, code);
    }

    /// The numbers of all rows.
    pub(super) fn rows(&self) -> impl Iterator<Item = u64> {
        self.codes.iter().map(|code| self.entries[usize::from(code)])
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.known.clear();
        self.entries.clear();
        self.codes.clear();
    }
}

/// A dictionary of texts, laid out as its page (PLAIN: length in four bytes, then the text).
#[derive(Default)]
pub(super) struct Texts {
    known: HashTable<u16>,
    hasher: FixedState,
    pub(super) page: Vec<u8>,
    /// Where each entry ends in the page.
    ends: Vec<usize>,
    pub(super) codes: Codes,
    last: u16,
    /// Codes of names by where they lie in the program: they need not be compared.
    names: Vec<(&'static str, u16)>,
    last_name: Option<&'static str>,
}

impl Texts {
    pub(super) fn entries(&self) -> usize {
        self.ends.len()
    }

    /// An entry as in the page, its length in front.
    fn entry<'a>(page: &'a [u8], ends: &[usize], code: u16) -> &'a [u8] {
        let code = usize::from(code);
        let start = if code == 0 { 0 } else { ends[code - 1] };
        &page[start..ends[code]]
    }

    /// Takes a name of the program.
    pub(super) fn push_name(&mut self, name: &'static str) {
        if !self.last_name.is_some_and(|last| std::ptr::eq(last, name)) {
            match self.names.iter().find(|(known, _)| std::ptr::eq(*known, name)) {
                Some((_, code)) => self.last = *code,
                None => {
                    self.last = self.look_up(name.as_bytes());
                    self.names.push((name, self.last));
                }
            }
            self.last_name = Some(name);
        }
        self.codes.push(self.last);
    }

    /// Takes a text.
    pub(super) fn push(&mut self, text: &[u8]) {
        if self.ends.is_empty() || Self::entry(&self.page, &self.ends, self.last)[LENGTH_BYTES..] != *text {
            self.last = self.look_up(text);
            self.last_name = None;
        }
        self.codes.push(self.last);
    }

    /// Finds or gives the code of a text.
    fn look_up(&mut self, text: &[u8]) -> u16 {
        let Self { known, hasher, page, ends, .. } = self;
        let hash = hasher.hash_one(text);
        if let Some(code) = known.find(hash, |code| Self::entry(page, ends, *code)[LENGTH_BYTES..] == *text) {
            return *code;
        }
        let code = self.codes.entry();
        plain(text, page);
        ends.push(page.len());
        known.insert_unique(hash, code, |code| hasher.hash_one(&Self::entry(page, ends, *code)[LENGTH_BYTES..]));
        code
    }

    /// Appends the texts of all rows.
    pub(super) fn write_rows(&self, out: &mut Vec<u8>) {
        for code in self.codes.iter() {
            out.extend_from_slice(Self::entry(&self.page, &self.ends, code));
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.known.clear();
        self.page.clear();
        self.ends.clear();
        self.codes.clear();
        self.names.clear();
        self.last_name = None;
    }
}

/// Bytes of a text's length.
const LENGTH_BYTES: usize = 4;

/// Appends a text with its length (PLAIN).
pub(super) fn plain(text: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text);
}

//! A buffer that is refilled by read(2): parsers borrow from it, and memory stays the size of the largest record.

use std::io::{self, Read};

/// Room for one refill. read(2) into 1 MiB is as fast as it gets here; mapping the file costs twice as much in page faults.
const CAPACITY_BYTES: usize = 1 << 20;

/// Bytes of a stream, of which a window is in memory.
pub(super) struct Buffer {
    reader: Box<dyn Read>,
    data: Vec<u8>,
    start: usize,
    end: usize,
    offset: u64,
    at_end: bool,
}

impl Buffer {
    pub(super) fn new(reader: Box<dyn Read>) -> Self {
        Self { reader, data: vec![0; CAPACITY_BYTES], start: 0, end: 0, offset: 0, at_end: false }
    }

    /// What is in memory and not consumed.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.data[self.start..self.end]
    }

    /// Offset in the stream of the first of [`Self::bytes`].
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Tries to have at least `needed` bytes in memory; false when the stream ends before.
    pub(super) fn fill(&mut self, needed: usize) -> io::Result<bool> {
        while self.end - self.start < needed {
            if self.at_end {
                return Ok(false);
            }
            self.make_room(needed);
            match self.reader.read(&mut self.data[self.end..]) {
                Ok(0) => self.at_end = true,
                Ok(n) => self.end += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(true)
    }

    fn make_room(&mut self, needed: usize) {
        if self.start > 0 {
            self.data.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if needed > self.data.len() {
            // A record may claim any length: grow by doubling, as the bytes really come.
            let grown = (self.data.len() * 2).min(needed.next_multiple_of(CAPACITY_BYTES));
            if self.end == self.data.len() {
                self.data.resize(grown.max(self.data.len()), 0);
            }
        }
    }

    /// Drops the first `n` bytes of [`Self::bytes`].
    pub(super) fn consume(&mut self, n: usize) {
        let n = n.min(self.end - self.start);
        self.start += n;
        self.offset += n as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_for_a_large_record_and_says_where_it_stands() {
        let source: Vec<u8> = (0..3_000_000u32).map(|i| i as u8).collect();
        let mut buffer = Buffer::new(Box::new(std::io::Cursor::new(source.clone())));
        assert!(buffer.fill(10).is_ok_and(|there| there));
        buffer.consume(10);
        assert!(buffer.fill(2_500_000).is_ok_and(|there| there));
        assert_eq!(buffer.offset(), 10);
        assert_eq!(buffer.bytes()[..2_500_000], source[10..2_500_010]);
        assert!(buffer.fill(2_999_991).is_ok_and(|there| !there));
    }
}

//! A buffer that is refilled by read(2): parsers borrow from it, and memory stays the size of the largest record.

use std::io::{self, Read};

/// Room for one refill: what is read and what is made of it stay in the second-level cache. Mapping the file costs twice as
/// much, in page faults.
pub(super) const CAPACITY_BYTES: usize = 128 << 10;
/// Room for one refill where many files are read at once.
pub(super) const SMALL_CAPACITY_BYTES: usize = 16 << 10;
/// Times its usual size to which a buffer may have grown before it shrinks again.
const GROWN: usize = 16;
/// Room beyond what is needed, so that what is held is not moved for a few bytes more: a quarter of it, at most this.
const SLACK_BYTES: usize = 4 << 20;

/// Bytes of a stream, of which a window is in memory.
pub(super) struct Buffer {
    reader: Box<dyn Read>,
    data: Vec<u8>,
    capacity: usize,
    start: usize,
    end: usize,
    offset: u64,
    at_end: bool,
    /// Somebody still wants what was consumed of this window.
    lent: bool,
    /// Room to go on in.
    spare: Vec<u8>,
    /// A window that was lent when its bytes had all been consumed.
    used_up: Option<Vec<u8>>,
}

impl Buffer {
    pub(super) fn new(reader: Box<dyn Read>, capacity: usize) -> Self {
        Self {
            reader,
            data: vec![0; capacity],
            capacity,
            start: 0,
            end: 0,
            offset: 0,
            at_end: false,
            lent: false,
            spare: Vec::new(),
            used_up: None,
        }
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

    /// From here on what is consumed stays where it is, at its place in the window: until that is used up, or taken back.
    /// `spare` is room to go on in.
    pub(super) fn lend(&mut self, spare: Vec<u8>) {
        self.lent = true;
        self.spare = spare;
    }

    /// Where the first of [`Self::bytes`] stands in the window.
    pub(super) fn place(&self) -> usize {
        self.start
    }

    /// The window that was lent, once it is used up.
    pub(super) fn take_used_up(&mut self) -> Option<Vec<u8>> {
        self.used_up.take()
    }

    /// The window that was lent; what is left in it goes on in another one.
    pub(super) fn take_window(&mut self) -> Vec<u8> {
        self.change_window();
        self.used_up.take().unwrap_or_default()
    }

    /// Goes on in the spare room with what was not consumed.
    fn change_window(&mut self) {
        let left = self.end - self.start;
        let mut fresh = std::mem::take(&mut self.spare);
        if fresh.capacity() > GROWN * self.capacity {
            fresh = Vec::new();
        }
        fresh.resize(self.capacity.max(left), 0);
        fresh[..left].copy_from_slice(&self.data[self.start..self.end]);
        self.used_up = Some(std::mem::replace(&mut self.data, fresh));
        (self.start, self.end, self.lent) = (0, left, false);
    }

    fn make_room(&mut self, needed: usize) {
        if self.lent && self.start > 0 {
            self.change_window();
        } else if self.start > 0 {
            self.data.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let roomy = needed + (needed / 4).min(SLACK_BYTES);
        if roomy > self.data.len() {
            // A record may claim any length: grow by doubling, as the bytes really come.
            let grown = (self.data.len() * 2).min(roomy.next_multiple_of(self.capacity));
            if self.end + (needed / 4).min(SLACK_BYTES) > self.data.len() {
                self.data.resize(grown.max(self.data.len()), 0);
            }
        } else if self.data.len() > GROWN * self.capacity && self.end.max(needed) <= self.capacity {
            self.data.truncate(self.capacity);
            self.data.shrink_to_fit();
        }
    }

    /// Drops the first `n` bytes of [`Self::bytes`].
    pub(super) fn consume(&mut self, n: usize) {
        let n = n.min(self.end - self.start);
        self.start += n;
        self.offset += n as u64;
    }

    /// Drops the next `n` bytes of the stream without holding them; returns how many there were.
    pub(super) fn skip(&mut self, n: u64) -> io::Result<u64> {
        let mut left = n;
        while left > 0 && self.fill(1)? {
            let now = self.bytes().len().min(usize::try_from(left).unwrap_or(usize::MAX));
            self.consume(now);
            left -= now as u64;
        }
        Ok(n - left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffer(source: &[u8]) -> Buffer {
        Buffer::new(Box::new(std::io::Cursor::new(source.to_vec())), CAPACITY_BYTES)
    }

    #[test]
    fn grows_for_a_large_record_and_says_where_it_stands() {
        let source: Vec<u8> = (0..3_000_000u32).map(|i| i as u8).collect();
        let mut buffer = buffer(&source);
        assert!(buffer.fill(10).is_ok_and(|there| there));
        buffer.consume(10);
        assert!(buffer.fill(2_500_000).is_ok_and(|there| there));
        assert_eq!(buffer.offset(), 10);
        assert_eq!(buffer.bytes()[..2_500_000], source[10..2_500_010]);
        assert!(buffer.fill(2_999_991).is_ok_and(|there| !there));
    }

    #[test]
    fn skips_without_holding_and_shrinks_after_a_large_record() {
        let mut buffer = Buffer::new(Box::new(io::repeat(7).take(60 << 20)), CAPACITY_BYTES);
        assert!(buffer.fill(20 << 20).unwrap());
        assert!(buffer.data.len() >= 20 << 20);
        buffer.consume(20 << 20);
        assert_eq!(buffer.skip(10 << 20).unwrap(), 10 << 20);
        assert_eq!(buffer.data.len(), CAPACITY_BYTES);
        assert_eq!(buffer.offset(), 30 << 20);
        assert_eq!(buffer.skip(u64::MAX).unwrap(), 30 << 20);
    }
}

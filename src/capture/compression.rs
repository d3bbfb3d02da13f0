//! Compressed captures, recognised by their first bytes and never by their name.
//!
//! A decompressor holds a window of what it gave. The first frame or block of a file says how large its window is: it is
//! charged to a budget of 1 GiB that all files read at once share, and a later frame may ask for no more than was
//! charged. So neither one file nor thousands that overlap in time can ask for more.

use super::budget::{Budget, Share};
use std::io::{self, BufReader, Read};

/// Largest window of one file: 128 MiB, what `zstd --long` and `xz -9` stay within. A file that asks for more is refused.
const WINDOW_LIMIT_BYTES: u64 = 128 << 20;
/// Window that a file gets while there is enough, although its first frame asks for less: the usual one of zstd and xz.
const USUAL_WINDOW_BYTES: u64 = 8 << 20;
/// What gzip holds.
const GZIP_BYTES: u64 = 64 << 10;

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Gzip,
    Zstd,
    Xz,
}

impl Compression {
    pub(super) fn recognise(start: &[u8]) -> Self {
        match start {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            // A skippable zstd frame may come first (RFC 8878 section 3.1.2).
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            _ => Self::None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Xz => "xz",
        }
    }

    /// The window that the data ask for at their start; the limit where it cannot be seen.
    fn asked_bytes(self, start: &[u8]) -> u64 {
        match self {
            Self::None => 0,
            Self::Gzip => GZIP_BYTES,
            Self::Zstd => zstd_window(start).unwrap_or(WINDOW_LIMIT_BYTES),
            Self::Xz => xz_dictionary(start).unwrap_or(WINDOW_LIMIT_BYTES),
        }
    }

    /// Charges the window of a file to the budget; returns what the file may use.
    ///
    /// # Errors
    /// Why it cannot be decompressed.
    pub(super) fn charge(self, start: &[u8], budget: &Budget) -> Result<(u64, Share), String> {
        let asked = self.asked_bytes(start);
        if asked > WINDOW_LIMIT_BYTES {
            return Err(format!(
                "the {} data ask for a window of {asked} bytes, and at most {WINDOW_LIMIT_BYTES} (128 MiB) are given: \
                 compress them again without a longer window",
                self.name()
            ));
        }
        let mut share = budget.share();
        let usual = if matches!(self, Self::Zstd | Self::Xz) { asked.max(USUAL_WINDOW_BYTES) } else { asked };
        for amount in [usual, asked] {
            if share.take(amount) {
                return Ok((amount, share));
            }
        }
        Err("too many compressed recordings overlap in time: their windows would take more than 1 GiB. Unpack some of \
             them, or meter them in several runs"
            .into())
    }

    /// Wraps a reader of the stored bytes into one of the uncompressed bytes. Several members are read on as one.
    pub(super) fn reader(self, stored: Box<dyn Read>, window_bytes: u64, capacity: usize) -> io::Result<Box<dyn Read>> {
        let buffered = |stored| BufReader::with_capacity(capacity.min(128 << 10), stored);
        Ok(match self {
            Self::None => stored,
            Self::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(buffered(stored))),
            Self::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(buffered(stored))?;
                decoder.window_log_max(window_bytes.max(1).next_power_of_two().ilog2().clamp(10, 27))?;
                Box::new(decoder)
            }
            Self::Xz => {
                // The limit counts what the decoder needs besides its dictionary.
                let limit_kib = u32::try_from(window_bytes.div_ceil(1024) + 1024).unwrap_or(u32::MAX);
                Box::new(lzma_rust2::XzReader::new_mem_limit(buffered(stored), true, limit_kib))
            }
        })
    }
}

/// RFC 8878 section 3.1.1.1: the window size of the first frame that is not skippable, where it is in `start`.
fn zstd_window(mut start: &[u8]) -> Option<u64> {
    while let [0x50..=0x5f, 0x2a, 0x4d, 0x18, size @ ..] = start {
        let size = u32::from_le_bytes(size.get(..4)?.try_into().ok()?);
        start = start.get(8_usize.checked_add(size as usize)?..)?;
    }
    let descriptor = *start.get(4)?;
    if descriptor & 0x20 == 0 {
        let window = *start.get(5)?;
        let base = 1_u64 << (10 + (window >> 3));
        return Some(base + base / 8 * u64::from(window & 7));
    }
    // A single segment: its content is its window.
    let at = 5 + [0, 1, 2, 4][usize::from(descriptor & 3)];
    let field = |n: usize| {
        let bytes = start.get(at..at + n)?;
        Some(bytes.iter().rev().fold(0, |value, byte| (value << 8) | u64::from(*byte)))
    };
    match descriptor >> 6 {
        0 => field(1),
        1 => field(2).map(|n| n + 256),
        2 => field(4),
        _ => field(8),
    }
}

/// The .xz file format, section 3.1: the dictionary of the first block. 0 for an empty stream.
fn xz_dictionary(start: &[u8]) -> Option<u64> {
    let block = start.get(12..)?;
    if *block.first()? == 0 {
        return Some(0);
    }
    let flags = *block.get(1)?;
    let mut rest = block.get(2..)?;
    let mut number = || -> Option<u64> {
        let mut value = 0;
        for shift in (0..63).step_by(7) {
            let (byte, after) = rest.split_first()?;
            rest = after;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    };
    for present in [0x40, 0x80] {
        if flags & present != 0 {
            number()?;
        }
    }
    for _ in 0..=(flags & 3) {
        let (id, size) = (number()?, number()?);
        if id == 0x21 {
            let bits = number()?;
            return Some(match bits {
                0..=39 => (2 | (bits & 1)) << (bits / 2 + 11),
                _ => u64::from(u32::MAX),
            });
        }
        for _ in 0..size.min(64) {
            number()?;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_seen_before_they_are_allocated() {
        let window = |level: i32, log: Option<u32>, size: usize| {
            let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), level).unwrap();
            if let Some(log) = log {
                encoder.window_log(log).unwrap();
            }
            std::io::Write::write_all(&mut encoder, &vec![0; size]).unwrap();
            zstd_window(&encoder.finish().unwrap())
        };
        assert_eq!(window(3, Some(21), 5 << 20), Some(2 << 20));
        assert_eq!(window(19, Some(27), 1000), Some(128 << 20));
        // Handmade: window exponent 21, that is 2 GiB.
        assert_eq!(zstd_window(&[0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3]), Some(2 << 30));
        assert_eq!(zstd_window(&[0x28, 0xb5, 0x2f, 0xfd, 0x20, 77]), Some(77));
        let skippable = [0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9, 0x28, 0xb5, 0x2f, 0xfd, 0x00, 1 << 3];
        assert_eq!(zstd_window(&skippable), Some(2048));
        let stream = [0xfd, b'7', b'z', b'X', b'Z', 0, 0, 4, 0xe6, 0xd6, 0xb4, 0x46, 2, 0, 0x21, 1];
        assert_eq!(xz_dictionary(&[&stream[..], &[22]].concat()), Some(8 << 20));
        assert_eq!(xz_dictionary(&[&stream[..], &[40]].concat()), Some(u64::from(u32::MAX)));
        assert_eq!(xz_dictionary(&stream), None);
    }

    #[test]
    fn the_sum_of_windows_is_bounded() {
        let start = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 16 << 3]; // 64 MiB
        let budget = Budget::new(130 << 20);
        let first = Compression::Zstd.charge(&start, &budget).unwrap();
        let second = Compression::Zstd.charge(&start, &budget).unwrap();
        assert!(Compression::Zstd.charge(&start, &budget).unwrap_err().contains("overlap in time"));
        drop((first, second));
        assert!(Compression::Zstd.charge(&start, &budget).is_ok());
        let bomb = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3];
        assert!(Compression::Zstd.charge(&bomb, &budget).unwrap_err().contains("128 MiB"));
    }
}

//! Compressed captures, recognised by their first bytes and never by their name.

use std::io::{self, Read};

/// zstd window limit: 2^27 bytes = 128 MiB. A frame that asks for more is refused.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;
/// xz dictionary limit in KiB: 128 MiB.
const XZ_MEMORY_LIMIT_KIB: u32 = 128 * 1024;

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

    /// Wraps a reader of the stored bytes into one of the uncompressed bytes. Several members are read on as one.
    pub(super) fn reader(self, stored: Box<dyn Read>) -> io::Result<Box<dyn Read>> {
        Ok(match self {
            Self::None => stored,
            Self::Gzip => Box::new(flate2::read::MultiGzDecoder::new(stored)),
            Self::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::new(stored)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                Box::new(decoder)
            }
            Self::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(stored, true, XZ_MEMORY_LIMIT_KIB)),
        })
    }
}

//! Why a capture cannot be opened. (What breaks later is a [`crate::model::CaptureEnd`], not an error.)

/// Why an input cannot be read at all. The message names the input, the cause and what to do.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The operating system refused.
    #[error("{name}: {cause}")]
    Io {
        /// The input as given.
        name: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// No bytes at all.
    #[error("{name}: the file is empty: it holds not even a capture header")]
    Empty {
        /// The input as given.
        name: String,
    },
    /// Recognised, but not one of ours.
    #[error("{name}: this is {format}: convert it first, for example with \"editcap -F pcapng IN OUT\"")]
    OtherFormat {
        /// The input as given.
        name: String,
        /// What it is.
        format: &'static str,
    },
    /// Not recognised.
    #[error("{name}: not a capture file: it begins with {start}, which is neither pcap nor pcapng")]
    NotACapture {
        /// The input as given.
        name: String,
        /// First bytes, printable.
        start: String,
    },
    /// The header is cut short or impossible.
    #[error("{name}: byte {offset}: {reason}")]
    BadHeader {
        /// The input as given.
        name: String,
        /// Offset in the uncompressed file.
        offset: u64,
        /// What is wrong.
        reason: String,
    },
    /// Compressed so that reading it would take too much memory.
    #[error("{name}: {reason}")]
    Compression {
        /// The input as given.
        name: String,
        /// Why.
        reason: String,
    },
    /// It can be read only once.
    #[error("-: standard input is given more than once, and can be read only once")]
    StdinTwice,
    /// A directory or pattern that gives no file.
    #[error("{name}: {reason}")]
    NoFiles {
        /// The input as given.
        name: String,
        /// Why.
        reason: String,
    },
}

impl CaptureError {
    /// Whether the file is simply something else than a capture that we read.
    pub(super) fn is_about_another_format(&self) -> bool {
        matches!(self, Self::OtherFormat { .. } | Self::NotACapture { .. })
    }
}

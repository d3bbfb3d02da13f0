//! Why a host table cannot be used, with the line and what to do about it.

/// Why a host table cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostTableError {
    /// The file is larger than [`super::MAX_FILE_BYTES`].
    #[error("{file}: larger than 256 MiB: cut it to the time of the recording, or filter it to TCP and UDP")]
    TooLarge {
        /// Name of the file as given.
        file: String,
    },
    /// No format fits.
    #[error("{file}: {reason}; {advice}")]
    UnknownFormat {
        /// Name of the file as given.
        file: String,
        /// What it looks like.
        reason: String,
        /// What to do.
        advice: String,
    },
    /// A format fits, and no line could be used.
    #[error("{file} line {line}: {reason}")]
    NothingUnderstood {
        /// Name of the file as given.
        file: String,
        /// The first line that is wrong, from 1.
        line: u64,
        /// What is wrong with it, and what to do.
        reason: String,
    },
}

/// Characters of a text of the file that a message shows.
const SHOWN_CHARACTERS: usize = 60;

/// The beginning of a text in quotation marks, with whatever would act on a terminal written out.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARACTERS) {
        None => format!("{text:?}"),
        Some((at, _)) => format!("{:?}", format!("{}…", text.get(..at).unwrap_or_default())),
    }
}

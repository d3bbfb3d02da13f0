//! Why a report could not be made.

use std::io;
use std::path::PathBuf;

/// Why a report could not be made. One line each, with the place.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file or directory operation failed.
    #[error("cannot {action} {}: {source}", path.display())]
    Path {
        /// What was tried, e.g. "create".
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The output directory cannot be used as it is.
    #[error("cannot use {} as the output directory: {reason}", path.display())]
    Unusable {
        /// The output directory.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// A file name that is not a plain name.
    #[error("\"{0}\" is not a plain file name for a report")]
    FileName(String),
    /// Writing to the output failed.
    #[error("cannot write the output: {0}")]
    Output(io::Error),
    /// A row does not have one value per column.
    #[error("a row of {found} values in a table of {expected} columns")]
    RowWidth {
        /// Columns of the table.
        expected: usize,
        /// Values of the row.
        found: usize,
    },
    /// A chart could not be drawn.
    #[error("cannot draw the chart \"{chart}\": {reason}")]
    Chart {
        /// Which chart.
        chart: &'static str,
        /// What the drawing library said.
        reason: String,
    },
}

impl ReportError {
    /// Whether the reader of our output went away (a closed pipe): nothing to complain about.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        match self {
            Self::Output(source) | Self::Path { source, .. } => source.kind() == io::ErrorKind::BrokenPipe,
            _ => false,
        }
    }
}

/// What the system said, without the temporary path that `tempfile` adds to it: nobody can do anything with that.
pub(crate) fn os_reason(error: io::Error) -> io::Error {
    let kind = error.kind();
    match error.to_string().split_once(" at path \"") {
        Some((reason, _)) => io::Error::new(kind, reason.to_owned()),
        None => error,
    }
}

impl From<::csv::Error> for ReportError {
    fn from(error: ::csv::Error) -> Self {
        let text = error.to_string();
        match error.into_kind() {
            ::csv::ErrorKind::Io(source) => Self::Output(source),
            ::csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                Self::RowWidth { expected: index(expected_len), found: index(len) }
            }
            _ => Self::Output(io::Error::other(text)),
        }
    }
}

fn index(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

impl From<serde_json::Error> for ReportError {
    fn from(error: serde_json::Error) -> Self {
        Self::Output(error.into())
    }
}

//! How a run ends.

use crate::capture::{CaptureError, FilterError};
use crate::catalog::{CatalogError, LicenceError};
use crate::hosts::HostTableError;
use crate::policy::settings::Refusal;
use crate::report::{ReportError, text::visible};
use crate::store::StoreError;
use polars::error::PolarsError;
use std::io::Write;
use std::sync::Mutex;

/// Exit codes of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitStatus {
    /// Done.
    Done = 0,
    /// There are findings, and the user asked to be told so; or a negative verdict.
    Findings = 1,
    /// Wrong usage, or it could not run.
    Usage = 2,
    /// Not enough evidence: nothing could be metered, or too little for the verdict that the user asked for.
    NoEvidence = 3,
    /// Done, but an input was damaged or could not be read.
    Damaged = 4,
}

impl ExitStatus {
    /// The status of a run that gives no verdict, by its inputs and the flows in them. Tells when there are none.
    pub(super) fn of_metering(damaged: bool, flows: u64) -> Self {
        match flows {
            _ if damaged => Self::Damaged,
            0 => {
                tell("no TCP or UDP packet could be metered");
                Self::NoEvidence
            }
            _ => Self::Done,
        }
    }
}

/// Why a command could not run. The message is one line and says what to do where something can be done.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// An input cannot be read.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// The filter cannot be used.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// The facts cannot be written or read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A document or the site file is wrong.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// A licence file cannot be read.
    #[error(transparent)]
    Licence(#[from] LicenceError),
    /// A host table cannot be used.
    #[error(transparent)]
    HostTable(#[from] HostTableError),
    /// A range or an endpoint that the systems would not take, or that would hurt.
    #[error(transparent)]
    Settings(#[from] Refusal),
    /// The report cannot be written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A query failed.
    #[error("internal query failed: {0}")]
    Query(#[from] PolarsError),
    /// Reading or writing failed.
    #[error("{what}: {cause}")]
    Io {
        /// What was touched.
        what: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// Recording failed.
    #[error("{0}")]
    Recording(String),
    /// The user stopped it.
    #[error("interrupted: nothing was written")]
    Interrupted,
    /// The arguments make no sense together.
    #[error("{0}")]
    Usage(String),
}

impl CliError {
    pub(super) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |cause| Self::Io { what, cause }
    }

    /// Whether the reader of our output went away.
    pub(super) fn is_broken_pipe(&self) -> bool {
        match self {
            Self::Report(error) => error.is_broken_pipe(),
            Self::Io { cause, .. } => cause.kind() == std::io::ErrorKind::BrokenPipe,
            _ => false,
        }
    }
}

/// The last panic, in one line. Told only when nobody caught it.
static LAST_PANIC: Mutex<Option<String>> = Mutex::new(None);

/// A panic is a defect of ours or of a library: kept as one line with its place, instead of a wall of frames.
pub(super) fn keep_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|at| format!(" ({}:{})", at.file(), at.line())).unwrap_or_default();
        let place = place.rsplit_once("/src/").map_or(place.clone(), |(_, file)| format!(" ({file}"));
        if let Ok(mut last) = LAST_PANIC.lock() {
            *last = Some(format!("internal error{place}: {}", panic.payload_as_str().unwrap_or("no details")));
        }
    }));
}

/// Tells a panic that ended the work.
pub(super) fn tell_panic() {
    let last = LAST_PANIC.lock().ok().and_then(|mut last| last.take());
    tell(&last.unwrap_or_else(|| "internal error".into()));
}

/// One line on stderr. Names of files and texts of captures may be hostile: control characters are shown, not sent.
pub(super) fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "portproof: {}", visible(line));
}

//! FLEXlm licence files: the ports at which lmgrd and the vendor daemons are told to listen.
//!
//! Syntax, from the FlexNet Publisher License Administration Guide (2024 R1, "SERVER Lines" and "VENDOR Lines"):
//!
//! ```text
//! SERVER host hostid [port] [PRIMARY_IS_MASTER] [HEARTBEAT_INTERVAL=seconds]
//! VENDOR vendor [vendor_daemon_path] [[OPTIONS=]options_file_path] [[PORT=]port]
//! ```
//!
//! One SERVER line, or three for servers that stand in for each other. Without a port lmgrd takes one of 27000-27009,
//! and a vendor daemon whatever the system hands out. DAEMON is the older word for VENDOR. `\` at the end of a line
//! continues it, `#` begins a comment. What IBM says about its daemons `ibmratl` and `rational` is from its note on the
//! License Key Server (the built-in document `license-key-server`).
//!
//! Every SERVER, VENDOR or DAEMON line gives exactly one entry, or one warning that refuses it. Where the file leaves
//! room, the reading is told as a note. Files may be hostile: sizes are limited, and nothing of a file that is shown
//! acts on a terminal.
//!
//! This module resolves no host name, reads no licence (FEATURE and the like are counted), opens no options file, and
//! invents no port: a daemon without one is not pinned. What lmadmin was told overrides the file and is not seen here.

mod lines;
mod pins;
mod reader;
mod review;
mod text;
mod version;
mod warning;

#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;

pub use pins::{LicencePin, PinPlace};
pub use version::LksVersion;
pub use warning::{BarePort, LicenceProblem, LicenceSeverity, LicenceWarning, RationalState};

use std::io::Read;
use std::path::Path;

/// Largest licence file that is read, in bytes.
pub const MAX_LICENCE_FILE_BYTES: usize = 2 * 1024 * 1024;

/// Longest SERVER, VENDOR or DAEMON line that is read, in characters with its continuation lines. The guide names this
/// limit for options files.
pub const MAX_LINE_CHARACTERS: usize = 4_000;

/// Name of the licence server manager in pins and warnings.
pub const LICENCE_MANAGER: &str = "lmgrd";

/// The vendor daemon that IBM's License Key Server had beside `ibmratl`.
const RATIONAL: &str = "rational";

/// The vendor daemon of IBM's License Key Server.
const IBMRATL: &str = "ibmratl";

/// Why a licence file could not be read at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LicenceError {
    /// The file is larger than [`MAX_LICENCE_FILE_BYTES`].
    #[error("{file}: larger than {MAX_LICENCE_FILE_BYTES} bytes; check that it is the file that was meant")]
    TooLarge {
        /// Name of the file as given.
        file: String,
    },
    /// The file cannot be opened or read.
    #[error("{file}: cannot be read: {reason}; check the path and its permissions")]
    Unreadable {
        /// Name of the file as given.
        file: String,
        /// What the operating system said.
        reason: String,
    },
    /// The file is no text of 8-bit characters.
    #[error("{file}: not a licence file: byte {offset} is 0, as in UTF-16 or a binary file; save it as UTF-8 text")]
    NotText {
        /// Name of the file as given.
        file: String,
        /// Offset of the byte, from 0.
        offset: usize,
    },
}

/// Whether every daemon that the file names has a port that is certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LicenceVerdict {
    /// Every SERVER, VENDOR and DAEMON line fixes a port, and no two daemons share one.
    Pinned,
    /// At least one does not.
    NotPinned,
    /// No line names a vendor daemon: nothing follows about its port.
    NoDaemon,
}

/// A SERVER line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerLine {
    /// Its (first) line in the file, from 1.
    pub line: usize,
    /// Name or address of the host as written; never resolved.
    pub host: String,
    /// What the licences are bound to, as written.
    pub host_id: String,
    /// Port of lmgrd.
    pub port: Option<u16>,
}

/// A VENDOR or DAEMON line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaemonLine {
    /// Its (first) line in the file, from 1.
    pub line: usize,
    /// Name of the vendor daemon: at most 64 ASCII letters, digits and any of `_-.+`.
    pub name: String,
    /// Path of the program as written, without quotes.
    pub path: Option<String>,
    /// Path of the options file as written, without quotes.
    pub options: Option<String>,
    /// Port of the daemon.
    pub port: Option<u16>,
}

/// Lines that say nothing about ports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PassedOver {
    /// FEATURE, INCREMENT, PACKAGE and UPGRADE lines.
    pub licences: usize,
    /// USE_SERVER lines.
    pub use_server: usize,
    /// Lines that begin with another word, comments left out.
    pub others: usize,
}

/// What a licence file says about ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LicenceFile {
    /// Name of the file as given.
    pub name: String,
    /// SERVER lines in order.
    pub servers: Vec<ServerLine>,
    /// VENDOR and DAEMON lines in order.
    pub daemons: Vec<DaemonLine>,
    /// Warnings and notes by line; those about the whole file come last.
    pub warnings: Vec<LicenceWarning>,
    /// What was not read.
    pub passed_over: PassedOver,
    /// The License Key Server's version, where it was stated.
    pub version: Option<LksVersion>,
}

impl LicenceFile {
    /// Reads a text. `name` is for messages; `version` is that of IBM's License Key Server, where it is known.
    #[must_use]
    pub fn from_text(name: &str, text: &str, version: Option<LksVersion>) -> Self {
        let mut file = reader::read(name, text, version);
        review::review(&mut file);
        file
    }

    /// Reads bytes: UTF-8, and Latin-1 wherever they are not.
    ///
    /// # Errors
    /// When there are more than [`MAX_LICENCE_FILE_BYTES`], or one is 0.
    pub fn from_bytes(name: &str, bytes: &[u8], version: Option<LksVersion>) -> Result<Self, LicenceError> {
        let file = || name.to_owned();
        if bytes.len() > MAX_LICENCE_FILE_BYTES {
            return Err(LicenceError::TooLarge { file: file() });
        }
        if let Some(offset) = bytes.iter().position(|&byte| byte == 0) {
            return Err(LicenceError::NotText { file: file(), offset });
        }
        let (text, not_utf8) = decode(bytes);
        let mut read = Self::from_text(name, &text, version);
        if not_utf8 > 0 {
            read.warn(None, LicenceProblem::NotUtf8(not_utf8));
        }
        Ok(read)
    }

    /// Reads an input to its end, or to where it is too large.
    ///
    /// # Errors
    /// When it cannot be read, and as [`LicenceFile::from_bytes`].
    pub fn from_reader(name: &str, input: impl Read, version: Option<LksVersion>) -> Result<Self, LicenceError> {
        let mut bytes = Vec::new();
        let limit = u64::try_from(MAX_LICENCE_FILE_BYTES).unwrap_or(u64::MAX);
        input.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| unreadable(name, &error))?;
        Self::from_bytes(name, &bytes, version)
    }

    /// Reads a file from disk.
    ///
    /// # Errors
    /// When it cannot be opened, and as [`LicenceFile::from_reader`].
    pub fn read(path: &Path, version: Option<LksVersion>) -> Result<Self, LicenceError> {
        let name = path.display().to_string();
        let file = std::fs::File::open(path).map_err(|error| unreadable(&name, &error))?;
        Self::from_reader(&name, file, version)
    }

    /// Whether every daemon that it names has a port that is certain. Versions of `rational` do not enter: the line of
    /// a daemon that is obsolete fixes its port, or needs none.
    #[must_use]
    pub fn verdict(&self) -> LicenceVerdict {
        if self.warnings.iter().any(|warning| warning.problem.leaves_unpinned()) {
            LicenceVerdict::NotPinned
        } else if self.daemons.is_empty() {
            LicenceVerdict::NoDaemon
        } else {
            LicenceVerdict::Pinned
        }
    }

    fn warn(&mut self, line: Option<usize>, problem: LicenceProblem) {
        let file = match self.warnings.first() {
            Some(other) => other.file.clone(),
            None => self.name.as_str().into(),
        };
        self.warnings.push(LicenceWarning { file, line, problem });
    }
}

impl DaemonLine {
    fn is_called(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

fn unreadable(name: &str, error: &std::io::Error) -> LicenceError {
    LicenceError::Unreadable { file: name.to_owned(), reason: error.to_string() }
}

/// The text, and how many bytes of it are not UTF-8. Each of those is the Latin-1 character of the same number, so that
/// also a no-break space of an old file parts words.
fn decode(bytes: &[u8]) -> (String, usize) {
    let mut text = String::with_capacity(bytes.len());
    let mut not_utf8 = 0;
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().copied().map(char::from));
        not_utf8 += chunk.invalid().len();
    }
    (text, not_utf8)
}

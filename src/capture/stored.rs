//! The stored bytes of a file: held open, or opened anew for each refill where many files are read at once.

use super::inputs::Input;
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::rc::Rc;

/// Bytes from the start of the stored file that identify it together with its name and size.
const IDENTITY_BYTES: usize = 64 * 1024;

enum Source {
    /// The first bytes, already read, then the rest.
    Open { start: io::Cursor<Vec<u8>>, reader: Box<dyn Read> },
    /// Opened, read and closed for each refill: costs no descriptor in between.
    Closed { path: PathBuf, offset: u64 },
}

impl Read for Source {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Open { start, reader } => {
                let n = start.read(into)?;
                if n > 0 || into.is_empty() {
                    return Ok(n);
                }
                *start = io::Cursor::default();
                reader.read(into)
            }
            Self::Closed { path, offset } => {
                let mut file = File::open(path)?;
                file.seek(SeekFrom::Start(*offset))?;
                let n = file.read(into)?;
                *offset += n as u64;
                Ok(n)
            }
        }
    }
}

/// The stored bytes of a file: counts them for the progress bar, hashes them on request.
pub(super) struct Stored {
    source: Source,
    read_bytes: u64,
    hasher: Option<Sha256>,
}

/// What is known of a stored file from its first bytes.
pub(super) struct Opened {
    pub(super) stored: Stored,
    pub(super) start: Vec<u8>,
    pub(super) size_bytes: Option<u64>,
}

impl Stored {
    /// Opens an input; `sparing` holds no descriptor where the input can do without.
    pub(super) fn open(input: &Input, hash: bool, sparing: bool) -> io::Result<Opened> {
        let (mut reader, size_bytes) = input.open()?;
        let mut start = Vec::new();
        reader.by_ref().take(IDENTITY_BYTES as u64).read_to_end(&mut start)?;
        let source = match input.path().filter(|_| sparing && input.reopenable()) {
            Some(path) => Source::Closed { path: path.to_owned(), offset: 0 },
            None => Source::Open { start: io::Cursor::new(start.clone()), reader },
        };
        let stored = Self { source, read_bytes: 0, hasher: hash.then(Sha256::new) };
        Ok(Opened { stored, start, size_bytes })
    }

    pub(super) fn read_bytes(&self) -> u64 {
        self.read_bytes
    }

    /// The hash over all stored bytes, where it was asked for: reads what was not read yet.
    pub(super) fn sha256(&mut self) -> Option<String> {
        self.hasher.as_ref()?;
        io::copy(self, &mut io::sink()).ok()?;
        self.hasher.take().map(|hasher| hex(&hasher.finalize()))
    }
}

impl Read for Stored {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read(into)?;
        self.read_bytes += n as u64;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&into[..n]);
        }
        Ok(n)
    }
}

/// Lets the decompressor read while the file keeps an eye on counter and hash.
pub(super) struct Shared(pub(super) Rc<RefCell<Stored>>);

impl Read for Shared {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.borrow_mut().read(into)
    }
}

/// Name without folders, size and first bytes: the same recording under another path keeps its identity.
pub(super) fn identity(name: &str, size_bytes: Option<u64>, start: &[u8]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(name.rsplit(['/', '\\']).next().unwrap_or(name));
    hasher.update([0]);
    hasher.update(size_bytes.unwrap_or(0).to_le_bytes());
    hasher.update(start);
    let mut id = hex(&hasher.finalize());
    id.truncate(12);
    id
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

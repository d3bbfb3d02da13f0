//! A file that the user named for output: what may stand there, and how the new one gets there whole.
//!
//! A regular file appears with one rename, when all of it is written; an existing one is replaced only where the user
//! says so. Devices, pipes and open descriptors are written straight into: there is nothing to rename. Symbolic links
//! are followed. An input is never written over.

use super::args::JudgeArgs;
use super::outcome::CliError;
use crate::capture::{CaptureError, CaptureFile, Input, OpenOptions, expand};
use crate::model::CaptureIndex;
use crate::report::os_reason;
use crate::store::{StoreError, is_store};
use std::fs::{self, File, Metadata, OpenOptions as FileOptions};
use std::io;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// What becomes of a regular file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Existing {
    Keep,
    Replace,
}

/// Who may read a new file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readers {
    /// Whoever the umask lets.
    Usual,
    /// The user alone: packets hold what others said.
    #[cfg_attr(not(feature = "live"), expect(dead_code, reason = "only a recording is for its owner alone"))]
    Owner,
}

/// An output in the making. Dropped before [`OutputFile::keep`], it leaves nothing behind.
pub(super) struct OutputFile {
    named: PathBuf,
    place: Place,
}

enum Place {
    Straight(File),
    Staged { file: NamedTempFile, target: PathBuf, existing: Existing },
}

impl OutputFile {
    /// Proves that the output can be written, before any long work.
    pub(super) fn open(named: &Path, existing: Existing, readers: Readers) -> Result<Self, CliError> {
        let place = match fs::metadata(named) {
            Ok(found) if found.is_dir() => {
                return Err(CliError::Usage(format!("{} is a folder: name a file", named.display())));
            }
            Ok(found) if is_block_device(&found) => {
                return Err(CliError::Usage(format!("{} is a block device: name a file", named.display())));
            }
            Ok(found) if !found.is_file() || is_descriptor(named) => {
                Place::Straight(FileOptions::new().append(true).open(named).map_err(at(named))?)
            }
            Ok(_) if existing == Existing::Keep => return Err(exists(named)),
            Ok(_) => staged(named, fs::canonicalize(named).map_err(at(named))?, existing, readers)?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => staged(named, end_of_links(named), existing, readers)?,
            Err(e) => return Err(at(named)(e)),
        };
        Ok(Self { named: named.to_owned(), place })
    }

    /// Where to write.
    pub(super) fn file(&self) -> &File {
        match &self.place {
            Place::Straight(file) => file,
            Place::Staged { file, .. } => file.as_file(),
        }
    }

    /// Its path until it is kept, for writers that need one; `None` where bytes go straight out.
    pub(super) fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::Straight(_) => None,
            Place::Staged { file, .. } => Some(file.path()),
        }
    }

    /// An error while writing, with the name that the user gave.
    pub(super) fn error(&self, cause: io::Error) -> CliError {
        at(&self.named)(cause)
    }

    /// Makes it visible under its name.
    pub(super) fn keep(self) -> Result<(), CliError> {
        let Place::Staged { file, target, existing } = self.place else { return Ok(()) };
        let kept = match existing {
            Existing::Replace => file.persist(&target),
            Existing::Keep => file.persist_noclobber(&target),
        };
        match kept {
            Ok(_) => Ok(()),
            // It came while the work went on.
            Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => Err(exists(&self.named)),
            Err(e) => Err(at(&self.named)(e.error)),
        }
    }
}

fn at(named: &Path) -> impl FnOnce(io::Error) -> CliError {
    let what = named.display().to_string();
    move |cause| CliError::Io { what, cause: os_reason(cause) }
}

fn exists(named: &Path) -> CliError {
    CliError::Usage(format!("{} exists: name another file, or give --force", named.display()))
}

fn staged(named: &Path, target: PathBuf, existing: Existing, readers: Readers) -> Result<Place, CliError> {
    let folder = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".portproof-").suffix(".partial");
    #[cfg(unix)]
    if readers == Readers::Usual {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    #[cfg(not(unix))]
    let _ = readers;
    let file = builder.tempfile_in(folder).map_err(at(named))?;
    Ok(Place::Staged { file, target, existing })
}

/// Where a link to nothing points. The system has found no loop and no end there.
fn end_of_links(named: &Path) -> PathBuf {
    let mut path = named.to_owned();
    while let Ok(next) = fs::read_link(&path) {
        path = path.parent().unwrap_or(Path::new("")).join(next);
    }
    path
}

/// Whether the path stands for something that this process has open: `/dev/stdout`, `/dev/fd/3`.
fn is_descriptor(path: &Path) -> bool {
    cfg!(unix)
        && (["/dev/stdout", "/dev/stderr"].map(Path::new).contains(&path)
            || path.starts_with("/dev/fd")
            || path.starts_with("/proc/self/fd"))
}

#[cfg(unix)]
fn is_block_device(found: &Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_block_device(&found.file_type())
}

#[cfg(not(unix))]
fn is_block_device(_: &Metadata) -> bool {
    false
}

/// Refuses an output that is one of the inputs: a capture, a store, the site file or a document.
pub(super) fn refuse_inputs(named: &Path, judge: &JudgeArgs) -> Result<(), CliError> {
    let is_input = || CliError::Usage(format!("{} is one of the inputs: name another file", named.display()));
    for store in judge.inputs.iter().filter(|input| is_store(input)) {
        if lies_in(named, store) {
            let store = store.display();
            return Err(CliError::Usage(format!("{} lies in the store {store}: name another file", named.display())));
        }
    }
    if !named.exists() {
        return Ok(());
    }
    let files = judge.site.iter().chain(&judge.documents);
    if files.into_iter().any(|file| same_file(named, file)) {
        return Err(is_input());
    }
    for argument in &judge.inputs {
        // What cannot be expanded is told when it is read.
        let inputs = expand(std::slice::from_ref(argument)).unwrap_or_default();
        if inputs.iter().any(|input| is_read(named, input)) {
            return Err(is_input());
        }
    }
    Ok(())
}

fn is_read(named: &Path, input: &Input) -> bool {
    match input {
        Input::File(path) => same_file(named, path),
        // A table of an earlier run may lie among the captures: it is passed over when they are read.
        Input::Found(path) => same_file(named, path) && !is_other_file(input),
        Input::Stdin => same_file(named, Path::new("/dev/stdin")),
        Input::Bytes(..) => false,
    }
}

fn is_other_file(input: &Input) -> bool {
    let opened = CaptureFile::open(input, CaptureIndex(0), OpenOptions::default());
    matches!(opened, Err(CaptureError::NotACapture { .. } | CaptureError::OtherFormat { .. }))
}

#[cfg(unix)]
fn same_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    let (Ok(one), Ok(other)) = (fs::metadata(one), fs::metadata(other)) else { return false };
    // A terminal is both ends, and is not written over.
    !one.file_type().is_char_device() && (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn same_file(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}

fn lies_in(named: &Path, folder: &Path) -> bool {
    let end = end_of_links(named);
    let parent = end.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    matches!((fs::canonicalize(parent), fs::canonicalize(folder)), (Ok(p), Ok(f)) if p.starts_with(&f))
}

/// An error of the Parquet writer, with the name that the user gave instead of where the file is made.
pub(super) fn not_written(named: &Path, error: StoreError) -> CliError {
    match error {
        StoreError::Io { cause, .. } => at(named)(cause),
        StoreError::Parquet { cause, .. } => CliError::Usage(format!("{}: {cause}", named.display())),
        other => other.into(),
    }
}

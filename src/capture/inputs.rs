//! What the user named: files, directories, patterns, standard input. And bytes in memory, for tests.

use super::error::CaptureError;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One input stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Input {
    /// A file that was named, or matched a pattern.
    File(PathBuf),
    /// A file found in a directory that was named: it may be something else than a capture.
    Found(PathBuf),
    /// Standard input, given as `-`.
    Stdin,
    /// Bytes in memory, with the name that they are shown under: for fuzzing and tests.
    Bytes(String, Arc<[u8]>),
}

impl Input {
    /// The name as it is shown: the path as given, `-` for standard input.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::File(path) | Self::Found(path) => path.to_string_lossy().into_owned(),
            Self::Stdin => "-".into(),
            Self::Bytes(name, _) => name.clone(),
        }
    }

    /// Size on disk in bytes, where it is known.
    #[must_use]
    pub fn size_bytes(&self) -> Option<u64> {
        match self {
            Self::File(path) | Self::Found(path) => {
                fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|m| m.len())
            }
            Self::Stdin => None,
            Self::Bytes(_, bytes) => Some(bytes.len() as u64),
        }
    }

    /// Where it is, if it has a place.
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) | Self::Found(path) => Some(path),
            Self::Stdin | Self::Bytes(..) => None,
        }
    }

    /// Whether it can be opened a second time.
    pub(super) fn reopenable(&self) -> bool {
        self.path().is_some_and(Path::is_file)
    }

    pub(super) fn open(&self) -> io::Result<(Box<dyn Read>, Option<u64>)> {
        match self {
            Self::File(path) | Self::Found(path) => {
                let file = File::open(path)?;
                let metadata = file.metadata()?;
                if metadata.is_dir() {
                    return Err(io::Error::other("is a directory"));
                }
                let size = metadata.is_file().then_some(metadata.len());
                Ok((Box::new(file), size))
            }
            Self::Stdin => Ok((Box::new(io::stdin()), None)),
            Self::Bytes(_, bytes) => Ok((Box::new(io::Cursor::new(Arc::clone(bytes))), self.size_bytes())),
        }
    }
}

/// Expands what the user typed. A directory gives the regular files directly in it, hidden ones left out; a pattern
/// (`*`, `?`, `[…]`) that names no existing file is expanded as the shell would. Order: as given, names sorted within.
/// Names need not be Unicode; patterns, and what they match, do.
///
/// # Errors
/// When a path does not exist, standard input is given twice, a directory cannot be read or holds no file, or a pattern matches nothing.
pub fn expand<P: AsRef<Path>>(arguments: &[P]) -> Result<Vec<Input>, CaptureError> {
    let mut inputs = Vec::new();
    for path in arguments.iter().map(AsRef::as_ref) {
        if path == Path::new("-") {
            if inputs.contains(&Input::Stdin) {
                return Err(CaptureError::StdinTwice);
            }
            inputs.push(Input::Stdin);
            continue;
        }
        let pattern = path.to_str().filter(|text| text.contains(['*', '?', '[']));
        match (fs::metadata(path), pattern) {
            (Ok(metadata), _) if metadata.is_dir() => inputs.extend(files_in(&path.to_string_lossy(), path)?),
            (Ok(_), _) => inputs.push(Input::File(path.to_owned())),
            (Err(_), Some(pattern)) => inputs.extend(matching(pattern)?),
            (Err(cause), None) => return Err(CaptureError::Io { name: path.to_string_lossy().into_owned(), cause }),
        }
    }
    let mut seen = std::collections::HashSet::new();
    inputs.retain(|input| seen.insert(input.clone()));
    Ok(inputs)
}

fn files_in(name: &str, directory: &Path) -> Result<Vec<Input>, CaptureError> {
    let io_error = |cause| CaptureError::Io { name: name.to_owned(), cause };
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(io_error)? {
        let entry = entry.map_err(io_error)?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !hidden && fs::metadata(entry.path()).is_ok_and(|m| m.is_file()) {
            files.push(Input::Found(entry.path()));
        }
    }
    files.sort();
    if files.is_empty() {
        let reason = "the directory holds no files (folders in it are not searched)".into();
        return Err(CaptureError::NoFiles { name: name.to_owned(), reason });
    }
    Ok(files)
}

fn matching(pattern: &str) -> Result<Vec<Input>, CaptureError> {
    let no_files = |reason: String| CaptureError::NoFiles { name: pattern.to_owned(), reason };
    let paths = glob::glob(pattern).map_err(|e| no_files(format!("not a valid pattern: {e}")))?;
    let files: Vec<Input> = paths.filter_map(Result::ok).filter(|p| p.is_file()).map(Input::File).collect();
    if files.is_empty() {
        return Err(no_files("no file matches this pattern".into()));
    }
    Ok(files)
}

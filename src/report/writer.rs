//! The one writer that puts reports on disk: everything goes into a temporary directory beside the target, and one
//! rename makes it visible. Dropped before that, it leaves nothing behind.
//!
//! It refuses to replace anything but an empty directory or an earlier one of the same kind, known by its main file and by
//! the names of its files.

use super::{GENERATOR, ReportError, os_reason, settings, tables};
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The table of flows, which is written beside those of [`tables::all`].
const FLOWS: &str = "flows";

/// Formats of every table.
const SUFFIXES: [&str; 3] = ["csv", "json", "parquet"];

/// Bytes that are written to a file at once.
const BUFFER_BYTES: usize = 65_536;

/// How much of an `index.html` is searched for the generator's name.
const HEAD_BYTES: u64 = 4_096;

/// What a directory holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Contents {
    /// A page, and tables.
    Report,
    /// Settings of a host: scripts, their undo, and one JSON file.
    Settings,
}

impl Contents {
    /// Whether it holds a file of this name. Anything else in its directory is somebody's own.
    fn has(self, name: &str) -> bool {
        match self {
            Self::Report => is_known(name),
            Self::Settings => settings::FILE_NAMES.contains(&name),
        }
    }

    /// The file that says whose the directory is, and what stands near its beginning.
    fn main_file(self) -> (&'static str, &'static str) {
        match self {
            Self::Report => (super::html::FILE_NAME, GENERATOR),
            Self::Settings => (settings::JSON_NAME, settings::GENERATOR),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Report => "a report",
            Self::Settings => "settings",
        }
    }
}

/// A report directory in the making.
#[derive(Debug)]
pub struct ReportDir {
    contents: Contents,
    target: PathBuf,
    /// Holds the new report in `report/`; taken when it ends.
    staging: Option<TempDir>,
    /// Directories above the target that did not exist, uppermost first.
    made: Vec<PathBuf>,
}

/// A file of a report in the making.
#[derive(Debug)]
pub struct ReportFile {
    inner: BufWriter<File>,
}

impl Write for ReportFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl ReportDir {
    /// Proves that a report can be written there, before any long work: the target is absent, empty or an earlier
    /// report, and its parent can be written. Missing parents are made.
    ///
    /// # Errors
    /// When the target holds something else, or the place cannot be written.
    pub fn create(target: &Path) -> Result<Self, ReportError> {
        Self::create_for(target, Contents::Report)
    }

    /// The same for settings: see [`settings`]. Only settings of this program are replaced.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn create_settings(target: &Path) -> Result<Self, ReportError> {
        Self::create_for(target, Contents::Settings)
    }

    fn create_for(target: &Path, contents: Contents) -> Result<Self, ReportError> {
        let target = resolved(target)?;
        check_replaceable(&target, contents)?;
        let parent = parent_of(&target);
        // From here on, dropping `dir` undoes whatever was made.
        let mut dir = Self { contents, target, staging: None, made: Vec::new() };
        for missing in missing_directories(&parent) {
            fs::create_dir(&missing).map_err(at("create", &missing))?;
            dir.made.push(missing);
        }
        let staging = tempfile::Builder::new()
            .prefix(".portproof-")
            .suffix(".partial")
            .tempdir_in(&parent)
            .map_err(at("write in", &parent))?;
        let report = staging.path().join("report");
        dir.staging = Some(staging);
        // A plain directory, because the temporary one around it is closed to everybody else.
        fs::create_dir(&report).map_err(at("create", &report))?;
        Ok(dir)
    }

    /// Where the report will be.
    #[must_use]
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// The path, until [`Self::commit`], of a file of this name, for writers that need a path. The file is not made.
    ///
    /// # Errors
    /// When it is not the name of a file that belongs there: in a report `index.html`, or a table as CSV, JSON or Parquet.
    pub fn path_of(&self, name: &str) -> Result<PathBuf, ReportError> {
        match &self.staging {
            Some(staging) if self.contents.has(name) => Ok(staging.path().join("report").join(name)),
            _ => Err(ReportError::FileName(name.to_owned())),
        }
    }

    /// Adds a file; an earlier one of the same name is replaced.
    ///
    /// # Errors
    /// When the name is not allowed (see [`Self::path_of`]) or the file cannot be written; whatever `write` returns.
    pub fn add(
        &self,
        name: &str,
        write: impl FnOnce(&mut ReportFile) -> Result<(), ReportError>,
    ) -> Result<(), ReportError> {
        let path = self.path_of(name)?;
        // Told by the name that it would have had: the other one is gone by then.
        let shown = self.target.join(name);
        let place = |error| match error {
            ReportError::Output(source) => ReportError::Path { action: "write", path: shown.clone(), source },
            other => other,
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "inside the staging directory, which is renamed when it is whole"
        )]
        let created = File::create(&path);
        let mut file =
            ReportFile { inner: BufWriter::with_capacity(BUFFER_BYTES, created.map_err(at("create", &shown))?) };
        write(&mut file).map_err(place)?;
        file.inner.into_inner().map_err(|e| place(ReportError::Output(e.into_error()))).map(drop)
    }

    /// Puts the report in place of whatever replaceable was there, and returns where it is.
    ///
    /// # Errors
    /// When the target became something that may not be replaced, or cannot be renamed. The earlier report then stays.
    pub fn commit(mut self) -> Result<PathBuf, ReportError> {
        let Some(staging) = self.staging.take() else {
            return Err(ReportError::FileName(String::from("report")));
        };
        let report = staging.path().join("report");
        let previous = staging.path().join("previous");
        let replaces = check_replaceable(&self.target, self.contents)?;
        if replaces {
            fs::rename(&self.target, &previous).map_err(at("replace", &self.target))?;
        }
        if let Err(source) = fs::rename(&report, &self.target) {
            if replaces {
                fs::rename(&previous, &self.target).map_err(at("restore", &self.target))?;
            }
            return Err(ReportError::Path { action: "create", path: self.target.clone(), source });
        }
        self.made.clear();
        Ok(self.target.clone())
    }
}

impl Drop for ReportDir {
    fn drop(&mut self) {
        drop(self.staging.take());
        for made in self.made.drain(..).rev() {
            // Not empty any more: somebody else uses it by now.
            if fs::remove_dir(&made).is_err() {
                break;
            }
        }
    }
}

fn at<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> ReportError + 'a {
    move |source| ReportError::Path { action, path: path.to_owned(), source: os_reason(source) }
}

fn unusable(path: &Path, reason: impl Into<String>) -> ReportError {
    ReportError::Unusable { path: path.to_owned(), reason: reason.into() }
}

/// The target with a symbolic link to a directory followed.
fn resolved(target: &Path) -> Result<PathBuf, ReportError> {
    if target.file_name().is_none() {
        return Err(unusable(target, "give the report a directory of its own, e.g. reports/line-4"));
    }
    match fs::symlink_metadata(target) {
        Ok(found) if found.is_symlink() => fs::canonicalize(target).map_err(at("follow", target)),
        _ => Ok(target.to_owned()),
    }
}

fn parent_of(target: &Path) -> PathBuf {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// The directories from the uppermost missing one down to `path`.
fn missing_directories(path: &Path) -> Vec<PathBuf> {
    let missing = |p: &&Path| !p.as_os_str().is_empty() && !p.exists();
    let mut all: Vec<PathBuf> = path.ancestors().take_while(missing).map(Path::to_owned).collect();
    all.reverse();
    all
}

/// Whether there is something to replace; an error where it may not be replaced.
fn check_replaceable(target: &Path, contents: Contents) -> Result<bool, ReportError> {
    let found = match fs::metadata(target) {
        Ok(found) => found,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(source) => return Err(ReportError::Path { action: "look at", path: target.to_owned(), source }),
    };
    if !found.is_dir() {
        return Err(unusable(target, "it is a file; choose another name"));
    }
    if is_mount_point(target, &found) {
        return Err(unusable(target, "it is a mount point, which cannot be replaced; name a directory inside it"));
    }
    let mut holds_anything = false;
    for entry in fs::read_dir(target).map_err(at("read", target))? {
        let entry = entry.map_err(at("read", target))?;
        let plain_file = entry.file_type().map_err(at("read", target))?.is_file();
        if !plain_file || !entry.file_name().to_str().is_some_and(|name| contents.has(name)) {
            let name = entry.file_name();
            let name = super::text::clipped(&name.to_string_lossy(), 80).into_owned();
            return Err(unusable(
                target,
                format!("it holds \"{name}\", which is not part of {}; choose another name", contents.name()),
            ));
        }
        holds_anything = true;
    }
    if holds_anything && !is_ours(target, contents) {
        let what = contents.name();
        return Err(unusable(target, format!("it holds files that are not {what} of portproof; choose another name")));
    }
    Ok(true)
}

/// Whether a report holds a file of this name.
fn is_known(name: &str) -> bool {
    let table = |stem: &str| stem == FLOWS || tables::NAMES.contains(&stem);
    let is_table = name.split_once('.').is_some_and(|(stem, suffix)| table(stem) && SUFFIXES.contains(&suffix));
    is_table || name == super::html::FILE_NAME
}

fn is_ours(target: &Path, contents: Contents) -> bool {
    let (name, generator) = contents.main_file();
    let mut head = Vec::new();
    let read = File::open(target.join(name)).and_then(|f| f.take(HEAD_BYTES).read_to_end(&mut head));
    read.is_ok() && String::from_utf8_lossy(&head).contains(generator)
}

#[cfg(unix)]
fn is_mount_point(target: &Path, found: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(parent_of(target)).is_ok_and(|parent| parent.dev() != found.dev())
}

#[cfg(not(unix))]
fn is_mount_point(_: &Path, _: &fs::Metadata) -> bool {
    false
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests write what they look for")]
mod tests {
    use super::*;
    use crate::report::{demo, write_all};

    fn names(path: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(path).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    fn file(dir: &mut ReportDir, name: &str, text: &str) -> Result<(), ReportError> {
        dir.add(name, |out| out.write_all(text.as_bytes()).map_err(ReportError::Output))
    }

    #[test]
    fn a_report_appears_whole_with_its_parents_and_readable_by_others() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("reports/line-4");
        let dir = ReportDir::create(&target).unwrap();
        write_all(&dir, &demo::small()).unwrap();
        assert!(!target.exists(), "nothing is visible before the commit");
        assert_eq!(dir.commit().unwrap(), target);
        assert_eq!(names(&root.path().join("reports")), ["line-4"]);
        let listed = names(&target);
        for name in ["index.html", "listeners.csv", "listeners.json", "fates.csv"] {
            assert!(listed.iter().any(|n| n == name), "{name} in {listed:?}");
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let reference = root.path().join("reference");
            fs::create_dir(&reference).unwrap();
            let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode();
            assert_eq!(mode(&target), mode(&reference));
        }
    }

    #[test]
    fn dropped_without_commit_it_leaves_nothing_behind() {
        let root = tempfile::tempdir().unwrap();
        let mut dir = ReportDir::create(&root.path().join("a/b/c")).unwrap();
        file(&mut dir, "findings.csv", "x").unwrap();
        drop(dir);
        assert_eq!(names(root.path()), Vec::<String>::new());
    }

    #[test]
    fn an_earlier_report_is_replaced_and_its_leftovers_go() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("report");
        let mut dir = ReportDir::create(&target).unwrap();
        write_all(&dir, &demo::small()).unwrap();
        file(&mut dir, "flows.parquet", "x").unwrap();
        dir.commit().unwrap();
        let dir = ReportDir::create(&target).unwrap();
        write_all(&dir, &demo::small()).unwrap();
        dir.commit().unwrap();
        assert!(!target.join("flows.parquet").exists() && target.join("index.html").exists());
        assert_eq!(names(root.path()), ["report"]);
    }

    #[test]
    fn anything_else_is_refused_and_untouched() {
        let root = tempfile::tempdir().unwrap();
        let foreign = root.path().join("foreign");
        fs::create_dir(&foreign).unwrap();
        ReportDir::create(&foreign).unwrap().commit().unwrap();
        for (name, content) in [("index.html", "<html>mine</html>"), ("notes.txt", "mine")] {
            fs::write(foreign.join(name), content).unwrap();
            let error = ReportDir::create(&foreign).unwrap_err().to_string();
            assert!(error.contains("choose another name"), "{error}");
            assert_eq!(fs::read_to_string(foreign.join(name)).unwrap(), content);
            fs::remove_file(foreign.join(name)).unwrap();
        }
        let plain = root.path().join("file");
        fs::write(&plain, "x").unwrap();
        assert!(ReportDir::create(&plain).unwrap_err().to_string().contains("it is a file"));
        assert!(ReportDir::create(&plain.join("below")).is_err(), "a file is no parent");
        assert!(ReportDir::create(Path::new("..")).is_err());
        assert_eq!(names(root.path()), ["file", "foreign"]);
    }

    #[test]
    fn a_users_note_in_an_earlier_report_protects_it() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("report");
        let dir = ReportDir::create(&target).unwrap();
        write_all(&dir, &demo::small()).unwrap();
        dir.commit().unwrap();
        // By its name, whatever its suffix.
        for note in ["review notes.md", "my-review.csv", "findings.old.csv", "listeners.html", "fates.svg"] {
            let dir = ReportDir::create(&target).unwrap();
            fs::write(target.join(note), "keep").unwrap();
            assert!(dir.commit().unwrap_err().to_string().contains(note));
            assert!(ReportDir::create(&target).unwrap_err().to_string().contains(note));
            assert!(target.join("index.html").exists());
            fs::remove_file(target.join(note)).unwrap();
        }
        assert_eq!(names(root.path()), ["report"]);
    }

    #[test]
    fn names_cannot_leave_the_directory() {
        let root = tempfile::tempdir().unwrap();
        let mut dir = ReportDir::create(&root.path().join("report")).unwrap();
        for name in ["../x.csv", "a/b.csv", "", ".csv", "x", "x.exe", "/etc/x.csv", "a\\b.csv", "mine.csv"] {
            assert!(matches!(file(&mut dir, name, "x"), Err(ReportError::FileName(_))), "{name}");
        }
    }
}

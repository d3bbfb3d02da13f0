//! Errors that say where, what, and what to do about it.

use super::rule::Rule;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Read as _;
use std::ops::Range;
use std::path::Path;

/// Largest document or site file that is read, in bytes.
pub const MAX_FILE_BYTES: usize = 1024 * 1024;

/// Position in a text, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line.
    pub line: usize,
    /// Column in characters.
    pub column: usize,
}

impl Place {
    /// The place of a byte offset; an offset beyond the end is the end.
    pub(super) fn of(text: &str, offset: usize) -> Self {
        let mut end = offset.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let before = &text[..end];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            line: before.bytes().filter(|&b| b == b'\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Why a document or a site file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// The text is not what it should be.
    #[error("{file}:{place}: {problem}; {advice}")]
    Text {
        /// Name of the file as given.
        file: String,
        /// Where it is wrong.
        place: Place,
        /// What is wrong.
        problem: String,
        /// What to do.
        advice: String,
    },
    /// The file is larger than [`MAX_FILE_BYTES`].
    #[error("{file}: larger than {MAX_FILE_BYTES} bytes; split it, or check that it is the file that was meant")]
    TooLarge {
        /// Name of the file as given.
        file: String,
    },
    /// The file could not be read, or is not UTF-8.
    #[error("{file}: cannot be read: {reason}; check the path, its permissions, and that it is UTF-8 text")]
    Unreadable {
        /// Name of the file as given.
        file: String,
        /// What the operating system said.
        reason: String,
    },
    /// A document cannot have the identifier that was asked for.
    #[error("the id cannot be used: {problem}; {advice}")]
    Identifier {
        /// What is wrong.
        problem: String,
        /// What to do.
        advice: String,
    },
    /// Two documents of one catalogue have the same identifier.
    #[error("two documents have the id {id:?}: {first}, and {second}; leave one out, or give it another id")]
    DuplicateDocument {
        /// The identifier.
        id: String,
        /// Where the one that was there comes from.
        first: String,
        /// Where the other one comes from.
        second: String,
    },
}

/// Why a site file cannot be used: the same shapes as for a document.
pub type SiteError = CatalogError;

/// What is wrong at some bytes of a text. [`Source::refusal`] makes an error of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) rule: Rule,
    pub(super) span: Range<usize>,
    pub(super) problem: String,
    pub(super) advice: String,
}

impl Fault {
    pub(super) fn new(rule: Rule, span: &Range<usize>, problem: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { rule, span: span.clone(), problem: problem.into(), advice: advice.into() }
    }

    /// What the TOML reader says.
    pub(super) fn of_toml(error: &toml::de::Error) -> Self {
        let (rule, problem, advice) = explain(error.message());
        Self { rule, span: error.span().unwrap_or(0..0), problem, advice }
    }
}

/// Faults as they are found, the first 10,000 of them: a text can hold more than anybody would read.
#[derive(Debug, Clone, Default)]
pub(super) struct Faults {
    pub(super) kept: Vec<Fault>,
    /// How many more there were.
    pub(super) beyond: usize,
}

impl Faults {
    const MOST: usize = 10_000;

    pub(super) fn push(&mut self, fault: Fault) {
        if self.kept.len() < Self::MOST { self.kept.push(fault) } else { self.beyond += 1 }
    }
}

/// A text with its name: makes errors that carry the place.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a str,
}

impl<'a> Source<'a> {
    /// Refuses a text that is too long.
    pub(super) fn new(name: &'a str, text: &'a str) -> Result<Self, CatalogError> {
        if text.len() > MAX_FILE_BYTES {
            return Err(CatalogError::TooLarge { file: name.to_owned() });
        }
        Ok(Self { name, text })
    }

    /// Reads the TOML form `T`.
    pub(super) fn parse<T: serde::de::DeserializeOwned>(self) -> Result<T, CatalogError> {
        toml::from_str(self.text).map_err(|error| self.refusal(Fault::of_toml(&error)))
    }

    /// The error of a fault of this text.
    pub(super) fn refusal(self, fault: Fault) -> CatalogError {
        self.error(&fault.span, fault.problem, fault.advice)
    }

    /// An error at a span of bytes.
    pub(super) fn error(
        self,
        span: &Range<usize>,
        problem: impl Into<String>,
        advice: impl Into<String>,
    ) -> CatalogError {
        CatalogError::Text {
            file: self.name.to_owned(),
            place: Place::of(self.text, span.start),
            problem: problem.into(),
            advice: advice.into(),
        }
    }
}

/// Reads a whole small text file.
pub(super) fn read_text(path: &Path) -> Result<(String, String), CatalogError> {
    let name = path.display().to_string();
    let unreadable = |error: std::io::Error| CatalogError::Unreadable { file: name.clone(), reason: error.to_string() };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_FILE_BYTES).unwrap_or(u64::MAX);
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > MAX_FILE_BYTES {
        return Err(CatalogError::TooLarge { file: name });
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok((name, text)),
        Err(error) => Err(CatalogError::Unreadable { file: name, reason: error.to_string() }),
    }
}

/// Turns the reader's message into a rule, a problem and advice. The names between backticks are the reader's: first the
/// one found, then those it would have taken.
fn explain(message: &str) -> (Rule, String, String) {
    let problem = message.trim().replace('\n', ", ");
    let names: Vec<&str> = problem.split('`').skip(1).step_by(2).collect();
    let first = names.first().copied().unwrap_or_default();
    let (rule, advice) = if problem.starts_with("unknown field") || problem.starts_with("unknown variant") {
        let rule = if problem.starts_with("unknown field") { Rule::UnknownKey } else { Rule::Value };
        let meant = suggestion(first, names.iter().skip(1).copied());
        (rule, meant.unwrap_or_else(|| "use one of these, or remove it".to_owned()))
    } else if first == "citation" && problem.starts_with("missing field") {
        (Rule::Citation, "add `citation = …`: the table, chapter or section that says it".to_owned())
    } else if problem.starts_with("missing field") {
        (Rule::MissingKey, format!("add `{first} = …` to this entry"))
    } else {
        (Rule::Value, "correct this line".to_owned())
    };
    (rule, problem, advice)
}

/// Names among which the one that was meant is looked for: the cost stays small whatever the file holds.
const SUGGESTED_FROM: usize = 1000;

/// "did you mean" for a misspelt name; `None` where nothing is close.
pub(super) fn suggestion<'a>(found: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    closest(found, known.take(SUGGESTED_FROM)).map(|best| format!("did you mean \"{best}\"?"))
}

/// The known name that is nearest to a misspelt one; `None` where nothing is close.
pub(super) fn closest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Only the beginning of a long name counts, so that the cost stays small whatever the file holds.
    let found: String = found.chars().take(64).collect::<String>().to_lowercase();
    let close = (found.chars().count() / 3).max(1);
    known
        .into_iter()
        .filter(|candidate| candidate.len() < 256)
        .map(|candidate| (strsim::damerau_levenshtein(&found, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= close)
        .min()
        .map(|(_, best)| best)
}

/// The beginning of a text that somebody wrote: a message stays readable, however long that is.
pub(super) fn short(text: &str) -> Cow<'_, str> {
    const SHOWN: usize = 64;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}

/// A list of names for advice, cut where it grows long.
pub(super) fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const SHOWN: usize = 20;
    let mut out = String::new();
    for (i, name) in names.enumerate() {
        if i == SHOWN {
            out.push_str(", …");
            break;
        }
        let _ = write!(out, "{}{}", if i == 0 { "" } else { ", " }, short(name));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters_not_bytes() {
        assert_eq!(Place::of("ä = 1\nöö = 2", 7), Place { line: 2, column: 1 });
        assert_eq!(Place::of("ä = 1\nöö = 2", 11), Place { line: 2, column: 3 });
        assert_eq!(Place::of("ab", 99), Place { line: 1, column: 3 });
    }

    #[test]
    fn nothing_close_means_no_suggestion() {
        assert_eq!(suggestion("agnet", ["agent", "client"].into_iter()).as_deref(), Some("did you mean \"agent\"?"));
        assert_eq!(suggestion("historian", ["agent", "client"].into_iter()), None);
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(short(&"ä".repeat(64)), "ä".repeat(64));
        assert_eq!(short(&"ä".repeat(65)), format!("{}…", "ä".repeat(64)));
    }

    #[test]
    fn a_text_that_is_too_long_is_refused() {
        let long = "#".repeat(MAX_FILE_BYTES + 1);
        assert!(matches!(Source::new("x.toml", &long), Err(CatalogError::TooLarge { .. })));
    }

    #[test]
    fn an_unreadable_file_is_named() {
        let error = read_text(Path::new("no/such/file.toml")).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(error.starts_with("no/such/file.toml: cannot be read"), "{error}");
    }
}

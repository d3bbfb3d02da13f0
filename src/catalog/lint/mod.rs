//! Reads a document or a site file as a whole and tells what is wrong with it, or looks wrong: everything at once, each with
//! its place, what to do, and the rule that found it.
//!
//! An *error* is what the reader refuses. A *warning* is a document that can be used and probably does not say what was
//! meant. A *hint* may well be right. Nothing is changed, and nothing outside the text is read.

mod announced;
mod form;
mod overlap;
mod problem;
mod references;
mod statements;
mod texts;

#[cfg(test)]
pub(super) mod cases;
#[cfg(test)]
mod guide_tests;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;

use super::catalogue::Catalog;
use super::document_reader::{Reading, read};
use super::error::{CatalogError, Fault, Place, Source, read_text};
use super::rule::{Rule, Severity};
use super::site::Site;
use super::site_reader::read_site;
use form::Extent;
use problem::Findings;
pub use problem::{MAX_PROBLEMS, Problem};
use std::path::Path;
use toml::Spanned;
use toml::de::DeTable;

/// Syntax errors that are told: one is often the cause of those behind it.
const MOST_SYNTAX_ERRORS: usize = 10;

/// Texts up to this size are read on behind a syntax error, in bytes: that takes some 300 times their size.
const MOST_READ_ON: usize = 128 * 1024;

/// What kind of file a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// A document, for [`lint`].
    Document,
    /// A site file, for [`lint_site`].
    Site,
}

/// Which kind of file a text is: a document has a table `[document]`. Where that is missing, or the text is broken, the
/// other tables decide; a text that tells nothing is taken for a document.
#[must_use]
pub fn file_kind(text: &str) -> FileKind {
    const DOCUMENT: [&str; 9] = [
        "conflict",
        "name",
        "table",
        "dynamic_range",
        "service_table",
        "communication",
        "announced",
        "scenario",
        "fact",
    ];
    const SITE: [&str; 7] = ["site", "zone", "host", "allow", "accept", "override", "pin"];
    let tables = tables(text);
    let count = |names: &[&str]| tables.iter().filter(|name| names.contains(&name.as_str())).count();
    let is_document = count(&["document"]) > 0 || count(&SITE) <= count(&DOCUMENT);
    if is_document { FileKind::Document } else { FileKind::Site }
}

/// Names of the tables of a text: of a broken one, what looks like their headings.
fn tables(text: &str) -> Vec<String> {
    match DeTable::parse(text) {
        Ok(tree) => tree.get_ref().iter().map(|(key, _)| key.get_ref().to_string()).collect(),
        Err(_) => {
            let headings = text.lines().filter_map(|line| line.trim_start().strip_prefix('['));
            let name =
                |rest: &str| rest.trim_start_matches('[').split(['.', ']']).next().map(|name| name.trim().to_owned());
            headings.filter_map(name).collect()
        }
    }
}

/// What is wrong with a document. `name` is that of the file, for the problems. In the order of the text, at most
/// [`MAX_PROBLEMS`] and one that says how many more there are. A document without an error is one that
/// [`Document::from_toml`](super::Document::from_toml) reads.
#[must_use]
pub fn lint(name: &str, text: &str) -> Vec<Problem> {
    let source = match Source::new(name, text) {
        Ok(source) => source,
        Err(error) => return vec![refusal(name, &error)],
    };
    let mut findings = Findings::new(source);
    let Some(tree) = tree(source, &mut findings) else { return findings.finish() };
    texts::check(tree.get_ref(), &mut findings);
    if let Some((form, extent)) = form::form(tree, &mut findings) {
        let mut reading = read(form);
        let mut faults = std::mem::take(&mut reading.faults);
        if extent > Extent::Whole {
            // The service may be that of an entry which is missing.
            faults.kept.retain(|fault| fault.rule != Rule::UnknownService);
        }
        let whole = extent == Extent::Whole && faults.kept.is_empty();
        if extent < Extent::WithoutReferred {
            findings.add_all(faults);
            statements::check(&reading, &mut findings);
            overlap::check(&reading, &mut findings);
            announced::check(&reading, &mut findings);
        } else {
            let what = "a role or a conflict cannot be read: what refers to it was not checked";
            findings.add(Rule::Unchecked, &(0..0), what, "correct it, and ask again");
        }
        if whole {
            references::check(&reading, &mut findings);
        }
    }
    findings.finish()
}

/// What is wrong with a file, whichever kind it is. A site file is read against the documents given and those that it
/// names.
///
/// # Errors
/// The file cannot be read, or is no UTF-8 text.
pub fn lint_file(path: &Path, catalog: &Catalog) -> Result<Vec<Problem>, CatalogError> {
    let (name, text) = read_text(path)?;
    if file_kind(&text) == FileKind::Document {
        return Ok(lint(&name, &text));
    }
    let mut catalog = catalog.clone();
    let read = read_site(path, &mut catalog);
    let mut problems = lint_site(&name, &text, &catalog);
    // What is wrong with a document that it names is told with that document's place.
    let whole = problems.iter().all(|problem| problem.severity != Severity::Error);
    match read {
        Err(CatalogError::Text { file, place, problem, advice }) if whole => {
            problems.push(Problem::new(Rule::SiteEntry, &file, place, &problem, &advice));
        }
        Err(error) if whole => problems.push(refusal(&name, &error)),
        _ => {}
    }
    Ok(problems)
}

/// What is wrong with a site file that is read against these documents, those that it names included: the first error of
/// its reader or else all of its warnings, all syntax errors, and what can be wrong with texts.
#[must_use]
pub fn lint_site(name: &str, text: &str, catalog: &Catalog) -> Vec<Problem> {
    let source = match Source::new(name, text) {
        Ok(source) => source,
        Err(error) => return vec![refusal(name, &error)],
    };
    let mut findings = Findings::new(source);
    let Some(tree) = tree(source, &mut findings) else { return findings.finish() };
    texts::check(tree.get_ref(), &mut findings);
    match Site::from_toml(name, text, catalog) {
        Ok(site) => {
            for warning in site.warnings().iter().take(MAX_PROBLEMS) {
                let (place, what, advice) = site_warning(name, warning);
                findings.add_at(Rule::SiteCheck, place, what, advice);
            }
        }
        Err(CatalogError::Text { place, problem, advice, .. }) => {
            findings.add_at(Rule::SiteEntry, place, problem, advice);
        }
        Err(error) => return vec![refusal(name, &error)],
    }
    findings.finish()
}

/// A warning of a site file is an error's text: name, place, what, advice.
fn site_warning<'w>(name: &str, warning: &'w str) -> (Place, &'w str, &'w str) {
    let rest = warning.strip_prefix(name).and_then(|rest| rest.strip_prefix(':')).unwrap_or(warning);
    let mut parts = rest.splitn(3, ':');
    let mut number = || parts.next().and_then(|part| part.parse().ok());
    let place = number().zip(number()).map(|(line, column)| Place { line, column });
    let told = place.and(parts.next()).unwrap_or(rest).trim_start();
    let (what, advice) = told.rsplit_once("; ").unwrap_or((told, "look at it"));
    (place.unwrap_or(Place { line: 1, column: 1 }), what, advice)
}

/// The tree of a text; nothing where it is not TOML.
fn tree<'a>(source: Source<'a>, findings: &mut Findings<'_>) -> Option<Spanned<DeTable<'a>>> {
    let first = match DeTable::parse(source.text) {
        Ok(tree) => return Some(tree),
        Err(error) => error,
    };
    let mut errors =
        if source.text.len() > MOST_READ_ON { Vec::new() } else { DeTable::parse_recoverable(source.text).1 };
    if errors.is_empty() {
        errors.push(first);
    }
    let mut faults: Vec<Fault> =
        errors.iter().map(|error| Fault { rule: Rule::Syntax, ..Fault::of_toml(error) }).collect();
    faults.sort_by_key(|fault| fault.span.start);
    let (mut told, mut told_until) = (0, 0);
    for fault in faults {
        let at = fault.span.start;
        if at < told_until || told == MOST_SYNTAX_ERRORS {
            continue;
        }
        // One for each line.
        told_until = at + source.text.get(at..).and_then(|rest| rest.find('\n')).map_or(1, |length| length + 1);
        told += 1;
        findings.add(fault.rule, &fault.span, fault.problem, fault.advice);
    }
    None
}

/// A file that cannot be read at all.
fn refusal(name: &str, error: &CatalogError) -> Problem {
    let text = error.to_string();
    let (what, advice) = text.rsplit_once("; ").unwrap_or((text.as_str(), "check the file"));
    let what = what.strip_prefix(&format!("{name}: ")).unwrap_or(what);
    Problem::new(Rule::Unreadable, name, Place { line: 1, column: 1 }, what, advice)
}

/// The rows of a document: the statements of each, and where it stands.
fn rows(reading: &Reading) -> impl Iterator<Item = (&std::ops::Range<usize>, &[super::PortStatement])> {
    let mut at = 0;
    reading.port_spans.chunk_by(|a, b| a == b).filter_map(move |spans| {
        let from = at;
        at += spans.len();
        Some((spans.first()?, reading.document.ports.get(from..at)?))
    })
}

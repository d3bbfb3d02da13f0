//! A problem as it is told, and the list of them: bounded, sorted, and fit to be printed.

use crate::catalog::error::{Fault, Faults, Place, Source};
use crate::catalog::rule::{Rule, Severity};
use std::collections::BTreeSet;
use std::ops::Range;

/// Problems that are listed; how many more there are is said in the last one.
pub const MAX_PROBLEMS: usize = 1000;

/// Characters of one message.
const MOST_CHARACTERS: usize = 600;

/// Characters of a name inside a message.
const MOST_NAME_CHARACTERS: usize = 80;

/// Something that is wrong, or looks wrong, in a document or a site file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How much it matters.
    pub severity: Severity,
    /// Name of the file as given.
    pub file: String,
    /// Line and column.
    pub place: Place,
    /// What is wrong. No control characters.
    pub what: String,
    /// What to do. No control characters.
    pub advice: String,
    /// The rule that found it.
    pub rule: Rule,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { severity, file, place, what, advice, rule } = self;
        write!(f, "{file}:{place}: {severity}: {what}; {advice} [{rule}]")
    }
}

/// Problems of one file while they are being found.
pub(super) struct Findings<'a> {
    source: Source<'a>,
    faults: Faults,
    /// Comparisons that are left: rules that compare everything with everything share them.
    comparisons: usize,
}

impl<'a> Findings<'a> {
    /// Enough for every pair of some 2,800 statements that all overlap.
    const COMPARISONS: usize = 4_000_000;

    pub(super) fn new(source: Source<'a>) -> Self {
        Self { source, faults: Faults::default(), comparisons: Self::COMPARISONS }
    }

    pub(super) fn add(&mut self, rule: Rule, span: &Range<usize>, what: impl Into<String>, advice: impl Into<String>) {
        self.faults.push(Fault::new(rule, span, what, advice));
    }

    /// As [`Findings::add`], for what is known by its place.
    pub(super) fn add_at(&mut self, rule: Rule, place: Place, what: impl Into<String>, advice: impl Into<String>) {
        let text = self.source.text;
        let lines = text.split_inclusive('\n').take(place.line.saturating_sub(1)).map(str::len).sum();
        let within = text.get(lines..).unwrap_or_default();
        let column = within.char_indices().nth(place.column.saturating_sub(1)).map_or(within.len(), |(at, _)| at);
        self.add(rule, &(lines + column..lines + column), what, advice);
    }

    pub(super) fn add_all(&mut self, faults: Faults) {
        self.faults.beyond += faults.beyond;
        for fault in faults.kept {
            self.faults.push(fault);
        }
    }

    /// The line of a span, for messages.
    pub(super) fn line(&self, span: &Range<usize>) -> usize {
        Place::of(self.source.text, span.start).line
    }

    /// Whether so many more comparisons may be made.
    pub(super) fn may_compare(&mut self, times: usize) -> bool {
        self.comparisons = self.comparisons.saturating_sub(times);
        self.comparisons > 0
    }

    /// The problems in the order of the file. Where there are too many, those that matter least are left out.
    pub(super) fn finish(mut self) -> Vec<Problem> {
        if self.comparisons == 0 {
            let what = "the document is too large to compare each statement with each other one";
            self.add(Rule::Unchecked, &(0..0), what, "divide it into documents that stand by themselves");
        }
        let Faults { kept: mut faults, mut beyond } = self.faults;
        faults.sort_by(|a, b| (a.rule, a.span.start, &a.problem).cmp(&(b.rule, b.span.start, &b.problem)));
        faults.dedup();
        let refused: BTreeSet<usize> =
            faults.iter().filter(|f| f.rule.severity() == Severity::Error).map(|f| f.span.start).collect();
        // What is refused need not be said to be empty or odd as well.
        faults.retain(|f| {
            !matches!(f.rule, Rule::EmptyText | Rule::ControlCharacter) || !refused.contains(&f.span.start)
        });
        beyond += faults.len().saturating_sub(MAX_PROBLEMS);
        faults.truncate(MAX_PROBLEMS);
        faults.sort_by_key(|fault| (fault.span.start, fault.rule));
        let lines = Lines::of(self.source.text);
        let mut problems: Vec<Problem> = faults.iter().map(|fault| problem(self.source, &lines, fault)).collect();
        if beyond > 0 {
            let span = self.source.text.len()..self.source.text.len();
            let what = format!("and {beyond} more");
            let fault = Fault::new(Rule::More, &span, what, "correct those above, and ask again");
            problems.push(problem(self.source, &lines, &fault));
        }
        problems
    }
}

fn problem(source: Source<'_>, lines: &Lines<'_>, fault: &Fault) -> Problem {
    Problem::new(fault.rule, source.name, lines.place(fault.span.start), &fault.problem, &fault.advice)
}

impl Problem {
    /// Texts may be anything: they are cut and made printable here.
    pub(super) fn new(rule: Rule, file: &str, place: Place, what: &str, advice: &str) -> Self {
        Self {
            severity: rule.severity(),
            file: printable(file, MOST_CHARACTERS),
            place,
            what: printable(what, MOST_CHARACTERS),
            advice: printable(advice, MOST_CHARACTERS),
            rule,
        }
    }
}

/// Where the lines of a text begin: a thousand places are looked up without counting lines a thousand times.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(breaks).collect() }
    }

    fn place(&self, offset: usize) -> Place {
        let line = self.starts.partition_point(|start| *start <= offset.min(self.text.len()));
        let start = line.checked_sub(1).and_then(|at| self.starts.get(at)).copied().unwrap_or_default();
        let within = Place::of(self.text.get(start..).unwrap_or_default(), offset.saturating_sub(start));
        Place { line: line.max(1), column: within.column }
    }
}

/// A name for a message: quoted, cut where it is long.
pub(super) fn quoted(name: &str) -> String {
    format!("{:?}", cut(name, MOST_NAME_CHARACTERS))
}

fn cut(text: &str, most: usize) -> std::borrow::Cow<'_, str> {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()).into(),
        None => text.into(),
    }
}

/// A text without characters that would act on a terminal instead of being shown.
fn printable(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most));
    for c in cut(text, most).chars() {
        if is_invisible(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    out
}

/// Control characters, and characters that have no shape or change the direction of others.
pub(super) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_agree_with_counting() {
        for text in ["", "\n", "a\n\näö\nb", "ä = 1\r\nöö = 2\n"] {
            let lines = Lines::of(text);
            for offset in 0..text.len() + 3 {
                assert_eq!(lines.place(offset), Place::of(text, offset), "{text:?} at {offset}");
            }
        }
    }

    #[test]
    fn places_come_back_as_they_went_in() {
        let text = "a\n\näö\r\nb";
        for offset in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
            let mut findings = Findings::new(Source { name: "x.toml", text });
            findings.add_at(Rule::SiteEntry, Place::of(text, offset), "w", "a");
            assert_eq!(findings.finish()[0].place, Place::of(text, offset));
        }
    }

    #[test]
    fn messages_are_cut_and_cannot_act() {
        assert_eq!(printable("a\u{1b}[31m\u{202e}b", 100), "a\\u{1b}[31m\\u{202e}b");
        assert_eq!(printable("äöü", 2), "äö…");
        assert_eq!(quoted(&"ä".repeat(100)).chars().count(), 2 + MOST_NAME_CHARACTERS + 1);
    }

    #[test]
    fn the_list_is_bounded_and_leaves_out_what_matters_least() {
        let text = "a\n".repeat(3000);
        let mut findings = Findings::new(Source { name: "x.toml", text: &text });
        for at in 0..1500 {
            findings.add(Rule::Overlap, &(at * 2..at * 2 + 1), "w", "a");
        }
        findings.add(Rule::StaticInDynamic, &(0..1), "h", "a");
        findings.add(Rule::UnknownRole, &(5000..5001), "e", "a");
        let problems = findings.finish();
        assert_eq!(problems.len(), MAX_PROBLEMS + 1);
        assert_eq!(
            problems[MAX_PROBLEMS].to_string(),
            "x.toml:3001:1: hint: and 502 more; correct those above, and ask again [more]"
        );
        assert!(problems.iter().any(|problem| problem.rule == Rule::UnknownRole && problem.place.line == 2501));
        assert!(!problems.iter().any(|problem| problem.rule == Rule::StaticInDynamic));
        assert!(problems.windows(2).all(|two| two[0].place.line <= two[1].place.line));
    }

    #[test]
    fn a_problem_is_told_once_and_an_error_silences_emptiness() {
        let mut findings = Findings::new(Source { name: "x.toml", text: "a" });
        findings.add(Rule::EmptyText, &(0..1), "empty", "a");
        findings.add(Rule::Citation, &(0..1), "c", "a");
        findings.add(Rule::Citation, &(0..1), "c", "a");
        let rules: Vec<Rule> = findings.finish().iter().map(|problem| problem.rule).collect();
        assert_eq!(rules, [Rule::Citation]);
    }
}

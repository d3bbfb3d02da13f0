//! `portproof catalog lint`: what is wrong with documents and site files, with place and advice.

use super::super::print;
use crate::catalog::{Problem, Severity, lint_file};
use crate::cli::catalog_args::LintArgs;
use crate::cli::outcome::{CliError, ExitStatus, tell};
use crate::report::ReportError;
use crate::report::text::{counted, visible};
use serde_json::json;

pub(super) fn run(args: &LintArgs, quiet: bool) -> Result<ExitStatus, CliError> {
    let mut problems = Vec::new();
    let catalog = super::catalog(&args.further)?;
    for path in &args.files {
        problems.extend(lint_file(path, &catalog)?);
    }
    let shown: Vec<&Problem> =
        problems.iter().filter(|problem| args.hints || problem.severity < Severity::Hint).collect();
    if args.json {
        print(&as_json(&problems)?)?;
    } else {
        print(&shown.iter().map(|problem| format!("{}\n", visible(&problem.to_string()))).collect::<String>())?;
    }
    if !quiet {
        tell(&summary(&problems, args));
    }
    let negative =
        |problem: &Problem| problem.severity == Severity::Error || args.strict && problem.severity == Severity::Warning;
    Ok(if problems.iter().any(negative) { ExitStatus::Findings } else { ExitStatus::Done })
}

fn summary(problems: &[Problem], args: &LintArgs) -> String {
    let files = counted(args.files.len() as u64, "file", "files");
    let count = |severity| problems.iter().filter(|problem| problem.severity == severity).count() as u64;
    let amounts = [
        (count(Severity::Error), "error", "errors"),
        (count(Severity::Warning), "warning", "warnings"),
        (count(Severity::Hint), "hint", "hints"),
    ];
    let found: Vec<String> =
        amounts.iter().filter(|(n, _, _)| *n > 0).map(|(n, one, many)| counted(*n, one, many)).collect();
    let hidden = if args.hints || args.json || count(Severity::Hint) == 0 { "" } else { " (--hints shows them)" };
    match found.as_slice() {
        [] => format!("{files}: nothing to complain about"),
        found => format!("{files}: {}{hidden}", found.join(", ")),
    }
}

fn as_json(problems: &[Problem]) -> Result<String, CliError> {
    let row = |problem: &Problem| {
        json!({
            "file": problem.file,
            "line": problem.place.line,
            "column": problem.place.column,
            "severity": problem.severity.name(),
            "rule": problem.rule.name(),
            "problem": problem.what,
            "advice": problem.advice,
        })
    };
    let rows: Vec<_> = problems.iter().map(row).collect();
    let mut text = serde_json::to_string_pretty(&json!({ "problems": rows })).map_err(ReportError::from)?;
    text.push('\n');
    Ok(text)
}

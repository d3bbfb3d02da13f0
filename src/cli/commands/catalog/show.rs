//! `portproof catalog show`: what the documents say about a port, a service or an executable.

use super::super::{page, print};
use crate::catalog::{Answer, Document, Question};
use crate::cli::catalog_args::ShowArgs;
use crate::cli::catalog_text;
use crate::cli::outcome::{CliError, ExitStatus, tell};
use crate::report::catalog::{Selection, json};

/// Names that are suggested.
const SUGGESTED: usize = 8;

pub(super) fn run(args: &ShowArgs) -> Result<ExitStatus, CliError> {
    let question = Question::read(&args.what).map_err(CliError::Usage)?;
    let catalog = super::catalog(&args.further)?;
    let answers = catalog.answers(&question);
    if args.json {
        let documents: Vec<Document> = answers.iter().map(Answer::to_document).collect();
        let documents: Vec<&Document> = documents.iter().collect();
        let mut out = Vec::new();
        json::write(&mut out, &Selection::new(&documents))?;
        print(&String::from_utf8_lossy(&out))?;
    } else {
        print(&catalog_text::answers(&page(), &question, &answers))?;
    }
    if !answers.is_empty() {
        return Ok(ExitStatus::Done);
    }
    let names = match &question {
        Question::Name(name) => catalog.names_like(name, SUGGESTED),
        Question::Ports(..) => Vec::new(),
    };
    let hint = if names.is_empty() { String::new() } else { format!("; did you mean {}?", names.join(", ")) };
    tell(&format!("no document says anything about {}{hint}", args.what.trim()));
    Ok(ExitStatus::NoEvidence)
}

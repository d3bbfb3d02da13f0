//! `portproof catalog export`: the statements of documents for other programs.

use super::super::unless_closed;
use crate::catalog::{Catalog, Document, DocumentKind};
use crate::cli::catalog_args::{ExportArgs, ExportFormat};
use crate::cli::outcome::{CliError, ExitStatus};
use crate::cli::output::{Existing, OutputFile, Readers};
use crate::report::ReportError;
use crate::report::catalog::{Section, Selection, json, markdown, table};
use crate::report::csv;
use std::io::{self, BufWriter, Write};

/// Stands for every document.
const ALL: &str = "all";

pub(super) fn run(args: &ExportArgs) -> Result<ExitStatus, CliError> {
    if args.section.is_some() && matches!(args.format, ExportFormat::Json | ExportFormat::Toml) {
        let format = if args.format == ExportFormat::Json { "JSON" } else { "TOML" };
        return Err(CliError::Usage(format!("{format} holds every section: leave --section out, or use --format csv")));
    }
    let output = match args.output.as_deref() {
        Some(path) if args.further.with.iter().any(|with| with == path) => {
            return Err(CliError::Usage(format!("{} is one of the inputs: name another file", path.display())));
        }
        Some(path) => {
            let existing = if args.force { Existing::Replace } else { Existing::Keep };
            Some(OutputFile::open(path, existing, Readers::Usual)?)
        }
        None => None,
    };
    let catalog = super::catalog(&args.further)?;
    let documents = selected(&catalog, &args.documents)?;
    if args.format == ExportFormat::Toml && documents.len() != 1 {
        let ids: Vec<&str> = catalog.documents().iter().map(|document| document.id.as_str()).collect();
        let problem = "TOML is the form of one document: choose it with --document";
        return Err(CliError::Usage(format!("{problem} {}", ids.join(" or "))));
    }
    let selection = Selection::new(&documents);
    match output {
        None => {
            let failed = CliError::io("standard output");
            unless_closed(write(io::stdout().lock(), args, &selection, failed))?;
        }
        Some(output) => {
            unless_closed(write(output.file(), args, &selection, |cause| output.error(cause)))?;
            output.keep()?;
        }
    }
    Ok(ExitStatus::Done)
}

/// The documents asked for, in the order of the catalogue; without a wish, those of vendors.
fn selected<'a>(catalog: &'a Catalog, ids: &[String]) -> Result<Vec<&'a Document>, CliError> {
    for id in ids.iter().filter(|id| *id != ALL) {
        if catalog.document(id).is_none() {
            let known: Vec<&str> = catalog.documents().iter().map(|document| document.id.as_str()).collect();
            return Err(CliError::Usage(format!(
                "no document has the id {id:?}; use one of {}, or all",
                known.join(", ")
            )));
        }
    }
    let wanted = |document: &&Document| match ids {
        [] => document.kind == DocumentKind::Vendor,
        ids => ids.iter().any(|id| id == ALL || *id == document.id),
    };
    Ok(catalog.documents().iter().filter(wanted).collect())
}

/// Writes in one go. `failed` names the output.
fn write(
    out: impl Write,
    args: &ExportArgs,
    selection: &Selection<'_>,
    failed: impl FnOnce(io::Error) -> CliError,
) -> Result<(), CliError> {
    let mut out = BufWriter::new(out);
    let written = match args.format {
        ExportFormat::Json => json::write(&mut out, selection),
        ExportFormat::Csv => csv::write_table(&mut out, &table(selection, args.section.unwrap_or(Section::Ports))),
        ExportFormat::Markdown => markdown::write(&mut out, selection, args.section),
        ExportFormat::Toml => selection.write_toml(&mut out),
    };
    match written.and_then(|()| out.flush().map_err(ReportError::Output)) {
        Err(ReportError::Output(cause)) => Err(failed(cause)),
        other => Ok(other?),
    }
}

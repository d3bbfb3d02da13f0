//! `portproof catalog …`: one file per subcommand.

mod export;
mod import_csv;
mod import_licence;
mod lint;
mod show;

use crate::catalog::{Catalog, Document, document_schema};
use crate::cli::catalog_args::{CatalogArgs, CatalogCommand, FurtherDocuments, ListArgs};
use crate::cli::catalog_text;
use crate::cli::documents;
use crate::cli::outcome::{CliError, ExitStatus};
use crate::cli::page::Page;
use crate::report::ReportError;
use crate::report::catalog::Selection;

pub(super) fn run(args: &CatalogArgs, quiet: bool) -> Result<ExitStatus, CliError> {
    match &args.command {
        CatalogCommand::List(args) => list(args, catalog_text::documents),
        CatalogCommand::Roles(args) => list(args, catalog_text::roles),
        CatalogCommand::Show(args) => show::run(args),
        CatalogCommand::Export(args) => export::run(args),
        CatalogCommand::Lint(args) => lint::run(args, quiet),
        CatalogCommand::Schema => schema(),
        CatalogCommand::ImportCsv(args) => import_csv::run(args, quiet),
        CatalogCommand::ImportLicense(args) => import_licence::run(args, quiet),
    }
}

/// The built-in documents and those that the user names.
fn catalog(further: &FurtherDocuments) -> Result<Catalog, CliError> {
    documents::catalog(&further.with)
}

fn list(args: &ListArgs, text: fn(&Page, &Catalog) -> String) -> Result<ExitStatus, CliError> {
    let catalog = catalog(&args.further)?;
    if args.json {
        print_heads(&catalog)?;
    } else {
        super::print(&text(&super::page(), &catalog))?;
    }
    Ok(ExitStatus::Done)
}

/// Documents and roles as JSON.
fn print_heads(catalog: &Catalog) -> Result<(), CliError> {
    let documents: Vec<&Document> = catalog.documents().iter().collect();
    let mut out = Vec::new();
    crate::report::catalog::json::write_heads(&mut out, &Selection::new(&documents))?;
    super::print(&String::from_utf8_lossy(&out))
}

/// The schema as it is tracked in `docs/document.schema.json`.
fn schema() -> Result<ExitStatus, CliError> {
    let text = serde_json::to_string_pretty(&document_schema()).map_err(ReportError::from)?;
    super::print(&format!("{text}\n"))?;
    Ok(ExitStatus::Done)
}

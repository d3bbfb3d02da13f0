//! `portproof catalog import-csv`: a spreadsheet of ports to a document in TOML.

use super::super::{print, unless_closed};
use crate::catalog::{MAX_FILE_BYTES, SpreadsheetOptions, import_spreadsheet};
use crate::cli::catalog_args::ImportCsvArgs;
use crate::cli::outcome::{CliError, ExitStatus, tell};
use crate::cli::output::{Existing, OutputFile, Readers};
use crate::report::text::counted;
use std::io::{Read, Write};
use std::path::Path;

/// Notes that are told one by one.
const TOLD: usize = 40;

pub(super) fn run(args: &ImportCsvArgs, quiet: bool) -> Result<ExitStatus, CliError> {
    if args.output.as_deref() == Some(args.file.as_path()) {
        return Err(CliError::Usage(format!("{} is the input: name another file", args.file.display())));
    }
    let output = match args.output.as_deref() {
        Some(path) => {
            let existing = if args.force { Existing::Replace } else { Existing::Keep };
            Some(OutputFile::open(path, existing, Readers::Usual)?)
        }
        None => None,
    };
    let (name, bytes) = read(&args.file)?;
    let imported = import_spreadsheet(&name, &bytes, &options(args))?;
    for note in imported.notes.iter().take(TOLD) {
        tell(&format!("{name}:{}: {}", note.line, note.text));
    }
    if imported.notes.len() > TOLD {
        tell(&format!("… and {} more", counted((imported.notes.len() - TOLD) as u64, "note", "notes")));
    }
    let document = &imported.document;
    if document.ports.is_empty() && document.dynamic_ranges.is_empty() {
        tell("no row holds a port that can be used: nothing was written");
        return Ok(ExitStatus::NoEvidence);
    }
    let text = document.to_toml();
    match output {
        None => print(&text)?,
        Some(output) => {
            unless_closed(output.file().write_all(text.as_bytes()).map_err(|cause| output.error(cause)))?;
            output.keep()?;
        }
    }
    if !quiet {
        let place = args.output.as_deref().map_or("FILE".to_owned(), |path| path.display().to_string());
        let rows = counted(imported.rows as u64, "row", "rows");
        let statements = counted(document.ports.len() as u64, "statement", "statements");
        tell(&format!("{rows}, {statements}; check it with: portproof catalog lint {place}"));
    }
    let lost = imported.notes.iter().any(|note| note.kind == crate::catalog::NoteKind::LeftOut);
    Ok(if lost { ExitStatus::Damaged } else { ExitStatus::Done })
}

fn options(args: &ImportCsvArgs) -> SpreadsheetOptions {
    SpreadsheetOptions {
        id: args.id.clone(),
        title: args.title.clone().unwrap_or_else(|| args.id.clone()),
        publisher: args.publisher.clone(),
        publication: args.publication.clone(),
        edition: args.edition.clone(),
        url: args.url.clone(),
        products: args.products.clone(),
    }
}

/// The file, or standard input for `-`; one byte more than may be, so that what is too long is seen.
fn read(file: &Path) -> Result<(String, Vec<u8>), CliError> {
    let name = if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() };
    let mut bytes = Vec::new();
    let limit = MAX_FILE_BYTES as u64 + 1;
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    read.map_err(CliError::io(name.clone()))?;
    Ok((name, bytes))
}

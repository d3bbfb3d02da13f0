//! `portproof flows`: the judged flow table.

use crate::classification::{flow_columns, flow_row, judge};
use crate::cli::args::{FlowsArgs, Format};
use crate::cli::facts::gather;
use crate::cli::outcome::{CliError, ExitStatus, tell};
use crate::model::Value;
use crate::report::{csv::write_csv, json::write_json};
use crate::store::write_table;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use tempfile::NamedTempFile;

pub(super) fn run(args: &FlowsArgs, quiet: bool) -> Result<ExitStatus, CliError> {
    if args.format == Format::Parquet && args.output.is_none() && io::stdout().is_terminal() {
        return Err(CliError::Usage(
            "Parquet is not for the terminal: name a file with -o, or redirect the output".into(),
        ));
    }
    // Opened before the work, so that a path that cannot be written is told at once; renamed when all is there.
    let file = args.output.as_deref().map(beside).transpose()?;
    let case = gather(&args.judge, false, quiet)?;
    let judged = judge(&case.facts, &case.catalog, case.site.as_ref());
    if judged.roles.are_guessed() && !quiet {
        tell("note: no site file, so roles are guessed from what hosts served; status is as sure as that");
    }
    let rows = judged.flows.iter().map(flow_row);
    match (file, args.format) {
        (None, Format::Parquet) => {
            let file = NamedTempFile::new().map_err(CliError::io("temporary file"))?;
            write_table(file.path(), &flow_columns(), rows)?;
            let mut written = file.reopen().map_err(CliError::io("temporary file"))?;
            io::copy(&mut written, &mut io::stdout().lock()).map_err(CliError::io("standard output"))?;
        }
        (None, format) => write(BufWriter::new(io::stdout().lock()), format, rows)?,
        (Some((file, target)), format) => {
            match format {
                Format::Parquet => write_table(file.path(), &flow_columns(), rows)?,
                format => write(BufWriter::new(file.as_file()), format, rows)?,
            }
            let io_error =
                |e: tempfile::PersistError| CliError::Io { what: target.display().to_string(), cause: e.error };
            file.persist(target).map_err(io_error)?;
        }
    }
    Ok(if case.damaged { ExitStatus::Damaged } else { ExitStatus::Done })
}

/// A temporary file in the folder of the target.
fn beside(target: &Path) -> Result<(NamedTempFile, &Path), CliError> {
    let folder = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if target.is_dir() {
        return Err(CliError::Usage(format!("{} is a folder: name a file", target.display())));
    }
    let file = tempfile::Builder::new().prefix(".portproof-").tempfile_in(folder);
    Ok((file.map_err(CliError::io(target.display().to_string()))?, target))
}

fn write(mut out: impl Write, format: Format, rows: impl Iterator<Item = Vec<Value>>) -> Result<(), CliError> {
    match format {
        Format::Json => write_json(&mut out, "flows", &flow_columns(), rows)?,
        _ => write_csv(&mut out, &flow_columns(), rows)?,
    }
    out.flush().map_err(CliError::io("output"))
}

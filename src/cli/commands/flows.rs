//! `portproof flows`: the judged flow table.

use super::unless_closed;
use crate::classification::{flow_cell, flow_cells, flow_columns};
use crate::cli::args::{FlowsArgs, Format};
use crate::cli::facts::gather;
use crate::cli::outcome::{CliError, ExitStatus, tell};
use crate::cli::output::{Existing, OutputFile, Readers, not_written, refuse_inputs};
use crate::model::JudgedFlow;
use crate::report::{ReportError, csv::write_csv, json::write_json, os_reason};
use crate::store::write_table;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use tempfile::NamedTempFile;

pub(super) fn run(args: &FlowsArgs, quiet: bool) -> Result<ExitStatus, CliError> {
    let named = args.output.as_deref().filter(|path| *path != Path::new("/dev/stdout"));
    if args.format == Format::Parquet && named.is_none() && io::stdout().is_terminal() {
        return Err(CliError::Usage(
            "Parquet is not for the terminal: name a file with -o, or redirect the output".into(),
        ));
    }
    // Opened before the work, so that a path that cannot be written is told at once; renamed when all is there.
    let output = match named {
        Some(path) => {
            refuse_inputs(path, &args.judge)?;
            let existing = if args.force { Existing::Replace } else { Existing::Keep };
            Some((path, OutputFile::open(path, existing, Readers::Usual)?))
        }
        None => None,
    };
    let case = gather(&args.judge, false, quiet)?;
    let judged = case.judged();
    if judged.roles.are_guessed() && !quiet {
        tell("note: no site file, so roles are guessed from what hosts served; status is as sure as that");
    }
    // Whoever reads may have had enough: that changes nothing in what was found.
    match output {
        None => {
            let failed = CliError::io("standard output");
            unless_closed(write(io::stdout().lock(), args.format, &judged.flows, failed))?;
        }
        Some((path, output)) => {
            unless_closed(write_file(path, &output, args.format, &judged.flows))?;
            output.keep()?;
        }
    }
    Ok(ExitStatus::of_metering(case.damaged, judged.flows.len() as u64))
}

fn write_file(named: &Path, output: &OutputFile, format: Format, flows: &[JudgedFlow]) -> Result<(), CliError> {
    match (format, output.path()) {
        (Format::Parquet, Some(path)) => {
            write_table(path, &flow_columns(), flows, flow_cell).map_err(|error| not_written(named, error))
        }
        (format, _) => write(output.file(), format, flows, |cause| output.error(cause)),
    }
}

/// Writes in one go, front to back. `failed` names the output.
fn write(
    out: impl Write,
    format: Format,
    flows: &[JudgedFlow],
    failed: impl FnOnce(io::Error) -> CliError,
) -> Result<(), CliError> {
    let mut out = BufWriter::new(out);
    let written = match format {
        Format::Parquet => {
            // Its writer wants a file of its own.
            let file = NamedTempFile::new().map_err(|e| CliError::io("temporary file")(os_reason(e)))?;
            write_table(file.path(), &flow_columns(), flows, flow_cell)
                .map_err(|error| not_written(Path::new("temporary file"), error))?;
            let mut written = file.reopen().map_err(CliError::io("temporary file"))?;
            io::copy(&mut written, &mut out).map(drop).map_err(ReportError::Output)
        }
        Format::Json => write_json(&mut out, "flows", &flow_columns(), flows.iter().map(flow_cells)),
        Format::Csv => write_csv(&mut out, &flow_columns(), flows.iter().map(flow_cells)),
    };
    match written.and_then(|()| out.flush().map_err(ReportError::Output)) {
        Err(ReportError::Output(cause)) => Err(failed(cause)),
        other => Ok(other?),
    }
}

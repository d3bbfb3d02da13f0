//! One file per command: it wires rooms together and decides nothing.

mod explain;
mod flows;
mod meter;
mod record;
mod report;

use super::args::{Arguments, Command};
use super::outcome::{CliError, ExitStatus};

pub(super) fn run(arguments: &Arguments) -> Result<ExitStatus, CliError> {
    let quiet = arguments.quiet;
    match &arguments.command {
        Command::Report(args) => report::run(args, quiet),
        Command::Flows(args) => flows::run(args, quiet),
        Command::Explain(args) => explain::run(args, quiet),
        Command::Meter(args) => meter::run(args, quiet),
        Command::Record(args) => record::run(args, quiet),
    }
}

/// Writes data to standard output.
fn print(text: &str) -> Result<(), CliError> {
    use std::io::Write;
    std::io::stdout().lock().write_all(text.as_bytes()).map_err(CliError::io("standard output"))
}

//! One file per command: it wires rooms together and decides nothing.

mod catalog;
mod explain;
mod flow_sums;
mod flow_tables;
mod flows;
mod meter;
mod record;
mod report;
mod settings;
mod site;
mod validate;
mod what_if;

use super::args::{Arguments, Command};
use super::interrupt;
use super::outcome::{CliError, ExitStatus};
use super::page::Page;

pub(super) fn run(arguments: &Arguments) -> Result<ExitStatus, CliError> {
    let quiet = arguments.quiet;
    // Asking the documents and writing settings take no time: there a signal ends the program, whatever it waits for.
    if !matches!(arguments.command, Command::Catalog(_) | Command::Settings(_)) {
        interrupt::watch()?;
    }
    match &arguments.command {
        Command::Report(args) => report::run(args, quiet),
        Command::Flows(args) => flows::run(args, quiet),
        Command::Explain(args) => explain::run(args, quiet),
        Command::Meter(args) => meter::run(args, quiet),
        Command::Record(args) => record::run(args, quiet),
        Command::Catalog(args) => catalog::run(args, quiet),
        Command::Site(args) => site::run(args, quiet),
        Command::Settings(args) => settings::run(args, quiet),
        Command::WhatIf(args) => what_if::run(args, quiet),
        Command::Validate(args) => validate::run(args, quiet),
    }
}

/// Writes data to standard output. A reader that has gone away is no error.
fn print(text: &str) -> Result<(), CliError> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    unless_closed(written.map_err(CliError::io("standard output")))
}

/// Forgives that nobody reads any more: a closed pipe ends the output, and neither the work nor its verdict.
fn unless_closed(written: Result<(), CliError>) -> Result<(), CliError> {
    match written {
        Err(error) if error.is_broken_pipe() => Ok(()),
        other => other,
    }
}

/// Columns where no terminal says how wide it is.
const WIDTH: u16 = 100;

/// The terminal behind standard output; colour only where somebody sees it.
fn page() -> Page {
    use std::io::IsTerminal;
    let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    Page::new(console::Term::stdout().size_checked().map_or(WIDTH, |(_, columns)| columns), colour)
}

//! The command line: what the user typed, the wiring of each command, progress, exit codes.
//!
//! The only room that knows terminals and clocks. stdout is data, stderr is talk. Outputs are proved writable before
//! long work starts. Exit codes, everywhere: 0 done; 1 a negative verdict (findings, where the user asked for one; a file that does not hold); 2 usage, or could
//! not run; 3 not enough evidence (nothing metered, or too little for a verdict); 4 done, but an input was damaged or could not be read.

mod args;
mod catalog_args;
mod catalog_text;
mod commands;
mod documents;
mod facts;
mod host_args;
mod interrupt;
mod outcome;
mod output;
mod page;
mod pipeline;
mod progress;
mod settings_args;
mod site_args;
pub mod terminal;
mod validate_args;
mod what_if_args;

pub use args::Arguments;
pub use outcome::{CliError, ExitStatus};

use clap::Parser;
use std::ffi::OsString;

/// Parses the command line, runs the command, and tells problems on stderr.
#[must_use]
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitStatus {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(answer) => {
            // Help and version are answers, not errors: clap knows which goes where.
            let usage = answer.use_stderr();
            let _ = answer.print();
            return if usage { ExitStatus::Usage } else { ExitStatus::Done };
        }
    };
    outcome::keep_panics();
    let run = || commands::run(&arguments);
    let Ok(result) = std::panic::catch_unwind(run) else {
        outcome::tell_panic();
        return ExitStatus::Usage;
    };
    match result {
        Ok(status) => status,
        Err(error) => {
            outcome::tell(&format!("error: {error}"));
            ExitStatus::Usage
        }
    }
}

//! The `portproof` program: parses, runs, maps the outcome to an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(portproof::cli::run(std::env::args_os()) as u8)
}

//! The `portproof` program: parses, runs, maps the outcome to an exit code.

use std::process::ExitCode;

/// Conversations, details and rows come and go by the million.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(portproof::cli::run(std::env::args_os()) as u8)
}

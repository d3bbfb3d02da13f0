//! Writes a recording of five days: `cargo run --example work_days DIRECTORY [SEED]`.
//!
//! Everything in it is synthetic, computed from a seed and a fixed clock. A server and an agent offer dynamic listeners, of which
//! only some are visited: at skewed rates, in bursts, once a day, or in sessions that last for hours or began before the
//! recording. The server restarts on the third day. It writes `work-days.pcapng`, `work-days.site.toml` and
//! `work-days.truth.toml`; the truth says what was played, and nothing in it comes from reading the recording. Report on it
//! with `--site work-days.site.toml --work-cycle 24h`.

mod generator;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let directory = arguments.next().map(PathBuf::from);
    let seed = match arguments.next() {
        None => Some(1),
        Some(text) => text.to_str().and_then(|text| text.parse().ok()),
    };
    let (Some(directory), Some(seed)) = (directory, seed) else {
        let _ = writeln!(std::io::stderr(), "usage: work_days DIRECTORY [SEED]");
        return ExitCode::from(2);
    };
    match write_into(&directory, seed) {
        Ok(summary) => {
            // A closed pipe is no reason to fail: the files are written.
            let _ = writeln!(std::io::stdout(), "{summary}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "work_days: {}: {error}", directory.display());
            ExitCode::from(2)
        }
    }
}

fn write_into(directory: &std::path::Path, seed: u64) -> Result<String, Box<dyn std::error::Error>> {
    let recording = generator::play(seed)?;
    std::fs::create_dir_all(directory)?;
    for (name, bytes) in recording.files() {
        // A file appears whole or not at all.
        let unfinished = directory.join(format!("{name}.tmp"));
        let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).open(&unfinished)?;
        file.write_all(&bytes)?;
        std::fs::rename(&unfinished, directory.join(&name))?;
    }
    Ok(format!("{}: {}", directory.display(), recording.truth.summary()))
}

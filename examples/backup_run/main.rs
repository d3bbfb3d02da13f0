//! Writes the demo recording: `cargo run --example backup_run [DIRECTORY]`.
//!
//! Everything in it is synthetic. The generator plays the data flows that the FactoryTalk AssetCentre guide prints,
//! above all the backup schedule run of its Table 4, with a fixed seed and a fixed clock: the same bytes every time.
//! It writes `backup-run.pcapng`, `backup-run.site.toml` and `backup-run.truth.toml` into DIRECTORY, by default
//! `captures`. The truth file says what was played; nothing in it comes from reading the recording.

mod generator;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let directory = PathBuf::from(std::env::args_os().nth(1).unwrap_or_else(|| "captures".into()));
    match write_into(&directory) {
        Ok(summary) => {
            // A closed pipe is no reason to fail: the files are written.
            let _ = writeln!(std::io::stdout(), "{summary}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "backup_run: {}: {error}", directory.display());
            ExitCode::from(2)
        }
    }
}

fn write_into(directory: &std::path::Path) -> Result<String, Box<dyn std::error::Error>> {
    let recording = generator::play()?;
    std::fs::create_dir_all(directory)?;
    for (name, bytes) in recording.files() {
        // A file appears whole or not at all.
        let unfinished = directory.join(format!("{name}.tmp"));
        let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).open(&unfinished)?;
        file.write_all(bytes)?;
        std::fs::rename(&unfinished, directory.join(&name))?;
    }
    Ok(format!("{}: {}", directory.display(), recording.summary))
}

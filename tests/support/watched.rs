//! Running the program while its memory is watched from outside.

#![allow(clippy::print_stdout, reason = "the figures are for the reader of the run")]

use crate::support::{self, Run};
use std::io::{BufWriter, Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

/// 2^20 bytes.
pub(crate) const MIB: u64 = 1 << 20;
/// Time after which a flood counts as hanging.
const HANGS: Duration = Duration::from_secs(300);

/// A run, and the most memory that was resident at once, in bytes.
pub(crate) struct Flooded {
    pub(crate) run: Run,
    pub(crate) peak_bytes: u64,
}

#[allow(dead_code, reason = "each user needs some of it")]
impl Flooded {
    /// Prints the figures, and checks the bound and how it ended.
    #[track_caller]
    pub(crate) fn within(self, bound: u64, code: i32, what: &str) -> Run {
        println!("{what}: peak {} MiB", self.peak_bytes / MIB);
        let run = self.run.expect(code);
        assert!(self.peak_bytes > MIB, "the peak was measured");
        assert!(self.peak_bytes <= bound, "{what}: {} MiB, {} are allowed", self.peak_bytes / MIB, bound / MIB);
        run
    }
}

/// Runs a command while a thread feeds its standard input.
pub(crate) fn flood(
    command: &mut Command,
    feed: impl FnOnce(&mut dyn Write) -> std::io::Result<()> + Send + 'static,
) -> Flooded {
    let shown = format!("{command:?}");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).env("NO_COLOR", "1");
    let mut child = command.spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let stdin = child.stdin.take().unwrap();
    let feeder = std::thread::spawn(move || {
        let mut out = BufWriter::with_capacity(1 << 16, stdin);
        // Whoever reads may have had enough.
        let _ = feed(&mut out).and_then(|()| out.flush());
    });
    let watcher = std::thread::spawn(move || {
        let mut peak_bytes = 0;
        // Without the line the process is gone, or waits to be reaped.
        while let Some(now) = high_water(&status) {
            peak_bytes = now.max(peak_bytes);
            std::thread::sleep(Duration::from_millis(5));
        }
        peak_bytes
    });
    let run = support::wait(child, &shown, HANGS);
    feeder.join().unwrap();
    Flooded { run, peak_bytes: watcher.join().unwrap() }
}

/// `VmHWM`: the most memory that was ever resident.
fn high_water(status: &str) -> Option<u64> {
    let mut text = String::new();
    std::fs::File::open(status).ok()?.read_to_string(&mut text).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

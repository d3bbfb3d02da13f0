//! Ctrl-C, a closed terminal or a polite kill: the work stops at the next packet and cleans up behind itself.

use super::outcome::CliError;
use std::sync::atomic::{AtomicBool, Ordering};

/// Exit code of a second Ctrl-C, which does not wait: 128 + SIGINT, as shells have it.
const IMPATIENT: i32 = 130;

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// Begins to watch for signals. A second one ends the program at once.
pub(super) fn watch() -> Result<(), CliError> {
    let on_signal = || {
        if REQUESTED.swap(true, Ordering::Relaxed) {
            std::process::exit(IMPATIENT);
        }
    };
    ctrlc::set_handler(on_signal).map_err(|e| CliError::Usage(format!("cannot watch for Ctrl-C: {e}")))
}

/// Whether the user wants to stop.
pub(super) fn requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}

/// Ends the work when the user wants to stop.
pub(super) fn check() -> Result<(), CliError> {
    if requested() { Err(CliError::Interrupted) } else { Ok(()) }
}

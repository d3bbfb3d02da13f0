//! `portproof meter`: captures to facts.

use super::print;
use crate::capture::expand;
use crate::cli::args::MeterArgs;
use crate::cli::facts::{meter, tell_end, tell_skipped};
use crate::cli::outcome::{CliError, ExitStatus};
use crate::model::CaptureSummary;
use crate::report::text::{count, visible};
use std::fmt::Write;

pub(super) fn run(args: &MeterArgs, quiet: bool) -> Result<ExitStatus, CliError> {
    let inputs = expand(&args.inputs)?;
    let metered = meter(&inputs, &args.output, &args.meter, args.hash, quiet)?;
    tell_skipped(&metered.skipped);
    for (_, capture) in &metered.captures {
        tell_end(&capture.name, capture.end.name(), capture.end.detail());
    }
    if !quiet {
        let mut text = String::new();
        for (_, capture) in &metered.captures {
            describe(capture, &mut text);
        }
        let flows = count(metered.summary.flows);
        let _ = writeln!(text, "{flows} flows in {}", visible(&args.output.to_string_lossy()));
        print(&text)?;
    }
    Ok(ExitStatus::of_metering(metered.is_damaged(), metered.summary.flows))
}

fn describe(capture: &CaptureSummary, text: &mut String) {
    let frames = count(capture.tally.frames());
    let _ = writeln!(text, "{}: {frames} frames, {} metered", visible(&capture.name), count(capture.tally.metered()));
    for (fate, frames) in capture.tally.iter() {
        let _ = writeln!(text, "  {:<28}{:>14}", fate.name(), count(frames));
    }
    if let Some(dropped) = capture.dropped() {
        let _ = writeln!(text, "  dropped by the recorder     {:>14}", count(dropped));
    }
    if let Some(stop) = &capture.first_stop {
        let _ = writeln!(text, "  not decoded to its end: {}", visible(stop));
    }
}

//! `portproof meter`: captures to facts.

use super::print;
use crate::capture::expand;
use crate::cli::args::MeterArgs;
use crate::cli::facts::{meter, tell_end, tell_skipped};
use crate::cli::host_args::read_host_tables;
use crate::cli::outcome::{CliError, ExitStatus};
use crate::model::CaptureSummary;
use crate::report::text::{count, counted, visible};
use std::fmt::Write;

pub(super) fn run(args: &MeterArgs, quiet: bool) -> Result<ExitStatus, CliError> {
    let inputs = expand(&args.inputs)?;
    let host_tables = read_host_tables(&args.hosts)?;
    let metered = meter(&inputs, &host_tables, &args.output, &args.meter, args.hash, quiet)?;
    tell_skipped(&metered.skipped);
    for (_, capture) in &metered.captures {
        tell_end(&capture.name, capture.end.name(), capture.end.detail());
    }
    if !quiet {
        let mut text = String::new();
        for (_, capture) in &metered.captures {
            describe(capture, &mut text);
        }
        if metered.comments > 0 {
            let comments = counted(metered.comments as u64, "comment", "comments");
            let _ = writeln!(text, "{comments} of whoever recorded or edited, in the table comments of the store");
        }
        for table in &host_tables {
            let (sockets, ranges) = (table.sockets.len() as u64, table.ranges.len() as u64);
            let sockets = counted(sockets, "socket", "sockets");
            let ranges = counted(ranges, "range of ports", "ranges of ports");
            let _ = writeln!(text, "{}: {sockets}, {ranges} of {}", visible(&table.source.file), table.source.host);
        }
        let flows = count(metered.summary.flows);
        let _ = writeln!(text, "{flows} flows in {}", visible(&args.output.to_string_lossy()));
        print(&text)?;
    }
    Ok(ExitStatus::of_metering(metered.is_damaged(), metered.summary.flows))
}

/// Fates that are listed; the store has all.
const FATES: usize = 40;

fn describe(capture: &CaptureSummary, text: &mut String) {
    let frames = count(capture.tally.frames());
    let _ = writeln!(text, "{}: {frames} frames, {} metered", visible(&capture.name), count(capture.tally.metered()));
    for (fate, frames) in capture.tally.iter().take(FATES) {
        let _ = writeln!(text, "  {:<28}{:>14}", fate.name(), count(frames));
    }
    let (more, frames) =
        capture.tally.iter().skip(FATES).fold((0_u64, 0), |(n, sum), (_, frames)| (n + 1, sum + frames));
    if more > 0 {
        let _ = writeln!(text, "  {:<28}{:>14}", format!("and {} more kinds", count(more)), count(frames));
    }
    if let Some(dropped) = capture.dropped() {
        let _ = writeln!(text, "  dropped by the recorder     {:>14}", count(dropped));
    }
    let reading = &capture.reading;
    let counts = [
        ("impossible lengths", reading.implausible_lengths),
        ("without a time stamp", reading.untimed_frames),
        ("damaged bytes passed over", reading.skipped_bytes),
        ("blocks of unknown kinds", reading.unknown_blocks),
        ("custom blocks", reading.custom_blocks),
        ("blocks of secrets, not read", reading.secrets_blocks),
        ("comments not kept", reading.comments_dropped),
        ("names not kept", reading.names_dropped),
        ("processes not kept", reading.processes_dropped),
    ];
    for (what, n) in counts.into_iter().filter(|(_, n)| *n > 0) {
        let _ = writeln!(text, "  {what:<28}{:>14}", count(n));
    }
    if let Some(filter) = &capture.filter {
        let _ = writeln!(text, "  filter: {}", visible(filter));
    }
    if let Some(stop) = &capture.first_stop {
        let _ = writeln!(text, "  not decoded to its end: {}", visible(stop));
    }
}

//! From what the user named to facts: stores are read, captures are metered into a store first.

use super::args::{JudgeArgs, MeterOptions, ns};
use super::documents::catalog_at_site;
use super::host_args::{HostTableArgs, read_host_tables};
use super::outcome::{CliError, tell};
use super::pipeline;
use super::progress::Progress;
use crate::capture::{Filter, Input, Observation, ObservationEnd, OpenOptions, expand};
use crate::catalog::{Catalog, Site};
use crate::classification::{HostTables, Judge, JudgeSettings, Judged, judge_with};
use crate::metering::{Meter, MeterSummary};
use crate::model::{CaptureEnd, CaptureIndex, CaptureSummary, HostTable, Tally};
use crate::report::{gaps, os_reason};
use crate::store::schema::{CaptureIds, LossRow};
use crate::store::{Facts, PartitionWriter, is_store, read_facts};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// Warnings of link types that are not decoded; the rest is summed up.
const WARNINGS: usize = 10;
/// Names of one address that a report takes.
const NAMES_OF_ADDRESS: usize = 16;
/// What the detail of an end says where reading went on behind damage.
const WENT_ON: &str = "; reading went on at byte ";

/// What metering a set of captures gave.
pub(super) struct Metered {
    pub(super) captures: Vec<(CaptureIndex, CaptureSummary)>,
    pub(super) summary: MeterSummary,
    /// Comments that the recordings hold.
    pub(super) comments: usize,
    /// Inputs that could not be read, each with its reason.
    pub(super) skipped: Vec<String>,
}

impl Metered {
    /// Whether an input was skipped, cut short or corrupt.
    pub(super) fn is_damaged(&self) -> bool {
        !self.skipped.is_empty() || self.captures.iter().any(|(_, c)| c.end != CaptureEnd::Complete)
    }
}

/// Meters captures into a partition of a store, which keeps the host tables too.
pub(super) fn meter(
    inputs: &[Input],
    host_tables: &[HostTable],
    store: &Path,
    options: &MeterOptions,
    hash: bool,
    quiet: bool,
) -> Result<Metered, CliError> {
    // A mistake in the filter is told before anything is read.
    let filter = options.filter.as_deref().map(Filter::new).transpose()?;
    let mut observation = Observation::open(inputs, OpenOptions { hash })?.with_filter(filter);
    for note in observation.notes() {
        tell(&format!("note: {note}"));
    }
    let total_bytes = inputs.iter().map(Input::size_bytes).sum::<Option<u64>>();
    let ids = CaptureIds(observation.ids(inputs.len()));
    let writer = PartitionWriter::create(store, ids)?;
    let progress = Progress::new(total_bytes, quiet);
    let meter = Meter::new(options.settings(), writer);
    let (summary, mut writer) = pipeline::run(&mut observation, meter, options.threads(), progress)?.finish()?;
    let ObservationEnd { mut captures, skipped, names, comments, filter_notes } = observation.finish();
    filter_notes.iter().for_each(|note| tell(&format!("warning: {note}")));
    writer.remarks(&names, &comments)?;
    host_tables.iter().try_for_each(|table| writer.host_table(table))?;
    for (index, capture) in &mut captures {
        let index = index.0 as usize;
        let metered = summary.tallies.get(index).into_iter().flat_map(Tally::iter);
        metered.for_each(|(fate, frames)| capture.tally.add(fate, frames));
        capture.first_stop = summary.first_stops.get(index).cloned().flatten();
    }
    let losses = [
        LossRow { kind: "flows-evicted", count: summary.evicted },
        LossRow { kind: "icmp-unattached", count: summary.icmp_unattached },
        LossRow { kind: if options.dedup { "duplicates-left-out" } else { "duplicates" }, count: summary.duplicates },
        LossRow { kind: "fragment-overlaps", count: summary.fragment_overlaps },
        LossRow { kind: "sockets-dropped", count: summary.sockets_dropped },
        LossRow { kind: "announcements-dropped", count: summary.announcements_dropped },
        LossRow { kind: "details-dropped", count: summary.details_dropped },
        LossRow { kind: "names-dropped", count: summary.names_dropped },
        LossRow { kind: "streams-given-up", count: summary.streams_given_up },
    ];
    writer.commit(&captures, &losses.into_iter().filter(|loss| loss.count > 0).collect::<Vec<_>>())?;
    Ok(Metered { captures, summary, comments: comments.len(), skipped })
}

impl Case {
    /// All flows, judged.
    pub(super) fn judged(&self) -> Judged {
        judge_with(&self.facts, &self.catalog, self.site.as_ref(), self.settings)
    }

    /// Who judges the flows, one by one.
    pub(super) fn judge<'a>(&'a self, hosts: &'a HostTables<'a>) -> Judge<'a> {
        Judge::of(&self.facts, hosts, &self.catalog, self.site.as_ref(), self.settings)
    }

    /// Why nothing seen proves little: what was lost, damage and inputs that were not read among it, one reason each.
    pub(super) fn gaps(&self) -> Vec<String> {
        let mut gaps = gaps::why_no_verdict(&self.facts.captures, &self.facts.losses);
        let cut = self.facts.captures.iter().filter_map(|c| Some(format!("{}: {}", c.name, c.end_detail.as_ref()?)));
        gaps.extend(cut);
        gaps.extend(self.skipped.iter().map(|reason| format!("not read: {reason}")));
        gaps
    }

    /// Names of addresses that the recordings state.
    pub(super) fn names(&self) -> BTreeMap<IpAddr, Vec<String>> {
        let mut names: BTreeMap<IpAddr, Vec<String>> = BTreeMap::new();
        for fact in &self.facts.names {
            let of = names.entry(fact.address).or_default();
            if !of.contains(&fact.name) && of.len() < NAMES_OF_ADDRESS {
                of.push(fact.name.clone());
            }
        }
        names
    }
}

/// Facts, documents and site: what every judgement needs.
pub(super) struct Case {
    pub(super) facts: Facts,
    /// The documents as they hold at the site.
    pub(super) catalog: Catalog,
    pub(super) site: Option<Site>,
    pub(super) skipped: Vec<String>,
    pub(super) damaged: bool,
    settings: JudgeSettings,
}

/// Reads documents and site first (they fail fast), then the stores, and meters the captures.
pub(super) fn gather(args: &JudgeArgs, hash: bool, quiet: bool) -> Result<Case, CliError> {
    gather_from(args, &args.inputs, &args.hosts, hash, quiet)
}

/// The same for another recording, from before: host tables are not about it.
pub(super) fn gather_before(args: &JudgeArgs, before: &Path, quiet: bool) -> Result<Case, CliError> {
    gather_from(args, &[before.to_owned()], &HostTableArgs::default(), true, quiet)
}

fn gather_from(
    args: &JudgeArgs,
    inputs: &[PathBuf],
    hosts: &HostTableArgs,
    hash: bool,
    quiet: bool,
) -> Result<Case, CliError> {
    let (catalog, site) = catalog_at_site(&args.documents, args.site.as_deref())?;
    let host_tables = read_host_tables(hosts)?;
    let (stores, captures): (Vec<&PathBuf>, Vec<&PathBuf>) = inputs.iter().partition(|i| is_store(i));
    let mut facts = Facts::default();
    for store in stores {
        facts.append(read_facts(store)?);
    }
    let mut skipped = Vec::new();
    if !captures.is_empty() {
        let inputs = expand(&captures)?;
        let folder = tempfile::tempdir().map_err(|e| CliError::io("temporary folder for the facts")(os_reason(e)))?;
        let store = folder.path().join("facts");
        let metered = meter(&inputs, &[], &store, &args.meter, hash, quiet)?;
        facts.append(read_facts(&store)?);
        skipped = metered.skipped;
    } else {
        without_effect(&args.meter);
    }
    host_tables.into_iter().for_each(|table| facts.add_host_table(table));
    let damaged = !skipped.is_empty() || facts.captures.iter().any(|c| c.end != CaptureEnd::Complete.name());
    tell_skipped(&skipped);
    for capture in &facts.captures {
        tell_end(&capture.name, &capture.end, capture.end_detail.as_deref());
    }
    warn_of_undecoded(&facts);
    let broker_within_ns = ns(args.broker_within);
    Ok(Case { facts, catalog, site, skipped, damaged, settings: JudgeSettings { broker_within_ns } })
}

/// Tells which options say how captures are metered, where there are none.
fn without_effect(options: &MeterOptions) {
    let names = options.changed();
    if !names.is_empty() {
        let have = if names.len() == 1 { "has" } else { "have" };
        let names = names.join(", ");
        tell(&format!("note: {names} {have} no effect: no captures are given, and a store is metered already"));
    }
}

/// Tells which inputs were not read, and why.
pub(super) fn tell_skipped(skipped: &[String]) {
    for reason in skipped {
        tell(&format!("warning: skipped {reason}"));
    }
}

/// Tells that reading a capture ended early; `detail` says where and why, and is missing where it did not.
pub(super) fn tell_end(capture: &str, end: &str, detail: Option<&str>) {
    if let Some(detail) = detail {
        let used = if detail.contains(WENT_ON) { "what could be read is used" } else { "what came before it is used" };
        tell(&format!("warning: {capture}: {end}: {detail}; {used}"));
    }
}

/// Frames that could not be decoded are counted in every report; where they are many, they are told at once.
fn warn_of_undecoded(facts: &Facts) {
    let (mut told, mut more_frames) = (0, 0_u64);
    for capture in &facts.captures {
        for (fate, frames) in capture.fates.iter().filter(|(fate, _)| fate.starts_with("linktype-")) {
            let link = fate.trim_start_matches("linktype-");
            told += 1;
            if told > WARNINGS {
                more_frames += frames;
                continue;
            }
            tell(&format!(
                "warning: {}: {frames} frames of link type {link} are not decoded, only counted",
                capture.name
            ));
        }
        if let Some(stop) = &capture.first_stop {
            let frames: u64 =
                capture.fates.iter().filter(|(fate, _)| fate.starts_with("malformed")).map(|(_, n)| n).sum();
            if frames > 0 {
                tell(&format!("warning: {}: {frames} frames could not be decoded; first: {stop}", capture.name));
            }
        }
    }
    if more_frames > 0 {
        tell(&format!("warning: further link types, with {more_frames} frames, are not decoded, only counted"));
    }
}

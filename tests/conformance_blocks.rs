//! Blocks of real pcapng captures that are not part of the project, against the counts of an independent parser. Run with
//!
//! ```text
//! PORTPROOF_SHARED=../shared cargo test --test conformance_blocks -- --ignored --nocapture
//! ```
//!
//! `$PORTPROOF_SHARED/corpus/truth/pcapng_blocks.tsv` holds the counts. The test prints what differs; without the folder it
//! says so and passes.

#![allow(clippy::print_stdout, reason = "what was skipped, and the figures, are for the reader of the run")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by failing")]

mod support;

use portproof::capture::{Input, Observation, ObservationEnd, OpenOptions};
use std::collections::BTreeMap;
use std::path::Path;
use support::{Row, shared, tsv};

/// Captures of which the other parser says something else, and why that is no fault of ours.
const EXPLAINED: &[(&str, &str)] = &[
    (
        "format/google__le__test901.pcapng",
        "a section of unknown version: draft-ietf-opsawg-pcapng section 4.1 leaves it out, the other parser reads it",
    ),
    (
        "malformed/seladb__crash-pcapng-epb-unbounded-length.pcap",
        "a packet block that claims 65,536 captured bytes and has none: the other parser counts headers of blocks",
    ),
];

/// "SHB:1,EPB:4" as a map.
fn counts(text: &str) -> BTreeMap<&str, u64> {
    text.split(',').filter_map(|part| part.split_once(':')).map(|(kind, n)| (kind, n.parse().unwrap())).collect()
}

fn read(path: &Path) -> (u64, ObservationEnd) {
    let mut observation = Observation::open(&[Input::File(path.to_owned())], OpenOptions::default()).unwrap();
    let mut frames = 0;
    while observation.next_frame().is_some() {
        frames += 1;
    }
    (frames, observation.finish())
}

/// What differs in one file: what is counted, theirs, ours.
fn differences(row: &Row, path: &Path) -> Vec<(&'static str, u64, u64)> {
    let (frames, end) = read(path);
    let [(_, summary)] = &end.captures[..] else { panic!("one capture") };
    let reading = &summary.reading;
    let theirs = counts(&row["blocks"]);
    let of = |kinds: &[&str]| kinds.iter().filter_map(|kind| theirs.get(kind)).sum::<u64>();
    let packets = of(&["EPB", "SPB", "PB(obsolete)"]);
    let known = ["SHB", "IDB", "EPB", "SPB", "PB(obsolete)", "NRB", "ISB", "DSB", "custom-copy", "custom-nocopy"];
    let all = theirs.values().sum::<u64>();
    let damaged = u64::from(summary.end.detail().is_some());
    let comments = end.comments.len() as u64 + reading.comments_dropped;
    let compared = [
        ("packets", packets, frames),
        ("interfaces", row["interfaces"].parse().unwrap(), reading.interfaces),
        ("comments", row["comments"].parse().unwrap(), comments),
        ("secrets", of(&["DSB"]), reading.secrets_blocks),
        ("custom", of(&["custom-copy", "custom-nocopy"]), reading.custom_blocks),
        ("unknown", all - of(&known), reading.unknown_blocks),
        ("problems", u64::from(!row["problem"].is_empty()), damaged),
    ];
    compared.into_iter().filter(|(_, theirs, ours)| theirs != ours).collect()
}

#[test]
#[ignore = "needs the outside corpora; .ci/run runs it"]
fn block_counts_are_those_of_another_parser() {
    let Some(corpus) = shared("corpus") else { return };
    let truth = tsv(&corpus.join("truth/pcapng_blocks.tsv"));
    let mut unexplained = Vec::new();
    for row in &truth {
        let file = row["file"].as_str();
        let differ = differences(row, &corpus.join(file));
        let reason = EXPLAINED.iter().find(|(name, _)| *name == file).map(|(_, reason)| *reason);
        for (what, theirs, ours) in &differ {
            println!("{file}: {what}: theirs {theirs}, ours {ours}{}", reason.map_or("", |_| " (explained)"));
        }
        if let Some(reason) = reason {
            println!("    {reason}");
        } else if !differ.is_empty() {
            unexplained.push(file);
        }
    }
    println!("{} pcapng captures, {} with differences that nobody explained", truth.len(), unexplained.len());
    assert_eq!(unexplained, Vec::<&str>::new());
}

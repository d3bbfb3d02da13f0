//! One thread or two, frame by frame or in batches, from one file or several: the facts are the same.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by failing")]
#![allow(clippy::disallowed_methods, reason = "tests write their own inputs")]

mod support;

use support::{captures, portproof};

use portproof::capture::{Input, Observation, OpenOptions};
use portproof::metering::{Meter, MeterSettings, Prepared};
use std::path::{Path, PathBuf};

#[path = "support/heard.rs"]
mod heard;
use heard::Heard;

/// The demo recording in two files, packet by packet in turn, so that both are read at once.
fn in_turn(folder: &Path) -> Vec<PathBuf> {
    let recorded = captures::read(&std::fs::read(support::demo()).unwrap());
    let (even, odd): (Vec<_>, Vec<_>) = recorded.packets.iter().cloned().enumerate().partition(|(i, _)| i % 2 == 0);
    let files = [("even.pcap", even), ("odd.pcap", odd)].map(|(name, packets)| {
        let packets: Vec<_> = packets.into_iter().map(|(_, packet)| packet).collect();
        let bytes = captures::pcap(recorded.link_type, &packets, captures::Resolution::Nano, captures::Order::Little);
        let path = folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    });
    files.into()
}

/// Every file below a folder, with its bytes.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => all.extend(files(&path)),
            false => all.push((path.file_name().unwrap().into(), std::fs::read(&path).unwrap())),
        }
    }
    all.sort();
    all
}

#[test]
fn a_store_is_the_same_bytes_for_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    for (name, inputs) in [("alone", vec![support::demo()]), ("in-turn", in_turn(folder.path()))] {
        let stores = ["1", "2", "7"].map(|threads| {
            let store = folder.path().join(format!("{name}-{threads}"));
            let options = ["-q".as_ref(), "meter".as_ref(), "--threads".as_ref(), threads.as_ref(), "-o".as_ref()];
            let arguments = options.into_iter().chain([store.as_os_str()]).chain(inputs.iter().map(|p| p.as_os_str()));
            portproof(arguments).expect(0);
            files(&store)
        });
        assert!(stores[0].len() > 10 && stores[0] == stores[1] && stores[0] == stores[2], "{name}");
    }
}

fn opened(inputs: &[PathBuf]) -> Observation {
    let inputs: Vec<_> = inputs.iter().cloned().map(Input::File).collect();
    Observation::open(&inputs, OpenOptions::default()).unwrap()
}

fn by_frame(inputs: &[PathBuf]) -> Heard {
    let mut observation = opened(inputs);
    let mut meter = Meter::new(MeterSettings::default(), Heard::default());
    while let Some(frame) = observation.next_frame() {
        let Ok(()) = meter.frame(&frame);
    }
    let Ok((_, heard)) = meter.finish();
    heard
}

fn by_batch(inputs: &[PathBuf]) -> Heard {
    let mut observation = opened(inputs);
    let mut meter = Meter::new(MeterSettings::default(), Heard::default());
    let (mut preparer, mut bytes, mut frames) = (meter.preparer(), Vec::new(), Prepared::default());
    while observation.next_batch(&mut bytes, |frame, at| preparer.prepare(frame, at, &mut frames)) > 0 {
        let Ok(()) = meter.batch(&frames, &bytes);
        frames.clear();
    }
    let Ok((_, heard)) = meter.finish();
    heard
}

#[test]
fn batches_tell_what_single_frames_tell() {
    let folder = tempfile::tempdir().unwrap();
    let recorded = std::fs::read(support::demo()).unwrap();
    let cut = folder.path().join("cut.pcapng");
    std::fs::write(&cut, &recorded[..recorded.len() / 2 + 7]).unwrap();
    // Files one after the other: a batch ends where the next one begins.
    for inputs in [vec![support::demo()], in_turn(folder.path()), vec![cut.clone()], vec![cut, support::demo()]] {
        let (single, batched) = (by_frame(&inputs), by_batch(&inputs));
        assert!(!single.flows.is_empty() && !single.details.is_empty());
        assert_eq!(single.flows, batched.flows);
        assert_eq!((single.details, single.announcements), (batched.details, batched.announcements));
        assert_eq!(single.names, batched.names);
    }
}

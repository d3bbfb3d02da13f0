//! Makes the first inputs of every target from captures, documents and examples.
//!
//! ```text
//! seeds CORPUS_FOLDER PATH...
//! ```
//!
//! Each PATH is a file or a folder, searched to its end. Captures give inputs for `capture_file` and their frames inputs for
//! `decode`, at most [`FRAMES_PER_CAPTURE`] of each; TOML, licence and spreadsheet files give inputs for `documents`.
//! Inputs for `metering` are made up. Names are counted: the same paths give the same files.

// Linked in, because the crates are instrumented: it brings the counters that they write to, and not its `main`.
extern crate libfuzzer_sys;

use portproof::capture::{CaptureFile, Input, OpenOptions};
use portproof::decode::Decoder;
use portproof::model::{CaptureIndex, Content, FlowKey, Protocol, Side, Transport};
use portproof_fuzz::{LINK_TYPES, Reader, of_files};
use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Frames of one capture that become inputs.
const FRAMES_PER_CAPTURE: usize = 20;
/// Captures and texts up to this size become inputs whole; of larger captures the start is taken.
const LARGEST: usize = 16 * 1024;

/// Conversations of one capture that become inputs.
const CONVERSATIONS_PER_CAPTURE: usize = 12;

/// Appends bytes in the pieces that the targets read: see `fuzz/src/application.rs`.
fn piece(input: &mut Vec<u8>, side: Side, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let unit = (0..=63_u8).rev().find(|n| piece_bytes(*n) <= bytes.len()).unwrap_or(1);
        let (now, rest) = bytes.split_at(piece_bytes(unit));
        input.push(unit | if side == Side::B { 0x80 } else { 0 });
        input.extend_from_slice(now);
        bytes = rest;
    }
}

fn piece_bytes(unit: u8) -> usize {
    let unit = usize::from(unit);
    (unit * unit / 4).max(unit)
}

struct Seeds {
    folder: PathBuf,
    count: usize,
    /// What was written, so that nothing is twice.
    seen: HashSet<Vec<u8>>,
}

impl Seeds {
    fn write(&mut self, target: &str, input: &[u8]) -> io::Result<()> {
        if !self.seen.insert([target.as_bytes(), input].concat()) {
            return Ok(());
        }
        let folder = self.folder.join(target);
        fs::create_dir_all(&folder)?;
        self.count += 1;
        fs::write(folder.join(format!("seed-{:05}", self.count)), input)
    }

    fn path(&mut self, path: &Path) -> io::Result<()> {
        if path.is_dir() {
            let mut inner: Vec<PathBuf> = fs::read_dir(path)?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
            inner.sort();
            return inner.iter().try_for_each(|path| self.path(path));
        }
        let reader = match path.extension().and_then(|extension| extension.to_str()) {
            Some("toml") if path.to_string_lossy().contains("site") => Some(Reader::Site),
            Some("toml") => Some(Reader::Document),
            Some("lic") => Some(Reader::Licence),
            Some("csv" | "tsv") => Some(Reader::Spreadsheet),
            Some("md" | "txt" | "py" | "json" | "rs") => return Ok(()),
            _ => None,
        };
        let bytes = fs::read(path)?;
        match reader {
            Some(reader) => self.write("documents", &reader.input(&bytes[..bytes.len().min(4 * LARGEST)])),
            None => self.capture(path, &bytes),
        }
    }

    fn capture(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let start = &bytes[..bytes.len().min(LARGEST)];
        self.write("capture_file", &of_files(&[start]))?;
        let part = &bytes[..bytes.len().min(LARGEST / 8)];
        self.write("capture_file", &of_files(&[part, &start[..start.len() / 2], part]))?;
        self.conversations(path)?;
        let Ok(mut file) = CaptureFile::open(&Input::File(path.into()), CaptureIndex(0), OpenOptions::default()) else {
            return Ok(());
        };
        let (mut frames, mut step) = (0, 1);
        while file.advance() {
            frames += 1;
            // The first ones, then fewer and fewer: what comes later is mostly alike.
            if frames % step != 0 {
                continue;
            }
            step = 1 + frames / FRAMES_PER_CAPTURE;
            let Some(frame) = file.frame() else { break };
            let Some(link) = LINK_TYPES.iter().position(|link| *link == frame.link_type.0) else { continue };
            let missing = (frame.wire_bytes as usize).saturating_sub(frame.data.len()).min(254) as u8;
            self.write("decode", &[&[link as u8, missing], &frame.data[..frame.data.len().min(512)]].concat())?;
        }
        Ok(())
    }

    /// Payload of the first conversations of a capture, in the order of its frames: inputs of recognisers and followers.
    fn conversations(&mut self, path: &Path) -> io::Result<()> {
        let Ok(mut file) = CaptureFile::open(&Input::File(path.into()), CaptureIndex(0), OpenOptions::default()) else {
            return Ok(());
        };
        let mut found: Vec<(FlowKey, Vec<u8>)> = Vec::new();
        let mut decoder = Decoder::default();
        while file.advance() {
            let Some(frame) = file.frame() else { break };
            let Content::Packet(packet) = decoder.decode(&frame).content else { continue };
            let (key, side) = FlowKey::new(packet.segment.transport(), packet.source, packet.destination);
            if packet.payload.is_empty() {
                continue;
            }
            let at = found.iter().position(|(other, _)| *other == key).unwrap_or_else(|| {
                if found.len() < CONVERSATIONS_PER_CAPTURE {
                    found.push((key, Vec::new()));
                }
                found.len() - 1
            });
            let (other, input) = &mut found[at];
            if *other == key && input.len() < LARGEST / 4 {
                piece(input, side, packet.payload);
            }
        }
        for (key, pieces) in found {
            let udp = if key.transport == Transport::Udp { 0x80 } else { 0 };
            self.write("recognisers", &[&[udp | 6], pieces.as_slice()].concat())?;
            let dce_rpc = Protocol::ALL.iter().position(|one| *one == Protocol::DceRpc).unwrap_or(0) as u8;
            if pieces.windows(3).any(|bytes| bytes == [5, 0, 11]) {
                self.write("followers", &[&[dce_rpc, udp | 2], pieces.as_slice()].concat())?;
            }
        }
        Ok(())
    }

    /// Conversations out of a generator of which every bit counts.
    fn metering(&mut self) -> io::Result<()> {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for number in 0..32_usize {
            let mut input = vec![1 + number as u8 % 5, 9, 9, 3, number as u8 % 3, 100];
            for _ in 0..8 * (1 + number) {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                input.extend(state.to_le_bytes());
            }
            self.write("metering", &input)?;
        }
        Ok(())
    }
}

fn main() -> io::Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let Some(folder) = arguments.next() else {
        eprintln!("seeds CORPUS_FOLDER PATH...");
        std::process::exit(2);
    };
    let mut seeds = Seeds { folder, count: 0, seen: HashSet::new() };
    arguments.try_for_each(|path| seeds.path(&path))?;
    seeds.metering()?;
    println!("{} first inputs in {}", seeds.count, seeds.folder.display());
    Ok(())
}

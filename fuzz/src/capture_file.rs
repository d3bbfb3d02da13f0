//! Any bytes as capture files, read to their end and metered.

use crate::accounting::{bytes, read};
use portproof::capture::Input;
use portproof::metering::MeterSettings;

/// Files that one input may hold.
const MOST_FILES: usize = 4;

/// The target.
pub fn capture_file(data: &[u8]) {
    let inputs = files(data);
    let settings = MeterSettings { max_flows: 100, ..MeterSettings::default() };
    let Ok(merged) = read(&inputs, settings) else { return };
    let [_, _, ..] = inputs[..] else { return };
    // Merging neither loses a frame nor makes one.
    let alone = inputs.iter().filter_map(|input| read(std::slice::from_ref(input), settings).ok());
    let alone: Vec<_> = alone.collect();
    let frames: u64 = alone.iter().map(|reading| reading.all_frames()).sum();
    // The same recording given twice is read once.
    if merged.captures.len() == alone.len() {
        assert_eq!(merged.all_frames(), frames, "frames of the files, merged and alone");
    } else {
        assert!(merged.captures.len() < alone.len() && merged.all_frames() <= frames);
    }
}

/// First byte: number of files. Before each but the last stands its length, three bytes, big-endian.
fn files(data: &[u8]) -> Vec<Input> {
    let Some((&count, mut rest)) = data.split_first() else { return Vec::new() };
    let mut inputs = Vec::new();
    for _ in 0..usize::from(count) % MOST_FILES {
        let Some((length, behind)) = rest.split_first_chunk::<3>() else { break };
        let length = u32::from_be_bytes([0, length[0], length[1], length[2]]) as usize;
        let (file, behind) = behind.split_at(length.min(behind.len()));
        inputs.push(bytes(&format!("{}.pcap", inputs.len()), file));
        rest = behind;
    }
    inputs.push(bytes("last.pcap", rest));
    inputs
}

/// An input of the target that holds these files.
pub fn of_files(files: &[&[u8]]) -> Vec<u8> {
    let Some((last, before)) = files.split_last() else { return Vec::new() };
    let mut input = vec![before.len() as u8];
    for file in before {
        input.extend(&(file.len() as u32).to_be_bytes()[1..]);
        input.extend(*file);
    }
    input.extend(*last);
    input
}

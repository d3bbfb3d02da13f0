//! Floods: more of something than anybody expects, and the memory that the program takes for it.
//!
//! Each test streams or makes what floods, runs the program, and reads its peak of resident memory from /proc while it runs.
//! The bounds are generous: they tell "bounded" from "grows with the input", and hanging from working.

#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout, reason = "the figures are for the reader of the run")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by failing")]
#![allow(clippy::disallowed_methods, reason = "tests write their own inputs, and limit how long a program may hang")]

mod support;
#[path = "support/watched.rs"]
mod watched;

use portproof::store::{Facts, read_facts};
use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Instant;
use support::Seeded;
use support::captures::{self, Socket};
use watched::{Flooded, MIB, flood};

/// What the program may take for any flood with a small cache, in bytes. About 60 MiB are there before the first frame.
const BOUND: u64 = 320 * MIB;
fn meter(input: &Path, store: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(support::PROGRAM);
    command.args(["-q".as_ref(), "meter".as_ref(), input.as_os_str(), "-o".as_ref(), store.as_os_str()]).args(more);
    command
}

/// Meters frames that are made while they are read: nothing is on disk but the facts.
fn metered(frames: impl Iterator<Item = (u64, Vec<u8>)> + Send + 'static, more: &[&str]) -> (Flooded, Facts) {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let flooded = flood(&mut meter(Path::new("-"), &store, more), move |out| {
        out.write_all(&captures::ethernet([]))?;
        frames.into_iter().try_for_each(|(time_ns, data)| {
            let record = captures::ethernet([(time_ns, data)]);
            out.write_all(&record[24..])
        })
    });
    let facts = read_facts(&store).unwrap_or_default();
    (flooded, facts)
}

fn packets(facts: &Facts) -> u64 {
    facts.flows.iter().map(|flow| flow.from_a.packets + flow.from_b.packets).sum()
}

fn lost(facts: &Facts, kind: &str) -> u64 {
    facts.losses.iter().filter(|(name, _)| name == kind).map(|(_, count)| count).sum()
}

/// 2023-11-14, in ns.
const START_NS: u64 = 1_700_000_000_000_000_000;

fn somebody(seeded: &mut Seeded) -> Socket {
    let address = (seeded.below(1 << 30) as u32 | 0x4000_0000).to_be_bytes();
    (address, 1_024 + seeded.below(60_000) as u16)
}

const VICTIM: Socket = ([10, 0, 0, 1], 443);

/// SYNs from anywhere, a microsecond apart.
fn syn_flood(count: u64) {
    let mut seeded = Seeded(1);
    let frames = (0..count).map(move |n| {
        let syn = captures::tcp(somebody(&mut seeded), VICTIM, n as u32, 0, 2);
        (START_NS + n * 1_000, syn)
    });
    let (flooded, facts) = metered(frames, &["--max-flows", "10000"]);
    flooded.within(BOUND, 0, &format!("{count} SYNs"));
    assert_eq!(packets(&facts), count, "every SYN is in a flow");
    assert!(lost(&facts, "flows-evicted") >= facts.flows.len() as u64 - 10_000, "evictions are told");
}

#[test]
fn a_syn_flood_stays_within_the_flow_cache() {
    syn_flood(60_000);
}

#[test]
#[ignore = "heavy; .ci/run runs it"]
fn a_million_syns_stay_within_the_flow_cache() {
    syn_flood(1_000_000);
}

#[test]
fn later_fragments_without_their_first_ones_are_counted_and_forgotten() {
    let mut seeded = Seeded(2);
    let frames = (0..100_000).map(move |n| {
        let [_, later] = captures::udp_in_fragments(somebody(&mut seeded), VICTIM, n as u16);
        (START_NS + n * 1_000, later)
    });
    let (flooded, facts) = metered(frames, &["--max-flows", "10000"]);
    flooded.within(BOUND, 3, "100000 later fragments");
    assert_eq!((facts.captures[0].frames, facts.captures[0].metered), (100_000, 0));
    assert!(facts.captures[0].fates.contains(&("ip-fragment-orphan".to_owned(), 100_000)));
}

#[test]
fn first_fragments_without_later_ones_stay_within_the_table_and_the_cache() {
    let mut seeded = Seeded(3);
    let frames = (0..60_000).map(move |n| {
        let [first, _] = captures::udp_in_fragments(somebody(&mut seeded), VICTIM, n as u16);
        (START_NS + n * 1_000, first)
    });
    let (flooded, facts) = metered(frames, &["--max-flows", "10000"]);
    flooded.within(BOUND, 0, "60000 first fragments");
    assert_eq!(packets(&facts), 60_000);
}

/// One conversation of more than 2^32 bytes and 2^16 packets, through the program and its store.
#[test]
fn a_flow_of_more_than_four_gigabytes_is_summed_in_the_store() {
    let mut data = captures::udp(([10, 0, 0, 9], 50_000), VICTIM, b"x");
    data[16..18].copy_from_slice(&[0xff, 0xff]);
    let frames = (0..70_000).map(move |n| (START_NS + n * 1_000, data.clone()));
    let (flooded, facts) = metered(frames, &[]);
    flooded.within(BOUND, 0, "70000 jumbo packets");
    let [flow] = facts.flows.iter().collect::<Vec<_>>()[..] else { panic!("{:?}", facts.flows) };
    assert_eq!(flow.from_a.ip_bytes + flow.from_b.ip_bytes, 70_000 * 65_535);
}

#[test]
fn stamps_that_jump_by_years_are_counted_and_end_no_flow_before_it_began() {
    let mut seeded = Seeded(4);
    let frames = (0..60_000).map(move |_| {
        let data = captures::udp(([10, 0, 0, seeded.below(9) as u8], 50_000), VICTIM, b"x");
        (seeded.below(u32::MAX as usize) as u64 * 1_000_000_000, data)
    });
    let (flooded, facts) = metered(frames, &["--max-flows", "10000"]);
    flooded.within(BOUND, 0, "60000 stamps anywhere");
    assert_eq!(packets(&facts), 60_000);
    assert!(facts.captures[0].backward_steps > 20_000, "{}", facts.captures[0].backward_steps);
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32 + 12).to_le_bytes();
    [&kind.to_le_bytes()[..], &length, body, &length].concat()
}

fn section_header() -> Vec<u8> {
    block(0x0a0d_0d0a, &[&[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0][..], &[0xff; 8]].concat())
}

/// An interface with a name, and a packet of the interface with this number.
fn interface(name: &str) -> Vec<u8> {
    let mut body = vec![1, 0, 0, 0, 0, 0, 4, 0, 2, 0, name.len() as u8, 0];
    body.extend(name.as_bytes());
    body.resize(body.len().next_multiple_of(4) + 4, 0);
    block(1, &body)
}

fn packet_of(interface: u32, data: &[u8]) -> Vec<u8> {
    let words = [interface, 0x0006_0a24, interface, data.len() as u32, data.len() as u32];
    let mut body: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    body.extend(data);
    body.resize(body.len().next_multiple_of(4), 0);
    block(6, &body)
}

#[test]
fn a_hundred_thousand_interfaces_are_read_and_their_packets_counted() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let flooded = flood(&mut meter(Path::new("-"), &store, &[]), |out| {
        out.write_all(&section_header())?;
        let data = captures::udp(([10, 0, 0, 9], 50_000), VICTIM, b"x");
        (0..100_000).try_for_each(|n| {
            out.write_all(&interface(&format!("interface {n} of many")))?;
            out.write_all(&packet_of(n, &data))
        })
    });
    flooded.within(BOUND, 0, "100000 interfaces");
    assert_eq!(packets(&read_facts(&store).unwrap()), 100_000);
}

/// Options without end: what a parser makes of one may be many times its size.
#[test]
fn an_interface_of_a_million_options_is_no_bomb() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let flooded = flood(&mut meter(Path::new("-"), &store, &[]), |out| {
        out.write_all(&section_header())?;
        let mut body = vec![1, 0, 0, 0, 0, 0, 4, 0];
        // A comment of no characters: four bytes.
        (0..8_000_000).for_each(|_| body.extend([1, 0, 0, 0]));
        out.write_all(&block(1, &body))?;
        out.write_all(&packet_of(0, &captures::udp(([10, 0, 0, 9], 50_000), VICTIM, b"x")))
    });
    // Read, or refused as damage: but bounded.
    let code = flooded.run.code.unwrap();
    assert!([0, 4].contains(&code), "{code}: {}", flooded.run.stderr);
    flooded.within(BOUND, code, "8000000 options");
}

/// A pcap header, and then zeros: records of no bytes.
fn bomb_of_zeros(mut out: impl Write, mebibytes: u64) -> std::io::Result<()> {
    out.write_all(&captures::ethernet([]))?;
    let zeros = vec![0; MIB as usize];
    (0..mebibytes).try_for_each(|_| out.write_all(&zeros))?;
    out.flush()
}

fn gzip_bomb(mebibytes: u64) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    bomb_of_zeros(&mut encoder, mebibytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd_bomb(mebibytes: u64) -> Vec<u8> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    bomb_of_zeros(&mut encoder, mebibytes).unwrap();
    encoder.finish().unwrap()
}

/// Streams of 16 MiB of zeros one behind the other (there is no encoder here), and a plain header before them.
fn xz_bomb(mebibytes: u64) -> Vec<u8> {
    let header = std::fs::read(support::root().join("tests/data/pcap-header.xz")).unwrap();
    let zeros = std::fs::read(support::root().join("tests/data/zeros-16-mib.xz")).unwrap();
    [header, zeros.repeat(mebibytes.div_ceil(16) as usize)].concat()
}

fn bombs(mebibytes: u64) {
    for (name, bomb) in [("gzip", gzip_bomb(mebibytes)), ("zstd", zstd_bomb(mebibytes)), ("xz", xz_bomb(mebibytes))] {
        assert!(bomb.len() < MIB as usize, "{name}: {} bytes", bomb.len());
        let folder = tempfile::tempdir().unwrap();
        let (file, store) = (folder.path().join(name), folder.path().join("store"));
        std::fs::write(&file, bomb).unwrap();
        let flooded = flood(&mut meter(&file, &store, &[]), |_| Ok(()));
        let what = format!("{name}: {mebibytes} MiB of zeros");
        // Zeros are no records: damage.
        flooded.within(BOUND, 4, &what);
        let facts = read_facts(&store).unwrap();
        assert_eq!((facts.captures[0].frames, facts.captures[0].end.as_str()), (0, "corrupt"), "{what}");
    }
}

#[test]
fn a_compressed_bomb_is_read_in_bounded_memory() {
    bombs(32);
}

#[test]
#[ignore = "heavy; .ci/run runs it"]
fn a_compressed_bomb_of_200_mib_is_read_in_bounded_memory() {
    bombs(208);
}

/// A folder of ring files, each of `frames` frames, `apart_ns` between the beginnings of two files.
fn ring(folder: &Path, files: u64, apart_ns: u64) {
    for n in 0..files {
        let frames = (0..10_u64).map(|i| {
            let client = ([10, 1, (n >> 8) as u8, n as u8], 50_000 + i as u16);
            (START_NS + n * apart_ns + i * 1_000_000, captures::udp(client, VICTIM, b"x"))
        });
        std::fs::write(folder.join(format!("ring_{n:05}.pcap")), captures::ethernet(frames)).unwrap();
    }
}

/// Meters a folder with few file descriptors.
#[track_caller]
fn ring_is_read(apart_ns: u64) {
    const FILES: u64 = 5_000;
    let folder = tempfile::tempdir().unwrap();
    let (files, store) = (folder.path().join("ring"), folder.path().join("store"));
    std::fs::create_dir(&files).unwrap();
    ring(&files, FILES, apart_ns);
    let mut command = Command::new("sh");
    let script = "ulimit -n 256; exec \"$0\" -q meter \"$1\" -o \"$2\"";
    command.args(["-c", script, support::PROGRAM]).args([&files, &store].map(OsStr::new));
    let started = Instant::now();
    let run = flood(&mut command, |_| Ok(())).within(BOUND, 0, &format!("{FILES} files {apart_ns} ns apart"));
    println!("{} s", started.elapsed().as_secs());
    assert_eq!(run.stderr, "", "no file is skipped");
    let facts = read_facts(&store).unwrap();
    assert_eq!((facts.captures.len() as u64, packets(&facts)), (FILES, 10 * FILES));
}

#[test]
fn five_thousand_ring_files_need_few_descriptors() {
    ring_is_read(10_000_000);
}

#[test]
fn five_thousand_files_of_the_same_second_need_few_descriptors() {
    ring_is_read(0);
}

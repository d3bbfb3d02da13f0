//! Counting, estimating and sizing of many flows: `cargo bench --bench counting`.
//!
//! PORTPROOF_BENCH_FLOWS says how many flows (5,000,000 by default), spread over 500 hosts and three days. Prints the time of each
//! step and the most memory that the process had. The flows are made up, so only times and memory mean something.

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a measurement prints, and fails loudly")]
#![allow(clippy::disallowed_methods, reason = "a measurement needs a clock")]

use portproof::classification::{JudgedFrame, ReducedFlow, Restarts};
use portproof::dynamic_ports::{Knowledge, Reductions, count_hosts};
use portproof::model::{Endpoint, Orientation, Status, Transport};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

const HOSTS: u64 = 500;
const DAYS: i64 = 3;
const SECOND_NS: i64 = 1_000_000_000;

/// Nothing is known besides the flows.
struct Nothing;

impl Knowledge for Nothing {}

/// Well mixed bits of a number: SplitMix64's last step.
fn mixed(number: u64) -> u64 {
    let z = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn host(number: u64) -> IpAddr {
    Ipv4Addr::from(0x0a00_0000 + (number % HOSTS) as u32).into()
}

/// Every third call goes to one of a host's 64 dynamic listeners, the others to port 443 of four servers.
fn flow(number: u64, flows: u64) -> ReducedFlow {
    let bits = mixed(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let is_dynamic = number.is_multiple_of(3);
    let listener = 49_152 + (bits >> 20) % 64 * (bits >> 40 & 3).min(1) * 7;
    let responder = match is_dynamic {
        true => Endpoint { ip: host(bits >> 8), port: listener as u16 },
        false => Endpoint { ip: host(bits & 3), port: 443 },
    };
    let span_ns = DAYS * 86_400 * SECOND_NS;
    let first_seen_ns = (i128::from(span_ns) * i128::from(number) / i128::from(flows)) as i64;
    ReducedFlow {
        transport: Transport::Tcp,
        initiator: Endpoint { ip: host(bits >> 24), port: 49_152 + (bits >> 48) as u16 % 16_384 },
        responder,
        first_seen_ns,
        last_seen_ns: first_seen_ns + (bits % 20) as i64 * SECOND_NS,
        forward_packets: 5,
        reverse_packets: 4,
        wire_bytes: 900,
        orientation: Orientation::Certain,
        status: if is_dynamic { Status::DynamicExplained } else { Status::Documented },
        served: true,
        begun_before: false,
        initiator_closed: Some(bits & 16 == 0),
        open_at_end: false,
    }
}

/// Most memory that the process had, bytes (Linux).
fn most_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1_024)
}

fn main() {
    let flows = std::env::var("PORTPROOF_BENCH_FLOWS").ok().and_then(|n| n.parse().ok()).unwrap_or(5_000_000);
    let begin = Instant::now();
    let frame = JudgedFrame::of((0..flows).map(|number| flow(number, flows))).expect("a frame");
    println!("{flows} flows of {HOSTS} hosts over {DAYS} days");
    println!("frame      {:6.2} s", begin.elapsed().as_secs_f64());
    let counting = Instant::now();
    let reductions = Reductions::of(&frame).expect("the reductions");
    drop(frame);
    println!("reductions {:6.2} s", counting.elapsed().as_secs_f64());
    let of_hosts = Instant::now();
    let counts = count_hosts(reductions, &[(0, DAYS * 86_400 * SECOND_NS)], &Restarts::default(), &Nothing);
    println!(
        "hosts      {:6.2} s  (counting, estimating, sizing: {} rows)",
        of_hosts.elapsed().as_secs_f64(),
        counts.len()
    );
    println!("all        {:6.2} s", begin.elapsed().as_secs_f64());
    let estimated =
        counts.iter().filter(|count| count.epochs.iter().any(|epoch| epoch.estimate.upper.is_some())).count();
    println!(
        "estimated  {estimated} hosts; sized {} hosts",
        counts.iter().filter(|c| c.sizing.allocation.is_some()).count()
    );
    if let Some(bytes) = most_memory() {
        println!("memory     {:6.2} GiB", bytes as f64 / (1_u64 << 30) as f64);
    }
}

//! What looking into payload costs: the same capture read, decoded and metered with recognisers and followers, and without.
//!
//! ```text
//! PORTPROOF_BENCH_CAPTURE=mix.pcap cargo bench --no-default-features --bench payload
//! ```
//!
//! Without that variable the demo recording is metered. Builds without Polars; the two figures are to be compared with each
//! other, in one run on one machine.

#![allow(clippy::print_stderr, reason = "what was metered is for the reader of the run")]

mod support;

use criterion::{Criterion, SamplingMode, Throughput};
use std::path::PathBuf;
use support::metered;

fn main() {
    let capture = std::env::var_os("PORTPROOF_BENCH_CAPTURE").map_or_else(support::demo, PathBuf::from);
    let (frames, counted) = metered(&capture, true);
    eprintln!("{frames} frames, {counted}");
    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    let mut group = criterion.benchmark_group("payload");
    group.sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(frames));
    group.bench_function("headers only", |bencher| bencher.iter(|| metered(&capture, false).0));
    group.bench_function("recognisers and followers", |bencher| bencher.iter(|| metered(&capture, true).0));
    group.finish();
    criterion.final_summary();
}

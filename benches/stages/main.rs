//! Every stage of the street by itself, then the street from a file to facts: `make bench`.
//!
//! `cargo bench -- read` runs one stage. portproof and what touches every packet are fully optimised, Polars is not (see
//! `[profile.bench]`): figures of *store*, *judge* and *report* are pessimistic, `cargo bench --profile dist` gives those of
//! a shipped program after some minutes of building. Figures are for comparing two versions on one machine.

#![allow(clippy::expect_used, reason = "a benchmark that lacks its input has nothing to measure")]

mod flows;
mod packets;
mod recording;
mod reports;
#[path = "../support/mod.rs"]
mod support;

use criterion::Criterion;
use recording::Recording;
use std::time::Duration;

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    let recording = Recording::many_plants();
    packets::benches(&mut criterion, &recording);
    flows::benches(&mut criterion, &recording);
    criterion.final_summary();
}

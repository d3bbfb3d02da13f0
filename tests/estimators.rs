//! The estimators say what other people's programs say, to a part in a thousand million.
//!
//! `tests/data/estimators/vectors.json` was written by `scripts/estimator-vectors.py` with scikit-bio, vegan, alakazam and
//! scipy, whose versions it names; the script says where a formula of theirs differs and how that was undone.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by failing")]

use portproof::dynamic_ports::estimators::abundance::{ace, chao1, chao1_at_most, coverage};
use portproof::dynamic_ports::estimators::good_toulmin::good_toulmin;
use portproof::dynamic_ports::estimators::incidence::{chao2, chao2_at_most, jackknife1, jackknife2};
use portproof::dynamic_ports::estimators::occupancy::quantile;
use portproof::dynamic_ports::estimators::{Frequencies, WithInterval};
use serde::Deserialize;

/// Difference that is none, as a part of the figure.
const TOLERANCE: f64 = 1e-9;

#[derive(Deserialize)]
struct Vectors {
    abundance: Vec<Abundance>,
    incidence: Vec<Incidence>,
    quantiles: Vec<Quantile>,
}

#[derive(Deserialize)]
struct Abundance {
    visits: Vec<u64>,
    chao1: Chao,
    ace: Option<f64>,
    coverage: Option<f64>,
    good_toulmin: GoodToulmin,
}

#[derive(Deserialize)]
struct Incidence {
    units: u64,
    active_units: Vec<u64>,
    chao2: Chao,
    jackknife1: f64,
    jackknife2: f64,
}

#[derive(Deserialize)]
struct Chao {
    estimate: f64,
    lower_95: f64,
    upper_95: f64,
    at_most: f64,
}

#[derive(Deserialize)]
struct GoodToulmin {
    half: f64,
    once: f64,
}

#[derive(Deserialize)]
struct Quantile {
    mean: f64,
    variance_to_mean: f64,
    tail: f64,
    ports: u64,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("data/estimators/vectors.json")).unwrap()
}

#[track_caller]
fn agree(ours: impl Into<Option<f64>>, theirs: impl Into<Option<f64>>, of: &str) {
    match (ours.into(), theirs.into()) {
        (Some(ours), Some(theirs)) => {
            assert!((ours - theirs).abs() <= TOLERANCE * theirs.abs().max(1.0), "{of}: ours {ours}, theirs {theirs}");
        }
        (ours, theirs) => assert_eq!(ours, theirs, "{of}"),
    }
}

fn agree_with_interval(ours: WithInterval, at_most: Option<f64>, theirs: &Chao, of: &str) {
    agree(ours.estimate, theirs.estimate, &format!("estimate of {of}"));
    agree(ours.lower_95, theirs.lower_95, &format!("lower end of {of}"));
    agree(ours.upper_95, theirs.upper_95, &format!("upper end of {of}"));
    agree(at_most, theirs.at_most, &format!("one-sided limit of {of}"));
}

#[test]
fn estimates_from_visits_agree() {
    let vectors = vectors().abundance;
    assert!(vectors.len() >= 20);
    for Abundance { visits, chao1: theirs, ace: their_ace, coverage: their_coverage, good_toulmin: series } in &vectors
    {
        let of = format!("{visits:?}");
        let frequencies = Frequencies::of(visits);
        agree_with_interval(chao1(&frequencies).unwrap(), chao1_at_most(&frequencies), theirs, &of);
        agree(ace(&frequencies), *their_ace, &format!("ACE of {of}"));
        agree(coverage(&frequencies), *their_coverage, &format!("coverage of {of}"));
        for (extension, theirs) in [(0.5, series.half), (1.0, series.once)] {
            let ours = good_toulmin(&frequencies, extension).unwrap().expected;
            agree(ours, theirs, &format!("{extension} times as long as {of}"));
        }
    }
}

#[test]
fn estimates_from_units_agree() {
    let vectors = vectors().incidence;
    assert!(vectors.len() >= 15);
    for Incidence { units, active_units, chao2: theirs, jackknife1: first, jackknife2: second } in &vectors {
        let of = format!("{units} units, {active_units:?}");
        let frequencies = Frequencies::of(active_units);
        let at_most = chao2_at_most(&frequencies, *units);
        agree_with_interval(chao2(&frequencies, *units).unwrap(), at_most, theirs, &of);
        agree(jackknife1(&frequencies, *units), *first, &format!("jackknife 1 of {of}"));
        agree(jackknife2(&frequencies, *units), *second, &format!("jackknife 2 of {of}"));
    }
}

#[test]
fn quantiles_agree() {
    let vectors = vectors().quantiles;
    assert!(vectors.len() >= 100);
    for Quantile { mean, variance_to_mean, tail, ports } in vectors {
        let ours = quantile(mean, variance_to_mean, tail);
        assert_eq!(ours, Some(ports), "mean {mean}, variance over mean {variance_to_mean}, tail {tail}");
    }
}

//! A small run of the calibration (`cargo run --example calibrate`), so that it stays right and the estimators stay calibrated.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by failing")]

#[allow(dead_code, reason = "the example prints more than is asked here")]
#[path = "../examples/calibrate/simulation/mod.rs"]
mod simulation;

use simulation::calls::{Calls, RULES};
use simulation::dice::Dice;
use simulation::measure::{FIGURES, Row, measure};
use simulation::workloads::{Plan, Workload};

/// Few, so the limits below are wider than those of the example.
const RECORDINGS: u64 = 300;

fn holds(row: &Row) {
    assert!(row.upper_covers.value() >= 0.94, "{row:?}");
    assert!(row.upper_at(0.5) <= 1.8, "{}", row.upper_at(0.5));
    let (bias, error) = (row.every_forecast.bias(), row.every_forecast.bias_error());
    assert!(bias.abs() <= 0.5 + 3.0 * error, "the forecast is off by {bias}, standard error {error}");
}

#[test]
fn the_upper_bound_holds_where_chao_alone_does_not() {
    let row = measure(Workload::plain(68, (0.2, 2.0), 4.0), 1, RECORDINGS);
    holds(&row);
    assert!(row.chao1_covers.value() < 0.9, "the workload is not hard enough: {row:?}");
    let bias: Vec<(&str, f64)> = FIGURES.into_iter().zip(row.figures.map(|errors| errors.bias())).collect();
    assert!(bias.iter().all(|(_, bias)| *bias < 0.0), "every figure is too low for rates so uneven: {bias:?}");
    assert!(bias.iter().skip(1).all(|(_, figure)| *figure > bias[0].1), "all are better than what was seen: {bias:?}");
}

#[test]
fn days_runs_restarts_and_long_sessions_hold_too() {
    let plain = Workload::plain(51, (0.2, 1.0), 0.0);
    holds(&measure(Workload { plan: Plan::Days(3), daily: 0.2, ..plain }, 2, RECORDINGS));
    holds(&measure(Workload { plan: Plan::Days(7), daily: 0.2, ..plain }, 3, RECORDINGS));
    holds(&measure(Workload { plan: Plan::Runs(10), ..plain }, 4, RECORDINGS));
    holds(&measure(Workload { plan: Plan::Restart(24.0), ..plain }, 5, RECORDINGS));
    let row = measure(Workload { plan: Plan::Hours(8.0), persistent: 0.3, ..plain }, 6, RECORDINGS);
    holds(&row);
    assert!(row.known > 15.0, "16 of 51 hold long sessions: {}", row.known);
}

#[test]
fn sizes_by_the_rule_lose_nothing_and_sizes_by_the_peak_do() {
    let calls = Calls { per_second: 0.2, batch: 5.0, is_diurnal: false };
    let outcome = simulation::calls::measure(calls, 7, 5, 10);
    assert!(outcome.attempts > 150_000);
    for (rule, (_, nothing, most)) in RULES.iter().zip(outcome.rules) {
        match *rule {
            "Q" | "range of 1.25 Q" => assert_eq!((nothing, most), (5, 0), "{rule}"),
            "peak" | "Poisson" => assert!(most > 0, "{rule}: the workload is not hard enough"),
            _ => {}
        }
    }
}

#[test]
fn the_dice_are_fair() {
    let mean = |draw: &mut dyn FnMut(&mut Dice) -> f64| {
        let mut dice = Dice::new(1, 2);
        (0..40_000).map(|_| draw(&mut dice)).sum::<f64>() / 40_000.0
    };
    // Four standard errors.
    assert!((mean(&mut |dice| dice.unit()) - 0.5).abs() < 4.0 * 0.289 / 200.0);
    assert!(mean(&mut |dice| dice.normal()).abs() < 4.0 / 200.0);
    assert!((mean(&mut |dice| dice.normal().powi(2)) - 1.0).abs() < 4.0 * 1.42 / 200.0);
    assert!((mean(&mut |dice| dice.exponential(3.0)) - 3.0).abs() < 4.0 * 3.0 / 200.0);
    assert!((mean(&mut |dice| dice.geometric(5.0) as f64) - 5.0).abs() < 4.0 * 4.5 / 200.0);
    assert!((mean(&mut |dice| dice.log_normal(2.0, 0.5)) - 2.0 * 0.125_f64.exp()).abs() < 4.0 * 1.21 / 200.0);
    assert!((mean(&mut |dice| dice.below(10) as f64) - 4.5).abs() < 4.0 * 2.88 / 200.0);
    assert!(Dice::new(1, 2).unit() != Dice::new(1, 3).unit());
}

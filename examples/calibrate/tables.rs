//! The tables, as Markdown, and what does not hold.

use crate::simulation::calls::{Outcome, RULES};
use crate::simulation::measure::{FIGURES, Row};
use crate::simulation::workloads::{Plan, Workload};
use std::fmt::Write as _;

/// The upper bound covers the truth in at least so large a part of recordings.
const LEAST_COVERAGE: f64 = 0.95;
/// The median of the upper bound over the truth is at most that.
const MOST_MEDIAN: f64 = 1.8;
/// The forecast's mean error is at most that many ports.
const MOST_ERROR: f64 = 0.5;
/// Fewer recordings of a workload are too few to say.
const FEWEST_RECORDINGS: u64 = 400;

/// What has to hold and does not, in words.
pub(crate) fn missed(groups: &[(&str, &[Row])], outcomes: &[Outcome]) -> Vec<String> {
    let mut missed = Vec::new();
    for (group, rows) in groups {
        for row in *rows {
            let name = format!("{group}, {}", name(&row.workload));
            let (covers, median) = (row.upper_covers.value(), row.upper_at(0.5));
            if row.workload.is_long_enough() {
                if covers < LEAST_COVERAGE {
                    missed.push(format!("{name}: the upper bound covers the truth in {:.1}% only", 100.0 * covers));
                }
                if median > MOST_MEDIAN {
                    missed.push(format!("{name}: the median of the upper bound is {median:.2} times the truth"));
                }
            }
            // A simulation of a mean is off itself: two standard errors are granted.
            let (bias, granted) = (row.every_forecast.bias(), MOST_ERROR + 2.0 * row.every_forecast.bias_error());
            let too_low = bias < -granted;
            if row.workload.forecast_is_asked_for()
                && (too_low || bias > granted && !row.workload.forecast_is_a_bound())
            {
                missed.push(format!("{name}: the forecast is off by {bias:+.2} on average"));
            }
        }
    }
    for outcome in outcomes {
        for (rule, (_, nothing, most)) in RULES.iter().zip(outcome.rules).skip(4) {
            if nothing < outcome.recordings {
                missed.push(format!("{}: {rule} lost up to {most} calls", calls(outcome)));
            }
        }
    }
    missed
}

/// The whole page.
pub(crate) fn page(
    groups: &[(&str, &[Row])],
    outcomes: &[Outcome],
    recordings: u64,
    call_recordings: u64,
    missed: &[String],
) -> String {
    let mut page = format!("{recordings} recordings of each workload.\n");
    if recordings < FEWEST_RECORDINGS {
        page += "These are too few to say anything: at least 400 are needed.\n";
    }
    let mut table = |title: &str, head: &str, row: &dyn Fn(&Row) -> String| {
        let _ = write!(page, "\n### {title}\n");
        for (group, rows) in groups {
            let _ = write!(page, "\n{group}:\n\n| listeners, rate, log-sd, recorded | {head} |\n");
            let _ = writeln!(page, "|---|{}", "---:|".repeat(head.matches('|').count() + 1));
            for of in *rows {
                let _ = writeln!(page, "| {} | {} |", name(&of.workload), row(of));
            }
        }
    };
    table(
        "Upper bound",
        "seen | known | U covers % | median U/truth | 95% of U/truth | Chao1 95% covers % | Chao2 95% covers % | coverage est. %",
        &upper,
    );
    let head = FIGURES.map(|figure| format!("{figure}: bias, RMSE")).join(" | ");
    table("Errors of the figures, listeners", &head, &figures);
    table(
        "Forecast for a recording as long again",
        "came | mean error | mean error of every epoch | RMSE | ± covers %",
        &forecast,
    );
    let _ = write!(
        page,
        "\n### Ports for calls: {call_recordings} recordings of 8 h, each size then used for 60 days\n\n\
         For each rule: median size; recordings whose size lost nothing, %; most calls lost by a size.\n\n\
         | calls | variance/mean | calls in 60 days | {} |\n|---|{}\n",
        RULES.join(" | "),
        "---:|".repeat(2 + RULES.len())
    );
    for outcome in outcomes {
        let share = |nothing: u64| 100.0 * nothing as f64 / outcome.recordings.max(1) as f64;
        let rule = |(size, nothing, most): (u32, u64, u64)| format!("{size}; {:.0}; {most}", share(nothing));
        let rules = outcome.rules.map(rule).join(" | ");
        let _ = writeln!(page, "| {} | {:.1} | {} | {rules} |", calls(outcome), outcome.mean_ratio, outcome.attempts);
    }
    page += "\n### What has to hold\n\n";
    if missed.is_empty() {
        page += "All of it does.\n";
    }
    for line in missed {
        let _ = writeln!(page, "- {line}");
    }
    page
}

fn upper(row: &Row) -> String {
    format!(
        "{:.1} | {:.1} | {}{} | {:.2} | {:.2} | {} | {} | {:.0}",
        row.figures.first().map_or(0.0, |seen| seen.bias()) + f64::from(row.workload.listeners),
        row.known,
        percent(row.upper_covers.value()),
        if row.workload.is_long_enough() { "" } else { "*" },
        row.upper_at(0.5),
        row.upper_at(0.95),
        percent(row.chao1_covers.value()),
        percent(row.chao2_covers.value()),
        100.0 * row.coverage,
    )
}

fn figures(row: &Row) -> String {
    let figure = |errors: &crate::simulation::measure::Errors| match errors.bias() {
        bias if bias.is_finite() => format!("{bias:+.1}, {:.1}", errors.rmse()),
        _ => "–".to_owned(),
    };
    row.figures.each_ref().map(figure).join(" | ")
}

fn forecast(row: &Row) -> String {
    let mark = match (row.workload.forecast_is_asked_for(), row.workload.forecast_is_a_bound()) {
        (false, _) => "*",
        (true, true) => " (a bound)",
        (true, false) => "",
    };
    let (bias, every) = (row.forecast.bias(), row.every_forecast.bias());
    let covers = percent(row.forecast_covers.value());
    format!("{:.2} | {bias:+.2}{mark} | {every:+.2} | {:.1} | {covers}", row.new, row.forecast.rmse())
}

fn percent(share: f64) -> String {
    if share.is_finite() { format!("{:.1}", 100.0 * share) } else { "–".to_owned() }
}

/// A workload within its group.
pub(crate) fn name(workload: &Workload) -> String {
    let Workload { listeners, per_hour, log_sd, plan, .. } = workload;
    let recorded = match plan {
        Plan::Hours(hours) | Plan::Restart(hours) => format!("{hours} h"),
        Plan::Days(days) => format!("{days} days"),
        Plan::Runs(runs) => format!("{runs} runs"),
        Plan::Scripted { runs, shape } => return format!("{listeners}, in a run with p = U^(1/{shape}), {runs} runs"),
    };
    format!("{listeners}, {per_hour}/h, {log_sd}, {recorded}")
}

fn calls(outcome: &Outcome) -> String {
    let of = outcome.calls;
    let come = if of.batch > 1.0 { format!("{} at once on average", of.batch) } else { "one by one".to_owned() };
    format!("{}/s, {come}{}", of.per_second, if of.is_diurnal { ", more by day" } else { "" })
}

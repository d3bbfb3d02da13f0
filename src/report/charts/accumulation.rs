//! How many listeners the visits showed, how many more there would be, and a bound of all.

use super::canvas::{Anchor, Canvas, Point, colour, described, draw};
use super::plot::{self, Label, Mark, Measures, Scale};
use super::{Chart, Layout, TOP_HOSTS};
use crate::model::{Accumulation, AccumulationAhead, AccumulationPoint};
use crate::report::ReportError;
use crate::report::text::{count, counted};

const NAME: &str = "accumulation";
const TITLE: &str = "Distinct listeners against visits, and beyond the recording";
/// Height of a plot, pixels.
const PLOT: i32 = 190;
/// A bound that is this many times as high as all else is named and not drawn to scale.
const FAR: f64 = 3.0;
/// Points of a smooth curve. More would only show the grid of pixels.
const SMOOTH: usize = 100;

/// Listeners against visits in the order of time, the mean over all orders with its band, the forecast with its band, and
/// the upper bound. One small chart for each entry, at most [`TOP_HOSTS`].
///
/// # Errors
/// When the drawing library fails.
pub fn accumulation(hosts: &[Accumulation]) -> Result<Chart, ReportError> {
    Ok(Chart {
        title: TITLE,
        note: plot::cut_note(hosts.len()),
        wide: layout(hosts, Layout::Wide)?,
        narrow: layout(hosts, Layout::Narrow)?,
    })
}

fn layout(hosts: &[Accumulation], layout: Layout) -> Result<String, ReportError> {
    let m = Measures::of(layout, PLOT, 3);
    let mut said = Vec::new();
    let svg = draw(NAME, m.size(hosts.len()), |canvas| {
        let entries = [
            (Mark::Line(colour::EXPLAINED, 2), "seen, in order of time"),
            (Mark::Line(colour::MUTED, 1), "mean over all orders"),
            (Mark::Band(colour::EPHEMERAL, 40), "band of the mean"),
            (Mark::Dashed(colour::RECKONED, 2), "forecast"),
            (Mark::Band(colour::UNEXPLAINED, 25), "band of the forecast"),
        ];
        plot::legend(canvas, &entries, &m)?;
        for (at, host) in hosts.iter().take(TOP_HOSTS).enumerate() {
            let summary = summary(host);
            let label = Label { name: &host.name, host: host.host, transport: host.transport, summary: &summary };
            label.draw(canvas, at, &m)?;
            said.push(label.said());
            panel(canvas, host, at, &m)?;
        }
        Ok(())
    })?;
    Ok(described(&svg, TITLE, &said.join("; ")))
}

fn summary(host: &Accumulation) -> Vec<String> {
    let (visits, seen) = host.points.last().map_or((0, 0), |last| (last.visits, last.seen));
    let visits = counted(visits, "visit", "visits");
    let mut lines = vec![format!("{} in {visits}", counted(seen, "listener", "listeners"))];
    if let Some(ahead) = host.forecast.last().filter(|ahead| ahead.expected.is_finite()) {
        let (visits, expected) = (count(ahead.visits as u64), tenth(ahead.expected));
        lines.push(format!("after {visits} visits: {expected} ({} to {})", tenth(ahead.low), tenth(ahead.high)));
    }
    lines.extend(host.upper.filter(|u| u.is_finite()).map(|upper| format!("upper bound: {}", bound(upper))));
    lines
}

/// One decimal, and none for whole numbers.
fn tenth(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// A bound is rounded upwards.
fn bound(number: f64) -> String {
    tenth((number * 10.0 - 1e-6).ceil() / 10.0)
}

fn panel(canvas: &Canvas<'_>, host: &Accumulation, at: usize, m: &Measures) -> Result<(), ReportError> {
    let (top, bottom) = m.plot(at);
    let Some(visits) = host.points.last().map(|last| last.visits as f64) else {
        plot::foot(canvas, at, "visits", m)?;
        return plot::note(canvas, ((m.left + m.right) / 2, (top + bottom) / 2), Anchor::Middle, "no visits", m);
    };
    let most = most(host);
    let upper = host.upper.filter(|upper| upper.is_finite());
    let drawn = upper.filter(|upper| *upper <= most * FAR);
    let y = plot::counts(canvas, at, drawn.map_or(most, |upper| upper.max(most)), 0.12, m)?;
    let last = host.forecast.iter().map(|ahead| ahead.visits).filter(|v| v.is_finite()).fold(visits, f64::max);
    let x = Scale { from: 0.0, to: last, low: m.left, high: m.right };
    for tick in super::canvas::ticks(last as u64, m.labels()) {
        plot::below_axis(canvas, at, x.at(tick as f64), &count(tick), m)?;
    }
    curves(canvas, host, x, y)?;
    if x.at(visits) < m.right - 2 {
        canvas.line((x.at(visits), top), (x.at(visits), bottom), colour::MUTED, 1)?;
        let label = "end of the recording";
        if x.at(visits) - m.left > canvas.width(m.small, label)? + 10 {
            canvas.text((x.at(visits) - 5, bottom - 10), Anchor::Right, m.small, colour::MUTED, label)?;
        }
    }
    if let Some(upper) = upper {
        let line = y.at(upper);
        let text = format!("upper bound U = {}", bound(upper));
        match drawn {
            Some(_) => {
                canvas.line((m.left, line), (m.right, line), colour::INK, 2)?;
                // Above the line, and right of where the curves begin to rise.
                canvas.text((m.left + 6, line - 9), Anchor::Left, m.small, colour::INK, &text)?;
            }
            None => canvas.text(
                (m.left + 6, top + 2),
                Anchor::Left,
                m.small,
                colour::INK,
                &format!("↑ {text}, above this scale"),
            )?,
        }
    }
    plot::foot(canvas, at, "visits", m)
}

/// The highest value besides the bound.
fn most(host: &Accumulation) -> f64 {
    let seen = host.points.iter().map(|point| point.seen).max().unwrap_or(0);
    let forecast = host.forecast.iter().flat_map(|ahead| [ahead.expected, ahead.high]);
    let all = forecast.chain(host.points.iter().map(|point| point.high)).filter(|v| v.is_finite());
    // A band that is far wider than what was seen is clipped: the curve stays readable.
    let limit = seen.max(4) as f64 * FAR;
    all.fold(seen as f64, f64::max).min(limit)
}

fn curves(canvas: &Canvas<'_>, host: &Accumulation, x: Scale, y: Scale) -> Result<(), ReportError> {
    let point = |visits: f64, value: f64| (x.at(visits), y.at(value));
    let line = |value: fn(&AccumulationPoint) -> f64| -> Vec<Point> {
        let at = |n: usize| host.points.get(n).map(|p| point(p.visits as f64, value(p)));
        plot::thinned(host.points.len(), SMOOTH).into_iter().filter_map(at).collect()
    };
    canvas.area(&line(|p| p.high), &line(|p| p.low), colour::EPHEMERAL, 40)?;
    let begin = |last: &AccumulationPoint| {
        let AccumulationPoint { visits, mean, .. } = *last;
        AccumulationAhead { visits: visits as f64, expected: mean, low: mean, high: mean }
    };
    let ahead = plot::thinned(host.forecast.len(), SMOOTH).into_iter().filter_map(|n| host.forecast.get(n).copied());
    let forecast: Vec<AccumulationAhead> = host.points.last().map(begin).into_iter().chain(ahead).collect();
    if !host.forecast.is_empty() {
        let of = |value: fn(&AccumulationAhead) -> f64| -> Vec<Point> {
            forecast.iter().map(|f| point(f.visits, value(f))).collect()
        };
        canvas.area(&of(|f| f.high), &of(|f| f.low), colour::UNEXPLAINED, 25)?;
        canvas.dashed(&of(|f| f.expected), colour::RECKONED, 2)?;
    }
    canvas.polyline(&line(|p| p.mean), colour::MUTED, 1)?;
    let mut steps = vec![point(0.0, 0.0)];
    for p in plot::thinned(host.points.len(), plot::MOST_POINTS).into_iter().filter_map(|n| host.points.get(n)) {
        let next = point(p.visits as f64, p.seen as f64);
        let level = steps.last().map_or(next.1, |last| last.1);
        steps.extend([(next.0, level), next]);
    }
    canvas.polyline(&steps, colour::EXPLAINED, 2)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::Transport;

    /// Listeners that are met ever more rarely.
    pub(in super::super) fn example() -> Accumulation {
        let points = (1..=240_u32).map(|n| {
            let mean = 51.0 * (1.0 - (-f64::from(n) / 66.0).exp());
            let seen = (51.0 * (1.0 - (-f64::from(n) / 70.0).exp())) as u64;
            AccumulationPoint { visits: n.into(), seen, mean, low: mean - 2.5, high: mean + 2.5 }
        });
        let forecast = (241..=480).step_by(8).map(|n| {
            let (ahead, n) = (f64::from(n - 240) / 60.0, f64::from(n));
            let expected = 51.0 * (1.0 - (-n / 66.0).exp());
            AccumulationAhead { visits: n, expected, low: expected - ahead, high: expected + 1.5 * ahead }
        });
        Accumulation {
            host: [10, 20, 30, 20].into(),
            name: "ftac-srv".into(),
            transport: Transport::Tcp,
            points: points.collect(),
            forecast: forecast.collect(),
            upper: Some(66.25),
        }
    }

    #[test]
    fn the_curve_the_forecast_and_the_bound_are_drawn_and_said() {
        let chart = accumulation(&[example()]).unwrap();
        for svg in [&chart.wide, &chart.narrow] {
            for part in
                ["49 listeners in 240 visits", "upper bound U = 66.3", "<title>Distinct", "ftac-srv", "forecast"]
            {
                assert!(svg.contains(part), "{part}: {svg}");
            }
            assert_eq!(svg.matches("<polygon").count(), 4, "two bands, and two in the legend");
        }
    }

    #[test]
    fn a_bound_far_above_is_named_and_does_not_flatten_the_curve() {
        let far = Accumulation { upper: Some(500.0), ..example() };
        let svg = accumulation(&[far]).unwrap().wide;
        assert!(svg.contains("↑ upper bound U = 500, above this scale"), "{svg}");
        let without = accumulation(&[Accumulation { upper: None, ..example() }]).unwrap().wide;
        assert!(!without.contains("upper bound"));
    }

    #[test]
    fn a_hundred_thousand_visits_are_thinned() {
        let points = (1..=100_000_u64).map(|visits| {
            let mean = visits as f64;
            AccumulationPoint { visits, seen: visits - 1, mean, low: mean, high: mean }
        });
        let long = Accumulation { points: points.collect(), ..example() };
        let chart = accumulation(&[long]).unwrap();
        assert!(chart.wide.len() < 60_000, "{} bytes", chart.wide.len());
        assert!(chart.wide.contains("99,999 listeners in 100,000 visits"));
    }

    #[test]
    fn empty_lists_and_numbers_that_are_none_are_drawable() {
        let odd = Accumulation {
            points: vec![AccumulationPoint { visits: 3, seen: 2, mean: f64::NAN, low: -1.0, high: f64::INFINITY }],
            forecast: vec![AccumulationAhead { visits: f64::INFINITY, expected: f64::NAN, low: -1.0, high: 1e300 }],
            upper: Some(f64::NAN),
            ..example()
        };
        let empty = Accumulation { points: vec![], forecast: vec![], ..odd.clone() };
        for chart in [accumulation(&[odd, empty]).unwrap(), accumulation(&[]).unwrap()] {
            assert!(chart.wide.trim_end().ends_with("</svg>") && !chart.wide.contains("NaN"));
        }
    }
}

//! How probably a connection would find no port, for ranges of different sizes.

use super::canvas::{Anchor, Canvas, Point, colour, described, draw};
use super::plot::{self, Label, Mark, Measures, Scale};
use super::{Chart, Layout, TOP_HOSTS};
use crate::model::{Sweep, SweepEntry};
use crate::report::ReportError;
use crate::report::text::{count, counted};

const NAME: &str = "sweep";
const TITLE: &str = "Failure probability by size of the range";
/// Height of a plot, pixels.
const PLOT: i32 = 190;
/// Height of the strip at the foot of a plot in which sizes without a failure stand, pixels.
const STRIP: i32 = 22;
/// A range that is this many times as large as the largest size is named and not drawn to scale.
const FAR: u32 = 2;
/// Powers of ten that the axis has at most.
const MOST_DECADES: i32 = 12;

/// The share of demands that would have found no port against the number of ports, on a logarithmic scale; sizes at which
/// nothing failed stand at the foot, with what the recording cannot rule out (rule of three). One small chart for each entry,
/// at most [`TOP_HOSTS`].
///
/// # Errors
/// When the drawing library fails.
pub fn sweep(hosts: &[Sweep]) -> Result<Chart, ReportError> {
    Ok(Chart {
        title: TITLE,
        note: plot::cut_note(hosts.len()),
        wide: layout(hosts, Layout::Wide)?,
        narrow: layout(hosts, Layout::Narrow)?,
    })
}

fn layout(hosts: &[Sweep], layout: Layout) -> Result<String, ReportError> {
    let m = Measures::of(layout, PLOT, 3);
    let mut said = Vec::new();
    let svg = draw(NAME, m.size(hosts.len()), |canvas| {
        let entries = [
            (Mark::Dot(colour::RECKONED), "share of demands without a port"),
            (Mark::Ring(colour::STATIC), "none failed"),
            (Mark::Dashed(colour::STATIC, 1), "95 % limit of those (rule of three)"),
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

fn summary(host: &Sweep) -> Vec<String> {
    let attempts = host.points.iter().map(|point| point.attempts).max().unwrap_or(0);
    let mut lines = vec![counted(attempts, "demand", "demands")];
    let enough =
        host.points.iter().filter(|point| point.blocked == 0 && point.attempts > 0).map(|point| point.ports).min();
    lines.extend(enough.map(|ports| format!("none failed from {} on", counted(ports.into(), "port", "ports"))));
    let far = if drawn_asked(host).is_some() { "" } else { " (off the scale)" };
    lines.extend(host.asked.map(|ports| format!("asked about: {}{far}", counted(ports.into(), "port", "ports"))));
    lines
}

/// The range that was asked about, where it does not press all else together.
fn drawn_asked(host: &Sweep) -> Option<u32> {
    let last = host.points.iter().map(|point| point.ports).max().unwrap_or(0);
    host.asked.filter(|asked| *asked <= last.saturating_mul(FAR))
}

/// The decades of the vertical axis: powers of ten, from 10^`lowest` to 1.
struct Decades {
    lowest: i32,
    top: i32,
    /// Where 10^`lowest` lies: above the strip.
    foot: i32,
}

impl Decades {
    fn of(points: &[SweepEntry], (top, bottom): (i32, i32)) -> Self {
        let shown = points
            .iter()
            .filter_map(|point| point.rule_of_three().or_else(|| point.failure_probability().filter(|p| *p > 0.0)));
        let least = shown.fold(0.1, f64::min);
        let lowest = (least.log10().floor() as i32).clamp(-MOST_DECADES, -1);
        Self { lowest, top, foot: bottom - STRIP }
    }

    fn at(&self, probability: f64) -> i32 {
        let scale = Scale { from: self.lowest.into(), to: 0.0, low: self.foot, high: self.top };
        scale.at(probability.log10())
    }
}

/// A power of ten as percent: "100%", "0.01%".
fn percent(power: i32) -> String {
    match power + 2 {
        whole @ 0.. => format!("{}%", 10_i64.pow(whole.unsigned_abs().min(9))),
        part => format!("0.{}1%", "0".repeat(usize::try_from(-part - 1).unwrap_or(0))),
    }
}

fn panel(canvas: &Canvas<'_>, host: &Sweep, at: usize, m: &Measures) -> Result<(), ReportError> {
    let (top, bottom) = m.plot(at);
    let mut points: Vec<SweepEntry> = host.points.iter().copied().filter(|point| point.attempts > 0).collect();
    points.sort_unstable_by_key(|point| point.ports);
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        plot::foot(canvas, at, "ports", m)?;
        return plot::note(canvas, ((m.left + m.right) / 2, (top + bottom) / 2), Anchor::Middle, "no demands", m);
    };
    let asked = drawn_asked(host);
    let ends = asked.map_or((first.ports, last.ports), |n| (first.ports.min(n), last.ports.max(n)));
    let decades = Decades::of(&points, (top, bottom));
    grid(canvas, &decades, m)?;
    canvas.fill((m.left, bottom - STRIP + 6), (m.right, bottom), colour::LANE)?;
    canvas.text((m.left - 8, bottom - STRIP / 2 + 3), Anchor::Right, m.small, colour::MUTED, "none")?;
    // The points stay a little away from the ends.
    let x = Scale { from: ends.0.into(), to: ends.1.max(ends.0 + 1).into(), low: m.left + 12, high: m.right - 12 };
    labels(canvas, at, ends, x, m)?;
    let floor = bottom - STRIP / 2 + 3;
    let marked = asked.map(|asked| (asked, x.at(asked.into())));
    if let Some((_, x)) = marked {
        canvas.line((x, top), (x, bottom), colour::INK, 2)?;
        canvas.polygon([(x - 5, bottom + 6), (x + 5, bottom + 6), (x, bottom)], colour::INK)?;
    }
    draw_points(canvas, &points, x, &decades, floor, m)?;
    if let Some((asked, x)) = marked {
        mark_label(canvas, &points, asked, (x, (top, bottom)), m)?;
    }
    plot::foot(canvas, at, "ports that can be given out", m)
}

fn grid(canvas: &Canvas<'_>, decades: &Decades, m: &Measures) -> Result<(), ReportError> {
    // Labels need 18 pixels each.
    let room = ((decades.foot - decades.top) / 18).max(1);
    let each = (-decades.lowest).div_euclid(room) + 1;
    for power in (decades.lowest..=0).rev().filter(|power| power % each == 0) {
        let y = decades.at(10_f64.powi(power));
        canvas.line((m.left, y), (m.right, y), colour::GRID, 1)?;
        canvas.text((m.left - 8, y), Anchor::Right, m.small, colour::MUTED, &percent(power))?;
    }
    Ok(())
}

fn labels(canvas: &Canvas<'_>, at: usize, ends: (u32, u32), x: Scale, m: &Measures) -> Result<(), ReportError> {
    let most = m.labels();
    let span = u64::from(ends.1 - ends.0);
    // Ticks of the span are steps; the first multiple at or after the lower end begins.
    let step = super::canvas::ticks(span.max(1), most).get(1).copied().unwrap_or(1).max(1);
    let first = u64::from(ends.0).div_ceil(step) * step;
    for tick in (0..=most).map(|n| first + n * step).take_while(|tick| *tick <= u64::from(ends.1)) {
        plot::below_axis(canvas, at, x.at(tick as f64), &count(tick), m)?;
    }
    Ok(())
}

fn draw_points(
    canvas: &Canvas<'_>,
    points: &[SweepEntry],
    x: Scale,
    decades: &Decades,
    floor: i32,
    m: &Measures,
) -> Result<(), ReportError> {
    let shown: Vec<&SweepEntry> =
        plot::thinned(points.len(), plot::MOST_POINTS).into_iter().filter_map(|n| points.get(n)).collect();
    let dot_radius = if shown.len() > 60 { 2 } else { 4 };
    let mut failing: Vec<Point> = Vec::new();
    let mut limit: Vec<Point> = Vec::new();
    for point in shown {
        let at = x.at(point.ports.into());
        match point.rule_of_three() {
            Some(three) => limit.push((at, decades.at(three))),
            None => failing.extend(point.failure_probability().map(|p| (at, decades.at(p)))),
        }
    }
    canvas.polyline(&failing, colour::RECKONED, 1)?;
    for point in &failing {
        canvas.dot(*point, dot_radius, colour::RECKONED)?;
    }
    // A single size needs a line too.
    if let [only] = *limit.as_slice() {
        limit = vec![(only.0 - 6, only.1), (only.0 + 6, only.1)];
        canvas.ring((only.0, floor), 4, colour::STATIC)?;
    } else {
        // Rings that would touch are left out.
        let mut free_from = i32::MIN;
        for point in &limit {
            if point.0 >= free_from {
                canvas.ring((point.0, floor), if dot_radius > 2 { 4 } else { 3 }, colour::STATIC)?;
                free_from = point.0 + 2 * dot_radius + 2;
            }
        }
    }
    canvas.dashed(&limit, colour::STATIC, 1)?;
    if let Some(last) = limit.last() {
        plot::note(canvas, (last.0 - 6, last.1 - 11), Anchor::Right, "cannot be ruled out", m)?;
    }
    Ok(())
}

/// What became of the range that was asked about.
fn mark_label(
    canvas: &Canvas<'_>,
    points: &[SweepEntry],
    asked: u32,
    (x, (top, bottom)): (i32, (i32, i32)),
    m: &Measures,
) -> Result<(), ReportError> {
    let found = points.iter().find(|point| point.ports == asked);
    let text = match found {
        Some(point) => format!("{}: {} of {} failed", count(asked.into()), count(point.blocked), count(point.attempts)),
        None => count(asked.into()),
    };
    let (anchor, beside) = if x < (m.left + m.right) / 2 { (Anchor::Left, x + 8) } else { (Anchor::Right, x - 8) };
    // Where the curve is high there is room at the foot.
    let is_high = found.and_then(SweepEntry::failure_probability).is_some_and(|p| p > 0.03);
    let y = if is_high { bottom - STRIP - 8 } else { top + 12 };
    plot::note(canvas, (beside, y), anchor, &text, m)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::Transport;

    /// From a third blocked to none.
    pub(in super::super) fn example() -> Sweep {
        let blocked = |ports: u32| if ports >= 76 { 0 } else { 1 + u64::from(76 - ports).pow(3) / 60 };
        let entry = |ports| SweepEntry { ports, attempts: 1_204, blocked: blocked(ports) };
        Sweep {
            host: [10, 20, 30, 20].into(),
            name: "ftac-srv".into(),
            transport: Transport::Tcp,
            points: (52..=100).step_by(4).map(entry).collect(),
            asked: Some(64),
        }
    }

    #[test]
    fn failures_floor_and_the_range_asked_about_are_drawn_and_said() {
        let chart = sweep(&[example()]).unwrap();
        for svg in [&chart.wide, &chart.narrow] {
            for part in ["64: 29 of 1,204 failed", "none failed from 76 ports on", "0.1%", "100%", "rule of three"] {
                assert!(svg.contains(part), "{part}: {svg}");
            }
            // Six sizes fail and seven do not; two more are in the legend.
            assert_eq!(svg.matches("<circle").count(), 13 + 2);
        }
    }

    #[test]
    fn percent_is_written_out() {
        assert_eq!([0, -1, -2, -3, -6].map(percent), ["100%", "10%", "1%", "0.1%", "0.0001%"]);
    }

    #[test]
    fn where_nothing_failed_the_limit_is_all_there_is() {
        let one = Sweep {
            points: vec![SweepEntry { ports: 320, attempts: 3_000, blocked: 0 }],
            asked: Some(320),
            ..example()
        };
        let svg = sweep(&[one]).unwrap().wide;
        assert!(svg.contains("320: 0 of 3,000 failed") && svg.contains("cannot be ruled out"), "{svg}");
    }

    #[test]
    fn a_range_far_beyond_is_named_and_does_not_press_the_curve_together() {
        let svg = sweep(&[Sweep { asked: Some(16_384), ..example() }]).unwrap().wide;
        assert!(svg.contains("asked about: 16,384 ports (off the scale)") && !svg.contains(">\n10,000"), "{svg}");
    }

    #[test]
    fn thousands_of_sizes_are_thinned_and_odd_ones_are_drawable() {
        let entry = |ports| SweepEntry { ports, attempts: u64::MAX, blocked: u64::from(65_535 - ports) };
        let long = Sweep { points: (0..=65_535).map(entry).collect(), asked: Some(u32::MAX), ..example() };
        let chart = sweep(&[long]).unwrap();
        assert!(chart.wide.len() < 120_000, "{} bytes", chart.wide.len());
        let odd = [SweepEntry { ports: 5, attempts: 0, blocked: 9 }, SweepEntry { ports: 5, attempts: 1, blocked: 9 }];
        let odd = Sweep { points: odd.to_vec(), asked: None, ..example() };
        let empty = Sweep { points: vec![], ..example() };
        for chart in [sweep(&[odd, empty]).unwrap(), sweep(&[]).unwrap()] {
            assert!(chart.wide.trim_end().ends_with("</svg>"));
        }
    }
}

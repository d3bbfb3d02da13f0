//! Dynamic ports held over time, against what a range gives.

use super::canvas::{Anchor, Canvas, Point, colour, described, draw};
use super::plot::{self, Label, Mark, Measures, Scale};
use super::{Chart, Layout, TOP_HOSTS};
use crate::model::PortsInUse;
use crate::report::ReportError;
use crate::report::text::{count, counted, iso_utc};

const NAME: &str = "ports in use";
const TITLE: &str = "Dynamic ports held over time";
/// Height of a plot, pixels.
const PLOT: i32 = 130;
/// A capacity that is this many times as high as the peak is named and not drawn to scale.
const FAR: u32 = 4;
/// Restarts that are drawn.
const MOST_RESTARTS: usize = 100;

/// Ports held over time, the peak, capacity where one is given, and restarts. One small chart for each entry, at most
/// [`TOP_HOSTS`].
///
/// # Errors
/// When the drawing library fails.
pub fn ports_in_use(hosts: &[PortsInUse]) -> Result<Chart, ReportError> {
    Ok(Chart {
        title: TITLE,
        note: plot::cut_note(hosts.len()),
        wide: layout(hosts, Layout::Wide)?,
        narrow: layout(hosts, Layout::Narrow)?,
    })
}

fn layout(hosts: &[PortsInUse], layout: Layout) -> Result<String, ReportError> {
    let m = Measures::of(layout, PLOT, 1);
    let mut said = Vec::new();
    let svg = draw(NAME, m.size(hosts.len()), |canvas| {
        let mut entries =
            vec![(Mark::Line(colour::EXPLAINED, 2), "ports held"), (Mark::Ring(colour::RECKONED), "peak")];
        if hosts.iter().any(|host| host.capacity.is_some()) {
            entries.push((Mark::Dashed(colour::INK, 2), "capacity"));
        }
        if hosts.iter().any(|host| !host.restarts.is_empty()) {
            entries.push((Mark::Upright(colour::INK), "restart"));
        }
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

fn summary(host: &PortsInUse) -> Vec<String> {
    let mut lines = vec![format!("peak {}{}", count(host.peak.0.into()), moment(host.peak.1))];
    let far = if drawn_capacity(host).is_some() { "" } else { " (above the scale)" };
    lines.extend(host.capacity.map(|capacity| format!("capacity {}{far}", count(capacity.into()))));
    if !host.restarts.is_empty() {
        lines.push(counted(host.restarts.len() as u64, "restart", "restarts"));
    }
    lines
}

/// The most ports held, by the steps and the peak.
fn most(host: &PortsInUse) -> u32 {
    host.steps.iter().map(|step| step.1).max().unwrap_or(0).max(host.peak.0)
}

/// The capacity, where it does not make the curve flat.
fn drawn_capacity(host: &PortsInUse) -> Option<u32> {
    host.capacity.filter(|capacity| *capacity <= most(host).max(4).saturating_mul(FAR))
}

/// " at 08:13:05 UTC".
fn moment(at_ns: Option<i64>) -> String {
    let time = at_ns.and_then(|ns| iso_utc(ns).split_once('T').and_then(|(_, time)| time.get(..8).map(str::to_owned)));
    time.map_or(String::new(), |time| format!(" at {time} UTC"))
}

/// The day or days that the axis covers.
fn days(from_ns: i64, to_ns: i64) -> String {
    let day = |ns| iso_utc(ns).split_once('T').map_or(String::new(), |(date, _)| date.to_owned());
    let (from, to) = (day(from_ns), day(to_ns));
    if from == to { format!("{from}, UTC") } else { format!("{from} to {to}, UTC") }
}

fn panel(canvas: &Canvas<'_>, host: &PortsInUse, at: usize, m: &Measures) -> Result<(), ReportError> {
    let (top, bottom) = m.plot(at);
    let Some((from_ns, _)) = host.steps.first().copied() else {
        plot::foot(canvas, at, "", m)?;
        return plot::note(canvas, ((m.left + m.right) / 2, (top + bottom) / 2), Anchor::Middle, "no ports held", m);
    };
    let drawn = drawn_capacity(host);
    let y = plot::counts(canvas, at, drawn.unwrap_or(0).max(most(host)).into(), 0.25, m)?;
    let to_ns = host.end_ns.max(from_ns);
    // Times are reckoned from the beginning: they are too long for exact floating point.
    let since = |ns: i64| (i128::from(ns) - i128::from(from_ns)) as f64;
    let x = Scale { from: 0.0, to: since(to_ns), low: m.left, high: m.right };
    for (ns, label) in plot::time_labels(from_ns, to_ns, m.labels()) {
        canvas.line((x.at(since(ns)), bottom), (x.at(since(ns)), bottom + 4), colour::MUTED, 1)?;
        plot::below_axis(canvas, at, x.at(since(ns)), &label, m)?;
    }
    for ns in host.restarts.iter().filter(|ns| (from_ns..=to_ns).contains(ns)).take(MOST_RESTARTS) {
        let x = x.at(since(*ns));
        canvas.line((x, top), (x, bottom), colour::INK, 1)?;
        canvas.polygon([(x - 4, top - 5), (x + 4, top - 5), (x, top + 2)], colour::INK)?;
    }
    let line = steps(host, |ns, ports| (x.at(since(ns)), y.at(ports.into())));
    let foot: Vec<Point> = line.iter().map(|point| (point.0, bottom)).collect();
    canvas.area(&line, &foot, colour::EXPLAINED, 15)?;
    canvas.polyline(&line, colour::EXPLAINED, 2)?;
    let peak = host.peak.1.filter(|ns| (from_ns..=to_ns).contains(ns));
    let peak = peak.map(|ns| (x.at(since(ns)), y.at(host.peak.0.into())));
    let line = drawn.map(|capacity| y.at(capacity.into()));
    if let Some((capacity, line)) = drawn.zip(line) {
        canvas.dashed(&[(m.left, line), (m.right, line)], colour::INK, 2)?;
        // At the end that is farther from the peak.
        let peak_is_right = peak.is_some_and(|peak| peak.0 > (m.left + m.right) / 2);
        let (x, anchor) = if peak_is_right { (m.left, Anchor::Left) } else { (m.right, Anchor::Right) };
        plot::note(canvas, (x, line - 10), anchor, &format!("capacity {}", count(capacity.into())), m)?;
    }
    if let Some(peak) = peak {
        peak_label(canvas, host.peak.0, peak, line, m)?;
    }
    plot::foot(canvas, at, &days(from_ns, to_ns), m)
}

/// The mark at the peak, and its number above; beside it where the line of the capacity is in the way.
fn peak_label(
    canvas: &Canvas<'_>,
    ports: u32,
    (x, y): Point,
    capacity: Option<i32>,
    m: &Measures,
) -> Result<(), ReportError> {
    let text = format!("peak {}", count(ports.into()));
    let in_the_way = capacity.is_some_and(|line| (y - 24..y - 2).contains(&line));
    match in_the_way {
        true if x < (m.left + m.right) / 2 => plot::note(canvas, (x + 9, y + 1), Anchor::Left, &text, m)?,
        true => plot::note(canvas, (x - 9, y + 1), Anchor::Right, &text, m)?,
        false => plot::note(canvas, (x, y - 14), Anchor::Middle, &text, m)?,
    }
    canvas.ring((x, y), 4, colour::RECKONED)
}

/// The outline of the steps: the most of those that share a drawn point.
fn steps(host: &PortsInUse, point: impl Fn(i64, u32) -> Point) -> Vec<Point> {
    let each = host.steps.len().div_ceil(plot::MOST_POINTS).max(1);
    let mut line: Vec<Point> = Vec::new();
    let mut last = 0;
    for chunk in host.steps.chunks(each) {
        let Some((ns, _)) = chunk.first() else { continue };
        let most = chunk.iter().map(|step| step.1).max().unwrap_or(0);
        let next = point(*ns, most);
        line.extend(line.last().map(|before| (next.0, before.1)));
        line.push(next);
        last = most;
    }
    line.push(point(host.end_ns, last));
    line
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::Transport;

    const SECOND: i64 = 1_000_000_000;
    const START: i64 = 1_772_488_802 * SECOND;

    /// Half an hour with a squeeze and a restart.
    pub(in super::super) fn example() -> PortsInUse {
        let ports = |n: i64| 51 + (u32::try_from(n).unwrap() * 7) % 9 + if (180..190).contains(&n) { 12 } else { 0 };
        let steps: Vec<(i64, u32)> = (0..400).map(|n| (START + n * 5 * SECOND, ports(n))).collect();
        let peak = steps.iter().max_by_key(|step| (step.1, -step.0)).copied().unwrap();
        PortsInUse {
            host: [10, 20, 30, 20].into(),
            name: "ftac-srv".into(),
            transport: Transport::Tcp,
            steps,
            end_ns: START + 2_000 * SECOND,
            capacity: Some(80),
            peak: (peak.1, Some(peak.0)),
            restarts: vec![START + 1_300 * SECOND],
        }
    }

    #[test]
    fn peak_capacity_and_restart_are_drawn_and_said() {
        let chart = ports_in_use(&[example()]).unwrap();
        for svg in [&chart.wide, &chart.narrow] {
            for part in ["peak 71", "capacity 80", "1 restart", "<desc>ftac-srv 10.20.30.20 tcp: peak 71 at 22:1"] {
                assert!(svg.contains(part), "{part}: {svg}");
            }
            assert_eq!(svg.matches("<circle").count(), 2, "the peak, and in the legend");
        }
        let plain = PortsInUse { capacity: None, restarts: vec![], ..example() };
        let svg = ports_in_use(&[plain]).unwrap().wide;
        assert!(!svg.contains("capacity") && !svg.contains("restart"));
    }

    #[test]
    fn a_capacity_far_above_is_named_and_does_not_flatten_the_curve() {
        let svg = ports_in_use(&[PortsInUse { capacity: Some(16_384), ..example() }]).unwrap().wide;
        assert!(svg.contains("capacity 16,384 (above the scale)"), "{svg}");
        assert!(!svg.contains(">\n8,000"), "the axis ends near the peak");
    }

    #[test]
    fn thinning_keeps_the_most_of_each_part() {
        let mut long = example();
        long.steps = (0..100_000).map(|n| (START + n, if n == 77_777 { 900 } else { 10 })).collect();
        long.end_ns = START + 100_000;
        let point = |ns: i64, ports: u32| ((ns - START) as i32, ports as i32);
        let line = steps(&long, point);
        assert!(line.len() <= 2 * plot::MOST_POINTS + 1);
        assert_eq!(line.iter().map(|point| point.1).max(), Some(900));
        assert_eq!(line.last(), Some(&(100_000, 10)));
    }

    #[test]
    fn several_hosts_are_several_panels_and_many_are_cut() {
        let chart = ports_in_use(&vec![example(); 30]).unwrap();
        assert_eq!(chart.wide.matches("ftac-srv\n").count(), TOP_HOSTS);
        assert_eq!(chart.note, "The first 20 of 30 are drawn.");
    }

    #[test]
    fn times_at_the_edges_and_nothing_are_drawable() {
        let edge = PortsInUse {
            steps: vec![(i64::MIN, u32::MAX), (i64::MAX, 0)],
            end_ns: i64::MIN,
            peak: (u32::MAX, Some(i64::MAX)),
            restarts: vec![i64::MIN; 1_000],
            ..example()
        };
        let empty = PortsInUse { steps: vec![], ..example() };
        for chart in [ports_in_use(&[edge, empty]).unwrap(), ports_in_use(&[]).unwrap()] {
            assert!(chart.wide.trim_end().ends_with("</svg>"));
        }
    }
}

//! Small charts below each other, one for each host: place, label, scales and axes of each.

use super::canvas::{Anchor, Canvas, Point, colour};
use super::{Layout, TOP_HOSTS};
use crate::model::Transport;
use crate::report::ReportError;
use crate::report::text::{count, iso_utc};
use plotters::style::RGBColor;
use std::net::IpAddr;

/// Points of a line that are drawn: about two pixels for each on a wide page.
pub(super) const MOST_POINTS: usize = 400;
/// Height of a line of the legend, in pixels.
const LEGEND_LINE: i32 = 20;

/// Measures of a layout, in pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measures {
    pub(super) layout: Layout,
    /// Ends of the plots and, right of them, of the picture.
    pub(super) left: i32,
    pub(super) right: i32,
    /// From the top of the picture to the first panel.
    head: i32,
    /// Height of a panel, and within it from its top to the plot and from the plot to its bottom.
    panel: i32,
    above: i32,
    below: i32,
    type_size: i32,
    pub(super) small: i32,
}

impl Measures {
    /// `plot` is the height of a plot, `legend` the number of lines that the legend has on a narrow page.
    pub(super) fn of(layout: Layout, plot: i32, legend: i32) -> Self {
        let (above, below, head) = match layout {
            Layout::Wide => (14, 44, LEGEND_LINE + 10),
            Layout::Narrow => (68, 46, LEGEND_LINE * legend + 6),
        };
        let panel = above + plot + below;
        match layout {
            Layout::Wide => {
                Self { layout, left: 320, right: 1_090, head, panel, above, below, type_size: 14, small: 12 }
            }
            Layout::Narrow => {
                Self { layout, left: 46, right: 372, head, panel, above, below, type_size: 15, small: 13 }
            }
        }
    }

    /// Size of a picture of so many panels.
    pub(super) fn size(&self, panels: usize) -> (u32, u32) {
        let panels = i32::try_from(panels.min(TOP_HOSTS)).unwrap_or(0).max(1);
        (u32::try_from(self.right + 8).unwrap_or(1), u32::try_from(self.head + panels * self.panel).unwrap_or(1))
    }

    /// Top and bottom of the plot of a panel.
    pub(super) fn plot(&self, panel: usize) -> (i32, i32) {
        let top = self.head + self.panel * i32::try_from(panel).unwrap_or(0);
        (top + self.above, top + self.panel - self.below)
    }

    /// How many labels a horizontal axis has at most.
    pub(super) fn labels(&self) -> u64 {
        if self.layout == Layout::Wide { 8 } else { 4 }
    }
}

/// Whose panel it is, and a line that says what it shows.
pub(super) struct Label<'a> {
    pub(super) name: &'a str,
    pub(super) host: IpAddr,
    pub(super) transport: Transport,
    pub(super) summary: &'a [String],
}

impl Label<'_> {
    /// The host as descriptions call it.
    pub(super) fn said(&self) -> String {
        let called = if self.name.is_empty() { String::new() } else { format!("{} ", self.name) };
        format!("{called}{} {}: {}", self.host, self.transport, self.summary.join(", "))
    }

    /// The summary in two lines.
    fn lines(&self, canvas: &Canvas<'_>, m: &Measures) -> Result<[String; 2], ReportError> {
        let (mut first, mut second) = (String::new(), String::new());
        for part in self.summary {
            let longer = if first.is_empty() { part.clone() } else { format!("{first}, {part}") };
            if second.is_empty() && canvas.width(m.small, &longer)? <= m.right {
                first = longer;
            } else {
                second = if second.is_empty() { part.clone() } else { format!("{second}, {part}") };
            }
        }
        Ok([first, second])
    }

    pub(super) fn draw(&self, canvas: &Canvas<'_>, panel: usize, m: &Measures) -> Result<(), ReportError> {
        let (top, _) = m.plot(panel);
        let named = if self.name.is_empty() { self.host.to_string() } else { self.name.to_owned() };
        if m.layout == Layout::Narrow {
            let head = canvas.fitted(m.type_size, &format!("{named} {}", self.transport), m.right)?;
            canvas.text((2, top - 52), Anchor::Left, m.type_size, colour::INK, &head)?;
            for (line, y) in self.lines(canvas, m)?.iter().zip([top - 33, top - 16]) {
                let line = canvas.fitted(m.small, line, m.right)?;
                canvas.text((2, y), Anchor::Left, m.small, colour::MUTED, &line)?;
            }
            return Ok(());
        }
        let head = canvas.fitted(m.type_size, &named, 250)?;
        canvas.text((0, top + 6), Anchor::Left, m.type_size, colour::INK, &head)?;
        let of =
            if self.name.is_empty() { self.transport.to_string() } else { format!("{} {}", self.host, self.transport) };
        let below = std::iter::once(&of).chain(self.summary);
        for (line, y) in below.zip((top + 25..).step_by(18)) {
            let line = canvas.fitted(m.small, line, 255)?;
            canvas.text((0, y), Anchor::Left, m.small, colour::MUTED, &line)?;
        }
        Ok(())
    }
}

/// Where values lie between two pixel positions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) low: i32,
    pub(super) high: i32,
}

impl Scale {
    /// The pixel of a value; values beyond the ends, and what is no number, lie at the ends.
    pub(super) fn at(&self, value: f64) -> i32 {
        let length = self.to - self.from;
        let share = if length > 0.0 { (value - self.from) / length } else { 0.0 };
        let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
        self.low + (f64::from(self.high - self.low) * share).round() as i32
    }
}

/// A vertical scale of counts from 0, with its grid and numbers.
/// `room` is the part of the most that is left free above.
pub(super) fn counts(
    canvas: &Canvas<'_>,
    panel: usize,
    most: f64,
    room: f64,
    m: &Measures,
) -> Result<Scale, ReportError> {
    let (top, bottom) = m.plot(panel);
    let most = if most.is_finite() { most.clamp(4.0, 1e15) } else { 4.0 };
    let scale = Scale { from: 0.0, to: most * (1.0 + room), low: bottom, high: top };
    for tick in super::canvas::ticks(most as u64, 4) {
        let y = scale.at(tick as f64);
        canvas.line((m.left, y), (m.right, y), colour::GRID, 1)?;
        canvas.text((m.left - 8, y), Anchor::Right, m.small, colour::MUTED, &count(tick))?;
    }
    Ok(scale)
}

/// The line at the foot of a plot, and what is counted along it.
pub(super) fn foot(canvas: &Canvas<'_>, panel: usize, what: &str, m: &Measures) -> Result<(), ReportError> {
    let (_, bottom) = m.plot(panel);
    canvas.line((m.left, bottom), (m.right, bottom), colour::MUTED, 1)?;
    canvas.text((m.right, bottom + 30), Anchor::Right, m.small, colour::MUTED, what)
}

/// A number below the axis, moved inwards where it would stick out of the picture.
pub(super) fn below_axis(
    canvas: &Canvas<'_>,
    panel: usize,
    x: i32,
    text: &str,
    m: &Measures,
) -> Result<(), ReportError> {
    let (_, bottom) = m.plot(panel);
    let half = canvas.width(m.small, text)? / 2;
    let x = x.clamp(half, (m.right + 8 - half).max(half));
    canvas.text((x, bottom + 13), Anchor::Middle, m.small, colour::MUTED, text)
}

/// Steps between labels of a time axis, seconds.
const TIME_STEPS: [i64; 21] = [
    1, 2, 5, 10, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
    2_592_000, 31_536_000,
];

/// Labels of a time axis: round times in UTC, with the date where the steps are days. At most `most`.
pub(super) fn time_labels(from_ns: i64, to_ns: i64, most: u64) -> Vec<(i64, String)> {
    const SECOND: i64 = 1_000_000_000;
    let (from_s, to_s) = (from_ns.div_euclid(SECOND), to_ns.div_euclid(SECOND));
    let fits = |step: &i64| (to_s.saturating_sub(from_s) / step).unsigned_abs() < most;
    let step = TIME_STEPS.into_iter().find(fits).unwrap_or_else(|| to_s.saturating_sub(from_s).max(1));
    let first = from_s.div_euclid(step).saturating_add(1).saturating_mul(step);
    let times = (0..=i64::try_from(most).unwrap_or(8)).map(|n| first.saturating_add(step.saturating_mul(n)));
    let label = |second: i64| {
        let ns = second.checked_mul(SECOND)?;
        let iso = iso_utc(ns);
        let (date, time) = iso.split_once('T')?;
        let shown = match step {
            ..60 => time.get(..8)?,
            60..86_400 => time.get(..5)?,
            _ => date,
        };
        Some((ns, shown.to_owned()))
    };
    times.take_while(|second| *second <= to_s).filter_map(label).collect()
}

/// How a line of a legend is marked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mark {
    Line(RGBColor, u32),
    Dashed(RGBColor, u32),
    Band(RGBColor, u8),
    Dot(RGBColor),
    Ring(RGBColor),
    Upright(RGBColor),
}

/// Legend entries in a row, wrapped at the right end.
pub(super) fn legend(canvas: &Canvas<'_>, entries: &[(Mark, &str)], m: &Measures) -> Result<(), ReportError> {
    let begin = if m.layout == Layout::Wide { m.left } else { 2 };
    let (mut x, mut y) = (begin, LEGEND_LINE / 2);
    for (mark, text) in entries {
        let width = 30 + canvas.width(m.small, text)?;
        if x > begin && x + width > m.right {
            (x, y) = (begin, y + LEGEND_LINE);
        }
        let ends = [(x, y), (x + 22, y)];
        match *mark {
            Mark::Line(colour, width) => canvas.polyline(&ends, colour, width)?,
            Mark::Dashed(colour, width) => canvas.dashed(&ends, colour, width)?,
            Mark::Band(colour, percent) => {
                canvas.area(&[(x, y - 6), (x + 22, y - 6)], &[(x, y + 6), (x + 22, y + 6)], colour, percent)?;
            }
            Mark::Dot(colour) => canvas.dot((x + 11, y), 4, colour)?,
            Mark::Ring(colour) => canvas.ring((x + 11, y), 4, colour)?,
            Mark::Upright(colour) => canvas.line((x + 11, y - 8), (x + 11, y + 8), colour, 1)?,
        }
        canvas.text((x + 28, y), Anchor::Left, m.small, colour::MUTED, text)?;
        x += width + 14;
    }
    Ok(())
}

/// Text within a plot, moved so that it stays between its ends, on paper that covers what is behind it.
pub(super) fn note(
    canvas: &Canvas<'_>,
    (x, y): Point,
    anchor: Anchor,
    text: &str,
    m: &Measures,
) -> Result<(), ReportError> {
    let text = canvas.fitted(m.small, text, m.right - m.left - 8)?;
    let width = canvas.width(m.small, &text)?;
    let left = match anchor {
        Anchor::Left => x,
        Anchor::Middle => x - width / 2,
        Anchor::Right => x - width,
    };
    let left = left.clamp(m.left + 4, (m.right - 4 - width).max(m.left + 4));
    canvas.area(
        &[(left - 2, y - 8), (left + width + 2, y - 8)],
        &[(left - 2, y + 7), (left + width + 2, y + 7)],
        colour::PAPER,
        85,
    )?;
    canvas.text((left, y), Anchor::Left, m.small, colour::INK, &text)
}

/// At most `most` numbers of places of a list, evenly spread, the first and the last among them.
pub(super) fn thinned(length: usize, most: usize) -> Vec<usize> {
    if length <= most.max(2) {
        return (0..length).collect();
    }
    (0..most).map(|n| n * (length - 1) / (most - 1)).collect()
}

/// What to say where not all hosts are drawn.
pub(super) fn cut_note(all: usize) -> String {
    if all <= TOP_HOSTS {
        return String::new();
    }
    format!("The first {TOP_HOSTS} of {} are drawn.", count(all as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lie_on_their_scale_and_nothing_leaves_it() {
        let scale = Scale { from: 0.0, to: 10.0, low: 100, high: 0 };
        assert_eq!([scale.at(0.0), scale.at(5.0), scale.at(10.0)], [100, 50, 0]);
        assert_eq!([scale.at(-1.0), scale.at(f64::INFINITY), scale.at(f64::NAN)], [100, 0, 100]);
        assert_eq!(Scale { to: 0.0, ..scale }.at(3.0), 100);
    }

    #[test]
    fn times_are_round_and_few() {
        let at = |s: i64| s * 1_000_000_000;
        let shown = |from, to, most| time_labels(from, to, most).into_iter().map(|(_, text)| text).collect::<Vec<_>>();
        assert_eq!(
            shown(at(1_772_488_802), at(1_772_490_940), 8),
            ["22:05", "22:10", "22:15", "22:20", "22:25", "22:30", "22:35"]
        );
        assert_eq!(shown(at(0), at(12), 4), ["00:00:05", "00:00:10"]);
        assert_eq!(shown(at(0), at(86_400 * 3), 4), ["1970-01-02", "1970-01-03", "1970-01-04"]);
        for (from, to) in [(i64::MIN, i64::MAX), (i64::MAX, i64::MIN), (5, 5)] {
            assert!(time_labels(from, to, 8).len() <= 9);
        }
    }

    #[test]
    fn thinning_keeps_both_ends() {
        assert_eq!(thinned(3, 3), [0, 1, 2]);
        assert_eq!(thinned(2, 0), [0, 1]);
        let kept = thinned(1_000_000, MOST_POINTS);
        assert_eq!((kept.len(), kept.first(), kept.last()), (MOST_POINTS, Some(&0), Some(&999_999)));
    }
}

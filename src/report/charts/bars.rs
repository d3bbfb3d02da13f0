//! Dynamic ports by host: listening ports (explained, not explained) with the document's figure, and ephemeral ports on
//! a scale of their own.

use super::canvas::{Anchor, Canvas, Point, colour, draw, gap, scaled, ticks};
use super::{Axis, Chart, Layout, TOP_HOSTS, axis};
use crate::model::HostPorts;
use crate::report::summary::ranked;
use crate::report::text::count;
use crate::report::{ReportData, ReportError};

const NAME: &str = "dynamic ports by host";

/// Dynamic ports by host and transport, most listening ports first.
///
/// # Errors
/// When the drawing library fails.
pub fn dynamic_ports(data: &ReportData) -> Result<Chart, ReportError> {
    let used = |h: &&HostPorts| h.dynamic_listeners > 0 || h.ephemeral_ports > 0 || h.document_observed.is_some();
    let all: Vec<&HostPorts> = ranked(&data.hosts).into_iter().filter(used).collect();
    let hosts: Vec<&HostPorts> = all.iter().copied().take(TOP_HOSTS).collect();
    let panels = [Panel::listening(&hosts), Panel::ephemeral(&hosts)];
    let mut note = String::new();
    if all.len() > hosts.len() {
        let (shown, all) = (hosts.len(), count(all.len() as u64));
        note.push_str(&format!("The {shown} of {all} hosts with the most listening ports; all are in hosts.csv. "));
    }
    if panels.iter().any(|p| p.axis.broken) {
        note.push_str("Bars with a gap are longer than the axis: read their number.");
    }
    Ok(Chart {
        title: "Listening and ephemeral ports in the dynamic range, by host",
        note: note.trim_end().to_owned(),
        wide: draw_layout(&hosts, &panels, Layout::Wide)?,
        narrow: draw_layout(&hosts, &panels, Layout::Narrow)?,
    })
}

/// Height of a line of the legend in pixels. On narrow screens the first panel's legend needs two, the second's one.
const LEGEND_LINE: i32 = 20;

/// One bar: its parts, the marker and the text at its end.
struct Bar {
    explained: u64,
    unexplained: u64,
    plain: u64,
    marker: Option<u64>,
}

impl Bar {
    /// The number at the end of the bar.
    fn number(&self) -> String {
        count(self.length())
    }

    /// The number at the marker.
    fn marker_text(&self) -> Option<String> {
        self.marker.map(|n| format!("document: {}", count(n)))
    }

    /// Both, where there is no room between them.
    fn full_text(&self) -> String {
        match self.marker {
            Some(n) => format!("{} (document: {})", self.number(), count(n)),
            None => self.number(),
        }
    }

    fn length(&self) -> u64 {
        self.explained + self.unexplained + self.plain
    }
}

struct Panel {
    title: &'static str,
    bars: Vec<Bar>,
    axis: Axis,
    legend: &'static [(Mark, &'static str)],
}

#[derive(Debug, Clone, Copy)]
enum Mark {
    Explained,
    Unexplained,
    Document,
    Ephemeral,
}

impl Panel {
    fn listening(hosts: &[&HostPorts]) -> Self {
        let bar = |h: &&HostPorts| {
            let explained = h.dynamic_listeners_explained.min(h.dynamic_listeners);
            Bar {
                explained: explained.into(),
                unexplained: (h.dynamic_listeners - explained).into(),
                plain: 0,
                marker: h.document_observed.map(u64::from),
            }
        };
        let bars: Vec<Bar> = hosts.iter().map(bar).collect();
        let lengths: Vec<u64> = bars.iter().flat_map(|b| [b.length(), b.marker.unwrap_or(0)]).collect();
        let legend = &[
            (Mark::Explained, "explained"),
            (Mark::Unexplained, "not explained"),
            (Mark::Document, "document, its own test"),
        ];
        Self { title: "Listening dynamic ports", bars, axis: axis(&lengths), legend }
    }

    fn ephemeral(hosts: &[&HostPorts]) -> Self {
        let bar = |h: &&HostPorts| Bar { explained: 0, unexplained: 0, plain: h.ephemeral_ports.into(), marker: None };
        let bars: Vec<Bar> = hosts.iter().map(bar).collect();
        let lengths: Vec<u64> = bars.iter().map(Bar::length).collect();
        let legend = &[(Mark::Ephemeral, "ephemeral, on a scale of its own")];
        Self { title: "Ephemeral ports", bars, axis: axis(&lengths), legend }
    }
}

/// Measures of a layout, in pixels.
struct Measures {
    width: i32,
    row: i32,
    head: i32,
    foot: i32,
    bar: i32,
    type_size: i32,
    small: i32,
}

impl Measures {
    fn of(layout: Layout) -> Self {
        match layout {
            Layout::Wide => Self { width: 1_100, row: 46, head: 62, foot: 30, bar: 18, type_size: 14, small: 12 },
            Layout::Narrow => Self { width: 380, row: 54, head: 78, foot: 32, bar: 18, type_size: 15, small: 13 },
        }
    }
}

fn draw_layout(hosts: &[&HostPorts], panels: &[Panel; 2], layout: Layout) -> Result<String, ReportError> {
    let m = Measures::of(layout);
    let rows = i32::try_from(hosts.len()).unwrap_or(0).max(1);
    let height = m.head + rows * m.row + m.foot;
    match layout {
        Layout::Wide => draw(NAME, (size(m.width), size(height)), |canvas| {
            for (row, host) in hosts.iter().enumerate() {
                let top = m.head + m.row * i32::try_from(row).unwrap_or(0);
                label(canvas, host, (0, top + m.row / 2 - 9), 250, &m)?;
                let muted = host_detail(host);
                canvas.text((0, top + m.row / 2 + 9), Anchor::Left, m.small, colour::MUTED, &muted)?;
            }
            let [left, right] = panels;
            panel(canvas, left, (268, 0), 770, &m, 0)?;
            panel(canvas, right, (820, 0), 1_096, &m, 0)
        }),
        Layout::Narrow => {
            let second = height + 22;
            let below = m.head - LEGEND_LINE + rows * m.row + m.foot;
            draw(NAME, (size(m.width), size(second + below)), |canvas| {
                for (top, head) in [(0, m.head), (second, m.head - LEGEND_LINE)] {
                    for (row, host) in hosts.iter().enumerate() {
                        let y = top + head + m.row * i32::try_from(row).unwrap_or(0) + 12;
                        label(canvas, host, (2, y), m.width - 4, &m)?;
                    }
                }
                let [first, last] = panels;
                panel(canvas, first, (2, 0), m.width - 2, &m, 10)?;
                let shorter = Measures { head: m.head - LEGEND_LINE, ..m };
                panel(canvas, last, (2, second), shorter.width - 2, &shorter, 10)
            })
        }
    }
}

fn size(pixels: i32) -> u32 {
    u32::try_from(pixels).unwrap_or(1)
}

fn host_detail(host: &HostPorts) -> String {
    if host.name.is_empty() { host.transport.to_string() } else { format!("{} {}", host.host, host.transport) }
}

fn label(canvas: &Canvas<'_>, host: &HostPorts, at: Point, room: i32, m: &Measures) -> Result<(), ReportError> {
    let name = if host.name.is_empty() { host.host.to_string() } else { host.name.clone() };
    let name = if m.width < 500 { format!("{name} {}", host.transport) } else { name };
    let text = canvas.fitted(m.type_size, &name, room)?;
    canvas.text(at, Anchor::Left, m.type_size, colour::INK, &text)
}

/// Title, legend, grid, bars and axis of one panel from its upper left corner to `right`. Bars lie `drop` pixels below
/// the middle of their row.
fn panel(
    canvas: &Canvas<'_>,
    panel: &Panel,
    at: Point,
    right: i32,
    m: &Measures,
    drop: i32,
) -> Result<(), ReportError> {
    let (left, top) = at;
    canvas.text((left, top + 10), Anchor::Left, m.type_size, colour::INK, panel.title)?;
    legend(canvas, panel.legend, (left, top + 34), right, m)?;
    let rows = i32::try_from(panel.bars.len()).unwrap_or(0);
    let (first, last) = (top + m.head, top + m.head + rows.max(1) * m.row);
    // Behind the longest bar there is room for its number.
    let texts = panel.bars.iter().map(|bar| canvas.width(m.small, &bar.full_text())).collect::<Result<Vec<_>, _>>()?;
    let end = right - texts.into_iter().max().unwrap_or(0) - 8;
    for tick in ticks(panel.axis.limit, 5) {
        let x = scaled(tick, panel.axis.limit, left, end);
        // Where labels stand above the bars, the grid is interrupted for them.
        for top in (first..last).step_by(usize::try_from(m.row).unwrap_or(1)) {
            canvas.line((x, top + if drop > 0 { m.row / 2 } else { 0 }), (x, top + m.row), colour::GRID, 1)?;
        }
        let anchor = if x == left { Anchor::Left } else { Anchor::Middle };
        canvas.text((x, last + 12), anchor, m.small, colour::MUTED, &count(tick))?;
    }
    for (row, bar) in panel.bars.iter().enumerate() {
        let middle = first + m.row * i32::try_from(row).unwrap_or(0) + m.row / 2 + drop;
        draw_bar(canvas, bar, panel.axis, (left, middle), end, m)?;
    }
    canvas.line((left, first), (left, last), colour::MUTED, 1)
}

fn draw_bar(
    canvas: &Canvas<'_>,
    bar: &Bar,
    axis: Axis,
    (left, middle): Point,
    right: i32,
    m: &Measures,
) -> Result<(), ReportError> {
    let (upper, lower) = (middle - m.bar / 2, middle + m.bar / 2);
    let mut x = left;
    let mut sum = 0;
    for (part, mark) in
        [(bar.plain, Mark::Ephemeral), (bar.explained, Mark::Explained), (bar.unexplained, Mark::Unexplained)]
    {
        sum += part;
        if part > 0 {
            // Whatever is not zero stays visible: at least three pixels.
            let end = scaled(sum, axis.limit, left, right).max(x + 3);
            match mark {
                Mark::Explained => canvas.fill((x, upper), (end, lower), colour::EXPLAINED)?,
                Mark::Unexplained => canvas.striped((x, upper), (end, lower))?,
                Mark::Ephemeral | Mark::Document => canvas.fill((x, upper), (end, lower), colour::EPHEMERAL)?,
            }
            x = end;
        }
    }
    if bar.length() > axis.limit {
        gap(canvas, (left, right), (upper, lower))?;
    }
    let Some(at) = bar.marker.map(|n| scaled(n, axis.limit, left, right)) else {
        return canvas.text((x + 6, middle), Anchor::Left, m.small, colour::INK, &bar.number());
    };
    document_mark(canvas, (at, upper), lower)?;
    let number_end = x + 6 + canvas.width(m.small, &bar.number())?;
    match bar.marker_text() {
        Some(text) if number_end + 8 < at => {
            canvas.text((x + 6, middle), Anchor::Left, m.small, colour::INK, &bar.number())?;
            canvas.text((at + 8, middle), Anchor::Left, m.small, colour::MUTED, &text)
        }
        _ => canvas.text((x.max(at) + 8, middle), Anchor::Left, m.small, colour::INK, &bar.full_text()),
    }
}

fn document_mark(canvas: &Canvas<'_>, (x, upper): Point, lower: i32) -> Result<(), ReportError> {
    canvas.line((x, upper - 5), (x, lower + 5), colour::INK, 2)?;
    canvas.polygon([(x - 5, upper - 10), (x + 5, upper - 10), (x, upper - 3)], colour::INK)
}

/// Legend entries in a row, wrapped at `right`.
fn legend(
    canvas: &Canvas<'_>,
    entries: &[(Mark, &str)],
    (left, top): Point,
    right: i32,
    m: &Measures,
) -> Result<(), ReportError> {
    let (mut x, mut y) = (left, top);
    for (mark, text) in entries {
        let width = 22 + canvas.width(m.small, text)?;
        if x > left && x + width > right {
            (x, y) = (left, y + LEGEND_LINE);
        }
        match mark {
            Mark::Explained => canvas.fill((x, y - 6), (x + 15, y + 6), colour::EXPLAINED)?,
            Mark::Unexplained => canvas.striped((x, y - 6), (x + 15, y + 6))?,
            Mark::Ephemeral => canvas.fill((x, y - 6), (x + 15, y + 6), colour::EPHEMERAL)?,
            Mark::Document => document_mark(canvas, (x + 7, y - 1), y + 3)?,
        }
        canvas.text((x + 21, y), Anchor::Left, m.small, colour::MUTED, text)?;
        x += width + 16;
    }
    Ok(())
}

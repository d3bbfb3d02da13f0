//! Flows by status: one bar each, what needs a reviewer striped.

use super::canvas::{Anchor, Canvas, colour, draw, gap, scaled, ticks};
use super::{Chart, Layout, axis};
use crate::model::Status;
use crate::report::text::count;
use crate::report::{ReportData, ReportError};

const NAME: &str = "flows by status";

/// Flows by status, in the order of the report.
///
/// # Errors
/// When the drawing library fails.
pub fn statuses(data: &ReportData) -> Result<Chart, ReportError> {
    let flows = |status| data.statuses.iter().filter(|s| s.status == status).map(|s| s.flows).sum();
    let bars: Vec<(Status, u64)> = Status::ALL.iter().map(|s| (*s, flows(*s))).collect();
    let axis = axis(&bars.iter().map(|(_, n)| *n).collect::<Vec<_>>());
    let note = if axis.broken { "Bars with a gap are longer than the axis: read their number." } else { "" };
    Ok(Chart {
        title: "Number of flows",
        note: note.to_owned(),
        wide: layout(&bars, axis, Layout::Wide)?,
        narrow: layout(&bars, axis, Layout::Narrow)?,
    })
}

fn layout(bars: &[(Status, u64)], axis: super::Axis, layout: Layout) -> Result<String, ReportError> {
    let (left, right, row, drop, small) = match layout {
        Layout::Wide => (268, 1_096, 30, 0, 12),
        Layout::Narrow => (2, 376, 48, 11, 13),
    };
    let bottom = 8 + row * i32::try_from(bars.len()).unwrap_or(0);
    let size = (u32::try_from(right + 4).unwrap_or(1), u32::try_from(bottom + 28).unwrap_or(1));
    draw(NAME, size, |canvas| {
        // Behind the longest bar there is room for its number.
        let widths = bars.iter().map(|(_, n)| canvas.width(small, &count(*n))).collect::<Result<Vec<_>, _>>()?;
        let end = right - widths.into_iter().max().unwrap_or(0) - 8;
        for tick in ticks(axis.limit, 5) {
            let x = scaled(tick, axis.limit, left, end);
            // Labels above the bars interrupt the grid.
            for top in (8..bottom).step_by(usize::try_from(row).unwrap_or(1)) {
                canvas.line((x, top + drop * 2), (x, top + row), colour::GRID, 1)?;
            }
            let anchor = if x == left { Anchor::Left } else { Anchor::Middle };
            canvas.text((x, bottom + 13), anchor, small, colour::MUTED, &count(tick))?;
        }
        for (at, (status, flows)) in bars.iter().enumerate() {
            let middle = 8 + row * i32::try_from(at).unwrap_or(0) + row / 2;
            let (label_at, anchor) = match layout {
                Layout::Wide => ((left - 10, middle), Anchor::Right),
                Layout::Narrow => ((left, middle - 10), Anchor::Left),
            };
            canvas.text(label_at, anchor, small + 1, colour::INK, status.name())?;
            bar(canvas, *status, *flows, axis, (left, end, middle + drop), small)?;
        }
        canvas.line((left, 4), (left, bottom), colour::MUTED, 1)
    })
}

fn bar(
    canvas: &Canvas<'_>,
    status: Status,
    flows: u64,
    axis: super::Axis,
    (left, right, middle): (i32, i32, i32),
    small: i32,
) -> Result<(), ReportError> {
    let (upper, lower) = (middle - 8, middle + 8);
    let end = if flows == 0 { left } else { scaled(flows, axis.limit, left, right).max(left + 3) };
    if flows > 0 {
        match status {
            Status::Undocumented | Status::DynamicUnexplained | Status::DocumentedPortUnexpectedPeer | Status::Scan => {
                canvas.striped((left, upper), (end, lower))?
            }
            Status::Documented | Status::DocumentedByReferral | Status::DynamicExplained => {
                canvas.fill((left, upper), (end, lower), colour::EXPLAINED)?;
            }
            Status::Infrastructure | Status::Accepted => canvas.fill((left, upper), (end, lower), colour::EPHEMERAL)?,
        }
    }
    if flows > axis.limit {
        gap(canvas, (left, right), (upper, lower))?;
    }
    canvas.text((end + 6, middle), Anchor::Left, small, colour::INK, &count(flows))
}

//! The port map: one band a host over the whole dynamic range, listening ports in the upper lane, ephemeral ports in
//! the lower one.

use super::canvas::{Anchor, Canvas, Point, colour, draw};
use super::{Chart, Layout, TOP_HOSTS};
use crate::model::{Status, Transport};
use crate::report::text::count;
use crate::report::{ReportData, ReportError};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::RangeInclusive;

const NAME: &str = "port map";

/// What a listening port is. Ordered: where several share a pixel, the later one is drawn on top.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Explained,
    /// Documented static ports inside the range, infrastructure and accepted exceptions.
    Known,
    Unexplained,
}

impl Class {
    fn of(status: Status) -> Self {
        match status {
            Status::DynamicExplained | Status::DocumentedByReferral => Self::Explained,
            Status::Documented | Status::DocumentedPortUnexpectedPeer | Status::Infrastructure | Status::Accepted => {
                Self::Known
            }
            Status::DynamicUnexplained | Status::Undocumented | Status::Scan => Self::Unexplained,
        }
    }
}

/// One host and transport.
#[derive(Default)]
struct Band {
    listening: BTreeMap<u16, Class>,
    ephemeral: BTreeSet<u16>,
}

type Key = (IpAddr, Transport);

/// The ports in use over the dynamic range, hosts with the most listening ports first.
///
/// # Errors
/// When the drawing library fails.
pub fn port_map(data: &ReportData) -> Result<Chart, ReportError> {
    let all = bands(data);
    let mut ranked: Vec<(Key, &Band)> = all.iter().map(|(key, band)| (*key, band)).collect();
    ranked.sort_by_key(|(key, band)| (Reverse(band.listening.len()), Reverse(band.ephemeral.len()), *key));
    ranked.truncate(TOP_HOSTS);
    let note = if all.len() > ranked.len() {
        let (shown, all) = (ranked.len(), count(all.len() as u64));
        format!("The {shown} of {all} hosts with the most listening ports; all ports are in listeners.csv.")
    } else {
        String::new()
    };
    let names: Vec<&str> = ranked.iter().map(|((ip, _), _)| data.host_name(*ip)).collect();
    Ok(Chart {
        title: "Where in the range: each port in use, by host",
        note,
        wide: draw_layout(&ranked, &names, &data.dynamic_range, Layout::Wide)?,
        narrow: draw_layout(&ranked, &names, &data.dynamic_range, Layout::Narrow)?,
    })
}

fn bands(data: &ReportData) -> BTreeMap<Key, Band> {
    let mut bands: BTreeMap<Key, Band> = BTreeMap::new();
    let listening = data.listeners.iter().map(|l| ((l.host, l.transport), l.port, l.status));
    // Documented static ports inside the range are listed with the services.
    let fixed = data.services.iter().filter(|s| s.status == Status::Documented);
    let fixed = fixed.map(|s| ((s.responder.ip, s.transport), s.responder.port, s.status));
    for (key, port, status) in listening.chain(fixed).filter(|(_, port, _)| data.dynamic_range.contains(port)) {
        let class = Class::of(status);
        let entry = bands.entry(key).or_default().listening.entry(port).or_insert(class);
        *entry = (*entry).max(class);
    }
    for used in data.ephemeral.iter().filter(|e| data.dynamic_range.contains(&e.port)) {
        bands.entry((used.host, used.transport)).or_default().ephemeral.insert(used.port);
    }
    bands
}

/// Measures of a layout, in pixels.
struct Measures {
    left: i32,
    right: i32,
    head: i32,
    row: i32,
    /// From the top of a row to the top of its upper lane.
    lane: i32,
    type_size: i32,
    small: i32,
}

/// Height of the upper lane, the gap and the lower lane.
const UPPER: i32 = 20;
const GAP: i32 = 2;
const LOWER: i32 = 9;

fn draw_layout(
    bands: &[(Key, &Band)],
    names: &[&str],
    range: &RangeInclusive<u16>,
    layout: Layout,
) -> Result<String, ReportError> {
    let m = match layout {
        Layout::Wide => Measures { left: 268, right: 1_096, head: 38, row: 54, lane: 12, type_size: 14, small: 12 },
        Layout::Narrow => Measures { left: 2, right: 378, head: 48, row: 70, lane: 32, type_size: 15, small: 13 },
    };
    let rows = i32::try_from(bands.len()).unwrap_or(0).max(1);
    let bottom = m.head + rows * m.row;
    let size = (u32::try_from(m.right + 4).unwrap_or(1), u32::try_from(bottom + 30).unwrap_or(1));
    draw(NAME, size, |canvas| {
        legend(canvas, &m)?;
        let most = if layout == Layout::Wide { 8 } else { 4 };
        scale(canvas, range, &m, rows, most)?;
        for (row, ((ip, transport), band)) in bands.iter().enumerate() {
            let top = m.head + m.row * i32::try_from(row).unwrap_or(0);
            let name = names.get(row).copied().unwrap_or_default();
            labels(canvas, (name, *ip, *transport), top, layout, &m)?;
            draw_band(canvas, band, range, top + m.lane, &m)?;
        }
        Ok(())
    })
}

fn labels(
    canvas: &Canvas<'_>,
    (name, ip, transport): (&str, IpAddr, Transport),
    top: i32,
    layout: Layout,
    m: &Measures,
) -> Result<(), ReportError> {
    let named = if name.is_empty() { ip.to_string() } else { name.to_owned() };
    match layout {
        Layout::Wide => {
            let detail = if name.is_empty() { transport.to_string() } else { format!("{ip} {transport}") };
            let label = canvas.fitted(m.type_size, &named, 250)?;
            canvas.text((0, top + 20), Anchor::Left, m.type_size, colour::INK, &label)?;
            canvas.text((0, top + 38), Anchor::Left, m.small, colour::MUTED, &detail)
        }
        Layout::Narrow => {
            let label = canvas.fitted(m.type_size, &format!("{named} {transport}"), m.right - m.left)?;
            canvas.text((m.left, top + 11), Anchor::Left, m.type_size, colour::INK, &label)
        }
    }
}

/// Pixel of a port.
fn position(port: u16, range: &RangeInclusive<u16>, m: &Measures) -> i32 {
    let span = i32::from(*range.end()) - i32::from(*range.start()) + 1;
    m.left + (i32::from(port) - i32::from(*range.start())) * (m.right - m.left) / span.max(1)
}

/// Vertical lines and port numbers: both ends and round steps between them.
fn scale(
    canvas: &Canvas<'_>,
    range: &RangeInclusive<u16>,
    m: &Measures,
    rows: i32,
    most: u16,
) -> Result<(), ReportError> {
    let bottom = m.head + rows * m.row;
    let (start, end) = (*range.start(), *range.end());
    let step = [1, 10, 100, 500, 1_000, 2_000, 5_000, 10_000, 20_000]
        .into_iter()
        .find(|step| end.saturating_sub(start) / step < most)
        .unwrap_or(u16::MAX);
    let label = |port: u16, anchor| {
        canvas.text((position(port, range, m), bottom + 14), anchor, m.small, colour::MUTED, &port.to_string())
    };
    label(start, Anchor::Left)?;
    canvas.text((m.right, bottom + 14), Anchor::Right, m.small, colour::MUTED, &end.to_string())?;
    for port in (start..=end).filter(|p| p % step == 0) {
        let x = position(port, range, m);
        // Labels above the bands interrupt the grid.
        for top in (m.head..bottom).step_by(usize::try_from(m.row).unwrap_or(1)) {
            canvas.line((x, top + if m.lane > 20 { 22 } else { 0 }), (x, top + m.row), colour::GRID, 1)?;
        }
        // Labels at the ends have their place already.
        if x > m.left + 68 && x < m.right - 68 {
            label(port, Anchor::Middle)?;
        }
    }
    Ok(())
}

fn draw_band(
    canvas: &Canvas<'_>,
    band: &Band,
    range: &RangeInclusive<u16>,
    top: i32,
    m: &Measures,
) -> Result<(), ReportError> {
    let lower = top + UPPER + GAP;
    canvas.fill((m.left, top), (m.right, top + UPPER), colour::LANE)?;
    canvas.fill((m.left, lower), (m.right, lower + LOWER), colour::LANE)?;
    // Ports that share a pixel are drawn once: a band has at most as many marks as pixels.
    let columns: BTreeSet<i32> = band.ephemeral.iter().map(|p| position(*p, range, m)).collect();
    for (from, to) in runs(&columns) {
        canvas.fill((from, lower), (to, lower + LOWER), colour::EPHEMERAL)?;
    }
    let mut marks: BTreeMap<i32, Class> = BTreeMap::new();
    for (port, class) in &band.listening {
        let entry = marks.entry(position(*port, range, m)).or_insert(*class);
        *entry = (*entry).max(*class);
    }
    for (x, class) in marks {
        tick(canvas, (x, top), class)?;
    }
    Ok(())
}

/// Neighbouring pixel columns as stretches `[from, to)`, at least two pixels wide.
fn runs(columns: &BTreeSet<i32>) -> Vec<(i32, i32)> {
    let mut runs: Vec<(i32, i32)> = Vec::new();
    for &x in columns {
        match runs.last_mut() {
            Some((_, to)) if x <= *to => *to = x + 2,
            _ => runs.push((x, x + 2)),
        }
    }
    runs
}

/// One listening port: a dark tick; a hollow mark on top where it is known otherwise; an orange tick with a head where
/// nothing explains it.
fn tick(canvas: &Canvas<'_>, (x, top): Point, class: Class) -> Result<(), ReportError> {
    match class {
        Class::Explained => canvas.fill((x, top), (x + 2, top + UPPER), colour::EXPLAINED),
        Class::Known => {
            canvas.fill((x, top + 1), (x + 2, top + UPPER), colour::STATIC)?;
            canvas.ring((x + 1, top - 3), 3, colour::STATIC)
        }
        Class::Unexplained => {
            canvas.fill((x - 1, top), (x + 3, top + UPPER), colour::UNEXPLAINED)?;
            canvas.polygon([(x - 5, top - 9), (x + 7, top - 9), (x + 1, top)], colour::UNEXPLAINED_DARK)
        }
    }
}

fn legend(canvas: &Canvas<'_>, m: &Measures) -> Result<(), ReportError> {
    let entries: [(Option<Class>, &str); 4] = [
        (Some(Class::Explained), "listening, explained"),
        (Some(Class::Unexplained), "listening, not explained"),
        (Some(Class::Known), "documented static or accepted"),
        (None, "ephemeral"),
    ];
    let (mut x, mut y) = (m.left, 12);
    for (class, text) in entries {
        let width = 20 + canvas.width(m.small, text)?;
        if x > m.left && x + width > m.right {
            (x, y) = (m.left, y + 21);
        }
        match class {
            // The legend's marks are the chart's marks, cut to the height of the line.
            Some(Class::Explained) => canvas.fill((x + 4, y - 7), (x + 6, y + 7), colour::EXPLAINED)?,
            Some(Class::Known) => {
                canvas.fill((x + 4, y - 2), (x + 6, y + 7), colour::STATIC)?;
                canvas.ring((x + 5, y - 5), 3, colour::STATIC)?;
            }
            Some(Class::Unexplained) => {
                canvas.fill((x + 3, y - 1), (x + 7, y + 7), colour::UNEXPLAINED)?;
                canvas.polygon([(x - 1, y - 9), (x + 11, y - 9), (x + 5, y - 1)], colour::UNEXPLAINED_DARK)?;
            }
            None => canvas.fill((x, y - 4), (x + 13, y + 5), colour::EPHEMERAL)?,
        }
        canvas.text((x + 19, y), Anchor::Left, m.small, colour::MUTED, text)?;
        x += width + 18;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::demo;

    #[test]
    fn ports_lie_between_both_ends_of_the_band() {
        let m = Measures { left: 100, right: 200, head: 0, row: 0, lane: 0, type_size: 1, small: 1 };
        assert_eq!(position(49_152, &(49_152..=65_535), &m), 100);
        assert_eq!(position(65_535, &(49_152..=65_535), &m), 199);
        assert_eq!(position(57_344, &(49_152..=65_535), &m), 150);
    }

    #[test]
    fn neighbours_become_one_stretch() {
        assert_eq!(runs(&BTreeSet::from([1, 2, 3, 9])), [(1, 5), (9, 11)]);
        assert!(runs(&BTreeSet::new()).is_empty());
    }

    #[test]
    fn static_ports_and_the_worst_class_are_kept_and_ports_outside_the_range_are_not() {
        let mut data = demo::small();
        let mut again = data.listeners[5].clone();
        again.status = Status::DynamicUnexplained;
        let (port, key) = (again.port, (again.host, again.transport));
        data.listeners.push(again);
        let server = bands(&data);
        assert_eq!(server[&key].listening[&port], Class::Unexplained);
        assert_eq!(server[&key].listening[&54_967], Class::Known);
        assert!(!server[&key].listening.contains_key(&7_002));
    }
}

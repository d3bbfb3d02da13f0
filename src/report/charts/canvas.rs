//! A thin layer over plotters' SVG backend: filled rectangles, lines and texts in pixels, in the report's few colours.

use crate::report::text::{clipped, visible};
use crate::report::{ReportError, font};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Colours. They differ in brightness, so that grey print keeps them apart.
pub(super) mod colour {
    use plotters::style::RGBColor;
    /// The page behind the charts. The page's style sheet replaces it on dark screens.
    pub(in super::super) const PAPER: RGBColor = RGBColor(0xff, 0xff, 0xff);
    /// Text. The page's style sheet replaces it on dark screens.
    pub(in super::super) const INK: RGBColor = RGBColor(0x1b, 0x24, 0x30);
    /// Secondary text and axes.
    pub(in super::super) const MUTED: RGBColor = RGBColor(0x5a, 0x66, 0x75);
    /// Grid lines.
    pub(in super::super) const GRID: RGBColor = RGBColor(0xdd, 0xe2, 0xe8);
    /// Background of a lane.
    pub(in super::super) const LANE: RGBColor = RGBColor(0xee, 0xf1, 0xf4);
    /// Explained: dark.
    pub(in super::super) const EXPLAINED: RGBColor = RGBColor(0x0b, 0x5a, 0x8a);
    /// Not explained: light, with stripes or a mark.
    pub(in super::super) const UNEXPLAINED: RGBColor = RGBColor(0xe6, 0x86, 0x00);
    /// Lines over and marks of what is not explained.
    pub(in super::super) const UNEXPLAINED_DARK: RGBColor = RGBColor(0x8a, 0x3c, 0x00);
    /// Curves of what is reckoned and not seen, with dashes or dots: a step away from the colour above, whose stripes stay dark
    /// on dark screens, where the page's style sheet makes curves light.
    pub(in super::super) const RECKONED: RGBColor = RGBColor(0x8a, 0x3c, 0x01);
    /// Documented static ports, accepted ones and infrastructure: hollow marks.
    pub(in super::super) const STATIC: RGBColor = RGBColor(0x00, 0x6b, 0x50);
    /// Ephemeral ports and whatever needs no attention: middle grey.
    pub(in super::super) const EPHEMERAL: RGBColor = RGBColor(0x9a, 0xa5, 0xb1);
}

/// Which point of a text its position means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Left,
    Middle,
    Right,
}

/// Pixels, origin top left.
pub(super) type Point = (i32, i32);

/// A drawing of fixed size. Errors carry the name of the chart.
pub(super) struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
    chart: &'static str,
}

/// Draws into a new SVG of this size.
pub(super) fn draw(
    chart: &'static str,
    size: (u32, u32),
    paint: impl FnOnce(&Canvas<'_>) -> Result<(), ReportError>,
) -> Result<String, ReportError> {
    font::register()?;
    let mut svg = String::new();
    {
        let canvas = Canvas { area: SVGBackend::with_string(&mut svg, size).into_drawing_area(), chart };
        paint(&canvas)?;
        canvas.ok(canvas.area.present())?;
    }
    Ok(svg)
}

impl Canvas<'_> {
    fn ok<T, E: std::fmt::Display>(&self, result: Result<T, E>) -> Result<T, ReportError> {
        result.map_err(|e| ReportError::Chart { chart: self.chart, reason: e.to_string() })
    }

    /// A filled rectangle.
    pub(super) fn fill(&self, from: Point, to: Point, colour: RGBColor) -> Result<(), ReportError> {
        self.ok(self.area.draw(&Rectangle::new([from, to], colour.filled())))
    }

    /// A straight line.
    pub(super) fn line(&self, from: Point, to: Point, colour: RGBColor, width: u32) -> Result<(), ReportError> {
        self.ok(self.area.draw(&PathElement::new([from, to], colour.stroke_width(width))))
    }

    /// A filled polygon.
    pub(super) fn polygon<const N: usize>(&self, points: [Point; N], colour: RGBColor) -> Result<(), ReportError> {
        self.ok(self.area.draw(&Polygon::new(points, colour.filled())))
    }

    /// A line over several points.
    pub(super) fn polyline(&self, points: &[Point], colour: RGBColor, width: u32) -> Result<(), ReportError> {
        let points = joined(points);
        if points.len() < 2 {
            return Ok(());
        }
        self.ok(self.area.draw(&PathElement::new(points, colour.stroke_width(width))))
    }

    /// A dashed line over several points.
    pub(super) fn dashed(&self, points: &[Point], colour: RGBColor, width: u32) -> Result<(), ReportError> {
        for dash in dashes(&joined(points)) {
            self.ok(self.area.draw(&PathElement::new(dash, colour.stroke_width(width))))?;
        }
        Ok(())
    }

    /// What lies between two lines, `percent` opaque.
    pub(super) fn area(
        &self,
        upper: &[Point],
        lower: &[Point],
        colour: RGBColor,
        percent: u8,
    ) -> Result<(), ReportError> {
        let mut around = joined(upper);
        let mut back = joined(lower);
        back.reverse();
        around.append(&mut back);
        if around.len() < 3 {
            return Ok(());
        }
        self.ok(self.area.draw(&Polygon::new(around, colour.mix(f64::from(percent) / 100.0).filled())))
    }

    /// A filled circle.
    pub(super) fn dot(&self, centre: Point, radius: i32, colour: RGBColor) -> Result<(), ReportError> {
        self.ok(self.area.draw(&Circle::new(centre, radius, colour.filled())))
    }

    /// A hollow circle.
    pub(super) fn ring(&self, centre: Point, radius: i32, colour: RGBColor) -> Result<(), ReportError> {
        self.ok(self.area.draw(&Circle::new(centre, radius, colour.stroke_width(2))))
    }

    /// A text, vertically centred on its position. `pixels` is the font size.
    pub(super) fn text(
        &self,
        at: Point,
        anchor: Anchor,
        pixels: i32,
        colour: RGBColor,
        text: &str,
    ) -> Result<(), ReportError> {
        let horizontal = match anchor {
            Anchor::Left => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::Right => HPos::Right,
        };
        let style = face(pixels).color(&colour).pos(Pos::new(horizontal, VPos::Center));
        self.ok(self.area.draw(&Text::new(text.to_owned(), at, style)))
    }

    /// Width of a text in pixels.
    pub(super) fn width(&self, pixels: i32, text: &str) -> Result<i32, ReportError> {
        let (width, _) = self.ok(self.area.estimate_text_size(text, &face(pixels)))?;
        Ok(i32::try_from(width).unwrap_or(i32::MAX))
    }

    /// The text made harmless, and shortened with "…" until it fits.
    pub(super) fn fitted(&self, pixels: i32, text: &str, limit: i32) -> Result<String, ReportError> {
        // No glyph is narrower than a fifth of the font size: more characters than this cannot fit.
        let mut keep = usize::try_from(limit * 5 / pixels.max(1)).unwrap_or(0).min(text.chars().count());
        loop {
            let candidate = clipped(text, keep).into_owned();
            if keep <= 1 || self.width(pixels, &candidate)? <= limit {
                return Ok(candidate);
            }
            keep -= 1;
        }
    }

    /// A bar of something that is not explained: light, with dark stripes.
    pub(super) fn striped(&self, from: Point, to: Point) -> Result<(), ReportError> {
        self.fill(from, to, colour::UNEXPLAINED)?;
        for x in (from.0 + 2..to.0).step_by(5) {
            self.line((x, from.1), (x, to.1), colour::UNEXPLAINED_DARK, 1)?;
        }
        Ok(())
    }
}

/// Length of a dash and of the gap behind it, in pixels.
const DASH: f64 = 8.0;
const DASH_GAP: f64 = 5.0;

/// The line without points that add nothing: repeated ones, and those within a horizontal or vertical stretch.
fn joined(points: &[Point]) -> Vec<Point> {
    let mut kept: Vec<Point> = Vec::with_capacity(points.len());
    for &point in points {
        if kept.last() == Some(&point) {
            continue;
        }
        if let [.., before, last] = kept.as_slice() {
            let between = |a: i32, b: i32, c: i32| (a <= b && b <= c) || (a >= b && b >= c);
            let level = before.1 == last.1 && last.1 == point.1 && between(before.0, last.0, point.0);
            let upright = before.0 == last.0 && last.0 == point.0 && between(before.1, last.1, point.1);
            if level || upright {
                kept.pop();
            }
        }
        kept.push(point);
    }
    kept
}

/// A line cut into dashes. They go on around corners.
fn dashes(points: &[Point]) -> Vec<Vec<Point>> {
    let mut dashes = Vec::new();
    let mut dash: Vec<Point> = points.first().copied().into_iter().collect();
    let (mut drawing, mut left) = (true, DASH);
    for (from, to) in points.iter().zip(points.iter().skip(1)) {
        let (dx, dy) = (f64::from(to.0) - f64::from(from.0), f64::from(to.1) - f64::from(from.1));
        let length = dx.hypot(dy);
        let mut done = 0.0;
        while length - done >= left {
            done += left;
            let at = (pixel(f64::from(from.0) + dx * done / length), pixel(f64::from(from.1) + dy * done / length));
            if drawing {
                dash.push(at);
                dashes.push(std::mem::take(&mut dash));
            } else {
                dash = vec![at];
            }
            drawing = !drawing;
            left = if drawing { DASH } else { DASH_GAP };
        }
        left -= length - done;
        if drawing {
            dash.push(*to);
        }
    }
    dashes.extend((dash.len() > 1).then_some(dash));
    dashes.retain(|dash| dash.first() != dash.last() || dash.len() > 2);
    dashes
}

/// The nearest pixel; what is no number lies at 0.
fn pixel(position: f64) -> i32 {
    position.round() as i32
}

/// Gives an SVG a name and a description, for screen readers and where it stands alone.
pub(super) fn described(svg: &str, title: &str, description: &str) -> String {
    let Some((head, body)) = svg.split_once(">\n").filter(|(head, _)| head.starts_with("<svg ")) else {
        return svg.to_owned();
    };
    let (title, description) = (escaped(title), escaped(description));
    format!("{head} role=\"img\">\n<title>{title}</title>\n<desc>{description}</desc>\n{body}")
}

/// Text made harmless within an element.
fn escaped(text: &str) -> String {
    visible(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// plotters writes font sizes divided by 1.24.
fn face(pixels: i32) -> TextStyle<'static> {
    (font::FAMILY, f64::from(pixels) * 1.24).into_font().into()
}

/// A slanted gap near the end of a bar that is longer than the axis.
pub(super) fn gap(
    canvas: &Canvas<'_>,
    (left, right): (i32, i32),
    (upper, lower): (i32, i32),
) -> Result<(), ReportError> {
    let x = left + (right - left) / 2;
    canvas.polygon([(x, upper - 1), (x + 6, upper - 1), (x, lower + 1), (x - 6, lower + 1)], colour::PAPER)
}

/// Where a value of 0 to `limit` lies between two pixel positions.
pub(super) fn scaled(value: u64, limit: u64, from: i32, to: i32) -> i32 {
    let length = i128::from(to - from) * i128::from(value.min(limit)) / i128::from(limit.max(1));
    from + i32::try_from(length).unwrap_or(0)
}

/// Round steps for at most `most` ticks from 0 to `limit`: 1, 2 or 5 times a power of ten.
pub(super) fn ticks(limit: u64, most: u64) -> Vec<u64> {
    let mut step = 1_u64;
    while limit / step > most {
        let leading = step.to_string().starts_with('2');
        step = if leading { step / 2 * 5 } else { step.saturating_mul(2) };
    }
    (0..=limit / step).map(|n| n * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(ticks(85, 5), [0, 20, 40, 60, 80]);
        assert_eq!(ticks(4, 5), [0, 1, 2, 3, 4]);
        assert_eq!(ticks(0, 5), [0]);
        assert_eq!(ticks(1_234, 4), [0, 500, 1_000]);
        assert!(ticks(u64::MAX, 5).len() <= 6);
    }

    #[test]
    fn scaling_ends_at_the_limit() {
        assert_eq!(scaled(0, 10, 100, 200), 100);
        assert_eq!(scaled(5, 10, 100, 200), 150);
        assert_eq!(scaled(u64::MAX, 10, 100, 200), 200);
        assert_eq!(scaled(1, 0, 100, 200), 100);
    }

    #[test]
    fn lines_lose_what_adds_nothing_and_keep_every_corner() {
        assert_eq!(
            joined(&[(0, 5), (0, 5), (1, 5), (4, 5), (4, 9), (4, 2), (9, 3)]),
            [(0, 5), (4, 5), (4, 9), (4, 2), (9, 3)]
        );
        assert_eq!(joined(&[(0, 5), (8, 5), (3, 5)]), [(0, 5), (8, 5), (3, 5)], "back again");
        assert!(joined(&[]).is_empty());
    }

    #[test]
    fn dashes_and_gaps_alternate_around_corners() {
        assert_eq!(dashes(&[(0, 0), (26, 0)]), [[(0, 0), (8, 0)], [(13, 0), (21, 0)]]);
        assert_eq!(dashes(&[(0, 0), (4, 0), (4, 20)]), [vec![(0, 0), (4, 0), (4, 4)], vec![(4, 9), (4, 17)]]);
        assert_eq!(dashes(&[(0, 0), (3, 0)]), [[(0, 0), (3, 0)]], "a short line is a dash");
        assert!(dashes(&[(7, 7)]).is_empty() && dashes(&[]).is_empty());
    }

    #[test]
    fn an_area_is_one_polygon_and_lines_of_a_point_are_nothing() {
        let svg = draw("test", (100, 100), |canvas| {
            canvas.polyline(&[(5, 5), (5, 5)], colour::INK, 1)?;
            canvas.area(&[(5, 5)], &[(5, 5)], colour::INK, 20)?;
            canvas.area(&[(0, 10), (50, 20)], &[(0, 30), (50, 40)], colour::EXPLAINED, 20)
        })
        .unwrap();
        assert!(!svg.contains("<polyline"));
        assert_eq!(svg.matches("<polygon").count(), 1);
        assert!(svg.contains("opacity=\"0.2\"") && svg.contains("0,10 50,20 50,40 0,30"), "{svg}");
    }

    #[test]
    fn a_description_stands_first_and_stays_text() {
        let svg = draw("test", (10, 10), |_| Ok(())).unwrap();
        let named = described(&svg, "<b>&", "</desc><script>\u{202e}");
        let rest = named.split_once(" role=\"img\">\n").unwrap().1;
        assert!(rest.starts_with("<title>&lt;b&gt;&amp;</title>\n<desc>&lt;/desc&gt;&lt;script&gt;\\u{202e}</desc>"));
        assert!(rest.trim_end().ends_with("</svg>"));
    }

    #[test]
    fn labels_are_shortened_until_they_fit() {
        draw("test", (100, 100), |canvas| {
            let label = canvas.fitted(12, &"W".repeat(10_000), 80)?;
            assert!(label.ends_with('…') && canvas.width(12, &label)? <= 80, "{label}");
            assert_eq!(canvas.fitted(12, "short", 80)?, "short");
            Ok(())
        })
        .unwrap();
    }
}

//! A thin layer over plotters' SVG backend: filled rectangles, lines and texts in pixels, in the report's few colours.

use crate::report::text::clipped;
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

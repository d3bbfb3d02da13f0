//! The two charts of the page.

use crate::simulation::measure::Row;
use std::path::Path;

/// Writes them into a folder.
#[cfg(feature = "program")]
pub(crate) fn write(folder: &Path, groups: &[(&str, &[Row])]) -> std::io::Result<()> {
    let failed = |error: Box<dyn std::error::Error>| std::io::Error::other(error.to_string());
    std::fs::create_dir_all(folder)?;
    drawn::whole(&folder.join("upper-bound.svg"), &drawn::upper_bound(groups).map_err(failed)?)?;
    drawn::whole(&folder.join("figures.svg"), &drawn::figures(groups).map_err(failed)?)
}

/// Without the drawing library there are none.
#[cfg(not(feature = "program"))]
pub(crate) fn write(_: &Path, _: &[(&str, &[Row])]) -> std::io::Result<()> {
    Err(std::io::Error::other("built without the feature `program`, which draws"))
}

#[cfg(feature = "program")]
mod drawn {
    use crate::simulation::measure::{FIGURES, Row};
    use crate::simulation::workloads::Plan;
    use plotters::prelude::*;
    use plotters::style::{FontStyle, register_font};
    use std::io::Write as _;
    use std::path::Path;

    type Drawn = Result<String, Box<dyn std::error::Error>>;

    const FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";
    static FONT: &[u8] = include_bytes!("../../src/report/fonts/DejaVuSans-Latin.ttf");
    const DARK: RGBColor = RGBColor(0x0b, 0x5a, 0x8a);
    const LIGHT: RGBColor = RGBColor(0xe6, 0x86, 0x00);
    const GREY: RGBColor = RGBColor(0x5a, 0x66, 0x75);

    /// A file appears whole or not at all.
    pub(super) fn whole(path: &Path, svg: &str) -> std::io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(svg.as_bytes())?;
        file.persist(path)?;
        Ok(())
    }

    fn font() -> Result<(), Box<dyn std::error::Error>> {
        register_font(FAMILY, FontStyle::Normal, FONT).map_err(|_| "the font is not readable".into())
    }

    /// For each workload from four hours on: the upper bound over the truth, from 5 to 95%, and its median.
    pub(super) fn upper_bound(groups: &[(&str, &[Row])]) -> Drawn {
        font()?;
        let rows: Vec<&Row> =
            groups.iter().flat_map(|(_, rows)| rows.iter()).filter(|row| row.workload.is_long_enough()).collect();
        let mut svg = String::new();
        {
            let area = SVGBackend::with_string(&mut svg, (760, 320)).into_drawing_area();
            area.fill(&WHITE)?;
            let mut chart = ChartBuilder::on(&area)
                .margin(10)
                .x_label_area_size(35)
                .y_label_area_size(45)
                .build_cartesian_2d(0.0..rows.len() as f64 + 1.0, 0.8..2.4)?;
            chart
                .configure_mesh()
                .disable_x_mesh()
                .light_line_style(TRANSPARENT)
                .x_labels(0)
                .label_style((FAMILY, 12))
                .x_desc("Workloads from 4 h on, in the order of the tables: 5 to 95% and median; lines at 1 and 1.8")
                .y_desc("upper bound / truth")
                .draw()?;
            for at in [1.0, 1.8] {
                chart.draw_series([PathElement::new(
                    [(0.0, at), (rows.len() as f64 + 1.0, at)],
                    LIGHT.stroke_width(2),
                )])?;
            }
            for (at, row) in rows.iter().enumerate().map(|(at, row)| (at as f64 + 1.0, row)) {
                let (low, high) = (row.upper_at(0.05), row.upper_at(0.95).min(2.4));
                chart.draw_series([PathElement::new([(at, low), (at, high)], GREY.stroke_width(2))])?;
                chart.draw_series([Circle::new((at, row.upper_at(0.5)), 3, DARK.filled())])?;
            }
            area.present()?;
        }
        Ok(svg)
    }

    /// Mean of each figure over the hours, for the most uneven of the rare rates.
    pub(super) fn figures(groups: &[(&str, &[Row])]) -> Drawn {
        font()?;
        let hours = |row: &Row| match row.workload.plan {
            Plan::Hours(hours) => Some(hours),
            _ => None,
        };
        let of = |row: &&Row| (row.workload.listeners, row.workload.per_hour, row.workload.log_sd) == (68, 0.2, 2.0);
        let rows: Vec<(f64, &Row)> = groups
            .first()
            .iter()
            .flat_map(|(_, rows)| rows.iter().filter(of))
            .filter_map(|row| hours(row).map(|hours| (hours, row)))
            .collect();
        let colours = [GREY, DARK, RGBColor(0, 0x6b, 0x50), LIGHT, RGBColor(0x8a, 0x3c, 0), RGBColor(0x9a, 0xa5, 0xb1)];
        let mut svg = String::new();
        {
            let area = SVGBackend::with_string(&mut svg, (560, 320)).into_drawing_area();
            area.fill(&WHITE)?;
            let mut chart = ChartBuilder::on(&area)
                .margin(10)
                .x_label_area_size(35)
                .y_label_area_size(45)
                .build_cartesian_2d(0.0..25.0, 0.0..80.0)?;
            chart
                .configure_mesh()
                .light_line_style(TRANSPARENT)
                .label_style((FAMILY, 12))
                .x_desc("hours recorded; 68 listeners (line), median 0.2 visits an hour, log-sd 2")
                .y_desc("mean of the figure")
                .draw()?;
            chart.draw_series([PathElement::new([(0.0, 68.0), (25.0, 68.0)], BLACK.stroke_width(1))])?;
            for (at, (figure, colour)) in FIGURES.iter().zip(colours).enumerate() {
                let points = rows.iter().filter_map(|(hours, row)| Some((*hours, row.figures.get(at)?.bias() + 68.0)));
                let points: Vec<(f64, f64)> = points.collect();
                let dots: Vec<_> = points.iter().map(|point| Circle::new(*point, 3, colour.filled())).collect();
                chart.draw_series(dots)?;
                chart
                    .draw_series([PathElement::new(points, colour.stroke_width(2))])?
                    .label(*figure)
                    .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
            }
            chart
                .configure_series_labels()
                .position(SeriesLabelPosition::LowerRight)
                .label_font((FAMILY, 12))
                .background_style(WHITE)
                .border_style(GREY)
                .draw()?;
            area.present()?;
        }
        Ok(svg)
    }
}

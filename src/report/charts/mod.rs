//! Charts as SVG text, drawn with plotters: dynamic ports by host, the port map, flows by status; and from plain values
//! ([`Accumulation`](crate::model::Accumulation), [`PortsInUse`](crate::model::PortsInUse), [`Sweep`](crate::model::Sweep))
//! how listeners were found, ports in use over time, and sizes of a range against failures.
//!
//! Each chart comes in two widths: a page shows the one that fits. Colours differ also in grey print, and no two
//! meanings differ by colour alone (stripes, hollow marks, lanes). At most [`TOP_HOSTS`] hosts are drawn, and the chart
//! says so. Texts pass [`super::text::visible`] and are escaped by the SVG backend.

mod accumulation;
mod bars;
mod canvas;
mod plot;
mod port_map;
mod ports_in_use;
mod statuses;
mod sweep;

pub use accumulation::accumulation;
pub use bars::dynamic_ports;
pub use port_map::port_map;
pub use ports_in_use::ports_in_use;
pub use statuses::statuses;
pub use sweep::sweep;

/// Hosts that a chart shows; the tables hold all.
pub const TOP_HOSTS: usize = 20;

/// A chart in two widths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    /// What it shows, one line.
    pub title: &'static str,
    /// What to know when reading it: what is left out, what is drawn shortened. Empty when there is nothing to say.
    pub note: String,
    /// SVG for screens wider than 700 px, and for print.
    pub wide: String,
    /// SVG for phones: about 380 px, larger type.
    pub narrow: String,
}

/// The two layouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// Labels left of the bars, panels side by side.
    Wide,
    /// Labels above the bars, panels below each other.
    Narrow,
}

/// Where an axis ends, and whether some bars are longer than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Axis {
    limit: u64,
    broken: bool,
}

/// The end of the axis for these bar lengths. Where a few bars (at most a fourth) are more than five times as long as
/// the next, the axis ends a little after the next, and those bars are drawn with a break: otherwise all others would
/// be invisible.
fn axis(lengths: &[u64]) -> Axis {
    let mut sorted: Vec<u64> = lengths.iter().copied().filter(|n| *n > 0).collect();
    sorted.sort_unstable_by(|a, b| b.cmp(a));
    let room = |longest: u64| longest.saturating_add(longest / 20).max(4);
    let may_break = sorted.len().div_ceil(4);
    let gap = sorted.windows(2).take(may_break).position(|pair| match pair {
        [longer, next] => *longer / 5 > *next,
        _ => false,
    });
    match gap.and_then(|at| sorted.get(at + 1)) {
        Some(next) => Axis { limit: room(next.saturating_mul(3) / 2), broken: true },
        None => Axis { limit: room(sorted.first().copied().unwrap_or(0)), broken: false },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::demo;

    fn all(data: &crate::report::ReportData) -> [Chart; 3] {
        [dynamic_ports(data).unwrap(), port_map(data).unwrap(), statuses(data).unwrap()]
    }

    /// The charts of plain values, of a host of this name.
    fn of_values(name: &str) -> [Chart; 3] {
        let mut curve = accumulation::tests::example();
        let mut course = ports_in_use::tests::example();
        let mut sizes = sweep::tests::example();
        for named in [&mut curve.name, &mut course.name, &mut sizes.name] {
            name.clone_into(named);
        }
        let far = crate::model::PortsInUse { capacity: Some(16_384), ..course.clone() };
        [
            accumulation(&[curve]).unwrap(),
            ports_in_use(&[course, far]).unwrap(),
            super::sweep(&[sizes.clone(), crate::model::Sweep { asked: Some(100), ..sizes }]).unwrap(),
        ]
    }

    #[test]
    fn charts_of_plain_values_keep_names_as_text_and_give_the_same_bytes() {
        let hostile = "</title><script>alert(1)</script>\u{202e}\x1b[31m";
        for chart in of_values(hostile) {
            for svg in [&chart.wide, &chart.narrow] {
                assert!(!svg.contains("<script") && svg.contains("&lt;script&gt;"), "{svg}");
                assert!(!svg.chars().any(|c| c != '\n' && crate::report::text::acts(c)));
                assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
                assert_eq!((svg.matches("<title>").count(), svg.matches("<desc>").count()), (1, 1));
            }
        }
        assert_eq!(of_values("a"), of_values("a"));
    }

    /// Writes the charts as files, to be looked at: `PORTPROOF_CHARTS=DIR cargo test --lib charts -- --ignored`.
    #[test]
    #[ignore = "for looking at"]
    #[allow(clippy::disallowed_methods, reason = "files for the eye, in a folder that the user names")]
    fn charts_of_plain_values_for_the_eye() {
        let folder = std::path::PathBuf::from(std::env::var_os("PORTPROOF_CHARTS").unwrap());
        for (chart, name) in of_values("ftac-srv").iter().zip(["accumulation", "ports-in-use", "sweep"]) {
            std::fs::write(folder.join(format!("{name}-wide.svg")), &chart.wide).unwrap();
            std::fs::write(folder.join(format!("{name}-narrow.svg")), &chart.narrow).unwrap();
        }
    }

    #[test]
    fn hostile_names_stay_text() {
        let mut data = demo::hostile();
        data.hosts[0].name = "<script>alert(1)</script>".into();
        for chart in all(&data) {
            for svg in [&chart.wide, &chart.narrow] {
                assert!(!svg.contains("<script") && !svg.contains("<img"), "{svg}");
                assert!(!svg.chars().any(|c| c != '\n' && crate::report::text::acts(c)));
                assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
            }
        }
        assert!(dynamic_ports(&data).unwrap().wide.contains("&lt;script&gt;"));
    }

    #[test]
    fn same_data_same_bytes() {
        assert_eq!(all(&demo::small()), all(&demo::small()));
    }

    #[test]
    fn many_hosts_are_cut_and_said() {
        let charts = all(&demo::many());
        assert!(charts[0].note.contains("20 of 504"), "{}", charts[0].note);
        assert!(charts[1].note.contains("20 of"), "{}", charts[1].note);
        let bytes: usize = charts.iter().map(|c| c.wide.len() + c.narrow.len()).sum();
        assert!(bytes < 1_500_000, "{bytes} bytes");
    }

    #[test]
    fn nothing_is_drawable() {
        for chart in all(&demo::empty()) {
            assert!(chart.wide.contains("</svg>"));
        }
    }

    #[test]
    fn the_documents_figure_is_marked_and_named() {
        let chart = dynamic_ports(&demo::small()).unwrap();
        for svg in [&chart.wide, &chart.narrow] {
            assert!(svg.contains("document, its own test"));
            assert!(svg.contains("AC-SERVER"));
        }
    }

    #[test]
    fn an_axis_breaks_only_for_a_few_much_longer_bars() {
        assert_eq!(axis(&[]), Axis { limit: 4, broken: false });
        assert_eq!(axis(&[51, 68, 4, 1]), Axis { limit: 71, broken: false });
        assert_eq!(axis(&[10_000, 60, 50, 40]), Axis { limit: 94, broken: true });
        assert_eq!(axis(&[10_000, 9_000, 50, 40]), Axis { limit: 10_500, broken: false });
        assert_eq!(axis(&[u64::MAX, 1]).limit, 4);
        assert_eq!(axis(&[u64::MAX]).limit, u64::MAX);
    }
}

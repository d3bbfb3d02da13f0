//! The report as one self-contained HTML page: no external resource, no script, print rules, light and dark.
//!
//! maud escapes every text; texts that may come from a capture also pass [`super::text::visible`] or
//! [`super::text::clipped`]. Long tables are cut at [`ROWS`] rows and name the CSV file that holds the rest.

mod announcements;
mod cells;
mod evidence;
mod explain;
mod overview;
mod sizing;

use super::{ReportData, ReportError, charts, text};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Name of the page in the report directory.
pub const FILE_NAME: &str = "index.html";

/// How an earlier report is recognised: the page holds this near its beginning.
pub const GENERATOR: &str = "<meta name=\"generator\" content=\"portproof ";

/// Rows of a table on the page; the CSV file holds all.
pub const ROWS: usize = 200;

/// No script, no network: only the page's own style and images inside the page.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

const STYLE: &str = include_str!("style.css");

/// A section of the page: anchor, heading, how many rows it is about (for the list of contents), content.
struct Section {
    id: &'static str,
    heading: &'static str,
    rows: Option<usize>,
    body: Markup,
}

/// The whole page. The same data gives the same bytes.
///
/// # Errors
/// When a chart cannot be drawn.
pub fn page(data: &ReportData) -> Result<String, ReportError> {
    let sections = sections(data)?;
    let title = text::clipped(&data.title, 120);
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                (PreEscaped(GENERATOR)) (data.tool_version) (PreEscaped("\">"))
                meta http-equiv="Content-Security-Policy"
                    content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) " · port use" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header class="top" {
                    p class="kicker" { "Port use, measured from packet captures" }
                    h1 { (title) }
                    @if let Some(site) = &data.site_name { p class="site" { (text::clipped(site, 200)) } }
                }
                (overview::warnings(data))
                nav aria-label="Contents" {
                    ul {
                        @for s in &sections {
                            li {
                                a href={ "#" (s.id) } {
                                    (s.heading)
                                    @if let Some(n) = s.rows { " " span class="n" { (text::count(n as u64)) } }
                                }
                            }
                        }
                    }
                }
                main {
                    @for s in &sections {
                        section id=(s.id) { h2 { (s.heading) } (s.body) }
                    }
                }
                footer { "portproof " (data.tool_version) ". All times are UTC, by the clock of the recorder." }
            }
        }
    };
    Ok(markup.into_string())
}

fn sections(data: &ReportData) -> Result<Vec<Section>, ReportError> {
    let section = |id, heading, rows, body| Section { id, heading, rows, body };
    Ok(vec![
        section("summary", "In short", None, overview::in_short(data)),
        section("findings", "Findings", Some(data.findings.len()), evidence::findings(data)),
        section("blocked", "Blocked attempts", Some(data.blocked.len()), evidence::blocked(data)),
        section(
            "announcements",
            "Who announced which port",
            Some(data.announcements.len()),
            announcements::announcements(data),
        ),
        section("one-sided", "Heard from one side only", Some(data.one_sided.len()), evidence::one_sided(data)),
        section("dynamic", "Dynamic ports by host", Some(data.hosts.len()), dynamic(data)?),
        section("sizing", "How many ports are enough", Some(data.counts.len()), enough(data)?),
        section("listeners", "Listening dynamic ports", Some(data.listeners.len()), evidence::listeners(data)),
        section("services", "Services seen", Some(data.services.len()), evidence::services(data)),
        section(
            "status",
            "Flows by status",
            None,
            html! {
                (figure(&charts::statuses(data)?))
                (overview::counts(data))
            },
        ),
        section("recordings", "Recordings", Some(data.captures.len()), overview::recordings(data)),
        section("reading", "How to read this", None, explain::reading()),
        section("blind", "What a capture cannot see", None, explain::blind_spots()),
        section("files", "Tables and their columns", None, explain::columns(data)),
    ])
}

fn dynamic(data: &ReportData) -> Result<Markup, ReportError> {
    Ok(html! {
        (figure(&charts::dynamic_ports(data)?))
        (evidence::hosts(data))
        (figure(&charts::port_map(data)?))
        @if !data.in_use.is_empty() { (figure(&charts::ports_in_use(&data.in_use)?)) }
    })
}

fn enough(data: &ReportData) -> Result<Markup, ReportError> {
    Ok(html! {
        (sizing::sizing(data))
        @if !data.accumulations.is_empty() { (figure(&charts::accumulation(&data.accumulations)?)) }
    })
}

fn figure(chart: &charts::Chart) -> Markup {
    html! {
        figure {
            figcaption { (chart.title) }
            div class="wide" role="img" aria-label=(chart.title) { (PreEscaped(&chart.wide)) }
            div class="narrow" role="img" aria-label=(chart.title) { (PreEscaped(&chart.narrow)) }
            @if !chart.note.is_empty() { p class="note" { (chart.note) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::demo;

    #[test]
    fn hostile_text_stays_text() {
        let page = page(&demo::hostile()).unwrap();
        for attack in ["<img", "<script", "onload='x' -->", "</style></svg>"] {
            assert!(!page.contains(attack), "{attack}");
        }
        assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;"));
        assert!(page.contains("invoice\\u{202e}gnp.exe\\u{2066}\\u{200b}"));
        assert!(!page.chars().any(|c| c != '\n' && crate::report::text::acts(c)));
        assert_eq!(page.matches("</style>").count(), 1);
    }

    #[test]
    fn the_page_is_self_contained_and_recognisable() {
        let page = page(&demo::small()).unwrap();
        assert!(page.find(GENERATOR).is_some_and(|at| at < 4_096));
        for external in ["<script", "<link", "<iframe", "src=", "url(", "@import"] {
            assert!(!page.contains(external), "{external}");
        }
        assert!(page.contains("content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:"));
        let links: Vec<&str> = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(links.iter().all(|l| l.starts_with('#') || l.ends_with(".csv")), "{links:?}");
    }

    #[test]
    fn every_anchor_has_its_section() {
        let page = page(&demo::small()).unwrap();
        for link in page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(page.contains(&format!("id=\"{link}\"")), "{link}");
        }
    }

    #[test]
    fn every_finding_names_capture_frame_and_filter() {
        let data = demo::small();
        let page = page(&data).unwrap();
        for finding in &data.findings {
            assert!(page.contains(&format!("frame {}<", finding.first_frame)));
            assert!(page.contains(&finding.display_filter.replace('&', "&amp;")));
        }
        assert!(page.contains("captures/backup-run.pcapng"));
    }

    #[test]
    fn big_reports_stay_small_and_say_what_is_missing() {
        let data = demo::many();
        let page = page(&data).unwrap();
        assert!(page.len() < 5_000_000, "{} bytes", page.len());
        assert!(page.contains("first 200 of 506"));
        assert!(page.contains("findings.csv") && page.contains("listeners.csv"));
    }

    #[test]
    fn same_data_same_bytes_and_nothing_is_a_page_too() {
        assert_eq!(page(&demo::hostile()).unwrap(), page(&demo::hostile()).unwrap());
        let nothing = page(&demo::empty()).unwrap();
        assert!(nothing.contains("No flows") && nothing.contains("What a capture cannot see"));
    }
}

//! The sections that explain: definitions, blind spots, columns of the tables.

use super::cells::link;
use crate::model::{Orientation, Outcome, Status};
use crate::report::words::{self, Term};
use crate::report::{ReportData, tables};
use maud::{Markup, html};

fn terms(terms: &[Term]) -> Markup {
    html! { dl class="terms" { @for (term, meaning) in terms { dt { (term) } dd { (meaning) } } } }
}

pub(super) fn reading() -> Markup {
    let statuses: Vec<Term> = Status::ALL.iter().map(|s| (s.name(), words::status(*s))).collect();
    let outcomes: Vec<Term> = Outcome::ALL.iter().map(|o| (o.name(), words::outcome(*o))).collect();
    let directions: Vec<Term> = Orientation::ALL.iter().rev().map(|o| (o.name(), words::orientation(*o))).collect();
    html! {
        p class="lead" {
            "To check a row: open the capture in Wireshark, go to the frame, or paste the display filter (one click \
             selects it whole). Frame numbers count from 1 in each capture."
        }
        h3 { "What is counted" } (terms(&words::TERMS))
        h3 { "Direction: how sure it is who opened the connection" } (terms(&directions))
        h3 { "Status: how a flow relates to the documents" } (terms(&statuses))
        h3 { "Outcome: what became of it" } (terms(&outcomes))
    }
}

pub(super) fn blind_spots() -> Markup {
    html! {
        p class="lead" {
            "The numbers of distinct ports are lower bounds: that a port does not appear here does not prove that it is \
             unused."
        }
        (terms(&words::BLIND_SPOTS))
    }
}

pub(super) fn columns(data: &ReportData) -> Markup {
    html! {
        p class="lead" {
            "The same tables lie beside this page as CSV and JSON, without any cut. Times there are nanoseconds since \
             1970-01-01 UTC. In CSV, a leading apostrophe keeps a spreadsheet from taking text for a formula."
        }
        @for table in tables::all(data) {
            details class="columns" {
                summary { (table.name) ": " (crate::report::text::counted(table.rows.len() as u64, "row", "rows")) }
                p { (link(table.name)) }
                dl class="terms" { @for c in &table.columns { dt { code { (c.name) } } dd { (c.meaning) } } }
            }
        }
    }
}

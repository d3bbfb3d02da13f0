//! Prints `docs/schema.md`: `cargo run --example schema_doc > docs/schema.md`.
//!
//! Names, types, meanings and IPFIX elements come from the schema that the store writes by and from the flow table that
//! `portproof flows` prints, so that the page cannot say anything else. Only the sentences between the tables are here.

use portproof::classification::flow_columns;
use portproof::model::{Column, Kind};
use portproof::store::schema::{self, FactColumn};
use std::fmt::Write as _;
use std::io::Write as _;

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(document().as_bytes())
}

/// The whole page.
pub(crate) fn document() -> String {
    let mut page = format!(
        "# Tables and columns\n\n\
         Written by `cargo run --example schema_doc`; do not edit. Schema version {}: a reader refuses any other, and \
         asks to meter the captures again.\n\n\
         Types: *text* is UTF-8, *number* an unsigned 64-bit integer, *flag* a boolean, *time* signed 64-bit nanoseconds \
         since 1970-01-01 UTC by the capture's clock. Any value may be null: not known, or not applicable. Row order \
         means nothing. IPFIX names are elements of the IANA registry; they name the element that \
         corresponds, a being the source and b the destination.\n\n\
         ## The store: facts\n\n\
         `portproof meter CAPTURES -o STORE` writes one folder `STORE/observation=<id>/` for the captures that are given \
         together, with one Parquet file for each table. One of more than a million rows goes on in further files: `flows.parquet`, \
         `flows-2.parquet`, `flows-3.parquet`. Each of several says in its metadata under `portproof.part` which one it is (`2`), the \
         last one how many there are as well (`3/3`); the only one says nothing. A reader refuses a table with a file missing.\n",
        schema::VERSION
    );
    facts(&mut page, "captures", "One row per capture file.", &schema::captures());
    facts(
        &mut page,
        "fates",
        "What became of the frames: each frame of a file has exactly one fate.",
        &schema::fates(),
    );
    facts(
        &mut page,
        "flows",
        "One row per flow record: a conversation between two endpoints, both directions. Sides a and b are canonical (a is \
         the endpoint that sorts first) and say nothing about who initiated: that is judged later, from the evidence here.",
        &schema::flows(),
    );
    facts(
        &mut page,
        "activity",
        "One row per burst of a flow that has more than one; a burst begins with payload after at least 1 s without.",
        &schema::activity(),
    );
    facts(
        &mut page,
        "announcements",
        "Who told whom about a port: answers of endpoint mappers, DCOM, SQL browsers, portmappers, FTP servers and the like, each \
         with the frame that completed it.",
        &schema::announcements(),
    );
    facts(
        &mut page,
        "details",
        "What conversations say of themselves: interfaces, names asked for, versions, software. Anybody may say anything.",
        &schema::details(),
    );
    facts(
        &mut page,
        "names",
        "Names of addresses that the captures or the conversations in them state. Anybody may have written anything there.",
        &schema::names(),
    );
    facts(
        &mut page,
        "sockets",
        "Processes of the recording host behind endpoints, where the recorder named them (macOS).",
        &schema::sockets(),
    );
    facts(
        &mut page,
        "comments",
        "Comments in the captures: of sections, interfaces and packets, the first 100 of each capture.",
        &schema::comments(),
    );
    facts(
        &mut page,
        "host_tables",
        "Host tables that were given with `--host-table`: one row per file.",
        &schema::host_tables(),
    );
    facts(
        &mut page,
        "host_sockets",
        "What host tables say of sockets: listings of one moment, or events of a log. A file may be old, or of another host.",
        &schema::host_sockets(),
    );
    facts(
        &mut page,
        "host_ranges",
        "What host tables say of ranges of ports: those that the system gives out, and those that it does not.",
        &schema::host_ranges(),
    );
    facts(
        &mut page,
        "losses",
        "What the metering process could not keep; no row where nothing was lost.",
        &schema::losses(),
    );
    page.push_str(
        "\n## The flow table: judged\n\n\
         What `portproof flows` prints and `flows.csv`, `flows.json` and `flows.parquet` of a report hold: one row per \
         flow. Other programs read these names.\n\n\
         | column | type | meaning |\n|---|---|---|\n",
    );
    for column in flow_columns() {
        _ = writeln!(page, "| `{}` | {} | {} |", column.name, kind(&column), cell(column.meaning));
    }
    page
}

fn facts<Row>(page: &mut String, name: &str, about: &str, columns: &[FactColumn<Row>]) {
    _ = write!(page, "\n### {name}\n\n{about}\n\n| column | type | meaning | IPFIX |\n|---|---|---|---|\n");
    for FactColumn { column, ipfix, .. } in columns {
        _ = writeln!(page, "| `{}` | {} | {} | {ipfix} |", column.name, kind(column), cell(column.meaning));
    }
}

fn kind(column: &Column) -> &'static str {
    match column.kind {
        Kind::Text => "text",
        Kind::Unsigned => "number",
        Kind::Real => "real",
        Kind::Flag => "flag",
        Kind::TimeNs => "time",
    }
}

/// A bar would end the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

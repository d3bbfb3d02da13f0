//! The result tables, independent of format: one function each. CSV, JSON and Parquet write the same columns.
//!
//! Every row that claims something names the capture, the frame and a Wireshark display filter that shows it.

use super::{ReportData, announcements, estimates, one_sided, ports, sizing, words};
use crate::model::{BlockedAttempt, Column, Kind, Table, Value, contact_filter, endpoint_filter};
use std::collections::HashMap;
use std::net::IpAddr;

pub(super) const fn text(name: &'static str, meaning: &'static str) -> Column {
    Column { name, kind: Kind::Text, meaning }
}

pub(super) const fn number(name: &'static str, meaning: &'static str) -> Column {
    Column { name, kind: Kind::Unsigned, meaning }
}

pub(super) const fn real(name: &'static str, meaning: &'static str) -> Column {
    Column { name, kind: Kind::Real, meaning }
}

pub(super) const fn flag(name: &'static str, meaning: &'static str) -> Column {
    Column { name, kind: Kind::Flag, meaning }
}

pub(super) const fn time(name: &'static str, meaning: &'static str) -> Column {
    Column { name, kind: Kind::TimeNs, meaning }
}

pub(super) const PROTOCOL: Column = text("protocol", "Transport protocol: tcp or udp.");
pub(super) const HOST_IP: Column = text("host_ip", "Address of the host.");
pub(super) const HOST_NAME: Column = text("host_name", "Name of the host in the site file; empty without one.");
pub(super) const SERVICE: Column =
    text("service", "Documented service, or what the first bytes said; empty where neither is known.");
pub(super) const STATUS: Column = text("status", "How it relates to the documents; see the table statuses.");
pub(super) const FLOWS: Column = number("flows", "Flows: bidirectional conversations between two endpoints.");
pub(super) const CLIENTS: Column = number("clients", "Distinct client addresses.");
pub(super) const FIRST_SEEN: Column =
    time("first_seen_ns", "First packet, nanoseconds since 1970-01-01 UTC, by the capture's clock.");
pub(super) const LAST_SEEN: Column =
    time("last_seen_ns", "Last packet, nanoseconds since 1970-01-01 UTC, by the capture's clock.");
pub(super) const CAPTURE: Column = text("capture", "Capture file that holds the first frame, name as given.");
pub(super) const FIRST_FRAME: Column =
    number("first_frame", "Number of the first frame in that capture, counted from 1.");
pub(super) const FILTER: Column = text("display_filter", "Wireshark display filter that shows the packets.");

/// Names of all tables, in the order of the report.
pub const NAMES: [&str; 17] = [
    "findings",
    "blocked",
    "announcements",
    "one_sided",
    "hosts",
    "listeners",
    "idle_listeners",
    "epochs",
    "estimates",
    "sizing",
    "gate",
    "services",
    "statuses",
    "outcomes",
    "orientations",
    "captures",
    "fates",
];

/// All tables, in the order of the report.
#[must_use]
pub fn all(data: &ReportData) -> Vec<Table> {
    vec![
        findings(data),
        blocked(data),
        announcements::table(data),
        one_sided::table(data),
        ports::hosts(data),
        ports::listeners(data),
        estimates::idle_listeners(data),
        estimates::epochs(data),
        estimates::table(data),
        sizing::table(data),
        sizing::gate(data),
        services(data),
        statuses(data),
        outcomes(data),
        orientations(data),
        captures(data),
        fates(data),
    ]
}

/// One row a recording.
#[must_use]
pub fn captures(data: &ReportData) -> Table {
    let columns = vec![
        text("capture", "Capture file, name as given."),
        text("sha256", "SHA-256 of the file as stored, hexadecimal; empty where not computed."),
        number("size_bytes", "Size of the file on disk in bytes; empty for standard input."),
        text("format", "File format: pcap or pcapng."),
        text("link_types", "Link types of its interfaces."),
        time("first_frame_ns", "Earliest time stamp, nanoseconds since 1970-01-01 UTC."),
        time("last_frame_ns", "Latest time stamp, nanoseconds since 1970-01-01 UTC."),
        number("read_frames", "Frames read; the fates of the table fates sum to it."),
        number("metered_frames", "Frames counted in flows."),
        number("dropped_packets", "Packets that the recorder says it dropped; empty where it says nothing."),
        number("snapped_frames", "Frames that the recording cut short (snap length)."),
        number("backward_steps", "Frames stamped earlier than the frame before them."),
        number(
            "implausible_lengths",
            "Frames whose stated length cannot be; what was captured counts as their length.",
        ),
        number("untimed_frames", "Frames without a time stamp; the time of the frame before them stands in."),
        number("skipped_bytes", "Bytes passed over as damaged, of the uncompressed file."),
        number("resyncs", "Times that reading went on behind damage."),
        text("filter", "Filter that frames had to pass to be metered; empty without one."),
        text("end", "How reading ended: complete, truncated or corrupt."),
        text("end_detail", "Where and why it ended early; empty for complete."),
        text("first_stop", "Example of a frame that could not be decoded; empty without one."),
    ];
    let row = |c: &crate::model::CaptureRow| {
        vec![
            c.name.clone().into(),
            c.sha256.clone().into(),
            c.size_bytes.into(),
            c.format.clone().into(),
            c.link_types.clone().into(),
            c.first_ns.map_or(Value::Null, Value::TimeNs),
            c.last_ns.map_or(Value::Null, Value::TimeNs),
            c.frames.into(),
            c.metered.into(),
            c.dropped.into(),
            c.snapped_frames.into(),
            c.backward_steps.into(),
            c.reading.implausible_lengths.into(),
            c.reading.untimed_frames.into(),
            c.reading.skipped_bytes.into(),
            c.reading.resyncs.into(),
            c.filter.clone().into(),
            c.end.clone().into(),
            c.end_detail.clone().into(),
            c.first_stop.clone().into(),
        ]
    };
    Table { name: "captures", columns, rows: data.captures.iter().map(row).collect() }
}

/// One row a recording and fate; the frames of a recording sum to its frames read.
#[must_use]
pub fn fates(data: &ReportData) -> Table {
    let columns = vec![
        text("capture", "Capture file, name as given."),
        text("fate", "What became of the frames: metered as tcp, udp or ip-fragment, or why not."),
        number("frames", "Frames of this fate."),
    ];
    let rows = data
        .captures
        .iter()
        .flat_map(|c| c.fates.iter().map(|(fate, n)| vec![c.name.clone().into(), fate.clone().into(), (*n).into()]))
        .collect();
    Table { name: "fates", columns, rows }
}

/// The names of the site file by address.
pub(super) fn names(data: &ReportData) -> HashMap<IpAddr, &str> {
    data.hosts.iter().filter(|h| !h.name.is_empty()).map(|h| (h.host, h.name.as_str())).collect()
}

/// One row a service that was seen, documented or not.
#[must_use]
pub fn services(data: &ReportData) -> Table {
    let columns = vec![
        HOST_IP,
        HOST_NAME,
        PROTOCOL,
        number("port", "Port at which the host answered or was called."),
        SERVICE,
        STATUS,
        text("reason", "Why it has this status: document, table, rule."),
        CLIENTS,
        FLOWS,
        number("wire_bytes", "Bytes on the wire, both directions, link header included."),
        FIRST_SEEN,
        LAST_SEEN,
        CAPTURE,
        FIRST_FRAME,
        FILTER,
    ];
    let row = |s: &super::ServiceRow| {
        vec![
            s.responder.ip.to_string().into(),
            s.name.clone().into(),
            s.transport.name().into(),
            s.responder.port.into(),
            s.service.clone().into(),
            s.status.name().into(),
            s.reason.clone().into(),
            s.clients.into(),
            s.flows.into(),
            s.wire_bytes.into(),
            Value::TimeNs(s.first_seen_ns),
            Value::TimeNs(s.last_seen_ns),
            s.capture.clone().into(),
            s.first_frame.into(),
            endpoint_filter(s.responder, s.transport).into(),
        ]
    };
    Table { name: "services", columns, rows: data.services.iter().map(row).collect() }
}

/// One row an attempt that did not succeed.
#[must_use]
pub fn blocked(data: &ReportData) -> Table {
    let columns = vec![
        text("initiator_ip", "Who tried."),
        text("responder_ip", "Address that was called."),
        number("responder_port", "Port that was called."),
        PROTOCOL,
        text("outcome", "refused, unanswered or prohibited."),
        SERVICE,
        STATUS,
        number("flows", "Distinct client ports that tried; retries count as one attempt."),
        number("packets", "SYNs or datagrams sent in all."),
        text("evidence", "What shows that it did not succeed."),
        FIRST_SEEN,
        LAST_SEEN,
        CAPTURE,
        FIRST_FRAME,
        FILTER,
    ];
    let row = |b: &BlockedAttempt| {
        vec![
            b.initiator.to_string().into(),
            b.responder.ip.to_string().into(),
            b.responder.port.into(),
            b.transport.name().into(),
            b.outcome.name().into(),
            b.service.clone().into(),
            b.status.name().into(),
            b.flows.into(),
            b.packets.into(),
            b.evidence.clone().into(),
            Value::TimeNs(b.first_seen_ns),
            Value::TimeNs(b.last_seen_ns),
            b.capture.clone().into(),
            b.first_frame.into(),
            contact_filter(b.initiator, b.responder, b.transport).into(),
        ]
    };
    Table { name: "blocked", columns, rows: data.blocked.iter().map(row).collect() }
}

/// One row a thing that a reviewer has to look at.
#[must_use]
pub fn findings(data: &ReportData) -> Table {
    let columns = vec![
        text("kind", "undocumented, dynamic-unexplained, unexpected-peer or scan."),
        text("initiator_ip", "Initiating address; with orientation unknown, the sender of the first packet."),
        text("responder_ip", "Responding address."),
        number("responder_port", "Responding port."),
        PROTOCOL,
        text("text", "What it is and why it is a finding."),
        text("orientation", "Worst certainty of direction among the flows."),
        text("outcome", "Outcome of the first flow."),
        FLOWS,
        FIRST_SEEN,
        LAST_SEEN,
        CAPTURE,
        FIRST_FRAME,
        FILTER,
    ];
    let row = |f: &crate::model::Finding| {
        vec![
            f.kind.name().into(),
            f.initiator.to_string().into(),
            f.responder.ip.to_string().into(),
            f.responder.port.into(),
            f.transport.name().into(),
            f.text.clone().into(),
            f.orientation.name().into(),
            f.outcome.name().into(),
            f.flows.into(),
            Value::TimeNs(f.first_seen_ns),
            Value::TimeNs(f.last_seen_ns),
            f.capture.clone().into(),
            f.first_frame.into(),
            f.display_filter.clone().into(),
        ]
    };
    Table { name: "findings", columns, rows: data.findings.iter().map(row).collect() }
}

/// One row a status.
#[must_use]
pub fn statuses(data: &ReportData) -> Table {
    let columns = vec![
        text("status", "How flows relate to the documents."),
        text("meaning", "What the status says."),
        FLOWS,
        number("packets", "Packets, both directions."),
        number("wire_bytes", "Bytes on the wire, both directions, link header included."),
    ];
    let row = |s: &super::StatusCount| {
        let meaning = words::status(s.status);
        vec![s.status.name().into(), meaning.into(), s.flows.into(), s.packets.into(), s.wire_bytes.into()]
    };
    Table { name: "statuses", columns, rows: data.statuses.iter().map(row).collect() }
}

/// One row an outcome.
#[must_use]
pub fn outcomes(data: &ReportData) -> Table {
    let columns =
        vec![text("outcome", "What became of the attempts to talk."), text("meaning", "What the outcome says."), FLOWS];
    let row = |o: &super::OutcomeCount| vec![o.outcome.name().into(), words::outcome(o.outcome).into(), o.flows.into()];
    Table { name: "outcomes", columns, rows: data.outcomes.iter().map(row).collect() }
}

/// One row a certainty of direction.
#[must_use]
pub fn orientations(data: &ReportData) -> Table {
    let columns =
        vec![text("orientation", "How sure it is who initiated."), text("meaning", "What the word says."), FLOWS];
    let row = |(o, flows): &(crate::model::Orientation, u64)| {
        vec![o.name().into(), words::orientation(*o).into(), (*flows).into()]
    };
    Table { name: "orientations", columns, rows: data.orientations.iter().map(row).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::demo;

    #[test]
    fn every_row_has_one_value_of_the_right_kind_per_column() {
        for table in all(&demo::hostile()) {
            assert!(!table.rows.is_empty(), "{} has rows in the demo", table.name);
            for row in &table.rows {
                assert_eq!(row.len(), table.columns.len(), "{}", table.name);
                for (column, value) in table.columns.iter().zip(row) {
                    let fits = match value {
                        Value::Null => true,
                        Value::Text(_) => column.kind == Kind::Text,
                        Value::Unsigned(_) => column.kind == Kind::Unsigned,
                        Value::Real(_) => column.kind == Kind::Real,
                        Value::Flag(_) => column.kind == Kind::Flag,
                        Value::TimeNs(_) => column.kind == Kind::TimeNs,
                    };
                    assert!(fits, "{}.{} holds {value:?}", table.name, column.name);
                }
            }
        }
    }

    #[test]
    fn the_names_are_those_of_the_tables() {
        let names: Vec<&str> = all(&demo::small()).iter().map(|table| table.name).collect();
        assert_eq!(names, NAMES);
    }

    #[test]
    fn column_names_are_snake_case_unique_and_explained() {
        for table in all(&demo::small()) {
            let mut seen = std::collections::HashSet::new();
            for column in &table.columns {
                assert!(column.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'));
                assert!(seen.insert(column.name), "{} twice in {}", column.name, table.name);
                assert!(column.meaning.ends_with('.') && !column.meaning.contains('\n'), "{}", column.name);
                assert_eq!(column.kind == Kind::TimeNs, column.name.ends_with("_ns"), "{}", column.name);
            }
        }
    }

    #[test]
    fn tables_that_claim_something_name_capture_frame_and_filter() {
        for table in
            [findings, blocked, announcements::table, one_sided::table, ports::hosts, ports::listeners, services]
                .map(|f| f(&demo::small()))
        {
            for name in ["capture", "first_frame", "display_filter"] {
                assert!(table.columns.iter().any(|c| c.name == name), "{} lacks {name}", table.name);
            }
        }
    }

    #[test]
    fn fates_sum_to_the_frames_read() {
        let data = demo::small();
        let total: u64 = fates(&data)
            .rows
            .iter()
            .map(|row| match row.last() {
                Some(Value::Unsigned(n)) => *n,
                other => panic!("a count, not {other:?}"),
            })
            .sum();
        assert_eq!(total, data.frames());
    }
}

//! Results to bytes: tables (CSV, JSON), charts (SVG), one HTML page, and the one writer that puts files under an
//! output directory.
//!
//! What goes in is [`ReportData`]: judged rows and counts. What comes out is bytes, and the same data gives the same
//! bytes. Every text may come from a capture and is hostile: each format escapes it in its own way (HTML and SVG
//! entities, no formula cells in CSV, no control characters anywhere), see [`text::visible`].
//!
//! This room refuses to decide: it does not judge flows, count ports, or read clocks. Where it says "warning" it
//! repeats in words what the fields already state.

pub mod announcements;
pub mod catalog;
pub mod charts;
pub mod csv;
pub mod estimates;
pub mod gaps;
pub mod html;
pub mod json;
pub mod one_sided;
pub mod ports;
pub mod settings;
pub mod site_proposal;
pub mod sizing;
pub mod summary;
pub mod tables;
pub mod text;
pub mod validation;
pub mod what_if;
pub mod words;
pub mod writer;

mod error;
mod font;

#[cfg(test)]
pub(crate) mod demo;
#[cfg(test)]
mod demo_counts;

pub use error::ReportError;
pub(crate) use error::os_reason;
pub use html::GENERATOR;
pub use writer::{ReportDir, ReportFile};

use crate::catalog::PortRange;
use crate::dynamic_ports::HostCount;
use crate::model::{
    Accumulation, AnnouncementRow, BlockedAttempt, CaptureRow, Endpoint, Finding, HostPorts, IdleListener, Listener,
    OneSidedPair, Orientation, Outcome, PortsInUse, Status, Table, TcpSides, Transport,
};
use crate::policy::gate::Gate;
use std::collections::BTreeMap;
use std::io::Write;
use std::net::IpAddr;
use std::ops::RangeInclusive;

/// Names of one address that are shown.
const RECORDED_NAMES: usize = 5;

/// Everything that the report says, judged and counted by the rooms below.
///
/// Rows are printed in the order given, except where a chart or a summary says that it shows the largest.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportData {
    /// Title of the page, e.g. the name of the output directory.
    pub title: String,
    /// Version of this program, e.g. "0.1.0".
    pub tool_version: &'static str,
    /// Name of the site in the site file; `None` without one.
    pub site_name: Option<String>,
    /// True where roles were guessed from what hosts served. Said in the first line of every output.
    pub roles_guessed: bool,
    /// The recordings, in the order in which they were read.
    pub captures: Vec<CaptureRow>,
    /// Port use by host and transport.
    pub hosts: Vec<HostPorts>,
    /// What was counted, estimated and sized, by host and transport.
    pub counts: Vec<HostCount>,
    /// Whether the recording is evidence enough to restrict, by host and transport.
    pub gates: Vec<Gate>,
    /// Where a range of the recommended size for RPC listeners could be, by host; hosts without listeners have none.
    pub places: BTreeMap<IpAddr, PortRange>,
    /// Dynamic ports that only a host table shows.
    pub idle: Vec<IdleListener>,
    /// How listeners accumulated, of the hosts with the most.
    pub accumulations: Vec<Accumulation>,
    /// Ports held over time, of the hosts that held the most.
    pub in_use: Vec<PortsInUse>,
    /// Names of addresses that the recordings state: no proof, and no match for the site file's.
    pub names: BTreeMap<IpAddr, Vec<String>>,
    /// Dynamic ports that acted as server.
    pub listeners: Vec<Listener>,
    /// Attempts that did not succeed.
    pub blocked: Vec<BlockedAttempt>,
    /// Pairs of hosts of whose conversations one direction was recorded.
    pub one_sided: Vec<OneSidedPair>,
    /// Who announced which port to whom, and what followed.
    pub announcements: Vec<AnnouncementRow>,
    /// Flows whose dynamic port is explained by timing alone: no broker's answer was read.
    pub timing_only_flows: u64,
    /// TCP flows with payload, and how many of them are one-sided.
    pub tcp_sides: TcpSides,
    /// What a reviewer has to look at, most important first.
    pub findings: Vec<Finding>,
    /// Services seen: every responding endpoint.
    pub services: Vec<ServiceRow>,
    /// Flows, packets and bytes by status.
    pub statuses: Vec<StatusCount>,
    /// Flows by outcome.
    pub outcomes: Vec<OutcomeCount>,
    /// Flows by certainty of direction.
    pub orientations: Vec<(Orientation, u64)>,
    /// Ephemeral ports: local ports, inside the dynamic range, of connections that the host opened. For the port map.
    pub ephemeral: Vec<PortUse>,
    /// The dynamic range that was assumed, e.g. 49152 to 65535.
    pub dynamic_range: RangeInclusive<u16>,
    /// Warnings that do not follow from the other fields. Guessed roles, damaged, dropping or snapped recordings,
    /// one-sided and midstream flows are worded by [`summary::warnings`] and need not be repeated here.
    pub warnings: Vec<String>,
    /// Earliest frame of all recordings.
    pub start_ns: Option<i64>,
    /// Latest frame of all recordings.
    pub end_ns: Option<i64>,
}

impl ReportData {
    /// Frames read, over all recordings.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.captures.iter().map(|c| c.frames).fold(0, u64::saturating_add)
    }

    /// Flows judged, over all statuses.
    #[must_use]
    pub fn flows(&self) -> u64 {
        self.statuses.iter().map(|s| s.flows).fold(0, u64::saturating_add)
    }

    /// The first few names of an address that the recordings state, separated by a semicolon; empty without one.
    #[must_use]
    pub fn recorded_names(&self, ip: IpAddr) -> String {
        self.names
            .get(&ip)
            .map(|names| names.iter().take(RECORDED_NAMES).map(String::as_str).collect::<Vec<_>>().join("; "))
            .unwrap_or_default()
    }

    /// The site file's name for an address, or an empty text.
    #[must_use]
    pub fn host_name(&self, ip: IpAddr) -> &str {
        self.hosts.iter().find(|h| h.host == ip && !h.name.is_empty()).map_or("", |h| h.name.as_str())
    }
}

/// A service that was seen: one responding endpoint, documented or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRow {
    /// The responding endpoint.
    pub responder: Endpoint,
    /// The responder's name in the site file, or empty.
    pub name: String,
    /// Transport.
    pub transport: Transport,
    /// Documented service, or what the first bytes said, or empty.
    pub service: String,
    /// Why it has this status: document, table, rule.
    pub reason: String,
    /// The worst status among its flows.
    pub status: Status,
    /// Distinct client addresses.
    pub clients: u64,
    /// Flows towards it.
    pub flows: u64,
    /// Bytes on the wire, both directions.
    pub wire_bytes: u64,
    /// First packet.
    pub first_seen_ns: i64,
    /// Last packet.
    pub last_seen_ns: i64,
    /// Capture of the first packet.
    pub capture: String,
    /// Frame of the first packet in that capture.
    pub first_frame: u64,
}

/// Flows, packets and bytes of one status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusCount {
    /// Status.
    pub status: Status,
    /// Flows.
    pub flows: u64,
    /// Packets, both directions.
    pub packets: u64,
    /// Bytes on the wire, both directions.
    pub wire_bytes: u64,
}

/// Flows of one outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutcomeCount {
    /// Outcome.
    pub outcome: Outcome,
    /// Flows.
    pub flows: u64,
}

/// One port that a host used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortUse {
    /// The host.
    pub host: IpAddr,
    /// Transport.
    pub transport: Transport,
    /// The port.
    pub port: u16,
}

/// Writes `index.html` and every table of [`tables::all`] as CSV and JSON into the directory, and returns the tables
/// for further formats.
///
/// # Errors
/// When a file cannot be written or a chart cannot be drawn.
pub fn write_all(dir: &ReportDir, data: &ReportData) -> Result<Vec<Table>, ReportError> {
    let tables = tables::all(data);
    for table in &tables {
        dir.add(&format!("{}.csv", table.name), |out| csv::write_table(out, table))?;
        dir.add(&format!("{}.json", table.name), |out| json::write_table(out, table))?;
    }
    let page = html::page(data)?;
    dir.add(html::FILE_NAME, |out| out.write_all(page.as_bytes()).map_err(ReportError::Output))?;
    Ok(tables)
}

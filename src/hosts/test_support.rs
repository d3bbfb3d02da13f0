//! Tables as tests look at them.

use super::{HostTableError, HostTimeZone, read};
use crate::model::{HostRange, HostSocket, HostTable};

/// Address of the host in every test.
pub(super) const HOST: &str = "10.0.0.5+fe80::5";

/// Reads a table.
pub(super) fn try_table(bytes: &[u8], zone: Option<&str>) -> Result<HostTable, HostTableError> {
    let zone: Option<HostTimeZone> = zone.map(|zone| zone.parse().unwrap());
    read(bytes, "t.txt", &HOST.parse().unwrap(), zone.as_ref())
}

/// Reads a table that can be read.
#[track_caller]
pub(super) fn table(text: &str) -> HostTable {
    try_table(text.as_bytes(), None).unwrap()
}

/// A socket in one line: `12 tcp 10.0.0.5:135 listen pid=4 x.exe (Svc) <- 10.0.0.7:50000`.
pub(super) fn shown(socket: &HostSocket) -> String {
    let local = socket.local.map_or_else(|| format!("*{}", socket.versions.name()), |ip| ip.to_string());
    let mut text = format!("{} {} {local} {} {}", socket.line, socket.transport, socket.port, socket.state.name());
    if let Some(id) = socket.process_id {
        text.push_str(&format!(" pid={id}"));
    }
    if let Some(process) = &socket.process {
        text.push_str(&format!(" {process}"));
    }
    if let Some(services) = &socket.services {
        text.push_str(&format!(" ({services})"));
    }
    if let Some(remote) = socket.remote {
        text.push_str(&format!(" <- {remote}"));
    }
    text
}

/// All sockets, one line each.
pub(super) fn sockets(table: &HostTable) -> Vec<String> {
    table.sockets.iter().map(shown).collect()
}

/// A range in one line: `4 tcp ipv4 dynamic 49152-65535`, with `*` where administered.
pub(super) fn range(range: &HostRange) -> String {
    let HostRange { line, transport, versions, kind, start, end, is_administered, .. } = range;
    let star = if *is_administered { " *" } else { "" };
    format!("{line} {transport} {} {} {start}-{end}{star}", versions.name(), kind.name())
}

/// All ranges, one line each.
pub(super) fn ranges(table: &HostTable) -> Vec<String> {
    table.ranges.iter().map(range).collect()
}

/// Warnings with their lines.
pub(super) fn warnings(table: &HostTable) -> Vec<String> {
    table.warnings.iter().map(|w| format!("{}: {}", w.line, w.reason)).collect()
}

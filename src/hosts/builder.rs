//! Gathers the rows of one file within the room's limits.

use super::error::HostTableError;
use super::time::HostTimeZone;
use super::{MAX_LINE_BYTES, MAX_WARNINGS};
use crate::model::{
    Endpoint, HostRange, HostRangeKind, HostSocket, HostTable, HostTableCounts, HostTableSource, HostTableWarning,
    IpVersions, SocketState, Transport,
};
use std::collections::HashSet;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Bytes of a name that are kept.
const NAME_BYTES: usize = 255;

/// A socket as a parser understood it; the rest of a row is the same for the whole file.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft<'a> {
    pub(super) time_ns: Option<i64>,
    pub(super) created_ns: Option<i64>,
    pub(super) local: Local,
    pub(super) port: u16,
    pub(super) remote: Option<Endpoint>,
    pub(super) state: Option<SocketState>,
    pub(super) process_id: Option<u32>,
    pub(super) process: &'a str,
    pub(super) services: &'a str,
}

/// A local address as tables write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Local {
    /// Every address of these versions.
    Any(IpVersions),
    /// One address.
    One(IpAddr),
}

impl Default for Local {
    fn default() -> Self {
        Self::Any(IpVersions::Both)
    }
}

impl Local {
    /// An address; the unspecified one of a version stands for all of it.
    pub(super) fn of(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            ip if !ip.is_unspecified() => Self::One(ip),
            IpAddr::V4(_) => Self::Any(IpVersions::V4),
            IpAddr::V6(_) => Self::Any(IpVersions::V6),
        }
    }
}

/// A table under way.
pub(super) struct Builder {
    pub(super) zone: Option<HostTimeZone>,
    table: HostTable,
    names: HashSet<Arc<str>>,
    most_rows: usize,
    /// The first line that was not understood, whether or not its warning was kept.
    first_misread: Option<HostTableWarning>,
}

impl Builder {
    pub(super) fn new(source: HostTableSource, zone: Option<HostTimeZone>, most_rows: usize) -> Self {
        let table = HostTable {
            source: Arc::new(source),
            host_name: None,
            taken_ns: None,
            boot_ns: None,
            sockets: Vec::new(),
            ranges: Vec::new(),
            warnings: Vec::new(),
            counts: HostTableCounts::default(),
        };
        Self { zone, table, names: HashSet::new(), most_rows, first_misread: None }
    }

    /// Whether an address is the host's, by what the user said.
    pub(super) fn is_host(&self, ip: IpAddr) -> bool {
        self.table.source.host.contains(ip)
    }

    /// The file says when it was written: holds for all rows that follow.
    pub(super) fn taken(&mut self, ns: i64) {
        self.table.taken_ns = Some(ns);
    }

    /// The file says when the host started.
    pub(super) fn booted(&mut self, ns: i64) {
        self.table.boot_ns = Some(ns);
    }

    /// The file says what the host calls itself.
    pub(super) fn host_name(&mut self, name: &str) {
        self.table.host_name = Some(clean(name)).filter(|name| !name.is_empty());
    }

    pub(super) fn count_line(&mut self) {
        self.table.counts.lines += 1;
    }

    /// Tells about a line, which counts as understood.
    pub(super) fn warn(&mut self, line: u64, reason: impl Into<String>) {
        if self.table.warnings.len() < MAX_WARNINGS {
            self.table.warnings.push(HostTableWarning { line, reason: reason.into() });
        } else {
            self.table.counts.warnings_dropped += 1;
        }
    }

    /// Tells that a line could not be used.
    pub(super) fn misread(&mut self, line: u64, reason: impl Into<String>) {
        let reason = reason.into();
        self.table.counts.not_understood += 1;
        if self.first_misread.is_none() {
            self.first_misread = Some(HostTableWarning { line, reason: reason.clone() });
        }
        self.warn(line, reason);
    }

    /// A line that belongs to no row and does no harm: counted, and not told.
    pub(super) fn skip(&mut self) {
        self.table.counts.not_understood += 1;
    }

    fn has_room(&mut self) -> bool {
        let rows = self.table.sockets.len() + self.table.ranges.len();
        if rows >= self.most_rows {
            self.table.counts.rows_dropped += 1;
        }
        rows < self.most_rows
    }

    /// Adds a socket; gives its place, for [`Self::socket_mut`]. Port 0 is no port, and gives none.
    pub(super) fn socket(&mut self, line: u64, transport: Transport, draft: &Draft<'_>) -> Option<usize> {
        if draft.port == 0 || !self.has_room() {
            return None;
        }
        let (local, versions) = match draft.local {
            Local::Any(versions) => (None, versions),
            Local::One(ip @ IpAddr::V4(_)) => (Some(ip), IpVersions::V4),
            Local::One(ip @ IpAddr::V6(_)) => (Some(ip), IpVersions::V6),
        };
        let socket = HostSocket {
            source: self.table.source.clone(),
            line,
            time_ns: draft.time_ns.or(self.table.taken_ns),
            created_ns: draft.created_ns,
            transport,
            versions,
            local,
            port: draft.port,
            remote: draft.remote,
            state: draft.state.unwrap_or(match transport {
                Transport::Tcp => SocketState::Other,
                Transport::Udp => SocketState::Unconnected,
            }),
            // Windows gives 0 to sockets whose process is gone (TIME_WAIT).
            process_id: draft.process_id.filter(|id| *id != 0),
            process: self.name(draft.process),
            services: self.name(draft.services),
        };
        self.table.sockets.push(socket);
        Some(self.table.sockets.len() - 1)
    }

    pub(super) fn socket_mut(&mut self, place: usize) -> Option<&mut HostSocket> {
        self.table.sockets.get_mut(place)
    }

    /// Adds a range. One that ends before it begins, or begins at 0, is told and left out.
    pub(super) fn range(
        &mut self,
        line: u64,
        (transport, versions): (Transport, IpVersions),
        kind: HostRangeKind,
        ports: RangeInclusive<u32>,
        is_administered: bool,
    ) {
        let bounds = u16::try_from(*ports.start()).ok().zip(u16::try_from(*ports.end()).ok());
        let Some((start, end)) = bounds.filter(|(start, end)| *start > 0 && start <= end) else {
            return self.misread(line, format!("{} to {} is no range of ports", ports.start(), ports.end()));
        };
        if self.has_room() {
            let (source, time_ns) = (self.table.source.clone(), self.table.taken_ns);
            let range = HostRange { source, line, time_ns, transport, versions, kind, start, end, is_administered };
            self.table.ranges.push(range);
        }
    }

    /// A name that is kept: one line, at most 255 bytes; `None` where nothing is left. The same name is held once.
    pub(super) fn name(&mut self, text: &str) -> Option<Arc<str>> {
        let name = clean(text);
        if name.is_empty() {
            return None;
        }
        if let Some(known) = self.names.get(name.as_str()) {
            return Some(known.clone());
        }
        let name: Arc<str> = name.into();
        self.names.insert(name.clone());
        Some(name)
    }

    /// The table; an error where nothing in it was understood.
    pub(super) fn finish(self) -> Result<HostTable, HostTableError> {
        let table = self.table;
        match self.first_misread {
            Some(first) if table.sockets.is_empty() && table.ranges.is_empty() && table.counts.rows_dropped == 0 => {
                let file = table.source.file.clone();
                Err(HostTableError::NothingUnderstood { file, line: first.line, reason: first.reason })
            }
            _ => Ok(table),
        }
    }
}

/// A text without control characters, spaces around it, and what goes beyond 255 bytes.
fn clean(text: &str) -> String {
    let mut out = String::new();
    for c in text.trim().chars().take(MAX_LINE_BYTES).filter(|c| !c.is_control()) {
        if out.len() + c.len_utf8() > NAME_BYTES {
            break;
        }
        out.push(c);
    }
    out
}

//! What the host tables say about an endpoint: joined by address, port and time.
//!
//! A table is a moment or a log: process identifiers and dynamic ports are given out again after a restart. So a row with a time is
//! held against the time that is asked for, a restart in between parts them, and a row without a time is used only where the
//! user's word has to do: he gave the file for this recording.

use crate::model::{HostRange, HostRangeKind, HostSocket, HostTableRow, IpVersions, SocketState, Transport};
use crate::store::Facts;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::ops::RangeInclusive;

/// How far in time a row may be from what it is evidence of, where no restart is known: a listing once a day is enough.
const NEAR_NS: u64 = 86_400_000_000_000;

/// A process behind an endpoint, with the place that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribution {
    /// Name of the program: hostile text. Empty where the row has an identifier only.
    pub process: String,
    /// Identifier of the process.
    pub pid: Option<u32>,
    /// Services within the process, comma-separated: hostile text. Empty where none is named.
    pub service: String,
    /// `netstat.txt line 12`: hostile text.
    pub source: String,
    /// Rows that are as good name another process for this endpoint: a UDP port that several share, or a port that changed hands.
    pub is_contested: bool,
}

impl Attribution {
    /// What one row says.
    #[must_use]
    pub fn of(socket: &HostSocket) -> Self {
        Self {
            process: socket.process.as_deref().unwrap_or_default().to_owned(),
            pid: socket.process_id,
            service: socket.services.as_deref().unwrap_or_default().to_owned(),
            source: socket.place(),
            is_contested: false,
        }
    }

    /// Name or identifier of the process and its services, in one line: hostile text.
    #[must_use]
    pub fn words(&self) -> String {
        let mut words = match (self.process.as_str(), self.pid) {
            ("", Some(pid)) => format!("process {pid}"),
            (name, Some(pid)) => format!("{name} ({pid})"),
            (name, None) => name.to_owned(),
        };
        if !self.service.is_empty() {
            words.push_str(&format!(": {}", self.service));
        }
        if self.is_contested {
            words.push_str(", or another");
        }
        words
    }
}

/// The host tables of a store, by address and port.
#[derive(Debug, Default)]
pub struct HostTables<'a> {
    /// Rows that packets to this address and port may reach, in the order of the facts.
    at: HashMap<(IpAddr, Transport, u16), Vec<&'a HostSocket>>,
    /// All rows of a host, by each of its addresses.
    sockets: HashMap<IpAddr, Vec<&'a HostSocket>>,
    ranges: HashMap<IpAddr, Vec<&'a HostRange>>,
    boots: HashMap<IpAddr, Vec<i64>>,
    tables: HashMap<IpAddr, Vec<&'a HostTableRow>>,
}

impl<'a> HostTables<'a> {
    /// Orders what the facts hold. The same file that was given twice counts once.
    #[must_use]
    pub fn of(facts: &'a Facts) -> Self {
        let mut tables = Self::default();
        let mut seen = HashSet::with_capacity(facts.host_sockets.len());
        for socket in facts.host_sockets.iter().filter(|socket| seen.insert(*socket)) {
            tables.add(socket);
        }
        let mut seen = HashSet::new();
        for range in facts.host_ranges.iter().filter(|range| seen.insert(*range)) {
            for ip in range.source.host.all() {
                tables.ranges.entry(*ip).or_default().push(range);
            }
        }
        for table in &facts.host_tables {
            for ip in table.source.host.all() {
                tables.tables.entry(*ip).or_default().push(table);
                tables.boots.entry(*ip).or_default().extend(table.boot_ns);
            }
        }
        for boots in tables.boots.values_mut() {
            boots.sort_unstable();
            boots.dedup();
        }
        tables
    }

    fn add(&mut self, socket: &'a HostSocket) {
        for ip in socket.source.host.all() {
            self.sockets.entry(*ip).or_default().push(socket);
            if socket.is_at(*ip) {
                self.at.entry((*ip, socket.transport, socket.port)).or_default().push(socket);
            }
        }
    }

    /// Whether any tells when its host started.
    #[must_use]
    pub fn tell_of_boots(&self) -> bool {
        self.boots.values().any(|boots| !boots.is_empty())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sockets.is_empty() && self.ranges.is_empty() && self.tables.is_empty()
    }

    /// Whether a table was given for the host of this address.
    #[must_use]
    pub fn knows(&self, host_ip: IpAddr) -> bool {
        self.tables.contains_key(&host_ip) || self.sockets.contains_key(&host_ip) || self.ranges.contains_key(&host_ip)
    }

    /// The files that were given for the host of this address.
    pub fn tables(&self, host_ip: IpAddr) -> impl Iterator<Item = &'a HostTableRow> {
        self.tables.get(&host_ip).into_iter().flatten().copied()
    }

    /// The row that shows a TCP listener at an address of a host and a port, at a time in ns since 1970: the nearest one, and one
    /// without a time after those. Loopback listeners never match: nothing on a wire reaches them. UDP has no listeners.
    #[must_use]
    pub fn listener(&self, host_ip: IpAddr, transport: Transport, port: u16, time_ns: i64) -> Option<&'a HostSocket> {
        let rows = self.at.get(&(host_ip, transport, port))?.iter().copied();
        let listening = rows.filter(|socket| socket.state == SocketState::Listen);
        let held = listening.filter(|socket| self.holds_at(host_ip, socket, time_ns));
        held.min_by_key(|socket| (socket.time_ns.map_or(u64::MAX, |ns| ns.abs_diff(time_ns)), socket.line))
    }

    /// Whether a row says something about this time.
    fn holds_at(&self, host_ip: IpAddr, socket: &HostSocket, time_ns: i64) -> bool {
        // Made later: it was not there yet.
        if socket.created_ns.is_some_and(|created| created > time_ns) {
            return false;
        }
        let Some(row_ns) = socket.time_ns else { return true };
        let (first, last) = (row_ns.min(time_ns), row_ns.max(time_ns));
        let restarted = self.boots(host_ip).iter().any(|boot| *boot > first && *boot <= last);
        // A listener that is older than the listing says from when on it was there.
        let was_there = socket.created_ns.is_some_and(|created| created <= time_ns && time_ns <= row_ns);
        !restarted && (was_there || row_ns.abs_diff(time_ns) <= NEAR_NS)
    }

    /// Which process was behind an endpoint within an interval, both ends in ns since 1970: the caller's epoch, in which the host did
    /// not restart. Rows with a time outside of it are not used; rows without one only where no other is. Rows of listeners
    /// come before those of connections.
    #[must_use]
    pub fn process_of(
        &self,
        host_ip: IpAddr,
        transport: Transport,
        port: u16,
        interval: &RangeInclusive<i64>,
    ) -> Option<Attribution> {
        let rows = self.at.get(&(host_ip, transport, port))?;
        // Best first: with a time, then listening.
        let rank = |socket: &HostSocket| {
            let rank = if socket.time_ns.is_some() { 0 } else { 2 };
            rank + u8::from(!matches!(socket.state, SocketState::Listen | SocketState::Unconnected))
        };
        let usable = |socket: &&&HostSocket| {
            let is_named = socket.process.is_some() || socket.process_id.is_some();
            let is_then = socket.time_ns.is_none_or(|ns| interval.contains(&ns));
            is_named && is_then && socket.created_ns.is_none_or(|created| created <= *interval.end())
        };
        let best = rows.iter().filter(usable).map(|socket| rank(socket)).min()?;
        let mut good = rows.iter().filter(usable).filter(|socket| rank(socket) == best);
        // A row that names the program says more than one with a bare number.
        let named = good.clone().find(|socket| socket.process.is_some());
        let first = named.or_else(|| good.clone().next())?;
        let is_contested = good.any(|socket| differs(first, socket));
        Some(Attribution { is_contested, ..Attribution::of(first) })
    }

    /// Every TCP listener of a host, loopback and idle ones too, which no capture can see. A listener that several files show
    /// comes once for each.
    pub fn listening(&self, host_ip: IpAddr) -> impl Iterator<Item = &'a HostSocket> {
        self.all(host_ip).filter(|socket| socket.state == SocketState::Listen)
    }

    /// Every UDP socket of a host that has a port and no other end: it may serve, or wait for an answer.
    pub fn bound_udp(&self, host_ip: IpAddr) -> impl Iterator<Item = &'a HostSocket> {
        let is_bound = |socket: &&HostSocket| socket.state == SocketState::Unconnected && socket.remote.is_none();
        self.all(host_ip).filter(is_bound)
    }

    /// Ports that a host's tables show as held by a program waiting for others, at some time within an interval, both ends in ns since
    /// 1970: TCP listeners, loopback and idle ones too; UDP sockets with a port and no other end.
    pub fn waiting(
        &self,
        host_ip: IpAddr,
        transport: Transport,
        interval: &RangeInclusive<i64>,
    ) -> impl Iterator<Item = &'a HostSocket> {
        let waits = move |socket: &&HostSocket| match socket.state {
            SocketState::Listen => transport == Transport::Tcp,
            SocketState::Unconnected => transport == Transport::Udp && socket.remote.is_none(),
            _ => false,
        };
        let (start_ns, end_ns) = (*interval.start(), *interval.end());
        let held = move |socket: &&HostSocket| {
            let nearest_ns = socket.time_ns.unwrap_or(end_ns).clamp(start_ns, end_ns.max(start_ns));
            // Made within the interval: it holds from then on.
            let at_ns = socket.created_ns.filter(|ns| interval.contains(ns)).unwrap_or(nearest_ns);
            self.holds_at(host_ip, socket, at_ns)
        };
        self.all(host_ip).filter(move |socket| socket.transport == transport).filter(waits).filter(held)
    }

    /// Every row of a host, in the order of its files.
    pub fn all(&self, host_ip: IpAddr) -> impl Iterator<Item = &'a HostSocket> {
        self.sockets.get(&host_ip).into_iter().flatten().copied()
    }

    /// Every range that a host told of.
    pub fn ranges(&self, host_ip: IpAddr) -> impl Iterator<Item = &'a HostRange> {
        self.ranges.get(&host_ip).into_iter().flatten().copied()
    }

    /// The range of dynamic ports that a host told of for a transport and the IP version of the address. Of several the latest; one
    /// without a time comes before none; of equals the one that was given last.
    #[must_use]
    pub fn dynamic_range(&self, host_ip: IpAddr, transport: Transport) -> Option<RangeInclusive<u16>> {
        let told = self.of_kind(host_ip, transport, HostRangeKind::Dynamic);
        told.max_by_key(|range| (range.time_ns, range.versions != IpVersions::Both))
            .map(|range| range.start..=range.end)
    }

    /// The blocks that a host's system does not give out, for a transport and the IP version of the address.
    pub fn excluded(&self, host_ip: IpAddr, transport: Transport) -> impl Iterator<Item = &'a HostRange> {
        self.of_kind(host_ip, transport, HostRangeKind::Excluded)
    }

    fn of_kind(
        &self,
        host_ip: IpAddr,
        transport: Transport,
        kind: HostRangeKind,
    ) -> impl Iterator<Item = &'a HostRange> {
        let is_it = move |r: &&HostRange| r.kind == kind && r.transport == transport && r.versions.include(host_ip);
        self.ranges(host_ip).filter(is_it)
    }

    /// When a host started, ns since 1970 by its own clock, in order.
    #[must_use]
    pub fn boots(&self, host_ip: IpAddr) -> &[i64] {
        self.boots.get(&host_ip).map_or(&[], Vec::as_slice)
    }
}

/// Whether two rows name two processes.
fn differs(one: &HostSocket, other: &HostSocket) -> bool {
    match (&one.process, &other.process) {
        (Some(one), Some(other)) => one != other,
        _ => one.process_id.zip(other.process_id).is_some_and(|(one, other)| one != other),
    }
}

#[cfg(test)]
#[path = "host_tables_tests.rs"]
mod tests;

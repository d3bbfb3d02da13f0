//! Host tables: what a host said of its own sockets and port ranges, as somebody wrote it down there.
//!
//! The text is a file from somebody else: names of processes are hostile, and a table may be old, cut or of another host
//! than the user thinks. Every row therefore keeps its file and line.

use super::flow::{Endpoint, Transport};
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

/// Addresses of one host, at least one; the first names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostAddresses(Vec<IpAddr>);

/// Addresses that one host may be given.
const MOST_ADDRESSES: usize = 64;

impl HostAddresses {
    /// All of them, in the order in which they were given.
    #[must_use]
    pub fn all(&self) -> &[IpAddr] {
        &self.0
    }

    /// Whether an address is one of this host's.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        self.0.contains(&ip)
    }
}

impl std::fmt::Display for HostAddresses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (place, ip) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str("+")?;
            }
            ip.fmt(f)?;
        }
        Ok(())
    }
}

impl FromStr for HostAddresses {
    type Err = String;

    /// Reads `10.0.0.1` or, all addresses of one host, `10.0.0.1+fe80::1`. A scope (`%eth0`) is left out: captures have none.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut all = Vec::new();
        for part in text.split('+') {
            let bare = part.trim().split('%').next().unwrap_or_default();
            let ip = bare.parse::<IpAddr>().map_err(|_| {
                format!(
                    "\"{}\" is no address: write the host's as in 10.0.0.1 or 10.0.0.1+fe80::1",
                    part.escape_debug()
                )
            })?;
            let ip = ip.to_canonical();
            if ip.is_unspecified() || ip.is_multicast() {
                return Err(format!("{ip} is the address of no host: write the one that captures show"));
            }
            if !all.contains(&ip) {
                all.push(ip);
            }
        }
        match all.len() {
            n if n > MOST_ADDRESSES => Err(format!("{n} addresses for one host: at most {MOST_ADDRESSES}")),
            _ => Ok(Self(all)),
        }
    }
}

/// Which program wrote a host table. A closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HostTableFormat {
    /// `netstat -ano` and its relatives, Windows.
    Netstat,
    /// `Get-NetTCPConnection | Export-Csv`.
    NetTcpConnection,
    /// `Get-NetUDPEndpoint | Export-Csv`.
    NetUdpEndpoint,
    /// `ss -tunap`, Linux.
    Ss,
    /// The log of the Windows Firewall, `pfirewall.log`.
    FirewallLog,
    /// Sysmon's event 3 in XML.
    Sysmon,
    /// `netsh int ipv4|ipv6 show dynamicport` and `show excludedportrange`.
    Netsh,
    /// `sysctl net.ipv4.ip_local_port_range net.ipv4.ip_local_reserved_ports`, Linux.
    Sysctl,
    /// What the project's own collector scripts write.
    Collected,
}

impl HostTableFormat {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Netstat,
        Self::NetTcpConnection,
        Self::NetUdpEndpoint,
        Self::Ss,
        Self::FirewallLog,
        Self::Sysmon,
        Self::Netsh,
        Self::Sysctl,
        Self::Collected,
    ];

    /// Name as stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Netstat => "netstat",
            Self::NetTcpConnection => "net-tcp-connection",
            Self::NetUdpEndpoint => "net-udp-endpoint",
            Self::Ss => "ss",
            Self::FirewallLog => "firewall-log",
            Self::Sysmon => "sysmon",
            Self::Netsh => "netsh",
            Self::Sysctl => "sysctl",
            Self::Collected => "collected",
        }
    }

    /// Whether a row is an event with a time of its own, and not part of a listing of everything at one moment.
    #[must_use]
    pub fn is_log(self) -> bool {
        matches!(self, Self::FirewallLog | Self::Sysmon)
    }
}

/// State of a socket in a host table (RFC 9293 section 3.3.2 for TCP). A closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SocketState {
    /// Waits for connections; in a log: accepted one.
    Listen,
    /// SYN sent.
    SynSent,
    /// SYN received.
    SynReceived,
    /// Open.
    Established,
    /// Closed here, FIN not acknowledged.
    FinWait1,
    /// Closed here, acknowledged.
    FinWait2,
    /// Closed by the other side.
    CloseWait,
    /// Both closed at once.
    Closing,
    /// Closed by the other side first, then here.
    LastAck,
    /// Closed here first; the port is held.
    TimeWait,
    /// Gone, or about to.
    Closed,
    /// Has a port, and neither listens nor talks (`netstat -q`, `Bound` of Get-NetTCPConnection).
    Bound,
    /// A UDP socket that has a port: whether it serves or asks cannot be told.
    Unconnected,
    /// The table says something else.
    Other,
}

impl SocketState {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Listen,
        Self::SynSent,
        Self::SynReceived,
        Self::Established,
        Self::FinWait1,
        Self::FinWait2,
        Self::CloseWait,
        Self::Closing,
        Self::LastAck,
        Self::TimeWait,
        Self::Closed,
        Self::Bound,
        Self::Unconnected,
        Self::Other,
    ];

    /// Name as stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Listen => "listen",
            Self::SynSent => "syn-sent",
            Self::SynReceived => "syn-received",
            Self::Established => "established",
            Self::FinWait1 => "fin-wait-1",
            Self::FinWait2 => "fin-wait-2",
            Self::CloseWait => "close-wait",
            Self::Closing => "closing",
            Self::LastAck => "last-ack",
            Self::TimeWait => "time-wait",
            Self::Closed => "closed",
            Self::Bound => "bound",
            Self::Unconnected => "unconnected",
            Self::Other => "other",
        }
    }
}

/// IP versions that a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IpVersions {
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
    /// Both, or not told apart by the table.
    Both,
}

impl IpVersions {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::V4, Self::V6, Self::Both];

    /// Name as stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::V4 => "ipv4",
            Self::V6 => "ipv6",
            Self::Both => "both",
        }
    }

    /// Whether an address is of these versions.
    #[must_use]
    pub fn include(self, ip: IpAddr) -> bool {
        match self {
            Self::V4 => ip.is_ipv4(),
            Self::V6 => ip.is_ipv6(),
            Self::Both => true,
        }
    }
}

/// Where a row comes from: one file that the user gave for one host.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostTableSource {
    /// The host's addresses, as the user gave them: no table can be trusted to know them.
    pub host: HostAddresses,
    /// Name of the file without its folders: hostile text.
    pub file: String,
    /// Which program wrote it.
    pub format: HostTableFormat,
}

/// One socket of a host at one moment, or one event of a log.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostSocket {
    /// Host, file and format.
    pub source: Arc<HostTableSource>,
    /// Line in the file, from 1.
    pub line: u64,
    /// When it was so, ns since 1970-01-01 UTC by the host's clock; `None` where the file does not say, or only in a local
    /// time of unknown offset.
    pub time_ns: Option<i64>,
    /// When the socket was made, ns since 1970-01-01 UTC, where the table says.
    pub created_ns: Option<i64>,
    /// Transport.
    pub transport: Transport,
    /// IP versions of the socket: tells what a wildcard stands for.
    pub versions: IpVersions,
    /// Local address; `None` is a wildcard: every address of the host that [`Self::versions`] includes.
    pub local: Option<IpAddr>,
    /// Local port, never 0.
    pub port: u16,
    /// The other end, where there is one.
    pub remote: Option<Endpoint>,
    /// State.
    pub state: SocketState,
    /// Process identifier. Systems use them again.
    pub process_id: Option<u32>,
    /// Name of the program, without folders, at most 255 bytes: hostile text.
    pub process: Option<Arc<str>>,
    /// Services or components within the process, comma-separated, at most 255 bytes: hostile text.
    pub services: Option<Arc<str>>,
}

impl HostSocket {
    /// Whether it is reachable from the host itself only.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.local.is_some_and(|ip| ip.is_loopback())
    }

    /// Whether packets to this address of the host reach it, its port apart. Loopback never is on a wire.
    #[must_use]
    pub fn is_at(&self, ip: IpAddr) -> bool {
        match self.local {
            Some(local) => local == ip && !local.is_loopback(),
            None => self.versions.include(ip),
        }
    }

    /// `netstat.txt line 12`.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{} line {}", self.source.file, self.line)
    }
}

/// What a range of ports is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HostRangeKind {
    /// The system gives its ports to whoever asks for any.
    Dynamic,
    /// The system gives them to nobody who asks for any.
    Excluded,
}

impl HostRangeKind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Dynamic, Self::Excluded];

    /// Name as stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Dynamic => "dynamic",
            Self::Excluded => "excluded",
        }
    }
}

/// A range of ports that a host told of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostRange {
    /// Host, file and format.
    pub source: Arc<HostTableSource>,
    /// Line in the file, from 1.
    pub line: u64,
    /// When it was so, where the file says.
    pub time_ns: Option<i64>,
    /// Transport.
    pub transport: Transport,
    /// IP versions; both where the output does not say.
    pub versions: IpVersions,
    /// Dynamic or excluded.
    pub kind: HostRangeKind,
    /// First port.
    pub start: u16,
    /// Last port, not below the first.
    pub end: u16,
    /// An administrator set it (`*` of netsh): it survives a restart, others may move.
    pub is_administered: bool,
}

/// A line that could not be used, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostTableWarning {
    /// Line, from 1.
    pub line: u64,
    /// What is wrong with it, and what to do: no control characters.
    pub reason: String,
}

/// Counts of a table, for whoever wants to know how much of it was understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HostTableCounts {
    /// Lines of the file, or records where a record may have several lines.
    pub lines: u64,
    /// Of these, those that could not be used.
    pub not_understood: u64,
    /// Rows beyond the limit: not kept.
    pub rows_dropped: u64,
    /// Warnings beyond the limit: not kept.
    pub warnings_dropped: u64,
}

/// What one file gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostTable {
    /// Host, file and format.
    pub source: Arc<HostTableSource>,
    /// Name that the host calls itself, where the file says: hostile text, at most 255 bytes.
    pub host_name: Option<String>,
    /// When it was written, where the file says, ns since 1970-01-01 UTC.
    pub taken_ns: Option<i64>,
    /// When the host last started, where the file says, ns since 1970-01-01 UTC.
    pub boot_ns: Option<i64>,
    /// Sockets.
    pub sockets: Vec<HostSocket>,
    /// Ranges.
    pub ranges: Vec<HostRange>,
    /// Lines that could not be used, the first ones.
    pub warnings: Vec<HostTableWarning>,
    /// How much was read.
    pub counts: HostTableCounts,
}

/// A host table without its rows: a row of the `host_tables` facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostTableRow {
    /// Host, file and format.
    pub source: Arc<HostTableSource>,
    /// Name that the host calls itself.
    pub host_name: Option<String>,
    /// When it was written.
    pub taken_ns: Option<i64>,
    /// When the host last started before that.
    pub boot_ns: Option<i64>,
    /// How much was read.
    pub counts: HostTableCounts,
}

impl HostTable {
    /// What is kept of it besides its rows.
    #[must_use]
    pub fn row(&self) -> HostTableRow {
        HostTableRow {
            source: self.source.clone(),
            host_name: self.host_name.clone(),
            taken_ns: self.taken_ns,
            boot_ns: self.boot_ns,
            counts: self.counts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them_and_printed_so_that_they_read_back() {
        let host: HostAddresses = "10.0.0.1+fe80::1%12+10.0.0.1+::ffff:10.0.0.2".parse().unwrap();
        assert_eq!(host.to_string(), "10.0.0.1+fe80::1+10.0.0.2");
        assert_eq!(host.to_string().parse(), Ok(host));
        for wrong in ["", "srv1", "10.0.0.1+", "0.0.0.0", "224.0.0.1", "10.0.0.1,10.0.0.2"] {
            assert!(wrong.parse::<HostAddresses>().is_err(), "{wrong}");
        }
        let many = (0..65).map(|n| format!("10.0.1.{n}")).collect::<Vec<_>>().join("+");
        assert!(many.parse::<HostAddresses>().unwrap_err().contains("at most 64"));
    }

    #[test]
    fn names_of_every_closed_list_are_distinct() {
        let distinct = |names: Vec<&str>| names.iter().collect::<std::collections::HashSet<_>>().len() == names.len();
        assert!(distinct(SocketState::ALL.iter().map(|s| s.name()).collect()));
        assert!(distinct(HostTableFormat::ALL.iter().map(|f| f.name()).collect()));
    }
}

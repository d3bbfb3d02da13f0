//! The tables of what hosts said of their own ports: which files, their sockets, their ranges.

use super::schema::{FactColumn, columns};
use crate::model::{Cell, Column, HostRange, HostSocket, HostTableRow, Kind};

fn time(ns: Option<i64>) -> Cell<'static> {
    ns.map_or(Cell::Null, Cell::TimeNs)
}

/// Columns of `host_tables`.
#[must_use]
pub fn host_tables() -> Vec<FactColumn<HostTableRow>> {
    columns! {
        "host": Text, "", "addresses of the host, as the user gave them, joined by +" => |_, r| r.source.host.to_string().into();
        "file": Text, "", "name of the file" => |_, r| r.source.file.as_str().into();
        "format": Text, "", "which tool wrote it: netstat, net-tcp-connection, net-udp-endpoint, ss, firewall-log, sysmon, netsh, sysctl, collected" => |_, r| Cell::Name(r.source.format.name());
        "host_name": Text, "", "what the host calls itself; null where the file does not say" => |_, r| r.host_name.as_deref().into();
        "taken_ns": TimeNs, "", "when it was written, by the host's clock; null where the file does not say" => |_, r| time(r.taken_ns);
        "boot_ns": TimeNs, "", "when the host last started before that" => |_, r| time(r.boot_ns);
        "lines": Unsigned, "", "lines, or records where a record may have several" => |_, r| r.counts.lines.into();
        "not_understood": Unsigned, "", "of these, those that could not be used" => |_, r| r.counts.not_understood.into();
        "rows_dropped": Unsigned, "", "rows beyond the limit, not kept" => |_, r| r.counts.rows_dropped.into();
        "warnings_dropped": Unsigned, "", "warnings beyond the limit, not told" => |_, r| r.counts.warnings_dropped.into();
    }
}

/// Columns of `host_sockets`.
#[must_use]
pub fn host_sockets() -> Vec<FactColumn<HostSocket>> {
    columns! {
        "host": Text, "", "addresses of the host, as the user gave them, joined by +" => |_, r| r.source.host.to_string().into();
        "file": Text, "", "name of the file" => |_, r| r.source.file.as_str().into();
        "format": Text, "", "which tool wrote it, as in host_tables" => |_, r| Cell::Name(r.source.format.name());
        "line": Unsigned, "", "line in the file" => |_, r| r.line.into();
        "time_ns": TimeNs, "", "when it was so, by the host's clock; null where the file does not say, or only in a local time of unknown offset" => |_, r| time(r.time_ns);
        "created_ns": TimeNs, "", "when the socket was made; null where not known" => |_, r| time(r.created_ns);
        "protocol": Unsigned, "protocolIdentifier", "IP protocol: 6 TCP, 17 UDP" => |_, r| r.transport.number().into();
        "versions": Text, "ipVersion", "IP versions of the socket: ipv4, ipv6, both" => |_, r| Cell::Name(r.versions.name());
        "local_ip": Text, "", "local address; null for a wildcard: every address of the host of these versions" => |_, r| r.local.into();
        "local_port": Unsigned, "", "local port" => |_, r| r.port.into();
        "remote_ip": Text, "", "address of the other end; null without one" => |_, r| r.remote.map(|end| end.ip).into();
        "remote_port": Unsigned, "", "port of the other end; null without one" => |_, r| r.remote.map(|end| end.port).into();
        "state": Text, "", "listen (in a log: accepted a connection), syn-sent, syn-received, established, fin-wait-1, fin-wait-2, close-wait, closing, last-ack, time-wait, closed, bound, unconnected (UDP), other" => |_, r| Cell::Name(r.state.name());
        "process_id": Unsigned, "", "identifier of the process" => |_, r| r.process_id.into();
        "process_name": Text, "", "name of its program, at most 255 bytes" => |_, r| r.process.as_deref().into();
        "services": Text, "", "services or components within the process, comma-separated, at most 255 bytes" => |_, r| r.services.as_deref().into();
    }
}

/// Columns of `host_ranges`.
#[must_use]
pub fn host_ranges() -> Vec<FactColumn<HostRange>> {
    columns! {
        "host": Text, "", "addresses of the host, as the user gave them, joined by +" => |_, r| r.source.host.to_string().into();
        "file": Text, "", "name of the file" => |_, r| r.source.file.as_str().into();
        "format": Text, "", "which tool wrote it, as in host_tables" => |_, r| Cell::Name(r.source.format.name());
        "line": Unsigned, "", "line in the file" => |_, r| r.line.into();
        "time_ns": TimeNs, "", "when it was so; null where the file does not say" => |_, r| time(r.time_ns);
        "protocol": Unsigned, "protocolIdentifier", "IP protocol: 6 TCP, 17 UDP" => |_, r| r.transport.number().into();
        "versions": Text, "ipVersion", "IP versions: ipv4, ipv6; both also where the output does not say" => |_, r| Cell::Name(r.versions.name());
        "kind": Text, "", "dynamic: the system gives its ports to whoever asks for any; excluded: it does not" => |_, r| Cell::Name(r.kind.name());
        "start_port": Unsigned, "", "first port" => |_, r| r.start.into();
        "end_port": Unsigned, "", "last port" => |_, r| r.end.into();
        "is_administered": Flag, "", "an administrator set it; others may move at a restart" => |_, r| r.is_administered.into();
    }
}

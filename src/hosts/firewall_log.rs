//! The log of the Windows Firewall (`pfirewall.log`). Its `#Fields:` line says which column is what: 17 of them, and a process
//! identifier as the 18th in newer versions.
//!
//! ```text
//! #Time Format: Local
//! #Fields: date time action protocol src-ip dst-ip src-port dst-port size tcpflags … info path pid
//! 2026-03-02 08:00:00 ALLOW TCP 10.0.0.7 10.0.0.5 50123 49700 52 S 1 0 8192 - - - RECEIVE 780
//! ```
//!
//! Source: learn.microsoft.com, windows-firewall/configure-logging. An allowed SYN that was received shows that somebody listens:
//! ports without a listener are dropped by the stealth filter. Other allowed rows name a process and say nothing about direction.
//! What was dropped reached no socket. Times are local unless the file says UTC: without the host's time zone they are unknown.

use super::builder::{Builder, Draft, Local};
use super::endpoint::address;
use super::error::quoted;
use super::text::for_lines;
use super::time;
use crate::model::{Endpoint, SocketState, Transport};
use std::collections::HashMap;

/// Columns without which a row says nothing here.
const NEEDED: [&str; 7] = ["action", "protocol", "src-ip", "dst-ip", "src-port", "dst-port", "path"];

/// What the lines with `#` said so far.
#[derive(Default)]
struct Header {
    columns: HashMap<String, usize>,
    is_utc: bool,
    told_local: bool,
}

pub(super) fn read(text: &str, first_line: u64, builder: &mut Builder) {
    let mut header = Header::default();
    for_lines(text, first_line, builder, |number, line, builder| {
        if let Some(rest) = line.strip_prefix('#') {
            header.read(number, rest, builder);
        } else if !line.trim().is_empty() {
            header.row(number, line, builder);
        }
    });
}

/// The sides of a row, seen from the host.
struct Sides {
    local: Endpoint,
    remote: Endpoint,
}

impl Header {
    fn read(&mut self, number: u64, line: &str, builder: &mut Builder) {
        let Some((name, value)) = line.split_once(':') else { return };
        match name.trim().to_ascii_lowercase().as_str() {
            "time format" => self.is_utc = value.trim().eq_ignore_ascii_case("utc"),
            "fields" => {
                let names = value.split_whitespace().take(64).map(str::to_ascii_lowercase);
                self.columns = names.enumerate().map(|(place, name)| (name, place)).collect();
                if let Some(missing) = NEEDED.iter().find(|name| !self.columns.contains_key(**name)) {
                    builder.misread(number, format!("#Fields: lacks {missing}: log with the default fields"));
                }
            }
            _ => {}
        }
    }

    fn row(&mut self, number: u64, line: &str, builder: &mut Builder) {
        let cells: Vec<&str> = line.split_whitespace().take(64).collect();
        let cell = |name: &str| {
            let cell = self.columns.get(name).and_then(|place| cells.get(*place)).copied();
            cell.filter(|cell| *cell != "-").unwrap_or_default()
        };
        if self.columns.is_empty() {
            return builder.misread(number, "before any #Fields: line; keep the head of the file");
        }
        let Ok(transport) = cell("protocol").parse::<Transport>() else { return };
        if !cell("action").eq_ignore_ascii_case("allow") {
            return;
        }
        let is_received = match cell("path").to_ascii_uppercase().as_str() {
            "RECEIVE" => true,
            "SEND" => false,
            // Passed on, or not said: no socket of this host.
            _ => return,
        };
        let side = |ip: &str, port: &str| {
            address(cell(ip)).zip(cell(port).parse::<u16>().ok()).map(|(ip, port)| Endpoint { ip, port })
        };
        let (Some(source), Some(destination)) = (side("src-ip", "src-port"), side("dst-ip", "dst-port")) else {
            return builder.misread(number, format!("{} has no two endpoints", quoted(line)));
        };
        let sides = match is_received {
            true => Sides { local: destination, remote: source },
            false => Sides { local: source, remote: destination },
        };
        // Sent to a group: it says nothing of whom an address of this host serves.
        if sides.local.ip.is_multicast() || sides.local.ip.to_string() == "255.255.255.255" {
            return;
        }
        let flags = cell("tcpflags");
        let opens = flags.contains('S') && !flags.contains('A');
        let (date, at, process_id) = (cell("date"), cell("time"), cell("pid").parse().ok());
        let state = match transport {
            Transport::Tcp if is_received && opens => SocketState::Listen,
            Transport::Tcp => SocketState::Established,
            Transport::Udp => SocketState::Unconnected,
        };
        let draft = Draft {
            time_ns: self.time_ns(number, date, at, builder),
            local: Local::of(sides.local.ip),
            port: sides.local.port,
            remote: Some(sides.remote),
            state: Some(state),
            process_id,
            ..Draft::default()
        };
        builder.socket(number, transport, &draft);
    }

    fn time_ns(&mut self, number: u64, date: &str, at: &str, builder: &mut Builder) -> Option<i64> {
        let civil = time::iso_civil(&format!("{date}T{at}"))?;
        if self.is_utc {
            return time::utc_ns(civil);
        }
        let Some(zone) = &builder.zone else {
            if !self.told_local {
                self.told_local = true;
                builder.warn(number, time::LOCAL_TIMES);
            }
            return None;
        };
        zone.ns(civil)
    }
}

#[cfg(test)]
#[path = "firewall_log_tests.rs"]
mod tests;

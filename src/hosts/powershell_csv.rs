//! `Get-NetTCPConnection | Export-Csv` and `Get-NetUDPEndpoint | Export-Csv`: columns by their names in whatever order, with or
//! without the `#TYPE` line of Windows PowerShell, separated by comma, semicolon (countries with a decimal comma) or tab.
//!
//! Source: learn.microsoft.com, powershell/module/nettcpip. Property names are not translated. `::` stands for both IP versions:
//! the cmdlets do not tell a socket for both from one for IPv6. `CreationTime` is a local time in the country's way of writing.
//! Columns `ProcessName`, `Services` and `CreationTimeUtc` are what the project's collector adds.

use super::builder::{Builder, Draft, Local};
use super::endpoint::address;
use super::error::quoted;
use super::text::LineCounter;
use super::time::{self, DayOrder, Written};
use super::{MAX_LINE_BYTES, state};
use crate::model::{Endpoint, IpVersions, Transport};
use csv::StringRecord;
use std::collections::HashMap;

/// Separators that Export-Csv writes.
const SEPARATORS: [char; 3] = [',', ';', '\t'];

/// The header of a table.
pub(super) struct Header {
    separator: u8,
    columns: HashMap<String, usize>,
    /// Lines before the rows.
    lines: u64,
    /// Bytes before the header line.
    begins_at: usize,
    pub(super) transport: Transport,
}

impl Header {
    /// Finds the header of a table in the first lines of a text.
    pub(super) fn find(text: &str) -> Option<Self> {
        let mut begins_at = 0;
        for (place, line) in text.split_inclusive('\n').take(16).enumerate() {
            let is_before = line.trim().is_empty() || line.trim_start_matches('"').starts_with("#TYPE");
            if is_before || line.len() > MAX_LINE_BYTES {
                begins_at += line.len();
                continue;
            }
            let separator = SEPARATORS.into_iter().max_by_key(|mark| line.matches(*mark).count())?;
            let names = line.trim().split(separator).take(256);
            let names = names.map(|name| name.trim().trim_matches('"').to_ascii_lowercase());
            let columns: HashMap<String, usize> = names.enumerate().map(|(at, name)| (name, at)).collect();
            let has = |name: &str| columns.contains_key(name);
            if !has("localaddress") || !has("localport") {
                return None;
            }
            let transport = if has("remoteport") && has("state") { Transport::Tcp } else { Transport::Udp };
            let lines = place as u64;
            return Some(Self { separator: u8::try_from(separator).ok()?, columns, lines, begins_at, transport });
        }
        None
    }

    fn cell<'a>(&self, record: &'a StringRecord, name: &str) -> &'a str {
        self.columns.get(name).and_then(|at| record.get(*at)).map(str::trim).unwrap_or_default()
    }
}

pub(super) fn read(text: &str, first_line: u64, builder: &mut Builder) {
    let Some(header) = Header::find(text) else {
        return builder.misread(first_line, "no header with LocalAddress and LocalPort; use Export-Csv");
    };
    let body = text.get(header.begins_at..).unwrap_or_default();
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(header.separator)
        .flexible(true)
        .has_headers(true)
        .from_reader(body.as_bytes());
    let mut created = Created::default();
    let mut record = StringRecord::new();
    let mut lines = LineCounter::new(body, first_line + header.lines);
    loop {
        let line = lines.at(reader.position().byte());
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => return builder.misread(line, format!("no CSV: {error}")),
        }
        let line = record.position().map_or(line, |at| lines.at_text(at.byte()));
        builder.count_line();
        if record.as_slice().len() > MAX_LINE_BYTES {
            builder.misread(line, "longer than 64 KiB: a quotation mark is missing");
        } else {
            row(line, &header, &record, &mut created, builder);
        }
    }
    created.settle(builder);
}

fn row(line: u64, header: &Header, record: &StringRecord, created: &mut Created, builder: &mut Builder) {
    let cell = |name: &str| header.cell(record, name);
    let (Some(local), Ok(port)) = (address(cell("localaddress")), cell("localport").parse::<u16>()) else {
        let seen = format!("{}, {}", cell("localaddress"), cell("localport"));
        return builder.misread(line, format!("{} is no address and port", quoted(&seen)));
    };
    let remote_ip = address(cell("remoteaddress")).filter(|ip| !ip.is_unspecified());
    let remote = remote_ip.zip(cell("remoteport").parse().ok().filter(|port| *port != 0));
    let state = match header.transport {
        Transport::Tcp => match state::of_number_or_word(cell("state")) {
            None => {
                builder.warn(line, format!("{} is no state that is known", quoted(cell("state"))));
                None
            }
            known => known,
        },
        Transport::Udp => None,
    };
    let utc = cell("creationtimeutc");
    let draft = Draft {
        created_ns: time::with_offset(if utc.is_empty() { cell("creationtime") } else { utc }),
        local: match Local::of(local) {
            Local::Any(IpVersions::V6) => Local::Any(IpVersions::Both),
            other => other,
        },
        port,
        remote: remote.map(|(ip, port)| Endpoint { ip, port }),
        state,
        process_id: cell("owningprocess").parse().ok(),
        process: cell("processname"),
        services: cell("services"),
        ..Draft::default()
    };
    let has_time = draft.created_ns.is_some();
    if let Some(place) = builder.socket(line, header.transport, &draft).filter(|_| !has_time) {
        created.note(line, place, cell("creationtime"));
    }
}

/// Local times of making, of which the way of writing is known only at the end.
#[derive(Default)]
struct Created {
    /// Line, place of the row, time as written.
    written: Vec<(u64, usize, Written)>,
    order: Option<DayOrder>,
    /// Dates of both orders are in the file.
    contradicts: bool,
    unreadable: Option<u64>,
}

impl Created {
    fn note(&mut self, line: u64, place: usize, text: &str) {
        if text.is_empty() {
            return;
        }
        let Some(written) = Written::read(text) else {
            self.unreadable.get_or_insert(line);
            return;
        };
        if let Some(order) = written.order() {
            self.contradicts |= self.order.is_some_and(|known| known != order);
            self.order = Some(order);
        }
        self.written.push((line, place, written));
    }

    fn settle(self, builder: &mut Builder) {
        if let Some(line) = self.unreadable {
            builder.warn(line, "CreationTime is in a form that is not known: left out");
        }
        let Some((first, ..)) = self.written.first() else { return };
        let Some(zone) = builder.zone.clone() else { return builder.warn(*first, time::LOCAL_TIMES) };
        let order = self.order.filter(|_| !self.contradicts);
        let mut unclear = None;
        for (line, place, written) in &self.written {
            match (written.civil(order), builder.socket_mut(*place)) {
                (Some(civil), Some(socket)) => socket.created_ns = zone.ns(civil),
                _ => _ = unclear.get_or_insert(*line),
            }
        }
        if let Some(line) = unclear {
            builder.warn(
                line,
                "CreationTime may mean two days (day and month): left out; use scripts/portproof-collect.ps1",
            );
        }
    }
}

#[cfg(test)]
#[path = "powershell_csv_tests.rs"]
mod tests;

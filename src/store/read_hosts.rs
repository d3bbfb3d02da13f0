//! Reading back what hosts said of their own ports. Files, hosts and names are held once.

use super::error::StoreError;
use super::read::{Facts, Frame};
use super::read_application::transport;
use crate::model::{
    Endpoint, HostAddresses, HostRange, HostRangeKind, HostSocket, HostTableCounts, HostTableFormat, HostTableRow,
    HostTableSource, IpVersions, SocketState,
};
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

/// Sources by host, file and format.
#[derive(Default)]
struct Sources(HashMap<SourceKey, Arc<HostTableSource>>);

/// The columns that name a source.
type SourceKey = (Option<String>, Option<String>, Option<String>);

impl Sources {
    /// The sources of the rows of a table.
    fn of(&mut self, frame: &Frame) -> Result<Vec<Arc<HostTableSource>>, StoreError> {
        let (hosts, files, formats) = (frame.text("host")?, frame.text("file")?, frame.text("format")?);
        let keys = hosts.into_iter().zip(files).zip(formats).map(|((host, file), format)| (host, file, format));
        keys.map(|key| {
            if let Some(known) = self.0.get(&key) {
                return Ok(known.clone());
            }
            let host: Option<HostAddresses> = key.0.as_deref().and_then(|host| host.parse().ok());
            let format = HostTableFormat::ALL.into_iter().find(|format| Some(format.name()) == key.2.as_deref());
            let (Some(host), Some(format)) = (host, format) else {
                return Err(frame.bad("host", "a row has no host or no format"));
            };
            let source = Arc::new(HostTableSource { host, file: key.1.clone().unwrap_or_default(), format });
            self.0.insert(key, source.clone());
            Ok(source)
        })
        .collect()
    }
}

/// Adds the host tables of a partition.
pub(super) fn read_hosts(partition: &Path, facts: &mut Facts) -> Result<(), StoreError> {
    let mut sources = Sources::default();
    read_tables(&Frame::read(partition, "host_tables")?, &mut sources, &mut facts.host_tables)?;
    read_sockets(&Frame::read(partition, "host_sockets")?, &mut sources, &mut facts.host_sockets)?;
    read_ranges(&Frame::read(partition, "host_ranges")?, &mut sources, &mut facts.host_ranges)
}

fn read_tables(frame: &Frame, sources: &mut Sources, into: &mut Vec<HostTableRow>) -> Result<(), StoreError> {
    let mut host_name = frame.text("host_name")?;
    let (taken, boot) = (frame.times("taken_ns")?, frame.times("boot_ns")?);
    let (lines, not_understood) = (frame.numbers("lines")?, frame.numbers("not_understood")?);
    let (rows_dropped, warnings_dropped) = (frame.numbers("rows_dropped")?, frame.numbers("warnings_dropped")?);
    for (row, source) in sources.of(frame)?.into_iter().enumerate() {
        let counts = HostTableCounts {
            lines: lines[row].unwrap_or(0),
            not_understood: not_understood[row].unwrap_or(0),
            rows_dropped: rows_dropped[row].unwrap_or(0),
            warnings_dropped: warnings_dropped[row].unwrap_or(0),
        };
        let host_name = host_name[row].take();
        into.push(HostTableRow { source, host_name, taken_ns: taken[row], boot_ns: boot[row], counts });
    }
    Ok(())
}

fn read_sockets(frame: &Frame, sources: &mut Sources, into: &mut Vec<HostSocket>) -> Result<(), StoreError> {
    let (line, protocol) = (frame.numbers("line")?, frame.numbers("protocol")?);
    let (time, created) = (frame.times("time_ns")?, frame.times("created_ns")?);
    let versions = frame.parsed("versions", |text| IpVersions::ALL.into_iter().find(|v| v.name() == text))?;
    let state = frame.parsed("state", |text| SocketState::ALL.into_iter().find(|state| state.name() == text))?;
    let ip = |name| frame.parsed::<IpAddr>(name, |text| text.parse().ok());
    let (local_ip, remote_ip) = (ip("local_ip")?, ip("remote_ip")?);
    let (local_port, remote_port) = (frame.numbers("local_port")?, frame.numbers("remote_port")?);
    let process_id = frame.numbers("process_id")?;
    let (process, services) = (frame.text("process_name")?, frame.text("services")?);
    let mut names = HashSet::new();
    for (row, source) in sources.of(frame)?.into_iter().enumerate() {
        let remote = remote_ip[row].zip(port(remote_port[row]));
        into.push(HostSocket {
            source,
            line: line[row].unwrap_or(0),
            time_ns: time[row],
            created_ns: created[row],
            transport: transport(frame, protocol[row])?,
            versions: versions[row].ok_or_else(|| frame.bad("versions", "a row has no value"))?,
            local: local_ip[row],
            port: port(local_port[row]).ok_or_else(|| frame.bad("local_port", "no port"))?,
            remote: remote.map(|(ip, port)| Endpoint { ip, port }),
            state: state[row].ok_or_else(|| frame.bad("state", "a row has no value"))?,
            process_id: process_id[row].and_then(|id| u32::try_from(id).ok()),
            process: once(&mut names, process[row].as_deref()),
            services: once(&mut names, services[row].as_deref()),
        });
    }
    Ok(())
}

fn read_ranges(frame: &Frame, sources: &mut Sources, into: &mut Vec<HostRange>) -> Result<(), StoreError> {
    let (line, protocol, time) = (frame.numbers("line")?, frame.numbers("protocol")?, frame.times("time_ns")?);
    let versions = frame.parsed("versions", |text| IpVersions::ALL.into_iter().find(|v| v.name() == text))?;
    let kind = frame.parsed("kind", |text| HostRangeKind::ALL.into_iter().find(|kind| kind.name() == text))?;
    let (start, end) = (frame.numbers("start_port")?, frame.numbers("end_port")?);
    let administered = frame.flags("is_administered")?;
    for (row, source) in sources.of(frame)?.into_iter().enumerate() {
        let ports = port(start[row]).zip(port(end[row])).filter(|(start, end)| start <= end);
        let (start, end) = ports.ok_or_else(|| frame.bad("end_port", "no range of ports"))?;
        into.push(HostRange {
            source,
            line: line[row].unwrap_or(0),
            time_ns: time[row],
            transport: transport(frame, protocol[row])?,
            versions: versions[row].ok_or_else(|| frame.bad("versions", "a row has no value"))?,
            kind: kind[row].ok_or_else(|| frame.bad("kind", "a row has no value"))?,
            start,
            end,
            is_administered: administered[row].unwrap_or(false),
        });
    }
    Ok(())
}

/// A port of the stored number; 0 is none.
fn port(number: Option<u64>) -> Option<u16> {
    number.and_then(|number| u16::try_from(number).ok()).filter(|port| *port != 0)
}

/// The name, held once however many rows have it.
fn once(names: &mut HashSet<Arc<str>>, name: Option<&str>) -> Option<Arc<str>> {
    let name = name?;
    if let Some(known) = names.get(name) {
        return Some(known.clone());
    }
    let name: Arc<str> = name.into();
    names.insert(name.clone());
    Some(name)
}

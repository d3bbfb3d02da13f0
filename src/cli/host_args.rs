//! Host tables: what the user may type about them, and reading the files.

use super::outcome::{CliError, tell};
use crate::hosts::{self, HostTimeZone, MAX_FILE_BYTES};
use crate::model::{HostAddresses, HostTable};
use crate::report::text::counted;
use clap::Args;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// Lines of one table that are told one by one.
const WARNINGS: usize = 10;
/// Addresses that one note names.
const ADDRESSES: usize = 8;

const HOST_TABLE_HELP: &str = "A table that somebody made on a host, and the address of that host in the captures; all its addresses, joined by +: \
    10.0.0.5+fe80::5=netstat.txt. May be given several times, also for one host. Known by their content: netstat -anob, \
    Get-NetTCPConnection and Get-NetUDPEndpoint (Export-Csv), ss -tunap, pfirewall.log, Sysmon's event 3 (XML), netsh's dynamicport and \
    excludedportrange, sysctl's ip_local_port_range, and what scripts/portproof-collect.ps1 and .sh write, which is best: those hold \
    the time. A listener in it settles who is the server where the handshake was not recorded, and processes get their names.";

#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Host tables")]
pub(super) struct HostTableArgs {
    /// A table of a host's own sockets or port ranges, e.g. 10.0.0.5=netstat.txt; may be given several times
    #[arg(long = "host-table", value_name = "ADDRESS=FILE", value_parser = host_table, long_help = HOST_TABLE_HELP)]
    pub(super) tables: Vec<(HostAddresses, PathBuf)>,
    /// Time zone of the hosts, for tables with local times (pfirewall.log, CreationTime): Europe/Vienna, or +01:00. Without it such
    /// times stay unknown.
    #[arg(long = "host-time-zone", value_name = "ZONE")]
    pub(super) time_zone: Option<HostTimeZone>,
}

/// `10.0.0.5+fe80::5=netstat.txt`.
fn host_table(text: &str) -> Result<(HostAddresses, PathBuf), String> {
    let Some((host, file)) = text.split_once('=') else {
        return Err("the address of the host is missing: write ADDRESS=FILE, as in 10.0.0.5=netstat.txt".into());
    };
    if file.is_empty() {
        return Err("the file is missing: write ADDRESS=FILE, as in 10.0.0.5=netstat.txt".into());
    }
    Ok((host.parse()?, file.into()))
}

/// Reads all tables; tells what in them was not understood.
pub(super) fn read_host_tables(args: &HostTableArgs) -> Result<Vec<HostTable>, CliError> {
    if args.tables.is_empty() && args.time_zone.is_some() {
        tell("note: --host-time-zone has no effect: no --host-table is given");
    }
    let mut tables = Vec::new();
    for (host, path) in &args.tables {
        let table = hosts::read(&bytes(path)?, &name(path, args), host, args.time_zone.as_ref())?;
        tell_warnings(&table);
        tell_addresses(&table);
        tables.push(table);
    }
    Ok(tables)
}

/// At most one byte more than is read: the reader refuses it, whatever the file claims to be.
fn bytes(path: &Path) -> Result<Vec<u8>, CliError> {
    let shown = path.to_string_lossy();
    let mut bytes = Vec::new();
    let most = MAX_FILE_BYTES as u64 + 1;
    let read = File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes));
    read.map_err(CliError::io(format!("host table {shown}")))?;
    Ok(bytes)
}

/// Name of the file, without its folders unless another one is called the same.
fn name(path: &Path, args: &HostTableArgs) -> String {
    let same = |other: &&(HostAddresses, PathBuf)| other.1.file_name() == path.file_name();
    let others: BTreeSet<&Path> = args.tables.iter().filter(same).map(|(_, other)| other.as_path()).collect();
    let shown = path.file_name().filter(|_| others.len() < 2).map_or(path.as_os_str(), |name| name);
    shown.to_string_lossy().into_owned()
}

fn tell_warnings(table: &HostTable) {
    let file = &table.source.file;
    for warning in table.warnings.iter().take(WARNINGS) {
        tell(&format!("warning: {file} line {}: {}", warning.line, warning.reason));
    }
    let more = table.warnings.len().saturating_sub(WARNINGS) as u64 + table.counts.warnings_dropped;
    if more > 0 {
        tell(&format!("warning: {file}: and {} more", counted(more, "line", "lines")));
    }
    if table.counts.rows_dropped > 0 {
        let dropped = counted(table.counts.rows_dropped, "row", "rows");
        tell(&format!("warning: {file}: {dropped} beyond the first {} are not used", hosts::MAX_ROWS));
    }
}

/// A host has more addresses than the user thinks, or the table is another host's.
fn tell_addresses(table: &HostTable) {
    let (file, host) = (&table.source.file, &table.source.host);
    let on_wire = |ip: &IpAddr| !ip.is_loopback() && !ip.is_multicast();
    let used: BTreeSet<IpAddr> = table.sockets.iter().filter_map(|socket| socket.local).filter(on_wire).collect();
    let others: Vec<String> = used.iter().filter(|ip| !host.contains(**ip)).map(IpAddr::to_string).collect();
    if others.is_empty() {
        return;
    }
    let named = others.iter().take(ADDRESSES).cloned().collect::<Vec<_>>().join(", ");
    let more = if others.len() > ADDRESSES { ", …" } else { "" };
    match others.len() == used.len() {
        true => tell(&format!(
            "warning: {file}: no socket in it is at {host}, but at {named}{more}: is it the table of another host?"
        )),
        false => tell(&format!(
            "note: {file}: the host also has {named}{more}: where the captures show these, write {host}+…={file}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_file_are_split_at_the_first_equals_sign() {
        let (host, file) = host_table("10.0.0.5+fe80::5=a=b.txt").unwrap();
        assert_eq!((host.to_string().as_str(), file.to_str()), ("10.0.0.5+fe80::5", Some("a=b.txt")));
        for wrong in ["netstat.txt", "10.0.0.5=", "srv1=netstat.txt", "=netstat.txt"] {
            assert!(host_table(wrong).unwrap_err().contains("10.0.0."), "{wrong}");
        }
    }

    #[test]
    fn files_keep_their_folders_only_where_two_are_called_the_same() {
        let path = |text: &str| ("10.0.0.5".parse().unwrap(), PathBuf::from(text));
        let tables = vec![path("a/netstat.txt"), path("b/netstat.txt"), path("b/ss.txt"), path("b/ss.txt")];
        let args = HostTableArgs { tables, time_zone: None };
        assert_eq!(name(Path::new("a/netstat.txt"), &args), "a/netstat.txt");
        assert_eq!(name(Path::new("b/ss.txt"), &args), "ss.txt");
    }
}

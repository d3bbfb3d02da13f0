//! What hosts say of their own ports: host tables, read to facts. Text files that somebody made on a host, in one of a closed
//! set of formats, which is found by what the file holds and never by its name:
//!
//! | file | format |
//! |---|---|
//! | `netstat` | `netstat -ano`, `-anob`, `-anoq`, in any language of Windows |
//! | `powershell_csv` | `Get-NetTCPConnection \| Export-Csv`, `Get-NetUDPEndpoint \| Export-Csv` |
//! | `ss` | `ss -tunap`, with or without its header |
//! | `firewall_log` | `pfirewall.log` of the Windows Firewall |
//! | `sysmon` | Sysmon's event 3, as XML |
//! | `netsh` | `netsh int ipv4\|ipv6 show dynamicport`, `show excludedportrange` |
//! | `sysctl` | `sysctl net.ipv4.ip_local_port_range net.ipv4.ip_local_reserved_ports` |
//! | `collected` | what `scripts/portproof-collect.ps1` and `.sh` write |
//!
//! Each is a pure function over text. What is not understood is counted and told with its line; a file of which nothing is
//! understood is an error that says what to do. Times are ns since 1970-01-01 UTC, by the host's clock. No packets, no judgement:
//! whether a row is about a port that a capture shows is decided later. Limits: [`MAX_FILE_BYTES`], [`MAX_LINE_BYTES`],
//! [`MAX_ROWS`]; what is beyond them is counted.

mod builder;
mod collected;
mod detect;
mod endpoint;
mod error;
mod firewall_log;
mod netsh;
mod netstat;
mod powershell_csv;
mod ss;
mod state;
mod sysctl;
mod sysmon;
mod text;
mod time;

pub use error::HostTableError;
pub use time::HostTimeZone;

use crate::model::{HostAddresses, HostTable, HostTableFormat, HostTableSource};
use builder::Builder;

/// Largest file that is read, bytes.
pub const MAX_FILE_BYTES: usize = 256 * 1024 * 1024;
/// Longest line, or record of CSV or XML, that is looked at, bytes.
pub const MAX_LINE_BYTES: usize = 64 * 1024;
/// Most rows (sockets and ranges together) that one file gives.
pub const MAX_ROWS: usize = 2_000_000;
/// Most lines that are told one by one.
pub const MAX_WARNINGS: usize = 100;

/// Reads a host table whose format its content tells.
///
/// `file` names it in messages and in the place of every row; `host` are the addresses of the host that it was made on. `zone` is
/// the host's time zone: without it times that the file gives as local ones stay unknown.
///
/// # Errors
/// When the file is too large, is of no known format, or no line of it could be understood.
pub fn read(
    bytes: &[u8],
    file: &str,
    host: &HostAddresses,
    zone: Option<&HostTimeZone>,
) -> Result<HostTable, HostTableError> {
    read_within(bytes, file, host, zone, MAX_ROWS)
}

/// As [`read`], with a limit of rows that a test can reach.
fn read_within(
    bytes: &[u8],
    file: &str,
    host: &HostAddresses,
    zone: Option<&HostTimeZone>,
    most_rows: usize,
) -> Result<HostTable, HostTableError> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(HostTableError::TooLarge { file: file.to_owned() });
    }
    let decoded = text::decode(file, bytes)?;
    let format = detect::format(file, &decoded.text)?;
    let source = HostTableSource { host: host.clone(), file: file.to_owned(), format };
    let mut builder = Builder::new(source, zone.cloned(), most_rows);
    if let Some(line) = decoded.first_bad_line {
        builder.warn(line, "not UTF-8: letters beyond ASCII in names may be wrong");
    }
    read_as(format, &decoded.text, 1, &mut builder);
    builder.finish()
}

/// Reads text whose first line is line `first_line` of its file.
fn read_as(format: HostTableFormat, text: &str, first_line: u64, builder: &mut Builder) {
    match format {
        HostTableFormat::Netstat => netstat::read(text, first_line, builder),
        HostTableFormat::NetTcpConnection | HostTableFormat::NetUdpEndpoint => {
            powershell_csv::read(text, first_line, builder);
        }
        HostTableFormat::Ss => ss::read(text, first_line, builder),
        HostTableFormat::FirewallLog => firewall_log::read(text, first_line, builder),
        HostTableFormat::Sysmon => sysmon::read(text, first_line, builder),
        HostTableFormat::Netsh => netsh::read(text, first_line, builder),
        HostTableFormat::Sysctl => sysctl::read(text, first_line, builder),
        HostTableFormat::Collected => collected::read(text, first_line, builder),
    }
}

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod test_support;

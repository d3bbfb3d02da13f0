//! Which format a text has: by what its first lines hold.

use super::error::{HostTableError, quoted};
use super::{collected, endpoint, netsh, powershell_csv, ss, sysctl};
use crate::model::{HostTableFormat, Transport};

/// Lines that are looked at.
const LOOKED_AT: usize = 400;
/// Bytes of a line that are looked at.
const LOOKED_AT_BYTES: usize = 4096;

/// The format; an error that says what to do where none fits.
pub(super) fn format(file: &str, text: &str) -> Result<HostTableFormat, HostTableError> {
    let text = text.trim_start_matches('\u{feff}');
    let lines = || text.lines().filter(|line| !line.trim().is_empty()).take(LOOKED_AT).map(beginning);
    if text.starts_with(collected::MAGIC) {
        return Ok(HostTableFormat::Collected);
    }
    if text.trim_start().starts_with('<') {
        return match text.contains("<Event") {
            true => Ok(HostTableFormat::Sysmon),
            false => {
                Err(unknown(file, "this is XML without any <Event>", "export Sysmon's events: wevtutil qe … /f:xml"))
            }
        };
    }
    if let Some(header) = powershell_csv::Header::find(text) {
        return Ok(match header.transport {
            Transport::Tcp => HostTableFormat::NetTcpConnection,
            Transport::Udp => HostTableFormat::NetUdpEndpoint,
        });
    }
    if lines().any(|line| line.starts_with("#Fields:") && line.contains("src-ip")) {
        return Ok(HostTableFormat::FirewallLog);
    }
    if lines().any(|line| sysctl::setting(line).is_some()) {
        return Ok(HostTableFormat::Sysctl);
    }
    if lines().any(is_netstat_row) {
        return Ok(HostTableFormat::Netstat);
    }
    if lines().any(ss::is_row) {
        return Ok(HostTableFormat::Ss);
    }
    if lines().any(netsh::is_row) && lines().any(|line| netsh::protocol(line).is_some()) {
        return Ok(HostTableFormat::Netsh);
    }
    Err(guess_advice(file, text, &lines().take(20).collect::<Vec<_>>()))
}

fn beginning(line: &str) -> &str {
    line.char_indices().nth(LOOKED_AT_BYTES).map_or(line, |(at, _)| line.get(..at).unwrap_or_default())
}

/// `TCP`, and two ends; or with names instead of numbers, so that the parser can say so.
fn is_netstat_row(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().take(4).collect();
    match words.as_slice() {
        [protocol, local, foreign, ..] if protocol.parse::<Transport>().is_ok() => {
            endpoint::end(local).is_some() || (local.contains(':') && foreign.contains(':'))
        }
        _ => false,
    }
}

fn unknown(file: &str, reason: &str, advice: &str) -> HostTableError {
    HostTableError::UnknownFormat { file: file.to_owned(), reason: reason.to_owned(), advice: advice.to_owned() }
}

/// Near misses get advice of their own.
fn guess_advice(file: &str, text: &str, lines: &[&str]) -> HostTableError {
    let any = |part: &str| lines.iter().any(|line| line.contains(part));
    if text.trim().is_empty() {
        return unknown(file, "the file is empty", "write the table again");
    }
    if any("LocalAddress") {
        let advice = "use Get-NetTCPConnection | Export-Csv FILE -NoTypeInformation";
        return unknown(file, "this is PowerShell's table for the screen: its columns are cut", advice);
    }
    if lines.iter().any(|line| is_linux_netstat(line)) {
        return unknown(file, "this is Linux's netstat", "use ss -tunap > ss.txt");
    }
    if any(" ALLOW ") || any(" DROP ") {
        let advice = "keep the head of the file, with its #Fields: line";
        return unknown(file, "this may be a firewall log without its head", advice);
    }
    let first = lines.first().copied().unwrap_or_default();
    let advice = "give the output of netstat -anob, Get-NetTCPConnection | Export-Csv, Get-NetUDPEndpoint | Export-Csv, ss -tunap, netsh \
                  (dynamicport, excludedportrange), sysctl, pfirewall.log, Sysmon's events as XML, or of scripts/portproof-collect";
    unknown(file, &format!("no host table that is known; it begins with {}", quoted(first)), advice)
}

/// `tcp 0 0 0.0.0.0:22 0.0.0.0:* LISTEN`.
fn is_linux_netstat(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().take(5).collect();
    let is_count = |word: &str| word.bytes().all(|b| b.is_ascii_digit());
    match words.as_slice() {
        [protocol, received, sent, local, _] => {
            let is_protocol = matches!(*protocol, "tcp" | "tcp6" | "udp" | "udp6");
            is_protocol && is_count(received) && is_count(sent) && endpoint::end(local).is_some()
        }
        _ => false,
    }
}

#[cfg(test)]
#[path = "detect_tests.rs"]
mod tests;

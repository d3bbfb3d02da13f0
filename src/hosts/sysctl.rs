//! Linux's port ranges: `sysctl net.ipv4.ip_local_port_range net.ipv4.ip_local_reserved_ports`, or the files below `/proc/sys`
//! as `grep` prints them.
//!
//! ```text
//! net.ipv4.ip_local_port_range = 32768    60999
//! net.ipv4.ip_local_reserved_ports = 8080,40000-40010
//! ```
//!
//! Source: kernel documentation, networking/ip-sysctl. They hold for TCP and UDP, IPv4 and IPv6 alike.

use super::builder::Builder;
use super::error::quoted;
use super::text::for_lines;
use crate::model::{HostRangeKind, IpVersions, Transport};
use std::ops::RangeInclusive;

const RANGE: &str = "ip_local_port_range";
const RESERVED: &str = "ip_local_reserved_ports";

/// Name and value, where a line is one of the two settings.
pub(super) fn setting(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(['=', ':'])?;
    let name = name.trim().rsplit(['.', '/']).next()?;
    matches!(name, RANGE | RESERVED).then_some((name, value.trim()))
}

pub(super) fn read(text: &str, first_line: u64, builder: &mut Builder) {
    for_lines(text, first_line, builder, |number, line, builder| match setting(line) {
        Some((RANGE, value)) => {
            let numbers: Option<Vec<u32>> = value.split_whitespace().map(|word| word.parse().ok()).collect();
            match numbers.as_deref() {
                Some(&[start, end]) => add(number, HostRangeKind::Dynamic, start..=end, builder),
                _ => builder.misread(number, format!("{} is not two ports", quoted(value))),
            }
        }
        Some((_, value)) => reserved(number, value, builder),
        None if line.trim().is_empty() => {}
        None => builder.skip(),
    });
}

fn reserved(number: u64, value: &str, builder: &mut Builder) {
    for part in value.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (start, end) = part.split_once('-').unwrap_or((part, part));
        match start.trim().parse().ok().zip(end.trim().parse().ok()) {
            Some((start, end)) => add(number, HostRangeKind::Excluded, start..=end, builder),
            None => builder.misread(number, format!("{} is no port and no range", quoted(part))),
        }
    }
}

fn add(number: u64, kind: HostRangeKind, ports: RangeInclusive<u32>, builder: &mut Builder) {
    let is_administered = kind == HostRangeKind::Excluded;
    for transport in [Transport::Tcp, Transport::Udp] {
        builder.range(number, (transport, IpVersions::Both), kind, ports.clone(), is_administered);
    }
}

#[cfg(test)]
#[path = "sysctl_tests.rs"]
mod tests;

//! `netsh int ipv4|ipv6 show dynamicport tcp|udp` and `show excludedportrange protocol=tcp|udp`, in any language: rows are
//! known by their shape, and the protocol by its name in the title, which no language translates.
//!
//! ```text
//! C:\>netsh int ipv4 show dynamicport tcp          Protocol tcp Port Exclusion Ranges
//!
//! Protocol tcp Dynamic Port Range                  Start Port    End Port
//! ---------------------------------                ----------    --------
//! Start Port      : 49152                                5357        5357
//! Number of Ports : 16384                               50000       50059     *
//! ```
//!
//! Source: KB929851. Several outputs may follow one another. The output does not say for which IP version it is: only a command
//! that was kept above it does; else it counts for both.

use super::builder::Builder;
use super::text::for_lines;
use crate::model::{HostRangeKind, IpVersions, Transport};

/// What the lines above said.
struct Above {
    transport: Option<Transport>,
    versions: IpVersions,
    /// First port of a dynamic range, whose length comes in the next line.
    start: Option<u32>,
}

pub(super) fn read(text: &str, first_line: u64, builder: &mut Builder) {
    let mut above = Above { transport: None, versions: IpVersions::Both, start: None };
    for_lines(text, first_line, builder, |number, line, builder| above.line(number, line, builder));
}

/// A line of numbers: `start end`, `start end *`.
fn excluded(words: &[&str]) -> Option<(u32, u32, bool)> {
    let number = |word: &str| word.parse::<u32>().ok().filter(|_| word.bytes().all(|b| b.is_ascii_digit()));
    match words {
        [start, end] => Some((number(start)?, number(end)?, false)),
        [start, end, "*"] => Some((number(start)?, number(end)?, true)),
        _ => None,
    }
}

/// The number behind a label and a colon; consoles of Asian languages may write a wide one.
fn labelled(line: &str) -> Option<u32> {
    let (label, value) = line.rsplit_once([':', '：'])?;
    let value = value.trim();
    let is_number = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    value.parse().ok().filter(|_| is_number && !label.trim().is_empty())
}

/// Whether a line is a row of either output.
pub(super) fn is_row(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().take(4).collect();
    excluded(&words).is_some() || labelled(line).is_some()
}

/// The protocol that a title or a command names.
pub(super) fn protocol(line: &str) -> Option<Transport> {
    line.split(|c: char| !c.is_ascii_alphanumeric()).find_map(|word| word.parse().ok())
}

impl Above {
    fn line(&mut self, number: u64, line: &str, builder: &mut Builder) {
        let words: Vec<&str> = line.split_whitespace().take(4).collect();
        if let Some((start, end, is_administered)) = excluded(&words) {
            return self.range(number, HostRangeKind::Excluded, (start, end), is_administered, builder);
        }
        if let Some(value) = labelled(line) {
            let Some(start) = self.start.take() else {
                self.start = Some(value);
                return;
            };
            let end = start.saturating_add(value).saturating_sub(1);
            return self.range(number, HostRangeKind::Dynamic, (start, end), false, builder);
        }
        if let Some(transport) = protocol(line) {
            (self.transport, self.start) = (Some(transport), None);
        }
        let line = line.to_ascii_lowercase();
        if line.contains("netsh") {
            self.versions = match () {
                () if line.contains("ipv6") => IpVersions::V6,
                () if line.contains("ipv4") || line.contains(" ip ") => IpVersions::V4,
                () => IpVersions::Both,
            };
        }
    }

    fn range(
        &self,
        number: u64,
        kind: HostRangeKind,
        (start, end): (u32, u32),
        is_administered: bool,
        builder: &mut Builder,
    ) {
        match self.transport {
            Some(transport) => builder.range(number, (transport, self.versions), kind, start..=end, is_administered),
            None => builder
                .misread(number, "no title above says whether this is tcp or udp; keep the whole output of netsh"),
        }
    }
}

#[cfg(test)]
#[path = "netsh_tests.rs"]
mod tests;

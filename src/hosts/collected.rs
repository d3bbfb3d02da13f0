//! What `scripts/portproof-collect.ps1` and `scripts/portproof-collect.sh` write: one text file of sections.
//!
//! ```text
//! ## portproof-collect 1
//! ## facts                                       first, so that times hold for what follows
//! time_utc,2026-03-02T08:00:00Z
//! boot_utc,2026-03-01T03:00:00Z
//! host,SRV1
//! ## tcp, ## udp                                 CSV as Export-Csv writes it, with ProcessName and Services
//! ## dynamicport                                 CSV: versions,transport,start,count
//! ## excludedportrange                           CSV: versions,transport,start,end,administered
//! ## ss, ## sysctl                               output of these tools
//! ## end                                         the file is whole
//! ```

use super::builder::Builder;
use super::error::quoted;
use super::text::for_lines;
use super::{powershell_csv, ss, sysctl, time};
use crate::model::{HostRangeKind, IpVersions, Transport};

/// The first line.
pub(super) const MAGIC: &str = "## portproof-collect ";
/// The version that is read.
const VERSION: &str = "1";

pub(super) fn read(text: &str, first_line: u64, builder: &mut Builder) {
    let version = text.lines().next().and_then(|line| line.strip_prefix(MAGIC)).unwrap_or_default().trim();
    if version != VERSION {
        let reason =
            format!("written by a collector of version {}, this program reads version {VERSION}", quoted(version));
        return builder.misread(first_line, reason);
    }
    let (mut is_whole, mut last_line) = (false, first_line);
    for section in sections(text) {
        let line = first_line + section.line;
        last_line = line;
        match section.name {
            "facts" => facts(section.text, line, builder),
            // An empty listing has no header.
            "tcp" | "udp" if section.text.trim().is_empty() => {}
            "tcp" | "udp" => powershell_csv::read(section.text, line, builder),
            "dynamicport" => ranges(HostRangeKind::Dynamic, section.text, line, builder),
            "excludedportrange" => ranges(HostRangeKind::Excluded, section.text, line, builder),
            "ss" => ss::read(section.text, line, builder),
            "sysctl" => sysctl::read(section.text, line, builder),
            "end" => is_whole = true,
            name if name.starts_with("portproof-collect ") => {}
            name => builder.misread(line - 1, format!("section {} is not known: passed over", quoted(name))),
        }
    }
    if !is_whole {
        builder.warn(last_line, "no \"## end\" line: the file was cut, and more may be missing; collect again");
    }
}

/// A part of the file.
struct Section<'a> {
    name: &'a str,
    text: &'a str,
    /// Lines before its text.
    line: u64,
}

fn sections(text: &str) -> Vec<Section<'_>> {
    let mut found: Vec<Section<'_>> = Vec::new();
    let (mut at, mut begins) = (0, 0);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if let Some(name) = line.strip_prefix("## ") {
            if let Some(before) = found.last_mut() {
                before.text = text.get(begins..at).unwrap_or_default();
            }
            begins = at + line.len();
            // Hostile text may hold a million of them; the known ones are few.
            if found.len() >= 256 {
                break;
            }
            found.push(Section { name: name.trim(), text: "", line: number as u64 + 1 });
        }
        at += line.len();
    }
    if let Some(last) = found.last_mut() {
        last.text = text.get(begins..).unwrap_or_default();
    }
    found
}

fn facts(text: &str, first_line: u64, builder: &mut Builder) {
    for_lines(text, first_line, builder, |number, line, builder| {
        let Some((name, value)) = line.split_once(',') else { return };
        match name {
            "host" => builder.host_name(value),
            "time_utc" | "boot_utc" => match time::with_offset(value) {
                Some(ns) if name == "time_utc" => builder.taken(ns),
                Some(ns) => builder.booted(ns),
                None => builder.misread(number, format!("{} is no time as 2026-03-02T08:00:00Z", quoted(value))),
            },
            _ => {}
        }
    });
}

fn ranges(kind: HostRangeKind, text: &str, first_line: u64, builder: &mut Builder) {
    for_lines(text, first_line, builder, |number, line, builder| {
        let cells: Vec<&str> = line.split(',').map(|cell| cell.trim().trim_matches('"')).take(8).collect();
        if cells.first().is_none_or(|first| first.is_empty() || first.eq_ignore_ascii_case("versions")) {
            return;
        }
        match range(kind, &cells) {
            Some((about, ports, is_administered)) => builder.range(number, about, kind, ports, is_administered),
            None => builder.misread(number, format!("{} is no range", quoted(line))),
        }
    });
}

type Range = ((Transport, IpVersions), std::ops::RangeInclusive<u32>, bool);

fn range(kind: HostRangeKind, cells: &[&str]) -> Option<Range> {
    let [versions, transport, start, second, rest @ ..] = cells else { return None };
    let versions = IpVersions::ALL.into_iter().find(|known| known.name() == *versions)?;
    let (transport, start, second) = (transport.parse().ok()?, start.parse::<u32>().ok()?, second.parse::<u32>().ok()?);
    let end = match kind {
        HostRangeKind::Dynamic => start.saturating_add(second).saturating_sub(1),
        HostRangeKind::Excluded => second,
    };
    let is_administered = rest.first().is_some_and(|cell| *cell == "1" || cell.eq_ignore_ascii_case("true"));
    Some(((transport, versions), start..=end, is_administered))
}

#[cfg(test)]
#[path = "collected_tests.rs"]
mod tests;

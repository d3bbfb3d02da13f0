//! Static ports that documents state, as settings need them: whose each port is, in words that are safe anywhere.

use crate::catalog::{Catalog, PortRange, PortRef, Site};
use crate::model::{Endpoint, Transport};
use std::net::IpAddr;

/// Characters of a source.
const MOST_CHARACTERS: usize = 80;

/// A static port that belongs to somebody.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FixedPort {
    /// Transport and port.
    pub at: PortRef,
    /// Whose it is: letters, digits, blanks, dots, underscores and hyphens of ASCII only, at most 80 characters.
    pub source: String,
}

impl FixedPort {
    /// A port with its owner. The text may be hostile: what is not plain becomes an underscore.
    #[must_use]
    pub fn new(transport: Transport, port: u16, source: &str) -> Self {
        Self { at: PortRef { transport, port }, source: plain(source) }
    }
}

/// ASCII letters, digits, blanks, dots, underscores and hyphens; anything else becomes one underscore for each run of it.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for character in text.trim().chars() {
        if out.len() >= MOST_CHARACTERS {
            break;
        }
        match character {
            c if c.is_ascii_alphanumeric() || matches!(c, ' ' | '.' | '-' | '_') => out.push(c),
            _ if out.ends_with('_') => {}
            _ => out.push('_'),
        }
    }
    out
}

/// Static ports that documents state inside any of `ranges`, ascending, each once. At given hosts that the site knows only
/// those of their roles; otherwise those of every role.
#[must_use]
pub fn documented_ports(
    catalog: &Catalog,
    site: Option<&Site>,
    hosts: &[IpAddr],
    ranges: &[PortRange],
) -> Vec<FixedPort> {
    // A host without a role may have any: then every statement counts.
    let roles: Option<Vec<(IpAddr, &[String])>> = match site {
        Some(site) if !hosts.is_empty() => {
            let roles: Vec<_> = hosts.iter().map(|ip| (*ip, site.roles(*ip))).collect();
            roles.iter().all(|(_, roles)| !roles.is_empty()).then_some(roles)
        }
        _ => None,
    };
    let mut ports: Vec<PortRef> =
        ranges.iter().flat_map(|range| catalog.static_ports_in(range.as_inclusive())).collect();
    ports.sort_unstable();
    ports.dedup();
    let owner = |at: PortRef| {
        let found = match &roles {
            None => catalog.statements(at.transport, at.port).next(),
            Some(roles) => roles.iter().find_map(|(ip, roles)| {
                catalog.statements_of(at.transport, Endpoint { ip: *ip, port: at.port }, roles).next()
            }),
        }?;
        let source = format!("{} - {} {}", found.statement.service, found.document.id, found.statement.citation);
        Some(FixedPort::new(at.transport, at.port, &source))
    };
    ports.into_iter().filter_map(owner).collect()
}

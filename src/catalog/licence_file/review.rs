//! What only several lines together show: daemons on one port, the number of servers, which daemons a version needs.

use super::warning::RationalState;
use super::{IBMRATL, LICENCE_MANAGER, LicenceFile, LicenceProblem, LksVersion, RATIONAL};
use crate::catalog::DEFAULT_DYNAMIC_RANGE;
use std::collections::{BTreeMap, BTreeSet};

/// A daemon at a port, where a line fixes one.
struct Holder {
    line: usize,
    /// As written.
    name: String,
    /// The same for all spellings; empty for lmgrd, which no vendor daemon can be called.
    key: String,
    port: u16,
}

pub(super) fn review(file: &mut LicenceFile) {
    let holders = holders(file);
    collisions(file, &holders);
    contradictions(file, &holders);
    for holder in holders.iter().filter(|holder| DEFAULT_DYNAMIC_RANGE.contains(&holder.port)) {
        file.warn(Some(holder.line), LicenceProblem::InDynamicRange(holder.name.clone(), holder.port));
    }
    servers(file);
    rational(file);
    file.warnings.sort_by_key(|warning| warning.line.unwrap_or(usize::MAX));
}

/// Daemons with a port, by line.
fn holders(file: &LicenceFile) -> Vec<Holder> {
    let servers = file.servers.iter().filter_map(|server| {
        let (name, key) = (LICENCE_MANAGER.to_owned(), String::new());
        Some(Holder { line: server.line, name, key, port: server.port? })
    });
    let daemons = file.daemons.iter().filter_map(|daemon| {
        let (name, key) = (daemon.name.clone(), daemon.name.to_ascii_lowercase());
        Some(Holder { line: daemon.line, name, key, port: daemon.port? })
    });
    let mut all: Vec<Holder> = servers.chain(daemons).collect();
    all.sort_by_key(|holder| holder.line);
    all
}

/// Two daemons on one port. Several SERVER lines name several hosts, each with its own lmgrd; every host runs every
/// vendor daemon.
fn collisions(file: &mut LicenceFile, holders: &[Holder]) {
    let mut ports: BTreeMap<u16, (&Holder, BTreeSet<&str>)> = BTreeMap::new();
    for holder in holders {
        let (first, known) =
            ports.entry(holder.port).or_insert_with(|| (holder, BTreeSet::from([holder.key.as_str()])));
        if known.insert(&holder.key) {
            let problem = LicenceProblem::Collision {
                daemon: holder.name.clone(),
                port: holder.port,
                other: first.name.clone(),
                other_line: first.line,
            };
            file.warn(Some(holder.line), problem);
        }
    }
}

/// One vendor daemon with two ports.
fn contradictions(file: &mut LicenceFile, holders: &[Holder]) {
    let mut first: BTreeMap<&str, &Holder> = BTreeMap::new();
    for holder in holders.iter().filter(|holder| !holder.key.is_empty()) {
        let other = first.entry(&holder.key).or_insert(holder);
        if other.port != holder.port {
            let problem = LicenceProblem::Contradiction {
                daemon: holder.name.clone(),
                port: holder.port,
                other_port: other.port,
                other_line: other.line,
            };
            file.warn(Some(holder.line), problem);
        }
    }
}

fn servers(file: &mut LicenceFile) {
    let refused = |of_server| {
        file.warnings.iter().filter(|w| w.problem.is_refusal()).any(|w| w.problem.is_about_server() == of_server)
    };
    let (named_server, named_daemon) = (refused(true), refused(false));
    let (mut hosts, mut repeated) = (BTreeMap::new(), Vec::new());
    for server in &file.servers {
        let first = *hosts.entry(server.host.to_lowercase()).or_insert(server);
        let problem = match (server.port, first.port) {
            _ if first.line == server.line => continue,
            (Some(port), Some(other_port)) if port != other_port => {
                let (daemon, other_line) = (LICENCE_MANAGER.to_owned(), first.line);
                LicenceProblem::Contradiction { daemon, port, other_port, other_line }
            }
            _ => LicenceProblem::ServerRepeated(server.host.clone(), first.line),
        };
        repeated.push((server.line, problem));
    }
    let hosts = hosts.len();
    let last = file.servers.last().map(|server| server.line);
    let ports: BTreeSet<u16> = file.servers.iter().filter_map(|server| server.port).collect();
    for (line, problem) in repeated {
        file.warn(Some(line), problem);
    }
    if !matches!(hosts, 0 | 1 | 3) {
        file.warn(last, LicenceProblem::ServerCount(hosts));
    }
    if ports.len() > 1 && hosts > 1 {
        file.warn(last, LicenceProblem::ServersDiffer);
    }
    if file.servers.is_empty() && !file.daemons.is_empty() && !named_server {
        file.warn(None, LicenceProblem::NoServerLine);
    }
    if file.daemons.is_empty() && !file.servers.is_empty() && !named_daemon {
        file.warn(None, LicenceProblem::NoDaemonLine);
    }
}

/// Judges the lines of `rational` by the version of the License Key Server.
fn rational(file: &mut LicenceFile) {
    let version = file.version.clone();
    let state = match version.as_ref() {
        None => Some(RationalState::VersionUnknown),
        Some(v) if *v <= LksVersion::last_with_rational() => None,
        Some(v) if *v < LksVersion::first_without_rational() => Some(RationalState::NotAddressed(v.clone())),
        Some(v) => Some(RationalState::Obsolete(v.clone())),
    };
    let lines: Vec<usize> = file.daemons.iter().filter(|d| d.is_called(RATIONAL)).map(|d| d.line).collect();
    match (state, version) {
        (Some(state), _) => {
            // An obsolete daemon needs no port.
            if matches!(state, RationalState::Obsolete(_)) {
                file.warnings.retain(|warning| match &warning.problem {
                    LicenceProblem::NoDaemonPort(daemon) => !daemon.eq_ignore_ascii_case(RATIONAL),
                    _ => true,
                });
            }
            lines.iter().for_each(|&line| file.warn(Some(line), LicenceProblem::Rational(state.clone())));
        }
        (None, Some(version)) if lines.is_empty() && file.daemons.iter().any(|d| d.is_called(IBMRATL)) => {
            file.warn(None, LicenceProblem::RationalMissing(version));
        }
        (None, _) => {}
    }
}

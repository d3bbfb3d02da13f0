//! What if a host had another range: the demand that a recording shows, replayed against the ports that the range would
//! really give. The replay is [`crate::dynamic_ports::what_if`]; this says which ports of the range count, whose demand it is,
//! and which sizes are worth a look.
//!
//! A port of the range is left out where a document or the site file states it, where the host's system excludes it (host table),
//! where the user says so, and where the host was seen to serve at it although its dynamic range lies elsewhere: nobody else
//! can have it. TCP and UDP have ports of their own.
//!
//! An answer says what the recorded demand would have met. It is no proof that a range is enough: see the replay for what it
//! cannot know.

#[cfg(test)]
mod tests;

use super::settings::{FixedPort, Scope, documented_ports};
use crate::catalog::{Catalog, PortRange, Site};
use crate::classification::{EndpointRow, HoldRow, HostTables};
use crate::dynamic_ports::what_if::{
    AllocationOrder, Holder, HostDemand, Replay, Takers, UsablePorts, demand_of, holders, replay, sweep,
};
use crate::dynamic_ports::{HostCount, Knowledge};
use crate::model::{Endpoint, Sweep, SweepEntry, Transport};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Other ends that are named at the moment when most ports are wanted.
const MOST_HOLDERS: usize = 3;
/// Sizes of a sweep up to what is wanted, and beyond.
const SIZES: u32 = 24;
/// As above.
const SIZES_BEYOND: u32 = 4;
/// A range more than this many times as large as what is wanted is no size of the sweep.
const FAR: u64 = 3;

/// What somebody asks.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// The range.
    pub range: PortRange,
    /// Who would take ports from it.
    pub scope: Scope,
    /// How the host picks among free ports.
    pub order: AllocationOrder,
    /// The hosts; all with demand where none is named.
    pub hosts: &'a [IpAddr],
    /// Ports that the user leaves out.
    pub left_out: &'a [(Transport, PortRange)],
    /// Whether other sizes are to be tried.
    pub sweep: bool,
}

/// What is known: counts, the rows they come from, documents and host tables.
pub struct Evidence<'a> {
    /// What was counted.
    pub counts: &'a [HostCount],
    /// Holds of all hosts, in any order.
    pub holds: Vec<HoldRow>,
    /// Endpoints that were seen to serve.
    pub endpoints: &'a [EndpointRow],
    /// The documents as they hold at the site.
    pub catalog: &'a Catalog,
    /// The site file.
    pub site: Option<&'a Site>,
    /// The host tables.
    pub tables: &'a HostTables<'a>,
}

/// The ports that a range would give to a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capacity {
    /// The range.
    pub range: PortRange,
    /// Ports that documents or the site file state in it.
    pub documented: Vec<FixedPort>,
    /// Blocks in it that the host's system does not give out, by its host table.
    pub excluded: Vec<PortRange>,
    /// Blocks in it that the user leaves out.
    pub left_out: Vec<PortRange>,
    /// Further ports in it at which the host was seen to serve, outside its dynamic range.
    pub serving: Vec<u16>,
    /// What remains.
    pub usable: UsablePorts,
}

/// What a range would have done to one host and transport.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The host.
    pub host: IpAddr,
    /// Its name in the site file, or empty.
    pub name: String,
    /// Transport.
    pub transport: Transport,
    /// The ports that it would have.
    pub capacity: Capacity,
    /// Listeners that the recording shows.
    pub listeners: u32,
    /// Further listeners that its host table shows.
    pub unseen_listeners: u32,
    /// Ports asked for by its connections.
    pub connections: u64,
    /// The epoch whose listeners these are, and how many there are.
    pub epoch: (u32, u32),
    /// TIME-WAIT that is reckoned with, ns.
    pub time_wait_ns: i64,
    /// Dynamic ports of flows whose direction is not known: not in the demand.
    pub direction_unknown: u32,
    /// Ports of 49152 to 65535 that were used outside of the range that somebody states, not in the demand either.
    pub outside: u32,
    /// What the replay gave.
    pub replay: Replay,
    /// For whom connections wanted ports when most were wanted.
    pub wanted_by: Vec<Holder>,
    /// The range is for listeners, and the host's own calls take ports from it too.
    pub shared_with_calls: bool,
    /// Other sizes, where they were asked for.
    pub sweep: Option<Sweep>,
}

impl Answer {
    /// Whether all of the recorded demand was served, ports in TIME-WAIT serving nobody.
    #[must_use]
    pub fn is_served(&self) -> bool {
        self.replay.strict.blocked() == 0
    }
}

/// Answers, host by host: where something was blocked first, then by what is wanted. Empty where there is no demand.
#[must_use]
pub fn answers(question: &Question<'_>, evidence: Evidence<'_>, knowledge: &impl Knowledge) -> Vec<Answer> {
    let Evidence { counts, mut holds, endpoints, catalog, site, tables } = evidence;
    holds.sort_unstable_by_key(|row| (row.host, row.transport));
    let of_host = |rows: &'_ [HoldRow]| rows.first().map(|row| (row.host, row.transport));
    let holds: BTreeMap<(IpAddr, Transport), &[HoldRow]> = holds
        .chunk_by(|a, b| (a.host, a.transport) == (b.host, b.transport))
        .filter_map(|rows| Some((of_host(rows)?, rows)))
        .collect();
    let mut serving: BTreeMap<(IpAddr, Transport), BTreeSet<u16>> = BTreeMap::new();
    for row in endpoints.iter().filter(|row| question.range.contains(row.port)) {
        serving.entry((row.host, row.transport)).or_default().insert(row.port);
    }
    let asked = |count: &&HostCount| question.hosts.is_empty() || question.hosts.contains(&count.host);
    let answer = |count: &HostCount| {
        let key = (count.host, count.transport);
        let takers = match question.scope {
            Scope::Rpc => Takers::Listeners,
            Scope::Allocation => Takers::Everything,
        };
        let unseen = unseen_listeners(count, tables, knowledge);
        let demand = demand_of(count, holds.get(&key).copied().unwrap_or_default(), unseen, takers);
        if demand.demand.is_empty() {
            return None;
        }
        let documented = documented_ports(catalog, site, &[count.host], &[question.range]);
        let served = serving.get(&key).into_iter().flatten().copied();
        let capacity = capacity(question, count, documented, served, tables);
        let name = site.map_or("", |site| site.name(count.host));
        Some(replayed(question, count, name, demand, capacity))
    };
    let mut answers: Vec<Answer> = counts.iter().filter(asked).filter_map(answer).collect();
    answers.sort_by_key(|a| (a.is_served(), Reverse(a.replay.wanted.ports), a.host, a.transport));
    answers
}

/// Listeners that a host table shows beyond those that packets show. Tables of different times are not added up: the ports of
/// a service change at a restart. TCP only: a UDP socket without another end may be anything.
fn unseen_listeners(count: &HostCount, tables: &HostTables<'_>, knowledge: &impl Knowledge) -> u32 {
    if count.transport != Transport::Tcp {
        return 0;
    }
    let is_static = |port| knowledge.is_static(count.transport, Endpoint { ip: count.host, port });
    let mut by_file: BTreeMap<&str, BTreeSet<u16>> = BTreeMap::new();
    for socket in tables.listening(count.host).filter(|s| count.range.contains(s.port) && !is_static(s.port)) {
        by_file.entry(socket.source.file.as_str()).or_default().insert(socket.port);
    }
    let seen: BTreeSet<u16> =
        count.fullest().into_iter().flat_map(|epoch| &epoch.listeners).map(|listener| listener.port).collect();
    let most = by_file.values().map(|listed| listed.difference(&seen).count()).max().unwrap_or(0);
    u32::try_from(most).unwrap_or(u32::MAX)
}

fn capacity(
    question: &Question<'_>,
    count: &HostCount,
    documented: Vec<FixedPort>,
    served: impl Iterator<Item = u16>,
    tables: &HostTables<'_>,
) -> Capacity {
    let range = question.range;
    let within = |first: u16, last: u16| {
        let (first, last) = (first.max(range.first()), last.min(range.last()));
        (first <= last).then(|| PortRange::spanning(first, last))
    };
    let documented: Vec<FixedPort> = documented.into_iter().filter(|f| f.at.transport == count.transport).collect();
    let excluded = tables.excluded(count.host, count.transport).filter_map(|block| within(block.start, block.end));
    let mut excluded: Vec<PortRange> = excluded.collect();
    excluded.sort_unstable();
    excluded.dedup();
    let left_out = question.left_out.iter().filter(|(transport, _)| *transport == count.transport);
    let left_out: Vec<PortRange> = left_out.filter_map(|(_, block)| within(block.first(), block.last())).collect();
    let is_documented = |port: &u16| documented.iter().any(|fixed| fixed.at.port == *port);
    // A dynamic listener moves to wherever the new range is; what serves outside of the dynamic range stays.
    let serving: Vec<u16> = served.filter(|port| !count.range.listens_at(*port) && !is_documented(port)).collect();
    let single = documented.iter().map(|fixed| fixed.at.port).chain(serving.iter().copied());
    let without: Vec<PortRange> = single
        .map(|port| PortRange::spanning(port, port))
        .chain(excluded.iter().copied())
        .chain(left_out.iter().copied())
        .collect();
    let usable = UsablePorts::new(range, &without);
    Capacity { range, documented, excluded, left_out, serving, usable }
}

fn replayed(question: &Question<'_>, count: &HostCount, name: &str, asked: HostDemand, capacity: Capacity) -> Answer {
    let HostDemand { demand, listeners, unseen_listeners, connections, epoch } = asked;
    let replay = replay(&demand, capacity.usable, question.order);
    let wanted_by = replay.wanted.at_ns.map_or_else(Vec::new, |at_ns| holders(&demand, at_ns, MOST_HOLDERS));
    let sweep = question.sweep.then(|| {
        let attempts = replay.strict.attempts();
        let sizes = sizes(replay.wanted.ports, listeners.saturating_add(unseen_listeners), capacity.usable.count());
        let point =
            |p: crate::dynamic_ports::what_if::SweepPoint| SweepEntry { ports: p.ports, attempts, blocked: p.blocked };
        Sweep {
            host: count.host,
            name: name.to_owned(),
            transport: count.transport,
            points: sweep(&demand, &sizes).into_iter().map(point).collect(),
            asked: Some(capacity.usable.count()),
        }
    });
    Answer {
        host: count.host,
        name: name.to_owned(),
        transport: count.transport,
        capacity,
        listeners,
        unseen_listeners,
        connections,
        epoch: (epoch, u32::try_from(count.epochs.len()).unwrap_or(u32::MAX)),
        time_wait_ns: count.time_wait_ns,
        direction_unknown: u32::try_from(count.unknown.len()).unwrap_or(u32::MAX),
        outside: u32::try_from(count.outside.len()).unwrap_or(u32::MAX),
        replay,
        wanted_by,
        shared_with_calls: question.scope == Scope::Rpc && overlaps(count, question.range),
        sweep,
    }
}

fn overlaps(count: &HostCount, range: PortRange) -> bool {
    let own = &count.range.ephemeral;
    *own.start() <= range.last() && range.first() <= *own.end()
}

/// Sizes that are worth a look: from where little but listeners fits, to a quarter more than what is wanted at most; what is
/// wanted and what the range gives among them.
fn sizes(wanted: u64, listeners: u32, capacity: u32) -> Vec<u32> {
    let wanted = u32::try_from(wanted).unwrap_or(u32::MAX).clamp(1, u32::from(u16::MAX));
    let first = listeners.max(wanted / 4).clamp(1, wanted);
    let step = ((wanted - first) / SIZES).max(1);
    let mut sizes: Vec<u32> = (first..=wanted).step_by(usize::try_from(step).unwrap_or(1)).collect();
    let step = (wanted / 4 / SIZES_BEYOND).max(1);
    sizes.extend((0..=SIZES_BEYOND).map(|n| (wanted + n * step).min(u32::from(u16::MAX))));
    if u64::from(capacity) <= u64::from(wanted) * FAR {
        sizes.push(capacity);
    }
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

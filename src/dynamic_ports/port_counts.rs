//! What was counted, as rows for reports: with names, roles and services.

use super::count::{CountedListener, EpochCount, HostCount, Reductions, count_hosts};
use super::knowledge::Knowledge;
use super::ranges::{HostRange, RangeSource};
use super::visits::Visit;
use crate::catalog::{Catalog, Site};
use crate::classification::{Attribution, EndpointRow, HostTables, Judged, JudgedFlows, JudgedFrame};
use crate::model::{CaptureRow, Endpoint, HostPorts, IdleListener, Listener, Orientation, Transport};
use polars::prelude::PolarsResult;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::RangeInclusive;

/// Flows whose hosts are counted together.
const FLOWS_AT_ONCE: usize = 1_000_000;

/// What was counted.
#[derive(Debug, Default)]
pub struct PortCounts {
    /// Hosts with dynamic ports in use, and hosts that the site file names; most listeners first.
    pub hosts: Vec<HostPorts>,
    /// Dynamic ports that acted as server, by host, transport and port.
    pub listeners: Vec<Listener>,
    /// Dynamic ports that only a host table shows, by host, transport, epoch and port.
    pub idle: Vec<IdleListener>,
    /// Ephemeral ports inside the dynamic range, by host, transport and port.
    pub ephemeral: Vec<(IpAddr, Transport, u16)>,
    /// All that was counted, by host and transport.
    pub counts: Vec<HostCount>,
    /// Time that the recordings cover, seconds.
    pub recorded_s: f64,
}

/// What site file, documents and options say of hosts.
pub struct Known<'a, J = Judged> {
    /// The documents as they hold at the site.
    pub catalog: &'a Catalog,
    /// The site file.
    pub site: Option<&'a Site>,
    /// The judged flows and roles.
    pub judged: &'a J,
    /// What hosts tell of themselves.
    pub hosts: &'a HostTables<'a>,
    /// TIME-WAIT of all hosts, where the user states it, ns.
    pub time_wait_ns: Option<i64>,
}

impl<J: JudgedFlows> Knowledge for Known<'_, J> {
    fn stated_range(&self, host: IpAddr, transport: Transport) -> Option<HostRange> {
        let site = self.site.and_then(|site| site.stated_dynamic_range(host));
        let site = site.map(|range| HostRange::stated(range, RangeSource::Site));
        let told = || Some(HostRange::stated(self.hosts.dynamic_range(host, transport)?, RangeSource::HostTable));
        site.or_else(told)
    }

    fn is_static(&self, transport: Transport, at: Endpoint) -> bool {
        self.catalog.statements_of(transport, at, self.judged.roles().of(at.ip)).next().is_some()
    }

    fn time_wait_ns(&self, _: IpAddr) -> Option<i64> {
        self.time_wait_ns
    }

    fn waiting(&self, host: IpAddr, transport: Transport, interval: &RangeInclusive<i64>) -> BTreeSet<u16> {
        self.hosts.waiting(host, transport, interval).map(|socket| socket.port).collect()
    }

    fn reserved(&self, host: IpAddr, transport: Transport, range: &RangeInclusive<u16>) -> u32 {
        let fixed = self.catalog.static_ports_in(range.clone()).into_iter().filter(|at| at.transport == transport);
        let fixed =
            fixed.map(|at| at.port).filter(|port| self.is_static(transport, Endpoint { ip: host, port: *port }));
        let mut ports: BTreeSet<u16> = fixed.collect();
        for block in self.hosts.excluded(host, transport) {
            ports.extend(block.start.max(*range.start())..=block.end.min(*range.end()));
        }
        saturate(ports.len())
    }
}

/// Counts dynamic ports. `frame` is the judged frame of the same flows, `captures` are their recordings.
///
/// # Errors
/// When Polars fails on the reductions.
pub fn count<J: JudgedFlows>(
    known: &Known<'_, J>,
    frame: &JudgedFrame,
    captures: &[CaptureRow],
) -> PolarsResult<PortCounts> {
    let recordings = recordings(captures, frame);
    let mut endpoints: BTreeMap<(IpAddr, Transport, u16), EndpointRow> = BTreeMap::new();
    let mut counts = Vec::new();
    // Some hosts after others: the rows of all together would need more room than the flows.
    for hosts in frame.parts(FLOWS_AT_ONCE)? {
        let reductions = Reductions::of(&frame.narrowed(hosts))?;
        endpoints.extend(reductions.endpoints.iter().map(|row| ((row.host, row.transport, row.port), *row)));
        counts.extend(count_hosts(reductions, &recordings, known.judged.restarts(), known));
    }
    let rows = Rows { known, hosts: &frame.hosts, endpoints };
    let listeners = rows.listeners(&counts);
    let of = |count: &HostCount| {
        let (host, transport) = (count.host, count.transport);
        count.ephemeral.iter().map(move |port| (host, transport, *port)).collect::<Vec<_>>()
    };
    let ephemeral = counts.iter().flat_map(of).collect();
    Ok(PortCounts {
        hosts: rows.hosts(&counts),
        listeners,
        idle: counts.iter().flat_map(|count| rows.idle_listeners(count)).collect(),
        ephemeral,
        counts,
        recorded_s: covered_s(&recordings),
    })
}

/// First and last frame of each recording; of the flows where no recording says when it was.
fn recordings(captures: &[CaptureRow], frame: &JudgedFrame) -> Vec<(i64, i64)> {
    let timed: Vec<(i64, i64)> = captures.iter().filter_map(|c| c.first_ns.zip(c.last_ns)).collect();
    // What lies outside of the recordings' own word (clocks that jump, stores of older facts) belongs to the time too.
    let covered = |ns: i64| timed.iter().any(|(start, end)| (*start..=*end).contains(&ns));
    match frame.span_ns() {
        Some((first, last)) if !(covered(first) && covered(last)) => timed.into_iter().chain([(first, last)]).collect(),
        _ => timed,
    }
}

/// Time that intervals cover, seconds; what several cover counts once.
fn covered_s(recordings: &[(i64, i64)]) -> f64 {
    let mut sorted = recordings.to_vec();
    sorted.sort_unstable();
    let (mut covered_s, mut upto_ns) = (0.0, i64::MIN);
    for (start_ns, end_ns) in sorted {
        covered_s += end_ns.saturating_sub(start_ns.max(upto_ns)).max(0) as f64 / 1e9;
        upto_ns = upto_ns.max(end_ns);
    }
    covered_s
}

struct Rows<'a, J> {
    known: &'a Known<'a, J>,
    /// All hosts of the flows.
    hosts: &'a [IpAddr],
    endpoints: BTreeMap<(IpAddr, Transport, u16), EndpointRow>,
}

impl<J: JudgedFlows> Rows<'_, J> {
    fn listeners(&self, counts: &[HostCount]) -> Vec<Listener> {
        let mut listeners = Vec::new();
        for count in counts {
            let mut told = BTreeSet::new();
            for epoch in &count.epochs {
                for listener in &epoch.listeners {
                    let ports = listener.former.iter().chain([&listener.port]);
                    for port in ports.filter(|port| told.insert(**port)) {
                        listeners.extend(self.listener(count, epoch, listener, *port));
                    }
                }
            }
        }
        listeners.sort_by_key(|l| (l.host, l.transport, l.port));
        listeners
    }

    fn listener(
        &self,
        count: &HostCount,
        epoch: &EpochCount,
        listener: &CountedListener,
        port: u16,
    ) -> Option<Listener> {
        let row = self.endpoints.get(&(count.host, count.transport, port))?;
        let first = self.known.judged.flow(row.first_flow)?;
        let worst = &self.known.judged.flow(row.worst_flow)?.judgement;
        let interval = epoch.epoch.start_ns..=epoch.epoch.end_ns;
        let process = self.known.hosts.process_of(count.host, count.transport, port, &interval);
        Some(Listener {
            host: count.host,
            transport: count.transport,
            port,
            orientation: row.orientation,
            service: worst.service.clone(),
            status: worst.status,
            epoch: epoch.epoch.number,
            moved_to: (port != listener.port).then_some(listener.port),
            visits: listener.visits.len() as u64,
            known: listener.visits.iter().any(Visit::makes_known),
            flows: row.flows,
            clients: row.clients,
            first_seen_ns: row.first_seen_ns,
            last_seen_ns: row.last_seen_ns,
            process: process.as_ref().map_or(String::new(), Attribution::words),
            process_source: process.map_or(String::new(), |process| process.source),
            capture: first.capture.to_string(),
            first_frame: first.facts.first_frame,
        })
    }

    fn idle_listeners(&self, count: &HostCount) -> Vec<IdleListener> {
        let of_epoch = |epoch: &EpochCount| {
            let interval = epoch.epoch.start_ns..=epoch.epoch.end_ns;
            let mut by_port: BTreeMap<u16, IdleListener> = BTreeMap::new();
            for socket in self.known.hosts.waiting(count.host, count.transport, &interval) {
                if !epoch.idle.contains(&socket.port) {
                    continue;
                }
                let listener = by_port.entry(socket.port).or_insert_with(|| IdleListener {
                    host: count.host,
                    transport: count.transport,
                    port: socket.port,
                    epoch: epoch.epoch.number,
                    is_loopback: true,
                    process: Attribution::of(socket).words(),
                    source: socket.place(),
                });
                listener.is_loopback &= socket.is_loopback();
            }
            by_port.into_values().collect::<Vec<_>>()
        };
        count.epochs.iter().flat_map(of_epoch).collect()
    }

    fn hosts(&self, counts: &[HostCount]) -> Vec<HostPorts> {
        let mut hosts: Vec<HostPorts> = counts.iter().map(|count| self.host(count)).collect();
        let there: BTreeSet<(IpAddr, Transport)> = hosts.iter().map(|host| (host.host, host.transport)).collect();
        let roles = self.known.judged.roles();
        let named = self.hosts.iter().copied().filter(|ip| !roles.of(*ip).is_empty());
        let idle = named.filter(|ip| !there.contains(&(*ip, Transport::Tcp)));
        hosts.extend(idle.map(|ip| self.idle(ip, Transport::Tcp)));
        hosts.sort_by_key(|h| (Reverse(h.dynamic_listeners), h.transport, h.host));
        hosts
    }

    fn host(&self, count: &HostCount) -> HostPorts {
        let fullest = count.fullest();
        let listeners = fullest.map_or(&[][..], |epoch| &epoch.listeners);
        let row = |listener: &&CountedListener| self.endpoints.get(&(count.host, count.transport, listener.port));
        let explained = |row: &EndpointRow| {
            let worst = self.known.judged.flow(row.worst_flow);
            worst.is_some_and(|flow| !flow.judgement.status.is_undocumented())
        };
        let counted = |test: &dyn Fn(&EndpointRow) -> bool| {
            saturate(listeners.iter().filter(|l| row(l).is_some_and(test)).count())
        };
        HostPorts {
            range: (*count.range.ephemeral.start(), *count.range.ephemeral.end()),
            range_source: count.range.source.name(),
            epochs: saturate(count.epochs.len()),
            epoch: fullest.map_or(1, |epoch| epoch.epoch.number),
            dynamic_listeners: saturate(listeners.len()),
            dynamic_listeners_sure: counted(&|row| row.orientation >= Orientation::Strong),
            dynamic_listeners_explained: counted(&explained),
            idle_listeners: fullest.filter(|epoch| epoch.is_listed).map(|epoch| saturate(epoch.idle.len())),
            static_in_range: saturate(count.static_ports.len()),
            direction_unknown: saturate(count.unknown.len()),
            ephemeral_ports: saturate(count.ephemeral.len()),
            peak_in_use: count.in_use.ports,
            peak_at_ns: count.in_use.at_ns,
            time_wait_s: u32::try_from(count.time_wait_ns / 1_000_000_000).unwrap_or(u32::MAX),
            peak_held: count.held.peak.ports,
            peak_held_at_ns: count.held.peak.at_ns,
            peak_held_by: [count.held.listeners, count.held.conversations, count.held.time_wait],
            ..self.idle(count.host, count.transport)
        }
    }

    /// A host of which no dynamic port was seen in use.
    fn idle(&self, host: IpAddr, transport: Transport) -> HostPorts {
        let Known { catalog, site, judged, .. } = self.known;
        let roles = judged.roles().of(host);
        let ranges = roles.iter().flat_map(|role| catalog.dynamic_ranges_for(role));
        let observed = ranges.filter(|(_, range)| range.transport == transport).filter_map(|(_, r)| r.observed_ports);
        let range = self.known.stated_range(host, transport).unwrap_or_else(|| HostRange::observed(&BTreeSet::new()));
        HostPorts {
            host,
            name: site.map_or(String::new(), |site| site.name(host).to_owned()),
            zone: site.and_then(|site| site.zone(host)).map_or(String::new(), |zone| zone.id.clone()),
            roles: roles.to_vec(),
            roles_guessed: judged.roles().are_guessed(),
            transport,
            range: (*range.ephemeral.start(), *range.ephemeral.end()),
            range_source: range.source.name(),
            epochs: 1,
            epoch: 1,
            dynamic_listeners: 0,
            dynamic_listeners_sure: 0,
            dynamic_listeners_explained: 0,
            idle_listeners: None,
            static_in_range: 0,
            direction_unknown: 0,
            ephemeral_ports: 0,
            peak_in_use: 0,
            peak_at_ns: None,
            time_wait_s: 0,
            peak_held: 0,
            peak_held_at_ns: None,
            peak_held_by: [0; 3],
            document_observed: observed.max(),
        }
    }
}

fn saturate(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

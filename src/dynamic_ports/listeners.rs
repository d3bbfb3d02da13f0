//! Counting over the reductions *endpoints* and *holds*.

use super::peak::{Hold, peak};
use crate::catalog::{Catalog, DEFAULT_DYNAMIC_RANGE, Site};
use crate::classification::{EndpointRow, HoldRow, Judged, endpoint_rows, endpoints, hold_rows, holds};
use crate::model::{Endpoint, HostPorts, Listener, Orientation, Transport};
use polars::prelude::{DataFrame, IntoLazy, PolarsResult, col, lit};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::RangeInclusive;

/// What was counted.
#[derive(Debug, Default)]
pub struct PortCounts {
    /// Hosts with dynamic ports in use, and hosts that the site file names; most listeners first.
    pub hosts: Vec<HostPorts>,
    /// Dynamic ports that acted as server, by host, transport and port.
    pub listeners: Vec<Listener>,
    /// Ephemeral ports inside the dynamic range, by host, transport and port.
    pub ephemeral: Vec<(IpAddr, Transport, u16)>,
}

/// What one host and transport adds up to.
#[derive(Default)]
struct Tally {
    listeners: u32,
    explained: u32,
    static_in_range: u32,
    unknown: BTreeSet<u16>,
    ephemeral: BTreeSet<u16>,
    holds: Vec<Hold>,
}

struct Counter<'a> {
    judged: &'a Judged,
    catalog: &'a Catalog,
    site: Option<&'a Site>,
    tallies: BTreeMap<(IpAddr, Transport), Tally>,
}

/// Counts dynamic ports. `frame` is the judged frame of the same flows.
///
/// # Errors
/// When Polars fails on the reductions.
pub fn count(judged: &Judged, frame: &DataFrame, catalog: &Catalog, site: Option<&Site>) -> PolarsResult<PortCounts> {
    let mut counter = Counter { judged, catalog, site, tallies: BTreeMap::new() };
    let served = endpoints(frame.clone().lazy().filter(col("served"))).collect()?;
    let listeners = counter.listeners(&endpoint_rows(&served, &judged.flows)?);
    let held = holds(frame.clone().lazy())?.filter(col("packets").gt(lit(0u64))).collect()?;
    counter.holds(&hold_rows(&held, &judged.flows)?);
    let ephemeral = counter
        .tallies
        .iter()
        .flat_map(|((ip, transport), tally)| tally.ephemeral.iter().map(|port| (*ip, *transport, *port)));
    let ephemeral = ephemeral.collect();
    Ok(PortCounts { hosts: counter.hosts(), listeners, ephemeral })
}

impl Counter<'_> {
    fn range(&self, ip: IpAddr) -> RangeInclusive<u16> {
        self.site.map_or(DEFAULT_DYNAMIC_RANGE, |site| site.dynamic_range(ip))
    }

    fn is_documented_static(&self, ip: IpAddr, transport: Transport, port: u16) -> bool {
        self.catalog.statements_of(transport, Endpoint { ip, port }, self.judged.roles.of(ip)).next().is_some()
    }

    /// From the first packet of all flows to the last: a listener is taken to be there throughout.
    fn span_ns(&self) -> (i64, i64) {
        let first = self.judged.flows.iter().map(|f| f.facts.first_seen_ns).min().unwrap_or(0);
        let last = self.judged.flows.iter().map(|f| f.facts.last_seen_ns).max().unwrap_or(0);
        (first, last)
    }

    fn listeners(&mut self, served: &[EndpointRow<'_>]) -> Vec<Listener> {
        let span_ns = self.span_ns();
        let mut listeners = Vec::new();
        for row in served {
            let transport = row.first.facts.key.transport;
            let Endpoint { ip: host, port } = row.first.judgement.responder;
            if !self.range(host).contains(&port) {
                continue;
            }
            let is_static = self.is_documented_static(host, transport, port);
            let tally = self.tallies.entry((host, transport)).or_default();
            if is_static {
                tally.static_in_range += 1;
                continue;
            }
            let worst = &row.worst.judgement;
            tally.listeners += 1;
            tally.holds.push((port, span_ns.0, span_ns.1));
            tally.explained += u32::from(!worst.status.is_undocumented());
            listeners.push(Listener {
                host,
                transport,
                port,
                orientation: row.orientation,
                service: worst.service.clone(),
                status: worst.status,
                flows: row.flows,
                clients: row.clients,
                first_seen_ns: row.first_seen_ns,
                last_seen_ns: row.last_seen_ns,
                capture: row.first.capture.to_string(),
                first_frame: row.first.facts.first_frame,
            });
        }
        listeners.sort_by_key(|l| (l.host, l.transport, l.port));
        listeners
    }

    /// Ephemeral ports, and ports of flows whose direction is not known: these are told apart and in no other count.
    fn holds(&mut self, held: &[HoldRow<'_>]) {
        for HoldRow { flow, initiated } in held {
            let (facts, judgement) = (&flow.facts, &flow.judgement);
            let transport = facts.key.transport;
            let Endpoint { ip: host, port } = if *initiated { judgement.initiator } else { judgement.responder };
            if !self.range(host).contains(&port) {
                continue;
            }
            let direction_known = judgement.orientation >= Orientation::Probable;
            if !direction_known && !self.is_documented_static(host, transport, port) {
                self.tallies.entry((host, transport)).or_default().unknown.insert(port);
            }
            if direction_known && *initiated {
                let tally = self.tallies.entry((host, transport)).or_default();
                tally.ephemeral.insert(port);
                tally.holds.push((port, facts.first_seen_ns, facts.last_seen_ns));
            }
        }
        for tally in self.tallies.values_mut() {
            let known: BTreeSet<u16> = tally.holds.iter().map(|(port, ..)| *port).collect();
            tally.unknown.retain(|port| !known.contains(port));
        }
    }

    fn hosts(mut self) -> Vec<HostPorts> {
        let named = self.judged.flows.iter().flat_map(|f| [f.judgement.initiator.ip, f.judgement.responder.ip]);
        let named: BTreeSet<IpAddr> = named.filter(|ip| !self.judged.roles.of(*ip).is_empty()).collect();
        for ip in named {
            self.tallies.entry((ip, Transport::Tcp)).or_default();
        }
        let mut hosts: Vec<HostPorts> =
            self.tallies.iter().map(|((host, transport), tally)| self.host(*host, *transport, tally)).collect();
        hosts.sort_by_key(|h| (std::cmp::Reverse(h.dynamic_listeners), h.transport, h.host));
        hosts
    }

    fn host(&self, host: IpAddr, transport: Transport, tally: &Tally) -> HostPorts {
        let roles = self.judged.roles.of(host);
        let ranges = roles.iter().flat_map(|role| self.catalog.dynamic_ranges_for(role));
        let observed = ranges.filter(|(_, range)| range.transport == transport).filter_map(|(_, r)| r.observed_ports);
        let (peak_in_use, peak_at_ns) = peak(&tally.holds);
        HostPorts {
            host,
            name: self.site.map_or(String::new(), |site| site.name(host).to_owned()),
            zone: self.site.and_then(|site| site.zone(host)).map_or(String::new(), |zone| zone.id.clone()),
            roles: roles.to_vec(),
            roles_guessed: self.judged.roles.are_guessed(),
            transport,
            dynamic_listeners: tally.listeners,
            dynamic_listeners_explained: tally.explained,
            static_in_range: tally.static_in_range,
            direction_unknown: saturate(tally.unknown.len()),
            ephemeral_ports: saturate(tally.ephemeral.len()),
            peak_in_use,
            peak_at_ns,
            document_observed: observed.max(),
        }
    }
}

fn saturate(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

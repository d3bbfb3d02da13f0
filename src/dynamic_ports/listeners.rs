//! Counting over the reductions *endpoints* and *holds*.

use super::peak::{Hold, peak};
use crate::catalog::{Catalog, DEFAULT_DYNAMIC_RANGE, Site};
use crate::classification::{Judged, endpoints, holds};
use crate::model::{HostPorts, JudgedFlow, Listener, Orientation, Status, Transport};
use polars::prelude::{DataFrame, IntoLazy, PolarsError, PolarsResult, col, lit};
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
    let listeners = counter.listeners(&served)?;
    let held = holds(frame.clone().lazy())?.filter(col("packets").gt(lit(0u64))).collect()?;
    counter.holds(&held)?;
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
        self.catalog.statements_at(transport, port, self.judged.roles.of(ip)).next().is_some()
    }

    /// From the first packet of all flows to the last: a listener is taken to be there throughout.
    fn span_ns(&self) -> (i64, i64) {
        let first = self.judged.flows.iter().map(|f| f.facts.first_seen_ns).min().unwrap_or(0);
        let last = self.judged.flows.iter().map(|f| f.facts.last_seen_ns).max().unwrap_or(0);
        (first, last)
    }

    fn flow(&self, number: u64) -> PolarsResult<&JudgedFlow> {
        let flow = usize::try_from(number).ok().and_then(|n| self.judged.flows.get(n));
        flow.ok_or_else(|| PolarsError::ComputeError("a reduction names a flow that is not there".into()))
    }

    fn listeners(&mut self, served: &DataFrame) -> PolarsResult<Vec<Listener>> {
        let rows = Rows::of(served, "responder_ip", "responder_port")?;
        let clients = served.column("clients")?.as_materialized_series().cast(&polars::prelude::DataType::UInt64)?;
        let flows = served.column("flows")?.as_materialized_series().cast(&polars::prelude::DataType::UInt64)?;
        let (clients, flows) = (clients.u64()?, flows.u64()?);
        let (first_seen, last_seen) = (served.column("first_seen_ns")?.i64()?, served.column("last_seen_ns")?.i64()?);
        let (status, orientation) = (served.column("status_rank")?.u64()?, served.column("orientation_rank")?.u64()?);
        let (first_flow, worst_flow) = (served.column("first_flow")?.u64()?, served.column("worst_flow")?.u64()?);
        let span_ns = self.span_ns();
        let mut listeners = Vec::new();
        for (row, (host, transport, port)) in rows.enumerate_ports() {
            if !self.range(host).contains(&port) {
                continue;
            }
            let is_static = self.is_documented_static(host, transport, port);
            let status = Status::ALL[status.get(row).map_or(0, |rank| rank as usize).min(Status::ALL.len() - 1)];
            let tally = self.tallies.entry((host, transport)).or_default();
            if is_static {
                tally.static_in_range += 1;
                continue;
            }
            tally.listeners += 1;
            tally.holds.push((port, span_ns.0, span_ns.1));
            tally.explained += u32::from(!status.is_undocumented());
            let first = self.flow(first_flow.get(row).unwrap_or(0))?;
            listeners.push(Listener {
                host,
                transport,
                port,
                orientation: Orientation::of_rank(orientation.get(row).unwrap_or(0)),
                service: self.flow(worst_flow.get(row).unwrap_or(0))?.judgement.service.clone(),
                status,
                flows: flows.get(row).unwrap_or(0),
                clients: clients.get(row).unwrap_or(0),
                first_seen_ns: first_seen.get(row).unwrap_or(0),
                last_seen_ns: last_seen.get(row).unwrap_or(0),
                capture: first.capture.to_string(),
                first_frame: first.facts.first_frame,
            });
        }
        listeners.sort_by_key(|l| (l.host, l.transport, l.port));
        Ok(listeners)
    }

    /// Ephemeral ports, and ports of flows whose direction is not known: these are told apart and in no other count.
    fn holds(&mut self, held: &DataFrame) -> PolarsResult<()> {
        let rows = Rows::of(held, "host", "port")?;
        let (first_seen, last_seen) = (held.column("first_seen_ns")?.i64()?, held.column("last_seen_ns")?.i64()?);
        let part = held.column("part")?.str()?;
        let certainty = held.column("orientation_rank")?.u64()?;
        for (row, (host, transport, port)) in rows.enumerate_ports() {
            if !self.range(host).contains(&port) {
                continue;
            }
            let direction_known = Orientation::of_rank(certainty.get(row).unwrap_or(0)) >= Orientation::Probable;
            let initiated = part.get(row) == Some("initiator");
            if !direction_known && !self.is_documented_static(host, transport, port) {
                self.tallies.entry((host, transport)).or_default().unknown.insert(port);
            }
            if direction_known && initiated {
                let tally = self.tallies.entry((host, transport)).or_default();
                tally.ephemeral.insert(port);
                tally.holds.push((port, first_seen.get(row).unwrap_or(0), last_seen.get(row).unwrap_or(0)));
            }
        }
        for tally in self.tallies.values_mut() {
            let known: BTreeSet<u16> = tally.holds.iter().map(|(port, ..)| *port).collect();
            tally.unknown.retain(|port| !known.contains(port));
        }
        Ok(())
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

/// Host, transport and port of each row of a frame.
struct Rows {
    ports: Vec<(IpAddr, Transport, u16)>,
}

impl Rows {
    fn of(frame: &DataFrame, host: &str, port: &str) -> PolarsResult<Self> {
        let (hosts, protocols) = (frame.column(host)?.str()?, frame.column("protocol")?.str()?);
        let numbers = frame.column(port)?.u64()?;
        let read = |row: usize| {
            let ip = hosts.get(row)?.parse().ok()?;
            let transport = protocols.get(row)?.parse().ok()?;
            Some((ip, transport, u16::try_from(numbers.get(row)?).ok()?))
        };
        let rows = (0..frame.height()).map(|row| {
            read(row).ok_or_else(|| PolarsError::ComputeError("a reduction lost an address or a port".into()))
        });
        Ok(Self { ports: rows.collect::<PolarsResult<_>>()? })
    }

    fn enumerate_ports(self) -> impl Iterator<Item = (usize, (IpAddr, Transport, u16))> {
        self.ports.into_iter().enumerate()
    }
}

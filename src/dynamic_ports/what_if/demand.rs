//! The demand of a host, from what was counted: what a replay has to serve.
//!
//! A port is one demand for as long as something is open on it: flows that share a local port at the same time (a UDP socket
//! that talks to many, a connection recorded in two parts) are one. A port number that is used again while TIME-WAIT still
//! holds it is a demand of its own: a host with fewer ports could not count on that. So a replay may want a few more ports than
//! the measured peak, and never fewer.
//!
//! Listeners are those of the epoch with the most; connections are those of all epochs, one after another, each cut at the
//! end of its epoch. Calls from a port at which the host listens take no further port. Flows whose direction is a guess or
//! unknown are left out.

use super::{Demand, DemandKind};
use crate::classification::HoldRow;
use crate::dynamic_ports::HostCount;
use crate::dynamic_ports::count::{CallHold, epoch_at, is_call};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Who takes ports from the range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takers {
    /// Listeners only: outgoing connections take theirs elsewhere.
    Listeners,
    /// Listeners and outgoing connections.
    Everything,
}

/// What a host asks of a range.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostDemand {
    /// All of it: listeners first, connections by their beginning.
    pub demand: Vec<Demand>,
    /// Listeners that the recording shows.
    pub listeners: u32,
    /// Further listeners that the caller knows of.
    pub unseen_listeners: u32,
    /// Ports asked for by connections.
    pub connections: u64,
    /// Number of the epoch whose listeners these are, from 1.
    pub epoch: u32,
}

/// The demand of a host and transport. `holds` are the holds of this host and transport, in any order. `unseen_listeners` are
/// further listeners that no packet showed.
#[must_use]
pub fn demand_of(count: &HostCount, holds: &[HoldRow], unseen_listeners: u32, takers: Takers) -> HostDemand {
    let Some(fullest) = count.fullest() else { return HostDemand::default() };
    let listener = |start_ns: i64| Demand {
        start_ns,
        closed_ns: fullest.epoch.end_ns,
        end_ns: fullest.epoch.end_ns,
        remote: None,
        kind: DemandKind::Listener,
    };
    let first_visit = |visits: &[crate::dynamic_ports::visits::Visit]| visits.first().map(|visit| visit.start_ns);
    let seen = fullest.listeners.iter().map(|l| listener(first_visit(&l.visits).unwrap_or(fullest.epoch.start_ns)));
    let unseen = (0..unseen_listeners).map(|_| listener(fullest.epoch.start_ns));
    let mut demand: Vec<Demand> = seen.chain(unseen).collect();
    let connections = match takers {
        Takers::Listeners => Vec::new(),
        Takers::Everything => connections(count, holds),
    };
    let asked = connections.len() as u64;
    demand.extend(connections);
    HostDemand {
        demand,
        listeners: u32::try_from(fullest.listeners.len()).unwrap_or(u32::MAX),
        unseen_listeners,
        connections: asked,
        epoch: fullest.epoch.number,
    }
}

/// A port that something is open on.
#[derive(Clone, Copy)]
struct Open {
    port: u16,
    demand: Demand,
}

/// What connections ask for, by their beginning.
fn connections(count: &HostCount, holds: &[HoldRow]) -> Vec<Demand> {
    let of_epoch = |epoch: &crate::dynamic_ports::EpochCount| -> BTreeSet<u16> {
        epoch.listeners.iter().flat_map(|l| l.former.iter().copied().chain([l.port])).collect()
    };
    let listening: Vec<BTreeSet<u16>> = count.epochs.iter().map(of_epoch).collect();
    let mut open: Vec<Open> = Vec::new();
    for hold in holds.iter().filter(|hold| is_call(hold) && count.range.contains(hold.port)) {
        let at = epoch_at(&count.epochs, hold.start_ns);
        let Some(epoch) = count.epochs.get(at) else { continue };
        if listening.get(at).is_some_and(|ports| ports.contains(&hold.port)) {
            continue;
        }
        let call = CallHold::of(hold, epoch.epoch.end_ns, count.time_wait_ns);
        let demand = Demand {
            start_ns: call.start_ns,
            // What nobody closed is open to the end.
            closed_ns: if hold.open_at_end { call.end_ns } else { call.last_ns },
            end_ns: call.end_ns,
            remote: Some((hold.remote_host, hold.remote_port)),
            kind: DemandKind::Ephemeral,
        };
        open.push(Open { port: call.port, demand });
    }
    open.sort_unstable_by_key(|o| (o.port, o.demand.start_ns, o.demand.end_ns, o.demand.closed_ns, o.demand.remote));
    let mut demand: Vec<Demand> = open.chunk_by(|a, b| a.port == b.port).flat_map(one_by_one).collect();
    demand.sort_unstable_by_key(|d| (d.start_ns, d.end_ns, d.closed_ns, d.remote));
    demand
}

/// The uses of one port, by their beginning: those that are open at the same time are one.
fn one_by_one(of_port: &[Open]) -> Vec<Demand> {
    let mut uses: Vec<Demand> = Vec::new();
    for Open { demand, .. } in of_port {
        match uses.last_mut() {
            Some(last) if demand.start_ns <= last.closed_ns => {
                last.closed_ns = last.closed_ns.max(demand.closed_ns);
                last.end_ns = last.end_ns.max(demand.end_ns);
                last.remote = last.remote.filter(|remote| Some(*remote) == demand.remote);
            }
            _ => uses.push(*demand),
        }
    }
    uses
}

/// Who the connections of one moment went to, TIME-WAIT included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// The other end; `None` for ports that talked to several.
    pub remote: Option<(IpAddr, u16)>,
    /// Ports.
    pub ports: u32,
}

/// For whom connections want ports at a moment, whatever the range: most ports first, at most `most`.
#[must_use]
pub fn holders(demand: &[Demand], at_ns: i64, most: usize) -> Vec<Holder> {
    let mut ports: BTreeMap<Option<(IpAddr, u16)>, u32> = BTreeMap::new();
    let then = demand.iter().filter(|d| d.kind == DemandKind::Ephemeral && d.start_ns <= at_ns && at_ns <= d.end_ns);
    for item in then {
        *ports.entry(item.remote).or_default() += 1;
    }
    let mut holders: Vec<Holder> = ports.into_iter().map(|(remote, ports)| Holder { remote, ports }).collect();
    holders.sort_by_key(|holder| Reverse(holder.ports));
    holders.truncate(most);
    holders
}

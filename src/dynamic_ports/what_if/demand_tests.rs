//! Demand from flows, by hand.

use super::*;
use crate::catalog::PortRange;
use crate::classification::{HoldRow, Restarts};
use crate::dynamic_ports::ranges::{HostRange, RangeSource};
use crate::dynamic_ports::{HostCount, Knowledge, Reductions, count_hosts};
use crate::model::{Orientation, Transport};

const SECOND: i64 = 1_000_000_000;

struct Nobody;

impl Knowledge for Nobody {
    fn stated_range(&self, _: IpAddr, _: Transport) -> Option<HostRange> {
        Some(HostRange::stated(49_152..=65_535, RangeSource::Site))
    }

    fn time_wait_ns(&self, _: IpAddr) -> Option<i64> {
        Some(240 * SECOND)
    }
}

/// A call that the host opened, and closed first: port, other end, first and last packet in seconds.
fn call(port: u16, to: u8, start: i64, end: i64) -> HoldRow {
    HoldRow {
        host: [10, 0, 0, 1].into(),
        transport: Transport::Tcp,
        port,
        remote_host: [10, 0, 0, to].into(),
        remote_port: 1_433,
        start_ns: start * SECOND,
        end_ns: end * SECOND,
        initiated: true,
        closed: true,
        open_at_end: false,
        served: true,
        orientation: Orientation::Certain,
    }
}

fn counted(holds: &[HoldRow]) -> HostCount {
    let reductions = Reductions { holds: holds.to_vec(), ..Reductions::default() };
    let recording = [(0, 1_000 * SECOND)];
    count_hosts(reductions, &recording, &Restarts::default(), &Nobody).swap_remove(0)
}

/// Start, close and end in seconds, and the other end's last byte.
fn connections(holds: &[HoldRow]) -> Vec<(i64, i64, i64, Option<u8>)> {
    let last = |remote: (IpAddr, u16)| match remote.0 {
        IpAddr::V4(ip) => ip.octets()[3],
        IpAddr::V6(_) => 0,
    };
    let demand = demand_of(&counted(holds), holds, 0, Takers::Everything).demand;
    let seconds = |d: &Demand| (d.start_ns / SECOND, d.closed_ns / SECOND, d.end_ns / SECOND, d.remote.map(last));
    demand.iter().map(seconds).collect()
}

#[test]
fn time_wait_is_as_counted_and_ends_with_the_recording() {
    let other_closed = HoldRow { closed: false, ..call(50_001, 2, 5, 8) };
    assert_eq!(
        connections(&[call(50_000, 2, 0, 10), other_closed, call(50_002, 3, 900, 910)]),
        [(0, 10, 250, Some(2)), (5, 8, 8, Some(2)), (900, 910, 1_000, Some(3))]
    );
}

#[test]
fn flows_of_one_port_at_the_same_time_are_one_demand_and_its_later_use_another() {
    let to_many = [call(50_000, 2, 0, 10), call(50_000, 3, 5, 20), call(50_000, 3, 20, 30)];
    assert_eq!(connections(&to_many), [(0, 30, 270, None)]);
    let again = [call(50_000, 2, 0, 10), call(50_000, 2, 11, 12)];
    assert_eq!(connections(&again), [(0, 10, 250, Some(2)), (11, 12, 252, Some(2))]);
    let open = [HoldRow { open_at_end: true, closed: false, ..call(50_000, 2, 0, 10) }, call(50_000, 2, 500, 510)];
    assert_eq!(connections(&open), [(0, 1_000, 1_000, Some(2))], "nobody closed it");
}

#[test]
fn what_the_host_did_not_open_or_might_not_have_is_left_out() {
    let holds = [
        call(50_000, 2, 0, 10),
        HoldRow { initiated: false, ..call(50_001, 2, 0, 10) },
        HoldRow { orientation: Orientation::Guess, ..call(50_002, 2, 0, 10) },
        call(2_000, 2, 0, 10),
    ];
    assert_eq!(connections(&holds), [(0, 10, 250, Some(2))]);
    let listeners_only = demand_of(&counted(&holds), &holds, 3, Takers::Listeners);
    assert_eq!((listeners_only.demand.len(), listeners_only.connections, listeners_only.unseen_listeners), (3, 0, 3));
    assert!(listeners_only.demand.iter().all(|d| d.kind == DemandKind::Listener));
}

#[test]
fn a_replay_without_limit_wants_what_was_counted() {
    let holds: Vec<HoldRow> = (0..40).map(|n| call(50_000 + n, 2, i64::from(n) * 20, i64::from(n) * 20 + 5)).collect();
    let count = counted(&holds);
    let demand = demand_of(&count, &holds, 0, Takers::Everything).demand;
    let usable = UsablePorts::new(PortRange::new(50_000, 50_999).unwrap(), &[]);
    let replay = replay(&demand, usable, AllocationOrder::Sequential);
    assert_eq!(replay.wanted.ports, u64::from(count.held.peak.ports));
    assert_eq!(replay.wanted.at_ns, count.held.peak.at_ns);
    assert_eq!(replay.strict.ephemeral, Attempts { attempts: 40, blocked: 0 });
}

#[test]
fn holders_are_those_of_the_moment_most_ports_first() {
    let holds = [call(50_000, 2, 0, 10), call(50_001, 3, 0, 10), call(50_002, 3, 5, 9), call(50_003, 4, 300, 301)];
    let demand = demand_of(&counted(&holds), &holds, 1, Takers::Everything).demand;
    let at = holders(&demand, 100 * SECOND, 5);
    let found: Vec<(u32, Option<(IpAddr, u16)>)> = at.iter().map(|h| (h.ports, h.remote)).collect();
    assert_eq!(found, [(2, Some(([10, 0, 0, 3].into(), 1_433))), (1, Some(([10, 0, 0, 2].into(), 1_433)))]);
    assert_eq!(holders(&demand, 100 * SECOND, 1).len(), 1);
}

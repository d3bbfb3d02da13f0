//! What holds for any demand.

use super::*;
use proptest::prelude::*;

fn demand() -> impl Strategy<Value = Vec<Demand>> {
    let one =
        (0i64..200, 0i64..40, 0i64..40, 0u8..4, 0u8..10).prop_map(|(start_ns, open, wait, remote, kind)| Demand {
            start_ns,
            closed_ns: start_ns + open,
            end_ns: start_ns + open + wait,
            remote: (remote > 0).then(|| (IpAddr::from([10, 0, 0, remote]), 80)),
            kind: if kind == 0 { DemandKind::Listener } else { DemandKind::Ephemeral },
        });
    prop::collection::vec(one, 0..120)
}

/// The same loss system, told the slow way: a list of what is held.
fn naive(demand: &[Demand], capacity: u32) -> (u64, u32) {
    let listeners = demand.iter().filter(|d| d.kind == DemandKind::Listener).count();
    let mut blocked = listeners.saturating_sub(capacity as usize) as u64;
    let room = (capacity as usize).saturating_sub(listeners);
    let mut connections: Vec<&Demand> = demand.iter().filter(|d| d.kind == DemandKind::Ephemeral).collect();
    connections.sort_by_key(|d| d.start_ns);
    let (mut held, mut most): (Vec<i64>, usize) = (Vec::new(), 0);
    for connection in connections {
        held.retain(|end_ns| *end_ns >= connection.start_ns);
        if held.len() < room {
            held.push(connection.end_ns);
            most = most.max(held.len());
        } else {
            blocked += 1;
        }
    }
    (blocked, (most + listeners.min(capacity as usize)) as u32)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_more_is_held_than_there_is(demand in demand(), capacity in 0u32..40, seed: u64) {
        let orders = [AllocationOrder::Sequential, AllocationOrder::Random { seed }];
        let replays = orders.map(|order| replay(&demand, UsablePorts::of_size(capacity), order));
        for replay in &replays {
            prop_assert_eq!(replay.squeeze.held + replay.squeeze.free, capacity);
            prop_assert_eq!(replay.strict.attempts(), demand.len() as u64);
            prop_assert_eq!((replay.strict.blocked(), replay.squeeze.held), naive(&demand, capacity));
            prop_assert_eq!(replay.strict.blocked() > 0, replay.wanted.ports > u64::from(capacity));
            prop_assert_eq!(replay.strict.blocked() > 0, replay.strict.first_blocked_ns.is_some());
            prop_assert_eq!(replay.with_reuse.attempts(), replay.strict.attempts());
        }
        // The order decides which number, not whether there is one.
        prop_assert_eq!(replays[0].strict, replays[1].strict);
        prop_assert_eq!(replays[0].squeeze, replays[1].squeeze);
    }

    #[test]
    fn a_sweep_says_what_replays_say_and_more_ports_never_lose_more(demand in demand()) {
        let points = sweep(&demand, &(0..40).rev().collect::<Vec<_>>());
        for point in &points {
            let replay = replay(&demand, UsablePorts::of_size(point.ports), AllocationOrder::Sequential);
            prop_assert_eq!(replay.strict.blocked(), point.blocked);
        }
        prop_assert!(points.is_sorted_by(|less, more| less.ports < more.ports && less.blocked >= more.blocked));
    }

    #[test]
    fn ports_in_time_wait_are_used_again_no_sooner_than_they_may(demand in demand(), capacity in 1u32..10) {
        let replay = replay(&demand, UsablePorts::of_size(capacity), AllocationOrder::Sequential);
        if let Some(gap_ns) = replay.shortest_reuse_ns {
            let connections = demand.iter().filter(|d| d.kind == DemandKind::Ephemeral);
            let shortest_wait_ns = connections.map(|d| d.end_ns - d.closed_ns).min();
            prop_assert!(Some(gap_ns) > shortest_wait_ns);
        }
    }

    #[test]
    fn usable_ports_agree_with_a_count(first in 1u16..200, length in 0u16..100, blocks in prop::collection::vec((1u16..300, 0u16..50), 0..6)) {
        let range = PortRange::new(first, first + length).unwrap();
        let blocks: Vec<PortRange> = blocks.into_iter().map(|(at, more)| PortRange::new(at, at + more).unwrap()).collect();
        let free = range.as_inclusive().filter(|port| !blocks.iter().any(|block| block.contains(*port))).count();
        prop_assert_eq!(UsablePorts::new(range, &blocks).count() as usize, free);
    }
}

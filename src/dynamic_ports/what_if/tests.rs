//! Replays by hand, and against the Erlang B formula.

use super::pool::SplitMix64;
use super::*;

const SECOND: i64 = 1_000_000_000;
const ANY: AllocationOrder = AllocationOrder::Sequential;

fn remote(last: u8) -> Option<(IpAddr, u16)> {
    Some((IpAddr::from([10, 0, 0, last]), 1_433))
}

/// A connection, in seconds: start, close, end of TIME_WAIT.
fn connection(start: i64, closed: i64, end: i64, to: u8) -> Demand {
    Demand {
        start_ns: start * SECOND,
        closed_ns: closed * SECOND,
        end_ns: end * SECOND,
        remote: remote(to),
        kind: DemandKind::Ephemeral,
    }
}

fn listener(start: i64) -> Demand {
    Demand { kind: DemandKind::Listener, remote: None, ..connection(start, start + 1, start + 1, 0) }
}

fn ports(count: u32) -> UsablePorts {
    UsablePorts::of_size(count)
}

#[test]
fn a_port_is_held_to_its_last_instant_and_time_wait_counts() {
    let demand = [connection(0, 10, 70, 1), connection(70, 75, 75, 1), connection(71, 72, 72, 1)];
    let replay = replay(&demand, ports(1), ANY);
    assert_eq!(replay.strict.ephemeral, Attempts { attempts: 3, blocked: 1 });
    assert_eq!(replay.strict.first_blocked_ns, Some(70 * SECOND));
    assert_eq!(replay.strict.blocking_probability(), Some(1.0 / 3.0));
    assert_eq!(replay.squeeze, Squeeze { at_ns: Some(0), held: 1, free: 0, listeners: 0, connections: 1 });
    assert_eq!(replay.wanted, Peak { ports: 2, at_ns: Some(70 * SECOND) });
    // From the close at 10 to the use at 71: the blocked one used nothing.
    assert_eq!(replay.shortest_reuse_ns, Some(61 * SECOND));
}

#[test]
fn the_squeeze_says_what_held_the_ports() {
    // At 20: a listener, one connection in TIME-WAIT, one under way and the new one.
    let demand = [listener(0), connection(0, 10, 250, 1), connection(15, 40, 280, 1), connection(20, 30, 30, 2)];
    let squeeze = replay(&demand, ports(10), ANY).squeeze;
    assert_eq!(squeeze, Squeeze { at_ns: Some(20 * SECOND), held: 4, free: 6, listeners: 1, connections: 2 });
    assert_eq!(squeeze.time_wait(), 1);
    // Turned away, it holds nothing.
    let tight = replay(&demand, ports(3), ANY).squeeze;
    assert_eq!((tight.at_ns, tight.connections, tight.time_wait()), (Some(15 * SECOND), 1, 1));
}

#[test]
fn listeners_come_first_and_are_held_throughout() {
    let demand = [connection(0, 1, 1, 1), listener(500), listener(100), connection(1_000, 1_001, 1_001, 1)];
    let tight = replay(&demand, ports(2), ANY);
    assert_eq!(tight.strict.listeners, Attempts { attempts: 2, blocked: 0 });
    assert_eq!(tight.strict.ephemeral, Attempts { attempts: 2, blocked: 2 });
    assert_eq!(tight.squeeze, Squeeze { at_ns: Some(0), held: 2, free: 0, listeners: 2, connections: 0 });
    let smaller = replay(&demand, ports(1), ANY);
    assert_eq!(smaller.strict.listeners, Attempts { attempts: 2, blocked: 1 });
    // The connection was blocked at 0, the second listener at 500.
    assert_eq!(smaller.strict.first_blocked_ns, Some(0));
    let enough = replay(&demand, ports(3), ANY);
    assert_eq!(enough.strict.blocked(), 0);
    assert_eq!(enough.squeeze, Squeeze { at_ns: Some(0), held: 3, free: 0, listeners: 2, connections: 1 });
}

#[test]
fn a_listener_without_a_port_says_when_it_was_first_there() {
    let replay = replay(&[listener(7), listener(3)], ports(1), ANY);
    assert_eq!(replay.strict.first_blocked_ns, Some(7 * SECOND));
    assert_eq!(replay.wanted, Peak { ports: 2, at_ns: Some(3 * SECOND) });
}

#[test]
fn reuse_serves_other_remotes_during_time_wait_only() {
    // One port, closed at 10, in TIME_WAIT to 250.
    let first = connection(0, 10, 250, 1);
    let second = |start, to| {
        let replay = replay(&[first, connection(start, start + 1, start + 1, to)], ports(1), ANY);
        (replay.strict.blocked(), replay.with_reuse.blocked())
    };
    assert_eq!(second(20, 2), (1, 0), "another remote");
    assert_eq!(second(20, 1), (1, 1), "the same remote");
    assert_eq!(second(5, 2), (1, 1), "while it is open");
    assert_eq!(second(251, 1), (0, 0), "later");
}

#[test]
fn a_reused_port_waits_for_every_remote_that_it_had() {
    let steps = [connection(0, 1, 241, 1), connection(10, 11, 251, 2), connection(20, 21, 261, 1)];
    assert_eq!(replay(&steps, ports(1), ANY).with_reuse.blocked(), 1);
    let other = [steps[0], steps[1], connection(20, 21, 261, 3), connection(245, 246, 246, 1)];
    // At 245 the TIME_WAIT towards 1 is over; those towards 2 and 3 are not.
    assert_eq!(replay(&other, ports(1), ANY).with_reuse.blocked(), 0);
    // Towards somebody unknown nothing is shared, before or after.
    let nobody = Demand { remote: None, ..steps[1] };
    assert_eq!(replay(&[steps[0], nobody], ports(1), ANY).with_reuse.blocked(), 1);
    assert_eq!(replay(&[nobody, steps[2]], ports(1), ANY).with_reuse.blocked(), 1);
}

#[test]
fn sequential_order_uses_a_number_again_as_late_as_it_can() {
    // A connection a second that holds its port for no time: ten ports come round every ten seconds.
    let demand: Vec<Demand> = (0..100).map(|second| connection(second, second, second, 1)).collect();
    assert_eq!(replay(&demand, ports(10), ANY).shortest_reuse_ns, Some(10 * SECOND));
    let random = replay(&demand, ports(10), AllocationOrder::Random { seed: 1 });
    assert!(random.shortest_reuse_ns < Some(10 * SECOND), "{random:?}");
    assert_eq!(random, replay(&demand, ports(10), AllocationOrder::Random { seed: 1 }));
}

#[test]
fn usable_ports_are_those_of_the_range_that_nothing_else_holds() {
    let range = |first, last| PortRange::new(first, last).unwrap();
    let count = |without: &[PortRange]| UsablePorts::new(range(50_000, 50_319), without).count();
    assert_eq!(count(&[]), 320);
    assert_eq!(count(&[range(1, 49_999), range(50_320, 65_535)]), 320);
    assert_eq!(count(&[range(50_010, 50_019), range(50_015, 50_024), range(40_000, 50_000)]), 304);
    assert_eq!(count(&[range(50_300, 65_535), range(50_319, 50_319)]), 300);
    assert_eq!(count(&[range(1, 65_535)]), 0);
    assert_eq!(UsablePorts::new(range(1, 65_535), &[]).count(), 65_535);
}

#[test]
fn nothing_and_broken_demand_are_no_trouble() {
    let none = replay(&[], ports(0), ANY);
    assert_eq!((none.strict.attempts(), none.strict.blocking_probability(), none.squeeze.at_ns), (0, None, None));
    assert_eq!(none.strict.rule_of_three(), None);
    let backwards = Demand { end_ns: i64::MIN, closed_ns: i64::MAX, ..connection(5, 0, 0, 1) };
    let forever = Demand { start_ns: i64::MIN, closed_ns: i64::MAX, end_ns: i64::MAX, ..backwards };
    for order in [ANY, AllocationOrder::Random { seed: 7 }] {
        let replay = replay(&[backwards, forever, backwards], ports(1), order);
        assert_eq!(replay.strict.ephemeral, Attempts { attempts: 3, blocked: 2 });
    }
    assert!(sweep(&[], &[]).is_empty());
    assert_eq!(
        sweep(&[backwards], &[0, 0, 70_000]).iter().map(|p| (p.ports, p.blocked)).collect::<Vec<_>>(),
        [(0, 1), (65_535, 0)]
    );
}

#[test]
fn the_rule_of_three_needs_attempts_and_no_loss() {
    let losses = |attempts, blocked| Losses { ephemeral: Attempts { attempts, blocked }, ..Losses::default() };
    assert_eq!(losses(3_000, 0).rule_of_three(), Some(0.001));
    assert_eq!(losses(2, 0).rule_of_three(), Some(1.0));
    assert_eq!(losses(3_000, 1).rule_of_three(), None);
}

/// Blocking of a Poisson load of `erlangs` on `servers`: Erlang's formula by its usual recursion.
fn erlang_b(erlangs: f64, servers: u32) -> f64 {
    (1..=servers).fold(1.0, |b, n| erlangs * b / (f64::from(n) + erlangs * b))
}

/// Poisson arrivals, one a second in the mean, that hold their port for `mean_s`, exponential or constant.
fn poisson(arrivals: usize, mean_s: f64, exponential: bool) -> Vec<Demand> {
    let mut random = SplitMix64(42);
    let mut exp = move || -(1.0 - (random.next() >> 11) as f64 / (1u64 << 53) as f64).ln();
    let mut now_s = 0.0;
    let arrival = |_| {
        now_s += exp();
        let hold_s = if exponential { mean_s * exp() } else { mean_s };
        let ns = |s: f64| (s * 1e9) as i64;
        let (start_ns, end_ns) = (ns(now_s), ns(now_s + hold_s));
        Demand { start_ns, closed_ns: end_ns, end_ns, remote: None, kind: DemandKind::Ephemeral }
    };
    (0..arrivals).map(arrival).collect()
}

#[test]
fn a_poisson_load_is_lost_as_erlang_says() {
    for exponential in [true, false] {
        let demand = poisson(200_000, 25.0, exponential);
        for point in sweep(&demand, &[20, 25, 30, 35]) {
            let (seen, expected) = (point.blocking_probability, erlang_b(25.0, point.ports));
            // Blocked attempts come in clusters: the deviation allowed is about four times that of independent ones.
            let allowed = 16.0 * (expected / 200_000.0).sqrt();
            assert!((seen - expected).abs() < allowed, "{} {exponential}: {seen} {expected}", point.ports);
            let replay = replay(&demand, ports(point.ports), AllocationOrder::Random { seed: 3 });
            assert_eq!(replay.strict.blocked(), point.blocked);
        }
    }
    assert!((erlang_b(25.0, 52) - 1e-6).abs() < 1e-6, "the table of the domain dossier");
}

/// Measurements: the time that the test harness prints less that of the first, which only makes the demand.
/// `cargo test --lib --no-default-features five_million -- --ignored --test-threads=1`
mod five_million_connections {
    use super::*;

    fn demand() -> Vec<Demand> {
        let mut demand = poisson(5_000_000, 240.0, true);
        for (number, item) in demand.iter_mut().enumerate() {
            item.closed_ns = item.start_ns + (item.end_ns - item.start_ns) / 16;
            item.remote = remote((number % 7) as u8);
        }
        demand
    }

    #[test]
    #[ignore = "a measurement"]
    fn are_made() {
        assert_eq!(demand().len(), 5_000_000);
    }

    #[test]
    #[ignore = "a measurement"]
    fn are_replayed_without_loss() {
        assert_eq!(replay(&demand(), ports(400), ANY).strict.blocked(), 0);
    }

    #[test]
    #[ignore = "a measurement"]
    fn are_replayed_with_reuse() {
        let replay = replay(&demand(), ports(250), ANY);
        assert!(replay.with_reuse.blocked() < replay.strict.blocked(), "{replay:?}");
    }

    #[test]
    #[ignore = "a measurement"]
    fn are_swept_over_twenty_sizes() {
        let points = sweep(&demand(), &(210..=400).step_by(10).collect::<Vec<_>>());
        assert_eq!(points.len(), 20);
    }
}

//! Which ports count, whose demand it is, and which sizes are tried.

use super::*;
use crate::classification::{JudgedFrame, ReducedFlow, Restarts};
use crate::dynamic_ports::ranges::{HostRange, RangeSource};
use crate::dynamic_ports::{Reductions, count_hosts};
use crate::model::{Orientation, Status};
use crate::store::Facts;

const SECOND: i64 = 1_000_000_000;
const SERVER: [u8; 4] = [10, 0, 0, 5];

struct Nobody;

impl Knowledge for Nobody {
    fn stated_range(&self, _: IpAddr, _: Transport) -> Option<HostRange> {
        Some(HostRange::stated(49_152..=65_535, RangeSource::Site))
    }

    fn time_wait_ns(&self, _: IpAddr) -> Option<i64> {
        Some(60 * SECOND)
    }
}

fn flow(from: ([u8; 4], u16), to: ([u8; 4], u16), start: i64, end: i64) -> ReducedFlow {
    ReducedFlow {
        transport: Transport::Tcp,
        initiator: Endpoint { ip: from.0.into(), port: from.1 },
        responder: Endpoint { ip: to.0.into(), port: to.1 },
        first_seen_ns: start * SECOND,
        last_seen_ns: end * SECOND,
        forward_packets: 5,
        reverse_packets: 5,
        wire_bytes: 1_000,
        orientation: Orientation::Certain,
        status: Status::Undocumented,
        served: true,
        begun_before: false,
        initiator_closed: Some(true),
        open_at_end: false,
    }
}

/// A server with two listeners that makes ten calls, one each ten seconds, and serves at 20005 too.
fn flows() -> Vec<ReducedFlow> {
    const CLIENT: [u8; 4] = [10, 0, 0, 9];
    let calls =
        (0..10).map(|n| flow((SERVER, 60_000 + n), ([10, 0, 0, 7], 1_433), i64::from(n) * 10, i64::from(n) * 10 + 1));
    let served = [50_001, 50_002, 20_005].map(|port| flow((CLIENT, 3_000), (SERVER, port), 3, 4));
    calls.chain(served).collect()
}

fn ask(range: &str, left_out: &[(Transport, PortRange)], scope: Scope, facts: &Facts) -> Vec<Answer> {
    let frame = JudgedFrame::of(flows().into_iter()).unwrap();
    let reductions = Reductions::of(&frame).unwrap();
    let (holds, endpoints) = (reductions.holds.clone(), reductions.endpoints.clone());
    let counts = count_hosts(reductions, &[(0, 500 * SECOND)], &Restarts::default(), &Nobody);
    let catalog = Catalog::builtin().unwrap();
    let question = Question {
        range: range.parse().unwrap(),
        scope,
        order: AllocationOrder::Sequential,
        hosts: &[SERVER.into()],
        left_out,
        sweep: true,
    };
    let tables = HostTables::of(facts);
    let evidence =
        Evidence { counts: &counts, holds, endpoints: &endpoints, catalog: &catalog, site: None, tables: &tables };
    answers(&question, evidence, &Nobody)
}

#[test]
fn the_demand_is_replayed_against_what_the_range_gives() {
    let facts = Facts::default();
    let answer = ask("20000-20009", &[], Scope::Allocation, &facts).swap_remove(0);
    assert_eq!((answer.listeners, answer.connections, answer.time_wait_ns), (2, 10, 60 * SECOND));
    assert_eq!((answer.capacity.serving.as_slice(), answer.capacity.usable.count()), (&[20_005][..], 9));
    // Each call holds its port for 61 s: seven at once, and two listeners.
    assert_eq!((answer.replay.wanted.ports, answer.replay.wanted.at_ns), (9, Some(60 * SECOND)));
    assert!(answer.is_served());
    assert_eq!(answer.wanted_by, [Holder { remote: Some(([10, 0, 0, 7].into(), 1_433)), ports: 7 }]);
    let tight = ask("20000-20008", &[], Scope::Allocation, &facts).swap_remove(0);
    assert!(!tight.is_served() && tight.replay.strict.ephemeral.blocked == 1, "{:?}", tight.replay);
}

#[test]
fn listeners_alone_need_no_room_for_connections() {
    let answer = ask("20000-20001", &[], Scope::Rpc, &Facts::default()).swap_remove(0);
    assert_eq!((answer.connections, answer.replay.strict.attempts(), answer.is_served()), (0, 2, true));
    assert!(!answer.shared_with_calls && ask("65000-65100", &[], Scope::Rpc, &Facts::default())[0].shared_with_calls);
    assert_eq!(ask("20000-20000", &[], Scope::Rpc, &Facts::default())[0].replay.strict.listeners.blocked, 1);
}

#[test]
fn what_others_hold_is_left_out() {
    let blocks = [
        (Transport::Tcp, PortRange::new(20_000, 20_003).unwrap()),
        (Transport::Udp, PortRange::new(1, 60_000).unwrap()),
    ];
    let capacity = ask("20002-20009", &blocks, Scope::Allocation, &Facts::default()).swap_remove(0).capacity;
    assert_eq!(capacity.left_out, [PortRange::new(20_002, 20_003).unwrap()]);
    assert_eq!(capacity.usable.count(), 8 - 2 - 1);
    // 54967 is stated by the documents; 49152 to 65535 is where the listeners are today: they move.
    let today = ask("49152-65535", &[], Scope::Allocation, &Facts::default()).swap_remove(0).capacity;
    assert!(today.documented.iter().any(|fixed| fixed.at.port == 54_967) && today.serving.is_empty());
    assert_eq!(today.usable.count() as usize, 16_384 - today.documented.len());
}

#[test]
fn only_the_hosts_that_were_asked_about_are_answered() {
    let hosts: Vec<IpAddr> =
        ask("20000-20009", &[], Scope::Allocation, &Facts::default()).iter().map(|answer| answer.host).collect();
    assert_eq!(hosts, [IpAddr::from(SERVER)]);
}

#[test]
fn a_host_table_shows_excluded_blocks_and_listeners_that_no_packet_showed() {
    let netstat: String = (50_001..=50_004)
        .map(|port| format!("  TCP    0.0.0.0:{port}    0.0.0.0:0    LISTENING    1000\r\n"))
        .chain(["  TCP    0.0.0.0:135    0.0.0.0:0    LISTENING    900\r\n".to_owned()])
        .collect();
    let netstat =
        format!("\r\nActive Connections\r\n\r\n  Proto  Local Address  Foreign Address  State  PID\r\n{netstat}");
    let mut facts = Facts::default();
    let blocks = "\r\nProtocol tcp Port Exclusion Ranges\r\n\r\nStart Port    End Port\r\n----------    --------\r\n     \
                  19990       20001\r\n     30000       30099\r\n";
    for (name, text) in [("netstat.txt", netstat.as_str()), ("netsh.txt", blocks)] {
        let host = "10.0.0.5".parse().unwrap();
        facts.add_host_table(crate::hosts::read(text.as_bytes(), name, &host, None).unwrap());
    }
    let answer = ask("20000-20009", &[], Scope::Allocation, &facts).swap_remove(0);
    assert_eq!((answer.listeners, answer.unseen_listeners), (2, 2));
    assert_eq!(answer.capacity.excluded, [PortRange::new(20_000, 20_001).unwrap()]);
    assert_eq!((answer.capacity.usable.count(), answer.replay.strict.listeners.attempts), (7, 4));
}

#[test]
fn the_sweep_holds_what_is_wanted_and_the_range_itself() {
    let answer = ask("20000-20009", &[], Scope::Allocation, &Facts::default()).swap_remove(0);
    let sweep = answer.sweep.unwrap();
    assert_eq!(sweep.asked, Some(9));
    let at = |ports: u32| sweep.points.iter().find(|p| p.ports == ports).map(|p| (p.blocked, p.attempts));
    assert_eq!(at(9), Some((0, 12)));
    assert_eq!(at(8), Some((1, 12)));
    assert!(sweep.points.windows(2).all(|pair| pair[0].blocked >= pair[1].blocked));
}

#[test]
fn sizes_are_few_and_cover_what_matters() {
    let all = sizes(76, 51, 320);
    assert_eq!((all.first(), all.last()), (Some(&51), Some(&92)));
    assert!(all.contains(&76) && all.len() <= 32, "{all:?}");
    assert!(sizes(76, 51, 200).contains(&200) && sizes(76, 51, 0).contains(&0));
    for (wanted, listeners, capacity) in [(0, 0, 0), (1, 9, 1), (u64::MAX, u32::MAX, u32::MAX), (65_535, 3, 65_535)] {
        let sizes = sizes(wanted, listeners, capacity);
        assert!(!sizes.is_empty() && sizes.len() < 60, "{sizes:?}");
    }
}

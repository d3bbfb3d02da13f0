//! What counts as a port in use, and what does not.

use super::*;
use crate::catalog::{Catalog, Site};
use crate::classification::{HostTables, Judged, JudgedFrame, ReducedFlow, judge};
use crate::model::*;
use crate::store::Facts;

const SECOND: i64 = 1_000_000_000;

const SITE: &str = r#"
[[host]]
address = "10.0.0.1"
roles = ["server"]
[[host]]
address = "10.0.0.9"
roles = ["agent"]
[[host]]
address = "10.0.0.8"
dynamic_range = "40000-40100"
"#;

fn endpoint(ip: u8, port: u16) -> Endpoint {
    Endpoint { ip: [10, 0, 0, ip].into(), port }
}

/// A flow whose handshake completed, or was refused.
fn flow(from: Endpoint, to: Endpoint, refused: bool, start: i64, end: i64) -> FlowRecord {
    let (key, side) = FlowKey::new(Transport::Tcp, from, to);
    let one = DirectionFacts {
        packets: 3,
        payload_bytes: 9,
        payload_packets: 1,
        syn: 1,
        syn_frame: Some(1),
        ..DirectionFacts::default()
    };
    let other = match refused {
        true => DirectionFacts { packets: 1, rst: 1, ..DirectionFacts::default() },
        false => {
            DirectionFacts { packets: 2, syn_ack: 1, payload_bytes: 9, payload_packets: 1, ..DirectionFacts::default() }
        }
    };
    let (from_a, from_b) = if side == Side::A { (one, other) } else { (other, one) };
    FlowRecord {
        last_seen_ns: end * SECOND,
        first_syn: Some(side),
        from_a,
        from_b,
        state: TcpState::Established,
        end_reason: EndReason::Closed,
        ..FlowRecord::begun(key, side, CaptureIndex(0), start as u64 + 1, start * SECOND)
    }
}

fn counted(flows: Vec<FlowRecord>) -> PortCounts {
    let catalog = Catalog::builtin().unwrap();
    let site = Site::from_toml("site.toml", SITE, &catalog).unwrap();
    let judged = judge(&Facts { flows: flows.into(), ..Facts::default() }, &catalog, Some(&site));
    counts(&judged, &catalog, &site)
}

fn counts(judged: &Judged, catalog: &Catalog, site: &Site) -> PortCounts {
    let frame = JudgedFrame::of(judged.flows.iter().map(ReducedFlow::of)).unwrap();
    let hosts = HostTables::default();
    count(&Known { catalog, site: Some(site), judged, hosts: &hosts, time_wait_ns: None }, &frame, &[]).unwrap()
}

#[test]
fn listeners_are_ports_that_answered_static_ones_apart() {
    let counts = counted(vec![
        flow(endpoint(9, 50_000), endpoint(1, 49_700), false, 0, 5),
        flow(endpoint(9, 50_001), endpoint(1, 49_700), false, 6, 9),
        flow(endpoint(9, 50_002), endpoint(1, 54_967), false, 6, 9),
        flow(endpoint(9, 50_003), endpoint(1, 49_701), true, 6, 9),
        flow(endpoint(9, 50_004), endpoint(1, 7002), false, 6, 9),
    ]);
    let listeners: Vec<_> = counts.listeners.iter().map(|l| (l.port, l.flows, l.clients)).collect();
    assert_eq!(listeners, [(49_700, 2, 1)]);
    let server = counts.hosts.iter().find(|h| h.roles == ["server"]).unwrap();
    assert_eq!((server.dynamic_listeners, server.static_in_range, server.ephemeral_ports), (1, 1, 0));
    assert_eq!(server.document_observed, Some(51));
    let agent = counts.hosts.iter().find(|h| h.roles == ["agent"]).unwrap();
    assert_eq!((agent.dynamic_listeners, agent.ephemeral_ports, agent.document_observed), (0, 5, Some(68)));
}

#[test]
fn the_peak_counts_ports_held_at_once_and_each_once() {
    let counts = counted(vec![
        flow(endpoint(9, 50_000), endpoint(1, 49_700), false, 0, 10),
        flow(endpoint(9, 50_001), endpoint(1, 49_700), false, 5, 20),
        flow(endpoint(9, 50_002), endpoint(1, 49_701), false, 15, 30),
    ]);
    let peak = |role: &str| {
        let host = counts.hosts.iter().find(|h| h.roles == [role]).unwrap();
        (host.peak_in_use, host.peak_at_ns.map(|ns| ns / SECOND))
    };
    assert_eq!(peak("server"), (2, Some(0)), "listeners are held throughout");
    assert_eq!(peak("agent"), (2, Some(5)));
}

#[test]
fn the_site_file_sets_a_hosts_own_range() {
    let counts = counted(vec![
        flow(endpoint(9, 50_000), endpoint(8, 40_050), false, 0, 1),
        flow(endpoint(9, 50_001), endpoint(8, 49_700), false, 0, 1),
    ]);
    assert_eq!(counts.listeners.iter().map(|l| l.port).collect::<Vec<_>>(), [40_050]);
}

#[test]
fn a_port_that_the_site_file_pins_is_static_at_its_host_only() {
    let documents = Catalog::builtin().unwrap();
    let text = "[[pin]]\ndaemon = \"ibmratl\"\nat = \"10.0.0.1\"\nport = 50123\nsource = \"perm.dat\"\n";
    let site = Site::from_toml("site.toml", &format!("{SITE}{text}"), &documents).unwrap();
    let catalog = documents.for_site(&site);
    let flows = vec![
        flow(endpoint(9, 60_000), endpoint(1, 50_123), false, 0, 1),
        flow(endpoint(1, 60_001), endpoint(9, 50_123), false, 0, 1),
    ];
    let judged = judge(&Facts { flows: flows.into(), ..Facts::default() }, &catalog, Some(&site));
    let counts = counts(&judged, &catalog, &site);
    assert_eq!(counts.listeners.iter().map(|l| l.host).collect::<Vec<_>>(), [endpoint(9, 1).ip]);
    let pinned = counts.hosts.iter().find(|h| h.host == endpoint(1, 1).ip).unwrap();
    assert_eq!((pinned.static_in_range, pinned.dynamic_listeners), (1, 0));
}

#[test]
fn hosts_are_told_with_their_zone() {
    let documents = Catalog::builtin().unwrap();
    let text = "[[zone]]\nid = \"cell-1\"\ntitle = \"Packaging\"\nnetworks = [\"10.0.0.0/29\"]\n";
    let site = Site::from_toml("site.toml", &format!("{SITE}{text}"), &documents).unwrap();
    let flows = vec![flow(endpoint(9, 60_000), endpoint(1, 7002), false, 0, 1)];
    let judged = judge(&Facts { flows: flows.into(), ..Facts::default() }, &documents, Some(&site));
    let counts = counts(&judged, &documents, &site);
    let zones: Vec<_> = counts.hosts.iter().map(|h| (h.host, h.zone.as_str())).collect();
    assert_eq!(zones, [(endpoint(1, 1).ip, "cell-1"), (endpoint(9, 1).ip, "")]);
}

#[test]
fn a_host_table_shows_listeners_that_nobody_called_and_makes_the_called_ones_known() {
    const LISTING: &str = "  TCP    0.0.0.0:49700    0.0.0.0:0    LISTENING    640\n [lsass.exe]\n\
        \x20 TCP    127.0.0.1:49800    0.0.0.0:0    LISTENING    700\n [local.exe]\n\
        \x20 TCP    0.0.0.0:54967    0.0.0.0:0    LISTENING    800\n\
        \x20 TCP    0.0.0.0:7002    0.0.0.0:0    LISTENING    900\n";
    let host: HostAddresses = "10.0.0.1".parse().unwrap();
    let table = crate::hosts::read(LISTING.as_bytes(), "netstat.txt", &host, None).unwrap();
    let flows = vec![
        flow(endpoint(9, 50_000), endpoint(1, 49_700), false, 0, 5),
        flow(endpoint(9, 50_001), endpoint(1, 49_701), false, 6, 9),
    ];
    let mut facts = Facts { flows: flows.into(), ..Facts::default() };
    facts.add_host_table(table);
    let catalog = Catalog::builtin().unwrap();
    let site = Site::from_toml("site.toml", SITE, &catalog).unwrap();
    let judged = judge(&facts, &catalog, Some(&site));
    let frame = JudgedFrame::of(judged.flows.iter().map(ReducedFlow::of)).unwrap();
    let hosts = HostTables::of(&facts);
    let known = Known { catalog: &catalog, site: Some(&site), judged: &judged, hosts: &hosts, time_wait_ns: None };
    let counts = count(&known, &frame, &[]).unwrap();
    let server = counts.counts.iter().find(|count| count.host == endpoint(1, 0).ip).unwrap();
    let epoch = server.fullest().unwrap();
    assert_eq!(epoch.listeners.len(), 2);
    assert_eq!(
        epoch.idle.iter().copied().collect::<Vec<_>>(),
        [49_800],
        "static ports and those below the range are none"
    );
    assert_eq!((epoch.sample.known, epoch.sample.visits.as_slice()), (2, &[1][..]), "49701 is not in the table");
    assert_eq!(server.held.listeners, 3, "idle ones hold a port too");
    let of = |port: u16| counts.listeners.iter().find(|listener| listener.port == port).unwrap();
    assert_eq!(
        (of(49_700).process.as_str(), of(49_700).process_source.as_str()),
        ("lsass.exe (640)", "netstat.txt line 1")
    );
    assert_eq!(of(49_701).process, "");
    assert_eq!(counts.hosts.iter().find(|h| h.roles == ["server"]).unwrap().idle_listeners, Some(1));
}

#[test]
fn reserved_ports_and_calls_enter_the_size() {
    let mut flows: Vec<FlowRecord> =
        (0..30).map(|n| flow(endpoint(9, 50_000 + n), endpoint(1, 7002), false, n as i64, n as i64 + 2)).collect();
    flows.push(flow(endpoint(9, 51_000), endpoint(1, 7002), false, 0, 3_600));
    let counts = counted(flows);
    let agent = counts.counts.iter().find(|count| count.host == endpoint(9, 0).ip).unwrap();
    let sizing = agent.sizing;
    assert_eq!((sizing.measured.peak, sizing.calls), (31, sizing.quantile.map(|q| q.max(47))));
    assert!(sizing.measured.reserved > 0, "the agent's document prints ports inside the dynamic range");
    assert!(sizing.allocation.unwrap() >= 255);
    assert_eq!(sizing.rpc, Some(100));
}

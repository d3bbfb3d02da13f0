//! Rows joined by address, port and time; and what they do to direction.

use super::*;
use crate::catalog::Catalog;
use crate::classification::judge;
use crate::classification::tests::{MIDSTREAM, tcp};
use crate::hosts;
use crate::model::{HostAddresses, HostTable, Orientation};

const HOST: &str = "10.0.0.1+fe80::1";
const HOUR: i64 = 3_600_000_000_000;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A listing of netstat; where a time is given, every row has it.
fn netstat(rows: &str, time_ns: Option<i64>) -> HostTable {
    let host: HostAddresses = HOST.parse().unwrap();
    let mut table = hosts::read(rows.as_bytes(), "netstat.txt", &host, None).unwrap();
    table.sockets.iter_mut().for_each(|socket| socket.time_ns = time_ns);
    table
}

fn facts(tables: impl IntoIterator<Item = HostTable>) -> Facts {
    let mut facts = Facts::default();
    tables.into_iter().for_each(|table| facts.add_host_table(table));
    facts
}

const ROWS: &str = "  TCP    0.0.0.0:49700    0.0.0.0:0    LISTENING    640\n [lsass.exe]\n\
    \x20 TCP    127.0.0.1:5939    0.0.0.0:0    LISTENING    1\n [local.exe]\n\
    \x20 TCP    [::]:49701    [::]:0    LISTENING    700\n\
    \x20 TCP    10.0.0.1:50000    10.0.0.9:135    ESTABLISHED    2300\n [caller.exe]\n\
    \x20 TCP    192.168.7.7:139    0.0.0.0:0    LISTENING    4\n\
    \x20 UDP    0.0.0.0:123    *:*    6328\n [svchost.exe]\n";

#[test]
fn a_listener_is_found_at_the_addresses_that_reach_it() {
    let facts = facts([netstat(ROWS, None)]);
    let tables = HostTables::of(&facts);
    let line = |at: &str, port| tables.listener(ip(at), Transport::Tcp, port, 0).map(|row| row.line);
    assert_eq!((line("10.0.0.1", 49_700), line("fe80::1", 49_700)), (Some(1), None), "0.0.0.0 is of IPv4");
    assert_eq!((line("10.0.0.1", 49_701), line("fe80::1", 49_701)), (None, Some(5)));
    assert_eq!(line("10.0.0.1", 5_939), None, "loopback is on no wire");
    assert_eq!(line("127.0.0.1", 5_939), None);
    assert_eq!(line("10.0.0.1", 50_000), None, "an open connection is no listener");
    assert_eq!((line("10.0.0.1", 139), line("192.168.7.7", 139)), (None, None), "not an address that the user gave");
    assert_eq!(line("10.0.0.2", 49_700), None);
    assert!(tables.listener(ip("10.0.0.1"), Transport::Udp, 123, 0).is_none());
    let all: Vec<u16> = tables.listening(ip("fe80::1")).map(|row| row.port).collect();
    assert_eq!(all, [49_700, 5_939, 49_701, 139], "all that listens, reachable or not, at each address of the host");
    assert_eq!(tables.bound_udp(ip("10.0.0.1")).map(|row| row.port).collect::<Vec<_>>(), [123]);
    assert!(tables.knows(ip("fe80::1")) && !tables.knows(ip("10.0.0.2")) && !tables.is_empty());
}

#[test]
fn time_and_restarts_part_rows() {
    let mut table = netstat(ROWS, Some(100 * HOUR));
    let listens = |facts: &Facts, hours: i64| {
        HostTables::of(facts).listener(ip("10.0.0.1"), Transport::Tcp, 49_700, hours * HOUR).is_some()
    };
    let near = facts([table.clone()]);
    assert!(listens(&near, 100) && listens(&near, 77) && listens(&near, 124));
    assert!(!listens(&near, 75) && !listens(&near, 125), "more than a day is too far to be evidence");
    // The host started between the time that is asked for and the listing, or after the listing.
    table.boot_ns = Some(99 * HOUR);
    let restarted = facts([table.clone()]);
    assert!(listens(&restarted, 100) && listens(&restarted, 99) && !listens(&restarted, 98));
    let mut later = netstat("  TCP    0.0.0.0:1    0.0.0.0:0    LISTENING    1\n", Some(110 * HOUR));
    later.boot_ns = Some(105 * HOUR);
    let twice = facts([table.clone(), later]);
    assert!(listens(&twice, 104) && !listens(&twice, 105));
    assert_eq!(HostTables::of(&twice).boots(ip("fe80::1")), [99 * HOUR, 105 * HOUR]);
    // Made at a known time: there from then on, however long before the listing.
    table.boot_ns = Some(10 * HOUR);
    table.sockets.iter_mut().for_each(|socket| socket.created_ns = Some(20 * HOUR));
    let made = facts([table]);
    assert!(listens(&made, 20) && listens(&made, 60) && !listens(&made, 19));
}

#[test]
fn a_process_is_named_within_the_epoch_and_says_where_from() {
    let before = netstat("  TCP    0.0.0.0:49700    0.0.0.0:0    LISTENING    640\n [old.exe]\n", Some(HOUR));
    let after = netstat("  TCP    0.0.0.0:49700    0.0.0.0:0    LISTENING    640\n  Svc\n [new.exe]\n", Some(9 * HOUR));
    let undated = netstat("  TCP    0.0.0.0:49700    0.0.0.0:0    LISTENING    1\n [undated.exe]\n", None);
    let facts = facts([before, after, undated]);
    let tables = HostTables::of(&facts);
    let named = |from: i64, to: i64| {
        let interval = from * HOUR..=to * HOUR;
        tables.process_of(ip("10.0.0.1"), Transport::Tcp, 49_700, &interval).unwrap()
    };
    let expected = Attribution {
        process: "new.exe".into(),
        pid: Some(640),
        service: "Svc".into(),
        source: "netstat.txt line 1".into(),
        is_contested: false,
    };
    assert_eq!(named(5, 10), expected);
    assert_eq!(named(0, 5).process, "old.exe");
    assert_eq!(named(20, 30).process, "undated.exe", "without a time only where no other is");
    assert!(named(0, 10).is_contested, "the caller's interval holds two processes");
    assert!(tables.process_of(ip("10.0.0.1"), Transport::Udp, 49_700, &(0..=HOUR)).is_none());
}

#[test]
fn listeners_come_before_connections_and_shared_ports_are_contested() {
    let rows = "  TCP    10.0.0.1:49700    10.0.0.9:5    ESTABLISHED    7\n [worker.exe]\n\
        \x20 TCP    0.0.0.0:49700    0.0.0.0:0    LISTENING    640\n [lsass.exe]\n\
        \x20 UDP    0.0.0.0:5353    *:*    1\n [a.exe]\n  UDP    0.0.0.0:5353    *:*    2\n [b.exe]\n";
    // The same file twice is no contest.
    let facts = facts([netstat(rows, None), netstat(rows, None)]);
    let tables = HostTables::of(&facts);
    let named = |transport, port| tables.process_of(ip("10.0.0.1"), transport, port, &(0..=1)).unwrap();
    let tcp = named(Transport::Tcp, 49_700);
    assert_eq!(
        (tcp.process.as_str(), tcp.is_contested, tcp.source.as_str()),
        ("lsass.exe", false, "netstat.txt line 3")
    );
    assert!(named(Transport::Udp, 5_353).is_contested);
    assert_eq!(tables.all(ip("10.0.0.1")).count(), 4);
}

#[test]
fn ranges_are_those_of_the_transport_and_the_ip_version() {
    let netsh = "netsh int ipv4\nProtocol tcp Dynamic Port Range\nStart : 50000\nNumber : 320\n 50000 50009 *\n\
        netsh int ipv6\nProtocol tcp Dynamic Port Range\nStart : 49152\nNumber : 16384\n";
    let table = hosts::read(netsh.as_bytes(), "netsh.txt", &HOST.parse().unwrap(), None).unwrap();
    let facts = facts([table]);
    let tables = HostTables::of(&facts);
    assert_eq!(tables.dynamic_range(ip("10.0.0.1"), Transport::Tcp), Some(50_000..=50_319));
    assert_eq!(tables.dynamic_range(ip("fe80::1"), Transport::Tcp), Some(49_152..=65_535));
    assert_eq!(tables.dynamic_range(ip("10.0.0.1"), Transport::Udp), None);
    assert_eq!(
        tables.excluded(ip("10.0.0.1"), Transport::Tcp).map(|r| (r.start, r.is_administered)).collect::<Vec<_>>(),
        [(50_000, true)]
    );
    assert_eq!((tables.excluded(ip("fe80::1"), Transport::Tcp).count(), tables.ranges(ip("fe80::1")).count()), (0, 3));
}

/// How a conversation without its handshake is oriented, the host's end being `port`.
fn judged(port: u16, tables: Vec<HostTable>) -> (Orientation, String, String) {
    let flows = vec![tcp(("10.0.0.9", 49_800), ("10.0.0.1", port), MIDSTREAM, 0)];
    let mut facts = Facts { flows: flows.into(), ..Facts::default() };
    tables.into_iter().for_each(|table| facts.add_host_table(table));
    let judged = judge(&facts, &Catalog::builtin().unwrap(), None);
    let judgement = &judged.flows[0].judgement;
    (judgement.orientation, judgement.responder.to_string(), judgement.orientation_evidence.clone())
}

#[test]
fn a_listener_settles_direction_and_says_where_it_stands() {
    // Both ports are dynamic ones, and the server's is the higher: numbers alone mislead.
    let rows = "  TCP    0.0.0.0:50700    0.0.0.0:0    LISTENING    640\n [lsass.exe]\n";
    assert_eq!(judged(50_700, vec![]).1, "10.0.0.9:49800");
    let (orientation, responder, evidence) = judged(50_700, vec![netstat(rows, None)]);
    assert_eq!((orientation, responder.as_str()), (Orientation::Strong, "10.0.0.1:50700"));
    assert!(evidence.starts_with("netstat.txt line 1: lsass.exe listens there"), "{evidence}");
}

#[test]
fn connections_loopback_and_other_hosts_settle_nothing() {
    let without = judged(50_700, vec![]);
    for rows in [
        "  TCP    10.0.0.1:50700    10.0.0.9:49800    ESTABLISHED    640\n [x.exe]\n",
        "  TCP    127.0.0.1:50700    0.0.0.0:0    LISTENING    640\n",
        "  TCP    192.168.1.1:50700    0.0.0.0:0    LISTENING    640\n",
        "  TCP    0.0.0.0:50700    0.0.0.0:0    BOUND    640\n",
        "  UDP    0.0.0.0:50700    *:*    640\n",
    ] {
        assert_eq!(judged(50_700, vec![netstat(rows, None)]), without, "{rows}");
    }
    // A listing from long before, or one that shows both ends listening, tells nothing either.
    let listens = "  TCP    0.0.0.0:50700    0.0.0.0:0    LISTENING    640\n";
    assert_eq!(judged(50_700, vec![netstat(listens, Some(-48 * HOUR))]), without);
    let peer = hosts::read(b"tcp LISTEN 0 1 *:49800 *:*\n", "ss.txt", &"10.0.0.9".parse().unwrap(), None).unwrap();
    assert_eq!(judged(50_700, vec![netstat(listens, None), peer]), without);
}

//! ss's listings: recorded ones (tests/data/host-tables/README.md), and what its manual allows besides.

use crate::hosts::test_support::{sockets, table, try_table, warnings};
use crate::model::{HostTableFormat, SocketState, Transport};

const RECORDED: &str = include_str!("../../tests/data/host-tables/ss-tunap.txt");
const RECORDED_BARE: &str = include_str!("../../tests/data/host-tables/ss-Htunap.txt");
const RECORDED_LISTENING: &str = include_str!("../../tests/data/host-tables/ss-tulpn.txt");
const RECORDED_TCP: &str = include_str!("../../tests/data/host-tables/ss-tlnp.txt");

#[test]
fn what_ss_wrote_is_understood_to_its_last_line() {
    let all = table(RECORDED);
    assert_eq!(all.source.format, HostTableFormat::Ss);
    assert_eq!((all.counts.not_understood, all.warnings.len()), (0, 0));
    assert_eq!(all.sockets.len(), RECORDED.lines().count() - 1, "every line but the header is a socket");
    let shown: Vec<String> = sockets(&all).iter().map(|s| s.split_once(' ').unwrap().1.to_owned()).collect();
    for expected in EXPECTED {
        assert!(shown.iter().any(|line| line == expected), "{expected} in {shown:#?}");
    }
}

/// What the sockets of the recorded listing are, by the script that made them.
const EXPECTED: &[&str] = include!("../../tests/data/host-tables/ss-expected.in");

#[test]
fn with_and_without_a_header_and_columns_the_sockets_are_the_same() {
    let keys = |text: &str, transport: Option<Transport>| {
        let mut keys: Vec<_> = table(text)
            .sockets
            .iter()
            .filter(|s| s.state == SocketState::Listen || s.state == SocketState::Unconnected)
            .filter(|s| transport.is_none_or(|only| s.transport == only))
            .map(|s| (s.transport.number(), s.local, s.port, s.process.clone(), s.process_id))
            .collect();
        keys.sort();
        keys
    };
    let all = keys(RECORDED, None);
    assert!(all.len() >= 4);
    assert_eq!(keys(RECORDED_BARE, None), all);
    assert_eq!(keys(RECORDED_LISTENING, None), all);
    assert_eq!(keys(RECORDED_TCP, None), keys(RECORDED, Some(Transport::Tcp)));
}

#[test]
fn other_kinds_of_sockets_and_further_lines_are_passed_over() {
    let text = "Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n\
        nl    UNCONN 0      0      0:1 *\n\
        u_str ESTAB  0      0      /run/x 1 * 2\n\
        tcp   ESTAB  0      0      10.0.0.5:22 10.0.0.7:50000 users:((\"ssh\"d\",pid=7,fd=3),(\"sh\",pid=8,fd=4)) timer:(keepalive,1min,0)\n\
        \t cubic wscale:7,7 rto:204\n\
        tcp   UNCONN 0      0      *:7 *:*\n\
        udp   ESTAB  0      0      10.0.0.5%eth0:68 10.0.0.1:67\n";
    let table = table(text);
    assert_eq!(
        sockets(&table),
        [
            "4 tcp 10.0.0.5 22 established pid=7 ssh\"d <- 10.0.0.7:50000",
            "6 tcp *both 7 closed",
            "7 udp 10.0.0.5 68 established <- 10.0.0.1:67",
        ]
    );
    assert_eq!(table.counts.not_understood, 0);
}

#[test]
fn a_name_cannot_pass_for_another_process() {
    let process = |users: &str| {
        let row = format!("tcp LISTEN 0 1 0.0.0.0:22 0.0.0.0:* users:({users})\n");
        let table = table(&row);
        (table.sockets[0].process.as_deref().unwrap_or_default().to_owned(), table.sockets[0].process_id)
    };
    assert_eq!(process("(\"a\",pid=9,fd=3)\",pid=10,fd=3)"), ("a\",pid=9,fd=3)".into(), Some(10)));
    assert_eq!(process("(\"a\",pid=1,fd=3),(\"b\",pid=2,fd=4)"), ("a".into(), Some(1)));
    assert_eq!(process("(\"\",pid=1,fd=3),(\"\",pid=2,fd=4)"), (String::new(), Some(1)));
    assert_eq!(process("(\"a\",pid=x,fd=3)"), (String::new(), None));
}

#[test]
fn what_is_not_understood_is_told() {
    let text = "tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:*\ntcp LISTEN 0 128 *:ssh *:*\nESTAB 0 0 10.0.0.5:1 10.0.0.7:2\ntcp LISTEN 0\n";
    let table = table(text);
    assert_eq!(sockets(&table), ["1 tcp *ipv4 22 listen"]);
    let told = warnings(&table);
    assert!(told[0].starts_with("2: ") && told[0].contains("names instead of numbers"), "{told:?}");
    // Without the first column nothing says whether an open socket is of TCP or UDP.
    assert!(told[1].starts_with("3: ") && told[2].starts_with("4: "), "{told:?}");
    assert!(try_table(b"State Recv-Q Send-Q Local Address:Port\nESTAB 0 0 10.0.0.5:1 10.0.0.7:2\n", None).is_err());
}

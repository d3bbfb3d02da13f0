//! Whatever a file holds: no panic, no row that cannot be, no text that acts, and limits that hold.

use super::test_support::{HOST, try_table};
use super::{MAX_LINE_BYTES, MAX_WARNINGS, read_within};
use crate::model::{HostTable, SocketState, Transport};
use proptest::prelude::*;

/// One sample of every format, short enough to be cut at every byte.
pub(super) const SAMPLES: [&str; 10] = [
    "  TCP    0.0.0.0:135    0.0.0.0:0    LISTENING    1072\n  RpcSs\n [svchost.exe]\n  UDP    [fe80::1%12]:123    *:*    6328\n",
    "  TCP    0.0.0.0:1    0.0.0.0:0    ABHÖREN    1\n  TCP    0.0.0.0:2    0.0.0.0:0    XYZ    2\n",
    "#TYPE x\n\"LocalAddress\",\"LocalPort\",\"RemoteAddress\",\"RemotePort\",\"State\",\"CreationTime\"\n\"::\",\"135\",\"::\",\"0\",\"Listen\",\"3/13/2026 8:00:00 AM\"\n",
    "LocalAddress;LocalPort;OwningProcess\n0.0.0.0;123;6328\n",
    "Netid State Recv-Q Send-Q Local Address:Port\ntcp LISTEN 0 128 [::1]%lo:22 0.0.0.0:* users:((\"sshd\",pid=1,fd=3))\n",
    "#Time Format: UTC\n#Fields: date time action protocol src-ip dst-ip src-port dst-port tcpflags path pid\n2026-03-02 08:00:00 ALLOW TCP 10.0.0.7 10.0.0.5 50123 49700 S RECEIVE 4\n",
    "<Events><Event><System><EventID>3</EventID></System><EventData><Data Name='Protocol'>tcp</Data><Data Name='Initiated'>false</Data><Data Name='SourceIp'>10.0.0.7</Data><Data Name='SourcePort'>1</Data><Data Name='DestinationIp'>10.0.0.5</Data><Data Name='DestinationPort'>2</Data><Data Name='Image'>C:\\&#120;.exe</Data></EventData></Event></Events>",
    "netsh int ipv4\nProtocol tcp Dynamic Port Range\nStart Port : 49152\nNumber of Ports : 16384\n  50000   50059   *\n",
    "net.ipv4.ip_local_port_range = 32768\t60999\nnet.ipv4.ip_local_reserved_ports = 8080,40000-40010\n",
    "## portproof-collect 1\n## facts\ntime_utc,2026-03-02T08:00:00Z\nhost,a\n## tcp\nLocalAddress,LocalPort,RemoteAddress,RemotePort,State\n::,1,::,0,Listen\n## dynamicport\nipv4,tcp,1,2\n## ss\ntcp LISTEN 0 1 *:2 *:*\n## end\n",
];

/// What holds for every table. Also the fuzz target's.
fn possible(table: &HostTable, input_bytes: usize) {
    let lines = table.counts.lines;
    for socket in &table.sockets {
        assert!(socket.port > 0 && socket.line > 0);
        assert!(socket.local.is_none_or(|ip| !ip.is_unspecified()), "a wildcard is no address");
        assert!(socket.transport == Transport::Tcp || socket.state != SocketState::Listen, "UDP does not listen");
        for name in [&socket.process, &socket.services].into_iter().flatten() {
            assert!(name.len() <= 255 && !name.is_empty() && !name.chars().any(char::is_control), "{name:?}");
        }
    }
    assert!(table.ranges.iter().all(|range| range.start > 0 && range.start <= range.end));
    assert!(table.sockets.len() + table.ranges.len() <= 2 * input_bytes);
    assert!(table.warnings.len() <= MAX_WARNINGS && lines <= input_bytes as u64 + 1);
    for warning in &table.warnings {
        assert!(!warning.reason.chars().any(char::is_control), "{warning:?}");
    }
}

fn look(bytes: &[u8]) {
    for zone in [None, Some("Europe/Vienna")] {
        match try_table(bytes, zone) {
            Ok(table) => possible(&table, bytes.len()),
            Err(error) => assert!(!error.to_string().chars().any(char::is_control), "{error:?}"),
        }
    }
}

#[test]
fn every_prefix_of_every_format_is_read_or_refused() {
    for sample in SAMPLES {
        assert!(try_table(sample.as_bytes(), None).is_ok(), "{sample}");
        (0..=sample.len()).for_each(|end| look(&sample.as_bytes()[..end]));
    }
}

#[test]
fn every_byte_may_be_another() {
    for sample in SAMPLES {
        for at in 0..sample.len() {
            for other in [0, 1, b'\n', b'"', b':', b'0', b'9', b'<', b'&', b' ', 0x7f, 0x80, 0xff] {
                let mut bytes = sample.as_bytes().to_vec();
                bytes[at] = other;
                look(&bytes);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn pieces_of_all_formats_in_any_order_are_read_or_refused(
        pieces in prop::collection::vec((0..SAMPLES.len(), 0..600_usize, 0..600_usize, "\\PC{0,12}"), 0..6),
    ) {
        let mut text = String::new();
        for (sample, from, length, noise) in pieces {
            text.extend(SAMPLES[sample].chars().skip(from % 64).take(length));
            text.push_str(&noise);
        }
        look(text.as_bytes());
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        look(&bytes);
    }

    #[test]
    fn any_words_of_a_row_are_read_or_refused(words in prop::collection::vec("TCP|UDP|tcp|[0-9.:*\\[\\]%a-f]{1,20}|LISTEN|\\PC{0,8}", 0..12)) {
        look(words.join(" ").as_bytes());
        look(format!("  TCP    0.0.0.0:1    0.0.0.0:0    LISTENING    1\n{}\n", words.join("  ")).as_bytes());
    }
}

#[test]
fn rows_beyond_the_limit_are_counted() {
    let row = "  TCP    0.0.0.0:135    0.0.0.0:0    LISTENING    1072\n [a.exe]\n";
    let read = |most| read_within(row.repeat(10).as_bytes(), "t", &HOST.parse().unwrap(), None, most).unwrap();
    let table = read(4);
    assert_eq!((table.sockets.len(), table.counts.rows_dropped), (4, 6));
    let table = read(0);
    assert_eq!((table.sockets.len(), table.counts.rows_dropped), (0, 10), "too many is not nothing");
}

#[test]
fn warnings_beyond_the_limit_are_counted_and_long_lines_left_out() {
    let row = "  TCP    0.0.0.0:135    0.0.0.0:0    LISTENING    1072\n";
    let text = format!("{row}{}", "  TCP  a:b  c:d\n".repeat(MAX_WARNINGS + 7));
    let table = try_table(text.as_bytes(), None).unwrap();
    assert_eq!((table.warnings.len(), table.counts.warnings_dropped), (MAX_WARNINGS, 7));
    assert_eq!(table.counts.not_understood, MAX_WARNINGS as u64 + 7);
    let text = format!("{row}  TCP  {}\n{row}", "x".repeat(MAX_LINE_BYTES));
    let table = try_table(text.as_bytes(), None).unwrap();
    assert_eq!((table.sockets.len(), table.counts.not_understood), (2, 1));
    assert_eq!(table.warnings[0].reason, "longer than 64 KiB: no tool writes such a line");
}

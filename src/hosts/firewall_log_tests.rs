//! Logs of the Windows Firewall, written from its description and from logs that people published.

use crate::hosts::test_support::{sockets, table, try_table, warnings};
use crate::model::HostTableFormat;

const HEAD: &str = "#Version: 1.5\r\n#Software: Microsoft Windows Firewall\r\n#Time Format: Local\r\n";
const FIELDS: &str = "#Fields: date time action protocol src-ip dst-ip src-port dst-port size tcpflags tcpsyn tcpack tcpwin \
    icmptype icmpcode info path";
const ROWS: &str = "\r\n\
2026-03-02 08:00:00 ALLOW TCP 10.0.0.7 10.0.0.5 50123 49700 52 S 1 0 8192 - - - RECEIVE\r\n\
2026-03-02 08:00:01 ALLOW TCP 10.0.0.7 10.0.0.5 50124 49701 0 - 0 0 0 - - - RECEIVE\r\n\
2026-03-02 08:00:02 ALLOW TCP 10.0.0.5 10.0.0.7 50200 135 0 - 0 0 0 - - - SEND\r\n\
2026-03-02 08:00:03 DROP TCP 10.0.0.9 10.0.0.5 40000 49999 60 S 1 0 8192 - - - RECEIVE\r\n\
2026-03-02 08:00:04 ALLOW UDP 10.0.0.7 10.0.0.5 123 123 76 - - - - - - - RECEIVE\r\n\
2026-03-02 08:00:05 ALLOW UDP 10.0.0.7 224.0.0.251 5353 5353 76 - - - - - - - RECEIVE\r\n\
2026-03-02 08:00:06 ALLOW ICMP 10.0.0.7 10.0.0.5 - - 60 - - - - 8 0 - RECEIVE\r\n\
2026-03-02 08:00:07 ALLOW TCP fe80::7 fe80::5 50125 445 52 S 1 0 8192 - - - RECEIVE\r\n\
2026-03-02 08:00:08 ALLOW TCP 10.0.0.7 10.0.0.9 1 2 52 S 1 0 8192 - - - FORWARD\r\n";

#[test]
fn an_allowed_syn_shows_a_listener_and_nothing_else_does() {
    let table = table(&format!("{HEAD}{FIELDS}{ROWS}"));
    assert_eq!(table.source.format, HostTableFormat::FirewallLog);
    assert_eq!(
        sockets(&table),
        [
            "5 tcp 10.0.0.5 49700 listen <- 10.0.0.7:50123",
            "6 tcp 10.0.0.5 49701 established <- 10.0.0.7:50124",
            "7 tcp 10.0.0.5 50200 established <- 10.0.0.7:135",
            "9 udp 10.0.0.5 123 unconnected <- 10.0.0.7:123",
            "12 tcp fe80::5 445 listen <- [fe80::7]:50125",
        ]
    );
}

#[test]
fn local_times_stay_unknown_without_a_zone() {
    let text = format!("{HEAD}{FIELDS}{ROWS}");
    let unknown = table(&text);
    assert!(unknown.sockets.iter().all(|s| s.time_ns.is_none()));
    assert_eq!(unknown.warnings.len(), 1, "told once: {:?}", unknown.warnings);
    assert!(warnings(&unknown)[0].contains("--host-time-zone"));
    let known = try_table(text.as_bytes(), Some("+01:00")).unwrap();
    assert_eq!(known.sockets[0].time_ns, Some(1_772_434_800_000_000_000));
    let utc = table(&text.replace("Format: Local", "Format: UTC"));
    assert_eq!(utc.sockets[0].time_ns, Some(1_772_438_400_000_000_000));
    assert!(utc.warnings.is_empty());
}

#[test]
fn newer_logs_have_an_18th_column_and_any_order_will_do() {
    let text = format!(
        "{HEAD}{FIELDS} pid\n2026-03-02 08:00:00 ALLOW TCP 10.0.0.7 10.0.0.5 50123 49700 52 S 1 0 8192 - - - RECEIVE 780\n"
    );
    assert_eq!(sockets(&table(&text)), ["5 tcp 10.0.0.5 49700 listen pid=780 <- 10.0.0.7:50123"]);
    let text = "#Fields: path tcpflags pid dst-port src-port dst-ip src-ip protocol action\nRECEIVE S 4 445 50000 10.0.0.5 10.0.0.7 TCP ALLOW\n";
    assert_eq!(sockets(&table(text)), ["2 tcp 10.0.0.5 445 listen pid=4 <- 10.0.0.7:50000"]);
}

#[test]
fn what_is_missing_is_told() {
    let error = try_table(b"#Fields: date time action protocol src-ip dst-ip\n", None).unwrap_err();
    assert_eq!(error.to_string(), "t.txt line 1: #Fields: lacks src-port: log with the default fields");
    let text = format!(
        "2026-03-02 08:00:00 ALLOW TCP a b c d\n{FIELDS}\n2026-03-02 08:00:00 ALLOW TCP 10.0.0.7 x 1 2 - S - - - - - - RECEIVE\n"
    );
    let error = try_table(text.as_bytes(), None).unwrap_err();
    assert_eq!(error.to_string(), "t.txt line 1: before any #Fields: line; keep the head of the file");
}

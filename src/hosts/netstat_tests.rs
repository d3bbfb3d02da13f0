//! netstat's listings: written from the description of the tool and from listings that people published, in four languages.

use crate::hosts::HostTableError;
use crate::hosts::test_support::{sockets, table, try_table, warnings};
use crate::model::HostTableFormat;

const ENGLISH: &str = concat!(
    "\r\n",
    "Active Connections\r\n",
    "\r\n",
    "  Proto  Local Address          Foreign Address        State           PID\r\n",
    "  TCP    0.0.0.0:135            0.0.0.0:0              LISTENING       1072\r\n",
    "  RpcSs\r\n",
    " [svchost.exe]\r\n",
    "  TCP    0.0.0.0:445            0.0.0.0:0              LISTENING       4\r\n",
    " Can not obtain ownership information\r\n",
    "  TCP    127.0.0.1:5939         0.0.0.0:0              LISTENING       3980\r\n",
    " [TeamViewer Service.exe]\r\n",
    "  TCP    10.0.0.5:49700         10.0.0.7:50123         ESTABLISHED     2300\r\n",
    " [RnaDirServer.exe]\r\n",
    "  TCP    10.0.0.5:50001         10.0.0.7:135           TIME_WAIT       0\r\n",
    "  TCP    [::]:49664             [::]:0                 LISTENING       780\r\n",
    " [lsass.exe]\r\n",
    "  TCP    [fe80::5%12]:49701     [fe80::7%12]:50200     CLOSE_WAIT      2300       InHost\r\n",
    "  UDP    0.0.0.0:123            *:*                                    6328\r\n",
    "  W32Time\r\n",
    " [svchost.exe]\r\n",
    "  UDP    [fe80::5%12]:546       *:*                                    980\r\n",
);

#[test]
fn rows_have_the_process_that_stands_below_them() {
    let table = table(ENGLISH);
    assert_eq!(table.source.format, HostTableFormat::Netstat);
    assert_eq!(
        sockets(&table),
        [
            "5 tcp *ipv4 135 listen pid=1072 svchost.exe (RpcSs)",
            "8 tcp *ipv4 445 listen pid=4",
            "10 tcp 127.0.0.1 5939 listen pid=3980 TeamViewer Service.exe",
            "12 tcp 10.0.0.5 49700 established pid=2300 RnaDirServer.exe <- 10.0.0.7:50123",
            "14 tcp 10.0.0.5 50001 time-wait <- 10.0.0.7:135",
            "15 tcp *ipv6 49664 listen pid=780 lsass.exe",
            "17 tcp fe80::5 49701 close-wait pid=2300 <- [fe80::7]:50200",
            "18 udp *ipv4 123 unconnected pid=6328 svchost.exe (W32Time)",
            "21 udp fe80::5 546 unconnected pid=980",
        ]
    );
    assert!(table.sockets.iter().all(|s| s.time_ns.is_none()), "netstat tells no time");
    assert_eq!((table.warnings.len(), table.counts.not_understood, table.counts.lines), (0, 0, 21));
}

#[test]
fn without_processes_and_with_offloading_rows_are_the_same() {
    let bare = "  TCP    0.0.0.0:135    0.0.0.0:0    LISTENING\n  UDP    0.0.0.0:123    *:*\n";
    assert_eq!(sockets(&table(bare)), ["1 tcp *ipv4 135 listen", "2 udp *ipv4 123 unconnected"]);
}

#[test]
fn translated_headers_states_and_sentences_change_nothing() {
    let german = "Aktive Verbindungen\n\n  Proto  Lokale Adresse  Remoteadresse  Status  PID\n\
        \x20 TCP    0.0.0.0:135    0.0.0.0:0    ABHÖREN    1072\n\
        \x20Es konnten keine Besitzerinformationen abgerufen werden.\n\
        \x20 TCP    10.0.0.5:49700    10.0.0.7:50123    HERGESTELLT    2300\n\
        \x20 TCP    10.0.0.5:50001    10.0.0.7:135    WARTEND    0\n";
    assert_eq!(
        sockets(&table(german)),
        [
            "4 tcp *ipv4 135 listen pid=1072",
            "6 tcp 10.0.0.5 49700 established pid=2300 <- 10.0.0.7:50123",
            "7 tcp 10.0.0.5 50001 time-wait <- 10.0.0.7:135",
        ]
    );
    let french = "Connexions actives\n\n  Proto  Adresse locale  Adresse distante  État  PID\n\
        \x20 TCP    0.0.0.0:135    0.0.0.0:0    LISTENING    1072\n  RpcSs\n [svchost.exe]\n\
        \x20 UDP    0.0.0.0:123    *:*    6328\n\x20Impossible d’obtenir les informations de propriétaire\n";
    assert_eq!(
        sockets(&table(french)),
        ["4 tcp *ipv4 135 listen pid=1072 svchost.exe (RpcSs)", "7 udp *ipv4 123 unconnected pid=6328"]
    );
    let japanese = "アクティブな接続\n\n  プロトコル  ローカル アドレス  外部アドレス  状態  PID\n\
        \x20 TCP         0.0.0.0:135    0.0.0.0:0    LISTENING    1072\n 所有者情報を取得できません\n";
    assert_eq!(sockets(&table(japanese)), ["4 tcp *ipv4 135 listen pid=1072"]);
}

#[test]
fn an_unknown_word_for_waiting_means_listening_where_it_is_the_only_one() {
    // A German console's code page 850, read as what it is not: Ö is a byte that is no UTF-8.
    let german =
        b"  TCP    0.0.0.0:135    0.0.0.0:0    ABH\x99REN    1072\n  TCP    [::]:49664    [::]:0    ABH\x99REN    4\n";
    let table = try_table(german, None).unwrap();
    assert_eq!(sockets(&table), ["1 tcp *ipv4 135 listen pid=1072", "2 tcp *ipv6 49664 listen pid=4"]);
    assert!(warnings(&table)[0].starts_with("1: not UTF-8"));
}

#[test]
fn bound_sockets_are_no_listeners_in_any_language() {
    let english =
        "  TCP    0.0.0.0:135    0.0.0.0:0    LISTENING    1\n  TCP    0.0.0.0:50000    0.0.0.0:0    BOUND    2\n";
    assert_eq!(sockets(&table(english))[1], "2 tcp *ipv4 50000 bound pid=2");
    let other =
        "  TCP    0.0.0.0:135    0.0.0.0:0    KUUNTELU    1\n  TCP    0.0.0.0:50000    0.0.0.0:0    SIDOTTU    2\n";
    let table = table(other);
    assert_eq!(sockets(&table), ["1 tcp *ipv4 135 other pid=1", "2 tcp *ipv4 50000 other pid=2"]);
    assert!(warnings(&table)[0].contains("cannot be told apart"), "{:?}", table.warnings);
}

#[test]
fn names_instead_of_numbers_are_told_with_the_remedy() {
    let error = try_table(b"  TCP    0.0.0.0:epmap    SRV1:0    LISTENING\n", None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "t.txt line 1: \"0.0.0.0:epmap SRV1:0 LISTENING\" is no pair of an address and a port; write the table with numbers: \
         netstat -anob > netstat.txt"
    );
    assert!(matches!(error, HostTableError::NothingUnderstood { line: 1, .. }));
}

#[test]
fn names_below_a_row_stay_names() {
    let long = "x".repeat(300);
    let text = format!(
        "  TCP    0.0.0.0:1    0.0.0.0:0    LISTENING    1\n [a\u{1b}[31m.exe]\n [second.exe]\n\n [third.exe]\n\
         \x20 TCP    0.0.0.0:2    0.0.0.0:0    LISTENING    2\n [{long}]\n"
    );
    let table = table(&text);
    assert_eq!(table.sockets[0].process.as_deref(), Some("a[31m.exe"), "nothing acts, and the first one counts");
    assert_eq!(table.sockets[1].process.as_ref().map(|name| name.len()), Some(255));
    assert_eq!(table.counts.not_understood, 1, "a program below an empty line belongs to no row");
}

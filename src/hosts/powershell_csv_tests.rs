//! Tables of Get-NetTCPConnection and Get-NetUDPEndpoint as Export-Csv writes them in several countries: written from the
//! cmdlets' descriptions.

use crate::hosts::test_support::{sockets, table, try_table, warnings};
use crate::model::HostTableFormat;

const TCP: &str = "#TYPE Microsoft.Management.Infrastructure.CimInstance#ROOT/StandardCimv2/MSFT_NetTCPConnection\r\n\
\"State\",\"AppliedSetting\",\"CreationTime\",\"LocalAddress\",\"LocalPort\",\"OwningProcess\",\"RemoteAddress\",\"RemotePort\"\r\n\
\"Listen\",,\"3/2/2026 6:30:00 AM\",\"::\",\"135\",\"1072\",\"::\",\"0\"\r\n\
\"Established\",\"Internet\",\"3/14/2026 8:00:00 PM\",\"10.0.0.5\",\"49700\",\"2300\",\"10.0.0.7\",\"50123\"\r\n\
\"Bound\",,\"3/2/2026 6:30:00 AM\",\"0.0.0.0\",\"50000\",\"2300\",\"0.0.0.0\",\"0\"\r\n\
\"TimeWait\",,,\"10.0.0.5\",\"50001\",\"0\",\"10.0.0.7\",\"135\"\r\n";

const SHOWN: [&str; 4] = [
    "3 tcp *both 135 listen pid=1072",
    "4 tcp 10.0.0.5 49700 established pid=2300 <- 10.0.0.7:50123",
    "5 tcp *ipv4 50000 bound pid=2300",
    "6 tcp 10.0.0.5 50001 time-wait <- 10.0.0.7:135",
];

#[test]
fn columns_are_found_by_name_in_every_encoding_and_with_every_separator() {
    let read = table(TCP);
    assert_eq!(
        (sockets(&read).as_slice(), read.source.format),
        (&SHOWN.map(str::to_owned)[..], HostTableFormat::NetTcpConnection)
    );
    let utf16: Vec<u8> = TCP.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf16_be: Vec<u8> = TCP.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [
        [b"\xff\xfe", utf16.as_slice()].concat(),
        [b"\xfe\xff", utf16_be.as_slice()].concat(),
        utf16,
        [b"\xef\xbb\xbf", TCP.as_bytes()].concat(),
        TCP.replace("\",\"", "\";\"").replace(",,", ";;").replace(",\"", ";\"").replace("\",", "\";").into_bytes(),
        TCP.replace(',', "\t").into_bytes(),
        TCP.replace("\r\n", "\n").replace('"', "").into_bytes(),
    ] {
        assert_eq!(sockets(&try_table(&bytes, None).unwrap()), SHOWN);
    }
}

#[test]
fn states_may_be_numbers() {
    let text = "LocalAddress,LocalPort,RemoteAddress,RemotePort,State,OwningProcess\n10.0.0.5,135,0.0.0.0,0,2,4\n\
        10.0.0.5,136,0.0.0.0,0,77,4\n10.0.0.5,137,10.0.0.7,9,11,0\n";
    let table = table(text);
    assert_eq!(
        sockets(&table),
        [
            "2 tcp 10.0.0.5 135 listen pid=4",
            "3 tcp 10.0.0.5 136 other pid=4",
            "4 tcp 10.0.0.5 137 time-wait <- 10.0.0.7:9"
        ]
    );
    assert_eq!(warnings(&table), ["3: \"77\" is no state that is known"]);
}

#[test]
fn udp_endpoints_have_neither_state_nor_other_end() {
    let text = "\"LocalAddress\";\"LocalPort\";\"OwningProcess\"\n\"0.0.0.0\";\"123\";\"6328\"\n\"fe80::5%12\";\"546\";\"980\"\n";
    let table = table(text);
    assert_eq!(sockets(&table), ["2 udp *ipv4 123 unconnected pid=6328", "3 udp fe80::5 546 unconnected pid=980"]);
    assert_eq!(table.source.format, HostTableFormat::NetUdpEndpoint);
}

fn created(rows: &[&str], zone: Option<&str>) -> (Vec<Option<i64>>, Vec<String>) {
    let mut text = "LocalAddress,LocalPort,RemoteAddress,RemotePort,State,CreationTime\n".to_owned();
    rows.iter().for_each(|time| text.push_str(&format!("10.0.0.5,1,::,0,Listen,{time}\n")));
    let table = try_table(text.as_bytes(), zone).unwrap();
    (table.sockets.iter().map(|s| s.created_ns).collect(), warnings(&table))
}

#[test]
fn times_of_making_are_used_where_they_can_mean_one_moment_only() {
    let second = 1_000_000_000;
    assert_eq!(created(&["1970-01-01T01:00:01+01:00"], None), (vec![Some(second)], vec![]));
    assert_eq!(created(&["01.01.1970 01:00:01"], Some("Europe/Berlin")), (vec![Some(second)], vec![]));
    assert_eq!(created(&["1970/01/01 9:00:01"], Some("Asia/Tokyo")), (vec![Some(second)], vec![]));
    // One date tells how all are written.
    let (times, told) = created(&["1/2/1970 12:00:00 AM", "1/13/1970 12:00:00 AM"], Some("UTC"));
    assert_eq!((times, told), (vec![Some(86_400 * second), Some(12 * 86_400 * second)], vec![]));
    let (times, told) = created(&["01/02/1970 00:00:00", "13/01/1970 00:00:00"], Some("UTC"));
    assert_eq!((times, told), (vec![Some(31 * 86_400 * second), Some(12 * 86_400 * second)], vec![]));
}

#[test]
fn times_of_making_that_can_mean_two_moments_are_left_out_and_told() {
    let (times, told) = created(&["1/2/1970 12:00:00 AM"], Some("UTC"));
    assert_eq!((times, told.len()), (vec![None], 1));
    assert!(told[0].starts_with("2: CreationTime may mean two days"), "{told:?}");
    let (times, told) = created(&["13/1/1970 00:00:00", "1/13/1970 00:00:00"], Some("UTC"));
    assert_eq!((times, told.len()), (vec![None, None], 1), "a file of both kinds tells nothing");
    let (times, told) = created(&["01.01.1970 01:00:01"], None);
    assert!(times == [None] && told[0].contains("--host-time-zone"), "{told:?}");
    let (times, told) = created(&["昨日"], Some("UTC"));
    assert!(times == [None] && told[0].contains("not known"), "{told:?}");
}

#[test]
fn rows_that_are_wrong_are_told_with_their_line_and_the_others_kept() {
    let text = "\nLocalAddress,LocalPort,RemoteAddress,RemotePort,State\n\n10.0.0.5,135,::,0,Listen\nsrv1,1,::,0,Listen\n10.0.0.5,70000,::,0,Listen\n10.0.0.5\n";
    let table = table(text);
    assert_eq!(sockets(&table), ["4 tcp 10.0.0.5 135 listen"]);
    let told = warnings(&table);
    assert_eq!(told.len(), 3);
    assert!(
        told[0].starts_with("5: \"srv1, 1\"") && told[1].starts_with("6: ") && told[2].starts_with("7: "),
        "{told:?}"
    );
}

#[test]
fn a_missing_quotation_mark_does_not_swallow_the_file_unseen() {
    let mut text =
        "LocalAddress,LocalPort,RemoteAddress,RemotePort,State\n10.0.0.5,1,::,0,Listen\n10.0.0.5,\"2,::,0,Listen\n"
            .to_owned();
    (0..5_000).for_each(|n| text.push_str(&format!("10.0.0.5,{},::,0,Listen\n", n + 3)));
    let table = table(&text);
    assert_eq!(table.sockets.len(), 1);
    assert_eq!(warnings(&table), ["3: longer than 64 KiB: a quotation mark is missing"]);
}

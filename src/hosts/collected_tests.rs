//! Files of the collectors: one that the Linux script wrote, and one as the PowerShell script should write it.

use crate::hosts::test_support::{ranges, sockets, table, try_table, warnings};
use crate::model::HostTableFormat;

const WINDOWS: &str = concat!(
    "## portproof-collect 1\r\n## facts\r\nsystem,windows\r\nhost,SRV1\r\ntime_utc,1970-01-02T00:00:00Z\r\n",
    "boot_utc,1970-01-01T00:00:00Z\r\n## tcp\r\n",
    "\"LocalAddress\",\"LocalPort\",\"RemoteAddress\",\"RemotePort\",\"State\",\"OwningProcess\",\"ProcessName\",\"Services\",\"CreationTimeUtc\"\r\n",
    "\"0.0.0.0\",\"135\",\"0.0.0.0\",\"0\",\"Listen\",\"1072\",\"svchost.exe\",\"RpcEptMapper, RpcSs\",\"1970-01-01T00:00:01Z\"\r\n",
    "\"10.0.0.5\",\"49700\",\"10.0.0.7\",\"50123\",\"Established\",\"2300\",\"RnaDirServer.exe\",\"\",\"\"\r\n",
    "## udp\r\n\"LocalAddress\",\"LocalPort\",\"OwningProcess\",\"ProcessName\",\"Services\",\"CreationTimeUtc\"\r\n",
    "\"::\",\"123\",\"6328\",\"svchost.exe\",\"W32Time\",\"\"\r\n",
    "## dynamicport\r\nversions,transport,start,count\r\nipv4,tcp,49152,16384\r\nipv6,udp,49152,16384\r\n",
    "## excludedportrange\r\nversions,transport,start,end,administered\r\nipv4,tcp,5357,5357,0\r\nipv4,tcp,50000,50059,1\r\n## end\r\n",
);

#[test]
fn sections_give_rows_with_the_time_and_the_lines_of_the_file() {
    let table = table(WINDOWS);
    assert_eq!(table.source.format, HostTableFormat::Collected);
    assert_eq!(
        sockets(&table),
        [
            "9 tcp *ipv4 135 listen pid=1072 svchost.exe (RpcEptMapper, RpcSs)",
            "10 tcp 10.0.0.5 49700 established pid=2300 RnaDirServer.exe <- 10.0.0.7:50123",
            "13 udp *both 123 unconnected pid=6328 svchost.exe (W32Time)",
        ]
    );
    assert_eq!(
        ranges(&table),
        [
            "16 tcp ipv4 dynamic 49152-65535",
            "17 udp ipv6 dynamic 49152-65535",
            "20 tcp ipv4 excluded 5357-5357",
            "21 tcp ipv4 excluded 50000-50059 *",
        ]
    );
    let day = 86_400_000_000_000;
    assert_eq!((table.host_name.as_deref(), table.taken_ns, table.boot_ns), (Some("SRV1"), Some(day), Some(0)));
    assert!(
        table.sockets.iter().all(|s| s.time_ns == Some(day)) && table.ranges.iter().all(|r| r.time_ns == Some(day))
    );
    assert_eq!(table.sockets[0].created_ns, Some(1_000_000_000));
    assert!(table.warnings.is_empty(), "{:?}", table.warnings);
}

#[test]
fn what_the_linux_script_wrote_is_understood_to_its_last_line() {
    let text = include_str!("../../tests/data/host-tables/collected-linux.txt");
    let table = table(text);
    let rows = text.lines().filter(|line| line.starts_with("tcp") || line.starts_with("udp")).count();
    assert_eq!((table.sockets.len(), rows, table.counts.not_understood, table.warnings.len()), (13, 13, 0, 0));
    assert_eq!(ranges(&table).len(), 2);
    assert!(table.boot_ns < table.taken_ns && table.boot_ns.is_some() && table.host_name.as_deref() == Some("srv1"));
    let listing = crate::hosts::test_support::table(include_str!("../../tests/data/host-tables/ss-tunap.txt"));
    assert_eq!(listing.sockets.len(), table.sockets.len());
}

#[test]
fn a_cut_file_and_what_is_not_known_are_told() {
    let cut = table(WINDOWS.trim_end().trim_end_matches("## end"));
    assert!(warnings(&cut)[0].contains("no \"## end\" line"), "{:?}", cut.warnings);
    let more = table(&WINDOWS.replace("## end", "## sockets\r\nx\r\n## end"));
    assert_eq!(warnings(&more), ["22: section \"sockets\" is not known: passed over"]);
    let bad = table(&WINDOWS.replace("ipv6,udp,49152", "ipx,udp,49152").replace("1970-01-01T00:00:00Z", "yesterday"));
    assert_eq!(
        warnings(&bad),
        ["6: \"yesterday\" is no time as 2026-03-02T08:00:00Z", "17: \"ipx,udp,49152,16384\" is no range"]
    );
    let error = try_table(b"## portproof-collect 2\n## facts\n", None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "t.txt line 1: written by a collector of version \"2\", this program reads version 1"
    );
}

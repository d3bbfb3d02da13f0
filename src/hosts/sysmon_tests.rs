//! Sysmon's events as XML, written from the description of event 3.

use crate::hosts::test_support::{sockets, table, try_table, warnings};
use crate::model::HostTableFormat;

fn event(id: u32, initiated: bool, source: &str, destination: &str) -> String {
    let (source_ip, source_port) = source.rsplit_once('|').unwrap();
    let (destination_ip, destination_port) = destination.rsplit_once('|').unwrap();
    format!(
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Microsoft-Windows-Sysmon' \
         Guid='{{5770385f-c22a-43e0-bf4c-06f5698ffbd9}}'/><EventID>{id}</EventID><Computer>SRV1</Computer></System><EventData>\
         <Data Name='RuleName'>-</Data><Data Name='UtcTime'>2026-03-02 08:00:00.123</Data><Data Name='ProcessId'>2300</Data>\
         <Data Name='Image'>C:\\Program Files\\R&amp;D\\Rna&#68;irServer.exe</Data><Data Name='Protocol'>tcp</Data>\
         <Data Name='Initiated'>{initiated}</Data><Data Name='SourceIsIpv6'>false</Data><Data Name='SourceIp'>{source_ip}</Data>\
         <Data Name='SourcePort'>{source_port}</Data><Data Name='DestinationIp'>{destination_ip}</Data>\
         <Data Name='DestinationPort'>{destination_port}</Data><Data Name='DestinationPortName'/></EventData></Event>\n"
    )
}

#[test]
fn the_hosts_end_is_found_whichever_way_the_event_has_it() {
    let text = [
        event(3, true, "10.0.0.5|50001", "10.0.0.7|135"),
        event(3, false, "10.0.0.7|50123", "10.0.0.5|49700"),
        event(3, false, "10.0.0.5|49701", "10.0.0.7|50124"),
        event(22, true, "10.0.0.5|1", "10.0.0.7|2"),
        event(3, false, "fe80:0:0:0:0:0:0:7|50123", "fe80:0:0:0:0:0:0:5|445"),
    ]
    .concat();
    let expected = [
        "1 tcp 10.0.0.5 50001 established pid=2300 RnaDirServer.exe <- 10.0.0.7:135",
        "2 tcp 10.0.0.5 49700 listen pid=2300 RnaDirServer.exe <- 10.0.0.7:50123",
        "3 tcp 10.0.0.5 49701 listen pid=2300 RnaDirServer.exe <- 10.0.0.7:50124",
        "5 tcp fe80::5 445 listen pid=2300 RnaDirServer.exe <- [fe80::7]:50123",
    ];
    let read = table(&text);
    assert_eq!(read.source.format, HostTableFormat::Sysmon);
    assert_eq!(sockets(&read), expected);
    assert_eq!(read.sockets[0].time_ns, Some(1_772_438_400_123_000_000));
    let wrapped = format!("<?xml version=\"1.0\" encoding=\"utf-8\"?><Events>{text}</Events>");
    assert_eq!(sockets(&table(&wrapped)), expected);
    let utf16: Vec<u8> = wrapped.replace("utf-8", "utf-16").encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(sockets(&try_table(&[b"\xff\xfe", utf16.as_slice()].concat(), None).unwrap()), expected);
}

#[test]
fn an_event_of_nobody_here_and_a_cut_file_are_told() {
    let text = event(3, true, "10.0.0.5|50001", "10.0.0.7|135") + &event(3, true, "10.9.9.9|1", "10.8.8.8|2");
    let read = table(&text);
    assert_eq!((read.sockets.len(), read.counts.not_understood), (1, 1));
    assert!(warnings(&read)[0].starts_with("2: neither 10.9.9.9:1 nor 10.8.8.8:2 is an address of this host"));
    for lost in [3, 10, 20, 40, 300] {
        let cut = table(&text[..text.len() - lost]);
        assert_eq!((cut.sockets.len(), cut.warnings.len()), (1, 1), "{lost}");
        let told = warnings(&cut).remove(0);
        assert!(told.starts_with("2: ") && (told.contains("cut") || told.contains("no XML from here on")), "{told}");
    }
    let broken = table(&text.replacen("</EventData></Event>\n<Event", "</EventData></Event>\n</Wrong><Event", 1));
    assert!(warnings(&broken)[0].contains("no XML from here on"), "{:?}", broken.warnings);
}

#[test]
fn entities_are_not_expanded_and_large_events_left_out() {
    let bomb = "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]>".to_owned()
        + &event(3, true, "10.0.0.5|50001", "10.0.0.7|135").replace("RuleName'>-", "RuleName'>&b;&unknown;");
    assert_eq!(table(&bomb).sockets.len(), 1);
    let large = event(3, true, "10.0.0.5|50001", "10.0.0.7|135")
        .replace("RuleName'>-", &format!("RuleName'>{}", "x".repeat(70_000)));
    let error = try_table(large.as_bytes(), None).unwrap_err();
    assert!(error.to_string().contains("longer than 64 KiB"), "{error}");
}

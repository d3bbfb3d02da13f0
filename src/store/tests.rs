//! What is written is read back, and a store that is not ours is refused.

use super::schema::{CaptureIds, LossRow};
use super::*;
use crate::model::*;

fn record() -> FlowRecord {
    let endpoint = |ip: &str, port| Endpoint { ip: ip.parse().unwrap(), port };
    let (key, side) = FlowKey::new(Transport::Tcp, endpoint("fe80::1", 50_000), endpoint("10.0.0.1", 135));
    FlowRecord {
        capture: CaptureIndex(0),
        first_frame: 3,
        key,
        encapsulation: Encapsulation {
            vlan: Some(42),
            outer_vlan: Some(7),
            tunnels: "gre/erspan".parse().unwrap(),
            tunnel_id: Some(33),
            depth: 1,
        },
        carries: Some(Tunnel::Vxlan),
        carrier_packets: 4,
        first_seen_ns: -5,
        last_seen_ns: i64::MAX,
        first_sender: side,
        first_syn: Some(side),
        from_a: DirectionFacts { packets: 1, wire_bytes: 1 << 53, tcp_flags: 0x12, syn_ack: 1, ..Default::default() },
        from_b: DirectionFacts {
            packets: 7,
            syn: 2,
            handshake_copies: 1,
            retransmitted: 3,
            keep_alives: 4,
            gaps: 5,
            fast_open_bytes: 6,
            is_recorder: true,
            syn_frame: Some(3),
            syn_ns: Some(9),
            ..Default::default()
        },
        state: TcpState::SynReceived,
        end_reason: EndReason::PortReused,
        icmp: IcmpFacts {
            prohibited: 1,
            quoted: Some(Side::B),
            first_type: Some(3),
            first_code: Some(13),
            ..Default::default()
        },
        fragments: 2,
        duplicates: 1,
        snapped: 2,
        syn_to_syn_ack_ns: Some(11),
        syn_ack_to_ack_ns: Some(12),
        first_fin: Some(Side::B),
        application: Some(Recognised {
            protocol: Protocol::DceRpc,
            certainty: Certainty::Certain,
            server: Some(Side::A),
        }),
    }
}

fn capture() -> CaptureSummary {
    let mut tally = Tally::default();
    tally.count(Fate::Tcp);
    tally.count(Fate::Arp);
    CaptureSummary {
        name: "a\u{1b}.pcap".into(),
        id: "0123456789ab".into(),
        size_bytes: None,
        sha256: None,
        format: "pcap",
        compression: "none",
        interfaces: Vec::new(),
        first_ns: Some(1),
        last_ns: None,
        snapped_frames: 0,
        backward_steps: 0,
        reading: ReadingCounts {
            untimed_frames: 3,
            skipped_bytes: 7,
            names_dropped: 5,
            processes_dropped: 2,
            ..Default::default()
        },
        filter: Some("tcp port 135".into()),
        tally,
        first_stop: None,
        end: CaptureEnd::Truncated("after frame 2, byte 99".into()),
    }
}

fn burst() -> Activity {
    Activity {
        capture: CaptureIndex(0),
        flow_first_frame: 3,
        burst_capture: CaptureIndex(0),
        first_frame: 9,
        start_ns: 10,
        end_ns: 11,
        payload_bytes_a: 12,
        payload_bytes_b: 13,
    }
}

#[test]
fn facts_come_back_as_they_were_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let mut writer = PartitionWriter::create(&store, CaptureIds(vec![capture().id])).unwrap();
    writer.flow(&record()).unwrap();
    writer.activity(&burst()).unwrap();
    let name = NameFact {
        capture: CaptureIndex(0),
        address: "10.0.0.1".parse().unwrap(),
        name: "srv\u{1b}".into(),
        source: NameSource::NameResolutionBlock,
    };
    let comment =
        CommentFact { capture: CaptureIndex(0), frame: Some(2), place: CommentPlace::Packet, text: "<look>".into() };
    writer.remarks(std::slice::from_ref(&name), std::slice::from_ref(&comment)).unwrap();
    let (local, remote) = (record().key.a, record().key.b);
    let socket = SocketFact {
        position: Position { capture: CaptureIndex(0), frame: 3, offset: 0 },
        time_ns: -5,
        transport: Transport::Tcp,
        local,
        remote,
        process: Process { id: u32::MAX, name: b"ssh\xff" },
    };
    writer.socket(&socket).unwrap();
    let losses = [LossRow { kind: "flows-evicted", count: 4 }];
    writer.commit(&[(CaptureIndex(0), capture())], &losses).unwrap();
    let facts = read_facts(&store).unwrap();
    assert_eq!(facts.flows.iter().collect::<Vec<_>>(), [record()]);
    assert_eq!(facts.activity, [burst()]);
    assert_eq!(facts.captures[0].fates, [("tcp".to_owned(), 1), ("arp".to_owned(), 1)]);
    assert_eq!((facts.captures[0].frames, facts.captures[0].end.as_str()), (2, "truncated"));
    assert_eq!((facts.names, facts.comments), (vec![name], vec![comment]));
    let found = &facts.sockets[0];
    assert_eq!((found.frame, found.time_ns, found.local, found.remote), (3, -5, local, remote));
    assert_eq!((found.process_id, found.process_name.as_str()), (u32::MAX, "ssh\u{fffd}"));
    assert_eq!(facts.captures[0].reading, capture().reading);
    assert_eq!(facts.captures[0].filter.as_deref(), Some("tcp port 135"));
    assert_eq!(facts.losses, [("flows-evicted".to_owned(), 4)]);
}

fn host_table() -> HostTable {
    let format = HostTableFormat::Sysmon;
    let host = "10.0.0.1+fe80::1".parse().unwrap();
    let source = std::sync::Arc::new(HostTableSource { host, file: "a\u{202e}.xml".into(), format });
    let socket = HostSocket {
        source: source.clone(),
        line: 7,
        time_ns: Some(-3),
        created_ns: None,
        transport: Transport::Tcp,
        versions: IpVersions::Both,
        local: None,
        port: 135,
        remote: Some(Endpoint { ip: "fe80::9".parse().unwrap(), port: 50_000 }),
        state: SocketState::Listen,
        process_id: Some(u32::MAX),
        process: Some("svchost.exe".into()),
        services: None,
    };
    let bare = HostSocket { local: Some("10.0.0.1".parse().unwrap()), remote: None, process: None, ..socket.clone() };
    let range = HostRange {
        source: source.clone(),
        line: 9,
        time_ns: None,
        transport: Transport::Udp,
        versions: IpVersions::V6,
        kind: HostRangeKind::Excluded,
        start: 5,
        end: 65_535,
        is_administered: true,
    };
    HostTable {
        source,
        host_name: Some("SRV1".into()),
        taken_ns: Some(1),
        boot_ns: Some(-1),
        sockets: vec![socket, bare],
        ranges: vec![range],
        warnings: Vec::new(),
        counts: HostTableCounts { lines: 10, not_understood: 1, rows_dropped: 2, warnings_dropped: 3 },
    }
}

#[test]
fn host_tables_come_back_as_they_were_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let mut writer = PartitionWriter::create(&store, CaptureIds::default()).unwrap();
    writer.host_table(&host_table()).unwrap();
    writer.commit(&[], &[]).unwrap();
    let mut facts = read_facts(&store).unwrap();
    let HostTable { sockets, ranges, .. } = host_table();
    assert_eq!((&facts.host_sockets, &facts.host_ranges), (&sockets, &ranges));
    assert_eq!(facts.host_tables, [host_table().row()]);
    facts.append(read_facts(&store).unwrap());
    assert_eq!((facts.host_tables.len(), facts.host_sockets.len(), facts.host_ranges.len()), (2, 4, 2));
}

#[test]
fn a_table_of_more_than_a_million_rows_has_further_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let mut writer = PartitionWriter::create(&store, CaptureIds(vec![capture().id])).unwrap();
    let name = |number: u32| NameFact {
        capture: CaptureIndex(0),
        address: std::net::Ipv4Addr::from(number).into(),
        name: format!("srv{number}"),
        source: NameSource::NameResolutionBlock,
    };
    let names: Vec<NameFact> = (0..1 << 20).map(name).collect();
    writer.remarks(&names, &[]).unwrap();
    writer.remarks(&names[..1], &[]).unwrap();
    let partition = writer.commit(&[(CaptureIndex(0), capture())], &[]).unwrap();
    let files = || std::fs::read_dir(&partition).unwrap().map(|entry| entry.unwrap().file_name());
    let mut of_names: Vec<_> = files().filter(|name| name.to_string_lossy().starts_with("names")).collect();
    of_names.sort();
    assert_eq!(of_names, ["names-2.parquet", "names.parquet"]);
    assert_eq!(read_facts(&store).unwrap().names.len(), names.len() + 1);
    std::fs::remove_file(partition.join("names-2.parquet")).unwrap();
    let told = read_facts(&store).unwrap_err().to_string();
    assert!(told.contains("names-2.parquet"), "{told}");
}

/// Nothing takes less room than what is perfectly regular, and it must not look like a file that claims too much.
#[test]
fn the_most_regular_bursts_are_read_back_too() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let mut writer = PartitionWriter::create(&store, CaptureIds(vec![capture().id])).unwrap();
    let bursts = 1 << 17;
    for number in 0..bursts {
        let time_ns = number as i64 * 1_000_000_000;
        let burst = Activity { first_frame: 1 + number, start_ns: time_ns, end_ns: time_ns, ..burst() };
        writer.activity(&burst).unwrap();
    }
    writer.commit(&[(CaptureIndex(0), capture())], &[]).unwrap();
    assert_eq!(read_facts(&store).unwrap().activity.len() as u64, bursts);
}

#[test]
fn an_empty_observation_is_read_back_too() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    PartitionWriter::create(&store, CaptureIds::default()).unwrap().commit(&[], &[]).unwrap();
    assert!(read_facts(&store).unwrap().flows.is_empty());
}

#[test]
fn giving_up_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    drop(PartitionWriter::create(&store, CaptureIds::default()).unwrap());
    assert!(!store.exists());
}

#[test]
fn a_folder_with_other_files_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("holiday")).unwrap();
    let refused = PartitionWriter::create(folder.path(), CaptureIds::default());
    assert!(matches!(refused, Err(StoreError::NotAStore { .. })));
}

#[test]
fn every_column_is_described_and_named_once() {
    let columns: Vec<Column> = schema::flows().iter().map(|c| c.column).collect();
    let names: std::collections::HashSet<&str> = columns.iter().map(|c| c.name).collect();
    assert_eq!(names.len(), columns.len());
    assert!(columns.iter().all(|c| !c.meaning.is_empty()));
}

#[test]
fn captures_metered_again_replace_themselves_and_are_never_counted_twice() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let with_id = |id: &str| CaptureSummary { id: id.into(), ..capture() };
    let write = |ids: &[&str]| {
        let captures: Vec<_> = ids.iter().zip(0..).map(|(id, i)| (CaptureIndex(i), with_id(id))).collect();
        let ids = CaptureIds(ids.iter().map(|id| id.to_string()).collect());
        PartitionWriter::create(&store, ids).and_then(|writer| writer.commit(&captures, &[]))
    };
    let captures = || read_facts(&store).unwrap().captures.len();
    write(&["a"]).unwrap();
    write(&["a", "b"]).unwrap();
    assert_eq!(captures(), 2);
    write(&["b", "a"]).unwrap();
    assert_eq!(captures(), 2);
    assert!(write(&["a"]).is_err(), "b would be lost, or a counted twice");
    write(&["c"]).unwrap();
    assert_eq!(captures(), 3);
}

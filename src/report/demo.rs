//! Made-up report data for the tests of this room and of the terminal summary: the document's figures 51 and 68,
//! hostile names, many hosts, nothing at all.

use super::{OutcomeCount, PortUse, ReportData, ServiceRow, StatusCount, demo_counts};
use crate::model::{
    AnnouncementRow, BlockedAttempt, CaptureRow, Endpoint, Finding, FindingKind, FollowUp, HostPorts, Listener,
    Mechanism, OneSidedPair, Orientation, Outcome, ReadingCounts, Status, TcpSides, Tier, Transport,
};
use std::net::IpAddr;

const START_NS: i64 = 1_772_438_400_000_000_000;
const MINUTE_NS: i64 = 60_000_000_000;
const CAPTURE: &str = "captures/backup-run.pcapng";

fn ip(last: u8) -> IpAddr {
    [10, 20, 1, last].into()
}

fn host(last: u8, name: &str, role: &str, listeners: u32, explained: u32, ephemeral: u32) -> HostPorts {
    HostPorts {
        host: ip(last),
        name: name.into(),
        zone: String::new(),
        roles: vec![role.into()],
        roles_guessed: false,
        transport: Transport::Tcp,
        range: (49_152, 65_535),
        range_source: "default",
        epochs: 1,
        epoch: 1,
        dynamic_listeners: listeners,
        dynamic_listeners_sure: listeners,
        dynamic_listeners_explained: explained,
        idle_listeners: (last == 5).then_some(3),
        static_in_range: u32::from(last == 5),
        direction_unknown: 0,
        ephemeral_ports: ephemeral,
        peak_in_use: listeners + ephemeral / 9,
        peak_at_ns: (listeners + ephemeral > 0).then_some(START_NS + 31 * MINUTE_NS),
        time_wait_s: 240,
        peak_held: listeners + ephemeral / 4,
        peak_held_at_ns: (listeners + ephemeral > 0).then_some(START_NS + 33 * MINUTE_NS),
        peak_held_by: [listeners, ephemeral / 9, ephemeral / 4 - ephemeral / 9],
        document_observed: match last {
            5 => Some(51),
            6 | 20 => Some(68),
            _ => None,
        },
    }
}

fn listener(last: u8, port: u16, service: &str, status: Status) -> Listener {
    Listener {
        host: ip(last),
        transport: Transport::Tcp,
        port,
        orientation: Orientation::Certain,
        service: service.into(),
        status,
        epoch: 1,
        moved_to: None,
        visits: u64::from(port % 5) + 1,
        known: false,
        flows: u64::from(port % 7) + 1,
        clients: u64::from(port % 3) + 1,
        first_seen_ns: START_NS + i64::from(port - 49_152) * 900_000_000,
        last_seen_ns: START_NS + i64::from(port - 49_152) * 900_000_000 + MINUTE_NS,
        process: String::new(),
        process_source: String::new(),
        capture: CAPTURE.into(),
        first_frame: u64::from(port) - 49_000,
    }
}

fn finding(kind: FindingKind, from: u8, to: u8, port: u16, text: &str) -> Finding {
    let (initiator, responder) = (ip(from), Endpoint { ip: ip(to), port });
    Finding {
        kind,
        initiator,
        responder,
        transport: Transport::Tcp,
        text: text.into(),
        orientation: Orientation::Certain,
        outcome: Outcome::Established,
        flows: u64::from(port % 5) + 1,
        capture: CAPTURE.into(),
        first_frame: u64::from(port),
        display_filter: format!("ip.addr == {initiator} && ip.addr == {} && tcp.port == {port}", responder.ip),
        first_seen_ns: START_NS + i64::from(port) * 1_000_000,
        last_seen_ns: START_NS + i64::from(port) * 1_000_000 + MINUTE_NS,
    }
}

fn attempt(from: u8, to: u8, port: u16, outcome: Outcome, service: &str, evidence: &str) -> BlockedAttempt {
    BlockedAttempt {
        initiator: ip(from),
        responder: Endpoint { ip: ip(to), port },
        transport: Transport::Tcp,
        outcome,
        service: service.into(),
        status: if service.is_empty() { Status::Undocumented } else { Status::Documented },
        flows: 2,
        packets: 8,
        first_seen_ns: START_NS + 12 * MINUTE_NS,
        last_seen_ns: START_NS + 13 * MINUTE_NS,
        capture: CAPTURE.into(),
        first_frame: 4_711,
        evidence: evidence.into(),
    }
}

fn service(last: u8, port: u16, name: &str, status: Status, reason: &str) -> ServiceRow {
    ServiceRow {
        responder: Endpoint { ip: ip(last), port },
        name: String::new(),
        transport: if port == 53 { Transport::Udp } else { Transport::Tcp },
        service: name.into(),
        reason: reason.into(),
        status,
        clients: 3,
        flows: u64::from(port % 97) + 1,
        wire_bytes: u64::from(port) * 3_191,
        first_seen_ns: START_NS + i64::from(port) * 2_000_000,
        last_seen_ns: START_NS + 70 * MINUTE_NS,
        capture: CAPTURE.into(),
        first_frame: u64::from(port % 4_000) + 1,
    }
}

/// A plausible report without any damage: 51 listening ports on the server (49 explained), 68 on the agent.
pub(crate) fn small() -> ReportData {
    let mut data = empty();
    data.title = "backup-run".into();
    data.site_name = Some("Plant 4, packaging line".into());
    data.captures = vec![capture()];
    data.hosts = vec![
        host(2, "AD-DC", "directory", 4, 4, 12),
        host(5, "AC-SERVER", "assetcentre-server", 51, 49, 320),
        host(6, "AC-AGENT", "assetcentre-agent", 68, 68, 214),
        host(20, "ENG-CLIENT", "assetcentre-client", 1, 1, 96),
        host(30, "PLC-A", "controller", 0, 0, 0),
    ];
    let spread = |last: u8, n: u16| {
        (0..n).map(move |i| {
            let port = if i < 9 { 49_664 + i } else { 49_700 + (i * 197 + u16::from(last) * 31) % 15_500 };
            let status = match i % 3 {
                0 => Status::DocumentedByReferral,
                _ => Status::DynamicExplained,
            };
            listener(last, port, if i % 2 == 0 { "RA.FTAC.Server.exe" } else { "RNADirServer.exe" }, status)
        })
    };
    data.listeners = spread(2, 4).chain(spread(5, 49)).chain(spread(6, 68)).chain(spread(20, 1)).collect();
    data.listeners.push(listener(5, 52_311, "", Status::DynamicUnexplained));
    data.listeners.push(listener(5, 60_011, "", Status::DynamicUnexplained));
    data.listeners.push(listener(5, 54_967, "RA.FTAC.Logger.exe", Status::Documented));
    let ephemeral = |last: u8, n: u16| {
        let used = move |i: u16| PortUse { host: ip(last), transport: Transport::Tcp, port: 50_000 + i * 3 % 12_000 };
        (0..n).map(used)
    };
    data.ephemeral =
        ephemeral(2, 12).chain(ephemeral(5, 320)).chain(ephemeral(6, 214)).chain(ephemeral(20, 96)).collect();
    data.findings = findings();
    data.blocked = vec![
        attempt(
            20,
            5,
            7_002,
            Outcome::Refused,
            "RA.FTAC.Server.exe",
            "SYN in frame 4711, RST in frame 4712; 4 SYN in all",
        ),
        attempt(6, 30, 44_818, Outcome::Unanswered, "EtherNet/IP", "3 SYN in 21 s, nothing back; host silent"),
        attempt(20, 2, 3_389, Outcome::Prohibited, "", "ICMP 3/13 from 10.20.1.1 in frame 4715"),
    ];
    data.services = services();
    let counts = [3, 2, 4, 1_024, 117, 66, 1_460, 3_741, 14];
    data.statuses = Status::ALL
        .iter()
        .zip(counts)
        .map(|(status, flows)| StatusCount { status: *status, flows, packets: flows * 11, wire_bytes: flows * 7_301 })
        .collect();
    let outcomes =
        [(Outcome::Established, 6_420), (Outcome::Refused, 2), (Outcome::Unanswered, 6), (Outcome::Prohibited, 3)];
    data.outcomes = outcomes.map(|(outcome, flows)| OutcomeCount { outcome, flows }).to_vec();
    data.orientations = vec![(Orientation::Certain, 6_101), (Orientation::Strong, 330)];
    (data.start_ns, data.end_ns) = (Some(START_NS), Some(START_NS + 72 * MINUTE_NS + 30_250_000_000));
    demo_counts::fill(&mut data, START_NS, "site survey");
    data
}

fn findings() -> Vec<Finding> {
    use FindingKind::{DynamicUnexplained, Scan, Undocumented, UnexpectedPeer};
    vec![
        finding(
            Undocumented,
            20,
            5,
            5_985,
            "WinRM over HTTP towards AC-SERVER: no document lists TCP 5985 for this role.",
        ),
        finding(Undocumented, 6, 5, 8_443, "TLS with server name \"updates.example\": no document lists TCP 8443."),
        finding(Undocumented, 20, 30, 502, "Modbus/TCP towards the controller: not part of any documented data flow."),
        finding(
            DynamicUnexplained,
            6,
            5,
            52_311,
            "Dynamic port without a referral and outside every documented sequence.",
        ),
        finding(
            UnexpectedPeer,
            77,
            5,
            1_433,
            "SQL Server is documented, but only for the server itself and the agents.",
        ),
        finding(Scan, 99, 5, 0, "1,024 ports of AC-SERVER probed within 9 s from one address."),
    ]
}

fn services() -> Vec<ServiceRow> {
    let table = "FactoryTalk AssetCentre ports, Table 2 (server)";
    let mut rows = vec![
        service(5, 5_985, "WinRM", Status::Undocumented, "no statement covers TCP 5985 at this role"),
        service(5, 8_443, "TLS", Status::Undocumented, "no statement covers TCP 8443 at this role"),
        service(30, 502, "Modbus/TCP", Status::Undocumented, "no statement covers TCP 502 at this role"),
        service(5, 1_433, "SQL Server", Status::DocumentedPortUnexpectedPeer, table),
        service(5, 7_002, "RA.FTAC.Server.exe", Status::Documented, table),
        service(5, 54_967, "RA.FTAC.Logger.exe", Status::Documented, table),
        service(2, 53, "DNS", Status::Infrastructure, "general domain traffic"),
        service(2, 88, "Kerberos", Status::Infrastructure, "general domain traffic"),
        service(30, 44_818, "EtherNet/IP", Status::Documented, "FactoryTalk AssetCentre ports, Table 4, step 11"),
    ];
    for row in &mut rows {
        row.name = ["AD-DC", "AC-SERVER", "PLC-A"][match row.responder.ip {
            i if i == ip(2) => 0,
            i if i == ip(5) => 1,
            _ => 2,
        }]
        .into();
    }
    rows
}

fn capture() -> CaptureRow {
    CaptureRow {
        name: CAPTURE.into(),
        sha256: Some("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into()),
        size_bytes: Some(4_812_004),
        format: "pcapng".into(),
        link_types: "ETHERNET".into(),
        first_ns: Some(START_NS),
        last_ns: Some(START_NS + 72 * MINUTE_NS + 30_250_000_000),
        frames: 18_342,
        metered: 18_305,
        dropped: Some(0),
        snapped_frames: 0,
        backward_steps: 0,
        reading: ReadingCounts::default(),
        filter: None,
        fates: vec![("tcp".into(), 17_204), ("udp".into(), 1_101), ("icmp-error".into(), 5), ("arp".into(), 32)],
        first_stop: None,
        end: "complete".into(),
        end_detail: None,
    }
}

/// Texts that try to break out of HTML, CSV, SVG and the terminal.
pub(crate) const HOSTILE: [&str; 5] = [
    "<img src=x onerror=alert(1)></td><script>alert(1)</script>",
    "=cmd|'/C calc'!A0",
    "\x1b]0;owned\x07\x1b[2J\x1b[31mred\r\n\u{9b}1m",
    "invoice\u{202e}gnp.exe\u{2066}\u{200b}",
    "]]></style></svg>&#x3c;b&amp;\" onload='x' -->",
];

/// [`small`] with every text hostile, and every kind of damage.
pub(crate) fn hostile() -> ReportData {
    let mut data = small();
    let mut next = HOSTILE.iter().cycle();
    let mut bad = || (*next.next().unwrap_or(&"")).to_owned();
    data.title = bad();
    data.site_name = Some(bad());
    data.roles_guessed = true;
    data.hosts.iter_mut().for_each(|h| {
        (h.name, h.zone) = (bad(), bad());
        h.roles = vec![bad(), bad()];
        h.roles_guessed = true;
    });
    data.names = data.hosts.iter().map(|h| (h.host, (0..9).map(|_| bad()).collect())).collect();
    data.listeners.iter_mut().for_each(|l| (l.service, l.capture) = (bad(), bad()));
    data.blocked.iter_mut().for_each(|b| (b.service, b.evidence, b.capture) = (bad(), bad(), bad()));
    data.findings.iter_mut().for_each(|f| (f.text, f.capture, f.display_filter) = (bad(), bad(), bad()));
    data.services.iter_mut().for_each(|s| (s.name, s.service, s.reason, s.capture) = (bad(), bad(), bad(), bad()));
    data.captures.push(CaptureRow {
        dropped: Some(1_204),
        snapped_frames: 311,
        backward_steps: 2,
        reading: ReadingCounts { implausible_lengths: 3, ..ReadingCounts::default() },
        end: "truncated".into(),
        fates: vec![("tcp".into(), 18_331), ("malformed-or-cut-tcp".into(), 2), ("filtered".into(), 9)],
        ..capture()
    });
    data.captures.iter_mut().for_each(|c| {
        (c.name, c.link_types) = (bad(), bad());
        c.end_detail = Some(bad());
        c.first_stop = Some(bad());
        c.filter = Some(bad());
    });
    data.one_sided.push(OneSidedPair {
        heard: ip(20),
        unheard: ip(5),
        transport: Transport::Tcp,
        flows: 41,
        packets: 820,
        two_sided_flows: 3,
        undetermined_flows: 2,
        first_seen_ns: START_NS,
        last_seen_ns: START_NS + MINUTE_NS,
        capture: bad(),
        first_frame: 7,
        display_filter: bad(),
    });
    data.announcements.push(AnnouncementRow {
        announcer: Endpoint { ip: ip(20), port: 135 },
        told: ip(5),
        mechanism: Mechanism::EptMap,
        host: ip(20),
        transport: Transport::Tcp,
        port: Some(49_701),
        subject: bad(),
        subject_id: bad(),
        version: bad(),
        stated_host: bad(),
        tier: Tier::Structural,
        process_id: Some(4_711),
        times: 3,
        follow_up: FollowUp::Unanswered,
        flows: 2,
        first_call: Some((bad().into(), 9)),
        first_seen_ns: START_NS,
        last_seen_ns: START_NS + MINUTE_NS,
        capture: bad().into(),
        frame: 8,
        display_filter: bad(),
    });
    data.timing_only_flows = 4;
    data.tcp_sides = TcpSides { with_payload_flows: 6_400, one_sided_flows: 40 };
    data.outcomes.push(OutcomeCount { outcome: Outcome::OneSided, flows: 41 });
    data.outcomes.push(OutcomeCount { outcome: Outcome::Midstream, flows: 12 });
    data.orientations.push((Orientation::Guess, 20));
    data.warnings.push(bad());
    data.listeners.iter_mut().for_each(|l| (l.process, l.process_source) = (bad(), bad()));
    let quoted = HOSTILE.join(" ");
    demo_counts::fill(&mut data, START_NS, &quoted);
    data
}

/// Far more hosts, ports and rows than anybody reads.
pub(crate) fn many() -> ReportData {
    let mut data = small();
    for n in 0..500_u32 {
        let address: IpAddr = std::net::Ipv6Addr::from(0x2001_0db8_u128 << 96 | u128::from(n)).into();
        let template = data.hosts[1].clone();
        data.hosts.push(HostPorts {
            host: address,
            name: format!("a-rather-long-host-name-{n:03}.plant-4.packaging.example.com"),
            dynamic_listeners: n * 3,
            dynamic_listeners_explained: n,
            ephemeral_ports: n * 31,
            ..template
        });
        let far = Listener { host: address, ..data.listeners[7].clone() };
        data.listeners.extend((0..40).map(|i| Listener { port: 49_152 + i * 401, ..far.clone() }));
        let used = |i: u32| PortUse { host: address, transport: Transport::Tcp, port: 49_152 + (i * 2) as u16 };
        data.ephemeral.extend((0..n * 16).map(used));
        data.findings.push(Finding { initiator: address, ..data.findings[0].clone() });
        data.blocked.push(BlockedAttempt { initiator: address, ..data.blocked[0].clone() });
        let responder = Endpoint { ip: address, port: 443 };
        data.services.push(ServiceRow { responder, ..data.services[0].clone() });
    }
    demo_counts::fill(&mut data, START_NS, "site survey");
    data
}

/// A report of nothing.
pub(crate) fn empty() -> ReportData {
    ReportData {
        title: "nothing".into(),
        tool_version: "0.1.0",
        site_name: None,
        roles_guessed: false,
        captures: Vec::new(),
        hosts: Vec::new(),
        counts: Vec::new(),
        gates: Vec::new(),
        places: Default::default(),
        idle: Vec::new(),
        accumulations: Vec::new(),
        in_use: Vec::new(),
        names: Default::default(),
        listeners: Vec::new(),
        blocked: Vec::new(),
        one_sided: Vec::new(),
        announcements: Vec::new(),
        timing_only_flows: 0,
        tcp_sides: TcpSides::default(),
        findings: Vec::new(),
        services: Vec::new(),
        statuses: Vec::new(),
        outcomes: Vec::new(),
        orientations: Vec::new(),
        ephemeral: Vec::new(),
        dynamic_range: 49_152..=65_535,
        warnings: Vec::new(),
        start_ns: None,
        end_ns: None,
    }
}

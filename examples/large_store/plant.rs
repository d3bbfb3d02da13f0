//! The plant: who talks to whom, and what its flows look like.

use portproof::model::{
    Activity, Announced, Announcement, Answer, CaptureIndex, Certainty, Detail, DetailKind, EndReason, Endpoint,
    FlowDetail, FlowKey, FlowRecord, Mechanism, NameFact, NameSource, Position, Protocol, Recognised, Side, TcpState,
    Transport, flags,
};
use std::net::{IpAddr, Ipv4Addr};

const HOSTS: u64 = 500;
const SERVERS: u64 = 50;
const SERVERS_OF_HOST: u64 = 4;
const LISTENERS: u64 = 60;
const SECOND_NS: i64 = 1_000_000_000;
const SPAN_NS: i64 = 3 * 86_400 * SECOND_NS;
/// 2026-03-02 06:00 UTC.
const START_NS: i64 = 1_772_431_200 * SECOND_NS;
const DYNAMIC: u16 = 49_152;
const CAPTURE: CaptureIndex = CaptureIndex(0);
/// Ports that some built-in document states, and what is spoken there.
const DOCUMENTED: [(u16, Protocol); 8] = [
    (135, Protocol::DceRpc),
    (445, Protocol::Smb2),
    (1433, Protocol::Tds),
    (389, Protocol::Ldap),
    (88, Protocol::Kerberos),
    (443, Protocol::Tls),
    (44818, Protocol::EtherNetIp),
    (27000, Protocol::FlexNet),
];
const UNDOCUMENTED: [u16; 4] = [5000, 8081, 9100, 31_337];

/// A flow, and what else was heard in it.
pub(crate) struct Played {
    pub(crate) record: FlowRecord,
    pub(crate) announced: Option<Announcement>,
    pub(crate) details: Option<FlowDetail>,
    pub(crate) bursts: Vec<Activity>,
}

/// Plays flow after flow.
pub(crate) struct Plant {
    flows: u64,
    number: u64,
    frame: u64,
    last_ns: i64,
    /// The local port that each host gives out next.
    next_port: Vec<u16>,
}

/// Well mixed bits of a number: SplitMix64.
fn mixed(number: u64) -> u64 {
    let z = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn host(number: u64) -> IpAddr {
    Ipv4Addr::from(0x0a01_0000 + (number / 250) as u32 * 256 + (number % 250) as u32 + 1).into()
}

impl Plant {
    pub(crate) fn new(flows: u64) -> Self {
        Self { flows, number: 0, frame: 1, last_ns: START_NS, next_port: vec![DYNAMIC + 200; HOSTS as usize] }
    }

    /// First and last packet.
    pub(crate) fn span(&self) -> (i64, i64) {
        (START_NS, self.last_ns)
    }

    /// A name for every host.
    pub(crate) fn names(&self) -> Vec<NameFact> {
        let name = |number| NameFact {
            capture: CAPTURE,
            address: host(number),
            name: format!("host-{number:03}.plant.example"),
            source: NameSource::Dns,
        };
        (0..HOSTS).map(name).collect()
    }

    pub(crate) fn next(&mut self) -> Option<Played> {
        let (number, bits) = (self.number, mixed(self.number));
        if number == self.flows {
            return None;
        }
        self.number += 1;
        let caller = bits % HOSTS;
        // Each host has a few servers of its own, never itself.
        let server = match mixed(caller * SERVERS_OF_HOST + (bits >> 10) % SERVERS_OF_HOST) % SERVERS {
            same if same == caller => (same + 1) % SERVERS,
            other => other,
        };
        let start_ns = START_NS + (i128::from(SPAN_NS) * i128::from(number) / i128::from(self.flows)) as i64;
        let client = Endpoint { ip: host(caller), port: self.local_port(caller) };
        let of_server = |port| Endpoint { ip: host(server), port };
        let one_of = |many: u64| (bits >> 20) % many;
        let served = (bits >> 40) % 100;
        let call = Call { start_ns, frame: self.frame, client, bits };
        let played = match served {
            0..45 => {
                // Each server has some of the documented services.
                let (port, protocol) = DOCUMENTED[((server + one_of(3)) % 8) as usize];
                let record = call.answered(of_server(port), Some(protocol));
                let listener = of_server(listener(server, (bits >> 30) % LISTENERS));
                // Three of four are registered with the endpoint mapper.
                let asked = protocol == Protocol::DceRpc && listener.port % 4 != 0;
                Played { announced: asked.then(|| call.announced(&record, listener)), ..plain(record) }
            }
            45..80 => {
                // Some listeners are called far more often than others.
                let rank = one_of(LISTENERS) * ((bits >> 30) % LISTENERS) / LISTENERS;
                let record = call.answered(of_server(listener(server, rank)), Some(Protocol::DceRpc));
                Played { details: (bits >> 50).is_multiple_of(8).then(|| call.interface(&record)), ..plain(record) }
            }
            80..85 => plain(call.answered(of_server(UNDOCUMENTED[one_of(4) as usize]), None)),
            85..95 => plain(call.datagrams(of_server(53))),
            95..97 => plain(call.begun_before(of_server(1433))),
            _ => plain(call.in_vain(of_server(8443), bits & 1 == 0)),
        };
        let bursts = if bits >> 58 == 0 { call.bursts(&played.record) } else { Vec::new() };
        self.frame += played.record.from_a.packets + played.record.from_b.packets;
        self.last_ns = self.last_ns.max(played.record.last_seen_ns);
        Some(Played { bursts, ..played })
    }

    fn local_port(&mut self, host: u64) -> u16 {
        let next = &mut self.next_port[host as usize];
        let port = *next;
        *next = port.checked_add(1).unwrap_or(DYNAMIC + 200);
        port
    }
}

/// Listeners stand at other ports on every server.
fn listener(server: u64, rank: u64) -> u16 {
    DYNAMIC + ((rank * 3 + server) % 200) as u16
}

fn plain(record: FlowRecord) -> Played {
    Played { record, announced: None, details: None, bursts: Vec::new() }
}

/// Somebody calls.
struct Call {
    start_ns: i64,
    frame: u64,
    client: Endpoint,
    bits: u64,
}

impl Call {
    fn begun(&self, transport: Transport, server: Endpoint) -> (FlowRecord, Side) {
        let (key, side) = FlowKey::new(transport, self.client, server);
        let mut record = FlowRecord::begun(key, side, CAPTURE, self.frame, self.start_ns);
        record.last_seen_ns = self.start_ns + (self.bits >> 33) as i64 % (20 * SECOND_NS);
        record.end_reason = EndReason::Closed;
        for from in [Side::A, Side::B] {
            let packets = 2 + (self.bits >> 12) % 12;
            let sent = record.from_mut(from);
            (sent.packets, sent.payload_packets) = (packets + 2, packets);
            sent.payload_bytes = packets * (100 + (self.bits >> 16) % 400);
            sent.ip_bytes = sent.payload_bytes + sent.packets * 40;
            sent.wire_bytes = sent.payload_bytes + sent.packets * 54;
        }
        (record, side)
    }

    fn conversation(&self, server: Endpoint, spoken: Option<Protocol>) -> (FlowRecord, Side) {
        let (mut record, side) = self.begun(Transport::Tcp, server);
        for from in [Side::A, Side::B] {
            let sent = record.from_mut(from);
            sent.tcp_flags = flags::ACK | flags::PSH | flags::FIN;
            (sent.fin, sent.next_seq) = (1, Some(self.bits as u32));
        }
        (record.state, record.first_fin) = (TcpState::Closed, Some(side));
        let is = |protocol| Recognised { protocol, certainty: Certainty::Certain, server: Some(side.other()) };
        record.application = spoken.map(is);
        (record, side)
    }

    fn answered(&self, server: Endpoint, spoken: Option<Protocol>) -> FlowRecord {
        let (mut record, side) = self.conversation(server, spoken);
        let (frame, start_ns) = (self.frame, self.start_ns);
        record.first_syn = Some(side);
        let sent = record.from_mut(side);
        (sent.syn, sent.syn_frame, sent.syn_ns) = (1, Some(frame), Some(start_ns));
        sent.tcp_flags |= flags::SYN;
        let sent = record.from_mut(side.other());
        (sent.syn_ack, sent.syn_ack_frame) = (1, Some(frame + 1));
        sent.tcp_flags |= flags::SYN;
        (record.syn_to_syn_ack_ns, record.syn_ack_to_ack_ns) = (Some(300_000), Some(90_000));
        record
    }

    fn begun_before(&self, server: Endpoint) -> FlowRecord {
        let (mut record, _) = self.conversation(server, Some(Protocol::Tds));
        record.state = TcpState::HalfClosed;
        record
    }

    fn datagrams(&self, server: Endpoint) -> FlowRecord {
        let (mut record, side) = self.begun(Transport::Udp, server);
        let server = Some(side.other());
        record.application = Some(Recognised { protocol: Protocol::Dns, certainty: Certainty::Certain, server });
        record.end_reason = EndReason::Idle;
        record
    }

    /// A connection that nobody, or only a reset, answers.
    fn in_vain(&self, server: Endpoint, is_refused: bool) -> FlowRecord {
        let (key, side) = FlowKey::new(Transport::Tcp, self.client, server);
        let mut record = FlowRecord::begun(key, side, CAPTURE, self.frame, self.start_ns);
        record.last_seen_ns += 9 * SECOND_NS;
        (record.first_syn, record.end_reason) = (Some(side), EndReason::Idle);
        record.state = if is_refused { TcpState::Reset } else { TcpState::SynSent };
        let sent = record.from_mut(side);
        (sent.packets, sent.wire_bytes, sent.ip_bytes) = (3, 198, 156);
        (sent.syn, sent.syn_retransmitted) = (3, 2);
        (sent.syn_frame, sent.syn_ns, sent.tcp_flags) = (Some(self.frame), Some(self.start_ns), flags::SYN);
        if is_refused {
            let sent = record.from_mut(side.other());
            (sent.packets, sent.wire_bytes, sent.ip_bytes, sent.rst) = (3, 180, 120, 3);
            (sent.rst_frame, sent.next_seq) = (Some(self.frame + 1), Some(0));
            sent.tcp_flags = flags::RST | flags::ACK;
        }
        record
    }

    fn announced(&self, record: &FlowRecord, listener: Endpoint) -> Announcement {
        let by = if record.key.a == self.client { Side::B } else { Side::A };
        let port = Answer::Port(listener.port);
        Announcement {
            position: Position { capture: CAPTURE, frame: self.frame + 4, offset: 0 },
            time_ns: self.start_ns + 2_000_000,
            flow_capture: CAPTURE,
            flow_first_frame: self.frame,
            announcer: record.key.endpoint(by),
            told: self.client,
            host: listener.ip,
            caller: self.client.ip,
            said: Announced {
                subject: format!("{:08x}-1111-2222-3333-444455556666", u32::from(listener.port)),
                version: "1.0".to_owned(),
                ..Announced::by(by, Mechanism::EptMap, Transport::Tcp, port)
            },
        }
    }

    fn interface(&self, record: &FlowRecord) -> FlowDetail {
        let side = if record.key.a == self.client { Side::A } else { Side::B };
        let port = record.key.endpoint(side.other()).port;
        FlowDetail {
            flow_capture: CAPTURE,
            flow_first_frame: self.frame,
            position: Position { capture: CAPTURE, frame: self.frame + 3, offset: 0 },
            detail: Detail {
                side,
                kind: DetailKind::Interface,
                text: format!("{:08x}-1111-2222-3333-444455556666 v1.0", u32::from(port)),
            },
        }
    }

    fn bursts(&self, record: &FlowRecord) -> Vec<Activity> {
        let half_ns = (record.last_seen_ns - record.first_seen_ns) / 2;
        let burst = |at: i64| Activity {
            capture: CAPTURE,
            flow_first_frame: self.frame,
            burst_capture: CAPTURE,
            first_frame: self.frame + at as u64,
            start_ns: record.first_seen_ns + at * half_ns,
            end_ns: record.first_seen_ns + at * half_ns + 1_000_000,
            payload_bytes_a: 200,
            payload_bytes_b: 200,
        };
        [0, 1].map(burst).to_vec()
    }
}

//! Flow records out of their table.

use super::error::StoreError;
use super::read::{Frame, Indices, all_ok};
use super::read_application::transport;
use crate::model::{
    Certainty, DirectionFacts, Encapsulation, EndReason, Endpoint, FlowKey, FlowRecord, Flows, IcmpFacts, Protocol,
    Recognised, Side, TcpState, Tunnel, Tunnels,
};

pub(super) fn side(text: &str) -> Option<Side> {
    [Side::A, Side::B].into_iter().find(|side| side.name() == text)
}

/// Reads the flows of a frame, parts of it side by side.
pub(super) fn read_flows(frame: &Frame, indices: &Indices, into: &mut Flows) -> Result<(), StoreError> {
    let parts = frame.parts(std::thread::available_parallelism().map_or(1, usize::from));
    let read: Vec<_> = std::thread::scope(|scope| {
        let reading: Vec<_> = parts.iter().map(|part| scope.spawn(|| read_part(part, indices))).collect();
        reading.into_iter().map(|part| part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    read.into_iter().try_for_each(|part| {
        into.append(&part?);
        Ok(())
    })
}

fn read_part(frame: &Frame, indices: &Indices) -> Result<Flows, StoreError> {
    let mut flows = Flows::default();
    let (from_a, from_b) = (Directions::read(frame, "a")?, Directions::read(frame, "b")?);
    let captures = frame.captures(indices)?;
    let first_frame = frame.numbers("first_frame")?;
    let protocol = frame.numbers("protocol")?;
    let a_ip = frame.parsed("a_ip", |text| text.parse().ok())?;
    let b_ip = frame.parsed("b_ip", |text| text.parse().ok())?;
    let (a_port, b_port) = (frame.numbers("a_port")?, frame.numbers("b_port")?);
    let (first_seen, last_seen) = (frame.times("first_seen_ns")?, frame.times("last_seen_ns")?);
    let first_sender = frame.parsed("first_sender", side)?;
    let first_syn = frame.parsed("first_syn", side)?;
    let states = frame.parsed("state", TcpState::named)?;
    let reasons = frame.parsed("end_reason", EndReason::named)?;
    let icmp: Vec<Vec<Option<u64>>> = ["port_unreachable", "prohibited", "other", "frame", "type", "code"]
        .into_iter()
        .map(|name| frame.numbers(&format!("icmp_{name}")))
        .collect::<Result<_, _>>()?;
    let icmp_quoted = frame.parsed("icmp_quoted", side)?;
    let encapsulations = Encapsulations::read(frame)?;
    let carries = frame.parsed("carries", Tunnel::named)?;
    let first_fin = frame.parsed("first_fin", side)?;
    let application = frame.parsed("application", Protocol::named)?;
    let certainty = frame.parsed("application_certainty", Certainty::named)?;
    let server = frame.parsed("application_server", side)?;
    let counts = ["carrier_packets", "fragments", "duplicates", "snapped", "syn_to_syn_ack_ns", "syn_ack_to_ack_ns"];
    let [carrier_packets, fragments, duplicates, snapped, syn_ack, ack] = all_ok(counts.map(|n| frame.numbers(n)))?;
    let required = |name: &str| frame.bad(name, "a row has no value");
    for row in 0..captures.len() {
        let transport = transport(frame, protocol[row])?;
        let endpoint = |ip: Option<std::net::IpAddr>, port: Option<u64>| {
            Some(Endpoint { ip: ip?, port: u16::try_from(port?).ok()? })
        };
        let key = FlowKey {
            transport,
            a: endpoint(a_ip[row], a_port[row]).ok_or_else(|| required("a_ip"))?,
            b: endpoint(b_ip[row], b_port[row]).ok_or_else(|| required("b_ip"))?,
        };
        if last_seen[row] < first_seen[row] {
            return Err(frame.bad("last_seen_ns", "a flow ends before it begins"));
        }
        flows.push(&FlowRecord {
            capture: captures[row],
            first_frame: first_frame[row].unwrap_or(0),
            key,
            encapsulation: encapsulations.row(row),
            carries: carries[row],
            carrier_packets: carrier_packets[row].unwrap_or(0),
            first_seen_ns: first_seen[row].ok_or_else(|| required("first_seen_ns"))?,
            last_seen_ns: last_seen[row].ok_or_else(|| required("last_seen_ns"))?,
            first_sender: first_sender[row].ok_or_else(|| required("first_sender"))?,
            first_syn: first_syn[row],
            from_a: from_a.row(row),
            from_b: from_b.row(row),
            state: states[row].ok_or_else(|| required("state"))?,
            end_reason: reasons[row].ok_or_else(|| required("end_reason"))?,
            icmp: IcmpFacts {
                quoted: icmp_quoted[row],
                port_unreachable: small(icmp[0][row]),
                prohibited: small(icmp[1][row]),
                other: small(icmp[2][row]),
                first_frame: icmp[3][row],
                first_type: icmp[4][row].and_then(|n| u8::try_from(n).ok()),
                first_code: icmp[5][row].and_then(|n| u8::try_from(n).ok()),
            },
            fragments: small(fragments[row]),
            duplicates: small(duplicates[row]),
            snapped: small(snapped[row]),
            syn_to_syn_ack_ns: elapsed(syn_ack[row]),
            syn_ack_to_ack_ns: elapsed(ack[row]),
            first_fin: first_fin[row],
            application: application[row].zip(certainty[row]).map(|(protocol, certainty)| Recognised {
                protocol,
                certainty,
                server: server[row],
            }),
        });
    }
    Ok(flows)
}

fn elapsed(ns: Option<u64>) -> Option<i64> {
    ns.and_then(|ns| i64::try_from(ns).ok())
}

pub(super) fn small(number: Option<u64>) -> u32 {
    number.map_or(0, |n| u32::try_from(n).unwrap_or(u32::MAX))
}

/// The columns of what is wrapped around a flow.
struct Encapsulations {
    numbers: [Vec<Option<u64>>; 4],
    tunnels: Vec<Option<Tunnels>>,
}

impl Encapsulations {
    fn read(frame: &Frame) -> Result<Self, StoreError> {
        let numbers = all_ok(["vlan", "outer_vlan", "tunnel_id", "ip_depth"].map(|name| frame.numbers(name)))?;
        Ok(Self { numbers, tunnels: frame.parsed("tunnels", |text| text.parse().ok())? })
    }

    fn row(&self, row: usize) -> Encapsulation {
        let [vlan, outer_vlan, tunnel_id, depth] = self.numbers.each_ref().map(|column| column[row]);
        Encapsulation {
            vlan: vlan.and_then(|id| u16::try_from(id).ok()),
            outer_vlan: outer_vlan.and_then(|id| u16::try_from(id).ok()),
            tunnels: self.tunnels[row].unwrap_or_default(),
            tunnel_id: tunnel_id.and_then(|id| u32::try_from(id).ok()),
            depth: depth.map_or(0, |depth| u8::try_from(depth).unwrap_or(u8::MAX)),
        }
    }
}

/// The columns of one direction.
struct Directions {
    totals: [Vec<Option<u64>>; 5],
    counts: [Vec<Option<u64>>; 11],
    frames: [Vec<Option<u64>>; 3],
    syn_ns: Vec<Option<i64>>,
    next_seq: Vec<Option<u64>>,
    is_recorder: Vec<Option<bool>>,
}

impl Directions {
    fn read(frame: &Frame, side: &str) -> Result<Self, StoreError> {
        let column = |name: &str| frame.numbers(&format!("{name}_{side}"));
        Ok(Self {
            totals: [
                column("packets")?,
                column("wire_bytes")?,
                column("ip_bytes")?,
                column("payload_bytes")?,
                column("payload_packets")?,
            ],
            counts: [
                column("tcp_flags")?,
                column("syn")?,
                column("syn_retransmitted")?,
                column("syn_ack")?,
                column("fin")?,
                column("rst")?,
                column("handshake_copies")?,
                column("retransmitted")?,
                column("keep_alives")?,
                column("gaps")?,
                column("fast_open_bytes")?,
            ],
            frames: [column("syn_frame")?, column("syn_ack_frame")?, column("rst_frame")?],
            syn_ns: frame.times(&format!("syn_ns_{side}"))?,
            next_seq: column("next_seq")?,
            is_recorder: frame.flags(&format!("is_recorder_{side}"))?,
        })
    }

    fn row(&self, row: usize) -> DirectionFacts {
        let total = |i: usize| self.totals[i][row].unwrap_or(0);
        let count = |i: usize| small(self.counts[i][row]);
        DirectionFacts {
            packets: total(0),
            wire_bytes: total(1),
            ip_bytes: total(2),
            payload_bytes: total(3),
            payload_packets: total(4),
            tcp_flags: count(0) as u8,
            syn: count(1),
            syn_retransmitted: count(2),
            syn_ack: count(3),
            fin: count(4),
            rst: count(5),
            handshake_copies: count(6),
            retransmitted: count(7),
            keep_alives: count(8),
            gaps: count(9),
            fast_open_bytes: count(10),
            is_recorder: self.is_recorder[row].unwrap_or(false),
            syn_frame: self.frames[0][row],
            syn_ns: self.syn_ns[row],
            syn_ack_frame: self.frames[1][row],
            rst_frame: self.frames[2][row],
            next_seq: self.next_seq[row].map(|n| n as u32),
        }
    }
}

//! The flow table as it is printed and exported. Column names are an interface: other programs read them.

use crate::model::{Cell, Column, JudgedFlow, Kind, Referral, Tunnel};

macro_rules! columns {
    ($($name:literal: $kind:ident, $meaning:literal => $get:expr;)*) => {
        const COLUMNS: &[(Column, fn(&JudgedFlow) -> Cell<'_>)] =
            &[$((Column { name: $name, kind: Kind::$kind, meaning: $meaning }, $get)),*];
    };
}

columns! {
    "capture": Text, "capture file of its first frame, as given" => |f| f.capture.as_ref().into();
    "protocol": Text, "tcp or udp" => |f| Cell::Name(f.facts.key.transport.name());
    "initiator_ip": Text, "address of the initiator; when orientation is unknown, of the sender of the first packet" => |f| f.judgement.initiator.ip.into();
    "initiator_port": Unsigned, "its port" => |f| f.judgement.initiator.port.into();
    "responder_ip": Text, "address of the responder" => |f| f.judgement.responder.ip.into();
    "responder_port": Unsigned, "its port" => |f| f.judgement.responder.port.into();
    "orientation": Text, "how sure the direction is: certain, strong, probable, guess or unknown" => |f| Cell::Name(f.judgement.orientation.name());
    "forward_packets": Unsigned, "packets from initiator to responder" => |f| f.forward().packets.into();
    "reverse_packets": Unsigned, "packets from responder to initiator" => |f| f.reverse().packets.into();
    "forward_wire_bytes": Unsigned, "frame lengths on the wire, initiator to responder" => |f| f.forward().wire_bytes.into();
    "reverse_wire_bytes": Unsigned, "frame lengths on the wire, responder to initiator" => |f| f.reverse().wire_bytes.into();
    "forward_ip_bytes": Unsigned, "IP lengths, initiator to responder" => |f| f.forward().ip_bytes.into();
    "reverse_ip_bytes": Unsigned, "IP lengths, responder to initiator" => |f| f.reverse().ip_bytes.into();
    "forward_payload_bytes": Unsigned, "transport payload, initiator to responder" => |f| f.forward().payload_bytes.into();
    "reverse_payload_bytes": Unsigned, "transport payload, responder to initiator" => |f| f.reverse().payload_bytes.into();
    "first_seen_ns": TimeNs, "earliest packet" => |f| Cell::TimeNs(f.facts.first_seen_ns);
    "last_seen_ns": TimeNs, "latest packet" => |f| Cell::TimeNs(f.facts.last_seen_ns);
    "first_frame": Unsigned, "frame number of its first packet in that capture" => |f| f.facts.first_frame.into();
    "application": Text, "application protocol that its payload shows; empty where none was recognised" => |f| f.judgement.application.as_str().into();
    "service": Text, "documented service, or empty" => |f| f.judgement.service.as_str().into();
    "status": Text, "how it relates to the documents" => |f| Cell::Name(f.judgement.status.name());
    "outcome": Text, "what became of it" => |f| Cell::Name(f.judgement.outcome.name());
    "tcp_state": Text, "how far the conversation got" => |f| Cell::Name(f.facts.state.name());
    "end_reason": Text, "why the record ended" => |f| Cell::Name(f.facts.end_reason.name());
    "vlan": Unsigned, "innermost VLAN of the first frame; null without a tag" => |f| f.facts.encapsulation.vlan.into();
    "outer_vlan": Unsigned, "outermost VLAN, where there are several" => |f| f.facts.encapsulation.outer_vlan.into();
    "tunnels": Text, "tunnels around it, outermost first, joined by slashes; empty without" => |f| match f.facts.encapsulation.tunnels {
        none if none.is_empty() => Cell::Name(""),
        tunnels => tunnels.to_string().into(),
    };
    "tunnel_id": Unsigned, "network, key, session or label of the innermost tunnel that has one" => |f| f.facts.encapsulation.tunnel_id.into();
    "ip_depth": Unsigned, "IP headers around its own" => |f| u32::from(f.facts.encapsulation.depth).into();
    "carries": Text, "tunnel that this UDP flow carries; what travels inside has rows of its own" => |f| Cell::Name(f.facts.carries.map_or("", Tunnel::name));
    "carrier_packets": Unsigned, "of its packets, those that carried a frame told in another row" => |f| f.facts.carrier_packets.into();
    "fragments": Unsigned, "later IP fragments among its packets" => |f| f.facts.fragments.into();
    "duplicates": Unsigned, "copies of packets" => |f| f.facts.duplicates.into();
    "snapped": Unsigned, "packets that were not captured whole" => |f| f.facts.snapped.into();
    "forward_retransmitted": Unsigned, "segments from the initiator that brought nothing new" => |f| f.forward().retransmitted.into();
    "reverse_retransmitted": Unsigned, "segments from the responder that brought nothing new" => |f| f.reverse().retransmitted.into();
    "forward_gaps": Unsigned, "segments from the initiator that begin beyond what was to come" => |f| f.forward().gaps.into();
    "reverse_gaps": Unsigned, "segments from the responder that begin beyond what was to come" => |f| f.reverse().gaps.into();
    "keep_alives": Unsigned, "keep-alives, both sides" => |f| u64::from(f.facts.from_a.keep_alives).saturating_add(f.facts.from_b.keep_alives.into()).into();
    "syn_to_syn_ack_ns": Unsigned, "round trip between tap and responder, from the handshake" => |f| nanoseconds(f.facts.syn_to_syn_ack_ns);
    "syn_ack_to_ack_ns": Unsigned, "round trip between tap and initiator, from the handshake" => |f| nanoseconds(f.facts.syn_ack_to_ack_ns);
    "first_fin": Text, "who sent the first FIN: initiator or responder; empty where none did" => |f| Cell::Name(f.facts.first_fin.map_or("", |side| if side == f.initiator_side() { "initiator" } else { "responder" }));
    "syn": Unsigned, "SYN without ACK, both sides" => |f| (f.facts.from_a.syn + f.facts.from_b.syn).into();
    "syn_ack": Unsigned, "SYN with ACK, both sides" => |f| (f.facts.from_a.syn_ack + f.facts.from_b.syn_ack).into();
    "syn_retransmitted": Unsigned, "of the SYNs, repetitions" => |f| (f.facts.from_a.syn_retransmitted + f.facts.from_b.syn_retransmitted).into();
    "rst_by_initiator": Unsigned, "RST segments from the initiator" => |f| f.forward().rst.into();
    "rst_by_responder": Unsigned, "RST segments from the responder" => |f| f.reverse().rst.into();
    "syn_frame": Unsigned, "frame of the initiator's first SYN, when in the same capture" => |f| f.forward().syn_frame.into();
    "syn_ack_frame": Unsigned, "frame of the responder's first SYN-ACK, when in the same capture" => |f| f.reverse().syn_ack_frame.into();
    "icmp_errors": Unsigned, "ICMP errors about it" => |f| (f.facts.icmp.port_unreachable + f.facts.icmp.prohibited + f.facts.icmp.other).into();
    "icmp_frame": Unsigned, "frame of the first of them, when in the same capture" => |f| f.facts.icmp.first_frame.into();
    "application_certainty": Text, "how sure the application is: certain, likely or hint; empty without one" => |f| Cell::Name(f.facts.application.map_or("", |is| is.certainty.name()));
    "announced_tie": Text, "how closely it is tied to the announcement of its port: announced, announced-earlier, announced-to-another, announced-later, enumerated, timing-only; empty without one" => |f| referral(f, |r| Cell::Name(r.tie.name()));
    "announced_by": Text, "how the port was announced, e.g. ept-map; empty where only the time of asking is known" => |f| referral(f, |r| Cell::Name(r.mechanism.map_or("", |by| by.name())));
    "announced_as": Text, "what is to be found there: interface, instance, vendor or program, by its name in a document or as it was said" => |f| referral(f, |r| r.subject.as_str().into());
    "announced_capture": Text, "capture of the frame that announced it, or in which the broker was asked" => |f| referral(f, |r| r.capture.as_ref().into());
    "announced_frame": Unsigned, "that frame" => |f| f.judgement.referral.as_ref().map(|r| r.frame).into();
    "orientation_evidence": Text, "why the direction is so, strongest evidence first" => |f| f.judgement.orientation_evidence.as_str().into();
    "orientation_score": Unsigned, "how much more speaks for this initiator than against it, in tenths of log10 odds; 0 when orientation is unknown" => |f| f.judgement.orientation_score.into();
    "orientation_conflict": Flag, "true where 20 tenths or more speak for the other side" => |f| f.judgement.orientation_conflict.into();
    "reason": Text, "why the status is so: document and table, or rule" => |f| f.judgement.reason.as_str().into();
    "display_filter": Text, "Wireshark display filter that shows it" => |f| f.display_filter().into();
}

fn referral(flow: &JudgedFlow, get: fn(&Referral) -> Cell<'_>) -> Cell<'_> {
    flow.judgement.referral.as_deref().map_or(Cell::Name(""), get)
}

fn nanoseconds(elapsed_ns: Option<i64>) -> Cell<'static> {
    elapsed_ns.and_then(|ns| u64::try_from(ns).ok()).into()
}

/// Columns of the flow table.
#[must_use]
pub fn flow_columns() -> Vec<Column> {
    COLUMNS.iter().map(|(column, _)| *column).collect()
}

/// One flow as a row of the flow table.
pub fn flow_cells(flow: &JudgedFlow) -> impl Iterator<Item = Cell<'_>> {
    COLUMNS.iter().map(|(_, get)| get(flow))
}

/// The cell of a flow in the column at this position of [`flow_columns`]; beyond them there is nothing.
pub fn flow_cell(position: usize, flow: &JudgedFlow) -> Cell<'_> {
    COLUMNS.get(position).map_or(Cell::Null, |(_, get)| get(flow))
}

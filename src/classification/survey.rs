//! First pass: what only the whole recording tells.

use super::hearing::Hearing;
use super::in_order::in_parts;
use crate::model::{CaptureRow, Endpoint, FlowRecord, Side, Transport};
use foldhash::fast::RandomState;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::ops::Bound::{Excluded, Included};

/// Peer ports per endpoint that are told apart: beyond it more say nothing new.
const FAN_IN_LIMIT: usize = 64;
/// Ports of one host that lie this close may have been given out one after the other.
const ROW_REACH: u16 = 16;
/// Neighbours looked at on each side, and how many of them are enough.
const ROW_NEIGHBOURS: usize = 4;
/// The RPC endpoint mapper: who asks it calls a dynamic port next.
const MAPPER: u16 = 135;
/// How shortly.
const SHORTLY_NS: i64 = 60_000_000_000;
/// Recordings that follow each other within this time are one: a ring buffer changes its file.
const RING_GAP_NS: i64 = 2_000_000_000;
/// A last stamp this far behind all others is taken for a stray one.
const STRAY_NS: i64 = 600_000_000_000;
/// Stray stamps at the end that are looked past.
const STRAYS: usize = 8;
/// TCP attempts without any answer that make a recording without a single accepted connection one of openings only.
const SILENT_OPENINGS: usize = 20;

/// Endpoints that were announced, and to whom.
pub(super) type AnnouncedTo = HashMap<(Transport, Endpoint), HashSet<IpAddr>, RandomState>;

type Ports = HashSet<u16, RandomState>;

/// Knowledge gathered over all flows.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Endpoints to which brokers sent clients, and these clients.
    announced: AnnouncedTo,
    /// TCP endpoints that sent a SYN-ACK.
    accepted: HashSet<(Transport, Endpoint), RandomState>,
    /// Ports that a host used over TCP, and when first.
    first_used_ns: HashMap<IpAddr, BTreeMap<u16, i64>, RandomState>,
    /// Ports of the peers that talked with an endpoint, both ways.
    peer_ports: HashMap<(Transport, Endpoint), Ports, RandomState>,
    /// Whose packets are in the recording, towards whom.
    hearing: Hearing,
    /// Addresses from which something was sent.
    senders: HashSet<IpAddr, RandomState>,
    /// For each capture: when it and the files that follow it without a gap end.
    ends_ns: Vec<Option<i64>>,
    /// Some TCP segment was more than a SYN, SYN-ACK or RST.
    spoke: bool,
    /// Some TCP segment was a RST.
    reset: bool,
    /// TCP flows with a SYN to which nothing came back.
    silent_openings: usize,
    /// Some payload was recognised: it was looked into, and the recording holds it.
    payload_read: bool,
    /// A filter chose the frames.
    filtered: bool,
    /// The latest packet, stray stamps left out.
    end_ns: i64,
}

/// What a first look at all flows teaches: from those whose direction is strong.
#[derive(Debug, Default)]
pub(super) struct Learned {
    /// Endpoints that served.
    served: HashSet<(Transport, Endpoint), RandomState>,
    /// When a host called the endpoint mapper of another: in the order of time, as the flows are.
    asked_ns: HashMap<(IpAddr, IpAddr), Vec<i64>, RandomState>,
    /// Pairs of hosts of which the first called the second.
    calls: HashSet<(IpAddr, IpAddr), RandomState>,
}

/// A conversation that teaches: its direction is strong.
pub(super) struct Lesson {
    transport: Transport,
    client: IpAddr,
    server: Endpoint,
    first_seen_ns: i64,
}

impl Lesson {
    pub(super) fn of(flow: &FlowRecord, initiator: Side) -> Self {
        let (client, server) = (flow.key.endpoint(initiator).ip, flow.key.endpoint(initiator.other()));
        Self { transport: flow.key.transport, client, server, first_seen_ns: flow.first_seen_ns }
    }
}

impl Learned {
    /// Takes note that an endpoint served a conversation; conversations come in the order of time.
    pub(super) fn learn(&mut self, lesson: &Lesson) {
        let Lesson { transport, client, server, first_seen_ns } = *lesson;
        self.served.insert((transport, server));
        self.calls.insert((client, server.ip));
        if transport == Transport::Tcp && server.port == MAPPER {
            self.asked_ns.entry((client, server.ip)).or_default().push(first_seen_ns);
        }
    }

    /// Whether the endpoint served other conversations.
    pub(super) fn serves(&self, transport: Transport, endpoint: Endpoint) -> bool {
        self.served.contains(&(transport, endpoint))
    }

    /// Whether one host was seen to call the other.
    pub(super) fn calls(&self, client: IpAddr, server: IpAddr) -> bool {
        self.calls.contains(&(client, server))
    }

    /// Whether the client asked the server's endpoint mapper within the minute before the flow.
    pub(super) fn asked_shortly_before(&self, flow: &FlowRecord, client: IpAddr, server: IpAddr) -> bool {
        let times = self.asked_ns.get(&(client, server)).map_or(&[][..], Vec::as_slice);
        let before = times.partition_point(|asked_ns| *asked_ns <= flow.first_seen_ns);
        before > 0 && flow.first_seen_ns.saturating_sub(times[before - 1]) <= SHORTLY_NS
    }
}

/// Whether both sides had something to say.
pub(super) fn is_conversation(flow: &FlowRecord) -> bool {
    match flow.key.transport {
        Transport::Tcp => flow.from_a.payload_packets > 0 && flow.from_b.payload_packets > 0,
        Transport::Udp => flow.from_a.packets > 0 && flow.from_b.packets > 0,
    }
}

impl Survey {
    /// Of so many flows, of which `flow` gives each.
    pub(super) fn of(
        flows: usize,
        flow: impl Fn(usize) -> Option<FlowRecord> + Sync,
        captures: &[CaptureRow],
        announced: AnnouncedTo,
    ) -> Self {
        let parts = in_parts(flows, |numbers| {
            let (mut part, mut latest) = (Self::default(), Latest::default());
            for flow in numbers.filter_map(&flow) {
                part.note(&flow);
                latest.note(flow.last_seen_ns);
            }
            (part, latest)
        });
        let filtered = captures.iter().any(|capture| capture.filter.is_some());
        let mut survey = Self { announced, ends_ns: ends_ns(captures), filtered, ..Self::default() };
        let mut latest = Latest::default();
        for (part, of_part) in parts {
            survey.join(part);
            of_part.0.into_iter().for_each(|time_ns| latest.note(time_ns));
        }
        Self { end_ns: latest.end_ns(), ..survey }
    }

    /// Adds what was gathered over other flows.
    fn join(&mut self, other: Self) {
        self.hearing.join(other.hearing);
        self.accepted.extend(other.accepted);
        for (ip, ports) in other.first_used_ns {
            let own = self.first_used_ns.entry(ip).or_default();
            for (port, ns) in ports {
                own.entry(port).and_modify(|first_ns| *first_ns = ns.min(*first_ns)).or_insert(ns);
            }
        }
        for (endpoint, ports) in other.peer_ports {
            let own = self.peer_ports.entry(endpoint).or_default();
            ports.into_iter().for_each(|port| note_peer(own, port));
        }
        self.senders.extend(other.senders);
        self.spoke |= other.spoke;
        self.reset |= other.reset;
        self.silent_openings += other.silent_openings;
        self.payload_read |= other.payload_read;
    }

    fn note(&mut self, flow: &FlowRecord) {
        let transport = flow.key.transport;
        let conversation = is_conversation(flow);
        self.hearing.note(flow);
        self.payload_read |= flow.application.is_some();
        for side in [Side::A, Side::B] {
            let (own, peer) = (flow.key.endpoint(side), flow.key.endpoint(side.other()));
            let facts = flow.from(side);
            if facts.packets > 0 {
                self.senders.insert(own.ip);
            }
            if facts.syn_ack > 0 {
                self.accepted.insert((transport, own));
            }
            if transport == Transport::Tcp && conversation {
                let ports = self.first_used_ns.entry(own.ip).or_default();
                let first_ns = ports.entry(own.port).or_insert(flow.first_seen_ns);
                *first_ns = flow.first_seen_ns.min(*first_ns);
            }
            if transport == Transport::Tcp {
                self.spoke |= facts.spoke();
                self.reset |= facts.rst > 0;
                self.silent_openings += usize::from(facts.syn > 0 && flow.from(side.other()).packets == 0);
            }
            // Who opened a flow is not its server, however many peers it has.
            let opened = match transport {
                Transport::Tcp => flow.first_syn == Some(side),
                Transport::Udp => flow.first_sender == side,
            };
            if conversation && !opened {
                note_peer(self.peer_ports.entry((transport, own)).or_default(), peer.port);
            }
        }
    }

    /// Whether a broker sent somebody to an endpoint, and whether that was this client.
    pub(super) fn is_announced(&self, transport: Transport, endpoint: Endpoint, client: IpAddr) -> Option<bool> {
        self.announced.get(&(transport, endpoint)).map(|callers| callers.contains(&client))
    }

    /// Whether the endpoint was seen to accept connections.
    pub(super) fn accepts(&self, transport: Transport, endpoint: Endpoint) -> bool {
        self.accepted.contains(&(transport, endpoint))
    }

    /// Distinct ports of the peers that talked with an endpoint, at most 64. A server's clients come from many ports; who
    /// calls many servers finds the same port, or gets no conversation.
    pub(super) fn fan_in(&self, transport: Transport, endpoint: Endpoint) -> usize {
        self.peer_ports.get(&(transport, endpoint)).map_or(0, HashSet::len)
    }

    /// Whether the host's neighbouring ports, those with one peer port each, were first used in the order of their numbers:
    /// a system that gives out one after the other.
    pub(super) fn is_in_a_row(&self, transport: Transport, end: Endpoint) -> bool {
        let Some(ports) = self.first_used_ns.get(&end.ip).filter(|_| transport == Transport::Tcp) else { return false };
        let Some(own_ns) = ports.get(&end.port).filter(|_| self.fan_in(transport, end) < 2) else { return false };
        let single = |port: u16| self.fan_in(transport, Endpoint { port, ..end }) < 2;
        let lower = ports.range(end.port.saturating_sub(ROW_REACH)..end.port).rev();
        let lower = lower.filter(|(port, _)| single(**port)).take(ROW_NEIGHBOURS);
        let higher = ports.range((Excluded(end.port), Included(end.port.saturating_add(ROW_REACH))));
        let higher = higher.filter(|(port, _)| single(**port)).take(ROW_NEIGHBOURS);
        let in_order: Vec<bool> = lower.map(|(_, ns)| ns <= own_ns).chain(higher.map(|(_, ns)| ns >= own_ns)).collect();
        in_order.len() >= ROW_NEIGHBOURS && in_order.iter().all(|holds| *holds)
    }

    /// Why silence from the responder means nothing, if so: an answer might have been kept away, or not be heard.
    pub(super) fn doubts_silence(&self, flow: &FlowRecord, initiator: Side) -> Option<&'static str> {
        let (own, peer) = (flow.key.endpoint(initiator).ip, flow.key.endpoint(initiator.other()));
        if self.filtered {
            return Some("a filter was in use and may have kept the answer away");
        }
        if flow.key.transport == Transport::Tcp && self.openings_only() {
            return Some("nothing but segments that open or reset connections was recorded");
        }
        let heard = self.hearing.answers(flow.key.transport, own, peer);
        (!heard).then_some("nothing shows that the recording would hold an answer")
    }

    /// Whether no TCP segment but SYN and SYN-ACK was recorded, or SYNs and resets without a single accepted connection: a
    /// filter kept the rest away.
    pub(super) fn openings_only(&self) -> bool {
        let lacks = match self.accepted.is_empty() {
            true => self.silent_openings >= SILENT_OPENINGS,
            false => !self.reset,
        };
        !self.spoke && lacks
    }

    /// Where nothing at all was recognised, payload was not looked into, or the recording does not hold it.
    pub(super) fn payload_read(&self) -> bool {
        self.payload_read
    }

    /// Whether a filter chose the frames.
    pub(super) fn is_filtered(&self) -> bool {
        self.filtered
    }

    /// Whether accepted connections may be missing: a filter was in use, or there is none although attempts were recorded.
    pub(super) fn lacks_answers(&self) -> bool {
        self.filtered || (self.accepted.is_empty() && !self.spoke && self.silent_openings > 0)
    }

    /// Multicast or broadcast: nobody answers from there. A subnet's broadcast address is known by its last byte, and by
    /// nothing ever coming from it.
    pub(super) fn is_group(&self, ip: IpAddr) -> bool {
        match ip {
            IpAddr::V4(v4) => {
                v4.is_multicast() || v4.is_broadcast() || (v4.octets()[3] == 255 && !self.senders.contains(&ip))
            }
            IpAddr::V6(v6) => v6.is_multicast(),
        }
    }

    /// For how long its recording went on after the flow's last packet, ns.
    pub(super) fn silence_after_ns(&self, flow: &FlowRecord) -> i64 {
        let end_ns = self.ends_ns.get(flow.capture.0 as usize).copied().flatten();
        let end_ns = end_ns.map_or(self.end_ns, |end| self.end_ns.min(end));
        end_ns.saturating_sub(flow.last_seen_ns).max(0)
    }
}

fn note_peer(ports: &mut Ports, port: u16) {
    if ports.len() < FAN_IN_LIMIT {
        ports.insert(port);
    }
}

/// When each capture ends, files that follow it without a gap included. Captures that overlap are other taps: they go on
/// for nobody else.
fn ends_ns(captures: &[CaptureRow]) -> Vec<Option<i64>> {
    let mut order: Vec<(i64, i64, usize)> =
        captures.iter().enumerate().filter_map(|(i, c)| Some((c.first_ns?, c.last_ns?, i))).collect();
    order.sort_unstable();
    let mut ends_ns = vec![None; captures.len()];
    for (place, (_, last_ns, capture)) in order.iter().enumerate().rev() {
        let later = &order[place + 1..];
        let next = later.get(later.partition_point(|(first, ..)| first < last_ns));
        let follows = next.filter(|(first, ..)| first.saturating_sub(*last_ns) <= RING_GAP_NS);
        ends_ns[*capture] = follows.and_then(|(.., next)| ends_ns[*next]).or(Some(*last_ns));
    }
    ends_ns
}

/// The latest times of all, latest first: as many as may be stray, and one more.
#[derive(Default)]
struct Latest(Vec<i64>);

impl Latest {
    fn note(&mut self, time_ns: i64) {
        let place = self.0.partition_point(|t| *t > time_ns);
        if place <= STRAYS {
            self.0.insert(place, time_ns);
            self.0.truncate(STRAYS + 1);
        }
    }

    /// The latest that is no stray one.
    fn end_ns(&self) -> i64 {
        let gap = |pair: &[i64]| pair[0].saturating_sub(pair[1]) > STRAY_NS;
        let strays = self.0.windows(2).rposition(gap).map_or(0, |last| last + 1);
        self.0.get(strays).copied().unwrap_or(i64::MIN)
    }
}

//! From frame to flow: look up, count, expire, hand out.

use super::cache::{Class, Entry, FlowCache};
use super::clock::PacketClock;
use super::key::PackedKey;
use super::tcp;
use crate::decode::{FragmentOwner, FragmentTable, decode};
use crate::model::{
    Activity, CaptureIndex, Content, DirectionFacts, EndReason, Fate, FlowKey, FlowRecord, FlowSink, FragmentKey,
    Frame, IcmpError, IcmpFacts, IcmpKind, Packet, Segment, Side, Tally, TcpState, Transport,
};

const SECOND_NS: i64 = 1_000_000_000;
/// Payload after this much silence begins a new burst.
const BURST_SILENCE_NS: i64 = SECOND_NS;
/// Silence after which a flow may be ended where room is needed, and nothing is lost by it (RFC 4787 REQ-5).
const ROOM_IDLE_NS: i64 = 300 * SECOND_NS;

/// Limits and timeouts of the metering process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeterSettings {
    /// Active flows held at once; beyond it the one that has been silent for longest is handed out. That counts as an
    /// eviction when it was silent for less than five minutes.
    pub max_flows: usize,
    /// Silence that ends a UDP flow, ns.
    pub udp_idle_ns: i64,
    /// Silence that ends a TCP conversation, ns.
    pub tcp_idle_ns: i64,
    /// Silence that ends a TCP flow before its handshake or after its close, ns.
    pub tcp_transitory_ns: i64,
    /// Age at which a flow that goes on is handed out and begun anew, ns. None: never.
    pub active_ns: Option<i64>,
}

impl Default for MeterSettings {
    fn default() -> Self {
        Self {
            max_flows: 1_000_000,
            udp_idle_ns: 24 * 3600 * SECOND_NS,
            tcp_idle_ns: 24 * 3600 * SECOND_NS,
            tcp_transitory_ns: 240 * SECOND_NS,
            active_ns: None,
        }
    }
}

impl MeterSettings {
    fn idle_ns(&self, class: Class) -> i64 {
        match class {
            Class::Datagrams => self.udp_idle_ns,
            Class::Open => self.tcp_idle_ns,
            Class::Transitory => self.tcp_transitory_ns,
        }
    }
}

/// What the metering process says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MeterSummary {
    /// Frames by fate, one tally per capture file, by its index.
    pub tallies: Vec<Tally>,
    /// The first frame of each capture file that could not be decoded to its end, and why.
    pub first_stops: Vec<Option<String>>,
    /// Flow records handed out.
    pub flows: u64,
    /// Of these, evicted because the cache was full.
    pub evicted: u64,
    /// ICMP errors about a flow that was not seen.
    pub icmp_unattached: u64,
}

/// The metering process.
pub struct Meter<S: FlowSink> {
    settings: MeterSettings,
    cache: FlowCache,
    fragments: FragmentTable,
    clock: PacketClock,
    /// The flow of the packet before.
    latest: Option<u32>,
    summary: MeterSummary,
    sink: S,
}

/// Which packet, from where, when.
#[derive(Clone, Copy)]
struct Arrival {
    capture: CaptureIndex,
    frame: u64,
    time_ns: i64,
    wire_bytes: u32,
}

impl<S: FlowSink> Meter<S> {
    /// A meter that hands its records to `sink`.
    pub fn new(settings: MeterSettings, sink: S) -> Self {
        Self {
            settings,
            cache: FlowCache::new(),
            fragments: FragmentTable::default(),
            clock: PacketClock::new(),
            latest: None,
            summary: MeterSummary::default(),
            sink,
        }
    }

    /// Meters one frame.
    ///
    /// # Errors
    /// Whatever the sink answers.
    pub fn frame(&mut self, frame: &Frame<'_>) -> Result<(), S::Error> {
        if self.clock.advance(frame.time_ns)
            && let Some(index) = self.latest
        {
            let class = tcp::class(&self.cache.get(index).record);
            self.cache.touch(index, class, self.clock.now_ns());
        }
        self.latest = None;
        self.expire()?;
        let arrival = Arrival {
            capture: frame.position.capture,
            frame: frame.position.frame,
            time_ns: frame.time_ns,
            wire_bytes: frame.wire_bytes,
        };
        let decoded = decode(frame);
        let mut fate = decoded.fate;
        match decoded.content {
            Content::Packet(packet) => self.packet(&arrival, &packet)?,
            Content::LaterFragment(key, ip_bytes) => {
                if self.later_fragment(&arrival, &key, ip_bytes)? {
                    fate = Fate::Fragment;
                }
            }
            Content::IcmpError(error) => self.icmp_error(&arrival, &error),
            Content::Nothing => {}
        }
        self.count(arrival.capture, fate);
        if let Some(stop) = decoded.stop {
            let first = &mut self.summary.first_stops[arrival.capture.0 as usize];
            first.get_or_insert_with(|| format!("frame {}, byte {}: {stop}", arrival.frame, frame.position.offset));
        }
        Ok(())
    }

    fn count(&mut self, capture: CaptureIndex, fate: Fate) {
        let index = capture.0 as usize;
        if self.summary.tallies.len() <= index {
            self.summary.tallies.resize_with(index + 1, Tally::default);
            self.summary.first_stops.resize(index + 1, None);
        }
        self.summary.tallies[index].count(fate);
    }

    fn packet(&mut self, arrival: &Arrival, packet: &Packet<'_>) -> Result<(), S::Error> {
        let transport = packet.segment.transport();
        if let Some(key) = packet.fragment {
            let owner = FragmentOwner { transport, source: packet.source, destination: packet.destination };
            self.fragments.remember(key, owner, arrival.time_ns);
        }
        let tcp_header = match packet.segment {
            Segment::Tcp(header) => header,
            Segment::Udp => None,
        };
        let (key, side) = FlowKey::new(transport, packet.source, packet.destination);
        let packed = PackedKey::from(&key);
        let mut found = self.cache.find(&packed);
        if let Some(index) = found {
            let entry = self.cache.get(index);
            let reason = if tcp_header.is_some_and(|tcp| tcp::begins_another(entry, side, tcp)) {
                Some(EndReason::PortReused)
            } else {
                let age_ns = arrival.time_ns.saturating_sub(entry.record.first_seen_ns);
                self.settings.active_ns.is_some_and(|limit| age_ns > limit).then_some(EndReason::Active)
            };
            if let Some(reason) = reason {
                self.end(index, reason)?;
                found = None;
            }
        }
        let index = match found {
            Some(index) => index,
            None => self.begin(packed, key, side, packet.vlan, arrival)?,
        };
        let entry = self.cache.get_mut(index);
        add(entry, side, arrival, packet.ip_bytes, packet.payload_bytes);
        if let Some(header) = tcp_header {
            let frame = frame_in(&entry.record, arrival);
            tcp::count(entry, side, header, packet.payload_bytes, frame, arrival.time_ns);
        }
        let ended_burst =
            if packet.payload_bytes > 0 { burst(entry, side, arrival, packet.payload_bytes) } else { None };
        let class = tcp::class(&entry.record);
        self.cache.touch(index, class, self.clock.now_ns());
        self.latest = Some(index);
        ended_burst.map_or(Ok(()), |ended| self.sink.activity(&ended))
    }

    fn begin(
        &mut self,
        packed: PackedKey,
        key: FlowKey,
        side: Side,
        vlan: Option<u16>,
        arrival: &Arrival,
    ) -> Result<u32, S::Error> {
        if self.cache.len() >= self.settings.max_flows
            && let Some((oldest, since_ns)) = self.cache.oldest_of_all()
        {
            let idle = self.clock.now_ns().saturating_sub(since_ns) > ROOM_IDLE_NS;
            self.summary.evicted += u64::from(!idle);
            self.end(oldest, if idle { EndReason::Idle } else { EndReason::Evicted })?;
        }
        let record = FlowRecord {
            capture: arrival.capture,
            first_frame: arrival.frame,
            key,
            vlan,
            first_seen_ns: arrival.time_ns,
            last_seen_ns: arrival.time_ns,
            first_sender: side,
            first_syn: None,
            from_a: DirectionFacts::default(),
            from_b: DirectionFacts::default(),
            state: TcpState::Datagrams,
            end_reason: EndReason::EndOfCapture,
            icmp: IcmpFacts::default(),
            fragments: 0,
        };
        let class = if key.transport == Transport::Udp { Class::Datagrams } else { Class::Open };
        Ok(self.cache.insert(packed, record, class, self.clock.now_ns()))
    }

    /// Counts a fragment without ports in the flow of its first one; false where that was not seen.
    fn later_fragment(&mut self, arrival: &Arrival, key: &FragmentKey, ip_bytes: u32) -> Result<bool, S::Error> {
        let Some(owner) = self.fragments.owner(key, arrival.time_ns) else { return Ok(false) };
        let (key, side) = FlowKey::new(owner.transport, owner.source, owner.destination);
        let packed = PackedKey::from(&key);
        let index = match self.cache.find(&packed) {
            Some(index) => index,
            None => self.begin(packed, key, side, None, arrival)?,
        };
        let header_bytes = if owner.source.ip.is_ipv4() { 20 } else { 48 };
        let entry = self.cache.get_mut(index);
        add(entry, side, arrival, ip_bytes, ip_bytes.saturating_sub(header_bytes));
        entry.record.fragments += 1;
        let class = tcp::class(&entry.record);
        self.cache.touch(index, class, self.clock.now_ns());
        self.latest = Some(index);
        Ok(true)
    }

    fn icmp_error(&mut self, arrival: &Arrival, error: &IcmpError) {
        let (key, quoted) = FlowKey::new(error.transport, error.source, error.destination);
        let Some(index) = self.cache.find(&PackedKey::from(&key)) else {
            self.summary.icmp_unattached += 1;
            return;
        };
        let entry = self.cache.get_mut(index);
        let frame = frame_in(&entry.record, arrival);
        let facts = &mut entry.record.icmp;
        if facts.first_type.is_none() {
            facts.quoted = Some(quoted);
            (facts.first_type, facts.first_code, facts.first_frame) = (Some(error.icmp_type), Some(error.code), frame);
        }
        match error.kind {
            _ if facts.quoted != Some(quoted) => facts.other += 1,
            IcmpKind::PortUnreachable => facts.port_unreachable += 1,
            IcmpKind::Prohibited => facts.prohibited += 1,
            IcmpKind::Other => facts.other += 1,
        }
    }

    fn expire(&mut self) -> Result<(), S::Error> {
        for class in Class::ALL {
            let idle_ns = self.settings.idle_ns(class);
            while let Some((index, since_ns)) = self.cache.oldest(class)
                && self.clock.now_ns().saturating_sub(since_ns) > idle_ns
            {
                let over = class == Class::Transitory && tcp::is_over(&self.cache.get(index).record);
                self.end(index, if over { EndReason::Closed } else { EndReason::Idle })?;
            }
        }
        Ok(())
    }

    fn end(&mut self, index: u32, reason: EndReason) -> Result<(), S::Error> {
        let entry = self.cache.remove(index);
        self.hand_out(entry, reason)
    }

    fn hand_out(&mut self, entry: Entry, reason: EndReason) -> Result<(), S::Error> {
        let Entry { mut record, burst, burst_before, .. } = entry;
        record.state = tcp::state(&record);
        record.end_reason = reason;
        self.summary.flows += 1;
        self.sink.flow(&record)?;
        match burst {
            Some(burst) if burst_before => self.sink.activity(&burst),
            _ => Ok(()),
        }
    }

    /// Hands out the flows that are still active, in the order of their first frames, and gives the sink back.
    ///
    /// # Errors
    /// Whatever the sink answers.
    pub fn finish(mut self) -> Result<(MeterSummary, S), S::Error> {
        let mut rest = Vec::with_capacity(self.cache.len());
        for class in Class::ALL {
            while let Some((index, _)) = self.cache.oldest(class) {
                rest.push(self.cache.remove(index));
            }
        }
        rest.sort_by_key(|entry| (entry.record.capture, entry.record.first_frame));
        for entry in rest {
            let over = entry.record.key.transport == Transport::Tcp && tcp::is_over(&entry.record);
            self.hand_out(entry, if over { EndReason::Closed } else { EndReason::EndOfCapture })?;
        }
        Ok((self.summary, self.sink))
    }
}

/// The frame number, where it counts in the file that the flow's first frame is in.
fn frame_in(record: &FlowRecord, arrival: &Arrival) -> Option<u64> {
    (record.capture == arrival.capture).then_some(arrival.frame)
}

fn add(entry: &mut Entry, side: Side, arrival: &Arrival, ip_bytes: u32, payload_bytes: u32) {
    let record = &mut entry.record;
    record.first_seen_ns = record.first_seen_ns.min(arrival.time_ns);
    record.last_seen_ns = record.last_seen_ns.max(arrival.time_ns);
    let facts = match side {
        Side::A => &mut record.from_a,
        Side::B => &mut record.from_b,
    };
    facts.packets += 1;
    facts.wire_bytes += u64::from(arrival.wire_bytes);
    facts.ip_bytes += u64::from(ip_bytes);
    facts.payload_bytes += u64::from(payload_bytes);
    facts.payload_packets += u64::from(payload_bytes > 0);
}

/// Adds payload to the burst under way, or begins a new one and returns the one that it ends.
fn burst(entry: &mut Entry, side: Side, arrival: &Arrival, payload_bytes: u32) -> Option<Activity> {
    let fresh = Activity {
        capture: entry.record.capture,
        flow_first_frame: entry.record.first_frame,
        burst_capture: arrival.capture,
        first_frame: arrival.frame,
        start_ns: arrival.time_ns,
        end_ns: arrival.time_ns,
        payload_bytes_a: 0,
        payload_bytes_b: 0,
    };
    let silent = |burst: &Activity| arrival.time_ns.saturating_sub(burst.end_ns) >= BURST_SILENCE_NS;
    let ended = entry.burst.filter(silent);
    entry.burst_before |= ended.is_some();
    let burst = match ended {
        Some(_) => entry.burst.insert(fresh),
        None => entry.burst.get_or_insert(fresh),
    };
    burst.end_ns = burst.end_ns.max(arrival.time_ns);
    match side {
        Side::A => burst.payload_bytes_a += u64::from(payload_bytes),
        Side::B => burst.payload_bytes_b += u64::from(payload_bytes),
    }
    ended
}

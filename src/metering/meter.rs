//! From frame to flow: look up, count, expire, hand out.

use super::cache::{Class, Entry, FlowCache};
use super::clock::PacketClock;
use super::copies::{Copies, Sighting};
use super::entry::{self, Arrival};
use super::heard::Told;
use super::key::PackedKey;
use super::settings::{MeterSettings, MeterSummary, ROOM_IDLE_NS};
use super::streams::{Interest, Piece, Streams};
use super::tcp;
use crate::application::Moment;
use crate::decode::{Carrier, Decoder, FragmentTable, Owner};
use crate::model::{
    CaptureIndex, Content, Encapsulation, EndReason, Fate, FlowKey, FlowRecord, FlowSink, Frame, IcmpError,
    LaterFragment, Packet, Position, Process, Segment, Side, SocketFact, Tally, Transport, Tunnel, flags,
};

/// Processes behind endpoints that are told; a recorder that names more is not believed.
const MOST_SOCKETS: u64 = 1_000_000;

/// When and where a frame was seen.
fn sighting(frame: &Frame<'_>) -> Sighting {
    let tap = frame.position.capture.0.rotate_left(16) ^ frame.interface;
    Sighting { time_ns: frame.timed.then_some(frame.time_ns), tap }
}

/// The metering process.
pub struct Meter<S: FlowSink> {
    settings: MeterSettings,
    decoder: Decoder,
    cache: FlowCache,
    fragments: FragmentTable<(Arrival, LaterFragment)>,
    copies: Copies,
    streams: Streams,
    told: Told,
    clock: PacketClock,
    /// The flow of the packet before.
    latest: Option<u32>,
    summary: MeterSummary,
    sink: S,
}

impl<S: FlowSink> Meter<S> {
    /// A meter that hands its records to `sink`.
    pub fn new(settings: MeterSettings, sink: S) -> Self {
        Self {
            settings,
            decoder: Decoder::new(settings.decode),
            cache: FlowCache::new(),
            fragments: FragmentTable::default(),
            copies: Copies::new(),
            streams: Streams::new(settings.streams),
            told: Told::default(),
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
        let decoded = self.decoder.decode(frame);
        let arrival = Arrival::of(frame, decoded.heading);
        let fate = match decoded.content {
            Content::Packet(packet) => self.conversation(frame, &arrival, &packet, decoded.process, decoded.fate)?,
            Content::LaterFragment(later) => self.later_fragment(&arrival, &later, sighting(frame))?,
            Content::IcmpError(error) => {
                self.carriers(&arrival)?;
                self.icmp_error(&arrival, &error);
                decoded.fate
            }
            Content::Nothing => decoded.fate,
        };
        self.tally(arrival.capture()).count(fate);
        if let Some(stop) = decoded.stop {
            let first = &mut self.summary.first_stops[arrival.capture().0 as usize];
            let Frame { position, .. } = frame;
            first.get_or_insert_with(|| format!("frame {}, byte {}: {stop}", position.frame, position.offset));
        }
        Ok(())
    }

    fn tally(&mut self, capture: CaptureIndex) -> &mut Tally {
        let index = capture.0 as usize;
        if self.summary.tallies.len() <= index {
            self.summary.tallies.resize_with(index + 1, Tally::default);
            self.summary.first_stops.resize(index + 1, None);
        }
        &mut self.summary.tallies[index]
    }

    /// The innermost packet of a frame and those that carried it, unless it is a copy that is to be left out.
    fn conversation(
        &mut self,
        frame: &Frame<'_>,
        arrival: &Arrival,
        packet: &Packet<'_>,
        process: Option<Process<'_>>,
        fate: Fate,
    ) -> Result<Fate, S::Error> {
        let transport = packet.segment.transport();
        let (key, side) = FlowKey::new(transport, packet.source, packet.destination);
        let packed = PackedKey::new(&key, packet.encapsulation.depth);
        // A copy may come by another way: inside a tunnel and outside.
        let anywhere = if packet.encapsulation.depth == 0 { packed } else { PackedKey::new(&key, 0) };
        let copy = self.copies.packet(packet, anywhere, side == Side::A, sighting(frame));
        self.summary.duplicates += u64::from(copy);
        if copy && self.settings.leave_out_copies {
            return Ok(Fate::Duplicate);
        }
        self.carriers(arrival)?;
        let index = self.packet(arrival, packet, (packed, key, side), None, copy)?;
        if let Some(process) = process {
            self.process(index, arrival, side, process)?;
        }
        Ok(fate)
    }

    /// Counts the UDP packets that carried what the frame holds.
    fn carriers(&mut self, arrival: &Arrival) -> Result<(), S::Error> {
        for i in 0..self.decoder.carriers().len() {
            let (packet, tunnel): Carrier = self.decoder.carriers()[i];
            let (key, side) = FlowKey::new(Transport::Udp, packet.source, packet.destination);
            let packed = PackedKey::new(&key, packet.encapsulation.depth);
            self.packet(arrival, &packet, (packed, key, side), Some(tunnel), false)?;
        }
        Ok(())
    }

    fn packet(
        &mut self,
        arrival: &Arrival,
        packet: &Packet<'_>,
        (packed, key, side): (PackedKey, FlowKey, Side),
        carries: Option<Tunnel>,
        copy: bool,
    ) -> Result<u32, S::Error> {
        let tcp_header = match packet.segment {
            Segment::Tcp(header) => header,
            Segment::Udp => None,
        };
        let mut found = self.cache.find(&packed);
        if let Some(index) = found {
            let entry = self.cache.get(index);
            let reason = if tcp_header.is_some_and(|tcp| tcp::begins_another(entry, side, tcp, arrival.time_ns)) {
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
            None => self.begin(packed, key, side, packet.encapsulation, arrival)?,
        };
        let entry = self.cache.get_mut(index);
        entry::add(&mut entry.record, side, arrival, packet.ip_bytes, packet.payload_bytes);
        entry.record.duplicates += u32::from(copy);
        entry.record.snapped += u32::from(carries.is_none() && entry::is_snapped(packet));
        if let Some(header) = tcp_header {
            tcp::count(entry, side, header, packet.payload_bytes, arrival, copy);
        }
        let mut ended_burst = None;
        if let Some(tunnel) = carries {
            entry.record.carries.get_or_insert(tunnel);
            entry.record.carrier_packets += 1;
        } else if packet.payload_bytes > 0 && entry.record.carries.is_none() {
            ended_burst = entry::burst(entry, side, arrival, packet.payload_bytes);
        }
        let wanted = packet.payload_bytes > 0 && carries.is_none() && !copy && entry.interest.wants(side);
        let class = tcp::class(&entry.record);
        self.cache.touch(index, class, self.clock.now_ns());
        self.latest = Some(index);
        if let Some(ended) = ended_burst {
            self.sink.activity(&ended)?;
        }
        if wanted {
            self.listen(index, side, packet, arrival)?;
        }
        if let Some(fragment) = packet.fragment {
            let owner = Owner {
                transport: key.transport,
                source: packet.source,
                destination: packet.destination,
                depth: packet.encapsulation.depth,
            };
            for (earlier, later) in self.fragments.first(&fragment, owner, arrival.time_ns) {
                self.attach(&earlier, &later, &owner)?;
                self.tally(earlier.capture()).change(Fate::OrphanFragment, Fate::Fragment);
            }
        }
        Ok(index)
    }

    /// Looks into the payload of a packet.
    fn listen(&mut self, index: u32, side: Side, packet: &Packet<'_>, arrival: &Arrival) -> Result<(), S::Error> {
        let entry = self.cache.get_mut(index);
        let sequence = match packet.segment {
            Segment::Tcp(Some(header)) => header.sequence.wrapping_add(u32::from(header.flags & flags::SYN != 0)),
            // Without a sequence number nothing can be put in order.
            Segment::Tcp(None) => return Ok(()),
            Segment::Udp => 0,
        };
        let moment = Moment { position: arrival.position, time_ns: arrival.time_ns };
        let Packet { payload, payload_bytes, .. } = *packet;
        let piece = Piece { side, moment, payload, payload_bytes, sequence };
        let key = entry.record.key;
        let first = entry.initial_seq.map(|initial| initial.map(|initial| initial.wrapping_add(1)));
        let ports = [key.a.port, key.b.port];
        let known = self.streams.hear(key.transport, &mut entry.interest, ports, first, &piece);
        entry.record.application = known.or(entry.record.application);
        self.told.tell(&mut self.streams.heard, &entry.record, &mut self.summary, &mut self.sink)
    }

    fn begin(
        &mut self,
        packed: PackedKey,
        key: FlowKey,
        side: Side,
        encapsulation: Encapsulation,
        arrival: &Arrival,
    ) -> Result<u32, S::Error> {
        if self.cache.len() >= self.settings.max_flows
            && let Some((oldest, since_ns)) = self.cache.oldest_of_all()
        {
            let idle = self.clock.now_ns().saturating_sub(since_ns) > ROOM_IDLE_NS;
            self.summary.evicted += u64::from(!idle);
            self.end(oldest, if idle { EndReason::Idle } else { EndReason::Evicted })?;
        }
        let Position { capture, frame, .. } = arrival.position;
        let record = FlowRecord { encapsulation, ..FlowRecord::begun(key, side, capture, frame, arrival.time_ns) };
        let class = if key.transport == Transport::Udp { Class::Datagrams } else { Class::Open };
        let interest = Interest::new(self.streams.is_enabled());
        Ok(self.cache.insert(packed, record, interest, class, self.clock.now_ns()))
    }

    /// Counts a fragment without ports in the flow of its first one, or has it wait for that.
    fn later_fragment(&mut self, arrival: &Arrival, later: &LaterFragment, seen: Sighting) -> Result<Fate, S::Error> {
        let copy = self.copies.fragment(&later.fragment, seen);
        self.summary.duplicates += u64::from(copy);
        if copy && self.settings.leave_out_copies {
            return Ok(Fate::Duplicate);
        }
        self.carriers(arrival)?;
        match self.fragments.later(&later.fragment, arrival.time_ns, (*arrival, *later)) {
            Some(owner) => self.attach(arrival, later, &owner).map(|()| Fate::Fragment),
            None => Ok(Fate::OrphanFragment),
        }
    }

    fn attach(&mut self, arrival: &Arrival, later: &LaterFragment, owner: &Owner) -> Result<(), S::Error> {
        let (key, side) = FlowKey::new(owner.transport, owner.source, owner.destination);
        let packed = PackedKey::new(&key, owner.depth);
        let index = match self.cache.find(&packed) {
            Some(index) => index,
            None => self.begin(packed, key, side, later.encapsulation, arrival)?,
        };
        let entry = self.cache.get_mut(index);
        entry::add(&mut entry.record, side, arrival, later.ip_bytes, later.fragment.data_bytes);
        entry.record.fragments += 1;
        let class = tcp::class(&entry.record);
        self.cache.touch(index, class, self.clock.now_ns());
        self.latest = Some(index);
        Ok(())
    }

    fn icmp_error(&mut self, arrival: &Arrival, error: &IcmpError) {
        let (key, quoted) = FlowKey::new(error.transport, error.source, error.destination);
        match self.cache.find(&PackedKey::new(&key, error.depth)) {
            Some(index) => entry::icmp_error(&mut self.cache.get_mut(index).record, quoted, error, arrival),
            None => self.summary.icmp_unattached += 1,
        }
    }

    /// Tells which process stands behind the recorder's end of a flow.
    fn process(&mut self, index: u32, arrival: &Arrival, side: Side, process: Process<'_>) -> Result<(), S::Error> {
        let Some(local) = entry::recorder(side, arrival.heading) else { return Ok(()) };
        let entry = self.cache.get_mut(index);
        if entry.process_id == process.id {
            return Ok(());
        }
        entry.process_id = process.id;
        if self.summary.sockets >= MOST_SOCKETS {
            self.summary.sockets_dropped += 1;
            return Ok(());
        }
        self.summary.sockets += 1;
        let key = entry.record.key;
        self.sink.socket(&SocketFact {
            position: arrival.position,
            time_ns: arrival.time_ns,
            transport: key.transport,
            local: key.endpoint(local),
            remote: key.endpoint(local.other()),
            process,
        })
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
        let Entry { mut record, burst, burst_before, mut interest, .. } = entry;
        let position = Position { capture: record.capture, frame: record.first_frame, ..Position::default() };
        let known = self.streams.end(&mut interest, Moment { position, time_ns: record.last_seen_ns });
        record.application = known.or(record.application);
        self.told.tell(&mut self.streams.heard, &record, &mut self.summary, &mut self.sink)?;
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
        rest.sort_by_key(|Entry { record, .. }| (record.capture, record.first_frame, record.encapsulation.depth));
        for entry in rest {
            let over = entry.record.key.transport == Transport::Tcp && tcp::is_over(&entry.record);
            self.hand_out(entry, if over { EndReason::Closed } else { EndReason::EndOfCapture })?;
        }
        self.summary.fragment_overlaps = self.fragments.overlaps();
        self.summary.streams_given_up = self.streams.given_up;
        Ok((self.summary, self.sink))
    }
}

//! From frame to flow: look up, count, expire, hand out.

use super::cache::{APPROACH, FlowCache};
use super::clock::PacketClock;
use super::copies::{Copies, Identity};
use super::count::{self, Arrival};
use super::entry::Entry;
use super::heard::Told;
use super::key::PackedKey;
use super::prepare::{Batch, Carried, Extra, KeyedPacket, Prepared, PreparedFrame, Preparer};
use super::settings::{MeterSettings, MeterSummary, ROOM_IDLE_NS};
use super::streams::{Interest, Piece, Streams};
use super::tcp;
use crate::application::Moment;
use crate::decode::{FragmentTable, Owner};
use crate::model::{
    CaptureIndex, Encapsulation, EndReason, Fate, FlowSink, Fragment, Frame, IcmpError, LaterFragment, Position,
    Process, Segment, Side, SocketFact, Tally, Transport, Tunnel, flags,
};

/// Processes behind endpoints that are told; a recorder that names more is not believed.
const MOST_SOCKETS: u64 = 1_000_000;

/// The metering process.
pub struct Meter<S: FlowSink> {
    settings: MeterSettings,
    preparer: Preparer,
    /// The frame of [`Meter::frame`].
    single: Prepared,
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
        let cache = FlowCache::new(settings.max_flows, settings.idle_ns());
        Self {
            settings,
            preparer: Preparer::new(&settings, cache.hasher().clone()),
            single: Prepared::default(),
            cache,
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

    /// Whoever prepares frames for this meter, maybe on another thread.
    pub fn preparer(&self) -> Preparer {
        Preparer::new(&self.settings, self.cache.hasher().clone())
    }

    /// Meters one frame.
    ///
    /// # Errors
    /// Whatever the sink answers.
    pub fn frame(&mut self, frame: &Frame<'_>) -> Result<(), S::Error> {
        let mut single = std::mem::take(&mut self.single);
        single.clear();
        self.preparer.prepare(frame, 0, &mut single);
        let batch = Batch { prepared: &single, bytes: frame.data };
        let metered = single.frames.iter().try_for_each(|frame| self.prepared(frame, batch));
        self.single = single;
        metered
    }

    /// Meters frames that were prepared for this meter; `bytes` are those in which they stand.
    ///
    /// # Errors
    /// Whatever the sink answers.
    pub fn batch(&mut self, prepared: &Prepared, bytes: &[u8]) -> Result<(), S::Error> {
        let batch = Batch { prepared, bytes };
        for frames in prepared.frames.chunks(APPROACH) {
            let packets = frames.iter().filter_map(|frame| frame.packet.as_ref());
            self.cache.approach(packets.clone().map(|packet| packet.hash));
            self.copies.approach(packets.filter_map(|packet| packet.identity));
            frames.iter().try_for_each(|frame| self.prepared(frame, batch))?;
        }
        Ok(())
    }

    fn prepared(&mut self, frame: &PreparedFrame, batch: Batch<'_>) -> Result<(), S::Error> {
        if self.clock.advance(frame.at.time_ns)
            && let Some(index) = self.latest
        {
            let class = self.cache.get(index).class;
            self.cache.touch(index, class, self.clock.now_ns());
        }
        self.latest = None;
        while let Some(index) = self.cache.over(self.clock.now_ns()) {
            self.end_silent(index)?;
        }
        let extra = batch.extra(frame);
        let fate = match &frame.packet {
            Some(packet) => self.conversation(frame, packet, batch)?,
            None => self.no_conversation(frame, batch)?,
        };
        self.tally(frame.at.capture()).count(fate);
        if let Some(stop) = extra.and_then(|extra| extra.stop) {
            let Position { capture, frame, offset } = frame.at.position;
            let first = &mut self.summary.first_stops[capture.0 as usize];
            first.get_or_insert_with(|| format!("frame {frame}, byte {offset}: {stop}"));
        }
        Ok(())
    }

    #[inline]
    fn tally(&mut self, capture: CaptureIndex) -> &mut Tally {
        let index = capture.0 as usize;
        if self.summary.tallies.len() <= index {
            self.summary.tallies.resize_with(index + 1, Tally::default);
            self.summary.first_stops.resize(index + 1, None);
        }
        &mut self.summary.tallies[index]
    }

    /// The innermost packet of a frame and those that carried it, unless it is a copy that is to be left out.
    #[inline]
    fn conversation(
        &mut self,
        frame: &PreparedFrame,
        packet: &KeyedPacket,
        batch: Batch<'_>,
    ) -> Result<Fate, S::Error> {
        let extra = batch.extra(frame);
        let copy = packet.identity.is_some_and(|identity| self.copies.is_copy(identity, frame.seen()));
        self.summary.duplicates += u64::from(copy);
        if copy && self.settings.leave_out_copies {
            return Ok(Fate::Duplicate);
        }
        if let Some(extra) = extra {
            self.carriers(&frame.at, extra, batch)?;
        }
        let index = self.packet(&frame.at, packet, None, copy, batch)?;
        if let Some(extra) = extra {
            if let Some(fragment) = &extra.fragment {
                self.first_fragment(&frame.at, packet, fragment)?;
            }
            if let Some((id, name)) = &extra.process {
                self.process(index, &frame.at, packet.side, Process { id: *id, name })?;
            }
        }
        Ok(frame.fate)
    }

    fn no_conversation(&mut self, frame: &PreparedFrame, batch: Batch<'_>) -> Result<Fate, S::Error> {
        let Some(extra) = batch.extra(frame) else { return Ok(frame.fate) };
        if let Some(later) = &extra.later {
            return self.later_fragment(frame, later, extra, batch);
        }
        if let Some(error) = &extra.icmp {
            self.carriers(&frame.at, extra, batch)?;
            self.icmp_error(&frame.at, error)?;
        }
        Ok(frame.fate)
    }

    /// Counts the UDP packets that carried what the frame holds.
    fn carriers(&mut self, at: &Arrival, extra: &Extra, batch: Batch<'_>) -> Result<(), S::Error> {
        for Carried { packet, tunnel, fragment } in &extra.carriers {
            self.packet(at, packet, Some(*tunnel), false, batch)?;
            if let Some(fragment) = fragment {
                self.first_fragment(at, packet, fragment)?;
            }
        }
        Ok(())
    }

    /// The flow of a key, unless it is over by its silence: then it ends.
    #[inline]
    fn find(&mut self, hash: u64, key: PackedKey) -> Result<Option<u32>, S::Error> {
        match self.cache.find(hash, key) {
            Some(index) if self.cache.is_over(index, self.clock.now_ns()) => {
                self.end_silent(index)?;
                Ok(None)
            }
            found => Ok(found),
        }
    }

    #[inline]
    fn packet(
        &mut self,
        at: &Arrival,
        packet: &KeyedPacket,
        carries: Option<Tunnel>,
        copy: bool,
        batch: Batch<'_>,
    ) -> Result<u32, S::Error> {
        let KeyedPacket { key, hash, side, payload_bytes, .. } = *packet;
        let mut found = self.find(hash, key)?;
        if let Some(index) = found
            && let Some(reason) = self.ends_before(index, packet, at)
        {
            self.end(index, reason)?;
            found = None;
        }
        let index = match found {
            Some(index) => index,
            None => self.begin(hash, key, side, batch.around(packet), at)?,
        };
        let flow = self.cache.get_mut(index);
        let mut ended_burst = None;
        if let Some(tunnel) = carries {
            flow.is_carrier = true;
            let rare = flow.rare_mut();
            rare.carries.get_or_insert(tunnel);
            rare.carrier_packets += 1;
        } else if payload_bytes > 0 && !flow.is_carrier {
            ended_burst = flow.burst(side, at, payload_bytes);
        }
        count::count(flow, side, at, packet.ip_bytes, payload_bytes);
        flow.duplicates += u32::from(copy);
        flow.snapped += u32::from(carries.is_none() && packet.is_snapped);
        match packet.tcp() {
            Some(header) => tcp::count(flow, side, header, payload_bytes, at, copy),
            // A header that was cut off behind the ports is none of a bare SYN, for all that is known.
            None => flow.spoke = true,
        }
        let wanted = payload_bytes > 0 && carries.is_none() && !copy && flow.interest.wants(side);
        let class = tcp::class(flow);
        self.cache.touch(index, class, self.clock.now_ns());
        self.latest = Some(index);
        if let Some(ended) = ended_burst {
            self.sink.activity(&ended)?;
        }
        if wanted {
            self.listen(index, packet, at, batch.payload(packet))?;
        }
        Ok(index)
    }

    /// Why the flow of this key ends before a packet that begins another.
    #[inline]
    fn ends_before(&self, index: u32, packet: &KeyedPacket, at: &Arrival) -> Option<EndReason> {
        let flow = self.cache.get(index);
        if packet.tcp().is_some_and(|tcp| tcp::begins_another(flow, packet.side, tcp, at.time_ns)) {
            return Some(EndReason::PortReused);
        }
        let age_ns = at.time_ns.saturating_sub(flow.first_seen_ns);
        self.settings.active_ns.is_some_and(|limit| age_ns > limit).then_some(EndReason::Active)
    }

    /// Looks into the payload of a packet.
    fn listen(&mut self, index: u32, packet: &KeyedPacket, at: &Arrival, payload: &[u8]) -> Result<(), S::Error> {
        let flow = self.cache.get_mut(index);
        let sequence = match packet.segment {
            Segment::Tcp(Some(header)) => header.sequence.wrapping_add(u32::from(header.flags & flags::SYN != 0)),
            // Without a sequence number nothing can be put in order.
            Segment::Tcp(None) => return Ok(()),
            Segment::Udp => 0,
        };
        let moment = Moment { position: at.position, time_ns: at.time_ns };
        let piece = Piece { side: packet.side, moment, payload, payload_bytes: packet.payload_bytes, sequence };
        let first = [0, 1].map(|side| flow.from[side].initial_seq().map(|initial: u32| initial.wrapping_add(1)));
        let (transport, ports) = (packet.key.transport(), packet.key.ports());
        let known = self.streams.hear(transport, &mut flow.interest, ports, first, &piece);
        flow.application = known.or(flow.application);
        if self.streams.heard.is_empty() {
            return Ok(());
        }
        self.told.tell(&mut self.streams.heard, flow.id(), &mut self.summary, &mut self.sink)
    }

    fn begin(
        &mut self,
        hash: u64,
        key: PackedKey,
        side: Side,
        around: Encapsulation,
        at: &Arrival,
    ) -> Result<u32, S::Error> {
        if self.cache.len() >= self.settings.max_flows
            && let Some(oldest) = self.cache.longest_silent()
        {
            self.give_way(oldest)?;
        }
        let interest = Interest::new(self.streams.is_enabled());
        Ok(self.cache.insert(hash, Entry::begun(key, side, around, at, interest)))
    }

    /// Ends a flow because room is needed.
    fn give_way(&mut self, index: u32) -> Result<(), S::Error> {
        let now_ns = self.clock.now_ns();
        if self.cache.is_over(index, now_ns) {
            return self.end_silent(index);
        }
        let idle = now_ns.saturating_sub(self.cache.get(index).touched_ns) > ROOM_IDLE_NS;
        self.summary.evicted += u64::from(!idle);
        self.end(index, if idle { EndReason::Idle } else { EndReason::Evicted })
    }

    /// Has what waited for the first fragment of its datagram counted.
    fn first_fragment(&mut self, at: &Arrival, packet: &KeyedPacket, fragment: &Fragment) -> Result<(), S::Error> {
        let (key, side) = (packet.key.flow_key(), packet.side);
        let owner = Owner {
            transport: key.transport,
            source: key.endpoint(side),
            destination: key.endpoint(side.other()),
            depth: packet.key.depth(),
        };
        for (earlier, later) in self.fragments.first(fragment, owner, at.time_ns) {
            self.attach(&earlier, &later, &owner)?;
            self.tally(earlier.capture()).change(Fate::OrphanFragment, Fate::Fragment);
        }
        Ok(())
    }

    /// Counts a fragment without ports in the flow of its first one, or has it wait for that.
    fn later_fragment(
        &mut self,
        frame: &PreparedFrame,
        later: &LaterFragment,
        extra: &Extra,
        batch: Batch<'_>,
    ) -> Result<Fate, S::Error> {
        let copy = self.copies.is_copy(Identity::of_fragment(&later.fragment), frame.seen());
        self.summary.duplicates += u64::from(copy);
        if copy && self.settings.leave_out_copies {
            return Ok(Fate::Duplicate);
        }
        self.carriers(&frame.at, extra, batch)?;
        match self.fragments.later(&later.fragment, frame.at.time_ns, (frame.at, *later)) {
            Some(owner) => self.attach(&frame.at, later, &owner).map(|()| Fate::Fragment),
            None => Ok(Fate::OrphanFragment),
        }
    }

    fn attach(&mut self, at: &Arrival, later: &LaterFragment, owner: &Owner) -> Result<(), S::Error> {
        let (key, side) = PackedKey::new(owner.transport, owner.source, owner.destination, owner.depth);
        let hash = self.cache.hasher().hash(key);
        let index = match self.find(hash, key)? {
            Some(index) => index,
            None => self.begin(hash, key, side, later.encapsulation, at)?,
        };
        let flow = self.cache.get_mut(index);
        count::later_fragment(flow, side, at, later);
        let class = tcp::class(flow);
        self.cache.touch(index, class, self.clock.now_ns());
        self.latest = Some(index);
        Ok(())
    }

    fn icmp_error(&mut self, at: &Arrival, error: &IcmpError) -> Result<(), S::Error> {
        let (key, quoted) = PackedKey::new(error.transport, error.source, error.destination, error.depth);
        match self.find(self.cache.hasher().hash(key), key)? {
            Some(index) => count::icmp_error(self.cache.get_mut(index), quoted, error, at),
            None => self.summary.icmp_unattached += 1,
        }
        Ok(())
    }

    /// Tells which process stands behind the recorder's end of a flow.
    fn process(&mut self, index: u32, at: &Arrival, side: Side, process: Process<'_>) -> Result<(), S::Error> {
        let Some(local) = count::recorder(side, at.heading) else { return Ok(()) };
        let flow = self.cache.get_mut(index);
        if flow.rare().map_or(0, |rare| rare.process_id) == process.id {
            return Ok(());
        }
        flow.rare_mut().process_id = process.id;
        if self.summary.sockets >= MOST_SOCKETS {
            self.summary.sockets_dropped += 1;
            return Ok(());
        }
        self.summary.sockets += 1;
        let key = flow.key.flow_key();
        self.sink.socket(&SocketFact {
            position: at.position,
            time_ns: at.time_ns,
            transport: key.transport,
            local: key.endpoint(local),
            remote: key.endpoint(local.other()),
            process,
        })
    }

    /// Ends a flow that is over by its silence.
    fn end_silent(&mut self, index: u32) -> Result<(), S::Error> {
        let reason = if is_closed(self.cache.get(index)) { EndReason::Closed } else { EndReason::Idle };
        self.end(index, reason)
    }

    fn end(&mut self, index: u32, reason: EndReason) -> Result<(), S::Error> {
        let flow = self.cache.get_mut(index);
        let position = Position { capture: flow.capture, frame: flow.first_frame, ..Position::default() };
        let known = self.streams.end(&mut flow.interest, Moment { position, time_ns: flow.last_seen_ns });
        flow.application = known.or(flow.application);
        if !self.streams.heard.is_empty() {
            self.told.tell(&mut self.streams.heard, flow.id(), &mut self.summary, &mut self.sink)?;
        }
        self.summary.flows += 1;
        let last_burst = flow.last_burst();
        self.sink.flow(&flow.record(reason))?;
        self.cache.remove(index);
        match last_burst {
            Some(burst) => self.sink.activity(&burst),
            None => Ok(()),
        }
    }

    /// Hands out the flows that are still active and gives the sink back.
    ///
    /// # Errors
    /// Whatever the sink answers.
    pub fn finish(mut self) -> Result<(MeterSummary, S), S::Error> {
        for index in self.cache.close() {
            if !self.cache.is_taken(index) {
                continue;
            }
            let reason = match self.cache.is_over(index, self.clock.now_ns()) {
                _ if is_closed(self.cache.get(index)) => EndReason::Closed,
                true => EndReason::Idle,
                false => EndReason::EndOfCapture,
            };
            self.end(index, reason)?;
        }
        self.summary.fragment_overlaps = self.fragments.overlaps();
        self.summary.streams_given_up = self.streams.given_up;
        Ok((self.summary, self.sink))
    }
}

fn is_closed(flow: &Entry) -> bool {
    flow.key.transport() == Transport::Tcp && tcp::is_over(flow)
}

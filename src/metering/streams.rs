//! Payload in order: which conversations are looked into, what is kept for them, and what they say on its way to the sink.
//!
//! TCP segments are put in order by sequence number; what is missing is waited for over [`HELD_SEGMENTS`] and [`HELD_BYTES`],
//! then told as a gap. Memory: at most [`StreamSettings::pool_bytes`] on the heap, all conversations together, and
//! [`StreamSettings::max_streams`] of them; beyond, one that said nothing for long gives way, and is counted.

use crate::application::{Attention, Conversation, Datagrams, Heard, Moment};
use crate::model::{Recognised, Side, Transport};

/// No stream.
pub(super) const NONE: u32 = u32::MAX;

/// Segments ahead of a gap that are kept, each direction.
const HELD_SEGMENTS: usize = 64;
/// Their payload.
const HELD_BYTES: usize = 128 * 1024;
/// Segments that begin in the middle of a stream and are looked at, each direction; datagrams likewise.
const LOOKS: u8 = 3;
/// A gap wider than this is none: the sequence number is not of this stream.
const WIDEST_GAP: i32 = 1 << 28;

/// What is looked into, and how much is kept for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamSettings {
    /// Look into payload at all.
    pub enabled: bool,
    /// Conversations that are looked into or followed at once.
    pub max_streams: usize,
    /// Payload kept for them, all together, in bytes.
    pub pool_bytes: usize,
}

impl Default for StreamSettings {
    fn default() -> Self {
        Self { enabled: true, max_streams: 100_000, pool_bytes: 64 << 20 }
    }
}

/// How much attention a flow still gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interest {
    /// Its stream, or [`NONE`], and which of those that had this place.
    stream: u32,
    generation: u32,
    /// Looks left, each side; nothing left on both sides and no stream: it is passed over.
    looks: [u8; 2],
}

impl Interest {
    pub(super) fn new(enabled: bool) -> Self {
        Self { stream: NONE, generation: 0, looks: if enabled { [LOOKS; 2] } else { [0; 2] } }
    }

    /// Whether payload of a side is wanted.
    pub(super) fn wants(self, side: Side) -> bool {
        self.stream != NONE || self.looks[side as usize] > 0
    }

    pub(super) fn over(&mut self) {
        *self = Self { stream: NONE, generation: 0, looks: [0; 2] };
    }
}

/// The payload of one packet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'a> {
    pub(super) side: Side,
    pub(super) moment: Moment,
    /// What was captured of it.
    pub(super) payload: &'a [u8],
    /// What it had on the wire, in bytes.
    pub(super) payload_bytes: u32,
    /// TCP: sequence number of its first byte.
    pub(super) sequence: u32,
}

#[derive(Debug)]
enum Stream {
    Tcp(Box<Segments>),
    Udp(Datagrams),
}

/// A TCP conversation and what waits for a gap to close.
#[derive(Debug)]
struct Segments {
    conversation: Conversation,
    next: [Option<u32>; 2],
    held: [Vec<Held>; 2],
}

#[derive(Debug)]
struct Held {
    sequence: u32,
    moment: Moment,
    payload: Box<[u8]>,
    payload_bytes: u32,
}

/// A stream and what it keeps, as counted in the pool.
#[derive(Debug)]
struct Slot {
    stream: Stream,
    held_bytes: usize,
    generation: u32,
    /// Heard since the hand of [`Streams::give_up_one`] came by.
    heard_lately: bool,
}

/// All conversations that are looked into.
pub(super) struct Streams {
    settings: StreamSettings,
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    /// Place that is looked at next when room is needed, and streams so far.
    hand: usize,
    generations: u32,
    pool_bytes: usize,
    /// What was heard since the sink was last told.
    pub(super) heard: Heard,
    /// Conversations that gave way to others.
    pub(super) given_up: u64,
}

impl Streams {
    pub(super) fn new(settings: StreamSettings) -> Self {
        Self {
            settings,
            slots: Vec::new(),
            free: Vec::new(),
            hand: 0,
            generations: 0,
            pool_bytes: 0,
            heard: Heard::default(),
            given_up: 0,
        }
    }

    /// Bytes that all streams keep.
    #[cfg(test)]
    pub(super) fn pool_bytes(&self) -> usize {
        self.pool_bytes
    }

    pub(super) fn is_enabled(&self) -> bool {
        self.settings.enabled
    }

    /// Hears payload of either transport; gives what the conversation is where that is known now and was not before. `first` is
    /// the sequence number of each side's first byte, where its SYN was seen.
    pub(super) fn hear(
        &mut self,
        transport: Transport,
        interest: &mut Interest,
        ports: [u16; 2],
        first: [Option<u32>; 2],
        piece: &Piece<'_>,
    ) -> Option<Recognised> {
        match transport {
            Transport::Tcp => self.segment(interest, ports, first, piece),
            Transport::Udp => self.datagram(interest, ports, piece),
        }
    }

    /// Hears a datagram; gives what it is where that is known now and was not before.
    fn datagram(&mut self, interest: &mut Interest, ports: [u16; 2], piece: &Piece<'_>) -> Option<Recognised> {
        let cut = piece.payload.len() < piece.payload_bytes as usize;
        self.heard.moment = piece.moment;
        if interest.stream != NONE {
            let index = self.index(interest)?;
            let heard = &mut self.heard;
            let Some(Slot { stream: Stream::Udp(datagrams), .. }) = &mut self.slots[index] else { return None };
            let attention = datagrams.datagram(piece.side, piece.payload, cut, heard);
            self.settle(interest, attention);
            return None;
        }
        interest.looks[piece.side as usize] -= 1;
        let (recognised, follower) = Datagrams::look(ports, piece.side, piece.payload, cut, &mut self.heard)?;
        interest.over();
        if let Some(follower) = follower {
            self.keep(interest, Stream::Udp(follower));
        }
        Some(recognised)
    }

    /// Hears a segment; gives what it is where that is known now and was not before. `first` is the sequence number of each
    /// side's first byte, where its SYN was seen.
    pub(super) fn segment(
        &mut self,
        interest: &mut Interest,
        ports: [u16; 2],
        first: [Option<u32>; 2],
        piece: &Piece<'_>,
    ) -> Option<Recognised> {
        if interest.stream == NONE {
            let whole = first[piece.side as usize].is_some();
            let in_place = first[piece.side as usize].is_none_or(|first| first == piece.sequence);
            if in_place {
                let looks = &mut interest.looks[piece.side as usize];
                *looks = if whole { 0 } else { *looks - 1 };
            }
            let whole = first.map(|first| first.is_some());
            let begun = if in_place { Conversation::begun(ports, whole, piece.side, piece.payload) } else { None };
            let complete = piece.payload.len() == piece.payload_bytes as usize;
            if in_place && complete && begun.is_none() {
                return None;
            }
            let conversation = begun.unwrap_or_else(|| Conversation::new(ports, whole));
            let segments = Segments { conversation, next: first, held: [Vec::new(), Vec::new()] };
            if !self.keep(interest, Stream::Tcp(Box::new(segments))) {
                interest.over();
                return None;
            }
        }
        let index = self.index(interest)?;
        let heard = &mut self.heard;
        let Some(Slot { stream: Stream::Tcp(segments), .. }) = &mut self.slots[index] else { return None };
        let before = segments.conversation.recognised();
        let attention = segments.take(piece, heard);
        let now = segments.conversation.recognised();
        self.settle(interest, attention);
        now.filter(|_| now != before)
    }

    /// The flow ended. Gives what it is where that is known only now.
    pub(super) fn end(&mut self, interest: &mut Interest, moment: Moment) -> Option<Recognised> {
        let slot = self.index(interest).and_then(|index| self.slots[index].take())?;
        self.pool_bytes -= slot.held_bytes;
        self.free.push(interest.stream);
        interest.over();
        match slot.stream {
            Stream::Tcp(mut segments) => {
                for side in [Side::A, Side::B] {
                    while segments.skip_gap(side, &mut self.heard) {}
                }
                segments.conversation.end(moment, &mut self.heard);
                segments.conversation.recognised()
            }
            Stream::Udp(mut datagrams) => {
                self.heard.moment = moment;
                datagrams.end(&mut self.heard);
                None
            }
        }
    }

    /// Where a stream is; one that gave way is no longer asked for.
    fn index(&mut self, interest: &mut Interest) -> Option<usize> {
        if interest.stream == NONE {
            return None;
        }
        let index = interest.stream as usize;
        match self.slots[index].as_mut().filter(|slot| slot.generation == interest.generation) {
            Some(slot) => {
                slot.heard_lately = true;
                Some(index)
            }
            None => {
                interest.over();
                None
            }
        }
    }

    /// Lets go of a stream that said nothing since the hand came by last (second chance).
    fn give_up_one(&mut self) -> bool {
        for _ in 0..2 * self.slots.len() {
            let index = self.hand;
            self.hand = (self.hand + 1) % self.slots.len();
            let Some(slot) = &mut self.slots[index] else { continue };
            if !std::mem::take(&mut slot.heard_lately) {
                self.pool_bytes -= slot.held_bytes;
                self.slots[index] = None;
                self.free.push(index as u32);
                self.given_up += 1;
                return true;
            }
        }
        false
    }

    /// Finds room for a stream.
    fn keep(&mut self, interest: &mut Interest, stream: Stream) -> bool {
        while self.slots.len() - self.free.len() >= self.settings.max_streams
            || self.pool_bytes >= self.settings.pool_bytes
        {
            if !self.give_up_one() {
                self.given_up += 1;
                return false;
            }
        }
        self.generations = self.generations.wrapping_add(1);
        interest.generation = self.generations;
        let slot = Some(Slot { stream, held_bytes: 0, generation: self.generations, heard_lately: true });
        interest.stream = match self.free.pop() {
            Some(index) => {
                self.slots[index as usize] = slot;
                index
            }
            None => {
                self.slots.push(slot);
                (self.slots.len() - 1) as u32
            }
        };
        self.settle(interest, Attention::More);
        true
    }

    /// Counts what a stream keeps now, and lets go of one that is done.
    fn settle(&mut self, interest: &mut Interest, attention: Attention) {
        let Some(index) = self.index(interest) else { return };
        let Some(slot) = &mut self.slots[index] else { return };
        let held_bytes = match &slot.stream {
            Stream::Tcp(segments) => segments.held_bytes(),
            Stream::Udp(datagrams) => datagrams.held_bytes(),
        };
        self.pool_bytes = self.pool_bytes - slot.held_bytes + held_bytes;
        slot.held_bytes = held_bytes;
        if attention == Attention::Done {
            self.pool_bytes -= held_bytes;
            self.slots[index] = None;
            self.free.push(interest.stream);
            interest.over();
        }
    }
}

impl Segments {
    fn held_bytes(&self) -> usize {
        let held = self.held.iter().flatten().map(|held| held.payload.len() + size_of::<Held>()).sum::<usize>();
        size_of::<Self>() + held + self.conversation.held_bytes()
    }

    fn take(&mut self, piece: &Piece<'_>, heard: &mut Heard) -> Attention {
        let side = piece.side;
        let next = *self.next[side as usize].get_or_insert(piece.sequence);
        let ahead = piece.sequence.wrapping_sub(next) as i32;
        if ahead > WIDEST_GAP {
            return Attention::More;
        }
        if ahead > 0 {
            return self.hold(piece, heard);
        }
        let mut attention =
            self.deliver(side, ahead.unsigned_abs(), piece.payload, piece.payload_bytes, piece.moment, heard);
        while attention == Attention::More && !self.held[side as usize].is_empty() {
            let next = self.next[side as usize].unwrap_or_default();
            let first = &self.held[side as usize][0];
            let ahead = first.sequence.wrapping_sub(next) as i32;
            if ahead > 0 {
                break;
            }
            let Held { moment, payload, payload_bytes, .. } = self.held[side as usize].remove(0);
            attention = self.deliver(side, ahead.unsigned_abs(), &payload, payload_bytes, moment, heard);
        }
        attention
    }

    /// Hands on what is new of a segment whose first `known` bytes were there before.
    fn deliver(
        &mut self,
        side: Side,
        known: u32,
        payload: &[u8],
        payload_bytes: u32,
        moment: Moment,
        heard: &mut Heard,
    ) -> Attention {
        if known >= payload_bytes {
            return Attention::More;
        }
        let fresh = payload.get(known as usize..).unwrap_or_default();
        let next = self.next[side as usize].get_or_insert(0);
        *next = next.wrapping_add(payload_bytes - known);
        let mut attention = Attention::More;
        if !fresh.is_empty() {
            attention = self.conversation.bytes(side, fresh, moment, heard);
        }
        let lost = payload_bytes - known - fresh.len() as u32;
        if lost > 0 && attention == Attention::More {
            attention = self.conversation.gap(side, lost, moment, heard);
        }
        attention
    }

    /// Keeps a segment that is ahead; where that is too much, the gap before it is given up.
    fn hold(&mut self, piece: &Piece<'_>, heard: &mut Heard) -> Attention {
        let next = self.next[piece.side as usize].unwrap_or_default();
        let held = &mut self.held[piece.side as usize];
        let distance = |sequence: u32| sequence.wrapping_sub(next);
        let at = held.partition_point(|held| distance(held.sequence) <= distance(piece.sequence));
        let Piece { sequence, moment, payload, payload_bytes, .. } = *piece;
        held.insert(at, Held { sequence, moment, payload: payload.into(), payload_bytes });
        let mut attention = Attention::More;
        while attention == Attention::More && self.holds_too_much(piece.side) {
            if !self.skip_gap(piece.side, heard) {
                break;
            }
            attention = self.conversation.attention();
        }
        attention
    }

    fn holds_too_much(&self, side: Side) -> bool {
        let held = &self.held[side as usize];
        held.len() > HELD_SEGMENTS || held.iter().map(|held| held.payload.len()).sum::<usize>() > HELD_BYTES
    }

    /// Gives up the gap before the first segment that is held, and hands on what follows it. False where nothing is held.
    fn skip_gap(&mut self, side: Side, heard: &mut Heard) -> bool {
        if self.held[side as usize].is_empty() {
            return false;
        }
        let Held { sequence, moment, payload, payload_bytes } = self.held[side as usize].remove(0);
        let next = self.next[side as usize].unwrap_or_default();
        let ahead = sequence.wrapping_sub(next) as i32;
        let mut known = 0;
        if ahead > 0 {
            self.next[side as usize] = Some(sequence);
            self.conversation.gap(side, ahead.unsigned_abs(), moment, heard);
        } else {
            known = ahead.unsigned_abs();
        }
        let piece = Piece { side, moment, payload: &payload, payload_bytes, sequence };
        // What is contiguous behind it follows at once.
        match known {
            0 => self.take(&piece, heard),
            _ => self.deliver(side, known, &payload, payload_bytes, moment, heard),
        };
        true
    }
}

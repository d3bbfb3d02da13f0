//! One conversation, from its first bytes to its end: first it is looked at until the protocol is known, then followed where
//! there is something to hear.

use super::follower::Follower;
use super::heard::{Heard, Moment};
use super::opening::{Look, OPENING_BYTES, Opening, Said, describe, look};
use super::registry;
use crate::model::{Recognised, Side, Transport};

/// Looks at a stream that is not known, at most. Each costs as much as there are bytes.
const MOST_LOOKS: u8 = 12;

/// Whether more of a conversation is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attention {
    /// Yes.
    More,
    /// What could be known is known.
    Done,
}

/// A TCP conversation that is looked at or followed. Bytes come in order; what the recording lacks is told as a gap.
#[derive(Debug)]
pub struct Conversation {
    ports: [u16; 2],
    sides: [Kept; 2],
    /// Which side said how much in which frame, so that a follower hears it in the same order.
    chunks: Vec<(Side, usize, Moment)>,
    looks: u8,
    /// What the first bytes gave, asked already.
    first_look: Option<Look>,
    recognised: Option<Recognised>,
    follower: Option<Follower>,
    done: bool,
}

/// What one side said so far.
#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    whole: bool,
    over: bool,
    /// It said nothing that anybody knows: more of it is not looked at.
    dead: bool,
}

impl Conversation {
    /// A conversation of which nothing was looked at. `whole` says of each side whether its first byte is known to be the
    /// stream's.
    #[must_use]
    pub fn new(ports: [u16; 2], whole: [bool; 2]) -> Self {
        let sides = whole.map(|whole| Kept { whole, ..Kept::default() });
        Self {
            ports,
            sides,
            chunks: Vec::new(),
            looks: 0,
            first_look: None,
            recognised: None,
            follower: None,
            done: false,
        }
    }

    /// A conversation whose protocol is known beforehand, to be followed from its first byte; `None` where nobody follows it.
    #[must_use]
    pub fn following(ports: [u16; 2], recognised: Recognised) -> Option<Self> {
        let follow = registry::find(Transport::Tcp, recognised.protocol).and_then(|entry| entry.follow)?;
        let (follower, recognised) = (Some(follow(recognised)), Some(recognised));
        Some(Self { follower, recognised, ..Self::new(ports, [true; 2]) })
    }

    /// A conversation that begins with `bytes` of one side, which are to be given to [`Self::bytes`] next; `None` where they
    /// cannot be anything that is known. Keeps nothing then.
    #[must_use]
    pub fn begun(ports: [u16; 2], whole: [bool; 2], side: Side, bytes: &[u8]) -> Option<Self> {
        let mut said = whole.map(|whole| Said { bytes: &[], whole, over: false });
        said[side as usize].bytes = bytes;
        match look(&Opening { transport: Transport::Tcp, ports, said }, None) {
            Look::No => None,
            found => Some(Self { first_look: Some(found), ..Self::new(ports, whole) }),
        }
    }

    /// What is known of it.
    #[must_use]
    pub fn recognised(&self) -> Option<Recognised> {
        self.recognised
    }

    /// The bytes that come next from one side.
    pub fn bytes(&mut self, side: Side, data: &[u8], moment: Moment, heard: &mut Heard) -> Attention {
        heard.moment = moment;
        if let Some(follower) = &mut self.follower {
            follower.bytes(side, data, heard);
            return self.attention();
        }
        let kept = &mut self.sides[side as usize];
        if kept.dead {
            return self.attention();
        }
        let room = if kept.over { 0 } else { OPENING_BYTES - kept.bytes.len() };
        let (taken, rest) = data.split_at(data.len().min(room));
        kept.bytes.extend_from_slice(taken);
        kept.over |= kept.bytes.len() == OPENING_BYTES;
        if !taken.is_empty() {
            self.chunks.push((side, taken.len(), moment));
        }
        self.consider(false, heard);
        if let Some(follower) = &mut self.follower
            && !rest.is_empty()
        {
            heard.moment = moment;
            follower.bytes(side, rest, heard);
        }
        self.attention()
    }

    /// Bytes of one side that the recording lacks.
    pub fn gap(&mut self, side: Side, lost_bytes: u32, moment: Moment, heard: &mut Heard) -> Attention {
        heard.moment = moment;
        if let Some(follower) = &mut self.follower {
            follower.gap(side, lost_bytes, heard);
            return self.attention();
        }
        self.sides[side as usize].over = true;
        self.consider(false, heard);
        if let Some(follower) = &mut self.follower {
            heard.moment = moment;
            follower.gap(side, lost_bytes, heard);
        }
        self.attention()
    }

    /// The conversation ended: what is known now is what will be known.
    pub fn end(&mut self, moment: Moment, heard: &mut Heard) {
        heard.moment = moment;
        if self.follower.is_none() && !self.done {
            self.consider(true, heard);
        }
        heard.moment = moment;
        if let Some(follower) = &mut self.follower {
            follower.end(heard);
        }
    }

    /// Bytes that it keeps on the heap, about.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        let kept: usize = self.sides.iter().map(|kept| kept.bytes.capacity()).sum();
        let chunks = self.chunks.capacity() * size_of::<(Side, usize, Moment)>();
        kept + chunks + self.follower.as_ref().map_or(0, Follower::held_bytes)
    }

    /// Whether more is wanted.
    pub fn attention(&mut self) -> Attention {
        self.done |= self.follower.as_ref().is_some_and(Follower::is_done);
        if self.done { Attention::Done } else { Attention::More }
    }

    fn opening(&self, last: bool) -> Opening<'_> {
        let [a, b] = &self.sides;
        let said = |kept| {
            let Kept { bytes, whole, over, .. }: &Kept = kept;
            Said { bytes, whole: *whole, over: *over || last }
        };
        Opening { transport: Transport::Tcp, ports: self.ports, said: [said(a), said(b)] }
    }

    /// Looks at what is there, and decides where that is enough or all there will be.
    fn consider(&mut self, last: bool, heard: &mut Heard) {
        self.looks += 1;
        let full = self.sides.iter().any(|kept| kept.over);
        let last = last || full || self.looks >= MOST_LOOKS;
        let look = match self.first_look.take().filter(|_| !last) {
            Some(first) => first,
            None => look(&self.opening(last), self.recognised),
        };
        match look {
            Look::Yes(verdict) if !verdict.more || last => {
                self.recognised = Some(verdict.recognised);
                self.decided(verdict.recognised, heard);
            }
            Look::Yes(verdict) => self.recognised = Some(verdict.recognised),
            Look::Maybe if !last => {}
            Look::No | Look::Maybe => {
                self.recognised = None;
                for kept in &mut self.sides {
                    // In the middle of a stream a later segment may begin with a message.
                    kept.dead |= !kept.bytes.is_empty() && kept.whole;
                }
                self.done |= last || self.sides.iter().all(|kept| kept.dead);
                self.forget();
            }
        }
    }

    fn decided(&mut self, recognised: Recognised, heard: &mut Heard) {
        describe(recognised, &self.opening(true), heard);
        let follow = registry::find(Transport::Tcp, recognised.protocol).and_then(|entry| entry.follow);
        let Some(follow) = follow else {
            self.forget();
            self.done = true;
            return;
        };
        let mut follower = follow(recognised);
        let mut read = [0; 2];
        for (side, length, moment) in std::mem::take(&mut self.chunks) {
            heard.moment = moment;
            let from = read[side as usize];
            read[side as usize] += length;
            let bytes = self.sides[side as usize].bytes.get(from..from + length).unwrap_or_default();
            follower.bytes(side, bytes, heard);
        }
        self.follower = Some(follower);
        self.forget();
    }

    fn forget(&mut self) {
        self.chunks = Vec::new();
        self.sides.iter_mut().for_each(|kept| kept.bytes = Vec::new());
    }
}

/// A UDP conversation whose datagrams are followed.
#[derive(Debug)]
pub struct Datagrams(Follower);

impl Datagrams {
    /// A conversation whose protocol is known beforehand; `None` where nobody follows it.
    #[must_use]
    pub fn following(recognised: Recognised) -> Option<Self> {
        let follow = registry::find(Transport::Udp, recognised.protocol).and_then(|entry| entry.follow)?;
        Some(Self(follow(recognised)))
    }

    /// Looks at one datagram by itself. Gives who follows, where somebody does; that one has then heard the datagram.
    pub fn look(
        ports: [u16; 2],
        side: Side,
        data: &[u8],
        cut: bool,
        heard: &mut Heard,
    ) -> Option<(Recognised, Option<Self>)> {
        let mut said = [Said::default(); 2];
        said[side as usize] = Said { bytes: data, whole: true, over: true };
        let opening = Opening { transport: Transport::Udp, ports, said };
        let Look::Yes(verdict) = look(&opening, None) else { return None };
        let recognised = verdict.recognised;
        describe(recognised, &opening, heard);
        let follow = registry::find(Transport::Udp, recognised.protocol).and_then(|entry| entry.follow);
        let follower = follow.map(|follow| {
            let mut follower = follow(recognised);
            follower.datagram(side, data, cut, heard);
            Self(follower)
        });
        Some((recognised, follower))
    }

    /// The next datagram.
    pub fn datagram(&mut self, side: Side, data: &[u8], cut: bool, heard: &mut Heard) -> Attention {
        self.0.datagram(side, data, cut, heard);
        if self.0.is_done() { Attention::Done } else { Attention::More }
    }

    /// The conversation ended.
    pub fn end(&mut self, heard: &mut Heard) {
        self.0.end(heard);
    }

    /// Bytes that it keeps on the heap, about.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.0.held_bytes()
    }
}

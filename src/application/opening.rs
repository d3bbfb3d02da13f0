//! The first bytes of a conversation, and what a recogniser answers.

use super::heard::Heard;
use super::registry;
use crate::model::{Certainty, Protocol, Recognised, Side, Transport};

/// Bytes of each direction that are kept until the protocol is known, at most.
pub const OPENING_BYTES: usize = 8192;

/// What one side has said so far: of TCP the bytes in order, of UDP one datagram.
#[derive(Debug, Clone, Copy, Default)]
pub struct Said<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// They begin with the first byte of the stream (a SYN was seen), or are a datagram.
    pub whole: bool,
    /// No more will come: enough is kept, something was lost, or the conversation ended.
    pub over: bool,
}

/// The first bytes of both directions.
#[derive(Debug, Clone, Copy)]
pub struct Opening<'a> {
    /// Transport.
    pub transport: Transport,
    /// Port of side a and of side b: a hint, never a proof.
    pub ports: [u16; 2],
    /// What side a and side b said; at least one of them said something.
    pub said: [Said<'a>; 2],
}

impl<'a> Opening<'a> {
    /// What one side said.
    #[must_use]
    pub fn from(&self, side: Side) -> Said<'a> {
        self.said[side as usize]
    }

    /// The bytes of one side.
    #[must_use]
    pub fn bytes(&self, side: Side) -> &'a [u8] {
        self.from(side).bytes
    }

    /// The port of one side.
    #[must_use]
    pub fn port(&self, side: Side) -> u16 {
        self.ports[side as usize]
    }

    /// The side whose bytes satisfy `test`, side a first.
    pub fn side_where(&self, test: impl Fn(&'a [u8]) -> bool) -> Option<Side> {
        [Side::A, Side::B].into_iter().find(|side| !self.bytes(*side).is_empty() && test(self.bytes(*side)))
    }

    /// Whether nothing more will come from anybody who has spoken.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.said.iter().all(|said| said.over || said.bytes.is_empty())
    }
}

/// A recogniser's answer where it knows the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// What it is.
    pub recognised: Recognised,
    /// More bytes would tell more: who the server is, a name, a surer answer. Never waits for long: what ends a conversation,
    /// fills the buffer or loses bytes ends the waiting.
    pub more: bool,
}

/// What a recogniser answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// It is not that, and no bytes that follow would make it that.
    No,
    /// More bytes are needed to tell.
    Maybe,
    /// It is.
    Yes(Verdict),
}

impl Look {
    /// It is, and the matter is closed.
    #[must_use]
    pub fn yes(protocol: Protocol, certainty: Certainty, server: Option<Side>) -> Self {
        Self::Yes(Verdict { recognised: Recognised { protocol, certainty, server }, more: false })
    }

    /// It is, and more bytes would tell more.
    #[must_use]
    pub fn yes_so_far(protocol: Protocol, certainty: Certainty, server: Option<Side>) -> Self {
        Self::Yes(Verdict { recognised: Recognised { protocol, certainty, server }, more: true })
    }

    /// Whether a constant stands at the beginning: `Maybe` where too little is there to tell, `None` where it does.
    #[must_use]
    pub fn unless_begins(bytes: &[u8], constant: &[u8]) -> Option<Self> {
        let there = bytes.len().min(constant.len());
        match bytes[..there] == constant[..there] {
            false => Some(Self::No),
            true if there < constant.len() => Some(Self::Maybe),
            true => None,
        }
    }
}

/// Asks all recognisers, or, where one was certain before, that one. The surest answer counts, the first of equals; a certain
/// one at once.
#[must_use]
pub(super) fn look(opening: &Opening<'_>, known: Option<Recognised>) -> Look {
    if let Some(known) = known.filter(|known| known.certainty == Certainty::Certain)
        && let Some(recogniser) = registry::find(opening.transport, known.protocol)
    {
        let look = (recogniser.look)(opening);
        if look != Look::No {
            return look;
        }
    }
    let mut best: Option<Verdict> = None;
    let mut maybe = false;
    for recogniser in registry::of(opening.transport) {
        match (recogniser.look)(opening) {
            Look::No => {}
            Look::Maybe => maybe = true,
            Look::Yes(verdict) if verdict.recognised.certainty == Certainty::Certain => return Look::Yes(verdict),
            Look::Yes(verdict) => {
                if best.is_none_or(|best| best.recognised.certainty < verdict.recognised.certainty) {
                    best = Some(verdict);
                }
            }
        }
    }
    match best {
        Some(verdict) => Look::Yes(Verdict { more: verdict.more || maybe, ..verdict }),
        None if maybe => Look::Maybe,
        None => Look::No,
    }
}

/// Tells what the opening says of itself.
pub(super) fn describe(recognised: Recognised, opening: &Opening<'_>, heard: &mut Heard) {
    if let Some(describe) = registry::find(opening.transport, recognised.protocol).and_then(|entry| entry.describe) {
        describe(opening, recognised, heard);
    }
}

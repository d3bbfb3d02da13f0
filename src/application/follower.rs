//! Who reads a conversation to its end: a closed enum, so that a new follower is a variant here and a file beside it.

use super::ftp;
use super::heard::Heard;
use crate::model::Side;

/// A conversation that is read on.
#[derive(Debug)]
pub enum Follower {
    /// An FTP control connection.
    Ftp(ftp::Control),
}

impl Follower {
    /// Bytes of a TCP stream, in order.
    pub(super) fn bytes(&mut self, side: Side, data: &[u8], heard: &mut Heard) {
        match self {
            Self::Ftp(control) => control.bytes(side, data, heard),
        }
    }

    /// Bytes of a TCP stream that the recording lacks: what follows begins anywhere in a message.
    pub(super) fn gap(&mut self, side: Side, _lost_bytes: u32, _heard: &mut Heard) {
        match self {
            Self::Ftp(control) => control.gap(side),
        }
    }

    /// A datagram, which may lack its end (`cut`).
    pub(super) fn datagram(&mut self, _side: Side, _data: &[u8], _cut: bool, _heard: &mut Heard) {
        match self {
            Self::Ftp(_) => {}
        }
    }

    /// The conversation ended.
    pub(super) fn end(&mut self, _heard: &mut Heard) {
        match self {
            Self::Ftp(_) => {}
        }
    }

    /// Nothing that could still be said is of interest.
    pub(super) fn is_done(&self) -> bool {
        match self {
            Self::Ftp(control) => control.is_done(),
        }
    }

    /// Bytes that it keeps on the heap, about.
    pub(super) fn held_bytes(&self) -> usize {
        match self {
            Self::Ftp(control) => control.held_bytes(),
        }
    }
}

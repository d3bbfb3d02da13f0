//! Frames that were read together, and the bytes in which they stand: what can be handed to another thread.

use crate::model::{Frame, Heading, LinkType, Position, Process};
use std::ops::Range;

/// Frames in the order in which they are to be metered.
#[derive(Debug, Default)]
pub struct Batch {
    pub(super) bytes: Vec<u8>,
    heads: Vec<Head>,
    /// Names of processes, one behind the other.
    names: Vec<u8>,
}

/// What a frame has besides its bytes.
#[derive(Debug)]
struct Head {
    position: Position,
    time_ns: i64,
    timed: bool,
    link_type: LinkType,
    data: Range<usize>,
    wire_bytes: u32,
    interface: u32,
    heading: Option<Heading>,
    process: Option<(u32, Range<usize>)>,
}

impl Batch {
    /// The bytes in which the frames stand.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many frames there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.heads.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// The frames, each with the place of its bytes.
    pub fn frames(&self) -> impl Iterator<Item = (usize, Frame<'_>)> {
        self.heads.iter().map(|head| {
            let process = head.process.as_ref().map(|(id, name)| {
                let name = self.names.get(name.clone()).unwrap_or_default();
                Process { id: *id, name }
            });
            let frame = Frame {
                position: head.position,
                time_ns: head.time_ns,
                timed: head.timed,
                link_type: head.link_type,
                data: self.bytes.get(head.data.clone()).unwrap_or_default(),
                wire_bytes: head.wire_bytes,
                interface: head.interface,
                heading: head.heading,
                process,
            };
            (head.data.start, frame)
        })
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.heads.clear();
        self.names.clear();
    }

    /// Adds a frame whose bytes stand, or will stand, at `at` in the bytes of the batch.
    #[inline]
    pub(super) fn note(&mut self, frame: &Frame<'_>, at: usize) {
        let process = frame.process.map(|process| {
            let from = self.names.len();
            self.names.extend_from_slice(process.name);
            (process.id, from..self.names.len())
        });
        self.heads.push(Head {
            position: frame.position,
            time_ns: frame.time_ns,
            timed: frame.timed,
            link_type: frame.link_type,
            data: at..at + frame.data.len(),
            wire_bytes: frame.wire_bytes,
            interface: frame.interface,
            heading: frame.heading,
            process,
        });
    }

    /// Adds a frame and a copy of its bytes.
    pub(super) fn copy(&mut self, frame: &Frame<'_>) {
        self.note(frame, self.bytes.len());
        self.bytes.extend_from_slice(frame.data);
    }
}

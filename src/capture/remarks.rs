//! What a pcapng file says besides packets: names of addresses, comments, processes. Bounded, and the rest counted.

use super::block::{Block, ByteOrder};
use super::budget::{Budget, Share};
use crate::model::{CaptureIndex, CommentFact, CommentPlace, NameFact, NameSource, Process, ReadingCounts};
use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Comments of one capture that are kept.
const COMMENTS: usize = 100;
/// Bytes of a comment that are kept.
const COMMENT_BYTES: usize = 1_000;
/// Distinct names of addresses of one capture that are kept.
const NAMES: usize = 100_000;
/// Longest name that is kept: a domain name has 253 characters.
const NAME_BYTES: usize = 255;
/// Processes of one section that are kept.
const PROCESSES: usize = 65_536;
/// Bytes of a process name that are kept.
const PROCESS_NAME_BYTES: usize = 256;

/// Option codes, in every kind of block.
pub(super) const OPT_COMMENT: u16 = 1;
/// Option of a Darwin process event block: its name.
const PROCESS_NAME: u16 = 2;
/// Records of a name resolution block.
const NAMES_OF_IPV4: u16 = 1;
const NAMES_OF_IPV6: u16 = 2;

struct KnownProcess {
    id: u32,
    name: Box<[u8]>,
}

/// What was said so far.
pub(super) struct Remarks {
    names: HashSet<(IpAddr, Box<str>)>,
    share: Share,
    comments: Vec<(Option<u64>, CommentPlace, String)>,
    processes: Vec<KnownProcess>,
    pub(super) counts: ReadingCounts,
}

impl Remarks {
    pub(super) fn new(names: &Budget) -> Self {
        Self {
            names: HashSet::new(),
            share: names.share(),
            comments: Vec::new(),
            processes: Vec::new(),
            counts: ReadingCounts::default(),
        }
    }

    /// Keeps the comments among the options of a block.
    pub(super) fn comments(&mut self, block: Block<'_>, options_at: usize, place: CommentPlace, frame: Option<u64>) {
        for (code, value) in block.options(options_at) {
            if code == OPT_COMMENT {
                self.comment(value, place, frame);
            }
        }
    }

    /// Keeps one comment.
    pub(super) fn comment(&mut self, text: &[u8], place: CommentPlace, frame: Option<u64>) {
        if self.comments.len() >= COMMENTS {
            self.counts.comments_dropped += 1;
            return;
        }
        let text = text.get(..COMMENT_BYTES).unwrap_or(text);
        let mut text = String::from_utf8_lossy(text).trim_end_matches('\0').to_owned();
        // A character that was cut in two is three bytes longer than what is left of it.
        while text.len() > COMMENT_BYTES {
            text.pop();
        }
        self.comments.push((frame, place, text));
    }

    /// Keeps the names in a name resolution block.
    pub(super) fn name_resolution(&mut self, block: Block<'_>) {
        // Records have the layout of options: type, length, value, padding.
        for (kind, value) in block.options(8) {
            let (address, names) = match kind {
                NAMES_OF_IPV4 => match value.split_first_chunk::<4>() {
                    Some((address, names)) => (IpAddr::V4(Ipv4Addr::from(*address)), names),
                    None => continue,
                },
                NAMES_OF_IPV6 => match value.split_first_chunk::<16>() {
                    Some((address, names)) => (IpAddr::V6(Ipv6Addr::from(*address)), names),
                    None => continue,
                },
                _ => continue,
            };
            for name in names.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
                self.name(address, name);
            }
        }
    }

    fn name(&mut self, address: IpAddr, name: &[u8]) {
        let text = String::from_utf8_lossy(name);
        if text.len() > NAME_BYTES {
            self.counts.names_dropped += 1;
            return;
        }
        let name = (address, Box::<str>::from(text));
        if self.names.contains(&name) {
            return;
        }
        if self.names.len() >= NAMES || !self.share.take(1) {
            self.counts.names_dropped += 1;
            return;
        }
        self.names.insert(name);
    }

    /// Keeps the process of a Darwin process event block.
    pub(super) fn process(&mut self, block: Block<'_>) {
        let Some(id) = block.u32(8) else { return };
        if self.processes.len() >= PROCESSES {
            self.counts.processes_dropped += 1;
            return;
        }
        let name = block.options(12).find(|(code, _)| *code == PROCESS_NAME).map_or(&[][..], |(_, value)| value);
        let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
        let name = name.get(..PROCESS_NAME_BYTES).unwrap_or(name).into();
        self.processes.push(KnownProcess { id, name });
    }

    /// Processes are numbered anew in each section.
    pub(super) fn begin_section(&mut self) {
        self.processes.clear();
    }

    /// The process with this number in this section.
    pub(super) fn process_of(&self, number: u32) -> Option<Process<'_>> {
        let known = self.processes.get(number as usize)?;
        Some(Process { id: known.id, name: &known.name })
    }

    /// What was said, in an order of its own and not that of the hash.
    pub(super) fn finish(self, capture: CaptureIndex) -> (Vec<NameFact>, Vec<CommentFact>) {
        let source = NameSource::NameResolutionBlock;
        let fact = |(address, name): (IpAddr, Box<str>)| NameFact { capture, address, name: name.into(), source };
        let mut names: Vec<NameFact> = self.names.into_iter().map(fact).collect();
        names.sort();
        let comment = |(frame, place, text)| CommentFact { capture, frame, place, text };
        (names, self.comments.into_iter().map(comment).collect())
    }
}

/// An option of 4 bytes.
pub(super) fn u32_option(order: ByteOrder, value: &[u8]) -> Option<u32> {
    value.get(..4).map(|bytes| order.u32(bytes))
}

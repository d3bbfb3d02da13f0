//! Finding the next block of a pcapng file behind damage, without ever taking payload for a block.
//!
//! Payload may itself be a piece of a capture (a recording that was copied over the network while it was recorded), whole
//! blocks included. Two kinds of places are believed:
//!
//! - the end of the damaged block as its own fields give it (its first length; or the captured length of a packet, where
//!   the second length agrees), when two blocks follow there, or the file ends: payload has no say in these;
//! - a place found by searching, when whole blocks follow one another from there over more bytes than any packet of this
//!   file has, or exactly to the end of the file. A block within a packet cannot do either: behind it stands at least the
//!   second length of the block around it.
//!
//! No packet of the file is larger than the snap length of its interface, than libpcap's largest one (262,144) and than
//! those that were read before the damage. Where an interface has no snap length, packets may have 128 MiB, and hardly
//! anything but the end of the file proves a place. The search ends after 16 MiB and after a bounded number of looks at blocks.

use super::block::{ByteOrder, kind};
use super::buffer::Buffer;
use super::pcapng::PACKET_LIMIT_BYTES;
use std::io;

/// Bytes that are searched.
const SEARCH_BYTES: u64 = 16 << 20;
/// Largest block that is believed while reading is not sure where it is.
const BLOCK_BYTES: usize = 1 << 20;
/// Blocks looked at in one search.
const LOOKS: u32 = 1 << 22;
/// Options looked at to find the end of a damaged packet block.
const OPTIONS: usize = 64;
/// Bytes of options looked at for the same.
const OPTIONS_BYTES: usize = 1 << 16;

/// What is known of the section where reading stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Section {
    pub(super) order: ByteOrder,
    pub(super) interfaces: u32,
    /// Bytes that the largest packet of the file may have.
    pub(super) largest_packet: usize,
}

/// Where reading can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// So many bytes behind the damage, by the fields of the damaged block.
    End(usize),
    /// Found by searching; everything before it is consumed. Blocks may have been passed over unseen.
    Searched,
}

/// How much has to follow.
#[derive(Clone, Copy)]
enum Proof {
    /// Two blocks, or the end of the file.
    Neighbours,
    /// More than a packet could hold, or blocks exactly to the end of the file.
    Chain,
    /// More than a packet could hold: the file ends inside the damaged block, so its end proves nothing.
    LongChain,
}

/// Looks for the next block; the damaged one stands at the start of the buffer. `cut` says that the file would end inside it.
pub(super) fn find(buffer: &mut Buffer, section: Section, cut: bool) -> io::Result<Option<Found>> {
    let mut looks = LOOKS;
    for end in ends(buffer, section.order)?.into_iter().flatten() {
        if proven(buffer, end, section, Proof::Neighbours, &mut looks)? {
            return Ok(Some(Found::End(end)));
        }
    }
    let proof = if cut { Proof::LongChain } else { Proof::Chain };
    let limit = buffer.offset().saturating_add(SEARCH_BYTES);
    buffer.consume(1);
    while buffer.offset() < limit && looks > 0 && buffer.fill(12)? {
        match next_candidate(buffer, 0, section.order) {
            None => buffer.consume(buffer.bytes().len() - 11),
            Some(at) => {
                buffer.consume(at);
                if proven(buffer, 0, section, proof, &mut looks)? {
                    return Ok(Some(Found::Searched));
                }
                buffer.consume(1);
            }
        }
    }
    Ok(None)
}

/// Whether blocks follow one another within the first MiB of what claims to be one large block of unknown kind: then its
/// length is damage, and it is no block.
pub(super) fn holds_blocks(buffer: &mut Buffer, section: Section) -> io::Result<bool> {
    buffer.fill(BLOCK_BYTES)?;
    let (mut looks, mut at) = (LOOKS, 1);
    while let Some(candidate) = next_candidate(buffer, at, section.order).filter(|at| *at < BLOCK_BYTES) {
        if looks == 0 || proven(buffer, candidate, section, Proof::Chain, &mut looks)? {
            return Ok(looks > 0);
        }
        at = candidate + 1;
    }
    Ok(false)
}

/// The first place in memory, from `from` on, where a block may begin.
fn next_candidate(buffer: &Buffer, from: usize, order: ByteOrder) -> Option<usize> {
    let bytes = buffer.bytes();
    (from..bytes.len().saturating_sub(11)).find(|at| may_begin(&bytes[*at..], order))
}

/// Where the damaged block may end by its own fields.
fn ends(buffer: &mut Buffer, order: ByteOrder) -> io::Result<[Option<usize>; 2]> {
    let limit = PACKET_LIMIT_BYTES as usize;
    buffer.fill(28)?;
    let field = |buffer: &Buffer, at: usize| {
        buffer.bytes().get(at..at + 4).map(|field| order.u32(field) as usize).filter(|n| *n <= limit)
    };
    let is_packet = field(buffer, 0) == Some(kind::ENHANCED_PACKET as usize);
    let captured = field(buffer, 20).filter(|_| is_packet);
    let length = field(buffer, 4).filter(|n| n.is_multiple_of(4) && *n >= 12);
    // Both have to be there, whatever happens to be in memory.
    let length = match length {
        Some(length) if buffer.fill(length)? => Some(length),
        _ => None,
    };
    if let Some(captured) = captured {
        buffer.fill(28 + captured + OPTIONS_BYTES)?;
    }
    let bytes = buffer.bytes();
    let word = |at: usize| bytes.get(at..at + 4).map(|field| order.u32(field) as usize);
    let by_packet = || {
        let captured = captured?;
        let mut at = 28 + captured.next_multiple_of(4);
        for _ in 0..OPTIONS {
            if word(at)? == at + 4 {
                return Some(at + 4);
            }
            let (code, value) = (order.u16(&bytes[at..]), usize::from(order.u16(&bytes[at + 2..])));
            at += 4 + if code == 0 { 0 } else { value.next_multiple_of(4) };
        }
        None
    };
    // Where both lengths of a packet agree, they are the better witnesses.
    let by_packet = by_packet();
    Ok([by_packet, length.filter(|n| Some(*n) != by_packet)])
}

/// Whether a block of a kind that is worth finding may begin here.
fn may_begin(bytes: &[u8], order: ByteOrder) -> bool {
    let number = order.u32(bytes);
    let known = matches!(number, kind::INTERFACE..=kind::ENHANCED_PACKET | kind::SECTION_HEADER);
    let length = order.u32(&bytes[4..]) as usize;
    known && (number == kind::SECTION_HEADER || (length.is_multiple_of(4) && (12..=BLOCK_BYTES).contains(&length)))
}

/// Whether blocks follow one another from `at` on.
fn proven(buffer: &mut Buffer, at: usize, mut section: Section, proof: Proof, looks: &mut u32) -> io::Result<bool> {
    let (mut here, mut blocks, largest_packet) = (at, 0, section.largest_packet);
    loop {
        match proof {
            Proof::Neighbours if blocks == 2 => return Ok(true),
            Proof::Chain | Proof::LongChain if here - at > largest_packet => return Ok(true),
            _ => {}
        }
        if !buffer.fill(here + 12)? {
            let at_end = buffer.bytes().len() == here;
            return Ok(at_end
                && !matches!(proof, Proof::LongChain)
                && (blocks > 0 || matches!(proof, Proof::Neighbours)));
        }
        let Some(left) = looks.checked_sub(1) else { return Ok(false) };
        *looks = left;
        let Some(length) = plausible(buffer, here, &mut section)? else { return Ok(false) };
        here += length;
        blocks += 1;
    }
}

/// The length of the block at `at`, if it does not contradict itself or what is known of the section.
fn plausible(buffer: &mut Buffer, at: usize, section: &mut Section) -> io::Result<Option<usize>> {
    let header = &buffer.bytes()[at..at + 12];
    if header.starts_with(&kind::SECTION_HEADER.to_be_bytes()) {
        let Some(order) = ByteOrder::of_magic(&header[8..]) else { return Ok(None) };
        *section = Section { order, interfaces: 0, ..*section };
    }
    let order = section.order;
    let length = order.u32(&header[4..]) as usize;
    if !length.is_multiple_of(4) || !(12..=BLOCK_BYTES).contains(&length) || !buffer.fill(at + length)? {
        return Ok(None);
    }
    let block = &buffer.bytes()[at..at + length];
    if order.u32(&block[length - 4..]) as usize != length {
        return Ok(None);
    }
    let word = |at: usize| if at + 8 <= length { order.u32(&block[at..]) } else { u32::MAX };
    let sane = match word(0) {
        kind::INTERFACE => {
            section.interfaces = section.interfaces.saturating_add(1);
            length >= 20
        }
        kind::ENHANCED_PACKET => word(8) < section.interfaces && (word(20) as usize).saturating_add(32) <= length,
        kind::OBSOLETE_PACKET => {
            let interface = u32::from(order.u16(&block[8.min(length - 2)..]));
            interface < section.interfaces && (word(20) as usize).saturating_add(32) <= length
        }
        kind::SIMPLE_PACKET => section.interfaces > 0 && length >= 16,
        kind::STATISTICS => length >= 24,
        _ => true,
    };
    Ok(sane.then_some(length))
}

//! Any bytes as a frame of any link type.

use crate::accounting::decoded;
use portproof::model::{Frame, LinkType, Position};

/// Link types by the first byte of the input, modulo their number: those that are decoded, and one that is not.
pub const LINK_TYPES: [LinkType; 11] = [
    LinkType::ETHERNET,
    LinkType::LINUX_SLL,
    LinkType::LINUX_SLL2,
    LinkType::NULL,
    LinkType::LOOP,
    LinkType::RAW,
    LinkType::RAW_BSD,
    LinkType::RAW_OPENBSD,
    LinkType::IPV4,
    LinkType::IPV6,
    LinkType(147),
];

/// The target. The second byte says how many bytes more the frame had on the wire.
pub fn decode_frame(data: &[u8]) {
    let [link_type, missing, frame @ ..] = data else { return };
    let link_type = LINK_TYPES[usize::from(*link_type) % LINK_TYPES.len()];
    let whole = Frame::whole(Position::default(), 0, link_type, frame);
    decoded(&whole);
    // 255: the record header lies, and says that the frame was shorter than what was captured.
    let wire_bytes = match missing {
        255 => 0,
        missing => whole.wire_bytes.saturating_add(u32::from(*missing)),
    };
    decoded(&Frame { wire_bytes, ..whole });
}

//! Any bytes as a frame of any link type.

use crate::accounting::{Sums, decoded};
use portproof::decode::DecodeSettings;
use portproof::model::{Frame, LinkType, Position};

/// Link types by the low bits of the first byte: those that are decoded, and one that is not.
pub const LINK_TYPES: [u16; 32] = [
    1, 0, 6, 7, 9, 10, 12, 50, 51, 100, 101, 104, 105, 107, 108, 109, 113, 117, 119, 127, 129, 138, 147, 163, 192, 204,
    206, 219, 239, 240, 258, 276,
];

/// The target. The second byte says how many bytes more the frame had on the wire.
pub fn decode_frame(data: &[u8]) {
    let [link_type, missing, frame @ ..] = data else { return };
    let settings = DecodeSettings { verify_checksums: *link_type & 0x80 != 0 };
    let link_type = LinkType(LINK_TYPES[usize::from(*link_type) % LINK_TYPES.len()]);
    let whole = Frame::whole(Position::default(), 0, link_type, frame);
    decoded(&whole, settings, &mut Sums::default());
    // 255: the record header lies, and says that the frame was shorter than what was captured.
    let wire_bytes = match missing {
        255 => 0,
        missing => whole.wire_bytes.saturating_add(u32::from(*missing)),
    };
    decoded(&Frame { wire_bytes, ..whole }, settings, &mut Sums::default());
}

//! Implicit I/O of CIP over UDP (ODVA volume 2, section 3-3): two items, a sequenced address and connected data.
//!
//! Read: kinds and lengths of the items. Not read: data. The port is none of it: 2222 is the usual one, and others are used.

use super::opening::{Look, Opening};
use super::reader::le16;
use crate::model::{Certainty, Protocol};

/// Two items, the first one a sequenced address of 8 bytes.
const BEGINS: [u8; 6] = [2, 0, 0x02, 0x80, 8, 0];
/// Where the data item begins: its kind, its length, its data.
const DATA: usize = 14;
const CONNECTED: u16 = 0xB1;

pub(super) fn look(opening: &Opening<'_>) -> Look {
    let Some(side) = opening.side_where(|_| true) else { return Look::No };
    look_at(opening.bytes(side))
}

fn look_at(bytes: &[u8]) -> Look {
    let (Some(kind), Some(length)) = (le16(bytes, DATA), le16(bytes, DATA + 2)) else { return Look::No };
    let there = bytes.len() - (DATA + 4);
    match (bytes.starts_with(&BEGINS) && kind == CONNECTED, there.cmp(&usize::from(length))) {
        // Both sides produce: who opened the connection is not said here.
        (true, std::cmp::Ordering::Equal) => Look::yes(Protocol::CipIo, Certainty::Certain, None),
        // A recording may cut the datagram.
        (true, std::cmp::Ordering::Less) => Look::yes(Protocol::CipIo, Certainty::Likely, None),
        _ => Look::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Connection 0x003A7B78, sequence number 73321448, 12 bytes of data.
    const IO: [u8; 30] = [
        2, 0, 2, 0x80, 8, 0, 0x78, 0x7B, 0x3A, 0, 0xE8, 0xCB, 0x5E, 4, 0xB1, 0, 12, 0, 3, 0, 0xFD, 0xFF, 0xFF, 0xFF,
        0xFF, 0xFF, 0xFF, 0xFF, 0, 0,
    ];

    #[test]
    fn the_items_are_what_counts() {
        assert_eq!(look_at(&IO), Look::yes(Protocol::CipIo, Certainty::Certain, None));
        assert_eq!(look_at(&IO[..25]), Look::yes(Protocol::CipIo, Certainty::Likely, None));
        assert_eq!(look_at(&[&IO[..], &[0]].concat()), Look::No);
        for at in [0, 1, 2, 3, 4, 5, 14, 15] {
            let mut bad = IO;
            bad[at] ^= 1;
            assert_eq!(look_at(&bad), Look::No, "byte {at}");
        }
        for cut in 0..DATA + 4 {
            assert_eq!(look_at(&IO[..cut]), Look::No);
        }
    }
}

//! CodeMeter licence servers of WIBU: a hint, for nobody published their bytes.
//!
//! Seen in recordings: `samc`, the length of what follows the header of 16 bytes (the lowest byte first), then 0x40 from the
//! client and 0x41 from the server, 1 and 0. Which side asks is not told: one recording is no proof. Unverified otherwise.

use super::opening::{Look, Opening};
use super::reader::{le16, le32};
use crate::model::{Certainty, Protocol};

const BEGINS: &[u8] = b"samc";
const PORT: u16 = 22_350;
/// Longest message that is believed.
const LARGEST: u32 = 1 << 24;

pub(super) fn look(opening: &Opening<'_>) -> Look {
    if !opening.ports.contains(&PORT) {
        return Look::No;
    }
    let begins = |bytes: &[u8]| bytes.iter().zip(BEGINS).all(|(byte, constant)| byte == constant);
    let Some(side) = opening.side_where(begins) else { return Look::No };
    let bytes = opening.bytes(side);
    match (le32(bytes, 4), le16(bytes, 8)) {
        (Some(1..=LARGEST), Some(0x40 | 0x41)) => Look::yes(Protocol::CodeMeter, Certainty::Hint, None),
        (Some(_), Some(_)) => Look::No,
        _ if opening.from(side).over => Look::No,
        _ => Look::Maybe,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::Said;
    use crate::model::Transport;

    const BYTES: [u8; 16] = *b"samc\xE1\x02\0\0\x40\0\x01\0\0\0\0\0";

    fn looked(bytes: &[u8], port: u16) -> Look {
        let said = [Said { bytes, whole: false, over: false }, Said::default()];
        look(&Opening { transport: Transport::Tcp, ports: [50_000, port], said })
    }

    #[test]
    fn it_is_a_hint_at_its_port() {
        assert_eq!(looked(&BYTES, PORT), Look::yes(Protocol::CodeMeter, Certainty::Hint, None));
        assert_eq!(looked(&BYTES, PORT + 1), Look::No);
        for cut in 1..10 {
            assert_eq!(looked(&BYTES[..cut], PORT), Look::Maybe);
        }
        for at in [0, 3, 7, 9] {
            let mut bad = BYTES;
            bad[at] ^= 0x10;
            assert_eq!(looked(&bad, PORT), Look::No, "byte {at}");
        }
    }
}

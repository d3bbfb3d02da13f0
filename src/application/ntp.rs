//! NTP (RFC 5905 section 7.3; control messages RFC 9327; private messages of mode 7 as ntpd has them): who asked whom.
//!
//! NTP has no signature: fields are checked for what they can be, and the port must be NTP's for a certain answer. Not read:
//! the time that is told.

use super::opening::{Look, Opening};
use super::reader::{be16, be32};
use crate::model::{Certainty, Protocol, Side};

/// The port.
const PORT: u16 = 123;
/// A message without extensions, in bytes.
const LENGTH: usize = 48;
/// What must be there of one that the capture cut: up to the time of departure.
const SHORTEST: usize = 40;
/// Longest message with extensions and a digest that is believed.
const LONGEST: usize = 1024;
/// Seconds between 1900 and 1990: no server's time is earlier.
const YEAR_1990: u32 = 2_840_140_800;
/// Seconds between arrival and answer that a server takes, at most.
const LONGEST_STAY: u32 = 60;

pub(super) fn look(opening: &Opening<'_>) -> Look {
    let Some(side) = opening.side_where(|_| true) else { return Look::No };
    let bytes = opening.bytes(side);
    let first = bytes[0];
    let at_home = opening.ports.contains(&PORT);
    let (is_time, is_exact) = time(bytes);
    let (fits, is_sure) = match first & 0x07 {
        // At the usual port the capture may lack the end.
        1..=5 if at_home => (is_time, is_exact),
        1..=5 => (is_time && is_exact && is_answer_by_its_times(bytes), false),
        6 => (at_home && is_control(bytes), true),
        7 => (at_home && is_private(bytes), true),
        _ => return Look::No,
    };
    if !fits {
        return Look::No;
    }
    let certainty = if is_sure { Certainty::Certain } else { Certainty::Likely };
    Look::yes(Protocol::Ntp, certainty, server(bytes, side))
}

/// Clients ask in mode 3, servers answer in mode 4 or broadcast in mode 5; symmetric peers are equals.
fn server(bytes: &[u8], side: Side) -> Option<Side> {
    let answers = match bytes[0] & 0x07 {
        3 => false,
        4 | 5 => true,
        6 => bytes.get(1).is_some_and(|operation| operation & 0x80 != 0),
        7 => bytes[0] & 0x80 != 0,
        _ => return None,
    };
    Some(if answers { side } else { side.other() })
}

fn version(bytes: &[u8]) -> u8 {
    bytes[0] >> 3 & 0x07
}

/// Versions and fields as RFC 5905 has them; and whether the length is one, too. Extensions and digests come in words.
fn time(bytes: &[u8]) -> (bool, bool) {
    let [Some(stratum), Some(poll), Some(precision)] = [1, 2, 3].map(|at| bytes.get(at).copied()) else {
        return (false, false);
    };
    let (poll, precision) = (poll.cast_signed(), precision.cast_signed());
    // Clients that tell nothing of themselves fill in what they like (chrony: 32).
    let precise = bytes[0] & 0x07 == 3 || (-64..=4).contains(&precision);
    let fits = (1..=4).contains(&version(bytes)) && stratum <= 16 && (-7..=17).contains(&poll) && precise;
    (fits && bytes.len() >= SHORTEST, (LENGTH..=LONGEST).contains(&bytes.len()) && bytes.len().is_multiple_of(4))
}

/// An answer whose times of arrival and departure belong together: at any port.
fn is_answer_by_its_times(bytes: &[u8]) -> bool {
    let (Some(arrival), Some(departure)) = (be32(bytes, 32), be32(bytes, 40)) else { return false };
    let stratum = bytes.get(1).copied().unwrap_or_default();
    bytes[0] & 0x07 == 4
        && (1..=15).contains(&stratum)
        && arrival >= YEAR_1990
        && departure.wrapping_sub(arrival) <= LONGEST_STAY
}

/// Header of 12 bytes, the count of data bytes last (RFC 9327 section 2); data is padded, a digest may follow.
fn is_control(bytes: &[u8]) -> bool {
    let (Some(operation), Some(count)) = (bytes.get(1), be16(bytes, 10)) else { return false };
    let data = usize::from(count).next_multiple_of(4);
    bytes[0] >> 6 == 0
        && (1..=4).contains(&version(bytes))
        && matches!(operation & 0x1f, 0..=12 | 31)
        && bytes.len() <= LONGEST
        && (12 + usize::from(count)..=12 + data + 28).contains(&bytes.len())
}

/// Mode 7 of ntpd, from memory of its `ntp_request.h` (unverified): implementation in byte 3, items and their size behind.
fn is_private(bytes: &[u8]) -> bool {
    let (Some(items), Some(size)) = (be16(bytes, 4), be16(bytes, 6)) else { return false };
    let implementation = bytes[2];
    let data = usize::from(items & 0x0fff) * usize::from(size & 0x0fff);
    (1..=4).contains(&version(bytes)) && matches!(implementation, 0 | 2 | 3) && 8 + data <= bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::opening::Said;
    use crate::model::Transport;

    fn asked(ports: [u16; 2], bytes: &[u8]) -> Look {
        let said = [Said { bytes, whole: true, over: true }, Said::default()];
        look(&Opening { transport: Transport::Udp, ports, said })
    }

    /// RFC 5905 figure 8, as an SNTP client fills it: all zero but the first byte.
    fn client() -> Vec<u8> {
        let mut bytes = vec![0; LENGTH];
        bytes[0] = 0x23;
        bytes
    }

    /// The same figure, of a server of stratum 2.
    fn answer() -> Vec<u8> {
        let mut bytes = client();
        bytes[..4].copy_from_slice(&[0x24, 2, 6, 0xe9]);
        bytes[32..36].copy_from_slice(&0xd9ab_cdef_u32.to_be_bytes());
        bytes[40..44].copy_from_slice(&0xd9ab_cdf0_u32.to_be_bytes());
        bytes
    }

    #[test]
    fn the_mode_tells_who_serves() {
        let certain = |server| Look::yes(Protocol::Ntp, Certainty::Certain, server);
        assert_eq!(asked([50_000, PORT], &client()), certain(Some(Side::B)));
        assert_eq!(asked([PORT, 50_000], &answer()), certain(Some(Side::A)));
        let mut peer = answer();
        peer[0] = 0x21;
        assert_eq!(asked([PORT, PORT], &peer), certain(None));
        // RFC 9327 section 2: read variables, no data; and monlist of ntpd.
        assert_eq!(asked([50_000, PORT], b"\x16\x02\0\x01\0\0\0\0\0\0\0\0"), certain(Some(Side::B)));
        assert_eq!(asked([50_000, PORT], b"\x17\0\x03\x2a\0\0\0\0"), certain(Some(Side::B)));
    }

    #[test]
    fn elsewhere_only_an_answer_with_times_is_likely() {
        assert_eq!(asked([50_000, 5000], &client()), Look::No);
        assert_eq!(asked([5000, 50_000], &answer()), Look::yes(Protocol::Ntp, Certainty::Likely, Some(Side::A)));
        let mut late = answer();
        late[40] = 0;
        assert_eq!(asked([5000, 50_000], &late), Look::No);
    }

    #[test]
    fn what_no_field_can_be_is_none() {
        for (at, value) in [(0, 0x03), (0, 0x2b), (0, 0x20), (1, 17), (2, 18)] {
            let mut bytes = client();
            bytes[at] = value;
            assert_eq!(asked([PORT, PORT], &bytes), Look::No, "{at} {value}");
        }
        let mut server = answer();
        server[3] = 5;
        assert_eq!(asked([PORT, PORT], &server), Look::No);
        assert_eq!(asked([PORT, PORT], &client()[..39]), Look::No);
        assert_eq!(asked([PORT, PORT], &client()[..47]), Look::yes(Protocol::Ntp, Certainty::Likely, Some(Side::B)));
        assert_eq!(asked([PORT, PORT], b"\x16\x02\0\x01\0\0\0\0\0\0\0\x40"), Look::No);
    }

    #[test]
    fn no_bytes_are_too_short_or_too_odd() {
        for sample in
            [client(), answer(), b"\x16\x02\0\x01\0\0\0\0\0\0\0\0".to_vec(), b"\x17\0\x03\x2a\0\0\0\0".to_vec()]
        {
            crate::application::hostile::cut_and_flipped(&sample, |bytes| _ = asked([PORT, PORT], bytes));
        }
    }
}

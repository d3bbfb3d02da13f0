//! Messages by RFC 1157 section 4, RFC 3416 section 3 and RFC 3412 section 6.

use super::*;
use crate::application::hostile::cut_and_flipped;
use crate::application::opening::Said;
use crate::model::Transport;

/// GetRequest of version 1: community, request-id, error, index, one variable without a value.
const GET: &[u8] =
    b"\x30\x23\x02\x01\x00\x04\x06secret\xa0\x16\x02\x01\x07\x02\x01\x00\x02\x01\x00\x30\x0b\x30\x09\x06\x05\x2b\
    \x06\x01\x02\x01\x05\x00";
/// GetResponse of version 2c without variables.
const RESPONSE: &[u8] = b"\x30\x18\x02\x01\x01\x04\x06secret\xa2\x0b\x02\x01\x07\x02\x01\x00\x02\x01\x00\x30\x00";
/// Trap of version 1: enterprise, agent's address, generic and specific trap, time, no variables (RFC 1157 section 4.1.6).
const TRAP: &[u8] =
    b"\x30\x25\x02\x01\x00\x04\x06secret\xa4\x18\x06\x05\x2b\x06\x01\x04\x01\x40\x04\x0a\x00\x00\x01\x02\x01\x06\
    \x02\x01\x01\x43\x01\x00\x30\x00";
/// Version 3, encrypted: header with the flags auth, priv, reportable; security parameters; cipher text.
const ENCRYPTED: &[u8] =
    b"\x30\x1b\x02\x01\x03\x30\x0d\x02\x01\x01\x02\x02\x05\xc0\x04\x01\x07\x02\x01\x03\x04\x02\x30\x00\x04\x03xyz";

fn opening(ports: [u16; 2], bytes: &[u8]) -> Opening<'_> {
    Opening { transport: Transport::Udp, ports, said: [Said { bytes, whole: true, over: true }, Said::default()] }
}

fn certain(server: Option<Side>) -> Look {
    Look::yes(Protocol::Snmp, Certainty::Certain, server)
}

#[test]
fn the_kind_of_the_message_tells_who_serves() {
    for (message, server) in [(GET, Side::B), (RESPONSE, Side::A), (TRAP, Side::B), (ENCRYPTED, Side::B)] {
        assert_eq!(look(&opening([50_000, 50_001], message)), certain(Some(server)), "{message:02x?}");
    }
    let mut silent = ENCRYPTED.to_vec();
    silent[16] = 0x03;
    assert_eq!(look(&opening([50_000, 50_001], &silent)), certain(None));
    assert_eq!(look(&opening([161, 50_001], &silent)), certain(Some(Side::A)));
}

#[test]
fn lengths_must_agree() {
    let longer = [GET, b"\0"].concat();
    let cut = &GET[..GET.len() - 1];
    for bytes in [&longer, cut] {
        assert_eq!(look(&opening([50_000, 5000], bytes)), Look::No);
    }
    let likely = Look::yes(Protocol::Snmp, Certainty::Likely, Some(Side::B));
    assert_eq!(look(&opening([50_000, 161], cut)), likely);
    // A version, a unit, a community that are none.
    for (at, value) in [(4, 2), (13, 0xa9), (5, 0x05)] {
        let mut bytes = GET.to_vec();
        bytes[at] = value;
        assert_eq!(look(&opening([50_000, 161], &bytes)), Look::No, "{at}");
    }
}

#[test]
fn the_version_is_told_and_no_community() {
    for (message, version) in [(GET, "1"), (RESPONSE, "2c"), (ENCRYPTED, "3")] {
        let mut heard = Heard::default();
        let opening = opening([50_000, 161], message);
        let Look::Yes(verdict) = look(&opening) else { panic!("not recognised") };
        describe(&opening, verdict.recognised, &mut heard);
        let texts: Vec<&str> = heard.details.iter().map(|(_, detail)| detail.text.as_str()).collect();
        assert_eq!(texts, [version]);
    }
}

#[test]
fn no_bytes_are_too_short_or_too_odd() {
    for sample in [GET, RESPONSE, TRAP, ENCRYPTED] {
        cut_and_flipped(sample, |bytes| {
            let opening = opening([50_000, 161], bytes);
            if let Look::Yes(verdict) = look(&opening) {
                describe(&opening, verdict.recognised, &mut Heard::default());
            }
        });
    }
}

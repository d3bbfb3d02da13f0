//! Session packets by RFC 1002 section 4.3; headers by MS-CIFS section 2.2.3.1 and MS-SMB2 section 2.2.1.

use super::*;
use crate::application::hostile::cut_and_flipped;
use crate::application::netbios::tests::encoded;
use crate::model::Transport;

/// A session packet around a message.
pub(crate) fn packet(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u32).to_be_bytes(), message].concat()
}

/// A header of SMB 1: command, whether it answers, tree.
pub(crate) fn smb1(command: u8, answers: bool, tree: u16, body: &[u8]) -> Vec<u8> {
    let mut header = [0; 32];
    header[..4].copy_from_slice(b"\xffSMB");
    header[4] = command;
    header[9] = if answers { 0x98 } else { 0x18 };
    header[24..26].copy_from_slice(&tree.to_le_bytes());
    [&header, body].concat()
}

/// A header of SMB 2: command, whether it answers, tree.
pub(crate) fn smb2(command: u16, answers: bool, tree: u32, body: &[u8]) -> Vec<u8> {
    let mut header = [0; 64];
    header[..6].copy_from_slice(b"\xfeSMB\x40\0");
    header[12..14].copy_from_slice(&command.to_le_bytes());
    header[16] = u8::from(answers);
    header[36..40].copy_from_slice(&tree.to_le_bytes());
    [&header, body].concat()
}

/// A session request: called name, calling name.
fn request() -> Vec<u8> {
    [b"\x81\0\0\x44".to_vec(), encoded("FILES", 0x20), encoded("PLANT-7", 0)].concat()
}

fn opening<'a>(a: &'a [u8], b: &'a [u8], over: bool) -> Opening<'a> {
    let said = [a, b].map(|bytes| Said { bytes, whole: true, over });
    Opening { transport: Transport::Tcp, ports: [50_000, 139], said }
}

fn asked(a: &[u8], b: &[u8]) -> Look {
    look(&opening(a, b, false))
}

fn certain(protocol: Protocol, server: Option<Side>) -> Look {
    Look::yes(protocol, Certainty::Certain, server)
}

#[test]
fn the_flag_of_replies_tells_who_serves() {
    let ask = packet(&smb2(1, false, 0, b""));
    let answer = packet(&smb2(1, true, 0, b""));
    assert_eq!(asked(&ask, b""), certain(Protocol::Smb2, Some(Side::B)));
    assert_eq!(asked(b"", &ask), certain(Protocol::Smb2, Some(Side::A)));
    assert_eq!(asked(&answer, b""), certain(Protocol::Smb2, Some(Side::A)));
    let transact = packet(&smb1(0x25, false, 1, b"\0\0\0"));
    assert_eq!(asked(&transact, b""), certain(Protocol::Smb1, Some(Side::B)));
    let secret = packet(&[b"\xfdSMB".as_slice(), &[0; 60]].concat());
    assert_eq!(asked(&secret, b""), certain(Protocol::Smb2, None));
}

#[test]
fn what_is_negotiated_decides() {
    let old = packet(&smb1(SMB1_NEGOTIATE, false, 0, b"\0\0\0"));
    assert_eq!(asked(&old, b""), Look::yes_so_far(Protocol::Smb1, Certainty::Certain, Some(Side::B)));
    assert_eq!(asked(&old, &packet(&smb2(0, true, 0, b""))), certain(Protocol::Smb2, Some(Side::B)));
    assert_eq!(asked(&old, &packet(&smb1(SMB1_NEGOTIATE, true, 0, b"\0\0\0"))), certain(Protocol::Smb1, Some(Side::B)));
}

#[test]
fn a_session_is_asked_for_before() {
    let request = request();
    let so_far = Look::yes_so_far(Protocol::NetBiosSession, Certainty::Certain, Some(Side::B));
    assert_eq!(asked(&request, b""), so_far);
    assert_eq!(asked(&request, b"\x82\0\0\0"), so_far);
    let old = packet(&smb1(0x25, false, 0, b"\0\0\0"));
    assert_eq!(asked(&[request.clone(), old].concat(), b"\x82\0\0\0"), certain(Protocol::Smb1, Some(Side::B)));
    let told = |answer: &[u8]| {
        let (mut heard, opening) = (Heard::default(), opening(&request, answer, true));
        let Look::Yes(verdict) = look(&opening) else { panic!("not recognised") };
        describe(&opening, verdict.recognised, &mut heard);
        let names: Vec<_> = heard.names.iter().map(|named| (named.side, named.name.clone())).collect();
        (heard.details.pop().map(|(_, detail)| detail.text), names)
    };
    let client = (Side::A, "PLANT-7".to_owned());
    assert_eq!(told(b"\x82\0\0\0"), (Some("FILES".into()), vec![(Side::B, "FILES".to_owned()), client.clone()]));
    assert_eq!(told(b"\x83\0\0\x01\x82"), (Some("FILES".into()), vec![client]));
}

#[test]
fn what_cannot_become_one_is_none_at_once() {
    let negotiate = packet(&smb2(0, false, 0, &[0; 36]));
    for end in 1..20 {
        assert_eq!(asked(&negotiate[..end], b""), Look::Maybe, "{end}");
    }
    for none in [
        &b"\x16\x03\x01"[..],
        b"\0\0\0\x55\xffSMC",
        b"\0\0\0\x55GET ",
        // Shorter than its header.
        b"\0\0\0\x10\xfeSMB",
        b"\x85\0\0\x01",
        b"\x81\0\0\x20",
        b"\0\0\0\x55\xfeSMB\x41\0",
    ] {
        assert_eq!(asked(none, b""), Look::No, "{none:02x?}");
    }
    let alone = look(&opening(b"", b"\x82\0\0\0", true));
    assert_eq!(alone, Look::yes(Protocol::NetBiosSession, Certainty::Likely, Some(Side::B)));
}

#[test]
fn no_bytes_are_too_short_or_too_odd() {
    let samples = [
        request(),
        [request(), packet(&smb1(SMB1_NEGOTIATE, false, 0, b"\0\0\0"))].concat(),
        packet(&smb2(1, true, 0, b"")),
    ];
    for sample in samples {
        cut_and_flipped(&sample, |bytes| {
            let opening = opening(bytes, b"\x82\0\0\0", true);
            if let Look::Yes(verdict) = look(&opening) {
                describe(&opening, verdict.recognised, &mut Heard::default());
            }
        });
    }
}

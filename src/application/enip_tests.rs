//! Messages of devices and drivers: identities as two controllers gave them, sessions and connections written out.

use super::*;
use crate::application::Said;

fn message(command: u16, session: u32, body: &[u8]) -> Vec<u8> {
    let mut bytes = command.to_le_bytes().to_vec();
    bytes.extend((body.len() as u16).to_le_bytes());
    bytes.extend(session.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(b"CTX12345");
    bytes.extend([0; 4]);
    bytes.extend(body);
    bytes
}

fn looked(transport: Transport, bytes: &[u8], ports: [u16; 2]) -> Look {
    let said = [Said { bytes, whole: true, over: transport == Transport::Udp }, Said::default()];
    look(&Opening { transport, ports, said })
}

fn yes(certainty: Certainty, server: Option<Side>, more: bool) -> Look {
    match more {
        true => Look::yes_so_far(Protocol::EtherNetIp, certainty, server),
        false => Look::yes(Protocol::EtherNetIp, certainty, server),
    }
}

/// An identity item: version 1, 10.1.1.164:44818, vendor 1, a communication adapter.
fn identity() -> Vec<u8> {
    let mut body = vec![1, 0, 0x0C, 0, 0x2D, 0, 1, 0, 0, 2, 0xAF, 0x12, 10, 1, 1, 0xA4];
    body.extend([0; 8]);
    body.extend([1, 0, 0x0C, 0, 0x3A, 0, 4, 3, 0x30, 0, 0x8E, 0x4D, 0x52, 0, 11]);
    body.extend(b"1756-ENBT/A\x03");
    message(LIST_IDENTITY, 0, &body)
}

/// A `Forward_Open` reply with two sockaddr items.
fn forward_open(service: u8, status: u8, sockets: &[(u16, u16, [u8; 4])]) -> Vec<u8> {
    let mut cip = vec![service, 0, status, 0];
    cip.extend([0x11; 24]);
    cip.extend([0, 0]);
    let mut body = vec![0, 0, 0, 0, 5, 0];
    body.extend((2 + sockets.len() as u16).to_le_bytes());
    body.extend([0, 0, 0, 0, 0xB2, 0]);
    body.extend((cip.len() as u16).to_le_bytes());
    body.extend(cip);
    for (kind, port, host) in sockets {
        body.extend(kind.to_le_bytes());
        body.extend([16, 0, 0, 2]);
        body.extend(port.to_be_bytes());
        body.extend(host);
        body.extend([0; 8]);
    }
    message(SEND_RR_DATA, 0x55, &body)
}

fn told(pieces: &[(Side, &[u8])]) -> Heard {
    let mut follower = Encapsulation { server: Some(Side::B), ..Encapsulation::default() };
    let mut heard = Heard::default();
    pieces.iter().for_each(|(side, bytes)| follower.bytes(*side, bytes, &mut heard));
    heard
}

#[test]
fn sessions_show_who_serves() {
    let (asks, answers) = (message(REGISTER, 0, &[1, 0, 0, 0]), message(REGISTER, 0x66, &[1, 0, 0, 0]));
    let certain = |server| yes(Certainty::Certain, Some(server), false);
    assert_eq!(looked(Transport::Tcp, &asks, [50_000, 60_000]), certain(Side::B));
    assert_eq!(looked(Transport::Tcp, &answers, [50_000, 60_000]), certain(Side::A));
    for cut in 1..asks.len() {
        assert_eq!(looked(Transport::Tcp, &asks[..cut], [50_000, 60_000]), Look::Maybe, "cut at {cut}");
    }
    for at in [0, 2, 3, 8, 20, 23, 24, 26] {
        let mut bad = asks.clone();
        bad[at] = 0x99;
        assert_eq!(looked(Transport::Tcp, &bad, [50_000, 44_818]), Look::No, "byte {at}");
    }
}

#[test]
fn the_reply_bit_of_a_service_shows_who_serves() {
    let data = |service: u8| {
        message(
            SEND_UNIT_DATA,
            7,
            &[&[0, 0, 0, 0, 0, 0, 2, 0, 0xA1, 0, 4, 0, 1, 2, 3, 4, 0xB1, 0, 3, 0, 1, 0][..], &[service]].concat(),
        )
    };
    let certain = |server| yes(Certainty::Certain, Some(server), false);
    assert_eq!(looked(Transport::Tcp, &data(0x4C), [1, 2]), certain(Side::B));
    assert_eq!(looked(Transport::Tcp, &data(0xCC), [1, 2]), certain(Side::A));
    // Nobody defined a service 0, and an adapter of the corpus answers so: it shows no request.
    assert_eq!(looked(Transport::Tcp, &data(0), [1, 2]), yes(Certainty::Certain, None, true));
    // Over UDP the same is I/O: nobody asks.
    assert_eq!(looked(Transport::Udp, &data(0xCC), [1, 2]), yes(Certainty::Certain, None, true));
}

#[test]
fn a_request_that_is_nearly_empty_is_known_at_its_port_only() {
    let asks = message(LIST_IDENTITY, 0, &[]);
    assert_eq!(looked(Transport::Udp, &asks, [50_000, 44_818]), yes(Certainty::Likely, Some(Side::B), true));
    assert_eq!(looked(Transport::Udp, &asks, [50_000, 44_819]), Look::No);
    // Several at once, as a driver begins.
    let targets = [message(LIST_TARGETS, 0, &[]), asks.clone()].concat();
    assert_eq!(looked(Transport::Tcp, &targets, [50_000, 44_818]), yes(Certainty::Likely, Some(Side::B), true));
    assert_eq!(looked(Transport::Tcp, &[&targets[..], b"x"].concat()[24..], [50_000, 44_818]), Look::No);
    assert_eq!(looked(Transport::Udp, &[asks, vec![0]].concat(), [50_000, 44_818]), Look::No);
    assert_eq!(looked(Transport::Udp, &identity(), [50_000, 60_000]), yes(Certainty::Certain, Some(Side::A), false));
}

#[test]
fn a_device_tells_its_product() {
    let heard = told(&[(Side::B, &identity()), (Side::B, &identity())]);
    assert_eq!(heard.details.len(), 1);
    assert_eq!(heard.details[0].1.text, "1756-ENBT/A");
    assert_eq!((heard.names[0].side, heard.names[0].source), (Side::B, NameSource::Identity));
}

#[test]
fn a_connection_tells_where_its_data_go() {
    for service in [0xD4, 0xDB] {
        let sockets = [(TO_TARGET, 2222, [0, 0, 0, 0]), (TO_ORIGINATOR, 2223, [239, 192, 1, 1])];
        let bytes = forward_open(service, 0, &sockets);
        // However the segments are cut, and whatever comes before.
        for cut in 0..bytes.len() {
            let heard = told(&[(Side::A, &bytes), (Side::B, &bytes[..cut]), (Side::B, &bytes[cut..])]);
            let seen: Vec<_> = heard
                .announcements
                .iter()
                .map(|(_, said)| (said.listener, said.stated_host.as_str(), said.answer.port(), said.transport))
                .collect();
            assert_eq!(
                seen,
                [
                    (Side::B, "0.0.0.0", Some(2222), Transport::Udp),
                    (Side::A, "239.192.1.1", Some(2223), Transport::Udp)
                ]
            );
        }
    }
}

#[test]
fn a_connection_that_failed_or_names_no_port_announces_nothing() {
    let sockets = [(TO_TARGET, 2222, [0, 0, 0, 0])];
    assert!(told(&[(Side::B, &forward_open(0xD4, 1, &sockets))]).announcements.is_empty());
    assert!(told(&[(Side::B, &forward_open(0x54, 0, &sockets))]).announcements.is_empty());
    let none = told(&[(Side::B, &forward_open(0xD4, 0, &[]))]);
    assert!(none.announcements.is_empty());
    assert_eq!(none.details[0].1.text, "Forward_Open");
    assert!(told(&[(Side::B, &forward_open(0xD4, 0, &[(TO_TARGET, 0, [1, 2, 3, 4])]))]).announcements.is_empty());
}

#[test]
fn hostile_bytes_do_no_harm() {
    let sockets = [(TO_TARGET, 2222, [0, 0, 0, 0])];
    for sample in [identity(), forward_open(0xD4, 0, &sockets), message(REGISTER, 0, &[1, 0, 0, 0])] {
        for cut in 0..sample.len() {
            let mut flipped = sample.clone();
            flipped[cut] ^= 0xFF;
            for bytes in [&sample[..cut], &flipped] {
                for transport in [Transport::Tcp, Transport::Udp] {
                    let _ = looked(transport, bytes, [44_818, 50_000]);
                }
                told(&[(Side::B, bytes), (Side::B, &sample)]);
                Encapsulation::default().datagram(Side::B, bytes, &mut Heard::default());
            }
        }
    }
}

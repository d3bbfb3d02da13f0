//! Connections: what is announced, in every form, whole and with parts lost.

use super::contexts::NDR64;
use super::ndr::{Form, Uuid};
use super::samples::{self, EPM, NDR, SVCCTL};
use super::{dcom, follow};
use crate::application::follower::Follower;
use crate::application::heard::Heard;
use crate::model::{Announced, Answer, Certainty, DetailKind, Mechanism, NameSource, Protocol, Recognised, Side, Tier};

const LITTLE: Form = Form { little: true, wide: false };
const SERVICES: &str = "367abb81-9844-35f1-ad32-98f038001003";

pub(super) fn follower() -> Follower {
    follow(Recognised { protocol: Protocol::DceRpc, certainty: Certainty::Certain, server: Some(Side::B) })
}

pub(super) type Said = [(Side, Vec<u8>)];

pub(super) fn hear(said: &Said) -> Heard {
    let mut follower = follower();
    let mut heard = Heard::default();
    said.iter().for_each(|(side, data)| follower.bytes(*side, data, &mut heard));
    follower.end(&mut heard);
    heard
}

fn answers(heard: &Heard) -> Vec<(Mechanism, Answer, Tier, &str)> {
    let said = heard.announcements.iter().map(|(_, said)| said);
    said.map(|said| (said.mechanism, said.answer, said.tier, said.subject.as_str())).collect()
}

fn details(heard: &Heard) -> Vec<(Side, DetailKind, &str)> {
    heard.details.iter().map(|(_, detail)| (detail.side, detail.kind, detail.text.as_str())).collect()
}

fn tower(port: u16) -> Vec<u8> {
    samples::tower(SVCCTL, 2, port, [10, 0, 0, 5])
}

/// A bind to an interface, and that it is accepted.
fn bound(interface: Uuid, major: u16) -> Vec<(Side, Vec<u8>)> {
    vec![(Side::A, samples::bind(interface, major, false)), (Side::B, samples::bind_ack(b"135\0", false))]
}

/// A call to the mapper, and its answer.
pub(super) fn mapping(operation: u16, answer: &[u8]) -> Vec<(Side, Vec<u8>)> {
    let asked = if operation == 3 { samples::map_request(SVCCTL, 2, LITTLE) } else { samples::lookup_request(LITTLE) };
    let mut said = bound(EPM, 3);
    said.push((Side::A, samples::request(operation, 0, &asked, 2)));
    said.push((Side::B, samples::response(answer, 2)));
    said
}

#[test]
fn a_mapper_announces_every_tower_with_a_port() {
    let towers = [tower(49701), samples::pipe_tower(SVCCTL, 2), tower(49702), tower(0)];
    let heard = hear(&mapping(3, &samples::map_reply(&towers, 0, LITTLE)));
    let told: Vec<&Announced> = heard.announcements.iter().map(|(_, said)| said).collect();
    assert_eq!(told.iter().map(|said| said.answer.port()).collect::<Vec<_>>(), [Some(49701), Some(49702)]);
    let first = told[0];
    assert_eq!((first.by, first.listener, first.tier), (Side::B, Side::B, Tier::Structural));
    assert_eq!(
        (first.stated_host.as_str(), first.subject.as_str(), first.version.as_str()),
        ("10.0.0.5", SERVICES, "2.0")
    );
    assert_eq!(
        details(&heard),
        [
            (Side::B, DetailKind::SecondaryAddress, "135"),
            (Side::A, DetailKind::Interface, "e1af8308-5d1f-11c9-91a4-08002b14a0fa v3.0"),
        ]
    );
}

#[test]
fn an_enumeration_names_services_and_its_end_is_no_refusal() {
    let mut said = mapping(2, &samples::lookup_reply(&[tower(49701), tower(49702)], "Plant service", LITTLE));
    said.push((Side::A, samples::request(2, 0, &samples::lookup_request(LITTLE), 3)));
    said.push((Side::B, samples::response(&samples::lookup_reply(&[], "", LITTLE), 3)));
    let heard = hear(&said);
    assert_eq!(answers(&heard).len(), 2);
    assert!(answers(&heard).iter().all(|said| said.0 == Mechanism::EptLookup));
    let names: Vec<_> = heard.names.iter().map(|name| (name.side, name.source, name.name.as_str())).collect();
    assert_eq!(names, [(Side::B, NameSource::RpcAnnotation, "Plant service")]);
}

#[test]
fn nobody_registered_names_what_was_looked_for() {
    let heard = hear(&mapping(3, &samples::map_reply(&[], 0x16c9_a0d6, LITTLE)));
    assert_eq!(answers(&heard), [(Mechanism::EptMap, Answer::NotRegistered, Tier::Structural, SERVICES)]);
    assert_eq!(heard.announcements[0].1.version, "2.0");
    assert_eq!(answers(&hear(&mapping(3, &samples::map_reply(&[], 5, LITTLE)))), []);
    // The end of an enumeration by ept_map: the request carries a handle.
    let mut asked = samples::map_request(SVCCTL, 2, LITTLE);
    let handle = asked.len() - 8;
    asked[handle] = 1;
    let mut said = bound(EPM, 3);
    said.push((Side::A, samples::request(3, 0, &asked, 2)));
    said.push((Side::B, samples::response(&samples::map_reply(&[], 0x16c9_a0d6, LITTLE), 2)));
    assert_eq!(answers(&hear(&said)), []);
}

#[test]
fn big_endian_senders_are_understood() {
    let form = Form { little: false, wide: false };
    let mut body = samples::Stub::new(form);
    body.u32(0).u16(0).u16(3).raw(&samples::map_request(SVCCTL, 2, form));
    let said = [
        (Side::A, samples::bind(EPM, 3, true)),
        (Side::B, samples::bind_ack(b"135\0", true)),
        (Side::A, samples::pdu(0, 3, 2, &body.bytes, &[], false)),
        (Side::B, samples::fragment(&samples::map_reply(&[tower(49701)], 0, form), 2, 3, &[], false)),
    ];
    let heard = hear(&said);
    assert_eq!(answers(&heard), [(Mechanism::EptMap, Answer::Port(49701), Tier::Structural, SERVICES)]);
    assert_eq!(details(&heard)[1].2, "e1af8308-5d1f-11c9-91a4-08002b14a0fa v3.0");
}

#[test]
fn contexts_count_as_the_server_accepts_them() {
    const FEATURES: Uuid = Uuid(0x6cb7_1c2c_9812_4540_0300_0000_0000_0000);
    let wide = Form { little: true, wide: true };
    // NDR refused, NDR64 accepted, features acknowledged, another interface refused.
    let contexts = [(EPM, 3, NDR), (EPM, 3, NDR64), (EPM, 3, FEATURES), (SVCCTL, 2, NDR)];
    let results = [(2, Uuid(0)), (0, NDR64), (3, Uuid(0)), (2, Uuid(0))];
    let said = |context| {
        vec![
            (Side::A, samples::bind_of(&contexts, 11, 0, true)),
            (Side::B, samples::bind_ack_of(b"135\0", &results, 12, true)),
            (Side::A, samples::request(3, context, &samples::map_request(SVCCTL, 2, wide), 2)),
            (Side::B, samples::response(&samples::map_reply(&[tower(49701)], 0, wide), 2)),
        ]
    };
    let heard = hear(&said(1));
    assert_eq!(answers(&heard), [(Mechanism::EptMap, Answer::Port(49701), Tier::Structural, SERVICES)]);
    assert_eq!(details(&heard).iter().filter(|detail| detail.1 == DetailKind::Interface).count(), 1);
    assert_eq!(answers(&hear(&said(0))), []);
    // A context that is added later, whose answer is not in the recording.
    let mut later = bound(SVCCTL, 2);
    later.push((Side::A, samples::bind_of(&[(EPM, 3, NDR)], 14, 7, true)));
    later.push((Side::A, samples::request(3, 7, &samples::map_request(SVCCTL, 2, LITTLE), 2)));
    later.push((Side::B, samples::response(&samples::map_reply(&[tower(49701)], 0, LITTLE), 2)));
    assert_eq!(answers(&hear(&later)).len(), 1);
    // A bind that is refused means no interface.
    let refused = [(Side::A, samples::bind(EPM, 3, false)), (Side::B, samples::pdu(13, 3, 1, &[0; 8], &[], true))];
    assert_eq!(details(&hear(&refused)), []);
}

#[test]
fn fragments_are_joined_without_their_trailers_and_ciphertext_is_told() {
    let stub = samples::map_reply(&[tower(49701), tower(49702)], 0, LITTLE);
    for (level, expected) in [(5, vec![Answer::Port(49701), Answer::Port(49702)]), (6, vec![Answer::Encrypted])] {
        let mut said = mapping(3, &[]);
        said.pop();
        let parts: Vec<&[u8]> = stub.chunks(64).collect();
        for (index, part) in parts.iter().enumerate() {
            let flags = u8::from(index == 0) | if index + 1 == parts.len() { 2 } else { 0 };
            let mut auth = vec![0xee; 4];
            auth.extend([10, level, 4, 0, 0, 0, 0, 0]);
            auth.extend([0xaa; 16]);
            let mut pdu = samples::fragment(part, 2, flags, &auth, true);
            // The four bytes of padding are none of the trailer's.
            pdu[10] -= 4;
            said.push((Side::B, pdu));
            // Other calls may be answered between them.
            said.push((Side::B, samples::response(&[0; 40], 99)));
        }
        let heard = hear(&said);
        assert_eq!(answers(&heard).iter().map(|said| said.1).collect::<Vec<_>>(), expected);
        assert!(answers(&heard).iter().all(|said| said.3 == SERVICES));
    }
}

#[test]
fn a_fault_is_no_answer() {
    let mut said = mapping(3, &[]);
    said.pop();
    said.push((Side::B, samples::pdu(3, 3, 2, &[0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 1, 0x1c, 0, 0, 0, 0], &[], true)));
    assert_eq!(answers(&hear(&said)), []);
}

/// The answer, of which only `there` bytes are in the recording.
fn with_gap(towers: &[Vec<u8>], there: usize) -> Heard {
    let said = mapping(3, &samples::map_reply(towers, 0, LITTLE));
    let mut follower = follower();
    let mut heard = Heard::default();
    said[..3].iter().for_each(|(side, data)| follower.bytes(*side, data, &mut heard));
    let (before, lost) = said[3].1.split_at(there);
    follower.bytes(Side::B, before, &mut heard);
    follower.gap(Side::B, lost.len() as u32, &mut heard);
    // Reading goes on behind it.
    let second = samples::map_reply(&[tower(50_000)], 0, LITTLE);
    follower.bytes(Side::A, &samples::request(3, 0, &samples::map_request(SVCCTL, 2, LITTLE), 3), &mut heard);
    follower.bytes(Side::B, &samples::response(&second, 3), &mut heard);
    follower.end(&mut heard);
    heard
}

#[test]
fn an_answer_that_lacks_its_end_is_searched_and_otherwise_told_as_cut() {
    let towers = [tower(49701), tower(49702)];
    let last = (Mechanism::EptMap, Answer::Port(50_000), Tier::Structural, SERVICES);
    let heard = with_gap(&towers, 200);
    assert_eq!(answers(&heard), [(Mechanism::EptMap, Answer::Port(49701), Tier::SignatureScan, SERVICES), last]);
    let heard = with_gap(&towers, 100);
    assert_eq!(answers(&heard), [(Mechanism::EptMap, Answer::Cut, Tier::Structural, SERVICES), last]);
    // Lost from its first byte on: that it was lost is known only at the end.
    let heard = with_gap(&towers, 0);
    let mut expected = answers(&heard);
    expected.reverse();
    assert_eq!(expected, [(Mechanism::EptMap, Answer::Cut, Tier::Structural, SERVICES), last]);
}

#[test]
fn a_recording_that_keeps_the_beginning_of_each_segment_stays_in_step() {
    for (kept, subject) in [(74, ""), (100, SERVICES)] {
        let mut follower = follower();
        let mut heard = Heard::default();
        for (side, data) in mapping(3, &samples::map_reply(&[tower(49701)], 0, LITTLE)) {
            let there = data.len().min(kept);
            follower.bytes(side, &data[..there], &mut heard);
            if there < data.len() {
                follower.gap(side, (data.len() - there) as u32, &mut heard);
            }
        }
        follower.end(&mut heard);
        assert_eq!(answers(&heard), [(Mechanism::EptMap, Answer::Cut, Tier::Structural, subject)]);
        assert_eq!(details(&heard).len(), 2);
    }
}

#[test]
fn without_the_bind_the_shape_of_a_call_tells() {
    let said = mapping(3, &samples::map_reply(&[tower(49701)], 0, LITTLE));
    let expected = |tier| [(Mechanism::EptMap, Answer::Port(49701), tier, SERVICES)];
    assert_eq!(answers(&hear(&said[2..])), expected(Tier::Structural));
    // An answer to nobody could be anybody's.
    assert_eq!(answers(&hear(&said[3..])), expected(Tier::SignatureScan));
    let lookup = mapping(2, &samples::lookup_reply(&[tower(49701)], "x", LITTLE));
    assert_eq!(answers(&hear(&lookup[2..]))[0].0, Mechanism::EptLookup);
    // Operation 3 of anything else.
    let other = [
        (Side::A, samples::request(3, 0, &[7; 64], 2)),
        (Side::B, samples::response(&samples::map_reply(&[tower(49701)], 0, LITTLE), 2)),
    ];
    assert_eq!(answers(&hear(&other[..1])), []);
}

#[test]
fn what_is_no_mapper_announces_nothing_though_it_looks_so() {
    let mut said = mapping(3, &samples::map_reply(&[tower(49701)], 0, LITTLE));
    said[0].1 = samples::bind(SVCCTL, 2, false);
    assert_eq!(answers(&hear(&said)), []);
}

#[test]
fn an_answer_that_is_too_long_to_keep_is_searched_and_reading_goes_on() {
    let towers: Vec<_> = (1..=4000).map(tower).collect();
    let stub = samples::lookup_reply(&towers, "", LITTLE);
    let mut said = mapping(2, &[]);
    said.pop();
    let parts: Vec<&[u8]> = stub.chunks(4000).collect();
    for (index, part) in parts.iter().enumerate() {
        let flags = u8::from(index == 0) | if index + 1 == parts.len() { 2 } else { 0 };
        said.push((Side::B, samples::fragment(part, 2, flags, &[], true)));
    }
    said.push((Side::A, samples::request(3, 0, &samples::map_request(SVCCTL, 2, LITTLE), 3)));
    said.push((Side::B, samples::response(&samples::map_reply(&[tower(50_000)], 0, LITTLE), 3)));
    let mut follower = follower();
    let mut heard = Heard::default();
    for (side, data) in &said {
        follower.bytes(*side, data, &mut heard);
        assert!(follower.held_bytes() < 1 << 20);
    }
    let found = answers(&heard);
    assert!(found.len() > 1000 && found.len() < 4000);
    assert_eq!(found[0].2, Tier::SignatureScan);
    assert_eq!(found[found.len() - 1].1, Answer::Port(50_000));
}

#[test]
fn string_bindings_of_dcom_are_announced_with_class_and_process() {
    let activation = samples::activation_reply(&["srv[49724]", "10.0.0.5[49724]", "srv"]);
    let mut remote = vec![5, 0, 7, 0, 1, 0, 0, 0, 0, 0, 0, 0];
    remote.extend([9; 16]);
    remote.extend([0; 4]);
    remote.extend([0x18, 0xad, 9, 0xf3, 0x6a, 0xd8, 0xd0, 0x11, 0xa0, 0x75, 0, 0xc0, 0x4f, 0xb6, 0x88, 0x20]);
    let resolved = samples::resolve_reply(&["srv[49724]", "10.0.0.5[49724]"], true);
    let calls = [
        (dcom::OBJECT_EXPORTER, 4, samples::resolve_request(), &resolved, Mechanism::ResolveOxid, ""),
        (dcom::OBJECT_EXPORTER, 0, samples::resolve_request(), &resolved, Mechanism::ResolveOxid, ""),
        (dcom::ACTIVATION, 0, remote, &resolved, Mechanism::RemoteActivation, samples::CLASS),
        (dcom::SCM_ACTIVATOR, 3, samples::activation_request(), &activation, Mechanism::GetClassObject, samples::CLASS),
        (dcom::SCM_ACTIVATOR, 4, samples::activation_request(), &activation, Mechanism::CreateInstance, samples::CLASS),
    ];
    for (interface, operation, asked, answer, mechanism, subject) in calls {
        let mut said = bound(interface, 0);
        said.push((Side::A, samples::request(operation, 0, &asked, 2)));
        said.push((Side::B, samples::response(answer, 2)));
        // The same without its bind.
        for said in [&said[..], &said[2..]] {
            let heard = hear(said);
            let port = (mechanism, Answer::Port(49724), Tier::Structural, subject);
            assert_eq!(answers(&heard), [port, port]);
            let hosts: Vec<_> = heard.announcements.iter().map(|(_, said)| said.stated_host.as_str()).collect();
            assert_eq!(hosts, ["srv", "10.0.0.5"]);
            assert!(heard.announcements.iter().all(|(_, said)| said.process_id == Some(0x1a2c)));
        }
    }
    // ServerAlive2 names no port, and is not asked for one.
    let mut said = bound(dcom::OBJECT_EXPORTER, 0);
    said.push((Side::A, samples::request(5, 0, &[], 2)));
    said.push((Side::B, samples::response(&resolved, 2)));
    assert_eq!(answers(&hear(&said)), []);
}

#[test]
fn an_object_of_orpc_shows_the_process_that_serves() {
    let mut body = samples::Stub::new(LITTLE);
    body.u32(40).u16(0).u16(3).raw(&samples::IPID).u16(5).u16(7).u32(0).u32(0).raw(&[0; 20]);
    let mut said = bound(dcom::REM_UNKNOWN[1], 0);
    said.push((Side::A, samples::pdu(0, 0x83, 2, &body.bytes, &[], true)));
    said.push((Side::A, samples::pdu(0, 0x83, 3, &body.bytes, &[], true)));
    let heard = hear(&said);
    let shown: Vec<_> = details(&heard).into_iter().filter(|detail| detail.1 == DetailKind::ProcessId).collect();
    assert_eq!(shown, [(Side::A, DetailKind::ProcessId, "6700")]);
}

#[test]
fn a_banner_of_http_precedes_the_first_answer() {
    let mut said = mapping(3, &samples::map_reply(&[tower(49701)], 0, LITTLE));
    said.insert(0, (Side::B, b"ncacn_http/1.0".to_vec()));
    assert_eq!(answers(&hear(&said)).len(), 1);
    said[0].1 = b"ncacn_http/2.0".to_vec();
    let _ = hear(&said);
}

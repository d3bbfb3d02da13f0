//! Datagrams: answers with their request, without it, in fragments.

use super::datagram::Datagrams;
use super::ndr::Form;
use super::samples;
use crate::application::heard::Heard;
use crate::model::{Answer, Mechanism, Side, Tier};

fn hear(datagrams: &[(Side, Vec<u8>)]) -> Heard {
    let mut conversation = Datagrams::default();
    let mut heard = Heard::default();
    datagrams.iter().for_each(|(side, data)| conversation.datagram(*side, data, false, &mut heard));
    conversation.end(&mut heard);
    heard
}

fn answers(heard: &Heard) -> Vec<(Side, Mechanism, Answer, Tier, &str)> {
    let said = heard.announcements.iter().map(|(_, said)| said);
    said.map(|said| (said.listener, said.mechanism, said.answer, said.tier, said.subject.as_str())).collect()
}

const SVCCTL: &str = "367abb81-9844-35f1-ad32-98f038001003";

#[test]
fn an_answer_is_heard_with_its_request_and_without() {
    for little in [true, false] {
        let form = Form { little, wide: false };
        let towers = [samples::tower(samples::SVCCTL, 2, 49701, [0; 4])];
        let request = (Side::A, samples::datagram(0, 3, &samples::map_request(samples::SVCCTL, 2, form), little));
        let response = (Side::B, samples::datagram(2, 3, &samples::map_reply(&towers, 0, form), little));
        let expected = [(Side::B, Mechanism::EptMap, Answer::Port(49701), Tier::Structural, SVCCTL)];
        let both = hear(&[request.clone(), response.clone(), response.clone()]);
        assert_eq!(answers(&both), expected);
        assert_eq!(both.details[0].1.text, "e1af8308-5d1f-11c9-91a4-08002b14a0fa v3.0");
        assert_eq!(answers(&hear(&[response])), expected);
        let nobody = (Side::B, samples::datagram(2, 3, &samples::map_reply(&[], 0x16c9_a0d6, form), little));
        let expected = [(Side::B, Mechanism::EptMap, Answer::NotRegistered, Tier::Structural, SVCCTL)];
        assert_eq!(answers(&hear(&[request, nobody])), expected);
    }
}

#[test]
fn fragments_are_put_together_and_one_that_lacks_is_told() {
    let form = Form { little: true, wide: false };
    let towers: Vec<_> = (1..=9).map(|port| samples::tower(samples::SVCCTL, 2, port, [0; 4])).collect();
    let stub = samples::lookup_reply(&towers, "Plant", form);
    let parts: Vec<_> = stub.chunks(400).collect();
    let part = |index: usize| {
        let flags = if index + 1 == parts.len() { 6 } else { 4 };
        (Side::B, samples::datagram_fragment(2, 2, parts[index], true, flags, index as u16))
    };
    let all: Vec<_> = (0..parts.len()).map(part).collect();
    let heard = hear(&all);
    assert_eq!(heard.announcements.len(), 9);
    assert!(heard.announcements.iter().all(|(_, said)| said.tier == Tier::Structural));
    assert_eq!((heard.names.len(), heard.names[0].name.as_str()), (1, "Plant"));
    let mut without = all.clone();
    without.remove(1);
    let heard = hear(&without);
    assert!(!heard.announcements.is_empty() && heard.announcements.len() < 9);
    assert!(heard.announcements.iter().all(|(_, said)| said.tier == Tier::SignatureScan));
    assert_eq!(answers(&hear(&all[..1])), [(Side::B, Mechanism::EptLookup, Answer::Cut, Tier::Structural, "")]);
}

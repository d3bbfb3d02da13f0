//! The engine: looking, waiting, giving up; and one protocol after another.

use super::*;
use crate::model::{Protocol, Recognised, Side};

fn say(conversation: &mut Conversation, side: Side, bytes: &[u8]) -> (Attention, Heard) {
    let mut heard = Heard::default();
    let attention = conversation.bytes(side, bytes, Moment::default(), &mut heard);
    (attention, heard)
}

fn protocol(of: &Conversation) -> Option<Protocol> {
    of.recognised().map(|Recognised { protocol, .. }| protocol)
}

#[test]
fn an_identification_that_spans_segments_is_put_together() {
    let mut conversation = Conversation::new([50_000, 22], [true, true]);
    assert_eq!(say(&mut conversation, Side::B, b"SSH-2.0-Open").0, Attention::More);
    assert_eq!(protocol(&conversation), None);
    say(&mut conversation, Side::B, b"SSH_9.2\r\n");
    assert_eq!(protocol(&conversation), Some(Protocol::Ssh));
    let (attention, heard) = say(&mut conversation, Side::A, b"SSH-2.0-PuTTY\r\n");
    assert_eq!(attention, Attention::Done);
    let texts: Vec<&str> = heard.details.iter().map(|(_, detail)| detail.text.as_str()).collect();
    assert_eq!(texts, ["2.0", "PuTTY", "2.0", "OpenSSH_9.2"]);
}

#[test]
fn what_nobody_knows_is_given_up_when_both_sides_have_spoken() {
    let mut conversation = Conversation::new([50_000, 22], [true, true]);
    assert_eq!(say(&mut conversation, Side::A, b"\xee\xee\xee").0, Attention::More);
    assert_eq!(say(&mut conversation, Side::B, b"\xee\xee\xee").0, Attention::Done);
    assert_eq!(conversation.recognised(), None);
    assert_eq!(conversation.held_bytes(), 0);
}

#[test]
fn a_side_that_never_says_enough_is_not_kept_for_ever() {
    let mut conversation = Conversation::new([50_000, 22], [true, true]);
    let mut said = 0;
    while say(&mut conversation, Side::A, b"SSH-x").0 == Attention::More {
        said += 1;
        assert!(said < 20);
    }
    assert_eq!(conversation.held_bytes(), 0);
}

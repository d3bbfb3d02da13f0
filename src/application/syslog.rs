//! Syslog over UDP (RFC 5426): `<priority>` and the shape of RFC 5424 section 6 or RFC 3164 section 4.1.
//!
//! Read: which of both it is, and the application's name of RFC 5424. Not read: messages. Whose name the header states is not
//! sure, since messages are relayed.
//!
//! Layouts, constants and quoted examples are from memory, unverified against the text; checked on captures only.

use super::heard::{Heard, text};
use super::opening::{Look, Opening};
use crate::model::{Certainty, DetailKind, Protocol, Recognised, Side};

const PORT: u16 = 514;
/// Facility 23, severity 7.
const HIGHEST_PRIORITY: u16 = 191;
const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
/// What is looked at behind the priority where no timestamp stands, in bytes.
const SAMPLE: usize = 32;

/// The shape of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape<'a> {
    /// RFC 5424, and what follows its timestamp.
    Structured(&'a [u8]),
    /// RFC 3164, with its timestamp.
    Dated,
    /// A priority and some text.
    Bare,
}

/// What follows `<priority>`.
fn after_priority(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.strip_prefix(b"<")?;
    let digits = rest.iter().take(4).position(|byte| *byte == b'>')?;
    let (digits, rest) = (&rest[..digits], &rest[digits + 1..]);
    let is_number = (1..=3).contains(&digits.len())
        && digits.iter().all(u8::is_ascii_digit)
        && (digits.len() == 1 || digits[0] != b'0');
    let priority = digits.iter().fold(0, |number, digit| number * 10 + u16::from(digit.wrapping_sub(b'0')));
    (is_number && priority <= HIGHEST_PRIORITY).then_some(rest)
}

fn shape(bytes: &[u8]) -> Option<Shape<'_>> {
    let rest = after_priority(bytes)?;
    if let Some(rest) = rest.strip_prefix(b"1 ") {
        let (time, rest) = rest.split_at(rest.iter().position(|byte| *byte == b' ')?);
        if time == b"-" || fits(time, b"dddd-dd-ddTdd:dd:dd") {
            return Some(Shape::Structured(&rest[1..]));
        }
    }
    // Cisco marks a clock that is not set with a star or a point.
    let date = rest.strip_prefix(b"*").or(rest.strip_prefix(b".")).unwrap_or(rest);
    let month = date.first_chunk().is_some_and(|month| MONTHS.contains(&month));
    if month && date.get(3..).is_some_and(|rest| fits(rest, b" sd dd:dd:dd")) {
        return Some(Shape::Dated);
    }
    let sample = &rest[..rest.len().min(SAMPLE)];
    let printable =
        |byte: &u8| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t' | b'\r' | b'\n') || *byte >= 0x80;
    (!sample.is_empty() && sample.iter().all(printable)).then_some(Shape::Bare)
}

/// Whether bytes begin as a model: `d` is a digit, `s` a digit or a space, anything else itself.
fn fits(bytes: &[u8], model: &[u8]) -> bool {
    let one = |(byte, model): (&u8, &u8)| match model {
        b'd' => byte.is_ascii_digit(),
        b's' => byte.is_ascii_digit() || *byte == b' ',
        _ => byte == model,
    };
    bytes.len() >= model.len() && bytes.iter().zip(model).all(one)
}

pub(super) fn look(opening: &Opening<'_>) -> Look {
    let Some(sender) = opening.side_where(|_| true) else { return Look::No };
    let collector = sender.other();
    match shape(opening.bytes(sender)) {
        Some(Shape::Structured(_) | Shape::Dated) => Look::yes(Protocol::Syslog, Certainty::Certain, Some(collector)),
        Some(Shape::Bare) if opening.port(collector) == PORT => {
            Look::yes(Protocol::Syslog, Certainty::Likely, Some(collector))
        }
        _ => Look::No,
    }
}

pub(super) fn describe(opening: &Opening<'_>, _: Recognised, heard: &mut Heard) {
    for side in [Side::A, Side::B] {
        match shape(opening.bytes(side)) {
            Some(Shape::Structured(rest)) => {
                heard.detail(side, DetailKind::Version, "RFC 5424");
                // Host name, then application name; `-` is nothing.
                let name = rest.split(|byte| *byte == b' ').nth(1).filter(|name| *name != b"-");
                heard.detail(side, DetailKind::ClientSoftware, name.map(text).unwrap_or_default());
            }
            Some(Shape::Dated) => heard.detail(side, DetailKind::Version, "RFC 3164"),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Said;
    use super::*;
    use crate::model::Transport;

    fn opening(bytes: &[u8], port: u16) -> Opening<'_> {
        let a = Said { bytes, whole: true, over: true };
        Opening { transport: Transport::Udp, ports: [50_000, port], said: [a, Said::default()] }
    }

    /// The first examples of RFC 5424 section 6.5 and of RFC 3164 section 5.4.
    const STRUCTURED: &[u8] = b"<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - BOM'su root' failed";
    const DATED: &[u8] = b"<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8";

    #[test]
    fn both_shapes_are_certain_and_the_receiver_serves() {
        for bytes in [STRUCTURED, DATED, b"<189>*Mar  1 00:00:01.123: %SYS-5-CONFIG_I: x"] {
            let is = Look::yes(Protocol::Syslog, Certainty::Certain, Some(Side::B));
            assert_eq!(look(&opening(bytes, 5140)), is);
        }
        let mut heard = Heard::default();
        let opening = opening(STRUCTURED, 514);
        let Look::Yes(verdict) = look(&opening) else { panic!("not recognised") };
        describe(&opening, verdict.recognised, &mut heard);
        let told: Vec<_> = heard.details.iter().map(|(_, detail)| detail.text.as_str()).collect();
        assert_eq!(told, ["RFC 5424", "su"]);
    }

    #[test]
    fn a_bare_message_counts_at_the_usual_port_only() {
        assert_eq!(
            look(&opening(b"<14>link down", 514)),
            Look::yes(Protocol::Syslog, Certainty::Likely, Some(Side::B))
        );
        assert_eq!(look(&opening(b"<14>link down", 515)), Look::No);
    }

    #[test]
    fn priorities_out_of_range_are_none() {
        for bytes in
            [&b"<192>x"[..], b"<>x", b"<014>x", b"<1a>x", b"<14", b"<14>", b"<1234>x", b"<?xml >", b"<14>\0\x01"]
        {
            assert_eq!(look(&opening(bytes, 514)), Look::No, "{bytes:?}");
        }
    }

    #[test]
    fn nothing_panics() {
        for sample in [STRUCTURED, DATED] {
            for at in 0..sample.len() {
                let _ = look(&opening(&sample[..at], 514));
                for value in 0..=255 {
                    let mut bytes = sample.to_vec();
                    bytes[at] = value;
                    let opening = opening(&bytes, 514);
                    if let Look::Yes(verdict) = look(&opening) {
                        describe(&opening, verdict.recognised, &mut Heard::default());
                    }
                }
            }
        }
    }
}

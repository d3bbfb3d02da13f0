//! SMTP (RFC 5321): the server greets with `220`, the client says `EHLO` or `HELO`.
//!
//! Read: the greeting, the first command, and whether STARTTLS (RFC 3207) is offered or used. Not read: mail addresses,
//! authentication, messages. FTP greets in the same way: only a client's words, the word SMTP in the greeting, or the usual
//! ports tell them apart.

use super::ftp::reply_code;
use super::heard::{Heard, text};
use super::opening::{Look, Opening};
use super::text::{begins_any_case, contains_any_case, first_line, is_host_name};
use crate::model::{Certainty, DetailKind, NameSource, Protocol, Recognised, Side};

/// Commands with which clients begin; LMTP (RFC 2033) has its own.
const FIRST_COMMANDS: [&[u8]; 3] = [b"EHLO ", b"HELO ", b"MAIL FROM:"];
/// Commands at which a recording may begin.
const LATER_COMMANDS: [&[u8]; 2] = [b"MAIL FROM:<", b"RCPT TO:<"];
/// Ports at which mail servers listen.
const PORTS: [u16; 3] = [25, 465, 587];
/// The service is ready, or says that it will not serve.
const GREETINGS: [u16; 3] = [220, 421, 554];
const STARTTLS: &[u8] = b"STARTTLS";

pub(super) fn look(opening: &Opening<'_>) -> Look {
    let asks = |bytes: &[u8]| FIRST_COMMANDS.iter().any(|command| begins_any_case(bytes, command));
    let replies = |bytes: &[u8]| reply_code(bytes).is_some();
    match (opening.side_where(asks), opening.side_where(replies)) {
        (Some(client), Some(server)) if client != server => {
            let closed = has_answered(opening.bytes(client), opening.bytes(server)) || opening.is_over();
            smtp(Certainty::Certain, server, closed)
        }
        (Some(client), None) if opening.bytes(client.other()).is_empty() => {
            smtp(Certainty::Likely, client.other(), opening.is_over())
        }
        (None, Some(server)) => look_at_greeting(opening, server),
        _ => look_without_both(opening),
    }
}

/// A greeting, and nothing or nothing known of the client.
fn look_at_greeting(opening: &Opening<'_>, server: Side) -> Look {
    let bytes = opening.bytes(server);
    if !reply_code(bytes).is_some_and(|code| GREETINGS.contains(&code)) {
        return Look::No;
    }
    let silent = is_beginning_of_a_command(opening.bytes(server.other()));
    let line = first_line(bytes).unwrap_or(bytes);
    let says_so = contains_any_case(line, b"SMTP");
    match silent {
        true if says_so => smtp(Certainty::Likely, server, opening.is_over()),
        true if PORTS.contains(&opening.port(server)) => smtp(Certainty::Likely, server, opening.is_over()),
        true if !opening.is_over() => Look::Maybe,
        // It is hung up with QUIT, or spoken to in an unusual way.
        false if says_so => smtp(Certainty::Likely, server, true),
        _ => Look::No,
    }
}

fn look_without_both(opening: &Opening<'_>) -> Look {
    let later = |bytes: &[u8]| LATER_COMMANDS.iter().any(|command| begins_any_case(bytes, command));
    if let Some(client) = opening.side_where(later).filter(|client| !opening.from(*client).whole) {
        return smtp(Certainty::Likely, client.other(), true);
    }
    let begins = |side| {
        let bytes = opening.bytes(side);
        !bytes.is_empty() && (is_beginning_of_a_command(bytes) || is_beginning_of_a_greeting(bytes))
    };
    if begins(Side::A) || begins(Side::B) { Look::Maybe } else { Look::No }
}

/// Whether nothing, or the beginning of a client's first command is there.
fn is_beginning_of_a_command(bytes: &[u8]) -> bool {
    FIRST_COMMANDS.iter().any(|command| bytes.len() < command.len() && begins_any_case(command, bytes))
}

fn is_beginning_of_a_greeting(bytes: &[u8]) -> bool {
    GREETINGS.iter().any(|code| bytes.len() < 4 && code.to_string().as_bytes().starts_with(bytes))
}

fn smtp(certainty: Certainty, server: Side, closed: bool) -> Look {
    match closed {
        true => Look::yes(Protocol::Smtp, certainty, Some(server)),
        false => Look::yes_so_far(Protocol::Smtp, certainty, Some(server)),
    }
}

/// Whether the server answered the client's first command: only then STARTTLS is offered. The client goes on after it.
fn has_answered(client: &[u8], server: &[u8]) -> bool {
    let last = |line: &[u8]| reply_code(line).is_some() && line.get(3) == Some(&b' ');
    let replies =
        server.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n") && last(line)).count();
    let commands = client.iter().filter(|byte| **byte == b'\n').count();
    replies >= 2 && commands >= 2
}

pub(super) fn describe(opening: &Opening<'_>, recognised: Recognised, heard: &mut Heard) {
    let Some(server) = recognised.server else { return };
    let greeting = opening.bytes(server);
    if reply_code(greeting).is_some_and(|code| GREETINGS.contains(&code)) {
        let line = first_line(greeting).unwrap_or(greeting);
        let line = text(line.get(4..).unwrap_or_default());
        // Some greetings state a mail address.
        let words = || line.split_whitespace().filter(|word| !word.contains('@'));
        heard.detail(server, DetailKind::ServerSoftware, words().collect::<Vec<_>>().join(" "));
        if let Some(name) = words().next().filter(|name| is_host_name(name) && name.contains('.')) {
            heard.name(server, NameSource::Greeting, name);
        }
    }
    let lines = |side: Side| opening.bytes(side).split(|byte| *byte == b'\n');
    let offered =
        lines(server).any(|line| line.get(4..).is_some_and(|word| word.trim_ascii().eq_ignore_ascii_case(STARTTLS)));
    let used = lines(server.other()).any(|line| line.trim_ascii().eq_ignore_ascii_case(STARTTLS));
    for (side, says) in [(server, offered), (server.other(), used)] {
        if says {
            heard.detail(side, DetailKind::Command, "STARTTLS");
        }
    }
}

#[cfg(test)]
#[path = "smtp_tests.rs"]
mod tests;

//! FTP control connections (RFC 959, RFC 2428): who listens where for data.
//!
//! `227` names `h1,h2,h3,h4,p1,p2` (parentheses are customary and not required), `229` names `(|||port|)`; `PORT` and `EPRT`
//! of the client announce the client as listener. After `AUTH TLS` and its `234` nothing more can be read (RFC 4217).

use super::heard::{Heard, text};
use super::opening::{Look, Opening};
use crate::model::{Announced, Answer, Certainty, DetailKind, Mechanism, Protocol, Recognised, Side, Transport};

/// Commands with which clients begin.
const FIRST_COMMANDS: [&[u8]; 8] = [b"USER ", b"AUTH ", b"FEAT\r", b"SYST\r", b"OPTS ", b"HOST ", b"PBSZ ", b"ACCT "];
/// The port at which FTP servers listen.
const PORT: u16 = 21;
/// Longest line that is read.
const LONGEST_LINE: usize = 1024;
/// Announcements of one connection that are told.
const MOST_ANNOUNCEMENTS: u32 = 10_000;

/// A reply: three digits and a space, or a hyphen where more lines follow (RFC 959 section 4.2).
pub(super) fn reply_code(bytes: &[u8]) -> Option<u16> {
    let digits = bytes.first_chunk::<3>().filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
    let ends = matches!(bytes.get(3), Some(b' ' | b'-'));
    ends.then(|| digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0')))
}

pub(super) fn look(opening: &Opening<'_>) -> Look {
    let greets = |bytes: &[u8]| matches!(reply_code(bytes), Some(120 | 220));
    let asks = |bytes: &[u8]| FIRST_COMMANDS.iter().any(|command| starts_with_any_case(bytes, command));
    let (client, server) = (opening.side_where(asks), opening.side_where(greets));
    match (client, server) {
        (Some(client), Some(server)) if client != server => Look::yes(Protocol::Ftp, Certainty::Certain, Some(server)),
        (Some(client), None) if opening.port(client.other()) == PORT => {
            Look::yes_so_far(Protocol::Ftp, Certainty::Likely, Some(client.other()))
        }
        // Mail servers greet in the same way.
        (None, Some(server)) if opening.port(server) == PORT => {
            Look::yes_so_far(Protocol::Ftp, Certainty::Likely, Some(server))
        }
        (None, Some(server)) if opening.bytes(server.other()).is_empty() && !opening.is_over() => Look::Maybe,
        _ => Look::No,
    }
}

fn starts_with_any_case(bytes: &[u8], word: &[u8]) -> bool {
    bytes.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

pub(super) fn describe(opening: &Opening<'_>, recognised: Recognised, heard: &mut Heard) {
    let Some(server) = recognised.server else { return };
    let greeting = opening.bytes(server);
    if reply_code(greeting).is_some() {
        let line = greeting.split(|byte| *byte == b'\n').next().unwrap_or_default();
        heard.detail(server, DetailKind::ServerSoftware, text(&line[4..]).trim());
    }
}

pub(super) fn follow(recognised: Recognised) -> super::Follower {
    super::Follower::Ftp(Control { server: recognised.server, ..Control::default() })
}

/// A control connection that is followed.
#[derive(Debug, Default)]
pub struct Control {
    server: Option<Side>,
    lines: [Vec<u8>; 2],
    /// What comes next begins within a line.
    skips: [bool; 2],
    announced: u32,
    encrypted: bool,
}

impl Control {
    pub(super) fn bytes(&mut self, side: Side, data: &[u8], heard: &mut Heard) {
        for part in data.split_inclusive(|byte| *byte == b'\n') {
            let ends = part.ends_with(b"\n");
            let line = &mut self.lines[side as usize];
            if line.len() + part.len() > LONGEST_LINE {
                line.clear();
                self.skips[side as usize] = true;
            } else if !self.skips[side as usize] {
                line.extend_from_slice(part);
            }
            if ends {
                let line = std::mem::take(&mut self.lines[side as usize]);
                if !std::mem::take(&mut self.skips[side as usize]) {
                    self.line(side, line.trim_ascii(), heard);
                }
            }
        }
    }

    pub(super) fn gap(&mut self, side: Side) {
        self.lines[side as usize].clear();
        self.skips[side as usize] = true;
    }

    pub(super) fn is_done(&self) -> bool {
        self.encrypted || self.announced >= MOST_ANNOUNCEMENTS
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.lines.iter().map(Vec::capacity).sum()
    }

    fn line(&mut self, side: Side, line: &[u8], heard: &mut Heard) {
        let told = if Some(side) == self.server.map(Side::other) { command(line) } else { self.reply(line) };
        let Some((mechanism, stated_host, port)) = told.filter(|(_, _, port)| *port > 0) else { return };
        self.announced += 1;
        heard.announce(Announced { stated_host, ..Announced::by(side, mechanism, Transport::Tcp, Answer::Port(port)) });
    }

    fn reply(&mut self, line: &[u8]) -> Option<(Mechanism, String, u16)> {
        match reply_code(line)? {
            227 => comma_endpoint(&line[4..]).map(|(host, port)| (Mechanism::FtpPassive, host, port)),
            229 => bar_endpoint(&line[4..]).map(|(host, port)| (Mechanism::FtpPassive, host, port)),
            234 => {
                self.encrypted = true;
                None
            }
            _ => None,
        }
    }
}

fn command(line: &[u8]) -> Option<(Mechanism, String, u16)> {
    let (host, port) = if starts_with_any_case(line, b"PORT ") {
        comma_endpoint(&line[5..])
    } else if starts_with_any_case(line, b"EPRT ") {
        bar_endpoint(&line[5..])
    } else {
        None
    }?;
    Some((Mechanism::FtpActive, host, port))
}

/// `h1,h2,h3,h4,p1,p2`, the first six such numbers of the line.
fn comma_endpoint(line: &[u8]) -> Option<(String, u16)> {
    let text = std::str::from_utf8(line).ok()?;
    let run = |c: char| c.is_ascii_digit() || c == ',';
    text.split(|c| !run(c)).find_map(|part| {
        let numbers = part.split(',').map(str::parse).collect::<Result<Vec<u8>, _>>().ok()?;
        let [a, b, c, d, high, low] = numbers[..] else { return None };
        Some((format!("{a}.{b}.{c}.{d}"), u16::from_be_bytes([high, low])))
    })
}

/// `|family|address|port|` with any delimiter; family and address are empty in a 229 (RFC 2428 section 3).
fn bar_endpoint(line: &[u8]) -> Option<(String, u16)> {
    let text = std::str::from_utf8(line).ok()?;
    let inner = text.split_once('(').map_or(text, |(_, inner)| inner).trim_start();
    let delimiter = inner.chars().next().filter(char::is_ascii_punctuation)?;
    let mut fields = inner.split(delimiter).skip(2);
    let host = fields.next()?.to_owned();
    Some((host, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lines: &[(Side, &str)]) -> Vec<(Side, Mechanism, String, Option<u16>)> {
        let mut control = Control { server: Some(Side::B), ..Control::default() };
        let mut heard = Heard::default();
        for (side, line) in lines {
            // A line may come byte by byte.
            for byte in line.as_bytes() {
                control.bytes(*side, &[*byte], &mut heard);
            }
        }
        let said = heard.announcements.into_iter().map(|(_, said)| said);
        said.map(|said| (said.listener, said.mechanism, said.stated_host, said.answer.port())).collect()
    }

    #[test]
    fn passive_and_active_ports_are_told_with_their_listener() {
        let heard = told(&[
            (Side::B, "227 Entering Passive Mode (10,20,1,5,217,3).\r\n"),
            (Side::B, "227 =10,20,1,5,0,21\r\n"),
            (Side::B, "229 Entering Extended Passive Mode (|||55555|)\r\n"),
            (Side::A, "port 10,20,1,9,4,1\r\n"),
            (Side::A, "EPRT |2|fe80::1|50001|\r\n"),
        ]);
        let v4 = "10.20.1.5".to_owned();
        assert_eq!(heard[0], (Side::B, Mechanism::FtpPassive, v4.clone(), Some(55555)));
        assert_eq!(heard[1], (Side::B, Mechanism::FtpPassive, v4, Some(21)));
        assert_eq!(heard[2], (Side::B, Mechanism::FtpPassive, String::new(), Some(55555)));
        assert_eq!(heard[3], (Side::A, Mechanism::FtpActive, "10.20.1.9".into(), Some(1025)));
        assert_eq!(heard[4], (Side::A, Mechanism::FtpActive, "fe80::1".into(), Some(50001)));
    }

    #[test]
    fn what_only_looks_like_an_announcement_is_none() {
        let long = format!("227 {}(1,2,3,4,5,6)\r\n", "x".repeat(2000));
        let lines = ["PORT 1,2,3,4,5\r\n", "227 (1,2,3,4,5,256)\r\n", "229 (|||0|)\r\n", "229 (|||99999|)\r\n", &long];
        let lines: Vec<(Side, &str)> = lines.iter().map(|line| (Side::B, *line)).collect();
        assert_eq!(told(&lines), []);
    }
}

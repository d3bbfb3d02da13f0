//! SQL Server Resolution Protocol (MC-SQLR section 2.2): the SQL browser at UDP 1434, which tells the ports of instances.
//!
//! Read: requests `02`, `03`, `04 instance 00`, `0F 01 instance 00`; the answer `05 length text` with every instance that has a
//! TCP port, and the answer about the administrator connection, `05 06 00 01 port`. Not read: named pipes and what else an
//! instance offers.

use super::heard::{Heard, text};
use super::opening::{Look, Opening};
use super::reader::le16;
use crate::model::{Announced, Answer, Certainty, Mechanism, NameSource, Protocol, Recognised, Side, Tier, Transport};

/// The port of the SQL browser. Requests are too short to be known without it.
const PORT: u16 = 1434;
/// Longest name of an instance, in bytes (MC-SQLR section 2.2.3).
const LONGEST_INSTANCE: usize = 32;
/// Longest answer about all instances: an answer's length has two bytes, and the least instance needs 30.
const MOST_INSTANCES: usize = 2048;
/// Announcements of one conversation that are told.
const MOST_ANNOUNCEMENTS: usize = 10_000;
/// What the text of an answer says with a value behind it (MC-SQLR section 2.2.5).
const WORDS: [&str; 10] =
    ["servername", "instancename", "isclustered", "version", "np", "tcp", "via", "rpc", "spx", "adsp"];

pub(super) fn look(opening: &Opening<'_>) -> Look {
    let Some(side) = opening.side_where(|_| true) else { return Look::No };
    let bytes = opening.bytes(side);
    match bytes.first() {
        Some(2..=4 | 0x0F) if request(bytes) && opening.port(side.other()) == PORT => {
            Look::yes(Protocol::Ssrp, Certainty::Likely, Some(side.other()))
        }
        Some(5) if reply_text(bytes).is_some() => Look::yes(Protocol::Ssrp, Certainty::Certain, Some(side)),
        Some(5) if dac_port(bytes).is_some() && opening.port(side) == PORT => {
            Look::yes(Protocol::Ssrp, Certainty::Likely, Some(side))
        }
        _ => Look::No,
    }
}

fn request(bytes: &[u8]) -> bool {
    match bytes {
        [2 | 3] => true,
        [4, name @ ..] | [0x0F, 1, name @ ..] => instance(name).is_some(),
        _ => false,
    }
}

/// A name that an instance can have, its NUL cut off. A worm of 2003 overruns it with hundreds of bytes.
fn instance(name: &[u8]) -> Option<&[u8]> {
    let name = name.strip_suffix(&[0]).unwrap_or(name);
    let fits = |byte: &u8| *byte > b' ' && *byte != 0x7F && !b";\\,:/&'\"@".contains(byte);
    let begins = |byte: &u8| byte.is_ascii_alphabetic() || b"_#".contains(byte) || *byte >= 0x80;
    (name.len() <= LONGEST_INSTANCE && name.first().is_some_and(begins) && name.iter().all(fits)).then_some(name)
}

/// The text of an answer about instances.
fn reply_text(bytes: &[u8]) -> Option<&[u8]> {
    let text = bytes.get(3..).filter(|_| bytes[0] == 5)?;
    let word = text.split(|byte| *byte == b';').next()?;
    let known = WORDS.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()));
    // A recording may cut the datagram.
    (known && text.len() > word.len() && usize::from(le16(bytes, 1)?) >= text.len()).then_some(text)
}

/// The port of an answer about the administrator connection. Its length counts the whole answer.
fn dac_port(bytes: &[u8]) -> Option<u16> {
    let port = bytes.strip_prefix(&[5, 6, 0, 1]).filter(|rest| rest.len() == 2).and_then(|rest| le16(rest, 0))?;
    (port > 0).then_some(port)
}

pub(super) fn follow(recognised: Recognised) -> super::Follower {
    super::Follower::Ssrp(Browser { server: recognised.server, ..Browser::default() })
}

/// A conversation with an SQL browser.
#[derive(Debug, Default)]
pub struct Browser {
    server: Option<Side>,
    /// The instance whose administrator connection was asked for last.
    asked: String,
    /// Somebody asked: an answer to nobody can be sent by anybody.
    was_asked: bool,
    announced: usize,
}

#[derive(Debug, Default)]
struct Instance<'a> {
    server_name: &'a [u8],
    name: &'a [u8],
    version: &'a [u8],
    port: Option<u16>,
}

impl Browser {
    pub(super) fn datagram(&mut self, side: Side, data: &[u8], heard: &mut Heard) {
        if let [0x0F, 1, name @ ..] = data
            && let Some(name) = instance(name)
        {
            self.asked = text(name);
        }
        if Some(side) != self.server {
            self.was_asked = true;
            return;
        }
        if let Some(all) = reply_text(data) {
            let mut named: &[u8] = b"";
            for instance in instances(all) {
                // All instances of an answer are those of one host, nearly always.
                if std::mem::replace(&mut named, instance.server_name) != named {
                    heard.name(side, NameSource::SqlBrowser, text(instance.server_name));
                }
                self.announce(side, Mechanism::SqlBrowser, &instance, heard);
            }
        } else if let Some(port) = dac_port(data) {
            let asked = std::mem::take(&mut self.asked);
            let instance = Instance { name: asked.as_bytes(), port: Some(port), ..Instance::default() };
            self.announce(side, Mechanism::SqlBrowserDac, &instance, heard);
        }
    }

    fn announce(&mut self, side: Side, mechanism: Mechanism, instance: &Instance<'_>, heard: &mut Heard) {
        let Some(port) = instance.port.filter(|_| !self.is_done()) else { return };
        self.announced += 1;
        heard.announce(Announced {
            stated_host: text(instance.server_name),
            subject: text(instance.name),
            version: text(instance.version),
            tier: if self.was_asked { Tier::Structural } else { Tier::SignatureScan },
            ..Announced::by(side, mechanism, Transport::Tcp, Answer::Port(port))
        });
    }

    pub(super) fn is_done(&self) -> bool {
        self.announced >= MOST_ANNOUNCEMENTS
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.asked.capacity()
    }
}

/// The instances of an answer. Each is a list of words with their values, in any order, and an empty word ends it. A word that
/// is not known is passed over alone: what its value looks like is not known either.
fn instances(all: &[u8]) -> Vec<Instance<'_>> {
    let mut told = Vec::new();
    let mut instance = Instance::default();
    let mut parts = all.split(|byte| *byte == b';');
    while let Some(word) = parts.next() {
        let word = word.to_ascii_lowercase();
        if word.is_empty() {
            let done = std::mem::take(&mut instance);
            if !done.name.is_empty() && told.len() < MOST_INSTANCES {
                told.push(done);
            }
        } else if WORDS.iter().any(|known| known.as_bytes() == word) {
            let Some(value) = parts.next() else { break };
            match word.as_slice() {
                b"servername" => instance.server_name = value,
                b"instancename" => instance.name = value,
                b"version" => instance.version = value,
                b"tcp" => instance.port = std::str::from_utf8(value).ok().and_then(port),
                _ => {}
            }
        }
    }
    told
}

fn port(value: &str) -> Option<u16> {
    value.trim().parse().ok().filter(|port| *port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::Said;

    fn asked(bytes: &[u8], ports: [u16; 2]) -> Look {
        let said = [Said { bytes, whole: true, over: true }, Said::default()];
        look(&Opening { transport: Transport::Udp, ports, said })
    }

    fn told(datagrams: &[(Side, &[u8])]) -> Heard {
        let mut browser = Browser { server: Some(Side::B), ..Browser::default() };
        let mut heard = Heard::default();
        datagrams.iter().for_each(|(side, data)| browser.datagram(*side, data, &mut heard));
        heard
    }

    /// An answer as MC-SQLR section 2.2.5 describes it.
    fn answer(text: &str) -> Vec<u8> {
        let mut bytes = vec![5];
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes
    }

    #[test]
    fn requests_are_known_at_their_port_only() {
        for bytes in [&b"\x02"[..], b"\x03", b"\x04FTAC\0", b"\x04MSSQL$X", b"\x0F\x01FTAC\0"] {
            let expected = Look::yes(Protocol::Ssrp, Certainty::Likely, Some(Side::B));
            assert_eq!(asked(bytes, [50_000, 1434]), expected, "{bytes:?}");
            assert_eq!(asked(bytes, [1434, 50_000]), Look::No, "{bytes:?}");
        }
    }

    #[test]
    fn what_can_be_no_instance_is_no_request() {
        let slammer = [&[4][..], &[1; 96], &[0xDC, 0xC9, 0xB0, 0x42]].concat();
        let long = [&[4][..], &[b'a'; 33], &[0]].concat();
        for bytes in [&slammer[..], &long, b"\x04", b"\x04\0", b"\x02\0", b"\x041X\0", b"\x04a;b\0", b"\x0F\x02a\0"] {
            assert_eq!(asked(bytes, [50_000, 1434]), Look::No, "{bytes:?}");
        }
    }

    #[test]
    fn every_instance_with_a_tcp_port_is_told() {
        let bytes = answer(
            "ServerName;HIST1;InstanceName;FTAC;IsClustered;No;Version;16.0.1000.6;np;\\\\HIST1\\pipe\\sql\\query;tcp;51433;;\
             tcp;51500;VERSION;15.0.2000.5;instancename;X;servername;HIST1;novel;1;;\
             ServerName;HIST1;InstanceName;PIPES;IsClustered;No;Version;15.0.2000.5;np;\\\\HIST1\\pipe\\q;;",
        );
        assert_eq!(asked(&bytes, [50_000, 60_000]), Look::yes(Protocol::Ssrp, Certainty::Certain, Some(Side::A)));
        let heard = told(&[(Side::A, b"\x03"), (Side::B, &bytes)]);
        let seen: Vec<_> = heard
            .announcements
            .iter()
            .map(|(_, said)| (said.subject.as_str(), said.version.as_str(), said.answer.port(), said.listener))
            .collect();
        assert_eq!(seen, [("FTAC", "16.0.1000.6", Some(51433), Side::B), ("X", "15.0.2000.5", Some(51500), Side::B)]);
        assert!(heard.names.iter().all(|named| named.name == "HIST1" && named.source == NameSource::SqlBrowser));
        assert_eq!(heard.names.len(), 1);
    }

    #[test]
    fn the_administrator_connection_is_told_with_the_instance_that_was_asked_for() {
        let heard = told(&[(Side::A, b"\x0F\x01FTAC\0"), (Side::B, &[5, 6, 0, 1, 0x9A, 0x05])]);
        let (_, said) = &heard.announcements[0];
        assert_eq!((said.mechanism, said.subject.as_str()), (Mechanism::SqlBrowserDac, "FTAC"));
        assert_eq!(said.answer, Answer::Port(1434));
    }

    #[test]
    fn only_the_server_announces_and_only_ports_that_can_be() {
        let good = answer("ServerName;A;InstanceName;B;IsClustered;No;Version;1;tcp;5;;");
        assert!(told(&[(Side::A, &good)]).announcements.is_empty());
        for value in ["0", "65536", "-1", "", "x"] {
            let bytes = answer(&format!("ServerName;A;InstanceName;B;tcp;{value};;"));
            assert!(told(&[(Side::B, &bytes)]).announcements.is_empty(), "{value}");
        }
    }

    #[test]
    fn hostile_answers_do_no_harm() {
        let good = answer("ServerName;A;InstanceName;B;IsClustered;No;Version;1;tcp;5;;");
        for cut in 0..good.len() {
            let _ = asked(&good[..cut], [50_000, 1434]);
            told(&[(Side::B, &good[..cut])]);
            for bit in [1, 0x80] {
                let mut bytes = good.clone();
                bytes[cut] ^= bit;
                let _ = asked(&bytes, [1434, 1434]);
                told(&[(Side::B, &bytes)]);
            }
        }
    }
}

//! Evidence of direction: a table of named rules. Each gives points, in tenths of log10 odds, for one side being the server.
//!
//! A handshake settles it (RFC 9293 section 3.5). Without one count the circumstances of [`RULES`], strongest first. Their
//! weights come from captures whose handshakes were taken away (`docs/direction.md`, `tests/conformance_direction.rs`).

use super::host_tables::HostTables;
use super::survey::{Learned, Survey};
use crate::catalog::Catalog;
use crate::model::{Certainty, Endpoint, FlowRecord, Side, Transport, flags};

const SYN: i32 = 60;
const SYN_ACK: i32 = 60;
const UNSOLICITED: i32 = 10;
const SECOND_SYN: i32 = 15;

/// The dynamic range that both RFC 6335 and Windows mean.
const DYNAMIC: std::ops::RangeInclusive<u16> = 49152..=65535;
/// System ports (RFC 6335 section 6): only a privileged program listens there.
const SYSTEM: std::ops::RangeInclusive<u16> = 1..=1023;
/// The port from which an FTP server opens data connections (RFC 959 section 3.2): a system port that calls.
const FTP_DATA: u16 = 20;

/// Points for the side that is the server, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Evidence {
    pub(super) server: Side,
    pub(super) weight: i32,
    pub(super) text: Words,
}

/// What evidence says. Most of it is never read, and worded only when it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Words {
    /// Something is in a frame, where that is known.
    InFrame(&'static str, Option<u64>),
    /// Anything else.
    Other(String),
}

impl std::fmt::Display for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::InFrame(what, Some(frame)) => write!(f, "{what} in frame {frame}"),
            Self::InFrame(what, None) => f.write_str(what),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// Where evidence comes from.
#[derive(Clone, Copy)]
pub(super) struct Sources<'a> {
    pub(super) survey: &'a Survey,
    /// What other flows taught; nothing at a first look.
    pub(super) learned: Option<&'a Learned>,
    pub(super) catalog: &'a Catalog,
    pub(super) hosts: &'a HostTables<'a>,
}

/// One side of a flow, looked at as if it were the server.
struct Case<'a> {
    flow: &'a FlowRecord,
    side: Side,
    from: &'a Sources<'a>,
}

impl Case<'_> {
    fn transport(&self) -> Transport {
        self.flow.key.transport
    }

    fn own(&self) -> Endpoint {
        self.flow.key.endpoint(self.side)
    }

    fn peer(&self) -> Endpoint {
        self.flow.key.endpoint(self.side.other())
    }
}

/// One kind of evidence.
struct Rule {
    /// Where it holds for both sides it tells nothing.
    one_side_only: bool,
    /// The points, where it holds, and the words.
    points: fn(&Case<'_>) -> Option<(i32, Words)>,
}

const fn each(points: fn(&Case<'_>) -> Option<(i32, Words)>) -> Rule {
    Rule { one_side_only: false, points }
}

const fn one(points: fn(&Case<'_>) -> Option<(i32, Words)>) -> Rule {
    Rule { one_side_only: true, points }
}

/// What counts where no handshake was recorded.
const RULES: [Rule; 16] = [
    each(group_address),
    one(listens),
    each(icmp_error),
    each(role_bytes),
    one(announced),
    each(refused),
    each(accepted_or_served),
    each(fan_in),
    each(only_rst),
    one(documented_port),
    one(calls_in_a_row),
    each(port_number),
    one(mapper_was_asked),
    one(called_elsewhere),
    each(first_datagram),
    each(lower_port),
];

/// Everything that the circumstances of a flow say.
pub(super) fn circumstances(flow: &FlowRecord, from: &Sources<'_>) -> Vec<Evidence> {
    let mut all = Vec::new();
    for rule in &RULES {
        let [a, b] = [Side::A, Side::B].map(|side| {
            let points = (rule.points)(&Case { flow, side, from });
            points.map(|(weight, text)| Evidence { server: side, weight, text })
        });
        if !(rule.one_side_only && a.is_some() && b.is_some()) {
            all.extend(a.into_iter().chain(b));
        }
    }
    all
}

fn group_address(case: &Case<'_>) -> Option<(i32, Words)> {
    let ip = case.own().ip;
    case.from.survey.is_group(ip).then(|| (50, Words::Other(format!("{ip} is a group address"))))
}

/// A host table shows a listener there, at that time.
fn listens(case: &Case<'_>) -> Option<(i32, Words)> {
    let own = case.own();
    let row = case.from.hosts.listener(own.ip, case.transport(), own.port, case.flow.first_seen_ns)?;
    let who = row.process.as_deref().unwrap_or("a process");
    Some((50, Words::Other(format!("{}: {who} listens there", row.place()))))
}

/// Where this side was heard as well, the error may answer an answer: it tells nothing about who began.
fn icmp_error(case: &Case<'_>) -> Option<(i32, Words)> {
    let quoted = case.flow.icmp.quoted == Some(case.side.other()) && case.flow.from(case.side).packets == 0;
    quoted.then_some((50, Words::InFrame("ICMP error about what the other side sent", case.flow.icmp.first_frame)))
}

/// What is said shows who serves: requests and answers, server flags, greetings.
fn role_bytes(case: &Case<'_>) -> Option<(i32, Words)> {
    let is = case.flow.application.filter(|is| is.server == Some(case.side))?;
    let weight = match is.certainty {
        Certainty::Certain => 50,
        Certainty::Likely => 25,
        Certainty::Hint => 10,
    };
    Some((weight, Words::Other(format!("what is said is that of a {} server", is.protocol.name()))))
}

fn announced(case: &Case<'_>) -> Option<(i32, Words)> {
    let own = case.own();
    let to_peer = case.from.survey.is_announced(case.transport(), own, case.peer().ip)?;
    Some(match to_peer {
        true => (40, Words::Other(format!("a broker announced {own} to {}", case.peer().ip))),
        false => (20, Words::Other(format!("a broker announced {own} to others"))),
    })
}

/// A reset with sequence number 0 and ACK answers a segment without ACK, hence a SYN (RFC 9293 section 3.5.2).
fn refused(case: &Case<'_>) -> Option<(i32, Words)> {
    let sent = case.flow.from(case.side);
    let answers_syn = sent.next_seq == Some(0) && sent.tcp_flags & flags::ACK != 0;
    (only_resets(case) && answers_syn).then_some((40, Words::InFrame("RST that answers a SYN", sent.rst_frame)))
}

fn only_resets(case: &Case<'_>) -> bool {
    let sent = case.flow.from(case.side);
    sent.rst > 0 && sent.packets == u64::from(sent.rst)
}

fn accepted_or_served(case: &Case<'_>) -> Option<(i32, Words)> {
    let (transport, own) = (case.transport(), case.own());
    if case.from.survey.accepts(transport, own) {
        return Some((40, Words::Other(format!("{own} accepted other connections"))));
    }
    case.from.learned?.serves(transport, own).then(|| (25, Words::Other(format!("{own} served other flows"))))
}

/// A server's clients come from many ports. Two may be a client's port that was used again.
fn fan_in(case: &Case<'_>) -> Option<(i32, Words)> {
    let peers = case.from.survey.fan_in(case.transport(), case.own());
    let weight = i32::try_from(peers).unwrap_or(i32::MAX).saturating_add(1).saturating_mul(5).min(35);
    (peers >= 2).then(|| (weight, Words::Other(format!("{} talks with {peers} peer ports", case.own()))))
}

fn only_rst(case: &Case<'_>) -> Option<(i32, Words)> {
    let came_back = only_resets(case) && case.flow.from(case.side.other()).packets > 0;
    came_back.then(|| (5, Words::InFrame("nothing but RST came back", case.flow.from(case.side).rst_frame)))
}

fn documented_port(case: &Case<'_>) -> Option<(i32, Words)> {
    let own = case.own();
    case.from
        .catalog
        .is_stated(case.transport(), own)
        .then(|| (20, Words::Other(format!("port {} is documented", own.port))))
}

/// The other side's ports around this one were first used in their order: a host that opens one connection after another.
fn calls_in_a_row(case: &Case<'_>) -> Option<(i32, Words)> {
    let peer = case.peer();
    let row = case.from.survey.is_in_a_row(case.transport(), peer);
    row.then(|| (12, Words::Other(format!("{peer} is one of ports that were used in their order"))))
}

/// What the numbers say. With the lower port they stay below *probable*: a number alone is a guess.
fn port_number(case: &Case<'_>) -> Option<(i32, Words)> {
    let (own, peer) = (case.own().port, case.peer().port);
    let system = |port: u16| SYSTEM.contains(&port) && port != FTP_DATA;
    if system(own) && !system(peer) {
        return Some((12, Words::Other(format!("port {own} is a system port"))));
    }
    let below = !DYNAMIC.contains(&own) && DYNAMIC.contains(&peer);
    below.then(|| (10, Words::Other(format!("port {own} is below the dynamic range"))))
}

fn mapper_was_asked(case: &Case<'_>) -> Option<(i32, Words)> {
    let (own, peer) = (case.own(), case.peer());
    let asked = !SYSTEM.contains(&own.port) && case.from.learned?.asked_shortly_before(case.flow, peer.ip, own.ip);
    asked.then(|| (10, Words::Other(format!("{} asked the endpoint mapper of {} before", peer.ip, own.ip))))
}

fn called_elsewhere(case: &Case<'_>) -> Option<(i32, Words)> {
    let (own, peer) = (case.own().ip, case.peer().ip);
    case.from.learned?.calls(peer, own).then(|| (7, Words::Other(format!("{peer} calls {own} elsewhere"))))
}

fn first_datagram(case: &Case<'_>) -> Option<(i32, Words)> {
    let received = case.transport() == Transport::Udp && case.flow.first_sender != case.side;
    received.then_some((5, Words::InFrame("first datagram seen", None)))
}

fn lower_port(case: &Case<'_>) -> Option<(i32, Words)> {
    (case.own().port < case.peer().port).then_some((2, Words::InFrame("lower port", None)))
}

/// What the handshake says. Empty where none was recorded.
pub(super) fn handshake(flow: &FlowRecord) -> Vec<Evidence> {
    let mut all = Vec::new();
    if let Some(side) = flow.first_syn {
        let text = Words::InFrame("SYN", flow.from(side).syn_frame);
        all.push(Evidence { server: side.other(), weight: SYN, text });
        if flow.from(side.other()).syn > 0 {
            let text = Words::InFrame("SYN of the other side", flow.from(side.other()).syn_frame);
            all.push(Evidence { server: side, weight: SECOND_SYN, text });
        }
    }
    for side in [Side::A, Side::B] {
        // In a split handshake both sides may send SYN-ACK: the first SYN tells.
        if flow.from(side).syn_ack > 0 && flow.first_syn.is_none_or(|first| first != side) {
            let text = Words::InFrame("SYN-ACK", flow.from(side).syn_ack_frame);
            // Nobody asked for it, as far as is seen: whoever sends such segments may be probing.
            let other = flow.from(side.other());
            let unsolicited = flow.first_syn.is_none() && other.packets > 0 && other.packets == u64::from(other.rst);
            let weight = if unsolicited { UNSOLICITED } else { SYN_ACK };
            all.push(Evidence { server: side, weight, text });
        }
    }
    all
}

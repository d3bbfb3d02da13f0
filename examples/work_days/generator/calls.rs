//! One visit: a look-up and a burst of connections. One session: a connection that says something every hour.

use super::synthetic::bytes::rpc;
use super::synthetic::cast::Who;
use super::synthetic::dialogue::{Dialogue, Plan, Side};
use super::synthetic::services;
use super::synthetic::stage::{MS, S, Stage, Why};
use Side::{Client, Server};

/// Connections of one visit.
const BURST: usize = 5;
/// Silence between what a session says.
const BEAT_NS: i64 = 3_600 * S;

/// How a session ends.
#[derive(Clone, Copy)]
pub(super) enum End {
    /// It is open when the recording ends.
    Stays,
    /// The client closes it.
    Closed,
    /// The host that goes closes it at the last moment.
    ShutDown(Side),
    /// The host goes without a word, and answers RST when the other asks after its return.
    Forgotten(Side),
}

fn plan(stage: &Stage, (client, server): (Who, Who), listener: usize) -> Plan {
    let at = &stage.listeners[listener];
    Plan::new(client, server, at.port, Why::Announced, at.process)
}

fn bind(dialogue: &mut Dialogue<'_>, interface: &[u8; 16], port: u16) {
    dialogue.say(Client, &rpc::bind(interface, 1, 1)).say(Server, &rpc::bind_ack(port, 1, 1));
}

fn call(dialogue: &mut Dialogue<'_>, number: u32) {
    dialogue.say(Client, &rpc::request(3, &[number as u8; 24], number));
    dialogue.say(Server, &rpc::response(&[number as u8; 16], number));
}

/// The client looks the listener up and opens five connections, one after another.
pub(super) fn visit(stage: &mut Stage, at_ns: i64, client: Who, listener: usize) {
    let (server, interface, port) = listener_of(stage, listener);
    let mut next_ns = services::mapper(stage, at_ns, (client, server), &[(interface, port)]);
    for _ in 0..BURST {
        next_ns += stage.dice.between(3 * MS, 400 * MS);
        let plan = plan(stage, (client, server), listener);
        let mut dialogue = Dialogue::open(stage, next_ns, &plan);
        bind(&mut dialogue, &interface, port);
        call(&mut dialogue, 2);
        dialogue.finish(Client);
        next_ns = dialogue.now_ns();
    }
}

/// When a session does what.
#[derive(Clone, Copy)]
pub(super) struct Times {
    /// When it is heard first.
    pub(super) at_ns: i64,
    /// Whether it was there before: no handshake then.
    pub(super) was_there: bool,
    /// Until when it says something every hour.
    pub(super) quiet_ns: i64,
    /// When it ends.
    pub(super) end_ns: i64,
}

/// A session: opened now after a look-up, or there before the recording.
pub(super) fn session(stage: &mut Stage, times: Times, client: Who, listener: usize, end: End) {
    let (server, interface, port) = listener_of(stage, listener);
    let plan = plan(stage, (client, server), listener);
    let mut beat_ns = times.at_ns + stage.dice.between(60 * S, BEAT_NS);
    let mut dialogue = if times.was_there {
        Dialogue::resume(stage, times.at_ns, &plan)
    } else {
        let answered_ns = services::mapper(stage, times.at_ns, (client, server), &[(interface, port)]);
        let mut dialogue = Dialogue::open(stage, answered_ns + 20 * MS, &plan);
        bind(&mut dialogue, &interface, port);
        dialogue
    };
    let mut number = 2;
    call(&mut dialogue, number);
    // The last word comes well before the end, so that the end is the end.
    while beat_ns < times.quiet_ns - 20 * S {
        number += 1;
        dialogue.wait_until(beat_ns);
        call(&mut dialogue, number);
        beat_ns += BEAT_NS;
    }
    match end {
        End::Stays => {
            dialogue.pause(MS);
        }
        End::Closed => dialogue.wait_until(times.end_ns).finish(Client),
        End::ShutDown(side) => dialogue.wait_until(times.end_ns).finish(side),
        End::Forgotten(side) => dialogue.wait_until(times.end_ns).forgotten_by(side),
    }
}

fn listener_of(stage: &Stage, listener: usize) -> (Who, [u8; 16], u16) {
    let at = &stage.listeners[listener];
    (at.host, at.interface, at.port)
}

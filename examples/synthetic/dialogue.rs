//! One TCP connection, played from handshake to close (RFC 9293).

use super::cast::Who;
use super::stage::{Conversation, End, Ending, MS, Outcome, S, Stage, Transport, US, Why};
use super::wire::{self, Flag, Segment};

/// Largest payload of one segment: the MSS that both sides announce.
const MSS: usize = 1460;

/// One of the two sides.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The side that opens.
    Client = 0,
    /// The side that listens.
    Server = 1,
}

use Side::{Client, Server};

impl Side {
    fn other(self) -> Self {
        match self {
            Client => Server,
            Server => Client,
        }
    }
}

/// What a connection is for.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) client: Who,
    pub(crate) server: Who,
    pub(crate) port: u16,
    pub(crate) why: Why,
    pub(crate) service: &'static str,
    pub(crate) step: Option<(u8, u8)>,
}

impl Plan {
    pub(crate) fn new(client: Who, server: Who, port: u16, why: Why, service: &'static str) -> Self {
        Self { client, server, port, why, service, step: None }
    }

    /// The same, as a step of Table 4 in one of the runs.
    pub(crate) fn step(mut self, run: u8, step: u8) -> Self {
        self.step = Some((run, step));
        self
    }

    /// Takes a local port and enters the conversation into the list: its number and both ends, the client's first.
    pub(crate) fn enter(&self, stage: &mut Stage, transport: Transport, outcome: Outcome) -> (usize, [End; 2]) {
        let initiator = End { who: self.client, port: stage.ephemeral(self.client, transport) };
        let responder = End { who: self.server, port: self.port };
        let number = stage.enter(Conversation {
            transport,
            initiator,
            responder,
            outcome,
            ending: Ending::Never,
            why: self.why,
            tries: 1,
            service: self.service,
            step: self.step,
            first_frame: 0,
            first_ns: 0,
            last_ns: 0,
            packets: 0,
        });
        (number, [initiator, responder])
    }

    fn comment(&self) -> Option<String> {
        self.step.map(|(run, step)| format!("synthetic: Table 4 step {step}, run {run}"))
    }
}

/// A connection in progress.
pub(crate) struct Dialogue<'s> {
    stage: &'s mut Stage,
    number: usize,
    ends: [End; 2],
    /// Next sequence number of each side.
    next: [u32; 2],
    /// Whether a side has received data that it has not acknowledged.
    owes: [bool; 2],
    /// Segments received since the last acknowledgment.
    unacknowledged: [u8; 2],
    speaker: Side,
    now_ns: i64,
    round_trip_ns: i64,
}

impl<'s> Dialogue<'s> {
    /// Plays the handshake.
    pub(crate) fn open(stage: &'s mut Stage, start_ns: i64, plan: &Plan) -> Self {
        let mut dialogue = Self::resume(stage, start_ns, plan);
        dialogue.emit(Client, Flag::Syn, &[], plan.comment());
        dialogue.next[0] = dialogue.next[0].wrapping_add(1);
        dialogue.travel(Server);
        dialogue.emit(Server, Flag::Syn, &[], None);
        dialogue.next[1] = dialogue.next[1].wrapping_add(1);
        dialogue.travel(Client);
        dialogue.emit(Client, Flag::Plain, &[], None);
        dialogue
    }

    /// Joins a connection that was opened before the recording began: its handshake is not seen.
    pub(crate) fn resume(stage: &'s mut Stage, start_ns: i64, plan: &Plan) -> Self {
        let (number, ends) = plan.enter(stage, Transport::Tcp, Outcome::Established);
        let next = [stage.dice.word(), stage.dice.word()];
        let round_trip_ns = stage.dice.between(180 * US, 900 * US);
        Self {
            stage,
            number,
            ends,
            next,
            owes: [false; 2],
            unacknowledged: [0; 2],
            speaker: Client,
            now_ns: start_ns,
            round_trip_ns,
        }
    }

    /// When the connection is, in nanoseconds.
    pub(crate) fn now_ns(&self) -> i64 {
        self.now_ns
    }

    /// One side sends a message.
    pub(crate) fn say(&mut self, side: Side, message: &[u8]) -> &mut Self {
        self.send(side, message, None)
    }

    /// As [`Self::say`], but one segment has to be sent again after its retransmission timer.
    pub(crate) fn say_again(&mut self, side: Side, message: &[u8]) -> &mut Self {
        let last = message.len().div_ceil(MSS).saturating_sub(1);
        self.send(side, message, Some(last))
    }

    fn send(&mut self, side: Side, message: &[u8], repeated: Option<usize>) -> &mut Self {
        self.take_floor(side);
        let count = message.chunks(MSS).count();
        for (n, chunk) in message.chunks(MSS).enumerate() {
            let flag = if n + 1 == count { Flag::Push } else { Flag::Plain };
            self.emit(side, flag, chunk, None);
            if repeated == Some(n) {
                self.now_ns += self.stage.dice.between(300 * MS, 330 * MS);
                self.emit(side, flag, chunk, None);
            }
            self.next[side as usize] = self.next[side as usize].wrapping_add(chunk.len() as u32);
            self.received(side.other());
            self.now_ns += self.stage.dice.between(12 * US, 60 * US);
        }
        self
    }

    /// Nothing is said for a while; data that is not acknowledged by then is.
    pub(crate) fn pause(&mut self, pause_ns: i64) -> &mut Self {
        self.settle();
        self.now_ns += pause_ns + self.stage.dice.between(0, pause_ns / 16 + 1);
        self
    }

    /// The connection idles for `seconds`, with a keep-alive probe (RFC 9293 section 3.8.4) every 30 s.
    pub(crate) fn idle(&mut self, side: Side, seconds: i64) -> &mut Self {
        self.settle();
        let until = self.now_ns + seconds * S;
        while self.now_ns + 30 * S < until {
            self.now_ns += 30 * S + self.stage.dice.between(0, 3 * MS);
            self.probe(side);
            self.emit(side.other(), Flag::Plain, &[], None);
        }
        self.now_ns = until.max(self.now_ns);
        self
    }

    /// One side asks whether the other is still there.
    fn probe(&mut self, side: Side) {
        let next = self.next[side as usize];
        self.next[side as usize] = next.wrapping_sub(1);
        self.emit(side, Flag::Plain, &[0], None);
        self.next[side as usize] = next;
        self.now_ns += self.round_trip_ns / 2;
    }

    /// Nothing is said until then.
    pub(crate) fn wait_until(&mut self, until_ns: i64) -> &mut Self {
        self.settle();
        self.now_ns = self.now_ns.max(until_ns);
        self
    }

    /// `side` has restarted and knows nothing of the connection: it answers a probe with RST.
    pub(crate) fn forgotten_by(&mut self, side: Side) {
        self.stage.conversation(self.number).ending = Ending::Reset;
        self.probe(side.other());
        self.emit(side, Flag::Reset, &[], None);
    }

    /// Both sides close, `side` first.
    pub(crate) fn finish(&mut self, side: Side) {
        self.stage.conversation(self.number).ending = match side {
            Client => Ending::ByInitiator,
            Server => Ending::ByResponder,
        };
        self.take_floor(side);
        self.emit(side, Flag::Fin, &[], None);
        self.next[side as usize] = self.next[side as usize].wrapping_add(1);
        self.travel(side.other());
        if self.stage.dice.percent(60) {
            self.emit(side.other(), Flag::Plain, &[], None);
            self.now_ns += self.stage.dice.between(80 * US, 2 * MS);
        }
        self.emit(side.other(), Flag::Fin, &[], None);
        self.next[side.other() as usize] = self.next[side.other() as usize].wrapping_add(1);
        self.travel(side);
        self.emit(side, Flag::Plain, &[], None);
    }

    /// One side ends it with RST, as programs do that set a zero linger time.
    pub(crate) fn abort(&mut self, side: Side) {
        self.stage.conversation(self.number).ending = Ending::Reset;
        self.settle();
        self.now_ns += self.stage.dice.between(MS, 20 * MS);
        self.emit(side, Flag::Reset, &[], None);
    }

    /// The other side comes to speak: the message before has to arrive first, and thinking takes time.
    fn take_floor(&mut self, side: Side) {
        let gap_ns = if side == self.speaker {
            self.stage.dice.between(100 * US, 3 * MS)
        } else {
            self.round_trip_ns / 2 + self.stage.dice.between(200 * US, 6 * MS)
        };
        self.now_ns += gap_ns;
        self.speaker = side;
    }

    fn travel(&mut self, to: Side) {
        self.now_ns += self.round_trip_ns / 2 + self.stage.dice.between(5 * US, 40 * US);
        self.speaker = to;
    }

    /// A segment arrived at `side`: every second one is acknowledged at once (RFC 9293 section 3.8.6.3).
    fn received(&mut self, side: Side) {
        let place = side as usize;
        self.owes[place] = true;
        self.unacknowledged[place] += 1;
        if self.unacknowledged[place] >= 2 {
            self.now_ns += self.stage.dice.between(10 * US, 50 * US);
            self.emit(side, Flag::Plain, &[], None);
        }
    }

    /// The delayed acknowledgment, where one is owed.
    fn settle(&mut self) {
        for side in [Client, Server] {
            if self.owes[side as usize] {
                self.now_ns += self.stage.dice.between(38 * MS, 52 * MS);
                self.emit(side, Flag::Plain, &[], None);
            }
        }
    }

    fn emit(&mut self, side: Side, flag: Flag, payload: &[u8], comment: Option<String>) {
        let (from, to) = (self.ends[side as usize], self.ends[side.other() as usize]);
        let opening = flag == Flag::Syn && side == Client;
        let segment = Segment {
            source_port: from.port,
            destination_port: to.port,
            seq: self.next[side as usize],
            ack: (!opening).then_some(self.next[side.other() as usize]),
            flag,
            payload,
        };
        let id = self.stage.id(from.who);
        let frame = wire::tcp(from.who.host(), to.who.host(), id, &segment);
        self.stage.put(self.now_ns, Some(self.number), frame, comment);
        self.owes[side as usize] = false;
        self.unacknowledged[side as usize] = 0;
    }
}

/// How an attempt fails.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// Nobody listens: RST, and two more tries with the same port, as Windows does (KB175523).
    Closed,
    /// Something drops the SYN: it is sent again after 1, 3 and 7 s.
    Drop,
    /// The firewall answers with ICMP 3/13; one more try after 1 s.
    Filter,
}

/// Plays an attempt that does not get through.
pub(crate) fn attempt(stage: &mut Stage, start_ns: i64, plan: &Plan, obstacle: Obstacle) {
    let (outcome, offsets_ns): (Outcome, &[i64]) = match obstacle {
        Obstacle::Closed => (Outcome::Refused, &[0, 510 * MS, 1_020 * MS]),
        Obstacle::Drop => (Outcome::Unanswered, &[0, S, 3 * S, 7 * S]),
        Obstacle::Filter => (Outcome::Prohibited, &[0, S]),
    };
    let (number, [local, remote]) = plan.enter(stage, Transport::Tcp, outcome);
    stage.conversation(number).tries = offsets_ns.len() as u32;
    let (client, server) = (local.who.host(), remote.who.host());
    let seq = stage.dice.word();
    for offset_ns in offsets_ns {
        let syn = Segment {
            source_port: local.port,
            destination_port: remote.port,
            seq,
            ack: None,
            flag: Flag::Syn,
            payload: &[],
        };
        let at_ns = start_ns + offset_ns + stage.dice.between(0, 4 * MS);
        let id = stage.id(local.who);
        stage.put(at_ns, Some(number), wire::tcp(client, server, id, &syn), None);
        let answer_ns = at_ns + stage.dice.between(200 * US, 700 * US);
        match obstacle {
            Obstacle::Drop => {}
            Obstacle::Closed => {
                let reset = Segment {
                    source_port: remote.port,
                    destination_port: local.port,
                    seq: 0,
                    ack: Some(seq.wrapping_add(1)),
                    flag: Flag::Reset,
                    payload: &[],
                };
                let id = stage.id(remote.who);
                stage.put(answer_ns, Some(number), wire::tcp(server, client, id, &reset), None);
            }
            Obstacle::Filter => {
                let id = stage.id(Who::Firewall);
                let reason = etherparse::icmpv4::DestUnreachableHeader::FilterProhibited;
                let frame = wire::unreachable(Who::Firewall.host(), client, id, reason, stage.last_frame());
                stage.put(answer_ns, None, frame, None);
            }
        }
    }
}

//! Payload put in order: what is missing, what comes twice, and what is too much.

use super::streams::{Interest, Piece, StreamSettings, Streams};
use crate::application::Moment;
use crate::model::{Position, Protocol, Recognised, Side};

const CLIENT: Side = Side::A;
const SERVER: Side = Side::B;
const PORTS: [u16; 2] = [50_000, 21];
/// Sequence numbers of the first bytes; the server's wraps around within the greeting.
const FIRST: [Option<u32>; 2] = [Some(1000), Some(u32::MAX - 3)];

struct Wire {
    streams: Streams,
    interest: Interest,
    recognised: Option<Recognised>,
    frame: u64,
}

impl Wire {
    fn new(settings: StreamSettings) -> Self {
        Self { streams: Streams::new(settings), interest: Interest::new(true), recognised: None, frame: 0 }
    }

    fn moment(&self) -> Moment {
        Moment { position: Position { frame: self.frame, ..Position::default() }, time_ns: 0 }
    }

    /// A segment whose first byte stands `at` in its stream, of which `captured` bytes were recorded.
    fn cut(&mut self, side: Side, at: u32, text: &str, captured: usize) {
        if !self.interest.wants(side) {
            return;
        }
        self.frame += 1;
        let sequence = FIRST[side as usize].unwrap().wrapping_add(at);
        let payload = &text.as_bytes()[..captured];
        let piece = Piece { side, moment: self.moment(), payload, payload_bytes: text.len() as u32, sequence };
        let known = self.streams.segment(&mut self.interest, PORTS, FIRST, &piece);
        self.recognised = known.or(self.recognised);
    }

    fn say(&mut self, side: Side, at: u32, text: &str) {
        self.cut(side, at, text, text.len());
    }

    /// A control connection that has just begun.
    fn ftp() -> Self {
        let mut wire = Self::new(StreamSettings::default());
        wire.say(SERVER, 0, "220 ready\r\n");
        wire.say(CLIENT, 0, "USER anonymous\r\n");
        assert_eq!(wire.recognised.map(|is| (is.protocol, is.server)), Some((Protocol::Ftp, Some(SERVER))));
        wire
    }

    fn end(&mut self) {
        let moment = self.moment();
        self.streams.end(&mut self.interest, moment);
    }

    /// Announced ports, each with the frame that completed it.
    fn told(&self) -> Vec<(u64, Option<u16>)> {
        let heard = &self.streams.heard.announcements;
        heard.iter().map(|(moment, said)| (moment.position.frame, said.answer.port())).collect()
    }
}

/// Behind the greeting.
const NEXT: u32 = 11;
const REPLY: &str = "227 (10,0,0,1,200,1)\r\n";

#[test]
fn segments_out_of_order_are_heard_in_order() {
    let mut wire = Wire::ftp();
    let (one, two) = REPLY.split_at(9);
    wire.say(SERVER, NEXT + 9, two);
    assert_eq!(wire.told(), []);
    wire.say(SERVER, NEXT, one);
    // The frame is that of the bytes that completed it.
    assert_eq!(wire.told(), [(3, Some(51_201))]);
}

#[test]
fn what_comes_twice_or_overlaps_is_heard_once() {
    let mut wire = Wire::ftp();
    wire.say(SERVER, NEXT, REPLY);
    wire.say(SERVER, NEXT, REPLY);
    let overlapping = format!("{}227 (10,0,0,1,200,2)\r\n", &REPLY[5..]);
    wire.say(SERVER, NEXT + 5, &overlapping);
    assert_eq!(wire.told(), [(3, Some(51_201)), (5, Some(51_202))]);
}

#[test]
fn lost_bytes_end_a_line_and_the_next_one_is_heard_at_the_end() {
    let mut wire = Wire::ftp();
    // Frame 3 lacks its beginning for ever; frame 4 is whole.
    wire.say(SERVER, NEXT + 100, "00,1)\r\n");
    wire.say(SERVER, NEXT + 107, REPLY);
    assert_eq!(wire.told(), []);
    wire.end();
    assert_eq!(wire.told(), [(4, Some(51_201))]);
}

#[test]
fn a_gap_is_given_up_when_too_much_waits_behind_it() {
    let mut wire = Wire::ftp();
    for at in 0..70 {
        wire.say(SERVER, NEXT + 1000 + at * REPLY.len() as u32, REPLY);
    }
    // The first line behind a gap may lack its beginning: it is not believed.
    assert_eq!(wire.told().len(), 69);
}

#[test]
fn a_snap_length_loses_the_rest_of_each_segment_and_nothing_else() {
    let mut wire = Wire::ftp();
    wire.cut(SERVER, NEXT, REPLY, 12);
    let next = NEXT + REPLY.len() as u32;
    wire.say(SERVER, next, "226 done\r\n");
    wire.say(SERVER, next + 10, "227 (10,0,0,1,200,3)\r\n");
    assert_eq!(wire.told(), [(5, Some(51_203))]);
}

#[test]
fn a_sequence_number_from_elsewhere_changes_nothing() {
    let mut wire = Wire::ftp();
    wire.say(SERVER, NEXT + (1 << 30), REPLY);
    wire.say(SERVER, NEXT.wrapping_sub(1 << 30), REPLY);
    wire.say(SERVER, NEXT, REPLY);
    assert_eq!(wire.told(), [(5, Some(51_201))]);
}

#[test]
fn what_is_kept_is_bounded_and_what_gives_way_is_counted() {
    let mut streams = Streams::new(StreamSettings { enabled: true, max_streams: 2, pool_bytes: 1 << 20 });
    let begin = |streams: &mut Streams, interest: &mut Interest| {
        let (payload, sequence) = (b"220 ready\r\n".as_slice(), FIRST[1].unwrap());
        let piece = Piece { side: SERVER, moment: Moment::default(), payload, payload_bytes: 11, sequence };
        streams.segment(interest, PORTS, FIRST, &piece);
    };
    let mut interests = [Interest::new(true); 3];
    interests.iter_mut().for_each(|interest| begin(&mut streams, interest));
    assert_eq!(streams.given_up, 1);
    assert!(interests.iter().all(|interest| interest.wants(CLIENT)));
    // The one that gave way notices when it says more, and is not asked again for every packet.
    begin(&mut streams, &mut interests[0]);
    assert!(!interests[0].wants(CLIENT) && interests[1].wants(CLIENT) && interests[2].wants(CLIENT));
    for interest in &mut interests {
        streams.end(interest, Moment::default());
    }
    assert_eq!(streams.pool_bytes(), 0, "what is kept is given back");
    let mut again = Interest::new(true);
    begin(&mut streams, &mut again);
    assert_eq!(streams.given_up, 1);
}

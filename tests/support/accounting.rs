//! What must hold of every frame, whatever the input: used by the tests of hostile input and by the fuzz targets.

#![allow(dead_code, reason = "each user needs some of it")]

use portproof::capture::{CaptureError, Input, Observation, ObservationEnd, OpenOptions};
use portproof::decode::{DecodeSettings, Decoder};
use portproof::metering::{Meter, MeterSettings, MeterSummary};
use portproof::model::{
    Activity, Announcement, CaptureIndex, CaptureSummary, Content, Decoded, Fate, FlowDetail, FlowRecord, FlowSink,
    Frame, NameFact, Packet, SocketFact, Stop, Tally, Transport, believed_wire_bytes,
};
use std::cell::Cell;
use std::collections::HashMap;
use std::convert::Infallible;
use std::rc::Rc;

/// Decodes a frame, and checks what was said of it. `carriers` adds up the packets that carried what was found.
#[track_caller]
pub(crate) fn decoded<'a>(frame: &Frame<'a>, settings: DecodeSettings, carriers: &mut Sums) -> Decoded<'a> {
    let mut decoder = Decoder::new(settings);
    let decoded = decoder.decode(frame);
    for (packet, _) in decoder.carriers() {
        check_packet(frame, packet);
        assert_eq!(packet.segment.transport(), Transport::Udp);
        carriers.add(packet, frame);
    }
    assert!(decoder.carriers().is_empty() || !matches!(decoded.content, Content::Nothing), "{decoded:?}");
    assert!(!decoded.fate.name().is_empty());
    if let Some(stop) = &decoded.stop {
        check_stop(frame, stop);
    }
    let fits = match &decoded.content {
        Content::Packet(packet) => {
            check_packet(frame, packet);
            decoded.fate == if packet.segment.transport() == Transport::Tcp { Fate::Tcp } else { Fate::Udp }
        }
        Content::LaterFragment(..) => decoded.fate == Fate::OrphanFragment,
        Content::IcmpError(_) => decoded.fate == Fate::IcmpError,
        Content::Nothing => !decoded.fate.is_metered() && decoded.fate != Fate::IcmpError,
    };
    assert!(fits, "{decoded:?} of {frame:?}");
    let lost = matches!(decoded.fate, Fate::Stopped(_));
    assert!(!lost || decoded.stop.is_some_and(|stop| Fate::Stopped(stop.layer) == decoded.fate), "{decoded:?}");
    decoded
}

fn check_stop(frame: &Frame<'_>, stop: &Stop) {
    assert!(stop.needed > stop.available, "{stop:?}");
    assert!(stop.offset <= frame.data.len(), "{stop:?} of a frame of {} bytes", frame.data.len());
    assert!(!stop.snapped || frame.wire_bytes as usize > frame.data.len(), "nothing was cut off: {stop:?}");
    assert!(!stop.to_string().contains('\n'));
}

fn check_packet(frame: &Frame<'_>, packet: &Packet<'_>) {
    let (whole, part) = (frame.data.as_ptr_range(), packet.payload.as_ptr_range());
    let inside = packet.payload.is_empty() || (whole.start <= part.start && part.end <= whole.end);
    assert!(inside, "the payload is part of the frame");
    assert!(packet.payload.len() <= packet.payload_bytes as usize, "{packet:?}");
    assert!(packet.payload_bytes <= packet.ip_bytes, "{packet:?}");
}

/// Sums over flow records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) flows: u64,
    /// All packets, those that carry others included.
    pub(crate) packets: u64,
    pub(crate) carriers: u64,
    pub(crate) fragments: u64,
    pub(crate) ip_bytes: u64,
    pub(crate) wire_bytes: u64,
    pub(crate) payload_bytes: u64,
}

impl Sums {
    fn add(&mut self, packet: &Packet<'_>, frame: &Frame<'_>) {
        self.packets += 1;
        self.ip_bytes += u64::from(packet.ip_bytes);
        self.payload_bytes += u64::from(packet.payload_bytes);
        self.wire_bytes += u64::from(believed_wire_bytes(frame.data.len(), frame.wire_bytes));
    }
}

/// Checks each record, and adds them up.
struct Kept {
    sums: Sums,
    bursts: u64,
    /// Records handed out so far, for whoever watches from outside.
    flows: Rc<Cell<u64>>,
}

impl FlowSink for Kept {
    type Error = Infallible;

    fn flow(&mut self, record: &FlowRecord) -> Result<(), Infallible> {
        assert!(record.last_seen_ns >= record.first_seen_ns, "{record:?}");
        assert!(record.key.a <= record.key.b, "{record:?}");
        let (a, b) = (&record.from_a, &record.from_b);
        assert!(a.packets + b.packets > 0, "a flow without packets: {record:?}");
        assert!(u64::from(record.fragments) <= a.packets + b.packets, "{record:?}");
        for facts in [a, b] {
            assert!(facts.payload_packets <= facts.packets, "{record:?}");
            assert!(facts.payload_bytes <= facts.ip_bytes, "{record:?}");
            assert!(u64::from(facts.syn) + u64::from(facts.syn_ack) <= facts.packets, "{record:?}");
        }
        self.flows.set(self.flows.get() + 1);
        self.sums.flows += 1;
        self.sums.fragments += u64::from(record.fragments);
        self.sums.packets += a.packets + b.packets;
        self.sums.carriers += record.carrier_packets;
        assert!(record.carries.is_some() == (record.carrier_packets > 0), "{record:?}");
        assert!(u64::from(record.duplicates) + u64::from(record.snapped) <= 2 * (a.packets + b.packets), "{record:?}");
        self.sums.ip_bytes += a.ip_bytes + b.ip_bytes;
        self.sums.wire_bytes += a.wire_bytes + b.wire_bytes;
        self.sums.payload_bytes += a.payload_bytes + b.payload_bytes;
        Ok(())
    }

    fn activity(&mut self, burst: &Activity) -> Result<(), Infallible> {
        assert!(burst.end_ns >= burst.start_ns, "{burst:?}");
        assert!(burst.payload_bytes_a + burst.payload_bytes_b > 0, "{burst:?}");
        self.bursts += 1;
        Ok(())
    }

    fn socket(&mut self, _: &SocketFact<'_>) -> Result<(), Infallible> {
        Ok(())
    }

    fn announcement(&mut self, _: &Announcement) -> Result<(), Infallible> {
        Ok(())
    }

    fn detail(&mut self, _: &FlowDetail) -> Result<(), Infallible> {
        Ok(())
    }

    fn name(&mut self, _: &NameFact) -> Result<(), Infallible> {
        Ok(())
    }
}

/// A meter that is watched.
pub(crate) struct Watched {
    meter: Meter<Kept>,
    flows: Rc<Cell<u64>>,
    max_flows: usize,
    frames: u64,
    /// What must come out, from the frames that went in.
    expected: Sums,
    /// Frames that may be metered or not: later fragments.
    doubtful: u64,
    settings: MeterSettings,
}

impl Watched {
    pub(crate) fn new(settings: MeterSettings) -> Self {
        let flows = Rc::new(Cell::new(0));
        let kept = Kept { sums: Sums::default(), bursts: 0, flows: Rc::clone(&flows) };
        let meter = Meter::new(settings, kept);
        let (expected, max_flows) = (Sums::default(), settings.max_flows.max(1));
        Self { meter, flows, max_flows, frames: 0, expected, doubtful: 0, settings }
    }

    /// Decodes and meters a frame.
    #[track_caller]
    pub(crate) fn frame(&mut self, frame: &Frame<'_>) {
        let mut carriers = Sums::default();
        let content = decoded(frame, self.settings.decode, &mut carriers).content;
        self.expected.carriers += carriers.packets;
        self.expected.packets += carriers.packets;
        self.expected.ip_bytes += carriers.ip_bytes;
        self.expected.payload_bytes += carriers.payload_bytes;
        self.expected.wire_bytes += carriers.wire_bytes;
        match content {
            Content::Packet(packet) => self.expected.add(&packet, frame),
            Content::LaterFragment(..) => self.doubtful += 1,
            Content::IcmpError(_) | Content::Nothing => {}
        }
        self.frames += 1;
        match self.meter.frame(frame) {
            Ok(()) => {}
            Err(never) => match never {},
        }
    }

    /// Ends metering and checks the sums: every frame has one fate, and what was metered is in the records.
    #[track_caller]
    pub(crate) fn finish(self) -> (MeterSummary, Sums) {
        let before = self.flows.get();
        let (summary, kept) = match self.meter.finish() {
            Ok(done) => done,
            Err(never) => match never {},
        };
        let held = self.flows.get() - before;
        assert!(held <= self.max_flows as u64, "{held} flows were held, {} may be", self.max_flows);
        let sum = |count: fn(&Tally) -> u64| summary.tallies.iter().map(count).sum::<u64>();
        assert_eq!(sum(Tally::frames), self.frames, "fates sum to the frames");
        let metered = kept.sums.packets - kept.sums.carriers;
        // An ICMP error in a tunnel, or a fragment whose first one is missing, has a carrier and is not metered itself.
        assert_eq!(sum(Tally::metered), metered, "packets of the records, carriers apart, are those metered");
        assert_eq!(kept.sums.flows, summary.flows);
        assert!(summary.evicted <= summary.flows);
        if self.settings.leave_out_copies {
            assert!(kept.sums.packets <= self.expected.packets + self.doubtful);
            return (summary, kept.sums);
        }
        let attached = kept.sums.packets - self.expected.packets;
        assert!(attached <= self.doubtful, "{attached} fragments were attached, {} came", self.doubtful);
        assert_eq!(attached, kept.sums.fragments, "only fragments are metered besides packets");
        if attached == 0 {
            assert_eq!(kept.sums, Sums { flows: kept.sums.flows, ..self.expected });
        }
        (summary, kept.sums)
    }
}

/// What reading inputs to their end gave.
#[derive(Debug)]
pub(crate) struct Reading {
    /// Frames of each input, by its index.
    pub(crate) frames: HashMap<CaptureIndex, u64>,
    pub(crate) captures: Vec<(CaptureIndex, CaptureSummary)>,
    pub(crate) skipped: Vec<String>,
    pub(crate) summary: MeterSummary,
    pub(crate) sums: Sums,
}

impl Reading {
    /// Frames of all inputs.
    pub(crate) fn all_frames(&self) -> u64 {
        self.frames.values().sum()
    }
}

/// Reads inputs as `meter` does, and checks every frame and all sums.
///
/// # Errors
/// When none can be opened.
#[track_caller]
pub(crate) fn read(inputs: &[Input], settings: MeterSettings) -> Result<Reading, CaptureError> {
    let mut observation = Observation::open(inputs, OpenOptions::default())?;
    let mut watched = Watched::new(settings);
    // Number and offset of the frame before, by input.
    let mut latest: HashMap<CaptureIndex, (u64, u64)> = HashMap::new();
    while let Some(frame) = observation.next_frame() {
        let at = frame.position;
        assert!((at.capture.0 as usize) < inputs.len(), "{at:?}");
        let before = latest.insert(at.capture, (at.frame, at.offset));
        match before {
            Some((number, offset)) => assert!(at.frame == number + 1 && at.offset > offset, "{before:?}, then {at:?}"),
            None => assert_eq!(at.frame, 1, "{at:?}"),
        }
        watched.frame(&frame);
    }
    assert!(observation.next_frame().is_none(), "the end is the end");
    let ObservationEnd { captures, skipped, .. } = observation.finish();
    let (summary, sums) = watched.finish();
    for (index, capture) in &captures {
        let tally = summary.tallies.get(index.0 as usize).map_or(0, Tally::frames);
        assert_eq!(latest.get(index).map_or(0, |(number, _)| *number), tally, "{capture:?}");
        assert!(capture.first_ns <= capture.last_ns, "{capture:?}");
    }
    let frames = latest.into_iter().map(|(index, (number, _))| (index, number)).collect();
    Ok(Reading { frames, captures, skipped, summary, sums })
}

/// An input of bytes in memory.
pub(crate) fn bytes(name: &str, bytes: &[u8]) -> Input {
    Input::Bytes(name.to_owned(), bytes.into())
}

//! A connection that is followed: PDUs out of segments, calls out of fragments.
//!
//! Of most PDUs only the beginning is looked at and the rest passed over. Kept are binds, their answers, and the fragments of
//! calls that announce ports. What the recording lacks is passed over too where it ends within a PDU; where it does not, the
//! next PDU is looked for at the beginning of what comes next.

use super::calls::{Asked, Call, MOST_ANNOUNCEMENTS, Told};
use super::contexts::{Contexts, secondary_address};
use super::dcom::{REM_UNKNOWN, has_orpc_this, process};
use super::ndr::{Interface, number16};
use super::pdu::{HEADER, Header, STUB, could_begin, kind};
use super::recogniser::BANNER;
use crate::application::follower::Follower;
use crate::application::heard::{Heard, text};
use crate::model::{DetailKind, Recognised, Side};

/// Calls that wait for their answer and are kept; older ones are dropped.
const MOST_CALLS: usize = 64;
/// Stubs of answers that are kept, all calls together, in bytes.
const MOST_ANSWER_BYTES: usize = 256 * 1024;
/// Interfaces of one conversation that are told, and processes.
const MOST_INTERFACES: usize = 64;
const MOST_PROCESSES: usize = 16;
/// A request in a context that is not known is looked at up to this length.
const LONGEST_GUESS: usize = 8 * 1024;
/// Answers without a request that are looked at after requests may have been lost.
const MOST_UNSEEN: u32 = 16;
/// Bytes of a request that are looked at, object and the beginning of the stub included.
const REQUEST_HEAD: usize = STUB + 16 + 12;
/// A buffer that grew beyond this is given back.
const KEPT_CAPACITY: usize = 4096;

pub(in crate::application) fn follow(recognised: Recognised) -> Follower {
    Follower::DceRpc(Box::new(Stream::new(recognised.server.unwrap_or(Side::B))))
}

/// What to do with a PDU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Want {
    /// So many of its bytes are needed to tell.
    Head(usize),
    Whole,
    Pass,
}

/// One direction.
#[derive(Debug)]
struct Direction {
    /// The beginning of a PDU.
    held: Vec<u8>,
    /// Its header, once it is there.
    header: Option<Header>,
    want: Want,
    /// Bytes that are passed over.
    skip: usize,
    /// Where a PDU begins is not known: one is looked for where bytes begin.
    lost: bool,
}

impl Direction {
    fn new() -> Self {
        Self { held: Vec::new(), header: None, want: Want::Head(HEADER), skip: 0, lost: true }
    }

    fn forget(&mut self) {
        if self.held.capacity() > KEPT_CAPACITY {
            self.held = Vec::new();
        }
        self.held.clear();
        self.header = None;
        self.want = Want::Head(HEADER);
    }
}

/// A connection.
#[derive(Debug)]
pub struct Stream {
    server: Side,
    directions: [Direction; 2],
    contexts: Contexts,
    calls: Vec<Call>,
    /// Contexts may exist whose bind was not seen.
    bind_missed: bool,
    client_heard: bool,
    /// Answers without a request that are still looked at.
    unseen: u32,
    interfaces: Vec<Interface>,
    processes: Vec<u16>,
    announcements_left: u32,
}

impl Stream {
    fn new(server: Side) -> Self {
        Self {
            server,
            directions: [Direction::new(), Direction::new()],
            contexts: Contexts::default(),
            calls: Vec::new(),
            bind_missed: true,
            client_heard: false,
            unseen: MOST_UNSEEN,
            interfaces: Vec::new(),
            processes: Vec::new(),
            announcements_left: MOST_ANNOUNCEMENTS,
        }
    }

    /// Bytes of one side, in order.
    pub(in crate::application) fn bytes(&mut self, side: Side, mut data: &[u8], heard: &mut Heard) {
        let direction = &mut self.directions[side as usize];
        if direction.lost && direction.skip == 0 && direction.held.is_empty() {
            if !begins(data) {
                return;
            }
            direction.lost = false;
        }
        while !data.is_empty() && !self.directions[side as usize].lost {
            data = self.take(side, data, heard);
        }
    }

    /// Takes some bytes, and what they complete.
    fn take<'a>(&mut self, side: Side, data: &'a [u8], heard: &mut Heard) -> &'a [u8] {
        let direction = &mut self.directions[side as usize];
        if direction.skip > 0 {
            let (_, rest) = data.split_at(direction.skip.min(data.len()));
            direction.skip -= data.len() - rest.len();
            return rest;
        }
        let wanted = match (direction.want, direction.header) {
            (Want::Head(bytes), _) => bytes,
            (_, header) => header.map_or(HEADER, |header| header.length),
        };
        let (some, rest) = data.split_at(wanted.saturating_sub(direction.held.len()).min(data.len()));
        direction.held.extend_from_slice(some);
        if direction.header.is_none() && direction.held.starts_with(b"n") {
            self.banner(side);
            return rest;
        }
        if direction.held.len() >= wanted {
            self.advance(side, heard);
        }
        rest
    }

    /// A server of ncacn_http names itself before its first PDU.
    fn banner(&mut self, side: Side) {
        let direction = &mut self.directions[side as usize];
        direction.want = Want::Head(BANNER.len());
        let there = direction.held.len();
        if there >= BANNER.len() || !BANNER.starts_with(&direction.held) {
            direction.lost = direction.held != BANNER;
            direction.forget();
        }
    }

    /// What was asked for is there.
    fn advance(&mut self, side: Side, heard: &mut Heard) {
        let held = std::mem::take(&mut self.directions[side as usize].held);
        let header = self.directions[side as usize].header.or_else(|| Header::read(&held));
        let Some(header) = header.filter(|header| header.is_from_client() == (side != self.server)) else {
            self.directions[side as usize].lost = true;
            self.directions[side as usize].forget();
            self.lost_bytes(side, heard);
            return;
        };
        let whole = held.len() >= header.length;
        let mut want = self.directions[side as usize].want;
        if let Want::Head(_) = want {
            want = self.want(header, &held, heard);
        }
        let direction = &mut self.directions[side as usize];
        direction.header = Some(header);
        direction.want = want;
        direction.held = held;
        match want {
            Want::Head(_) => {}
            Want::Whole if !whole => {}
            Want::Pass => {
                direction.skip = header.length - direction.held.len();
                direction.forget();
            }
            Want::Whole => self.close(side, header, true, heard),
        }
    }

    /// Hands on a PDU that is there, or of which no more will be there.
    fn close(&mut self, side: Side, header: Header, whole: bool, heard: &mut Heard) {
        let mut held = std::mem::take(&mut self.directions[side as usize].held);
        self.pdu(header, &held, whole, heard);
        held.clear();
        self.directions[side as usize].held = held;
        self.directions[side as usize].forget();
    }

    /// What to do with a PDU of which the beginning is there.
    fn want(&mut self, header: Header, head: &[u8], heard: &mut Heard) -> Want {
        self.client_heard |= header.is_from_client();
        match header.kind {
            kind::BIND | kind::ALTER | kind::BIND_ACK | kind::ALTER_RESPONSE => Want::Whole,
            kind::BIND_NAK => {
                self.contexts.refuse(header.call);
                Want::Pass
            }
            kind::REQUEST => {
                let least = header.length.min(REQUEST_HEAD);
                if head.len() < least { Want::Head(least) } else { self.want_request(header, head, heard) }
            }
            kind::RESPONSE => self.want_response(header),
            kind::FAULT => {
                self.calls.retain(|call| call.id != header.call);
                Want::Pass
            }
            _ => Want::Pass,
        }
    }

    fn want_request(&mut self, header: Header, head: &[u8], heard: &mut Heard) -> Want {
        if !header.is_first() {
            let goes_on = self.calls.iter().any(|call| call.id == header.call && call.asking);
            return if goes_on { Want::Whole } else { Want::Pass };
        }
        let number = |at| number16(head, at, header.little).unwrap_or_default();
        let (id, operation) = (number(20), number(22));
        if self.contexts.waits() && self.contexts.find(id).is_none() {
            self.assume(heard);
        }
        let context = self.contexts.find(id);
        let asked = match context {
            Some(context) => Asked::of(context.interface.uuid, operation),
            None if self.bind_missed && header.length <= LONGEST_GUESS => Asked::guess(operation),
            None => None,
        };
        self.process(header, head, context.map(|context| context.interface), heard);
        self.calls.retain(|call| call.id != header.call);
        let Some(asked) = asked else { return Want::Pass };
        if self.calls.len() == MOST_CALLS {
            self.calls.remove(0);
        }
        self.calls.push(Call::new(header.call, asked, header.little, context));
        Want::Whole
    }

    fn want_response(&mut self, header: Header) -> Want {
        if self.calls.iter().any(|call| call.id == header.call) {
            return Want::Whole;
        }
        if !header.is_first() || (self.client_heard && self.unseen == 0) || self.calls.len() == MOST_CALLS {
            return Want::Pass;
        }
        self.unseen = self.unseen.saturating_sub(u32::from(self.client_heard));
        let mut call = Call::new(header.call, Asked::Unseen, header.little, None);
        call.asking = false;
        self.calls.push(call);
        Want::Whole
    }

    /// A PDU that was wanted; where it is not `whole`, its end is lost.
    fn pdu(&mut self, header: Header, pdu: &[u8], whole: bool, heard: &mut Heard) {
        match header.kind {
            kind::BIND | kind::ALTER => {
                if header.kind == kind::BIND {
                    (self.bind_missed, self.unseen) = (false, 0);
                }
                self.contexts.propose(header, pdu);
            }
            kind::BIND_ACK | kind::ALTER_RESPONSE => {
                heard.detail(self.server, DetailKind::SecondaryAddress, text(secondary_address(pdu, header.little)));
                let accepted = self.contexts.acknowledge(header, pdu);
                self.tell_interfaces(accepted, heard);
            }
            kind::REQUEST => self.request(header, pdu, whole),
            kind::RESPONSE => self.response(header, pdu, whole, heard),
            _ => {}
        }
    }

    fn request(&mut self, header: Header, pdu: &[u8], whole: bool) {
        let (stub, sealed) = header.stub(pdu);
        let Some(at) = self.calls.iter().position(|call| call.id == header.call) else { return };
        self.calls[at].request(stub, sealed);
        if (header.is_last() || !whole) && !self.calls[at].asked() {
            self.calls.remove(at);
        }
    }

    fn response(&mut self, header: Header, pdu: &[u8], whole: bool, heard: &mut Heard) {
        let (stub, sealed) = header.stub(pdu);
        let Some(at) = self.calls.iter().position(|call| call.id == header.call) else { return };
        self.calls[at].answer(stub, sealed, header.is_first());
        let too_much = self.calls.iter().map(Call::answer_bytes).sum::<usize>() > MOST_ANSWER_BYTES;
        if header.is_last() || !whole || too_much {
            let call = self.calls.remove(at);
            call.tell(!whole || (too_much && !header.is_last()), &mut self.told(heard));
        }
    }

    fn told<'a>(&'a mut self, heard: &'a mut Heard) -> Told<'a> {
        Told { heard, server: self.server, left: &mut self.announcements_left }
    }

    /// Proposals whose answers were not seen.
    fn assume(&mut self, heard: &mut Heard) {
        let assumed = self.contexts.assume();
        self.tell_interfaces(assumed, heard);
    }

    fn tell_interfaces(&mut self, interfaces: Vec<Interface>, heard: &mut Heard) {
        for interface in interfaces {
            if self.interfaces.len() < MOST_INTERFACES && !self.interfaces.contains(&interface) {
                self.interfaces.push(interface);
                let said = format!("{} v{}", interface.uuid, interface.version());
                heard.detail(self.server.other(), DetailKind::Interface, said);
            }
        }
    }

    /// The object of an ORPC request is an IPID: it shows the process that serves.
    fn process(&mut self, header: Header, head: &[u8], interface: Option<Interface>, heard: &mut Heard) {
        let stub = head.get(header.stub_at()..).unwrap_or_default();
        let is_orpc = interface.is_some_and(|interface| REM_UNKNOWN.contains(&interface.uuid));
        if !header.has_object() || !(is_orpc || has_orpc_this(stub, header.little)) {
            return;
        }
        let Some(process) = process(head, STUB, header.little) else { return };
        if self.processes.len() < MOST_PROCESSES && !self.processes.contains(&process) {
            self.processes.push(process);
            heard.detail(self.server.other(), DetailKind::ProcessId, process.to_string());
        }
    }

    /// Bytes of one side that the recording lacks.
    pub(in crate::application) fn gap(&mut self, side: Side, lost_bytes: u32, heard: &mut Heard) {
        let direction = &mut self.directions[side as usize];
        let lost = lost_bytes as usize;
        let left = match direction.header {
            Some(header) => header.length - direction.held.len().min(header.length),
            None => direction.skip,
        };
        if lost <= left && !direction.lost {
            self.damaged(side, heard);
            self.directions[side as usize].skip = left - lost;
            return;
        }
        self.damaged(side, heard);
        let direction = &mut self.directions[side as usize];
        direction.skip = 0;
        direction.lost = true;
        direction.forget();
        self.lost_bytes(side, heard);
    }

    /// The PDU that is being put together lacks its end.
    fn damaged(&mut self, side: Side, heard: &mut Heard) {
        let direction = &mut self.directions[side as usize];
        let Some(header) = direction.header else { return };
        if let Want::Head(_) = direction.want {
            let held = std::mem::take(&mut direction.held);
            let want = if held.len() < STUB { Want::Pass } else { self.want_cut(header, &held, heard) };
            self.directions[side as usize].held = held;
            self.directions[side as usize].want = want;
        }
        match self.directions[side as usize].want {
            Want::Whole => self.close(side, header, false, heard),
            _ => self.directions[side as usize].forget(),
        }
    }

    /// What to do with a PDU of which no more than its head will be there.
    fn want_cut(&mut self, header: Header, head: &[u8], heard: &mut Heard) -> Want {
        match header.kind {
            kind::REQUEST => self.want_request(header, head, heard),
            _ => Want::Pass,
        }
    }

    /// Whole PDUs may be lost.
    fn lost_bytes(&mut self, side: Side, heard: &mut Heard) {
        if side != self.server {
            self.bind_missed = true;
            self.unseen = MOST_UNSEEN;
            return;
        }
        let (begun, waiting): (Vec<Call>, Vec<Call>) = self.calls.drain(..).partition(|call| call.answering);
        self.calls = waiting;
        self.calls.iter_mut().for_each(|call| call.maybe_lost = true);
        for call in begun {
            call.tell(true, &mut self.told(heard));
        }
    }

    /// The connection ended, or its recording.
    pub(in crate::application) fn end(&mut self, heard: &mut Heard) {
        self.damaged(Side::A, heard);
        self.damaged(Side::B, heard);
        self.assume(heard);
        for call in std::mem::take(&mut self.calls) {
            if call.answering || call.maybe_lost {
                call.tell(true, &mut self.told(heard));
            }
        }
    }

    pub(in crate::application) fn is_done(&self) -> bool {
        self.announcements_left == 0
    }

    pub(in crate::application) fn held_bytes(&self) -> usize {
        let held = self.directions.iter().map(|direction| direction.held.capacity()).sum::<usize>();
        let calls = self.calls.iter().map(Call::held_bytes).sum::<usize>();
        held + calls + self.contexts.held_bytes() + self.interfaces.capacity() * size_of::<Interface>()
    }
}

/// Whether a PDU or the banner may begin here.
fn begins(data: &[u8]) -> bool {
    let banner = data.len().min(BANNER.len());
    let header = if data.len() < HEADER { could_begin(data) } else { Header::read(data).is_some() };
    header || data[..banner] == BANNER[..banner]
}

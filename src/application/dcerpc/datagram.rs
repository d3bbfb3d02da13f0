//! Calls to the endpoint mapper in datagrams (C706 section 12.5). A server may answer from another port, so request and answer
//! may be two conversations: an answer repeats interface and operation, and is read without its request.

use super::calls::{Asked, Call, MOST_ANNOUNCEMENTS, Told};
use super::mapper::EPM;
use super::ndr::{Interface, number16, number32};
use super::recogniser::{DATAGRAM_HEADER, DatagramHeader, REJECT};
use crate::application::follower::Follower;
use crate::application::heard::Heard;
use crate::application::reader::array;
use crate::model::{DetailKind, Recognised, Side};

/// Calls that wait for their answer and are kept; older ones are dropped.
const MOST_CALLS: usize = 16;
/// Stubs of answers that are kept, all calls together, in bytes.
const MOST_ANSWER_BYTES: usize = 256 * 1024;
/// Interfaces of one conversation that are told.
const MOST_INTERFACES: usize = 64;
/// PDU types.
const REQUEST: u8 = 0;
const RESPONSE: u8 = 2;
const FAULT: u8 = 3;

pub(in crate::application) fn follow(_: Recognised) -> Follower {
    Follower::DceRpcDatagrams(Datagrams::default())
}

/// Activity and sequence number of a call.
type Number = ([u8; 16], u32);

/// A conversation in datagrams.
#[derive(Debug, Default)]
pub struct Datagrams {
    calls: Vec<Waiting>,
    /// The call that was answered last: its answer may come again.
    answered: Option<Number>,
    interfaces: Vec<Interface>,
    announced: u32,
}

/// A call, and which fragment of its answer comes next.
#[derive(Debug)]
struct Waiting {
    number: Number,
    server: Side,
    next: u16,
    damaged: bool,
    call: Call,
}

/// A datagram whose header was read.
struct Packet<'a> {
    header: DatagramHeader,
    number: Number,
    interface: Interface,
    operation: u16,
    stub: &'a [u8],
    cut: bool,
}

impl<'a> Packet<'a> {
    fn read(data: &'a [u8], cut: bool) -> Option<Self> {
        let header = DatagramHeader::read(data)?;
        let little = header.little;
        let body = data.get(DATAGRAM_HEADER..)?;
        let stub = body.get(..header.length).unwrap_or(body);
        // The version stands apart from the interface's UUID, and in one number as in a bind.
        let version = number32(data, 60, little)?;
        let uuid = super::ndr::Uuid::read(data, 24, little)?;
        Some(Self {
            header,
            number: (array(data, 40)?, number32(data, 64, little)?),
            interface: Interface { uuid, major: version as u16, minor: (version >> 16) as u16 },
            operation: number16(data, 68, little)?,
            stub,
            cut: cut || stub.len() < header.length,
        })
    }

    fn asked(&self) -> Option<Asked> {
        (self.interface.uuid == EPM).then(|| Asked::of(EPM, self.operation))?
    }
}

impl Datagrams {
    /// A datagram, which may lack its end.
    pub(in crate::application) fn datagram(&mut self, side: Side, data: &[u8], cut: bool, heard: &mut Heard) {
        let Some(packet) = Packet::read(data, cut) else { return };
        match packet.header.kind {
            REQUEST => {
                self.interface(side, packet.interface, heard);
                self.request(side, &packet);
            }
            RESPONSE => self.response(side, &packet, heard),
            FAULT | REJECT => self.calls.retain(|waiting| waiting.number != packet.number),
            _ => {}
        }
    }

    fn interface(&mut self, side: Side, interface: Interface, heard: &mut Heard) {
        if self.interfaces.len() < MOST_INTERFACES && !self.interfaces.contains(&interface) {
            self.interfaces.push(interface);
            heard.detail(side, DetailKind::Interface, format!("{} v{}", interface.uuid, interface.version()));
        }
    }

    fn request(&mut self, side: Side, packet: &Packet<'_>) {
        let Some(asked) = packet.asked() else { return };
        // What is asked stands in the first fragment.
        if packet.header.fragment == 0 {
            let waiting = self.wait(packet, side.other(), asked);
            waiting.call.request(packet.stub, false);
            waiting.call.asked();
        }
    }

    fn wait(&mut self, packet: &Packet<'_>, server: Side, asked: Asked) -> &mut Waiting {
        self.calls.retain(|waiting| waiting.number != packet.number);
        if self.calls.len() == MOST_CALLS {
            self.calls.remove(0);
        }
        let mut call = Call::new(0, asked, packet.header.little, None);
        call.asking = false;
        self.calls.push(Waiting { number: packet.number, server, next: 0, damaged: false, call });
        let last = self.calls.len() - 1;
        &mut self.calls[last]
    }

    fn response(&mut self, side: Side, packet: &Packet<'_>, heard: &mut Heard) {
        let Some(asked) = packet.asked().filter(|_| self.answered != Some(packet.number)) else { return };
        let known = self.calls.iter().any(|waiting| waiting.number == packet.number && waiting.server == side);
        if !known {
            self.wait(packet, side, asked);
        }
        let Some(at) = self.calls.iter().position(|waiting| waiting.number == packet.number) else { return };
        let waiting = &mut self.calls[at];
        let fragment = if packet.header.is_fragment() { packet.header.fragment } else { waiting.next };
        if fragment < waiting.next {
            return;
        }
        waiting.damaged |= packet.cut || fragment > waiting.next;
        waiting.next = fragment.saturating_add(1);
        waiting.call.answer(packet.stub, false, fragment == 0);
        let last = !packet.header.is_fragment() || packet.header.is_last_fragment();
        let too_much = self.calls.iter().map(|waiting| waiting.call.answer_bytes()).sum::<usize>() > MOST_ANSWER_BYTES;
        if last || too_much {
            let waiting = self.calls.remove(at);
            self.answered = Some(waiting.number);
            self.tell(waiting, too_much && !last, heard);
        }
    }

    fn tell(&mut self, waiting: Waiting, damaged: bool, heard: &mut Heard) {
        let mut left = MOST_ANNOUNCEMENTS - self.announced;
        let mut told = Told { heard, server: waiting.server, left: &mut left };
        waiting.call.tell(waiting.damaged || damaged, &mut told);
        self.announced = MOST_ANNOUNCEMENTS - left;
    }

    /// The conversation ended.
    pub(in crate::application) fn end(&mut self, heard: &mut Heard) {
        for waiting in std::mem::take(&mut self.calls) {
            if waiting.call.answering {
                self.tell(waiting, true, heard);
            }
        }
    }

    pub(in crate::application) fn is_done(&self) -> bool {
        self.announced == MOST_ANNOUNCEMENTS
    }

    pub(in crate::application) fn held_bytes(&self) -> usize {
        let calls = self.calls.iter().map(|waiting| waiting.call.held_bytes()).sum::<usize>();
        calls + self.interfaces.capacity() * size_of::<Interface>()
    }
}

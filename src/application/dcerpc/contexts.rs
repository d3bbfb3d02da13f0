//! Presentation contexts: which number stands for which interface (C706 section 12.6.3, MS-RPCE section 2.2.2).

use super::ndr::{Interface, Uuid, number16};
use super::pdu::Header;
use crate::application::reader::slice;

/// Transfer syntax NDR64 (MS-RPCE section 2.2.5.1).
pub(super) const NDR64: Uuid = Uuid(0x7171_0533_beba_4937_8319_b5db_ef9c_cc36);
/// The first eight bytes of the syntax by which features are negotiated (MS-RPCE section 3.3.1.5.3).
const FEATURES: u64 = 0x6cb7_1c2c_9812_4540;
/// Contexts that are kept. Clients use a few; each bind can propose 255.
const MOST_CONTEXTS: usize = 512;
/// Proposals without an answer that are kept: clients wait for the answer.
const MOST_PROPOSALS: usize = 4;
/// A context's number, its count of transfer syntaxes, interface and version.
const CONTEXT: usize = 24;
/// A syntax and its version.
const SYNTAX: usize = 20;

/// A context as a client proposes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Proposed {
    id: u16,
    interface: Interface,
    /// It is proposed with NDR64 alone.
    wide: bool,
    /// It negotiates features and means no interface.
    features: bool,
}

/// A context that stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Context {
    id: u16,
    pub(super) interface: Interface,
    /// Its stubs are in NDR64, as far as is known.
    pub(super) wide: bool,
}

/// The contexts of a conversation.
#[derive(Debug, Default)]
pub(super) struct Contexts {
    known: Vec<Context>,
    proposals: Vec<(u32, Vec<Proposed>)>,
}

impl Contexts {
    /// A bind or alter_context, which may lack its end.
    pub(super) fn propose(&mut self, header: Header, pdu: &[u8]) {
        if self.proposals.len() == MOST_PROPOSALS {
            self.proposals.remove(0);
        }
        self.proposals.push((header.call, proposed(pdu, header.little)));
    }

    /// Its answer, which may lack its end; gives the interfaces that were accepted.
    pub(super) fn acknowledge(&mut self, header: Header, pdu: &[u8]) -> Vec<Interface> {
        let Some(at) = self.proposals.iter().position(|(call, _)| *call == header.call) else { return Vec::new() };
        let (_, proposed) = self.proposals.remove(at);
        let results = results(pdu, header.little);
        let mut accepted = Vec::new();
        for (index, one) in proposed.iter().enumerate().filter(|(_, one)| !one.features) {
            match results.get(index) {
                Some((0, syntax)) => {
                    accepted.push(one.interface);
                    self.keep(Context { id: one.id, interface: one.interface, wide: *syntax == NDR64 });
                }
                Some(_) => self.known.retain(|context| context.id != one.id),
                // The answer lacks its end.
                None => self.keep(Context { id: one.id, interface: one.interface, wide: one.wide }),
            }
        }
        accepted
    }

    /// The server refused a bind.
    pub(super) fn refuse(&mut self, call: u32) {
        self.proposals.retain(|(of, _)| *of != call);
    }

    /// The answers to proposals were not seen, and the conversation went on: takes them as accepted. Gives their interfaces.
    pub(super) fn assume(&mut self) -> Vec<Interface> {
        let all: Vec<Proposed> = std::mem::take(&mut self.proposals).into_iter().flat_map(|(_, all)| all).collect();
        for one in all.iter().filter(|one| !one.features) {
            self.keep(Context { id: one.id, interface: one.interface, wide: one.wide });
        }
        all.iter().filter(|one| !one.features).map(|one| one.interface).collect()
    }

    /// Whether a proposal waits for its answer.
    pub(super) fn waits(&self) -> bool {
        !self.proposals.is_empty()
    }

    pub(super) fn find(&self, id: u16) -> Option<Context> {
        self.known.iter().find(|context| context.id == id).copied()
    }

    pub(super) fn held_bytes(&self) -> usize {
        let proposals = self.proposals.iter().map(|(_, all)| all.capacity() * size_of::<Proposed>()).sum::<usize>();
        proposals + self.known.capacity() * size_of::<Context>()
    }

    fn keep(&mut self, context: Context) {
        if let Some(known) = self.known.iter_mut().find(|known| known.id == context.id) {
            *known = context;
        } else if self.known.len() < MOST_CONTEXTS {
            self.known.push(context);
        }
    }
}

/// The contexts of a bind, as far as they are there.
fn proposed(pdu: &[u8], little: bool) -> Vec<Proposed> {
    let mut all = Vec::new();
    let mut at = 28;
    for _ in 0..pdu.get(24).copied().unwrap_or_default() {
        let Some(head) = slice(pdu, at, CONTEXT) else { break };
        let (Some(id), Some(interface)) = (number16(head, 0, little), Interface::read(head, 4, little)) else { break };
        let count = usize::from(head[2]);
        let syntax = |index: usize| Uuid::read(pdu, at + CONTEXT + index * SYNTAX, little);
        let features = syntax(0).is_some_and(|syntax| (syntax.0 >> 64) as u64 == FEATURES);
        all.push(Proposed { id, interface, wide: count == 1 && syntax(0) == Some(NDR64), features });
        at += CONTEXT + count * SYNTAX;
    }
    all
}

/// The port that a server repeats in its bind_ack, without the NUL at its end.
pub(super) fn secondary_address(pdu: &[u8], little: bool) -> &[u8] {
    let length = usize::from(number16(pdu, 24, little).unwrap_or_default());
    let address = slice(pdu, 26, length).unwrap_or_default();
    address.strip_suffix(b"\0").unwrap_or(address)
}

/// Results, with the transfer syntax of those that are accepted (0), as far as they are there.
fn results(pdu: &[u8], little: bool) -> Vec<(u16, Uuid)> {
    let length = usize::from(number16(pdu, 24, little).unwrap_or_default());
    let at = (26 + length).next_multiple_of(4);
    let count = usize::from(pdu.get(at).copied().unwrap_or_default());
    let result = |index: usize| {
        let one = slice(pdu, at + 4 + index * 24, 24)?;
        Some((number16(one, 0, little)?, Uuid::read(one, 4, little)?))
    };
    (0..count).map_while(result).collect()
}

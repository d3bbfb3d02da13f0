//! What the tap hears: whose packets are in the recording, towards whom. Silence means something only where it would be heard.

use crate::model::{FlowRecord, Side, Transport};
use std::collections::HashSet;
use std::net::IpAddr;

/// Hosts and pairs of hosts by the directions of their traffic that were recorded.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    /// Hosts of which both directions of some flow were recorded.
    two_way: HashSet<IpAddr>,
    /// Hosts that answered in one of these: as far as is known, they did not open it.
    answered: HashSet<IpAddr>,
    /// Pairs of hosts between which both directions of some flow were recorded, in both orders.
    two_way_pairs: HashSet<(IpAddr, IpAddr)>,
    /// Pairs of hosts of which only the first was heard, although it went on talking to the second.
    one_way: HashSet<(IpAddr, IpAddr)>,
    /// The hosts that were heard in such pairs.
    one_way_heard: HashSet<IpAddr>,
    /// The hosts that were not.
    one_way_unheard: HashSet<IpAddr>,
}

impl Hearing {
    /// Takes note of one flow.
    pub(super) fn note(&mut self, flow: &FlowRecord) {
        for side in [Side::A, Side::B] {
            let (own, peer) = (flow.key.endpoint(side).ip, flow.key.endpoint(side.other()).ip);
            let (facts, peer_packets) = (flow.from(side), flow.from(side.other()).packets);
            if facts.packets > 0 && peer_packets > 0 {
                self.two_way.insert(own);
                self.two_way_pairs.insert((own, peer));
                if flow.first_syn != Some(side) {
                    self.answered.insert(own);
                }
            } else if flow.key.transport == Transport::Tcp && facts.spoke() {
                self.one_way.insert((own, peer));
                self.one_way_heard.insert(own);
                self.one_way_unheard.insert(peer);
            }
        }
    }

    /// Whether an answer to the initiator would be heard: the tap saw both directions between the two, or the responder
    /// answering others, or both directions of the initiator's other conversations. Routes may differ by pair of hosts: what
    /// was heard from one side only takes away what it contradicts.
    pub(super) fn answers(&self, initiator: IpAddr, responder: IpAddr) -> bool {
        let between = self.two_way_pairs.contains(&(initiator, responder));
        let answers_others = self.answered.contains(&responder) && !self.one_way_unheard.contains(&responder);
        let others_two_sided = self.two_way.contains(&initiator) && !self.one_way_heard.contains(&initiator);
        !self.one_way.contains(&(initiator, responder)) && (between || answers_others || others_two_sided)
    }
}

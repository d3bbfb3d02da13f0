//! What the tap hears: whose packets are in the recording, towards whom. Silence means something only where it would be heard.
//!
//! Each transport has its own account: a filter that lets name service through says nothing about TCP. That the answers between
//! two hosts go another way is known from TCP, and holds for both.

use crate::model::{Endpoint, FlowRecord, Side, Transport};
use foldhash::fast::RandomState;
use std::collections::HashSet;
use std::net::IpAddr;

/// Hosts and pairs of hosts by the directions of their traffic that were recorded.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    /// Hosts of which both directions of some TCP flow were recorded.
    two_way: HashSet<IpAddr, RandomState>,
    /// Hosts that answered in one of these: as far as is known, they did not open it.
    answered: HashSet<IpAddr, RandomState>,
    /// UDP endpoints that answered somebody.
    answered_datagrams: HashSet<Endpoint, RandomState>,
    /// Pairs of hosts between which both directions of some flow were recorded, in both orders.
    two_way_pairs: HashSet<(Transport, IpAddr, IpAddr), RandomState>,
    /// Pairs of hosts of which only the first was heard, although it went on talking to the second.
    one_way: HashSet<(IpAddr, IpAddr), RandomState>,
    /// The hosts that were heard in such pairs.
    one_way_heard: HashSet<IpAddr, RandomState>,
    /// The hosts that were not.
    one_way_unheard: HashSet<IpAddr, RandomState>,
}

/// Whether both directions were heard. A reset is no answer here: a filter that keeps SYNs and resets keeps no other.
fn is_two_way(flow: &FlowRecord) -> bool {
    let beyond = |side| flow.from(side).syn_ack > 0 || flow.from(side).spoke();
    let answered = flow.key.transport == Transport::Udp || beyond(Side::A) || beyond(Side::B);
    answered && flow.from_a.packets > 0 && flow.from_b.packets > 0
}

impl Hearing {
    /// Takes note of one flow.
    pub(super) fn note(&mut self, flow: &FlowRecord) {
        let (transport, two_way) = (flow.key.transport, is_two_way(flow));
        for side in [Side::A, Side::B] {
            let (own, peer) = (flow.key.endpoint(side), flow.key.endpoint(side.other()));
            if two_way {
                self.two_way_pairs.insert((transport, own.ip, peer.ip));
            }
            match transport {
                Transport::Tcp if two_way => {
                    self.two_way.insert(own.ip);
                    if flow.first_syn != Some(side) {
                        self.answered.insert(own.ip);
                    }
                }
                Transport::Tcp if flow.from(side).spoke() && flow.from(side.other()).packets == 0 => {
                    self.one_way.insert((own.ip, peer.ip));
                    self.one_way_heard.insert(own.ip);
                    self.one_way_unheard.insert(peer.ip);
                }
                Transport::Udp if two_way && flow.first_sender != side => {
                    self.answered_datagrams.insert(own);
                }
                _ => {}
            }
        }
    }

    /// Adds what was heard of other flows.
    pub(super) fn join(&mut self, other: Self) {
        self.two_way.extend(other.two_way);
        self.answered.extend(other.answered);
        self.answered_datagrams.extend(other.answered_datagrams);
        self.two_way_pairs.extend(other.two_way_pairs);
        self.one_way.extend(other.one_way);
        self.one_way_heard.extend(other.one_way_heard);
        self.one_way_unheard.extend(other.one_way_unheard);
    }

    /// Whether an answer to the initiator would be heard over this transport: the tap saw both directions between the two, or
    /// the responder answering others (over UDP, from this very port), or, over TCP, both directions of the initiator's other
    /// conversations. Routes may differ by pair of hosts: what was heard from one side only takes away what it contradicts.
    pub(super) fn answers(&self, transport: Transport, initiator: IpAddr, responder: Endpoint) -> bool {
        let between = self.two_way_pairs.contains(&(transport, initiator, responder.ip));
        let answers_others = match transport {
            Transport::Tcp => self.answered.contains(&responder.ip),
            Transport::Udp => self.answered_datagrams.contains(&responder),
        } && !self.one_way_unheard.contains(&responder.ip);
        let others_two_sided = transport == Transport::Tcp
            && self.two_way.contains(&initiator)
            && !self.one_way_heard.contains(&initiator);
        !self.one_way.contains(&(initiator, responder.ip)) && (between || answers_others || others_two_sided)
    }
}

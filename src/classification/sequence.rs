//! What explains a dynamic port by sequence: the broker asked just before, or the step of a documented data flow that
//! comes just before. Timing only, without the announcement itself: the weakest tier, never alone the ground of a rule.

use super::referral::{Kind, Referrals};
use super::roles::Roles;
use crate::catalog::{Catalog, Leg, Party, Scenario, Step, StepPortSpec};
use crate::model::{CaptureIndex, Endpoint, Protocol, Referral, Tie, Transport};
use foldhash::fast::RandomState;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;

const SECOND_NS: i64 = 1_000_000_000;
/// A client dials an announced port this long after the broker's answer at most, unless told otherwise.
pub(super) const BROKER_WITHIN_NS: i64 = 10 * SECOND_NS;
/// A documented step follows the one before it within this time.
const STEP_WITHIN_NS: i64 = 300 * SECOND_NS;
/// Earlier conversations that are looked at.
const LOOK_BACK: usize = 2_000;
/// Who sends clients on to a dynamic port.
struct Broker {
    transport: Transport,
    ports: RangeInclusive<u16>,
    /// For people: "asked the … there".
    name: &'static str,
    kind: Kind,
    /// What is spoken with it, and what its clients speak next, where payload can be read.
    speaks: Protocol,
    next: Protocol,
}

/// The brokers whose answers may be beyond reading: cut off, encrypted, or of a protocol that nobody published.
const BROKERS: [Broker; 3] = [
    // MS-RPCE section 2.1.1.1.
    Broker {
        transport: Transport::Tcp,
        ports: 135..=135,
        name: "RPC endpoint mapper",
        kind: Kind::Rpc,
        speaks: Protocol::DceRpc,
        next: Protocol::DceRpc,
    },
    // MC-SQLR section 1.9.
    Broker {
        transport: Transport::Udp,
        ports: 1434..=1434,
        name: "SQL browser",
        kind: Kind::Sql,
        speaks: Protocol::Ssrp,
        next: Protocol::Tds,
    },
    // lmgrd: one of these ports by default.
    Broker {
        transport: Transport::Tcp,
        ports: 27_000..=27_009,
        name: "licence manager",
        kind: Kind::Licence,
        speaks: Protocol::FlexNet,
        next: Protocol::FlexNet,
    },
];

/// A conversation, or one burst of a long one, as the sequence sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conversation {
    pub(super) transport: Transport,
    pub(super) initiator: IpAddr,
    pub(super) responder: Endpoint,
    pub(super) first_seen_ns: i64,
    pub(super) last_seen_ns: i64,
    pub(super) capture: CaptureIndex,
    pub(super) first_frame: u64,
    /// A whole flow with payload in one burst only: when that ended is not known.
    pub(super) single_burst: bool,
    /// What its payload says.
    pub(super) application: Option<Protocol>,
    /// It has no payload, or the recording does not hold it.
    pub(super) unread: bool,
}

/// Why a dynamic port is explained.
pub(super) struct Explained {
    pub(super) reason: String,
    pub(super) referral: Option<Referral>,
}

impl Broker {
    /// The place in [`BROKERS`] of the one that a conversation is with. What speaks another language at a broker's port is
    /// no broker.
    fn of(conversation: &Conversation) -> Option<usize> {
        let Conversation { transport, responder, application, .. } = conversation;
        let speaks = |b: &Self| application.is_none_or(|spoken| spoken == b.speaks);
        BROKERS.iter().position(|b| b.transport == *transport && b.ports.contains(&responder.port) && speaks(b))
    }
}

/// Which conversations may come before others and explain them.
pub(super) struct Precedes {
    /// Fixed ports of the scenarios' steps.
    step_ports: HashSet<(Transport, u16), RandomState>,
}

impl Precedes {
    pub(super) fn of(catalog: &Catalog) -> Self {
        let steps = catalog.scenarios().flat_map(|(_, scenario)| &scenario.steps);
        let ports = steps.flat_map(|step| &step.ports);
        Self { step_ports: ports.filter_map(|port| Some((port.transport, port.spec.fixed()?))).collect() }
    }

    pub(super) fn any(&self, conversation: &Conversation) -> bool {
        self.as_step(conversation) || Broker::of(conversation).is_some()
    }

    fn as_step(&self, conversation: &Conversation) -> bool {
        self.step_ports.contains(&(conversation.transport, conversation.responder.port))
    }
}

/// Conversations with fixed ports, by who talked to whom.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    /// All of them, in order of first packets.
    conversations: Vec<Conversation>,
    /// Places of the calls of a broker (by its place in [`BROKERS`]) by client and server, in order.
    broker_calls: HashMap<(usize, IpAddr, IpAddr), Vec<u32>, RandomState>,
    /// Places of the conversations at a scenario's fixed ports by either host, in order.
    steps_of: HashMap<IpAddr, Vec<u32>, RandomState>,
    /// Names of the captures.
    names: Vec<Arc<str>>,
    timing: Timing,
}

/// When timing may explain a call.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Timing {
    /// How long before it its broker may have been asked.
    pub(super) broker_within_ns: i64,
    /// Payload was looked into: what is not recognised then is something else.
    pub(super) payload_read: bool,
}

impl Sequence {
    /// Orders conversations that may precede a dynamic one: both sides spoke, and the direction is known.
    pub(super) fn of(
        mut conversations: Vec<Conversation>,
        catalog: &Catalog,
        names: &[Arc<str>],
        timing: Timing,
    ) -> Self {
        conversations.sort_by_key(|c| (c.first_seen_ns, c.capture, c.first_frame));
        let precedes = Precedes::of(catalog);
        let mut sequence = Self { names: names.to_vec(), timing, ..Self::default() };
        for (place, conversation) in (0..).zip(&conversations) {
            let Conversation { initiator, responder, .. } = *conversation;
            if let Some(broker) = Broker::of(conversation) {
                sequence.broker_calls.entry((broker, initiator, responder.ip)).or_default().push(place);
            }
            if precedes.as_step(conversation) {
                sequence.steps_of.entry(initiator).or_default().push(place);
                sequence.steps_of.entry(responder.ip).or_default().push(place);
            }
        }
        Self { conversations, ..sequence }
    }

    fn frame(&self, of: &Conversation) -> String {
        match self.names.get(of.capture.0 as usize) {
            Some(name) if self.names.len() > 1 => format!("frame {} of {name}", of.first_frame),
            _ => format!("frame {}", of.first_frame),
        }
    }

    /// Why a conversation with a dynamic port is explained, if it is.
    pub(super) fn explanation(
        &self,
        of: &Conversation,
        referrals: &Referrals,
        catalog: &Catalog,
        roles: &Roles,
    ) -> Option<Explained> {
        let step = || Some(Explained { reason: self.step(of, catalog, roles)?, referral: None });
        self.broker(of, referrals).or_else(step)
    }

    /// A broker was asked, and its answer cannot be read. Where it can, and names other ports, it explains nothing.
    fn broker(&self, of: &Conversation, referrals: &Referrals) -> Option<Explained> {
        let Conversation { initiator: client, responder, first_seen_ns, application, unread, .. } = *of;
        if of.transport != Transport::Tcp {
            return None;
        }
        let asked = |(at, broker): (usize, &'static Broker)| {
            let calls = self.broker_calls.get(&(at, client, responder.ip))?;
            let fits = match application {
                Some(protocol) => protocol == broker.next,
                // What was looked into and is nobody's known protocol may be that of a broker which nobody published.
                None => unread || !self.timing.payload_read || broker.next == Protocol::FlexNet,
            };
            let within_ns = self.timing.broker_within_ns;
            // A connection may stay open long after its one question.
            let asked_until_ns = |c: &Conversation| if c.single_burst { c.first_seen_ns } else { c.last_seen_ns };
            let before = self.latest(calls, first_seen_ns, |c| asked_until_ns(c).saturating_add(within_ns))?;
            let read = referrals.were_read(broker.kind, client, responder.ip, first_seen_ns, within_ns);
            (fits && !read).then_some((broker, before))
        };
        let (broker, before) = BROKERS.iter().enumerate().find_map(asked)?;
        let reason = format!(
            "{client} asked the {} there {} s before or less ({}); timing only, no answer could be read",
            broker.name,
            self.timing.broker_within_ns / SECOND_NS,
            self.frame(before)
        );
        let referral = Referral {
            tie: Tie::TimingOnly,
            mechanism: None,
            subject: String::new(),
            capture: self.names.get(before.capture.0 as usize).cloned().unwrap_or_else(|| "".into()),
            frame: before.first_frame,
            announcement: None,
        };
        Some(Explained { reason, referral: Some(referral) })
    }

    fn step(&self, of: &Conversation, catalog: &Catalog, roles: &Roles) -> Option<String> {
        let took_part = self.steps_of.get(&of.initiator)?;
        for (document, scenario) in catalog.scenarios() {
            for (position, step) in scenario.steps.iter().enumerate() {
                if !is_dynamic_step(step, of, roles) {
                    continue;
                }
                let Some(previous) = previous_step(scenario, position) else { continue };
                let until_ns = |c: &Conversation| match is_step(previous, c, roles) {
                    true => c.last_seen_ns.saturating_add(STEP_WITHIN_NS),
                    false => i64::MIN,
                };
                if let Some(before) = self.latest(took_part, of.first_seen_ns, until_ns) {
                    return Some(format!(
                        "{}: {} step {}, after its step {} in {}",
                        document.id,
                        scenario.citation,
                        step.number,
                        previous.number,
                        self.frame(before)
                    ));
                }
            }
        }
        None
    }

    /// The conversation that began last before a time and explains what comes until it, and a while after. Looks back over a bounded
    /// number, so that a recording with millions of them stays linear.
    fn latest(&self, places: &[u32], time_ns: i64, until_ns: impl Fn(&Conversation) -> i64) -> Option<&Conversation> {
        let at = |place: &u32| &self.conversations[*place as usize];
        let begun = places.partition_point(|place| at(place).first_seen_ns <= time_ns);
        places[..begun].iter().rev().take(LOOK_BACK).map(at).find(|c| until_ns(c) >= time_ns)
    }
}

fn has_any(roles: &[String], wanted: &[String]) -> bool {
    wanted.iter().any(|role| roles.contains(role))
}

fn is_dynamic_step(step: &Step, of: &Conversation, roles: &Roles) -> bool {
    // Where the document leaves open whether a step answers or opens, a connection that was opened settles it.
    !step.local
        && step.leg != Leg::Replies
        && has_any(roles.of(of.initiator), &step.from)
        && has_any(roles.of(of.responder.ip), &step.to)
        && step
            .ports
            .iter()
            .any(|p| p.spec == StepPortSpec::Dynamic && p.party == Party::To && p.transport == of.transport)
}

/// The step before that is seen on the wire with a port of its own.
fn previous_step(scenario: &Scenario, position: usize) -> Option<&Step> {
    let fixed =
        |step: &&Step| !step.local && step.leg == Leg::Opens && step.ports.iter().any(|p| p.spec.fixed().is_some());
    scenario.steps[..position].iter().rev().find(fixed)
}

fn is_step(step: &Step, conversation: &Conversation, roles: &Roles) -> bool {
    has_any(roles.of(conversation.initiator), &step.from)
        && has_any(roles.of(conversation.responder.ip), &step.to)
        && step
            .ports
            .iter()
            .any(|p| p.transport == conversation.transport && p.spec.fixed() == Some(conversation.responder.port))
}

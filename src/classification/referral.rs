//! Who announced this port? Ties a flow to the announcement that sent its client there.
//!
//! The same client told within a minute is the closest tie, told earlier the next: clients keep bindings. What another
//! client was told shows the listener all the same, and so does what was announced later; an enumeration (`ept_lookup`) shows
//! that somebody listens, and promises nothing. A listener stays known to the end of the recording.
//!
//! Where a broker was asked and its answer cannot be read (cut off, lost, encrypted, or of a protocol that nobody
//! published), only the sequence is left: see [`super::sequence`].

use super::subject::{Subject, Subjects, interface};
use super::survey::AnnouncedTo;
use crate::catalog::Catalog;
use crate::model::{
    Announcement, Answer, CaptureIndex, Certainty, DetailKind, Endpoint, FlowRecord, Mechanism, Protocol, Referral,
    Status, Tie, Tier, Transport,
};
use crate::store::Facts;
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

const MINUTE_NS: i64 = 60_000_000_000;
/// Clocks of two recorders may differ by this much.
pub(super) const CLOCKS_NS: i64 = 200_000_000;
/// Announcements to one client that are looked at for the interface that its call then asks for.
const LOOK_BACK: usize = 64;

/// What was announced, by where it points.
#[derive(Debug, Default)]
pub(super) struct Referrals {
    /// Promises by endpoint and client, then by endpoint alone, and enumerations by endpoint: positions in the facts, in
    /// the order of time.
    to_client: HashMap<(Transport, Endpoint, IpAddr), Vec<usize>, RandomState>,
    to_anybody: HashMap<(Transport, Endpoint), Vec<usize>, RandomState>,
    enumerated: HashMap<(Transport, Endpoint), Vec<usize>, RandomState>,
    /// When a broker told a client a port that can be read, and when something that cannot.
    read_ns: HashMap<(Kind, IpAddr, IpAddr), Vec<i64>, RandomState>,
    unread_ns: HashMap<(Kind, IpAddr, IpAddr), Vec<i64>, RandomState>,
    /// Interfaces that the calls themselves ask for, by flow.
    interfaces: HashMap<(CaptureIndex, u64), Vec<String>, RandomState>,
}

/// Kinds of brokers: what one of them answered says nothing about another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// The endpoint mapper, and DCOM behind the same port.
    Rpc,
    /// The SQL browser.
    Sql,
    /// A licence manager.
    Licence,
    /// FTP, portmapper, EtherNet/IP: timing is not asked for these.
    Other,
}

impl Kind {
    fn of(mechanism: Mechanism) -> Self {
        match mechanism {
            Mechanism::EptMap
            | Mechanism::EptLookup
            | Mechanism::ResolveOxid
            | Mechanism::RemoteActivation
            | Mechanism::GetClassObject
            | Mechanism::CreateInstance => Self::Rpc,
            Mechanism::SqlBrowser | Mechanism::SqlBrowserDac => Self::Sql,
            Mechanism::FlexNetRedirect => Self::Licence,
            Mechanism::FtpPassive | Mechanism::FtpActive | Mechanism::Portmapper | Mechanism::ForwardOpen => {
                Self::Other
            }
        }
    }

    /// Whether a call that says what it is can be one to what was announced.
    fn allows(self, spoken: Protocol) -> bool {
        match self {
            Self::Rpc => matches!(spoken, Protocol::DceRpc | Protocol::DceRpcDatagram),
            Self::Sql => matches!(spoken, Protocol::Tds | Protocol::Tls),
            Self::Licence => matches!(spoken, Protocol::FlexNet | Protocol::Tls),
            Self::Other => true,
        }
    }
}

/// FTP's data port is for the next transfer, and for nothing after it.
fn is_fleeting(mechanism: Mechanism) -> bool {
    matches!(mechanism, Mechanism::FtpPassive | Mechanism::FtpActive)
}

/// A call that an announcement may explain.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) flow: &'a FlowRecord,
    pub(super) client: IpAddr,
    pub(super) responder: Endpoint,
    /// The time around it in which the responder did not restart: what was announced outside of it is not there.
    pub(super) epoch: (i64, i64),
}

/// The announcements of a list that were made in an epoch.
fn within<'a>(list: Option<&'a Vec<usize>>, (from_ns, to_ns): (i64, i64), facts: &Facts) -> &'a [usize] {
    let list = list.map(Vec::as_slice).unwrap_or_default();
    let upto = |ns: i64| list.partition_point(|at| facts.announcements[*at].time_ns < ns);
    &list[upto(from_ns)..upto(to_ns)]
}

/// An announcement that explains a call.
pub(super) struct Tied {
    pub(super) referral: Referral,
    pub(super) subject: Subject,
    pub(super) reason: String,
    pub(super) tier: Tier,
}

impl Tied {
    /// How the documents take it: a service that one of them states, or an explained port. An enumeration explains nothing:
    /// `None`. What was read by a signature, or is to be found at a host where the documents do not have it, is no
    /// documented service.
    pub(super) fn status(&self, is_at_home: bool) -> Option<Status> {
        match (self.referral.tie, &self.subject.service) {
            (Tie::Enumerated, _) => None,
            (Tie::Announced | Tie::AnnouncedEarlier, Some(_)) if is_at_home && self.tier == Tier::Structural => {
                Some(Status::DocumentedByReferral)
            }
            _ => Some(Status::DynamicExplained),
        }
    }
}

impl Referrals {
    /// Gathers the announcements of a store.
    pub(super) fn of(facts: &Facts) -> Self {
        let mut referrals = Self::default();
        for (at, said) in facts.announcements.iter().enumerate() {
            referrals.note(at, said);
        }
        for detail in facts.details.iter().filter(|detail| detail.detail.kind == DetailKind::Interface) {
            let of = referrals.interfaces.entry((detail.flow_capture, detail.flow_first_frame)).or_default();
            if of.len() < LOOK_BACK {
                of.push(detail.detail.text.clone());
            }
        }
        referrals
    }

    fn note(&mut self, at: usize, said: &Announcement) {
        let asked = (Kind::of(said.said.mechanism), said.told.ip, said.announcer.ip);
        let port = match said.said.answer {
            Answer::Cut | Answer::Encrypted => return self.unread_ns.entry(asked).or_default().push(said.time_ns),
            Answer::NotRegistered => return self.read_ns.entry(asked).or_default().push(said.time_ns),
            Answer::Port(port) => port,
        };
        let endpoint = (said.said.transport, Endpoint { ip: said.host, port });
        if said.said.mechanism == Mechanism::EptLookup {
            self.enumerated.entry(endpoint).or_default().push(at);
            return;
        }
        self.to_client.entry((endpoint.0, endpoint.1, said.caller)).or_default().push(at);
        self.to_anybody.entry(endpoint).or_default().push(at);
        self.read_ns.entry(asked).or_default().push(said.time_ns);
    }

    /// Endpoints that brokers sent clients to, with these clients: somebody listens there.
    pub(super) fn listeners(&self) -> AnnouncedTo {
        let mut listeners = AnnouncedTo::default();
        for (transport, endpoint, caller) in self.to_client.keys() {
            listeners.entry((*transport, *endpoint)).or_default().insert(*caller);
        }
        listeners
    }

    /// Whether the answers of a broker to a client within a time before can be read, all of them.
    pub(super) fn were_read(&self, kind: Kind, client: IpAddr, broker: IpAddr, time_ns: i64, within_ns: i64) -> bool {
        let any = |times: &HashMap<(Kind, IpAddr, IpAddr), Vec<i64>, RandomState>| {
            let Some(times) = times.get(&(kind, client, broker)) else { return false };
            let upto = times.partition_point(|at| *at <= time_ns);
            times[..upto].last().is_some_and(|at| at.saturating_add(within_ns) >= time_ns)
        };
        any(&self.read_ns) && !any(&self.unread_ns)
    }

    /// The announcement that best explains a call.
    pub(super) fn tied(
        &self,
        call: &Call<'_>,
        facts: &Facts,
        (catalog, subjects): (&Catalog, &Subjects),
        captures: &[Arc<str>],
    ) -> Option<Tied> {
        let Call { flow, client, responder, epoch } = *call;
        let transport = flow.key.transport;
        let begins_ns = flow.first_seen_ns.saturating_add(CLOCKS_NS);
        let before = |list: &[usize]| list.partition_point(|at| facts.announcements[*at].time_ns <= begins_ns);
        let (own, any) =
            (self.to_client.get(&(transport, responder, client)), self.to_anybody.get(&(transport, responder)));
        let listed = self.enumerated.get(&(transport, responder));
        let [own, any, listed] = [own, any, listed].map(|list| within(list, epoch, facts));
        let latest = |list: &[usize]| self.best(flow, &list[..before(list)], facts);
        let (tie, at) = if let Some(at) = latest(own) {
            let age_ns = flow.first_seen_ns.saturating_sub(facts.announcements[at].time_ns);
            (if age_ns <= MINUTE_NS { Tie::Announced } else { Tie::AnnouncedEarlier }, at)
        } else if let Some(at) = latest(any) {
            (Tie::AnnouncedToAnother, at)
        } else if let Some(at) = any.first() {
            (Tie::AnnouncedLater, *at)
        } else {
            (Tie::Enumerated, *listed.first()?)
        };
        let said = &facts.announcements[at];
        let mechanism = said.said.mechanism;
        // Who says that it is something else is something else.
        let sure = flow.application.filter(|is| is.certainty == Certainty::Certain);
        if sure.is_some_and(|is| !Kind::of(mechanism).allows(is.protocol)) {
            return None;
        }
        let age_ns = flow.first_seen_ns.saturating_sub(said.time_ns);
        if is_fleeting(mechanism) && (tie != Tie::Announced || age_ns > MINUTE_NS) {
            return None;
        }
        let mut subject = subjects.get(at)?.clone();
        let capture = captures.get(said.position.capture.0 as usize).cloned().unwrap_or_else(|| "".into());
        let frame = said.position.frame;
        let of = if captures.len() > 1 { format!(" of {capture}") } else { String::new() };
        let mut reason = reason(tie, said, &subject, client, &format!("frame {frame}{of}"));
        if let Some(other) = self.asks_for_another(flow, said, catalog) {
            reason.push_str(&format!("; the call itself asks for {}", other.name));
            subject = other;
        }
        let (mechanism, name) = (Some(mechanism), subject.name.clone());
        let referral = Referral { tie, mechanism, subject: name, capture, frame, announcement: Some(at) };
        Some(Tied { referral, subject, reason, tier: said.said.tier })
    }

    /// The latest announcement, or the latest for an interface that the call itself asks for.
    fn best(&self, flow: &FlowRecord, list: &[usize], facts: &Facts) -> Option<usize> {
        let asked = self.interfaces.get(&(flow.capture, flow.first_frame));
        let recent = || list.iter().rev().take(LOOK_BACK);
        let for_it = |at: &&usize| {
            let said = &facts.announcements[**at].said;
            asked.is_some_and(|asked| asked.iter().any(|text| text.split(' ').next() == Some(&said.subject)))
        };
        recent().find(for_it).or(list.last()).copied()
    }

    /// What a call itself asks for, where that is not what was announced. It is then no documented service by this announcement.
    fn asks_for_another(&self, flow: &FlowRecord, said: &Announcement, catalog: &Catalog) -> Option<Subject> {
        let asked = self.interfaces(flow);
        let is_interface = matches!(said.said.mechanism, Mechanism::EptMap | Mechanism::EptLookup);
        let same = asked.iter().any(|text| text.split(' ').next() == Some(&said.said.subject));
        let first = asked.first().filter(|_| is_interface && !same)?;
        Some(Subject { service: None, ..interface(catalog, first) })
    }

    /// The interfaces that a call asks for, as it says them.
    pub(super) fn interfaces(&self, flow: &FlowRecord) -> &[String] {
        self.interfaces.get(&(flow.capture, flow.first_frame)).map(Vec::as_slice).unwrap_or_default()
    }
}

fn reason(tie: Tie, said: &Announcement, subject: &Subject, client: IpAddr, frame: &str) -> String {
    let how = said.said.mechanism.name();
    let name = &subject.name;
    let announcer = said.announcer;
    let told = said.told.ip;
    let mut reason = match tie {
        Tie::Announced | Tie::AnnouncedEarlier if said.said.mechanism == Mechanism::FtpActive => {
            format!("{announcer} announced this port of its own for {name} ({how}, {frame})")
        }
        Tie::Announced => format!("{announcer} announced it to {client} for {name} ({how}, {frame})"),
        Tie::AnnouncedEarlier => {
            format!("{announcer} announced it to {client} for {name} more than a minute before ({how}, {frame})")
        }
        Tie::AnnouncedToAnother => {
            format!("{announcer} announced it to another client, {told}, for {name} ({how}, {frame})")
        }
        Tie::AnnouncedLater => format!("{announcer} announced it later, to {told}, for {name} ({how}, {frame})"),
        Tie::Enumerated => {
            format!("{announcer} listed it for {name} in an enumeration that {told} asked for ({how}, {frame})")
        }
        Tie::TimingOnly => String::new(),
    };
    if let Some(stated) = &subject.service {
        reason.push_str(&format!("; {}: {}", stated.document, stated.citation));
    }
    reason
}

//! What became of every announcement: followed, blocked, not followed, or nobody registered.

use super::judge::Judged;
use super::referral::CLOCKS_NS;
use super::subject::Subjects;
use crate::catalog::Catalog;
use crate::model::{
    Announcement, AnnouncementRow, Answer, CaptureIndex, Endpoint, Finding, FindingKind, FollowUp, JudgedFlow,
    Mechanism, Orientation, Outcome, Transport, announcement_filter,
};
use crate::store::Facts;
use foldhash::fast::RandomState;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

/// Calls after one announcement that are looked at one by one; the latest is always looked at.
const MOST_CALLS: usize = 1_000;

/// What makes announcements one row: who said what to whom.
type Key<'a> = (IpAddr, IpAddr, Mechanism, IpAddr, Transport, Answer, &'a str);

fn key(said: &Announcement) -> Key<'_> {
    let inner = &said.said;
    (said.announcer.ip, said.told.ip, inner.mechanism, said.host, inner.transport, inner.answer, inner.subject.as_str())
}

/// Calls to announced ports, as they gather.
#[derive(Debug)]
pub struct AnnouncedCalls<'a> {
    facts: &'a Facts,
    /// By who said what to whom: positions of the announcements.
    groups: BTreeMap<Key<'a>, Vec<usize>>,
    calls: HashMap<Called, Vec<Call>, RandomState>,
    /// Over what each announcement was heard, by the flow that carried it.
    carriers: HashMap<(CaptureIndex, u64), Transport, RandomState>,
}

/// An announced port, and who is to call there.
type Called = (Transport, Endpoint, IpAddr);

/// A call, as far as it shows what became of an announcement.
#[derive(Debug, Clone, Copy)]
struct Call {
    first_seen_ns: i64,
    outcome: Outcome,
    capture: CaptureIndex,
    first_frame: u64,
}

impl<'a> AnnouncedCalls<'a> {
    /// Nobody has called yet. Enumerations are left out: they promise nothing, and nobody was sent anywhere.
    #[must_use]
    pub fn of(facts: &'a Facts) -> Self {
        let mut groups: BTreeMap<Key<'_>, Vec<usize>> = BTreeMap::new();
        let promises = facts.announcements.iter().enumerate();
        for (at, said) in promises.filter(|(_, said)| said.said.mechanism != Mechanism::EptLookup) {
            groups.entry(key(said)).or_default().push(at);
        }
        // Documented ports are announced too: a call counts, whatever explains it.
        let first = groups.values().filter_map(|group| facts.announcements.get(*group.first()?));
        let calls = first.filter_map(called).map(|called| (called, Vec::new())).collect();
        let carriers = facts.announcements.iter().map(|said| (carried(said), Transport::Tcp)).collect();
        Self { facts, groups, calls, carriers }
    }

    /// Takes note of a flow; flows come in the order of the facts.
    pub fn note(&mut self, flow: &JudgedFlow) {
        let JudgedFlow { facts, judgement, .. } = flow;
        if let Some(over) = self.carriers.get_mut(&(facts.capture, facts.first_frame)) {
            *over = facts.key.transport;
        }
        let called = (facts.key.transport, judgement.responder, judgement.initiator.ip);
        if let Some(calls) = self.calls.get_mut(&called) {
            calls.push(Call {
                first_seen_ns: facts.first_seen_ns,
                outcome: judgement.outcome,
                capture: facts.capture,
                first_frame: facts.first_frame,
            });
        }
    }

    /// Announcements by broker, client, port and subject, in the order of their first times, with what followed.
    #[must_use]
    pub fn rows(self, catalog: &Catalog) -> Vec<AnnouncementRow> {
        let names: Vec<Arc<str>> = self.facts.captures.iter().map(|capture| capture.name.as_str().into()).collect();
        let subjects = Subjects::of(&self.facts.announcements, catalog);
        let mut rows: Vec<AnnouncementRow> =
            self.groups.values().map(|group| self.row(group, &subjects, &names)).collect();
        alternatives(&mut rows);
        rows.sort_by(|x, y| (x.first_seen_ns, &x.capture, x.frame).cmp(&(y.first_seen_ns, &y.capture, y.frame)));
        rows
    }

    fn row(&self, group: &[usize], subjects: &Subjects, names: &[Arc<str>]) -> AnnouncementRow {
        let name = |capture: CaptureIndex| names.get(capture.0 as usize).cloned().unwrap_or_else(|| "".into());
        let all = || group.iter().map(|at| &self.facts.announcements[*at]);
        let [first, last] = [group[0], group[group.len() - 1]].map(|at| &self.facts.announcements[at]);
        let said = &first.said;
        let port = said.answer.port();
        // Calls stand in the order of their first packets.
        let calls = called(first).and_then(|called| self.calls.get(&called)).map_or(&[][..], |calls| {
            let begun = |call: &Call| call.first_seen_ns < first.time_ns.saturating_sub(CLOCKS_NS);
            &calls[calls.partition_point(begun)..]
        });
        let follow_up = match said.answer {
            Answer::NotRegistered => FollowUp::NotRegistered,
            Answer::Encrypted | Answer::Cut => FollowUp::Unreadable,
            Answer::Port(_) => follow_up(calls),
        };
        let over = self.carriers.get(&carried(first)).copied().unwrap_or(Transport::Tcp);
        AnnouncementRow {
            announcer: first.announcer,
            told: first.told.ip,
            mechanism: said.mechanism,
            host: first.host,
            transport: said.transport,
            port,
            subject: subjects.get(group[0]).map(|subject| subject.name.clone()).unwrap_or_default(),
            subject_id: said.subject.clone(),
            version: said.version.clone(),
            stated_host: said.stated_host.clone(),
            tier: all().map(|said| said.said.tier).max().unwrap_or(said.tier),
            process_id: all().find_map(|said| said.said.process_id),
            times: group.len() as u64,
            follow_up,
            flows: calls.len() as u64,
            first_call: calls
                .iter()
                .find(|call| FollowUp::of(call.outcome) == follow_up)
                .map(|call| (name(call.capture), call.first_frame)),
            first_seen_ns: first.time_ns,
            last_seen_ns: last.time_ns,
            capture: name(first.position.capture),
            frame: first.position.frame,
            display_filter: announcement_filter(
                first.told.ip,
                (first.announcer, over),
                port.map(|port| (Endpoint { ip: first.host, port }, said.transport)),
            ),
        }
    }
}

/// The flow that carried an announcement.
fn carried(said: &Announcement) -> (CaptureIndex, u64) {
    (said.flow_capture, said.flow_first_frame)
}

fn called(said: &Announcement) -> Option<Called> {
    let port = said.said.answer.port()?;
    Some((said.said.transport, Endpoint { ip: said.host, port }, said.caller))
}

/// Announcements with what followed, see [`AnnouncedCalls`].
#[must_use]
pub fn announcement_rows(facts: &Facts, judged: &Judged, catalog: &Catalog) -> Vec<AnnouncementRow> {
    let mut calls = AnnouncedCalls::of(facts);
    judged.flows.iter().for_each(|flow| calls.note(flow));
    calls.rows(catalog)
}

/// A broker may answer with several ports of which the client takes one: the others wait for nobody.
fn alternatives(rows: &mut [AnnouncementRow]) {
    let answer = |row: &AnnouncementRow| (row.announcer, row.told, row.capture.clone(), row.frame);
    let taken: HashSet<_> = rows.iter().filter(|row| row.flows > 0).map(|row| (answer(row), row.mechanism)).collect();
    for row in rows.iter_mut().filter(|row| row.follow_up == FollowUp::NotFollowed) {
        if taken.contains(&(answer(row), row.mechanism)) {
            row.follow_up = FollowUp::Alternative;
        }
    }
}

/// What became of announcements, where that is something to look at: blocked, not registered, not followed.
#[must_use]
pub fn announcement_findings(rows: &[AnnouncementRow]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = rows.iter().filter_map(finding).collect();
    // One port may be announced for many subjects: what happened there is told once.
    let mut told = HashSet::new();
    findings.retain(|finding| {
        finding.kind == FindingKind::NotRegistered
            || told.insert((finding.kind, finding.initiator, finding.responder, finding.transport))
    });
    // Those that need an answer first; each kind in the order of its first times, as the rows are.
    findings.sort_by_key(|finding| finding.kind);
    findings
}

fn finding(row: &AnnouncementRow) -> Option<Finding> {
    let AnnouncementRow { announcer, told, host, transport, port, subject, frame, .. } = row;
    let how = row.mechanism.name();
    let call = match &row.first_call {
        Some((capture, frame)) if *capture == row.capture && row.flows > 1 => {
            format!("one of its {} calls, in frame {frame},", row.flows)
        }
        Some((capture, frame)) if *capture == row.capture => format!("its call in frame {frame}"),
        Some((capture, frame)) => format!("its call in frame {frame} of {capture}"),
        None => "its call".into(),
    };
    let said = || {
        format!(
            "{announcer} announced {transport}/{} for {subject} to {told} ({how}, frame {frame})",
            port.unwrap_or(0)
        )
    };
    let (kind, outcome, text) = match row.follow_up {
        FollowUp::Unanswered => {
            let text = format!("{}; {call} was not answered: the broker is reachable and this port is not", said());
            (FindingKind::AnnouncedBlocked, Outcome::Unanswered, text)
        }
        FollowUp::Refused => {
            (FindingKind::AnnouncedBlocked, Outcome::Refused, format!("{}; {call} was refused", said()))
        }
        FollowUp::Prohibited => {
            (FindingKind::AnnouncedBlocked, Outcome::Prohibited, format!("{}; a filter says no to {call}", said()))
        }
        FollowUp::NotRegistered => {
            let text =
                format!("{told} asked {announcer} for {subject}, and nobody is registered ({how}, frame {frame})");
            (FindingKind::NotRegistered, Outcome::Established, text)
        }
        FollowUp::NotFollowed => {
            let text = format!("{}; no call of this client after it is in the recording", said());
            (FindingKind::NotFollowed, Outcome::Undetermined, text)
        }
        FollowUp::Unreadable | FollowUp::Undetermined | FollowUp::Alternative | FollowUp::Followed => return None,
    };
    Some(Finding {
        kind,
        initiator: *told,
        responder: port.map_or(*announcer, |port| Endpoint { ip: *host, port }),
        transport: *transport,
        text,
        orientation: Orientation::Certain,
        outcome,
        flows: row.flows,
        capture: row.capture.to_string(),
        first_frame: row.frame,
        display_filter: row.display_filter.clone(),
        first_seen_ns: row.first_seen_ns,
        last_seen_ns: row.last_seen_ns,
    })
}

/// What followed. Kept out is a client whose latest call was, or none of whose calls was served: a refusal after which it was
/// served is no block.
fn follow_up(calls: &[Call]) -> FollowUp {
    let of = |call: &Call| FollowUp::of(call.outcome);
    let Some(latest) = calls.last().map(of) else { return FollowUp::NotFollowed };
    let mut each = calls.iter().take(MOST_CALLS).map(of);
    if latest.is_blocked() || each.clone().any(|one| one == FollowUp::Followed) {
        return if latest.is_blocked() { latest } else { FollowUp::Followed };
    }
    each.clone().find(|one| one.is_blocked()).or(each.next()).unwrap_or(latest)
}

//! What became of every announcement: followed, blocked, not followed, or nobody registered.

use super::judge::Judged;
use super::subject::subject;
use crate::catalog::Catalog;
use crate::model::{
    Announcement, AnnouncementRow, Answer, CaptureIndex, Endpoint, Finding, FindingKind, FollowUp, JudgedFlow,
    Mechanism, Orientation, Outcome, Transport, announcement_filter,
};
use crate::store::Facts;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

/// What makes announcements one row: who said what to whom.
type Key<'a> = (IpAddr, IpAddr, Mechanism, IpAddr, Transport, Answer, &'a str);

fn key(said: &Announcement) -> Key<'_> {
    let inner = &said.said;
    (said.announcer.ip, said.told.ip, inner.mechanism, said.host, inner.transport, inner.answer, inner.subject.as_str())
}

/// Announcements by broker, client, port and subject, in the order of their first times, with what followed. Enumerations
/// are left out: they promise nothing, and nobody was sent anywhere.
#[must_use]
pub fn announcement_rows(facts: &Facts, judged: &Judged, catalog: &Catalog) -> Vec<AnnouncementRow> {
    let mut groups: BTreeMap<Key<'_>, Vec<usize>> = BTreeMap::new();
    let promises = facts.announcements.iter().enumerate();
    for (at, said) in promises.filter(|(_, said)| said.said.mechanism != Mechanism::EptLookup) {
        groups.entry(key(said)).or_default().push(at);
    }
    // Documented ports are announced too: a call counts, whatever explains it.
    let mut calls: HashMap<(Transport, Endpoint, IpAddr), Vec<&JudgedFlow>> = HashMap::new();
    for said in groups.values().filter_map(|group| facts.announcements.get(*group.first()?)) {
        if let Some(port) = said.said.answer.port() {
            calls.entry((said.said.transport, Endpoint { ip: said.host, port }, said.told.ip)).or_default();
        }
    }
    let carried = |said: &Announcement| (said.flow_capture, said.flow_first_frame);
    let mut carriers: HashMap<(CaptureIndex, u64), Transport> =
        facts.announcements.iter().map(|said| (carried(said), Transport::Tcp)).collect();
    for flow in &judged.flows {
        if let Some(over) = carriers.get_mut(&(flow.facts.capture, flow.facts.first_frame)) {
            *over = flow.facts.key.transport;
        }
        let end = (flow.facts.key.transport, flow.judgement.responder, flow.judgement.initiator.ip);
        if let Some(calls) = calls.get_mut(&end) {
            calls.push(flow);
        }
    }
    let name = |said: &Announcement| -> Arc<str> {
        facts.captures.get(said.position.capture.0 as usize).map_or("", |capture| capture.name.as_str()).into()
    };
    let mut rows: Vec<AnnouncementRow> = groups
        .into_values()
        .map(|group| {
            let first = &facts.announcements[group[0]];
            let over = carriers.get(&carried(first)).copied().unwrap_or(Transport::Tcp);
            row(&group, facts, &calls, catalog, (name(first), over))
        })
        .collect();
    rows.sort_by(|x, y| (x.first_seen_ns, &x.capture, x.frame).cmp(&(y.first_seen_ns, &y.capture, y.frame)));
    rows
}

fn row(
    group: &[usize],
    facts: &Facts,
    calls: &HashMap<(Transport, Endpoint, IpAddr), Vec<&JudgedFlow>>,
    catalog: &Catalog,
    (capture, over): (Arc<str>, Transport),
) -> AnnouncementRow {
    let all = || group.iter().map(|at| &facts.announcements[*at]);
    let (first, last) = (&facts.announcements[group[0]], &facts.announcements[group[group.len() - 1]]);
    let said = &first.said;
    let port = said.answer.port();
    let after = |flow: &&&JudgedFlow| flow.facts.last_seen_ns >= first.time_ns;
    let calls: Vec<&JudgedFlow> = port
        .and_then(|port| calls.get(&(said.transport, Endpoint { ip: first.host, port }, first.told.ip)))
        .map(|flows| flows.iter().filter(after).copied().collect())
        .unwrap_or_default();
    let follow_up = match said.answer {
        Answer::NotRegistered => FollowUp::NotRegistered,
        Answer::Encrypted | Answer::Cut => FollowUp::Unreadable,
        Answer::Port(_) => follow_up(&calls),
    };
    AnnouncementRow {
        announcer: first.announcer,
        told: first.told.ip,
        mechanism: said.mechanism,
        host: first.host,
        transport: said.transport,
        port,
        subject: subject(catalog, said).name,
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
            .find(|flow| FollowUp::of(flow.judgement.outcome) == follow_up)
            .map(|flow| (flow.capture.clone(), flow.facts.first_frame)),
        first_seen_ns: first.time_ns,
        last_seen_ns: last.time_ns,
        capture,
        frame: first.position.frame,
        display_filter: announcement_filter(
            first.told.ip,
            (first.announcer, over),
            port.map(|port| (Endpoint { ip: first.host, port }, said.transport)),
        ),
    }
}

/// What became of announcements, where that is something to look at: blocked, not registered, not followed.
#[must_use]
pub fn announcement_findings(rows: &[AnnouncementRow]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = rows.iter().filter_map(finding).collect();
    // Those that need an answer first; each kind in the order of its first times, as the rows are.
    findings.sort_by_key(|finding| finding.kind);
    findings
}

fn finding(row: &AnnouncementRow) -> Option<Finding> {
    let AnnouncementRow { announcer, told, host, transport, port, subject, frame, .. } = row;
    let how = row.mechanism.name();
    let call = match &row.first_call {
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
            let text = format!("{}; no call of this client is in the recording", said());
            (FindingKind::NotFollowed, Outcome::Undetermined, text)
        }
        FollowUp::Unreadable | FollowUp::Undetermined | FollowUp::Followed => return None,
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

/// What followed: the worst way in which a call was kept out, else that one was served, else that it cannot be told.
fn follow_up(calls: &[&JudgedFlow]) -> FollowUp {
    let each = || calls.iter().map(|flow| FollowUp::of(flow.judgement.outcome));
    let blocked = each().filter(|one| one.is_blocked()).min();
    blocked.or(each().max()).unwrap_or(FollowUp::NotFollowed)
}

//! Which document covers a flow? Documented static ports come before "dynamic", whatever range surrounds them.

use super::roles::Roles;
use crate::catalog::{ANY_ROLE, Caller, Catalog, DocumentKind, Match, Site, Via};
use crate::model::{Endpoint, Orientation, Referral, Status, Transport};
use std::net::IpAddr;

/// What the documents say about a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Covered {
    pub(super) status: Status,
    pub(super) service: String,
    pub(super) reason: String,
    pub(super) referral: Option<Box<Referral>>,
}

/// A flow as the documents see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Called {
    pub(super) initiator: IpAddr,
    pub(super) responder: Endpoint,
    pub(super) transport: Transport,
    pub(super) first_seen_ns: i64,
    pub(super) orientation: Orientation,
}

/// The answer of the site file's exceptions and of the documents' static ports; `None` where neither speaks.
pub(super) fn covered(called: &Called, catalog: &Catalog, site: Option<&Site>, roles: &Roles) -> Option<Covered> {
    let Called { initiator, responder, transport, .. } = *called;
    let accepted =
        site.and_then(|s| s.accepted(initiator, responder.ip, transport, responder.port, called.first_seen_ns));
    if let Some(accepted) = accepted {
        return Some(Covered {
            status: Status::Accepted,
            service: String::new(),
            reason: format!("accepted by {}: {} (site file line {})", accepted.owner, accepted.reason, accepted.line),
            referral: None,
        });
    }
    let at = roles.of(responder.ip);
    let allowed = site.and_then(|s| s.allows(initiator, responder.ip, transport, responder.port));
    let statements = catalog.statements_of(transport, responder, at);
    let judged = statements.map(|found| (status_by(&found, called, roles, allowed.is_some()), found));
    // Of those that say as much the first; only its reason is worded.
    let best = judged.min_by_key(|(status, _)| rank(*status));
    let best = best.map(|(status, found)| covered_by(&found, status, called, roles));
    match (best, allowed) {
        (Some(covered), _) if covered.status != Status::DocumentedPortUnexpectedPeer => Some(covered),
        (_, Some(allowed)) => Some(Covered {
            status: Status::Documented,
            service: allowed.service.clone().unwrap_or_default(),
            reason: format!("site file line {}: {}", allowed.line, allowed.reason),
            referral: None,
        }),
        (best, None) => best,
    }
}

/// The vendor's word goes before general knowledge, and that before a caller nobody names.
fn rank(status: Status) -> u8 {
    match status {
        Status::Documented => 0,
        Status::Infrastructure => 1,
        _ => 2,
    }
}

fn status_by(found: &Match<'_>, called: &Called, roles: &Roles, allowed: bool) -> Status {
    let (document, statement) = (found.document, found.statement);
    let caller_roles = roles.of(called.initiator);
    let known = match statement.caller(caller_roles) {
        Caller::Named => true,
        Caller::NotNamed => false,
        // Who calls is not printed: any part of the documented system may; for general services anybody.
        Caller::NotStated => {
            document.kind == DocumentKind::General || caller_roles.iter().any(|role| document.role(role).is_some())
        }
    };
    match (document.kind, known || allowed) {
        (DocumentKind::General, true) => Status::Infrastructure,
        (DocumentKind::Vendor | DocumentKind::Site, true) => Status::Documented,
        (_, false) => Status::DocumentedPortUnexpectedPeer,
    }
}

fn covered_by(found: &Match<'_>, status: Status, called: &Called, roles: &Roles) -> Covered {
    let (document, statement) = (found.document, found.statement);
    let via = if found.via == Via::Fallback { ", fallback port" } else { "" };
    let mut reason = match (document.kind, found.site) {
        (DocumentKind::Site, Some(word)) => word.text.clone(),
        (_, word) => {
            let site = word.map(|word| format!("; {}", word.text)).unwrap_or_default();
            format!("{}: {}{via}{site}", document.id, statement.citation)
        }
    };
    if status == Status::DocumentedPortUnexpectedPeer {
        let callers = match (statement.callers.is_empty(), document.kind) {
            (true, DocumentKind::Site) => "somebody that [[allow]] names".into(),
            (true, _) => "a role of the document".into(),
            (false, _) => statement.callers.join(", "),
        };
        let caller_roles = roles.of(called.initiator);
        let is = if caller_roles.is_empty() { "has no role".into() } else { format!("is {}", caller_roles.join(", ")) };
        reason.push_str(&format!("; expects {callers} as caller, {} {is}", called.initiator));
    }
    if called.orientation <= Orientation::Guess {
        reason.push_str(unsure(called.orientation));
    }
    Covered { status, service: statement.service.clone(), reason, referral: None }
}

fn unsure(orientation: Orientation) -> &'static str {
    match orientation {
        Orientation::Unknown => "; the direction is unknown",
        Orientation::Guess => "; the direction is a guess",
        _ => "",
    }
}

/// That somebody accepted a flow until a day before it, to be added to a reason; `None` where nobody did.
pub(super) fn expired(called: &Called, site: &Site) -> Option<String> {
    let Called { initiator, responder, transport, .. } = *called;
    let entry = site.expired(initiator, responder.ip, transport, responder.port, called.first_seen_ns)?;
    let (owner, line, zone) = (&entry.owner, entry.line, &site.time_zone);
    let last = entry.expires.map(|day| format!(" until {day} ({zone})")).unwrap_or_default();
    Some(format!("; had been accepted by {owner}{last} (site file line {line})"))
}

/// Why nothing covers a flow, with the nearest statement there is.
pub(super) fn undocumented_reason(called: &Called, catalog: &Catalog, roles: &Roles) -> String {
    let Endpoint { ip, port } = called.responder;
    let at = roles.of(ip);
    let unsure = unsure(called.orientation);
    if let Some(withdrawn) = catalog.withdrawn(called.transport, called.responder, at) {
        return format!("{withdrawn}{unsure}");
    }
    let mut elsewhere: Vec<String> = catalog
        .statements(called.transport, port)
        .flat_map(|found| found.places())
        .filter(|place| place != ANY_ROLE)
        .collect();
    elsewhere.sort_unstable();
    elsewhere.dedup();
    let host = if at.is_empty() { format!("{ip} has no role") } else { format!("{ip} is {}", at.join(", ")) };
    if elsewhere.is_empty() {
        format!("no document mentions {}/{port}{unsure}", called.transport)
    } else {
        format!("{}/{port} is documented at {} only, and {host}{unsure}", called.transport, elsewhere.join(", "))
    }
}

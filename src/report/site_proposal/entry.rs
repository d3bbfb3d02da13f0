//! The evidence above one host's entry.

use super::{Page, ProposalSource};
use crate::catalog::{DEFAULT_DYNAMIC_RANGE, PortRef};
use crate::classification::{CalledPort, CloseCall, CloseReason, Doubt, GuessedRole, ProposedHost, Reach, ServedPort};
use crate::model::{Orientation, Transport};
use crate::report::text::{clipped, count, counted};

/// Ports that are shown one by one at most, those that gave a role away not counted.
const MOST_PORTS: usize = 10;
/// Called ports that are shown at most.
const MOST_CALLED: usize = 6;
/// Roles that nearly fit, shown at most.
const MOST_CLOSE: usize = 6;
/// Items of a list in a sentence.
const MOST_ITEMS: usize = 6;
/// Characters of a title or a capture's name.
const NAME: usize = 60;

pub(super) fn evidence(page: &mut Page, host: &ProposedHost, source: &ProposalSource<'_>) {
    for role in &host.roles {
        guessed(page, role);
    }
    if host.roles.is_empty() {
        page.sentence(without_role(host));
    }
    for close in host.close_calls.iter().take(MOST_CLOSE) {
        close_call(page, close);
    }
    reach(page, host);
    if host.sweeps {
        page.sentence("It sweeps: it fails at many endpoints, as a scanner does. What answered it gave nobody a role.");
    }
    served(page, host, source);
    doubtful(page, host);
    called(page, host);
}

fn guessed(page: &mut Page, role: &GuessedRole) {
    let sure = match role.orientation {
        Orientation::Certain => "",
        _ => " No handshake was seen: less sure.",
    };
    let title = clipped(&role.title, NAME);
    page.sentence(&format!("Guessed: {} ({title}): served {}.{sure}", role.id, listed(role.ports.iter(), "and")));
}

fn without_role(host: &ProposedHost) -> &'static str {
    match (host.served.is_empty(), host.doubtful.is_empty(), host.opened_flows) {
        (false, ..) => "No role: nothing that it served gives one away. It may be a client all the same.",
        (true, false, 0) => "No role: nothing shows for sure that it served what it answered.",
        (true, true, 0) => "No role: nothing shows what it served or called.",
        (true, ..) if host.sweeps => "No role: it served nothing in these captures.",
        (true, ..) => "No role: it served nothing in these captures. It could be a client; add the role if it is one.",
    }
}

fn close_call(page: &mut Page, close: &CloseCall) {
    let title = clipped(&close.title, NAME);
    let served = match close.served.as_slice() {
        [] => String::new(),
        ports => format!(" It served {}.", listed(ports.iter(), "and")),
    };
    let why = match &close.reason {
        CloseReason::Outranked(roles) => {
            format!(" In the documents {} goes before it; add it if the host is both.", listed(roles.iter(), "and"))
        }
        CloseReason::NotWhole { doubtful, missing } => {
            let doubt = |(port, doubt): &(PortRef, Doubt)| format!(" {port}: {}.", words(*doubt));
            let doubts = doubtful.iter().take(MOST_ITEMS).map(doubt).collect::<String>();
            match missing.as_slice() {
                [] => doubts,
                ports => format!("{doubts} Not seen: {}.", listed(ports.iter(), "and")),
            }
        }
    };
    page.sentence(&format!("Not proposed: {} ({title}).{served}{why}", close.id));
}

fn words(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::AnsweredSweep => "answered, but only to hosts that sweep",
        Doubt::Direction => "used, but no handshake was seen, and which side serves is not sure",
        Doubt::OneSided => "called, but only one direction is in the recording",
    }
}

fn reach(page: &mut Page, host: &ProposedHost) {
    let words = match host.reach {
        Reach::Local => None,
        Reach::Public => Some("Public address: delete the entry if it is no host of the site."),
        Reach::LinkLocal => Some("Link-local address: on another link another host may have it, or it may change."),
        Reach::Loopback => Some("Loopback address: the recording host itself."),
    };
    if let Some(words) = words {
        page.sentence(words);
    }
    if host.address.is_ipv6() && matches!(host.reach, Reach::Local | Reach::Public) {
        page.sentence("IPv6: the same host may have an entry by its IPv4 address, and its temporary addresses change.");
    }
}

/// The ports that it served: what gave roles away first, then what the documents mention, then the rest.
fn served(page: &mut Page, host: &ProposedHost, source: &ProposalSource<'_>) {
    let tells = |served: &ServedPort| {
        let role = host.roles.iter().any(|role| role.ports.contains(&served.port));
        role || host.close_calls.iter().any(|close| close.served.contains(&served.port))
    };
    let is_dynamic = |served: &&ServedPort| !served.documented && DEFAULT_DYNAMIC_RANGE.contains(&served.port.port);
    let dynamic = host.served.iter().filter(is_dynamic).filter(|served| !tells(served)).count();
    let (telling, mut rest): (Vec<&ServedPort>, Vec<&ServedPort>) =
        host.served.iter().filter(|served| !is_dynamic(served) || tells(served)).partition(|served| tells(served));
    rest.sort_by_key(|served| !served.documented);
    for served in telling.iter().take(2 * MOST_PORTS).chain(rest.iter().take(MOST_PORTS)) {
        page.item(&port(served, source));
    }
    if rest.len() > MOST_PORTS {
        page.item(&format!("served {}", counted((rest.len() - MOST_PORTS) as u64, "other port", "other ports")));
    }
    if dynamic > 0 {
        let (first, last) = DEFAULT_DYNAMIC_RANGE.into_inner();
        let ports = counted(dynamic as u64, "port", "ports");
        page.item(&format!("served {ports} of the dynamic range {first}-{last}, in no document"));
    }
}

/// Ports of a host without a role that do not count, and are told nowhere else.
fn doubtful(page: &mut Page, host: &ProposedHost) {
    let told = |port: &PortRef| {
        host.close_calls.iter().any(|close| match &close.reason {
            CloseReason::NotWhole { doubtful, .. } => doubtful.iter().any(|(doubted, _)| doubted == port),
            CloseReason::Outranked(_) => false,
        })
    };
    for doubt in [Doubt::AnsweredSweep, Doubt::Direction, Doubt::OneSided] {
        let ports: Vec<&PortRef> =
            host.doubtful.iter().filter(|(port, d)| *d == doubt && !told(port)).map(|(port, _)| port).collect();
        if host.roles.is_empty() && !ports.is_empty() {
            page.item(&format!("{}: {}", listed(ports.iter(), "and"), words(doubt)));
        }
    }
}

fn port(served: &ServedPort, source: &ProposalSource<'_>) -> String {
    let seen = match (served.orientation, served.port.transport) {
        (Orientation::Certain, _) => "handshake seen",
        (_, Transport::Tcp) => "no handshake",
        (_, Transport::Udp) => "datagrams both ways",
    };
    let capture = match source.captures {
        [_] => String::new(),
        _ => format!(" of {}", clipped(&served.capture, NAME)),
    };
    let documented = if served.documented { "" } else { "; in no document" };
    format!(
        "served {}: {}, {}, {seen}, first in frame {}{capture}{documented}",
        served.port,
        counted(served.clients, "client", "clients"),
        counted(served.flows, "flow", "flows"),
        served.first_frame
    )
}

/// Whom it called: all that is known of a host without a role, and what does not go with the roles of another.
fn called(page: &mut Page, host: &ProposedHost) {
    let own = |role: &String| host.roles.iter().any(|guessed| guessed.id == *role);
    let strange = |called: &&CalledPort| !called.callers.is_empty() && !called.callers.iter().any(own);
    let shown: Vec<&CalledPort> =
        host.called.iter().filter(|called| host.roles.is_empty() || strange(called)).collect();
    for called in shown.iter().take(MOST_CALLED) {
        let others = match called.servers {
            0 | 1 => String::new(),
            n => format!(" and {}", counted(n - 1, "other host", "other hosts")),
        };
        let callers = match called.callers.as_slice() {
            [] => String::new(),
            roles => format!(" (documented caller: {})", listed(roles.iter(), "or")),
        };
        let flows = counted(called.flows, "flow", "flows");
        page.item(&format!("called {} at {}{others}: {flows}{callers}", called.port, called.server));
    }
    if shown.len() > MOST_CALLED {
        let more = (shown.len() - MOST_CALLED) as u64;
        page.item(&format!("called {}", counted(more, "other port", "other ports")));
    }
}

/// "a, b and c", shortened where there are many.
pub(super) fn listed<T: std::fmt::Display>(items: impl ExactSizeIterator<Item = T>, last: &str) -> String {
    let more = items.len().saturating_sub(MOST_ITEMS);
    let mut words: Vec<String> = items.take(MOST_ITEMS).map(|item| item.to_string()).collect();
    if more > 0 {
        words.push(format!("{} more", count(more as u64)));
    }
    match words.pop() {
        None => String::new(),
        Some(only) if words.is_empty() => only,
        Some(end) => format!("{} {last} {end}", words.join(", ")),
    }
}

//! What a proposed site file says before its first entry.

use super::{Page, ProposalSource};
use crate::catalog::Role;
use crate::classification::Proposal;
use crate::report::gaps;
use crate::report::text::{clipped, count, counted, iso_utc_seconds};

/// Recordings that are named at most.
const MOST_CAPTURES: usize = 20;
/// Reasons for doubt that are given at most.
const MOST_REASONS: usize = 20;
/// Roles that are listed at most.
const MOST_ROLES: usize = 60;
/// Characters of a name or reason.
const NAME: usize = 100;

pub(super) fn write(page: &mut Page, proposal: &Proposal, source: &ProposalSource<'_>) {
    page.comment(&format!(
        "Site file proposed by \"portproof site init\" ({}). Every role in it is a guess that nobody has confirmed.",
        source.tool_version
    ));
    page.comment("");
    recordings(page, source);
    page.comments(&[
        "",
        "What a guess means: the host was seen to serve every port that, by the documents, gives the role away (listed below).",
        "\"handshake seen\" means that the capture shows how a connection to the port was opened. Without it, who served follows",
        "from circumstances, and is less sure. \"Documented caller\" names the role that the documents expect to call the port. It",
        "gives nobody a role: whoever should not call does so too.",
        "",
        "What to do:",
        "  1. Fill in the names: reports show them.",
        "  2. Check each role with somebody who knows the plant. Remove what is wrong, add what is missing. Who called a port",
        "     is shown by: portproof explain ADDRESS:PORT CAPTURES",
        "  3. Decide about the hosts with `roles = []`: this says that a host has no role. Without the line, the network around it",
        "     decides (see \"Networks\" at the end).",
        "  4. portproof report CAPTURES --site THIS-FILE -o reports/NAME",
        "     Documents that were given with --document have to be given there as well.",
        "",
        "What the captures could not show:",
        "  - A role that was not seen serving cannot be guessed: a service that nobody called, or called inside its host, on",
        "    another network path, or before and after the recording, has left no packet here.",
        "  - Who only calls gives no role away. Clients of all kinds have to be added by hand.",
        "  - Address translation and proxies make many hosts look like one, and one answer for another.",
    ]);
    doubts(page, proposal, source);
    roles(page, source);
}

/// How many recordings, when, and which.
fn recordings(page: &mut Page, source: &ProposalSource<'_>) {
    let captures = source.captures;
    let frames = captures.iter().map(|c| c.frames).fold(0, u64::saturating_add);
    let first = captures.iter().filter_map(|c| c.first_ns).min();
    let last = captures.iter().filter_map(|c| c.last_ns).max();
    let interval = match (first, last) {
        (Some(first), Some(last)) => {
            format!(", from {} to {} (UTC)", iso_utc_seconds(first), iso_utc_seconds(last))
        }
        _ => String::new(),
    };
    page.comment(&format!(
        "Read: {} of {}{interval}:",
        counted(captures.len() as u64, "recording", "recordings"),
        counted(frames, "frame", "frames")
    ));
    for capture in captures.iter().take(MOST_CAPTURES) {
        page.comment(&format!("  {}", clipped(&capture.name, NAME)));
    }
    if captures.len() > MOST_CAPTURES {
        page.comment(&format!("  and {} more", count((captures.len() - MOST_CAPTURES) as u64)));
    }
}

/// What these captures in particular may have missed.
fn doubts(page: &mut Page, proposal: &Proposal, source: &ProposalSource<'_>) {
    let ended = source.captures.iter().filter_map(|capture| {
        capture.end_detail.as_ref().map(|_| format!("{}: {}, read up to there", capture.name, capture.end))
    });
    let mut reasons: Vec<String> = ended.chain(gaps::why_no_verdict(source.captures, source.losses)).collect();
    if proposal.openings_only {
        reasons.insert(0, "nothing but segments that open connections was recorded (a capture filter?)".into());
    }
    for reason in reasons.iter().take(MOST_REASONS) {
        page.item(&format!("- {}", clipped(reason, 2 * NAME)));
    }
    if reasons.len() > MOST_REASONS {
        page.comment(&format!("  - and {} more of this kind", count((reasons.len() - MOST_REASONS) as u64)));
    }
}

/// The roles that the reader of the file may use, and what gives them away.
fn roles(page: &mut Page, source: &ProposalSource<'_>) {
    let roles = source.catalog.roles();
    let longest = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or(0).min(NAME / 3);
    let width = longest(&mut roles.iter().map(|role| role.id.chars().count()));
    let ports = longest(&mut roles.iter().map(|role| signature(role).chars().count()));
    page.comments(&["", "Roles of the documents, and the ports that give them away:"]);
    for role in roles.iter().take(MOST_ROLES) {
        let id = clipped(&role.id, NAME);
        page.comment(&format!("  {id:<width$}  {:<ports$}  {}", signature(role), clipped(&role.title, NAME)));
    }
    if roles.len() > MOST_ROLES {
        page.comment(&format!("  and {} more", count((roles.len() - MOST_ROLES) as u64)));
    }
}

fn signature(role: &Role) -> String {
    match role.signature.as_slice() {
        [] => "none, add by hand".into(),
        ports => super::entry::listed(ports.iter(), "and"),
    }
}

//! What recordings may hide, and what that takes from a verdict.
//!
//! Frames that could not be metered although they may carry TCP or UDP: unknown link types, tunnels and labels that are not
//! opened, orphan fragments, headers cut or malformed. Address resolution, bridging, ICMP and other control protocols carry
//! no flows and hide none. What arrived is in the report; a verdict needs to know that nothing else was there.

use super::text::counted;
use crate::model::{CaptureRow, TcpSides};
use std::collections::BTreeMap;

/// Beginnings of the names of fates that may hide flows.
const FAMILIES: [&str; 3] = ["linktype-", "malformed-or-cut-", "ip-protocol-"];

/// Names of further fates that may hide flows.
const FATES: [&str; 16] = [
    "ethertype-mpls",
    "ethertype-pppoe",
    "ethertype-macsec",
    "ip-gre",
    "ip-ipip",
    "ip-ipv6-in-ip",
    "ip-l2tp",
    "ip-esp",
    "ip-ah",
    "ip-udp-lite",
    "ip-fragment-orphan",
    "wlan-encrypted",
    "ppp-multilink",
    "ppp-compressed",
    "ppp-compressed-tcp",
    "bad-checksum",
];

/// Share of frames, in percent of one recording, that may be hidden before a verdict on it means nothing.
const HIDDEN_PERCENT: u64 = 1;

/// Share of the TCP flows with payload, in percent, that may be one-sided before a verdict on them means nothing.
const ONE_SIDED_PERCENT: u64 = 5;

/// Name of the fate of frames that a filter kept out.
const FILTERED: &str = "filtered";

/// The kind of loss that is counted when the flow cache was full.
const EVICTED: &str = "flows-evicted";

/// Kinds of further losses that take from a verdict, and what each means.
const NOT_KEPT: [(&str, &str); 4] = [
    ("streams-given-up", "conversations that were no longer looked into, so that announcements in them were not heard"),
    ("announcements-dropped", "announcements of ports beyond what is kept"),
    ("details-dropped", "what conversations say of themselves, beyond what is kept"),
    ("sockets-dropped", "processes behind endpoints that were not kept"),
];

/// Whether frames of this fate are in no flow although they may carry TCP or UDP.
#[must_use]
pub fn may_hide_flows(fate: &str) -> bool {
    FAMILIES.iter().any(|family| fate.starts_with(family)) || FATES.contains(&fate)
}

/// Frames of one recording that may hide flows.
#[must_use]
pub fn hidden_frames(capture: &CaptureRow) -> u64 {
    capture.fates.iter().filter(|(fate, _)| may_hide_flows(fate)).map(|(_, n)| n).fold(0, |a, b| a.saturating_add(*b))
}

/// Frames of one recording that a filter kept out.
#[must_use]
pub fn filtered_frames(capture: &CaptureRow) -> u64 {
    capture.fates.iter().filter(|(fate, _)| fate == FILTERED).map(|(_, n)| n).fold(0, |a, b| a.saturating_add(*b))
}

/// Fates that may hide flows with their frames over all recordings, most frames first.
#[must_use]
pub fn hidden_fates(captures: &[CaptureRow]) -> Vec<(&str, u64)> {
    let mut frames: BTreeMap<&str, u64> = BTreeMap::new();
    for (fate, n) in captures.iter().flat_map(|c| &c.fates).filter(|(fate, n)| *n > 0 && may_hide_flows(fate)) {
        let sum = frames.entry(fate).or_default();
        *sum = sum.saturating_add(*n);
    }
    let mut frames: Vec<(&str, u64)> = frames.into_iter().collect();
    frames.sort_by_key(|(fate, n)| (std::cmp::Reverse(*n), *fate));
    frames
}

/// Recordings with the same SHA-256, in groups of two and more: their packets are counted once each.
#[must_use]
pub fn same_content(captures: &[CaptureRow]) -> Vec<Vec<&CaptureRow>> {
    let mut groups: BTreeMap<&str, Vec<&CaptureRow>> = BTreeMap::new();
    for capture in captures {
        if let Some(sha256) = capture.sha256.as_deref().filter(|hash| !hash.is_empty()) {
            groups.entry(sha256).or_default().push(capture);
        }
    }
    groups.into_values().filter(|group| group.len() > 1).collect()
}

/// What a kind of loss means, as a sentence. Kinds are those of the table of losses of the facts.
#[must_use]
pub fn loss_sentence(kind: &str, count: u64) -> String {
    match kind {
        EVICTED => {
            format!(
                "The flow cache was full: {count} flows were cut short and may be counted twice. Raise --max-flows."
            )
        }
        "icmp-unattached" => format!("ICMP errors about flows that are not in the recording: {count}."),
        "duplicates" => format!(
            "Copies of packets, as a SPAN port or merged captures make them: {count}. Packet and byte counts hold them; \
             meter with --dedup to leave them out."
        ),
        "duplicates-left-out" => format!("Copies of packets that were left out (--dedup): {count}."),
        "fragment-overlaps" => {
            format!("IP fragments that overlap others of their datagram: {count}. Damage, or an attempt to deceive.")
        }
        "sockets-dropped" => format!("Processes behind endpoints that were not kept: {count}."),
        "streams-given-up" => format!(
            "Conversations that were no longer looked into, because others needed the room: {count}. Announcements of ports in \
             them were not heard."
        ),
        "announcements-dropped" => format!("Announcements of ports beyond what is kept: {count}."),
        "details-dropped" | "names-dropped" => {
            format!("What conversations say of themselves, beyond what is kept: {count}.")
        }
        other => format!("{other}: {count}"),
    }
}

/// Why the absence of findings proves nothing, one reason each; empty where it does. `losses` are kinds and counts as in
/// the table of losses of the facts.
#[must_use]
pub fn why_no_verdict(captures: &[CaptureRow], losses: &[(String, u64)]) -> Vec<String> {
    let mut reasons = Vec::new();
    for capture in captures {
        if let Some(dropped) = capture.dropped.filter(|n| *n > 0) {
            reasons.push(format!("{}: the recorder dropped {}", capture.name, counted(dropped, "packet", "packets")));
        }
        let filtered = filtered_frames(capture);
        if filtered > 0 {
            reasons.push(format!("{}: a filter kept out {filtered} of {} frames", capture.name, capture.frames));
        }
        let hidden = hidden_frames(capture);
        if hidden.saturating_mul(100) > capture.frames.saturating_mul(HIDDEN_PERCENT) {
            let of = capture.frames;
            reasons.push(format!("{}: {hidden} of {of} frames could not be metered and may hide flows", capture.name));
        }
    }
    let evicted = losses.iter().filter(|(kind, _)| kind == EVICTED).fold(0_u64, |sum, (_, n)| sum.saturating_add(*n));
    if evicted > 0 {
        let flows = if evicted == 1 { "1 flow was".into() } else { format!("{evicted} flows were") };
        reasons.push(format!("the flow cache was full and {flows} cut short"));
    }
    for (kind, what) in NOT_KEPT {
        let count = losses.iter().filter(|(of, _)| of == kind).fold(0_u64, |sum, (_, n)| sum.saturating_add(*n));
        if count > 0 {
            reasons.push(format!("{what}: {count}"));
        }
    }
    reasons
}

/// Why the absence of findings proves nothing where the tap misses one direction: refusals and answers are not in the
/// recording, and who called is known less well. `None` where at most 5% of the TCP flows with payload are one-sided.
#[must_use]
pub fn too_one_sided(sides: &TcpSides) -> Option<String> {
    let TcpSides { with_payload_flows, one_sided_flows } = *sides;
    let many = one_sided_flows.saturating_mul(100) > with_payload_flows.saturating_mul(ONE_SIDED_PERCENT);
    many.then(|| {
        format!("{one_sided_flows} of {with_payload_flows} TCP flows with payload were recorded in one direction only")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::demo;

    fn capture(frames: u64, fates: &[(&str, u64)]) -> CaptureRow {
        let mut capture = demo::small().captures[0].clone();
        capture.frames = frames;
        capture.dropped = None;
        capture.fates = fates.iter().map(|(fate, n)| ((*fate).to_owned(), *n)).collect();
        capture
    }

    #[test]
    fn tunnels_hide_flows_and_control_protocols_do_not() {
        for fate in
            ["linktype-146", "ethertype-mpls", "ethertype-pppoe", "ip-gre", "ip-ipip", "ip-ipv6-in-ip", "ip-l2tp"]
        {
            assert!(may_hide_flows(fate), "{fate}");
        }
        assert!(["ip-protocol-99", "ip-fragment-orphan", "malformed-or-cut-network"].into_iter().all(may_hide_flows));
        for fate in
            ["tcp", "udp", "ip-fragment", "arp", "llc", "icmp", "icmp-error", "ip-igmp", "ip-ospf", "ethertype-lldp"]
        {
            assert!(!may_hide_flows(fate), "{fate}");
        }
        assert!(!may_hide_flows("ethertype-pppoe-discovery") && !may_hide_flows("ethertype-0x8899"));
    }

    #[test]
    fn a_verdict_needs_both_directions() {
        let sides = |one_sided_flows| TcpSides { with_payload_flows: 100, one_sided_flows };
        assert_eq!(too_one_sided(&TcpSides::default()), None);
        assert_eq!(too_one_sided(&sides(5)), None, "exactly 5%");
        assert!(too_one_sided(&sides(6)).is_some_and(|reason| reason.starts_with("6 of 100 TCP flows")));
    }

    #[test]
    fn a_verdict_needs_all_packets() {
        let none: &[(String, u64)] = &[];
        let clean = capture(1_000, &[("tcp", 900), ("arp", 90), ("ip-gre", 10)]);
        assert_eq!(why_no_verdict(std::slice::from_ref(&clean), none), Vec::<String>::new(), "exactly 1 %");
        let tunnel = capture(1_000, &[("tcp", 989), ("ip-gre", 6), ("ip-ipip", 5)]);
        assert_eq!(why_no_verdict(std::slice::from_ref(&tunnel), none).len(), 1);
        // A recording of which nothing is known is not made good by a larger one.
        let large = capture(1_000_000, &[("tcp", 1_000_000)]);
        assert_eq!(why_no_verdict(&[large, tunnel.clone()], none).len(), 1);
        let mut dropping = clean.clone();
        dropping.dropped = Some(1);
        assert!(why_no_verdict(&[dropping], none)[0].ends_with("dropped 1 packet"));
        let filtered = capture(1_000, &[("tcp", 999), ("filtered", 1)]);
        assert!(why_no_verdict(&[filtered], none)[0].contains("a filter kept out 1 of 1000 frames"));
        let evicted = [("icmp-unattached".to_owned(), 3), ("flows-evicted".to_owned(), 7)];
        let reasons = why_no_verdict(&[clean], &evicted);
        assert!(reasons.len() == 1 && reasons[0].contains("7 flows"), "{reasons:?}");
        for kind in ["streams-given-up", "announcements-dropped", "details-dropped", "sockets-dropped"] {
            let reasons = why_no_verdict(&[], &[(kind.to_owned(), 2), (kind.to_owned(), 3)]);
            assert!(reasons.len() == 1 && reasons[0].ends_with(": 5"), "{kind}: {reasons:?}");
            assert!(why_no_verdict(&[], &[(kind.to_owned(), 0)]).is_empty(), "{kind}");
        }
        assert_eq!(hidden_fates(&[tunnel.clone(), tunnel]), [("ip-gre", 12), ("ip-ipip", 10)]);
    }
}

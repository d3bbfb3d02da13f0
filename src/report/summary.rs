//! The report in sentences: what was recorded, what was counted, what to be careful with. Page and terminal print the
//! same sentences. They hold text from captures as it is; each format escapes it.

use super::ReportData;
use super::gaps;
use super::text::{counted, duration, iso_utc_seconds, span_ns};
use crate::model::{CaptureRow, FindingKind, HostPorts, Orientation, Outcome, Status};

/// Recordings that a warning names before it says "and N more".
const NAMED_RECORDINGS: usize = 5;
/// Kinds of frames that a warning names.
const NAMED_FATES: usize = 12;

/// Something that lowers what may be claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What it is, in two to five words.
    pub head: String,
    /// What it means for the reader, one or two sentences.
    pub text: String,
}

/// What a recording can suffer from: heading, what is counted, the count in one recording, what it means.
type Lowering = (&'static str, &'static str, fn(&CaptureRow) -> u64, &'static str);

fn warning(head: &str, text: String) -> Warning {
    Warning { head: head.to_owned(), text }
}

/// Everything that lowers what may be claimed, guessed roles first.
#[must_use]
pub fn warnings(data: &ReportData) -> Vec<Warning> {
    let mut all = Vec::new();
    all.extend(guessed_roles(data));
    all.extend(damaged(data));
    all.extend(counted_twice(data));
    all.extend(filtered(data));
    all.extend(not_metered(data));
    let per_recording: [Lowering; 5] = [
        (
            "Dropped packets",
            "packets dropped by the recorder",
            |c| c.dropped.unwrap_or(0),
            "Ports, connections and answers may be missing; an attempt may look unanswered although it was answered.",
        ),
        (
            "Cut frames",
            "frames cut by the snap length",
            |c| c.snapped_frames,
            "Addresses, ports and lengths come from the headers and stay exact; what needs payload may be missed.",
        ),
        (
            "Impossible lengths",
            "frames whose stated length cannot be",
            |c| c.reading.implausible_lengths,
            "What was captured of them counts as their length.",
        ),
        (
            "No time stamp",
            "frames without a time stamp",
            |c| c.reading.untimed_frames,
            "The time of the frame before stands in: durations and peaks that rest on them are uncertain.",
        ),
        (
            "Time runs backwards",
            "frames stamped earlier than the frame before",
            |c| c.backward_steps,
            "Near them, order and durations are uncertain.",
        ),
    ];
    for (head, what, measure, meaning) in per_recording {
        all.extend(by_recording(data, head, what, measure, meaning));
    }
    all.extend(by_flow(data));
    all.extend(data.warnings.iter().map(|text| warning("Note", text.clone())));
    all
}

fn guessed_roles(data: &ReportData) -> Option<Warning> {
    let consequence = "What is documented depends on the role, so statuses may be wrong both ways. Name the hosts and \
                       their roles in a site file before anybody acts on this report; nothing guessed becomes a rule.";
    if data.roles_guessed {
        let cause = "which host has which role was inferred from the ports that it served";
        return Some(warning("Roles are guessed", format!("No site file says otherwise: {cause}. {consequence}")));
    }
    let hosts: std::collections::BTreeSet<_> = data.hosts.iter().filter(|h| h.roles_guessed).map(|h| h.host).collect();
    let what = counted(
        hosts.len() as u64,
        "host is not in the site file: its role is",
        "hosts are not in the site file: their roles are",
    );
    (!hosts.is_empty()).then(|| warning("Some roles are guessed", format!("{what} guessed. {consequence}")))
}

fn damaged(data: &ReportData) -> Option<Warning> {
    let broken: Vec<&CaptureRow> = data.captures.iter().filter(|c| c.end != "complete").collect();
    let describe = |c: &&CaptureRow| match &c.end_detail {
        Some(detail) => format!("{} is {}: {detail}", c.name, c.end),
        None => format!("{} is {}", c.name, c.end),
    };
    let meaning = match broken.iter().any(|c| c.reading.resyncs > 0) {
        true => "What could be read on both sides of the damage is in this report, what was passed over is not.",
        false => "What precedes the break is in this report, what follows it is not.",
    };
    let text = format!("{}. {meaning}", listed(&broken, describe));
    (!broken.is_empty()).then(|| warning("Damaged recording", text))
}

fn counted_twice(data: &ReportData) -> Option<Warning> {
    let groups = gaps::same_content(&data.captures);
    let describe = |group: &Vec<&CaptureRow>| listed(group, |c| c.name.clone());
    let text = groups.iter().take(NAMED_RECORDINGS).map(describe).collect::<Vec<_>>().join("; and again ");
    let meaning = "have the same content (SHA-256): every packet in them is counted twice or more. Name one of them.";
    (!groups.is_empty()).then(|| warning("Counted twice", format!("{text} {meaning}")))
}

/// A filter is a choice of the reader, and absence behind it is no absence.
fn filtered(data: &ReportData) -> Option<Warning> {
    let mut filters: Vec<&str> = data.captures.iter().filter_map(|c| c.filter.as_deref()).collect();
    filters.sort_unstable();
    filters.dedup();
    let frames = data.captures.iter().map(gaps::filtered_frames).fold(0, u64::saturating_add);
    let quoted = listed(&filters, |filter| format!("\"{filter}\""));
    let text = format!(
        "A filter was in use and kept out {} of {} frames: {quoted}. Hosts, ports and connections that it hides are missing \
         here: what this report does not show may be there all the same.",
        super::text::count(frames),
        super::text::count(data.frames()),
    );
    (!filters.is_empty()).then(|| warning("Filtered", text))
}

fn not_metered(data: &ReportData) -> Option<Warning> {
    let fates = gaps::hidden_fates(&data.captures);
    let frames = fates.iter().fold(0_u64, |sum, (_, n)| sum.saturating_add(*n));
    let of = super::text::count(data.frames());
    let mut text = format!("{} of {of} frames could not be metered and may hide flows: ", super::text::count(frames));
    let named = |(fate, n): &(&str, u64)| format!("{fate} {}", super::text::count(*n));
    text.push_str(&fates.iter().take(NAMED_FATES).map(named).collect::<Vec<_>>().join(", "));
    if fates.len() > NAMED_FATES {
        text.push_str(&format!(", and {} more kinds", fates.len() - NAMED_FATES));
    }
    text.push('.');
    if data.captures.iter().any(|c| c.first_stop.is_some()) {
        text.push_str(" An example stands in the table of recordings.");
    }
    (frames > 0).then(|| warning("Frames not metered", text))
}

fn by_recording(
    data: &ReportData,
    head: &str,
    what: &str,
    measure: fn(&CaptureRow) -> u64,
    meaning: &str,
) -> Option<Warning> {
    let hit: Vec<&CaptureRow> = data.captures.iter().filter(|c| measure(c) > 0).collect();
    let total = hit.iter().map(|c| measure(c)).fold(0, u64::saturating_add);
    let describe = |c: &&CaptureRow| format!("{} ({})", c.name, super::text::count(measure(c)));
    let text = format!("{} {what}: {}. {meaning}", super::text::count(total), listed(&hit, describe));
    (!hit.is_empty()).then(|| warning(head, text))
}

/// The first few items, and how many more there are.
fn listed<T>(items: &[T], describe: impl Fn(&T) -> String) -> String {
    let mut text = items.iter().take(NAMED_RECORDINGS).map(describe).collect::<Vec<_>>().join("; ");
    if items.len() > NAMED_RECORDINGS {
        text.push_str(&format!("; and {} more", items.len() - NAMED_RECORDINGS));
    }
    text
}

fn by_flow(data: &ReportData) -> Vec<Warning> {
    let mut all = Vec::new();
    let of = |outcome| data.outcomes.iter().filter(|o| o.outcome == outcome).map(|o| o.flows).sum::<u64>();
    let flows = counted(data.flows(), "flow", "flows");
    if data.flows() == 0 {
        all.push(warning(
            "No flows",
            "No TCP or UDP flow was found: nothing in this report proves that a port is unused.".to_owned(),
        ));
    }
    let one_sided = of(Outcome::OneSided);
    if one_sided > 0 {
        let text = "show one direction only: the tap or mirror port misses the other. For these, silence is no \
                    evidence of a block; the table one_sided names the hosts.";
        all.push(warning("One-sided traffic", format!("{} of {flows} {text}", super::text::count(one_sided))));
    }
    let midstream = of(Outcome::Midstream);
    if midstream > 0 {
        let text = "began before the recording: no handshake shows who opened them, and listening ports may be missed.";
        all.push(warning("Late start", format!("{} of {flows} {text}", super::text::count(midstream))));
    }
    let vague = |o: Orientation| matches!(o, Orientation::Guess | Orientation::Unknown);
    let unsure: u64 = data.orientations.iter().filter(|(o, _)| vague(*o)).map(|(_, n)| n).sum();
    if unsure > 0 {
        let text =
            "have a direction that is guessed or unknown. Their ports are in no count of listening or ephemeral ports.";
        all.push(warning("Direction unsure", format!("{} of {flows} {text}", super::text::count(unsure))));
    }
    all
}

/// What was recorded: recordings, frames, interval, hosts, flows.
#[must_use]
pub fn recorded(data: &ReportData) -> String {
    let recordings = counted(data.captures.len() as u64, "recording", "recordings");
    let interval = match (data.start_ns, data.end_ns) {
        (Some(start), Some(end)) => {
            format!(" from {} to {} ({})", iso_utc_seconds(start), iso_utc_seconds(end), duration(span_ns(start, end)))
        }
        _ => String::from(", without any time stamp"),
    };
    let used = |h: &&HostPorts| h.dynamic_listeners + h.static_in_range + h.direction_unknown + h.ephemeral_ports > 0;
    let hosts: std::collections::BTreeSet<_> = data.hosts.iter().filter(used).map(|h| h.host).collect();
    format!(
        "{recordings} of {}{interval}: {}; {} ports of the dynamic range {}–{}.",
        counted(data.frames(), "frame", "frames"),
        counted(data.flows(), "flow", "flows"),
        counted(hosts.len() as u64, "host used", "hosts used"),
        data.dynamic_range.start(),
        data.dynamic_range.end(),
    )
}

/// Hosts with the most listening dynamic ports first, then by ephemeral ports, address and transport.
#[must_use]
pub fn ranked(hosts: &[HostPorts]) -> Vec<&HostPorts> {
    let mut ranked: Vec<&HostPorts> = hosts.iter().collect();
    ranked.sort_by_key(|h| {
        let large_first = (std::cmp::Reverse(h.dynamic_listeners), std::cmp::Reverse(h.ephemeral_ports));
        (large_first, h.host, h.transport)
    });
    ranked
}

/// A host as text: name and address, or the address alone.
#[must_use]
pub fn host_label(host: &HostPorts) -> String {
    if host.name.is_empty() { host.host.to_string() } else { format!("{} ({})", host.name, host.host) }
}

/// What of a host's listening ports is explained: "all explained", "none explained", "49 explained, 2 not".
#[must_use]
pub fn explained(host: &HostPorts) -> String {
    let rest = host.dynamic_listeners.saturating_sub(host.dynamic_listeners_explained);
    match (host.dynamic_listeners_explained, rest) {
        (0, 0) => String::from("none seen"),
        (_, 0) => String::from("all explained"),
        (0, _) => String::from("none explained"),
        (known, rest) => format!("{known} explained, {rest} not"),
    }
}

/// How many findings, by kind, e.g. "3 undocumented, 1 scan".
#[must_use]
pub fn findings_by_kind(data: &ReportData) -> String {
    let number = |kind| data.findings.iter().filter(|f| f.kind == kind).count() as u64;
    FindingKind::ALL
        .iter()
        .map(|k| (number(*k), k.name()))
        .filter(|(n, _)| *n > 0)
        .map(numbered)
        .collect::<Vec<_>>()
        .join(", ")
}

/// How many attempts did not succeed, by outcome, e.g. "2 refused, 1 unanswered".
#[must_use]
pub fn blocked_by_outcome(data: &ReportData) -> String {
    let number = |outcome| data.blocked.iter().filter(|b| b.outcome == outcome).count() as u64;
    Outcome::ALL
        .iter()
        .map(|o| (number(*o), o.name()))
        .filter(|(n, _)| *n > 0)
        .map(numbered)
        .collect::<Vec<_>>()
        .join(", ")
}

fn numbered((number, name): (u64, &str)) -> String {
    format!("{} {name}", super::text::count(number))
}

/// How many findings, in a sentence.
#[must_use]
pub fn findings(data: &ReportData) -> String {
    if data.findings.is_empty() {
        return match data.flows() {
            0 => String::from("No findings, because there are no flows."),
            _ => {
                let timing = match data.timing_only_flows {
                    0 => String::new(),
                    n => format!(
                        ", or a dynamic port explained by timing alone ({})",
                        counted(
                            n,
                            "flow, for which no answer of a broker was read",
                            "flows, for which no answer of a broker was read"
                        )
                    ),
                };
                let explained = data.statuses.iter().filter(|s| s.status == Status::DynamicExplained);
                let announced = explained.map(|s| s.flows).fold(0, u64::saturating_add);
                let announced = match announced.saturating_sub(data.timing_only_flows) {
                    0 => String::new(),
                    n => format!(
                        ", or explained and not documented ({}, by what their own broker announced or by the step before)",
                        counted(n, "flow", "flows")
                    ),
                };
                format!(
                    "No findings: every metered flow that got through is documented, general infrastructure, accepted by \
                     the site file{announced}{timing}."
                )
            }
        };
    }
    let what = counted(data.findings.len() as u64, "finding needs", "findings need");
    format!("{what} a reviewer: {}.", findings_by_kind(data))
}

/// How many attempts did not succeed, in a sentence.
#[must_use]
pub fn blocked(data: &ReportData) -> String {
    if data.blocked.is_empty() {
        let swept = data.findings.iter().any(|f| f.kind == FindingKind::Scan);
        return String::from(match swept {
            true => "Apart from the sweeps above, no connection attempt was seen to fail.",
            false => "No connection attempt was seen to fail.",
        });
    }
    let what = counted(data.blocked.len() as u64, "connection attempt", "connection attempts");
    format!("{what} did not succeed: {}.", blocked_by_outcome(data))
}

/// The sentence that keeps the counts honest.
pub const LOWER_BOUND: &str = "These are the ports that were used on the wire at this tap in this interval: a lower \
                               bound of what the hosts hold.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::demo;

    fn heads(data: &ReportData) -> Vec<String> {
        warnings(data).into_iter().map(|w| w.head).collect()
    }

    #[test]
    fn a_clean_recording_raises_no_warning() {
        assert_eq!(heads(&demo::small()), Vec::<String>::new());
    }

    #[test]
    fn every_damage_is_said_and_guessed_roles_come_first() {
        let expected = [
            "Roles are guessed",
            "Damaged recording",
            "Counted twice",
            "Filtered",
            "Frames not metered",
            "Dropped packets",
            "Cut frames",
            "Impossible lengths",
            "Time runs backwards",
            "One-sided traffic",
            "Late start",
            "Direction unsure",
            "Note",
        ];
        assert_eq!(heads(&demo::hostile()), expected);
    }

    #[test]
    fn single_guessed_hosts_are_counted_once() {
        let mut data = demo::small();
        data.hosts.iter_mut().take(2).for_each(|h| h.roles_guessed = true);
        let all = warnings(&data);
        assert_eq!(all.len(), 1);
        assert!(all[0].text.starts_with("2 hosts are not in the site file"), "{}", all[0].text);
    }

    #[test]
    fn many_damaged_recordings_are_named_up_to_a_limit() {
        let mut data = demo::small();
        let mut broken = data.captures[0].clone();
        broken.end = "truncated".into();
        data.captures = vec![broken; 9];
        assert!(warnings(&data)[0].text.contains("; and 4 more."), "{}", warnings(&data)[0].text);
    }

    #[test]
    fn sentences_count_what_the_rows_hold() {
        let data = demo::small();
        assert_eq!(
            recorded(&data),
            "1 recording of 18,342 frames from 2026-03-02T08:00:00Z to 2026-03-02T09:12:30Z (1 h 12 min): \
             6,431 flows; 4 hosts used ports of the dynamic range 49152–65535."
        );
        assert_eq!(
            findings(&data),
            "6 findings need a reviewer: 3 undocumented, 1 dynamic-unexplained, 1 unexpected-peer, 1 scan."
        );
        assert_eq!(blocked(&data), "3 connection attempts did not succeed: 1 refused, 1 unanswered, 1 prohibited.");
        assert_eq!(ranked(&data.hosts)[0].name, "AC-AGENT");
        assert_eq!(explained(ranked(&data.hosts)[1]), "49 explained, 2 not");
    }

    #[test]
    fn frames_that_may_hide_flows_are_said_whatever_their_share() {
        let mut data = demo::small();
        data.captures[0].fates.extend([("ip-gre".to_owned(), 2), ("ethertype-mpls".to_owned(), 500)]);
        data.captures[0].fates.push(("ethertype-lldp".to_owned(), 9));
        let all = warnings(&data);
        let [warning] = all.as_slice() else { panic!("one warning, not {all:?}") };
        let expected = "502 of 18,342 frames could not be metered and may hide flows: ethertype-mpls 500, ip-gre 2.";
        assert!(warning.text.starts_with(expected), "{}", warning.text);
    }

    #[test]
    fn a_recording_under_two_names_is_said() {
        let mut data = demo::small();
        let mut copy = data.captures[0].clone();
        copy.name = "copy.pcapng".into();
        data.captures.push(copy);
        assert!(data.captures[0].sha256.is_some());
        assert_eq!(heads(&data), ["Counted twice"]);
        assert!(warnings(&data)[0].text.contains("copy.pcapng have the same content"), "{}", warnings(&data)[0].text);
        data.captures.iter_mut().for_each(|c| c.sha256 = None);
        assert_eq!(heads(&data), Vec::<String>::new(), "not computed is not the same");
    }

    #[test]
    fn sweeps_that_failed_are_not_denied() {
        let mut data = demo::small();
        data.blocked.clear();
        assert_eq!(blocked(&data), "Apart from the sweeps above, no connection attempt was seen to fail.");
        data.findings.retain(|f| f.kind != FindingKind::Scan);
        assert_eq!(blocked(&data), "No connection attempt was seen to fail.");
        data.findings.clear();
        assert!(findings(&data).contains("every metered flow"), "{}", findings(&data));
    }

    #[test]
    fn an_empty_report_claims_nothing() {
        let data = demo::empty();
        assert_eq!(heads(&data), ["No flows"]);
        assert!(recorded(&data).starts_with("0 recordings of 0 frames, without any time stamp: 0 flows"));
        assert_eq!(blocked(&data), "No connection attempt was seen to fail.");
    }
}

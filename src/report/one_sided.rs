//! What the tap heard from one side only: the table, the sentence, and what follows for the reader.

use super::ReportData;
use super::tables::{CAPTURE, FILTER, FIRST_FRAME, FIRST_SEEN, LAST_SEEN, PROTOCOL, number, text};
use super::text::{count, counted};
use crate::model::{OneSidedPair, Table, Value};

/// One row a pair of hosts of whose conversations one direction was recorded.
#[must_use]
pub fn table(data: &ReportData) -> Table {
    let columns = vec![
        text("heard_ip", "Host whose packets are in the recording."),
        text("unheard_ip", "Host whose packets to it are not: silence from there proves nothing."),
        PROTOCOL,
        number("flows", "One-sided flows: conversations of which only this direction was recorded."),
        number("packets", "Packets in them, from the host that was heard."),
        number("two_sided_flows", "Other flows between the two, recorded in both directions."),
        number(
            "undetermined_flows",
            "Attempts of the host that was heard of which nobody can tell what became of them.",
        ),
        FIRST_SEEN,
        LAST_SEEN,
        CAPTURE,
        FIRST_FRAME,
        FILTER,
    ];
    let row = |p: &OneSidedPair| {
        vec![
            p.heard.to_string().into(),
            p.unheard.to_string().into(),
            p.transport.name().into(),
            p.flows.into(),
            p.packets.into(),
            p.two_sided_flows.into(),
            p.undetermined_flows.into(),
            Value::TimeNs(p.first_seen_ns),
            Value::TimeNs(p.last_seen_ns),
            p.capture.clone().into(),
            p.first_frame.into(),
            p.display_filter.clone().into(),
        ]
    };
    Table { name: "one_sided", columns, rows: data.one_sided.iter().map(row).collect() }
}

/// How much was heard from one side only, and what cannot be concluded there.
#[must_use]
pub fn sentence(data: &ReportData) -> String {
    if data.one_sided.is_empty() {
        return String::from("No conversation was recorded in one direction only.");
    }
    let flows = data.one_sided.iter().map(|pair| pair.flows).fold(0, u64::saturating_add);
    let pairs = counted(data.one_sided.len() as u64, "pair of hosts", "pairs of hosts");
    let (of, part) = (data.tcp_sides.with_payload_flows, data.tcp_sides.one_sided_flows);
    let share = match of {
        0 => String::new(),
        _ => format!(", {} of the {} TCP flows with payload among them", count(part), count(of)),
    };
    format!(
        "Between {pairs} {} recorded in one direction only{share}. This says something about the tap (a mirror port of \
         one direction, another route back), nothing about the hosts: whether the other side answered, refused or fell \
         silent cannot be told, and none of it counts as blocked.",
        counted(flows, "flow was", "flows were"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::demo;

    #[test]
    fn the_sentence_counts_pairs_and_flows() {
        assert_eq!(sentence(&demo::small()), "No conversation was recorded in one direction only.");
        let text = sentence(&demo::hostile());
        let expected = "Between 1 pair of hosts 41 flows were recorded in one direction only, 40 of the 6,400 TCP flows with \
                        payload among them.";
        assert!(text.starts_with(expected), "{text}");
    }
}

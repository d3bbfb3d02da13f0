//! Who announced which port to whom, and what followed: the table, and the sentence above it.

use super::ReportData;
use super::tables::{CAPTURE, FILTER, FIRST_FRAME, FIRST_SEEN, LAST_SEEN, PROTOCOL, number, text};
use super::text::{count, counted};
use crate::model::{AnnouncementRow, FollowUp, Table, Value};

/// One row for what one broker told one client about one port and subject.
#[must_use]
pub fn table(data: &ReportData) -> Table {
    let columns = vec![
        text("announcer_ip", "Who said it: the broker."),
        number("announcer_port", "From which port."),
        text("told_ip", "Who was told."),
        text("mechanism", "How: ept-map, sql-browser, portmapper, ftp-passive and so on."),
        text("host_ip", "Host that is to listen, by the addresses of the packets."),
        PROTOCOL,
        number("port", "Announced port; empty where nobody is registered, or it could not be read."),
        text("subject", "What is to be found there, by its name in a document or as it was said."),
        text("subject_id", "The same as it was said: UUID, instance, vendor, program."),
        text("version", "Its version, or empty."),
        text("stated_host", "Host as it was stated: another address, a name, 0.0.0.0, or empty."),
        text("tier", "How it was read: structural, or signature-scan where its beginning is missing."),
        number("process_id_low", "Low 16 bits of the server's process identifier, where shown."),
        number("times", "Times that it was said."),
        text(
            "follow_up",
            "What followed: followed, unanswered, refused, prohibited, undetermined, not-followed, alternative (another port of the same answer was called); or not-registered, unreadable.",
        ),
        number("flows", "Calls of this client to this port after it."),
        text("call_capture", "Capture of the first of them; empty without one."),
        number("call_frame", "Its first frame."),
        FIRST_SEEN,
        LAST_SEEN,
        CAPTURE,
        FIRST_FRAME,
        FILTER,
    ];
    let row = |a: &AnnouncementRow| {
        let (call_capture, call_frame) = match &a.first_call {
            Some((capture, frame)) => (capture.as_ref(), Some(*frame)),
            None => ("", None),
        };
        vec![
            a.announcer.ip.to_string().into(),
            a.announcer.port.into(),
            a.told.to_string().into(),
            a.mechanism.name().into(),
            a.host.to_string().into(),
            a.transport.name().into(),
            a.port.into(),
            a.subject.clone().into(),
            a.subject_id.clone().into(),
            a.version.clone().into(),
            a.stated_host.clone().into(),
            a.tier.name().into(),
            a.process_id.map(u32::from).into(),
            a.times.into(),
            a.follow_up.name().into(),
            a.flows.into(),
            call_capture.into(),
            call_frame.into(),
            Value::TimeNs(a.first_seen_ns),
            Value::TimeNs(a.last_seen_ns),
            a.capture.as_ref().into(),
            a.frame.into(),
            a.display_filter.clone().into(),
        ]
    };
    Table { name: "announcements", columns, rows: data.announcements.iter().map(row).collect() }
}

/// How many announcements were heard, and what became of them.
#[must_use]
pub fn sentence(data: &ReportData) -> String {
    if data.announcements.is_empty() {
        return String::from(
            "No broker was heard announcing a port: none was asked, or the recording does not hold its answers.",
        );
    }
    let times = data.announcements.iter().map(|row| row.times).fold(0, u64::saturating_add);
    let heard = counted(times, "announcement of a port was heard", "announcements of ports were heard");
    let number =
        |test: fn(FollowUp) -> bool| data.announcements.iter().filter(|row| test(row.follow_up)).count() as u64;
    let parts = [
        (number(|f| f == FollowUp::Followed), "followed by a call"),
        (number(FollowUp::is_blocked), "followed by a call that did not get through"),
        (number(|f| f == FollowUp::Undetermined), "followed by a call of unknown outcome"),
        (number(|f| f == FollowUp::Alternative), "alternatives that were not taken"),
        (number(|f| f == FollowUp::NotFollowed), "not followed"),
        (number(|f| f == FollowUp::NotRegistered), "asked in vain"),
        (number(|f| f == FollowUp::Unreadable), "unreadable"),
    ];
    let parts = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} {what}", count(*n)));
    let rows = counted(data.announcements.len() as u64, "pair of client and port", "pairs of client and port");
    format!("{heard}, {rows}: {}.", parts.collect::<Vec<_>>().join(", "))
}

//! Sysmon's event 3 (network connection) as XML: one event, several one after the other (`wevtutil qe … /f:xml`), or wrapped in
//! `<Events>` (Event Viewer). Other events are passed over.
//!
//! Source: learn.microsoft.com, sysinternals/downloads/sysmon. `Initiated` false means that a process of this host was called.
//! Which of the two ends is the host's differs between versions then, so that both are held against the host's addresses. The
//! accepted end of a TCP connection counts as listening at that moment. The reader follows no entity and reads no DTD.

use super::builder::{Builder, Draft, Local};
use super::endpoint::address;
use super::error::quoted;
use super::text::LineCounter;
use super::{MAX_LINE_BYTES, time};
use crate::model::{Endpoint, SocketState, Transport};
use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

/// Named values of one event that are kept.
const MOST_FIELDS: usize = 64;

/// One `<Event>` under way.
#[derive(Default)]
struct Record {
    line: u64,
    id: String,
    provider: String,
    fields: Vec<(String, String)>,
    /// Bytes of texts, for the limit.
    bytes: usize,
}

/// Where the text that comes next belongs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Into {
    Nothing,
    Id,
    Field,
}

pub(super) fn read(text: &str, first_line: u64, builder: &mut Builder) {
    let mut reader = Reader::from_str(text);
    let mut lines = LineCounter::new(text, first_line);
    let mut record = None;
    let mut into = Into::Nothing;
    loop {
        let event = match reader.read_event() {
            Ok(event) => event,
            Err(error) => {
                let line = lines.at(reader.error_position());
                let reason = format!("no XML from here on: {}; export the events again", quoted(&error.to_string()));
                return builder.misread(line, reason);
            }
        };
        match event {
            Event::Eof => break,
            Event::Start(start) => into = begin(&start, || lines.at(reader.buffer_position()), &mut record),
            Event::Empty(start) => {
                begin(&start, || lines.at(reader.buffer_position()), &mut record);
                into = Into::Nothing;
            }
            Event::Text(text) => append(&mut record, into, &text.xml10_content()),
            Event::CData(text) => append(&mut record, into, &text.xml10_content()),
            Event::GeneralRef(name) => append(&mut record, into, &referred(&name)),
            Event::End(end) => {
                into = Into::Nothing;
                if end.local_name().as_ref() == "Event"
                    && let Some(record) = record.take()
                {
                    builder.count_line();
                    record.finish(builder);
                }
            }
            _ => {}
        }
    }
    if let Some(record) = record {
        builder.misread(record.line, "the event has no end: the file was cut");
    }
}

fn begin(start: &BytesStart<'_>, line: impl FnOnce() -> u64, record: &mut Option<Record>) -> Into {
    let attribute = |name: &str| {
        let found = start.try_get_attribute(name).ok().flatten();
        found.map(|found| found.value.chars().take(128).collect::<String>()).unwrap_or_default()
    };
    match (start.local_name().as_ref(), record) {
        ("Event", record) => *record = Some(Record { line: line(), ..Record::default() }),
        ("Provider", Some(record)) => record.provider = attribute("Name"),
        ("EventID", Some(_)) => return Into::Id,
        ("Data", Some(record)) if record.fields.len() < MOST_FIELDS => {
            record.fields.push((attribute("Name"), String::new()));
            return Into::Field;
        }
        _ => {}
    }
    Into::Nothing
}

fn append(record: &mut Option<Record>, into: Into, text: &str) {
    let Some(record) = record else { return };
    record.bytes = record.bytes.saturating_add(text.len());
    if record.bytes > MAX_LINE_BYTES {
        return;
    }
    match into {
        Into::Nothing => {}
        Into::Id => record.id.push_str(text),
        Into::Field => {
            if let Some((_, value)) = record.fields.last_mut() {
                value.push_str(text);
            }
        }
    }
}

/// The character of `&amp;` and `&#38;`; nothing for names that a DTD would have to explain.
fn referred(name: &BytesRef<'_>) -> String {
    if let Ok(Some(character)) = name.resolve_char_ref() {
        return character.to_string();
    }
    let name: &str = &name.xml10_content();
    match name {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        _ => "",
    }
    .to_owned()
}

impl Record {
    fn field(&self, name: &str) -> &str {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim()).unwrap_or_default()
    }

    fn finish(self, builder: &mut Builder) {
        let is_sysmon = self.provider.is_empty() || self.provider.contains("Sysmon");
        if self.id.trim() != "3" || !is_sysmon {
            return;
        }
        if self.bytes > MAX_LINE_BYTES {
            return builder.misread(self.line, "longer than 64 KiB: no event of Sysmon is");
        }
        let Ok(transport) = self.field("Protocol").parse::<Transport>() else { return };
        let end = |ip: &str, port: &str| {
            let port = self.field(port).parse().ok();
            address(self.field(ip)).zip(port).map(|(ip, port)| Endpoint { ip, port })
        };
        let ends = end("SourceIp", "SourcePort").zip(end("DestinationIp", "DestinationPort"));
        let Some((source, destination)) = ends else {
            return builder.misread(self.line, "the event has no two endpoints");
        };
        let was_called = self.field("Initiated").eq_ignore_ascii_case("false");
        let (local, remote) = match (builder.is_host(source.ip), builder.is_host(destination.ip)) {
            (true, false) => (source, destination),
            (false, true) => (destination, source),
            // With itself: the source called, whoever reported it.
            (true, true) if was_called => (destination, source),
            (true, true) => (source, destination),
            (false, false) => {
                let reason = format!(
                    "neither {source} nor {destination} is an address of this host: give all of them, joined by +"
                );
                return builder.misread(self.line, reason);
            }
        };
        let state = match transport {
            Transport::Tcp if was_called => SocketState::Listen,
            Transport::Tcp => SocketState::Established,
            Transport::Udp => SocketState::Unconnected,
        };
        let draft = Draft {
            time_ns: time::iso_civil(self.field("UtcTime")).and_then(time::utc_ns),
            local: Local::of(local.ip),
            port: local.port,
            remote: Some(remote),
            state: Some(state),
            process_id: self.field("ProcessId").parse().ok(),
            process: self.field("Image").rsplit(['\\', '/']).next().unwrap_or_default(),
            ..Draft::default()
        };
        builder.socket(self.line, transport, &draft);
    }
}

#[cfg(test)]
#[path = "sysmon_tests.rs"]
mod tests;

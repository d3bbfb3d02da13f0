//! The machine-readable form.

use crate::policy::validation::{HostVerdict, Place, Reason, Validation};
use crate::report::ReportError;
use crate::report::text::visible;
use serde::Serialize;

#[derive(Serialize)]
struct Form {
    tool_version: String,
    range: [u16; 2],
    scope: &'static str,
    verdict: &'static str,
    hosts: Vec<HostForm>,
}

#[derive(Serialize)]
struct HostForm {
    host: String,
    name: String,
    verdict: &'static str,
    measured: MeasuredForm,
    reasons: Vec<ReasonForm>,
    record_next: Vec<&'static str>,
}

#[derive(Serialize)]
struct MeasuredForm {
    listeners_inside: u64,
    listeners_outside: u64,
    local_ports_inside: u64,
    local_ports_outside: u64,
    capacity_tcp_ports: u32,
    peak_tcp_ports: u32,
    peak_at_ns: Option<i64>,
    judged_ns: u64,
    before_ns: Option<u64>,
}

#[derive(Serialize)]
struct ReasonForm {
    check: &'static str,
    weight: &'static str,
    text: String,
    count: u64,
    evidence: Vec<PlaceForm>,
}

#[derive(Serialize)]
struct PlaceForm {
    what: String,
    recording: &'static str,
    source: String,
    frame: Option<u64>,
    time_ns: Option<i64>,
    display_filter: Option<String>,
}

/// The answers as one JSON object, with a line end. Times and lengths are in ns, times since 1970 UTC.
///
/// # Errors
/// When the serialiser fails.
pub fn json(validation: &Validation, tool_version: &str) -> Result<String, ReportError> {
    let form = Form {
        tool_version: tool_version.to_owned(),
        range: [validation.range.first(), validation.range.last()],
        scope: validation.scope.name(),
        verdict: validation.verdict().name(),
        hosts: validation.hosts.iter().map(host).collect(),
    };
    let mut text = serde_json::to_string_pretty(&form)?;
    text.push('\n');
    Ok(text)
}

fn host(of: &HostVerdict) -> HostForm {
    let measured = of.measured;
    HostForm {
        host: of.host.to_string(),
        name: visible(&of.name).into_owned(),
        verdict: of.verdict.name(),
        measured: MeasuredForm {
            listeners_inside: measured.listeners_inside,
            listeners_outside: measured.listeners_outside,
            local_ports_inside: measured.local_ports_inside,
            local_ports_outside: measured.local_ports_outside,
            capacity_tcp_ports: measured.capacity_ports,
            peak_tcp_ports: measured.peak_ports,
            peak_at_ns: measured.peak_at_ns,
            judged_ns: measured.length_ns,
            before_ns: measured.before_length_ns,
        },
        reasons: of.reasons.iter().map(reason).collect(),
        record_next: of.record_next.clone(),
    }
}

fn reason(of: &Reason) -> ReasonForm {
    ReasonForm {
        check: of.check.name(),
        weight: of.weight.name(),
        text: visible(&of.text).into_owned(),
        count: of.count,
        evidence: of.places.iter().map(place).collect(),
    }
}

fn place(of: &Place) -> PlaceForm {
    PlaceForm {
        what: visible(&of.what).into_owned(),
        recording: if of.is_before { "before" } else { "after" },
        source: visible(&of.source).into_owned(),
        frame: of.frame,
        time_ns: of.time_ns,
        display_filter: Some(visible(&of.display_filter).into_owned()).filter(|filter| !filter.is_empty()),
    }
}

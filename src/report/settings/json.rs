//! The machine-readable form.

use super::GENERATOR;
use crate::policy::settings::{Scope, Settings, System};
use crate::report::ReportError;
use serde::Serialize;

#[derive(Serialize)]
struct Form<'a> {
    tool_version: &'a str,
    scope: &'static str,
    range: [u16; 2],
    pool: Vec<[u16; 2]>,
    usable_ports: u32,
    hosts: Vec<String>,
    windows_before: [u16; 2],
    reservations: Vec<ReservationForm>,
    app_endpoints: Vec<EndpointForm<'a>>,
    warnings: &'a [String],
}

#[derive(Serialize)]
struct ReservationForm {
    system: &'static str,
    transport: &'static str,
    ports: [u16; 2],
    sources: String,
}

#[derive(Serialize)]
struct EndpointForm<'a> {
    app_id: &'a str,
    port: u16,
}

fn ends(range: crate::catalog::PortRange) -> [u16; 2] {
    [range.first(), range.last()]
}

fn system_name(system: System) -> &'static str {
    match system {
        System::Windows => "windows",
        System::Linux => "linux",
    }
}

pub(super) fn text(settings: &Settings, tool_version: &str) -> Result<String, ReportError> {
    let reservations = settings.systems.iter().flat_map(|system| {
        settings.reservations(*system).into_iter().map(|reservation| ReservationForm {
            system: system_name(*system),
            transport: reservation.transport.name(),
            ports: ends(reservation.ports),
            sources: reservation.sources,
        })
    });
    let form = Form {
        tool_version,
        scope: match settings.scope {
            Scope::Rpc => "rpc",
            Scope::Allocation => "allocation",
        },
        range: ends(settings.range),
        pool: settings.pool.iter().map(|part| ends(*part)).collect(),
        usable_ports: settings.usable(),
        hosts: settings.hosts.iter().map(ToString::to_string).collect(),
        windows_before: ends(settings.windows_before),
        reservations: reservations.collect(),
        app_endpoints: settings
            .endpoints
            .iter()
            .map(|endpoint| EndpointForm { app_id: endpoint.app.as_str(), port: endpoint.port })
            .collect(),
        warnings: &settings.warnings,
    };
    let body = serde_json::to_string_pretty(&form)?;
    // The generator comes first: by it the directory is recognised.
    let rest = body.strip_prefix('{').unwrap_or_default();
    Ok(format!("{{\n  {GENERATOR},{rest}\n"))
}

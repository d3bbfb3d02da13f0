//! Dynamic ports of hosts: the tables of hosts and of listeners.

use super::ReportData;
use super::tables::{
    CAPTURE, CLIENTS, FILTER, FIRST_FRAME, FIRST_SEEN, FLOWS, HOST_IP, HOST_NAME, LAST_SEEN, PROTOCOL, SERVICE, STATUS,
    flag, names, number, text, time,
};
use crate::model::{Endpoint, HostPorts, Listener, Table, Transport, Value, endpoint_filter, range_filter};
use std::collections::HashMap;
use std::net::IpAddr;

/// One row a host and transport: how many dynamic ports it used.
#[must_use]
pub fn hosts(data: &ReportData) -> Table {
    let columns = vec![
        HOST_IP,
        HOST_NAME,
        text("zone", "Zone of the host in the site file; empty without one."),
        text("roles", "Roles of the host, separated by a semicolon."),
        flag("roles_guessed", "True where the roles were guessed from what the host served."),
        text(
            "recorded_names",
            "Names of the address that the recordings state, at most 5: no proof; empty without one.",
        ),
        PROTOCOL,
        number(
            "dynamic_listener_ports",
            "Distinct dynamic ports that acted as server; documented static ones left out.",
        ),
        number("sure_listener_ports", "Of these, by certain or strong direction."),
        number(
            "explained_listener_ports",
            "Of these, explained by timing: after a question to a broker, or after a documented step.",
        ),
        number("unexplained_listener_ports", "Of these, not explained."),
        number(
            "idle_listener_ports",
            "Dynamic ports at which a host table shows a program waiting that nobody called; empty without such a table.",
        ),
        number("epochs", "Epochs: times between restarts of the host."),
        number("epoch", "The epoch that is counted: the one with the most listeners."),
        number("range_first_port", "First port of its dynamic range."),
        number("range_last_port", "Last port of its dynamic range."),
        text("range_source", "Where the range comes from: site-file, host-table, observed or default."),
        number("static_in_range_ports", "Documented static ports inside the dynamic range that acted as server."),
        number("direction_unknown_ports", "Dynamic ports of flows of guessed or unknown direction; in no other count."),
        number("ephemeral_ports", "Distinct local ports of connections that this host opened."),
        number(
            "peak_in_use_ports",
            "Listeners seen, taken as held throughout, plus the most ephemeral ports at once; without TIME_WAIT.",
        ),
        time("peak_at_ns", "When that peak was reached, nanoseconds since 1970-01-01 UTC."),
        number("time_wait_s", "TIME-WAIT that is reckoned with where the host closed first."),
        number("peak_held_ports", "Most dynamic ports held at once, TIME-WAIT included."),
        time("peak_held_at_ns", "When that peak was reached, nanoseconds since 1970-01-01 UTC."),
        number("peak_held_listener_ports", "Of these, listeners."),
        number("peak_held_conversation_ports", "Of these, local ports of conversations under way."),
        number("peak_held_time_wait_ports", "Of these, in TIME-WAIT only."),
        number("document_observed_ports", "What the vendor's document printed for its own test; for comparison only."),
        text("capture", "Capture of the first contact of a listening dynamic port; empty without one."),
        number("first_frame", "Frame of that first contact."),
        text("display_filter", "Wireshark display filter: packets towards this host's dynamic ports."),
    ];
    let firsts = first_contacts(&data.listeners);
    let row = |h: &HostPorts| {
        let first = firsts.get(&(h.host, h.transport));
        vec![
            h.host.to_string().into(),
            h.name.clone().into(),
            h.zone.clone().into(),
            h.roles.join("; ").into(),
            h.roles_guessed.into(),
            data.recorded_names(h.host).into(),
            h.transport.name().into(),
            h.dynamic_listeners.into(),
            h.dynamic_listeners_sure.into(),
            h.dynamic_listeners_explained.into(),
            h.dynamic_listeners.saturating_sub(h.dynamic_listeners_explained).into(),
            h.idle_listeners.into(),
            h.epochs.into(),
            h.epoch.into(),
            h.range.0.into(),
            h.range.1.into(),
            h.range_source.into(),
            h.static_in_range.into(),
            h.direction_unknown.into(),
            h.ephemeral_ports.into(),
            h.peak_in_use.into(),
            h.peak_at_ns.map_or(Value::Null, Value::TimeNs),
            h.time_wait_s.into(),
            h.peak_held.into(),
            h.peak_held_at_ns.map_or(Value::Null, Value::TimeNs),
            h.peak_held_by[0].into(),
            h.peak_held_by[1].into(),
            h.peak_held_by[2].into(),
            h.document_observed.into(),
            first.map_or(Value::Null, |l| l.capture.clone().into()),
            first.map(|l| l.first_frame).into(),
            range_filter(h.host, h.transport, &data.dynamic_range).into(),
        ]
    };
    Table { name: "hosts", columns, rows: data.hosts.iter().map(row).collect() }
}

/// The earliest listener by host and transport: the example to look at first.
fn first_contacts(listeners: &[Listener]) -> HashMap<(IpAddr, Transport), &Listener> {
    let mut firsts: HashMap<(IpAddr, Transport), &Listener> = HashMap::new();
    for listener in listeners {
        let entry = firsts.entry((listener.host, listener.transport)).or_insert(listener);
        if (listener.first_seen_ns, listener.first_frame) < (entry.first_seen_ns, entry.first_frame) {
            *entry = listener;
        }
    }
    firsts
}

/// One row a dynamic port that acted as server.
#[must_use]
pub fn listeners(data: &ReportData) -> Table {
    let columns = vec![
        HOST_IP,
        HOST_NAME,
        PROTOCOL,
        number("port", "The listening port. It changes at the next restart."),
        text("orientation", "How sure it is that this side listens: the best among its flows."),
        SERVICE,
        STATUS,
        number("epoch", "The epoch of its host in which it was called first, from 1."),
        number("moved_to_port", "The port that its service has since it restarted; empty where it did not."),
        number("visits", "Visits: contacts of a client with at most 60 s of silence between them."),
        flag("is_known", "True where it was open at the start or used for over an hour: no chance discovery."),
        text("process", "Program and identifier, as a host table says; empty where none does."),
        text("process_source", "File and line of the host table."),
        CLIENTS,
        FLOWS,
        FIRST_SEEN,
        LAST_SEEN,
        CAPTURE,
        FIRST_FRAME,
        FILTER,
    ];
    let names = names(data);
    let row = |l: &Listener| {
        vec![
            l.host.to_string().into(),
            names.get(&l.host).copied().unwrap_or_default().into(),
            l.transport.name().into(),
            l.port.into(),
            l.orientation.name().into(),
            l.service.clone().into(),
            l.status.name().into(),
            l.epoch.into(),
            l.moved_to.into(),
            l.visits.into(),
            l.known.into(),
            l.process.clone().into(),
            l.process_source.clone().into(),
            l.clients.into(),
            l.flows.into(),
            Value::TimeNs(l.first_seen_ns),
            Value::TimeNs(l.last_seen_ns),
            l.capture.clone().into(),
            l.first_frame.into(),
            endpoint_filter(Endpoint { ip: l.host, port: l.port }, l.transport).into(),
        ]
    };
    Table { name: "listeners", columns, rows: data.listeners.iter().map(row).collect() }
}

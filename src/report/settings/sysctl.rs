//! Linux: `ip_local_port_range` and `ip_local_reserved_ports` (the kernel's ip-sysctl). Both hold for IPv4 and IPv6.
//!
//! Reserved ports are one list for TCP and UDP, and writing it replaces what was there. Explicit binds to reserved ports still
//! work.

use super::head::{self, Purpose};
use super::lines::{Dialect, Lines};
use crate::catalog::PortRange;
use crate::policy::settings::{Scope, Settings, System};

const RANGE: &str = "net.ipv4.ip_local_port_range";
const RESERVED: &str = "net.ipv4.ip_local_reserved_ports";

/// Ports that are not given out: static ones, and those that are kept for RPC. Ascending, neighbours joined.
fn reserved(settings: &Settings) -> Vec<PortRange> {
    let fixed = settings.reservations(System::Linux).into_iter().map(|reservation| reservation.ports);
    let rpc = (settings.scope == Scope::Rpc).then_some(settings.range);
    let mut all: Vec<PortRange> = fixed.chain(rpc).collect();
    all.sort_unstable();
    let mut joined: Vec<PortRange> = Vec::new();
    for next in all {
        match joined.last_mut() {
            Some(last) if u32::from(next.first()) <= u32::from(last.last()) + 1 => {
                *last = PortRange::spanning(last.first(), last.last().max(next.last()));
            }
            _ => joined.push(next),
        }
    }
    joined
}

/// Names and values, in the order in which they are set.
fn values(settings: &Settings) -> Vec<(&'static str, String)> {
    let mut values = Vec::new();
    let reserved = reserved(settings);
    if !reserved.is_empty() {
        let ports: Vec<String> = reserved.iter().map(ToString::to_string).collect();
        values.push((RESERVED, ports.join(",")));
    }
    if settings.scope == Scope::Allocation {
        values.push((RANGE, format!("{} {}", settings.range.first(), settings.range.last())));
    }
    values
}

fn write_sources(lines: &mut Lines, settings: &Settings) {
    lines.comment("The list of reserved ports replaces the one that is set: add what you need from there first:");
    lines.commented_command("sysctl net.ipv4.ip_local_port_range net.ipv4.ip_local_reserved_ports");
    for reservation in settings.reservations(System::Linux) {
        lines.comment(&format!("{}/{}: {}", reservation.ports, reservation.transport, reservation.sources));
    }
}

/// A file for `/etc/sysctl.d`.
pub(super) fn apply(settings: &Settings, tool_version: &str) -> String {
    let mut lines = Lines::new(Dialect::Unix);
    let purpose = Purpose::Apply { undo: "run undo-settings-linux.sh" };
    head::write(&mut lines, settings, System::Linux, purpose, tool_version);
    lines.comment("Put it into /etc/sysctl.d and run: sysctl --system");
    write_sources(&mut lines, settings);
    for (name, value) in values(settings) {
        lines.line(&format!("{name} = {value}"));
    }
    lines.into_text()
}

/// The same as commands, for a terminal: they hold until the next restart.
pub(super) fn shell(settings: &Settings, tool_version: &str) -> String {
    let mut lines = Lines::new(Dialect::Unix);
    lines.line("#!/bin/sh");
    let purpose = Purpose::Apply { undo: "run the commands at the end, as root" };
    head::write(&mut lines, settings, System::Linux, purpose, tool_version);
    lines.comment("Run it as root. It holds until the host restarts; with -o there is a file for /etc/sysctl.d.");
    write_sources(&mut lines, settings);
    lines.line("set -eu");
    for (name, value) in values(settings) {
        lines.line(&format!("sysctl -w {name}='{value}'"));
    }
    if settings.scope == Scope::Rpc {
        lines.comment("In the section global of smb.conf; then restart Samba:");
        lines.commented_command(&super::samba::setting(settings));
    }
    lines.comment("To take it back (or what the command above showed before):");
    taking_back(settings).iter().for_each(|command| lines.commented_command(command));
    lines.into_text()
}

pub(super) fn undo(settings: &Settings, tool_version: &str) -> String {
    let mut lines = Lines::new(Dialect::Unix);
    lines.line("#!/bin/sh");
    head::write(&mut lines, settings, System::Linux, Purpose::Undo, tool_version);
    lines.comment(
        "Run it as root. It puts back the defaults of the kernel, then whatever other files of /etc/sysctl.d say.",
    );
    if settings.scope == Scope::Rpc {
        lines.comment("Take the line of smb-rpc-ports.conf out of smb.conf by hand, and restart Samba.");
    }
    lines.line("set -eu");
    lines.line("rm -f /etc/sysctl.d/90-portproof-ports.conf");
    taking_back(settings).iter().for_each(|command| lines.line(command));
    lines.line("sysctl --system");
    lines.into_text()
}

/// The defaults of the kernel.
fn taking_back(settings: &Settings) -> Vec<String> {
    let default = System::Linux.default_range();
    let range = (settings.scope == Scope::Allocation)
        .then(|| format!("sysctl -w {RANGE}='{} {}'", default.first(), default.last()));
    // An empty value, which not every sysctl(8) takes on its command line.
    let reserved = "printf '\\n' > /proc/sys/net/ipv4/ip_local_reserved_ports".to_owned();
    range.into_iter().chain([reserved]).collect()
}

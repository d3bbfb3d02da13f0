//! What stands at the head of every script: what it does, whom it affects, what has to be restarted, how it is taken back,
//! and that it proves nothing.

use super::lines::Lines;
use crate::policy::settings::{Scope, Settings, System};

/// Hosts that are named; of more their number is told.
const NAMED_HOSTS: usize = 8;

/// What a script is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It sets; the name is that of the script that takes back.
    Apply { undo: &'static str },
    /// It takes back.
    Undo,
}

/// Writes the head.
pub(super) fn write(lines: &mut Lines, settings: &Settings, system: System, purpose: Purpose, tool_version: &str) {
    let verb = match purpose {
        Purpose::Apply { .. } => "Port settings",
        Purpose::Undo => "Takes port settings back",
    };
    lines.comment(&format!("{verb}, by portproof {tool_version}{}", hosts(settings)));
    lines.comment("");
    match purpose {
        Purpose::Undo => lines.comment(&format!("What it takes back: {}", what(settings, system))),
        Purpose::Apply { undo } => {
            lines.comment(&format!("What it does: {}", what(settings, system)));
            lines.comment(&format!("Whom it affects: {}", whom(settings, system)));
            lines.comment(&format!("Restart: {}", restart(settings, system)));
            lines.comment(&format!("To take it back: {undo}"));
            lines.comment(&format!(
                "This is no proof that the range is large enough. Afterwards record the host at work, a restart included, and \
                 run: portproof validate --range {} --scope {}",
                settings.range,
                match settings.scope {
                    Scope::Rpc => "rpc",
                    Scope::Allocation => "allocation",
                }
            ));
        }
    }
    if purpose != Purpose::Undo && !settings.warnings.is_empty() {
        lines.comment("");
        for warning in &settings.warnings {
            lines.comment(&format!("WARNING: {warning}"));
        }
    }
    lines.comment("");
}

fn hosts(settings: &Settings) -> String {
    match settings.hosts.len() {
        0 => ".".to_owned(),
        few if few <= NAMED_HOSTS => {
            let named: Vec<String> = settings.hosts.iter().map(ToString::to_string).collect();
            format!(", for {}.", named.join(", "))
        }
        many => format!(", for {many} hosts."),
    }
}

fn what(settings: &Settings, system: System) -> String {
    let range = settings.range;
    let reserved = match settings.reservations(system).as_slice() {
        [] => String::new(),
        some => format!(
            " {} reserved, so that the system gives them to nobody else.",
            if some.len() == 1 { "One block of static ports is" } else { "Static ports are" }
        ),
    };
    let endpoints = match (system, settings.endpoints.len()) {
        (System::Linux, _) | (_, 0) => String::new(),
        (System::Windows, 1) => " One DCOM application gets a port of its own.".to_owned(),
        (System::Windows, n) => format!(" {n} DCOM applications get a port of their own each."),
    };
    let first = match (settings.scope, system) {
        (Scope::Rpc, System::Windows) => {
            format!(
                "The RPC runtime takes ports for its listeners from {range} only. Outgoing connections stay as they are."
            )
        }
        (Scope::Rpc, System::Linux) => {
            format!("Ports {range} are kept for the RPC services of Samba. Outgoing connections leave them alone.")
        }
        (Scope::Allocation, _) => format!("The system gives out ports from {range} only, TCP and UDP, IPv4 and IPv6."),
    };
    format!("{first}{endpoints}{reserved}")
}

fn whom(settings: &Settings, system: System) -> String {
    match (settings.scope, system) {
        (Scope::Rpc, System::Linux) => {
            "the RPC services of Samba, and every program whose ports the system chooses.".to_owned()
        }
        (Scope::Rpc, System::Windows) => {
            "every RPC and DCOM server on the host that takes a dynamic port, those of the system included. Programs \
                       with sockets of their own (Socket.IO and the like) do not use RPC, and are not affected."
                .to_owned()
        }
        (Scope::Allocation, _) => {
            "every program on the host, not one product: all its listeners without a fixed port and all its \
                              outgoing connections share these ports, TIME_WAIT included."
                .to_owned()
        }
    }
}

fn restart(settings: &Settings, system: System) -> String {
    match (settings.scope, system) {
        (Scope::Rpc, System::Windows) => {
            "needed. RPC reads the values when the host starts. A malformed value makes it ignore all of them: change them by \
             script only."
        }
        (Scope::Allocation, System::Windows) => {
            "needed for what runs already: programs keep the ports that they have. New ports come from the range at once."
        }
        (Scope::Rpc, System::Linux) => "restart Samba. Connections that are open keep their ports.",
        (Scope::Allocation, System::Linux) => "none; programs keep the ports that they have until they are restarted.",
    }
    .to_owned()
}

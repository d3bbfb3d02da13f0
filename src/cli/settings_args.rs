//! What the user may type after `portproof settings`.

use crate::catalog::{PortRange, PortRef};
use crate::model::Transport;
use crate::policy::settings::{AppEndpoint, Scope, System};
use clap::{Args, ValueEnum};
use std::net::IpAddr;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(
    long_about = "Write the commands that restrict a host's dynamic ports, with what takes them back.\n\n\
    The safe way is the default, --scope rpc: RPC and DCOM listeners get a range of their own, a firewall opens that range and \
    nothing else, and outgoing connections stay as they are. Choose at least 100 ports, above 5000 and best outside \
    49152-65535, so that outgoing connections never take them.\n\n\
    --scope allocation restricts every port that the system gives out, those of all outgoing connections included. When they \
    run out connections fail at once, and no packet shows it. You need it only where a firewall filters by source port.\n\n\
    Ports that documents, the site file or --static name are left out of the range and reserved, so that nobody else gets \
    them. Nothing is set: read the script, then run it on the host.",
    after_help = "Examples:\n  \
    portproof settings --range 20000-20199                          RPC, on Windows: look at the script\n  \
    portproof settings --range 20000-20199 -o settings              the same as files, with undo\n  \
    portproof settings --range 20000-20199 --site site.toml --host 10.0.0.5 -o settings\n  \
    portproof settings --range 20000-20199 --endpoint '{13486D44-4821-11D2-A494-3CB306C10000}=20300'\n  \
    portproof settings --range 50000-51023 --scope allocation --for both -o settings\n\n\
    A range is no proof: afterwards record the host at work, a restart included, and run portproof validate with\n\
    the same --range, --scope and --static.\n\
    Exit codes: 0 done; 2 refused, wrong usage, or could not run."
)]
pub(super) struct SettingsArgs {
    /// The range, both ends included, e.g. 20000-20199.
    #[arg(long, value_name = "FIRST-LAST")]
    pub(super) range: PortRange,
    /// What the range is for.
    #[arg(long, value_enum, default_value = "rpc")]
    pub(super) scope: ScopeArg,
    /// A host that it is meant for; may be given several times. With --site only the static ports of its roles count.
    #[arg(long = "host", value_name = "ADDRESS")]
    pub(super) hosts: Vec<IpAddr>,
    /// A static port to leave alone, e.g. 54967/tcp or 54967-54969/udp; may be given several times.
    #[arg(long = "static", value_name = "PORT/TRANSPORT", value_parser = fixed)]
    pub(super) fixed: Vec<FixedArg>,
    /// Site file: roles of hosts, pinned ports, the dynamic range of today.
    #[arg(long, value_name = "FILE")]
    pub(super) site: Option<PathBuf>,
    /// A further document of services, in TOML; may be given several times.
    #[arg(long = "document", value_name = "FILE")]
    pub(super) documents: Vec<PathBuf>,
    /// A port of its own for a DCOM application; may be given several times. Choose it outside of the range.
    #[arg(long = "endpoint", value_name = "{APPID}=PORT")]
    pub(super) endpoints: Vec<AppEndpoint>,
    /// The system of the host.
    #[arg(long = "for", value_enum, default_value = "windows")]
    pub(super) system: SystemArg,
    /// Write files into this folder instead of one script to standard output. Earlier settings there are replaced.
    #[arg(short, long, value_name = "DIR", conflicts_with = "json")]
    pub(super) output: Option<PathBuf>,
    /// Print the settings as JSON.
    #[arg(long)]
    pub(super) json: bool,
    /// Also where fewer than 100 ports are left for RPC, or the range overlaps ports of known services. Those are left out of it.
    #[arg(long)]
    pub(super) force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ScopeArg {
    /// Listeners of RPC and DCOM; the safe choice
    Rpc,
    /// Every port that the system gives out, outgoing connections included
    Allocation,
}

impl From<ScopeArg> for Scope {
    fn from(scope: ScopeArg) -> Self {
        match scope {
            ScopeArg::Rpc => Self::Rpc,
            ScopeArg::Allocation => Self::Allocation,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SystemArg {
    /// Windows: netsh, the registry, PowerShell
    Windows,
    /// Linux: sysctl, and Samba for RPC
    Linux,
    /// Both, as files
    Both,
}

impl SystemArg {
    pub(super) fn systems(self) -> Vec<System> {
        match self {
            Self::Windows => vec![System::Windows],
            Self::Linux => vec![System::Linux],
            Self::Both => vec![System::Windows, System::Linux],
        }
    }
}

/// Static ports that the user names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FixedArg {
    ports: PortRange,
    transport: Transport,
}

impl FixedArg {
    pub(super) fn block(self) -> (Transport, PortRange) {
        (self.transport, self.ports)
    }

    pub(super) fn ports(self) -> impl Iterator<Item = PortRef> {
        self.ports.as_inclusive().map(move |port| PortRef { transport: self.transport, port })
    }
}

/// Reads `54967/tcp` or `54967-54969/udp`.
pub(super) fn fixed(text: &str) -> Result<FixedArg, String> {
    let (ports, transport) = text.split_once('/').ok_or("write the transport too, as in 54967/tcp")?;
    let transport = match transport.trim().to_ascii_lowercase().as_str() {
        "tcp" => Transport::Tcp,
        "udp" => Transport::Udp,
        _ => return Err("the transport is tcp or udp, as in 54967/tcp".into()),
    };
    Ok(FixedArg { ports: ports.parse()?, transport })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn static_ports_have_a_transport() {
        let ports = |text| fixed(text).map(|arg| arg.ports().map(|port| port.to_string()).collect::<Vec<_>>());
        assert_eq!(ports("54967/tcp"), Ok(vec!["54967/tcp".to_owned()]));
        assert_eq!(ports("9-10/UDP"), Ok(vec!["9/udp".to_owned(), "10/udp".to_owned()]));
        for wrong in ["54967", "54967/sctp", "0/tcp", "70000/tcp", "a/tcp", "/tcp", "9-3/tcp"] {
            assert!(ports(wrong).is_err(), "{wrong}");
        }
    }
}

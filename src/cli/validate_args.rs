//! What the user may type after `portproof validate`.

use super::args::JudgeArgs;
use super::settings_args::{FixedArg, fixed};
use crate::catalog::PortRange;
use crate::policy::validation::Scope;
use clap::{Args, ValueEnum};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Args)]
#[command(
    long_about = "Say whether a restricted range of dynamic ports holds, host by host: holds, does not hold, or not enough evidence.\n\n\
    Record the host after the range was set: while it restarts, and at its usual work. Against the range speak listeners and \
    announced ports outside of it (documented static ports excepted), announced ports that cannot be reached, services that do not \
    register, and, with --before, connections that are gone or much slower.\n\n\
    A host without a free port sends nothing: no recording shows that a range is large enough. So a range of which more than 80% \
    was held at once is never said to hold, and nor is one of fewer than 100 ports (255 for --scope allocation), one that no \
    restart, host table or --restarted vouches for, or one that was recorded for less than --at-least.",
    after_help = "Examples:\n  \
    portproof validate --range 50000-50319 after.pcapng --site site.toml\n  \
    portproof validate --range 50000-50319 --scope rpc --host 10.0.0.5 after.pcapng --before before.pcapng\n  \
    portproof validate --range 50000-50319 after.pcapng --host-table 10.0.0.5=netstat.txt\n  \
    portproof validate --range 50000-51023 --scope allocation ring/*.pcapng --before facts --json > verdict.json\n\n\
    Each reason names what was measured, and capture, frame, time and a display filter for Wireshark.\n\
    Exit codes: 0 every host holds; 1 some host does not; 3 not enough evidence for some host, and none that does not hold;\n            \
    2 usage, or could not run; 4 an input was damaged or unreadable."
)]
pub(super) struct ValidateArgs {
    /// The range that was set, both ends included, e.g. 50000-50319.
    #[arg(long, value_name = "FIRST-LAST")]
    pub(super) range: PortRange,
    /// What the range is for.
    #[arg(long, value_enum, default_value = "listeners")]
    pub(super) scope: ScopeArg,
    /// A host that the range was set on; may be given several times. Without it: every host with ports in scope.
    #[arg(long = "host", value_name = "ADDRESS")]
    pub(super) hosts: Vec<IpAddr>,
    /// A static port to leave alone, as given to "portproof settings": 54967/tcp or 54967-54969/udp; also what --endpoint gave to an
    /// application. May be given several times.
    #[arg(long = "static", value_name = "PORT/TRANSPORT", value_parser = fixed)]
    pub(super) fixed: Vec<FixedArg>,
    /// A recording of the same work from before the change: a capture, or a store that "portproof meter" made.
    #[arg(long, value_name = "STORE|CAPTURE")]
    pub(super) before: Option<PathBuf>,
    /// The hosts restarted, with the range set, before the recording began: all of it is judged.
    #[arg(long)]
    pub(super) restarted: bool,
    /// The shortest time to judge: less than that is never said to hold. 0 for any.
    #[arg(long, value_name = "TIME", value_parser = super::args::time, default_value = "10m")]
    pub(super) at_least: Duration,
    /// Print the answer as JSON.
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) judge: JudgeArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ScopeArg {
    /// Every dynamic port at which the host serves
    Listeners,
    /// Those of RPC and DCOM: announced by an endpoint mapper, or speaking DCE/RPC
    Rpc,
    /// Every port that the system gives out, local ports of outgoing connections included
    Allocation,
}

impl From<ScopeArg> for Scope {
    fn from(scope: ScopeArg) -> Self {
        match scope {
            ScopeArg::Listeners => Self::Listeners,
            ScopeArg::Rpc => Self::Rpc,
            ScopeArg::Allocation => Self::Allocation,
        }
    }
}

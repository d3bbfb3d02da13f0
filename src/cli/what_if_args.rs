//! What the user may type after `portproof what-if`.

use super::args::JudgeArgs;
use super::settings_args::FixedArg;
use crate::catalog::PortRange;
use crate::dynamic_ports::what_if::AllocationOrder;
use crate::policy::settings::Scope;
use clap::{Args, ValueEnum};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Seed where none is given.
const SEED: u64 = 1;

#[derive(Debug, Args)]
#[command(
    long_about = "Replay what hosts asked for against another range of dynamic ports.\n\n\
    Takes a recording from before the change, counts which ports each host held and for how long (listeners, outgoing \
    connections, TIME-WAIT of what the host closed first), and gives that demand a range of your choice: how many would have \
    found no port, when it was tightest, what held the ports then, and how soon a number would be used again. A port of the \
    range that a document, the site file, a host table or --static holds is not counted on.\n\n\
    It answers for what was recorded. A range that held it may still be too small: see the end of the output.",
    after_help = "Examples:\n  \
    portproof what-if --range 50000-50319 before.pcapng --site site.toml\n  \
    portproof what-if --range 50000-50319 before.pcapng --host 10.0.0.5 --sweep\n  \
    portproof what-if --range 50000-50319 before.pcapng --sweep --chart sizes.svg\n  \
    portproof what-if --range 20000-20199 --scope rpc before.pcapng      a range for RPC listeners alone\n  \
    portproof what-if --range 50000-50319 before.pcapng --time-wait 2m --order random --seed 7\n  \
    portproof what-if --range 50000-50319 before.pcapng --json | jq '.hosts[] | {host, wanted_ports}'\n\n\
    Choose a recording of the busiest work, with a restart of the services in it.\n\
    Exit codes: 0 all recorded demand found a port; 1 some did not; 2 usage, or could not run;\n            \
    3 nothing to replay, or none was blocked but the captures miss packets;\n            \
    4 done, but an input was damaged or unreadable."
)]
pub(super) struct WhatIfArgs {
    /// The range, both ends included, e.g. 50000-50319.
    #[arg(long, value_name = "FIRST-LAST")]
    pub(super) range: PortRange,
    /// Who takes ports from the range.
    #[arg(long, value_enum, default_value = "allocation")]
    pub(super) scope: ScopeArg,
    /// Only this host; may be given several times. Without it every host that had dynamic ports in use.
    #[arg(long = "host", value_name = "ADDRESS")]
    pub(super) hosts: Vec<IpAddr>,
    /// How the host picks among free ports. It decides how soon a number is used again, not how many demands are blocked.
    #[arg(long, value_enum, default_value = "sequential")]
    pub(super) order: OrderArg,
    /// Seed of the random order; the same seed gives the same answer. 1 without it.
    #[arg(long, value_name = "NUMBER")]
    pub(super) seed: Option<u64>,
    /// TIME-WAIT of all hosts. Without it 240 s, the longest of Windows, and 60 s for hosts with the range of Linux.
    #[arg(long, value_name = "TIME", value_parser = super::args::time)]
    pub(super) time_wait: Option<Duration>,
    /// A port or a block that the range cannot give, e.g. 54967/tcp or 50000-50099/tcp; may be given several times.
    #[arg(long = "static", value_name = "PORT/TRANSPORT", value_parser = super::settings_args::fixed)]
    pub(super) left_out: Vec<FixedArg>,
    /// Try other sizes too: a table of ports against failures.
    #[arg(long)]
    pub(super) sweep: bool,
    /// Write the sweep as a chart to this file, in SVG. Implies --sweep. An existing file is not overwritten.
    #[arg(long, value_name = "FILE")]
    pub(super) chart: Option<PathBuf>,
    /// Overwrite the chart's file if it exists.
    #[arg(long, requires = "chart")]
    pub(super) force: bool,
    /// Print JSON instead of text.
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) judge: JudgeArgs,
}

impl WhatIfArgs {
    /// The order of allocation; an error where a seed is given that has no effect.
    pub(super) fn order(&self) -> Result<AllocationOrder, &'static str> {
        match (self.order, self.seed) {
            (OrderArg::Sequential, None) => Ok(AllocationOrder::Sequential),
            (OrderArg::Sequential, Some(_)) => Err("--seed is for --order random"),
            (OrderArg::Random, seed) => Ok(AllocationOrder::Random { seed: seed.unwrap_or(SEED) }),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ScopeArg {
    /// Listeners of every kind, those of RPC and DCOM among them: more than RPC alone would need. Outgoing connections take their
    /// ports elsewhere
    #[value(alias = "listeners")]
    Rpc,
    /// Everything that the system gives a port: listeners, outgoing connections, TIME-WAIT
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
pub(super) enum OrderArg {
    /// The next free number after the last
    Sequential,
    /// The first free number from a random one on (RFC 6056, algorithm 1)
    Random,
}

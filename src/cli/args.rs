//! What the user may type.

use super::catalog_args::CatalogArgs;
use super::host_args::HostTableArgs;
use super::settings_args::SettingsArgs;
use super::site_args::SiteArgs;
use super::validate_args::ValidateArgs;
use super::what_if_args::WhatIfArgs;
use crate::decode::DecodeSettings;
use crate::metering::{MeterSettings, StreamSettings};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

/// Prove which ports a system really needs.
///
/// portproof reads packet captures, meters the TCP and UDP flows in them, sorts each flow into the services that the
/// vendor's documents list, and reports what no document covers, which attempts were blocked, and how many dynamic ports
/// each host really used.
#[derive(Debug, Parser)]
#[command(
    version,
    max_term_width = 100,
    after_help = "First steps:\n  \
        portproof report capture.pcapng -o reports/first      a report to open in a browser\n  \
        portproof flows capture.pcapng --format csv           one row per flow\n  \
        portproof explain 10.0.0.5:7002 capture.pcapng        why is this port in use?\n\n\
        Exit codes: 0 done; 1 findings (report --check) or a negative verdict (catalog, what-if, validate);\n            \
        2 usage, or could not run;\n            \
        3 nothing could be metered, or too little for a verdict (report --check, validate);\n            \
        4 done, but an input was damaged or unreadable."
)]
pub struct Arguments {
    /// Say less: no progress, no summary of what was done.
    #[arg(short, long, global = true)]
    pub quiet: bool,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Turn captures into a report: terminal summary, HTML page, CSV, JSON and Parquet tables.
    Report(ReportArgs),
    /// Print one row per flow, judged.
    Flows(FlowsArgs),
    /// Say who used a port, who it belongs to, and why it is documented or not.
    Explain(ExplainArgs),
    /// Meter captures into a store of facts, to be judged later and more than once.
    Meter(MeterArgs),
    /// Record packets from an interface to a pcapng file.
    Record(RecordArgs),
    /// Ask, check and export the documents that say which ports are needed.
    Catalog(CatalogArgs),
    /// Make a site file: which host plays which part.
    Site(SiteArgs),
    /// Replay what hosts asked for against another range of dynamic ports.
    WhatIf(WhatIfArgs),
    /// Write the commands that restrict a host's dynamic ports, with what takes them back.
    Settings(SettingsArgs),
    /// Say whether a restricted range of dynamic ports holds.
    Validate(ValidateArgs),
}

const CAPTURES_HELP: &str = "Captures (pcap or pcapng, also gzip, zstd or xz), directories of captures, patterns, or - for \
    standard input. Several captures are read as one, in time order.";

pub(super) const INPUTS_HELP: &str = "Captures (pcap or pcapng, also gzip, zstd or xz), directories of captures, patterns, - for \
    standard input, or folders that \"portproof meter\" made. Several captures are read as one, in time order.";

#[derive(Debug, Args)]
pub(super) struct JudgeArgs {
    /// Captures or stores
    #[arg(required = true, value_name = "CAPTURE|STORE", long_help = INPUTS_HELP)]
    pub(super) inputs: Vec<PathBuf>,
    /// Site file: which address has which role, what the site allows and accepts. Without it roles are guessed.
    #[arg(long, value_name = "FILE")]
    pub(super) site: Option<PathBuf>,
    /// A further document of services, in TOML; may be given several times.
    #[arg(long = "document", value_name = "FILE")]
    pub(super) documents: Vec<PathBuf>,
    /// Where the answer of a port broker (endpoint mapper) cannot be read, a dynamic port that its client calls within this time
    /// after asking counts as explained by timing alone, the weakest evidence.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "10s")]
    pub(super) broker_within: Duration,
    #[command(flatten)]
    pub(super) hosts: HostTableArgs,
    #[command(flatten)]
    pub(super) meter: MeterOptions,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    portproof report backup.pcapng --site site.toml -o reports/backup\n  \
    portproof report ring/*.pcapng.gz -o reports/ring --check && echo nothing undocumented\n  \
    portproof report backup.pcapng --host-table 10.0.0.5=netstat.txt -o reports/backup\n\n\
    DIR holds index.html (self-contained, to open or mail) and one CSV, JSON and Parquet file per table.\n\
    An earlier report there is replaced; anything else is refused and left alone.")]
pub(super) struct ReportArgs {
    /// Where to put the report.
    #[arg(short, long, value_name = "DIR")]
    pub(super) output: PathBuf,
    /// For scripts: exit with 1 when there are findings or blocked attempts, and with 3 when there are none but the
    /// captures miss packets or hold many that cannot be metered.
    #[arg(long)]
    pub(super) check: bool,
    /// How long a host holds a port after it closed a connection, in place of 240 s, and 60 s where its calls look like Linux.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(super) time_wait: Option<Duration>,
    /// How long one work cycle of the plant lasts (a backup schedule, a shift, a batch): two whole ones must be recorded before
    /// a restriction is called safe.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "24h")]
    pub(super) work_cycle: Duration,
    #[command(flatten)]
    pub(super) judge: JudgeArgs,
}

/// A time as ns.
pub(super) fn ns(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

/// Formats of the flow table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Comma-separated values, with a header line.
    Csv,
    /// One JSON object: columns with their meanings, and rows.
    Json,
    /// Apache Parquet.
    Parquet,
}

#[derive(Debug, Args)]
#[command(after_help = "Columns are named in the header line of the CSV; their meanings are in the JSON form.\n\
    \"orientation\" says how sure initiator and responder are; when it is unknown,\n\
    initiator is only the sender of the first packet seen.\n\nExample:\n  \
    portproof flows *.pcapng --format csv > flows.csv")]
pub(super) struct FlowsArgs {
    /// Format of the output.
    #[arg(long, value_enum, default_value = "csv")]
    pub(super) format: Format,
    /// Write to this file instead of standard output. An existing one is not overwritten.
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Overwrite the file if it exists.
    #[arg(long)]
    pub(super) force: bool,
    #[command(flatten)]
    pub(super) judge: JudgeArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    portproof explain 10.0.0.5:7002 capture.pcapng\n  \
    portproof explain '[fe80::1]:135' capture.pcapng --site site.toml")]
pub(super) struct ExplainArgs {
    /// The endpoint, e.g. 10.0.0.5:7002 or [fe80::1]:135. A bare port means that port at every host.
    #[arg(value_name = "HOST:PORT", value_parser = endpoint)]
    pub(super) endpoint: (Option<IpAddr>, u16),
    #[command(flatten)]
    pub(super) judge: JudgeArgs,
}

#[derive(Debug, Args)]
#[command(
    after_help = "The store holds facts only: no document and no site file enters. Host tables are facts too, and stay with the captures.\n\
    Judge it as often as you like:\n  \
    portproof meter *.pcapng -o facts && portproof report facts --site site.toml -o reports/today\n\
    Metering the same captures again replaces their part of the store; other captures are added beside it."
)]
pub(super) struct MeterArgs {
    /// Captures
    #[arg(required = true, value_name = "CAPTURE", long_help = CAPTURES_HELP)]
    pub(super) inputs: Vec<PathBuf>,
    /// Folder of the store; made if it is not there.
    #[arg(short, long, value_name = "STORE")]
    pub(super) output: PathBuf,
    /// Compute the SHA-256 of every capture ("report CAPTURES" does it always).
    #[arg(long)]
    pub(super) hash: bool,
    #[command(flatten)]
    pub(super) hosts: HostTableArgs,
    #[command(flatten)]
    pub(super) meter: MeterOptions,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Metering (of captures; a store is metered already)")]
pub(super) struct MeterOptions {
    /// Meter only frames that match this filter, in the language of tcpdump [pcap-filter(7)]. It sees the captured bytes
    /// only, and frames with a VLAN tag only behind the word vlan: "tcp port 135 or (vlan and tcp port 135)". The others are
    /// counted, and the report says that a filter was in use.
    #[arg(short = 'f', long, value_name = "BPF")]
    pub(super) filter: Option<String>,
    /// Silence in packet time that ends a UDP flow. Once --max-flows are held, 5 minutes are enough.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "24h")]
    pub(super) udp_idle: Duration,
    /// Silence that ends a TCP connection. Once --max-flows are held, 5 minutes are enough.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "24h")]
    pub(super) tcp_idle: Duration,
    /// Silence that ends a TCP connection that is opening or closed [RFC 5382: 4 minutes].
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "4m")]
    pub(super) tcp_transitory: Duration,
    /// Cut flows that last longer than this into several records; by default they are not cut.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) active: Option<Duration>,
    /// Flows that metering holds at once (about 0.3 kB each); then the longest silent one gives way. (Judging holds
    /// all flows of its captures: about 0.4 kB each in report, 1 to 2 kB in flows, explain, validate and what-if.)
    #[arg(long, value_name = "N", default_value_t = MeterSettings::default().max_flows, value_parser = max_flows)]
    pub(super) max_flows: usize,
    /// Leave out copies of packets, as SPAN ports and merged captures hold them. Without it they are counted, and told.
    #[arg(long)]
    pub(super) dedup: bool,
    /// Leave out packets with a wrong IPv4, TCP or UDP checksum. Beware: recordings made on a sending host hold unfilled ones.
    #[arg(long)]
    pub(super) verify_checksums: bool,
    /// Do not look into payload: no protocols, no names, and nobody is heard announcing a port.
    #[arg(long)]
    pub(super) headers_only: bool,
    /// Threads that read, decode and meter; what they give is the same for any number. More than 2 are no faster; by default 2
    /// where there are as many processors.
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<NonZeroUsize>,
}

impl MeterOptions {
    /// The options that are not as they are by default.
    pub(super) fn changed(&self) -> Vec<&'static str> {
        let (settings, default) = (self.settings(), MeterSettings::default());
        let changed = [
            ("--filter", self.filter.is_some()),
            ("--udp-idle", settings.udp_idle_ns != default.udp_idle_ns),
            ("--tcp-idle", settings.tcp_idle_ns != default.tcp_idle_ns),
            ("--tcp-transitory", settings.tcp_transitory_ns != default.tcp_transitory_ns),
            ("--active", self.active.is_some()),
            ("--max-flows", settings.max_flows != default.max_flows),
            ("--dedup", self.dedup),
            ("--verify-checksums", self.verify_checksums),
            ("--headers-only", self.headers_only),
        ];
        changed.into_iter().filter_map(|(name, changed)| changed.then_some(name)).collect()
    }

    pub(super) fn threads(&self) -> NonZeroUsize {
        self.threads.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
    }

    pub(super) fn settings(&self) -> MeterSettings {
        let ns = |time: Duration| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
        MeterSettings {
            max_flows: self.max_flows,
            udp_idle_ns: ns(self.udp_idle),
            tcp_idle_ns: ns(self.tcp_idle),
            tcp_transitory_ns: ns(self.tcp_transitory),
            active_ns: self.active.map(ns),
            leave_out_copies: self.dedup,
            decode: DecodeSettings { verify_checksums: self.verify_checksums },
            streams: StreamSettings { enabled: !self.headers_only, ..StreamSettings::default() },
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    portproof record --list\n  \
    portproof record -i eth0 --for 10m -o captures/backup.pcapng\n  \
    portproof record -i eth0 'host 10.0.0.5 and not port 3389' -o captures/server.pcapng\n\n\
    Ctrl-C ends the recording cleanly. Recording needs a right that ordinary users lack:\n  \
    run it as root, or give the program that right once:\n  \
    sudo setcap cap_net_raw,cap_net_admin=eip $(command -v portproof)")]
pub(super) struct RecordArgs {
    /// List the interfaces that can be recorded from, and stop.
    #[arg(long)]
    pub(super) list: bool,
    /// Interface to record from; "any" means all of them (Linux).
    #[arg(short, long, value_name = "IF", required_unless_present = "list")]
    pub(super) interface: Option<String>,
    /// File to write. An existing one is not overwritten.
    #[arg(short, long, value_name = "FILE", required_unless_present = "list")]
    pub(super) output: Option<PathBuf>,
    /// Stop after this time, e.g. 30s, 10m, 8h. Without it: until Ctrl-C.
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub(super) time: Option<Duration>,
    /// Bytes kept of each packet. Announcements of dynamic ports need whole packets.
    #[arg(long, value_name = "BYTES", default_value_t = 262_144, value_parser = clap::value_parser!(u32).range(64..=262_144))]
    pub(super) snap_length: u32,
    /// Kernel buffer, MiB. A larger one survives longer bursts without drops.
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(super) buffer: u32,
    /// Do not put the interface into promiscuous mode.
    #[arg(long)]
    pub(super) no_promiscuous: bool,
    /// Overwrite the file if it exists.
    #[arg(long)]
    pub(super) force: bool,
    /// Capture filter in tcpdump's language (pcap-filter(7)).
    #[arg(value_name = "FILTER")]
    pub(super) filter: Vec<String>,
}

fn max_flows(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n) if (1..=1_000_000_000).contains(&n) => Ok(n),
        _ => Err("a number from 1 to 1000000000".into()),
    }
}

/// Times such as `90`, `30s`, `10m`, `8h`, `2d`; a bare number means seconds.
/// A time above zero.
fn duration(text: &str) -> Result<Duration, String> {
    let above_zero = Some(time(text)?).filter(|time| !time.is_zero());
    above_zero.ok_or_else(|| NO_TIME.to_owned())
}

const NO_TIME: &str = "a time above zero, such as 30s, 10m or 8h";

/// A time, 0 allowed.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit_s = match &text[digits.len()..] {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        other => return Err(format!("\"{other}\" is not a unit of time: use s, m, h or d, as in 10m")),
    };
    let number: f64 = digits.parse().map_err(|_| "a time such as 30s, 10m or 8h".to_owned())?;
    Duration::try_from_secs_f64(number * unit_s).map_err(|_| NO_TIME.to_owned())
}

fn endpoint(text: &str) -> Result<(Option<IpAddr>, u16), String> {
    if let Ok(address) = text.parse::<std::net::SocketAddr>() {
        return Ok((Some(address.ip()), address.port()));
    }
    if let Ok(port) = text.trim_start_matches(':').parse() {
        return Ok((None, port));
    }
    Err(match text.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => format!("the port is missing: write {ip}:PORT"),
        Ok(IpAddr::V6(ip)) => format!("the port is missing: write [{ip}]:PORT"),
        Err(_) => "an address and a port such as 10.0.0.5:7002 or [fe80::1]:135, or a bare port".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn options_of_metering_are_told_where_they_differ_from_the_default() {
        let changed = |more: &[&str]| {
            let line = [&["portproof", "flows", "x"], more].concat();
            let Command::Flows(flows) = Arguments::try_parse_from(line).unwrap().command else { panic!("flows") };
            flows.judge.meter.changed()
        };
        assert_eq!(changed(&[]), Vec::<&str>::new());
        let given = "--filter tcp --udp-idle 1h --tcp-idle 1h --tcp-transitory 1m --active 1h --max-flows 9 --dedup \
                     --verify-checksums";
        let names: Vec<&str> = given.split(' ').filter(|word| word.starts_with("--")).collect();
        assert_eq!(changed(&given.split(' ').collect::<Vec<_>>()), names);
    }

    #[test]
    fn times_and_endpoints_are_read_as_people_write_them() {
        assert_eq!(duration("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(duration("1.5h"), Ok(Duration::from_secs(5_400)));
        assert!(duration("10 weeks").is_err() && duration("0").is_err() && duration("-3s").is_err());
        assert!(duration("1e300h").is_err());
        assert_eq!(endpoint("[::1]:135"), Ok((Some("::1".parse().unwrap()), 135)));
        assert_eq!(endpoint("7002"), Ok((None, 7002)));
        assert!(endpoint("server:7002").is_err());
    }
}

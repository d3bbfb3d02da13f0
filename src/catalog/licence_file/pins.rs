//! Pins: which daemon listens at which port, for the site file.

use super::text::{quoted, shown};
use super::{LICENCE_MANAGER, LicenceFile, LicenceProblem, LicenceSeverity, LicenceWarning, RATIONAL, RationalState};
use crate::catalog::{ANY_ROLE, Target, Who};
use crate::model::Transport;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::net::IpAddr;
use std::path::Path;
use std::str::FromStr;

/// Longest identifier of a role.
const MAX_ROLE_CHARACTERS: usize = 64;

/// Hosts and lines that are listed one by one.
const LISTED: usize = 8;

/// The hosts that a pin is for: a role, an address or a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinPlace(Who);

impl PinPlace {
    /// The role, where it is one.
    #[must_use]
    pub fn role(&self) -> Option<&str> {
        match &self.0 {
            Who::Role(role) => Some(role),
            Who::Any | Who::Target(_) => None,
        }
    }
}

impl FromStr for PinPlace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self(Who::Target(Target::Address(address.to_canonical()))));
        }
        if text.contains('/') {
            let net: IpNet = text.parse().map_err(|_| "a network such as 10.0.0.0/24 or fd00::/64".to_owned())?;
            return match net.trunc() == net {
                true => Ok(Self(Who::Target(Target::Network(net)))),
                false => Err(format!("{net} has bits beyond its prefix: write {}", net.trunc())),
            };
        }
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let role = (1..=MAX_ROLE_CHARACTERS).contains(&text.len()) && text.bytes().all(plain);
        if role && text != ANY_ROLE {
            return Ok(Self(Who::Role(text.to_owned())));
        }
        Err("a role such as licence-server, an address or a network; host names are not resolved".to_owned())
    }
}

impl fmt::Display for PinPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A daemon at a port. Lines that say the same are one pin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LicencePin {
    /// Name of the daemon; `lmgrd` for SERVER lines.
    pub daemon: String,
    /// Its port.
    pub port: u16,
    /// Transport. The licence file prints none; FlexNet speaks of TCP/IP ports, and IBM's note tests them with telnet.
    pub transport: Transport,
    /// Lines that say so, ascending, from 1.
    pub lines: Vec<usize>,
    /// File and lines, for a reviewer.
    pub source: String,
    /// Hosts that the SERVER lines name, as written but made visible; empty for vendor daemons.
    pub hosts: Vec<String>,
}

impl LicenceFile {
    /// The pins, SERVER lines first. A line that fixes no port gives none, and neither does `rational` where the
    /// version of the License Key Server was stated and does not know it any more.
    #[must_use]
    pub fn pins(&self) -> Vec<LicencePin> {
        let obsolete = self
            .warnings
            .iter()
            .any(|warning| matches!(warning.problem, LicenceProblem::Rational(RationalState::Obsolete(_))));
        let mut pins = Pins { file: self.base_name(), found: Vec::new(), known: BTreeMap::new() };
        for server in &self.servers {
            if let Some(port) = server.port {
                let pin = pins.add(LICENCE_MANAGER, port, server.line, Kind::Manager);
                pin.hosts.push(shown(&server.host));
            }
        }
        for daemon in self.daemons.iter().filter(|daemon| !(obsolete && daemon.is_called(RATIONAL))) {
            if let Some(port) = daemon.port {
                pins.add(&daemon.name, port, daemon.line, Kind::Vendor);
            }
        }
        pins.finish()
    }

    /// The pins in the TOML form of the site file. Warnings stay beside them as comments: a site file outlives the run
    /// that told them.
    #[must_use]
    pub fn pins_toml(&self, at: &PinPlace) -> String {
        let mut out = format!("# From {}: SERVER and VENDOR lines\n", self.base_name());
        let pins = self.pins();
        let warned = self.warnings.iter().filter(|warning| warning.problem.severity() == LicenceSeverity::Warning);
        let mut by_line: BTreeMap<usize, Vec<&LicenceWarning>> = BTreeMap::new();
        for warning in warned {
            by_line.entry(warning.line.unwrap_or(usize::MAX)).or_default().push(warning);
        }
        if pins.is_empty() {
            out.push_str("# No line fixes a port: there is nothing to pin.\n");
        }
        for (index, pin) in pins.iter().enumerate() {
            if index > 0 {
                out.push('\n');
            }
            if !pin.hosts.is_empty() {
                let hosts = listed(pin.hosts.iter().map(|host| quoted(host)));
                let _ = writeln!(out, "# Named on the SERVER line, not resolved: {hosts}");
            }
            for warning in pin.lines.iter().filter_map(|line| by_line.remove(line)).flatten() {
                comment(&mut out, warning);
            }
            entry(&mut out, pin, at);
        }
        if !by_line.is_empty() {
            out.push('\n');
        }
        for warning in by_line.into_values().flatten() {
            comment(&mut out, warning);
        }
        out
    }

    /// The file's name without its folders, made visible.
    fn base_name(&self) -> String {
        let base = Path::new(&self.name).file_name();
        shown(&base.map_or_else(|| self.name.as_str().into(), |base| base.to_string_lossy()))
    }
}

fn entry(out: &mut String, pin: &LicencePin, at: &PinPlace) {
    out.push_str("[[pin]]\n");
    let text = |text: &str| toml::Value::from(text);
    for (key, value) in [
        ("daemon", text(&pin.daemon)),
        ("at", text(&at.to_string())),
        ("transport", text(&pin.transport.to_string())),
        ("port", toml::Value::from(i64::from(pin.port))),
        ("source", text(&pin.source)),
    ] {
        let _ = writeln!(out, "{key} = {value}");
    }
}

/// A warning as a comment; its text is visible characters on one line.
fn comment(out: &mut String, warning: &LicenceWarning) {
    let place = warning.line.map(|line| format!(", line {line}")).unwrap_or_default();
    let _ = writeln!(out, "# Warning{place}: {}.", warning.problem);
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Manager,
    Vendor,
}

/// Pins in the order in which they were found.
struct Pins {
    file: String,
    found: Vec<LicencePin>,
    known: BTreeMap<(Kind, String, u16), usize>,
}

impl Pins {
    fn add(&mut self, daemon: &str, port: u16, line: usize, kind: Kind) -> &mut LicencePin {
        let key = (kind, daemon.to_ascii_lowercase(), port);
        let index = *self.known.entry(key).or_insert(self.found.len());
        if index == self.found.len() {
            self.found.push(LicencePin {
                daemon: daemon.to_owned(),
                port,
                transport: Transport::Tcp,
                lines: Vec::new(),
                source: String::new(),
                hosts: Vec::new(),
            });
        }
        let pin = &mut self.found[index];
        pin.lines.push(line);
        pin
    }

    fn finish(mut self) -> Vec<LicencePin> {
        for pin in &mut self.found {
            let word = if pin.lines.len() == 1 { "line" } else { "lines" };
            pin.source = format!("{}, {word} {}", self.file, listed(pin.lines.iter().map(usize::to_string)));
        }
        self.found
    }
}

/// Items with commas; a long list is cut, and says so.
fn listed(items: impl ExactSizeIterator<Item = String>) -> String {
    let more = items.len().saturating_sub(LISTED);
    let mut out = items.take(LISTED).collect::<Vec<_>>().join(", ");
    if more > 0 {
        let _ = write!(out, " and {more} more");
    }
    out
}

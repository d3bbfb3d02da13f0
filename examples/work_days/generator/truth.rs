//! What was played, and what would have come in a recording as long again. Nothing here looks at the recording's bytes.

use super::END_S;
use super::scenario::Scenario;
use super::synthetic::cast::{HOSTS, Who};
use super::synthetic::services::second;
use super::synthetic::stage::{Outcome, Played, S, Transport};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Hosts that take part.
const CAST: [Who; 5] = [Who::Domain, Who::Server, Who::Sql, Who::Agent, Who::Client];

const HOUR_NS: i64 = 3_600 * S;

/// What is true of one host between restarts.
pub(crate) struct EpochTruth {
    /// Dynamic ports at which it listens.
    pub(crate) exist: BTreeSet<u16>,
    /// Of these, visited.
    pub(crate) visited: BTreeSet<u16>,
    /// Of those, visited by a connection that lasts for over an hour: no chance discovery.
    pub(crate) lasting: BTreeSet<u16>,
    /// Listeners not visited that would be if the epoch went on for as long again.
    pub(crate) new_in_as_long_again: usize,
    /// How long it is recorded, seconds.
    pub(crate) seconds: f64,
}

/// What is true of one host.
pub(crate) struct HostTruth {
    /// Address.
    pub(crate) address: String,
    /// Its epochs, in the order of time.
    pub(crate) epochs: Vec<EpochTruth>,
}

/// What is true of a recording.
pub(crate) struct Truth {
    /// Frames in it.
    pub(crate) frames: usize,
    /// First and last frame, ns.
    pub(crate) bounds_ns: (i64, i64),
    /// When the server went, ns.
    pub(crate) gone_ns: i64,
    /// First packet of the first conversation after it came back, ns.
    pub(crate) back_ns: i64,
    /// Server and agent.
    pub(crate) hosts: Vec<HostTruth>,
    habits: Vec<String>,
}

/// The site file: who has which role.
pub(crate) fn site() -> String {
    let mut out = String::from(
        "# Who is who in work-days.pcapng. Written by the example work_days; everything is invented.\n\n\
         [site]\nname = \"Synthetic work days\"\n",
    );
    for host in HOSTS.iter().filter(|host| CAST.contains(&host.who)) {
        let roles: Vec<String> = host.roles.iter().map(|role| format!("\"{role}\"")).collect();
        let roles = roles.join(", ");
        let _ = write!(out, "\n[[host]]\naddress = \"{}\"\nname = \"{}\"\nroles = [{roles}]\n", host.ip, host.name);
    }
    out
}

impl Truth {
    /// Takes down what was played.
    ///
    /// Fails where the script did not play what it should.
    pub(super) fn of(scenario: &Scenario, played: &Played) -> Result<Self, String> {
        let times = played.frames.first().zip(played.frames.last()).map(|(first, last)| (first.time_ns, last.time_ns));
        let gone_ns = played.restarts.first().map(|(_, at_ns)| *at_ns).ok_or("nobody restarts")?;
        let with_server = played.conversations.iter().filter(|c| {
            c.transport == Transport::Tcp
                && c.outcome == Outcome::Established
                && [c.initiator.who, c.responder.who].contains(&Who::Server)
                && c.first_ns > gone_ns
        });
        let back_ns = with_server.map(|c| c.first_ns).min().ok_or("the server does not come back")?;
        let (from_s, back_s) = (scenario.outage.from_s, scenario.outage.back_s);
        let host = |who: Who, epochs: &[(f64, f64)]| HostTruth {
            address: who.host().ip.to_string(),
            epochs: epochs.iter().map(|interval| epoch(scenario, played, who, *interval)).collect(),
        };
        let habits = scenario.services().iter().zip(&scenario.habits);
        Ok(Self {
            frames: played.frames.len(),
            bounds_ns: times.ok_or("nothing is played")?,
            gone_ns,
            back_ns,
            hosts: vec![host(Who::Server, &[(0.0, from_s), (back_s, END_S)]), host(Who::Agent, &[(0.0, END_S)])],
            habits: habits.map(|(l, habit)| format!("{}:{} {}", l.host.host().ip, l.port, habit.name())).collect(),
        })
    }

    /// One line for the terminal.
    pub(crate) fn summary(&self) -> String {
        let of = |host: &HostTruth| {
            let counts: Vec<String> =
                host.epochs.iter().map(|e| format!("{} of {}", e.visited.len(), e.exist.len())).collect();
            format!("{}: {}", host.address, counts.join(", then "))
        };
        let hosts: Vec<String> = self.hosts.iter().map(of).collect();
        format!("{} frames; listeners visited of those that exist: {}", self.frames, hosts.join("; "))
    }

    /// The truth file.
    pub(crate) fn to_toml(&self) -> String {
        let mut out = format!(
            "# What the example work_days played into work-days.pcapng. Synthetic. Taken down from the script, never from\n\
             # reading the recording. Times are ns since 1970 UTC.\n\
             #\n\
             # exist: dynamic TCP ports at which the host listens in this epoch. visited: those with an established connection.\n\
             # lasting: of those, with one that lasts for over an hour.\n\
             # new_in_as_long_again: listeners not visited that would be if the epoch went on for as long again.\n\n\
             [recording]\nfile = \"work-days.pcapng\"\nframes = {}\nfirst_ns = {}\nlast_ns = {}\n\n\
             [restart]\naddress = \"{}\"\ngone_ns = {}\nback_ns = {}\n",
            self.frames,
            self.bounds_ns.0,
            self.bounds_ns.1,
            Who::Server.host().ip,
            self.gone_ns,
            self.back_ns,
        );
        for host in &self.hosts {
            let _ = write!(out, "\n[[host]]\naddress = \"{}\"\nepochs = {}\n", host.address, host.epochs.len());
            for epoch in &host.epochs {
                let _ = write!(
                    out,
                    "\n[[host.epoch]]\nseconds = {:.0}\nexist = {:?}\nvisited = {:?}\nlasting = {:?}\n\
                     new_in_as_long_again = {}\n",
                    epoch.seconds, epoch.exist, epoch.visited, epoch.lasting, epoch.new_in_as_long_again
                );
            }
        }
        out.push_str("\n# Why each listener is visited, by its first port.\n[habits]\n");
        for habit in &self.habits {
            let (endpoint, name) = habit.split_once(' ').unwrap_or((habit, ""));
            let _ = writeln!(out, "\"{endpoint}\" = \"{name}\"");
        }
        // Sets are written with braces.
        out.replace('{', "[").replace('}', "]")
    }
}

/// What is true of a host from one second to another.
fn epoch(scenario: &Scenario, played: &Played, who: Who, (from_s, to_s): (f64, f64)) -> EpochTruth {
    let port = |service: usize| scenario.port(service, from_s);
    let services = || (0..scenario.habits.len()).filter(|n| scenario.services()[*n].host == who);
    let exist: BTreeSet<u16> = services().map(port).collect();
    let (from_ns, to_ns) = (second(from_s), second(to_s));
    let calls = played.conversations.iter().filter(|c| {
        (c.transport, c.outcome, c.responder.who) == (Transport::Tcp, Outcome::Established, who)
            && exist.contains(&c.responder.port)
            && (from_ns..=to_ns).contains(&c.first_ns)
    });
    let lasting = calls.clone().filter(|c| c.last_ns - c.first_ns > HOUR_NS).map(|c| c.responder.port).collect();
    let visited: BTreeSet<u16> = calls.map(|c| c.responder.port).collect();
    let further = to_s..to_s + (to_s - from_s);
    let comes = |service: usize| {
        let own = scenario.intents.iter().filter(|intent| intent.service == service);
        own.into_iter()
            .any(|i| further.contains(&i.at_s) || i.until_s.is_some_and(|until_s| i.at_s < to_s && until_s > to_s))
    };
    let new_in_as_long_again = services().filter(|n| !visited.contains(&port(*n)) && comes(*n)).count();
    EpochTruth { exist, visited, lasting, new_in_as_long_again, seconds: to_s - from_s }
}

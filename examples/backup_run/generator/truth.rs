//! What was played, as the truth file. Nothing here looks at the recording's bytes.

use super::synthetic::cast::{DYNAMIC_FIRST, HOSTS, Host, Listener, STATIC_IN_RANGE, Who};
use super::synthetic::stage::{Conversation, Ending, Outcome, Played, S, Transport, Why};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// How long the side that closes first keeps its port, as Windows does at its longest.
const TIME_WAIT_NS: i64 = 240 * S;

/// The truth about one recording.
pub(crate) struct Truth<'p> {
    played: &'p Played,
    peaks: BTreeMap<(Who, Transport), usize>,
}

/// The hosts that take part in flows.
fn hosts() -> impl Iterator<Item = &'static Host> {
    HOSTS.iter().filter(|host| host.who != Who::Firewall)
}

/// The site file: addresses, names and roles, as a site would write them down.
pub(crate) fn site() -> String {
    let mut out = String::from(
        "# Who is who in backup-run.pcapng. Written by the example backup_run; everything is invented.\n\
         # The laptop has no role: nobody has planned it.\n\n\
         [site]\nname = \"Demo plant, line 1\"\n",
    );
    for host in hosts() {
        let _ = write!(
            out,
            "\n[[host]]\naddress = \"{}\"\nname = \"{}\"\nroles = {}\n",
            host.ip,
            host.name,
            texts(host.roles.iter().copied())
        );
    }
    out.push_str(
        "\n# No document says who may ask this licence server: the site does.\n\
         [[allow]]\nfrom = \"client\"\nto = \"licence-server\"\ntransport = \"tcp\"\nport = \"27000-27001\"\n\
         reason = \"Studio 5000 on the client takes its licence here\"\n\n\
         [[allow]]\nfrom = \"agent\"\nto = \"licence-server\"\ntransport = \"tcp\"\nport = \"27000-27001\"\n\
         reason = \"Studio 5000 on the agent takes its licence here\"\n",
    );
    out
}

impl<'p> Truth<'p> {
    /// Takes down what was played.
    ///
    /// Fails where a number would depend on how somebody reads the rules: then the script has to change.
    pub(crate) fn of(played: &'p Played) -> Result<Self, String> {
        let mut peaks = BTreeMap::new();
        for host in hosts() {
            for transport in [Transport::Tcp, Transport::Udp] {
                peaks.insert((host.who, transport), agreed_peak(played, host.who, transport)?);
            }
        }
        let truth = Self { played, peaks };
        truth.check_standing()?;
        Ok(truth)
    }

    /// One line for the terminal.
    pub(crate) fn summary(&self) -> String {
        format!(
            "{} frames, {} TCP and {} UDP conversations, dynamic listeners: {} on the server, {} on the agent",
            self.played.frames.len(),
            self.of_transport(Transport::Tcp).count(),
            self.of_transport(Transport::Udp).count(),
            self.served(Who::Server).len(),
            self.served(Who::Agent).len(),
        )
    }

    /// The truth file.
    pub(crate) fn to_toml(&self) -> String {
        let mut out = String::from(
            "# What the example backup_run played into backup-run.pcapng. Synthetic. Taken down from the script while it\n\
             # was played, never from reading the recording. Frame numbers count from 1; times are ns since 1970 UTC.\n\
             #\n\
             # dynamic_listeners: TCP ports from 49152 up, served with a completed handshake, documented ones left out.\n\
             # ephemeral_ports: local ports of all attempts that the host made, failed ones included.\n\
             # peak_in_use: most dynamic ports held at once: listening ones all the time, ephemeral ones from the first to the\n\
             # last packet of their conversations; documented ports left out; the same with and without failed attempts.\n\
             # peak_held: the same with failed attempts, and ephemeral ports for longer: TIME-WAIT of 240 s after the close where\n\
             # the host closed first by FIN, until the end of the recording where nobody closes an established connection.\n\
             # epochs: times between restarts of the host, of which the script plays none.\n\n",
        );
        self.recording(&mut out);
        for host in hosts() {
            self.host(&mut out, host);
        }
        out.push_str(UNDOCUMENTED);
        self.groups(&mut out, "undocumented", |c| matches!(c.why, Why::Undocumented | Why::Stray));
        out.push_str(UNEXPECTED);
        self.groups(&mut out, "unexpected_peer", |c| c.why == Why::UnexpectedPeer);
        out.push_str(BLOCKED);
        self.groups(&mut out, "blocked", |c| c.outcome != Outcome::Established);
        out.push_str(LISTENERS);
        self.listeners(&mut out);
        out.push_str(STEPS);
        self.steps(&mut out);
        out
    }

    fn of_transport(&self, transport: Transport) -> impl Iterator<Item = &Conversation> {
        self.played.conversations.iter().filter(move |c| c.transport == transport)
    }

    /// Dynamic ports at which a host served over TCP, documented ones left out.
    fn served(&self, who: Who) -> BTreeSet<u16> {
        let conversations = self.of_transport(Transport::Tcp);
        conversations
            .filter(|c| c.responder.who == who && c.outcome == Outcome::Established && is_dynamic(c.responder.port))
            .map(|c| c.responder.port)
            .collect()
    }

    fn recording(&self, out: &mut String) {
        let frames = &self.played.frames;
        let (first, last) = (frames.first().map_or(0, |f| f.time_ns), frames.last().map_or(0, |f| f.time_ns));
        let in_flows: u64 = self.played.conversations.iter().map(|c| c.packets).sum();
        let _ = write!(
            out,
            "[recording]\nfile = \"backup-run.pcapng\"\nlink_type = \"ETHERNET\"\nframes = {}\nframes_in_flows = {in_flows}\n\
             first_ns = {first}\nlast_ns = {last}\n",
            frames.len(),
        );
        for transport in [Transport::Tcp, Transport::Udp] {
            let _ = writeln!(out, "{}_flows = {}", transport.name(), self.of_transport(transport).count());
        }
        for transport in [Transport::Tcp, Transport::Udp] {
            let _ = write!(out, "\n# Conversations by outcome.\n[recording.{}_outcomes]\n", transport.name());
            for outcome in [Outcome::Established, Outcome::Refused, Outcome::Unanswered, Outcome::Prohibited] {
                let count = self.of_transport(transport).filter(|c| c.outcome == outcome).count();
                let _ = writeln!(out, "{} = {count}", outcome.name());
            }
        }
        let mut statuses = BTreeMap::new();
        for conversation in &self.played.conversations {
            *statuses.entry(conversation.why.status()).or_insert(0) += 1;
        }
        out.push_str("\n# Conversations by status, TCP and UDP, whatever their outcome.\n[recording.statuses]\n");
        for (status, count) in statuses {
            let _ = writeln!(out, "{status} = {count}");
        }
    }

    fn host(&self, out: &mut String, host: &Host) {
        let served = self.served(host.who);
        let strays: BTreeSet<u16> = self
            .of_transport(Transport::Tcp)
            .filter(|c| c.responder.who == host.who && c.why == Why::Stray)
            .map(|c| c.responder.port)
            .collect();
        let fixed: BTreeSet<u16> = self
            .of_transport(Transport::Tcp)
            .filter(|c| c.responder.who == host.who && STATIC_IN_RANGE.contains(&c.responder.port))
            .map(|c| c.responder.port)
            .collect();
        let _ = write!(
            out,
            "\n[[host]]\naddress = \"{}\"\nname = \"{}\"\nroles = {}\n\
             epochs = {}\ndynamic_listeners = {}\ndynamic_listeners_unexplained = {}\nstatic_in_range = {}\n",
            host.ip,
            host.name,
            texts(host.roles.iter().copied()),
            self.played.epochs(host.who),
            numbers(&served),
            numbers(&strays),
            numbers(&fixed),
        );
        for transport in [Transport::Tcp, Transport::Udp] {
            let local = |failed: bool| -> BTreeSet<u16> {
                let own = self.of_transport(transport).filter(|c| c.initiator.who == host.who);
                own.filter(|c| !failed || c.outcome != Outcome::Established).map(|c| c.initiator.port).collect()
            };
            let peak = self.peaks.get(&(host.who, transport)).copied().unwrap_or(0);
            let name = transport.name();
            let _ = write!(
                out,
                "ephemeral_ports_{name} = {}\nephemeral_ports_{name}_of_failed_attempts = {}\npeak_in_use_{name} = {peak}\n\
                 peak_held_{name} = {}\n",
                local(false).len(),
                local(true).len(),
                held_peak(self.played, host.who, transport),
            );
        }
    }

    /// One table entry for each initiating host, responding endpoint, transport, status and outcome.
    fn groups(&self, out: &mut String, table: &str, is_meant: impl Fn(&Conversation) -> bool) {
        let mut groups: BTreeMap<_, Vec<&Conversation>> = BTreeMap::new();
        for c in self.played.conversations.iter().filter(|c| is_meant(c)) {
            let key = (c.responder, c.initiator.who, c.transport, c.why, c.outcome);
            groups.entry(key).or_default().push(c);
        }
        let mut groups: Vec<Vec<&Conversation>> = groups.into_values().collect();
        groups.sort_by_key(|group| group.iter().map(|c| c.first_frame).min());
        for group in groups {
            let Some(first) = group.iter().min_by_key(|c| c.first_frame) else { continue };
            let tries: u32 = group.iter().map(|c| c.tries).sum();
            let _ = write!(
                out,
                "\n[[{table}]]\ninitiator = \"{}\"\nresponder = \"{}\"\ntransport = \"{}\"\nservice = \"{}\"\n\
                 status = \"{}\"\noutcome = \"{}\"\nconnections = {}\ntries = {tries}\nfirst_frame = {}\n",
                first.initiator.who.host().ip,
                first.responder.socket(),
                first.transport.name(),
                first.service,
                first.why.status(),
                first.outcome.name(),
                group.len(),
                first.first_frame,
            );
        }
    }

    fn listeners(&self, out: &mut String) {
        let mut sorted: Vec<&Listener> = self.played.listeners.iter().collect();
        sorted.sort_by_key(|listener| (listener.host, listener.port));
        for listener in sorted {
            let calls: Vec<&Conversation> = self
                .of_transport(Transport::Tcp)
                .filter(|c| c.responder.who == listener.host && c.responder.port == listener.port)
                .collect();
            let Some(first) = calls.iter().min_by_key(|c| c.first_frame) else { continue };
            let clients: BTreeSet<Who> = calls.iter().map(|c| c.initiator.who).collect();
            let explained_by = match first.why {
                Why::Announced => "endpoint mapper",
                Why::Notification => "Table 4 step 15",
                _ => "nothing",
            };
            let _ = write!(
                out,
                "\n[[listener]]\nendpoint = \"{}:{}\"\nservice = \"{}\"\ninterface = \"{}\"\nclients = {}\n\
                 connections = {}\nfirst_frame = {}\nexplained_by = \"{explained_by}\"\n",
                listener.host.host().ip,
                listener.port,
                listener.process,
                if first.why == Why::Announced { uuid(&listener.interface) } else { String::new() },
                texts(clients.iter().map(|who| who.host().name)),
                calls.len(),
                first.first_frame,
            );
        }
    }

    fn steps(&self, out: &mut String) {
        let mut steps: Vec<&Conversation> = self.played.conversations.iter().filter(|c| c.step.is_some()).collect();
        steps.sort_by_key(|c| c.first_frame);
        for c in steps {
            let (run, step) = c.step.unwrap_or_default();
            let _ = write!(
                out,
                "\n[[step]]\nrun = {run}\nstep = {step}\ninitiator = \"{}\"\nresponder = \"{}\"\ntransport = \"{}\"\n\
                 first_frame = {}\nfirst_ns = {}\n",
                c.initiator.who.host().ip,
                c.responder.socket(),
                c.transport.name(),
                c.first_frame,
                c.first_ns,
            );
        }
    }

    /// The rules by which a dynamic port counts as explained have to hold as the script says.
    fn check_standing(&self) -> Result<(), String> {
        let all = &self.played.conversations;
        for c in all.iter().filter(|c| c.transport == Transport::Tcp && is_dynamic(c.responder.port)) {
            let asked = |limit_s: i64| {
                all.iter().any(|m| {
                    m.responder.port == 135
                        && (m.initiator.who, m.responder.who) == (c.initiator.who, c.responder.who)
                        && m.first_ns < c.first_ns
                        && c.first_ns - m.last_ns <= limit_s * 1_000_000_000
                })
            };
            let stored = all.iter().any(|m| {
                (m.responder.who, m.responder.port, m.initiator.who) == (Who::Sql, 1433, c.initiator.who)
                    && m.first_ns < c.first_ns
                    && c.first_ns - m.first_ns <= 5_000_000_000
            });
            let holds = match c.why {
                Why::Announced => asked(10),
                Why::Notification => stored && !asked(60),
                Why::Stray => !asked(90),
                _ => false,
            };
            if !holds {
                return Err(format!("{:?} at {} ns does not stand as {:?}", c.responder, c.first_ns, c.why));
            }
        }
        Ok(())
    }
}

const UNDOCUMENTED: &str = "\n# Flows that no document covers, the dynamic ports that nothing explains among them.\n";
const UNEXPECTED: &str = "\n# Documented ports with a caller that no document names.\n";
const BLOCKED: &str = "\n# Attempts that did not get through. tries: SYN segments, or datagrams for UDP.\n";
const LISTENERS: &str = "\n# Every dynamic port that was served. Interfaces are invented.\n";
const STEPS: &str = "\n# The steps of Table 4 that go over the network, as conversations.\n";

fn is_dynamic(port: u16) -> bool {
    port >= DYNAMIC_FIRST && !STATIC_IN_RANGE.contains(&port)
}

/// A port and the first and last instant at which it is held.
type Hold = (u16, i64, i64);

/// What a host holds for its own conversations, until the instant that `end_ns` gives for each, and where it listens.
fn holds(
    played: &Played,
    who: Who,
    transport: Transport,
    is_counted: impl Fn(&Conversation) -> bool,
    end_ns: impl Fn(&Conversation) -> i64,
) -> Vec<Hold> {
    let (began_ns, ended_ns) = bounds(played);
    let mut holds = Vec::new();
    for c in played.conversations.iter().filter(|c| c.transport == transport) {
        if c.initiator.who == who && is_counted(c) {
            holds.push((c.initiator.port, c.first_ns, end_ns(c)));
        }
        if c.responder.who == who && c.outcome == Outcome::Established && is_dynamic(c.responder.port) {
            holds.push((c.responder.port, began_ns, ended_ns));
        }
    }
    holds
}

/// First and last packet of all conversations.
fn bounds(played: &Played) -> (i64, i64) {
    let first = played.conversations.iter().map(|c| c.first_ns).min();
    let last = played.conversations.iter().map(|c| c.last_ns).max();
    (first.unwrap_or(0), last.unwrap_or(0))
}

/// Most dynamic ports that a host held at once: listening ones all the time, ephemeral ones from first to last packet of
/// their conversations. There are two ways to count: with or without attempts that failed. The script has to make them
/// agree.
fn agreed_peak(played: &Played, who: Who, transport: Transport) -> Result<usize, String> {
    let of = |with_failed: bool| {
        let is_counted = |c: &Conversation| with_failed || c.outcome == Outcome::Established;
        peak(&holds(played, who, transport, is_counted, |c| c.last_ns))
    };
    let peaks = BTreeSet::from([false, true].map(of));
    match (peaks.first(), peaks.len()) {
        (Some(peak), 1) => Ok(*peak),
        _ => Err(format!("{}: the peak depends on the way of counting: {peaks:?}", who.host().name)),
    }
}

/// The same with TIME-WAIT and with connections that nobody closes; attempts that failed hold their port too.
fn held_peak(played: &Played, who: Who, transport: Transport) -> usize {
    let (_, ended_ns) = bounds(played);
    let until = |c: &Conversation| match c.ending {
        Ending::ByInitiator => (c.last_ns + TIME_WAIT_NS).min(ended_ns),
        Ending::Never if c.transport == Transport::Tcp && c.outcome == Outcome::Established => ended_ns,
        _ => c.last_ns,
    };
    peak(&holds(played, who, transport, |_| true, until))
}

fn peak(holds: &[Hold]) -> usize {
    let at = |time_ns: i64| {
        let held = holds.iter().filter(|(_, first_ns, last_ns)| (*first_ns..=*last_ns).contains(&time_ns));
        held.map(|(port, _, _)| port).collect::<BTreeSet<_>>().len()
    };
    // The number only rises where something begins.
    holds.iter().map(|(_, first_ns, _)| at(*first_ns)).max().unwrap_or(0)
}

fn texts<'a>(items: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = items.map(|item| format!("\"{item}\"")).collect();
    format!("[{}]", quoted.join(", "))
}

fn numbers(items: &BTreeSet<u16>) -> String {
    let list: Vec<String> = items.iter().map(u16::to_string).collect();
    let lines: Vec<String> = list.chunks(16).map(|line| format!("    {},\n", line.join(", "))).collect();
    if lines.is_empty() { "[]".to_owned() } else { format!("[\n{}]", lines.concat()) }
}

/// The usual text form of an identifier in the little-endian form of DCE/RPC.
fn uuid(bytes: &[u8; 16]) -> String {
    let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    let mut out = String::new();
    for (n, place) in order.into_iter().enumerate() {
        if [4, 6, 8, 10].contains(&n) {
            out.push('-');
        }
        let _ = write!(out, "{:02x}", bytes[place]);
    }
    out
}

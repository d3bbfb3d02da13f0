//! The stage: the time line of frames, the ports that hosts take, and the list of what was played.

use super::cast::{DYNAMIC_FIRST, HOSTS, Listener, STATIC_IN_RANGE, Who};
use super::dice::Dice;
use super::wire::Built;
use std::collections::BTreeSet;
use std::net::SocketAddrV4;

/// Beginning of the recording: 2026-03-02 22:00:00 UTC.
pub(crate) const START_NS: i64 = 1_772_488_800 * S;
/// Nanoseconds in a second.
pub(crate) const S: i64 = 1_000_000_000;
/// Nanoseconds in a millisecond.
pub(crate) const MS: i64 = 1_000_000;
/// Nanoseconds in a microsecond.
pub(crate) const US: i64 = 1_000;

/// An address of the cast.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct End {
    pub(crate) who: Who,
    pub(crate) port: u16,
}

impl End {
    pub(crate) fn socket(self) -> SocketAddrV4 {
        SocketAddrV4::new(self.who.host().ip, self.port)
    }
}

/// Transport protocol.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Transport {
    Tcp,
    Udp,
}

impl Transport {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// How the script lets a conversation turn out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Outcome {
    Established,
    Refused,
    Unanswered,
    Prohibited,
}

impl Outcome {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Established => "established",
            Self::Refused => "refused",
            Self::Unanswered => "unanswered",
            Self::Prohibited => "prohibited",
        }
    }
}

/// How the script lets an established connection end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ending {
    /// Nobody closes it; or there is nothing to close: a datagram, an attempt that did not get through.
    Never,
    /// By FIN, the initiator's first: its port stays in TIME-WAIT.
    ByInitiator,
    /// By FIN, the responder's first.
    ByResponder,
    /// By RST: nobody waits.
    Reset,
}

/// Why the script has a conversation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Why {
    /// The guide or the licence server note prints the port for a role of the responder, and the caller has a role.
    Documented,
    /// Name service, time, authentication, directory at the domain controller.
    Infrastructure,
    /// The endpoint mapper announced the port to this caller just before.
    Announced,
    /// Table 4 step 15: the server notifies the client, after step 14.
    Notification,
    /// A dynamic port that nothing leads to.
    Stray,
    /// No document has the port.
    Undocumented,
    /// A documented port, called by somebody without a role.
    UnexpectedPeer,
}

impl Why {
    /// The status that a report has to give.
    pub(crate) fn status(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Infrastructure => "infrastructure",
            Self::Announced | Self::Notification => "dynamic-explained",
            Self::Stray => "dynamic-unexplained",
            Self::Undocumented => "undocumented",
            Self::UnexpectedPeer => "documented-port-unexpected-peer",
        }
    }
}

/// One conversation that was played.
#[derive(Clone, Debug)]
pub(crate) struct Conversation {
    pub(crate) transport: Transport,
    pub(crate) initiator: End,
    pub(crate) responder: End,
    pub(crate) outcome: Outcome,
    pub(crate) ending: Ending,
    pub(crate) why: Why,
    /// SYN segments, or datagrams for UDP, that the initiator sent to get through.
    pub(crate) tries: u32,
    /// What the service is, for the truth file.
    pub(crate) service: &'static str,
    /// Run and step of Table 4 that it plays.
    pub(crate) step: Option<(u8, u8)>,
    /// Number of its first frame, from 1. Filled in by [`Stage::finish`].
    pub(crate) first_frame: u64,
    /// Time of its first packet.
    pub(crate) first_ns: i64,
    /// Time of its last packet. ICMP errors about it are not packets of it.
    pub(crate) last_ns: i64,
    /// Packets of it.
    pub(crate) packets: u64,
}

/// One frame of the finished recording.
pub(crate) struct PlayedFrame {
    pub(crate) time_ns: i64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) comment: Option<String>,
    conversation: Option<usize>,
}

/// The finished play.
pub(crate) struct Played {
    pub(crate) frames: Vec<PlayedFrame>,
    pub(crate) conversations: Vec<Conversation>,
    pub(crate) listeners: Vec<Listener>,
    pub(crate) restarts: Vec<(Who, i64)>,
}

impl Played {
    /// Times between restarts of a host.
    pub(crate) fn epochs(&self, who: Who) -> usize {
        1 + self.restarts.iter().filter(|(host, _)| *host == who).count()
    }
}

/// The stage.
pub(crate) struct Stage {
    pub(crate) dice: Dice,
    pub(crate) listeners: Vec<Listener>,
    frames: Vec<PlayedFrame>,
    conversations: Vec<Conversation>,
    ephemeral: Vec<[u16; 2]>,
    taken: BTreeSet<End>,
    ids: Vec<u16>,
    errors: Vec<String>,
    restarts: Vec<(Who, i64)>,
}

impl Stage {
    pub(crate) fn new(listeners: Vec<Listener>, mut dice: Dice) -> Self {
        let taken = listeners.iter().map(|l| End { who: l.host, port: l.port }).collect();
        let ephemeral = HOSTS.iter().map(|_| [0; 2].map(|_: u16| DYNAMIC_FIRST + dice.below(16_384) as u16)).collect();
        let ids = HOSTS.iter().map(|_| dice.word() as u16).collect();
        Self {
            dice,
            listeners,
            frames: Vec::new(),
            conversations: Vec::new(),
            ephemeral,
            taken,
            ids,
            errors: Vec::new(),
            restarts: Vec::new(),
        }
    }

    /// A host restarts: it gives out local ports from another place on. Its listeners are the script's business.
    pub(crate) fn restart(&mut self, who: Who, at_ns: i64) {
        self.restarts.push((who, at_ns));
        self.ephemeral[who as usize] = [0; 2].map(|_: u16| DYNAMIC_FIRST + self.dice.below(16_384) as u16);
    }

    /// The next free local port of a host, as the operating system gives them out: upwards with small steps.
    pub(crate) fn ephemeral(&mut self, who: Who, transport: Transport) -> u16 {
        loop {
            let step = 1 + self.dice.below(3) as u16;
            let next = &mut self.ephemeral[who as usize][transport as usize];
            *next = next.checked_add(step).unwrap_or(DYNAMIC_FIRST);
            let port = *next;
            if !STATIC_IN_RANGE.contains(&port) && !self.taken.contains(&End { who, port }) {
                return port;
            }
        }
    }

    /// Lets the client listen for notifications: ports that it takes itself and that no endpoint mapper knows.
    pub(crate) fn open_notified(&mut self, count: usize, process: &'static str) {
        for _ in 0..count {
            let port = self.ephemeral(Who::Client, Transport::Tcp);
            self.reserve(Who::Client, port);
            let users = vec![Who::Server];
            self.listeners.push(Listener { host: Who::Client, port, interface: [0; 16], process, users });
        }
    }

    /// The port of one of the client's notification listeners.
    pub(crate) fn notified(&self, which: usize) -> u16 {
        self.listeners.iter().filter(|l| l.is_notified()).nth(which).map_or(0, |l| l.port)
    }

    /// Keeps a port from being taken by a connection.
    pub(crate) fn reserve(&mut self, who: Who, port: u16) {
        self.taken.insert(End { who, port });
    }

    /// Enters a conversation into the list and gives its number.
    pub(crate) fn enter(&mut self, conversation: Conversation) -> usize {
        self.conversations.push(conversation);
        self.conversations.len() - 1
    }

    /// The conversation of that number.
    pub(crate) fn conversation(&mut self, number: usize) -> &mut Conversation {
        &mut self.conversations[number]
    }

    /// The next IPv4 identification of a host.
    pub(crate) fn id(&mut self, who: Who) -> u16 {
        let id = &mut self.ids[who as usize];
        *id = id.wrapping_add(1);
        *id
    }

    /// Puts a frame on the time line. `conversation` is absent for what no flow contains: ARP and ICMP.
    pub(crate) fn put(&mut self, time_ns: i64, conversation: Option<usize>, frame: Built, comment: Option<String>) {
        match frame {
            Ok(bytes) => self.frames.push(PlayedFrame { time_ns, bytes, comment, conversation }),
            Err(error) => self.errors.push(format!("frame at {time_ns}: {error:?}")),
        }
    }

    /// The bytes of the frame that was put last.
    pub(crate) fn last_frame(&self) -> &[u8] {
        self.frames.last().map_or(&[], |frame| &frame.bytes)
    }

    /// Sorts the time line, numbers the frames and fills in when each conversation was seen.
    pub(crate) fn finish(mut self) -> Result<Played, String> {
        if let Some(error) = self.errors.first() {
            return Err(error.clone());
        }
        self.frames.sort_by_key(|frame| frame.time_ns);
        let mut last_ns = 0;
        for (frame, number) in self.frames.iter_mut().zip(1..) {
            // No two frames at the same instant: what is held when must not depend on a tie.
            frame.time_ns = frame.time_ns.max(last_ns + 1);
            last_ns = frame.time_ns;
            let Some(conversation) = frame.conversation.map(|n| &mut self.conversations[n]) else { continue };
            if conversation.packets == 0 {
                conversation.first_frame = number;
                conversation.first_ns = frame.time_ns;
            }
            conversation.packets += 1;
            conversation.last_ns = frame.time_ns;
        }
        Ok(Played {
            frames: self.frames,
            conversations: self.conversations,
            listeners: self.listeners,
            restarts: self.restarts,
        })
    }
}

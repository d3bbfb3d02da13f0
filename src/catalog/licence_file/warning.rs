//! What is wrong with a licence file, or was read in a way that its author may not have meant.

use super::RATIONAL;
use super::text::{quoted, shown};
use super::version::LksVersion;
use std::fmt;
use std::sync::Arc;

/// How much a warning matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LicenceSeverity {
    /// A port is not fixed, not certain, or not needed.
    Warning,
    /// How the file was read, where it leaves room.
    Note,
}

impl LicenceSeverity {
    /// `warning` or `note`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// A warning with its place. Its text is one line: where, what, and what to do. Nothing in it acts on a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LicenceWarning {
    pub(super) file: Arc<str>,
    /// Line of the file, from 1; `None` where it is about the whole file.
    pub line: Option<usize>,
    /// What it is about.
    pub problem: LicenceProblem,
}

/// Where the bare number of a VENDOR or DAEMON line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BarePort {
    /// After a path, where the FlexNet guide has it.
    AfterPath,
    /// Without a path before it, where the guide wants `port=`.
    WithoutPath,
}

/// What the stated version of the License Key Server says about the daemon `rational`. IBM's note calls for it up to
/// 8.0, calls it obsolete from 8.1.2, and is silent in between.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RationalState {
    /// No version was stated.
    #[error(
        "the vendor daemon rational is needed up to License Key Server 8.0 and obsolete from 8.1.2; \
         IBM's note does not speak of the versions between"
    )]
    VersionUnknown,
    /// A version between 8.0 and 8.1.2.
    #[error(
        "whether License Key Server {0} needs the vendor daemon rational is not said: IBM's note calls for it up to \
         8.0, and calls it obsolete from 8.1.2"
    )]
    NotAddressed(LksVersion),
    /// 8.1.2 or later.
    #[error(
        "the vendor daemon rational is obsolete from License Key Server 8.1.2, and this one is {0}: no pin was made"
    )]
    Obsolete(LksVersion),
}

/// What is wrong, or was read in one of several ways.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LicenceProblem {
    /// A SERVER line lacks its host or its hostid.
    #[error("the SERVER line lacks its host or its hostid")]
    ServerIncomplete,
    /// A SERVER line names `port@host`, the form for clients.
    #[error("{} is how clients name a server", quoted(.0))]
    PortAtHost(String),
    /// A VENDOR or DAEMON line has no name.
    #[error("the line names no daemon")]
    NoDaemonName,
    /// What stands for the name of a daemon is none.
    #[error("{} is not the name of a daemon", quoted(.0))]
    BadDaemonName(String),
    /// A line is longer than [`super::MAX_LINE_CHARACTERS`]: its keyword, and number of its characters.
    #[error("the {0} line has {1} characters and was not read")]
    LineTooLong(&'static str, usize),
    /// A SERVER line fixes no port.
    #[error("the SERVER line fixes no port: lmgrd takes the first free one of 27000-27009")]
    NoServerPort,
    /// A VENDOR or DAEMON line fixes no port.
    #[error("{0} has no fixed port: it may get another one whenever it starts")]
    NoDaemonPort(String),
    /// What stands for the port is none: the daemon, and the text.
    #[error("{text} is not a port for {0}", text = quoted(.1))]
    BadPort(String, String),
    /// A line gives two ports: the daemon, and both.
    #[error("the line gives {0} two ports, {1} and {2}")]
    PortTwice(String, u16, u16),
    /// A port without `port=`.
    #[error("{1} without \"port=\" was read as the port of {0}{2}")]
    Bare(String, u16, BarePort),
    /// A port of a SERVER line with more than the number: the text.
    #[error("{} was read as the port", quoted(.0))]
    PortSpelling(String),
    /// Two daemons on one port.
    #[error("{daemon} and {other} (line {other_line}) have the same port {port}: only one can listen there")]
    Collision {
        /// The daemon of this line.
        daemon: String,
        /// Their port.
        port: u16,
        /// The other daemon.
        other: String,
        /// Line of the other daemon.
        other_line: usize,
    },
    /// One daemon on two ports.
    #[error("{daemon} has port {port} here and {other_port} in line {other_line}")]
    Contradiction {
        /// The daemon.
        daemon: String,
        /// Port of this line.
        port: u16,
        /// Port of the other line.
        other_port: u16,
        /// The other line.
        other_line: usize,
    },
    /// A line of the daemon `rational`.
    #[error("{0}")]
    Rational(RationalState),
    /// A License Key Server of this version, 8.0 or earlier, needs `rational`, and the file has no line of it.
    #[error("License Key Server {0} needs a port for the vendor daemon rational as well, and no line names it")]
    RationalMissing(LksVersion),
    /// A quote is not closed.
    #[error("a quotation mark is not closed")]
    OpenQuote,
    /// A word that means nothing here, and the keyword that may have been meant.
    #[error("{} means nothing here and was passed over", quoted(.0))]
    UnknownWord(String, Option<&'static str>),
    /// More words than path and options file: a path with spaces and without quotes?
    #[error("more words than a path and an options file: a path with spaces?")]
    UnquotedPath,
    /// The line ends in a backslash, and the next one begins with a keyword.
    #[error("the line ends in \"\\\", but the next begins with a keyword and was read as a line of its own")]
    RunsIntoKeyword,
    /// This line number was joined without a backslash.
    #[error("line {0} was read as part of this one")]
    JoinedWithoutBackslash(usize),
    /// A line begins with a word that is nearly a keyword.
    #[error("the line begins with {} and was passed over", quoted(.0))]
    NearlyKeyword(String, &'static str),
    /// A port in the range from which systems hand out ports.
    #[error(
        "port {1} of {0} lies in 49152-65535, from which systems hand out ports: another program may hold it when {0} \
         starts"
    )]
    InDynamicRange(String, u16),
    /// A host has a second SERVER line: the host, and its first line.
    #[error("{host} has a SERVER line already, line {1}", host = quoted(.0))]
    ServerRepeated(String, usize),
    /// The number of servers is neither one nor three.
    #[error("the file names {0} servers; FlexNet knows one, or three that stand in for each other")]
    ServerCount(usize),
    /// The SERVER lines have different ports.
    #[error("the SERVER lines have different ports, each for its own host")]
    ServersDiffer,
    /// The file names vendor daemons and no SERVER.
    #[error("no SERVER line: the file does not say where lmgrd listens")]
    NoServerLine,
    /// The file names a SERVER and no vendor daemon.
    #[error(
        "no VENDOR or DAEMON line: the file names lmgrd alone, and that lmgrd answers proves nothing about the vendor \
         daemon, which listens on a port of its own"
    )]
    NoDaemonLine,
    /// Number of lines with spaces other than blank and tab, the first of which has the warning.
    #[error(
        "spaces such as U+00A0 were taken for blanks ({0} of the lines read); the licence server may take them for \
         letters"
    )]
    UnusualSpaces(usize),
    /// Bytes that are not UTF-8 and were read as Latin-1.
    #[error("{0} bytes are not UTF-8 and were read as Latin-1")]
    NotUtf8(usize),
}

impl LicenceProblem {
    /// A short name that does not change, for programs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::ServerIncomplete => "server-incomplete",
            Self::PortAtHost(_) => "port-at-host",
            Self::NoDaemonName => "no-daemon-name",
            Self::BadDaemonName(_) => "bad-daemon-name",
            Self::LineTooLong(..) => "line-too-long",
            Self::NoServerPort => "no-server-port",
            Self::NoDaemonPort(_) => "no-daemon-port",
            Self::BadPort(..) => "bad-port",
            Self::PortTwice(..) => "port-twice",
            Self::Bare(..) => "bare-port",
            Self::PortSpelling(_) => "port-spelling",
            Self::Collision { .. } => "collision",
            Self::Contradiction { .. } => "contradiction",
            Self::Rational(RationalState::Obsolete(_)) => "rational-obsolete",
            Self::Rational(_) => "rational-version",
            Self::RationalMissing(_) => "rational-missing",
            Self::OpenQuote => "open-quote",
            Self::UnknownWord(..) => "unknown-word",
            Self::UnquotedPath => "unquoted-path",
            Self::RunsIntoKeyword => "runs-into-keyword",
            Self::JoinedWithoutBackslash(_) => "joined-without-backslash",
            Self::NearlyKeyword(..) => "nearly-keyword",
            Self::InDynamicRange(..) => "in-dynamic-range",
            Self::ServerRepeated(..) => "server-repeated",
            Self::ServerCount(_) => "server-count",
            Self::ServersDiffer => "servers-differ",
            Self::NoServerLine => "no-server-line",
            Self::NoDaemonLine => "no-daemon-line",
            Self::UnusualSpaces(_) => "unusual-spaces",
            Self::NotUtf8(_) => "not-utf8",
        }
    }

    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> LicenceSeverity {
        match self {
            Self::Bare(_, _, BarePort::AfterPath)
            | Self::PortSpelling(_)
            | Self::UnknownWord(_, None)
            | Self::UnquotedPath
            | Self::RunsIntoKeyword
            | Self::JoinedWithoutBackslash(_)
            | Self::InDynamicRange(..)
            | Self::ServersDiffer
            | Self::UnusualSpaces(_)
            | Self::NotUtf8(_) => LicenceSeverity::Note,
            _ => LicenceSeverity::Warning,
        }
    }

    /// Whether a SERVER, VENDOR or DAEMON line could not be read at all: it has this warning instead of an entry.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::ServerIncomplete
                | Self::PortAtHost(_)
                | Self::NoDaemonName
                | Self::BadDaemonName(_)
                | Self::LineTooLong(..)
        )
    }

    /// Whether it refuses a SERVER line, and not that of a vendor daemon.
    pub(super) fn is_about_server(&self) -> bool {
        matches!(self, Self::ServerIncomplete | Self::PortAtHost(_) | Self::LineTooLong("SERVER", _))
    }

    /// Whether it leaves a daemon without a port of its own that is certain.
    #[must_use]
    pub fn leaves_unpinned(&self) -> bool {
        self.is_refusal()
            || matches!(
                self,
                Self::NoServerPort
                    | Self::NoDaemonPort(_)
                    | Self::BadPort(..)
                    | Self::PortTwice(..)
                    | Self::Bare(_, _, BarePort::WithoutPath)
                    | Self::Collision { .. }
                    | Self::Contradiction { .. }
            )
    }

    /// What to do.
    fn advice(&self) -> String {
        match self {
            Self::ServerIncomplete | Self::PortAtHost(_) => {
                "write SERVER HOST HOSTID PORT, as in SERVER lic1 ANY 27000".to_owned()
            }
            Self::NoDaemonName | Self::BadDaemonName(_) => {
                "write VENDOR NAME port=PORT; a name has at most 64 letters, digits and any of _ - . +".to_owned()
            }
            Self::LineTooLong(..) => format!("cut it to {} characters", super::MAX_LINE_CHARACTERS),
            Self::NoServerPort => "write the port after the hostid, as in SERVER lic1 ANY 27000".to_owned(),
            Self::NoDaemonPort(daemon) => {
                let port = if daemon.eq_ignore_ascii_case(RATIONAL) { 27002 } else { 27001 };
                format!(
                    "add port={port}, or another free port, to the line and restart the licence server; that lmgrd \
                     answers on its own port proves nothing about this one"
                )
            }
            Self::BadPort(..) => "write a number from 1 to 65535, as in port=27001, without blanks".to_owned(),
            Self::PortTwice(..) => "keep one of them".to_owned(),
            Self::Bare(_, port, _) => format!("write port={port}"),
            Self::PortSpelling(_) => "a SERVER line has the number alone: SERVER HOST HOSTID PORT".to_owned(),
            Self::Collision { .. } => "give one of them another port".to_owned(),
            Self::Contradiction { .. } => "keep the line that holds".to_owned(),
            Self::Rational(state) => state.advice(),
            Self::RationalMissing(_) => "add VENDOR rational port=27002".to_owned(),
            Self::OpenQuote => "close it, or everything up to the end of the line belongs to one word".to_owned(),
            Self::UnknownWord(_, Some(keyword)) => format!("did you mean \"{keyword}\"?"),
            Self::UnknownWord(_, None) => "check that it is no misspelt port".to_owned(),
            Self::UnquotedPath => "put it in quotation marks".to_owned(),
            Self::RunsIntoKeyword => "remove the backslash, or join the lines".to_owned(),
            Self::JoinedWithoutBackslash(_) => "end this line in \"\\\", or join the lines".to_owned(),
            Self::NearlyKeyword(_, keyword) => format!("did you mean \"{keyword}\"?"),
            Self::InDynamicRange(..) => "choose a port below 49152".to_owned(),
            Self::ServerRepeated(..) => "keep one of them".to_owned(),
            Self::ServerCount(_) => "check that all SERVER lines belong here".to_owned(),
            Self::ServersDiffer => {
                "in each pin, replace the place (\"at\") by the address of the host that it names".to_owned()
            }
            Self::NoServerLine => "give the whole file of the licence server, or pin lmgrd by hand".to_owned(),
            Self::NoDaemonLine => "give the file of the licence server, not that of a client".to_owned(),
            Self::UnusualSpaces(_) => "replace them by blanks".to_owned(),
            Self::NotUtf8(_) => "nothing to do where names look right".to_owned(),
        }
    }
}

impl RationalState {
    fn advice(&self) -> String {
        match self {
            Self::VersionUnknown => "say which version it is: --lks-version 8.0".to_owned(),
            Self::NotAddressed(_) => "see whether it runs, and remove the line or keep the pin".to_owned(),
            Self::Obsolete(_) => "remove the line, and open no port for it".to_owned(),
        }
    }
}

impl fmt::Display for BarePort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AfterPath => Ok(()),
            Self::WithoutPath => f.write_str(", but no path stands before it, and FlexNet may take it for one"),
        }
    }
}

/// Where, what is wrong, and what to do.
impl fmt::Display for LicenceWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.file))?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}; {}", self.problem, self.problem.advice())
    }
}

//! What a recording says besides packets: names of addresses, and comments.

use super::frame::CaptureIndex;
use std::net::IpAddr;

/// Where the name of an address comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NameSource {
    /// A pcapng name resolution block: whoever recorded or edited the file knew the name.
    NameResolutionBlock,
    /// An answer of DNS, multicast DNS or LLMNR.
    Dns,
    /// A registration or answer of the NetBIOS name service.
    NetBios,
    /// The name that a TLS client asked for (SNI, RFC 6066 section 3).
    TlsServerName,
    /// Subject of the certificate that the host showed.
    Certificate,
    /// The host that an HTTP client asked for.
    HttpHost,
    /// What the SQL browser calls its host.
    SqlBrowser,
    /// Name of a service registered with the endpoint mapper.
    RpcAnnotation,
    /// What a device calls itself (EtherNet/IP ListIdentity, Modbus device identification).
    Identity,
    /// What a mail, FTP or like server calls itself in its greeting.
    Greeting,
}

impl NameSource {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::NameResolutionBlock,
        Self::Dns,
        Self::NetBios,
        Self::TlsServerName,
        Self::Certificate,
        Self::HttpHost,
        Self::SqlBrowser,
        Self::RpcAnnotation,
        Self::Identity,
        Self::Greeting,
    ];

    /// Name as stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NameResolutionBlock => "nrb",
            Self::Dns => "dns",
            Self::NetBios => "netbios",
            Self::TlsServerName => "tls-server-name",
            Self::Certificate => "certificate",
            Self::HttpHost => "http-host",
            Self::SqlBrowser => "sql-browser",
            Self::RpcAnnotation => "rpc-annotation",
            Self::Identity => "identity",
            Self::Greeting => "greeting",
        }
    }
}

/// A name of an address: a row of the `names` facts. Hostile text, and no proof of anything.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NameFact {
    /// The capture file that says so.
    pub capture: CaptureIndex,
    /// The address.
    pub address: IpAddr,
    /// The name, at most 255 bytes.
    pub name: String,
    /// Where it comes from.
    pub source: NameSource,
}

/// What a comment is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CommentPlace {
    /// A section: usually the whole recording.
    Section,
    /// An interface.
    Interface,
    /// One packet.
    Packet,
}

impl CommentPlace {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Section, Self::Interface, Self::Packet];

    /// Name as stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Section => "section",
            Self::Interface => "interface",
            Self::Packet => "packet",
        }
    }
}

/// What somebody wrote into a recording: a row of the `comments` facts. Hostile text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommentFact {
    /// The capture file.
    pub capture: CaptureIndex,
    /// The frame that it is about, where it is about one.
    pub frame: Option<u64>,
    /// What it is about.
    pub place: CommentPlace,
    /// The text, cut to 1,000 bytes.
    pub text: String,
}

//! What a recording says besides packets: names of addresses, and comments.

use super::frame::CaptureIndex;
use std::net::IpAddr;

/// Where the name of an address comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NameSource {
    /// A pcapng name resolution block: whoever recorded or edited the file knew the name.
    NameResolutionBlock,
}

impl NameSource {
    /// All of them.
    pub const ALL: [Self; 1] = [Self::NameResolutionBlock];

    /// Name as stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NameResolutionBlock => "nrb",
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

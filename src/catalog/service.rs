//! Services as a document lists them, and the names it uses for them.

use super::document::Standing;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A row of a table of services. The name of a service is no key: one document may give two executables the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceRow {
    /// The role under which the document lists it; [`ANY_ROLE`](super::ANY_ROLE) where it names none.
    pub role: String,
    /// Service name as printed, without a port that the same cell holds.
    pub service: String,
    /// Executable as printed.
    pub executable: Option<String>,
    /// Display name as printed.
    pub display_name: Option<String>,
    /// Description as printed.
    pub description: Option<String>,
    /// What the row prints about ports, word for word. The ports themselves are port statements.
    pub printed_ports: Option<String>,
    /// [`Standing::Rule`] where the table says what has to be configured, [`Standing::Overview`] where it introduces.
    pub standing: Standing,
    /// Conflicts and readings.
    pub note: Option<String>,
    /// Identifiers of the contradictions that it is part of.
    pub conflicts: Vec<String>,
    /// Table or chapter.
    pub citation: String,
}

/// A service that speaks a protocol which the document explains by itself: Socket.IO, DCOM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Communication {
    /// The protocol as printed.
    pub protocol: String,
    /// The role under which the document lists it; [`ANY_ROLE`](super::ANY_ROLE) where it names none.
    pub role: String,
    /// Executables as printed.
    pub executables: Vec<String>,
    /// What the document adds, as printed.
    pub printed: Option<String>,
    /// Conflicts and readings.
    pub note: Option<String>,
    /// Table or chapter.
    pub citation: String,
}

/// What a name is the name of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NameKind {
    /// A program file.
    Executable,
    /// A service.
    Service,
}

impl NameKind {
    /// Name as written in the TOML form and printed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Executable => "executable",
            Self::Service => "service",
        }
    }
}

/// One thing under several spellings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Name {
    /// Of what.
    pub kind: NameKind,
    /// The spelling to compare with: a reading, unless the document prints it most.
    pub canonical: String,
    /// Further spellings as printed, with the canonical one where that is printed too.
    pub spellings: Vec<String>,
    /// Why these are one.
    pub note: Option<String>,
    /// Where the spellings stand.
    pub citation: String,
}

impl Name {
    /// Whether a text is one of its spellings; case and white space do not count.
    #[must_use]
    pub fn is_spelt(&self, text: &str) -> bool {
        let folded = folded(text);
        std::iter::once(&self.canonical).chain(&self.spellings).any(|spelling| self::folded(spelling) == folded)
    }
}

/// A name without what documents and users vary: case and white space.
#[must_use]
pub fn folded(name: &str) -> String {
    name.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

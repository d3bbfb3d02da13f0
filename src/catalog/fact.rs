//! What a document says besides ports and services, and where it contradicts itself.

use serde::Serialize;

/// A sentence of a document that is about no single port: how a range is used, what must not be done, a condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// What it is about, in a few words.
    pub topic: String,
    /// As printed.
    pub text: String,
    /// Conflicts and readings.
    pub note: Option<String>,
    /// Identifiers of the contradictions that it is part of.
    pub conflicts: Vec<String>,
    /// Table or chapter.
    pub citation: String,
}

/// Statements of one document that do not agree. They name the conflict; it says which of them is used, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// Short name, unique in its document.
    pub id: String,
    /// What is contradicted by what.
    pub topic: String,
    /// What is used by default.
    pub used: String,
    /// Why.
    pub reason: String,
}

//! The TOML form of the names of announced subjects. The comments of the keys are what an editor shows for them.

use super::announced::SubjectKind;
use super::document::Standing;
use super::schema::Filled;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

/// Names of what brokers announce ports for; the rows share kind and citation.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Announced")]
pub(super) struct AnnouncedForm {
    /// What the rows name: "rpc-interface" (endpoint mapper, DCOM), "sql-instance" (SQL browser), "licence-vendor"
    /// (FlexNet), "onc-rpc-program" (portmapper).
    pub(super) kind: SubjectKind,
    /// Table, chapter or section.
    #[schemars(with = "Filled")]
    pub(super) citation: Spanned<String>,
    /// The rows.
    pub(super) rows: Vec<SubjectForm>,
}

/// The name of an announced subject.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Subject")]
pub(super) struct SubjectForm {
    /// What is announced: a UUID in lower case with hyphens, the name of an instance or a vendor daemon, or the number of a
    /// program as text.
    #[schemars(with = "Filled")]
    pub(super) subject: Spanned<String>,
    /// The version that the name is for, as "1.0" or "1"; any where it is left out.
    #[schemars(with = "Option<String>")]
    pub(super) version: Option<Spanned<String>>,
    /// Short name: "LSARPC".
    #[schemars(with = "Filled")]
    pub(super) name: Spanned<String>,
    /// What it is in words: "Local Security Authority".
    pub(super) title: Option<String>,
    /// The service or executable of this document that serves it: announced ports are then that service's.
    #[schemars(with = "Option<String>")]
    pub(super) service: Option<Spanned<String>>,
    /// What weight it has; "rule" where it is left out.
    #[serde(default)]
    pub(super) standing: Standing,
    /// Under which condition it holds, as printed: a feature in use, a version.
    pub(super) condition: Option<String>,
    /// What the document prints, where it is not the name.
    pub(super) printed: Option<String>,
    /// Conflicts, conditions and readings.
    pub(super) note: Option<String>,
    /// Ids of the contradictions that it is part of.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(super) conflicts: Vec<Spanned<String>>,
    /// Table, chapter or section, where it is not that of the rows together.
    #[schemars(with = "Option<Filled>")]
    pub(super) citation: Option<Spanned<String>>,
}

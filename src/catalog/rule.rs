//! What can be wrong with a document or a site file, each under a name that stays the same.

/// How much a problem matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The file is refused.
    Error,
    /// The file is used, but it probably does not say what was meant.
    Warning,
    /// Worth knowing; may well be right.
    Hint,
}

impl Severity {
    /// Name as printed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Hint => "hint",
        }
    }
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $rule:ident = $severity:ident $name:literal,)+) => {
        /// A rule of the lint.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Rule {
            $($(#[doc = $doc])+ $rule,)+
        }

        impl Rule {
            /// All rules, errors first.
            pub const ALL: &'static [Self] = &[$(Self::$rule),+];

            /// Its short name; never changed.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$rule => $name),+ }
            }

            /// How much it matters.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$rule => Severity::$severity),+ }
            }

            /// What it finds, in a sentence.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$rule => concat!($($doc),+).trim_ascii()),+ }
            }
        }
    };
}

rules! {
    /// The file is larger than 1 MiB, or cannot be read.
    Unreadable = Error "unreadable",
    /// The text is not TOML.
    Syntax = Error "syntax",
    /// A key that the format does not have.
    UnknownKey = Error "unknown-key",
    /// A key that an entry needs is not there.
    MissingKey = Error "missing-key",
    /// A value of the wrong kind: port 0, a range that ends before it begins, a word that is none of those allowed.
    Value = Error "value",
    /// An id that could not be typed in a site file or a rule.
    Identifier = Error "identifier",
    /// Two roles, scenarios or conflicts with one id.
    DuplicateId = Error "duplicate-id",
    /// A role that the document does not declare.
    UnknownRole = Error "unknown-role",
    /// A conflict that the document does not describe.
    UnknownConflict = Error "unknown-conflict",
    /// An announced subject of a service that the document does not speak of.
    UnknownService = Error "unknown-service",
    /// A statement without the table or chapter that says it.
    Citation = Error "citation",
    /// A row or a dynamic range whose keys do not fit together.
    Row = Error "row",
    /// A step of a data flow whose keys do not fit together, or that is out of order.
    Step = Error "step",
    /// An entry of a site file that cannot be used.
    SiteEntry = Error "site-entry",
    /// An entry of a site file that is used and should be looked at: a port that the product does not say may change, a
    /// pin that collides.
    SiteCheck = Warning "site-check",
    /// A text without a word in it.
    EmptyText = Warning "empty-text",
    /// A text with control characters or other characters that cannot be seen.
    ControlCharacter = Warning "control-character",
    /// The same port of the same role and service, from the same table or chapter, stated twice.
    DuplicateStatement = Warning "duplicate-statement",
    /// Entries of one list of ports that overlap.
    PortTwice = Warning "port-twice",
    /// Two services that claim one port of one role, without a conflict that says so.
    Overlap = Warning "overlap",
    /// A fallback port that is the port itself, or stands in the list twice.
    Fallback = Warning "fallback",
    /// A role that no statement and no step uses.
    RoleUnused = Warning "role-unused",
    /// A port that is to give a role away, and that no statement lets the role serve.
    Signature = Warning "signature",
    /// A conflict that fewer than two statements name.
    LoneConflict = Warning "lone-conflict",
    /// A conditional statement that does not say its condition.
    NoCondition = Warning "no-condition",
    /// A reading, an alternative or a transport that is not printed, without a note that explains it.
    NoNote = Warning "no-note",
    /// A port of a data flow that no statement covers at the role which is called.
    StepUncovered = Warning "step-uncovered",
    /// One spelling under two names.
    NameTwice = Warning "name-twice",
    /// One announced subject with two names.
    SubjectTwice = Warning "subject-twice",
    /// A fixed port inside a dynamic range of the same role: it is matched first.
    StaticInDynamic = Hint "static-in-dynamic",
    /// No role has a signature: none can be guessed.
    NoSignature = Hint "no-signature",
    /// A range that the user may change: whether all of it moves or the port that is taken, the row cannot say.
    ModifiableRange = Hint "modifiable-range",
    /// A document of general knowledge that places a port above 49151, where ports change.
    GeneralHighPort = Hint "general-high-port",
    /// Not everything was checked: the document is too large, or what others refer to cannot be read.
    Unchecked = Hint "unchecked",
    /// More was found than is listed.
    More = Hint "more",
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_short_plain_and_unique() {
        let names: BTreeSet<&str> = Rule::ALL.iter().map(|rule| rule.name()).collect();
        assert_eq!(names.len(), Rule::ALL.len());
        for rule in Rule::ALL {
            assert!(rule.name().len() <= 20 && rule.name().chars().all(|c| c.is_ascii_lowercase() || c == '-'));
            assert!(rule.meaning().ends_with('.') && !rule.meaning().starts_with(' '), "{rule}");
        }
    }

    #[test]
    fn rules_stand_in_the_order_of_severity() {
        assert!(Rule::ALL.is_sorted_by_key(|rule| rule.severity()));
    }
}

//! What is documented: the documents, their TOML form, and the site file.
//!
//! A *document* says which ports a product needs: port statements (who listens where, in which transport, who may
//! call), dynamic ranges, and scenarios (ordered data flows). Every statement carries the table or chapter that it was
//! read from. Two kinds never mix: a vendor's document holds only what the vendor printed, or a reading of it that is
//! marked as such; general knowledge (name service, directory, time…) is a document of its own with its own references.
//!
//! A document may also name what brokers announce ports for (RPC interfaces, SQL instances, licence vendors, ONC RPC
//! programs): [`Catalog::announced`].
//!
//! A *site file* says which address has which role and lies in which zone, what the site allows beyond the documents,
//! which exceptions somebody accepted, and where the site's ports differ from the documents: [`Catalog::for_site`] gives the
//! documents as they hold there.
//!
//! A *licence file* (FLEXlm) says at which ports lmgrd and the vendor daemons of a licence server are told to listen; it
//! becomes pins for the site file, and warnings.
//!
//! Adding a document touches one TOML file and no code, apart from the line that embeds it when it is built in.
//!
//! This room refuses packets and flows, guesses no role (it only says what would give a role away), and reads no clock:
//! whether an exception has expired is asked with the time of a packet.

mod announced;
mod announced_form;
mod announced_reader;
mod catalogue;
mod document;
mod document_form;
mod document_reader;
mod document_writer;
mod error;
mod fact;
mod licence_file;
mod lint;
mod names;
mod port_range;
mod port_reader;
mod question;
mod rows;
mod rule;
mod scenario;
mod scenario_reader;
mod schema;
mod service;
mod service_reader;
mod site;
mod site_catalogue;
mod site_change;
mod site_effective;
mod site_form;
mod site_names;
mod site_reader;
mod site_time;
mod spreadsheet;
mod table_writer;

#[cfg(test)]
mod builtin_tests;
#[cfg(test)]
mod generated;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod site_change_tests;
#[cfg(test)]
mod site_mutation_tests;
#[cfg(test)]
mod site_tests;

pub use announced::{AnnouncedSubject, Naming, SubjectKind};
pub use catalogue::{Catalog, Match, Via};
pub use document::{
    ANY_ROLE, Caller, Direction, Document, DocumentKind, DynamicRange, PortRef, PortStatement, Role, Standing,
};
pub use error::{CatalogError, MAX_FILE_BYTES, Place, SiteError};
pub use fact::{Conflict, Fact};
pub use licence_file::{
    BarePort, DaemonLine, LICENCE_MANAGER, LicenceError, LicenceFile, LicencePin, LicenceProblem, LicenceSeverity,
    LicenceVerdict, LicenceWarning, LksVersion, MAX_LICENCE_FILE_BYTES, MAX_LINE_CHARACTERS, PassedOver, PinPlace,
    RationalState, ServerLine,
};
pub use lint::{FileKind, MAX_PROBLEMS, Problem, file_kind, lint, lint_file, lint_site};
pub use names::{Spellings, Spelt};
pub use port_range::PortRange;
pub use question::{Answer, Question};
pub use rows::{DynamicRow, FLAGS, PortRow, StepPortRow, StepRow, dynamic_rows, port_rows, reading_rows, step_rows};
pub use rule::{Rule, Severity};
pub use scenario::{Leg, Party, Scenario, Step, StepPort, StepPortSpec};
pub use schema::document_schema;
pub use service::{Communication, Name, NameKind, ServiceRow, folded};
pub use site::{Accepted, Allowed, DEFAULT_DYNAMIC_RANGE, Site, SiteHost, Target, Who, Zone};
pub use site_catalogue::SiteWord;
pub use site_change::{Override, Pin};
pub use site_names::Named;
pub use site_reader::{MAX_TEXT_CHARACTERS, read_site};
pub use site_time::Date;
pub use spreadsheet::{ImportNote, Imported, MAX_SPREADSHEET_ROWS, NoteKind, SpreadsheetOptions, import_spreadsheet};

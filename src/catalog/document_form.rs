//! The TOML form of a document: its keys, their defaults, and nothing else. The comments of the keys are what an editor
//! shows for them.
//!
//! Rows stand in groups as they do in the printed document: `[[table]]` gives role and citation once, each of its
//! `rows` gives an executable or service and its ports; `[[service_table]]` does the same for services without ports.

use super::announced_form::AnnouncedForm;
use super::document::{Direction, DocumentKind, Standing};
use super::port_range::{PortList, PortRange};
use super::scenario::{Leg, Party, StepPortSpec};
use super::schema::{Filled, Identifier, PortNumber, PortWithTransport, StepNumber};
use super::service::NameKind;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

/// A document: which ports a product needs, and where it says so.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Document")]
pub(super) struct DocumentForm {
    /// What the document is.
    pub(super) document: HeadForm,
    /// The parts that hosts play in it.
    #[serde(default)]
    pub(super) role: Vec<RoleForm>,
    /// Where it contradicts itself.
    #[serde(default)]
    pub(super) conflict: Vec<ConflictForm>,
    /// Names that it spells in more than one way.
    #[serde(default)]
    pub(super) name: Vec<NameForm>,
    /// Ports, in groups that share role and citation.
    #[serde(default)]
    pub(super) table: Vec<TableForm>,
    /// Ranges from which it takes ports that change.
    #[serde(default)]
    pub(super) dynamic_range: Vec<DynamicRangeForm>,
    /// Services, in groups that share role and citation.
    #[serde(default)]
    pub(super) service_table: Vec<ServiceTableForm>,
    /// Services that speak a protocol which the document explains by itself.
    #[serde(default)]
    pub(super) communication: Vec<CommunicationForm>,
    /// Names of what brokers announce ports for, in groups that share kind and citation.
    #[serde(default)]
    pub(super) announced: Vec<AnnouncedForm>,
    /// Ordered data flows.
    #[serde(default)]
    pub(super) scenario: Vec<ScenarioForm>,
    /// What it says besides, in groups that share topic and citation.
    #[serde(default)]
    pub(super) fact: Vec<FactForm>,
}

/// What the document is.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Head")]
pub(super) struct HeadForm {
    /// Short name, unique among the documents in use: lower case, digits, hyphens.
    #[schemars(with = "Identifier")]
    pub(super) id: Spanned<String>,
    /// Title as printed.
    pub(super) title: String,
    /// Who published it.
    pub(super) publisher: String,
    /// Publication number or name.
    pub(super) publication: String,
    /// Edition, version or date.
    pub(super) edition: Option<String>,
    /// Where to find it.
    pub(super) url: Option<String>,
    /// Products and versions that it speaks about, as printed.
    #[serde(default)]
    pub(super) products: Vec<String>,
    /// "vendor": what a vendor printed about its product. "general": knowledge about systems and networks.
    pub(super) kind: DocumentKind,
}

/// A part that a host plays.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Role")]
pub(super) struct RoleForm {
    /// Short name: lower case, digits, hyphens.
    #[schemars(with = "Identifier")]
    pub(super) id: Spanned<String>,
    /// Title for people.
    pub(super) title: String,
    /// Other names that a site file may use.
    #[serde(default)]
    #[schemars(with = "Vec<Identifier>")]
    pub(super) aliases: Vec<Spanned<String>>,
    /// Ports that give the role away, as "7002/tcp": a host that serves all of them probably has it.
    #[serde(default)]
    #[schemars(with = "Vec<PortWithTransport>")]
    pub(super) signature: Vec<Spanned<String>>,
    /// Order of guessing, 1 first: a role is guessed only at a host to which no role of a lower rank fits.
    #[serde(default = "first_rank")]
    pub(super) signature_rank: u8,
}

fn first_rank() -> u8 {
    1
}

/// Statements that do not agree. They name it in their `conflicts`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Conflict")]
pub(super) struct ConflictForm {
    /// Short name, unique in the document.
    #[schemars(with = "Identifier")]
    pub(super) id: Spanned<String>,
    /// What is contradicted by what.
    pub(super) topic: String,
    /// What is used by default.
    pub(super) used: String,
    /// Why.
    pub(super) reason: String,
}

/// One thing under several spellings. Case and white space need no entry.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Name")]
pub(super) struct NameForm {
    /// Of what: "executable" or "service".
    pub(super) kind: NameKind,
    /// The spelling to compare with.
    #[schemars(with = "String")]
    pub(super) canonical: Spanned<String>,
    /// All spellings as printed.
    pub(super) spellings: Vec<String>,
    /// Why these are one.
    pub(super) note: Option<String>,
    /// Where the spellings stand.
    #[schemars(with = "Filled")]
    pub(super) citation: Spanned<String>,
}

/// Port rows that share role and citation.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Table")]
pub(super) struct TableForm {
    /// The role under which the document prints the rows, or "any" where it names none.
    #[schemars(with = "String")]
    pub(super) role: Spanned<String>,
    /// Table or chapter.
    #[schemars(with = "Filled")]
    pub(super) citation: Spanned<String>,
    /// Roles whose hosts listen, where that is not `role`.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(super) listens_at: Vec<Spanned<String>>,
    /// Roles that call, where the document names them.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(super) callers: Vec<Spanned<String>>,
    /// What weight the rows have; "rule" where it is left out.
    #[serde(default)]
    pub(super) standing: Standing,
    /// Which way the ports are used, seen from `role`.
    #[serde(default)]
    pub(super) direction: Direction,
    /// Conflicts, conditions and readings.
    pub(super) note: Option<String>,
    /// The rows.
    #[schemars(with = "Vec<RowForm>")]
    pub(super) rows: Vec<Spanned<RowForm>>,
}

/// A service and its ports. What a row leaves out, its table says.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Row")]
#[schemars(extend("allOf" = [
    { "anyOf": [{ "required": ["service"] }, { "required": ["executable"] }] },
    { "anyOf": [{ "required": ["tcp"] }, { "required": ["udp"] }] },
]))]
pub(super) struct RowForm {
    /// Service for people; the executable where it is left out.
    pub(super) service: Option<String>,
    /// Executable as printed.
    pub(super) executable: Option<String>,
    /// TCP ports: 7700, "27000-27009", or a list of these.
    pub(super) tcp: Option<PortList>,
    /// UDP ports, likewise.
    pub(super) udp: Option<PortList>,
    /// The role that listens, where the table's role connects out.
    #[schemars(with = "Option<String>")]
    pub(super) connects_to: Option<Spanned<String>>,
    /// Roles whose hosts listen, where that is not the table's role.
    #[schemars(with = "Option<Vec<String>>")]
    pub(super) listens_at: Option<Vec<Spanned<String>>>,
    /// Roles that call, where the document names them.
    #[schemars(with = "Option<Vec<String>>")]
    pub(super) callers: Option<Vec<Spanned<String>>>,
    /// Which way the port is used, seen from the table's role. For "connects-out" write `connects_to` instead.
    pub(super) direction: Option<Direction>,
    /// What weight the row has; the table's where it is left out.
    pub(super) standing: Option<Standing>,
    /// Whether the document says that the user may change the number.
    #[serde(default)]
    pub(super) user_modifiable: bool,
    /// false where the document prints no protocol: `tcp` or `udp` is then a reading, and `note` says why.
    #[serde(default = "stated")]
    pub(super) protocol_stated: bool,
    /// Ports tried in this order when the port is taken.
    #[serde(default)]
    #[schemars(with = "Vec<PortNumber>")]
    pub(super) fallback_ports: Vec<PortRange>,
    /// What it is needed for, where the document restricts it.
    pub(super) required_for: Option<String>,
    /// Under which condition it holds, as printed: a feature in use, a version.
    pub(super) condition: Option<String>,
    /// The port cell or sentence as printed, where it differs from the numbers.
    pub(super) printed: Option<String>,
    /// Conflicts, conditions and readings.
    pub(super) note: Option<String>,
    /// Ids of the contradictions that it is part of.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(super) conflicts: Vec<Spanned<String>>,
    /// Table or chapter, where it is not the table's.
    #[schemars(with = "Option<Filled>")]
    pub(super) citation: Option<Spanned<String>>,
}

fn stated() -> bool {
    true
}

/// A range from which a product takes ports that change with every start.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "DynamicRange")]
#[schemars(extend("anyOf" = [{ "required": ["tcp"] }, { "required": ["udp"] }]))]
pub(super) struct DynamicRangeForm {
    /// The role whose hosts listen there.
    #[schemars(with = "String")]
    pub(super) role: Spanned<String>,
    /// The range in TCP, as "49152-65535".
    pub(super) tcp: Option<PortRange>,
    /// The range in UDP.
    pub(super) udp: Option<PortRange>,
    /// How many the vendor saw in use. Neither a limit nor a requirement.
    pub(super) observed_ports: Option<u32>,
    /// Executables that the document says use it, as printed.
    #[serde(default)]
    pub(super) executables: Vec<String>,
    /// What weight it has; "rule" where it is left out.
    #[serde(default)]
    pub(super) standing: Standing,
    /// The sentence as printed.
    pub(super) printed: Option<String>,
    /// Conflicts and readings.
    pub(super) note: Option<String>,
    /// Ids of the contradictions that it is part of.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(super) conflicts: Vec<Spanned<String>>,
    /// Table or chapter.
    #[schemars(with = "Filled")]
    pub(super) citation: Spanned<String>,
}

/// Services that share role and citation.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ServiceTable")]
pub(super) struct ServiceTableForm {
    /// The role under which the document lists them, or "any" where it names none.
    #[schemars(with = "String")]
    pub(super) role: Spanned<String>,
    /// Table or chapter.
    #[schemars(with = "Filled")]
    pub(super) citation: Spanned<String>,
    /// "rule" where the table says what has to be configured, "overview" where it introduces.
    #[serde(default)]
    pub(super) standing: Standing,
    /// The rows.
    pub(super) rows: Vec<ServiceRowForm>,
}

/// A service.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ServiceRow")]
pub(super) struct ServiceRowForm {
    /// Service name as printed, without a port that the same cell holds.
    pub(super) service: String,
    /// Executable as printed.
    pub(super) executable: Option<String>,
    /// Display name as printed.
    pub(super) display_name: Option<String>,
    /// Description as printed.
    pub(super) description: Option<String>,
    /// What the row prints about ports, word for word.
    pub(super) printed_ports: Option<String>,
    /// Conflicts and readings.
    pub(super) note: Option<String>,
    /// Ids of the contradictions that it is part of.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(super) conflicts: Vec<Spanned<String>>,
}

/// Services that speak a protocol which the document explains by itself: Socket.IO, DCOM.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Communication")]
pub(super) struct CommunicationForm {
    /// The protocol as printed.
    pub(super) protocol: String,
    /// The role under which the document lists them, or "any" where it names none.
    #[schemars(with = "String")]
    pub(super) role: Spanned<String>,
    /// Executables as printed.
    pub(super) executables: Vec<String>,
    /// What the document adds, as printed.
    pub(super) printed: Option<String>,
    /// Conflicts and readings.
    pub(super) note: Option<String>,
    /// Table or chapter.
    #[schemars(with = "Filled")]
    pub(super) citation: Spanned<String>,
}

/// What a document says that is about no single port.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Fact")]
pub(super) struct FactForm {
    /// What it is about, in a few words.
    pub(super) topic: String,
    /// As printed.
    pub(super) text: String,
    /// Conflicts and readings.
    pub(super) note: Option<String>,
    /// Ids of the contradictions that it is part of.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(super) conflicts: Vec<Spanned<String>>,
    /// Table or chapter.
    #[schemars(with = "Filled")]
    pub(super) citation: Spanned<String>,
}

/// An ordered data flow between roles.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Scenario")]
pub(super) struct ScenarioForm {
    /// Short name, unique in the document.
    #[schemars(with = "Identifier")]
    pub(super) id: Spanned<String>,
    /// Title as printed.
    pub(super) title: String,
    /// Table or chapter.
    #[schemars(with = "Filled")]
    pub(super) citation: Spanned<String>,
    /// Its steps, numbered upwards.
    pub(super) step: Vec<StepForm>,
}

/// One step of a data flow.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Step")]
pub(super) struct StepForm {
    /// Number as printed.
    #[schemars(with = "StepNumber")]
    pub(super) number: Spanned<u16>,
    /// Description as printed.
    pub(super) description: String,
    /// Roles, any of which may act.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(super) from: Vec<Spanned<String>>,
    /// Roles, any of which may be acted upon.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(super) to: Vec<Spanned<String>>,
    /// true where it is printed as internal to a computer.
    #[serde(default)]
    pub(super) local: bool,
    /// Services as printed.
    #[serde(default)]
    pub(super) services: Vec<String>,
    /// Ports, any of which serves.
    #[serde(default)]
    #[schemars(with = "Vec<StepPortForm>")]
    pub(super) ports: Vec<Spanned<StepPortForm>>,
    /// Who opens the connection.
    #[serde(default)]
    pub(super) leg: Leg,
    /// The port cell as printed, where `ports` reads it differently.
    pub(super) printed: Option<String>,
    /// Conflicts and readings.
    pub(super) note: Option<String>,
    /// Ids of the contradictions that it is part of.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(super) conflicts: Vec<Spanned<String>>,
}

/// A port of a step: { tcp = 7002 }, { udp = 1434 } or { tcp = "dynamic" }.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "StepPort")]
#[schemars(extend("oneOf" = [{ "required": ["tcp"] }, { "required": ["udp"] }]))]
pub(super) struct StepPortForm {
    /// TCP port, or "dynamic".
    pub(super) tcp: Option<StepSpecForm>,
    /// UDP port, or "dynamic".
    pub(super) udp: Option<StepSpecForm>,
    /// What the document prints beside it: HTTPS, Socket.IO, DCOM…
    pub(super) purpose: Option<String>,
    /// The one service that it belongs to, where the step names several.
    pub(super) service: Option<String>,
    /// At which end the port is.
    #[serde(default)]
    pub(super) party: Party,
    /// "scenario" where printed, "reading" where the note explains it.
    #[serde(default = "scenario_standing")]
    pub(super) standing: Standing,
}

fn scenario_standing() -> Standing {
    Standing::Scenario
}

/// `7002` or `"dynamic"`.
pub(super) struct StepSpecForm(pub(super) StepPortSpec);

impl<'de> Deserialize<'de> for StepSpecForm {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SpecVisitor;
        impl serde::de::Visitor<'_> for SpecVisitor {
            type Value = StepSpecForm;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a port such as 7002, or \"dynamic\"")
            }

            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<StepSpecForm, E> {
                match u16::try_from(number) {
                    Ok(port) if port > 0 => Ok(StepSpecForm(StepPortSpec::Fixed(port))),
                    _ => Err(E::custom(format!("{number} is not a port: ports are 1 to 65535"))),
                }
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<StepSpecForm, E> {
                match text {
                    "dynamic" => Ok(StepSpecForm(StepPortSpec::Dynamic)),
                    other => Err(E::custom(format!("{other:?} is neither a port such as 7002 nor \"dynamic\""))),
                }
            }
        }
        deserializer.deserialize_any(SpecVisitor)
    }
}

//! The TOML form of a document: its keys, their defaults, and nothing else.
//!
//! Rows stand in groups as they do in the printed document: `[[table]]` gives role and citation once, each of its
//! `rows` gives an executable or service and its ports.

use super::document::{Direction, DocumentKind, Leg, Party, Standing, StepPortSpec};
use super::port_range::{PortList, PortRange};
use serde::Deserialize;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DocumentForm {
    pub(super) document: HeadForm,
    #[serde(default)]
    pub(super) role: Vec<RoleForm>,
    #[serde(default)]
    pub(super) table: Vec<TableForm>,
    #[serde(default)]
    pub(super) dynamic_range: Vec<DynamicRangeForm>,
    #[serde(default)]
    pub(super) scenario: Vec<ScenarioForm>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HeadForm {
    pub(super) id: Spanned<String>,
    pub(super) title: String,
    pub(super) publisher: String,
    pub(super) publication: String,
    pub(super) edition: Option<String>,
    pub(super) url: Option<String>,
    #[serde(default)]
    pub(super) products: Vec<String>,
    pub(super) kind: DocumentKind,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleForm {
    pub(super) id: Spanned<String>,
    pub(super) title: String,
    #[serde(default)]
    pub(super) aliases: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) signature: Vec<Spanned<String>>,
    #[serde(default = "first_rank")]
    pub(super) signature_rank: u8,
}

fn first_rank() -> u8 {
    1
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TableForm {
    pub(super) role: Spanned<String>,
    pub(super) citation: Spanned<String>,
    #[serde(default)]
    pub(super) listens_at: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) callers: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) standing: Standing,
    #[serde(default)]
    pub(super) direction: Direction,
    pub(super) note: Option<String>,
    pub(super) rows: Vec<Spanned<RowForm>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RowForm {
    pub(super) service: Option<String>,
    pub(super) executable: Option<String>,
    pub(super) tcp: Option<PortList>,
    pub(super) udp: Option<PortList>,
    pub(super) connects_to: Option<Spanned<String>>,
    pub(super) listens_at: Option<Vec<Spanned<String>>>,
    pub(super) callers: Option<Vec<Spanned<String>>>,
    pub(super) direction: Option<Direction>,
    pub(super) standing: Option<Standing>,
    #[serde(default)]
    pub(super) user_modifiable: bool,
    #[serde(default = "stated")]
    pub(super) protocol_stated: bool,
    #[serde(default)]
    pub(super) fallback_ports: Vec<PortRange>,
    pub(super) required_for: Option<String>,
    pub(super) printed: Option<String>,
    pub(super) note: Option<String>,
    pub(super) citation: Option<Spanned<String>>,
}

fn stated() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DynamicRangeForm {
    pub(super) role: Spanned<String>,
    pub(super) tcp: Option<PortRange>,
    pub(super) udp: Option<PortRange>,
    pub(super) observed_ports: Option<u32>,
    #[serde(default)]
    pub(super) executables: Vec<String>,
    pub(super) note: Option<String>,
    pub(super) citation: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScenarioForm {
    pub(super) id: Spanned<String>,
    pub(super) title: String,
    pub(super) citation: Spanned<String>,
    pub(super) step: Vec<StepForm>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StepForm {
    pub(super) number: Spanned<u16>,
    pub(super) description: String,
    #[serde(default)]
    pub(super) from: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) to: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) local: bool,
    #[serde(default)]
    pub(super) services: Vec<String>,
    #[serde(default)]
    pub(super) ports: Vec<Spanned<StepPortForm>>,
    #[serde(default)]
    pub(super) leg: Leg,
    pub(super) printed: Option<String>,
    pub(super) note: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StepPortForm {
    pub(super) tcp: Option<StepSpecForm>,
    pub(super) udp: Option<StepSpecForm>,
    pub(super) purpose: Option<String>,
    pub(super) service: Option<String>,
    #[serde(default)]
    pub(super) party: Party,
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

//! The TOML form of the site file: its keys, their defaults, and nothing else.

use super::port_range::{PortList, PortRange};
use super::site_time::Date;
use serde::Deserialize;
use serde::de::{Error as _, MapAccess, Visitor};
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SiteFileForm {
    #[serde(default)]
    pub(super) site: HeadForm,
    #[serde(default)]
    pub(super) role: Vec<RoleForm>,
    #[serde(default)]
    pub(super) zone: Vec<ZoneForm>,
    #[serde(default)]
    pub(super) host: Vec<Spanned<HostForm>>,
    #[serde(default)]
    pub(super) allow: Vec<Spanned<AllowForm>>,
    #[serde(default)]
    pub(super) accept: Vec<Spanned<AcceptForm>>,
    #[serde(default, rename = "override")]
    pub(super) overrides: Vec<Spanned<OverrideForm>>,
    #[serde(default)]
    pub(super) pin: Vec<Spanned<PinForm>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct HeadForm {
    pub(super) name: Option<Spanned<String>>,
    pub(super) time_zone: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) documents: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleForm {
    pub(super) id: Spanned<String>,
    pub(super) title: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ZoneForm {
    pub(super) id: Spanned<String>,
    pub(super) title: Spanned<String>,
    #[serde(default)]
    pub(super) networks: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HostForm {
    pub(super) address: Option<Spanned<String>>,
    pub(super) network: Option<Spanned<String>>,
    pub(super) name: Option<Spanned<String>>,
    pub(super) roles: Option<Vec<Spanned<String>>>,
    pub(super) dynamic_range: Option<PortRange>,
    pub(super) zone: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AllowForm {
    pub(super) from: Spanned<String>,
    pub(super) to: Spanned<String>,
    pub(super) transport: Spanned<String>,
    pub(super) port: PortList,
    pub(super) service: Option<Spanned<String>>,
    pub(super) reason: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AcceptForm {
    pub(super) from: Spanned<String>,
    pub(super) to: Spanned<String>,
    pub(super) transport: Spanned<String>,
    pub(super) port: PortList,
    pub(super) owner: Spanned<String>,
    pub(super) reason: Spanned<String>,
    pub(super) expires: Option<DateForm>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OverrideForm {
    pub(super) role: Spanned<String>,
    pub(super) executable: Option<Spanned<String>>,
    pub(super) service: Option<Spanned<String>>,
    pub(super) was: Spanned<String>,
    pub(super) port: Spanned<PortRange>,
    pub(super) reason: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PinForm {
    pub(super) daemon: Spanned<String>,
    pub(super) at: Option<Spanned<String>>,
    pub(super) transport: Option<Spanned<String>>,
    pub(super) port: Spanned<PortRange>,
    pub(super) source: Spanned<String>,
    pub(super) reason: Option<Spanned<String>>,
}

/// `"2027-01-31"`, or the same without quotes.
pub(super) struct DateForm(pub(super) Date);

impl<'de> Deserialize<'de> for DateForm {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DateVisitor;
        impl<'de> Visitor<'de> for DateVisitor {
            type Value = DateForm;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a date such as \"2027-01-31\"")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<DateForm, E> {
                let day = text.parse::<toml::value::Datetime>().ok().and_then(only_date);
                day.map(DateForm).ok_or_else(|| E::custom(format!("{text:?} is not a date such as \"2027-01-31\"")))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<DateForm, A::Error> {
                let time = toml::value::Datetime::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                let refusal = || A::Error::custom(format!("{time} is not a plain date such as 2027-01-31"));
                only_date(time).map(DateForm).ok_or_else(refusal)
            }
        }
        deserializer.deserialize_any(DateVisitor)
    }
}

fn only_date(time: toml::value::Datetime) -> Option<Date> {
    match (time.date, time.time, time.offset) {
        (Some(date), None, None) => Date::new(date.year, date.month, date.day),
        _ => None,
    }
}

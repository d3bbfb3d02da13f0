//! A fixed port for one DCOM application: `HKLM\SOFTWARE\Classes\AppID\{…}\Endpoints`.

use super::FixedPort;
use crate::model::Transport;
use std::fmt;
use std::str::FromStr;

/// Lengths of the groups of hexadecimal digits.
const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];

/// Identifier of a DCOM application: a GUID in braces, upper case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AppId(String);

impl AppId {
    /// With its braces, e.g. `{13486D44-4821-11D2-A494-3CB306C10000}`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AppId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || "the AppID is not a GUID in braces such as {13486D44-4821-11D2-A494-3CB306C10000}".to_owned();
        let inner = text.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).ok_or_else(wrong)?;
        let groups: Vec<&str> = inner.split('-').collect();
        let is_hex = |group: &&str| group.bytes().all(|b| b.is_ascii_hexdigit());
        let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
        if lengths != GROUPS || !groups.iter().all(is_hex) {
            return Err(wrong());
        }
        Ok(Self(format!("{{{}}}", inner.to_ascii_uppercase())))
    }
}

/// A port for one application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppEndpoint {
    /// The application.
    pub app: AppId,
    /// TCP port.
    pub port: u16,
}

impl AppEndpoint {
    /// The registry value.
    #[must_use]
    pub fn value(&self) -> String {
        format!("ncacn_ip_tcp,0,{}", self.port)
    }

    pub(super) fn as_fixed(&self) -> FixedPort {
        FixedPort::new(Transport::Tcp, self.port, &format!("AppID {}", self.app.0.trim_matches(['{', '}'])))
    }
}

impl FromStr for AppEndpoint {
    type Err = String;

    /// `{GUID}=PORT`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (app, port) = text.rsplit_once('=').ok_or("write {AppID}=PORT")?;
        let port = port.trim().parse().ok().filter(|port| *port > 0);
        Ok(Self { app: app.parse()?, port: port.ok_or("the port is not a number from 1 to 65535")? })
    }
}

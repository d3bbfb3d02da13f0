//! Which part does a host play? The site file says, or what it was seen to serve gives it away.

use crate::catalog::{Catalog, PortRef, Role, Site};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Roles by address.
#[derive(Debug, Clone, Default)]
pub struct Roles {
    by_host: BTreeMap<IpAddr, Vec<String>>,
    guessed: bool,
}

/// Whether a host serves the whole signature of a role. A role without a signature fits nobody.
pub(super) fn fits(role: &Role, serves: impl Fn(&PortRef) -> bool) -> bool {
    !role.signature.is_empty() && role.signature.iter().all(serves)
}

impl Roles {
    /// Roles as the site file states them. Hosts that it does not name have none.
    pub(super) fn stated(site: &Site, hosts: impl Iterator<Item = IpAddr>) -> Self {
        let by_host = hosts.map(|ip| (ip, site.roles(ip).to_vec())).filter(|(_, roles)| !roles.is_empty()).collect();
        Self { by_host, guessed: false }
    }

    /// Roles guessed from the ports that each host was seen to serve: the documents' signatures, best rank only.
    pub(super) fn guessed(catalog: &Catalog, served: &BTreeMap<IpAddr, BTreeSet<PortRef>>) -> Self {
        let roles = catalog.roles();
        let mut by_host = BTreeMap::new();
        for (ip, ports) in served {
            let fitting = || roles.iter().filter(|role| fits(role, |port| ports.contains(port)));
            let Some(best) = fitting().map(|role| role.signature_rank).min() else { continue };
            let fitting = fitting().filter(|role| role.signature_rank == best);
            by_host.insert(*ip, fitting.map(|role| role.id.clone()).collect());
        }
        Self { by_host, guessed: true }
    }

    /// Roles of a host, empty where none is known.
    #[must_use]
    pub fn of(&self, ip: IpAddr) -> &[String] {
        self.by_host.get(&ip).map(Vec::as_slice).unwrap_or_default()
    }

    /// True where they were guessed.
    #[must_use]
    pub fn are_guessed(&self) -> bool {
        self.guessed
    }
}

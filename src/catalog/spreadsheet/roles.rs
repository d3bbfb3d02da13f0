//! The roles that the rows of a spreadsheet name.

use super::super::document::{ANY_ROLE, Role};
use super::super::service::folded;
use super::text::cleaned;
use std::collections::{BTreeMap, BTreeSet};

/// Roles of one file; the cells of a further one are left out.
pub(super) const MAX_ROLES: usize = 500;

/// Longest identifier.
const ID_CHARACTERS: usize = 64;

/// The roles so far, with the identifiers made for them.
#[derive(Default)]
pub(super) struct Roles {
    roles: Vec<Role>,
    /// Title without case and white space to identifier.
    by_title: BTreeMap<String, String>,
    taken: BTreeSet<String>,
}

impl Roles {
    /// The identifiers of the roles of a cell, each once; those that are new are declared. An error where there are too many.
    pub(super) fn of_cell(&mut self, cell: &str) -> Result<Vec<String>, String> {
        let mut ids = Vec::new();
        let mut seen = BTreeSet::new();
        for title in cell.split([',', ';', '\n', '\r']).map(cleaned).filter(|title| !title.is_empty()) {
            let id = self.declare(&title)?;
            if seen.insert(id.clone()) {
                ids.push(id);
            }
        }
        // Every host is also each of the others.
        if seen.contains(ANY_ROLE) {
            ids = vec![ANY_ROLE.to_owned()];
        }
        Ok(ids)
    }

    /// The identifier of a role.
    pub(super) fn declare(&mut self, title: &str) -> Result<String, String> {
        let key = folded(title);
        if matches!(key.as_str(), "any" | "all" | "*" | "anyhost" | "allhosts") {
            return Ok(ANY_ROLE.to_owned());
        }
        if let Some(id) = self.by_title.get(&key) {
            return Ok(id.clone());
        }
        if self.roles.len() >= MAX_ROLES {
            return Err(format!("the file names more than {MAX_ROLES} roles: is this the column of the roles?"));
        }
        let id = self.free_id(&slug(title));
        self.taken.insert(id.clone());
        self.by_title.insert(key, id.clone());
        let (aliases, signature) = (Vec::new(), Vec::new());
        self.roles.push(Role { id: id.clone(), title: title.to_owned(), aliases, signature, signature_rank: 1 });
        Ok(id)
    }

    /// The identifier itself, or with the first number behind it that makes it one of its own.
    fn free_id(&self, slug: &str) -> String {
        let slug = if slug.is_empty() || slug == ANY_ROLE { "role" } else { slug };
        let numbered = (2..).map(|number| {
            let number = format!("-{number}");
            let room = ID_CHARACTERS - number.len();
            format!("{}{number}", slug.get(..room).unwrap_or(slug))
        });
        let free = |id: &String| !self.taken.contains(id);
        std::iter::once(slug.to_owned()).chain(numbered).find(free).unwrap_or_default()
    }

    /// Identifiers of all roles.
    pub(super) fn ids(&self) -> Vec<String> {
        self.roles.iter().map(|role| role.id.clone()).collect()
    }

    pub(super) fn into_roles(self) -> Vec<Role> {
        self.roles
    }
}

/// Lower-case letters, digits and hyphens only, at most as many as an identifier may have.
fn slug(title: &str) -> String {
    let mut slug = String::new();
    for c in title.to_lowercase().chars() {
        if slug.len() >= ID_CHARACTERS {
            break;
        }
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_become_identifiers_of_their_own() {
        let mut roles = Roles::default();
        for (cell, expected) in [
            ("Application Server", vec!["application-server"]),
            ("application  SERVER; Client", vec!["application-server", "client"]),
            ("C server\nC++ server", vec!["c-server", "c-server-2"]),
            ("服务器, 客户端", vec!["role", "role-2"]),
            ("Client, any", vec!["any"]),
            (" , ", vec![]),
        ] {
            assert_eq!(roles.of_cell(cell), Ok(expected.into_iter().map(str::to_owned).collect()), "{cell}");
        }
        let long = "x".repeat(100);
        assert_eq!(roles.declare(&long).map(|id| id.len()), Ok(64));
        assert_eq!(roles.declare(&format!("{long}y")).map(|id| (id.len(), id.ends_with("-2"))), Ok((64, true)));
        assert_eq!(roles.into_roles().first().map(|role| role.title.as_str()), Some("Application Server"));
    }

    #[test]
    fn too_many_roles_are_an_error() {
        let mut roles = Roles::default();
        let cell: Vec<String> = (0..=MAX_ROLES).map(|number| format!("r{number}")).collect();
        assert!(roles.of_cell(&cell.join(",")).is_err_and(|error| error.contains("more than 500 roles")));
    }
}

//! A proposed site file as TOML: entries that the reader of site files takes as they are, with the evidence as comments.
//!
//! Entries are written by the serialiser of the `toml` crate. Comments are [`visible`] text, one line each: no name out of
//! a capture ends a comment or begins an entry. The text never grows beyond what the reader takes: then hosts come
//! without their evidence, and at last are left out, and both is said.

mod entry;
mod head;

use super::ReportError;
use super::text::{count, counted, visible};
use crate::catalog::{Catalog, MAX_FILE_BYTES};
use crate::classification::{Proposal, ProposedHost, UnheardHost};
use crate::model::CaptureRow;
use ipnet::IpNet;
use serde::Serialize;
use std::io;
use std::net::IpAddr;

/// Size from which hosts come without their evidence.
const EVIDENCE_BYTES: usize = MAX_FILE_BYTES / 8 * 5;
/// Size from which hosts are left out. What follows the hosts is bounded and has room behind it.
const HOSTS_BYTES: usize = MAX_FILE_BYTES / 8 * 7;

/// Columns of a comment.
const COLUMNS: usize = 116;

/// What a proposal was made from.
#[derive(Debug, Clone, Copy)]
pub struct ProposalSource<'a> {
    /// The recordings.
    pub captures: &'a [CaptureRow],
    /// What metering could not keep: kind and count.
    pub losses: &'a [(String, u64)],
    /// The documents whose signatures gave the roles away.
    pub catalog: &'a Catalog,
    /// Version of this program, e.g. "0.1.0".
    pub tool_version: &'a str,
}

/// An entry as the reader of site files takes it.
#[derive(Serialize)]
struct HostEntry<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<IpNet>,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<Vec<&'a str>>,
}

#[derive(Serialize)]
struct HostTable<'a> {
    host: [HostEntry<'a>; 1],
}

#[derive(Serialize)]
struct SiteTable<'a> {
    site: Head<'a>,
}

#[derive(Serialize)]
struct Head<'a> {
    name: &'a str,
}

/// A text that grows line by line.
#[derive(Debug, Default)]
struct Page {
    text: String,
}

impl Page {
    /// A line of comment.
    fn comment(&mut self, line: &str) {
        self.text.push('#');
        if !line.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(&visible(line));
        self.text.push('\n');
    }

    /// A sentence, broken into lines of comment where it is long.
    fn sentence(&mut self, sentence: &str) {
        self.broken("", sentence);
    }

    /// The same, indented.
    fn item(&mut self, item: &str) {
        self.broken("  ", item);
    }

    fn broken(&mut self, indent: &str, text: &str) {
        let mut line = String::from(indent);
        for word in text.split(' ') {
            let begun = line.len() > indent.len();
            if begun && line.chars().count() + 1 + word.chars().count() > COLUMNS {
                self.comment(&line);
                line = format!("{indent}  {word}");
            } else {
                line.push_str(if begun { " " } else { "" });
                line.push_str(word);
            }
        }
        self.comment(&line);
    }

    fn comments(&mut self, lines: &[&str]) {
        for line in lines {
            self.comment(line);
        }
    }

    fn blank(&mut self) {
        self.text.push('\n');
    }

    fn title(&mut self, title: &str) {
        self.blank();
        self.comment(&format!("---- {title} ----"));
    }

    fn table(&mut self, table: &impl Serialize) -> Result<(), ReportError> {
        self.text.push_str(&toml_text(table)?);
        Ok(())
    }
}

fn toml_text(table: &impl Serialize) -> Result<String, ReportError> {
    toml::to_string(table).map_err(|error| ReportError::Output(io::Error::other(error)))
}

/// The proposal as a site file, at most [`MAX_FILE_BYTES`] long.
///
/// # Errors
/// When an entry cannot be written as TOML, which would be a defect.
pub fn site_proposal(proposal: &Proposal, source: &ProposalSource<'_>) -> Result<String, ReportError> {
    let mut page = Page::default();
    head::write(&mut page, proposal, source);
    page.blank();
    page.table(&SiteTable { site: Head { name: "" } })?;
    let more = hosts(&mut page, proposal, source)?;
    networks(&mut page, &proposal.networks)?;
    not_listed(&mut page, proposal, more);
    Ok(page.text)
}

/// Writes the hosts group by group. Returns how many found no room.
fn hosts(page: &mut Page, proposal: &Proposal, source: &ProposalSource<'_>) -> Result<u64, ReportError> {
    let with_role = |host: &&ProposedHost| !host.roles.is_empty();
    let serving = |host: &&ProposedHost| host.roles.is_empty() && !host.served.is_empty();
    let other = |host: &&ProposedHost| host.roles.is_empty() && host.served.is_empty();
    let groups: [(&str, Vec<&ProposedHost>); 3] = [
        ("Hosts with a guessed role", proposal.hosts.iter().filter(with_role).collect()),
        ("Hosts that served, on ports that give no role away", proposal.hosts.iter().filter(serving).collect()),
        ("Hosts that were not seen to serve", proposal.hosts.iter().filter(other).collect()),
    ];
    let (mut more, mut told) = (0, false);
    for (title, hosts) in groups.iter().filter(|(_, hosts)| !hosts.is_empty()) {
        page.title(&format!("{title}: {}", count(hosts.len() as u64)));
        for host in hosts {
            let bare = page.text.len() > EVIDENCE_BYTES;
            if bare && !told {
                page.blank();
                page.comment("From here on without evidence: the file would grow too large to be read.");
                told = true;
            }
            let mut entry = Page::default();
            if !bare {
                entry::evidence(&mut entry, host, source);
            }
            let roles = Some(host.roles.iter().map(|role| role.id.as_str()).collect());
            let form = HostEntry { address: Some(host.address), network: None, name: "", roles };
            entry.table(&HostTable { host: [form] })?;
            if page.text.len() + entry.text.len() > HOSTS_BYTES {
                more += 1;
                continue;
            }
            page.blank();
            page.text.push_str(&entry.text);
        }
    }
    Ok(more)
}

/// Networks as entries that are commented out: which role a network has is not in a capture.
fn networks(page: &mut Page, networks: &[(IpNet, u64)]) -> Result<(), ReportError> {
    if networks.is_empty() {
        return Ok(());
    }
    page.title("Networks");
    page.comments(&[
        "The hosts lie in these networks of 24 or 64 bits; the plant may cut them differently. An entry for a network speaks",
        "for the addresses that have no entry of their own, or one without the line `roles`. To use it, remove the \"# \" before",
        "its three lines, and add a line with roles where all of its hosts have the same.",
    ]);
    for (network, hosts) in networks {
        page.blank();
        page.comment(&format!("{}:", counted(*hosts, "host", "hosts")));
        let form = HostEntry { address: None, network: Some(*network), name: "", roles: None };
        for line in toml_text(&HostTable { host: [form] })?.lines() {
            page.comment(line);
        }
    }
    Ok(())
}

/// What is known to be missing from the list.
fn not_listed(page: &mut Page, proposal: &Proposal, more: u64) {
    let left_out = proposal.left_out + more;
    if left_out + proposal.swept_only == 0 && proposal.unheard.is_empty() {
        return;
    }
    page.title("Not listed");
    if left_out > 0 {
        page.sentence(&format!(
            "{} found no room here: hosts without a role go first. Read fewer captures at once to see them.",
            counted(left_out, "further host", "further hosts")
        ));
    }
    if !proposal.unheard.is_empty() {
        page.comments(&[
            "Called, and never heard but for refusals. Nothing shows that there is a host: it may be off, behind a filter, heard",
            "on another path, or take datagrams without an answer (syslog, traps); a refusal (RST) may come from a firewall in its",
            "name. Add it if it belongs to the site.",
        ]);
    }
    for host in &proposal.unheard {
        unheard(page, host);
    }
    if proposal.unheard_left_out > 0 {
        page.item(&format!("and {} more", count(proposal.unheard_left_out)));
    }
    if proposal.swept_only > 0 {
        let addresses = counted(proposal.swept_only, "address was", "addresses were");
        page.sentence(&format!("{addresses} called by sweeps only, and did nothing but refuse or keep silent."));
    }
}

fn unheard(page: &mut Page, host: &UnheardHost) {
    let refused = if host.refused { "; refused" } else { "" };
    let others = match host.ports {
        0 | 1 => String::new(),
        n => format!(" and {}", counted(n - 1, "other port", "other ports")),
    };
    page.item(&format!(
        "{}: {}{others}, called by {}{refused}",
        host.address,
        host.lowest_port,
        counted(host.callers, "host", "hosts")
    ));
}

#[cfg(test)]
mod tests;

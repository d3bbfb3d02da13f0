//! From the TOML form to the names of announced subjects.

use super::announced::{AnnouncedSubject, SubjectKind, is_uuid};
use super::announced_form::{AnnouncedForm, SubjectForm};
use super::document_form::DocumentForm;
use super::document_reader::Reader;
use super::error::Fault;
use super::rule::Rule;
use super::service::folded;
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;

impl Reader {
    /// All names of announced subjects, and where their subjects stand.
    pub(super) fn announced(&self, tables: Vec<AnnouncedForm>) -> (Vec<AnnouncedSubject>, Vec<Range<usize>>) {
        let (mut entries, mut spans) = (Vec::new(), Vec::new());
        for AnnouncedForm { kind, citation, rows } in tables {
            let Some(citation) = self.keep(self.citation(&citation)) else { continue };
            for row in rows {
                let span = row.subject.span();
                if let Some(entry) = self.keep(self.subject(kind, &citation, row)) {
                    entries.push(entry);
                    spans.push(span);
                }
            }
        }
        (entries, spans)
    }

    fn subject(&self, kind: SubjectKind, citation: &str, row: SubjectForm) -> Result<AnnouncedSubject, Fault> {
        let own = row.citation.as_ref().map(|citation| self.citation(citation)).transpose()?;
        check_subject(kind, &row.subject)?;
        if let Some(version) = &row.version {
            check_version(kind, version)?;
        }
        if row.name.get_ref().trim().is_empty() {
            let advice = "write what people call it: \"LSARPC\"";
            return Err(Fault::new(Rule::Value, &row.name.span(), "the name is empty", advice));
        }
        Ok(AnnouncedSubject {
            kind,
            subject: row.subject.into_inner(),
            version: row.version.map(Spanned::into_inner),
            name: row.name.into_inner(),
            title: row.title,
            service: row.service.map(|service| self.known_service(&service)).transpose()?,
            standing: row.standing,
            condition: row.condition,
            printed: row.printed,
            note: row.note,
            conflicts: self.conflict_list(&row.conflicts)?,
            citation: own.unwrap_or_else(|| citation.to_owned()),
        })
    }

    /// A service or executable that the document speaks of, in any of its spellings.
    fn known_service(&self, name: &Spanned<String>) -> Result<String, Fault> {
        let text = name.get_ref();
        if self.services.contains_key(&folded(text)) {
            return Ok(text.clone());
        }
        let advice = self.suggestion(text, self.services.values().map(String::as_str)).unwrap_or_else(|| {
            "state its ports with [[table]], list it with [[service_table]], or leave it out".to_owned()
        });
        let problem = format!("unknown service {text:?}");
        Err(Fault::new(Rule::UnknownService, &name.span(), problem, advice))
    }
}

/// Services, executables and their spellings, as the forms give them: what is wrong with a row takes its service away from
/// nobody. Without case and white space, to a spelling for advice.
pub(super) fn service_names(form: &DocumentForm) -> BTreeMap<String, String> {
    let rows = form.table.iter().flat_map(|table| &table.rows).map(Spanned::get_ref);
    let ports = rows.flat_map(|row| row.service.iter().chain(&row.executable));
    let ranges = form.dynamic_range.iter().flat_map(|range| &range.executables);
    let listed = form.service_table.iter().flat_map(|table| &table.rows);
    let listed = listed.flat_map(|row| [&row.service].into_iter().chain(&row.executable).chain(&row.display_name));
    let speaking = form.communication.iter().flat_map(|entry| &entry.executables);
    let names = form.name.iter().flat_map(|name| [name.canonical.get_ref()].into_iter().chain(&name.spellings));
    let mut services = BTreeMap::new();
    for name in ports.chain(ranges).chain(listed).chain(speaking).chain(names) {
        services.entry(folded(name)).or_insert_with(|| name.clone());
    }
    services
}

fn check_subject(kind: SubjectKind, subject: &Spanned<String>) -> Result<(), Fault> {
    let text = subject.get_ref().as_str();
    let (holds, problem, advice) = match kind {
        SubjectKind::RpcInterface => {
            let meant = kind.key(text);
            let advice = if is_uuid(&meant) {
                format!("write it as {meant:?}")
            } else {
                "write 32 hexadecimal digits in lower case, as \"e1af8308-5d1f-11c9-91a4-08002b14a0fa\"".to_owned()
            };
            (is_uuid(text), "is not a UUID in lower case with hyphens", advice)
        }
        SubjectKind::OncRpcProgram => {
            let number = text.parse::<u32>().ok().filter(|number| *number > 0);
            let plain = number.is_some_and(|number| number.to_string() == text);
            (plain, "is not the number of an ONC RPC program", "write it as \"100003\"".to_owned())
        }
        SubjectKind::SqlInstance | SubjectKind::LicenceVendor => {
            let plain = !text.is_empty() && text.trim() == text;
            (plain, "is not a name that can be announced", "write it without white space around it".to_owned())
        }
    };
    if holds {
        return Ok(());
    }
    Err(Fault::new(Rule::Value, &subject.span(), format!("{text:?} {problem}"), advice))
}

fn check_version(kind: SubjectKind, version: &Spanned<String>) -> Result<(), Fault> {
    let text = version.get_ref().as_str();
    let number = |part: &str| part.parse::<u32>().is_ok_and(|number| number.to_string() == part);
    let (problem, advice) = if kind.has_versions() {
        if text.split_once('.').map_or_else(|| number(text), |(major, minor)| number(major) && number(minor)) {
            return Ok(());
        }
        (format!("{text:?} is not a version"), "write it as \"1.0\" or \"1\"")
    } else {
        (format!("a {kind} has no version"), "remove `version`")
    };
    Err(Fault::new(Rule::Value, &version.span(), problem, advice))
}

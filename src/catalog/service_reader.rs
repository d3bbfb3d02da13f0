//! From the TOML form to services, names, facts and conflicts.

use super::document_form::{CommunicationForm, ConflictForm, FactForm, NameForm, ServiceRowForm, ServiceTableForm};
use super::document_reader::{Reader, checked};
use super::error::Fault;
use super::fact::{Conflict, Fact};
use super::rule::Rule;
use super::service::{Communication, Name, ServiceRow};
use std::ops::Range;

impl Reader {
    pub(super) fn services(&self, forms: Vec<ServiceTableForm>) -> Vec<ServiceRow> {
        let mut services = Vec::new();
        for table in forms {
            let head = self.role(&table.role).and_then(|role| Ok((role, self.citation(&table.citation)?)));
            let Some((role, citation)) = self.keep(head) else { continue };
            for row in table.rows {
                let Some(conflicts) = self.keep(self.conflict_list(&row.conflicts)) else { continue };
                let ServiceRowForm { service, executable, display_name, description, printed_ports, note, .. } = row;
                let (role, citation, standing) = (role.clone(), citation.clone(), table.standing);
                services.push(ServiceRow {
                    role,
                    service,
                    executable,
                    display_name,
                    description,
                    printed_ports,
                    standing,
                    note,
                    conflicts,
                    citation,
                });
            }
        }
        services
    }

    pub(super) fn communications(&self, forms: Vec<CommunicationForm>) -> Vec<Communication> {
        let read = |form: CommunicationForm| -> Result<Communication, Fault> {
            Ok(Communication {
                role: self.role(&form.role)?,
                citation: self.citation(&form.citation)?,
                protocol: form.protocol,
                executables: form.executables,
                printed: form.printed,
                note: form.note,
            })
        };
        forms.into_iter().filter_map(|form| self.keep(read(form))).collect()
    }

    /// All names, and where their canonical spellings stand.
    pub(super) fn names(&self, forms: Vec<NameForm>) -> (Vec<Name>, Vec<Range<usize>>) {
        let read = |form: NameForm| -> Result<(Name, Range<usize>), Fault> {
            let citation = self.citation(&form.citation)?;
            let NameForm { kind, canonical, spellings, note, .. } = form;
            let span = canonical.span();
            Ok((Name { kind, canonical: canonical.into_inner(), spellings, note, citation }, span))
        };
        forms.into_iter().filter_map(|form| self.keep(read(form))).unzip()
    }

    pub(super) fn facts(&self, forms: Vec<FactForm>) -> Vec<Fact> {
        let read = |form: FactForm| -> Result<Fact, Fault> {
            Ok(Fact {
                conflicts: self.conflict_list(&form.conflicts)?,
                citation: self.citation(&form.citation)?,
                topic: form.topic,
                text: form.text,
                note: form.note,
            })
        };
        forms.into_iter().filter_map(|form| self.keep(read(form))).collect()
    }

    /// All contradictions, and where their ids stand.
    pub(super) fn conflicts(&self, forms: Vec<ConflictForm>) -> (Vec<Conflict>, Vec<Range<usize>>) {
        let (mut conflicts, mut spans): (Vec<Conflict>, Vec<_>) = (Vec::with_capacity(forms.len()), Vec::new());
        for form in forms {
            let Some(id) = self.keep(checked(&form.id)) else { continue };
            if conflicts.iter().any(|other| other.id == id) {
                let problem = format!("the conflict {id:?} is described twice");
                self.refuse(Fault::new(Rule::DuplicateId, &form.id.span(), problem, "give one of them another id"));
            }
            spans.push(form.id.span());
            conflicts.push(Conflict { id, topic: form.topic, used: form.used, reason: form.reason });
        }
        (conflicts, spans)
    }
}

//! From the TOML form to data flows.

use super::document_form::{ScenarioForm, StepForm, StepPortForm};
use super::document_reader::{Reader, checked};
use super::error::Fault;
use super::rule::Rule;
use super::scenario::{Scenario, Step, StepPort};
use crate::model::Transport;
use std::ops::Range;
use toml::Spanned;

impl Reader {
    /// All scenarios, and where the numbers of their steps stand.
    pub(super) fn scenarios(&self, forms: Vec<ScenarioForm>) -> (Vec<Scenario>, Vec<Range<usize>>) {
        let (mut scenarios, mut spans): (Vec<Scenario>, Vec<_>) = (Vec::new(), Vec::new());
        for form in forms {
            let Some(id) = self.keep(checked(&form.id)) else { continue };
            if scenarios.iter().any(|other| other.id == id) {
                let problem = format!("the scenario {id:?} is described twice");
                self.refuse(Fault::new(Rule::DuplicateId, &form.id.span(), problem, "give one of them another id"));
            }
            let citation = self.keep(self.citation(&form.citation)).unwrap_or_default();
            let steps = self.steps(form.step, &mut spans);
            scenarios.push(Scenario { id, title: form.title, citation, steps });
        }
        (scenarios, spans)
    }

    fn steps(&self, forms: Vec<StepForm>, spans: &mut Vec<Range<usize>>) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::with_capacity(forms.len());
        for form in forms {
            let number = *form.number.get_ref();
            if steps.last().is_some_and(|before| before.number >= number) {
                let problem = format!("step {number} is out of order");
                let advice = "number the steps upwards, each number once";
                self.refuse(Fault::new(Rule::Step, &form.number.span(), problem, advice));
            }
            let span = form.number.span();
            if let Some(step) = self.keep(self.step(form)) {
                steps.push(step);
                spans.push(span);
            }
        }
        steps
    }

    fn step(&self, form: StepForm) -> Result<Step, Fault> {
        let number = *form.number.get_ref();
        let at = form.number.span();
        let ports = form.ports.iter().map(|port| self.step_port(port)).collect::<Result<Vec<_>, _>>()?;
        if form.local && !ports.is_empty() {
            let problem = format!("step {number} is local and has ports");
            return Err(Fault::new(Rule::Step, &at, problem, "remove `local = true`, or the ports"));
        }
        if !form.local && (ports.is_empty() || form.from.is_empty() || form.to.is_empty()) {
            let problem = format!("step {number} lacks an end or a port");
            let advice = "give it `from`, `to` and `ports`, or `local = true`";
            return Err(Fault::new(Rule::Step, &at, problem, advice));
        }
        Ok(Step {
            number,
            description: form.description,
            from: self.role_list(&form.from)?,
            to: self.role_list(&form.to)?,
            local: form.local,
            services: form.services,
            ports,
            leg: form.leg,
            printed: form.printed,
            note: form.note,
            conflicts: self.conflict_list(&form.conflicts)?,
        })
    }

    fn step_port(&self, form: &Spanned<StepPortForm>) -> Result<StepPort, Fault> {
        let StepPortForm { tcp, udp, purpose, service, party, standing } = form.get_ref();
        let (transport, spec) = match (tcp, udp) {
            (Some(spec), None) => (Transport::Tcp, spec.0),
            (None, Some(spec)) => (Transport::Udp, spec.0),
            _ => {
                let advice = "write each as { tcp = 7002 } or { udp = 1434 }";
                return Err(Fault::new(
                    Rule::Step,
                    &form.span(),
                    "a port of a step has not exactly one transport",
                    advice,
                ));
            }
        };
        let (purpose, service) = (purpose.clone(), service.clone());
        Ok(StepPort { transport, spec, purpose, service, party: *party, standing: *standing })
    }
}

//! What do the documents say about a port, a service, an executable? Everything, side by side, with its source.

use super::announced::AnnouncedSubject;
use super::catalogue::Catalog;
use super::document::{Document, DynamicRange, PortStatement, Standing};
use super::fact::Conflict;
use super::names::Spellings;
use super::port_range::PortRange;
use super::scenario::{Scenario, Step};
use super::service::{Communication, NameKind, ServiceRow, folded};
use crate::model::Transport;
use std::collections::BTreeSet;

/// Longest name that is looked up, in characters.
const LONGEST_NAME: usize = 200;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// A port or a range, in one transport or both.
    Ports(PortRange, Option<Transport>),
    /// An executable, a service, a display name or an announced subject. Case, white space and a final `.exe` do not count.
    Name(String),
}

impl Question {
    /// Reads `54967`, `21061/udp`, `udp/21061`, `27000-27009`; everything else is a name. An error says why a number is
    /// no port.
    pub fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (number, transport) = match text.split_once('/') {
            Some((left, right)) => match (left.parse::<Transport>(), right.parse::<Transport>()) {
                (Ok(transport), _) => (right, Some(transport)),
                (_, Ok(transport)) => (left, Some(transport)),
                _ => (text, None),
            },
            None => (text, None),
        };
        let is_number = number.chars().all(|c| c.is_ascii_digit() || c == '-' || c == ' ') && !number.trim().is_empty();
        if is_number {
            return Ok(Self::Ports(number.parse()?, transport));
        }
        if text.is_empty() {
            return Err("nothing is asked: give a port, a service or an executable".to_owned());
        }
        Ok(Self::Name(text.chars().take(LONGEST_NAME).collect()))
    }
}

/// What one document says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The document.
    pub document: &'a Document,
    /// Port statements, mentions and readings included, in the order of the document.
    pub statements: Vec<&'a PortStatement>,
    /// Dynamic ranges: those that hold the port, or that the executable uses.
    pub ranges: Vec<&'a DynamicRange>,
    /// Rows of its services tables.
    pub services: Vec<&'a ServiceRow>,
    /// Protocols that it explains by themselves.
    pub communications: Vec<&'a Communication>,
    /// Names of announced subjects: those that are asked for, or that the service serves.
    pub announced: Vec<&'a AnnouncedSubject>,
    /// Steps of its data flows, with the flow.
    pub steps: Vec<(&'a Scenario, &'a Step)>,
    /// Contradictions that its statements are part of.
    pub conflicts: Vec<&'a Conflict>,
    /// Spellings under which the document prints what is asked, where there are several.
    pub spellings: Vec<&'a str>,
}

impl Answer<'_> {
    /// The document with nothing in it but what was answered.
    #[must_use]
    pub fn to_document(&self) -> Document {
        let mut scenarios: Vec<Scenario> = Vec::new();
        for (scenario, step) in &self.steps {
            if scenarios.last().is_none_or(|last| last.id != scenario.id) {
                scenarios.push(Scenario { steps: Vec::new(), ..(*scenario).clone() });
            }
            if let Some(last) = scenarios.last_mut() {
                last.steps.push((*step).clone());
            }
        }
        let document = self.document;
        let is_spelt = |name: &&super::Name| self.spellings.iter().any(|spelling| name.is_spelt(spelling));
        Document {
            ports: self.statements.iter().copied().cloned().collect(),
            dynamic_ranges: self.ranges.iter().copied().cloned().collect(),
            services: self.services.iter().copied().cloned().collect(),
            communications: self.communications.iter().copied().cloned().collect(),
            announced: self.announced.iter().copied().cloned().collect(),
            scenarios,
            names: document.names.iter().filter(is_spelt).cloned().collect(),
            facts: Vec::new(),
            conflicts: self.conflicts.iter().copied().cloned().collect(),
            ..document.clone()
        }
    }

    fn is_empty(&self) -> bool {
        self.statements.is_empty()
            && self.ranges.is_empty()
            && self.services.is_empty()
            && self.communications.is_empty()
            && self.announced.is_empty()
            && self.steps.is_empty()
    }
}

impl Catalog {
    /// What the documents say; those that say nothing are left out.
    #[must_use]
    pub fn answers(&self, question: &Question) -> Vec<Answer<'_>> {
        let answer = |document| match question {
            Question::Ports(ports, transport) => about_ports(document, *ports, *transport),
            Question::Name(name) => about_name(document, name),
        };
        self.documents().iter().map(answer).filter(|answer| !answer.is_empty()).collect()
    }

    /// Names of the documents that come near to one that is not there: those that hold it, then those that are spelt
    /// much alike.
    #[must_use]
    pub fn names_like(&self, name: &str, most: usize) -> Vec<&str> {
        let wanted = bare(name);
        let mut scored: BTreeSet<(usize, usize, &str)> = BTreeSet::new();
        let limit = (wanted.chars().count() / 3).max(1);
        for spelling in self.documents().iter().flat_map(spoken_names) {
            let known = bare(spelling);
            let distance = strsim::damerau_levenshtein(&wanted, &known);
            if !wanted.is_empty() && known.contains(&wanted) {
                scored.insert((0, known.len(), spelling));
            } else if distance <= limit {
                scored.insert((distance, known.len(), spelling));
            }
        }
        let mut seen = BTreeSet::new();
        scored.into_iter().map(|(_, _, name)| name).filter(|name| seen.insert(folded(name))).take(most).collect()
    }
}

/// A name without what users leave out: case, white space, the end of a program file.
fn bare(name: &str) -> String {
    let folded: String = folded(name).chars().take(LONGEST_NAME).collect();
    folded.strip_suffix(".exe").unwrap_or(&folded).to_owned()
}

/// Every name that can be asked for.
fn spoken_names(document: &Document) -> impl Iterator<Item = &str> {
    let spellings = Spellings::of(document);
    let spelt: BTreeSet<&str> =
        spellings.names().iter().flat_map(|name| name.spellings.keys().copied().chain([name.canonical])).collect();
    let displayed = document.services.iter().filter_map(|row| row.display_name.as_deref());
    let ports = document.ports.iter().map(|port| port.service.as_str());
    let announced = document.announced.iter().map(|entry| entry.name.as_str());
    spelt.into_iter().chain(ports).chain(displayed).chain(announced)
}

fn about_ports(document: &Document, asked: PortRange, transport: Option<Transport>) -> Answer<'_> {
    let overlaps = |range: PortRange| range.first() <= asked.last() && asked.first() <= range.last();
    let is_asked = |found: Transport| transport.is_none_or(|transport| transport == found);
    // The description of a range is about no port in it.
    let describes = |statement: &PortStatement| {
        statement.standing == Standing::Mention && statement.ports.count() > 1 && statement.ports != asked
    };
    let covers = |statement: &&PortStatement| {
        !describes(statement)
            && statement.transports.iter().any(|found| is_asked(*found))
            && (overlaps(statement.ports) || statement.fallback_ports.iter().any(|port| asked.contains(*port)))
    };
    let statements: Vec<_> = document.ports.iter().filter(covers).collect();
    let ranges: Vec<_> =
        document.dynamic_ranges.iter().filter(|range| overlaps(range.ports) && is_asked(range.transport)).collect();
    let steps = steps(document, |step| {
        let has = |port: &super::StepPort| {
            is_asked(port.transport) && port.spec.fixed().is_some_and(|number| asked.contains(number))
        };
        step.ports.iter().any(has)
    });
    let conflicts = conflicts(document, &statements, &[], &[]);
    let (services, communications, announced, spellings) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    Answer { document, statements, ranges, services, communications, announced, steps, conflicts, spellings }
}

/// Names under which a document speaks of one thing: bare, executables apart from services.
struct Alike<'a> {
    executables: BTreeSet<String>,
    services: BTreeSet<String>,
    spellings: BTreeSet<&'a str>,
}

impl<'a> Alike<'a> {
    fn of(document: &'a Document, name: &str) -> Self {
        let spelt = Spellings::of(document);
        let wanted = bare(name);
        let services = BTreeSet::from([wanted.clone()]);
        let mut alike = Self { executables: BTreeSet::new(), services, spellings: BTreeSet::new() };
        let asked = |kind: NameKind, alike: &mut Self| {
            for name in spelt.names().iter().filter(|name| name.kind == kind) {
                let all = || name.spellings.keys().copied().chain([name.canonical]);
                if all().any(|spelling| bare(spelling) == wanted) {
                    let names = if kind == NameKind::Executable { &mut alike.executables } else { &mut alike.services };
                    names.extend(all().map(bare));
                    alike.spellings.extend(name.spellings.keys());
                }
            }
        };
        asked(NameKind::Executable, &mut alike);
        asked(NameKind::Service, &mut alike);
        let displayed = |row: &&ServiceRow| row.display_name.as_deref().is_some_and(|name| bare(name) == wanted);
        let named = |row: &&ServiceRow, alike: &Self| displayed(row) || alike.services.contains(&bare(&row.service));
        if alike.executables.is_empty() {
            // A service is asked for: what runs it is meant, too.
            let rows = document.services.iter().filter(|row| named(row, &alike));
            let run: BTreeSet<String> = rows.filter_map(|row| row.executable.as_deref()).map(bare).collect();
            alike.executables = run;
            alike.services.extend(document.services.iter().filter(displayed).map(|row| bare(&row.service)));
        } else {
            alike.add_own_services(document, &spelt);
        }
        alike
    }

    /// Services that nothing else runs: "FactoryTalk Linx" is the name of two, and says nothing about either.
    fn add_own_services(&mut self, document: &'a Document, spelt: &Spellings<'a>) {
        let runs = |row: &ServiceRow| row.executable.as_deref().is_some_and(|e| self.executables.contains(&bare(e)));
        let mut own: BTreeSet<String> =
            document.services.iter().filter(|row| runs(row)).map(|row| bare(&row.service)).collect();
        for row in &document.services {
            if row.executable.is_some() && !runs(row) {
                own.remove(&bare(&row.service));
            }
        }
        for name in spelt.names().iter().filter(|name| name.kind == NameKind::Service) {
            let all = || name.spellings.keys().copied().chain([name.canonical]).map(bare);
            if all().any(|spelling| own.contains(&spelling)) {
                own.extend(all());
            }
        }
        // An overview names the service like the program: RsvcHost.
        own.extend(self.executables.iter().cloned());
        self.services.extend(own);
    }

    fn executable(&self, name: &str) -> bool {
        self.executables.contains(&bare(name))
    }

    fn service(&self, name: &str) -> bool {
        self.services.contains(&bare(name))
    }
}

/// What a document says about a service, an executable or an announced subject.
pub(super) fn about_name<'a>(document: &'a Document, name: &str) -> Answer<'a> {
    let alike = Alike::of(document, name);
    let row = |executable: Option<&str>, service: &str| match executable {
        Some(executable) => alike.executable(executable),
        None => alike.service(service),
    };
    let statements: Vec<_> = document.ports.iter().filter(|s| row(s.executable.as_deref(), &s.service)).collect();
    let uses = |range: &&DynamicRange| range.executables.iter().any(|executable| alike.executable(executable));
    let ranges: Vec<_> = document.dynamic_ranges.iter().filter(uses).collect();
    let services: Vec<_> = document.services.iter().filter(|s| row(s.executable.as_deref(), &s.service)).collect();
    let speaks = |entry: &&Communication| entry.executables.iter().any(|executable| alike.executable(executable));
    let communications = document.communications.iter().filter(speaks).collect();
    let steps = steps(document, |step| step.services.iter().any(|s| alike.executable(s) || alike.service(s)));
    let announced = announced(document, name, &alike);
    let mut conflicts = conflicts(document, &statements, &services, &steps);
    let named = |id: &String| announced.iter().any(|entry| entry.conflicts.contains(id));
    let more = document.conflicts.iter().filter(|conflict| named(&conflict.id));
    let more: Vec<_> = more.filter(|conflict| !conflicts.contains(conflict)).collect();
    conflicts.extend(more);
    let spellings = alike.spellings.into_iter().collect();
    Answer { document, statements, ranges, services, communications, announced, steps, conflicts, spellings }
}

/// Names of subjects that are asked for by name or as they are announced, and of those that a service serves.
fn announced<'a>(document: &'a Document, name: &str, alike: &Alike<'_>) -> Vec<&'a AnnouncedSubject> {
    let wanted = bare(name);
    let serves = |service: &str| alike.executable(service) || alike.service(service);
    let is_asked = |entry: &&AnnouncedSubject| {
        bare(&entry.name) == wanted
            || entry.title.as_deref().is_some_and(|title| bare(title) == wanted)
            || entry.kind.key(&entry.subject) == entry.kind.key(name)
            || entry.service.as_deref().is_some_and(serves)
    };
    document.announced.iter().filter(is_asked).collect()
}

fn steps(document: &Document, is_asked: impl Fn(&Step) -> bool) -> Vec<(&Scenario, &Step)> {
    let all = document.scenarios.iter().flat_map(|scenario| scenario.steps.iter().map(move |step| (scenario, step)));
    all.filter(|(_, step)| is_asked(step)).collect()
}

/// The contradictions that the statements name, in the order of the document.
fn conflicts<'a>(
    document: &'a Document,
    statements: &[&PortStatement],
    services: &[&ServiceRow],
    steps: &[(&Scenario, &Step)],
) -> Vec<&'a Conflict> {
    let ids = statements.iter().flat_map(|s| &s.conflicts);
    let ids = ids.chain(services.iter().flat_map(|s| &s.conflicts)).chain(steps.iter().flat_map(|(_, s)| &s.conflicts));
    let named: BTreeSet<&str> = ids.map(String::as_str).collect();
    document.conflicts.iter().filter(|conflict| named.contains(conflict.id.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(text: &str) -> Vec<(String, Vec<String>, usize)> {
        let catalog = Catalog::builtin().unwrap();
        let answers = catalog.answers(&Question::read(text).unwrap());
        let answer = |a: &Answer<'_>| {
            let ports: BTreeSet<String> = a.statements.iter().map(|s| s.ports.to_string()).collect();
            (a.document.id.clone(), ports.into_iter().collect(), a.ranges.len())
        };
        answers.iter().map(answer).collect()
    }

    #[test]
    fn a_port_is_answered_with_fallbacks_and_ranges() {
        for port in ["54967", "54967/tcp", "tcp/54967", " 54977 "] {
            let found = ask(port);
            assert_eq!(found[0].0, "factorytalk-assetcentre", "{port}");
            assert!(found[0].1.contains(&"54967".to_owned()), "{port}: {found:?}");
            assert_eq!(found[0].2, 4, "{port}");
        }
        assert!(ask("54967/udp").is_empty());
        assert!(ask("3389").is_empty());
        assert_eq!(ask("1024-65535/tcp")[0].1.last().map(String::as_str), Some("9111"));
        assert!(ask("1024-65535")[0].1.contains(&"1024-65535".to_owned()));
        assert!(ask("643").is_empty(), "an example is no port that anything needs");
    }

    #[test]
    fn every_spelling_of_a_name_gets_the_same_answer() {
        let expected = ask("RsvcHost.exe");
        assert_eq!(expected.len(), 1);
        assert_eq!(expected[0].1, ["4255", "5241", "60093", "6904"]);
        for spelling in ["RsvcHost", "rsvchost.exe", "RSVChost", "RSVCHOST.EXE", "Rsvc Host"] {
            assert_eq!(ask(spelling), expected, "{spelling}");
        }
        assert_eq!(ask("Dirserver"), ask("RnaDirServer.exe"));
        assert_eq!(ask("RA.FTAC.Agent ControllerService.exe"), ask("ra.ftac.agentcontrollerservice"));
    }

    #[test]
    fn names_that_look_alike_are_kept_apart() {
        assert_eq!(ask("RSLinxNG")[0].1, ["2221", "4241", "44818", "7153"]);
        assert_eq!(ask("RSLinxNG02")[0].1, ["4245"]);
        assert_eq!(ask("FactoryTalk Linx")[0].1, ["2221", "4241", "4245", "44818", "7153"]);
        assert!(ask("RNADiagnosticsService.exe")[0].1.is_empty());
        assert_eq!(ask("RNADiagnosticsSrv")[0].1, ["7147"]);
        assert_eq!(ask("rational")[0].1, ["27002"]);
    }

    #[test]
    fn a_service_leads_to_its_executable() {
        assert_eq!(ask("FactoryTalk Activation Service")[0].1, ["27000-27009", "27000-27010"]);
        assert!(ask("MSSQLServer")[0].1.contains(&"1433".to_owned()));
    }

    #[test]
    fn nothing_is_found_where_nothing_is_said() {
        assert!(ask("historian").is_empty());
        assert!(Question::read("  ").is_err());
        assert!(Question::read("70000").is_err_and(|e| e.contains("70000 is not a port")));
        assert!(Question::read("9-3").is_err_and(|e| e.contains("write 3-9")));
        let catalog = Catalog::builtin().unwrap();
        assert!(catalog.names_like("rsvchots", 5).iter().any(|name| name.eq_ignore_ascii_case("RsvcHost.exe")));
        assert!(catalog.names_like("linx", 20).contains(&"RSLinxNG02.exe"));
        assert!(catalog.names_like("", 5).is_empty() && catalog.names_like("zzzzzzzzzzzzzz", 5).is_empty());
    }
}

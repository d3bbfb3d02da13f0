//! Calls whose answers announce ports: what was asked, and what the answer says of it.

use super::contexts::Context;
use super::dcom;
use super::mapper::{self, EPM, LOOKUP, MAP, Reply};
use super::ndr::{Form, Uuid};
use super::tower::{self, Tower};
use crate::application::heard::{Heard, text};
use crate::model::{Announced, Answer, Mechanism, NameSource, Side, Tier, Transport};

/// Announcements of one conversation that are told.
pub(super) const MOST_ANNOUNCEMENTS: u32 = 10_000;
/// Stub of one request that is kept: what it means stands at its beginning.
const MOST_REQUEST: usize = 4 * 1024;

/// Reads an answer of the endpoint mapper.
type Reader = fn(&[u8], Form) -> Option<Reply<'_>>;

/// What a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// One of those that announce ports.
    For(Mechanism),
    /// The bind was not seen: the operation, until the request's shape tells.
    Guess(u16),
    /// The request was not seen: whatever the answer's shape tells.
    Unseen,
}

impl Asked {
    /// A call in a context that is known.
    pub(super) fn of(interface: Uuid, operation: u16) -> Option<Self> {
        let mechanism = match (interface, operation) {
            (EPM, LOOKUP) => Mechanism::EptLookup,
            (EPM, MAP) => Mechanism::EptMap,
            (dcom::OBJECT_EXPORTER, 0 | 4) => Mechanism::ResolveOxid,
            (dcom::ACTIVATION, 0) => Mechanism::RemoteActivation,
            (dcom::SCM_ACTIVATOR, 3) => Mechanism::GetClassObject,
            (dcom::SCM_ACTIVATOR, 4) => Mechanism::CreateInstance,
            _ => return None,
        };
        Some(Self::For(mechanism))
    }

    /// A call in a context that is not known.
    pub(super) fn guess(operation: u16) -> Option<Self> {
        matches!(operation, 0 | LOOKUP | MAP | 4).then_some(Self::Guess(operation))
    }
}

/// A call that waits for its answer.
#[derive(Debug)]
pub(super) struct Call {
    /// Its number in the conversation.
    pub(super) id: u32,
    asked: Asked,
    form: Form,
    request: Vec<u8>,
    /// More of the request is to come.
    pub(super) asking: bool,
    answer: Vec<u8>,
    /// The answer began.
    pub(super) answering: bool,
    /// Its answer may have been in what the recording lacks.
    pub(super) maybe_lost: bool,
    /// The answer's beginning was lost.
    headless: bool,
    /// Request or answer is encrypted.
    sealed: bool,
    subject: String,
    version: String,
    transport: Transport,
    continues: bool,
}

impl Call {
    pub(super) fn new(id: u32, asked: Asked, little: bool, context: Option<Context>) -> Self {
        Self {
            id,
            asked,
            form: Form { little, wide: context.is_some_and(|context| context.wide) },
            request: Vec::new(),
            asking: true,
            answer: Vec::new(),
            answering: false,
            maybe_lost: false,
            headless: false,
            sealed: false,
            subject: String::new(),
            version: String::new(),
            transport: Transport::Tcp,
            continues: false,
        }
    }

    /// The next part of the request.
    pub(super) fn request(&mut self, stub: &[u8], sealed: bool) {
        let room = MOST_REQUEST.saturating_sub(self.request.len());
        if !sealed {
            self.request.extend_from_slice(&stub[..stub.len().min(room)]);
        }
    }

    /// The request is whole. False where it turns out to be none of those that announce ports.
    pub(super) fn asked(&mut self) -> bool {
        self.asking = false;
        let request = std::mem::take(&mut self.request);
        if let Asked::Guess(operation) = self.asked {
            let Some(mechanism) = self.shape(operation, &request) else { return false };
            self.asked = Asked::For(mechanism);
        }
        let class = match self.asked {
            Asked::For(Mechanism::EptMap) => {
                self.question(&request);
                None
            }
            Asked::For(Mechanism::RemoteActivation) => dcom::activated_class(&request, self.form.little),
            Asked::For(Mechanism::GetClassObject | Mechanism::CreateInstance) => dcom::instantiated_class(&request),
            _ => None,
        };
        if let Some(class) = class {
            self.subject = class.text();
        }
        true
    }

    /// Both forms: that of the context first.
    fn forms(&self) -> [Form; 2] {
        [self.form, Form { wide: !self.form.wide, ..self.form }]
    }

    fn shape(&self, operation: u16, request: &[u8]) -> Option<Mechanism> {
        let any = |test: fn(&[u8], Form) -> bool| self.forms().into_iter().any(|form| test(request, form));
        let activates = dcom::is_activation(request, self.form.little);
        match operation {
            LOOKUP if any(mapper::is_lookup) => Some(Mechanism::EptLookup),
            MAP if any(|stub, form| mapper::question(stub, form).is_some()) => Some(Mechanism::EptMap),
            MAP if activates => Some(Mechanism::GetClassObject),
            4 if activates => Some(Mechanism::CreateInstance),
            0 | 4 if any(dcom::is_resolve) => Some(Mechanism::ResolveOxid),
            // Operations 0 to 2 of other ORPC interfaces are IUnknown's, and never on the wire.
            0 if dcom::has_orpc_this(request, self.form.little) => Some(Mechanism::RemoteActivation),
            _ => None,
        }
    }

    fn question(&mut self, request: &[u8]) {
        let question = self.forms().into_iter().find_map(|form| mapper::question(request, form));
        let Some(question) = question else {
            (self.subject, self.version) = mapper::subject(tower::first_interface(request));
            return;
        };
        (self.subject, self.version) = mapper::subject(question.tower.interface);
        self.continues = question.continues;
        if let Some((transport, _)) = question.tower.port {
            self.transport = transport;
        }
    }

    /// The next part of the answer.
    pub(super) fn answer(&mut self, stub: &[u8], sealed: bool, first: bool) {
        if first {
            self.answer = Vec::new();
        }
        self.headless = !first && (self.headless || !self.answering);
        self.answering = true;
        self.sealed |= sealed;
        if !self.sealed {
            self.answer.extend_from_slice(stub);
        }
    }

    pub(super) fn answer_bytes(&self) -> usize {
        self.answer.len()
    }

    pub(super) fn held_bytes(&self) -> usize {
        size_of::<Self>() + self.request.capacity() + self.answer.capacity() + self.subject.capacity()
    }

    /// The answer is there, or (`damaged`) what of it will ever be there.
    pub(super) fn tell(mut self, damaged: bool, told: &mut Told<'_>) {
        let damaged = damaged || self.headless;
        if self.asking && !self.asked() {
            return;
        }
        if self.sealed {
            if let Asked::For(mechanism) = self.asked {
                self.answer_is(mechanism, Answer::Encrypted, told);
            }
            return;
        }
        let before = told.heard.announcements.len();
        match self.asked {
            Asked::For(Mechanism::EptMap | Mechanism::EptLookup) => self.mapped(damaged, told),
            Asked::For(mechanism) => self.bound(mechanism, told),
            Asked::Guess(_) => {}
            Asked::Unseen => self.unseen(damaged, told),
        }
        if let Asked::For(mechanism) = self.asked
            && damaged
            && told.heard.announcements.len() == before
        {
            self.answer_is(mechanism, Answer::Cut, told);
        }
    }

    /// An answer without a port, about what was asked for.
    fn answer_is(&self, mechanism: Mechanism, answer: Answer, told: &mut Told<'_>) {
        told.announce(Announced {
            subject: self.subject.clone(),
            version: self.version.clone(),
            ..Announced::by(told.server, mechanism, self.transport, answer)
        });
    }

    /// An answer of the endpoint mapper.
    fn mapped(&self, damaged: bool, told: &mut Told<'_>) {
        let is_lookup = self.asked == Asked::For(Mechanism::EptLookup);
        let (mechanism, read): (_, Reader) = match is_lookup {
            true => (Mechanism::EptLookup, mapper::lookup_reply),
            false => (Mechanism::EptMap, mapper::map_reply),
        };
        let reply = self.forms().into_iter().filter(|_| !damaged).find_map(|form| read(&self.answer, form));
        let Some(reply) = reply else {
            towers(mechanism, Tier::SignatureScan, tower::scan(&self.answer).into_iter(), told);
            return;
        };
        if !is_lookup && !self.continues && reply.is_not_registered() {
            self.answer_is(mechanism, Answer::NotRegistered, told);
        }
        tell_reply(mechanism, Tier::Structural, &reply, told);
    }

    /// An answer of DCOM's resolver or activator.
    fn bound(&self, mechanism: Mechanism, told: &mut Told<'_>) {
        // The properties of an activation are serialised with their lowest byte first, whoever sends them.
        let little = self.form.little || matches!(mechanism, Mechanism::GetClassObject | Mechanism::CreateInstance);
        for dcom::Binding { transport, host, port, structural, process_id } in dcom::bindings(&self.answer, little) {
            told.announce(Announced {
                stated_host: host,
                subject: self.subject.clone(),
                tier: if structural { Tier::Structural } else { Tier::SignatureScan },
                process_id,
                ..Announced::by(told.server, mechanism, transport, Answer::Port(port))
            });
        }
    }

    /// An answer without its request: only what its own shape proves.
    fn unseen(&self, damaged: bool, told: &mut Told<'_>) {
        for form in self.forms().into_iter().filter(|_| !damaged) {
            let map = mapper::map_reply(&self.answer, form).map(|reply| (Mechanism::EptMap, reply));
            let either = || mapper::lookup_reply(&self.answer, form).map(|reply| (Mechanism::EptLookup, reply));
            if let Some((mechanism, reply)) = map.or_else(either).filter(|(_, reply)| !reply.entries.is_empty()) {
                // Anybody can send an answer to nobody.
                tell_reply(mechanism, Tier::SignatureScan, &reply, told);
                return;
            }
        }
        let found = tower::scan(&self.answer);
        if !found.is_empty() {
            towers(Mechanism::EptMap, Tier::SignatureScan, found.into_iter(), told);
        } else if dcom::is_activation_answer(&self.answer) {
            self.bound(Mechanism::CreateInstance, told);
        }
    }
}

fn tell_reply(mechanism: Mechanism, tier: Tier, reply: &Reply<'_>, told: &mut Told<'_>) {
    towers(mechanism, tier, reply.entries.iter().map(|(tower, _)| *tower), told);
    let mut last: &[u8] = &[];
    for (_, annotation) in &reply.entries {
        // Entries of one service follow each other.
        if *annotation != last {
            told.heard.name(told.server, NameSource::RpcAnnotation, text(annotation).trim());
        }
        last = annotation;
    }
}

/// Tells the ports of towers.
fn towers(mechanism: Mechanism, tier: Tier, towers: impl Iterator<Item = Tower>, told: &mut Told<'_>) {
    for tower in towers {
        let Some((transport, port)) = tower.port.filter(|(_, port)| *port > 0) else { continue };
        let (subject, version) = mapper::subject(tower.interface);
        told.announce(Announced {
            stated_host: tower.host.map(|host| host.to_string()).unwrap_or_default(),
            subject,
            version,
            tier,
            ..Announced::by(told.server, mechanism, transport, Answer::Port(port))
        });
    }
}

/// Where announcements go, and who makes them.
pub(super) struct Told<'a> {
    pub(super) heard: &'a mut Heard,
    pub(super) server: Side,
    /// Announcements that may still be told.
    pub(super) left: &'a mut u32,
}

impl Told<'_> {
    fn announce(&mut self, said: Announced) {
        if *self.left > 0 {
            *self.left -= 1;
            self.heard.announce(said);
        }
    }
}

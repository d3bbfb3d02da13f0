//! Calls to the endpoint mapper (C706 appendix O, MS-RPCE section 2.2.1.2): ept_lookup and ept_map.

use super::ndr::{Cursor, Form, Interface, Uuid};
use super::tower::Tower;

/// The mapper's interface.
pub(super) const EPM: Uuid = Uuid(0xe1af_8308_5d1f_11c9_91a4_0800_2b14_a0fa);
/// Operations.
pub(super) const LOOKUP: u16 = 2;
pub(super) const MAP: u16 = 3;
/// Nobody registered: the mapper's own status (MS-RPCE section 2.2.1.2.5), and the same as a Windows error.
const NOT_REGISTERED: [u32; 2] = [0x16c9_a0d6, 1753];
/// A context handle.
const HANDLE: usize = 20;
/// Bytes that may follow the status: padding to eight.
const MOST_LEFT: usize = 8;

/// What a client asks ept_map for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) tower: Tower,
    /// It goes on with an enumeration: an answer without towers is its end.
    pub(super) continues: bool,
}

/// An answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Reply<'a> {
    /// Towers, each with the annotation of its entry.
    pub(super) entries: Vec<(Tower, &'a [u8])>,
    status: u32,
}

impl Reply<'_> {
    pub(super) fn is_not_registered(&self) -> bool {
        self.entries.is_empty() && NOT_REGISTERED.contains(&self.status)
    }
}

/// The request of ept_map: object, tower, handle, and how many towers are wanted. What lacks behind the tower is no matter.
pub(super) fn question(stub: &[u8], form: Form) -> Option<Question> {
    let mut cursor = Cursor::new(stub, form);
    if cursor.count()? != 0 {
        cursor.align(4);
        cursor.take(16)?;
    }
    if cursor.count()? == 0 {
        return None;
    }
    let tower = tower(&mut cursor)??;
    tower.interface?;
    cursor.align(4);
    let continues = cursor.take(HANDLE).is_some_and(|handle| handle.iter().any(|byte| *byte != 0));
    Some(Question { tower, continues })
}

/// Whether a request has the shape of ept_lookup's: kind of inquiry, object, interface, version option, handle, how many.
pub(super) fn is_lookup(stub: &[u8], form: Form) -> bool {
    let mut cursor = Cursor::new(stub, form);
    let mut shape = || {
        let inquiry = cursor.number32()?;
        for length in [16, 20] {
            if cursor.count()? != 0 {
                cursor.align(4);
                cursor.take(length)?;
            }
        }
        let option = cursor.number32()?;
        cursor.take(HANDLE)?;
        Some(inquiry <= 3 && option <= 5 && cursor.number32()? > 0)
    };
    shape() == Some(true) && cursor.left() <= MOST_LEFT
}

/// The answer of ept_map: handle, count, towers, status. `None` unless it fits to its last byte.
pub(super) fn map_reply<'a>(stub: &'a [u8], form: Form) -> Option<Reply<'a>> {
    let mut cursor = Cursor::new(stub, form);
    cursor.take(HANDLE)?;
    let count = cursor.number32()?;
    let most = cursor.count()?;
    let offset = cursor.count()?;
    let actual = cursor.count_of(if form.wide { 8 } else { 4 })?;
    if offset != 0 || actual as u64 > most || actual as u64 != u64::from(count) {
        return None;
    }
    let there: Vec<bool> = (0..actual).map(|_| cursor.count().map(|pointer| pointer != 0)).collect::<Option<_>>()?;
    let mut reply = Reply::default();
    for _ in there.iter().filter(|there| **there) {
        reply.entries.extend(tower(&mut cursor)?.map(|tower| (tower, [].as_slice())));
    }
    finish(cursor, reply)
}

/// The answer of ept_lookup: handle, count, entries (object, tower, annotation), their towers, status.
pub(super) fn lookup_reply<'a>(stub: &'a [u8], form: Form) -> Option<Reply<'a>> {
    let mut cursor = Cursor::new(stub, form);
    cursor.take(HANDLE)?;
    let count = cursor.number32()?;
    let most = cursor.count()?;
    let offset = cursor.count()?;
    let actual = cursor.count_of(28)?;
    if offset != 0 || actual as u64 > most || actual as u64 != u64::from(count) {
        return None;
    }
    let mut annotations = Vec::new();
    for _ in 0..actual {
        cursor.align_count();
        cursor.take(16)?;
        let there = cursor.count()? != 0;
        if cursor.count()? != 0 {
            return None;
        }
        let length = cursor.count_of(1).filter(|length| *length <= 64)?;
        let text = cursor.take(length)?;
        if there {
            annotations.push(text.split(|byte| *byte == 0).next().unwrap_or_default());
        }
    }
    let mut reply = Reply::default();
    for annotation in annotations {
        reply.entries.extend(tower(&mut cursor)?.map(|tower| (tower, annotation)));
    }
    finish(cursor, reply)
}

fn finish<'a>(mut cursor: Cursor<'_>, mut reply: Reply<'a>) -> Option<Reply<'a>> {
    reply.status = cursor.number32()?;
    (cursor.left() <= MOST_LEFT).then_some(reply)
}

/// A tower, `Some(None)` where its frame fits and its floors do not.
fn tower(cursor: &mut Cursor<'_>) -> Option<Option<Tower>> {
    let conformance = cursor.count()?;
    let length = cursor.number32()?;
    if conformance != u64::from(length) {
        return None;
    }
    Some(Tower::read(cursor.take(length as usize)?))
}

/// An interface and version as text.
pub(super) fn subject(interface: Option<Interface>) -> (String, String) {
    interface.map(|interface| (interface.uuid.text(), interface.version())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::dcerpc::samples;

    const FORMS: [Form; 4] = [
        Form { little: true, wide: false },
        Form { little: true, wide: true },
        Form { little: false, wide: false },
        Form { little: false, wide: true },
    ];

    fn towers() -> Vec<Vec<u8>> {
        let one = |port| samples::tower(samples::SVCCTL, 2, port, [10, 0, 0, 5]);
        vec![one(49701), one(49702), samples::pipe_tower(samples::SVCCTL, 2)]
    }

    #[test]
    fn answers_are_read_in_every_form_and_in_no_other() {
        for form in FORMS {
            for (lookup, stub) in [
                (false, samples::map_reply(&towers(), 0, form)),
                (true, samples::lookup_reply(&towers(), "Spooler", form)),
            ] {
                let read = if lookup { lookup_reply } else { map_reply };
                let reply = read(&stub, form).unwrap();
                let ports: Vec<_> = reply.entries.iter().map(|(tower, _)| tower.port.map(|(_, port)| port)).collect();
                assert_eq!(ports, [Some(49701), Some(49702), None]);
                let annotation: &[u8] = if lookup { b"Spooler" } else { b"" };
                assert!(reply.entries.iter().all(|(_, said)| *said == annotation));
                for other in FORMS.into_iter().filter(|other| *other != form) {
                    assert_eq!(read(&stub, other), None, "{form:?} {other:?}");
                }
                for end in 0..stub.len() {
                    assert_eq!(read(&stub[..end], form), None);
                }
            }
        }
    }

    #[test]
    fn nobody_registered_is_told_by_the_status() {
        for form in FORMS {
            let stub = samples::map_reply(&[], 0x16c9_a0d6, form);
            assert!(map_reply(&stub, form).unwrap().is_not_registered());
            let stub = samples::map_reply(&[], 0x16c9_a0cd, form);
            assert!(!map_reply(&stub, form).unwrap().is_not_registered());
        }
    }

    #[test]
    fn a_question_names_the_interface_that_is_looked_for() {
        for form in FORMS {
            let stub = samples::map_request(samples::SVCCTL, 2, form);
            let question = question(&stub, form).unwrap();
            let (uuid, version) = subject(question.tower.interface);
            assert_eq!((uuid.as_str(), version.as_str()), ("367abb81-9844-35f1-ad32-98f038001003", "2.0"));
            assert!(!question.continues);
            assert!(!is_lookup(&stub, form));
            assert!(is_lookup(&samples::lookup_request(form), form));
        }
    }
}

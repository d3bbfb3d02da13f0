//! DCOM's string bindings (MS-DCOM section 2.2.19) in the answers of the OXID resolver and of activation, and which class a
//! request means.
//!
//! Where class and IPID stand in the properties was checked against captures of Windows servers and clients; the numbers of
//! sections below 2.2.22 are from memory.
//!
//! An answer's array of bindings is looked for by its own header, wherever it stands: its place in an activation's property
//! blob (section 2.2.22) depends on the properties before it. Bindings without a port mean the endpoint mapper, and are
//! passed over.

use super::ndr::{Cursor, Form, Uuid, number16, number32};
use crate::application::reader::{array, le16, le32, slice};
use crate::model::Transport;

/// IObjectExporter, IActivation and IRemoteSCMActivator (MS-DCOM section 1.9).
pub(super) const OBJECT_EXPORTER: Uuid = Uuid(0x99fc_fec4_5260_101b_bbcb_00aa_0021_347a);
pub(super) const ACTIVATION: Uuid = Uuid(0x4d9f_4ab8_7d1c_11cf_861e_0020_af6e_7c57);
pub(super) const SCM_ACTIVATOR: Uuid = Uuid(0x0000_01a0_0000_0000_c000_0000_0000_0046);
/// IRemUnknown and IRemUnknown2.
pub(super) const REM_UNKNOWN: [Uuid; 2] =
    [Uuid(0x0000_0131_0000_0000_c000_0000_0000_0046), Uuid(0x0000_0143_0000_0000_c000_0000_0000_0046)];
/// The property that names the class: InstantiationInfoData (section 2.2.22.2.1).
const INSTANTIATION_INFO: Uuid = Uuid(0x0000_01ab_0000_0000_c000_0000_0000_0046);
/// Towers of string bindings that mean a port (section 2.2.19.3, C706 appendix I).
const TCP: u16 = 7;
const UDP: u16 = 8;
/// Bytes of ORPCTHIS without extensions (section 2.2.13.3).
const ORPC_THIS: usize = 32;
/// Characters of a binding that are read.
const LONGEST: usize = 255;
/// Units of an array of bindings that is believed.
const MOST_ENTRIES: u16 = 8192;
/// Properties of a request that are looked through; there are a dozen kinds.
const MOST_PROPERTIES: u32 = 32;
/// Bindings that are read in one answer, those that turn out to be none included: what is hostile costs no more.
const MOST_READ: usize = 16_384;
/// Bindings of one answer that are told. A host has a few names and addresses.
const MOST_BINDINGS: usize = 256;
/// How far into a request its OBJREF may begin.
const OBJREF_WITHIN: usize = 256;

/// A binding with a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binding {
    pub(super) transport: Transport,
    pub(super) host: String,
    pub(super) port: u16,
    /// It stands in an array whose header fits.
    pub(super) structural: bool,
    /// From the IPID beside that array.
    pub(super) process_id: Option<u16>,
}

/// Bindings of an answer, each once.
pub(super) fn bindings(stub: &[u8], little: bool) -> Vec<Binding> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut reads = MOST_READ;
    while at + 8 <= stub.len() {
        match array_at(stub, at, little, &mut reads, &mut found) {
            Some(end) => at = end,
            None => at += 2,
        }
    }
    if found.is_empty() {
        scan(stub, little, &mut found);
    }
    found
}

fn push(found: &mut Vec<Binding>, binding: Binding) {
    let same = |one: &Binding| (&one.host, one.port, one.transport) == (&binding.host, binding.port, binding.transport);
    if found.len() < MOST_BINDINGS && !found.iter().any(same) {
        found.push(binding);
    }
}

/// A DUALSTRINGARRAY whose header is here: entries, where the security bindings begin, and string bindings that end there.
/// Gives its end.
fn array_at(stub: &[u8], at: usize, little: bool, reads: &mut usize, found: &mut Vec<Binding>) -> Option<usize> {
    let (entries, security) = (number16(stub, at, little)?, number16(stub, at + 2, little)?);
    if entries > MOST_ENTRIES || security > entries || security < 4 {
        return None;
    }
    let units = slice(stub, at + 4, usize::from(entries) * 2)?;
    let strings = &units[..usize::from(security) * 2];
    if !units.ends_with(&[0, 0]) {
        return None;
    }
    let mut read = Vec::new();
    let mut from = 0;
    while number16(strings, from, little)? != 0 {
        *reads = reads.checked_sub(1)?;
        let (binding, length) = binding(strings, from, little)?;
        read.extend(binding);
        from += length;
    }
    if from + 2 != strings.len() {
        return None;
    }
    let process_id = process_beside(stub, at, at + 4 + units.len(), little, entries);
    for (transport, host, port) in read {
        push(found, Binding { transport, host, port, structural: true, process_id });
    }
    Some(at + 4 + units.len())
}

/// One binding: its tower, its text, a NUL. What it means where it has a port, and its length in bytes.
#[expect(clippy::type_complexity, reason = "a port and how far it was read")]
fn binding(bytes: &[u8], at: usize, little: bool) -> Option<(Option<(Transport, String, u16)>, usize)> {
    let tower = number16(bytes, at, little).filter(|tower| (1..=0x20).contains(tower))?;
    let mut text = String::new();
    for index in 1..=LONGEST {
        let unit = number16(bytes, at + index * 2, little)?;
        if unit == 0 {
            let transport = match tower {
                TCP => Some(Transport::Tcp),
                UDP => Some(Transport::Udp),
                _ => None,
            };
            let port = transport.zip(host_and_port(&text)).map(|(transport, (host, port))| (transport, host, port));
            return (index > 1).then_some((port, (index + 1) * 2));
        }
        text.push(char::from_u32(u32::from(unit)).filter(|c| !c.is_control())?);
    }
    None
}

/// `host[port]`; the host may hold brackets of its own (IPv6).
fn host_and_port(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.strip_suffix(']')?.rsplit_once('[')?;
    let digits = (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|port| digits && *port > 0)?;
    Some((host.to_owned(), port))
}

/// Bindings wherever they stand.
fn scan(stub: &[u8], little: bool, found: &mut Vec<Binding>) {
    let mut at = 0;
    while at + 8 <= stub.len() {
        let tower = number16(stub, at, little);
        match tower.filter(|tower| matches!(*tower, TCP | UDP)).and_then(|_| binding(stub, at, little)) {
            Some((port, length)) => {
                if let Some((transport, host, port)) = port.filter(|(_, host, _)| !host.is_empty()) {
                    push(found, Binding { transport, host, port, structural: false, process_id: None });
                }
                at += length;
            }
            None => at += 1,
        }
    }
}

/// The low half of the process identifier in the IPID beside an array: bytes 4 and 5 of an IPID as Windows makes them.
///
/// In ScmReplyInfoData (section 2.2.22.2.8) the IPID precedes the array, with authentication hint, version and the array's
/// conformance between; in the answers of ResolveOxid and RemoteActivation it follows, aligned to four.
fn process_beside(stub: &[u8], at: usize, end: usize, little: bool, entries: u16) -> Option<u16> {
    let conformance = number32(stub, at.checked_sub(4)?, little)?;
    if conformance != u32::from(entries) {
        // NDR64 has eight bytes.
        let wide = number32(stub, at.checked_sub(8)?, little)?;
        return (conformance == 0 && wide == u32::from(entries))
            .then(|| process(stub, end.next_multiple_of(4), little))?;
    }
    // COM's version is 5.1 to 5.7 (section 2.2.11).
    let version = at.checked_sub(8).and_then(|at| number16(stub, at, little));
    let hint = at.checked_sub(12).and_then(|at| number32(stub, at, little));
    match (version, hint) {
        (Some(5), Some(0..=6)) => process(stub, at.checked_sub(28)?, little),
        _ => process(stub, end.next_multiple_of(4), little),
    }
}

/// What an IPID shows of its process.
pub(super) fn process(bytes: &[u8], at: usize, little: bool) -> Option<u16> {
    slice(bytes, at, 16)?;
    number16(bytes, at + 4, little).filter(|process| *process != 0)
}

/// Whether a stub begins with ORPCTHIS: COM version 5.1 to 5.7, flags, and a reserved zero (section 2.2.13.3).
pub(super) fn has_orpc_this(stub: &[u8], little: bool) -> bool {
    number16(stub, 0, little) == Some(5)
        && matches!(number16(stub, 2, little), Some(1..=7))
        && matches!(number32(stub, 4, little), Some(0 | 1))
        && number32(stub, 8, little) == Some(0)
}

/// Where a request's OBJREF begins.
fn objref(stub: &[u8]) -> Option<&[u8]> {
    let within = stub.len().min(OBJREF_WITHIN);
    let at = stub[..within].windows(8).position(|bytes| *bytes == *b"MEOW\x04\0\0\0")?;
    stub.get(at..)
}

/// Whether a request has the shape of one to IRemoteSCMActivator.
pub(super) fn is_activation(stub: &[u8], little: bool) -> bool {
    has_orpc_this(stub, little) && objref(stub).is_some()
}

/// Whether a request has the shape of ResolveOxid's: an OXID and the protocols that the client speaks.
pub(super) fn is_resolve(stub: &[u8], form: Form) -> bool {
    let mut cursor = Cursor::new(stub, form);
    let mut shape = || {
        cursor.take(8)?;
        let count = cursor.number16()?;
        let most = cursor.count_of(2)?;
        let known = (0..most).map(|_| cursor.number16()).all(|id| id.is_some_and(|id| (1..=0x20).contains(&id)));
        Some(known && (1..=16).contains(&count) && most == usize::from(count))
    };
    shape() == Some(true) && cursor.left() <= 8
}

/// The class that RemoteActivation means, behind ORPCTHIS (section 3.1.2.5.2.3.1).
pub(super) fn activated_class(stub: &[u8], little: bool) -> Option<Uuid> {
    let no_extensions = number32(stub, ORPC_THIS - 4, little)? == 0;
    no_extensions.then(|| Uuid::read(stub, ORPC_THIS, little))?
}

/// The class that an activation's properties name (section 2.2.22): the OBJREF is a custom one, its object data a header
/// that lists the properties and their sizes, and then these.
pub(super) fn instantiated_class(stub: &[u8]) -> Option<Uuid> {
    // Signature, flags, IID, class of the unmarshaller, two lengths; then the blob's size and a reserved field.
    let header = objref(stub)?.get(56..)?;
    // Behind 16 bytes of serialisation header: total size, header's size, reserved, context, count of properties.
    let header_size = le32(header, 20)? as usize;
    let count = le32(header, 32).filter(|count| *count <= MOST_PROPERTIES)? as usize;
    // Behind the class information and three pointers: conformance and classes, conformance and sizes.
    let classes = 16 + 48 + 4;
    let sizes = classes + count * 16 + 4;
    let mut at = header_size;
    for index in 0..count {
        if Uuid::read(header, classes + index * 16, true)? == INSTANTIATION_INFO {
            return Uuid::read(header, at + 16, true);
        }
        at = at.checked_add(le32(header, sizes + index * 4)? as usize)?;
    }
    None
}

/// Whether an answer carries the properties of an activation: ORPCTHAT's flags, and a custom OBJREF.
pub(super) fn is_activation_answer(stub: &[u8]) -> bool {
    objref(stub).is_some() && le16(stub, 2) == Some(0) && array::<4>(stub, 0).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::dcerpc::samples;

    #[test]
    fn bindings_are_read_with_their_process() {
        for little in [true, false] {
            let stub = samples::resolve_reply(&["FTSRV[49802]", "10.0.0.5[49802]", "plain"], little);
            let found = bindings(&stub, little);
            let texts: Vec<_> = found.iter().map(|one| (one.host.as_str(), one.port, one.structural)).collect();
            assert_eq!(texts, [("FTSRV", 49802, true), ("10.0.0.5", 49802, true)]);
            assert_eq!(found[0].process_id, Some(0x1a2c));
        }
    }

    #[test]
    fn bindings_in_what_lacks_its_beginning_are_found_and_known_to_be_weaker() {
        let stub = samples::resolve_reply(&["FTSRV[49802]", "fe80::1[49803]"], true);
        let found = bindings(&stub[11..], true);
        let texts: Vec<_> = found.iter().map(|one| (one.host.as_str(), one.port, one.structural)).collect();
        assert_eq!(texts, [("FTSRV", 49802, false), ("fe80::1", 49803, false)]);
        assert_eq!(found[0].process_id, None);
    }

    #[test]
    fn what_is_no_port_is_none() {
        for text in ["host[0]", "host[65536]", "host[+123]", "host[]", "host", "host[12", "[123]x", "host[000123]"] {
            assert_eq!(host_and_port(text), None, "{text}");
        }
        assert_eq!(host_and_port("[fe80::1][135]"), Some(("[fe80::1]".into(), 135)));
    }

    #[test]
    fn an_activation_names_its_class_and_its_port() {
        let request = samples::activation_request();
        assert!(is_activation(&request, true));
        assert_eq!(instantiated_class(&request).unwrap().to_string(), samples::CLASS);
        let answer = samples::activation_reply(&["srv[49724]"]);
        assert!(is_activation_answer(&answer));
        let found = bindings(&answer, true);
        assert_eq!((found[0].host.as_str(), found[0].port, found[0].process_id), ("srv", 49724, Some(0x1a2c)));
        assert!(found[0].structural);
        for end in 0..request.len() {
            let _ = (instantiated_class(&request[..end]), activated_class(&request[..end], true));
        }
    }
}

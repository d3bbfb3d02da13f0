//! PDUs for tests, written from the specifications that each part names.

use super::ndr::{Form, Uuid};

pub(super) const SVCCTL: Uuid = Uuid(0x367a_bb81_9844_35f1_ad32_98f0_3800_1003);
pub(super) const EPM: Uuid = super::mapper::EPM;
pub(super) const NDR: Uuid = Uuid(0x8a88_5d04_1ceb_11c9_9fe8_0800_2b10_4860);
pub(super) const CLASS: &str = "f309ad18-d86a-11d0-a075-00c04fb68820";
const LITTLE: Form = Form { little: true, wide: false };
/// An IPID whose process is 0x1a2c.
pub(super) const IPID: [u8; 16] =
    [2, 0xc0, 0, 0, 0x2c, 0x1a, 0x10, 0x0f, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88];

/// Writes numbers in a form.
pub(super) struct Stub {
    pub(super) bytes: Vec<u8>,
    form: Form,
}

impl Stub {
    pub(super) fn new(form: Form) -> Self {
        Self { bytes: Vec::new(), form }
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    pub(super) fn align(&mut self, to: usize) -> &mut Self {
        self.bytes.resize(self.bytes.len().next_multiple_of(to), 0);
        self
    }

    pub(super) fn u16(&mut self, number: u16) -> &mut Self {
        let bytes = if self.form.little { number.to_le_bytes() } else { number.to_be_bytes() };
        self.raw(&bytes)
    }

    pub(super) fn u32(&mut self, number: u32) -> &mut Self {
        let bytes = if self.form.little { number.to_le_bytes() } else { number.to_be_bytes() };
        self.align(4).raw(&bytes)
    }

    pub(super) fn count(&mut self, number: u32) -> &mut Self {
        if !self.form.wide {
            return self.u32(number);
        }
        let number = u64::from(number);
        let bytes = if self.form.little { number.to_le_bytes() } else { number.to_be_bytes() };
        self.align(8).raw(&bytes)
    }

    pub(super) fn uuid(&mut self, uuid: Uuid) -> &mut Self {
        let mut bytes = uuid.0.to_be_bytes();
        if self.form.little {
            bytes[..4].reverse();
            bytes[4..6].reverse();
            bytes[6..8].reverse();
        }
        self.raw(&bytes)
    }
}

/// C706 section 12.6.3.1.
pub(super) fn pdu(kind: u8, flags: u8, call: u32, body: &[u8], auth: &[u8], little: bool) -> Vec<u8> {
    let mut stub = Stub::new(Form { little, wide: false });
    stub.raw(&[5, 0, kind, flags, if little { 0x10 } else { 0 }, 0, 0, 0]);
    stub.u16((16 + body.len() + auth.len()) as u16).u16(auth.len().saturating_sub(8) as u16).u32(call);
    stub.raw(body).raw(auth);
    stub.bytes
}

/// A bind of call 1: for each interface and syntax a context, numbered from 0.
pub(super) fn bind_of(contexts: &[(Uuid, u16, Uuid)], kind: u8, first: u16, little: bool) -> Vec<u8> {
    let mut body = Stub::new(Form { little, wide: false });
    body.u16(5840).u16(5840).u32(0).raw(&[contexts.len() as u8, 0, 0, 0]);
    for (index, (interface, major, syntax)) in contexts.iter().enumerate() {
        body.u16(first + index as u16).raw(&[1, 0]).uuid(*interface).u32(u32::from(*major)).uuid(*syntax).u32(2);
    }
    pdu(kind, 3, 1, &body.bytes, &[], little)
}

pub(super) fn bind(interface: Uuid, major: u16, big: bool) -> Vec<u8> {
    bind_of(&[(interface, major, NDR)], 11, 0, !big)
}

/// Results of call 1, with the syntax that is accepted.
pub(super) fn bind_ack_of(address: &[u8], results: &[(u16, Uuid)], kind: u8, little: bool) -> Vec<u8> {
    let mut body = Stub::new(Form { little, wide: false });
    body.u16(5840).u16(5840).u32(0x1234).u16(address.len() as u16).raw(address).align(4);
    body.raw(&[results.len() as u8, 0, 0, 0]);
    for (result, syntax) in results {
        body.u16(*result).u16(0).uuid(*syntax).u32(2);
    }
    pdu(kind, 3, 1, &body.bytes, &[], little)
}

pub(super) fn bind_ack(address: &[u8], big: bool) -> Vec<u8> {
    bind_ack_of(address, &[(0, NDR)], 12, !big)
}

pub(super) fn request(operation: u16, context: u16, stub: &[u8], call: u32) -> Vec<u8> {
    let mut body = Stub::new(LITTLE);
    body.u32(stub.len() as u32).u16(context).u16(operation).raw(stub);
    pdu(0, 3, call, &body.bytes, &[], true)
}

pub(super) fn response(stub: &[u8], call: u32) -> Vec<u8> {
    fragment(stub, call, 3, &[], true)
}

pub(super) fn fragment(stub: &[u8], call: u32, flags: u8, auth: &[u8], little: bool) -> Vec<u8> {
    let mut body = Stub::new(Form { little, wide: false });
    body.u32(stub.len() as u32).u16(0).u16(0).raw(stub);
    pdu(2, flags, call, &body.bytes, auth, little)
}

/// C706 appendix L: five floors.
pub(super) fn tower(interface: Uuid, major: u16, port: u16, host: [u8; 4]) -> Vec<u8> {
    let mut tower = floors(5, interface, major);
    tower.raw(&[1, 0, 0x0b, 2, 0, 0, 0, 1, 0, 0x07, 2, 0]).raw(&port.to_be_bytes());
    tower.raw(&[1, 0, 0x09, 4, 0]).raw(&host);
    tower.bytes
}

/// A tower of a named pipe.
pub(super) fn pipe_tower(interface: Uuid, major: u16) -> Vec<u8> {
    let mut tower = floors(5, interface, major);
    tower.raw(&[1, 0, 0x0b, 2, 0, 0, 0, 1, 0, 0x0f, 6, 0]).raw(b"\\pipe\0").raw(&[1, 0, 0x11, 2, 0]).raw(b"H\0");
    tower.bytes
}

/// The first two floors.
fn floors(count: u16, interface: Uuid, major: u16) -> Stub {
    let mut tower = Stub::new(LITTLE);
    tower.u16(count);
    tower.raw(&[19, 0, 0x0d]).uuid(interface).raw(&major.to_le_bytes()).raw(&[2, 0, 0, 0]);
    tower.raw(&[19, 0, 0x0d]).uuid(NDR).raw(&[2, 0, 2, 0, 0, 0]);
    tower
}

fn push_tower(stub: &mut Stub, tower: &[u8]) {
    stub.count(tower.len() as u32).u32(tower.len() as u32).raw(tower);
}

pub(super) fn map_request(interface: Uuid, major: u16, form: Form) -> Vec<u8> {
    let mut stub = Stub::new(form);
    stub.count(1).raw(&[0; 16]).count(2);
    push_tower(&mut stub, &tower(interface, major, 0, [0; 4]));
    stub.align(4).raw(&[0; 20]).u32(4);
    stub.bytes
}

pub(super) fn lookup_request(form: Form) -> Vec<u8> {
    let mut stub = Stub::new(form);
    stub.u32(0).count(0).count(0).u32(1).raw(&[0; 20]).u32(500);
    stub.bytes
}

pub(super) fn map_reply(towers: &[Vec<u8>], status: u32, form: Form) -> Vec<u8> {
    let mut stub = Stub::new(form);
    stub.raw(&[0; 20]).u32(towers.len() as u32).count(4).count(0).count(towers.len() as u32);
    for index in 0..towers.len() {
        stub.count(index as u32 + 3);
    }
    towers.iter().for_each(|tower| push_tower(&mut stub, tower));
    stub.u32(status);
    stub.bytes
}

pub(super) fn lookup_reply(towers: &[Vec<u8>], annotation: &str, form: Form) -> Vec<u8> {
    let mut stub = Stub::new(form);
    stub.raw(&[7; 20]).u32(towers.len() as u32).count(500).count(0).count(towers.len() as u32);
    for index in 0..towers.len() {
        stub.align(if form.wide { 8 } else { 4 }).raw(&[0; 16]).count(index as u32 + 3);
        stub.count(0).count(annotation.len() as u32 + 1).raw(annotation.as_bytes()).raw(&[0]);
    }
    towers.iter().for_each(|tower| push_tower(&mut stub, tower));
    stub.u32(0);
    stub.bytes
}

/// A DUALSTRINGARRAY (MS-DCOM section 2.2.19.1) with its conformance.
fn bindings(stub: &mut Stub, texts: &[&str]) {
    let strings: usize = texts.iter().map(|text| text.len() + 2).sum::<usize>() + 1;
    let entries = strings + 4;
    stub.u32(entries as u32).u16(entries as u16).u16(strings as u16);
    for text in texts {
        stub.u16(7);
        for unit in text.encode_utf16() {
            stub.u16(unit);
        }
        stub.u16(0);
    }
    stub.u16(0).u16(10).u16(0xffff).u16(0).u16(0);
}

fn ipid(stub: &mut Stub) {
    let mut bytes = IPID;
    if !stub.form.little {
        bytes[4..6].reverse();
    }
    stub.raw(&bytes);
}

/// ResolveOxid2 (MS-DCOM section 3.1.2.5.1.5): bindings, IPID, hint, version, status.
pub(super) fn resolve_reply(texts: &[&str], little: bool) -> Vec<u8> {
    let mut stub = Stub::new(Form { little, wide: false });
    stub.u32(0x20000);
    bindings(&mut stub, texts);
    stub.align(4);
    ipid(&mut stub);
    stub.u32(5).u16(5).u16(7).u32(0);
    stub.bytes
}

pub(super) fn resolve_request() -> Vec<u8> {
    let mut stub = Stub::new(LITTLE);
    stub.raw(&[0x11; 8]).u16(1).u32(1).u16(7);
    stub.bytes
}

/// ORPCTHIS, no outer object, and an OBJREF whose properties are empty but for the class (MS-DCOM sections 2.2.13.3, 2.2.18.6,
/// 2.2.22.1).
pub(super) fn activation_request() -> Vec<u8> {
    let mut stub = Stub::new(LITTLE);
    stub.u16(5).u16(7).u32(1).u32(0).raw(&[9; 16]).u32(0).u32(0).u32(0x20000).u32(400).u32(400);
    stub.raw(b"MEOW").u32(4).raw(&[1; 16]).raw(&[2; 16]).u32(0).u32(0).u32(300).u32(0);
    let [special, instantiation] = [0x1b9, 0x1ab].map(|id: u128| Uuid((id << 96) | 0xc000_0000_0000_0046));
    let header = 16 + 48 + 4 + 32 + 4 + 8;
    stub.raw(&[1, 0x10, 8, 0, 0xcc, 0xcc, 0xcc, 0xcc]).raw(&[0; 8]);
    stub.u32(300).u32(header).u32(0).u32(2).u32(2).raw(&[0; 16]).u32(1).u32(2).u32(0);
    stub.u32(2).uuid(special).uuid(instantiation).u32(2).u32(24).u32(88);
    stub.raw(&[3; 24]).raw(&[1, 0x10, 8, 0, 0xcc, 0xcc, 0xcc, 0xcc]).raw(&[0; 8]);
    stub.uuid(Uuid(0xf309_ad18_d86a_11d0_a075_00c0_4fb6_8820)).raw(&[0; 56]);
    stub.bytes
}

/// ORPCTHAT, an OBJREF, and within it what ScmReplyInfoData holds (MS-DCOM section 2.2.22.2.8).
pub(super) fn activation_reply(texts: &[&str]) -> Vec<u8> {
    let mut stub = Stub::new(LITTLE);
    stub.u32(0).u32(0).u32(0x20000).u32(400).u32(400).raw(b"MEOW").u32(4).raw(&[1; 40]);
    stub.raw(&[0x33; 8]).u32(0x20004).raw(&IPID).u32(5).u16(5).u16(7);
    bindings(&mut stub, texts);
    stub.align(8).u32(0).u32(0);
    stub.bytes
}

/// C706 section 12.5.2: a datagram of the endpoint mapper.
pub(super) fn datagram(kind: u8, operation: u16, body: &[u8], little: bool) -> Vec<u8> {
    datagram_fragment(kind, operation, body, little, 0, 0)
}

pub(super) fn datagram_fragment(
    kind: u8,
    operation: u16,
    body: &[u8],
    little: bool,
    flags: u8,
    number: u16,
) -> Vec<u8> {
    let mut stub = Stub::new(Form { little, wide: false });
    stub.raw(&[4, kind, flags, 0, if little { 0x10 } else { 0 }, 0, 0, 0]).raw(&[0; 16]).uuid(EPM);
    stub.uuid(Uuid(0x0000_1111_2222_3333_8444_5555_6666_7777)).u32(0).u32(3).u32(9).u16(operation);
    stub.u16(0xffff).u16(0xffff).u16(body.len() as u16).u16(number).raw(&[0, 0]).raw(body);
    stub.bytes
}

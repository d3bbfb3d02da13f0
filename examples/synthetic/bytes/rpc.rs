//! DCE/RPC over TCP (C706 chapter 12, MS-RPCE) and the endpoint mapper (C706 appendices L and O).

/// Interface of the endpoint mapper: e1af8308-5d1f-11c9-91a4-08002b14a0fa.
pub(crate) const ENDPOINT_MAPPER: [u8; 16] =
    [0x08, 0x83, 0xaf, 0xe1, 0x1f, 0x5d, 0xc9, 0x11, 0x91, 0xa4, 0x08, 0x00, 0x2b, 0x14, 0xa0, 0xfa];
/// Transfer syntax NDR: 8a885d04-1ceb-11c9-9fe8-08002b104860, version 2.
const NDR: [u8; 16] = [0x04, 0x5d, 0x88, 0x8a, 0xeb, 0x1c, 0xc9, 0x11, 0x9f, 0xe8, 0x08, 0x00, 0x2b, 0x10, 0x48, 0x60];
/// Port of the endpoint mapper.
pub(crate) const MAPPER_PORT: u16 = 135;

fn pdu(kind: u8, call: u32, body: &[u8]) -> Vec<u8> {
    // Version 5.0, first and last fragment, little-endian ASCII IEEE.
    let mut out = vec![5, 0, kind, 3, 0x10, 0, 0, 0];
    out.extend(((16 + body.len()) as u16).to_le_bytes());
    out.extend(0u16.to_le_bytes());
    out.extend(call.to_le_bytes());
    out.extend(body);
    out
}

/// bind: one presentation context, NDR.
pub(crate) fn bind(interface: &[u8; 16], major: u16, call: u32) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend(5840u16.to_le_bytes());
    body.extend(5840u16.to_le_bytes());
    body.extend(0u32.to_le_bytes());
    body.extend([1, 0, 0, 0]);
    body.extend([0, 0, 1, 0]);
    body.extend(interface);
    body.extend(major.to_le_bytes());
    body.extend(0u16.to_le_bytes());
    body.extend(NDR);
    body.extend(2u32.to_le_bytes());
    pdu(11, call, &body)
}

/// bind_ack: accepted; repeats the port that was bound to.
pub(crate) fn bind_ack(port: u16, group: u32, call: u32) -> Vec<u8> {
    let address = format!("{port}\0");
    let mut body = Vec::new();
    body.extend(5840u16.to_le_bytes());
    body.extend(5840u16.to_le_bytes());
    body.extend(group.to_le_bytes());
    body.extend((address.len() as u16).to_le_bytes());
    body.extend(address.as_bytes());
    body.resize(body.len().next_multiple_of(4), 0);
    body.extend([1, 0, 0, 0, 0, 0, 0, 0]);
    body.extend(NDR);
    body.extend(2u32.to_le_bytes());
    pdu(12, call, &body)
}

/// request in context 0.
pub(crate) fn request(operation: u16, stub: &[u8], call: u32) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend((stub.len() as u32).to_le_bytes());
    body.extend(0u16.to_le_bytes());
    body.extend(operation.to_le_bytes());
    body.extend(stub);
    pdu(0, call, &body)
}

/// response in context 0.
pub(crate) fn response(stub: &[u8], call: u32) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend((stub.len() as u32).to_le_bytes());
    body.extend([0; 4]);
    body.extend(stub);
    pdu(2, call, &body)
}

/// Tower of ncacn_ip_tcp: five floors, 75 bytes. Port and address are big-endian, everything else little-endian.
fn tower(interface: &[u8; 16], port: u16, address: [u8; 4]) -> Vec<u8> {
    let mut out = vec![5, 0];
    for (uuid, major) in [(interface, 1u8), (&NDR, 2)] {
        out.extend([19, 0, 0x0d]);
        out.extend(uuid);
        out.extend([major, 0, 2, 0, 0, 0]);
    }
    out.extend([1, 0, 0x0b, 2, 0, 0, 0]);
    out.extend([1, 0, 0x07, 2, 0]);
    out.extend(port.to_be_bytes());
    out.extend([1, 0, 0x09, 4, 0]);
    out.extend(address);
    out
}

fn tower_in_stub(stub: &mut Vec<u8>, tower: &[u8]) {
    stub.extend((tower.len() as u32).to_le_bytes());
    stub.extend((tower.len() as u32).to_le_bytes());
    stub.extend(tower);
    stub.resize(stub.len().next_multiple_of(4), 0);
}

/// ept_map request (operation 3): where is this interface?
pub(crate) fn ept_map(interface: &[u8; 16], call: u32) -> Vec<u8> {
    let mut stub = Vec::new();
    stub.extend(1u32.to_le_bytes());
    stub.extend([0; 16]);
    stub.extend(2u32.to_le_bytes());
    tower_in_stub(&mut stub, &tower(interface, 0, [0; 4]));
    stub.extend([0; 20]);
    stub.extend(4u32.to_le_bytes());
    request(3, &stub, call)
}

/// ept_map response: one tower, with the port.
pub(crate) fn ept_map_answer(interface: &[u8; 16], port: u16, address: [u8; 4], call: u32) -> Vec<u8> {
    let mut stub = vec![0; 20];
    for word in [1u32, 4, 0, 1, 3] {
        stub.extend(word.to_le_bytes());
    }
    tower_in_stub(&mut stub, &tower(interface, port, address));
    stub.extend(0u32.to_le_bytes());
    response(&stub, call)
}

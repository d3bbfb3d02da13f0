//! The plant floor: EtherNet/IP with CIP, Modbus/TCP, BACnet/IP, and the licence server's redirect.

fn encapsulation(command: u16, session: u32, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(command.to_le_bytes());
    out.extend((data.len() as u16).to_le_bytes());
    out.extend(session.to_le_bytes());
    out.extend(0u32.to_le_bytes());
    out.extend(b"SYNTHDEM");
    out.extend(0u32.to_le_bytes());
    out.extend(data);
    out
}

/// RegisterSession; session 0 asks, any other answers.
pub(crate) fn register_session(session: u32) -> Vec<u8> {
    encapsulation(0x65, session, &[1, 0, 0, 0])
}

/// UnRegisterSession.
pub(crate) fn unregister_session(session: u32) -> Vec<u8> {
    encapsulation(0x66, session, &[])
}

/// ListIdentity request, for UDP.
pub(crate) fn list_identity() -> Vec<u8> {
    encapsulation(0x63, 0, &[])
}

/// ListIdentity answer of a controller at `address`.
pub(crate) fn identity(address: [u8; 4]) -> Vec<u8> {
    let name = b"SYNTHETIC-LOGIX";
    let mut item = Vec::new();
    item.extend(1u16.to_le_bytes());
    // Socket address, big-endian.
    item.extend([0, 2, 0xaf, 0x12]);
    item.extend(address);
    item.extend([0; 8]);
    // Vendor 1, device type 14, product 93, revision 35.11, status, serial number.
    item.extend([1, 0, 14, 0, 93, 0, 35, 11, 0x60, 0x30, 0x44, 0x33, 0x22, 0x11]);
    item.push(name.len() as u8);
    item.extend(name);
    item.push(3);
    let mut data = vec![1, 0, 0x0c, 0];
    data.extend((item.len() as u16).to_le_bytes());
    data.extend(item);
    encapsulation(0x63, 0, &data)
}

fn unconnected(session: u32, message: &[u8]) -> Vec<u8> {
    let mut data = vec![0, 0, 0, 0, 5, 0, 2, 0, 0, 0, 0, 0, 0xb2, 0];
    data.extend((message.len() as u16).to_le_bytes());
    data.extend(message);
    encapsulation(0x6f, session, &data)
}

/// CIP read tag (service 0x4c) of a symbol with an even name.
pub(crate) fn read_tag(session: u32, symbol: &str, elements: u16) -> Vec<u8> {
    let words = (2 + symbol.len()).div_ceil(2);
    let mut message = vec![0x4c, words as u8, 0x91, symbol.len() as u8];
    message.extend(symbol.as_bytes());
    message.resize(2 + 2 * words, 0);
    message.extend(elements.to_le_bytes());
    unconnected(session, &message)
}

/// Its answer: an array of DINT.
pub(crate) fn tag_values(session: u32, values: &[u32]) -> Vec<u8> {
    let mut message = vec![0xcc, 0, 0, 0, 0xc4, 0];
    message.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    unconnected(session, &message)
}

/// Modbus/TCP: read `count` holding registers.
pub(crate) fn read_registers(transaction: u16, first: u16, count: u16) -> Vec<u8> {
    let mut out = transaction.to_be_bytes().to_vec();
    out.extend([0, 0, 0, 6, 1, 3]);
    out.extend(first.to_be_bytes());
    out.extend(count.to_be_bytes());
    out
}

/// Its answer.
pub(crate) fn registers(transaction: u16, values: &[u16]) -> Vec<u8> {
    let bytes = 2 * values.len();
    let mut out = transaction.to_be_bytes().to_vec();
    out.extend([0, 0]);
    out.extend(((3 + bytes) as u16).to_be_bytes());
    out.extend([1, 3, bytes as u8]);
    out.extend(values.iter().flat_map(|value| value.to_be_bytes()));
    out
}

/// BACnet/IP: unicast Who-Is.
pub(crate) fn who_is() -> Vec<u8> {
    vec![0x81, 0x0a, 0, 8, 1, 0, 0x10, 0x08]
}

/// BACnet/IP: unicast I-Am of device 123.
pub(crate) fn i_am() -> Vec<u8> {
    vec![0x81, 0x0a, 0, 21, 1, 0, 0x10, 0x00, 0xc4, 2, 0, 0, 123, 0x22, 5, 0xc4, 0x91, 3, 0x22, 1, 4]
}

/// lmgrd sends a client to the vendor daemon: host name and port. Layout as community clients read it, not official.
pub(crate) fn license_redirect(host: &str, port: u16) -> Vec<u8> {
    let length = 20 + host.len() + 1 + 4;
    let mut out = vec![0x2f, 0, 0, 0];
    out.extend((length as u16).to_be_bytes());
    out.extend(0x0113u16.to_be_bytes());
    out.extend(1_772_488_800u32.to_be_bytes());
    out.extend([0; 8]);
    out.extend(host.as_bytes());
    out.push(0);
    out.extend(u32::from(port).to_be_bytes());
    out
}

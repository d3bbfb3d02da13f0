//! HTTP, Socket.IO polling, TLS, SSH and RDP.

use super::super::dice::Dice;

/// An HTTP request.
pub(crate) fn get(host: &str, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: portproof-demo\r\nAccept: */*\r\n\r\n").into_bytes()
}

/// An HTTP request with a JSON body.
pub(crate) fn post(host: &str, path: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// An HTTP answer.
pub(crate) fn ok(content_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
}

fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    let mut out = kind.to_be_bytes().to_vec();
    out.extend((body.len() as u16).to_be_bytes());
    out.extend(body);
    out
}

fn record(kind: u8, version: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![kind, 3, version];
    out.extend((body.len() as u16).to_be_bytes());
    out.extend(body);
    out
}

fn hello(kind: u8, version: u8, body: &[u8], extensions: &[u8]) -> Vec<u8> {
    let length = body.len() + 2 + extensions.len();
    let mut out = vec![kind, 0];
    out.extend((length as u16).to_be_bytes());
    out.extend(body);
    out.extend((extensions.len() as u16).to_be_bytes());
    out.extend(extensions);
    record(22, version, &out)
}

/// TLS 1.3 ClientHello (RFC 8446 section 4.1.2) with server name and ALPN.
pub(crate) fn client_hello(dice: &mut Dice, name: &str) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend(dice.bytes(32));
    body.extend([0, 0, 4, 0x13, 0x01, 0x13, 0x02, 1, 0]);
    let mut server_name = ((name.len() + 3) as u16).to_be_bytes().to_vec();
    server_name.push(0);
    server_name.extend((name.len() as u16).to_be_bytes());
    server_name.extend(name.as_bytes());
    let mut share = vec![0, 36, 0, 29, 0, 32];
    share.extend(dice.bytes(32));
    let extensions = [
        extension(0, &server_name),
        extension(10, &[0, 2, 0, 29]),
        extension(13, &[0, 4, 4, 3, 8, 4]),
        extension(16, b"\x00\x09\x08http/1.1"),
        extension(43, &[2, 3, 4]),
        extension(51, &share),
    ];
    hello(1, 1, &body, &extensions.concat())
}

/// TLS 1.3 ServerHello (RFC 8446 section 4.1.3), ChangeCipherSpec and encrypted extensions.
pub(crate) fn server_hello(dice: &mut Dice) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend(dice.bytes(32));
    body.extend([0, 0x13, 0x01, 0]);
    let mut share = vec![0, 29, 0, 32];
    share.extend(dice.bytes(32));
    let mut out = hello(2, 3, &body, &[extension(43, &[3, 4]), extension(51, &share)].concat());
    out.extend(record(20, 3, &[1]));
    out.extend(sealed(dice, 900));
    out
}

/// A TLS record of application data.
pub(crate) fn sealed(dice: &mut Dice, bytes: usize) -> Vec<u8> {
    record(23, 3, &dice.bytes(bytes))
}

/// SSH identification (RFC 4253 section 4.2).
pub(crate) fn ssh_banner(software: &str) -> Vec<u8> {
    format!("SSH-2.0-{software}\r\n").into_bytes()
}

/// SSH_MSG_KEXINIT (RFC 4253 section 7.1).
pub(crate) fn ssh_key_exchange(dice: &mut Dice) -> Vec<u8> {
    let mut payload = vec![20];
    payload.extend(dice.bytes(16));
    let cipher = "aes256-gcm@openssh.com";
    let lists =
        ["curve25519-sha256", "ssh-ed25519", cipher, cipher, "hmac-sha2-256", "hmac-sha2-256", "none", "none", "", ""];
    for list in lists {
        payload.extend((list.len() as u32).to_be_bytes());
        payload.extend(list.as_bytes());
    }
    payload.extend([0; 5]);
    let padding = 8 - (5 + payload.len()) % 8 + 8;
    let mut out = ((payload.len() + padding + 1) as u32).to_be_bytes().to_vec();
    out.push(padding as u8);
    out.extend(payload);
    out.resize(out.len() + padding, 0);
    out
}

fn tpkt(body: &[u8]) -> Vec<u8> {
    let mut out = vec![3, 0];
    out.extend(((body.len() + 4) as u16).to_be_bytes());
    out.extend(body);
    out
}

/// RDP: X.224 connection request (MS-RDPBCGR 2.2.1.1) asking for TLS.
pub(crate) fn rdp_request() -> Vec<u8> {
    let cookie = b"Cookie: mstshash=engineer\r\n";
    let mut body = vec![(6 + cookie.len() + 8) as u8, 0xe0, 0, 0, 0, 0, 0];
    body.extend(cookie);
    body.extend([1, 0, 8, 0, 1, 0, 0, 0]);
    tpkt(&body)
}

/// RDP: X.224 connection confirm (MS-RDPBCGR 2.2.1.2): TLS it is.
pub(crate) fn rdp_confirm() -> Vec<u8> {
    tpkt(&[14, 0xd0, 0, 0, 0x12, 0x34, 0, 2, 0, 8, 0, 1, 0, 0, 0])
}

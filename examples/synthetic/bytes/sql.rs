//! SQL Server: browser service (MC-SQLR) and Tabular Data Stream (MS-TDS 2.2).

/// Packet size that both sides agree on.
const PACKET: usize = 4096;

fn packets(kind: u8, message: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let chunks: Vec<&[u8]> = message.chunks(PACKET - 8).collect();
    for (n, chunk) in chunks.iter().enumerate() {
        let status = u8::from(n + 1 == chunks.len());
        out.extend([kind, status]);
        out.extend(((chunk.len() + 8) as u16).to_be_bytes());
        out.extend([0, 0, (n + 1) as u8, 0]);
        out.extend(*chunk);
    }
    out
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn prelogin_options(kind: u8, options: &[(u8, &[u8])]) -> Vec<u8> {
    let mut head: Vec<u8> = Vec::new();
    let mut data: Vec<u8> = Vec::new();
    for (token, value) in options {
        let offset = 5 * options.len() + 1 + data.len();
        head.push(*token);
        head.extend((offset as u16).to_be_bytes());
        head.extend((value.len() as u16).to_be_bytes());
        data.extend(*value);
    }
    head.push(0xff);
    head.extend(data);
    packets(kind, &head)
}

/// PRELOGIN of the client: version, no encryption, instance, thread, MARS off.
pub(crate) fn prelogin() -> Vec<u8> {
    prelogin_options(0x12, &[(0, &[16, 0, 0, 0, 0, 0]), (1, &[2]), (2, &[0]), (3, &[0x4d, 0, 0, 0]), (4, &[0])])
}

/// The server's answer.
pub(crate) fn prelogin_answer() -> Vec<u8> {
    prelogin_options(0x04, &[(0, &[16, 0, 0x03, 0xe8, 0, 0]), (1, &[2]), (2, &[0]), (3, &[]), (4, &[0])])
}

/// LOGIN7 (2.2.6.4) with a user name and no password.
pub(crate) fn login() -> Vec<u8> {
    let texts = ["FTAC-SRV", "ftac", "", "RA.FTAC.Server", "FTAC-SQL", "", "ODBC", "", "AssetCentre"];
    let mut offsets = Vec::new();
    let mut data = Vec::new();
    for text in texts {
        offsets.extend(((94 + data.len()) as u16).to_le_bytes());
        offsets.extend((text.len() as u16).to_le_bytes());
        data.extend(utf16(text));
    }
    let mut out = Vec::new();
    out.extend(((94 + data.len()) as u32).to_le_bytes());
    for word in [0x7400_0004u32, PACKET as u32, 0x1000_0000, 4711, 0] {
        out.extend(word.to_le_bytes());
    }
    out.extend([0xe0, 0x03, 0, 0]);
    out.extend(0u32.to_le_bytes());
    out.extend(0x0409u32.to_le_bytes());
    out.extend(offsets);
    out.extend([0x02, 0, 0x5e, 0x10, 0x1e, 20]);
    // SSPI, database file and new password: none, each at the end of the data.
    for _ in 0..3 {
        out.extend(((94 + data.len()) as u16).to_le_bytes());
        out.extend(0u16.to_le_bytes());
    }
    out.extend(0u32.to_le_bytes());
    out.extend(data);
    packets(0x10, &out)
}

fn done(rows: u64) -> Vec<u8> {
    let mut out = vec![0xfd, 0x10, 0x00, 0xc1, 0x00];
    out.extend(rows.to_le_bytes());
    out
}

/// LOGINACK and DONE.
pub(crate) fn login_answer() -> Vec<u8> {
    let name = utf16("Microsoft SQL Server");
    let mut token = vec![1, 0x74, 0, 0, 4, (name.len() / 2) as u8];
    token.extend(name);
    token.extend([16, 0, 3, 0xe8]);
    let mut out = vec![0xad];
    out.extend((token.len() as u16).to_le_bytes());
    out.extend(token);
    out.extend(done(0));
    packets(0x04, &out)
}

/// SQL batch (2.2.6.7) with its headers.
pub(crate) fn batch(statement: &str) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(22u32.to_le_bytes());
    out.extend(18u32.to_le_bytes());
    out.extend(2u16.to_le_bytes());
    out.extend(0u64.to_le_bytes());
    out.extend(1u32.to_le_bytes());
    out.extend(utf16(statement));
    packets(0x01, &out)
}

/// The answer to a statement without rows.
pub(crate) fn batch_done(rows: u64) -> Vec<u8> {
    packets(0x04, &done(rows))
}

/// Rows of one varbinary(4000) column named `content`.
pub(crate) fn rows(content: &[u8]) -> Vec<u8> {
    let mut out = vec![0x81, 1, 0, 0, 0, 0, 0, 0x09, 0x00, 0xa5];
    out.extend(4000u16.to_le_bytes());
    out.push(7);
    out.extend(utf16("content"));
    for chunk in content.chunks(4000) {
        out.push(0xd1);
        out.extend((chunk.len() as u16).to_le_bytes());
        out.extend(chunk);
    }
    out.extend(done(content.chunks(4000).count() as u64));
    packets(0x04, &out)
}

/// Request to the browser service: where is the default instance?
pub(crate) fn browser_request() -> Vec<u8> {
    b"\x04MSSQLSERVER\0".to_vec()
}

/// Its answer: TCP 1433.
pub(crate) fn browser_answer() -> Vec<u8> {
    let text = "ServerName;FTAC-SQL;InstanceName;MSSQLSERVER;IsClustered;No;Version;16.0.1000.6;tcp;1433;;";
    let mut out = vec![5];
    out.extend((text.len() as u16).to_le_bytes());
    out.extend(text.as_bytes());
    out
}

//! First bytes of the protocols that are spoken, written from their specifications.
//!
//! The vendor's own protocols are not publicly described: where they speak, the payload says in plain text that it is a
//! stand-in.

pub(crate) mod infra;
pub(crate) mod office;
pub(crate) mod plant;
pub(crate) mod rpc;
pub(crate) mod sql;

/// A stand-in for a protocol without a public description, `bytes` long or a little longer.
pub(crate) fn stand_in(service: &str, message: &str, bytes: usize) -> Vec<u8> {
    let mut out = format!("synthetic stand-in for {service}: {message}\r\n").into_bytes();
    while out.len() < bytes {
        let line = format!("{:08x} portproof demo recording, no real content here\r\n", out.len());
        out.extend_from_slice(line.as_bytes());
    }
    out
}

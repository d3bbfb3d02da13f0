//! The flow key as five machine words: hashing and comparing whole words halves the cost of the look-up.

use crate::model::FlowKey;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;

/// Transport, endpoints, and the number of IP headers around them: the same endpoints inside and outside of a tunnel are two
/// flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PackedKey([u64; 5]);

impl Hash for PackedKey {
    /// Word by word: an array of words would be hashed as a text of bytes.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.iter().for_each(|word| state.write_u64(*word));
    }
}

impl PackedKey {
    pub(super) fn new(key: &FlowKey, depth: u8) -> Self {
        let (a_high, a_low, a_family) = words(key.a.ip);
        let (b_high, b_low, b_family) = words(key.b.ip);
        let ports = u64::from(key.a.port) << 16 | u64::from(key.b.port);
        let kind = u64::from(depth) << 16 | u64::from(key.transport.number()) << 8 | a_family << 1 | b_family;
        Self([a_high, a_low, b_high, b_low, kind << 32 | ports])
    }
}

fn words(ip: IpAddr) -> (u64, u64, u64) {
    match ip {
        IpAddr::V4(ip) => (0, u64::from(u32::from(ip)), 0),
        IpAddr::V6(ip) => {
            let bits = u128::from(ip);
            ((bits >> 64) as u64, bits as u64, 1)
        }
    }
}

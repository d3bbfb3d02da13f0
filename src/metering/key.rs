//! The flow key as five machine words: hashing and comparing whole words halves the cost of the look-up.

use crate::model::{Endpoint, FlowKey, Side, Transport};
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Transport, endpoints in canonical order, and the number of IP headers around them: the same endpoints inside and outside
/// of a tunnel are two flows. Everything that [`FlowKey`] says, in less room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PackedKey {
    a: [u64; 2],
    b: [u64; 2],
    /// From the highest bits down: depth, IP protocol, whether a and b are IPv6, ports of a and b.
    kind_and_ports: u64,
}

/// An endpoint that sorts as [`Endpoint`] does: family, address, port.
type Sorted = (bool, [u64; 2], u16);

impl Hash for PackedKey {
    /// Word by word: an array of words would be hashed as a text of bytes.
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        [self.a[0], self.a[1], self.b[0], self.b[1], self.kind_and_ports].into_iter().for_each(|w| state.write_u64(w));
    }
}

impl PackedKey {
    /// The key of no flow.
    pub(super) const NONE: Self = Self { a: [0; 2], b: [0; 2], kind_and_ports: u64::MAX };

    /// Orders the endpoints as [`FlowKey::new`] does, and tells which side the source is.
    #[inline]
    pub(super) fn new(transport: Transport, source: Endpoint, destination: Endpoint, depth: u8) -> (Self, Side) {
        let (source, destination) = (sorted(source), sorted(destination));
        let (a, b, side) =
            if source <= destination { (source, destination, Side::A) } else { (destination, source, Side::B) };
        let kind = u64::from(depth) << 16 | u64::from(transport.number()) << 8 | u64::from(a.0) << 1 | u64::from(b.0);
        let ports = u64::from(a.2) << 16 | u64::from(b.2);
        (Self { a: a.1, b: b.1, kind_and_ports: kind << 32 | ports }, side)
    }

    /// IP headers around the flow's own.
    pub(super) fn depth(self) -> u8 {
        (self.kind_and_ports >> 48) as u8
    }

    /// The same endpoints, outside of all tunnels.
    #[inline]
    pub(super) fn outside(self) -> Self {
        Self { kind_and_ports: self.kind_and_ports & 0xffff_ffff_ffff, ..self }
    }

    #[inline]
    pub(super) fn transport(self) -> Transport {
        if (self.kind_and_ports >> 40) as u8 == Transport::Tcp.number() { Transport::Tcp } else { Transport::Udp }
    }

    /// Port of each side.
    #[inline]
    pub(super) fn ports(self) -> [u16; 2] {
        [(self.kind_and_ports >> 16) as u16, self.kind_and_ports as u16]
    }

    pub(super) fn flow_key(self) -> FlowKey {
        let [a, b] = self.ports();
        FlowKey {
            transport: self.transport(),
            a: Endpoint { ip: address(self.a, self.kind_and_ports >> 33 & 1 == 1), port: a },
            b: Endpoint { ip: address(self.b, self.kind_and_ports >> 32 & 1 == 1), port: b },
        }
    }
}

#[inline]
fn sorted(endpoint: Endpoint) -> Sorted {
    match endpoint.ip {
        IpAddr::V4(ip) => (false, [0, u64::from(u32::from(ip))], endpoint.port),
        IpAddr::V6(ip) => {
            let bits = u128::from(ip);
            (true, [(bits >> 64) as u64, bits as u64], endpoint.port)
        }
    }
}

fn address([high, low]: [u64; 2], is_v6: bool) -> IpAddr {
    match is_v6 {
        false => Ipv4Addr::from(low as u32).into(),
        true => Ipv6Addr::from(u128::from(high) << 64 | u128::from(low)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn endpoint() -> impl Strategy<Value = Endpoint> {
        // Few values, so that ties and near misses occur.
        let v4 = any::<u32>().prop_map(|n| IpAddr::from(Ipv4Addr::from(n & 0x8000_0003)));
        let v6 = any::<u128>().prop_map(|n| IpAddr::from(Ipv6Addr::from(n & (1 << 127 | 1 << 64 | 3))));
        (prop_oneof![v4, v6], 0_u16..3).prop_map(|(ip, port)| Endpoint { ip, port })
    }

    proptest! {
        #[test]
        fn a_key_says_what_a_flow_key_says(source in endpoint(), destination in endpoint(), tcp: bool, depth: u8) {
            let transport = if tcp { Transport::Tcp } else { Transport::Udp };
            let (packed, side) = PackedKey::new(transport, source, destination, depth);
            prop_assert_eq!((packed.flow_key(), side), FlowKey::new(transport, source, destination));
            prop_assert_eq!((packed.depth(), packed.outside().depth()), (depth, 0));
            prop_assert_eq!(packed.outside().flow_key(), packed.flow_key());
            prop_assert!(packed != PackedKey::NONE);
        }
    }
}

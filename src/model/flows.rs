//! Flow records side by side, packed: millions of them in memory.
//!
//! A [`FlowRecord`] has room for everything that any flow may show, and most flows show little of it. Packed, a record is a mask of the fields
//! that are not zero, and these in as few bytes as they need: about a hundred instead of six hundred. Packing and unpacking
//! go through one list of fields, [`record`], so that they cannot drift apart.

use super::application::{Certainty, Protocol, Recognised};
use super::encapsulation::{Encapsulation, Tunnel, Tunnels};
use super::flow::{DirectionFacts, EndReason, Endpoint, FlowKey, FlowRecord, IcmpFacts, Side, TcpState, Transport};
use super::frame::CaptureIndex;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Flow records, each unpacked when it is asked for.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Flows {
    bytes: Vec<u8>,
    /// Where each record begins in `bytes`.
    places: Vec<usize>,
}

impl Flows {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Adds a record.
    pub fn push(&mut self, flow: &FlowRecord) {
        self.places.push(self.bytes.len());
        let mut packer = Packer::at_end_of(&mut self.bytes);
        record(&mut packer, &mut flow.clone());
        packer.finish();
    }

    /// Adds others behind them.
    pub fn append(&mut self, other: &Self) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        self.places.extend(other.places.iter().map(|place| start + place));
    }

    /// The record with this number, from 0.
    #[must_use]
    pub fn get(&self, number: usize) -> Option<FlowRecord> {
        let place = self.places.get(number)?;
        self.bytes.get(*place..).and_then(unpacked)
    }

    /// All of them, in their order.
    pub fn iter(&self) -> Iter<'_> {
        Iter { flows: self, next: 0 }
    }

    /// Puts them in the order of their first packets, then of capture and frame.
    pub fn sort(&mut self) {
        let key = |flow: &FlowRecord| (flow.first_seen_ns, flow.capture, flow.first_frame);
        if self.iter().map(|flow| key(&flow)).is_sorted() {
            return;
        }
        let mut order: Vec<_> = self.iter().zip(&self.places).map(|(flow, place)| (key(&flow), *place)).collect();
        order.sort_by_key(|(key, _)| *key);
        self.places.clear();
        self.places.extend(order.into_iter().map(|(_, place)| place));
    }
}

impl std::fmt::Debug for Flows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl Extend<FlowRecord> for Flows {
    fn extend<T: IntoIterator<Item = FlowRecord>>(&mut self, flows: T) {
        flows.into_iter().for_each(|flow| self.push(&flow));
    }
}

impl FromIterator<FlowRecord> for Flows {
    fn from_iter<T: IntoIterator<Item = FlowRecord>>(flows: T) -> Self {
        let mut all = Self::default();
        all.extend(flows);
        all
    }
}

impl From<Vec<FlowRecord>> for Flows {
    fn from(flows: Vec<FlowRecord>) -> Self {
        flows.into_iter().collect()
    }
}

impl<'a> IntoIterator for &'a Flows {
    type Item = FlowRecord;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// Flow records, one after another.
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    flows: &'a Flows,
    next: usize,
}

impl Iterator for Iter<'_> {
    type Item = FlowRecord;

    fn next(&mut self) -> Option<FlowRecord> {
        let flow = self.flows.get(self.next)?;
        self.next += 1;
        Some(flow)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.flows.len().saturating_sub(self.next);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Iter<'_> {}

/// Every field of a record, for packing and unpacking alike.
fn record(coder: &mut impl Coder, flow: &mut FlowRecord) {
    coder.narrow(&mut flow.capture.0);
    coder.number(&mut flow.first_frame);
    coder.time(0, &mut flow.first_seen_ns);
    coder.time(flow.first_seen_ns, &mut flow.last_seen_ns);
    coder.one_of(&[Transport::Tcp, Transport::Udp], &mut flow.key.transport);
    endpoint(coder, &mut flow.key.a);
    endpoint(coder, &mut flow.key.b);
    encapsulation(coder, &mut flow.encapsulation);
    coder.any_of(&Tunnel::ALL, &mut flow.carries);
    coder.number(&mut flow.carrier_packets);
    coder.one_of(&SIDES, &mut flow.first_sender);
    coder.any_of(&SIDES, &mut flow.first_syn);
    let base = (flow.first_frame, flow.first_seen_ns);
    direction(coder, base, &mut flow.from_a);
    direction(coder, base, &mut flow.from_b);
    coder.one_of(&TcpState::ALL, &mut flow.state);
    coder.one_of(&EndReason::ALL, &mut flow.end_reason);
    icmp(coder, &mut flow.icmp);
    coder.narrow(&mut flow.fragments);
    coder.narrow(&mut flow.duplicates);
    coder.narrow(&mut flow.snapped);
    coder.option(&mut flow.syn_to_syn_ack_ns, |coder, ns| coder.time(0, ns));
    coder.option(&mut flow.syn_ack_to_ack_ns, |coder, ns| coder.time(0, ns));
    coder.any_of(&SIDES, &mut flow.first_fin);
    let mut protocol = flow.application.map(|is| is.protocol);
    coder.any_of(Protocol::ALL, &mut protocol);
    flow.application = protocol.map(|protocol| {
        let is = flow.application.unwrap_or(Recognised { protocol, certainty: Certainty::Hint, server: None });
        let mut is = Recognised { protocol, ..is };
        coder.one_of(Certainty::ALL, &mut is.certainty);
        coder.any_of(&SIDES, &mut is.server);
        is
    });
}

const SIDES: [Side; 2] = [Side::A, Side::B];

fn endpoint(coder: &mut impl Coder, endpoint: &mut Endpoint) {
    let mut is_long = endpoint.ip.is_ipv6();
    coder.flag(&mut is_long);
    let bits = match endpoint.ip {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    };
    let (mut high, mut low) = ((bits >> 64) as u64, bits as u64);
    coder.number(&mut low);
    if is_long {
        coder.number(&mut high);
    }
    endpoint.ip = match is_long {
        true => Ipv6Addr::from_bits(u128::from(high) << 64 | u128::from(low)).into(),
        false => Ipv4Addr::from_bits(low as u32).into(),
    };
    coder.narrow(&mut endpoint.port);
}

fn encapsulation(coder: &mut impl Coder, passed: &mut Encapsulation) {
    coder.option(&mut passed.vlan, Coder::narrow);
    coder.option(&mut passed.outer_vlan, Coder::narrow);
    let mut tunnels = passed.tunnels.code();
    coder.number(&mut tunnels);
    passed.tunnels = Tunnels::of_code(tunnels);
    coder.option(&mut passed.tunnel_id, Coder::narrow);
    coder.narrow(&mut passed.depth);
}

fn icmp(coder: &mut impl Coder, icmp: &mut IcmpFacts) {
    coder.any_of(&SIDES, &mut icmp.quoted);
    coder.narrow(&mut icmp.port_unreachable);
    coder.narrow(&mut icmp.prohibited);
    coder.narrow(&mut icmp.other);
    coder.option(&mut icmp.first_frame, Coder::number);
    coder.option(&mut icmp.first_type, Coder::narrow);
    coder.option(&mut icmp.first_code, Coder::narrow);
}

/// Frames and times are near those of the flow's first packet.
fn direction(coder: &mut impl Coder, (first_frame, first_ns): (u64, i64), sent: &mut DirectionFacts) {
    coder.number(&mut sent.packets);
    coder.number(&mut sent.wire_bytes);
    coder.number(&mut sent.ip_bytes);
    coder.number(&mut sent.payload_bytes);
    coder.number(&mut sent.payload_packets);
    coder.narrow(&mut sent.tcp_flags);
    coder.narrow(&mut sent.syn);
    coder.narrow(&mut sent.syn_retransmitted);
    coder.narrow(&mut sent.syn_ack);
    coder.narrow(&mut sent.retransmitted);
    coder.narrow(&mut sent.keep_alives);
    coder.narrow(&mut sent.gaps);
    coder.narrow(&mut sent.fast_open_bytes);
    coder.flag(&mut sent.is_recorder);
    coder.narrow(&mut sent.handshake_copies);
    coder.narrow(&mut sent.fin);
    coder.narrow(&mut sent.rst);
    coder.option(&mut sent.syn_ns, |coder, ns| coder.time(first_ns, ns));
    for frame in [&mut sent.syn_frame, &mut sent.syn_ack_frame, &mut sent.rst_frame] {
        coder.option(frame, |coder, frame| {
            let mut later = frame.wrapping_sub(first_frame);
            coder.number(&mut later);
            *frame = later.wrapping_add(first_frame);
        });
    }
    coder.option(&mut sent.next_seq, Coder::narrow);
}

/// Takes numbers out of a record, or puts them in: one and the same walk over the fields does both.
trait Coder: Sized {
    /// The next number.
    fn number(&mut self, value: &mut u64);

    fn narrow<T: Copy + Default + Into<u64> + TryFrom<u64>>(&mut self, value: &mut T) {
        let mut number: u64 = (*value).into();
        self.number(&mut number);
        *value = T::try_from(number).unwrap_or_default();
    }

    fn flag(&mut self, value: &mut bool) {
        let mut number = u64::from(*value);
        self.number(&mut number);
        *value = number != 0;
    }

    /// A time, as far as it is from another.
    fn time(&mut self, from_ns: i64, value_ns: &mut i64) {
        let apart = value_ns.wrapping_sub(from_ns);
        // Small numbers for both signs: 0, -1, 1, -2…
        let mut folded = (apart.wrapping_shl(1) ^ (apart >> 63)) as u64;
        self.number(&mut folded);
        let apart = (folded >> 1) as i64 ^ -((folded & 1) as i64);
        *value_ns = from_ns.wrapping_add(apart);
    }

    fn option<T: Default>(&mut self, value: &mut Option<T>, code: impl FnOnce(&mut Self, &mut T)) {
        let mut is_some = value.is_some();
        self.flag(&mut is_some);
        match is_some {
            true => code(self, value.get_or_insert_default()),
            false => *value = None,
        }
    }

    /// One of a closed set, or none of it.
    fn any_of<T: Copy + PartialEq>(&mut self, all: &[T], value: &mut Option<T>) {
        let place = value.and_then(|value| all.iter().position(|one| *one == value));
        let mut number = place.map_or(0, |place| place as u64 + 1);
        self.number(&mut number);
        *value = number.checked_sub(1).and_then(|place| all.get(place as usize).copied());
    }

    /// One of a closed set.
    fn one_of<T: Copy + PartialEq>(&mut self, all: &[T], value: &mut T) {
        let mut number = all.iter().position(|one| one == value).unwrap_or(0) as u64;
        self.number(&mut number);
        *value = all.get(number as usize).copied().unwrap_or(*value);
    }
}

/// Bytes of the mask in front of each record: one bit for each number, set where it is not zero.
const MASK_BYTES: usize = 16;

/// Writes numbers at the end of a buffer.
struct Packer<'a> {
    bytes: &'a mut Vec<u8>,
    start: usize,
    mask: u128,
    bit: u128,
}

impl<'a> Packer<'a> {
    fn at_end_of(bytes: &'a mut Vec<u8>) -> Self {
        let start = bytes.len();
        bytes.extend([0; MASK_BYTES]);
        Self { bytes, start, mask: 0, bit: 1 }
    }

    fn finish(self) {
        debug_assert!(self.bit != 0, "more numbers than the mask has bits");
        self.bytes[self.start..][..MASK_BYTES].copy_from_slice(&self.mask.to_le_bytes());
    }
}

impl Coder for Packer<'_> {
    /// Seven bits to a byte, the least first; the eighth says that more follow.
    fn number(&mut self, value: &mut u64) {
        let mut rest = *value;
        if rest != 0 {
            self.mask |= self.bit;
            while rest >= 0x80 {
                self.bytes.push(rest as u8 | 0x80);
                rest >>= 7;
            }
            self.bytes.push(rest as u8);
        }
        self.bit <<= 1;
    }
}

/// Reads them again.
struct Unpacker<'a> {
    bytes: &'a [u8],
    mask: u128,
}

impl Coder for Unpacker<'_> {
    fn number(&mut self, value: &mut u64) {
        let is_zero = self.mask & 1 == 0;
        self.mask >>= 1;
        *value = 0;
        if is_zero {
            return;
        }
        let mut shift = 0;
        while let Some((byte, rest)) = self.bytes.split_first() {
            self.bytes = rest;
            *value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if *byte < 0x80 || shift > 63 {
                break;
            }
        }
    }
}

fn unpacked(bytes: &[u8]) -> Option<FlowRecord> {
    let (mask, bytes) = bytes.split_first_chunk::<MASK_BYTES>()?;
    let nowhere = Endpoint { ip: Ipv4Addr::UNSPECIFIED.into(), port: 0 };
    let key = FlowKey { transport: Transport::Tcp, a: nowhere, b: nowhere };
    let mut flow = FlowRecord::begun(key, Side::A, CaptureIndex(0), 0, 0);
    record(&mut Unpacker { bytes, mask: u128::from_le_bytes(*mask) }, &mut flow);
    Some(flow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A record whose every number is drawn.
    struct Drawn<'a>(std::slice::Iter<'a, u64>);

    impl Coder for Drawn<'_> {
        fn number(&mut self, value: &mut u64) {
            *value = self.0.next().copied().unwrap_or_default();
        }
    }

    fn drawn(numbers: &[u64]) -> FlowRecord {
        let mut flow = unpacked(&[0; MASK_BYTES]).unwrap();
        record(&mut Drawn(numbers.iter()), &mut flow);
        flow
    }

    fn number() -> impl Strategy<Value = u64> {
        prop_oneof![Just(0), Just(1), 0..40_u64, 0..u64::from(u32::MAX), any::<u64>()]
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back(numbers in proptest::collection::vec(proptest::collection::vec(number(), 128), 1..8)) {
            let records: Vec<FlowRecord> = numbers.iter().map(|numbers| drawn(numbers)).collect();
            let flows: Flows = records.iter().copied().collect();
            prop_assert_eq!(flows.iter().collect::<Vec<_>>(), records.clone());
            let mut twice = flows.clone();
            twice.append(&flows);
            prop_assert_eq!(twice.iter().collect::<Vec<_>>(), [records.clone(), records].concat());
        }
    }

    #[test]
    fn every_number_has_a_bit_and_an_empty_record_is_only_its_mask() {
        let mut flows = Flows::default();
        flows.push(&unpacked(&[0; MASK_BYTES]).unwrap());
        assert_eq!(flows.bytes, [0; MASK_BYTES]);
        let fullest = drawn(&[1; 256]);
        flows.push(&fullest);
        assert_eq!(flows.get(1), Some(fullest));
        assert_eq!(flows.get(2), None);
    }

    #[test]
    fn sorted_by_first_packet_then_capture_and_frame() {
        let flow = |ns: i64, capture: u32, frame: u64| FlowRecord {
            first_seen_ns: ns,
            last_seen_ns: ns,
            capture: CaptureIndex(capture),
            first_frame: frame,
            ..drawn(&[])
        };
        let order = [flow(-5, 1, 9), flow(1, 0, 7), flow(1, 1, 2), flow(1, 1, 3)];
        let mut flows: Flows = [3, 1, 0, 2].map(|at| order[at]).into_iter().collect();
        flows.sort();
        assert_eq!(flows.iter().collect::<Vec<_>>(), order);
    }
}

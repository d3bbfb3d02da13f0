//! Whatever comes: however a conversation is cut into segments it announces the same, and no bytes make it panic or grow.

use super::datagram::Datagrams;
use super::ndr::Form;
use super::samples::{self, SVCCTL};
use super::stream_tests::{follower, hear, mapping};
use crate::application::heard::Heard;
use crate::model::Side;
use proptest::prelude::*;

/// What a conversation may keep, in bytes: answers, requests, and a PDU of each direction, in buffers that grow by doubling.
const MOST_HELD: usize = 2 << 20;

fn conversation() -> Vec<(Side, Vec<u8>)> {
    let form = Form { little: true, wide: false };
    let towers: Vec<_> = (1..6).map(|port| samples::tower(SVCCTL, 2, port, [10, 0, 0, 5])).collect();
    let mut said = mapping(3, &samples::map_reply(&towers, 0, form));
    said.push((Side::A, samples::request(9, 0, &[b'x'; 300], 3)));
    said.push((Side::B, samples::response(&[b'y'; 3000], 3)));
    said.push((Side::A, samples::request(2, 0, &samples::lookup_request(form), 4)));
    let stub = samples::lookup_reply(&towers, "Plant", form);
    let (first, last) = stub.split_at(200);
    said.push((Side::B, samples::fragment(first, 4, 1, &[], true)));
    said.push((Side::B, samples::fragment(last, 4, 2, &[], true)));
    said
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn chunking_changes_nothing(sizes in prop::collection::vec(1_usize..200, 1..40)) {
        let said = conversation();
        let whole = hear(&said);
        let mut sizes = sizes.iter().cycle();
        let mut chunks = Vec::new();
        // What one side says without a break is one run of bytes.
        for run in said.chunk_by(|before, after| before.0 == after.0) {
            let bytes: Vec<u8> = run.iter().flat_map(|(_, data)| data.iter().copied()).collect();
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let (chunk, left) = rest.split_at(rest.len().min(*sizes.next().unwrap_or(&1)));
                chunks.push((run[0].0, chunk.to_vec()));
                rest = left;
            }
        }
        let heard = hear(&chunks);
        prop_assert_eq!(whole.announcements.len(), 10);
        prop_assert_eq!(heard.announcements, whole.announcements);
        prop_assert_eq!(heard.details, whole.details);
        prop_assert_eq!(heard.names, whole.names);
    }

    #[test]
    fn no_bytes_panic_or_grow(
        chunks in prop::collection::vec((any::<bool>(), 0_u32..300, prop::collection::vec(any::<u8>(), 0..300)), 0..60),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
    ) {
        let mut follower = follower();
        let mut heard = Heard::default();
        let mut datagrams = Datagrams::default();
        let mut said = conversation();
        for (index, byte) in flips {
            let at = index.index(said.len());
            let message = &mut said[at].1;
            let at = index.index(message.len());
            message[at] = byte;
        }
        // A conversation with wrong bytes, in which anything comes between.
        let mut chunks = chunks.into_iter();
        for (side, data) in &said {
            follower.bytes(*side, data, &mut heard);
            if let Some((b, gap, bytes)) = chunks.next() {
                let side = if b { Side::B } else { Side::A };
                if gap < 100 {
                    follower.gap(side, gap + 1, &mut heard);
                }
                follower.bytes(side, &bytes, &mut heard);
                datagrams.datagram(side, &bytes, b, &mut heard);
            }
            datagrams.datagram(*side, data, false, &mut heard);
            prop_assert!(follower.held_bytes() < MOST_HELD);
            prop_assert!(datagrams.held_bytes() < MOST_HELD);
        }
        follower.end(&mut heard);
        datagrams.end(&mut heard);
    }

    #[test]
    fn plausible_headers_with_any_body_stay_within_bounds(
        pdus in prop::collection::vec(
            (prop::sample::select(vec![0_u8, 0, 2, 2, 3, 11, 12, 14, 15]), 0_u8..4, 0_u32..100, any::<u8>(), 60_usize..9000),
            1..150,
        ),
    ) {
        let mut follower = follower();
        let mut heard = Heard::default();
        for (side, data) in &conversation()[..2] {
            follower.bytes(*side, data, &mut heard);
        }
        for (kind, flags, call, fill, length) in pdus {
            let mut body = vec![fill; length];
            // Context 0, an operation that announces ports.
            body[..8].copy_from_slice(&[0, 0, 0, 0, 0, 0, 2 + (fill & 1), 0]);
            if matches!(kind, 2 | 3) {
                body[6] = 0;
            }
            let side = if matches!(kind, 0 | 11 | 14) { Side::A } else { Side::B };
            follower.bytes(side, &samples::pdu(kind, flags, call, &body, &[], true), &mut heard);
            prop_assert!(follower.held_bytes() < MOST_HELD);
        }
    }
}

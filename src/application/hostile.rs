//! What tests of payload do to a sample: cut it at every byte, and flip bits of every byte. Nothing may panic.

/// Every beginning of a sample, and every sample with one byte changed in one of a few ways.
pub(super) fn cut_and_flipped(sample: &[u8], mut look: impl FnMut(&[u8])) {
    for end in 0..=sample.len() {
        look(&sample[..end]);
    }
    let mut changed = sample.to_vec();
    for at in 0..sample.len() {
        for flip in [0x01, 0x40, 0x80, 0xff] {
            changed[at] ^= flip;
            look(&changed);
            changed[at] ^= flip;
        }
    }
}

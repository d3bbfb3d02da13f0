//! Messages out of a stream, for followers of protocols whose header tells the length of the message.
//!
//! What a message holds beyond `most` bytes is passed over without being kept. After a gap, or after bytes that are no
//! header, the next message is looked for where a segment begins: senders begin a segment with a message nearly always.

/// What is there of a message that is not complete.
#[derive(Debug, Default)]
pub(super) struct Frames {
    bytes: Vec<u8>,
    /// Bytes of a long message that are passed over.
    skip: usize,
    /// Where the next message begins is not known.
    lost: bool,
}

/// How messages are told apart.
pub(super) struct Framing {
    /// Bytes that tell the length.
    pub(super) header: usize,
    /// Longest message that is read; of a longer one its first bytes.
    pub(super) most: usize,
    /// Length of a whole message that begins with these bytes; `None` where they are no header.
    pub(super) length: fn(&[u8]) -> Option<usize>,
}

impl Frames {
    /// Hands each message that is complete now to `each`.
    pub(super) fn take(&mut self, framing: &Framing, mut data: &[u8], mut each: impl FnMut(&[u8])) {
        if std::mem::take(&mut self.lost) && (data.len() < framing.header || (framing.length)(data).is_none()) {
            self.lost = true;
            return;
        }
        while !data.is_empty() {
            let passed = self.skip.min(data.len());
            self.skip -= passed;
            data = &data[passed..];
            data = self.fill(data, framing.header);
            if self.bytes.len() < framing.header {
                return;
            }
            let Some(length) = (framing.length)(&self.bytes).filter(|length| *length >= framing.header) else {
                self.bytes.clear();
                self.lost = true;
                return;
            };
            let wanted = length.min(framing.most.max(framing.header));
            data = self.fill(data, wanted);
            if self.bytes.len() < wanted {
                return;
            }
            each(&self.bytes);
            self.bytes.clear();
            self.skip = length - wanted;
        }
    }

    /// Bytes that the recording lacks.
    pub(super) fn gap(&mut self, lost_bytes: u32) {
        match self.skip.checked_sub(lost_bytes as usize) {
            Some(left) if self.bytes.is_empty() && !self.lost => self.skip = left,
            _ => *self = Self { lost: true, ..Self::default() },
        }
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// Takes what lacks of `wanted` bytes; gives the rest.
    fn fill<'a>(&mut self, data: &'a [u8], wanted: usize) -> &'a [u8] {
        let (taken, rest) = data.split_at(wanted.saturating_sub(self.bytes.len()).min(data.len()));
        self.bytes.extend_from_slice(taken);
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A byte 0xAA, a byte with the length of what follows.
    const FRAMING: Framing =
        Framing { header: 2, most: 6, length: |header| (header[0] == 0xAA).then(|| usize::from(header[1]) + 2) };

    fn taken(frames: &mut Frames, data: &[u8]) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        frames.take(&FRAMING, data, |one| all.push(one.to_vec()));
        all
    }

    #[test]
    fn messages_come_out_however_they_are_cut() {
        let stream = [0xAA, 1, 9, 0xAA, 0, 0xAA, 3, 1, 2, 3];
        let whole = vec![vec![0xAA, 1, 9], vec![0xAA, 0], vec![0xAA, 3, 1, 2, 3]];
        for cut in 0..=stream.len() {
            let mut frames = Frames::default();
            let mut all = taken(&mut frames, &stream[..cut]);
            all.extend(taken(&mut frames, &stream[cut..]));
            assert_eq!(all, whole, "cut at {cut}");
        }
    }

    #[test]
    fn of_a_long_message_the_beginning_is_read_and_the_rest_passed_over() {
        let mut long = vec![0xAA, 200];
        long.extend([7; 200]);
        long.extend([0xAA, 0]);
        assert_eq!(taken(&mut Frames::default(), &long), [vec![0xAA, 200, 7, 7, 7, 7], vec![0xAA, 0]]);
        let mut frames = Frames::default();
        assert_eq!(taken(&mut frames, &long[..50]).len(), 1);
        // What lacks is all of the part that would be passed over.
        frames.gap(152);
        assert_eq!(taken(&mut frames, &[0xAA, 0]), [vec![0xAA, 0]]);
    }

    #[test]
    fn after_a_gap_a_segment_that_begins_with_a_header_is_read_again() {
        let mut frames = Frames::default();
        assert!(taken(&mut frames, &[0xAA, 9, 1]).is_empty());
        frames.gap(4);
        assert!(taken(&mut frames, &[1, 2, 3]).is_empty());
        assert_eq!(taken(&mut frames, &[0xAA, 0]), [vec![0xAA, 0]]);
        assert!(taken(&mut frames, &[0xBB, 0]).is_empty());
        assert_eq!(taken(&mut frames, &[0xAA, 1, 5]), [vec![0xAA, 1, 5]]);
    }
}

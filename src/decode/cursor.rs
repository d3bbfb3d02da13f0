//! A position in a frame that knows both what was captured and what was on the wire.

/// The rest of a frame from some header on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    /// Captured bytes from here on.
    pub(super) data: &'a [u8],
    /// Offset of `data` within the frame.
    pub(super) offset: usize,
    /// Bytes of the frame behind `data` that were on the wire and not captured.
    pub(super) missing: usize,
}

impl<'a> Cursor<'a> {
    #[inline]
    pub(super) fn remaining(&self) -> usize {
        self.data.len()
    }

    /// Bytes from here on that the frame had on the wire.
    #[inline]
    pub(super) fn wire_remaining(&self) -> usize {
        self.data.len() + self.missing
    }

    /// Skips `n` captured bytes; the caller has checked that they are there.
    #[inline]
    pub(super) fn skip(self, n: usize) -> Self {
        let n = n.min(self.data.len());
        Self { data: &self.data[n..], offset: self.offset + n, ..self }
    }

    /// Skips `n` bytes if they were captured.
    #[inline]
    pub(super) fn past(self, n: usize) -> Option<Self> {
        (n <= self.data.len()).then(|| self.skip(n))
    }

    /// Cuts off what lies beyond `wire_bytes` from here: padding and trailers.
    #[inline]
    pub(super) fn limit(self, wire_bytes: usize) -> Self {
        let captured = self.data.len().min(wire_bytes);
        let missing = wire_bytes.saturating_sub(captured).min(self.missing);
        Self { data: &self.data[..captured], missing, ..self }
    }

    /// The byte at `at`, when it was captured.
    #[inline]
    pub(super) fn u8(&self, at: usize) -> Option<u8> {
        self.data.get(at).copied()
    }

    /// A big-endian number at `at`, when it was captured.
    #[inline]
    pub(super) fn u16(&self, at: usize) -> Option<u16> {
        Some(u16::from_be_bytes(self.array(at)?))
    }

    /// A big-endian number at `at`, when it was captured.
    #[inline]
    pub(super) fn u32(&self, at: usize) -> Option<u32> {
        Some(u32::from_be_bytes(self.array(at)?))
    }

    /// The bytes at `at`, when they were captured.
    #[inline]
    pub(super) fn array<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.data.get(at..)?.first_chunk::<N>().copied()
    }
}

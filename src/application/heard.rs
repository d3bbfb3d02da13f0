//! What recognisers and followers hear, on its way to the metering process.

use super::tls_certificate::Certificates;
use crate::model::{Announced, Detail, DetailKind, NameSource, Position, Side};
use std::borrow::Cow;
use std::net::IpAddr;

/// Longest text that is kept, in bytes.
pub const TEXT_BYTES: usize = 255;

/// Which frame, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moment {
    /// The frame.
    pub position: Position,
    /// Its time.
    pub time_ns: i64,
}

/// A name of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The address; `None`: that of [`Self::side`].
    pub address: Option<IpAddr>,
    /// Whose address it is, where none is stated.
    pub side: Side,
    /// The name. Hostile text.
    pub name: String,
    /// Where it comes from.
    pub source: NameSource,
}

/// Collects what is heard. The moment is set before bytes are looked at.
#[derive(Debug, Default)]
pub struct Heard {
    /// The frame whose bytes are looked at.
    pub moment: Moment,
    /// Announcements, each with the frame that completed it.
    pub announcements: Vec<(Moment, Announced)>,
    /// Details, each with the frame that said it.
    pub details: Vec<(Moment, Detail)>,
    /// Names of addresses.
    pub names: Vec<Named>,
    /// Of what was heard lately.
    pub(super) certificates: Certificates,
}

impl Heard {
    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.announcements.is_empty() && self.details.is_empty() && self.names.is_empty()
    }

    /// Notes an announcement.
    pub fn announce(&mut self, mut said: Announced) {
        for text in [&mut said.stated_host, &mut said.subject, &mut said.version] {
            cut(text);
        }
        self.announcements.push((self.moment, said));
    }

    /// Notes a detail, unless the text is empty.
    pub fn detail(&mut self, side: Side, kind: DetailKind, text: impl Into<String>) {
        let mut text = text.into();
        cut(&mut text);
        if !text.is_empty() {
            self.details.push((self.moment, Detail { side, kind, text }));
        }
    }

    /// Notes a name of the address on one side, unless it is empty or itself an address.
    pub fn name(&mut self, side: Side, source: NameSource, name: impl Into<String>) {
        self.push_name(None, side, source, name.into());
    }

    /// Notes a name of an address that the payload states.
    pub fn name_of(&mut self, address: IpAddr, source: NameSource, name: impl Into<String>) {
        self.push_name(Some(address), Side::A, source, name.into());
    }

    fn push_name(&mut self, address: Option<IpAddr>, side: Side, source: NameSource, mut name: String) {
        cut(&mut name);
        let is_address = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        if !name.is_empty() && !is_address {
            self.names.push(Named { address, side, name, source });
        }
    }
}

/// Cuts a text at a character's boundary.
fn cut(text: &mut String) {
    text.truncate(text.floor_char_boundary(TEXT_BYTES));
}

/// Bytes as text, what is no UTF-8 replaced, cut to what is kept.
#[must_use]
pub(super) fn text(bytes: &[u8]) -> String {
    readable(bytes).into_owned()
}

/// The same for reading only.
#[must_use]
pub(super) fn readable(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(&bytes[..bytes.len().min(TEXT_BYTES)])
}

/// UTF-16 little-endian as text, what is no character replaced, cut to what is kept.
#[must_use]
pub(super) fn text_utf16(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).take(TEXT_BYTES).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

//! SSH (RFC 4253 section 4.2): both sides begin with an identification string, `SSH-2.0-software comments`.

use super::heard::{Heard, text};
use super::opening::{Look, Opening};
use crate::model::{Certainty, DetailKind, Protocol, Recognised, Side};

const BEGINS: &[u8] = b"SSH-";
/// Longest identification string, its line end included.
const LONGEST: usize = 255;

pub(super) fn look(opening: &Opening<'_>) -> Look {
    let Some(side) = opening.side_where(|_| true) else { return Look::No };
    if let Some(look) = Look::unless_begins(opening.bytes(side), BEGINS) {
        return look;
    }
    let both = identification(opening.bytes(side.other())).is_some();
    match identification(opening.bytes(side)) {
        // Either side may speak first: that tells nothing about who serves.
        Some(_) if both => Look::yes(Protocol::Ssh, Certainty::Certain, None),
        Some(_) => Look::yes_so_far(Protocol::Ssh, Certainty::Certain, None),
        None if opening.bytes(side).len() > LONGEST => Look::No,
        None => Look::Maybe,
    }
}

/// The identification string without its line end, where it is complete.
fn identification(bytes: &[u8]) -> Option<&[u8]> {
    let line = bytes.split(|byte| *byte == b'\n').next()?;
    let complete = bytes.len() > line.len() && line.len() < LONGEST && line.starts_with(BEGINS);
    complete.then(|| line.strip_suffix(b"\r").unwrap_or(line))
}

pub(super) fn describe(opening: &Opening<'_>, _: Recognised, heard: &mut Heard) {
    for side in [Side::A, Side::B] {
        let Some(line) = identification(opening.bytes(side)) else { continue };
        let mut parts = line[BEGINS.len()..].splitn(2, |byte| *byte == b'-');
        heard.detail(side, DetailKind::Version, text(parts.next().unwrap_or_default()));
        heard.detail(side, DetailKind::ServerSoftware, text(parts.next().unwrap_or_default()));
    }
}

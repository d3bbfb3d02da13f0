//! Samba: `rpc server dynamic port range` (smb.conf(5)), one range without gaps.

use super::head::{self, Purpose};
use super::lines::{Dialect, Lines};
use crate::policy::settings::{Settings, System};

/// The line of smb.conf.
pub(super) fn setting(settings: &Settings) -> String {
    format!("rpc server dynamic port range = {}-{}", settings.range.first(), settings.range.last())
}

pub(super) fn apply(settings: &Settings, tool_version: &str) -> String {
    let mut lines = Lines::new(Dialect::Unix);
    let purpose = Purpose::Apply { undo: "take the line out again, and restart Samba" };
    head::write(&mut lines, settings, System::Linux, purpose, tool_version);
    lines.comment("Belongs into the section global of smb.conf; then restart Samba.");
    lines.line(&setting(settings));
    lines.into_text()
}

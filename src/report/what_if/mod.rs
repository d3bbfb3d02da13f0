//! What a range would have done to the demand that was recorded, as text and as JSON.
//!
//! This room decides nothing: [`crate::policy::what_if`] did. Texts from captures, site files and host tables pass
//! [`super::text::visible`].

mod json;
mod text;

#[cfg(test)]
mod tests;

pub use json::json;
pub use text::text;

use crate::dynamic_ports::what_if::AllocationOrder;
use crate::policy::settings::Scope;

/// What a replay cannot know. Every output ends with it.
pub const LIMITS: [&str; 5] = [
    "Demand that did not cross the tap: loopback, other interfaces, sockets that are bound and silent.",
    "The storm after a start of the host or of a service that was not recorded.",
    "Attempts that come again after they were blocked: here who finds no port is gone.",
    "Squeezes that are rarer than the recording is long, and work that was not recorded.",
    "How the host picks its ports: the number of blocked demands does not depend on it, the time to reuse does.",
];

/// What was asked, for the heads of outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// First and last port of the range.
    pub range: (u16, u16),
    /// Who would take ports from it.
    pub scope: Scope,
    /// How the host picks among free ports.
    pub order: AllocationOrder,
}

impl Asked {
    fn order_name(self) -> &'static str {
        match self.order {
            AllocationOrder::Sequential => "sequential",
            AllocationOrder::Random { .. } => "random",
        }
    }

    fn scope_name(self) -> &'static str {
        match self.scope {
            Scope::Rpc => "rpc",
            Scope::Allocation => "allocation",
        }
    }
}

/// A probability as percent, with three significant digits: "4.62 %", "0.0133 %".
fn percent(probability: f64) -> String {
    let percent = probability * 100.0;
    if percent <= 0.0 || !percent.is_finite() {
        return "0 %".to_owned();
    }
    let digits = 2 - percent.log10().floor() as i32;
    format!("{percent:.*} %", usize::try_from(digits.clamp(0, 12)).unwrap_or(0))
}

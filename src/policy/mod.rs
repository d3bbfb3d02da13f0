//! What follows from what was measured: verdicts and gates.

pub mod gate;
pub mod placement;
pub mod settings;
pub mod validation;
pub mod what_if;

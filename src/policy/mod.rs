//! What follows from what was measured: verdicts and gates.

pub mod settings;
pub mod validation;

//! The answers of `policy::validation`: lines for a terminal, and JSON. Decides nothing.
//!
//! Texts may come from captures and host tables: control and direction characters are made visible in both forms.

mod json;
mod lines;

pub use json::json;
pub use lines::{Emphasis, Line, lines};

#[cfg(test)]
mod tests;

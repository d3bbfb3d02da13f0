//! Recordings that never were: listeners visited at random, counted and estimated by the program's own functions.

pub(crate) mod calls;
pub(crate) mod dice;
pub(crate) mod measure;
pub(crate) mod workloads;

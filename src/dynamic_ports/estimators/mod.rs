//! How many listeners were not seen: estimators of richness and of occupancy, pure functions over counts.

pub mod abundance;
mod estimate;
mod forecast;
mod frequencies;
pub mod good_toulmin;
pub mod incidence;
mod interval;
pub mod occupancy;

pub use estimate::{Estimate, UPPER_FACTOR, UPPER_ROOT, estimate};
pub use forecast::{UNITS_FROM, forecast};
pub use frequencies::Frequencies;
pub use interval::WithInterval;

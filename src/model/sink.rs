//! The seam between metering and whoever keeps its records.

use super::flow::{Activity, FlowRecord};

/// Takes flow records as they end. Records are pushed one by one and never all held.
pub trait FlowSink {
    /// Why a record could not be kept.
    type Error;

    /// A flow ended.
    ///
    /// # Errors
    /// When the record cannot be kept: metering stops.
    fn flow(&mut self, record: &FlowRecord) -> Result<(), Self::Error>;

    /// A burst of a flow that has more than one ended.
    ///
    /// # Errors
    /// When the record cannot be kept: metering stops.
    fn activity(&mut self, burst: &Activity) -> Result<(), Self::Error>;
}

//! The seam between metering and whoever keeps its records.

use super::application::{Announcement, FlowDetail};
use super::flow::{Activity, FlowRecord};
use super::remark::NameFact;
use super::socket::SocketFact;

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

    /// The recorder named the process behind an end of a flow. Told once for each flow and process.
    ///
    /// # Errors
    /// When the record cannot be kept: metering stops.
    fn socket(&mut self, socket: &SocketFact<'_>) -> Result<(), Self::Error>;

    /// A broker answered somebody who asked for a port.
    ///
    /// # Errors
    /// When the record cannot be kept: metering stops.
    fn announcement(&mut self, announcement: &Announcement) -> Result<(), Self::Error>;

    /// A conversation said something of itself.
    ///
    /// # Errors
    /// When the record cannot be kept: metering stops.
    fn detail(&mut self, detail: &FlowDetail) -> Result<(), Self::Error>;

    /// A conversation named an address. Told once for each address, name and source.
    ///
    /// # Errors
    /// When the record cannot be kept: metering stops.
    fn name(&mut self, name: &NameFact) -> Result<(), Self::Error>;
}

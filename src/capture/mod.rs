//! The observation point: capture files in, frames out in time order.
//!
//! Reads pcap (microseconds and nanoseconds, both byte orders, the "modified" variant) and pcapng (several sections,
//! several interfaces with link types, snap lengths and resolutions of their own), plain or compressed, recognised by
//! content. Parsers borrow from a refilled buffer; frames are borrowed from it, never copied. A filter may keep frames out.
//!
//! Sources: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng. The room knows nothing beyond the link type.
//! End of file, a file cut short and a corrupt file are three outcomes; what preceded the break has been handed out. Behind
//! damage reading goes on only where payload cannot have been taken for a record, and the file still counts as corrupt.
//!
//! Original lengths are not believed when they are below the captured length, or above 262,144 bytes (libpcap's largest
//! snap length) and above what was captured: the captured length stands in, and the frame is counted.

mod block;
mod budget;
mod buffer;
mod compression;
mod damage;
mod error;
mod file;
mod filter;
#[cfg(feature = "live")]
mod filter_words;
mod inputs;
mod interfaces;
#[cfg(feature = "live")]
mod live;
mod observation;
mod pcap;
mod pcapng;
mod remarks;
mod resync;
mod stored;

pub use error::CaptureError;
pub use file::{CaptureFile, OpenOptions};
pub use filter::{Filter, FilterError};
pub use inputs::{Input, expand};
#[cfg(feature = "live")]
pub use live::{Interface, LiveCapture, LiveError, LivePacket, LiveSettings, LiveStatistics, interfaces};
pub use observation::{Observation, ObservationEnd};

#[cfg(test)]
mod damage_tests;
#[cfg(test)]
mod tests;

//! The observation point: capture files in, frames out in time order.
//!
//! Reads pcap (microseconds and nanoseconds, both byte orders, the "modified" variant) and pcapng (several sections,
//! several interfaces with link types, snap lengths and resolutions of their own), plain or compressed, recognised by
//! content. The formats are parsed by `pcap-parser` over a refilled buffer; frames are borrowed from it, never copied.
//!
//! Sources: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng. The room knows nothing beyond the link type.
//! End of file, a file cut short and a corrupt file are three outcomes; what preceded the break has been handed out.

mod buffer;
mod compression;
mod error;
mod file;
mod inputs;
#[cfg(feature = "live")]
mod live;
mod observation;
mod pcap;
mod pcapng;

pub use error::CaptureError;
pub use file::{CaptureFile, OpenOptions};
pub use inputs::{Input, expand};
#[cfg(feature = "live")]
pub use live::{Interface, LiveCapture, LiveError, LivePacket, LiveSettings, LiveStatistics, interfaces};
pub use observation::Observation;

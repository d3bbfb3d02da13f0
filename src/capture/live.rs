//! Packets from an interface, through libpcap. Only with the feature `live`.

use super::filter_words;
use crate::model::LinkType;
use pcap::{Active, Capture, Device, Error, Precision};
use std::net::IpAddr;

/// Milliseconds after which a silent interface gives the caller a chance to stop.
const TICK_MS: i32 = 100;

/// What to record.
#[derive(Debug, Clone)]
pub struct LiveSettings {
    /// Name of the interface.
    pub interface: String,
    /// Bytes kept of each packet.
    pub snap_length: u32,
    /// Size of the kernel buffer, bytes.
    pub buffer_bytes: u32,
    /// Whether to ask for packets that are not for this host.
    pub promiscuous: bool,
    /// Filter in the language of pcap-filter(7).
    pub filter: Option<String>,
}

/// Why an interface cannot be recorded from. The message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// No right to record.
    #[error(
        "no permission to record from {interface}: run as root, or once: sudo setcap cap_net_raw,cap_net_admin=eip \
         $(command -v portproof)"
    )]
    Permission {
        /// The interface.
        interface: String,
    },
    /// The interface does not exist.
    #[error("there is no interface {interface}; there are: {known}")]
    NoInterface {
        /// The interface.
        interface: String,
        /// Those that there are.
        known: String,
    },
    /// The filter does not compile.
    #[error("the filter \"{filter}\" is not valid: {reason}")]
    Filter {
        /// The filter.
        filter: String,
        /// What libpcap says.
        reason: String,
    },
    /// Anything else that libpcap says.
    #[error("{interface}: {reason}")]
    Other {
        /// The interface.
        interface: String,
        /// What libpcap says.
        reason: String,
    },
}

/// An interface of this machine.
#[derive(Debug, Clone)]
pub struct Interface {
    /// Name.
    pub name: String,
    /// Whether it is up.
    pub up: bool,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
}

/// A packet as it came from the interface.
#[derive(Debug, Clone, Copy)]
pub struct LivePacket<'a> {
    /// Time of capture, ns since 1970-01-01 UTC.
    pub time_ns: i64,
    /// Captured bytes.
    pub data: &'a [u8],
    /// Length on the wire.
    pub wire_bytes: u32,
}

/// Counters of libpcap for one recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveStatistics {
    /// Packets that passed the filter.
    pub received: u64,
    /// Lost because the kernel buffer was full.
    pub dropped_by_system: u64,
    /// Lost in the interface or its driver.
    pub dropped_by_interface: u64,
}

/// An open interface.
pub struct LiveCapture {
    interface: String,
    capture: Capture<Active>,
    link_type: LinkType,
}

/// The interfaces of this machine.
///
/// # Errors
/// When libpcap cannot list them.
pub fn interfaces() -> Result<Vec<Interface>, LiveError> {
    let devices =
        Device::list().map_err(|e| LiveError::Other { interface: "interfaces".into(), reason: e.to_string() })?;
    let interface = |device: Device| Interface {
        up: device.flags.is_up(),
        addresses: device.addresses.iter().map(|address| address.addr).collect(),
        name: device.name,
    };
    Ok(devices.into_iter().map(interface).collect())
}

impl LiveCapture {
    /// Opens an interface.
    ///
    /// # Errors
    /// When the right is missing, there is no such interface, or the filter is wrong.
    pub fn open(settings: &LiveSettings) -> Result<Self, LiveError> {
        let interface = settings.interface.clone();
        if let Some(filter) = &settings.filter {
            filter_words::check(filter).map_err(|reason| LiveError::Filter { filter: filter.clone(), reason })?;
        }
        let opened = Capture::from_device(interface.as_str()).and_then(|inactive| {
            inactive
                .promisc(settings.promiscuous)
                .snaplen(i32::try_from(settings.snap_length).unwrap_or(i32::MAX))
                .buffer_size(i32::try_from(settings.buffer_bytes).unwrap_or(i32::MAX))
                .precision(Precision::Nano)
                .timeout(TICK_MS)
                .open()
        });
        let mut capture = opened.map_err(|error| explain(&interface, &error))?;
        if let Some(filter) = &settings.filter {
            capture
                .filter(filter, true)
                .map_err(|error| LiveError::Filter { filter: filter.clone(), reason: error.to_string() })?;
        }
        let link_type = LinkType(file_link_type(capture.get_datalink().0));
        // A blocking read would not come back to see Ctrl-C where nothing is sent.
        let capture = capture.setnonblock().map_err(|error| explain(&interface, &error))?;
        Ok(Self { interface, capture, link_type })
    }

    /// Link type of its frames.
    #[must_use]
    pub fn link_type(&self) -> LinkType {
        self.link_type
    }

    /// The next packet, or `None` when none came for a moment.
    ///
    /// # Errors
    /// When the interface goes away.
    pub fn next_packet(&mut self) -> Result<Option<LivePacket<'_>>, LiveError> {
        match self.capture.next_packet() {
            Ok(packet) => Ok(Some(LivePacket {
                // With nanosecond precision the microsecond field holds nanoseconds.
                time_ns: packet.header.ts.tv_sec * 1_000_000_000 + packet.header.ts.tv_usec,
                data: packet.data,
                wire_bytes: packet.header.len,
            })),
            Err(Error::TimeoutExpired) => Ok(None),
            Err(error) => Err(explain(&self.interface, &error)),
        }
    }

    /// Counters so far.
    ///
    /// # Errors
    /// When libpcap cannot tell them.
    pub fn statistics(&mut self) -> Result<LiveStatistics, LiveError> {
        let stat = self.capture.stats().map_err(|error| explain(&self.interface, &error))?;
        Ok(LiveStatistics {
            received: stat.received.into(),
            dropped_by_system: stat.dropped.into(),
            dropped_by_interface: stat.if_dropped.into(),
        })
    }
}

/// libpcap's DLT_ numbers are LINKTYPE_ numbers, but for raw IP.
fn file_link_type(dlt: i32) -> u16 {
    match dlt {
        12 | 14 => LinkType::RAW.0,
        other => u16::try_from(other).unwrap_or(u16::MAX),
    }
}

fn explain(interface: &str, error: &Error) -> LiveError {
    let (interface, reason) = (interface.to_owned(), error.to_string());
    let lower = reason.to_lowercase();
    if lower.contains("permission") || lower.contains("not permitted") {
        return LiveError::Permission { interface };
    }
    if lower.contains("no such device") {
        let known = interfaces().unwrap_or_default().into_iter().map(|i| i.name).collect::<Vec<_>>().join(", ");
        return LiveError::NoInterface { interface, known };
    }
    LiveError::Other { interface, reason }
}

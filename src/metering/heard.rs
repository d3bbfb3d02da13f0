//! What conversations said, completed with the addresses of their flow and handed to the sink.

use super::entry::FlowId;
use super::settings::MeterSummary;
use crate::application::{Heard, Moment};
use crate::model::{Announced, Announcement, CaptureIndex, FlowDetail, FlowSink, NameFact, NameSource};
use foldhash::fast::FixedState;
use std::collections::HashSet;
use std::hash::BuildHasher;
use std::net::IpAddr;

/// Announcements that are told; a recording that holds more is not believed.
const MOST_ANNOUNCEMENTS: u64 = 1_000_000;
/// Details that are told.
const MOST_DETAILS: u64 = 4_000_000;
/// Names of addresses that are told.
const MOST_NAMES: u64 = 200_000;

/// What was told already.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Hashes of names: a collision loses one.
    names: HashSet<u64, FixedState>,
}

impl Told {
    /// Hands everything on, and leaves nothing.
    pub(super) fn tell<S: FlowSink>(
        &mut self,
        heard: &mut Heard,
        flow: FlowId,
        summary: &mut MeterSummary,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        if heard.is_empty() {
            return Ok(());
        }
        for (moment, said) in heard.announcements.drain(..) {
            if summary.announcements >= MOST_ANNOUNCEMENTS {
                summary.announcements_dropped += 1;
                continue;
            }
            summary.announcements += 1;
            sink.announcement(&announcement(&flow, moment, said))?;
        }
        for (moment, detail) in heard.details.drain(..) {
            if summary.details >= MOST_DETAILS {
                summary.details_dropped += 1;
                continue;
            }
            summary.details += 1;
            let (flow_capture, flow_first_frame) = (flow.capture, flow.first_frame);
            sink.detail(&FlowDetail { flow_capture, flow_first_frame, position: moment.position, detail })?;
        }
        for named in heard.names.drain(..) {
            let address = named.address.unwrap_or_else(|| flow.key.endpoint(named.side).ip);
            if self.is_known(address, named.source, &named.name) {
                continue;
            }
            if summary.names >= MOST_NAMES {
                summary.names_dropped += 1;
                continue;
            }
            summary.names += 1;
            let capture: CaptureIndex = heard.moment.position.capture;
            sink.name(&NameFact { capture, address, name: named.name, source: named.source })?;
        }
        Ok(())
    }

    fn is_known(&mut self, address: IpAddr, source: NameSource, name: &str) -> bool {
        let hash = FixedState::default().hash_one((address, source, name));
        let full = self.names.len() as u64 >= MOST_NAMES;
        if full { self.names.contains(&hash) } else { !self.names.insert(hash) }
    }
}

fn announcement(flow: &FlowId, moment: Moment, said: Announced) -> Announcement {
    let key = &flow.key;
    // What is stated may be translated on the way, or be 0.0.0.0; a group address is no host, and there is no other for it.
    let stated = said.stated_host.parse::<IpAddr>().ok();
    let host = stated.filter(IpAddr::is_multicast).unwrap_or(key.endpoint(said.listener).ip);
    Announcement {
        position: moment.position,
        time_ns: moment.time_ns,
        flow_capture: flow.capture,
        flow_first_frame: flow.first_frame,
        announcer: key.endpoint(said.by),
        told: key.endpoint(said.by.other()),
        host,
        caller: key.endpoint(said.listener.other()).ip,
        said,
    }
}

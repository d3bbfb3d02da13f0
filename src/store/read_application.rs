//! Reading back what payload said.

use super::error::StoreError;
use super::read::{Facts, Frame, Indices, all_ok};
use super::read_flows::side;
use crate::model::{
    Announced, Announcement, Answer, CaptureIndex, Detail, DetailKind, Endpoint, FlowDetail, Mechanism, Position, Side,
    Tier, Transport,
};
use std::net::IpAddr;
use std::path::Path;

/// Adds announcements and details of a partition.
pub(super) fn read_application(partition: &Path, indices: &Indices, facts: &mut Facts) -> Result<(), StoreError> {
    read_announcements(&Frame::read(partition, "announcements")?, indices, &mut facts.announcements)?;
    read_details(&Frame::read(partition, "details")?, indices, &mut facts.details)
}

fn capture(frame: &Frame, indices: &Indices, column: &str) -> Result<Vec<CaptureIndex>, StoreError> {
    let index = |id| indices.get(id).copied().ok_or_else(|| frame.bad(column, "names no capture"));
    frame.text(column)?.iter().map(index).collect()
}

fn read_announcements(frame: &Frame, indices: &Indices, into: &mut Vec<Announcement>) -> Result<(), StoreError> {
    let (captures, flow_captures) =
        (capture(frame, indices, "capture_id")?, capture(frame, indices, "flow_capture_id")?);
    let times = frame.times("time_ns")?;
    let numbers = ["frame", "flow_first_frame", "announcer_port", "told_port", "protocol", "port", "process_id_low"];
    let [frames, first_frames, announcer_port, told_port, protocol, port, process] =
        all_ok(numbers.map(|name| frame.numbers(name)))?;
    let ips = ["announcer_ip", "told_ip", "host_ip", "caller_ip"]
        .map(|name| frame.parsed(name, |text| text.parse::<IpAddr>().ok()));
    let [announcer_ip, told_ip, host_ip, caller_ip] = all_ok(ips)?;
    let mechanism = frame.parsed("mechanism", Mechanism::named)?;
    let tier = frame.parsed("tier", Tier::named)?;
    let [answer, mut stated_host, mut subject, mut version] =
        all_ok(["answer", "stated_host", "subject", "version"].map(|name| frame.text(name)))?;
    let required = |name: &str| frame.bad(name, "a row has no value");
    let short = |number: Option<u64>| number.and_then(|n| u16::try_from(n).ok());
    for row in 0..captures.len() {
        let endpoint = |ip: Option<IpAddr>, port: Option<u64>, name: &str| {
            ip.zip(short(port)).map(|(ip, port)| Endpoint { ip, port }).ok_or_else(|| required(name))
        };
        let (announcer, told) = (
            endpoint(announcer_ip[row], announcer_port[row], "announcer_ip")?,
            endpoint(told_ip[row], told_port[row], "told_ip")?,
        );
        let host = host_ip[row].ok_or_else(|| required("host_ip"))?;
        let caller = caller_ip[row].ok_or_else(|| required("caller_ip"))?;
        let answer = Answer::of(answer[row].as_deref().unwrap_or_default(), short(port[row]));
        let by = if announcer <= told { Side::A } else { Side::B };
        into.push(Announcement {
            position: Position { capture: captures[row], frame: frames[row].unwrap_or(0), offset: 0 },
            time_ns: times[row].ok_or_else(|| required("time_ns"))?,
            flow_capture: flow_captures[row],
            flow_first_frame: first_frames[row].unwrap_or(0),
            announcer,
            told,
            host,
            caller,
            said: Announced {
                by,
                listener: if caller == announcer.ip && caller != told.ip { by.other() } else { by },
                mechanism: mechanism[row].ok_or_else(|| required("mechanism"))?,
                answer: answer.ok_or_else(|| required("answer"))?,
                transport: transport(frame, protocol[row])?,
                stated_host: stated_host[row].take().unwrap_or_default(),
                subject: subject[row].take().unwrap_or_default(),
                version: version[row].take().unwrap_or_default(),
                tier: tier[row].ok_or_else(|| required("tier"))?,
                process_id: short(process[row]),
            },
        });
    }
    Ok(())
}

/// The transport of an IP protocol number.
pub(super) fn transport(frame: &Frame, protocol: Option<u64>) -> Result<Transport, StoreError> {
    match protocol {
        Some(6) => Ok(Transport::Tcp),
        Some(17) => Ok(Transport::Udp),
        other => Err(frame.bad("protocol", format!("unknown value {other:?}"))),
    }
}

fn read_details(frame: &Frame, indices: &Indices, into: &mut Vec<FlowDetail>) -> Result<(), StoreError> {
    let (captures, flow_captures) =
        (capture(frame, indices, "capture_id")?, capture(frame, indices, "flow_capture_id")?);
    let [frames, first_frames] = all_ok(["frame", "flow_first_frame"].map(|name| frame.numbers(name)))?;
    let (sides, kinds) = (frame.parsed("side", side)?, frame.parsed("kind", DetailKind::named)?);
    let mut text = frame.text("text")?;
    for row in 0..captures.len() {
        into.push(FlowDetail {
            flow_capture: flow_captures[row],
            flow_first_frame: first_frames[row].unwrap_or(0),
            position: Position { capture: captures[row], frame: frames[row].unwrap_or(0), offset: 0 },
            detail: Detail {
                side: sides[row].ok_or_else(|| frame.bad("side", "a row has no value"))?,
                kind: kinds[row].ok_or_else(|| frame.bad("kind", "a row has no value"))?,
                text: text[row].take().unwrap_or_default(),
            },
        });
    }
    Ok(())
}

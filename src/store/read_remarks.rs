//! Reading back what recordings say besides packets.

use super::error::StoreError;
use super::read::{Facts, Frame, Indices};
use super::read_application::transport;
use super::read_flows::small;
use crate::model::{CommentFact, CommentPlace, Endpoint, NameFact, NameSource, SocketRow};
use std::path::Path;

/// Adds names, sockets and comments of a partition.
pub(super) fn read_remarks(partition: &Path, indices: &Indices, facts: &mut Facts) -> Result<(), StoreError> {
    read_names(&Frame::read(partition, "names")?, indices, &mut facts.names)?;
    read_sockets(&Frame::read(partition, "sockets")?, indices, &mut facts.sockets)?;
    read_comments(&Frame::read(partition, "comments")?, indices, &mut facts.comments)
}

fn read_names(frame: &Frame, indices: &Indices, into: &mut Vec<NameFact>) -> Result<(), StoreError> {
    let captures = frame.captures(indices)?;
    let address = frame.parsed("address", |text| text.parse().ok())?;
    let mut name = frame.text("name")?;
    let source = frame.parsed("source", |text| NameSource::ALL.into_iter().find(|source| source.name() == text))?;
    for (row, capture) in captures.into_iter().enumerate() {
        into.push(NameFact {
            capture,
            address: address[row].ok_or_else(|| frame.bad("address", "a row has no value"))?,
            name: name[row].take().unwrap_or_default(),
            source: source[row].ok_or_else(|| frame.bad("source", "a row has no value"))?,
        });
    }
    Ok(())
}

fn read_sockets(frame: &Frame, indices: &Indices, into: &mut Vec<SocketRow>) -> Result<(), StoreError> {
    let captures = frame.captures(indices)?;
    let (frames, times) = (frame.numbers("frame")?, frame.times("time_ns")?);
    let protocol = frame.numbers("protocol")?;
    let ip = |name| frame.parsed(name, |text| text.parse().ok());
    let (local_ip, remote_ip) = (ip("local_ip")?, ip("remote_ip")?);
    let (local_port, remote_port) = (frame.numbers("local_port")?, frame.numbers("remote_port")?);
    let (process_id, mut process_name) = (frame.numbers("process_id")?, frame.text("process_name")?);
    let endpoint = |ip: Option<std::net::IpAddr>, port: Option<u64>| {
        let port = port.and_then(|port| u16::try_from(port).ok());
        ip.zip(port).map(|(ip, port)| Endpoint { ip, port }).ok_or_else(|| frame.bad("local_ip", "no endpoint"))
    };
    for (row, capture) in captures.into_iter().enumerate() {
        into.push(SocketRow {
            capture,
            frame: frames[row].unwrap_or(0),
            time_ns: times[row].unwrap_or(0),
            transport: transport(frame, protocol[row])?,
            local: endpoint(local_ip[row], local_port[row])?,
            remote: endpoint(remote_ip[row], remote_port[row])?,
            process_id: small(process_id[row]),
            process_name: process_name[row].take().unwrap_or_default(),
        });
    }
    Ok(())
}

fn read_comments(frame: &Frame, indices: &Indices, into: &mut Vec<CommentFact>) -> Result<(), StoreError> {
    let captures = frame.captures(indices)?;
    let (frames, mut text) = (frame.numbers("frame")?, frame.text("text")?);
    let place = frame.parsed("place", |text| CommentPlace::ALL.into_iter().find(|place| place.name() == text))?;
    for (row, capture) in captures.into_iter().enumerate() {
        into.push(CommentFact {
            capture,
            frame: frames[row],
            place: place[row].ok_or_else(|| frame.bad("place", "a row has no value"))?,
            text: text[row].take().unwrap_or_default(),
        });
    }
    Ok(())
}

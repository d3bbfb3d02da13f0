//! The tables of what recordings say besides packets: names of addresses, processes behind sockets, comments.

use super::schema::{FactColumn, columns};
use crate::model::{Cell, Column, CommentFact, Kind, NameFact, SocketRow};

/// Columns of `names`.
#[must_use]
pub fn names() -> Vec<FactColumn<NameFact>> {
    columns! {
        "capture_id": Text, "", "capture file that states the name" => |ids, r| ids.of(r.capture);
        "address": Text, "", "IPv4 or IPv6 address" => |_, r| r.address.into();
        "name": Text, "", "a name of it, as stated: no proof of anything" => |_, r| r.name.as_str().into();
        "source": Text, "", "where the name comes from. nrb: a pcapng name resolution block; dns, netbios, sql-browser, rpc-annotation, identity, greeting: what a server said; tls-server-name, http-host: what a client asked for; certificate: its subject" => |_, r| Cell::Name(r.source.name());
    }
}

/// Columns of `sockets`.
#[must_use]
pub fn sockets() -> Vec<FactColumn<SocketRow>> {
    columns! {
        "capture_id": Text, "", "capture file of the frame that showed it" => |ids, r| ids.of(r.capture);
        "frame": Unsigned, "", "that frame" => |_, r| r.frame.into();
        "time_ns": TimeNs, "observationTimeNanoseconds", "its time" => |_, r| Cell::TimeNs(r.time_ns);
        "protocol": Unsigned, "protocolIdentifier", "IP protocol: 6 TCP, 17 UDP" => |_, r| r.transport.number().into();
        "local_ip": Text, "", "address of the recording host's end" => |_, r| r.local.ip.into();
        "local_port": Unsigned, "", "port of the recording host's end" => |_, r| r.local.port.into();
        "remote_ip": Text, "", "address of the other end" => |_, r| r.remote.ip.into();
        "remote_port": Unsigned, "", "port of the other end" => |_, r| r.remote.port.into();
        "process_id": Unsigned, "", "identifier of the process behind the local end" => |_, r| r.process_id.into();
        "process_name": Text, "", "name of its program as the recorder wrote it, often cut to 16 bytes" => |_, r| r.process_name.as_str().into();
    }
}

/// Columns of `comments`.
#[must_use]
pub fn comments() -> Vec<FactColumn<CommentFact>> {
    columns! {
        "capture_id": Text, "", "capture file that holds the comment" => |ids, r| ids.of(r.capture);
        "frame": Unsigned, "", "frame that it is about; null where it is about none" => |_, r| r.frame.into();
        "place": Text, "", "what it is about: section, interface or packet" => |_, r| Cell::Name(r.place.name());
        "text": Text, "", "the comment, cut to 1,000 bytes" => |_, r| r.text.as_str().into();
    }
}

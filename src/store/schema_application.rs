//! The tables of what payload says: who announced which port to whom, and what conversations say of themselves.

use super::schema::{FactColumn, columns};
use crate::model::{Announcement, Cell, Column, FlowDetail, Kind};

/// Columns of `announcements`.
#[must_use]
pub fn announcements() -> Vec<FactColumn<Announcement>> {
    columns! {
        "capture_id": Text, "", "capture file of the frame that completed it" => |ids, r| ids.of(r.position.capture);
        "frame": Unsigned, "", "that frame" => |_, r| r.position.frame.into();
        "time_ns": TimeNs, "observationTimeNanoseconds", "its time" => |_, r| Cell::TimeNs(r.time_ns);
        "flow_capture_id": Text, "", "capture file of the first frame of the flow that carried it" => |ids, r| ids.of(r.flow_capture);
        "flow_first_frame": Unsigned, "", "that first frame: with flow_capture_id it names the flow" => |_, r| r.flow_first_frame.into();
        "announcer_ip": Text, "", "who said it" => |_, r| r.announcer.ip.into();
        "announcer_port": Unsigned, "", "from which port" => |_, r| r.announcer.port.into();
        "told_ip": Text, "", "who was told" => |_, r| r.told.ip.into();
        "told_port": Unsigned, "", "at which port" => |_, r| r.told.port.into();
        "mechanism": Text, "", "how: ept-map (endpoint mapper, a promise), ept-lookup (an enumeration), resolve-oxid, remote-activation, remote-get-class-object, remote-create-instance (DCOM), sql-browser, sql-browser-dac, flexnet-redirect, ftp-passive, ftp-active, portmapper, forward-open" => |_, r| Cell::Name(r.said.mechanism.name());
        "answer": Text, "", "port; not-registered: nobody serves that; encrypted, cut: it could not be read" => |_, r| Cell::Name(r.said.answer.name());
        "protocol": Unsigned, "protocolIdentifier", "IP protocol of the announced port: 6 TCP, 17 UDP" => |_, r| r.said.transport.number().into();
        "host_ip": Text, "", "host that is to listen, by the addresses of the packets; a group address as stated" => |_, r| r.host.into();
        "caller_ip": Text, "", "host that is to call there" => |_, r| r.caller.into();
        "port": Unsigned, "", "announced port; null where there is none" => |_, r| r.said.answer.port().into();
        "stated_host": Text, "", "host as the announcement states it: it may be another one, a name, 0.0.0.0, or empty" => |_, r| r.said.stated_host.as_str().into();
        "subject": Text, "", "what is to be found there: interface UUID, SQL instance, licence vendor, ONC RPC program" => |_, r| r.said.subject.as_str().into();
        "version": Text, "", "version of the subject, or empty" => |_, r| r.said.version.as_str().into();
        "tier": Text, "", "structural: parsed as specified; signature-scan: found in bytes whose beginning is missing" => |_, r| Cell::Name(r.said.tier.name());
        "process_id_low": Unsigned, "", "low 16 bits of the server's process identifier, from an IPID" => |_, r| r.said.process_id.into();
    }
}

/// Columns of `details`.
#[must_use]
pub fn details() -> Vec<FactColumn<FlowDetail>> {
    columns! {
        "flow_capture_id": Text, "", "capture file of the flow's first frame" => |ids, r| ids.of(r.flow_capture);
        "flow_first_frame": Unsigned, "", "the flow's first frame: with flow_capture_id it names the flow" => |_, r| r.flow_first_frame.into();
        "capture_id": Text, "", "capture file of the frame that said it" => |ids, r| ids.of(r.position.capture);
        "frame": Unsigned, "", "that frame" => |_, r| r.position.frame.into();
        "side": Text, "", "side that said it: a or b" => |_, r| Cell::Name(r.detail.side.name());
        "kind": Text, "", "what it is: alpn, certificate-subject, client-software, command, interface, ja4, pipe, process-id, product, request, secondary-address, server-name, server-software, version" => |_, r| Cell::Name(r.detail.kind.name());
        "text": Text, "", "the text, cut to 255 bytes: hostile, and no proof of anything" => |_, r| r.detail.text.as_str().into();
    }
}

//! The recognisers: a line for each protocol, or for a family that is told apart in one file.
//!
//! Order counts among answers of equal certainty: signatures that nothing else has by chance come first.

use super::follower::Follower;
use super::heard::Heard;
use super::opening::{Look, Opening};
use super::{
    cip_io, codemeter, dcerpc, dns, dns_names, dtls, enip, flexnet, ftp, http, kerberos, ldap, modbus, mysql, netbios,
    ntp, onc_rpc, opcua, portmapper, postgresql, quic, rdp, s7, smb, smb_pipes, smtp, snmp, ssh, ssrp, syslog, tds,
    tls,
};
use crate::model::{Protocol, Recognised, Transport};

/// What is known of a protocol, or of a family of them.
pub(super) struct Recogniser {
    /// The protocols that it may answer.
    pub(super) protocols: &'static [Protocol],
    /// Which it is.
    pub(super) look: fn(&Opening<'_>) -> Look,
    /// Details and names, once that is decided.
    pub(super) describe: Option<fn(&Opening<'_>, Recognised, &mut Heard)>,
    /// Who reads on to the end.
    pub(super) follow: Option<fn(Recognised) -> Follower>,
}

/// Over TCP.
static TCP: &[Recogniser] = &[
    Recogniser { protocols: &[Protocol::DceRpc], look: dcerpc::look, describe: None, follow: Some(dcerpc::follow) },
    // Before TLS: TDS 8.0 is TLS whose client says so.
    Recogniser { protocols: &[Protocol::Tds], look: tds::look, describe: Some(tds::describe), follow: None },
    Recogniser { protocols: &[Protocol::Tls], look: tls::look, describe: Some(tls::describe), follow: None },
    Recogniser {
        protocols: &[Protocol::Http, Protocol::WebSocket, Protocol::SocketIo],
        look: http::look,
        describe: Some(http::describe),
        follow: None,
    },
    Recogniser {
        protocols: &[Protocol::PostgreSql],
        look: postgresql::look,
        describe: Some(postgresql::describe),
        follow: None,
    },
    Recogniser { protocols: &[Protocol::Rdp], look: rdp::look, describe: Some(rdp::describe), follow: None },
    Recogniser { protocols: &[Protocol::MySql], look: mysql::look, describe: Some(mysql::describe), follow: None },
    Recogniser { protocols: &[Protocol::Smtp], look: smtp::look, describe: Some(smtp::describe), follow: None },
    Recogniser { protocols: &[Protocol::Ssh], look: ssh::look, describe: Some(ssh::describe), follow: None },
    Recogniser {
        protocols: &[Protocol::Ftp],
        look: ftp::look,
        describe: Some(ftp::describe),
        follow: Some(ftp::follow),
    },
    Recogniser {
        protocols: &[Protocol::Smb1, Protocol::Smb2, Protocol::NetBiosSession],
        look: smb::look,
        describe: Some(smb::describe),
        follow: Some(smb_pipes::follow),
    },
    Recogniser { protocols: &[Protocol::Ldap], look: ldap::look, describe: Some(ldap::describe), follow: None },
    Recogniser { protocols: &[Protocol::Kerberos], look: kerberos::look, describe: None, follow: None },
    Recogniser {
        protocols: &[Protocol::Dns, Protocol::Mdns, Protocol::Llmnr],
        look: dns::look,
        describe: None,
        follow: Some(dns_names::follow),
    },
    Recogniser { protocols: &[Protocol::OpcUa], look: opcua::look, describe: Some(opcua::describe), follow: None },
    Recogniser { protocols: &[Protocol::EtherNetIp], look: enip::look, describe: None, follow: Some(enip::follow) },
    Recogniser { protocols: &[Protocol::S7], look: s7::look, describe: Some(s7::describe), follow: None },
    Recogniser {
        protocols: &[Protocol::OncRpc],
        look: onc_rpc::look,
        describe: Some(onc_rpc::describe),
        follow: Some(portmapper::follow),
    },
    Recogniser { protocols: &[Protocol::Modbus], look: modbus::look, describe: None, follow: None },
    Recogniser { protocols: &[Protocol::CodeMeter], look: codemeter::look, describe: None, follow: None },
    Recogniser { protocols: &[Protocol::FlexNet], look: flexnet::look, describe: None, follow: Some(flexnet::follow) },
];

/// Over UDP.
static UDP: &[Recogniser] = &[
    Recogniser {
        protocols: &[Protocol::DceRpcDatagram],
        look: dcerpc::look_datagram,
        describe: None,
        follow: Some(dcerpc::follow_datagrams),
    },
    Recogniser {
        protocols: &[Protocol::NetBiosName],
        look: netbios::look_name,
        describe: None,
        follow: Some(netbios::follow_name),
    },
    Recogniser {
        protocols: &[Protocol::Dns, Protocol::Mdns, Protocol::Llmnr],
        look: dns::look,
        describe: None,
        follow: Some(dns_names::follow),
    },
    Recogniser {
        protocols: &[Protocol::NetBiosDatagram],
        look: netbios::look_datagram,
        describe: Some(netbios::describe_datagram),
        follow: None,
    },
    Recogniser { protocols: &[Protocol::Cldap], look: ldap::look, describe: Some(ldap::describe), follow: None },
    Recogniser { protocols: &[Protocol::Kerberos], look: kerberos::look, describe: None, follow: None },
    Recogniser { protocols: &[Protocol::Snmp], look: snmp::look, describe: Some(snmp::describe), follow: None },
    Recogniser { protocols: &[Protocol::Ntp], look: ntp::look, describe: None, follow: None },
    Recogniser { protocols: &[Protocol::Ssrp], look: ssrp::look, describe: None, follow: Some(ssrp::follow) },
    Recogniser { protocols: &[Protocol::EtherNetIp], look: enip::look, describe: None, follow: Some(enip::follow) },
    Recogniser { protocols: &[Protocol::CipIo], look: cip_io::look, describe: None, follow: None },
    Recogniser {
        protocols: &[Protocol::OncRpc],
        look: onc_rpc::look,
        describe: Some(onc_rpc::describe),
        follow: Some(portmapper::follow),
    },
    Recogniser { protocols: &[Protocol::Dtls], look: dtls::look, describe: Some(dtls::describe), follow: None },
    Recogniser { protocols: &[Protocol::Quic], look: quic::look, describe: Some(quic::describe), follow: None },
    Recogniser { protocols: &[Protocol::Syslog], look: syslog::look, describe: Some(syslog::describe), follow: None },
];

/// The recognisers of a transport, in their order.
pub(super) fn of(transport: Transport) -> &'static [Recogniser] {
    match transport {
        Transport::Tcp => TCP,
        Transport::Udp => UDP,
    }
}

/// The one that answers a protocol.
pub(super) fn find(transport: Transport, protocol: Protocol) -> Option<&'static Recogniser> {
    of(transport).iter().find(|recogniser| recogniser.protocols.contains(&protocol))
}

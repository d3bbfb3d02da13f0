//! The recognisers: a line for each protocol, or for a family that is told apart in one file.
//!
//! Order counts among answers of equal certainty: signatures that nothing else has by chance come first.

use super::follower::Follower;
use super::heard::Heard;
use super::opening::{Look, Opening};
use super::{dcerpc, dns, dns_names, ftp, kerberos, ldap, netbios, ntp, smb, smb_pipes, snmp, ssh};
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

//! Who reads a conversation to its end: a closed enum, so that a new follower is a variant here and a file beside it.

use super::heard::Heard;
use super::{dcerpc, dns_names, enip, flexnet, ftp, netbios, portmapper, smb_pipes, ssrp};
use crate::model::Side;

/// A conversation that is read on.
#[derive(Debug)]
pub enum Follower {
    /// A DCE/RPC connection.
    DceRpc(Box<dcerpc::Stream>),
    /// DCE/RPC in datagrams.
    DceRpcDatagrams(dcerpc::Datagrams),
    /// DNS, multicast DNS or LLMNR.
    Dns(dns_names::Names),
    /// EtherNet/IP encapsulation.
    EtherNetIp(enip::Encapsulation),
    /// A licence manager that hands over to a vendor's daemon.
    FlexNet(flexnet::Handover),
    /// An FTP control connection.
    Ftp(ftp::Control),
    /// The NetBIOS name service.
    NetBios(netbios::Names),
    /// ONC RPC, in case it is a portmapper.
    Portmapper(portmapper::Portmapper),
    /// SMB, and the session service before it.
    Smb(Box<smb_pipes::Pipes>),
    /// An SQL browser.
    Ssrp(ssrp::Browser),
}

impl Follower {
    /// Bytes of a TCP stream, in order.
    pub(super) fn bytes(&mut self, side: Side, data: &[u8], heard: &mut Heard) {
        match self {
            Self::DceRpc(stream) => stream.bytes(side, data, heard),
            Self::Dns(names) => names.bytes(side, data, heard),
            Self::EtherNetIp(one) => one.bytes(side, data, heard),
            Self::FlexNet(one) => one.bytes(side, data, heard),
            Self::Ftp(control) => control.bytes(side, data, heard),
            Self::Portmapper(one) => one.bytes(side, data, heard),
            Self::Smb(pipes) => pipes.bytes(side, data, heard),
            Self::DceRpcDatagrams(_) | Self::NetBios(_) | Self::Ssrp(_) => {}
        }
    }

    /// Bytes of a TCP stream that the recording lacks: what follows begins anywhere in a message.
    pub(super) fn gap(&mut self, side: Side, lost_bytes: u32, heard: &mut Heard) {
        match self {
            Self::DceRpc(stream) => stream.gap(side, lost_bytes, heard),
            Self::Dns(names) => names.gap(side, lost_bytes),
            Self::EtherNetIp(one) => one.gap(side, lost_bytes),
            Self::FlexNet(one) => one.gap(side, lost_bytes),
            Self::Ftp(control) => control.gap(side),
            Self::Portmapper(one) => one.gap(side, lost_bytes),
            Self::Smb(pipes) => pipes.gap(side, lost_bytes),
            Self::DceRpcDatagrams(_) | Self::NetBios(_) | Self::Ssrp(_) => {}
        }
    }

    /// A datagram, which may lack its end (`cut`).
    pub(super) fn datagram(&mut self, side: Side, data: &[u8], cut: bool, heard: &mut Heard) {
        match self {
            Self::DceRpcDatagrams(datagrams) => datagrams.datagram(side, data, cut, heard),
            Self::Dns(names) => names.datagram(data, heard),
            Self::NetBios(names) => names.datagram(side, data, heard),
            Self::EtherNetIp(one) => one.datagram(side, data, heard),
            Self::Portmapper(one) => one.datagram(side, data, cut, heard),
            Self::Ssrp(one) => one.datagram(side, data, heard),
            Self::DceRpc(_) | Self::FlexNet(_) | Self::Ftp(_) | Self::Smb(_) => {}
        }
    }

    /// The conversation ended.
    pub(super) fn end(&mut self, heard: &mut Heard) {
        match self {
            Self::DceRpc(stream) => stream.end(heard),
            Self::DceRpcDatagrams(datagrams) => datagrams.end(heard),
            _ => {}
        }
    }

    /// Nothing that could still be said is of interest.
    pub(super) fn is_done(&self) -> bool {
        match self {
            Self::DceRpc(stream) => stream.is_done(),
            Self::DceRpcDatagrams(datagrams) => datagrams.is_done(),
            Self::Dns(names) => names.is_done(),
            Self::EtherNetIp(one) => one.is_done(),
            Self::FlexNet(one) => one.is_done(),
            Self::Ftp(control) => control.is_done(),
            Self::Portmapper(one) => one.is_done(),
            Self::Ssrp(one) => one.is_done(),
            Self::NetBios(names) => names.is_done(),
            Self::Smb(pipes) => pipes.is_done(),
        }
    }

    /// Bytes that it keeps on the heap, about.
    pub(super) fn held_bytes(&self) -> usize {
        match self {
            Self::DceRpc(stream) => stream.held_bytes(),
            Self::DceRpcDatagrams(datagrams) => datagrams.held_bytes(),
            Self::Dns(names) => names.held_bytes(),
            Self::EtherNetIp(one) => one.held_bytes(),
            Self::FlexNet(one) => one.held_bytes(),
            Self::Ftp(control) => control.held_bytes(),
            Self::Portmapper(one) => one.held_bytes(),
            Self::Ssrp(one) => one.held_bytes(),
            Self::NetBios(names) => names.held_bytes(),
            Self::Smb(pipes) => pipes.held_bytes(),
        }
    }
}

//! The tally: what became of every frame. Each frame has exactly one fate; fates sum to the frames read.

use super::frame::LinkType;
use super::packet::Layer;
use std::collections::BTreeMap;

/// What became of one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// TCP segment, metered.
    Tcp,
    /// UDP datagram, metered.
    Udp,
    /// Later IP fragment, metered with the flow of its first fragment.
    Fragment,
    /// Later IP fragment whose first fragment was not seen: not metered.
    OrphanFragment,
    /// ICMP or ICMPv6 error that quotes a TCP or UDP packet.
    IcmpError,
    /// Any other ICMP or ICMPv6 message.
    Icmp,
    /// Address resolution (ARP, RARP).
    Arp,
    /// An Ethernet type that carries no IP here.
    EtherType(u16),
    /// An address family of a BSD loopback header that is not IP.
    LoopbackFamily(u32),
    /// An IEEE 802.3 length field: LLC frames such as spanning tree.
    Llc,
    /// A PPP protocol that carries no IP (RFC 1661): link control, compressed headers, multilink…
    Ppp(u16),
    /// An IEEE 802.11 frame without readable data: management, control, or no payload.
    Wlan,
    /// An IEEE 802.11 data frame that is encrypted.
    WlanEncrypted,
    /// An IP protocol that is not TCP, UDP or ICMP: routing protocols, IGMP, encrypted tunnels…
    IpProtocol(u8),
    /// A link type that is not decoded. Never guessed.
    LinkType(LinkType),
    /// A link type that is not decoded, beyond those that are told apart.
    OtherLinkType,
    /// Decoding ended in this layer.
    Stopped(Layer),
    /// A checksum that does not hold, where checksums are verified: not metered.
    BadChecksum,
    /// Another copy of a packet, where copies are left out: not metered.
    Duplicate,
    /// Kept out by the filter that the user gave: neither decoded nor metered.
    Filtered,
}

impl Fate {
    /// Whether the frame is counted in a flow record.
    #[must_use]
    pub fn is_metered(self) -> bool {
        matches!(self, Self::Tcp | Self::Udp | Self::Fragment)
    }

    /// Name as printed and stored, stable.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Tcp => "tcp".into(),
            Self::Udp => "udp".into(),
            Self::Fragment => "ip-fragment".into(),
            Self::OrphanFragment => "ip-fragment-orphan".into(),
            Self::IcmpError => "icmp-error".into(),
            Self::Icmp => "icmp".into(),
            Self::Arp => "arp".into(),
            Self::EtherType(number) => match ether_type_name(number) {
                Some(name) => format!("ethertype-{name}"),
                None => format!("ethertype-0x{number:04x}"),
            },
            Self::LoopbackFamily(family) => format!("loopback-family-{family}"),
            Self::Llc => "llc".into(),
            Self::Ppp(number) => match ppp_name(number) {
                Some(name) => format!("ppp-{name}"),
                None => format!("ppp-0x{number:04x}"),
            },
            Self::Wlan => "wlan-no-data".into(),
            Self::WlanEncrypted => "wlan-encrypted".into(),
            Self::BadChecksum => "bad-checksum".into(),
            Self::Duplicate => "duplicate".into(),
            Self::IpProtocol(number) => match ip_protocol_name(number) {
                Some(name) => format!("ip-{name}"),
                None => format!("ip-protocol-{number}"),
            },
            Self::LinkType(link) => match link.name() {
                Some(name) => format!("linktype-{}-{}", link.0, name.to_ascii_lowercase()),
                None => format!("linktype-{}", link.0),
            },
            Self::OtherLinkType => "linktype-other".into(),
            Self::Stopped(layer) => format!("malformed-or-cut-{}", layer.name()),
            Self::Filtered => "filtered".into(),
        }
    }
}

fn ether_type_name(number: u16) -> Option<&'static str> {
    Some(match number {
        0x6000..=0x6009 => "dec",
        0x8137 => "ipx",
        0x8847 | 0x8848 => "mpls",
        0x8863 => "pppoe-discovery",
        0x8864 => "pppoe",
        0x886d => "intel-teaming",
        0x888e => "eapol",
        0x8892 => "profinet",
        0x88a4 => "ethercat",
        0x88b8 => "goose",
        0x88ba => "sampled-values",
        0x88cc => "lldp",
        0x88e1 => "homeplug",
        0x88e3 => "mrp",
        0x88e5 => "macsec",
        0x88f7 => "ptp",
        0x88fb => "prp",
        0x9000 => "loopback",
        _ => return None,
    })
}

fn ppp_name(number: u16) -> Option<&'static str> {
    Some(match number {
        0x002d | 0x002f => "compressed-tcp",
        0x003d => "multilink",
        0x00fd => "compressed",
        0x8021 => "ipcp",
        0x8057 => "ipv6cp",
        0x80fd => "ccp",
        0xc021 => "lcp",
        0xc023 => "pap",
        0xc025 => "link-quality",
        0xc223 => "chap",
        _ => return None,
    })
}

fn ip_protocol_name(number: u8) -> Option<&'static str> {
    Some(match number {
        2 => "igmp",
        4 => "ipip",
        41 => "ipv6-in-ip",
        47 => "gre",
        50 => "esp",
        51 => "ah",
        59 => "no-next-header",
        88 => "eigrp",
        89 => "ospf",
        103 => "pim",
        112 => "vrrp",
        115 => "l2tp",
        132 => "sctp",
        136 => "udp-lite",
        _ => return None,
    })
}

/// Link types not decoded that are told apart in one capture file.
const LINK_TYPES: usize = 64;

/// Frames by fate, for one capture file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    tcp: u64,
    udp: u64,
    rare: BTreeMap<Fate, u64>,
}

impl Tally {
    /// Counts one frame.
    pub fn count(&mut self, fate: Fate) {
        match self.bounded(fate) {
            Fate::Tcp => self.tcp += 1,
            Fate::Udp => self.udp += 1,
            // Bounded by the number spaces of Ethernet types and IP protocols, and for address families here.
            Fate::LoopbackFamily(_) if self.rare.len() > 100_000 => {
                *self.rare.entry(Fate::LoopbackFamily(u32::MAX)).or_insert(0) += 1;
            }
            rare => *self.rare.entry(rare).or_insert(0) += 1,
        }
    }

    /// Link types beyond the first few are one fate: an interface costs nothing to describe.
    fn bounded(&self, fate: Fate) -> Fate {
        let Fate::LinkType(_) = fate else { return fate };
        let is_new = !self.rare.contains_key(&fate);
        let all = Fate::LinkType(LinkType(0))..=Fate::LinkType(LinkType(u16::MAX));
        if is_new && self.rare.range(all).count() >= LINK_TYPES { Fate::OtherLinkType } else { fate }
    }

    /// Changes the fate of one frame that was counted before.
    pub fn change(&mut self, from: Fate, to: Fate) {
        if let Some(count) = self.rare.get_mut(&from).filter(|count| **count > 0) {
            *count -= 1;
            if *count == 0 {
                self.rare.remove(&from);
            }
            self.count(to);
        }
    }

    /// Counts `frames` frames of one fate.
    pub fn add(&mut self, fate: Fate, frames: u64) {
        match self.bounded(fate) {
            _ if frames == 0 => {}
            Fate::Tcp => self.tcp += frames,
            Fate::Udp => self.udp += frames,
            rare => *self.rare.entry(rare).or_insert(0) += frames,
        }
    }

    /// All fates that occurred, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (Fate, u64)> + '_ {
        [(Fate::Tcp, self.tcp), (Fate::Udp, self.udp)]
            .into_iter()
            .filter(|(_, n)| *n > 0)
            .chain(self.rare.iter().map(|(fate, n)| (*fate, *n)))
    }

    /// Frames read.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.iter().map(|(_, n)| n).sum()
    }

    /// Frames that are counted in flow records.
    #[must_use]
    pub fn metered(&self) -> u64 {
        self.iter().filter(|(fate, _)| fate.is_metered()).map(|(_, n)| n).sum()
    }

    /// Frames whose decoding ended early or whose link type is unknown.
    #[must_use]
    pub fn undecoded(&self) -> u64 {
        self.iter()
            .filter(|(f, _)| matches!(f, Fate::Stopped(_) | Fate::LinkType(_) | Fate::OtherLinkType))
            .map(|(_, n)| n)
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_of_link_types_are_few_fates() {
        let (mut counted, mut added) = (Tally::default(), Tally::default());
        for number in 1_000..3_000 {
            counted.count(Fate::LinkType(LinkType(number)));
            added.add(Fate::LinkType(LinkType(number)), 1);
        }
        counted.count(Fate::LinkType(LinkType(1_000)));
        added.add(Fate::LinkType(LinkType(1_000)), 1);
        assert_eq!((counted.iter().count(), counted.undecoded()), (65, 2_001));
        assert_eq!(counted.iter().last(), Some((Fate::OtherLinkType, 2_000 - 64)));
        assert_eq!(counted, added);
    }
}

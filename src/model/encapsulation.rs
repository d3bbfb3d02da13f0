//! What is wrapped around a conversation: VLAN tags, tunnels, and IP headers around its own.

/// Something between the link and the innermost IP header that carries one in the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Tunnel {
    /// MPLS label stack (RFC 3032), in frames or in UDP (RFC 7510).
    Mpls = 1,
    /// PPP over Ethernet (RFC 2516).
    Pppoe,
    /// Provider backbone bridge (IEEE 802.1ah).
    Pbb,
    /// TRILL (RFC 6325).
    Trill,
    /// Cisco FabricPath.
    FabricPath,
    /// Generic Routing Encapsulation (RFC 2784, RFC 2890; version 1: RFC 2637).
    Gre,
    /// Encapsulated Remote SPAN: mirrored frames in GRE.
    Erspan,
    /// IPv4 or IPv6 directly in IPv4 or IPv6 (RFC 2003, RFC 2473, RFC 4213).
    IpInIp,
    /// Ethernet in IP (RFC 3378).
    EtherIp,
    /// VXLAN (RFC 7348), VXLAN-GPE.
    Vxlan,
    /// Geneve (RFC 8926).
    Geneve,
    /// GTP-U version 1 (3GPP TS 29.281).
    GtpU,
    /// L2TP version 2 (RFC 2661).
    L2tp,
    /// Teredo (RFC 4380).
    Teredo,
    /// AYIYA (draft-massar-v6ops-ayiya).
    Ayiya,
    /// TaZmen sniffer protocol: mirrored frames in UDP.
    Tzsp,
    /// CAPWAP data (RFC 5415): frames of wireless clients on their way to a controller.
    Capwap,
}

impl Tunnel {
    pub(super) const ALL: [Self; 17] = [
        Self::Mpls,
        Self::Pppoe,
        Self::Pbb,
        Self::Trill,
        Self::FabricPath,
        Self::Gre,
        Self::Erspan,
        Self::IpInIp,
        Self::EtherIp,
        Self::Vxlan,
        Self::Geneve,
        Self::GtpU,
        Self::L2tp,
        Self::Teredo,
        Self::Ayiya,
        Self::Tzsp,
        Self::Capwap,
    ];

    /// Name as stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mpls => "mpls",
            Self::Pppoe => "pppoe",
            Self::Pbb => "pbb",
            Self::Trill => "trill",
            Self::FabricPath => "fabricpath",
            Self::Gre => "gre",
            Self::Erspan => "erspan",
            Self::IpInIp => "ip-in-ip",
            Self::EtherIp => "etherip",
            Self::Vxlan => "vxlan",
            Self::Geneve => "geneve",
            Self::GtpU => "gtp-u",
            Self::L2tp => "l2tp",
            Self::Teredo => "teredo",
            Self::Ayiya => "ayiya",
            Self::Tzsp => "tzsp",
            Self::Capwap => "capwap",
        }
    }

    /// The tunnel of a stored name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tunnel| tunnel.name() == name)
    }
}

/// Tunnels that are named.
const MOST_NAMED: usize = 7;

/// The tunnels around a conversation, outermost first: the first seven. In eight bytes, the last of them 0, because these are
/// moved with every packet, as one word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tunnels([u8; MOST_NAMED + 1]);

impl Tunnels {
    /// Adds one inside those that are there; what lies deeper than seven is not named.
    pub fn push(&mut self, tunnel: Tunnel) {
        if let Some(free) = self.0[..MOST_NAMED].iter_mut().find(|code| **code == 0) {
            *free = tunnel as u8;
        }
    }

    /// From the outermost in.
    pub fn iter(self) -> impl Iterator<Item = Tunnel> {
        self.0.into_iter().filter_map(|code| Tunnel::ALL.into_iter().find(|tunnel| *tunnel as u8 == code))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0[0] == 0
    }

    /// All of them in one number, 0 where there is none.
    pub(super) fn code(self) -> u64 {
        u64::from_le_bytes(self.0)
    }

    /// The inverse of [`Self::code`].
    pub(super) fn of_code(code: u64) -> Self {
        Self(code.to_le_bytes())
    }
}

impl std::fmt::Display for Tunnels {
    /// Names joined by slashes, outermost first: `gre/erspan`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, tunnel) in self.iter().enumerate() {
            f.write_str(if i == 0 { "" } else { "/" })?;
            f.write_str(tunnel.name())?;
        }
        Ok(())
    }
}

impl std::str::FromStr for Tunnels {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut tunnels = Self::default();
        for name in text.split('/') {
            tunnels.push(Tunnel::named(name).ok_or(())?);
        }
        Ok(tunnels)
    }
}

/// What was wrapped around a conversation in one frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Encapsulation {
    /// Innermost 802.1Q VLAN identifier.
    pub vlan: Option<u16>,
    /// Outermost one, where there are several tags.
    pub outer_vlan: Option<u16>,
    /// Tunnels, outermost first.
    pub tunnels: Tunnels,
    /// Identifier within the innermost tunnel that has one: VXLAN and Geneve network identifier, GRE key, GTP-U tunnel
    /// endpoint, L2TP and PPPoE session, ERSPAN session, MPLS label.
    pub tunnel_id: Option<u32>,
    /// IP headers around the conversation's own.
    pub depth: u8,
}

impl Encapsulation {
    /// At most one VLAN tag, and so many IP headers of which nothing more is said: that of nearly all frames.
    #[must_use]
    pub fn tagged(vlan: Option<u16>, depth: u8) -> Self {
        Self { vlan, depth, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tunnels_are_named_in_order_and_read_back() {
        let mut tunnels = Tunnels::default();
        assert!(tunnels.is_empty());
        for tunnel in Tunnel::ALL {
            tunnels.push(tunnel);
        }
        let text = tunnels.to_string();
        assert_eq!(text, "mpls/pppoe/pbb/trill/fabricpath/gre/erspan");
        assert_eq!(text.parse(), Ok(tunnels));
        assert!("gre/nonsense".parse::<Tunnels>().is_err());
    }
}

//! Protocol towers (C706 appendix L): interface, transport and port in floors. Their lengths are little-endian whoever sends
//! them; ports and addresses are big-endian.

use super::ndr::{Interface, Uuid};
use crate::application::reader::{array, be16, le16, slice};
use crate::model::Transport;
use std::net::Ipv4Addr;

/// Floors that are read; implementations reject more than six (MS-RPCE section 3.1.3.5.3).
const MOST_FLOORS: u16 = 8;
/// Identifiers of floors (C706 appendix I).
const TCP: u8 = 0x07;
const UDP: u8 = 0x08;
const IP: u8 = 0x09;
const UUID: u8 = 0x0d;
const HTTP: u8 = 0x1f;
/// From the interface's UUID to the port's floor in a tower of five floors.
const UUID_BEFORE_PORT: usize = 54;

/// What a tower says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tower {
    pub(super) interface: Option<Interface>,
    /// Transport and port; the port is 0 where a client asks.
    pub(super) port: Option<(Transport, u16)>,
    pub(super) host: Option<Ipv4Addr>,
}

impl Tower {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let floors = le16(bytes, 0).filter(|floors| (1..=MOST_FLOORS).contains(floors))?;
        let mut tower = Self::default();
        let mut at = 2;
        for floor in 0..floors {
            let left = part(bytes, &mut at)?;
            let right = part(bytes, &mut at)?;
            let (id, data) = left.split_first()?;
            match *id {
                UUID if floor == 0 => tower.interface = interface(data, right),
                TCP | HTTP => tower.port = be16(right, 0).map(|port| (Transport::Tcp, port)),
                UDP => tower.port = be16(right, 0).map(|port| (Transport::Udp, port)),
                IP => tower.host = array::<4>(right, 0).map(Ipv4Addr::from),
                _ => {}
            }
        }
        Some(tower)
    }
}

/// One side of a floor.
fn part<'a>(bytes: &'a [u8], at: &mut usize) -> Option<&'a [u8]> {
    let length = usize::from(le16(bytes, *at)?);
    let part = slice(bytes, *at + 2, length)?;
    *at += 2 + length;
    Some(part)
}

fn interface(data: &[u8], right: &[u8]) -> Option<Interface> {
    let minor = le16(right, 0).unwrap_or_default();
    Some(Interface { uuid: Uuid::read(data, 0, true)?, major: le16(data, 16)?, minor })
}

/// The interface of the first tower in bytes that lack their end: its first floor is enough.
pub(super) fn first_interface(bytes: &[u8]) -> Option<Interface> {
    let begin = bytes.windows(3).position(|floor| *floor == [19, 0, UUID])? + 3;
    interface(bytes.get(begin..)?, slice(bytes, begin + 20, 2)?)
}

/// Towers with a port that are found by their signature, in bytes that could not be read from their beginning: the floor of
/// the port, that of the address behind it, and the interface's UUID before them.
pub(super) fn scan(bytes: &[u8]) -> Vec<Tower> {
    let mut found = Vec::new();
    for at in UUID_BEFORE_PORT + 3..bytes.len() {
        let Some(floor) = array::<12>(bytes, at) else { break };
        let [1, 0, id, 2, 0, high, low, 1, 0, IP, 4, 0] = floor else { continue };
        let transport = match id {
            TCP | HTTP => Transport::Tcp,
            UDP => Transport::Udp,
            _ => continue,
        };
        let begin = at - UUID_BEFORE_PORT;
        let Some([19, 0, UUID]) = array::<3>(bytes, begin - 3) else { continue };
        let minor = slice(bytes, begin + 20, 2).unwrap_or_default();
        found.push(Tower {
            interface: bytes.get(begin..).and_then(|data| interface(data, minor)),
            port: Some((transport, u16::from_be_bytes([high, low]))),
            host: array::<4>(bytes, at + 12).map(Ipv4Addr::from),
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::dcerpc::samples;

    #[test]
    fn a_tower_names_interface_port_and_address() {
        let bytes = samples::tower(samples::SVCCTL, 2, 49701, [10, 0, 0, 5]);
        assert_eq!(bytes.len(), 75);
        let tower = Tower::read(&bytes).unwrap();
        let interface = tower.interface.unwrap();
        assert_eq!(interface.uuid.to_string(), "367abb81-9844-35f1-ad32-98f038001003");
        assert_eq!((interface.version().as_str(), tower.port), ("2.0", Some((Transport::Tcp, 49701))));
        assert_eq!(tower.host, Some(Ipv4Addr::new(10, 0, 0, 5)));
        // The same is found without its beginning, and whatever stands before it.
        let mut within = vec![0xff; 61];
        within.extend(&bytes);
        assert_eq!(scan(&within), [tower]);
        assert_eq!(scan(&bytes[..70]).len(), 0);
        assert_eq!((first_interface(&bytes[..27]), first_interface(&bytes[..26])), (tower.interface, None));
        assert_eq!(scan(&bytes[..71])[0].host, None);
    }

    #[test]
    fn a_tower_that_lacks_bytes_is_none() {
        let bytes = samples::tower(samples::SVCCTL, 2, 49701, [10, 0, 0, 5]);
        for end in 0..bytes.len() {
            assert_eq!(Tower::read(&bytes[..end]), None);
        }
        assert_eq!(Tower::read(&[0xff; 100]), None);
    }
}

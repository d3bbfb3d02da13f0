//! Port numbers as documents write them: one number, a range, a list of both.

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;

/// One port, or a range with both ends included. Port 0 is not a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortRange {
    first: u16,
    last: u16,
}

impl PortRange {
    /// Stands in a statement until its ports are known.
    pub(super) const PENDING: Self = Self { first: 1, last: 1 };

    /// One port. The caller knows that it is one: port 0 is not.
    pub(super) fn of(port: u16) -> Self {
        Self { first: port, last: port }
    }

    /// A range; an error says why these two are none.
    pub fn new(first: u16, last: u16) -> Result<Self, String> {
        if first == 0 {
            return Err("0 is not a port: ports are 1 to 65535".to_owned());
        }
        if last < first {
            return Err(format!("the range {first}-{last} ends before it begins: write {last}-{first}"));
        }
        Ok(Self { first, last })
    }

    /// The range between two ports that are known, whichever is lower. Port 0 counts as 1.
    #[must_use]
    pub fn spanning(one: u16, other: u16) -> Self {
        Self { first: one.min(other).max(1), last: one.max(other).max(1) }
    }

    /// Lowest port.
    #[must_use]
    pub fn first(self) -> u16 {
        self.first
    }

    /// Highest port, included.
    #[must_use]
    pub fn last(self) -> u16 {
        self.last
    }

    /// Whether the port lies in it.
    #[must_use]
    pub fn contains(self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }

    /// How many ports it has.
    #[must_use]
    pub fn count(self) -> u32 {
        u32::from(self.last) - u32::from(self.first) + 1
    }

    /// All its ports, ascending.
    #[must_use]
    pub fn as_inclusive(self) -> std::ops::RangeInclusive<u16> {
        self.first..=self.last
    }

    fn from_number(number: i64) -> Result<Self, String> {
        let port = u16::try_from(number).map_err(|_| format!("{number} is not a port: ports are 1 to 65535"))?;
        Self::new(port, port)
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last { write!(f, "{}", self.first) } else { write!(f, "{}-{}", self.first, self.last) }
    }
}

impl std::str::FromStr for PortRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |part: &str| {
            part.trim().parse::<i64>().map_err(|_| format!("{text:?} is not a port or a range such as \"27000-27009\""))
        };
        match text.split_once('-') {
            None => Self::from_number(number(text)?),
            Some((first, last)) => {
                let (first, last) = (Self::from_number(number(first)?)?, Self::from_number(number(last)?)?);
                Self::new(first.first, last.first)
            }
        }
    }
}

/// Takes `7700` and `"27000-27009"`.
struct RangeVisitor;

impl Visitor<'_> for RangeVisitor {
    type Value = PortRange;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a port such as 7700 or a range such as \"27000-27009\"")
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<PortRange, E> {
        PortRange::from_number(number).map_err(E::custom)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<PortRange, E> {
        text.parse().map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for PortRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RangeVisitor)
    }
}

/// Entries of one list of ports.
const MOST_LISTED: usize = 1000;

/// Takes what [`PortRange`] takes, or a list of it.
#[derive(Debug, Clone, Default)]
pub(super) struct PortList(pub(super) Vec<PortRange>);

impl<'de> Deserialize<'de> for PortList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor;
        impl<'de> Visitor<'de> for ListVisitor {
            type Value = PortList;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a port, a range such as \"27000-27009\", or a list of them")
            }

            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<PortList, E> {
                RangeVisitor.visit_i64(number).map(|range| PortList(vec![range]))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<PortList, E> {
                RangeVisitor.visit_str(text).map(|range| PortList(vec![range]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<PortList, A::Error> {
                let mut ranges = Vec::new();
                while let Some(range) = seq.next_element::<PortRange>()? {
                    if ranges.len() == MOST_LISTED {
                        return Err(A::Error::custom(format!(
                            "the list has more than {MOST_LISTED} entries: write ranges"
                        )));
                    }
                    if ranges.contains(&range) {
                        return Err(A::Error::custom(format!("{range} is listed twice")));
                    }
                    ranges.push(range);
                }
                if ranges.is_empty() {
                    return Err(A::Error::custom("the list of ports is empty"));
                }
                Ok(PortList(ranges))
            }
        }
        deserializer.deserialize_any(ListVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_ports_and_ranges() {
        assert_eq!("7700".parse::<PortRange>().map(|r| (r.first(), r.last(), r.count())), Ok((7700, 7700, 1)));
        assert_eq!(" 27000 - 27009 ".parse::<PortRange>().map(|r| r.to_string()), Ok("27000-27009".to_owned()));
        assert_eq!("1-65535".parse::<PortRange>().map(PortRange::count), Ok(65535));
    }

    #[test]
    fn spans_known_ports_in_either_order() {
        assert_eq!(PortRange::new(3, 9), Ok(PortRange::spanning(9, 3)));
        assert_eq!(PortRange::new(1, 1), Ok(PortRange::spanning(0, 0)));
    }

    #[test]
    fn says_why_it_is_none() {
        for (text, part) in [
            ("0", "0 is not a port"),
            ("65536", "65536 is not a port"),
            ("9-3", "ends before it begins"),
            ("-5", "not a port or a range"),
            ("http", "not a port or a range"),
            ("1-2-3", "not a port or a range"),
        ] {
            let error = text.parse::<PortRange>().err().unwrap_or_default();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}

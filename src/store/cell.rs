//! What a fact says in one column, before it is packed.

use crate::model::{Kind, Value};
use std::net::IpAddr;

/// One cell. It borrows from the fact: nothing is allocated to hand it over.
pub(super) enum Cell<'a> {
    /// Not known or not applicable.
    Null,
    /// Text of the program, of which there are few.
    Name(&'static str),
    /// Text.
    Text(&'a str),
    /// Text that had to be put together.
    Joined(String),
    /// The text of an address.
    Address(IpAddr),
    /// A number that is not negative.
    Unsigned(u64),
    /// A number with a fraction.
    Real(f64),
    /// Yes or no.
    Flag(bool),
    /// Nanoseconds since 1970-01-01 UTC.
    TimeNs(i64),
}

impl Cell<'_> {
    /// The cell as a column of this kind holds it, texts apart; `None`: it has nothing of that kind.
    #[inline]
    pub(super) fn bits(self, kind: Kind) -> Option<u64> {
        match (kind, self) {
            (Kind::Unsigned, Self::Unsigned(number)) => Some(number),
            (Kind::TimeNs, Self::TimeNs(ns)) => Some(ns.cast_unsigned()),
            (Kind::Flag, Self::Flag(flag)) => Some(flag.into()),
            (Kind::Real, Self::Real(real)) => Some(real.to_bits()),
            _ => None,
        }
    }
}

impl<'a> From<&'a Value> for Cell<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Text(text) => Self::Text(text),
            Value::Unsigned(number) => Self::Unsigned(*number),
            Value::Real(number) => Self::Real(*number),
            Value::Flag(flag) => Self::Flag(*flag),
            Value::TimeNs(ns) => Self::TimeNs(*ns),
        }
    }
}

macro_rules! cells {
    ($($type:ty: $value:pat => $cell:expr;)*) => {$(
        impl<'a> From<$type> for Cell<'a> {
            fn from($value: $type) -> Self {
                $cell
            }
        }
    )*};
}

cells! {
    &'a str: text => Self::Text(text);
    String: text => Self::Joined(text);
    IpAddr: address => Self::Address(address);
    u64: number => Self::Unsigned(number);
    u32: number => Self::Unsigned(number.into());
    u16: number => Self::Unsigned(number.into());
    u8: number => Self::Unsigned(number.into());
    bool: flag => Self::Flag(flag);
}

impl<'a, T: Into<Cell<'a>>> From<Option<T>> for Cell<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

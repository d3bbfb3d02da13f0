//! One cell of a table on its way to whatever it is written to.

use super::table::{Kind, Value};
use std::borrow::Cow;
use std::net::IpAddr;

/// One cell of a row that is written and forgotten: a [`Value`] that owns no text where it need not.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// Not known or not applicable.
    Null,
    /// For [`Kind::Text`]: text of the program, of which there are few.
    Name(&'static str),
    /// For [`Kind::Text`].
    Text(Cow<'a, str>),
    /// For [`Kind::Text`]: an address, which is text once it is written.
    Address(IpAddr),
    /// For [`Kind::Unsigned`].
    Unsigned(u64),
    /// For [`Kind::Real`]; finite.
    Real(f64),
    /// For [`Kind::Flag`].
    Flag(bool),
    /// For [`Kind::TimeNs`].
    TimeNs(i64),
}

impl Cell<'_> {
    /// The cell as 64 bits that a column of this kind holds, texts apart; `None`: it has nothing of that kind.
    #[inline]
    #[must_use]
    pub fn bits(&self, kind: Kind) -> Option<u64> {
        match (kind, self) {
            (Kind::Unsigned, Self::Unsigned(number)) => Some(*number),
            (Kind::TimeNs, Self::TimeNs(ns)) => Some(ns.cast_unsigned()),
            (Kind::Flag, Self::Flag(flag)) => Some((*flag).into()),
            (Kind::Real, Self::Real(real)) => Some(real.to_bits()),
            _ => None,
        }
    }
}

impl<'a> From<&'a Value> for Cell<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Text(text) => Self::Text(Cow::Borrowed(text)),
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
    &'a str: text => Self::Text(Cow::Borrowed(text));
    String: text => Self::Text(Cow::Owned(text));
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

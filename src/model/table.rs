//! A table of results, independent of the format that it is written in.

use std::borrow::Cow;
use std::net::IpAddr;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 text; may come from a capture, hence hostile: every writer escapes it for its own format.
    Text,
    /// Non-negative whole number.
    Unsigned,
    /// Number with a fraction.
    Real,
    /// Yes or no.
    Flag,
    /// Nanoseconds since 1970-01-01 UTC.
    TimeNs,
}

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Not known or not applicable.
    Null,
    /// For [`Kind::Text`].
    Text(String),
    /// For [`Kind::Unsigned`].
    Unsigned(u64),
    /// For [`Kind::Real`]; finite.
    Real(f64),
    /// For [`Kind::Flag`].
    Flag(bool),
    /// For [`Kind::TimeNs`].
    TimeNs(i64),
}

/// One column: name, kind and what it means (with its unit).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// snake_case, unit last.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// One line: meaning, unit, source.
    pub meaning: &'static str,
}

/// A named table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// File stem, e.g. `listeners`.
    pub name: &'static str,
    /// Columns in order.
    pub columns: Vec<Column>,
    /// Rows; each has one value per column.
    pub rows: Vec<Vec<Value>>,
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Unsigned(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Unsigned(number.into())
    }
}

impl From<u16> for Value {
    fn from(number: u16) -> Self {
        Self::Unsigned(number.into())
    }
}

/// What is no number is not known.
impl From<f64> for Value {
    fn from(number: f64) -> Self {
        if number.is_finite() { Self::Real(number) } else { Self::Null }
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl Value {
    /// The same, borrowed.
    #[must_use]
    pub fn cell(&self) -> Cell<'_> {
        match self {
            Self::Null => Cell::Null,
            Self::Text(text) => Cell::Text(Cow::Borrowed(text)),
            Self::Unsigned(number) => Cell::Unsigned(*number),
            Self::Real(number) => Cell::Real(*number),
            Self::Flag(flag) => Cell::Flag(*flag),
            Self::TimeNs(ns) => Cell::TimeNs(*ns),
        }
    }
}

/// One cell of a row that is written and forgotten: a [`Value`] that owns no text where it need not.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// Not known or not applicable.
    Null,
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

impl From<Cell<'_>> for Value {
    fn from(cell: Cell<'_>) -> Self {
        match cell {
            Cell::Null => Self::Null,
            Cell::Text(text) => Self::Text(text.into_owned()),
            Cell::Address(ip) => Self::Text(ip.to_string()),
            Cell::Unsigned(number) => Self::Unsigned(number),
            Cell::Real(number) => Self::Real(number),
            Cell::Flag(flag) => Self::Flag(flag),
            Cell::TimeNs(ns) => Self::TimeNs(ns),
        }
    }
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Cell<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<IpAddr> for Cell<'_> {
    fn from(ip: IpAddr) -> Self {
        Self::Address(ip)
    }
}

impl From<u64> for Cell<'_> {
    fn from(number: u64) -> Self {
        Self::Unsigned(number)
    }
}

impl From<u32> for Cell<'_> {
    fn from(number: u32) -> Self {
        Self::Unsigned(number.into())
    }
}

impl From<u16> for Cell<'_> {
    fn from(number: u16) -> Self {
        Self::Unsigned(number.into())
    }
}

impl From<bool> for Cell<'_> {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl<'a, T: Into<Cell<'a>>> From<Option<T>> for Cell<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

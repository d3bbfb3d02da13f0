//! A table of results, independent of the format that it is written in.

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

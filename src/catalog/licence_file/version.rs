//! Versions of IBM's License Key Server.

use std::fmt;
use std::str::FromStr;

/// A version such as 8.1.4, compared number by number; 8.0 and 8.0.0 are equal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LksVersion(Vec<u16>);

/// Numbers that a version may have.
const MOST_NUMBERS: usize = 6;

impl LksVersion {
    /// 8.0: the last version that needs the vendor daemon `rational`.
    pub(super) fn last_with_rational() -> Self {
        Self(vec![8])
    }

    /// 8.1.2: the first version that calls it obsolete.
    pub(super) fn first_without_rational() -> Self {
        Self(vec![8, 1, 2])
    }
}

impl FromStr for LksVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |part: &str| part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok()).flatten();
        let numbers: Option<Vec<u16>> = text.split('.').map(number).collect();
        let mut numbers = numbers
            .filter(|numbers| numbers.len() <= MOST_NUMBERS)
            .ok_or_else(|| "a version such as 8.0 or 8.1.4".to_owned())?;
        while numbers.last() == Some(&0) {
            numbers.pop();
        }
        Ok(Self(numbers))
    }
}

impl fmt::Display for LksVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |at: usize| self.0.get(at).copied().unwrap_or_default();
        write!(f, "{}.{}", number(0), number(1))?;
        self.0.iter().skip(2).try_for_each(|number| write!(f, ".{number}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> LksVersion {
        text.parse().unwrap()
    }

    #[test]
    fn versions_compare_number_by_number() {
        assert_eq!(version("8.0"), version("8"));
        assert_eq!(version("8.0.0.0"), LksVersion::last_with_rational());
        assert!(version("7.1.1") < version("8.0") && version("8.0") < version("8.0.0.1"));
        assert!(version("8.1.2") < version("8.1.10") && version("8.1.2") == LksVersion::first_without_rational());
        assert_eq!((version("8").to_string(), version("8.1.2").to_string()), ("8.0".into(), "8.1.2".into()));
        assert_eq!(version("8.0.0.3").to_string(), "8.0.0.3");
    }

    #[test]
    fn other_texts_are_no_versions() {
        for text in ["", ".", "8.", "v8", "8.x", "+8", "8,1", "8.99999", "1.2.3.4.5.6.7", " 8"] {
            assert!(text.parse::<LksVersion>().is_err(), "{text:?}");
        }
    }
}

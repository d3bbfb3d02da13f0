//! Times of host tables, to ns since 1970-01-01 UTC. Most are local times of the host, and dates are written as its country
//! does: what can be meant in two ways is left out and said, never guessed.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use std::str::FromStr;

/// What is told where local times cannot be used.
pub(super) const LOCAL_TIMES: &str = "its times are local ones: they stay unknown without the host's time zone (--host-time-zone Europe/Vienna, or +01:00)";

/// The time zone of a host: a name of the IANA database that is compiled in, or a fixed offset from UTC.
#[derive(Debug, Clone)]
pub struct HostTimeZone(TimeZone);

impl HostTimeZone {
    /// A local time in UTC; `None` where clocks were changed and it happened twice, or never.
    pub(super) fn ns(&self, civil: DateTime) -> Option<i64> {
        ns(self.0.to_ambiguous_timestamp(civil).unambiguous().ok()?)
    }
}

impl FromStr for HostTimeZone {
    type Err = String;

    /// Reads `Europe/Vienna`, `UTC`, `+01:00`, `-0330`.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(offset) = offset(text) {
            return Ok(Self(TimeZone::fixed(offset)));
        }
        let zone = TimeZoneDatabase::bundled().get(text);
        zone.map(Self).map_err(|_| {
            format!("\"{}\" is no time zone: write Europe/Vienna, or the offset +01:00", text.escape_debug())
        })
    }
}

/// `+01:00`, `+0100`, `-3`.
fn offset(text: &str) -> Option<Offset> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match rest.split_once(':') {
        Some(parts) => parts,
        None => rest.split_at_checked(2).filter(|_| rest.len() == 4).unwrap_or((rest, "0")),
    };
    let number = |digits: &str| digits.parse::<i32>().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit()));
    let (hours, minutes) = number(hours).zip(number(minutes)).filter(|(h, m)| *h <= 14 && *m < 60)?;
    Offset::from_seconds(sign * (hours * 3_600 + minutes * 60)).ok()
}

fn ns(at: Timestamp) -> Option<i64> {
    i64::try_from(at.as_nanosecond()).ok()
}

/// A time that says its offset: `2026-03-02T08:00:00Z`, `…+01:00`.
pub(super) fn with_offset(text: &str) -> Option<i64> {
    ns(text.trim().parse::<Timestamp>().ok()?)
}

/// `2026-03-02T08:00:00`, also with a space and fractions of a second. No offset: whose time it is the caller knows.
pub(super) fn iso_civil(text: &str) -> Option<DateTime> {
    text.trim().parse().ok()
}

/// A time of UTC.
pub(super) fn utc_ns(civil: DateTime) -> Option<i64> {
    ns(TimeZone::UTC.to_ambiguous_timestamp(civil).unambiguous().ok()?)
}

/// Which of two numbers is the day, where the year comes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DayOrder {
    DayFirst,
    MonthFirst,
}

/// A local date and time as a country writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written {
    /// Numbers of the date in their order; the year is the first or the last.
    numbers: [i16; 3],
    /// The separator tells that the day comes first (`2.3.2026`).
    has_dots: bool,
    /// Hour, minute, second.
    at: [i8; 3],
}

impl Written {
    /// Reads `3/2/2026 8:00:00 AM`, `02.03.2026 08:00:00`, `02/03/2026 08:00:00`, `2026/03/02 8:00:00`; `None` where it is none.
    pub(super) fn read(text: &str) -> Option<Self> {
        // `2026-03-02T08:00:00`. Newer systems put a narrow no-break space before AM.
        let is_break = |c: char| c.is_whitespace() || matches!(c, '\u{202f}' | 'T');
        let words: Vec<&str> = text.split(is_break).filter(|w| !w.is_empty()).collect();
        let (date, at, half) = match words.as_slice() {
            [date, at] => (date, at, None),
            [date, at, half] => (date, at, Some(half.to_ascii_uppercase().replace('.', ""))),
            _ => return None,
        };
        let has_dots = date.contains('.');
        let numbers: Vec<i16> =
            date.trim_end_matches('.').split(['/', '.', '-']).map(|n| n.parse().ok()).collect::<Option<_>>()?;
        let clock: Vec<i8> = at.split('.').next()?.split(':').map(|n| n.parse().ok()).collect::<Option<_>>()?;
        let ([a, b, c], [hour, minute, second]) =
            (<[i16; 3]>::try_from(numbers).ok()?, <[i8; 3]>::try_from(clock).ok()?);
        let hour = match half.as_deref() {
            None => hour,
            Some("AM") if (1..=12).contains(&hour) => hour % 12,
            Some("PM") if (1..=12).contains(&hour) => hour % 12 + 12,
            Some(_) => return None,
        };
        Some(Self { numbers: [a, b, c], has_dots, at: [hour, minute, second] })
    }

    /// What the numbers say about the order of day and month; `None` where both could be meant, or the order is certain anyway.
    pub(super) fn order(&self) -> Option<DayOrder> {
        match self.numbers {
            [first, second, year] if year >= 1000 && !self.has_dots => match (first > 12, second > 12) {
                (true, false) => Some(DayOrder::DayFirst),
                (false, true) => Some(DayOrder::MonthFirst),
                _ => None,
            },
            _ => None,
        }
    }

    /// Date and time; `None` where the calendar has none such, or the order of day and month is not known and matters.
    pub(super) fn civil(&self, order: Option<DayOrder>) -> Option<DateTime> {
        let [a, b, c] = self.numbers;
        let (year, month, day) = match order {
            _ if a >= 1000 => (a, b, c),
            _ if self.has_dots || a == b => (c, b, a),
            Some(DayOrder::DayFirst) => (c, b, a),
            Some(DayOrder::MonthFirst) => (c, a, b),
            None => return None,
        };
        let [hour, minute, second] = self.at;
        let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
        if year < 1000 {
            return None;
        }
        DateTime::new(year, month, day, hour, minute, second, 0).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn civil(text: &str, order: Option<DayOrder>) -> Option<String> {
        Written::read(text)?.civil(order).map(|civil| civil.to_string())
    }

    #[test]
    fn dates_are_read_as_countries_write_them() {
        let march = Some("2026-03-02T08:00:00".to_owned());
        assert_eq!(civil("02.03.2026 08:00:00", None), march);
        assert_eq!(civil("2.3.2026 8:00:00", None), march);
        assert_eq!(civil("2026/03/02 8:00:00", None), march);
        assert_eq!(civil("2026-03-02T08:00:00.1234567", None), march);
        assert_eq!(civil("3/2/2026 8:00:00 AM", Some(DayOrder::MonthFirst)), march);
        assert_eq!(civil("02/03/2026 08:00:00", Some(DayOrder::DayFirst)), march);
        assert_eq!(
            civil("3/2/2026 12:30:00\u{202f}PM", Some(DayOrder::MonthFirst)),
            Some("2026-03-02T12:30:00".into())
        );
        assert_eq!(civil("3/2/2026 12:30:00 a.m.", Some(DayOrder::MonthFirst)), Some("2026-03-02T00:30:00".into()));
    }

    #[test]
    fn what_can_be_meant_in_two_ways_is_left_out() {
        assert_eq!(civil("3/2/2026 8:00:00 AM", None), None);
        assert_eq!(civil("3/3/2026 8:00:00 AM", None), Some("2026-03-03T08:00:00".into()));
        let order = |text: &str| Written::read(text).and_then(|w| w.order());
        assert_eq!((order("3/2/2026 8:00:00"), order("13/2/2026 8:00:00")), (None, Some(DayOrder::DayFirst)));
        assert_eq!(order("2/13/2026 8:00:00"), Some(DayOrder::MonthFirst));
        for wrong in
            ["", "x", "30.2.2026 08:00:00", "1.2.3 4:5:6", "2026/03/02", "2026/03/02 25:00:00", "1/1/2026 13:00:00 PM"]
        {
            assert_eq!(civil(wrong, Some(DayOrder::DayFirst)), None, "{wrong}");
        }
    }

    #[test]
    fn zones_are_names_or_offsets_and_changed_clocks_leave_a_time_out() {
        let ns = |zone: &str, text: &str| zone.parse::<HostTimeZone>().unwrap().ns(iso_civil(text).unwrap());
        assert_eq!(ns("+01:00", "1970-01-01T01:00:01"), Some(1_000_000_000));
        assert_eq!(ns("-0330", "1969-12-31T20:30:00"), Some(0));
        assert_eq!(ns("Europe/Vienna", "1970-01-01 01:00:00"), Some(0));
        // 29 March 2026, 02:30 did not happen; 25 October, 02:30 happened twice.
        assert_eq!(ns("Europe/Vienna", "2026-03-29T02:30:00"), None);
        assert_eq!(ns("Europe/Vienna", "2026-10-25T02:30:00"), None);
        for wrong in ["", "Vienna", "+15:00", "+1:75", "01:00", "+x"] {
            assert!(wrong.parse::<HostTimeZone>().is_err(), "{wrong}");
        }
        assert_eq!(with_offset("1970-01-01T01:00:00+01:00"), Some(0));
        assert_eq!((with_offset("1970-01-01T01:00:00"), with_offset("9999-01-01T00:00:00Z")), (None, None));
    }
}

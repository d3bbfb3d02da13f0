//! The site's days: which time zone the plant keeps, and when a day ends there.
//!
//! Zones come from the IANA Time Zone Database that is compiled into the program, never from the machine's own files: the
//! same input gives the same answer everywhere. No clock is read here.

use super::error::{SiteError, Source, short, suggestion};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use toml::Spanned;

/// A day of the Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Date(jiff::civil::Date);

impl Date {
    /// A day; `None` where the calendar has no such day.
    #[must_use]
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let (year, month, day) = (year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?);
        jiff::civil::Date::new(year, month, day).ok().map(Self)
    }

    /// The first nanosecond after the day in a time zone, since 1970-01-01 UTC. Where clocks change at midnight, the
    /// moment of the change. A day at the end of the calendar has no end.
    pub(super) fn end_ns(self, zone: &TimeZone) -> i128 {
        let next = self.0.tomorrow().and_then(|day| day.to_zoned_datetime(zone.clone()));
        next.map_or(i128::MAX, |midnight| midnight.timestamp().as_nanosecond())
    }
}

impl std::fmt::Display for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The time zone of a name in the database, and the name as the database spells it.
pub(super) fn time_zone(source: Source<'_>, name: &Spanned<String>) -> Result<(String, TimeZone), SiteError> {
    let text = name.get_ref();
    let database = TimeZoneDatabase::bundled();
    if let Ok(zone) = database.get(text) {
        return Ok((zone.iana_name().unwrap_or(text).to_owned(), zone));
    }
    let known: Vec<String> = database.available().map(|zone| zone.as_str().to_owned()).collect();
    let names = || known.iter().map(String::as_str);
    // People write "Vienna", or "New York": the place without its continent.
    let place = text.trim().replace(' ', "_");
    let by_place = names().find(|zone| zone.rsplit('/').next().is_some_and(|own| own.eq_ignore_ascii_case(&place)));
    let advice = match by_place {
        Some(zone) => format!("did you mean \"{zone}\"?"),
        None => suggestion(text, names()).unwrap_or_else(|| "write it as \"Europe/Vienna\" or \"UTC\"".to_owned()),
    };
    Err(source.error(&name.span(), format!("{:?} is no time zone of the IANA database", short(text)), advice))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_NS: i128 = 1_000_000_000;

    fn zone(name: &str) -> TimeZone {
        TimeZoneDatabase::bundled().get(name).unwrap()
    }

    fn end_s(day: (u16, u8, u8), name: &str) -> i128 {
        Date::new(day.0, day.1, day.2).unwrap().end_ns(&zone(name)) / SECOND_NS
    }

    #[test]
    fn the_calendar_is_kept() {
        assert!(Date::new(2028, 2, 29).is_some());
        assert!(Date::new(2100, 2, 29).is_none());
        assert!(Date::new(2027, 4, 31).is_none());
        assert!(Date::new(2027, 0, 1).is_none());
        assert!(Date::new(2027, 13, 1).is_none());
        assert!(Date::new(10_000, 1, 1).is_none());
        assert_eq!(Date::new(27, 1, 9).map(|day| day.to_string()).as_deref(), Some("0027-01-09"));
    }

    #[test]
    fn a_day_ends_at_local_midnight() {
        // Checked with `TZ=ZONE date -d DAY +%s`.
        assert_eq!(end_s((2027, 1, 31), "UTC"), 1_801_440_000);
        assert_eq!(end_s((1969, 12, 31), "UTC"), 0);
        assert_eq!(end_s((2024, 2, 29), "UTC"), 1_709_251_200);
        assert_eq!(end_s((2027, 1, 31), "Europe/Vienna"), 1_801_440_000 - 3_600);
        assert_eq!(end_s((2027, 7, 31), "Europe/Vienna"), 1_817_078_400 - 7_200);
        assert_eq!(end_s((2027, 1, 31), "Asia/Kolkata"), 1_801_440_000 - 19_800);
        assert_eq!(end_s((2027, 1, 31), "Pacific/Kiritimati"), 1_801_440_000 - 50_400);
    }

    #[test]
    fn days_of_a_clock_change_are_as_long_as_they_are() {
        let length_h = |before, day, name: &str| (end_s(day, name) - end_s(before, name)) / 3_600;
        assert_eq!(length_h((2027, 3, 27), (2027, 3, 28), "Europe/Vienna"), 23);
        assert_eq!(length_h((2027, 10, 30), (2027, 10, 31), "Europe/Vienna"), 25);
        assert_eq!(length_h((2027, 3, 28), (2027, 3, 29), "Europe/Vienna"), 24);
        // Clocks that change at midnight: Havana leaps from 00:00 to 01:00, so the day before ends at the leap.
        assert_eq!(end_s((2024, 3, 9), "America/Havana"), 1_710_046_800);
        assert_eq!(length_h((2024, 3, 9), (2024, 3, 10), "America/Havana"), 23);
        // Samoa left out 30 December 2011: the 29th ends where the 31st begins.
        assert_eq!(end_s((2011, 12, 29), "Pacific/Apia"), end_s((2011, 12, 30), "Pacific/Apia"));
    }

    #[test]
    fn the_last_day_of_the_calendar_does_not_end() {
        assert_eq!(Date::new(9999, 12, 31).unwrap().end_ns(&zone("Europe/Vienna")), i128::MAX);
    }
}

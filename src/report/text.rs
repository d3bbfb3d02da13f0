//! Text for people: hostile text made visible, times, durations, sizes and counts.
//!
//! Pure functions, no locale, no clock. Times are UTC, from nanoseconds since 1970-01-01.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Shows what would otherwise act: control characters, bidirectional overrides, zero-width and other format characters
/// become `\x1b`, `\u{202e}` and the like. Everything else stays as it is, also `<` and `&`, which each format escapes
/// itself.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if is_plain(text) || !text.chars().any(acts) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if acts(c) && u32::from(c) < 0x80 => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c if acts(c) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Whether a text is printable ASCII: nothing in it acts.
pub(crate) fn is_plain(text: &str) -> bool {
    has_only(text, |byte| matches!(byte, b' '..=b'~'))
}

/// Whether a text has only bytes of some kind. It is looked at whole: that goes many bytes at a time, and most texts pass.
pub(super) fn has_only(text: &str, kind: impl Fn(u8) -> bool) -> bool {
    text.bytes().fold(true, |all, byte| all & kind(byte))
}

/// Whether a character changes how its neighbours are shown instead of being shown.
pub(crate) fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// [`visible`] text of at most `limit` characters; a longer one ends in "…".
#[must_use]
pub fn clipped(text: &str, limit: usize) -> Cow<'_, str> {
    match text.char_indices().nth(limit) {
        None => visible(text),
        Some(_) => {
            let keep = text.char_indices().nth(limit.saturating_sub(1)).map_or(0, |(at, _)| at);
            let mut out = visible(text.get(..keep).unwrap_or_default()).into_owned();
            out.push('…');
            Cow::Owned(out)
        }
    }
}

/// Year, month, day of a day number since 1970-01-01, proleptic Gregorian.
fn civil(day_number: i64) -> (i64, i64, i64) {
    // Counts days from 1 March of year 0, so that the leap day ends the year; 146,097 days are 400 years.
    let days = day_number + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// ISO 8601 in UTC with milliseconds, cut and not rounded, e.g. `2026-03-02T08:00:00.123Z`.
#[must_use]
pub fn iso_utc(ns: i64) -> String {
    let seconds = ns.div_euclid(1_000_000_000);
    let millis = ns.rem_euclid(1_000_000_000) / 1_000_000;
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let of_day = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Nanoseconds from one time to a later one; never negative.
#[must_use]
pub fn span_ns(first_ns: i64, last_ns: i64) -> u64 {
    u64::try_from(i128::from(last_ns) - i128::from(first_ns)).unwrap_or(0)
}

/// ISO 8601 in UTC with seconds, cut and not rounded, e.g. `2026-03-02T08:00:00Z`.
#[must_use]
pub fn iso_utc_seconds(ns: i64) -> String {
    let full = iso_utc(ns);
    full.get(..full.len().saturating_sub(5)).map_or_else(|| full.clone(), |seconds| format!("{seconds}Z"))
}

/// A duration in its two largest units, e.g. `1 h 12 min`, `4.2 s`, `350 ms`.
#[must_use]
pub fn duration(ns: u64) -> String {
    const SECOND: u64 = 1_000_000_000;
    let seconds = ns / SECOND;
    let pair = |big: u64, big_unit: &str, small: u64, small_unit: &str| match small {
        0 => format!("{big} {big_unit}"),
        _ => format!("{big} {big_unit} {small} {small_unit}"),
    };
    match seconds {
        0 if ns < 1_000 => format!("{ns} ns"),
        0 if ns < 1_000_000 => format!("{} µs", ns / 1_000),
        0 => format!("{} ms", ns / 1_000_000),
        1..=59 => format!("{seconds}.{} s", ns % SECOND / (SECOND / 10)),
        60..=3_599 => pair(seconds / 60, "min", seconds % 60, "s"),
        3_600..=86_399 => pair(seconds / 3_600, "h", seconds % 3_600 / 60, "min"),
        _ => pair(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
    }
}

/// A size in decimal units with one decimal, e.g. `1.4 MB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    let (mut divisor, mut unit) = (1_000_u64, 0);
    while bytes / divisor >= 1_000 && unit + 1 < UNITS.len() {
        divisor *= 1_000;
        unit += 1;
    }
    let tenths = u128::from(bytes) * 10 / u128::from(divisor);
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS.get(unit).copied().unwrap_or("EB"))
}

/// A whole number with commas between thousands.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count with its noun: "1 flow", "2 flows". The plural is given where an added "s" is wrong.
#[must_use]
pub fn counted(number: u64, singular: &str, plural: &str) -> String {
    format!("{} {}", count(number), if number == 1 { singular } else { plural })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_direction_characters_become_visible() {
        assert_eq!(visible("a\x1b[31mb\r\n\t\0\u{7f}"), "a\\x1b[31mb\\r\\n\\t\\x00\\x7f");
        assert_eq!(visible("exe.\u{202e}gnp\u{2069}\u{200b}\u{9b}"), "exe.\\u{202e}gnp\\u{2069}\\u{200b}\\u{9b}");
        assert!(matches!(visible("Müller & <Söhne> 漢字"), Cow::Borrowed("Müller & <Söhne> 漢字")));
    }

    #[test]
    fn clipping_counts_characters_and_escapes_what_stays() {
        assert_eq!(clipped("abcdef", 6), "abcdef");
        assert_eq!(clipped("äbcdefg", 6), "äbcde…");
        assert_eq!(clipped("\x1babcdef", 3), "\\x1ba…");
        assert_eq!(clipped("abc", 0), "…");
    }

    #[test]
    fn times_are_utc_on_both_sides_of_the_epoch_and_at_leap_days() {
        assert_eq!(iso_utc(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso_utc(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(iso_utc(951_782_400_000_000_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(iso_utc(1_709_251_199_999_999_999), "2024-02-29T23:59:59.999Z");
        assert_eq!(iso_utc(1_772_438_400_123_456_789), "2026-03-02T08:00:00.123Z");
        assert_eq!(iso_utc_seconds(1_772_438_400_999_456_789), "2026-03-02T08:00:00Z");
        assert_eq!(iso_utc(i64::MAX), "2262-04-11T23:47:16.854Z");
        assert_eq!(iso_utc(i64::MIN), "1677-09-21T00:12:43.145Z");
    }

    #[test]
    fn durations_take_their_two_largest_units() {
        assert_eq!(duration(0), "0 ns");
        assert_eq!(duration(1_500), "1 µs");
        assert_eq!(duration(350_000_000), "350 ms");
        assert_eq!(duration(4_290_000_000), "4.2 s");
        assert_eq!(duration(60_000_000_000), "1 min");
        assert_eq!(duration(4_350_000_000_000), "1 h 12 min");
        assert_eq!(duration(u64::MAX), "213503 d 23 h");
        assert_eq!(span_ns(i64::MIN, i64::MAX), u64::MAX);
        assert_eq!(span_ns(5, 4), 0);
    }

    #[test]
    fn sizes_and_counts() {
        assert_eq!(size(999), "999 B");
        assert_eq!(size(1_450), "1.4 kB");
        assert_eq!(size(999_999), "999.9 kB");
        assert_eq!(size(u64::MAX), "18.4 EB");
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(counted(1, "flow", "flows"), "1 flow");
        assert_eq!(counted(2_000, "flow", "flows"), "2,000 flows");
    }
}

//! The times at which credentials expire, as AWS writes them.

use core::time::Duration;
use std::time::{SystemTime, UNIX_EPOCH};

/// Reads `2026-11-22T20:00:00Z`. A fraction of one to nine digits may follow the seconds, and `+00:00` (Python's
/// way, so the AWS CLI's) may stand for `Z`. Every other form of ISO 8601, a leap second and years before
/// 1970 are refused.
pub(super) fn parse(text: &str) -> Option<SystemTime> {
    let text = text.strip_suffix('Z').or_else(|| text.strip_suffix("+00:00"))?;
    let (seconds, nanoseconds) = match text.split_once('.') {
        None => (text, 0),
        Some((seconds, fraction)) => (seconds, nanoseconds(fraction)?),
    };
    let (date, time) = seconds.split_once('T')?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    let in_range = year >= 1970
        && (1..=12).contains(&month)
        && (1..=days_of_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !in_range {
        return None;
    }
    let days = days_before_year(year) - days_before_year(1970)
        + (1..month).map(|month| days_of_month(year, month)).sum::<u64>()
        + day
        - 1;
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    UNIX_EPOCH.checked_add(Duration::new(seconds, nanoseconds))
}

/// Three numbers of exactly these many digits.
fn numbers(text: &str, separator: char, digits: [usize; 3]) -> Option<[u64; 3]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; 3];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next().filter(|part| part.len() == digits && is_digits(part))?;
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

fn nanoseconds(fraction: &str) -> Option<u32> {
    if !(1..=9).contains(&fraction.len()) || !is_digits(fraction) {
        return None;
    }
    format!("{fraction:0<9}").parse().ok()
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn days_before_year(year: u64) -> u64 {
    let years = year - 1;
    years * 365 + years / 4 - years / 100 + years / 400
}

fn days_of_month(year: u64, month: u64) -> u64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use core::time::Duration;
    use std::time::UNIX_EPOCH;

    /// The seconds are what `date -u -d ... +%s` prints.
    #[test]
    fn times_of_aws() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T23:59:59Z", 951_868_799),
            ("2024-03-01T00:00:00Z", 1_709_251_200),
            ("2026-11-22T20:00:00Z", 1_795_377_600),
            ("2026-11-22T20:00:00+00:00", 1_795_377_600),
            ("2100-03-01T00:00:00Z", 4_107_542_400),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
        ] {
            assert_eq!(parse(text), Some(UNIX_EPOCH + Duration::from_secs(seconds)), "{text}");
        }
        let fraction = parse("1970-01-01T00:00:01.25Z");
        assert_eq!(fraction, Some(UNIX_EPOCH + Duration::from_millis(1250)));
        assert_eq!(parse("1970-01-01T00:00:00.000000001Z"), Some(UNIX_EPOCH + Duration::from_nanos(1)));
    }

    #[test]
    fn days_follow_each_other_for_four_hundred_years() {
        let mut expected = 0;
        for year in 1970..2370 {
            for month in 1..=12 {
                for day in 1..=super::days_of_month(year, month) {
                    let read = parse(&format!("{year:04}-{month:02}-{day:02}T00:00:00Z"));
                    assert_eq!(read, Some(UNIX_EPOCH + Duration::from_secs(expected)));
                    expected += 86_400;
                }
            }
        }
        assert_eq!(expected, 146_097 * 86_400);
    }

    #[test]
    fn what_is_no_time() {
        for text in [
            "",
            "Z",
            "2026-11-22",
            "2026-11-22T20:00:00",
            "2026-11-22 20:00:00Z",
            "2026-11-22t20:00:00z",
            "2026-11-22T20:00Z",
            "2026-11-22T20:00:00+01:00",
            "2026-11-22T20:00:00ZZ",
            "2026-11-22T20:00:00.Z",
            "2026-11-22T20:00:00.1234567890Z",
            "2026-11-22T20:00:00.1.2Z",
            "2026-11-22T20:00:00.-1Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T20:60:00Z",
            "2026-11-22T20:00:60Z",
            "2026-11-31T20:00:00Z",
            "2026-02-29T20:00:00Z",
            "2100-02-29T20:00:00Z",
            "2026-00-22T20:00:00Z",
            "2026-13-22T20:00:00Z",
            "2026-11-00T20:00:00Z",
            "1969-12-31T23:59:59Z",
            "10000-01-01T00:00:00Z",
            "+026-11-22T20:00:00Z",
            "2026-1-022T20:00:00Z",
            "2026-11-22-T20:00:00Z",
            "2026-11-22T20:00:00:00Z",
            " 2026-11-22T20:00:00Z",
            "\u{662}026-11-22T20:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}

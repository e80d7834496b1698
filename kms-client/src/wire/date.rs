//! The Gregorian calendar as far as HTTP and `SigV4` need it: seconds since 1970 to and from dates in UTC.

use crate::limits::MAX_UNIX_SECONDS;

const SECONDS_A_DAY: u64 = 86_400;

/// Reads an IMF-fixdate, such as `Sun, 06 Nov 1994 08:49:37 GMT`, as seconds since 1970; nothing wider.
///
//= RFC 9110 section 5.6.7: "IMF-fixdate = day-name "," SP date1 SP time-of-day SP GMT"; "HTTP-date is case
//= sensitive". The obsolete forms are for recipients of old messages; AWS sends none.
pub(super) fn imf_fixdate(text: &str) -> Option<u64> {
    const DAY_NAMES: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]; // from 1970-01-01
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

    let (day_name, rest) = text.split_once(", ")?;
    let mut parts = rest.split(' ');
    let mut next = || parts.next();
    let (day, month, year, time, zone) = (next()?, next()?, next()?, next()?, next()?);
    if zone != "GMT" || next().is_some() {
        return None;
    }
    let (day, year) = (digits::<2>(day)?, digits::<4>(year)?);
    let month = MONTHS.iter().position(|name| *name == month)?;
    let mut time = time.split(':');
    let mut field = || digits::<2>(time.next()?);
    let (hour, minute, second) = (field()?, field()?, field()?);
    let lengths = month_lengths(year);
    // A leap second is written 60.
    if time.next().is_some()
        || year < 1970
        || !(1..=*lengths.get(month)?).contains(&day)
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    let before_year: u64 = (1970..year).map(days_in_year).sum();
    let before_month: u64 = lengths.iter().take(month).sum();
    let days = before_year + before_month + day - 1;
    if DAY_NAMES.get(usize::try_from(days % 7).ok()?) != Some(&day_name) {
        return None;
    }
    Some(days * SECONDS_A_DAY + hour * 3600 + minute * 60 + second)
}

/// `YYYYMMDDTHHMMSSZ` (ISO 8601 basic format, UTC), as `SigV4` writes a time.
pub(super) fn iso_8601_basic(unix_seconds: u64) -> Option<String> {
    if unix_seconds > MAX_UNIX_SECONDS {
        return None;
    }
    let (mut days, second_of_day) = (unix_seconds / SECONDS_A_DAY, unix_seconds % SECONDS_A_DAY);
    let mut year = 1970;
    while days >= days_in_year(year) {
        days -= days_in_year(year);
        year += 1;
    }
    let mut month = 1;
    for length in month_lengths(year) {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute, second) = (second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
    Some(format!("{year:04}{month:02}{:02}T{hour:02}{minute:02}{second:02}Z", days + 1))
}

/// Exactly `N` decimal digits.
fn digits<const N: usize>(text: &str) -> Option<u64> {
    if text.len() != N || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_in_year(year: u64) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

fn month_lengths(year: u64) -> [u64; 12] {
    let february = if is_leap(year) { 29 } else { 28 };
    [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
}

#[cfg(test)]
mod tests {
    use super::{imf_fixdate, iso_8601_basic};

    #[test]
    fn timestamps_over_leap_years_and_centuries() {
        for (seconds, iso, imf) in [
            (0, "19700101T000000Z", "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "19941106T084937Z", "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_399, "20000228T235959Z", "Mon, 28 Feb 2000 23:59:59 GMT"),
            (951_782_400, "20000229T000000Z", "Tue, 29 Feb 2000 00:00:00 GMT"),
            (951_868_800, "20000301T000000Z", "Wed, 01 Mar 2000 00:00:00 GMT"),
            (1_440_938_160, "20150830T123600Z", "Sun, 30 Aug 2015 12:36:00 GMT"),
            (1_709_251_199, "20240229T235959Z", "Thu, 29 Feb 2024 23:59:59 GMT"),
            (1_735_689_599, "20241231T235959Z", "Tue, 31 Dec 2024 23:59:59 GMT"),
            (4_107_542_400, "21000301T000000Z", "Mon, 01 Mar 2100 00:00:00 GMT"),
            (4_107_542_399, "21000228T235959Z", "Sun, 28 Feb 2100 23:59:59 GMT"),
            (253_402_300_799, "99991231T235959Z", "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] {
            assert_eq!(iso_8601_basic(seconds).as_deref(), Some(iso));
            assert_eq!(imf_fixdate(imf), Some(seconds), "{imf}");
        }
        assert_eq!(iso_8601_basic(253_402_300_800), None);
        assert_eq!(iso_8601_basic(u64::MAX), None);
    }

    #[test]
    fn a_leap_second_is_the_first_of_the_next_minute() {
        assert_eq!(
            imf_fixdate("Sat, 31 Dec 2016 23:59:60 GMT"),
            imf_fixdate("Sun, 01 Jan 2017 00:00:00 GMT")
        );
    }

    #[test]
    fn what_is_no_imf_fixdate_is_no_date() {
        for text in [
            "",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37 gmt",
            "sun, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 nov 1994 08:49:37 GMT",
            "Sun,06 Nov 1994 08:49:37 GMT",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun, 06 Nov 01994 08:49:37 GMT",
            "Sun, 06 Nov 1994 8:49:37 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 06 Nov 1994 08:49:37:00 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT ",
            "Sun, 06 Nov 1994  08:49:37 GMT",
            "Sun, +6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 1994 08:60:00 GMT",
            "Sun, 06 Nov 1994 08:49:61 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Thu, 31 Nov 1994 08:49:37 GMT",
            "Wed, 29 Feb 2023 00:00:00 GMT",
            "Wed, 31 Dec 1969 23:59:59 GMT",
            "Wed, 00 Jan 1970 00:00:00 GMT",
            "Mon, 00 Nov 1994 08:49:37 GMT",
            // The day's name is right if years before 1970 count for nothing.
            "Thu, 31 Dec 1969 23:59:59 GMT",
            // The day's name is another's.
            "Mon, 06 Nov 1994 08:49:37 GMT",
            // The obsolete forms.
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(imf_fixdate(text), None, "{text:?}");
        }
    }
}

//! Dates as `SigV4` and HTTP write them.

use std::time::Duration;

use x509_cert::der::DateTime;

/// `20260131T235959Z` (AWS, "Elements of an AWS API request signature").
pub(crate) fn amz_date(unix_seconds: u64) -> String {
    let date = civil(unix_seconds);
    format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
        date.year(),
        date.month(),
        date.day(),
        date.hour(),
        date.minutes(),
        date.seconds()
    )
}

/// Reads what [`amz_date`] writes; seconds since the Unix epoch.
pub(crate) fn parse_amz_date(text: &str) -> Option<u64> {
    let digits = |from: usize, to: usize| {
        let part = text.get(from..to)?;
        part.bytes().all(|c| c.is_ascii_digit()).then(|| part.parse::<u16>().ok()).flatten()
    };
    if text.len() != 16 || text.get(8..9)? != "T" || text.get(15..)? != "Z" {
        return None;
    }
    let short = |from, to| digits(from, to).and_then(|number| u8::try_from(number).ok());
    DateTime::new(digits(0, 4)?, short(4, 6)?, short(6, 8)?, short(9, 11)?, short(11, 13)?, short(13, 15)?)
        .ok()
        .map(|date| date.unix_duration().as_secs())
}

/// IMF-fixdate (RFC 9110 section 5.6.7).
pub(crate) fn http_date(unix_seconds: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let date = civil(unix_seconds);
    let weekday = usize::try_from(unix_seconds / 86_400 % 7).ok().and_then(|day| DAYS.get(day));
    let month = usize::from(date.month()).checked_sub(1).and_then(|month| MONTHS.get(month));
    format!(
        "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
        weekday.copied().unwrap_or_default(),
        date.day(),
        month.copied().unwrap_or_default(),
        date.year(),
        date.hour(),
        date.minutes(),
        date.seconds()
    )
}

fn civil(unix_seconds: u64) -> DateTime {
    DateTime::from_unix_duration(Duration::from_secs(unix_seconds)).unwrap_or(DateTime::INFINITY)
}

#[cfg(test)]
mod tests {
    use super::{amz_date, http_date, parse_amz_date};

    #[test]
    fn dates_of_the_standards_examples() {
        // RFC 9110 section 5.6.7, and the date of AWS's signing test suite.
        assert_eq!(http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(amz_date(1_440_938_160), "20150830T123600Z");
        assert_eq!(parse_amz_date("20150830T123600Z"), Some(1_440_938_160));
    }

    #[test]
    fn other_dates_are_refused() {
        for text in [
            "",
            "20150830T123600",
            "20151330T123600Z",
            "2015083 T123600Z",
            "20150830 123600Z",
            "é0150830T12360Z",
        ] {
            assert_eq!(parse_amz_date(text), None, "{text}");
        }
    }
}

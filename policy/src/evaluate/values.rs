//! The values that conditions compare: numbers, dates, addresses.

use std::cmp::Ordering;
use std::net::IpAddr;

/// A decimal number of any length: an optional sign, digits, perhaps a fraction.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decimal<'a> {
    negative: bool,
    /// Without leading zeros.
    whole: &'a str,
    /// Without trailing zeros.
    fraction: &'a str,
}

impl<'a> Decimal<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = match digits.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (digits, ""),
        };
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        // There is one zero.
        let negative = negative && !(whole.is_empty() && fraction.is_empty());
        Some(Self { negative, whole, fraction })
    }

    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let size = |a: &Self, b: &Self| {
            let whole = a.whole.len().cmp(&b.whole.len()).then_with(|| a.whole.cmp(b.whole));
            whole.then_with(|| a.fraction.cmp(b.fraction))
        };
        match (self.negative, other.negative) {
            (false, false) => size(self, other),
            (true, true) => size(other, self),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

/// A moment: seconds since 1970, and nanoseconds.
pub(crate) type Moment = (i64, u32);

/// Reads a date of the W3C profile of ISO 8601 (`2026-11-22T10:30:00Z`; parts from the right may be left out, and
/// without a zone it is UTC) or seconds since 1970. Four digits are a year.
pub(crate) fn moment(text: &str) -> Option<Moment> {
    if text.len() != 4 && text.len() <= 18 && !text.is_empty() && all_digits(text) {
        return Some((text.parse().ok()?, 0));
    }
    let (date, time) = text.split_once('T').map_or((text, None), |(date, time)| (date, Some(time)));
    let mut parts = date.split('-');
    let year = number(parts.next()?, 4)?;
    let month = parts.next().map_or(Some(1), |part| number(part, 2))?;
    let day = parts.next().map_or(Some(1), |part| number(part, 2))?;
    if parts.next().is_some() || !(1..=12).contains(&month) || !(1..=days_of(year, month)).contains(&day) {
        return None;
    }
    let midnight = days_before(year, month, day) * 86_400;
    match time {
        None => Some((midnight, 0)),
        // A time needs a whole date.
        Some(time) if date.len() == 10 => {
            let (seconds, nanoseconds) = time_of_day(time)?;
            Some((midnight + seconds, nanoseconds))
        }
        Some(_) => None,
    }
}

/// Whether the policy's address, or block of addresses (CIDR, RFC 4632), holds the request's; `None` if either is
/// none.
pub(super) fn in_block(policy: &str, request: &str) -> Option<bool> {
    let (address, len) = policy.split_once('/').map_or((policy, None), |(address, len)| (address, Some(len)));
    let (block, address) = (address.parse::<IpAddr>().ok()?, request.parse::<IpAddr>().ok()?);
    let (block, own_len) = bits(block);
    let len = match len {
        Some(len) => u32::try_from(number(len, len.len())?).ok().filter(|&len| len <= own_len)?,
        None => own_len,
    };
    let (address, address_len) = bits(address);
    let differing = (block ^ address).checked_shr(own_len - len).unwrap_or(0);
    Some(own_len == address_len && differing == 0)
}

fn bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (address.to_bits().into(), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    }
}

/// `hh:mm`, `hh:mm:ss` or `hh:mm:ss.s…`, then nothing, `Z`, `+hh:mm` or `-hh:mm`.
fn time_of_day(text: &str) -> Option<(i64, u32)> {
    let (clock, offset) = match text.find(['Z', '+', '-']) {
        Some(zone) => {
            let (clock, zone) = text.split_at_checked(zone)?;
            (clock, zone_offset(zone)?)
        }
        None => (text, 0),
    };
    let (clock, nanoseconds) = match clock.split_once('.') {
        Some((clock, fraction)) if clock.len() == 8 => (clock, nanoseconds(fraction)?),
        Some(_) => return None,
        None => (clock, 0),
    };
    let mut parts = clock.split(':');
    let (hour, minute) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let second = parts.next().map_or(Some(0), |part| number(part, 2))?;
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some((hour * 3600 + minute * 60 + second - offset, nanoseconds))
}

fn zone_offset(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let (sign, rest) = match zone.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, zone.strip_prefix('+')?),
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes) = (number(hours, 2)?, number(minutes, 2)?);
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3600 + minutes * 60))
}

/// One to nine digits behind the point.
fn nanoseconds(fraction: &str) -> Option<u32> {
    if fraction.is_empty() || fraction.len() > 9 || !all_digits(fraction) {
        return None;
    }
    format!("{fraction:0<9}").parse().ok()
}

/// Exactly so many digits, at most nine.
fn number(text: &str, len: usize) -> Option<i64> {
    if text.len() != len || text.is_empty() || len > 9 || !all_digits(text) {
        return None;
    }
    text.parse().ok()
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|c| c.is_ascii_digit())
}

fn days_of(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let years = year - 1;
    let leap_days = years.div_euclid(4) - years.div_euclid(100) + years.div_euclid(400);
    // 719162 days lie between 0001-01-01 and 1970-01-01.
    let new_year = years * 365 + leap_days - 719_162;
    new_year + (1..month).map(|month| days_of(year, month)).sum::<i64>() + day - 1
}

#[cfg(test)]
mod tests {
    use super::{days_before, days_of, moment};

    #[test]
    fn every_day_is_one_after_the_day_before() {
        let mut expected = days_before(1, 1, 1);
        for year in 1..=2800 {
            for month in 1..=12 {
                for day in 1..=days_of(year, month) {
                    assert_eq!(days_before(year, month, day), expected, "{year}-{month}-{day}");
                    expected += 1;
                }
            }
        }
        assert_eq!(days_before(1970, 1, 1), 0);
    }

    #[test]
    fn moments_of_known_seconds() {
        for (text, seconds, nanoseconds) in [
            ("2000-02-29T23:59:59Z", 951_868_799, 0),
            ("1969-12-31T23:59:59.5Z", -1, 500_000_000),
            ("2038-01-19T03:14:08Z", 2_147_483_648, 0),
            ("2038-01-19T03:14:08.000000001+00:00", 2_147_483_648, 1),
        ] {
            assert_eq!(moment(text), Some((seconds, nanoseconds)), "{text}");
        }
    }
}

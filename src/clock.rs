//! The time of day, as the record keeps it, and the one clock of an invocation.
//!
//! This never reads the system's clock. An invocation passes the time in once, and its clock counts on from there, so
//! that a test or a simulation can set the time.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;
use tokio::time::Instant;

/// A moment, in milliseconds since the beginning of 1970 (UTC).
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(u64);

/// One invocation's clock.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Timestamp,
    started: Instant,
}

impl Clock {
    /// A clock that shows `now` at this moment.
    pub fn starting_at(now: Timestamp) -> Self {
        Self {
            start: now,
            started: Instant::now(),
        }
    }

    pub fn now(&self) -> Timestamp {
        self.start + self.started.elapsed()
    }

    /// Waits until that moment. Does not wait if it has passed.
    pub async fn wait_until(&self, moment: Timestamp) {
        tokio::time::sleep(moment.since(self.now())).await;
    }
}

impl Timestamp {
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The time from `earlier` until this; zero if this is not later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// The moment that is earlier by this duration, and the beginning of 1970 at the earliest.
    pub fn before(self, duration: Duration) -> Self {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_sub(millis))
    }

    /// Reads a time in UTC: `2026-11-25T02:10:00Z`, as EventBridge writes it (RFC 3339; a fraction of a second is
    /// dropped), and `20261125T021000Z`, as a signed URL has it (Signature Version 4). `None` of any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_suffix('Z')?;
        let (date, time) = text.split_once('T')?;
        let whole = time.split_once('.').map_or(time, |(whole, _)| whole);
        let date = digits(date, '-')?;
        let time = digits(whole, ':')?;
        let (year, month, day) = (date / 10_000, date / 100 % 100, date % 100);
        let (hour, minute, second) = (time / 10_000, time / 100 % 100, time % 100);
        let fits = (1970..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=31).contains(&day)
            && hour < 24
            && minute < 60
            // A leap second is given as the 60th.
            && second <= 60;
        fits.then(|| {
            let seconds = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
            Self(seconds * 1000)
        })
    }
}

impl Timestamp {
    /// Reads the scheduled time that is the name of a tick, as [`fmt::Display`] writes it. `None` of another name.
    pub fn named(name: &str) -> Option<Self> {
        let (seconds, millis) = name.split_once('.')?;
        let seconds: u64 = seconds.parse().ok()?;
        Some(Self(
            seconds
                .checked_mul(1000)?
                .checked_add(millis.parse().ok()?)?,
        ))
    }

    /// The time for a person: `2026-11-25T02:10:00Z` (RFC 3339).
    pub fn rfc3339(self) -> String {
        let seconds = self.0 / 1000;
        let (year, month, day) = date(seconds / 86_400);
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// The digits of `aa<separator>bb<separator>cc`, with or without separators, as one number.
fn digits(text: &str, separator: char) -> Option<u64> {
    let digits: String = text.split(separator).collect();
    let fits = digits.bytes().all(|byte| byte.is_ascii_digit()) && [6, 8].contains(&digits.len());
    fits.then(|| digits.parse().ok())?
}

/// The days from the beginning of 1970 to a date of the Gregorian calendar. It counts in years that begin in March, so
/// that the leap day is the last day of its year.
const fn days(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year / 4 - year / 100 + year / 400;
    let before = 365 * year + leap_days + (153 * month + 2) / 5 + day;
    // The first of March of year 0 is day 1, and 1970 begins 719,468 days after it.
    before - 719_469
}

/// The date that is so many days after the beginning of 1970: the inverse of [`days`].
const fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    // Four hundred years are 146,097 days.
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year;
    if month < 10 {
        (year, month + 3, day)
    } else {
        (year + 1, month - 9, day)
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(millis))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_time_are_read() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T23:59:59Z", 951_868_799),
            ("2026-11-25T02:10:00Z", 1_795_572_600),
            ("2026-11-25T02:10:00.123Z", 1_795_572_600),
            ("20261125T021000Z", 1_795_572_600),
        ] {
            let expected = Timestamp::from_millis(seconds * 1000);
            assert_eq!(Timestamp::parse(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_time_is_written_as_it_is_read() {
        for text in [
            "1970-01-01T00:00:00Z",
            "2000-02-29T23:59:59Z",
            "2026-11-25T02:10:00Z",
            "2027-12-31T00:00:01Z",
            "2100-03-01T12:00:00Z",
            "2400-02-29T00:00:00Z",
        ] {
            let read = Timestamp::parse(text).expect("a time");
            assert_eq!(read.rfc3339(), text);
        }
    }

    #[test]
    fn what_is_no_time_in_utc_is_none() {
        for text in [
            "",
            "now",
            "2026-11-25",
            "2026-11-25T02:10:00",
            "2026-11-25T02:10:00+01:00",
            "2026-13-25T02:10:00Z",
            "2026-11-25T24:10:00Z",
            "2026-11-25T02:1:00Z",
            "1969-11-25T02:10:00Z",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }
}

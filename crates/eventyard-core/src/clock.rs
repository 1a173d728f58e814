//! Time as a value: an instant in milliseconds, and the door through which the current one arrives.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};

/// An instant: milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// From 0000-01-01T00:00:00Z to before 10000-01-01T00:00:00Z.
const EPOCH_SECONDS: std::ops::Range<f64> = -62_167_219_200.0..253_402_300_800.0;

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// The instant `milliseconds` after the epoch, or none when no calendar date names it.
    #[must_use]
    pub fn from_millis(milliseconds: i64) -> Option<Self> {
        DateTime::<Utc>::from_timestamp_millis(milliseconds).map(|_| Self(milliseconds))
    }

    /// The instant that many seconds after the epoch, fraction cut to milliseconds, as the API sends times. None when it
    /// is not a number or lies outside the years 0 to 9999, which an event's `time` cannot tell.
    #[must_use]
    pub fn from_epoch_seconds(seconds: f64) -> Option<Self> {
        let milliseconds = (seconds * 1_000.0).trunc();
        #[expect(clippy::cast_possible_truncation, reason = "the range is checked first, and the fraction is gone")]
        let whole = EPOCH_SECONDS.contains(&seconds).then_some(milliseconds as i64);
        whole.and_then(Self::from_millis)
    }

    /// Reads an RFC 3339 time such as `2026-01-02T03:04:05Z`.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text).ok().map(|time| Self(time.timestamp_millis()))
    }

    /// Reads a date as HTTP writes it, in its own form or one of the two old ones that must still be understood.
    #[must_use]
    pub fn parse_http_date(text: &str) -> Option<Self> {
        let forms = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
        let date = forms.into_iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
        date.and_then(|date| Self::from_millis(date.and_utc().timestamp_millis()))
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// Seconds since the epoch with their fraction, as the API answers times.
    #[must_use]
    pub fn as_epoch_seconds(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of any calendar date are exact in a double")]
        let milliseconds = self.0 as f64;
        milliseconds / 1_000.0
    }

    /// The instant `duration` later; the last nameable one when there is none.
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        let milliseconds = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(milliseconds).min(DateTime::<Utc>::MAX_UTC.timestamp_millis()))
    }

    /// The instant `duration` earlier; the epoch when it would lie before.
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        let milliseconds = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(milliseconds).max(0))
    }

    /// How long ago `earlier` was; nothing when it lies ahead.
    #[must_use]
    pub fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The calendar form used by [`crate::schedule`] and [`crate::input`].
    #[must_use]
    pub fn to_utc(self) -> DateTime<Utc> {
        DateTime::<Utc>::from_timestamp_millis(self.0).unwrap_or_default()
    }

    /// `2026-01-02T03:04:05Z`: whole seconds, as the `time` member of an event has them.
    #[must_use]
    pub fn to_rfc3339_seconds(self) -> String {
        self.to_utc().to_rfc3339_opts(SecondsFormat::Secs, true)
    }
}

/// `2026-01-02T03:04:05.006Z`, for logs and operators.
impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.to_utc().to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

/// Where the current time comes from. The daemon has one over the system's clock, tests have one that they move.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The current time.
    fn now(&self) -> Timestamp;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_cut_and_not_rounded() {
        let time = Timestamp::from_epoch_seconds(1_704_164_645.678_9).unwrap();
        assert_eq!(time.as_millis(), 1_704_164_645_678);
        assert_eq!(time.to_rfc3339_seconds(), "2024-01-02T03:04:05Z");
        assert_eq!(time.to_string(), "2024-01-02T03:04:05.678Z");
        let last = Timestamp::from_epoch_seconds(253_402_300_799.0).unwrap();
        assert_eq!(last.to_rfc3339_seconds(), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn times_without_a_calendar_date_are_refused() {
        for seconds in [f64::NAN, f64::INFINITY, 1e300, -1e300, 9.0e14, 253_402_300_800.0, -62_167_219_201.0] {
            assert_eq!(Timestamp::from_epoch_seconds(seconds), None, "{seconds}");
        }
    }

    #[test]
    fn arithmetic_saturates() {
        let time = Timestamp::from_millis(0).unwrap();
        assert_eq!(time.saturating_since(Timestamp(5)), Duration::ZERO);
        assert!(!time.saturating_add(Duration::MAX).to_string().is_empty());
    }
}

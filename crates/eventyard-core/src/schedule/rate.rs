//! Rates: `rate(5 minutes)`, an interval counted from an anchor.

use chrono::{DateTime, Datelike, Utc};

use super::Dialect;

/// A rate's interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate {
    /// 1 to [`VALUE_MAX`].
    value: u32,
    unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Minute,
    Hour,
    Day,
}

/// Amazon documents no bound; a Java `int` holds no more.
const VALUE_MAX: u32 = 0x7fff_ffff;

/// RFC 3339, which events and listings spell times in, has four digits for the year.
const YEAR_MAX: i32 = 9_999;

impl Unit {
    const fn singular(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    const fn seconds(self) -> i64 {
        match self {
            Self::Minute => 60,
            Self::Hour => 60 * 60,
            Self::Day => 24 * 60 * 60,
        }
    }
}

impl Rate {
    /// Reads what stands between the parentheses.
    pub(super) fn parse(dialect: Dialect, body: &str) -> Option<Self> {
        let digits = body.find(|char: char| !char.is_ascii_digit())?;
        let (value, rest) = body.split_at(digits);
        let value = value.parse().ok().filter(|value| (1..=VALUE_MAX).contains(value))?;
        let word = match rest.strip_prefix(' ') {
            Some(word) => word,
            None if dialect == Dialect::Scheduler => rest,
            None => return None,
        };
        let (word, plural) = word.strip_suffix('s').map_or((word, false), |word| (word, true));
        if dialect == Dialect::Rule && plural != (value > 1) {
            return None;
        }
        let unit = [Unit::Minute, Unit::Hour, Unit::Day].into_iter().find(|unit| unit.singular() == word)?;
        Some(Self { value, unit })
    }

    /// The first of anchor + interval, anchor + 2 intervals, … that is after `after`.
    pub(super) fn next_after(self, after: DateTime<Utc>, anchor: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let anchor = anchor.timestamp();
        let interval = i64::from(self.value) * self.unit.seconds();
        // Whole seconds are enough: the first multiple beyond them is also beyond the fraction dropped here.
        let elapsed = after.timestamp().saturating_sub(anchor).max(0);
        let due = (elapsed / interval + 1).checked_mul(interval)?.checked_add(anchor)?;
        DateTime::from_timestamp(due, 0).filter(|due| due.year() <= YEAR_MAX)
    }

    pub(super) fn explain(self) -> String {
        match self.value {
            1 => format!("every {}", self.unit.singular()),
            value => format!("every {value} {}s", self.unit.singular()),
        }
    }
}

//! The fields of a cron expression, and the front end that turns Amazon's spelling of one into that of the `cron` crate.
//!
//! The crate reads values, lists, ranges and steps, and numbers the days of the week as Amazon does. It knows neither ranges
//! that wrap round nor empty list items, so these are rewritten here.

use std::ops::RangeInclusive;
use std::str::FromStr;

use ::cron::{Schedule, TimeUnitSpec};

/// A small set of numbers below 64: the minutes, hours, days or months of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Set(u64);

impl FromIterator<u32> for Set {
    /// Numbers from 64 on are left out; no field has them.
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        Self(numbers.into_iter().filter(|&number| number < u64::BITS).fold(0, |bits, number| bits | 1 << number))
    }
}

impl Set {
    pub(super) const fn contains(self, number: u32) -> bool {
        number < u64::BITS && self.0 >> number & 1 == 1
    }

    /// The smallest member that is at least `number`.
    pub(super) fn first_from(self, number: u32) -> Option<u32> {
        let rest = self.0 & u64::MAX.checked_shl(number).unwrap_or(0);
        (rest != 0).then_some(rest.trailing_zeros())
    }

    pub(super) fn iter(self) -> impl Iterator<Item = u32> {
        std::iter::successors(self.first_from(0), move |&last| self.first_from(last + 1))
    }

    pub(super) const fn len(self) -> usize {
        self.0.count_ones() as usize
    }
}

/// A field of numbers, some with names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Minutes,
    Hours,
    DaysOfMonth,
    Months,
    DaysOfWeek,
}

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS_OF_WEEK: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

impl Field {
    const fn values(self) -> RangeInclusive<u32> {
        match self {
            Self::Minutes => 0..=59,
            Self::Hours => 0..=23,
            Self::DaysOfMonth => 1..=31,
            Self::Months => 1..=12,
            Self::DaysOfWeek => 1..=7,
        }
    }

    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Months => &MONTHS,
            Self::DaysOfWeek => &DAYS_OF_WEEK,
            Self::Minutes | Self::Hours | Self::DaysOfMonth => &[],
        }
    }

    /// One number or name, the latter in capitals.
    pub(super) fn value(self, text: &str) -> Option<u32> {
        // Names are for the numbers from 1 on.
        let named = (1..).zip(self.names()).find(|&(_, &name)| name == text).map(|(value, _)| value);
        named.or_else(|| number(text)).filter(|value| self.values().contains(value))
    }

    /// A whole field of values, ranges, steps and `*`.
    pub(super) fn set(self, text: &str) -> Option<Set> {
        let items: Option<Vec<String>> =
            text.split(',').filter(|item| !item.is_empty()).map(|item| self.plain_item(item)).collect();
        let plain = items.filter(|items| !items.is_empty())?.join(",");
        let schedule = match self {
            Self::Minutes => format!("0 {plain} * * * *"),
            Self::Hours => format!("0 * {plain} * * *"),
            Self::DaysOfMonth => format!("0 * * {plain} * *"),
            Self::Months => format!("0 * * * {plain} *"),
            Self::DaysOfWeek => format!("0 * * * * {plain}"),
        };
        let schedule = Schedule::from_str(&schedule).ok()?;
        Some(match self {
            Self::Minutes => schedule.minutes().iter().collect(),
            Self::Hours => schedule.hours().iter().collect(),
            Self::DaysOfMonth => schedule.days_of_month().iter().collect(),
            Self::Months => schedule.months().iter().collect(),
            Self::DaysOfWeek => schedule.days_of_week().iter().collect(),
        })
    }

    /// One list item with names as numbers and a wrapping range as a list.
    fn plain_item(self, item: &str) -> Option<String> {
        let (base, step) = match item.split_once('/') {
            Some((base, step)) => (base, Some(self.step(step)?)),
            None => (item, None),
        };
        let behind = step.map(|step| format!("/{step}")).unwrap_or_default();
        if base == "*" {
            return Some(format!("*{behind}"));
        }
        let Some((first, last)) = base.split_once('-') else {
            return Some(format!("{}{behind}", self.value(base)?));
        };
        let (first, last) = (self.value(first)?, self.value(last)?);
        if first <= last {
            return Some(format!("{first}-{last}{behind}"));
        }
        let wrapped = (first..=*self.values().end()).chain(*self.values().start()..=last);
        let stepped = wrapped.step_by(step.unwrap_or(1) as usize);
        Some(stepped.map(|value| value.to_string()).collect::<Vec<_>>().join(","))
    }

    /// A step is at least 1 and at most the largest value of the field, as in Quartz.
    fn step(self, text: &str) -> Option<u32> {
        number(text).filter(|step| (1..=*self.values().end()).contains(step))
    }
}

/// Digits and nothing else.
pub(super) fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

//! The year field. The `cron` crate ends at 2100, so its ranges are kept here.

use std::ops::RangeInclusive;

use super::field::number;

/// The years in which a cron expression can fire.
pub(super) const YEARS: RangeInclusive<u32> = 1970..=2199;

/// The largest number that may be written as a year; beyond [`YEARS`] it means nothing.
const WRITTEN_MAX: u32 = 9_999;

/// Which years a cron expression fires in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Years(Vec<Steps>);

/// Every `step`-th year from `first` to `last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Steps {
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) step: u32,
}

impl Steps {
    const ALL: Self = Self { first: *YEARS.start(), last: *YEARS.end(), step: 1 };
}

impl Years {
    /// Reads the field. Year ranges do not wrap.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let items: Option<Vec<Steps>> = text.split(',').filter(|item| !item.is_empty()).map(item).collect();
        items.filter(|items| !items.is_empty()).map(Self)
    }

    pub(super) fn all() -> Self {
        Self(vec![Steps::ALL])
    }

    pub(super) fn is_all(&self) -> bool {
        self.0.contains(&Steps::ALL)
    }

    pub(super) fn items(&self) -> &[Steps] {
        &self.0
    }

    /// Whether a year within [`YEARS`] is meant.
    pub(super) fn contains(&self, year: u32) -> bool {
        let meant = |years: &Steps| {
            (years.first..=years.last).contains(&year) && (year - years.first).is_multiple_of(years.step)
        };
        self.0.iter().any(meant)
    }
}

fn item(item: &str) -> Option<Steps> {
    let (base, step) = match item.split_once('/') {
        Some((base, step)) => (base, Some(number(step).filter(|step| (1..=WRITTEN_MAX).contains(step))?)),
        None => (item, None),
    };
    let (first, last) = match base.split_once('-') {
        Some((first, last)) => (year(first)?, year(last)?),
        None if base == "*" => (Steps::ALL.first, Steps::ALL.last),
        None => {
            let first = year(base)?;
            (first, if step.is_some() { Steps::ALL.last.max(first) } else { first })
        }
    };
    (first <= last).then_some(Steps { first, last, step: step.unwrap_or(1) })
}

fn year(text: &str) -> Option<u32> {
    number(text).filter(|&year| year <= WRITTEN_MAX)
}

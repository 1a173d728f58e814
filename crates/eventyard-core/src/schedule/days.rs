//! The two day fields, of which exactly one is used, and the days of a month that it means.

use chrono::{Datelike, NaiveDate};

use super::field::{Field, Set, number};

/// The days on which a cron expression fires. Days of the week are numbered from 1, Sunday, to 7, Saturday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Days {
    /// These days of the month; months without one of them do without.
    OfMonth(Set),
    /// `L`: the last day of the month.
    Last,
    /// `LW`: the last Monday to Friday of the month.
    LastWeekday,
    /// `15W`: the Monday to Friday that is nearest to this day and in its month.
    NearestWeekday(u32),
    /// These days of the week.
    OfWeek(Set),
    /// `6L`: the last Friday of the month.
    LastOfWeek(u32),
    /// `3#2`: the second Tuesday of the month.
    NthOfWeek(u32, u32),
}

impl Days {
    /// Reads both fields, in capitals. Exactly one of them is `?`.
    pub(super) fn parse(day_of_month: &str, day_of_week: &str) -> Option<Self> {
        match (day_of_month, day_of_week) {
            ("?", "?") => None,
            (field, "?") => Self::of_month(field),
            ("?", field) => Self::of_week(field),
            _ => None,
        }
    }

    fn of_month(field: &str) -> Option<Self> {
        match (field, field.strip_suffix('W')) {
            ("L", _) => Some(Self::Last),
            (_, Some("L")) => Some(Self::LastWeekday),
            (_, Some(day)) => Field::DaysOfMonth.value(day).map(Self::NearestWeekday),
            _ => Field::DaysOfMonth.set(field).map(Self::OfMonth),
        }
    }

    fn of_week(field: &str) -> Option<Self> {
        if let Some((day, nth)) = field.split_once('#') {
            let nth = number(nth).filter(|nth| (1..=5).contains(nth))?;
            return Field::DaysOfWeek.value(day).map(|day| Self::NthOfWeek(day, nth));
        }
        match field.strip_suffix('L') {
            // Alone it is no day of the month but the last of the week, every week.
            Some("") => Some(Self::OfWeek(Set::from_iter([7]))),
            Some(day) => Field::DaysOfWeek.value(day).map(Self::LastOfWeek),
            None => Field::DaysOfWeek.set(field).map(Self::OfWeek),
        }
    }

    /// The days of this month that are meant. `None` when there is no such month.
    pub(super) fn in_month(self, year: i32, month: u32) -> Option<Set> {
        let first = NaiveDate::from_ymd_opt(year, month, 1)?;
        let last = u32::from(first.num_days_in_month());
        // 0 for Sunday, as the sum below starts from it.
        let first_weekday = first.weekday().num_days_from_sunday();
        let weekday = |day: u32| (first_weekday + day - 1) % 7 + 1;
        Some(match self {
            Self::OfMonth(days) => days.iter().filter(|&day| day <= last).collect(),
            Self::Last => Set::from_iter([last]),
            Self::LastWeekday => Set::from_iter([nearest_weekday(last, last, weekday)]),
            Self::NearestWeekday(day) if day > last => Set::default(),
            Self::NearestWeekday(day) => Set::from_iter([nearest_weekday(day, last, weekday)]),
            Self::OfWeek(days) => (1..=last).filter(|&day| days.contains(weekday(day))).collect(),
            Self::LastOfWeek(wanted) => (last - 6..=last).filter(|&day| weekday(day) == wanted).collect(),
            Self::NthOfWeek(wanted, nth) => {
                (7 * nth - 6..=7 * nth).filter(|&day| day <= last && weekday(day) == wanted).collect()
            }
        })
    }
}

/// The Monday to Friday nearest to `day` that is in the same month, whose days go from 1 to `last`.
fn nearest_weekday(day: u32, last: u32, weekday: impl Fn(u32) -> u32) -> u32 {
    match weekday(day) {
        1 if day == last => day - 2,
        1 => day + 1,
        7 if day == 1 => day + 2,
        7 => day - 1,
        _ => day,
    }
}

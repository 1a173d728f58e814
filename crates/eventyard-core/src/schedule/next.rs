//! The next firing of a cron expression: month by month over the wall clock, then into UTC.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeDelta, Timelike, Utc};

use super::Timezone;
use super::cron::Cron;
use super::years::YEARS;

/// The first firing after `after`.
///
/// Bounded: each step looks at the months left until 2199 at most, and steps repeat only for wall clock minutes that are
/// skipped or come twice where the clock was changed.
pub(super) fn next_after(cron: &Cron, after: DateTime<Utc>, zone: Timezone) -> Option<DateTime<Utc>> {
    // First passes are in the order of the wall clock, so nothing up to the present minute can be due after now.
    let mut local = following_minute(zone.wall_clock(after))?;
    loop {
        local = next_local(cron, local)?;
        match zone.first_pass(local) {
            Some(due) if due > after => return Some(due),
            _ => local = following_minute(local)?,
        }
    }
}

/// The first wall clock minute from `from` on that the expression means.
pub(super) fn next_local(cron: &Cron, from: NaiveDateTime) -> Option<NaiveDateTime> {
    let today = from.date();
    let day = next_day(cron, today)?;
    if day != today {
        return first_time(cron, day, 0, 0);
    }
    first_time(cron, day, from.hour(), from.minute())
        .or_else(|| first_time(cron, next_day(cron, today.succ_opt()?)?, 0, 0))
}

/// The first time on `day` that is at or after this hour and minute.
fn first_time(cron: &Cron, day: NaiveDate, hour: u32, minute: u32) -> Option<NaiveDateTime> {
    let within_hour = cron.minutes.first_from(minute).filter(|_| cron.hours.contains(hour));
    let (hour, minute) = match within_hour {
        Some(minute) => (hour, minute),
        None => (cron.hours.first_from(hour + 1)?, cron.minutes.first_from(0)?),
    };
    day.and_hms_opt(hour, minute, 0)
}

/// The first day from `from` on that the expression means.
fn next_day(cron: &Cron, from: NaiveDate) -> Option<NaiveDate> {
    let this_month = (from.year(), from.month());
    let first_year = u32::try_from(from.year()).unwrap_or_default().max(*YEARS.start());
    for year in (first_year..=*YEARS.end()).filter(|&year| cron.years.contains(year)) {
        let year = i32::try_from(year).ok()?;
        for month in cron.months.iter().filter(|&month| (year, month) >= this_month) {
            let earliest = if (year, month) == this_month { from.day() } else { 1 };
            if let Some(day) = cron.days.in_month(year, month)?.first_from(earliest) {
                return NaiveDate::from_ymd_opt(year, month, day);
            }
        }
    }
    None
}

fn following_minute(local: NaiveDateTime) -> Option<NaiveDateTime> {
    local.with_second(0)?.with_nanosecond(0)?.checked_add_signed(TimeDelta::minutes(1))
}

//! A cron expression in words.

use super::cron::Cron;
use super::days::Days;
use super::field::Set;
use super::next::next_local;
use super::years::{Steps, Years};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS_OF_WEEK: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const ORDINALS: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];

/// So many times of a day are listed one by one.
const LISTED_TIMES_MAX: usize = 6;

/// Describes `cron`; `at 09:00 on the second Tuesday of the month`, for one.
pub(super) fn explain(cron: &Cron) -> String {
    let mut words = times(cron);
    words.push_str(&days(cron.days));
    if cron.months.len() < MONTHS.len() {
        words.push_str(" in ");
        words.push_str(&names(cron.months, &MONTHS));
    }
    if !cron.years.is_all() {
        words.push_str(&years(&cron.years));
    }
    if next_local(cron, chrono::NaiveDateTime::MIN).is_none() {
        words.push_str("; it never fires");
    }
    words
}

fn times(cron: &Cron) -> String {
    let (hours, minutes) = (cron.hours, cron.minutes);
    if hours.len() * minutes.len() <= LISTED_TIMES_MAX {
        let times = hours.iter().flat_map(|hour| minutes.iter().map(move |minute| format!("{hour:02}:{minute:02}")));
        return format!("at {}", join(&times.collect::<Vec<_>>()));
    }
    let minute = match minutes.len() {
        60 => "every minute".to_owned(),
        1 => format!("at minute {}", numbers(minutes)),
        _ => format!("at minutes {}", numbers(minutes)),
    };
    match hours.len() {
        24 if minutes.len() == 60 => minute,
        24 => format!("{minute} of every hour"),
        1 => format!("{minute} of hour {}", numbers(hours)),
        _ => format!("{minute} of hours {}", numbers(hours)),
    }
}

fn days(days: Days) -> String {
    let weekday = |day: u32| name(&DAYS_OF_WEEK, day);
    match days {
        Days::OfMonth(days) if days.len() == 31 => " every day".to_owned(),
        Days::OfWeek(days) if days.len() == 7 => " every day".to_owned(),
        Days::OfMonth(days) if days.len() == 1 => format!(" on day {} of the month", numbers(days)),
        Days::OfMonth(days) => format!(" on days {} of the month", numbers(days)),
        Days::Last => " on the last day of the month".to_owned(),
        Days::LastWeekday => " on the last Monday to Friday of the month".to_owned(),
        Days::NearestWeekday(day) => format!(" on the Monday to Friday nearest to day {day} of the month"),
        Days::OfWeek(days) => format!(" every {}", names(days, &DAYS_OF_WEEK)),
        Days::LastOfWeek(day) => format!(" on the last {} of the month", weekday(day)),
        Days::NthOfWeek(day, nth) => format!(" on the {} {} of the month", name(&ORDINALS, nth), weekday(day)),
    }
}

fn years(years: &Years) -> String {
    let spell = |years: &Steps| match (years.last - years.first, years.step) {
        (0, _) => years.first.to_string(),
        (_, 1) => format!("{} to {}", years.first, years.last),
        (_, step) => format!("{} to {} in steps of {step}", years.first, years.last),
    };
    format!(" in {}", join(&years.items().iter().map(spell).collect::<Vec<_>>()))
}

fn names(set: Set, names: &[&'static str]) -> String {
    spell_runs(set, |number| name(names, number).to_owned())
}

fn numbers(set: Set) -> String {
    spell_runs(set, |number| number.to_string())
}

fn spell_runs(set: Set, spell: impl Fn(u32) -> String) -> String {
    let spell_run = |(first, last): (u32, u32)| {
        if first == last { spell(first) } else { format!("{} to {}", spell(first), spell(last)) }
    };
    join(&runs(set).into_iter().map(spell_run).collect::<Vec<_>>())
}

/// The set as runs of three or more neighbours and single numbers, each with its first and last.
fn runs(set: Set) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for number in set.iter() {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let split = |(first, last): (u32, u32)| {
        if first + 1 == last { vec![(first, first), (last, last)] } else { vec![(first, last)] }
    };
    runs.into_iter().flat_map(split).collect()
}

/// The name of a number that counts from 1.
fn name(names: &[&'static str], number: u32) -> &'static str {
    names.get(number as usize - 1).copied().unwrap_or_default()
}

fn join(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [word] => word.clone(),
        [words @ .., last] => format!("{} and {last}", words.join(", ")),
    }
}

//! Cron expressions against a slow oracle, which goes through years minute by minute and asks of each one alone whether it
//! is meant. The oracle reads no text: expressions are made as values, which it judges and which are spelt for the parser.
#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Timelike, Utc};
use eventyard_core::schedule::{Dialect, ScheduleExpression, Timezone};
use proptest::prelude::*;

/// Firings compared for one expression, at most.
const FIRINGS: usize = 100;

#[derive(Debug, Clone, Copy)]
enum Item {
    Star { step: u32 },
    From { first: u32, step: u32 },
    One(u32),
    Range { first: u32, last: u32, step: u32 },
}

/// A list of items over the values `min` to `max`.
#[derive(Debug, Clone)]
struct Field {
    min: u32,
    max: u32,
    items: Vec<Item>,
}

impl Item {
    fn spell(self) -> String {
        match self {
            Self::Star { step: 1 } => "*".to_owned(),
            Self::Star { step } => format!("*/{step}"),
            Self::From { first, step } => format!("{first}/{step}"),
            Self::One(value) => value.to_string(),
            Self::Range { first, last, step: 1 } => format!("{first}-{last}"),
            Self::Range { first, last, step } => format!("{first}-{last}/{step}"),
        }
    }

    fn means(self, value: u32, min: u32, max: u32) -> bool {
        match self {
            Self::Star { step } => (value - min).is_multiple_of(step),
            Self::From { first, step } => value >= first && (value - first).is_multiple_of(step),
            Self::One(one) => value == one,
            Self::Range { first, last, step } => {
                // How far up from `first` one goes to get there, round the end if need be.
                let round = max - min + 1;
                let way = |to: u32| (to + round - first) % round;
                way(value) <= way(last) && way(value).is_multiple_of(step)
            }
        }
    }
}

impl Field {
    fn spell(&self) -> String {
        self.items.iter().map(|item| item.spell()).collect::<Vec<_>>().join(",")
    }

    fn means(&self, value: u32) -> bool {
        self.items.iter().any(|item| item.means(value, self.min, self.max))
    }
}

fn field(min: u32, max: u32) -> impl Strategy<Value = Field> {
    let value = min..=max;
    let step = prop_oneof![Just(1), 1..=max];
    let item = prop_oneof![
        2 => step.clone().prop_map(|step| Item::Star { step }),
        1 => (value.clone(), step.clone()).prop_map(|(first, step)| Item::From { first, step }),
        3 => value.clone().prop_map(Item::One),
        2 => (value.clone(), value, step).prop_map(|(first, last, step)| Item::Range { first, last, step }),
    ];
    prop::collection::vec(item, 1..4).prop_map(move |items| Field { min, max, items })
}

#[derive(Debug, Clone)]
enum DayRule {
    OfMonth(Field),
    Last,
    LastWeekday,
    NearestWeekday(u32),
    OfWeek(Field),
    LastOfWeek(u32),
    NthOfWeek(u32, u32),
}

fn day_rule() -> impl Strategy<Value = DayRule> {
    prop_oneof![
        2 => field(1, 31).prop_map(DayRule::OfMonth),
        1 => Just(DayRule::Last),
        1 => Just(DayRule::LastWeekday),
        2 => (1..=31_u32).prop_map(DayRule::NearestWeekday),
        2 => field(1, 7).prop_map(DayRule::OfWeek),
        1 => (1..=7_u32).prop_map(DayRule::LastOfWeek),
        1 => (1..=7_u32, 1..=5_u32).prop_map(|(day, nth)| DayRule::NthOfWeek(day, nth)),
    ]
}

impl DayRule {
    /// The two day fields.
    fn spell(&self) -> (String, String) {
        let unused = "?".to_owned();
        match self {
            Self::OfMonth(days) => (days.spell(), unused),
            Self::Last => ("L".to_owned(), unused),
            Self::LastWeekday => ("LW".to_owned(), unused),
            Self::NearestWeekday(day) => (format!("{day}W"), unused),
            Self::OfWeek(days) => (unused, days.spell()),
            Self::LastOfWeek(day) => (unused, format!("{day}L")),
            Self::NthOfWeek(day, nth) => (unused, format!("{day}#{nth}")),
        }
    }

    fn means(&self, date: NaiveDate) -> bool {
        let weekday = date.weekday().number_from_sunday();
        let later = |days: u64| date.checked_add_days(Days::new(days)).filter(|later| later.month() == date.month());
        match self {
            Self::OfMonth(days) => days.means(date.day()),
            Self::Last => later(1).is_none(),
            Self::LastWeekday => works(date) && !(1..=31).filter_map(later).any(works),
            Self::NearestWeekday(day) => date.with_day(*day).is_some() && nearest(date, *day) == Some(date),
            Self::OfWeek(days) => days.means(weekday),
            Self::LastOfWeek(day) => weekday == *day && later(7).is_none(),
            Self::NthOfWeek(day, nth) => weekday == *day && (date.day() - 1) / 7 + 1 == *nth,
        }
    }
}

/// Whether it is a Monday to Friday.
fn works(date: NaiveDate) -> bool {
    (2..=6).contains(&date.weekday().number_from_sunday())
}

/// The Monday to Friday of the month of `date` that is nearest to `day`.
fn nearest(date: NaiveDate, day: u32) -> Option<NaiveDate> {
    (1..=31)
        .filter_map(|other| date.with_day(other))
        .filter(|&other| works(other))
        .min_by_key(|other| other.day().abs_diff(day))
}

#[derive(Debug, Clone)]
struct Expression {
    minutes: Field,
    hours: Field,
    days: DayRule,
    months: Field,
}

fn expression() -> impl Strategy<Value = Expression> {
    (field(0, 59), field(0, 23), day_rule(), field(1, 12)).prop_map(|(minutes, hours, days, months)| Expression {
        minutes,
        hours,
        days,
        months,
    })
}

impl Expression {
    fn spell(&self) -> String {
        let (day_of_month, day_of_week) = self.days.spell();
        let [minutes, hours, months] = [&self.minutes, &self.hours, &self.months].map(Field::spell);
        format!("cron({minutes} {hours} {day_of_month} {months} {day_of_week} *)")
    }

    fn means(&self, local: NaiveDateTime) -> bool {
        self.minutes.means(local.minute())
            && self.hours.means(local.hour())
            && self.months.means(local.month())
            && self.days.means(local.date())
    }

    /// The firings after `after` and up to `until`, by looking at every minute. A wall clock that is put back shows times
    /// that it has shown before; those do not fire again.
    fn walk(&self, zone: chrono_tz::Tz, after: DateTime<Utc>, until: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        let mut shown = NaiveDateTime::MIN;
        let mut firings = Vec::new();
        let mut now = after - TimeDelta::days(2);
        while now <= until && firings.len() < FIRINGS {
            let local = zone.from_utc_datetime(&now.naive_utc()).naive_local();
            if local > shown {
                shown = local;
                if now > after && self.means(local) {
                    firings.push(now);
                }
            }
            now += TimeDelta::minutes(1);
        }
        firings
    }
}

fn compare(expression: &Expression, zone: &str, after: DateTime<Utc>, days: i64) {
    let text = expression.spell();
    let parsed = ScheduleExpression::parse_as(Dialect::Rule, &text).unwrap();
    let timezone = Timezone::parse(zone).unwrap();
    let until = after + TimeDelta::days(days);
    let next = |after| parsed.next_after(after, after, Some(timezone)).filter(|&due| due <= until);
    let found: Vec<_> = std::iter::successors(next(after), |&last| next(last)).take(FIRINGS).collect();
    let expected = expression.walk(zone.parse().unwrap(), after, until);
    let differs = (0..FIRINGS).find(|&at| found.get(at) != expected.get(at));
    let at = differs.map(|at| (found.get(at), expected.get(at)));
    assert_eq!(at, None, "{text} in {zone} after {after}: found and expected firing {differs:?}");
}

/// A whole minute between 2023 and 2033.
fn moment() -> impl Strategy<Value = DateTime<Utc>> {
    (0..10 * 365 * 24 * 60_i64).prop_map(|minutes| {
        DateTime::parse_from_rfc3339("2023-01-01T00:00:00Z").unwrap().to_utc() + TimeDelta::minutes(minutes)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn firings_in_utc_are_those_of_the_oracle(expression in expression(), after in moment()) {
        compare(&expression, "UTC", after, 3 * 365);
    }

    #[test]
    fn firings_in_a_zone_are_those_of_the_oracle(
        expression in expression(),
        after in moment(),
        zone in prop::sample::select(vec!["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    ) {
        compare(&expression, zone, after, 400);
    }

    /// Close to the changes of the clock, where most expressions made at random do not fire.
    #[test]
    fn firings_around_a_change_of_the_clock_are_those_of_the_oracle(
        minutes in field(0, 59),
        hours in field(0, 4),
        change in prop::sample::select(vec![
            ("Europe/Berlin", "2026-03-29T01:00:00Z"),
            ("Europe/Berlin", "2026-10-25T01:00:00Z"),
            ("America/New_York", "2026-03-08T07:00:00Z"),
            ("America/New_York", "2026-11-01T06:00:00Z"),
            ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
            ("Australia/Lord_Howe", "2026-10-03T15:30:00Z"),
            ("America/Sao_Paulo", "2018-11-04T03:00:00Z"),
            ("America/Sao_Paulo", "2018-02-18T02:00:00Z"),
            ("Pacific/Apia", "2011-12-30T10:00:00Z"),
            ("Africa/Casablanca", "2026-02-15T02:00:00Z"),
        ]),
        before in 0..48 * 60_i64,
    ) {
        // Steps and wrapping ranges are those of the narrow field, so they are spelt out for the real one.
        let listed: Vec<Item> = (0..=4).filter(|&hour| hours.means(hour)).map(Item::One).collect();
        let expression = Expression {
            minutes,
            hours: Field { min: 0, max: 23, items: listed },
            days: DayRule::OfMonth(Field { min: 1, max: 31, items: vec![Item::Star { step: 1 }] }),
            months: Field { min: 1, max: 12, items: vec![Item::Star { step: 1 }] },
        };
        let after = DateTime::parse_from_rfc3339(change.1).unwrap().to_utc() - TimeDelta::minutes(before);
        compare(&expression, change.0, after, 4);
    }
}

proptest! {
    #[test]
    fn nothing_panics_and_whatever_is_due_is_later(
        text in r"(cron|rate|at)\(([0-9*?LW#/, -]|MON|JAN|minutes|T|:){0,24}\)|.{0,40}",
        after in any::<i64>(),
        anchor in any::<i64>(),
    ) {
        let moment = |seconds: i64| DateTime::from_timestamp(seconds % 400_000_000_000, 0).unwrap();
        for dialect in [Dialect::Rule, Dialect::Scheduler] {
            let Ok(expression) = ScheduleExpression::parse_as(dialect, &text) else { continue };
            prop_assert_eq!(expression.text(), &text);
            prop_assert!(!expression.explain().is_empty());
            for zone in [None, Some(Timezone::parse("Europe/Berlin").unwrap())] {
                let due = expression.next_after(moment(after), moment(anchor), zone);
                prop_assert!(due.is_none_or(|due| due > moment(after)));
            }
        }
    }
}

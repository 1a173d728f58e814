//! When a rule fires by itself: `ScheduleExpression`, that is `rate(…)`, `cron(…)` and, where asked for, `at(…)`.
//!
//! Amazon's cron is the Quartz library's, with a year field and without seconds; so Quartz decides what Amazon leaves
//! unsaid, except where Amazon documents otherwise or Quartz is plainly broken. All is pure: [`next_after`] answers from its
//! arguments alone, and in bounded time, since no cron expression fires after 2199.
//!
//! # Time zones (not Amazon's for rules)
//! Rules run in UTC. With a [`Timezone`] the fields of a cron expression are wall clock time there, as in EventBridge
//! Scheduler: a wall clock time that is skipped in spring does not fire that day, one that comes twice in autumn fires at its
//! first pass only. A rate is an interval and knows no zone: a day is 24 hours. A one-time `at(…)` that falls into a gap
//! would be lost, so it fires as much later as the clock was put forward.
//!
//! The rules of the zones are those of the IANA database compiled in, which looks ahead to the end of 2099; from then on a
//! zone keeps its last offset.
//!
//! # What Amazon leaves open for rules, and what is chosen here
//! * Refused: five fields, `CRON(…)` in capitals, more than one space in a rate, a rate above 2,147,483,647, a step of 0, a
//!   step without a base (`/15`), names longer than three letters, `L-3`, `W` in a list, several `#` or `#` in a list.
//! * Accepted: leading zeros, white space right inside the parentheses of `cron(…)`, empty list items, `*` in a list, names
//!   and numbers mixed in a range, a step behind names (`MON-FRI/2` is Monday, Wednesday, Friday).
//! * Any year up to 9999 is accepted; years before 1970 and after 2199 never fire.
//! * `29W` to `31W` do not fire in months without that day.
//! * A rate first fires one interval after its anchor, the creation of the rule, and then at multiples of it. Fractions of a
//!   second of the anchor are dropped, since the event carries whole seconds.
//!
//! [`next_after`]: ScheduleExpression::next_after

mod at;
mod cron;
mod days;
mod explain;
mod field;
mod next;
mod options;
mod rate;
mod rule_schedule;
mod years;
mod zone;

use std::fmt;

use chrono::{DateTime, NaiveDateTime, Utc};

pub use options::{CatchUp, JITTER_SECONDS_MAX, ScheduleOptions};
pub use rule_schedule::{CatchUpPolicy, Firing, Firings, RuleSchedule};
pub use zone::{InvalidTimezone, Timezone};

use cron::Cron;
use rate::Rate;

/// The longest `ScheduleExpression`, in characters (Amazon's).
pub const SCHEDULE_EXPRESSION_LENGTH_MAX: usize = 256;

/// A valid schedule expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleExpression {
    text: Box<str>,
    schedule: Schedule,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Schedule {
    Rate(Rate),
    Cron(Box<Cron>),
    At(NaiveDateTime),
}

/// Which of Amazon's two grammars an expression is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// That of `PutRule`: `rate(…)` and six-field `cron(…)`.
    Rule,
    /// That of EventBridge Scheduler, which takes more: one-time `at(…)`, `cron(…)` without its year, `rate(…)` without its
    /// space and with either number of the unit, and the three words in capitals.
    Scheduler,
}

/// Why a schedule expression is refused. Amazon gives no reason either.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidScheduleExpression {
    /// Not an expression that rules take.
    #[error("Parameter ScheduleExpression is not valid.")]
    Rule,
    /// Not an expression that EventBridge Scheduler takes.
    #[error("Invalid Schedule Expression {text}.")]
    Scheduler {
        /// The expression as it was given.
        text: String,
    },
}

impl ScheduleExpression {
    /// Reads an expression as `PutRule` does.
    ///
    /// # Errors
    /// Always the same one, whatever is wrong.
    pub fn parse(text: &str) -> Result<Self, InvalidScheduleExpression> {
        Self::parse_as(Dialect::Rule, text)
    }

    /// Reads an expression of the given dialect.
    ///
    /// # Errors
    /// When it is not of that dialect.
    pub fn parse_as(dialect: Dialect, text: &str) -> Result<Self, InvalidScheduleExpression> {
        match schedule(dialect, text) {
            Some(schedule) => Ok(Self { text: text.into(), schedule }),
            None if dialect == Dialect::Rule => Err(InvalidScheduleExpression::Rule),
            None => Err(InvalidScheduleExpression::Scheduler { text: text.to_owned() }),
        }
    }

    /// The expression as it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The first firing strictly after `after`, or `None` when there is none any more.
    ///
    /// `anchor` is when the rule was created or its expression last changed; only rates look at it. `zone` is where the
    /// fields of a cron expression and the time of a one-time expression are wall clock time; `None` is UTC.
    ///
    /// Cron expressions fire at whole minutes from 1970 to 2199, rates at whole seconds up to the year 9999.
    #[must_use]
    pub fn next_after(
        &self,
        after: DateTime<Utc>,
        anchor: DateTime<Utc>,
        zone: Option<Timezone>,
    ) -> Option<DateTime<Utc>> {
        let zone = zone.unwrap_or_default();
        match &self.schedule {
            Schedule::Rate(rate) => rate.next_after(after, anchor),
            Schedule::Cron(cron) => next::next_after(cron, after, zone),
            Schedule::At(local) => zone.moment(*local).filter(|&moment| moment > after),
        }
    }

    /// Whether it fires at times of a wall clock, so that the zone matters. A rate does not: it is counted from its anchor.
    #[must_use]
    pub fn has_wall_clock(&self) -> bool {
        match self.schedule {
            Schedule::Rate(_) => false,
            Schedule::Cron(_) | Schedule::At(_) => true,
        }
    }

    /// The expression in words, such as `every 5 minutes` or `at 08:00 on the last day of the month`.
    #[must_use]
    pub fn explain(&self) -> String {
        match &self.schedule {
            Schedule::Rate(rate) => rate.explain(),
            Schedule::Cron(cron) => explain::explain(cron),
            Schedule::At(local) => format!("once, at {}", local.format("%Y-%m-%d %H:%M:%S")),
        }
    }
}

impl fmt::Display for ScheduleExpression {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

fn schedule(dialect: Dialect, text: &str) -> Option<Schedule> {
    if text.chars().nth(SCHEDULE_EXPRESSION_LENGTH_MAX).is_some() {
        return None;
    }
    let (word, rest) = text.split_once('(')?;
    let body = rest.strip_suffix(')')?;
    let word = if dialect == Dialect::Scheduler { word.to_ascii_lowercase() } else { word.to_owned() };
    match (word.as_str(), dialect) {
        ("rate", _) => Rate::parse(dialect, body).map(Schedule::Rate),
        ("cron", _) => Cron::parse(dialect, body).map(|cron| Schedule::Cron(Box::new(cron))),
        ("at", Dialect::Scheduler) => at::parse(body).map(Schedule::At),
        _ => None,
    }
}

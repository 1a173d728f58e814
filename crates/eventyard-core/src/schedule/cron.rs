//! `cron(minutes hours day-of-month month day-of-week year)`, checked and compiled.

use super::Dialect;
use super::days::Days;
use super::field::{Field, Set};
use super::years::Years;

/// A compiled cron expression: sets to look a wall clock time up in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cron {
    /// Never empty; so are the hours and months.
    pub(super) minutes: Set,
    pub(super) hours: Set,
    pub(super) days: Days,
    pub(super) months: Set,
    pub(super) years: Years,
}

impl Cron {
    /// Reads what stands between the parentheses.
    pub(super) fn parse(dialect: Dialect, body: &str) -> Option<Self> {
        let body = body.to_ascii_uppercase();
        let fields: Vec<&str> = body.split([' ', '\t']).filter(|field| !field.is_empty()).collect();
        let (fields, years) = match *fields.as_slice() {
            [minutes, hours, day_of_month, months, day_of_week, years] => {
                ([minutes, hours, day_of_month, months, day_of_week], Years::parse(years)?)
            }
            [minutes, hours, day_of_month, months, day_of_week] if dialect == Dialect::Scheduler => {
                ([minutes, hours, day_of_month, months, day_of_week], Years::all())
            }
            _ => return None,
        };
        let [minutes, hours, day_of_month, months, day_of_week] = fields;
        Some(Self {
            minutes: Field::Minutes.set(minutes)?,
            hours: Field::Hours.set(hours)?,
            days: Days::parse(day_of_month, day_of_week)?,
            months: Field::Months.set(months)?,
            years,
        })
    }
}

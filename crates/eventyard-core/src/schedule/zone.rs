//! Time zones, and how wall clock time becomes a moment.

use std::fmt;

use chrono::{DateTime, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// A time zone of the IANA database, such as `Europe/Berlin`. The default is UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timezone(Tz);

/// The text names no time zone of the IANA database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} is not a time zone of the IANA database, such as Europe/Berlin")]
pub struct InvalidTimezone {
    /// The text as it was given.
    name: String,
}

impl Default for Timezone {
    fn default() -> Self {
        Self(Tz::UTC)
    }
}

impl fmt::Display for Timezone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0.name())
    }
}

impl Timezone {
    /// Looks up a zone by its name, which is case sensitive.
    ///
    /// # Errors
    /// When there is no such zone.
    pub fn parse(name: &str) -> Result<Self, InvalidTimezone> {
        name.parse().map(Self).map_err(|_| InvalidTimezone { name: name.to_owned() })
    }

    /// What the wall clock shows at `moment`.
    pub(super) fn wall_clock(self, moment: DateTime<Utc>) -> NaiveDateTime {
        moment.with_timezone(&self.0).naive_local()
    }

    /// When the wall clock first shows `local`. `None` when it never does, because it was put forward over it.
    pub(super) fn first_pass(self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        self.0.from_local_datetime(&local).earliest().map(|moment| moment.with_timezone(&Utc))
    }

    /// As [`first_pass`](Self::first_pass), but a time that the clock was put forward over counts as if it had not been.
    pub(super) fn moment(self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        self.first_pass(local).or_else(|| {
            // Offsets stay below a day, so a day earlier the change is still to come.
            let before = local.checked_sub_signed(TimeDelta::days(1))?;
            let offset = self.0.offset_from_utc_datetime(&before).fix();
            Some(local.checked_sub_offset(offset)?.and_utc())
        })
    }
}

//! What the tags of a rule say about its schedule, beyond what Amazon's rules can.

use std::time::Duration;

use super::Timezone;
use crate::error::ServiceError;
use crate::tag::Tags;

/// The tags that begin with this are eventyard's; one that is not known is refused.
pub const OPTION_TAG_PREFIX: &str = "eventyard:";

const TIMEZONE: &str = "eventyard:timezone";
const CATCH_UP: &str = "eventyard:catch-up";
const JITTER_SECONDS: &str = "eventyard:jitter-seconds";

/// The longest that a firing may be put off by chance, in seconds.
pub const JITTER_SECONDS_MAX: u32 = 3_600;

/// What becomes of firings that were missed, because the daemon was down or the clock was put forward.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CatchUp {
    /// They are not made up for.
    Skip,
    /// The last one is made up for.
    #[default]
    Last,
    /// All are made up for, in their order.
    All,
}

impl CatchUp {
    /// Reads its name: `skip`, `last` or `all`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "skip" => Some(Self::Skip),
            "last" => Some(Self::Last),
            "all" => Some(Self::All),
            _ => None,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Last => "last",
            Self::All => "all",
        }
    }
}

/// How a rule's schedule differs from what Amazon's rules do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScheduleOptions {
    /// `eventyard:timezone`: where the expression's fields are wall clock time. None is UTC, and the language of `PutRule`.
    pub timezone: Option<Timezone>,
    /// `eventyard:catch-up`; none means what the daemon is configured to do.
    pub catch_up: Option<CatchUp>,
    /// `eventyard:jitter-seconds`: each firing is put off by a time drawn between nothing and this one, in whole seconds
    /// up to [`JITTER_SECONDS_MAX`].
    pub jitter: Duration,
}

impl ScheduleOptions {
    /// Reads the tags of a rule.
    ///
    /// # Errors
    /// A `ValidationException` that names the tag, for a value that cannot be read, or a key of eventyard's that is not
    /// known: a mistyped option must not be taken for somebody's note.
    pub fn from_tags(tags: &Tags) -> Result<Self, ServiceError> {
        let mut options = Self::default();
        for (key, value) in tags.iter().filter(|(key, _)| key.starts_with(OPTION_TAG_PREFIX)) {
            let wrong = |reason: &str| {
                ServiceError::validation(format!("Parameter Tags is not valid. Reason: {key} {reason}."))
            };
            match key {
                TIMEZONE => {
                    let zone = Timezone::parse(value);
                    options.timezone = Some(zone.map_err(|error| wrong(&format!("is not valid: {error}")))?);
                }
                CATCH_UP => {
                    options.catch_up = Some(CatchUp::parse(value).ok_or_else(|| wrong("must be skip, last or all"))?);
                }
                JITTER_SECONDS => {
                    let seconds = value.parse().ok().filter(|seconds: &u32| *seconds <= JITTER_SECONDS_MAX);
                    let seconds = seconds.ok_or_else(|| wrong(&format!("must be 0 to {JITTER_SECONDS_MAX}")))?;
                    options.jitter = Duration::from_secs(seconds.into());
                }
                _ => {
                    let known = [TIMEZONE, CATCH_UP, JITTER_SECONDS].join(", ");
                    return Err(wrong(&format!("is not known; there are {known}")));
                }
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<ScheduleOptions, String> {
        let tags = Tags::parse(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))).unwrap();
        ScheduleOptions::from_tags(&tags).map_err(|error| error.message)
    }

    #[test]
    fn tags_are_read() {
        assert_eq!(read(&[("team", "eventyard:blue")]), Ok(ScheduleOptions::default()));
        let options = read(&[(TIMEZONE, "Europe/Berlin"), (CATCH_UP, "all"), (JITTER_SECONDS, "3600")]).unwrap();
        assert_eq!(options.timezone, Some(Timezone::parse("Europe/Berlin").unwrap()));
        assert_eq!((options.catch_up, options.jitter), (Some(CatchUp::All), Duration::from_secs(3_600)));
        for policy in [CatchUp::Skip, CatchUp::Last, CatchUp::All] {
            assert_eq!(CatchUp::parse(policy.name()), Some(policy));
        }
    }

    #[test]
    fn wrong_tags_are_named() {
        let wrong = [
            (TIMEZONE, "Mars/Olympus", "is not valid: Mars/Olympus is not a time zone"),
            (CATCH_UP, "none", "must be skip, last or all"),
            (JITTER_SECONDS, "3601", "must be 0 to 3600"),
            (JITTER_SECONDS, "-1", "must be 0 to 3600"),
            (JITTER_SECONDS, "", "must be 0 to 3600"),
            ("eventyard:time-zone", "UTC", "is not known; there are eventyard:timezone"),
        ];
        for (key, value, reason) in wrong {
            let message = read(&[(key, value)]).unwrap_err();
            assert!(message.contains(&format!("{key} {reason}")), "{message}");
        }
    }
}

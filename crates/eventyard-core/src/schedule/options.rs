//! What the tags of a rule say about its schedule, beyond what Amazon's rules can.

use std::time::Duration;

use super::Timezone;
use crate::error::ServiceError;
use crate::option_tag::OptionTag;

const TIMEZONE: &str = "timezone";
const CATCH_UP: &str = "catch-up";
const JITTER_SECONDS: &str = "jitter-seconds";

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
    /// The names of its tags.
    pub const NAMES: &'static [&'static str] = &[TIMEZONE, CATCH_UP, JITTER_SECONDS];

    /// Takes what one tag says; false when it is none of these.
    ///
    /// # Errors
    /// A `ValidationException` that names the tag, for a value that cannot be read, or when it is for one target.
    pub fn take(&mut self, tag: &OptionTag<'_>) -> Result<bool, ServiceError> {
        match tag.name() {
            TIMEZONE => {
                let zone = Timezone::parse(tag.value());
                self.timezone = Some(zone.map_err(|error| tag.wrong(&format!("is not valid: {error}")))?);
            }
            CATCH_UP => {
                let catch_up = CatchUp::parse(tag.value());
                self.catch_up = Some(catch_up.ok_or_else(|| tag.wrong("must be skip, last or all"))?);
            }
            JITTER_SECONDS => self.jitter = Duration::from_secs(tag.number(0..=JITTER_SECONDS_MAX)?.into()),
            _ => return Ok(false),
        }
        if tag.target().is_some() {
            return Err(tag.wrong("is for the rule as a whole, not for one target"));
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule_options::RuleOptions;
    use crate::tag::Tags;

    fn read(pairs: &[(&str, &str)]) -> Result<ScheduleOptions, String> {
        let pairs = pairs.iter().map(|(name, value)| (format!("eventyard:{name}"), (*value).to_owned()));
        let options = RuleOptions::from_tags(&Tags::parse(pairs).unwrap());
        options.map(|options| options.schedule).map_err(|error| error.message)
    }

    #[test]
    fn tags_are_read() {
        assert_eq!(read(&[]), Ok(ScheduleOptions::default()));
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
            ("timezone/one", "UTC", "is for the rule as a whole, not for one target"),
        ];
        for (name, value, reason) in wrong {
            let message = read(&[(name, value)]).unwrap_err();
            assert!(message.contains(&format!("eventyard:{name} {reason}")), "{message}");
        }
    }
}

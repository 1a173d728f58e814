//! What the option tags of a rule say: about its schedule, and about how its targets are delivered to.

use crate::delivery_options::{DeliveryOptions, DeliveryOptionsByTarget};
use crate::error::ServiceError;
use crate::option_tag::OptionTag;
use crate::schedule::ScheduleOptions;
use crate::tag::Tags;

/// All options of a rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleOptions {
    /// How its schedule runs.
    pub schedule: ScheduleOptions,
    /// How its targets are delivered to.
    pub delivery: DeliveryOptionsByTarget,
}

impl RuleOptions {
    /// Reads the tags of a rule.
    ///
    /// # Errors
    /// A `ValidationException` that names the tag, for a value that cannot be read or an option that is not known.
    pub fn from_tags(tags: &Tags) -> Result<Self, ServiceError> {
        let mut options = Self::default();
        for tag in OptionTag::all(tags) {
            let tag = tag?;
            if !options.schedule.take(&tag)? && !options.delivery.take(&tag)? {
                return Err(tag.unknown(&[ScheduleOptions::NAMES, DeliveryOptions::NAMES].concat()));
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(key: &str) -> String {
        let tags = Tags::parse([(key.to_owned(), "1".to_owned())]).unwrap();
        RuleOptions::from_tags(&tags).unwrap_err().message
    }

    #[test]
    fn what_is_no_option_is_left_alone() {
        let tags = [("team", "eventyard:blue"), ("eventyard", "1"), ("Eventyard:paused", "perhaps")];
        let tags = Tags::parse(tags.map(|(key, value)| (key.to_owned(), value.to_owned()))).unwrap();
        assert_eq!(RuleOptions::from_tags(&tags), Ok(RuleOptions::default()));
    }

    #[test]
    fn an_unknown_option_is_refused_with_the_nearest_and_with_all() {
        let message = refusal("eventyard:concurency/orders");
        let expected = "Parameter Tags is not valid. Reason: eventyard:concurency/orders is not known; the nearest name is \
                        eventyard:concurrency, and there are eventyard:timezone, eventyard:catch-up, ";
        assert!(message.starts_with(expected), "{message}");
        assert!(refusal("eventyard:").contains("is not known"));
        assert!(refusal("eventyard:concurrency/").contains("has no id of a target behind its /"));
        assert!(refusal("eventyard:concurrency/a/b").contains("has no id of a target behind its /"));
    }
}

//! A dead letter: a delivery that was given up, with all that is needed to see why and to send it again.

use crate::clock::Timestamp;
use crate::event::Event;
use crate::retry::ExhaustedRetryCondition;

/// A delivery that was given up. The fields in capitals are Amazon's message attributes of a dead-letter queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The event, whole: a dead letter outlives the event's other copies. Absent when the journal could not give it.
    pub event: Option<Event>,
    /// When it was given up.
    pub died: Timestamp,
    /// `RULE_ARN`.
    pub rule_arn: String,
    /// The target's id within the rule.
    pub target_id: String,
    /// `TARGET_ARN`.
    pub target_arn: String,
    /// `ERROR_CODE`: see [`crate::delivery::AttemptOutcome::error_code`].
    pub error_code: String,
    /// `ERROR_MESSAGE`.
    pub error_message: String,
    /// `EXHAUSTED_RETRY_CONDITION`; absent when no retry would have helped.
    pub exhausted_retry_condition: Option<ExhaustedRetryCondition>,
    /// `RETRY_ATTEMPTS`: attempts after the first.
    pub retry_attempts: u32,
}

/// Which dead letters are meant; what is absent does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadLetterFilter {
    /// The rule: its ARN, or its name.
    pub rule: Option<String>,
    /// The target's id within the rule.
    pub target_id: Option<String>,
    /// The reason: an `ERROR_CODE`.
    pub error_code: Option<String>,
    /// Given up at this time or later.
    pub since: Option<Timestamp>,
    /// Given up before this time.
    pub until: Option<Timestamp>,
}

impl DeadLetterFilter {
    /// Whether it leaves nothing out.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it means this one.
    #[must_use]
    pub fn matches(&self, letter: &DeadLetter) -> bool {
        let rule = |rule: &String| {
            // The name stands behind the last slash; no name has a slash.
            *rule == letter.rule_arn || letter.rule_arn.rsplit_once('/').is_some_and(|(_, name)| name == rule)
        };
        self.rule.as_ref().is_none_or(rule)
            && self.target_id.as_ref().is_none_or(|id| *id == letter.target_id)
            && self.error_code.as_ref().is_none_or(|code| *code == letter.error_code)
            && self.since.is_none_or(|since| letter.died >= since)
            && self.until.is_none_or(|until| letter.died < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_means_what_fits_all_of_it() {
        let at = |milliseconds| Timestamp::from_millis(milliseconds).unwrap();
        let letter = DeadLetter {
            event: None,
            died: at(1_000),
            rule_arn: "arn:aws:events:us-east-1:000000000000:rule/bus/orders".into(),
            target_id: "t".into(),
            target_arn: "http://localhost/".into(),
            error_code: "TIMED_OUT".into(),
            error_message: String::new(),
            exhausted_retry_condition: None,
            retry_attempts: 0,
        };
        let all = DeadLetterFilter::default();
        assert!(all.is_everything() && all.matches(&letter));
        let some = |text: &str| Some(text.to_owned());
        let fitting = DeadLetterFilter {
            rule: some("orders"),
            target_id: some("t"),
            error_code: some("TIMED_OUT"),
            since: Some(at(1_000)),
            until: Some(at(1_001)),
        };
        assert!(fitting.matches(&letter) && !fitting.is_everything());
        assert!(DeadLetterFilter { rule: some(&letter.rule_arn), ..all.clone() }.matches(&letter));
        for other in [
            DeadLetterFilter { rule: some("order"), ..fitting.clone() },
            DeadLetterFilter { rule: some("bus/orders"), ..fitting.clone() },
            DeadLetterFilter { target_id: some("u"), ..fitting.clone() },
            DeadLetterFilter { error_code: some("THROTTLED"), ..fitting.clone() },
            DeadLetterFilter { since: Some(at(1_001)), ..fitting.clone() },
            DeadLetterFilter { until: Some(at(1_000)), ..fitting.clone() },
        ] {
            assert!(!other.matches(&letter), "{other:?}");
        }
    }
}

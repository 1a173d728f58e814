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

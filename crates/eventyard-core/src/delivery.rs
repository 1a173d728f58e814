//! A delivery: one event owed to one target, and how an attempt at it ended.

use crate::clock::Timestamp;
use crate::egress::ForbiddenAddress;
use crate::forwarding::ForwardError;
use crate::name::{EventNumber, TargetNumber};
use crate::retry_after::RetryAfter;
use crate::secret::redacted;

/// One event owed to one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The event.
    pub event: EventNumber,
    /// The target; through it, the rule.
    pub target: TargetNumber,
    /// Attempts made so far, all of them failed.
    pub attempts: u32,
}

/// How one attempt ended. The full space: what does not fit here is a bug, so there is no "other".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// The target took the event.
    Delivered,
    /// The target asked for less: HTTP 429.
    Throttled {
        /// The HTTP status.
        status: u16,
        /// The beginning of its answer.
        excerpt: String,
        /// When it asks to be tried again, if it says.
        retry_after: Option<RetryAfter>,
    },
    /// The target failed in a way that may pass: HTTP 5xx, 401, 407, 408, 409, 425.
    TargetFailed {
        /// The HTTP status.
        status: u16,
        /// The beginning of its answer.
        excerpt: String,
        /// When it asks to be tried again, if it says.
        retry_after: Option<RetryAfter>,
    },
    /// The target will never take this: any other HTTP status of 400 and above.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The beginning of its answer.
        excerpt: String,
    },
    /// The target pointed elsewhere: HTTP 3xx, never followed, lest events go where nobody configured.
    Redirected {
        /// The HTTP status.
        status: u16,
        /// Where it pointed.
        location: String,
    },
    /// The target answered what HTTP does not allow as a final answer: 1xx.
    Unintelligible {
        /// What came.
        reason: String,
    },
    /// A broker said that it will never take this.
    Rejected {
        /// What it said.
        reason: String,
    },
    /// A broker did not take this, for a reason that may pass.
    NotConfirmed {
        /// What it said.
        reason: String,
    },
    /// No connection, or it broke before the answer.
    ConnectionFailed {
        /// What the network said.
        reason: String,
    },
    /// No answer in time.
    TimedOut {
        /// Which wait ran out.
        waited_for: &'static str,
    },
    /// The target's input could not be made from this event, so there is nothing to send.
    InputFailed {
        /// What was wrong.
        reason: String,
    },
    /// The request could not be built from the target's definition and this event.
    RequestInvalid {
        /// What was wrong.
        reason: String,
    },
    /// The target is an event bus, and the event was not forwarded there.
    NotForwarded(ForwardError),
    /// There are no credentials to come with: no access key for an AWS service, no token for a URL.
    NoCredentials {
        /// Where they were looked for, and what to do.
        reason: String,
    },
    /// The target was removed, or its rule deleted, before the event could be delivered.
    TargetRemoved,
    /// The journal could not read the event this time.
    EventUnreadable {
        /// What failed.
        reason: String,
    },
    /// The event is not in the journal, or not in a form that can be read; it is lost.
    EventDamaged {
        /// Where it should be, and what is there.
        reason: String,
    },
    /// A bug in this program, which the log tells.
    InternalError,
    /// The target is at an address that no delivery may go to.
    AddressForbidden(ForbiddenAddress),
    /// The event grew too old while its target was left alone, so it was not sent.
    EventTooOld,
}

/// What an attempt tells about its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetHealth {
    /// It answered as targets do, be it that it refused this event.
    Healthy,
    /// It failed, or could not be reached.
    Failing,
    /// It failed, and asked not to be tried before this time.
    Busy(Timestamp),
    /// It asked for less: nothing before this time, if it said one.
    Throttled(Option<Timestamp>),
    /// Nothing: it was not reached, for a reason of ours.
    Unknown,
}

/// What an outcome means for the delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Done.
    Delivered,
    /// Worth another attempt, within the target's `RetryPolicy`.
    Retryable,
    /// The same, and the target is well: it only asked for less.
    Throttled,
    /// No attempt would ever succeed.
    Permanent,
}

impl AttemptOutcome {
    /// The outcome that an HTTP status tells.
    ///
    /// Which statuses are tried again follows Amazon's API destinations (401, 407, 409, 429 and 5xx), with 408 and 425
    /// added, which ask for it by their definition. `detail` is the `Location` of a redirect and otherwise the beginning
    /// of the answer. `retry_after` counts where the target may be tried again.
    #[must_use]
    pub fn from_http_status(status: u16, detail: String, retry_after: Option<RetryAfter>) -> Self {
        match status {
            200..=299 => Self::Delivered,
            300..=399 => Self::Redirected { status, location: detail },
            429 => Self::Throttled { status, excerpt: detail, retry_after },
            401 | 407 | 408 | 409 | 425 | 500..=599 => Self::TargetFailed { status, excerpt: detail, retry_after },
            400.. => Self::Refused { status, excerpt: detail },
            0..=199 => Self::Unintelligible { reason: format!("HTTP {status}") },
        }
    }

    /// Whether the delivery is done, may be tried again, or is lost.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Delivered => Verdict::Delivered,
            Self::Throttled { .. } => Verdict::Throttled,
            Self::TargetFailed { .. }
            | Self::Unintelligible { .. }
            | Self::NotConfirmed { .. }
            | Self::ConnectionFailed { .. }
            | Self::TimedOut { .. }
            | Self::NoCredentials { .. }
            | Self::EventUnreadable { .. }
            | Self::NotForwarded(ForwardError::NotWritten(_))
            | Self::InternalError => Verdict::Retryable,
            Self::Refused { .. }
            | Self::Rejected { .. }
            | Self::Redirected { .. }
            | Self::InputFailed { .. }
            | Self::RequestInvalid { .. }
            | Self::NotForwarded(_)
            | Self::AddressForbidden(_)
            | Self::TargetRemoved
            | Self::EventDamaged { .. }
            | Self::EventTooOld => Verdict::Permanent,
        }
    }

    /// What it tells about the target when the attempt ended at `now`.
    #[must_use]
    pub fn health(&self, now: Timestamp) -> TargetHealth {
        let asked = self.retry_after().map(|asked| asked.earliest(now));
        match self {
            Self::Throttled { .. } => TargetHealth::Throttled(asked),
            Self::Delivered | Self::Refused { .. } | Self::Rejected { .. } | Self::Redirected { .. } => {
                TargetHealth::Healthy
            }
            Self::NotConfirmed { .. }
            | Self::TargetFailed { .. }
            | Self::Unintelligible { .. }
            | Self::ConnectionFailed { .. }
            | Self::TimedOut { .. }
            | Self::NoCredentials { .. } => asked.map_or(TargetHealth::Failing, TargetHealth::Busy),
            Self::InputFailed { .. }
            | Self::RequestInvalid { .. }
            | Self::NotForwarded(_)
            | Self::AddressForbidden(_)
            | Self::TargetRemoved
            | Self::EventUnreadable { .. }
            | Self::EventDamaged { .. }
            | Self::InternalError
            | Self::EventTooOld => TargetHealth::Unknown,
        }
    }

    /// The same, in whose text none of these secrets stands that the target may have repeated.
    #[must_use]
    pub fn without(mut self, secrets: &[&str]) -> Self {
        let text = match &mut self {
            Self::Throttled { excerpt: text, .. }
            | Self::TargetFailed { excerpt: text, .. }
            | Self::Refused { excerpt: text, .. }
            | Self::Redirected { location: text, .. }
            | Self::Unintelligible { reason: text }
            | Self::Rejected { reason: text }
            | Self::NotConfirmed { reason: text }
            | Self::ConnectionFailed { reason: text }
            | Self::InputFailed { reason: text }
            | Self::RequestInvalid { reason: text }
            | Self::NoCredentials { reason: text }
            | Self::EventUnreadable { reason: text }
            | Self::EventDamaged { reason: text } => text,
            Self::Delivered
            | Self::TimedOut { .. }
            | Self::NotForwarded(_)
            | Self::TargetRemoved
            | Self::InternalError
            | Self::AddressForbidden(_)
            | Self::EventTooOld => return self,
        };
        *text = redacted(text, secrets);
        self
    }

    /// When the target asks to be tried again, if it does.
    #[must_use]
    pub fn retry_after(&self) -> Option<RetryAfter> {
        match self {
            Self::Throttled { retry_after, .. } | Self::TargetFailed { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The `ERROR_CODE` of a dead letter, also the label of the outcome in logs and metrics.
    #[must_use]
    pub fn error_code(&self) -> &'static str {
        match self {
            Self::Delivered => "DELIVERED",
            Self::Throttled { .. } => "THROTTLED",
            Self::TargetFailed { .. } | Self::NotConfirmed { .. } => "TARGET_FAILED",
            Self::Refused { .. } | Self::Rejected { .. } => "REFUSED_BY_TARGET",
            Self::Redirected { .. } => "REDIRECTED",
            Self::Unintelligible { .. } => "UNINTELLIGIBLE_ANSWER",
            Self::ConnectionFailed { .. } => "CONNECTION_FAILED",
            Self::TimedOut { .. } => "TIMED_OUT",
            Self::InputFailed { .. } => "INPUT_FAILED",
            Self::RequestInvalid { .. } => "REQUEST_INVALID",
            Self::NotForwarded(error) => error.code(),
            Self::NoCredentials { .. } => "NO_CREDENTIALS",
            Self::AddressForbidden(_) => "ADDRESS_FORBIDDEN",
            Self::TargetRemoved => "TARGET_REMOVED",
            Self::EventUnreadable { .. } => "EVENT_UNREADABLE",
            Self::EventDamaged { .. } => "EVENT_DAMAGED",
            Self::InternalError => "INTERNAL_ERROR",
            Self::EventTooOld => "EVENT_TOO_OLD",
        }
    }

    /// What happened, in a sentence for an operator.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::Delivered => "delivered".to_owned(),
            Self::Throttled { status, excerpt, .. }
            | Self::TargetFailed { status, excerpt, .. }
            | Self::Refused { status, excerpt } => {
                if excerpt.is_empty() {
                    format!("the target answered HTTP {status}")
                } else {
                    format!("the target answered HTTP {status}: {excerpt}")
                }
            }
            Self::Redirected { status, location } => {
                format!(
                    "the target answered HTTP {status} pointing to '{location}'; redirects are never followed, set the target's Arn to the final URL"
                )
            }
            Self::Unintelligible { reason } => format!("the target's answer is not a final HTTP answer: {reason}"),
            Self::Rejected { reason } => format!("the target refused the event: {reason}"),
            Self::NotConfirmed { reason } => format!("the target did not take the event: {reason}"),
            Self::ConnectionFailed { reason } => format!("the target could not be reached: {reason}"),
            Self::TimedOut { waited_for } => format!("timed out waiting for {waited_for}"),
            Self::InputFailed { reason } => format!("the target's input could not be made from this event: {reason}"),
            Self::RequestInvalid { reason } => format!("the request could not be built: {reason}"),
            Self::NotForwarded(error) => error.to_string(),
            Self::NoCredentials { reason } => format!("there are no credentials: {reason}"),
            Self::AddressForbidden(forbidden) => forbidden.to_string(),
            Self::TargetRemoved => "the target was removed before the event could be delivered".to_owned(),
            Self::EventUnreadable { reason } => format!("the journal could not be read: {reason}"),
            Self::EventDamaged { reason } => format!("the event is lost: {reason}"),
            Self::InternalError => "a bug in eventyard, which its log tells".to_owned(),
            Self::EventTooOld => "the event grew too old while its target was left alone".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_one_meaning() {
        for status in 0..=u16::MAX {
            let outcome = AttemptOutcome::from_http_status(status, String::new(), None);
            let expected = match status {
                200..=299 => Verdict::Delivered,
                0..=199 | 401 | 407 | 408 | 409 | 425 | 500..=599 => Verdict::Retryable,
                429 => Verdict::Throttled,
                _ => Verdict::Permanent,
            };
            assert_eq!(outcome.verdict(), expected, "{status}");
            assert!(!outcome.message().is_empty());
        }
    }
}

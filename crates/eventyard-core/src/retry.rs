//! When a failed delivery is tried again, and when it is given up.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::delivery::{AttemptOutcome, Verdict};
use crate::limits::{EVENT_AGE_SECONDS_MAX, RETRY_ATTEMPTS_MAX};

/// A target's `RetryPolicy`, with what it leaves out filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Retries after the first attempt, 0 to 185.
    pub maximum_retry_attempts: u32,
    /// How old an event may grow, 60 to 86,400 seconds.
    pub maximum_event_age_seconds: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { maximum_retry_attempts: RETRY_ATTEMPTS_MAX, maximum_event_age_seconds: EVENT_AGE_SECONDS_MAX }
    }
}

/// How the wait between attempts grows: exponentially, with full jitter, up to a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Upper end of the wait before the first retry.
    pub base: Duration,
    /// Upper end of any wait.
    pub max: Duration,
}

impl Backoff {
    /// The wait before retry number `retry` (from 1), drawn by `random`, which is uniform over all its values.
    ///
    /// Full jitter spreads the retries of many deliveries that failed together over the whole interval. A wait is at
    /// least a millisecond, the resolution of the journal's times.
    #[must_use]
    pub fn wait(&self, retry: u32, random: u64) -> Duration {
        let ceiling_ms = u64::try_from(self.ceiling(retry).as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(1 + random % ceiling_ms.max(1))
    }

    /// The upper end of the wait before retry number `retry` (from 1).
    #[must_use]
    pub fn ceiling(&self, retry: u32) -> Duration {
        let doublings = 1_u32.checked_shl(retry.saturating_sub(1)).unwrap_or(u32::MAX);
        self.base.saturating_mul(doublings).min(self.max)
    }
}

/// Which bound of the `RetryPolicy` ended a delivery: the `EXHAUSTED_RETRY_CONDITION` of a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExhaustedRetryCondition {
    /// All retries were made.
    MaximumRetryAttempts,
    /// The event grew too old.
    MaximumEventAgeInSeconds,
}

impl ExhaustedRetryCondition {
    /// Amazon's name of it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MaximumRetryAttempts => "MaximumRetryAttempts",
            Self::MaximumEventAgeInSeconds => "MaximumEventAgeInSeconds",
        }
    }

    /// Reads Amazon's name of it.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::MaximumRetryAttempts, Self::MaximumEventAgeInSeconds]
            .into_iter()
            .find(|condition| condition.name() == name)
    }
}

/// What becomes of a delivery after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// It is done.
    Delivered,
    /// It is tried again at this time.
    RetryAt(Timestamp),
    /// It is given up; the condition is absent when no retry would have helped.
    DeadLetter(Option<ExhaustedRetryCondition>),
}

impl RetryPolicy {
    /// Decides what becomes of a delivery of an event received at `received`, whose attempt number `attempts` (from 1)
    /// ended as `outcome` at `now`.
    #[must_use]
    pub fn next_step(
        &self,
        backoff: &Backoff,
        received: Timestamp,
        attempts: u32,
        outcome: &AttemptOutcome,
        now: Timestamp,
        random: u64,
    ) -> NextStep {
        if *outcome == AttemptOutcome::EventTooOld {
            return NextStep::DeadLetter(Some(ExhaustedRetryCondition::MaximumEventAgeInSeconds));
        }
        match outcome.verdict() {
            Verdict::Delivered => NextStep::Delivered,
            Verdict::Permanent => NextStep::DeadLetter(None),
            Verdict::Retryable | Verdict::Throttled if attempts > self.maximum_retry_attempts => {
                NextStep::DeadLetter(Some(ExhaustedRetryCondition::MaximumRetryAttempts))
            }
            Verdict::Retryable | Verdict::Throttled => {
                let asked = outcome.retry_after().map_or(now, |asked| asked.earliest(now));
                // A wait longer than the event may grow old is cut, so that it is tried once more before its end.
                let retry_at = now.saturating_add(backoff.wait(attempts, random)).max(asked.min(self.expiry(received)));
                if retry_at > self.expiry(received) {
                    NextStep::DeadLetter(Some(ExhaustedRetryCondition::MaximumEventAgeInSeconds))
                } else {
                    NextStep::RetryAt(retry_at)
                }
            }
        }
    }

    /// The last moment at which an event received at `received` is tried again.
    #[must_use]
    pub fn expiry(&self, received: Timestamp) -> Timestamp {
        received.saturating_add(Duration::from_secs(u64::from(self.maximum_event_age_seconds)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::retry_after::RetryAfter;

    const BACKOFF: Backoff = Backoff { base: Duration::from_secs(1), max: Duration::from_secs(900) };

    fn failed() -> AttemptOutcome {
        AttemptOutcome::TimedOut { waited_for: "an answer" }
    }

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millis(milliseconds).unwrap()
    }

    #[test]
    fn no_retries_means_one_attempt() {
        let policy = RetryPolicy { maximum_retry_attempts: 0, ..RetryPolicy::default() };
        let step = policy.next_step(&BACKOFF, at(0), 1, &failed(), at(1), 0);
        assert_eq!(step, NextStep::DeadLetter(Some(ExhaustedRetryCondition::MaximumRetryAttempts)));
    }

    #[test]
    fn permanent_failures_are_not_tried_again() {
        let outcome = AttemptOutcome::from_http_status(404, String::new(), None);
        let step = RetryPolicy::default().next_step(&BACKOFF, at(0), 1, &outcome, at(1), 0);
        assert_eq!(step, NextStep::DeadLetter(None));
    }

    #[test]
    fn a_target_is_not_tried_before_it_asks_and_once_more_before_the_event_is_too_old() {
        let policy = RetryPolicy { maximum_event_age_seconds: 60, ..RetryPolicy::default() };
        let busy = |retry_after| AttemptOutcome::from_http_status(429, String::new(), RetryAfter::parse(retry_after));
        let step = |asked, now, random| policy.next_step(&BACKOFF, at(0), 1, &busy(asked), at(now), random);
        assert_eq!(step("30", 100, 499), NextStep::RetryAt(at(30_100)));
        assert_eq!(step("Thu, 01 Jan 1970 00:00:40 GMT", 100, 499), NextStep::RetryAt(at(40_000)));
        assert_eq!(step("0", 100, 499), NextStep::RetryAt(at(600)));
        assert_eq!(step("Thu, 01 Jan 1970 00:00:00 GMT", 100, 499), NextStep::RetryAt(at(600)));
        assert_eq!(step("3600", 100, 499), NextStep::RetryAt(at(60_000)));
        let age = NextStep::DeadLetter(Some(ExhaustedRetryCondition::MaximumEventAgeInSeconds));
        assert_eq!(step("3600", 60_000, 499), age);
    }

    #[test]
    fn an_event_that_would_be_too_old_at_its_retry_is_given_up() {
        let policy = RetryPolicy { maximum_event_age_seconds: 60, ..RetryPolicy::default() };
        let step = policy.next_step(&BACKOFF, at(0), 3, &failed(), at(60_000), 0);
        assert_eq!(step, NextStep::DeadLetter(Some(ExhaustedRetryCondition::MaximumEventAgeInSeconds)));
    }

    #[test]
    fn the_default_policy_spreads_its_retries_over_most_of_a_day() {
        let mut total = Duration::ZERO;
        for retry in 1..=RETRY_ATTEMPTS_MAX {
            let ceiling = BACKOFF.wait(retry, u64::MAX).max(BACKOFF.wait(retry, 899_999));
            total += ceiling / 2;
        }
        assert!(total > Duration::from_secs(20 * 3_600) && total < Duration::from_secs(26 * 3_600), "{total:?}");
    }

    proptest! {
        #[test]
        fn every_delivery_ends(seed in any::<u64>(), attempts_max in 0_u32..=185, age in 60_u32..=86_400) {
            let policy = RetryPolicy { maximum_retry_attempts: attempts_max, maximum_event_age_seconds: age };
            let (mut now, mut attempts, mut random) = (at(0), 0, seed);
            loop {
                attempts += 1;
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                match policy.next_step(&BACKOFF, at(0), attempts, &failed(), now, random) {
                    NextStep::RetryAt(time) => {
                        prop_assert!(time > now && time <= policy.expiry(at(0)));
                        now = time;
                    }
                    NextStep::DeadLetter(Some(_)) => break,
                    step => prop_assert!(false, "{step:?}"),
                }
            }
            prop_assert!(attempts <= attempts_max + 1);
        }

        #[test]
        fn a_wait_never_passes_its_ceiling(retry in 1_u32..400, random in any::<u64>()) {
            let wait = BACKOFF.wait(retry, random);
            prop_assert!(wait >= Duration::from_millis(1) && wait <= BACKOFF.max);
        }
    }
}

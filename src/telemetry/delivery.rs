//! Facts of deliveries.

use std::time::Duration;

use eventyard_core::delivery::AttemptOutcome;
use eventyard_core::event::EventId;

use super::{Fact, Metrics};

/// Accepted events that no rule took.
#[derive(Debug)]
pub struct EventUnmatched {
    /// How many.
    pub count: u64,
}

impl Fact for EventUnmatched {
    fn record(&self, metrics: &Metrics) {
        metrics.events_unmatched.inc_by(self.count);
    }
}

/// One attempt ended.
#[derive(Debug)]
pub struct AttemptEnded<'a> {
    /// The event.
    pub event: EventId,
    /// The target's id within its rule.
    pub target_id: &'a str,
    /// The ARN of the rule.
    pub rule_arn: &'a str,
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// How it ended.
    pub outcome: &'a AttemptOutcome,
    /// How long it took.
    pub duration: Duration,
    /// From the event's acceptance to now.
    pub since_received: Duration,
}

impl Fact for AttemptEnded<'_> {
    fn record(&self, metrics: &Metrics) {
        let code = self.outcome.error_code();
        metrics.attempts.with_label_values(&[code]).inc();
        metrics.attempt_seconds.observe(self.duration.as_secs_f64());
        let &Self { ref event, target_id, rule_arn, attempt, duration, .. } = self;
        if *self.outcome == AttemptOutcome::Delivered {
            metrics.end_to_end_seconds.observe(self.since_received.as_secs_f64());
            tracing::debug!(%event, target_id, rule_arn, attempt, ?duration, "delivered");
        } else {
            tracing::info!(%event, target_id, rule_arn, attempt, ?duration, code, reason = self.outcome.message(), "attempt failed");
        }
    }
}

/// A delivery was given up; it is among the dead letters.
#[derive(Debug)]
pub struct DeliveryDied<'a> {
    /// The event.
    pub event: EventId,
    /// The target's id within its rule.
    pub target_id: &'a str,
    /// The ARN of the rule.
    pub rule_arn: &'a str,
    /// `ERROR_CODE`.
    pub code: &'static str,
    /// `ERROR_MESSAGE`.
    pub message: &'a str,
    /// Attempts made.
    pub attempts: u32,
}

impl Fact for DeliveryDied<'_> {
    fn record(&self, metrics: &Metrics) {
        metrics.dead_letters.with_label_values(&[self.code]).inc();
        let &Self { ref event, target_id, rule_arn, code, message: reason, attempts } = self;
        tracing::warn!(%event, target_id, rule_arn, code, reason, attempts, "delivery given up, see the dead letters");
    }
}

/// A delivery is owed, but the journal could not give its event. It stays pending and is tried again at the next start.
#[derive(Debug)]
pub struct DeliveryStuck<'a> {
    /// The event's number in the journal.
    pub event_number: u64,
    /// What failed.
    pub reason: &'a str,
}

impl Fact for DeliveryStuck<'_> {
    fn record(&self, metrics: &Metrics) {
        metrics.deliveries_stuck.inc();
        tracing::error!(
            event_number = self.event_number,
            reason = self.reason,
            "a delivery cannot be read and stays pending"
        );
    }
}

/// Dead letters older than their retention were deleted.
#[derive(Debug)]
pub struct DeadLettersExpired {
    /// How many.
    pub count: u64,
}

impl Fact for DeadLettersExpired {
    fn record(&self, metrics: &Metrics) {
        metrics.dead_letters_expired.inc_by(self.count);
        tracing::info!(count = self.count, "dead letters older than dead_letters.retention_days deleted");
    }
}

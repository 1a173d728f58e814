//! Facts of deliveries.

use std::time::Duration;

use eventyard_core::circuit_breaker::Transition;
use eventyard_core::clock::Timestamp;
use eventyard_core::delivery::AttemptOutcome;
use eventyard_core::event::EventId;
use eventyard_core::trace_context::TraceContext;

use super::traces::{Span, SpanKind, Traces};
use super::{Fact, Metrics, micros, millis};

/// By what `log.level` names these lines.
const TARGET: &str = "eventyard::delivery";

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
    /// The event; absent when it could not be read.
    pub event: Option<EventId>,
    /// Its number in the journal.
    pub event_number: u64,
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
    /// When it ended.
    pub ended: Timestamp,
    /// The event's span and that of the attempt, when the event is part of a trace.
    pub trace: Option<(TraceContext, TraceContext)>,
}

impl Fact for AttemptEnded<'_> {
    fn record(&self, metrics: &Metrics) {
        let code = self.outcome.error_code();
        metrics.attempts.with_label_values(&[code]).inc();
        if self.attempt > 1 {
            metrics.retries.inc();
        }
        metrics.attempt_seconds.observe(self.duration.as_secs_f64());
        let &Self { event, event_number, target_id, rule_arn, attempt, duration, .. } = self;
        let event = event.map(tracing::field::display);
        let series = metrics.targets.of(rule_arn, target_id);
        if *self.outcome == AttemptOutcome::Delivered {
            metrics.end_to_end_seconds.observe(self.since_received.as_secs_f64());
            series.delivered.inc();
            tracing::debug!(target: TARGET, event, target_id, rule_arn, attempt, duration_us = micros(duration), "delivered");
        } else {
            series.failed.inc();
            tracing::info!(
                target: TARGET,
                event,
                event_number,
                target_id,
                rule_arn,
                attempt,
                duration_us = micros(duration),
                code,
                reason = self.outcome.message(),
                "attempt failed"
            );
        }
    }

    fn trace(&self, traces: &Traces) {
        let Some((parent, context)) = self.trace.filter(|(parent, _)| parent.is_sampled()) else { return };
        let event = self.event.map(|event| event.to_string()).unwrap_or_default();
        let is_delivered = *self.outcome == AttemptOutcome::Delivered;
        traces.send(Span {
            context,
            parent: Some(parent),
            name: "deliver event",
            kind: SpanKind::Client,
            begin: self.ended.saturating_sub(self.duration),
            offset: Duration::ZERO,
            duration: self.duration,
            attributes: vec![
                ("eventyard.event_id", (&event).into()),
                ("eventyard.rule_arn", self.rule_arn.into()),
                ("eventyard.target_id", self.target_id.into()),
                ("eventyard.attempt", u64::from(self.attempt).into()),
                ("eventyard.outcome", self.outcome.error_code().into()),
            ],
            error: (!is_delivered).then(|| self.outcome.message()),
        });
    }
}

/// A delivery was given up; it is among the dead letters.
#[derive(Debug)]
pub struct DeliveryDied<'a> {
    /// The event; absent when it could not be read.
    pub event: Option<EventId>,
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
        metrics.dead_letters.given_up.with_label_values(&[self.code]).inc();
        metrics.targets.of(self.rule_arn, self.target_id).dead_letters.inc();
        let &Self { event, target_id, rule_arn, code, message: reason, attempts } = self;
        let event = event.map(tracing::field::display);
        tracing::warn!(target: TARGET, event, target_id, rule_arn, code, reason, attempts, "delivery given up, see the dead letters");
    }
}

/// A copy of a dead letter was sent to the target's dead-letter queue.
#[derive(Debug)]
pub struct DeadLetterQueued;

impl Fact for DeadLetterQueued {
    fn record(&self, metrics: &Metrics) {
        metrics.dead_letters.queued.inc();
    }
}

/// A copy of a dead letter could not be sent to where the target wants it this time.
#[derive(Debug)]
pub struct DeadLetterNotQueuedYet<'a> {
    /// The target's id within its rule.
    pub target_id: &'a str,
    /// The ARN of the rule.
    pub rule_arn: &'a str,
    /// What failed.
    pub reason: &'a str,
}

impl Fact for DeadLetterNotQueuedYet<'_> {
    fn record(&self, _: &Metrics) {
        let &Self { target_id, rule_arn, reason } = self;
        tracing::warn!(target: TARGET, target_id, rule_arn, reason, "the copy of a dead letter could not be sent, and is tried again");
    }
}

/// A copy of a dead letter was given up.
#[derive(Debug)]
pub struct DeadLetterNotQueued<'a> {
    /// The target's id within its rule.
    pub target_id: &'a str,
    /// The ARN of the rule.
    pub rule_arn: &'a str,
    /// What failed.
    pub reason: &'a str,
}

impl Fact for DeadLetterNotQueued<'_> {
    fn record(&self, metrics: &Metrics) {
        metrics.dead_letters.not_queued.inc();
        let &Self { target_id, rule_arn, reason } = self;
        tracing::warn!(target: TARGET, target_id, rule_arn, reason, "the copy of a dead letter was given up");
    }
}

/// The circuit breaker of a target changed its state.
#[derive(Debug)]
pub struct CircuitBreakerMoved<'a> {
    /// The target's id within its rule.
    pub target_id: &'a str,
    /// The ARN of the rule.
    pub rule_arn: &'a str,
    /// How.
    pub transition: Transition,
}

impl Fact for CircuitBreakerMoved<'_> {
    fn record(&self, metrics: &Metrics) {
        let &Self { target_id, rule_arn, transition } = self;
        let to = match transition {
            Transition::Opened(wait) => {
                tracing::warn!(target: TARGET, target_id, rule_arn, wait_ms = millis(wait), "circuit breaker opened: the target is left alone");
                "open"
            }
            Transition::Reopened(wait) => {
                tracing::info!(target: TARGET, target_id, rule_arn, wait_ms = millis(wait), "circuit breaker open again: the probe failed");
                "open"
            }
            Transition::HalfOpened => {
                tracing::info!(target: TARGET, target_id, rule_arn, "circuit breaker half open: the target is probed");
                "half_open"
            }
            Transition::Closed => {
                tracing::info!(target: TARGET, target_id, rule_arn, "circuit breaker closed: the target is back");
                "closed"
            }
        };
        metrics.circuit_breaker_transitions.with_label_values(&[to]).inc();
    }
}

/// Targets of a rule were removed.
#[derive(Debug)]
pub struct TargetsRemoved<'a> {
    /// The ARN of the rule.
    pub rule_arn: &'a str,
    /// Their ids within it.
    pub target_ids: &'a [&'a str],
}

impl Fact for TargetsRemoved<'_> {
    fn record(&self, metrics: &Metrics) {
        for target_id in self.target_ids {
            metrics.targets.forget(self.rule_arn, target_id);
        }
    }
}

/// A target was paused, or resumed.
#[derive(Debug)]
pub struct TargetPaused<'a> {
    /// The target's id within its rule.
    pub target_id: &'a str,
    /// The ARN of the rule.
    pub rule_arn: &'a str,
    /// Whether it is paused now.
    pub is_paused: bool,
}

impl Fact for TargetPaused<'_> {
    fn record(&self, _: &Metrics) {
        let &Self { target_id, rule_arn, is_paused } = self;
        if is_paused {
            tracing::info!(target: TARGET, target_id, rule_arn, "target paused: what it is owed waits");
        } else {
            tracing::info!(target: TARGET, target_id, rule_arn, "target resumed");
        }
    }
}

/// The journal could not say what is owed. It is asked again soon.
#[derive(Debug)]
pub struct BacklogUnreadable<'a> {
    /// What failed.
    pub reason: &'a str,
}

impl Fact for BacklogUnreadable<'_> {
    fn record(&self, metrics: &Metrics) {
        metrics.backlog_read_failures.inc();
        tracing::error!(target: TARGET, reason = self.reason, "what is owed cannot be read from the journal and stays pending");
    }
}

/// Dead letters were deleted because they were too old, or too many.
#[derive(Debug)]
pub struct DeadLettersExpired {
    /// How many.
    pub count: u64,
    /// The option that bounds them.
    pub bound: &'static str,
}

impl Fact for DeadLettersExpired {
    fn record(&self, metrics: &Metrics) {
        let &Self { count, bound } = self;
        metrics.dead_letters.expired.with_label_values(&[bound]).inc_by(count);
        tracing::warn!(target: TARGET, count, bound, "dead letters deleted");
    }
}

/// Dead letters were owed to their targets again, or deleted by hand.
#[derive(Debug)]
pub struct DeadLettersTakenOut {
    /// How many.
    pub count: u64,
    /// Whether they were owed again.
    pub redriven: bool,
}

impl Fact for DeadLettersTakenOut {
    fn record(&self, metrics: &Metrics) {
        let &Self { count, redriven } = self;
        if redriven {
            metrics.dead_letters.redriven.inc_by(count);
            tracing::info!(target: TARGET, count, "dead letters owed to their targets again");
        } else {
            metrics.dead_letters.purged.inc_by(count);
            tracing::info!(target: TARGET, count, "dead letters purged");
        }
    }
}

//! One attempt: from what is owed and the target as it is now to an outcome and a settlement.

use std::sync::Arc;
use std::time::Instant;

use eventyard_core::clock::Clock;
use eventyard_core::dead_letter::DeadLetter;
use eventyard_core::delivery::AttemptOutcome;
use eventyard_core::event::Event;
use eventyard_core::input::RenderContext;
use eventyard_core::retry::{ExhaustedRetryCondition, NextStep};

use super::Settings;
use super::senders::{HttpRequest, HttpSender};
use crate::engine::{ActiveTarget, Engine};
use crate::journal::{Journal, JournalError, Pending, Settlement};
use crate::runtime::{Random, Tasks};
use crate::telemetry::{AttemptEnded, DeliveryDied, Telemetry};

/// What attempts need; shared by all workers.
#[derive(Debug)]
pub(super) struct Attempts {
    pub(super) engine: Arc<Engine>,
    pub(super) journal: Journal,
    pub(super) http: HttpSender,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<Random>,
    pub(super) settings: Settings,
    pub(super) telemetry: Arc<Telemetry>,
    pub(super) tasks: Tasks,
}

/// Whom a delivery is for, as its dead letter will say.
struct Recipient {
    rule_arn: String,
    target_id: String,
    target_arn: String,
}

impl Attempts {
    /// Makes one attempt and says how it changes what is owed.
    pub(super) async fn make(&self, pending: &Pending) -> Result<Settlement, JournalError> {
        let event = self.journal.event(pending.delivery.event)?;
        let target = self.engine.target(pending.delivery.target);
        let attempt = pending.delivery.attempts + 1;
        let started = Instant::now();
        let outcome = match &target {
            Some(target) => self.send(target, &event, attempt).await,
            None => AttemptOutcome::TargetRemoved,
        };
        let recipient = self.recipient(target.as_deref(), pending);
        let now = self.clock.now();
        self.telemetry.record(&AttemptEnded {
            event: event.id,
            target_id: &recipient.target_id,
            rule_arn: &recipient.rule_arn,
            attempt,
            outcome: &outcome,
            duration: started.elapsed(),
            since_received: now.saturating_since(event.received),
        });
        let default = self.settings.retry_policy;
        let policy = target.and_then(|target| target.target.retry_policy).map_or(default, |policy| policy.or(default));
        let random = self.random.next_u64();
        Ok(match policy.next_step(&self.settings.backoff, event.received, attempt, &outcome, now, random) {
            NextStep::Delivered => Settlement::Delivered,
            NextStep::RetryAt(time) => Settlement::RetryAt(time),
            // For a target that is gone nothing was attempted this time.
            NextStep::DeadLetter(exhausted) => {
                let made = if outcome == AttemptOutcome::TargetRemoved { pending.delivery.attempts } else { attempt };
                self.give_up(event, recipient, made, &outcome, exhausted)
            }
        })
    }

    /// The settlement of an attempt that ended in a bug of ours.
    pub(super) fn retry_after_bug(&self, pending: &Pending) -> Settlement {
        let wait = self.settings.backoff.wait(pending.delivery.attempts + 1, self.random.next_u64());
        Settlement::RetryAt(self.clock.now().saturating_add(wait))
    }

    async fn send(&self, target: &ActiveTarget, event: &Event, attempt: u32) -> AttemptOutcome {
        let ingestion_time = event.received.to_rfc3339_seconds();
        let context = RenderContext {
            rule_arn: &target.rule_arn,
            rule_name: target.rule.name.as_str(),
            ingestion_time: &ingestion_time,
        };
        let body = match target.compiled.input.render(&event.envelope, &context) {
            Ok(body) => body.into_owned(),
            Err(error) => return AttemptOutcome::InputFailed { reason: error.to_string() },
        };
        let (url, parameters) = (&target.compiled.url, &target.compiled.http);
        self.http.send(HttpRequest { url, parameters, envelope: &event.envelope, event: event.id, attempt, body }).await
    }

    fn recipient(&self, target: Option<&ActiveTarget>, pending: &Pending) -> Recipient {
        if let Some(active) = target {
            let target_id = active.target.id.to_string();
            return Recipient { rule_arn: active.rule_arn.clone(), target_id, target_arn: active.target.arn.clone() };
        }
        let number = pending.delivery.target;
        match self.engine.removed_target(number) {
            Some(removed) => Recipient {
                rule_arn: removed.rule_arn.clone(),
                target_id: removed.target_id.clone(),
                target_arn: removed.target_arn.clone(),
            },
            None => Recipient {
                rule_arn: "unknown".to_owned(),
                target_id: format!("#{number}"),
                target_arn: "unknown".to_owned(),
            },
        }
    }

    fn give_up(
        &self,
        event: Event,
        recipient: Recipient,
        attempts: u32,
        outcome: &AttemptOutcome,
        exhausted_retry_condition: Option<ExhaustedRetryCondition>,
    ) -> Settlement {
        let (code, message) = (outcome.error_code(), outcome.message());
        let Recipient { rule_arn, target_id, target_arn } = recipient;
        let died = DeliveryDied {
            event: event.id,
            target_id: &target_id,
            rule_arn: &rule_arn,
            code,
            message: &message,
            attempts,
        };
        self.telemetry.record(&died);
        Settlement::Dead(Box::new(DeadLetter {
            event,
            died: self.clock.now(),
            rule_arn,
            target_id,
            target_arn,
            error_code: code.to_owned(),
            error_message: message,
            exhausted_retry_condition,
            retry_attempts: attempts.saturating_sub(1),
        }))
    }
}

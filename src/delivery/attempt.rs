//! One attempt: from what is owed and the target as it is now to an outcome and a settlement.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eventyard_core::attempt_record::AttemptRecord;
use eventyard_core::circuit_breaker::Transition;
use eventyard_core::clock::{Clock, Timestamp};
use eventyard_core::dead_letter::DeadLetter;
use eventyard_core::delivery::{AttemptOutcome, TargetHealth};
use eventyard_core::event::Event;
use eventyard_core::input::RenderContext;
use eventyard_core::limits::ATTEMPT_MESSAGE_BYTES_MAX;
use eventyard_core::name::TargetNumber;
use eventyard_core::retry::{ExhaustedRetryCondition, NextStep, RetryPolicy};
use eventyard_core::target::TargetKind;
use eventyard_core::trace_context::TraceContext;

use super::Settings;
use super::senders::{AwsDelivery, BrokerDelivery, HttpRequest, Senders, forward};
use crate::engine::{ActiveTarget, Engine, TargetEvent};
use crate::journal::{Journal, JournalError, Pending, Settled, Settlement};
use crate::runtime::{Random, Tasks};
use crate::telemetry::{AttemptEnded, CircuitBreakerMoved, DeliveryDied, Telemetry};

/// What attempts need; shared by all workers.
#[derive(Debug)]
pub(super) struct Attempts {
    pub(super) engine: Arc<Engine>,
    pub(super) journal: Journal,
    pub(super) senders: Senders,
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
    /// Makes one attempt and says how it changes what is owed, and what it tells about the target.
    ///
    /// A probe of a failing target is not made with an event that is too old: such an event ends, and the next is the probe.
    pub(super) async fn make(&self, pending: Pending, is_probe: bool) -> (Settled, TargetHealth) {
        if pending.delivery.target.is_of_dead_letters() {
            return self.make_copy(pending).await;
        }
        let target = self.engine.target(pending.delivery.target);
        let default = self.settings.retry_policy;
        let policy =
            target.as_ref().and_then(|target| target.target.retry_policy).map_or(default, |policy| policy.or(default));
        let attempt = pending.delivery.attempts + 1;
        let started = Instant::now();
        let expires = is_probe.then_some(policy);
        let span = self.random.next_u64();
        let (event, outcome) = self.try_once(&pending, target.as_deref(), (attempt, span), expires).await;
        let recipient = self.recipient(target.as_deref(), pending.delivery.target);
        let (now, duration) = (self.clock.now(), started.elapsed());
        // Of an event that cannot be read nobody knows how old it is; its attempts are bounded still.
        let received = event.as_ref().map_or(now, |event| event.received);
        self.telemetry.record(&AttemptEnded {
            event: event.as_ref().map(|event| event.id),
            event_number: pending.delivery.event.0,
            target_id: &recipient.target_id,
            rule_arn: &recipient.rule_arn,
            attempt,
            outcome: &outcome,
            duration,
            since_received: now.saturating_since(received),
            ended: now,
            trace: event.as_ref().and_then(|event| Some((event.trace?, self.span(event, span)?))),
        });
        let record = event.as_ref().map(|event| record(event, attempt, now, duration, &outcome));
        let random = self.random.next_u64();
        let settlement = match policy.next_step(&self.settings.backoff, received, attempt, &outcome, now, random) {
            NextStep::Delivered => Settlement::Delivered,
            NextStep::RetryAt(time) => Settlement::RetryAt(time),
            NextStep::DeadLetter(exhausted) => {
                // What never reached a target was no attempt.
                let made = match outcome {
                    AttemptOutcome::TargetRemoved
                    | AttemptOutcome::EventDamaged { .. }
                    | AttemptOutcome::EventTooOld => pending.delivery.attempts,
                    _ => attempt,
                };
                let letter = self.give_up(event, recipient, made, &outcome, exhausted);
                self.bury(letter, pending.delivery.target, target.as_deref())
            }
        };
        (Settled { pending, settlement, attempt: record }, outcome.health(now))
    }

    /// Whether nobody knows any more whom something is owed to.
    pub(super) fn is_forgotten(&self, number: TargetNumber) -> bool {
        let number = number.target();
        self.engine.target(number).is_none() && self.engine.removed_target(number).is_none()
    }

    /// Whether what is owed ends at once: the target was removed. The copies of its dead letters go out still.
    pub(super) fn is_gone(&self, number: TargetNumber) -> bool {
        let is_removed = self.engine.target(number.target()).is_none();
        is_removed && (!number.is_of_dead_letters() || self.is_forgotten(number))
    }

    /// A word of the circuit breaker of a target.
    pub(super) fn report(&self, number: TargetNumber, transition: Transition) {
        let target = self.engine.target(number.target());
        let event = match transition {
            Transition::Opened(wait) => Some(TargetEvent::CircuitBreakerOpened(wait)),
            Transition::Closed => Some(TargetEvent::CircuitBreakerClosed),
            Transition::HalfOpened | Transition::Reopened(_) => None,
        };
        // Of where its dead letters go a target's owner is told in the log alone.
        if let (Some(target), Some(event), false) = (&target, event, number.is_of_dead_letters()) {
            self.engine.publish(target, event);
        }
        let Recipient { rule_arn, target_id, .. } = self.recipient(target.as_deref(), number.target());
        self.telemetry.record(&CircuitBreakerMoved { rule_arn: &rule_arn, target_id: &target_id, transition });
    }

    /// Reads the event and sends it. A bug on the way ends the attempt as a failure that counts like any other.
    async fn try_once(
        &self,
        pending: &Pending,
        target: Option<&ActiveTarget>,
        (attempt, span): (u32, u64),
        expires: Option<RetryPolicy>,
    ) -> (Option<Event>, AttemptOutcome) {
        let number = pending.delivery.event;
        let event = match self.tasks.guard("attempt", async { self.journal.event(number) }).await {
            Some(Ok(event)) => event,
            Some(Err(error @ (JournalError::Missing(_) | JournalError::Damaged(_)))) => {
                return (None, AttemptOutcome::EventDamaged { reason: error.to_string() });
            }
            Some(Err(error)) => {
                return (None, AttemptOutcome::EventUnreadable { reason: format!("event {number}: {error}") });
            }
            None => return (None, AttemptOutcome::InternalError),
        };
        let Some(target) = target else { return (Some(event), AttemptOutcome::TargetRemoved) };
        if expires.is_some_and(|policy| self.clock.now() > policy.expiry(event.received)) {
            return (Some(event), AttemptOutcome::EventTooOld);
        }
        let outcome = self.tasks.guard("attempt", self.send(target, &event, attempt, self.span(&event, span))).await;
        (Some(event), outcome.unwrap_or(AttemptOutcome::InternalError))
    }

    /// The span of an attempt, made from random bits, when its event is part of a trace.
    fn span(&self, event: &Event, random: u64) -> Option<TraceContext> {
        event.trace.map(|trace| self.telemetry.span_under(trace, random))
    }

    async fn send(
        &self,
        target: &ActiveTarget,
        event: &Event,
        attempt: u32,
        trace: Option<TraceContext>,
    ) -> AttemptOutcome {
        self.try_send(target, event, attempt, trace).await.unwrap_or_else(|not_sent| not_sent)
    }

    /// The error is how an attempt ended that had nothing to send.
    async fn try_send(
        &self,
        target: &ActiveTarget,
        event: &Event,
        attempt: u32,
        trace: Option<TraceContext>,
    ) -> Result<AttemptOutcome, AttemptOutcome> {
        let (envelope, id, timeouts) = (event.envelope.as_ref(), event.id, target.options.timeouts);
        Ok(match &target.compiled.kind {
            TargetKind::EventBus(bus) if self.senders.aws.reaches_event_buses() && !self.engine.has_event_bus(bus) => {
                let role_arn = target.target.role_arn.as_deref();
                if let Some(reason) = self.engine.aws_refusal(&target.rule.bus.account, role_arn) {
                    return Err(AttemptOutcome::NoCredentials { reason });
                }
                let rule = target.rule.name.as_str();
                let forwarded = event.forwarded(&target.rule.bus, bus, event.received);
                let forwarded = forwarded.map_err(AttemptOutcome::NotForwarded)?;
                self.senders.aws.put_event(bus, (role_arn, rule), &forwarded, timeouts).await
            }
            TargetKind::EventBus(bus) => forward(&self.engine, event, trace, (&target.rule.bus, bus)).await,
            TargetKind::Http { url, parameters } => {
                let body = render(target, event)?;
                let account = &target.rule.bus.account;
                let request = HttpRequest {
                    url,
                    parameters,
                    connection: self.senders.connections.of(account, &target.target.arn),
                    recipient: (&target.rule_arn, target.target.id.as_str()),
                    envelope,
                    event: id,
                    attempt,
                    trace,
                    body,
                    timeouts,
                    is_event: target.compiled.input.is_event(),
                };
                self.senders.http.send(request).await
            }
            TargetKind::Aws(aws) => {
                let role_arn = target.target.role_arn.as_deref();
                if let Some(reason) = self.engine.aws_refusal(&target.rule.bus.account, role_arn) {
                    return Err(AttemptOutcome::NoCredentials { reason });
                }
                let (body, is_event) = (render(target, event)?, target.compiled.input.is_event());
                let token = id.idempotency_token(&target.rule_arn, target.target.id.as_str());
                let rule = target.rule.name.as_str();
                let delivery =
                    AwsDelivery { target: aws, envelope, event: id, role_arn, rule, token, body, is_event, timeouts };
                self.senders.aws.send(delivery).await
            }
            TargetKind::Local(local) => self.senders.local.send(local, render(target, event)?, timeouts.response).await,
            TargetKind::Broker(broker) => {
                let body = render(target, event)?;
                let connection = self.senders.connections.of(&target.rule.bus.account, &target.target.arn);
                let delivery = BrokerDelivery {
                    target: broker,
                    connection,
                    recipient: (&target.rule_arn, target.target.id.as_str()),
                    envelope,
                    event: id,
                    received: event.received,
                    trace,
                    body,
                    headers: Vec::new(),
                    timeouts,
                };
                self.senders.broker.send(delivery).await
            }
        })
    }

    fn recipient(&self, target: Option<&ActiveTarget>, number: TargetNumber) -> Recipient {
        if let Some(active) = target {
            let target_id = active.target.id.to_string();
            return Recipient { rule_arn: active.rule_arn.clone(), target_id, target_arn: active.target.arn.clone() };
        }
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
        event: Option<Event>,
        recipient: Recipient,
        attempts: u32,
        outcome: &AttemptOutcome,
        exhausted_retry_condition: Option<ExhaustedRetryCondition>,
    ) -> DeadLetter {
        let (code, message) = (outcome.error_code(), outcome.message());
        let Recipient { rule_arn, target_id, target_arn } = recipient;
        let died = DeliveryDied {
            event: event.as_ref().map(|event| event.id),
            target_id: &target_id,
            rule_arn: &rule_arn,
            code,
            message: &message,
            attempts,
        };
        self.telemetry.record(&died);
        DeadLetter {
            event,
            died: self.clock.now(),
            rule_arn,
            target_id,
            target_arn,
            error_code: code.to_owned(),
            error_message: message,
            exhausted_retry_condition,
            retry_attempts: attempts.saturating_sub(1),
        }
    }
}

/// What the target's input makes of the event.
fn render(target: &ActiveTarget, event: &Event) -> Result<String, AttemptOutcome> {
    let ingestion_time = event.received.to_rfc3339_seconds();
    let context = RenderContext {
        rule_arn: &target.rule_arn,
        rule_name: target.rule.name.as_str(),
        ingestion_time: &ingestion_time,
    };
    let body = target.compiled.input.render(&event.envelope, &context);
    body.map(Cow::into_owned).map_err(|error| AttemptOutcome::InputFailed { reason: error.to_string() })
}

/// What the history keeps of an attempt.
fn record(
    event: &Event,
    attempt: u32,
    ended: Timestamp,
    duration: Duration,
    outcome: &AttemptOutcome,
) -> AttemptRecord {
    let mut message = if *outcome == AttemptOutcome::Delivered { String::new() } else { outcome.message() };
    let end = (0..=ATTEMPT_MESSAGE_BYTES_MAX).rev().find(|end| message.is_char_boundary(*end));
    message.truncate(end.unwrap_or(0));
    let code = outcome.error_code().into();
    AttemptRecord { event: event.id, received: event.received, attempt, ended, duration, code, message }
}

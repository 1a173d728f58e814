//! `GET /events/ID`: what happened to an event.

use std::sync::Arc;

use eventyard_core::clock::Timestamp;
use eventyard_core::error::ServiceError;
use eventyard_core::event::EventId;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::engine::{DeliveryReport, DeliveryState, Engine, EventReport};
use crate::journal::RecordedAttempt;

#[derive(Serialize)]
struct EventShape {
    id: String,
    received: String,
    /// Absent when the journal no longer has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<Box<RawValue>>,
    deliveries: Vec<DeliveryShape>,
}

#[derive(Serialize)]
struct DeliveryShape {
    /// This and the next two are absent when the target was removed and forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_arn: Option<String>,
    target_number: u64,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dead_letter: Option<String>,
    attempts: Vec<AttemptShape>,
}

#[derive(Serialize)]
struct AttemptShape {
    attempt: u32,
    ended: String,
    duration_ms: f64,
    outcome: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
}

/// The answer's body.
pub(super) async fn show(engine: &Arc<Engine>, id: &str) -> Result<Vec<u8>, ServiceError> {
    let parsed = EventId::parse(id)
        .ok_or_else(|| ServiceError::validation(format!("'{id}' is no id of an event: PutEvents answers UUIDs")))?;
    let reader = Arc::clone(engine);
    let read = tokio::task::spawn_blocking(move || reader.event_report(parsed)).await;
    let report = read.map_err(|_| ServiceError::internal())??.ok_or_else(|| {
        ServiceError::not_found(format!(
            "Nothing is known of event {id}: no rule took it, or the history no longer has it, or it was never accepted."
        ))
    })?;
    let shape = EventShape::new(parsed, report)?;
    serde_json::to_vec(&shape).map_err(|_| ServiceError::internal())
}

impl EventShape {
    fn new(id: EventId, report: EventReport) -> Result<Self, ServiceError> {
        let envelope = report.event.map(|event| RawValue::from_string(event.envelope.into())).transpose();
        Ok(Self {
            id: id.to_string(),
            received: report.received.to_string(),
            event: envelope.map_err(|_| ServiceError::internal())?,
            deliveries: report.deliveries.into_iter().map(DeliveryShape::new).collect(),
        })
    }
}

impl DeliveryShape {
    fn new(report: DeliveryReport) -> Self {
        let (state, next_attempt, dead_letter) = match report.state {
            DeliveryState::Delivered => ("delivered", None, None),
            DeliveryState::Pending => ("pending", None, None),
            DeliveryState::RetryAt(due) => ("pending", Some(due), None),
            DeliveryState::Dead(id) => ("dead", None, Some(id)),
            DeliveryState::DeadLetterGone => ("dead_letter_gone", None, None),
            DeliveryState::Unknown => ("unknown", None, None),
        };
        let (mut rule_arn, mut target_id, mut target_arn) = (None, None, None);
        if let Some(recipient) = report.recipient {
            rule_arn = Some(recipient.rule_arn);
            target_id = Some(recipient.target_id);
            target_arn = Some(recipient.target_arn);
        }
        Self {
            rule_arn,
            target_id,
            target_arn,
            target_number: report.target.0,
            state,
            next_attempt: next_attempt.as_ref().map(Timestamp::to_string),
            dead_letter: dead_letter.map(|id| id.to_string()),
            attempts: report.attempts.into_iter().map(AttemptShape::new).collect(),
        }
    }
}

impl AttemptShape {
    fn new(attempt: RecordedAttempt) -> Self {
        let record = attempt.record;
        Self {
            attempt: record.attempt,
            ended: record.ended.to_string(),
            duration_ms: record.duration.as_secs_f64() * 1e3,
            outcome: record.code.into_owned(),
            message: record.message,
        }
    }
}

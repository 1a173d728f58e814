//! Entries of a journal as JSON that people and jq can read.

use eventyard_core::attempt_record::AttemptEnd;
use eventyard_core::clock::Timestamp;
use eventyard_core::retry::ExhaustedRetryCondition;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::damage::parse;
use super::disk::Space;
use super::{DeadLetterId, Place, hex, keys, records};

/// An entry as a JSON object, with its `kind`; none for what the journal keeps about itself, and by what
/// events are known. One that cannot be read is an
/// object of the kind `damaged`.
#[must_use]
pub fn export(space: Space, key: &[u8], value: &[u8]) -> Option<Value> {
    if let Err(error) = parse(space, key, value) {
        let (key, value) = (hex(key), hex(value));
        let reason = error.to_string();
        return Some(
            json!({"kind": "damaged", "place": space.name(), "key_hex": key, "value_hex": value, "reason": reason}),
        );
    }
    match space {
        Space::Ready => Some(pending(&keys::parse_ready(key).ok()?)),
        Space::Later => Some(pending(&records::parse_later(key, value).ok()?)),
        Space::Events(_) => event(key, value),
        Space::Dead => dead_letter(key, value),
        Space::History(_) => attempt(key, value),
        Space::Schedules => {
            let mark = records::parse_schedule(key, value).ok()?;
            let (since, through) = (time(mark.since), time(mark.through));
            Some(json!({"kind": "schedule", "rule_number": mark.rule.0, "since": since, "through": through}))
        }
        Space::Meta | Space::Deduplication(_) => None,
    }
}

fn time(time: Timestamp) -> String {
    time.to_string()
}

fn pending(pending: &super::Pending) -> Value {
    let delivery = pending.delivery;
    let due = match pending.place {
        Place::Ready => None,
        Place::Later(due) => Some(time(due)),
    };
    json!({
        "kind": "delivery",
        "event_number": delivery.event.0,
        "target_number": delivery.target.0,
        "attempts": delivery.attempts,
        "due": due,
    })
}

/// The envelope, or its text when it is no JSON.
fn envelope(envelope: &str) -> Value {
    let raw = RawValue::from_string(envelope.to_owned()).ok();
    raw.and_then(|raw| serde_json::to_value(raw).ok()).unwrap_or_else(|| Value::String(envelope.to_owned()))
}

fn event(key: &[u8], value: &[u8]) -> Option<Value> {
    let (number, event) = (keys::parse_event(key).ok()?, records::parse_event(value)?);
    Some(json!({
        "kind": "event",
        "event_number": number.0,
        "event_id": event.id.to_string(),
        "received": time(event.received),
        "forwarded_from": event.forwarded_from,
        "traceparent": event.trace.map(|trace| trace.to_string()),
        "event": envelope(&event.envelope),
    }))
}

fn dead_letter(key: &[u8], value: &[u8]) -> Option<Value> {
    let (id, letter) = (DeadLetterId::from_key(key).ok()?, records::parse_dead_letter(value).ok()?);
    Some(json!({
        "kind": "dead_letter",
        "id": id.to_string(),
        "event_number": id.event().0,
        "target_number": id.target().0,
        "died": time(letter.died),
        "rule_arn": letter.rule_arn,
        "target_id": letter.target_id,
        "target_arn": letter.target_arn,
        "error_code": letter.error_code,
        "error_message": letter.error_message,
        "exhausted_retry_condition": letter.exhausted_retry_condition.map(ExhaustedRetryCondition::name),
        "retry_attempts": letter.retry_attempts,
        "event_id": letter.event.as_ref().map(|event| event.id.to_string()),
        "received": letter.event.as_ref().map(|event| time(event.received)),
        "event": letter.event.as_ref().map(|event| envelope(&event.envelope)),
    }))
}

fn attempt(key: &[u8], value: &[u8]) -> Option<Value> {
    let attempt = records::parse_attempt(key, value).ok()?;
    let (delivery, record) = (attempt.delivery, attempt.record);
    let (then, at) = match attempt.end {
        AttemptEnd::Delivered => ("delivered", None),
        AttemptEnd::RetryAt(due) => ("retry", Some(time(due))),
        AttemptEnd::Died(died) => ("dead_letter", Some(time(died))),
    };
    Some(json!({
        "kind": "attempt",
        "event_id": record.event.to_string(),
        "event_number": delivery.event.0,
        "target_number": delivery.target.0,
        "attempt": record.attempt,
        "ended": time(record.ended),
        "duration_us": u64::try_from(record.duration.as_micros()).unwrap_or(u64::MAX),
        "code": record.code,
        "message": record.message,
        "then": then,
        "at": at,
    }))
}

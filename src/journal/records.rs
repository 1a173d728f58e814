//! The values of the journal. Each begins with the number of its form, so that a later release can add others.

use std::borrow::Cow;
use std::time::Duration;

use eventyard_core::attempt_record::{AttemptEnd, AttemptRecord};
use eventyard_core::clock::Timestamp;
use eventyard_core::dead_letter::DeadLetter;
use eventyard_core::event::{Event, EventId};
use eventyard_core::retry::ExhaustedRetryCondition;
use eventyard_core::trace_context::{TRACE_CONTEXT_BYTES, TraceContext};
use serde::{Deserialize, Serialize};

use super::{JournalError, Pending, RecordedAttempt, ScheduleMark, keys};

/// Form 1 of an event: when it was received (8 bytes), its id (16 bytes), its envelope.
const EVENT: u8 = 1;
/// Form 2 of an event, of one that was forwarded: behind the id the length (2 bytes) of the ARNs of the event buses it came
/// from, and these with commas between.
const FORWARDED_EVENT: u8 = 2;
/// Form 3 of an event, of one that is part of a trace: behind the id the context of its span (25 bytes), then as in form 2 where
/// it came from, if from anywhere.
const TRACED_EVENT: u8 = 3;
/// Form 1 of a delivery that waits: attempts so far (4 bytes).
const LATER: u8 = 1;
/// Form 1 of an attempt: when the event was received (8 bytes), when the attempt ended (8 bytes), how long it took in
/// microseconds (4 bytes), what followed (1 byte) and when (8 bytes), the length of its code (1 byte), its code, its message.
const ATTEMPT: u8 = 1;
/// Form 1 of how far a schedule has come: since when it runs, and through what it was fired (8 bytes each).
const SCHEDULE: u8 = 1;
/// Form 1 of by what an event is known: when it was received (8 bytes), its id (16 bytes).
const DEDUPLICATION: u8 = 1;
/// Form 1 of a dead letter: a JSON object.
const DEAD_LETTER: u8 = 1;

pub(super) fn event(event: &Event) -> Vec<u8> {
    let way = event.forwarded_from.join(",");
    let mut value = Vec::with_capacity(27 + TRACE_CONTEXT_BYTES + way.len() + event.envelope.len());
    let form = match event.trace {
        Some(_) => TRACED_EVENT,
        None if way.is_empty() => EVENT,
        None => FORWARDED_EVENT,
    };
    value.push(form);
    value.extend(event.received.as_millis().to_be_bytes());
    value.extend(event.id.as_bytes());
    value.extend(event.trace.iter().flat_map(|trace| trace.to_bytes()));
    if form != EVENT {
        // At most some thousand bytes: both the number of ARNs and their length are bounded.
        value.extend(u16::try_from(way.len()).unwrap_or(u16::MAX).to_be_bytes());
        value.extend(way.as_bytes());
    }
    value.extend(event.envelope.as_bytes());
    value
}

pub(super) fn count(count: u64) -> Vec<u8> {
    count.to_be_bytes().to_vec()
}

pub(super) fn parse_count(value: &[u8]) -> Result<u64, JournalError> {
    value.try_into().map(u64::from_be_bytes).map_err(|_| JournalError::Damaged("a count".to_owned()))
}

/// None when it is not in that form.
pub(super) fn parse_event(value: &[u8]) -> Option<Event> {
    let (&form, rest) = value.split_first()?;
    let (received, rest) = rest.split_first_chunk()?;
    let (id, rest) = rest.split_first_chunk()?;
    let (trace, rest) = match form {
        EVENT | FORWARDED_EVENT => (None, rest),
        TRACED_EVENT => {
            let (context, rest) = rest.split_first_chunk()?;
            (Some(TraceContext::from_bytes(*context)?), rest)
        }
        _ => return None,
    };
    let (way, envelope) = if form == EVENT {
        ("", rest)
    } else {
        let (length, rest) = rest.split_first_chunk()?;
        let (way, envelope) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        (str::from_utf8(way).ok()?, envelope)
    };
    Some(Event {
        id: EventId::from_bytes(*id),
        received: Timestamp::from_millis(i64::from_be_bytes(*received))?,
        envelope: std::str::from_utf8(envelope).ok()?.into(),
        forwarded_from: way.split(',').filter(|arn| !arn.is_empty()).map(str::to_owned).collect(),
        trace,
    })
}

/// By what an event is known: when it came, and its id.
pub(super) fn deduplication(received: Timestamp, id: EventId) -> Vec<u8> {
    let mut value = vec![DEDUPLICATION];
    value.extend(received.as_millis().to_be_bytes());
    value.extend(id.as_bytes());
    value
}

pub(super) fn parse_deduplication(value: &[u8]) -> Result<(Timestamp, EventId), JournalError> {
    let parsed = || {
        let (received, id) = value.strip_prefix(&[DEDUPLICATION])?.split_first_chunk()?;
        Some((Timestamp::from_millis(i64::from_be_bytes(*received))?, EventId::from_bytes(id.try_into().ok()?)))
    };
    parsed().ok_or_else(|| JournalError::Damaged("by what an event is known".to_owned()))
}

pub(super) fn later(attempts: u32) -> Vec<u8> {
    let mut value = vec![LATER];
    value.extend(attempts.to_be_bytes());
    value
}

pub(super) fn parse_later(key: &[u8], value: &[u8]) -> Result<Pending, JournalError> {
    let attempts = value.strip_prefix(&[LATER]).and_then(|rest| rest.try_into().ok()).map(u32::from_be_bytes);
    keys::parse_later(key, attempts.ok_or_else(|| JournalError::Damaged("a delivery that waits".to_owned()))?)
}

/// An attempt with what followed.
pub(super) fn attempt(record: &AttemptRecord, end: AttemptEnd) -> Vec<u8> {
    let mut value = Vec::with_capacity(64 + record.message.len());
    value.push(ATTEMPT);
    value.extend(record.received.as_millis().to_be_bytes());
    value.extend(record.ended.as_millis().to_be_bytes());
    value.extend(u32::try_from(record.duration.as_micros()).unwrap_or(u32::MAX).to_be_bytes());
    let (end, time) = match end {
        AttemptEnd::Delivered => (0, Timestamp::EPOCH),
        AttemptEnd::RetryAt(time) => (1, time),
        AttemptEnd::Died(time) => (2, time),
    };
    value.push(end);
    value.extend(time.as_millis().to_be_bytes());
    value.push(u8::try_from(record.code.len()).unwrap_or(0));
    value.extend(record.code.as_bytes());
    value.extend(record.message.as_bytes());
    value
}

pub(super) fn parse_attempt(key: &[u8], value: &[u8]) -> Result<RecordedAttempt, JournalError> {
    let (event, delivery) = keys::parse_attempt(key)?;
    let parsed = || {
        let rest = value.strip_prefix(&[ATTEMPT])?;
        let (received, rest) = rest.split_first_chunk()?;
        let (ended, rest) = rest.split_first_chunk()?;
        let (duration, rest) = rest.split_first_chunk()?;
        let (&end, rest) = rest.split_first()?;
        let (time, rest) = rest.split_first_chunk()?;
        let (&code_length, rest) = rest.split_first()?;
        let (code, message) = rest.split_at_checked(code_length.into())?;
        let time_of = |bytes| Timestamp::from_millis(i64::from_be_bytes(bytes));
        let record = AttemptRecord {
            event,
            received: time_of(*received)?,
            attempt: delivery.attempts,
            ended: time_of(*ended)?,
            duration: Duration::from_micros(u32::from_be_bytes(*duration).into()),
            code: Cow::Owned(str::from_utf8(code).ok()?.to_owned()),
            message: str::from_utf8(message).ok()?.to_owned(),
        };
        let end = match end {
            0 => AttemptEnd::Delivered,
            1 => AttemptEnd::RetryAt(time_of(*time)?),
            2 => AttemptEnd::Died(time_of(*time)?),
            _ => return None,
        };
        Some(RecordedAttempt { delivery, record, end })
    };
    parsed().ok_or_else(|| JournalError::Damaged(format!("an attempt at event {}", delivery.event)))
}

pub(super) fn schedule(mark: &ScheduleMark) -> Vec<u8> {
    let mut value = vec![SCHEDULE];
    value.extend(mark.since.as_millis().to_be_bytes());
    value.extend(mark.through.as_millis().to_be_bytes());
    value
}

pub(super) fn parse_schedule(key: &[u8], value: &[u8]) -> Result<ScheduleMark, JournalError> {
    let rule = keys::parse_schedule(key)?;
    let parsed = || {
        let (since, rest) = value.strip_prefix(&[SCHEDULE])?.split_first_chunk()?;
        let since = Timestamp::from_millis(i64::from_be_bytes(*since))?;
        let through = Timestamp::from_millis(i64::from_be_bytes(rest.try_into().ok()?))?;
        Some(ScheduleMark { rule, since, through })
    };
    parsed().ok_or_else(|| JournalError::Damaged("how far a schedule has come".to_owned()))
}

#[derive(Serialize, Deserialize)]
struct DeadLetterRecord {
    /// This and the next two are absent together.
    event_id: Option<String>,
    received_ms: Option<i64>,
    envelope: Option<Box<str>>,
    /// Absent in what releases before wrote that did not forward.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    forwarded_from: Vec<String>,
    /// The `traceparent` of its span; absent when it is part of no trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trace: Option<String>,
    died_ms: i64,
    rule_arn: String,
    target_id: String,
    target_arn: String,
    error_code: String,
    error_message: String,
    exhausted_retry_condition: Option<String>,
    retry_attempts: u32,
}

#[derive(Serialize, Deserialize)]
struct DeadLetterCopyRecord {
    destination: String,
    dead_letter: DeadLetterRecord,
}

pub(super) fn dead_letter(letter: &DeadLetter) -> Vec<u8> {
    let mut value = vec![DEAD_LETTER];
    // Strings and numbers always have a JSON form.
    value.extend(serde_json::to_vec(&DeadLetterRecord::of(letter)).unwrap_or_default());
    value
}

pub(super) fn parse_dead_letter(value: &[u8]) -> Result<DeadLetter, JournalError> {
    let json = value.strip_prefix(&[DEAD_LETTER]).ok_or_else(|| damaged("a dead letter"))?;
    let record: DeadLetterRecord =
        serde_json::from_slice(json).map_err(|error| JournalError::Damaged(format!("a dead letter: {error}")))?;
    record.read().ok_or_else(|| damaged("a dead letter"))
}

/// The copy of a dead letter, in the place of an envelope.
pub(super) fn dead_letter_copy(destination: &str, letter: &DeadLetter) -> String {
    let dead_letter = DeadLetterRecord::of(letter);
    let record = DeadLetterCopyRecord { destination: destination.to_owned(), dead_letter };
    serde_json::to_string(&record).unwrap_or_default()
}

pub(super) fn parse_dead_letter_copy(envelope: &str) -> Result<(String, DeadLetter), JournalError> {
    let record: DeadLetterCopyRecord = serde_json::from_str(envelope)
        .map_err(|error| JournalError::Damaged(format!("a copy of a dead letter: {error}")))?;
    let letter = record.dead_letter.read().ok_or_else(|| damaged("a copy of a dead letter"))?;
    Ok((record.destination, letter))
}

fn damaged(what: &str) -> JournalError {
    JournalError::Damaged(what.to_owned())
}

impl DeadLetterRecord {
    fn of(letter: &DeadLetter) -> Self {
        let event = letter.event.as_ref();
        Self {
            event_id: event.map(|event| event.id.to_string()),
            received_ms: event.map(|event| event.received.as_millis()),
            envelope: event.map(|event| event.envelope.clone()),
            forwarded_from: event.map(|event| event.forwarded_from.clone()).unwrap_or_default(),
            trace: event.and_then(|event| event.trace).map(|trace| trace.to_string()),
            died_ms: letter.died.as_millis(),
            rule_arn: letter.rule_arn.clone(),
            target_id: letter.target_id.clone(),
            target_arn: letter.target_arn.clone(),
            error_code: letter.error_code.clone(),
            error_message: letter.error_message.clone(),
            exhausted_retry_condition: letter.exhausted_retry_condition.map(|condition| condition.name().to_owned()),
            retry_attempts: letter.retry_attempts,
        }
    }

    /// None when it is not in its form.
    fn read(self) -> Option<DeadLetter> {
        let event = match (self.event_id, self.received_ms, self.envelope) {
            (Some(id), Some(received), Some(envelope)) => Some(Event {
                id: EventId::parse(&id)?,
                received: Timestamp::from_millis(received)?,
                envelope,
                forwarded_from: self.forwarded_from,
                trace: self.trace.as_deref().and_then(TraceContext::parse),
            }),
            (None, None, None) => None,
            _ => return None,
        };
        Some(DeadLetter {
            event,
            died: Timestamp::from_millis(self.died_ms)?,
            rule_arn: self.rule_arn,
            target_id: self.target_id,
            target_arn: self.target_arn,
            error_code: self.error_code,
            error_message: self.error_message,
            exhausted_retry_condition: self
                .exhausted_retry_condition
                .as_deref()
                .and_then(ExhaustedRetryCondition::parse),
            retry_attempts: self.retry_attempts,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(forwarded_from: &[&str]) -> Event {
        Event {
            id: EventId::from_bytes([7; 16]),
            received: Timestamp::EPOCH,
            envelope: r#"{"id":","}"#.into(),
            forwarded_from: forwarded_from.iter().map(|&arn| arn.to_owned()).collect(),
            trace: None,
        }
    }

    #[test]
    fn an_event_is_read_as_it_was_written_and_form_1_stays() {
        let mut form_1 = vec![1, 0, 0, 0, 0, 0, 0, 0, 0];
        form_1.extend([7; 16]);
        form_1.extend(br#"{"id":","}"#);
        assert_eq!(event(&sample(&[])), form_1);
        for way in [&[][..], &["arn:aws:events:a:1:event-bus/b"], &["arn:a", "arn:b"]] {
            assert_eq!(parse_event(&event(&sample(way))), Some(sample(way)));
        }
        let cut = event(&sample(&["arn:a"]));
        assert!((0..27 + 5).all(|length| parse_event(&cut[..length]).is_none()));
        assert_eq!(parse_event(&[4; 60]), None);
    }

    #[test]
    fn a_trace_is_kept_with_its_event_and_dead_letter() {
        let trace = TraceContext::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        for way in [&[][..], &["arn:a", "arn:b"]] {
            let traced = Event { trace, ..sample(way) };
            let value = event(&traced);
            assert_eq!(value[0], TRACED_EVENT);
            assert_eq!(parse_event(&value), Some(traced.clone()));
            assert!((0..50 + 2).all(|length| parse_event(&value[..length]).is_none()));
            let letter = DeadLetter {
                event: Some(traced),
                died: Timestamp::EPOCH,
                rule_arn: String::new(),
                target_id: String::new(),
                target_arn: String::new(),
                error_code: String::new(),
                error_message: String::new(),
                exhausted_retry_condition: None,
                retry_attempts: 0,
            };
            assert_eq!(parse_dead_letter(&dead_letter(&letter)).unwrap().event, letter.event);
        }
    }
}

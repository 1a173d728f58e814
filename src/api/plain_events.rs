//! `POST /events`: events for people with curl.
//!
//! The body is one entry of `PutEvents` or an array of them, up to 1,000. `Detail` may be an object instead of its text, and
//! `Time` an RFC 3339 text instead of a number. The answer is that of `PutEvents`. A request with a header `Idempotency-Key` may be
//! made again: what was put is left away.

use eventyard_core::clock::Timestamp;
use eventyard_core::constraint::{Rule as Constraint, Violations};
use eventyard_core::deduplication::DEDUPLICATION_ID_BYTES_MAX;
use eventyard_core::error::{ErrorCode, ServiceError};
use eventyard_core::limits::PLAIN_EVENTS_ENTRIES_MAX;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::object::Object;
use super::operations::events::{EntryDeduplicationId, PutEventsRequestEntry, accept, check_entries};
use super::wire::{finish, serialization};
use crate::engine::{Caller, Engine};
use crate::http::Request;

/// The usual name of such a header.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

type Result<T> = std::result::Result<T, ServiceError>;

/// An entry as people write it. Unlike on Amazon's wire an unknown member is an error, since it is most likely a typing
/// error that would lose data.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PlainEntry<'a> {
    #[serde(borrow)]
    time: Option<&'a RawValue>,
    source: Option<String>,
    resources: Option<Vec<String>>,
    detail_type: Option<String>,
    #[serde(borrow)]
    detail: Option<&'a RawValue>,
    event_bus_name: Option<String>,
    trace_header: Option<String>,
}

pub(super) async fn post(engine: &Engine, caller: &Caller, request: &Request, body: &[u8]) -> Result<Vec<u8>> {
    let mut entries = read(body)?;
    if let Some(key) = idempotency_key(request)? {
        for (number, entry) in entries.iter_mut().enumerate() {
            entry.deduplication_id = Some(EntryDeduplicationId::OfRequest(key.to_owned(), number));
        }
    }
    let trace = request.trace();
    for entry in &mut entries {
        entry.trace = trace;
    }
    let mut violations = Violations::default();
    if entries.is_empty() {
        violations.push("entries", "[]", &Constraint::LengthMin(1));
    } else if entries.len() > PLAIN_EVENTS_ENTRIES_MAX {
        violations.push(
            "entries",
            &format!("[{} items]", entries.len()),
            &Constraint::LengthMax(PLAIN_EVENTS_ENTRIES_MAX),
        );
    }
    check_entries(&mut violations, &entries);
    finish(violations)?;
    accept(engine, caller, &entries).await
}

/// The header by which a request that is made again is known.
fn idempotency_key(request: &Request) -> Result<Option<&str>> {
    let mut values = request.headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().ok().filter(|text| (1..=DEDUPLICATION_ID_BYTES_MAX).contains(&text.len()));
    match (text, values.next()) {
        (Some(text), None) => Ok(Some(text)),
        _ => Err(ServiceError::validation(format!(
            "The header Idempotency-Key is not valid: write it once, with 1 to {DEDUPLICATION_ID_BYTES_MAX} characters of ASCII."
        ))),
    }
}

fn read(body: &[u8]) -> Result<Vec<PutEventsRequestEntry>> {
    let is_array = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    let plain: Vec<Object<PlainEntry<'_>>> = if is_array {
        serde_json::from_slice(body).map_err(|error| serialization(&error))?
    } else {
        vec![serde_json::from_slice(body).map_err(|error| serialization(&error))?]
    };
    plain.into_iter().map(|Object(entry)| entry.into_entry()).collect()
}

impl PlainEntry<'_> {
    fn into_entry(self) -> Result<PutEventsRequestEntry> {
        Ok(PutEventsRequestEntry {
            time: self.time.map(seconds).transpose()?,
            source: self.source,
            resources: self.resources,
            detail_type: self.detail_type,
            detail: self.detail.map(text_or_json).transpose()?,
            event_bus_name: self.event_bus_name,
            trace_header: self.trace_header,
            deduplication_id: None,
            trace: None,
        })
    }
}

/// The text of a JSON string, or any other value's own JSON.
fn text_or_json(value: &RawValue) -> Result<String> {
    if value.get().starts_with('"') {
        serde_json::from_str(value.get()).map_err(|error| serialization(&error))
    } else {
        Ok(value.get().to_owned())
    }
}

fn seconds(value: &RawValue) -> Result<f64> {
    let text = text_or_json(value)?;
    let time = Timestamp::parse_rfc3339(&text).map(Timestamp::as_epoch_seconds).or_else(|| text.parse().ok());
    time.ok_or_else(|| {
        let message = format!("The request cannot be read: Time is {text}; write seconds since 1970 or a time such as \"2026-01-02T03:04:05Z\".");
        ServiceError::new(ErrorCode::Serialization, message)
    })
}

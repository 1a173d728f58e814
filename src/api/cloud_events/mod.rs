//! `POST /cloudevents`: CloudEvents 1.0 over HTTP, in the structured, binary and batched content modes.
//!
//! An event becomes an entry of `PutEvents`: its type is the detail type, its source the source, its time the time. The detail
//! has all its attributes as `metadata`, and its `data` or `data_base64`, so that the CloudEvent can be put together again
//! from what is delivered. Values go through as they were spelt.

mod binary;
mod event;
mod structured;

use eventyard_core::constraint::Violations;
use eventyard_core::error::ServiceError;
use eventyard_core::limits::PLAIN_EVENTS_ENTRIES_MAX;
use eventyard_core::sigv4::query_parameters;
use hyper::header::CONTENT_TYPE;

use event::CloudEvent;

use super::operations::events::{self, PutEventsRequestEntry, check_entries};
use super::wire::finish;
use crate::engine::{Caller, Engine};
use crate::http::Request;

type Result<T> = std::result::Result<T, ServiceError>;

/// Puts the events of a request. One that stands alone and is not accepted is an error; in a batch it has its place in the
/// answer, as with `PutEvents`.
pub(super) async fn post(engine: &Engine, caller: &Caller, request: &Request, body: &[u8]) -> Result<Vec<u8>> {
    let bus = event_bus_name(request.uri.query().unwrap_or_default())?;
    let media_type = request.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let (cloud_events, is_batch) = match media_type.as_str() {
        "application/cloudevents-batch+json" => (structured::read_batch(body)?, true),
        "application/cloudevents+json" => (vec![structured::read(body)?], false),
        other if other.starts_with("application/cloudevents") => {
            return Err(ServiceError::validation(format!(
                "CloudEvents in the format '{other}' are not read here; there are application/cloudevents+json, \
                 application/cloudevents-batch+json and the binary mode."
            )));
        }
        media_type => (vec![binary::read(&request.headers, media_type, body)?], false),
    };
    if cloud_events.len() > PLAIN_EVENTS_ENTRIES_MAX {
        return Err(ServiceError::validation(format!("A batch has at most {PLAIN_EVENTS_ENTRIES_MAX} events.")));
    }
    let to_entry = |event: &CloudEvent| {
        let deduplication_id = engine.deduplicates_cloud_events().then(|| event.deduplication_id()).flatten();
        let trace = event.trace().or(request.trace());
        PutEventsRequestEntry { deduplication_id, trace, ..event.to_entry(bus.clone()) }
    };
    let entries: Vec<PutEventsRequestEntry> = cloud_events.iter().map(to_entry).collect();
    let mut violations = Violations::default();
    check_entries(&mut violations, &entries);
    finish(violations)?;
    let results = events::put(engine, caller, &entries).await?;
    if let ([Err(error)], false) = (&results[..], is_batch) {
        return Err(ServiceError::validation(format!("{}: {}", error.code(), error.message())));
    }
    events::encode_results(&results)
}

/// `?EventBusName=…`, the only parameter, beside those of a presigned URL.
fn event_bus_name(query: &str) -> Result<Option<String>> {
    let mut bus = None;
    for (name, value) in query_parameters(query).filter(|(name, _)| !name.starts_with(b"X-Amz-")) {
        if &*name != b"EventBusName" || bus.is_some() {
            let name = String::from_utf8_lossy(&name).escape_debug().to_string();
            return Err(ServiceError::validation(format!("The query has '{name}'; there is EventBusName, once.")));
        }
        bus = Some(String::from_utf8_lossy(&value).into_owned());
    }
    Ok(bus)
}

/// What is wrong with a CloudEvent.
fn refused(why: &str) -> ServiceError {
    ServiceError::validation(format!("The CloudEvent is not valid: {why}."))
}

#[cfg(test)]
mod tests;

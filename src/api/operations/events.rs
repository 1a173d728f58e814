//! `PutEvents` and `TestEventPattern`.

use std::fmt;

use eventyard_core::arn::EventBusNameOrArn;
use eventyard_core::clock::Timestamp;
use eventyard_core::constraint::{Rule as Constraint, StringConstraint, Violations};
use eventyard_core::deduplication::DeduplicationId;
use eventyard_core::error::{ErrorCode, ServiceError};
use eventyard_core::event::EventEntry;
use eventyard_core::limits::PUT_EVENTS_ENTRIES_MAX;
use eventyard_core::trace_context::TraceContext;
use serde::{Deserialize, Serialize};

use crate::api::object::Object;
use crate::api::wire::{bus, decode, encode, finish};
use crate::engine::{Caller, Engine, EntryResult, EventsError};
use crate::journal::JournalError;

type Result<T> = std::result::Result<T, ServiceError>;

/// What the API model asks of `TraceHeader`.
const TRACE_HEADER: StringConstraint = StringConstraint::length(1, 500);

/// What the API model asks of each of `Resources`.
const RESOURCE: StringConstraint = StringConstraint::length(0, 2_048);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutEventsRequest {
    entries: Option<Vec<Object<PutEventsRequestEntry>>>,
    endpoint_id: Option<String>,
}

/// One entry, as an SDK or the CLI sends it.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(in crate::api) struct PutEventsRequestEntry {
    /// Seconds since the epoch.
    pub(in crate::api) time: Option<f64>,
    pub(in crate::api) source: Option<String>,
    pub(in crate::api) resources: Option<Vec<String>>,
    pub(in crate::api) detail_type: Option<String>,
    pub(in crate::api) detail: Option<String>,
    pub(in crate::api) event_bus_name: Option<String>,
    /// For a tracing service that does not exist here: checked, and told in the log.
    pub(in crate::api) trace_header: Option<String>,
    /// By what its caller knows it; no member of Amazon's.
    #[serde(skip)]
    pub(in crate::api) deduplication_id: Option<EntryDeduplicationId>,
    /// The span it was sent in; no member of Amazon's.
    #[serde(skip)]
    pub(in crate::api) trace: Option<TraceContext>,
}

/// By what a caller knows an entry.
pub(in crate::api) enum EntryDeduplicationId {
    /// The key of its request, and which entry of that it is.
    OfRequest(String, usize),
    /// Source and id of a `CloudEvent`.
    OfCloudEvent(String, String),
}

impl EntryDeduplicationId {
    fn as_id(&self) -> DeduplicationId<'_> {
        match self {
            Self::OfRequest(key, entry) => DeduplicationId::OfRequest(key, *entry),
            Self::OfCloudEvent(source, id) => DeduplicationId::OfCloudEvent(source, id),
        }
    }
}

/// As Amazon shows an entry in the message about too many of them.
impl fmt::Display for PutEventsRequestEntry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "null".to_owned());
        let time = self.time.map_or_else(|| "null".to_owned(), |time| time.to_string());
        let resources =
            self.resources.as_ref().map_or_else(|| "null".to_owned(), |list| format!("[{}]", list.join(", ")));
        write!(
            formatter,
            "PutEventsRequestEntry(time={time}, source={}, resources={resources}, detailType={}, detail={}, eventBusName={}, \
             traceHeader={}, kmsKeyIdentifier=null, internalMetadata=null)",
            text(&self.source),
            text(&self.detail_type),
            text(&self.detail),
            text(&self.event_bus_name),
            text(&self.trace_header),
        )
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PutEventsResponse {
    failed_entry_count: usize,
    entries: Vec<PutEventsResultEntry>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PutEventsResultEntry {
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'static str>,
}

impl From<&EntryResult> for PutEventsResultEntry {
    fn from(result: &EntryResult) -> Self {
        match result {
            Ok(id) => Self { event_id: Some(id.to_string()), error_code: None, error_message: None },
            Err(error) => Self { event_id: None, error_code: Some(error.code()), error_message: Some(error.message()) },
        }
    }
}

pub(in crate::api) async fn put_events(
    engine: &Engine,
    caller: &Caller,
    trace: Option<TraceContext>,
    body: &[u8],
) -> Result<Vec<u8>> {
    let request: PutEventsRequest = decode(body)?;
    let mut violations = Violations::default();
    if request.entries.is_none() {
        violations.push_missing("entries");
        return Err(violations.into());
    }
    let entries: Vec<_> =
        request.entries.into_iter().flatten().map(|Object(entry)| PutEventsRequestEntry { trace, ..entry }).collect();
    if entries.is_empty() {
        violations.push("entries", "[]", &Constraint::LengthMin(1));
    } else if entries.len() > PUT_EVENTS_ENTRIES_MAX {
        let shown: Vec<String> = entries.iter().map(ToString::to_string).collect();
        violations.push("entries", &format!("[{}]", shown.join(", ")), &Constraint::LengthMax(PUT_EVENTS_ENTRIES_MAX));
    }
    check_entries(&mut violations, &entries);
    finish(violations)?;
    if request.endpoint_id.is_some() {
        return Err(ServiceError::validation(
            "Parameter EndpointId is not valid. Reason: eventyard has no global endpoints.",
        ));
    }
    accept(engine, caller, &entries).await
}

/// Checks entries against the model. What is required of them is decided one by one, by the engine.
pub(in crate::api) fn check_entries(violations: &mut Violations, entries: &[PutEventsRequestEntry]) {
    for (entry, number) in entries.iter().zip(1..) {
        let path = format!("entries.{number}.member");
        violations.check_option(
            &format!("{path}.eventBusName"),
            entry.event_bus_name.as_deref(),
            &EventBusNameOrArn::NON_PARTNER_CONSTRAINT,
        );
        for (resource, number) in entry.resources.iter().flatten().zip(1..) {
            violations.check(&format!("{path}.resources.{number}.member"), resource, &RESOURCE);
        }
        violations.check_option(&format!("{path}.traceHeader"), entry.trace_header.as_deref(), &TRACE_HEADER);
    }
}

/// Hands entries to the engine and encodes what became of them.
pub(in crate::api) async fn accept(
    engine: &Engine,
    caller: &Caller,
    entries: &[PutEventsRequestEntry],
) -> Result<Vec<u8>> {
    encode_results(&put(engine, caller, entries).await?)
}

/// Hands entries to the engine.
pub(in crate::api) async fn put(
    engine: &Engine,
    caller: &Caller,
    entries: &[PutEventsRequestEntry],
) -> Result<Vec<EntryResult>> {
    let read = entries.iter().map(read_entry).collect::<Result<Vec<_>>>()?;
    let results = engine.put_events(caller, &read).await.map_err(|error| match error {
        EventsError::TooLarge => {
            ServiceError::validation("Total size of the entries in the request is over the limit.")
        }
        // The journal has said in the log what is wrong.
        EventsError::NotWritten(JournalError::Full { .. } | JournalError::BacklogFull { .. }) => ServiceError::new(
            ErrorCode::Throttling,
            "Rate exceeded: there is no room for more events; try again later.",
        ),
        EventsError::NotWritten(_) => ServiceError::internal(),
    })?;
    let mut traced = entries.iter().zip(read).filter(|(entry, _)| entry.trace_header.is_some());
    if let Some((_, (bus, _))) = traced.next() {
        engine.tell_of_trace_header(caller, bus);
    }
    Ok(results)
}

/// Encodes what became of entries.
pub(in crate::api) fn encode_results(results: &[EntryResult]) -> Result<Vec<u8>> {
    let failed_entry_count = results.iter().filter(|result| result.is_err()).count();
    encode(&PutEventsResponse { failed_entry_count, entries: results.iter().map(PutEventsResultEntry::from).collect() })
}

fn read_entry(entry: &PutEventsRequestEntry) -> Result<(Option<EventBusNameOrArn>, EventEntry<'_>)> {
    let not_a_time = || ServiceError::new(ErrorCode::Serialization, "The request cannot be read: Time is not a time.");
    let time = entry.time.map(|time| Timestamp::from_epoch_seconds(time).ok_or_else(not_a_time)).transpose()?;
    let event = EventEntry {
        source: entry.source.as_deref(),
        detail_type: entry.detail_type.as_deref(),
        detail: entry.detail.as_deref(),
        resources: entry.resources.as_deref().unwrap_or_default(),
        time,
        deduplication_id: entry.deduplication_id.as_ref().map(EntryDeduplicationId::as_id),
        trace: entry.trace,
    };
    Ok((bus(entry.event_bus_name.as_deref())?, event))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TestEventPatternRequest {
    event_pattern: Option<String>,
    event: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TestEventPatternResponse {
    result: bool,
}

pub(in crate::api) fn test_event_pattern(engine: &Engine, _: &Caller, body: &[u8]) -> Result<Vec<u8>> {
    let request: TestEventPatternRequest = decode(body)?;
    let mut violations = Violations::default();
    let (Some(pattern), Some(event)) = (&request.event_pattern, &request.event) else {
        for (path, _) in [("eventPattern", &request.event_pattern), ("event", &request.event)]
            .iter()
            .filter(|(_, value)| value.is_none())
        {
            violations.push_missing(path);
        }
        return Err(violations.into());
    };
    violations.check("eventPattern", pattern, &StringConstraint::length(0, engine.pattern_length_max()));
    finish(violations)?;
    encode(&TestEventPatternResponse { result: engine.test_event_pattern(pattern, event)? })
}

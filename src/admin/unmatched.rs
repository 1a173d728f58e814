//! `GET /events/unmatched`: the latest events that are owed to nobody, and why.

use std::sync::Arc;

use eventyard_core::arn::{EventBusNameOrArn, event_bus_arn};
use eventyard_core::error::ServiceError;
use eventyard_core::limits::PAGE_LENGTH_MAX;
use serde::Serialize;
use serde_json::value::RawValue;

use super::explain::ExplainedRule;
use super::query::Query;
use crate::engine::{Caller, Engine, UnmatchedEvent};

/// Events told of when nobody says how many.
const LIMIT: usize = 10;

#[derive(Serialize)]
struct UnmatchedAnswer {
    /// Since the start of the daemon.
    counts: Vec<CountShape>,
    /// Newest first.
    events: Vec<EventShape>,
}

#[derive(Serialize)]
struct CountShape {
    event_bus_arn: String,
    count: u64,
}

#[derive(Serialize)]
struct EventShape {
    received: String,
    event_bus_arn: String,
    /// Absent when there is no such event bus.
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<Vec<ExplainedRule>>,
    event: Box<RawValue>,
}

/// The answer's body.
pub(super) async fn list(engine: &Arc<Engine>, caller: &Caller, mut query: Query) -> Result<Vec<u8>, ServiceError> {
    let bus = query.take_as("event_bus", "write a name or an ARN of an event bus", EventBusNameOrArn::parse)?;
    let limit = |text: &str| text.parse().ok().filter(|limit| (1..=PAGE_LENGTH_MAX).contains(limit));
    let limit = query.take_as("limit", &format!("write a number from 1 to {PAGE_LENGTH_MAX}"), limit)?;
    query.end("event_bus and limit")?;
    let (reader, bus) = (Arc::clone(engine), bus.map(|bus| bus.resolve(&caller.account, &caller.region)));
    let found = tokio::task::spawn_blocking(move || reader.unmatched_events(bus.as_ref(), limit.unwrap_or(LIMIT)));
    let found = found.await.map_err(|_| ServiceError::internal())??;
    let counts = found.counts.iter();
    let counts = counts.map(|(bus, count)| CountShape { event_bus_arn: event_bus_arn(bus), count: *count }).collect();
    let events = found.latest.into_iter().map(EventShape::new).collect::<Result<_, _>>()?;
    serde_json::to_vec(&UnmatchedAnswer { counts, events }).map_err(|_| ServiceError::internal())
}

impl EventShape {
    fn new(unmatched: UnmatchedEvent) -> Result<Self, ServiceError> {
        let UnmatchedEvent { bus, event, rules } = unmatched;
        Ok(Self {
            received: event.received.to_string(),
            event_bus_arn: event_bus_arn(&bus),
            rules: rules.map(|rules| rules.into_iter().map(ExplainedRule::new).collect()),
            event: RawValue::from_string(event.envelope.into()).map_err(|_| ServiceError::internal())?,
        })
    }
}

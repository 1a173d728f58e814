//! `EventBridge` elsewhere: the event is put on an event bus of another daemon, or of Amazon's service.

use eventyard_core::arn::event_bus_arn;
use eventyard_core::delivery::AttemptOutcome;
use eventyard_core::event::Event;
use eventyard_core::forwarding::{WAY_HEADER, write_way};
use eventyard_core::name::EventBusKey;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::answer::Answer;
use super::call::{Call, Service};

pub(super) const EVENTBRIDGE: Service = Service { prefix: "events", name: "eventbridge" };

/// What an entry of `PutEvents` says of an event.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Envelope<'a> {
    source: String,
    detail_type: String,
    #[serde(borrow)]
    detail: &'a RawValue,
    resources: Vec<String>,
    time: String,
}

/// `PutEvents`. The event gets another id there, and the account that the key belongs to; its way goes with it.
///
/// # Errors
/// When the event is none that can be put.
pub(super) fn put_events(bus: &EventBusKey, event: &Event) -> Result<Call, String> {
    let way = write_way(&event.forwarded_from);
    let event: Envelope<'_> = serde_json::from_str(&event.envelope).map_err(|error| error.to_string())?;
    let time = eventyard_core::clock::Timestamp::parse_rfc3339(&event.time).map(|time| time.as_millis() / 1_000);
    let entry = json!({
        "Source": event.source,
        "DetailType": event.detail_type,
        "Detail": event.detail.get(),
        "Resources": event.resources,
        "Time": time,
        "EventBusName": event_bus_arn(bus),
    });
    let mut call = Call::json_1_1(EVENTBRIDGE, "AWSEvents.PutEvents", &json!({ "Entries": [entry] }));
    call.headers.push((WAY_HEADER, way));
    Ok(call)
}

/// Of an entry that is refused the service says so in a success.
pub(super) fn outcome(answer: Answer) -> AttemptOutcome {
    let output = answer.output();
    let entry = &output["Entries"][0];
    let excerpt = || entry.to_string();
    match entry["ErrorCode"].as_str() {
        None => answer.outcome(),
        Some("InternalFailure" | "InternalException" | "ThrottlingException") => {
            AttemptOutcome::TargetFailed { status: 200, excerpt: excerpt(), retry_after: None }
        }
        Some(_) => AttemptOutcome::Refused { status: 200, excerpt: excerpt() },
    }
}

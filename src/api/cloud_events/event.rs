//! One CloudEvent: its attributes, its data, and the entry it becomes.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use eventyard_core::clock::Timestamp;
use eventyard_core::trace_context::TraceContext;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Result, refused};
use crate::api::operations::events::{EntryDeduplicationId, PutEventsRequestEntry};

/// What an event is about.
#[derive(Debug)]
pub(super) enum Data {
    /// Any JSON.
    Json(Box<RawValue>),
    /// Bytes, in Base64.
    Base64(String),
}

impl Data {
    /// A text, as JSON.
    pub(super) fn text(text: &str) -> Self {
        Self::Json(to_json(text))
    }

    pub(super) fn bytes(bytes: &[u8]) -> Self {
        Self::Base64(BASE64_STANDARD.encode(bytes))
    }

    pub(super) fn base64(text: String) -> Result<Self> {
        BASE64_STANDARD.decode(&text).map_err(|_| refused("data_base64 is not Base64"))?;
        Ok(Self::Base64(text))
    }
}

/// An event whose attributes are those that the specification asks for and allows.
#[derive(Debug)]
pub(super) struct CloudEvent {
    /// In the order in which they came, each as JSON.
    attributes: Vec<(String, Box<RawValue>)>,
    data: Option<Data>,
}

impl CloudEvent {
    /// Checks all attributes. Those that are `null` count as absent.
    pub(super) fn new(attributes: Vec<(String, Box<RawValue>)>, data: Option<Data>) -> Result<Self> {
        let attributes: Vec<_> = attributes.into_iter().filter(|(_, value)| value.get() != "null").collect();
        for (place, (name, value)) in attributes.iter().enumerate() {
            if attributes[..place].iter().any(|(other, _)| other == name) {
                return Err(refused(&format!("the attribute {name} is there twice")));
            }
            check_attribute(name, value)?;
        }
        let event = Self { attributes, data };
        for name in ["specversion", "id", "source", "type"] {
            if event.text(name).is_none() {
                return Err(refused(&format!("the attribute {name} is missing")));
            }
        }
        Ok(event)
    }

    /// The entry of `PutEvents` that it becomes.
    pub(super) fn to_entry(&self, event_bus_name: Option<String>) -> PutEventsRequestEntry {
        let time = self.text("time").and_then(|time| Timestamp::parse_rfc3339(&time));
        PutEventsRequestEntry {
            time: time.map(Timestamp::as_epoch_seconds),
            source: self.text("source"),
            detail_type: self.text("type"),
            detail: Some(self.detail()),
            event_bus_name,
            ..PutEventsRequestEntry::default()
        }
    }

    /// By what the specification says it is known.
    pub(super) fn deduplication_id(&self) -> Option<EntryDeduplicationId> {
        Some(EntryDeduplicationId::OfCloudEvent(self.text("source")?, self.text("id")?))
    }

    /// The span it was made in, as the extension for distributed tracing says. The header of a request tells of the request.
    pub(super) fn trace(&self) -> Option<TraceContext> {
        TraceContext::parse(&self.text(TraceContext::HEADER)?)
    }

    fn detail(&self) -> String {
        let members: Vec<String> =
            self.attributes.iter().map(|(name, value)| format!("{}:{}", to_json(name), value)).collect();
        let data = match &self.data {
            None => String::new(),
            Some(Data::Json(data)) => format!(",\"data\":{data}"),
            Some(Data::Base64(text)) => format!(",\"data_base64\":{}", to_json(text)),
        };
        format!("{{\"metadata\":{{{}}}{data}}}", members.join(","))
    }

    fn text(&self, name: &str) -> Option<String> {
        let (_, value) = self.attributes.iter().find(|(other, _)| other == name)?;
        serde_json::from_str(value.get()).ok()
    }
}

fn check_attribute(name: &str, value: &RawValue) -> Result<()> {
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) || name == "data"
    {
        let name = name.escape_debug();
        return Err(refused(&format!("'{name}' is no name of an attribute, which has lower-case letters and digits")));
    }
    let value: Value = serde_json::from_str(value.get()).map_err(|error| refused(&error.to_string()))?;
    let wrong = |what: &str| Err(refused(&format!("the attribute {name} must be {what}")));
    match (name, &value) {
        ("specversion", Value::String(version)) if version == "1.0" => Ok(()),
        ("specversion", _) => wrong("\"1.0\""),
        ("time", Value::String(time)) if Timestamp::parse_rfc3339(time).is_some() => Ok(()),
        ("time", _) => wrong("a time such as \"2026-01-02T03:04:05Z\""),
        ("id" | "source" | "type" | "subject" | "datacontenttype" | "dataschema", Value::String(text))
            if !text.is_empty() =>
        {
            Ok(())
        }
        ("id" | "source" | "type" | "subject" | "datacontenttype" | "dataschema", _) => {
            wrong("a string, and not empty")
        }
        (_, Value::String(_) | Value::Bool(_)) => Ok(()),
        (_, Value::Number(number)) if number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()) => Ok(()),
        _ => wrong("a string, true, false or a whole number of 32 bits"),
    }
}

/// A text as JSON.
pub(super) fn to_json(text: &str) -> Box<RawValue> {
    // A string always has a JSON form.
    serde_json::value::to_raw_value(text).unwrap_or_default()
}

//! One span, and how the protocol writes it.

use std::time::Duration;

use eventyard_core::clock::Timestamp;
use eventyard_core::trace_context::TraceContext;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
pub(in crate::telemetry) use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span as EncodedSpan, Status};

/// A span as a fact tells it.
#[derive(Debug)]
pub(in crate::telemetry) struct Span<'a> {
    pub(in crate::telemetry) context: TraceContext,
    /// The span it stands under; none for the first of a trace.
    pub(in crate::telemetry) parent: Option<TraceContext>,
    pub(in crate::telemetry) name: &'a str,
    pub(in crate::telemetry) kind: SpanKind,
    pub(in crate::telemetry) begin: Timestamp,
    /// From `begin` to where it really begins: the time of day is in whole milliseconds.
    pub(in crate::telemetry) offset: Duration,
    pub(in crate::telemetry) duration: Duration,
    pub(in crate::telemetry) attributes: Vec<(&'static str, Attribute<'a>)>,
    /// Why it failed, where it did.
    pub(in crate::telemetry) error: Option<String>,
}

/// The value of an attribute.
#[derive(Debug)]
pub(in crate::telemetry) enum Attribute<'a> {
    Text(&'a str),
    Number(u64),
}

impl<'a> From<&'a str> for Attribute<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Attribute<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Attribute<'_> {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl Span<'_> {
    pub(super) fn encode(self) -> EncodedSpan {
        let begin = nanoseconds(self.begin, self.offset);
        EncodedSpan {
            trace_id: self.context.trace_id().to_be_bytes().to_vec(),
            span_id: self.context.span_id().to_be_bytes().to_vec(),
            parent_span_id: self.parent.map(|parent| parent.span_id().to_be_bytes().to_vec()).unwrap_or_default(),
            flags: u32::from(self.context.is_sampled()),
            name: self.name.to_owned(),
            kind: self.kind.into(),
            start_time_unix_nano: begin,
            end_time_unix_nano: begin.saturating_add(u64::try_from(self.duration.as_nanos()).unwrap_or(u64::MAX)),
            attributes: self.attributes.into_iter().map(|(key, value)| attribute(key, &value)).collect(),
            status: self.error.map(|message| Status { message, code: StatusCode::Error.into() }),
            ..EncodedSpan::default()
        }
    }
}

pub(super) fn attribute(key: &str, value: &Attribute<'_>) -> KeyValue {
    let value = match value {
        Attribute::Text(text) => any_value::Value::StringValue((*text).to_owned()),
        Attribute::Number(number) => any_value::Value::IntValue(i64::try_from(*number).unwrap_or(i64::MAX)),
    };
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn nanoseconds(time: Timestamp, offset: Duration) -> u64 {
    let milliseconds = u64::try_from(time.as_millis()).unwrap_or(0);
    milliseconds.saturating_mul(1_000_000).saturating_add(u64::try_from(offset.as_nanos()).unwrap_or(u64::MAX))
}

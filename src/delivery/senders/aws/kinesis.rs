//! Kinesis Data Streams: the event becomes a record of the stream.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use eventyard_core::event::EventId;
use eventyard_core::input::JsonPath;
use serde_json::json;

use super::Call;
use super::call::Service;

const KINESIS: Service = Service { prefix: "kinesis", name: "kinesis" };

/// `PutRecord`. The partition key is what the path finds, and the event's id where it finds nothing.
pub(super) fn put_record(
    stream_arn: &str,
    partition_key: Option<&JsonPath>,
    (envelope, event): (&str, EventId),
    body: &str,
) -> Call {
    let found = partition_key.and_then(|path| path.select_text(envelope)).filter(|key| !key.is_empty());
    let key = found.map_or_else(|| event.to_string(), std::borrow::Cow::into_owned);
    let input = json!({ "StreamARN": stream_arn, "Data": STANDARD.encode(body), "PartitionKey": key });
    Call::json_1_1(KINESIS, "Kinesis_20131202.PutRecord", &input)
}

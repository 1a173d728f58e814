//! Firehose: the event becomes a record of the delivery stream.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::Call;
use super::call::Service;

const FIREHOSE: Service = Service { prefix: "firehose", name: "firehose" };

/// `PutRecord`.
pub(super) fn put_record(stream_name: &str, body: &str) -> Call {
    let input = json!({ "DeliveryStreamName": stream_name, "Record": { "Data": STANDARD.encode(body) } });
    Call::json_1_1(FIREHOSE, "Firehose_20150804.PutRecord", &input)
}

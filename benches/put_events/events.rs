//! What is sent: orders of a shop, about 1,000 bytes of detail each, always the same ones.

use std::ops::Range;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::stamps::Call;

/// Entries in one call, the most that Amazon takes.
pub(crate) const ENTRIES_PER_CALL: u32 = 10;

/// What tells one event from others.
pub(crate) fn order_id(number: u32) -> String {
    format!("ord-{number:010}")
}

/// The detail of one event.
fn detail(number: u32) -> Value {
    let item = |line: u32| {
        json!({
            "line": line,
            "sku": format!("SKU-{:06}", (number * 31 + line * 7_919) % 1_000_000),
            "title": "Stainless steel water bottle, 750 ml, with a \"leak-proof\" lid",
            "quantity": 1 + (number + line) % 4,
            "unit_price": {"amount": f64::from(number % 90) + 0.95, "currency": "EUR"},
        })
    };
    json!({
        "order_id": order_id(number),
        "state": "placed",
        "total": {"amount": f64::from(number % 400) + 19.85, "currency": "EUR"},
        "customer": {"id": format!("cus-{:08}", number * 17), "name": "Zoë Müller", "email": format!("customer{number}@example.com"), "loyalty": true},
        "shipping_address": {"street": "Lange Straße 12", "postal_code": "10115", "city": "Berlin", "country": "DE"},
        "items": [item(1), item(2), item(3)],
        "discounts": [],
        "note": "Leave it with the neighbours on the second floor if nobody answers the bell.",
        "channel": {"kind": "web", "session": format!("{:032x}", u128::from(number) * 0x9e37_79b9_7f4a_7c15_f39c), "tags": ["spring", "returning"]},
    })
}

/// The body of a `PutEvents` call with these events.
pub(crate) fn call_body(numbers: Range<u32>) -> String {
    let entry = |number: u32| json!({"Source": "shop.orders", "DetailType": "OrderPlaced", "Detail": detail(number).to_string()});
    json!({"Entries": numbers.map(entry).collect::<Vec<_>>()}).to_string()
}

/// A whole `PutEvents` request; `call` makes its events differ from those of others.
pub(crate) fn call(call: u32, entries: u32) -> Call {
    Call::new(&request("PutEvents", &call_body(call * entries..(call + 1) * entries)), entries)
}

/// The envelope of one event, as a target without input gets it.
pub(crate) fn envelope(number: u32) -> Bytes {
    let envelope = json!({
        "version": "0",
        "id": format!("{number:08x}-0000-4000-8000-000000000000"),
        "detail-type": "OrderPlaced",
        "source": "shop.orders",
        "account": "000000000000",
        "time": "2025-01-01T00:00:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail": detail(number),
    });
    envelope.to_string().into()
}

/// A whole request of Amazon's protocol.
pub(crate) fn request(operation: &str, body: &str) -> Bytes {
    let head = format!(
        "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: AWSEvents.{operation}\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    format!("{head}{body}").into()
}

/// What the floor answers to a call: as many bytes as the real thing.
pub(crate) fn call_answer(entries: u32) -> Bytes {
    let entries: Vec<Value> =
        (0..entries).map(|number| json!({"EventId": format!("{number:08x}-0000-4000-8000-000000000000")})).collect();
    // Written by hand, so that the members come in the order of the real answer.
    format!(r#"{{"FailedEntryCount":0,"Entries":{}}}"#, Value::from(entries)).into()
}

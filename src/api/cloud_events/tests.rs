//! What each mode reads, and that a CloudEvent can be put together again from the detail it becomes.

use hyper::HeaderMap;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::event::CloudEvent;
use super::*;

fn entry(event: &CloudEvent) -> PutEventsRequestEntry {
    event.to_entry(None)
}

/// The CloudEvent that a detail was made of, as the documentation says to do it.
fn put_together(detail: &str) -> Value {
    let mut detail: Map<String, Value> = serde_json::from_str(detail).unwrap();
    let mut event = detail.remove("metadata").unwrap();
    event.as_object_mut().unwrap().extend(detail);
    event
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

/// The detail of an event in the binary mode, or the error.
fn binary(pairs: &[(&'static str, &str)], body: &[u8]) -> Result<Value> {
    let pairs = [&[("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "s"), ("ce-type", "t")], pairs].concat();
    let media_type = pairs.iter().find(|(name, _)| *name == "content-type").map_or("", |(_, value)| value);
    let event = binary::read(&headers(&pairs), media_type.split(';').next().unwrap(), body)?;
    Ok(serde_json::from_str(&entry(&event).detail.unwrap()).unwrap())
}

#[test]
fn a_structured_event_becomes_an_entry() {
    let body = json!({
        "specversion": "1.0", "id": "A234", "source": "/shop/7", "type": "com.example.placed", "subject": "order/9",
        "time": "2026-05-01T10:00:01.5+02:00", "datacontenttype": "application/json", "traceparent": "00-ab",
        "sampled": true, "sequence": 7, "partitionkey": null, "data": {"total": 20},
    });
    let entry = entry(&structured::read(body.to_string().as_bytes()).unwrap());
    assert_eq!((entry.source.as_deref(), entry.detail_type.as_deref()), (Some("/shop/7"), Some("com.example.placed")));
    assert_eq!(entry.time, Some(1_777_622_401.5));
    let mut expected = body;
    expected.as_object_mut().unwrap().remove("partitionkey");
    assert_eq!(put_together(&entry.detail.unwrap()), expected);
}

#[test]
fn values_stay_as_they_were_spelt() {
    let body = br#"{"type":"t","specversion":"1.0","source":"s","id":"1","data":{"z":1.00,"a":1e400, "a":12345678901234567890123}}"#;
    let detail = entry(&structured::read(body).unwrap()).detail.unwrap();
    assert_eq!(
        detail,
        r#"{"metadata":{"type":"t","specversion":"1.0","source":"s","id":"1"},"data":{"z":1.00,"a":1e400, "a":12345678901234567890123}}"#
    );
}

#[test]
fn a_batch_is_an_array_of_events() {
    let event = |id: &str| json!({"specversion": "1.0", "id": id, "source": "s", "type": "t"});
    let read = |value: Value| structured::read_batch(value.to_string().as_bytes());
    assert_eq!(read(json!([event("1"), event("2")])).unwrap().len(), 2);
    assert_eq!(read(json!([])).unwrap().len(), 0);
    for wrong in [event("1"), json!([event("1"), {}]), json!([[]]), json!([event("")])] {
        assert!(read(wrong.clone()).is_err(), "{wrong}");
    }
}

#[test]
fn what_the_specification_forbids_is_refused() {
    let event = json!({"specversion": "1.0", "id": "1", "source": "s", "type": "t"});
    structured::read(event.to_string().as_bytes()).unwrap();
    let wrong = [
        ("specversion", json!("0.3")),
        ("specversion", json!(1.0)),
        ("id", json!("")),
        ("id", json!(7)),
        ("source", json!(null)),
        ("type", json!([])),
        ("time", json!("yesterday")),
        ("subject", json!("")),
        ("datacontenttype", json!(true)),
        ("Extension", json!("a")),
        ("an_extension", json!("a")),
        ("", json!("a")),
        ("extension", json!({})),
        ("extension", json!(1.5)),
        ("extension", json!(2_147_483_648_i64)),
        ("data_base64", json!("not Base64")),
        ("data_base64", json!(7)),
    ];
    for (name, value) in wrong {
        let mut event = event.clone();
        event[name] = value.clone();
        assert!(structured::read(event.to_string().as_bytes()).is_err(), "{name}: {value}");
    }
    for text in [
        r#"{"specversion":"1.0","id":"1","id":"2","source":"s","type":"t"}"#,
        r#"{"specversion":"1.0","id":"1","source":"s","type":"t","data":1,"data":2}"#,
        r#"{"specversion":"1.0","id":"1","source":"s","type":"t","data":1,"data_base64":"AA=="}"#,
        "[]",
        "7",
        "",
    ] {
        assert!(structured::read(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn a_binary_event_has_its_attributes_in_headers() {
    let detail = binary(
        &[
            ("content-type", "application/json; charset=utf-8"),
            ("ce-subject", "Euro%20%E2%82%AC"),
            ("ce-quoted", r#""a \"b\"""#),
            ("x-other", "1"),
        ],
        br#"{"total": 1.0}"#,
    );
    let metadata = json!({
        "specversion": "1.0", "id": "1", "source": "s", "type": "t", "subject": "Euro €", "quoted": "a \"b\"",
        "datacontenttype": "application/json; charset=utf-8",
    });
    assert_eq!(detail.unwrap(), json!({"metadata": metadata, "data": {"total": 1.0}}));
    let data = |media_type, body| {
        let detail = binary(&[("content-type", media_type)], body).unwrap();
        detail.as_object().unwrap().iter().find(|(name, _)| *name != "metadata").map(|(n, v)| format!("{n}={v}"))
    };
    assert_eq!(data("application/vnd.shop+json", b"[1]"), Some("data=[1]".to_owned()));
    assert_eq!(data("text/plain", b"hi"), Some(r#"data="hi""#.to_owned()));
    assert_eq!(data("application/xml", b"<a/>"), Some(r#"data="<a/>""#.to_owned()));
    assert_eq!(data("text/plain", b"\xff"), Some(r#"data_base64="/w==""#.to_owned()));
    assert_eq!(data("application/octet-stream", b"hi"), Some(r#"data_base64="aGk=""#.to_owned()));
    assert_eq!(data("application/json", b""), None);
}

#[test]
fn a_binary_event_that_is_none_is_refused() {
    assert!(binary(&[("content-type", "application/json")], b"{").is_err());
    assert!(binary(&[("ce-time", "yesterday")], b"").is_err());
    assert!(binary(&[("ce-id", "2")], b"").is_err());
    assert!(binary(&[("ce-data", "2")], b"").is_err());
    assert!(binary(&[("ce-some-thing", "2")], b"").is_err());
    assert!(binary(&[("ce-subject", "%FF")], b"").is_err());
    let missing = binary::read(&headers(&[("content-type", "text/plain")]), "text/plain", b"x").unwrap_err();
    assert!(missing.message.contains("ce-specversion"), "{missing}");
}

#[test]
fn the_query_names_the_event_bus_and_nothing_else() {
    assert_eq!(event_bus_name("").unwrap(), None);
    assert_eq!(event_bus_name("EventBusName=a%2Fb&X-Amz-Date=x").unwrap().as_deref(), Some("a/b"));
    assert!(event_bus_name("eventbusname=a").is_err() && event_bus_name("EventBusName=a&EventBusName=b").is_err());
}

proptest! {
    #[test]
    fn every_event_comes_back(
        texts in prop::collection::vec("\\PC{1,20}", 4),
        extensions in prop::collection::btree_map("x[a-z0-9]{1,8}", prop_oneof![
            any::<String>().prop_map(Value::from), any::<bool>().prop_map(Value::from), any::<i32>().prop_map(Value::from),
        ], 0..5),
        data in prop::option::of(any::<String>()),
    ) {
        let mut event = json!({"specversion": "1.0"});
        for (name, text) in ["id", "source", "type", "subject"].iter().zip(texts) {
            event[name] = text.into();
        }
        for (name, value) in extensions {
            event[name] = value;
        }
        if let Some(data) = data {
            event["data"] = json!({"text": data});
        }
        let read = structured::read(event.to_string().as_bytes()).unwrap();
        prop_assert_eq!(put_together(&entry(&read).detail.unwrap()), event);
    }
}

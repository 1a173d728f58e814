//! Traces: a collector gets one trace for each event, targets get its context, and no collector can slow a delivery.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as AttributeValue;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serde_json::json;

use crate::support::{Answer, Daemon, Received, Sink, wait_for};

/// The example of the W3C.
const SENDER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SENDERS_SPAN: &str = "00f067aa0ba902b7";

fn hex(bytes: &[u8]) -> String {
    let digits: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

fn header(request: &Received, name: &str) -> Option<String> {
    let line = request.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.map(|value| value.trim().to_owned())
}

/// What a collector was sent, with the resource that it came from.
fn exported(collector: &Sink) -> Vec<(String, Span)> {
    let mut spans = Vec::new();
    for request in collector.requests() {
        let batch = ExportTraceServiceRequest::decode(request.body.as_slice()).unwrap();
        for of_resource in batch.resource_spans {
            let resource = of_resource.resource.unwrap();
            let name = resource.attributes.iter().find(|attribute| attribute.key == "service.name").unwrap();
            let Some(AttributeValue::StringValue(name)) = name.value.clone().unwrap().value else { panic!("{name:?}") };
            spans.extend(of_resource.scope_spans.into_iter().flat_map(|s| s.spans).map(|span| (name.clone(), span)));
        }
    }
    spans
}

fn attributes(span: &Span) -> BTreeMap<String, String> {
    let text = |value: &Option<AttributeValue>| match value {
        Some(AttributeValue::StringValue(text)) => text.clone(),
        Some(AttributeValue::IntValue(number)) => number.to_string(),
        other => panic!("{other:?}"),
    };
    span.attributes.iter().map(|one| (one.key.clone(), text(&one.value.clone().unwrap().value))).collect()
}

fn put(daemon: &Daemon, traceparent: &str) -> String {
    let entry = json!({"Source": "shop", "DetailType": "t", "Detail": {"n": 1}}).to_string();
    let reply = daemon.api().request("POST", "/events", &[("traceparent", traceparent)], entry.as_bytes()).unwrap();
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.json()["Entries"][0]["EventId"].as_str().unwrap().to_owned()
}

#[test]
fn an_event_is_one_trace_also_over_a_crash() {
    let collector = Sink::healthy();
    let sink = Sink::start(|number| Answer::Status(if number == 0 { 500 } else { 200 }));
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("headers");
    std::fs::write(&secret, "X-Key: abc\n").unwrap();
    let options = [
        ("TRACES__ENDPOINT", collector.url()),
        ("TRACES__HEADERS_FILE", secret.display().to_string()),
        ("TRACES__SERVICE_NAME", "events of the shop".to_owned()),
        ("TRACES__SAMPLE_PER_MILLION", "0".to_owned()),
        ("DELIVERY__BACKOFF_BASE_MS", "3000".to_owned()),
    ];
    let options = options.each_ref().map(|(name, value)| (*name, value.as_str()));
    let mut daemon = Daemon::start_in(&folder.path().join("data"), &options);
    daemon.api().route("shop", sink.target());
    let event = put(&daemon, SENDER);
    wait_for("the first attempt to be told", || {
        exported(&collector).iter().any(|(_, span)| span.name == "deliver event").then_some(())
    });
    daemon.kill();
    daemon.restart();
    wait_for("the second attempt", || (sink.count() == 2).then_some(()));
    let spans = wait_for("its span", || {
        let spans = exported(&collector);
        (spans.iter().filter(|(_, span)| span.name == "deliver event").count() == 2).then_some(spans)
    });
    assert!(collector.requests().iter().all(|request| header(request, "x-key").as_deref() == Some("abc")));
    assert!(spans.iter().all(|(name, _)| name == "events of the shop"), "{spans:?}");
    let spans: Vec<Span> = spans.into_iter().map(|(_, span)| span).collect();
    assert!(spans.iter().all(|span| hex(&span.trace_id) == TRACE_ID), "{spans:?}");
    let named = |name: &str| spans.iter().filter(|span| span.name == name).cloned().collect::<Vec<_>>();
    let [received] = &named("receive event")[..] else { panic!("{spans:?}") };
    assert_eq!(hex(&received.parent_span_id), SENDERS_SPAN);
    assert_eq!(attributes(received)["eventyard.event_id"], event);
    for part in ["match event", "commit event", "deliver event"] {
        for span in named(part) {
            assert_eq!(span.parent_span_id, received.span_id, "{part}");
        }
    }
    assert_eq!((named("match event").len(), named("commit event").len()), (1, 1));
    let attempts = named("deliver event");
    let told: Vec<_> = attempts.iter().map(attributes).collect();
    let [first, second] = &told[..] else { panic!("{told:?}") };
    assert_eq!((first["eventyard.attempt"].as_str(), first["eventyard.outcome"].as_str()), ("1", "TARGET_FAILED"));
    assert_eq!((second["eventyard.attempt"].as_str(), second["eventyard.outcome"].as_str()), ("2", "DELIVERED"));
    assert!(attempts[0].status.is_some() && attempts[1].status.is_none());
    // Each request is made in the span of its attempt.
    let sent: Vec<_> = sink.requests().iter().map(|request| header(request, "traceparent").unwrap()).collect();
    let spans: Vec<_> = attempts.iter().map(|span| format!("00-{TRACE_ID}-{}-01", hex(&span.span_id))).collect();
    assert_eq!(sent, spans);
}

#[test]
fn events_of_put_events_and_cloud_events_are_traced() {
    let collector = Sink::healthy();
    let sink = Sink::healthy();
    let daemon = Daemon::start(&[("TRACES__ENDPOINT", &collector.url())]);
    daemon.api().route("shop", sink.target());
    let entry = json!({"Source": "shop", "DetailType": "t", "Detail": "{}"});
    let target = [("X-Amz-Target", "AWSEvents.PutEvents"), ("traceparent", SENDER)];
    let body = json!({"Entries": [entry]}).to_string();
    assert_eq!(daemon.api().request("POST", "/", &target, body.as_bytes()).unwrap().status, 200);
    let other = SENDER.replace("4bf92f", "000001");
    let event = json!({"specversion": "1.0", "id": "1", "source": "shop", "type": "t", "traceparent": other});
    let structured = [("Content-Type", "application/cloudevents+json"), ("traceparent", SENDER)];
    let body = event.to_string();
    assert_eq!(daemon.api().request("POST", "/cloudevents", &structured, body.as_bytes()).unwrap().status, 200);
    // Without a sender's word each event begins a trace; a sender that wants none gets none.
    daemon.api().put("shop", &json!({}));
    put(&daemon, &SENDER.replace("-01", "-00"));
    put(&daemon, "no traceparent");
    daemon.wait_until_settled();
    let traceparents: Vec<_> = sink.requests().iter().map(|request| header(request, "traceparent").unwrap()).collect();
    let of = |trace_id: &str| traceparents.iter().filter(|text| text.contains(trace_id)).count();
    assert_eq!((of(TRACE_ID), of(&TRACE_ID.replace("4bf92f", "000001"))), (2, 1), "{traceparents:?}");
    assert_eq!(traceparents.iter().filter(|text| **text == SENDER.replace("-01", "-00")).count(), 1);
    assert_eq!(traceparents.iter().filter(|text| text.ends_with("-01")).count(), 4, "{traceparents:?}");
    let spans = wait_for("the spans of all attempts", || {
        let spans = exported(&collector);
        (spans.iter().filter(|(_, span)| span.name == "deliver event").count() == 4).then_some(spans)
    });
    let roots = spans.iter().filter(|(_, span)| span.parent_span_id.is_empty());
    assert_eq!(roots.map(|(_, span)| span.name.as_str()).collect::<Vec<_>>(), ["receive event"; 2]);
}

#[test]
fn without_a_collector_the_senders_context_goes_through() {
    let sink = Sink::healthy();
    let daemon = Daemon::start(&[]);
    daemon.api().route("shop", sink.target());
    put(&daemon, SENDER);
    daemon.api().put("shop", &json!({}));
    daemon.wait_until_settled();
    let mut sent: Vec<_> = sink.requests().iter().map(|request| header(request, "traceparent")).collect();
    sent.sort();
    assert_eq!(sent, [None, Some(SENDER.to_owned())]);
}

#[test]
fn a_collector_that_refuses_or_hangs_stops_nothing() {
    let refuses = Sink::start(|_| Answer::Status(400));
    let hangs = Sink::start(|_| Answer::Never);
    for collector in [refuses, hangs] {
        let sink = Sink::healthy();
        let mut daemon = Daemon::start(&[("TRACES__ENDPOINT", &collector.url())]);
        daemon.api().route("shop", sink.target());
        // More spans than may wait: four for each event.
        for _ in 0..25 {
            let entry = json!({"Source": "shop", "DetailType": "t", "Detail": {}});
            let body = json!(vec![entry; 100]).to_string();
            assert_eq!(daemon.api().request("POST", "/events", &[], body.as_bytes()).unwrap().status, 200);
        }
        daemon.wait_until_settled();
        assert_eq!(sink.count(), 2_500);
        let dropped =
            |reason: &str| daemon.metric(&format!("eventyard_trace_spans_dropped_total{{reason=\"{reason}\"}}"));
        wait_for("spans to be counted as dropped", || {
            (dropped("queue_full") + dropped("not_taken") > 0.0).then_some(())
        });
        assert!(daemon.metric("eventyard_trace_spans_exported_total") < 0.5);
        daemon.signal("TERM");
        assert!(daemon.wait().success(), "it stops in order");
    }
}

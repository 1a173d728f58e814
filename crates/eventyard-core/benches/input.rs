//! How many events a second one core shapes, for each kind of target input: `cargo bench -p eventyard-core --bench input`.
//!
//! The event is an envelope of about 1 KB. The first two lines say what `serde_json` takes to read it, without anything being
//! made of it. Numbers are for comparing versions on one machine; nothing is asserted.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints its numbers and stops at a fault")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use eventyard_core::input::{RenderContext, TargetInput};
use serde::de::IgnoredAny;
use serde_json::Value;

/// How long each kind is measured.
const MEASURED: Duration = Duration::from_millis(500);

/// Renderings between two looks at the clock.
const BATCH: u32 = 1_000;

const CONTEXT: RenderContext<'_> = RenderContext {
    rule_arn: "arn:aws:events:eu-west-1:111122223333:rule/orders/placed",
    rule_name: "placed",
    ingestion_time: "2026-05-01T10:00:01Z",
};

fn event() -> String {
    let line =
        |at: u32| format!(r#"{{"sku":"article-{at:04}","count":{at},"price":12.50,"note":"a \"quoted\" word"}}"#);
    let lines: Vec<String> = (0..10).map(line).collect();
    let detail = format!(r#"{{"order":"o-77","customer":{{"id":"c-1","vip":false}},"lines":[{}]}}"#, lines.join(","));
    format!(
        r#"{{"version":"0","id":"7bf73129-1428-4cd3-a780-95db273d1602","detail-type":"Order placed","source":"shop","account":"111122223333","time":"2026-05-01T10:00:00Z","region":"eu-west-1","resources":["arn:aws:shop:eu-west-1:111122223333:order/77"],"detail":{detail}}}"#
    )
}

fn transformer(template: &str) -> TargetInput {
    let paths = [("order", "$.detail.order"), ("vip", "$.detail.customer.vip"), ("skus", "$.detail.lines[*].sku")];
    let paths: BTreeMap<String, String> = paths.iter().map(|&(key, path)| (key.into(), path.into())).collect();
    TargetInput::parse("t", None, None, Some((&paths, template))).unwrap()
}

fn measure(name: &str, input: &TargetInput, event: &str) {
    measure_any(name, || {
        black_box(input.render(black_box(event), &CONTEXT)).unwrap();
    });
}

fn measure_any(name: &str, once: impl Fn()) {
    let start = Instant::now();
    let mut events = 0_u32;
    while start.elapsed() < MEASURED {
        for _ in 0..BATCH {
            once();
        }
        events += BATCH;
    }
    let seconds = start.elapsed().as_secs_f64() / f64::from(events);
    println!("{name:<40} {:>12.0} events/s {:>10.1} ns each", 1.0 / seconds, seconds * 1e9);
}

fn main() {
    let event = event();
    println!("event of {} bytes", event.len());
    measure_any("floor: serde_json checks the event", || {
        black_box(serde_json::from_str::<IgnoredAny>(black_box(&event))).unwrap();
    });
    measure_any("serde_json makes a tree of the event", || {
        black_box(serde_json::from_str::<Value>(black_box(&event))).unwrap();
    });
    let path = |path| TargetInput::parse("t", None, Some(path), None).unwrap();
    measure("the event itself", &TargetInput::parse("t", None, None, None).unwrap(), &event);
    measure("Input", &TargetInput::parse("t", Some("{\"a\":1}"), None, None).unwrap(), &event);
    measure("InputPath $.detail", &path("$.detail"), &event);
    measure("InputPath $.detail.lines[9].sku", &path("$.detail.lines[9].sku"), &event);
    measure("InputPath $.detail.lines[*].sku", &path("$.detail.lines[*].sku"), &event);
    measure("string template", &transformer("\"order <order>, vip <vip>\""), &event);
    measure("string template with a list", &transformer("\"order <order>: <skus>\""), &event);
    measure("JSON template", &transformer("{\"order\":<order>,\"vip\":<vip>,\"skus\":<skus>}"), &event);
    measure("JSON template, quoted", &transformer("{\"text\":\"order <order>, vip <vip>\"}"), &event);
    measure("JSON template with the whole event", &transformer("{\"event\":<aws.events.event.json>}"), &event);
    measure("JSON template without the detail", &transformer("{\"event\":<aws.events.event>}"), &event);
}

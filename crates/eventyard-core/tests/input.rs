//! Target input against cases as data: our own, and a corpus when `EVENTYARD_CORPUS` names its folder.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test stops at what it does not expect")]

use std::collections::BTreeMap;
use std::path::Path;

use eventyard_core::input::{RenderContext, TargetInput};
use eventyard_core::json;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Target {
    input: Option<String>,
    input_path: Option<String>,
    input_transformer: Option<Transformer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Transformer {
    #[serde(default)]
    input_paths_map: Option<BTreeMap<String, String>>,
    input_template: String,
}

/// How a case ended: the text delivered, or why there is none.
#[derive(Debug, PartialEq)]
enum Outcome {
    Delivered(String),
    Dropped(String),
    Invalid(String),
}

fn run(target: &Target, target_id: &str, event: &RawValue, context: &RenderContext<'_>) -> Outcome {
    let none = BTreeMap::new();
    let transformer = target
        .input_transformer
        .as_ref()
        .map(|given| (given.input_paths_map.as_ref().unwrap_or(&none), given.input_template.as_str()));
    match TargetInput::parse(target_id, target.input.as_deref(), target.input_path.as_deref(), transformer) {
        Err(error) => Outcome::Invalid(error.to_string()),
        Ok(input) => match input.render(&json::compact(event.get()).unwrap(), context) {
            Ok(text) => Outcome::Delivered(text.into_owned()),
            Err(error) => Outcome::Dropped(error.to_string()),
        },
    }
}

/// One of our cases: exactly one of `sent`, `unsent` and `refused`, each compared byte by byte.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    event: Option<Box<RawValue>>,
    target: Target,
    sent: Option<String>,
    unsent: Option<String>,
    refused: Option<String>,
}

const EVENT: &str = r#"{"version":"0","id":"e-1","detail-type":"Order \"placed\"","source":"shop","account":"111122223333","time":"2026-05-01T10:00:00Z","region":"eu-west-1","resources":["arn:x"],"detail":{"order-id":"o/7","total":12.50,"big":123456789012345678901234567890,"exp":1E+2,"zero":0,"on":false,"none":null,"empty":"","text":"a \"b\" \\ c\n","greek":"\u03b1β","list":[1,"two",{"x":3}],"lines":[{"sku":"A","n":1},{"n":2},{"sku":"C","n":3}],"nested":{"a":{"b":"deep"}},"a/b":"slash","_u-1":"under"}}"#;

#[test]
fn own_cases() {
    let context = RenderContext {
        rule_arn: "arn:aws:events:eu-west-1:111122223333:rule/orders",
        rule_name: "orders",
        ingestion_time: "2026-05-01T10:00:01Z",
    };
    let default_event = RawValue::from_string(EVENT.to_owned()).unwrap();
    let mut wrong = Vec::new();
    for line in include_str!("data/inputs.jsonl").lines() {
        let case: Case = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"));
        let expected = match (case.sent, case.unsent, case.refused) {
            (Some(text), None, None) => Outcome::Delivered(text),
            (None, Some(reason), None) => Outcome::Dropped(reason),
            (None, None, Some(reason)) => Outcome::Invalid(reason),
            _ => panic!("{} must have one expectation", case.name),
        };
        let event = case.event.as_ref().unwrap_or(&default_event);
        let outcome = run(&case.target, "T1", event, &context);
        if outcome != expected {
            wrong.push(format!("{}: {outcome:?}\n    expected {expected:?}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{} cases disagree:\n{}", wrong.len(), wrong.join("\n"));
}

#[derive(Deserialize)]
struct CorpusCase {
    id: String,
    event: Box<RawValue>,
    context: BTreeMap<String, String>,
    target: Target,
    outcome: String,
    expect: Option<String>,
    compare: Option<String>,
    error: Option<String>,
    error_match: Option<String>,
}

impl CorpusCase {
    fn agrees(&self, outcome: &Outcome) -> bool {
        let expect = self.expect.as_deref().unwrap_or_default();
        let error = self.error.as_deref().unwrap_or_default();
        match (outcome, self.outcome.as_str()) {
            (Outcome::Delivered(text), "delivered") => match self.compare.as_deref().unwrap() {
                "exact" => text == expect,
                "json" => parsed(text, "") == parsed(expect, ""),
                other => {
                    let pointer = other.strip_prefix("json-except:").unwrap();
                    parsed(text, pointer) == parsed(expect, pointer)
                }
            },
            (Outcome::Dropped(_), "dropped") => true,
            (Outcome::Invalid(text), "invalid") => match self.error_match.as_deref().unwrap() {
                "exact" => text == error,
                "prefix" => text.starts_with(error),
                "none" => true,
                other => panic!("unknown comparison {other}"),
            },
            _ => false,
        }
    }
}

/// The value of `text` without what `pointer` points to.
fn parsed(text: &str, pointer: &str) -> Value {
    let mut value: Value = serde_json::from_str(text).unwrap();
    if !pointer.is_empty() {
        *value.pointer_mut(pointer).unwrap() = Value::Null;
    }
    value
}

#[test]
fn corpus() {
    let Some(folder) = std::env::var_os("EVENTYARD_CORPUS") else {
        println!("skipped: EVENTYARD_CORPUS is not set");
        return;
    };
    let text = std::fs::read_to_string(Path::new(&folder).join("inputs.jsonl")).unwrap();
    let mut wrong = Vec::new();
    for line in text.lines() {
        let case: CorpusCase = serde_json::from_str(line).unwrap();
        let context = RenderContext {
            rule_arn: &case.context["rule_arn"],
            rule_name: &case.context["rule_name"],
            ingestion_time: &case.context["ingestion_time"],
        };
        let outcome = run(&case.target, &case.context["target_id"], &case.event, &context);
        if !case.agrees(&outcome) {
            wrong.push(format!("{}: {outcome:?}\n    expected {:?} {:?}", case.id, case.expect, case.error));
        }
    }
    assert!(wrong.is_empty(), "{} cases disagree:\n{}", wrong.len(), wrong.join("\n"));
    println!("{} cases agree", text.lines().count());
}

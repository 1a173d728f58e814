//! What holds for any target input and any event, and the bounds that keep a hostile one harmless.
#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

use std::collections::BTreeMap;

use eventyard_core::input::{JsonPath, RENDERED_INPUT_BYTES_MAX, RenderContext, RenderError, TargetInput};
use proptest::prelude::*;
use serde_json::{Value, json};

const CONTEXT: RenderContext<'_> = RenderContext {
    rule_arn: "arn:aws:events:eu-west-1:111122223333:rule/r",
    rule_name: "r",
    ingestion_time: "2026-05-01T10:00:01Z",
};

fn template(paths: &[(&str, &str)], text: &str) -> TargetInput {
    let paths: BTreeMap<String, String> = paths.iter().map(|&(key, path)| (key.into(), path.into())).collect();
    TargetInput::parse("t", None, None, Some((&paths, text))).unwrap()
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c-d", "e_1"]).prop_map(str::to_owned)
}

/// JSON values with few names, so that paths often lead somewhere.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name(), inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

#[derive(Debug, Clone)]
enum Step {
    Member(String),
    Element(usize),
    Every,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => name().prop_map(Step::Member),
        2 => (0..3_usize).prop_map(Step::Element),
        1 => Just(Step::Every),
    ];
    prop::collection::vec(step, 0..5)
}

fn spell(steps: &[Step]) -> String {
    let spell = |step: &Step| match step {
        Step::Member(name) => format!(".{name}"),
        Step::Element(index) => format!("[{index}]"),
        Step::Every => "[*]".to_owned(),
    };
    format!("${}", steps.iter().map(spell).collect::<String>())
}

/// What a path selects in a tree, step by step: every value it reaches.
fn reach<'v>(value: &'v Value, steps: &[Step]) -> Vec<&'v Value> {
    steps.iter().fold(vec![value], |values, step| {
        values
            .into_iter()
            .flat_map(|value| -> Vec<&Value> {
                match (step, value) {
                    (Step::Member(name), Value::Object(map)) => map.get(name).into_iter().collect(),
                    (Step::Element(index), Value::Array(list)) => list.get(*index).into_iter().collect(),
                    (Step::Every, Value::Array(list)) => list.iter().collect(),
                    (Step::Every, Value::Object(map)) => map.values().collect(),
                    _ => Vec::new(),
                }
            })
            .collect()
    })
}

fn select_in_tree(value: &Value, steps: &[Step]) -> Option<String> {
    let reached = reach(value, steps);
    if steps.iter().any(|step| matches!(step, Step::Every)) {
        return Some(json!(reached).to_string());
    }
    reached.first().map(ToString::to_string)
}

proptest! {
    #[test]
    fn a_walk_over_the_text_selects_what_a_tree_would(event in value(), steps in steps()) {
        let path = JsonPath::parse(&spell(&steps)).unwrap();
        let text = event.to_string();
        prop_assert_eq!(path.select(&text).map(String::from), select_in_tree(&event, &steps));
    }

    #[test]
    fn many_paths_at_once_select_what_each_would(event in value(), all in prop::collection::vec(steps(), 1..8)) {
        let spelt: Vec<(String, String)> =
            all.iter().enumerate().map(|(index, steps)| (format!("p{index}"), spell(steps))).collect();
        let paths: Vec<(&str, &str)> = spelt.iter().map(|(key, path)| (key.as_str(), path.as_str())).collect();
        let placeholders: Vec<String> = spelt.iter().map(|(key, _)| format!("<{key}>")).collect();
        let input = template(&paths, &format!("{{\"all\":[{}]}}", placeholders.join(",")));
        let expected: Vec<String> =
            all.iter().map(|steps| select_in_tree(&event, steps).unwrap_or_else(|| "\"\"".into())).collect();
        let text = event.to_string();
        let rendered = input.render(&text, &CONTEXT).unwrap();
        prop_assert_eq!(rendered, format!("{{\"all\":[{}]}}", expected.join(",")));
    }

    #[test]
    fn a_string_template_without_placeholders_is_itself(texts in prop::collection::vec("[^<]{0,20}", 1..4)) {
        let quoted: Vec<String> = texts.iter().map(|text| json!(text).to_string()).collect();
        let text = quoted.join("\n");
        let input = template(&[], &text);
        prop_assert_eq!(input.render("{}", &CONTEXT).unwrap(), text);
    }

    #[test]
    fn a_json_template_without_placeholders_is_itself(value in value()) {
        let text = json!({ "v": value }).to_string();
        prop_assume!(!text.contains('<'));
        let input = template(&[], &text);
        prop_assert_eq!(input.render("{}", &CONTEXT).unwrap(), text);
    }

    #[test]
    fn a_string_appears_as_it_is_in_a_string_template(text in any::<String>(), before in "[a-z ]{0,8}") {
        let event = json!({ "detail": { "s": text } }).to_string();
        let input = template(&[("s", "$.detail.s")], &format!("\"{before}<s>\""));
        prop_assert_eq!(input.render(&event, &CONTEXT).unwrap(), format!("\"{before}{text}\""));
    }

    #[test]
    fn what_a_json_template_delivers_is_json(value in value(), quoted in any::<bool>()) {
        let event = json!({ "detail": { "v": value } }).to_string();
        let text = if quoted { r#"{"a":"x<v>","v":<v>}"# } else { r#"{"v":<v>}"# };
        match template(&[("v", "$.detail.v")], text).render(&event, &CONTEXT) {
            Ok(rendered) => {
                let rendered: Value = serde_json::from_str(&rendered).unwrap();
                // A value between quotes may add members of its own, so only the template without quotes is compared.
                prop_assert!(quoted || rendered["v"] == value);
            }
            Err(error) => prop_assert!(quoted && matches!(error, RenderError::NotJson(_))),
        }
    }

    #[test]
    fn nothing_panics(
        path in r"(\$|[.\[\]*a0-]){0,12}|.{0,12}",
        text in r#"([{}"\\<>a:,\n]|<p>|<aws\.events\.event>){0,30}|.{0,40}"#,
        event in r#"([{}\[\]"\\a:,0]|"detail"){0,30}|.{0,40}"#,
    ) {
        let paths = BTreeMap::from([("p".to_owned(), path.clone())]);
        let inputs = [
            TargetInput::parse("t", Some(&text), None, None),
            TargetInput::parse("t", None, Some(&path), None),
            TargetInput::parse("t", None, None, Some((&paths, &text))),
        ];
        for input in inputs.into_iter().flatten() {
            drop(input.render(&event, &CONTEXT).map_err(|error| error.to_string()));
        }
        if let Ok(path) = JsonPath::parse(&path) {
            drop(path.select_text(&event));
        }
    }
}

#[test]
fn a_template_cannot_multiply_an_event_without_end() {
    let event = json!({ "detail": "x".repeat(1_000_000) }).to_string();
    let twice = template(&[("d", "$.detail")], r#"{"a":<d>,"b":"<d>"}"#);
    assert_eq!(twice.render(&event, &CONTEXT).unwrap().len(), 2_000_015);
    let often = template(&[("d", "$.detail")], &format!("\"{}\"", "<d>".repeat(2_000)));
    assert_eq!(often.render(&event, &CONTEXT), Err(RenderError::TooLong));
}

#[test]
fn stars_cannot_multiply_the_values_of_an_event_without_end() {
    let mut event = format!("[{}0]", "0,".repeat(200_000));
    for _ in 0..7 {
        event = format!("{{\"a\":{event}}}");
    }
    // A hundred ways to spell the way to the same 200,001 values.
    let spell = |bits: usize| {
        let step = |at: usize| if bits >> at & 1 == 1 { ".*" } else { ".a" };
        format!("${}[*]", (0..7).map(step).collect::<String>())
    };
    let paths: Vec<(String, String)> = (0..100).map(|bits| (format!("p{bits}"), spell(bits))).collect();
    let paths: Vec<(&str, &str)> = paths.iter().map(|(key, path)| (key.as_str(), path.as_str())).collect();
    let placeholders: Vec<String> = paths.iter().map(|(key, _)| format!("<{key}>")).collect();
    let placeholders = placeholders.concat();
    let input = template(&paths, &format!("\"{placeholders}\""));
    assert_eq!(input.render(&event, &CONTEXT), Err(RenderError::TooLong));
    assert!(event.len() < RENDERED_INPUT_BYTES_MAX);
}

#[test]
fn an_event_that_is_not_json_is_an_error() {
    let input = TargetInput::parse("t", None, Some("$.a"), None).unwrap();
    assert!(matches!(input.render("{\"a\":1", &CONTEXT), Err(RenderError::EventNotJson(_))));
    assert_eq!(JsonPath::parse("$.a").unwrap().select("{\"a\":1"), None);
}

#[test]
fn a_path_gives_plain_text_too() {
    let event = r#"{"s":"a\"\u00e9","n":1.0,"none":null,"o":{"k":"v"},"l":["x",2]}"#;
    let text = |path: &str| JsonPath::parse(path).unwrap().select_text(event).map(String::from);
    assert_eq!(text("$.s").as_deref(), Some("a\"é"));
    assert_eq!(text("$.n").as_deref(), Some("1.0"));
    assert_eq!(text("$.none").as_deref(), Some("null"));
    assert_eq!(text("$.o").as_deref(), Some(r#"{"k":"v"}"#));
    assert_eq!(text("$.l[*]").as_deref(), Some(r#"["x",2]"#));
    assert_eq!(text("$.nope"), None);
}

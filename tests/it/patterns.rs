//! Event patterns tried from outside: `eventyard pattern`, and `POST /explain`.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::Daemon;

const PATTERN: &str = r#"{"source": ["shop"], "detail": {"total": [{"numeric": [">=", 100]}]}}"#;

/// Exit code, standard output, standard error.
fn eventyard(arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_eventyard"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read its input may be gone before it is written.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn write(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_string_lossy().into_owned()
}

#[test]
fn a_pattern_is_tested_on_an_event() {
    let dir = tempfile::tempdir().unwrap();
    let pattern = write(dir.path(), "pattern.json", PATTERN);
    let test = |pattern: &str, event| eventyard(&["pattern", "test", "--pattern", pattern, "--event", "-"], event);
    let (code, out, _) = test(&pattern, r#"{"source": "shop", "detail": {"total": 100.0}}"#);
    assert_eq!((code, out.lines().next()), (Some(0), Some("match")), "{out}");
    let (code, out, _) = test(&pattern, r#"{"source": "shop", "detail": {"total": 99}}"#);
    assert_eq!(code, Some(1), "{out}");
    assert_eq!(out, "no match\ndetail.total: found 99, wanted [{\"numeric\": [\">=\", 100]}]\n");
    let (code, out, _) = test(&write(dir.path(), "bad.json", "{}"), "{}");
    assert_eq!(code, Some(2), "{out}");
    assert!(
        out.starts_with("invalid\nEvent pattern is not valid. Reason: Empty objects are not allowed\n at "),
        "{out}"
    );
    for pattern in ["-", "nowhere.json"] {
        let (code, out, error) = test(pattern, "{}");
        assert_eq!((code, out.as_str()), (Some(2), ""), "{error}");
    }
}

#[test]
fn rules_are_measured_on_events() {
    let dir = tempfile::tempdir().unwrap();
    let rules = format!("{PATTERN}\n{}\n", json!({"id": "all", "pattern": {"source": [{"exists": true}]}}));
    let rules = write(dir.path(), "rules.jsonl", &rules);
    let events = write(dir.path(), "events.jsonl", "{\"source\": \"shop\", \"detail\": {\"total\": 100}}\n{}\n");
    let bench =
        |rules: &str| eventyard(&["pattern", "bench", "--rules", rules, "--events", &events, "--seconds", "1"], "");
    let (code, out, error) = bench(&rules);
    assert_eq!(code, Some(0), "{error}");
    let measured: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&measured["rules"], &measured["events"], &measured["matches"]), (&json!(2), &json!(2), &json!(2)));
    for rate in ["events_per_s", "build_ms", "add_one_us"] {
        assert!(measured[rate].as_f64().is_some_and(|rate| rate >= 0.0), "{out}");
    }
    let (code, _, error) = bench(&write(dir.path(), "bad.jsonl", "{\"a\":[1]}\n{\"a\":[]}\n"));
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains("bad.jsonl, line 2: Empty arrays are not allowed"), "{error}");
}

#[test]
fn an_event_is_explained_to_all_rules_of_a_bus() {
    let daemon = Daemon::start(&[]);
    let put = |name, pattern, state| json!({"Name": name, "EventPattern": pattern, "State": state});
    daemon.api().call("PutRule", &put("big", PATTERN, "ENABLED"));
    daemon.api().call("PutRule", &put("off", r#"{"source": ["shop"]}"#, "DISABLED"));
    let explain =
        |request: &Value| daemon.admin().request("POST", "/explain", &[], request.to_string().as_bytes()).unwrap();
    let event = json!({"source": "shop", "detail": {"total": 7}});
    let answer = explain(&json!({"Event": event})).json();
    let big = json!({
        "Name": "big",
        "State": "ENABLED",
        "Matches": false,
        "Fields": [{"Path": "detail.total", "Expected": r#"[{"numeric": [">=", 100]}]"#, "Found": ["7"]}],
        "Explanation": r#"detail.total: found 7, wanted [{"numeric": [">=", 100]}]"#,
    });
    assert_eq!(answer["Rules"][0], big);
    assert_eq!((&answer["Rules"][1]["State"], &answer["Rules"][1]["Matches"]), (&json!("DISABLED"), &json!(true)));
    assert_eq!(answer.get("NextToken"), None);

    let first = explain(&json!({"Event": event, "Limit": 1})).json();
    assert_eq!(first["Rules"].as_array().map(Vec::len), Some(1));
    let second = explain(&json!({"Event": event, "Limit": 1, "NextToken": first["NextToken"]})).json();
    assert_eq!(second["Rules"][0]["Name"], "off");
    let refused = [
        json!({}),
        json!({"Event": event, "Colour": "red"}),
        json!({"Event": event, "Limit": 0}),
        json!({"Event": event, "EventBusName": "no such bus"}),
        json!({"Event": event, "NextToken": "x"}),
    ];
    for request in refused {
        assert_eq!(explain(&request).status, 400, "{request}");
    }
    assert_eq!(explain(&json!({"Event": event, "EventBusName": "nowhere"})).status, 404);
    assert_eq!(daemon.admin().get("/explain").unwrap().status, 404);
}

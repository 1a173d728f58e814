//! `eventyard schedule` and `eventyard input` against cases as data: our own, and a corpus when `EVENTYARD_CORPUS` names its
//! folder.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// What a command printed, and its exit code.
#[derive(Debug, PartialEq)]
struct Printed {
    stdout: String,
    stderr: String,
    code: Option<i32>,
}

/// Runs the program in `folder`.
fn run(folder: &Path, arguments: &[&str], stdin: &str) -> Printed {
    let mut child = Command::new(env!("CARGO_BIN_EXE_eventyard"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Who does not read its input is a case, too.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Printed { stdout: text(output.stdout), stderr: text(output.stderr), code: output.status.code() }
}

/// Writes each file: a text, or the JSON as it is spelt in the case.
fn write_files(folder: &Path, files: &BTreeMap<String, Box<RawValue>>) {
    for (name, content) in files {
        let text = serde_json::from_str(content.get()).unwrap_or_else(|_| content.get().to_owned());
        std::fs::write(folder.join(name), text).unwrap();
    }
}

/// One of our cases. All that is printed is compared; what a case does not name is empty, or 0.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// Why the case is there.
    name: String,
    arguments: Vec<String>,
    #[serde(default)]
    files: BTreeMap<String, Box<RawValue>>,
    #[serde(default)]
    stdin: String,
    #[serde(default)]
    stdout: String,
    /// Compared from its beginning on, since the rest can be the words of a library.
    #[serde(default)]
    stderr: String,
    #[serde(default)]
    code: i32,
}

#[test]
fn own_cases() {
    let mut wrong = Vec::new();
    for line in include_str!("data/commands.jsonl").lines() {
        let case: Case = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"));
        let folder = tempfile::tempdir().unwrap();
        write_files(folder.path(), &case.files);
        let arguments: Vec<&str> = case.arguments.iter().map(String::as_str).collect();
        let printed = run(folder.path(), &arguments, &case.stdin);
        let stderr_agrees =
            printed.stderr.starts_with(&case.stderr) && printed.stderr.is_empty() == case.stderr.is_empty();
        if !stderr_agrees || printed.stdout != case.stdout || printed.code != Some(case.code) {
            wrong.push(format!("{}: {printed:?}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{} cases disagree:\n{}", wrong.len(), wrong.join("\n"));
}

/// The lines of a file of the corpus, if there is one.
fn corpus(file: &str) -> Vec<String> {
    let Some(folder) = std::env::var_os("EVENTYARD_CORPUS") else {
        println!("skipped: EVENTYARD_CORPUS is not set");
        return Vec::new();
    };
    let text = std::fs::read_to_string(Path::new(&folder).join(file)).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn corpus_of_schedules() {
    let lines = corpus("schedules.jsonl");
    let cases: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    // Start and end dates belong to Scheduler's schedules, not to expressions.
    for case in cases.iter().filter(|case| case["start"].is_null() && case["end"].is_null()) {
        let text = |member: &str| case[member].as_str();
        let mut arguments = vec!["schedule", "next", text("expression").unwrap(), "--count", "5"];
        for (option, member) in [("--after", "after"), ("--created", "created")] {
            arguments.extend(text(member).into_iter().flat_map(|time| [option, time]));
        }
        if text("dialect") == Some("scheduler") {
            arguments.extend(["--timezone", text("timezone").unwrap_or("UTC")]);
        }
        let printed = run(Path::new("."), &arguments, "");
        if text("expect") == Some("invalid") {
            assert_eq!(printed.code, Some(2), "{case}");
            let error = text("error").unwrap_or_default();
            assert!(printed.stderr.starts_with(error), "{}\n{case}", printed.stderr);
        } else {
            let due: Vec<&str> = printed.stdout.lines().collect();
            assert_eq!(Value::from(due), case["next"], "{case}\n{}", printed.stderr);
        }
    }
    println!("{} cases", cases.len());
}

/// What a case of the corpus gives the command, spelt as it is there.
#[derive(Deserialize)]
struct CorpusInput {
    event: Box<RawValue>,
    target: Box<RawValue>,
    context: Box<RawValue>,
    outcome: String,
    expect: Option<String>,
    compare: Option<String>,
    error: Option<String>,
    error_match: Option<String>,
}

#[test]
fn corpus_of_inputs() {
    let folder = tempfile::tempdir().unwrap();
    let lines = corpus("inputs.jsonl");
    for line in &lines {
        let case: CorpusInput = serde_json::from_str(line).unwrap();
        std::fs::write(folder.path().join("target"), case.target.get()).unwrap();
        std::fs::write(folder.path().join("context"), case.context.get()).unwrap();
        let arguments = ["input", "render", "--target", "target", "--context", "context", "--event", "-"];
        let printed = run(folder.path(), &arguments, case.event.get());
        let delivered = case.outcome == "delivered";
        assert_eq!(printed.code, Some(if delivered { 0 } else { 2 }), "{line}\n{}", printed.stderr);
        // Other comparisons are the core's; the program is the same for them.
        if delivered && case.compare.as_deref() == Some("exact") {
            assert_eq!(Some(printed.stdout), case.expect, "{line}");
        } else if case.error_match.as_deref() == Some("exact") {
            assert_eq!(printed.stderr.strip_suffix('\n'), case.error.as_deref(), "{line}");
        }
    }
    println!("{} cases", lines.len());
}

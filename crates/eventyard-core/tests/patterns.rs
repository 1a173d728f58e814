//! The pattern language against cases written down as data: our own, and a corpus where one is given.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use eventyard_core::pattern::index::RuleIndex;
use eventyard_core::pattern::{
    EventPattern, INVALID_EVENT_PATTERN_PREFIX, PatternLimits, check_event_argument, evaluate,
};

/// One case: a line of a file.
#[derive(Debug, serde::Deserialize)]
struct Case {
    id: String,
    pattern: String,
    event: String,
    /// `match`, `nomatch`, `invalid`; of an event argument, `event-valid` or `event-invalid`.
    expect: String,
    /// The whole message, when it is known.
    #[serde(default)]
    error: Option<String>,
    /// A message that is likely. Where it tells no place, only its text is meant.
    #[serde(default)]
    error_predicted: Option<String>,
    /// The answer of the pattern, where the event argument is valid.
    #[serde(default)]
    result: Option<String>,
}

fn cases(file: &Path) -> Result<Vec<Case>, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string(file)?;
    text.lines().map(|line| serde_json::from_str(line).map_err(|error| format!("{error}: {line}").into())).collect()
}

/// The answer of a pattern and an event, and the message if there is one.
fn answer(case: &Case) -> (&'static str, Option<String>) {
    let pattern = match EventPattern::parse(&case.pattern, &PatternLimits::default()) {
        Ok(pattern) => Arc::new(pattern),
        Err(error) => return ("invalid", Some(format!("{INVALID_EVENT_PATTERN_PREFIX}{error}"))),
    };
    let index: RuleIndex<u8> = [(0, Arc::clone(&pattern))].into_iter().collect();
    let plain = evaluate(&pattern, &case.event);
    let indexed = index.matching(&case.event).map(|rules| !rules.is_empty());
    match (plain, indexed) {
        (Ok(true), Ok(true)) => ("match", None),
        (Ok(false), Ok(false)) => ("nomatch", None),
        (Err(error), Err(_)) => ("event error", Some(error.to_string())),
        (plain, indexed) => ("disagreement", Some(format!("{plain:?} but the index says {indexed:?}"))),
    }
}

/// What is wrong with the answer to a case.
fn complaint(case: &Case) -> Option<String> {
    let (answer, message) = answer(case);
    if answer != case.expect {
        return Some(format!(
            "{}: {answer} {message:?}, expected {}\n  {}\n  {}",
            case.id, case.expect, case.pattern, case.event
        ));
    }
    let expected = case.error.as_ref().or(case.error_predicted.as_ref())?;
    let message = message.unwrap_or_default();
    let is_predicted_without_place = case.error.is_none() && !expected.contains('\n');
    let compared = if is_predicted_without_place { message.lines().next().unwrap_or_default() } else { &message };
    (compared != expected)
        .then(|| format!("{}: said    {compared}\n  expected {expected}\n  {}", case.id, case.pattern))
}

/// The same for a case about the event argument of `TestEventPattern`.
fn argument_complaint(case: &Case) -> Option<String> {
    match (check_event_argument(&case.event), case.expect.as_str()) {
        (Err(error), "event-invalid") if case.error.as_ref() == Some(&error.to_string()) => None,
        (Ok(()), "event-valid") => {
            let (answer, _) = answer(case);
            (Some(answer) != case.result.as_deref())
                .then(|| format!("{}: {answer}, expected {:?}", case.id, case.result))
        }
        (result, expected) => Some(format!("{}: {result:?}, expected {expected} {:?}", case.id, case.error)),
    }
}

fn check(file: &Path, complaint: fn(&Case) -> Option<String>) {
    let cases = cases(file).unwrap_or_else(|error| vec![unreadable(file, &error.to_string())]);
    let complaints: Vec<_> = cases.iter().filter_map(complaint).collect();
    assert!(complaints.is_empty(), "{} of {} cases:\n{}", complaints.len(), cases.len(), complaints.join("\n"));
}

/// A case that fails with what is wrong with the file.
fn unreadable(file: &Path, error: &str) -> Case {
    let text = |text: &str| text.to_owned();
    Case {
        id: format!("{}: {error}", file.display()),
        pattern: text("{}"),
        event: text("{}"),
        expect: text("a file of cases"),
        error: None,
        error_predicted: None,
        result: None,
    }
}

/// A file of the corpus, when the environment names one.
fn corpus(file: &str) -> Option<PathBuf> {
    Some(PathBuf::from(std::env::var_os("EVENTYARD_CORPUS")?).join(file))
}

#[test]
fn own_cases() {
    check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/patterns.jsonl"), complaint);
}

#[test]
fn corpus_cases() {
    match corpus("patterns.jsonl") {
        Some(file) => check(&file, complaint),
        None => println!("skipped: EVENTYARD_CORPUS is not set"),
    }
}

#[test]
fn corpus_event_arguments() {
    match corpus("patterns-envelope.jsonl") {
        Some(file) => check(&file, argument_complaint),
        None => println!("skipped: EVENTYARD_CORPUS is not set"),
    }
}

//! Schedule expressions against cases as data: our own, and a corpus when `EVENTYARD_CORPUS` names its folder.
#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

use std::path::Path;

use chrono::{DateTime, Utc};
use eventyard_core::schedule::{Dialect, ScheduleExpression, Timezone};
use serde::Deserialize;

/// How many firings a case lists, unless the schedule ends before.
const FIRINGS: usize = 5;

/// The firings of one expression, in order, or the text of its refusal.
fn firings(
    expression: &ScheduleExpression,
    after: DateTime<Utc>,
    anchor: DateTime<Utc>,
    zone: Option<Timezone>,
) -> impl Iterator<Item = DateTime<Utc>> {
    std::iter::successors(expression.next_after(after, anchor, zone), move |&last| {
        expression.next_after(last, anchor, zone)
    })
}

/// One of our cases: `firings`, as many as are listed and, with `end`, no more; or `refused`, the text of the refusal.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    expression: String,
    #[serde(default)]
    scheduler: bool,
    after: Option<DateTime<Utc>>,
    anchor: Option<DateTime<Utc>>,
    zone: Option<String>,
    firings: Option<Vec<DateTime<Utc>>>,
    #[serde(default)]
    end: bool,
    words: Option<String>,
    refused: Option<String>,
    /// Why the case is there.
    #[expect(dead_code, reason = "for the reader of the data")]
    note: Option<String>,
}

impl Case {
    fn check(&self) -> Result<(), String> {
        let dialect = if self.scheduler { Dialect::Scheduler } else { Dialect::Rule };
        let parsed = ScheduleExpression::parse_as(dialect, &self.expression);
        let expression = match (parsed, &self.refused) {
            (Err(error), Some(refused)) if error.to_string() == *refused => return Ok(()),
            (Ok(expression), None) => expression,
            (parsed, _) => return Err(format!("{parsed:?}")),
        };
        if let Some(words) = &self.words
            && expression.explain() != *words
        {
            return Err(expression.explain());
        }
        let Some(expected) = &self.firings else { return Ok(()) };
        let after = self.after.unwrap_or_default();
        let zone = self.zone.as_ref().map(|zone| Timezone::parse(zone).unwrap());
        let anchor = self.anchor.unwrap_or(after);
        let count = expected.len() + usize::from(self.end);
        let found: Vec<_> = firings(&expression, after, anchor, zone).take(count).collect();
        if found == *expected { Ok(()) } else { Err(format!("{found:?}")) }
    }
}

#[test]
fn own_cases() {
    let mut wrong = Vec::new();
    for line in include_str!("data/schedules.jsonl").lines() {
        let case: Case = serde_json::from_str(line).map_err(|error| format!("{error} in {line}")).unwrap();
        if let Err(found) = case.check() {
            wrong.push(format!("{line}\n    found {found}"));
        }
    }
    assert!(wrong.is_empty(), "{} cases disagree:\n{}", wrong.len(), wrong.join("\n"));
}

#[derive(Deserialize)]
struct CorpusCase {
    dialect: String,
    expression: String,
    expect: String,
    error: Option<String>,
    after: Option<DateTime<Utc>>,
    next: Option<Vec<DateTime<Utc>>>,
    created: Option<DateTime<Utc>>,
    start: Option<DateTime<Utc>>,
    end: Option<DateTime<Utc>>,
    timezone: Option<String>,
}

impl CorpusCase {
    fn check(&self) -> Result<(), String> {
        let dialect = if self.dialect == "rule" { Dialect::Rule } else { Dialect::Scheduler };
        let expression = match ScheduleExpression::parse_as(dialect, &self.expression) {
            Err(error)
                if self.expect == "invalid" && self.error.as_ref().is_none_or(|text| *text == error.to_string()) =>
            {
                return Ok(());
            }
            Ok(expression) if self.expect == "valid" => expression,
            other => return Err(format!("{other:?}")),
        };
        let found = self.firings(&expression);
        if found == *self.next.as_ref().unwrap() { Ok(()) } else { Err(format!("{found:?}")) }
    }

    /// Start and end dates are EventBridge Scheduler's, not the expression's, so they are laid over it here.
    fn firings(&self, expression: &ScheduleExpression) -> Vec<DateTime<Utc>> {
        let after = self.after.unwrap();
        let zone = self.timezone.as_ref().map(|zone| Timezone::parse(zone).unwrap());
        let once = self.expression.to_lowercase().starts_with("at");
        let start = self.start.filter(|_| !once);
        let end = self.end.filter(|_| !once);
        let anchor = match (self.created, start) {
            // Scheduler counts from the start date itself.
            (None, Some(start)) => start - (expression.next_after(start, start, zone).unwrap() - start),
            (created, _) => created.unwrap_or(after),
        };
        let rate = self.expression.to_lowercase().starts_with("rate");
        let after = start.filter(|_| !rate).map_or(after, |start| after.max(start - chrono::TimeDelta::seconds(1)));
        firings(expression, after, anchor, zone)
            .take_while(|due| end.is_none_or(|end| *due <= end))
            .take(FIRINGS)
            .collect()
    }
}

#[test]
fn corpus() {
    let Some(folder) = std::env::var_os("EVENTYARD_CORPUS") else {
        println!("skipped: EVENTYARD_CORPUS is not set");
        return;
    };
    let text = std::fs::read_to_string(Path::new(&folder).join("schedules.jsonl")).unwrap();
    let mut wrong = Vec::new();
    for line in text.lines() {
        let case: CorpusCase = serde_json::from_str(line).unwrap();
        if let Err(found) = case.check() {
            wrong.push(format!("{line}\n    found {found}"));
        }
    }
    assert!(wrong.is_empty(), "{} cases disagree:\n{}", wrong.len(), wrong.join("\n"));
    println!("{} cases agree", text.lines().count());
}

#[derive(Deserialize)]
struct Edge {
    expression: String,
    reference: String,
    recommended: String,
}

impl Edge {
    /// What the reference answers, corrected where the recommendation is to refuse.
    fn check(&self) -> Result<(), String> {
        let refuse = self.reference == "invalid" || self.recommended.starts_with("reject");
        let expression = match ScheduleExpression::parse(&self.expression) {
            Err(_) if refuse => return Ok(()),
            Ok(expression) if !refuse => expression,
            other => return Err(format!("{other:?}")),
        };
        let Some(expected) = self.reference.strip_prefix("valid ") else { return Ok(()) };
        let after = DateTime::parse_from_rfc3339("2026-01-01T00:00:00Z").unwrap().to_utc();
        let expected: Vec<&str> = expected.split(',').filter(|text| !text.is_empty()).collect();
        let found: Vec<String> = firings(&expression, after, after, None)
            .take(expected.len().max(1))
            .map(|due| due.format("%Y-%m-%dT%H:%M:%SZ").to_string())
            .collect();
        if found == expected { Ok(()) } else { Err(format!("{found:?}")) }
    }
}

#[test]
fn corpus_of_unproven_edges() {
    let Some(folder) = std::env::var_os("EVENTYARD_CORPUS") else {
        println!("skipped: EVENTYARD_CORPUS is not set");
        return;
    };
    let text = std::fs::read_to_string(Path::new(&folder).join("schedules.edge.jsonl")).unwrap();
    let mut wrong = Vec::new();
    for line in text.lines() {
        let edge: Edge = serde_json::from_str(line).unwrap();
        if let Err(found) = edge.check() {
            wrong.push(format!("{line}\n    found {found}"));
        }
    }
    assert!(wrong.is_empty(), "{} cases disagree:\n{}", wrong.len(), wrong.join("\n"));
    println!("{} edges agree", text.lines().count());
}

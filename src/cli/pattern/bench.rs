//! `eventyard pattern bench`: how fast an index of the given rules matches the given events.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use eventyard_core::pattern::index::RuleIndex;
use eventyard_core::pattern::{EventPattern, PatternLimits};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Unusable;
use crate::cli::say;

/// How often the events are measured; the median counts.
const PASSES: u32 = 5;

/// How many rules are added one by one; the median time counts.
const ADDED_RULES: usize = 200;

/// Which rules and events, and for how long.
#[derive(Debug, Args)]
pub(in crate::cli) struct BenchArguments {
    /// JSON Lines: {"id": …, "pattern": {…}}, a pattern, or a pattern as a string.
    #[arg(long, value_name = "FILE")]
    rules: PathBuf,
    /// JSON Lines: an event each.
    #[arg(long, value_name = "FILE")]
    events: PathBuf,
    /// How long to match events, all five passes together.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    seconds: u32,
}

/// What is printed.
#[derive(Serialize)]
struct Measured {
    rules: usize,
    events: usize,
    /// Rules that all events together match.
    matches: u64,
    /// Of one thread, the median of five passes.
    events_per_s: u64,
    build_ms: f64,
    /// The median of 200, each rule ready for the next event.
    add_one_us: f64,
    /// Resident memory of the process, rules and events and all; null where the system does not tell.
    rss_mb: Option<f64>,
}

pub(super) fn bench(arguments: &BenchArguments) -> Result<(), Unusable> {
    let events = read(&arguments.events)?;
    let events: Vec<&str> = events.lines().filter(|line| !line.trim().is_empty()).collect();
    if events.is_empty() {
        return Err(Unusable::NoEvents(arguments.events.clone()));
    }
    let patterns = read_patterns(&arguments.rules)?;
    let started = Instant::now();
    let index: RuleIndex<usize> = patterns.iter().cloned().enumerate().collect();
    let build = started.elapsed();
    let rss_mb = resident_mb();
    let mut matches = 0;
    for (event, line) in events.iter().zip(1..) {
        let matching = index.matching(event).map_err(|error| Unusable::Line {
            file: arguments.events.clone(),
            line,
            reason: error.to_string(),
        })?;
        matches += matching.len() as u64;
    }
    let pass = Duration::from_secs(arguments.seconds.into()) / PASSES;
    let measured = Measured {
        rules: index.len(),
        events: events.len(),
        matches,
        events_per_s: events_per_s(&index, &events, pass),
        build_ms: rounded(build.as_secs_f64() * 1e3),
        add_one_us: rounded(add_one_us(&index, &patterns)),
        rss_mb,
    };
    say(&serde_json::to_string(&measured).unwrap_or_default());
    Ok(())
}

fn read(file: &Path) -> Result<String, Unusable> {
    std::fs::read_to_string(file).map_err(|reason| Unusable::Lines { file: file.to_owned(), reason })
}

fn read_patterns(file: &Path) -> Result<Vec<Arc<EventPattern>>, Unusable> {
    // What a daemon may have been told to allow is measured too.
    let limits = PatternLimits { wildcard_complexity_max: None, branches_max: None };
    let text = read(file)?;
    let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    let parse = |(line, number)| {
        let invalid = |reason: String| Unusable::Line { file: file.to_owned(), line: number, reason };
        let pattern = pattern_of(line).map_err(|error| invalid(error.to_string()))?;
        EventPattern::parse(&pattern, &limits).map(Arc::new).map_err(|error| invalid(error.to_string()))
    };
    lines.map(parse).collect()
}

/// The pattern of a line. A line is a rule when it has an `id` that no pattern could have, or a `pattern` of that kind.
fn pattern_of(line: &str) -> Result<String, serde_json::Error> {
    #[derive(Deserialize)]
    struct Line<'a> {
        #[serde(borrow)]
        id: Option<&'a RawValue>,
        #[serde(borrow)]
        pattern: Option<&'a RawValue>,
    }
    let is_of_a_pattern = |value: &RawValue| value.get().starts_with(['{', '[']);
    let text = match serde_json::from_str::<Line<'_>>(line) {
        Ok(Line { id, pattern: Some(pattern) })
            if id.is_some_and(|id| !is_of_a_pattern(id)) || !is_of_a_pattern(pattern) =>
        {
            pattern.get()
        }
        _ => line.trim(),
    };
    if text.starts_with('"') { serde_json::from_str(text) } else { Ok(text.to_owned()) }
}

/// The median rate of passes that last as long as is given.
fn events_per_s(index: &RuleIndex<usize>, events: &[&str], pass: Duration) -> u64 {
    let mut rates = Vec::new();
    let mut next = events.iter().cycle();
    for _ in 0..PASSES {
        let started = Instant::now();
        let mut count = 0_u32;
        while started.elapsed() < pass {
            // A look at the clock costs about as much as a small event.
            for event in next.by_ref().take(64) {
                std::hint::black_box(index.matching(event).map_or(0, |rules| rules.len()));
                count += 1;
            }
        }
        rates.push(f64::from(count) / started.elapsed().as_secs_f64());
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate of events fits")]
    let median = median(&mut rates).round() as u64;
    median
}

/// The median time to add a rule to an index that grows by each.
fn add_one_us(index: &RuleIndex<usize>, patterns: &[Arc<EventPattern>]) -> f64 {
    let mut index = index.clone();
    let mut times = Vec::new();
    for (pattern, id) in patterns.iter().cycle().zip(patterns.len()..).take(ADDED_RULES) {
        let started = Instant::now();
        index = index.with(id, Arc::clone(pattern));
        times.push(started.elapsed().as_secs_f64() * 1e6);
    }
    median(&mut times)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

fn resident_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u32 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(rounded(f64::from(kib) * 1024.0 / 1e6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_rule_or_a_pattern() {
        let pattern = r#"{"a":[1]}"#;
        for line in [
            r#"{"id": 7, "pattern": {"a":[1]}}"#,
            r#"{"id": "r", "pattern": "{\"a\":[1]}"}"#,
            r#"{"pattern": "{\"a\":[1]}"}"#,
            r#""{\"a\":[1]}""#,
            r#" {"a":[1]} "#,
        ] {
            assert_eq!(pattern_of(line).unwrap(), pattern, "{line}");
        }
        for pattern in [r#"{"id":["x"],"pattern":["y"]}"#, r#"{"pattern":{"a":[1]}}"#] {
            assert_eq!(pattern_of(pattern).unwrap(), pattern);
        }
    }
}

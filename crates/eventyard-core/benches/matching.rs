//! How many events a second the rule index matches, and how the quamina crate does on the same rules in the same run.
//!
//! The folder that `EVENTYARD_BENCH_DATA` names holds pairs of files, an event or a pattern a line: `rules-NAME.jsonl`
//! goes with `events-NAME.jsonl`, or with `events.jsonl` where that is not there. Arguments choose pairs by a part of
//! their name. Rates are of one thread's processor time where the system tells it, so that other programs count for
//! little, and the median of five passes, which all take in turns; quamina's is that of its faster mode. It does not check that
//! an event is JSON, which this index does with every byte, so the ratio to both times together, its own and that of a
//! check by `serde_json`, is told as well.

#![expect(clippy::print_stdout, reason = "a benchmark's result is what it prints")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eventyard_core::pattern::index::RuleIndex;
use eventyard_core::pattern::{EventPattern, PatternLimits};
use quamina::{MatcherBuildMode, QuaminaBuilder};

const PASSES: usize = 5;
const PASS_MS_MIN: u128 = 400;
const ADDED_RULES: usize = 200;
/// Beyond this many of these rules quamina 0.7 panics.
const QUAMINA_RULES_MAX: usize = 10_000;
/// Enough for it to load that many.
const QUAMINA_ARENA_BYTES: usize = 8 << 30;

/// Matches an event against its rules.
type Contestant<'a> = Box<dyn FnMut(&str) + 'a>;
type AnyError = Box<dyn std::error::Error>;

fn main() -> Result<(), AnyError> {
    let Some(folder) = std::env::var_os("EVENTYARD_BENCH_DATA") else {
        println!("skipped: EVENTYARD_BENCH_DATA is not set");
        return Ok(());
    };
    let folder = Path::new(&folder);
    let mut files: Vec<_> = std::fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("rules-")));
    files.sort_by_key(|file| file.metadata().map_or(0, |data| data.len()));
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    for file in files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if wanted.is_empty() || wanted.iter().any(|wanted| name.contains(wanted)) {
            let own_events = folder.join(format!("{}.jsonl", name.replacen("rules", "events", 1)));
            let events = if own_events.exists() { own_events } else { folder.join("events.jsonl") };
            let (rules, events) = (std::fs::read_to_string(&file)?, std::fs::read_to_string(events)?);
            measure(&name, &rules.lines().collect::<Vec<_>>(), &events.lines().collect::<Vec<_>>())?;
        }
    }
    Ok(())
}

fn measure(name: &str, rules: &[&str], events: &[&str]) -> Result<(), AnyError> {
    let patterns = patterns(rules)?;
    let before = resident_mb();
    let started = Instant::now();
    let index: RuleIndex<usize> = patterns.iter().cloned().enumerate().collect();
    let build_ms = started.elapsed().as_millis();
    let index_mb = resident_mb() - before;
    let matches: usize = events.iter().map(|event| index.matching(event).map_or(0, |rules| rules.len())).sum();
    let modes = [MatcherBuildMode::BuiltForComfort, MatcherBuildMode::BuiltForSpeed].into_iter();
    let mut theirs: Vec<_> =
        modes.filter(|_| rules.len() <= QUAMINA_RULES_MAX).filter_map(|mode| quamina(mode, rules)).collect();
    let mut contestants: Vec<Contestant<'_>> = vec![Box::new(|event| {
        std::hint::black_box(index.matching(event).map_or(0, |rules| rules.len()));
    })];
    contestants.push(Box::new(|event| {
        std::hint::black_box(serde_json::from_str::<serde::de::IgnoredAny>(event).is_ok());
    }));
    contestants.append(&mut theirs);
    let rates = rates(events, &mut contestants);
    let (rate, check, quamina) = (rates[0], rates[1], rates.into_iter().skip(2).max_by(f64::total_cmp));
    let add_us = add_us(&index, &patterns);
    println!(
        "{name}: {rate:.0} events/s, {matches} matches, build {build_ms} ms, index {index_mb:.0} MB, add one {add_us} us, quamina {}",
        quamina.map_or("-".to_owned(), |theirs| format!(
            "{theirs:.0} events/s, ratio {:.1}; with a check by serde_json ({check:.0} events/s) ratio {:.1}",
            rate / theirs,
            rate * (1.0 / theirs + 1.0 / check)
        ))
    );
    Ok(())
}

fn patterns(rules: &[&str]) -> Result<Vec<Arc<EventPattern>>, AnyError> {
    let limits = PatternLimits { wildcard_complexity_max: None, branches_max: None };
    let parse = |rule: &&str| EventPattern::parse(rule, &limits).map(Arc::new);
    Ok(rules.iter().map(parse).collect::<Result<_, _>>()?)
}

/// Events a second of each contestant: the median of the passes, which they take in turns.
fn rates(events: &[&str], contestants: &mut [Contestant<'_>]) -> Vec<f64> {
    let mut rates = vec![Vec::new(); contestants.len()];
    for _ in 0..PASSES {
        for (contestant, rates) in contestants.iter_mut().zip(&mut rates) {
            rates.push(pass(events, contestant));
        }
    }
    let median = |mut rates: Vec<f64>| {
        rates.sort_by(f64::total_cmp);
        rates[PASSES / 2]
    };
    rates.into_iter().map(median).collect()
}

fn pass(events: &[&str], contestant: &mut Contestant<'_>) -> f64 {
    let (started, worked) = (Instant::now(), processor_time());
    let mut count = 0_u32;
    let mut next = events.iter().cycle();
    while started.elapsed().as_millis() < PASS_MS_MIN {
        for event in next.by_ref().take(50) {
            contestant(event);
            count += 1;
        }
    }
    let elapsed = worked.zip(processor_time()).map_or(started.elapsed(), |(from, to)| to.saturating_sub(from));
    f64::from(count) / elapsed.as_secs_f64()
}

/// The processor time of this thread so far, where the system tells it.
fn processor_time() -> Option<Duration> {
    let status = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    status.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

/// None when quamina cannot take these rules.
fn quamina(mode: MatcherBuildMode, rules: &[&str]) -> Option<Contestant<'static>> {
    let mut matcher = QuaminaBuilder::<usize>::new().with_arena_byte_budget(QUAMINA_ARENA_BYTES).build().ok()?;
    matcher.set_matcher_build_mode(mode);
    for (id, rule) in rules.iter().enumerate() {
        matcher.add_pattern(id, rule).ok()?;
    }
    Some(Box::new(move |event| {
        std::hint::black_box(matcher.matches_for_event(event.as_bytes()).map_or(0, |rules| rules.len()));
    }))
}

/// The median time to add a rule to the index, which grows by each.
fn add_us(index: &RuleIndex<usize>, patterns: &[Arc<EventPattern>]) -> u128 {
    let mut index = index.clone();
    let mut times = Vec::new();
    for (id, pattern) in patterns.iter().cycle().take(ADDED_RULES).enumerate() {
        let started = Instant::now();
        index = index.with(usize::MAX - id, Arc::clone(pattern));
        times.push(started.elapsed().as_micros());
    }
    times.sort_unstable();
    times[ADDED_RULES / 2]
}

/// The resident memory of the process, where the system tells it.
fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = status.split(' ').nth(1).and_then(|pages| pages.parse::<u32>().ok()).unwrap_or(0);
    f64::from(pages) * 4096.0 / 1e6
}

//! Any event and any patterns that are accepted: no panic, and the index, the explanation and `evaluate` agree.
//!
//! The input is patterns and at last an event, with a zero byte between each two.
#![no_main]

use std::sync::Arc;

use eventyard_core::pattern::index::RuleIndex;
use eventyard_core::pattern::{EventPattern, Explanation, PatternLimits, evaluate, explain};
use libfuzzer_sys::fuzz_target;

/// More than are filed under one value before they are split.
const PATTERNS_MAX: usize = 40;

fuzz_target!(|text: &str| {
    let Some((patterns, event)) = text.rsplit_once('\0') else { return };
    let limits = PatternLimits { wildcard_complexity_max: None, branches_max: Some(100) };
    let patterns = patterns.split('\0').take(PATTERNS_MAX);
    let patterns: Vec<_> = patterns.filter_map(|text| EventPattern::parse(text, &limits).ok()).map(Arc::new).collect();
    let whole: RuleIndex<usize> = patterns.iter().cloned().enumerate().collect();
    let grown = patterns.iter().enumerate().fold(RuleIndex::new(), |index, (id, pattern)| {
        index.with(id, Arc::clone(pattern))
    });
    let expected = patterns.iter().map(|pattern| evaluate(pattern, event)).collect::<Result<Vec<_>, _>>();
    for index in [whole, grown] {
        let matching = index.matching(event).map(|found| {
            (0..patterns.len()).map(|id| found.contains(&&id)).collect::<Vec<_>>()
        });
        match (&expected, matching) {
            (Ok(expected), Ok(matching)) => assert_eq!(expected, &matching, "{event}"),
            (Err(expected), Err(error)) => assert_eq!(*expected, error, "{event}"),
            // Without patterns nobody but the index looks at the event.
            (Ok(_), Err(_)) if patterns.is_empty() => {}
            (expected, matching) => panic!("{expected:?} but the index says {matching:?} of {event}"),
        }
    }
    for pattern in &patterns {
        let explained = explain(pattern, event).map(|explained| matches!(explained, Explanation::Match(_)));
        assert_eq!(explained, evaluate(pattern, event), "{event}");
    }
});

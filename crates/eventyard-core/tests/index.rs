//! The rule index gives the answer of `evaluate`, whatever the patterns and the event, and however it came to be.

use std::collections::BTreeMap;
use std::sync::Arc;

use eventyard_core::json::compact;
use eventyard_core::pattern::index::RuleIndex;
use eventyard_core::pattern::{EventPattern, Explanation, PatternLimits, evaluate, explain};
use proptest::prelude::*;
use proptest::sample::select;

/// Few texts and keys, so that patterns and events meet often.
const TEXTS: [&str; 16] =
    ["", "a", "b", "ab", "ba", "aab", "A", "aB", "é", "É", "ß", "10.0.0.1", "010.0.0.1", "::1", "*", "😀"];
const NUMBERS: [&str; 12] =
    ["0", "-0", "1", "1.0", "10e-1", "2", "-3", "1e2", "100", "9007199254740993", "1e309", "0.1"];
const KEYS: [&str; 6] = ["a", "a", "b", "b", "a.b", ""];
const WILDCARDS: [&str; 8] = ["*", "a*", "*b", "a*b", "*a*", "*ab*a*", "ab", r"\*"];

fn text() -> impl Strategy<Value = String> {
    select(&TEXTS[..]).prop_map(|text| format!("\"{text}\""))
}

fn number() -> impl Strategy<Value = String> {
    select(&NUMBERS[..]).prop_map(str::to_owned)
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![4 => text(), 2 => number(), 1 => select(vec!["true", "false", "null"]).prop_map(str::to_owned)]
}

fn list(of: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    prop::collection::vec(of, 1..3).prop_map(|values| format!("[{}]", values.join(",")))
}

fn wildcard() -> impl Strategy<Value = String> {
    select(&WILDCARDS[..]).prop_map(|text| serde_json::Value::from(text).to_string())
}

fn alternative() -> impl Strategy<Value = String> {
    let one_of = |names: &'static [&'static str]| select(names);
    prop_oneof![
        6 => scalar(),
        2 => (one_of(&["prefix", "suffix", "equals-ignore-case"]), text())
            .prop_map(|(name, text)| format!("{{\"{name}\":{text}}}")),
        1 => (one_of(&["prefix", "suffix"]), text())
            .prop_map(|(name, text)| format!("{{\"{name}\":{{\"equals-ignore-case\":{text}}}}}")),
        2 => wildcard().prop_map(|text| format!("{{\"wildcard\":{text}}}")),
        3 => any::<bool>().prop_map(|exists| format!("{{\"exists\":{exists}}}")),
        1 => one_of(&["10.0.0.0/8", "::/0", "16.0.0.0/4"]).prop_map(|block| format!("{{\"cidr\":\"{block}\"}}")),
        2 => (one_of(&["=", "<", "<=", ">", ">="]), number())
            .prop_map(|(operator, number)| format!("{{\"numeric\":[\"{operator}\",{number}]}}")),
        2 => prop_oneof![list(text()), list(number())].prop_map(|list| format!("{{\"anything-but\":{list}}}")),
        1 => (one_of(&["prefix", "suffix", "equals-ignore-case"]), list(text()))
            .prop_map(|(name, list)| format!("{{\"anything-but\":{{\"{name}\":{list}}}}}")),
        1 => list(wildcard()).prop_map(|list| format!("{{\"anything-but\":{{\"wildcard\":{list}}}}}")),
    ]
}

fn object(members: Vec<(&str, String)>) -> String {
    let members: Vec<_> = members.into_iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

fn pattern() -> impl Strategy<Value = String> {
    let fields = prop::collection::vec((select(&KEYS[..]), list(alternative())), 1..4).prop_map(object);
    fields.prop_recursive(3, 12, 3, |inner| {
        let or = prop::collection::vec(inner.clone(), 2..3).prop_map(|objects| format!("[{}]", objects.join(",")));
        let member = prop_oneof![
            4 => (select(&KEYS[..]), inner),
            2 => (select(&KEYS[..]), list(alternative())),
            1 => (Just("$or"), or),
        ];
        prop::collection::vec(member, 1..3).prop_map(object)
    })
}

fn event() -> impl Strategy<Value = String> {
    let value = scalar().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|values| format!("[{}]", values.join(","))),
            prop::collection::vec((select(&KEYS[..]), inner), 0..4).prop_map(object),
        ]
    });
    prop::collection::vec((select(&KEYS[..]), value), 0..5).prop_map(object)
}

/// Patterns that share most of their values, so that many of them are filed together.
fn crowded_pattern() -> impl Strategy<Value = String> {
    let field = |names: &'static [&'static str]| {
        let alternatives = prop_oneof![
            8 => prop::collection::vec(select(&["\"a\"", "\"b\"", "\"k\"", "\"l\"", "\"m\"", "1"][..]), 1..3).prop_map(|texts| texts.join(",")),
            1 => alternative(),
        ];
        (select(names), alternatives).prop_map(|(name, alternatives)| (name, format!("[{alternatives}]")))
    };
    let inner = prop::collection::vec(field(&["c", "c", "c", "d", "e"]), 1..4).prop_map(object);
    // Of all the values here "hot" promises most, as one of many, and is nearly always met.
    let hot = prop_oneof![3 => Just(0), 2 => 1..60].prop_map(|number| match number {
        0 => "[\"hot\"]".to_owned(),
        cold => format!("[\"cold{cold}\"]"),
    });
    (hot, inner).prop_map(|(hot, inner)| object(vec![("a", hot), ("r", inner)]))
}

/// Events with long arrays of objects that have the keys of crowded patterns.
fn crowded_event() -> impl Strategy<Value = String> {
    let value =
        || select(&["\"a\"", "\"b\"", "\"k\"", "\"l\"", "\"m\"", "1", "\"\\u0061\""][..]).prop_map(str::to_owned);
    let element = prop::collection::vec((select(&["c", "d", "e"][..]), value()), 0..3).prop_map(object);
    let elements = prop_oneof![prop::collection::vec(element.clone(), 0..4), prop::collection::vec(element, 30..60),];
    (select(&["hot", "hot", "cold1"][..]), elements)
        .prop_map(|(a, elements)| format!("{{\"a\":\"{a}\",\"r\":[{}]}}", elements.join(",")))
}

/// The valid ones among the patterns, numbered.
fn rules(patterns: &[String]) -> Vec<(usize, Arc<EventPattern>)> {
    let limits = PatternLimits { wildcard_complexity_max: None, ..PatternLimits::default() };
    let parsed = patterns.iter().filter_map(|pattern| EventPattern::parse(pattern, &limits).ok());
    parsed.map(Arc::new).enumerate().collect()
}

fn by_index(index: &RuleIndex<usize>, event: &str) -> Vec<usize> {
    let mut matching: Vec<_> = index.matching(event).into_iter().flatten().copied().collect();
    matching.sort_unstable();
    matching
}

fn by_evaluation(rules: &[(usize, Arc<EventPattern>)], event: &str) -> Vec<usize> {
    let is_match = |rule: &&(usize, Arc<EventPattern>)| evaluate(&rule.1, event) == Ok(true);
    rules.iter().filter(is_match).map(|(id, _)| *id).collect()
}

proptest! {
    #[test]
    fn the_index_agrees_with_evaluate(
        patterns in prop::collection::vec(pattern(), 1..24),
        events in prop::collection::vec(event(), 1..12),
    ) {
        let rules = rules(&patterns);
        let index: RuleIndex<usize> = rules.iter().cloned().collect();
        for event in &events {
            prop_assert_eq!(by_index(&index, event), by_evaluation(&rules, event), "{}", event);
        }
    }

    #[test]
    fn the_index_agrees_with_evaluate_in_a_crowd(
        patterns in prop::collection::vec(crowded_pattern(), 1..200),
        events in prop::collection::vec(crowded_event(), 1..4),
    ) {
        let rules = rules(&patterns);
        let index: RuleIndex<usize> = rules.iter().cloned().collect();
        for event in &events {
            prop_assert_eq!(by_index(&index, event), by_evaluation(&rules, event), "{}", event);
        }
    }

    #[test]
    fn adding_and_removing_is_as_building(
        patterns in prop::collection::vec(pattern(), 1..24),
        begin in 0_usize..24,
        removed in prop::collection::vec(0_usize..24, 0..8),
        events in prop::collection::vec(event(), 1..6),
    ) {
        let mut rules = rules(&patterns);
        let (first, later) = rules.split_at(begin.min(rules.len()));
        let mut index: RuleIndex<usize> = first.iter().cloned().collect();
        for (id, pattern) in later {
            index = index.with(*id, Arc::clone(pattern));
        }
        for id in &removed {
            index = index.without(id);
        }
        rules.retain(|(id, _)| !removed.contains(id));
        prop_assert_eq!(index.len(), rules.len());
        for event in &events {
            let expected = by_evaluation(&rules, event);
            prop_assert_eq!(by_index(&index, event), expected.clone(), "{}", event);
            prop_assert_eq!(by_index(&index.folded(), event), expected, "{}", event);
        }
    }

    /// Some rules are put and removed before an index is folded, and some while it is.
    #[test]
    fn folding_while_rules_come_and_go_loses_none(
        patterns in prop::collection::vec(pattern(), 1..24),
        ids in prop::collection::vec(0_usize..12, 24),
        (begin, fold, apply) in (0_usize..24, 0_usize..24, 0_usize..24),
        events in prop::collection::vec(event(), 1..6),
    ) {
        let rules = rules(&patterns);
        let first: Vec<_> = rules.iter().take(begin).cloned().map(|(place, pattern)| (ids[place], pattern)).collect();
        let mut kept: BTreeMap<usize, Arc<EventPattern>> = first.iter().cloned().collect();
        let mut index: RuleIndex<usize> = first.into_iter().collect();
        let mut before = index.clone();
        for (place, pattern) in rules.into_iter().skip(begin) {
            if place == begin + fold {
                before = index.clone();
            }
            if place == begin + fold + apply {
                index = index.with_folded(&before, &before.folded());
            }
            let id = ids[place];
            if place % 3 == 2 {
                index = index.without(&id);
                kept.remove(&id);
            } else {
                index = index.with(id, Arc::clone(&pattern));
                kept.insert(id, pattern);
            }
        }
        let kept: Vec<_> = kept.into_iter().collect();
        let index = index.with_folded(&before, &before.folded());
        prop_assert_eq!(index.len(), kept.len());
        for event in &events {
            prop_assert_eq!(by_index(&index, event), by_evaluation(&kept, event), "{}", event);
        }
    }

    #[test]
    fn the_explanation_agrees_with_evaluate(pattern in pattern(), events in prop::collection::vec(event(), 1..12)) {
        for (_, pattern) in rules(&[pattern]) {
            for event in &events {
                let is_match = explain(&pattern, event).map(|explained| matches!(explained, Explanation::Match(_)));
                prop_assert_eq!(is_match, evaluate(&pattern, event), "{}", event);
            }
        }
    }

    #[test]
    fn spelling_and_place_of_white_space_do_not_matter(pattern in pattern(), event in event()) {
        for (_, pattern) in rules(&[pattern]) {
            let spaced = event.replace(',', " ,\n").replace(':', "\t: ");
            // Only where no text of the event holds a colon or comma.
            if compact(&spaced) == Ok(event.clone()) {
                prop_assert_eq!(evaluate(&pattern, &spaced), evaluate(&pattern, &event));
            }
        }
    }

    #[test]
    fn arbitrary_text_never_panics(pattern in any::<String>(), event in any::<String>()) {
        let limits = PatternLimits::default();
        for text in [pattern.clone(), format!("{{\"a\":[{pattern}]}}"), format!("{{\"a\":[{{{pattern}}}]}}")] {
            if let Err(error) = EventPattern::parse(&text, &limits) {
                prop_assert!(!error.to_string().is_empty());
            }
        }
        let pattern = Arc::new(EventPattern::parse("{\"a\":[{\"exists\":false}]}", &limits).unwrap());
        let index: RuleIndex<u8> = [(0, Arc::clone(&pattern))].into_iter().collect();
        prop_assert_eq!(evaluate(&pattern, &event), index.matching(&event).map(|rules| !rules.is_empty()));
    }

    #[test]
    fn cut_and_changed_patterns_never_panic(pattern in pattern(), place in any::<prop::sample::Index>(), with in "[\\[\\]{}\",:0-9ex]{0,2}") {
        let characters: Vec<char> = pattern.chars().collect();
        let place = place.index(characters.len());
        let cut: String = characters[..place].iter().collect();
        let rest: String = characters[place + 1..].iter().collect();
        for text in [cut.clone(), format!("{cut}{with}{rest}")] {
            let parsed = EventPattern::parse(&text, &PatternLimits::default());
            prop_assert!(parsed.map_or_else(|error| !error.reason().is_empty(), |pattern| pattern.text() == text));
        }
    }
}

/// Events that repeat keys or nest arrays to make the choice of values hard, and patterns to go with them.
#[test]
fn hard_choices_end() {
    let fields =
        |name: &str, count: usize| (0..count).map(|i| format!("\"{name}{i}\":[1]")).collect::<Vec<_>>().join(",");
    let pattern =
        EventPattern::parse(&format!("{{\"r\":{{{}}}}}", fields("k", 24)), &PatternLimits::default()).unwrap();
    // Each array offers two elements, each of which satisfies some fields: a puzzle of covering, and k23 is nowhere.
    let arrays: Vec<_> = (0..40)
        .map(|i| {
            format!(
                "\"r\":[{{\"k{}\":1,\"k{}\":1}},{{\"k{}\":1,\"k{}\":1}}]",
                i % 23,
                i * 7 % 23,
                i * 3 % 23,
                i * 5 % 23
            )
        })
        .collect();
    assert_eq!(evaluate(&pattern, &format!("{{{}}}", arrays.join(","))), Ok(false));

    // Of smaller puzzles the answer is found, and is yes: the last field may be absent.
    for (count, arrays) in [(12, 30), (14, 20), (20, 25), (24, 30), (24, 40)] {
        let places = |i: usize| [i, i * 7, i * 3, i * 5].map(|place| place % (count - 1));
        let array = |i: usize| {
            let [a, b, c, d] = places(i);
            format!("\"r\":[{{\"k{a}\":1,\"k{b}\":1}},{{\"k{c}\":1,\"k{d}\":1}}]")
        };
        let event = format!("{{{}}}", (0..arrays).map(array).collect::<Vec<_>>().join(","));
        let (present, last) = (fields("k", count - 1), count - 1);
        let pattern = format!("{{\"r\":{{{present},\"k{last}\":[1,{{\"exists\":false}}]}}}}");
        let pattern = EventPattern::parse(&pattern, &PatternLimits::default()).unwrap();
        assert_eq!(evaluate(&pattern, &event), Ok(true), "{count} fields, {arrays} arrays");
    }

    let pattern = EventPattern::parse("{\"r\":{\"a\":[1],\"b\":[1],\"c\":[1]}}", &PatternLimits::default()).unwrap();
    let elements: Vec<_> = (0..30_000).map(|i| format!("{{\"{}\":1}}", ["a", "b", "c"][i % 3])).collect();
    assert_eq!(evaluate(&pattern, &format!("{{\"r\":[{}]}}", elements.join(","))), Ok(false));
    let event = format!("{{\"r\":[{},{{\"a\":1,\"b\":1,\"c\":1}}]}}", elements.join(","));
    assert_eq!(evaluate(&pattern, &event), Ok(true));
}

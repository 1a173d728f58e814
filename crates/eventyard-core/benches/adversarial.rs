//! What the rule index costs where rules and events are made to be hard: many rules of one kind on one field, arrays of
//! thousands of objects, events of 1 MiB, deep nesting. Rules and events are the same in every run.

#![expect(clippy::print_stdout, reason = "a benchmark's result is what it prints")]

use std::sync::Arc;
use std::time::Instant;

use eventyard_core::pattern::index::RuleIndex;
use eventyard_core::pattern::{EventPattern, InvalidEventPattern, PatternLimits};

const PASSES: usize = 5;
const PASS_MS_MIN: u128 = 200;
const MIB: usize = 1 << 20;

/// A generator of numbers that are spread well enough: the multiplier is Knuth's.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % bound
    }

    fn word(&mut self) -> String {
        const WORDS: [&str; 8] = ["alpha", "beta", "gamma", "delta", "user", "log", "img", "tmp"];
        format!("{}{}", WORDS[self.below(8)], self.below(100))
    }

    fn key(&mut self) -> String {
        (0..7).map(|_| self.word()).collect::<Vec<_>>().join("/")
    }
}

fn many(count: usize, make: impl FnMut(usize) -> String) -> Vec<String> {
    (0..count).map(make).collect()
}

/// Rules that have one match expression on the field `f`.
fn on_one_field(count: usize, mut expression: impl FnMut(usize) -> String) -> Vec<String> {
    many(count, |number| format!(r#"{{"f":[{}]}}"#, expression(number)))
}

fn main() -> Result<(), InvalidEventPattern> {
    println!("{:44} {:>7} {:>9} {:>11} {:>12} {:>8}", "", "rules", "bytes", "events/s", "us/event", "matches");
    of_one_operator()?;
    of_arrays()?;
    of_large_events()
}

fn of_one_operator() -> Result<(), InvalidEventPattern> {
    let n = &mut Numbers(1);
    let keys = many(200, |_| format!(r#"{{"f":"{}"}}"#, n.key()));
    for count in [1_000, 10_000] {
        let wildcards =
            on_one_field(count, |_| format!(r#"{{"wildcard":"*{}*{}*{}*"}}"#, n.word(), n.word(), n.word()));
        measure("wildcard *w*w*w*", &wildcards, &keys)?;
        measure("suffix", &on_one_field(count, |_| format!(r#"{{"suffix":"{}/{}"}}"#, n.word(), n.word())), &keys)?;
        let ignoring = on_one_field(count, |_| format!(r#"{{"prefix":{{"equals-ignore-case":"{}"}}}}"#, n.key()));
        measure("prefix, ignoring case", &ignoring, &keys)?;
        measure("anything-but", &on_one_field(count, |_| format!(r#"{{"anything-but":["{}"]}}"#, n.key())), &keys)?;
        let excluded = on_one_field(count, |_| format!(r#"{{"anything-but":{{"wildcard":"*{}*"}}}}"#, n.word()));
        measure("anything-but wildcard", &excluded, &keys)?;
        let numbers = many(200, |_| format!(r#"{{"f":{}.5}}"#, n.below(count)));
        let ranges = on_one_field(count, |from| format!(r#"{{"numeric":[">=",{from},"<",{}]}}"#, from + 1));
        measure("numeric, narrow", &ranges, &numbers)?;
        measure("numeric, one bound", &on_one_field(count, |from| format!(r#"{{"numeric":[">",{from}]}}"#)), &numbers)?;
        let addresses = many(200, |_| format!(r#"{{"f":"10.{}.{}.7"}}"#, n.below(256), n.below(256)));
        let blocks = on_one_field(count, |at| format!(r#"{{"cidr":"10.{}.{}.0/24"}}"#, at / 256, at % 256));
        measure("cidr", &blocks, &addresses)?;
    }
    let letters = many(200, |_| format!(r#"{{"f":"{}"}}"#, "abcdefghijklmnop".repeat(2)));
    let letter = |n: &mut Numbers| ["a", "b", "c", "d", "e", "f", "g", "h"][n.below(8)];
    let wildcards = on_one_field(100, |_| format!(r#"{{"wildcard":"*{}*{}*{}*"}}"#, letter(n), letter(n), letter(n)));
    measure("wildcard of single letters", &wildcards, &letters)
}

fn of_arrays() -> Result<(), InvalidEventPattern> {
    let n = &mut Numbers(2);
    let two_fields = many(1_000, |_| format!(r#"{{"r":{{"a":["a{}"],"b":["b{}"]}}}}"#, n.below(2_000), n.below(50)));
    let present = many(1, |_| r#"{"r":{"a":[{"exists":true}],"b":[{"exists":true}]}}"#.to_owned());
    for length in [100, 1_000, 10_000] {
        let object = |_| format!(r#"{{"a":"a{}","b":"b{}"}}"#, n.below(2_000), n.below(50));
        let event = format!(r#"{{"r":[{}]}}"#, many(length, object).join(","));
        measure(&format!("{length} objects, two fields each rule"), &two_fields, &[event])?;
        let halves = many(length, |at| format!(r#"{{"{}":1}}"#, ["a", "b"][at % 2]));
        measure(
            &format!("{length} objects with half of what is wanted"),
            &present,
            &[format!(r#"{{"r":[{}]}}"#, halves.join(","))],
        )?;
    }
    Ok(())
}

fn of_large_events() -> Result<(), InvalidEventPattern> {
    let one = vec![r#"{"f":["x"],"d":{"d":{"d":["x"]}}}"#.to_owned()];
    measure("1 MiB: one string", &one, &[format!(r#"{{"f":"{}"}}"#, "s".repeat(MIB))])?;
    measure("1 MiB: escapes", &one, &[format!(r#"{{"f":"{}"}}"#, r"\u0041".repeat(MIB / 6))])?;
    let members = many(MIB / 16, |at| format!(r#""k{at:07}":{}"#, at % 100));
    measure("1 MiB: small members", &one, &[format!("{{{}}}", members.join(","))])?;
    measure("1 MiB: values of one path", &one, &[format!(r#"{{"f":[{}]}}"#, vec!["\"y\""; MIB / 4].join(","))])?;
    let lengths = on_one_field(4_000, |length| format!(r#"{{"prefix":"{}b"}}"#, "a".repeat(length)));
    let long = vec![format!("\"{}\"", "a".repeat(4_096)); MIB / 4_100];
    measure("1 MiB: prefixes of all lengths", &lengths, &[format!(r#"{{"f":[{}]}}"#, long.join(","))])?;
    measure("1 MiB: empty arrays", &one, &[format!(r#"{{"f":[{}]}}"#, vec!["[]"; MIB / 3].join(","))])?;
    let deep = format!(r#"{}"x"{}"#, r#"{"d":"#.repeat(1_000), "}".repeat(1_000));
    measure("1,000 levels", &one, &[deep])?;
    measure("1 MiB: 1,000,000 brackets (refused)", &one, &["[".repeat(MIB)])
}

fn measure(name: &str, rules: &[String], events: &[String]) -> Result<(), InvalidEventPattern> {
    let limits = PatternLimits { wildcard_complexity_max: None, branches_max: None };
    let patterns = rules.iter().map(|rule| EventPattern::parse(rule, &limits).map(Arc::new));
    let index: RuleIndex<usize> = patterns.collect::<Result<Vec<_>, _>>()?.into_iter().enumerate().collect();
    let matches: usize = events.iter().map(|event| index.matching(event).map_or(0, |rules| rules.len())).sum();
    let mut rates = Vec::new();
    for _ in 0..PASSES {
        let started = Instant::now();
        let mut count = 0_u32;
        while started.elapsed().as_millis() < PASS_MS_MIN {
            for event in events {
                std::hint::black_box(index.matching(event).map_or(0, |rules| rules.len()));
                count += 1;
            }
        }
        rates.push(f64::from(count) / started.elapsed().as_secs_f64());
    }
    rates.sort_by(f64::total_cmp);
    let rate = rates[PASSES / 2];
    println!("{name:44} {:>7} {:>9} {rate:>11.0} {:>12.1} {matches:>8}", rules.len(), events[0].len(), 1e6 / rate);
    Ok(())
}

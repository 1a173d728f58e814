//! The walk along the marks sees what the reader sees, and accepts nothing that the reader refuses.

use proptest::prelude::*;

use super::*;
use crate::json::compact;

/// All that was told, line by line. Values below keys that end in `x` are not wanted.
#[derive(Debug, Default, PartialEq)]
struct Record(Vec<String>);

impl<'a> Visit<'a> for Record {
    fn restart(&mut self) {
        self.0.clear();
    }

    fn key(&mut self, key: Key<'a>) -> bool {
        self.0.push(format!("key {key:?}"));
        !key.raw.ends_with(b"x")
    }

    fn string(&mut self, text: Text<'a>) {
        self.0.push(format!("string {text:?}"));
    }

    fn number(&mut self, text: &'a str) {
        self.0.push(format!("number {text}"));
    }

    fn literal(&mut self, literal: Literal) {
        self.0.push(format!("{literal:?}"));
    }

    fn open(&mut self, is_array: bool) {
        self.0.push(format!("open {is_array}"));
    }

    fn close(&mut self) {
        self.0.push("close".to_owned());
    }
}

/// What the walk alone saw, when it came to the end.
fn walked(text: &str) -> Option<Record> {
    let (mut structure, mut record) = (Structure::default(), Record::default());
    (structure.scan(text.as_bytes()) && walk(text, &structure, &mut record).is_some()).then_some(record)
}

fn compare(text: &str) -> Result<(), TestCaseError> {
    let mut expected = Record::default();
    let result = read(text, &mut expected);
    let nesting = text.bytes().filter(|byte| matches!(byte, b'{' | b'[')).count();
    match walked(text) {
        Some(record) => prop_assert_eq!((Ok(()), expected), (result, record), "{}", text),
        // What is an object and not deep is never given up.
        None if nesting <= 64 && text.trim_start().starts_with('{') => prop_assert!(result.is_err(), "{}", text),
        None => {}
    }
    compare_compact(text)
}

/// Taking out white space in words is the same as token by token, for what is an object and for everything else.
fn compare_compact(text: &str) -> Result<(), TestCaseError> {
    let tokens: Result<Vec<_>, _> = tokens(text);
    prop_assert_eq!(compact(text), tokens.map(|tokens| tokens.concat()), "{}", text);
    Ok(())
}

/// The text of each token, and what parts it from the one before but for white space.
fn tokens(text: &str) -> Result<Vec<String>, JsonError> {
    let (mut reader, mut tokens, mut end) = (Reader::new(text), Vec::new(), 0);
    while reader.next()?.is_some() {
        let span = reader.span();
        tokens.push(text[end..span.start].replace(is_space, ""));
        tokens.push(text[span.clone()].to_owned());
        end = span.end;
    }
    Ok(tokens)
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r')
}

/// JSON with white space, escapes, and strings long enough to cross blocks.
fn json() -> impl Strategy<Value = String> {
    let space = || prop::sample::select(vec!["", "", "", " ", "\n  ", "\t\r"]);
    let string = "[a-cx \\[{}:,]{0,12}(\\\\[\"\\\\/bfnrt]|\\\\u00e9|é|😀|[^\"\\\\\\x00-\\x1f]{30,70}){0,3}x?";
    let string = string.prop_map(|text| format!("\"{text}\"")).boxed();
    let scalar = prop_oneof![
        3 => string.clone(),
        2 => prop::sample::select(vec!["0", "-1.5e+3", "12", "true", "false", "null"]).prop_map(str::to_owned),
    ];
    let value = scalar.prop_recursive(5, 40, 5, move |inner| {
        let item =
            (space(), inner.clone(), space()).prop_map(|(before, value, behind)| format!("{before}{value}{behind}"));
        let member = (space(), string.clone(), space(), item.clone())
            .prop_map(|(before, key, behind, value)| format!("{before}{key}{behind}:{value}"));
        prop_oneof![
            prop::collection::vec(item, 0..5).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec(member, 0..5).prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    });
    (space(), value, space()).prop_map(|(before, value, behind)| format!("{before}{{\"a\":{value}}}{behind}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_walk_sees_what_the_reader_sees(text in json()) {
        prop_assert!(walked(&text).is_some(), "{}", text);
        compare(&text)?;
    }

    #[test]
    fn the_walk_accepts_nothing_else(text in json(), place in any::<prop::sample::Index>(), with in "[\\[\\]{}\":,\\\\ \n\u{1}0-9etrun.-]{0,2}") {
        let places: Vec<_> = text.char_indices().map(|(at, _)| at).collect();
        let at = places[place.index(places.len())];
        let rest = || text[at..].chars();
        compare(&text[..at])?;
        compare(&format!("{}{with}{}", &text[..at], rest().as_str()))?;
        compare(&format!("{}{with}{}", &text[..at], rest().skip(1).collect::<String>()))?;
    }

    #[test]
    fn short_texts(text in "\\{[\\[\\]{}\":,\\\\ \n0a]{0,14}\\}?") {
        compare(&text)?;
    }

    #[test]
    fn escapes_at_the_ends_of_blocks(before in 50_usize..70, escapes in "(\\\\){0,8}(u00e9|n|x|\"|,)", behind in 0_usize..70) {
        compare(&format!("{{\"{}{escapes}{}\":1}}", "k".repeat(before), "k".repeat(behind)))?;
        compare(&format!("{{\"{}{escapes}", "k".repeat(before)))?;
    }
}

/// Each text of up to so many of the parts, with an end that may fit, and also around the end of a block.
#[test]
fn all_short_texts() {
    const PARTS: [&str; 9] = ["{", "}", "[", "]", ",", ":", "\"k\"", "1", " "];
    let mut texts = vec![String::new()];
    for _ in 0..4 {
        texts = texts.iter().flat_map(|text| PARTS.map(|part| format!("{text}{part}"))).collect();
        for text in &texts {
            let at_the_end_of_a_block = format!("{{\"{}\":{text}", "k".repeat(57));
            for end in ["", "}", "]}"] {
                compare(&format!("{{{text}{end}")).expect("the same");
                compare(&format!("{at_the_end_of_a_block}{end}")).expect("the same");
            }
        }
    }
}

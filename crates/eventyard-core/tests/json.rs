//! The JSON room: strictness, places, decoding, and that `compact` changes nothing but white space.

use eventyard_core::json::{JsonError, JsonFault, Kind, NESTING_DEPTH_MAX, Reader, Token, compact, compact_with_kind};
use proptest::prelude::*;

fn fault(text: &str) -> Option<(JsonFault, usize)> {
    compact(text).err().map(|error| (error.fault, error.offset))
}

/// Every token with the text it stands for.
fn tokens(text: &str) -> Result<Vec<(Token<'_>, &str)>, JsonError> {
    let mut reader = Reader::new(text);
    let mut tokens = Vec::new();
    while let Some(token) = reader.next()? {
        tokens.push((token, &text[reader.span()]));
    }
    Ok(tokens)
}

/// What the text decodes to, when it is a string.
fn decoded(text: &str) -> Option<String> {
    match Reader::new(text).next() {
        Ok(Some(Token::String(string))) => Some(string.decode().into_owned()),
        _ => None,
    }
}

#[test]
fn compact_takes_out_white_space_and_nothing_else() {
    for (text, expected) in [
        (" { } ", "{}"),
        ("[\t]", "[]"),
        ("\r\n1.0e+05 ", "1.0e+05"),
        (
            r#"{ "b" : [ 1 , -0.10 , 1E400 ] , "a" : "x  y" , "a" : null }"#,
            r#"{"b":[1,-0.10,1E400],"a":"x  y","a":null}"#,
        ),
        (r#"{"a":"already compact","b":[[],{}]}"#, r#"{"a":"already compact","b":[[],{}]}"#),
        (r#"[ "\u0061\/\" , : [" ,true,false , null]"#, r#"["\u0061\/\" , : [",true,false,null]"#),
        ("[\"a\u{a0}é😀\" ]", "[\"a\u{a0}é😀\"]"),
    ] {
        assert_eq!(compact(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn compact_tells_the_kind() {
    for (text, kind) in [
        (" {}", Kind::Object),
        ("[{}]", Kind::Array),
        ("\"{}\"", Kind::String),
        ("-1", Kind::Number),
        ("false", Kind::Boolean),
        ("null", Kind::Null),
    ] {
        assert_eq!(compact_with_kind(text).map(|(_, kind)| kind), Ok(kind), "{text}");
    }
}

#[test]
fn faults_have_their_place() {
    use JsonFault::{ControlCharacter, InvalidEscape, InvalidNumber, TrailingText, UnexpectedCharacter, UnexpectedEnd};
    for (text, expected) in [
        ("", (UnexpectedEnd, 0)),
        (" \n", (UnexpectedEnd, 2)),
        ("{", (UnexpectedEnd, 1)),
        ("{\"a\"", (UnexpectedEnd, 4)),
        ("{\"a\":", (UnexpectedEnd, 5)),
        ("[1", (UnexpectedEnd, 2)),
        ("\"abc", (UnexpectedEnd, 4)),
        ("\"abcdefgh", (UnexpectedEnd, 9)),
        ("\"ab\\", (UnexpectedEnd, 4)),
        ("\"\\u00", (UnexpectedEnd, 5)),
        ("-", (UnexpectedEnd, 1)),
        ("1.", (UnexpectedEnd, 2)),
        ("tru", (UnexpectedEnd, 3)),
        ("trua", (UnexpectedCharacter, 3)),
        ("[1,]", (UnexpectedCharacter, 3)),
        ("[,1]", (UnexpectedCharacter, 1)),
        ("[1 2]", (UnexpectedCharacter, 3)),
        ("{\"a\":1,}", (UnexpectedCharacter, 7)),
        ("{\"a\" 1}", (UnexpectedCharacter, 5)),
        ("{1:1}", (UnexpectedCharacter, 1)),
        ("{'a':1}", (UnexpectedCharacter, 1)),
        ("[1}", (UnexpectedCharacter, 2)),
        ("{\"a\":1]", (UnexpectedCharacter, 6)),
        ("]", (UnexpectedCharacter, 0)),
        ("+1", (UnexpectedCharacter, 0)),
        (".5", (UnexpectedCharacter, 0)),
        ("NaN", (UnexpectedCharacter, 0)),
        ("\u{feff}{}", (UnexpectedCharacter, 0)),
        ("01", (InvalidNumber, 0)),
        ("-01", (InvalidNumber, 1)),
        ("1.x", (InvalidNumber, 2)),
        ("1e+]", (InvalidNumber, 3)),
        ("\"a\nb\"", (ControlCharacter, 2)),
        ("\"abcdefghij\u{1f}\"", (ControlCharacter, 11)),
        ("\"\\x\"", (InvalidEscape, 1)),
        ("\"\\u12g4\"", (InvalidEscape, 1)),
        ("{} {}", (TrailingText, 3)),
        ("1a", (TrailingText, 1)),
    ] {
        assert_eq!(fault(text), Some(expected), "{text:?}");
    }
    assert_eq!(compact("[1,]").unwrap_err().to_string(), "unexpected character at byte 3");
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(compact(&nested(NESTING_DEPTH_MAX)).is_ok());
    assert_eq!(fault(&nested(NESTING_DEPTH_MAX + 1)), Some((JsonFault::TooDeep, NESTING_DEPTH_MAX)));
    let objects = "{\"a\":".repeat(NESTING_DEPTH_MAX + 1);
    assert_eq!(fault(&objects), Some((JsonFault::TooDeep, NESTING_DEPTH_MAX * 5)));
}

#[test]
fn tokens_have_their_place_and_duplicates_stay() {
    let text = r#"{"a": [1, "x\n", {}], "a":tRue}"#.to_lowercase();
    let spans: Vec<_> = tokens(&text).unwrap().into_iter().map(|(_, span)| span).collect();
    assert_eq!(spans, ["{", "\"a\"", "[", "1", "\"x\\n\"", "{", "}", "]", "\"a\"", "true", "}"]);
}

#[test]
fn strings_are_decoded_when_asked() {
    assert_eq!(decoded(r#""""#).as_deref(), Some(""));
    assert_eq!(decoded(r#""\"\\\/\b\f\n\r\t""#).as_deref(), Some("\"\\/\u{8}\u{c}\n\r\t"));
    assert_eq!(decoded(r#""\u0041\u00e9x\ud83d\uDE00.""#).as_deref(), Some("Aéx😀."));
    for lone in [r#""\ud83d""#, r#""\ude00""#] {
        assert_eq!(decoded(lone).as_deref(), Some("?"));
    }
    assert_eq!(decoded(r#""\ud83d\n""#).as_deref(), Some("?\n"));
    assert_eq!(decoded(r#""\ud83d\u0041""#).as_deref(), Some("?A"));
    assert_eq!(decoded(r#""\ud83d\ud83d\ude00""#).as_deref(), Some("?😀"));
    assert_eq!(decoded(r#""\ude00\ud83d""#).as_deref(), Some("??"));
    assert_eq!(decoded(r#""\ud83dé""#).as_deref(), Some("?é"));
}

#[test]
fn values_can_be_skipped() {
    let text = r#" {"a": [1, {"b": 2}], "c": {}, "d": "x" } "#;
    let mut reader = Reader::new(text);
    assert_eq!(reader.next(), Ok(Some(Token::ObjectStart)));
    assert!(matches!(reader.next(), Ok(Some(Token::Key(_)))));
    let mut value = || reader.skip_value().unwrap().map(|span| &text[span]);
    assert_eq!(value(), Some("[1, {\"b\": 2}]"));
    assert_eq!(value(), Some("{}"));
    assert_eq!(value(), Some("\"x\""));
    assert_eq!(value(), None);
    assert_eq!(value(), None);
    assert_eq!(reader.depth(), 0);
    assert_eq!(Reader::new(text).skip_value().unwrap().map(|span| &text[span]), Some(text.trim()));
}

#[test]
fn the_rest_of_a_container_can_be_skipped() {
    let mut reader = Reader::new("[[1,[2]],3]");
    for _ in 0..3 {
        reader.next().unwrap();
    }
    reader.skip_rest().unwrap();
    assert_eq!(reader.next(), Ok(Some(Token::Number("3"))));
    reader.skip_rest().unwrap();
    assert_eq!(reader.next(), Ok(None));
}

/// Text made of JSON's own pieces, so that much of it is valid and the rest is nearly so.
fn json_like() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"\\u00e9\"",
        "\"\\ud800\"",
        "\"",
        "\\",
        "1",
        "-0",
        "1.5e3",
        "0",
        "true",
        "null",
        "false",
        " ",
        "\n",
        "é",
        "e",
        ".",
        "\"key\":",
        "[]",
        "{}",
        "1,",
        "\u{1}",
    ]);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// A valid value, with white space where it may stand.
fn json_value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<f64>().prop_filter("JSON has no such number", |number| number.is_finite()).prop_map(|n| format!("{n:e}")),
        any::<String>().prop_map(|string| serde_json::Value::from(string).to_string()),
    ];
    let space = prop::sample::select(vec!["", "", " ", "\n\t", "\r"]);
    let leaf = (leaf, space.clone()).prop_map(|(leaf, space)| format!("{space}{leaf}{space}"));
    leaf.prop_recursive(4, 32, 4, move |inner| {
        let members = prop::collection::vec((prop::sample::select(vec!["a", "b", "a.b", ""]), inner.clone()), 0..4);
        prop_oneof![
            (prop::collection::vec(inner, 0..4), space.clone())
                .prop_map(|(values, space)| format!("{space}[{space}{}]{space}", values.join(","))),
            members.prop_map(|members| {
                let members: Vec<_> = members.iter().map(|(key, value)| format!(" \"{key}\" :{value}")).collect();
                format!("{{{}}} ", members.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        if let Err(error) = tokens(&text) {
            prop_assert!(error.offset <= text.len());
        }
    }

    #[test]
    fn the_grammar_agrees_with_serde_json(text in json_like()) {
        let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
        prop_assert_eq!(compact(&text).is_ok(), theirs, "{}", text);
    }

    #[test]
    fn compact_keeps_the_value(text in json_value()) {
        let compacted = compact(&text).unwrap();
        let kinds = |text| tokens(text).unwrap().into_iter().map(|(_, span)| span.to_owned()).collect::<Vec<_>>();
        prop_assert_eq!(kinds(&text), kinds(&compacted));
        prop_assert_eq!(compact(&compacted), Ok(compacted));
    }

    #[test]
    fn strings_decode_as_in_serde_json(string in any::<String>()) {
        let text = serde_json::Value::from(string.clone()).to_string();
        prop_assert_eq!(decoded(&text), Some(string));
    }
}

//! YAML as `CloudFormation` writes it: `!Ref Queue` is short for `{"Ref": "Queue"}`, `!GetAtt a.b` for `{"Fn::GetAtt": "a.b"}`.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, Tag};
use serde_json::{Map, Value};

/// Levels of nesting that are read.
const DEPTH_MAX: usize = 100;
/// Values that are read, those that aliases repeat counted each time.
const VALUES_MAX: usize = 1_000_000;

/// Reads the first document.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    let mut events = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| format!("it is not YAML: {error}"))?;
        match event {
            Event::StreamStart | Event::DocumentStart(..) => {}
            Event::DocumentEnd | Event::StreamEnd => break,
            event => events.push((event, span.start.line())),
        }
    }
    let mut builder = Builder { events: events.into_iter(), anchors: HashMap::new(), values: 0 };
    builder.value(0)
}

struct Builder<'a> {
    events: std::vec::IntoIter<(Event<'a>, usize)>,
    anchors: HashMap<usize, Value>,
    values: usize,
}

impl Builder<'_> {
    fn value(&mut self, depth: usize) -> Result<Value, String> {
        let Some((event, line)) = self.events.next() else { return Ok(Value::Null) };
        self.build(event, line, depth)
    }

    fn build(&mut self, event: Event<'_>, line: usize, depth: usize) -> Result<Value, String> {
        self.values += 1;
        if depth > DEPTH_MAX || self.values > VALUES_MAX {
            return Err(format!("line {line}: it is nested too deep, or unfolds to too much"));
        }
        let (value, anchor, tag) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_plain = matches!(style, ScalarStyle::Plain) && tag.is_none();
                (if is_plain { plain(&text) } else { Value::String(text.into_owned()) }, anchor, tag)
            }
            Event::SequenceStart(_, anchor, tag) => (self.sequence(depth)?, anchor, tag),
            Event::MappingStart(_, anchor, tag) => (self.mapping(line, depth)?, anchor, tag),
            Event::Alias(anchor) => {
                let value = self.anchors.get(&anchor).cloned().unwrap_or_default();
                self.values += count(&value);
                return Ok(value);
            }
            other => return Err(format!("line {line}: {other:?} is not expected here")),
        };
        let value = long_form(tag.as_deref(), value);
        if anchor != 0 {
            self.anchors.insert(anchor, value.clone());
        }
        Ok(value)
    }

    fn sequence(&mut self, depth: usize) -> Result<Value, String> {
        let mut items = Vec::new();
        loop {
            match self.events.next() {
                None | Some((Event::SequenceEnd, _)) => return Ok(Value::Array(items)),
                Some((event, line)) => items.push(self.build(event, line, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, line: usize, depth: usize) -> Result<Value, String> {
        let mut members = Map::new();
        loop {
            match self.events.next() {
                None | Some((Event::MappingEnd, _)) => return Ok(Value::Object(members)),
                Some((Event::Scalar(key, ..), line)) => {
                    let value = self.value(depth + 1)?;
                    if members.insert(key.to_string(), value).is_some() {
                        return Err(format!("line {line}: '{key}' is there twice"));
                    }
                }
                Some(_) => return Err(format!("line {line}: a key is no text")),
            }
        }
    }
}

/// What a scalar without quotes means: YAML's core schema, whose numbers are JSON's here.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => match serde_json::from_str(text) {
            Ok(number @ Value::Number(_)) => number,
            _ => Value::String(text.to_owned()),
        },
    }
}

/// A value with a tag, in the form that JSON has for it.
fn long_form(tag: Option<&Tag>, value: Value) -> Value {
    let Some(name) = tag.filter(|tag| tag.handle() == "!").map(Tag::suffix) else { return value };
    let name = if matches!(name, "Ref" | "Condition") { name.to_owned() } else { format!("Fn::{name}") };
    Value::Object(Map::from_iter([(name, value)]))
}

fn count(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(count).sum::<usize>(),
        Value::Object(members) => 1 + members.values().map(count).sum::<usize>(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn short_forms_are_written_out() {
        let text =
            "a: !Ref Queue\nb: !GetAtt Queue.Arn\nc: !Sub '${A}-b'\nd: !Sub [x, {A: 1}]\ne: !Join ['', [a, !Ref B]]\n";
        let expected = json!({
            "a": {"Ref": "Queue"},
            "b": {"Fn::GetAtt": "Queue.Arn"},
            "c": {"Fn::Sub": "${A}-b"},
            "d": {"Fn::Sub": ["x", {"A": 1}]},
            "e": {"Fn::Join": ["", ["a", {"Ref": "B"}]]},
        });
        assert_eq!(parse(text), Ok(expected));
    }

    #[test]
    fn scalars_are_what_they_look_like() {
        let text =
            "# a comment\nn: 1\nf: 1.5\nt: true\nz: ~\nq: '1'\nd: 2010-09-09\nx: &x [1, two]\ny: *x\nb: |\n  line\n";
        let expected = json!({
            "n": 1, "f": 1.5, "t": true, "z": null, "q": "1", "d": "2010-09-09", "x": [1, "two"], "y": [1, "two"], "b": "line\n",
        });
        assert_eq!(parse(text), Ok(expected));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for text in ["a: [1", "a: 1\na: 2", "? [a]\n: b", "a: *nowhere"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse(&"[".repeat(500)).is_err());
        let level = |level: usize| {
            let inner = if level == 0 { "x".to_owned() } else { format!("*a{}", level - 1) };
            format!("a{level}: &a{level} [{}]\n", vec![inner; 10].join(","))
        };
        assert!(parse(&(0..3).map(level).collect::<String>()).is_ok());
        assert!(parse(&(0..12).map(level).collect::<String>()).is_err());
    }
}

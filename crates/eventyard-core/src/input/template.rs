//! `InputTemplate`: literal text with placeholders, checked and compiled when the target is put.
//!
//! A template that begins with `{` is a JSON template; any other is a string template, one or more quoted strings. The
//! shape is checked on a probe: the template with `null` for each placeholder outside quotes and `x` for each inside. What
//! passes stays JSON whatever JSON values are filled in outside quotes and whatever harmless text inside: `null` is no
//! object key and stands beside nothing else, and `x` neither begins nor continues an escape.

use std::collections::BTreeMap;

use super::json_path::{Step, steps};
use super::path_set::PathSet;
use super::{InvalidInput, InvalidJsonPath, check_json};

/// A compiled `InputTemplate` together with those paths of its `InputPathsMap` that it uses.
#[derive(Debug, Clone)]
pub(super) struct Template {
    pub(super) kind: TemplateKind,
    pub(super) parts: Vec<Part>,
    pub(super) paths: PathSet,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TemplateKind {
    /// A JSON object; what is delivered must be JSON too.
    Json,
    /// Quoted text, delivered with its quotes.
    Text,
}

#[derive(Debug, Clone)]
pub(super) enum Part {
    Literal(Box<str>),
    Placeholder {
        source: Source,
        /// Whether it stands between quotes.
        quoted: bool,
    },
}

/// Where the value of a placeholder comes from.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// A slot of the template's paths.
    Path(usize),
    RuleArn,
    RuleName,
    IngestionTime,
    /// The event without its detail: the slots of the [`ENVELOPE`]'s members.
    Envelope([usize; ENVELOPE.len()]),
}

/// The members of `<aws.events.event>` in Amazon's order: the name there, and the name in the event.
pub(super) const ENVELOPE: [(&str, &str); 8] = [
    ("id", "id"),
    ("account", "account"),
    ("detailType", "detail-type"),
    ("time", "time"),
    ("source", "source"),
    ("region", "region"),
    ("resources", "resources"),
    ("version", "version"),
];

const WHOLE_EVENT: &str = "aws.events.event.json";

impl Template {
    pub(super) fn parse(target_id: &str, paths: &BTreeMap<String, String>, text: &str) -> Result<Self, InvalidInput> {
        let invalid_path = |InvalidJsonPath| InvalidInput::InputPath { target_id: target_id.to_owned() };
        for path in paths.values() {
            steps(path).map_err(invalid_path)?;
        }
        let json = text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('{');
        let kind = if json { TemplateKind::Json } else { TemplateKind::Text };
        let mut compiling = Compiling { target_id, paths, kind, set: PathSet::new(), parts: Vec::new() };
        let probe = compiling.compile(text)?;
        check_shape(kind, &probe)
            .map_err(|reason| InvalidInput::Template { target_id: target_id.to_owned(), reason })?;
        Ok(Self { kind, parts: compiling.parts, paths: compiling.set })
    }
}

struct Compiling<'a> {
    target_id: &'a str,
    paths: &'a BTreeMap<String, String>,
    kind: TemplateKind,
    set: PathSet,
    parts: Vec<Part>,
}

impl Compiling<'_> {
    /// Cuts the template into parts and gives the probe.
    fn compile(&mut self, text: &str) -> Result<String, InvalidInput> {
        let mut probe = String::with_capacity(text.len());
        let mut quoted = false;
        let mut rest = text;
        while let Some((literal, name, behind)) = split_at_placeholder(rest) {
            quoted = ends_quoted(literal, quoted);
            let source = self.source(name)?;
            self.parts.push(Part::Literal(literal.into()));
            self.parts.push(Part::Placeholder { source, quoted });
            probe.push_str(literal);
            probe.push_str(if quoted { "x" } else { "null" });
            rest = behind;
        }
        self.parts.push(Part::Literal(rest.into()));
        probe.push_str(rest);
        Ok(probe)
    }

    fn source(&mut self, name: &str) -> Result<Source, InvalidInput> {
        match name {
            "aws.events.rule-arn" => Ok(Source::RuleArn),
            "aws.events.rule-name" => Ok(Source::RuleName),
            "aws.events.event.ingestion-time" => Ok(Source::IngestionTime),
            "aws.events.event" => {
                Ok(Source::Envelope(ENVELOPE.map(|(_, member)| self.set.insert(&[Step::Member(member)]))))
            }
            WHOLE_EVENT if self.kind == TemplateKind::Json => Ok(Source::Path(self.set.insert(&[]))),
            WHOLE_EVENT => Err(InvalidInput::EventOutsideJson { target_id: self.target_id.to_owned() }),
            _ => match self.paths.get(name).map(|path| steps(path)) {
                Some(Ok(steps)) => Ok(Source::Path(self.set.insert(&steps))),
                _ => Err(InvalidInput::Placeholder { target_id: self.target_id.to_owned(), name: name.to_owned() }),
            },
        }
    }
}

/// The text before the first placeholder, the placeholder's name, and the text behind it.
fn split_at_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let open = from + text.get(from..)?.find('<')?;
        let inside = &text[open + 1..];
        let end = inside.find(['<', '>', '\n'])?;
        if inside[end..].starts_with('>') {
            return Some((&text[..open], &inside[..end], &inside[end + 1..]));
        }
        from = open + 1 + end;
    }
}

/// Whether the end of `literal` is between quotes, given whether its beginning is. Placeholders never end an escape, since
/// the probe refuses a backslash right before one.
fn ends_quoted(literal: &str, mut quoted: bool) -> bool {
    let mut bytes = literal.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => quoted = !quoted,
            b'\\' if quoted => {
                bytes.next();
            }
            _ => {}
        }
    }
    quoted
}

fn check_shape(kind: TemplateKind, probe: &str) -> Result<(), String> {
    match kind {
        TemplateKind::Json => check_json(probe).map_err(|error| error.fault.to_string()),
        TemplateKind::Text => check_strings(probe),
    }
}

/// Checks that `probe` is one or more JSON strings, with nothing but white space around them.
fn check_strings(probe: &str) -> Result<(), String> {
    let mut strings = serde_json::Deserializer::from_str(probe).into_iter::<String>().peekable();
    if strings.peek().is_none() {
        return Err("it is empty".to_owned());
    }
    match strings.find_map(Result::err) {
        Some(_) => Err("it is neither a JSON object nor text in double quotes".to_owned()),
        None => Ok(()),
    }
}

//! Filling a template with the values of an event.
//!
//! | value | JSON template, outside quotes | inside quotes | string template |
//! |---|---|---|---|
//! | string | as JSON | its text, not escaped | its text, not escaped |
//! | number, boolean | as JSON | as JSON | as JSON |
//! | object, list | as JSON | as JSON, quotes and all | as JSON, every `"` removed |
//! | `null` | `null` | nothing | nothing |
//! | nothing selected | `""` | nothing | nothing |

use super::path_set::{SelectError, Selected, list, text_of};
use super::template::{ENVELOPE, Part, Source, Template, TemplateKind};
use super::{RENDERED_INPUT_BYTES_MAX, RenderContext, RenderError, check_json};

/// Fills `template`; see [`render`](super::TargetInput::render).
pub(super) fn fill(template: &Template, event: &str, context: &RenderContext<'_>) -> Result<String, RenderError> {
    // Each listed value is at least one byte of the filled text, if only its comma; so more of them could not fit.
    let selected = template.paths.select(event, RENDERED_INPUT_BYTES_MAX).map_err(|error| match error {
        SelectError::EventNotJson(error) => RenderError::EventNotJson(error),
        SelectError::TooMany => RenderError::TooLong,
    })?;
    let mut filled = Filled { text: String::new(), kind: template.kind, unsafe_text: false };
    for part in &template.parts {
        match part {
            Part::Literal(literal) => filled.push(literal)?,
            Part::Placeholder { source, quoted } => filled.placeholder(source, *quoted, &selected, context)?,
        }
    }
    filled.finish()
}

struct Filled {
    text: String,
    kind: TemplateKind,
    /// Whether something went between quotes that may have broken the JSON.
    unsafe_text: bool,
}

impl Filled {
    fn push(&mut self, text: &str) -> Result<(), RenderError> {
        if text.len() > RENDERED_INPUT_BYTES_MAX.saturating_sub(self.text.len()) {
            return Err(RenderError::TooLong);
        }
        self.text.push_str(text);
        Ok(())
    }

    fn placeholder(
        &mut self,
        source: &Source,
        quoted: bool,
        selected: &[Selected<'_>],
        context: &RenderContext<'_>,
    ) -> Result<(), RenderError> {
        match source {
            Source::RuleArn => self.text(context.rule_arn, quoted),
            Source::RuleName => self.text(context.rule_name, quoted),
            Source::IngestionTime => self.text(context.ingestion_time, quoted),
            Source::Envelope(slots) => self.json(&envelope(slots, selected), quoted),
            Source::Path(slot) => match selected.get(*slot) {
                Some(Selected::One(json)) => self.json(json, quoted),
                Some(Selected::List(values)) => self.json(&list(values), quoted),
                Some(Selected::Missing) | None => self.text("", quoted),
            },
        }
    }

    /// Puts in a value that is text and not JSON.
    fn text(&mut self, text: &str, quoted: bool) -> Result<(), RenderError> {
        if quoted { self.inside_quotes(text) } else { self.push(&serde_json::Value::from(text).to_string()) }
    }

    /// Puts in a value that is given as JSON.
    fn json(&mut self, json: &str, quoted: bool) -> Result<(), RenderError> {
        if !quoted {
            return self.push(json);
        }
        match text_of(json) {
            Some(text) => self.inside_quotes(&text),
            None if json == "null" => Ok(()),
            None if self.kind == TemplateKind::Text => self.push(&json.replace('"', "")),
            None => self.inside_quotes(json),
        }
    }

    fn inside_quotes(&mut self, text: &str) -> Result<(), RenderError> {
        self.unsafe_text |= text.bytes().any(|byte| byte < b' ' || matches!(byte, b'"' | b'\\'));
        self.push(text)
    }

    /// What is delivered. A JSON template must have become JSON; checking is left out where nothing can have broken it.
    fn finish(self) -> Result<String, RenderError> {
        if self.kind == TemplateKind::Json && self.unsafe_text {
            check_json(&self.text).map_err(RenderError::NotJson)?;
        }
        Ok(self.text)
    }
}

/// `<aws.events.event>`: the event without its detail, with other names and another order than the event itself.
fn envelope(slots: &[usize], selected: &[Selected<'_>]) -> String {
    let member = |(&(name, _), &slot): (&(&str, &str), &usize)| match selected.get(slot) {
        Some(Selected::One(json)) => Some(format!("\"{name}\":{json}")),
        _ => None,
    };
    let members: Vec<String> = ENVELOPE.iter().zip(slots).filter_map(member).collect();
    format!("{{{}}}", members.join(","))
}

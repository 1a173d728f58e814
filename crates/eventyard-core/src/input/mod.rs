//! What a target is sent: `Input`, `InputPath` and `InputTransformer`.
//!
//! A [`TargetInput`] is parsed once, when the target is put, and rendered once per delivery. [`JsonPath`] is the path
//! dialect of both, usable alone. Events are walked as text, once, without building a tree, so members keep their order and
//! numbers their spelling; whatever can be lent from the event or the target is lent.
//!
//! # The order of checks
//! Amazon's order is not known. Here: the model's constraints (lengths, map size, key pattern), then that at most one of
//! the three is given, then `Input`, `InputPath`, the paths of the map in the order of their keys, the placeholders from
//! left to right, and last the shape of the template. The first fault found is the one reported.
//!
//! # What Amazon leaves open, and what is chosen here
//! * An `InputPath` that selects nothing is not delivered: [`RenderError::NothingSelected`].
//! * A path with `*` always selects a list, `[]` when nothing matches, also where a step before the `*` is missing.
//! * `null` is `null` outside quotes and nothing inside quotes, string templates included.
//! * A string goes into a string template as it is, with any quotes in it.
//! * `<aws.events.event>` in a string template is treated as any object: its quotes are removed. Its `time` is the
//!   event's own, in ISO 8601; Amazon's spelling there is unknown.
//! * A template that begins with `[`, or is a placeholder without quotes, is refused: neither an object nor quoted text.
//! * `<` begins a placeholder when a `>` follows on the same line with no `<` between; there is no escape. Any other `<`
//!   is plain text. What stands between must be a known name, so `<b>` is refused rather than delivered.
//! * A JSON template keeps its white space. Inside a string template's quotes the rules of JSON strings hold, so a line
//!   break must be written `\n`, or the text be split into several quoted strings.
//! * An empty `Input` or `InputPath` is refused as not being JSON, and not being a path.
//! * A name that an object repeats counts each time: a plain path selects its last occurrence that has the rest of the
//!   path, a `*` selects all of them.

mod constraints;
mod error;
mod fill;
mod json_path;
mod path_set;
mod template;

use std::borrow::Cow;
use std::collections::BTreeMap;

pub use error::{InvalidInput, RenderError};
pub use json_path::{InvalidJsonPath, JsonPath};

use crate::json::{JsonError, Reader};
use template::Template;

/// The longest `Input` and the longest `InputTemplate`, in characters (Amazon's).
pub const INPUT_LENGTH_MAX: usize = 8_192;

/// The longest `InputPath`, path of an `InputPathsMap`, and key of one, in characters (Amazon's).
pub const INPUT_PATH_LENGTH_MAX: usize = 256;

/// The most entries an `InputPathsMap` may have (Amazon's).
pub const INPUT_PATHS_MAX: usize = 100;

/// The longest text that a template may be filled to, in bytes (ours): twice the largest event.
///
/// Without a bound a template of many `<whole>` placeholders would turn an event of 1 MiB into a gigabyte.
pub const RENDERED_INPUT_BYTES_MAX: usize = 2 * 1024 * 1024;

/// What the predefined variables stand for, apart from the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RenderContext<'a> {
    /// `<aws.events.rule-arn>`; on a custom bus it ends in `rule/BUS/NAME`.
    pub rule_arn: &'a str,
    /// `<aws.events.rule-name>`
    pub rule_name: &'a str,
    /// `<aws.events.event.ingestion-time>`, in ISO 8601.
    pub ingestion_time: &'a str,
}

/// How a target's input is made from an event. Parsed when the target is put, rendered at each attempt.
#[derive(Debug, Clone)]
pub struct TargetInput(Shape);

#[derive(Debug, Clone)]
enum Shape {
    /// None of the three: the event itself.
    Event,
    /// `Input`
    Constant(Box<str>),
    /// `InputPath`
    Path(JsonPath),
    /// `InputTransformer`
    Template(Template),
}

impl TargetInput {
    /// Checks and compiles what `PutTargets` was given for one target. `transformer` is the `InputPathsMap` (empty when
    /// absent) and the `InputTemplate`.
    ///
    /// # Errors
    /// What Amazon refuses, in its words where they are known. [`InvalidInput::Constraint`] is the model's own check,
    /// which an API front end makes for all targets of a call at once; all other faults are a plain `ValidationException`.
    pub fn parse(
        target_id: &str,
        input: Option<&str>,
        input_path: Option<&str>,
        transformer: Option<(&BTreeMap<String, String>, &str)>,
    ) -> Result<Self, InvalidInput> {
        constraints::check(input, input_path, transformer)?;
        let target_id = || target_id.to_owned();
        let shape = match (input, input_path, transformer) {
            (None, None, None) => Shape::Event,
            (Some(text), None, None) => {
                check_json(text).map_err(|error| InvalidInput::InputNotJson { target_id: target_id(), error })?;
                Shape::Constant(text.into())
            }
            (None, Some(path), None) => JsonPath::parse(path)
                .map(Shape::Path)
                .map_err(|InvalidJsonPath| InvalidInput::InputPath { target_id: target_id() })?,
            (None, None, Some((paths, text))) => Shape::Template(Template::parse(&target_id(), paths, text)?),
            _ => return Err(InvalidInput::MoreThanOne { target_id: target_id() }),
        };
        Ok(Self(shape))
    }

    /// Whether the event itself is delivered, because nothing else was asked for. Some kinds of targets are sent nothing then.
    #[must_use]
    pub fn is_event(&self) -> bool {
        matches!(self.0, Shape::Event)
    }

    /// The exact text to deliver. `event` is the whole envelope as compact JSON in Amazon's order of members; what is
    /// selected is sent as it is spelt there.
    ///
    /// Lent from `event` or from this input unless something had to be put together.
    ///
    /// # Errors
    /// When nothing is to be delivered; the error is the reason for the dead letter. Trying again with the same event
    /// gives the same error.
    pub fn render<'a>(&'a self, event: &'a str, context: &RenderContext<'_>) -> Result<Cow<'a, str>, RenderError> {
        match &self.0 {
            Shape::Event => Ok(Cow::Borrowed(event)),
            Shape::Constant(text) => Ok(Cow::Borrowed(text)),
            Shape::Path(path) => path
                .try_select(event)
                .map_err(RenderError::EventNotJson)?
                .ok_or_else(|| RenderError::NothingSelected { path: path.text().to_owned() }),
            Shape::Template(template) => fill::fill(template, event, context).map(Cow::Owned),
        }
    }
}

/// Checks that `text` is one strict JSON value.
fn check_json(text: &str) -> Result<(), JsonError> {
    let mut reader = Reader::new(text);
    while reader.next()?.is_some() {}
    Ok(())
}

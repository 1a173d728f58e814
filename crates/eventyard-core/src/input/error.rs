//! Why a target's input is refused, and why a delivery has none.

use crate::json::JsonError;

/// What `PutTargets` refuses about a target's input. The display text is what the client is told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidInput {
    /// A constraint of the API model: a length, the size of the map, the pattern of its keys.
    ///
    /// Amazon counts and joins these over a whole request and names the target by its place in it; `at` is the path
    /// inside the target, so that a front end can put `targets.N.member.` before it.
    #[error("1 validation error detected: Value '{value}' at '{at}' failed to satisfy constraint: {rule}")]
    Constraint {
        /// The value as Amazon prints it.
        value: String,
        /// The member, such as `inputTransformer.inputPathsMap`.
        at: &'static str,
        /// The rule in Amazon's words, such as `Member must have length less than or equal to 8192`.
        rule: String,
    },
    /// Two or all of the three are given.
    #[error("Only one of Input, InputPath, or InputTransformer must be provided for target {target_id}.")]
    MoreThanOne {
        /// The target's `Id`.
        target_id: String,
    },
    /// `Input` is not JSON. Amazon's text may go on behind the target; the reason there is ours.
    #[error("JSON syntax error in input for target {target_id}: {error}")]
    InputNotJson {
        /// The target's `Id`.
        target_id: String,
        /// Where the text stops being JSON.
        error: JsonError,
    },
    /// `InputPath`, or a path of the `InputPathsMap`, is not a path.
    #[error("InputPath for target {target_id} is invalid.")]
    InputPath {
        /// The target's `Id`.
        target_id: String,
    },
    /// A placeholder is neither a key of the map nor predefined.
    #[error("InputTemplate for target {target_id} contains invalid placeholder {name}.")]
    Placeholder {
        /// The target's `Id`.
        target_id: String,
        /// What stands between `<` and `>`.
        name: String,
    },
    /// The whole event is asked for by a template that is not a JSON object.
    #[error(
        "InputTemplate for target {target_id} contains placeholder aws.events.event.json valid only for JSON template."
    )]
    EventOutsideJson {
        /// The target's `Id`.
        target_id: String,
    },
    /// The template is neither a JSON object nor quoted text. Only the beginning of Amazon's message is known.
    #[error("Invalid InputTemplate for target {target_id} : {reason}")]
    Template {
        /// The target's `Id`.
        target_id: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Why there is nothing to deliver for this event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The event is not JSON: a fault of the caller, since events are checked when they come in.
    #[error("the event is not JSON: {0}")]
    EventNotJson(JsonError),
    /// The `InputPath` selects nothing in this event.
    #[error("InputPath {path} selects nothing in the event")]
    NothingSelected {
        /// The path as it was given.
        path: String,
    },
    /// The filled JSON template is not JSON: a value put between quotes held a quote, a backslash or a line break.
    #[error("the filled InputTemplate is not JSON: {0}")]
    NotJson(JsonError),
    /// The filled template is longer than [`RENDERED_INPUT_BYTES_MAX`](super::RENDERED_INPUT_BYTES_MAX).
    #[error("the filled InputTemplate is longer than {} bytes", super::RENDERED_INPUT_BYTES_MAX)]
    TooLong,
}

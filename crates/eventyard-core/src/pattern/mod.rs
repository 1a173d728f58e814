//! Event patterns: the language that says which events a rule wants.
//!
//! [`EventPattern::parse`] reads a pattern and refuses it in Amazon's words. It is compiled to *branches* of *fields*:
//! a field is a path and its alternatives, a branch is fields that must all be satisfied, and `$or` makes more than one
//! branch. [`evaluate`] is the plain definition of matching one pattern against one event; [`index::RuleIndex`] finds
//! the patterns among many that an event matches.

mod address;
mod anything_but;
mod branch;
mod choice;
mod complexity;
mod error;
mod evaluate;
mod event;
mod event_argument;
mod explain;
mod expression;
mod fold;
pub mod index;
mod lexer;
mod limits;
mod matcher;
mod number;
mod numeric;
mod parse;
mod scopes;
mod wildcard;

pub use error::{INVALID_EVENT_PATTERN_PREFIX, InvalidEventPattern};
pub use evaluate::evaluate;
pub use event_argument::{InvalidEvent, check_event_argument};
pub use explain::{Explanation, FieldExplanation, explain};
pub use limits::PatternLimits;

use branch::Branch;

/// A valid event pattern.
#[derive(Debug, Clone)]
pub struct EventPattern {
    text: String,
    branches: Vec<Branch>,
}

impl EventPattern {
    /// Reads a pattern.
    ///
    /// The first fault in reading order is reported, whether of JSON or of meaning; the limits come last. Text behind
    /// the pattern's object is not looked at, as in Amazon's compiler. The length of the text is the caller's to bound.
    ///
    /// # Errors
    /// Why and where the pattern is refused. What the error displays is what Amazon writes behind
    /// [`INVALID_EVENT_PATTERN_PREFIX`].
    pub fn parse(text: &str, limits: &PatternLimits) -> Result<Self, InvalidEventPattern> {
        let branches = parse::parse(text, limits).map_err(|refusal| refusal.into_error(text))?;
        Ok(Self { text: text.to_owned(), branches })
    }

    /// The text that the pattern was read from, unchanged.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Any one of them makes a match. Never empty.
    fn branches(&self) -> &[Branch] {
        &self.branches
    }
}

//! What can be wrong with a JSON text, and where.

use std::fmt;

/// A text that is not strict JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{fault} at byte {offset}")]
pub struct JsonError {
    /// What is wrong.
    pub fault: JsonFault,
    /// Where it is wrong: a byte offset into the text, at most the length of the text.
    pub offset: usize,
}

/// The ways in which a text fails to be strict JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonFault {
    /// The text ends before its value does. A text that is empty or all white space has this fault too.
    UnexpectedEnd,
    /// A character that cannot stand here.
    UnexpectedCharacter,
    /// A character below U+0020 inside a string, where it must be escaped.
    ControlCharacter,
    /// A backslash that does not begin one of JSON's escapes.
    InvalidEscape,
    /// A number that JSON spells differently: a leading zero or plus, a missing digit.
    InvalidNumber,
    /// More than [`NESTING_DEPTH_MAX`](super::NESTING_DEPTH_MAX) objects and arrays open at once.
    TooDeep,
    /// Something other than white space behind the value.
    TrailingText,
}

impl fmt::Display for JsonFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::UnexpectedEnd => "unexpected end of the JSON text",
            Self::UnexpectedCharacter => "unexpected character",
            Self::ControlCharacter => "unescaped control character in a string",
            Self::InvalidEscape => "invalid escape in a string",
            Self::InvalidNumber => "invalid number",
            Self::TooDeep => "objects and arrays nested too deeply",
            Self::TrailingText => "text behind the JSON value",
        })
    }
}

impl JsonFault {
    /// The error that this fault is at `offset`.
    pub(super) const fn at(self, offset: usize) -> JsonError {
        JsonError { fault: self, offset }
    }
}

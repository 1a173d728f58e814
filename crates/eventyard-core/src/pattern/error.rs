//! Why an event pattern is refused, in Amazon's words.

use std::fmt;

/// What Amazon writes before the reason. [`InvalidEventPattern`] displays what comes behind it.
pub const INVALID_EVENT_PATTERN_PREFIX: &str = "Event pattern is not valid. Reason: ";

/// How many UTF-16 units of the pattern a location repeats.
const ECHO_UNITS_MAX: usize = 500;

/// An event pattern that is refused, with the reason and the place that Amazon's service would give.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}{location}")]
pub struct InvalidEventPattern {
    reason: String,
    location: String,
}

impl InvalidEventPattern {
    /// The reason alone, without the lines that tell the place.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// A refusal while the text is being read: the places are still byte offsets.
#[derive(Debug)]
pub(super) struct Refusal {
    reason: String,
    /// None, one or two: an error inside an `anything-but` list is wrapped again, and tells its place twice.
    offsets: Vec<usize>,
}

impl Refusal {
    pub(super) fn nowhere(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), offsets: Vec::new() }
    }

    pub(super) fn at(offset: usize, reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), offsets: vec![offset] }
    }

    /// The same refusal, raised once more when the reader is at `offset`.
    pub(super) fn again_at(mut self, offset: usize) -> Self {
        self.offsets.push(offset);
        self
    }

    pub(super) fn into_error(self, pattern: &str) -> InvalidEventPattern {
        let lines = self.offsets.iter().map(|&offset| format!("\n at {}", Location { pattern, offset }));
        InvalidEventPattern { reason: self.reason, location: lines.collect() }
    }
}

/// A place in a pattern, as the Jackson library writes it.
pub(super) struct Location<'a> {
    pub(super) pattern: &'a str,
    pub(super) offset: usize,
}

impl fmt::Display for Location<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = line_and_column(self.pattern, self.offset);
        write_location(out, self.pattern, line, column)
    }
}

/// The place before a pattern, as the Jackson library writes it.
pub(super) struct Before<'a> {
    pub(super) pattern: &'a str,
}

impl fmt::Display for Before<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_location(out, self.pattern, 1, 0)
    }
}

fn write_location(out: &mut fmt::Formatter<'_>, pattern: &str, line: usize, column: usize) -> fmt::Result {
    let (echo, left) = echo(pattern);
    write!(out, "[Source: (String)\"{echo}\"")?;
    if left > 0 {
        write!(out, "[truncated {left} chars]")?;
    }
    write!(out, "; line: {line}, column: {column}]")
}

/// The beginning of the pattern, and how many units of it are left over.
fn echo(pattern: &str) -> (&str, usize) {
    let mut units = 0;
    for (at, character) in pattern.char_indices() {
        units += character.len_utf16();
        if units > ECHO_UNITS_MAX {
            return (&pattern[..at], pattern[at..].encode_utf16().count());
        }
    }
    (pattern, 0)
}

/// Lines and columns count from 1; a column is a UTF-16 unit; a line ends at `\n`, `\r` or both.
fn line_and_column(pattern: &str, offset: usize) -> (usize, usize) {
    let before = pattern.get(..offset).unwrap_or(pattern);
    let line_feeds = before.matches('\n').count();
    let lone_returns = before.matches('\r').count() - before.matches("\r\n").count();
    let line_start = before.rfind(['\n', '\r']).map_or(0, |end| end + 1);
    (1 + line_feeds + lone_returns, 1 + before[line_start..].encode_utf16().count())
}

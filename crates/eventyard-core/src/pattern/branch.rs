//! What a pattern is compiled to: branches, any one of which makes a match.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use super::matcher::{Matcher, Scalar};

/// One way to match a pattern: every one of its fields must be satisfied. Only `$or` makes more than one.
///
/// Fields are in the ascending order of their paths, by UTF-16 units, which is the order they are tried in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Branch {
    fields: Vec<Field>,
}

/// A path with its alternatives. Branches share what they have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    /// The keys, joined by `.`.
    pub(super) path: Arc<str>,
    /// Any one of them is enough. Never empty.
    pub(super) alternatives: Arc<[Matcher]>,
    /// Where the list of alternatives stands in the text of the pattern.
    pub(super) source: Range<usize>,
}

impl Branch {
    /// Gives back memory that was kept for more fields.
    pub(super) fn shrink(&mut self) {
        self.fields.shrink_to_fit();
    }

    pub(super) fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Adds a field. A path that is there already is overwritten.
    pub(super) fn put(&mut self, field: Field) {
        match self.fields.binary_search_by(|there| compare_utf16(&there.path, &field.path)) {
            Ok(place) => self.fields[place] = field,
            Err(place) => self.fields.insert(place, field),
        }
    }
}

impl Field {
    /// Whether a value at the path is one that is wanted.
    pub(super) fn is_satisfied_by(&self, value: &Scalar<'_>) -> bool {
        self.alternatives.iter().any(|matcher| matcher.matches(value))
    }

    /// Whether the path may also be absent.
    pub(super) fn may_be_absent(&self) -> bool {
        self.alternatives.contains(&Matcher::Absent)
    }
}

/// The order of two strings by their UTF-16 units.
///
/// It differs from the order of their bytes only where a character from U+E000 to U+FFFF meets one beyond them.
fn compare_utf16(one: &str, other: &str) -> Ordering {
    one.encode_utf16().cmp(other.encode_utf16())
}

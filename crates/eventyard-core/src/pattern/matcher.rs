//! The alternatives of a field, and whether a value of an event satisfies one.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::address::AddressRange;
use super::fold::Folded;
use super::number::{Comparable, Number, NumericRange, respelled};
use super::wildcard::Wildcard;
pub(super) use crate::json::Literal;

/// A value that is neither an object nor an array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scalar<'e> {
    String(Cow<'e, str>),
    /// A number with its text in the event.
    Number(Number, &'e str),
    Literal(Literal),
}

/// One alternative of a field. Patterns hold very many of the small ones, so what is larger is boxed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Matcher {
    String(Box<str>),
    Number(Number),
    Literal(Literal),
    Prefix(Box<str>),
    Suffix(Box<str>),
    EqualsIgnoreCase(Folded),
    PrefixIgnoreCase(Folded),
    SuffixIgnoreCase(Folded),
    Wildcard(Wildcard),
    Numeric(Box<NumericRange>),
    Address(Box<AddressRange>),
    AnythingBut(Box<Excluded>),
    Exists,
    /// `exists: false`. No value satisfies it; the lack of one does.
    Absent,
}

/// What an `anything-but` leaves out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Excluded {
    Strings(BTreeSet<Box<str>>),
    Numbers(BTreeSet<Comparable>),
    Prefixes(BTreeSet<Box<str>>),
    Suffixes(BTreeSet<Box<str>>),
    IgnoreCase(BTreeSet<Folded>),
    /// In the order of the pattern, without repetition.
    Wildcards(Vec<Wildcard>),
}

impl Matcher {
    /// Whether the value satisfies this alternative.
    pub(super) fn matches(&self, value: &Scalar<'_>) -> bool {
        match (self, value) {
            (Self::Exists, _) => true,
            (Self::AnythingBut(excluded), _) => !excluded.holds(value),
            (Self::Literal(literal), Scalar::Literal(value)) => literal == value,
            (Self::Absent | Self::Literal(_), _) | (_, Scalar::Literal(_)) => false,
            (_, Scalar::String(text)) => self.matches_string(text),
            (_, Scalar::Number(number, text)) => self.matches_number(number, text),
        }
    }

    fn matches_string(&self, text: &str) -> bool {
        match self {
            Self::String(string) => **string == *text,
            Self::Prefix(prefix) => text.starts_with(&**prefix),
            Self::Suffix(suffix) => text.ends_with(&**suffix),
            Self::EqualsIgnoreCase(folded) => folded.equals(text),
            Self::PrefixIgnoreCase(folded) => folded.starts(text),
            Self::SuffixIgnoreCase(folded) => folded.ends(text),
            Self::Wildcard(wildcard) => wildcard.matches(text),
            Self::Address(range) => range.contains_address(text),
            _ => false,
        }
    }

    fn matches_number(&self, number: &Number, text: &str) -> bool {
        match self {
            Self::Number(wanted) => wanted == number,
            Self::Numeric(range) => number.comparable().is_some_and(|number| range.contains(number)),
            Self::Address(range) => range.contains_digits(respelled(text).as_bytes()),
            _ => false,
        }
    }
}

impl Excluded {
    fn holds(&self, value: &Scalar<'_>) -> bool {
        match (self, value) {
            (Self::Numbers(numbers), Scalar::Number(number, _)) => {
                number.comparable().is_some_and(|number| numbers.contains(&number))
            }
            (Self::Strings(strings), Scalar::String(text)) => strings.contains(&**text),
            (Self::Prefixes(prefixes), Scalar::String(text)) => {
                prefixes.iter().any(|prefix| text.starts_with(&**prefix))
            }
            (Self::Suffixes(suffixes), Scalar::String(text)) => suffixes.iter().any(|suffix| text.ends_with(&**suffix)),
            (Self::IgnoreCase(folded), Scalar::String(text)) => folded.iter().any(|folded| folded.equals(text)),
            (Self::Wildcards(wildcards), Scalar::String(text)) => {
                wildcards.iter().any(|wildcard| wildcard.matches(text))
            }
            _ => false,
        }
    }
}

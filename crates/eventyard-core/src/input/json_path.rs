//! The path dialect of `InputPath` and `InputPathsMap`: `$`, `.name`, `[number]`, and `*` in either place.

use std::borrow::Cow;

use super::path_set::{PathSet, SelectError, Selected, text_of};
use crate::json::JsonError;

/// A path into an event, such as `$.detail.items[0].id`.
///
/// A name is one or more letters, digits, `-`, `_` and `/`; letters and digits are those of Unicode. There are no quoted
/// names, slices, filters, negative numbers or `..`, and `$.` alone is refused: Amazon documents none of them.
#[derive(Debug, Clone)]
pub struct JsonPath {
    text: Box<str>,
    /// This path alone.
    set: PathSet,
}

/// The text is not a path of this dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a JSON path such as $.detail.items[0].id")]
pub struct InvalidJsonPath;

/// One step down from a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// The member of this name.
    Member(&'a str),
    /// The element at this place, from 0.
    Element(usize),
    /// Every member or element.
    Every,
}

/// The largest number that may stand in brackets; Amazon's own reader takes Java's `int`.
const ELEMENT_MAX: usize = 0x7fff_ffff;

impl JsonPath {
    /// Reads a path.
    ///
    /// # Errors
    /// [`InvalidJsonPath`] when the text is not of the dialect. The length is not checked here: Amazon's bound of
    /// [`INPUT_PATH_LENGTH_MAX`](super::INPUT_PATH_LENGTH_MAX) belongs to the members that hold paths.
    pub fn parse(text: &str) -> Result<Self, InvalidJsonPath> {
        let mut set = PathSet::new();
        set.insert(&steps(text)?);
        Ok(Self { text: text.into(), set })
    }

    /// The path as it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What the path selects in `event`, as JSON spelt as it is there; a path with `*` gives a list, maybe an empty one.
    ///
    /// `None` when the path leads nowhere, or `event` is not JSON.
    #[must_use]
    pub fn select<'e>(&self, event: &'e str) -> Option<Cow<'e, str>> {
        self.try_select(event).ok().flatten()
    }

    /// What the path selects, as plain text: a string without its quotes and escapes, anything else as JSON.
    ///
    /// `None` as for [`select`](Self::select).
    #[must_use]
    pub fn select_text<'e>(&self, event: &'e str) -> Option<Cow<'e, str>> {
        match self.select(event)? {
            Cow::Borrowed(json) => Some(text_of(json).unwrap_or(Cow::Borrowed(json))),
            list @ Cow::Owned(_) => Some(list),
        }
    }

    /// As [`select`](Self::select), but tells an event that is not JSON from a path that leads nowhere.
    pub(super) fn try_select<'e>(&self, event: &'e str) -> Result<Option<Cow<'e, str>>, JsonError> {
        match self.set.select(event, usize::MAX) {
            Ok(mut selected) => Ok(selected.pop().and_then(Selected::into_json)),
            Err(SelectError::EventNotJson(error)) => Err(error),
            Err(SelectError::TooMany) => Ok(None),
        }
    }
}

/// The steps of a path behind its `$`.
pub(super) fn steps(text: &str) -> Result<Vec<Step<'_>>, InvalidJsonPath> {
    let mut rest = text.strip_prefix('$').ok_or(InvalidJsonPath)?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let (step, behind) = step(rest)?;
        steps.push(step);
        rest = behind;
    }
    Ok(steps)
}

/// The step that `text` begins with, and what stands behind it.
fn step(text: &str) -> Result<(Step<'_>, &str), InvalidJsonPath> {
    if let Some(rest) = text.strip_prefix('.') {
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (name, behind) = rest.split_at(end);
        return match name {
            "*" => Ok((Step::Every, behind)),
            _ if is_name(name) => Ok((Step::Member(name), behind)),
            _ => Err(InvalidJsonPath),
        };
    }
    let (inside, behind) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')).ok_or(InvalidJsonPath)?;
    match inside {
        "*" => Ok((Step::Every, behind)),
        _ => element(inside).map(|index| (Step::Element(index), behind)),
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|char| char.is_alphanumeric() || matches!(char, '-' | '_' | '/'))
}

fn element(digits: &str) -> Result<usize, InvalidJsonPath> {
    // `parse` alone would let a plus sign through.
    let index = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten();
    index.filter(|&index| index <= ELEMENT_MAX).ok_or(InvalidJsonPath)
}

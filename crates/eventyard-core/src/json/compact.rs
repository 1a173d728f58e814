//! Checking a JSON text and taking out its white space.

use super::structure::without_space;
use super::visit::is_compact_object;
use super::{JsonError, Kind, Reader, Token, scan};

/// Checks that `text` is strict JSON and gives it without the white space outside of strings.
///
/// Nothing else changes: the spelling of numbers and strings, the order of members and duplicate keys all stay.
///
/// # Errors
/// The first place where the text is not strict JSON, or is nested too deeply.
pub fn compact(text: &str) -> Result<String, JsonError> {
    compact_with_kind(text).map(|(compact, _)| compact)
}

/// As [`compact`], and tells what the value is. The `Detail` of an event, for one, must be an object.
///
/// # Errors
/// As for [`compact`].
pub fn compact_with_kind(text: &str) -> Result<(String, Kind), JsonError> {
    if is_compact_object(text) {
        return Ok((text.to_owned(), Kind::Object));
    }
    match without_space(text).filter(|compact| is_compact_object(compact)) {
        Some(compact) => Ok((compact, Kind::Object)),
        None => read(text),
    }
}

/// The same token by token: for what is no object, or nested deeply, and for the place of a fault.
fn read(text: &str) -> Result<(String, Kind), JsonError> {
    let mut reader = Reader::new(text);
    let mut compact = String::with_capacity(text.len());
    let kind = reader.next()?.as_ref().and_then(Token::kind).unwrap_or(Kind::Null);
    // Text is copied in runs. `run` is where the current one begins; it grows until white space breaks it.
    let mut run = reader.span().start;
    let mut end = reader.span().end;
    while reader.next()?.is_some() {
        let start = reader.span().start;
        let gap = &text[end..start];
        if gap.bytes().any(scan::is_space) {
            compact.push_str(&text[run..end]);
            // Besides white space the gap between two tokens holds a comma, a colon or nothing.
            compact.extend(gap.chars().filter(|character| matches!(character, ',' | ':')));
            run = start;
        }
        end = reader.span().end;
    }
    compact.push_str(&text[run..end]);
    Ok((compact, kind))
}

//! The check that `TestEventPattern` makes of its event.

use std::collections::HashSet;

use crate::clock::Timestamp;
use crate::json::{Reader, Token};

/// The members an event must have. Amazon's documentation asks for `resources` too; its service does not.
const REQUIRED: [&str; 6] = ["id", "account", "source", "time", "region", "detail-type"];

/// An event that `TestEventPattern` refuses with a `ValidationException` of this message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEvent {
    /// No JSON object, or one of the six members is missing.
    #[error("Parameter Event is not valid.")]
    Shape,
    /// `time` is not a point in time as RFC 3339 writes it.
    #[error("Parameter Event is not valid. Reason: Invalid time.")]
    Time,
}

/// Checks the `Event` argument of `TestEventPattern`: a JSON object with `id`, `account`, `source`, `time`, `region`
/// and `detail-type`, of any types, but for `time` a string that is a time.
///
/// # Errors
/// What Amazon's service would answer.
pub fn check_event_argument(event: &str) -> Result<(), InvalidEvent> {
    let mut reader = Reader::new(event);
    if next(&mut reader)? != Some(Token::ObjectStart) {
        return Err(InvalidEvent::Shape);
    }
    let mut present = HashSet::new();
    let mut time_is_valid = false;
    while let Some(token) = next(&mut reader)? {
        let Token::Key(key) = token else { continue };
        let key = key.decode();
        let Some(required) = REQUIRED.iter().find(|required| **required == key) else {
            reader.skip_value().map_err(|_| InvalidEvent::Shape)?;
            continue;
        };
        present.insert(required);
        let value = reader.skip_value().map_err(|_| InvalidEvent::Shape)?.and_then(|span| event.get(span));
        if *required == "time" {
            time_is_valid = value.is_some_and(is_time);
        }
    }
    match (present.len() == REQUIRED.len(), time_is_valid) {
        (false, _) => Err(InvalidEvent::Shape),
        (true, false) => Err(InvalidEvent::Time),
        (true, true) => Ok(()),
    }
}

fn next<'e>(reader: &mut Reader<'e>) -> Result<Option<Token<'e>>, InvalidEvent> {
    reader.next().map_err(|_| InvalidEvent::Shape)
}

/// Whether the text of a JSON value is a string that is a time.
fn is_time(value: &str) -> bool {
    match Reader::new(value).next() {
        Ok(Some(Token::String(text))) => Timestamp::parse_rfc3339(&text.decode()).is_some(),
        _ => false,
    }
}

//! A text of a target's URL in which parts of the event may stand: `orders.{$.detail.region}`.

use super::percent::decode;
use crate::input::JsonPath;

/// A text with places for parts of the event.
#[derive(Debug)]
pub struct TextTemplate {
    pieces: Vec<Piece>,
}

#[derive(Debug)]
enum Piece {
    Text(String),
    /// With its braces, as it was written.
    Place {
        path: JsonPath,
        written: String,
    },
}

impl TextTemplate {
    /// Reads a part of a URL. A place is a JSON path in braces, which is read as it stands; what is around it is
    /// percent-decoded.
    ///
    /// # Errors
    /// What cannot be read, as the end of a sentence about the URL.
    pub(super) fn parse(part: &str) -> Result<Self, &'static str> {
        let mut pieces = Vec::new();
        let mut rest = part;
        while let Some((text, behind)) = rest.split_once('{') {
            let (path, behind) = behind.split_once('}').ok_or(NO_PLACE)?;
            if !text.is_empty() {
                pieces.push(Piece::Text(literal(text)?));
            }
            let read = JsonPath::parse(path).map_err(|_| NO_PLACE)?;
            pieces.push(Piece::Place { path: read, written: format!("{{{path}}}") });
            rest = behind;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(literal(rest)?));
        }
        Ok(Self { pieces })
    }

    /// Whether it is the same for every event.
    #[must_use]
    pub fn is_static(&self) -> bool {
        self.pieces.iter().all(|piece| matches!(piece, Piece::Text(_)))
    }

    /// The text with `value` in every place, to look at what stands around them.
    pub(super) fn with(&self, value: &str) -> String {
        self.pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text,
                Piece::Place { .. } => value,
            })
            .collect()
    }

    /// The text for one event. What a place selects is put in as it is: it is neither encoded nor read again.
    ///
    /// # Errors
    /// Which place selects nothing of the event, or something with a control character.
    pub fn resolve(&self, envelope: &str) -> Result<String, String> {
        let mut resolved = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => resolved.push_str(text),
                Piece::Place { path, written } => {
                    let value = path.select_text(envelope).ok_or(format!("{written} selects nothing of the event"))?;
                    // It could end a line of a protocol that is made of lines.
                    if value.chars().any(char::is_control) {
                        return Err(format!("{written} selects a text with a control character"));
                    }
                    resolved.push_str(&value);
                }
            }
        }
        Ok(resolved)
    }
}

const NO_PLACE: &str = "has a '{' that no JSON path and '}' follow, as in {$.detail.id}; write %7B for the character";

fn literal(text: &str) -> Result<String, &'static str> {
    if text.contains('}') {
        return Err("has a '}' without its '{'; write %7D for the character");
    }
    let text = decode(text)?;
    if text.chars().any(char::is_control) {
        return Err("holds a control character");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn places_take_what_they_select() {
        let event = r#"{"id":"7","detail":{"to":"a/b%2F{","n":5,"bad":"x\r\ny"},"a b":"c"}"#;
        let resolve = |part| TextTemplate::parse(part).unwrap().resolve(event);
        assert_eq!(resolve("orders.{$.detail.to}.%7B%C3%A4{$.detail.n}").unwrap(), "orders.a/b%2F{.{ä5");
        assert_eq!(resolve("{$.id}{$.id}").unwrap(), "77");
        assert_eq!(resolve("").unwrap(), "");
        assert_eq!(resolve("{$.nothing}").unwrap_err(), "{$.nothing} selects nothing of the event");
        assert_eq!(resolve("{$.detail.bad}").unwrap_err(), "{$.detail.bad} selects a text with a control character");
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for part in ["{", "{}", "{x}", "{$.a", "a}", "%", "%4", "%GG", "%FF", "%0A", "{$.a}}", "{{$.a}}"] {
            assert!(TextTemplate::parse(part).is_err(), "{part}");
        }
    }

    proptest! {
        #[test]
        fn any_text_can_be_written(text in "\\PC{0,40}") {
            let encoded = text.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
            let template = TextTemplate::parse(&encoded).unwrap();
            prop_assert!(template.is_static());
            prop_assert_eq!(template.resolve("{}").unwrap(), text);
        }
    }
}

//! The URL of a broker, taken apart: servers, path and parameters. What they mean is for each kind to say.

use super::super::http_url::split_authority;
use super::super::percent::decode;
use super::super::text_template::TextTemplate;

/// The begin of the name of a parameter that adds a header.
const HEADER: &str = "header.";

/// A URL `scheme://host[:port][,host[:port]]/path?parameters`. Path and parameters may hold places for parts of the event,
/// and what would end them otherwise does not do so inside of a place.
#[derive(Debug)]
pub(super) struct BrokerUrl<'a> {
    /// At least one host, with its port if there is one.
    pub(super) servers: Vec<(String, Option<u16>)>,
    /// What follows the first slash behind the servers.
    pub(super) path: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
}

impl<'a> BrokerUrl<'a> {
    /// Reads what follows `scheme://`.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence about the URL.
    pub(super) fn parse(rest: &'a str) -> Result<Self, &'static str> {
        check_characters(rest)?;
        let (before, query) = split_outside(rest, '?');
        let (authority, path) = split_outside(before, '/');
        let servers = authority
            .split(',')
            .map(|server| split_authority(server).map(|(host, port)| (host.to_ascii_lowercase(), port)))
            .collect::<Result<Vec<_>, _>>()?;
        let mut parameters = Vec::new();
        let mut query = query.unwrap_or_default();
        while !query.is_empty() {
            let (pair, behind) = split_outside(query, '&');
            let (name, value) = split_outside(pair, '=');
            if parameters.iter().any(|(given, _)| *given == name) {
                return Err("has a parameter twice");
            }
            parameters.push((name, value.unwrap_or_default()));
            query = behind.unwrap_or_default();
        }
        Ok(Self { servers, path: path.unwrap_or_default(), parameters })
    }

    /// Takes the parameter of a name.
    pub(super) fn take(&mut self, name: &str) -> Option<&'a str> {
        let at = self.parameters.iter().position(|(given, _)| *given == name)?;
        Some(self.parameters.remove(at).1)
    }

    /// Takes a parameter that is `true` or `false`.
    pub(super) fn take_flag(&mut self, name: &str, default: bool) -> Result<bool, &'static str> {
        match self.take(name) {
            None => Ok(default),
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            Some(_) => Err("has a parameter that is neither true nor false"),
        }
    }

    /// Takes the headers, `header.NAME=value`.
    pub(super) fn take_headers(&mut self) -> Result<Vec<(String, TextTemplate)>, &'static str> {
        let (headers, others) = self.parameters.iter().partition(|(name, _)| name.starts_with(HEADER));
        self.parameters = others;
        let headers: Vec<(&str, &str)> = headers;
        headers
            .into_iter()
            .map(|(name, value)| {
                let name = decode(name.strip_prefix(HEADER).unwrap_or_default())?;
                if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':') {
                    return Err("has a header whose name is empty or holds more than visible ASCII characters");
                }
                Ok((name, TextTemplate::parse(value)?))
            })
            .collect()
    }

    /// The name of a parameter that nobody took.
    pub(super) fn left_over(&self) -> Option<&'a str> {
        self.parameters.first().map(|(name, _)| *name)
    }
}

/// The text before the first separator that is not inside of a place, and what follows it.
pub(super) fn split_outside(text: &str, separator: char) -> (&str, Option<&str>) {
    let mut inside = false;
    for (at, character) in text.char_indices() {
        match character {
            '{' => inside = true,
            '}' => inside = false,
            other if other == separator && !inside => {
                return (&text[..at], Some(&text[at + separator.len_utf8()..]));
            }
            _ => {}
        }
    }
    (text, None)
}

fn check_characters(text: &str) -> Result<(), &'static str> {
    let mut inside = false;
    for character in text.chars() {
        match character {
            '{' => inside = true,
            '}' => inside = false,
            other if inside && !other.is_control() => {}
            other if !other.is_ascii_graphic() || "\"<>\\^`|#".contains(other) => {
                return Err("holds a character that a URL must percent-encode");
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_around_its_places() {
        let text = "One:1,[::1]:2,three/a/{$['b/?&=']}?x=1&header.k={$.m&n}&y";
        // The JSON path of the header is none, which is found when it is read.
        let mut url = BrokerUrl::parse(text).unwrap();
        let servers = [("one", Some(1)), ("[::1]", Some(2)), ("three", None)];
        assert_eq!(url.servers, servers.map(|(host, port)| (host.to_owned(), port)));
        assert_eq!(url.path, "a/{$['b/?&=']}");
        assert_eq!((url.take("x"), url.take("y"), url.take("z")), (Some("1"), Some(""), None));
        assert_eq!(url.left_over(), Some("header.k"));
        assert!(url.take_headers().is_err());
        assert_eq!(url.left_over(), None);
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for text in ["", "/x", "u:p@h/x", "h:0/x", "h:x/y", "h,/x", "h/a b", "h/ä", "h/x#y", "h/x?a=1&a=2"] {
            assert!(BrokerUrl::parse(text).is_err(), "{text}");
        }
        for text in ["h/x?header.=1", "h/x?header.a%0Ab=1", "h/x?header.a:b=1", "h/x?header.a={x}"] {
            assert!(BrokerUrl::parse(text).unwrap().take_headers().is_err(), "{text}");
        }
        assert!(BrokerUrl::parse("h/x?a=yes").unwrap().take_flag("a", false).is_err());
    }
}

//! The text of a JSON string, decoded only when somebody asks.

use std::borrow::Cow;

/// A string or a key as a [`Reader`](super::Reader) found it: well-formed, not yet decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text<'a> {
    raw: &'a str,
    escaped: bool,
}

impl<'a> Text<'a> {
    /// `raw` is what stands between the quotes; every backslash in it begins a valid escape.
    pub(crate) const fn new(raw: &'a str, escaped: bool) -> Self {
        Self { raw, escaped }
    }

    /// What stands between the quotes, escapes and all.
    #[must_use]
    pub const fn raw(&self) -> &'a str {
        self.raw
    }

    /// The text itself when it holds no escape, so that it can be used without decoding.
    #[must_use]
    pub const fn plain(&self) -> Option<&'a str> {
        if self.escaped { None } else { Some(self.raw) }
    }

    /// The string that is meant. Half of a surrogate pair without its other half becomes `?`, as in Amazon's matcher.
    #[must_use]
    pub fn decode(&self) -> Cow<'a, str> {
        match self.plain() {
            Some(plain) => Cow::Borrowed(plain),
            None => Cow::Owned(unescape(self.raw)),
        }
    }
}

fn unescape(raw: &str) -> String {
    let mut decoded = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, escape)) = rest.split_once('\\') {
        decoded.push_str(before);
        let (character, length) = escaped_character(escape);
        decoded.push(character);
        rest = escape.get(length..).unwrap_or_default();
    }
    decoded.push_str(rest);
    decoded
}

/// The character that the escape means whose backslash stood just before `escape`, and the escape's length in bytes.
fn escaped_character(escape: &str) -> (char, usize) {
    let simple = match escape.as_bytes().first() {
        Some(b'u') => return unicode_character(escape),
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(&byte) => char::from(byte),
        None => '\\',
    };
    (simple, 1)
}

fn unicode_character(escape: &str) -> (char, usize) {
    let Some(first) = code_unit(escape) else { return ('?', 1) };
    if let Some(character) = char::from_u32(first.into()) {
        return (character, 5);
    }
    let second = escape.get(5..).and_then(|next| next.strip_prefix('\\')).and_then(code_unit);
    match char::decode_utf16([first, second.unwrap_or_default()]).next() {
        Some(Ok(character)) => (character, 11),
        _ => ('?', 5),
    }
}

/// The UTF-16 unit spelt by `u` and four hexadecimal digits.
fn code_unit(escape: &str) -> Option<u16> {
    u16::from_str_radix(escape.strip_prefix('u')?.get(..4)?, 16).ok()
}

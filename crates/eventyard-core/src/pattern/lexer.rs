//! The tokens of an event pattern, read as the service's JSON library reads them.
//!
//! [`json::Reader`](crate::json::Reader) knows the same grammar, but here the messages are Amazon's, and so is the
//! order in which errors are found: a string is only looked into when it is needed or passed over, and the beginning
//! of a value has been read when its key is given. The places of errors depend on both.

use std::fmt;

use super::error::{Before, Location, Refusal};
use crate::json::{NESTING_DEPTH_MAX, Text};

const VALUES: &str = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";
const WRONG_ESCAPE: &str = "expected a hex-digit for character escape sequence";
const TOKEN_ECHO_MAX: usize = 256;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    ObjectStart,
    ObjectEnd,
    ArrayStart,
    ArrayEnd,
    Key,
    String,
    Number,
    True,
    False,
    Null,
}

/// An object or array that is open.
#[derive(Debug)]
struct Open {
    object: bool,
    /// Where its opening bracket is.
    at: usize,
    has_entries: bool,
}

impl Open {
    const fn name(&self) -> &'static str {
        if self.object { "Object" } else { "Array" }
    }
}

/// Reads a pattern token by token.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    /// How far the text has been read.
    at: usize,
    /// Where the last value begins.
    start: usize,
    open: Vec<Open>,
    /// The value whose key was given last: read already, not given yet.
    value_of_key: Option<Token>,
    /// Whether the last token is a string that has been read no further than its opening quote.
    string_is_unread: bool,
    key: String,
}

impl<'a> Lexer<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            start: 0,
            open: Vec::new(),
            value_of_key: None,
            string_is_unread: false,
            key: String::new(),
        }
    }

    /// The name that the last [`Token::Key`] stands for.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// How far the text has been read, in bytes.
    pub(super) const fn offset(&self) -> usize {
        self.at
    }

    /// A refusal at the place where the reading stands.
    pub(super) fn refuse(&self, reason: impl Into<String>) -> Refusal {
        Refusal::at(self.at, reason)
    }

    /// The last token as it is spelt; of a string, the part that has been read.
    pub(super) fn raw(&self) -> &'a str {
        self.text.get(self.start..self.at).unwrap_or_default()
    }

    /// Reads the last token, which is a string, to its end and gives what it means.
    pub(super) fn string(&mut self) -> Result<String, Refusal> {
        let escaped = self.read_string("string value", ": was expecting closing quote for a string value")?;
        self.string_is_unread = false;
        let raw = self.text.get(self.start + 1..self.at - 1).unwrap_or_default();
        Ok(Text::new(raw, escaped).decode().into_owned())
    }

    /// The next token, or `None` behind the text's one value or where the text holds none.
    pub(super) fn next(&mut self) -> Result<Option<Token>, Refusal> {
        if let Some(value) = self.value_of_key.take() {
            self.enter(value)?;
            return Ok(Some(value));
        }
        if self.string_is_unread {
            self.string()?;
        }
        let Some(character) = self.next_visible()? else {
            return match self.open.last() {
                None => Ok(None),
                Some(open) => Err(self.refuse(format!(
                    "Unexpected end-of-input: expected close marker for {} (start marker at {})",
                    open.name(),
                    Location { pattern: self.text, offset: open.at }
                ))),
            };
        };
        if matches!(character, ']' | '}') {
            return self.close(character).map(Some);
        }
        let character = self.pass_comma(character)?;
        if !self.open.last().is_some_and(|open| open.object) {
            let value = self.value(character)?;
            self.enter(value)?;
            return Ok(Some(value));
        }
        self.read_key(character)?;
        let character = self.visible_between_entries()?;
        if character != ':' {
            return Err(self.unexpected(character, "was expecting a colon to separate field name and value"));
        }
        self.at += 1;
        let character = self.visible_between_entries()?;
        self.value_of_key = Some(self.value(character)?);
        Ok(Some(Token::Key))
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    /// Moves to the next character that is not white space.
    fn next_visible(&mut self) -> Result<Option<char>, Refusal> {
        while let Some(character) = self.peek() {
            match character {
                ' ' | '\t' | '\n' | '\r' => self.at += 1,
                '\0'..' ' => {
                    let described = describe(character);
                    let only = "only regular white space (\\r, \\n, \\t) is allowed between tokens";
                    return Err(self.refuse(format!("Illegal character ({described}): {only}")));
                }
                '/' => {
                    let comment = "maybe a (non-standard) comment? (not recognized as one since Feature 'ALLOW_COMMENTS' not enabled for parser)";
                    return Err(self.unexpected(character, comment));
                }
                _ => return Ok(Some(character)),
            }
        }
        Ok(None)
    }

    fn visible_between_entries(&mut self) -> Result<char, Refusal> {
        self.next_visible()?.ok_or_else(|| {
            let name = self.open.last().map_or("root", Open::name);
            self.refuse(format!("Unexpected end-of-input within/between {name} entries"))
        })
    }

    /// Passes over the comma that must stand before every entry but the first.
    fn pass_comma(&mut self, character: char) -> Result<char, Refusal> {
        let Some(open) = self.open.last_mut() else { return Ok(character) };
        if !std::mem::replace(&mut open.has_entries, true) {
            return Ok(character);
        }
        if character != ',' {
            let expected = format!("was expecting comma to separate {} entries", open.name());
            return Err(self.unexpected(character, &expected));
        }
        self.at += 1;
        self.visible_between_entries()
    }

    fn close(&mut self, marker: char) -> Result<Token, Refusal> {
        self.start = self.at;
        self.at += 1;
        match self.open.pop() {
            Some(open) if open.object == (marker == '}') => {
                Ok(if open.object { Token::ObjectEnd } else { Token::ArrayEnd })
            }
            Some(open) => Err(self.refuse(format!(
                "Unexpected close marker '{marker}': expected '{}' (for {} starting at {})",
                if open.object { '}' } else { ']' },
                open.name(),
                Location { pattern: self.text, offset: open.at }
            ))),
            None => Err(self.refuse(format!(
                "Unexpected close marker '{marker}': expected '{}' (for root starting at {})",
                if marker == '}' { ']' } else { '}' },
                Before { pattern: self.text }
            ))),
        }
    }

    /// Notes that the token just given opens an object or an array, if it does.
    fn enter(&mut self, token: Token) -> Result<(), Refusal> {
        let object = match token {
            Token::ObjectStart => true,
            Token::ArrayStart => false,
            _ => return Ok(()),
        };
        self.open.push(Open { object, at: self.start, has_entries: false });
        let depth = self.open.len();
        if depth <= NESTING_DEPTH_MAX {
            return Ok(());
        }
        let limit = format!("{NESTING_DEPTH_MAX}, from `StreamReadConstraints.getMaxNestingDepth()`");
        Err(self.refuse(format!("Document nesting depth ({depth}) exceeds the maximum allowed ({limit})")))
    }

    fn read_key(&mut self, character: char) -> Result<(), Refusal> {
        if character != '"' {
            return Err(self.unexpected(character, "was expecting double-quote to start field name"));
        }
        let start = self.at + 1;
        self.at = start;
        let escaped = self.read_string("name", " in field name")?;
        let raw = self.text.get(start..self.at - 1).unwrap_or_default();
        self.key = Text::new(raw, escaped).decode().into_owned();
        Ok(())
    }

    /// Reads the value that begins with `character`: a string no further than its quote, a container no further than
    /// its bracket.
    fn value(&mut self, character: char) -> Result<Token, Refusal> {
        self.start = self.at;
        match character {
            '"' => {
                self.at += 1;
                self.string_is_unread = true;
                Ok(Token::String)
            }
            '{' | '[' => {
                self.at += 1;
                Ok(if character == '{' { Token::ObjectStart } else { Token::ArrayStart })
            }
            '-' | '+' if self.text.get(self.at + 1..).is_some_and(|rest| rest.starts_with("Infinity")) => {
                self.at += 1;
                self.not_a_literal(character, "Infinity")
            }
            '-' | '0'..='9' => self.number(),
            '+' => {
                let plus = "JSON spec does not allow numbers to have plus signs: enable `JsonReadFeature.ALLOW_LEADING_PLUS_SIGN_FOR_NUMBERS` to allow";
                Err(self.unexpected_in_number(character, plus))
            }
            't' => self.literal("true", Token::True),
            'f' => self.literal("false", Token::False),
            'n' => self.literal("null", Token::Null),
            'N' => self.not_a_literal("", "NaN"),
            'I' => self.not_a_literal("", "Infinity"),
            '}' => Err(self.unexpected(character, "expected a value")),
            _ if is_identifier(character) && !character.is_numeric() => Err(self.unrecognized_token()),
            _ => Err(self.unexpected(character, &format!("expected a valid value {VALUES}"))),
        }
    }

    fn literal(&mut self, literal: &str, token: Token) -> Result<Token, Refusal> {
        if self.identifier() == literal {
            self.at += literal.len();
            return Ok(token);
        }
        Err(self.unrecognized_token())
    }

    fn not_a_literal(&mut self, sign: impl fmt::Display, literal: &str) -> Result<Token, Refusal> {
        if self.identifier() != literal {
            return Err(self.unrecognized_token());
        }
        self.at += literal.len();
        let enable = "enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow";
        Err(self.refuse(format!("Non-standard token '{sign}{literal}': {enable}")))
    }

    /// The run of letters and digits where the reading stands.
    fn identifier(&self) -> &'a str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let end = rest.find(|character| !is_identifier(character)).unwrap_or(rest.len());
        &rest[..end]
    }

    fn unrecognized_token(&mut self) -> Refusal {
        let token = self.identifier();
        let echoed = token.char_indices().nth(TOKEN_ECHO_MAX).map_or(token, |(end, _)| &token[..end]);
        self.at += echoed.len();
        let more = if echoed.len() < token.len() { "..." } else { "" };
        self.refuse(format!("Unrecognized token '{echoed}{more}': was expecting {VALUES}"))
    }

    fn number(&mut self) -> Result<Token, Refusal> {
        if self.peek() == Some('-') {
            self.at += 1;
        }
        let integer = self.at;
        let no_digit = "expected digit (0-9) to follow minus sign, for valid numeric value";
        self.digits(no_digit, "Unexpected end-of-inputNo digit following minus sign")?;
        if self.at > integer + 1 && self.text[integer..].starts_with('0') {
            self.at = integer + 1;
            return Err(self.refuse("Invalid numeric value: Leading zeroes not allowed"));
        }
        if self.peek() == Some('.') {
            self.at += 1;
            let no_digit = "Decimal point not followed by a digit";
            self.digits(no_digit, &format!("Unexpected character ('.' (code 46)) in numeric value: {no_digit}"))?;
        }
        if matches!(self.peek(), Some('e' | 'E')) {
            self.at += 1;
            if matches!(self.peek(), Some('+' | '-')) {
                self.at += 1;
            }
            let no_digit = "Exponent indicator not followed by a digit";
            self.digits(no_digit, "Unexpected end-of-inputexpected a digit for number exponent")?;
        }
        Ok(Token::Number)
    }

    /// Passes over digits. Without any it says what is `missing`, or how the text `ended`.
    fn digits(&mut self, missing: &str, ended: &str) -> Result<(), Refusal> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        match self.peek() {
            _ if count > 0 => Ok(()),
            Some(character) => Err(self.unexpected_in_number(character, missing)),
            None => Err(self.refuse(ended)),
        }
    }

    /// Reads on to behind the closing quote. Tells whether an escape was met.
    fn read_string(&mut self, what: &str, where_it_ended: &str) -> Result<bool, Refusal> {
        let mut escaped = false;
        while let Some(character) = self.peek() {
            match character {
                '"' => {
                    self.at += 1;
                    return Ok(escaped);
                }
                '\\' => {
                    self.at += 1;
                    self.read_escape()?;
                    escaped = true;
                }
                '\0'..' ' => {
                    let described = describe(character);
                    self.at += 1;
                    let rule = "has to be escaped using backslash to be included in";
                    return Err(self.refuse(format!("Illegal unquoted character ({described}): {rule} {what}")));
                }
                _ => self.at += character.len_utf8(),
            }
        }
        Err(self.refuse(format!("Unexpected end-of-input{where_it_ended}")))
    }

    fn read_escape(&mut self) -> Result<(), Refusal> {
        let ended = "Unexpected end-of-input in character escape sequence";
        let escape = self.peek().ok_or_else(|| self.refuse(ended))?;
        match escape {
            '"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't' => self.at += 1,
            'u' => {
                self.at += 1;
                for _ in 0..4 {
                    let digit = self.peek().ok_or_else(|| self.refuse(ended))?;
                    if !digit.is_ascii_hexdigit() {
                        return Err(self.unexpected(digit, WRONG_ESCAPE));
                    }
                    self.at += 1;
                }
            }
            _ => return Err(self.refuse(format!("Unrecognized character escape {}", describe(escape)))),
        }
        Ok(())
    }

    fn unexpected(&self, character: char, expected: &str) -> Refusal {
        self.refuse(format!("Unexpected character ({}): {expected}", describe(character)))
    }

    fn unexpected_in_number(&self, character: char, expected: &str) -> Refusal {
        self.refuse(format!("Unexpected character ({}) in numeric value: {expected}", describe(character)))
    }
}

fn is_identifier(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '$')
}

/// A character as a message names it, by its first UTF-16 unit.
fn describe(character: char) -> String {
    let code = character.encode_utf16(&mut [0; 2])[0];
    if character.is_control() {
        format!("(CTRL-CHAR, code {code})")
    } else if character > '\u{ffff}' {
        // Half of it is what Jackson looks at, and Java writes that so.
        format!("'?' (code {code} / {code:#x})")
    } else if code > 255 {
        format!("'{character}' (code {code} / {code:#x})")
    } else {
        format!("'{character}' (code {code})")
    }
}

//! The pull reader: one token at a time, with its place in the text.

use std::ops::Range;

use super::nesting::Nesting;
use super::scan;
use super::{JsonError, JsonFault, Text};

/// One step through a JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token<'a> {
    /// `{`
    ObjectStart,
    /// `}`
    ObjectEnd,
    /// `[`
    ArrayStart,
    /// `]`
    ArrayEnd,
    /// The name of an object's member; its value is what comes next. Names may repeat: each is given.
    Key(Text<'a>),
    /// A string value.
    String(Text<'a>),
    /// A number as it is spelt, which is valid JSON but may be beyond any machine number.
    Number(&'a str),
    /// `true`
    True,
    /// `false`
    False,
    /// `null`
    Null,
}

/// What a whole JSON value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An object.
    Object,
    /// An array.
    Array,
    /// A string.
    String,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// `null`.
    Null,
}

impl Token<'_> {
    /// The kind of the value that this token begins. `None` for a key and for the end of an object or array.
    #[must_use]
    pub const fn kind(&self) -> Option<Kind> {
        Some(match self {
            Self::ObjectStart => Kind::Object,
            Self::ArrayStart => Kind::Array,
            Self::String(_) => Kind::String,
            Self::Number(_) => Kind::Number,
            Self::True | Self::False => Kind::Boolean,
            Self::Null => Kind::Null,
            Self::Key(_) | Self::ObjectEnd | Self::ArrayEnd => return None,
        })
    }
}

/// What the grammar allows next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    /// A value, with nothing before it.
    Value,
    /// A value, or the end of the array that was just opened.
    ValueOrEnd,
    /// A key, or the end of the object that was just opened.
    KeyOrEnd,
    /// A colon and then a value.
    Colon,
    /// Behind a value: a comma and what follows it, or the end of the container, or of the text.
    CommaOrEnd,
}

/// Checks that `text` is strict JSON.
///
/// # Errors
/// The first place where it is not, or is nested too deeply.
pub(crate) fn check(text: &str) -> Result<(), JsonError> {
    let mut reader = Reader::new(text);
    while reader.next()?.is_some() {}
    Ok(())
}

/// Reads a JSON text token by token, checking the strict grammar as it goes.
///
/// Memory is constant and time linear in the text. After an error the reader must not be used further.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    text: &'a str,
    /// Where the last token begins.
    start: usize,
    /// Where it ends: the next byte to read.
    at: usize,
    expect: Expect,
    nesting: Nesting,
}

impl<'a> Reader<'a> {
    /// A reader at the beginning of `text`.
    #[must_use]
    pub const fn new(text: &'a str) -> Self {
        Self { text, start: 0, at: 0, expect: Expect::Value, nesting: Nesting::new() }
    }

    /// Where the last token stands in the text, in bytes, quotes included.
    #[must_use]
    pub const fn span(&self) -> Range<usize> {
        self.start..self.at
    }

    /// How many objects and arrays are open.
    #[must_use]
    pub const fn depth(&self) -> usize {
        self.nesting.depth()
    }

    /// The next token, or `None` behind the text's one value.
    ///
    /// # Errors
    /// The first place where the text is not strict JSON, or is nested too deeply.
    #[expect(clippy::should_implement_trait, reason = "an iterator would have to say what comes after an error")]
    pub fn next(&mut self) -> Result<Option<Token<'a>>, JsonError> {
        let byte = self.peek_byte();
        match (self.expect, byte) {
            (Expect::CommaOrEnd, _) => self.behind_value(byte),
            (Expect::Colon, Some(b':')) => {
                self.at += 1;
                let byte = self.peek_byte();
                self.value(byte).map(Some)
            }
            (Expect::ValueOrEnd, Some(b']')) | (Expect::KeyOrEnd, Some(b'}')) => Ok(Some(self.close(byte))),
            (Expect::Value | Expect::ValueOrEnd, _) => self.value(byte).map(Some),
            (Expect::KeyOrEnd, _) => self.key(byte).map(Some),
            (Expect::Colon, _) => Err(self.unexpected(byte)),
        }
    }

    /// Passes over the next value, whatever is in it, and gives its place in the text.
    ///
    /// Where a key is next, the whole member is passed over and the place is that of its value. Where the object or
    /// array ends instead, its end is read and the answer is `None`; so it is behind the text's one value.
    ///
    /// # Errors
    /// As for [`next`](Self::next).
    pub fn skip_value(&mut self) -> Result<Option<Range<usize>>, JsonError> {
        let mut token = self.next()?;
        if matches!(token, Some(Token::Key(_))) {
            token = self.next()?;
        }
        match token {
            None | Some(Token::ObjectEnd | Token::ArrayEnd) => Ok(None),
            Some(Token::ObjectStart | Token::ArrayStart) => {
                let start = self.start;
                self.skip_rest()?;
                Ok(Some(start..self.at))
            }
            Some(_) => Ok(Some(self.span())),
        }
    }

    /// Passes over what is left of the innermost open object or array, its end included. Does nothing when none is open.
    ///
    /// # Errors
    /// As for [`next`](Self::next).
    pub fn skip_rest(&mut self) -> Result<(), JsonError> {
        let outside = self.nesting.depth().saturating_sub(1);
        while self.nesting.depth() > outside {
            self.next()?;
        }
        Ok(())
    }

    /// Moves to the next byte that is not white space and gives it.
    fn peek_byte(&mut self) -> Option<u8> {
        self.at = scan::space_end(self.text.as_bytes(), self.at);
        self.text.as_bytes().get(self.at).copied()
    }

    fn behind_value(&mut self, byte: Option<u8>) -> Result<Option<Token<'a>>, JsonError> {
        match (self.nesting.in_object(), byte) {
            (None, None) => {
                self.start = self.at;
                Ok(None)
            }
            (None, Some(_)) => Err(JsonFault::TrailingText.at(self.at)),
            (Some(true), Some(b'}')) | (Some(false), Some(b']')) => Ok(Some(self.close(byte))),
            (Some(in_object), Some(b',')) => {
                self.at += 1;
                let byte = self.peek_byte();
                if in_object { self.key(byte).map(Some) } else { self.value(byte).map(Some) }
            }
            (Some(_), _) => Err(self.unexpected(byte)),
        }
    }

    fn close(&mut self, byte: Option<u8>) -> Token<'a> {
        self.nesting.close();
        self.expect = Expect::CommaOrEnd;
        self.start = self.at;
        self.at += 1;
        if byte == Some(b'}') { Token::ObjectEnd } else { Token::ArrayEnd }
    }

    fn key(&mut self, byte: Option<u8>) -> Result<Token<'a>, JsonError> {
        if byte != Some(b'"') {
            return Err(self.unexpected(byte));
        }
        self.expect = Expect::Colon;
        self.string().map(Token::Key)
    }

    fn value(&mut self, byte: Option<u8>) -> Result<Token<'a>, JsonError> {
        self.expect = Expect::CommaOrEnd;
        match byte {
            Some(b'"') => self.string().map(Token::String),
            Some(b'{') => self.open(true),
            Some(b'[') => self.open(false),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal("true", Token::True),
            Some(b'f') => self.literal("false", Token::False),
            Some(b'n') => self.literal("null", Token::Null),
            _ => Err(self.unexpected(byte)),
        }
    }

    fn open(&mut self, object: bool) -> Result<Token<'a>, JsonError> {
        if !self.nesting.open(object) {
            return Err(JsonFault::TooDeep.at(self.at));
        }
        self.start = self.at;
        self.at += 1;
        self.expect = if object { Expect::KeyOrEnd } else { Expect::ValueOrEnd };
        Ok(if object { Token::ObjectStart } else { Token::ArrayStart })
    }

    fn string(&mut self) -> Result<Text<'a>, JsonError> {
        let (quote, escaped) = scan::string_end(self.text.as_bytes(), self.at + 1)?;
        self.start = self.at;
        self.at = quote + 1;
        Ok(Text::new(&self.text[self.start + 1..quote], escaped))
    }

    fn number(&mut self) -> Result<Token<'a>, JsonError> {
        let end = scan::number_end(self.text.as_bytes(), self.at)?;
        self.start = self.at;
        self.at = end;
        Ok(Token::Number(&self.text[self.start..end]))
    }

    fn literal(&mut self, spelling: &str, token: Token<'a>) -> Result<Token<'a>, JsonError> {
        let end = scan::literal_end(self.text.as_bytes(), self.at, spelling)?;
        self.start = self.at;
        self.at = end;
        Ok(token)
    }

    fn unexpected(&self, byte: Option<u8>) -> JsonError {
        let fault = if byte.is_some() { JsonFault::UnexpectedCharacter } else { JsonFault::UnexpectedEnd };
        fault.at(self.at)
    }
}

//! Visiting a whole text as fast as it can be checked.
//!
//! A text is first walked from mark to mark of its [`Structure`], which is several times faster than reading it token by
//! token. Where that gives up, because the text is not JSON or nested very deeply, the [`Reader`] has the last word.

use std::ops::Range;

use super::structure::Structure;
use super::{JsonError, Reader, Text, Token, scan};

/// Gets to know what is in a text, in its order.
pub(crate) trait Visit<'a> {
    /// Forgets everything: the text is visited from the beginning.
    fn restart(&mut self);
    /// A key. False when its value need not be visited.
    fn key(&mut self, key: Text<'a>) -> bool;
    /// A string value.
    fn string(&mut self, text: Text<'a>);
    /// A number as it is spelt.
    fn number(&mut self, text: &'a str);
    /// A value that JSON has a name for.
    fn literal(&mut self, literal: Literal);
    /// An object or an array begins.
    fn open(&mut self, is_array: bool);
    /// The innermost object or array ends.
    fn close(&mut self);
}

/// A value that JSON has a name for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Literal {
    True,
    False,
    Null,
}

/// What is kept from one text to the next, so that nothing is allocated for it.
#[derive(Debug, Default)]
pub(crate) struct VisitScratch {
    structure: Structure,
}

impl VisitScratch {
    /// Visits a text. Keys and values are visited only where that is wanted; what is checked is always the whole text.
    ///
    /// # Errors
    /// The first place where the text is not strict JSON, or is nested too deeply.
    pub(crate) fn visit<'a>(&mut self, text: &'a str, visitor: &mut impl Visit<'a>) -> Result<(), JsonError> {
        visitor.restart();
        if self.structure.scan(text.as_bytes()) && Walk::new(text, &self.structure).run(visitor).is_some() {
            return Ok(());
        }
        visitor.restart();
        read(text, visitor)
    }
}

/// Visits a text token by token.
fn read<'a>(text: &'a str, visitor: &mut impl Visit<'a>) -> Result<(), JsonError> {
    let mut reader = Reader::new(text);
    while let Some(token) = reader.next()? {
        match token {
            Token::Key(key) => {
                if !visitor.key(key) {
                    reader.skip_value()?;
                }
            }
            Token::ObjectStart => visitor.open(false),
            Token::ArrayStart => visitor.open(true),
            Token::ObjectEnd | Token::ArrayEnd => visitor.close(),
            Token::String(text) => visitor.string(text),
            Token::Number(text) => visitor.number(text),
            Token::True => visitor.literal(Literal::True),
            Token::False => visitor.literal(Literal::False),
            Token::Null => visitor.literal(Literal::Null),
        }
    }
    Ok(())
}

/// How deep a text may be nested for this walk: one bit of a word each.
const DEPTH_MAX: u32 = u64::BITS;

/// The way through a text from mark to mark.
struct Walk<'a, 's> {
    text: &'a str,
    structure: &'s Structure,
    /// The word of marks that is being walked through, what is left of it, and the number of its first byte.
    word: usize,
    marks: u64,
    /// Behind the last mark.
    at: usize,
    /// Which containers are open: a bit each, set for an object, the innermost lowest.
    objects: u64,
    depth: u32,
}

/// What may come next. An end, where one may, is told by `depth`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    Key,
    KeyOrEnd,
    Value,
    ValueOrEnd,
    CommaOrEnd,
}

impl<'a, 's> Walk<'a, 's> {
    fn new(text: &'a str, structure: &'s Structure) -> Self {
        let marks = structure.marks.first().copied().unwrap_or(0);
        Self { text, structure, word: 0, marks, at: 0, objects: 0, depth: 0 }
    }

    /// Visits the text's one value, which must be an object. `None` when this walk cannot tell.
    fn run(mut self, visitor: &mut impl Visit<'a>) -> Option<()> {
        let mark = self.next_mark()?;
        if self.byte(mark)? != b'{' || !self.trim(0..mark).is_empty() {
            return None;
        }
        self.at = mark + 1;
        visitor.open(false);
        self.enter(true)?;
        self.container::<false>(Expect::KeyOrEnd, visitor)?;
        self.trim(self.at..self.text.len()).is_empty().then_some(())
    }

    /// Goes on to behind the end of the innermost container.
    fn container<const SKIPPING: bool>(&mut self, mut expect: Expect, visitor: &mut impl Visit<'a>) -> Option<()> {
        let outside = self.depth - 1;
        let mut is_wanted = !SKIPPING;
        loop {
            let mark = self.next_mark()?;
            let byte = self.byte(mark)?;
            let scalar = self.trim(self.at..mark);
            self.at = mark + 1;
            if !scalar.is_empty() {
                match expect {
                    Expect::Key | Expect::KeyOrEnd if byte == b':' => {
                        self.check_string(&scalar)?;
                        is_wanted = !SKIPPING && visitor.key(self.string(scalar)?);
                        expect = Expect::Value;
                        continue;
                    }
                    Expect::Value | Expect::ValueOrEnd => {
                        self.scalar(scalar, is_wanted.then_some(&mut *visitor))?;
                        expect = Expect::CommaOrEnd;
                    }
                    _ => return None,
                }
            }
            let is_in_object = self.objects & 1 == 1;
            match (byte, expect) {
                (b',', Expect::CommaOrEnd) => expect = if is_in_object { Expect::Key } else { Expect::Value },
                (b'{' | b'[', Expect::Value | Expect::ValueOrEnd) => {
                    let is_array = byte == b'[';
                    self.enter(!is_array)?;
                    expect = if is_array { Expect::ValueOrEnd } else { Expect::KeyOrEnd };
                    if is_wanted {
                        visitor.open(is_array);
                    } else if !SKIPPING {
                        self.container::<true>(expect, visitor)?;
                        expect = Expect::CommaOrEnd;
                    }
                }
                (b'}', Expect::CommaOrEnd | Expect::KeyOrEnd) if is_in_object => {
                    if self.leave::<SKIPPING>(visitor) == outside {
                        return Some(());
                    }
                    (expect, is_wanted) = (Expect::CommaOrEnd, !SKIPPING);
                }
                (b']', Expect::CommaOrEnd | Expect::ValueOrEnd) if !is_in_object => {
                    if self.leave::<SKIPPING>(visitor) == outside {
                        return Some(());
                    }
                    (expect, is_wanted) = (Expect::CommaOrEnd, !SKIPPING);
                }
                _ => return None,
            }
        }
    }

    fn enter(&mut self, is_object: bool) -> Option<()> {
        self.objects = self.objects << 1 | u64::from(is_object);
        self.depth += 1;
        (self.depth <= DEPTH_MAX).then_some(())
    }

    fn leave<const SKIPPING: bool>(&mut self, visitor: &mut impl Visit<'a>) -> u32 {
        if !SKIPPING {
            visitor.close();
        }
        self.objects >>= 1;
        self.depth -= 1;
        self.depth
    }

    /// The place of the next mark.
    fn next_mark(&mut self) -> Option<usize> {
        while self.marks == 0 {
            self.word += 1;
            self.marks = *self.structure.marks.get(self.word)?;
        }
        let place = self.word * 64 + self.marks.trailing_zeros() as usize;
        self.marks &= self.marks - 1;
        Some(place)
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    /// A range without the white space at its ends.
    #[inline]
    fn trim(&self, range: Range<usize>) -> Range<usize> {
        let bytes = self.text.as_bytes().get(range.clone()).unwrap_or_default();
        match (bytes.first(), bytes.last()) {
            (Some(b'!'..), Some(b'!'..)) | (None, None) => range,
            _ => trim(bytes, range.start),
        }
    }

    /// Checks the scalar at a place between two marks, and visits it if that is wanted.
    #[inline]
    fn scalar(&self, place: Range<usize>, visitor: Option<&mut impl Visit<'a>>) -> Option<()> {
        let bytes = self.text.as_bytes().get(place.clone())?;
        let literal = match bytes {
            [b'"', ..] => {
                self.check_string(&place)?;
                if let Some(visitor) = visitor {
                    visitor.string(self.string(place)?);
                }
                return Some(());
            }
            [b'-' | b'0'..=b'9', ..] => {
                if scan::number_end(bytes, 0) != Ok(bytes.len()) {
                    return None;
                }
                if let Some(visitor) = visitor {
                    visitor.number(self.text.get(place)?);
                }
                return Some(());
            }
            b"true" => Literal::True,
            b"false" => Literal::False,
            b"null" => Literal::Null,
            _ => return None,
        };
        if let Some(visitor) = visitor {
            visitor.literal(literal);
        }
        Some(())
    }

    /// Checks that between two marks there is one string and nothing else.
    #[inline]
    fn check_string(&self, place: &Range<usize>) -> Option<()> {
        let [b'"', .., b'"'] = self.text.as_bytes().get(place.clone())? else { return None };
        if self.structure.has_space_behind_strings {
            // What begins and ends with a quote may then be two strings.
            let (quote, _) = scan::string_end(self.text.as_bytes(), place.start + 1).ok()?;
            return (quote + 1 == place.end).then_some(());
        }
        Some(())
    }

    /// The string at a place that has been checked.
    #[inline]
    fn string(&self, place: Range<usize>) -> Option<Text<'a>> {
        let raw = self.text.get(place.start + 1..place.end - 1)?;
        Some(Text::new(raw, self.structure.has_escapes && raw.contains('\\')))
    }
}

/// The place of `bytes`, which begin at `start`, without the white space at their ends.
#[cold]
fn trim(bytes: &[u8], start: usize) -> Range<usize> {
    let is_text = |byte: &u8| !scan::is_space(*byte);
    match (bytes.iter().position(is_text), bytes.iter().rposition(is_text)) {
        (Some(first), Some(last)) => start + first..start + last + 1,
        _ => start..start,
    }
}

#[cfg(test)]
mod tests;

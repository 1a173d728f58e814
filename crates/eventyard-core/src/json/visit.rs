//! Visiting a whole text as fast as it can be checked.
//!
//! A text is first walked from mark to mark of its [`Structure`], which is several times faster than reading it token by
//! token. Where that gives up, because the text is not JSON or nested very deeply, the [`Reader`] has the last word.

use std::ops::Range;

use super::structure::{BLOCK_BYTES, Structure};
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

/// Whether a text is surely a JSON object without white space outside of strings. Where the answer is no it may be one all
/// the same.
pub(super) fn is_compact_object(text: &str) -> bool {
    let mut structure = Structure::default();
    structure.scan(text.as_bytes()) && !structure.has_space && Walk::new(text, &structure).run(&mut Nobody).is_some()
}

/// Wants to know nothing.
struct Nobody;

impl<'a> Visit<'a> for Nobody {
    fn restart(&mut self) {}

    fn key(&mut self, _: Text<'a>) -> bool {
        false
    }

    fn string(&mut self, _: Text<'a>) {}

    fn number(&mut self, _: &'a str) {}

    fn literal(&mut self, _: Literal) {}

    fn open(&mut self, _: bool) {}

    fn close(&mut self) {}
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

/// How deep a text may be nested for this walk, which calls itself.
const DEPTH_MAX: usize = 64;

/// The way through a text from mark to mark.
struct Walk<'a, 's> {
    text: &'a str,
    structure: &'s Structure,
    /// The words of marks that are still to come, what is left of the one before them, and the place it begins at.
    words: std::slice::Iter<'s, u64>,
    word: u64,
    begin: usize,
    /// Behind the last mark.
    at: usize,
}

impl<'a, 's> Walk<'a, 's> {
    fn new(text: &'a str, structure: &'s Structure) -> Self {
        let mut words = structure.marks.iter();
        let word = words.next().copied().unwrap_or(0);
        Self { text, structure, words, word, begin: 0, at: 0 }
    }

    /// Visits the text's one value, which must be an object. `None` when this walk cannot tell.
    fn run(mut self, visitor: &mut impl Visit<'a>) -> Option<()> {
        let (b'{', place) = self.next()? else { return None };
        if !place.is_empty() {
            return None;
        }
        visitor.open(false);
        self.object::<true, _>(visitor, 1)?;
        self.trim(self.at..self.text.len()).is_empty().then_some(())
    }

    /// Goes on to behind the end of the object that has been entered. `VISITED` tells whether it is visited.
    fn object<const VISITED: bool, V: Visit<'a>>(&mut self, visitor: &mut V, depth: usize) -> Option<()> {
        let (mut mark, mut key) = self.next()?;
        if mark == b'}' && key.is_empty() {
            if VISITED {
                visitor.close();
            }
            return Some(());
        }
        loop {
            self.check_string(&key)?;
            if mark != b':' {
                return None;
            }
            let is_wanted = VISITED && visitor.key(self.string(key)?);
            let (next, place) = self.next()?;
            let behind = if is_wanted {
                self.value::<true, V>(next, place, visitor, depth)?
            } else {
                self.value::<false, V>(next, place, visitor, depth)?
            };
            match behind {
                b',' => (mark, key) = self.next()?,
                b'}' => break,
                _ => return None,
            }
        }
        if VISITED {
            visitor.close();
        }
        Some(())
    }

    /// The same for an array.
    fn array<const VISITED: bool, V: Visit<'a>>(&mut self, visitor: &mut V, depth: usize) -> Option<()> {
        let (mut mark, mut place) = self.next()?;
        if mark != b']' || !place.is_empty() {
            loop {
                match self.value::<VISITED, V>(mark, place, visitor, depth)? {
                    b',' => (mark, place) = self.next()?,
                    b']' => break,
                    _ => return None,
                }
            }
        }
        if VISITED {
            visitor.close();
        }
        Some(())
    }

    /// Goes on to behind a value, which is at `place` or begins with `mark`, and behind the mark that follows it. Gives
    /// that mark.
    #[inline]
    fn value<const VISITED: bool, V: Visit<'a>>(
        &mut self,
        mark: u8,
        place: Range<usize>,
        visitor: &mut V,
        depth: usize,
    ) -> Option<u8> {
        if !place.is_empty() {
            self.scalar::<VISITED, V>(place, visitor)?;
            return Some(mark);
        }
        let is_array = mark == b'[';
        if depth == DEPTH_MAX || !(is_array || mark == b'{') {
            return None;
        }
        if VISITED {
            visitor.open(is_array);
        }
        if is_array {
            self.array::<VISITED, V>(visitor, depth + 1)?;
        } else {
            self.object::<VISITED, V>(visitor, depth + 1)?;
        }
        let (mark, place) = self.next()?;
        place.is_empty().then_some(mark)
    }

    /// Goes on to behind the next mark. Gives it, and the place of what is before it, without white space.
    #[inline]
    fn next(&mut self) -> Option<(u8, Range<usize>)> {
        while self.word == 0 {
            self.word = *self.words.next()?;
            self.begin += BLOCK_BYTES;
        }
        let mark = self.begin + self.word.trailing_zeros() as usize;
        self.word &= self.word - 1;
        let place = self.trim(self.at..mark);
        self.at = mark + 1;
        Some((*self.text.as_bytes().get(mark)?, place))
    }

    /// A range without the white space at its ends.
    #[inline]
    fn trim(&self, range: Range<usize>) -> Range<usize> {
        if self.structure.has_space {
            let bytes = self.text.as_bytes().get(range.clone()).unwrap_or_default();
            trim(bytes, range.start)
        } else {
            range
        }
    }

    /// Checks the scalar at a place between two marks, and visits it if `VISITED`.
    #[inline]
    fn scalar<const VISITED: bool, V: Visit<'a>>(&self, place: Range<usize>, visitor: &mut V) -> Option<()> {
        let bytes = self.text.as_bytes().get(place.clone())?;
        let literal = match bytes {
            [b'"', ..] => {
                self.check_string(&place)?;
                if VISITED {
                    visitor.string(self.string(place)?);
                }
                return Some(());
            }
            [b'-' | b'0'..=b'9', ..] => {
                if scan::number_end(bytes, 0) != Ok(bytes.len()) {
                    return None;
                }
                if VISITED {
                    visitor.number(self.text.get(place)?);
                }
                return Some(());
            }
            b"true" => Literal::True,
            b"false" => Literal::False,
            b"null" => Literal::Null,
            _ => return None,
        };
        if VISITED {
            visitor.literal(literal);
        }
        Some(())
    }

    /// Checks that between two marks there is one string and nothing else.
    #[inline]
    fn check_string(&self, place: &Range<usize>) -> Option<()> {
        // A string is closed, and ends before a mark or white space.
        let Some(b'"') = self.text.as_bytes().get(place.start) else { return None };
        if self.structure.has_space_behind_strings {
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
fn trim(bytes: &[u8], start: usize) -> Range<usize> {
    let is_text = |byte: &u8| !scan::is_space(*byte);
    match (bytes.iter().position(is_text), bytes.iter().rposition(is_text)) {
        (Some(first), Some(last)) => start + first..start + last + 1,
        _ => start..start,
    }
}

#[cfg(test)]
mod tests;

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
    fn key(&mut self, key: Key<'a>) -> bool;
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

/// A key as bytes: most keys are only compared, and cutting a `str` out of the text would look for a character's beginning
/// at both ends each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key<'a> {
    raw: &'a [u8],
    escaped: bool,
}

impl<'a> Key<'a> {
    /// The key itself when it holds no escape, so that it can be used without decoding.
    pub(crate) const fn plain(self) -> Option<&'a [u8]> {
        if self.escaped { None } else { Some(self.raw) }
    }

    /// The key that is meant; see [`Text::decode`].
    pub(crate) fn decode(self) -> String {
        let raw = String::from_utf8_lossy(self.raw);
        Text::new(&raw, self.escaped).decode().into_owned()
    }
}

impl<'a> From<Text<'a>> for Key<'a> {
    fn from(text: Text<'a>) -> Self {
        Self { raw: text.raw().as_bytes(), escaped: text.plain().is_none() }
    }
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
        if self.structure.scan(text.as_bytes()) && walk(text, &self.structure, visitor).is_some() {
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
    structure.scan(text.as_bytes()) && !structure.has_space && walk(text, &structure, &mut Nobody).is_some()
}

/// Wants to know nothing.
struct Nobody;

impl<'a> Visit<'a> for Nobody {
    fn restart(&mut self) {}

    fn key(&mut self, _: Key<'a>) -> bool {
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
                if !visitor.key(key.into()) {
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

/// The objects and arrays that are open: a bit for each, the innermost one lowest, set for arrays.
#[derive(Default)]
struct Open {
    arrays: u64,
    count: u32,
}

impl Open {
    /// Adds what begins with a mark. `None` when nothing begins with it, or too much is open.
    #[inline]
    fn push(&mut self, mark: u8) -> Option<bool> {
        let is_array = mark == b'[';
        if self.count == u64::BITS || !(is_array || mark == b'{') {
            return None;
        }
        self.arrays = self.arrays << 1 | u64::from(is_array);
        self.count += 1;
        Some(is_array)
    }

    #[inline]
    const fn is_in_array(&self) -> bool {
        self.arrays & 1 == 1
    }

    /// Removes the innermost one. `None` when it does not end with that mark.
    #[inline]
    fn pop(&mut self, mark: u8) -> Option<()> {
        if mark != if self.is_in_array() { b']' } else { b'}' } {
            return None;
        }
        self.arrays >>= 1;
        self.count -= 1;
        Some(())
    }
}

/// A member or an element.
enum Item {
    /// It is over, and before this mark.
    Before(u8),
    /// Its value is an object or an array to be entered, which begins with this mark.
    Opened(u8),
}

/// Visits a text along its marks. `None` when it cannot be told whether it is JSON.
fn walk<'a>(text: &'a str, structure: &Structure, visitor: &mut impl Visit<'a>) -> Option<()> {
    if structure.has_space {
        Walk::<true>::new(text, structure).run(visitor)
    } else {
        Walk::<false>::new(text, structure).run(visitor)
    }
}

/// The way through a text from mark to mark. `SPACED` tells whether there is white space outside of strings.
#[derive(Clone)]
struct Walk<'a, 's, const SPACED: bool> {
    text: &'a str,
    structure: &'s Structure,
    /// The words of marks that are still to come, what is left of the one before them, and the place it begins at.
    words: std::slice::Iter<'s, u64>,
    word: u64,
    begin: usize,
    /// Behind the last mark.
    at: usize,
}

impl<'a, 's, const SPACED: bool> Walk<'a, 's, SPACED> {
    fn new(text: &'a str, structure: &'s Structure) -> Self {
        let mut words = structure.marks.iter();
        let word = words.next().copied().unwrap_or(0);
        Self { text, structure, words, word, begin: 0, at: 0 }
    }

    /// Visits the text's one value, which must be an object. `None` when this walk cannot tell.
    fn run(mut self, visitor: &mut impl Visit<'a>) -> Option<()> {
        let mark = self.mark().filter(|mark| *mark == b'{')?;
        self = self.container::<true, _>(mark, visitor)?;
        self.trim(self.at..self.text.len()).is_empty().then_some(())
    }

    /// Goes on to behind the end of the object or array that begins with the mark just passed. `VISITED` tells whether
    /// it is visited.
    fn container<const VISITED: bool, V: Visit<'a>>(mut self, mark: u8, visitor: &mut V) -> Option<Self> {
        let mut open = Open::default();
        let mut opening = mark;
        loop {
            let is_array = open.push(opening)?;
            if VISITED {
                visitor.open(is_array);
            }
            let (mut mark, mut place) = self.next()?;
            let mut is_at_end = place.is_empty() && matches!(mark, b'}' | b']');
            opening = loop {
                if !is_at_end {
                    mark = match self.item::<VISITED, V>(mark, place, open.is_in_array(), visitor)? {
                        Item::Before(mark) => mark,
                        Item::Opened(opening) => break opening,
                    };
                }
                while mark != b',' {
                    open.pop(mark)?;
                    if VISITED {
                        visitor.close();
                    }
                    if open.count == 0 {
                        return Some(self);
                    }
                    mark = self.mark()?;
                }
                (mark, place) = self.next()?;
                is_at_end = false;
            };
        }
    }

    /// Goes on to behind a member or an element, at `place` before `mark`, or into its value.
    #[inline]
    fn item<const VISITED: bool, V: Visit<'a>>(
        &mut self,
        mut mark: u8,
        mut place: Range<usize>,
        is_in_array: bool,
        visitor: &mut V,
    ) -> Option<Item> {
        if !is_in_array {
            self.check_string(&place)?;
            if mark != b':' {
                return None;
            }
            let is_unwanted = VISITED && !visitor.key(self.key(&place)?);
            (mark, place) = self.next()?;
            if is_unwanted {
                if place.is_empty() {
                    *self = self.clone().container::<false, V>(mark, visitor)?;
                    mark = self.mark()?;
                } else {
                    self.scalar::<false, V>(place, visitor)?;
                }
                return Some(Item::Before(mark));
            }
        }
        if place.is_empty() {
            return Some(Item::Opened(mark));
        }
        self.scalar::<VISITED, V>(place, visitor)?;
        Some(Item::Before(mark))
    }

    /// Goes on to behind the next mark, and gives it. `None` when anything else stands before it.
    #[inline]
    fn mark(&mut self) -> Option<u8> {
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
        if SPACED {
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
                    visitor.string(self.string(&place)?);
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
        if SPACED && self.structure.has_space_behind_strings {
            let (quote, _) = scan::string_end(self.text.as_bytes(), place.start + 1).ok()?;
            return (quote + 1 == place.end).then_some(());
        }
        Some(())
    }

    /// The key at a place that has been checked.
    #[inline]
    fn key(&self, place: &Range<usize>) -> Option<Key<'a>> {
        let raw = self.text.as_bytes().get(place.start + 1..place.end - 1)?;
        Some(Key { raw, escaped: self.is_escaped(place, raw) })
    }

    /// The string at a place that has been checked.
    #[inline]
    fn string(&self, place: &Range<usize>) -> Option<Text<'a>> {
        let raw = self.text.get(place.start + 1..place.end - 1)?;
        Some(Text::new(raw, self.is_escaped(place, raw.as_bytes())))
    }

    /// Whether there is an escape in `raw`, which is at that place.
    #[inline]
    fn is_escaped(&self, place: &Range<usize>, raw: &[u8]) -> bool {
        let escapes = &self.structure.escapes;
        place.start < escapes.end && escapes.start < place.end && raw.contains(&b'\\')
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

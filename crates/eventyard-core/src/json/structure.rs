//! Where the braces, brackets, commas and colons of a text are, found for 64 bytes at a time.
//!
//! Each byte of a block is one bit of a word, so a few operations on words tell strings from what is around them. All
//! that is wrong inside of strings, or directly around them, is noticed here; the rest is for who walks the marks.
//!
//! The widest vectors that the processor has are used: how wide they are is found out when the program runs, so one binary
//! serves all.

#![expect(clippy::inline_always, reason = "vector instructions are only used in what is inlined into `dispatch!`")]

use std::ops::Range;

use fearless_simd::{Level, Simd, dispatch, mask8x64, prelude::*, u8x64};

use super::scan;

pub(super) const BLOCK_BYTES: usize = 64;

/// The marks of one text. Kept for the next text, so that nothing is allocated for it.
#[derive(Debug, Default)]
pub(super) struct Structure {
    /// A bit for each byte, set where one of `{}[]:,` stands outside of strings.
    pub(super) marks: Vec<u64>,
    /// Where all backslashes are, in whole blocks. Empty when there is none.
    pub(super) escapes: Range<usize>,
    /// Whether there is white space outside of strings.
    pub(super) has_space: bool,
    /// Whether white space follows a string somewhere: between two marks there may then be more than one string.
    pub(super) has_space_behind_strings: bool,
}

/// What a block has at each of its bytes.
struct Block {
    quotes: u64,
    backslashes: u64,
    marks: u64,
    /// White space and control characters.
    blanks: u64,
    controls: u64,
}

/// What a block leaves to the next one: all bits set, or the lowest, or none.
#[derive(Default)]
struct Carry {
    in_string: u64,
    escape: u64,
    separator: u64,
    closing_quote: u64,
    scalar: u64,
    blank_behind_scalar: u64,
}

/// What is known of a text as far as it has been looked at. A word has a bit set when that is so of any block.
struct Scan<'t> {
    text: &'t [u8],
    carry: Carry,
    faults: u64,
    blanks: u64,
    blanks_behind_strings: u64,
    escapes: Range<usize>,
}

impl Structure {
    /// Finds the marks of a text. False when it is surely not a JSON object.
    ///
    /// When it may be one, each string is closed, holds no control character and no invalid escape, begins behind a
    /// mark or a blank, and ends before one.
    pub(super) fn scan(&mut self, text: &[u8]) -> bool {
        self.scan_at(Level::new(), text)
    }

    fn scan_at(&mut self, level: Level, text: &[u8]) -> bool {
        dispatch!(level, simd => self.scan_with(simd, text))
    }

    #[inline(always)]
    fn scan_with<S: Simd>(&mut self, simd: S, text: &[u8]) -> bool {
        let carry = Carry { separator: 1, ..Carry::default() };
        let mut scan = Scan { text, carry, faults: 0, blanks: 0, blanks_behind_strings: 0, escapes: 0..0 };
        let (blocks, rest) = text.as_chunks::<BLOCK_BYTES>();
        let mut last = [b'0'; BLOCK_BYTES];
        last[..rest.len()].copy_from_slice(rest);
        self.marks.resize(blocks.len() + 1, 0);
        for (number, marks) in self.marks.iter_mut().enumerate() {
            *marks = scan.marks(simd, blocks.get(number).unwrap_or(&last), number * BLOCK_BYTES);
        }
        self.escapes = scan.escapes;
        self.has_space = scan.blanks != 0;
        self.has_space_behind_strings = scan.blanks_behind_strings != 0;
        scan.faults | scan.carry.in_string == 0
    }
}

impl Scan<'_> {
    /// The marks of the block that begins at `place` of the text.
    #[inline(always)]
    fn marks<S: Simd>(&mut self, simd: S, bytes: &[u8; BLOCK_BYTES], place: usize) -> u64 {
        let block = Block::new(simd, bytes);
        let carry = &mut self.carry;
        let mut quotes = block.quotes;
        if block.backslashes | carry.escape != 0 {
            let escaped = escaped(block.backslashes, &mut carry.escape);
            quotes &= !escaped;
            self.faults |= invalid_escapes(escaped, self.text.get(place..).unwrap_or_default());
            let begin = if self.escapes.is_empty() { place } else { self.escapes.start };
            self.escapes = begin..place + BLOCK_BYTES;
        }
        // From an opening quote, included, to the closing one, not included.
        let strings = prefix_xor(quotes) ^ carry.in_string;
        carry.in_string = 0_u64.wrapping_sub(strings >> 63);
        let marks = block.marks & !strings;
        let blanks = block.blanks & !strings;
        let separators = marks | blanks;
        let behind_separators = separators << 1 | carry.separator;
        carry.separator = separators >> 63;
        let behind_strings = (quotes & !strings) << 1 | carry.closing_quote;
        carry.closing_quote = (quotes & !strings) >> 63;
        self.blanks |= blanks;
        self.blanks_behind_strings |= behind_strings & !marks;
        self.faults |=
            (block.controls & strings) | (quotes & strings & !behind_separators) | (behind_strings & !separators);
        marks
    }
}

impl Block {
    #[inline(always)]
    fn new<S: Simd>(simd: S, bytes: &[u8; BLOCK_BYTES]) -> Self {
        let bytes = u8x64::from_slice(simd, bytes);
        let is = |byte: u8| bytes.simd_eq(byte);
        // The two kinds of brackets differ by one bit, as do capitals and small letters.
        let bit = bytes | (b'{' ^ b'[');
        let is_bracket = bit.simd_eq(b'{') | bit.simd_eq(b'}');
        let at_most = |byte: u8| bytes.min(byte).simd_eq(bytes);
        let (backslashes, controls) = (is(b'\\'), at_most(b' ' - 1));
        // Few blocks have any of these.
        let has_seldom = (backslashes | controls).any_true();
        let seldom = |mask: mask8x64<S>| if has_seldom { mask.to_bitmask() } else { 0 };
        Self {
            quotes: is(b'"').to_bitmask(),
            backslashes: seldom(backslashes),
            marks: (is_bracket | is(b',') | is(b':')).to_bitmask(),
            blanks: at_most(b' ').to_bitmask(),
            controls: seldom(controls),
        }
    }
}

/// A text without the white space outside of strings. `None` when it is surely no JSON, or might become JSON by losing it:
/// white space may not part one number or literal from another. Nothing else is checked.
pub(super) fn without_space(text: &str) -> Option<String> {
    dispatch!(Level::new(), simd => without_space_with(simd, text))
}

#[inline(always)]
fn without_space_with<S: Simd>(simd: S, text: &str) -> Option<String> {
    let mut compact = String::with_capacity(text.len());
    let mut kept_from = 0;
    let mut carry = Carry::default();
    for (number, bytes) in text.as_bytes().chunks(BLOCK_BYTES).enumerate() {
        let place = number * BLOCK_BYTES;
        let mut blanks = blanks_between(simd, bytes, &mut carry)?;
        while blanks != 0 {
            let blank = place + blanks.trailing_zeros() as usize;
            blanks &= blanks - 1;
            if kept_from < blank {
                compact.push_str(text.get(kept_from..blank)?);
            }
            kept_from = blank + 1;
        }
    }
    compact.push_str(text.get(kept_from..)?);
    Some(compact)
}

/// The white space outside of strings in the next bytes of a text. `None` when there is something else of that kind, or when
/// it parts what are not strings or marks.
#[inline(always)]
fn blanks_between<S: Simd>(simd: S, bytes: &[u8], carry: &mut Carry) -> Option<u64> {
    let mut filled = [b','; BLOCK_BYTES];
    filled.get_mut(..bytes.len())?.copy_from_slice(bytes);
    let block = Block::new(simd, &filled);
    let mut quotes = block.quotes;
    if block.backslashes | carry.escape != 0 {
        quotes &= !escaped(block.backslashes, &mut carry.escape);
    }
    let strings = prefix_xor(quotes) ^ carry.in_string;
    carry.in_string = 0_u64.wrapping_sub(strings >> 63);
    let blanks = block.blanks & !strings;
    let scalars = !(strings | quotes | block.marks | blanks);
    // Adding carries what stands behind a number or literal through the white space there.
    let first_blanks = (scalars << 1 | carry.scalar) & blanks | carry.blank_behind_scalar;
    let (ends, overflow) = first_blanks.overflowing_add(blanks);
    (carry.scalar, carry.blank_behind_scalar) = (scalars >> 63, u64::from(overflow));
    let mut controls = block.controls & blanks;
    while controls != 0 {
        let place = controls.trailing_zeros() as usize;
        scan::is_space(*filled.get(place)?).then_some(())?;
        controls &= controls - 1;
    }
    (ends & !blanks & scalars == 0).then_some(blanks)
}

/// Each bit is whether the number of bits set up to and with its place is odd.
fn prefix_xor(mut word: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        word ^= word << shift;
    }
    word
}

/// The bytes that a backslash before them escapes: those behind an odd number of backslashes.
fn escaped(backslashes: u64, carry: &mut u64) -> u64 {
    const EVEN_BITS: u64 = 0x5555_5555_5555_5555;
    let backslashes = backslashes & !*carry;
    let behind = backslashes << 1 | *carry;
    let odd_starts = backslashes & !EVEN_BITS & !behind;
    // Adding carries each run's first bit to the place behind the run.
    let (even_ends, overflow) = odd_starts.overflowing_add(backslashes);
    *carry = u64::from(overflow);
    (EVEN_BITS ^ (even_ends << 1)) & behind
}

/// The escaped bytes of a block that do not end an escape of JSON. `rest` begins at the block.
fn invalid_escapes(escaped: u64, rest: &[u8]) -> u64 {
    let mut invalid = 0;
    let mut left = escaped;
    while left != 0 {
        let place = left.trailing_zeros() as usize;
        invalid |= u64::from(!scan::is_escape(rest.get(place..).unwrap_or_default())) << place;
        left &= left - 1;
    }
    invalid
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every kind of vector that this processor has, from the narrowest on.
    fn levels() -> Vec<Level> {
        let best = Level::new();
        #[cfg(target_arch = "x86_64")]
        let narrower =
            [best.as_sse2().map(Simd::level), best.as_sse4_2().map(Simd::level), best.as_avx2().map(Simd::level)];
        #[cfg(not(target_arch = "x86_64"))]
        let narrower = [None::<Level>];
        narrower.into_iter().flatten().chain([best]).collect()
    }

    proptest! {
        #[test]
        fn the_width_of_vectors_makes_no_difference(text in r#"([{}\[\]:,"\\ \n\x00\x1fa0é\x7f]|"[a-z ]{0,70}"){0,200}"#) {
            let found = |level| {
                let mut structure = Structure::default();
                (structure.scan_at(level, text.as_bytes()), format!("{structure:?}"))
            };
            let best = found(Level::new());
            for level in levels() {
                prop_assert_eq!(&found(level), &best, "{:?}", level);
            }
        }
    }
}

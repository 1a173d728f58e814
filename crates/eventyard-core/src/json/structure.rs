//! Where the braces, brackets, commas and colons of a text are, found for 64 bytes at a time.
//!
//! Each byte of a block is one bit of a word, so a few operations on words tell strings from what is around them. All
//! that is wrong inside of strings, or directly around them, is noticed here; the rest is for who walks the marks.

use std::ops::Range;

use wide::u8x16;

use super::scan;

pub(super) const BLOCK_BYTES: usize = 64;
const LANES: usize = 16;

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

impl Structure {
    /// Finds the marks of a text. False when it is surely not a JSON object.
    ///
    /// When it may be one, each string is closed, holds no control character and no invalid escape, begins behind a
    /// mark or a blank, and ends before one.
    pub(super) fn scan(&mut self, text: &[u8]) -> bool {
        self.marks.clear();
        self.escapes = 0..0;
        self.has_space = false;
        self.has_space_behind_strings = false;
        let mut carry = Carry { separator: 1, ..Carry::default() };
        let (blocks, rest) = text.as_chunks::<BLOCK_BYTES>();
        let mut last = [b'0'; BLOCK_BYTES];
        last[..rest.len()].copy_from_slice(rest);
        let mut faults = 0;
        for (place, bytes) in blocks.iter().chain([&last]).enumerate() {
            faults |= self.add(bytes, &mut carry, text, place * BLOCK_BYTES);
        }
        faults | carry.in_string == 0
    }

    /// Adds the marks of the block that begins at `place` of the text. Gives the bytes at which something is wrong.
    #[inline]
    fn add(&mut self, bytes: &[u8; BLOCK_BYTES], carry: &mut Carry, text: &[u8], place: usize) -> u64 {
        let block = Block::new(bytes);
        let (mut quotes, mut faults) = (block.quotes, 0);
        if block.backslashes | carry.escape != 0 {
            let escaped = escaped(block.backslashes, &mut carry.escape);
            quotes &= !escaped;
            faults |= invalid_escapes(escaped, text.get(place..).unwrap_or_default());
            let begin = if self.escapes.is_empty() { place } else { self.escapes.start };
            self.escapes = begin..place + BLOCK_BYTES;
        }
        // From an opening quote, included, to the closing one, not included.
        let strings = prefix_xor(quotes) ^ carry.in_string;
        carry.in_string = 0_u64.wrapping_sub(strings >> 63);
        let marks = block.marks & !strings;
        let blanks = block.blanks & !strings;
        let separators = marks | blanks;
        self.has_space |= blanks != 0;
        let behind_separators = separators << 1 | carry.separator;
        carry.separator = separators >> 63;
        let behind_strings = (quotes & !strings) << 1 | carry.closing_quote;
        carry.closing_quote = (quotes & !strings) >> 63;
        self.has_space_behind_strings |= behind_strings & !marks != 0;
        self.marks.push(marks);
        faults | (block.controls & strings) | (quotes & strings & !behind_separators) | (behind_strings & !separators)
    }
}

impl Block {
    #[inline]
    fn new(bytes: &[u8; BLOCK_BYTES]) -> Self {
        let mut block = Self { quotes: 0, backslashes: 0, marks: 0, blanks: 0, controls: 0 };
        let (lanes, _) = bytes.as_chunks::<LANES>();
        for (lanes, shift) in lanes.iter().zip([0, 16, 32, 48]) {
            let lanes = u8x16::new(*lanes);
            let is = |byte: u8| lanes.simd_eq(u8x16::splat(byte));
            // The two kinds of brackets differ by one bit, as do capitals and small letters.
            let bit = lanes | u8x16::splat(b'{' ^ b'[');
            let is_bracket = bit.simd_eq(u8x16::splat(b'{')) | bit.simd_eq(u8x16::splat(b'}'));
            let at_most = |byte: u8| lanes.min(u8x16::splat(byte)).simd_eq(lanes);
            let word = |found: u8x16| u64::from(found.to_bitmask()) << shift;
            block.quotes |= word(is(b'"'));
            block.backslashes |= word(is(b'\\'));
            block.marks |= word(is_bracket | is(b',') | is(b':'));
            block.blanks |= word(at_most(b' '));
            block.controls |= word(at_most(b' ' - 1));
        }
        block
    }
}

/// A text without the white space outside of strings. `None` when it is surely no JSON, or might become JSON by losing it:
/// white space may not part one number or literal from another. Nothing else is checked.
pub(super) fn without_space(text: &str) -> Option<String> {
    let mut compact = String::with_capacity(text.len());
    let mut kept_from = 0;
    let mut carry = Carry::default();
    for (number, bytes) in text.as_bytes().chunks(BLOCK_BYTES).enumerate() {
        let place = number * BLOCK_BYTES;
        let mut blanks = blanks_between(bytes, &mut carry)?;
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
fn blanks_between(bytes: &[u8], carry: &mut Carry) -> Option<u64> {
    let mut filled = [b','; BLOCK_BYTES];
    filled.get_mut(..bytes.len())?.copy_from_slice(bytes);
    let block = Block::new(&filled);
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

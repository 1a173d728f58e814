//! Where the braces, brackets, commas and colons of a text are, found for 64 bytes at a time.
//!
//! Each byte of a block is one bit of a word, so a few operations on words tell strings from what is around them. All
//! that is wrong inside of strings, or directly around them, is noticed here; the rest is for who walks the marks.

use wide::u8x16;

use super::scan;

pub(super) const BLOCK_BYTES: usize = 64;
const LANES: usize = 16;

/// The marks of one text. Kept for the next text, so that nothing is allocated for it.
#[derive(Debug, Default)]
pub(super) struct Structure {
    /// A bit for each byte, set where one of `{}[]:,` stands outside of strings.
    pub(super) marks: Vec<u64>,
    /// Whether any string holds a backslash.
    pub(super) has_escapes: bool,
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
}

impl Structure {
    /// Finds the marks of a text. False when it is surely not a JSON object.
    ///
    /// When it may be one, each string is closed, holds no control character and no invalid escape, begins behind a
    /// mark or a blank, and ends before one.
    pub(super) fn scan(&mut self, text: &[u8]) -> bool {
        self.marks.clear();
        self.has_escapes = false;
        self.has_space = false;
        self.has_space_behind_strings = false;
        let mut carry = Carry { separator: 1, ..Carry::default() };
        let (blocks, rest) = text.as_chunks::<BLOCK_BYTES>();
        let mut last = [b'0'; BLOCK_BYTES];
        last[..rest.len()].copy_from_slice(rest);
        let mut faults = 0;
        for (place, bytes) in blocks.iter().chain([&last]).enumerate() {
            faults |= self.add(bytes, &mut carry, &text[place * BLOCK_BYTES..]);
        }
        faults | carry.in_string == 0
    }

    /// Adds the marks of the block at the beginning of `rest`. Gives the bytes at which something is wrong.
    fn add(&mut self, bytes: &[u8; BLOCK_BYTES], carry: &mut Carry, rest: &[u8]) -> u64 {
        let block = Block::new(bytes);
        let (mut quotes, mut faults) = (block.quotes, 0);
        if block.backslashes | carry.escape != 0 {
            let escaped = escaped(block.backslashes, &mut carry.escape);
            quotes &= !escaped;
            faults |= invalid_escapes(escaped, rest);
            self.has_escapes = true;
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

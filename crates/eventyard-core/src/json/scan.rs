//! Finding where a string, a number or a literal ends: the inner loops of the room.

use super::{JsonError, JsonFault};

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// White space as JSON has it.
pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// The offset of the first byte from `at` on that is not white space.
pub(super) fn space_end(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(|&byte| is_space(byte)) {
        at += 1;
    }
    at
}

/// Scans a string whose opening quote is just before `at`. Gives the offset of the closing quote, and whether the
/// string holds an escape.
pub(super) fn string_end(bytes: &[u8], mut at: usize) -> Result<(usize, bool), JsonError> {
    let mut escaped = false;
    loop {
        at = plain_end(bytes, at);
        match bytes.get(at) {
            Some(b'"') => return Ok((at, escaped)),
            Some(b'\\') => {
                escaped = true;
                at = escape_end(bytes, at)?;
            }
            Some(_) => return Err(JsonFault::ControlCharacter.at(at)),
            None => return Err(JsonFault::UnexpectedEnd.at(at)),
        }
    }
}

/// The offset of the first byte from `at` on that is a quote, a backslash or a control character.
fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let special = special_bytes(u64::from_le_bytes(*chunk));
        if special != 0 {
            // The lowest mark is always a true one; only marks above it may be carried over from it.
            return at + (special.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|&byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
        at += 1;
    }
    at
}

/// Marks, in the high bit of each byte of `word`, the quotes, backslashes and control characters.
const fn special_bytes(word: u64) -> u64 {
    let below_space = word.wrapping_sub(ONES * b' ' as u64) & !word & HIGH_BITS;
    below_space | equal_bytes(word, b'"') | equal_bytes(word, b'\\')
}

/// Marks, in the high bit of each byte of `word`, those that are `byte`. The lowest mark is a true one; those above may not be.
pub(crate) const fn equal_bytes(word: u64, byte: u8) -> u64 {
    let difference = word ^ (ONES * byte as u64);
    difference.wrapping_sub(ONES) & !difference & HIGH_BITS
}

/// Whether what stands behind a backslash makes a valid escape with it.
pub(super) fn is_escape(behind: &[u8]) -> bool {
    match behind {
        [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => true,
        [b'u', rest @ ..] => rest.first_chunk::<4>().is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)),
        _ => false,
    }
}

/// Scans the escape whose backslash is at `at`. Gives the offset behind it.
fn escape_end(bytes: &[u8], at: usize) -> Result<usize, JsonError> {
    match bytes.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => {
            for digit in at + 2..at + 6 {
                match bytes.get(digit) {
                    Some(byte) if byte.is_ascii_hexdigit() => {}
                    Some(_) => return Err(JsonFault::InvalidEscape.at(at)),
                    None => return Err(JsonFault::UnexpectedEnd.at(bytes.len())),
                }
            }
            Ok(at + 6)
        }
        Some(_) => Err(JsonFault::InvalidEscape.at(at)),
        None => Err(JsonFault::UnexpectedEnd.at(bytes.len())),
    }
}

/// Scans a number whose first byte, a minus or a digit, is at `at`. Gives the offset behind it.
pub(super) fn number_end(bytes: &[u8], at: usize) -> Result<usize, JsonError> {
    let integer = if bytes.get(at) == Some(&b'-') { at + 1 } else { at };
    let mut end = digits_end(bytes, integer)?;
    if bytes.get(integer) == Some(&b'0') && end > integer + 1 {
        return Err(JsonFault::InvalidNumber.at(integer));
    }
    if bytes.get(end) == Some(&b'.') {
        end = digits_end(bytes, end + 1)?;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let signed = matches!(bytes.get(end + 1), Some(b'+' | b'-'));
        end = digits_end(bytes, end + 1 + usize::from(signed))?;
    }
    Ok(end)
}

/// The offset behind the run of digits at `at`, which must hold one at least.
fn digits_end(bytes: &[u8], at: usize) -> Result<usize, JsonError> {
    let mut end = at;
    while bytes.get(end).is_some_and(u8::is_ascii_digit) {
        end += 1;
    }
    if end > at {
        Ok(end)
    } else if at < bytes.len() {
        Err(JsonFault::InvalidNumber.at(at))
    } else {
        Err(JsonFault::UnexpectedEnd.at(at))
    }
}

/// Checks that `literal` stands at `at`. Gives the offset behind it.
pub(super) fn literal_end(bytes: &[u8], at: usize, literal: &str) -> Result<usize, JsonError> {
    for (place, expected) in (at..).zip(literal.bytes()) {
        match bytes.get(place) {
            Some(&byte) if byte == expected => {}
            Some(_) => return Err(JsonFault::UnexpectedCharacter.at(place)),
            None => return Err(JsonFault::UnexpectedEnd.at(place)),
        }
    }
    Ok(at + literal.len())
}

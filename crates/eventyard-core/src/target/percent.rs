//! Percent-encoding in the URL of a target.

/// The text that a part of a URL stands for.
///
/// # Errors
/// When a `%` is not followed by two hexadecimal digits, or the bytes are not UTF-8; as the end of a sentence about the URL.
pub(super) fn decode(part: &str) -> Result<String, &'static str> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err("has a '%' without two hexadecimal digits; write %25 for the character");
        };
        bytes.push(u8::try_from(high * 16 + low).unwrap_or(u8::MAX));
    }
    String::from_utf8(bytes).map_err(|_| "has percent-encoded bytes that are not UTF-8")
}

//! Secrets: values that no log, listing or error shows, and the comparison of tokens with their hashes.

use std::fmt;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Bytes of a SHA-256 hash.
const HASH_LENGTH: usize = 32;

/// A text that is not shown, also where the structure around it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    /// Keeps `text` secret.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text, for the one who needs it to compute.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `text` is the same, in a time that says nothing about where they differ.
    #[must_use]
    pub fn is(&self, text: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(text).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret")
    }
}

/// A text without the secrets that it holds. Shorter ones than these would be found everywhere, and hide nothing.
#[must_use]
pub fn redacted(text: &str, secrets: &[&str]) -> String {
    let secrets = secrets.iter().filter(|secret| secret.len() >= 4);
    secrets.fold(text.to_owned(), |text, secret| text.replace(*secret, "***"))
}

/// The SHA-256 hash of a bearer token. The token itself is known to its owner only.
#[derive(Clone)]
pub struct TokenHash([u8; HASH_LENGTH]);

impl TokenHash {
    /// Reads the 64 hexadecimal digits that `sha256sum` prints.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = decode_hex(text)?;
        bytes.try_into().ok().map(Self)
    }

    /// The hash of a token.
    #[must_use]
    pub fn of(token: &[u8]) -> Self {
        Self(Sha256::digest(token).into())
    }
}

/// Compared in a time that says nothing about where two hashes differ.
impl PartialEq for TokenHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for TokenHash {}

/// A hash is no secret, yet it helps who wants to guess a weak token.
impl fmt::Debug for TokenHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TokenHash")
    }
}

/// Reads hexadecimal digits of either case; none when there is anything else, or an odd number of them.
pub(crate) fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

/// Writes hexadecimal digits in lower case.
pub(crate) fn encode_hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_shown() {
        let hash = TokenHash::parse(&"0a".repeat(32)).unwrap();
        let shown = format!("{:?} {hash:?}", Secret::new("hunter2"));
        assert_eq!(shown, "Secret TokenHash");
    }

    #[test]
    fn a_hash_knows_its_token_only() {
        // printf '%s' letmein | sha256sum
        let text = "1c8bfe8f801d79745c4631d09fff36c82aa37fc4cce4fc946683d7b336b63032";
        let hash = TokenHash::parse(text).unwrap();
        assert_eq!(TokenHash::parse(&text.to_uppercase()), Some(hash.clone()));
        assert_eq!(hash, TokenHash::of(b"letmein"));
        for other in ["letmeIn", "", "letmein ", text] {
            assert_ne!(hash, TokenHash::of(other.as_bytes()), "{other}");
        }
        for wrong in ["", "1c", &text[1..], &format!("{text}00"), &text.replace('f', "g"), &text.replace('f', "é")] {
            assert_eq!(TokenHash::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_secret_is_itself_only() {
        let secret = Secret::new("hunter2");
        assert!(secret.is(b"hunter2"));
        assert!(!secret.is(b"hunter3") && !secret.is(b"hunter") && !secret.is(b""));
    }

    #[test]
    fn hexadecimal_digits_come_back() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(decode_hex(&encode_hex(&bytes)), Some(bytes));
    }
}

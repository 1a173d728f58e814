//! AWS Signature Version 4, from the side that is signed for: is this request from who it says, unchanged and recent?
//!
//! The parties: a [`Request`] as it came; its [`Claim`], read from the `Authorization` header or from the query of a presigned
//! URL, says which key signed what and when; `canonical` writes the request in the one form that both sides sign; `signing`
//! computes the signature once more with the key's secret. Who the key belongs to is the caller's affair, and so is the time.
//!
//! The same parts sign the requests that go to AWS: [`authorization`].
//!
//! The signer's list of headers is taken as it is, for each SDK signs others. What decides about a request must be on it:
//! `host`, and every `x-amz-…` header that the request has.

mod authorization;
mod canonical;
mod claim;
mod signing;

use std::time::Duration;

pub use authorization::{amz_date, authorization};
pub use canonical::query_parameters;
pub use claim::{Claim, Form};
pub use signing::{Scope, sign};

use crate::error::{ErrorCode, ServiceError};

/// The only algorithm there is.
pub const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The service that requests must be signed for.
pub const SERVICE: &str = "events";

/// How far a request's time may be from ours, in either direction. Amazon's, for services that speak JSON.
pub const SKEW_MAX: Duration = Duration::from_secs(5 * 60);

/// The longest that a presigned URL can be valid: seven days. Amazon's.
pub const PRESIGNED_SECONDS_MAX: u64 = 7 * 24 * 3_600;

/// A request as it came over the wire.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// The path as it was sent, percent-encoded.
    pub path: &'a str,
    /// What follows the question mark, percent-encoded; empty when there is nothing.
    pub query: &'a str,
    /// All headers in the order in which they came, with names in lower case. A name can be there several times.
    pub headers: Vec<(&'a str, &'a [u8])>,
    /// The whole body.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// The only header of this name; none when there is none, or several.
    fn header(&self, name: &str) -> Option<&'a [u8]> {
        let mut values = self.headers.iter().filter(|(other, _)| *other == name).map(|(_, value)| *value);
        values.next().filter(|_| values.next().is_none())
    }

    fn text_header(&self, name: &str) -> Option<&'a str> {
        self.header(name).and_then(|value| std::str::from_utf8(value).ok()).map(str::trim)
    }
}

/// Why a request is not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignatureError {
    /// It is not signed at all.
    Missing,
    /// A part of the signature is missing or cannot be read; says which.
    Incomplete(String),
    /// Nobody has this key, or it goes with another session token.
    UnknownKey,
    /// It was signed for another region, service or day; says which.
    WrongScope(String),
    /// It is not what was signed, or was signed with another secret.
    WrongSignature,
    /// It was signed too long ago; says when.
    Expired(String),
    /// It was signed too far in the future; says when.
    NotYetCurrent(String),
    /// The session of a temporary key has ended.
    TokenExpired,
}

impl SignatureError {
    /// All reasons, for metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Incomplete(_) => "incomplete",
            Self::UnknownKey => "unknown_key",
            Self::WrongScope(_) => "wrong_scope",
            Self::WrongSignature => "wrong_signature",
            Self::Expired(_) => "signature_expired",
            Self::NotYetCurrent(_) => "signature_not_yet_current",
            Self::TokenExpired => "token_expired",
        }
    }
}

impl From<SignatureError> for ServiceError {
    fn from(error: SignatureError) -> Self {
        let (code, message) = match error {
            SignatureError::Missing => (ErrorCode::MissingAuthenticationToken, "Missing Authentication Token".to_owned()),
            SignatureError::Incomplete(message) => (ErrorCode::IncompleteSignature, message),
            SignatureError::UnknownKey => (
                ErrorCode::UnrecognizedClient,
                "The security token included in the request is invalid.".to_owned(),
            ),
            SignatureError::WrongSignature => (
                ErrorCode::InvalidSignature,
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access \
                 Key and signing method. Consult the service documentation for details."
                    .to_owned(),
            ),
            SignatureError::WrongScope(message)
            | SignatureError::Expired(message)
            | SignatureError::NotYetCurrent(message) => (ErrorCode::InvalidSignature, message),
            SignatureError::TokenExpired => {
                (ErrorCode::ExpiredToken, "The security token included in the request is expired".to_owned())
            }
        };
        Self::new(code, message)
    }
}

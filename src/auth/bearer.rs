//! Bearer tokens: `Authorization: Bearer …`, for people and for machines that cannot sign.

use eventyard_core::error::{ErrorCode, ServiceError};
use eventyard_core::secret::TokenHash;

use crate::http::Request;
use crate::telemetry::{AuthenticationFailed, Telemetry};

/// The tokens that are known by their hashes, each with what it stands for.
#[derive(Debug)]
pub struct BearerTokens<T>(Vec<(TokenHash, T)>);

impl<T> FromIterator<(TokenHash, T)> for BearerTokens<T> {
    fn from_iter<I: IntoIterator<Item = (TokenHash, T)>>(tokens: I) -> Self {
        Self(tokens.into_iter().collect())
    }
}

impl<T> BearerTokens<T> {
    /// Whether no token is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What the token of a request stands for.
    ///
    /// # Errors
    /// Unauthorized, when it has none, or one that is not known.
    pub fn holder(&self, request: &Request, telemetry: &Telemetry) -> Result<&T, ServiceError> {
        let (reason, message) = match token(request) {
            None => ("missing", "A bearer token is needed: send a header Authorization: Bearer TOKEN."),
            Some(token) => {
                let hash = TokenHash::of(token);
                if let Some((_, holder)) = self.0.iter().find(|(known, _)| *known == hash) {
                    return Ok(holder);
                }
                ("unknown_token", "The bearer token is not known.")
            }
        };
        telemetry.record(&AuthenticationFailed { reason });
        Err(ServiceError::new(ErrorCode::Unauthorized, message))
    }
}

/// The bearer token of a request.
pub(super) fn token(request: &Request) -> Option<&[u8]> {
    let mut values = request.headers.get_all("authorization").iter();
    let value = values.next().filter(|_| values.next().is_none())?.as_bytes();
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}

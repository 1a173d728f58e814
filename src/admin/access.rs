//! Who may see what the admin listener has.

use std::sync::Arc;

use arc_swap::ArcSwap;
use eventyard_core::error::{ErrorCode, ServiceError};
use eventyard_core::secret::TokenHash;

use crate::auth::{AllowedHosts, BearerTokens};
use crate::http::Request;
use crate::telemetry::Telemetry;

/// Whether the admin listener asks for tokens decides what may listen where, so it does not change on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("admin.token_hashes: the first token and the last one count after a restart; no token was changed")]
pub struct TokensComeOrGo;

/// What the admin listener asks of those who ask.
#[derive(Debug)]
pub struct Access {
    allowed_hosts: AllowedHosts,
    tokens: ArcSwap<BearerTokens<()>>,
    metrics_need_token: bool,
}

impl Access {
    /// Requests to `allowed_hosts`, with a token of one of these hashes if there are any. Health takes none, and metrics only
    /// with `metrics_need_token`.
    #[must_use]
    pub fn new(allowed_hosts: AllowedHosts, token_hashes: &[TokenHash], metrics_need_token: bool) -> Self {
        Self { allowed_hosts, tokens: ArcSwap::from_pointee(tokens(token_hashes)), metrics_need_token }
    }

    /// Takes other tokens, from the next request on.
    ///
    /// # Errors
    /// When a token would be asked for where none was, or none any more.
    pub(super) fn replace_tokens(&self, token_hashes: &[TokenHash]) -> Result<(), TokensComeOrGo> {
        if self.tokens.load().is_empty() != token_hashes.is_empty() {
            return Err(TokensComeOrGo);
        }
        self.tokens.store(Arc::new(tokens(token_hashes)));
        Ok(())
    }

    /// Whether a request may be answered.
    ///
    /// # Errors
    /// With status 401 for want of a token, 403 for a host.
    pub(super) fn check(&self, request: &Request, telemetry: &Telemetry) -> Result<(), ServiceError> {
        self.allowed_hosts.check(request, telemetry)?;
        let path = request.uri.path();
        let is_open = path.starts_with("/health/") || (path == "/metrics" && !self.metrics_need_token);
        let tokens = self.tokens.load();
        if is_open || tokens.is_empty() {
            return Ok(());
        }
        tokens.holder(request, telemetry).copied()
    }
}

fn tokens(hashes: &[TokenHash]) -> BearerTokens<()> {
    hashes.iter().map(|hash| (hash.clone(), ())).collect()
}

/// The HTTP status of a refusal. At this listener, which is not Amazon's, it is the usual one.
pub(super) fn status(error: &ServiceError) -> u16 {
    match error.code {
        ErrorCode::AccessDenied => 403,
        ErrorCode::ResourceNotFound => 404,
        ErrorCode::ResourceAlreadyExists => 409,
        code => code.http_status(),
    }
}

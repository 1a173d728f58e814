//! Who may see what the admin listener has.

use eventyard_core::error::{ErrorCode, ServiceError};
use eventyard_core::secret::TokenHash;

use crate::auth::{AllowedHosts, BearerTokens};
use crate::http::Request;
use crate::telemetry::Telemetry;

/// What the admin listener asks of those who ask.
#[derive(Debug)]
pub struct Access {
    allowed_hosts: AllowedHosts,
    tokens: BearerTokens<()>,
    metrics_need_token: bool,
}

impl Access {
    /// Requests to `allowed_hosts`, with a token of one of these hashes if there are any. Health takes none, and metrics only
    /// with `metrics_need_token`.
    #[must_use]
    pub fn new(allowed_hosts: AllowedHosts, token_hashes: &[TokenHash], metrics_need_token: bool) -> Self {
        let tokens = token_hashes.iter().map(|hash| (hash.clone(), ())).collect();
        Self { allowed_hosts, tokens, metrics_need_token }
    }

    /// Whether a request may be answered.
    ///
    /// # Errors
    /// With status 401 for want of a token, 403 for a host.
    pub(super) fn check(&self, request: &Request, telemetry: &Telemetry) -> Result<(), ServiceError> {
        self.allowed_hosts.check(request, telemetry)?;
        let path = request.uri.path();
        let is_open = path.starts_with("/health/") || (path == "/metrics" && !self.metrics_need_token);
        if is_open || self.tokens.is_empty() {
            return Ok(());
        }
        self.tokens.holder(request, telemetry).copied()
    }
}

/// The HTTP status of a refusal. At this listener, which is not Amazon's, it is the usual one.
pub(super) fn status(error: &ServiceError) -> u16 {
    match error.code {
        ErrorCode::AccessDenied => 403,
        ErrorCode::ResourceNotFound => 404,
        code => code.http_status(),
    }
}

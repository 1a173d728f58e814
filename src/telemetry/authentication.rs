//! Facts of authentication.

use super::request_origin::{RequestOrigin, named};
use super::{Fact, Metrics};

/// By what `log.level` names these lines.
const TARGET: &str = "eventyard::auth";

/// A request was not let in. The answer to it is told by [`super::RequestAnswered`].
#[derive(Debug)]
pub struct AuthenticationFailed {
    /// Why, of a fixed set.
    pub reason: &'static str,
}

impl Fact for AuthenticationFailed {
    fn record(&self, metrics: &Metrics) {
        metrics.authentication_failures.with_label_values(&[self.reason]).inc();
        let origin = RequestOrigin::current();
        let (request_id, client) = named(origin.as_ref());
        tracing::debug!(target: TARGET, reason = self.reason, request_id, client, "request not let in");
    }
}

/// The daemon runs without knowing who its callers are, wherever they call from.
#[derive(Debug)]
pub struct AnonymousAllowed;

impl Fact for AnonymousAllowed {
    fn record(&self, metrics: &Metrics) {
        metrics.dangerous_allow_anonymous.set(1);
    }
}

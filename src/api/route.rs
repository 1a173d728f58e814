//! What a request is for, as its method, path and headers say.

use eventyard_core::error::{ErrorCode, ServiceError};
use hyper::Method;

use super::operation::Operation;
use super::{query_input, wire};
use crate::http::Request;

/// Where the operation's name stands, behind `AWSEvents.`.
const TARGET_HEADER: &str = "x-amz-target";

/// What requests are called that are none of Amazon's operations.
const PLAIN_EVENTS: &str = "POST /events";
const CLOUD_EVENTS: &str = "POST /cloudevents";
pub(super) const UNKNOWN: &str = "Unknown";

/// What a request is for.
pub(super) enum Route {
    /// One of Amazon's operations, or the error of naming none that is here.
    Operation(Result<Operation, ServiceError>),
    /// Events as people write them.
    PlainEvents,
    /// `CloudEvents`.
    CloudEvents,
    /// Nothing that is here.
    Nothing(ServiceError),
}

impl Route {
    pub(super) fn of(request: &Request) -> Self {
        match (&request.method, request.uri.path()) {
            (&Method::POST, "/") => Self::operation(request),
            // A presigned URL can be made for any method; without a body they all are the same.
            (&Method::GET, "/") if query_input::is_presigned(request) => Self::operation(request),
            (&Method::POST, "/events") => Self::PlainEvents,
            (&Method::POST, "/cloudevents") => Self::CloudEvents,
            (method, path) => Self::Nothing(ServiceError::new(
                ErrorCode::UnknownOperation,
                format!(
                    "{method} {path} is not there. Send operations to POST / with X-Amz-Target, or events to POST /events \
                     or /cloudevents."
                ),
            )),
        }
    }

    fn operation(request: &Request) -> Self {
        let named = request.headers.get(TARGET_HEADER).and_then(|name| name.to_str().ok());
        Self::Operation(Operation::find(named.unwrap_or_default()))
    }

    /// All names that [`Self::name`] gives.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        Operation::names().chain([PLAIN_EVENTS, CLOUD_EVENTS, UNKNOWN])
    }

    /// The name for the log and the metrics.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Operation(Ok(operation)) => operation.name(),
            Self::PlainEvents => PLAIN_EVENTS,
            Self::CloudEvents => CLOUD_EVENTS,
            Self::Operation(Err(_)) | Self::Nothing(_) => UNKNOWN,
        }
    }

    /// The content type of its answers.
    pub(super) fn content_type(&self) -> &'static str {
        if matches!(self, Self::Operation(_)) { wire::AWS_JSON } else { wire::JSON }
    }

    /// Whether a bearer token will do.
    pub(super) fn takes_tokens(&self) -> bool {
        matches!(self, Self::PlainEvents | Self::CloudEvents)
    }
}

//! What a client of the API sees: Amazon's error code and message.

use crate::constraint::Violations;

/// The error codes of the service that eventyard answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// A value is wrong. Not in the API model, yet the commonest of all.
    Validation,
    /// A rule, bus or other resource does not exist.
    ResourceNotFound,
    /// A resource of that name is there already.
    ResourceAlreadyExists,
    /// The caller may not do that with that resource.
    AccessDenied,
    /// The policy of an event bus would be too long.
    PolicyLengthExceeded,
    /// The rule is managed by somebody else.
    ManagedRule,
    /// The event pattern cannot be read.
    InvalidEventPattern,
    /// A quota is used up.
    LimitExceeded,
    /// Something failed on our side; the only code that comes with HTTP 500.
    Internal,
    /// The caller sends faster than it may.
    Throttling,
    /// The request is not signed.
    MissingAuthenticationToken,
    /// A part of the signature is missing or cannot be read.
    IncompleteSignature,
    /// The signature is not that of the request, or of another time, region or service.
    InvalidSignature,
    /// The access key or its session token is not known.
    UnrecognizedClient,
    /// The session of a temporary access key has ended.
    ExpiredToken,
    /// The bearer token is missing or not known. Ours.
    Unauthorized,
    /// The body is not JSON, or a member has the wrong JSON type.
    Serialization,
    /// No such operation.
    UnknownOperation,
    /// An operation of Amazon's service that eventyard does not have. Ours.
    UnsupportedOperation,
    /// The request's body is larger than the configured limit. Ours.
    RequestTooLarge,
    /// The request took longer than the configured limit. Ours.
    RequestTimeout,
}

impl ErrorCode {
    /// The name as it stands in the answer's `__type`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Validation => "ValidationException",
            Self::ResourceNotFound => "ResourceNotFoundException",
            Self::ResourceAlreadyExists => "ResourceAlreadyExistsException",
            Self::AccessDenied => "AccessDeniedException",
            Self::PolicyLengthExceeded => "PolicyLengthExceededException",
            Self::ManagedRule => "ManagedRuleException",
            Self::InvalidEventPattern => "InvalidEventPatternException",
            Self::LimitExceeded => "LimitExceededException",
            Self::Internal => "InternalException",
            Self::Throttling => "ThrottlingException",
            Self::MissingAuthenticationToken => "MissingAuthenticationTokenException",
            Self::IncompleteSignature => "IncompleteSignatureException",
            Self::InvalidSignature => "InvalidSignatureException",
            Self::UnrecognizedClient => "UnrecognizedClientException",
            Self::ExpiredToken => "ExpiredTokenException",
            Self::Unauthorized => "UnauthorizedException",
            Self::Serialization => "SerializationException",
            Self::UnknownOperation => "UnknownOperationException",
            Self::UnsupportedOperation => "UnsupportedOperationException",
            Self::RequestTooLarge => "RequestEntityTooLargeException",
            Self::RequestTimeout => "RequestTimeoutException",
        }
    }

    /// The HTTP status: 500 for our own faults, 413 and 408 for requests past our limits, 401 for bearer tokens, else 400,
    /// "not found" and wrong signatures included.
    #[must_use]
    pub fn http_status(self) -> u16 {
        match self {
            Self::Internal => 500,
            Self::Unauthorized => 401,
            Self::RequestTooLarge => 413,
            Self::RequestTimeout => 408,
            _ => 400,
        }
    }
}

/// An error that ends a request: a code and the message for the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", code.name())]
pub struct ServiceError {
    /// What kind of error it is.
    pub code: ErrorCode,
    /// What the caller reads.
    pub message: String,
}

impl ServiceError {
    /// An error with Amazon's text, or ours where Amazon has none.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// A wrong value.
    #[must_use]
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Validation, message)
    }

    /// A resource that is not there.
    #[must_use]
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::ResourceNotFound, message)
    }

    /// A quota that is used up, in Amazon's words.
    #[must_use]
    pub fn limit_exceeded() -> Self {
        Self::new(ErrorCode::LimitExceeded, "The requested resource exceeds the maximum number allowed.")
    }

    /// A fault of ours. What went wrong is in the log; the caller learns only that it did.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(ErrorCode::Internal, "The service could not complete the request. Try again.")
    }
}

impl From<Violations> for ServiceError {
    fn from(violations: Violations) -> Self {
        Self::validation(violations.to_string())
    }
}

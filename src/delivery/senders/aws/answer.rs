//! What a service answered, and what that means for the delivery.

use eventyard_core::delivery::AttemptOutcome;
use eventyard_core::limits::ANSWER_EXCERPT_BYTES_MAX;
use eventyard_core::retry_after::RetryAfter;
use eventyard_core::secret::redacted;
use reqwest::Response;
use reqwest::header::RETRY_AFTER;
use serde_json::Value;

/// Bytes of an answer that are read; what is asked of services answers with less.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Codes that ask for less, beside all that speak of throttling, or of a limit or a quota that is exceeded.
const THROTTLED: [&str; 6] = [
    "OverLimit",
    "ProvisionedThroughputExceededException",
    "RequestThrottled",
    "SlowDown",
    "SnapshotCreationPerVolumeRateExceeded",
    "TooManyRequestsException",
];

/// Codes of 4xx answers that an operator or time can mend: our credentials and clock, and what is not ready yet.
const PASSING: [&str; 26] = [
    "AgentsAlreadyRunningAssessmentException",
    // The file system of a Lambda function.
    "EFSIOException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InternalError",
    "InternalException",
    "InternalFailure",
    "InternalFailureException",
    "InternalServerError",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "OperationAbortedException",
    "RequestExpired",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServerException",
    "ServiceException",
    "ServiceTemporarilyUnavailableException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// An answer, read.
#[derive(Debug)]
pub(super) struct Answer {
    status: u16,
    retry_after: Option<RetryAfter>,
    /// The name of the error, without its namespace.
    code: String,
    body: String,
}

impl Answer {
    /// Reads an answer to its end, or as much as is worth it. What is kept of it shows none of `secrets`.
    pub(super) async fn read(mut response: Response, secrets: &[&str]) -> Result<Self, reqwest::Error> {
        let header = |name: &str| response.headers().get(name)?.to_str().ok().map(str::to_owned);
        let (status, named) = (response.status().as_u16(), header("x-amzn-errortype"));
        let retry_after = header(RETRY_AFTER.as_str()).and_then(|text| RetryAfter::parse(&text));
        let mut bytes = Vec::new();
        while bytes.len() < ANSWER_BYTES_MAX
            && let Some(chunk) = response.chunk().await?
        {
            bytes.extend_from_slice(&chunk);
        }
        let body = redacted(&String::from_utf8_lossy(&bytes), secrets);
        Ok(Self::new(status, named.as_deref(), body, retry_after))
    }

    fn new(status: u16, named: Option<&str>, body: String, retry_after: Option<RetryAfter>) -> Self {
        let json = serde_json::from_str::<Value>(&body).unwrap_or_default();
        let member = |name| json.get(name).and_then(Value::as_str);
        let code = named.or(member("__type")).or(member("code")).or(xml_element(&body, "Code")).unwrap_or_default();
        let code = code.rsplit_once('#').map_or(code, |(_, name)| name);
        let code = code.split_once(':').map_or(code, |(name, _)| name).to_owned();
        Self { status, retry_after, code, body }
    }

    /// Whether the call succeeded.
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether it is the error `code`.
    pub(super) fn is_error(&self, code: &str) -> bool {
        self.status >= 400 && self.code == code
    }

    /// Its text.
    pub(super) fn body(&self) -> &str {
        &self.body
    }

    /// The answer to a call that succeeded; null when it failed or is no JSON.
    pub(super) fn output(&self) -> Value {
        self.is_success().then(|| serde_json::from_str(&self.body).ok()).flatten().unwrap_or_default()
    }

    /// What it means. Throttled and failed calls are tried again; a missing resource or permission, or an input that is
    /// refused, stays what it is.
    pub(super) fn outcome(self) -> AttemptOutcome {
        let Self { status, retry_after, code, mut body } = self;
        let end = (0..=ANSWER_EXCERPT_BYTES_MAX.min(body.len())).rev().find(|end| body.is_char_boundary(*end));
        body.truncate(end.unwrap_or(0));
        let excerpt = body.trim().to_owned();
        if status < 400 {
            return AttemptOutcome::from_http_status(status, excerpt, retry_after);
        }
        let asks_for_less = ["Throttl", "LimitExceeded", "QuotaExceeded"].iter().any(|part| code.contains(part));
        if asks_for_less || THROTTLED.contains(&code.as_str()) {
            return AttemptOutcome::Throttled { status, excerpt, retry_after };
        }
        if PASSING.contains(&code.as_str()) {
            return AttemptOutcome::TargetFailed { status, excerpt, retry_after };
        }
        AttemptOutcome::from_http_status(status, excerpt, retry_after)
    }
}

/// The text of the first element of this name; good enough for the errors of the query protocol.
pub(super) fn xml_element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(status: u16, named: Option<&str>, body: &str) -> &'static str {
        Answer::new(status, named, body.to_owned(), None).outcome().error_code()
    }

    #[test]
    fn errors_of_all_protocols_are_understood() {
        let xml = |code: &str| {
            format!("<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code></Error></ErrorResponse>")
        };
        let json = |code: &str| format!(r#"{{"__type":"com.amazonaws.x#{code}","message":"m"}}"#);
        for (status, code, expected) in [
            (400, "ThrottlingException", "THROTTLED"),
            (400, "ProvisionedThroughputExceededException", "THROTTLED"),
            (400, "KMSThrottlingException", "THROTTLED"),
            (400, "ExecutionLimitExceeded", "THROTTLED"),
            (400, "AutomationExecutionLimitExceededException", "THROTTLED"),
            (503, "RequestLimitExceeded", "THROTTLED"),
            (429, "TooManyRequestsException", "THROTTLED"),
            (402, "ServiceQuotaExceededException", "THROTTLED"),
            (400, "InternalFailureException", "TARGET_FAILED"),
            (400, "ServerException", "TARGET_FAILED"),
            (410, "EFSIOException", "TARGET_FAILED"),
            (403, "ExpiredTokenException", "TARGET_FAILED"),
            (403, "InvalidSignatureException", "TARGET_FAILED"),
            (403, "AccessDeniedException", "REFUSED_BY_TARGET"),
            (400, "ResourceNotFoundException", "REFUSED_BY_TARGET"),
            (404, "NotFound", "REFUSED_BY_TARGET"),
            (413, "RequestTooLargeException", "REFUSED_BY_TARGET"),
            (500, "InternalFailure", "TARGET_FAILED"),
            (503, "ServiceUnavailable", "TARGET_FAILED"),
            (200, "", "DELIVERED"),
        ] {
            assert_eq!(code_of(status, None, &json(code)), expected, "{code}");
            assert_eq!(code_of(status, None, &xml(code)), expected, "{code}");
            assert_eq!(code_of(status, Some(&format!("{code}:http://x/")), "{}"), expected, "{code}");
        }
        assert_eq!(code_of(400, None, "\u{0}no answer of a service"), "REFUSED_BY_TARGET");
    }

    #[test]
    fn a_long_answer_is_cut_between_characters() {
        let outcome = Answer::new(404, None, "ä".repeat(600), None).outcome();
        let AttemptOutcome::Refused { excerpt, .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!(excerpt, "ä".repeat(ANSWER_EXCERPT_BYTES_MAX / 2));
    }
}

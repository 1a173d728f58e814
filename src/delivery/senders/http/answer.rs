//! What the answer of a target means, and what it means that there is none.

use std::error::Error;

use eventyard_core::delivery::AttemptOutcome;
use eventyard_core::limits::ANSWER_EXCERPT_BYTES_MAX;
use eventyard_core::retry_after::RetryAfter;
use eventyard_core::secret::redacted;
use reqwest::Response;
use reqwest::header::{LOCATION, RETRY_AFTER};

use crate::delivery::egress::Unresolved;

/// What an answer means. What is told of it shows none of `secrets`.
pub(super) async fn outcome(response: Response, secrets: &[&str]) -> AttemptOutcome {
    let status = response.status().as_u16();
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| RetryAfter::parse(value.to_str().ok()?));
    let detail = if response.status().is_redirection() {
        response
            .headers()
            .get(LOCATION)
            .map(|location| redacted(&String::from_utf8_lossy(location.as_bytes()), secrets))
            .unwrap_or_default()
    } else {
        excerpt(response, secrets).await
    };
    AttemptOutcome::from_http_status(status, detail, retry_after)
}

/// The beginning of the answer, which often says what is wrong. Reading a short answer to its end also lets the connection
/// be used again; a long one is cut off.
async fn excerpt(mut response: Response, secrets: &[&str]) -> String {
    let is_wanted = !response.status().is_success();
    let (mut text, mut read) = (Vec::new(), 0);
    // A secret that is cut off would not be known again.
    let wanted = ANSWER_EXCERPT_BYTES_MAX + secrets.iter().map(|secret| secret.len()).max().unwrap_or(0);
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        let room = wanted.saturating_sub(text.len());
        if is_wanted {
            text.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        }
        if read > 64 * 1024 {
            break;
        }
    }
    let mut text = redacted(&String::from_utf8_lossy(&text), secrets);
    let end = (0..=ANSWER_EXCERPT_BYTES_MAX).rev().find(|end| text.is_char_boundary(*end));
    text.truncate(end.unwrap_or(0));
    text.trim().to_owned()
}

/// How an attempt ended that got no answer.
pub(in crate::delivery::senders) fn failure(error: &reqwest::Error) -> AttemptOutcome {
    if error.is_timeout() {
        let waited_for = if error.is_connect() { "a connection" } else { "the answer" };
        return AttemptOutcome::TimedOut { waited_for };
    }
    if error.is_builder() {
        return AttemptOutcome::RequestInvalid { reason: error.to_string() };
    }
    // The innermost cause is the one that tells something: "connection refused", "certificate expired".
    let mut cause: &dyn Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
        if let Some(Unresolved::Forbidden(forbidden)) = cause.downcast_ref() {
            return AttemptOutcome::AddressForbidden(*forbidden);
        }
    }
    AttemptOutcome::ConnectionFailed { reason: cause.to_string() }
}

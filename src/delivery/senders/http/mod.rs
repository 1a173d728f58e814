//! HTTP targets: a POST of the shaped event to the URL that is the target's Arn.

#[cfg(test)]
mod tests;

use std::error::Error;
use std::time::Duration;

use crate::delivery::egress::{EgressGuard, Unresolved};
use eventyard_core::delivery::AttemptOutcome;
use eventyard_core::event::EventId;
use eventyard_core::limits::ANSWER_EXCERPT_BYTES_MAX;
use eventyard_core::retry_after::RetryAfter;
use eventyard_core::target::{CompiledHttpParameters, HttpUrl};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Client, Response, Url, redirect};

/// The header that carries the event's id, so that a target can tell a repetition.
const EVENT_ID_HEADER: &str = "eventyard-event-id";
/// The header that carries the number of the attempt, from 1.
const ATTEMPT_HEADER: &str = "eventyard-attempt";

/// Posts to HTTP targets. Connections are kept and shared by targets of the same origin.
#[derive(Clone, Debug)]
pub struct HttpSender {
    /// For what the operator wrote: it is not guarded.
    pub(super) client: Client,
    /// For what targets name.
    guarded: Client,
    guard: EgressGuard,
    pub(super) response_timeout: Duration,
}

/// The HTTP client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make the HTTP client: {0}")]
pub struct HttpSenderError(#[from] reqwest::Error);

/// One request.
#[derive(Debug)]
pub(in crate::delivery) struct HttpRequest<'a> {
    pub(in crate::delivery) url: &'a HttpUrl,
    pub(in crate::delivery) parameters: &'a CompiledHttpParameters,
    /// The event, whose parts parameters may name.
    pub(in crate::delivery) envelope: &'a str,
    pub(in crate::delivery) event: EventId,
    pub(in crate::delivery) attempt: u32,
    /// What is posted.
    pub(in crate::delivery) body: String,
    /// Time for the whole exchange, when it is another than that of all targets.
    pub(in crate::delivery) response_timeout: Option<Duration>,
}

impl HttpSender {
    /// A sender to the addresses that `guard` lets through. It waits `connect_timeout` for a connection and `response_timeout` for the whole exchange.
    ///
    /// # Errors
    /// When the TLS library cannot be set up.
    pub fn new(
        guard: EgressGuard,
        connect_timeout: Duration,
        response_timeout: Duration,
    ) -> Result<Self, HttpSenderError> {
        // Only the first call in a process decides, and all calls decide the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = || {
            Client::builder()
                .connect_timeout(connect_timeout)
                // Events go where the operator said, not where an answer or the environment points.
                .redirect(redirect::Policy::none())
                .no_proxy()
                .tcp_nodelay(true)
                .user_agent(concat!("eventyard/", env!("CARGO_PKG_VERSION")))
        };
        let guarded = builder().dns_resolver(guard.clone()).build()?;
        Ok(Self { client: builder().build()?, guarded, guard, response_timeout })
    }

    /// Makes one attempt.
    pub(in crate::delivery) async fn send(&self, request: HttpRequest<'_>) -> AttemptOutcome {
        let (url, headers) = match request.address() {
            Ok(address) => address,
            Err(reason) => return AttemptOutcome::RequestInvalid { reason },
        };
        // A host that is an address is connected to without asking the resolver.
        if let Err(forbidden) = self.guard.check_host(url.host_str().unwrap_or_default()) {
            return AttemptOutcome::AddressForbidden(forbidden);
        }
        let timeout = request.response_timeout.unwrap_or(self.response_timeout);
        let exchange = async {
            let response = self.guarded.post(url).headers(headers).body(request.body).send().await?;
            Ok(outcome(response).await)
        };
        match tokio::time::timeout(timeout, exchange).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => failure(&error),
            Err(_) => AttemptOutcome::TimedOut { waited_for: "the answer" },
        }
    }
}

impl HttpRequest<'_> {
    /// The URL and the headers with the parameters in their places.
    fn address(&self) -> Result<(Url, HeaderMap), String> {
        let mut path = String::with_capacity(self.url.path.len());
        let mut values = self.parameters.path_values.iter();
        for part in self.url.path.split_inclusive('*') {
            match (part.strip_suffix('*'), values.by_ref()) {
                (None, _) => path.push_str(part),
                (Some(before), values) => {
                    path.push_str(before);
                    let value = values.next().map(|value| value.resolve(self.envelope)).unwrap_or_default();
                    push_path_value(&mut path, &value)?;
                }
            }
        }
        let mut url = Url::parse(&self.url.origin).map_err(|error| error.to_string())?;
        url.set_path(&path);
        url.set_query(self.url.query.as_deref());
        for (key, value) in &self.parameters.query {
            url.query_pairs_mut().append_pair(key, &value.resolve(self.envelope));
        }
        Ok((url, self.headers()?))
    }

    fn headers(&self) -> Result<HeaderMap, String> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let id = HeaderValue::from_str(&self.event.to_string()).map_err(|error| error.to_string())?;
        headers.insert(EVENT_ID_HEADER, id);
        headers.insert(ATTEMPT_HEADER, HeaderValue::from(self.attempt));
        for (name, value) in &self.parameters.headers {
            let wrong = |reason: String| format!("the header '{name}': {reason}");
            let key = HeaderName::from_bytes(name.as_bytes()).map_err(|error| wrong(error.to_string()))?;
            let value =
                HeaderValue::from_str(&value.resolve(self.envelope)).map_err(|error| wrong(error.to_string()))?;
            headers.insert(key, value);
        }
        Ok(headers)
    }
}

/// A path value stands for exactly one segment: what would end it is escaped, and what would leave it is refused.
fn push_path_value(path: &mut String, value: &str) -> Result<(), String> {
    if matches!(value, "" | "." | "..") {
        return Err(format!("the path value '{value}' is no segment of a path"));
    }
    // A URL's parser drops tabs and line breaks, and would then see a `..` that was not there before.
    if value.chars().any(char::is_control) {
        return Err(format!("the path value {value:?} holds a control character"));
    }
    for character in value.chars() {
        match character {
            '/' => path.push_str("%2F"),
            '\\' => path.push_str("%5C"),
            '?' => path.push_str("%3F"),
            '#' => path.push_str("%23"),
            '%' => path.push_str("%25"),
            other => path.push(other),
        }
    }
    Ok(())
}

async fn outcome(response: Response) -> AttemptOutcome {
    let status = response.status().as_u16();
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| RetryAfter::parse(value.to_str().ok()?));
    let detail = if response.status().is_redirection() {
        response
            .headers()
            .get(LOCATION)
            .map(|location| String::from_utf8_lossy(location.as_bytes()).into_owned())
            .unwrap_or_default()
    } else {
        excerpt(response).await
    };
    AttemptOutcome::from_http_status(status, detail, retry_after)
}

/// The beginning of the answer, which often says what is wrong. Reading a short answer to its end also lets the connection
/// be used again; a long one is cut off.
async fn excerpt(mut response: Response) -> String {
    let is_wanted = !response.status().is_success();
    let (mut text, mut read) = (Vec::new(), 0);
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        let room = ANSWER_EXCERPT_BYTES_MAX.saturating_sub(text.len());
        if is_wanted {
            text.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        }
        if read > 64 * 1024 {
            break;
        }
    }
    String::from_utf8_lossy(&text).trim().to_owned()
}

/// How an attempt ended that got no answer.
pub(super) fn failure(error: &reqwest::Error) -> AttemptOutcome {
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

//! A client of the API, for a few operations at a time.

use clap::Args;
use eventyard_core::clock::Clock as _;
use eventyard_core::secret::Secret;
use eventyard_core::sigv4::{Request, amz_date, authorization};
use reqwest::Url;
use reqwest::blocking::{Client, RequestBuilder};
use serde_json::{Map, Value, json};

use crate::cli::client::{TrustArguments, innermost};
use crate::runtime::SystemClock;

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// Which daemon, and who asks it.
#[derive(Debug, Args)]
pub(super) struct ApiArguments {
    /// URL of the daemon's API listener (`api.listen`). The access key is taken from `AWS_ACCESS_KEY_ID` and
    /// `AWS_SECRET_ACCESS_KEY`, with `AWS_SESSION_TOKEN` if there is one; a daemon without accounts takes any.
    #[arg(long, value_name = "URL", env = "AWS_ENDPOINT_URL_EVENTBRIDGE", default_value = "http://127.0.0.1:4010")]
    endpoint: String,
    /// The region.
    #[arg(long, value_name = "REGION", env = "AWS_REGION", default_value = "us-east-1")]
    pub(super) region: String,
    #[command(flatten)]
    trust: TrustArguments,
}

/// An error of the service.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {message}")]
pub(super) struct ApiError {
    /// Amazon's name of it; empty when there was no answer.
    pub(super) code: String,
    message: String,
}

impl ApiError {
    pub(super) fn new(code: &str, message: &str) -> Self {
        Self { code: code.to_owned(), message: message.to_owned() }
    }
}

/// Asks one daemon as one access key.
pub(super) struct Api {
    client: Client,
    url: Url,
    region: String,
    key: (String, Secret),
    session_token: Option<String>,
}

impl Api {
    /// A client. The access key comes from the environment.
    pub(super) fn new(arguments: ApiArguments) -> Result<Self, String> {
        let client = arguments.trust.client()?;
        let url =
            Url::parse(&arguments.endpoint).map_err(|error| format!("--endpoint {}: {error}", arguments.endpoint))?;
        let key = variable("AWS_ACCESS_KEY_ID").zip(variable("AWS_SECRET_ACCESS_KEY"));
        let (id, secret) = key.unwrap_or_else(|| ("anybody".to_owned(), "anybody".to_owned()));
        let session_token = variable("AWS_SESSION_TOKEN");
        Ok(Self { client, url, region: arguments.region, key: (id, Secret::new(&secret)), session_token })
    }

    /// Calls an operation.
    pub(super) fn call(&self, operation: &str, request: &Value) -> Result<Value, ApiError> {
        let failed = |error: reqwest::Error| {
            let (url, why) = (&self.url, innermost(&error));
            ApiError::new("No answer", &format!("{url}: {why}; is it running, and is --endpoint its api.listen?"))
        };
        let response = self.request(operation, request.to_string()).send().map_err(failed)?;
        let is_success = response.status().is_success();
        let body = response.bytes().map_err(failed)?;
        let answer: Value = if body.is_empty() { json!({}) } else { serde_json::from_slice(&body).unwrap_or_default() };
        if is_success {
            return Ok(answer);
        }
        let text = |member: &str| answer[member].as_str().unwrap_or_default();
        Err(ApiError::new(text("__type"), text("message")))
    }

    /// All items of a list that comes in pages.
    pub(super) fn list(&self, operation: &str, request: Value, member: &str) -> Result<Vec<Value>, ApiError> {
        let (mut request, mut items) = (request, Vec::new());
        loop {
            let mut page = self.call(operation, &request)?;
            if let Value::Array(more) = page[member].take() {
                items.extend(more);
            }
            match page["NextToken"].take() {
                Value::Null => return Ok(items),
                token => request["NextToken"] = token,
            }
        }
    }

    fn request(&self, operation: &str, body: String) -> RequestBuilder {
        let now = SystemClock.now();
        let host = match (self.url.host_str().unwrap_or_default(), self.url.port()) {
            (host, Some(port)) => format!("{host}:{port}"),
            (host, None) => host.to_owned(),
        };
        let mut headers = vec![
            ("content-type", CONTENT_TYPE.to_owned()),
            ("x-amz-date", amz_date(now)),
            ("x-amz-target", format!("AWSEvents.{operation}")),
        ];
        if let Some(token) = &self.session_token {
            headers.push(("x-amz-security-token", token.clone()));
        }
        let signed = headers.iter().map(|(name, value)| (*name, value.as_bytes())).chain([("host", host.as_bytes())]);
        let request = Request {
            method: "POST",
            path: self.url.path(),
            query: "",
            headers: signed.collect(),
            body: body.as_bytes(),
        };
        let signature = authorization(&request, (&self.region, "events"), now, (&self.key.0, &self.key.1));
        let builder = self.client.post(self.url.clone()).header("authorization", signature);
        headers.into_iter().fold(builder, |builder, (name, value)| builder.header(name, value)).body(body)
    }
}

/// A variable that holds something.
fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "whom a client asks as is no configuration of the daemon")]
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The members of `from` with these names, as far as they are there.
pub(super) fn members(from: &Value, names: &[&str]) -> Map<String, Value> {
    let given = names.iter().filter_map(|name| Some(((*name).to_owned(), from.get(name)?.clone())));
    given.collect()
}

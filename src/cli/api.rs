//! A client of the API, for commands that ask as any client does.

use std::process::ExitCode;

use clap::Args;
use eventyard_core::clock::Clock as _;
use eventyard_core::secret::Secret;
use eventyard_core::sigv4::{Request, amz_date, authorization};
use reqwest::Url;
use reqwest::blocking::{Client, RequestBuilder};
use serde_json::{Map, Value, json};

use super::Exit;
use super::client::{TrustArguments, innermost};
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

/// Why there is no answer, or not the one that was wanted.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("{0}")]
    Client(String),
    #[error("no answer: {url}: {reason}; is it running, and is --endpoint its api.listen?")]
    Unreachable { url: Url, reason: String },
    /// An error of the service, by Amazon's name of it.
    #[error("{code}: {message}")]
    Refused { code: String, message: String },
}

impl Failure {
    pub(super) fn refused(code: &str, message: &str) -> Self {
        Self::Refused { code: code.to_owned(), message: message.to_owned() }
    }
}

/// How a command ends that asked.
pub(super) fn exit(done: Result<(), Failure>) -> ExitCode {
    let Err(failure) = done else { return ExitCode::SUCCESS };
    let exit = match failure {
        Failure::Client(_) => Exit::Invalid,
        Failure::Unreachable { .. } => Exit::Unreachable,
        Failure::Refused { .. } => Exit::Refused,
    };
    exit.because(&failure)
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
    pub(super) fn new(arguments: ApiArguments) -> Result<Self, Failure> {
        let client = arguments.trust.client().map_err(Failure::Client)?;
        let url = Url::parse(&arguments.endpoint)
            .map_err(|error| Failure::Client(format!("--endpoint {}: {error}", arguments.endpoint)))?;
        let key = variable("AWS_ACCESS_KEY_ID").zip(variable("AWS_SECRET_ACCESS_KEY"));
        let (id, secret) = key.unwrap_or_else(|| ("anybody".to_owned(), "anybody".to_owned()));
        let session_token = variable("AWS_SESSION_TOKEN");
        Ok(Self { client, url, region: arguments.region, key: (id, Secret::new(&secret)), session_token })
    }

    /// Calls an operation.
    pub(super) fn call(&self, operation: &str, request: &Value) -> Result<Value, Failure> {
        let failed = |error: reqwest::Error| Failure::Unreachable { url: self.url.clone(), reason: innermost(&error) };
        let response = self.request(operation, request.to_string()).send().map_err(failed)?;
        let is_success = response.status().is_success();
        let body = response.bytes().map_err(failed)?;
        let answer: Value = if body.is_empty() { json!({}) } else { serde_json::from_slice(&body).unwrap_or_default() };
        if is_success {
            return Ok(answer);
        }
        let text = |member: &str| answer[member].as_str().unwrap_or_default();
        Err(Failure::refused(text("__type"), text("message")))
    }

    /// All items of a list that comes in pages.
    pub(super) fn list(&self, operation: &str, request: Value, member: &str) -> Result<Vec<Value>, Failure> {
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

    /// The rules of an event bus; without one, of all.
    pub(super) fn rules(&self, event_bus: Option<String>) -> Result<Vec<Value>, Failure> {
        let of_bus = |bus: Value| self.list("ListRules", json!({ "EventBusName": bus["Name"] }), "Rules");
        let rules = self.event_buses(event_bus)?.into_iter().map(of_bus);
        Ok(rules.collect::<Result<Vec<_>, _>>()?.concat())
    }

    /// This event bus, by its Name; without one, all.
    pub(super) fn event_buses(&self, event_bus: Option<String>) -> Result<Vec<Value>, Failure> {
        match event_bus {
            Some(bus) => Ok(vec![json!({ "Name": bus })]),
            None => self.list("ListEventBuses", json!({}), "EventBuses"),
        }
    }

    /// The targets of a rule, which has its Name and its `EventBusName`.
    pub(super) fn targets(&self, rule: &Value) -> Result<Vec<Value>, Failure> {
        let of_rule = json!({ "Rule": rule["Name"], "EventBusName": rule["EventBusName"] });
        self.list("ListTargetsByRule", of_rule, "Targets")
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

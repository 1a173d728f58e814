//! Sends spans to the collector: OTLP over HTTP, in Protobuf, many at a time.

use std::time::Duration;

use eventyard_core::secret::Secret;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, StatusCode, redirect};
use tokio::sync::mpsc;

use super::span::attribute;
use crate::telemetry::{SpansExported, Telemetry};

const NAME: &str = env!("CARGO_PKG_NAME");
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Spans that are sent together.
const BATCH_MAX: usize = 512;
/// How long the first of them waits for others.
const GATHERING: Duration = Duration::from_secs(1);
/// How often a batch is sent that the collector has no time for. What comes meanwhile waits in the queue.
const TRIES_MAX: u32 = 5;
/// The wait after the first try; it doubles. Also the wait after a batch that is given up.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a daemon that stops waits for its last spans to be taken.
const FLUSHING: Duration = Duration::from_secs(2);

/// Where spans are sent to, and which.
#[derive(Clone, Debug)]
pub struct Collector {
    /// The URL with its path.
    pub endpoint: String,
    /// What it asks for, such as a key.
    pub headers: Vec<(String, Secret)>,
    /// Time for one request.
    pub timeout: Duration,
    /// By what name the daemon is known there.
    pub service_name: String,
    /// Of a million events whose senders say nothing of a trace, so many begin one.
    pub sample_per_million: u64,
}

/// Why spans cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum TraceExporterError {
    /// The HTTP client cannot be made.
    #[error("cannot make the HTTP client for traces: {0}")]
    Client(#[from] reqwest::Error),
    /// A header cannot be sent.
    #[error("traces.headers_file: the header '{0}' cannot be sent")]
    Header(String),
}

/// Why a batch was not taken.
struct NotTaken {
    reason: String,
    /// Whether the same may be taken later.
    may_pass: bool,
}

/// Takes spans from the queue and sends them.
#[derive(Debug)]
pub struct TraceExporter {
    waiting: mpsc::Receiver<Span>,
    /// What is sent next, or being sent.
    batch: Vec<Span>,
    client: Client,
    endpoint: String,
    resource: Resource,
}

impl TraceExporter {
    pub(super) fn new(collector: Collector, waiting: mpsc::Receiver<Span>) -> Result<Self, TraceExporterError> {
        // Only the first call in a process decides, and all calls decide the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .timeout(collector.timeout)
            .default_headers(headers(&collector.headers)?)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .http1_only()
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
            .build()?;
        let attributes = [("service.name", collector.service_name.as_str()), ("service.version", VERSION)];
        let attributes = attributes.into_iter().map(|(key, value)| attribute(key, &value.into())).collect();
        let resource = Resource { attributes, ..Resource::default() };
        Ok(Self { waiting, batch: Vec::new(), client, endpoint: collector.endpoint, resource })
    }

    /// Sends what comes until `stop`, then for a short while what is left. A batch that was being sent then is sent once more.
    pub async fn run(mut self, telemetry: &Telemetry, stop: impl Future<Output = ()>) {
        tokio::select! {
            () = self.send_all(telemetry) => {}
            () = stop => {}
        }
        if tokio::time::timeout(FLUSHING, self.flush(telemetry)).await.is_err() {
            let count = (self.batch.len() + self.waiting.len()) as u64;
            telemetry.record(&SpansExported { count, rejected: count, reason: "the daemon stops" });
        }
    }

    async fn flush(&mut self, telemetry: &Telemetry) {
        loop {
            while self.batch.len() < BATCH_MAX
                && let Ok(span) = self.waiting.try_recv()
            {
                self.batch.push(span);
            }
            if self.batch.is_empty() {
                return;
            }
            self.send(1, telemetry).await;
        }
    }

    async fn send_all(&mut self, telemetry: &Telemetry) {
        while self.waiting.recv_many(&mut self.batch, BATCH_MAX).await > 0 {
            let gathered = tokio::time::sleep(GATHERING);
            tokio::pin!(gathered);
            while self.batch.len() < BATCH_MAX {
                let left = BATCH_MAX - self.batch.len();
                tokio::select! {
                    more = self.waiting.recv_many(&mut self.batch, left) => if more == 0 { break },
                    () = &mut gathered => break,
                }
            }
            if !self.send(TRIES_MAX, telemetry).await {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// Sends the batch and says whether it was taken. Either way it is done with.
    async fn send(&mut self, tries_max: u32, telemetry: &Telemetry) -> bool {
        let scope = InstrumentationScope { name: NAME.to_owned(), version: VERSION.to_owned(), ..Default::default() };
        let spans_of_scope = ScopeSpans { scope: Some(scope), spans: self.batch.clone(), ..ScopeSpans::default() };
        let of_resource = ResourceSpans {
            resource: Some(self.resource.clone()),
            scope_spans: vec![spans_of_scope],
            ..ResourceSpans::default()
        };
        let body = ExportTraceServiceRequest { resource_spans: vec![of_resource] }.encode_to_vec();
        let (count, mut number) = (self.batch.len() as u64, 1);
        let (rejected, reason) = loop {
            match self.post(body.clone()).await {
                Ok(rejected) => break (rejected, String::new()),
                Err(NotTaken { may_pass: true, .. }) if number < tries_max => {
                    tokio::time::sleep(PAUSE * (1 << (number - 1))).await;
                    number += 1;
                }
                Err(NotTaken { reason, .. }) => break (count, reason),
            }
        };
        self.batch.clear();
        telemetry.record(&SpansExported { count, rejected, reason: &reason });
        rejected == 0
    }

    /// Answers how many of the spans the collector did not want.
    async fn post(&self, body: Vec<u8>) -> Result<u64, NotTaken> {
        let request = self.client.post(&self.endpoint).header(CONTENT_TYPE, "application/x-protobuf").body(body);
        let failed = |error: reqwest::Error| NotTaken { reason: innermost(&error), may_pass: true };
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        if !status.is_success() {
            let busy = [
                StatusCode::TOO_MANY_REQUESTS,
                StatusCode::BAD_GATEWAY,
                StatusCode::SERVICE_UNAVAILABLE,
                StatusCode::GATEWAY_TIMEOUT,
            ];
            let reason = format!("the collector answers {status}");
            return Err(NotTaken { reason, may_pass: busy.contains(&status) });
        }
        let answer = response.bytes().await.map_err(failed)?;
        let partial = ExportTraceServiceResponse::decode(answer).ok().and_then(|answer| answer.partial_success);
        Ok(partial.and_then(|partial| u64::try_from(partial.rejected_spans).ok()).unwrap_or(0))
    }
}

fn headers(given: &[(String, Secret)]) -> Result<HeaderMap, TraceExporterError> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let wrong = || TraceExporterError::Header(name.clone());
        let mut value = HeaderValue::from_str(value.expose()).map_err(|_| wrong())?;
        value.set_sensitive(true);
        headers.insert(HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?, value);
    }
    Ok(headers)
}

/// The innermost cause, which is the one that tells something.
fn innermost(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), innermost)
}

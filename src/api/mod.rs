//! The API: Amazon's operations at `POST /`, `POST /events` for people with curl, and `POST /cloudevents`.
//!
//! A request comes from [`crate::http`] with its body. `operation` knows the names of all operations and which are there;
//! `operations` has one file a noun, which decodes the wire form, checks it against the model, asks the engine and encodes
//! the answer. Errors leave in one form, made in `wire`.

mod cloud_events;
mod object;
mod operation;
mod operations;
mod plain_events;
mod query_input;
mod wire;

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use eventyard_core::error::{ErrorCode, ServiceError};
use eventyard_core::event::EventId;
use hyper::header::{HeaderValue, ORIGIN};
use hyper::{Method, StatusCode};

use crate::auth::{AllowedHosts, Authenticator, Identity, Throttle};
use crate::engine::{Caller, Engine};
use crate::http::{Answer, BodyError, Handler, Request};
use crate::runtime::Random;
use crate::telemetry::{RequestAnswered, Telemetry};
use operation::Operation;

/// Where the operation's name stands, behind `AWSEvents.`.
const TARGET_HEADER: &str = "x-amz-target";
/// The header of an answer that carries the request's id.
const REQUEST_ID_HEADER: &str = "x-amzn-requestid";

/// Answers the requests of the API listener.
#[derive(Debug)]
pub struct Api {
    engine: Arc<Engine>,
    access: Access,
    random: Arc<Random>,
    telemetry: Arc<Telemetry>,
}

/// What decides whether a request is answered at all.
#[derive(Debug)]
pub struct Access {
    /// Who it comes from.
    pub authenticator: Authenticator,
    /// Where it may be sent to.
    pub allowed_hosts: AllowedHosts,
    /// How many there may be.
    pub throttle: Throttle,
}

/// The forms of events that do not come as an operation.
enum Ingest {
    Plain,
    CloudEvents,
}

/// The ways to tell whom a request comes from.
type Authenticate = fn(&Authenticator, &Request, &[u8]) -> Result<Identity, ServiceError>;

/// An answer before it has its id.
struct Outcome {
    operation: &'static str,
    content_type: &'static str,
    result: Result<Vec<u8>, ServiceError>,
}

impl Api {
    /// An API over `engine`, for those whom `access` lets in.
    #[must_use]
    pub fn new(engine: Arc<Engine>, access: Access, random: Arc<Random>, telemetry: Arc<Telemetry>) -> Self {
        Self { engine, access, random, telemetry }
    }

    async fn outcome(&self, request: Request) -> Outcome {
        let (operation, result) = match (&request.method, request.uri.path()) {
            (&Method::POST, "/") => return self.operation(request).await,
            // A presigned URL can be made for any method; without a body they all are the same.
            (&Method::GET, "/") if query_input::is_presigned(&request) => return self.operation(request).await,
            (&Method::POST, "/events") => ("POST /events", self.ingest(&request, Ingest::Plain).await),
            (&Method::POST, "/cloudevents") => ("POST /cloudevents", self.ingest(&request, Ingest::CloudEvents).await),
            _ => ("Unknown", Err(no_such_resource(&request))),
        };
        Outcome { operation, content_type: wire::JSON, result }
    }

    /// One of Amazon's operations.
    async fn operation(&self, request: Request) -> Outcome {
        let named = request.headers.get(TARGET_HEADER).and_then(|name| name.to_str().ok()).unwrap_or_default();
        let operation = Operation::find(named);
        let name = operation.as_ref().map_or("Unknown", |operation| operation.name());
        let result = match self.caller(&request) {
            Err(error) => Err(error),
            Ok((caller, body)) => match operation {
                Err(error) => Err(error),
                Ok(operation) => operation.run(&self.engine, &caller, &body).await,
            },
        };
        Outcome { operation: name, content_type: wire::AWS_JSON, result }
    }

    /// Events that do not come as an operation.
    async fn ingest(&self, request: &Request, ingest: Ingest) -> Result<Vec<u8>, ServiceError> {
        // A page of another site could send this without asking; no other client says where it comes from.
        if request.headers.contains_key(ORIGIN) {
            return Err(ServiceError::validation(
                "Events are not taken from web pages: the request has an Origin header.",
            ));
        }
        let (identity, body) = self.admit(request, Authenticator::authenticate_events)?;
        let caller = caller_of(identity);
        match ingest {
            Ingest::Plain => plain_events::post(&self.engine, &caller, body).await,
            Ingest::CloudEvents => cloud_events::post(&self.engine, &caller, request, body).await,
        }
    }

    /// Who asks, and what is asked: the body, or what a presigned URL says in its place.
    fn caller(&self, request: &Request) -> Result<(Caller, Bytes), ServiceError> {
        let (identity, body) = self.admit(request, Authenticator::authenticate)?;
        let from_query = identity.is_presigned && body.is_empty();
        let body = if from_query { query_input::read(request)? } else { body.clone() };
        Ok((caller_of(identity), body))
    }

    /// Whom a request comes from, if it may come in, and its body.
    fn admit<'r>(
        &self,
        request: &'r Request,
        authenticate: Authenticate,
    ) -> Result<(Identity, &'r Bytes), ServiceError> {
        let Access { authenticator, allowed_hosts, throttle } = &self.access;
        allowed_hosts.check(request, &self.telemetry)?;
        let body = request.body.as_ref().map_err(|error| body_error(*error))?;
        let identity = authenticate(authenticator, request, body)?;
        throttle.admit(&identity.account)?;
        Ok((identity, body))
    }

    fn answer(&self, outcome: Outcome, started: Instant) -> Answer {
        let request_id = EventId::from_random(self.random.next_u128()).to_string();
        let (code, message) = match &outcome.result {
            Ok(_) => ("", ""),
            Err(error) => (error.code.name(), error.message.as_str()),
        };
        let operation = outcome.operation;
        self.telemetry.record(&RequestAnswered {
            operation,
            code,
            message,
            request_id: &request_id,
            duration: started.elapsed(),
        });
        let mut answer = wire::answer(outcome.content_type, outcome.result);
        if let Ok(value) = HeaderValue::from_str(&request_id) {
            answer.headers_mut().insert(REQUEST_ID_HEADER, value);
        }
        answer
    }
}

impl Handler for Api {
    async fn handle(&self, request: Request) -> Answer {
        let started = Instant::now();
        let outcome = self.outcome(request).await;
        self.answer(outcome, started)
    }

    fn failure(&self, status: StatusCode) -> Answer {
        let error = match status {
            StatusCode::REQUEST_TIMEOUT => ServiceError::new(ErrorCode::RequestTimeout, "The request took too long."),
            _ => ServiceError::internal(),
        };
        let outcome = Outcome { operation: "Unknown", content_type: wire::AWS_JSON, result: Err(error) };
        self.answer(outcome, Instant::now())
    }
}

fn caller_of(identity: Identity) -> Caller {
    Caller { account: identity.account, region: identity.region }
}

fn body_error(error: BodyError) -> ServiceError {
    let code = match error {
        BodyError::TooLarge(_) => ErrorCode::RequestTooLarge,
        BodyError::Broken => ErrorCode::Serialization,
    };
    ServiceError::new(code, error.to_string())
}

fn no_such_resource(request: &Request) -> ServiceError {
    let (method, path) = (&request.method, request.uri.path());
    let message = format!(
        "{method} {path} is not there. Send operations to POST / with X-Amz-Target, or events to POST /events or /cloudevents."
    );
    ServiceError::new(ErrorCode::UnknownOperation, message)
}

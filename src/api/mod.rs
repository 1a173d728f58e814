//! The API: Amazon's operations at `POST /`, and `POST /events` for people with curl.
//!
//! A request comes from [`crate::http`] with its body. `operation` knows the names of all operations and which are there;
//! `operations` has one file a noun, which decodes the wire form, checks it against the model, asks the engine and encodes
//! the answer. Errors leave in one form, made in `wire`.

mod managed_rules;
mod object;
mod operation;
mod operations;
mod plain_events;
mod wire;

use std::sync::Arc;
use std::time::Instant;

use eventyard_core::error::{ErrorCode, ServiceError};
use eventyard_core::event::EventId;
use hyper::header::{HeaderValue, ORIGIN};
use hyper::{Method, StatusCode};

use crate::engine::{Caller, Engine};
use crate::http::{Answer, BodyError, Handler, Request};
use crate::runtime::Random;
use crate::telemetry::{RequestAnswered, Telemetry};
pub use managed_rules::{ManagedRules, ManagedRulesError};

use operation::Operation;

pub use operations::targets::read_target;

/// Where the operation's name stands, behind `AWSEvents.`.
const TARGET_HEADER: &str = "x-amz-target";
/// The header of an answer that carries the request's id.
const REQUEST_ID_HEADER: &str = "x-amzn-requestid";

/// Answers the requests of the API listener.
#[derive(Debug)]
pub struct Api {
    engine: Arc<Engine>,
    caller: Caller,
    random: Arc<Random>,
    telemetry: Arc<Telemetry>,
}

/// An answer before it has its id.
struct Outcome {
    operation: &'static str,
    content_type: &'static str,
    result: Result<Vec<u8>, ServiceError>,
}

impl Api {
    /// An API in which every request is made by `caller`.
    #[must_use]
    pub fn new(engine: Arc<Engine>, caller: Caller, random: Arc<Random>, telemetry: Arc<Telemetry>) -> Self {
        Self { engine, caller, random, telemetry }
    }

    async fn outcome(&self, request: Request) -> Outcome {
        match (&request.method, request.uri.path()) {
            (&Method::POST, "/") => {
                let named = request.headers.get(TARGET_HEADER).and_then(|name| name.to_str().ok()).unwrap_or_default();
                let operation = Operation::find(named);
                let name = operation.as_ref().map_or("Unknown", |operation| operation.name());
                let result = match (operation, request.body) {
                    (Err(error), _) => Err(error),
                    (Ok(_), Err(error)) => Err(body_error(error)),
                    (Ok(operation), Ok(body)) => operation.run(&self.engine, &self.caller, &body).await,
                };
                Outcome { operation: name, content_type: wire::AWS_JSON, result }
            }
            (&Method::POST, "/events") => {
                let result = match request.body {
                    // A page of another site could send this without asking; no other client says where it comes from.
                    _ if request.headers.contains_key(ORIGIN) => Err(ServiceError::validation(
                        "Events are not taken from web pages: the request has an Origin header.",
                    )),
                    Err(error) => Err(body_error(error)),
                    Ok(body) => plain_events::post(&self.engine, &self.caller, &body).await,
                };
                Outcome { operation: "POST /events", content_type: wire::JSON, result }
            }
            _ => Outcome { operation: "Unknown", content_type: wire::JSON, result: Err(no_such_resource(&request)) },
        }
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
        "{method} {path} is not there. Send operations to POST / with X-Amz-Target, or events to POST /events."
    );
    ServiceError::new(ErrorCode::UnknownOperation, message)
}

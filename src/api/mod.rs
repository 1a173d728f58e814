//! The API: Amazon's operations at `POST /`, `POST /events` for people with curl, and `POST /cloudevents`.
//!
//! A request comes from [`crate::http`], first without its body, so that those who are not known are turned away before
//! they are listened to. `route` says what it is for, [`Access`] who may. `operation` knows the names of all operations and which are there;
//! `operations` has one file a noun, which decodes the wire form, checks it against the model, asks the engine and encodes
//! the answer. Errors leave in one form, made in `wire`.

mod cloud_events;
mod managed_rules;
mod object;
mod operation;
mod operations;
mod plain_events;
mod query_input;
mod route;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use eventyard_core::account::Account;
use eventyard_core::error::{ErrorCode, ServiceError};
use eventyard_core::event::EventId;
use eventyard_core::forwarding::{WAY_HEADER, parse_way};
use hyper::StatusCode;
use hyper::header::{HeaderMap, HeaderValue, ORIGIN, RETRY_AFTER};

use crate::auth::{AllowedHosts, Authenticator, Identity, NotTheSameAccounts, Throttle};
use crate::engine::{Caller, Engine};
use crate::http::{Answer, BodyError, Handler, Request};
use crate::runtime::Random;
use crate::telemetry::{RequestAnswered, RequestOrigin, Telemetry};
use route::Route;

pub use managed_rules::{ManagedRules, ManagedRulesError};
pub use operations::targets::read_target;

/// When who sends too fast, or more than there is room for, may try again.
const RETRY_AFTER_SECONDS: &str = "5";
/// The code of a request that succeeded.
const SUCCESS: &str = "";
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

/// An answer before it has its id.
struct Outcome {
    operation: &'static str,
    content_type: &'static str,
    /// Whether it is for people and scripts, who know HTTP and not Amazon's errors.
    is_plain: bool,
    result: Result<Vec<u8>, ServiceError>,
}

impl Api {
    /// An API over `engine`, for those whom `access` lets in.
    #[must_use]
    pub fn new(engine: Arc<Engine>, access: Access, random: Arc<Random>, telemetry: Arc<Telemetry>) -> Self {
        telemetry.metrics().begin_requests(Route::names(), [SUCCESS, ErrorCode::Internal.name()]);
        Self { engine, access, random, telemetry }
    }

    /// Takes other keys and tokens of the same accounts.
    ///
    /// # Errors
    /// When they are not the same accounts.
    pub fn replace_keys(&self, accounts: Vec<Account>) -> Result<(), NotTheSameAccounts> {
        self.access.authenticator.replace_keys(accounts)
    }

    async fn run(&self, route: Route, request: &Request) -> Result<Vec<u8>, ServiceError> {
        let (caller, body) = self.caller(&route, request)?;
        match route {
            Route::Operation(operation) => operation?.run(&self.engine, &caller, request.trace(), &body).await,
            Route::PlainEvents => plain_events::post(&self.engine, &caller, request, &body).await,
            Route::CloudEvents => cloud_events::post(&self.engine, &caller, request, &body).await,
            Route::Nothing(error) => Err(error),
        }
    }

    /// What can be said against a request before its body is there.
    fn check_head(&self, route: &Route, head: &Request) -> Result<(), ServiceError> {
        self.access.allowed_hosts.check(head, &self.telemetry)?;
        if let Route::Nothing(error) = route {
            return Err(error.clone());
        }
        // A page of another site could send events without asking; no other client says where it comes from.
        if route.takes_tokens() && head.headers.contains_key(ORIGIN) {
            return Err(ServiceError::validation(
                "Events are not taken from web pages: the request has an Origin header.",
            ));
        }
        self.access.authenticator.check_head(head, route.takes_tokens())
    }

    /// Who asks, and what is asked: the body, or what a presigned URL says in its place.
    fn caller(&self, route: &Route, request: &Request) -> Result<(Caller, Bytes), ServiceError> {
        let Access { authenticator, throttle, .. } = &self.access;
        let body = request.body.as_ref().map_err(|error| body_error(*error))?;
        let identity = if route.takes_tokens() {
            authenticator.authenticate_events(request, body)?
        } else {
            authenticator.authenticate(request, body)?
        };
        throttle.admit(&identity.account)?;
        let from_query = identity.is_presigned && body.is_empty() && matches!(route, Route::Operation(_));
        let body = if from_query { query_input::read(request)? } else { body.clone() };
        let Identity { account, region, organization, .. } = identity;
        let forwarded_from = forwarded_from(&request.headers)?;
        Ok((Caller { account, region, organization, forwarded_from }, body))
    }

    /// Names a request.
    fn origin(&self, client: SocketAddr) -> RequestOrigin {
        RequestOrigin { id: EventId::from_random(self.random.next_u128()).to_string(), client }
    }

    fn answer(&self, outcome: Outcome, started: Instant, origin: &RequestOrigin) -> Answer {
        let code = outcome.result.as_ref().map_or_else(|error| error.code.name(), |_| SUCCESS);
        let operation = outcome.operation;
        self.telemetry.record(&RequestAnswered { operation, code, origin, duration: started.elapsed() });
        let is_throttled = matches!(&outcome.result, Err(error) if error.code == ErrorCode::Throttling);
        let mut answer = wire::answer(outcome.content_type, outcome.result);
        if is_throttled && outcome.is_plain {
            *answer.status_mut() = StatusCode::TOO_MANY_REQUESTS;
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
        }
        if let Ok(value) = HeaderValue::from_str(&origin.id) {
            answer.headers_mut().insert(REQUEST_ID_HEADER, value);
        }
        answer
    }
}

impl Handler for Api {
    fn refuse(&self, head: &Request) -> Option<Answer> {
        let (started, route) = (Instant::now(), Route::of(head));
        let error = self.check_head(&route, head).err()?;
        let (operation, content_type, is_plain) = (route.name(), route.content_type(), route.takes_tokens());
        let outcome = Outcome { operation, content_type, is_plain, result: Err(error) };
        Some(self.answer(outcome, started, &self.origin(head.client)))
    }

    async fn handle(&self, request: Request) -> Answer {
        let (started, route) = (Instant::now(), Route::of(&request));
        let (operation, content_type, is_plain) = (route.name(), route.content_type(), route.takes_tokens());
        let origin = self.origin(request.client);
        let result = origin.of(self.run(route, &request)).await;
        self.answer(Outcome { operation, content_type, is_plain, result }, started, &origin)
    }

    fn failure(&self, client: SocketAddr, status: StatusCode) -> Answer {
        let error = match status {
            StatusCode::REQUEST_TIMEOUT => ServiceError::new(ErrorCode::RequestTimeout, "The request took too long."),
            _ => ServiceError::internal(),
        };
        let outcome =
            Outcome { operation: route::UNKNOWN, content_type: wire::AWS_JSON, is_plain: false, result: Err(error) };
        self.answer(outcome, Instant::now(), &self.origin(client))
    }
}

/// The way that events have behind them which another daemon forwards. Whoever lies about it only has its own events
/// forwarded less far.
fn forwarded_from(headers: &HeaderMap) -> Result<Vec<String>, ServiceError> {
    let Some(value) = headers.get(WAY_HEADER) else { return Ok(Vec::new()) };
    let invalid = || ServiceError::validation(format!("The header {WAY_HEADER} is not valid."));
    parse_way(value.to_str().map_err(|_| invalid())?).ok_or_else(invalid)
}

fn body_error(error: BodyError) -> ServiceError {
    let code = match error {
        BodyError::TooLarge(_) => ErrorCode::RequestTooLarge,
        BodyError::NoRoom => ErrorCode::Throttling,
        BodyError::Broken => ErrorCode::Serialization,
    };
    ServiceError::new(code, error.to_string())
}

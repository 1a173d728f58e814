//! The admin listener: health, metrics, the dead letters, why an event matches rules or not, and the reset of an ephemeral
//! daemon.

mod access;
mod dead_letters;
mod explain;
mod reset;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use eventyard_core::error::ServiceError;
use hyper::header::ORIGIN;
use hyper::{Method, StatusCode};

pub use access::Access;

use crate::engine::{Caller, Engine};
use crate::http::{Answer, Handler, Request, answer};
use crate::journal::Journal;
use crate::telemetry::Telemetry;

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
/// Prometheus' text format.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Whether traffic should be sent here. Set when everything is up, and taken back before anything goes down.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// Says whether traffic should be sent here.
    pub fn set(&self, is_ready: bool) {
        self.0.store(is_ready, Ordering::Release);
    }

    fn is_ready(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Answers the requests of the admin listener.
#[derive(Debug)]
pub struct Admin {
    engine: Arc<Engine>,
    caller: Caller,
    journal: Journal,
    readiness: Readiness,
    access: Access,
    /// What readiness says beside being ready; empty when there is nothing to say.
    remark: String,
    telemetry: Arc<Telemetry>,
    /// Whether `POST /reset` may empty the engine; not in a daemon that keeps its data.
    is_resettable: bool,
}

impl Admin {
    /// An admin listener's handler. `caller` has the event buses that are meant by their names. `remark` is a line that readiness says beside being ready, or empty.
    #[must_use]
    pub fn new(
        engine: Arc<Engine>,
        caller: Caller,
        journal: Journal,
        readiness: Readiness,
        access: Access,
        remark: String,
        telemetry: Arc<Telemetry>,
    ) -> Self {
        Self { engine, caller, journal, readiness, access, remark, telemetry, is_resettable: false }
    }

    /// Lets `POST /reset` empty the engine.
    #[must_use]
    pub fn with_reset(mut self) -> Self {
        self.is_resettable = true;
        self
    }

    fn explain(&self, request: &Request) -> Answer {
        match &request.body {
            Ok(body) => json(explain::explain(&self.engine, &self.caller, body)),
            Err(error) => answer(StatusCode::PAYLOAD_TOO_LARGE, TEXT, format!("{error}\n")),
        }
    }

    async fn reset(&self, request: &Request) -> Answer {
        // A page of another site could send this without asking; no other client says where it comes from.
        if request.headers.contains_key(ORIGIN) {
            return answer(StatusCode::FORBIDDEN, TEXT, "web pages cannot reset: the request has an Origin header\n");
        }
        reset::reset(&self.engine, &self.journal, &self.telemetry).await
    }

    /// Ready means: started, not stopping, and the disk has room, for without it every event is refused.
    fn ready(&self) -> Answer {
        if !self.readiness.is_ready() {
            return answer(StatusCode::SERVICE_UNAVAILABLE, TEXT, "starting or stopping\n");
        }
        match self.journal.check_room() {
            Ok(()) => answer(StatusCode::OK, TEXT, format!("ready\n{}", self.remark)),
            Err(error) => answer(StatusCode::SERVICE_UNAVAILABLE, TEXT, format!("not ready: {error}\n")),
        }
    }
}

impl Handler for Admin {
    async fn handle(&self, request: Request) -> Answer {
        if let Err(error) = self.access.check(&request, &self.telemetry) {
            return failure(&error);
        }
        let is_post = request.method == Method::POST;
        match request.uri.path() {
            "/explain" => return if is_post { self.explain(&request) } else { refuse_method("POST") },
            "/reset" if is_post && self.is_resettable => return self.reset(&request).await,
            _ => {}
        }
        if request.method != Method::GET && request.method != Method::HEAD {
            return refuse_method("GET");
        }
        match request.uri.path() {
            "/health/live" => answer(StatusCode::OK, TEXT, "alive\n"),
            "/health/ready" => self.ready(),
            "/metrics" => answer(StatusCode::OK, METRICS, self.telemetry.encode()),
            "/dead-letters" => json(dead_letters::list(&self.journal, request.uri.query().unwrap_or_default())),
            _ => answer(
                StatusCode::NOT_FOUND,
                TEXT,
                "there are /health/live, /health/ready, /metrics, /dead-letters and /explain\n",
            ),
        }
    }

    fn failure(&self, status: StatusCode) -> Answer {
        answer(status, TEXT, format!("{status}\n"))
    }
}

fn refuse_method(method: &str) -> Answer {
    answer(StatusCode::METHOD_NOT_ALLOWED, TEXT, format!("only {method} is answered here\n"))
}

fn json(result: Result<Vec<u8>, ServiceError>) -> Answer {
    match result {
        Ok(body) => answer(StatusCode::OK, JSON, body),
        Err(error) => failure(&error),
    }
}

fn failure(error: &ServiceError) -> Answer {
    let status = StatusCode::from_u16(access::status(error)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer(status, TEXT, format!("{}\n", error.message))
}

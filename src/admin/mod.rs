//! The admin listener: health, metrics, what happened to an event, why one matches rules or not, the dead letters, pausing,
//! backups, and the reset of an ephemeral daemon.

mod access;
mod backup;
mod dead_letters;
mod events;
mod explain;
mod query;
mod redrive;
mod reset;
mod rules;
mod unmatched;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use backup::Backups;
use eventyard_core::error::{ErrorCode, ServiceError};
use eventyard_core::secret::TokenHash;
use hyper::header::ORIGIN;
use hyper::{Method, StatusCode};
use query::Query;
use redrive::Redrives;

pub use access::{Access, TokensComeOrGo};

use crate::engine::{Caller, Engine};
use crate::http::{Answer, Handler, Request, answer};
use crate::journal::Journal;
use crate::runtime::{Tasks, VitalLoop};
use crate::telemetry::Telemetry;

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
/// Prometheus' text format.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Whether traffic should be sent here. Set when everything is up, and taken back before anything goes down.
#[derive(Clone, Debug)]
pub struct Readiness {
    is_up: Arc<AtomicBool>,
    loops: Arc<[VitalLoop]>,
}

impl Readiness {
    /// Of a daemon that is not up yet, and needs these loops.
    #[must_use]
    pub fn new(loops: impl IntoIterator<Item = VitalLoop>) -> Self {
        Self { is_up: Arc::default(), loops: loops.into_iter().collect() }
    }

    /// Says whether traffic should be sent here.
    pub fn set(&self, is_up: bool) {
        self.is_up.store(is_up, Ordering::Release);
    }

    /// Whether none of the loops hangs, while they are to run.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        !self.is_up() || !self.loops.iter().any(VitalLoop::hangs)
    }

    fn is_up(&self) -> bool {
        self.is_up.load(Ordering::Acquire)
    }

    /// What is wrong with the loops, if anything is.
    fn trouble(&self) -> Option<String> {
        self.loops.iter().find_map(VitalLoop::trouble)
    }
}

/// Answers the requests of the admin listener.
#[derive(Debug)]
pub struct Admin {
    engine: Arc<Engine>,
    /// Whose event buses are meant by their names alone.
    caller: Caller,
    journal: Journal,
    readiness: Readiness,
    access: Access,
    backups: Backups,
    redrives: Redrives,
    /// What readiness says beside being ready; empty when there is nothing to say.
    remark: String,
    telemetry: Arc<Telemetry>,
    /// Whether there is `POST /reset`; not in a daemon that keeps its data.
    is_resettable: bool,
}

impl Admin {
    /// An admin listener's handler. `remark` is a line that readiness says beside being ready, or empty.
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
        let (backups, redrives) = (Backups::default(), Redrives::new(Tasks::new(Arc::clone(&telemetry))));
        Self { engine, caller, journal, readiness, access, backups, redrives, remark, telemetry, is_resettable: false }
    }

    /// Lets `POST /reset` empty the engine.
    #[must_use]
    pub fn with_reset(mut self) -> Self {
        self.is_resettable = true;
        self
    }

    /// Takes other bearer tokens.
    ///
    /// # Errors
    /// When a token would be asked for where none was, or none any more.
    pub fn replace_tokens(&self, token_hashes: &[TokenHash]) -> Result<(), TokensComeOrGo> {
        self.access.replace_tokens(token_hashes)
    }

    /// Ready means: started, not stopping, delivering, and events are taken.
    fn ready(&self) -> Answer {
        if !self.readiness.is_up() {
            return answer(StatusCode::SERVICE_UNAVAILABLE, TEXT, "starting or stopping\n");
        }
        if let Some(trouble) = self.readiness.trouble() {
            return answer(StatusCode::SERVICE_UNAVAILABLE, TEXT, format!("not ready: {trouble}\n"));
        }
        match self.journal.check_intake() {
            Ok(()) => answer(StatusCode::OK, TEXT, format!("ready\n{}", self.remark)),
            Err(error) => answer(StatusCode::SERVICE_UNAVAILABLE, TEXT, format!("not ready: {error}\n")),
        }
    }
}

/// What there is, for those who ask for something else.
const KNOWN: &str = "there are GET /health/live, /health/ready, /metrics, /events/ID, /events/unmatched, /dead-letters, \
                     /dead-letters/ID and /dead-letters/redrive, and POST /backup, /dead-letters/redrive, \
                     /dead-letters/redrive/cancel, /dead-letters/ID/redrive, /dead-letters/purge, \
                     /rules/pause, /rules/resume and /explain\n";

impl Admin {
    /// What is asked about dead letters, or nothing when it is not.
    async fn dead_letters(&self, is_post: bool, path: &str, query: Query) -> Option<Result<Vec<u8>, ServiceError>> {
        let engine = &self.engine;
        let of_one = path.strip_prefix('/').filter(|id| !id.is_empty());
        Some(match (is_post, path) {
            (false, "") => dead_letters::list(engine, query).await,
            (true, "/redrive") => dead_letters::redrive(engine, (&self.redrives, &self.readiness), query).await,
            (false, "/redrive") => query.end("no parameters").and_then(|()| self.redrives.show()),
            (true, "/redrive/cancel") => query.end("no parameters").and_then(|()| self.redrives.cancel()),
            (true, "/purge") => dead_letters::purge(engine, query).await,
            _ => {
                let (id, is_redrive) =
                    of_one.map(|id| id.strip_suffix("/redrive").map_or((id, false), |id| (id, true)))?;
                if is_redrive != is_post {
                    return None;
                }
                match query.end("no parameters") {
                    Err(error) => Err(error),
                    Ok(()) if is_redrive => dead_letters::redrive_one(engine, id).await,
                    Ok(()) => dead_letters::show(engine, id).await,
                }
            }
        })
    }

    fn explain(&self, request: &Request) -> Result<Vec<u8>, ServiceError> {
        let body = request.body.as_ref();
        let body = body.map_err(|error| ServiceError::new(ErrorCode::RequestTooLarge, error.to_string()))?;
        explain::explain(&self.engine, &self.caller, body)
    }

    async fn resource(&self, request: &Request, is_post: bool) -> Answer {
        let query = match Query::parse(request.uri.query().unwrap_or_default()) {
            Ok(query) => query,
            Err(error) => return failure(&error),
        };
        let path = request.uri.path();
        let done = match (path.strip_prefix("/dead-letters"), path.strip_prefix("/events/")) {
            (Some(path), _) => self.dead_letters(is_post, path, query).await,
            (None, Some("unmatched")) if !is_post => Some(unmatched::list(&self.engine, &self.caller, query).await),
            (None, Some(id)) if !is_post => match query.end("no parameters") {
                Ok(()) => Some(events::show(&self.engine, id).await),
                Err(error) => Some(Err(error)),
            },
            (None, None) if is_post && path == "/explain" => Some(self.explain(request)),
            (None, None) if is_post && matches!(path, "/rules/pause" | "/rules/resume") => {
                Some(rules::set_paused(&self.engine, &self.caller, query, path == "/rules/pause").await)
            }
            _ => None,
        };
        match done {
            Some(Ok(body)) => answer(StatusCode::OK, JSON, body),
            Some(Err(error)) => failure(&error),
            None if is_post => answer(StatusCode::METHOD_NOT_ALLOWED, TEXT, KNOWN),
            None => answer(StatusCode::NOT_FOUND, TEXT, KNOWN),
        }
    }
}

impl Handler for Admin {
    async fn handle(&self, request: Request) -> Answer {
        if let Err(error) = self.access.check(&request, &self.telemetry) {
            return failure(&error);
        }
        let is_post = request.method == Method::POST;
        if !is_post && request.method != Method::GET && request.method != Method::HEAD {
            return answer(StatusCode::METHOD_NOT_ALLOWED, TEXT, KNOWN);
        }
        // Browsers name the page that makes them ask. No page has any business here.
        if is_post && request.headers.contains_key(ORIGIN) {
            return answer(StatusCode::FORBIDDEN, TEXT, "requests that a web page makes are refused\n");
        }
        match request.uri.path() {
            "/health/live" if !is_post => answer(StatusCode::OK, TEXT, "alive\n"),
            "/health/ready" if !is_post => self.ready(),
            "/metrics" if !is_post => answer(StatusCode::OK, METRICS, self.telemetry.encode()),
            "/backup" if is_post => self.backups.take(&self.engine, &self.telemetry).await,
            "/reset" if is_post && self.is_resettable => {
                reset::reset(&self.engine, &self.journal, &self.telemetry).await
            }
            _ => self.resource(&request, is_post).await,
        }
    }

    fn failure(&self, _client: SocketAddr, status: StatusCode) -> Answer {
        answer(status, TEXT, format!("{status}\n"))
    }
}

fn failure(error: &ServiceError) -> Answer {
    let status = StatusCode::from_u16(access::status(error)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer(status, TEXT, format!("{}\n", error.message))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http_body_util::BodyExt as _;

    use super::*;
    use crate::auth::AllowedHosts;
    use crate::engine::testing::{TestEngine, caller};
    use crate::runtime::Stop;

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_hangs_takes_readiness_back_and_is_named() {
        let test_engine = TestEngine::new();
        let (engine, telemetry) = (Arc::clone(&test_engine.engine), Arc::clone(&test_engine.telemetry));
        let vital = VitalLoop::new("dispatcher", Tasks::new(Arc::clone(&telemetry)));
        let readiness = Readiness::new([vital.clone()]);
        let access = Access::new(AllowedHosts::any(), &[], false);
        let (journal, owner) = (test_engine.journal.clone(), caller("000000000000", None));
        let admin = Admin::new(engine, owner, journal, readiness.clone(), access, String::new(), telemetry);
        let ready = async || {
            let answer = admin.ready();
            let status = answer.status().as_u16();
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            (status, String::from_utf8(body.to_vec()).unwrap())
        };
        assert_eq!(ready().await, (503, "starting or stopping\n".to_owned()));
        readiness.set(true);
        assert_eq!(ready().await, (200, "ready\n".to_owned()));
        let turning = vital.clone();
        tokio::spawn(async move { turning.turn(&Stop::default().signal(), std::future::pending::<()>()).await });
        tokio::time::sleep(Duration::from_secs(130)).await;
        assert_eq!(ready().await, (503, "not ready: the dispatcher has not moved for 130 s\n".to_owned()));
        assert!(!readiness.is_alive());
        readiness.set(false);
        assert!(readiness.is_alive(), "on its way out nothing has to move");
    }
}

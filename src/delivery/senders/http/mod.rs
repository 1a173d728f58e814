//! HTTP targets: a request with the shaped event to the URL that is the target's Arn.
//!
//! [`address`] puts the parameters of the target into the URL, [`message`] makes the request of it, with what its connection
//! adds, [`client`] keeps the [`clients`] of each connection, [`oauth`] its tokens. [`answer`] says what came of it.

mod address;
mod answer;
mod client;
mod clients;
mod message;
mod oauth;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use eventyard_core::clock::Clock;
use eventyard_core::connection::{Connection, Connections};
use eventyard_core::delivery::AttemptOutcome;
use eventyard_core::delivery_options::Timeouts;
use eventyard_core::event::EventId;
use eventyard_core::target::{CompiledHttpParameters, HttpUrl};
use eventyard_core::trace_context::TraceContext;
use reqwest::Client;
use reqwest::header::AUTHORIZATION;

use crate::delivery::egress::EgressGuard;
pub(super) use answer::failure;
use answer::outcome;
use client::{ClientSettings, ConnectionClient, ConnectionClients};
pub(super) use clients::Clients;
use message::Message;

/// Posts to HTTP targets. Connections are kept and shared by targets of the same origin.
#[derive(Debug)]
pub struct HttpSender {
    /// For what the operator wrote: they are not guarded.
    pub(super) unguarded: Arc<Clients>,
    pub(super) response_timeout: Duration,
    /// For targets without a connection.
    guarded: Clients,
    guard: EgressGuard,
    connections: ConnectionClients,
    clock: Arc<dyn Clock>,
}

/// The HTTP client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum HttpSenderError {
    /// That of all targets.
    #[error("cannot make the HTTP client: {0}")]
    Client(#[from] reqwest::Error),
    /// That of a connection.
    #[error("cannot use the connection {name}: {reason}; look at its files and its proxy")]
    Connection {
        /// Which.
        name: String,
        /// What is wrong.
        reason: String,
    },
}

/// One request.
#[derive(Debug)]
pub(in crate::delivery) struct HttpRequest<'a> {
    pub(in crate::delivery) url: &'a HttpUrl,
    pub(in crate::delivery) parameters: &'a CompiledHttpParameters,
    /// What the operator knows about the target's server.
    pub(in crate::delivery) connection: Option<Arc<Connection>>,
    /// The ARN of the rule, and the id of its target.
    pub(in crate::delivery) recipient: (&'a str, &'a str),
    /// The event, whose parts parameters may name.
    pub(in crate::delivery) envelope: &'a str,
    pub(in crate::delivery) event: EventId,
    pub(in crate::delivery) attempt: u32,
    /// The span it is made in.
    pub(in crate::delivery) trace: Option<TraceContext>,
    /// What is posted.
    pub(in crate::delivery) body: String,
    /// Whether that is the event itself, as nothing else was asked for.
    pub(in crate::delivery) is_event: bool,
    /// Times that are others than those of all targets.
    pub(in crate::delivery) timeouts: Timeouts,
}

impl HttpSender {
    /// A sender to the addresses that `guard` lets through. It waits `connect_timeout` for a connection and
    /// `response_timeout` for the whole exchange.
    ///
    /// # Errors
    /// When the TLS library cannot be set up.
    pub fn new(
        guard: EgressGuard,
        clock: Arc<dyn Clock>,
        connect_timeout: Duration,
        response_timeout: Duration,
    ) -> Result<Self, HttpSenderError> {
        let settings = ClientSettings { guard: guard.clone(), connect_timeout };
        Ok(Self {
            unguarded: Arc::new(settings.clients(ClientSettings::unguarded)?),
            guarded: settings.clients(ClientSettings::guarded)?,
            response_timeout,
            guard,
            connections: ConnectionClients::new(settings),
            clock,
        })
    }

    /// Checks that each connection to HTTP targets can be used: its certificates, its key, its proxy.
    ///
    /// # Errors
    /// What is wrong with the first that cannot.
    pub fn check(connections: &Connections) -> Result<(), HttpSenderError> {
        client::check(connections)
    }

    /// Makes one attempt.
    pub(in crate::delivery) async fn send(&self, request: HttpRequest<'_>) -> AttemptOutcome {
        self.try_send(request).await.unwrap_or_else(|not_sent| not_sent)
    }

    /// The error is how an attempt ended that got no answer.
    async fn try_send(&self, request: HttpRequest<'_>) -> Result<AttemptOutcome, AttemptOutcome> {
        let invalid = |reason| AttemptOutcome::RequestInvalid { reason };
        let connection = request.connection.as_ref().map(|connection| self.connections.get(connection));
        let connection = connection.transpose().map_err(|error| invalid(error.to_string()))?;
        // What is said of one target counts more than what is said of a server.
        let Timeouts { connect, response } = request.timeouts;
        let message = Message::new(request, self.clock.now()).map_err(invalid)?;
        // A host that is an address is connected to without asking the resolver.
        let host = message.url.host_str().unwrap_or_default();
        self.guard.check_host(host).map_err(AttemptOutcome::AddressForbidden)?;
        let clients = connection.as_ref().map_or(&self.guarded, |connection| &connection.clients);
        let client = clients.waiting(connect).map_err(|error| failure(&error))?;
        let response = response.or(connection.as_ref().and_then(|connection| connection.response_timeout()));
        let exchange = async {
            match &connection {
                Some(connection) => exchange(connection, &client, &message).await,
                None => post(&client, &message, None, &[]).await,
            }
        };
        let ended = tokio::time::timeout(response.unwrap_or(self.response_timeout), exchange).await;
        ended.unwrap_or(Err(AttemptOutcome::TimedOut { waited_for: "the answer" }))
    }
}

/// Sends a message with a token, if the connection has them. A token that is not taken may have been taken back, so another
/// one is tried, once.
async fn exchange(
    connection: &ConnectionClient,
    client: &Client,
    message: &Message,
) -> Result<AttemptOutcome, AttemptOutcome> {
    let secrets = connection.secrets();
    let Some(tokens) = &connection.tokens else { return post(client, message, None, &secrets).await };
    let token = tokens.get().await?;
    let first = post(client, message, Some(token.expose()), &secrets).await?;
    if !matches!(first, AttemptOutcome::TargetFailed { status: 401, .. }) {
        return Ok(first);
    }
    tokens.forget(&token).await;
    let token = tokens.get().await?;
    post(client, message, Some(token.expose()), &secrets).await
}

/// Sends a message; what is told of the answer shows neither `token` nor `secrets`.
async fn post(
    client: &Client,
    message: &Message,
    token: Option<&str>,
    secrets: &[String],
) -> Result<AttemptOutcome, AttemptOutcome> {
    let mut request = client.request(message.method.clone(), message.url.clone()).headers(message.headers.clone());
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, message::secret_value(&format!("Bearer {token}"))?);
    }
    let response = request.body(message.body.clone()).send().await.map_err(|error| failure(&error))?;
    let secrets: Vec<&str> = secrets.iter().map(String::as_str).chain(token).collect();
    Ok(outcome(response, &secrets).await)
}

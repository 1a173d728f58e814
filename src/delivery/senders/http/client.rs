//! The clients of each connection, made when it is first used and kept for as long as the connection is in force.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use eventyard_core::connection::{Connection, Connections};
use eventyard_core::egress::Egress;
use reqwest::{Certificate, Client, ClientBuilder, Identity, Proxy, redirect};

use super::HttpSenderError;
use super::clients::Clients;
use super::message::basic;
use super::oauth::Tokens;
use crate::delivery::egress::EgressGuard;

/// What all clients have in common.
#[derive(Clone, Debug)]
pub(super) struct ClientSettings {
    pub(super) guard: EgressGuard,
    pub(super) connect_timeout: Duration,
}

impl ClientSettings {
    /// For hosts that targets name.
    pub(super) fn guarded(&self) -> ClientBuilder {
        self.unguarded().dns_resolver(self.guard.clone()).http1_only()
    }

    /// For hosts that the operator named.
    pub(super) fn unguarded(&self) -> ClientBuilder {
        base(self.connect_timeout).http1_only()
    }

    /// Clients of one of these two kinds.
    pub(super) fn clients(&self, kind: fn(&Self) -> ClientBuilder) -> reqwest::Result<Clients> {
        let settings = self.clone();
        Clients::new(move || Ok(kind(&settings)))
    }

    fn of(&self, connection: &Connection) -> reqwest::Result<ClientBuilder> {
        let http = &connection.http;
        let mut builder = base(http.connect_timeout.unwrap_or(self.connect_timeout));
        builder = match &http.proxy {
            // The resolver would see the name of the proxy, which is the operator's word. The proxy resolves the target's.
            Some(proxy) => builder.proxy(Proxy::all(proxy)?),
            None => builder.dns_resolver(self.guard.clone()),
        };
        builder = match (http.http2, connection.covers.is_plain_http()) {
            (false, _) => builder.http1_only(),
            (true, true) => builder.http2_prior_knowledge(),
            (true, false) => builder,
        };
        if let Some(certificate) = &connection.client_certificate {
            let pem = [certificate.chain_pem.as_bytes(), b"\n", certificate.key_pem.expose().as_bytes()].concat();
            builder = builder.identity(Identity::from_pem(&pem)?);
        }
        match &connection.ca_pem {
            Some(pem) => Ok(builder.tls_certs_only(Certificate::from_pem_bundle(pem.as_bytes())?)),
            None => Ok(builder),
        }
    }

    /// For the server that gives tokens, which the operator named. It may have a certificate of the connection's authority, or
    /// of any that the system knows.
    fn of_tokens(&self, connection: &Connection) -> reqwest::Result<ClientBuilder> {
        let mut builder = self.unguarded();
        if let Some(proxy) = &connection.http.proxy {
            builder = builder.proxy(Proxy::all(proxy)?);
        }
        match &connection.ca_pem {
            Some(pem) => Ok(builder.tls_certs_merge(Certificate::from_pem_bundle(pem.as_bytes())?)),
            None => Ok(builder),
        }
    }
}

fn base(connect_timeout: Duration) -> ClientBuilder {
    // Only the first call in a process decides, and all calls decide the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .connect_timeout(connect_timeout)
        // Events go where the operator said, not where an answer or the environment points.
        .redirect(redirect::Policy::none())
        .no_proxy()
        .tcp_nodelay(true)
        .user_agent(concat!("eventyard/", env!("CARGO_PKG_VERSION")))
}

/// A connection with its clients.
#[derive(Debug)]
pub(super) struct ConnectionClient {
    connection: Arc<Connection>,
    pub(super) clients: Clients,
    /// Where its tokens come from, if it has them.
    pub(super) tokens: Option<Tokens>,
}

impl ConnectionClient {
    fn new(settings: &ClientSettings, connection: &Arc<Connection>) -> Result<Self, HttpSenderError> {
        let refused = |error: &reqwest::Error| HttpSenderError::Connection {
            name: connection.name.clone(),
            reason: innermost(error),
        };
        let make = {
            let (settings, connection) = (settings.clone(), Arc::clone(connection));
            move || settings.of(&connection)
        };
        let clients = Clients::new(make).map_err(|error| refused(&error))?;
        let tokens = match &connection.http.oauth {
            Some(oauth) => {
                let client = settings.of_tokens(connection).and_then(ClientBuilder::build);
                let client = client.map_err(|error| refused(&error))?;
                Some(Tokens::new(client, oauth.clone()))
            }
            None => None,
        };
        Ok(Self { connection: Arc::clone(connection), clients, tokens })
    }

    pub(super) fn response_timeout(&self) -> Option<Duration> {
        self.connection.http.response_timeout
    }

    /// What no answer of a target may bring into a log: a server that refuses may say what it was sent.
    pub(super) fn secrets(&self) -> Vec<String> {
        let Connection { password, http, .. } = &*self.connection;
        let given = password.iter().chain(http.headers.iter().chain(&http.api_key).map(|(_, value)| value));
        let basic = basic(&self.connection).and_then(|basic| Some(basic.split_once(' ')?.1.to_owned()));
        given.map(|secret| secret.expose().to_owned()).chain(basic).collect()
    }
}

/// The innermost cause, which is the one that tells something.
fn innermost(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), innermost)
}

/// The clients that were needed so far.
#[derive(Debug)]
pub(super) struct ConnectionClients {
    settings: ClientSettings,
    /// By the name of the connection, so that there are never more than connections have ever had names.
    by_name: Mutex<HashMap<String, Arc<ConnectionClient>>>,
}

impl ConnectionClients {
    pub(super) fn new(settings: ClientSettings) -> Self {
        Self { settings, by_name: Mutex::default() }
    }

    /// The client of a connection; a new one when the connection was replaced.
    pub(super) fn get(&self, connection: &Arc<Connection>) -> Result<Arc<ConnectionClient>, HttpSenderError> {
        let mut by_name = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = by_name.get(&connection.name)
            && Arc::ptr_eq(&client.connection, connection)
        {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(ConnectionClient::new(&self.settings, connection)?);
        by_name.insert(connection.name.clone(), Arc::clone(&client));
        Ok(client)
    }
}

/// Makes a client of each connection to HTTP targets and throws it away.
pub(super) fn check(connections: &Connections) -> Result<(), HttpSenderError> {
    let settings =
        ClientSettings { guard: EgressGuard::new(Egress::default()), connect_timeout: Duration::from_secs(1) };
    let for_http = connections.0.iter().filter(|connection| connection.covers.is_http());
    for_http.map(|connection| ConnectionClient::new(&settings, connection)).try_for_each(|made| made.map(drop))
}

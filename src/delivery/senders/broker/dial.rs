//! Opens what a broker is spoken to over: a TCP connection, and TLS on it.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use eventyard_core::connection::Connection;
use eventyard_core::delivery::AttemptOutcome;
use eventyard_core::target::BrokerServer;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::delivery::EgressGuard;

/// What bytes go back and forth on.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Who is spoken to, as whom, and who waits how long for that.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) server: BrokerServer,
    /// What the operator knows about it.
    pub(super) connection: Option<Arc<Connection>>,
    /// Time for each address, when it is another than that of all targets. Deliveries that would wait shorter or longer do not
    /// wait for the same connection.
    pub(super) connect_timeout: Option<Duration>,
}

impl Peer {
    /// Who the daemon is there.
    pub(super) fn username(&self) -> Option<&str> {
        self.connection.as_ref()?.username.as_deref()
    }

    /// What proves it.
    pub(super) fn password(&self) -> Option<&str> {
        Some(self.connection.as_ref()?.password.as_ref()?.expose())
    }

    fn place(&self) -> Option<*const Connection> {
        self.connection.as_ref().map(Arc::as_ptr)
    }
}

/// A connection that was configured anew is another one, whatever it holds.
impl PartialEq for Peer {
    fn eq(&self, other: &Self) -> bool {
        self.server == other.server && self.place() == other.place() && self.connect_timeout == other.connect_timeout
    }
}

impl Eq for Peer {}

impl Hash for Peer {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.server.hash(state);
        self.place().hash(state);
        self.connect_timeout.hash(state);
    }
}

/// Opens connections.
#[derive(Clone, Debug)]
pub struct Dialer {
    guard: EgressGuard,
    connect_timeout: Duration,
    tls: Arc<ClientConfig>,
}

/// TLS for connections to brokers could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up TLS for connections to brokers: {0}")]
pub struct BrokerTlsError(#[from] rustls::Error);

impl Dialer {
    /// A dialer that goes where `guard` lets it, and waits `connect_timeout` for each address, and for a server's part of
    /// opening a connection, where a peer says nothing else.
    ///
    /// # Errors
    /// When the TLS library cannot be set up.
    pub fn new(guard: EgressGuard, connect_timeout: Duration) -> Result<Self, BrokerTlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_platform_verifier()?
            .with_no_client_auth();
        Ok(Self { guard, connect_timeout, tls: Arc::new(tls) })
    }

    /// Opens a connection to one of a server's addresses and lets `greet` say the protocol's first words on it; an address
    /// where either fails is followed by the next.
    ///
    /// # Errors
    /// How it ended with the last address.
    pub(super) async fn open<C, F>(
        &self,
        peer: &Peer,
        greet: impl Fn(TcpStream, String) -> F,
    ) -> Result<C, AttemptOutcome>
    where
        F: Future<Output = Result<C, AttemptOutcome>>,
    {
        let connect_timeout = peer.connect_timeout.unwrap_or(self.connect_timeout);
        let mut failure = AttemptOutcome::InternalError;
        for (host, port) in &peer.server.addresses {
            let opening = async {
                let stream = self.tcp(host, *port).await?;
                greet(stream, host.clone()).await
            };
            match tokio::time::timeout(connect_timeout, opening).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(failed)) => failure = failed,
                Err(_) => failure = AttemptOutcome::TimedOut { waited_for: "a connection" },
            }
        }
        Err(failure)
    }

    /// Begins TLS where the peer's URL says so.
    ///
    /// # Errors
    /// As for [`tls`](Self::tls).
    pub(super) async fn begin(
        &self,
        stream: TcpStream,
        peer: &Peer,
        host: &str,
    ) -> Result<Box<dyn Stream>, AttemptOutcome> {
        if peer.server.tls { self.tls(stream, peer, host).await } else { Ok(Box::new(stream)) }
    }

    /// Begins TLS with a host.
    ///
    /// # Errors
    /// When it does not come about, such as for a certificate that nobody here trusts.
    pub(super) async fn tls(
        &self,
        stream: impl Stream + 'static,
        peer: &Peer,
        host: &str,
    ) -> Result<Box<dyn Stream>, AttemptOutcome> {
        let host = host.trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(host).map_err(|error| broken(&error))?;
        let config = self.config(peer).map_err(|error| broken(&error))?;
        let stream = TlsConnector::from(config).connect(name, stream).await;
        Ok(Box::new(stream.map_err(|error| broken(&error))?))
    }
}

impl Dialer {
    async fn tcp(&self, host: &str, port: u16) -> Result<TcpStream, AttemptOutcome> {
        let mut failure = AttemptOutcome::InternalError;
        for address in self.guard.resolve(host, port).await? {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    // Messages are small, and a confirmation is waited for.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Err(error) => failure = broken(&error),
            }
        }
        Err(failure)
    }

    /// What the operator knows of the peer's authorities and our certificate there counts before what the system knows.
    fn config(&self, peer: &Peer) -> Result<Arc<ClientConfig>, rustls::Error> {
        let own =
            |connection: &&Arc<Connection>| connection.ca_pem.is_some() || connection.client_certificate.is_some();
        let Some(connection) = peer.connection.as_ref().filter(own) else { return Ok(Arc::clone(&self.tls)) };
        let builder = ClientConfig::builder_with_provider(Arc::clone(self.tls.crypto_provider()))
            .with_safe_default_protocol_versions()?;
        let builder = match &connection.ca_pem {
            None => builder.with_platform_verifier()?,
            Some(pem) => {
                let mut authorities = RootCertStore::empty();
                certificates(pem)?.into_iter().try_for_each(|certificate| authorities.add(certificate))?;
                builder.with_root_certificates(authorities)
            }
        };
        Ok(Arc::new(match &connection.client_certificate {
            None => builder.with_no_client_auth(),
            Some(own) => {
                let key = PrivateKeyDer::from_pem_slice(own.key_pem.expose().as_bytes());
                builder
                    .with_client_auth_cert(certificates(&own.chain_pem)?, key.map_err(|error| unreadable(&error))?)?
            }
        }))
    }
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, rustls::Error> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().map_err(|error| unreadable(&error))
}

fn unreadable(error: &rustls::pki_types::pem::Error) -> rustls::Error {
    rustls::Error::General(error.to_string())
}

/// How an attempt ended whose connection did not come about, or broke.
pub(super) fn broken(error: &dyn std::error::Error) -> AttemptOutcome {
    AttemptOutcome::ConnectionFailed { reason: error.to_string() }
}

/// How an attempt ended whose connection broke before the confirmation.
pub(super) fn gone() -> AttemptOutcome {
    AttemptOutcome::ConnectionFailed { reason: "the connection broke".to_owned() }
}

/// How an attempt ended that the broker did not confirm, for a reason that may pass.
pub(super) fn failed(reason: &str) -> AttemptOutcome {
    AttemptOutcome::NotConfirmed { reason: reason.to_owned() }
}

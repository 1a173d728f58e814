//! Opens what a broker is spoken to over: a TCP connection, and TLS on it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use eventyard_core::delivery::AttemptOutcome;
use eventyard_core::target::BrokerServer;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;

/// What bytes go back and forth on.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Opens connections.
#[derive(Clone, Debug)]
pub struct Dialer {
    connect_timeout: Duration,
    tls: Arc<ClientConfig>,
}

/// TLS for connections to brokers could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up TLS for connections to brokers: {0}")]
pub struct BrokerTlsError(#[from] rustls::Error);

impl Dialer {
    /// A dialer that waits `connect_timeout` for each address, and for a server's part of opening a connection.
    ///
    /// # Errors
    /// When the TLS library cannot be set up.
    pub fn new(connect_timeout: Duration) -> Result<Self, BrokerTlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_platform_verifier()?
            .with_no_client_auth();
        Ok(Self { connect_timeout, tls: Arc::new(tls) })
    }

    /// Opens a connection to one of a server's addresses and lets `greet` say the protocol's first words on it; an address
    /// where either fails is followed by the next.
    ///
    /// # Errors
    /// How it ended with the last address.
    pub(super) async fn open<C, F>(
        &self,
        server: &BrokerServer,
        greet: impl Fn(TcpStream, String) -> F,
    ) -> Result<C, AttemptOutcome>
    where
        F: Future<Output = Result<C, AttemptOutcome>>,
    {
        let mut failure = AttemptOutcome::InternalError;
        for (host, port) in &server.addresses {
            let opening = async {
                let stream = tcp(host, *port).await?;
                greet(stream, host.clone()).await
            };
            match tokio::time::timeout(self.connect_timeout, opening).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(failed)) => failure = failed,
                Err(_) => failure = AttemptOutcome::TimedOut { waited_for: "a connection" },
            }
        }
        Err(failure)
    }

    /// Begins TLS with a host.
    ///
    /// # Errors
    /// When it does not come about, such as for a certificate that nobody here trusts.
    pub(super) async fn tls(
        &self,
        stream: impl Stream + 'static,
        host: &str,
    ) -> Result<Box<dyn Stream>, AttemptOutcome> {
        let host = host.trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(host).map_err(|error| broken(&error))?;
        let stream = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await;
        Ok(Box::new(stream.map_err(|error| broken(&error))?))
    }
}

async fn tcp(host: &str, port: u16) -> Result<TcpStream, AttemptOutcome> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, format!("{host} has no address"));
    let addresses = lookup_host((host.trim_matches(['[', ']']), port)).await.map_err(|error| broken(&error))?;
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Messages are small, and a confirmation is waited for.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => failure = error,
        }
    }
    Err(broken(&failure))
}

/// How an attempt ended whose connection did not come about, or broke.
pub(super) fn broken(error: &dyn std::error::Error) -> AttemptOutcome {
    AttemptOutcome::ConnectionFailed { reason: error.to_string() }
}

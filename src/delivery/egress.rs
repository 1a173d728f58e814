//! The guard over addresses: names are resolved here, and what may not be connected to is taken out of the answer, so the
//! address that was checked is the one that is connected to.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use eventyard_core::delivery::AttemptOutcome;
use eventyard_core::egress::{Egress, ForbiddenAddress, literal_address};
use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Finds the addresses of a name. Ports in the answer mean nothing.
pub(super) trait Lookup: Send + Sync {
    /// The addresses of `host`, or why there are none.
    fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;
}

/// The resolver of the system.
struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.collect()) })
    }
}

/// Resolves hosts to addresses that may be connected to.
#[derive(Clone)]
pub struct EgressGuard {
    egress: Egress,
    lookup: Arc<dyn Lookup>,
}

/// Why a host has no address to connect to.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unresolved {
    /// It has addresses, and none that may be connected to. This is about the first.
    #[error(transparent)]
    Forbidden(#[from] ForbiddenAddress),
    /// The system found none.
    #[error(transparent)]
    NotFound(#[from] io::Error),
}

impl From<Unresolved> for AttemptOutcome {
    fn from(unresolved: Unresolved) -> Self {
        match unresolved {
            Unresolved::Forbidden(forbidden) => Self::AddressForbidden(forbidden),
            Unresolved::NotFound(error) => Self::ConnectionFailed { reason: error.to_string() },
        }
    }
}

impl EgressGuard {
    /// A guard that lets through what `egress` does.
    #[must_use]
    pub fn new(egress: Egress) -> Self {
        Self { egress, lookup: Arc::new(SystemLookup) }
    }

    #[cfg(test)]
    pub(super) fn with_lookup(egress: Egress, lookup: Arc<dyn Lookup>) -> Self {
        Self { egress, lookup }
    }

    /// The addresses of a host that may be connected to: of a name, or of an address in any notation. At least one.
    ///
    /// A client that is given anything but these addresses is not guarded.
    ///
    /// # Errors
    /// When there is none, or none that may be connected to.
    pub(super) async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Unresolved> {
        let found = match literal_address(host) {
            Some(address) => vec![SocketAddr::new(address, port)],
            None => self.lookup.lookup(host.to_owned()).await?,
        };
        let (mut allowed, mut forbidden) = (Vec::with_capacity(found.len()), None);
        for address in found {
            match self.egress.check(address.ip()) {
                Ok(()) => allowed.push(SocketAddr::new(address.ip(), port)),
                Err(why) => forbidden = forbidden.or(Some(why)),
            }
        }
        match forbidden {
            Some(why) if allowed.is_empty() => Err(why.into()),
            None if allowed.is_empty() => {
                Err(io::Error::new(io::ErrorKind::NotFound, "the host has no address").into())
            }
            _ => Ok(allowed),
        }
    }

    /// Checks a host that a client connects to without asking a resolver, because it is an address already.
    ///
    /// # Errors
    /// Why it must not be connected to.
    pub(super) fn check_host(&self, host: &str) -> Result<(), ForbiddenAddress> {
        self.egress.check_host(host)
    }
}

impl fmt::Debug for EgressGuard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("EgressGuard").field(&self.egress).finish()
    }
}

impl Resolve for EgressGuard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            // Port 0 is replaced by the port of the URL.
            let addresses = Self::resolve(&guard, name.as_str(), 0).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::net::IpAddr;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Answers each question with the next of its answers, and with the last from then on: a name that is bound anew
    /// between two looks.
    pub(in crate::delivery) struct Rebinding {
        answers: Vec<Vec<IpAddr>>,
        asked: AtomicUsize,
    }

    impl Rebinding {
        pub(in crate::delivery) fn new(answers: &[&[&str]]) -> Arc<Self> {
            let parse = |answer: &&[&str]| answer.iter().map(|text| text.parse().unwrap()).collect();
            Arc::new(Self { answers: answers.iter().map(parse).collect(), asked: AtomicUsize::new(0) })
        }
    }

    impl Lookup for Rebinding {
        fn lookup(&self, _: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
            let asked = self.asked.fetch_add(1, Ordering::Relaxed).min(self.answers.len() - 1);
            let answer = self.answers[asked].iter().map(|ip| SocketAddr::new(*ip, 0)).collect();
            Box::pin(async move { Ok(answer) })
        }
    }

    async fn resolve(answer: &[&str]) -> Result<Vec<String>, String> {
        let guard = EgressGuard::with_lookup(Egress::with_loopback(), Rebinding::new(&[answer]));
        let resolved = EgressGuard::resolve(&guard, "name.example", 80).await;
        resolved.map(|found| found.iter().map(ToString::to_string).collect()).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn only_what_may_be_connected_to_is_left() {
        assert_eq!(resolve(&["1.1.1.1", "127.0.0.1"]).await.unwrap(), ["1.1.1.1:80", "127.0.0.1:80"]);
        assert_eq!(resolve(&["10.0.0.1", "127.0.0.1", "fe80::1"]).await.unwrap(), ["127.0.0.1:80"]);
        let first = resolve(&["10.0.0.1", "169.254.169.254"]).await.unwrap_err();
        assert_eq!(first, "the address 10.0.0.1 is private, and egress.allow does not list it");
        assert_eq!(resolve(&[]).await.unwrap_err(), "the host has no address");
    }

    #[tokio::test]
    async fn an_address_in_any_notation_needs_no_name() {
        let guard = EgressGuard::with_lookup(Egress::with_loopback(), Rebinding::new(&[&["1.1.1.1"]]));
        let resolved = EgressGuard::resolve(&guard, "0x7f.1", 4222).await.unwrap();
        assert_eq!(resolved, ["127.0.0.1:4222".parse().unwrap()]);
        for host in ["0xa9fea9fe", "2852039166", "[::ffff:169.254.169.254]"] {
            let outcome = AttemptOutcome::from(EgressGuard::resolve(&guard, host, 80).await.unwrap_err());
            assert!(matches!(outcome, AttemptOutcome::AddressForbidden(_)), "{host}: {outcome:?}");
        }
    }
}

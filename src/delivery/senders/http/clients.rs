//! Clients that differ in how long they wait for a connection, and in nothing else: the library has one such time for all
//! requests of a client.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Client, ClientBuilder};

/// Clients that are kept beside the usual one. Each has the certificates of all authorities, and connections of its own.
const OTHERS_MAX: usize = 16;

/// A usual client, and those like it for attempts that wait longer or shorter.
pub(in crate::delivery::senders) struct Clients {
    make: Box<dyn Fn() -> reqwest::Result<ClientBuilder> + Send + Sync>,
    usual: Client,
    /// The one that was asked for last is the last.
    others: Mutex<Vec<(Duration, Client)>>,
}

impl Clients {
    /// Clients as `make` makes them.
    pub(super) fn new(
        make: impl Fn() -> reqwest::Result<ClientBuilder> + Send + Sync + 'static,
    ) -> reqwest::Result<Self> {
        let usual = make()?.build()?;
        Ok(Self { make: Box::new(make), usual, others: Mutex::default() })
    }

    /// The usual client.
    pub(in crate::delivery::senders) fn usual(&self) -> Client {
        self.usual.clone()
    }

    /// The client that waits for a connection as long as was said: the usual one if nothing was.
    pub(in crate::delivery::senders) fn waiting(&self, connect_timeout: Option<Duration>) -> reqwest::Result<Client> {
        let Some(connect_timeout) = connect_timeout else { return Ok(self.usual()) };
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        let known = others.iter().position(|(timeout, _)| *timeout == connect_timeout);
        let client = match known {
            Some(place) => others.remove(place).1,
            None => (self.make)()?.connect_timeout(connect_timeout).build()?,
        };
        if others.len() == OTHERS_MAX {
            others.remove(0);
        }
        others.push((connect_timeout, client.clone()));
        Ok(client)
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Clients").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_client_is_made_for_each_time_and_those_used_last_are_kept() {
        let made = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&made);
        let clients = Clients::new(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            let _ = rustls::crypto::ring::default_provider().install_default();
            Ok(Client::builder())
        });
        let clients = clients.unwrap();
        let made_by = |timeouts: &[u64]| {
            for timeout in timeouts {
                clients.waiting(Some(Duration::from_millis(*timeout))).unwrap();
            }
            made.swap(0, Ordering::Relaxed)
        };
        clients.waiting(None).unwrap();
        assert_eq!(made_by(&[]), 1);
        assert_eq!(made_by(&[1, 2, 1, 2]), 2);
        let others: Vec<u64> = (3..).take(OTHERS_MAX - 1).collect();
        assert_eq!(made_by(&others), others.len());
        assert_eq!(made_by(&[2]), 0);
        assert_eq!(made_by(&[1]), 1);
    }
}

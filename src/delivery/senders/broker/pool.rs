//! The connections to the servers of one kind: one for each server, opened when it is needed first, opened again when it
//! broke, closed when nobody needed it for a while.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use eventyard_core::delivery::AttemptOutcome;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio::time::Instant;

use super::dial::Peer;

/// How long a connection stays that nobody uses.
const IDLE_MAX: Duration = Duration::from_secs(300);
/// A server that could not be reached is not tried again sooner than this, however many deliveries wait for it. Each further
/// failure in a row doubles it.
const CONNECT_INTERVAL: Duration = Duration::from_secs(1);
/// The longest of these waits: that long a server may be back and nobody asks.
const CONNECT_INTERVAL_MAX: Duration = Duration::from_secs(15);

/// A connection that many deliveries share; its clones are handles to the same one. It ends with the last of them.
pub(super) trait Line: Clone + Send + Sync + 'static {
    /// Whether it can still be used, as far as it knows.
    fn is_open(&self) -> bool;
}

type Opening<C> = Shared<BoxFuture<'static, Result<C, AttemptOutcome>>>;

struct Slot<C> {
    opening: Opening<C>,
    opened: Instant,
    used: Instant,
    /// How often in a row it could not be opened before.
    failures: u32,
}

/// One connection for each server.
pub(super) struct Pool<C, K = Peer> {
    slots: Arc<Mutex<HashMap<K, Slot<C>>>>,
}

impl<C, K> Default for Pool<C, K> {
    fn default() -> Self {
        Self { slots: Arc::default() }
    }
}

impl<C, K> fmt::Debug for Pool<C, K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pool").field("count", &lock(&self.slots).len()).finish()
    }
}

impl<C: Line, K: Hash + Eq + Clone + Send + 'static> Pool<C, K> {
    /// The connection to a server. All who ask while it is being opened with `open` wait for the same one.
    ///
    /// # Errors
    /// How the attempt to open it ended.
    pub(super) async fn get(
        &self,
        server: &K,
        open: impl Future<Output = Result<C, AttemptOutcome>> + Send + 'static,
    ) -> Result<C, AttemptOutcome> {
        let opening = self.opening(server, open);
        opening.await
    }

    /// Waits for what is said on the connection to a server. A wait that is given up is the end of the connection: a server
    /// that is gone without a word leaves one that looks well.
    pub(super) async fn watch<T>(&self, server: &K, exchange: impl Future<Output = T>) -> T {
        let mut given_up = GivenUp { pool: self, server: Some(server) };
        let said = exchange.await;
        given_up.server = None;
        said
    }

    /// Forgets the connection to a server. Whoever still uses it is not disturbed.
    fn discard(&self, server: &K) {
        lock(&self.slots).remove(server);
    }

    fn opening(
        &self,
        server: &K,
        open: impl Future<Output = Result<C, AttemptOutcome>> + Send + 'static,
    ) -> Opening<C> {
        let now = Instant::now();
        let mut slots = lock(&self.slots);
        let mut failures = 0;
        if let Some(slot) = slots.get_mut(server) {
            if slot.is_good(now) {
                slot.used = now;
                return slot.opening.clone();
            }
            failures = slot.failures_now();
        }
        // A task of its own: it goes on when those who wait for it give up.
        let task = tokio::spawn(open);
        let opening = async { task.await.unwrap_or(Err(AttemptOutcome::InternalError)) }.boxed().shared();
        slots.insert(server.clone(), Slot { opening: opening.clone(), opened: now, used: now, failures });
        self.close_when_idle(server.clone(), now);
        opening
    }

    /// Lets go of a connection that is no longer used. It ends itself when the connection was replaced, or nobody is left
    /// to use any.
    fn close_when_idle(&self, server: K, opened: Instant) {
        let slots = Arc::downgrade(&self.slots);
        tokio::spawn(async move {
            let mut idle = Duration::ZERO;
            loop {
                tokio::time::sleep(IDLE_MAX.saturating_sub(idle)).await;
                let Some(slots) = slots.upgrade() else { return };
                let mut slots = lock(&slots);
                match slots.get(&server).filter(|slot| slot.opened == opened) {
                    None => return,
                    Some(slot) => idle = slot.used.elapsed(),
                }
                if idle >= IDLE_MAX {
                    slots.remove(&server);
                    return;
                }
            }
        });
    }
}

/// Lets go of the connection to a server, if there is one here, when it is dropped.
struct GivenUp<'a, C: Line, K: Hash + Eq + Clone + Send + 'static> {
    pool: &'a Pool<C, K>,
    server: Option<&'a K>,
}

impl<C: Line, K: Hash + Eq + Clone + Send + 'static> Drop for GivenUp<'_, C, K> {
    fn drop(&mut self) {
        if let Some(server) = self.server {
            self.pool.discard(server);
        }
    }
}

impl<C: Line> Slot<C> {
    /// Whether it is being opened, is open, or failed too short a time ago to be tried again.
    fn is_good(&self, now: Instant) -> bool {
        match self.opening.peek() {
            None => true,
            Some(Ok(connection)) => connection.is_open(),
            Some(Err(_)) => now.duration_since(self.opened) < self.wait(),
        }
    }

    /// How often in a row it could not be opened, this time included.
    fn failures_now(&self) -> u32 {
        if matches!(self.opening.peek(), Some(Err(_))) { self.failures.saturating_add(1) } else { 0 }
    }

    fn wait(&self) -> Duration {
        CONNECT_INTERVAL.saturating_mul(2_u32.saturating_pow(self.failures)).min(CONNECT_INTERVAL_MAX)
    }
}

fn lock<T>(slots: &Mutex<T>) -> MutexGuard<'_, T> {
    slots.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use super::*;

    #[derive(Clone, Debug, Default)]
    struct Wire(Arc<AtomicBool>);

    impl Line for Wire {
        fn is_open(&self) -> bool {
            !self.0.load(Ordering::Relaxed)
        }
    }

    #[tokio::test]
    async fn one_connection_serves_all_until_it_breaks() {
        let (lines, opened) = (Pool::<Wire, u8>::default(), Arc::new(AtomicUsize::new(0)));
        let lines = &lines;
        let get = |server| {
            let opened = Arc::clone(&opened);
            let open = async move {
                opened.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                Ok(Wire::default())
            };
            async move { lines.get(&server, open).await }
        };
        futures_util::future::join_all((0..10).map(|_| get(1))).await;
        assert_eq!(opened.load(Ordering::Relaxed), 1);
        get(2).await.unwrap();
        assert_eq!(opened.load(Ordering::Relaxed), 2);
        get(1).await.unwrap().0.store(true, Ordering::Relaxed);
        assert!(get(1).await.unwrap().is_open());
        assert_eq!(opened.load(Ordering::Relaxed), 3);
        let never = lines.watch(&1, std::future::pending::<()>());
        assert!(tokio::time::timeout(Duration::from_millis(1), never).await.is_err());
        get(1).await.unwrap();
        assert_eq!(opened.load(Ordering::Relaxed), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn an_unused_connection_is_let_go() {
        let (lines, line) = (Pool::<Wire, u8>::default(), Wire::default());
        let kept = Arc::downgrade(&line.0);
        lines.get(&1, async { Ok(line) }).await.unwrap();
        assert!(kept.upgrade().is_some());
        tokio::time::sleep(IDLE_MAX / 2).await;
        assert!(kept.upgrade().is_some());
        let no_other = std::future::pending();
        lines.get(&1, no_other).await.unwrap();
        tokio::time::sleep(IDLE_MAX * 2 / 3).await;
        assert!(kept.upgrade().is_some());
        tokio::time::sleep(IDLE_MAX * 2 / 3).await;
        assert!(kept.upgrade().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_cannot_be_reached_is_left_alone_for_longer_and_longer() {
        let (lines, begin) = (Pool::<Wire, u8>::default(), Instant::now());
        let tried = Arc::new(Mutex::new(Vec::new()));
        // Whether it lets itself be reached at the last moment.
        let get = |is_back| {
            let tried = Arc::clone(&tried);
            let open = async move {
                lock(&tried).push(begin.elapsed().as_secs());
                if is_back { Ok(Wire::default()) } else { Err(AttemptOutcome::InternalError) }
            };
            lines.get(&1, open)
        };
        for _ in 0..100 {
            assert!(get(false).await.is_err());
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        assert_eq!(*lock(&tried), [0, 1, 3, 7, 15, 30, 45]);
        tokio::time::sleep(CONNECT_INTERVAL_MAX).await;
        let line = get(true).await.unwrap();
        line.0.store(true, Ordering::Relaxed);
        assert!(get(false).await.is_err());
        tokio::time::sleep(CONNECT_INTERVAL).await;
        assert!(get(true).await.is_ok());
    }
}

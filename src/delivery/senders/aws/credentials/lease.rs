//! Credentials that are fetched when they are first needed, kept, and fetched again before they end.

use std::time::Duration;

use eventyard_core::clock::{Clock, Timestamp};
use tokio::sync::Mutex;

use super::AwsCredentials;

/// How long before their end credentials are fetched again; those that live less than twice as long, at half their life.
const RENEWED_BEFORE_END: Duration = Duration::from_secs(5 * 60);
/// How long credentials without an end are kept, and how long nothing is fetched again after a failure.
const KEPT: Duration = Duration::from_secs(10);

/// Credentials, and when they end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::delivery::senders::aws) struct Fresh {
    pub(in crate::delivery::senders::aws) credentials: AwsCredentials,
    /// None where nobody says; then they may be others soon.
    pub(in crate::delivery::senders::aws) expires: Option<Timestamp>,
}

#[derive(Debug)]
struct Held {
    fetched: Result<Fresh, String>,
    renew_at: Timestamp,
}

/// One place that credentials come from. Of many who want them at once, one fetches.
#[derive(Debug, Default)]
pub(in crate::delivery::senders::aws) struct Lease(Mutex<Option<Held>>);

impl Lease {
    /// The credentials of the moment. When they cannot be renewed, those that have not ended serve on.
    ///
    /// # Errors
    /// What the last fetch said, when there are none.
    pub(in crate::delivery::senders::aws) async fn get(
        &self,
        clock: &dyn Clock,
        fetch: impl Future<Output = Result<Fresh, String>>,
    ) -> Result<AwsCredentials, String> {
        let mut held = self.0.lock().await;
        let now = clock.now();
        if held.as_ref().is_none_or(|held| now >= held.renew_at) {
            let fetched = fetch.await;
            let now = clock.now();
            let last = held.take().and_then(|held| held.fetched.ok()).filter(|last| last.expires > Some(now));
            *held = Some(match (fetched, last) {
                (Ok(fresh), _) => Held { renew_at: renew_at(now, fresh.expires), fetched: Ok(fresh) },
                (Err(_), Some(last)) => Held { fetched: Ok(last), renew_at: now.saturating_add(KEPT) },
                (Err(reason), None) => Held { fetched: Err(reason), renew_at: now.saturating_add(KEPT) },
            });
        }
        match &*held {
            Some(Held { fetched: Ok(fresh), .. }) => Ok(fresh.credentials.clone()),
            Some(Held { fetched: Err(reason), .. }) => Err(reason.clone()),
            None => Err("there are no credentials".to_owned()),
        }
    }

    /// Whether nobody has use for it any more: what it holds ended, and nobody waits for it.
    pub(in crate::delivery::senders::aws) fn is_over(&self, now: Timestamp) -> bool {
        let held = self.0.try_lock();
        held.is_ok_and(|held| {
            held.as_ref().is_some_and(|held| now > held.renew_at.saturating_add(2 * RENEWED_BEFORE_END))
        })
    }
}

fn renew_at(now: Timestamp, expires: Option<Timestamp>) -> Timestamp {
    let Some(expires) = expires else { return now.saturating_add(KEPT) };
    let left = expires.saturating_since(now);
    now.saturating_add(left.saturating_sub(RENEWED_BEFORE_END).max(left / 2))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex as StdMutex;

    use eventyard_core::secret::Secret;

    use super::*;

    #[derive(Debug)]
    struct Dial(StdMutex<Timestamp>);

    impl Clock for Dial {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap()
        }
    }

    impl Dial {
        fn turn(&self, seconds: u64) {
            let mut now = self.0.lock().unwrap();
            *now = now.saturating_add(Duration::from_secs(seconds));
        }
    }

    fn fresh(id: &str, expires_s: i64) -> Fresh {
        let credentials =
            AwsCredentials { access_key_id: id.to_owned(), secret_access_key: Secret::new("s"), session_token: None };
        Fresh { credentials, expires: Timestamp::from_millis(expires_s * 1_000) }
    }

    async fn id(lease: &Lease, clock: &Dial, fetched: Result<Fresh, String>) -> String {
        match lease.get(clock, async { fetched }).await {
            Ok(credentials) => credentials.access_key_id,
            Err(reason) => reason,
        }
    }

    #[tokio::test]
    async fn credentials_are_renewed_before_they_end() {
        let (lease, clock) = (Lease::default(), Dial(StdMutex::new(Timestamp::EPOCH)));
        let failed = || Err("failed".to_owned());
        assert_eq!(id(&lease, &clock, Ok(fresh("A", 3_600))).await, "A");
        clock.turn(3_299);
        assert_eq!(id(&lease, &clock, Ok(fresh("B", 7_200))).await, "A");
        // Five minutes before their end they are to be renewed; as long as that fails they serve on.
        clock.turn(2);
        assert_eq!(id(&lease, &clock, failed()).await, "A");
        clock.turn(11);
        assert_eq!(id(&lease, &clock, Ok(fresh("C", 3_400))).await, "C");
        clock.turn(200);
        assert_eq!(id(&lease, &clock, failed()).await, "failed");
        assert_eq!(id(&lease, &clock, Ok(fresh("D", 9_000))).await, "failed", "a failure is remembered for a while");
        clock.turn(11);
        assert_eq!(id(&lease, &clock, Ok(fresh("D", 9_000))).await, "D");
    }

    #[tokio::test]
    async fn credentials_without_an_end_are_looked_for_again_soon() {
        let (lease, clock) = (Lease::default(), Dial(StdMutex::new(Timestamp::EPOCH)));
        let without = |id| Ok(Fresh { expires: None, ..fresh(id, 0) });
        assert_eq!(id(&lease, &clock, without("A")).await, "A");
        assert_eq!(id(&lease, &clock, without("B")).await, "A");
        clock.turn(11);
        assert_eq!(id(&lease, &clock, without("B")).await, "B");
        clock.turn(11);
        assert_eq!(id(&lease, &clock, Err("gone".to_owned())).await, "gone");
        assert!(!lease.is_over(clock.now()));
        clock.turn(700);
        assert!(lease.is_over(clock.now()));
    }
}

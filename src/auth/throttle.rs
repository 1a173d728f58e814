//! How many requests an account may make.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use eventyard_core::clock::Clock;
use eventyard_core::error::{ErrorCode, ServiceError};
use eventyard_core::limits::THROTTLED_ACCOUNTS_MAX;
use eventyard_core::name::AccountId;
use eventyard_core::rate_limit::TokenBucket;

/// The buckets of all accounts.
#[derive(Debug)]
pub struct Throttle {
    /// None: nobody is throttled.
    rate_per_second: Option<u32>,
    clock: Arc<dyn Clock>,
    /// Of accounts that made requests lately. One that is not here is full.
    buckets: Mutex<HashMap<AccountId, TokenBucket>>,
}

impl Throttle {
    /// Each account for itself may make so many requests a second, and as many at once after a pause.
    #[must_use]
    pub fn new(rate_per_second: Option<u32>, clock: Arc<dyn Clock>) -> Self {
        Self { rate_per_second, clock, buckets: Mutex::default() }
    }

    /// Counts one request of an account.
    ///
    /// # Errors
    /// Amazon's `ThrottlingException`, when it makes too many.
    pub fn admit(&self, account: &AccountId) -> Result<(), ServiceError> {
        let Some(rate_per_second) = self.rate_per_second else { return Ok(()) };
        let now = self.clock.now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= THROTTLED_ACCOUNTS_MAX && !buckets.contains_key(account) {
            // Only where any twelve digits are an account; who calls from so many cannot be slowed down by account.
            buckets.clear();
        }
        let bucket = buckets.entry(account.clone()).or_insert_with(|| TokenBucket::new(rate_per_second, now));
        if bucket.wait(now).is_some() {
            return Err(ServiceError::new(ErrorCode::Throttling, "Rate exceeded"));
        }
        bucket.take();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use eventyard_core::clock::Timestamp;

    use super::*;

    #[derive(Debug)]
    struct StoppedClock;

    impl Clock for StoppedClock {
        fn now(&self) -> Timestamp {
            Timestamp::EPOCH
        }
    }

    fn account(number: usize) -> AccountId {
        AccountId::parse(&format!("{number:012}")).unwrap()
    }

    #[test]
    fn each_account_has_its_own_bucket() {
        let throttle = Throttle::new(Some(2), Arc::new(StoppedClock));
        let admitted: Vec<bool> = [1, 1, 1, 2, 1].map(|number| throttle.admit(&account(number)).is_ok()).into();
        assert_eq!(admitted, [true, true, false, true, false]);
        let unbounded = Throttle::new(None, Arc::new(StoppedClock));
        assert!((0..1_000).all(|_| unbounded.admit(&account(1)).is_ok()));
    }

    #[test]
    fn memory_is_bounded_whoever_calls() {
        let throttle = Throttle::new(Some(1), Arc::new(StoppedClock));
        for number in 0..3 * THROTTLED_ACCOUNTS_MAX {
            throttle.admit(&account(number)).unwrap();
            assert!(throttle.buckets.lock().unwrap().len() <= THROTTLED_ACCOUNTS_MAX);
        }
    }
}

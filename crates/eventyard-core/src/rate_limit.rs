//! A rate limit: a bucket of tokens that fills with time.

use std::time::Duration;

use crate::clock::Timestamp;

/// Parts of a token, so that a slow rate fills the bucket between two milliseconds, too.
const PARTS: u64 = 1_000;

/// Lets so many pass a second, and as many at once after a pause.
#[derive(Clone, Copy, Debug)]
pub struct TokenBucket {
    rate_per_second: u32,
    parts: u64,
    filled: Timestamp,
}

impl TokenBucket {
    /// A full bucket at `now`; a rate of 0 counts as 1.
    #[must_use]
    pub fn new(rate_per_second: u32, now: Timestamp) -> Self {
        let rate_per_second = rate_per_second.max(1);
        Self { rate_per_second, parts: u64::from(rate_per_second) * PARTS, filled: now }
    }

    /// How long nothing may pass from `now` on; nothing when one may.
    pub fn wait(&mut self, now: Timestamp) -> Option<Duration> {
        self.fill(now);
        let lacking = PARTS.saturating_sub(self.parts);
        (lacking > 0).then(|| Duration::from_millis(lacking.div_ceil(u64::from(self.rate_per_second))))
    }

    /// Takes the token of one that passes.
    pub fn take(&mut self) {
        self.parts = self.parts.saturating_sub(PARTS);
    }

    fn fill(&mut self, now: Timestamp) {
        let rate = u64::from(self.rate_per_second);
        // A millisecond brings a thousandth of the rate, in thousandths of a token. A clock that was set back brings nothing,
        // and counts from there on.
        let elapsed_ms = u64::try_from(now.saturating_since(self.filled).as_millis()).unwrap_or(u64::MAX);
        self.parts = self.parts.saturating_add(elapsed_ms.saturating_mul(rate)).min(rate * PARTS);
        self.filled = now;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millis(milliseconds).unwrap()
    }

    #[test]
    fn a_clock_that_is_set_back_starves_nobody() {
        let mut bucket = TokenBucket::new(2, at(10_000));
        for _ in 0..2 {
            assert_eq!(bucket.wait(at(10_000)), None);
            bucket.take();
        }
        assert_eq!(bucket.wait(at(0)), Some(Duration::from_millis(500)));
        assert_eq!(bucket.wait(at(500)), None);
    }

    proptest! {
        #[test]
        fn no_more_pass_than_the_rate_and_no_fewer_when_all_wait(rate in 1_u32..2_000, seconds in 1_u32..20) {
            let (mut bucket, mut now, mut passed) = (TokenBucket::new(rate, at(0)), at(0), 0);
            let end = at(i64::from(seconds) * 1_000);
            while now <= end {
                if let Some(wait) = bucket.wait(now) {
                    now = now.saturating_add(wait);
                } else {
                    bucket.take();
                    passed += 1;
                }
            }
            // A bucket full, and what flowed in since.
            let bound = rate + rate * seconds;
            prop_assert!(passed <= bound, "{passed} of {bound}");
            prop_assert!(passed + 1 >= bound, "{passed} of {bound}");
        }
    }
}

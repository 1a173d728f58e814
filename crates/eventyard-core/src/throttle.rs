//! The pause of a target that asked for less.
//!
//! A target that throttles is well: it answers, and says that it has enough. So this is not its circuit breaker's concern.
//! Nothing is sent until it wants to be asked again, or for a while that doubles each time that the first answer after a pause
//! asks for less once more.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::delivery::TargetHealth;
use crate::retry::Backoff;

/// The pauses of one target.
#[derive(Clone, Copy, Debug)]
pub struct Throttle {
    since: Timestamp,
    until: Timestamp,
    /// Pauses since it last took something.
    pauses: u32,
}

impl Throttle {
    /// No pause at `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self { since: now, until: now, pauses: 0 }
    }

    /// How long nothing may pass from `now` on; nothing when something may. A clock that was set back to before the pause says
    /// nothing about when it ends.
    #[must_use]
    pub fn wait(&self, now: Timestamp) -> Option<Duration> {
        (now >= self.since && now < self.until).then(|| self.until.saturating_since(now))
    }

    /// Whether it asked for less and has taken nothing since.
    #[must_use]
    pub fn has_taken_nothing_since(&self) -> bool {
        self.pauses > 0
    }

    /// Tells how an attempt ended at `now`. Pauses are within `bounds`; `random` is uniform over all its values.
    pub fn attempt_ended(&mut self, health: TargetHealth, bounds: Backoff, now: Timestamp, random: u64) {
        match health {
            TargetHealth::Healthy => self.pauses = 0,
            // What was sent before the pause says nothing new, unless that the pause is to be longer.
            TargetHealth::Throttled(None) if self.wait(now).is_some() => {}
            TargetHealth::Throttled(asked) => {
                self.pauses += u32::from(self.wait(now).is_none());
                let pause = asked.map_or_else(
                    || self.growing(bounds, random),
                    |asked| asked.saturating_since(now).clamp(bounds.base.min(bounds.max), bounds.max),
                );
                let until = now.saturating_add(pause);
                self.until = if self.wait(now).is_some() { self.until.max(until) } else { until };
                self.since = now;
            }
            TargetHealth::Failing | TargetHealth::Busy(_) | TargetHealth::Unknown => {}
        }
    }

    /// At least half of the bound, and not the same for all targets of one server.
    fn growing(&self, bounds: Backoff, random: u64) -> Duration {
        let half = bounds.ceiling(self.pauses) / 2;
        (half + Backoff { base: half, max: half }.wait(1, random)).min(bounds.max)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOUNDS: Backoff = Backoff { base: Duration::from_secs(1), max: Duration::from_secs(60) };

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millis(milliseconds).unwrap()
    }

    fn throttled(throttle: &mut Throttle, asked: Option<i64>, now: i64) -> u64 {
        throttle.attempt_ended(TargetHealth::Throttled(asked.map(at)), BOUNDS, at(now), 0);
        throttle.wait(at(now)).map_or(0, |wait| wait.as_millis().try_into().unwrap())
    }

    #[test]
    fn a_target_is_left_alone_as_long_as_it_asks_within_bounds() {
        for (asked, pause) in [(0, 1_000), (5_000, 5_000), (3_600_000, 60_000)] {
            assert_eq!(throttled(&mut Throttle::new(at(0)), Some(asked), 0), pause);
        }
        let mut throttle = Throttle::new(at(0));
        assert_eq!(throttled(&mut throttle, Some(5_000), 0), 5_000);
        assert_eq!(throttled(&mut throttle, Some(9_000), 1_000), 8_000, "one begun before asks for longer");
        assert_eq!(throttled(&mut throttle, Some(3_000), 2_000), 7_000, "and one for shorter");
    }

    #[test]
    fn without_a_time_pauses_double_until_something_is_taken() {
        let mut throttle = Throttle::new(at(0));
        assert_eq!(throttled(&mut throttle, None, 0), 501);
        assert_eq!(throttled(&mut throttle, None, 100), 401, "one begun before says nothing new");
        assert_eq!(throttled(&mut throttle, None, 10_000), 1_001);
        assert_eq!(throttled(&mut throttle, None, 20_000), 2_001);
        assert!(throttle.has_taken_nothing_since());
        throttle.attempt_ended(TargetHealth::Healthy, BOUNDS, at(30_000), 0);
        assert!(!throttle.has_taken_nothing_since());
        assert_eq!(throttled(&mut throttle, None, 30_000), 501);
        assert_eq!(throttle.wait(at(0)), None, "the clock was set back");
    }

    proptest! {
        #[test]
        fn no_pause_is_longer_than_the_longest(
            steps in prop::collection::vec((0_i64..10_000_000, prop::option::of(0_i64..10_000_000), any::<u64>()), 0..60),
        ) {
            let mut throttle = Throttle::new(at(0));
            for (now, asked, random) in steps {
                throttle.attempt_ended(TargetHealth::Throttled(asked.map(at)), BOUNDS, at(now), random);
                prop_assert!(throttle.wait(at(now)).unwrap() <= BOUNDS.max);
            }
        }
    }
}

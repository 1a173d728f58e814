//! The circuit breaker of a target: when it fails again and again it is left alone for a while, then tried with one delivery
//! at a time.
//!
//! A pure state machine. Closed, everything passes, and failures in a row are counted. Open, nothing passes; what is owed
//! stays queued and burns no attempt. When its time is over it is half open: one probe passes, whose end closes it or opens
//! it for longer.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::delivery::TargetHealth;
use crate::retry::Backoff;

/// When a breaker opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CircuitBreakerSettings {
    /// Failures in a row that open it; none leaves it closed whatever happens.
    pub failures_to_open: Option<u32>,
    /// How long it is open: up to `base` the first time, doubled each time a probe fails, up to `max`.
    pub open: Backoff,
}

/// What the breaker lets pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// Any delivery.
    Free,
    /// One delivery, to see whether the target is back.
    Probe,
    /// Nothing before the end of the probe that is under way.
    AfterProbe,
    /// Nothing for so long.
    After(Duration),
}

/// A change of state worth telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// Left alone for so long, for the first time since it was closed.
    Opened(Duration),
    /// Left alone for so long, because a probe failed.
    Reopened(Duration),
    /// A probe is let through.
    HalfOpened,
    /// Back to normal.
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { since: Timestamp, until: Timestamp, openings: u32 },
    HalfOpen { openings: u32 },
}

/// The breaker of one target.
#[derive(Clone, Copy, Debug)]
pub struct CircuitBreaker {
    settings: CircuitBreakerSettings,
    state: State,
}

impl CircuitBreaker {
    /// A closed one.
    #[must_use]
    pub fn new(settings: CircuitBreakerSettings) -> Self {
        Self { settings, state: State::Closed { failures: 0 } }
    }

    /// True while everything passes.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed { .. })
    }

    /// What may pass at `now`.
    #[must_use]
    pub fn passage(&self, now: Timestamp) -> Passage {
        match self.state {
            State::Closed { .. } => Passage::Free,
            State::HalfOpen { .. } => Passage::AfterProbe,
            // A clock that was set back to before the opening says nothing about when it ends.
            State::Open { since, until, .. } if now < until && now >= since => {
                Passage::After(until.saturating_since(now))
            }
            State::Open { .. } => Passage::Probe,
        }
    }

    /// Tells that the delivery which [`Passage::Probe`] let pass has begun.
    pub fn probe_begun(&mut self) -> Option<Transition> {
        let State::Open { since, until, openings } = self.state else { return None };
        self.state = State::HalfOpen { openings };
        // After a probe that never reached the target, this is only the next one.
        (since != until).then_some(Transition::HalfOpened)
    }

    /// Tells how an attempt ended at `now`, a probe or not; `random` is uniform over all its values.
    ///
    /// While it is not closed only probes count: attempts that began before it opened say nothing new.
    pub fn attempt_ended(
        &mut self,
        is_probe: bool,
        health: TargetHealth,
        now: Timestamp,
        random: u64,
    ) -> Option<Transition> {
        let failures_to_open = self.settings.failures_to_open?;
        match (self.state, health) {
            (State::Closed { .. }, TargetHealth::Healthy | TargetHealth::Throttled(_)) => {
                self.state = State::Closed { failures: 0 };
                None
            }
            (State::Closed { .. }, TargetHealth::Busy(until)) => Some(self.open(1, now, Some(until), random)),
            (State::Closed { failures }, TargetHealth::Failing) if failures + 1 < failures_to_open => {
                self.state = State::Closed { failures: failures + 1 };
                None
            }
            (State::Closed { .. }, TargetHealth::Failing) => Some(self.open(1, now, None, random)),
            (State::HalfOpen { .. }, TargetHealth::Healthy | TargetHealth::Throttled(_)) if is_probe => {
                self.state = State::Closed { failures: 0 };
                Some(Transition::Closed)
            }
            (State::HalfOpen { openings }, TargetHealth::Failing) if is_probe => {
                Some(self.open(openings.saturating_add(1), now, None, random))
            }
            (State::HalfOpen { openings }, TargetHealth::Busy(until)) if is_probe => {
                Some(self.open(openings, now, Some(until), random))
            }
            // It never reached the target, so the next delivery is the probe.
            (State::HalfOpen { openings }, TargetHealth::Unknown) if is_probe => {
                self.state = State::Open { since: now, until: now, openings };
                None
            }
            (State::Closed { .. } | State::Open { .. } | State::HalfOpen { .. }, _) => None,
        }
    }

    /// Opens until the time the target asked for, or for a while that grows, at most for the longest one.
    fn open(&mut self, openings: u32, now: Timestamp, asked: Option<Timestamp>, random: u64) -> Transition {
        let Backoff { base, max } = self.settings.open;
        let wait = if let Some(asked) = asked {
            asked.saturating_since(now).clamp(base.min(max), max)
        } else {
            // At least half of the bound, so that it stays a while, and not the same for all targets on one machine.
            let half = self.settings.open.ceiling(openings) / 2;
            (half + Backoff { base: half, max: half }.wait(1, random)).min(max)
        };
        let was_closed = self.is_closed();
        self.state = State::Open { since: now, until: now.saturating_add(wait), openings };
        if was_closed { Transition::Opened(wait) } else { Transition::Reopened(wait) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SETTINGS: CircuitBreakerSettings = CircuitBreakerSettings {
        failures_to_open: Some(3),
        open: Backoff { base: Duration::from_secs(1), max: Duration::from_secs(60) },
    };

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millis(milliseconds).unwrap()
    }

    #[test]
    fn it_opens_probes_and_closes() {
        let mut breaker = CircuitBreaker::new(SETTINGS);
        assert_eq!(breaker.attempt_ended(false, TargetHealth::Failing, at(0), 0), None);
        let asked_for_less = breaker.attempt_ended(false, TargetHealth::Throttled(None), at(0), 0);
        assert_eq!(asked_for_less, None, "a target that asks for less is well, and counts anew");
        for _ in 0..2 {
            assert_eq!(breaker.attempt_ended(false, TargetHealth::Failing, at(0), 0), None);
        }
        assert_eq!(breaker.passage(at(0)), Passage::Free);
        let opened = breaker.attempt_ended(false, TargetHealth::Failing, at(0), 99);
        assert_eq!(opened, Some(Transition::Opened(Duration::from_millis(600))));
        assert_eq!(breaker.passage(at(100)), Passage::After(Duration::from_millis(500)));
        assert_eq!(breaker.attempt_ended(false, TargetHealth::Healthy, at(200), 0), None, "begun before it opened");
        assert_eq!(breaker.passage(at(600)), Passage::Probe);
        assert_eq!(breaker.probe_begun(), Some(Transition::HalfOpened));
        assert_eq!(breaker.passage(at(600)), Passage::AfterProbe);
        let opened = breaker.attempt_ended(true, TargetHealth::Failing, at(700), 0);
        assert_eq!(opened, Some(Transition::Reopened(Duration::from_millis(1_001))), "twice as long");
        breaker.probe_begun();
        assert_eq!(breaker.attempt_ended(true, TargetHealth::Healthy, at(9_000), 0), Some(Transition::Closed));
        assert_eq!(breaker.passage(at(9_000)), Passage::Free);
    }

    #[test]
    fn a_target_that_asks_to_wait_is_left_alone_for_so_long_within_bounds() {
        for (asked_ms, wait_ms) in [(0, 1_000), (5_000, 5_000), (3_600_000, 60_000)] {
            let mut breaker = CircuitBreaker::new(SETTINGS);
            breaker.attempt_ended(false, TargetHealth::Busy(at(asked_ms)), at(0), 0);
            assert_eq!(breaker.passage(at(0)), Passage::After(Duration::from_millis(wait_ms)));
        }
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_keep_it_open() {
        let mut breaker = CircuitBreaker::new(SETTINGS);
        breaker.attempt_ended(false, TargetHealth::Busy(at(10_030_000)), at(10_000_000), 0);
        assert_eq!(breaker.passage(at(0)), Passage::Probe);
    }

    #[test]
    fn without_a_number_of_failures_it_never_opens() {
        let mut breaker = CircuitBreaker::new(CircuitBreakerSettings { failures_to_open: None, ..SETTINGS });
        for _ in 0..1_000 {
            assert_eq!(breaker.attempt_ended(false, TargetHealth::Failing, at(0), 0), None);
        }
        assert_eq!(breaker.passage(at(0)), Passage::Free);
    }

    fn health() -> impl Strategy<Value = TargetHealth> {
        prop_oneof![
            Just(TargetHealth::Healthy),
            Just(TargetHealth::Failing),
            Just(TargetHealth::Unknown),
            Just(TargetHealth::Throttled(None)),
            (0_i64..10_000_000).prop_map(|until| TargetHealth::Busy(at(until))),
        ]
    }

    proptest! {
        /// Whatever happens, in whatever order, with a clock that jumps: one probe at most, no wait beyond the longest, and
        /// from every state a target that is healthy again gets everything.
        #[test]
        fn it_never_locks_a_target_out(
            steps in prop::collection::vec((0_i64..10_000_000, health(), any::<u64>()), 0..60),
        ) {
            let mut breaker = CircuitBreaker::new(SETTINGS);
            let mut probe = false;
            for (now, health, random) in steps {
                match breaker.passage(at(now)) {
                    Passage::Probe => {
                        prop_assert!(!probe);
                        breaker.probe_begun();
                        probe = true;
                    }
                    Passage::AfterProbe => {
                        prop_assert!(probe);
                        breaker.attempt_ended(true, health, at(now), random);
                        probe = false;
                    }
                    Passage::After(wait) => {
                        prop_assert!(wait > Duration::ZERO && wait <= SETTINGS.open.max);
                        breaker.attempt_ended(false, health, at(now), random);
                    }
                    Passage::Free => {
                        breaker.attempt_ended(false, health, at(now), random);
                    }
                }
            }
            let later = at(20_000_000);
            if probe || breaker.passage(later) == Passage::Probe {
                breaker.probe_begun();
                breaker.attempt_ended(true, TargetHealth::Healthy, later, 0);
            }
            prop_assert_eq!(breaker.passage(later), Passage::Free);
        }
    }
}

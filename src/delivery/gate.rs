//! The gate before a target: what its circuit breaker, its own word that it has enough, and its rate limit let pass.

use eventyard_core::circuit_breaker::{CircuitBreaker, Passage, Transition};
use eventyard_core::clock::Timestamp;
use eventyard_core::delivery::TargetHealth;
use eventyard_core::rate_limit::TokenBucket;
use eventyard_core::retry::Backoff;
use eventyard_core::throttle::Throttle;

use super::target_settings::TargetSettings;

/// The gate of one target.
#[derive(Debug)]
pub(super) struct Gate {
    breaker: CircuitBreaker,
    throttle: Throttle,
    /// Bounds of the pauses of a target that asks for less.
    pauses: Backoff,
    rate: Option<TokenBucket>,
    /// Whether the next probe is a delivery that was never tried.
    probes_new: bool,
}

/// What the gate lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// Any delivery.
    Any,
    /// Any delivery, to a target that asked for less and has taken nothing since.
    AfterPause,
    /// A probe of a target that failed: one that was never tried if `new_first`, else a retry, if there are both.
    Probe {
        /// Which is taken first.
        new_first: bool,
    },
}

impl Gate {
    pub(super) fn new(settings: &TargetSettings, now: Timestamp) -> Self {
        let rate = settings.attempts_per_second.map(|rate| TokenBucket::new(rate, now));
        let (breaker, throttle) = (CircuitBreaker::new(settings.circuit_breaker), Throttle::new(now));
        Self { breaker, throttle, pauses: settings.circuit_breaker.open, rate, probes_new: true }
    }

    /// Whether the target is not left alone.
    pub(super) fn is_closed(&self) -> bool {
        self.breaker.is_closed()
    }

    /// Takes other settings. What they change begins anew.
    pub(super) fn configure(
        &mut self,
        old: &TargetSettings,
        new: &TargetSettings,
        now: Timestamp,
    ) -> Option<Transition> {
        if old.attempts_per_second != new.attempts_per_second {
            self.rate = new.attempts_per_second.map(|rate| TokenBucket::new(rate, now));
        }
        if old.circuit_breaker == new.circuit_breaker {
            return None;
        }
        let was_closed = self.breaker.is_closed();
        self.breaker = CircuitBreaker::new(new.circuit_breaker);
        (!was_closed).then_some(Transition::Closed)
    }

    /// What may pass at `now`.
    pub(super) fn passage(&mut self, now: Timestamp) -> Passage {
        let passage = self.breaker.passage(now);
        if matches!(passage, Passage::After(_) | Passage::AfterProbe) {
            return passage;
        }
        let wait = self.throttle.wait(now).or_else(|| self.rate.as_mut().and_then(|rate| rate.wait(now)));
        wait.map_or(passage, Passage::After)
    }

    /// What passes where the circuit breaker is closed.
    pub(super) fn free(&self) -> Pass {
        if self.throttle.has_taken_nothing_since() { Pass::AfterPause } else { Pass::Any }
    }

    /// Which delivery a probe takes. Events of one kind may fail at a target that takes the others, so retries and new ones
    /// take turns.
    pub(super) fn probe(&self) -> Pass {
        Pass::Probe { new_first: self.probes_new }
    }

    /// Tells that a delivery has passed.
    pub(super) fn passed(&mut self, pass: Pass) -> Option<Transition> {
        if let Some(rate) = &mut self.rate {
            rate.take();
        }
        match pass {
            Pass::Any | Pass::AfterPause => None,
            Pass::Probe { new_first } => {
                self.probes_new = !new_first;
                self.breaker.probe_begun()
            }
        }
    }

    /// Tells how a delivery that passed ended.
    pub(super) fn ended(
        &mut self,
        pass: Pass,
        health: TargetHealth,
        now: Timestamp,
        random: u64,
    ) -> Option<Transition> {
        self.throttle.attempt_ended(health, self.pauses, now, random);
        self.breaker.attempt_ended(matches!(pass, Pass::Probe { .. }), health, now, random)
    }
}

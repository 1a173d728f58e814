//! What holds for one target: its options, and where they say nothing the settings of all.

use eventyard_core::circuit_breaker::CircuitBreakerSettings;
use eventyard_core::delivery_options::{DeliveryOptions, Order};

use super::Settings;
use crate::engine::ActiveTarget;

/// The settings of one target at one moment; its owner may change them at any.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TargetSettings {
    /// Nothing is sent.
    pub(super) is_paused: bool,
    /// Which deliveries wait for each other.
    pub(super) order: Order,
    /// Attempts under way at one time.
    pub(super) concurrency: usize,
    /// Attempts begun in a second; none for no limit.
    pub(super) attempts_per_second: Option<u32>,
    /// When it is left alone.
    pub(super) circuit_breaker: CircuitBreakerSettings,
}

impl Settings {
    /// The settings of a target; one that is gone has those of all.
    pub(super) fn of(&self, target: Option<&ActiveTarget>) -> TargetSettings {
        target.map_or_else(
            || self.with(&DeliveryOptions::default(), Order::None),
            |target| self.with(&target.options, target.order.clone()),
        )
    }

    pub(super) fn with(&self, options: &DeliveryOptions, order: Order) -> TargetSettings {
        let limit = |number: u32| (number > 0).then_some(number);
        let failures = options.circuit_breaker_failures;
        TargetSettings {
            is_paused: options.is_paused(),
            order,
            concurrency: options.concurrency.map_or(self.concurrency_per_target, |attempts| attempts as usize),
            attempts_per_second: options.attempts_per_second.map_or(self.attempts_per_second_per_target, limit),
            circuit_breaker: CircuitBreakerSettings {
                failures_to_open: failures.map_or(self.circuit_breaker.failures_to_open, limit),
                ..self.circuit_breaker
            },
        }
    }
}

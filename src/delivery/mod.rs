//! Delivery: what is owed goes to its targets.
//!
//! The parties. The [`Dispatcher`] hears the journal's bell, and looks at the journal by itself now and then; for every target
//! that is owed something it keeps one [`worker`](self) running. A worker reads what its target is owed, a page at a time,
//! starts attempts within its concurrency, and settles each one in the journal. Of a target that keeps an order it knows who waits for
//! whom (`ordered_backlog`). The `senders` know how one kind of target is
//! spoken to. `attempt` is one attempt from the target's definition to its outcome. The `gate` before a target is its circuit breaker and its rate
//! limit.
//!
//! Targets share nothing but the bound on all attempts together, of which each has its share (`slots`), so a slow or dead one
//! delays nobody. What a worker has in memory is a page of keys and the events under way; the backlog stays in the journal.

mod attempt;
mod backlog;
mod connections;
mod dead_letter_copy;
mod dispatcher;
mod egress;
mod gate;
mod ordered_backlog;
mod queue;
mod senders;
mod slots;
mod target_settings;
mod turn;
mod worker;

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

use eventyard_core::circuit_breaker::CircuitBreakerSettings;
use eventyard_core::retry::{Backoff, RetryPolicy};

pub use connections::CurrentConnections;
pub use dispatcher::Dispatcher;
pub use egress::EgressGuard;
pub use senders::{
    AwsCredentials, AwsCredentialsSource, AwsEndpoints, AwsSender, AwsSettings, BrokerSender, BrokerTlsError,
    ContainerAuthorization, Dialer, HttpSender, HttpSenderError, LocalSender, Senders,
};

/// The bounds of delivery.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Attempts under way for one target.
    pub concurrency_per_target: usize,
    /// Attempts under way in all, but for the first of each target.
    pub concurrency_max: usize,
    /// Deliveries of one target that are read from the journal at a time.
    pub read_ahead_per_target: usize,
    /// Deliveries known in memory of one target that keeps an order.
    pub ordered_read_ahead_per_target: usize,
    /// Attempts begun for one target in a second; none for no limit.
    pub attempts_per_second_per_target: Option<u32>,
    /// When a target that fails is left alone.
    pub circuit_breaker: CircuitBreakerSettings,
    /// How the wait between attempts grows.
    pub backoff: Backoff,
    /// For targets whose `RetryPolicy` does not say otherwise.
    pub retry_policy: RetryPolicy,
}

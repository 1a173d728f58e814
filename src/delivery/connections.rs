//! The connections that are in force, which the operator may replace while deliveries are made.

use std::sync::Arc;

use arc_swap::ArcSwap;
use eventyard_core::connection::{Connection, Connections};
use eventyard_core::name::AccountId;

/// The connections as they are now. Each attempt asks anew, so a secret can change without a restart.
#[derive(Debug, Default)]
pub struct CurrentConnections(ArcSwap<Connections>);

impl CurrentConnections {
    /// These, until they are replaced.
    #[must_use]
    pub fn new(connections: Connections) -> Self {
        Self(ArcSwap::from_pointee(connections))
    }

    /// The connection that a rule of `account` uses for the target with this Arn. What is kept for a connection, such as a
    /// client, is good for as long as this answers the same `Arc`.
    #[must_use]
    pub fn of(&self, account: &AccountId, arn: &str) -> Option<Arc<Connection>> {
        self.0.load().of(account, arn).map(Arc::clone)
    }

    /// Puts others in their place. Attempts under way end with what they began with.
    pub fn replace(&self, connections: Connections) {
        self.0.store(Arc::new(connections));
    }
}

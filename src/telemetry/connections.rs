//! Facts of connections: reading them again.

use super::{Fact, Metrics};

/// Connections were read again, at the operator's word.
#[derive(Debug)]
pub struct ConnectionsReloaded {
    /// How many there are now.
    pub connections: usize,
}

impl Fact for ConnectionsReloaded {
    fn record(&self, _: &Metrics) {
        tracing::info!(connections = self.connections, "connections read again");
    }
}

/// Connections could not be read again, so the ones from before go on.
#[derive(Debug)]
pub struct ConnectionsNotReloaded<'a> {
    /// What is wrong, and where; each is a line.
    pub faults: &'a [String],
}

impl Fact for ConnectionsNotReloaded<'_> {
    fn record(&self, metrics: &Metrics) {
        metrics.connections_reload_failures.inc();
        for reason in self.faults {
            tracing::error!(reason, "the connections cannot be read again; the ones from before go on");
        }
    }
}

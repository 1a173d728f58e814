//! Facts of the configuration: reading it again.

use super::{Fact, Metrics};

/// By what `log.level` names these lines.
const TARGET: &str = "eventyard::config";

/// The configuration was read again, at the operator's word, and what can change without a restart counts from now on.
#[derive(Debug)]
pub struct ConfigurationReloaded {
    /// How many connections there are now.
    pub connections: usize,
    /// How many access keys.
    pub access_keys: usize,
}

impl Fact for ConfigurationReloaded {
    fn record(&self, _: &Metrics) {
        let Self { connections, access_keys } = self;
        tracing::info!(target: TARGET, connections, access_keys, "configuration read again");
    }
}

/// The configuration, or a part of it, could not be taken again, so what was before goes on.
#[derive(Debug)]
pub struct ConfigurationNotReloaded<'a> {
    /// What is wrong, and where; each is a line.
    pub faults: &'a [String],
}

impl Fact for ConfigurationNotReloaded<'_> {
    fn record(&self, metrics: &Metrics) {
        metrics.configuration_reload_failures.inc();
        for reason in self.faults {
            tracing::error!(target: TARGET, reason, "the configuration cannot be read again; what was before goes on");
        }
    }
}

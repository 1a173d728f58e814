//! What is read again at SIGHUP, without a restart.

use std::error::Error;
use std::sync::Arc;

use crate::admin::Admin;
use crate::api::{Api, ManagedRules};
use crate::config::{Config, ConfigFaults};
use crate::delivery::{CurrentConnections, HttpSender};
use crate::http::Tls;
use crate::telemetry::{
    ConfigurationNotReloaded, ConfigurationReloaded, ManagedRulesFailed, Telemetry, TlsReloaded, set_log_level,
};

/// Those who take something again.
pub(super) struct Reload {
    /// Keys and tokens of accounts.
    pub(super) api: Arc<Api>,
    /// Tokens of operators.
    pub(super) admin: Arc<Admin>,
    /// How targets are spoken to.
    pub(super) connections: Arc<CurrentConnections>,
    /// The certificates of the listeners, by their names.
    pub(super) tls: Vec<(&'static str, Arc<Tls>)>,
    /// Rules that are declared in files.
    pub(super) managed_rules: Option<Arc<ManagedRules>>,
    pub(super) telemetry: Arc<Telemetry>,
}

impl Reload {
    /// Takes what changes without a restart from `config`, which was read again, and reads again certificates and managed
    /// rules. What cannot be taken stays as it was, and the log says why.
    pub(super) async fn reload(&self, config: Result<Config, ConfigFaults>) {
        let faults = match config {
            Ok(config) => self.take(config),
            Err(ConfigFaults(faults)) => faults.iter().map(ToString::to_string).collect(),
        };
        if !faults.is_empty() {
            self.telemetry.record(&ConfigurationNotReloaded { faults: &faults });
        }
        for (listener, tls) in self.tls.clone() {
            let read = tokio::task::spawn_blocking(move || tls.reload()).await;
            let error = match &read {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error as &dyn Error),
                Err(error) => Some(error as &dyn Error),
            };
            self.telemetry.record(&TlsReloaded { listener, error });
        }
        if let Some(rules) = &self.managed_rules
            && let Err(error) = rules.apply().await
        {
            self.telemetry.record(&ManagedRulesFailed { faults: error.faults() });
        }
    }

    /// Answers what could not be taken.
    fn take(&self, config: Config) -> Vec<String> {
        let unusable = HttpSender::check(&config.connections).err();
        let connections = config.connections.0.len();
        let access_keys = config.accounts.iter().map(|account| account.access_keys.len()).sum();
        if unusable.is_none() {
            self.connections.replace(config.connections);
        }
        let failures = [
            unusable.map(|error| error.to_string()),
            set_log_level(&config.log.level).err().map(|error| error.to_string()),
            self.api.replace_keys(config.accounts).err().map(|error| error.to_string()),
            self.admin.replace_tokens(&config.admin.token_hashes).err().map(|error| error.to_string()),
        ];
        let faults: Vec<String> = failures.into_iter().flatten().collect();
        if faults.is_empty() {
            self.telemetry.record(&ConfigurationReloaded { connections, access_keys });
        }
        faults
    }
}

//! The configuration: read once, before anything is opened, and complete from then on.
//!
//! Four layers, each winning over the ones before it: the built-in defaults (`config/eventyard.toml`), a file, the
//! environment, the flags. The defaults file is also the schema: an option exists when it stands there, and its type is
//! that of its default. [`Config::load`] either gives a [`Config`] in which every value was checked, or lists everything
//! that is wrong in all layers at once.
//!
//! The parties, in the order in which a value meets them: `document` takes TOML apart, `schema` knows the names,
//! `layers` turns each layer into settings, `reader` and `sections` make typed fields of them, `relations`
//! compares fields with each other, `tables` reads the lists `[[accounts]]` and `[[connections]]`, `show` writes the result back with the layer of each value.

mod accounts;
mod aws_services;
mod connections;
mod document;
mod fault;
mod layers;
mod observability;
mod origin;
mod reader;
mod relations;
mod schema;
mod sections;
mod show;
mod tables;
mod value;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;

pub use aws_services::AwsServices;
use eventyard_core::account::Account;
use eventyard_core::connection::Connections;
pub use fault::{ConfigFaults, Fault, Problem};
pub use layers::Flag;
pub use observability::{Metrics, Traces};
pub use origin::Origin;
pub use relations::is_loopback;
pub use sections::{
    Admin, Api, Aws, DeadLetters, Delivery, Egress, History, Journal, LocalTargets, Log, LogFormat, ManagedRules,
    Patterns, PutEvents, Quotas, Schedules, Shutdown, Storage, Tls,
};

use layers::{Layers, Setting};
use reader::Reader;
use schema::{DEFAULTS, Schema};
use tables::TableReader;

/// The whole configuration of one daemon. Every value is inside of its range and fits to the others.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the daemon keeps what it must not lose.
    pub storage: Storage,
    /// What ARNs and events name.
    pub aws: Aws,
    /// Where the AWS services are that targets name.
    pub aws_services: AwsServices,
    /// Who may use the API. Nobody is told from another when it is empty.
    pub accounts: Vec<Account>,
    /// How some targets are spoken to.
    pub connections: Connections,
    /// The listener that clients speak to.
    pub api: Api,
    /// The listener for metrics, health and dead letters.
    pub admin: Admin,
    /// The bounds of one `PutEvents` request.
    pub put_events: PutEvents,
    /// The bounds of one event pattern.
    pub patterns: Patterns,
    /// How much of each resource there may be.
    pub quotas: Quotas,
    /// Rules that are declared in files.
    pub managed_rules: ManagedRules,
    /// How events and deliveries are written.
    pub journal: Journal,
    /// How targets are sent to.
    pub delivery: Delivery,
    /// How long dead letters are kept.
    pub dead_letters: DeadLetters,
    /// How much of the history of attempts is kept.
    pub history: History,
    /// Where deliveries may go.
    pub egress: Egress,
    /// `[local_targets]`.
    pub local_targets: LocalTargets,
    /// What becomes of firings that were missed.
    pub schedules: Schedules,
    /// What Prometheus is told.
    pub metrics: Metrics,
    /// Where spans are sent to.
    pub traces: Traces,
    /// How the daemon ends.
    pub shutdown: Shutdown,
    /// What the daemon says about its work.
    pub log: Log,
    /// The setting in force of every option, in the order of the defaults file.
    effective: Vec<Setting>,
}

impl Config {
    /// Reads all layers: the defaults, then `file`, then `environment` (all of it, as `std::env::vars_os` gives it),
    /// then `flags`, of which the last wins.
    ///
    /// # Errors
    /// [`ConfigFaults`] with every fault of every layer.
    pub fn load<N: Into<OsString>, V: Into<OsString>>(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (N, V)>,
        flags: &[Flag],
    ) -> Result<Self, ConfigFaults> {
        let schema = Schema::of(DEFAULTS);
        let mut layers = Layers::new(&schema);
        layers.add_defaults(DEFAULTS);
        if let Some(path) = file {
            layers.add_file(path);
        }
        let environment: Vec<(OsString, OsString)> =
            environment.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        layers.add_environment(environment.iter().cloned());
        layers.add_flags(flags);

        let Layers { settings, mut faults, lists, .. } = layers;
        let mut reader = Reader::new(&settings);
        let mut config = Self::read(&mut reader);
        faults.append(&mut reader.faults);
        faults.append(&mut config.aws_services.add_environment(&environment));
        let tables = |name: &str| lists.get(name).map_or(&[][..], Vec::as_slice);
        let mut reader = TableReader::new(file.unwrap_or(Path::new("")), &environment);
        config.accounts = accounts::read_accounts(tables("accounts"), &mut reader);
        let must_name_accounts = tables("accounts").len() > 1;
        config.connections = connections::read_connections(tables("connections"), must_name_accounts, &mut reader);
        faults.append(&mut reader.faults);
        // Without one whole layer nobody can say what its options would have been beside the others.
        let all_readable = !faults.iter().any(|fault| fault.key.is_empty());
        if all_readable {
            faults.extend(relations::check(&config, &settings, &faults));
        }
        if !faults.is_empty() {
            return Err(ConfigFaults(faults));
        }
        let last = |key: &String| settings.iter().rfind(|setting| setting.key == *key).cloned();
        config.effective = schema.options.iter().filter_map(|known| last(&known.key)).collect();
        Ok(config)
    }

    /// The configuration in force, as TOML that can be loaded again, with the layer of each value behind it.
    #[must_use]
    pub fn show(&self) -> String {
        show::show(&self.effective) + &accounts::show(&self.accounts) + &connections::show(&self.connections)
    }

    /// The same for programs: for each option an object of `key`, `value` and `origin`, then one for each account and each
    /// connection, without secrets.
    #[must_use]
    pub fn list(&self) -> Vec<serde_json::Value> {
        let options = show::list(&self.effective);
        options.chain(accounts::list(&self.accounts)).chain(connections::list(&self.connections)).collect()
    }

    /// The listeners on which nobody is authenticated though other machines can reach them.
    #[must_use]
    pub fn open_listeners(&self) -> Vec<(&'static str, SocketAddr)> {
        let anonymous = [
            ("api", self.api.listen, self.accounts.is_empty()),
            ("admin", self.admin.listen, self.admin.token_hashes.is_empty()),
        ];
        let open = anonymous.into_iter().filter(|(_, listen, is_anonymous)| *is_anonymous && !is_loopback(*listen));
        open.map(|(name, listen, _)| (name, listen)).collect()
    }

    fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            storage: Storage::read(reader),
            aws: Aws::read(reader),
            accounts: Vec::new(),
            connections: Connections::default(),
            api: Api::read(reader),
            admin: Admin::read(reader),
            put_events: PutEvents::read(reader),
            patterns: Patterns::read(reader),
            quotas: Quotas::read(reader),
            managed_rules: ManagedRules::read(reader),
            journal: Journal::read(reader),
            delivery: Delivery::read(reader),
            aws_services: AwsServices::read(reader),
            egress: Egress::read(reader),
            local_targets: LocalTargets::read(reader),
            schedules: Schedules::read(reader),
            dead_letters: DeadLetters::read(reader),
            history: History::read(reader),
            metrics: Metrics::read(reader),
            traces: Traces::read(reader),
            shutdown: Shutdown::read(reader),
            log: Log::read(reader),
            effective: Vec::new(),
        }
    }
}

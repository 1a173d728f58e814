//! The daemon as a whole: built from the bottom up, stopped from the top down.

mod access;
pub mod data_format;
mod reload;
mod senders;
mod settings;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use eventyard_core::clock::Clock as _;
use eventyard_core::name::{AccountId, Region};
use tokio::task::JoinHandle;

use access::{admin_access, api_hosts, authentication, open_listeners_remark, tls, warn_of_open_listeners};
use data_format::DataFormatError;
use reload::Reload;
use senders::senders;
use settings::{
    admin_limits, api_limits, collector, delivery_settings, delivery_thread_count, engine_settings, journal_settings,
};

use crate::admin::{Admin, Readiness};
use crate::api;
use crate::api::{Api, ManagedRules, ManagedRulesError};
use crate::auth::{Authenticator, Throttle};
use crate::backup::RESTORING;
use crate::config::{Config, ConfigFaults};
use crate::delivery::{BrokerTlsError, CurrentConnections, Dispatcher, HttpSender, HttpSenderError};
use crate::engine::{Caller, Engine, EngineError};
use crate::http::{BindError, Listener, TlsError};
use crate::journal::{CommitterThread, Journal, JournalError};
use crate::runtime::{InheritedSockets, Random, Stop, SystemClock, Tasks, Threads, VitalLoop};
use crate::scheduler::Scheduler;
use crate::store::{Store, StoreError};
use crate::telemetry::{Draining, Listening, Ready, StoreOpened, Telemetry, TraceExporter, TraceExporterError, Warned};
use crate::upkeep::{Upkeep, fold_indexes};

/// Why the daemon could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory could not be made.
    #[error("cannot make the data directory {}: {reason}; choose another with storage.data_dir or --data-dir", path.display())]
    DataDir {
        /// Which one.
        path: PathBuf,
        /// What failed.
        reason: io::Error,
    },
    /// A restore is under way or was broken off.
    #[error("a restore to {} has not ended; if none is running, remove what is in the folder and restore again", .0.display())]
    Restoring(PathBuf),
    /// Another release wrote the data directory.
    #[error(transparent)]
    DataFormat(#[from] DataFormatError),
    /// A port is taken, or not ours to take.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The store could not be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The journal could not be opened.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// What is in the store could not be run.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A file declares rules that cannot be.
    #[error(transparent)]
    ManagedRules(#[from] ManagedRulesError),
    /// Deliveries could not be made.
    #[error(transparent)]
    Http(#[from] HttpSenderError),
    /// Messages could not be sent to brokers.
    #[error(transparent)]
    BrokerTls(#[from] BrokerTlsError),
    /// A listener's certificate or key could not be read.
    #[error("{listener}.tls_…_file: {reason}")]
    Tls {
        /// `api` or `admin`.
        listener: &'static str,
        /// What is wrong.
        reason: TlsError,
    },
    /// The account or the region in the configuration is none.
    #[error("aws.account_id or aws.region is not valid")]
    Caller,
    /// The system gives no more threads.
    #[error("cannot start threads: {0}")]
    Threads(io::Error),
    /// Spans could not be sent.
    #[error(transparent)]
    Traces(#[from] TraceExporterError),
    /// Metrics could not be made.
    #[error("cannot make the metrics: {0}")]
    Metrics(String),
}

/// One part that runs until its stage of the shutdown.
struct Part {
    name: &'static str,
    stop: Stop,
    running: JoinHandle<Option<()>>,
}

/// What the listeners are called.
pub const LISTENERS: [&str; 2] = ["api", "admin"];

/// The daemon, running.
pub struct App {
    api_address: SocketAddr,
    admin_address: SocketAddr,
    readiness: Readiness,
    /// In the order in which they are stopped.
    parts: Vec<Part>,
    /// Answers health checks until everything else is down.
    admin: Part,
    /// What the dispatcher runs on.
    _delivery_threads: Threads,
    journal: Journal,
    committer: CommitterThread,
    reload: Reload,
    deadline: Duration,
    telemetry: Arc<Telemetry>,
}

impl App {
    /// Starts everything and answers when traffic can come, on `sockets` where there are some for a listener. `started` is when
    /// the process began. A daemon whose data is `ephemeral` can be reset.
    ///
    /// # Errors
    /// The first thing that could not be started; nothing is left running.
    pub async fn start(
        config: &Config,
        mut sockets: InheritedSockets,
        ephemeral: bool,
        started: Instant,
    ) -> Result<Self, StartError> {
        let (telemetry, traces) = telemetry(config)?;
        let tasks = Tasks::new(Arc::clone(&telemetry));
        let (clock, random) = (Arc::new(SystemClock), Arc::new(Random::from_system()));
        let caller = default_caller(config)?;
        let access = api::Access {
            authenticator: Authenticator::new(authentication(config, &caller), clock.clone(), Arc::clone(&telemetry)),
            allowed_hosts: api_hosts(config),
            throttle: Throttle::new(config.api.requests_per_second_max, clock.clone()),
        };
        let (api_tls, admin_tls) = (tls("api", &config.api.tls)?, tls("admin", &config.admin.tls)?);
        let api_listener = listener("api", config.api.listen, &mut sockets).await?.with_tls(api_tls.clone());
        let admin_listener = listener("admin", config.admin.listen, &mut sockets).await?.with_tls(admin_tls.clone());

        let data_dir = &config.storage.data_dir;
        make_data_dir(data_dir)?;
        data_format::check(data_dir)?;
        let (journal, committer) = Journal::open(data_dir, journal_settings(config), Arc::clone(&telemetry))?;
        let engine = open_engine(config, &journal, &clock, &random, &telemetry)?;
        data_format::record(data_dir)?;
        let managed_rules = managed_rules(config, &engine, &caller, &telemetry);
        if let Some(rules) = &managed_rules {
            rules.apply().await?;
        }

        let delivery_threads =
            Threads::start("delivery", delivery_thread_count(config)).map_err(StartError::Threads)?;
        HttpSender::check(&config.connections)?;
        let connections = Arc::new(CurrentConnections::new(config.connections.clone()));
        let senders = senders(config, clock.clone(), Arc::clone(&connections), &random)?;
        let dispatcher = Dispatcher::new(
            Arc::clone(&engine),
            journal.clone(),
            senders,
            clock.clone(),
            Arc::clone(&random),
            delivery_settings(config),
            Arc::clone(&telemetry),
        );
        let scheduler =
            Scheduler { engine: Arc::clone(&engine), clock: clock.clone(), telemetry: Arc::clone(&telemetry) };
        let [dispatching, scheduling, keeping] =
            ["dispatcher", "scheduler", "upkeep"].map(|name| VitalLoop::new(name, tasks.clone()));
        let readiness = Readiness::new([&dispatching, &scheduling, &keeping].map(VitalLoop::clone));
        let upkeep = upkeep(config, &journal, clock, keeping, &telemetry);
        let admin = Admin::new(
            Arc::clone(&engine),
            caller,
            journal.clone(),
            readiness.clone(),
            admin_access(config),
            open_listeners_remark(config),
            Arc::clone(&telemetry),
        );
        let admin = Arc::new(if ephemeral { admin.with_reset() } else { admin });
        let folded = Arc::clone(&engine);
        let api = Arc::new(Api::new(engine, access, random, Arc::clone(&telemetry)));

        let tls = [("api", api_tls), ("admin", admin_tls)].into_iter().filter_map(|(name, tls)| Some((name, tls?)));
        let reload = Reload {
            api: Arc::clone(&api),
            admin: Arc::clone(&admin),
            connections,
            tls: tls.collect(),
            managed_rules,
            telemetry: Arc::clone(&telemetry),
        };

        let (api_address, admin_address) = (api_listener.address(), admin_listener.address());
        announce([&api_listener, &admin_listener], config, &telemetry);
        let (api_limits, admin_limits) = (api_limits(config), admin_limits(config));
        let server_tasks = tasks.clone();
        let mut parts = vec![
            part(&tasks, None, "api", |stop| api_listener.serve(api_limits, api, server_tasks, stop.signal())),
            part(&tasks, None, "scheduler", |stop| scheduler.run(scheduling, stop.signal())),
            part(&tasks, Some(&delivery_threads), "dispatcher", |stop| dispatcher.run(dispatching, stop.signal())),
            part(&tasks, None, "upkeep", |stop| upkeep.run(stop.signal())),
            part(&tasks, None, "index folding", |stop| fold_indexes(folded, stop.signal())),
        ];
        // The last of them, so that it sends the spans of all others.
        parts.extend(traces.map(|traces| traces_part(&tasks, traces, Arc::clone(&telemetry))));
        // Before the admin listener answers: it has nothing to say while the daemon starts but that it is not there yet.
        readiness.set(true);
        let server_tasks = tasks.clone();
        let admin =
            part(&tasks, None, "admin", |stop| admin_listener.serve(admin_limits, admin, server_tasks, stop.signal()));
        telemetry.record(&Ready { duration: started.elapsed() });
        Ok(Self {
            api_address,
            admin_address,
            readiness,
            parts,
            admin,
            _delivery_threads: delivery_threads,
            journal,
            committer,
            reload,
            deadline: config.shutdown.deadline,
            telemetry,
        })
    }

    /// Where the API listens.
    #[must_use]
    pub fn api_address(&self) -> SocketAddr {
        self.api_address
    }

    /// Where the admin listener listens.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    /// Whether it is ready, and alive.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        self.readiness.clone()
    }

    /// Waits until something failed after which the daemon has to stop at once and recover from disk.
    pub async fn failed(&self) {
        self.journal.failed().await;
        self.readiness.set(false);
    }

    /// Takes again what changes without a restart, from the configuration, which was read again, and from files.
    pub async fn reload(&self, config: Result<Config, ConfigFaults>) {
        self.reload.reload(config).await;
    }

    /// Stops part after part: no more traffic is asked for, connections end, then attempts, then the journal. Answers false when
    /// the deadline passed before everything had ended by itself; what is owed is in the journal either way.
    pub async fn stop(self, reason: &'static str) -> bool {
        self.telemetry.record(&Draining { reason, deadline: self.deadline });
        self.readiness.set(false);
        let end = tokio::time::Instant::now() + self.deadline;
        let mut in_time = true;
        for Part { name, stop, mut running } in self.parts {
            stop.stop();
            if tokio::time::timeout_at(end, &mut running).await.is_err() {
                in_time = false;
                running.abort();
                self.telemetry.record(&Warned { message: &format!("{name} did not end before shutdown.deadline_ms") });
            }
        }
        self.journal.close().await;
        // Its last write is under way; it answers to no deadline, for it is what was promised.
        let _ = tokio::task::spawn_blocking(|| self.committer.join()).await;
        self.admin.stop.stop();
        in_time
    }
}

/// A listener on the socket that was handed over for it, or on one of our own.
async fn listener(
    name: &'static str,
    address: SocketAddr,
    sockets: &mut InheritedSockets,
) -> Result<Listener, BindError> {
    match sockets.take(name) {
        Some(socket) => Listener::inherit(name, address, socket),
        None => Listener::bind(name, address).await,
    }
}

/// Sends spans until it is stopped.
fn traces_part(tasks: &Tasks, traces: TraceExporter, telemetry: Arc<Telemetry>) -> Part {
    part(tasks, None, "traces", |stop| {
        let stop = stop.signal();
        async move { traces.run(&telemetry, stop.stopped()).await }
    })
}

/// What is told of the daemon, and who sends its spans, if there are any.
fn telemetry(config: &Config) -> Result<(Arc<Telemetry>, Option<TraceExporter>), StartError> {
    let telemetry = Telemetry::new().map_err(|error| StartError::Metrics(error.to_string()))?;
    let telemetry = telemetry.with_targets_max(config.metrics.targets_max);
    let free_bytes_min = i64::try_from(config.journal.free_space_bytes_min).unwrap_or(i64::MAX);
    telemetry.metrics().storage.free_bytes_min.set(free_bytes_min);
    let Some(collector) = collector(config) else { return Ok((Arc::new(telemetry), None)) };
    let (telemetry, exporter) = telemetry.with_traces(collector)?;
    Ok((Arc::new(telemetry), Some(exporter)))
}

fn make_data_dir(data_dir: &Path) -> Result<(), StartError> {
    std::fs::create_dir_all(data_dir).map_err(|reason| StartError::DataDir { path: data_dir.to_owned(), reason })?;
    if data_dir.join(RESTORING).exists() {
        return Err(StartError::Restoring(data_dir.to_owned()));
    }
    Ok(())
}

fn open_engine(
    config: &Config,
    journal: &Journal,
    clock: &Arc<SystemClock>,
    random: &Arc<Random>,
    telemetry: &Arc<Telemetry>,
) -> Result<Arc<Engine>, StartError> {
    let store = Store::open(&config.storage.data_dir, clock.now())?;
    let path = store.path().to_owned();
    let (clock, random, settings) = (Arc::<SystemClock>::clone(clock), Arc::clone(random), engine_settings(config));
    let engine = Engine::start(store, journal.clone(), clock, random, settings, Arc::clone(telemetry))?;
    let (rules, targets) = engine.counts();
    telemetry.record(&StoreOpened { path: &path, rules, targets });
    Ok(Arc::new(engine))
}

fn part<F: Future<Output = ()> + Send + 'static>(
    tasks: &Tasks,
    threads: Option<&Threads>,
    name: &'static str,
    run: impl FnOnce(&Stop) -> F,
) -> Part {
    let stop = Stop::default();
    let running = match threads {
        Some(threads) => tasks.spawn_on(threads, name, run(&stop)),
        None => tasks.spawn(name, run(&stop)),
    };
    Part { name, stop, running }
}

fn managed_rules(
    config: &Config,
    engine: &Arc<Engine>,
    owner: &Caller,
    telemetry: &Arc<Telemetry>,
) -> Option<Arc<ManagedRules>> {
    let (dir, engine) = (config.managed_rules.rules_dir.clone()?, Arc::clone(engine));
    Some(Arc::new(ManagedRules { dir, engine, owner: owner.clone(), telemetry: Arc::clone(telemetry) }))
}

/// The caller of requests, and the owner of files, that do not say theirs.
fn default_caller(config: &Config) -> Result<Caller, StartError> {
    let account = AccountId::parse(&config.aws.account_id).map_err(|_| StartError::Caller)?;
    let region = Region::parse(&config.aws.region).map_err(|_| StartError::Caller)?;
    let configured = config.accounts.iter().find(|configured| configured.id == account);
    let organization = configured.and_then(|account| account.organization.clone());
    Ok(Caller { account, region, organization, forwarded_from: Vec::new() })
}

fn upkeep(
    config: &Config,
    journal: &Journal,
    clock: Arc<SystemClock>,
    vital: VitalLoop,
    telemetry: &Arc<Telemetry>,
) -> Upkeep {
    Upkeep {
        journal: journal.clone(),
        data_dir: config.storage.data_dir.clone(),
        clock,
        dead_letter_retention: config.dead_letters.retention,
        dead_letter_bytes_max: config.dead_letters.size_bytes_max,
        vital,
        telemetry: Arc::clone(telemetry),
    }
}

/// Says where the daemon listens, and who can do what there unasked.
fn announce(listeners: [&Listener; 2], config: &Config, telemetry: &Telemetry) {
    for listener in listeners {
        let scheme = listener.scheme();
        telemetry.record(&Listening { listener: listener.name(), address: listener.address(), scheme });
    }
    warn_of_open_listeners(config, telemetry);
}

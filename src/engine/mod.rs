//! What the service does: its operations over the store, the journal and the clock, one file a noun.
//!
//! All resources are in memory, in the `registry`; the store has them on disk. A change is checked, written to the store
//! and then made in memory, one change at a time, so readers see it whole or not at all. Events are matched against the
//! registry and handed to the journal with the deliveries they owe.

mod backup;
mod dead_letters;
mod event_buses;
mod event_reports;
mod events;
mod explain;
mod folding;
mod forwarding;
mod managed_rules;
mod pausing;
mod permissions;
mod registry;
mod reset;
mod rules;
mod schedules;
mod tags;
mod target_events;
mod targets;
#[cfg(test)]
pub(crate) mod testing;
mod timetable;
mod tracing;
mod unmatched;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
#[cfg(any(test, feature = "test-settings"))]
use std::time::Duration;

use eventyard_core::clock::{Clock, Timestamp};
use eventyard_core::egress::Egress;
use eventyard_core::error::ServiceError;
use eventyard_core::name::{AccountId, OrganizationId, Region, TargetNumber};
use eventyard_core::pattern::PatternLimits;
#[cfg(any(test, feature = "test-settings"))]
use eventyard_core::schedule::CatchUp;
use eventyard_core::schedule::CatchUpPolicy;
use eventyard_core::target::LocalTargets;
use tokio::sync::Notify;

pub use backup::Contents;
pub use dead_letters::{DeadLettersFound, Redriven};
pub use event_reports::{DeliveryReport, DeliveryState, EventReport, Recipient};
pub use events::{EntryResult, EventsError};
pub use explain::RuleExplanation;
pub use managed_rules::{Applied, ManagedRule};
pub use registry::ActiveTarget;
pub use rules::{PutRule, RuleDescription};
pub use target_events::TargetEvent;
pub use unmatched::{UnmatchedEvent, UnmatchedEvents};

use crate::journal::{Journal, JournalError};
use crate::runtime::Random;
use crate::store::{Change, Store, StoreError};
use crate::telemetry::{RequestFailed, Telemetry};
use registry::Registry;
use unmatched::Unmatched;

/// Who asks, and where.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The account on whose behalf the request is made.
    pub account: AccountId,
    /// The region it is made in.
    pub region: Region,
    /// The organization the account belongs to, for policies that name one.
    pub organization: Option<OrganizationId>,
    /// The ARNs of the event buses on which the events it puts were before, at a daemon that forwards them.
    pub forwarded_from: Vec<String>,
}

/// The bounds the engine keeps.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Bytes of the entries of one call, as Amazon counts them.
    pub entries_size_bytes_max: usize,
    /// Whether `CloudEvents` are known by their source and id.
    pub deduplicates_cloud_events: bool,
    /// Characters of an event pattern.
    pub pattern_length_max: usize,
    /// Bounds on what a pattern may expand to.
    pub patterns: PatternLimits,
    /// What becomes of firings that were missed, where a rule does not say.
    pub catch_up: CatchUpPolicy,
    /// Targets of one rule.
    pub targets_per_rule_max: usize,
    /// Characters of the event pattern of one rule.
    pub event_pattern_length_max: usize,
    /// Rules of one event bus; none for no bound.
    pub rules_per_event_bus_max: Option<usize>,
    /// Event buses of one account in one region beside the default one; none for no bound.
    pub event_buses_per_account_max: Option<usize>,
    /// The accounts whose rules may call AWS services with the daemon's key; none for all.
    pub aws_target_accounts: Option<Vec<AccountId>>,
    /// The accounts of this daemon; empty where every account is.
    pub accounts: Vec<AccountId>,
    /// The addresses that targets may be at.
    pub egress: Egress,
    /// What of this machine targets may use.
    pub local_targets: LocalTargets,
    /// The regions that are served; all when it is empty.
    pub regions: Vec<Region>,
    /// The organizations that accounts belong to.
    pub organizations: HashMap<AccountId, OrganizationId>,
}

#[cfg(any(test, feature = "test-settings"))]
impl Settings {
    /// What tests and fuzz targets run with: targets may be on this machine, and nothing is bounded that need not be.
    #[must_use]
    pub fn for_tests() -> Self {
        Self {
            entries_size_bytes_max: 1 << 20,
            deduplicates_cloud_events: false,
            pattern_length_max: 4_096,
            patterns: PatternLimits { wildcard_complexity_max: None, branches_max: None },
            catch_up: CatchUpPolicy { catch_up: CatchUp::Last, horizon: Duration::from_secs(3_600) },
            aws_target_accounts: None,
            egress: Egress::with_loopback(),
            local_targets: LocalTargets::default(),
            targets_per_rule_max: 5,
            event_pattern_length_max: 4_096,
            rules_per_event_bus_max: None,
            event_buses_per_account_max: None,
            accounts: Vec::new(),
            regions: Vec::new(),
            organizations: HashMap::new(),
        }
    }
}

/// The service without its wire.
#[derive(Debug)]
pub struct Engine {
    registry: RwLock<Registry>,
    /// Held through a change, from its checks to its end in memory.
    changing: Mutex<()>,
    store: Store,
    journal: Journal,
    clock: Arc<dyn Clock>,
    random: Arc<Random>,
    settings: Settings,
    unmatched: Unmatched,
    told_of_trace_header: Once,
    /// Rung when an index may have to be folded.
    folding: Notify,
    telemetry: Arc<Telemetry>,
}

/// Why the engine could not be started.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The store could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// How far schedules have come could not be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A stored rule or target is one this release cannot run.
    #[error("the store holds {resource} that this release cannot run: {reason}")]
    Unusable {
        /// Which one.
        resource: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Engine {
    /// Reads all resources into memory.
    ///
    /// # Errors
    /// When the store cannot be read, or holds what this release cannot run.
    pub fn start(
        store: Store,
        journal: Journal,
        clock: Arc<dyn Clock>,
        random: Arc<Random>,
        settings: Settings,
        telemetry: Arc<Telemetry>,
    ) -> Result<Self, EngineError> {
        let mut registry = Registry::load(store.load()?)?;
        registry.timetable_mut().advance(&journal.schedule_marks()?);
        let registry = RwLock::new(registry);
        let engine = Self {
            registry,
            changing: Mutex::default(),
            store,
            journal,
            clock,
            random,
            settings,
            unmatched: Unmatched::default(),
            told_of_trace_header: Once::new(),
            folding: Notify::new(),
            telemetry,
        };
        engine.forget_settled_targets()?;
        Ok(engine)
    }

    /// Removed targets are remembered for what they are still owed; once that is settled, they are forgotten.
    fn forget_settled_targets(&self) -> Result<(), StoreError> {
        let mut registry = self.registry_mut();
        let is_settled = |number| matches!(self.journal.is_owed(number), Ok(false));
        let settled = |number: &TargetNumber| is_settled(*number) && is_settled(number.of_dead_letters());
        let forgotten: Vec<_> = registry.removed_targets().filter(settled).collect();
        if forgotten.is_empty() {
            return Ok(());
        }
        self.store.apply(&forgotten.iter().map(|number| Change::ForgetTarget(*number)).collect::<Vec<_>>())?;
        for number in forgotten {
            registry.forget_target(number);
        }
        Ok(())
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// How many rules and targets there are.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        self.registry().counts()
    }

    fn registry(&self) -> RwLockReadGuard<'_, Registry> {
        self.registry.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn registry_mut(&self) -> RwLockWriteGuard<'_, Registry> {
        self.registry.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes changes wait for each other.
    fn begin_change(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes changes to disk. While the disk is nearly full they are refused, as events are.
    fn write(&self, changes: &[Change]) -> Result<(), ServiceError> {
        self.journal.check_room().map_err(|error| self.internal(&error))?;
        self.store.apply(changes).map_err(|error| self.internal(&error))
    }

    /// The caller learns only that something failed; the log says what.
    fn internal(&self, reason: &dyn std::error::Error) -> ServiceError {
        self.telemetry.record(&RequestFailed { reason });
        ServiceError::internal()
    }
}

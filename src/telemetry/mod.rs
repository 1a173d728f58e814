//! What the daemon tells its operator: each fact is one type, and that type alone decides its log line and its metrics.
//!
//! Code elsewhere says what happened (`telemetry.record(&AttemptEnded { … })`) and leaves lines and counters to it, so the
//! log and the metrics cannot drift apart and a fact is found by its name. Gauges, which tell a state and no fact, are set
//! where the state is known.

mod api;
mod authentication;
mod catalogue;
mod configuration;
mod delivery;
mod journal;
mod lifecycle;
mod logs;
mod managed_rules;
mod metrics;
mod process;
mod schedules;

pub use api::{EventsDeduplicated, EventsReceived, MemberInert, RequestAnswered, RequestFailed};
pub use authentication::{AnonymousAllowed, AuthenticationFailed};
pub use catalogue::Description;
pub use configuration::{ConfigurationNotReloaded, ConfigurationReloaded};
pub use delivery::{
    AttemptEnded, BacklogUnreadable, CircuitBreakerMoved, DeadLetterNotQueued, DeadLetterNotQueuedYet,
    DeadLettersExpired, DeadLettersTakenOut, DeliveryDied, EventUnmatched, TargetPaused,
};
pub use journal::{
    BacklogFull, GroupCommitted, JournalFailed, JournalFull, JournalRecovered, JournalRoomAgain, RecordQuarantined,
    SegmentDropped,
};
pub use lifecycle::{BackupTaken, Draining, Listening, Ready, Reset, StoreOpened, TaskPanicked, TlsReloaded, Warned};
pub use logs::{InvalidLogLevel, LogFormat, init_logs, set_log_level};
pub use managed_rules::{ManagedRuleApplied, ManagedRulesApplied, ManagedRulesFailed};
pub use metrics::{Counted, Metrics};
pub use schedules::{ClockSetBack, FiringsMissed, ScheduleFired};

/// The place all facts go to.
#[derive(Debug)]
pub struct Telemetry {
    metrics: Metrics,
}

/// A fact worth telling.
pub trait Fact {
    /// Writes its log line, if it has one, and moves its metrics.
    fn record(&self, metrics: &Metrics);
}

impl Telemetry {
    /// Fresh metrics.
    ///
    /// # Errors
    /// When two metrics were given one name, which a test would have found.
    pub fn new() -> Result<Self, prometheus::Error> {
        Ok(Self { metrics: Metrics::new()? })
    }

    /// Tells a fact.
    pub fn record(&self, fact: &impl Fact) {
        fact.record(&self.metrics);
    }

    /// The metrics, for gauges that are read when they are asked for.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// All metrics in Prometheus' text format.
    #[must_use]
    pub fn encode(&self) -> String {
        self.metrics.encode()
    }
}

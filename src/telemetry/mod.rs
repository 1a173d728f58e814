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
mod request_origin;
mod schedules;
mod target_metrics;
mod traces;

pub use api::{EventsDeduplicated, EventsReceived, MemberInert, RequestAnswered, RequestFailed};
pub use authentication::{AnonymousAllowed, AuthenticationFailed};
pub use catalogue::Description;
pub use configuration::{ConfigurationNotReloaded, ConfigurationReloaded};
pub use delivery::{
    AttemptEnded, BacklogUnreadable, CircuitBreakerMoved, DeadLetterNotQueued, DeadLetterNotQueuedYet,
    DeadLetterQueued, DeadLettersExpired, DeadLettersTakenOut, DeliveryDied, EventUnmatched, TargetPaused,
    TargetsRemoved,
};
pub use journal::{
    BacklogFull, GroupCommitted, JournalFailed, JournalFull, JournalRecovered, JournalRoomAgain, RecordQuarantined,
    SegmentDropped,
};
pub use lifecycle::{BackupTaken, Draining, Listening, Ready, Reset, StoreOpened, TaskPanicked, TlsReloaded, Warned};
pub use logs::{InvalidLogLevel, LogFormat, init_logs, set_log_level};
pub use managed_rules::{ManagedRuleApplied, ManagedRulesApplied, ManagedRulesFailed};
pub use metrics::{Counted, Metrics};
pub use request_origin::{RequestOrigin, for_this_request};
pub use schedules::{ClockSetBack, FiringsMissed, ScheduleFired};
pub use traces::{Collector, EventTraced, SpansExported, Stage, TraceExporter, TraceExporterError, Traces};

use std::time::Duration;

use eventyard_core::trace_context::TraceContext;

/// The place all facts go to.
#[derive(Debug)]
pub struct Telemetry {
    metrics: Metrics,
    /// None where no spans are made.
    traces: Option<Traces>,
}

/// A fact worth telling.
pub trait Fact {
    /// Writes its log line, if it has one, and moves its metrics.
    fn record(&self, metrics: &Metrics);

    /// Makes its spans, if it has any.
    fn trace(&self, _traces: &Traces) {}
}

impl Telemetry {
    /// Fresh metrics.
    ///
    /// # Errors
    /// When two metrics were given one name, which a test would have found.
    pub fn new() -> Result<Self, prometheus::Error> {
        Ok(Self { metrics: Metrics::new()?, traces: None })
    }

    /// The same with series of their own for so many targets at most.
    #[must_use]
    pub fn with_targets_max(mut self, targets_max: usize) -> Self {
        self.metrics.targets.limit(targets_max);
        self
    }

    /// The same with spans for a collector, and who sends them to it.
    ///
    /// # Errors
    /// When the client for it cannot be made.
    pub fn with_traces(self, collector: Collector) -> Result<(Self, TraceExporter), TraceExporterError> {
        let (traces, exporter) = Traces::new(collector, self.metrics.spans_dropped.clone())?;
        Ok((Self { traces: Some(traces), ..self }, exporter))
    }

    /// Whether spans are made.
    #[must_use]
    pub fn is_tracing(&self) -> bool {
        self.traces.is_some()
    }

    /// The span of an event that comes in, made from random bits: under that of its sender, where it says one. Where no
    /// spans are made it is the sender's, so that the trace does not break here.
    #[must_use]
    pub fn begin_trace(&self, sender: Option<TraceContext>, random: u128) -> Option<TraceContext> {
        self.traces.as_ref().map_or(sender, |traces| traces.begin(sender, random))
    }

    /// A span under `parent`, made from random bits; `parent` itself where no spans are made.
    #[must_use]
    pub fn span_under(&self, parent: TraceContext, random: u64) -> TraceContext {
        if self.is_tracing() { traces::under(parent, random) } else { parent }
    }

    /// Tells a fact.
    pub fn record(&self, fact: &impl Fact) {
        fact.record(&self.metrics);
        if let Some(traces) = &self.traces {
            fact.trace(traces);
        }
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

/// For a line of the log, where a number can be computed with.
fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// The same for what takes longer.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

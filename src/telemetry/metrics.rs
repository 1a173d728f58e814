//! Every metric by name. Labels take their values from small fixed sets, but for those of single targets, which are bounded in
//! number.

use prometheus::{Encoder as _, Histogram, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry, TextEncoder};

use super::catalogue::{Catalogue, Description};
use super::process::ProcessMetrics;
use super::target_metrics::TargetMetrics;

/// The metrics, made once at start.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    descriptions: Vec<Description>,
    process: ProcessMetrics,
    pub(super) requests: IntCounterVec,
    pub(super) request_seconds: Histogram,
    pub(super) authentication_failures: IntCounterVec,
    pub(super) dangerous_allow_anonymous: IntGauge,
    pub(super) events_received: IntCounter,
    pub(super) events_rejected: IntCounterVec,
    pub(super) events_unmatched: IntCounter,
    pub(super) events_deduplicated: IntCounter,
    pub(super) commit_groups: IntCounter,
    pub(super) commit_group_events: Histogram,
    pub(super) commit_seconds: Histogram,
    pub(super) events_committed: IntCounter,
    pub(super) deliveries_committed: IntCounter,
    pub(super) journal_full: IntGauge,
    pub(super) backlog_full: IntGauge,
    pub(super) journal_failures: IntCounter,
    pub(super) segments_dropped: IntCounter,
    pub(super) attempts: IntCounterVec,
    pub(super) retries: IntCounter,
    pub(super) attempt_seconds: Histogram,
    pub(super) end_to_end_seconds: Histogram,
    pub(super) circuit_breaker_transitions: IntCounterVec,
    pub(super) backlog_read_failures: IntCounter,
    pub(super) schedules: ScheduleMetrics,
    pub(super) spans_exported: IntCounter,
    pub(super) spans_dropped: IntCounterVec,
    pub(super) task_panics: IntCounterVec,
    pub(super) tls_reload_failures: IntCounter,
    pub(super) configuration_reload_failures: IntCounter,
    /// Deliveries owed and not yet settled.
    pub deliveries_pending: IntGauge,
    /// Of dead letters.
    pub dead_letters: DeadLetterMetrics,
    /// Whole seconds since the event was accepted that has waited longest for its first attempt.
    pub oldest_untried_seconds: IntGauge,
    /// Targets with a worker, that is with deliveries owed or just settled.
    pub targets_active: IntGauge,
    /// Targets that are paused and owed something.
    pub targets_paused: IntGauge,
    /// Targets whose circuit breaker is not closed.
    pub circuit_breakers_open: IntGauge,
    /// Of single targets.
    pub targets: TargetMetrics,
    /// Rules in the store.
    pub rules: IntGauge,
    /// What the data directory takes and has.
    pub storage: StorageMetrics,
}

/// One of what a gauge counts, for as long as it lives.
#[derive(Debug)]
pub struct Counted(IntGauge);

impl Counted {
    /// Counts one more.
    #[must_use]
    pub fn new(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// The metrics of the data directory.
#[derive(Debug)]
pub struct StorageMetrics {
    /// Bytes on disk by `part`, `store` or `journal`.
    pub bytes: IntGaugeVec,
    /// Bytes free for the daemon on the disk of the journal.
    pub free_bytes: IntGauge,
    /// Bytes that have to be free for events to be taken.
    pub free_bytes_min: IntGauge,
    /// Bytes of the events that are owed.
    pub owed_bytes: IntGauge,
    pub(super) backups: IntCounterVec,
    pub(super) quarantined: IntCounter,
}

/// The metrics of dead letters.
#[derive(Debug)]
pub struct DeadLetterMetrics {
    pub(super) given_up: IntCounterVec,
    pub(super) expired: IntCounterVec,
    pub(super) redriven: IntCounter,
    pub(super) queued: IntCounter,
    pub(super) not_queued: IntCounter,
    pub(super) purged: IntCounter,
    /// Bytes of all of them.
    pub bytes: IntGauge,
}

/// The metrics of schedules.
#[derive(Debug)]
pub(super) struct ScheduleMetrics {
    pub(super) fired: IntCounter,
    pub(super) missed: IntCounter,
    pub(super) lateness_seconds: Histogram,
}

/// Durations from a tenth of a millisecond to half a minute.
const SECONDS: &[f64] =
    &[0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// From there to the age at which no event is tried again: two minutes to a day.
const UP_TO_A_DAY: &[f64] = &[120.0, 600.0, 1_800.0, 7_200.0, 28_800.0, 86_400.0];

/// Why an entry of `PutEvents` can be refused.
const ENTRY_ERRORS: &[&str] =
    &["InvalidArgument", "MalformedDetail", "NotAuthorizedForSourceException", "AccessDeniedException"];

/// Why a request can be not let in.
const AUTHENTICATION_FAILURES: &[&str] = &[
    "missing",
    "incomplete",
    "unknown_key",
    "wrong_scope",
    "wrong_signature",
    "signature_expired",
    "signature_not_yet_current",
    "token_expired",
    "unknown_token",
    "host",
];

/// Numbers of things in a group.
const COUNTS: &[f64] = &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0];

/// How an attempt can end beside `DELIVERED`, and a delivery be given up.
const ERROR_CODES: &[&str] = &[
    "THROTTLED",
    "TARGET_FAILED",
    "REFUSED_BY_TARGET",
    "REDIRECTED",
    "UNINTELLIGIBLE_ANSWER",
    "CONNECTION_FAILED",
    "TIMED_OUT",
    "INPUT_FAILED",
    "REQUEST_INVALID",
    "NO_PERMISSIONS",
    "NO_RESOURCE",
    "FORWARDING_LOOP",
    "FORWARDED_TOO_OFTEN",
    "FORWARDING_FAILED",
    "NO_CREDENTIALS",
    "ADDRESS_FORBIDDEN",
    "TARGET_REMOVED",
    "EVENT_UNREADABLE",
    "EVENT_DAMAGED",
    "INTERNAL_ERROR",
    "EVENT_TOO_OLD",
];

/// Tasks in which a bug can be caught.
const TASKS: &[&str] = &[
    "request",
    "connection",
    "attempt",
    "dead-letter queue",
    "worker",
    "api",
    "scheduler",
    "dispatcher",
    "upkeep",
    "index folding",
    "traces",
    "admin",
];

impl DeadLetterMetrics {
    fn new(make: &Catalogue<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            given_up: make.counters(
                "eventyard_dead_letters_total",
                "Deliveries given up",
                &[("code", "`ERROR_CODE` of the last attempt, or of why there was none")],
            )?,
            expired: make.counters(
                "eventyard_dead_letters_expired_total",
                "Dead letters deleted because they were too old or too many",
                &[(
                    "bound",
                    "the option that bounds them: `dead_letters.retention_days`, `dead_letters.size_bytes_max`",
                )],
            )?,
            redriven: make.counter(
                "eventyard_dead_letters_redriven_total",
                "Dead letters whose events were owed to their targets again",
            )?,
            queued: make.counter(
                "eventyard_dead_letters_queued_total",
                "Dead letters of which a copy was sent to the queue of the target's `DeadLetterConfig`",
            )?,
            not_queued: make.counter(
                "eventyard_dead_letters_not_queued_total",
                "Copies of dead letters that were given up: the queue or URL of the target's `DeadLetterConfig` refused them, or took none for a day",
            )?,
            purged: make.counter("eventyard_dead_letters_purged_total", "Dead letters deleted by hand")?,
            bytes: make.gauge(
                "eventyard_dead_letters_bytes",
                "Bytes that all dead letters take, looked at every five seconds",
            )?,
        })
    }
}

impl ScheduleMetrics {
    fn new(make: &Catalogue<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            fired: make.counter("eventyard_schedules_fired_total", "Firings of rules by their schedule")?,
            missed: make.counter(
                "eventyard_schedules_missed_total",
                "Firings that were due while the daemon did not run, or that its clock was put past, and are not made up for",
            )?,
            lateness_seconds: make.histogram(
                "eventyard_schedule_lateness_seconds",
                "Time from when a firing was due, its jitter included, until it was on disk",
                SECONDS,
            )?,
        })
    }
}

impl StorageMetrics {
    fn new(make: &Catalogue<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            bytes: make.gauges(
                "eventyard_storage_bytes",
                "Bytes on disk in the data directory, looked at every five seconds",
                &[("part", "`store` (rules, targets, event buses) or `journal` (all else)")],
            )?,
            free_bytes: make.gauge(
                "eventyard_storage_free_bytes",
                "Bytes free for the daemon on the disk of the data directory, looked at every five seconds",
            )?,
            free_bytes_min: make.gauge(
                "eventyard_storage_free_bytes_min",
                "`journal.free_space_bytes_min`: with less room than that PutEvents is refused",
            )?,
            owed_bytes: make.gauge(
                "eventyard_journal_owed_bytes",
                "Bytes of events that are owed and of what shares a segment with them, which `journal.size_bytes_max` bounds; looked at every five seconds",
            )?,
            backups: make.counters(
                "eventyard_backups_total",
                "Backups that a running daemon was asked for",
                &[("outcome", "`taken` or `failed`")],
            )?,
            quarantined: make.counter(
                "eventyard_journal_quarantined_total",
                "Damaged entries and places of the journal that were put aside in `quarantine.jsonl`",
            )?,
        })
    }
}

impl Metrics {
    #[expect(clippy::too_many_lines, reason = "it is a table")]
    pub(super) fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let make = Catalogue::new(&registry);
        let build = make.gauges("eventyard_build_info", "Always 1", &[("version", "the release that runs")])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let metrics = Self {
            requests: make.counters(
                "eventyard_api_requests_total",
                "Requests answered",
                &[
                    (
                        "operation",
                        "Amazon's name, `POST /events`, `POST /cloudevents`, or `Unknown` for all that is none",
                    ),
                    ("code", "the error code, empty when it succeeded"),
                ],
            )?,
            request_seconds: make.histogram(
                "eventyard_api_request_seconds",
                "Time from a request's last byte to its answer",
                SECONDS,
            )?,
            authentication_failures: make.counters(
                "eventyard_authentication_failures_total",
                "Requests that were not let in",
                &[("reason", "see [When a client is refused](OPERATIONS.md#when-a-client-is-refused)")],
            )?,
            dangerous_allow_anonymous: make.gauge(
                "eventyard_dangerous_allow_anonymous",
                "1 while whoever can connect from another machine can do everything on at least one listener",
            )?,
            events_received: make.counter(
                "eventyard_events_received_total",
                "Events accepted by PutEvents, POST /events or POST /cloudevents",
            )?,
            events_rejected: make.counters(
                "eventyard_events_rejected_total",
                "Entries refused one by one",
                &[("code", "the ErrorCode of the entry")],
            )?,
            events_deduplicated: make.counter(
                "eventyard_events_deduplicated_total",
                "Accepted events that had been put before, by their deduplication id, and were left away",
            )?,
            events_unmatched: make.counter(
                "eventyard_events_unmatched_total",
                "Accepted events that are owed to nobody: no rule took them, or the rule had no target",
            )?,
            commit_groups: make.counter(
                "eventyard_commit_groups_total",
                "Groups with events written to the journal, with one fsync each",
            )?,
            commit_group_events: make.histogram(
                "eventyard_commit_group_events",
                "Events in one commit group",
                COUNTS,
            )?,
            commit_seconds: make.histogram(
                "eventyard_commit_seconds",
                "Time to write and fsync one commit group: the disk's part of the latency of PutEvents",
                SECONDS,
            )?,
            events_committed: make.counter(
                "eventyard_events_committed_total",
                "Events written to the journal because a delivery is owed",
            )?,
            deliveries_committed: make
                .counter("eventyard_deliveries_committed_total", "Deliveries owed, counted when they were committed")?,
            journal_full: make.gauge(
                "eventyard_journal_full",
                "1 while the disk has too little room, and PutEvents is refused",
            )?,
            backlog_full: make.gauge(
                "eventyard_backlog_full",
                "1 while more is owed than `journal.size_bytes_max`, and PutEvents is refused",
            )?,
            journal_failures: make.counter(
                "eventyard_journal_failures_total",
                "Failed writes to the journal; the first one ends the daemon",
            )?,
            segments_dropped: make.counter(
                "eventyard_journal_segments_dropped_total",
                "Event segments deleted because nothing in them is owed any more",
            )?,
            attempts: make.counters(
                "eventyard_delivery_attempts_total",
                "Delivery attempts",
                &[("outcome", "`DELIVERED` or an ERROR_CODE of [COMPATIBILITY](COMPATIBILITY.md#delivery)")],
            )?,
            retries: make.counter(
                "eventyard_delivery_retries_total",
                "Delivery attempts that were not the first of their delivery",
            )?,
            attempt_seconds: make.histogram(
                "eventyard_delivery_attempt_seconds",
                "Time of one delivery attempt",
                SECONDS,
            )?,
            end_to_end_seconds: make.histogram(
                "eventyard_delivery_end_to_end_seconds",
                "Time from the acceptance of an event to its delivery",
                &[SECONDS, UP_TO_A_DAY].concat(),
            )?,
            dead_letters: DeadLetterMetrics::new(&make)?,
            circuit_breaker_transitions: make.counters(
                "eventyard_circuit_breaker_transitions_total",
                "Changes of state of the circuit breakers of targets",
                &[("to", "the new state: `open`, `half_open` or `closed`")],
            )?,
            backlog_read_failures: make.counter(
                "eventyard_backlog_read_failures_total",
                "Times that the journal could not say what is owed, which stays pending",
            )?,
            schedules: ScheduleMetrics::new(&make)?,
            spans_exported: make
                .counter("eventyard_trace_spans_exported_total", "Spans that the collector of traces took")?,
            spans_dropped: make.counters(
                "eventyard_trace_spans_dropped_total",
                "Spans that the collector of traces did not get",
                &[("reason", "`queue_full`: more came than were sent; `not_taken`: it did not answer, or refused them")],
            )?,
            task_panics: make.counters(
                "eventyard_task_panics_total",
                "Bugs that were caught",
                &[("task", "`request`, `connection`, `attempt`, `worker`, or a part of the daemon")],
            )?,
            configuration_reload_failures: make.counter(
                "eventyard_configuration_reload_failures_total",
                "Times that the configuration, or a part of it, could not be read again at SIGHUP; what was before goes on",
            )?,
            tls_reload_failures: make.counter(
                "eventyard_tls_reload_failures_total",
                "Certificates that could not be read again at SIGHUP; the ones from before go on",
            )?,
            deliveries_pending: make.gauge("eventyard_deliveries_pending", "Deliveries owed and not yet settled")?,
            oldest_untried_seconds: make.gauge(
                "eventyard_oldest_untried_event_seconds",
                "Age of the event that has waited longest for its first attempt at some target, looked at every five seconds; 0 when none waits",
            )?,
            targets_active: make.gauge(
                "eventyard_targets_active",
                "Targets with a worker: owed something now or in the last seconds",
            )?,
            targets_paused: make.gauge(
                "eventyard_targets_paused",
                "Targets that are paused by `eventyard:paused` and owed something",
            )?,
            circuit_breakers_open: make.gauge(
                "eventyard_circuit_breakers_open",
                "Targets whose circuit breaker is open or half open: they failed again and again and are left alone",
            )?,
            targets: TargetMetrics::new(&make)?,
            rules: make.gauge("eventyard_rules", "Rules in the store")?,
            storage: StorageMetrics::new(&make)?,
            process: ProcessMetrics::new(&make)?,
            descriptions: make.descriptions(),
            registry: registry.clone(),
        };
        metrics.begin_at_zero();
        Ok(metrics)
    }

    /// So that the first rise of each can be seen.
    fn begin_at_zero(&self) {
        for state in ["open", "half_open", "closed"] {
            self.circuit_breaker_transitions.with_label_values(&[state]);
        }
        for bound in ["dead_letters.retention_days", "dead_letters.size_bytes_max"] {
            self.dead_letters.expired.with_label_values(&[bound]);
        }
        for reason in ["queue_full", "not_taken"] {
            self.spans_dropped.with_label_values(&[reason]);
        }
        for outcome in ["taken", "failed"] {
            self.storage.backups.with_label_values(&[outcome]);
        }
        self.attempts.with_label_values(&["DELIVERED"]);
        for code in ERROR_CODES {
            self.attempts.with_label_values(&[*code]);
            self.dead_letters.given_up.with_label_values(&[*code]);
        }
        for code in ENTRY_ERRORS {
            self.events_rejected.with_label_values(&[*code]);
        }
        for reason in AUTHENTICATION_FAILURES {
            self.authentication_failures.with_label_values(&[*reason]);
        }
        for task in TASKS {
            self.task_panics.with_label_values(&[*task]);
        }
    }

    /// The same for the requests to each of `operations` that are answered with one of `codes`.
    pub fn begin_requests<'a>(&self, operations: impl Iterator<Item = &'a str>, codes: [&str; 2]) {
        for operation in operations {
            for code in codes {
                self.requests.with_label_values(&[operation, code]);
            }
        }
    }

    /// What each metric is, by name.
    #[must_use]
    pub fn descriptions(&self) -> &[Description] {
        &self.descriptions
    }

    pub(super) fn encode(&self) -> String {
        self.process.read();
        let mut text = Vec::new();
        // Encoding into memory fails only for a metric without a name.
        if TextEncoder::new().encode(&self.registry.gather(), &mut text).is_err() {
            return String::new();
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}

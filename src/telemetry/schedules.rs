//! Facts of schedules.

use std::time::Duration;

use eventyard_core::clock::Timestamp;

use super::{Fact, Metrics, millis};

/// By what `log.level` names these lines.
const TARGET: &str = "eventyard::scheduler";

/// A rule fired by its schedule; what it owes is on disk.
#[derive(Debug)]
pub struct ScheduleFired<'a> {
    /// The ARN of the rule.
    pub rule_arn: &'a str,
    /// The time that the expression names.
    pub due: Timestamp,
    /// How much later than that, and than its jitter, it is.
    pub lateness: Duration,
}

impl Fact for ScheduleFired<'_> {
    fn record(&self, metrics: &Metrics) {
        metrics.schedules.fired.inc();
        metrics.schedules.lateness_seconds.observe(self.lateness.as_secs_f64());
        let Self { rule_arn, due, lateness } = self;
        tracing::debug!(target: TARGET, rule_arn, %due, lateness_ms = millis(*lateness), "schedule fired");
    }
}

/// Firings that will not be made up for.
#[derive(Debug)]
pub struct FiringsMissed<'a> {
    /// The ARN of the rule.
    pub rule_arn: &'a str,
    /// How many.
    pub count: u64,
}

impl Fact for FiringsMissed<'_> {
    fn record(&self, metrics: &Metrics) {
        metrics.schedules.missed.inc_by(self.count);
        tracing::warn!(target: TARGET, rule_arn = self.rule_arn, count = self.count, "schedule missed");
    }
}

/// The clock of the system was put back.
#[derive(Debug)]
pub struct ClockSetBack {
    /// By how much.
    pub by: Duration,
}

impl Fact for ClockSetBack {
    fn record(&self, _: &Metrics) {
        tracing::warn!(target: TARGET, by_ms = millis(self.by), "the clock was put back; what fired already does not fire again until it is past");
    }
}

//! Facts of the rules that are declared in files.

use super::{Fact, Metrics};

/// By what `log.level` names these lines.
const TARGET: &str = "eventyard::rules";

/// A rule was made what a file declares, or deleted because none declares it any more.
#[derive(Debug)]
pub struct ManagedRuleApplied<'a> {
    /// Which rule.
    pub rule_arn: &'a str,
    /// `created`, `changed` or `deleted`.
    pub change: &'static str,
}

impl Fact for ManagedRuleApplied<'_> {
    fn record(&self, _: &Metrics) {
        tracing::info!(target: TARGET, rule_arn = self.rule_arn, change = self.change, "managed rule applied");
    }
}

/// All files were applied.
#[derive(Debug, Default)]
pub struct ManagedRulesApplied {
    /// Rules that were not there.
    pub created: usize,
    /// Rules that were others.
    pub changed: usize,
    /// Rules that were so already.
    pub unchanged: usize,
    /// Rules that no file declares any more.
    pub deleted: usize,
}

impl Fact for ManagedRulesApplied {
    fn record(&self, _: &Metrics) {
        tracing::info!(
            target: TARGET,
            created = self.created,
            changed = self.changed,
            unchanged = self.unchanged,
            deleted = self.deleted,
            "managed rules applied"
        );
    }
}

/// The files could not be applied when they were read again.
#[derive(Debug)]
pub struct ManagedRulesFailed<'a> {
    /// What is wrong with them, and where; each is a line.
    pub faults: &'a [String],
}

impl Fact for ManagedRulesFailed<'_> {
    fn record(&self, _: &Metrics) {
        for fault in self.faults {
            tracing::error!(target: TARGET, reason = fault, "managed rules not applied");
        }
    }
}

//! Metrics of single targets, of so many as `metrics.targets_max` allows; all others share one set of series.
//!
//! A target gets its series when a worker begins on it and loses them when it is removed, so that series do not pile up with
//! targets that are no more.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec};

use super::catalogue::{Catalogue, Label};

/// What stands in the labels of the series that all others share.
const OTHER: &str = "other";

/// Targets that have series of their own, where nobody says how many.
const TARGETS_MAX: usize = 200;

const EVENT_BUS: Label =
    ("event_bus", "name of the event bus, or `other` for all targets beyond `metrics.targets_max`");
const RULE: Label = ("rule", "ARN of the rule, or `other`");
const TARGET: Label = ("target", "id of the target within its rule, or `other`");

/// The metrics of single targets.
#[derive(Debug)]
pub struct TargetMetrics {
    attempts: IntCounterVec,
    dead_letters: IntCounterVec,
    open: IntGaugeVec,
    targets_max: usize,
    other: Arc<TargetSeries>,
    /// By the ARN of the rule and the id of the target.
    known: RwLock<HashMap<String, HashMap<String, Arc<TargetSeries>>>>,
}

/// The series of one target.
#[derive(Debug)]
pub struct TargetSeries {
    pub(super) delivered: IntCounter,
    pub(super) failed: IntCounter,
    pub(super) dead_letters: IntCounter,
    /// Whether its circuit breaker is not closed; how many of them are, in the series that all others share.
    pub open: IntGauge,
}

impl TargetMetrics {
    pub(super) fn new(make: &Catalogue<'_>) -> prometheus::Result<Self> {
        let attempts = make.counters(
            "eventyard_target_attempts_total",
            "Delivery attempts by target",
            &[EVENT_BUS, RULE, TARGET, ("outcome", "`delivered` or `failed`")],
        )?;
        let dead_letters = make.counters(
            "eventyard_target_dead_letters_total",
            "Deliveries given up, by target",
            &[EVENT_BUS, RULE, TARGET],
        )?;
        let open = make.gauges(
            "eventyard_target_circuit_breaker_open",
            "1 while the circuit breaker of the target is open or half open; in `other` how many are",
            &[EVENT_BUS, RULE, TARGET],
        )?;
        let other = Arc::new(TargetSeries::new(&attempts, &dead_letters, &open, [OTHER; 3]));
        Ok(Self { attempts, dead_letters, open, targets_max: TARGETS_MAX, other, known: RwLock::default() })
    }

    pub(super) fn limit(&mut self, targets_max: usize) {
        self.targets_max = targets_max;
    }

    /// Gives the target series of its own, if there is room and it `is_there`. That is asked while nobody can be forgotten, so a
    /// target that is removed meanwhile does not come back.
    pub fn admit(&self, rule_arn: &str, target_id: &str, is_there: impl FnOnce() -> bool) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let is_known = known.get(rule_arn).is_some_and(|targets| targets.contains_key(target_id));
        let count: usize = known.values().map(HashMap::len).sum();
        if is_known || count >= self.targets_max || !is_there() {
            return;
        }
        let labels = [event_bus(rule_arn), rule_arn, target_id];
        let series = TargetSeries::new(&self.attempts, &self.dead_letters, &self.open, labels);
        known.entry(rule_arn.to_owned()).or_default().insert(target_id.to_owned(), Arc::new(series));
    }

    /// The series of a target, or those that all others share.
    #[must_use]
    pub fn of(&self, rule_arn: &str, target_id: &str) -> Arc<TargetSeries> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.get(rule_arn).and_then(|targets| targets.get(target_id)).unwrap_or(&self.other))
    }

    pub(super) fn forget(&self, rule_arn: &str, target_id: &str) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let Some(targets) = known.get_mut(rule_arn) else { return };
        if targets.remove(target_id).is_some() {
            self.remove_series(rule_arn, target_id);
        }
        if targets.is_empty() {
            known.remove(rule_arn);
        }
    }

    pub(super) fn forget_all(&self) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for (rule_arn, targets) in known.drain() {
            for target_id in targets.keys() {
                self.remove_series(&rule_arn, target_id);
            }
        }
    }

    /// Each was made with the others, so none is missing.
    fn remove_series(&self, rule_arn: &str, target_id: &str) {
        let [bus, rule, target] = [event_bus(rule_arn), rule_arn, target_id];
        for outcome in ["delivered", "failed"] {
            let _ = self.attempts.remove_label_values(&[bus, rule, target, outcome]);
        }
        let _ = self.dead_letters.remove_label_values(&[bus, rule, target]);
        let _ = self.open.remove_label_values(&[bus, rule, target]);
    }
}

impl TargetSeries {
    fn new(
        attempts: &IntCounterVec,
        dead_letters: &IntCounterVec,
        open: &IntGaugeVec,
        [bus, rule, target]: [&str; 3],
    ) -> Self {
        Self {
            delivered: attempts.with_label_values(&[bus, rule, target, "delivered"]),
            failed: attempts.with_label_values(&[bus, rule, target, "failed"]),
            dead_letters: dead_letters.with_label_values(&[bus, rule, target]),
            open: open.with_label_values(&[bus, rule, target]),
        }
    }
}

/// The name of the event bus that a rule is on, by the rule's ARN: `…:rule/name` or `…:rule/bus/name`.
fn event_bus(rule_arn: &str) -> &str {
    let path = rule_arn.split_once(":rule/").map_or("", |(_, path)| path);
    path.rsplit_once('/').map_or("default", |(bus, _)| bus)
}

#[cfg(test)]
mod tests {
    use crate::telemetry::{DeliveryDied, TargetsRemoved, Telemetry};

    const RULE_ARN: &str = "arn:aws:events:us-east-1:000000000000:rule";

    fn died(telemetry: &Telemetry, rule_arn: &str) {
        let (code, message) = ("TIMED_OUT", "");
        telemetry.record(&DeliveryDied { event: None, target_id: "t", rule_arn, code, message, attempts: 1 });
    }

    fn series(telemetry: &Telemetry) -> Vec<String> {
        let lines: Vec<_> = telemetry.encode().lines().map(str::to_owned).collect();
        lines.into_iter().filter(|line| line.starts_with("eventyard_target_")).collect()
    }

    #[test]
    fn ten_thousand_rules_have_the_series_of_so_many_targets_as_are_allowed() {
        let telemetry = Telemetry::new().unwrap().with_targets_max(50);
        let before = series(&telemetry).len();
        for number in 0..10_000 {
            let rule_arn = format!("{RULE_ARN}/rule-{number}");
            telemetry.metrics().targets.admit(&rule_arn, "t", || true);
            died(&telemetry, &rule_arn);
        }
        assert_eq!(series(&telemetry).len(), before + 4 * 50);
        let others = r#"eventyard_target_dead_letters_total{event_bus="other",rule="other",target="other"} 9950"#;
        assert!(series(&telemetry).iter().any(|line| line == others), "{:#?}", series(&telemetry));
    }

    #[test]
    fn a_target_that_is_removed_gives_its_place_to_another() {
        let telemetry = Telemetry::new().unwrap().with_targets_max(1);
        let (first, second) = (format!("{RULE_ARN}/first"), format!("{RULE_ARN}/orders/second"));
        let admit = |rule_arn: &str| telemetry.metrics().targets.admit(rule_arn, "t", || true);
        admit(&first);
        admit(&second);
        died(&telemetry, &first);
        died(&telemetry, &second);
        telemetry.record(&TargetsRemoved { rule_arn: &first, target_ids: &["t"] });
        // What still comes of it, such as the end of an attempt, does not bring it back.
        died(&telemetry, &first);
        telemetry.metrics().targets.admit(&first, "t", || false);
        admit(&second);
        died(&telemetry, &second);
        let lines = series(&telemetry);
        assert!(!lines.iter().any(|line| line.contains("rule/first")), "{lines:#?}");
        let second = format!(r#"total{{event_bus="orders",rule="{second}",target="t"}} 1"#);
        assert!(lines.iter().any(|line| line.ends_with(&second)), "{lines:#?}");
        assert!(lines.iter().any(|line| line.ends_with(r#"rule="other",target="other"} 2"#)), "{lines:#?}");
    }
}

//! What schedules fired: of each rule every due time once, and none left out.

use std::collections::{BTreeMap, BTreeSet};

use eventyard_core::clock::Timestamp;
use serde_json::Value;

/// From one due time to the next, of all rules.
const PERIOD_MS: i64 = 60_000;

/// The ids of events by rule and due time in milliseconds.
#[derive(Debug, Default)]
pub(crate) struct Firings(BTreeMap<String, BTreeMap<i64, BTreeSet<String>>>);

impl Firings {
    /// Notes an event if it is one of a schedule.
    pub(crate) fn take(&mut self, event: &Value) -> bool {
        if event["source"] != "aws.events" {
            return false;
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let due = Timestamp::parse_rfc3339(&text(&event["time"])).map_or(0, Timestamp::as_millis);
        let rule = self.0.entry(text(&event["resources"][0])).or_default();
        rule.entry(due).or_default().insert(text(&event["id"]));
        true
    }

    pub(crate) fn count(&self) -> usize {
        self.0.values().map(BTreeMap::len).sum()
    }

    /// What is wrong with them, if no delivery is owed.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (rule, dues) in &self.0 {
            for (due, ids) in dues {
                if ids.len() > 1 {
                    faults.push(format!("{rule} fired {} times for {due}", ids.len()));
                }
            }
            let dues: Vec<_> = dues.keys().collect();
            for pair in dues.windows(2) {
                if pair[1] - pair[0] != PERIOD_MS {
                    faults.push(format!("{rule} fired for {} and then for {}", pair[0], pair[1]));
                }
            }
        }
        faults
    }
}

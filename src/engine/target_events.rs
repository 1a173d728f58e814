//! Events about targets: what happens to a target is put on the default event bus of its rule's account and region, so that
//! rules can tell somebody.
//!
//! They cannot feed themselves. A rule is not told about its own targets, and a circuit breaker is told about when it opens and
//! when it closes again, not each time that a probe fails. So a target that stays down is told about once, and one that
//! comes and goes twice for each time that its breaker was open.

use std::time::Duration;

use eventyard_core::event::{EventEntry, EventId};
use eventyard_core::name::{EventBusKey, EventBusName};
use serde_json::json;

use super::{ActiveTarget, Engine};
use crate::telemetry::Warned;

/// What happened to a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetEvent {
    /// Its circuit breaker opened, for so long at first.
    CircuitBreakerOpened(Duration),
    /// Its circuit breaker closed again.
    CircuitBreakerClosed,
    /// It is paused.
    Paused,
    /// It is paused no longer.
    Resumed,
}

impl TargetEvent {
    fn detail_type(self) -> &'static str {
        match self {
            Self::CircuitBreakerOpened(_) => "Circuit Breaker Opened",
            Self::CircuitBreakerClosed => "Circuit Breaker Closed",
            Self::Paused => "Target Paused",
            Self::Resumed => "Target Resumed",
        }
    }
}

impl Engine {
    /// Puts an event about a target on the default event bus. It is written as others are, but nobody waits for it: one that
    /// cannot be written is named in the log.
    pub fn publish(&self, target: &ActiveTarget, what: TargetEvent) {
        let (rule, received) = (&target.rule, self.clock.now());
        let mut detail = json!({
            "rule": rule.name.as_str(), "event-bus": rule.bus.name.as_str(),
            "target-id": target.target.id.as_str(), "target-arn": target.target.arn,
        });
        if let TargetEvent::CircuitBreakerOpened(wait) = what {
            detail["open-ms"] = json!(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        }
        let (detail, resources) = (detail.to_string(), [target.rule_arn.clone()]);
        let entry = EventEntry {
            source: Some("eventyard"),
            detail_type: Some(what.detail_type()),
            detail: Some(&detail),
            resources: &resources,
            ..EventEntry::default()
        };
        let id = EventId::new(received, self.random.next_u128());
        let bus = EventBusKey { name: EventBusName::default_bus(), ..rule.bus.clone() };
        let event = entry.accept(id, received, &bus.account, &bus.region);
        let Some(owed) = event.ok().and_then(|event| self.owe_without(&bus, event, Some(rule)).ok()) else { return };
        // Without a runtime there is nobody who could deliver it either.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (journal, telemetry) = (self.journal.clone(), std::sync::Arc::clone(&self.telemetry));
        runtime.spawn(async move {
            if let Err(error) = journal.commit(vec![owed]).await {
                telemetry.record(&Warned { message: &format!("an event about a target is lost: {error}") });
            }
        });
    }
}

//! Forwarding: an event that a rule sends to another event bus enters there as if it had been put.

use eventyard_core::arn::event_bus_arn;
use eventyard_core::event::Event;
use eventyard_core::forwarding::ForwardError;
use eventyard_core::name::EventBusKey;
use eventyard_core::policy::EventFacts;
use eventyard_core::trace_context::TraceContext;
use serde::Deserialize;

use super::tracing::Tracing;
use super::{Caller, Engine};

/// What policies can ask of an event.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Kind {
    source: String,
    detail_type: String,
}

impl Engine {
    /// Whether the event bus is one of this daemon: it is there, in a region and of an account that are served.
    #[must_use]
    pub fn has_event_bus(&self, bus: &EventBusKey) -> bool {
        let accounts = &self.settings.accounts;
        let is_ours = accounts.is_empty() || accounts.contains(&bus.account);
        is_ours && self.serves(&bus.region) && self.registry().event_bus(bus).is_some()
    }

    /// Puts the event on `to`, on behalf of the account that owns the rule on `from`, in the span `trace`. When it returns, the event is on disk
    /// with the deliveries it owes there. Its envelope stays as it is, also its account and region.
    ///
    /// # Errors
    /// When the policy of `to` does not allow it, there is no such bus, the event was there before, or it could not be
    /// written.
    pub async fn forward(
        &self,
        event: &Event,
        trace: Option<TraceContext>,
        from: &EventBusKey,
        to: &EventBusKey,
    ) -> Result<(), ForwardError> {
        let organization = self.settings.organizations.get(&from.account).cloned();
        let (account, region) = (from.account.clone(), from.region.clone());
        let caller = Caller { account, region, organization, forwarded_from: Vec::new() };
        // An envelope is JSON with both members.
        let Kind { source, detail_type } = serde_json::from_str(&event.envelope).unwrap_or_default();
        let facts = EventFacts { source: &source, detail_type: &detail_type, is_forwarded: true };
        if !self.may_put_event(&caller, to, facts) {
            return Err(ForwardError::NotPermitted { account: from.account.to_string(), bus: event_bus_arn(to) });
        }
        if self.registry().event_bus(to).is_none() {
            return Err(ForwardError::NoSuchEventBus { bus: event_bus_arn(to) });
        }
        let event = Event { trace, ..event.forwarded(from, to, self.clock.now())? };
        let mut tracing = Tracing::new(&self.telemetry, &self.random, event.received);
        if let Some(owed) = tracing.matching(to, event, |event| self.owe(to, event)) {
            let written = self.journal.commit_in_place(owed).await;
            written.map_err(|error| ForwardError::NotWritten(error.to_string()))?;
        }
        tracing.committed();
        Ok(())
    }
}

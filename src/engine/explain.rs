//! Why an event matches the rules of a bus, or why not.

use eventyard_core::arn::EventBusNameOrArn;
use eventyard_core::error::ServiceError;
use eventyard_core::name::{EventBusKey, RuleName};
use eventyard_core::page::{Page, PageRequest};
use eventyard_core::pattern::{Explanation, explain};
use eventyard_core::rule::RuleState;

use super::registry::rule_of;
use super::{Caller, Engine};

/// A rule that has a pattern, and what the pattern makes of an event.
#[derive(Clone, Debug)]
pub struct RuleExplanation {
    /// Which rule.
    pub name: RuleName,
    /// A rule that is disabled is explained as if it were not.
    pub state: RuleState,
    /// Why the event matches or not.
    pub explanation: Explanation,
}

impl Engine {
    /// One page of the rules of a bus that have a pattern, in the order of their names, each with what it makes of the
    /// event. `event` is the text of the whole event.
    ///
    /// # Errors
    /// `ResourceNotFoundException` when the event bus is not there; a `ValidationException` when the event is no JSON.
    pub fn explain(
        &self,
        caller: &Caller,
        bus: Option<EventBusNameOrArn>,
        event: &str,
        page: &PageRequest,
    ) -> Result<Page<RuleExplanation>, ServiceError> {
        self.explain_on(&caller.bus(bus), event, page)
    }

    pub(super) fn explain_on(
        &self,
        bus: &EventBusKey,
        event: &str,
        page: &PageRequest,
    ) -> Result<Page<RuleExplanation>, ServiceError> {
        let rules = {
            let registry = self.registry();
            registry.require_bus(bus)?;
            let rules = registry.rules(bus).filter(|(name, _)| page.is_behind(name.as_str()));
            let entries = rules.filter_map(|(name, entry)| {
                let rule = rule_of(entry);
                let text = rule.event_pattern.clone()?;
                Some((name.to_string(), (name.clone(), rule.state, text)))
            });
            Page::take(entries, page.limit)
        };
        let explained = rules.entries.into_iter().map(|(name, state, text)| {
            let explanation = explain(&self.parse_pattern_unlimited(&text)?, event)
                .map_err(|error| ServiceError::validation(format!("The event is not valid JSON: {error}")))?;
            Ok(RuleExplanation { name, state, explanation })
        });
        Ok(Page { entries: explained.collect::<Result<_, ServiceError>>()?, last: rules.last })
    }
}

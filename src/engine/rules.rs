//! Rules: putting, describing, listing, enabling, disabling, deleting.

use std::sync::Arc;

use eventyard_core::arn::rule_arn;
use eventyard_core::error::{ErrorCode, ServiceError};
use eventyard_core::name::{AccountId, EventBusKey, RuleKey, RuleName, RuleNumber};
use eventyard_core::page::{Page, PageRequest};
use eventyard_core::pattern::index::RuleIndex;
use eventyard_core::pattern::{EventPattern, INVALID_EVENT_PATTERN_PREFIX};
use eventyard_core::rule::{Rule, RuleState};

use super::Engine;
use super::managed_rules::refuse_managed;
use super::schedules::{check_schedule, schedule_of};
use crate::store::{Change, StoredRule};
use crate::telemetry::MemberInert;

/// What `PutRule` is asked for: the whole rule, replacing the one of that name.
#[derive(Clone, Debug)]
pub struct PutRule {
    /// Which rule.
    pub key: RuleKey,
    /// The rule.
    pub rule: Rule,
    /// The account that asks.
    pub caller: AccountId,
}

/// A rule as `DescribeRule` and `ListRules` answer it.
#[derive(Clone, Debug)]
pub struct RuleDescription {
    /// Which rule.
    pub key: RuleKey,
    /// The rule.
    pub rule: Rule,
    /// The account that made it.
    pub created_by: AccountId,
}

impl RuleDescription {
    fn new(key: RuleKey, stored: &StoredRule) -> Self {
        let created_by = stored.creator(&key).clone();
        Self { key, rule: stored.rule.clone(), created_by }
    }
}

impl Engine {
    /// Creates or replaces a rule and answers its ARN. The targets and the tags of a rule that is replaced
    /// stay; a managed rule comes with its tags.
    ///
    /// # Errors
    /// Amazon's, for a bus that is not there, a pattern or schedule that cannot be read, neither of the two, or too many
    /// rules. An existing rule is then unchanged.
    pub fn put_rule(&self, PutRule { key, mut rule, caller }: PutRule) -> Result<String, ServiceError> {
        let pattern = self.check_rule(&key, &rule)?;
        let _changing = self.begin_change();
        let (number, next_number, created_by) = {
            let registry = self.registry();
            registry.require_bus(&key.bus)?;
            let next = registry.next_number();
            match registry.rule(&key) {
                Some(entry) => {
                    if rule.managed_by.is_none() {
                        refuse_managed(&key, entry, false)?;
                        rule.tags = entry.stored.rule.tags.clone();
                    }
                    (entry.stored.number, next, entry.stored.created_by.clone())
                }
                None if self
                    .settings
                    .rules_per_event_bus_max
                    .is_some_and(|max| registry.rule_count(&key.bus) >= max) =>
                {
                    return Err(ServiceError::limit_exceeded());
                }
                None => (RuleNumber(next), next + 1, Some(caller).filter(|caller| *caller != key.bus.account)),
            }
        };
        check_schedule(&key.bus, &rule)?;
        let index = self.reindexed(&key.bus, number, pattern.filter(|_| rule.state.is_enabled()));
        let scheduled_since = self.scheduled_since(self.registry().rule(&key).map(|entry| &entry.stored), &rule);
        let stored = StoredRule { number, rule, scheduled_since, created_by };
        let schedule = schedule_of(&stored).map_err(ServiceError::validation)?;
        self.write(&[Change::PutRule(key.clone(), stored.clone()), Change::NextNumber(next_number)])?;
        let arn = rule_arn(&key);
        if stored.rule.role_arn.is_some() {
            self.telemetry.record(&MemberInert { member: "RoleArn", resource: &arn });
        }
        let before = self.active_targets(&key);
        self.registry_mut().put_rule(key.clone(), stored, index, schedule);
        self.tell_of_options(&key, &before);
        self.count_rules();
        Ok(arn)
    }

    /// What can be said about a rule without knowing the others: its pattern, read.
    pub(super) fn check_rule(&self, key: &RuleKey, rule: &Rule) -> Result<Option<Arc<EventPattern>>, ServiceError> {
        self.registry().require_bus(&key.bus)?;
        if rule.event_pattern.is_none() && rule.schedule_expression.is_none() {
            return Err(ServiceError::validation("Parameter(s) EventPattern or ScheduleExpression must be specified."));
        }
        let Some(text) = &rule.event_pattern else { return Ok(None) };
        self.check_pattern_length(&key.name, text)?;
        self.parse_pattern(text).map(|pattern| Some(Arc::new(pattern)))
    }

    fn check_pattern_length(&self, rule: &RuleName, pattern: &str) -> Result<(), ServiceError> {
        let length_max = self.settings.event_pattern_length_max;
        if pattern.chars().count() <= length_max {
            return Ok(());
        }
        let message = format!("Parameter EventPattern for rule {rule} exceeds limit of {length_max}.");
        Err(ServiceError::new(ErrorCode::LimitExceeded, message))
    }

    /// Reads an event pattern.
    ///
    /// # Errors
    /// Amazon's `InvalidEventPatternException` with the reason and the place.
    pub fn parse_pattern(&self, text: &str) -> Result<EventPattern, ServiceError> {
        EventPattern::parse(text, &self.settings.patterns).map_err(|invalid| {
            ServiceError::new(ErrorCode::InvalidEventPattern, format!("{INVALID_EVENT_PATTERN_PREFIX}{invalid}"))
        })
    }

    /// The longest pattern that may be put, in characters.
    #[must_use]
    pub fn pattern_length_max(&self) -> usize {
        self.settings.pattern_length_max
    }

    /// A rule.
    ///
    /// # Errors
    /// `ResourceNotFoundException` when it or its event bus is not there.
    pub fn describe_rule(&self, key: &RuleKey) -> Result<RuleDescription, ServiceError> {
        let registry = self.registry();
        Ok(RuleDescription::new(key.clone(), &registry.require_rule(key)?.stored))
    }

    /// One page of the rules of a bus whose names begin with `prefix`, in the order of their names.
    ///
    /// # Errors
    /// `ResourceNotFoundException` when the event bus is not there.
    pub fn list_rules(
        &self,
        bus: &EventBusKey,
        prefix: &str,
        page: &PageRequest,
    ) -> Result<Page<RuleDescription>, ServiceError> {
        let registry = self.registry();
        registry.require_bus(bus)?;
        let rules = registry.rules_from(bus, page.begin(prefix));
        let rules = rules.take_while(|(name, _)| name.as_str().starts_with(prefix));
        let entries = rules.map(|(name, entry)| {
            let key = RuleKey { bus: bus.clone(), name: name.clone() };
            (name.to_string(), RuleDescription::new(key, &entry.stored))
        });
        Ok(Page::take(entries, page.limit))
    }

    /// One page of the names of the rules of a bus that have a target with this Arn, each once.
    ///
    /// # Errors
    /// `ResourceNotFoundException` when the event bus is not there.
    pub fn list_rule_names_by_target(
        &self,
        bus: &EventBusKey,
        target_arn: &str,
        page: &PageRequest,
    ) -> Result<Page<String>, ServiceError> {
        let registry = self.registry();
        registry.require_bus(bus)?;
        let rules = registry.rules_from(bus, page.begin(""));
        let rules =
            rules.filter(|(_, entry)| entry.targets.values().any(|(_, active)| active.target.arn == target_arn));
        Ok(Page::take(rules.map(|(name, _)| (name.to_string(), name.to_string())), page.limit))
    }

    /// Enables or disables a rule. What it already owes is delivered either way.
    ///
    /// # Errors
    /// `ResourceNotFoundException` when it or its event bus is not there, `ManagedRuleException` for a managed rule.
    pub fn set_rule_state(&self, key: &RuleKey, state: RuleState) -> Result<(), ServiceError> {
        let _changing = self.begin_change();
        let mut stored = {
            let registry = self.registry();
            let entry = registry.require_rule(key)?;
            refuse_managed(key, entry, false)?;
            entry.stored.clone()
        };
        if stored.rule.state == state {
            return Ok(());
        }
        stored.rule.state = state;
        stored.scheduled_since = self.scheduled_since(Some(&stored), &stored.rule);
        let schedule = schedule_of(&stored).map_err(ServiceError::validation)?;
        // It was accepted when it was put, so it is read without limits that may have been lowered since.
        let pattern = match stored.rule.event_pattern.as_deref() {
            Some(text) => Some(Arc::new(self.parse_pattern_unlimited(text)?)),
            None => None,
        };
        let index = self.reindexed(&key.bus, stored.number, pattern.filter(|_| state.is_enabled()));
        self.write(&[Change::PutRule(key.clone(), stored.clone())])?;
        self.registry_mut().put_rule(key.clone(), stored, index, schedule);
        Ok(())
    }

    /// The index of a bus with this pattern for the rule, or without the rule when there is none. It is made before the
    /// registry is locked for the change, so nobody who matches events waits for it.
    fn reindexed(
        &self,
        bus: &EventBusKey,
        rule: RuleNumber,
        pattern: Option<Arc<EventPattern>>,
    ) -> Arc<RuleIndex<RuleNumber>> {
        let index = self.registry().index(bus).unwrap_or_default();
        let index = match pattern {
            Some(pattern) => index.with(rule, pattern),
            None => index.without(&rule),
        };
        if index.wants_folding() {
            self.folding.notify_one();
        }
        Arc::new(index)
    }

    /// Reads a pattern that was accepted before, perhaps under other limits.
    pub(super) fn parse_pattern_unlimited(&self, text: &str) -> Result<EventPattern, ServiceError> {
        let lifted = eventyard_core::pattern::PatternLimits { wildcard_complexity_max: None, branches_max: None };
        EventPattern::parse(text, &lifted).map_err(|error| self.internal(&error))
    }

    /// Deletes a rule. One that is not there is deleted already.
    ///
    /// # Errors
    /// A `ValidationException` while it has targets; `ResourceNotFoundException` when the event bus is not there;
    /// `ManagedRuleException` for a managed rule, unless by `force`.
    pub fn delete_rule(&self, key: &RuleKey, force: bool) -> Result<(), ServiceError> {
        let _changing = self.begin_change();
        let number = {
            let registry = self.registry();
            registry.require_bus(&key.bus)?;
            let Some(entry) = registry.rule(key) else { return Ok(()) };
            refuse_managed(key, entry, force)?;
            if !entry.targets.is_empty() {
                return Err(ServiceError::validation("Rule can't be deleted since it has targets."));
            }
            entry.stored.number
        };
        let index = self.reindexed(&key.bus, number, None);
        self.write(&[Change::DeleteRule(key.clone())])?;
        self.registry_mut().delete_rule(key, index);
        self.count_rules();
        Ok(())
    }

    pub(super) fn count_rules(&self) {
        let (rules, _) = self.counts();
        self.telemetry.metrics().rules.set(i64::try_from(rules).unwrap_or(i64::MAX));
    }
}

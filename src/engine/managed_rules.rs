//! Managed rules: those that the operator declares in files. Clients of the API change them only by force.

use std::collections::{BTreeMap, BTreeSet};

use eventyard_core::error::{ErrorCode, ServiceError};
use eventyard_core::name::{EventBusKey, RuleKey, TargetId};
use eventyard_core::rule::Rule;
use eventyard_core::target::Target;

use super::registry::{RuleEntry, rule_of};
use super::schedules::check_schedule;
use super::{Engine, PutRule};

/// What `ManagedBy` says of a rule that is declared in a file.
const MANAGED_BY: &str = "eventyard.rules_dir";

/// A rule as it is declared, with all of its targets.
#[derive(Clone, Debug)]
pub struct ManagedRule {
    /// Which rule.
    pub key: RuleKey,
    /// The rule.
    pub rule: Rule,
    /// Its targets.
    pub targets: Vec<Target>,
}

/// What became of a rule that is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It was not there.
    Created,
    /// It was there, and was another.
    Changed,
    /// It is as it is declared already; nothing was written.
    Unchanged,
}

impl Engine {
    /// Says whether a rule could be applied, as far as that is known without the others that are declared.
    ///
    /// # Errors
    /// Amazon's, as for `PutRule` and `PutTargets`; a `ValidationException` for an account that is none of the daemon's.
    pub fn check_managed_rule(&self, managed: &ManagedRule) -> Result<(), ServiceError> {
        let account = &managed.key.bus.account;
        if !self.settings.accounts.is_empty() && !self.settings.accounts.contains(account) {
            return Err(ServiceError::validation(format!("the account {account} is not one of [[accounts]]")));
        }
        self.check_rule(&managed.key, &managed.rule)?;
        check_schedule(&managed.key.bus, &managed.rule)?;
        if managed.targets.len() > self.settings.targets_per_rule_max {
            return Err(ServiceError::limit_exceeded());
        }
        self.check_targets(account, &managed.targets).map(drop)
    }

    /// Says whether there is room on their event buses for all rules that are declared, once those that are declared no
    /// longer are gone. Answers the event buses where there is none.
    #[must_use]
    pub fn overfull_by_managed_rules(&self, declared: &BTreeSet<&RuleKey>) -> Vec<EventBusKey> {
        let Some(max) = self.settings.rules_per_event_bus_max else { return Vec::new() };
        let registry = self.registry();
        let mut new: BTreeMap<&EventBusKey, usize> = BTreeMap::new();
        for key in declared.iter().filter(|key| registry.rule(key).is_none()) {
            *new.entry(&key.bus).or_default() += 1;
        }
        let is_gone = |key: &RuleKey, entry| is_managed(entry) && !declared.contains(key);
        let gone = |bus: &EventBusKey| {
            let rules =
                registry.rules(bus).map(|(name, entry)| (RuleKey { bus: bus.clone(), name: name.clone() }, entry));
            rules.filter(|(key, entry)| is_gone(key, entry)).count()
        };
        let overfull = new.into_iter().filter(|(bus, new)| registry.rule_count(bus) - gone(bus) + new > max);
        overfull.map(|(bus, _)| bus.clone()).collect()
    }

    /// Makes a rule and its targets what is declared. A rule of that name which a client has put becomes a managed one.
    ///
    /// # Errors
    /// Amazon's, as for `PutRule` and `PutTargets`. What was done until then stays; applying it again does the rest.
    pub fn apply_managed_rule(&self, managed: ManagedRule) -> Result<Applied, ServiceError> {
        let ManagedRule { key, rule, targets } = managed;
        let rule = Rule { managed_by: Some(MANAGED_BY.to_owned()), ..rule };
        let (rule_before, targets_before) = {
            let registry = self.registry();
            let entry = registry.rule(&key);
            let targets = entry.into_iter().flat_map(|entry| entry.targets.values());
            let targets: Vec<Target> = targets.map(|(_, active)| active.target.clone()).collect();
            (entry.map(|entry| rule_of(entry).clone()), targets)
        };
        let new: Vec<Target> = targets.iter().filter(|target| !targets_before.contains(target)).cloned().collect();
        let wanted: BTreeSet<&TargetId> = targets.iter().map(|target| &target.id).collect();
        let gone: Vec<TargetId> =
            targets_before.into_iter().map(|target| target.id).filter(|id| !wanted.contains(id)).collect();
        let is_same = rule_before.as_ref() == Some(&rule);
        if is_same && new.is_empty() && gone.is_empty() {
            return Ok(Applied::Unchanged);
        }
        if !is_same {
            self.put_rule(PutRule { caller: key.bus.account.clone(), key: key.clone(), rule })?;
        }
        // First those that go, so that there is room for the new ones under the quota.
        self.remove_targets(&key, &gone, true)?;
        if !new.is_empty() {
            self.put_targets(&key, new, true)?;
        }
        Ok(if rule_before.is_some() { Applied::Changed } else { Applied::Created })
    }

    /// The rules that were declared in files when files were last applied.
    #[must_use]
    pub fn managed_rules(&self) -> Vec<RuleKey> {
        let registry = self.registry();
        registry.all_rules().filter(|(_, entry)| is_managed(entry)).map(|(key, _)| key).collect()
    }

    /// Deletes a rule with its targets. What they are owed becomes dead letters.
    ///
    /// # Errors
    /// `InternalException` when the store cannot be written.
    pub fn delete_managed_rule(&self, key: &RuleKey) -> Result<(), ServiceError> {
        let targets: Vec<TargetId> =
            self.registry().rule(key).into_iter().flat_map(|entry| entry.targets.keys().cloned()).collect();
        if !targets.is_empty() {
            self.remove_targets(key, &targets, true)?;
        }
        self.delete_rule(key, true)
    }
}

/// Whether a rule was declared in a file.
fn is_managed(entry: &RuleEntry) -> bool {
    rule_of(entry).managed_by.as_deref() == Some(MANAGED_BY)
}

/// Amazon's refusal to change a rule that is not the client's own. Only some operations can be forced; its words are the
/// same for all.
pub(super) fn refuse_managed(key: &RuleKey, entry: &RuleEntry, force: bool) -> Result<(), ServiceError> {
    if force || rule_of(entry).managed_by.is_none() {
        return Ok(());
    }
    let message = format!("{} is a managed rule. Set 'force' parameter to true to override.", key.name);
    Err(ServiceError::new(ErrorCode::ManagedRule, message))
}

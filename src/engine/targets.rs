//! Targets: putting, listing, removing, and finding them for a delivery.

use std::fmt::Display;
use std::sync::Arc;

use eventyard_core::arn::rule_arn;
use eventyard_core::error::ServiceError;
use eventyard_core::name::{AccountId, RuleKey, TargetId, TargetNumber};
use eventyard_core::page::{Page, PageRequest};
use eventyard_core::target::{CompiledTarget, DeadLetterDestination, LocalTarget, Target, TargetKind};

use super::managed_rules::refuse_managed;
use super::{ActiveTarget, Engine};
use crate::store::{Change, RemovedTarget, StoredTarget};
use crate::telemetry::TargetsRemoved;

impl Engine {
    /// Adds targets to a rule, or replaces those of the same id. All of them or none.
    ///
    /// # Errors
    /// Amazon's, for a rule that is not there, a target that cannot be used, or too many of them; `ManagedRuleException` for
    /// a managed rule, unless by `force`.
    pub fn put_targets(&self, key: &RuleKey, targets: Vec<Target>, force: bool) -> Result<(), ServiceError> {
        let compiled = self.check_targets(&key.bus.account, &targets)?;
        let _changing = self.begin_change();
        refuse_managed(key, self.registry().require_rule(key)?, force)?;
        let (numbers, next_number) = self.number_targets(key, &targets)?;
        let stored = |(target, number): (&Target, &TargetNumber)| {
            Change::PutTarget(key.clone(), Box::new(StoredTarget { number: *number, target: target.clone() }))
        };
        let mut changes: Vec<Change> = targets.iter().zip(&numbers).map(stored).collect();
        changes.push(Change::NextNumber(next_number));
        self.write(&changes)?;
        let mut registry = self.registry_mut();
        for ((target, number), compiled) in targets.into_iter().zip(numbers).zip(compiled) {
            registry.put_target(key, number, target, compiled);
        }
        Ok(())
    }

    /// What can be said about targets without knowing the others of their rule: what they are, read.
    pub(super) fn check_targets(
        &self,
        account: &AccountId,
        targets: &[Target],
    ) -> Result<Vec<CompiledTarget>, ServiceError> {
        let compiled = targets.iter().map(Target::compile).collect::<Result<Vec<_>, _>>()?;
        self.check_aws_access(account, targets, &compiled)?;
        self.check_addresses(targets, &compiled)?;
        Ok(compiled)
    }

    /// Why the rules of an account may not call AWS services, with this role if with one, and who can change it; none when
    /// they may. They do it with the daemon's key, whoever they belong to, and it may open the roles of all accounts.
    #[must_use]
    pub fn aws_refusal(&self, account: &AccountId, role_arn: Option<&str>) -> Option<String> {
        let accounts = self.settings.aws_target_accounts.as_ref()?;
        if !accounts.contains(account) {
            let advice = "aws_services.accounts names those that may.";
            return Some(format!("the account {account} may not use the AWS key of this daemon; {advice}"));
        }
        let owner = role_arn.and_then(|role_arn| role_arn.split(':').nth(4));
        let is_foreign = owner.is_some_and(|owner| owner != account.as_str());
        is_foreign.then(|| format!("the account {account} may use no role of another account."))
    }

    fn check_aws_access(
        &self,
        account: &AccountId,
        targets: &[Target],
        compiled: &[CompiledTarget],
    ) -> Result<(), ServiceError> {
        for (target, compiled) in targets.iter().zip(compiled) {
            let is_aws = matches!(compiled.kind, TargetKind::Aws(_));
            let role_arn = target.role_arn.as_deref().filter(|_| is_aws);
            let calls_aws = is_aws || matches!(compiled.dead_letters, Some(DeadLetterDestination::Queue(_)));
            if let Some(reason) = self.aws_refusal(account, role_arn).filter(|_| calls_aws) {
                let arn = &target.arn;
                return Err(ServiceError::validation(format!("Parameter {arn} is not valid. Reason: {reason}")));
            }
        }
        Ok(())
    }

    /// Refuses targets at addresses that no delivery may go to, and on parts of this machine that none may use. Where names
    /// lead is seen at each delivery.
    fn check_addresses(&self, targets: &[Target], compiled: &[CompiledTarget]) -> Result<(), ServiceError> {
        targets.iter().zip(compiled).try_for_each(|(target, compiled)| {
            let local = if let TargetKind::Local(local) = &compiled.kind { Some(local) } else { None };
            self.check_place(&target.arn, local, compiled.kind.hosts())?;
            let (Some(dead_letters), Some(arn)) = (&compiled.dead_letters, &target.dead_letter_arn) else {
                return Ok(());
            };
            let local = if let DeadLetterDestination::Local(local) = dead_letters { Some(local) } else { None };
            self.check_place(arn, local, dead_letters.hosts())
        })
    }

    fn check_place(&self, arn: &str, local: Option<&LocalTarget>, hosts: Vec<&str>) -> Result<(), ServiceError> {
        let refused =
            |reason: &dyn Display| ServiceError::validation(format!("Parameter {arn} is not valid. Reason: {reason}."));
        let egress = &self.settings.egress;
        hosts.into_iter().try_for_each(|host| egress.check_host(host).map_err(|forbidden| refused(&forbidden)))?;
        local.map_or(Ok(()), |local| self.settings.local_targets.check(local).map_err(|reason| refused(&reason)))
    }

    /// A number for each target: the one it has, or the next free one.
    fn number_targets(&self, key: &RuleKey, targets: &[Target]) -> Result<(Vec<TargetNumber>, u64), ServiceError> {
        let registry = self.registry();
        let existing = &registry.require_rule(key)?.targets;
        let (mut next, mut added) = (registry.next_number(), std::collections::BTreeMap::new());
        let numbers = targets.iter().map(|target| {
            let known = existing.get(&target.id).map(|(number, _)| *number);
            known.unwrap_or_else(|| {
                *added.entry(&target.id).or_insert_with(|| {
                    next += 1;
                    TargetNumber(next - 1)
                })
            })
        });
        let numbers = numbers.collect();
        if existing.len() + added.len() > self.settings.targets_per_rule_max {
            return Err(ServiceError::limit_exceeded());
        }
        Ok((numbers, next))
    }

    /// One page of a rule's targets, in the order of their ids.
    ///
    /// # Errors
    /// `ResourceNotFoundException` when the rule or its event bus is not there.
    pub fn list_targets_by_rule(&self, key: &RuleKey, page: &PageRequest) -> Result<Page<Target>, ServiceError> {
        let registry = self.registry();
        let targets = registry.require_rule(key)?.targets.iter().filter(|(id, _)| page.is_behind(id.as_str()));
        Ok(Page::take(targets.map(|(id, (_, active))| (id.to_string(), active.target.clone())), page.limit))
    }

    /// Removes targets of a rule; an id that is not there is removed already.
    ///
    /// What a removed target is still owed becomes dead letters with the reason `TARGET_REMOVED`.
    ///
    /// # Errors
    /// `ResourceNotFoundException` when the rule or its event bus is not there; `ManagedRuleException` for a managed rule,
    /// unless by `force`.
    pub fn remove_targets(&self, key: &RuleKey, ids: &[TargetId], force: bool) -> Result<(), ServiceError> {
        let _changing = self.begin_change();
        let removed: Vec<(TargetId, TargetNumber, RemovedTarget)> = {
            let registry = self.registry();
            let entry = registry.require_rule(key)?;
            refuse_managed(key, entry, force)?;
            let targets = &entry.targets;
            let known = ids.iter().filter_map(|id| targets.get(id).map(|(number, active)| (id, number, active)));
            known.map(|(id, number, active)| (id.clone(), *number, remembered(key, &active.target))).collect()
        };
        if removed.is_empty() {
            return Ok(());
        }
        let change = |(id, number, removed): &(TargetId, TargetNumber, RemovedTarget)| {
            Change::RemoveTarget(key.clone(), id.clone(), *number, removed.clone())
        };
        self.write(&removed.iter().map(change).collect::<Vec<_>>())?;
        let numbers: Vec<TargetNumber> = removed.iter().map(|(_, number, _)| *number).collect();
        let gone: Vec<TargetId> = removed.iter().map(|(id, _, _)| id.clone()).collect();
        {
            let mut registry = self.registry_mut();
            for (id, _, target) in removed {
                registry.remove_target(key, &id, target);
            }
        }
        let target_ids: Vec<&str> = gone.iter().map(TargetId::as_str).collect();
        self.telemetry.record(&TargetsRemoved { rule_arn: &rule_arn(key), target_ids: &target_ids });
        // What they are owed has to be settled now, and not at its next retry.
        self.journal.bell().ring(numbers);
        Ok(())
    }

    /// The target as it is now; none when it is gone.
    #[must_use]
    pub fn target(&self, number: TargetNumber) -> Option<Arc<ActiveTarget>> {
        self.registry().target(number)
    }

    /// What is remembered of a target that is gone.
    #[must_use]
    pub fn removed_target(&self, number: TargetNumber) -> Option<Arc<RemovedTarget>> {
        self.registry().removed_target(number)
    }
}

fn remembered(key: &RuleKey, target: &Target) -> RemovedTarget {
    RemovedTarget { rule_arn: rule_arn(key), target_id: target.id.to_string(), target_arn: target.arn.clone() }
}

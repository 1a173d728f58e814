//! Pausing: the targets of a rule are left alone, and what they are owed waits. The tag `eventyard:paused` is the state.

use std::collections::BTreeMap;
use std::sync::Arc;

use eventyard_core::arn::{TaggableResource, rule_arn};
use eventyard_core::delivery_options::with_paused;
use eventyard_core::error::ServiceError;
use eventyard_core::name::{RuleKey, TargetId};

use super::registry::{RuleEntry, rule_of};
use super::{ActiveTarget, Engine, TargetEvent};
use crate::telemetry::TargetPaused;

impl Engine {
    /// Pauses or resumes one target of a rule, or all of them together, and answers which are paused now.
    ///
    /// # Errors
    /// `ResourceNotFoundException` when the rule, its event bus or the target is not there; a `ValidationException` for a
    /// rule that is declared in a file, where its tags stand, and when it would have too many tags.
    pub fn set_paused(
        &self,
        key: &RuleKey,
        target: Option<&TargetId>,
        is_paused: bool,
    ) -> Result<BTreeMap<TargetId, bool>, ServiceError> {
        {
            let registry = self.registry();
            let entry = registry.require_rule(key)?;
            if rule_of(entry).managed_by.is_some() {
                return Err(ServiceError::validation(format!(
                    "{} is declared in a file of managed_rules.rules_dir: write its tag eventyard:paused there",
                    rule_arn(key)
                )));
            }
            if let Some(id) = target.filter(|id| !entry.targets.contains_key::<TargetId>(id)) {
                return Err(ServiceError::not_found(format!("{} has no target {id}.", rule_arn(key))));
            }
        }
        let resource = TaggableResource::Rule(key.clone());
        self.change_tags(&resource, |tags| with_paused(tags, target, is_paused))?;
        Ok(self.active_targets(key).into_iter().map(|(id, active)| (id, active.options.is_paused())).collect())
    }

    /// The targets of a rule, with what its tags say about them.
    pub(super) fn active_targets(&self, key: &RuleKey) -> BTreeMap<TargetId, Arc<ActiveTarget>> {
        let registry = self.registry();
        let targets = registry.rule(key).into_iter().flat_map(|entry| &entry.targets);
        targets.map(|(id, (_, active))| (id.clone(), Arc::clone(active))).collect()
    }

    /// Tells who has to know that the tags of a rule were changed: the workers of its targets, and, of those that are
    /// paused now or no longer, log and event bus. `before` is how the targets were.
    pub(super) fn tell_of_options(&self, key: &RuleKey, before: &BTreeMap<TargetId, Arc<ActiveTarget>>) {
        let numbers: Vec<_> = self.registry().rule(key).into_iter().flat_map(RuleEntry::target_numbers).collect();
        self.journal.bell().ring(numbers);
        for (id, active) in self.active_targets(key) {
            let (was, is_paused) = (before.get(&id), active.options.is_paused());
            if was.is_some_and(|was| was.options.is_paused() != is_paused) {
                self.telemetry.record(&TargetPaused { rule_arn: &active.rule_arn, target_id: id.as_str(), is_paused });
                self.publish(&active, if is_paused { TargetEvent::Paused } else { TargetEvent::Resumed });
            }
        }
    }
}

//! Tags: adding, removing and listing those of rules and event buses.

use eventyard_core::arn::TaggableResource;
use eventyard_core::error::ServiceError;
use eventyard_core::tag::Tags;

use super::Engine;
use super::managed_rules::refuse_managed;
use super::registry::{Registry, rule_of};
use super::schedules::{check_schedule, schedule_of};
use crate::store::Change;

impl Engine {
    /// Adds tags to a resource; a key it has already gets the new value.
    ///
    /// # Errors
    /// `ResourceNotFoundException` when the resource is not there; a `ValidationException` for too many tags;
    /// `ManagedRuleException` for a managed rule.
    pub fn tag_resource(&self, resource: &TaggableResource, tags: Tags) -> Result<(), ServiceError> {
        self.change_tags(resource, |old| old.with(tags))
    }

    /// Removes tags of a resource; a key it does not have is removed already.
    ///
    /// # Errors
    /// `ResourceNotFoundException` when the resource is not there; `ManagedRuleException` for a managed rule.
    pub fn untag_resource(&self, resource: &TaggableResource, keys: &[String]) -> Result<(), ServiceError> {
        self.change_tags(resource, |old| Ok(old.without(keys)))
    }

    /// The tags of a resource.
    ///
    /// # Errors
    /// `ResourceNotFoundException` when the resource is not there.
    pub fn list_tags(&self, resource: &TaggableResource) -> Result<Tags, ServiceError> {
        tags_of(&self.registry(), resource)
    }

    pub(super) fn change_tags(
        &self,
        resource: &TaggableResource,
        change: impl FnOnce(Tags) -> Result<Tags, ServiceError>,
    ) -> Result<(), ServiceError> {
        let _changing = self.begin_change();
        let old = tags_of(&self.registry(), resource)?;
        if let TaggableResource::Rule(key) = resource {
            refuse_managed(key, self.registry().require_rule(key)?, false)?;
        }
        let tags = change(old.clone())?;
        if tags == old {
            return Ok(());
        }
        match resource {
            TaggableResource::EventBus(key) => {
                let mut bus = self.registry().require_bus(key)?;
                bus.tags = tags;
                self.put_event_bus(key, bus)?;
            }
            TaggableResource::Rule(key) => {
                let mut stored = self.registry().require_rule(key)?.stored.clone();
                stored.rule.tags = tags.clone();
                check_schedule(&key.bus, &stored.rule)?;
                let schedule = schedule_of(&stored).map_err(ServiceError::validation)?;
                self.write(&[Change::PutRule(key.clone(), stored)])?;
                let before = self.active_targets(key);
                self.registry_mut().put_rule_tags(key, tags, schedule);
                self.tell_of_options(key, &before);
            }
        }
        Ok(())
    }
}

fn tags_of(registry: &Registry, resource: &TaggableResource) -> Result<Tags, ServiceError> {
    match resource {
        TaggableResource::EventBus(key) => registry.require_bus(key).map(|bus| bus.tags),
        TaggableResource::Rule(key) => registry.require_rule(key).map(|entry| rule_of(entry).tags.clone()),
    }
}

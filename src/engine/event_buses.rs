//! Event buses: creating, describing, listing, updating, deleting. The default bus of an account is always there.

use eventyard_core::arn::{EventBusNameOrArn, event_bus_arn};
use eventyard_core::deduplication::EventBusOptions;
use eventyard_core::error::{ErrorCode, ServiceError};
use eventyard_core::event_bus::EventBus;
use eventyard_core::name::{EventBusKey, EventBusName};
use eventyard_core::page::{Page, PageRequest};

use super::{Caller, Engine};
use crate::store::Change;
use crate::telemetry::MemberInert;

impl Caller {
    /// The event bus that a request names: the caller's default bus when it names none. It may be another account's, so
    /// the engine alone asks for it.
    pub(super) fn bus(&self, name: Option<EventBusNameOrArn>) -> EventBusKey {
        let default = || EventBusNameOrArn { place: None, name: EventBusName::default_bus() };
        name.unwrap_or_else(default).resolve(&self.account, &self.region)
    }

    /// The event bus of the caller that has this name.
    #[must_use]
    pub fn own_bus(&self, name: EventBusName) -> EventBusKey {
        EventBusKey { account: self.account.clone(), region: self.region.clone(), name }
    }
}

impl Engine {
    /// Creates an event bus, which `describe` fills in, and answers it.
    ///
    /// # Errors
    /// `ResourceAlreadyExistsException` when the name is taken, also for the default bus; `LimitExceededException` when
    /// there are too many.
    pub fn create_event_bus(
        &self,
        key: &EventBusKey,
        describe: impl FnOnce(&mut EventBus),
    ) -> Result<EventBus, ServiceError> {
        let _changing = self.begin_change();
        if self.registry().event_bus(key).is_some() {
            let message = format!("Event bus {} already exists.", key.name);
            return Err(ServiceError::new(ErrorCode::ResourceAlreadyExists, message));
        }
        // The default bus is among the names, and the new one is not.
        let count = self.registry().event_bus_names(&key.account, &key.region).len();
        if self.settings.event_buses_per_account_max.is_some_and(|max| count > max) {
            return Err(ServiceError::limit_exceeded());
        }
        let mut bus = EventBus::new(self.clock.now());
        describe(&mut bus);
        self.put_event_bus(key, bus.clone())?;
        self.tell_of_inert_members(key, &bus);
        Ok(bus)
    }

    /// An event bus.
    ///
    /// # Errors
    /// `ResourceNotFoundException` when it is not there.
    pub fn describe_event_bus(&self, key: &EventBusKey) -> Result<EventBus, ServiceError> {
        self.registry().require_bus(key)
    }

    /// One page of the caller's event buses whose names begin with `prefix`, in the order of their names.
    #[must_use]
    pub fn list_event_buses(
        &self,
        caller: &Caller,
        prefix: &str,
        page: &PageRequest,
    ) -> Page<(EventBusName, EventBus)> {
        let registry = self.registry();
        let names = registry.event_bus_names(&caller.account, &caller.region);
        let wanted =
            names.into_iter().filter(|name| name.as_str().starts_with(prefix) && page.is_behind(name.as_str()));
        let entries = wanted.filter_map(|name| {
            let bus = registry.event_bus(&caller.own_bus(name.clone()))?;
            Some((name.to_string(), (name, bus)))
        });
        Page::take(entries, page.limit)
    }

    /// Changes what its owner says about an event bus, and answers it as it is then.
    ///
    /// # Errors
    /// `ResourceNotFoundException` when it is not there.
    pub fn update_event_bus(
        &self,
        key: &EventBusKey,
        change: impl FnOnce(&mut EventBus),
    ) -> Result<EventBus, ServiceError> {
        let _changing = self.begin_change();
        let mut bus = self.registry().require_bus(key)?;
        change(&mut bus);
        bus.modified = self.clock.now();
        self.put_event_bus(key, bus.clone())?;
        self.tell_of_inert_members(key, &bus);
        Ok(bus)
    }

    /// Deletes an event bus. One that is not there is deleted already.
    ///
    /// # Errors
    /// A `ValidationException` for a default bus, and while the bus has rules.
    pub fn delete_event_bus(&self, key: &EventBusKey) -> Result<(), ServiceError> {
        if key.name.is_default() {
            return Err(ServiceError::validation(format!("Cannot delete event bus {}.", key.name)));
        }
        let _changing = self.begin_change();
        {
            let registry = self.registry();
            if registry.event_bus(key).is_none() {
                return Ok(());
            }
            if registry.rule_count(key) > 0 {
                return Err(ServiceError::validation("EventBus can't be deleted since it has rules."));
            }
        }
        self.write(&[Change::DeleteEventBus(key.clone())])?;
        self.registry_mut().delete_event_bus(key);
        Ok(())
    }

    fn tell_of_inert_members(&self, key: &EventBusKey, bus: &EventBus) {
        let inert = [("DeadLetterConfig", bus.dead_letter_arn.is_some()), ("LogConfig", bus.log_config.is_some())];
        for (member, _) in inert.into_iter().filter(|(_, is_there)| *is_there) {
            self.telemetry.record(&MemberInert { member, resource: &event_bus_arn(key) });
        }
    }

    /// Writes an event bus and makes it in memory. The caller of this has begun the change.
    pub(super) fn put_event_bus(&self, key: &EventBusKey, bus: EventBus) -> Result<(), ServiceError> {
        EventBusOptions::from_tags(&bus.tags)?;
        self.write(&[Change::PutEventBus(key.clone(), bus.clone())])?;
        self.registry_mut().put_event_bus(key.clone(), bus);
        Ok(())
    }
}

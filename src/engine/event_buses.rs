//! Event buses.

use eventyard_core::arn::EventBusNameOrArn;
use eventyard_core::name::{EventBusKey, EventBusName};

use super::Caller;

impl Caller {
    /// The event bus that a request names: the caller's default bus when it names none.
    #[must_use]
    pub fn bus(&self, name: Option<EventBusNameOrArn>) -> EventBusKey {
        let default = || EventBusNameOrArn { place: None, name: EventBusName::default_bus() };
        name.unwrap_or_else(default).resolve(&self.account, &self.region)
    }
}

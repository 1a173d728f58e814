//! Any ARN: no panic, and what is read is what its own ARN names.
#![no_main]

use eventyard_core::arn::{EventBusNameOrArn, TaggableResource, event_bus_arn};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(resource) = TaggableResource::parse(text) {
        assert_eq!(TaggableResource::parse(&resource.arn()), Some(resource));
    }
    let Some(bus) = EventBusNameOrArn::parse(text) else { return };
    assert!(EventBusNameOrArn::CONSTRAINT.violations(text).is_empty() || text.chars().count() > 256);
    if let Some((account, region)) = bus.place.clone() {
        let key = bus.clone().resolve(&account, &region);
        assert_eq!(EventBusNameOrArn::parse(&event_bus_arn(&key)), Some(bus));
    }
});

//! The operations on the wire, one file a noun.

pub(super) mod event_buses;
pub(super) mod events;
pub(super) mod permissions;
pub(super) mod rules;
pub(super) mod tags;
mod target_shapes;
pub(super) mod targets;
